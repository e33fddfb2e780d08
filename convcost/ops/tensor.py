"""Operators that join, cut, move, pad or enlarge tensors; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import Int, equal, require_above, require_divisible
from convcost.ops.base import (
    NO_WORK,
    Memory,
    Op,
    Shape,
    Window,
    Work,
    at_least,
    each_at_least,
    elements,
    format_shape,
    one_of,
    record,
    same_shape,
    spatial,
)
from convcost.ops.geometry import Axes, Padding, axes, check_sides


class Add(Op):
    """Sum of tensors of one shape: the residual connection."""

    name: ClassVar[str] = "add"
    memory: ClassVar[Memory] = "in place"
    inputs: ClassVar[int | None] = None

    def out_shape(self, *xs: Shape) -> Shape:
        """The common shape."""
        same_shape(self, xs)
        return xs[0]

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per element and further input."""
        return Work(adds=(len(xs) - 1) * elements(y))


class Multiply(Op):
    """Product of tensors, axes of size 1 broadcast: gating, as in squeeze-and-excitation."""

    name: ClassVar[str] = "mul"
    memory: ClassVar[Memory] = "in place"
    inputs: ClassVar[int | None] = None

    def out_shape(self, *xs: Shape) -> Shape:
        """The broadcast shape; a vector of features gates channels."""
        rank = max(map(len, xs))
        out = (1,) * rank
        for x in (x + (1,) * (rank - len(x)) for x in xs):
            out = tuple(self._broadcast(a, b, xs) for a, b in zip(out, x, strict=True))
        return out

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One multiply per element and further input."""
        return Work(muls=(len(xs) - 1) * elements(y))

    def _broadcast(self, a: Int, b: Int, xs: Sequence[Shape]) -> Int:
        if equal(a, 1):
            return b
        if equal(b, 1) or equal(a, b):
            return a
        raise ShapeError(f"mul of shapes that do not broadcast: {' and '.join(map(format_shape, xs))}")


class Concat(Op):
    """Concatenation along channels of tensors of one size."""

    name: ClassVar[str] = "concat"
    inputs: ClassVar[int | None] = None

    def out_shape(self, *xs: Shape) -> Shape:
        """(sum of channels, *sizes)."""
        same_shape(self, xs, but_channels=True)
        return (sum(x[0] for x in xs), *xs[0][1:])


@record
class Split(Op):
    """One of `parts` equal slices of the channels, counted from 0, as an element of torch.chunk."""

    name: ClassVar[str] = "split"
    memory: ClassVar[Memory] = "view"
    parts: int
    index: int

    def __post_init__(self) -> None:
        """Refuse a slice that is none of the parts."""
        at_least(1, self, parts=self.parts)
        at_least(0, self, index=self.index)
        if not require_above(self.parts - self.index, 0):
            raise ConvcostError(f"split: index {self.index} of {self.parts} parts counted from 0")

    def out_shape(self, *xs: Shape) -> Shape:
        """(C / parts, *sizes)."""
        (x,) = xs
        if not require_divisible(x[0], self.parts):
            raise ShapeError(f"split: {self.parts} parts do not divide {x[0]} channels")
        return (x[0] // self.parts, *x[1:])


@record
class ChannelShuffle(Op):
    """Transposes (groups, C / groups) channels (ShuffleNet, Zhang 2018): shape kept."""

    name: ClassVar[str] = "shuffle"
    groups: Int

    def __post_init__(self) -> None:
        """Refuse a number of groups below 1."""
        at_least(1, self, groups=self.groups)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if the groups divide its channels."""
        (x,) = xs
        if not require_divisible(x[0], self.groups):
            raise ShapeError(f"shuffle: groups={self.groups} does not divide {x[0]} channels")
        return x


class Flatten(Op):
    """(C, *sizes) -> (C * sizes,)."""

    name: ClassVar[str] = "flatten"
    memory: ClassVar[Memory] = "view"

    def out_shape(self, *xs: Shape) -> Shape:
        """All elements in one axis."""
        return (elements(xs[0]),)

    def windows(self, x: Shape) -> None:
        """Positions are given up, so an element stands for the whole map."""
        return


@record
class ZeroPad(Op):
    """Zeros around the spatial axes: one number, one per axis, or a (before, after) pair per axis.

    A negative number cuts positions off, as in torch.nn.ZeroPad2d: ((-1, 1), (-1, 1)) shifts a map by one.
    """

    name: ClassVar[str] = "zeropad"
    padding: Padding

    def __post_init__(self) -> None:
        """Refuse padding by rule."""
        check_sides(self, self.padding, least=None)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *sizes + padding)."""
        (x,) = xs
        sizes = spatial(self, x)
        return (x[0], *(n + before + after for n, (before, after) in zip(sizes, self.sides(x), strict=True)))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The same position, shifted."""
        return tuple(Window(1, 1, before) for before, _ in self.sides(x))

    def sides(self, x: Shape) -> tuple[tuple[Int, Int], ...]:
        """(before, after) per axis."""
        parts: tuple[Any, ...] = axes(self, "padding", self.padding, len(x) - 1)
        return tuple(p if isinstance(p, tuple) else (p, p) for p in parts)


@record
class ChannelPad(Op):
    """Zero channels after the input's: the parameter-free shortcut "option A" of ResNet."""

    name: ClassVar[str] = "channelpad"
    after: Int
    before: Int = 0

    def __post_init__(self) -> None:
        """Refuse negative padding."""
        at_least(0, self, before=self.before, after=self.after)

    def out_shape(self, *xs: Shape) -> Shape:
        """(before + C + after, *sizes)."""
        (x,) = xs
        return (self.before + x[0] + self.after, *x[1:])


@record
class Upsample(Op):
    """Enlarges each spatial axis by an integer factor, by repeating (nearest) or interpolating (bilinear: two axes)."""

    name: ClassVar[str] = "upsample"
    scale_factor: Axes
    mode: str = "nearest"

    def __post_init__(self) -> None:
        """Refuse an unknown mode."""
        each_at_least(1, self, scale_factor=self.scale_factor)
        one_of(("nearest", "bilinear"), self, mode=self.mode)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *sizes * factor)."""
        (x,) = xs
        sizes = spatial(self, x)
        if self.mode == "bilinear" and len(sizes) != 2:
            raise ShapeError(f"upsample: bilinear needs two spatial axes, its input is {format_shape(x)}")
        return (x[0], *(n * f for n, f in zip(sizes, self._factors(x), strict=True)))

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Nearest: none. Bilinear: four products and three sums per output element."""
        if self.mode == "nearest":
            return NO_WORK
        n = elements(y)
        return Work(muls=4 * n, adds=3 * n)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Those of the transposed convolution that does the same: nearest repeats f times, bilinear is a triangle.

        Bilinear (half-pixel centres, torch's align_corners=False): output o weighs input i by the distance of
        (o + 1/2) / f to i + 1/2, which is below 1 for i * f in [o - (3f - 2) // 2, o + f // 2].
        """
        factors = self._factors(x)
        if self.mode == "nearest":
            return tuple(Window(f, 1, f - 1, upsampling=f) for f in factors)
        return tuple(Window(f + f // 2 * 2, 1, (3 * f - 2) // 2, upsampling=f) for f in factors)

    def _factors(self, x: Shape) -> tuple[Any, ...]:
        return axes(self, "scale_factor", self.scale_factor, len(x) - 1)
