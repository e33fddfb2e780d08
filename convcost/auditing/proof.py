"""Proofs that two printed cells of one row cannot both be right, whatever the channel counts.

Every multiply-add of a convolution or linear layer is one weight at one output position, so that a row whose layers
all work at H x W positions has ops = weights * H * W, and one whose layers differ has ops between weights times the
smallest and weights times the largest number of positions. The params are the weights and, if a table counts them,
biases and normalisation: at most so many of them for each output channel, which has at least one weight.

The intervals are the widest that the cells allow: any rounding, K = 1000 or 1024, every unit that the rest of the
table leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.line import SUMS
from convcost.counters.rules import OPS, PARAMS
from convcost.printed.numbers import KILO, Interval
from convcost.published.claims import Claim
from convcost.published.counting import rows_of
from convcost.published.readings import any_rounding, whole

_PER_CHANNEL = {"weights": 0, "biases": 1, "norm affine": 2, "norm stats": 2}
"""The most that a convolution, and a normalisation behind it, have of each for an output channel."""


def contradiction(cost: Cost, group: Sequence[Claim], units: Iterable[str], counting: Iterable[str]) -> str:
    """The proof that a row's params and ops cells exclude each other, or '' if they do not.

    Args:
        cost: of the network that the row is about.
        group: its printed counts.
        units: what its ops may be: keys of OPS. With another tool's count among them nothing is proved.
        counting: what its params may be: keys of PARAMS.
    """
    for params, ops, cases in _pairs(cost, group, units, counting):
        if all(_disjoint(case.needed, case.allowed) for case in cases):
            # Of all cases the last leaves params the most room.
            case = cases[-1]
            needed, allowed = _integers(case.needed), _integers(case.allowed)
            return f"{case.said(ops)} needs weights in {needed}, {params.text} allows {allowed}"
    return ""


def agreement(cost: Cost, group: Sequence[Claim], units: Iterable[str], counting: Iterable[str]) -> str:
    """That two cells of a row, neither of which is reproduced, agree with each other; '' if they do not."""
    for params, ops, cases in _pairs(cost, group, units, counting):
        for case in cases:
            if not _disjoint(case.needed, case.allowed):
                low = max(whole(case.needed)[0], whole(case.allowed)[0])
                high = min((top for _, top in map(whole, (case.needed, case.allowed)) if top is not None), default=None)
                has = sum(row.counts.weights for row in rows_of(cost, group[0].lead))
                if high is not None and low <= high and not low <= has <= high:
                    return (
                        f"{params.text} and {ops.text} agree with each other, at {low:,} to {high:,} weights, "
                        f"and not with the row, which has {has:,}"
                    )
    return ""


class _Case(NamedTuple):
    """The weights that an ops cell needs, and those that a params cell allows, in one unit and with one K."""

    unit: str
    positions: str
    needed: Interval
    allowed: Interval

    def said(self, ops: Claim) -> str:
        times = "2 x " * (self.unit == "flops2") + self.positions
        return f"{ops.text} at {times} positions"


def _pairs(
    cost: Cost, group: Sequence[Claim], units: Iterable[str], counting: Iterable[str]
) -> Iterator[tuple[Claim, Claim, list[_Case]]]:
    """Every pair of a params and an ops cell with what they say about the row's weights, for every unit and K."""
    lines = rows_of(cost, group[0].lead)
    rows = [row for row in lines if row.work.macs]
    units = sorted(units)
    if not rows or not set(units) <= set(OPS) or any(not row.counts.weights for row in rows):
        return
    positions = [Fraction(row.work.macs, row.counts.weights) for row in rows]
    present = [name for name in _PER_CHANNEL if any(SUMS[name](row) for row in lines)]
    extra = max(sum(_PER_CHANNEL[name] for name in PARAMS[count].weights if name in present) for count in counting)
    for params in group:
        for ops in group:
            if params.quantity == "params" and ops.quantity == "ops":
                yield params, ops, list(_cases(params, ops, min(positions), max(positions), units, extra))


def _cases(
    params: Claim, ops: Claim, fewest: Fraction, most: Fraction, units: Sequence[str], extra: int
) -> Iterator[_Case]:
    if params.printed is None or ops.printed is None:
        return
    at = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    for unit, k_ops, k in product(units, _kilo(ops), _kilo(params)):
        work, times = any_rounding(ops.printed, k_ops), OPS[unit].weights["macs"]
        high = None if work.high is None else work.high / times / fewest
        needed = Interval(work.low / times / most, high, work.low_closed, work.high_closed)
        printed = any_rounding(params.printed, k)
        allowed = Interval(printed.low / (1 + extra), printed.high, printed.low_closed, printed.high_closed)
        yield _Case(unit, at, needed, allowed)


def _kilo(claim: Claim) -> tuple[int, ...]:
    printed = claim.printed
    return KILO if printed is not None and printed.factor(1000) != printed.factor(1024) else KILO[:1]


def _disjoint(a: Interval, b: Interval) -> bool:
    return _below(a, b) or _below(b, a)


def _below(a: Interval, b: Interval) -> bool:
    if a.high is None:
        return False
    return a.high < b.low or (a.high == b.low and not (a.high_closed and b.low_closed))


def _integers(interval: Interval) -> str:
    low, high = whole(interval)
    return f"[{low:,}, oo)" if high is None else f"[{low:,}, {high:,}]"
