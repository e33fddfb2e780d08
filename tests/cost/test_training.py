"""A step of training against torch: FlopCounterMode on a real forward and backward pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from random_graphs import random_graphs
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.graph import Graph
from convcost.cost.training import TrainingStep, training
from convcost.network import load
from convcost.ops import BatchNorm, Conv, DepthwiseConv, ReLU, ResizeLike, inputs_of
from convcost.torchbridge.module import TorchModel


def summed(cost: Cost) -> tuple[int, int]:
    """Multiply-adds of the forward pass, and of both, by our account."""
    steps = training(cost)
    return sum(step.forward for step in steps), sum(step.total for step in steps)


def counted_twice(steps: list[TrainingStep]) -> int:
    """What torch 2.13 counts too much: a grouped convolution's gradient of weights, once per group.

    Its `conv_backward_flop` multiplies all input by all output channels, which only meet within a group.
    """
    too_much = 0
    for step in steps:
        op = step.line.op
        if step.weight_gradient:
            groups = step.line.inputs[0][0] if isinstance(op, DepthwiseConv) else getattr(op, "groups", 1)
            groups = 1 if op is not None and "deform" in op.name else groups  # a product of matrices in torch
            too_much += (groups - 1) * step.weight_gradient
    return too_much


@contextmanager
def composed() -> Iterator[None]:
    """Inside, an LSTM is composed of products: fused, as oneDNN has it, it counts nothing."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)  # torch.backends.mkldnn.flags warns of what it sets besides
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def counted(cost: Cost, device: str = "meta") -> tuple[int, int]:
    """Multiply-adds that torch counts of the forward pass, and of both; of attention as it is composed: fused, none."""
    with torch.device(device):
        model = TorchModel(cost.graph, cost.input)
        xs = [torch.zeros(cost.batch, *x) for x in inputs_of(cost.input).values()]
    with composed(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        out = model(*xs)
        forward = counter.get_total_flops()
        outputs = [y for y in (out if isinstance(out, tuple) else (out,)) if y.requires_grad]
        if outputs:
            torch.autograd.backward(outputs, [torch.ones_like(y) for y in outputs])
    both = counter.get_total_flops()
    assert forward % 2 == both % 2 == 0
    return forward // 2, both // 2


@pytest.mark.parametrize(
    "name",
    ["vgg16", "googlenet", "inception_v3", "resnet50", "densenet121", "mobilenet_v2", "resnext50_32x4d", "xception",
     "shufflenet_v1_g3", "efficientnet_b0", "nasnet_mobile", "lenet5", "se_resnet50"],
)  # fmt: skip
def test_networks(name: str) -> None:
    cost = load(name).price(batch=2)
    forward, both = summed(cost)
    assert (forward, both + counted_twice(training(cost))) == counted(cost)
    assert both < 3 * forward
    assert forward == cost.with_auxiliary.macs


def test_auxiliary_heads_are_trained() -> None:
    cost = load("googlenet", aux=True).price()
    assert cost.auxiliary is not None
    assert summed(cost) == counted(cost)


def test_by_hand() -> None:
    """What comes before the first parameters needs no gradient; a norm's own are parameters, too."""
    for first, expected in ((ReLU(), 0), (BatchNorm(), 9 * 3 * 4 * 64)):
        g = GraphBuilder("small", input=(3, 8, 8))
        x = g.add(Conv(4, 3, padding=1), g.add(first, g.input, name="first"), name="conv")
        g.add(Conv(5, 1), x, name="last")
        steps = {step.line.name: step[1:] for step in training(Cost(g.graph()))}
        macs = 9 * 3 * 4 * 64
        assert steps == {"first": (0, 0, 0), "conv": (macs, expected, macs), "last": (1280, 1280, 1280)}


def test_a_layer_of_which_the_size_is_taken_has_no_gradient() -> None:
    g = GraphBuilder("sized", input=(3, 8, 8))
    x = g.add(Conv(4, 3, padding=1), g.input, name="conv")
    size = g.add(Conv(5, 1), x, name="size")
    g.add(ResizeLike(), x, size, name="like")
    cost = Cost(g.graph())
    first, second = 9 * 3 * 4 * 64, 4 * 5 * 64
    assert [step[1:] for step in training(cost)] == [(first, 0, first), (second, 0, 0), (0, 0, 0)]
    assert summed(cost) == counted(cost)


@settings(max_examples=200)
@given(random_graphs())
def test_random_graphs(graph: Graph) -> None:
    cost = Cost(graph, batch=2)
    forward, both = summed(cost)
    assert (forward, both + counted_twice(training(cost))) == counted(cost, "cpu")
