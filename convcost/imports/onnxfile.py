"""ONNX files as recipes, without torch and without onnx's own inference of shapes: our rules give every shape.

A graph is run once, node by node, on one sample: tensors are their shapes, small tensors of numbers (sizes, and what is
computed of them) are numbers. Nothing in a file is executed, weights are not read, and external data is not opened.
Importing this module imports onnx and numpy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper

from convcost import ops
from convcost.cost.graph import evaluate
from convcost.errors import ConvcostError, ShapeError, one_line, reason
from convcost.imports.inputs import Known, names_of
from convcost.imports.recipe import UNUSED, Call, Recipe, Step, Stored, Used
from convcost.imports.registry import entered_in
from convcost.ops import NO_WORK, Op, Shape, Work, format_shape, inputs_of
from convcost.ops.base import Memory
from convcost.ops.traced import Traced

MAX_BYTES = 2 << 30
"""Of a file: as much as the format allows."""
MAX_NUMBERS = 4096
"""Elements of a constant whose values are looked at: those of sizes are few."""
MAX_ELEMENTS = 1 << 62
"""Elements of a tensor that a file may declare."""


class Value(NamedTuple):
    """A tensor of the graph: made by a step, or constant, and then perhaps with its numbers."""

    shape: Shape
    """All axes, that of the samples, which is 1, included."""
    number: int | None = None
    """Of the step that makes it, or of an input; None for a constant."""
    key: int = 0
    """Of a constant, what it is stored as."""
    numbers: Any = None

    @property
    def sample(self) -> Shape:
        """The shape of one sample."""
        return self.shape[1:] or (1,)


class Model:
    """An ONNX file, read and parsed. Raises ConvcostError, in one line, for what is none."""

    guess: Shape | None = None

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > MAX_BYTES:
            raise ConvcostError(f"{path}: larger than an ONNX file can be, 2 GB")
        self.name = str(path)
        proto = onnx.ModelProto()
        try:
            proto.ParseFromString(path.read_bytes())
        except DecodeError:
            raise ConvcostError(f"{path}: no ONNX file, or not all of one") from None
        self.graph = proto.graph
        if not self.graph.node or not self.graph.output:
            raise ConvcostError(f"{path}: no ONNX file, or one without a network")
        stored = {one.name for one in self.graph.initializer}
        self.inputs = [one for one in self.graph.input if one.name not in stored]
        if not self.inputs:
            raise ConvcostError(f"{path}: a network takes an input, and this one has none")

    @property
    def known(self) -> Known:
        """Its inputs by name, with the shape of one sample of those of which the file says it."""
        layers = {path[0] for node in self.graph.node if (path := _path(node))}
        names = names_of([one.name for one in self.inputs], layers) if len(self.inputs) > 1 else ["input"]
        return {name: _of_one(_declared(one)) for name, one in zip(names, self.inputs, strict=True)}

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the node, where one has no rule or does not fit."""
        return _Run(self, shape).recipe()


def _of_one(sizes: Shape) -> Shape | None:
    """The shape of one sample, None if some of it is left open."""
    return None if not sizes or not all(sizes[1:]) else sizes[1:] or (1,)


def _path(node: Any) -> tuple[str, ...]:
    """The scopes that a node's name says, and its own."""
    return tuple(part for part in one_line(node.name).replace("::", "/").split("/") if part.strip())


_OF_EXPORTERS = re.compile(r"val_[0-9]+|onnx::[A-Za-z]+_[0-9]+")
"""What torch's exporters call a tensor that is no parameter by its own name: `val_57` is the scale of an attention."""


def _is_number(shape: Shape) -> bool:
    """Whether a constant is a number of the graph's own, the bound of a Clip or a scale, unless a layer has it."""
    return shape in ((), (1,))


def _declared(value: Any) -> Shape:
    """Sizes that a file says of a tensor, 0 for one that it leaves open."""
    return tuple(max(0, int(axis.dim_value)) for axis in value.type.tensor_type.shape.dim)


class _Run:
    def __init__(self, model: Model, shape: Shape) -> None:
        self.model = model
        self.values: dict[str, Value] = {}
        self.steps: list[Step] = []
        self.stored: dict[int, Stored] = {}
        self.inputs: list[Shape] = []
        self.call = Call((), 0)
        for one in model.graph.initializer:
            self._store(one)
        given = inputs_of(shape)
        self.called = tuple(given) if len(given) > 1 else ()
        for number, (declared, sizes) in enumerate(zip(model.inputs, given.values(), strict=True), 1):
            alone = len(declared.type.tensor_type.shape.dim) == 1 and sizes == (1,)
            self.inputs.append(tuple(sizes))
            self.values[declared.name] = Value((1,) if alone else (1, *sizes), -number)

    def recipe(self) -> Recipe:
        for number, node in enumerate(self.model.graph.node):
            self.call = Call(_path(node), number)
            called = f"node {node.op_type} {node.name!r}" if node.name else f"node {number + 1}, {node.op_type}"
            try:
                self._run(node)
            except ConvcostError as error:
                raise ConvcostError(f"{called}: {error}") from None
            except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise ConvcostError(f"{called}: not as its operator has it ({reason(error)})") from error
        outputs = [self._value(one.name).number for one in self.model.graph.output]
        made = [number for number in outputs if number is not None and number >= 0]
        if not made:
            raise ConvcostError("no output depends on the input")
        returned = tuple(dict.fromkeys(made))
        return Recipe(tuple(self.inputs), tuple(self.steps), returned, self.stored, called=self.called)

    def _run(self, node: Any) -> None:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        inputs = [self._value(name) if name else None for name in node.input]
        constant = all(one is None or one.number is None for one in inputs)
        rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        made: Any = _computed(node.op_type, inputs, attributes) if constant else None
        if made is None:
            if rule is None:
                raise ConvcostError("there is no rule for this operator")
            made = rule(self, attributes, *inputs)
        each = made if isinstance(made, list) else [made]
        for name, value in zip(node.output, each, strict=False):
            if value.number is None and value.key == 0:
                key = len(self.stored) + 1
                # Sizes and axes are no parameters, and what is computed is one if it is made of one.
                kind = getattr(value.numbers, "dtype", None)
                known = [self.stored[one.key].trained for one in inputs if one is not None and one.number is None]
                fills = not known or node.op_type == "ConstantOfShape"  # what some have for weights that they leave out
                learned = not _is_number(value.shape) if fills else any(known)
                self.stored[key] = Stored(name, prod(value.shape), (kind is None or kind.kind == "f") and learned)
                value = value._replace(key=key)  # now it has one
            self.values[name] = value

    def _value(self, name: str) -> Value:
        if name not in self.values:
            raise ConvcostError(f"it takes {name!r}, which nothing before it makes")
        return self.values[name]

    def _store(self, one: Any) -> None:
        shape = tuple(int(n) for n in one.dims)
        if any(n < 0 for n in shape) or prod(shape) > MAX_ELEMENTS:
            raise ConvcostError(f"{one.name!r} has no shape: {format_shape(shape)}")
        numbers = None
        if prod(shape) <= MAX_NUMBERS and one.data_location != onnx.TensorProto.EXTERNAL:
            try:
                numbers = numpy_helper.to_array(one)
            except (ValueError, TypeError):
                numbers = None
        key = len(self.stored) + 1
        floats = one.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
        bfloat = one.data_type == onnx.TensorProto.BFLOAT16
        number = _is_number(shape) and _OF_EXPORTERS.fullmatch(one.name)
        self.stored[key] = Stored(one.name, prod(shape), trained=(floats or bfloat) and not number)
        self.values[one.name] = Value(shape, None, key, numbers)

    # -- steps -------------------------------------------------------------------------------------------------------

    def emit(self, op: Op, *inputs: Value, **used: Sequence[Value | None]) -> Value:
        """Append an operator of ours."""
        for one in inputs:
            if one.number is None or one.shape[:1] != (1,):
                raise ConvcostError(f"{op.name} of {format_shape(one.shape)}, whose first axis is not one sample's")
        shape = evaluate(op, tuple(one.sample for one in inputs)).shape
        for one in (one for kind, each in used.items() if kind != "norm_stats" for one in each if one is not None):
            self.stored[one.key] = self.stored[one.key]._replace(trained=True)  # a single number, too, is its weight
        return self._append(op, inputs, (1, *shape), used)

    def traced(self, name: str, full: Shape, *inputs: Value | None, done: Work = NO_WORK, view: bool = False) -> Value:
        """Append an operator of theirs that makes a tensor of this shape; its constants are weights."""
        if prod(full) <= 0 or prod(full) > MAX_ELEMENTS:
            raise ShapeError(f"it would make a tensor of {format_shape(full)}")
        live = [one for one in inputs if one is not None and one.number is not None]
        given = tuple(one.sample if one.shape[:1] == (1,) else one.shape for one in live)
        shape = full[1:] or (1,) if full[:1] == (1,) else full
        memory: Memory = "view" if view and live else "own"
        op = Traced(f"onnx.{name}", memory, done.macs > 0, shape, given, done)
        weights = [one for one in inputs if one is not None and one.number is None]
        return self._append(op, live, full, {"weights": weights})

    def _append(
        self, op: Op, inputs: Sequence[Value], full: Shape, used: Mapping[str, Sequence[Value | None]]
    ) -> Value:
        keys = {kind: frozenset(one.key for one in each if one is not None) for kind, each in used.items()}
        for key in keys.pop("norm_stats", ()):
            self.stored[key] = self.stored[key]._replace(trained=False)
            keys.setdefault("norm_stats", frozenset())
            keys["norm_stats"] |= {key}
        numbers = tuple(one.number for one in inputs if one.number is not None)
        self.steps.append(Step(op, numbers, (self.call,), Used(**keys) if any(keys.values()) else UNUSED))
        return Value(full, len(self.steps) - 1)


Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
"""The rule of each operator, by its name: from the run, its attributes and its inputs to its outputs."""

rule = entered_in(RULES)


def _computed(name: str, inputs: Sequence[Value | None], a: Mapping[str, Any]) -> Value | None:
    """What an operator makes of constants alone: numbers where they are few, else a shape; None if nobody knows."""
    if name == "Constant":
        tensor = a.get("value")
        if tensor is not None:
            shape = tuple(int(n) for n in tensor.dims)
            return Value(shape, numbers=numpy_helper.to_array(tensor) if prod(shape) <= MAX_NUMBERS else None)
        (plain,) = a.values()
        return Value(np.shape(plain), numbers=np.asarray(plain))
    known = [None if one is None else one.numbers for one in inputs]
    if name == "ConstantOfShape" and known[0] is not None:
        shape = tuple(int(n) for n in known[0])
        if any(n < 0 for n in shape) or prod(shape) > MAX_ELEMENTS:
            raise ConvcostError(f"it would make a tensor of {format_shape(shape)}")
        fill = numpy_helper.to_array(a["value"]) if "value" in a else np.zeros(1, "float32")
        return Value(shape, numbers=np.full(shape, fill.reshape(-1)[0]) if prod(shape) <= MAX_NUMBERS else None)
    if name in _NUMBERS and all(n is not None or one is None for n, one in zip(known, inputs, strict=True)):
        made = np.asarray(_NUMBERS[name](a, *known))
        return Value(made.shape, numbers=made) if made.size <= MAX_NUMBERS else None
    first = inputs[0] if inputs else None
    if first is not None and name in ("Identity", "Cast", "Relu", "Neg", "Sqrt", "DequantizeLinear"):
        return first
    if first is not None and name in ("Reshape", "Transpose", "Unsqueeze", "Squeeze", "Expand"):
        return first._replace(numbers=None, shape=_moved(name, a, first, known[1:]))
    return None


def _moved(name: str, a: Mapping[str, Any], x: Value, more: Sequence[Any]) -> Shape:
    wanted = more[0] if more else a.get("shape", a.get("axes"))
    if name == "Transpose":
        return tuple(x.shape[i] for i in a.get("perm", range(len(x.shape))[::-1]))
    if name == "Reshape":
        return _reshaped(x.shape, [int(n) for n in wanted])
    if name == "Expand":
        return tuple(map(int, np.broadcast_shapes(x.shape, tuple(int(n) for n in wanted))))
    axes = None if wanted is None else [int(n) for n in wanted]
    if name == "Squeeze":
        gone = [i for i, n in enumerate(x.shape) if n == 1] if axes is None else [i % len(x.shape) for i in axes]
        return tuple(n for i, n in enumerate(x.shape) if i not in gone)
    rank = len(x.shape) + len(axes or ())
    new = {i % rank for i in axes or ()}
    rest = iter(x.shape)
    return tuple(1 if i in new else next(rest) for i in range(rank))


def _reshaped(shape: Shape, wanted: Sequence[int]) -> Shape:
    sizes = [shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    if -1 in sizes:
        known = -prod(sizes)
        if sizes.count(-1) > 1 or known <= 0 or prod(shape) % known:
            raise ShapeError(f"{format_shape(shape)} cannot be {format_shape(tuple(wanted))}")
        sizes[sizes.index(-1)] = prod(shape) // known
    if prod(sizes) != prod(shape):
        raise ShapeError(f"{format_shape(shape)} cannot be {format_shape(tuple(wanted))}")
    return tuple(sizes)


def _sliced(
    a: Mapping[str, Any], x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    starts, ends = (a["starts"], a["ends"]) if starts is None else (starts, ends)
    axes = a.get("axes", range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    index: list[Any] = [slice(None)] * np.ndim(x)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        index[int(axis)] = slice(int(start), int(end) if abs(int(end)) < 1 << 40 else None, int(step))
    return x[tuple(index)]


_NUMBERS: dict[str, Callable[..., Any]] = {
    "Gather": lambda a, x, i: np.take(x, i.astype(int), axis=a.get("axis", 0)),
    "Concat": lambda a, *xs: np.concatenate(xs, axis=a["axis"]),
    "Unsqueeze": lambda a, x, axes=None: np.expand_dims(
        x, tuple(int(n) for n in (a["axes"] if axes is None else axes))
    ),
    "Squeeze": lambda a, x, axes=None: np.squeeze(x),
    "Cast": lambda a, x: x.astype(onnx.helper.tensor_dtype_to_np_dtype(a["to"])),
    "Identity": lambda a, x: x,
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x // y if np.issubdtype(np.asarray(x).dtype, np.integer) else x / y,
    "Floor": lambda a, x: np.floor(x),
    "Ceil": lambda a, x: np.ceil(x),
    "Slice": _sliced,
    "ReduceProd": lambda a, x, *_: np.prod(x, keepdims=bool(a.get("keepdims", 1))),
    "Range": lambda a, first, end, step: np.arange(first, min(end, first + MAX_NUMBERS * step), step),
    "Reshape": lambda a, x, shape: x.reshape([int(n) for n in shape]),
    "Equal": lambda a, x, y: x == y,
    "Where": lambda a, c, x, y: np.where(c, x, y),
}
"""What is computed of sizes."""


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
def _conv(run: _Run, a: Mapping[str, Any], x: Value, w: Value, b: Value | None = None) -> Value:
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
def _conv_transpose(run: _Run, a: Mapping[str, Any], x: Value, w: Value, b: Value | None = None) -> Value:
    kernel, stride, padding, dilation = _window(a, w.shape[2:])
    groups, more = a.get("group", 1), _one(a.get("output_padding", [0]))
    if isinstance(padding, str) or "output_shape" in a:
        raise ConvcostError("its padding follows from its output's size, which has no rule")
    op = ops.ConvTranspose(w.shape[1] * groups, kernel, stride, padding, more, groups, b is not None, dilation)
    return run.emit(op, x, weights=[w], biases=[b])


@rule("Gemm")
def _gemm(run: _Run, a: Mapping[str, Any], x: Value, w: Value, b: Value | None = None) -> Value:
    inside, outside = w.shape if not a.get("transB") else w.shape[::-1]
    if w.number is not None or a.get("transA") or x.sample != (inside,):
        raise ShapeError(f"weights for {inside} features, an input of {format_shape(x.sample)}")
    return run.emit(ops.Linear(outside, b is not None), x, weights=[w], biases=[b])


@rule("MatMul")
def _matmul(run: _Run, a: Mapping[str, Any], x: Value, y: Value) -> Value:
    if x.shape[-1] != y.shape[-2 if len(y.shape) > 1 else 0]:
        raise ShapeError(f"{format_shape(x.shape)} by {format_shape(y.shape)}")
    if len(x.shape) == len(y.shape) == 2 and y.number is None:
        return run.emit(ops.Linear(y.shape[1], bias=False), x, weights=[y])
    full = (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1])
    return run.traced("matmul", full, x, y, done=Work(prod(full) * x.shape[-1]))


@rule("BatchNormalization")
def _batch_norm(run: _Run, a: Mapping[str, Any], x: Value, g: Value, b: Value, mean: Value, variance: Value) -> Value:
    return run.emit(ops.BatchNorm(), x, norm_affine=[g, b], norm_stats=[mean, variance])


@rule("InstanceNormalization")
def _instance_norm(run: _Run, a: Mapping[str, Any], x: Value, g: Value, b: Value) -> Value:
    return run.emit(ops.InstanceNorm(affine=True), x, norm_affine=[g, b])


@rule("LayerNormalization")
def _layer_norm(run: _Run, a: Mapping[str, Any], x: Value, g: Value, b: Value | None = None) -> Value:
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
def _prelu(run: _Run, a: Mapping[str, Any], x: Value, slope: Value) -> Value:
    return run.emit(ops.PReLU(prod(slope.shape)), x, weights=[slope])


@rule("Clip")
def _clip(run: _Run, a: Mapping[str, Any], x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    bounds = [a.get("min") if low is None else low.numbers, a.get("max") if high is None else high.numbers]
    least, most = (None if n is None else float(n) for n in bounds)
    if (least, most) == (0, 6):
        return run.emit(ops.ReLU6(), x)
    if least is None or most is None:
        return run.traced("clip", x.shape, x, done=Work(compares=prod(x.shape)))
    return run.emit(ops.HardTanh(least, most), x)


@rule("Softmax", "LogSoftmax")
def _softmax(run: _Run, a: Mapping[str, Any], x: Value) -> Value:
    if _axis(a.get("axis", 1 if len(x.shape) == 2 else -1), x) == 1:
        return run.emit(ops.Softmax(), x)
    n, vectors = prod(x.shape), prod(x.shape) // x.shape[a.get("axis", -1)]
    return run.traced("softmax", x.shape, x, done=Work(compares=n - vectors, adds=2 * n - vectors, exps=n, divs=n))


def _pooling(largest: bool) -> Rule:
    def pooling(run: _Run, a: Mapping[str, Any], x: Value) -> Value:
        kernel, stride, padding, dilation = _window(a, a["kernel_shape"])
        ceil = bool(a.get("ceil_mode", 0))
        if largest:
            return run.emit(ops.MaxPool(kernel, stride, padding, dilation, ceil), x)
        return run.emit(ops.AvgPool(kernel, stride, padding, ceil), x)

    return pooling


RULES["MaxPool"], RULES["AveragePool"] = _pooling(largest=True), _pooling(largest=False)


@rule("Flatten")
def _flatten(run: _Run, a: Mapping[str, Any], x: Value) -> Value:
    if _axis(a.get("axis", 1), x) == 1:
        return run.emit(ops.Flatten(), x)
    axis = _axis(a.get("axis", 1), x)
    return run.traced("flatten", (prod(x.shape[:axis]), prod(x.shape[axis:])), x, view=True)


def _moving(name: str) -> Rule:
    def moving(run: _Run, a: Mapping[str, Any], x: Value, *more: Value) -> Value:
        full = _moved(name, a, x, [_known(one) for one in more])
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
def _concat(run: _Run, a: Mapping[str, Any], *xs: Value) -> Value:
    axis = _axis(a["axis"], xs[0])
    if len(xs) == 1:
        return xs[0]
    if axis == 1 and all(x.number is not None for x in xs):
        return run.emit(ops.Concat(), *xs)
    full = list(xs[0].shape)
    full[axis] = sum(x.shape[axis] for x in xs)
    return run.traced("concat", tuple(full), *xs)


@rule("Split")
def _split(run: _Run, a: Mapping[str, Any], x: Value, sizes: Value | None = None) -> list[Value]:
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
def _gather(run: _Run, a: Mapping[str, Any], x: Value, indices: Value) -> Value:
    """Some of a map at places that are known, or rows of a table by places that are data: an embedding."""
    axis = _axis(a.get("axis", 0), x)
    full = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    if x.number is None:
        return run.traced("gather", full, indices, x)
    return run.traced("gather", full, x, indices if indices.number is not None else None)


@rule("Slice")
def _slice(run: _Run, a: Mapping[str, Any], x: Value, *more: Value | None) -> Value:
    picture = np.broadcast_to(np.zeros(1, bool), x.shape)
    full = _sliced(a, picture, *(None if one is None else _known(one) for one in more)).shape
    return run.traced("slice", tuple(map(int, full)), x, view=True)


@rule("Pad")
def _pad(run: _Run, a: Mapping[str, Any], x: Value, pads: Value | None = None, *_: Value | None) -> Value:
    sides = [int(n) for n in (a.get("pads", a.get("paddings")) if pads is None else _known(pads))]
    rank = len(x.shape)
    pairs = [*zip(sides[:rank], sides[rank:], strict=True)]
    if pairs[:2] == [(0, 0), (0, 0)] and a.get("mode", b"constant") == b"constant":
        return run.emit(ops.ZeroPad(tuple(pairs[2:])), x)
    return run.traced("pad", tuple(n + sum(pair) for n, pair in zip(x.shape, pairs, strict=True)), x)


def _elementwise(name: str, per_element: Work, same: Callable[[], Op] | None = None) -> Rule:
    def elementwise(run: _Run, a: Mapping[str, Any], *xs: Value) -> Value:
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
    def reducing(run: _Run, a: Mapping[str, Any], x: Value, axes: Value | None = None) -> Value:
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
def _resize(run: _Run, a: Mapping[str, Any], x: Value, *more: Value | None) -> Value:
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
