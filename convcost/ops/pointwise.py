"""Operators that work element by element on one tensor: activations, scaling, dropout.

Each says its work per element; the shape is kept and there are no parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.ops.base import NO_WORK, Memory, Op, Shape, Work, elements, one_of, record, sum_work


class Pointwise(Op):
    """Base: the same work for every element."""

    per_element: ClassVar[Work] = NO_WORK

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """`per_element`, times the number of elements."""
        return self.per_element.times(elements(y)) if self.per_element is not NO_WORK else NO_WORK


class Dropout(Pointwise):
    """Nothing, at evaluation."""

    name: ClassVar[str] = "dropout"
    memory: ClassVar[Memory] = "view"


class ReLU(Pointwise):
    """max(x, 0)."""

    name: ClassVar[str] = "relu"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(compares=1)


class ReLU6(Pointwise):
    """min(max(x, 0), 6)."""

    name: ClassVar[str] = "relu6"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(compares=2)


class Sigmoid(Pointwise):
    """1 / (1 + exp(-x))."""

    name: ClassVar[str] = "sigmoid"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(exps=1, adds=1, divs=1)


class Tanh(Pointwise):
    """(exp(2x) - 1) / (exp(2x) + 1)."""

    name: ClassVar[str] = "tanh"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(exps=1, adds=2, muls=1, divs=1)


class Swish(Pointwise):
    """x sigmoid(x), torch.nn.SiLU."""

    name: ClassVar[str] = "swish"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(exps=1, adds=1, divs=1, muls=1)


@record
class GELU(Op):
    """x P(X <= x) for a normal X (Hendrycks & Gimpel 2016), torch.nn.GELU: shape kept.

    `approximate` is `none`, x/2 (1 + erf(x / sqrt 2)), or `tanh`, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
    """

    name: ClassVar[str] = "gelu"
    approximate: str = "none"

    def __post_init__(self) -> None:
        """Refuse another approximation."""
        one_of(("none", "tanh"), self, approximate=self.approximate)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per element as written above, a constant being one number, and tanh as `Tanh` works."""
        exact = Work(muls=3, adds=1, exps=1)
        return (exact if self.approximate == "none" else _GELU_BY_TANH).times(elements(y))


_GELU_BY_TANH = sum_work([Work(muls=6, adds=2), Tanh.per_element])


class HardSigmoid(Pointwise):
    """relu6(x + 3) / 6."""

    name: ClassVar[str] = "hardsigmoid"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(adds=1, compares=2, divs=1)


class HardSwish(Pointwise):
    """x relu6(x + 3) / 6."""

    name: ClassVar[str] = "hardswish"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(adds=1, compares=2, divs=1, muls=1)


class Scale(Pointwise):
    """Multiplication by a constant, such as the residual scaling of Inception-ResNet."""

    name: ClassVar[str] = "scale"
    memory: ClassVar[Memory] = "in place"
    per_element: ClassVar[Work] = Work(muls=1)


class Softmax(Op):
    """Softmax over the first axis (channels or features), with the usual subtraction of the maximum."""

    name: ClassVar[str] = "softmax"

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per vector of n: n - 1 compares, n subtractions, n exponentials, n - 1 adds, n divisions."""
        n = elements(y)
        vectors = elements(y[1:])
        return Work(compares=n - vectors, adds=2 * n - vectors, exps=n, divs=n)
