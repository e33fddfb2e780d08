"""The ends of a repeat whose number of steps is a symbol: they stand in for the steps that are not written out.

Its layers are in the graph once, for the step with a symbolic index. That step's input is the first one's plus `growth`
times the index, in every dimension; that its output is one `growth` more is checked, and so holds for all steps by
induction. Neither operator is part of a network: they cost nothing, and no spec can call them.
"""

from __future__ import annotations

from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, equal
from convcost.ops.base import Op, Shape, format_shape, record


def grown(x: Shape, growth: Shape, steps: Int) -> Shape:
    """The shape after so many steps."""
    return tuple(d + steps * more for d, more in zip(x, growth, strict=True))


@record
class Step(Op):
    """From the first step's input to that of the step with an index."""

    name: ClassVar[str] = "step"
    growth: Shape
    index: Int

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's, grown."""
        return grown(xs[0], self.growth, self.index)


@record
class Steps(Op):
    """From the first step's input, and the output of the step with an index, to the last one's output."""

    name: ClassVar[str] = "steps"
    inputs: ClassVar[int | None] = 2
    growth: Shape
    index: Int
    count: Int

    def out_shape(self, *xs: Shape) -> Shape:
        """The first input's, grown. Raises ShapeError if a step adds anything but the growth."""
        x, y = xs
        if len(y) != len(x) or not all(map(equal, y, grown(x, self.growth, self.index + 1))):
            raise ShapeError(f"a step makes {format_shape(y)} of {format_shape(grown(x, self.growth, self.index))}")
        return grown(x, self.growth, self.count)
