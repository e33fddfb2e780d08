"""Values look the same however blocks are cut, and bad input is one line."""

from __future__ import annotations

import csv
import json
import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from sweeping import swept

from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, parse_derived, space_of
from convcost.network import load


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
    "half a pixel": (["--over", "H=1:2:0.5"], "H takes integers >= 1, got 1.5"),
    "no pixel": (["--over", "H=0:2"], "H takes integers >= 1, got 0"),
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
