"""Warnings about a graph on an input: what is rarely meant, said once for each line of a spec."""

from __future__ import annotations

from collections.abc import Sequence

from convcost.cost.graph import Evaluated, Graph
from convcost.cost.inputs import sizes_of
from convcost.errors import warn, warned
from convcost.ops import Shape
from convcost.ops.doubts import clear_from, doubts
from convcost.ops.traced import Traced

MAX_INPUTS = 64
"""How many inputs a graph remembers to have been looked at."""


def warn_of(graph: Graph, input: Shape, priced: Sequence[Evaluated]) -> None:
    """Warn of every doubtful layer on an input, for which every node has been evaluated.

    Of inputs that have been looked at only what was found is said again; nothing is said of arrays.
    """
    if graph.arrays or not warned() or not all(type(size) is int for size in sizes_of(input)):
        return
    if (found := graph.doubted.get(input)) is None:
        if len(graph.doubted) >= MAX_INPUTS:
            graph.doubted.clear()
        found = graph.doubted[input] = tuple(_found(graph, priced))
    for line in found:
        warn(line)


def without_rule(graph: Graph) -> dict[tuple[object, str], str]:
    """The warning of each operator that nobody has said the work of, at the first layer that is one."""
    unknown = [node for node in graph.nodes if isinstance(node.op, Traced) and not node.op.known]
    return {
        ("", node.op.name): f"layer {node.name}: {node.op.name} has no rule, and what it does is not counted"
        for node in reversed(unknown)
    }


def _found(graph: Graph, priced: Sequence[Evaluated]) -> list[str]:
    lines = without_rule(graph)
    clear: set[tuple[int, int]] = set()
    for i in graph.windowed:
        node, inputs = graph.nodes[i], priced[i].inputs
        op, (x,) = node.op, inputs
        if (id(op), id(inputs)) in clear:
            continue
        least = clear_from(op, x[0], len(x) - 1)
        if least is not None and all(type(size) is int and size >= least for size in x[1:]):
            clear.add((id(op), id(inputs)))
            continue  # a symbol is not asked: its answer would be an assumption
        for doubt in doubts(op, x):
            where = f"{node.place}: " if node.place else ""
            lines.setdefault((node.place, doubt.partition(" is ")[0]), f"{where}layer {node.name}: {doubt}")
    return list(lines.values())
