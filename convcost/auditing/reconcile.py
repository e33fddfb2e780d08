"""Reconcile a claimed number: what makes it true, the shortest description first, or that it could be chance.

A candidate is a network on an input (for a name: its variants, knobs, usual resolutions and classes; without one: every
shipped network in every variant), and for each claimed quantity a reading. What a candidate assumes is priced in bits
(`convcost.auditing.prices`), as a table of one row is. A claim is explained if that is cheaper, by a stated margin,
than to take it for an error or for a count of something that is none of ours; if not, it is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import log2
from typing import Any, NamedTuple, TypeAlias

from convcost.auditing.axes import Axis, axis_of, kind_of, of_another_rule, price_of_zeros
from convcost.auditing.chance import chance
from convcost.auditing.evidence import sure
from convcost.auditing.hypotheses import Candidate, Costs, Subject, family_bits, reference, shared_bits
from convcost.auditing.prices import COMMON_CLASSES, NEAR, ODDS, bits, raw
from convcost.auditing.ratios import Against, pairs
from convcost.auditing.rows import Row, Shared
from convcost.errors import ConvcostError
from convcost.network import Network, every_variant
from convcost.printed.numbers import Printed, parse
from convcost.published.claims import QUANTITY_OF, Claim
from convcost.published.layers import leads_of
from convcost.published.quotients import QUOTIENTS
from convcost.published.readings import PLAIN, Reading, counted, residual
from convcost.published.tables import TOTAL
from convcost.spec.catalog import shipped, shipped_files

_NEAREST = 5
_MOST = 200
"""Explanations that are told to programs."""
_WAYS = 3
"""Readings of each number of a candidate that are told."""
_KIND = "of several sources"


class Meant(NamedTuple):
    """One claimed number as a match has it."""

    printed: Printed
    reading: Reading
    exact: int
    residual: Fraction = Fraction(0)


class Match(NamedTuple):
    """A set of assumptions under which every claimed number holds, or nearly."""

    bits: float
    """What the assumptions cost together."""
    networks: tuple[str, ...]
    """What has these exact counts, the most ordinary first; as `load` reads it."""
    input: tuple[int, ...]
    assumed: tuple[str, ...]
    meant: tuple[Meant, ...]


class Reconciled(NamedTuple):
    """What makes a claim true, and how sure that is."""

    claims: tuple[Printed, ...]
    name: str
    """The network asked about; '' for all."""
    matches: tuple[Match, ...]
    nearest: tuple[Match, ...]
    """Without any match: those with the smallest residuals, under the plain readings."""
    networks: int
    """How many networks, each on one input, were tried."""
    margin: float = 0.0
    """Bits by which the first match is cheaper than an error in print, or a count that is none of ours."""
    chance: Fraction = Fraction(1)
    """The part of all numbers of this form within 15 % that a match as cheap would explain."""
    unread: tuple[str, ...] = ()
    """Numbers that the text says besides, of which nothing is claimed that is read."""

    @property
    def explained(self) -> bool:
        """Whether the first match is an explanation, and not perhaps chance."""
        return bool(self.matches) and sure(self.margin)

    def __repr__(self) -> str:
        claims, where = " and ".join(map(str, self.claims)), self.name or f"{self.networks} networks"
        first = (
            f"{self.matches[0].networks[0]} first of {len(self.matches)}" if self.matches else "nothing makes it true"
        )
        return f"<Reconciled {claims} of {where}: {first}{'' if self.explained else ', perhaps chance'}>"


def claimed(text: str, quantity: str = "") -> tuple[str, Printed]:
    """A claimed number and what it counts, params or ops: "3.8 GFLOPs", or "4.12G" with the quantity said.

    Raises ConvcostError where the text is no number, or what it counts is not said or cannot be.
    """
    printed = parse(text)
    own = QUANTITY_OF.get(printed.unit, "") if printed.unit else quantity
    own = quantity if quantity == "memory" and own == "bytes" else own
    if not own and not printed.unit:
        raise ConvcostError(f"{text!r}: a number of what? write --params {text}, --macs {text}, or the unit behind it")
    if not own or (quantity and own != quantity) or printed.scale == "%":
        raise ConvcostError(f"{text!r} is no count of {quantity or 'params or multiply-adds'}")
    if printed.value().denominator != 1:
        raise ConvcostError(f"{text!r}: a count is whole; say its scale, as in {printed.numeral}M")
    return own, printed


Each: TypeAlias = Callable[[Sequence[str]], Iterable[str]]
"""What goes through names of networks: `iter`, or one that shows how far it is."""


def reconcile(
    claims: Mapping[str, Printed],
    network: Network | None = None,
    each: Each = iter,
    part: str = "",
    against: Against | None = None,
) -> Reconciled:
    """Everything that makes the claimed numbers (by quantity, params, ops and bytes) true at once.

    Args:
        claims: see `claimed`.
        network: the network that they are claimed of; None searches every shipped network and variant.
        each: goes through the networks that are searched.
        part: the part of the network that they are claimed of, see `convcost.published.layers.leads_of`.
        against: what the network is compared with, where they are ratios.

    Raises:
        ConvcostError: nothing is claimed, or 0, or something of a part of no network.
    """
    if not claims:
        raise ConvcostError("nothing is claimed: give --params, --macs, or a number with its unit")
    if (nothing := next((one for one in claims.values() if not one.digits), None)) is not None:
        raise ConvcostError(f"{nothing}: no network has nothing to count; a claim is a number above 0")
    if part and network is None:
        raise ConvcostError(f"the {part} of which network?")
    found = search(claims, network, each, part, against)
    named = [reference(one, one.input) for one in (network, against and against.network) if one]
    return Reconciled(
        tuple(claims.values()),
        " against ".join(named),
        found.matches(),
        () if found.printed.any() else found.nearest(),
        len(found.candidates),
        found.margin(),
        found.chance(),
    )


def search(
    claims: Mapping[str, Printed],
    network: Network | None = None,
    each: Each = iter,
    part: str = "",
    against: Against | None = None,
) -> Search:
    """All hypotheses about the claimed numbers, as arrays."""
    cells = [Claim("", "", str(one), quantity, "", part or TOTAL, one) for quantity, one in claims.items()]
    axes = {kind_of(cell): axis_of(kind_of(cell), [cell]) for cell in cells}
    if network is None:
        return Search(cells, axes, *_all(axes, each))
    if against is not None:
        single = [cell._replace(quantity=QUOTIENTS[cell.quantity]) for cell in cells]
        divided = {kind_of(cell): axis_of(kind_of(cell), [cell]) for cell in single}
        first, second = (_of(one, single, divided) for one in (network, against.network))
        return Search(cells, axes, *pairs(first, second, axes, against.less))
    if part:
        return Search(cells, axes, *_of_part(network, cells, axes, part))
    found = Search(cells, axes, *_of(network, cells, axes))
    worth = sum(bits(_KIND, "wrong") + raw(printed.digits) for printed in claims.values())
    if sure(found.margin()) or worth < bits("knob", "two edits") + ODDS:
        return found
    return Search(cells, axes, *_of(network, cells, axes, edits=True))


def _of_part(
    network: Network, cells: Sequence[Claim], axes: Mapping[str, Axis], part: str
) -> tuple[list[Candidate], Any]:
    """All that a part of a network may be, and what each costs: they share the price of being that part."""
    import numpy as np

    candidates: list[Candidate] = []
    prices = []
    leads = leads_of(network.price(), part)
    for lead in leads:
        found, own = _of(network, [cell._replace(lead=lead) for cell in cells], axes)
        candidates += [one._replace(label=f"{one.label} {lead}") for one in found]
        prices.append(own + log2(len(leads)))
    return candidates, np.concatenate(prices)


def _of(
    network: Network, cells: Sequence[Claim], axes: Mapping[str, Axis], *, edits: bool = False
) -> tuple[list[Candidate], Any]:
    """A network, its variants, knobs, inputs and classes, perhaps its edits, and what each costs."""
    import numpy as np

    subject = Subject(network, network.price(), cells[0].lead, list(axes.values()))
    row = Row(cells, subject, [axes[kind_of(cell)] for cell in cells])
    row.add(subject.far)
    row.add(subject.with_classes(COMMON_CLASSES))
    if edits:
        row.add([*subject.edited, *subject.edited_twice()])
    every = [network.variant, *(one.variant for one in subject.variants)]
    own = row.own_bits(Shared())
    family = [family_bits(one.variant, network.variant, every) + bits("variant", "shared") for one in row.candidates]
    return row.candidates, own + np.array(family) + shared_bits(None, None)


_MOST_KNOWN = 4
_KNOWN: dict[tuple[object, ...], tuple[list[Candidate], Any]] = {}
"""All shipped networks, by what was asked of them: whoever asks again does not wait for them once more."""


def _all(axes: Mapping[str, Axis], each: Each) -> tuple[list[Candidate], Any]:
    """Every shipped network in every variant, and what each costs."""
    asked = tuple((axis.quantity, axis.measures, axis.parts) for axis in axes.values())
    if asked not in _KNOWN:
        if len(_KNOWN) == _MOST_KNOWN:
            del _KNOWN[next(iter(_KNOWN))]
        _KNOWN[asked] = _counted(list(axes.values()), each)
    return _KNOWN[asked]


def _counted(axes: Sequence[Axis], each: Each) -> tuple[list[Candidate], Any]:
    """The same, counted now."""
    import numpy as np

    found: list[Candidate] = []
    prices: list[float] = []
    default: dict[str, str | None] = {}
    every = {network.name: network for path in shipped_files() for network in every_variant(shipped(path))}
    among = log2(len({network.network for network in every.values()}))
    known: dict[int, Costs] = {}
    for network in map(every.pop, each(list(every))):  # and its graph is forgotten when it has been counted
        costs = known.get(id(network.spec)) or Costs()
        known = {id(network.spec): costs}  # variants share structures, and nothing else does
        cost = costs.require(network)
        first = default.setdefault(network.network, network.variant)
        near = Subject(network, cost, TOTAL, axes, costs).itself()
        found += near
        variants = list(network.spec.variants_of(network.network))
        family = family_bits(network.variant, first, variants)
        prices += [among + family + one.bits for one in near]
    return found, np.array(prices)


class Search:
    """Candidates, readings and claims as arrays."""

    def __init__(
        self, cells: Sequence[Claim], axes: Mapping[str, Axis], candidates: Sequence[Candidate], own: Any
    ) -> None:
        import numpy as np

        self.candidates = candidates
        self.claims = [cell.printed for cell in cells if cell.printed]
        self.axes = [axes[kind_of(cell)] for cell in cells]
        self.own = own
        self.counts = [np.array([one.counts[axis.quantity] for one in candidates]) for axis in self.axes]
        self.prices = []
        for axis, printed in zip(self.axes, self.claims, strict=True):
            zeros = np.tile(price_of_zeros(axis, printed), len(axis.bits) // len(axis.ways))
            self.prices.append(axis.bits + zeros + bits("column", _KIND) + bits(_KIND, "printed"))
        self.prints = []
        for axis, counts, printed in zip(self.axes, self.counts, self.claims, strict=True):
            low, high = axis.bounds(printed)
            held = (counts[:, :, None] >= low) & (counts[:, :, None] <= high)
            self.prints.append(held.reshape(len(candidates), -1))
        least = [
            np.where(held, price, np.inf).min(axis=1) for held, price in zip(self.prints, self.prices, strict=True)
        ]
        self.least = own + sum(least)
        self.printed = np.isfinite(self.least)

    def margin(self) -> float:
        """By how much the best explanation is cheaper than the best description in which a number is not printed."""
        if not self.printed.any():
            return 0.0
        import numpy as np

        missed = []
        for axis, counts, printed, held, price in zip(
            self.axes, self.counts, self.claims, self.prints, self.prices, strict=True
        ):
            price_of_miss = _missed(axis, counts, printed) - bits(_KIND, "printed")
            missed.append(np.where(held, np.inf, price + price_of_miss).min(axis=1))
        least = [
            np.where(held, price, np.inf).min(axis=1) for held, price in zip(self.prints, self.prices, strict=True)
        ]
        ways = [
            self.own + sum(pair[way] for pair, way in zip(zip(least, missed, strict=True), chosen, strict=True))
            for chosen in product((0, 1), repeat=len(least))
            if any(chosen)
        ]
        unknown = bits("row", "unknown") + sum(raw(printed.digits) for printed in self.claims)
        return float(min(unknown, *(way.min() for way in ways)) - self.least.min())

    def chance(self) -> Fraction:
        """What else would have been explained as cheaply."""
        if not self.printed.any():
            return Fraction(1)
        return chance(self.axes, self.counts, self.claims, self.own, self.prices, float(self.least.min()))

    def matches(self) -> tuple[Match, ...]:
        """The explanations, the cheapest first; candidates of the same counts and readings are one."""
        import numpy as np

        found: dict[tuple[object, ...], Match] = {}
        for k in np.argsort(self.least, kind="stable")[: int(self.printed.sum())]:
            ways = []
            for held, price in zip(self.prints, self.prices, strict=True):
                holding = np.flatnonzero(held[k])
                ways.append(holding[np.argsort(price[holding], kind="stable")][:_WAYS])
            for chosen in product(*ways):
                match = self._match(int(k), [int(one) for one in chosen])
                key = (match.assumed[1:], *((meant.exact, meant.reading) for meant in match.meant))
                if key in found:
                    networks = dict.fromkeys((*found[key].networks, *match.networks))
                    found[key] = found[key]._replace(networks=tuple(networks))
                else:
                    found[key] = match
            if len(found) > _MOST:
                break
        return tuple(sorted(found.values(), key=lambda match: match.bits))

    def nearest(self) -> tuple[Match, ...]:
        """What comes nearest under the plain readings."""
        plain = [axis.number(PLAIN[axis.quantity]) for axis in self.axes]
        every = [self._match(k, plain) for k in range(len(self.candidates))]
        every.sort(key=lambda match: (sum(abs(m.residual) / max(m.exact, 1) for m in match.meant), match.bits))
        distinct = {tuple(meant.exact for meant in match.meant): match for match in reversed(every)}
        return tuple(list(distinct.values())[: -_NEAREST - 1 : -1])

    def _match(self, k: int, readings: Sequence[int]) -> Match:
        candidate = self.candidates[k]
        meant = []
        for axis, counts, printed, index in zip(self.axes, self.counts, self.claims, readings, strict=True):
            reading = axis.reading(index)
            exact = int(counts[k, index // len(axis.ways)])
            meant.append(Meant(printed, reading, exact, residual(reading.interval(printed), exact)))
        price = float(self.own[k] + sum(price[index] for price, index in zip(self.prices, readings, strict=True)))
        said = [one for each in meant for one in _assumed(each)]
        assumed = tuple(dict.fromkeys((candidate.label, *said)))
        return Match(price, (candidate.label,), candidate.at, assumed, tuple(meant))


def _missed(axis: Axis, counts: Any, printed: Printed) -> float:
    """What a number costs that is not printed: as an error, or as a count of what is none of ours."""
    import numpy as np

    other = bits(_KIND, "another rule") + raw(printed.digits, NEAR)
    near = np.isfinite(of_another_rule(axis, counts, printed, 0.0)).any()
    source = bits(_KIND, "another source") + raw(printed.digits)
    error = bits(_KIND, "wrong") + bits("slip", "none of these") + raw(printed.digits)
    return min(error, other if near else source)


def _assumed(meant: Meant) -> Iterable[str]:
    """What a claimed number assumes beyond the plain reading, in words."""
    plain = PLAIN[meant.reading.quantity]
    return meant.reading.differences(plain) or [counted(plain.quantity, plain.measure)]
