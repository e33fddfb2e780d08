"""Pooling: sliding windows and global, maximum and average.

The work is the exact minimum: a window of K elements takes K - 1 compares (or adds, and one division). What counters
charge instead, K per output or one per input element, are kinds of `convcost.counters.kinds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ConvcostError
from convcost.exact.integers import Int, common_divisor, prod
from convcost.ops.base import Kind, Op, Shape, Window, Work, each_at_least, elements, record, spatial
from convcost.ops.geometry import Axes, CeilMode, Padding, axes, check_halves, check_window, out_sizes, sliding_windows


class Pool(Op):
    """What sliding poolings share. The stride defaults to the kernel size, as in torch.nn.MaxPool2d."""

    kind: ClassVar[Kind] = "pool"
    kernel_size: Axes
    stride: Axes | None
    padding: Padding
    ceil_mode: CeilMode

    def __post_init__(self) -> None:
        """Refuse arguments that are no pooling on any input."""
        check_window(self, self.kernel_size, self.steps, self.spacing, self.padding)
        if not isinstance(self.ceil_mode, bool) and self.ceil_mode != "caffe":
            raise ConvcostError(f"{self.name}: ceil_mode must be true, false or caffe, got {self.ceil_mode!r}")
        check_halves(self, self.kernel_size, self.padding)

    @property
    def steps(self) -> Axes:
        """The stride, which is the kernel's size where none is given."""
        return self.kernel_size if self.stride is None else self.stride

    @property
    def spacing(self) -> Axes:
        """The dilation in force."""
        return 1

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *sizes')."""
        (x,) = xs
        sizes = out_sizes(self, x, self.kernel_size, self.steps, self.spacing, self.padding, self.ceil_mode)
        return (x[0], *sizes)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The kernel's."""
        return sliding_windows(self, x, self.kernel_size, self.steps, self.spacing, self.padding)

    def window_size(self, x: Shape) -> Int:
        """Elements of one full window."""
        return prod(axes(self, "kernel_size", self.kernel_size, len(x) - 1))


@record
class MaxPool(Pool):
    """Maximum over each window: (C, *sizes) -> (C, *sizes')."""

    name: ClassVar[str] = "maxpool"
    kernel_size: Axes
    stride: Axes | None = None
    padding: Padding = 0
    dilation: Axes = 1
    ceil_mode: CeilMode = False

    @property
    def spacing(self) -> Axes:
        """The dilation in force."""
        return self.dilation

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """K - 1 compares per output element."""
        return Work(compares=(self.window_size(xs[0]) - 1) * elements(y))


@record
class AvgPool(Pool):
    """Mean of each window: (C, *sizes) -> (C, *sizes')."""

    name: ClassVar[str] = "avgpool"
    kernel_size: Axes
    stride: Axes | None = None
    padding: Padding = 0
    ceil_mode: CeilMode = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """K - 1 adds and one division per output element."""
        n = elements(y)
        return Work(adds=(self.window_size(xs[0]) - 1) * n, divs=n)


class GlobalPool(Op):
    """What global poolings share: (C, *sizes) -> (C, 1, ...)."""

    kind: ClassVar[Kind] = "pool"

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, 1, ...)."""
        (x,) = xs
        return (x[0], *(1 for _ in spatial(self, x)))

    def windows(self, x: Shape) -> None:
        """Every output sees the whole map."""
        return


class GlobalMaxPool(GlobalPool):
    """Maximum over all positions, torch.nn.AdaptiveMaxPool2d(1)."""

    name: ClassVar[str] = "global_maxpool"

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One compare per input element but the first of each channel."""
        return Work(compares=elements(xs[0]) - elements(y))


class GlobalAvgPool(GlobalPool):
    """Mean over all positions, torch.nn.AdaptiveAvgPool2d(1)."""

    name: ClassVar[str] = "global_avgpool"

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per input element but the first of each channel, one division per channel."""
        n = elements(y)
        return Work(adds=elements(xs[0]) - n, divs=n)


@record
class AdaptivePool(Op):
    """What adaptive poolings share: (C, *sizes) -> (C, *output_size), torch.nn.AdaptiveAvgPool2d.

    Of k outputs on an axis of n, output o sees the inputs from floor(o n / k) to ceil((o + 1) n / k) - 1: windows of
    different sizes, which overlap where k does not divide n. Each of the n counts once, and once more every end of a
    window that is within an input: n + k - gcd(n, k) in all.
    """

    kind: ClassVar[Kind] = "pool"
    output_size: Axes

    def __post_init__(self) -> None:
        """Refuse a size below 1."""
        each_at_least(1, self, output_size=self.output_size)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *output_size)."""
        (x,) = xs
        return (x[0], *axes(self, "output_size", self.output_size, len(spatial(self, x))))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Input i is seen by output o if o n - k < i k < (o + 1) n."""
        outputs = axes(self, "output_size", self.output_size, len(x) - 1)
        return tuple(Window(n + k - 1, n, k - 1, upsampling=k) for n, k in zip(x[1:], outputs, strict=True))

    def window_elements(self, x: Shape) -> Int:
        """Elements of all windows together."""
        outputs = axes(self, "output_size", self.output_size, len(x) - 1)
        return x[0] * prod(n + k - common_divisor(n, k) for n, k in zip(x[1:], outputs, strict=True))


@record
class AdaptiveAvgPool(AdaptivePool):
    """Mean of each window, torch.nn.AdaptiveAvgPool2d."""

    name: ClassVar[str] = "adaptive_avgpool"

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per element of a window but its first, one division per output element."""
        n = elements(y)
        return Work(adds=self.window_elements(xs[0]) - n, divs=n)


@record
class AdaptiveMaxPool(AdaptivePool):
    """Maximum over each window, torch.nn.AdaptiveMaxPool2d."""

    name: ClassVar[str] = "adaptive_maxpool"

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One compare per element of a window but its first."""
        return Work(compares=self.window_elements(xs[0]) - elements(y))
