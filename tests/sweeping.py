"""Sweeps as their tests run them, and the costs of a design by the layer loop."""

from __future__ import annotations

import csv
import os
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from convcost.cost.memory import peak_memory
from convcost.designs import engines
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, parse_derived, space_of
from convcost.network import Network, load
from convcost.spec import document

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
COMMAND = [sys.executable, "-c", "from convcost.cli import main; main()"]


def swept(network, axes, tmp_path, *, let=(), name="out.csv", engine=engines.serial, **options):
    """The rows of a sweep as dictionaries of text, and its summary."""
    out = tmp_path / name
    space = space_of([parse_axis(axis) for axis in axes], [parse_derived(text) for text in let])
    summary = run(
        plan(network if isinstance(network, Network) else load(network), space, out=out, **options), out, engine
    )
    with out.open(newline="") as file:
        return list(csv.DictReader(file)), summary


def number(text):
    return int(value) if (value := Fraction(text)).denominator == 1 else value


def looped(network, row, names):
    """A design's costs by the layer loop, in ints, with its values read as a knob is: not by any closed form."""
    from convcost.spec.model import literal

    values = {name: literal(document.value(row[name], name)) for name in names}
    channels, height, width = load(network).input
    height = values.pop("H", height)
    shape = (channels, height, values.pop("W", height if "H" in names else width))
    cost = load(network, **{k: v for k, v in values.items() if k != "batch"}).price(shape, values.get("batch", 1))
    return [cost.total.params, cost.total.macs, cost.total.activations, peak_memory(cost)]


def in_blocks_of_ten(name, tmp_path, monkeypatch):
    """A sweep of 65 designs, where its file will be, and the same file written without a stop."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 10)
    out, whole = tmp_path / name, tmp_path / f"whole_{name}"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out)
    run(sweep, whole)
    return sweep, out, whole
