"""Numbers at each other's rows: one error, which two cells share, and no other version of a network."""

from __future__ import annotations

import pytest

import convcost

VERSIONS = """\
| Model | Params (M) | MACs (G) |
|---|---|---|
| ResNet-50 v1 | 25.56 | {} |
| ResNet-50 v1.5 | 25.56 | {} |
| ResNet-101 v1 | 44.55 | 7.57 |
| ResNet-101 v1.5 | 44.55 | 7.80 |
| ResNet-152 v1.5 | 60.19 | 11.51 |
"""
"""3,857,973,248 and 4,089,184,256 multiply-adds; 7,570,194,432, 7,801,405,440 and 11,513,626,624."""


def verdicts(tmp_path, text):
    path = tmp_path / "table.md"
    path.write_text(text)
    return {(one.claim.row, one.claim.text): one for one in convcost.audit(path).findings}


@pytest.mark.parametrize(
    ("cells", "expected"), [(("3.86", "4.09"), "holds"), (("4.09", "3.86"), "slip"), (("4.09", "4.09"), "slip")]
)
def test_a_row_that_says_its_version_is_of_no_other(tmp_path, cells, expected):
    found = verdicts(tmp_path, VERSIONS.format(*cells))
    assert found["ResNet-50 v1", cells[0]].verdict == expected
    other = "slip" if cells == ("4.09", "3.86") else "holds"
    assert found["ResNet-50 v1.5", cells[1]].verdict == other
    assert found["ResNet-101 v1", "7.57"].verdict == "holds"


def test_a_row_that_says_none_is_of_the_version_that_its_table_counts(tmp_path):
    found = verdicts(tmp_path, VERSIONS.format("4.09", "4.09").replace(" v1.5", "").replace(" v1 ", " "))
    assert {one.verdict for (row, text), one in found.items() if row == "ResNet-50"} == {"holds"}


def test_swapped_rows_are_told_of_each_other(tmp_path):
    """fvcore's counts of ResNet-18, 34 and 50: 1.82, 3.67 and, of v1.5, 4.11 G."""
    rows = [("18", "11.69", "1.82"), ("34", "21.80", "4.11"), ("50", "25.56", "3.67"), ("101", "44.55", "7.83")]
    text = "".join(f"| ResNet-{name} | {params} | {flops} |\n" for name, params, flops in rows)
    found = verdicts(tmp_path, f"| Model | Params (M) | FLOPs (G) |\n|---|---|---|\n{text}")
    for row, cell, other in (("ResNet-34", "4.11", "ResNet-50"), ("ResNet-50", "3.67", "ResNet-34")):
        assert found[row, cell].verdict == "slip"
        assert f"swapped with the number of {other}" in found[row, cell].evidence
