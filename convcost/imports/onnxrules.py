"""What operators of ONNX are, as operators: one rule each, from the run, its attributes and its inputs to its outputs.

Importing this module imports onnx and numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convcost import ops
from convcost.errors import ConvcostError, ShapeError
from convcost.imports.onnxconstants import Value, moved, sliced
from convcost.imports.registry import entered_in
from convcost.ops import Op, Work, format_shape

if TYPE_CHECKING:
    from convcost.imports.onnxfile import Run

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
"""The rule of each operator, by its name: from the run, its attributes and its inputs to its outputs."""

rule = entered_in(RULES)


def _one(values: Sequence[Any]) -> Any:
    return values[0] if len(set(values)) == 1 else tuple(values)


def _axis(axis: int, x: Value) -> int:
    """An axis, counted from the first."""
    rank = len(x.shape)
    if not -rank <= axis < rank:
        raise ShapeError(f"there is no axis {axis} of {format_shape(x.shape)}")
    return axis % rank


def _window(a: Mapping[str, Any], kernel: Sequence[int]) -> tuple[Any, Any, Any, Any]:
    """Kernel, stride, padding and dilation as our operators have them."""
    rank = len(kernel)
    stride, dilation = _one(a.get("strides", [1] * rank)), _one(a.get("dilations", [1] * rank))
    auto = a.get("auto_pad", b"NOTSET").decode()
    pads = [*zip(a.get("pads", [0] * 2 * rank)[:rank], a.get("pads", [0] * 2 * rank)[rank:], strict=True)]
    if auto == "SAME_LOWER":
        raise ConvcostError("auto_pad SAME_LOWER has no rule")
    even = all(before == after for before, after in pads)
    padding: Any = _one([before for before, _ in pads]) if even else tuple(pads)
    return _one(kernel), stride, {"SAME_UPPER": "same", "VALID": 0}.get(auto, padding), dilation


@rule("Conv")
def _conv(run: Run, a: Mapping[str, Any], x: Value, w: Value, b: Value | None = None) -> Value:
    kernel, stride, padding, dilation = _window(a, w.shape[2:])
    groups, outputs = a.get("group", 1), w.shape[0]
    channels = w.shape[1] * groups
    if channels != x.shape[1]:
        raise ShapeError(f"its weights are for {channels} channels, its input has {x.shape[1]}")
    op: Op = ops.Conv(outputs, kernel, stride, padding, dilation, groups, b is not None)
    if groups == channels > 1:
        op = ops.DepthwiseConv(kernel, stride, padding, dilation, outputs // channels, b is not None)
    return run.emit(op, x, weights=[w], biases=[b])


@rule("ConvTranspose")
def _conv_transpose(run: Run, a: Mapping[str, Any], x: Value, w: Value, b: Value | None = None) -> Value:
    kernel, stride, padding, dilation = _window(a, w.shape[2:])
    groups, more = a.get("group", 1), _one(a.get("output_padding", [0]))
    if isinstance(padding, str) or "output_shape" in a:
        raise ConvcostError("its padding follows from its output's size, which has no rule")
    op = ops.ConvTranspose(w.shape[1] * groups, kernel, stride, padding, more, groups, b is not None, dilation)
    return run.emit(op, x, weights=[w], biases=[b])


@rule("Gemm")
def _gemm(run: Run, a: Mapping[str, Any], x: Value, w: Value, b: Value | None = None) -> Value:
    inside, outside = w.shape if not a.get("transB") else w.shape[::-1]
    if w.number is not None or a.get("transA") or x.sample != (inside,):
        raise ShapeError(f"weights for {inside} features, an input of {format_shape(x.sample)}")
    return run.emit(ops.Linear(outside, b is not None), x, weights=[w], biases=[b])


@rule("MatMul")
def _matmul(run: Run, a: Mapping[str, Any], x: Value, y: Value) -> Value:
    if x.shape[-1] != y.shape[-2 if len(y.shape) > 1 else 0]:
        raise ShapeError(f"{format_shape(x.shape)} by {format_shape(y.shape)}")
    if len(x.shape) == len(y.shape) == 2 and y.number is None:
        return run.emit(ops.Linear(y.shape[1], bias=False), x, weights=[y])
    full = (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1])
    return run.traced("matmul", full, x, y, done=Work(prod(full) * x.shape[-1]))


@rule("BatchNormalization")
def _batch_norm(run: Run, a: Mapping[str, Any], x: Value, g: Value, b: Value, mean: Value, variance: Value) -> Value:
    return run.emit(ops.BatchNorm(), x, norm_affine=[g, b], norm_stats=[mean, variance])


@rule("InstanceNormalization")
def _instance_norm(run: Run, a: Mapping[str, Any], x: Value, g: Value, b: Value) -> Value:
    return run.emit(ops.InstanceNorm(affine=True), x, norm_affine=[g, b])


@rule("LayerNormalization")
def _layer_norm(run: Run, a: Mapping[str, Any], x: Value, g: Value, b: Value | None = None) -> Value:
    n = prod(x.shape)
    parts = prod(x.shape[: a.get("axis", -1)])
    work = Work(adds=4 * n - parts, muls=2 * n, divs=n + 2 * parts, exps=parts)
    return run.traced("layer_norm", x.shape, x, g, b, done=work)


def _same(op: Callable[[Mapping[str, Any]], Op]) -> Rule:
    return lambda run, a, x, *_: run.emit(op(a), x)


RULES.update(
    {
        "Relu": _same(lambda a: ops.ReLU()),
        "LeakyRelu": _same(lambda a: ops.LeakyReLU(a.get("alpha", 0.01))),
        "Elu": _same(lambda a: ops.ELU(a.get("alpha", 1.0))),
        "Selu": _same(lambda a: ops.SELU()),
        "Sigmoid": _same(lambda a: ops.Sigmoid()),
        "Tanh": _same(lambda a: ops.Tanh()),
        "Softplus": _same(lambda a: ops.Softplus()),
        "Mish": _same(lambda a: ops.Mish()),
        "Gelu": _same(lambda a: ops.GELU(a.get("approximate", b"none").decode())),
        "HardSigmoid": _same(lambda a: ops.HardSigmoid()),
        "HardSwish": _same(lambda a: ops.HardSwish()),
        "LRN": _same(lambda a: ops.LocalResponseNorm(a["size"])),
        "Dropout": _same(lambda a: ops.Dropout()),
        "GlobalAveragePool": _same(lambda a: ops.GlobalAvgPool()),
        "GlobalMaxPool": _same(lambda a: ops.GlobalMaxPool()),
        "DepthToSpace": _same(lambda a: ops.PixelShuffle(a["blocksize"])),
        "SpaceToDepth": _same(lambda a: ops.PixelUnshuffle(a["blocksize"])),
        "Identity": lambda run, a, x: x,
        "Cast": lambda run, a, x: x,
        "Shape": lambda run, a, x: _numbers(np.array(x.shape)),
        "Size": lambda run, a, x: _numbers(np.array(prod(x.shape))),
    }
)


def _numbers(values: Any) -> Value:
    return Value(values.shape, numbers=values)


@rule("PRelu")
def _prelu(run: Run, a: Mapping[str, Any], x: Value, slope: Value) -> Value:
    return run.emit(ops.PReLU(prod(slope.shape)), x, weights=[slope])


@rule("Clip")
def _clip(run: Run, a: Mapping[str, Any], x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    bounds = [a.get("min") if low is None else low.numbers, a.get("max") if high is None else high.numbers]
    least, most = (None if n is None else float(n) for n in bounds)
    if (least, most) == (0, 6):
        return run.emit(ops.ReLU6(), x)
    if least is None or most is None:
        return run.traced("clip", x.shape, x, done=Work(compares=prod(x.shape)))
    return run.emit(ops.HardTanh(least, most), x)


@rule("Softmax", "LogSoftmax")
def _softmax(run: Run, a: Mapping[str, Any], x: Value) -> Value:
    if _axis(a.get("axis", 1 if len(x.shape) == 2 else -1), x) == 1:
        return run.emit(ops.Softmax(), x)
    n, vectors = prod(x.shape), prod(x.shape) // x.shape[a.get("axis", -1)]
    return run.traced("softmax", x.shape, x, done=Work(compares=n - vectors, adds=2 * n - vectors, exps=n, divs=n))


def _pooling(largest: bool) -> Rule:
    def pooling(run: Run, a: Mapping[str, Any], x: Value) -> Value:
        kernel, stride, padding, dilation = _window(a, a["kernel_shape"])
        ceil = bool(a.get("ceil_mode", 0))
        if largest:
            return run.emit(ops.MaxPool(kernel, stride, padding, dilation, ceil), x)
        return run.emit(ops.AvgPool(kernel, stride, padding, ceil), x)

    return pooling


RULES["MaxPool"], RULES["AveragePool"] = _pooling(largest=True), _pooling(largest=False)


@rule("Flatten")
def _flatten(run: Run, a: Mapping[str, Any], x: Value) -> Value:
    if _axis(a.get("axis", 1), x) == 1:
        return run.emit(ops.Flatten(), x)
    axis = _axis(a.get("axis", 1), x)
    return run.traced("flatten", (prod(x.shape[:axis]), prod(x.shape[axis:])), x, view=True)


def _moving(name: str) -> Rule:
    def moving(run: Run, a: Mapping[str, Any], x: Value, *more: Value) -> Value:
        full = moved(name, a, x, [_known(one) for one in more])
        if full == x.shape:
            return x
        if len(full) == 2 and full[0] == x.shape[0] == 1 and len(x.shape) > 2 and name != "Transpose":
            return run.emit(ops.Flatten(), x)
        return run.traced(name.lower(), full, x, view=True)

    return moving


RULES.update({name: _moving(name) for name in ("Reshape", "Squeeze", "Unsqueeze", "Transpose", "Expand")})


def _known(value: Value) -> Any:
    if value.numbers is None:
        raise ConvcostError("what it makes depends on the data")
    return value.numbers


@rule("Concat")
def _concat(run: Run, a: Mapping[str, Any], *xs: Value) -> Value:
    axis = _axis(a["axis"], xs[0])
    if len(xs) == 1:
        return xs[0]
    if axis == 1 and all(x.number is not None for x in xs):
        return run.emit(ops.Concat(), *xs)
    full = list(xs[0].shape)
    full[axis] = sum(x.shape[axis] for x in xs)
    return run.traced("concat", tuple(full), *xs)


@rule("Split")
def _split(run: Run, a: Mapping[str, Any], x: Value, sizes: Value | None = None) -> list[Value]:
    axis = _axis(a.get("axis", 0), x)
    each = [int(n) for n in (a.get("split", ()) if sizes is None else _known(sizes))]
    if not each and (parts := a.get("num_outputs")):
        most = -(-x.shape[axis] // parts)  # what is left over is the last one's
        each = [min(most, x.shape[axis] - i * most) for i in range(parts)]
    if not each:
        raise ConvcostError("it does not say into how many parts")
    if sum(each) != x.shape[axis] or min(each) < 1:
        raise ShapeError(f"parts of {', '.join(map(str, each))} of axis {axis} of {format_shape(x.shape)}")
    if axis == 1 and len(set(each)) == 1:
        return [run.emit(ops.Split(len(each), i), x) for i in range(len(each))]
    return [run.traced("split", (*x.shape[:axis], n, *x.shape[axis + 1 :]), x, view=True) for n in each]


@rule("Gather")
def _gather(run: Run, a: Mapping[str, Any], x: Value, indices: Value) -> Value:
    """Some of a map at places that are known, or rows of a table by places that are data: an embedding."""
    axis = _axis(a.get("axis", 0), x)
    full = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if x.number is None:
        return run.traced("gather", full, indices, x)
    return run.traced("gather", full, x, indices if indices.number is not None else None)


@rule("Slice")
def _slice(run: Run, a: Mapping[str, Any], x: Value, *more: Value | None) -> Value:
    picture = np.broadcast_to(np.zeros(1, bool), x.shape)
    full = sliced(a, picture, *(None if one is None else _known(one) for one in more)).shape
    return run.traced("slice", tuple(map(int, full)), x, view=True)


@rule("Pad")
def _pad(run: Run, a: Mapping[str, Any], x: Value, pads: Value | None = None, *_: Value | None) -> Value:
    sides = [int(n) for n in (a.get("pads", a.get("paddings")) if pads is None else _known(pads))]
    rank = len(x.shape)
    pairs = [*zip(sides[:rank], sides[rank:], strict=True)]
    if pairs[:2] == [(0, 0), (0, 0)] and a.get("mode", b"constant") == b"constant":
        return run.emit(ops.ZeroPad(tuple(pairs[2:])), x)
    return run.traced("pad", tuple(n + sum(pair) for n, pair in zip(x.shape, pairs, strict=True)), x)


def _elementwise(name: str, per_element: Work, same: Callable[[], Op] | None = None) -> Rule:
    def elementwise(run: Run, a: Mapping[str, Any], *xs: Value) -> Value:
        live = [x for x in xs if x.number is not None]
        if same is not None and len(live) == len(xs) > 1 and len({len(x.shape) for x in xs}) == 1:
            try:
                return run.emit(same(), *xs)
            except ShapeError:
                pass  # it broadcasts in another way
        full = tuple(map(int, np.broadcast_shapes(*(x.shape for x in xs))))
        return run.traced(name, full, *xs, done=per_element.times(prod(full) * max(1, len(xs) - 1)))

    return elementwise


for _name, _work, _op in (
    ("Add", Work(adds=1), ops.Add),
    ("Sum", Work(adds=1), ops.Add),
    ("Sub", Work(adds=1), None),
    ("Mul", Work(muls=1), ops.Multiply),
    ("Div", Work(divs=1), None),
    ("Pow", Work(exps=1), None),
    ("Exp", Work(exps=1), None),
    ("Log", Work(exps=1), None),
    ("Sqrt", Work(exps=1), None),
    ("Erf", Work(exps=1), None),
    ("Neg", Work(muls=1), None),
    ("Abs", Work(compares=1), None),
    ("Max", Work(compares=1), None),
    ("Min", Work(compares=1), None),
    ("Reciprocal", Work(divs=1), None),
):
    RULES[_name] = _elementwise(_name.lower(), _work, _op)


def _reducing(name: str, op: Callable[..., Op] | None) -> Rule:
    def reducing(run: Run, a: Mapping[str, Any], x: Value, axes: Value | None = None) -> Value:
        given = a.get("axes") if axes is None else _known(axes)
        rank = len(x.shape)
        dims = sorted(_axis(int(n), x) for n in (range(rank) if given is None else given))
        keep = bool(a.get("keepdims", 1))
        if op is not None and 0 not in dims and (keep or len(dims) < rank - 1):
            return run.emit(op(_one(dims), keep), x)
        full = tuple(1 if i in dims else n for i, n in enumerate(x.shape) if keep or i not in dims)
        return run.traced(name, full or (1,), x, done=Work(adds=prod(x.shape) - prod(full)))

    return reducing


for _name, _reduction in (("mean", ops.Mean), ("sum", ops.Sum), ("max", ops.Amax), ("l2", None)):
    RULES[f"Reduce{_name.capitalize()}"] = _reducing(_name, _reduction)


@rule("Resize", "Upsample")
def _resize(run: Run, a: Mapping[str, Any], x: Value, *more: Value | None) -> Value:
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}[a.get("mode", b"nearest").decode()]
    sizes = more[2] if len(more) > 2 else None
    scales = next(
        (one.numbers for one in more[1::-1] if one is not None and one.numbers is not None and one.numbers.size),
        a.get("scales"),
    )
    if sizes is not None:
        full = tuple(int(n) for n in _known(sizes))
    elif scales is not None:
        full = tuple(int(n * float(f)) for n, f in zip(x.shape, scales, strict=True))
    else:
        raise ConvcostError("it does not say to what size")
    factors = [m // n if m % n == 0 else 0 for n, m in zip(x.shape[2:], full[2:], strict=True)]
    if full[:2] != x.shape[:2]:
        raise ConvcostError("it resizes channels")
    if all(factors) and mode in ("nearest", "bilinear"):
        return run.emit(ops.Upsample(_one(factors), mode), x)
    return run.emit(ops.Resize(_one(full[2:]), mode), x)
