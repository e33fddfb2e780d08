"""Warnings about a graph on an input: what is rarely meant, said once for each line of a spec."""

from __future__ import annotations

from collections.abc import Sequence

from convcost.cost.graph import Graph
from convcost.errors import warn
from convcost.ops import Shape
from convcost.ops.doubts import doubts

MAX_INPUTS = 64
"""How many inputs a graph remembers to have been looked at."""


def warn_of(graph: Graph, tensors: Sequence[Shape]) -> None:
    """Warn of every doubtful layer; `tensors` are the shapes of the input and of every node's output.

    Of inputs that have been looked at only what was found is said again.
    """
    if not all(type(size) is int for size in tensors[0]):
        return
    if (found := graph.doubted.get(tensors[0])) is None:
        if len(graph.doubted) >= MAX_INPUTS:
            graph.doubted.clear()
        found = graph.doubted[tensors[0]] = tuple(_found(graph, tensors))
    for line in found:
        warn(line)


def _found(graph: Graph, tensors: Sequence[Shape]) -> list[str]:
    lines: dict[tuple[object, str], str] = {}
    seen: dict[tuple[int, Shape], tuple[str, ...]] = {}  # most layers of a network repeat
    for node in graph.nodes:
        x = tensors[node.inputs[0]]
        if (found := seen.get(key := (id(node.op), x))) is None:
            found = seen[key] = tuple(doubts(node.op, x))
        for doubt in found:
            where = f"{node.place}: " if node.place else ""
            lines.setdefault((node.place, doubt.partition(" is ")[0]), f"{where}layer {node.name}: {doubt}")
    return list(lines.values())
