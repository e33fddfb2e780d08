"""A user's own table as claims: which column prints what, and which network each row is about.

Nothing is guessed. A title that is no count is passed over, two columns of one quantity have to be told apart, and a
row whose name could mean two networks, or says more than a network's name, is not audited but told with its candidates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from convcost.cost import Cost
from convcost.errors import ConvcostError, did_you_mean
from convcost.network import Network
from convcost.printed import Printed, absent, parse
from convcost.published.alternatives import RESOLUTIONS
from convcost.published.claims import Claim, Claims, Priced, Unread
from convcost.published.grid import Cell, RawTable
from convcost.published.headings import candidates, quantity_of
from convcost.published.readings import Reading
from convcost.published.tables import TOTAL, price_reference
from convcost.spec.library import resolve, shipped_networks
from convcost.spec.model import Spec

ALIASES = {"inception_v1": "googlenet", "seresnet50": "se_resnet50", "seresnet101": "se_resnet101"}
_KINDS = {"params": "params", "macs": "ops", "flops": "ops", "ops": "ops"}
_UNITS = {"params": ("", "params"), "ops": ("", "macs", "flops", "ops")}
_MAPPING = re.compile(r"(?P<what>name|params|macs|flops|ops|skip)(?: in (?P<scale>[KMG]))?(?: of (?P<of>.*\{\}.*))?")
_MOST_NAMED = 6


class _Role(NamedTuple):
    """What a column prints, in which scale, and how the name of the network is made from the row's."""

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
        table: see `convcost.published.tablefile.read_table`.
        columns: what columns print, by title: name, params, macs, flops, ops or skip; perhaps with a scale ("params
            in M"), and with a pattern of the name ("ops of SE-{}": the column is about the SE network of the row's).
        names: the networks that rows are about, by their printed name: "resnet50@v1.5", "resnet34 shortcut=A".
        specs: spec files whose networks are known by name as well.

    Raises:
        ConvcostError: a column or name that there is not, columns that cannot be told apart, a cell that is no number.
    """
    roles = _roles(table, columns or {})
    title = _name_column(table, roles, columns or {})
    counting = {column: role for column, role in enumerate(roles) if role is not None}
    if not counting:
        hint = f"its columns are {', '.join(map(repr, table.columns))}; say which with --map TITLE=params|ops"
        raise ConvcostError(f"{table.place}: no column of params, macs or flops; {hint}")
    known = _Known(specs, names or {})
    priced: Priced = {}
    claims: list[Claim] = []
    unread: dict[tuple[str, str], Unread] = {}
    for row in table.rows:
        label = row.cells[title].text
        for column, role in counting.items():
            cell = row.cells[column]
            if absent(cell.text):
                continue
            printed = _number(cell, role, table.columns[column])
            name = role.of.replace("{}", label)
            found = known.reference(name)
            if isinstance(found, _Unknown):
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
        raise ConvcostError(
            f"--map {title}={text}: write name, params, macs, flops, ops or skip, perhaps 'in M' and 'of SE-{{}}'"
        )
    if found["what"] in ("name", "skip"):
        return None
    return _Role(_KINDS[found["what"]], found["scale"] or scale, found["of"] or "{}")


def _name_column(table: RawTable, roles: Sequence[_Role | None], mapped: Mapping[str, str]) -> int:
    said = [table.columns.index(title) for title, text in mapped.items() if text.strip() == "name"]
    if len(said) > 1:
        raise ConvcostError(f"{table.place}: two columns cannot both be the name")
    if said:
        return said[0]
    known = _Known((), {})

    def recognised(column: int) -> int:
        return sum(bool(known.candidates(row.cells[column].text)) for row in table.rows)

    free = [column for column, role in enumerate(roles) if role is None]
    best = max(free, key=recognised, default=None)
    if best is None:
        raise ConvcostError(f"{table.place}: no column of network names; say which with --map TITLE=name")
    return best if recognised(best) else free[0]


def _number(cell: Cell, role: _Role, title: str) -> Printed:
    printed = parse(cell.text, scale=role.scale, where=cell.place)
    if printed.unit not in _UNITS[role.quantity] or printed.scale == "%":
        raise ConvcostError(f"{cell.place}: {cell.text!r} is no count of {role.quantity}, which {title!r} prints")
    return printed


def _price(reference: str, place: str) -> tuple[Network, Cost]:
    try:
        return price_reference(reference)
    except ConvcostError as error:
        raise ConvcostError(f"{place}: {error}") from None


# -- names -------------------------------------------------------------------------------------------------------


class _Unknown(NamedTuple):
    why: str


class _Known:
    """The networks that rows can be about, by name."""

    def __init__(self, specs: Sequence[Path], names: Mapping[str, str]) -> None:
        self.names = {_plain(name): reference for name, reference in names.items()}
        self.said = {_plain(name): name for name in names}
        self.used: set[str] = set()
        self.networks = {reference.network: reference.network for reference in shipped_networks()}
        for path in specs:
            spec = Spec.read(path)
            self.networks.update({network: f"{path}:{network}" for network in spec.networks})

    def candidates(self, name: str) -> list[str]:
        return [candidate.name for candidate in candidates(name, self.networks, self._aliases)]

    @property
    def _aliases(self) -> dict[str, str]:
        return {alias: name for alias, name in ALIASES.items() if name in self.networks}

    def reference(self, name: str) -> str | _Unknown:
        """The network that a printed name means, on the input that it names; or why that is not known."""
        if _plain(name) in self.names:
            self.used.add(self.said[_plain(name)])
            return self.names[_plain(name)]
        found = candidates(name, self.networks, self._aliases)
        meant: list[str] = []
        left: set[str] = set()
        for candidate in found:
            reference = self._full(self.networks[candidate.name])
            if set(candidate.assumed) - {"v1"}:
                continue
            side, rest = self._explained(reference, candidate.residue)
            left |= set(rest)
            if not rest:
                meant.append(f"{reference} input=3x{side}x{side}" if side else reference)
        if len(meant) == 1:
            return meant[0]
        say = "say which with --name"
        if meant:
            return _Unknown(f"could be {' or '.join(meant)}: {say}")
        if left:
            words = ", ".join(repr(word) for word in sorted(left))
            return _Unknown(f"is {' or '.join(c.name for c in found)} but for {words}: {say}")
        begins = [known for known in self.networks if _squashed(known).startswith(_squashed(name))] if name else []
        if begins:
            more = ", ..." * (len(begins) > _MOST_NAMED)
            return _Unknown(f"could be {', '.join(begins[:_MOST_NAMED])}{more}: {say}")
        return _Unknown("no network of that name is known")

    def _full(self, name: str) -> str:
        return resolve(name).name if name in self.networks and name == self.networks[name] else name

    def _explained(self, reference: str, residue: Sequence[str]) -> tuple[int, list[str]]:
        """The input size among what a name says beyond the network's, and what neither that nor a knob explains."""
        found = resolve(reference)
        settings = found.spec.settings(found.network, found.variant, {})
        side, rest = 0, []
        for word in residue:
            number = re.fullmatch(r"(?P<letter>[a-z]?)(?P<value>[0-9]+(?:\.[0-9]+)?)", word)
            if number is None:
                rest.append(word)
            elif number["letter"]:
                knobs = [v for name, v in settings.items() if name.startswith(number["letter"])]
                rest += [] if Fraction(number["value"]) in knobs else [word]
            elif word.isdigit() and int(word) in RESOLUTIONS and not side:
                side = int(word)
            elif Fraction(word) != settings.get("width", 1):
                rest.append(word)
        return side, rest


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _squashed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
