"""Tables in plain text: cells between bars, between tabs, or aligned in columns by blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from convcost.tablefiles.celltext import GAP, cell_text
from convcost.tablefiles.formats import MAX_TABLES, csv_tables, markdown_tables
from convcost.tablefiles.grid import Found, Grid, Place, Span, cut
from convcost.tablefiles.layout import CONTINUES, VALUE, Piece, laid_out

_BAR = re.compile("[|│┃║]")
_RULE = re.compile(r"[\s|│┃║+\-=_─━═┄┈┌┬┐├┼┤└┴┘┏┳┓┡╇┩╔╦╗╠╬╣╚╩╝╞╪╡╪┠╂┨┝┿┥╟╫╢]*")
_DELIMITERS = re.compile(r"\s{0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_TAB = re.compile("\t")
_PIECE = re.compile(r"\S+(?:[ \xa0]\S+)*")
_CAPTION = re.compile(r"\s*(?:Table|Tab\.|Figure|Fig\.)\s*[0-9IVX]+\s*[.:]", re.IGNORECASE)

_MARK = re.compile(r"\[[0-9,;–-]+\]|[*†‡§]+")
_TITLE = re.compile(r"\S+(?:[ \xa0][(\[][^()\[\]]*[)\]])*")
Line = tuple[int, str]


def text_tables(text: str, source: str) -> list[Found]:
    """The tables of a text: blocks of lines that have something to separate them into cells."""
    lines = text.split("\n")
    if any("|" in line and _DELIMITERS.fullmatch(line) for line in lines):
        return markdown_tables(text, source)
    if found := _comma_separated(text, source):
        return found
    tables: list[Found] = []
    for block in _blocks(lines):
        written = [line for line in block if not _RULE.fullmatch(line[1])]
        for reader, seen in ((_barred, _BAR.search), (_tabbed, _TAB.search), (_aligned, _gap)):
            parted = [line for line in written if seen(line[1].strip())]
            if len(parted) > 1 and 2 * len(parted) > len(written):
                tables.append(Found(Place(source, parted[0][0]), partial(reader, source, _of_table(block, parted))))
                break
        else:
            tables += _spaced(block, source)
        if len(tables) > MAX_TABLES:
            break
    return tables


def _comma_separated(text: str, source: str) -> list[Found]:
    """The one table of a text all of whose lines have as many commas, or semicolons."""
    lines = [line for line in text.split("\n") if line.strip()]
    for separator in ",;":
        counts = {line.count(separator) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and counts != {0} and not any(map(_gap, lines)):
            return csv_tables(text, source)
    return []


def _gap(text: str) -> re.Match[str] | None:
    return re.search(r"\S\s{2,}\S", text)


def _blocks(lines: list[str]) -> Iterator[list[Line]]:
    """The runs of lines without an empty one between them, and without captions."""
    block: list[Line] = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not _CAPTION.match(line):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _of_table(block: list[Line], parted: list[Line]) -> list[Line]:
    """The lines of a block from its first with cells to its last, and indented headings above: others are a caption."""
    first, last = parted[0][0], parted[-1][0]
    for number, line in block:
        if number == last + 1 and line.lstrip()[0] in CONTINUES:
            last = number
    for number, line in reversed(block):
        if number == first - 1 and (line.startswith("  ") or _RULE.fullmatch(line)):
            first = number
    return [line for line in block if first <= line[0] <= last]


def _ruled(source: str, lines: list[Line]) -> Iterator[tuple[Place, str, bool]]:
    """The lines with text, each with its place and whether a rule follows it."""
    for (number, line), (_, following) in zip(lines, [*lines[1:], (0, "x")], strict=True):
        if not _RULE.fullmatch(line):
            yield Place(source, number), line, _RULE.fullmatch(following) is not None


def _separated(source: str, lines: list[Line], separator: re.Pattern[str]) -> Grid:
    rows: list[list[Span]] = []
    header = 0
    for place, line, ruled in _ruled(source, lines):
        begin, end = _inner(line) if separator is _BAR else (0, len(line))
        row = []
        for text in separator.split(line[begin:end]):
            row.append(_span(text, place._replace(column=begin + len(text) - len(text.lstrip()) + 1)))
            begin += len(text) + 1
        rows.append(row)
        header = header or ruled * len(rows)
    return Grid(Place(source, lines[0][0]), rows, header if header < len(rows) else None)


def _inner(line: str) -> tuple[int, int]:
    """Where a line with bars begins and ends, without those around it."""
    begin, end = len(line) - len(line.lstrip()), len(line.rstrip())
    begin += _BAR.match(line, begin) is not None
    return begin, end - (end > begin and _BAR.match(line, end - 1) is not None)


def _span(text: str, place: Place) -> Span:
    return Span(cell_text(re.sub(r"\s{2,}", GAP, cut(text.strip()))), place)


def _spaced(block: list[Line], source: str) -> Iterator[Found]:
    """The table of a block whose columns are one blank apart, as a viewer of PDFs copies them, if it is one.

    Its first line has a title a word, perhaps with a unit in brackets; of half of the others the last words are as many
    values, and what is before them is a name.
    """
    titles = [title[0] for title in _TITLE.finditer(block[0][1])]
    values = len(titles) - 1
    if values < 2 or any(map(VALUE.fullmatch, titles)) or len(block) < 3:
        return
    rows = [(number, _values(line, values)) for number, line in block[1:]]
    if 2 * sum(VALUE.fullmatch(row[-1]) is not None for _, row in rows) >= max(len(rows), 4):
        lines = [(block[0][0], "\t".join(titles)), *((number, "\t".join(row)) for number, row in rows)]
        yield Found(Place(source, block[0][0]), partial(_tabbed, source, lines))


def _values(line: str, count: int) -> list[str]:
    """The name and the values that a line ends with; where these are not as many, cells of which none is a number.

    What ends with no value is a line of text.
    """
    words = line.split()
    while len(words) > 1 and _MARK.fullmatch(words[-1]):
        words.pop()
    last = words[-count:]
    if len(words) > count and all(map(VALUE.fullmatch, last)) and not VALUE.fullmatch(words[0]):
        return [" ".join(words[:-count]), *last]
    first = len(words)
    while first and VALUE.fullmatch(words[first - 1]):
        first -= 1
    unsure = f"{' '.join(words[first:])} in which column?" if words[first:] else ""
    return [" ".join(words[:first]), *[unsure] * count]


def _barred(source: str, lines: list[Line]) -> Grid:
    return _separated(source, lines, _BAR)


def _tabbed(source: str, lines: list[Line]) -> Grid:
    return _separated(source, lines, _TAB)


def _aligned(source: str, lines: list[Line]) -> Grid:
    rows: list[list[Piece]] = []
    header = 0
    for place, line, ruled in _ruled(source, lines):
        row = []
        for piece in _PIECE.finditer(line.replace("\t", "        ")):
            here = place._replace(column=piece.start() + 1)
            row.append(Piece(piece.start(), piece.end(), cut(piece[0]), here))
        rows.append(row)
        header = header or ruled * len(rows)
    return laid_out(Place(source, lines[0][0]), rows, header if header < len(rows) else None, slack=2)
