"""Random graphs out of all operators, as a user could write them: branches, odd sizes, every padding and rounding rule.

A step that the graph builder refuses is left out, as its user would have to leave it out; nothing else is.
"""

from __future__ import annotations

from contextlib import nullcontext
from math import prod
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from strategies import any_numbers, axis_names, modes, reductions

from convcost import ops
from convcost.cost.graph import Graph, GraphBuilder, Tensor
from convcost.errors import ConvcostError
from convcost.ops import REGISTRY, Op, elements
from convcost.ops.tensor import PAD_MODES

MOST_ELEMENTS = 20_000
"""No tensor is larger, so that thousands of graphs can be run."""
NAMES = ("conv", "5x5", "a.b", "type", "train", "weight", "1", "ü", "a b", "forward", "x::y")
"""Among them some that torch does not take as they are."""

WINDOWS = ("conv", "dwconv", "conv_transpose", "maxpool", "avgpool", "upsample")
SHUFFLES = ("pixel_shuffle", "pixel_unshuffle")
OF_TOKENS = ("lstm", "gru", "multihead_self_attention")
UNARY = [
    name
    for name, op in REGISTRY.items()
    if op.inputs == 1
    for _ in range(8 if name in (*SHUFFLES, *OF_TOKENS) else 5 if name in WINDOWS else 2)
]
"""Operators of one input. Those that can do most wrong come up most, as many of their draws do not fit."""
TRAINED = (
    *("conv", "dwconv", "conv_transpose", "linear", "bn", "groupnorm", "layernorm", "layer_scale", "prelu"),
    *("lstm", "gru", "embedding", "multihead_self_attention"),
)
"""Those that have weights, and can be used again with the same."""

small = st.integers(1, 4)
flags = st.booleans()


def per_axis(values: SearchStrategy[Any], rank: int) -> SearchStrategy[Any]:
    """One value for all axes, or one for each."""
    return st.one_of(values, st.tuples(*[values] * rank))


def paddings(rank: int) -> SearchStrategy[Any]:
    """Every rule; explicit padding may well exceed the kernel, where the operator takes that."""
    side = st.integers(0, 4)
    sides = st.one_of(side, st.tuples(side, side))
    return st.one_of(st.sampled_from(["same", "valid"]), per_axis(side, rank), st.tuples(*[sides] * rank))


@st.composite
def layouts(draw: DrawFn, name: str, x: Tensor) -> Op:
    """Cuts, and other axes."""
    rank = len(x.shape) - 1
    match name:
        case "slice":
            start, stop = draw(st.integers(-3, 3)), draw(st.none() | st.integers(-2, 5))
            return ops.Slice(draw(axis_names(rank)), start, stop, draw(st.integers(1, 2)))
        case "glu":
            dim = draw(st.sampled_from([i for i, n in enumerate(x.shape, 1) if n % 2 == 0] or [0]))
            return ops.GLU(dim) if dim else ops.LayerScale()
        case "flatten":
            return ops.Flatten(draw(st.integers(1, rank + 1)), draw(st.integers(-rank - 1, -1)))
        case "reshape":
            most = draw(st.integers(0, rank))
            order = draw(st.permutations(x.shape))
            return ops.Reshape(tuple(-1 if i == most and draw(flags) else n for i, n in enumerate(order)))
        case _:
            return ops.Permute(tuple(draw(st.permutations(range(1, rank + 2)))))


@st.composite
def operators(draw: DrawFn, x: Tensor, name: str | None = None) -> Op:  # noqa: PLR0915  # a line for each operator
    """The operator of that name, or any of one input, with arguments that may fit x."""
    rank, channels = len(x.shape) - 1, x.shape[0]
    divisors = st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0])
    kernel, stride, dilation = (per_axis(st.integers(1, most), rank) for most in (4, 4, 3))
    name = name or draw(st.sampled_from(UNARY))
    match name:
        case "conv":
            groups = draw(divisors)
            window = (draw(kernel), draw(stride), draw(paddings(rank)), draw(dilation))
            return ops.Conv(groups * draw(small), *window, groups, draw(flags))
        case "dwconv":
            window = (draw(kernel), draw(stride), draw(paddings(rank)), draw(dilation))
            return ops.DepthwiseConv(*window, draw(small), draw(flags))
        case "conv_transpose":
            groups, padding = draw(divisors), per_axis(st.integers(0, 3), rank)
            window = (draw(kernel), draw(stride), draw(padding), draw(padding))
            return ops.ConvTranspose(groups * draw(small), *window, groups, draw(flags), draw(dilation))
        case "maxpool" | "avgpool":
            spacing = (draw(dilation),) if name == "maxpool" else ()
            ceil_mode = draw(st.sampled_from([False, True, "caffe"]))
            sides = draw(paddings(rank))
            if not isinstance(sides, str) and draw(flags):  # as pairs, it may exceed half a kernel
                each = sides if isinstance(sides, tuple) else (sides,) * rank
                sides = tuple(side if isinstance(side, tuple) else (side, side) for side in each)
            window = (draw(kernel), draw(st.one_of(st.none(), stride)), sides)
            try:
                return REGISTRY[name](*window, *spacing, ceil_mode)
            except ConvcostError:
                return REGISTRY[name](*window[:2], 0, *spacing, ceil_mode)
        case "linear":
            return ops.Linear(draw(st.integers(1, 9)), draw(flags), draw(st.none() | axis_names(rank)))
        case "softmax" | "log_softmax" | "layer_scale" | "grn":
            return REGISTRY[name](draw(axis_names(rank)))
        case "slice" | "flatten" | "reshape" | "permute" | "glu":
            return draw(layouts(name, x))
        case "rbf":
            return ops.RBF(draw(st.integers(1, 9)))
        case "bn":
            return ops.BatchNorm(draw(flags), draw(flags), draw(flags))
        case "lrn":
            return ops.LocalResponseNorm(draw(st.integers(1, 6)))
        case "split":
            parts = draw(divisors)
            return ops.Split(parts, draw(st.integers(0, parts - 1)), draw(st.just(1) | axis_names(rank)))
        case "shuffle":
            return ops.ChannelShuffle(draw(divisors))
        case "zeropad":
            side = st.integers(-2, 3)
            return ops.ZeroPad(draw(st.tuples(*[st.one_of(side, st.tuples(side, side))] * rank)))
        case "channelpad":
            return ops.ChannelPad(draw(st.integers(0, 4)), draw(st.integers(0, 4)))
        case "upsample":
            return ops.Upsample(draw(per_axis(st.integers(1, 3), rank)), draw(st.sampled_from(["nearest", "bilinear"])))
        case "groupnorm":
            groups = draw(divisors)  # torch refuses parts of a single value, as they cannot be normalised
            return ops.GroupNorm(groups, draw(flags)) if elements(x.shape) > groups else ops.LayerScale()
        case "instancenorm":
            return ops.InstanceNorm(draw(flags)) if prod(x.shape[1:]) > 1 else ops.LayerScale()
        case "transpose":
            return ops.Transpose(draw(axis_names(rank)), draw(axis_names(rank)))
        case "pad":
            side = st.integers(0, 3)
            sides = draw(st.tuples(*[st.one_of(side, st.tuples(side, side))] * rank))
            return ops.Pad(sides, draw(st.sampled_from(PAD_MODES)))
        case "blurpool":
            return ops.BlurPool(draw(small), draw(small), mode=draw(st.sampled_from(PAD_MODES)))
        case "multihead_self_attention" | "lstm" | "gru" if rank != 1:  # of tokens and features
            return ops.LayerScale()
        case "multihead_self_attention":
            heads = draw(st.sampled_from([n for n in range(1, x.shape[1] + 1) if x.shape[1] % n == 0]))
            return ops.SelfAttention(heads, draw(flags))
        case "lstm" | "gru":
            return REGISTRY[name](draw(small), draw(st.integers(1, 2)), draw(flags), draw(flags))
        case "embedding":
            return ops.Embedding(draw(small), draw(small)) if rank < 3 else ops.LayerScale()
        case "roll":
            return ops.Roll(draw(st.integers(-3, 3)), draw(axis_names(rank)))
        case "layernorm" | "rmsnorm":
            return REGISTRY[name](draw(flags), draw(axis_names(rank) | st.just(tuple(range(-rank - 1, 0)))))
        case "pixel_shuffle" | "pixel_unshuffle":  # torch has them over two axes
            return REGISTRY[name](draw(st.integers(1, 2))) if rank == 2 else ops.LayerScale()
        case "mean" | "sum" | "amax":
            return draw(reductions(name, rank))
        case "prelu":
            return ops.PReLU(draw(st.sampled_from([1, channels])))
        case "adaptive_avgpool" | "adaptive_maxpool":
            return REGISTRY[name](draw(per_axis(st.integers(1, 5), rank)))
        case "resize":
            return ops.Resize(draw(per_axis(st.integers(1, 9), rank)), draw(modes(max(rank, 1))))
        case "gelu":
            return ops.GELU(draw(st.sampled_from(["none", "tanh"])))
        case _:
            return draw(any_numbers(REGISTRY[name], "tests/random_graphs.py"))


RANK = {
    **dict.fromkeys(("multihead_attention", "multihead_self_attention", "lstm", "gru"), 1),
    **dict.fromkeys(("deform_conv", "modulated_deform_conv", "grid_sample", "pixel_shuffle", "pixel_unshuffle"), 2),
}
"""Operators that take inputs of a rank alone."""


@st.composite
def random_graphs(draw: DrawFn, first: str | None = None) -> Graph:  # noqa: PLR0915  # a line for each way to join
    """A graph of one to a dozen layers, some in scopes or auxiliary heads; loose ends are flattened and joined.

    Its `first` layer is this operator, where what is drawn fits.
    """
    rank = RANK.get(first, draw(st.integers(0, 3)))
    build = GraphBuilder("random", (draw(st.integers(1, 8)), *draw(st.tuples(*[st.integers(1, 9)] * rank))))
    tensors, loose = [build.input], dict[int, Tensor]()
    for step in range(draw(st.integers(1, 9))):
        x = draw(st.sampled_from(tensors[::-1]))
        auxiliary, scoped, named = (draw(st.integers(0, 9)) == 0 for _ in range(3))
        with (
            build.auxiliary() if auxiliary else nullcontext(),
            build.scope(draw(st.sampled_from(NAMES)), numbered=True) if scoped else nullcontext(),
        ):
            name = draw(st.sampled_from(NAMES)) if named else None
            try:
                with build.attempt():
                    trained = [t for t in tensors[1:] if build.node(t).op.name in TRAINED]
                    if trained and draw(st.integers(0, 3)) == 0:
                        layer = draw(st.sampled_from(trained))
                        (number,), op = build.node(layer).inputs, build.node(layer).op
                        # As above: torch normalises no single values.
                        least = op.num_groups if isinstance(op, ops.GroupNorm) else 0
                        alike = [t for t in tensors if t.shape[0] == build.tensor(number).shape[0]]
                        xs = [draw(st.sampled_from([t for t in alike if elements(t.shape) > least]))]
                        y = build.again(layer, *xs, name=name)
                    elif first in UNARY if first and step == 0 else draw(st.integers(0, 3)):
                        xs = [x]
                        y = build.add(draw(operators(x, first if step == 0 else None)), x, name=name)
                    else:
                        xs = [x, *draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=3))]
                        like = ops.ResizeLike(draw(modes(max(len(x.shape) - 1, 1))))
                        joins = [ops.Add(), ops.Add(broadcast=True), ops.Multiply(), ops.Concat(draw(axis_names(rank)))]
                        of_two = [ops.Subtract(), ops.Divide(), ops.Power()]
                        products = [ops.MatMul(), ops.Attention(), ops.MaskedAttention(), ops.MultiheadAttention(1)]
                        moved = [ops.DeformConv, ops.ModulatedDeformConv] if len(x.shape) == 3 else []
                        moved = [kind(draw(small), draw(small), draw(small), draw(small)) for kind in moved]
                        every = [*joins, *of_two, *products, like, *moved, ops.GridSample()]
                        wanted = [one for one in every if one.name == first] if step == 0 else []
                        op = draw(st.sampled_from(wanted or every))
                        if op.inputs is not None:  # of the same tensors, so that more of them fit
                            xs = [*xs, x, x, x][: op.inputs]
                        if op.name == "grid_sample" and len(x.shape) in (3, 4):
                            rank_ = len(x.shape) - 1
                            to = build.add(ops.Conv(rank_, 1), x)
                            xs = [x, build.add(ops.Permute((*range(2, rank_ + 2), 1)), to)]
                        if op in moved:
                            window = (op.kernel_size, op.stride, op.padding)
                            xs = [x, *(build.add(ops.Conv(n * op.taps, *window), x) for n in (2, 1)[: op.inputs - 1])]
                        if op.name == "matmul" and len(x.shape) > 1:
                            *others, n, m = range(1, len(x.shape) + 1)
                            xs = [x, build.add(ops.Permute((*others, m, n)), x)]
                        if op.name == "add" and draw(flags):
                            xs = [x, build.add(ops.Parameter(x.shape))]
                        y = build.add(op, *xs, name=name)
            except ConvcostError:
                continue
        if not auxiliary:
            loose = {i: t for i, t in loose.items() if t not in xs} | {y.index: y}
            tensors += [y] if elements(y.shape) <= MOST_ELEMENTS else []
    ends = [build.add(ops.Flatten(), t) if len(loose) > 1 else t for t in loose.values()]
    if len(ends) != 1:
        build.add(ops.Concat(), *ends) if ends else build.add(ops.ReLU(), build.input)
    return build.graph()
