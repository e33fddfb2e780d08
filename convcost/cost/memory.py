"""What a network holds in memory while it runs: the tensors that are alive at each layer, and the most of them.

Layers run one after the other, in the graph's order. A tensor is alive from the layer that makes it to the last one
that takes it, the network's inputs from the beginning, its outputs to the end. Views (flatten, split, dropout at
evaluation) are their input's memory, and learned tensors are weights. In place, an activation, a sum or a product
overwrites an input of its shape that nothing else needs, as torch can; the network's inputs are never overwritten.
Folded, norms and activations are part of the layer that they alone follow, as engines for inference run them, and have
no memory of their own. Padding is part of the layer that pads, and what a library allocates for its own use is not
counted. Auxiliary heads do not run at inference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Node
from convcost.counters.line import Line
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, equal, largest, max_over, total
from convcost.ops import elements
from convcost.ops.repeat import Step, Steps

DTYPES: Mapping[str, int] = MappingProxyType(
    {"float64": 8, "float32": 4, "int32": 4, "bfloat16": 2, "float16": 2, "int16": 2, "int8": 1}
)
"""Bytes of one element, by torch's name of its type."""
INPUT = 0
"""The memory of the network's first input; every other one has the number of the tensor that it was made for."""


class Types(NamedTuple):
    """The types of a network's numbers by part: int8 of tensors and weights, int32 of biases and accumulators.

    Raises ConvcostError, when bytes are asked for, for an unknown type.
    """

    tensors: str = "float32"
    """Of inputs and outputs of layers."""
    weights: str = ""
    """Of what is multiplied; by default that of tensors, as all others."""
    others: str = ""
    """Of all else that is stored: biases, and scales, shifts and statistics of norms."""
    accumulators: str = ""
    """Of the output of a layer that multiplies, while it runs."""

    def alive(self, moment: Moment) -> Int:
        """Bytes of what is alive while a layer runs."""
        size, own = element_size(self.tensors), element_size(self.accumulators or self.tensors)
        multiplies = moment.line.op is not None and moment.line.op.multiplies
        return size * moment.alive + ((own - size) * moment.writes if multiplies else 0)

    def stored(self, line: Line) -> Int:
        """Bytes of the parameters and statistics of a network."""
        counts = line.counts
        weights = element_size(self.weights or self.tensors) * counts.weights
        return weights + element_size(self.others or self.tensors) * (counts.total - counts.weights)

    def __str__(self) -> str:
        parts = ((name, dtype) for name, dtype in zip(self._fields[1:], self[1:], strict=True) if dtype)
        return ", ".join((self.tensors, *(f"{dtype} of {name}" for name, dtype in parts)))


class Moment(NamedTuple):
    """The memory while one layer runs, in elements of the whole batch."""

    line: Line
    writes: Int
    """Elements of the memory that it takes for its output: 0 for a view, and in place."""
    alive: Int
    """Elements of all tensors that are alive: its inputs and output, and what later layers need."""
    frees: Int
    """Elements of those that nothing needs after it."""


def moments(cost: Cost, *, in_place: bool = False, into: Collection[str] = ()) -> list[Moment]:
    """What is alive at every layer of inference, in elements of the whole batch.

    Norms and activations are folded into layers of the kinds `into`. In a symbolic repeat, it is the most of all its
    steps. Raises ConvcostError where that has no closed form.
    """
    return held(cost, *homes_of(cost, in_place=in_place, into=into), partial(size_of, cost))


def held(cost: Cost, homes: Mapping[int, int], last: Mapping[int, int], size: Callable[[int], Int]) -> list[Moment]:
    """The same, of memories and their ends as `homes_of` finds them; `size` is that of a tensor, by its number."""
    ends: dict[int, list[int]] = {}
    for home, n in last.items():
        ends.setdefault(n, []).append(home)
    # Kept, not added up anew at each layer, of which there can be as many as tensors are alive.
    alive = total([size(n) for n in cost.graph.given])
    found = []
    for n, node in enumerate(cost.graph.nodes, 1):
        if node.aux:
            continue
        writes = size(n) if homes[n] == n and n not in cost.graph.given else 0
        alive = alive + writes
        frees = total([size(home) for home in ends.get(n, ())])
        if not isinstance(node.op, (Step, Steps)):
            most = alive
            for repeat in reversed(node.repeats):
                most = max_over(most, *repeat)
            found.append(Moment(cost.rows[n - 1], writes, most, frees))
        alive = alive - frees
    return found


def peak(cost: Cost, *, in_place: bool = False) -> Int:
    """The most elements that are ever alive at once, of the whole batch, at inference."""
    return largest(moment.alive for moment in moments(cost, in_place=in_place))


def peak_memory(cost: Cost, dtype: str = "float32", *, in_place: bool = False) -> Int:
    """The same in bytes. Raises ConvcostError for an unknown type."""
    return element_size(dtype) * peak(cost, in_place=in_place)


def element_size(dtype: str) -> int:
    """Bytes of one element. Raises ConvcostError for an unknown type."""
    if dtype not in DTYPES:
        hint = did_you_mean(dtype, DTYPES) or f"; choose from {', '.join(DTYPES)}"
        raise ConvcostError(f"unknown dtype {dtype!r}{hint}")
    return DTYPES[dtype]


def size_of(cost: Cost, tensor: int) -> Int:
    """Elements of a tensor, of the whole batch."""
    if tensor not in cost.graph.given and not cost.rows[tensor - 1].inputs:
        return 0  # a learned tensor, which is there as weights
    return cost.batch * elements(cost.rows[tensor - 1].shape if tensor else cost.input)


def homes_of(
    cost: Cost, *, in_place: bool = False, into: Collection[str] = ()
) -> tuple[dict[int, int], dict[int, int]]:
    """The memory that each tensor is in, and for each memory the last node that needs it."""
    nodes = [(n, node) for n, node in enumerate(cost.graph.nodes, 1) if not node.aux]
    folded = cost.graph.follows(into) if into else []
    uses: dict[int, list[int]] = {}
    for n, node in nodes:
        # Of a symbolic repeat's two ends, the first one takes what goes in, and the last one what comes out.
        for tensor in node.inputs[1:] if isinstance(node.op, Steps) else node.inputs:
            uses.setdefault(tensor, []).append(n)
    needed = {n: max(uses.get(n, [n])) for n in (INPUT, *(n for n, _ in nodes))}
    needed |= dict.fromkeys(cost.graph.outputs, nodes[-1][0] + 1)
    homes, last = {INPUT: INPUT}, {INPUT: needed[INPUT]}
    for n, node in nodes:
        if isinstance(node.op, Step) and last[homes[node.inputs[0]]] > n:
            raise ConvcostError(f"layer {node.name}: what a repeat of unknown length begins with is needed after it")
        if folded and folded[n - 1]:
            homes[n] = homes[node.inputs[0]]
        else:
            homes[n] = next(_shared(cost, n, node, homes, last, in_place), n)
        last[homes[n]] = max(last.get(homes[n], 0), needed[n])
    return homes, last


def _shared(
    cost: Cost, n: int, node: Node, homes: Mapping[int, int], last: Mapping[int, int], in_place: bool
) -> Iterator[int]:
    """The memories of its inputs that a node's output can be in."""
    if node.op.memory == "view":
        yield homes[node.inputs[0]]
    if node.op.memory == "in place" and in_place:
        row = cost.rows[n - 1]
        for tensor, shape in zip(node.inputs, row.inputs, strict=True):
            home = homes[tensor]
            fits = len(shape) == len(row.shape) and all(map(equal, shape, row.shape))
            if home not in cost.graph.given and last[home] <= n and fits:
                yield home
