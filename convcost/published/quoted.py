"""Quoted numbers: what the shipped tables print of whole networks, which comparisons repeat as it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from convcost.printed.numbers import Printed, parse
from convcost.published.tables import TEXT, TOTAL, shipped_tables


class Quoted(NamedTuple):
    """A number that a paper or release prints of a network."""

    printed: Printed
    source: str

    @property
    def value(self) -> Fraction:
        """As it stands: 0.39B is 390,000,000."""
        return self.printed.value()


def quoted(reference: str, quantity: str) -> Sequence[Quoted]:
    """The numbers that the shipped tables print of a network, whatever its variant, the oldest first.

    `reference` is as `convcost.load` reads it. The tables need not be right: what is quoted is not counted.
    """
    return _printed().get((_plain(reference), quantity), ())


def printed_in(source: str) -> int:
    """How many numbers of whole networks a source prints, one of each value."""
    return sum(one.source == source for known in _printed().values() for one in known)


def year_of(source: str) -> int:
    """When a source was printed; 9999 where it does not say."""
    found = re.search(r"\b(?:19|20)[0-9]{2}\b", source)
    return int(found[0]) if found else 9999


def _plain(reference: str) -> tuple[str, ...]:
    """A reference without its variant."""
    name, *settings = reference.split()
    return name.partition("@")[0], *sorted(settings)


@cache
def _printed() -> dict[tuple[tuple[str, ...], str], list[Quoted]]:
    found: dict[tuple[tuple[str, ...], str], list[Quoted]] = {}
    for table in sorted(shipped_tables(), key=lambda one: year_of(one.source)):
        for row in table.rows:
            for column, text in zip(table.columns, row.cells, strict=True):
                reference = column.network or table.network or row.lead
                quantity = row.quantity if column.network else column.quantity
                whole = row.lead in (TOTAL, reference)
                if text and reference and whole and quantity != TEXT and quantity.name in table.convention:
                    printed = parse(text, scale=quantity.scale, where=str(row.mark))
                    known = found.setdefault((_plain(reference), quantity.name), [])
                    if (one := Quoted(printed, table.source)) not in known:
                        known.append(one)
    return found
