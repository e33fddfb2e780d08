"""What a network holds in memory if its first layers run patch by patch, and what they compute more than once for it.

The output of the last of these layers is cut into tiles. For each, the layers compute what it depends on and no more:
patches of their maps, which overlap by the receptive field. The whole output is held, the whole input is not: it comes
in patch by patch, from a camera or a decoder (Lin et al., MCUNetV2, NeurIPS 2021, section 3 and Figure 3). Norms and
activations are folded, and a depthwise convolution overwrites its input, by the rule of memory called `depthwise`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from math import prod
from operator import index
from typing import NamedTuple, TypeAlias

from convcost.cost.cost import Cost
from convcost.cost.graph import FOLDING, Node
from convcost.cost.memory import Moment, held, homes_of, size_of
from convcost.cost.memory_rules import channel_by_channel
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.exact.integers import Int, ceildiv, total
from convcost.ops import ConvTranspose, ResizeLike, Shape, Window

MAX_PATCHES = 64
"""Along an axis: more are never worth what they compute again."""

Interval: TypeAlias = tuple[int, int]
"""Positions on an axis, from the first one up to, and without, the second."""
NOTHING: Interval = (0, 0)


class PatchedLayer(NamedTuple):
    """A layer that runs patch by patch."""

    line: Line
    patch: Shape
    """Its largest output."""
    alive: int
    """Elements that are alive at most while it runs, the network's whole output of these layers included."""
    own: int
    """The same without what a residual connection or another branch holds."""
    macs: int
    """Multiply-adds on all patches."""

    def and_(self, other: PatchedLayer) -> PatchedLayer:
        """The same on other patches, too."""
        patch = max(self.patch, other.patch, key=prod)
        alive, own = max(self.alive, other.alive), max(self.own, other.own)
        return PatchedLayer(self.line, patch, alive, own, self.macs + other.macs)


class Patched(NamedTuple):
    """A network whose layers up to one run patch by patch."""

    until: Line
    """The last layer that does: its output is cut into tiles."""
    grid: tuple[int, ...]
    """Tiles along each axis."""
    layers: tuple[PatchedLayer, ...]
    """Those that run patch by patch, in their order."""
    rest: int
    """Elements that are alive at most while the others run, of the whole batch."""
    rest_own: int
    """The same without what residual connections and other branches hold."""
    macs: int
    """Multiply-adds of the network, with those that are done more than once."""

    @property
    def stage(self) -> int:
        """Elements that are alive at most while layers run patch by patch, of the whole batch."""
        return max(layer.alive for layer in self.layers)

    @property
    def peak(self) -> int:
        """Elements that are alive at most."""
        return max(self.stage, self.rest)

    @property
    def own(self) -> int:
        """Elements that a layer takes and makes at most: without what residual connections and other branches hold."""
        return max(self.rest_own, *(layer.own for layer in self.layers))


def patched(cost: Cost, grid: Sequence[int], until: str | None = None) -> Patched:
    """A network whose layers run on a grid of patches up to `until`, a layer or scope.

    By default these are the layers with which it holds least, and of those the fewest multiply-adds. A grid has one
    number for each axis of the map.

    Raises ConvcostError where others need more of the layers than the output of `until`, where its map has too few
    positions, and for a network of symbols or of several inputs.
    """
    network = _Network(cost)
    if until is not None:
        return network.run(network.last_of(until, grid), tuple(grid))
    found = [network.run(n, tuple(grid)) for n in network.ends if not network.why_not(n, grid)]
    if not found:
        hint = f"; 2 axes are written {grid[0]}x{grid[0]}" if len(grid) == 1 and len(cost.input) == 3 else ""
        raise ConvcostError(
            f"{cost.graph.name}: there is no layer whose map can be cut into {_said(grid)} patches{hint}"
        )
    return min(found, key=lambda one: (one.peak, one.macs))


def grid(text: str) -> tuple[int, ...]:
    """A grid of patches as it is written, 4x4. Raises ConvcostError if it is none."""
    parts = text.lower().split("x")
    if not all(
        part.isascii() and part.isdigit() and 0 < len(part) < 4 and 1 <= int(part) <= MAX_PATCHES for part in parts
    ):
        raise ConvcostError(f"{text!r} is no grid of patches: 4x4, at most {MAX_PATCHES} along an axis")
    return tuple(map(int, parts))


class _Network:
    """A network, and the layers up to which it can run patch by patch."""

    def __init__(self, cost: Cost) -> None:
        if len(cost.graph.given) > 1:
            raise ConvcostError(f"{cost.graph.name} has several inputs: which of them to cut into patches is not known")
        try:
            self.shapes = [tuple(map(index, shape)) for shape in (cost.input, *(row.shape for row in cost.rows))]
        except TypeError:
            raise ConvcostError(f"{cost.graph.name}: patches are of one network at a time, not of symbols") from None
        self.cost = cost
        self.homes, self.last = homes_of(cost, into=FOLDING)
        self.whole = held(cost, self.homes, self.last, partial(size_of, cost))
        self.inner = {
            node.inputs[0] for node, folded in zip(cost.graph.nodes, cost.graph.follows(), strict=True) if folded
        }
        """Of tensors, those that what folds into their layer takes."""
        self.ends = [n for n, node in enumerate(cost.graph.nodes, 1) if not node.aux and self._ends_at(n)]
        """Nodes, counted from 1, whose output is all that is alive when they have run."""

    def _ends_at(self, n: int) -> bool:
        alive = {home for home, last in self.last.items() if home <= n < last}
        return alive == {self.homes[n]} and n not in self.inner

    def last_of(self, until: str, grid: Sequence[int]) -> int:
        """The node that a layer or scope ends with, with what folds into it. Raises ConvcostError if none can."""
        found = self.cost[until].rows[-1].name
        n = self.cost.graph.names.index(found) + 1
        while n in self.inner:
            n = next(m for m, node in enumerate(self.cost.graph.nodes, 1) if n in node.inputs)
        if why := "it is not all that others take" if n not in self.ends else self.why_not(n, grid):
            can = [end for end in self.ends if not self.why_not(end, grid)]
            close = min(can, key=lambda end: abs(end - n), default=None)
            instead = "" if close is None else f"; {self.cost.rows[close - 1].name} does"
            raise ConvcostError(f"{self.cost.graph.name}: patches cannot end with {until}: {why}{instead}")
        return n

    def why_not(self, n: int, grid: Sequence[int]) -> str:
        """Why the output of a node is not cut into a grid; nothing if it is."""
        sizes = self.shapes[n][1:]
        if len(sizes) != len(grid):
            return f"a grid of {_said(grid)} is none of a map of {_said(sizes) or 'one position'}"
        if any(size < parts for size, parts in zip(sizes, grid, strict=True)):
            return f"its map of {_said(sizes)} is too small for {_said(grid)} patches"
        return ""

    def run(self, n: int, grid: tuple[int, ...]) -> Patched:
        """The network with its nodes up to this one patch by patch."""
        cost, nodes = self.cost, self.cost.graph.nodes[:n]
        axes = [Counter(self._needs(n, axis, parts)) for axis, parts in enumerate(grid)]
        output = size_of(cost, n)
        found: dict[int, PatchedLayer] = {}
        for combined in product(*(axis.items() for axis in axes)):
            spans, times = [spans for spans, _ in combined], prod(times for _, times in combined)
            patches = [self._patch(tensor, n, spans) for tensor in range(n + 1)]
            moments = iter(held(cost, self.homes, self.last, partial(self._held, n, patches)))
            for i, node in enumerate(nodes):
                if not node.aux:
                    line, again = cost.rows[i], times * self._macs(node, i, patches)
                    alive = output + channel_by_channel(next(moments))
                    own = output + self._own(n, i, patches)
                    one = PatchedLayer(line, patches[i + 1], alive, own, again)
                    found[i] = found[i].and_(one) if i in found else one
        layers = tuple(found.values())
        rest = [*map(channel_by_channel, self.whole[len(layers) :])]
        own = [self._own(0, i, self.shapes) for i, node in enumerate(cost.graph.nodes[n:], n) if not node.aux]
        macs = cost.total.macs + sum(layer.macs - layer.line.macs for layer in layers)
        return Patched(cost.rows[n - 1], grid, layers, max(rest, default=output), max(own, default=output), macs)

    def _held(self, n: int, patches: Sequence[Shape], tensor: int) -> Int:
        """Elements of a tensor on a patch; the output of node n is written where the whole of it is."""
        if tensor > n or tensor == self.homes[n] or not size_of(self.cost, tensor):
            return 0
        return self.cost.batch * prod(patches[tensor])

    def _own(self, n: int, i: int, patches: Sequence[Shape]) -> Int:
        """What a node takes and makes, if it multiplies; of node n the output is apart."""
        node, row = self.cost.graph.nodes[i], self.cost.rows[i]
        if not node.op.multiplies:
            return 0
        taken = total([self.cost.batch * prod(patches[tensor]) for tensor in {*node.inputs}])
        made = 0 if n and self.homes[i + 1] == self.homes[n] else self.cost.batch * prod(patches[i + 1])
        return channel_by_channel(Moment(row, made, taken + made, taken))

    def _macs(self, node: Node, i: int, patches: Sequence[Shape]) -> Int:
        """Of a node on a patch: as many for each of its outputs, or of a transposed convolution for each input."""
        tensor = node.inputs[0] if isinstance(node.op, ConvTranspose) else i + 1
        return self.cost.rows[i].macs * prod(patches[tensor]) // prod(self.shapes[tensor])

    def _patch(self, tensor: int, n: int, spans: Sequence[tuple[Interval, ...]]) -> Shape:
        """The patch of a tensor that a tile of node n's output needs: of one that is no map, all of it."""
        own = self.shapes[tensor]
        if len(own) != len(self.shapes[n]):
            return own
        return (own[0], *(stop - start for start, stop in (axis[tensor] for axis in spans)))

    def _needs(self, n: int, axis: int, parts: int) -> Iterator[tuple[Interval, ...]]:
        """For each tile along an axis, the positions of all tensors up to that of node n that it depends on."""
        rank = len(self.shapes[n])
        size = self.shapes[n][1 + axis]
        for part in range(parts):
            needed = [NOTHING] * (n + 1)
            needed[n] = (part * size // parts, (part + 1) * size // parts)
            for m in range(n, 0, -1):
                node = self.cost.graph.nodes[m - 1]
                if needed[m] == NOTHING or node.aux:
                    continue
                for i, windows in zip(node.inputs, self._windows(node, m), strict=True):
                    if len(self.shapes[i]) != rank:
                        needed[i] = (0, 1)  # it is no map, see `_patch`
                        continue
                    whole = windows is None or len(self.shapes[m]) != rank
                    window = windows[axis] if windows else Window(1, 1, 0)
                    if not windows and self.shapes[i][1 + axis] != self.shapes[m][1 + axis]:
                        whole = True  # it is broadcast
                    limit = self.shapes[i][1 + axis]
                    needed[i] = _hull(needed[i], (0, limit) if whole else _seen(window, needed[m], limit))
            yield tuple(needed)

    def _windows(self, node: Node, n: int) -> list[tuple[Window, ...] | None]:
        """How each input of a node is seen."""
        if isinstance(node.op, ResizeLike):  # of the other it takes the size alone
            first, _ = node.inputs
            return [node.op.between(self.shapes[first], self.shapes[n]), (Window(0, 1, 0),) * len(self.shapes[n][1:])]
        return [node.op.windows(self.shapes[i]) for i in node.inputs]


def _seen(window: Window, outputs: Interval, limit: int) -> Interval:
    """The inputs, of so many, that the windows of these outputs see."""
    extent, stride, before, upsampling = map(index, window)
    start, stop = outputs[0] * stride - before, (outputs[1] - 1) * stride - before + extent
    first, end = max(0, ceildiv(start, upsampling)), min(limit, (stop - 1) // upsampling + 1)
    return (first, end) if first < end else NOTHING


def _hull(a: Interval, b: Interval) -> Interval:
    if NOTHING in (a, b):
        return b if a == NOTHING else a
    return min(a[0], b[0]), max(a[1], b[1])


def _said(grid: Sequence[int]) -> str:
    return "x".join(map(str, grid))
