"""Every shipped network: priced in ints, arrays and symbols, and held against published and reference counts.

`tests/data/zoo/*.csv` are golden numbers, each with its source; `tests/data/reference_counts.csv` was measured on the
models of torchvision 0.28, timm 1.0.31 and Cadene's pretrainedmodels 0.7.4, and `tests/data/reference_map.csv` says
which network of ours each of them is (or, in its note, why none is).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ShapeError
from convcost.exact.poly import symbol
from convcost.network import Network, every_variant, load
from convcost.spec import document
from convcost.spec.catalog import shipped, shipped_files
from convcost.spec.model import literal

DATA = Path(__file__).parents[1] / "data"
SPECS = [shipped(path) for path in shipped_files()]
NETWORKS = [network for spec in SPECS for network in every_variant(spec)]


def read(*paths: Path) -> list[dict[str, str]]:
    rows = []
    for path in paths:
        with path.open(newline="", encoding="utf-8") as file:
            rows += [{"file": path.name, "line": str(n), **row} for n, row in enumerate(csv.DictReader(file), 2)]
    return rows


GOLDEN = read(*sorted((DATA / "zoo").glob("*.csv")))
REFERENCE = read(DATA / "reference_counts.csv")
MAPPED = {(row["library"], row["model"]): row for row in read(DATA / "reference_map.csv")}


# -- all specs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_spec_says_what_it_is_and_where_it_comes_from(spec: Any) -> None:
    assert spec.title != spec.name
    assert len(spec.source) > 20
    assert any(len(word) == 4 and word.isdigit() for word in spec.source.replace(",", " ").split()), "the year"


def test_no_name_is_defined_twice() -> None:
    names = [{spec.name, *spec.networks} for spec in SPECS]
    assert [name for name, n in Counter(name for of_spec in names for name in of_spec).items() if n > 1] == []


EVERY_32 = {
    # Caffe rounds its pools up and its convolutions down, side by side in one module.
    "bn_inception@caffe",
    "bn_inception@caffe-folded",
    "bn_inception@cadene",
    # Padded are the maps whose size is even at the network's own input.
    "nasnet_mobile@cadene",
    "nasnet_large@cadene",
    # Upsampled maps are joined with those that they were made of, which must have been even.
    *(f"unet@{variant}" for variant in ("paper", "padded", "pytorch_unet", "pytorch_unet_bilinear")),
    *("unet3d@paper", "unet3d@padded", "enet"),
    *("yolov3@paper", "yolov3@608", "yolov4@paper", "yolov4@416"),
    *(f"yolov{version}{size}" for version in (5, 8) for size in "nsmlx"),
    # What is cut off the finer maps' scores is a number.
    *("fcn16s_vgg16@paper", "fcn8s_vgg16@paper"),
    # A map is halved by its positions at even places and by those at odd ones, of which there must be as many.
    *("darts@paper", "darts@pytorchcv", "darts_cifar@paper"),
    # Convolutions round up, and what stands beside them, poolings or enlarged maps, does not.
    *(network.name for network in NETWORKS if network.spec.name in ("dla", "hrnet")),
}
"""Networks that do not fit every input, but those that differ from their own by multiples of 32."""
EVERY_64 = {f"mobilevit_{size}" for size in ("s", "xs", "xxs")}
"""Those whose smallest map has to divide into patches of 2x2."""
ONE_EACH = sorted({load(name).spec.name: name for name in sorted(EVERY_32)}.values())


@pytest.mark.parametrize("name", ONE_EACH)
def test_networks_that_do_not_fit_every_input(name: str) -> None:
    network = load(name)
    channels, *sizes = network.input
    with pytest.raises(ShapeError, match="of different"):
        network.price((channels, *(symbol(f"S{axis}", at_least=size) for axis, size in enumerate(sizes))))


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_three_number_systems_agree(network: Network) -> None:
    """Ints, arrays and symbols come to the same, at the network's own input and at larger, unequal sizes."""
    channels, *own = network.input
    points = [
        (*(size + 64 * more for size, more in zip(own, (i, j, i), strict=False)), batch)
        for i, j, batch in ((0, 0, 1), (1, 2, 2), (3, 0, 5))
    ]
    expected = [numbers(network.price((channels, *sizes), batch=n)) for *sizes, n in points]

    *sizes, n = (np.array(axis, dtype="int64") for axis in zip(*points, strict=True))
    arrays = numbers(network.price((channels, *sizes), batch=n))
    for k, row in enumerate(expected):
        assert [int(np.broadcast_to(value, (len(points),))[k]) for value in arrays] == row

    step = 64 if network.name in EVERY_64 else 32 if network.name in EVERY_32 else 1
    axes = [step * symbol(f"S{axis}", at_least=size // step) + size % step for axis, size in enumerate(own)]
    symbols = numbers(network.price((channels, *axes), batch=symbol("N")))
    for (*sizes, n), row in zip(points, expected, strict=True):
        values = {**{f"S{axis}": int(size) // step for axis, size in enumerate(sizes)}, "N": n}
        assert [v if isinstance(v, int) else v.evaluate(values) for v in symbols] == row


def numbers(cost: Cost) -> list[Any]:
    """Everything that a network comes to, as one list."""
    lines = (cost.total, cost.with_auxiliary)
    return [number for line in lines for number in (*line.shape, *line.counts, *line.work, line.activations)]


# -- golden numbers --------------------------------------------------------------------------------------------------

QUANTITIES = {
    "params": lambda line: line.params,
    "weights": lambda line: line.weights,
    "biases": lambda line: line.biases,
    "norm_affine": lambda line: line.norm_affine,
    "norm_stats": lambda line: line.norm_stats,
    "total": lambda line: line.counts.total,
    "macs": lambda line: line.macs,
    "activations": lambda line: line.activations,
    "conv_weights": lambda line: line.weights * (line.operator in CONVOLUTIONS),
    "conv_macs": lambda line: line.macs * (line.operator in CONVOLUTIONS),
    "fc_macs": lambda line: line.macs * (line.operator == "linear"),
    "n_conv": lambda line: line.operator in CONVOLUTIONS,
    "n_fc": lambda line: line.operator == "linear",
}
"""What a golden number can count: a sum over layers."""
CONVOLUTIONS = ("conv", "dwconv", "conv_transpose")
SIZES = ("channels", "height", "width")
"""Or the output shape, of a scope that of its last layer."""


def quantity(cost: Cost, name: str) -> int:
    """`macs` at inference, `with_auxiliary_macs`, or `scope:NAME:macs`."""
    rows: Sequence[Line] = [row for row in cost if not row.aux]
    if name.startswith("with_auxiliary_"):
        name, rows = name.removeprefix("with_auxiliary_"), cost
    elif name.startswith("scope:"):
        _, scope, name = name.split(":")
        rows = [row for row in cost if row.name == scope or row.name.startswith(scope + "/")]
        assert rows, f"no scope {scope}"
    if name in SIZES:
        return rows[-1].shape[SIZES.index(name)]  # type: ignore[return-value]  # an int, as the input's
    return sum(QUANTITIES[name](row) for row in rows)


def knobs(text: str) -> dict[str, Any]:
    """`classes=10;shortcut=A` as a dict, each value read as a spec reads it."""
    pairs = [pair.split("=", 1) for pair in text.split(";") if pair]
    return {key: literal(document.parse(f"{key}: {value}", "set").entries[key]) for key, value in pairs}


@cache
def priced(network: str, settings: str, input: str) -> Cost:
    return load(network, **knobs(settings)).price(input or None)


@pytest.mark.parametrize(
    "row",
    GOLDEN,
    ids=lambda row: "-".join(filter(None, (row["network"], row["set"], row["input"], row["quantity"]))),
)
def test_golden_number(row: dict[str, str]) -> None:
    assert row["source"], "a golden number says its source"
    assert quantity(priced(row["network"], row["set"], row["input"]), row["quantity"]) == int(row["expected"])


# -- reference implementations ---------------------------------------------------------------------------------------

COLUMNS = {
    "params": "params",
    "bn_affine_params": "norm_affine",
    "bn_running_stats": "norm_stats",
    "conv_weights": "conv_weights",
    "macs_conv_fc": "macs",
    "conv_macs": "conv_macs",
    "fc_macs": "fc_macs",
    "n_conv": "n_conv",
}


def test_every_reference_row_is_mapped() -> None:
    rows = [(row["library"], row["model"]) for row in REFERENCE]
    assert sorted(rows) == list(MAPPED), "one row each, sorted"
    assert [key for key, row in MAPPED.items() if not row["network"] and not row["note"]] == []


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: f"{row['library']}-{row['model']}")
def test_reference_implementation(row: dict[str, str]) -> None:
    mapped = MAPPED[row["library"], row["model"]]
    if not mapped["network"]:
        pytest.skip(mapped["note"])
    network: Network = load(mapped["network"])
    cost = priced(mapped["network"], mapped["set"], f"{network.input[0]}x{row['input_hw']}x{row['input_hw']}")
    assert {column: quantity(cost, name) for column, name in COLUMNS.items()} == {
        column: int(row[column]) for column in COLUMNS
    }
