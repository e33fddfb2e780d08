"""A table at the terminal and in a pipe: its width, its colours and its encoding."""

from __future__ import annotations

import dataclasses
import io
import os
import pty
import re

import pytest
from any_table import HARD, PLAIN_TEXT, SMALL, SMALL_CSV, SMALL_TERMINAL, cells_of, tables
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from convcost.render import FORMATS, Column, Row, Table, render, write
from convcost.render.numbers import in_full, short
from convcost.render.scopes import shortened

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@given(tables(wraps=True), st.integers(60, 200))
def test_a_table_that_can_give_way_keeps_to_the_width(table: Table, width: int) -> None:
    text = render(table, "terminal", width=width)
    assert all(cell_len(line) <= width for line in text.splitlines())


SENTENCES = st.lists(st.sampled_from(["macs", "4.09G", "+", "conv2_x/1/add", "resnet50@v1.5", "é漢"]), max_size=30).map(
    " ".join
)


def left_out(text: str) -> set[str]:
    found = re.search(r"Left out at a width of \d+: (.*)\.$", " ".join(text.split()))
    return set(found[1].split(", ")) if found else set()


WIDER_THAN_LONG = Table(
    "t",
    (),
    tuple(Column(f"k{i}", "", scopes=not i) for i in range(4)),
    (
        Row((None, None, None, "macs macs macs conv2_x/1/add")),
        Row(("macs macs macs conv2_x/1/add macs macs macs é漢", None, None, None)),
    ),
)
"""A name to be shortened that has fewer characters than it takes columns."""


@given(tables(SENTENCES), st.integers(80, 300), st.integers(1, 80))
@example(WIDER_THAN_LONG, 80, 3)
def test_a_wider_terminal_never_gives_a_worse_table(table: Table, width: int, more: int) -> None:
    columns = [column._replace(title=f"c{i}") for i, column in enumerate(table.columns)]
    table = dataclasses.replace(table, columns=tuple(columns), title="t", notes=())
    narrow, wide = (render(table, "terminal", width=size) for size in (width, width + more))
    assert len(wide.splitlines()) <= len(narrow.splitlines())
    assert left_out(wide) <= left_out(narrow)


@given(tables(SENTENCES), st.integers(60, 200))
def test_at_most_four_lines_stand_above_and_nothing_is_lost(table: Table, width: int) -> None:
    table = dataclasses.replace(table, title="t")
    text = render(table, "terminal", width=width)
    above, _, rest = text.partition("\n\n")
    facts = [f"{name}: {value}" for name, value in table.header]
    first = len(Text(" ".join(facts[0].split())).wrap(Console(width=width), width)) if facts else 0
    assert len(above.splitlines()) <= max(4, 1 + first)
    words = " ".join(f"{above} {rest}".split())
    assert all(" ".join(fact.split()) in words for fact in facts)


PARTS = st.sampled_from(["conv", "conv_2", "conv_3", "bn", "residual", "reduce", "1", "10", "inception_3a", "é漢", ""])
NAMES = st.lists(st.lists(PARTS | st.text("ab_1", max_size=6), min_size=1, max_size=4).map("/".join), unique=True)


@given(NAMES, st.none() | st.integers(1, 40))
def test_shortened_names_are_told_apart(names: list[str], room: int | None) -> None:
    short = shortened(names, room)
    assert len(set(short)) == len(names)
    assert not any(one != name and one in names for one, name in zip(short, names, strict=True))
    for one, name in zip(short, names, strict=True):
        pairs = list(zip(one.split("/"), name.split("/"), strict=True))
        assert all(whole.startswith(part) and len(part) >= min(3, len(whole)) for part, whole in pairs)
    widest = max(map(cell_len, names), default=0)
    if room is not None and room >= widest:
        assert short == names
    if room is not None and room >= max(map(cell_len, shortened(names)), default=0):
        assert max(map(cell_len, short), default=0) <= room


def test_names_are_cut_to_what_tells_them_apart() -> None:
    names = ["conv1/conv", "conv2_x/1/residual/conv", "conv2_x/1/residual/conv_2", "conv2_x/1/shortcut/conv"]
    assert shortened(names, 20) == ["conv1/conv", "conv2/1/resid/conv", "conv2/1/resid/conv_2", "conv2/1/short/conv"]
    assert shortened(names) == ["conv1/con", "conv2/1/res/conv", "conv2/1/res/conv_2", "conv2/1/sho/con"]


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
    printed = b""
    with os.fdopen(master, "rb", buffering=0) as reader:
        try:
            while part := reader.read(4000):  # of a terminal, what has arrived so far
                printed += part
        except OSError:  # nobody has it open any more
            pass
    return printed.decode().replace("\r\n", "\n")


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


def test_a_heading_stands_across_all_columns() -> None:
    columns = (Column("row", "row", wrap=True), Column("count", "count", "count"))
    rows = (Row(("a file with a long name.md, table 2", None), "section"), Row(("conv1", 9408)))
    text = render(Table("Counts", (), columns, rows), "terminal", width=12)
    assert text.splitlines()[-5:] == ["a file with", "a long", "name.md,", "table 2", "conv1  9.41K"]
    wide = render(Table("Counts", (), columns, rows), "terminal", width=40)
    assert wide.splitlines()[-2:] == ["a file with a long name.md, table 2", "conv1  9.41K"]


def test_a_column_that_says_the_heading_of_each_row_is_for_programs() -> None:
    columns = (Column("table", "table"), Column("row", "row"))
    rows = tuple(row for name in ("one", "two") for row in (Row((name, name), "section"), Row((name, "conv1"))))
    lines = render(Table("Counts", (), columns, rows), "terminal", width=40).splitlines()
    assert lines[2:] == ["row", "─────", "one", "conv1", "─────", "two", "conv1"]
    assert render(Table("Counts", (), columns, rows), "csv").splitlines()[-1] == "two,conv1,row"
