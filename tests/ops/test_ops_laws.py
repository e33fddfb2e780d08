"""Laws of the operators: one rule in three number systems, growth, additivity, and the identities between operators."""

from __future__ import annotations

import dataclasses
from itertools import count, takewhile
from math import ceil
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numbers_of import Symbols, array_of, as_arrays, combined, is_exact, shapes
from strategies import Applied, applied, channels, graphs, grow, sizes, variants

from convcost import ops
from convcost.cost.graph import Evaluated, Graph, evaluate
from convcost.ops import Op, Shape, Work, sum_params, sum_work
from convcost.ops.base import axes_of
from convcost.ops.geometry import pads
from convcost.ops.pool import AdaptivePool


def numbers(priced: Evaluated) -> tuple[Any, ...]:
    """Everything that an operator comes to, in one row."""
    return (*priced.shape, *priced.params, *priced.work, priced.activations)


@settings(deadline=None, max_examples=500)
@given(variants())
def test_int_is_array_is_symbol(drawn: list[Applied]) -> None:
    operators, inputs = [op for op, _ in drawn], [xs for _, xs in drawn]
    expected = list(zip(*(numbers(evaluate(op, xs)) for op, xs in drawn), strict=True))

    arrays = numbers(evaluate(*as_arrays(operators, inputs)))
    assert all(is_exact(value) or value.dtype == np.int64 for value in arrays)
    assert_equal(arrays, expected)

    symbols = Symbols()
    form = symbols.op(operators)
    forms = numbers(evaluate(form, shapes(form, inputs, symbols.of)))
    assert_equal([symbols.at(form) for form in forms], expected)


@settings(deadline=None, max_examples=200)
@given(graphs(), st.lists(st.tuples(st.integers(1, 3), *[st.integers(0, 9)] * 3), min_size=2, max_size=2))
def test_int_is_array_is_symbol_on_networks(graph: Graph, growths: list[tuple[int, ...]]) -> None:
    inputs = [graph.input, *(grow(graph.input, wider, tuple(larger)) for wider, *larger in growths)]
    expected = [list(zip(*rows, strict=True)) for rows in zip(*(rows_of(graph, x) for x in inputs), strict=True)]

    for row, wanted in zip(rows_of(graph, combined(inputs, array_of)), expected, strict=True):
        assert_equal(row, wanted)

    symbols = Symbols()
    for row, wanted in zip(rows_of(graph, combined(inputs, symbols.of)), expected, strict=True):
        assert_equal([symbols.at(form) for form in row], wanted)


def rows_of(graph: Graph, x: Shape) -> list[tuple[Any, ...]]:
    """All counts of the graph as defined for these channels: it refuses others."""
    return [numbers(priced) for priced in dataclasses.replace(graph, input=x).evaluate(x)]


def assert_equal(got: Any, expected: list[tuple[int, ...]]) -> None:
    for value, wanted in zip(got, expected, strict=True):
        assert np.broadcast_to(value, len(wanted)).tolist() == list(wanted)


@settings(max_examples=1000)
@given(
    st.tuples(*[st.integers(1, 30)] * 1, *[st.integers(1, 5)] * 3),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_window_sizes_are_the_number_of_windows(window: tuple[int, int, int, int], side: tuple[int, int]) -> None:
    """The closed forms of the rounding rules against laying window after window, j = 0, 1, ... at j * stride."""
    n, kernel, stride, dilation = window
    extent, (before, after) = dilation * (kernel - 1) + 1, side

    def windows(rule: Any) -> int:
        return len(list(takewhile(rule, (j * stride for j in count()))))

    def size(ceil_mode: Any, padding: Any = (side,)) -> Any:
        return ops.MaxPool(kernel, stride, padding, dilation, ceil_mode).out_shape((1, n))[1]

    end = before + n + after
    assert max(size(False), 0) == windows(lambda start: start + extent <= end)
    # Rounded up: one more where the window before stops short of the end, if it starts left of the right padding.
    partial = windows(lambda start: start - stride + extent < end and start < before + n)
    assert max(size(True), 0) == partial
    assert size(True, "same") == size(False, "same") == windows(lambda start: start < n)
    # Caffe's pooling layer, literally: it has one padding for both sides, smaller than the kernel, and no dilation.
    if dilation == 1 and before < kernel:
        caffe = ceil((n + 2 * before - kernel) / stride) + 1
        if before > 0 and (caffe - 1) * stride >= n + before:
            caffe -= 1
        assert size("caffe", ((before, before),)) == caffe


@settings(deadline=None, max_examples=500)
@given(variants())
def test_more_never_costs_less(drawn: list[Applied]) -> None:
    """More channels in, larger sizes, more channels out: no output, parameter or work gets less.

    But for adaptive pooling: of 2 to 3 its windows are 0, 0-1, 1, which is one sum, and of 3 to 3 it is none.
    """
    if isinstance(drawn[0][0], AdaptivePool):
        return
    (least, *more) = (numbers(evaluate(op, xs)) for op, xs in drawn)
    for row in more:
        assert all(a <= b for a, b in zip(least, row, strict=True))


@settings(deadline=None, max_examples=300)
@given(variants())
def test_nothing_is_negative_and_every_output_has_elements(drawn: list[Applied]) -> None:
    priced = evaluate(*drawn[0])
    assert min(priced.shape) >= 1
    assert min(*priced.params, *priced.work) >= 0


def costs(op: Op, *xs: Shape) -> tuple[Any, ...]:
    """Parameters and work."""
    priced = evaluate(op, xs)
    return priced.params, priced.work


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["conv", "conv_transpose", "linear"]).flatmap(applied), channels)
def test_outputs_add_up(drawn: Applied, more: int) -> None:
    """A layer of a + b outputs is a layer of a beside a layer of b."""
    op, xs = drawn
    if op.name == "linear":
        parts = [op.replace(out_features=n) for n in (op.out_features, more, op.out_features + more)]
    else:
        op = op.replace(groups=1)
        parts = [op.replace(out_channels=n) for n in (op.out_channels, more, op.out_channels + more)]
    (p, v), (q, w), whole = (costs(part, *xs) for part in parts)
    assert (sum_params([p, q]), sum_work([v, w])) == whole


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["conv", "conv_transpose", "linear"]).flatmap(applied), channels)
def test_inputs_add_up(drawn: Applied, more: int) -> None:
    """A layer on a + b channels is the sum of two layers: their weights and macs, without biases."""
    op, (x,) = drawn
    op = op.replace(bias=False, **({"dim": None} if op.name == "linear" else {"groups": 1}))
    op = op.replace(weight_norm=False) if op.name == "conv" else op
    (p, v), (q, w), whole = (costs(op, (c, *x[1:])) for c in (x[0], more, x[0] + more))
    assert (sum_params([p, q]), sum_work([v, w])) == whole


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["relu", "swish", "gelu", "bn", "lrn", "softmax", "scale", "tanh", "hardswish"]).flatmap(applied),
    sizes,
)
def test_positions_add_up(drawn: Applied, more: int) -> None:
    """Point by point, a map of height a + b is as much work as one of a and one of b."""
    op, (x,) = drawn
    op = op.replace(dim=1) if op.name == "softmax" else op
    (_, v), (_, w), (_, whole) = (costs(op, (x[0], h, *x[2:])) for h in (x[1], more, x[1] + more))
    assert sum_work([v, w]) == whole


@given(variants())
def test_scaled_work_is_repeated_work(drawn: list[Applied]) -> None:
    work = evaluate(*drawn[0]).work
    assert work.times(3) == sum_work([work] * 3)
    assert isinstance(work.times(0), Work)
    assert not any(work.times(0))


@settings(deadline=None, max_examples=300)
@given(applied("dwconv"))
def test_depthwise_is_a_convolution_of_as_many_groups_as_channels(drawn: Applied) -> None:
    op, (x,) = drawn
    conv = ops.Conv(x[0] * op.multiplier, op.kernel_size, op.stride, op.padding, op.dilation, groups=x[0], bias=op.bias)
    assert numbers(evaluate(op, (x,))) == numbers(evaluate(conv, (x,)))
    assert op.windows(x) == conv.windows(x)


@settings(deadline=None, max_examples=300)
@given(applied("conv"))
def test_padding_apart_is_padding_within(drawn: Applied) -> None:
    """Zero padding, then a valid convolution."""
    op, (x,) = drawn
    padding = pads(op, x, op.kernel_size, op.stride, op.dilation, op.padding)
    padded = ops.ZeroPad(padding).out_shape(x)
    valid = op.replace(padding="valid")
    assert numbers(evaluate(valid, (padded,))) == numbers(evaluate(op, (x,)))


@settings(deadline=None, max_examples=200)
@given(applied("linear"))
def test_linear_is_a_convolution_with_the_map_as_its_kernel(drawn: Applied) -> None:
    op, (x,) = drawn[0].replace(dim=None), drawn[1]
    flat = ops.Flatten().out_shape(x)
    assert costs(op, x) == costs(op, flat)
    if len(x) > 1:
        assert costs(op, x) == costs(ops.Conv(op.out_features, x[1:], bias=op.bias), x)


@settings(deadline=None, max_examples=200)
@given(applied("relu"))
def test_global_pooling_is_a_window_of_the_whole_map(drawn: Applied) -> None:
    _, (x,) = drawn
    assert numbers(evaluate(ops.GlobalMaxPool(), (x,))) == numbers(evaluate(ops.MaxPool(x[1:]), (x,)))
    assert numbers(evaluate(ops.GlobalAvgPool(), (x,))) == numbers(evaluate(ops.AvgPool(x[1:]), (x,)))


@settings(deadline=None, max_examples=200)
@given(applied("conv_transpose"))
def test_transposed_convolution_mirrors_the_convolution(drawn: Applied) -> None:
    """The convolution of the same arguments goes back from its output to its input, with the same weights and macs."""
    op, (x,) = drawn
    op = op.replace(bias=False)
    # PyTorch defines output_padding by this: it says which of the sizes that the convolution maps to x is meant.
    assume(all(q < s for q, s in zip(op.output_padding, op.stride, strict=True)))
    y = op.out_shape(x)
    back = ops.Conv(x[0], op.kernel_size, op.stride, op.padding, op.dilation, op.groups, bias=False)
    assert back.out_shape(y) == x
    assert costs(back, y) == costs(op, x)


@settings(deadline=None, max_examples=200)
@given(applied("split"))
def test_parts_joined_again_are_the_whole(drawn: Applied) -> None:
    op, (x,) = drawn
    parts = [ops.Split(op.parts, i, op.dim).out_shape(x) for i in range(op.parts)]
    assert ops.Concat(op.dim).out_shape(*parts) == x


@settings(deadline=None, max_examples=200)
@given(applied("linear"))
def test_linear_over_an_axis_is_a_convolution_of_kernel_1_with_that_axis_first(drawn: Applied) -> None:
    op, (x,) = drawn
    assume(op.dim is not None and len(x) > 1)
    (place,) = axes_of(op, x, op.dim)
    first = (x[place], *x[:place], *x[place + 1 :])
    assert costs(op, x) == costs(ops.Conv(op.out_features, 1, bias=op.bias), first)
