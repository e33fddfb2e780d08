"""Operators that reduce axes to one number each; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.ops.base import (
    Dims,
    Op,
    Shape,
    Window,
    Work,
    axes_of,
    boolean,
    check_dims,
    elements,
    format_shape,
    record,
)


class Reduction(Op):
    """What reductions share: some axes become one number each, as torch.mean(x, dim, keepdim).

    Axes that are reduced are left out, or with `keepdim` stay as 1.
    """

    dim: Dims
    keepdim: bool

    def __post_init__(self) -> None:
        """Refuse what names no axes."""
        check_dims(self, dim=self.dim)
        boolean(self, keepdim=self.keepdim)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape without the axes, or with 1 in their place."""
        (x,) = xs
        reduced = axes_of(self, x, self.dim)
        if not self.keepdim and len(reduced) == len(x):
            raise ShapeError(f"{self.name}: nothing is left of {format_shape(x)}; keepdim=true leaves each axis as 1")
        return tuple(1 if i in reduced else n for i, n in enumerate(x) if self.keepdim or i not in reduced)

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Its own position, if only channels are reduced and stay as 1; else everything."""
        return () if self.keepdim and axes_of(self, x, self.dim) == (0,) else None


@record
class Mean(Reduction):
    """The mean over axes."""

    name: ClassVar[str] = "mean"
    dim: Dims
    keepdim: bool = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per input element but the first of each output, and one division."""
        n = elements(y)
        return Work(adds=elements(xs[0]) - n, divs=n)


@record
class Sum(Reduction):
    """The sum over axes."""

    name: ClassVar[str] = "sum"
    dim: Dims
    keepdim: bool = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add per input element but the first of each output."""
        return Work(adds=elements(xs[0]) - elements(y))


@record
class Amax(Reduction):
    """The maximum over axes, torch.amax."""

    name: ClassVar[str] = "amax"
    dim: Dims
    keepdim: bool = False

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One compare per input element but the first of each output."""
        return Work(compares=elements(xs[0]) - elements(y))
