"""How a number comes about: the arithmetic of one layer, or what the count of a scope or network is the sum of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from inspect import getdoc
from pathlib import Path
from types import MappingProxyType

from convcost.cost import arithmetic
from convcost.cost.cost import Cost
from convcost.cost.graph import FOLDED, FOLDING
from convcost.counters.line import Line
from convcost.counters.releases import OF_A_TOOL
from convcost.counters.rules import OPS, PARAMS
from convcost.counters.tools import NAMES
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.network import Network
from convcost.ops import Op, format_shape
from convcost.render.table import Column, Row, Table
from convcost.views.header import header, unit

BY: Mapping[str, Callable[[Line], Int]] = MappingProxyType(
    {"macs": lambda line: line.macs, "params": lambda line: line.params, "activations": lambda line: line.activations}
)
"""What the parts of a scope are put in order by."""
UNITS = (
    "Kinds are what rules weigh; each rule's count is made of them, and `convcost dialects` says whose it is.",
    "Field and jump are in positions of the input, those before are its input's; memory is in bytes of float32.",
)


def explanation(line: Line, cost: Cost | None = None, network: Network | None = None, by: str = "macs") -> Table:
    """The arithmetic of a node, with the norms and activations that follow it in its scope, or a scope's largest parts.

    The cost that it is of adds receptive field and memory. Raises ConvcostError for symbols and arrays.
    """
    first, *others = line.rows
    if others and not (_kind(first) in FOLDING and all(_kind(row) in FOLDED for row in others)):
        return parts(line, cost, network, by)
    return arithmetic_of(line, cost, network)


def arithmetic_of(line: Line, cost: Cost | None = None, network: Network | None = None) -> Table:
    """Every count of a node in symbols and in numbers, and the rules' own words; of what follows it params and work."""
    nodes = [arithmetic.traced(row) for row in line.rows]
    first, *others = nodes
    sections = {"output": arithmetic.outputs(first)}
    for node in nodes:
        of = f" of {node.name.rpartition('/')[2]}" if others else ""
        sections[f"params{of}"] = arithmetic.counts(node)
        sections[f"work{of}"] = arithmetic.work(node)
    if cost is not None:
        sections["field"] = arithmetic.field(cost, first)
        sections["memory"] = arithmetic.memory(cost, first)
    sections["kinds"] = arithmetic.kinds(nodes, NAMES)
    sections["rules"] = arithmetic.by_rules(line, NAMES)
    rows: list[Row] = []
    for title, steps in sections.items():
        if steps:
            rows.append(Row((title, None, None), "section"))
            rows += [Row((step.quantity, step.arithmetic or step.remark, step.number)) for step in steps]
    columns = (
        Column("quantity", ""),
        Column("is", "is", wrap=True),
        Column("value", "value", "count"),
    )
    inputs = " and ".join(dict.fromkeys(map(format_shape, line.inputs)))
    facts = [
        ("operator", " >> ".join(arithmetic.written(arithmetic.operator(row)) for row in line.rows)),
        ("input", inputs),
        ("output", format_shape(line.shape)),
    ]
    facts += [("batch", str(line.batch))] if line.batch != 1 else []
    if (
        cost is not None
        and network is not None
        and (place := str(cost.graph.nodes[cost.graph.names.index(line.rows[0].name)].place))
    ):
        facts.append(("stands at", Path(place).name))
    facts += [("source", network.spec.source)] if network is not None and network.spec.source else []
    notes = (*(word for row in line.rows for word in _words(row)), *UNITS[: None if cost is not None else 1])
    return Table(_title(line, network), tuple(facts), columns, tuple(rows), notes)


def parts(line: Line, cost: Cost | None = None, network: Network | None = None, by: str = "macs") -> Table:
    """What several nodes' counts are the sum of: their scopes one level down, largest first."""
    if by not in BY:
        raise ConvcostError(f"parts are put in order by {', '.join(BY)}, not by {by!r}")
    inside = f"{line.name}/"
    depth = line.name.count("/") + 2 if all(row.name.startswith(inside) for row in line.rows) else 1
    groups: dict[str, list[Line]] = {}
    for row in line.rows:
        groups.setdefault("/".join(row.name.split("/")[:depth]), []).append(row)
    found = [(name, _sums(rows), len(rows)) for name, rows in groups.items()]
    found.sort(key=lambda one: -one[1][list(BY).index(by)])
    whole = _sums(line.rows)

    def cells(name: str, sums: Sequence[int], layers: int) -> tuple[str | int | Fraction, ...]:
        shares = [Fraction(n, of) if of else Fraction(0) for n, of in zip(sums, whole, strict=True)]
        return name, layers, sums[0], shares[0], sums[1], shares[1], sums[2]

    rows = [Row(cells(*one)) for one in found]
    rows.append(Row(cells("together", whole, len(line.rows)), "total"))
    columns = (
        Column("part", "part", wrap=True, scopes=True),
        Column("layers", "layers", "count", drop=2),
        Column("macs", "macs", "count"),
        Column("macs_share", "share", "percent", drop=1),
        Column("params", "params", "count"),
        Column("params_share", "share of params", "percent", wrap=True, drop=1),
        Column("activations", "activations", "count", drop=3),
    )
    priced = [(network, cost)] if cost is not None else []
    above = header(priced, ("order", f"by {by}, largest first"), unit(PARAMS["params"], OPS["macs"]))
    return Table(_title(line, network), above, columns, tuple(rows))


def _kind(line: Line) -> str:
    return line.op.kind if line.op is not None else ""


def _sums(rows: Sequence[Line]) -> list[int]:
    return [sum(of(row) for row in rows) for of in BY.values()]


def _title(line: Line, network: Network | None) -> str:
    if network is None:
        return line.name
    return network.spec.title if line.name == "total" else f"{line.name} of {network.reference}"


def _words(line: Line) -> Iterator[str]:
    """What a node's rule says of itself, where it stands, and which tools get the operator wrong."""
    op = arithmetic.operator(line)
    own = [name for name in ("out_shape", "params", "work") if getattr(type(op), name) is not getattr(Op, name)]
    said = " ".join(f"{name}: {_one_line(getdoc(getattr(op, name)) or '')}" for name in own)
    yield f"{op.name} ({type(op).__module__}.{type(op).__name__}): {_one_line(getdoc(type(op)) or '')} {said}".rstrip()
    for name in NAMES:
        if name in OF_A_TOOL:
            for wrong, how in OF_A_TOOL[name].gets_wrong(line).items():
                yield f"{name} gets {wrong} wrong: {how}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
