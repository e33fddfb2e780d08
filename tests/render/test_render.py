"""The printers: what they print is what the table holds, whatever texts and numbers it holds."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import sys
from fractions import Fraction
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from convcost.errors import ConvcostError
from convcost.render import DIFFERS, FORMATS, HOLDS, Cell, Column, Row, Table, render, write
from convcost.render.numbers import in_full, percent, short

# ---------------------------------------------------------------- one small table, written out by hand

SMALL = Table(
    title="GoogLeNet",
    header=(("network", "googlenet@paper"), ("input", "3x224x224")),
    columns=(
        Column("type", "type"),
        Column("printed", "params printed", align="right"),
        Column("params", "params", kind="count"),
        Column("share", "share", kind="percent"),
        Column("ratio", "to conv1", kind="ratio"),
    ),
    rows=(
        Row(("conv_1", "2.7K", Cell(9472, DIFFERS, "as drawn: 7×7"), Fraction(9472, 173168), 1)),
        Row(("in|3a", "159K", Cell(163696, HOLDS), Fraction(163696, 173168), Fraction(163696, 9472))),
        Row(("sum", None, 173168, 1, None), kind="total"),
    ),
    notes=("K is 1000.",),
)

SMALL_TERMINAL = """\
GoogLeNet
network: googlenet@paper
input: 3x224x224

         params                       to
type    printed    params   share  conv1
────────────────────────────────────────
conv_1     2.7K  9.47K ✗¹    5.5%     1×
in|3a      159K   164K ✓    94.5%  17.3×
────────────────────────────────────────
sum               173K     100.0%

K is 1000.
¹ as drawn: 7×7
"""

SMALL_ASCII_EXACT = """\
GoogLeNet
network: googlenet@paper
input: 3x224x224

         params                          to
type    printed       params   share  conv1
-------------------------------------------
conv_1     2.7K    9,472 x^1    5.5%     1x
in|3a      159K  163,696 +     94.5%  17.3x
-------------------------------------------
sum              173,168      100.0%

K is 1000.
^1 as drawn: 7x7
"""

SMALL_MARKDOWN = r"""
**GoogLeNet**

- network: googlenet@paper
- input: 3x224x224

| type | params printed | params | share | to conv1 |
| :-- | --: | --: | --: | --: |
| conv_1 | 2.7K | 9.47K ✗¹ | 5.5% | 1× |
| in\|3a | 159K | 164K ✓ | 94.5% | 17.3× |
| **sum** |  | **173K** | **100.0%** |  |

- K is 1000.
- ¹ as drawn: 7×7
""".lstrip()

SMALL_LATEX = r"""
% \usepackage[T1]{fontenc} \usepackage{booktabs,pifont}
\begin{table}
\centering
\caption{GoogLeNet; network: googlenet@paper; input: 3x224x224}
\begin{tabular}{lrrrr}
\toprule
type & params printed & params & share & to conv1 \\
\midrule
conv\_1 & 2.7K & 9.47K \ding{55}\textsuperscript{1} & 5.5\% & 1$\times$ \\
in\textbar{}3a & 159K & 164K \ding{51} & 94.5\% & 17.3$\times$ \\
\midrule
\textbf{sum} &  & \textbf{173K} & \textbf{100.0\%} &  \\
\bottomrule
\end{tabular}
\par\footnotesize K is 1000.
\par\footnotesize \textsuperscript{1} as drawn: 7$\times$7
\end{table}
""".lstrip()

SMALL_CSV = (
    "type,printed,params,params_mark,params_note,share,ratio,kind\r\n"
    "conv_1,2.7K,9472,differs,as drawn: 7×7,592/10823,1,row\r\n"
    "in|3a,159K,163696,holds,,10231/10823,10231/592,row\r\n"
    "sum,,173168,,,1,,total\r\n"
)

SMALL_JSON = {
    "schema": 1,
    "title": "GoogLeNet",
    "header": {"network": "googlenet@paper", "input": "3x224x224"},
    "columns": [
        {"key": "type", "title": "type", "kind": "text"},
        {"key": "printed", "title": "params printed", "kind": "text"},
        {"key": "params", "title": "params", "kind": "count"},
        {"key": "share", "title": "share", "kind": "percent"},
        {"key": "ratio", "title": "to conv1", "kind": "ratio"},
    ],
    "rows": [
        {
            "type": "conv_1",
            "printed": "2.7K",
            "params": 9472,
            "params_mark": "differs",
            "params_note": "as drawn: 7×7",
            "share": "592/10823",
            "ratio": "1",
            "kind": "row",
        },
        {
            "type": "in|3a",
            "printed": "159K",
            "params": 163696,
            "params_mark": "holds",
            "params_note": None,
            "share": "10231/10823",
            "ratio": "10231/592",
            "kind": "row",
        },
        {
            "type": "sum",
            "printed": None,
            "params": 173168,
            "params_mark": None,
            "params_note": None,
            "share": "1",
            "ratio": None,
            "kind": "total",
        },
    ],
    "notes": ["K is 1000."],
}


def test_each_format_as_written_by_hand() -> None:
    assert render(SMALL, "terminal") == SMALL_TERMINAL
    assert render(SMALL, "terminal", exact=True, encoding="ascii") == SMALL_ASCII_EXACT
    assert render(SMALL, "markdown") == SMALL_MARKDOWN
    assert render(SMALL, "latex") == SMALL_LATEX
    assert render(SMALL, "csv") == SMALL_CSV
    assert json.loads(render(SMALL, "json")) == SMALL_JSON


def test_json_says_its_schema_first_and_is_ascii() -> None:
    text = render(SMALL, "json")
    assert text.startswith('{\n  "schema": 1,\n')
    assert text.isascii()


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (147, "147"),
        (999, "999"),
        (1000, "1.00K"),
        (1005, "1.01K"),  # a half goes up; in floats 1.005 is below it
        (1015, "1.02K"),
        (2712, "2.71K"),
        (99_949, "99.9K"),
        (99_950, "100K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (6_990_272, "6.99M"),
        (6_998_552, "7.00M"),
        (1_582_671_872, "1.58G"),
        (10**24, "1.00Y"),
        (999_499 * 10**21, "999Y"),
        (10**27, "1.00e27"),
        (-12_345, "-12.3K"),
        (-1005, "-1.01K"),
        (Fraction(5, 2), "2.50"),
        (Fraction(25, 9), "2.78"),
        (Fraction(1, 3), "0.333"),
        (Fraction(1, 1000), "0.00100"),
        (Fraction(1, 10**6), "1.00e-6"),
        (Fraction(1999, 2), "1.00K"),
    ],
)
def test_short_by_hand(number: int | Fraction, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (1, "100.0%"),
        (Fraction(1, 3), "33.3%"),
        (Fraction(28, 100), "28.0%"),
        (Fraction(1, 2000), "0.1%"),  # 0.05 %: a half goes up
        (Fraction(1, 2001), "<0.1%"),
        (Fraction(-1, 10**9), ">-0.1%"),
        (Fraction(-1, 8), "-12.5%"),
        (12, "1,200.0%"),
    ],
)
def test_percent_by_hand(share: int | Fraction, text: str) -> None:
    assert percent(share) == text


def test_in_full_by_hand() -> None:
    assert [in_full(n) for n in (0, -1234, 1_582_671_872)] == ["0", "-1,234", "1,582,671,872"]
    assert in_full(Fraction(-10_000, 3)) == "-10,000/3"


INTEGERS = st.integers() | st.integers(-(10**60), 10**60) | st.integers(0, 4000).map(lambda n: 10**n)
NUMBERS = INTEGERS | st.fractions() | st.builds(Fraction, INTEGERS, st.integers(1, 10**30))


def read_short(text: str) -> tuple[Fraction, Fraction]:
    """The number that a short form names, and half a unit of its last digit."""
    match = re.fullmatch(r"(-?[0-9]+)(?:\.([0-9]+))?([KMGTPEZY]?)(?:e(-?[0-9]+))?", text)
    assert match, text
    whole, decimals, suffix, exponent = match.groups(default="")
    unit = Fraction(10) ** (3 * " KMGTPEZY".index(suffix or " ") + int(exponent or 0))
    return Fraction(f"{whole}.{decimals or 0}") * unit, unit / 10 ** len(decimals) / 2


@given(NUMBERS)
def test_short_names_an_interval_that_holds_the_number(number: int | Fraction) -> None:
    (shown, half), held = read_short(short(number)), Fraction(number)
    if abs(held) < 1000 and held.denominator == 1:
        assert shown == held
    else:
        assert abs(shown - held) <= half
        assert abs(shown - held) < half or abs(shown) > abs(held)  # a half goes away from zero
        assert half * 200 <= abs(shown) < half * 2000  # three significant digits


@given(NUMBERS, NUMBERS)
def test_short_keeps_the_order(a: int | Fraction, b: int | Fraction) -> None:
    (shown_a, _), (shown_b, _) = read_short(short(a)), read_short(short(b))
    assert shown_a <= shown_b if a <= b else shown_b <= shown_a


@given(NUMBERS)
def test_in_full_is_the_number(number: int | Fraction) -> None:
    assert Fraction(in_full(number).replace(",", "")) == number


@given(st.fractions())
def test_percent_is_within_half_a_tenth(share: Fraction) -> None:
    text = percent(share).replace(",", "")
    if text in {"<0.1%", ">-0.1%"}:
        assert 0 < abs(share) < Fraction(5, 10_000)
        assert (share > 0) == (text[0] == "<")
    else:
        assert abs(Fraction(text.removesuffix("%")) - share * 100) <= Fraction(1, 20)
        assert (text == "0%") == (share == 0)


def test_signed_columns_show_the_sign_of_what_is_more() -> None:
    table = Table(
        "t",
        (),
        (
            Column("n", "n", kind="count", signed=True),
            Column("p", "p", kind="percent", signed=True),
            Column("r", "r", kind="ratio", signed=True),
        ),
        tuple(Row((value, value, value)) for value in (2, -2, 0)),
    )
    assert [line.split() for line in render(table, "terminal").splitlines()[-3:]] == [
        ["+2", "+200.0%", "+2×"],
        ["-2", "-200.0%", "-2×"],
        ["0", "0%", "0×"],
    ]


# ---------------------------------------------------------------- laws over any table

# Every kind of character that a printer might trip over, and all the rest of Unicode.
HARD = "\\`*_[]<>|~&$#%^{}\"'-+.)!:@ /,1a×✓⁹—é漢"
ANY_TEXT = st.text(st.sampled_from(HARD + "\u200b\u202e\x1b\t\n\r\x00") | st.characters(codec="utf-8"), max_size=12)
# What a page can show: no controls, and single spaces.
PLAIN_TEXT = (
    st.text(st.sampled_from(HARD) | st.characters(exclude_categories=("C", "Z")), max_size=12)
    .map(str.split)
    .map(" ".join)
)


@st.composite
def tables(draw: st.DrawFn, texts: st.SearchStrategy[str] = ANY_TEXT, *, wraps: bool = False) -> Table:
    """Any table of up to five columns and rows; with `wraps`, one of which every column may give way."""
    columns = tuple(
        Column(
            key=f"k{i}",
            title=draw(texts),
            kind=draw(st.sampled_from(["text", "count", "percent", "ratio"])),
            align=draw(st.sampled_from([None, "left", "right"])),
            signed=draw(st.booleans()),
            wrap=draw(st.booleans()) or (wraps and i == 0),
            drop=draw(st.integers(1 if wraps else 0, 2)) if i else 0,
        )
        for i in range(draw(st.integers(1, 5)))
    )
    values = st.none() | texts | INTEGERS | st.fractions()
    cells = values | st.builds(Cell, values, st.sampled_from([None, HOLDS, DIFFERS]), texts | st.just(""))
    rows = st.builds(
        Row, st.tuples(*(cells for _ in columns)), st.sampled_from(["row", "row", "row", "section", "total"])
    )
    header = st.dictionaries(texts, texts, max_size=3).map(lambda names: tuple(names.items()))
    return Table(
        title=draw(texts),
        header=draw(header),
        columns=columns,
        rows=tuple(draw(st.lists(rows, max_size=5))),
        notes=tuple(draw(st.lists(texts, max_size=2))),
    )


def cells_of(row: Row) -> list[Cell]:
    return [cell if isinstance(cell, Cell) else Cell(cell) for cell in row.cells]


def footnotes(table: Table) -> list[str]:
    """The different notes of the cells, in order of appearance."""
    return list(dict.fromkeys(cell.note for row in table.rows for cell in cells_of(row) if cell.note))


def raised(number: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(number))


def lines_below(table: Table) -> list[str]:
    numbered = [f"{raised(number)} {note}" for number, note in enumerate(footnotes(table), 1)]
    return [*(note for note in table.notes if note), *numbered]


def texts_of(table: Table, row: Row) -> list[str | None]:
    """What a reader should see in each cell; None where that is a number's form."""
    seen: list[str | None] = []
    for cell in cells_of(row):
        suffix = f" {cell.mark.glyph}" if cell.mark else ""
        suffix += raised(footnotes(table).index(cell.note) + 1) if cell.note else ""
        seen.append(f"{cell.value or ''}{suffix}".strip() if isinstance(cell.value, str | None) else None)
    return seen


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
                assert Fraction(field) == cell.value
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


# ---------------------------------------------------------------- the terminal

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@given(tables(wraps=True), st.integers(60, 200))
def test_a_table_that_can_give_way_keeps_to_the_width(table: Table, width: int) -> None:
    text = render(table, "terminal", width=width)
    assert all(cell_len(line) <= width for line in text.splitlines())


@given(tables(PLAIN_TEXT), st.integers(20, 200), st.booleans())
def test_numbers_stay_whole_at_any_width(table: Table, width: int, exact: bool) -> None:
    text = render(table, "terminal", width=width, exact=exact)
    dropped = "Left out at a width of" in " ".join(text.split())
    for row in table.rows:
        for cell, column in zip(cells_of(row), table.columns, strict=True):
            if (
                isinstance(cell.value, int)
                and column.kind == "count"
                and not (column.wrap or (dropped and column.drop))
            ):
                assert (in_full(cell.value) if exact else short(cell.value)) in text


@given(tables(), st.integers(40, 120))
def test_colour_only_adds_colour(table: Table, width: int) -> None:
    plain = render(table, "terminal", width=width)
    assert "\x1b" not in plain
    coloured = ANSI.sub("", render(table, "terminal", width=width, color=True))
    assert [line.rstrip() for line in coloured.splitlines()] == plain.splitlines()


WIDE = Table(
    "layers",
    (),
    (
        Column("name", "name", wrap=True),
        Column("shape", "output shape", drop=1),
        Column("field", "receptive field", kind="count", drop=2),
        Column("macs", "macs", kind="count"),
    ),
    (
        Row(("inception_3a/5x5/reduce", "32x28x28", 27, 120_422_400)),
        Row(("averyverylongname_without_a_break", "32x28x28", 27, 12_443_648)),
    ),
)


def test_a_narrow_terminal_wraps_then_drops_and_says_so() -> None:
    assert (
        render(WIDE, "terminal", exact=True, width=48)
        == """\
layers

                output    receptive
name            shape         field         macs
────────────────────────────────────────────────
inception_3a    32x28x28         27  120,422,400
/5x5/reduce
averyverylongn  32x28x28         27   12,443,648
ame_without_a_
break
"""
    )
    assert (
        render(WIDE, "terminal", exact=True, width=34)
        == """\
layers

              output
name          shape           macs
──────────────────────────────────
inception_3a  32x28x28 120,422,400
/5x5/reduce
averyverylong 32x28x28  12,443,648
name_without_
a_break

Left out at a width of 34:
receptive field.
"""
    )


def test_what_may_not_give_way_stays_whole_on_any_terminal() -> None:
    text = render(WIDE, "terminal", exact=True, width=10)
    assert "120,422,400" in text
    assert "output shape, receptive field" in " ".join(text.split())


def test_a_text_cannot_steer_the_terminal() -> None:
    table = Table(
        "a\x1b[2J\u202etitle",
        (("in\tput", "x\x07\ny"),),
        (Column("k", "[red]k\x9b"),),
        (Row(("[/]\x1b]0;",)),),
    )
    for printer in ("terminal", "markdown", "latex"):
        text = render(table, printer)
        assert not set(text) & set("\x1b\u202e\x07\x9b\t")
    assert "[red]k" in render(table, "terminal")  # nor is it markup


# ---------------------------------------------------------------- streams

SURROGATES = st.text(st.sampled_from(HARD + "\ud800\udfff─⁹") | st.characters(codec=None), max_size=12)


@given(tables(SURROGATES), st.sampled_from(["ascii", "latin-1", "cp1252", "cp437", "koi8-r", "utf-8", "utf-16"]))
def test_every_encoding_can_print_every_table(table: Table, encoding: str) -> None:
    for printer in FORMATS:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        write(table, printer, stream)
        stream.flush()


def test_only_what_the_encoding_lacks_is_spelled_in_ascii() -> None:
    table = Table("a × b", (("ops", "3.8×10⁹ ≤ 2¹⁰"),), (Column("k", "✓é漢"),), ())
    assert render(table, "csv", encoding="ascii") == "k,kind\r\n"
    assert render(table, "terminal", encoding="ascii").splitlines()[:2] == ["a x b", "ops: 3.8x10^9 <= 2^10"]
    assert render(table, "terminal", encoding="latin-1").splitlines()[:2] == [
        "a × b",
        "ops: 3.8×10^9 <= 2^10",
    ]
    assert "| +é? |" in render(table, "markdown", encoding="latin-1")


def piped(table: Table, format: str, newline: str | None = None) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8", newline=newline)
    write(table, format, stream)
    stream.flush()
    return raw.getvalue().decode()


def on_a_terminal(table: Table, format: str) -> str:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        assert stream.isatty()
        write(table, format, stream)
        stream.flush()
        with os.fdopen(master, "rb", buffering=0) as reader:
            return reader.read(4000).decode().replace("\r\n", "\n")


def test_piped_output_is_plain_and_80_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich would
    assert piped(SMALL, "terminal") == SMALL_TERMINAL
    monkeypatch.setenv("COLUMNS", "34")
    assert max(map(len, piped(WIDE, "terminal").splitlines())) <= 34


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_has_colour_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], coloured: bool
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = on_a_terminal(SMALL, "terminal")
    assert ("\x1b[31m9.47K ✗¹\x1b[0m" in text) == coloured
    assert ("\x1b" in text) == coloured
    assert "\x1b" not in on_a_terminal(SMALL, "markdown")


def test_csv_keeps_its_line_ends_where_the_platform_translates() -> None:
    assert piped(SMALL, "csv", newline="\r\n") == SMALL_CSV


# ---------------------------------------------------------------- what a table refuses

ONE = (Column("n", "n", kind="count"),)


def test_a_number_must_be_exact() -> None:
    for value in (1.5, True, float("nan"), b"1"):
        with pytest.raises(TypeError, match="neither a text nor an exact number"):
            Table("t", (), ONE, (Row((value,)),))  # type: ignore[arg-type]


def test_a_number_too_long_to_print_is_refused_at_once() -> None:
    longest = Table("t", (), ONE, (Row((2**14_000 - 1,)), Row((Fraction(1, 2**13_999),))))
    for printer in FORMATS:
        for exact in (False, True):
            assert render(longest, printer, exact=exact)
    for number in (2**14_000, Fraction(1, 2**14_000)):
        with pytest.raises(ConvcostError, match=r"^table 't', row 1: a number of more than 4,200 digits"):
            Table("t", (), ONE, (Row((number,)),))


def test_a_ragged_row_is_refused() -> None:
    with pytest.raises(ConvcostError, match=r"^table 't', row 2: 2 cells for 1 columns$"):
        Table("t", (), ONE, (Row((1,)), Row((1, 2))))
    with pytest.raises(ConvcostError, match=r"^table 't' has no columns$"):
        Table("t", (), (), ())


@pytest.mark.parametrize("keys", [("n", "n"), ("n", "n_mark"), ("n_note", "n"), ("kind",)])
def test_fields_of_one_name_are_refused(keys: tuple[str, ...]) -> None:
    with pytest.raises(ConvcostError, match=r"^table 't': more than one field is called '(n|n_mark|n_note|kind)'$"):
        Table("t", (), tuple(Column(key, key) for key in keys), ())


def test_header_names_are_unique() -> None:
    with pytest.raises(ConvcostError, match="called 'input'"):
        Table("t", (("input", "a"), ("input", "b")), ONE, ())


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ConvcostError, match=r"^unknown format 'html': one of terminal, markdown, latex, csv, json$"):
        render(SMALL, "html")


def test_importing_the_printers_loads_none_of_what_they_print_with() -> None:
    heavy = ["rich", "numpy", "torch", "sympy", "pandas"]
    script = (
        "import sys, convcost.render as render\n"
        "render.render(render.Table('t', (), (render.Column('n', 'n'),), ()), 'json')\n"
        f"print(*sys.modules.keys() & {heavy!r})"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).split() == []


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
    end = r" & -1 \\"
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
