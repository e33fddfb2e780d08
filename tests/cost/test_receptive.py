"""Receptive fields against PyTorch: which inputs reach which outputs of random networks, found by trying."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from effort import bounded, warm
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_modules import MODULES

from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.graph import Graph
from convcost.cost.receptive import WHOLE, output_fields, per_axis, receptive_fields
from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.network import load

N = 120
"""Positions of the input: enough for whole receptive fields away from the borders."""

CONV = ops.Conv(1, 3, bias=False)
WINDOWS = st.one_of(
    st.builds(lambda k, s: ops.Conv(1, k, s, bias=False), *map(st.integers, (1, 1), (4, 3))),
    st.builds(lambda k: ops.Conv(1, k, padding="same", bias=False), st.integers(1, 4)),
    st.builds(ops.MaxPool, st.integers(1, 4), st.integers(1, 3)),
    st.builds(lambda k, s: ops.ConvTranspose(1, k, s, bias=False), *map(st.integers, (1, 1), (4, 3))),
    st.builds(ops.Upsample, st.integers(1, 3)),
)


@st.composite
def chains(draw: st.DrawFn) -> Graph:
    """Windows one after the other, some with a branch of another window around them."""
    build = GraphBuilder("random", (1, N))
    x = build.input
    for op in draw(st.lists(WINDOWS, min_size=1, max_size=4)):
        if x.shape[1] < 8 or x.shape[1] > 300:
            break
        if draw(st.integers(0, 3)) == 0:
            x = build.add(ops.Add(), x, build.add(ops.Conv(1, draw(st.integers(1, 4)), padding="same", bias=False), x))
        x = build.add(op, x)
    return build.graph()


def reached(graph: Graph) -> Tensor:
    """reached[i, o]: whether input position i reaches output position o."""
    tensors, shapes = [torch.eye(N).reshape(N, 1, N)], [graph.input]
    for node in graph.nodes:
        xs = [shapes[i] for i in node.inputs]
        module = MODULES[node.op.name](node.op, *xs)
        for parameter in module.parameters():
            nn.init.ones_(parameter)
        with torch.no_grad():
            y = module(*(tensors[i] for i in node.inputs))
        tensors.append((y > 1e-6).float())
        shapes.append(node.op.out_shape(*xs))
    return tensors[-1][:, 0].bool()


def largest(graph: Graph) -> int:
    """The most inputs, first to last, that an output away from the borders depends on; 0 if none is."""
    spans = [column.nonzero().flatten().tolist() for column in reached(graph).T]
    return max((i[-1] - i[0] + 1 for i in spans if i and i[0] > 0 and i[-1] < N - 1), default=0)


@settings(deadline=None, max_examples=400)
@given(chains())
def test_random_networks(graph: Graph) -> None:
    size = largest(graph)
    ((computed,), _) = receptive_fields(graph, graph.input)[-1]
    assert size in (0, computed)


@pytest.mark.parametrize(
    ("layers", "size", "stride"),
    [
        ((CONV, CONV), 5, 1),
        ((CONV, ops.Conv(1, 3, dilation=4, bias=False)), 11, 1),  # 3 + 2*4
        ((CONV, ops.MaxPool(2), CONV), 8, 2),  # 3 + 1 + 2*2
        ((ops.MaxPool(1, 2), ops.Upsample(2)), 1, 1),  # each output still sees one input
        ((ops.MaxPool(4), ops.Upsample(4), CONV), 8, 1),  # at most two windows of 4
        ((ops.MaxPool(2), ops.ConvTranspose(1, 4, 2, 1)), 4, 1),  # two windows of 2
        ((ops.Upsample(3),), 1, Fraction(1, 3)),
    ],
)
def test_by_hand(layers: tuple[ops.Op, ...], size: int, stride: Fraction) -> None:
    build = GraphBuilder("chain", (1, 64))
    x = build.input
    for op in layers:
        x = build.add(op, x)
    assert receptive_fields(build.graph(), (1, 64))[-1] == ((size,), (stride,))


def test_endless_upsampling_is_refused() -> None:
    build = GraphBuilder("chain", (1, 64))
    build.add(ops.Upsample(10**9), build.input)
    with pytest.raises(ConvcostError, match="upsampled 1000000000 times"):
        receptive_fields(build.graph(), (1, 64))


def test_much_upsampling_is_refused_in_time() -> None:
    build = GraphBuilder("chain", (1, 64))
    x = build.add(ops.Upsample(4096), build.input)
    build.add(ops.Conv(1, 4095), x)

    def refused() -> None:
        with pytest.raises(ConvcostError, match="upsampled too much"):
            receptive_fields(build.graph(), (1, 64))

    assert bounded(warm(refused)())


def test_a_generative_networks_upsampling_is_followed() -> None:
    build = GraphBuilder("chain", (1, 4))
    x = build.input
    for _ in range(10):  # as StyleGAN's 4 to 4096, two convolutions at every size
        x = build.add(CONV, build.add(CONV, build.add(ops.Upsample(2), x)))
        x = build.add(ops.ZeroPad(2), x)
    field = receptive_fields(build.graph(), (1, 4))[-1]
    assert field.stride == (Fraction(1, 1024),)
    # Two 3-wide windows see 5 positions; of n positions enlarged twofold, at most n // 2 + 1 are different ones.
    size = 1
    for _ in range(10):
        size = (size + 4) // 2 + 1
    assert field.size == (size,)


def test_symbols_and_arrays_have_no_one_receptive_field() -> None:
    sizes = np.array([64, 96])
    for shape in ((1, symbol("N")), (1, sizes)):
        build = GraphBuilder("chain", (1, 64))
        build.add(ops.Conv(1, 3, 2, padding="same"), build.input)
        with pytest.raises(ConvcostError, match="not of symbols or arrays"):
            receptive_fields(build.graph(), shape)


def test_a_stride_is_shown_axis_by_axis() -> None:
    build = GraphBuilder("clip", (1, 8, 8, 8))
    build.add(ops.MaxPool((2, 1, 2)), build.input)
    field = receptive_fields(build.graph(), (1, 8, 8, 8))[-1]
    assert (str(field), per_axis(field.stride)) == ("2x1x2", "2x1x2")


def test_what_has_seen_all_is_left_out_where_it_meets_what_has_not() -> None:
    """SE-ResNet-50 has the windows of ResNet-50 v1, whose published field is 483 at stride 32 (Araujo et al. 2019)."""
    plain, gated = (load(name).price() for name in ("resnet50@v1", "se_resnet50"))
    assert gated.receptive_fields["conv5_x/3/relu"].whole
    for cost in (plain, gated):
        fields = receptive_fields(cost.graph, cost.input, local=True)
        last = [field for field in fields if not field.whole][-1]
        assert (last.size, last.stride) == ((483, 483), (32, 32))


def test_each_output_has_its_own() -> None:
    """3x3, of which one output; 3x3 at stride 2 behind it; and what is made of their means, which sees all."""
    build = GraphBuilder("heads", (1, 32, 32))
    fine = build.add(ops.Conv(4, 3, padding="same"), build.input, name="fine")
    coarse = build.add(ops.Conv(4, 3, 2, padding=1), fine, name="coarse")
    pooled = build.add(ops.GlobalAvgPool(), coarse, name="pooled")
    scores = build.add(ops.Linear(10), pooled, name="scores")
    for tensor in (fine, coarse, scores):
        build.output(tensor)
    graph = build.graph()
    sizes = {name: str(field) for name, field in output_fields(graph, graph.input).items()}
    assert sizes == {"fine": "3", "coarse": "5", "scores": "all"}
    assert {name: str(field) for name, field in output_fields(graph, graph.input, local=True).items()} == {
        **sizes,
        "scores": "5",
    }


def test_an_output_that_sees_all_from_the_start() -> None:
    build = GraphBuilder("mean", (3, 8, 8))
    build.add(ops.GlobalAvgPool(), build.input, name="mean")
    graph = build.graph()
    assert output_fields(graph, graph.input, local=True) == {"mean": WHOLE}


def test_yolov3_s_outputs() -> None:
    """A position of its first set sees 853, and the next one 32 further: outputs are of 3, 4 and 5 of them at most.

    A 3x3 behind the set sees 3. Three 3x3 on the map twice as fine see 7 positions, of 4 coarse ones; on the finest,
    7 of 4 there, with the two 3x3 before of 8, and those of 5 coarse ones.
    """
    cost = load("yolov3").price()
    fields = output_fields(cost.graph, cost.input)
    assert {name.split("/")[0]: (str(field), field.stride[0]) for name, field in fields.items()} == {
        "large": (str(853 + 2 * 32), 32),
        "medium": (str(853 + 3 * 32), 16),
        "small": (str(853 + 4 * 32), 8),
    }
