"""Operators that join, move or pad tensors; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf
from typing import Any, ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, prod, require_above, require_divisible, total
from convcost.ops.base import (
    Number,
    Op,
    Shape,
    Window,
    at_least,
    axis_of,
    check_dims,
    format_shape,
    one_of,
    real,
    record,
    same_shape,
    spatial,
)
from convcost.ops.geometry import Padding, axes, check_sides


@record
class Concat(Op):
    """Concatenation along the channels, or another axis, of tensors whose other sizes are the same."""

    name: ClassVar[str] = "concat"
    inputs: ClassVar[int | None] = None
    dim: int = 1

    def __post_init__(self) -> None:
        """Refuse what names no axis."""
        check_dims(self, dim=self.dim, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """The first one's, with the sum of all in place of the axis."""
        place = axis_of(self, xs[0], self.dim)
        same_shape(self, xs, but=place)
        return (*xs[0][:place], total([x[place] for x in xs]), *xs[0][place + 1 :])

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Its own position, of channels; else positions are given up."""
        return () if axis_of(self, x, self.dim) == 0 else None


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


PAD_MODES = ("constant", "reflect", "replicate", "circular")
"""What torch.nn.functional.pad puts around a map."""


class Padded(Op):
    """What paddings of the spatial axes share: one number, one per axis, or a (before, after) pair per axis."""

    padding: Padding

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
class ZeroPad(Padded):
    """Zeros around the spatial axes, torch.nn.ZeroPad2d.

    A negative number cuts positions off: ((-1, 1), (-1, 1)) shifts a map by one.
    """

    name: ClassVar[str] = "zeropad"
    padding: Padding

    def __post_init__(self) -> None:
        """Refuse padding by rule."""
        check_sides(self, self.padding, least=None)


@record
class Pad(Padded):
    """What is around the spatial axes is a constant, or the map itself: torch.nn.functional.pad(x, padding, mode).

    `reflect` mirrors it at its outermost positions, which stay alone, `replicate` repeats those, `circular` goes on at
    the other end. Receptive fields are those of `zeropad`: what is mirrored is seen from inside the map as well.
    """

    name: ClassVar[str] = "pad"
    padding: Padding
    mode: str = "constant"
    value: Number | str = 0
    """A number, or one of the texts 'inf' and '-inf': what is before a maxpool is -inf."""

    def __post_init__(self) -> None:
        """Refuse padding by rule, negative padding, which is `zeropad`'s, an unknown mode, and what is no number."""
        check_sides(self, self.padding)
        one_of(PAD_MODES, self, mode=self.mode)
        if isinstance(self.value, float) and isinf(self.value):
            self.__dict__["value"] = str(self.value)
        if not (isinstance(self.value, str) and self.value in ("inf", "-inf")):
            real(self, value=self.value)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *sizes + padding). Raises ShapeError where the map has not as many positions to mirror, or to go on."""
        (x,) = xs
        y = super().out_shape(x)
        require_room(self, x, self.sides(x), self.mode)
        return y


def require_room(op: Op, x: Shape, sides: Sequence[tuple[Int, Int]], mode: str) -> None:
    """Refuse to mirror or go on with more positions than a map has. Raises ShapeError."""
    within = {"reflect": 1, "circular": 0}.get(mode)
    for n, both in zip(x[1:], sides, strict=True):
        for side in both:
            if within is not None and not require_above(n - side, within - 1):
                raise ShapeError(f"{op.name}: {mode} padding of {side} around {n} positions of {format_shape(x)}")


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
