"""Printing a table: one by hand in every format, and what a table refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction

import pytest
from any_table import SMALL, SMALL_ASCII_EXACT, SMALL_CSV, SMALL_JSON, SMALL_LATEX, SMALL_MARKDOWN, SMALL_TERMINAL

from convcost.errors import ConvcostError
from convcost.render import FORMATS, Column, Row, Table, render
from convcost.render.table import Cell, Section


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
    with pytest.raises(
        ConvcostError, match=r"^unknown format 'pdf': one of terminal, markdown, latex, html, csv, json$"
    ):
        render(SMALL, "pdf")


def test_importing_the_printers_loads_none_of_what_they_print_with() -> None:
    heavy = ["rich", "numpy", "torch", "sympy", "pandas"]
    script = (
        "import sys, convcost.render as render\n"
        "render.render(render.Table('t', (), (render.Column('n', 'n'),), ()), 'json')\n"
        f"print(*sys.modules.keys() & {heavy!r})"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).split() == []


SECTIONED = Table(
    "t",
    (),
    ONE,
    (Row((Cell(1536, note="half of it", told=True, shown="1.5Ki"),)),),
    ("a note",),
    sections=(Section("Wrong", ("line 1", "line 2")), Section("Nothing", ())),
)


def test_sections_have_headings_and_their_notes_are_no_footnotes() -> None:
    """Readers see a cell as it is to be shown; programs have the number and the note."""
    assert render(SECTIONED, "terminal").splitlines() == [
        *("t", "", "    n", "─────", "1.5Ki", "", "Wrong", "line 1", "line 2", "", "Notes", "a note")
    ]
    assert "1,536" in render(SECTIONED, "terminal", exact=True)
    assert render(SECTIONED, "markdown").endswith(
        "| 1.5Ki |\n\n**Wrong**\n\n- line 1\n- line 2\n\n**Notes**\n\n- a note\n"
    )
    assert r"\par\footnotesize \textbf{Wrong}" in render(SECTIONED, "latex")
    assert '<th colspan="1">Wrong</th>' in render(SECTIONED, "html")
    told = json.loads(render(SECTIONED, "json"))
    assert told["notes"] == ["Wrong: line 1", "Wrong: line 2", "a note"]
    assert told["rows"] == [{"n": 1536, "n_note": "half of it", "kind": "row"}]
