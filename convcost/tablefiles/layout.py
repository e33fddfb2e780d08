"""Columns out of positions: the rows of a text, or of a page, whose cells are known only by where they stand.

A column is where the body's cells overlap from row to row; between two of them no row may have any ink. What is not
certain is refused with its place: two numbers of a row that fall into one column.
A heading over several columns belongs to each of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.tablefiles.celltext import GAP, cell_text, plain
from convcost.tablefiles.grid import MAX_CELLS, MAX_COLUMNS, Grid, Place, Span, is_number, too_large

CONTINUES = "([+&/"
"""What begins no label, but goes on with one."""
VALUE = re.compile(r"[~<>≈]?[0-9][0-9.,]*(?:[KMGBT]|%|x|×)?|[-–—−]|N/A", re.IGNORECASE)
"""What stands in a column of numbers: a number with its unit, or a sign that there is none."""


class Piece(NamedTuple):
    """A run of words that stand together: where it begins and ends, its text with seams (see `celltext`), its place."""

    left: float
    right: float
    text: str
    place: Place


class Column(NamedTuple):
    """Where a column begins and ends."""

    left: float
    right: float

    def holds(self, piece: Piece) -> bool:
        """Whether some of a piece stands in it."""
        return piece.left < self.right and self.left < piece.right


def laid_out(
    place: Place,
    rows: Sequence[Sequence[Piece]],
    header: int | None,
    slack: float,
    known: Sequence[Column] = (),
) -> Grid:
    """The table of rows from top to bottom, each with its pieces from left to right.

    `header` is the number of header rows where a rule says it; a heading above others that belongs to one column begins
    or ends as that does, or stands over its middle, but for `slack`. `known` are the columns where rules part them.

    Raises ConvcostError where columns cannot be told apart.
    """
    if sum(map(len, rows)) > MAX_CELLS or max(map(len, rows)) > MAX_COLUMNS:
        raise too_large(place)
    body = rows[header or 1 :]
    columns = list(known) or columns_of([row for row in body if len(row) > 1])
    if len(columns) > MAX_COLUMNS:
        raise too_large(place)
    for row in reversed(rows[: header or 1]):  # a heading may be wider than its column, or that of empty cells
        for piece in row:
            if not known and len(held_by(columns, piece)) < 2:
                columns = _merged([*columns, Column(piece.left, piece.right)])
    for row in rows[: (header or 1) - 1] if not known else ():
        for piece in row:
            _require_sure(piece, columns, slack)
    width = len(columns)
    unsure = _unsure(body, columns)
    spans: list[list[Span]] = []
    for number, row in enumerate(rows):
        if spans and number >= (header or 1) and _continues(row, columns):
            first = spans[-1][0]
            spans[-1][0] = Span(f"{first.text} {plain(row[0].text)}", first.place, first.rows, first.cols)
        else:
            spans.append(_row(row, columns, unsure if number >= (header or 1) else None, width))
    return Grid(place, spans, header)


def _require_sure(piece: Piece, columns: Sequence[Column], slack: float) -> None:
    """Raise ConvcostError for a heading above others of which it is not clear over how many columns it stands."""
    held = [columns[number] for number in held_by(columns, piece)]
    ends = ((one.left - piece.left, one.right - piece.right) for one in held)
    if len(held) == 1 and not any(min(abs(a), abs(b), abs(a + b) / 2) <= slack for a, b in ends):
        raise ConvcostError(
            f"{piece.place}: it is not clear over which columns {plain(piece.text)!r} stands; save the table as CSV"
        )


def columns_of(rows: Sequence[Sequence[Piece]]) -> list[Column]:
    """What the pieces of rows cover, from left to right."""
    return _merged([Column(piece.left, piece.right) for row in rows for piece in row])


def _merged(columns: Sequence[Column]) -> list[Column]:
    """Columns that overlap are one."""
    found: list[Column] = []
    for column in sorted(columns):
        if found and column.left < found[-1].right:
            found[-1] = Column(found[-1].left, max(found[-1].right, column.right))
        else:
            found.append(column)
    return found


def held_by(columns: Sequence[Column], piece: Piece) -> list[int]:
    """The numbers of the columns in which a piece stands."""
    return [number for number, column in enumerate(columns) if column.holds(piece)]


def _continues(row: Sequence[Piece], columns: Sequence[Column]) -> bool:
    """Whether a row is the rest of the label above it: what begins no label, alone under the first column."""
    text = plain(row[0].text) if len(row) == 1 else ""
    return bool(text) and held_by(columns, row[0]) == [0] and (text[0] in CONTINUES or text[0].islower())


def _unsure(body: Sequence[Sequence[Piece]], columns: Sequence[Column]) -> set[int]:
    """The columns in which two numbers of one row stand: of none of their numbers it is clear where it belongs.

    Raises ConvcostError where no two columns are left.
    """
    unsure: set[int] = set()
    example: list[Piece] = []
    for row in body:
        numbers: dict[int, list[Piece]] = {}
        for piece in row:
            if (within := held_by(columns, piece)) and is_number(plain(piece.text)):
                numbers.setdefault(within[0], []).append(piece)
        for column, pieces in numbers.items():
            if len(pieces) > 1:
                unsure.add(column)
                example = example or pieces
    if example and len(columns) - len(unsure) < 2:
        both = " and ".join(repr(plain(piece.text)) for piece in example)
        raise ConvcostError(f"{example[0].place}: {both} stand in one column: it is not clear where columns part")
    return unsure


def _row(row: Sequence[Piece], columns: Sequence[Column], unsure: set[int] | None, width: int) -> list[Span]:
    """The cells of a row; `unsure` are the columns whose numbers are not clear, None of a row of headings."""
    held: list[list[Piece]] = [[] for _ in columns]
    over: dict[int, int] = {}
    for piece in row:
        within = held_by(columns, piece)
        if unsure is not None and len(row) == 1 and len(within) != 1:  # a heading between rows
            return [Span(cell_text(piece.text), piece.place, 1, width)]
        held[within[0]].append(piece)
        over[within[0]] = max(over.get(within[0], 1), len(within))
    spans = []
    number = 0
    while number < width:
        pieces = held[number]
        text = cell_text(GAP.join(piece.text for piece in pieces))
        if unsure and number in unsure and any(is_number(plain(piece.text)) for piece in pieces):
            text = f"{' and '.join(plain(piece.text) for piece in pieces)} in which column?"
        place = pieces[0].place if pieces else row[0].place.row
        cols = over.get(number, 1)
        spans.append(Span(text, place, 1, cols))
        number += cols
    return spans
