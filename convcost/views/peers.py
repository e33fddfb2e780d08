"""What `convcost verify` and `convcost dialects` show, as tables."""

from __future__ import annotations

from collections.abc import Sequence

from convcost.cost.cost import Cost
from convcost.counters.dialects import PROFILES, Profile, weighted
from convcost.counters.line import Line
from convcost.counters.rules import OPS, PARAMS
from convcost.network import Network
from convcost.ops import format_shape
from convcost.render.numbers import in_full, short
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Row, Table
from convcost.torchbridge.report import Verification
from convcost.views.naming import unit


def profiles() -> Table:
    """Every profile: what it counts, in which release of its tool; below, what is peculiar about it."""
    columns = (
        Column("profile", "profile"),
        Column("unit", "unit"),
        Column("counts", "counts", wrap=True),
        Column("tool", "tool", drop=1),
    )
    rows = [Row((p.name, p.unit, p.meaning, p.tool)) for p in PROFILES.values()]
    header = (("kinds", "elements of the layers' outputs, unless they say otherwise; in evaluation mode"),)
    return Table("Dialects", header, columns, tuple(rows), tuple(_quirks(p) for p in PROFILES.values()))


def dialects(network: Network, cost: Cost, *, exact: bool) -> Table:
    """A network under every profile, each total with what it is made of."""
    columns = (
        Column("profile", "profile"),
        Column("count", "count", "count"),
        Column("is", "is", wrap=True),
        Column("unit", "unit", drop=1),
        Column("not_counted", "layers not counted", drop=2),
    )
    rows = []
    notes = []
    for profile in PROFILES.values():
        total = cost.total
        missed = ", ".join(f"{name} ({count})" for name, count in profile.not_counted(total).items())
        rows.append(Row((profile.name, profile.of(total), _sum(profile, total, exact), profile.unit, missed)))
        notes += [f"{profile.name} gets {operator} wrong: {how}" for operator, how in profile.gets_wrong(total).items()]
    header = (
        ("network", network.reference),
        ("source", network.spec.source),
        ("input", format_shape(cost.input)),
        ("batch", str(cost.batch)),
    )
    return Table(network.spec.title, header, columns, tuple(rows), tuple(notes))


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
    against = dict.fromkeys(source for report in reports for source in report.against)
    header = (("against", ", ".join(against)), ("unit", unit(PARAMS["params"], OPS["macs"])))
    return Table("Verification", header, columns, tuple(rows), tuple(notes))


def _quirks(profile: Profile) -> str:
    wrong = "".join(f" Wrong for {operator}: {how}." for operator, how in profile.wrong.items())
    return f"{profile.name}: {profile.quirk}{wrong}"


def _sum(profile: Profile, line: Line, exact: bool) -> str:
    """`macs 4.09G + 2 bn 22.2M`."""
    number = in_full if exact else short
    text = ""
    for kind, amount in profile.terms(line).items():
        sign = "- " if amount < 0 else "+ " if text else ""
        text += f" {sign}{weighted(kind, abs(profile.weights[kind]))} {number(abs(amount))}"
    return text.strip()
