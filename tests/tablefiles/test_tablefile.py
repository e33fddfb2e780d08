"""Reading a user's table: the real ones as typed in, and each format's own ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rawtables import TABLES, TABULAR, places, read, texts

from convcost.errors import ConvcostError
from convcost.printed.numbers import absent, parse
from convcost.published.headings import quantity_of
from convcost.tablefiles.reading import read_table

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


def test_footnotes_of_markdown_are_no_part_of_a_word_or_scale(tmp_path: Path) -> None:
    text = "| Model[^a] | MACs |\n|---|---|\n| AlexNet[^1] | 714M[^1] |\n| VGG-16 | 15.5[^2] |\n\n[^1]: x\n"
    table = read(tmp_path, ".md", text)
    assert table.columns == ("Model", "MACs")
    assert texts(table) == [["AlexNet", "714M"], ["VGG-16", "15.5[^2]"]]


def test_markdown_tables_in_quotes_and_not_in_code(tmp_path: Path) -> None:
    code = "```\n| a | b |\n|--|--|\n| 0 | 0 |\n```\n\n"
    text = code + "> | a | b |\n> |--|--|\n> | 1 | 2\n\n| c | d |\n|--|--|\n| 3 | 4 |\n"
    assert texts(read(tmp_path, ".md", text, table=1)) == [["1", "2"]]
    assert places(read(tmp_path, ".md", text, table=1)) == [["9:5", "9:9"]]
    assert texts(read(tmp_path, ".md", text, table=2)) == [["3", "4"]]


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        ("|1|2|\n|3|\n", [["1", "2"], ["3", ""]]),
        ("|1|2|3|\n", [["1", "2"]]),
        ("|1|2|\nand so on\n", [["1", "2"], ["and so on", ""]]),
        ("1|2\\|\n|3|\\|4|\n5|\n", [["1", "2|"], ["3", "|4"], ["5", ""]]),
    ],
)
def test_markdown_rows_are_padded_and_cut_as_github_does(tmp_path: Path, rows: str, cells: list[list[str]]) -> None:
    """GFM, 4.10: "The remainder of the table's rows may vary in the number of cells"."""
    assert texts(read(tmp_path, ".md", "a|b\n-|-\n" + rows)) == cells


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


@pytest.mark.parametrize(
    "table",
    [
        "<table><tbody><th>a</th><th>b</th><tr><td>1</td><td>2</td></tr></tbody></table>",
        "<table><th>a<th>b<tr><td>1<td>2</table>",
        "<table><form><tr><th>a<th>b<tr><td>1<td>2</form></table>",
        "<table><thead><tr><th>a<th>b</thead><td>1<td>2</table>",
    ],
)
def test_html_cells_without_a_row_have_one(tmp_path: Path, table: str) -> None:
    """As html5lib and browsers read it: a cell in a table's body begins a row."""
    found = read(tmp_path, ".html", table)
    assert (found.columns, texts(found)) == (("a", "b"), [["1", "2"]])


def test_html_rows_that_end_early_are_padded(tmp_path: Path) -> None:
    found = read(
        tmp_path, ".html", "<table><tr><th>a<th>b<th>c<tr><td>1<tr><td colspan=2>x y<tr><td>4<td>5<td>6</table>"
    )
    assert texts(found) == [["1", "", ""], ["x y", "x y", ""], ["4", "5", "6"]]


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
 & \begin{tabular}[c]{@{}c@{}}top-1\\err.\end{tabular} & GFLOPs & top-1 & \makecell[c]{GFLOPs\\(M)}\\ \midrule
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
        (r"\SI{61.10}{\mega}", "61.10M"),
        (r"\qty{97.8}{\mebi\byte}", "97.8MiB"),
        (r"Params (\si{\mega})", "Params (M)"),
        (r"\num{25.56}", "25.56"),
        # what is no number must not become one
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        (r"\sqrt[3]{8}", r"\sqrt[3]{8}"),
        (r"\ding{51}", r"\ding 51"),
        (r"\SI{4}{2}", "4|2"),
        (r"\SI[round-precision=1]{4.14}{\giga}", r"\SI[round-precision=1]{4.14}{\giga}"),
        (r"\ours", r"\ours"),
        (r"\ours{}", r"\ours"),
    ],
)
def test_latex_shows_what_a_reader_sees(tmp_path: Path, cell: str, text: str) -> None:
    table = read(tmp_path, ".tex", TABULAR % rf"a & b \\ x & {cell} \\")
    assert texts(table) == [["x", text]]


def test_header_rows_can_be_said(tmp_path: Path) -> None:
    text = r"\begin{tabular}{ll} a & b \\ 224 & 192 \\ \midrule 1 & 2 \end{tabular}"
    with pytest.raises(ConvcostError, match="numbers in the 2 rows marked as header; how many"):
        read(tmp_path, ".tex", text)
    assert read(tmp_path, ".tex", text, header_rows=2).columns == ("a / 224", "b / 192")
    assert len(read(tmp_path, ".tex", text, header_rows=1).rows) == 2


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
