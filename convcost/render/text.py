"""What the printers for readers share: a cell's text, its footnote, and the spelling of what an encoding
lacks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from convcost.errors import one_line
from convcost.render.numbers import in_bytes, in_full, percent, plain, short
from convcost.render.table import Cell, Column, Style, Table, as_cell


class Shown(NamedTuple):
    """A cell as a reader sees it: the value, and behind it its glyph and footnote number."""

    value: str
    suffix: str
    style: Style | None
    text: bool
    """Whether it is a text, and no number."""

    def __str__(self) -> str:
        return self.value + self.suffix


class Heading(str):
    """A line below a table that is the heading of those that follow."""

    __slots__ = ()


def readable(table: Table, *, exact: bool) -> tuple[list[list[Shown]], list[str]]:
    """The cells row by row, and the lines below the table: its sections, its notes, then the numbered footnotes of the
    cells. Where there are sections, the notes have a `Heading`, too.
    """
    numbers: dict[str, str] = {}

    def shown(cell: Cell, column: Column) -> Shown:
        suffix = f" {cell.mark.glyph}" if cell.mark else ""
        if cell.note and not cell.told:
            suffix += numbers.setdefault(one_line(cell.note), str(len(numbers) + 1).translate(_RAISED))
        style = cell.style or (cell.mark.style if cell.mark else None)
        return Shown(_value(cell, column, exact), suffix, style, isinstance(cell.value, str))

    grid = [
        [shown(as_cell(cell), column) for cell, column in zip(row.cells, table.columns, strict=True)]
        for row in table.rows
    ]
    below: list[str] = []
    for section in table.sections:
        if section.lines:
            below += [Heading(one_line(section.title)), *map(one_line, section.lines)]
    notes = [*filter(None, map(one_line, table.notes)), *(f"{number} {note}" for note, number in numbers.items())]
    return grid, [*below, *([Heading("Notes")] if below and notes else []), *notes]


def _value(cell: Cell, column: Column, exact: bool) -> str:
    value = cell.value
    if value is None or isinstance(value, str):
        return one_line(value or "")
    if cell.shown and not exact:
        return one_line(cell.shown)
    plus = "+" if column.signed and value > 0 else ""
    match column.kind:
        case "count":
            return plus + (in_full(value) if exact else short(value))
        case "percent":
            return plus + percent(value)
        case "ratio":
            return plus + short(value) + "×"
        case "bytes":
            return plus + in_bytes(value, exact=exact)
        case "text":
            return plus + plain(value)


_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SUPERSCRIPT = "[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+"
_ASCII = str.maketrans(
    dict(zip("✓✗×·−–—─", "+xx*----", strict=True)) | {"…": "...", "≈": "~", "≠": "!=", "≤": "<=", "≥": ">=", "→": "->"}
)


def superscripts(text: str, spelling: str) -> str:
    """The text with each run of superscript digits in another spelling, such as "^{}"."""
    return re.sub(_SUPERSCRIPT, lambda run: spelling.format(run[0].translate(_LOWERED)), text)


def encodable(text: str, encoding: str) -> str:
    """The text, with what the encoding lacks spelled in ASCII."""

    def spelled(run: re.Match[str]) -> str:
        if _encodes(run[0], encoding):
            return run[0]
        return superscripts(run[0], "^{}").translate(_ASCII).encode("ascii", "replace").decode()

    return text if _encodes(text, encoding) else re.sub(rf"{_SUPERSCRIPT}|[^\x00-\x7f]", spelled, text)


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
