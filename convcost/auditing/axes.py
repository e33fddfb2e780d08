"""Axes: how columns may be read, in rule, part, K, rounding and last zeros, each with its price.

What a cell says of exact counts is bounds: a count is printed so under a reading if it is within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from convcost.auditing.prices import NEAR, USUAL_TOOLS, bits
from convcost.counters.rules import OPS
from convcost.printed.numbers import KILO, ROUNDINGS, Printed
from convcost.published.claims import Claim
from convcost.published.counting import counts
from convcost.published.headings import quantity_of
from convcost.published.quotients import QUOTIENTS
from convcost.published.readings import (
    ALL,
    MEMORY,
    NOT_MEANT,
    OWN,
    PADDED,
    PARTS,
    ZEROS,
    Reading,
    is_own,
    whole,
)
from convcost.published.tables import TOTAL

NEVER = 2**62
"""No count of a network is as large."""


def kind_of(claim: Claim) -> str:
    """What the heading of a count says it is: params, macs, flops, ops, bytes, activations or a quotient of one."""
    if claim.quantity in QUOTIENTS:
        divided = claim._replace(quantity=QUOTIENTS[claim.quantity], printed=None)
        return f"{claim.quantity.partition(' of ')[0]} of {kind_of(divided)}"
    if claim.quantity in ("params", "bytes", "activations", "memory"):
        return claim.quantity
    unit = claim.printed.unit if claim.printed else ""
    found = quantity_of(claim.column) or quantity_of(claim.row)
    kind = unit if unit in ("macs", "flops") else found.kind if found else ""
    return kind if kind in ("macs", "flops") else "ops"


def heading_of(claim: Claim) -> str:
    """The heading of a count: its column's, or its row's where networks stand side by side."""
    return claim.row if quantity_of(claim.row) and not quantity_of(claim.column) else claim.column


class Axis(NamedTuple):
    """The readings of columns that are read alike, and what each costs."""

    name: str
    """Of the columns: their kind, or a heading."""
    quantity: str
    measures: tuple[str, ...]
    parts: tuple[str, ...]
    ways: tuple[tuple[int, Any, str], ...]
    """K, rounding and last zeros."""
    bits: Any
    """Of each reading, a reading being a measure, a part and a way, in this order of significance."""

    def reading(self, index: int) -> Reading:
        """The reading at an index of `bits`; `number` is the inverse."""
        count, way = divmod(index, len(self.ways))
        measure, part = divmod(count, len(self.parts))
        k, rounding, zeros = self.ways[way]
        return Reading(self.quantity, self.measures[measure], rounding, k, self.parts[part], zeros)

    def number(self, reading: Reading) -> int:
        """The index in `bits` of a reading; `reading` is the inverse."""
        way = self.ways.index((reading.k, reading.rounding, reading.zeros))
        count = self.measures.index(reading.measure) * len(self.parts) + self.parts.index(reading.part)
        return count * len(self.ways) + way

    def bounds(self, printed: Printed, off: int = 0) -> Any:
        """The least and the greatest count that each way prints so, or `off` units of its last digit from it.

        An array (2, ways).
        """
        import numpy as np

        ends = []
        for k, rounding, zeros in self.ways:
            reading = Reading(self.quantity, "", rounding, k, ALL, zeros)
            form = reading.form(printed)
            low, _ = whole(reading.of_form(form._replace(digits=max(0, form.digits - off))))
            _, high = whole(reading.of_form(form._replace(digits=form.digits + off)))
            ends.append((min(low, NEVER), NEVER if high is None else min(high, NEVER)))
        return np.array(ends, dtype="int64").T


def price_of_zeros(axis: Axis, printed: Printed) -> Any:
    """What a number's last zeros cost for each way to read it."""
    import numpy as np

    return np.array([zeros_bits(printed) * (zeros == NOT_MEANT) for _, _, zeros in axis.ways])


def of_another_rule(axis: Axis, counts: Any, printed: Printed, apart: float) -> Any:
    """What it costs a number, by each rule, to be another rule's, beside the price of that: infinitely much if far.

    Nothing if it is near to what the rule counts, or to the plain count; near to another ordinary one, what that costs.

    Args:
        axis: of its column.
        counts: of what it may be about: (candidates, measures x parts).
        printed: the number.
        apart: what it costs to be near to another ordinary count, twice as many for one, than the column's.
    """
    import numpy as np

    if axis.quantity not in ("ops", "bytes"):
        return np.full(counts.shape[1], np.inf)
    ordinary = OPS if axis.quantity == "ops" else axis.measures
    at = [axis.measures.index(one) * len(axis.parts) for one in ordinary]
    value = min(int(printed.value()), NEVER)  # what no count reaches is near to none
    near = ((counts > 0) & (abs(value - counts) <= NEAR * counts)).any(axis=0)
    return np.where(near | near[at[0]], 0.0, apart if near[at].any() else np.inf)


def axis_of(name: str, claims: Sequence[Claim]) -> Axis:
    """The readings that could make a difference to these cells."""
    import numpy as np

    quantity, kind = claims[0].quantity, kind_of(claims[0])
    printed = [claim.printed for claim in claims if claim.printed]
    inside = any(claim.lead != TOTAL for claim in claims)
    measures, parts = tuple(counts(quantity)), PARTS[:1] if inside else PARTS
    scaled = any(one.as_binary() != one for one in printed)
    scale = "MB" if quantity in ("bytes", "memory") else "K" if any(one.scale == "K" for one in printed) else "M"
    zeros = [""]
    if all(one.coarser(1) for one in printed):
        zeros.append(PADDED)
    if any(one.coarser() for one in printed):
        zeros.append(NOT_MEANT)
    ways = tuple(product(KILO if scaled else KILO[:1], ROUNDINGS, zeros))
    told = {"": "", **{said: word for word, said in ZEROS.items()}}
    price = np.array(
        [
            measure_bits(kind.rpartition(" of ")[2], measure)
            + bits("part" if is_own(measure) else "part of a tool", part)
            + bits(scale, str(k))
            + bits("rounding" if is_own(measure) else "rounding of a tool", rounding)
            + bits("zeros", told[none])
            for measure, part, (k, rounding, none) in product(measures, parts, ways)
        ]
    )
    return Axis(name, quantity, measures, parts, ways, price)


def zeros_bits(printed: Printed) -> float:
    """What a number says besides, if its last zeros are no digits: how many of them."""
    if not printed.coarser():
        return 0.0
    return bits("last zeros", "more" if printed.coarser(2) else "one")


@cache
def measure_bits(kind: str, measure: str) -> float:
    """The price of a rule under a heading."""
    if kind == "memory":
        every = counts(kind)
        size = measure.partition(MEMORY)[2]
        return bits(kind, f"in {size}", sum(one.endswith(size) for one in every))
    if measure in OWN:
        return bits(kind, measure)
    tools = [name for name in counts("params" if kind == "params" else "ops") if name not in OWN]
    usual = [name for name in tools if name in USUAL_TOOLS]
    if measure in usual:
        return bits(kind, "a usual tool", len(usual))
    return bits(kind, "another", len(tools) - len(usual))
