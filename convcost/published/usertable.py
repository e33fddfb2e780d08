"""A user's own table as claims: which column prints what, and which network each row is about.

Nothing is guessed. A title that is no count is passed over, two columns of one quantity have to be told apart, and a
row whose name could mean two networks, or says more than a network's name, is not audited but told with its candidates.
A cell that cannot be read costs no other one: it is listed as unread, with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from convcost.errors import ConvcostError, did_you_mean
from convcost.printed.numbers import Printed
from convcost.published.cells import decimal_commas, number, says_nothing
from convcost.published.claims import Claim, Claims, Priced, Unread
from convcost.published.headings import names_an_input, quantity_of
from convcost.published.names import Known
from convcost.published.readings import Reading
from convcost.published.tables import TOTAL, price_reference
from convcost.spec.names import Unclear
from convcost.spec.spelling import RESOLUTIONS, input_size
from convcost.tablefiles.grid import Cell, RawTable, Row

COLUMNS = ("name", "input", "params", "macs", "flops", "ops", "skip")
"""What a column can be said to print."""
_KINDS = {"params": "params", "macs": "ops", "flops": "ops", "ops": "ops"}
_UNITS = {"params": ("", "params"), "ops": ("", "macs", "flops", "ops")}
_MAPPING = re.compile(
    r"(?P<plain>name|input|skip)|(?P<what>params|macs|flops|ops)(?: in (?P<scale>[KMG]))?(?: of (?P<of>.*\{\}.*))?"
)


class _Role(NamedTuple):
    """What a column counts, in which scale, and how the name of the network is made from the row's."""

    quantity: str
    scale: str = ""
    of: str = "{}"


def read_claims(
    table: RawTable,
    *,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    specs: Sequence[Path] = (),
) -> Claims:
    """The claims of a table as read.

    Args:
        table: see `convcost.tablefiles.reading.read_table`.
        columns: what columns print, by title: name, input (its size), params, macs, flops, ops or skip; a count perhaps
            with a scale ("params in M"), and with a pattern of the name ("ops of SE-{}": the column is about the SE
            network of the row's).
        names: the networks that rows are about, by their printed name: "resnet50@v1.5", "resnet34 shortcut=A".
        specs: spec files whose networks are known by name as well.

    Raises:
        ConvcostError: a column or name that there is not, columns that cannot be told apart, or not one cell that
            can be read.
    """
    roles = _roles(table, columns or {})
    sized = _input_column(table, roles, columns or {})
    known = Known(specs, names or {})
    title = _name_column(table, roles, columns or {}, known, sized)
    counting = {column: role for column, role in enumerate(roles) if role is not None}
    if not counting:
        hint = f"its columns are {', '.join(map(repr, table.columns))}; say which with --map TITLE=params|ops"
        raise ConvcostError(f"{table.place}: no column of params, macs or flops; {hint}")
    priced: Priced = {}
    claims: list[Claim] = []
    unread: dict[tuple[str, str, str], Unread] = {}
    commas = {column for column in counting if decimal_commas(row.cells[column].text for row in table.rows)}
    for row in table.rows:
        label, place = row.cells[title].text, row.cells[title].place
        size, no_size = _size(table, row, sized)
        for column, role in counting.items():
            cell, heading = row.cells[column], table.columns[column]
            if says_nothing(cell.text):
                continue
            name = role.of.replace("{}", label)
            try:
                printed = _number(cell, role, heading, column in commas, no_size)
            except _UnreadError as error:
                unread[name, cell.place, heading] = Unread(name, str(error), cell.place, heading, cell.text)
                continue
            found = _priced(known, name, size, place, priced)
            if isinstance(found, Unclear):
                unread.setdefault((name, place, ""), Unread(name, found.why, place))
                continue
            claims.append(Claim(name, heading, cell.text, role.quantity, found, TOTAL, printed, place=place))
    if unused := known.unused(names or {}):
        labels = [row.cells[title].text for row in table.rows]
        raise ConvcostError(f"{table.place}: no row is called {unused[0]!r}{did_you_mean(unused[0], labels)}")
    if not claims and any(one.column for one in unread.values()):
        first = next(one for one in unread.values() if one.column)
        raise ConvcostError(f"{first.place}: {first.why}; no other cell of the table can be read")
    stated = {"params": Reading("params", "params"), "ops": Reading("ops", "macs")}
    return Claims(Path(table.source).name, table.source, claims, stated, priced, list(unread.values()))


# -- columns -----------------------------------------------------------------------------------------------------


def _roles(table: RawTable, mapped: Mapping[str, str]) -> list[_Role | None]:
    for title in mapped:
        if title not in table.columns:
            hint = did_you_mean(title, table.columns) or f"; there are {', '.join(map(repr, table.columns))}"
            raise ConvcostError(f"{table.place}: no column {title!r}{hint}")
    roles: list[_Role | None] = []
    for title in table.columns:
        found = quantity_of(title)
        if title in mapped:
            roles.append(_mapped(title, mapped[title], found.scale if found else ""))
        else:
            roles.append(_Role(_KINDS[found.kind], found.scale) if found and found.kind in _KINDS else None)
    for quantity in ("params", "ops"):
        same = [t for t, role in zip(table.columns, roles, strict=True) if role and role.quantity == quantity]
        unsaid = [t for t in same if t not in mapped]
        if len(same) > 1 and unsaid:
            titles = ", ".join(map(repr, same))
            raise ConvcostError(
                f"{table.place}: {titles} all print {quantity}; of the row's network, or of which? "
                f"say it of each with --map, e.g. {unsaid[0]!r}: ops, skip, or 'ops of SE-{{}}'"
            )
    return roles


def _mapped(title: str, text: str, scale: str) -> _Role | None:
    found = _MAPPING.fullmatch(text.strip())
    if found is None:
        said = f"{', '.join(COLUMNS[:-1])} or {COLUMNS[-1]}"
        raise ConvcostError(f"--map {title}={text}: write {said}, a count perhaps 'in M' and 'of SE-{{}}'")
    if found["plain"]:
        return None
    return _Role(_KINDS[found["what"]], found["scale"] or scale, found["of"] or "{}")


def _said(table: RawTable, mapped: Mapping[str, str], what: str) -> int | None:
    """The column that is mapped to what only one can be."""
    said = [table.columns.index(title) for title, text in mapped.items() if text.strip() == what]
    if len(said) > 1:
        raise ConvcostError(f"{table.place}: two columns cannot both be the {what}")
    return said[0] if said else None


def _input_column(table: RawTable, roles: Sequence[_Role | None], mapped: Mapping[str, str]) -> int | None:
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
        return any(map(input_size, texts))
    sizes = [input_size(text) for text in texts]
    return bool(sizes) and all(size and (len(size) > 1 or size[0] in RESOLUTIONS) for size in sizes)


def _size(table: RawTable, row: Row, sized: int | None) -> tuple[tuple[int, ...], str]:
    """The input that a row prints, () if none; and why it is not read, if it is not."""
    if sized is None or says_nothing(row.cells[sized].text):
        return (), ""
    text, title = row.cells[sized].text, table.columns[sized]
    size = input_size(text)
    said = f"{text[:60]!r} is no input size such as 224, 224x224 or 3x224x224, which {title!r} prints"
    return (size, "") if size is not None else ((), f"{said} (or --map {title}=skip)")


def _name_column(
    table: RawTable, roles: Sequence[_Role | None], mapped: Mapping[str, str], known: Known, sized: int | None
) -> int:
    said = _said(table, mapped, "name")
    if said is not None:
        return said
    free = [column for column, role in enumerate(roles) if role is None and column != sized]
    if not free:
        raise ConvcostError(f"{table.place}: no column of network names; say which with --map TITLE=name")
    # Of two columns, that of names beats that of families, which begin them.
    for recognises in (known.recognises, known.begins):
        counts = {column: sum(recognises(row.cells[column].text) for row in table.rows) for column in free}
        best = max(free, key=counts.__getitem__)
        if counts[best]:
            return best
    return free[0]


class _UnreadError(ConvcostError):
    """A cell that cannot be read; the message is without its place."""


def _number(cell: Cell, role: _Role, title: str, commas: bool, no_size: str) -> Printed:
    """The count of a cell; `no_size` says why its row's input is not read."""
    try:
        printed = number(cell.text, scale=role.scale, commas=commas)
    except ConvcostError as error:
        raise _UnreadError(str(error)) from None
    if printed.unit not in _UNITS[role.quantity] or printed.scale == "%":
        raise _UnreadError(f"{cell.text!r} is no count of {role.quantity}, which {title!r} prints")
    if printed.value().denominator != 1:
        raise _UnreadError(
            f"{title} {cell.text}: a count is whole; say its scale: M, for one, in the cell, the column's title, "
            f"or as --map '{title}={role.quantity} in M'"
        )
    if no_size and role.quantity == "ops":  # parameters are those of any input
        raise _UnreadError(no_size)
    return printed


def _priced(known: Known, name: str, size: tuple[int, ...], place: str, priced: Priced) -> str | Unclear:
    """The network of a row, priced; what a user said wrongly of it is an error, what the table says is unclear."""
    try:
        found = known.reference(name, size)
    except ConvcostError as error:
        raise ConvcostError(f"{place}: {error}") from None
    if not isinstance(found, Unclear) and found not in priced:
        try:
            priced[found] = price_reference(found)
        except ConvcostError as error:
            if known.says(name):
                raise ConvcostError(f"{place}: {error}") from None
            return Unclear(str(error))
    return found
