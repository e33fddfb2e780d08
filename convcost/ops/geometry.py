"""Sliding windows: the output size of a convolution or pooling, under every padding and rounding rule.

| rule | output size | source |
|---|---|---|
| explicit, valid (0) | floor((n + p - e) / s) + 1 | torch.nn.Conv2d |
| same | ceil(n / s) | TensorFlow "SAME" |
| ceil_mode=True | ceil((n + p - e) / s) + 1, less a last window that starts right of the input | torch.nn.MaxPool2d |
| ceil_mode="caffe" | the same, but the last window is dropped only if there is padding | Caffe pooling_layer.cpp |

n is the input size, p the padding of both sides, e = dilation (kernel - 1) + 1 the extent, s the stride. Dropping the
last window needs no look at n: the size is 1 + floor((n + min(p - e + s - 1, left - 1)) / s).
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import Int, ceildiv, less, maximum, minimum, require_above, where
from convcost.ops.base import Op, Shape, Window, check_integers, each_at_least, spatial

Axes: TypeAlias = Int | tuple[Int, ...]
"""One number for all axes, or one per axis."""
Padding: TypeAlias = str | Int | tuple[Int | tuple[Int, Int], ...]
"""'same', 'valid', one number for all sides, one per axis, or one (before, after) pair per axis."""
CeilMode: TypeAlias = bool | str
"""False (floor), True (PyTorch's rule), or 'caffe'."""


def axes(op: Op, name: str, value: Any, rank: int) -> tuple[Any, ...]:
    """One value per axis. Raises ShapeError if a tuple has another number of them than the tensor has axes."""
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(f"{op.name}: {name} has {len(value)} values for an input with {rank} spatial axes")
    return value


def check_window(op: Op, kernel_size: Any, stride: Any, dilation: Any, padding: Any) -> None:
    """Validate the arguments that convolutions and poolings share, once, at construction."""
    each_at_least(1, op, kernel_size=kernel_size, stride=stride, dilation=dilation)
    if not isinstance(padding, str):
        check_sides(op, padding)
    elif padding not in ("same", "valid"):
        raise ConvcostError(f"{op.name}: padding must be same, valid or sizes, got {padding!r}")


def check_halves(op: Op, kernel_size: Axes, padding: Padding) -> None:
    """Refuse padding of more than half a kernel, as torch's poolings do; (before, after) pairs say that it is meant."""
    rank = max(len(value) if isinstance(value, tuple) else 1 for value in (kernel_size, padding))
    kernels, sides = (value if isinstance(value, tuple) else (value,) * rank for value in (kernel_size, padding))
    for k, p in zip(kernels, sides, strict=False):  # of how many axes is the input's to say
        if not isinstance(p, str | tuple) and not require_above(k - 2 * p, -1):
            raise ConvcostError(
                f"{op.name}: padding must be at most half of kernel_size, got {p} of {k}; "
                f"where it is meant, it is written (({p}, {p}), ...)"
            )


def check_sides(op: Op, padding: Any, least: int | None = 0) -> None:
    """Refuse padding that is neither one number, nor per axis a number or a (before, after) pair."""
    parts: list[Any] = []
    for part in padding if isinstance(padding, tuple) else (padding,):
        if isinstance(part, tuple) and len(part) != 2:
            raise ConvcostError(f"{op.name}: padding must be (before, after) for each axis, got {padding}")
        parts.extend(part if isinstance(part, tuple) else (part,))
    check_integers(least, op, "padding", padding, parts)


def out_sizes(
    op: Op,
    x: Shape,
    kernel_size: Axes,
    stride: Axes,
    dilation: Axes,
    padding: Padding,
    ceil_mode: CeilMode = False,
) -> Shape:
    """The output's spatial sizes of a window operator on input x."""
    sizes = spatial(op, x)
    rank = len(sizes)
    kernels = axes(op, "kernel_size", kernel_size, rank)
    strides = axes(op, "stride", stride, rank)
    dilations = axes(op, "dilation", dilation, rank)
    if isinstance(padding, str) and padding == "same":
        return tuple(map(ceildiv, sizes, strides))
    sides = _sides(op, padding, rank)
    clips = 1 if ceil_mode is True else less(0, sum(before + after for before, after in sides))
    out = []
    for n, k, s, d, (before, after) in zip(sizes, kernels, strides, dilations, sides, strict=True):
        slack = before + after - d * (k - 1) - 1
        if ceil_mode:
            slack = slack + s - 1
            slack = where(clips, minimum(slack, before - 1), slack)
        out.append((n + slack) // s + 1)
    return tuple(out)


def pads(
    op: Op, x: Shape, kernel_size: Axes, stride: Axes, dilation: Axes, padding: Padding
) -> tuple[tuple[Int, Int], ...]:
    """The (before, after) padding of each axis on input x; 'same' puts the odd element after, as TensorFlow does."""
    sizes = spatial(op, x)
    rank = len(sizes)
    if not (isinstance(padding, str) and padding == "same"):
        return _sides(op, padding, rank)
    result = []
    for n, k, s, d in zip(
        sizes,
        axes(op, "kernel_size", kernel_size, rank),
        axes(op, "stride", stride, rank),
        axes(op, "dilation", dilation, rank),
        strict=True,
    ):
        total = maximum((ceildiv(n, s) - 1) * s + d * (k - 1) + 1 - n, 0)
        result.append((total // 2, total - total // 2))
    return tuple(result)


class Sliding(NamedTuple):
    """How a kernel moves over an input: a value per spatial axis, of the padding (before, after)."""

    kernel_size: tuple[Int, ...]
    stride: tuple[Int, ...]
    padding: tuple[tuple[Int, Int], ...]
    dilation: tuple[Int, ...]


def sliding(op: Op, x: Shape) -> Sliding | None:
    """How an operator slides over input x, whatever its rule of padding; None for one without a kernel.

    Operators call their arguments as torch.nn does, and so are known by them.
    """
    kernel_size = getattr(op, "kernel_size", None)
    if kernel_size is None:
        return None
    arguments: Any = op
    stride = getattr(op, "steps", None) or arguments.stride
    dilation = getattr(op, "spacing", None) or arguments.dilation
    rank = len(x) - 1
    return Sliding(
        axes(op, "kernel_size", kernel_size, rank),
        axes(op, "stride", stride, rank),
        pads(op, x, kernel_size, stride, dilation, arguments.padding),
        axes(op, "dilation", dilation, rank),
    )


def sliding_windows(
    op: Op, x: Shape, kernel_size: Axes, stride: Axes, dilation: Axes, padding: Padding
) -> tuple[Window, ...]:
    """What one output position sees of the input, per axis (for the receptive field)."""
    rank = len(spatial(op, x))
    return tuple(
        Window(d * (k - 1) + 1, s, before)
        for k, s, d, (before, _) in zip(
            axes(op, "kernel_size", kernel_size, rank),
            axes(op, "stride", stride, rank),
            axes(op, "dilation", dilation, rank),
            pads(op, x, kernel_size, stride, dilation, padding),
            strict=True,
        )
    )


def _sides(op: Op, padding: Padding, rank: int) -> tuple[tuple[Int, Int], ...]:
    if isinstance(padding, str):  # "valid"
        return ((0, 0),) * rank
    return tuple(p if isinstance(p, tuple) else (p, p) for p in axes(op, "padding", padding, rank))
