"""Quoted numbers: what the shipped tables print of whole networks, which comparisons repeat as it stands."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from convcost.printed.numbers import parse
from convcost.published.tables import TEXT, TOTAL, shipped_tables


class Quoted(NamedTuple):
    """A number that a paper or release prints of a network."""

    value: Fraction
    """As it stands: 0.39B is 390,000,000."""
    source: str


def quoted(reference: str, quantity: str) -> Sequence[Quoted]:
    """The numbers that the shipped tables print of a network, whatever its variant, one of each value.

    `reference` is as `convcost.load` reads it. The tables need not be right: what is quoted is not counted.
    """
    return _printed().get((_plain(reference), quantity), ())


def printed_in(source: str) -> int:
    """How many numbers of whole networks a source prints, one of each value."""
    return sum(one.source == source for known in _printed().values() for one in known)


def _plain(reference: str) -> tuple[str, ...]:
    """A reference without its variant."""
    name, *settings = reference.split()
    return name.partition("@")[0], *sorted(settings)


@cache
def _printed() -> dict[tuple[tuple[str, ...], str], list[Quoted]]:
    found: dict[tuple[tuple[str, ...], str], list[Quoted]] = {}
    for table in shipped_tables():
        for row in table.rows:
            for column, text in zip(table.columns, row.cells, strict=True):
                reference = column.network or table.network or row.lead
                quantity = row.quantity if column.network else column.quantity
                whole = row.lead in (TOTAL, reference)
                if text and reference and whole and quantity != TEXT and quantity.name in table.convention:
                    value = parse(text, scale=quantity.scale, where=str(row.mark)).value()
                    known = found.setdefault((_plain(reference), quantity.name), [])
                    if value not in [one.value for one in known]:
                        known.append(Quoted(value, table.source))
    return found
