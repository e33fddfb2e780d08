"""Operators that cut tensors, or give their elements other axes; none has parameters or does arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import (
    Int,
    ceildiv,
    equal,
    less,
    prod,
    require_above,
    require_divisible,
    require_equal,
    where,
)
from convcost.ops.base import (
    Memory,
    Op,
    Shape,
    Window,
    at_least,
    axes_of,
    axis_of,
    check_dims,
    check_integers,
    elements,
    format_shape,
    record,
)


class Cut(Op):
    """What parts of one axis share: those of the first lie together in memory, and are views."""

    dim: int

    @property
    def memory(self) -> Memory:  # type: ignore[override]  # of each record, where others have one for all
        """A view of the channels, else a copy: what follows may want its elements together, as a flatten does."""
        return "view" if self.dim == 1 else "own"

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Its own position, of channels; else positions are given up."""
        return () if axis_of(self, x, self.dim) == 0 else None


@record
class Split(Cut):
    """One of `parts` equal slices of an axis, counted from 0, as an element of torch.chunk."""

    name: ClassVar[str] = "split"
    parts: int
    index: int
    dim: int = 1

    def __post_init__(self) -> None:
        """Refuse a slice that is none of the parts."""
        at_least(1, self, parts=self.parts)
        at_least(0, self, index=self.index)
        check_dims(self, dim=self.dim, one=True)
        if not require_above(self.parts - self.index, 0):
            raise ConvcostError(f"split: index {self.index} of {self.parts} parts counted from 0")

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's, with n / parts in place of n."""
        (x,) = xs
        place = axis_of(self, x, self.dim)
        if not require_divisible(x[place], self.parts):
            what = "channels" if place == 0 else f"positions of {format_shape(x)}"
            raise ShapeError(f"split: {self.parts} parts do not divide {x[place]} {what}")
        return (*x[:place], x[place] // self.parts, *x[place + 1 :])


@record
class Slice(Cut):
    """The elements start, start + step, ... before `stop` of an axis, as x[:, start:stop:step] of the channels.

    Negative numbers count from the end. Without `stop` they go on to the end; unlike Python's slices, none may lie
    outside.
    """

    name: ClassVar[str] = "slice"
    dim: int
    start: Int = 0
    stop: Int | None = None
    step: Int = 1

    def __post_init__(self) -> None:
        """Refuse what names no axis or elements, and a step below 1."""
        check_dims(self, dim=self.dim, one=True)
        at_least(1, self, step=self.step)
        check_integers(None, self, "start", self.start, (self.start,))
        if self.stop is not None:
            check_integers(None, self, "stop", self.stop, (self.stop,))

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's, with the number of elements in place of the axis."""
        (x,) = xs
        place = axis_of(self, x, self.dim)
        n = x[place]
        start, stop = self.start, n if self.stop is None else self.stop
        first, end = (where(less(i, 0), n + i, i) for i in (start, stop))
        if not (require_above(first, -1) and require_above(n - end, -1) and require_above(end - first, 0)):
            raise ShapeError(f"slice: {start} to {stop} of {n}, on axis {place + 1} of {format_shape(x)}")
        return (*x[:place], ceildiv(end - first, self.step), *x[place + 1 :])


@record
class Flatten(Op):
    """Several axes as one, all of them if it is not said: (C, *sizes) -> (C * sizes,), torch.flatten(x, start, end)."""

    name: ClassVar[str] = "flatten"
    memory: ClassVar[Memory] = "view"
    start_dim: int = 1
    end_dim: int = -1

    def __post_init__(self) -> None:
        """Refuse what names no axes."""
        check_dims(self, start_dim=self.start_dim, one=True)
        check_dims(self, end_dim=self.end_dim, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """All elements of these axes in one."""
        (x,) = xs
        (start,), (end,) = axes_of(self, x, self.start_dim, "start_dim"), axes_of(self, x, self.end_dim, "end_dim")
        if start > end:
            raise ShapeError(f"flatten: from axis {start + 1} to {end + 1} of {format_shape(x)}")
        return (*x[:start], elements(x[start : end + 1]), *x[end + 1 :])

    def windows(self, x: Shape) -> None:
        """Positions are given up, so an element stands for the whole map."""
        return


@record
class Reshape(Op):
    """The elements in their order under another shape, batch apart: torch.reshape, or torch.nn.Unflatten.

    One size may be -1: as much as is left for it.
    """

    name: ClassVar[str] = "reshape"
    memory: ClassVar[Memory] = "view"
    shape: tuple[Int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no shape."""
        shape = self._sizes
        check_integers(None, self, "shape", self.shape, shape)
        open_ = sum(equal(n, -1) for n in shape)
        if not shape or open_ > 1 or not all(equal(n, -1) or require_above(n, 0) for n in shape):
            raise ConvcostError(f"reshape: shape is sizes, one of which may be -1, got {self.shape}")

    def out_shape(self, *xs: Shape) -> Shape:
        """The shape. What is the same at its ends is taken out first, so that symbols need not be divided."""
        (x,) = xs
        y = self._sizes
        before = _same(x, y)
        after = _same(x[before:][::-1], y[before:][::-1])
        given, wanted = (s[before : len(s) - after] for s in (x, y))
        n, known = prod(given), prod(m for m in wanted if not equal(m, -1))
        open_ = any(equal(m, -1) for m in wanted)
        if not (require_divisible(n, known) if open_ else require_equal(n, known)):
            raise ShapeError(f"reshape: {format_shape(x)} has {elements(x)} elements, {format_shape(y)} another number")
        return (*y[:before], *(n // known if equal(m, -1) else m for m in wanted), *y[len(y) - after :])

    def windows(self, x: Shape) -> None:
        """None: its output has no positions of the map, and no window leads from one to the other."""
        return

    @property
    def _sizes(self) -> Shape:
        return self.shape if isinstance(self.shape, tuple) else (self.shape,)


def _same(a: Sequence[Int], b: Sequence[Int]) -> int:
    """How many of their first elements are the same."""
    count = 0
    while count < min(len(a), len(b)) and equal(a[count], b[count]):
        count += 1
    return count


@record
class Permute(Op):
    """The axes in another order, batch apart: permute((2, 3, 1)) is torch's permute(0, 2, 3, 1), channels last.

    Its elements are brought into that order in memory: what follows may be a view of them.
    """

    name: ClassVar[str] = "permute"
    dims: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what names no axes."""
        check_dims(self, dims=self.dims)

    def out_shape(self, *xs: Shape) -> Shape:
        """The sizes in that order."""
        (x,) = xs
        places = axes_of(self, x, self.dims, "dims")
        if len(places) < len(x):
            raise ShapeError(f"permute: dims={self.dims} of {format_shape(x)}, which has {len(x)} axes")
        return tuple(x[i] for i in places)

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Positions are given up, unless nothing changes its place."""
        places = axes_of(self, x, self.dims, "dims")
        return () if places == tuple(range(len(x))) else None


@record
class Transpose(Op):
    """Two axes changed for each other, batch apart: torch.transpose, its elements in that order as of `permute`."""

    name: ClassVar[str] = "transpose"
    dim0: int
    dim1: int

    def __post_init__(self) -> None:
        """Refuse what names no axes."""
        check_dims(self, dim0=self.dim0, one=True)
        check_dims(self, dim1=self.dim1, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """The sizes in that order."""
        (x,) = xs
        a, b = self._places(x)
        y = list(x)
        y[a], y[b] = x[b], x[a]
        return tuple(y)

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Positions are given up, unless nothing changes its place."""
        a, b = self._places(x)
        return () if a == b else None

    def _places(self, x: Shape) -> tuple[int, int]:
        return axes_of(self, x, self.dim0, "dim0")[0], axes_of(self, x, self.dim1, "dim1")[0]


@record
class Roll(Op):
    """The elements moved along axes, those that leave one end coming in at the other, torch.roll: shape kept."""

    name: ClassVar[str] = "roll"
    shifts: Int | tuple[Int, ...]
    dims: int | tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what names no axes, or not a shift for each."""
        shifts = self.shifts if isinstance(self.shifts, tuple) else (self.shifts,)
        check_integers(None, self, "shifts", self.shifts, shifts)
        check_dims(self, dims=self.dims)
        if len(shifts) != (len(self.dims) if isinstance(self.dims, tuple) else 1):
            raise ConvcostError(f"roll: shifts is one for each of dims, got {self.shifts} for {self.dims}")

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's, if it has these axes."""
        axes_of(self, xs[0], self.dims, "dims")
        return xs[0]

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Positions are given up, unless it moves channels alone."""
        return () if axes_of(self, x, self.dims, "dims") == (0,) else None
