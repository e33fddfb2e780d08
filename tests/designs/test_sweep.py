"""Sweeps: every design costs what the layer loop says, however it is computed, and no file is ever half there."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import islice, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcost.cost.memory import peak_memory
from convcost.designs import blocks, engines
from convcost.designs.blocks import Evaluator
from convcost.designs.forms import METRICS, metrics
from convcost.designs.output import _rows, about
from convcost.designs.parts import checksum
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, parse_derived, space_of
from convcost.designs.where import chosen, parse_where
from convcost.errors import ConvcostError
from convcost.network import load
from convcost.spec import document

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
COMMAND = [sys.executable, "-c", "from convcost.cli import main; main()"]


def swept(network, axes, tmp_path, *, let=(), name="out.csv", engine=engines.serial, **options):
    """The rows of a sweep as dictionaries of text, and its summary."""
    out = tmp_path / name
    space = space_of([parse_axis(axis) for axis in axes], [parse_derived(text) for text in let])
    summary = run(plan(load(network), space, out=out, **options), out, engine)
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


# -- stopping and going on ----------------------------------------------------------------------------------------


ARGUMENTS = ["sweep", "mobilenet_v2", "--over", "width=0.05:2:0.05", "--over", "H=32:1000:1", "--over", "classes=2:200"]


def command(out: Path, *more: str) -> list[str]:
    return [*COMMAND, *ARGUMENTS, *more, "--out", str(out)]


def _listening() -> None:
    """Take the signals that whoever runs the tests may have told us to ignore, as nohup does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def stopped(
    out: Path, more: list[str], blocks: int, number: int, *, alone: bool, later: float = 0, again: float | None = None
) -> tuple[int, str]:
    """The status and stderr of a sweep that gets a signal, with its workers or alone, as soon as so much is done.

    All that it started has ended, too: it would hold stderr open.
    """
    process = subprocess.Popen(
        command(out, *more),
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_listening,  # noqa: PLW1509  # which only sets signals
    )
    try:
        parts = out.with_name(f"{out.name}.parts")
        started = time.monotonic()
        while not (parts.exists() and len([p for p in parts.iterdir() if p.name.isdigit()]) >= blocks):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() - started < 120
            time.sleep(0.01)
        time.sleep(later)
        (os.kill if alone else os.killpg)(process.pid, number)
        if again is not None:
            time.sleep(again)
            process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert not out.exists()
    return process.returncode, said


STOPS = {
    "1, Ctrl-C": ("1", signal.SIGINT, False),
    "1, terminated": ("1", signal.SIGTERM, True),
    "1, killed": ("1", signal.SIGKILL, True),
    "2, Ctrl-C": ("2", signal.SIGINT, False),
    "2, terminated": ("2", signal.SIGTERM, True),
    "2, terminated with its workers": ("2", signal.SIGTERM, False),
    "2, hung up with its workers": ("2", signal.SIGHUP, False),
    "2, killed": ("2", signal.SIGKILL, True),
}


@pytest.mark.parametrize(("workers", "number", "alone"), STOPS.values(), ids=STOPS.keys())
def test_a_stopped_sweep_ends_with_its_workers_and_goes_on_where_it_was(workers, number, alone, tmp_path):
    out, whole = tmp_path / "out.csv", tmp_path / "whole.csv"
    more = ["--sample", "300000", "--workers", workers]
    status, said = stopped(out, more, 2, number, alone=alone)
    if number == signal.SIGKILL:
        assert status == -number
    else:
        assert status == 2
        assert said == f"error: interrupted; what is done is in {out}.parts: the same command goes on from there\n"
    done = subprocess.run(command(out, *more), env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "of 5 blocks were done before" in done.stdout
    subprocess.run(command(whole, *more[:2]), env=ENVIRONMENT, check=True, capture_output=True, timeout=300)
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.csv", "out.csv.meta.json", "whole.csv", "whole.csv.meta.json"
    ]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_sweep_that_is_stopped_while_its_workers_start_says_one_line(number, tmp_path):
    status, said = stopped(tmp_path / "out.csv", ["--workers", "2"], 0, number, alone=False, later=0.2)
    assert status == 2
    assert said.startswith("error: interrupted")
    assert said.count("\n") == 1


@pytest.mark.parametrize("again", [0.0, 0.01])
@pytest.mark.parametrize("later", [0.0, 0.2, 0.5])
def test_ctrl_c_twice_is_as_once(later, again, tmp_path):
    """Of a terminal and of a wrapper that forwards it: workers that have begun do not keep the process from its end."""
    status, said = stopped(
        tmp_path / "out.csv", ["--workers", "2"], 0, signal.SIGINT, alone=True, later=later, again=again
    )
    assert status == 2
    assert said.startswith("error: interrupted")
    assert said.count("\n") == 1


def test_a_sweep_that_is_stopped_before_anything_is_done_names_no_folder(tmp_path, monkeypatch, capsys):
    from convcost.cli import run as cli

    def none(*_):
        signal.raise_signal(signal.SIGTERM)
        yield

    monkeypatch.setattr(engines, "serial", none)
    assert cli(["sweep", "vgg16", "--over", "H=32:64", "--out", str(tmp_path / "x.csv")]) == 2
    assert capsys.readouterr().err == "error: interrupted before any block was done\n"
    assert list(tmp_path.iterdir()) == []


def test_signals_that_are_ignored_stay_so(tmp_path, monkeypatch, capsys):
    """As nohup has it; the others are as before once the sweep is done."""
    from convcost.cli import run as cli

    def signalled(sweep, blocks):
        signal.raise_signal(signal.SIGHUP)
        yield from serial(sweep, blocks)
        signal.raise_signal(signal.SIGTERM)

    serial = engines.serial
    monkeypatch.setattr(engines, "serial", signalled)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        out = tmp_path / "x.csv"
        assert cli(["sweep", "vgg16", "--over", "H=32:64", "--out", str(out)]) == 2
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert capsys.readouterr().err == (
            f"error: interrupted; what is done is in {out}.parts: the same command goes on from there\n"
        )
    finally:
        signal.signal(signal.SIGHUP, before)


# -- what is damaged, or somebody else's --------------------------------------------------------------------------


def first_blocks(sweep, blocks):
    """Three blocks, then Ctrl-C."""
    for part, _ in zip(engines.serial(sweep, blocks), range(3), strict=False):
        yield part
    raise KeyboardInterrupt


def flipped(path, at=-9):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "truncated": lambda parts: os.truncate(parts / "00000001", 100),
    "one bit": lambda parts: flipped(parts / "00000001"),
    "empty": lambda parts: (parts / "00000001").write_bytes(b""),
    "zeros": lambda parts: (parts / "00000001").write_bytes(bytes((parts / "00000001").stat().st_size)),
    "lost": lambda parts: (parts / "00000001").unlink(),
    "another block": lambda parts: shutil.copy(parts / "00000002", parts / "00000001"),
    "another count": lambda parts: (parts / "journal.jsonl").write_text(
        (parts / "journal.jsonl").read_text().replace("[1, 10,", "[1, 11,")
    ),
}


def in_blocks_of_ten(name, tmp_path, monkeypatch):
    """A sweep of 65 designs, where its file will be, and the same file written without a stop."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 10)
    out, whole = tmp_path / name, tmp_path / f"whole_{name}"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out)
    run(sweep, whole)
    return sweep, out, whole


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_block_is_computed_again(damage, name, tmp_path, monkeypatch):
    sweep, out, whole = in_blocks_of_ten(name, tmp_path, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(sweep, out, first_blocks)
    damage(tmp_path / f"{name}.parts")
    summary = run(sweep, out)
    assert (summary.resumed, summary.damaged, summary.kept) == (2, 1, 65)
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_block_that_is_damaged_once_it_is_written_is_computed_again(name, tmp_path, monkeypatch):
    sweep, out, whole = in_blocks_of_ten(name, tmp_path, monkeypatch)
    told = []

    def damage(designs, _):
        told.append(designs)
        if len(told) == 7:  # the last one
            flipped(tmp_path / f"{name}.parts" / "00000001")
            flipped(tmp_path / f"{name}.parts" / "00000004")

    summary = run(sweep, out, progress=damage)
    assert (len(told), summary.damaged, summary.kept) == (9, 2, 65)
    assert out.read_bytes() == whole.read_bytes()
    out.unlink()

    def always(*_):
        os.truncate(max((tmp_path / f"{name}.parts").glob("0*")), 5)

    with pytest.raises(ConvcostError, match=r"parts: its files do not stay as they are written: is the disk failing"):
        run(sweep, out, progress=always)
    assert not out.exists()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_rows_are_counted_before_they_are_claimed(name, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")

    def boasting(sweep, blocks):
        for part in engines.serial(sweep, blocks):
            said = (part.kept + 1, part.unfit, part.reason)
            yield type(part)(part.block, part.data, *said, checksum(part.block, part.data, *said))

    out = tmp_path / name
    with pytest.raises(ConvcostError, match="65 rows of 66 are there: nothing is written"):
        run(plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out), out, boasting)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.parts"]


def test_a_field_of_many_lines_is_one_row():
    assert _rows(b'"a\nb",1\n2,"x""\n"\n', "csv") == 2
    assert _rows(b'{"a": "\\"b"}\n{"a": 1}\n', "jsonl") == 2
    assert _rows(b"", "csv") == 0


def test_a_finished_file_that_is_damaged_is_one_line(tmp_path):
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:32")]), out=out)
    run(sweep, out)
    os.truncate(out, 50)
    with pytest.raises(ConvcostError, match=r"out.csv: is not as its sweep wrote it: choose another name, or remove"):
        run(sweep, out)


def test_nothing_lies_beside_the_file_until_it_is_whole(tmp_path, monkeypatch):
    """Also of a run that is killed while it puts the parts together."""
    seen = []

    def looking(*arguments):
        seen.extend(path.name for path in tmp_path.iterdir())
        return _rows(*arguments)

    monkeypatch.setattr("convcost.designs.output._rows", looking)
    out = tmp_path / "out.csv"
    run(plan(load("vgg16"), space_of([parse_axis("H=32:96:32")]), out=out), out)
    assert seen == ["out.csv.parts"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


def test_a_second_run_at_once_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 10)
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out)
    refused = []

    def again(*_):
        with pytest.raises(ConvcostError, match=r"out.csv: another run of a sweep is writing it, with its parts in"):
            run(sweep, out)
        refused.append(True)

    assert run(sweep, out, progress=again).kept == 65
    assert len(refused) == 7
    assert run(sweep, out, progress=again).kept == 65
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


def test_a_run_that_waited_for_another_finds_its_file(tmp_path, monkeypatch):
    """The other one ends between our look for the file and our lock."""
    from convcost.designs import store as module

    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out)
    locked = module._locked

    def late(*arguments):
        monkeypatch.setattr(module, "_locked", locked)
        run(sweep, out)
        return locked(*arguments)

    monkeypatch.setattr(module, "_locked", late)
    summary = run(sweep, out)
    assert (summary.resumed, summary.kept) == (1, 65)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


def test_a_torn_journal_costs_a_block_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 10)
    space = space_of([parse_axis("H=32:96:1")])
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space, out=out)

    with pytest.raises(KeyboardInterrupt):
        run(sweep, out, first_blocks)
    journal = tmp_path / "out.csv.parts" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-3])
    assert run(sweep, out).resumed == 2
    assert len(out.read_text().splitlines()) == 1 + 65


def test_a_finished_sweep_is_not_done_again_and_another_is_refused(tmp_path):
    out = tmp_path / "out.csv"
    space = space_of([parse_axis("H=32:96:32")])
    first = run(plan(load("vgg16"), space, out=out), out)
    before = out.stat().st_mtime_ns
    assert run(plan(load("vgg16"), space, out=out), out)[:4] == first[:4]
    assert out.stat().st_mtime_ns == before
    with pytest.raises(ConvcostError, match=r"out.csv: is of another sweep, with another network: choose"):
        run(plan(load("vgg19"), space, out=out), out)
    with pytest.raises(ConvcostError, match="with another where, seed"):
        run(plan(load("vgg16"), space, where=["H > 1"], seed=1, out=out), out)
    other = tmp_path / "mine.csv"
    other.write_text("my own data")
    with pytest.raises(ConvcostError, match="exists, and does not say which sweep it is of"):
        run(plan(load("vgg16"), space, out=other), other)
    assert other.read_text() == "my own data"


KINDS = """name: net
source: x
input: 3x8
knobs: {kind: a, kinds: [a, b]}
layers:
- conv(8 if kind == 'a' else 4, 1)
- repeat: 1
  index: i
  layers: conv(8 if kinds[i] == 'a' else 4, 1)
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (["kind='a','b, c'"], ["kind='a, b',c"]),
        (["kind=a,'true'"], ["kind=a,'\"true\"'"]),
        (["kinds=['a, b'],[a]"], ["kinds=[a, b],[a]"]),
        (["kinds=['a','1']"], ["kinds=['a, 1']"]),
        (["kind=a,b", "L=1:4"], ["L=1:4", "kind=a,b"]),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_sweeps_that_are_alike_in_print_are_two(first, second, finished, tmp_path):
    """One is neither taken for the other nor gone on with: their words, or the order of their columns, differ."""
    (tmp_path / "net.yaml").write_text(KINDS)
    out = tmp_path / "out.csv"
    network = load(tmp_path / "net.yaml")
    one, other = (plan(network, space_of([parse_axis(axis) for axis in axes]), out=out) for axes in (first, second))
    if finished:
        run(one, out)
    else:
        with pytest.raises(KeyboardInterrupt):
            run(replace(one, block=1), out, _stops_after_a_block)
        other = replace(other, block=1)
    with pytest.raises(ConvcostError, match="is of another sweep, with another space"):
        run(other, out)
    assert run(one if finished else replace(one, block=1), out).resumed == 1


def _stops_after_a_block(sweep, missing):
    yield from islice(engines.serial(sweep, missing), 1)
    raise KeyboardInterrupt


def test_another_setting_is_another_sweep(tmp_path):
    (tmp_path / "net.yaml").write_text(KINDS)
    out = tmp_path / "out.csv"
    space = space_of([parse_axis("L=1:4")])
    run(plan(load(tmp_path / "net.yaml", kinds=("a, b",)), space, out=out), out)
    with pytest.raises(ConvcostError, match="with another knobs"):
        run(plan(load(tmp_path / "net.yaml", kinds=("a", "b")), space, out=out), out)


def test_words_are_written_as_they_are_where_nothing_else_is():
    axis = parse_axis("""kind=basic,v1.5,'true','1','a, b','[a]','it"s',null,[a, 'b, c'],0.5,é""")
    assert str(axis) == """basic, v1.5, "true", "1", "a, b", "[a]", "it\\"s", null, [a, "b, c"], 0.5, é"""


def test_parts_of_another_sweep_are_refused(tmp_path):
    out = tmp_path / "out.csv"
    (tmp_path / "out.csv.parts").mkdir()
    (tmp_path / "out.csv.parts" / "00000000").write_text("my own data")
    space = space_of([parse_axis("H=32:96:32")])
    with pytest.raises(ConvcostError, match=r"out.csv.parts: exists, and does not say which sweep"):
        run(plan(load("vgg16"), space, out=out), out)
    assert [path.name for path in (tmp_path / "out.csv.parts").iterdir()] == ["00000000"]
    (tmp_path / "out.csv.parts" / "sweep.json").write_text('{"network": "other"}')
    with pytest.raises(ConvcostError, match=r"out.csv.parts: is of another sweep"):
        run(plan(load("vgg16"), space, out=out), out)


@pytest.mark.parametrize("left", [[], ["lock"], [".sweep.json.4711.draft", "lock"]])
def test_parts_that_were_only_begun_are_none(left, tmp_path):
    """What is left of a run that is killed before it has said which sweep it is of."""
    out = tmp_path / "out.csv"
    parts = tmp_path / "out.csv.parts"
    parts.mkdir()
    for name in left:
        (parts / name).write_text('{"netw')
    assert run(plan(load("vgg16"), space_of([parse_axis("H=32:96:32")]), out=out), out).resumed == 0
    assert len(out.read_text().splitlines()) == 4
    assert not parts.exists()


@pytest.mark.parametrize("lost", ["kept", "unfit", "reason"])
def test_a_file_that_does_not_say_all_of_itself_is_one_line(lost, tmp_path):
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:32")]), out=out)
    run(sweep, out)
    meta = tmp_path / "out.csv.meta.json"
    said = json.loads(meta.read_text())
    for damaged in ({k: v for k, v in said.items() if k != lost}, {**said, lost: None}):
        meta.write_text(json.dumps(damaged))
        with pytest.raises(ConvcostError, match=r"out.csv: exists, and does not say how many designs it holds"):
            run(sweep, out)


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize(
    ("axes", "where"), [("H=8:16:8", "macs <= 600M"), ("H=1000000000,32", "macs < 7")], ids=["unfit", "unwanted"]
)
def test_a_sweep_of_which_nothing_is_left_is_an_empty_file(axes, where, name, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    out = tmp_path / name
    space = space_of([parse_axis(axes)], [parse_derived("x=H/3"), parse_derived("y=9/H")])
    summary = run(plan(load("vgg16"), space, out=out, where=[where, "x + y > 0"]), out)
    assert (summary.designs, summary.kept) == (2, 0)
    assert {"out.csv": 1, "out.jsonl": 0}.get(name, 0) == (
        0 if "parquet" in name else len(out.read_text().splitlines())
    )


@pytest.mark.parametrize("axes", [["shortcut=A,B"], ["shortcut=A,B", "H=64:68"]])
def test_a_derived_value_that_is_no_number_is_never_0(axes, tmp_path):
    let = ['x=1 if shortcut == "A" else "z"']
    rows, summary = swept("resnet34", axes, tmp_path, let=let, where=["x >= 0"])
    assert {(row["shortcut"], row["x"]) for row in rows} == {("A", "1")}
    assert summary.kept == summary.unfit == len(rows)
    assert "shortcut=B" in summary.reason
    assert summary.reason.endswith("x is 'z', and no number as it is in the first design")
    # A question about a size is asked of closed forms.
    rows, summary = swept(
        "resnet34", ["H=64:90"], tmp_path, let=['x=2 if H < 70 else "z"'], where=["x>0"], name="h.csv"
    )
    assert ([row["H"] for row in rows], summary.unfit) == ([*map(str, range(64, 70))], 21)


LET = {
    "r": "H/128",
    "even": "H/16",
    "triangle": "H*(H+1)/2",
    "rounded": "round(H*0.3)",
    "ratio": "n/m",
    "part": "n/3 if H < 60 else n",
    "failing": "n/3 if H < 60 else m//n",
    "word": '0.5 if w == "b" else n',
    "big": "n*10**30",
    "wide": "n*(10**15 + 1)/8",
    "vast": "n*((10**60 + 1)*10**12 + 1)/8",
}
CUT_AXES = ("H=32:128:16", "n=1,3000,7", "m=1:2", "w=a,b")


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_values_look_the_same_however_blocks_are_cut(name, tmp_path):
    """And whether their designs are priced by forms or alone: H/128 is text where it is 1, too."""
    space = space_of([parse_axis(axis) for axis in CUT_AXES], [*LET.items()])
    used = f"{' + '.join(LET)} > 0"
    found = []
    for size in (100, 31, 5, 1):
        out = tmp_path / f"{size}" / name
        out.parent.mkdir()
        sweep = replace(plan(load("vgg11"), space, where=[used], out=out), block=size)
        assert sweep.derived == (
            ("r", 8), ("even", 1), ("triangle", 1), ("rounded", 0), ("ratio", 0),
            ("part", 3), ("failing", 0), ("word", 2), ("big", 1), ("wide", 8), ("vast", 8),
        )  # fmt: skip
        assert run(sweep, out).kept == 84
        if name.endswith("parquet"):
            table = pytest.importorskip("pyarrow.parquet").read_table(out)
            found.append([table.schema.remove_metadata(), table.to_pylist()])
        else:
            found.append(out.read_bytes())
    assert found[1:] == found[:1] * 3
    if name.endswith("parquet"):
        rows, (schema, _) = found[0][1], found[0]
        texts = {field: str(type_) for field, type_ in zip(schema.names, schema.types, strict=True)}
        assert {field: texts[field] for field in LET} == {
            "r": "decimal128(18, 3)", "even": "int64", "triangle": "int64", "rounded": "int64", "ratio": "string",
            "part": "string", "failing": "string", "word": "decimal128(18, 1)", "big": "decimal256(76, 0)",
            "wide": "decimal256(76, 3)", "vast": "string",
        }  # fmt: skip
    elif name.endswith("jsonl"):
        rows = [*map(json.loads, found[0].decode().splitlines())]
        assert {type(row[field]) for row in rows for field in ("even", "triangle", "rounded", "big")} == {int}
        assert {type(row[field]) for row in rows for field in ("r", "part", "word", "wide", "vast")} == {str}
    else:
        rows = [*csv.DictReader(found[0].decode().splitlines())]
    for row in rows:
        n, m, height, w = int(row["n"]), int(row["m"]), int(row["H"]), row["w"]
        assert [Fraction(row[field]) for field in LET] == [
            Fraction(height, 128), height // 16, height * (height + 1) // 2, round(height * Fraction(3, 10)),
            Fraction(n, m), Fraction(n, 3 if height < 60 else 1), Fraction(n, 3) if height < 60 else m // n,
            Fraction(1, 2) if w == "b" else n, n * 10**30, Fraction(n * (10**15 + 1), 8),
            Fraction(n * (10**72 + 10**12 + 1), 8),
        ]  # fmt: skip


BAD = {
    "unknown knob": (["--over", "widht=1:2"], "mobilenet_v2@paper has no knob or size 'widht'; did you mean width?"),
    "a word for a number": (["--over", "width=wide"], "knob width takes a number, got 'wide'"),
    "half a pixel": (["--over", "H=1:2:0.5"], "H takes integers >= 1, got 1, ..."),
    "no pixel": (["--over", "H=0:2"], "H takes integers >= 1, got 0, ..."),
    "a metric as axis": (["--over", "macs=1:2"], "macs is what a sweep computes"),
    "no axis": ([], "a space needs an axis"),
    "zero step": (["--over", "width=1:2:0"], "--over width: the step of a range must be positive, got 0"),
    "unknown in where": (["--over", "H=32", "--where", "mac<3"], "there is no 'mac' to compare; did you mean macs?"),
    "where without a comparison": (["--over", "H=32", "--where", "macs"], "a condition is a comparison such as"),
    "or": (["--over", "H=32", "--where", "macs<3 or H>2"], "a condition is a comparison such as macs <= 600M"),
    "code in where": (["--over", "H=32", "--where", "__import__('os') < 1"], "there is no '__import__'"),
    "no format": (["--over", "H=32", "--out", "x.xlsx"], "x.xlsx: the name of a sweep's file ends in .parquet"),
    "no folder": (
        ["--over", "H=32", "--out", "/nowhere/x.csv"],
        "/nowhere/x.csv: nothing can be written to /nowhere: No such",
    ),
    "no scheduler": (["--over", "H=32", "--scheduler", "nonsense"], "nonsense: write it as tcp://host:port"),
    "no port": (["--over", "H=32", "--scheduler", "tcp://x:65536"], "x:65536: write it as tcp://host:port"),
    "more than all": (["--over", "H=1:36", "--sample", "37"], "--sample 37: the space has 36 designs"),
    "two engines": (["--over", "H=32", "--scheduler", "tcp://x:1", "--workers", "2"], "choose one"),
    "no space file": (["--space", "missing.yaml"], "missing.yaml: No such file or directory"),
    "unused name": (["--over", "H=32", "--let", "Z=H"], "has no knob or size 'Z'"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    from convcost.cli import run as cli

    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in arguments else ["--out", "x.csv"]
    assert cli(["sweep", "mobilenet_v2", *arguments, *out]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line_and_leaves_no_part(tmp_path, monkeypatch, capsys):
    from convcost.cli import run as cli

    opened = os.open

    def full(path, flags, *mode):
        return opened("/dev/full", os.O_RDWR) if str(path).endswith(".draft") else opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", full)
    assert cli(["sweep", "vgg16", "--over", "H=32:64", "--out", str(tmp_path / "x.csv")]) == 2
    printed = capsys.readouterr()
    assert "No space left on device" in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "x.csv").exists()


def test_a_missing_extra_is_named(monkeypatch, capsys, tmp_path):
    from convcost.cli import run as cli

    for module, extra, arguments in (
        ("pyarrow", "parquet", ["--out", str(tmp_path / "x.parquet")]),
        ("distributed", "dask", ["--out", str(tmp_path / "x.csv"), "--scheduler", "tcp://127.0.0.1:1"]),
    ):
        monkeypatch.setitem(sys.modules, module, None)
        assert cli(["sweep", "vgg16", "--over", "H=32", *arguments]) == 2
        assert f"pip install 'convcost[{extra}]'" in capsys.readouterr().err
