"""What layers and operations of Keras are, as operators of ours: one rule each, found by the class's name.

A rule that raises NoRuleError leaves a layer to be run, and its parts to their rules; of an operation it leaves a row
whose work nobody knows. Importing this module imports Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from keras import KerasTensor

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.functions import summed_products
from convcost.imports.kerasmodel import NoRuleError, _Run
from convcost.imports.recipe import Used
from convcost.imports.registry import entered_in
from convcost.ops import Op, Shape, Work, elements

Rule = Callable[..., Any]
LAYERS: dict[str, Rule] = {}
"""From the run, a layer, what Keras says that it makes, and its inputs, to what it makes."""
OPERATIONS: dict[str, Rule] = {}
"""From the run, an operation of `keras.ops`, what Keras says that it makes, and its arguments as they were given."""

of_layer = entered_in(LAYERS)

of_operation = entered_in(OPERATIONS)


def _require(fits: object) -> None:
    if not fits:
        raise NoRuleError


# -- activations -----------------------------------------------------------------------------------------------------

_FUNCTIONS: dict[str, Callable[[], Op]] = {
    "relu": ops.ReLU,
    "relu6": ops.ReLU6,
    "leaky_relu": lambda: ops.LeakyReLU(0.2),
    "elu": ops.ELU,
    "selu": ops.SELU,
    "silu": ops.Swish,
    "swish": ops.Swish,
    "gelu": ops.GELU,
    "mish": ops.Mish,
    "sigmoid": ops.Sigmoid,
    "softplus": ops.Softplus,
    "tanh": ops.Tanh,
    "hard_sigmoid": ops.HardSigmoid,
    "hard_silu": ops.HardSwish,
    "hard_swish": ops.HardSwish,
    "exponential": ops.Exp,
    "softmax": ops.Softmax,
    "log_softmax": ops.LogSoftmax,
}


def _activated(t: _Run, x: Value, function: Any, out: Any) -> Value:
    """A layer's activation, by the name of the function; one that is a layer of its own is left to be run."""
    name = getattr(function, "__name__", None)
    if function is None or name == "linear":
        return x
    if not str(getattr(function, "__module__", "")).startswith("keras.") or name is None:
        raise NoRuleError
    if name in ("softmax", "log_softmax"):
        return t.emit((ops.Softmax if name == "softmax" else ops.LogSoftmax)(t.dim(-1, out)), x)
    if name in _FUNCTIONS:
        return t.emit(_FUNCTIONS[name](), x)
    return t.traced(f"keras.{name}", x.shape, x, known=False, local=True)


@of_layer("Activation")
def _activation(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return _activated(t, x, layer.activation, out)


@of_layer("ReLU")
def _relu(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    if layer.max_value == 6 and not layer.negative_slope and not layer.threshold:
        return t.emit(ops.ReLU6(), x)
    if layer.max_value is not None:
        return t.emit(ops.HardTanh(layer.threshold or 0, layer.max_value), x)
    return t.emit(ops.LeakyReLU(layer.negative_slope) if layer.negative_slope else ops.ReLU(), x)


@of_layer("PReLU")
def _prelu(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    slopes = prod(layer.alpha.shape)
    used = t.used(weights=[layer.alpha])
    if slopes in (1, x.shape[0]):
        return t.emit(ops.PReLU(slopes), x, used=used)
    n = elements(x.shape)
    return t.traced("keras.prelu", x.shape, x, done=Work(compares=n, muls=n), used=used, local=True)


LAYERS["LeakyReLU"] = lambda t, layer, out, x: t.emit(ops.LeakyReLU(layer.negative_slope), x)
LAYERS["ELU"] = lambda t, layer, out, x: t.emit(ops.ELU(layer.alpha), x)


@of_layer("Softmax")
def _softmax(t: _Run, layer: Any, out: Any, x: Value, *masks: Value) -> Value:
    _require(isinstance(layer.axis, int))
    return t.emit(ops.Softmax(t.dim(layer.axis, out)), x)


# -- products --------------------------------------------------------------------------------------------------------


def _causal(t: _Run, layer: Any, x: Value) -> tuple[Value, Any]:
    """The padding of a convolution; a causal one pads before."""
    if layer.padding != "causal":
        return x, "same" if layer.padding == "same" else 0
    before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
    return t.emit(ops.ZeroPad(((before, 0),)), x), 0


@of_layer("Conv1D", "Conv2D", "Conv3D")
def _conv(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    x, padding = _causal(t, layer, x)
    kernel, stride, hole = t.along(layer.kernel_size), t.along(layer.strides), t.along(layer.dilation_rate)
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    op: Op = ops.Conv(layer.filters, kernel, stride, padding, hole, layer.groups, layer.use_bias)
    if layer.groups == x.shape[0] > 1:
        op = ops.DepthwiseConv(kernel, stride, padding, hole, layer.filters // layer.groups, layer.use_bias)
    return _activated(t, t.emit(op, x, used=used), layer.activation, out)


@of_layer("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    padding = "same" if layer.padding == "same" else 0
    kernel, stride, hole = t.along(layer.kernel_size), t.along(layer.strides), t.along(layer.dilation_rate)
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    op = ops.DepthwiseConv(kernel, stride, padding, hole, layer.depth_multiplier, layer.use_bias)
    return _activated(t, t.emit(op, x, used=used), layer.activation, out)


@of_layer("SeparableConv1D", "SeparableConv2D")
def _separable(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    x, padding = _causal(t, layer, x)
    kernel, stride, hole = t.along(layer.kernel_size), t.along(layer.strides), t.along(layer.dilation_rate)
    depthwise = ops.DepthwiseConv(kernel, stride, padding, hole, layer.depth_multiplier, bias=False)
    x = t.emit(depthwise, x, used=t.used(weights=[layer.depthwise_kernel]))
    used = t.used(weights=[layer.pointwise_kernel], biases=[layer.bias if layer.use_bias else None])
    return _activated(t, t.emit(ops.Conv(layer.filters, 1, bias=layer.use_bias), x, used=used), layer.activation, out)


@of_layer("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def _conv_transpose(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    """A transposed convolution, whose padding is what makes its output as large as Keras says."""
    kernels, strides, holes = layer.kernel_size, layer.strides, layer.dilation_rate
    sizes = t.sample(out)[1:]
    each = []
    for n, m, k, s, d in zip(x.shape[1:], sizes, kernels, strides, holes, strict=True):
        whole = (n - 1) * s + d * (k - 1) + 1
        cut = max(0, -(-(whole - m) // 2))
        each.append((cut, m - whole + 2 * cut))
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    groups = getattr(layer, "groups", 1)
    same = (
        layer.padding == "same"
        and layer.output_padding is None
        and all(k >= s for k, s in zip(kernels, strides, strict=True))
    )
    padding, more = ("same", 0) if same else (t.along([p for p, _ in each]), t.along([q for _, q in each]))
    op = ops.ConvTranspose(
        layer.filters, t.along(kernels), t.along(strides), padding, more, groups, layer.use_bias, t.along(holes)
    )
    return _activated(t, t.emit(op, x, used=used), layer.activation, out)


@of_layer("Dense")
def _dense(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    _require(len(layer.kernel.shape) == 2)
    dim = None if len(x.shape) == 1 else t.dim(-1, out)
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    return _activated(t, t.emit(ops.Linear(layer.units, layer.use_bias, dim), x, used=used), layer.activation, out)


@of_layer("Embedding")
def _embedding(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.traced("keras.embedding", t.sample(out), x, used=t.used(weights=[layer.embeddings]))


def _recurrent(name: str, each: Work) -> Rule:
    """Every weight is multiplied once at every position, every bias added."""

    def recurrent(t: _Run, layer: Any, out: Any, x: Value, *given: Value) -> Any:
        positions, cell = elements(x.shape) // x.shape[0], layer.cell
        weights = [cell.kernel, cell.recurrent_kernel]
        biases = [cell.bias] if layer.use_bias else []
        done = each.times(positions * cell.units)
        done = done._replace(macs=positions * sum(prod(one.shape) for one in weights))
        done = done._replace(adds=done.adds + positions * sum(prod(one.shape) for one in biases))
        used = t.used(weights=weights, biases=biases)
        shapes = [t.sample(one) for one in (out if isinstance(out, list | tuple) else [out])]
        made = t.traced(f"keras.{name}", shapes[0], x, *given, done=done, used=used)
        states = [t.traced(f"keras.{name}_state", shape, made) for shape in shapes[1:]]
        return [made, *states] if states else made

    return recurrent


LAYERS["LSTM"] = _recurrent("lstm", ops.LSTM.each)
LAYERS["GRU"] = _recurrent("gru", ops.GRU.each)
LAYERS["SimpleRNN"] = _recurrent("rnn", Work(adds=3, muls=1, divs=1, exps=1))


@of_layer("Bidirectional")
def _bidirectional(t: _Run, layer: Any, out: Any, x: Value) -> Any:
    both = [layer.forward_layer, layer.backward_layer]
    _require(not layer.return_state and all(type(one).__name__ in ("LSTM", "GRU", "SimpleRNN") for one in both))
    given = KerasTensor(t.model.theirs(x.shape))
    made = []
    for one in both:
        with t.layer(one.name):
            made.append(LAYERS[type(one).__name__](t, one, one.compute_output_spec(given), x))
    if layer.merge_mode == "concat":
        return t.emit(ops.Concat(t.dim(-1, out)), *made)
    if layer.merge_mode == "mul":
        return t.emit(ops.Multiply(), *made)
    if layer.merge_mode is None:
        return made
    total = t.emit(ops.Add(), *made)
    return t.emit(ops.Scale(), total) if layer.merge_mode == "ave" else total


# -- norms -----------------------------------------------------------------------------------------------------------


@of_layer("BatchNormalization")
def _batch_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    affine = [layer.gamma if layer.scale else None, layer.beta if layer.center else None]
    used = t.used(norm_affine=affine, norm_stats=[layer.moving_mean, layer.moving_variance])
    if t.dim(layer.axis, out) == 1:
        return t.emit(ops.BatchNorm(layer.scale, layer.center), x, used=used)
    n = elements(x.shape)
    return t.traced("keras.batch_norm", x.shape, x, done=Work(muls=n, adds=n), used=used, local=True)


@of_layer("LayerNormalization")
def _layer_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    dims = [t.dim(axis, out) for axis in axes]
    _require(layer.scale == layer.center)
    used = t.used(norm_affine=[layer.gamma if layer.scale else None, layer.beta if layer.center else None])
    return t.emit(ops.LayerNorm(layer.scale, dims[0] if len(dims) == 1 else tuple(sorted(dims))), x, used=used)


@of_layer("RMSNormalization")
def _rms_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    dims = [t.dim(axis, out) for axis in axes]
    op = ops.RMSNorm(affine=True, dim=dims[0] if len(dims) == 1 else tuple(sorted(dims)))
    return t.emit(op, x, used=t.used(norm_affine=[layer.scale]))


@of_layer("GroupNormalization")
def _group_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    _require(t.dim(layer.axis, out) == 1 and layer.scale == layer.center)
    used = t.used(norm_affine=[layer.gamma if layer.scale else None, layer.beta if layer.center else None])
    groups = x.shape[0] if layer.groups == -1 else layer.groups
    return t.emit(ops.GroupNorm(groups, layer.scale), x, used=used)


@of_layer("Normalization")
def _normalization(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    stats = list(layer.weights) if layer.input_mean is None else []
    n = elements(x.shape)
    if stats and sum(prod(one.shape) for one in stats) == 2 * x.shape[0] + 1:
        return t.emit(ops.Normalize(), x, used=t.used(norm_stats=stats))
    used = t.used(norm_stats=stats)
    return t.traced("keras.normalization", x.shape, x, done=Work(adds=n, divs=n), used=used, local=True)


@of_layer("Rescaling")
def _rescaling(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    offset = layer.offset
    none = isinstance(offset, int | float) and offset == 0
    return t.chain(x, [ops.Scale()] if none else [ops.Scale(), ops.Shift()])


# -- poolings --------------------------------------------------------------------------------------------------------


def _pooling(op: Callable[..., Op]) -> Rule:
    def pooling(t: _Run, layer: Any, out: Any, x: Value) -> Value:
        rank = len(x.shape) - 1
        padding = "same" if layer.padding == "same" else 0
        return t.emit(op(t.along(layer.pool_size, rank), t.along(layer.strides, rank), padding), x)

    return pooling


def _global(op: Callable[[], Op]) -> Rule:
    def pooled(t: _Run, layer: Any, out: Any, x: Value, *masks: Value) -> Value:
        made = t.emit(op(), x)
        return made if layer.keepdims else t.emit(ops.Flatten(), made)

    return pooled


for _rank in (1, 2, 3):
    LAYERS[f"MaxPooling{_rank}D"] = _pooling(ops.MaxPool)
    LAYERS[f"AveragePooling{_rank}D"] = _pooling(ops.AvgPool)
    LAYERS[f"GlobalMaxPooling{_rank}D"] = _global(ops.GlobalMaxPool)
    LAYERS[f"GlobalAveragePooling{_rank}D"] = _global(ops.GlobalAvgPool)
    for _name, _op in (("Max", ops.AdaptiveMaxPool), ("Average", ops.AdaptiveAvgPool)):
        LAYERS[f"Adaptive{_name}Pooling{_rank}D"] = lambda t, layer, out, x, op=_op: t.emit(
            op(t.along(t.sample(out)[1:])), x
        )

# -- joins -----------------------------------------------------------------------------------------------------------


def _joined(op: Callable[..., Op]) -> Rule:
    return lambda t, layer, out, *xs: t.emit(op(), *xs) if len(xs) > 1 else xs[0]


def _sum(t: _Run, *xs: Value) -> Value:
    return t.emit(ops.Add(broadcast=len({x.shape for x in xs}) > 1), *xs)


LAYERS["Add"] = lambda t, layer, out, *xs: _sum(t, *xs) if len(xs) > 1 else xs[0]
LAYERS["Multiply"] = _joined(ops.Multiply)
LAYERS["Subtract"] = _joined(ops.Subtract)
LAYERS["Average"] = lambda t, layer, out, *xs: t.chain(_sum(t, *xs), [ops.Scale()])
for _name in ("Maximum", "Minimum"):
    LAYERS[_name] = lambda t, layer, out, *xs, name=_name: t.traced(
        f"keras.{name.lower()}",
        t.sample(out),
        *xs,
        done=Work(compares=(len(xs) - 1) * elements(t.sample(out))),
        local=True,
    )


@of_layer("Concatenate")
def _concatenate(t: _Run, layer: Any, out: Any, *xs: Value) -> Value:
    return t.emit(ops.Concat(t.dim(layer.axis, out)), *xs) if len(xs) > 1 else xs[0]


# -- moves -----------------------------------------------------------------------------------------------------------


def _same(t: _Run, layer: Any, out: Any, x: Value, *_: Value) -> Value:
    return x


for _name in [
    "Identity",
    "ActivityRegularization",
    "GaussianNoise",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
]:
    LAYERS[_name] = _same
for _name in ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "AlphaDropout"):
    LAYERS[_name] = lambda t, layer, out, x: t.emit(ops.Dropout(layer.rate), x)


def _shaped(t: _Run, x: Value, shape: Shape) -> Value:
    if x.shape == shape:
        return x
    return t.emit(ops.Flatten() if len(shape) == 1 else ops.Reshape(shape), x)


@of_layer("Flatten", "Reshape")
def _reshape(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return _shaped(t, x, t.sample(out))


def _permuted(t: _Run, x: Value, order: Sequence[int], out: Any) -> Value:
    """The axes in another order, which is Keras', samples included."""
    _require(order[0] == 0)
    to = {t.dim(place, out): t.dim(axis, out) for place, axis in enumerate(order) if place}
    dims = tuple(to[place] for place in range(1, len(order)))
    return x if [*dims] == sorted(dims) else t.emit(ops.Permute(dims), x)


LAYERS["Permute"] = lambda t, layer, out, x: _permuted(t, x, (0, *layer.dims), out)


@of_layer("RepeatVector")
def _repeat_vector(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.traced("keras.repeat", t.sample(out), x)


@of_layer("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def _zero_padding(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.emit(ops.ZeroPad(_sides(layer.padding)), x)


@of_layer("Cropping1D", "Cropping2D", "Cropping3D")
def _cropping(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.emit(ops.ZeroPad(tuple((-a, -b) for a, b in _sides(layer.cropping))), x)


def _sides(given: Any) -> tuple[tuple[int, int], ...]:
    """(before, after) of each spatial axis; of one axis they stand alone."""
    pairs = given if isinstance(given[0], list | tuple) else [given]
    return tuple((int(a), int(b)) for a, b in pairs)


@of_layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def _up_sampling(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    mode = getattr(layer, "interpolation", "nearest")
    if mode in ("nearest", "bilinear"):
        return t.emit(ops.Upsample(t.along(layer.size, len(x.shape) - 1), mode), x)
    return _resized(t, x, t.sample(out), mode)


@of_layer("Resizing")
def _resizing(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return _resized(t, x, t.sample(out), layer.interpolation)


def _resized(t: _Run, x: Value, shape: Shape, mode: str) -> Value:
    mode = {"nearest": "nearest", "bilinear": "bilinear", "bicubic": "bicubic"}.get(mode, "")
    if not mode or len(shape) < 2 or shape[0] != x.shape[0]:
        return t.traced("keras.resize", shape, x, known=False)
    return t.emit(ops.Resize(t.along(shape[1:]), mode), x)


# -- operations ------------------------------------------------------------------------------------------------------


def _number(one: Any) -> bool:
    return isinstance(one, int | float) or (
        not isinstance(one, KerasTensor) and tuple(getattr(one, "shape", (2,))) == ()
    )


def _aligned(t: _Run, one: Any, rank: int) -> Value:
    """A tensor that is broadcast to one of as many axes: Keras puts axes of 1 before its own."""
    found = t.value(one)
    more = rank - len(found.shape)
    if more <= 0:
        return found
    own = found.shape
    shape = (own[0], *(1,) * more, *own[1:]) if t.model.last else ((1,) * more + own)
    return t.emit(ops.Reshape(shape), found)


def _binary(name: str, work: str, of_two: Callable[[bool], Op] | None, scalar: Callable[[], Op] | None = None) -> Rule:
    def binary(t: _Run, o: Any, out: Any, a: Any, b: Any, **_: Any) -> Value:
        shape = t.sample(out)
        live = [one for one in (a, b) if not _number(one)]
        if len(live) == 1 and isinstance(live[0], KerasTensor):
            x = t.value(live[0])
            if scalar is not None:
                return t.emit(scalar(), x)
            return t.traced(f"keras.{name}", shape, x, done=Work(**{work: elements(shape)}), local=True)
        used = t.constants(*(one for one in live if not isinstance(one, KerasTensor)))
        factors = [one for one in live if not isinstance(one, KerasTensor)]
        if name == "multiply" and len(factors) == 1 and used.weights and tuple(factors[0].shape) == shape[:1]:
            (x,) = (t.value(one) for one in live if isinstance(one, KerasTensor))
            if t.model.last and x.shape == shape:
                return t.emit(ops.LayerScale(), x, used=used)
        xs = [_aligned(t, one, len(shape)) for one in live]
        if of_two is not None:
            return t.emit(of_two(xs[0].shape == xs[1].shape), *xs)
        return t.traced(f"keras.{name}", shape, *xs, done=Work(**{work: elements(shape)}), local=True)

    return binary


OPERATIONS["Add"] = _binary("add", "adds", lambda same: ops.Add(broadcast=not same), ops.Shift)
OPERATIONS["Subtract"] = _binary("subtract", "adds", lambda _: ops.Subtract(), ops.Shift)
OPERATIONS["Multiply"] = _binary("multiply", "muls", lambda _: ops.Multiply(), ops.Scale)
OPERATIONS["Divide"] = OPERATIONS["TrueDivide"] = _binary("divide", "divs", lambda _: ops.Divide())
OPERATIONS["Power"] = _binary("power", "exps", lambda _: ops.Power())
for _name in ["Maximum", "Minimum", "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"]:
    OPERATIONS[_name] = _binary(_name.lower(), "compares", None)
for _name in ["LogicalAnd", "LogicalOr", "LogicalXor"]:
    OPERATIONS[_name] = _binary(_name.lower(), "compares", None)


def _unary(op: Callable[[], Op]) -> Rule:
    return lambda t, o, out, x, **_: t.emit(op(), t.value(x))


OPERATIONS.update(
    {
        "Relu": _unary(ops.ReLU),
        "Relu6": _unary(ops.ReLU6),
        "Sigmoid": _unary(ops.Sigmoid),
        "Silu": _unary(ops.Swish),
        "Tanh": _unary(ops.Tanh),
        "Softplus": _unary(ops.Softplus),
        "Selu": _unary(ops.SELU),
        "HardSigmoid": _unary(ops.HardSigmoid),
        "HardSilu": _unary(ops.HardSwish),
        "Exp": _unary(ops.Exp),
        "Log": _unary(ops.Log),
        "Sqrt": _unary(ops.Sqrt),
        "Rsqrt": _unary(ops.Rsqrt),
        "Square": _unary(ops.Square),
        "Abs": _unary(ops.Abs),
        "Absolute": _unary(ops.Abs),
        "LeakyRelu": lambda t, o, out, x, **_: t.emit(ops.LeakyReLU(getattr(o, "negative_slope", 0.2)), t.value(x)),
        "Elu": lambda t, o, out, x, **_: t.emit(ops.ELU(getattr(o, "alpha", 1.0)), t.value(x)),
        "Gelu": lambda t, o, out, x, **_: t.emit(
            ops.GELU("tanh" if getattr(o, "approximate", True) else "none"), t.value(x)
        ),
    }
)
for _name in ["Cast", "StopGradient", "Copy", "ConvertToTensor"]:
    OPERATIONS[_name] = lambda t, o, out, x, *_, **__: t.value(x)
for _name, _work in (("Negative", {"muls": 1}), ("Sin", {"exps": 1}), ("Cos", {"exps": 1}), ("Erf", {"exps": 1})):
    OPERATIONS[_name] = lambda t, o, out, x, name=_name, work=_work, **_: t.traced(
        f"keras.{name.lower()}", t.sample(out), t.value(x), done=Work(**work).times(elements(t.sample(out))), local=True
    )
OPERATIONS["LogicalNot"] = OPERATIONS["Floor"] = OPERATIONS["Round"] = lambda t, o, out, x, *_, **__: t.traced(
    f"keras.{type(o).__name__.lower()}", t.sample(out), t.value(x), local=True
)


@of_operation("Softmax", "LogSoftmax")
def _softmax_operation(t: _Run, o: Any, out: Any, x: Any) -> Value:
    _require(isinstance(o.axis, int))
    op = ops.Softmax if type(o).__name__ == "Softmax" else ops.LogSoftmax
    return t.emit(op(t.dim(o.axis, out)), t.value(x))


@of_operation("Clip")
def _clip(t: _Run, o: Any, out: Any, x: Any, *_: Any) -> Value:
    return t.traced(
        "keras.clip", t.sample(out), t.value(x), done=Work(compares=2 * elements(t.sample(out))), local=True
    )


@of_operation("Where")
def _where(t: _Run, o: Any, out: Any, *given: Any) -> Value:
    xs = [t.value(one) for one in given if isinstance(one, KerasTensor)]
    return t.traced("keras.where", t.sample(out), *xs, done=Work(compares=elements(t.sample(out))), local=True)


@of_operation("Reshape", "ExpandDims", "Squeeze", "Ravel")
def _reshape_operation(t: _Run, o: Any, out: Any, x: Any, *_: Any, **__: Any) -> Value:
    value, shape = t.value(x), t.sample(out)
    _require(elements(shape) == elements(value.shape))
    return _shaped(t, value, shape)


@of_operation("Transpose")
def _transpose(t: _Run, o: Any, out: Any, x: Any) -> Value:
    rank = len(out.shape)
    order = [axis % rank for axis in (o.axes or range(rank)[::-1])]
    return _permuted(t, t.value(x), order, out)


@of_operation("Swapaxes")
def _swapaxes(t: _Run, o: Any, out: Any, x: Any) -> Value:
    order = [*range(len(out.shape))]
    a, b = o.axis1, o.axis2
    order[a], order[b] = order[b], order[a]
    return _permuted(t, t.value(x), order, out)


@of_operation("Concatenate")
def _concatenate_operation(t: _Run, o: Any, out: Any, xs: Sequence[Any]) -> Value:
    values = [t.value(one) for one in xs]
    return t.emit(ops.Concat(t.dim(o.axis, out)), *values) if len(values) > 1 else values[0]


@of_operation("Split")
def _split(t: _Run, o: Any, out: Any, x: Any) -> list[Value]:
    dim, value = t.dim(o.axis, x), t.value(x)
    sizes = [t.sample(one)[dim - 1] for one in out]
    if len(set(sizes)) == 1:
        return [t.emit(ops.Split(len(sizes), i, dim), value) for i in range(len(sizes))]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [t.emit(ops.Slice(dim, start, start + n), value) for start, n in zip(starts, sizes, strict=True)]


def _moved(name: str) -> Rule:
    """What moves elements, and does no arithmetic."""

    def moved(t: _Run, o: Any, out: Any, *given: Any, **_: Any) -> Any:
        tensors = [one for group in given for one in (group if isinstance(group, list | tuple) else [group])]
        xs = [t.value(one) for one in tensors if isinstance(one, KerasTensor)]
        _require(xs)
        used = t.constants(*(one for one in tensors if not isinstance(one, KerasTensor)))
        made = []
        for one in out if isinstance(out, list | tuple) else [out]:
            made.append(t.traced(f"keras.{name}", t.sample(one), *xs, used=used))
            used = Used()
        return made

    return moved


for _name in [
    "Stack",
    "Flip",
    "Roll",
    "Repeat",
    "Tile",
    "BroadcastTo",
    "GetItem",
    "Take",
    "TakeAlongAxis",
    "Pad",
    "Moveaxis",
    "Unstack",
    "Slice",
]:
    OPERATIONS[_name] = _moved(_name.lower())
OPERATIONS["DepthToSpace"] = lambda t, o, out, x, **_: t.emit(ops.PixelShuffle(o.block_size), t.value(x))
OPERATIONS["SpaceToDepth"] = lambda t, o, out, x, **_: t.emit(ops.PixelUnshuffle(o.block_size), t.value(x))


def _reduction(name: str, op: Callable[[Any, bool], Op] | None, work: Callable[[int, int], Work]) -> Rule:
    def reduction(t: _Run, o: Any, out: Any, x: Any, *_: Any, **__: Any) -> Value:
        value, shape = t.value(x), t.sample(out)
        axes = o.axis if isinstance(o.axis, list | tuple) else [o.axis]
        _require(None not in axes)
        dims = sorted(t.dim(axis, x) for axis in axes)
        if op is not None and (o.keepdims or len(dims) < len(value.shape)):
            return t.emit(op(dims[0] if len(dims) == 1 else tuple(dims), bool(o.keepdims)), value)
        done = work(elements(value.shape), elements(shape))
        return t.traced(f"keras.{name}", shape, value, done=done)

    return reduction


OPERATIONS["Mean"] = _reduction("mean", ops.Mean, lambda n, m: Work(adds=n - m, divs=m))
OPERATIONS["Sum"] = _reduction("sum", ops.Sum, lambda n, m: Work(adds=n - m))
OPERATIONS["Max"] = OPERATIONS["Amax"] = _reduction("max", ops.Amax, lambda n, m: Work(compares=n - m))
for _name in ("Min", "Amin", "Argmax", "Argmin"):
    OPERATIONS[_name] = _reduction(_name.lower(), None, lambda n, m: Work(compares=n - m))
for _name in ("Var", "Std"):
    OPERATIONS[_name] = _reduction(_name.lower(), None, lambda n, m: Work(adds=3 * n - 2 * m, muls=n, divs=2 * m))


def _product(t: _Run, name: str, out: Any, given: Sequence[Any], macs: int) -> Value:
    live = [t.value(one) for one in given if isinstance(one, KerasTensor)]
    used = t.constants(*(one for one in given if not isinstance(one, KerasTensor)))
    return t.traced(f"keras.{name}", t.sample(out), *live, done=Work(macs), used=used)


@of_operation("Matmul")
def _matmul(t: _Run, o: Any, out: Any, a: Any, b: Any) -> Value:
    _require(len(a.shape) > 1 and len(b.shape) > 1)
    return _product(t, "matmul", out, (a, b), elements(t.sample(out)) * a.shape[-1])


@of_operation("Einsum")
def _einsum(t: _Run, o: Any, out: Any, *given: Any) -> Value:
    shapes = [[1 if n is None else int(n) for n in one.shape] for one in given]
    found = summed_products(o.subscripts, shapes)
    if found is None:
        raise NoRuleError
    if found[1]:
        return _product(t, "einsum", out, given, found[0])
    live = [t.value(one) for one in given if isinstance(one, KerasTensor)]
    used = t.constants(*(one for one in given if not isinstance(one, KerasTensor)))
    return t.traced("keras.einsum", t.sample(out), *live, done=Work(muls=found[0]), used=used)


@of_operation("DotProductAttention")
def _dot_product_attention(
    t: _Run, o: Any, out: Any, query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None, **_: Any
) -> Value:
    """Of (samples, positions, heads, features), as Keras has them."""
    (_b, n, heads, d), m, e = query.shape, key.shape[1], value.shape[-1]
    scores, vectors = n * m * heads, n * heads
    masked = scores * ((bias is not None) + (mask is not None))
    done = Work(
        scores * (d + e),
        adds=2 * scores - vectors + masked,
        muls=scores,
        compares=scores - vectors,
        divs=scores,
        exps=scores,
    )
    xs = [t.value(one) for one in (query, key, value, bias, mask) if isinstance(one, KerasTensor)]
    return t.traced("keras.dot_product_attention", t.sample(out), *xs, done=done)
