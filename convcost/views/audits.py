"""What `convcost audit` and `convcost reconcile` show, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from convcost.auditing.audit import VERDICTS, Audited, Finding
from convcost.auditing.convention import Score
from convcost.auditing.reconcile import Match, Reconciled
from convcost.ops import Shape, format_shape
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Mark, Row, Table, Value

MARKS = {
    "holds": HOLDS,
    "another convention": Mark("another convention", "≈", "good"),
    "another network": Mark("another network", "→", "muted"),
    "contradicts itself": Mark("contradicts itself", "≠", "bad"),
    "not reproduced": Mark("not reproduced", DIFFERS.glyph, DIFFERS.style),
}
_BOARD = 4
"""Readings of the scoreboard that are told."""
_MOST_MATCHES = 10


def audits(audited: Sequence[Audited]) -> Table:
    """Every printed cell of the tables with its verdict and, in a footnote, the evidence."""
    several = len(audited) > 1
    columns = [
        Column("row", "row", wrap=True),
        Column("column", "column", wrap=True),
        Column("printed", "printed", align="right"),
        Column("computed", "computed", "count", drop=1),
        Column("residual", "off by", "count", signed=True, drop=2),
        Column("verdict", "verdict", wrap=True),
    ]
    if several:
        columns.insert(0, Column("table", "table", drop=9))
    rows = []
    for one in audited:
        lead: tuple[str, ...] = (one.table.title,) if several else ()
        if several:
            rows.append(Row((one.table.title, one.table.title, *(None,) * (len(columns) - 2)), "section"))
        rows += [Row((*lead, *_finding(finding))) for finding in one.findings]
        rows += [
            Row(
                (
                    *lead,
                    unread.row,
                    unread.column or None,
                    unread.text or None,
                    None,
                    None,
                    Cell("not audited", note=unread.why, style="muted"),
                )
            )
            for unread in one.unread
        ]
    header = (
        ("source", "; ".join(one.table.source for one in audited)),
        ("network", ", ".join(dict.fromkeys(name for one in audited for name in one.table.priced))),
        ("input", ", ".join(dict.fromkeys(_inputs(audited)))),
        *(("convention", convention) for convention in ["; ".join(map(_convention, audited))] if convention),
    )
    notes = [note for one in audited for note in _notes(one, several=several)]
    title = "Audit" if several else f"Audit: {audited[0].table.title}"
    return Table(title, header, tuple(columns), tuple(rows), tuple(notes))


def reconciled(found: Reconciled) -> Table:
    """What makes a claim true, the most ordinary assumptions first; or the nearest counts, if nothing does."""
    columns = [
        Column("network", "network", wrap=True),
        Column("input", "input", align="right", drop=2),
        Column("assumes", "assumes", wrap=True),
        Column("also", "also", wrap=True, drop=3),
        Column("steps", "steps", align="right", drop=1),
    ]
    quantities = [meant.reading.quantity for meant in (found.matches or found.nearest)[0].meant]
    for quantity in quantities:
        columns.append(Column(quantity, quantity, "count"))
        if not found.matches:
            columns.append(Column(f"{quantity}_residual", "off by", "count", signed=True))
    shown = found.matches[:_MOST_MATCHES] or found.nearest
    rows = [Row(_match(match, residuals=not found.matches)) for match in shown]
    claim = " and ".join(map(str, found.claims))
    header = (("claim", claim), ("of", found.name or "any shipped network"))
    said = f"{found.networks:,} networks, each on its input, were tried under every convention"
    notes = [f"Nothing makes {claim} true; these come nearest." if not found.matches else "", said]
    if len(found.matches) > len(shown):
        notes.insert(0, f"{len(found.matches) - len(shown)} more matches, less ordinary than these.")
    if found.matches:
        notes.append(_provenance([f"{shown[0].networks[0]} at {format_shape(shown[0].input)}", *shown[0].assumed[1:]]))
    return Table("Reconciled" if found.matches else "Not reconciled", header, tuple(columns), tuple(rows), tuple(notes))


# -- audits ------------------------------------------------------------------------------------------------------


def _finding(finding: Finding) -> tuple[Value | Cell, ...]:
    claim = finding.claim
    off = Cell(None if finding.verdict in ("holds", "another convention") else int(finding.residual) or None)
    verdict = Cell(finding.verdict, MARKS[finding.verdict], finding.evidence)
    return (claim.row, claim.column, claim.text, _computed(finding.computed), off, verdict)


def _computed(value: int | Shape) -> Value:
    return format_shape(value) if isinstance(value, tuple) else value


def _inputs(audited: Sequence[Audited]) -> Iterator[str]:
    for one in audited:
        for _, cost in one.table.priced.values():
            yield format_shape(cost.input)


def _convention(one: Audited) -> str:
    return "; ".join(f"{quantity}: {reading}" for quantity, reading in one.readings.items())


def _notes(one: Audited, *, several: bool) -> Iterator[str]:
    lead = f"{one.table.title}: " if several else ""
    counts = ", ".join(f"{one.count(verdict)} {verdict}" for verdict in VERDICTS if one.count(verdict))
    yield f"{lead}{len(one.findings)} printed cells: {counts or 'none'}"
    for quantity, scores in one.scoreboard.items():
        yield f"{lead}{quantity}: {_board(scores)}"
    for subject, explanations in one.explanations.items():
        yield f"{lead}{subject[0]}: {explanations}"
        for other in explanations.found[1:]:
            yield f"{lead}{subject[0]}, or: {other}"
    if one.unexplained:
        yield f"{lead}{one.unexplained:,} more rows fail, for which no edits were searched"
    yield from (f"{lead}{note}" for note in one.table.notes)
    networks = ", ".join(f"{name} at {format_shape(cost.input)}" for name, (_, cost) in one.table.priced.items())
    yield _provenance([one.table.source, networks, _convention(one)])


def _board(scores: Sequence[Score]) -> str:
    """The first readings of the scoreboard."""
    said = []
    for score in scores[:_BOARD]:
        more = f" ({score.elsewhere} more for a variant)" if score.elsewhere else ""
        said.append(f"{score.held} of {score.cells} cells hold as {score.reading}{more}")
    return "; ".join(said)


def _provenance(parts: Sequence[str]) -> str:
    """A line to paste into a paper: tool and version, network and variant, input, unit, convention."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        tool = f"convcost {version('convcost')}"
    except PackageNotFoundError:  # run from a checkout
        tool = "convcost"
    return f"provenance: {'; '.join([tool, *filter(None, parts)])}"


# -- reconcile ---------------------------------------------------------------------------------------------------


def _match(match: Match, *, residuals: bool) -> tuple[Value | Cell, ...]:
    assumed = "; ".join(match.assumed[1:])
    also = ", ".join(match.networks[1:])
    values: list[Value | Cell] = [match.networks[0], format_shape(match.input), assumed, also, match.steps]
    for meant in match.meant:
        values.append(meant.exact)
        if residuals:
            values.append(Fraction(meant.residual))
    return tuple(values)
