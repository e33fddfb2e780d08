"""Operations of Keras (`keras.ops`) as operators, which take what the operation takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import KerasTensor

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.functions import summed_products
from convcost.imports.keraslayers.common import OPERATIONS, Rule, of_operation, require
from convcost.imports.keraslayers.moves import permuted, shaped
from convcost.imports.kerasmodel import NoRuleError, _Run
from convcost.imports.recipe import Used
from convcost.ops import Op, Work, elements


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
    require(isinstance(o.axis, int))
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
    require(elements(shape) == elements(value.shape))
    return shaped(t, value, shape)


@of_operation("Transpose")
def _transpose(t: _Run, o: Any, out: Any, x: Any) -> Value:
    rank = len(out.shape)
    order = [axis % rank for axis in (o.axes or range(rank)[::-1])]
    return permuted(t, t.value(x), order, out)


@of_operation("Swapaxes")
def _swapaxes(t: _Run, o: Any, out: Any, x: Any) -> Value:
    order = [*range(len(out.shape))]
    a, b = o.axis1, o.axis2
    order[a], order[b] = order[b], order[a]
    return permuted(t, t.value(x), order, out)


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
        require(xs)
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
        require(None not in axes)
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
    require(len(a.shape) > 1 and len(b.shape) > 1)
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
