"""Sweeps: every design costs what the layer loop says, however it is computed."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sweeping import ROOT, looped, swept

from convcost.designs import blocks, engines
from convcost.designs.blocks import Evaluator
from convcost.designs.forms import METRICS, metrics
from convcost.designs.output import about
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, parse_derived, space_of
from convcost.designs.where import chosen, parse_where
from convcost.errors import ConvcostError
from convcost.network import load

SWEEPS = {
    "sizes": ("googlenet", ["H=15:64:7", "W=15:40:5", "batch=1,7"]),
    "widths that round": ("mobilenet_v2", ["width=0.05:1.5:0.05", "H=32:96:32"]),
    "widths that floor": ("mobilenet_v1", ["width=0.1:1:0.07", "H=1:9"]),
    "depth and width": ("efficientnet_b0", ["depth=0.5:2:0.3", "width=0.5:2:0.1", "H=64:96:32"]),
    "words, lists and flags": (
        "resnet34",
        ["block=basic,bottleneck", "units=[1,1,1,1],[2,0,3,1]", "bias=true,false", "H=31:33"],
    ),
    "a rule with powers": ("regnetx_400mf", ["d=8:12", "w_a=20:30:3.3", "H=32,64"]),
    "growth": ("densenet121", ["growth_rate=4:40:6", "H=32:96:16"]),
    "layers whose channels add up to n(n + 1)/2": ("densenet40_k12", ["depth=40:100:12", "growth_rate=12:24:6"]),
    "the same, an odd number each": ("densenet40_k12", ["depth=10:100:18", "growth_rate=13"]),
    "quarters of channels": ("shufflenet_v1_g3", ["channels=120:480:60", "width=0.5:1.5:0.5"]),
    "groups that do not always divide": ("resnext50_32x4d", ["cardinality=1:40:3", "width=1:4"]),
    "symbols that only ints can decide": ("inception_v3", ["H=60:90:3", "W=70:90:4"]),
}


@pytest.mark.parametrize(("network", "axes"), SWEEPS.values(), ids=SWEEPS.keys())
def test_every_design_costs_what_the_layer_loop_says(network, axes, tmp_path):
    names = [axis.partition("=")[0] for axis in axes]
    rows, summary = swept(network, axes, tmp_path)
    assert summary.kept + summary.unfit == summary.designs
    assert len(rows) == summary.kept > 0
    for row in rows:
        assert [int(row[m]) for m in METRICS] == looped(network, row, names), row
    # What is left out does not fit, and what fits is not left out.
    there = {tuple(row[name] for name in names) for row in rows}
    assert len(there) == len(rows)
    for texts in product(*(map(str, map(blocks.show, parse_axis(axis).values)) for axis in axes)):
        if texts not in there:
            with pytest.raises(ConvcostError):
                looped(network, dict(zip(names, texts, strict=True)), names)


def test_known_answers(tmp_path):
    """ResNet-50 at 224x224, from design.md's six-term form by hand; MobileNet v1's of the paper's Table 6."""
    rows, _ = swept("resnet50@v1.5", ["H=224", "batch=1,2"], tmp_path)
    assert [row["macs"] for row in rows] == ["4089184256", "8178368512"]
    rows, _ = swept("mobilenet_v1", ["width=0.25,0.5,0.75,1"], tmp_path, name="mobile.csv")
    assert [round(int(row["macs"]) / 1e6) for row in rows] == [41, 149, 325, 569]


REPEATS = {
    "channels that change in the first step": (
        ["- {repeat: n, layers: 'conv(20, 3, padding=1)'}", "- conv(4, 5)"],
        ["L=3:6", "n=0:3"],
    ),
    "one axis": (["- {repeat: n, layers: 'conv(20, 3, padding=1)'}", "- conv(4, 5)"], ["n=0:9"]),
    "the first steps shrink it": (["- {repeat: n, layers: 'conv(20, 2, 2)'}"], ["n=1:6"]),
    "what only a step needs": (
        ["- {repeat: n, layers: 'conv(3, 7) >> conv(3, 1, padding=3)'}", "- conv(4, 1)"],
        ["n=0:4", "L=1:9"],
    ),
    "what a step and all needs": (
        ["- {repeat: n, layers: 'conv(4*n, 1) >> conv(3, 1)'}", "- conv(4*n, 1)"],
        ["n=0:4", "L=1:9"],
    ),
    "a choice after it": (["- {repeat: n, layers: 'conv(3, 1)'}", "- conv(8 if n > 0 else 4, 1)"], ["n=0:4"]),
    "a layer after it": (["- {repeat: n, layers: 'conv(3, 1)'}", "- conv(4*n, 1)"], ["n=0:4"]),
    "one in another": (
        ["- {repeat: m, layers: {repeat: n-1, layers: 'conv(8, 1)'}}", "- conv(4*n, 1)"],
        ["n=0:4", "m=0:3"],
    ),
}
"""Layers of a spec with the knobs that are swept."""


@pytest.mark.parametrize(("layers", "axes"), REPEATS.values(), ids=REPEATS.keys())
def test_a_repeat_with_too_few_steps_for_its_closed_form_costs_what_its_layers_do(layers, axes, tmp_path):
    """It is not taken for a network that does not fit, and what does not fit is left out."""
    names = [axis.partition("=")[0] for axis in axes]
    knobs = ", ".join(f"{name}: 1" for name in names if name != "L")
    spec = tmp_path / "net.yaml"
    spec.write_text("\n".join(["name: net", "source: x", "input: 3x8", f"knobs: {{{knobs}}}", "layers:", *layers]))
    rows, summary = swept(spec, axes, tmp_path)
    assert summary.kept + summary.unfit == summary.designs
    expected = []
    for values in product(*(parse_axis(axis).values for axis in axes)):
        design = dict(zip(names, values, strict=True))
        size = design.pop("L", 8)
        with suppress(ConvcostError):
            expected.append((*values, *metrics(load(spec, **design).price((3, size)))))
    assert sorted(tuple(int(row[name]) for name in (*names, *METRICS)) for row in rows) == sorted(expected)
    assert len(expected) > 0


def test_conditions_see_the_counts_themselves(tmp_path):
    """Not their closed forms' numerators: DenseNet-40's paper says 1.0M, layer by layer."""
    where = ["params <= 1.1M"]
    rows, _ = swept("densenet40_k12", ["depth=31:49:3", "growth_rate=12:12"], tmp_path, where=where)
    assert [(row["depth"], row["params"]) for row in rows][-1] == ("40", "1019722")
    assert len(rows) == 4


def test_derived_values_and_conditions(tmp_path):
    axes = ["n=1:3", "H=32:64:16"]
    let = ["units=[n, n, 2*n, 1]", "W=2*H", "half=H/3"]
    rows, summary = swept(
        "resnet50", axes, tmp_path, let=let, where=["macs <= 500M and 32 < H", "n*W >= 96", "half < 50"]
    )
    assert [*rows[0]] == ["n", "H", "W", "half", *METRICS]
    expected = []
    for n, height in product((1, 2, 3), (32, 48, 64)):
        total = load("resnet50", units=(n, n, 2 * n, 1)).price((3, height, 2 * height)).total
        if total.macs <= 500_000_000 and height > 32 and n * 2 * height >= 96:
            expected.append((n, height, total.macs))
    assert sorted((int(r["n"]), int(r["H"]), int(r["macs"])) for r in rows) == expected
    assert 0 < len(expected) < summary.designs
    assert {(r["H"], r["half"]) for r in rows} <= {("48", "16"), ("64", "64/3")}


def rows_of(block):
    columns = [[Fraction(int(n), c.denominator) for n in c.numerators] for c in block.columns.values()]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize(("size", "few", "many"), [(2, 0, 3), (5, 1, 1), (3, 9, 3), (7, 0, 0)])
def test_blocks_are_cut_anywhere_and_cost_the_same(size, few, many, monkeypatch):
    """However many designs a block or a form has, the rows are the same."""
    space = space_of([parse_axis("width=0.1:0.7:0.2"), parse_axis("H=32:96:32")])
    sweep = plan(load("mobilenet_v2"), space, out=Path("x.csv"))
    whole = rows_of(Evaluator(sweep).block(0))
    monkeypatch.setattr(blocks, "FEW", few)
    monkeypatch.setattr(blocks, "MANY", many)
    cut = replace(sweep, block=size)
    evaluator = Evaluator(cut)
    assert [row for i in range(cut.blocks) for row in rows_of(evaluator.block(i))] == whole
    assert len(whole) == 12


def test_a_design_that_has_no_form_may_be_the_last_of_its_block(tmp_path, monkeypatch):
    """Found by 5,000 random specs: a form was looked for of what came after it, and nothing did."""
    monkeypatch.setattr(blocks, "FEW", 0)
    spec = tmp_path / "net.yaml"
    spec.write_text(
        """name: net
source: x
input: 3x3x3
knobs: {n: 1, m: 2, k: 6}
layers:
- conv(k, 1)
- {if: n == m, then: {repeat: n, layers: "conv(k, 2)"}}
- conv(n + m + k, 1)
"""
    )
    rows, summary = swept(str(spec), ["W=3:7:4", "n=0:4", "m=0:3"], tmp_path)
    assert (summary.designs, summary.kept, summary.unfit) == (40, 39, 1)  # 3x3 takes no three unpadded kernels of 2
    for row in rows:
        price = load(str(spec)).price((3, int(row["W"]), int(row["W"])), n=int(row["n"]), m=int(row["m"])).total
        assert (int(row["params"]), int(row["macs"])) == (price.params, price.macs)


def test_int64_does_not_wrap(tmp_path):
    """10^9 x 10^9 pixels: above 2^63, where the closed form of int64 arrays would wrap."""
    rows, _ = swept("vgg16", ["H=224,1000000000", "W=32,1000000000"], tmp_path)
    for row in rows:
        assert [int(row[m]) for m in METRICS] == looped("vgg16", row, ["H", "W"])
    assert max(int(row["macs"]) for row in rows) > 2**63
    assert min(int(row["macs"]) for row in rows) < 2**63


@given(st.integers(-(2**70), 2**70), st.integers(1, 10**6))
@settings(max_examples=200)
def test_conditions_are_decided_exactly(value, d):
    import numpy as np

    column = blocks.Column(np.array([value], "int64" if abs(value) < 2**62 else object), d)
    (holds,) = np.broadcast_to(chosen(parse_where("3*x*x - 10K*x > 5"), {"x": column}), 1)
    x = Fraction(value, d)
    assert holds == (3 * x * x - 10_000 * x > 5)


@pytest.mark.parametrize("text", ["macs < 600M", "macs < 600m", "macs < 0.6G", "macs < 0.6b", "macs < 600million"])
def test_counts_have_the_suffixes_of_printed_ones(text):
    import numpy as np

    below = chosen(parse_where(text), {"macs": blocks.Column(np.array([599_999_999, 600_000_000]))})
    assert below.tolist() == [True, False]


@pytest.mark.parametrize("text", ["H < 3x", "H < .6g", "H < 5e6", "H < 3macs", "H < 10%", "H < 2Hz", "H2 < 3k2"])
def test_other_words_after_a_number_are_refused(text):
    with pytest.raises(ConvcostError, match=r"not an expression|not part of|a decimal is"):
        parse_where(text)


def test_the_same_sample_for_the_same_seed(tmp_path):
    axes = ["width=0.25:2:0.05", "H=32:512:1"]
    first, summary = swept("mobilenet_v1", axes, tmp_path, name="a.csv", sample=3000, seed=7)
    again, _ = swept("mobilenet_v1", axes, tmp_path, name="b.csv", sample=3000, seed=7)
    other, _ = swept("mobilenet_v1", axes, tmp_path, name="c.csv", sample=3000, seed=8)
    assert first == again != other
    assert len(first) == summary.designs == 3000
    assert len({(row["width"], row["H"]) for row in first}) > 2000


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_the_same_bytes_whatever_the_number_of_workers(name, tmp_path, monkeypatch):
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 500)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    space = space_of([parse_axis("width=0.25:2:0.05"), parse_axis("H=32:512:8")])
    found = []
    for workers, engine in enumerate((engines.serial, engines.processes(2), engines.processes(3))):
        out = tmp_path / f"{workers}" / name
        out.parent.mkdir()
        sweep = plan(load("mobilenet_v2"), space, out=out, where=["macs<=600M"], sample=2000, seed=1)
        assert sweep.blocks == 4
        run(sweep, out, engine)
        found.append(out.read_bytes())
        assert not out.with_name(f"{name}.parts").exists()
    assert found[0] == found[1] == found[2]


def test_parquet_has_exact_types_and_says_what_it_is(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    space = space_of([parse_axis("H=224,1000000000"), parse_axis("W=32,1000000000"), parse_axis("bias=true,false")])
    network = load("resnet50")
    run(plan(network, space, out=out, where=["H >= 1"], seed=3), out)
    table = parquet.read_table(out)
    assert dict(zip(table.column_names, map(str, table.schema.types), strict=True)) == {
        "H": "int64", "W": "int64", "bias": "string", "params": "int64",
        "macs": "decimal256(76, 0)", "activations": "decimal256(76, 0)", "peak_memory": "decimal256(76, 0)",
    }  # fmt: skip
    for row in table.to_pylist():
        texts = {name: str(value) for name, value in row.items()}
        assert [row[metric] for metric in METRICS] == looped("resnet50", texts, ["H", "W", "bias"])
    said = about(out)
    assert said["space"] == {"H": "224, 1000000000", "W": "32, 1000000000", "bias": "true, false"}
    assert (said["seed"], said["where"], said["network"], said["kept"]) == (3, ["H >= 1"], "resnet50@v1", 8)
    import hashlib

    assert said["spec_sha256"] == hashlib.sha256((ROOT / "specs" / "resnet.yaml").read_bytes()).hexdigest()
    assert "multiply-adds" in said["convention"]["macs"]


def test_fractions_in_parquet_are_decimals_where_they_can_be(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "out.parquet"
    space = space_of([parse_axis("width=0.25:1:0.125"), parse_axis("x=1:2:1/3")], [parse_derived("H=floor(32*x)")])
    run(plan(load("mobilenet_v1"), space, out=out), out)
    table = parquet.read_table(out)
    assert set(table["width"].to_pylist()) == {Decimal(n) / 8 for n in range(2, 9)}
    assert set(table["x"].to_pylist()) == {"1", "4/3", "5/3", "2"}
    assert set(table["H"].to_pylist()) == {32, 42, 53, 64}


def test_json_lines(tmp_path):
    out = tmp_path / "out.jsonl"
    space = space_of([parse_axis("units=[1,1,1,1]"), parse_axis("bias=true"), parse_axis("H=32")])
    run(plan(load("resnet50"), space, out=out), out)
    (row,) = map(json.loads, out.read_text().splitlines())
    expected = looped("resnet50", {"units": "[1, 1, 1, 1]", "bias": "true", "H": "32"}, ["units", "bias", "H"])
    assert row == {"units": [1, 1, 1, 1], "bias": True, "H": 32, **dict(zip(METRICS, expected, strict=True))}
