"""The rules of counting_rules.yaml against arithmetic, and against each tool and release in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from counting_rules import BASE, KINDS, MORE_KINDS, NETWORKS, OPERATORS, predicted, records, total, write_specs

import convcost
from convcost.counters.releases import OF_A_TOOL

HERE = Path(__file__).parent
PEER = HERE / "peers" / "releases.py"
RECORDS = records()
MEASURED = [record for record in RECORDS if "peer" in record]
STRIDED = "ultralytics get_flops"
SOURCES_ONLY = ("model-analyzer", "model-stats")
"""Are on no package index: what they counted stands in the data."""


def label(record: dict[str, Any]) -> str:
    return f"{record['tool']}, {record['holds'].split()[0]}"


@cache
def network(name: str) -> Any:
    return total(name)


@pytest.mark.parametrize("record", RECORDS, ids=label)
def test_a_record_is_whole(record: dict[str, Any]) -> None:
    assert set(record) >= {"name", "tool", "unit", "rule", "holds", "years", "scale", "input", "wrong", "fits", "proof"}
    assert set(record["rule"]) <= {*KINDS, *MORE_KINDS}
    assert ("peer" in record) <= record["proof"].startswith("ran")
    assert set(record["wrong"]) <= {*OPERATORS, *NETWORKS}
    begins, ends = record["years"]["from"], record["years"]["to"]
    assert not ends or begins < ends


@pytest.mark.parametrize("record", [r for r in RECORDS if r.get("operators")], ids=label)
def test_a_rule_is_what_the_tool_counted(record: dict[str, Any], tmp_path: Path) -> None:
    layers = {name: total(path) for name, path in write_specs(tmp_path).items()}
    before = predicted(record["rule"], layers.pop(BASE))
    rule = {name: predicted(record["rule"], layer) - before for name, layer in layers.items()}
    rule |= {name: predicted(record["rule"], network(name)) for name in record["networks"]}
    measured = {
        name: count for name, count in {**record["operators"], **record["networks"]}.items() if count is not None
    }
    sound = measured.keys() - record["wrong"].keys()
    assert {name: rule[name] for name in sound} == {name: measured[name] for name in sound}
    assert len(measured) >= 18


@pytest.mark.parametrize("record", [r for r in RECORDS if r["proof"].startswith("read") and "networks" in r], ids=label)
def test_a_rule_is_what_was_published(record: dict[str, Any]) -> None:
    for name, count in record["networks"].items():
        assert predicted(record["rule"], network(name)) == count


def test_a_release_is_of_the_year_of_the_first_version_that_was_run() -> None:
    """But fvcore's pooling by a mean, of which a release of 2022 was run: tables of 2020 count so."""
    run = {record["release"]: record["years"]["from"] for record in reversed(MEASURED) if "release" in record}
    found = {name: str(OF_A_TOOL[name].year) for name in run if name != "fvcore-functional"}
    assert found == {name: run[name][:4] for name in found}
    assert len(found) > 15


def test_a_square_of_the_stride_is_scaled() -> None:
    """Linear layers and what follows a global pooling are scaled with the image, which is wrong."""
    (record,) = (r for r in RECORDS if r["tool"] == STRIDED)
    for name, count in record["networks"].items():
        square = convcost.load(name).price((3, 32, 32)).total
        assert count == predicted(record["rule"], square) * (224 // 32) ** 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record", "release"),
    [
        pytest.param(record, release, id=f"{release}, {record['peer']}")
        for record in MEASURED
        if record["peer"] not in SOURCES_ONLY
        for release in record["releases"]
    ],
)
def test_a_release_counts_as_its_record_says(record: dict[str, Any], release: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    sys.path.insert(0, str(PEER.parent))
    try:
        from releases import install
    finally:
        sys.path.remove(str(PEER.parent))
    install([release, *record["install"][1:], *record.get("needs", ())], tmp_path / "release")
    (tmp_path / "specs").mkdir()
    specs = write_specs(tmp_path / "specs") if record["operators"] else {}
    names = [*specs.values(), *([] if "slow" in record else record["networks"])]
    path = os.pathsep.join([str(tmp_path / "release"), str(HERE.parent)])
    command = [sys.executable, PEER, record["peer"], *names]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    measured = {name: counts[file] for name, file in specs.items() if name != BASE}
    found = {name: None if count == -1 else count - counts[specs[BASE]] for name, count in measured.items()}
    found |= {name: counts[name] for name in names if name in record["networks"]}
    assert found == {
        **record["operators"],
        **{name: count for name, count in record["networks"].items() if name in found},
    }
