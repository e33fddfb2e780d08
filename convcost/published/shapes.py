"""Shapes of tables: networks in columns, names in two columns or under a heading of their rows, inputs in titles."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from convcost.published.cells import says_nothing
from convcost.published.headings import quantity_of
from convcost.spec.names import Names, Unclear
from convcost.spec.spelling import MAX_NAME, RESOLUTIONS, input_size
from convcost.tablefiles.grid import Cell, RawTable, Row

_COUNTS = ("params", "macs", "flops", "ops")
_PART_OF = {  # titles of columns that are part of what a row is about, and how a name says it
    re.compile(r"(?:width|channel)?\s*-?(?:width|multiplier|mult\.?|α|alpha)(?:\s*\(?α\)?)?"): "{}",
    re.compile(r"variant|version|config(?:uration)?"): "{}",
    re.compile(r"(?:number of )?groups?|#\s*groups?|g"): "g={}",
    re.compile(r"growth rate|k"): "k={}",
}
_MORE = re.compile(r"depth|#?\s*(?:conv )?layers|scale|size")
_VGG = re.compile(r"a(?:-lrn)?(?:,a-lrn)?|[b-e]")
_SIZE_IN_TITLE = re.compile(r"(?:@|\(|\bat\b)?\s*([0-9]{2,4}(?:\s*[x×]\s*[0-9]{2,4}|\s*(?:px|²))?)\s*\)?")


def counts(title: str) -> bool:
    """Whether a title is that of counts of ours."""
    found = quantity_of(title)
    return found is not None and found.kind in _COUNTS


def _letters_of_vgg(labels: Sequence[str], source: str) -> dict[str, str]:
    """The names of columns that are VGG's configurations: A-LRN among them says so, or a file of VGG's with all five.

    A column of a letter alone is anybody's.
    """
    letters = {label: re.sub(r"[*`\s]", "", label.casefold()) for label in labels}
    firsts = {label: _VGG.fullmatch(text) for label, text in letters.items()}
    if not all(firsts.values()) or not set("bcde") <= set("".join(letters.values())):
        return {}
    said = any("lrn" in text for text in letters.values()) or "vgg" in Path(source).name.casefold()
    names = {label: "vgg11_lrn" if text == "a-lrn" else f"vgg_{text[0]}" for label, text in letters.items()}
    return names if said else {}


def upright(table: RawTable, mapped: Collection[str] = (), says: Callable[[str], bool] = lambda _: False) -> RawTable:
    """The table with its networks in rows: turned if no column counts anything, and a row of it does.

    A label of that row that is merged over several columns, as over a layer and its output, names no network.
    """
    if any(map(counts, table.columns)) or any(title in mapped for title in table.columns):
        return table
    labels = range(len(table.columns))
    lead = next((column for column in labels if any(counts(row.cells[column].text) for row in table.rows)), None)
    if lead is None:
        return table
    titles = (table.columns[lead], *(row.cells[lead].text for row in table.rows))
    said = [row.cells for row in table.rows if counts(row.cells[lead].text)]
    merged = {column for column in labels if all(cells[column].text == cells[lead].text for cells in said)}
    others = [title for column, title in enumerate(table.columns) if column not in merged]
    letters = {} if any(map(says, others)) else _letters_of_vgg(others, table.source)
    rows = tuple(
        Row((Cell(letters.get(title, title), table.place), *(row.cells[column] for row in table.rows)), "")
        for column, title in enumerate(table.columns)
        if column not in merged
    )
    return RawTable(table.source, table.place, titles, rows) if rows else table


def size_in(title: str) -> tuple[int, ...]:
    """The input that a title of counts says: "FLOPs @224", "320 / FLOPs", "MACs (224x224)"; () if none."""
    sizes = set()
    for part in title[:MAX_NAME].split(" / "):
        whole = quantity_of(part) is None
        for found in _SIZE_IN_TITLE.finditer(part):
            size = input_size(found[1])
            marked = found[0].lstrip().startswith(("@", "at")) or (size is not None and len(size) > 1)
            if size and (len(size) > 1 or size[0] in RESOLUTIONS) and (marked or (whole and found[0] == part)):
                sizes.add(size)
    return sizes.pop() if len(sizes) == 1 else ()


def part_of_names(columns: Sequence[str]) -> dict[int, str]:
    """The columns that are part of what a row is about, and how: MobileNetV2 in a row of width 0.5 is another."""
    titles = enumerate(title.strip().casefold() for title in columns)
    found = (
        (number, next((how for one, how in _PART_OF.items() if one.fullmatch(title)), "")) for number, title in titles
    )
    return {number: how for number, how in found if how}


def more_of_names(columns: Sequence[str]) -> list[int]:
    """The columns that may say what a name leaves open, as a depth."""
    return [number for number, title in enumerate(columns) if _MORE.fullmatch(title.strip().casefold())]


def names_of(row: Row, title: int, parts: Mapping[int, str], more: Sequence[int]) -> Iterator[str]:
    """What a row's network may be called, the likeliest first: as its cells say, and under its section."""
    own = row.cells[title].text
    for column, how in parts.items():
        text = row.cells[column].text
        if column != title and not says_nothing(text):
            own += " " + how.replace("{}", text)
    yield own
    for column in more:
        if column != title and (text := row.cells[column].text):
            yield f"{own} {text}"
    if row.section and any(map(str.isdigit, row.cells[title].text)):  # "ours" under ResNet-50 is another network
        yield f"{row.section} {own}"


def called(row: Row, title: int, parts: Mapping[int, str], more: Sequence[int], known: Names) -> str:
    """The first name of a row that means a network, else the first."""
    names = list(names_of(row, title, parts, more))
    return next((name for name in names if not isinstance(known.reference(name), Unclear)), names[0])
