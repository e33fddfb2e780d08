"""What functions of torch are, as operators: one rule each, which takes what the function takes.

A rule emits one of our operators, where it is just that; a NoRuleError, or arguments that it does not know, leave the
function to `Tracer._step`. Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.functions import summed_products
from convcost.imports.registry import entered_in
from convcost.imports.tracing import NoRuleError, Rule, Tensors, Tracer
from convcost.ops import Op, Shape, Work

RULES: dict[str, Rule] = {}
"""The rule of each function, by its name; torch has one name for a function and a method that do the same."""

rule = entered_in(RULES)


def _one(values: Sequence[Any]) -> Any:
    """One value for all axes, if they agree."""
    values = tuple(values)
    return values[0] if len(set(values)) == 1 else values


def _axes(value: Any, rank: int) -> Any:
    """An argument that torch takes as a number, or as one number per axis."""
    if not isinstance(value, tuple | list):
        return value
    return _one([*value] * (rank if len(value) == 1 else 1))


def stored(weight: Tensor, bias: Tensor | None) -> Tensors:
    """What a layer with these stores."""
    return {"weights": weight, "biases": bias}


def _plain(t: Tracer, *tensors: Tensor) -> None:
    """Refuse tensors whose first axis is not the samples, alone: operators of ours have it so."""
    _require(all(map(t.plain, tensors)))


def _require(fits: bool) -> None:
    if not fits:
        raise NoRuleError


# -- products --------------------------------------------------------------------------------------------------------


@rule("conv1d", "conv2d", "conv3d")
def _conv(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> None:
    rank = weight.dim() - 2
    kernel, channels, outputs = _one(weight.shape[2:]), weight.shape[1] * groups, weight.shape[0]
    try:
        t.constant(weight, bias)
        _plain(t, x, out)
        step, hole = _axes(stride, rank), _axes(dilation, rank)
        sides = 0 if padding == "valid" else padding if isinstance(padding, str) else _axes(padding, rank)
        op: Op
        if groups == channels > 1:
            op = ops.DepthwiseConv(kernel, step, sides, hole, outputs // channels, bias is not None)
        else:
            op = ops.Conv(outputs, kernel, step, sides, hole, groups, bias is not None)
        t.emit(op, [x], out, stored(weight, bias))
    except NoRuleError:
        n = t.each(out.numel())
        work = Work(n * prod(weight.shape[1:]), adds=n if bias is not None else 0)
        t.traced(f"conv{rank}d", [x, *t.alive(weight, bias)], out, work, used=stored(weight, bias))


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> None:
    rank = weight.dim() - 2
    try:
        t.constant(weight, bias)
        _plain(t, x, out)
        op = ops.ConvTranspose(
            weight.shape[1] * groups,
            _one(weight.shape[2:]),
            _axes(stride, rank),
            _axes(padding, rank),
            _axes(output_padding, rank),
            groups,
            bias is not None,
            _axes(dilation, rank),
        )
        t.emit(op, [x], out, stored(weight, bias))
    except NoRuleError:
        adds = t.each(out.numel()) if bias is not None else 0
        work = Work(t.each(x.numel()) * prod(weight.shape[1:]), adds=adds)
        t.traced(f"conv_transpose{rank}d", [x, *t.alive(weight, bias)], out, work, used=stored(weight, bias))


@rule("linear")
def _linear(t: Tracer, out: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
    try:
        t.constant(weight, bias)
        vector = x.dim() == 2 and t.plain(x)
        t.dim(x, -1)  # which is not that of the samples
        t.emit(ops.Linear(weight.shape[0], bias is not None, None if vector else -1), [x], out, stored(weight, bias))
    except NoRuleError:
        n = t.each(out.numel())
        work = Work(n * weight.shape[-1], adds=n if bias is not None else 0)
        t.traced("linear", [x, *t.alive(weight, bias)], out, work, used=stored(weight, bias))


@rule("matmul", "mm", "bmm", "mv")
def _matmul(t: Tracer, out: Tensor, a: Tensor, b: Tensor) -> None:
    try:
        _require(min(a.dim(), b.dim()) > 1)
        t.emit(ops.MatMul(), [_factor(t, a, out), _factor(t, b, out)], out)
    except NoRuleError:
        t.traced("matmul", [a, b], out, Work(t.each(out.numel()) * a.shape[-1]))


def _factor(t: Tracer, x: Tensor, out: Tensor) -> Any:
    """A factor of a product: one that the input has no part in has as many axes as the product."""
    return x if t.alive(x) else t.aligned(x, out)


@rule("addmm", "baddbmm")
def _addmm(t: Tracer, out: Tensor, c: Tensor, a: Tensor, b: Tensor, beta: Any = 1, alpha: Any = 1) -> None:
    n = t.each(out.numel())
    t.traced("addmm", [a, b, *t.alive(c)], out, Work(n * a.shape[-1], adds=n), used={"weights": [a, b], "biases": c})


@rule("einsum")
def _einsum(t: Tracer, out: Tensor, equation: str, *operands: Any) -> None:
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    found = summed_products(equation, [x.shape for x in tensors])
    if found is None:
        raise NoRuleError
    n = t.each(found[0])
    t.traced("einsum", tensors, out, Work(n) if found[1] else Work(muls=n))


@rule("scaled_dot_product_attention")
def _attention(
    t: Tracer, out: Tensor, q: Tensor, k: Tensor, v: Tensor, attn_mask: Any = None, *_: Any, **__: Any
) -> None:
    masks = [attn_mask] if isinstance(attn_mask, Tensor) else []
    try:
        if masks:
            t.emit(ops.MaskedAttention(), [q, k, v, t.aligned(masks[0], out)], out)
        else:
            t.emit(ops.Attention(), [q, k, v], out)
    except NoRuleError:
        pass
    else:
        return
    vectors = t.each(q.numel()) // q.shape[-1]
    scores = vectors * k.shape[-2]
    masked = scores if attn_mask is not None else 0
    work = Work(
        scores * (q.shape[-1] + v.shape[-1]),
        adds=2 * scores - vectors + masked,
        muls=scores,
        compares=scores - vectors,
        divs=scores,
        exps=scores,
    )
    t.traced("scaled_dot_product_attention", [q, k, v, *masks], out, work)


@rule("embedding")
def _embedding(t: Tracer, out: Tensor, x: Tensor, weight: Tensor, *_: Any, **__: Any) -> None:
    t.constant(weight)
    t.traced("embedding", [x], out, used={"weights": weight})


# -- norms -----------------------------------------------------------------------------------------------------------


@rule("batch_norm")
def _batch_norm(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *_: Any,
    **__: Any,
) -> None:
    n = t.each(out.numel())
    used: Tensors = {"norm_affine": [weight, bias], "norm_stats": [mean, variance]}
    try:
        _plain(t, x)
        t.emit(ops.BatchNorm(weight is not None, bias is not None, mean is not None), [x], out, used)
    except NoRuleError:
        t.traced("batch_norm", [x], out, Work(muls=n, adds=n), local=True, used=used)


def _normed(n: int, parts: int, affine: bool) -> Work:
    """The work of a normalisation by the sample's own statistics: see `convcost.ops.norm.OwnStatistics`."""
    scaled = n if affine else 0
    return Work(adds=3 * n - parts + scaled, muls=n + scaled, divs=n + 2 * parts, exps=parts)


@rule("layer_norm")
def _layer_norm(
    t: Tracer, out: Tensor, x: Tensor, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, **_: Any
) -> None:
    affine: Tensors = {"norm_affine": [weight, bias]}
    try:
        t.emit(ops.LayerNorm(weight is not None, _trailing(t, x, len(shape))), [x], out, affine)
    except NoRuleError:
        n = t.each(x.numel())
        t.traced("layer_norm", [x], out, _normed(n, n // prod(shape), weight is not None), used=affine)


def _trailing(t: Tracer, x: Tensor, count: int) -> Any:
    """The last axes, none of which is that of the samples."""
    for axis in range(-count, 0):
        t.dim(x, axis)
    return _one(range(-count, 0))


@rule("group_norm")
def _group_norm(
    t: Tracer, out: Tensor, x: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, **_: Any
) -> None:
    _plain(t, x)
    t.emit(ops.GroupNorm(groups, weight is not None), [x], out, {"norm_affine": [weight, bias]})


@rule("instance_norm")
def _instance_norm(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    mean: Tensor | None = None,
    variance: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    *_: Any,
    **__: Any,
) -> None:
    if not use_input_stats:
        raise NoRuleError
    _plain(t, x)
    t.emit(ops.InstanceNorm(weight is not None), [x], out, {"norm_affine": [weight, bias]})


@rule("rms_norm")
def _rms_norm(t: Tracer, out: Tensor, x: Tensor, shape: Any, weight: Tensor | None = None, **_: Any) -> None:
    try:
        t.emit(ops.RMSNorm(weight is not None, _trailing(t, x, len(shape))), [x], out, {"norm_affine": weight})
    except NoRuleError:
        n = t.each(x.numel())
        parts = n // prod(shape)
        work = Work(muls=n + (n if weight is not None else 0), adds=n, divs=n + parts, exps=parts)
        t.traced("rms_norm", [x], out, work, used={"norm_affine": weight})


@rule("local_response_norm")
def _local_response_norm(t: Tracer, out: Tensor, x: Tensor, size: int, *_: Any, **__: Any) -> None:
    _plain(t, x)
    t.emit(ops.LocalResponseNorm(size), [x], out)


# -- poolings --------------------------------------------------------------------------------------------------------


@rule("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    **_: Any,
) -> None:
    rank = out.dim() - 2
    kernel, step = _axes(kernel_size, rank), _axes(stride, rank) if stride else None
    try:
        _plain(t, x)
        t.emit(ops.MaxPool(kernel, step, _axes(padding, rank), _axes(dilation, rank), ceil_mode), [x], out)
    except NoRuleError:
        t.traced(f"max_pool{rank}d", [x], out, Work(compares=t.each(out.numel()) * (_size(kernel, rank) - 1)))


def _size(kernel: Any, rank: int) -> int:
    return prod(kernel) if isinstance(kernel, tuple | list) else int(kernel) ** rank


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *_: Any,
    **__: Any,
) -> None:
    rank = out.dim() - 2
    kernel, step = _axes(kernel_size, rank), _axes(stride, rank) if stride else None
    try:
        _plain(t, x)
        t.emit(ops.AvgPool(kernel, step, _axes(padding, rank), ceil_mode), [x], out)
    except NoRuleError:
        n = t.each(out.numel())
        t.traced(f"avg_pool{rank}d", [x], out, Work(adds=n * (_size(kernel, rank) - 1), divs=n))


def _adaptive(to_one: Callable[[], Op], to_size: Callable[[Any], Op]) -> Rule:
    def adaptive(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
        _plain(t, x)
        size = _one(out.shape[2:])
        t.emit(to_one() if size == 1 else to_size(size), [x], out)

    return adaptive


for _rank in (1, 2, 3):
    RULES[f"adaptive_avg_pool{_rank}d"] = _adaptive(ops.GlobalAvgPool, ops.AdaptiveAvgPool)
    RULES[f"adaptive_max_pool{_rank}d"] = _adaptive(ops.GlobalMaxPool, ops.AdaptiveMaxPool)


# -- element by element ----------------------------------------------------------------------------------------------


def _activation(op: Op) -> Rule:
    def activation(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
        t.emit(op, [x], out)

    return activation


RULES.update(
    {
        "relu": _activation(ops.ReLU()),
        "relu6": _activation(ops.ReLU6()),
        "selu": _activation(ops.SELU()),
        "silu": _activation(ops.Swish()),
        "mish": _activation(ops.Mish()),
        "sigmoid": _activation(ops.Sigmoid()),
        "softplus": _activation(ops.Softplus()),
        "tanh": _activation(ops.Tanh()),
        "hardsigmoid": _activation(ops.HardSigmoid()),
        "hardswish": _activation(ops.HardSwish()),
        "exp": _activation(ops.Exp()),
        "log": _activation(ops.Log()),
        "sqrt": _activation(ops.Sqrt()),
        "rsqrt": _activation(ops.Rsqrt()),
        "square": _activation(ops.Square()),
        "abs": _activation(ops.Abs()),
    }
)


@rule("hardtanh")
def _hardtanh(
    t: Tracer, out: Tensor, x: Tensor, min_val: float = -1, max_val: float = 1, inplace: bool = False
) -> None:
    t.emit(ops.ReLU6() if (min_val, max_val) == (0, 6) else ops.HardTanh(min_val, max_val), [x], out)


@rule("glu")
def _glu(t: Tracer, out: Tensor, x: Tensor, dim: int = -1) -> None:
    t.emit(ops.GLU(t.dim(x, dim)), [x], out)


@rule("leaky_relu")
def _leaky_relu(t: Tracer, out: Tensor, x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> None:
    t.emit(ops.LeakyReLU(negative_slope), [x], out)


@rule("elu")
def _elu(t: Tracer, out: Tensor, x: Tensor, alpha: float = 1.0, *_: Any, **__: Any) -> None:
    t.emit(ops.ELU(alpha), [x], out)


@rule("gelu")
def _gelu(t: Tracer, out: Tensor, x: Tensor, approximate: str = "none") -> None:
    t.emit(ops.GELU(approximate), [x], out)


@rule("prelu")
def _prelu(t: Tracer, out: Tensor, x: Tensor, weight: Tensor) -> None:
    t.constant(weight)
    _plain(t, x)
    t.emit(ops.PReLU(weight.numel()), [x], out, {"weights": weight})


@rule("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def _dropout(t: Tracer, out: Tensor, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> None:
    if training:
        raise NoRuleError
    t.emit(ops.Dropout(p), [x], out)


@rule("softmax")
def _softmax(t: Tracer, out: Tensor, x: Tensor, dim: int | None = None, *_: Any, **__: Any) -> None:
    if dim is None:
        raise NoRuleError
    try:
        t.emit(ops.Softmax(t.dim(x, dim)), [x], out)
    except NoRuleError:
        pass
    else:
        return
    n = t.each(x.numel())
    vectors = n // x.shape[dim]
    t.traced("softmax", [x], out, Work(compares=n - vectors, adds=2 * n - vectors, exps=n, divs=n))


@rule("log_softmax")
def _log_softmax(t: Tracer, out: Tensor, x: Tensor, dim: int | None = None, *_: Any, **__: Any) -> None:
    if dim is None:
        raise NoRuleError
    try:
        t.emit(ops.LogSoftmax(t.dim(x, dim)), [x], out)
    except NoRuleError:
        pass
    else:
        return
    n = t.each(x.numel())
    vectors = n // x.shape[dim]
    t.traced("log_softmax", [x], out, Work(compares=n - vectors, adds=3 * n - vectors, exps=n + vectors))


def _pointwise(name: str, **per_element: int) -> Rule:
    def pointwise(t: Tracer, out: Tensor, *args: Any, **named: Any) -> None:
        tensors = [x for x in (*args, *named.values()) if isinstance(x, Tensor)]
        t.traced(name, tensors, out, Work(**per_element).times(t.each(out.numel())), local=True)

    return pointwise


for _names, _per_element in (
    ("exp2 expm1 log2 log10 log1p erf sin cos tan atan atan2 sinh cosh", {"exps": 1}),
    ("neg", {"muls": 1}),
    ("reciprocal floordiv floor_divide remainder mod fmod", {"divs": 1}),
    ("clamp_min clamp_max sign where masked_fill maximum minimum heaviside relu_ threshold", {"compares": 1}),
    ("gt ge lt le eq ne greater less not_equal isnan isinf isfinite", {"compares": 1}),
    ("clamp clip", {"compares": 2}),
    ("floor ceil round trunc frac logical_and logical_or logical_xor logical_not and or xor invert bitwise_not", {}),
    ("addcmul", {"muls": 2, "adds": 1}),
    ("addcdiv", {"muls": 1, "divs": 1, "adds": 1}),
    ("lerp", {"muls": 1, "adds": 2}),
    ("logsigmoid", {"exps": 2, "adds": 1}),
    ("softsign", {"compares": 1, "adds": 1, "divs": 1}),
    ("celu", {"compares": 1, "muls": 2, "adds": 1, "exps": 1}),
):
    for _name in _names.split():
        RULES[_name] = _pointwise(_name, **_per_element)


def _binary(name: str, work: str, of_two: Callable[[bool], Op], scalar: Callable[[], Op] | None = None) -> Rule:
    """A rule of two operands: `of_two` is our operator of tensors, of one shape or not, `scalar` that of a number."""

    def binary(t: Tracer, out: Tensor, a: Any, b: Any, *_: Any, **__: Any) -> None:
        tensors = [x for x in (a, b) if isinstance(x, Tensor)]
        live = t.alive(*tensors)
        numbers = [x for x in tensors if not t.alive(x) and x.numel() == 1 and not t.origins(x)]
        try:
            if len(tensors) - len(numbers) == 1:
                _require(scalar is not None)
                t.emit(scalar(), live, out)  # type: ignore[misc]  # there is one
            elif name == "mul" and len(live) == 1 and (axis := _of_one_axis(t, out, tensors, live)) is not None:
                factors = [x for x in tensors if x is not live[0]]
                t.emit(ops.LayerScale(axis), live, out, {"weights": factors})
            else:
                xs = [t.aligned(x, out) for x in (a, b)]
                t.emit(of_two(xs[0].shape == xs[1].shape), xs, out)
        except NoRuleError:
            t.traced(name, tensors, out, Work(**{work: t.each(out.numel())}), local=True)

    return binary


def _of_one_axis(t: Tracer, out: Tensor, tensors: Sequence[Tensor], live: Sequence[Tensor]) -> int | None:
    """The axis along which the other tensor is a learned factor for each position, and the same elsewhere."""
    (factor,) = (one for one in tensors if one is not live[0])
    along = [i - factor.dim() for i, n in enumerate(factor.shape) if n > 1]
    if len(along) != 1 or not t.origins(factor) or live[0].shape != out.shape:
        return None
    return t.dim(out, along[0])


RULES["add"] = _binary("add", "adds", lambda same: ops.Add(broadcast=not same), ops.Shift)
RULES["sub"] = RULES["rsub"] = RULES["subtract"] = _binary("sub", "adds", lambda _: ops.Subtract(), ops.Shift)
RULES["mul"] = RULES["multiply"] = _binary("mul", "muls", lambda _: ops.Multiply(), ops.Scale)
for _name in ("div", "truediv", "true_divide", "divide"):
    RULES[_name] = _binary("div", "divs", lambda _: ops.Divide())
RULES["pow"] = _binary("pow", "exps", lambda _: ops.Power())


# -- reductions ------------------------------------------------------------------------------------------------------


def _reduction(name: str, op: Callable[[Any, bool], Op] | None, work: Callable[[int, int], Work]) -> Rule:
    def reduction(
        t: Tracer, out: Any, x: Tensor, dim: Any = None, keepdim: bool = False, *rest: Any, **named: Any
    ) -> None:
        if isinstance(dim, Tensor) or named.keys() - {"dtype", "axis"}:
            raise NoRuleError
        dims = (dim,) if isinstance(dim, int) else dim
        first, *others = (out,) if isinstance(out, Tensor) else out
        n, m = t.each(x.numel()), t.each(first.numel())
        try:
            if op is None or not dims:
                raise NoRuleError  # noqa: TRY301  # as what follows does
            t.emit(op(_one([t.dim(x, d) for d in dims]), bool(keepdim)), [x], first)
        except NoRuleError:
            t.sample(first)
            t.traced(name, [x], first, work(n, m))
        for other in others:  # where the maximum is
            t.traced(name, [first], other)

    return reduction


RULES["mean"] = _reduction("mean", ops.Mean, lambda n, m: Work(adds=n - m, divs=m))
RULES["sum"] = _reduction("sum", ops.Sum, lambda n, m: Work(adds=n - m))
RULES["amax"] = _reduction("amax", ops.Amax, lambda n, m: Work(compares=n - m))
_squared = _reduction("norm", None, lambda n, m: Work(muls=n, adds=n - m, exps=m))


@rule("norm", "vector_norm", "linalg_vector_norm")
def _norm(
    t: Tracer, out: Tensor, x: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, *_: Any, **__: Any
) -> None:
    _require(p in (2, None, "fro"))
    _squared(t, out, x, dim, keepdim)


for _name in ("amin", "max", "min", "argmax", "argmin"):
    RULES[_name] = _reduction(_name, None, lambda n, m: Work(compares=n - m))


@rule("var", "std")
def _variance(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
    """Of each group of n: n - 1 adds and a division for the mean, n differences, n squares, and as much for theirs."""
    n, m = t.each(x.numel()), t.each(out.numel())
    t.sample(out)
    t.traced("var", [x], out, Work(adds=3 * n - 2 * m, muls=n, divs=2 * m))


def _recurrent(name: str, kind: type[ops.LSTM | ops.GRU]) -> Rule:
    """torch.nn.LSTM or GRU; of other axes than tokens and features, or of states given, a row of torch's own."""

    def recurrent(
        t: Tracer,
        out: Sequence[Tensor],
        x: Tensor,
        hx: Any,
        weights: Any,
        bias: bool = False,
        layers: int = 1,
        dropout: float = 0,
        train: bool = False,
        both: bool = False,
        *_: Any,
    ) -> None:
        _require(isinstance(weights, list | tuple) and not t.alive(*weights))
        states = t.alive(*hx) if isinstance(hx, list | tuple) else t.alive(hx)
        matrices, biases = [w for w in weights if w.dim() == 2], [w for w in weights if w.dim() == 1]
        used = {"weights": matrices, "biases": biases}
        first, *last = out
        if not states and len(t.sample(x)) == 2 and len(matrices) == 2 * layers * (1 + both):  # no projections
            t.emit(kind(matrices[1].shape[1], layers, bias, both), [x], first, used)
        else:
            positions = t.each(x.numel()) // x.shape[-1]
            cells = sum(int(w.shape[0]) for w in matrices if w.shape[0] == kind.gates * w.shape[1]) // kind.gates
            done = kind.each.times(positions * cells)._replace(macs=positions * sum(w.numel() for w in matrices))
            done = done._replace(adds=done.adds + positions * sum(w.numel() for w in biases))
            t.traced(name, [x, *states], first, done, used=used)
        for state in last:
            t.traced(name, [first], state, used={})

    return recurrent


RULES["lstm"], RULES["gru"] = _recurrent("lstm", ops.LSTM), _recurrent("gru", ops.GRU)


# -- moves -----------------------------------------------------------------------------------------------------------


@rule("flatten", "view", "reshape", "ravel", "view_as", "reshape_as", "squeeze", "unsqueeze", "unflatten")
def _reshape(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
    _shaped(t, out, t.live(x))


def _shaped(t: Tracer, out: Tensor, made: Any) -> None:
    """What a function returned is what is made of its input, with other axes if they differ."""
    shape = t.sample(out)
    if shape != made.shape:
        t.emit(_reshaping(made.shape, shape), [made], out)
    else:
        t.same(out, made)


def _reshaping(x: Shape, y: Shape) -> Op:
    """A flatten, where a run of axes becomes one."""
    if len(y) == 1:
        return ops.Flatten()
    before = 0
    while before < min(len(x), len(y)) and x[before] == y[before]:
        before += 1
    after = 0
    while after < min(len(x), len(y)) - before and x[-1 - after] == y[-1 - after]:
        after += 1
    if len(y) - before - after == 1 and len(x) - before - after > 1:
        return ops.Flatten(before + 1, len(x) - after)
    return ops.Reshape(y)


@rule("expand", "expand_as", "broadcast_to")
def _expand(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
    _require(t.sample(out) == t.live(x).shape)
    t.same(out, x)


@rule("permute")
def _permute(t: Tracer, out: Tensor, x: Tensor, *dims: Any, **named: Any) -> None:
    given = named.get("dims", dims)
    _permuted(t, out, x, given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given)


@rule("transpose", "swapaxes", "swapdims")
def _transpose(t: Tracer, out: Tensor, x: Tensor, a: int, b: int) -> None:
    order = [*range(x.dim())]
    order[a], order[b] = order[b], order[a]
    _permuted(t, out, x, order)


@rule("t", "T", "mT")
def _transposed(t: Tracer, out: Tensor, x: Tensor) -> None:
    _require(x.dim() > 1)
    _transpose(t, out, x, -2, -1)


@rule("movedim", "moveaxis")
def _movedim(t: Tracer, out: Tensor, x: Tensor, source: Any, destination: Any) -> None:
    moved, to = ([n % x.dim() for n in (v if isinstance(v, list | tuple) else [v])] for v in (source, destination))
    rest = iter(n for n in range(x.dim()) if n not in moved)
    _permuted(t, out, x, [moved[to.index(n)] if n in to else next(rest) for n in range(x.dim())])


def _permuted(t: Tracer, out: Tensor, x: Tensor, order: Sequence[int]) -> None:
    dims = t.order(x, order)
    if [*dims] == [*range(1, len(dims) + 1)]:
        t.same(out, x)
    else:
        t.emit(ops.Permute(dims), [x], out)


@rule("roll")
def _roll(t: Tracer, out: Tensor, x: Tensor, shifts: Any, dims: Any = None) -> None:
    _require(dims is not None and dims != ())
    by, along = ([*v] if isinstance(v, list | tuple) else [v] for v in (shifts, dims))
    places = tuple(t.dim(x, dim) for dim in along)
    t.emit(ops.Roll(tuple(map(int, by)), places), [x], out)


@rule("cat", "concat", "concatenate")
def _cat(t: Tracer, out: Tensor, tensors: Sequence[Tensor], dim: int = 0, **_: Any) -> None:
    xs = [x for x in tensors if x.numel()]
    if len(xs) == 1:
        t.same(out, xs[0])
        return
    t.emit(ops.Concat(t.dim(out, dim)), [t.aligned(x, out) for x in xs], out)


@rule("stack")
def _stack(t: Tracer, out: Tensor, tensors: Sequence[Tensor], dim: int = 0) -> None:
    place = t.dim(out, dim)
    shape = [*t.sample(out)]
    shape[place - 1 if place > 0 else place] = 1
    xs = [t.step(ops.Reshape(tuple(shape)), [x]) for x in tensors]
    if len(xs) == 1:
        t.same(out, xs[0])
    else:
        t.emit(ops.Concat(place), xs, out)


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split")
def _split(t: Tracer, out: Sequence[Tensor], x: Tensor, size: Any = None, dim: int = 0, **_: Any) -> None:
    place = t.dim(x, dim)
    if len(out) == 1:
        t.same(out[0], x)
    elif len({part.shape for part in out}) == 1:
        for index, part in enumerate(out):
            t.emit(ops.Split(len(out), index, place), [x], part)
    else:
        start = 0
        for part in out:
            n = int(part.shape[dim])
            if n:
                end = start + n
                t.emit(ops.Slice(place, start, None if end == x.shape[dim] else end), [x], part)
                start = end


@rule("unbind", "__iter__")
def _unbind(t: Tracer, out: Sequence[Tensor], x: Tensor, dim: int = 0) -> None:
    for index, part in enumerate(out):
        _taken(t, part, x, {dim % x.dim(): index})


@rule("select")
def _select(t: Tracer, out: Tensor, x: Tensor, dim: int, index: int) -> None:
    _taken(t, out, x, {dim % x.dim(): index})


@rule("narrow")
def _narrow(t: Tracer, out: Tensor, x: Tensor, dim: int, start: Any, length: int) -> None:
    _require(isinstance(start, int))
    _taken(t, out, x, {dim % x.dim(): slice(start, start + length)})


@rule("__getitem__")
def _getitem(t: Tracer, out: Tensor, x: Tensor, index: Any) -> None:
    given = [*index] if isinstance(index, tuple) else [index]
    _require(all(one is None or one is Ellipsis or type(one) is not bool for one in given))
    _require(all(one is None or one is Ellipsis or isinstance(one, int | slice) for one in given))
    axes = [one for one in given if one is not None]
    if Ellipsis in axes:
        at = axes.index(Ellipsis)
        axes[at : at + 1] = [slice(None)] * (x.dim() - len(axes) + 1)
    _taken(t, out, x, dict(enumerate(axes)))


def _taken(t: Tracer, out: Tensor, x: Tensor, wanted: dict[int, Any]) -> None:
    """Elements of axes, by number or slice: axes of which there is one element are those of the output."""
    made = t.live(x)
    for axis, one in wanted.items():
        n = int(x.shape[axis])
        if isinstance(one, slice):
            start, stop, step = one.indices(n)
            if (start, step) == (0, 1) and stop == n:
                continue
            first = _end(one.start, start, n) or 0
            last = None if stop == n else _end(one.stop, stop, n)
        else:
            first, step = int(one), 1
            last = None if first == -1 else first + 1
        made = t.step(ops.Slice(t.dim(x, axis), first, last, step), [made])
    _shaped(t, out, made)


def _end(given: Any, known: int, n: int) -> int:
    """An end of a slice as it was written, if it is within: a number from the end stays one at other sizes."""
    return int(given) if given is not None and -n < int(given) < 0 else known


@rule("pad", "constant_pad_nd")
def _pad(t: Tracer, out: Tensor, x: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None) -> None:
    if out.shape == x.shape and not any(pad):
        t.same(out, x)
        return
    _plain(t, x)
    pairs = [*zip(pad[::2], pad[1::2], strict=True)][::-1]
    pairs = [(0, 0)] * (x.dim() - len(pairs)) + pairs
    if mode != "constant" or value:
        if pairs[1] != (0, 0) or min(map(min, pairs)) < 0:
            raise NoRuleError
        t.emit(ops.Pad(tuple(pairs[2:]), mode, value or 0), [x], out)
        return
    if pairs[1] == (0, 0):
        t.emit(ops.ZeroPad(tuple(pairs[2:])), [x], out)
        return
    if any(pair != (0, 0) for pair in pairs[2:]):
        raise NoRuleError
    t.emit(ops.ChannelPad(pairs[1][1], pairs[1][0]), [x], out)


@rule("interpolate", "upsample")
def _interpolate(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    *_: Any,
    **__: Any,
) -> None:
    _plain(t, x)
    sizes = [*zip(x.shape[2:], out.shape[2:], strict=True)]
    if size is None and mode in ("nearest", "bilinear") and all(m % n == 0 for n, m in sizes):
        t.emit(ops.Upsample(_one([m // n for n, m in sizes]), mode), [x], out)
        return
    t.emit(ops.Resize(_one(out.shape[2:]), mode), [x], out)


@rule("pixel_shuffle")
def _pixel_shuffle(t: Tracer, out: Tensor, x: Tensor, factor: int) -> None:
    _plain(t, x)
    t.emit(ops.PixelShuffle(factor), [x], out)


@rule("pixel_unshuffle")
def _pixel_unshuffle(t: Tracer, out: Tensor, x: Tensor, factor: int) -> None:
    _plain(t, x)
    t.emit(ops.PixelUnshuffle(factor), [x], out)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(t: Tracer, out: Tensor, x: Tensor, groups: int) -> None:
    _plain(t, x)
    t.emit(ops.ChannelShuffle(groups), [x], out)


@rule("copy")
def _copy(t: Tracer, out: Tensor, x: Tensor, source: Tensor, non_blocking: bool = False) -> None:
    t.traced("copy", [source], out)


@rule("__setitem__")
def _setitem(t: Tracer, out: None, x: Tensor, index: Any, value: Any) -> None:
    t.traced("setitem", [x, *([value] if isinstance(value, Tensor) else [])], x)
