"""The dialects that the commands speak: `convcost dialects`, and `--as` of the tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

import convcost
from convcost.cli import run
from convcost.counters.releases import EVERY
from convcost.counters.rules import rule
from convcost.counters.tools import NAMES, TOOLS
from convcost.torchbridge import toolruns


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, str]]:
    assert run([*arguments, "--format", "csv"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_dialects_of_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["rule"]: row for row in printed(capsys, "dialects", "resnet50@v1.5")}
    assert list(rows) == list(NAMES)
    total = convcost.load("resnet50@v1.5").price().total
    assert {name: int(row["count"]) for name, row in rows.items()} == {name: total(as_=name) for name in NAMES}
    expected = "macs 4,089,184,256 + 2 bn 22,227,968 + 2-d global_avgpool in 100,352"
    assert rows["fvcore"]["is"] == expected
    assert rows["thop"]["is"].endswith(" + 3 softmax 3,000 - softmax vectors 1")


def test_real_tools_beside_their_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """torchinfo counts a transposed convolution by its 10 x 10 outputs, not by its 5 x 5 inputs; its biases as well."""
    (tmp_path / "of_a_user.py").write_text(
        "from torch import nn\n\nclass Net(nn.Sequential):\n    def __init__(self, width=4):\n"
        "        super().__init__(nn.ConvTranspose2d(3, width, 2, stride=2))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(toolruns, "PACKAGES", {"torch": "torch", "torchinfo": "torchinfo", "thop": "not-there-at-all"})
    asked = ("dialects", "torch:of_a_user:Net", "--set", "width=6", "--input", "3x5x5", "--run")
    rows = {row["rule"]: row for row in printed(capsys, *asked)}
    macs = 25 * 3 * 6 * 4
    torch, torchinfo, thop, ptflops = (rows[name] for name in ("torch", "torchinfo", "thop", "ptflops"))
    assert (torch["count"], torch["run"], torch["run_mark"]) == (str(2 * macs), str(2 * macs), "holds")
    assert (torchinfo["count"], torchinfo["run"]) == (str(macs + 600), str(4 * macs + 600))
    assert torchinfo["run_mark"] == "differs"
    assert (thop["run"], thop["run_note"]) == ("", "not installed: pip install not-there-at-all")
    assert ptflops["run"] == ptflops["run_mark"] == ""
    for more, why in (("--batch", "2"), "one sample"), (("--fold-norms",), "a module as it is"):
        assert run([*asked, *more]) == 2
        assert why in capsys.readouterr().err


def test_dialects_tells_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dialects"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    for release in TOOLS.values():
        assert release.quirk in out
    assert "weights+biases: weights and biases, no normalisation" in out
    tools = {row["rule"]: row["tool"] for row in printed(capsys, "dialects")}
    assert list(tools) == list(NAMES)
    assert (tools["thop"], tools["macs"]) == ("thop 0.1.1.post2209072238 (2022)", "")


def test_releases_of_other_years(capsys: pytest.CaptureFixture[str]) -> None:
    """The 4.12 G that OpenMMLab prints is ptflops 0.6's, as tests/data/counting_rules.yaml has it."""
    rows = {row["rule"]: row for row in printed(capsys, "dialects", "resnet50@v1.5", "--all")}
    assert list(rows) == list(EVERY)
    assert int(rows["ptflops-0.6"]["count"]) == 4_121_924_096
    assert {row["rule"]: row["tool"] for row in printed(capsys, "dialects", "--all")}["darknet"].endswith("read (2018)")


@pytest.mark.parametrize(
    "option", [("--input", "3x1x1"), ("--batch", "4"), ("--batch", "1"), ("--set", "nope=3"), ("--run",)]
)
def test_rules_take_no_options_of_a_network(option: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dialects", *option]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {option[0]} goes with a network: convcost dialects NETWORK {option[0]} ...\n")


@pytest.mark.parametrize("width", [100, 80, 60, 40, 20])
def test_no_number_is_cut_where_a_column_wraps(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["dialects", "resnet50@v1.5", "--exact"]) == 0
    words = capsys.readouterr().out.split("─\n")[1].split("\n\n")[0].split()
    total = convcost.load("resnet50@v1.5").price().total
    for name in NAMES:
        for amount in rule(name).terms(total).values():
            assert f"{abs(amount):,}" in words
    assert not any(word.endswith(",") and word[0].isdigit() for word in words)


def test_as_in_layers_compare_and_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys, "layers", "resnet18", "--depth", "1", "--as", "thop")
    assert int(rows[-1]["thop"]) == convcost.load("resnet18").price().total(as_="thop")
    rows = printed(capsys, "layers", "resnet18", "--depth", "1", "--as", "keras")
    assert (int(rows[-1]["keras"]), int(rows[-1]["macs"])) == (11_699_112, 1_814_073_344)
    rows = printed(capsys, "compare", "resnet50@v1", "resnet50@v1.5", "--as", "fvcore")
    counts = {row["quantity"]: row["resnet50@v1.5"] for row in rows}
    assert counts["fvcore"] == "4111512576"
    assert "macs" not in counts
    rows = printed(capsys, "table", "googlenet", "--as", "flops2")
    assert [row["ops computed"] for row in rows if row["kind"] == "total"] == [str(2 * 1_582_671_872)]
    assert run(["table", "googlenet", "--as", "thopp"]) == 2
    assert capsys.readouterr().err == "error: unknown rule of counting 'thopp'; did you mean thop?\n"
