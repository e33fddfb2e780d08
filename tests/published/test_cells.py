"""Cells as people print them: what beside a number cannot change it, and that a cell costs no other one."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcost.errors import ConvcostError
from convcost.published.cells import decimal_commas, number, says_nothing, without_emphasis
from convcost.published.claims import Claims
from convcost.published.usertable import read_claims
from convcost.tablefiles.reading import read_table


def claims(tmp_path: Path, text: str, name: str = "t.csv") -> Claims:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_claims(read_table(path))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("**4.1**", "4.1G"),
        ("`4.1`", "4.1G"),
        ("<b>4.1</b>", "4.1G"),
        ("4.1 [3]", "4.1G"),
        ("4.1M[12, 13]", "4.1M"),
        ("4.09 ↓", "4.09G"),
        ("**4.09**↑", "4.09G"),
        ("4.1 ± 0.1", "~4.1G"),
        ("4.1 ± 0.0", "4.1G"),
        ("4.1 $\\pm$ 0.0", "4.1G"),
        ("4.1*", "4.1G"),
        ("27.61M (-34%)", "27.61M"),
        ("13.07 (−30.5 %)", "13.07G"),
        ("**4.1** (+1%)", "4.1G"),
        (r"4.1 (100\%)", "4.1G"),
        ("4.1 (↓20%)", "4.1G"),
        ("4.1 (1.9x)", "4.1G"),
        ("4.1 (×0.5)", "4.1G"),
    ],
)
def test_what_cannot_change_a_number_is_passed_over(text: str, normal: str) -> None:
    assert number(text, scale="G").normal == normal


@pytest.mark.parametrize(
    "text",
    [
        "17.61 (wrong)",
        "4.1 (7.6)",
        "4.1 (+0.3)",
        "(-34%)",
        "3.0~3.2",
        "4.1 ± 0.3",
        "4.1 ± 0.05",
        "4,1",
        "4.09 ↓ 20%",
        "4.1|3",
        "4.1¹",
        "4.1 3.9",
        "3 [4",
        "**4.1",
        "",
        "[3]",
    ],
)
def test_what_leaves_open_the_claim_is_no_number(text: str) -> None:
    with pytest.raises(ConvcostError, match="cannot read"):
        number(text)


@pytest.mark.parametrize("text", ["", "-", "—", "OOM", "**OOM**", "N/A", "n.a.", "?", "out of memory", "not reported"])
def test_cells_without_a_number(text: str) -> None:
    assert says_nothing(text)


def test_emphasis_is_taken_off_only_where_it_is_around_all() -> None:
    assert [without_emphasis(text) for text in ("__a_b__", "**a**b**", "4.1*", "*4.1*")] == [
        "__a_b__",
        "**a**b**",
        "4.1*",
        "4.1",
    ]


@pytest.mark.parametrize(
    ("texts", "commas"),
    [
        (["4,1", "25,557"], True),
        (["25,557", "1,024"], None),
        (["4,1", "25.557"], False),
        (["1,234,567", "4,1"], True),
        (["4.1"], False),
    ],
)
def test_a_column_says_what_its_commas_are(texts: list[str], commas: bool | None) -> None:
    assert decimal_commas(texts) is commas


def test_decimal_commas() -> None:
    assert number("25,557", scale="M", commas=True).value() == 25_557_000
    assert number("25,557").value() == 25_557
    assert number("1,234,567", commas=True).value() == 1_234_567


def test_one_unreadable_cell_costs_only_itself_and_is_listed(tmp_path: Path) -> None:
    found = claims(
        tmp_path,
        "Net,Params (M),MACs (G)\nresnet18,11.69,1.81\nresnet34,21.80,3.6~3.7\nresnet50,17.61 (wrong),4.09\n"
        "vgg16,138.36,OOM\n",
    )
    assert [claim.text for claim in found.claims] == ["11.69", "1.81", "21.80", "4.09", "138.36"]
    assert [(one.row, one.column, one.text, one.place.rpartition(":")[2]) for one in found.unread] == [
        ("resnet34", "MACs (G)", "3.6~3.7", "3"),
        ("resnet50", "Params (M)", "17.61 (wrong)", "4"),
    ]


def test_a_number_beside_a_smaller_digit_is_listed_and_not_read(tmp_path: Path) -> None:
    table = "<table><tr><th>Net<th>Params (M)<tr><td>resnet18<td>11.6<small>9</small><tr><td>resnet34<td>21.8</table>"
    found = claims(tmp_path, table, "t.html")
    assert [claim.text for claim in found.claims] == ["21.8"]
    assert [one.text for one in found.unread] == ["11.6|9"]


def test_an_input_that_is_not_read_costs_the_operations_of_its_row(tmp_path: Path) -> None:
    """Parameters are those of any input."""
    found = claims(
        tmp_path, "Net,Input,Params,MACs\nresnet50,small,25.6M,4.1G\nresnet50,9x9,25.6M,4.1G\nvgg11,224,1,7.6G\n"
    )
    assert [(claim.row, claim.text) for claim in found.claims][:1] == [("resnet50", "25.6M")]
    (one,) = (one for one in found.unread if one.place.endswith(":2"))
    assert one.column == "MACs"
    assert one.why.startswith("'small' is no input size such as")


def test_a_row_whose_network_cannot_have_its_input_is_listed(tmp_path: Path) -> None:
    found = claims(tmp_path, "Net,Input,MACs\ninception_v3,9x9,4G\nvgg11,224,7.6G\n")
    assert [claim.row for claim in found.claims] == ["vgg11"]
    (one,) = found.unread
    assert "its window of 3 does not fit" in one.why


def test_a_fraction_of_a_parameter_is_unread(tmp_path: Path) -> None:
    found = claims(tmp_path, "Net,Params\nresnet18,11.69\nresnet34,21.8M\n")
    assert [claim.text for claim in found.claims] == ["21.8M"]
    assert "a count is whole; say its scale" in found.unread[0].why


@pytest.mark.parametrize("size", ["288", "@288", "$288^2$", "$288$", "288²", "288 px", "3x288x288"])
def test_an_input_is_read_as_people_print_it(tmp_path: Path, size: str) -> None:
    found = claims(tmp_path, f"Model,Image size,MACs (G)\nResNet-50,{size},6.76\n")
    assert [claim.reference.rpartition(" ")[2] for claim in found.claims] == ["input=3x288x288"]


@pytest.mark.parametrize(
    ("right", "whole"), [(".69M", "11"), (",69", "11"), ("± 0.1", "11.69"), ("+/- 0.1", "11.69"), ("$\\pm$ 0.1", "11")]
)
def test_half_of_a_number_is_no_number(tmp_path: Path, right: str, whole: str) -> None:
    # LaTeX's r@{}l sets a number in two cells under one title.
    found = claims(tmp_path, f'Model,Params,,MACs\nResNet-18,{whole},"{right}",1.81G\n')
    assert [(one.text, "may be one number" in one.why) for one in found.unread] == [(whole, True)]
    assert [claim.text for claim in found.claims] == ["1.81G"]


def test_a_column_of_its_own_title_is_no_half(tmp_path: Path) -> None:
    found = claims(tmp_path, "Model,Params (M),Top-1\nResNet-18,12,.698\n")
    assert [claim.text for claim in found.claims] == ["12"]
    assert not found.unread


def test_a_column_of_two_counts_is_told(tmp_path: Path) -> None:
    found = claims(tmp_path, "Model,Params (M),MACs/FLOPs (G)\nResNet-18,11.69,1.81/3.63\n")
    assert found.notes == ["'MACs/FLOPs (G)' prints two counts a cell, and is not read: give each a column of its own"]


@pytest.mark.parametrize(("cells", "read"), [(("44.7 MB", "97.8MB"), 2), (("44.7 MB", "97.8"), 0), (("L", "XL"), 0)])
def test_a_size_is_bytes_where_each_cell_says_so(tmp_path: Path, cells: tuple[str, str], read: int) -> None:
    text = f"Model,Params (M),Model size\nResNet-18,11.69,{cells[0]}\nResNet-50,25.56,{cells[1]}\n"
    assert [claim.quantity for claim in claims(tmp_path, text).claims].count("bytes") == read


@pytest.mark.parametrize("units", ["(M),(G)", "M,G", "[10^6],[10^9]", "M params,GMACs"])
def test_a_line_of_units_belongs_to_the_titles(tmp_path: Path, units: str) -> None:
    found = claims(tmp_path, f"Model,Params,MACs\n,{units}\nResNet-18,11.69,1.81\n")
    assert [(claim.text, claim.printed and claim.printed.value()) for claim in found.claims] == [
        ("11.69", 11_690_000),
        ("1.81", 1_810_000_000),
    ]
    assert not found.unread
    assert not found.notes


def test_a_row_without_a_name_says_so(tmp_path: Path) -> None:
    found = claims(tmp_path, "| Model | MACs |\n|---|---|\n| VGG-16 | 15.5G |\n| ~~AlexNet~~ | 7G |\n", "t.md")
    assert [one.why for one in found.unread] == ["this row has no name, or one that is struck out"]
    assert [claim.text for claim in found.claims] == ["15.5G"]


@pytest.mark.parametrize("size", ["224/288", "224 → 288", "288 (test)"])
def test_work_at_an_input_that_is_not_read_is_unread(tmp_path: Path, size: str) -> None:
    found = claims(tmp_path, f"Model,Input,Params (M),MACs (G)\nResNet-50,{size},25.56,6.76\n")
    assert [claim.text for claim in found.claims] == ["25.56"]
    assert [(one.text, "is no input size" in one.why) for one in found.unread] == [("6.76", True)]


def test_of_a_count_and_its_views_the_count_is_one_views(tmp_path: Path) -> None:
    """X3D's tables: GFLOPs of a clip, and how many clips and crops are tested."""
    text = "model,GFLOPs×views,Param\nX3D-M,6.2×30,3.8M\nSlowFast 4×16 R50,36.1 x 3 x 10,34.4M\nI3D,108 × N/A,12M\n"
    found = claims(tmp_path, text)
    assert [str(one.printed) for one in found.claims if one.quantity == "ops"] == ["6.2", "36.1", "108"]
    assert not found.unread
    other = claims(tmp_path, "model,GFLOPs,Param\nX3D-M,6.2×30,3.8M\n")
    assert [one.text for one in other.unread] == ["6.2×30"]  # without such a title nobody knows


def test_numbers_in_other_scripts(tmp_path: Path) -> None:
    text = "model,参数量,计算量(G)\nResNet-50,2556万,４．０９\nVGG-16,1.38亿,15.5\nResNet-18,\u200e1169万,١٫٨١\n"
    found = claims(tmp_path, text)
    values = [int(one.printed.value()) for one in found.claims]
    assert values == [25_560_000, 4_090_000_000, 138_000_000, 15_500_000_000, 11_690_000, 1_810_000_000]
    turned = claims(tmp_path, "model,Params (M)\nVGG-16,138\nResNet-50,\u202e65.52\n")
    assert [one.row for one in turned.unread] == ["ResNet-50"]  # shown as 25.56
