"""Plots: they are written whole, the same for the same numbers, with the numbers as people write them."""

from __future__ import annotations

import re

import pytest

import convcost
from convcost.cli import run
from convcost.views.plots import MANY

pytest.importorskip("matplotlib")

COMMANDS = {
    "layers": ["layers", "resnet50", "--depth", "1"],
    "conv": ["layers", "mobilenet_v2", "--only", "conv", "--as", "thop"],
    "memory": ["memory", "googlenet", "--dtype", "float16"],
    "training": ["training", "mobilenet_v1"],
    "roofline": ["roofline", "resnet50", "--machine", "flops=19.5T,bandwidth=1555G"],
}


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_plot_is_the_same_for_the_same_numbers(name, tmp_path, capsys):
    paths = [tmp_path / f"{i}.svg" for i in range(2)]
    for path in paths:
        assert run([*COMMANDS[name], "--plot", str(path)]) == 0
    first, second = (path.read_text(encoding="utf-8") for path in paths)
    assert first == second
    assert capsys.readouterr().out
    numbers = [text for text in texts(first) if re.match(r"[\d.,]+ ?[KMGT]?B?$", text)]
    assert any(text[-1] in "MGTB" for text in numbers)
    assert not [text for text in numbers if "e" in text or len(text) > 7]


def test_bars_are_those_scopes_that_have_something(tmp_path):
    path = tmp_path / "x.svg"
    assert run(["layers", "resnet50", "--depth", "1", "--plot", str(path)]) == 0
    names = [text for text in texts(path.read_text(encoding="utf-8")) if text[0].isalpha()]
    assert {"conv1", "conv2_x", "conv5_x", "fc"} <= set(names)
    assert "pool1" not in names


def test_without_a_depth_there_are_no_more_lines_than_can_be_read(tmp_path):
    path = tmp_path / "x.svg"
    assert run(["training", "nasnet_large", "--plot", str(path)]) == 0
    scopes = {row.name.split("/")[0] for row in convcost.load("nasnet_large").price()}
    assert len([text for text in texts(path.read_text(encoding="utf-8")) if text.split("/")[0] in scopes]) <= MANY


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layers", "lenet5", "--plot", "x.pdf"], "a picture's name ends in .svg or .png"),
        (["layers", "lenet5", "--plot", "/nowhere/x.svg"], "/nowhere/x.svg: No such file or directory"),
        (["layers", "lenet5", "--only", "dropout", "--plot", "x.svg"], "x.svg: there is nothing to draw"),
        (["memory", "lenet5", "--plan", "--plot", "x.svg"], "--plot is of layers"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")
    assert list(tmp_path.iterdir()) == []
