"""Budgets: the most that quantities of a network may be, or may have grown since another version of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.quantities import Quantity, quantity
from convcost.designs.space import parsed_expression
from convcost.designs.where import scaled
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.printed.numbers import exact_number
from convcost.spec import expression
from convcost.values import named

_FORM = "macs=300M, a whole number of 0 or more"
_GROWTH = "macs+1%, or macs+10M"
_IN_BYTES = re.compile(r"\d\s*[KMGT]i?B\b", re.IGNORECASE)
_TIME = re.compile(r"\s*(\d{1,12}(?:\.\d{1,9})?)\s*(ns|us|µs|ms|s)\s*")
_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}
_BILLIONS = re.compile(r"\d\s*B\b", re.IGNORECASE)


class Growth(NamedTuple):
    """How much more of a quantity than another network a network may have."""

    quantity: Quantity
    share: Fraction
    """Of what the other one has."""
    more: int
    """And this many."""


class Excess(NamedTuple):
    """A quantity above its limit: `macs 1,582,671,872 > 1,500,000,000`."""

    quantity: Quantity
    value: Int
    most: int

    def __str__(self) -> str:
        unit = f" {self.quantity.unit}" if self.quantity.unit else ""
        return f"{self.quantity.name} {self.value:,} > {self.most:,}{unit}"


def limits_of(texts: Iterable[str]) -> dict[str, int]:
    """--max options as limits by the names of quantities.

    Raises ConvcostError for what is no quantity or no limit of one, and for two limits of one.
    """
    limits: dict[str, int] = {}
    for text in texts:
        name, value = named(text, "--max", _FORM)
        try:
            found = quantity(name)
        except ConvcostError as error:
            raise ConvcostError(f"--max {text}: {error}") from None
        value = check_unit(value, found, f"--max {text}")
        parsed = parsed_expression(scaled(value), f"--max {text}")
        limit = expression.evaluate(parsed, parsed.node, {})
        if not isinstance(limit, int) or limit < 0 or isinstance(limit, bool):
            raise ConvcostError(f"--max {text!r}: write it as {_FORM}")
        if found.name in limits:
            raise ConvcostError(f"--max {name}: two limits")
        limits[found.name] = limit
    return limits


def check_unit(text: str, of: Quantity, place: str) -> str:
    """The number without a unit of time: 2ms are 2000000 nanoseconds. Raises ConvcostError for another quantity's unit.

    It refuses bytes where things are counted, and billions where bytes are. KB is 1,000 bytes and KiB 1,024, as
    everywhere here; 4B is four billion.
    """
    if of.unit == "ns" and not text.rstrip().endswith("%"):
        if (time := _TIME.fullmatch(text)) is None:
            raise ConvcostError(f"{place}: {of.name} is a time such as 2ms or 150us")
        return str(int(Fraction(time[1]) * _NANOSECONDS[time[2]]))
    if of.unit != "bytes" and _IN_BYTES.search(text):
        raise ConvcostError(f"{place}: {of.name} are no bytes")
    if of.unit and _BILLIONS.search(text):
        raise ConvcostError(f"{place}: a B alone is a billion; write bytes as 512, 512KB or 512KiB")
    return text


def exceeded(cost: Cost, limits: Mapping[str, int]) -> Iterator[Excess]:
    """The limits that a cost does not keep."""
    for name, most in limits.items():
        found = quantity(name)
        if (value := found.of(cost)) > most:
            yield Excess(found, value, most)


def growths_of(texts: Iterable[str]) -> list[Growth]:
    """--fail-on options, `macs+1%` or `params+10K`. Raises ConvcostError for another form, quantity or number."""
    found = []
    for text in texts:
        name, _, allowed = text.partition("+")
        place = f"--fail-on {text}"
        try:
            of = quantity(name.strip())
        except ConvcostError as error:
            raise ConvcostError(f"{place}: {error}; write it as {_GROWTH}") from None
        allowed = check_unit(allowed, of, place)
        wanted = f"{place}: write it as {_GROWTH}"
        share = allowed.strip().endswith("%")
        number = exact_number(allowed.strip().removesuffix("%"), wanted, ("", "bytes"))
        if number < 0 or not (share or Fraction(number).denominator == 1):
            raise ConvcostError(wanted)
        found.append(Growth(of, Fraction(number, 100), 0) if share else Growth(of, Fraction(0), int(number)))
    return found


def grown(old: Cost, new: Cost, growths: Iterable[Growth]) -> Iterator[Excess]:
    """What of `new` has grown beyond what `growths` allow since `old`."""
    for growth in growths:
        before, now = growth.quantity.of(old), growth.quantity.of(new)
        most = before + growth.more + int(before * growth.share)
        if now > most:
            yield Excess(growth.quantity, now, most)
