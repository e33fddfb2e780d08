"""Operators that join, cut, move, pad, enlarge or reduce tensors; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import Int, equal, prod, require_above, require_divisible
from convcost.ops.base import (
    NO_WORK,
    Memory,
    Op,
    Shape,
    Window,
    Work,
    at_least,
    boolean,
    check_integers,
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


@record
class PixelShuffle(Op):
    """(C r^n, *sizes) -> (C, *sizes * r), n spatial axes: channels become positions (Shi et al. 2016).

    torch.nn.PixelShuffle, which has two axes.
    """

    name: ClassVar[str] = "pixel_shuffle"
    upscale_factor: Int

    def __post_init__(self) -> None:
        """Refuse a factor below 1."""
        at_least(1, self, upscale_factor=self.upscale_factor)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C / r^n, *sizes * r)."""
        (x,) = xs
        sizes, r = spatial(self, x), self.upscale_factor
        block = prod(r for _ in sizes)
        if not require_divisible(x[0], block):
            raise ShapeError(f"pixel_shuffle: upscale_factor={r} makes one channel of {block}, and has {x[0]}")
        return (x[0] // block, *(n * r for n in sizes))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """A position becomes r, each of other channels."""
        r = self.upscale_factor
        return tuple(Window(r, 1, r - 1, upsampling=r) for _ in x[1:])


@record
class PixelUnshuffle(Op):
    """(C, *sizes) -> (C r^n, *sizes / r): positions become channels, "space to depth", torch.nn.PixelUnshuffle."""

    name: ClassVar[str] = "pixel_unshuffle"
    downscale_factor: Int

    def __post_init__(self) -> None:
        """Refuse a factor below 1."""
        at_least(1, self, downscale_factor=self.downscale_factor)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C r^n, *sizes / r)."""
        (x,) = xs
        sizes, r = spatial(self, x), self.downscale_factor
        for n in sizes:
            if not require_divisible(n, r):
                raise ShapeError(f"pixel_unshuffle: downscale_factor={r} does not divide {format_shape(sizes)}")
        return (x[0] * prod(r for _ in sizes), *(n // r for n in sizes))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """One of r positions, another for each channel: together all of them."""
        return tuple(Window(self.downscale_factor, self.downscale_factor, 0) for _ in x[1:])


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


_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}
_AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}


class Interpolation(Op):
    """What resizings share: torch.nn.functional.interpolate(x, size, mode=mode), align_corners=False.

    `mode` is `nearest`, or `linear`, `bilinear`, `trilinear` or `bicubic` for one, two, three or two axes.
    """

    mode: str

    def fitted(self, x: Shape, sizes: Shape) -> Shape:
        """(C, *sizes), if the mode is one of as many axes."""
        if self.mode != "nearest" and len(x) - 1 != _AXES[self.mode]:
            wanted = f"{self.mode} needs {_AXES[self.mode]} spatial axes"
            raise ShapeError(f"{self.name}: {wanted}, its input is {format_shape(x)}")
        return (x[0], *sizes)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Nearest: none. Else a product for each of t^n inputs of an output, t = 2 or 4, and the sum of these."""
        taps = _TAPS[self.mode] ** (len(y) - 1)
        return Work(muls=taps * elements(y), adds=(taps - 1) * elements(y)) if taps > 1 else NO_WORK

    def between(self, x: Shape, y: Shape) -> tuple[Window, ...]:
        """Of n inputs and m outputs on an axis, nearest takes input floor(o n / m): on - m < i m <= on.

        Else output o weighs the t inputs that are nearest to (o + 1/2) n / m: |(2i + 1) m - (2o + 1) n| < t m.
        """
        t = _TAPS[self.mode]
        if t == 1:
            return tuple(Window(m, n, m - 1, upsampling=m) for n, m in zip(x[1:], y[1:], strict=True))
        sizes = zip(x[1:], y[1:], strict=True)
        return tuple(Window(2 * t * m - 1, 2 * n, (t + 1) * m - n - 1, upsampling=2 * m) for n, m in sizes)


@record
class Resize(Interpolation):
    """To a size, one number or one per axis, torch.nn.Upsample(size): (C, *sizes) -> (C, *size)."""

    name: ClassVar[str] = "resize"
    size: Axes
    mode: str = "nearest"

    def __post_init__(self) -> None:
        """Refuse an unknown mode, and a size below 1."""
        each_at_least(1, self, size=self.size)
        one_of(tuple(_TAPS), self, mode=self.mode)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *size)."""
        (x,) = xs
        return self.fitted(x, axes(self, "size", self.size, len(spatial(self, x))))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """See `between`."""
        return self.between(x, self.out_shape(x))


@record
class ResizeLike(Interpolation):
    """To the size of another layer's output, as feature pyramids do: (C, *sizes) and (any, *size) -> (C, *size)."""

    name: ClassVar[str] = "resize_like"
    inputs: ClassVar[int | None] = 2
    mode: str = "nearest"

    def __post_init__(self) -> None:
        """Refuse an unknown mode."""
        one_of(tuple(_TAPS), self, mode=self.mode)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *size)."""
        x, other = xs
        if len(other) != len(x):
            raise ShapeError(f"resize_like of different axes: {format_shape(x)} and {format_shape(other)}")
        spatial(self, x)
        return self.fitted(x, other[1:])


class Reduction(Op):
    """What reductions share: some axes become one number each, as torch.mean(x, dim, keepdim).

    `dim` counts axes as torch does: 1 is the channels, 2 and up the sizes, -1 the last; 0 would be the batch. Axes that
    are reduced are left out, or with `keepdim` stay as 1.
    """

    dim: int | tuple[int, ...]
    keepdim: bool

    def __post_init__(self) -> None:
        """Refuse what names no axes."""
        check_integers(None, self, "dim", self.dim, self._dims)
        boolean(self, keepdim=self.keepdim)
        if not all(isinstance(d, int) for d in self._dims):
            raise ConvcostError(f"{self.name}: dim is one for all designs, got {self.dim}")
        if 0 in self._dims or not self._dims:
            raise ConvcostError(f"{self.name}: dim is 1 for the channels and 2 or more for the sizes, got {self.dim}")

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape without the axes, or with 1 in their place."""
        (x,) = xs
        reduced = self.reduced(x)
        if not self.keepdim and len(reduced) == len(x):
            raise ShapeError(f"{self.name}: nothing is left of {format_shape(x)}; keepdim=true leaves each axis as 1")
        return tuple(1 if i in reduced else n for i, n in enumerate(x) if self.keepdim or i not in reduced)

    def reduced(self, x: Shape) -> set[int]:
        """The axes of a shape that are reduced."""
        axes = [d - 1 if d > 0 else d + len(x) for d in self._dims]
        if len({*axes} & {*range(len(x))}) < len(axes):
            raise ShapeError(f"{self.name}: dim={self.dim} of {format_shape(x)}, whose axes are 1 to {len(x)}")
        return {*axes}

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Its own position, if only channels are reduced and stay as 1; else everything."""
        return () if self.keepdim and self.reduced(x) == {0} else None

    @property
    def _dims(self) -> tuple[int, ...]:
        return self.dim if isinstance(self.dim, tuple) else (self.dim,)


@record
class Mean(Reduction):
    """The mean over axes."""

    name: ClassVar[str] = "mean"
    dim: int | tuple[int, ...]
    keepdim: bool = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per input element but the first of each output, and one division."""
        n = elements(y)
        return Work(adds=elements(xs[0]) - n, divs=n)


@record
class Sum(Reduction):
    """The sum over axes."""

    name: ClassVar[str] = "sum"
    dim: int | tuple[int, ...]
    keepdim: bool = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per input element but the first of each output."""
        return Work(adds=elements(xs[0]) - elements(y))


@record
class Amax(Reduction):
    """The maximum over axes, torch.amax."""

    name: ClassVar[str] = "amax"
    dim: int | tuple[int, ...]
    keepdim: bool = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One compare per input element but the first of each output."""
        return Work(compares=elements(xs[0]) - elements(y))
