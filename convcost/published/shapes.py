"""Shapes of tables: networks in columns, names in two columns or under a heading of their rows, inputs in titles."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from convcost.published.cells import says_nothing
from convcost.published.headings import quantity_of
from convcost.spec.names import Names, Unclear
from convcost.spec.spelling import MAX_NAME, RESOLUTIONS, input_size, says
from convcost.tablefiles.grid import Cell, RawTable, Row

_COUNTS = ("params", "macs", "flops", "ops")
_PART_OF = {  # titles of columns that are part of what a row is about, and how a name says it
    re.compile(r"(?:width|channel)?\s*-?(?:width|multiplier|mult\.?|α|alpha)(?:\s*\(?α\)?)?"): "{}",
    re.compile(r"variant|version|config(?:uration)?"): "{}",
    re.compile(r"(?:number of )?groups?|#\s*groups?|g"): "g={}",
    re.compile(r"growth rate|k"): "k={}",
}
_MORE = re.compile(
    r"depth|#?\s*(?:conv )?layers|scale|size"
    r"|(?:frame length|frames|t) ?[x×] ?(?:(?:frame |sample |sampling )?rate|stride|τ)"  # videos': 8 x 8
)
_BACKBONE = re.compile(
    r"(?:backbone|encoder|(?:feature )?extractor|base ?(?:net(?:work)?|model))s?(?: (?:model|network)s?)?"
)
_OF_WHOLE = re.compile(
    r"(?:model|method|network|architecture|arch\.?|detector|framework|approach)s?(?: names?)?"
    r"|name|algorithm|decoder|head"
)
_TIMES = re.compile(r"(?<=[0-9])\s*[x×]\s*(?=[0-9])")
_VGG = re.compile(r"a(?:-lrn)?(?:,a-lrn)?|[b-e]")
_DEPTH = re.compile(r"(18|34|50|101|152)[- ]layers?")
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


def _depths_of_resnet(labels: Sequence[str]) -> dict[str, str]:
    """The names of columns that are ResNet's, which its Table 1 calls by their layers: two or more, and no others.

    Of 18 and 34 layers they have shortcuts without weights, as its Table 2 says.
    """
    depths = {label: _DEPTH.fullmatch(re.sub(r"[*`\s]+", " ", label).strip().casefold()) for label in labels}
    if len(depths) < 2 or not all(depths.values()):
        return {}
    plain = ("18", "34")
    return {
        label: f"resnet{depth[1]}@v1{' shortcut=A' if depth[1] in plain else ''}"
        for label, depth in depths.items()
        if depth
    }


def upright(table: RawTable, mapped: Collection[str] = (), says: Callable[[str], bool] = lambda _: False) -> RawTable:
    """The table with its networks in rows: turned if no column counts anything, and a row of it does.

    A label of that row that is merged over several columns, as over a layer and its output, names no network, and
    neither does a column that it leaves empty.
    """
    if any(map(counts, table.columns)) or any(title in mapped for title in table.columns):
        return table
    labels = range(len(table.columns))
    lead = next((column for column in labels if any(counts(row.cells[column].text) for row in table.rows)), None)
    if lead is None:
        return table
    titles = (table.columns[lead], *(row.cells[lead].text for row in table.rows))
    said = [row.cells for row in table.rows if counts(row.cells[lead].text)]
    merged = {
        column
        for column in labels
        if all(cells[column].text == cells[lead].text or says_nothing(cells[column].text) for cells in said)
    }
    others = [title for column, title in enumerate(table.columns) if column not in merged]
    letters = {} if any(map(says, others)) else _letters_of_vgg(others, table.source) or _depths_of_resnet(others)
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


def is_backbone(title: str) -> bool:
    """Whether a title is that of the networks that others are built on."""
    return _BACKBONE.fullmatch(title.strip().casefold()) is not None


def in_two(columns: Sequence[str], title: int, free: Collection[int]) -> tuple[int, dict[int, str]]:
    """The column of names, and another that is part of them: a detector in one, its backbone or size in the other.

    Args:
        columns: the titles.
        title: the column whose cells are most like networks' names.
        free: the columns that may be either.
    """
    titles = [one.strip().casefold() for one in columns]
    if is_backbone(titles[title]) or titles[title] == "size":
        whole = next((one for one in free if one != title and _OF_WHOLE.fullmatch(titles[one])), None)
        return (title, {}) if whole is None else (whole, {title: "{}"})
    return title, {one: "{}" for one in free if one != title and is_backbone(titles[one])}


def more_of_names(columns: Sequence[str]) -> dict[int, bool]:
    """The columns that may say what a name leaves open, as a depth; and whether they say more of any: a scale does."""
    titles = enumerate(title.strip().casefold() for title in columns)
    return {number: title == "scale" for number, title in titles if _MORE.fullmatch(title)}


def filled(table: RawTable, title: int, parts: Collection[int]) -> RawTable:
    """The table with the name above in a row that has none but says something that names do, a depth for one."""
    rows, above = [], None
    for row in table.rows:
        own = row.cells[title]
        if own.text.strip():
            above = own.text
        elif above and any(not says_nothing(row.cells[one].text) for one in parts):
            row = replace(row, cells=(*row.cells[:title], replace(own, text=above), *row.cells[title + 1 :]))
        rows.append(row)
    return replace(table, rows=tuple(rows))


class Naming(NamedTuple):
    """What names the rows of a table: the column of names, and what others say besides."""

    title: int
    parts: dict[int, str]
    """Columns that are part of each name, and how they are said."""
    more: dict[int, bool]
    """Columns that may say what a name leaves open; see `more_of_names`."""

    def names_of(self, row: Row) -> Iterator[str]:
        """What a row's network may be called, the likeliest first: as its cells say, and under its section."""
        own = row.cells[self.title].text
        for column, how in self.parts.items():
            text = row.cells[column].text
            if column == self.title or says_nothing(text) or (how == "{}" and says(own, text)):
                continue
            # "ResNet" of method, "ResNet-50" of backbone
            own = text if says_nothing(own) or (how == "{}" and says(text, own)) else f"{own} {how.replace('{}', text)}"
        said = [(_TIMES.sub("x", row.cells[one].text), first) for one, first in self.more.items() if one != self.title]
        said = [(text, first) for text, first in said if text]
        yield from (f"{own} {text}" for text, first in said if first)
        yield own
        yield from (f"{own} {text}" for text, first in said if not first)
        if row.section and any(map(str.isdigit, row.cells[self.title].text)):  # "ours" under ResNet-50 is another
            yield f"{row.section} {own}"

    def read(self, table: RawTable, known: Names) -> int:
        """How many rows of a table mean a network, called so."""
        return sum(not isinstance(known.reference(self.called(row, known)), Unclear) for row in table.rows)

    def called(self, row: Row, known: Names) -> str:
        """The first name of a row that means a network, else what leaves the fewest open, else the first."""
        found = [(name, known.reference(name)) for name in self.names_of(row)]
        one = next((name for name, read in found if not isinstance(read, Unclear)), None)
        among = {name: len(read.references) for name, read in found if isinstance(read, Unclear) and read.references}
        return one or min(among, key=among.__getitem__, default=found[0][0])


def naming(table: RawTable, title: int, taken: Collection[int | None], known: Names) -> tuple[RawTable, Naming]:
    """What names the rows of a table whose column of names is known; and the table with what rows leave out of it.

    Args:
        table: as read.
        title: the column of names.
        taken: columns of which it is known that they are something else.
        known: the networks that rows can be about.
    """
    parts = {column: how for column, how in part_of_names(table.columns).items() if column not in taken}
    more = {column: first for column, first in more_of_names(table.columns).items() if column not in taken}
    if title not in taken:
        title, beside = in_two(table.columns, title, [at for at in range(len(table.columns)) if at not in taken])
        parts |= beside
        table = filled(table, title, {*parts, *more})
    for config in [column for column in parts if table.columns[column].strip().casefold().startswith("config")]:
        without = Naming(title, {column: how for column, how in parts.items() if column != config}, more)
        links = {row.cells[config].text.strip().casefold() for row in table.rows} <= {
            "config",
            "configs",
            "link",
            "cfg",
            "",
        }
        if links or without.read(table, known) > Naming(title, parts, more).read(table, known):  # it links to files
            parts = without.parts
    return table, Naming(title, parts, more)
