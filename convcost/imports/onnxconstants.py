"""Tensors of an ONNX graph: their shapes, and of those that are small and constant, sizes as a rule, the numbers.

Importing this module imports onnx and numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from convcost.errors import ConvcostError, ShapeError
from convcost.ops import Shape, format_shape

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


def is_number(shape: Shape) -> bool:
    """Whether a constant is a number of the graph's own, the bound of a Clip or a scale, unless a layer has it."""
    return shape in ((), (1,))


def computed(name: str, inputs: Sequence[Value | None], a: Mapping[str, Any]) -> Value | None:
    """What an operator makes of constants alone: numbers where they are few, else a shape; None if nobody knows."""
    if name == "Constant":
        tensor = a.get("value")
        if tensor is not None:
            shape = tuple(int(n) for n in tensor.dims)
            return Value(shape, numbers=numpy_helper.to_array(tensor) if prod(shape) <= MAX_NUMBERS else None)
        (plain,) = a.values()
        return Value(np.shape(plain), numbers=np.asarray(plain))
    first = inputs[0] if inputs else None
    known = [None if one is None else one.numbers for one in inputs]
    if name == "ConstantOfShape" and known[0] is not None:
        shape = tuple(int(n) for n in known[0])
        if any(n < 0 for n in shape) or prod(shape) > MAX_ELEMENTS:
            raise ConvcostError(f"it would make a tensor of {format_shape(shape)}")
        fill = numpy_helper.to_array(a["value"]) if "value" in a else np.zeros(1, "float32")
        return Value(shape, numbers=np.full(shape, fill.reshape(-1)[0]) if prod(shape) <= MAX_NUMBERS else None)
    if name in _NUMBERS and all(n is not None or one is None for n, one in zip(known, inputs, strict=True)):
        made = np.asarray(_NUMBERS[name](a, *known))
        key = first.key if first is not None and name in _SAME else 0
        return Value(made.shape, key=key, numbers=made) if made.size <= MAX_NUMBERS else None
    if first is not None and name in ("Identity", "Cast", "Relu", "Neg", "Sqrt", "DequantizeLinear"):
        return first
    if first is not None and name in ("Reshape", "Transpose", "Unsqueeze", "Squeeze", "Expand"):
        return first._replace(numbers=None, shape=moved(name, a, first, known[1:]))
    return None


def moved(name: str, a: Mapping[str, Any], x: Value, more: Sequence[Any]) -> Shape:
    """The shape that an operator gives a tensor whose numbers it leaves as they are, with the numbers of its others."""
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


def sliced(
    a: Mapping[str, Any], x: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    """A part of an array, by the numbers of Slice\'s inputs, or its attributes in old files."""
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
    "Slice": sliced,
    "ReduceProd": lambda a, x, *_: np.prod(x, keepdims=bool(a.get("keepdims", 1))),
    "Range": lambda a, first, end, step: np.arange(first, min(end, first + MAX_NUMBERS * step), step),
    "Reshape": lambda a, x, shape: x.reshape([int(n) for n in shape]),
    "Equal": lambda a, x, y: x == y,
    "Where": lambda a, c, x, y: np.where(c, x, y),
}
"""What is computed of sizes."""
_SAME = ("Cast", "Reshape", "Squeeze", "Unsqueeze")
"""Of these, what makes the same numbers: a parameter stays the one that it is. An exporter says by Identity that two of
an untrained model are equal, such as a norm's shift and its mean."""
