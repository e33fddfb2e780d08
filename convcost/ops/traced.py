"""The operator of an import that no operator of ours stands for: what it makes and does is stated, not derived.

It is called as its library calls it, `torch.matmul`, so that no rule of counting takes it for one of ours. It is not
part of the language: no spec can call it.
"""

from __future__ import annotations

from collections.abc import Sequence

from convcost.errors import ShapeError
from convcost.exact.integers import require_equal
from convcost.ops.base import NO_WORK, Memory, Op, Shape, Work, format_shape, record


@record
class Traced(Op):
    """An operator as a library ran it: inputs of the shapes `given` -> `shape`, with the work `done`.

    `known` is False if nobody has said what work it is; then a total that it is part of is a lower bound.
    """

    name: str  # type: ignore[misc]  # each record's own, as are the next two, where other operators have a class's
    memory: Memory = "own"  # type: ignore[misc]
    multiplies: bool = False  # type: ignore[misc]
    shape: Shape = ()
    given: tuple[Shape, ...] = ()
    done: Work = NO_WORK
    known: bool = True
    local: bool = False
    """Whether each position of its output sees its own position of the inputs, and nothing else."""

    @property
    def inputs(self) -> int:  # type: ignore[override]  # of each record, not of the class
        """As many as are given."""
        return len(self.given)

    def out_shape(self, *xs: Shape) -> Shape:
        """The shape that it was found to make of these inputs. Raises ShapeError for any others."""
        for x, own in zip(xs, self.given, strict=True):
            if len(x) != len(own) or not all(map(require_equal, x, own)):
                raise ShapeError(f"{self.name} is known of {format_shape(own)} alone, not of {format_shape(x)}")
        return self.shape

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """As stated."""
        return self.done

    def windows(self, x: Shape) -> tuple[()] | None:
        """Its own position, or everything."""
        return () if self.local and len(x) == len(self.shape) else None
