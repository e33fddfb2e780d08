"""Sweeps of several networks, and what is found in a finished one, against all designs one by one."""

from __future__ import annotations

import csv
import json
import pickle
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcost.cli import run
from convcost.designs.found import largest, pareto
from convcost.designs.front import Goal
from convcost.designs.parts import compute
from convcost.designs.run import plan_several
from convcost.designs.space import parse_axis, space_of
from convcost.door import sweep
from convcost.network import load

OVER = ["--over", "width=0.5:1:0.25", "--over", "H=96,160,224"]


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_networks_are_swept_together_as_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 4)  # 9 designs of each: blocks of 4, 4 and 1
    over = ["width=0.5:1:0.25", "H=96,160,224"]
    names = ["mobilenet_v1", "mobilenet_v2"]
    both = sweep(names, "both.csv", over=over, where=["H*width < 224"])
    alone = [sweep(name, f"{name}.csv", over=over, where=["H*width < 224"]) for name in names]
    assert (both.designs, both.kept) == (18, 16)
    assert [one.kept for one in alone] == [8, 8]
    assert rows_of(tmp_path / "both.csv") == [
        {"network": load(name).name, **row} for name in names for row in rows_of(tmp_path / f"{name}.csv")
    ]
    said = json.loads((tmp_path / "both.csv.meta.json").read_text())
    assert [one["network"] for one in said["networks"]] == [load(name).name for name in names]
    planned = plan_several([*map(load, names)], space_of([*map(parse_axis, over)]), out=tmp_path / "x.csv")
    sent = pickle.loads(pickle.dumps(planned))  # noqa: S301  # ours, as an engine hands it to another process
    assert [compute(sent, block) for block in reversed(range(planned.blocks))] == [
        compute(planned, block) for block in reversed(range(planned.blocks))
    ]


keys = st.tuples(st.integers(0, 6), st.fractions(0, 2, max_denominator=3), st.integers(0, 6))


@settings(max_examples=30)
@given(st.lists(keys, max_size=40))
def test_the_front_is_what_no_design_beats(points):
    designs = [dict(zip("abc", map(str, point), strict=True)) for point in points]
    found = pareto(iter(designs), [Goal("a"), Goal("b", more=True), Goal("c")])

    def beats(p, q):
        return p[0] <= q[0] and p[1] >= q[1] and p[2] <= q[2] and p != q

    best = [point for point in points if not any(beats(other, point) for other in points)]
    assert sorted((int(d["a"]), Fraction(d["b"]), int(d["c"])) for d in found) == sorted(best)


@settings(max_examples=30)
@given(st.lists(keys, max_size=40), st.integers(1, 9))
def test_the_largest_values_are_those_of_all(points, top):
    designs = [dict(zip("abc", map(str, point), strict=True)) for point in points]
    found = largest(iter(designs), "a*b - c", top)
    assert [value for value, _ in found] == sorted((a * b - c for a, b, c in points), reverse=True)[:top]
    assert all(Fraction(d["a"]) * Fraction(d["b"]) - Fraction(d["c"]) == value for value, d in found)


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.parquet"])
def test_a_sweep_says_what_is_found(name, tmp_path, monkeypatch, capsys):
    """Of two networks over widths and sizes: those of the largest H within a budget, and the front of H and macs."""
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    command = ["sweep", "mobilenet_v1,mobilenet_v2", *OVER, "--out", name, "--format", "json"]
    assert run([*command, "--maximize", "H*width", "--top", "2"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["network"], row["width"], row["H"], row["objective"]) for row in rows] == [
        ("mobilenet_v1@paper", "1", "224", "224"), ("mobilenet_v2@paper", "1", "224", "224"),
    ]  # fmt: skip
    assert rows[1]["macs"] == load("mobilenet_v2").price().total.macs
    assert run([*command, "--pareto", "macs,+H,+width"]) == 0
    front = {(row["network"], row["width"], row["H"]) for row in json.loads(capsys.readouterr().out)["rows"]}
    points = []
    for network in ("mobilenet_v1@paper", "mobilenet_v2@paper"):
        for width in (Fraction(1, 2), Fraction(3, 4), 1):
            for size in (96, 160, 224):
                macs = load(network).price((3, size, size), width=width).total.macs
                points.append((network, width, size, macs))
    best = {
        (network, str(float(width)).removesuffix(".0"), str(size))
        for network, width, size, macs in points
        if not any(m <= macs and s >= size and w >= width and (m, s, w) != (macs, size, width) for _, w, s, m in points)
    }
    assert front == best


BAD = {
    "twice": (["mobilenet_v2,mobilenet_v2"], "mobilenet_v2@paper stands twice among the networks"),
    "no name": (["mobilenet_v2,"], "unknown network ''"),
    "no knob there": (["mobilenet_v2,vgg16"], "vgg16@paper has no knob or size 'width'"),
    "two questions": (["mobilenet_v2", "--pareto", "macs,H", "--maximize", "H"], "two questions: choose one"),
    "of what": (["mobilenet_v2", "--top", "3"], "--top: of what?"),
    "unknown column": (["mobilenet_v2", "--pareto", "mac,H"], "there is no 'mac' to compare; did you mean macs?"),
    "column twice": (["mobilenet_v2", "--pareto", "H,+H"], "--pareto H,+H: H stands twice"),
    "unknown name": (["mobilenet_v2", "--maximize", "Hw"], "--maximize: there is no 'Hw'"),
    "a word": (["mobilenet_v2,mobilenet_v1", "--maximize", "network"], "--maximize: there is no 'network'"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["sweep", *arguments, *OVER, "--out", "x.csv"]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")
    assert list(tmp_path.iterdir()) == []


def test_designs_of_several_are_drawn(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert run(["sweep", "mobilenet_v1", "mobilenet_v2", *OVER, "--out", "x.csv", "--plot", "x.svg"]) == 0
    assert "mobilenet_v1@paper, mobilenet_v2@paper" in (tmp_path / "x.svg").read_text()
    capsys.readouterr()
