"""Verdicts: what the evidence says of each printed cell, how surely, and what it changes.

- `holds`: the table's own reading prints it;
- `holds as`: a departure of its row prints it, which is named;
- `contradicts itself`: the row's own cells exclude each other whatever the channel counts (see `proof`);
- `slip`: network and reading are known by the cells beside, and the right text is one step from the printed one;
- `does not hold`: network and reading are known, and nothing that is cheap enough prints it;
- `open`: everything else. It is no blame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, get_args

from convcost.auditing import proof
from convcost.auditing.evidence import Chosen, Evidence, sure
from convcost.auditing.hypotheses import Candidate
from convcost.auditing.prices import ODDS, bits
from convcost.auditing.rows import PRINTED, WRONG, Row
from convcost.auditing.slips import Slip, consequence, slip
from convcost.counters.rules import OPS, PARAMS
from convcost.ops import Shape, format_shape
from convcost.printed.numbers import Printed
from convcost.published.claims import SHARE_OF, Claim
from convcost.published.counting import exact
from convcost.published.quotients import OF
from convcost.published.readings import PLAIN, Reading, residual

Verdict = Literal["holds", "holds as", "open", "slip", "does not hold", "contradicts itself"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What a cell can be found to be, the worst last."""
FAILING: Mapping[str, Sequence[Verdict]] = {
    "contradiction": VERDICTS[3:],
    "slip": VERDICTS[3:],
    "unreproduced": VERDICTS[3:],
    "open": VERDICTS[2:],
    "difference": VERDICTS[1:],
}
"""What `--fail-on` fails on; on a contradiction, but for slips that change no more than a last digit (`fails`)."""
_ERROR = bits("of one making", "wrong") + ODDS
_ROUNDS = 2
"""Slips are found as columns are read, which may be read otherwise once these are known."""
CANDIDATES = 12
"""Candidates of a cell that are told."""


class Alternative(NamedTuple):
    """A candidate that prints a cell under its column's reading, and what it costs."""

    network: str
    computed: int
    bits: float


class Finding(NamedTuple):
    """The verdict on one cell."""

    claim: Claim
    verdict: Verdict
    computed: int | Shape
    """The exact count that the table's reading gives what the row is about, or the size as (H, W, C)."""
    reading: Reading | None = None
    """The table's reading of the column; None for a size, and where it is none of ours."""
    evidence: str = ""
    network: str = ""
    """What it holds as, where that is not what the table shares."""
    residual: Fraction = Fraction(0)
    """How far the computed count is above or below the nearest one that is printed so."""
    margin: float = 0.0
    """Bits by which the verdict is better than the next: 2 to their power is its odds to 1."""
    consequence: str = ""
    """What it changes, if it is wrong."""
    candidates: tuple[Alternative, ...] = ()
    """What else prints it."""


def fails(finding: Finding, level: str) -> bool:
    """Whether a finding is as bad as a level of FAILING, or worse."""
    slight = finding.verdict == "slip" and finding.consequence == "the last digit"
    return finding.verdict in FAILING[level] and not (level == "contradiction" and slight)


def size(claim: Claim) -> Finding:
    """The verdict on a printed size, of which there are no two readings."""
    if claim.fits:
        return Finding(claim, "holds", claim.size)
    return Finding(claim, "does not hold", claim.size, evidence=f"computed {format_shape(claim.size)}")


class Judge:
    """Verdicts on the rows of a table."""

    def __init__(self, evidence: Evidence) -> None:
        """`evidence` is the table's."""
        self.evidence = evidence
        self._slips: dict[tuple[int, int], Slip] = {}
        self._columns: dict[str, dict[int, tuple[str, int]]] = {}
        for _ in range(_ROUNDS):
            before = evidence.readings
            self._find_slips()
            if not any(found.swapped for found in self._slips.values()):  # one alone makes no other one likelier
                break
            evidence.solve_again()
            if evidence.readings == before:
                break
        self.chosen = self._chosen()

    def _chosen(self) -> list[Chosen]:
        self._columns.clear()
        return [self.evidence.chosen(number) for number in range(len(self.evidence.rows))]

    def _find_slips(self) -> None:
        """Find the slips there are as columns are read now; cells that are some cost less from here on."""
        self._slips.clear()
        for row in self.evidence.rows:
            row.forget_slips()
        # A row is what the table shares, with a slip, before it is anything dearer.
        for number, row in enumerate(self.evidence.rows):
            if (plain := self._plain(row)) is not None:
                self._slip(number, plain)
        self.chosen = self._chosen()
        for number, row in enumerate(self.evidence.rows):
            self._slip(number, self._about(row, self.chosen[number]), beside=True)

    def findings(self) -> list[Finding]:
        """The verdicts on all cells, row by row."""
        return [finding for number in range(len(self.chosen)) for finding in self.row(number)]

    def row(self, number: int) -> list[Finding]:
        """The verdicts on the cells of a row."""
        row, chosen = self.evidence.rows[number], self.chosen[number]
        at = self._about(row, chosen)
        counts = [self._count(claim, at) for claim in row.claims]
        fates = self.evidence.fates(number)
        proved = ""
        if any(fate.state != PRINTED for fate in fates) and self._at_its_input(row):
            proved = proof.contradiction(row.subject.cost, row.claims, *self._units())
        findings = []
        for cell, (claim, printed, fate) in enumerate(zip(row.claims, row.printed, fates, strict=True)):
            reading = self._reading(claim)
            left = residual(reading.interval(printed), counts[cell])
            finding = Finding(
                claim, "open", counts[cell], self.evidence.reading(claim), residual=left, margin=fate.margin
            )
            plain = not chosen.departs or self._plainly(row, cell)
            source = row.quoted[cell]
            if fate.state == PRINTED and sure(fate.margin) and source and not reading.holds(printed, counts[cell]):
                said = f"printed so in {source.source}; {reading.told(counts[cell])} is what {reading.measure} counts"
                finding = finding._replace(verdict="holds as", network="quoted", evidence=said)
            elif fate.state == PRINTED and sure(fate.margin):
                finding = finding._replace(verdict="holds" if plain else "holds as", residual=Fraction(0))
                if not plain and chosen.candidate:
                    said = f"{chosen.candidate.label} has {reading.told(counts[cell])}"
                    finding = finding._replace(network=chosen.candidate.label, evidence=said)
            elif proved and fate.state != PRINTED:
                finding = finding._replace(verdict="contradicts itself", evidence=proved)
            elif fate.state == WRONG and sure(fate.margin) and (plainly := self._as_params(row, claim, printed)):
                finding = finding._replace(evidence=f"{plainly}; its column is read as {reading.measure}")
            elif fate.state == WRONG and sure(fate.margin):
                text = reading.spell(counts[cell], printed)
                said = f"{reading.told(counts[cell])} is {text}"
                found = self._slips.get((number, cell))
                if found and found.right != text.numeral:  # of another reading
                    found = None
                finding = finding._replace(
                    verdict="slip" if found else "does not hold",
                    evidence="; ".join(filter(None, (said, found.said if found else "", self._together(row, claim)))),
                    consequence=consequence(printed, text, self._values(number, claim)),
                )
            elif fate.state == PRINTED and reading.holds(printed, counts[cell]):
                said = f"{reading.told(counts[cell])} is {printed} under {reading}"
                finding = finding._replace(evidence=f"{said}; that is no surer than {2**fate.margin:.1f} : 1")
            else:
                finding = finding._replace(evidence=self._open(number, cell, counts[cell], reading))
            findings.append(finding._replace(candidates=self._candidates(number, cell)))
        return findings

    def _slip(self, number: int, about: Candidate, *, beside: bool = False) -> None:
        """Find the slips of a row from what it is about, also those by which it has what stands beside."""
        row = self.evidence.rows[number]
        for cell, (claim, printed) in enumerate(zip(row.claims, row.printed, strict=True)):
            reading, count = self._reading(claim), self._count(claim, about)
            if not reading.holds(printed, count):
                rows, columns = self._beside(number, claim) if beside else ({}, {})
                mistaken = self._printing(claim.column, reading, count) if beside else ()
                found = slip(printed, count, reading, rows, columns, mistaken)
                if found and row.slipped(cell, found.bits, self._rule(claim)):
                    self._slips[number, cell] = found

    # -- what a row is about -----------------------------------------------------------------------------------------

    def _about(self, row: Row, chosen: Chosen) -> Candidate:
        """What a row is about; where that is none of ours, what it names."""
        if chosen.candidate is not None:
            return chosen.candidate
        shared = self.evidence.variant_of[self.evidence.family(row)]
        return next(one for one in row.candidates if one.variant == shared)

    def _reading(self, claim: Claim) -> Reading:
        return self.evidence.reading(claim) or PLAIN[claim.quantity]

    def _count(self, claim: Claim, about: Candidate) -> int:
        counts, rule = about.counts[claim.quantity], self._rule(claim)
        count = int(counts[rule])
        return count if count >= 0 else int(counts[rule - rule % len(self.evidence.axis(claim).parts)])

    def _rule(self, claim: Claim) -> int:
        """The number of the measure and part of its reading."""
        axis = self.evidence.axis(claim)
        return axis.number(self._reading(claim)) // len(axis.ways)

    def _plain(self, row: Row) -> Candidate | None:
        """What the table shares, of a row."""
        shared = self.evidence.best[0].shared
        variant = self.evidence.variant_of[self.evidence.family(row)]
        for one in row.candidates:
            if (one.variant, one.input, one.classes, one.bits) == (variant, shared.input, shared.classes, 0.0):
                return one
        return None

    def _plainly(self, row: Row, cell: int) -> bool:
        """Whether what the table shares prints a cell, though its row departs."""
        one, claim = self._plain(row), row.claims[cell]
        return one is not None and self._reading(claim).holds(row.printed[cell], self._count(claim, one))

    def _as_params(self, row: Row, claim: Claim, printed: Printed) -> str:
        """How what a network has by the plain rule of parameters is printed so, in a column that is read by another.

        It is no slip then: a row of another source, or the column is of the plain rule, and other rows are not.
        """
        plain = PLAIN["params"]
        if claim.quantity != "params" or not row.whole or self._reading(claim).measure == plain.measure:
            return ""
        count = exact(row.subject.cost, claim.lead, plain) or 0
        return f"{plain.told(count)} is {printed} as {plain.measure}" if plain.holds(printed, count) else ""

    def _at_its_input(self, row: Row) -> bool:
        """A network's total is at some input; only where the table says at which does it say where its weights work."""
        return not row.whole or "input=" in row.claims[0].reference

    def _units(self) -> tuple[list[str], set[str]]:
        """What the table's ops and params may be, for a proof: what its evidence says, or else anything of ours."""
        ops = [reading for reading in self.evidence.readings.values() if reading and reading.quantity == "ops"]
        units = [reading.measure for reading in ops] or list(OPS)
        return units, set(PARAMS)

    # -- what else it could be ---------------------------------------------------------------------------------------

    def _beside(self, number: int, claim: Claim) -> tuple[dict[str, int], dict[str, int]]:
        """The counts of the other rows, and what else is counted of the row's network."""
        rows = {name: count for other, (name, count) in self._column(claim.column).items() if other != number}
        cost, lead = self.evidence.rows[number].subject.cost, claim.lead
        of = OF.get(claim.quantity, claim.quantity)
        quantity, said = ("params", "params") if of == "ops" else ("ops", "multiply-adds")
        other = SHARE_OF[quantity] if claim.quantity in OF else quantity
        return rows, {said: exact(cost, lead, PLAIN[other]) or 0}

    def _column(self, title: str) -> dict[int, tuple[str, int]]:
        """What each row that prints something in a column is called, and what it should print there."""
        if title not in self._columns:
            found = {}
            for number, row in enumerate(self.evidence.rows):
                if same := [one for one in row.claims if one.column == title]:
                    found[number] = (same[0].row, self._count(same[0], self._about(row, self.chosen[number])))
            self._columns[title] = found
        return self._columns[title]

    def _printing(self, title: str, reading: Reading, count: int) -> set[str]:
        """The rows that print a count in a column."""
        same = (one for row in self.evidence.rows for one in row.claims if one.column == title)
        return {one.row for one in same if one.printed and reading.holds(one.printed, count)}

    def _values(self, number: int, claim: Claim) -> list[tuple[str, Fraction]]:
        """What the other rows print in the same column."""
        return [
            (one.row, one.printed.value())
            for other, row in enumerate(self.evidence.rows)
            if other != number
            for one in row.claims
            if one.column == claim.column and one.quantity == claim.quantity and one.printed
        ]

    def _together(self, row: Row, claim: Claim) -> str:
        """That the cells of a row of layers agree with each other, and not with the row."""
        failing = [one for one in row.claims if one is claim or one.quantity != claim.quantity]
        return "" if row.whole else proof.agreement(row.subject.cost, failing, *self._units())

    def _open(self, number: int, cell: int, count: int, reading: Reading) -> str:
        """What would settle an open cell."""
        row = self.evidence.rows[number]
        claim = row.claims[cell]
        said = f"{reading.told(count)} is {reading.spell(count, row.printed[cell])}"
        said = "; ".join(filter(None, (said, self._together(row, claim))))
        told = f"{said} as {reading.measure}" if self.evidence.reading(claim) else said
        return f"{told}; {self._would_hold(number, cell, reading)}"

    def _would_hold(self, number: int, cell: int, reading: Reading) -> str:
        """The most ordinary of all that prints a cell: what else the row may be about, and how else it may be read.

        What is much less likely than an error in print settles nothing, and is not told.
        """
        import numpy as np

        row = self.evidence.rows[number]
        axis, printed = row.axes[cell], row.printing(cell)
        whole = np.where(printed, self.evidence.prices(number)[:, None] + axis.bits, np.inf)
        k, index = divmod(int(whole.argmin()), printed.shape[1])
        if not printed[k, index]:
            return "no rule, variant or input here prints it"
        if whole[k, index] > row.wrong(cell)[self._rule(row.claims[cell])] + _ERROR:
            return "all that prints it here is too unusual to settle it"
        other, one = axis.reading(index), row.candidates[k]
        count = int(one.counts[axis.quantity][index // len(axis.ways)])
        about = self._about(row, self.chosen[number])
        said = [*([f"it is {one.label}"] if one is not about else []), *other.differences(reading)]
        return f"it would hold if {', '.join(said or ['it is read as it stands'])}: {reading.told(count)}"

    def _candidates(self, number: int, cell: int) -> tuple[Alternative, ...]:
        """What else prints a cell under its column's reading, the cheapest first."""
        row = self.evidence.rows[number]
        claim = row.claims[cell]
        reading = self._reading(claim)
        axis = row.axes[cell]
        printing = row.printing(cell, axis.number(reading))
        prices = self.evidence.prices(number)
        found = [
            Alternative(row.candidates[k].label, self._count(claim, row.candidates[k]), float(prices[k]))
            for k in printing.nonzero()[0]
        ]
        return tuple(sorted(found, key=lambda one: one.bits)[:CANDIDATES])
