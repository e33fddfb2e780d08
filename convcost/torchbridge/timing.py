"""How long each layer takes in torch, on one core of this machine.

Importing this module imports torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial

import torch

from convcost.cost.cost import Cost
from convcost.machines import fastest
from convcost.ops import inputs_of
from convcost.torchbridge.module import TorchModel, samples


def peak(calls: int = 50) -> Fraction:
    """Operations per second that torch has reached on one core, in products of matrices and in convolutions."""
    best = Fraction(0)
    with one_thread(), torch.inference_mode():
        for n in (128, 256):
            a = torch.rand(n, n)
            best = max(best, 2 * n**3 / fastest(partial(torch.mm, a, a), calls))
        for channels, size, kernel in ((64, 28, 3), (128, 14, 3), (64, 28, 1)):
            layer = torch.nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False)
            x = torch.rand(1, channels, size, size)
            operations = 2 * channels**2 * kernel**2 * size**2
            best = max(best, operations / fastest(partial(layer, x), calls))
    return best


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, torch computes in one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def layer_seconds(cost: Cost, rounds: int = 5, also: Callable[[], None] = lambda: None) -> dict[str, float]:
    """The least time of several rounds of each layer at inference, in float32, with random weights and inputs.

    `also` is done between the rounds: what is measured there sees the machine as the layers do. Raises ConvcostError
    for a layer that torch has not.
    """
    batch = max(cost.batch, samples(cost.graph))
    model = TorchModel(cost.graph, cost.input)
    least: dict[str, float] = {}
    with one_thread(), torch.inference_mode():
        given = [torch.rand(batch, *shape) for shape in inputs_of(cost.input).values()]
        for _ in range(rounds):
            also()
            tensors = model.numbered(*given)
            for node, step in zip(cost.graph.nodes, model.steps, strict=True):
                taken = [tensors[i] for i in step.inputs]
                begin = time.perf_counter()
                if step.preparation is not None:  # torch pads in a step of its own, which is the layer's, too
                    taken = [step.preparation(taken.pop())]
                tensors[step.output] = step.layer(*taken)
                least[node.name] = min(time.perf_counter() - begin, least.get(node.name, float("inf")))
                for i in step.done:
                    del tensors[i]
    return least
