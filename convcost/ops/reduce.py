"""Operators that reduce axes to one number each; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.ops.base import (
    Op,
    Shape,
    Window,
    Work,
    boolean,
    check_integers,
    elements,
    format_shape,
    record,
)


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
