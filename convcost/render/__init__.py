"""One table object, printed six ways: for a terminal, as Markdown, LaTeX, HTML, CSV and JSON.

A `Table` holds exact values (ints and Fractions, never floats) and says nothing about how they look; `render`
turns it into text, and `write` prints it as the stream at hand can show it. The four formats for readers
show counts in short form ("1.58G", three significant digits, half up) or, with `exact`, in full
("1,582,671,872"), bytes as "9.63 MB"; percentages, ratios and fractions are rounded in both. The two for programs
always carry exact integers, in the same fields:

* one per column, under its `key`: a count as an int, a percentage or ratio (and any Fraction) in JSON exactly, as
  the text "p/q" or "p", in CSV as a decimal of six significant digits ("0.0512183"), a text as it is, nothing where
  the cell is empty;
* behind it `KEY_mark` and `KEY_note`, if any cell of the column has a mark or a note: the mark's name, the
  note's text;
* last `kind`: "row", "section" or "total" (so that no sum takes a total in).

JSON is one object, {"schema": 1, "title": text, "header": {name: text}, "columns": [{"key", "title",
"kind"}], "rows": [object], "notes": [text]}, all ASCII. What audits and reconciliations weighed stands behind it:
"schema" is 2 then, with "evidence": [object], as convcost/views/evidence.schema.json describes them. "schema" rises
with any change that an existing reader would misread.
CSV is RFC 4180 with the field names in its first line; it writes an absent value and an
empty text alike. A text that a spreadsheet would take for a formula has an apostrophe in front, and so has one
that begins with an apostrophe: take one away, and it is as it was.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Literal, TextIO, TypeAlias, get_args

from convcost.errors import ConvcostError, shown
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Mark, Row, Table, Value
from convcost.render.text import encodable

__all__ = [
    "DIFFERS",
    "FORMATS",
    "HOLDS",
    "Cell",
    "Column",
    "Mark",
    "Row",
    "Table",
    "Value",
    "render",
    "write",
]

Format: TypeAlias = Literal["terminal", "markdown", "latex", "html", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)


def render(
    table: Table,
    format: str,
    *,
    exact: bool = False,
    width: int | None = None,
    color: bool = False,
    encoding: str = "utf-8",
) -> str:
    """The table as text in one of `FORMATS`, ending in a line break.

    `exact` shows counts in full; `width` (80 where None) and `color` (ANSI codes) are for the terminal format
    only. What `encoding` cannot say is spelled in ASCII: "x" for "×", "^9" for "⁹", "?" for what has no such
    spelling. Raises ConvcostError for an unknown format.
    """
    # Each printer is loaded where it is used: the door stays light.
    match format:
        case "terminal":
            from convcost.render.terminal import terminal

            text = terminal(table, exact=exact, width=width or 80, color=color, encoding=encoding)
        case "markdown":
            from convcost.render.papers import markdown

            text = markdown(table, exact=exact)
        case "latex":
            from convcost.render.papers import latex

            text = latex(table, exact=exact)
        case "html":
            from convcost.render.html import html

            text = html(table, exact=exact)
        case "csv":
            from convcost.render.data import as_csv

            text = as_csv(table)
        case "json":
            from convcost.render.data import as_json

            text = as_json(table)
        case _:
            raise ConvcostError(f"unknown format {format!r}: one of {', '.join(FORMATS)}")
    return encodable(text, encoding)


def shown_here(table: Table) -> str:
    """The table as it is printed here: at the terminal's width, or 80, without colour."""
    return render(table, "terminal", width=_columns()).rstrip("\n")


def _columns() -> int:
    """The width to print at, as `shutil.get_terminal_size` has it, whose import takes as long as our table."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]  # or it is None
    except (AttributeError, ValueError, OSError):  # no terminal, or closed
        return 80


def write(table: Table, format: str, stream: TextIO, *, exact: bool = False) -> None:
    """Print the table as `stream` can show it: in its encoding, at the terminal's width (80 without one;
    COLUMNS overrules both), in colour only on a terminal and without NO_COLOR. CSV is for programs, and exact; on a
    terminal it shows no control characters, as no other format does anywhere.

    Raises what `render` raises, and OSError from the stream (a closed pipe, a full disk).
    """
    color = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    text = render(table, format, exact=exact, width=_columns(), color=color, encoding=stream.encoding or "utf-8")
    if format == "csv" and isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(newline="")  # its line breaks are part of the format, not for the platform to translate
    stream.write(shown(text) if format == "csv" and stream.isatty() else text)
