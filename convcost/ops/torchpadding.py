"""How torch is told a padding: by its own argument where it has one, else by padding the tensor first.

torch pads both sides alike and poolings by at most half a kernel, knows no padding that depends on the input's size and
clips every ceiling (torch.nn.functional.max_pool2d, conv2d). What is left is an explicit `torch.nn.functional.pad`.
Nothing here needs torch: rules of tools that count a pooling by its input have to know how large that input is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from convcost.ops import AvgPool, Conv, DepthwiseConv, MaxPool, Shape
from convcost.ops.geometry import axes, pads

Windowed: TypeAlias = Conv | DepthwiseConv | MaxPool | AvgPool
"""The operators that slide a window over a padded input."""
Sides: TypeAlias = tuple[tuple[int, int], ...]
"""(before, after) per axis."""


class Geometry(NamedTuple):
    """A window operator's arguments, one per spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def extent(self) -> tuple[int, ...]:
        """Positions from the first to the last element of a window."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))


def geometry(op: Windowed, rank: int) -> Geometry:
    """The window of an operator on an input with `rank` spatial axes."""
    stride, dilation = (op.steps, op.spacing) if isinstance(op, MaxPool | AvgPool) else (op.stride, op.dilation)
    return Geometry(
        axes(op, "kernel_size", op.kernel_size, rank),
        axes(op, "stride", stride, rank),
        axes(op, "dilation", dilation, rank),
    )


def own_padding(op: Windowed, rank: int) -> tuple[int, ...] | None:
    """The padding argument that makes torch's layer pad as the operator does on every input, or None if none does."""
    window = geometry(op, rank)
    if op.padding == "same" and any(s > 1 < e for s, e in zip(window.stride, window.extent, strict=True)):
        return None
    # With a stride or an extent of 1 the size has no say, so any will do.
    sides = _sides(op, window, (1,) * rank)
    if any(before != after for before, after in sides):
        return None
    padding = tuple(before for before, _ in sides)
    if isinstance(op, MaxPool | AvgPool):
        if any(2 * p > k for p, k in zip(padding, window.kernel, strict=True)):
            return None
        # torch.nn.AvgPool3d, alone of them all, wants the window to fit into the tensor before it is padded.
        if isinstance(op, AvgPool) and rank == 3 and (any(padding) or op.ceil_mode):
            return None
        # Without padding Caffe keeps a last window that starts right of the input; a stride within the window has none.
        if op.ceil_mode == "caffe" and not any(padding):
            return padding if all(s <= e for s, e in zip(window.stride, window.extent, strict=True)) else None
    return padding


def explicit_pads(op: Windowed, x: Shape) -> Sides:
    """The (before, after) padding of each axis after which torch's layer, unpadded and rounding down, does the rest.

    A ceiling is a floor with stride - 1 more at the end; where the last window has to start inside the input or the
    padding before it, less.
    """
    window = geometry(op, len(x) - 1)
    sides = _sides(op, window, x[1:])
    if not isinstance(op, MaxPool | AvgPool) or not op.ceil_mode or op.padding == "same":
        return sides
    clips = op.ceil_mode is True or any(before or after for before, after in sides)
    return tuple(
        (before, min(after + s - 1, e - 1) if clips else after + s - 1)
        for (before, after), s, e in zip(sides, window.stride, window.extent, strict=True)
    )


def padded(op: Windowed, x: Shape) -> Shape:
    """The shape of what torch's layer is given for an input of shape x."""
    if own_padding(op, len(x) - 1) is not None:
        return x
    return (x[0], *(n + before + after for n, (before, after) in zip(x[1:], explicit_pads(op, x), strict=True)))


def _sides(op: Windowed, window: Geometry, sizes: Sequence[int]) -> Sides:
    return pads(op, (1, *sizes), *window, op.padding)
