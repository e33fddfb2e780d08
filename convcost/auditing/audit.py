"""Is the number right? A verdict on every printed cell of a table, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

from convcost.auditing.axes import Axis, axis_of, kind_of
from convcost.auditing.evidence import Evidence, shortest
from convcost.auditing.explain import Explanations, explain
from convcost.auditing.families import judge_family
from convcost.auditing.rows import Row, Shared
from convcost.auditing.verdicts import FAILING, VERDICTS, Finding, Judge, Verdict, fails, size
from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.network import Network
from convcost.published.claims import QUANTITIES, Claim, Claims, FileClaims, Subject, Unread, of_table
from convcost.published.layerkinds import EVERY
from convcost.published.readings import PLAIN, Reading
from convcost.published.tables import SIZES, load_table, table_names

__all__ = [
    "FAILING",
    "VERDICTS",
    "Audited",
    "AuditedFile",
    "Finding",
    "Verdict",
    "audit",
    "audit_claims",
    "audit_file",
    "fails",
]

MOST_EXPLAINED = 30
"""Rows for which edits are searched: the first ones that need it. A search takes up to half a second."""


class Audited(NamedTuple):
    """A table with a verdict on each of its cells, and what they were read by.

    >>> convcost.audit("googlenet").count("contradicts itself")
    4
    """

    table: Claims
    readings: dict[str, Reading | None]
    """How each kind of column (params, macs, flops, ops) is read; None where that is by no rule of ours."""
    shared: Shared
    """What all its rows have in common, if not their own: an input, a number of classes."""
    variants: dict[str, str]
    """By the name of a spec, the variant that its rows are of, where that is not the one that they name."""
    findings: list[Finding]
    explanations: dict[Subject, Explanations]
    """By `Claim.subject`, for each row of layers that is not reproduced: the first MOST_EXPLAINED of them."""
    unexplained: int = 0
    """How many more rows there are for which no edits were searched."""

    def count(self, verdict: Verdict) -> int:
        """How many cells got a verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)

    @property
    def unread(self) -> Sequence[Unread]:
        """Rows that are not audited."""
        return self.table.unread

    @property
    def networks(self) -> list[tuple[Network, Cost]]:
        """What rows are about, with its cost; of a family that a name leaves open, what its row holds as."""
        claims, priced = self.table.claims, self.table.priced
        known = {claim.reference for claim in claims if not claim.among}
        known |= {finding.network for finding in self.findings if finding.claim.among}
        left = {one for claim in claims for one in claim.among} - known
        return [pair for reference, pair in priced.items() if reference not in left]

    def __repr__(self) -> str:
        found = ", ".join(f"{number} {verdict}" for verdict in VERDICTS if (number := self.count(verdict)))
        title = shorten(self.table.title, 40, placeholder="...") or "a table"
        return f"<Audited {title}: {found or 'no cell'}>"


class AuditedFile(NamedTuple):
    """The tables of a file with their verdicts."""

    tables: list[Audited]
    failed: Sequence[str] = ()
    """Of each table that could not be read or judged, a line with its place and why."""
    uncounted: Sequence[str] = ()
    """Of each table that counts nothing, a line that says so."""


def audit(
    source: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    specs: Sequence[str | Path] = (),
    table: int | None = None,
    header_rows: int | None = None,
    pages: str | None = None,
    strip: Sequence[str] = (),
    names_file: str | Path | None = None,
    network: str = "",
) -> Audited:
    """Audit a shipped table by its name, or a user's own by the path of its file.

    A YAML file is a table as the shipped ones are. Any other may be CSV, TSV, Markdown, HTML, plain text, LaTeX (also a
    folder or an archive of its sources) or PDF, or "-" for standard input; the other arguments are for these: see
    `convcost.published.usertable.Said` (columns, names, names_file, specs, strip, network) and, in
    `convcost.tablefiles.reading`, `read_table` (table, header_rows) and `tables_in` (pages).

    Raises:
        ConvcostError: there is no such table, several of the file count something and none is chosen, or something in
            it cannot be read; with the place.
    """
    read = _read(source, columns, names, specs, table, header_rows, pages, strip, names_file, network)
    if len(read.tables) > 1:
        numbers = ", ".join(str(one.number) for one in read.tables)
        raise ConvcostError(f"{source}: tables {numbers} all count something; choose one of them, or `audit_file` all")
    return audit_claims(read.tables[0])


def audit_file(
    source: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    specs: Sequence[str | Path] = (),
    table: int | None = None,
    header_rows: int | None = None,
    pages: str | None = None,
    strip: Sequence[str] = (),
    names_file: str | Path | None = None,
    network: str = "",
) -> AuditedFile:
    """Audit every table of a file that counts something. The arguments are those of `audit`.

    A table that fails costs no other one: it is among those that are passed over, each with its place and the reason.

    Raises:
        ConvcostError: there is no such file, what is said of its tables fits none, or not one of them can be audited.
    """
    read = _read(source, columns, names, specs, table, header_rows, pages, strip, names_file, network)
    audited, failed = [], []
    for claims in read.tables:
        try:
            audited.append(audit_claims(claims))
        except ConvcostError as error:
            if len(read.tables) == 1:
                raise
            failed.append(str(error))
    if not audited:
        raise ConvcostError(failed[0])
    return AuditedFile(audited, [*read.failed, *failed], read.uncounted)


def _read(
    source: str | Path,
    columns: Mapping[str, str] | None,
    names: Mapping[str, str] | None,
    specs: Sequence[str | Path],
    table: int | None,
    header_rows: int | None,
    pages: str | None,
    strip: Sequence[str],
    names_file: str | Path | None,
    network: str,
) -> FileClaims:
    if _is_ours(source):
        if (
            columns
            or names
            or names_file
            or specs
            or strip
            or pages is not None
            or table is not None
            or header_rows is not None
        ):
            raise ConvcostError(f"{source}: a table of ours says itself what its columns, names and rows are")
        return FileClaims([of_table(load_table(str(source)))])
    from convcost.published.userfile import read_file
    from convcost.published.usertable import Said

    said = Said(columns, names, [Path(spec) for spec in specs], strip, names_file, network)
    return read_file(source, said, table=table, header_rows=header_rows, pages=pages)


def _is_ours(source: str | Path) -> bool:
    """Whether a source is a table as the shipped ones are: by name, or in a YAML file."""
    suffix = Path(source).suffix
    foreign = str(source) == "-" or (str(source) not in table_names() and Path(source).is_dir())
    return suffix in (".yaml", ".yml") or (not suffix and not foreign)


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
    named = table._replace(claims=[claim for claim in table.claims if not claim.among])
    if len(found) == len(named.claims):
        found.update(_of_families(table, None))
        return Audited(table, {}, Shared(), {}, [found[claim] for claim in table.claims], {})
    evidence = shortest(named)
    judge = Judge(evidence)
    explanations: dict[Subject, Explanations] = {}
    unexplained = 0
    for number, row in enumerate(evidence.rows):
        judged = judge.row(number)
        found.update({finding.claim: finding for finding in judged})
        verdicts = {finding.verdict for finding in judged}
        if not explained or not _searched(row) or not verdicts & {"does not hold", "slip", "open"}:
            continue
        if len(explanations) == MOST_EXPLAINED:
            unexplained += 1
            continue
        readings = {finding.claim.quantity: finding.reading or PLAIN[finding.claim.quantity] for finding in judged}
        explanations[row.claims[0].subject] = explain(row.subject.cost, row.claims, readings)
    variants = {
        evidence.rows[members[0]].subject.network.spec.name: str(evidence.variant_of[family])
        for family, members in evidence.best[0].members.items()
        if evidence.variant_of[family] != family[1]
    }
    found.update(_of_families(table, evidence))
    ordered = [found[claim] for claim in table.claims]
    shared = evidence.best[0].shared
    return Audited(table, evidence.readings, shared, variants, ordered, explanations, unexplained)


def _of_families(table: Claims, evidence: Evidence | None) -> dict[Claim, Finding]:
    """The verdicts on the cells of rows whose name leaves open which network they are about; see `families`."""
    rows: dict[Subject, list[Claim]] = {}
    for claim in table.claims:
        if claim.among:
            rows.setdefault(claim.subject, []).append(claim)
    axes: dict[str, Axis] = {}
    for kind in {kind_of(claim) for claims in rows.values() for claim in claims}:
        axes[kind] = axis_of(kind, [one for claims in rows.values() for one in claims if kind_of(one) == kind])

    def of(claim: Claim) -> tuple[Axis, Reading]:
        """The axis and the reading of a cell: as the others of its column are read, else plainly."""
        axis, reading = (evidence and evidence.beside(claim)) or (axes[kind_of(claim)], None)
        return axis, reading or PLAIN[claim.quantity]

    judged = (judge_family(claims, table.priced, [of(claim) for claim in claims]) for claims in rows.values())
    return {finding.claim: finding for findings in judged for finding in findings}


def _searched(row: Row) -> bool:
    """Whether a row is one that edits are searched for: of the counts of a scope, or of a layer."""
    counted = all(claim.quantity in QUANTITIES for claim in row.claims)
    return counted and not row.whole and not row.claims[0].lead.startswith(EVERY)
