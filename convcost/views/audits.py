"""What `convcost audit` and `convcost reconcile` show, as tables: the answer first, then the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil, log2

from convcost.auditing.audit import VERDICTS, Audited, Finding, Verdict
from convcost.auditing.explain import Explanations
from convcost.auditing.reconcile import Match, Reconciled
from convcost.network import Network
from convcost.ops import format_shape
from convcost.published.readings import Reading
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Mark, Row, Section, Table, Value
from convcost.views.header import described, header

MARKS: dict[Verdict, Mark] = {
    "holds": HOLDS,
    "holds as": Mark("holds as", "→", "good"),
    "open": Mark("open", "?", "muted"),
    "slip": Mark("slip", "≈", "bad"),
    "does not hold": Mark("does not hold", DIFFERS.glyph, DIFFERS.style),
    "contradicts itself": Mark("contradicts itself", "≠", "bad"),
}
WRONG: Sequence[Verdict] = VERDICTS[3:]
_ORDER = ("the order", "a factor", "", "the last digit")
"""Consequences by how much they matter; what stands for none of the others is an amount."""
_MOST_MATCHES = 10
_MOST_NAMED = 12
_MOST_ODDS = 10  # bits: beyond 1000 : 1 they say no more


def audits(
    audited: Sequence[Audited], *, brief: bool = False, answers: bool = True, passed: Sequence[str] = ()
) -> Table:
    """Every printed cell of the tables with its verdict, after the answer; then what is wrong, open, and assumed.

    `brief` leaves the cells and all that follows out: the answers, and how many cells got each verdict, a line a table;
    without `answers` the lines alone. `passed` are lines about the tables that were not judged.
    """
    several = len(audited) > 1
    said = " ".join(f"{one.table.title}: {answer(one)}" if several else answer(one) for one in audited)
    title = "Audit" if several else f"Audit: {audited[0].table.title}"
    skipped = Section("Not judged", tuple(passed))
    if brief:
        return _lines(title, said if answers else "", audited, skipped)
    columns = [
        Column("row", "row", wrap=True),
        Column("column", "column", wrap=True),
        Column("printed", "printed", align="right"),
        Column("computed", "computed", "count", drop=1),
        Column("residual", "off by", "count", signed=True, drop=2),
        Column("verdict", "verdict", wrap=True),
        Column("odds", "odds", align="right", drop=3),
    ]
    if several:
        columns.insert(0, Column("table", "table", drop=9))
    rows = []
    for one in audited:
        lead: tuple[str, ...] = (one.table.title,) if several else ()
        if several:
            rows.append(Row((one.table.title, one.table.title, *(None,) * (len(columns) - 2)), "section"))
        rows += [Row((*lead, *_finding(finding))) for finding in one.findings]
        for unread in one.unread:
            told = Cell("not audited", note=unread.why, style="muted", told=True)
            where = (unread.row, unread.column or None, unread.text or None)
            rows.append(Row((*lead, *where, None, None, told, None)))
    priced = [pair for one in audited for pair in one.networks]
    named = [_named(network, one) for one in audited for network, _ in one.networks if network is not None]
    source = "; ".join(dict.fromkeys(one.table.source for one in audited))
    above = (("answer", said), *header(priced, source=source, named=named))
    sections = [
        Section(f"{one.table.title}: {name}" if several else name, lines)
        for one in audited
        for name, lines in _sections(one)
    ]
    notes = [f"{one.table.title}: {note}" if several else note for one in audited for note in one.table.notes]
    evidence = tuple(_weighed(one, finding) for one in audited for finding in one.findings)
    return Table(
        title,
        above,
        tuple(columns),
        tuple(rows),
        tuple(notes),
        evidence,
        (skipped, *sections, Section("How to read it", _TERMS)),
    )


def _named(network: Network, one: Audited) -> str:
    """What a network is called; of a variant that the evidence says, and not the name, the convention tells."""
    told = one.variants.get(network.spec.name)
    return described(network).replace(f"@{network.variant}", "", 1) if told else described(network)


def _weighed(one: Audited, finding: Finding) -> dict[str, object]:
    """A verdict with every candidate that prints its cell, for programs."""
    claim = finding.claim
    return {
        "table": one.table.title,
        "row": claim.row,
        "column": claim.column,
        "printed": claim.text,
        "quantity": claim.quantity,
        "about": " or ".join(claim.among) or claim.reference,
        "part": claim.lead,
        "verdict": finding.verdict,
        "reading": str(finding.reading) if finding.reading else None,
        "margin_bits": _rounded(finding.margin),
        "consequence": finding.consequence,
        "candidates": [
            {
                "network": other.network,
                "computed": _say(finding.reading, other.computed),
                "bits": _rounded(other.bits),
            }
            for other in finding.candidates
        ],
    }


def _rounded(bits: float) -> float:
    """Bits as they are told: a thousandth of one decides nothing."""
    return round(float(bits), 3)


def _hypothesis(match: Match) -> dict[str, object]:
    """An explanation of a claim, for programs."""
    return {
        "networks": list(match.networks),
        "input": format_shape(match.input),
        "assumed": list(match.assumed[1:]),
        "bits": _rounded(match.bits),
        "counts": [
            {
                "printed": str(meant.printed),
                "reading": str(meant.reading),
                "computed": _say(meant.reading, meant.exact),
            }
            for meant in match.meant
        ],
    }


def _lines(title: str, answers: str, audited: Sequence[Audited], skipped: Section) -> Table:
    """One line a table."""
    columns = [Column("table", "table", wrap=True), *(Column(name, name, "count") for name in ("cells", *VERDICTS))]
    columns.append(Column("worst", "worst", wrap=True, drop=1))
    rows = [
        Row((one.table.title, len(one.findings), *(one.count(verdict) for verdict in VERDICTS), _worst(one)))
        for one in audited
    ]
    above = (("answer", answers),) if answers else ()
    return Table(title, above, tuple(columns), tuple(rows), sections=(skipped,))


def answer(one: Audited) -> str:
    """What an audit found, in one to three sentences."""
    wrong = [finding for finding in one.findings if finding.verdict in WRONG]
    open_, right, other = one.count("open"), one.count("holds"), one.count("holds as")
    more = f", {other} more as something else than their rows say" if other else ""
    said = [f"{right} of {len(one.findings)} printed cells hold{more}" if one.findings else "No cell could be audited"]
    if wrong:
        said.append(_worst(one) if len(wrong) == 1 else f"{len(wrong)} are wrong; the worst: {_worst(one)}")
    if open_:
        said.append(f"{open_} {'is' if open_ == 1 else 'are'} open: no blame, as it is not known what is counted")
    if one.unread:
        said.append(f"{len(one.unread)} {'row was' if len(one.unread) == 1 else 'rows were'} not read")
    return ". ".join(said) + "."


def _worst(one: Audited) -> str:
    """The wrong cell that changes most, '' if there is none."""
    worst = min((finding for finding in one.findings if finding.verdict in WRONG), key=_weight, default=None)
    if worst is None:
        return ""
    what = f", which changes {worst.consequence}" if worst.consequence else ""
    how = "is a slip" if worst.verdict == "slip" else worst.verdict
    return f"{worst.claim.text} of {worst.claim.row} {how}{what}"


def reconciled(found: Reconciled) -> Table:
    """What makes a claim true, the cheapest assumptions first; or the nearest counts, if nothing does."""
    columns = [
        Column("network", "network", wrap=True),
        Column("input", "input", align="right", drop=2),
        Column("assumes", "assumes", wrap=True),
        Column("also", "also", wrap=True, drop=3),
        Column("bits", "bits", align="right", drop=1),
    ]
    quantities = [meant.reading.quantity for meant in (found.matches or found.nearest)[0].meant]
    for quantity in quantities:
        columns.append(Column(quantity, quantity, "count"))
        if not found.matches:
            columns.append(Column(f"{quantity}_residual", "off by", "count", signed=True))
    shown = found.matches[:_MOST_MATCHES] or found.nearest
    rows = [Row(_match(match, residuals=not found.matches)) for match in shown]
    claim = " and ".join(map(str, found.claims))
    above = (("answer", explanation(found)), *header((), ("claim", claim), ("of", found.name or "any shipped network")))
    notes = [
        f"{found.networks:,} candidates, each under every rule, part, K and rounding, were tried.",
        "bits: what the assumptions of a line cost together, -log2 of how often they are met.",
    ]
    if found.unread:
        notes.insert(0, f"not read: {', '.join(found.unread)}.")
    if len(found.matches) > len(shown):
        notes.insert(0, f"{len(found.matches) - len(shown)} more explanations, dearer than these.")
    if found.explained:
        notes.append(_provenance([f"{shown[0].networks[0]} at {format_shape(shown[0].input)}", *shown[0].assumed[1:]]))
    title = "Explained" if found.explained else "Open: could be chance" if found.matches else "Not reconciled"
    evidence = tuple(map(_hypothesis, found.matches or found.nearest))
    return Table(title, above, tuple(columns), tuple(rows), tuple(notes), evidence)


def explanation(found: Reconciled) -> str:
    """The answer of a reconciliation in one or two sentences."""
    claim = " and ".join(map(str, found.claims))
    if not found.matches:
        return f"Nothing makes {claim} true; these come nearest."
    first = found.matches[0]
    counts = " and ".join(meant.reading.told(meant.exact) for meant in first.meant)
    how = ", ".join(first.assumed[1:])
    near = f"{_one_in(found.chance)} random numbers near it would be explained as easily"
    if found.explained:
        return f"{claim} is {counts} of {first.networks[0]}: {how}. {near[0].upper()}{near[1:]}."
    return f"Open: {claim} could be {counts} of {first.networks[0]} ({how}), but {near}."


def _one_in(chance: Fraction) -> str:
    if chance > Fraction(1, 2):
        return f"{ceil(10 * chance)} in 10"
    return f"1 in {round(1 / chance):,}" if chance else "none of the"


# -- audits ------------------------------------------------------------------------------------------------------


def _finding(finding: Finding) -> tuple[Value | Cell, ...]:
    claim = finding.claim
    verdict = f"holds as {finding.network}" if finding.network else finding.verdict
    off = _off(finding.reading, int(finding.residual)) if finding.residual else None
    told = finding.verdict in WRONG or finding.verdict == "open"
    said = Cell(verdict, MARKS[finding.verdict], _told(finding), told=told)
    return (claim.row, claim.column, claim.text, _computed(finding), off, said, odds(finding.margin))


def _told(finding: Finding) -> str:
    """The evidence of a verdict, and what it changes."""
    return "; ".join(filter(None, (finding.evidence, finding.consequence and f"changes {finding.consequence}")))


def odds(margin: float) -> str | None:
    """A margin in bits as odds to 1."""
    if margin <= 0:
        return None
    return "> 1000 : 1" if margin > _MOST_ODDS else f"{2**margin:.{0 if margin > log2(10) else 1}f} : 1"


def _computed(finding: Finding) -> Value | Cell:
    """The exact count, for readers as it would stand in the printed cell: with its digits, its scale and its K."""
    count, claim = finding.computed, finding.claim
    if isinstance(count, tuple):
        return format_shape(count)
    if claim.printed is None or finding.reading is None:
        return count
    return Cell(finding.reading.value(count), shown=str(finding.reading.spell(count, claim.printed)))


def _off(reading: Reading | None, residual: int) -> Value | Cell:
    """A residual; of a share in words."""
    if reading is None or reading.one == 1:
        return residual
    return Cell(reading.value(residual), shown=f"{'+' * (residual > 0)}{reading.told(residual)}")


def _say(reading: Reading | None, count: int) -> int | str:
    """An exact count, for programs; a share in words."""
    return count if reading is None or reading.one == 1 else reading.told(count)


def _weight(finding: Finding) -> tuple[int, float]:
    """The place of a finding among the wrong ones."""
    for place, consequence in enumerate(_ORDER):
        if consequence and finding.consequence.startswith(consequence):
            return place, -finding.margin
    return _ORDER.index(""), -finding.margin


_TERMS = (
    "computed: the exact count as it would be printed there; all of its digits with --exact.",
    "off by: the exact count less the nearest one that is printed so.",
    "odds: how much likelier the verdict is than the next.",
)


def _sections(one: Audited) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is wrong, what is open, and what is assumed, each line once."""
    wrong = sorted((finding for finding in one.findings if finding.verdict in WRONG), key=_weight)
    yield "Wrong, by what it changes", tuple(map(_line, wrong))
    edits = [f"{subject[0]}: {text}" for subject, found in one.explanations.items() for text in _edits(found)]
    if one.unexplained:
        edits.append(f"{one.unexplained:,} more rows fail, for which no edits were searched")
    yield "Edits that would reproduce a row", tuple(edits)
    open_ = [finding for finding in one.findings if finding.verdict == "open"]
    alike: dict[str, list[Finding]] = {}
    for finding in open_:
        why = finding.evidence.rpartition("; ")[2]
        alike.setdefault(why.replace("that is", "printed so under the convention, but", 1), []).append(finding)
    lines = [
        _line(same[0]) if len(same) == 1 else f"{_several(f'{f.claim.row} {f.claim.text}' for f in same)}: {why}"
        for why, same in alike.items()
    ]
    yield "Open, and what would settle it", tuple(lines)
    unread: dict[str, list[str]] = {}
    for row in one.unread:
        unread.setdefault(row.why, []).append(" ".join(filter(None, (row.row, row.column, row.text))))
    yield "Not read", tuple(f"{_several(rows)}: {why}" for why, rows in unread.items())
    yield "Convention", tuple(_convention(one))


def _line(finding: Finding) -> str:
    """A cell, its verdict and its evidence."""
    claim = finding.claim
    verdict = "" if finding.verdict == "open" else f" {'is a slip' if finding.verdict == 'slip' else finding.verdict}"
    return f"{claim.row}, {claim.column} {claim.text}{verdict}: {_told(finding)}"


def _several(texts: Iterable[str]) -> str:
    """Names in a row; of very many the first ones."""
    every = list(texts)
    more = len(every) - _MOST_NAMED
    return ", ".join(every if more <= 1 else [*every[:_MOST_NAMED], f"and {more} more"])


def _edits(found: Explanations) -> Iterator[str]:
    """The smallest edits of a row; of many that are as small, of which none says anything, the first one."""
    yield str(found)
    yield from (f"or {other}" for other in found.found[1:] if found.equally_small <= len(found.found))


def _convention(one: Audited) -> Iterator[str]:
    """How columns are read, and what rows are about if not what they name; with the version, to paste."""
    said = [
        f"{kind} {'is' if kind == 'memory' else 'are'} read as {reading or 'no rule known here'}"
        for kind, reading in one.readings.items()
    ]
    said += [f"{spec} is its variant {variant}" for spec, variant in one.variants.items()]
    if one.shared.input:
        said.append(f"all are at {format_shape(one.shared.input)}")
    if one.shared.classes:
        said.append(f"all have {one.shared.classes} classes")
    yield _provenance(said)


def _provenance(parts: Sequence[str]) -> str:
    """A line to paste into a paper: tool and version, network and variant, input, unit, convention."""
    from convcost.designs.parts import installed

    return f"provenance: {'; '.join([f'convcost {installed()}', *filter(None, parts)])}"


# -- reconcile ---------------------------------------------------------------------------------------------------


def _match(match: Match, *, residuals: bool) -> tuple[Value | Cell, ...]:
    assumed = "; ".join(match.assumed[1:])
    also = ", ".join(match.networks[1:])
    values: list[Value | Cell] = [match.networks[0], format_shape(match.input), assumed, also, f"{match.bits:.1f}"]
    for meant in match.meant:
        reading, count = meant.reading, meant.exact
        values.append(count if reading.one == 1 else Cell(reading.value(count), shown=reading.told(count)))
        if residuals:
            off = Fraction(meant.residual)
            values.append(off if reading.one == 1 else _off(reading, int(off)))
    return tuple(values)
