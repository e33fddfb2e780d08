"""Warnings about a graph on an input: what is rarely meant, said once for each line of a spec."""

from __future__ import annotations

from collections.abc import Sequence

from convcost.cost.graph import Graph
from convcost.errors import warn
from convcost.ops import Shape
from convcost.ops.doubts import clear_from, doubts

MAX_INPUTS = 64
"""How many inputs a graph remembers to have been looked at."""


def warn_of(graph: Graph, tensors: Sequence[Shape]) -> None:
    """Warn of every doubtful layer; `tensors` are the shapes of the input and of every node's output.

    Of inputs that have been looked at only what was found is said again; nothing is said of arrays.
    """
    if graph.arrays or not all(type(size) is int for size in tensors[0]):
        return
    if (found := graph.doubted.get(tensors[0])) is None:
        if len(graph.doubted) >= MAX_INPUTS:
            graph.doubted.clear()
        found = graph.doubted[tensors[0]] = tuple(_found(graph, tensors))
    for line in found:
        warn(line)


def _found(graph: Graph, tensors: Sequence[Shape]) -> list[str]:
    lines: dict[tuple[object, str], str] = {}
    for node in graph.windowed:
        op, x = node.op, tensors[node.inputs[0]]
        key = (id(op), x[0], len(x))
        if key not in graph.clear:
            graph.clear[key] = clear_from(op, x)
        least = graph.clear[key]
        if least is not None and all(type(size) is int and size >= least for size in x[1:]):
            continue  # a symbol is not asked: its answer would be an assumption
        for doubt in doubts(op, x):
            where = f"{node.place}: " if node.place else ""
            lines.setdefault((node.place, doubt.partition(" is ")[0]), f"{where}layer {node.name}: {doubt}")
    return list(lines.values())
