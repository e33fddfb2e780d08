"""What a step of training multiplies: the forward pass, and the two products of the backward pass of every layer.

A layer that multiplies its input by weights does so once more for the gradient of its weights, and once more for that
of its input, if anything before it is trained: the first layer's input needs none. So a step is three forward passes,
but for the first layers, and but for layers of which nothing but the size is taken: they have no gradient. This is what
torch's FlopCounterMode counts, halved (torch 2.13, `conv_backward_flop`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph, Node
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.exact.integers import Int, equal, floordiv
from convcost.ops import Attention, MatMul, ResizeLike


class TrainingStep(NamedTuple):
    """The multiply-adds of a layer in one step of training."""

    line: Line
    forward: Int
    input_gradient: Int
    weight_gradient: Int

    @property
    def total(self) -> Int:
        """All three."""
        return self.forward + self.input_gradient + self.weight_gradient


def training(cost: Cost) -> list[TrainingStep]:
    """One step per layer, auxiliary heads included, of the whole batch.

    Raises ConvcostError in a symbolic repeat: which of its steps need the gradient of their input depends on what is in
    the steps before.
    """
    if any(node.repeats for node in cost.graph.nodes):
        raise ConvcostError(f"{cost.graph.name}: a training step of a symbolic number of layers has no closed form")
    trained = [False]
    steps = []
    for node, row, used in zip(cost.graph.nodes, cost.rows, _differentiated(cost.graph), strict=True):
        before = [trained[i] for i in _valued(node)]
        own = row if node.shares is None else cost.rows[node.shares]
        trained.append(any(before) or not equal(own.params, 0))
        weighs = used and not equal(own.weights, 0)
        steps.append(TrainingStep(row, row.macs, _of_inputs(row, before) if used else 0, row.macs if weighs else 0))
    return steps


def _of_inputs(row: Line, trained: Sequence[bool]) -> Int:
    """The products for the gradients of its inputs: where two activations are multiplied, each has one of its own.

    Of attention, softmax(q k^T) v, the scores have one too, if q, k or the mask has (torch 2.13's composite form).
    """
    if isinstance(row.op, MatMul):
        return row.macs * sum(trained)
    if isinstance(row.op, Attention):
        q, k, v, *mask = trained
        d, e = row.inputs[0][-1], row.inputs[2][-1]
        scores = floordiv(row.macs, d + e)
        return scores * (d * (q + k) + e * (v + any((q, k, *mask))))
    return row.macs if any(trained) else 0


def _valued(node: Node) -> tuple[int, ...]:
    """The inputs whose values it takes: of its second, `resize_like` takes the size alone."""
    return node.inputs[:1] if isinstance(node.op, ResizeLike) else node.inputs


def _differentiated(graph: Graph) -> list[bool]:
    """Of each node, whether an output depends on its values: one of the network, or of an auxiliary head."""
    taken = {i for node in graph.nodes for i in node.inputs}
    used = [i in graph.outputs or i not in taken for i in range(len(graph.nodes) + 1)]
    for i, node in reversed(list(enumerate(graph.nodes, 1))):
        for before in _valued(node) if used[i] else ():
            used[before] = True
    return used[1:]
