"""Laws over any table: what a format writes parses back to the same, and no text is acted upon."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction
from typing import NoReturn

import pytest
from any_table import PLAIN_TEXT, cells_of, lines_below, tables, texts_of
from hypothesis import given
from markdown_it import MarkdownIt

from convcost.render import Column, Row, Table, render


@given(tables())
def test_csv_parses_back_to_the_same_values(table: Table) -> None:
    written = csv.reader(io.StringIO(render(table, "csv"), newline=""))
    head, *rows = [[field.removeprefix("'") for field in row] for row in written]
    assert head[-1] == "kind"
    assert [field for field in head if field in {column.key for column in table.columns}] == [
        column.key for column in table.columns
    ]
    assert len(rows) == len(table.rows)
    for row, record in zip(table.rows, rows, strict=True):
        fields = dict(zip(head, record, strict=True))
        assert fields["kind"] == row.kind
        for column, cell in zip(table.columns, cells_of(row), strict=True):
            field = fields[column.key]
            if isinstance(cell.value, int):
                assert int(field) == cell.value
            elif isinstance(cell.value, Fraction):
                assert re.fullmatch(r"-?[0-9]+(\.[0-9]*[1-9])?", field)
                assert abs(Fraction(field) - cell.value) <= abs(cell.value) / 10**5 / 2  # six significant digits
            else:
                assert field == (cell.value or "")
            assert fields.get(f"{column.key}_mark", "") == (cell.mark.name if cell.mark else "")
            assert fields.get(f"{column.key}_note", "") == cell.note


def refuse(text: str) -> NoReturn:
    raise AssertionError(f"{text} is not exact")


@given(tables())
def test_json_parses_back_to_the_same_values(table: Table) -> None:
    document = json.loads(render(table, "json"), parse_float=refuse, parse_constant=refuse)
    assert document["schema"] == 1
    assert document["title"] == table.title
    assert tuple(document["header"].items()) == table.header
    assert tuple(document["notes"]) == table.notes
    assert [Column(**column).title for column in document["columns"]] == [c.title for c in table.columns]
    for row, fields in zip(table.rows, document["rows"], strict=True):
        assert fields["kind"] == row.kind
        for column, cell in zip(table.columns, cells_of(row), strict=True):
            field = fields[column.key]
            if isinstance(cell.value, Fraction) or (
                isinstance(cell.value, int) and column.kind in {"percent", "ratio"}
            ):
                assert isinstance(field, str)
                assert Fraction(field) == cell.value
            else:
                assert type(field) is type(cell.value)
                assert field == cell.value
            assert fields.get(f"{column.key}_mark") == (cell.mark.name if cell.mark else None)
            assert fields.get(f"{column.key}_note") == (cell.note or None)
    assert len({tuple(fields) for fields in document["rows"]}) <= 1  # every row has the same fields


def read_markdown(text: str) -> tuple[list[str], list[list[str]], list[str]]:
    """The list items, the rows (the titles first) and the other paragraphs, by a parser that isn't ours."""
    items: list[str] = []
    rows: list[list[str]] = []
    paragraphs: list[str] = []
    parents: list[str] = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if token.type == "inline":
            children = [child for child in token.children or [] if child.content != "<!-- -->"]  # behind an @
            assert {child.type for child in children} <= {"text", "strong_open", "strong_close"}
            content = "".join(child.content for child in children)
            if parents[-1] in {"th", "td"}:
                rows[-1].append(content)
            else:
                (items if "list_item" in parents else paragraphs).append(content)
        elif token.nesting == 1:
            if token.type == "tr_open":
                rows.append([])
            parents.append(token.type.removesuffix("_open"))
        elif token.nesting == -1:
            parents.pop()
        else:
            pytest.fail(f"{token.type} in a page of lists, tables and texts")
        assert set(parents) <= {
            "paragraph",
            "bullet_list",
            "list_item",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
        assert parents.count("bullet_list") <= 1
    return items, rows, paragraphs


@given(tables(PLAIN_TEXT))
def test_markdown_parses_back_to_the_same_texts(table: Table) -> None:
    items, rows, paragraphs = read_markdown(render(table, "markdown"))
    assert paragraphs == ([table.title] if table.title else [])
    assert items == [*(f"{name}: {value}".strip() for name, value in table.header), *lines_below(table)]
    assert rows[0] == [column.title for column in table.columns]
    for row, cells in zip(table.rows, rows[1:], strict=True):
        for cell, text in zip(cells, texts_of(table, row), strict=True):
            assert text is None or cell == text


TEX_NAMES = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textquotedbl": '"',
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textendash": "–",
    "textemdash": "—",
    "dots": "…",
    "times": "×",
    "cdot": "·",
    "approx": "≈",
    "neq": "≠",
    "leq": "≤",
    "geq": "≥",
    "rightarrow": "→",
    "ding": "",
    "textsuperscript": "",
    "textbf": "",
}
TEX_TOKEN = re.compile(
    r"\\(?P<name>[A-Za-z]+)|\\(?P<escaped>[{}$&#%_])|(?P<special>[\\{}$&#%_~^])|(?P<plain>[^\\])", re.DOTALL
)


def read_tex(source: str) -> str:
    """The text that LaTeX would print; fails on markup that a text has no use for."""
    printed, depth, math = "", 0, False
    for token in TEX_TOKEN.finditer(source):
        match token.lastgroup, token[0]:
            case "name", _:
                printed += TEX_NAMES[token["name"]]
            case "special", "{":
                depth += 1
            case "special", "}":
                depth -= 1
            case "special", "$":
                math = not math
            case "special", other:
                pytest.fail(f"unescaped {other!r} in {source!r}")
            case _:
                printed += token["escaped"] or token["plain"]
        assert depth >= 0
    assert depth == 0
    assert not math
    return printed


def as_tex_reads(text: str) -> str:
    """A text as `read_tex` gives it back: arguments of macros as they stand."""
    text = text.replace("✓", "51").replace("✗", "55")
    return text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−\ufffd", "0123456789--?"))


@given(tables(PLAIN_TEXT))
def test_latex_is_well_formed_and_says_the_same_texts(table: Table) -> None:
    lines = render(table, "latex").splitlines()
    top, middle, bottom = (lines.index(rf"\{rule}rule") for rule in ("top", "mid", "bottom"))
    assert (top + 2, lines[-1]) == (middle, r"\end{table}")
    caption = next(line for line in lines if line.startswith(r"\caption{"))
    told = "; ".join([table.title, *(f"{name}: {value}" for name, value in table.header)])
    assert read_tex(caption.removeprefix(r"\caption")) == as_tex_reads(" ".join(told.split()))
    below = [read_tex(line.removeprefix(r"\par\footnotesize ")) for line in lines[bottom + 2 : -1]]
    assert below == list(map(as_tex_reads, lines_below(table)))
    body = [line for line in lines[middle + 1 : bottom] if line != r"\midrule"]
    titles: list[str | None] = [column.title for column in table.columns]
    for line, texts in zip(
        [lines[top + 1], *body], [titles, *(texts_of(table, row) for row in table.rows)], strict=True
    ):
        assert not line.startswith(("[", "*"))
        assert line.endswith(r" \\")
        cells = re.split(r"(?<!\\)&", line.removesuffix(r"\\"))
        for cell, text in zip(cells, texts, strict=True):
            printed = read_tex(cell).strip()
            assert text is None or printed == as_tex_reads(text)


@given(tables())
def test_latex_of_any_text_is_balanced(table: Table) -> None:
    for line in render(table, "latex").splitlines()[1:]:
        if not line.startswith((r"\begin", r"\end", r"\top", r"\mid", r"\bottom", r"\centering")):
            for cell in re.split(r"(?<!\\)&", line.removesuffix(r"\\")):
                read_tex(re.sub(r"^\\(caption|par\\footnotesize)", "", cell))


# -- texts that others would act on -----------------------------------------------------------------------------------


def table_of(*texts: str) -> Table:
    return Table("t", (), (Column("text", "text"), Column("n", "n", "count")), tuple(Row((text, -1)) for text in texts))


FORMULAS = [
    "=cmd|'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    '=HYPERLINK("http://x")',
    "\t=1",
    "\r=1",
    "＝1",
    "-",
    "--",
    "'x",
    "''",
]
NO_FORMULAS = ["conv1", "-1", "+3.5", "-12.5%", "1=1", "a@b", "3,884", ""]


def test_no_text_in_csv_is_a_formula_and_each_is_read_back() -> None:
    rows = [row[0] for row in csv.reader(io.StringIO(render(table_of(*FORMULAS, *NO_FORMULAS), "csv"), newline=""))][1:]
    assert rows == [*(f"'{text}" for text in FORMULAS), *NO_FORMULAS]
    assert [row.removeprefix("'") for row in rows] == [*FORMULAS, *NO_FORMULAS]


def test_numbers_in_csv_keep_their_signs() -> None:
    assert render(table_of("x"), "csv").splitlines()[1] == "x,-1,row"


@pytest.mark.parametrize("text", ["``x''", ",,q''", "!`", "?`", "a---b", "''''", "!``"])
def test_latex_has_no_ligatures(text: str) -> None:
    end = r" & $-$1 \\"
    (cell,) = (line.removesuffix(end) for line in render(table_of(text), "latex").splitlines() if line.endswith(end))
    assert not any(pair in cell for pair in ("``", "''", ",,", "!`", "?`", "--"))
    assert read_tex(cell) == text


LINKS = ["http://example.com/a", "see https://example.com", "www.example.com", "@everyone", "ask @a-b", "a@b.org"]


@pytest.mark.parametrize("text", LINKS)
def test_markdown_has_no_links_and_calls_nobody(text: str) -> None:
    """GitHub looks for links in what is written, where a backslash counts, and for people in the page that is made."""
    (line,) = (line for line in render(table_of(text), "markdown").splitlines() if line.endswith("| -1 |"))
    assert not re.search(r"\w://|www\.|@\w", line)
    assert read_markdown(render(table_of(text), "markdown"))[1][1] == [text, "-1"]


@pytest.mark.parametrize("text", ["resnet50@v1.5", "googlenet@torchvision", "3: a", "a.b"])
def test_markdown_leaves_names_as_they_are(text: str) -> None:
    assert f"| {text} | -1 |" in render(table_of(text), "markdown")
