"""What a step of training multiplies: the forward pass, and the two products of the backward pass of every layer.

A layer that multiplies its input by weights does so once more for the gradient of its weights, and once more for that
of its input, if anything before it is trained: the first layer's input needs none. So a step is three forward passes,
but for the first layers. This is what torch's FlopCounterMode counts, halved (torch 2.13, `conv_backward_flop`).
"""

from __future__ import annotations

from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.exact.integers import Int, equal


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
    for node, row in zip(cost.graph.nodes, cost.rows, strict=True):
        before = any(trained[i] for i in node.inputs)
        own = row if node.shares is None else cost.rows[node.shares]
        trained.append(before or not equal(own.params, 0))
        steps.append(TrainingStep(row, row.macs, row.macs if before else 0, 0 if equal(own.weights, 0) else row.macs))
    return steps
