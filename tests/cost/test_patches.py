"""Patch-based execution: the paper's figure, by hand, and patches against the gradients of torch."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.memory_rules import RULES
from convcost.cost.patches import MAX_PATCHES, Patched, grid, patched
from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.network import load
from convcost.ops import AvgPool, Conv, DepthwiseConv, Linear
from convcost.torchbridge.module import TorchModel


def test_mobilenet_v2_of_mcunet_v2s_figure_1():
    """1,372 kB layer by layer, (16 + 96) x 112^2; 172 kB on 4 x 4 patches, (32 + 192) x 28^2: eight times less."""
    cost = load("mobilenet_v2").price()
    found = patched(cost, (4, 4))
    assert RULES["depthwise"].of(cost, 1) == 1_372 * 1024 == (16 + 96) * 112**2
    assert found.own == (32 + 192) * 28**2 == RULES["depthwise"].of(cost, 1) // 8
    assert round(found.own / 1024) == 172
    assert found.rest == (32 + 192 + 32) * 28**2, "with what the residual holds"


def pair(padding: int = 1) -> Cost:
    """Two convolutions of 3 x 3, from 1 to 2 to 4 channels, on a map of 8 x 8."""
    g = GraphBuilder("pair", input=(1, 8, 8))
    a = g.add(Conv(2, 3, padding=padding, bias=False), g.input, name="a")
    b = g.add(Conv(4, 3, padding=padding, bias=False), a, name="b")
    g.add(Linear(10), g.add(ops.Flatten(), b), name="fc")
    return Cost(g.graph())


def test_by_hand():
    """A tile of 4 x 4 in the corner depends on 5 x 5 positions of a's map, and these on 6 x 6 of the input."""
    found = patched(pair(), (2, 2), "b")
    a, b = found.layers
    assert (a.patch, b.patch) == ((2, 5, 5), (4, 4, 4))
    assert a.macs == 4 * 25 * 2 * 9
    assert b.macs == 64 * 4 * 18 == b.line.macs
    assert a.alive == 4 * 64 + 36 + 50
    assert b.alive == 4 * 64 + 50
    assert found.rest == 4 * 64 + 10, "the output of a linear layer is held with its input"
    assert (found.stage, found.peak) == (256 + 86, 256 + 86)


def test_one_patch_is_the_layer():
    cost = pair()
    found = patched(cost, (1, 1), "b")
    assert [layer.macs for layer in found.layers] == [row.macs for row in cost.rows[:2]]
    assert [layer.patch for layer in found.layers] == [row.shape for row in cost.rows[:2]]
    assert found.macs == cost.total.macs


@st.composite
def stages(draw) -> Cost:
    """A few layers whose every weight can be 1: what depends on what shows in the gradients."""
    g = GraphBuilder("stage", input=(2, draw(st.integers(9, 14)), draw(st.integers(9, 14))))
    x = g.input
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
        padding = draw(st.integers(0, kernel // 2))
        kind = draw(st.sampled_from(["conv", "dwconv", "pool", "sum", "branches", "up", "transposed"]))
        if min(x.shape[1:]) < 4:
            break
        if kind == "conv":
            x = g.add(Conv(draw(st.integers(1, 3)), kernel, stride=stride, padding=padding, bias=False), x)
        elif kind == "dwconv":
            x = g.add(DepthwiseConv(kernel, stride=stride, padding=padding, bias=False), x)
        elif kind == "pool":
            x = g.add(AvgPool(kernel, stride=stride, padding=padding), x)
        elif kind == "sum":
            x = g.add(ops.Add(), g.add(Conv(x.shape[0], 3, padding=1, bias=False), x), x)
        elif kind == "branches":
            x = g.add(ops.Concat(), x, g.add(Conv(2, 3, padding=1, bias=False), x))
        elif kind == "up":
            x = g.add(ops.Upsample(2), x)
        else:
            x = g.add(ops.ConvTranspose(2, 2, stride=2, bias=False), x)
    x = g.add(Conv(1, 3, padding=1, bias=False), x, name="last")
    g.add(Linear(2), g.add(ops.Flatten(), x))
    return Cost(g.graph())


def seen(cost: Cost, found: Patched) -> list[tuple[tuple[int, ...], int]]:
    """Of every layer up to the last of the stage, the largest hull of what a tile's gradient reaches, and all of it."""
    model = TorchModel(cost.graph).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
    outputs: list[torch.Tensor] = []
    for name in cost.graph.names:
        model.get_submodule(name.replace("/", ".")).register_forward_hook(lambda _module, _inputs, y: outputs.append(y))
    model(torch.ones(1, *cost.input, dtype=torch.double, requires_grad=True))
    n = len(found.layers)
    last = outputs[n - 1]
    height, width = last.shape[2:]
    rows, columns = found.grid
    hulls: list[list[tuple[int, ...]]] = [[] for _ in range(n)]
    for i in range(rows):
        for j in range(columns):
            part = last[
                ..., i * height // rows : (i + 1) * height // rows, j * width // columns : (j + 1) * width // columns
            ]
            tile = part.sum()
            for hull, gradient in zip(hulls, torch.autograd.grad(tile, outputs[:n], retain_graph=True), strict=True):
                at = [gradient[0].sum((0, 2)).nonzero(), gradient[0].sum((0, 1)).nonzero()]
                hull.append((gradient.shape[1], *(int(one.max() - one.min()) + 1 for one in at)))
    return [
        (max(hull, key=lambda one: one[1] * one[2]), sum(one[0] * one[1] * one[2] for one in hull)) for hull in hulls
    ]


@given(stages(), st.tuples(st.integers(1, 3), st.integers(1, 3)))
@settings(deadline=None, max_examples=40)
def test_a_patch_is_what_gradients_of_a_tile_reach(cost, parts):
    """And the multiply-adds of a convolution are as many for each of the outputs that it computes."""
    assume(all(size >= part for size, part in zip(cost["last"].shape[1:], parts, strict=True)))
    found = patched(cost, parts, "last")
    for layer, (patch, computed) in zip(found.layers, seen(cost, found), strict=True):
        assert layer.patch == patch
        if not isinstance(layer.line.op, ops.ConvTranspose):
            assert layer.macs == layer.line.macs // layer.line.elements * computed


@pytest.mark.parametrize("name", ["mobilenet_v2", "googlenet", "resnet18", "efficientnet_b0"])
def test_finer_grids_compute_more(name):
    cost = load(name).price()
    found = [patched(cost, (n, n), patched(cost, (2, 2)).until.name) for n in (1, 2, 4)]
    assert [one.macs for one in found] == sorted(one.macs for one in found)
    assert found[0].macs == cost.total.macs
    assert patched(cost, (2, 2)).peak == min(
        patched(cost, (2, 2), layer.line.name).peak for layer in found[0].layers if ends(cost, layer.line.name)
    )


def ends(cost: Cost, name: str) -> bool:
    try:
        patched(cost, (2, 2), name)
    except ConvcostError:
        return False
    return True


def test_what_has_no_patches():
    cost = load("mobilenet_v2").price()
    with pytest.raises(ConvcostError, match="it is not all that others take; bottleneck2/2/add does"):
        patched(cost, (2, 2), "bottleneck2/2/residual")
    with pytest.raises(ConvcostError, match="its map of 7x7 is too small for 8x8 patches"):
        patched(cost, (8, 8), "conv2")
    with pytest.raises(ConvcostError, match="a grid of 4 is none of a map of 28x28"):
        patched(cost, (4,), "bottleneck3/1")
    with pytest.raises(ConvcostError, match="no layer or scope"):
        patched(cost, (2, 2), "bottleneck99")
    with pytest.raises(ConvcostError, match="not of symbols"):
        patched(load("mobilenet_v2").price((3, symbol("H"), 224)), (2, 2))
    for text in ("4x", "0x4", "axb", f"{MAX_PATCHES + 1}x1", "", "4x4x9999"):
        with pytest.raises(ConvcostError, match="no grid of patches"):
            grid(text)
    assert grid("4x2") == (4, 2)
