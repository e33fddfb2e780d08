"""Read a user's own tables: CSV, TSV, Markdown, LaTeX, HTML, plain text or PDF, by the file's name.

A folder or an archive is a LaTeX project; "-" is standard input, whose kind is recognised. A file must be regular, text
in UTF-8 (or in UTF-16 with a byte-order mark) and no larger than the limit of its format; the limits keep reading one
table within two seconds and 200 MB, a PDF or an archive within 30 seconds and 500 MB. What does not fit ends in one
`ConvcostError` with the place, never in a table that was guessed.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from convcost.errors import ConvcostError, reported
from convcost.files import reading
from convcost.tablefiles.formats import csv_tables, html_tables, markdown_tables, tsv_tables
from convcost.tablefiles.grid import Found, Place, RawTable, assemble
from convcost.tablefiles.latex import latex_tables
from convcost.tablefiles.latexsource import Find, without_comments
from convcost.tablefiles.plaintext import text_tables

Reader = Callable[[str, str], list[Found]]

_KIBI = 1024
READERS: dict[str, tuple[Reader, int]] = {  # and the largest file in bytes
    ".csv": (csv_tables, 2048 * _KIBI),
    ".tsv": (tsv_tables, 2048 * _KIBI),
    ".md": (markdown_tables, 256 * _KIBI),
    ".markdown": (markdown_tables, 256 * _KIBI),
    ".tex": (latex_tables, 2048 * _KIBI),
    ".html": (html_tables, 2048 * _KIBI),
    ".htm": (html_tables, 2048 * _KIBI),
    ".txt": (text_tables, 128 * _KIBI),
}
"""The formats of text."""
ARCHIVES = (".zip", ".tar", ".tgz", ".gz")
MAX_BYTES = 20 * 1024 * _KIBI
"""Of a PDF, an archive, and all sources of a folder."""
STDIN = "-"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_SOURCES = (".tex", ".sty", ".ltx")
_MAX_SOURCES = 2_000
_EPRINT = re.compile(r"\.[0-9]{4,5}(?:v[0-9]+)?")  # arXiv calls a source 1512.03385, whatever is in it
_MAIN = re.compile(r"\\document(?:class|style)\b")


def tables_in(path: str | Path, *, pages: str | None = None) -> list[Found]:
    """The tables of a file in the order of their beginnings, each still to be read.

    Args:
        path: the file, a folder of LaTeX sources, or "-".
        pages: which pages of a PDF, such as "5" or "3-5,8"; all by default.

    Raises:
        ConvcostError: the file cannot be read, or there is no table in it.
        MissingExtraError: the parser for this format is not installed.
    """
    source, data, suffix = str(path), None, Path(path).suffix.lower()
    if source == STDIN:
        source, data = "stdin", _stdin()
        suffix = _recognised(data, source)
    elif _EPRINT.fullmatch(suffix) and Path(path).is_file():
        data = reading.read(Path(path), MAX_BYTES, "a source of arXiv")
        suffix = _recognised(data, source)
    if pages is not None and suffix != ".pdf":
        raise ConvcostError(f"{source}: only a PDF has pages")
    with reported(source):
        if suffix == ".pdf":
            from convcost.tablefiles.pdf import pdf_tables

            found = pdf_tables(reading.read(Path(path), MAX_BYTES, "a PDF") if data is None else data, source, pages)
        elif suffix in ARCHIVES:
            found = _archive_tables(reading.read(Path(path), MAX_BYTES, "an archive") if data is None else data, source)
        elif data is None and Path(path).is_dir() and suffix not in READERS:
            found = _project_tables(_folder(Path(path)), source)
        elif suffix not in READERS:
            known = ", ".join((*READERS, ".pdf", *ARCHIVES))
            raise ConvcostError(f"{source}: a table is read from {known}, not from {suffix!r}")
        else:
            reader, limit = READERS[suffix]
            text = _text(reading.read(Path(path), limit, f"a {suffix} file") if data is None else data, source)
            if reader is latex_tables and data is None:
                found = latex_tables(text, source, _beside(Path(path)))
            else:
                found = reader(text, source)
    if not found:
        how = "; in a text, cells stand between bars or tabs, or two blanks apart" if suffix == ".txt" else ""
        raise ConvcostError(f"{source}: no table in it{how}")
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


def _text(data: bytes, source: str) -> str:
    """The text of a file with plain line ends."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8-sig" and (text := _of_windows(data)):
            return text
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte {error.start} is not {encoding.removesuffix('-sig').upper()} text"
        raise ConvcostError(f"{Place(source, line)}: {what}") from None
    text = _plain_ends(text)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConvcostError(f"{Place(source, line)}: binary, not text")
    return text


def _of_windows(data: bytes) -> str:
    """The text of a file as Excel writes CSV in the west, Latin-1 and a little more; "" of what is no text.

    Digits and units are the same bytes as in UTF-8; of a file in another encoding only letters beyond ASCII are wrong.
    """
    if _CONTROL.search(data):
        return ""
    try:
        return _plain_ends(data.decode("cp1252"))
    except UnicodeDecodeError:
        return ""


def _plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# -- standard input ----------------------------------------------------------------------------------------------------


def _stdin() -> bytes:
    import sys

    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConvcostError(f"stdin: larger than {MAX_BYTES:,} bytes, the most that is read")
    return data


def _recognised(data: bytes, source: str) -> str:
    """The suffix that a file of this content would have."""
    for suffix, begin in ((".pdf", b"%PDF-"), (".zip", b"PK\x03\x04"), (".gz", b"\x1f\x8b")):
        if data.startswith(begin):
            return suffix
    if data[257:262] == b"ustar":
        return ".tar"
    for suffix, mark in ((".tex", rb"\\begin\s*\{(?:tabular|longtable)"), (".html", rb"<table[\s>]")):
        if re.search(mark, data, re.IGNORECASE):
            limit = READERS[suffix][1]
            break
    else:
        suffix, limit = ".txt", READERS[".txt"][1]
    if len(data) > limit:
        raise ConvcostError(f"{source}: larger than {limit:,} bytes, the most that is read of a {suffix} file")
    return suffix


# -- LaTeX projects ----------------------------------------------------------------------------------------------------


def _beside(path: Path) -> Find:
    """The sources that one may input: those in its folder or below it, links followed only where they stay there."""
    root = Path(os.path.realpath(path.parent))

    @cache
    def find(name: str) -> tuple[str, str] | None:
        for spelled in (name, f"{name}.tex"):
            inner = Path(os.path.realpath(root / spelled))
            if inner.suffix.lower() in _SOURCES and inner.is_relative_to(root) and inner.is_file():
                shown = str(path.parent / spelled)
                return shown, _text(reading.read(inner, READERS[".tex"][1], "a LaTeX source"), shown)
        return None

    return find


def _folder(path: Path) -> dict[str, bytes]:
    """The LaTeX sources of a folder and those below it, by their paths within it."""
    found: dict[str, bytes] = {}
    left = MAX_BYTES
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            inner = Path(folder, name)
            if inner.suffix.lower() not in _SOURCES or inner.is_symlink():
                continue
            data = reading.read(inner, READERS[".tex"][1], "a LaTeX source")
            found[inner.relative_to(path).as_posix()] = data
            left -= len(data)
            if left < 0 or len(found) > _MAX_SOURCES:
                limits = f"{MAX_BYTES:,} bytes and {_MAX_SOURCES:,} files"
                raise ConvcostError(f"{path}: its LaTeX sources are more than {limits}, the most that is read")
    return found


def _archive_tables(data: bytes, source: str) -> list[Found]:
    from convcost.files.archives import members

    return _project_tables(members(data, source, lambda name: name.lower().endswith(_SOURCES)), source)


def _project_tables(sources: Mapping[str, bytes], source: str) -> list[Found]:
    """The tables of LaTeX sources: of each main file with what it inputs; without a main file, of each file."""
    if not any(name.lower().endswith(_SOURCES) for name in sources):
        raise ConvcostError(f"{source}: no LaTeX source in it; name the file that has the table")
    texts: dict[str, str] = {}

    def text_of(name: str) -> str:
        if name not in texts:
            texts[name] = _text(sources[name], f"{source}/{name}")
        return texts[name]

    def find(name: str) -> tuple[str, str] | None:
        spelled = next((one for one in (name, f"{name}.tex") if one in sources), None)
        return (f"{source}/{spelled}", text_of(spelled)) if spelled else None

    names = [name for name in sorted(sources) if not name.lower().endswith(".sty")]
    mains = [name for name in names if _MAIN.search(without_comments(text_of(name)))]
    return list(_once(one for main in mains or names for one in latex_tables(text_of(main), f"{source}/{main}", find)))


def _once(tables: Iterator[Found]) -> Iterator[Found]:
    """The tables without those that two main files have both."""
    seen: set[Place] = set()
    for one in tables:
        if one.place not in seen:
            seen.add(one.place)
            yield one
