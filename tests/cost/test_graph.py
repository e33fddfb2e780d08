"""Graphs built in Python: what callers get wrong ends in one ConvcostError, and never in a wrong number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convcost import Cost, GraphBuilder
from convcost.errors import ConvcostError, ShapeError
from convcost.ops import AdaptiveAvgPool, Add, BatchNorm, Concat, Conv, Flatten, GlobalAvgPool, Linear, MaxPool, ReLU


@pytest.fixture
def builder() -> GraphBuilder:
    return GraphBuilder("net", (3, 8, 8))


def test_a_layer_that_is_used_again_has_its_parameters_once_and_its_work_at_every_use():
    """3x3 of 4 channels: 4*9*4 weights and 4 biases; at 8x8 and at 4x4 each weight once per position."""
    g = GraphBuilder("shared", (4, 8, 8))
    head = g.add(Conv(4, 3, padding=1), g.input, name="head")
    small = g.add(MaxPool(2), g.input)
    again = g.again(head, small, name="again")
    third = g.again(again, small)
    g.add(Concat(), *(g.add(Flatten(), x) for x in (head, again, third)))
    cost = Cost(g.graph())
    assert [(line.params, line.macs) for line in cost if line.operator == "conv"] == [
        (148, 144 * 64),
        (0, 144 * 16),
        (0, 144 * 16),
    ]
    assert (cost.total.params, cost.total.macs) == (148, 144 * 96)
    assert [node.shares for node in g.graph().nodes if node.op.name == "conv"] == [None, 0, 0]
    with pytest.raises(ShapeError, match=r"layer head_2: layer head has 148 parameters, .* would have 292: "):
        g.again(head, g.add(Concat(), small, small))
    with pytest.raises(ConvcostError, match="what is used again is a layer that this builder has made, got the input"):
        g.again(g.input, small)


def test_a_layer_is_not_used_again_on_other_axes():
    """A kernel of 1 has as many weights over one axis as over two, but torch's are of one rank."""
    g = GraphBuilder("shared", (4, 8, 8))
    line = g.add(Conv(4, 1), g.add(GlobalAvgPool(), g.input), name="line")
    features = g.add(Flatten(), g.input)
    with pytest.raises(ConvcostError, match="conv needs"):
        g.again(line, features)
    norm = g.add(BatchNorm(), line, name="norm")
    with pytest.raises(ShapeError, match="layer norm is of 4x1x1: it cannot be used again on other axes"):
        g.again(norm, g.add(Linear(4), features))


def test_weights_that_depend_on_the_input_cannot_be_used_at_another_size():
    """A linear layer behind maps of 8x8 and, pooled, of 8x8: at other inputs the two differ."""
    g = GraphBuilder("shared", (1, 8, 8))
    fc = g.add(Linear(3), g.input, name="fc")
    g.add(Concat(), fc, g.again(fc, g.add(AdaptiveAvgPool(8), g.input), name="again"))
    assert Cost(g.graph()).total.params == 195
    with pytest.raises(ShapeError, match="layer again: layer fc has 771 parameters, and on this input would have 195"):
        Cost(g.graph(), (1, 16, 16))


def test_tensors_of_another_builder_are_refused(builder):
    other = GraphBuilder("other", (3, 8, 8))
    x = other.add(ReLU(), other.input)
    for foreign in (x, other.input, 0, None):
        with pytest.raises(ConvcostError, match="net: relu takes tensors that this builder has made"):
            builder.add(ReLU(), foreign)


@pytest.mark.parametrize("op", ["conv", ReLU, None])
def test_an_operator_is_a_record(builder, op):
    with pytest.raises(ConvcostError, match=r"net: an operator is a record such as ReLU\(\)"):
        builder.add(op, builder.input)


@pytest.mark.parametrize("name", ["", "a//b", "a/", 3])
def test_a_name_is_text(builder, name):
    with pytest.raises(ConvcostError, match="the name of a layer is text without empty parts"):
        builder.add(ReLU(), builder.input, name=name)


def test_a_scope_of_several_parts_keeps_them(builder):
    with builder.scope("stage1/block1"), builder.scope("branch"):
        builder.add(ReLU(), builder.input)
    assert [node.name for node in builder.graph().nodes] == ["stage1/block1/branch/relu"]


def test_a_join_takes_two_inputs_or_more(builder):
    with pytest.raises(ShapeError, match="layer add: add takes two inputs or more, got 1"):
        builder.add(Add(), builder.input)
    with pytest.raises(ShapeError, match="layer relu: relu takes 1, got 0"):
        builder.add(ReLU())


def test_auxiliary_heads_are_beside_the_network(builder):
    with builder.auxiliary():
        head = builder.add(Conv(3, 1), builder.input, name="head")
    with pytest.raises(ConvcostError, match="net: a network needs a layer that is not part of an auxiliary head"):
        builder.graph()
    builder.add(Conv(3, 1), head, name="main")
    with pytest.raises(ConvcostError, match="layer main: it takes the output of an auxiliary head"):
        builder.graph()


@pytest.mark.parametrize("input", [None, 3, "3x8x8", (), (3, 8.0), (3, True), (3, -1), (3, None)])
def test_an_input_is_integers(input):
    with pytest.raises(ShapeError, match="net: an input is"):
        GraphBuilder("net", input)


@pytest.mark.parametrize("input", [(3, 8.0, 8), (3, -8, 8), "3x8x8", 3])
@pytest.mark.parametrize("ask", [Cost, lambda graph, shape: graph.evaluate(shape)])
def test_a_graph_is_priced_on_integers(builder, input, ask):
    builder.add(Conv(4, 1), builder.input)
    with pytest.raises(ShapeError, match="net: an input is"):
        ask(builder.graph(), input)


@pytest.mark.parametrize(
    "batch", [0, -1, 1.5, True, None, "2", [1, 2], np.array([0, 2]), np.array([1.0]), float("nan")]
)
def test_a_batch_is_an_integer(builder, batch):
    builder.add(Conv(4, 1), builder.input)
    with pytest.raises(ConvcostError, match="batch must be an integer >= 1"):
        Cost(builder.graph(), batch=batch)


def test_scalars_of_numpy_count_as_pythons_integers(builder):
    builder.add(Conv(4, 1), builder.input)
    size = np.int64(2**31)  # 12 macs a position: 12 * 2^62 is more than int64 holds
    assert Cost(builder.graph(), (3, size, size)).total.macs == 12 * 2**62
    assert Cost(builder.graph(), (np.uint8(3), 8, 8), batch=np.uint8(200)).total.macs == 12 * 64 * 200


def test_a_misfit_of_arrays_is_located(builder):
    builder.add(Linear(4), builder.add(Conv(4, 5), builder.input, name="conv1"))
    with pytest.raises(ShapeError, match="layer conv1: conv of 3x"):
        Cost(builder.graph(), (3, np.array([4, 8]), 8))


def test_a_graph_with_other_nodes_is_priced_anew():
    builder = GraphBuilder("tiny", (3, 8, 8))
    builder.add(Conv(4, 1, bias=False), builder.input)
    graph = builder.graph()
    (node,) = graph.nodes
    changed = replace(graph, nodes=(node._replace(op=Conv(5, 1, bias=False)),))
    assert [Cost(one).total.macs for one in (graph, changed)] == [3 * 4 * 64, 3 * 5 * 64]
    assert Cost(graph, (3, 8, 9)).total.macs == 3 * 4 * 72


def test_a_graph_is_shown_in_one_line(builder):
    builder.add(Conv(4, 1), builder.input)
    assert repr(builder.graph()) == "<Graph of net at 3x8x8: 1 layers>"
