"""What a reading comes to: the exact counts of a network, a scope or a part, under every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from convcost.cost.cost import Cost
from convcost.counters.line import SUMS, Line
from convcost.counters.rules import ACTIVATIONS, BYTES, OPS, PARAMS, Rule, rule
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.published.layerkinds import line_of
from convcost.published.quotients import OF, QUOTIENTS, quotient
from convcost.published.readings import ALL, NO_LINEAR, WITH_AUXILIARY, Reading, is_own
from convcost.published.tables import TOTAL


def counts(quantity: str) -> Sequence[str]:
    """The names of what is counted under a quantity, the most ordinary first."""
    from convcost.counters.releases import OF_A_TOOL

    quantity = QUOTIENTS.get(quantity, quantity)
    if quantity == "memory":
        from convcost.published.memories import MEASURES

        return list(MEASURES)
    if quantity in ("bytes", "activations"):
        return list(BYTES if quantity == "bytes" else ACTIVATIONS)
    own = PARAMS if quantity == "params" else OPS
    rules = {name: release.rule for name, release in OF_A_TOOL.items()}
    tools = [name for name, rule in rules.items() if rule.quantity == quantity]
    return [*own, *(name for name in tools if rules[name] not in own.values())]


def exact(cost: Cost, lead: str, reading: Reading) -> int | None:
    """The exact count of a scope, or of the whole network, under a reading; None if it has no such part."""
    if reading.quantity in OF:
        counting = reading._replace(quantity=OF[reading.quantity])
        part, whole = exact(cost, lead, counting), exact(cost, TOTAL, counting)
        return quotient(part, whole) if part is not None and whole else None
    if reading.quantity == "memory":
        count = int(_memories(cost, lead, [reading.measure], [reading.part])[0])
        return None if count < 0 else count
    known = _KNOWN.setdefault(cost, {})
    key = (lead, reading.part, reading.measure)
    if key not in known:
        known[key] = _count(cost, *key)
    return known[key]


_KNOWN: WeakKeyDictionary[Cost, dict[tuple[str, str, str], int | None]] = WeakKeyDictionary()
_AMOUNTS: WeakKeyDictionary[Cost, dict[tuple[str, str], dict[str, Int] | None]] = WeakKeyDictionary()
"""What was counted, for as long as somebody holds the cost: an audit asks for the same counts again and again."""


def _count(cost: Cost, lead: str, part: str, measure: str) -> int | None:
    counting = rule(measure)
    if is_own(measure):  # asked of a line itself: a table needs no kinds of work
        lines = part_of(cost, lead, part)
        return None if lines is None else int(sum(map(counting.of, lines)))
    amounts = _amounts(cost, lead, part)
    return None if amounts is None else int(_weighed(counting, amounts))


def counts_of(cost: Cost, lead: str, quantity: str, measures: Sequence[str], parts: Sequence[str]) -> Any:
    """What each measure counts of each part, as `amounts_of` has it; of a share, what part that is of the network's."""
    if quantity == "memory":
        return _memories(cost, lead, measures, parts)
    found = amounts_of(cost, lead, measures, parts)
    if quantity not in OF:
        return found
    import numpy as np

    whole = amounts_of(cost, TOTAL, measures, parts)
    return np.where((found >= 0) & (whole > 0), quotient(np.maximum(found, 0), np.maximum(whole, 1)), -1)


def _memories(cost: Cost, lead: str, measures: Sequence[str], parts: Sequence[str]) -> Any:
    """As `amounts_of`: of memory a network has no parts."""
    import numpy as np

    from convcost.published.memories import memories_of

    whole = memories_of(cost, measures) if lead == TOTAL and ALL in parts else np.full(len(measures), -1)
    found = np.full((len(measures), len(parts), *whole.shape[1:]), -1)
    if ALL in parts:
        found[:, parts.index(ALL)] = whole
    return found.reshape(-1, *whole.shape[1:])


def amounts_of(cost: Cost, lead: str, measures: Sequence[str], parts: Sequence[str]) -> Any:
    """What each measure counts of each part, -1 of one that there is not: an int64 array, the parts of the first first.

    A cost of arrays makes a second axis of theirs.
    """
    import numpy as np

    kinds, weights = _matrix(tuple(measures))
    columns = []
    for part in parts:
        amounts = _amounts(cost, lead, part)
        if amounts is None:
            columns.append(np.full((len(measures), 1), -1))
        else:
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


def _amounts(cost: Cost, lead: str, part: str) -> dict[str, Int] | None:
    """How much a part has of every kind of work, which all rules weigh, once for dozens of them; None if it is not."""
    known = _AMOUNTS.setdefault(cost, {})
    if (lead, part) not in known:
        lines = part_of(cost, lead, part)
        if lines is None:
            known[lead, part] = None
        elif part == NO_LINEAR and (every := _amounts(cost, lead, ALL)) is not None:
            # What is left out is less to count than what stays.
            left_out = _sums(row for row in cost.total.rows if row.operator == "linear")
            known[lead, part] = {kind: amount - left_out.get(kind, 0) for kind, amount in every.items()}
        else:
            known[lead, part] = _sums(row for line in lines for row in line.rows)
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
            return None if part else [line_of(cost, lead)]
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
    return (cost.total if lead == TOTAL else line_of(cost, lead)).rows
