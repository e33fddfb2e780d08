"""What no reader takes for a table: one line with its place, and the parser that is missing by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rawtables import TABULAR, read

from convcost.errors import ConvcostError, MissingExtraError
from convcost.tablefiles.reading import READERS, read_table

REFUSED = [
    # ragged
    (".csv", "a,b\n1,2\n3\n", "t.csv:3: this row has 1 cell, the table 2 columns"),
    (".csv", "a,b\n1,2,3\n", "t.csv:2: this row has 3 cells, the table 2 columns"),
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
    (".csv", b"a,b\n1,\x81\n", "t.csv:2: byte 6 is not UTF-8 text"),
    (".csv", b"a,b\n1,\xe9\x01\n", "t.csv:2: byte 6 is not UTF-8 text"),
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


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", "a,b,c\nd,1.5,{}\n"),
        (".md", "|a|b|c|\n|-|-|-|\n|d|1.5|{}|\n"),
        (".html", "<table><tr><th>a<th>b<th>c<tr><td>d<td>1.5<td>{}</table>"),
        (".tex", TABULAR % r"a & b & c \\ d & 1.5 & {} \\"),
    ],
)
def test_of_a_cell_that_is_too_long_the_beginning_is_read(tmp_path: Path, suffix: str, text: str) -> None:
    """A remark of ten thousand words costs no number beside it; digits that are cut are no number."""
    table = read(tmp_path, suffix, text.replace("{}", "word " * 10_000))
    assert [cell.text for cell in table.rows[0].cells[:2]] == ["d", "1.5"]
    assert len(table.rows[0].cells[2].text) == 2_000
    digits = read(tmp_path, suffix, text.replace("{}", "1" * 3_000))
    assert digits.rows[0].cells[2].text.endswith("11...")
