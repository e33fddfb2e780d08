"""Columns out of positions: the rows of a text, or of a page, whose cells are known only by where they stand.

A column is where the body's cells overlap from row to row; between two of them no row may have any ink. What is not
certain is refused with its place: two numbers of a row that fall into one column.
A heading over several columns belongs to each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.tablefiles.celltext import GAP, cell_text, plain
from convcost.tablefiles.grid import MAX_CELLS, MAX_COLUMNS, Grid, Place, Span, is_number, too_large

CONTINUES = "([+&/"
"""What begins no label, but goes on with one."""


class Piece(NamedTuple):
    """A run of words that stand together: where it begins and ends, its text with seams (see `celltext`), its place."""

    left: float
    right: float
    text: str
    place: Place


class _Column(NamedTuple):
    left: float
    right: float

    def holds(self, piece: Piece) -> bool:
        return piece.left < self.right and self.left < piece.right


def laid_out(place: Place, rows: Sequence[Sequence[Piece]], header: int | None, slack: float) -> Grid:
    """The table of rows from top to bottom, each with its pieces from left to right.

    `header` is the number of header rows where a rule says it; a heading above others that belongs to one column begins
    or ends as that does, or stands over its middle, but for `slack`.

    Raises ConvcostError where columns cannot be told apart.
    """
    if sum(map(len, rows)) > MAX_CELLS or max(map(len, rows)) > MAX_COLUMNS:
        raise too_large(place)
    body = rows[header or 1 :]
    columns = _columns([row for row in body if len(row) > 1])
    if len(columns) > MAX_COLUMNS:
        raise too_large(place)
    for row in reversed(rows[: header or 1]):  # a heading may be wider than its column, or that of empty cells
        for piece in row:
            if len(_held(columns, piece)) < 2:
                columns = _merged([*columns, _Column(piece.left, piece.right)])
    for row in rows[: (header or 1) - 1]:
        for piece in row:
            _require_sure(piece, columns, slack)
    width = len(columns)
    spans: list[list[Span]] = []
    for number, row in enumerate(rows):
        if spans and number >= (header or 1) and _continues(row, columns):
            first = spans[-1][0]
            spans[-1][0] = Span(f"{first.text} {plain(row[0].text)}", first.place, first.rows, first.cols)
        else:
            spans.append(_row(row, columns, is_body=number >= (header or 1), width=width))
    return Grid(place, spans, header)


def _require_sure(piece: Piece, columns: Sequence[_Column], slack: float) -> None:
    """Raise ConvcostError for a heading above others of which it is not clear over how many columns it stands."""
    held = [columns[number] for number in _held(columns, piece)]
    ends = ((one.left - piece.left, one.right - piece.right) for one in held)
    if len(held) == 1 and not any(min(abs(a), abs(b), abs(a + b) / 2) <= slack for a, b in ends):
        raise ConvcostError(
            f"{piece.place}: it is not clear over which columns {plain(piece.text)!r} stands; save the table as CSV"
        )


def _columns(rows: Sequence[Sequence[Piece]]) -> list[_Column]:
    return _merged([_Column(piece.left, piece.right) for row in rows for piece in row])


def _merged(columns: Sequence[_Column]) -> list[_Column]:
    """Columns that overlap are one."""
    found: list[_Column] = []
    for column in sorted(columns):
        if found and column.left < found[-1].right:
            found[-1] = _Column(found[-1].left, max(found[-1].right, column.right))
        else:
            found.append(column)
    return found


def _held(columns: Sequence[_Column], piece: Piece) -> list[int]:
    return [number for number, column in enumerate(columns) if column.holds(piece)]


def _continues(row: Sequence[Piece], columns: Sequence[_Column]) -> bool:
    """Whether a row is the rest of the label above it: what begins no label, alone under the first column."""
    text = plain(row[0].text) if len(row) == 1 else ""
    return bool(text) and _held(columns, row[0]) == [0] and (text[0] in CONTINUES or text[0].islower())


def _row(row: Sequence[Piece], columns: Sequence[_Column], *, is_body: bool, width: int) -> list[Span]:
    held: list[list[Piece]] = [[] for _ in columns]
    over: dict[int, int] = {}
    for piece in row:
        within = _held(columns, piece)
        if is_body and len(row) == 1 and len(within) > 1:  # a heading between rows
            return [Span(cell_text(piece.text), piece.place, 1, width)]
        held[within[0]].append(piece)
        over[within[0]] = max(over.get(within[0], 1), len(within))
    spans = []
    number = 0
    while number < width:
        pieces = held[number]
        if sum(is_number(plain(piece.text)) for piece in pieces) > 1:
            both = " and ".join(repr(plain(piece.text)) for piece in pieces)
            raise ConvcostError(f"{pieces[0].place}: {both} stand in one column: it is not clear where columns part")
        place = pieces[0].place if pieces else row[0].place.row
        cols = over.get(number, 1)
        spans.append(Span(cell_text(GAP.join(piece.text for piece in pieces)), place, 1, cols))
        number += cols
    return spans
