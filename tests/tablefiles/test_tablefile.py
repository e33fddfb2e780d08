"""Reading a user's table: the real ones as typed in, each format's own ways, and what must be refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from effort import bounded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convcost.errors import ConvcostError, MissingExtraError
from convcost.printed.numbers import absent, parse
from convcost.published.headings import quantity_of
from convcost.published.usertable import read_claims
from convcost.tablefiles.grid import RawTable
from convcost.tablefiles.reading import READERS, read_table

TABULAR = r"\begin{tabular}{ll}%s\end{tabular}"
TABLES = Path(__file__).parents[1] / "data" / "tables"


def read(tmp_path: Path, suffix: str, text: str | bytes, **choice: Any) -> RawTable:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, **choice)


def texts(table: RawTable) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def places(table: RawTable) -> list[list[str]]:
    return [[cell.place.partition(":")[2] for cell in row.cells] for row in table.rows]


# --- the real tables ----------------------------------------------------------------------------------

# File and table, size, some titles and cells with their places: read off the files by eye.
REAL: list[tuple[str, int | None, tuple[int, int], dict[int, str], dict[tuple[int, int], tuple[str, str]]]] = [
    (
        "mobilenet_v2_table4.tex",
        None,
        (6, 5),
        {0: "Network", 2: "Params", 3: "MAdds"},
        {(0, 0): ("MobileNetV1", "8:5"), (1, 2): ("3.4M", "9:31"), (5, 0): ("MobileNetV2 (1.4)", "14:5")},
    ),
    (
        "mobilenet_v2_readme.md",
        None,
        (22, 6),
        {1: "MACs (M)", 2: "Parameters (M)"},
        {(0, 0): ("mobilenet_v2_1.4_224", "5:1"), (0, 1): ("582", "5:61"), (21, 2): ("1.66", "26:72")},
    ),
    (
        "efficientnet_table2.html",
        None,
        (24, 7),
        {0: "Model", 3: "#Params", 4: "Ratio-to-EfficientNet", 5: "#FLOPs", 6: "Ratio-to-EfficientNet"},
        {(0, 3): ("5.3M", "4"), (1, 0): ("ResNet-50 (He et al., 2016)", "5"), (23, 5): ("-", "27")},
    ),
    (
        "densenet_cifar.md",
        None,
        (6, 6),
        {0: "Model", 1: "Parameters", 5: "CIFAR-100+"},
        {(0, 0): ("DenseNet (L=40, k=12)", "5:1"), (4, 2): ("5.19", "9:34"), (5, 2): ("-", "10:34")},
    ),
    (
        "shufflenet_table5.csv",
        None,
        (10, 4),
        {1: "Complexity (MFLOPs)"},
        {(2, 0): ("ShuffleNet 2× (with SE[13], g = 3)", "4"), (2, 1): ("527", "4"), (9, 3): ("6.6", "11")},
    ),
    (
        "resnext_readme.md",
        2,
        (5, 4),
        {1: "GFLOPS"},
        {(1, 0): ("ResNeXt-50 (32x4d)", "18:3"), (1, 1): ("~4.1", "18:26")},
    ),
    (
        "senet_table2.tex",
        None,
        (8, 9),
        {0: "", 1: "original / top-1 err.", 5: "re-implementation / GFLOPs", 8: "SENet / GFLOPs"},
        {(0, 5): ("3.86", "10:67"), (0, 6): ("23.29_(1.51)", "10:76"), (7, 1): ("19.9†", "18:38")},
    ),
    (
        "senet_table3.html",
        None,
        (2, 11),
        {0: "", 5: "re-implementation / MFLOPs", 10: "SENet / Params"},
        {(0, 0): ("MobileNet [64]", "9"), (1, 9): ("142", "10"), (1, 10): ("2.4M", "10")},
    ),
]


@pytest.mark.parametrize(("file", "number", "size", "titles", "cells"), REAL, ids=[row[0] for row in REAL])
def test_real_tables(
    file: str,
    number: int | None,
    size: tuple[int, int],
    titles: dict[int, str],
    cells: dict[tuple[int, int], tuple[str, str]],
) -> None:
    table = read_table(TABLES / file, table=number)
    assert (len(table.rows), len(table.columns)) == size
    assert {column: table.columns[column] for column in titles} == titles
    for (row, column), (text, place) in cells.items():
        cell = table.rows[row].cells[column]
        assert (cell.text, cell.place) == (text, f"{TABLES / file}:{place}")


@pytest.mark.parametrize(
    ("file", "number", "counts"),
    [
        ("mobilenet_v2_table4.tex", None, {2: "params", 3: "macs"}),
        ("mobilenet_v2_readme.md", None, {1: "macs", 2: "params"}),
        ("efficientnet_table2.html", None, {3: "params", 5: "flops"}),
        ("densenet_cifar.md", None, {1: "params"}),
        ("shufflenet_table5.csv", None, {1: "flops"}),
        ("resnext_readme.md", 2, {1: "flops"}),
        ("senet_table2.tex", None, {5: "flops", 8: "flops"}),
        ("senet_table3.html", None, {5: "flops", 6: "params", 9: "flops", 10: "params"}),
    ],
)
def test_the_counts_of_real_tables_are_numbers(file: str, number: int | None, counts: dict[int, str]) -> None:
    table = read_table(TABLES / file, table=number)
    quantities = {column: quantity_of(title) for column, title in enumerate(table.columns)}
    assert {column: found.kind for column, found in quantities.items() if found} == counts
    for column in counts:
        quantity = quantities[column]
        assert quantity is not None
        for row in table.rows:
            cell = row.cells[column]
            if not absent(cell.text):
                assert parse(cell.text, scale=quantity.scale, unit=quantity.unit, where=cell.place).digits > 0


# --- CSV ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", 'model,params\n"a, b","25,636,712"\nx,1\n'),
        (".csv", "model;params\na, b;25,636,712\nx;1\n"),
        (".csv", "\ufeffmodel,params\r\n\r\n\"a,\r\n b\",'25,636,712'\r\n".replace("'", '"') + "x,1\r\n"),
        (".CSV", "model\tparams\na, b\t25,636,712\nx\t1\n"),
        (".tsv", "model\tparams\na, b\t25,636,712\nx\t1"),
    ],
)
def test_csv(tmp_path: Path, suffix: str, text: str) -> None:
    table = read(tmp_path, suffix, text)
    assert table.columns == ("model", "params")
    assert texts(table) == [["a, b", "25,636,712"], ["x", "1"]]


def test_csv_places_count_the_lines_of_the_file(tmp_path: Path) -> None:
    table = read(tmp_path, ".csv", 'a,b\n"x\ny",1\n\nz,2\n')
    assert [row.cells[1].place.rpartition(":")[2] for row in table.rows] == ["2", "5"]
    assert texts(table)[0] == ["x y", "1"]


# --- Markdown -----------------------------------------------------------------------------------------


def test_markdown_shows_what_a_reader_sees(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        ".md",
        "Text | with a pipe\n\n"
        "| Model | Params<br>(M) | FLOPs |\n"
        "|:--|--:|---|\n"
        "| **[ResNet-50](http://a.b/c|d)** | `25.6` | 4.1&times;10<sup>9</sup> |\n".replace("c|d", r"c\|d")
        + "| _a_\\_b<sup>†</sup> ![badge](u) | ~~1~~ | $7.8 \\times 10^{9}$ |\n",
    )
    assert table.columns == ("Model", "Params (M)", "FLOPs")
    assert texts(table) == [
        ["ResNet-50", "25.6", "4.1×10^9"],
        ["a_b† badge", "", r"$7.8 \times 10^{9}$"],
    ]
    assert parse(texts(table)[0][2]).interval() == parse("4.1e9").interval()
    assert parse(texts(table)[1][2]).interval() == parse("7.8e9").interval()


def test_markdown_tables_in_quotes_and_not_in_code(tmp_path: Path) -> None:
    code = "```\n| a | b |\n|--|--|\n| 0 | 0 |\n```\n\n"
    text = code + "> | a | b |\n> |--|--|\n> | 1 | 2\n\n| c | d |\n|--|--|\n| 3 | 4 |\n"
    assert texts(read(tmp_path, ".md", text, table=1)) == [["1", "2"]]
    assert places(read(tmp_path, ".md", text, table=1)) == [["9:5", "9:9"]]
    assert texts(read(tmp_path, ".md", text, table=2)) == [["3", "4"]]


def test_html_tables_in_markdown(tmp_path: Path) -> None:
    table = read(tmp_path, ".md", "# x\n\n<table>\n<tr><th>a<th>b\n\n<tr><td>1<td>2\n</table>\n")
    assert (table.columns, texts(table), places(table)) == (("a", "b"), [["1", "2"]], [["6", "6"]])


# --- HTML ---------------------------------------------------------------------------------------------


def test_html_spans_headers_and_raised_text(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        ".html",
        "<!-- <table><tr><td>no</table> --><script>'<table>'</script>\n"
        "<TABLE class=x><caption>c</caption>\n"
        "<thead><tr><th rowspan=2>Model<th colspan='2'>A<th colspan=2>B</tr>\n"
        "<tr><th>Params<th>FLOPs<th>Params<th>FLOPs</thead>\n"
        "<tr><td colspan=5><i>Deep ones</i>\n"
        '<tr><td>R<td>25.6M<td><math alttext="4.1\\times 10^{9}"><mn>4</mn></math><td>1<sup>†</sup><td>2\n'
        "<tr><td rowspan=2>S<br>T<td>10<sup>9</sup><td>3<td colspan=2>out of memory\n"
        "<tr><td>1<td>2<td>3<td>4\n"
        "</TABLE>",
    )
    assert table.columns == ("Model", "A / Params", "A / FLOPs", "B / Params", "B / FLOPs")
    assert texts(table) == [
        ["R", "25.6M", r"4.1\times 10^{9}", "1†", "2"],
        ["S T", "10^9", "3", "out of memory", "out of memory"],
        ["S T", "1", "2", "3", "4"],
    ]
    assert {row.section for row in table.rows} == {"Deep ones"}
    assert places(table)[1] == ["7"] * 5
    assert places(table)[2] == ["7", "8", "8", "8", "8"]


def test_html_header_from_th_or_from_its_merged_cells(tmp_path: Path) -> None:
    by_th = "<table><tr><th>m<th>p<tr><th>x<td>1</table>"
    assert read(tmp_path, ".html", by_th).columns == ("m", "p")
    with_blank = "<table><thead><tr></tr><tr><th>m<th>p<tr><th><th></thead><tr><td>x<td>1<tr><td>y<td>2</table>"
    assert texts(read(tmp_path, ".html", with_blank)) == [["x", "1"], ["y", "2"]]
    by_merging = "<table><tr><td>m<td colspan=2>S<tr><td><td>p<td>q<tr><td>x<td>1<td>2</table>"
    assert read(tmp_path, ".htm", by_merging).columns == ("m", "S / p", "S / q")


# --- LaTeX --------------------------------------------------------------------------------------------


def test_latex_with_everything(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        ".tex",
        r"""% \begin{tabular}{x} no \end{tabular}
\newcommand{\best}[1]{\textbf{#1}}
\begin{verbatim} \begin{tabular}{l} no \end{tabular} \end{verbatim}
\begin{tabular*}{\textwidth}[t]{@{}l >{$}r<{$} *{3}{c}@{}}
\toprule
\multirow{2}{*}{\textbf{Model}} & \multicolumn{2}{c}{re-impl.} & \multicolumn{2}{c}{SENet} \\
\cmidrule(lr){2-3} \cmidrule[0.4pt](l){4-5}
 & \begin{tabular}{@{}c@{}}top-1\\err.\end{tabular} & GFLOPs & top-1 & \makecell[c]{GFLOPs\\(M)}\\ \midrule
\multicolumn{5}{l}{\textit{ResNets}} \\
ResNet-50~\cite{a&b} & 24.80 & 3.86 & $23.29_{(1.51)}$ & 3.87 \\[2pt]
R\&D\_101 & \textcolor{red}{23.17} & $7.58\times10^{9}$ & 22.38\% & \best{7.60} \\ % gone & gone
\rowcolor{gray!10} \ours{} & 25{,}636{,}712 & 7.99$^\dagger$ & -- & {\bf 8.00}M$^1$ \\ \hline
\multirow{2}{*}{VGG} & 1\,234 & \textbf{\num{2}} & 3 & $\mathbf{4}$ \\
 & 5 & 6 & 7 & \res{7}{8}
\end{tabular*}
""",
    )
    assert table.columns == (
        "Model",
        "re-impl. / top-1 err.",
        "re-impl. / GFLOPs",
        "SENet / top-1",
        "SENet / GFLOPs (M)",
    )
    assert texts(table) == [
        ["ResNet-50", "24.80", "3.86", "23.29_(1.51)", "3.87"],
        ["R&D_101", "23.17", "7.58×10^9", "22.38%", "7.60"],
        [r"\ours", "25,636,712", "7.99†", "--", "8.00M^1"],
        ["VGG", "1 234", "2", "3", "4"],
        ["VGG", "5", "6", "7", r"\res 7|8"],
    ]
    assert [row.section for row in table.rows] == ["ResNets"] * 5
    assert places(table)[0][:3] == ["10:1", "10:24", "10:32"]


@pytest.mark.parametrize(
    ("body", "columns", "rows"),
    [
        (r"\hline a & b \\ \hline 1 & 2 \\ \hline 3 & 4 \\ \hline", ("a", "b"), [["1", "2"], ["3", "4"]]),
        (r"a & b \\ 1 & 2 \\", ("a", "b"), [["1", "2"]]),
        (r"\hline a & b \\ x & 1 \\ \hline y & 2 \\ \hline", ("a", "b"), [["x", "1"], ["y", "2"]]),
        (r"\hline a & b \\ c & d \\ \hline y & 2 \\ \hline", ("a / c", "b / d"), [["y", "2"]]),
        (r"\toprule a & \textbf{\multirow{2}{*}{b}} \\ c & \\ \midrule y & 2", ("a / c", "b"), [["y", "2"]]),
        (r"a & b \tabularnewline 1 & 2 \\*[3pt] \\ \hline", ("a", "b"), [["1", "2"]]),
    ],
)
def test_latex_rules_and_headers(tmp_path: Path, body: str, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    table = read(tmp_path, ".tex", r"\begin{tabular}{ll}" + body + r"\end{tabular}")
    assert table.columns == columns
    assert texts(table) == rows


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r"\verb|25.6M|", r"\verb|25.6M|"),
        (r"{\color{red} 4.2}M", "4.2M"),
        (r"\cellcolor[HTML]{FFF} 5", "5"),
        (r"\phantom{0}4.2", "4.2"),
        (r"$\mathbf{4.1} \times 10^{9}$", "4.1 ×10^9"),
        (r"$\pm$ 3", "± 3"),
        (r"\href{http://x/1}{RN50}", "RN50"),
        (r"x\textsuperscript{1}", "x^1"),
        (r"\textsc{Res}Net\footnote{but 5}", "ResNet"),
        # what is no number must not become one
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        (r"\sqrt[3]{8}", r"\sqrt[3]{8}"),
        (r"\ding{51}", r"\ding 51"),
        (r"\SI{4}{2}", r"\SI 4|2"),
        (r"\ours", r"\ours"),
        (r"\ours{}", r"\ours"),
    ],
)
def test_latex_shows_what_a_reader_sees(tmp_path: Path, cell: str, text: str) -> None:
    table = read(tmp_path, ".tex", TABULAR % rf"a & b \\ x & {cell} \\")
    assert texts(table) == [["x", text]]


# --- digits that the author set apart -----------------------------------------------------------------

CELL = {
    ".tex": r"\begin{tabular}{ll} a & b \\ x & %s \\ \end{tabular}",
    ".md": "|a|b|\n|-|-|\n|x|%s|\n",
    ".html": "<table><tr><td>a<td>b<tr><td>x<td>%s</table>",
    ".csv": 'a,b\nx,"%s"\n',
}


def cell_of(tmp_path: Path, suffix: str, cell: str) -> str:
    return read(tmp_path, suffix, CELL[suffix].replace("%s", cell)).rows[0].cells[1].text


def number_of(tmp_path: Path, suffix: str, cell: str) -> str | None:
    """The number that is read in the cell, None if it is refused."""
    text = cell_of(tmp_path, suffix, cell)
    try:
        return parse(text).normal
    except ConvcostError:
        return None


# What a reader does not read as the number: known footnote marks, struck-out and hidden text.
DROPPED = [
    (".tex", r"25.6\tnote{1}"),
    (".tex", r"25.6\tnotex{a:1}"),
    (".tex", r"25.6\tablefnmark{2}"),
    (".tex", r"25.6\tablenotemark{b}"),
    (".tex", r"25.6\footnotemark"),
    (".tex", r"25.6\footnotemark[1]"),
    (".tex", r"25.6\tmark[b]"),
    (".tex", r"25.6\tablefootnote{with 3 words}"),
    (".tex", r"25.6\footnote{1}"),
    (".tex", r"25.6\cite[p.~1]{a1}"),
    (".tex", r"25.6$^\dagger$"),
    (".tex", r"\sout{26}25.6"),
    (".tex", r"\sout{26} 25.6"),
    (".tex", r"\st{26}25.6"),
    (".tex", r"$\cancel{26}25.6$"),
    (".tex", r"\xout{\textbf{26}}\textbf{25.6}"),
    (".tex", r"\phantom{1}25.6"),
    (".html", "<del>26</del>25.6"),
    (".html", "<s>26</s> <ins>25.6</ins>"),
    (".html", "<strike>26</strike>25.6"),
    (".html", "25.6<span style='color: red; DISPLAY : none !important'>9</span>"),
    (".html", "25.6<span style='visibility:hidden'>9</span>"),
    (".html", "25.6<span style='font-size:0'>9</span>"),
    (".html", "<span style='text-decoration: line-through'>26</span>25.6"),
    (".html", "<span hidden>25600000</span>25.6"),
    (".html", "25.6<template>9</template>"),
    (".html", "25.6<sup>†</sup>"),
    (".md", "~~26~~25.6"),
    (".md", "~~26~~ **25.6**"),
    (".md", "<del>26</del>25.6"),
    (".md", "25.6<span hidden>9</span>"),
]


@pytest.mark.parametrize(("suffix", "cell"), DROPPED)
def test_known_marks_and_what_is_struck_out_or_hidden_are_not_read(tmp_path: Path, suffix: str, cell: str) -> None:
    assert number_of(tmp_path, suffix, cell) == "25.6"


# Style, the number in it as a whole, and what is read.
STYLED = [
    (".tex", r"\textbf{25.6}", "25.6"),
    (".tex", r"\best{25.6M}", "25.6M"),
    (".tex", r"\best{25.6}M", "25.6M"),
    (".tex", r"{\small 25.6M}", "25.6M"),
    (".tex", r"\small 25.6M", "25.6M"),
    (".tex", r"{\bf 25.6}M$^1$", "25.6M"),
    (".tex", r"25.6M\textsuperscript{b}", "25.6M"),
    (".tex", r"\href{http://x/1}{25.6}M", "25.6M"),
    (".tex", r"\underline{\textbf{25.6}}\,M", "25.6M"),
    (".tex", r"25{,}636{,}712", "25636712"),
    (".tex", r"25{,}\!636{,}\!712", "25636712"),
    (".tex", r"25\,636\,712", "25636712"),
    (".tex", r"3.8$\times$\textbf{10}$^9$", "3.8e9"),
    (".tex", r"\textbf{3.8}$\times10^{12}$", "3.8e12"),
    (".tex", r"\textbf{$\sim$}25.6", "~25.6"),
    (".html", "<b><span style='color:red'>25.6</span></b>M", "25.6M"),
    (".html", "<a href=x>25.6</a>M", "25.6M"),
    (".html", "<small>25.6M</small>", "25.6M"),
    (".html", "25.6M<sup><a href='#1'>1</a></sup>", "25.6M"),
    (".html", "25.6M<a href='#1'><sup>1</sup></a>", "25.6M"),
    (".html", "<b>4.1</b>&times;<i>10<sup>9</sup></i>", "4.1e9"),
    (".html", "<p>25.6</p>", "25.6"),
    (".html", "25&nbsp;636&nbsp;712", "25636712"),
    (".html", "<math><mn>25.6</mn></math>", "25.6"),
    (".md", "**25.6**M", "25.6M"),
    (".md", "[**25.6M**](x)", "25.6M"),
    (".md", "<b>~25.6</b>", "~25.6"),
]


@pytest.mark.parametrize(("suffix", "cell", "number"), STYLED)
def test_styles_around_a_whole_number_are_read(tmp_path: Path, suffix: str, cell: str, number: str) -> None:
    assert number_of(tmp_path, suffix, cell) == number


# Each would be another number without its styles. What is left says where the pieces meet.
SET_APART = [
    (".tex", r"25.6\fnm{3}", "25.6|3"),
    (".tex", r"25.6\fnm{b}", "25.6|b"),  # not billions
    (".tex", r"25.6 \fnm{b}", "25.6 |b"),
    (".tex", r"\fnm{3}25.6", "3|25.6"),
    (".tex", r"{25.6}{\scriptsize 2}", "25.6|2"),
    (".tex", r"25.6\tiny{3}", "25.6|3"),
    (".tex", r"25.6{\tiny b}", "25.6|b"),
    (".tex", r"25.6\tiny b", "25.6|b"),
    (".tex", r"25.6\textsubscript{1}", "25.6|1"),
    (".tex", r"25.6\textcircled{1}", "25.6|1"),
    (".tex", r"25.6\raisebox{1ex}{b}", "25.6|b"),
    (".tex", r"25.6\href{u}{1}", "25.6|1"),
    (".tex", r"25.6\textsuperscript{b}", "25.6^b"),
    (".tex", r"25.6$^b$", "25.6^b"),
    (".tex", r"25.6$^1$", "25.6^1"),
    (".tex", r"25.6$^{\%}$", "25.6^%"),
    (".tex", r"25$^{.6}$", "25^.6"),
    (".tex", r"$25_{600}$", "25|_600"),
    (".tex", r"$10^12$", "10^1|2"),
    (".tex", r"\textcolor{red}{25.6}1", "25.6|1"),
    (".tex", r"\textbf 25.6", "2|5.6"),
    (".tex", r"2\sout{6}5.6", "2|5.6"),
    (".tex", r"1\tnote{a}234", "1|234"),
    (".tex", r"25\hspace{1em}600", "25|600"),
    (".tex", r"25\quad600", "25| 600"),
    (".tex", r"\makecell{25\\600}", "25| 600"),
    (".tex", r"25\,\textbf{600}", "25| 600"),
    (".tex", r"25\fnm{,600}", "25|,600"),
    (".html", "25.6<sub>1</sub>", "25.6|1"),
    (".html", "25.6<sub>b</sub>", "25.6|b"),
    (".html", "<sub>1</sub>25.6", "1|25.6"),
    (".html", "25.6<a href='#f1'>1</a>", "25.6|1"),
    (".html", "25.6<small>b</small>", "25.6|b"),
    (".html", "25.6<small>%</small>", "25.6|%"),
    (".html", "<small>~</small>25.6", "~|25.6"),
    (".html", "25.6<font size=1>b</font>", "25.6|b"),
    (".html", "25.6<span style='vertical-align:super'>b</span>", "25.6|b"),
    (".html", "25.6<sup>1</sup>", "25.6^1"),
    (".html", "25.6<sup>b</sup>", "25.6^b"),
    (".html", "4.1×10<sup>9<a>1</a></sup>", "4.1×10^9|1"),
    (".html", "4.1×10<sup>9</sup>1", "4.1×10^9|1"),
    (".html", "25.6<foo>1</foo>", "25.6|1"),
    (".html", "25.6<img alt=1>", "25.6|1"),
    (".html", "25.6</b>1", "25.6|1"),
    (".html", "<b>25</b>.6", "25|.6"),
    (".html", "25<br>600", "25| 600"),
    (".html", "<div>25</div><div>600</div>", "25| 600"),
    (".html", "25&emsp;600", "25| 600"),
    (".html", "25&nbsp;&nbsp;600", "25| 600"),
    (".html", "<math><msup><mn>10</mn><mn>9</mn></msup></math>", "10|9"),
    (".md", "25.6[1](#f)", "25.6|1"),
    (".md", "25.6[^1]", "25.6[^1]"),
    (".md", "25.6<sub>1</sub>", "25.6|1"),
    (".md", "25.6**1**", "25.6|1"),
    (".md", "25.6</div>1", "25.6|1"),
    (".md", "25.6</body>1", "25.6|1"),
    (".md", "25.6![1](u)", "25.6|1"),
    (".md", "25<br>600", "25| 600"),
    (".md", "25.6~~%~~", "25.6~|~%~|~"),  # a reader sees the tildes
    (".csv", "25\n600", "25| 600"),
    (".csv", "25  600", "25| 600"),
]


@pytest.mark.parametrize(("suffix", "cell", "text"), SET_APART)
def test_digits_set_apart_are_never_one_number(tmp_path: Path, suffix: str, cell: str, text: str) -> None:
    assert cell_of(tmp_path, suffix, cell) == text
    assert number_of(tmp_path, suffix, cell) is None


@pytest.mark.parametrize(
    ("suffix", "name", "text"),
    [
        (".tex", r"ResNet-10\fnm{1}", "ResNet-10|1"),  # not ResNet-101
        (".tex", r"ResNet-50\fnm{d}", "ResNet-50|d"),
        (".tex", r"ResNet\textbf{50}", "ResNet50"),
        (".html", "MobileNetV2<sub>1.4</sub>", "MobileNetV2|1.4"),
        (".html", "ResNet-50 <small>ours</small>", "ResNet-50 ours"),
        (".html", "ResNet<sub>50</sub>", "ResNet50"),
        (".html", "ResNet-50<sup>a</sup>", "ResNet-50^a"),
    ],
)
def test_names_have_no_digits_joined_to_theirs(tmp_path: Path, suffix: str, name: str, text: str) -> None:
    assert cell_of(tmp_path, suffix, name) == text


def test_a_number_with_a_mark_is_refused_with_its_place(tmp_path: Path) -> None:
    text = CELL[".tex"].replace("a & b", "Model & Params (M)").replace("x &", "ResNet-50 &")
    path = tmp_path / "t.tex"
    for cell, audited in ((r"25.6\tnote{1}", 1), (r"25.6\fnm{1}", 0)):
        path.write_text(text.replace("%s", cell))
        if audited:
            assert [claim.text for claim in read_claims(read_table(path)).claims] == ["25.6"]
            continue
        with pytest.raises(ConvcostError) as error:
            read_claims(read_table(path))
        assert str(error.value).startswith(f"{path}:1:55: cannot read '25.6|1' as a number")


def test_html_cells_and_rows_without_room_are_not_there(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        ".html",
        "<table hidden><tr><th>a<th hidden>key<th>b<tr style='display:none'><td>no"
        "<tr><td>x<td style='display:none'>9<td>1<tbody hidden><tr><td>y<td>2</table>",
    )
    assert (table.columns, texts(table)) == (("a", "b"), [["x", "1"]])


STYLES = {
    ".tex": [
        r"\textbf{@}", r"\emph{@}", r"{\bf @}", r"{@}", "$@$", r"$\mathbf{@}$", r"\textcolor{red}{@}", r"\best{@}",
        r"\underline{@}", r"{\small @}", r"\href{u1}{@}", r"\makecell[c]{@}", r"\scalebox{0.9}{@}", r"\phantom{0}@",
    ],
    ".html": [
        "<b>@</b>", "<span class=c1>@</span>", "<a href='#1'>@</a>", "<p>@</p>", "<small>@</small>", "<i>@</i>",
        "<font size=2>@</font>", "<code>@</code>", "<foo>@</foo>", "<span style='font-size:80%'>@</span>",
    ],
    ".md": ["**@**", "[@](x1)", "<b>@</b>", "<span>@</span>", "<a href='1'>@</a>", "<small>@</small>"],
}  # fmt: skip
MARKS = {
    ".tex": [
        r"\fnm{@}", r"\tnote{@}", r"\textsubscript{@}", r"\textsuperscript{@}", "$^{@}$", "$_{@}$", r"{\tiny @}",
        r"\sout{@}", r"\href{u}{@}", r"\footnotemark[@]", r"\raisebox{1ex}{@}", r"\hfill\fnm{@}",
        r"\rlap{$^{@}$}", r"\textsuperscript{\href{u}{@}}", r"\footnote{@}", r"~\fnm{@}", r"\num[x]{@}",
    ],
    ".html": [
        "<sub>@</sub>", "<sup>@</sup>", "<small>@</small>", "<a href=x>@</a>", "<del>@</del>", "<sup><a>@</a></sup>",
        "<a><sup>@</sup></a>", "<span hidden>@</span>", "<foo>@</foo>", "<img alt='@'>", " <small>@</small>",
        "<font size=1>@</font>", "<span style='vertical-align:super'>@</span>", "&emsp;<sub>@</sub>",
    ],
    ".md": ["[@](#f)", "<sub>@</sub>", "<sup>@</sup>", "~~@~~", "<a href='#f'>@</a>", "[^@]", " <small>@</small>"],
}  # fmt: skip
PRINTED = st.from_regex(
    r"~?([1-9][0-9]{0,2}|0)(\.[0-9]{1,3})?( ?[KMG]|B|e[1-9])?|[1-9][0-9]{0,2}(,[0-9]{3}){1,2}", fullmatch=True
)
MARK_TEXTS = st.sampled_from(
    ["1", "2", "12", "600", "b", "k", "M", "a", "*", "†", ",600", ".5", "e3", "x", "0", "%", "1,2", "-", "^2"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(sorted(STYLES)), number=PRINTED)
def test_a_style_changes_no_number_and_a_mark_makes_no_other(
    tmp_path: Path, data: st.DataObject, suffix: str, number: str
) -> None:
    if suffix == ".tex":
        number = number.replace("~", r"\sim ").replace("%", r"\%")
        number = f"${number}$" if "sim" in number else number
    plain = number_of(tmp_path, suffix, number)
    assert plain is not None
    styled = number
    for style in data.draw(st.lists(st.sampled_from(STYLES[suffix]), max_size=2)):
        if not ("$" in style and "$" in styled) and not ("](" in style and "](" in styled):
            styled = style.replace("@", styled)
    assert number_of(tmp_path, suffix, styled) == plain
    mark = data.draw(st.sampled_from(MARKS[suffix])).replace(
        "@", data.draw(MARK_TEXTS).replace("%", r"\%" if suffix == ".tex" else "%")
    )
    for marked in (styled + mark, mark + styled):
        if suffix != ".tex" or marked.count("$") % 2 == 0:
            assert number_of(tmp_path, suffix, marked) in (plain, None), marked


def test_header_rows_can_be_said(tmp_path: Path) -> None:
    text = r"\begin{tabular}{ll} a & b \\ 224 & 192 \\ \midrule 1 & 2 \end{tabular}"
    with pytest.raises(ConvcostError, match="numbers in the 2 rows marked as header; how many"):
        read(tmp_path, ".tex", text)
    assert read(tmp_path, ".tex", text, header_rows=2).columns == ("a / 224", "b / 192")
    assert len(read(tmp_path, ".tex", text, header_rows=1).rows) == 2


# --- what is refused ----------------------------------------------------------------------------------

REFUSED = [
    # ragged
    (".csv", "a,b\n1,2\n3\n", "t.csv:3: this row has 1 cell, the table 2 columns"),
    (".csv", "a,b\n1,2,3\n", "t.csv:2: this row has 3 cells, the table 2 columns"),
    (".md", "|a|b|\n|-|-|\n|1|2|\n|3|\n", "t.md:4: this row has 1 cell, the table 2 columns"),
    (".md", "|a|b|\n|-|-|\n|1|2|3|\n", "t.md:3: this row has 3 cells, the table 2 columns"),
    (".md", "|a|b|\n|-|-|\n|1|2|\nand so on\n", "t.md:4: this row has 1 cell"),
    (".md", "a|b\n-|-\n1|2\\|\n|3|\\|4|\n5|\n", "t.md:5: this row has 1 cell, the table 2 columns"),
    (".html", "<table><tr><th>a<th>b<tr><td>1</table>", "t.html:1: this row has 1 cell, the table 2"),
    (".html", "<table><tr><th>a<th>b\n<tr><td>1<td>2<td>3</table>", "t.html:2: this row has 3 cells"),
    (".tex", TABULAR % "a & b \\\\\n1 & 2 \\\\ 3 \\\\", "t.tex:2: this row has 1 cell, the table 2 columns"),
    # merged
    (
        ".html",
        "<table><tr><th>a<th>b<th>c<tr><td>x<td colspan=2>4.2M</table>",
        "t.html:1: the number '4.2M' covers 2",
    ),
    (".html", "<table><tr><th>a<th>b<tr><td colspan=2>4.2M</table>", "the number '4.2M' covers 2 columns"),
    (".html", "<table><tr><th>a<th rowspan=2>b<tr><td colspan=2>c</table>", "two merged cells overlap"),
    (".html", "<table><tr><th>a<th>b<tr><td colspan=0>1</table>", "colspan='0' is not a number from 1"),
    (".html", "<table><tr><th>a<th>b<tr><td rowspan=99999>1</table>", "rowspan='99999' is not"),
    (".html", "<table><thead><tr><th>a<th>b</thead><td>1<td>2</table>", "cells outside its rows"),
    (
        ".tex",
        TABULAR % r"a & b & c \\ x & \multicolumn{2}{c}{4.2M} \\",
        "t.tex:1:37: the number '4.2M' covers",
    ),
    (
        ".tex",
        TABULAR % r"a & b \\ \multirow{2}{*}{x} & 1 \\ y & 2 \\",
        "t.tex:1:55: this cell lies in the merged",
    ),
    (".tex", TABULAR % r"a & b \\ \multirow{-2}{*}{x} & 1 \\", "multirow over a number of cells"),
    (".tex", TABULAR % r"a & b \\ x \multirow{2}{*}{y} & 1 \\", "a text beside \\multirow"),
    # no table, or none that is one
    (".csv", "", "t.csv: no table in it"),
    (".csv", "\n \n", "t.csv: no table in it"),
    (".csv", "a\nb\n", "t.csv:1: a table needs at least two columns"),
    (".csv", "a,b\n", "t.csv:1: of 1 rows 1 are header"),
    (".csv", 'a,b\n"x,1\n', "t.csv:2: not readable as CSV: unexpected end of data"),
    (".csv", "a;b,c\n1;2,3\n", "t.csv:1: ',' and ';' would separate its cells"),
    (".md", "no table | here\n", "t.md: no table in it"),
    (".md", "|a|b|\n|-|-|\n", "t.md:1: of 1 rows 1 are header"),
    (".html", "<p>none", "t.html: no table in it"),
    (".html", "<table ", "t.html:1: "),
    (".html", "<table></table>", "t.html:1: a table needs at least two columns"),
    (".html", "<table><tr><td>a<td>b<tr><td>1<td><table><tr><td>x</table></table>", "several"),
    (".tex", r"\begin{tabularx}{ll}\end{tabularx}", "no column letters"),
    (".tex", r"\begin{tabular}{ll} a & b \\ 1 & 2 \\", "t.tex:1:1: this table has no \\end"),
    (".tex", TABULAR % r"a & b \\ 1 & \textbf{2 \\", "not readable as LaTeX"),
    (".tex", TABULAR % r"a & b \\ 1 & $2 \\", "not readable as LaTeX"),
    (
        ".tex",
        TABULAR % r"a & b \\ \begin{tabular}{ll} 1 & 2 \end{tabular} & 3 \\",
        "t.tex:1:51: a table within a table",
    ),
    (".tex", TABULAR % r"a & b \\ \input{rows}", "t.tex:1:29: \\input is not read"),
    # not text, or not of a known kind
    (".csv", b"a,b\n1,\xe9\n", "t.csv:2: byte 6 is not UTF-8 text"),
    (".csv", b"a,b\n1,\x002\n", "t.csv:2: binary, not text"),
    (".md", b"\x89PNG\r\n\x1a\n\0\0", "t.md:1: byte 0 is not UTF-8 text"),
    (".csv", b"\xff\xfea\0,\0b", "is not UTF-16 text"),
    (".xlsx", "", "t.xlsx: a table is read from .csv,"),
    ("", "", "t: a table is read from .csv,"),
    # too much
    (
        ".csv",
        "a,b\n" + "1,2\n" * 30_000,
        "t.csv:25001: the table is too large: at most 200 columns and 50,000",
    ),
    (".csv", ",".join("a" * 201) + "\n" + ",".join("1" * 201) + "\n", "t.csv:1: the table is too large"),
    (".csv", "a,b\n" + "x" * 2001 + ",1\n", "t.csv:2: the cell is too long: at most 2,000 characters"),
    (".md", "|a|b|\n|-|-|\n|" + "[" * 2001 + "|1|\n", "t.md:3:2: the cell is too long"),
    (".html", "<table><tr><td>a<td>b" + "<tr><td colspan=9999>x</table>", "too large"),
    (".html", "<table><tr><td>a<td>" + "<b>" * 500 + "1</table>", "nested too deeply"),
    (".html", "<table>" * 1001, "t.html:1: more than 1,000 tables"),
    (".tex", TABULAR % ("{" * 41 + "}" * 41), "nested too deeply"),
    (".tex", TABULAR % (r"\makecell[" * 400), "nested too deeply"),
    (".tex", TABULAR % ("a & b \\\\" * 6000), "t.tex:1:1: the table is too large"),
]


@pytest.mark.parametrize(("suffix", "text", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused_with_the_place(tmp_path: Path, suffix: str, text: str | bytes, message: str) -> None:
    if message == "several":
        with pytest.raises(ConvcostError, match=r"2 tables \(lines 1, 1\); choose one of them: --table N"):
            read(tmp_path, suffix, text)
        with pytest.raises(ConvcostError, match="this table holds another table"):
            read(tmp_path, suffix, text, table=1)
        return
    with pytest.raises(ConvcostError) as error:
        read(tmp_path, suffix, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300 + len(str(tmp_path))


def test_several_tables_are_asked_back(tmp_path: Path) -> None:
    text = "|a|b|\n|-|-|\n|1|2|\n\ntext\n\n|c|d|\n|-|-|\n|3|4|\n"
    with pytest.raises(ConvcostError, match=r"2 tables \(lines 1, 7\); choose one of them: --table N"):
        read(tmp_path, ".md", text)
    assert read(tmp_path, ".md", text, table=2).columns == ("c", "d")
    for number in (0, 3, -1):
        with pytest.raises(ConvcostError, match=f"no table {number}, the file has 2"):
            read(tmp_path, ".md", text, table=number)


def test_utf16_with_its_mark_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, ".csv", "a,b\n×,2\n".encode("utf-16")).rows[0].cells[0].text == "×"


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConvcostError, match=r"none\.csv: No such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "d.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for name in ("d.csv", "pipe.csv", "zero.csv"):
        with pytest.raises(ConvcostError) as error:
            read_table(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: not a regular file"  # the place once
    with pytest.raises(ConvcostError, match="not a path"):
        read_table("a\0b.csv")


@pytest.mark.parametrize(("suffix", "limit"), [(suffix, limit) for suffix, (_, limit) in READERS.items()])
def test_a_file_of_50_mb_is_refused_at_once(tmp_path: Path, suffix: str, limit: int) -> None:
    path = tmp_path / f"t{suffix}"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    with pytest.raises(ConvcostError, match=f"larger than {limit:,} bytes"):
        read_table(path)


@pytest.mark.parametrize(
    ("suffix", "text", "package"),
    [
        (".md", "|a|b|\n|-|-|\n|1|2|\n", "markdown-it-py"),
        (".tex", TABULAR % r"a & b \\ 1 & 2", "pylatexenc"),
        (".html", "<table><tr><td>a<td>b<tr><td>1<td>2</table>", "lxml"),
    ],
)
def test_a_missing_parser_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, text: str, package: str
) -> None:
    module = {"markdown-it-py": "markdown_it"}.get(package, package)
    for loaded in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)

    class Hidden:
        def find_spec(self, name: str, *_: object) -> None:
            if name.partition(".")[0] == module:
                raise ModuleNotFoundError(name)

    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    with pytest.raises(MissingExtraError, match=rf"{package} is needed .*convcost\[audit\]"):
        read(tmp_path, suffix, text)


def test_parsers_load_only_where_they_are_used() -> None:
    program = (
        "import sys, convcost.printed.numbers, convcost.published.headings, convcost.tablefiles.reading;"
        "heavy = ('markdown_it', 'lxml', 'pylatexenc', 'numpy', 'torch', 'sympy');"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- hostile files: bounded time and memory -----------------------------------------------------------


def filled(unit: str, suffix: str) -> str:
    """As much of the unit as a file of this kind may hold."""
    return unit * (READERS[suffix][1] // len(unit.encode()))


HOSTILE = {
    "csv separators": (".csv", filled(",", ".csv")),
    "csv empty lines": (".csv", filled("\n", ".csv")),
    "csv quotes": (".csv", filled('"', ".csv")),
    "md lines": (".md", filled("a\n", ".md")),
    "md rows": (".md", "|a|b|\n|-|-|\n" + filled("|1|2|\n", ".md")[:-20]),
    "md tables": (".md", filled("|a|b|\n|-|-|\n|1|2|\n\n", ".md")),
    "md columns": (".md", "|" + "a|" * 4000 + "\n|" + "-|" * 4000 + "\n" + "|x\n" * 50_000),
    "md quotes": (".md", filled("> ", ".md")),
    "md references": (".md", filled("[a]: b\n", ".md")),
    "md styles": (".md", "|a|b|\n|-|-|\n" + filled("|*a*|<i>|\n", ".md")[:-20]),
    "md tags": (".md", "|a|b|\n|-|-|\n" + filled("|" + "<b>" * 200 + "1|1|\n", ".md")[:-20]),
    "tex styles": (".tex", TABULAR % ("a & b \\\\ 1 & " + r"\a{" * 38 + "1" + "}" * 38)),
    "tex sizes": (".tex", TABULAR % (r"\tiny1" * 15_900)),
    "tex covers": (".tex", TABULAR % (r"\multirow{1}{*}{}" * 2_000 + "& 1")),
    "tex separators": (".tex", TABULAR % ("&" * 15_900)),
    "tex spaces": (".tex", TABULAR % (" " * 90_000)),
    "tex quotes": (".tex", TABULAR % ("``" * 45_000)),
    "tex merged": (".tex", TABULAR % (r"\multicolumn{9999}{c}{a}&" * 1_990)),
    "tex macros": (".tex", TABULAR % (r"\a" * 15_900)),
    "tex rules": (".tex", TABULAR % ("a" * 9 + r"$b$ \hline" * 5_000)),
    "tex begins": (".tex", filled(r"\begin{tabular}{ll}", ".tex")),
    "tex backslashes": (".tex", filled("\\", ".tex")),
    "tex letters": (".tex", r"\begin{tabular}" + "{" * 2_000_000),
    "html comments": (".html", filled("<!--", ".html")),
    "html closed comments": (".html", filled("<!---->", ".html")),
    "html tables": (".html", filled("<table>", ".html")),
    "html attributes": (".html", "<table><tr><td " + " ".join(f"a{n}" for n in range(18_500)) + ">"),
    "html rules": (".html", "<table><tr><td>a<td style='" + "a:b;" * 30_000 + "'>1"),
    "html raised": (".html", "<table><tr><td>a<td>" + "<sup>^</sup>" * 9_000),
    "html rowspans": (".html", "<table><tr><td>a<td>b" + "<tr><td rowspan=9999>a" * 5_900),
}

MEASURE = """
import sys, time
from convcost.errors import ConvcostError
from convcost.tablefiles.reading import read_table
start = time.process_time()
try:
    read_table(sys.argv[1])
except ConvcostError:
    pass
# Not ru_maxrss, which starts from what the process that forked this one held.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(time.process_time() - start, int(peak) // 1024)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_little_time_and_200_mb(tmp_path: Path, name: str) -> None:
    suffix, text = HOSTILE[name]
    path = tmp_path / f"t{suffix}"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    seconds, megabytes = map(float, done.stdout.split())
    assert bounded(seconds)
    assert megabytes < 200


# --- nothing but a table or one clear error -----------------------------------------------------------

SEEDS = [(path.suffix, path.read_text()) for path in sorted(TABLES.iterdir())]
PIECES = st.sampled_from([*r"|&\{}$%,^_~`[]()é", '"', "\n", "\t", "\u202e", "--", "](", "|-|-|", "1", "4.2M"])
TEX_PIECES = [
    r"\\",
    r"\\[2pt]",
    r"\hline",
    r"\midrule",
    r"\verb|x|",
    r"\'e",
    r"\cite",
    r"\footnote",
    r"\SI",
    r"\ours",
]
TEX_PIECES += [
    r"\multirow{2}{*}{x}",
    r"\multicolumn{2}{c}{1}",
    r"\begin{tabular}{l}",
    r"\end{tabular}",
    r"\left(",
]
TEX_PIECES += [
    r"\(",
    r"\]",
    r"\frac{1}{2}",
    r"\sqrt[3]{2}",
    r"\begin{array}",
    r"\cmidrule(l){1-2}",
    r"\makecell[l]{a\\b}",
]
HTML_PIECES = [
    "<td>",
    "</tr>",
    "<tr>",
    "<table>",
    "</table>",
    "<td colspan=2>",
    "<td rowspan=2>",
    "<!--",
    "<sup>",
    "&amp;",
]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A real table with a few places changed, or a tabular made of pieces."""
    pieces = PIECES | st.sampled_from(TEX_PIECES) | st.sampled_from(HTML_PIECES)
    if draw(st.integers(0, 3)) == 0:
        return ".tex", TABULAR % ("a & b \\\\" + " ".join(draw(st.lists(pieces, max_size=12))))
    suffix, text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(range(len(text) + 1)))
        removed = draw(st.sampled_from([0, 0, 0, 1, 3, 30]))
        text = text[:place] + draw(pieces) * (removed < 3) + text[place + removed :]
    return suffix, text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated() | st.tuples(st.sampled_from(sorted(READERS)), st.text(max_size=200)))
def test_mutated_tables_are_read_or_refused(tmp_path: Path, file: tuple[str, str]) -> None:
    suffix, text = file
    path = tmp_path / f"m{suffix}"
    path.write_bytes(text.encode(errors="replace"))
    for number in (None, 1):
        try:
            table = read_table(path, table=number)
        except ConvcostError:
            continue
        assert table.rows
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
        return


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), suffix=st.sampled_from(sorted(READERS)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"b{suffix}"
    path.write_bytes(data)
    try:
        read_table(path)
    except ConvcostError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - a table is as good an answer


WORDS = st.from_regex(r"[A-Za-z][A-Za-z0-9 .-]{0,8}[A-Za-z0-9]", fullmatch=True).filter(lambda w: "--" not in w)
NUMBERS = st.integers(0, 10**8).map(str) | st.sampled_from(["4.2M", "-", "1.5", "~3"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    titles=st.lists(WORDS, min_size=2, max_size=5),
    rows=st.lists(st.tuples(WORDS, st.lists(NUMBERS, min_size=4, max_size=4)), min_size=1, max_size=5),
)
def test_every_format_delivers_the_same_table(
    tmp_path: Path, titles: list[str], rows: list[tuple[str, list[str]]]
) -> None:
    cells = [[name, *numbers[: len(titles) - 1]] for name, numbers in rows]
    written = {
        ".csv": "\n".join(",".join(row) for row in [titles, *cells]),
        ".tsv": "\n".join("\t".join(row) for row in [titles, *cells]),
        ".md": "\n".join("|" + "|".join(row) + "|" for row in [titles, ["---"] * len(titles), *cells]),
        ".tex": r"\begin{tabular}{l}\toprule "
        + r" \\ ".join([" & ".join(titles) + r"\\ \midrule", *(" & ".join(row) for row in cells)])
        .replace(r"\midrule \\ ", r"\midrule ")
        .replace("~", r"$\sim$")
        + r"\end{tabular}",
        ".html": "<table>" + "".join("<tr>" + "".join(f"<td>{c}" for c in row) for row in [titles, *cells]),
    }
    for suffix, text in written.items():
        table = read(tmp_path, suffix, text)
        assert table.columns == tuple(" ".join(title.split()) for title in titles)
        assert texts(table) == [
            [" ".join(c.replace("~", "∼" if suffix == ".tex" else "~").split()) for c in row] for row in cells
        ]


def test_whatever_a_parser_raises_is_one_line_that_names_the_file(tmp_path, monkeypatch):
    from convcost.tablefiles import reading

    def broken(*_):
        raise LookupError("a\nbug of the parser")

    path = tmp_path / "table.html"
    path.write_text("<table><tr><td>a</td></tr></table>")
    monkeypatch.setitem(reading.READERS, ".html", (broken, 1024))
    with pytest.raises(ConvcostError) as error:
        read_table(path)
    assert str(error.value) == f"{path}: LookupError: a bug of the parser"
