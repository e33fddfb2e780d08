"""CSV and JSON, in the fields that `convcost.render` documents: integers exact, and in JSON every fraction, too."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from fractions import Fraction

from convcost.files.csvtext import guarded
from convcost.render.numbers import plain
from convcost.render.table import Column, Table, Value, as_cell

SCHEMA = 1
WITH_EVIDENCE = 2


def as_csv(table: Table) -> str:
    """RFC 4180: a line of field names, a line per row; fractions are decimals, and no text is a formula."""
    fields, rows = _records(table, plain)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(map(guarded, fields))
    writer.writerows([guarded(value) if isinstance(value, str) else value for value in row] for row in rows)
    return out.getvalue()


def as_json(table: Table) -> str:
    """One object, schema 1, or 2 with evidence. ASCII, so that no encoding on the way can change it."""
    document = {
        "schema": WITH_EVIDENCE if table.evidence else SCHEMA,
        "title": table.title,
        "header": dict(table.header),
        "columns": [{"key": column.key, "title": column.title, "kind": column.kind} for column in table.columns],
        "rows": records(table),
        "notes": [*(f"{part.title}: {line}" for part in table.sections for line in part.lines), *table.notes],
        **({"evidence": table.evidence} if table.evidence else {}),
    }
    return json.dumps(document, indent=2) + "\n"


def records(table: Table) -> list[dict[str, str | int | None]]:
    """One dict a row, in the fields that JSON has."""
    fields, rows = _records(table, str)
    return [dict(zip(fields, row, strict=True)) for row in rows]


def _records(table: Table, say: Callable[[int | Fraction], str]) -> tuple[list[str], list[list[str | int | None]]]:
    """The field names, and each row's values in that order, fractions as `say` has them. Marks and notes have a field
    where any cell has one.
    """
    fields: list[str] = []
    values: list[list[str | int | None]] = []  # by field
    for i, column in enumerate(table.columns):
        cells = [as_cell(row.cells[i]) for row in table.rows]
        key, mark, note = column.fields
        fields.append(key)
        values.append([_said(cell.value, column, say) for cell in cells])
        if any(cell.mark for cell in cells):
            fields.append(mark)
            values.append([cell.mark.name if cell.mark else None for cell in cells])
        if any(cell.note for cell in cells):
            fields.append(note)
            values.append([cell.note or None for cell in cells])
    fields.append("kind")
    values.append([row.kind for row in table.rows])
    return fields, [list(record) for record in zip(*values, strict=True)]


def _said(value: Value, column: Column, say: Callable[[int | Fraction], str]) -> str | int | None:
    """A fraction as text, and so every number of a column of fractions: a field has one type."""
    if isinstance(value, Fraction) or (isinstance(value, int) and column.kind in {"percent", "ratio"}):
        return say(value)
    return value
