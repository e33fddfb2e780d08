"""Networks layer by layer: VGG as its paper and Keras print it, and the connections of LeNet-5."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from convcost.counters.line import Line
from convcost.network import load
from convcost.ops import elements

DATA = Path(__file__).parents[1] / "data"
KERAS = {"Conv2D": "conv", "MaxPooling2D": "maxpool", "Flatten": "flatten", "Dense": "linear"}


def test_vgg16_is_the_summary_that_keras_prints() -> None:
    with (DATA / "vgg16_keras_layers.csv").open(newline="", encoding="utf-8") as file:
        _input, *summary = csv.DictReader(file)
    expected = [
        (KERAS[row["type"]], tuple(int(row[k]) for k in ("out_c", "out_h", "out_w") if row[k]), int(row["params"]))
        for row in summary
    ]
    cost = load("vgg16@keras").price()
    layers = [(row.operator, row.shape, row.counts.total) for row in cost if row.operator in KERAS.values()]
    assert layers == expected
    assert cost.total.counts.total == sum(params for _, _, params in expected)


def test_lenet5_has_the_connections_of_its_paper() -> None:
    """A connection is an input, or a bias, that a unit reads (LeCun et al. 1998, section II.B)."""
    cost = load("lenet5@paper").price()
    connections = dict.fromkeys(("c1", "s2", "c3", "s4", "c5", "f6", "output"), 0)
    for row in cost:
        connections[row.name.split("/")[0]] += read_by_units(row)
    assert connections == {
        "c1": 122_304,
        "s2": 5_880,
        "c3": 151_600,
        "s4": 2_000,
        "c5": 48_120,
        "f6": 10_164,
        "output": 840,
    }
    assert sum(connections.values()) == 340_908


def read_by_units(row: Line) -> int:
    match row.operator:
        case "conv" | "linear":
            return row.macs + row.work.adds
        case "avgpool":
            return 4 * elements(row.shape)
        case "dwconv":  # the coefficient of a subsampling unit is on the inputs that its mean has read
            return row.work.adds
        case "rbf":
            return elements(row.inputs[0]) * elements(row.shape)
    return 0


@pytest.mark.parametrize(("name", "params"), [("yolov5x", 86_705_005), ("yolov8n", 3_151_904)])
def test_yolo_is_as_ultralytics_deploys_it(name: str, params: int) -> None:
    """ "YOLOv5x summary: 322 layers, 86705005 parameters", and YOLOv8n's, as it prints them after fusing its norms."""
    assert load(name).folded().price().total.params == params
