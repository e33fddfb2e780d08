"""How two networks differ: their layers side by side, whatever they are called and however they were made."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple, TypeAlias

from convcost.cost.alignment import align
from convcost.cost.cost import Cost
from convcost.exact.integers import Int
from convcost.ops import Conv, ConvTranspose, DepthwiseConv, Linear, Mean, Op, Shape, format_shape
from convcost.ops.base import NO_WORK, axes_of
from convcost.ops.geometry import axes
from convcost.ops.pool import AdaptivePool

Weighed: TypeAlias = tuple[Any, ...]
"""A layer on inputs of any size: see `Layer.weighed`."""
WEIGHED = ("conv", "linear", "norm")
"""Kinds of operators that a network is told by."""


class Layer(NamedTuple):
    """A layer as it is compared, with its number of parameters and multiply-adds."""

    name: str
    sources: frozenset[int]
    operator: str
    kernel_size: Shape = ()
    stride: Shape = ()
    dilation: Shape = ()
    groups: Int = 1
    inputs: Int = 0
    """Channels, or features, of its input."""
    output: Shape = ()
    """Without axes of 1: many a network ends in 1000x1x1 on paper and in 1000 in code."""
    bias: bool = False
    params: Int = 0
    macs: Int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """All but what it is called and where its input comes from."""
        return self[2:]

    @property
    def weighed(self) -> Weighed:
        """What does not depend on the size of the input."""
        return (self.operator, self.kernel_size, self.stride, self.dilation, self.groups, self.inputs, self.params)

    def __str__(self) -> str:
        """`conv 3x3, 64 -> 128x28x28`."""
        kernel = f" {format_shape(self.kernel_size)}" if self.kernel_size else ""
        return f"{self.operator}{kernel}, {self.inputs} -> {format_shape(self.output)}"


_COMPARED = Layer._fields[2:]


class Differing(NamedTuple):
    """One place at which two networks differ: a layer of one, of the other, or of both with what is not the same."""

    ours: Layer | None
    theirs: Layer | None
    after: str = ""
    """The layers before it, of what only the other has."""

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """What is not the same of two layers in one place."""
        if self.ours is None or self.theirs is None:
            return {}
        pairs = zip(_COMPARED, self.ours.key, self.theirs.key, strict=True)
        return {name: (mine, its) for name, mine, its in pairs if mine != its}

    @property
    def params(self) -> Int:
        """How many parameters more the other's has."""
        return (self.theirs.params if self.theirs else 0) - (self.ours.params if self.ours else 0)

    @property
    def macs(self) -> Int:
        """How many multiply-adds more the other's has."""
        return (self.theirs.macs if self.theirs else 0) - (self.ours.macs if self.ours else 0)


def compared_layers(cost: Cost, *, every: bool = False) -> list[Layer]:
    """The layers of a network that have weights or multiply; with `every`, all that compute. Not auxiliary heads."""
    reaching: list[frozenset[int]] = [frozenset()]
    found: list[Layer] = []
    for node, row in zip(cost.graph.nodes, cost.rows, strict=True):
        before = frozenset[int]().union(*(reaching[i] for i in node.inputs))
        weighs = node.op.kind in WEIGHED or node.op.multiplies
        computes = every and (row.work != NO_WORK or row.params)
        if node.aux or not (weighs or computes):
            reaching.append(before)
            continue
        found.append(_layer(row.name, before, node.op, row))
        reaching.append(frozenset((len(found) - 1,)))
    return found


class _Row(NamedTuple):
    """What a layer is told by, of a row."""

    inputs: tuple[Shape, ...]
    shape: Shape
    params: Int
    macs: Int


def _layer(name: str, sources: frozenset[int], op: Op, row: Any) -> Layer:
    """The layer of a row. What is written in several ways is one operator here."""
    x: Shape = row.inputs[0] if row.inputs else ()
    rank = len(x) - 1
    output = tuple(n for n in row.shape if n != 1)
    kernel, stride, dilation = (
        axes(op, field, getattr(op, field), rank) if getattr(op, field, None) is not None else ()
        for field in ("kernel_size", "stride", "dilation")
    )
    operator, groups, width = op.name, getattr(op, "groups", 1), x[0] if x else 0
    if isinstance(op, DepthwiseConv):
        operator, groups = Conv.name, width
    elif isinstance(op, Linear):
        width = op.in_features(x)
    elif isinstance(op, AdaptivePool) and all(n == 1 for n in row.shape[1:]):
        operator = op.name.replace("adaptive", "global")
    elif isinstance(op, Mean) and axes_of(op, x, op.dim) == tuple(range(1, len(x))):
        operator = "global_avgpool"
    elif op.name == "torch.matmul":
        operator = "matmul"
    bias = bool(op.bias) if isinstance(op, Conv | DepthwiseConv | ConvTranspose | Linear) else False
    return Layer(name, sources, operator, kernel, stride, dilation, groups, width, output, bias, row.params, row.macs)


def differing(ours: Cost, theirs: Cost, *, every: bool = False) -> list[Differing]:
    """Where two networks differ, in the order of the first; see `compared_layers`.

    Layers are the same that are equal, as is all that comes before them; the first that are not are paired off, and
    from there on pass for the same, so that one difference is not found again in all that comes after it.
    """
    mine, its = compared_layers(ours, every=every), compared_layers(theirs, every=every)
    same, settled = align(mine, its)
    place = {j: i for i, j in [*same.items(), *settled] if i is not None and j is not None}
    found: list[tuple[int, Differing]] = []
    for i, j in settled:
        if i is not None:
            one = Differing(mine[i], None if j is None else its[j])
            if j is None or one.fields:
                found.append((i, one))
            else:
                found.append((i, Differing(mine[i], its[j], _names(its[j], its, mine, place))))
        elif j is not None:
            last = max((place.get(k, -1) for k in its[j].sources), default=-1)
            found.append((last, Differing(None, its[j], _names(its[j], its, mine, place))))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _names(layer: Layer, its: list[Layer], mine: list[Layer], place: dict[int, int]) -> str:
    """What comes before a layer of theirs, by our names where we have it."""
    names = (mine[place[k]].name if k in place else its[k].name for k in sorted(layer.sources))
    return ", ".join(names) or "the input"


def unlikeness(a: Counter[Weighed], b: Counter[Weighed]) -> int:
    """How many layers with weights one of two networks has that the other has not, on inputs of any size."""
    return (a - b).total() + (b - a).total()


def weighed_layers(cost: Cost) -> Counter[Weighed]:
    """How often a network has each of the layers of `compared_layers`, on inputs of any size."""
    alike: Counter[tuple[Any, ...]] = Counter()  # far fewer than layers, and dear to look at
    for node, row in zip(cost.graph.nodes, cost.rows, strict=True):
        if not node.aux and (node.op.multiplies or node.op.kind in WEIGHED):
            alike[node.op, row.inputs, row.shape, row.params, row.macs] += 1
    found: Counter[Weighed] = Counter()
    for (op, inputs, shape, params, macs), count in alike.items():
        found[_layer("", frozenset(), op, _Row(inputs, shape, params, macs)).weighed] += count
    return found
