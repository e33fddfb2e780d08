"""PDFs as papers are: two columns of words, tables with booktabs' rules or with all of them, exponents and marks.

A cell is a text, or a list of texts of which every second one is raised and smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fpdf import FPDF

Cell = str | Sequence[str]
LEFT, RIGHT, WIDTH = 12.0, 110.0, 88.0  # of the two columns of a page, in mm
SIZE = 8.0


class Paper:
    """A page of two columns, which tables and words fill from above."""

    def __init__(self, **options: Any) -> None:
        self.pdf = FPDF(**options)
        self.page()

    def page(self) -> None:
        self.pdf.add_page()
        self.y = {LEFT: 20.0, RIGHT: 20.0}

    def words(self, column: float, text: str, lines: int = 1, size: float = SIZE) -> None:
        for _ in range(lines):
            self.pdf.set_font("Helvetica", size=size)
            self.pdf.text(column, self.y[column], text)
            self.y[column] += 4

    def table(
        self,
        column: float,
        rows: Sequence[Sequence[Cell]],
        *,
        widths: Sequence[float] | None = None,
        header: int = 1,
        ruled: bool = False,
        over: Sequence[tuple[int, int, str]] = (),
        size: float = SIZE,
    ) -> None:
        """Rows under booktabs' three rules, or with all lines; `over` are headings (first, last column, text) above."""
        widths = widths or [WIDTH / len(rows[0])] * len(rows[0])
        whole, top = sum(widths), self.y[column]
        lines = ([None] if over else []) + list(rows)
        header += bool(over)
        self._rule(column, top, whole, 0.3)
        for number, row in enumerate(lines):
            y = top + 4.2 * (number + 1)
            left = column
            for place, width in enumerate(widths):
                if row is not None:
                    self._cell(left + 1, y - 1.3, row[place], size)
                left += width
            for first, last, text in over if row is None else ():
                begin, end = column + sum(widths[:first]), column + sum(widths[: last + 1])
                self.pdf.set_font("Helvetica", size=size)
                self.pdf.text(begin + (end - begin - self.pdf.get_string_width(text)) / 2, y - 1.3, text)
                self._rule(begin + 1, y, end - begin - 2, 0.12)
            if ruled or number == header - 1:
                self._rule(column, y, whole, 0.18)
        bottom = top + 4.2 * len(lines)
        self._rule(column, bottom, whole, 0.3)
        if ruled:
            for place in range(len(widths) + 1):
                left = column + sum(widths[:place])
                self.pdf.line(left, top, left, bottom)
        self.y[column] = bottom + 6

    def _rule(self, left: float, y: float, width: float, thickness: float) -> None:
        self.pdf.set_line_width(thickness)
        self.pdf.line(left, y, left + width, y)

    def _cell(self, left: float, y: float, cell: Cell, size: float) -> None:
        for number, part in enumerate([cell] if isinstance(cell, str) else cell):
            raised = number % 2
            self.pdf.set_font("Helvetica", size=size * (0.65 if raised else 1))
            self.pdf.text(left, y - 0.14 * size * raised, part)
            left += self.pdf.get_string_width(part)

    def bytes(self) -> bytes:
        return bytes(self.pdf.output())
