"""Structural edits: what a network may be instead, without a spec of it: a stride later, a block more, another head.

An edit replaces nodes of the graph by chains of operators, or repeats some; the graph is then priced as any other. An
edit that does not fit is none. Two edits that touch no common layer add up exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph, Node
from convcost.errors import ConvcostError, unwarned
from convcost.ops import Conv, DepthwiseConv, Linear, Op

Chains = Mapping[int, Sequence[Op]]
"""By the number of a node, from 1, the operators in its place; none passes its input on."""


class Edit(NamedTuple):
    """A change of a network's graph: chains of operators in the place of nodes, or a block once more."""

    said: str
    chains: Chains
    again: tuple[int, int] | None = None
    """The first and the last node of a block that is repeated."""


class Edited(NamedTuple):
    """What a network comes to with an edit."""

    said: str
    cost: Cost
    touched: frozenset[int]
    """The nodes that cost something else, or take another shape."""


def edited(cost: Cost) -> list[Edited]:
    """Every edit of a network that fits it and changes what it costs."""
    found = []
    for edit in edits_of(cost):
        try:
            with unwarned():
                changed = Cost(with_edit(cost.graph, edit), cost.input)
        except ConvcostError:
            continue
        touched = frozenset(_touched(cost, changed, edit))
        if touched:
            found.append(Edited(edit.said, changed, touched))
    return found


def multiplying(cost: Cost) -> list[str]:
    """The outermost scopes that multiply, but for auxiliary heads."""
    nodes = cost.graph.nodes
    return list(dict.fromkeys(_outer(node) for node in nodes if node.op.multiplies and not node.aux))


def with_edit(graph: Graph, edit: Edit) -> Graph:
    """The graph with an edit, whose layers have names of their own; it need not fit."""
    nodes: list[Node] = []
    at = {0: 0}

    def place(number: int, node: Node, where: Mapping[int, int]) -> int:
        inputs = tuple(where[i] for i in node.inputs)
        shares = None if node.shares is None else at[node.shares + 1] - 1
        for op in edit.chains.get(number, (node.op,)):
            nodes.append(node._replace(name=f"{node.name}+{len(nodes)}", op=op, inputs=inputs, shares=shares))
            inputs = (len(nodes),)
        return inputs[0] if inputs else 0  # a learned tensor of a block that is left out, with all that takes it

    for number, node in enumerate(graph.nodes, 1):
        at[number] = place(number, node, at)
        if edit.again and number == edit.again[1]:
            first, last = edit.again
            inner = {i: at[last] for i in at if i < first}
            for same in range(first, last + 1):
                inner[same] = place(same, graph.nodes[same - 1], inner)
            at[last] = inner[last]
    return replace(graph, nodes=tuple(nodes), outputs=tuple(at[i] for i in graph.outputs))


def _touched(cost: Cost, changed: Cost, edit: Edit) -> Iterator[int]:
    """The nodes of the first whose line is another in the second, or is none there."""
    lines = iter(changed.rows)
    for number, old in enumerate(cost.rows, 1):
        chain = edit.chains.get(number, (old.op,))
        new = [next(lines) for _ in chain]
        if len(new) != 1 or (new[0].op, new[0].inputs, new[0].counts) != (old.op, old.inputs, old.counts):
            yield number
        if edit.again and number == edit.again[1]:
            yield from range(edit.again[0], number + 1)
            for _ in range(edit.again[0], number + 1):
                next(lines)


# -- kinds of edits --------------------------------------------------------------------------------------------------


def edits_of(cost: Cost) -> Iterator[Edit]:
    """Every edit of a network that is tried, by kind, whether or not it fits."""
    graph = cost.graph
    scopes = list(dict.fromkeys(_outer(node) for node in graph.nodes if not node.aux))
    yield from _strides(graph, scopes)
    yield from _expansions(cost, scopes)
    yield from _blocks(graph)
    yield from _biases(graph)
    yield from _squeezes(cost)
    for scope in multiplying(cost):
        yield Edit(f"without {scope}", {number: () for number, _ in _inside(graph, scope)})


def _outer(node: Node) -> str:
    return node.name.partition("/")[0]


def _inside(graph: Graph, scope: str) -> list[tuple[int, Node]]:
    return [
        (number, node)
        for number, node in enumerate(graph.nodes, 1)
        if node.name == scope or node.name.startswith(f"{scope}/")
    ]


def _strided(graph: Graph, scope: str, stride: int) -> dict[int, Op]:
    """The layers of a scope that slide a window at a stride, with stride 1 or 2 instead."""
    return {
        number: node.op.replace(stride=3 - stride)
        for number, node in _inside(graph, scope)
        if getattr(node.op, "stride", None) == stride and hasattr(node.op, "kernel_size")
    }


def _strides(graph: Graph, scopes: Sequence[str]) -> Iterator[Edit]:
    """A scope without its stride, which is lost, or stands in the next scope that has none."""
    for place, scope in enumerate(scopes):
        if not (lost := {number: (op,) for number, op in _strided(graph, scope, 2).items()}):
            continue
        yield Edit(f"{scope} at stride 1", lost)
        for later in scopes[place + 1 :]:
            wide = [number for number, op in _strided(graph, later, 1).items() if getattr(op, "kernel_size", 1) != 1]
            if wide and not _strided(graph, later, 2):
                moved = {wide[0]: (graph.nodes[wide[0] - 1].op.replace(stride=2),)}
                yield Edit(f"the stride of {scope} in {later}", {**lost, **moved})
                break


def _expansions(cost: Cost, scopes: Sequence[str]) -> Iterator[Edit]:
    """Inverted bottlenecks of another expansion, or one in a block that has none."""
    graph = cost.graph
    widened: dict[int, tuple[int, int]] = {}
    for number, node in enumerate(graph.nodes, 1):
        line = cost.rows[number - 1]
        pointwise = isinstance(node.op, Conv) and node.op.kernel_size == 1 and node.op.groups == 1
        if pointwise and line.shape[0] > line.inputs[0][0] and not line.shape[0] % line.inputs[0][0]:
            follower = next((other.op for other in graph.nodes[number:] if other.op.multiplies), None)
            if isinstance(follower, DepthwiseConv):
                widened[number] = (line.inputs[0][0], line.shape[0] // line.inputs[0][0])
    if not widened:
        return
    ratios = [times for _, times in widened.values()]
    usual = max(set(ratios), key=ratios.count)
    first = next(iter(widened))
    behind = [node.op for node in graph.nodes[first : first + 2] if not node.op.multiplies]
    for scope in scopes:
        inside = [number for number, _ in _inside(graph, scope)]
        known = [number for number in inside if number in widened]
        for times in (1, 2, 3, 4, 6) if known else ():
            changed = {
                number: (graph.nodes[number - 1].op.replace(out_channels=times * widened[number][0]),)
                for number in known
            }
            yield Edit(f"{scope} expands {times} times", changed)
        depthwise = [number for number in inside if isinstance(graph.nodes[number - 1].op, DepthwiseConv)]
        if depthwise and not known:
            number, line = depthwise[0], cost.rows[depthwise[0] - 1]
            for times in (1, usual):
                expand = graph.nodes[first - 1].op.replace(out_channels=times * line.inputs[0][0])
                said = f"{scope} expands {times} times, too" if times > 1 else f"{scope} has a layer that expands, too"
                yield Edit(said, {number: (expand, *behind, graph.nodes[number - 1].op)})


def _blocks(graph: Graph) -> Iterator[Edit]:
    """A block less, or one more like the last, where numbered blocks follow each other."""
    names = dict.fromkeys("/".join(node.name.split("/")[:2]) for node in graph.nodes if "/" in node.name)
    numbered = [name for name in names if name.rpartition("/")[2].isdigit()]
    for stage, group in groupby(numbered, key=lambda name: name.partition("/")[0]):
        last = list(group)[-1]
        inside = [number for number, _ in _inside(graph, last)]
        taken = {i for number in inside for i in graph.nodes[number - 1].inputs if i < inside[0]}
        if len(taken) == 1 and inside == list(range(inside[0], inside[-1] + 1)):
            yield Edit(f"{stage} with a block more", {}, (inside[0], inside[-1]))
            yield Edit(f"{stage} with a block less", dict.fromkeys(inside, ()))


def _biases(graph: Graph) -> Iterator[Edit]:
    """Biases in all convolutions, or in none; no bias in linear layers."""
    for bias, said in ((True, "with biases in convolutions"), (False, "without biases in convolutions")):
        changed = {
            number: (node.op.replace(bias=bias),)
            for number, node in enumerate(graph.nodes, 1)
            if isinstance(node.op, Conv | DepthwiseConv) and node.op.bias != bias
        }
        yield Edit(said, changed)
    linear = {n: (node.op.replace(bias=False),) for n, node in enumerate(graph.nodes, 1) if isinstance(node.op, Linear)}
    yield Edit("without biases in linear layers", linear)


def _squeezes(cost: Cost) -> Iterator[Edit]:
    """Squeeze and excitation of another ratio, in all blocks."""
    graph = cost.graph
    squeezed = []
    for number, node in enumerate(graph.nodes, 1):
        if not node.inputs or not node.inputs[0]:
            continue
        into = graph.nodes[node.inputs[0] - 1]
        narrower = cost.rows[number - 1].shape[0] < cost.rows[number - 1].inputs[0][0]
        if into.op.name == "global_avgpool" and node.op.multiplies and narrower:
            squeezed.append((number, "out_features" if isinstance(node.op, Linear) else "out_channels"))
    for numerator, denominator in ((1, 4), (1, 2), (2, 1), (4, 1)) if len(squeezed) > 1 else ():
        widths = {
            number: getattr(graph.nodes[number - 1].op, name) * numerator / denominator for number, name in squeezed
        }
        if all(width >= 1 and width == int(width) for width in widths.values()):
            changed = {n: (graph.nodes[n - 1].op.replace(**{name: int(widths[n])}),) for n, name in squeezed}
            yield Edit(f"squeezed to {numerator}/{denominator} of its width", changed)


def apart(every: Sequence[Edited]) -> Iterable[tuple[int, int]]:
    """The pairs of edits that touch nothing in common."""
    for first, one in enumerate(every):
        for second in range(first + 1, len(every)):
            if not one.touched & every[second].touched:
                yield first, second
