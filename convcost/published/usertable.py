"""A user's own table as claims: which column prints what, and which network each row is about.

Nothing is guessed. A title that is no count is passed over, two columns of one quantity have to be told apart, and a
row whose name could mean two networks, or says more than a network's name, is not audited but told with its candidates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, did_you_mean
from convcost.network import Network
from convcost.printed.numbers import Printed, absent, parse
from convcost.published.claims import Claim, Claims, Priced, Unread
from convcost.published.headings import names_an_input, quantity_of
from convcost.published.names import Known
from convcost.published.readings import Reading
from convcost.published.tables import TOTAL, price_reference
from convcost.spec.names import Unclear
from convcost.spec.spelling import RESOLUTIONS, input_size
from convcost.tablefiles.grid import Cell, RawTable

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
        ConvcostError: a column or name that there is not, columns that cannot be told apart, a cell that is no number,
            or no size where the column prints inputs.
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
    unread: dict[tuple[str, str], Unread] = {}
    for row in table.rows:
        label = row.cells[title].text
        size = () if sized is None else _size(row.cells[sized], table.columns[sized])
        for column, role in counting.items():
            cell = row.cells[column]
            if absent(cell.text):
                continue
            printed = _number(cell, role, table.columns[column])
            name = role.of.replace("{}", label)
            found = _reference(known, name, size, row.cells[title].place)
            if isinstance(found, Unclear):
                unread.setdefault((name, row.cells[title].place), Unread(name, found.why, row.cells[title].place))
                continue
            if found not in priced:
                priced[found] = _price(found, row.cells[title].place)
            place = row.cells[title].place
            heading = table.columns[column]
            claims.append(Claim(name, heading, cell.text, role.quantity, found, TOTAL, printed, place=place))
    if unused := [name for name in names or {} if name not in known.used]:
        labels = [row.cells[title].text for row in table.rows]
        raise ConvcostError(f"{table.place}: no row is called {unused[0]!r}{did_you_mean(unused[0], labels)}")
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
    texts = [row.cells[column].text for row in table.rows if not absent(row.cells[column].text)]
    if table.columns[column].strip().casefold() != "size":
        return any(map(input_size, texts))
    sizes = [input_size(text) for text in texts]
    return bool(sizes) and all(size and (len(size) > 1 or size[0] in RESOLUTIONS) for size in sizes)


def _size(cell: Cell, title: str) -> tuple[int, ...]:
    if absent(cell.text):
        return ()
    size = input_size(cell.text)
    if size is None:
        said = f"{cell.text[:60]!r} is no input size such as 224, 224x224 or 3x224x224, which {title!r} prints"
        raise ConvcostError(f"{cell.place}: {said} (or --map {title}=skip)")
    return size


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


def _number(cell: Cell, role: _Role, title: str) -> Printed:
    printed = parse(cell.text, scale=role.scale, where=cell.place)
    if printed.unit not in _UNITS[role.quantity] or printed.scale == "%":
        raise ConvcostError(f"{cell.place}: {cell.text!r} is no count of {role.quantity}, which {title!r} prints")
    return printed


def _reference(known: Known, name: str, size: tuple[int, ...], place: str) -> str | Unclear:
    try:
        return known.reference(name, size)
    except ConvcostError as error:
        raise ConvcostError(f"{place}: {error}") from None


def _price(reference: str, place: str) -> tuple[Network, Cost]:
    try:
        return price_reference(reference)
    except ConvcostError as error:
        raise ConvcostError(f"{place}: {error}") from None
