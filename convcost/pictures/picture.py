"""What a picture shows: boxes of layers or scopes with their costs, frames around them, the tensors between them.

The steps of a repeat are one box, `x 6`, where they have the same layers, whatever their channels; its costs are those
of all of them together. Norms and activations are part of the layer that they follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple, TypeAlias

from convcost.cost.cost import Cost
from convcost.cost.memory import element_size, moments
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.ops import format_shape
from convcost.ops.geometry import sliding

BY = ("macs", "params", "memory")
"""What the shade of a box can be the share of."""
MANY = 30
"""Boxes that a picture has by default at most."""


class Box(NamedTuple):
    """A layer or a scope, or the steps of a repeat together."""

    name: str
    """Of the first, if there are several."""
    label: str
    operator: str
    """Of a single layer: `conv 7x7, stride 2`."""
    copies: int
    macs: int
    params: int
    memory: int
    """The most bytes of float32 that are alive in it."""
    share: Fraction
    """Of what the picture is shaded by: of the network's total, or of its peak."""
    aux: bool = False


class Frame(NamedTuple):
    """A scope with boxes in it."""

    name: str
    label: str
    copies: int
    inside: tuple[Box | Frame, ...]

    @property
    def boxes(self) -> list[Box]:
        """All boxes in it, in the order of execution."""
        return list(_boxes(self.inside))


class Arrow(NamedTuple):
    """Tensors that go from one box to another; '' is the input."""

    source: str
    target: str
    shapes: tuple[str, ...]


class Picture(NamedTuple):
    """A network, or a scope of it."""

    title: str
    input: str
    """The shapes of what goes into it."""
    by: str
    items: tuple[Box | Frame, ...]
    arrows: tuple[Arrow, ...]

    @property
    def boxes(self) -> list[Box]:
        """All boxes, in the order of execution."""
        return list(_boxes(self.items))


def _boxes(items: Iterable[Box | Frame]) -> Iterator[Box]:
    for item in items:
        if isinstance(item, Frame):
            yield from _boxes(item.inside)
        else:
            yield item


def picture(cost: Cost, *, depth: int | None = None, scope: str = "", by: str = "macs") -> Picture:
    """The picture of a cost, or of a scope of it, with boxes of at most `depth` parts of a name.

    Without a depth it is the deepest with at most MANY boxes. Raises ConvcostError for an unknown scope, one that is a
    layer alone, a depth that is no integer >= 1, and another word than `BY` has.
    """
    if by not in BY:
        raise ConvcostError(f"a picture is shaded by {', '.join(BY)}, not by {by!r}")
    if depth is not None and (not isinstance(depth, int) or depth < 1):
        raise ConvcostError(f"a depth is an integer >= 1, got {depth}")
    inside = f"{scope}/" if scope else ""
    if scope and len(cost[scope].rows) == 1:
        raise ConvcostError(f"{scope} is one layer: there is nothing to draw")
    lines = [line for line in cost.lines(fold=True) if line.name.startswith(inside)]
    folded = _Folded(cost, lines, inside)
    if depth is None:
        deepest = max(line.name.removeprefix(inside).count("/") + 1 for line in lines)
        depth = next((d for d in range(deepest, 1, -1) if len(folded.groups(d)) <= MANY), 1)
    return folded.picture(depth, by)


_Tree: TypeAlias = dict[str, "_Tree"]


class _Folded:
    """Lines under the names of the first of the steps that they are the same as."""

    def __init__(self, cost: Cost, lines: list[Line], inside: str) -> None:
        self.cost = cost
        self.inside = inside
        self.lines = lines
        self.first: dict[str, str] = {}
        """Of each line, by its name within the scope, the name that it is drawn under."""
        self.copies: dict[str, list[str]] = {}
        """Of each scope or layer that is drawn, the last parts of the names of all that are drawn as it."""
        self._by_name = {line.name.removeprefix(inside): line for line in lines}
        tree: _Tree = {}
        for name in self._by_name:
            place = tree
            for part in name.split("/"):
                place = place.setdefault(part, {})
        self._visit(tree, "", "")

    def _visit(self, tree: _Tree, name: str, drawn: str) -> None:
        """Settle under which names the parts of a scope are drawn, which itself is drawn as `drawn`."""
        if not tree:
            self.first[name] = drawn
            return
        for _, steps in groupby(
            tree, lambda part: self._shape(tree[part], _join(name, part)) if part.isdigit() else part
        ):
            first, *others = steps
            for part in (first, *others):
                as_ = _join(drawn, first)
                copies = self.copies.setdefault(as_, [])
                if name == drawn or not copies:
                    copies.append(part)
                self._visit(tree[part], _join(name, part), as_)

    def _shape(self, tree: _Tree, name: str) -> tuple[object, ...]:
        """What steps have in common that are drawn as one: the names and operators of their layers."""
        if not tree:
            return (self._by_name[name].operator,)
        return tuple((part, self._shape(tree[part], _join(name, part))) for part in tree)

    def groups(self, depth: int) -> dict[str, list[Line]]:
        """The lines of each box."""
        groups: dict[str, list[Line]] = {}
        for name, line in self._by_name.items():
            groups.setdefault(_cut(self.first[name], depth), []).append(line)
        return groups

    def picture(self, depth: int, by: str) -> Picture:
        groups = self.groups(depth)
        alive = bytes_alive(self.cost)
        whole = measured([row for row in self.cost.rows if not row.aux], alive)[by] or 1
        leaves = set(self.first.values())

        def box(name: str, scope: str) -> Box:
            """A box; where it is all that is drawn of a scope, under that one's name."""
            rows = [row for line in groups[name] for row in line.rows]
            costs = measured(rows, alive)
            return Box(
                name=self.inside + name,
                label=self._label(scope),
                operator=_operator(groups[name][0]) if name in leaves else "",
                copies=len(self.copies[name]),
                **costs,
                share=Fraction(costs[by], whole),
                aux=all(row.aux for row in rows),
            )

        def items(names: list[str], level: int) -> tuple[Box | Frame, ...]:
            found: list[Box | Frame] = []
            for scope, group in groupby(names, lambda name: _cut(name, level)):
                first, *others = group
                if others:
                    inside = items([first, *others], level + 1)
                    found.append(Frame(self.inside + scope, self._label(scope), len(self.copies[scope]), inside))
                else:
                    found.append(box(first, scope))
            return tuple(found)

        title = f"{self.cost.graph.name}: {self.inside.rstrip('/')}" if self.inside else self.cost.graph.name
        arrows = self._arrows(depth)
        into = dict.fromkeys(shape for arrow in arrows if not arrow.source for shape in arrow.shapes)
        return Picture(title, ", ".join(into), by, items(list(groups), 1), arrows)

    def _label(self, name: str) -> str:
        """The last part of a name, `2 to 6` of several steps."""
        copies = self.copies[name]
        last = name.rpartition("/")[2]
        return f"{copies[0]} to {copies[-1]}" if len(copies) > 1 else last

    def _arrows(self, depth: int) -> tuple[Arrow, ...]:
        heads = {row.name: line.name.removeprefix(self.inside) for line in self.lines for row in line.rows}
        graph = self.cost.graph
        order: dict[str, int] = {}
        shapes: dict[tuple[str, str], dict[str, None]] = {}
        drawn = ["" if name not in heads else _cut(self.first[heads[name]], depth) for name in graph.names]
        for number, (node, target) in enumerate(zip(graph.nodes, drawn, strict=True)):
            if not target:
                continue
            order.setdefault(target, number)
            for tensor in node.inputs:
                source = drawn[tensor - 1] if tensor else ""
                # What goes from one step to the next, inside of the box or back to its beginning, is said by `x 6`.
                if source != target and (not source or order[source] < order[target]):
                    shape = self.cost.rows[tensor - 1].shape if tensor else tuple(self.cost.input)
                    shapes.setdefault((source, target), {})[format_shape(shape)] = None
        return tuple(
            Arrow(source and self.inside + source, self.inside + target, tuple(found))
            for (source, target), found in shapes.items()
        )


def _join(name: str, part: str) -> str:
    return f"{name}/{part}" if name else part


def _cut(name: str, depth: int) -> str:
    return "/".join(name.split("/")[:depth])


def _operator(line: Line) -> str:
    """What a layer is, with the kernel that it slides: `conv 3x3, stride 2`."""
    if line.op is None:
        return ""
    window = sliding(line.op, line.inputs[0]) if line.inputs else None
    if window is None:
        return line.op.name
    kernel = format_shape(window.kernel_size)
    stride = (
        ""
        if all(step == 1 for step in window.stride)
        else f", stride {format_shape(tuple(dict.fromkeys(window.stride)))}"
    )
    return f"{line.op.name} {kernel}{stride}"


def measured(rows: Iterable[Line], alive: Mapping[str, int]) -> dict[str, int]:
    """Macs, params, and the most bytes that are alive, of rows; `alive` is of each, see `bytes_alive`."""
    rows = list(rows)
    return {
        "macs": sum(row.macs for row in rows),
        "params": sum(row.params for row in rows),
        "memory": max((alive.get(row.name, 0) for row in rows), default=0),
    }


def bytes_alive(cost: Cost) -> dict[str, int]:
    """Bytes of float32 that are alive while each layer runs; auxiliary heads do not run at inference."""
    return {one.line.name: int(one.alive) * element_size("float32") for one in moments(cost)}
