"""Readings: the conventions under which a printed count can be meant.

What is counted (`convcost.counters`: `PARAMS`, `OPS`, and the tools' ways), which part of a network, what K is, how
digits were lost and whether last zeros are any: every combination is one `Reading`. What each comes to is in
`convcost.published.counting`; which of them a table follows, the table's file says and an audit infers.
"""

from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

from convcost.counters.rules import ACTIVATIONS, BYTES, PARAMS, rule
from convcost.exact.integers import Int
from convcost.printed.numbers import KILO, ROUNDINGS, Interval, Printed, Rounding
from convcost.published.quotients import ONE, QUOTIENTS, RATIOS

ALL = ""
NO_LINEAR = "without linear layers"
WITH_AUXILIARY = "with auxiliary heads"
PARTS = (ALL, NO_LINEAR, WITH_AUXILIARY)
"""What of a network is counted; of a scope it is always all."""

OWN = (*PARAMS, "macs", "flops2", *BYTES, *ACTIVATIONS)
"""Counts that are not one tool's; those of memory are in `convcost.published.memories`."""
MEMORY = " memory in "
SIZES_OF_ELEMENTS = {"4 bytes": 4, "2 bytes": 2, "1 byte": 1}
"""The elements that memory is of: a measure of it is called by its rule, MEMORY and one of these."""
_SPOKEN: dict[str, str] = {
    "half_up": "rounded half up",
    "half_even": "rounded half to even",
    "truncated": "truncated",
    "up": "rounded up",
}
PADDED = "the last zero only fills the format"
NOT_MEANT = "last zeros are no digits"
ZEROS = {"padded": PADDED, "not meant": NOT_MEANT}
"""What may be said of last zeros, by the word for it in files."""


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

    def differences(self, plain: "Reading") -> list[str]:
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

    @property
    def one(self) -> int:
        """What stands for 1: a count is itself, a share a number of small parts."""
        return ONE if self.quantity in QUOTIENTS else 1

    def unit(self, form: Printed) -> Fraction:
        """What one unit of the last digit of a form is worth."""
        return form.factor() * Fraction(self.one, 10**form.decimals)

    def interval(self, printed: Printed) -> Interval:
        """The exact counts that are printed like this."""
        return self.of_form(self.form(printed))

    def of_form(self, form: Printed) -> Interval:
        """The exact counts that are printed in a form of this reading."""
        found = _interval(form, self.rounding)
        if self.one == 1:
            return found
        high = None if found.high is None else found.high * self.one
        return found._replace(low=found.low * self.one, high=high)

    def holds(self, printed: Printed, exact: int) -> bool:
        """Whether `exact` is printed like this."""
        return exact in self.interval(printed)

    def spell(self, count: int | Fraction, like: Printed) -> Printed:
        """What a count looks like in the notation of a printed number: with its digits, its scale and its K."""
        form = self.form(like)
        lost = len(str(like.digits)) - len(str(form.digits))
        return like.with_digits(form.digits_of(Fraction(count) / self.one, self.rounding) * 10**lost)

    def value(self, count: int) -> int | Fraction:
        """A count as it is; a share as a part of one."""
        return count if self.one == 1 else Fraction(count, self.one)

    def told(self, count: int) -> str:
        """A count in words; a quotient to six digits."""
        if self.quantity in RATIOS:
            return f"{float(self.value(count)):.6g} times"
        return f"{count:,}" if self.one == 1 else f"{float(100 * self.value(count)):.6g} %"


PLAIN = {
    "params": Reading("params", "params"),
    "ops": Reading("ops", "macs"),
    "bytes": Reading("bytes", "params in 4 bytes"),
    "activations": Reading("activations", "activations"),
    "memory": Reading("memory", f"liveness{MEMORY}4 bytes"),
    "shares of params": Reading("shares of params", "params"),
    "shares of ops": Reading("shares of ops", "macs"),
    "ratios of params": Reading("ratios of params", "params"),
    "ratios of ops": Reading("ratios of ops", "macs"),
}
"""What a number means if nothing is said of it."""


@lru_cache(maxsize=65_536)  # every cell is asked about under hundreds of readings
def _interval(printed: Printed, rounding: Rounding) -> Interval:
    return printed.interval(rounding)


def is_own(measure: str) -> bool:
    """Whether what is counted is not one tool's way to count."""
    return measure in OWN or MEMORY in measure


def counted(quantity: str, count: str) -> str:
    """What is counted, in words."""
    if MEMORY in count:
        return count
    if count in OWN:
        return f"{quantity.rpartition(' of ')[2]} are {rule(count).meaning.partition(':')[0]}"
    return f"as {count} counts"


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
