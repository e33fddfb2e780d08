"""Is the number right? A verdict on every printed cell of a table, with its evidence.

The table's convention comes first (`convcost.auditing.convention`): for each quantity the reading (what is counted, of
which part, K, rounding) that explains most of its cells. Then each cell:

- `holds`: it is what the plain reading prints, and so does the table's;
- `another convention`: it holds under the table's reading, which is not the plain one; or under a reading of its own
  that none of the cells beside it refutes;
- `another network`: a variant, knob setting, width or resolution prints all cells of its row that are about the same;
- `contradicts itself`: the row's own cells exclude each other whatever the channel counts (see `proof`);
- `not reproduced`: none of this. It comes with the residual and, from `convcost.auditing.explain`, with the smallest
  edits that reproduce the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from convcost.auditing import proof
from convcost.auditing.alternatives import Alternative
from convcost.auditing.convention import Inferred, Near, Score
from convcost.auditing.explain import Explanations, explain
from convcost.auditing.explain_network import explain_network
from convcost.counters.rules import PARAMS
from convcost.errors import ConvcostError
from convcost.ops import Shape, format_shape
from convcost.printed.numbers import Printed
from convcost.published.claims import QUANTITIES, Claim, Claims, Subject, Unread, of_table
from convcost.published.readings import ALL, OWN, Reading, residual
from convcost.published.tables import SIZES, TOTAL, load_table

Verdict = Literal["holds", "another convention", "another network", "contradicts itself", "not reproduced"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""What a cell can be found to be."""
CONTRADICTION: Verdict = "contradicts itself"
FAILING: Mapping[str, Sequence[Verdict]] = {
    "contradiction": (CONTRADICTION,),
    "unreproduced": VERDICTS[3:],
    "difference": VERDICTS[1:],
}
"""What `--fail-on` fails on."""


MOST_EXPLAINED = 30
"""Rows for which edits are searched: the first ones that need it. A search takes up to half a second."""


class Finding(NamedTuple):
    """The verdict on one cell."""

    claim: Claim
    verdict: Verdict
    computed: int | Shape
    """For the network that is named, under the table's reading: the exact count, or the size as (H, W, C)."""
    reading: Reading | None = None
    """The reading under which it holds, or was tried; None for a size."""
    evidence: str = ""
    network: str = ""
    """The network for which it holds, if it is not the one that is named."""
    residual: Fraction = Fraction(0)
    """How far the computed count is above or below the nearest one that is printed so."""


class Audited(NamedTuple):
    """A table with its verdicts."""

    table: Claims
    readings: dict[str, Reading]
    """The convention inferred for each quantity that it prints."""
    scoreboard: dict[str, list[Score]]
    """For each quantity all readings that were tried, the best first."""
    findings: list[Finding]
    explanations: dict[Subject, Explanations]
    """By `Claim.subject`, for each row that is not reproduced: the first MOST_EXPLAINED of them."""
    unexplained: int = 0
    """How many more rows there are for which no edits were searched."""

    def count(self, verdict: Verdict) -> int:
        """How many cells got a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    @property
    def unread(self) -> Sequence[Unread]:
        """Rows that are not audited."""
        return self.table.unread


def audit(
    source: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    specs: Sequence[str | Path] = (),
    table: int | None = None,
    header_rows: int | None = None,
) -> Audited:
    """Audit a shipped table by its name, or a user's own by the path of its CSV, TSV, Markdown, LaTeX or HTML file.

    A YAML file is a table as the shipped ones are. The other arguments are for the other files: see
    `convcost.published.usertable.read_claims` (columns, names, specs) and `convcost.tablefiles.reading.read_table`
    (table, header_rows).

    Raises:
        ConvcostError: there is no such table, or something in it cannot be read; with the place.
    """
    if Path(source).suffix in ("", ".yaml", ".yml"):
        if columns or names or specs or table is not None or header_rows is not None:
            raise ConvcostError(f"{source}: a table of ours says itself what its columns, names and rows are")
        return audit_claims(of_table(load_table(str(source))))
    from convcost.published.usertable import read_claims
    from convcost.tablefiles.reading import read_table

    raw = read_table(source, table=table, header_rows=header_rows)
    return audit_claims(read_claims(raw, columns=columns, names=names, specs=[Path(spec) for spec in specs]))


def audit_claims(table: Claims, *, explained: bool = True, near: Near | None = None) -> Audited:
    """Infer the table's convention and judge every cell.

    Args:
        table: see `convcost.published.claims` and `convcost.published.usertable`.
        explained: whether to search the edits that reproduce a row.
        near: filled with the alternatives that are priced, for further audits of the same networks.
    """
    for claim in table.claims:
        if claim.printed is not None and claim.printed.value().denominator != 1 and claim.quantity in QUANTITIES:
            raise ConvcostError(
                f"{claim.place}: {claim.column} {claim.text}: a count is whole; say its scale: M, for one, "
                f"in the cell, the column's title, or as --map '{claim.column}={claim.quantity} in M'"
            )
    judge = _Judge(table, {} if near is None else near)
    findings: dict[Claim, Finding] = {}
    explanations: dict[Subject, Explanations] = {}
    unexplained = 0
    groups: dict[Subject, list[Claim]] = {}
    for claim in table.claims:
        if claim.quantity in SIZES:
            findings[claim] = _size(claim)
        else:
            groups.setdefault(claim.subject, []).append(claim)
    for subject, group in groups.items():
        for finding in judge.row(group):
            findings[finding.claim] = finding
        verdicts = {findings[claim].verdict for claim in group}
        inside = group[0].lead != TOTAL
        # Where a variant's name explains a scope, the search says what it is, and whether anything else would.
        if not explained or not ("not reproduced" in verdicts or (inside and "another network" in verdicts)):
            continue
        if len(explanations) == MOST_EXPLAINED:
            unexplained += 1
            continue
        network, cost = table.priced[group[0].reference]
        explanations[subject] = (
            explain(cost, group, judge.readings) if inside else explain_network(network, cost, group, judge.readings)
        )
    ordered = [findings[claim] for claim in table.claims]
    return Audited(table, judge.readings, judge.scoreboard, ordered, explanations, unexplained)


class _Judge(Inferred):
    """Verdicts under an inferred convention."""

    def row(self, group: list[Claim]) -> list[Finding]:
        """The verdicts on the cells of a row that are about the same."""
        failing = [claim for claim in group if not self.holds(claim, self.readings[claim.quantity])]
        found = {claim: self._holding(claim) for claim in group if claim not in failing}
        if failing:
            cost = self.priced[group[0].reference][1]
            # A network's total is at some input; only where the table says at which does it say where its weights work.
            at = group[0].lead != TOTAL or "input=" in group[0].reference
            proved = proof.contradiction(cost, group, *self._units()) if at else ""
            elsewhere = [] if proved else self._elsewhere(group)
            together = "" if group[0].lead == TOTAL else proof.agreement(cost, failing, *self._units())
            for claim in failing:
                if proved:
                    found[claim] = self._finding(claim, CONTRADICTION, proved)
                elif near := elsewhere or [other for other in self._elsewhere([claim]) if other.size == 1]:
                    found[claim] = self._another_network(claim, near)
                else:
                    found[claim] = self._alone(claim, together)
        return [found[claim] for claim in group]

    def _holding(self, claim: Claim) -> Finding:
        plain = self.table.stated[claim.quantity]
        if self.holds(claim, plain):
            return self._finding(claim, "holds")
        differences = self.readings[claim.quantity].differences(plain)
        return self._finding(claim, "another convention", ", ".join(differences))

    def _finding(self, claim: Claim, verdict: Verdict, evidence: str = "") -> Finding:
        reading = self.readings[claim.quantity]
        count = self.exact(claim, reading)
        if count is None or claim.printed is None:  # the inferred reading is of a part that this network hasn't
            count = self.exact(claim, reading._replace(part=ALL)) or 0
        left = residual(reading.interval(claim.printed), count) if claim.printed else Fraction(0)
        return Finding(claim, verdict, count, reading, evidence, residual=left)

    def _units(self) -> tuple[list[str], set[str]]:
        """What the table's ops and params may be: one cell alone settles nothing, two that agree do."""
        ops = self.scoreboard.get("ops", [])
        units = [ops[0].reading.measure] if ops and ops[0].held > 1 else ["macs", "flops2"]
        counting = {score.reading.measure for score in self.scoreboard.get("params", []) if score.held}
        return units, counting or set(PARAMS)

    def _elsewhere(self, group: list[Claim]) -> list[Alternative]:
        """The alternatives that print every cell of the row, the nearest first, one for each outcome.

        One that would break what holds in other rows about the same network is refuted by them.
        """
        distinct: dict[tuple[int | None, ...], Alternative] = {}
        needed = [*group, *(same[0] for key, same in self.fair.items() if key[0] == group[0].reference)]
        for other in self.alternatives(group[0], sizes=self._any_size(group)):
            if all(self._meant(claim, other) for claim in needed):
                outcome = tuple(self.exact(claim, self.readings[claim.quantity], other) for claim in group)
                distinct.setdefault(outcome, other)
        return list(distinct.values())

    def _meant(self, claim: Claim, other: Alternative) -> Alternative | None:
        """The alternative if it prints the cell; with auxiliary heads a cell can be about the network without them."""
        reading = self.readings[claim.quantity]
        ways = (other, other._replace(part=ALL)) if other.part else (other,)
        return next((way for way in ways if self.holds(claim, reading, way)), None)

    def _any_size(self, group: list[Claim]) -> bool:
        """Whether a network may have been counted at another input: not if other cells hold at the inputs they name."""
        subject = group[0].subject
        return group[0].lead == TOTAL and not any(
            one.quantity == "ops" and one.subject != subject for same in self.fair.values() for one in same[:2]
        )

    def _another_network(self, claim: Claim, others: list[Alternative]) -> Finding:
        first = self._meant(claim, others[0]) or others[0]
        count = self.exact(claim, self.readings[claim.quantity], first)
        equal = sum(other.size == first.size for other in others)
        more = f", one of {equal} networks as near that would do" if equal > 1 else ""
        convention = self.readings[claim.quantity].differences(self.table.stated[claim.quantity])
        under = f" ({', '.join(convention)})" if convention else ""
        evidence = f"{first} has {count:,}{under}{more}"
        return self._finding(claim, "another network", evidence)._replace(network=first.label)

    def _alone(self, claim: Claim, together: str) -> Finding:
        """A cell that no network explains: a reading of its own, if the cells beside it allow one."""
        finding = self._finding(claim, "not reproduced")
        own = self.readings[claim.quantity]
        scores = sorted(
            (score for score in self.scoreboard[claim.quantity] if self.holds(claim, score.reading)),
            key=lambda score: score.reading.unusual(own),
        )
        prints = self._prints(claim, finding)
        if not scores:
            if coarse := self._coarser(claim, own):
                reading, said = coarse
                verdict: Verdict = "another convention" if reading == own else "not reproduced"
                left = Fraction(0) if reading == own else finding.residual
                evidence = said if reading == own else f"{prints}; {said}, which assumes too much"
                return finding._replace(verdict=verdict, evidence=evidence, residual=left)
            return finding._replace(evidence=f"{prints}; {together or self._nearest(claim, finding)}")
        fair = [same for same in self.fair.values() if same[0].quantity == claim.quantity]
        best = self.scoreboard[claim.quantity][0].merit
        for score in scores:
            # What explains more cells and assumes more is no better than the table's reading, unless it draws level.
            told = score.held > 1 or score.reading.measure in OWN  # one cell is no evidence for a tool
            if told and score.merit >= best and all(self.holds(same[0], score.reading) for same in fair):
                said = f"{', '.join(score.reading.differences(own))}: {self.exact(claim, score.reading):,}"
                return finding._replace(
                    verdict="another convention", reading=score.reading, evidence=said, residual=Fraction(0)
                )
        reading = scores[0].reading
        said = f"{', '.join(reading.differences(own))} it would hold"
        if (count := self.exact(claim, reading)) != finding.computed:
            said += f", with {count:,}"
        refuting = [one for same in fair if not self.holds(same[0], reading) for one in same]
        if refuting:
            beside = "another cell refutes" if len(refuting) == 1 else f"{len(refuting)} other cells refute"
            said += f", but {beside} that ({', '.join(other.text for other in refuting[:3])})"
        return finding._replace(evidence="; ".join(filter(None, [prints, said, together])))

    def _coarser(self, claim: Claim, own: Reading) -> tuple[Reading, str] | None:
        """The most ordinary of our readings under which the cell holds if its last zeros are no printed digits."""
        coarser = claim.printed.coarser() if claim.printed else None
        if coarser is None:
            return None
        ours = [score.reading for score in self.scoreboard[claim.quantity] if score.reading.measure in OWN]
        for reading in sorted(ours, key=lambda reading: reading.unusual(own)):
            count = self.exact(claim, reading)
            if reading.rounding == own.rounding and count is not None and reading.holds(coarser, count):
                said = [*reading.differences(own), f"to {len(str(coarser.digits))} significant digits"]
                return reading, f"{', '.join(said)}: {count:,}"
        return None

    def _prints(self, claim: Claim, finding: Finding) -> str:
        """What the computed count looks like where the cell prints another."""
        reading = self.readings[claim.quantity]
        if claim.printed is None or not isinstance(finding.computed, int):
            return ""
        return f"{finding.computed:,} is {Printed.of(finding.computed, claim.printed, reading.rounding, reading.k)}"

    def _nearest(self, claim: Claim, finding: Finding) -> str:
        reading = self.readings[claim.quantity]
        others = self.alternatives(claim, sizes=self._any_size([claim]))
        best = (abs(finding.residual), "")
        for other in others:
            count = self.exact(claim, reading, other)
            if count is not None and claim.printed is not None:
                left = abs(residual(reading.interval(claim.printed), count))
                best = min(best, (left, f"{other} has {count:,}"), key=lambda one: one[0])
        if not best[1]:
            return f"no nearer among {len(others)} variants tried" if others else "there is no variant to try"
        return f"the nearest of {len(others)} variants tried: {best[1]}"


def _size(claim: Claim) -> Finding:
    if claim.fits:
        return Finding(claim, "holds", claim.size)
    return Finding(claim, "not reproduced", claim.size, evidence=f"computed {format_shape(claim.size)}")
