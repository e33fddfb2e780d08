"""Layer tables of simulators: what they ship, what we write, and what nobody should send."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convcost.cli import run
from convcost.exports import export
from convcost.network import load
from convcost.simulators.judged import judge
from convcost.simulators.tables import read

GOOGLENET = Path(__file__).parents[1] / "data" / "scalesim_googlenet.csv"
"""The layers as ARM-software/SCALE-Sim has them, topologies/conv_nets/Googlenet.csv of 763284f."""
ENDING = {"scalesim": "csv", "timeloop": "yaml", "maestro": "m"}


def test_the_three_wrong_rows_of_scalesims_googlenet():
    """By hand: 196 * 24 * 64 * (25 - 1), 49 * 300 * 160 and 49 * 25 * 16 * 128 multiply-adds are not there."""
    table = read(GOOGLENET)
    assert table is not None
    judged = judge(table, load("googlenet").price())
    wrong = {one.row.name: (one.differences, one.wrong) for one in judged if one.verdict == "differs" and one.row}
    assert wrong == {
        "Inc4c_5x5": (("filter 1x1, not 5x5",), -7_225_344),
        "Inc5a_3x3red": (("channels 532, not 832",), -2_352_000),
        "Inc5b_5x5": (("channels 32, not 48",), -2_508_800),
    }
    # Unpadded: the 7x7 (stride 2: ceil((224 - 7 + 2) / 2) = 110 of 112), and each 3x3 and 5x5 but the one that is 1x1.
    assert [one.verdict for one in judged].count("no padding") == 1 + 10 + 7
    conv1 = judged[0]
    assert (conv1.padding, conv1.wrong) == ((110**2 - 112**2) * 147 * 64, 0)


@pytest.mark.parametrize("tool", ENDING)
@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v2", "resnext50_32x4d", "vgg11"])
def test_what_we_write_is_what_we_read(name, tool, tmp_path):
    """Each tool's rows and multiply-adds of a network with depthwise layers, groups, linear layers of 7x7."""
    cost = load(name).price()
    path = tmp_path / f"x.{ENDING[tool]}"
    path.write_text(export(cost, tool))
    table = read(path)
    assert table is not None
    assert sum(row.macs for row in table.rows) == cost.total.macs
    assert {one.verdict for one in judge(table, cost)} == {"agrees"}


@pytest.mark.parametrize(
    ("tool", "old", "new", "said"),
    [
        ("scalesim", "56, 56, 1, 1, 64, 64, 1,", "56, 56, 1, 1, 64, 65, 1,", "filters 65, not 64"),
        ("scalesim", "58, 58, 3, 3, 64, 192, 1,", "60, 60, 3, 3, 64, 192, 1,", "input 60x60, not 58x58"),
        ("maestro", "K: 96, C: 192", "K: 96, C: 190", "channels 190, not 192"),
        ("maestro", "Stride { X: 2, Y: 2 }", "Stride { X: 2, Y: 1 }", "stride 1x2, not 2x2"),
        ("timeloop", "    P: 112\n", "    P: 110\n", "output 112x110, not 112x112"),
    ],
)
def test_a_changed_number_is_named(tool, old, new, said, tmp_path):
    cost = load("googlenet").price()
    path = tmp_path / f"x.{ENDING[tool]}"
    text = export(cost, tool)
    assert old in text
    path.write_text(text.replace(old, new, 1))
    table = read(path)
    assert table is not None
    (wrong,) = [one for one in judge(table, cost) if one.verdict != "agrees"]
    assert said in wrong.differences


def test_rows_that_are_missing_or_of_no_layer(tmp_path, capsys):
    lines = export(load("googlenet").price(), "scalesim").splitlines()
    del lines[4]  # behind the header: conv1, the reduction, conv2, 1x1 of 3a
    lines.append("extra, 9, 9, 9, 9, 999, 999, 1,")
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines))
    assert run(["audit", str(path), "--network", "googlenet", "--fail-on", "contradiction", "--format", "json"]) == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["row"], row["layer"], row["verdict"]) for row in rows] == [
        (None, "inception_3a/1x1/conv", "missing"), ("extra", None, "no such layer"),
    ]  # fmt: skip


def test_timeloops_own_files(tmp_path, capsys):
    """As its layer_shapes are: a file a layer, templates around them, and strides spelled as no shape has them."""
    begin = "{{include_text('../problem_base.yaml')}}\nproblem:\n  <<<: *problem_base\n"
    sizes = ["C: 3, M: 64, P: 32, Q: 32, R: 5, S: 5", "C: 3, M: 64, P: 55, Q: 55, R: 11, S: 11"]
    for n, size in enumerate(sizes):
        text = f"{begin}  instance: {{{size}, HStride: 4, WStride: 4}}\n  name: layer{n}\n"
        (tmp_path / f"{n}.yaml").write_text(text)
    assert run(["audit", str(tmp_path), "--network", "alexnet@torchvision", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "HStride is read as Hstride" in " ".join(found["notes"])
    assert "1 as the network has them" in found["header"]["layers"]  # 11x11, stride 4, 55x55 out of 224x224 padded by 2


BAD = {
    "products": ("x.csv", "Layer, M, N, K,\na, 1, 2, 3,\n", "x.csv:1: a table of SCALE-Sim's for products of matrices"),
    "too few": ("x.csv", "Layer name, IFMAP Height,\na, 1, 2, 3,\n", "x.csv:2: 4 fields; a row of SCALE-Sim v2 or v3"),
    "no number": ("x.csv", "Layer name, IFMAP Height,\na, 1, 1, 1, 1, x, 3, 1,\n", "x.csv:2: 'x' is no size"),
    "zero": ("x.csv", "Layer name, IFMAP Height,\na, 1, 1, 1, 1, 0, 3, 1,\n", "x.csv:2: '0' is no size"),
    "too large": ("x.csv", "Layer name, IFMAP Height,\na, 1, 1, 3, 3, 3, 3, 1,\n", "x.csv:2: a filter of 3x3 on 1x1"),
    "none": ("x.csv", "Layer name, IFMAP Height,\n", "without a layer"),
    "version": (
        "x.yaml", "problem:\n  version: 0.2\n  instance: {C: 1}\n", "x.yaml:1: a problem of Timeloop 0.2; 0.3 and 0.4",
    ),
    "no instance": ("x.yaml", "problem:\n  version: 0.4\n", "x.yaml:1: a problem of Timeloop 0.4 without an instance"),
    "no K": ("x.yaml", "problem:\n  C: 1\n  P: 1\n", "x.yaml:1: a convolution of Timeloop has C, M (or K)"),
    "another type": ("x.m", "Network x {\nLayer a { Type: LSTM }\n}", "x.m:2: layer a is of type LSTM"),
    "a dimension": ("x.m", "Network x {\nLayer a { Type: CONV Dimensions { K: 1 } }\n}", "layer a has no dimension C"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), BAD.values(), ids=BAD.keys())
def test_bad_files_are_one_line(name, text, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    assert run(["audit", name, "--network", "googlenet"]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say of which network, --network NAME"),
        (["--network", "nosuchnet"], "unknown network 'nosuchnet'"),
        (["--network", "googlenet", "--map", "a=params"], "says what its columns are"),
        (["googlenet", "--network", "googlenet"], "is audited alone"),
    ],
)
def test_bad_questions_are_one_line(arguments, said, capsys):
    assert run(["audit", str(GOOGLENET), *arguments]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert (printed.err.count("\n"), printed.out) == (1, "")


@pytest.mark.parametrize(("level", "status"), [("contradiction", 1), ("difference", 1), (None, 0)])
def test_a_wrong_row_fails_where_asked(level, status, capsys):
    asked = ["--fail-on", level] if level else []
    assert run(["audit", str(GOOGLENET), "--network", "googlenet", *asked]) == status
    assert "12,086,144" in " ".join(capsys.readouterr().out.split())
