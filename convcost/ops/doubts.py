"""Windows that fit their input and are rarely meant: slips of the pen, as conv(3, 64, 3) for conv(64, 3).

Only of sizes that are numbers: whoever prices many sizes at once, or symbols, has asked for the small ones, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from convcost.exact.integers import Int
from convcost.ops.base import Op, Shape
from convcost.ops.conv import Conv, DepthwiseConv
from convcost.ops.geometry import axes
from convcost.ops.torchpadding import Windowed, geometry

LARGEST = 31
"""The kernel above which a convolution is asked about its arguments: RepLKNet's (Ding et al. 2022)."""


def doubts(op: Op, x: Shape) -> Iterator[str]:
    """What is doubtful about an operator on an input of this shape, each as a line of its own."""
    if not isinstance(op, Windowed):
        return
    window = geometry(op, len(x) - 1)
    extent = window.extent
    if not all(isinstance(number, int) for number in (*x, *window.kernel, *window.stride, *extent)):
        return
    kernel = f"its kernel of {_each(window.kernel)}"
    # What is written side by side, as ((1, 1), (1, 1)), is meant: SqueezeNet pads a 1x1 kernel, SSD a map of 1,
    # and SlowFast's strides of time leave frames out.
    padded = () if isinstance(op.padding, str) else axes(op, "padding", op.padding, len(x) - 1)
    meant_so = bool(padded) and all(isinstance(p, tuple) for p in padded)
    if not meant_so and any(e > n for e, n in zip(extent, x[1:], strict=True)):
        dilated = "" if extent == window.kernel else f", dilated to {_each(extent)},"
        yield f"{op.name}: {kernel}{dilated} is larger than its map of {_each(x[1:])}{swapped(op, x)}"
    elif (meant := swapped(op, x)) and max(window.kernel) > LARGEST and max(window.stride) > 1:
        yield f"{op.name}: {kernel} makes {x[0]} channels of {x[0]}{meant}"
    wide = max(window.kernel) > 1 and any(s > e for s, e in zip(window.stride, extent, strict=True))
    if wide and not meant_so and isinstance(op, Conv | DepthwiseConv):
        yield f"{op.name}: its stride of {_each(window.stride)} is larger than {kernel}: it leaves inputs out"
    if any(isinstance(p, int) and p and 2 * p >= e for p, e in zip(padded, extent, strict=bool(padded))):
        yield f"{op.name}: its padding of {_each(padded)} is half of {kernel}, or more"


@lru_cache(maxsize=4096)  # networks ask again and again about the same few windows
def clear_from(op: Op, channels: Int, rank: int) -> int | None:
    """The size of maps of so many channels and axes from which on nothing is doubtful, None if something always is."""
    if not isinstance(op, Windowed):
        return 0
    extent = geometry(op, rank).extent
    if not all(isinstance(e, int) for e in extent):
        return 0
    # What is doubtful depends on a map only by whether the window is larger than it.
    return None if any(doubts(op, (channels, *extent))) else max(extent)


def swapped(op: Op, x: Shape) -> str:
    """What was meant if a convolution is given its input's channels first, as torch's are."""
    if not isinstance(op, Conv) or not isinstance(op.kernel_size, int) or op.kernel_size <= x[0]:
        return ""
    if not isinstance(op.out_channels, int) or op.out_channels != x[0]:
        return ""
    meant = f"conv({op.kernel_size}, {op.stride if isinstance(op.stride, int) else _each(op.stride)})"
    return f"; conv takes out_channels, kernel_size: did you mean {meant}?"


def _each(values: object) -> str:
    several = tuple(values) if isinstance(values, tuple | list) else (values,)
    return "x".join(map(str, several if len(set(several)) > 1 else several[:1]))
