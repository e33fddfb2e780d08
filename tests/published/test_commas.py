"""Decimal commas of a table: one column says it of the others, or the counts themselves; points are thousands then."""

from __future__ import annotations

import pytest

import convcost
from convcost.published.cells import decimal_commas, number

ROWS = (("ResNet-18", 11_689_512, 1_814_073_344), ("ResNet-50", 25_557_032, 4_089_184_256))
"""At torchvision's stride, which is v1.5."""


def german(value: float, decimals: int) -> str:
    """1814.07 as 1.814,07."""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


@pytest.mark.parametrize(
    ("titles", "cells"),
    [
        (("Params (M)", "MACs (G)"), lambda p, m: (german(p / 1e6, 2), german(m / 1e9, 3))),
        (("Params", "MACs (G)"), lambda p, m: (german(p, 0), german(m / 1e9, 3))),
        (("Params (M)", "MACs (M)"), lambda p, m: (german(p / 1e6, 2), german(m / 1e6, 2))),
        (("MACs (G)", "Top-1"), lambda _, m: (german(m / 1e9, 3), "70,1")),
    ],
)
def test_a_european_table(tmp_path, titles, cells):
    lines = [";".join(("Model", *titles)), *(";".join((name, *cells(p, m))) for name, p, m in ROWS)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines))
    audited = convcost.audit(path)
    assert len(audited.findings) >= 2
    assert not audited.unread
    assert {one.verdict for one in audited.findings} == {"holds"}


def test_thousands_stay_thousands(tmp_path):
    path = tmp_path / "table.md"
    path.write_text(
        "| Model | Params (K) | MACs (M) |\n|--|--|--|\n| ResNet-18 | 11,690 | 1,814 |\n"
        "| ResNet-50 | 25,557 | 4,089 |\n"
    )
    assert {one.verdict for one in convcost.audit(path).findings} == {"holds"}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["25,6", "4,089"], True),
        (["4,089", "1,814"], None),
        (["1.814,07"], True),
        (["25.557.032"], True),
        (["25.557", "11.690"], False),
        (["25.6", "4,1"], False),
        (["12", "-"], None),
    ],
)
def test_what_a_column_says_of_its_commas(texts, said):
    assert decimal_commas(texts) is said


def test_points_between_thousands_where_commas_are_decimal():
    assert number("1.814,07 M", commas=True).value() == 1_814_070_000
    assert number("25.557.032", commas=True).value() == 25_557_032


def test_activations_that_say_no_scale_are_held_against_activations(tmp_path):
    """Outputs of convolutions and linear layers, stage by stage; as multiply-adds they were read in G."""
    path = tmp_path / "table.md"
    path.write_text("| Model | Activations |\n|--|--|\n| ResNet-50 v1.5 | 11.1 |\n| ResNet-18 | 2.48 |\n")
    audited = convcost.audit(path)
    resnet50 = 802_816 + 4_415_488 + 3_110_912 + 2_157_568 + 627_200 + 1000
    resnet18 = 802_816 + 802_816 + 501_760 + 250_880 + 125_440 + 1000
    assert [(one.computed, one.verdict) for one in audited.findings] == [(resnet50, "holds"), (resnet18, "holds")]


def test_a_pasted_value_whose_column_is_not_known_is_no_number(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("Model Params (M) MACs (G)\nResNet-18 11.7 1.8\nResNet-50 25.6 3.9\nVGG-16 138.4\n")
    audited = convcost.audit(path)
    assert {one.claim.row for one in audited.findings} == {"ResNet-18", "ResNet-50"}
    assert {(one.row, one.column) for one in audited.unread} == {("VGG-16", "Params (M)"), ("VGG-16", "MACs (G)")}
