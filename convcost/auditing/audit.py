"""Is the number right? A verdict on every printed cell of a table, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from convcost.auditing.evidence import shortest
from convcost.auditing.explain import Explanations, explain
from convcost.auditing.explain_network import explain_network
from convcost.auditing.rows import Shared
from convcost.auditing.verdicts import FAILING, VERDICTS, Finding, Judge, Verdict, size
from convcost.errors import ConvcostError
from convcost.published.claims import QUANTITIES, Claims, Subject, Unread, of_table
from convcost.published.readings import PLAIN, Reading
from convcost.published.tables import SIZES, TOTAL, load_table

__all__ = ["FAILING", "VERDICTS", "Audited", "Finding", "Verdict", "audit", "audit_claims"]

MOST_EXPLAINED = 30
"""Rows for which edits are searched: the first ones that need it. A search takes up to half a second."""


class Audited(NamedTuple):
    """A table with its verdicts."""

    table: Claims
    readings: dict[str, Reading | None]
    """How each kind of column (params, macs, flops, ops) is read; None where that is by no rule of ours."""
    shared: Shared
    """What all its rows have in common, if not their own: an input, a number of classes."""
    variants: dict[str, str]
    """By the name of a spec, the variant that its rows are of, where that is not the one that they name."""
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


def audit_claims(table: Claims, *, explained: bool = True) -> Audited:
    """Find the shortest description of a table and judge every cell by it.

    Args:
        table: see `convcost.published.claims` and `convcost.published.usertable`.
        explained: whether to search the edits that reproduce a row.
    """
    for claim in table.claims:
        if claim.printed is not None and claim.printed.value().denominator != 1 and claim.quantity in QUANTITIES:
            raise ConvcostError(
                f"{claim.place}: {claim.column} {claim.text}: a count is whole; say its scale: M, for one, "
                f"in the cell, the column's title, or as --map '{claim.column}={claim.quantity} in M'"
            )
    found = {claim: size(claim) for claim in table.claims if claim.quantity in SIZES}
    if len(found) == len(table.claims):
        return Audited(table, {}, Shared(), {}, [found[claim] for claim in table.claims], {})
    evidence = shortest(table)
    judge = Judge(evidence)
    explanations: dict[Subject, Explanations] = {}
    unexplained = 0
    for number, row in enumerate(evidence.rows):
        judged = judge.row(number)
        found.update({finding.claim: finding for finding in judged})
        verdicts = {finding.verdict for finding in judged}
        if not explained or not verdicts & {"does not hold", "slip", "open"}:
            continue
        if len(explanations) == MOST_EXPLAINED:
            unexplained += 1
            continue
        readings = {finding.claim.quantity: finding.reading or PLAIN[finding.claim.quantity] for finding in judged}
        network, cost = row.subject.network, row.subject.cost
        explanations[row.claims[0].subject] = (
            explain(cost, row.claims, readings)
            if row.claims[0].lead != TOTAL
            else explain_network(network, cost, row.claims, readings)
        )
    variants = {
        evidence.rows[members[0]].subject.network.spec.name: str(evidence.variant_of[family])
        for family, members in evidence.best[0].members.items()
        if evidence.variant_of[family] != family[1]
    }
    ordered = [found[claim] for claim in table.claims]
    shared = evidence.best[0].shared
    return Audited(table, evidence.readings, shared, variants, ordered, explanations, unexplained)
