"""Hypothesis strategies for operators and shapes that fit each other; small, for a law that fails does so there."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.graph import Graph
from convcost.ops import REGISTRY, Op, Shape

Applied = tuple[Op, tuple[Shape, ...]]
"""An operator and input shapes that fit it."""

Draw = st.DrawFn

ranks = st.integers(1, 3)
"""Numbers of spatial axes."""
channels = st.integers(1, 12)
sizes = st.integers(1, 12)


def maps(rank: int) -> SearchStrategy[Shape]:
    """Shapes of feature maps: (channels, *sizes)."""
    return st.tuples(channels, *[sizes] * rank)


@st.composite
def per_axis(draw: Draw, values: SearchStrategy[int], rank: int) -> Any:
    """One number for all axes, or a tuple of one per axis."""
    return draw(values) if draw(st.booleans()) else draw(st.tuples(*[values] * rank))


def spread(value: Any, rank: int) -> tuple[Any, ...]:
    """One value per axis."""
    return value if isinstance(value, tuple) else (value,) * rank


@st.composite
def paddings(draw: Draw, extents: tuple[int, ...], *, pooling: bool = False) -> Any:
    """Every kind of padding; of a pooling at most half a window, as PyTorch demands of it."""
    most = min(extent // 2 if pooling else extent for extent in extents)
    side = st.integers(0, most)
    kinds = ["same", "valid", "one", "axes", "sides"]
    match draw(st.sampled_from(kinds)):
        case "one":
            return draw(side)
        case "axes":
            return draw(st.tuples(*[side] * len(extents)))
        case "sides":
            return draw(st.tuples(*[st.tuples(side, side)] * len(extents)))
        case rule:
            return rule


def fitting(draw: Draw, rank: int, extents: tuple[int, ...], padding: Any) -> Shape:
    """Sizes in which at least one window fits, so that the output is not empty under any rounding rule."""
    if padding == "same":
        return draw(st.tuples(*[sizes] * rank))
    sides = spread(0 if padding == "valid" else padding, rank)
    both = [sum(side) if isinstance(side, tuple) else 2 * side for side in sides]
    least = [max(1, extent - pad) for extent, pad in zip(extents, both, strict=True)]
    return tuple(draw(st.integers(low, low + 8)) for low in least)


@st.composite
def sliding(draw: Draw, name: str, rank: int) -> Applied:
    """A convolution or pooling, under every padding and rounding rule."""
    pooling = name in ("maxpool", "avgpool")
    given: dict[str, Any] = {"kernel_size": draw(per_axis(st.integers(1, 4), rank))}
    if draw(st.booleans()):
        given["stride"] = draw(per_axis(st.integers(1, 4), rank))
    if name != "avgpool" and draw(st.booleans()):
        given["dilation"] = draw(per_axis(st.integers(1, 3), rank))
    kernels, dilations = (spread(given.get(key, 1), rank) for key in ("kernel_size", "dilation"))
    extents = tuple(d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True))
    given["padding"] = draw(paddings(kernels if pooling else extents, pooling=pooling))
    x = (draw(channels), *fitting(draw, rank, extents, given["padding"]))
    if pooling:
        given["ceil_mode"] = draw(st.sampled_from([False, True, "caffe"]))
    else:
        given["bias"] = draw(st.booleans())
    if name == "dwconv":
        given["multiplier"] = draw(st.integers(1, 4))
    if name == "conv":
        groups = given["groups"] = draw(st.integers(1, 4))
        given["out_channels"] = groups * draw(st.integers(1, 6))
        given["weight_norm"] = draw(st.booleans())
        x = (x[0] * groups, *x[1:])
    return REGISTRY[name](**given), (x,)


@st.composite
def transposed(draw: Draw, rank: int) -> Applied:
    """A transposed convolution; its padding leaves something of the output."""
    axes = []
    for _ in range(rank):
        n, k, s, d = (draw(st.integers(1, most)) for most in (6, 4, 4, 3))
        q = draw(st.integers(0, max(s, d) - 1))
        whole = (n - 1) * s + d * (k - 1) + q + 1
        axes.append((n, k, s, d, q, draw(st.integers(0, min(4, (whole - 1) // 2)))))
    size, kernel, stride, dilation, output_padding, padding = zip(*axes, strict=True)
    groups = draw(st.integers(1, 4))
    op = ops.ConvTranspose(
        groups * draw(st.integers(1, 6)),
        kernel,
        stride,
        padding,
        output_padding,
        groups,
        draw(st.booleans()),
        dilation,
    )
    return op, ((groups * draw(channels), *size),)


@st.composite
def joined(draw: Draw, name: str, rank: int) -> Applied:
    """A join of two to four inputs."""
    count = draw(st.integers(2, 4))
    x = draw(maps(rank))
    if name == "concat":
        dim = draw(st.integers(1, rank + 1))
        return ops.Concat(dim), tuple((*x[: dim - 1], draw(channels), *x[dim:]) for _ in range(count))
    if name == "add" and draw(st.booleans()):
        return ops.Add(), (x,) * count
    factors = tuple(draw(st.permutations([x, *(draw(gates(x)) for _ in range(count - 1))])))
    return ops.Add(broadcast=True) if name == "add" else ops.Multiply(), factors


@st.composite
def gates(draw: Draw, x: Shape) -> Shape:
    """What broadcasts to a shape."""
    gate = tuple(draw(st.sampled_from([1, d])) for d in x)
    return gate[:1] if draw(st.booleans()) else gate


@st.composite
def any_numbers(draw: Draw, operator: type[Op], place: str) -> Op:
    """An operator without arguments, or whose arguments are numbers that no count depends on."""
    drawn = [field.name for field in operator.fields if field.type is ops.base.Number]
    assert len(drawn) == len(operator.fields), f"{place} wants a case of {operator.name}"
    # In order, and in [0, 1], for the limits of a hardtanh and the probability of a dropout.
    values = sorted(draw(st.fractions(0, 1, max_denominator=8)) for _ in drawn)
    return operator(*(value + i for i, value in enumerate(values)))


def axis_names(rank: int) -> SearchStrategy[int]:
    """Of tensors with so many spatial axes, any axis by one of its numbers."""
    return st.integers(1, rank + 1) | st.integers(-rank - 1, -1)


def modes(rank: int) -> SearchStrategy[str]:
    """Of interpolation, over so many axes."""
    return st.sampled_from(
        [["nearest", "linear"], ["nearest", "bilinear", "bicubic"], ["nearest", "trilinear"]][rank - 1]
    )


@st.composite
def reductions(draw: Draw, name: str, rank: int) -> Op:
    """Over one axis or several, but not all if they are left out."""
    keepdim = draw(st.booleans())
    most = rank + 1 if keepdim else rank
    axes = draw(st.lists(st.integers(1, rank + 1), min_size=1, max_size=max(most, 1), unique=True))
    dims = tuple(d if draw(st.booleans()) else d - rank - 2 for d in axes)
    return REGISTRY[name](dims if len(dims) > 1 or draw(st.booleans()) else dims[0], keepdim)


@st.composite
def layouts(draw: Draw, name: str, rank: int) -> Applied:
    """Cuts, and other axes."""
    x = draw(maps(rank))
    match name:
        case "split":
            parts = draw(st.integers(1, 4))
            dim = draw(st.integers(1, rank + 1))
            cut = tuple(n * parts if i == dim else n for i, n in enumerate(x, 1))
            return ops.Split(parts, draw(st.integers(0, parts - 1)), dim), (cut,)
        case "slice":
            dim, step = draw(axis_names(rank)), draw(st.integers(1, 3))
            n = x[dim - 1 if dim > 0 else dim]
            start = draw(st.integers(0, n - 1))
            end = draw(st.integers(start + 1, n))
            stops = [end, end - n or None]
            if draw(st.booleans()):  # from the end, so that it fits larger sizes as well
                start, stops = start - n, stops[1:]
            return ops.Slice(dim, start, draw(st.sampled_from(stops)), step), (x,)
        case "flatten":
            start = draw(st.integers(1, rank + 1))
            end = draw(st.integers(start, rank + 1))
            return ops.Flatten(start, draw(st.sampled_from([end, end - rank - 2]))), (x,)
        case "reshape":
            order = draw(st.permutations(x))
            place = draw(st.none() | st.integers(0, rank))
            return ops.Reshape(tuple(-1 if i == place else n for i, n in enumerate(order))), (x,)
        case "permute":
            return ops.Permute(tuple(draw(st.permutations(range(1, rank + 2))))), (x,)
        case _:
            raise AssertionError(name)


@st.composite
def padded(draw: Draw, name: str, rank: int) -> Applied:
    """What pads, and the input that is large enough for it."""
    x = draw(maps(rank))
    side = st.integers(-2 if name == "zeropad" else 0, 3)
    sides = st.one_of(per_axis(side, rank), st.tuples(*[st.tuples(side, side)] * rank))
    mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    larger = (x[0], *(n + 4 for n in x[1:]))
    match name:
        case "zeropad":
            return ops.ZeroPad(draw(sides)), (larger,)
        case "pad":
            return ops.Pad(draw(sides), mode, draw(st.integers(0, 1))), (larger,)
        case "blurpool":
            return ops.BlurPool(draw(st.integers(1, 4)), draw(st.integers(1, 3)), mode=mode), (larger,)
        case _:
            return ops.ChannelPad(*draw(st.tuples(*[st.integers(0, 6)] * 2))), (x,)


@st.composite
def of_tokens(draw: Draw, name: str) -> Applied:
    """Multi-head attention and recurrence, of tokens and features."""
    if name in ("lstm", "gru"):
        flags = draw(st.tuples(st.booleans(), st.booleans()))
        return REGISTRY[name](draw(sizes), draw(st.integers(1, 3)), *flags), (draw(maps(1)),)
    heads = draw(st.integers(1, 3))
    q, tokens = (draw(sizes), heads * draw(sizes)), draw(sizes)
    xs = (q, (tokens, draw(channels)), (tokens, draw(channels)))
    return REGISTRY[name](heads, draw(st.booleans())), xs if REGISTRY[name].inputs == 3 else (q,)


@st.composite
def sampled(draw: Draw, name: str) -> Applied:
    """What looks between positions: a grid with its map, a deformable convolution with its offset and mask."""
    if name == "grid_sample":
        rank = draw(st.integers(2, 3))
        mode = draw(st.sampled_from(["nearest", "bilinear"] + ["bicubic"] * (rank == 2)))
        padding = draw(st.sampled_from(["zeros", "border", "reflection"]))
        return ops.GridSample(mode, padding), (draw(maps(rank)), (*draw(maps(rank))[1:], rank))
    plain, ((channels_in, *sizes_in),) = draw(sliding("conv", 2))
    op = REGISTRY[name](**{field: value for field, value in vars(plain).items() if field != "weight_norm"})
    parts = draw(st.integers(1, 2))
    x = (channels_in * parts, *sizes_in)
    y, taps = plain.out_shape(x)[1:], parts * op.taps
    return op, (x, (2 * taps, *y), *[(taps, *y)] * (op.inputs - 2))


@st.composite
def others(draw: Draw, name: str, rank: int) -> Applied:  # a line for each operator
    """Any of the remaining operators."""
    x = draw(maps(rank))
    match name:
        case "linear":
            op = ops.Linear(draw(channels), draw(st.booleans()), draw(st.none() | axis_names(rank)))
            return op, (x if op.dim else draw(st.sampled_from([x, x[:1]])),)
        case "softmax" | "log_softmax" | "layer_scale" | "grn":
            return REGISTRY[name](draw(axis_names(rank))), (x,)
        case "parameter":
            return ops.Parameter(x, draw(st.none() | st.integers(1, 9))), ()
        case "rbf":
            return ops.RBF(draw(channels)), (draw(st.sampled_from([x, x[:1]])),)
        case "bn":
            return ops.BatchNorm(*draw(st.tuples(*[st.booleans()] * 3))), (x,)
        case "lrn":
            return ops.LocalResponseNorm(draw(st.integers(1, 6))), (x,)
        case "shuffle":
            groups = draw(st.integers(1, 4))
            return ops.ChannelShuffle(groups), ((x[0] * groups, *x[1:]),)
        case "upsample":
            mode = draw(st.sampled_from(["nearest", "bilinear"] if rank == 2 else ["nearest"]))
            factors = st.integers(1, 5) | st.sampled_from([Fraction(3, 2), Fraction(7, 4)])
            return ops.Upsample(draw(per_axis(factors, rank)), mode), (x,)
        case "groupnorm":
            groups = draw(st.integers(1, 4))
            return ops.GroupNorm(groups, draw(st.booleans())), ((x[0] * groups, *x[1:]),)
        case "instancenorm":  # torch refuses a single value, as it cannot be normalised
            return ops.InstanceNorm(draw(st.booleans())), ((*x[:-1], x[-1] + 1),)
        case "glu":
            dim = draw(st.integers(1, rank + 1))
            return ops.GLU(dim), (tuple(2 * n if i == dim else n for i, n in enumerate(x, 1)),)
        case "transpose":
            return ops.Transpose(draw(axis_names(rank)), draw(axis_names(rank))), (x,)
        case "embedding":
            return ops.Embedding(draw(channels), draw(channels)), (x,)
        case "roll":
            dims = tuple(draw(st.lists(st.integers(1, rank + 1), min_size=1, max_size=rank + 1, unique=True)))
            return ops.Roll(tuple(draw(st.integers(-3, 3)) for _ in dims), dims), (x,)
        case "sub" | "div" | "pow":
            return REGISTRY[name](), tuple(draw(st.permutations([x, draw(gates(x))])))
        case "matmul":
            n = draw(sizes)
            return ops.MatMul(), (x, (*(draw(st.sampled_from([1, d])) for d in x[:-2]), x[-1], n))
        case "attention" | "masked_attention":
            m, e = draw(sizes), draw(sizes)
            xs = (x, (*x[:-2], m, x[-1]), (*x[:-2], m, e))
            mask = tuple(draw(st.sampled_from([1, d])) for d in (*x[:-1], m))
            return REGISTRY[name](), (*xs, mask) if name == "masked_attention" else xs
        case "layernorm" | "rmsnorm":
            dims = draw(axis_names(rank) | st.sampled_from([tuple(range(-n, 0)) for n in range(1, rank + 2)]))
            return REGISTRY[name](draw(st.booleans()), dims), (x,)
        case "pixel_shuffle":
            r = draw(st.integers(1, 3))
            return ops.PixelShuffle(r), ((x[0] * r**rank, *x[1:]),)
        case "pixel_unshuffle":
            r = draw(st.integers(1, 3))
            return ops.PixelUnshuffle(r), ((x[0], *(n * r for n in x[1:])),)
        case "mean" | "sum" | "amax":
            return draw(reductions(name, rank)), (x,)
        case "prelu":
            return ops.PReLU(draw(st.sampled_from([1, x[0]]))), (x,)
        case "adaptive_avgpool" | "adaptive_maxpool":
            return REGISTRY[name](draw(per_axis(st.integers(1, 7), rank))), (x,)
        case "resize":
            return ops.Resize(draw(per_axis(sizes, rank)), draw(modes(rank))), (x,)
        case "resize_like":
            return ops.ResizeLike(draw(modes(rank))), (x, draw(maps(rank)))
        case "gelu":
            return ops.GELU(draw(st.sampled_from(["none", "tanh"]))), (x,)
        case _:
            return draw(any_numbers(REGISTRY[name], "tests/strategies.py, others")), (x,)


@st.composite
def applied(draw: Draw, name: str, rank: int | None = None) -> Applied:
    """The operator of this name with random arguments, and inputs that fit it, of one to three axes."""
    rank = draw(ranks) if rank is None else rank
    if name in ("conv", "dwconv", "maxpool", "avgpool"):
        return draw(sliding(name, rank))
    if name == "conv_transpose":
        return draw(transposed(rank))
    if name in ("split", "slice", "flatten", "reshape", "permute"):
        return draw(layouts(name, rank))
    if name in ("lstm", "gru", "multihead_attention", "multihead_self_attention"):
        return draw(of_tokens(name))
    if name in ("grid_sample", "deform_conv", "modulated_deform_conv"):
        return draw(sampled(name))
    if name in ("pad", "blurpool", "zeropad", "channelpad"):
        return draw(padded(name, rank))
    return draw(joined(name, rank) if REGISTRY[name].inputs is None else others(name, rank))


any_applied = st.sampled_from(sorted(REGISTRY)).flatmap(applied)
"""Any operator with random arguments, and inputs that fit it."""


@st.composite
def variants(draw: Draw) -> list[Applied]:
    """An operator on its inputs, and twice the same with more channels, larger sizes and more output channels.

    They have one form, so that one evaluation on arrays or symbols does for all of them.
    """
    op, xs = draw(any_applied)
    rank = max(map(len, xs), default=1)
    result = [(op, xs)]
    for _ in range(2):
        # Factors keep the channels divisible by whatever divides them already.
        wider, deeper = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        larger = draw(st.tuples(*[st.integers(0, 5)] * (rank - 1)))
        factor = op.parts if op.name == "split" else 2 if op.name == "glu" else getattr(op, "downscale_factor", 1)
        larger = tuple(n * factor for n in larger)
        if op.name in TOGETHER:
            wider, larger = 1, (0,) * (rank - 1)
        grown = {name: getattr(op, name) * deeper for name in OUTPUTS if hasattr(op, name)}
        if op.name == "prelu" and op.num_parameters > 1:  # one for each channel
            grown = {"num_parameters": op.num_parameters * wider}
        result.append((op.replace(**grown), tuple(grow(x, wider, larger, op.name) for x in xs)))
    return result


TOGETHER = (
    *("reshape", "matmul", "attention", "masked_attention", "multihead_attention", "multihead_self_attention"),
    *("grid_sample", "deform_conv", "modulated_deform_conv"),
)
"""Operators whose sizes hang together: they do not grow alone."""
BROADCAST = ("add", "mul", "sub", "div", "pow")
OUTPUTS = ("out_channels", "out_features", "multiplier")


def grow(x: Shape, wider: int, larger: tuple[int, ...], name: str = "") -> Shape:
    """A shape with more channels and larger sizes; an axis that a product broadcasts stays 1."""
    grown = (x[0] * wider, *(n + more for n, more in zip(x[1:], larger, strict=False)))
    return tuple(1 if name in BROADCAST and n == 1 else m for n, m in zip(x, grown, strict=True))


@st.composite
def graphs(draw: Draw) -> Graph:
    """A small network of windows, residuals, gates and branches, which fits larger inputs as well."""
    rank = draw(ranks)
    build = GraphBuilder("random", (draw(channels), *draw(st.tuples(*[st.integers(4, 20)] * rank))))
    x = build.input
    for _ in range(draw(st.integers(1, 5))):
        kernel, stride = draw(st.integers(1, min(4, *x.shape[1:]))), draw(st.integers(1, 3))
        rule = draw(st.sampled_from(["valid", "same", kernel // 2, ((kernel // 2, 0),) * rank]))
        conv = ops.Conv(draw(channels), kernel, stride, rule)
        pool = ops.MaxPool(kernel, stride, rule, ceil_mode=draw(st.sampled_from([False, True, "caffe"])))
        match draw(st.sampled_from(["conv", "pool", "residual", "gate", "branches", "upsample"])):
            case "conv":
                x = build.add(ops.ReLU(), build.add(ops.BatchNorm(), build.add(conv, x)))
            case "pool":
                x = build.add(pool, x)
            case "residual":
                x = build.add(ops.Add(), x, build.add(ops.DepthwiseConv(kernel, padding="same"), x))
            case "gate":
                x = build.add(ops.Multiply(), x, build.add(ops.Sigmoid(), build.add(ops.GlobalAvgPool(), x)))
            case "branches":
                floor = pool.replace(ceil_mode=False)
                x = build.add(ops.Concat(), build.add(conv, x), build.add(floor, x))
            case "upsample":
                x = build.add(ops.ConvTranspose(draw(channels), kernel + 1, stride), x)
    if draw(st.booleans()):
        x = build.add(draw(st.sampled_from([ops.GlobalMaxPool(), ops.Flatten(), ops.Dropout()])), x)
        build.add(ops.Softmax(), build.add(ops.Linear(draw(channels)), x))
    return build.graph()
