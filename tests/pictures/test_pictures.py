"""Pictures: every layer is in one box, repeats are one, and each program that draws reads what it is given."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fractions import Fraction
from functools import cache

import pytest

import convcost
from convcost.cli import run
from convcost.errors import ConvcostError
from convcost.pictures import dot, written
from convcost.pictures.picture import MANY, Box, Frame, picture

NAMES = ("googlenet", "resnet50", "densenet121", "nasnet_mobile", "mobilenet_v2", "lenet5")
GRAPHVIZ = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz: apt-get install graphviz")


@cache
def priced(name):
    return convcost.load(name).price()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("depth", [None, 1, 9])
def test_boxes_have_all_of_the_network(name, depth):
    cost = priced(name)
    drawn = picture(cost, depth=depth)
    assert sum(box.macs for box in drawn.boxes) == cost.total.macs
    assert sum(box.params for box in drawn.boxes) == cost.total.params
    assert 4 * max(one.alive for one in convcost.memory(cost)) == max(box.memory for box in drawn.boxes)
    assert sum(box.share for box in drawn.boxes) == 1
    names = [box.name for box in drawn.boxes]
    assert len(set(names)) == len(names)
    assert depth is not None or len(names) <= MANY


@pytest.mark.parametrize("name", NAMES)
def test_arrows_lead_from_the_input_down_to_every_box(name):
    drawn = picture(priced(name), depth=2)
    order = {"": -1} | {box.name: number for number, box in enumerate(drawn.boxes)}
    assert all(order[arrow.source] < order[arrow.target] for arrow in drawn.arrows)
    assert {arrow.target for arrow in drawn.arrows} == {*order} - {""}


def test_the_steps_of_a_repeat_are_one_box():
    drawn = picture(priced("resnet50"), depth=2)
    steps = [(box.name, box.label, box.copies) for box in drawn.boxes if box.name.startswith("conv4_x")]
    assert steps == [("conv4_x/1", "1", 1), ("conv4_x/2", "2 to 6", 5)]  # the first has a projection
    (frame,) = [item for item in drawn.items if item.name == "conv4_x"]
    assert isinstance(frame, Frame)
    assert [box.copies for box in picture(priced("densenet121"), depth=1).boxes][3] == 1
    dense = {item.name: item for item in picture(priced("densenet121")).items}
    assert {name: box.copies for name, box in dense.items() if isinstance(box, Box) and box.copies > 1} == {
        "dense_block1/1": 6,
        "dense_block2/1": 12,
        "dense_block3/1": 24,
        "dense_block4/1": 16,
    }


def test_a_scope_is_drawn_alone():
    cost = priced("googlenet")
    drawn = picture(cost, scope="inception_3a", by="params")
    assert sum(box.params for box in drawn.boxes) == cost["inception_3a"].params
    assert sum(box.share for box in drawn.boxes) == Fraction(cost["inception_3a"].params, cost.total.params)
    assert [box.operator for box in drawn.boxes if box.label == "pool"] == ["maxpool 3x3"]
    assert drawn.input == "192x28x28"
    assert {arrow.target for arrow in drawn.arrows} == {box.name for box in drawn.boxes}
    text = written(cost, "dot", scope="inception_3a").decode()
    assert text.count("  input -> ") == 4


def test_auxiliary_heads_are_dashed_and_no_part_of_the_shares():
    cost = convcost.load("googlenet", aux=True).price()
    drawn = picture(cost, depth=1)
    assert sum(box.share for box in drawn.boxes if not box.aux) == 1
    assert {box.label for box in drawn.boxes if box.aux} == {
        name.split("/")[0] for name in cost.graph.names if "aux" in name
    }
    assert "dashed" in dot.dot(drawn)


def test_mermaid_is_a_flowchart():
    text = written(priced("lenet5"), "mermaid").decode()
    assert text.startswith('---\ntitle: "lenet5')
    ids = set(re.findall(r"^ +(n\d+)\[", text, flags=re.MULTILINE))
    arrows = re.findall(r"^  (\w+) -->(?:\|[^|]*\|)? (\w+)$", text, flags=re.MULTILINE)
    assert {target for _, target in arrows} == ids == set(re.findall(r"^  style (n\d+) ", text, flags=re.MULTILINE))


def test_model_explorer_has_every_layer_and_tensor():
    cost = priced("googlenet")
    (graph,) = json.loads(written(cost, "explorer"))["graphs"]
    nodes = {node["id"]: node for node in graph["nodes"]}
    assert list(nodes) == ["input", *cost.graph.names]
    assert nodes["inception_3a/3x3/reduce/conv"]["namespace"] == "inception_3a/3x3/reduce"
    assert len(nodes["inception_3a/concat"]["incomingEdges"]) == 4
    assert all(edge["sourceNodeId"] in nodes for node in nodes.values() for edge in node["incomingEdges"])
    overlay = json.loads(written(cost, "overlay", by="params"))[graph["id"]]
    assert sum(result["value"] for result in overlay["results"].values()) == cost.total.params


@GRAPHVIZ
@pytest.mark.parametrize("name", NAMES)
def test_graphviz_draws_it_no_wider_than_a_screen(name):
    svg = written(priced(name), "svg").decode()
    width = int(re.search(r'<svg width="(\d+)pt"', svg)[1])
    assert width < 960  # points: 1,280 pixels


HOSTILE = """\
name: hostile
input: 3x8x8
layers:
- "<b>&amp;\\"]; x [label=": conv(4, 3, padding=1)
- "--> n0 | end <script>alert(1)<x>": relu
- "#quot; %% `\\u202e": conv(4, 1)
"""


def test_names_of_files_are_text_wherever_they_stand(tmp_path):
    spec = tmp_path / "hostile.yaml"
    spec.write_text(HOSTILE, encoding="utf-8")
    cost = convcost.load(spec).price()
    for format_ in ("dot", "mermaid"):
        text = written(cost, format_).decode()
        assert "<script" not in text
        assert "\u202e" not in text
    if shutil.which("dot"):
        svg = written(cost, "svg").decode()
        assert svg.count("<script") == 0
        done = subprocess.run(["dot", "-Tplain"], input=written(cost, "dot"), capture_output=True, check=True)
        assert done.stdout.count(b"\nnode ") == 3  # the input, two convolutions with what follows them


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["googlenet", "--scope", "inception_9"], "has no layer or scope 'inception_9'; did you mean inception_"),
        (["googlenet", "--scope", "inception_3a/concat"], "inception_3a/concat is one layer: there is nothing to draw"),
        (["googlenet", "-o", "x.pdf"], "a picture's name ends in .svg, .png"),
        (["googlenet", "--format", "png"], "say where to write it with -o"),
        (["googlenet", "--format", "overlay", "--depth", "2"], "overlay has every layer"),
        (["googlenet", "-o", "/nowhere/x.mmd"], "/nowhere/x.mmd: No such file or directory"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(capsys, arguments, said):
    assert run(["draw", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_without_graphviz_the_error_says_how_it_is_installed(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(dot, "which", lambda _: None)
    assert run(["draw", "lenet5", "-o", str(tmp_path / "x.svg")]) == 2
    assert "apt-get install graphviz" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_as_its_name_ends(capsys, tmp_path):
    for name, begins in (("x.mmd", b"---\n"), ("x.dot", b"digraph"), ("x.json", b"{")):
        assert run(["draw", "lenet5", "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(begins)
    assert run(["draw", "lenet5", "--by", "memory"]) == 0
    assert "alive" in capsys.readouterr().out


def test_a_picture_is_of_something_that_it_knows():
    cost = priced("lenet5")
    for wrong in ({"by": "flops"}, {"depth": 0}, {"depth": 1.5}):
        with pytest.raises(ConvcostError):
            picture(cost, **wrong)
    with pytest.raises(ConvcostError, match="unknown format 'gif'"):
        written(cost, "gif")
