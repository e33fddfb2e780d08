"""The table that every command fills and every printer reads: exact values, and nothing about how
they look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple, TypeAlias

from convcost.errors import ConvcostError

Style: TypeAlias = Literal["good", "bad", "muted"]
Value: TypeAlias = str | int | Fraction | None

_LONGEST = 14_000
"""Bits of the longest number: Python prints none above 4,300 digits, and rounding needs a few to spare."""


class Mark(NamedTuple):
    """A verdict beside a value: its name for programs, its glyph for readers, and a colour that only repeats
    the glyph.
    """

    name: str
    glyph: str
    style: Style


HOLDS = Mark("holds", "✓", "good")
DIFFERS = Mark("differs", "✗", "bad")


class Cell(NamedTuple):
    """A value and what is said about it: a mark, a footnote (the printers number them; equal texts share a
    number), a style of its own where the mark's doesn't suit.
    """

    value: Value
    mark: Mark | None = None
    note: str = ""
    style: Style | None = None
    told: bool = False
    """Whether a section below the table says the note: then it is no footnote, and programs alone have it."""
    shown: str = ""
    """How readers see a number that is not asked for in full, where that is not as its column says."""


class Column(NamedTuple):
    """What one column holds, and how it gives way.

    A number is shown as its kind says: a `count` and `bytes` short or in full, a `percent` as 100 times the value with
    one decimal, a `ratio` with three significant digits, in a `text` column as it is. A text is shown as it
    stands, whatever the kind. On a narrow terminal the names in a column of `scopes` are shortened and the columns with
    `wrap` are broken into lines first; then columns are left out, the highest `drop` first (0 always stays), and the
    output names them.
    """

    key: str
    title: str
    kind: Literal["text", "count", "bytes", "percent", "ratio"] = "text"
    align: Literal["left", "right"] | None = None
    signed: bool = False
    wrap: bool = False
    drop: int = 0
    scopes: bool = False

    @property
    def right(self) -> bool:
        """Whether the cells stand at the right edge: as `align` says, else all kinds but text."""
        return self.kind != "text" if self.align is None else self.align == "right"

    @property
    def fields(self) -> tuple[str, str, str]:
        """What programs call the cell's value, mark and note."""
        return self.key, f"{self.key}_mark", f"{self.key}_note"


class Section(NamedTuple):
    """Remarks below the rows under a heading."""

    title: str
    lines: tuple[str, ...]


class Row(NamedTuple):
    """One cell per column. Sections (headings among the rows) and totals stand out, under a rule."""

    cells: tuple[Value | Cell, ...]
    kind: Literal["row", "section", "total"] = "row"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, what the numbers mean (network, input, unit, convention), columns, rows, and remarks below.

    Raises ConvcostError where there is no column, two fields would have one name, a row hasn't one cell per
    column, or a number is too long to print, and TypeError for a value that is neither a text nor exact (a
    float, a bool, a numpy integer).
    """

    title: str
    header: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    evidence: tuple[Mapping[str, object], ...] = ()
    """Records that only JSON has, of schema 2: what stands behind the rows."""
    sections: tuple[Section, ...] = ()
    """Remarks under headings, before the notes; those without lines are left out."""

    def __str__(self) -> str:
        from convcost.render import shown_here

        return shown_here(self)

    def __repr__(self) -> str:
        return f"<Table {self.title!r}: {len(self.rows)} rows, {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        from convcost.render import render

        return render(self, "html")

    def _repr_markdown_(self) -> str:
        from convcost.render import render

        return render(self, "markdown")

    def _repr_latex_(self) -> str:
        from convcost.render import render

        return render(self, "latex")

    def to_records(self) -> list[dict[str, int | str | None]]:
        """One dict a row, exact: ints, texts, fractions as "p/q"; what pandas, polars and Arrow take."""
        from convcost.render.data import records

        return records(self)

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConvcostError(f"table {self.title!r} has no columns")
        fields = [field for column in self.columns for field in column.fields]
        for names in ([*fields, "kind"], [name for name, _ in self.header]):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ConvcostError(f"table {self.title!r}: more than one field is called {twice[0]!r}")
        for number, row in enumerate(self.rows, 1):
            where = f"table {self.title!r}, row {number}"
            if len(row.cells) != len(self.columns):
                raise ConvcostError(f"{where}: {len(row.cells)} cells for {len(self.columns)} columns")
            for cell in row.cells:
                _check(cell.value if isinstance(cell, Cell) else cell, where)


def _check(value: object, where: str) -> None:
    if value is None or isinstance(value, str):
        return
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        raise TypeError(f"{where}: {value!r} is neither a text nor an exact number")
    if max(part.bit_length() for part in value.as_integer_ratio()) > _LONGEST:
        raise ConvcostError(f"{where}: a number of more than 4,200 digits cannot be printed")


def as_cell(cell: Value | Cell) -> Cell:
    """The cell; a bare value becomes one about which nothing is said."""
    return cell if isinstance(cell, Cell) else Cell(cell)
