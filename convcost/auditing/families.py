"""Rows whose name leaves open which network of a family they are about: NASNet-A, ResNeXt-101.

They have no part in how columns are read, and are never blamed: a family has members that nobody here knows. Of those
that the name could mean the one is taken that alone prints all cells of the row as its columns are read, if the cells
have digits enough to choose by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2

from convcost.auditing.axes import Axis
from convcost.auditing.hypotheses import Candidate, Subject, input_bits
from convcost.auditing.prices import ODDS, raw
from convcost.auditing.verdicts import Finding
from convcost.published.claims import Claim, Priced
from convcost.published.readings import PLAIN, Reading, residual
from convcost.spec.names import listed

_UNKNOWN = 1.0
"""Bits: as likely as not it is none of those that are known."""
_QUOTED = 4.0
"""Bits: it is quoted as its own paper prints it, plainly, and not read as its column is."""
_Cell = tuple[Claim, Axis, Reading]


def judge_family(claims: Sequence[Claim], priced: Priced, read: Sequence[tuple[Axis, Reading]]) -> list[Finding]:
    """The verdicts on the cells of a row.

    Args:
        claims: the cells, all of them among the same networks.
        priced: these networks.
        read: of each cell, how its column may be read, and how it is read.
    """
    axes = [axis for axis, _ in read]
    among = claims[0].among
    subjects = {one: Subject(*priced[one], claims[0].lead, axes) for one in among}
    found = {one: [*subject.near, *subject.published] for one, subject in subjects.items()}
    spare = sum(raw(claim.printed.digits) for claim in claims if claim.printed) - log2(len(among)) - _UNKNOWN
    cells = [(claim, *of) for claim, of in zip(claims, read, strict=True)]
    nearest = min((near[0] for near in found.values()), key=lambda one: sum(_distance(one, *cell) for cell in cells))
    chosen = _chosen(found, cells)
    if not chosen:
        plain = [(claim, axis, PLAIN[claim.quantity]) for claim, axis, _ in cells]
        if chosen := _chosen(found, plain):
            cells, spare = plain, spare - _QUOTED
    about = next(iter(chosen.values())) if len(chosen) == 1 else None
    if about and about.input:
        spare -= input_bits(about.input, None, priced[among[0]][0].spec.name)
    about = about if spare >= ODDS else None
    findings = []
    for claim, axis, reading in cells:
        printed = claim.printed
        count = _count(about or nearest, claim, axis, reading)
        finding = Finding(claim, "open", count, reading, margin=max(0.0, spare))
        if about:
            only = f"; of {len(among)} networks that its name could mean no other one prints its row"
            said = f"{about.label} has {reading.told(count)}{only * (len(among) > 1)}"
            findings.append(finding._replace(verdict="holds as", network=about.label, evidence=said))
            continue
        names = [name for name, near in found.items() if any(_prints(one, claim, axis, reading) for one in near)]
        left = residual(reading.interval(printed), count) if printed else finding.residual
        findings.append(finding._replace(evidence=_open(names, among, list(chosen)), residual=left))
    return findings


def _chosen(found: Mapping[str, Sequence[Candidate]], cells: Sequence[_Cell]) -> dict[str, Candidate]:
    """Of each network that prints all cells of a row, as what it does."""
    every = ((name, one) for name, near in found.items() for one in near)
    chosen: dict[str, Candidate] = {}
    for name, one in every:
        if name not in chosen and all(_prints(one, *cell) for cell in cells):
            chosen[name] = one
    return chosen


def _open(names: Sequence[str], among: Sequence[str], rows: Sequence[str]) -> str:
    """Why a cell is open that some networks print, the row with all its cells as well."""
    if len(among) == 1:
        return f"its name may mean {among[0]}, which {'prints' if names else 'does not print'} it"
    if len(rows) > 1:
        return f"its name leaves open which network it is, and so do its counts: {listed(rows)}"
    prints = f"of these {listed(names)} prints it" if names else "none of these prints it"
    return f"its name leaves open which network it is, {listed(among)}; {prints}"


def _distance(one: Candidate, claim: Claim, axis: Axis, reading: Reading) -> float:
    """How far what a network has is from what is printed, in bits."""
    count, value = _count(one, claim, axis, reading), claim.printed.value() if claim.printed else 0
    return abs(log2(count) - log2(value)) if count > 0 and value > 0 else 0.0


def _prints(one: Candidate, claim: Claim, axis: Axis, reading: Reading) -> bool:
    count = _count(one, claim, axis, reading)
    return claim.printed is not None and count >= 0 and reading.holds(claim.printed, count)


def _count(one: Candidate, claim: Claim, axis: Axis, reading: Reading) -> int:
    return int(one.counts[claim.quantity][axis.number(reading) // len(axis.ways)])
