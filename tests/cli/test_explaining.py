"""`convcost explain` and `convcost calc`: what they print, and what they refuse."""

from __future__ import annotations

import json

import pytest

import convcost
from convcost.cli import run


def records(capsys, *arguments):
    assert run([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def values(table):
    return {row["quantity"]: row["value"] for row in table["rows"] if row["kind"] == "row"}


def test_a_layer_has_every_count_with_its_arithmetic(capsys):
    table = records(capsys, "explain", "resnet50@v1.5", "conv1", "--batch", "2")
    assert table["header"]["operator"] == "conv(64, 7, stride=2, padding=same, bias=false) >> bn >> relu"
    assert table["header"]["batch"] == "2"
    assert table["header"]["stands at"].startswith("resnet.yaml:")
    line = convcost.load("resnet50@v1.5").price(batch=2)["conv1"]
    found = values(table)
    assert (found["weights"], found["norm_affine"], found["params"]) == (9408, 128, line.params)
    for rule, count in convcost.dialects(convcost.load("resnet50@v1.5").price(batch=2)).items():
        assert count >= found[rule] == line(rule), rule
    sections = [row["quantity"] for row in table["rows"] if row["kind"] == "section"]
    assert sections[:5] == ["output", "params of conv", "work of conv", "params of bn", "work of bn"]
    assert sections[-4:] == ["field", "memory", "kinds", "rules"]


def test_a_network_is_the_sum_of_its_parts_largest_first(capsys):
    for by in ("macs", "params", "activations"):
        *parts, together = records(capsys, "explain", "googlenet", "--by", by)["rows"]
        counts = [row[by] for row in parts]
        assert counts == sorted(counts, reverse=True)
        assert sum(counts) == together[by] == getattr(convcost.load("googlenet").price().total, by)
    inside = records(capsys, "explain", "googlenet", "inception_3a")["rows"]
    assert {row["part"].rpartition("/")[0] for row in inside[:-1]} == {"inception_3a"}
    assert inside[-1]["macs"] == 128_049_152


def test_layers_need_no_spec(capsys):
    # 7 * 7 * 3 * 64 weights and 64 biases; 109 = floor((224 - 7) / 2) + 1
    table = records(capsys, "calc", "conv(64, 7, stride=2)", "--input", "3x224x224")
    found = values(table)
    assert (found["weights"], found["biases"], found["output_h"]) == (9408, 64, 109)
    assert found["macs"] == 9408 * 109 * 109
    several = records(capsys, "calc", "conv(8, 3) >> relu >> linear(10)", "--input", "3x8x8")["rows"]
    assert several[-1]["params"] == 3 * 9 * 8 + 8 + 6 * 6 * 8 * 10 + 10


def test_a_table_prints_in_every_format(capsys):
    for format_ in ("terminal", "markdown", "latex", "html", "csv"):
        assert run(["calc", "dwconv(3)", "--input", "8x6x6", "--format", format_]) == 0
        assert "320" in capsys.readouterr().out  # bytes of the parameters, 3 * 3 * 8 and 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "googlenet", "conv9"], "error: googlenet@paper has no layer or scope 'conv9'; did you mean conv"),
        (["calc", "conv(64)", "--input", "3x8x8"], "error: layers:1:1: "),
        (["calc", "conv(64, 3", "--input", "3x8x8"], "error: layers:1:"),
        (["calc", "conv(64, 3)\nrelu", "--input", "3x8x8"], "error: layers: a value has one line"),
        (["calc", "conv(64, 9)", "--input", "3x8x8"], "its window of 9 does not fit"),
        (["calc", "covn(64, 9)", "--input", "3x8x8"], "did you mean conv?"),
        (["calc", "relu", "--input", "3x-8"], "error: input:1:1: an input is written channels x sizes"),
        (["calc", "relu", "--input", "224x224x3"], "did you mean 3x224x224?"),
        (["calc", "", "--input", "3x8x8"], "error: layers"),
        (["calc", "\udcff", "--input", "3x8x8"], "error: layers:1:1: not UTF-8 text"),
    ],
)
def test_what_is_none_is_one_line(capsys, arguments, said):
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
