"""A table as its cells with their spans, and the rules that turn it into columns with one cell each.

Every reader (`formats`, `latex`) delivers a `Grid`; `assemble` makes the `RawTable` out of it. The
rules are strict, because a cell in the wrong column becomes a wrong verdict:

- All rows have the width of the first one. A shorter or longer row is an error, but where the format says what it
  means: Markdown pads and cuts, a browser pads.
- Merged header cells are flattened: a column's title is the distinct texts above it, "SENet / GFLOPs".
- A row under the header that names nothing and has no number, but words of titles or units, is header too: "(M)".
- A merged cell of the body belongs to every row it covers. Covering several columns, a text belongs to each
  of them; a number is an error, as nobody can say to which column it belongs. A text that covers all columns
  is no row but the heading of the rows below it.
- Rows without any text are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.printed.numbers import parse
from convcost.printed.units import scale_and_unit

MAX_COLUMNS = 200
MAX_CELLS = 50_000
MAX_CELL = 2_000  # characters
_POWER = re.compile(r"[(\[]\s*[$x×]*\s*10\s*(?:\^\s*\{?[0-9]+\}?|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)\s*\$?\s*[)\]]")  # "(10^6)"


class Place(NamedTuple):
    """Where something stands: the file, its line and column (0: not known)."""

    source: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.column else f"{self.source}:{self.line}"

    @property
    def row(self) -> Place:
        """The line alone, for what is wrong with all of it."""
        return self._replace(column=0)


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of one cell and its place, "file:line" or "file:line:column"."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Row:
    """One cell per column, and the heading inside the table under which the row stands ("" for none)."""

    cells: tuple[Cell, ...]
    section: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as read: nothing in it is interpreted yet.

    Attributes:
        source: the file.
        place: where the table begins, "file:line".
        columns: the flattened titles; they may repeat and may be empty.
        rows: the rows of the body, at least one.
    """

    source: str
    place: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A cell as written: its text, where it begins and how much it covers."""

    text: str
    place: Place
    rows: int = 1
    cols: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows as written, top to bottom.

    `header` is the number of header rows if the format marks them, `None` if it does not.
    """

    place: Place
    rows: list[list[Span]]
    header: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A table seen in a file: where it begins, and the function that reads it."""

    place: Place
    read: Callable[[], Grid]


def ragged(place: Place, cells: int, width: int) -> ConvcostError:
    """The error for a row that does not have as many cells as the table has columns."""
    row, table = ("cell" if cells == 1 else "cells"), ("column" if width == 1 else "columns")
    return ConvcostError(f"{place.row}: this row has {cells} {row}, the table {width} {table}")


def too_large(place: Place) -> ConvcostError:
    """The error for a table beyond the limits."""
    limits = f"{MAX_COLUMNS} columns and {MAX_CELLS:,} cells"
    return ConvcostError(f"{place.row}: the table is too large: at most {limits} are read")


def cut(text: str) -> str:
    """The beginning of a text that is too long for a cell: a remark, and no number, as these are far shorter."""
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 3]}..."


_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202c\u2060-\u2064\u2066-\u2069\ufeff\u00ad]")  # U+202E turns digits round
_DIGITS = str.maketrans(
    {chr(first + digit): str(digit) for first in (0x660, 0x6F0, 0xFF10) for digit in range(10)}
    | {"\u066b": ".", "\u066c": ",", "\uff0e": ".", "\uff0c": ","}
)
"""Arabic, Persian and wide digits, with their points and commas."""


def _seen(text: str) -> str:
    """What a reader sees of a text: without what only turns its direction or its lines, digits as ours."""
    return text if text.isascii() else _UNSEEN.sub("", text).translate(_DIGITS)


def assemble(source: str, grid: Grid, header_rows: int | None = None) -> RawTable:
    """Apply the module's rules.

    Args:
        source: the file.
        grid: the table as written.
        header_rows: how many rows are header; by default what the format marks, or what the merged cells say.

    Raises:
        ConvcostError: ragged or overlapping rows, a merged number, no columns or rows, too many cells.
    """
    expanded = [(any(span.text for span in row), row) for row in _expand(grid.rows)]
    rows = [row for written, row in expanded if written]
    marked = sum(written for written, _ in expanded[: grid.header]) if grid.header else None
    place = str(grid.place)
    width = len(rows[0]) if rows else 0
    if width < 2:
        raise ConvcostError(f"{place}: a table needs at least two columns")
    for row in rows:
        if len(row) != width:
            raise ragged(row[0].place, len(row), width)
    header = _header(rows, marked) if header_rows is None else header_rows
    if not 0 < header < len(rows):
        raise ConvcostError(f"{place}: of {len(rows)} rows {header} are header: nothing is left to read")
    below = {id(span) for row in rows[header:] for span in row}
    for span in rows[header - 1]:
        if id(span) in below:
            raise ConvcostError(f"{span.place}: this merged cell reaches out of the header")
    titles = ((row[column].text for row in rows[:header]) for column in range(width))
    columns = tuple(" / ".join(dict.fromkeys(filter(None, texts))) for texts in titles)
    return RawTable(source, place, columns, tuple(_body(rows[header:])))


def _expand(written: list[list[Span]]) -> list[list[Span]]:
    """The span that covers each position; a row ends with its last cell, a span with the table."""
    reaching: dict[int, tuple[Span, int]] = {}  # column -> span from above and how many more rows it covers
    cells = 0
    expanded = []
    for row in written:
        places: dict[int, Span] = {}
        following: dict[int, tuple[Span, int]] = {}
        for column, (span, left) in reaching.items():
            places[column] = span
            if left > 1:
                following[column] = (span, left - 1)
        column = 0
        for span in row:
            while column in places:
                column += 1
            span = replace(span, text=cut(_seen(span.text)))
            if column + span.cols > MAX_COLUMNS or cells + span.cols > MAX_CELLS:
                raise too_large(span.place)
            for covered in range(column, column + span.cols):
                if covered in places:
                    raise ConvcostError(f"{span.place}: two merged cells overlap here")
                places[covered] = span
                if span.rows > 1:
                    following[covered] = (span, span.rows - 1)
        cells += len(places)
        if cells > MAX_CELLS:
            raise too_large(next(iter(places.values())).place)
        reaching = following
        if sorted(places) != list(range(len(places))):
            raise ragged((row[0] if row else places[max(places)]).place, len(row), max(places) + 1)
        expanded.append([places[column] for column in range(len(places))])
    return expanded


def _header(rows: list[list[Span]], marked: int | None) -> int:
    """How many rows are header: the marked ones, or the first and those that its merged cells reach."""
    header = marked or 1
    if any(is_number(span.text) for row in rows[1:header] for span in row):
        raise ConvcostError(
            f"{rows[0][0].place.row}: numbers in the {header} rows marked as header; how many rows are header?"
        )
    while header < len(rows):
        reached = {id(span) for span in rows[header - 1]} & {id(span) for span in rows[header]}
        grouped = marked is None and any(span.cols > 1 for span in rows[header - 1])
        unnumbered = not any(is_number(span.text) for span in rows[header])
        if not reached and not (unnumbered and (grouped or _of_units(rows[header]))):
            break
        header += 1
    return header


def _of_units(row: list[Span]) -> bool:
    """Whether a row names nothing and says what titles say, or only their units: "", "Params (M)", "(G)"."""
    if row[0].text:
        return False
    words = (word for span in row for word in re.findall(r"[^\W\d_]+", span.text))
    meant = (scale_and_unit(word) for word in words)
    return any(one not in (None, ("", "x")) for one in meant) or any(_POWER.fullmatch(span.text) for span in row)


def _body(rows: list[list[Span]]) -> list[Row]:
    body = []
    section = ""
    for row in rows:
        for span in row:
            if span.cols > 1 and is_number(span.text):
                what = f"the number {span.text!r} covers {span.cols} columns"
                raise ConvcostError(f"{span.place}: {what}; to which does it belong?")
        if all(span is row[0] for span in row):
            section = row[0].text
        else:
            body.append(Row(tuple(Cell(s.text, str(s.place)) for s in row), section))
    if not body:
        raise ConvcostError(f"{rows[0][0].place.row}: the table has headings but no rows")
    return body


def is_number(text: str) -> bool:
    """Whether the text is one printed number."""
    try:
        parse(text)
    except ConvcostError:
        return False
    return True
