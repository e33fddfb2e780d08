"""Chance: how many other numbers would have been explained as easily.

Of all numbers of the same form (digits, decimals, scale) within 15 % of the printed one, the part that some explanation
of at most the same price would print. An explanation prints exactly one number of a form, so that this is a count of
distinct numbers: exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from convcost.auditing.axes import Axis
from convcost.printed.numbers import Printed
from convcost.published.readings import ALL, Reading

WITHIN = Fraction(15, 100)
_NONE = -1


def digits_of(axis: Axis, counts: Any, printed: Printed) -> Any:
    """The digits that each reading prints of counts (candidates, measures x parts) in a notation; -1 for none.

    The last axis is that of the readings, in the order of `Axis.reading`.
    """
    import numpy as np

    counts = np.asarray(counts, dtype=object if int(np.max(counts)) * 10 ** (printed.decimals + 1) > 2**61 else "int64")
    columns = []
    for k, rounding, zeros in axis.ways:
        reading = Reading(axis.quantity, "", rounding, k, ALL, zeros)
        form = reading.form(printed)
        unit = reading.unit(form)
        top, bottom = counts * unit.denominator, unit.numerator
        floor, rest = top // bottom, top % bottom
        more = {
            "half_up": 2 * rest >= bottom,
            "half_even": (2 * rest > bottom) | ((2 * rest == bottom) & (floor % 2 == 1)),
            "truncated": rest < 0,
            "up": rest > 0,
        }[rounding]
        found = (floor + more) * 10 ** (len(str(printed.digits)) - len(str(form.digits)))
        columns.append(np.where(counts < 0, _NONE, found))
    return np.stack(columns, axis=-1).reshape(len(counts), -1)


def chance(
    axes: Sequence[Axis],
    counts: Sequence[Any],
    printed: Sequence[Printed],
    own: Any,
    prices: Sequence[Any],
    most: float,
) -> Fraction:
    """The part of all numbers (or of all tuples of them) near the printed ones that cost at most `most` bits.

    Args:
        axes: of each number, its readings.
        counts: of each number, what each candidate comes to: (candidates, measures x parts).
        printed: the numbers.
        own: the bits of each candidate.
        prices: of each number, the bits of each reading.
        most: the price of the explanation.
    """
    import numpy as np

    if any(one.bound for one in printed):
        return Fraction(1)
    windows = [int(WITHIN * one.digits) for one in printed]
    reached: set[tuple[int, ...]] = set()
    every = [digits_of(*each) for each in zip(axes, counts, printed, strict=True)]
    cheapest = [price.min() for price in prices]
    for k in np.flatnonzero(own + sum(cheapest) <= most + 1e-9):
        tuples: dict[tuple[int, ...], float] = {(): float(own[k])}
        for i, one in enumerate(printed):
            left = most - sum(cheapest[i + 1 :]) + 1e-9
            row = every[i][k]
            near = np.flatnonzero(
                (abs(row - one.digits) <= windows[i]) & (prices[i] + min(tuples.values()) <= left) & (row != _NONE)
            )
            least: dict[int, float] = {}
            for index in near:
                for digits in _printed_so(int(row[index]), approximate=one.approximate):
                    least[digits] = min(least.get(digits, np.inf), float(prices[i][index]))
            tuples = {
                (*before, digits): cost + price
                for before, cost in tuples.items()
                for digits, price in least.items()
                if cost + price <= left
            }
            if not tuples:
                break
        reached.update(tuples)
    total = 1
    for window in windows:
        total *= 2 * window + 1
    return Fraction(min(len(reached), total), total)


def _printed_so(digits: int, *, approximate: bool) -> Sequence[int]:
    """The numbers that stand for a count: "about" gives one unit of the last digit either way."""
    return (digits - 1, digits, digits + 1) if approximate else (digits,)
