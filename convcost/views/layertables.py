"""A simulator's layer table with its verdicts, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from convcost.cost.cost import Cost
from convcost.network import Network
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Mark, Row, Table
from convcost.simulators.judged import Judged, Verdict
from convcost.simulators.tables import LayerTable
from convcost.views.header import header

_MARKS: dict[Verdict, Mark] = {
    "agrees": HOLDS,
    "no padding": Mark("no padding", "→", "muted"),
    "differs": DIFFERS,
    "no such layer": DIFFERS,
    "missing": DIFFERS,
}
WRONG: tuple[Verdict, ...] = ("differs", "no such layer", "missing")


def layer_table(table: LayerTable, network: Network, cost: Cost, judged: Sequence[Judged], *, full: bool) -> Table:
    """The rows that are wrong, or with `full` all; above them what the file comes to, and what padding changes."""
    counts = Counter(one.verdict for one in judged)
    rows = [one.row for one in judged if one.row]
    simulated = sum(row.macs for row in rows)
    padding = sum(one.padding for one in judged)
    wrong = sum(one.wrong for one in judged)
    said = ", ".join(f"{count:,} {_SAID[verdict]}" for verdict in _SAID if (count := counts[verdict]))
    sums = [f"{simulated:,} as {table.tool} counts this file"]
    sums += [f"{padding:+,} of them for sizes without padding"] if padding else []
    sums += [f"{wrong:+,} in rows that are wrong"] if wrong else []
    above = header(
        [(network, cost)],
        ("file", table.source),
        ("layers", said),
        ("macs", "; ".join((*sums, f"{simulated - padding - wrong:,} in the network"))),
        source="",
    )
    columns = (
        Column("row", "row", wrap=True),
        Column("layer", "layer", scopes=True, wrap=True),
        Column("macs", "macs", "count"),
        Column("wrong", "off by", "count", signed=True),
        Column("padding", "padding", "count", signed=True, drop=1),
        Column("verdict", "verdict", wrap=True),
    )
    shown = [one for one in judged if full or one.verdict in WRONG]
    body = tuple(
        Row(
            (
                one.row.name if one.row else None,
                one.wanted.layer.line.name if one.wanted else None,
                one.row.macs if one.row else None,
                one.wrong or None,
                one.padding or None,
                Cell("; ".join(one.differences) or one.verdict, _MARKS[one.verdict], one.row.place if one.row else ""),
            )
        )
        for one in shown
    )
    return Table(f"A layer table of {table.tool}", above, columns, body, table.notes)


_SAID: dict[Verdict, str] = {
    "agrees": "as the network has them",
    "no padding": "but for their padding",
    "differs": "wrong",
    "no such layer": "of no layer",
    "missing": "missing",
}
