"""Readings: the conventions under which a printed count can be meant, and what each comes to.

What is counted (`convcost.counters`: `PARAMS`, `OPS`, and the tools' ways; what is added there is tried here), which
part of a network, what K is, how digits were lost and whether last zeros are any: every combination is one `Reading`.
Nothing here decides which of them a table follows; see `convcost.auditing.evidence`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from math import ceil, floor
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from convcost.cost.cost import Cost
from convcost.counters.line import SUMS, Line
from convcost.counters.rules import ACTIVATIONS, BYTES, OPS, PARAMS, Rule, rule
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.printed.numbers import KILO, ROUNDINGS, Interval, Printed, Rounding
from convcost.published.tables import TOTAL, TableConvention

ALL = ""
NO_LINEAR = "without linear layers"
WITH_AUXILIARY = "with auxiliary heads"
PARTS = (ALL, NO_LINEAR, WITH_AUXILIARY)
"""What of a network is counted; of a scope it is always all."""

OWN = (*PARAMS, "macs", "flops2", *BYTES, *ACTIVATIONS)
"""Counts that are not one tool's."""
_SPOKEN: dict[str, str] = {
    "half_up": "rounded half up",
    "half_even": "rounded half to even",
    "truncated": "truncated",
    "up": "rounded up",
}
PADDED = "the last zero only fills the format"
NOT_MEANT = "last zeros are no digits"


class Reading(NamedTuple):
    """One way to read the printed counts of one quantity, params or ops."""

    quantity: str
    measure: str
    """A rule's name, or a tool's."""
    rounding: Rounding = "half_up"
    k: int = 1000
    part: str = ALL
    zeros: str = ""
    """What is said of last zeros: PADDED, NOT_MEANT or nothing."""

    def __str__(self) -> str:
        parts = [self.measure, self.part, f"K = {self.k}" if self.k != KILO[0] else "", _SPOKEN[self.rounding]]
        return ", ".join(filter(None, (*parts, self.zeros)))

    @classmethod
    def stated(cls, quantity: str, convention: TableConvention) -> Reading:
        """What a table's own convention says of a quantity."""
        measure = convention.params if quantity == "params" else convention.ops
        return cls(quantity, measure, convention.rounding, convention.k)

    def differences(self, plain: Reading) -> list[str]:
        """In what it differs from the plain reading, in words."""
        said = []
        if self.measure != plain.measure:
            said.append(counted(self.quantity, self.measure))
        if self.part != plain.part:
            said.append(self.part or "all layers")
        if self.k != plain.k:
            said.append(f"K = {self.k}")
        if self.rounding != plain.rounding:
            said.append(_SPOKEN[self.rounding])
        if self.zeros != plain.zeros:
            said.append(self.zeros or "last zeros are digits")
        return said

    def form(self, printed: Printed) -> Printed:
        """The number with the digits and the scale that are meant."""
        if self.k != KILO[0]:
            printed = printed.as_binary()
        if not self.zeros:
            return printed
        return printed.coarser(1 if self.zeros == PADDED else None) or printed

    def interval(self, printed: Printed) -> Interval:
        """The exact counts that are printed like this."""
        return _interval(self.form(printed), self.rounding)

    def holds(self, printed: Printed, exact: int) -> bool:
        """Whether `exact` is printed like this."""
        return exact in self.interval(printed)


PLAIN = {
    "params": Reading("params", "params"),
    "ops": Reading("ops", "macs"),
    "bytes": Reading("bytes", "params in 4 bytes"),
    "activations": Reading("activations", "activations"),
}
"""What a number means if nothing is said of it."""


@lru_cache(maxsize=65_536)  # every cell is asked about under hundreds of readings
def _interval(printed: Printed, rounding: Rounding) -> Interval:
    return printed.interval(rounding)


def counted(quantity: str, count: str) -> str:
    """What is counted, in words."""
    if count in OWN:
        return f"{quantity} are {rule(count).meaning.partition(':')[0]}"
    return f"as {count} counts"


def counts(quantity: str) -> Sequence[str]:
    """The names of what is counted under a quantity, the most ordinary first."""
    from convcost.counters.releases import OF_A_TOOL

    if quantity in ("bytes", "activations"):
        return list(BYTES if quantity == "bytes" else ACTIVATIONS)
    own = PARAMS if quantity == "params" else OPS
    rules = {name: release.rule for name, release in OF_A_TOOL.items()}
    tools = [name for name, rule in rules.items() if (rule.unit == "params") == (quantity == "params")]
    return [*own, *(name for name in tools if rules[name] not in own.values())]


def exact(cost: Cost, lead: str, reading: Reading) -> int | None:
    """The exact count of a scope, or of the whole network, under a reading; None if it has no such part."""
    known = _KNOWN.setdefault(cost, {})
    key = (lead, reading.part, reading.measure)
    if key not in known:
        known[key] = _count(cost, *key)
    return known[key]


_KNOWN: WeakKeyDictionary[Cost, dict[tuple[str, str, str], int | None]] = WeakKeyDictionary()
_AMOUNTS: WeakKeyDictionary[Cost, dict[tuple[str, str], dict[str, Int]]] = WeakKeyDictionary()
"""What was counted, for as long as somebody holds the cost: an audit asks for the same counts again and again."""


def _count(cost: Cost, lead: str, part: str, measure: str) -> int | None:
    lines = part_of(cost, lead, part)
    if lines is None:
        return None
    counting = rule(measure)
    # Ours are asked of a line itself: a table needs no kinds of work.
    return int(sum(map(counting.of, lines)) if measure in OWN else _weighed(counting, _amounts(cost, lead, part)))


def counts_of(cost: Cost, lead: str, measures: Sequence[str], parts: Sequence[str]) -> Any:
    """What each measure counts of each part, -1 of one that there is not: an int64 array, the parts of the first first.

    A cost of arrays makes a second axis of theirs.
    """
    import numpy as np

    kinds, weights = _matrix(tuple(measures))
    columns = []
    for part in parts:
        if part_of(cost, lead, part) is None:
            columns.append(np.full((len(measures), 1), -1))
        else:
            amounts = _amounts(cost, lead, part)
            every: Sequence[Any] = [amounts.get(kind, 0) for kind in kinds]
            if any(hasattr(one, "dtype") for one in every):
                every = np.broadcast_arrays(*every)
            columns.append(weights @ np.array(every, "int64").reshape(len(kinds), -1))
    most = max(column.shape[1] for column in columns)
    found = np.stack([np.broadcast_to(column, (len(measures), most)) for column in columns], axis=1)
    return found.reshape(len(measures) * len(parts), *[most] * (most > 1))


@cache
def _matrix(measures: tuple[str, ...]) -> tuple[Sequence[str], Any]:
    """The kinds that measures weigh, and how much each measure weighs each kind."""
    import numpy as np

    rules = [rule(measure) for measure in measures]
    kinds = list(dict.fromkeys(kind for one in rules for kind in one.weights))
    return kinds, np.array([[one.weights.get(kind, 0) for kind in kinds] for one in rules], "int64")


def _weighed(counting: Rule, amounts: Mapping[str, Int]) -> Int:
    return sum(weight * amounts.get(kind, 0) for kind, weight in counting.weights.items())


def _amounts(cost: Cost, lead: str, part: str) -> dict[str, Int]:
    """How much a part has of every kind of work, which all rules weigh: once for dozens of them."""
    known = _AMOUNTS.setdefault(cost, {})
    if (lead, part) not in known:
        if part == NO_LINEAR:
            # What is left out is less to count than what stays.
            every = _amounts(cost, lead, ALL)
            left_out = _sums(row for row in cost.total.rows if row.operator == "linear")
            known[lead, part] = {kind: amount - left_out.get(kind, 0) for kind, amount in every.items()}
        else:
            known[lead, part] = _sums(row for line in part_of(cost, lead, part) or () for row in line.rows)
    return known[lead, part]


def _sums(rows: Iterable[Line]) -> dict[str, Int]:
    """The amounts of lines together; of equal layers, which share what was evaluated, each is asked once."""
    same: dict[tuple[int, ...], list[Line]] = {}
    for row in rows:
        same.setdefault(tuple(map(id, (row.op, row.inputs, row.counts, row.work, row.after))), []).append(row)
    amounts: dict[str, Int] = {}
    for row, times in ((lines[0], len(lines)) for lines in same.values()):
        for kind, of in (*SUMS.items(), *_kinds_of(row.operator)):
            amounts[kind] = amounts.get(kind, 0) + times * of(row)
    return amounts


@cache
def _kinds_of(operator: str) -> list[tuple[str, Callable[[Line], Int]]]:
    from convcost.counters.kinds import KINDS

    return [(name, kind.of) for name, kind in KINDS.items() if operator in kind.operators]


def part_of(cost: Cost, lead: str, part: str = ALL) -> Sequence[Line] | None:
    """The lines that make up a part of a scope or network; None if there is no such scope, or no such part of it."""
    if lead != TOTAL:
        try:
            return None if part else [cost[lead]]
        except ConvcostError:
            return None
    if part == WITH_AUXILIARY:
        return None if cost.auxiliary is None else [cost.with_auxiliary]
    if part == NO_LINEAR:
        rows = [row for row in cost.rows if not row.aux]
        rest = [row for row in rows if row.operator != "linear"]
        return rest if len(rest) < len(rows) and any(row.op is not None and row.op.multiplies for row in rest) else None
    return [cost.total]


def rows_of(cost: Cost, lead: str) -> Sequence[Line]:
    """The rows of a scope, one per node, or of the whole network without auxiliary heads."""
    return (cost.total if lead == TOTAL else cost[lead]).rows


def whole(interval: Interval) -> tuple[int, int | None]:
    """The first and the last integer of an interval; (low, None) without an upper end."""
    low = ceil(interval.low) + (not interval.low_closed and interval.low.denominator == 1)
    if interval.high is None:
        return low, None
    return low, floor(interval.high) - (not interval.high_closed and interval.high.denominator == 1)


def residual(interval: Interval, exact: Int) -> Fraction:
    """How far `exact` is above (> 0) or below (< 0) the nearest count that is printed so; 0 inside."""
    low, high = whole(interval)
    if exact < low:
        return Fraction(exact - low)
    return Fraction(exact - high) if high is not None and exact > high else Fraction(0)


def any_rounding(printed: Printed, k: int) -> Interval:
    """What the number can stand for however it lost its digits: one unit of the last digit either way."""
    ways = [printed.interval(way, k) for way in ROUNDINGS]
    low = min(ways, key=lambda one: (one.low, not one.low_closed))
    high = max(ways, key=lambda one: (one.high is None, one.high or 0, one.high_closed))
    return Interval(low.low, high.high, low.low_closed, high.high_closed)
