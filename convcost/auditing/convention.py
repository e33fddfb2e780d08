"""The convention of a table: for each quantity, the reading that explains most of its cells.

A less ordinary reading has to explain more of them: half a cell for each assumption that differs from the plain one, a
whole one for another tool's count or another part of the network. A cell that holds for a variant of its network counts
if that variant breaks nothing that holds elsewhere in the table.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from convcost.auditing.alternatives import Alternative, alternatives
from convcost.printed.numbers import Printed
from convcost.published.claims import QUANTITIES, Claim, Claims, Priced
from convcost.published.readings import ALL, OWN, PARTS, Reading, exact, readings
from convcost.published.tables import TOTAL

Near = dict[tuple[str, bool], list[Alternative]]
"""Alternatives that are priced, by the reference of the network and whether other inputs are among them."""


class Score(NamedTuple):
    """How many cells of a quantity a reading explains."""

    reading: Reading
    held: int
    """Cells that hold for the network that they name."""
    elsewhere: int
    """Further cells that hold for a variant of it, with their whole row."""
    cells: int
    """All cells that print the quantity."""
    merit: Fraction
    """What the readings are compared by: the cells, less what the reading assumes."""


class Inferred:
    """The convention of a table, and what holds under it and under others."""

    def __init__(self, table: Claims, near: Near) -> None:
        """Infer it; `near` is filled with the alternatives that are priced."""
        self.table = table
        self.near = near
        self.priced: Priced = table.priced
        self.counted = [claim for claim in table.claims if claim.printed is not None]
        self.scoreboard = {
            quantity: self.score(quantity, claims) for quantity in QUANTITIES if (claims := self.printing(quantity))
        }
        self.readings = {quantity: scores[0].reading for quantity, scores in self.scoreboard.items()}
        self.fair: dict[tuple[str, str, str, Printed | None], list[Claim]] = {}
        """The claims that hold, those together that say the same."""
        for claim in self.counted:
            if self.holds(claim, self.readings[claim.quantity]):
                same = (claim.reference, claim.lead, claim.quantity, claim.printed)
                self.fair.setdefault(same, []).append(claim)

    def printing(self, quantity: str) -> list[Claim]:
        """The claims of a quantity."""
        return [claim for claim in self.counted if claim.quantity == quantity]

    def score(self, quantity: str, claims: list[Claim]) -> list[Score]:
        """Every reading of a quantity by its merit."""
        plain = self.table.stated[quantity]
        parts = PARTS if all(claim.lead == TOTAL for claim in claims) else (ALL,)
        tried = list(readings(quantity, [claim.printed for claim in claims if claim.printed], parts))
        if plain not in tried:
            tried.append(plain)
        scores = [self._score(reading, claims, plain) for reading in tried]
        best = max(score.merit for score in scores)
        # A variant can only decide between readings that are close: it costs another pricing of the network.
        scores = [
            self._with_variants(score, claims) if score.merit >= best - 1 and score.held else score for score in scores
        ]
        return sorted(scores, key=lambda score: (-score.merit, score.reading.unusual(plain)))

    def _score(self, reading: Reading, claims: list[Claim], plain: Reading) -> Score:
        held = sum(self.holds(claim, reading) for claim in claims)
        return Score(reading, held, 0, len(claims), held - _assumed(reading, plain))

    def _with_variants(self, score: Score, claims: list[Claim]) -> Score:
        held: dict[str, list[Claim]] = {}
        for claim in claims:
            if self.holds(claim, score.reading):
                held.setdefault(claim.reference, []).append(claim)
        elsewhere = sum(
            any(
                all(self.holds(one, score.reading, other) for one in (claim, *held.get(claim.reference, ())))
                for other in self.alternatives(claim, sizes=False)
                if other.size == 1
            )
            for claim in claims
            if not self.holds(claim, score.reading)
        )
        return score._replace(elsewhere=elsewhere, merit=score.merit + elsewhere)

    def exact(self, claim: Claim, reading: Reading, other: Alternative | None = None) -> int | None:
        """The exact count of what a claim is about, or of an alternative to it; None if that has no such part."""
        if other is None:
            return exact(self.priced[claim.reference][1], claim.lead, reading)
        if other.part:
            if claim.lead != TOTAL or reading.part:
                return None
            reading = reading._replace(part=other.part)
        return exact(other.cost, claim.lead, reading)

    def holds(self, claim: Claim, reading: Reading, other: Alternative | None = None) -> bool:
        """Whether a claim is what the reading prints of that count."""
        count = self.exact(claim, reading, other)
        return count is not None and claim.printed is not None and reading.holds(claim.printed, count)

    def alternatives(self, claim: Claim, *, sizes: bool) -> list[Alternative]:
        """The networks that a claim may be about instead, the nearest first; with `sizes`, at other inputs, too."""
        key = (claim.reference, sizes)
        if key not in self.near:
            network, cost = self.priced[claim.reference]
            found = sorted(alternatives(network, cost, sizes=sizes), key=lambda other: other.size)
            self.near[key] = found
        return self.near[key]


def _assumed(reading: Reading, plain: Reading) -> Fraction:
    assumed = Fraction(0)
    if reading.measure != plain.measure:
        assumed += Fraction(1, 2) if reading.measure in OWN else 1
    assumed += (reading.part != plain.part) + Fraction(reading.k != plain.k, 2)
    return assumed + Fraction(reading.rounding != plain.rounding, 2)
