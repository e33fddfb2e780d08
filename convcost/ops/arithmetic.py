"""Arithmetic of several tensors: sums, products and the like, element by element; none has parameters.

Axes of size 1 broadcast, and a tensor of fewer axes has such behind its own: a vector of features gates channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, equal, require_equal
from convcost.ops.base import Memory, Op, Shape, Work, boolean, elements, format_shape, record, same_shape


def broadcast(op: Op, xs: Sequence[Shape]) -> Shape:
    """The common shape of tensors that broadcast. Raises ShapeError for others."""
    rank = max(map(len, xs))
    out: Shape = (1,) * rank
    for x in (x + (1,) * (rank - len(x)) for x in xs):
        out = tuple(_common(op, a, b, xs) for a, b in zip(out, x, strict=True))
    return out


def _common(op: Op, a: Int, b: Int, xs: Sequence[Shape]) -> Int:
    if equal(a, 1):
        return b
    if equal(b, 1) or require_equal(a, b):
        return a
    raise ShapeError(f"{op.name} of shapes that do not broadcast: {' and '.join(map(format_shape, xs))}")


@record
class Add(Op):
    """Sum of tensors of one shape: the residual connection. Only with `broadcast` do axes of 1 fit others."""

    name: ClassVar[str] = "add"
    memory: ClassVar[Memory] = "in place"
    inputs: ClassVar[int | None] = None
    broadcast: bool = False

    def __post_init__(self) -> None:
        """Refuse anything but true and false."""
        boolean(self, broadcast=self.broadcast)

    def out_shape(self, *xs: Shape) -> Shape:
        """The common shape."""
        if self.broadcast:
            return broadcast(self, xs)
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
        return broadcast(self, xs)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One multiply per element and further input."""
        return Work(muls=(len(xs) - 1) * elements(y))


class OfTwo(Op):
    """What operations of two tensors share, which broadcast: the same work for every element."""

    inputs: ClassVar[int | None] = 2
    per_element: ClassVar[Work]

    def out_shape(self, *xs: Shape) -> Shape:
        """The broadcast shape."""
        return broadcast(self, xs)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """`per_element`, times the number of elements."""
        return self.per_element.times(elements(y))


class Subtract(OfTwo):
    """Difference of two tensors, axes of size 1 broadcast."""

    name: ClassVar[str] = "sub"
    per_element: ClassVar[Work] = Work(adds=1)


class Divide(OfTwo):
    """Quotient of two tensors, axes of size 1 broadcast."""

    name: ClassVar[str] = "div"
    per_element: ClassVar[Work] = Work(divs=1)


class Power(OfTwo):
    """One tensor to the power of another, axes of size 1 broadcast."""

    name: ClassVar[str] = "pow"
    per_element: ClassVar[Work] = Work(exps=1)
