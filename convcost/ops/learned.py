"""Tensors that no layer makes: learned ones, as a position embedding or a class token, and those that are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import Int
from convcost.ops.base import Op, Params, Shape, at_least, check_integers, elements, record


@record
class Parameter(Op):
    """A learned tensor of a shape, the same for every sample: it takes no input, torch.nn.Parameter.

    With `learned` it is made of so many numbers, of which each stands in several places, as in a table of relative
    positions (Liu et al. 2021, Swin Transformer, equation 4: (2M - 1)^2 for each head, at M^2 x M^2 places).
    """

    name: ClassVar[str] = "parameter"
    inputs: ClassVar[int | None] = 0
    shape: tuple[Int, ...]
    learned: Int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no shape."""
        check_integers(1, self, "shape", self.shape, self._sizes)
        if self.learned is not None:
            at_least(1, self, learned=self.learned)
            if not isinstance(self.shape, tuple):
                both = f"({self.shape}, {self.learned})"
                raise ConvcostError(
                    f"parameter: a shape of two sizes is one argument, {both}; shapes with learned are tuples"
                )

    def out_shape(self, *xs: Shape) -> Shape:
        """The shape."""
        return self._sizes

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Its elements, or what it is made of."""
        return Params(weights=elements(y) if self.learned is None else self.learned)

    @property
    def _sizes(self) -> Shape:
        return self.shape if isinstance(self.shape, tuple) else (self.shape,)


class Input(Op):
    """An input of a network besides its first: a graph has one under each name, with its shape. No spec calls it."""

    name: ClassVar[str] = "input"
    inputs: ClassVar[int | None] = 0

    def out_shape(self, *xs: Shape) -> Shape:
        """Known to the graph alone."""
        raise ShapeError("the shape of an input is its graph's")
