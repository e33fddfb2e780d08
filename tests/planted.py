"""Correct tables, made of shipped ones, and errors planted in them: one digit of one cell, changed."""

from __future__ import annotations

import random
import re
from fractions import Fraction

from convcost.auditing.audit import VERDICTS, audit_claims
from convcost.counters.rules import rule
from convcost.printed.numbers import Printed, parse
from convcost.published.claims import Claim, Claims, of_table
from convcost.published.layerkinds import line_of
from convcost.published.readings import Reading
from convcost.published.tables import load_table

WRONG = VERDICTS[3:]


def correct(name: str) -> Claims:
    """A shipped table as it would read if every count were what its convention counts, printed plainly."""
    table, plain = of_table(load_table(name)), readings(name)
    claims = []
    for claim in table.claims:
        if claim.printed is None:
            continue
        reading = plain[claim.quantity]
        claims.append(reprinted(claim, str(Printed.of(computed(table, claim, reading), claim.printed))))
    return table._replace(claims=claims)


def readings(name: str) -> dict[str, Reading]:
    """What `correct` prints: what the table counts, with K = 1000, rounded half up."""
    return {quantity: Reading(quantity, reading.measure) for quantity, reading in load_table(name).convention.items()}


def computed(table: Claims, claim: Claim, reading: Reading) -> int | Fraction:
    """The count, or the share, by the cost's own properties and not by the code under test."""
    _, cost = table.priced[claim.reference]
    line = cost.total if claim.lead == "total" else line_of(cost, claim.lead)
    of = {
        "params": lambda line: line.params,
        "weights": lambda line: line.weights,
        "weights+biases": lambda line: line.weights + line.biases,
        "total": lambda line: line.params + line.norm_stats,
        "macs": lambda line: line.macs,
        "flops2": lambda line: 2 * line.macs,
    }
    # What a tool counts is said in one place, which the audit reads, too.
    counted = of.get(reading.measure) or rule(reading.measure).of
    count = int(counted(line))
    return Fraction(count, int(counted(cost.total))) if claim.quantity.startswith("shares") else count


def reprinted(claim: Claim, text: str) -> Claim:
    """The claim with another number in its cell."""
    assert claim.printed is not None
    return claim._replace(text=text, printed=parse(text, scale=claim.printed.scale))


def plant(claim: Claim, rng: random.Random) -> Claim:
    """The claim with one digit of its numeral changed."""
    assert claim.printed is not None
    numeral, digits = claim.printed.numeral, claim.printed.digits
    places = [match.start() for match in re.finditer("[0-9]", numeral)]
    while True:
        at = rng.choice(places)
        changed = f"{numeral[:at]}{rng.randrange(10)}{numeral[at + 1 :]}"
        if int(re.sub("[^0-9]", "", changed)) != digits:
            return reprinted(claim, f"{claim.printed.prefix}{changed}{claim.printed.suffix}")


class Rates:
    """What became of the planted errors of one table, and of the cells beside them."""

    def __init__(self, name: str, cases: int) -> None:
        table, plain = correct(name), readings(name)
        rng = random.Random(f"{name} {cases}")  # noqa: S311  # the same cases every time
        self.cases = cases
        self.named = self.left = self.excused = self.missed = self.alarms = self.beside = 0
        for _ in range(cases):
            victim = rng.randrange(len(table.claims))
            claims = list(table.claims)
            claims[victim] = plant(claims[victim], rng)
            found = audit_claims(table._replace(claims=claims), explained=False).findings
            finding = found[victim]
            # A cell that holds under another reading than the table's own is an excuse, as one of another network is.
            as_stated = finding.verdict == "holds" and finding.reading == plain[finding.claim.quantity]
            self.named += finding.verdict in WRONG
            self.left += finding.verdict == "open"
            self.missed += as_stated
            self.excused += finding.verdict in ("holds", "holds as") and not as_stated
            self.beside += len(found) - 1
            self.alarms += sum(finding.verdict != "holds" for i, finding in enumerate(found) if i != victim)

    def __str__(self) -> str:
        became = f"{self.named} named, {self.left} left open, {self.excused} excused, {self.missed} missed"
        return f"{self.cases} planted: {became}; {self.alarms} false alarms on {self.beside} cells beside them"
