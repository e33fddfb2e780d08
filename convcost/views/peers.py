"""What `convcost verify` and `convcost dialects` show, as tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.counters.releases import EVERY, OF_A_TOOL
from convcost.counters.rules import OPS, PARAMS, Rule, rule, weighted
from convcost.counters.tools import NAMES, Release
from convcost.network import Network
from convcost.ops import format_shape
from convcost.render.numbers import in_full, short
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Row, Table
from convcost.torchbridge.report import Verification
from convcost.torchbridge.toolruns import Ran
from convcost.views.header import header, unit


def rules(*, others: bool = False) -> Table:
    """Every rule, and what is peculiar about it; with `others` those of other years' releases, too."""
    columns = (
        Column("rule", "rule"),
        Column("unit", "unit"),
        Column("counts", "counts", wrap=True),
        Column("tool", "tool", drop=1),
    )
    names = EVERY if others else NAMES
    rows = [Row((name, rule(name).unit, rule(name).formula, _tool(name))) for name in names]
    above = header((), ("kinds", "elements of the layers' outputs, unless they say otherwise; in evaluation mode"))
    return Table("Dialects", above, columns, tuple(rows), tuple(map(_quirks, names)))


def dialects(
    network: Network, cost: Cost, *, exact: bool, others: bool = False, ran: Mapping[str, Ran] | None = None
) -> Table:
    """A network by every rule, each total with what it is made of; `others` as in `rules`.

    `ran` is what the real tools said of it: beside what is computed, with a mark where they differ.
    """
    columns = (
        Column("rule", "rule"),
        Column("count", "count" if ran is None else "computed", "count"),
        *((Column("run", "run", "count"),) if ran is not None else ()),
        Column("is", "is", wrap=True),
        Column("unit", "unit", drop=1),
        Column("not_counted", "layers not counted", drop=2),
    )
    rows = []
    notes = []
    total = cost.total
    for name in EVERY if others else NAMES:
        counting = rule(name)
        missed = ", ".join(f"{layers} ({count})" for layers, count in counting.not_counted(total).items())
        release = OF_A_TOOL.get(name)
        run = () if ran is None else (_run(ran[name], counting.of(total), release) if name in ran else None,)
        rows.append(Row((name, counting.of(total), *run, _sum(counting, total, exact), counting.unit, missed)))
        wrong = release.gets_wrong(total) if release else {}
        notes += [f"{name} gets {operator} wrong: {how}" for operator, how in wrong.items()]
    return Table(network.spec.title, header([(network, cost)]), columns, tuple(rows), tuple(notes))


def _run(ran: Ran, computed: int, release: Release | None) -> Cell:
    """What a real tool said, beside what is computed."""
    if ran.counts is None:
        return Cell(None, note=f"{ran.version}: {ran.why}".removeprefix(": "))
    rule_of = ""
    if release and not re.search(rf"{re.escape(ran.version.removesuffix('.0'))}(\.0)?(?![\w.])", release.versions):
        rule_of = f"{ran.version} ran, and the rule is that of {release.versions}"
    return Cell(ran.counts, HOLDS if ran.counts == computed else DIFFERS, rule_of)


def verifications(reports: Sequence[Verification]) -> Table:
    """What was compared, network by network, and every difference."""
    columns = (
        Column("network", "network"),
        Column("input", "input", align="right", drop=2),
        Column("layers", "layers", "count", drop=1),
        Column("params", "params", "count"),
        Column("macs", "macs", "count"),
        Column("verdict", "verdict", align="right"),
    )
    rows = []
    notes = []
    for report in reports:
        count = len(report.differences)
        verdict = Cell("agrees", HOLDS) if report.ok else Cell(f"{count} difference{'s' * (count > 1)}", DIFFERS)
        rows.append(
            Row((report.network, format_shape(report.input), report.layers, report.params, report.macs, verdict))
        )
        notes += [f"{report.network}: {difference}" for difference in report.differences]
        notes += [f"{report.network}: {report.said_of_unused}"] if report.unused else []
    against = dict.fromkeys(source for report in reports for source in report.against)
    above = header((), ("against", ", ".join(against)), unit(PARAMS["params"], OPS["macs"]))
    return Table("Verification", above, columns, tuple(rows), tuple(notes))


def _tool(name: str) -> str:
    release = OF_A_TOOL.get(name)
    return f"{release.versions} ({release.year})" if release else ""


def _quirks(name: str) -> str:
    release = OF_A_TOOL.get(name)
    if release is None:
        return f"{name}: {rule(name).words}"
    wrong = "".join(f" Wrong for {operator}: {how}." for operator, how in release.wrong.items())
    prescribes = f" Prescribes {release.prescribes}." if release.prescribes else ""
    return f"{name}: {release.quirk}{prescribes}{wrong}"


def _sum(counting: Rule, line: Line, exact: bool) -> str:
    """`macs 4.09G + 2 bn 22.2M`."""
    number = in_full if exact else short
    text = ""
    for kind, amount in counting.terms(line).items():
        sign = "- " if amount < 0 else "+ " if text else ""
        text += f" {sign}{weighted(kind, abs(counting.weights[kind]))} {number(abs(amount))}"
    return text.strip()
