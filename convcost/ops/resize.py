"""Operators that resize maps: by a factor, to a size, or to another layer's size; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite
from typing import Any, ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import Int
from convcost.ops.base import (
    NO_WORK,
    Op,
    Shape,
    Window,
    Work,
    check_integers,
    each_at_least,
    elements,
    format_shape,
    one_of,
    record,
    spatial,
)
from convcost.ops.geometry import Axes, axes

_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "trilinear": 2, "bicubic": 4}
_AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
_SPOKEN = {1: "one spatial axis", 2: "two spatial axes", 3: "three spatial axes"}


class Interpolation(Op):
    """What resizings share: torch.nn.functional.interpolate(x, size, mode=mode), align_corners=False.

    `mode` is `nearest`, or `linear`, `bilinear`, `trilinear` or `bicubic` for one, two, three or two axes.
    """

    mode: str

    def fitted(self, x: Shape, sizes: Shape) -> Shape:
        """(C, *sizes), if the mode is one of as many axes."""
        if self.mode != "nearest" and len(x) - 1 != _AXES[self.mode]:
            wanted = f"{self.mode} needs {_SPOKEN[_AXES[self.mode]]}"
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
class Upsample(Interpolation):
    """Each spatial axis by a factor, by repeating (nearest) or interpolating (bilinear: two axes).

    A factor may be a fraction with a power of two under it, 0.5 or 1.5: the size is then rounded down.
    """

    name: ClassVar[str] = "upsample"
    scale_factor: Axes | Fraction | tuple[Int | Fraction, ...]
    mode: str = "nearest"

    def __post_init__(self) -> None:
        """Refuse an unknown mode, and a factor that torch, which multiplies by a float, may round to another size."""
        given = self.scale_factor
        self.__dict__["scale_factor"] = tuple(map(_factor, given)) if isinstance(given, tuple) else _factor(given)
        whole = [f for f in self._given if not isinstance(f, Fraction) or f.denominator == 1]
        check_integers(1, self, "scale_factor", given, whole)
        for f in self._given:
            if isinstance(f, Fraction) and f.denominator > 1 and (f <= 0 or f.denominator & (f.denominator - 1)):
                why = "an integer, or a fraction above 0 of which torch knows the size: 0.5, 1.5, 0.75"
                raise ConvcostError(f"upsample: scale_factor must be {why}; got {f}; resize(size) takes any size")
        one_of(("nearest", "bilinear"), self, mode=self.mode)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *floor(sizes * factor))."""
        (x,) = xs
        return self.fitted(x, tuple(n * a // b for n, (a, b) in zip(spatial(self, x), self._ratios(x), strict=True)))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Those of the transposed convolution that does the same: nearest repeats f times, bilinear is a triangle.

        Bilinear (half-pixel centres, torch's align_corners=False): output o weighs input i by the distance of
        (o + 1/2) / f to i + 1/2, which is below 1 for i * f in [o - (3f - 2) // 2, o + f // 2]. By a / b, as `between`
        b inputs and a outputs, but where the size stays the same: there torch copies.
        """
        found: list[Window] = []
        for a, b in self._ratios(x):
            if not isinstance(b, int) or b > 1:
                found += self.between((1, b), (1, a))
            elif self.mode == "nearest":
                found.append(Window(a, 1, a - 1, upsampling=a))
            else:
                found.append(Window(a + a // 2 * 2, 1, (3 * a - 2) // 2, upsampling=a))
        return tuple(found)

    @property
    def _given(self) -> tuple[Any, ...]:
        return self.scale_factor if isinstance(self.scale_factor, tuple) else (self.scale_factor,)

    def _ratios(self, x: Shape) -> list[tuple[Any, int]]:
        """Of each axis, its factor as a / b."""
        factors = axes(self, "scale_factor", self.scale_factor, len(x) - 1)
        return [(f.numerator, f.denominator) if isinstance(f, Fraction) else (f, 1) for f in factors]


def _factor(value: Any) -> Any:
    """A float as the fraction that it is written as."""
    if isinstance(value, float) and isfinite(value) and not value.is_integer():
        return Fraction(repr(float(value)))
    return value


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
