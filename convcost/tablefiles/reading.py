"""Read a user's own tables: CSV, TSV, Markdown, LaTeX or HTML, by the file's name.

The file must be regular, text in UTF-8 (or in UTF-16 with a byte-order mark) and no larger than the limit of
its format; the limits keep reading within two seconds and 200 MB. What does not fit ends in one
`ConvcostError` with the place, never in a table that was guessed.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from convcost.errors import ConvcostError, reported
from convcost.files import reading
from convcost.tablefiles.formats import csv_tables, html_tables, markdown_tables, tsv_tables
from convcost.tablefiles.grid import Found, Place, RawTable, assemble
from convcost.tablefiles.latex import latex_tables

Reader = Callable[[str, str], list[Found]]

_KIBI = 1024
READERS: dict[str, tuple[Reader, int]] = {  # and the largest file in bytes
    ".csv": (csv_tables, 2048 * _KIBI),
    ".tsv": (tsv_tables, 2048 * _KIBI),
    ".md": (markdown_tables, 128 * _KIBI),
    ".markdown": (markdown_tables, 128 * _KIBI),
    ".tex": (latex_tables, 2048 * _KIBI),
    ".html": (html_tables, 2048 * _KIBI),
    ".htm": (html_tables, 2048 * _KIBI),
}


def tables_in(path: str | Path) -> list[Found]:
    """The tables of a file in the order of their beginnings, each still to be read.

    Raises:
        ConvcostError: the file cannot be read, or there is no table in it.
        MissingExtraError: the parser for this format is not installed.
    """
    source = str(path)
    suffix = Path(path).suffix.lower()
    if suffix not in READERS:
        raise ConvcostError(f"{source}: a table is read from {', '.join(READERS)}, not from {suffix!r}")
    reader, limit = READERS[suffix]
    with reported(source):
        found = reader(_text(Path(path), limit), source)
    if not found:
        raise ConvcostError(f"{source}: no table in it")
    return found


def the_table(source: str, found: list[Found], number: int) -> Found:
    """One of a file's tables by its number, from 1. Raises ConvcostError if there is none."""
    if not 1 <= number <= len(found):
        raise ConvcostError(f"{source}: no table {number}, the file has {len(found)}")
    return found[number - 1]


def read_found(source: str, found: Found, header_rows: int | None = None) -> RawTable:
    """Read a table of a file; see `read_table`."""
    with reported(source):
        return assemble(source, found.read(), header_rows)


def read_table(path: str | Path, *, table: int | None = None, header_rows: int | None = None) -> RawTable:
    """Read one table of a file.

    Args:
        path: the file; its suffix names the format.
        table: which of its tables, counted from 1 in the order of their beginnings; needed if it has several.
        header_rows: how many rows of it are header, where the file does not say it or says it wrongly.

    Raises:
        ConvcostError: the file cannot be read, has no such table, or the table breaks a rule of `grid`.
        MissingExtraError: the parser for this format is not installed.
    """
    source, found = str(path), tables_in(path)
    if table is None and len(found) > 1:
        lines = ", ".join(str(one.place.line) for one in found[:8]) + ", ..." * (len(found) > 8)
        raise ConvcostError(f"{source}: {len(found)} tables (lines {lines}); choose one of them: --table N")
    return read_found(source, the_table(source, found, 1 if table is None else table), header_rows)


def _text(path: Path, limit: int) -> str:
    """The file's text with plain line ends."""
    data = reading.read(path, limit, f"a {path.suffix} file")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte {error.start} is not {encoding.removesuffix('-sig').upper()} text"
        raise ConvcostError(f"{Place(str(path), line)}: {what}") from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConvcostError(f"{Place(str(path), line)}: binary, not text")
    return text
