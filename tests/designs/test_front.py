"""The front of a sweep: against every pair compared, in each format, and drawn."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcost.cli import run
from convcost.designs.front import Goal, front, goals

SMALL = st.integers(0, 6)


@settings(max_examples=40)
@given(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=30), st.booleans(), st.booleans())
def test_the_front_is_what_no_other_design_is_better_than(tmp_path_factory, points, more_x, more_y):
    path = tmp_path_factory.mktemp("front") / "designs.csv"
    path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in points), encoding="utf-8")
    found = front(path, Goal("x", more_x), Goal("y", more_y))
    signs = (-1 if more_x else 1, -1 if more_y else 1)
    costs = {(x * signs[0], y * signs[1]) for x, y in points}
    best = {p for p in costs if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in costs)}
    assert {(x * signs[0], y * signs[1]) for x, y in found.points} == best
    assert len(found.points) == len(best)
    assert (found.designs, sorted(found.others)) == (len(points), sorted(points))


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_sweep_draws_the_front_of_its_file(suffix, tmp_path, capsys, monkeypatch):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    out, plot = f"designs.{suffix}", tmp_path / "front.svg"
    sweep = ["sweep", "mobilenet_v1", "--over", "width=0.5,0.75,1/3", "--over", "H=96:160:32", "--out", out]
    assert run([*sweep, "--plot", "front.svg", "--front", "macs,+width"]) == 0
    # Of each width the smallest input has the least macs: three designs.
    assert "front.svg: a front of 3 designs, least macs and most width" in capsys.readouterr().out
    found = front(tmp_path / out, *goals("macs,+width"))
    assert [width for _, width in found.points] == [Fraction(3, 4), Fraction(1, 2), Fraction(1, 3)][::-1]
    first = plot.read_bytes()
    assert b"9 designs" in first
    assert run([*sweep, "--plot", "front.svg", "--front", "macs,+width"]) == 0
    assert plot.read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--front", "macs"], "a front is of two columns such as macs,params"),
        (["--front", "macs,macs"], "a front is of two columns"),
        (["--plot", "x.svg", "--front", "macs,parms"], "did you mean params?"),
        (["--plot", "x.pdf"], "a picture's name ends in .svg or .png"),
        (["--plot", "x.svg", "--where", "macs <= 1"], "x.svg: there is nothing to draw"),
    ],
)
def test_what_is_no_front_is_one_line(arguments, said, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    assert run(["sweep", "lenet5", "--over", "H=32:36:4", "--out", "x.csv", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.svg").exists()
