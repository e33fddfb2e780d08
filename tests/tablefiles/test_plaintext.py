"""Plain text: bars, tabs, and columns that are known only by where they stand."""

from __future__ import annotations

import io
import sys

import pytest
from rawtables import TABULAR, places, read, texts

from convcost.errors import ConvcostError
from convcost.tablefiles.reading import read_table, tables_in

ALIGNED = """Table 3: Results.

Model            Params     MACs
                 (M)        (G)
--------------------------------
ResNet-18        11.7       1.81
ResNet-50        25.6       4.09
   with residual connections that go on here
VGG-16                      15.5
"""


def test_aligned_columns_with_a_header_of_two_lines(tmp_path):
    table = read(tmp_path, ".txt", ALIGNED)
    assert table.columns == ("Model", "Params / (M)", "MACs / (G)")
    assert texts(table) == [
        ["ResNet-18", "11.7", "1.81"],
        ["ResNet-50", "25.6", "4.09"],
        ["VGG-16", "", "15.5"],
    ]
    assert [row.section for row in table.rows] == ["", "", "with residual connections that go on here"]
    assert places(table)[0] == ["6:1", "6:18", "6:29"]


@pytest.mark.parametrize(
    "text",
    [
        "+-----+------+\n| Net | MACs |\n+-----+------+\n| a b | 4.2M |\n+-----+------+\n",
        "┌─────┬──────┐\n│ Net │ MACs │\n├─────┼──────┤\n│ a b │ 4.2M │\n└─────┴──────┘\n",
        "Net | MACs\na b | 4.2M\n",
        "| Net | MACs |\n|--|--|\n| a b | 4.2M |\n",
        "Net\tMACs\na b\t4.2M\n",
        "Net   MACs\na b   4.2M\n",
        "Net,MACs\na b,4.2M\n",
        "Results of ours\n\nNet   MACs\na b   4.2M\n\nand so on.\n",
    ],
)
def test_one_table_in_many_writings(tmp_path, text):
    table = read(tmp_path, ".txt", text)
    assert (table.columns, texts(table)) == (("Net", "MACs"), [["a b", "4.2M"]])


def test_what_cannot_be_told_apart_is_refused_with_its_place(tmp_path):
    text = "Net   Params  MACs\na     25.6   4.1\nb     11.7M or so it is\n"
    with pytest.raises(ConvcostError, match=r"t\.txt:2:7: '25\.6' and '4\.1' stand in one column: it is not clear"):
        read(tmp_path, ".txt", text)
    with pytest.raises(ConvcostError, match="no table in it"):
        read(tmp_path, ".txt", "Only words,\nand more of them\n")


def test_the_rest_of_a_label_is_part_of_it(tmp_path):
    """ResNet-50 alone would be another network than ResNet-50 + SE."""
    table = read(
        tmp_path, ".txt", "Model       MACs   Params\nResNet-50   3.9G   28.1M\n+ SE\nVGG-16      15.5G  138M\n(D)\n"
    )
    assert [row.cells[0].text for row in table.rows] == ["ResNet-50 + SE", "VGG-16 (D)"]


def test_a_heading_over_two_columns_belongs_to_both(tmp_path):
    text = "            ours here\nNet     Params  MACs\n--------------------\na       25.6    4.1\n"
    table = read(tmp_path, ".txt", text)
    assert table.columns == ("Net", "ours here / Params", "ours here / MACs")


@pytest.mark.parametrize(
    ("data", "cells"),
    [
        (TABULAR % r"Net & MACs \\ a & 4.2M \\", ["a", "4.2M"]),
        ("<table><tr><th>Net<th>MACs<tr><td>a<td>4.2M</table>", ["a", "4.2M"]),
        ("|Net|MACs|\n|-|-|\n|a|4.2M|\n", ["a", "4.2M"]),
        ("Net;MACs\na;4.2M\n", ["a", "4.2M"]),
        ("Net   MACs\na     4.2M\n", ["a", "4.2M"]),
    ],
)
def test_the_kind_of_standard_input_is_recognised(monkeypatch, data, cells):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
    table = read_table("-")
    assert [cell.text for cell in table.rows[0].cells] == cells
    assert table.rows[0].cells[0].place.startswith("stdin:")


def test_pages_are_a_pdfs(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConvcostError, match=r"t\.csv: only a PDF has pages"):
        tables_in(tmp_path / "t.csv", pages="3")


PASTED = """Table 2: comparison.
Model Params (M) Mult-Adds (M) Top-1 (%)
MobileNet V2 3.5 300 72.0
Large networks
ResNet 50 25.6 3858 76.1
VGG 16 (BN) 138.4 15470 -
"""


def test_columns_one_blank_apart(tmp_path):
    """As a viewer of PDFs copies a table: a title a word, and of each row the last words are values."""
    table = read(tmp_path, ".txt", PASTED)
    assert table.columns == ("Model", "Params (M)", "Mult-Adds (M)", "Top-1 (%)")
    assert texts(table) == [
        ["MobileNet V2", "3.5", "300", "72.0"],
        ["Large networks", "", "", ""],
        ["ResNet 50", "25.6", "3858", "76.1"],
        ["VGG 16 (BN)", "138.4", "15470", "-"],
    ]
    assert places(table)[0] == ["3:1", "3:14", "3:18", "3:22"]


def test_a_row_with_too_few_values_has_no_number(tmp_path):
    """Which one is missing nobody knows: what reads the cells lists them. A citation is no value."""
    text = "Model Params (M) MACs (G)\nResNet-18 11.7 1.8\nVGG-16 138.4\nDenseNet-121 8.0 2.9 [12]\nof others\n"
    assert texts(read(tmp_path, ".txt", text)) == [
        ["ResNet-18", "11.7", "1.8"],
        ["VGG-16", "138.4 in which column?", "138.4 in which column?"],
        ["DenseNet-121", "8.0", "2.9"],
        ["of others", "", ""],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "We train for 90 epochs.\nThe rate is 0.1 at first\nand 0.01 then, so that\n",
        "Model Top-1 acc. Params\nResNet 50 25.6 3858\nVGG 16 138.4\nResNet 18 12\n",
        "a b c\n1 2 3\n4 5 6\n",
        "In 2015 and 2016 we saw\nResNet 50 25.6 3858 76.1\nResNet 18 11.7 1814 69.8\n",
    ],
)
def test_words_are_no_columns(tmp_path, text):
    """Titles that are not as many as the values, numbers among them, rows without names: nothing is guessed."""
    with pytest.raises(ConvcostError, match="no table in it; in a text, cells stand between bars or tabs"):
        read(tmp_path, ".txt", text)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_as_excel_writes_it(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes("Mod\u00e8le;Param\u00e8tres\r\nR\u00e9seau \u00b1;25,6\r\n".encode(encoding))
    table = read_table(path)
    assert table.columns == ("Mod\u00e8le", "Param\u00e8tres")
    assert texts(table) == [["R\u00e9seau \u00b1", "25,6"]]
