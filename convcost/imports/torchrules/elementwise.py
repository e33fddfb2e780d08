"""Activations of torch, and its arithmetic of tensors, as operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.torchrules.common import RULES, require, require_plain, rule
from convcost.imports.tracing import NoRuleError, Rule, Tracer
from convcost.ops import Op, Work


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
    require_plain(t, x)
    t.emit(ops.PReLU(weight.numel()), [x], out, {"weights": weight})


@rule("dropout", "dropout1d", "dropout2d", "dropout3d", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def _dropout(t: Tracer, out: Tensor, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> None:
    if training:
        raise NoRuleError
    t.emit(ops.Dropout(p), [x], out)


def _softmax(name: str, op: Callable[[int], Op], done: Callable[[int, int], Work]) -> Rule:
    """`done` is the work on so many elements in so many vectors."""

    def softmax(t: Tracer, out: Tensor, x: Tensor, dim: int | None = None, *_: Any, **__: Any) -> None:
        if dim is None:
            raise NoRuleError
        try:
            t.emit(op(t.dim(x, dim)), [x], out)
        except NoRuleError:
            n = t.each(x.numel())
            t.traced(name, [x], out, done(n, n // x.shape[dim]))

    return softmax


RULES["softmax"] = _softmax(
    "softmax", ops.Softmax, lambda n, vectors: Work(compares=n - vectors, adds=2 * n - vectors, exps=n, divs=n)
)
RULES["log_softmax"] = _softmax(
    "log_softmax",
    ops.LogSoftmax,
    lambda n, vectors: Work(compares=n - vectors, adds=3 * n - vectors, exps=n + vectors),
)


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
                require(scalar is not None)
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
