"""Columns of a user's own table: what each prints, by its title, by what is said of it, and by its cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.published.cells import number, says_nothing
from convcost.published.claims import QUANTITY_OF, SHARE_OF
from convcost.published.headings import counts_twice, names_an_input, quantity_of, says_whose, share_of
from convcost.published.names import Known
from convcost.published.shapes import size_in
from convcost.spec.spelling import RESOLUTIONS, input_size
from convcost.tablefiles.grid import RawTable

_COUNTED = ("params", "macs", "flops", "ops", "bytes", "activations", "memory")
COLUMNS = ("name", "input", *_COUNTED, "shares of params", "skip")
"""What a column can be said to print."""
_JOINED = re.compile(r"(se|cbam|eca)(?:-?net)?s?(?: \(ours\))?")
"""What the networks of rows are joined to, as the title over several columns has it."""
_SIZES_OF_LAYERS = {"input", "in", "output", "out", "size", "shape", "dim", "dims", "resolution", "hxwxc", "hxw"}
_MAPPING = re.compile(
    r"(?P<plain>name|input|skip)|(?P<shares>shares of (?=params|macs|flops|ops))?"
    rf"(?P<what>{'|'.join(_COUNTED)})"
    r"(?: in (?P<scale>[KMG]))?(?: of (?P<of>.*\{\}.*))?"
)


class Role(NamedTuple):
    """What a column counts, in which scale, and how the name of the network is made from the row's."""

    quantity: str
    scale: str = ""
    of: str = "{}"
    size: tuple[int, ...] = ()
    """The input that the column's title says."""
    divided: int = 1
    """What its counts are divided by."""


def roles_of(table: RawTable, mapped: Mapping[str, str]) -> list[Role | None]:
    """What each column counts, None if nothing.

    Two that count the same quantity, each in its own way, are told apart by the table's evidence. Raises ConvcostError
    where a title says something else, which may be another network.
    """
    roles: list[Role | None] = []
    for title in table.columns:
        found = quantity_of(title)
        if title in mapped:
            role = role_said(title, mapped[title], found.scale if found else "")
        else:
            kind: str = found.kind if found else ""
            if found and kind == "size" and (found.scale or _all_are_sizes(table, len(roles))):
                kind = "bytes"
            role = (
                Role(QUANTITY_OF[kind], found.scale, divided=found.divided) if found and kind in QUANTITY_OF else None
            )
            role = _shares(table, len(roles), title, role)
            if kind == "activations" and not any(_counts(row.cells[len(roles)].text) for row in table.rows):
                role = None  # their names: ReLU
        roles.append(role and role._replace(size=size_in(title)))
    for column, role in enumerate(roles):
        if (
            role
            and table.columns[column] not in mapped
            and not any(_counts(row.cells[column].text) for row in table.rows)
        ):
            others = (other for at, other in enumerate(roles) if at != column and other)
            if any(other.quantity == role.quantity for other in others):
                roles[column] = None  # under "weights" their names, beside a column of counts
    for quantity in ("params", "ops", "bytes", "activations", "memory"):
        of_it = [at for at, role in enumerate(roles) if role and role.quantity == quantity]
        for at in of_it if len(of_it) > 1 else ():  # a table of one such column names its networks whole
            roles[at] = _beside(table.columns[at], roles[at])
        same = [table.columns[at] for at in of_it]
        unsaid = [t for t in same if t not in mapped]
        apart = len({(role.size, role.of) for role in roles if role and role.quantity == quantity}) == len(same)
        if len(same) > 1 and unsaid and not apart and not all(map(says_whose, unsaid)):
            titles = ", ".join(map(repr, same))
            raise ConvcostError(
                f"{table.place}: {titles} all print {quantity}; of the row's network, or of which? "
                f"say it of each with --map, e.g. {unsaid[0]!r}: ops, skip, or 'ops of SE-{{}}'"
            )
    return roles


def _beside(title: str, role: Role | None) -> Role | None:
    """The role of a column that stands under what the row's network is joined to: "SENet / GFLOPs" of ResNet-50."""
    groups = [part.strip().casefold() for part in title.split(" / ")[:-1]]
    found = next(filter(None, map(_JOINED.fullmatch, groups)), None)
    return role if found is None or role is None or role.of != "{}" else role._replace(of=f"{found[1].upper()}-{{}}")


def _shares(table: RawTable, column: int, title: str, role: Role | None) -> Role | None:
    """The role of a column that prints shares, by its title or in all of its cells; else the one that it has."""
    if (kind := share_of(title)) in QUANTITY_OF and QUANTITY_OF[kind] in SHARE_OF:
        return Role(SHARE_OF[QUANTITY_OF[kind]], "%")
    texts = [row.cells[column].text.strip() for row in table.rows if not says_nothing(row.cells[column].text)]
    if role and role.quantity in SHARE_OF and not role.scale and texts and all(text.endswith("%") for text in texts):
        return Role(SHARE_OF[role.quantity], "%")
    return role


def _all_are_sizes(table: RawTable, column: int) -> bool:
    """Whether each number of a column is so many bytes, "44.7 MB" or "44.7 M", under a title that only says size."""
    texts = [row.cells[column].text for row in table.rows if not says_nothing(row.cells[column].text)]
    return bool(texts) and all(map(_is_size, texts))


def _is_size(text: str) -> bool:
    try:
        printed = number(text)
    except ConvcostError:
        return False
    return printed.unit == "bytes" or (not printed.unit and printed.scale in ("K", "M", "G"))


def _counts(text: str) -> bool:
    """Whether a cell begins as a number does."""
    return re.match(r"[^0-9A-Za-z]*[0-9]", text) is not None


def role_said(title: str, text: str, scale: str) -> Role | None:
    """What a user says that a column counts, None if nothing. Raises ConvcostError for what is no such word."""
    found = _MAPPING.fullmatch(text.strip())
    if found is None:
        said = f"{', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}"
        raise ConvcostError(f"--map {title}={text}: write {said}, a count perhaps 'in M' and 'of SE-{{}}'")
    if found["plain"]:
        return None
    quantity = QUANTITY_OF[found["what"]]
    if found["shares"]:
        return Role(SHARE_OF[quantity], "%", found["of"] or "{}")
    return Role(quantity, found["scale"] or scale, found["of"] or "{}")


def _said(table: RawTable, mapped: Mapping[str, str], what: str) -> int | None:
    """The column that is mapped to what only one can be."""
    said = [table.columns.index(title) for title, text in mapped.items() if text.strip() == what]
    if len(said) > 1:
        raise ConvcostError(f"{table.place}: two columns cannot both be the {what}")
    return said[0] if said else None


def input_column(table: RawTable, roles: Sequence[Role | None], mapped: Mapping[str, str]) -> int | None:
    """The column of input sizes, if there is one: by its title, and by cells that look like it."""
    said = _said(table, mapped, "input")
    if said is not None:
        return said
    found = [
        column
        for column, title in enumerate(table.columns)
        if roles[column] is None and title not in mapped and names_an_input(title) and _prints_sizes(table, column)
    ]
    if len(found) > 1:
        titles = ", ".join(repr(table.columns[column]) for column in found)
        raise ConvcostError(f"{table.place}: {titles} all print an input; say which with --map TITLE=input or skip")
    return found[0] if found else None


def _prints_sizes(table: RawTable, column: int) -> bool:
    """Whether the cells are input sizes; under "Size" they may be megabytes, unless all are sizes that inputs have."""
    texts = [row.cells[column].text for row in table.rows if not says_nothing(row.cells[column].text)]
    if table.columns[column].strip().casefold() != "size":
        return any(map(input_size, texts)) or any(map(_has_resolution, texts))  # "224/288": then its rows are unread
    sizes = [input_size(text) for text in texts]
    return bool(sizes) and all(size and (len(size) > 1 or size[0] in RESOLUTIONS) for size in sizes)


def _has_resolution(text: str) -> bool:
    """Whether a cell begins with a side that inputs have; a name may end with one, MobileNet-224."""
    begun = re.match(r"\W*([0-9]{2,3})(?![0-9.])", text)
    return begun is not None and int(begun[1]) in RESOLUTIONS


def layer_sizes(table: RawTable, mapped: Mapping[str, str]) -> dict[int, str]:
    """The columns that print what a layer takes or gives, input or shape."""
    words = {number: set(re.findall(r"[a-z]+", title.casefold())) for number, title in enumerate(table.columns)}
    return {
        number: "input" if said & {"input", "in"} else "shape"
        for number, said in words.items()
        if said & {"input", "in", "output", "out"} and said <= _SIZES_OF_LAYERS and table.columns[number] not in mapped
    }


def left_out(table: RawTable, roles: Sequence[Role | None], mapped: Mapping[str, str], sized: int | None) -> list[str]:
    """What is told of columns that are not understood, and may be inputs, or print two counts a cell."""
    told = []
    for column, title in enumerate(table.columns):
        texts = [row.cells[column].text for row in table.rows if not says_nothing(row.cells[column].text)]
        if roles[column] is None and title not in mapped and counts_twice(title) and any(map(_counts, texts)):
            told.append(f"{title!r} prints two counts a cell, and is not read: give each a column of its own")
        sizes = [input_size(text) for text in texts]
        if (
            sized is None
            and roles[column] is None
            and title not in mapped
            and texts
            and all(size and set(size[-2:]) <= set(RESOLUTIONS) for size in sizes)
        ):
            told.append(f"{title!r} may be the input, and is not read: say --map '{title}=input', or skip")
    return told


def name_column(
    table: RawTable,
    roles: Sequence[Role | None],
    mapped: Mapping[str, str],
    known: Known,
    sized: int | None,
    network: str,
) -> int | None:
    """The column of names; None if rows are the one network that is said, at several inputs."""
    said = _said(table, mapped, "name")
    if said is not None:
        return said
    free = [column for column, role in enumerate(roles) if role is None and column != sized]
    if not free and network:
        return None
    if not free:
        raise ConvcostError(
            f"{table.place}: no column of network names; say which with --map TITLE=name, or --network of all rows"
        )
    # Of two columns, that of names beats that of families, which begin them.
    for recognises in (known.recognises, known.begins):
        counts = {column: sum(recognises(row.cells[column].text) for row in table.rows) for column in free}
        best = max(free, key=counts.__getitem__)
        if counts[best]:
            return best
    return free[0]
