"""Explanations of a whole network's printed totals: another input, another setting, or a part that is not counted.

What `convcost.auditing.explain` does for the layers of a row, for a row that is a network: its input sizes (all at
once, as an array), the values of its knobs, and its outermost scopes left out of the count; one such edit, or a knob
together with a scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from convcost.auditing.explain import MOST_EDITS, NEVER, SHOWN, Explanation, Explanations, Target, searchable
from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ConvcostError, unwarned
from convcost.network import Network
from convcost.ops import Params, Work
from convcost.published.claims import Claim
from convcost.published.readings import Reading
from convcost.values import show

_SIDES = range(32, 641, 2)
_CLASSES = (10, 100, 101, 200, 365, 1000, 1001, 21_841, 21_843)
_SCALES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(9, 10), Fraction(11, 10), Fraction(5, 4), 2)
_STEPS = (-3, -2, -1, 1, 2, 3)


class _Case(NamedTuple):
    """One edit, or none: its cost, and what it says for each candidate along the cost's arrays."""

    says: Sequence[str]
    near: Sequence[float]
    cost: Cost


def explain_network(
    network: Network, cost: Cost, group: Sequence[Claim], readings: Mapping[str, Reading]
) -> Explanations:
    """The smallest edits of a network that reproduce its printed totals; see `convcost.auditing.explain.explain`."""
    if refused := searchable(group, readings):
        return refused
    import numpy as np

    targets = [Target(claim, readings[claim.quantity]) for claim in group]
    found: list[tuple[int, float, Explanation]] = []
    tried = 0
    for case in _cases_of(network, cost, any(claim.quantity == "ops" for claim in group)):
        total = case.cost.total
        left_out = [("", 0.0, total)]
        if len(case.says) == 1:  # a size that nobody states and a scope left out explain nothing
            left_out += [(f"{line.name} not counted", 1.0, _without(total, line)) for line in _scopes(case.cost)]
        for says, change, line in left_out:
            slips = np.zeros(len(case.says), dtype="int64")
            for target in targets:
                slips = slips + target.slips(target.of(line), np)
            tried += slips.size
            weights, macs = (np.broadcast_to(value, slips.shape) for value in (line.weights, line.macs))
            for (i,) in np.argwhere(slips < NEVER):
                edits = tuple(filter(None, (case.says[i], says)))
                size = len(edits) + int(slips[i])
                if size > MOST_EDITS:
                    continue
                lost = tuple(said for target in targets if (said := target.told(int(_at(target.of(line), i)))))
                explanation = Explanation(size, edits, int(weights[i]), int(macs[i]), lost)
                found.append((size, case.near[i] + change, explanation))
    best = min((size for size, _, _ in found), default=NEVER)
    smallest = sorted((one for one in found if one[0] == best), key=lambda one: one[1])
    return Explanations(tuple(explanation for _, _, explanation in smallest[:SHOWN]), len(smallest), tried)


@lru_cache(maxsize=4)  # a table has many rows about few networks; a network with its edits is some megabytes
def _cases_of(network: Network, cost: Cost, sizes: bool) -> list[_Case]:
    return list(_cases(network, cost, sizes))


def _at(value: Any, i: int) -> Any:
    return value if isinstance(value, int) else value[i]


def _cases(network: Network, cost: Cost, sizes: bool) -> Iterator[_Case]:
    yield _Case([""], [0.0], cost)
    for name, value, now in _settings(network):
        try:
            with unwarned():
                changed = network.set(**{name: value}).price(cost.input)
        except ConvcostError:
            continue
        yield _Case([f"{name} = {show(value)} instead of {show(now)}"], [1.0], changed)
    if sizes and len(cost.input) == 3:  # channels and two axes
        import numpy as np

        now = cost.input[1]
        sides = np.array([side for side in _SIDES if side != now], dtype="int64")
        try:
            resized = network.price((cost.input[0], sides, sides))
        except ConvcostError:  # too small for one of the windows
            sides = sides[sides > now // 2]
            try:
                resized = network.price((cost.input[0], sides, sides))
            except ConvcostError:
                return
        said = [f"input {cost.input[0]}x{side}x{side}" for side in sides.tolist()]
        yield _Case(said, [abs(side - now) / now for side in sides.tolist()], resized)


def _settings(network: Network) -> Iterator[tuple[str, Any, Any]]:
    """Every knob with each plausible other value."""
    for name, now in network.settings.items():
        for value in _values(name, now, network.spec.knobs[name].choices):
            if value != now:
                yield name, value, now


def _values(name: str, now: Any, choices: Sequence[Any]) -> Iterator[Any]:
    if choices or isinstance(now, (bool, str)):
        yield from choices or ((False, True) if isinstance(now, bool) else ())
    elif name == "classes":
        yield from _CLASSES
    elif isinstance(now, tuple):
        for i, part in enumerate(now):
            if isinstance(part, int):
                yield from ((*now[:i], part + step, *now[i + 1 :]) for step in _STEPS if part + step > 0)
    elif isinstance(now, (int, Fraction)):
        scaled = [now * scale for scale in _SCALES]
        yield from (value for value in scaled if isinstance(now, Fraction) or now == 1 or value == int(value))
        if isinstance(now, int):
            yield from (now + step for step in _STEPS if now + step > 0)


def _scopes(cost: Cost) -> list[Line]:
    """The outermost scopes that count for anything."""
    return [line for line in cost.fold(1) if not line.aux and (line.op is None or line.op.multiplies)]


def _without(total: Line, line: Line) -> Line:
    counts = Params(*(a - b for a, b in zip(total.counts, line.counts, strict=True)))
    work = Work(*(a - b for a, b in zip(total.work, line.work, strict=True)))
    return total._replace(counts=counts, work=work)
