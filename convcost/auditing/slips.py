"""Slips: the small step, if there is one, from the right text of a cell to the printed one, and its price."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import log2
from typing import NamedTuple

from convcost.auditing.prices import bits
from convcost.printed.numbers import ROUNDINGS, Printed
from convcost.published.readings import Reading, whole

_LONG, _DETAILS = 20_000, 1_000
"""Of operations in so many digits, what is off by less than a thousandth differs in a detail of a rule as easily."""
_SCALES = (1000, Fraction(1, 1000), 10, Fraction(1, 10), 100, Fraction(1, 100))


class Slip(NamedTuple):
    """One step between the right text and the printed one."""

    said: str
    right: str
    """The right text."""
    bits: float
    swapped: bool = False
    """Whether another row has its number, and it the other's."""


def slip(
    printed: Printed,
    count: int,
    reading: Reading,
    rows: Mapping[str, int],
    columns: Mapping[str, int],
    mistaken: Collection[str] = (),
) -> Slip | None:
    """The cheapest step from the right text of a count to a printed one; None if none is cheaper than any number.

    Args:
        printed: as printed.
        count: what should have been printed.
        reading: how.
        rows: the counts of the rows beside.
        columns: what else is counted of the row.
        mistaken: the rows beside that print what this one should.
    """
    right = reading.spell(count, printed)

    def one(name: str, said: str, among: float) -> Slip:
        return Slip(said, right.numeral, bits("slip", name) + log2(among))

    found = []
    ours, theirs = (re.sub(r"[^0-9]", "", one.numeral) for one in (right, printed))  # 0.2 for 4.2 is a digit, too
    if abs(right.digits - printed.digits) == 1:
        ways = [way for way in ROUNDINGS if reading._replace(rounding=way).holds(printed, count)]
        how = f": {ways[0].replace('_', ' ')}" if ways else ""
        found.append(one("the last digit", f"the last digit{how}", 2))
    detail = reading.quantity == "ops" and _LONG <= printed.digits > _DETAILS * abs(right.digits - printed.digits)
    if len(ours) == len(theirs) and not detail:
        wrong = [at for at, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
        if len(wrong) == 1:
            found.append(one("a digit", f"{theirs[wrong[0]]} for {ours[wrong[0]]}", 9 * len(ours)))
        swapped = [(theirs[:at] + theirs[at + 1] + theirs[at] + theirs[at + 2 :]) for at in range(len(theirs) - 1)]
        if len(wrong) == 2 and ours in swapped:
            found.append(one("two digits swapped", "two digits swapped", len(swapped)))
    if len(str(printed.digits)) > 1:
        scaled = [times for times in _SCALES if reading.holds(printed, int(count * times))]
        found += [one("the scale", f"{_times(times)} the count", len(_SCALES)) for times in scaled]
        for times, said in ((Fraction(2), "twice the count"), (Fraction(1, 2), "half the count")):
            if reading.holds(printed, int(count * times)):
                found.append(one("a factor of 2", said, 2))
        low, high = whole(reading.interval(printed))
        for name, other in columns.items():
            if low <= other and (high is None or other <= high):
                found.append(one("another column", f"its {name}", len(columns)))
        for name, other in rows.items():
            if low <= other and (high is None or other <= high):
                found.append(one("another row", f"the number of {name}", len(rows)))
                if name in mistaken:  # each of the two pays half
                    swap = one("two rows swapped", f"swapped with the number of {name}", len(rows))
                    found.append(swap._replace(bits=swap.bits / 2, swapped=True))
    return min(found, key=lambda one: one.bits, default=None)


def _times(times: int | Fraction) -> str:
    return f"{times} times" if times >= 1 else f"1/{1 / Fraction(times)} of"


def consequence(printed: Printed, right: Printed, others: Sequence[tuple[str, Fraction]]) -> str:
    """What a wrong number changes: the order of two rows, a factor, an amount, or its last digit."""
    was, now = printed.value(), right.value()
    for name, value in others:
        if (was < value) != (now < value) and value not in (was, now):
            return f"the order with {name}"
    if now and was and max(was / now, now / was) >= Fraction(19, 10):
        return f"a factor of {float(max(was / now, now / was)):.2g}"
    if abs(printed.digits - right.digits) <= 1:
        return "the last digit"
    return f"{abs(float(was / now - 1)):.1%}".replace("%", " %") if now else "an amount"
