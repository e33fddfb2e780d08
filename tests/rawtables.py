"""Reading a user's table from a text, as the tests of its readers do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from convcost.tablefiles.grid import RawTable
from convcost.tablefiles.reading import read_table

TABULAR = r"\begin{tabular}{ll}%s\end{tabular}"
TABLES = Path(__file__).parent / "data" / "tables"


def read(tmp_path: Path, suffix: str, text: str | bytes, **choice: Any) -> RawTable:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path, **choice)


def texts(table: RawTable) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def places(table: RawTable) -> list[list[str]]:
    return [[cell.place.partition(":")[2] for cell in row.cells] for row in table.rows]
