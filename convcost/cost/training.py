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
from convcost.counters.rules import count
from convcost.errors import ConvcostError
from convcost.exact.integers import Int, equal, floordiv
from convcost.ops import Attention, Embedding, MatMul, ResizeLike
from convcost.ops.sequence import Heads, Recurrent


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
        weighed = row.macs - count("heads attention macs", row) if weighs else 0
        steps.append(TrainingStep(row, row.macs, _of_inputs(row, before) if used else 0, weighed))
    return steps


def _of_inputs(row: Line, trained: Sequence[bool]) -> Int:
    """The products for the gradients of its inputs: where two activations are multiplied, each has one of its own.

    Of attention, softmax(q k^T) v, the scores have one too, if q, k or the mask has (torch 2.13's composite form).
    """
    if isinstance(row.op, MatMul):
        return row.macs * sum(trained)
    if isinstance(row.op, Heads):
        # Its attention is of projections, which are trained; so is what its output's projection takes.
        queries, keys, values, outputs = row.op.projections(row.inputs)
        q, k, v = trained if len(trained) == 3 else (trained[0],) * 3
        attending = row.macs - row.batch * (queries + keys + values + outputs)
        return 2 * attending + row.batch * (q * queries + k * keys + v * values + outputs)
    if isinstance(row.op, Recurrent):
        # The first hidden state needs none; what further layers take is trained.
        (x,) = row.inputs
        first = row.op.gates * row.op.directions * row.op.hidden_size * x[1]
        further = row.op.of_tokens(x) - first + first * trained[0]
        return row.batch * (x[0] * further + (x[0] - 1) * row.op.of_states)
    if isinstance(row.op, Attention):
        q, k, v, *mask = trained
        d, e = row.inputs[0][-1], row.inputs[2][-1]
        scores = floordiv(row.macs, d + e)
        return scores * (d * (q + k) + e * (v + any((q, k, *mask))))
    return row.macs if any(trained) else 0


def _valued(node: Node) -> tuple[int, ...]:
    """The inputs whose gradients it has: of its second, `resize_like` takes the size alone; an index has none."""
    if isinstance(node.op, Embedding):
        return ()
    return node.inputs[:1] if isinstance(node.op, ResizeLike) else node.inputs


def _differentiated(graph: Graph) -> list[bool]:
    """Of each node, whether an output depends on its values: one of the network, or of an auxiliary head."""
    taken = {i for node in graph.nodes for i in node.inputs}
    used = [i in graph.outputs or i not in taken for i in range(len(graph.nodes) + 1)]
    for i, node in reversed(list(enumerate(graph.nodes, 1))):
        for before in _valued(node) if used[i] else ():
            used[before] = True
    return used[1:]
