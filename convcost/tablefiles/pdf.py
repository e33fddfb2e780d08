"""Tables in a PDF: its regions with aligned cells, laid out in columns, and joined where one goes on over pages.

A page has words and lines, no cells: `pdfregions` says where tables are, `pdflines` what their cells are, `layout` what
their columns are. What stands between two rules, where all is ruled so, is one row; a name that stands beside the
middle of several rows is the name of each. A smaller or raised word beside another is a mark or an exponent, and no
digit of the number that it stands by (see `celltext`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from time import monotonic

from convcost.errors import ConvcostError
from convcost.tablefiles.celltext import GAP, plain
from convcost.tablefiles.formats import MAX_TABLES
from convcost.tablefiles.grid import Found, Grid, Place, is_number
from convcost.tablefiles.layout import VALUE, Column, Piece, columns_of, held_by, laid_out
from convcost.tablefiles.pdflines import Line, headings_parted, parted, parted_by_strips, parted_over, piece
from convcost.tablefiles.pdfpages import Page, Rule, read
from convcost.tablefiles.pdfregions import Region, joined, regions

_PAGES = re.compile(r"([1-9][0-9]{0,4})(?:\s*[-–]\s*([1-9][0-9]{0,4}))?")
_SLACK = 4.0  # points by which a heading may be beside the middle of its column
_HALF = 0.85  # of the letters' size: nearer lines are not two rows, but a name and the row beside it
_ONE_RULE = 2.0  # points by which the pieces of one vertical rule may differ
_LEAST_RULED = 3  # columns between vertical rules
_SECONDS = 5  # to find the tables of all pages
_MAX_WORDS, _MAX_RULES = 10_000, 4_000  # of a page: time grows with their product

Row = list[Piece]
Band = list[tuple[Line, Row]]
"""The lines between two rules."""


def pdf_tables(data: bytes, source: str, pages: str | None = None) -> list[Found]:
    """The tables of a PDF, page by page from its top; `pages` as in `tables_in`.

    Raises:
        ConvcostError: what `pdfpages.read` refuses, pages without words, as a scan has, or without a table.
        MissingExtraError: pypdfium2 is not installed.
    """
    whole = read(data, source, _ranges(pages) if pages is not None else [])
    read_pages = whole.pages
    if not any(page.written for page in read_pages):
        scanned = any(page.pictures for page in read_pages)
        why = (
            "its pages are pictures, as of a scan: make its text readable (OCR)" if scanned else "no words on its pages"
        )
        raise ConvcostError(f"{source}: {why}, or type the table as CSV")
    wholes, left = _whole_tables(read_pages, source, monotonic() + _SECONDS)
    found = [
        Found(where, partial(_grid, one, where) if isinstance(one, Region) else partial(_refuse, where, one))
        for where, one in wholes
    ]
    if left := left or whole.left:
        where = Place(f"{source} page {left}", 1)
        why = "there was no time for this page and those after it; choose pages with --pages"
        found.append(Found(where, partial(_refuse, where, why)))
    if not found:
        raise ConvcostError(
            f"{source}: no table with rules, or with numbers under headings; paste one as text: convcost audit -"
        )
    return found[:MAX_TABLES]


def _whole_tables(pages: Sequence[Page], source: str, until: float) -> tuple[list[tuple[Place, Region | str]], int]:
    """The tables of pages with their places, those that go on over pages joined; of a page that is refused the reason.

    And the number of the first page for which there was no time, 0 if there was.
    """
    found: list[tuple[Place, Region | str]] = []
    last: tuple[Page, Region] | None = None  # what may go on with the next page
    for page in pages:
        if monotonic() > until:
            return found, page.number
        where = Place(f"{source} page {page.number}", 1)
        try:
            here = [_placed(region, where) for region in _regions(page)]
        except ConvcostError as error:
            found.append((where, str(error)))
            last = None
            continue
        if last and here and page.number == last[0].number + 1:
            begun, above = found[-1]
            both = joined(above, last, here[0], page) if isinstance(above, Region) else None
            if both:
                found[-1] = begun, both
                last = page, here.pop(0)
            else:
                last = None
        titled = [region for region in here if region.titled]
        found += [(where, region) for region in titled]
        if here:
            last = (page, here[-1]) if titled and here[-1] is titled[-1] else None
    return found, 0


def _regions(page: Page) -> list[Region]:
    if len(page.words) > _MAX_WORDS or len(page.across) + len(page.down) > _MAX_RULES:
        raise ConvcostError(f"more than {_MAX_WORDS:,} words or {_MAX_RULES:,} rules, more than a table has")
    return regions(page)


def _placed(region: Region, where: Place) -> Region:
    """A region whose lines know their places, counted from its first."""
    lines = [line._replace(place=where._replace(line=number)) for number, line in enumerate(region.lines, 1)]
    return replace(region, lines=lines)


def _refuse(place: Place, why: str) -> Grid:
    raise ConvcostError(f"{place}: {why}")


def _ranges(text: str) -> list[tuple[int, int]]:
    """Pages as one says them: 5, 3-5, 3-5,8."""
    ranges = []
    for part in text.split(","):
        found = _PAGES.fullmatch(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise ConvcostError(f"--pages {text}: write pages such as 5, 3-5 or 3-5,8")
        ranges.append((first, last))
    return ranges


def _grid(region: Region, place: Place) -> Grid:
    """The table of a region, its columns told apart."""
    if region.header == 0:
        raise ConvcostError(f"{place}: a table without headings over its columns of numbers; save it as CSV")
    lines = region.lines
    header = region.header or 1
    rows = [parted(line, region.down) for line in lines]
    for number, (line, following) in enumerate(pairwise(lines[: header + 1])):
        between = [rule for rule in region.short if line.middle < rule.top < following.middle]
        rows[number] = parted_over(rows[number], between)
    rows = parted_by_strips(rows, header)
    rows = [*headings_parted(rows[:header], rows[header:]), *rows[header:]]
    laid = [[piece(part, line.middle, line.place) for part in row] for line, row in zip(lines, rows, strict=True)]
    for number, (line, following) in enumerate(pairwise(lines[: header + 1])):
        between = [rule for rule in region.short if line.middle < rule.top < following.middle]
        laid[number] = [_over(one, between) for one in laid[number]]
    columns = _between_rules(region, laid[header - 1 :])
    if columns:
        laid = [_gathered(row, columns) for row in laid]
    body = _rows(lines[header:], laid[header:], region.across, columns)
    return laid_out(place, [*laid[:header], *body], region.header, _SLACK, columns)


def _between_rules(region: Region, rows: Sequence[Row]) -> list[Column]:
    """The columns between vertical rules, [] if some of them hold more: two headings, or two numbers of a row."""
    left, right, top, bottom = region.box
    lengths: list[list[float]] = []  # where, and how long
    for rule in sorted(region.down):
        across = (rule.left + rule.right) / 2
        if lengths and across - lengths[-1][0] < _ONE_RULE:
            lengths[-1][1] += rule.bottom - rule.top
        elif left + _ONE_RULE < across < right - _ONE_RULE:
            lengths.append([across, rule.bottom - rule.top])
    bounds = [left, *(across for across, length in lengths if length > (bottom - top) / 2), right]
    columns = [Column(*pair) for pair in pairwise(bounds)]
    if len(columns) < _LEAST_RULED or any(len(held_by(columns, one)) != 1 for one in rows[0]):
        return []
    for number, row in enumerate(rows):
        held = [held_by(columns, one) for one in row if not number or is_number(plain(one.text))]
        single = [one[0] for one in held if len(one) == 1]
        if len(single) != len(set(single)) or (not number and len(single) < len(columns)):
            return []
    return columns


def _gathered(row: Row, columns: Sequence[Column]) -> Row:
    """A row with one piece for what stands in one column."""
    found: Row = []
    for one in row:
        if found and len(held_by(columns, one)) == 1 and held_by(columns, found[-1]) == held_by(columns, one):
            last = found[-1]
            found[-1] = last._replace(right=max(last.right, one.right), text=f"{last.text}{GAP}{one.text}")
        else:
            found.append(one)
    return found


def _over(piece: Piece, rules: Sequence[Rule]) -> Piece:
    """A heading with the width of the short rule below it, but for a point: of boxes side by side the rules overlap."""
    middle = (piece.left + piece.right) / 2
    rule = next((rule for rule in rules if rule.left <= middle <= rule.right), None)
    if rule is None:
        return piece
    return piece._replace(left=min(piece.left, rule.left + 1), right=max(piece.right, rule.right - 1))


def _rows(lines: Sequence[Line], rows: Sequence[Row], across: Sequence[Rule], columns: Sequence[Column]) -> list[Row]:
    """The rows of a body out of its lines."""
    bands = _bands(lines, rows, across)
    columns = columns or columns_of([row for row in rows if len(row) > 1])
    counts = [sum(_has_number(row, columns) for _, row in band) for band in bands]
    if len(bands) > 1 and max(counts) == 1 and any(len(band) > 1 for band in bands):
        return [[one for _, row in band for one in row] for band in bands]
    return [row for band in bands for row in _named(band, columns)]


def _bands(lines: Sequence[Line], rows: Sequence[Row], across: Sequence[Rule]) -> list[Band]:
    """The lines between each two rules of the table's width."""
    bands: list[Band] = []
    for number, (line, row) in enumerate(zip(lines, rows, strict=True)):
        if not number or any(lines[number - 1].middle < rule.top < line.middle for rule in across):
            bands.append([])
        bands[-1].append((line, row))
    return bands


def _has_number(row: Row, columns: Sequence[Column]) -> bool:
    """Whether a cell, but one of the first column, is a number or the sign that there is none."""
    texts = (plain(one.text) for one in row if held_by(columns, one)[:1] != [0])
    return any(VALUE.fullmatch(text) or is_number(text) for text in texts)


def _named(band: Band, columns: Sequence[Column]) -> list[Row]:
    """The rows of a band, those beside whose middle a name stands with that name each."""
    names = [[one for one in row if held_by(columns, one) == [0]] for _, row in band]
    rows = [[one for one in row if held_by(columns, one) != [0]] for _, row in band]
    numbered = [n for n, row in enumerate(rows) if _has_number(row, columns)]
    named = [n for n, name in enumerate(names) if name]
    taken: dict[int, Row] = {}
    for block in _blocks(band, names, rows, numbered, named):
        name = [one for n in block if n in named for one in names[n]]
        taken.update(dict.fromkeys(block, name))
    found = []
    for n, (_, row) in enumerate(band):
        if n not in taken:
            found.append(row)
        elif rows[n]:
            found.append([*taken[n], *rows[n]])
    return found


def _blocks(
    band: Band, names: Sequence[Row], rows: Sequence[Row], numbered: Sequence[int], named: Sequence[int]
) -> list[list[int]]:
    """Lines that one name is beside: all of a band whose name is not on its first line, or nearer than rows are."""
    if len(numbered) > 1 and named and numbered[0] not in named and named == list(range(named[0], named[-1] + 1)):
        middles = [sum(band[n][0].middle for n in (which[0], which[-1])) / 2 for which in (numbered, named)]
        if abs(middles[0] - middles[1]) < _HALF * band[0][0].size and len(named) <= len(numbered):
            return [sorted({*numbered, *named})]
    blocks: list[list[int]] = []
    for n in named:
        if rows[n]:
            continue
        beside = [n]
        for step in (-1, 1):
            near = n + step
            while 0 <= near < len(band) and bool(rows[near]) and not names[near]:
                if abs(band[near][0].middle - band[near - step][0].middle) > _HALF * band[n][0].size:
                    break
                beside.append(near)
                near += step
        if len(beside) > 1:
            if blocks and set(beside) & set(blocks[-1]):
                blocks[-1] = sorted({*blocks[-1], *beside})
            else:
                blocks.append(sorted(beside))
    return blocks
