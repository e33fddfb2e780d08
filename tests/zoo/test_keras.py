"""The table of keras.io/api/applications: every params column to the unit, and every layer against Keras' own models.

`tests/data/keras_applications.csv` is the published table; `tests/data/keras_networks.csv` says which network each of
its models is, and how many of its parameters Keras 3.15 trains.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from convcost import ops
from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.network import load
from convcost.ops import Shape

HERE = Path(__file__).parents[1]


def read(name: str) -> dict[str, dict[str, str]]:
    with (HERE / "data" / name).open(newline="", encoding="utf-8") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


TABLE = read("keras_applications.csv")
NETWORKS = read("keras_networks.csv")

MODELS: dict[str, tuple[str, dict[str, Any], str]] = {
    **{model: (model, {}, row["network"]) for model, row in NETWORKS.items()},
    # Not in the table, but in Keras: other widths, and MobileNet v3.
    "MobileNet x0.25": ("MobileNet", {"alpha": 0.25}, "mobilenet_v1_0.25@keras"),
    "MobileNet x0.5": ("MobileNet", {"alpha": 0.5}, "mobilenet_v1_0.5@keras"),
    "MobileNet x0.75": ("MobileNet", {"alpha": 0.75}, "mobilenet_v1_0.75@keras"),
    "MobileNetV2 x0.35": ("MobileNetV2", {"alpha": 0.35}, "mobilenet_v2_0.35@keras"),
    "MobileNetV2 x0.5": ("MobileNetV2", {"alpha": 0.5}, "mobilenet_v2_0.5@keras"),
    "MobileNetV2 x0.75": ("MobileNetV2", {"alpha": 0.75}, "mobilenet_v2_0.75@keras"),
    "MobileNetV2 x1.3": ("MobileNetV2", {"alpha": 1.3}, "mobilenet_v2_1.3@keras"),
    "MobileNetV2 x1.4": ("MobileNetV2", {"alpha": 1.4}, "mobilenet_v2_1.4@keras"),
    "MobileNetV3Large": ("MobileNetV3Large", {"input_shape": (224, 224, 3)}, "mobilenet_v3_large@keras"),
    "MobileNetV3Small": ("MobileNetV3Small", {"input_shape": (224, 224, 3)}, "mobilenet_v3_small@keras"),
}


# -- the table -------------------------------------------------------------------------------------------------------


def test_every_row_of_the_table_is_a_network() -> None:
    assert len(TABLE) == 26
    assert list(NETWORKS) == list(TABLE)


@pytest.mark.parametrize("model", TABLE)
def test_params_of_the_table(model: str) -> None:
    row = NETWORKS[model]
    counts = load(row["network"]).price().total.counts
    assert counts.total == int(TABLE[model]["params"])
    assert (counts.trainable, counts.norm_stats) == (int(row["trainable"]), int(row["non_trainable"]))


# -- layer by layer --------------------------------------------------------------------------------------------------


class Weighted(NamedTuple):
    """A layer with weights: their shapes by name, as Keras has them, and its output shape, channels first."""

    weights: tuple[tuple[str, tuple[int, ...]], ...]
    output: Shape


def weighted(output: Shape, **weights: tuple[int, ...] | None) -> Weighted:
    return Weighted(tuple(sorted((name, shape) for name, shape in weights.items() if shape is not None)), output)


def ours(row: Line) -> list[Weighted]:
    """A row of a cost as Keras' layer: from the arguments of its operator, not from the counts that we price."""
    op, x, y = row.op, row.inputs[0], row.shape
    channels = (y[0],)
    match op:
        case ops.Conv():
            kernel = (*sides(op.kernel_size), x[0] // op.groups, op.out_channels)
            return [weighted(y, kernel=kernel, bias=channels if op.bias else None)]
        case ops.DepthwiseConv():
            kernel = (*sides(op.kernel_size), x[0], op.multiplier)
            return [weighted(y, kernel=kernel, bias=channels if op.bias else None)]
        case ops.Linear():
            return [weighted(y, kernel=(prod(x), op.out_features), bias=channels if op.bias else None)]
        case ops.BatchNorm():
            scale, shift, stats = (channels if has else None for has in (op.scale, op.shift, op.stats))
            return [weighted(y, gamma=scale, beta=shift, moving_mean=stats, moving_variance=stats)]
        case ops.Normalize():
            return [weighted(y, mean=channels, variance=channels, count=())]
    assert row.counts.total == 0
    return []


def sides(kernel_size: Any) -> tuple[int, ...]:
    return kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)


def theirs(kind: str, weights: dict[str, list[int]], output: list[int]) -> list[Weighted]:
    """A layer of Keras; a separable convolution as the two that it is."""
    *sizes, channels = output[1:]
    shapes = {name: tuple(shape) for name, shape in weights.items()}
    if kind == "SeparableConv2D":
        depthwise, pointwise = shapes.pop("depthwise_kernel"), shapes.pop("pointwise_kernel")
        between = (depthwise[2] * depthwise[3], *sizes)
        return [weighted(between, kernel=depthwise), weighted((channels, *sizes), kernel=pointwise, **shapes)]
    return [weighted((channels, *sizes), **shapes)]


def multiply_adds(layer: Weighted) -> int:
    """Of a convolution or dense layer: one for each weight and output position."""
    return prod(dict(layer.weights).get("kernel", (0,))) * prod(layer.output[1:])


@pytest.fixture(scope="module")
def keras_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every model, as tests/keras_models.py describes it."""
    asked = json.dumps({name: (model, arguments) for name, (model, arguments, _) in MODELS.items()})
    home = str(tmp_path_factory.mktemp("keras"))  # it writes its configuration there
    environment = {**os.environ, "KERAS_BACKEND": "torch", "KERAS_HOME": home, "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(
        [sys.executable, HERE / "keras_models.py", asked], env=environment, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", MODELS)
def test_every_layer_is_keras_s(name: str, keras_models: dict[str, Any]) -> None:
    """Shapes of all weights and outputs are the same; a multiset, for parallel branches have no order."""
    model, network = keras_models[name], load(MODELS[name][2])
    assert network.input == (model["input"][3], *model["input"][1:3])
    cost: Cost = network.price()
    expected = Counter(layer for described in model["layers"] for layer in theirs(*described))
    found = Counter(layer for row in cost for layer in ours(row))
    assert (found - expected, expected - found) == (Counter(), Counter())
    assert cost.total.counts.total == model["count_params"]
    assert cost.total.macs == sum(multiply_adds(layer) * n for layer, n in expected.items())
