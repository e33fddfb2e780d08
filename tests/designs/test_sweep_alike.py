"""Sweeps that are alike in print, parts of another one, and files that do not say all of themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice

import pytest

from convcost.designs import engines
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, space_of
from convcost.errors import ConvcostError
from convcost.network import load

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
