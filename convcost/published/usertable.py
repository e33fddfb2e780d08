"""A user's own table as claims: which column prints what, and which network each row is about.

Nothing is guessed. A title that is no count is passed over, two columns of one quantity have to be told apart, and a
row whose name could mean two networks, or says more than a network's name, is not audited but told with its candidates.
A cell that cannot be read costs no other one: it is listed as unread, with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from convcost.errors import ConvcostError, did_you_mean, unwarned
from convcost.printed.numbers import Printed
from convcost.published.cells import decimal_commas, number, of_one_view, says_nothing
from convcost.published.claims import Claim, Claims, Priced, Unread
from convcost.published.columns import Role, input_column, layer_sizes, left_out, name_column, role_said, roles_of
from convcost.published.counting import exact
from convcost.published.datasets import data_sets, of_data
from convcost.published.headings import times_views
from convcost.published.layerkinds import line_of
from convcost.published.layers import is_part, network_of, parts_of
from convcost.published.names import Known
from convcost.published.quotients import MOST_DECIMALS, OF
from convcost.published.readings import PLAIN
from convcost.published.shapes import is_backbone, naming, upright
from convcost.published.tables import TOTAL, as_printed, price_reference
from convcost.spec.catalog import resolve
from convcost.spec.names import Unclear
from convcost.spec.spelling import input_size
from convcost.tablefiles.grid import Cell, RawTable, Row
from convcost.tablefiles.reading import read_table

_UNITS = {
    "params": ("", "params"),
    "ops": ("", "macs", "flops", "ops"),
    **{one: ("", one) for one in ("bytes", "activations")},
    "memory": ("", "bytes"),
}
_WHOLE, _REST = re.compile(r"[0-9]$"), re.compile(r"\$?\s*(?:[.,±]|\\pm|\+/?-)\s*\$?\s*[0-9]")
_MOST_AMONG = 40
"""Networks that a name may leave open."""
_SCALES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}


class NoCountsError(ConvcostError):
    """A table none of whose columns counts anything: a table of other things."""


class SaidError(ConvcostError):
    """What a user says of a table is wrong, whatever the table."""


class Said:
    """What a user says of the tables of a file, and which of it they used.

    Args:
        columns: what columns print, by title: name, input (its size), params, macs, flops, ops, bytes, activations or
            skip; a count perhaps with a scale ("params in M"), and with a pattern of the name ("ops of SE-{}": the
            column is about the SE network of the row's).
        names: the networks that rows are about, by their printed name: "resnet50@v1.5", "resnet34 shortcut=A".
        specs: spec files whose networks are known by name as well.
        strip: regular expressions of what rows' names say that is no part of a network's name.
        network: the network whose layers, blocks or inputs rows are; if rows are not networks.
        names_file: a CSV file of such names, in two columns under their titles, of which rows need not have all.

    Raises:
        ConvcostError: a column is said to print what none can, or a spec or the names' file cannot be read.
    """

    def __init__(
        self,
        columns: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        specs: Sequence[Path] = (),
        strip: Sequence[str] = (),
        names_file: str | Path | None = None,
        network: str = "",
    ) -> None:
        self.columns = columns or {}
        self.required = list(names or {})
        self.network = network
        self.tables: list[RawTable] = []
        self.known = Known(specs, {**(_names_in(names_file) if names_file else {}), **(names or {})}, strip)
        for title, text in self.columns.items():
            role_said(title, text, "")

    def require_used(self, place: str) -> None:
        """Raise ConvcostError for a title that is in none of the tables, and a name that no row of theirs has."""
        titles = list(dict.fromkeys(title for table in self.tables for title in table.columns))
        for title in self.columns:
            if title not in titles:
                hint = did_you_mean(title, titles) or f"; there are {', '.join(map(repr, titles[:12]))}"
                raise ConvcostError(f"{place}: no column {title!r}{hint}")
        for name in self.required:
            if name not in self.known.used:
                cells = [cell.text for table in self.tables for row in table.rows for cell in row.cells]
                raise ConvcostError(f"{place}: no row is called {name!r}{did_you_mean(name, cells)}")


def _names_in(path: str | Path) -> dict[str, str]:
    table = read_table(path)
    if len(table.columns) != 2:
        raise ConvcostError(f"{table.place}: {len(table.columns)} columns; names are two: printed, network")
    return {row.cells[0].text: row.cells[1].text for row in table.rows}


def read_claims(table: RawTable, said: Said | None = None) -> Claims:
    """The claims of a table as read (see `convcost.tablefiles.reading.read_table`).

    Raises:
        NoCountsError: no column of it counts anything.
        SaidError: what is said of a row is no network.
        ConvcostError: columns that cannot be told apart, or not one cell that can be read.
    """
    said = said or Said()
    table = upright(table, said.columns, said.known.says)
    said.tables.append(table)
    known, columns = said.known, {title: what for title, what in said.columns.items() if title in table.columns}
    roles = roles_of(table, columns)
    sized = input_column(table, roles, columns)
    counting = {column: role for column, role in enumerate(roles) if role is not None}
    sizes = layer_sizes(table, columns)
    if not counting and not (said.network and sizes):
        hint = f"its columns are {', '.join(map(repr, table.columns))}; say which with --map TITLE=params|ops"
        raise NoCountsError(f"{table.place}: no column of params, macs or flops; {hint}")
    title = name_column(table, roles, columns, known, sized, said.network)
    priced: Priced = {}
    claims: list[Claim] = []
    taken = {sized, *counting, *(at for at, heading in enumerate(table.columns) if heading in columns)}
    table, names = naming(table, title, taken, known) if title is not None else (table, None)
    title = names.title if names else None
    built_on = _built_on(table, title, taken)
    parts = _Parts(table, said, title, priced)
    of_what = [] if parts.layers else _without_shares(table, counting)
    entries: list[_Entry] = []
    for at, (row, trained_on) in enumerate(zip(table.rows, data_sets(table, taken), strict=True)):
        label = names.called(row, known) if names else row.cells[sized or 0].text
        place = row.cells[title or 0].place
        part = parts.of_row(at) if built_on is None or known.says(label) else built_on
        size, no_size = _size(table, row, None if parts.layers and part != TOTAL else sized)
        for column, (heading, cell) in enumerate(zip(table.columns, row.cells, strict=True)):
            if column in sizes and isinstance(part, str) and part != TOTAL and (printed_size := input_size(cell.text)):
                claims.append(parts.size(label, heading, cell, sizes[column], part, printed_size))
            if column not in counting or says_nothing(cell.text):
                continue
            role = counting[column]
            name = role.of.replace("{}", label)
            if part is None:
                found, lead = _priced(known, name, size or role.size, place, priced, trained_on), TOTAL
            elif isinstance(part, Unclear):
                found, lead = part, TOTAL
            else:
                found, lead = parts.priced(part, size, place), part
            doubt = _goes_on(table, row, column) or (no_size if role.quantity == "ops" else "")  # params: of any input
            entries.append(_Entry(name, column, cell, place, found, lead, doubt))
    halves = [f"{table.columns[at]!r} prints half of a count" for at, role in counting.items() if role.divided == 2]
    notes = [*of_what, *halves, *left_out(table, roles, columns, sized)]
    commas = _with_commas(table, entries, counting, priced, notes)
    for column, role in counting.items():
        if scale := _scale_of([one for one in entries if one.column == column], role, column in commas, priced):
            counting[column] = role._replace(scale=scale)
            notes.append(f"{table.columns[column]!r} does not say its scale: read in {scale}, as its counts are whole")
    read, unread = _claimed(table, entries, counting, commas)
    claims += read
    if not claims and (first := next((one for one in unread if one.column), None)):
        raise ConvcostError(f"{first.place}: {first.why}; no other cell of the table can be read")
    return Claims(Path(table.source).name, table.source, claims, priced, unread, notes, quotes=True)


_SCORES = re.compile(r"\b(?:m?ap|m?iou|pq|box|mask)(?:[0-9_]|\b)", re.IGNORECASE)
_OF_CLASSES = re.compile(r"\b(?:top|acc|accuracy|err|error)\b", re.IGNORECASE)


def _built_on(table: RawTable, title: int | None, taken: Collection[int | None]) -> Unclear | None:
    """Why rows that are backbones are none of these networks: scores of detection or segmentation are another's."""
    if title is None or title in taken:
        return None
    score = next((one for one in table.columns if _SCORES.search(one)), None)
    if not score or not is_backbone(table.columns[title]) or any(map(_OF_CLASSES.search, table.columns)):
        return None
    return Unclear(f"{table.columns[title]!r} is what the network that has {score!r} is built on, and not all of it")


def _without_shares(table: RawTable, counting: dict[int, Role]) -> list[str]:
    """Leave out the columns that print shares, where it is not known of what, and say so of each."""
    shared = [column for column, role in counting.items() if role.quantity in OF]
    for column in shared:
        del counting[column]
    said = [f"{table.columns[column]!r} prints shares: say with --network of which network" for column in shared]
    if said and not counting:
        raise ConvcostError(f"{table.place}: {said[0]}")
    return said


class _Entry(NamedTuple):
    """A cell of a column that counts, and what its row is about, as `_priced` has it."""

    name: str
    column: int
    cell: Cell
    place: str
    found: str | Unclear
    lead: str
    doubt: str


def _claimed(
    table: RawTable, entries: Sequence[_Entry], counting: Mapping[int, Role], commas: Collection[int]
) -> tuple[list[Claim], list[Unread]]:
    """What the cells claim; and the cells that cannot be read, and the rows of which it is not known what they are."""
    claims = []
    unread: dict[tuple[str, str, str], Unread] = {}
    for one in entries:
        heading, role = table.columns[one.column], counting[one.column]
        try:
            printed = _number(one.cell, role, heading, one.column in commas, one.doubt)
        except _UnreadError as error:
            place = one.cell.place
            unread[one.name, place, heading] = Unread(one.name, str(error), place, heading, one.cell.text)
            continue
        among = one.found.references if isinstance(one.found, Unclear) else ()
        if isinstance(one.found, Unclear) and not among:
            unread.setdefault((one.name, one.place, ""), Unread(one.name, one.found.why, one.place))
            continue
        about = (one.name, heading, one.cell.text, role.quantity, among[0] if among else str(one.found), one.lead)
        claims.append(Claim(*about, printed, place=one.place, among=among))
    return claims, list(unread.values())


def _scale_of(entries: Sequence[_Entry], role: Role, commas: bool, priced: Priced) -> str:
    """The scale of a column that says none, "" if its numbers stand as they are, or if nothing tells.

    Scales are a thousandfold apart: it is the one that brings two of three numbers near to the plain counts of their
    networks.
    """
    if role.scale or role.quantity in OF:
        return ""
    printed = {}
    for one in entries:
        with suppress(ConvcostError):
            printed[one] = number(one.cell.text, commas=commas)
    if any(each.scale for each in printed.values()):
        return ""
    fits: Counter[str] = Counter()
    known = 0
    for one, count in _plain_counts(printed, role, priced):
        known += 1
        fits.update(scale for scale, factor in _SCALES.items() if _near(factor * printed[one].value(), count))
    likeliest, often = max(fits.items(), key=lambda item: item[1], default=("", 0))
    return likeliest if 3 * often >= 2 * known else ""


def _with_commas(
    table: RawTable, entries: Sequence[_Entry], counting: Mapping[int, Role], priced: Priced, notes: list[str]
) -> set[int]:
    """The columns whose commas are decimal points; what is seen by their counts alone is noted."""
    says = {column: decimal_commas(row.cells[column].text for row in table.rows) for column in counting}
    # One column in which they can be nothing else says it of those in which they could be both.
    whole = True in says.values() and False not in says.values()
    commas = {column for column, told in says.items() if told or whole}
    for column in (column for column in counting if column not in commas):
        if says[column] is None and _thousandths([o for o in entries if o.column == column], counting[column], priced):
            commas.add(column)
            notes.append(f"{table.columns[column]!r}: commas are read as decimal points, as its counts say")
    return commas


def _thousandths(entries: Sequence[_Entry], role: Role, priced: Priced) -> bool:
    """Whether the commas of a column that could be both are decimal points.

    They are if that, and not the other, brings two of three numbers near to the plain counts of their networks.
    """
    near = {False: 0, True: 0}
    known = 0
    for one, count in _plain_counts([one for one in entries if "," in one.cell.text], role, priced):
        known += 1
        for commas in near:
            with suppress(ConvcostError):
                near[commas] += _near(number(one.cell.text, scale=role.scale, commas=commas).value(), count)
    return known > 0 and 3 * near[True] >= 2 * known and not near[False]


def _plain_counts(entries: Iterable[_Entry], role: Role, priced: Priced) -> Iterator[tuple[_Entry, int]]:
    """The cells whose networks are known, with their plain counts; of bytes and memory there is none that is usual."""
    for one in entries:
        if role.quantity in ("params", "ops", "activations") and isinstance(one.found, str):
            count = exact(priced[one.found][1], one.lead, PLAIN[role.quantity])
            if count is not None:
                yield one, count


def _near(value: Fraction, count: int) -> bool:
    """Whether a number is within a factor of three of a count."""
    return count <= 3 * value <= 9 * count


class _Parts:
    """What the rows of a table are about if they are parts of one network, that is said or that they name."""

    def __init__(self, table: RawTable, said: Said, title: int | None, priced: Priced) -> None:
        self.known, self.priced_ = said.known, priced
        labels = [row.cells[title].text for row in table.rows] if title is not None else []
        self.labels = labels
        network = said.network
        found: str | Unclear | None = None
        if network:
            own = self.known.networks.get(network)
            found = resolve(own).name if own else self.known.reference(network)
            if isinstance(found, Unclear):
                raise SaidError(f"--network {network}: {found.why}")
        elif not any(map(self.known.recognises, labels)):
            found = network_of(labels)
        self.why = found if isinstance(found, Unclear) else None
        self.reference = found if isinstance(found, str) else ""
        self.parts: list[str | Unclear] = []
        if self.reference:
            priced.setdefault(self.reference, price_reference(self.reference))
            self.parts = parts_of(priced[self.reference][1], labels)

    @property
    def layers(self) -> bool:
        """Whether rows are layers."""
        return any(isinstance(part, str) and part != TOTAL for part in self.parts)

    def of_row(self, number: int) -> str | Unclear | None:
        """The scope or TOTAL of a row, None for a row that is a network of its own."""
        if not self.reference:
            return self.why
        if not self.labels:
            return TOTAL
        label = self.labels[number]
        if said := self.known.said_of(label):
            return said if is_part(self.priced_[self.reference][1], said) else None
        part = self.parts[number]
        return None if isinstance(part, Unclear) and self.known.recognises(label) else part

    def priced(self, part: str, size: tuple[int, ...], place: str) -> str | Unclear:
        """The network of a part; of all of it, on the input of the row."""
        if part != TOTAL or not size:
            return self.reference
        placed = self.known.placed(self.reference, size)
        return placed if isinstance(placed, Unclear) else _priced(self.known, placed, (), place, self.priced_)

    def size(self, label: str, heading: str, cell: Cell, what: str, part: str, printed: tuple[int, ...]) -> Claim:
        """The claim of a printed size of a layer, (H, W, C) or (C, H, W)."""
        line = line_of(self.priced_[self.reference][1], part)
        channels_first = line.inputs[0] if what == "input" else line.shape
        shape = as_printed(channels_first)
        fits = shape[: len(printed)] == printed or tuple(channels_first) == printed
        return Claim(label, heading, cell.text, what, self.reference, part, None, shape, fits, cell.place)


def _size(table: RawTable, row: Row, sized: int | None) -> tuple[tuple[int, ...], str]:
    """The input that a row prints, () if none; and why it is not read, if it is not."""
    if sized is None or says_nothing(row.cells[sized].text):
        return (), ""
    text, title = row.cells[sized].text, table.columns[sized]
    size = input_size(text)
    said = f"{text[:60]!r} is no input size such as 224, 224x224 or 3x224x224, which {title!r} prints"
    return (size, "") if size is not None else ((), f"{said} (or --map {title}=skip)")


def _goes_on(table: RawTable, row: Row, column: int) -> str:
    """Why a cell may be half of a number, as two columns under one title print those aligned at the point; or ""."""
    for left, right in ((column, column + 1), (column - 1, column)):
        if left >= 0 and right < len(row.cells) and table.columns[right] in ("", table.columns[left]):
            first, second = row.cells[left].text, row.cells[right].text
            if _WHOLE.search(first) and _REST.match(second):
                return f"{first!r} and {second!r} beside it may be one number"
    return ""


class _UnreadError(ConvcostError):
    """A cell that cannot be read; the message is without its place."""


def _number(cell: Cell, role: Role, title: str, commas: bool, doubt: str) -> Printed:
    """The count of a cell; `doubt` says why it is not taken as it stands: its row's input is not read, for one."""
    text = of_one_view(cell.text) if times_views(title) else cell.text
    try:
        printed = number(text, scale=role.scale, commas=commas)._replace(divided=role.divided)
    except ConvcostError as error:
        raise _UnreadError(str(error)) from None
    shares = role.quantity in OF
    if printed.unit not in _UNITS[OF.get(role.quantity, role.quantity)] or (printed.scale == "%") != shares:
        raise _UnreadError(f"{cell.text!r} is no count of {role.quantity}, which {title!r} prints")
    if shares and printed.decimals > MOST_DECIMALS:
        raise _UnreadError(f"{cell.text!r} has more than {MOST_DECIMALS} decimals")
    if not shares and printed.value().denominator != 1:
        raise _UnreadError(
            f"{title} {cell.text}: a count is whole; say its scale: M, for one, in the cell, the column's title, "
            f"or as --map '{title}={role.quantity} in M'"
        )
    if doubt:
        raise _UnreadError(doubt)
    return printed


def _priced(
    known: Known, name: str, size: tuple[int, ...], place: str, priced: Priced, trained_on: str = ""
) -> str | Unclear:
    """The network of a row, priced; what a user said wrongly of it is an error, what the table says is unclear."""
    if not name.strip():
        return Unclear("this row has no name, or one that is struck out")
    try:
        found = known.reference(name, size)
    except ConvcostError as error:
        raise SaidError(f"{place}: {error}") from None
    if trained_on and isinstance(found, str) and not known.says(name):
        found = of_data(found, name, trained_on, known)
    if isinstance(found, Unclear):
        among = found.references if len(found.references) <= _MOST_AMONG else ()
        return found._replace(references=tuple(one for one in among if _is_priced(one, priced)))
    if found not in priced:
        try:
            with unwarned():  # it is the table's, and as it is
                priced[found] = price_reference(found)
        except ConvcostError as error:
            if known.says(name):
                raise SaidError(f"{place}: {error}") from None
            return Unclear(str(error))
    return found


def _is_priced(reference: str, priced: Priced) -> bool:
    """Whether a network can be priced, as it is from then on."""
    if reference not in priced:
        with suppress(ConvcostError), unwarned():
            priced[reference] = price_reference(reference)
    return reference in priced
