"""Random graphs out of all operators, as a user could write them: branches, odd sizes, every padding and rounding rule.

A step that the graph builder refuses is left out, as its user would have to leave it out; nothing else is.
"""

from __future__ import annotations

from contextlib import nullcontext
from fractions import Fraction
from math import prod
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from strategies import any_numbers, axis_names, modes, reductions

from convcost import ops
from convcost.cost.builder import GraphBuilder, Tensor
from convcost.cost.graph import Graph
from convcost.errors import ConvcostError
from convcost.ops import REGISTRY, Op, elements
from convcost.ops.sampling import Deformable
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
JOINS = [name for name, op in REGISTRY.items() if op.inputs != 1 for _ in range(3 if name in ("add", "concat") else 1)]
"""Operators of several inputs, and `parameter`, of none, which is added to one."""
TRAINED = (
    *("conv", "dwconv", "conv_transpose", "linear", "bn", "groupnorm", "layernorm", "layer_scale", "prelu"),
    *("lstm", "gru", "embedding", "multihead_self_attention"),
)
"""Those that have weights, and can be used again with the same."""

small = st.integers(1, 4)
flags = st.booleans()


def divisors(n: int) -> SearchStrategy[int]:
    """What divides it."""
    return st.sampled_from([part for part in range(1, n + 1) if n % part == 0])


def alone(values: tuple[int, ...]) -> SearchStrategy[Any]:
    """As they are, and a single one as the number, too."""
    return st.sampled_from([values, *values]) if len(values) == 1 else st.just(values)


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
            return ops.Reshape(draw(alone(tuple(-1 if i == most and draw(flags) else n for i, n in enumerate(order)))))
        case _:
            return ops.Permute(draw(alone(tuple(draw(st.permutations(range(1, rank + 2)))))))


@st.composite
def operators(draw: DrawFn, x: Tensor, name: str | None = None) -> Op:  # noqa: PLR0915  # a line for each operator
    """The operator of that name, or any of one input, with arguments that may fit x."""
    rank, channels = len(x.shape) - 1, x.shape[0]
    kernel, stride, dilation = (per_axis(st.integers(1, most), rank) for most in (4, 4, 3))
    name = name or draw(st.sampled_from(UNARY))
    match name:
        case "conv":
            groups = draw(divisors(channels))
            window = (draw(kernel), draw(stride), draw(paddings(rank)), draw(dilation))
            return ops.Conv(groups * draw(small), *window, groups, draw(flags), draw(flags))
        case "dwconv":
            window = (draw(kernel), draw(stride), draw(paddings(rank)), draw(dilation))
            return ops.DepthwiseConv(*window, draw(small), draw(flags))
        case "conv_transpose":
            groups, padding = draw(divisors(channels)), per_axis(st.integers(0, 3), rank)
            same = draw(st.integers(0, 3)) == 0  # which says what output_padding is
            window = (draw(kernel), draw(stride), *(("same", 0) if same else (draw(padding), draw(padding))))
            return ops.ConvTranspose(groups * draw(small), *window, groups, draw(flags), draw(dilation))
        case "maxpool" | "avgpool":
            spacing = (draw(dilation),) if name == "maxpool" else ()
            ceil_mode = draw(st.sampled_from([False, True, "caffe"]))
            sizes = draw(kernel)
            half = min(sizes if isinstance(sizes, tuple) else (sizes,), default=0) // 2
            sides = draw(st.one_of(paddings(rank), per_axis(st.integers(0, half), rank)))
            if not isinstance(sides, str) and draw(flags):  # as pairs, it may exceed half a kernel
                each = sides if isinstance(sides, tuple) else (sides,) * rank
                sides = tuple(side if isinstance(side, tuple) else (side, side) for side in each)
            window = (sizes, draw(st.one_of(st.none(), stride)), sides)
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
            parts = draw(divisors(channels))
            return ops.Split(parts, draw(st.integers(0, parts - 1)), draw(st.just(1) | axis_names(rank)))
        case "shuffle":
            return ops.ChannelShuffle(draw(divisors(channels)))
        case "zeropad":
            side = st.integers(-2, 3)
            return ops.ZeroPad(draw(st.one_of(side, st.tuples(*[st.one_of(side, st.tuples(side, side))] * rank))))
        case "channelpad":
            return ops.ChannelPad(draw(st.integers(0, 4)), draw(st.integers(0, 4)))
        case "upsample":
            factors = st.integers(1, 3) | st.sampled_from([Fraction(1, 2), Fraction(3, 2), Fraction(7, 4)])
            return ops.Upsample(draw(per_axis(factors, rank)), draw(st.sampled_from(["nearest", "bilinear"])))
        case "groupnorm":
            groups = draw(divisors(channels))  # torch refuses parts of a single value, as they cannot be normalised
            return ops.GroupNorm(groups, draw(flags)) if elements(x.shape) > groups else ops.LayerScale()
        case "instancenorm":
            return ops.InstanceNorm(draw(flags)) if prod(x.shape[1:]) > 1 else ops.LayerScale()
        case "transpose":
            return ops.Transpose(draw(axis_names(rank)), draw(axis_names(rank)))
        case "pad":
            side = st.integers(0, 3)
            sides = draw(st.one_of(side, st.tuples(*[st.one_of(side, st.tuples(side, side))] * rank)))
            value = draw(st.sampled_from([0, 1, Fraction(-1, 2), "-inf"]))
            return ops.Pad(sides, draw(st.sampled_from(PAD_MODES)), value)
        case "blurpool":
            side = st.integers(0, 3)
            padding = draw(st.one_of(st.none(), per_axis(side, rank), st.tuples(*[st.tuples(side, side)] * rank)))
            return ops.BlurPool(draw(small), draw(small), padding, draw(st.sampled_from(PAD_MODES)))
        case "multihead_self_attention" | "lstm" | "gru" if rank != 1:  # of tokens and features
            return ops.LayerScale()
        case "multihead_self_attention":
            return ops.SelfAttention(draw(divisors(x.shape[1])), draw(flags))
        case "lstm" | "gru":
            return REGISTRY[name](draw(small), draw(st.integers(1, 2)), draw(flags), draw(flags))
        case "embedding":
            return ops.Embedding(draw(small), draw(small)) if rank < 3 else ops.LayerScale()
        case "roll":
            dims = draw(st.lists(st.integers(1, rank + 1), min_size=1, unique=True))
            shifts = tuple(draw(st.integers(-3, 3)) for _ in dims)
            return ops.Roll(shifts, tuple(dims)) if draw(flags) else ops.Roll(shifts[0], dims[0])
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


@st.composite
def joining(draw: DrawFn, name: str, x: Tensor) -> Op:
    """The operator of that name, of several inputs of which x is the first."""
    rank = len(x.shape) - 1
    match name:
        case "add":
            return ops.Add(draw(flags))
        case "concat":
            return ops.Concat(draw(axis_names(rank)))
        case "resize_like":
            return ops.ResizeLike(draw(modes(max(rank, 1))))
        case "multihead_attention":
            features = x.shape[1] if rank == 1 else 1
            return ops.MultiheadAttention(draw(divisors(features)), draw(flags))
        case "grid_sample":
            mode = draw(st.sampled_from(["nearest", "bilinear", "bicubic"]))
            return ops.GridSample(mode, draw(st.sampled_from(["zeros", "border", "reflection"])))
        case "deform_conv" | "modulated_deform_conv":
            groups = draw(divisors(x.shape[0]))
            kernel, stride, dilation = (draw(per_axis(st.integers(1, most), 2)) for most in (4, 4, 3))
            window = (kernel, stride, draw(paddings(2)), dilation)
            return REGISTRY[name](groups * draw(small), *window, groups, draw(flags))
        case _:
            return REGISTRY[name]()


@st.composite
def joined(draw: DrawFn, build: GraphBuilder, x: Tensor, tensors: list[Tensor], name: str) -> tuple[Op, list[Tensor]]:
    """The operator of that name, of several inputs, and these: x, and others of the tensors or made from x."""
    rank = len(x.shape) - 1
    op = draw(joining("add" if name == "parameter" else name, x))
    if name == "grid_sample" and rank in (2, 3):
        to = build.add(ops.Conv(rank, 1), x)
        return op, [x, build.add(ops.Permute((*range(2, rank + 2), 1)), to)]
    if isinstance(op, Deformable):
        parts = draw(st.sampled_from([n for n in (1, 2) if x.shape[0] % n == 0]))
        counts = [n * parts * op.taps for n in (2, 1)]
        moves = [op.plain.replace(out_channels=n, groups=1) for n in counts[: (op.inputs or 0) - 1]]
        return op, [x, *(build.add(move, x) for move in moves)]
    if name == "matmul" and rank > 0:
        *outer, n, m = range(1, rank + 2)
        return op, [x, build.add(ops.Permute((*outer, m, n)), x)]
    if name == "parameter" or (name == "add" and draw(flags)):
        return op, [x, build.add(ops.Parameter(draw(alone(x.shape)), draw(st.none() | st.integers(1, 9))))]
    xs = [x, *draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=3))]
    # Of a number that is given the same tensor, so that more of them fit.
    return op, xs if op.inputs is None else [*xs, x, x, x][: op.inputs]


RANK = {
    **dict.fromkeys(("multihead_attention", "multihead_self_attention", "lstm", "gru"), 1),
    **dict.fromkeys(("deform_conv", "modulated_deform_conv", "grid_sample", "pixel_shuffle", "pixel_unshuffle"), 2),
}
"""Operators that take inputs of a rank alone."""


@st.composite
def random_graphs(draw: DrawFn, first: str | None = None) -> Graph:
    """A graph of one to a dozen layers, some in scopes or auxiliary heads, and of one input or two.

    Loose ends are flattened and joined, or are its outputs, with some that others take as well.
    Its `first` layer is this operator, where what is drawn fits.
    """
    rank = RANK.get(first or "") or draw(st.integers(0, 3))
    shape = (draw(st.integers(1, 8)), *draw(st.tuples(*[st.integers(1, 9)] * rank)))
    given: Any = shape
    if draw(st.integers(0, 3)) == 0:
        given = {"x": shape, "another": draw(st.sampled_from([shape, shape[:1], (*shape[:-1], 1), (3, 2, 4)]))}
    build = GraphBuilder("random", given)
    tensors = [*build.inputs.values()]
    loose = {t.index: t for t in tensors[1:]}  # a graph's first input alone may be left
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
                    elif first not in JOINS if first and step == 0 else draw(st.integers(0, 3)):
                        xs = [x]
                        y = build.add(draw(operators(x, first if step == 0 else None)), x, name=name)
                    else:
                        join = first if first and step == 0 else draw(st.sampled_from(JOINS))
                        op, xs = draw(joined(build, x, tensors, join))
                        y = build.add(op, *xs, name=name)
            except ConvcostError:
                continue
        if not auxiliary:
            loose = {i: t for i, t in loose.items() if t not in xs} | {y.index: y}
            tensors += [y] if elements(y.shape) <= MOST_ELEMENTS else []
    made = [t for t in tensors if t.index >= len(build.inputs) and not build.node(t).aux]
    for t in draw(st.lists(st.sampled_from(made), max_size=3)) if made and draw(flags) else ():
        build.output(t)
        loose.pop(t.index, None)
    ends = [build.add(ops.Flatten(), t) for t in loose.values()] if len(loose) > 1 else [*loose.values()]
    if len(ends) > 1 and draw(st.integers(0, 3)):
        ends = [build.add(ops.Concat(), *ends)]
    if not made or (ends and ends[0].index < len(build.inputs)):
        ends = [build.add(ops.ReLU(), *(ends or [build.input]))]
    for t in ends if len(ends) > 1 or build.outputs else ():
        build.output(t)
    return build.graph()
