"""A published table in its own columns and rows, each printed count beside or below the computed one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Literal

from convcost.counters.rules import rule
from convcost.published.quotients import OF
from convcost.published.tables import COUNTS, TOTAL, Checked, PublishedTable
from convcost.published.tables import Cell as PrintedCell
from convcost.published.tables import Column as PrintedColumn
from convcost.render.numbers import in_full
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Mark, Row, Table, Value
from convcost.views.header import header, unit


def listing(found: Iterable[PublishedTable]) -> Table:
    """The tables that can be shown: what each is about, and where it was printed."""
    columns = (
        Column("table", "table"),
        Column("about", "about"),
        Column("source", "source", wrap=True),
    )
    rows = []
    for table in found:
        first, *others = dict.fromkeys(re.split("[@ ]", reference)[0] for reference in table.references)
        about = f"{first} and {len(others)} more" if others else first
        rows.append(Row((table.name, about, table.source)))
    return Table("Published tables", header(), columns, tuple(rows), ("convcost table NAME shows one.",))


def published(checked: Checked) -> Table:
    """A published table in its own columns and rows, each printed count beside or below the computed one."""
    table = checked.table
    cells = {(id(cell.row), cell.column.title): cell for cell in checked.cells}
    columns = [Column("scope", "scope", drop=99)]
    for number, column in enumerate(table.columns):
        # What is checked stays on the narrowest terminal; what is only printed gives way, from the middle columns on.
        text = column.quantity.name == "text"
        drop = len(table.columns) - number if text and number and not column.network else 0
        kind: Literal["count", "text"] = "count" if column.network else "text"
        columns.append(Column(column.title, column.title, kind, align="left", wrap=text, drop=drop))
        if column.quantity.name in COUNTS:
            columns.append(Column(f"{column.title} computed", "computed", "count"))
    rows = []
    for row in table.rows:
        found = [cells.get((id(row), column.title)) for column in table.columns]
        rows.append(
            Row((row.lead, *_flat(_printed(*each) for each in zip(table.columns, row.cells, found, strict=True))))
        )
        if any(cell is not None and cell.column.network for cell in found):
            below = _flat(_below(*each) for each in zip(table.columns, found, strict=True))
            rows.append(Row(("", *_labelled(table, "computed", below))))
    rows += _published_totals(checked)
    above = header(
        checked.networks,
        unit(*(rule(reading.measure) for reading in table.convention.values())),
        ("convention", "; ".join(f"{name} are read as {reading}" for name, reading in table.convention.items())),
        source=table.source,
    )
    failing = [cell for cell in cells.values() if not cell.holds]
    verdict = f"{len(cells) - len(failing)} of {len(cells)} checked cells hold"
    notes = tuple(note for note in (verdict, _sums(checked), table.notes) if note)
    return Table(table.title, above, tuple(columns), tuple(rows), notes)


def _printed(column: PrintedColumn, text: str, cell: PrintedCell | None) -> list[Value | Cell]:
    """A cell as printed: with its verdict if it is a size, in a counting column with the computed count beside it."""
    if cell is not None and cell.printed is None:
        return [Cell(text, _mark(cell), "" if cell.holds else f"computed {cell.spelt}")]
    beside = column.quantity.name in COUNTS
    return [text, None if cell is None else _computed(cell)] if beside else [text]


def _below(column: PrintedColumn, cell: PrintedCell | None) -> list[Value | Cell]:
    """The computed count below what a network's column prints."""
    value = _computed(cell) if cell is not None and column.network else None
    return [value, None] if column.quantity.name in COUNTS else [value]


def _flat(parts: Iterable[list[Value | Cell]]) -> tuple[Value | Cell, ...]:
    return tuple(value for part in parts for value in part)


def _mark(cell: PrintedCell) -> Mark:
    return HOLDS if cell.holds else DIFFERS


def _computed(cell: PrintedCell) -> Cell:
    value = cell.reading.value(cell.computed) if cell.reading else cell.computed
    return Cell(value, _mark(cell), "" if cell.holds else _difference(cell), shown=cell.spelt)


def _difference(cell: PrintedCell) -> str:
    difference = cell.difference
    if difference is None or difference == cell.computed:
        return ""
    percent = 100 * difference / (cell.computed - difference)
    tenths = round(percent * 10)
    sign = "-" if difference < 0 else "+"
    amount = abs(difference)
    told = in_full(amount) if cell.reading is None or cell.reading.one == 1 else cell.reading.told(int(amount))
    return f"{sign}{told} ({sign}{abs(tenths) // 10}.{abs(tenths) % 10} %)"


def _published_totals(checked: Checked) -> list[Row]:
    """The whole network's counts in the counting columns, if the table is about scopes of one network."""
    table = checked.table
    if not table.network or not any(column.quantity.name in COUNTS for column in table.columns):
        return []
    if any(row.lead == TOTAL for row in table.rows) or any(column.quantity.name in OF for column in table.columns):
        return []
    ((_, cost),) = checked.networks
    values: list[Value | Cell] = []
    for column in table.columns:
        values.append(None)
        if column.quantity.name in COUNTS:
            values.append(rule(table.convention[column.quantity.name].measure).of(cost.total))
    return [Row((TOTAL, *_labelled(table, TOTAL, values)), "total")]


def _labelled(table: PublishedTable, label: str, cells: Sequence[Value | Cell]) -> tuple[Value | Cell, ...]:
    """A row that convcost adds, named in the first column if that is free: the scopes are not on every terminal."""
    free = table.columns[0].quantity.name == "text" and not table.columns[0].network
    return (label, *cells[1:]) if free else tuple(cells)


def _sums(checked: Checked) -> str:
    """What the printed cells of each counting column add up to, which is often the total that is quoted."""
    sums: dict[str, Fraction] = {}
    told: dict[str, Callable[[int], str]] = {}
    for cell in checked.cells:
        if checked.table.network and cell.column.quantity.name in COUNTS and cell.row.lead != TOTAL:
            sums[cell.column.title] = sums.get(cell.column.title, Fraction(0)) + cell.printed_value
            if cell.reading and cell.reading.one != 1:
                told[cell.column.title] = cell.reading.told
    return "; ".join(
        f"the printed {title} add up to {told.get(title, '{:,}'.format)(int(value))}" for title, value in sums.items()
    )
