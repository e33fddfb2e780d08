"""Operators that look at a map between its positions, where another tensor says: grids, and deformable convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, prod, require_divisible, require_equal
from convcost.ops.base import (
    NO_WORK,
    Kind,
    Op,
    Params,
    Shape,
    Work,
    at_least,
    boolean,
    elements,
    format_shape,
    one_of,
    record,
    spatial,
    sum_work,
)
from convcost.ops.conv import Conv
from convcost.ops.geometry import Axes, Padding, axes, check_window

_TAPS = {"nearest": 1, "bilinear": 2, "bicubic": 4}


@record
class GridSample(Op):
    """A map at the positions of a grid: (C, *sizes) and (*sizes', axes) -> (C, *sizes'), Jaderberg et al. 2015.

    torch.nn.functional.grid_sample over two axes, or three, where bilinear has eight neighbours.
    """

    name: ClassVar[str] = "grid_sample"
    inputs: ClassVar[int | None] = 2
    mode: str = "bilinear"
    padding_mode: str = "zeros"

    def __post_init__(self) -> None:
        """Refuse unknown modes."""
        one_of(tuple(_TAPS), self, mode=self.mode)
        one_of(("zeros", "border", "reflection"), self, padding_mode=self.padding_mode)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *sizes')."""
        x, grid = xs
        rank = len(spatial(self, x))
        if not (2 <= rank <= 3 and len(grid) == rank + 1 and require_equal(grid[-1], rank)):
            wanted = "a map of two or three axes and a grid (*sizes, 2 or 3)"
            raise ShapeError(f"grid_sample needs {wanted}, got {format_shape(x)} and {format_shape(grid)}")
        if self.mode == "bicubic" and rank != 2:
            raise ShapeError(f"grid_sample: bicubic needs two spatial axes, its input is {format_shape(x)}")
        return (x[0], *grid[:-1])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """A product for each of t^n neighbours of an output, t = 1, 2 or 4, and the sum of these."""
        taps = _TAPS[self.mode] ** (len(y) - 1)
        return Work(muls=taps * elements(y), adds=(taps - 1) * elements(y)) if taps > 1 else NO_WORK

    def windows(self, x: Shape) -> None:
        """Every output may see everything."""
        return


class Deformable(Op):
    """What deformable convolutions share: a convolution over two axes whose taps are moved by `offset`.

    The offset has two numbers for each tap and output position, and for each part of the channels that moves alone:
    (2 parts kernel, *sizes'). A tap between positions weighs its four neighbours.
    """

    kind: ClassVar[Kind] = "conv"
    multiplies: ClassVar[bool] = True
    out_channels: Int
    kernel_size: Axes
    stride: Axes
    padding: Padding
    dilation: Axes
    groups: Int
    bias: bool

    def __post_init__(self) -> None:
        """Refuse arguments that are no convolution on any input."""
        at_least(1, self, out_channels=self.out_channels, groups=self.groups)
        boolean(self, bias=self.bias)
        check_window(self, self.kernel_size, self.stride, self.dilation, self.padding)
        if not require_divisible(self.out_channels, self.groups):
            raise ShapeError(f"{self.name}: groups={self.groups} does not divide out_channels={self.out_channels}")

    @property
    def plain(self) -> Conv:
        """The convolution that it is where nothing moves."""
        return Conv(**vars(self))

    def out_shape(self, *xs: Shape) -> Shape:
        """(out_channels, *sizes')."""
        x, offset, *masks = xs
        if len(x) != 3:
            raise ShapeError(f"{self.name} needs two spatial axes, its input is {format_shape(x)}")
        y = self.plain.out_shape(x)
        taps = self.taps
        for given, each, what in ((offset, 2 * taps, "an offset"), *((mask, taps, "a mask") for mask in masks)):
            fits = len(given) == 3 and require_divisible(given[0], each)
            if not (fits and all(require_equal(a, b) for a, b in zip(given[1:], y[1:], strict=True))):
                wanted = format_shape((each, *y[1:]))
                raise ShapeError(f"{self.name} needs {what} of {wanted}, or a multiple, got {format_shape(given)}")
        parts = offset[0] // (2 * taps)
        if not require_divisible(x[0], parts) or not all(require_equal(mask[0], parts * taps) for mask in masks):
            raise ShapeError(f"{self.name}: {' and '.join(map(format_shape, xs))} have no channels in common parts")
        return y

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Those of the convolution."""
        return self.plain.params(xs[:1], y)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """The convolution's, and of each tap of each input channel 4 products and 3 sums, and one by the mask."""
        samples = xs[0][0] * self.taps * prod(y[1:])
        return sum_work([self.plain.work(xs[:1], y), Work(muls=(len(xs) + 2) * samples, adds=3 * samples)])

    @property
    def taps(self) -> Int:
        """Elements of the kernel over two axes."""
        return prod(axes(self, "kernel_size", self.kernel_size, 2))

    def windows(self, x: Shape) -> None:
        """Every output may see everything."""
        return


@record
class DeformConv(Deformable):
    """Deformable convolution (Dai et al. 2017), torchvision.ops.deform_conv2d(x, offset, weight, bias)."""

    name: ClassVar[str] = "deform_conv"
    inputs: ClassVar[int | None] = 2
    out_channels: Int
    kernel_size: Axes
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    groups: Int = 1
    bias: bool = True


@record
class ModulatedDeformConv(Deformable):
    """Deformable convolution v2 (Zhu et al. 2019), whose taps are weighed by a third tensor, the mask."""

    name: ClassVar[str] = "modulated_deform_conv"
    inputs: ClassVar[int | None] = 3
    out_channels: Int
    kernel_size: Axes
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    groups: Int = 1
    bias: bool = True
