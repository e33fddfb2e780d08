"""Operators that work element by element on one tensor: activations, scaling, dropout.

Each says its work per element; the shape is kept, and only PReLU has parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, equal, require_divisible, require_equal
from convcost.ops.base import (
    NO_WORK,
    Kind,
    Memory,
    Number,
    Op,
    Params,
    Shape,
    Window,
    Work,
    at_least,
    axis_of,
    check_dims,
    elements,
    format_shape,
    one_of,
    real,
    record,
    sum_work,
)


class Pointwise(Op):
    """Base: the same work for every element."""

    per_element: ClassVar[Work] = NO_WORK

    def __post_init__(self) -> None:
        """Refuse arguments that are no numbers."""
        real(self, **vars(self))

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """`per_element`, times the number of elements."""
        return self.per_element.times(elements(y)) if self.per_element is not NO_WORK else NO_WORK


def _pointwise(
    title: str,
    name: str,
    doc: str,
    memory: Memory = "in place",
    kind: Kind = "activation",
    /,
    *,
    given: str = "",
    **per_element: int,
) -> type[Pointwise]:
    """A record of one line. `given` are its arguments, which no count depends on: `p=0.5`."""
    body: dict[str, object] = {"__doc__": doc, "__module__": __name__, "name": name, "memory": memory, "kind": kind}
    body["per_element"] = Work(**per_element)
    made = type(title, (Pointwise,), body)
    if not given:
        return made
    arguments = dict(part.split("=") for part in given.split(", "))
    made.__annotations__ = dict.fromkeys(arguments, Number)
    for argument, value in arguments.items():
        setattr(made, argument, Fraction(value))
    return record(made)


# fmt: off
Dropout = _pointwise("Dropout", "dropout", "Nothing, at evaluation.", "view", "other", given="p=0.5")
StochasticDepth = _pointwise(
    "StochasticDepth", "stochastic_depth", "Nothing, at evaluation: a branch left out at random (Huang et al. 2016).",
    "view", "other", given="p=0.5")
Scale = _pointwise(
    "Scale", "scale", "Multiplication by a constant, such as the residual scaling of Inception-ResNet.",
    "in place", "other", muls=1)
ReLU = _pointwise("ReLU", "relu", "max(x, 0).", compares=1)
ReLU6 = _pointwise("ReLU6", "relu6", "min(max(x, 0), 6).", compares=2)
HardTanh = _pointwise(
    "HardTanh", "hardtanh", "min(max(x, min_val), max_val).", given="min_val=-1, max_val=1", compares=2)
LeakyReLU = _pointwise(
    "LeakyReLU", "leaky_relu", "x where it is positive, negative_slope x elsewhere (Maas et al. 2013).",
    given="negative_slope=0.01", compares=1, muls=1)
ELU = _pointwise(
    "ELU", "elu", "x where it is positive, alpha (exp(x) - 1) elsewhere (Clevert et al. 2015).",
    given="alpha=1", compares=1, muls=1, adds=1, exps=1)
SELU = _pointwise(
    "SELU", "selu", "ELU with a fixed alpha, times a constant (Klambauer et al. 2017).",
    compares=1, muls=2, adds=1, exps=1)
Sigmoid = _pointwise("Sigmoid", "sigmoid", "1 / (1 + exp(-x)).", exps=1, adds=1, divs=1)
Tanh = _pointwise("Tanh", "tanh", "(exp(2x) - 1) / (exp(2x) + 1).", exps=1, adds=2, muls=1, divs=1)
Swish = _pointwise("Swish", "swish", "x sigmoid(x), torch.nn.SiLU.", exps=1, adds=1, divs=1, muls=1)
Softplus = _pointwise("Softplus", "softplus", "log(1 + exp(x)).", "own", exps=2, adds=1)
Mish = _pointwise("Mish", "mish", "x tanh(softplus(x)) (Misra 2019).", exps=3, adds=3, muls=2, divs=1)
HardSigmoid = _pointwise("HardSigmoid", "hardsigmoid", "relu6(x + 3) / 6.", adds=1, compares=2, divs=1)
HardSwish = _pointwise("HardSwish", "hardswish", "x relu6(x + 3) / 6.", adds=1, compares=2, divs=1, muls=1)
Exp = _pointwise("Exp", "exp", "e to the power of x.", exps=1)
Log = _pointwise("Log", "log", "The natural logarithm of x.", exps=1)
Sqrt = _pointwise("Sqrt", "sqrt", "The square root of x.", exps=1)
Rsqrt = _pointwise("Rsqrt", "rsqrt", "1 / sqrt(x).", exps=1, divs=1)
Square = _pointwise("Square", "square", "x x.", muls=1)
Abs = _pointwise("Abs", "abs", "The amount of x.", compares=1)
Shift = _pointwise("Shift", "shift", "x and a constant.", "in place", "other", adds=1)
# fmt: on


@record
class PReLU(Op):
    """Leaky ReLU whose slopes are learned (He et al. 2015), torch.nn.PReLU: shape kept.

    `num_parameters` is 1, one slope for all, or the number of channels.
    """

    name: ClassVar[str] = "prelu"
    kind: ClassVar[Kind] = "activation"
    num_parameters: Int = 1

    def __post_init__(self) -> None:
        """Refuse a number below 1."""
        at_least(1, self, num_parameters=self.num_parameters)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if there is one slope, or one for each channel."""
        if not equal(self.num_parameters, 1) and not require_equal(self.num_parameters, xs[0][0]):
            raise ShapeError(f"prelu: num_parameters={self.num_parameters} is neither 1 nor its {xs[0][0]} channels")
        return xs[0]

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """The slopes."""
        return Params(weights=self.num_parameters)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per element one compare and one multiply."""
        return Work(compares=1, muls=1).times(elements(y))


@record
class GELU(Op):
    """x P(X <= x) for a normal X (Hendrycks & Gimpel 2016), torch.nn.GELU: shape kept.

    `approximate` is `none`, x/2 (1 + erf(x / sqrt 2)), or `tanh`, x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
    """

    name: ClassVar[str] = "gelu"
    kind: ClassVar[Kind] = "activation"
    approximate: str = "none"

    def __post_init__(self) -> None:
        """Refuse another approximation."""
        one_of(("none", "tanh"), self, approximate=self.approximate)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per element as written above, a constant being one number, and tanh as `Tanh` works."""
        exact = Work(muls=3, adds=1, exps=1)
        return (exact if self.approximate == "none" else _GELU_BY_TANH).times(elements(y))


_GELU_BY_TANH = sum_work([Work(muls=6, adds=2), Tanh.per_element])


class OfVectors(Op):
    """What softmax and its logarithm share: of the vectors along one axis, the channels or another, each by itself."""

    kind: ClassVar[Kind] = "activation"
    dim: int

    def __post_init__(self) -> None:
        """Refuse what names no axis."""
        check_dims(self, dim=self.dim, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if it has this axis."""
        axis_of(self, xs[0], self.dim)
        return xs[0]

    def vectors(self, x: Shape) -> Int:
        """How many there are."""
        place = axis_of(self, x, self.dim)
        return elements((*x[:place], *x[place + 1 :]))

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Its own position, over channels; else all on that axis."""
        return () if axis_of(self, x, self.dim) == 0 else None


@record
class Softmax(OfVectors):
    """Softmax over one axis, with the usual subtraction of the maximum."""

    name: ClassVar[str] = "softmax"
    dim: int = 1

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per vector of n: n - 1 compares, n subtractions, n exponentials, n - 1 adds, n divisions."""
        n, vectors = elements(y), self.vectors(y)
        return Work(compares=n - vectors, adds=2 * n - vectors, exps=n, divs=n)


@record
class LogSoftmax(OfVectors):
    """The logarithm of softmax over one axis: x - max - log(sum exp(x - max))."""

    name: ClassVar[str] = "log_softmax"
    dim: int = 1

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per vector of n: n - 1 compares, 2 n subtractions, n exponentials, n - 1 adds, one logarithm."""
        n, vectors = elements(y), self.vectors(y)
        return Work(compares=n - vectors, adds=3 * n - vectors, exps=n + vectors)


@record
class GLU(OfVectors):
    """Gated linear unit (Dauphin et al. 2017), torch.nn.GLU: the first half of an axis times the sigmoid of the second.

    (..., 2 n, ...) -> (..., n, ...).
    """

    name: ClassVar[str] = "glu"
    dim: int = 1

    def out_shape(self, *xs: Shape) -> Shape:
        """Half of the axis."""
        (x,) = xs
        place = axis_of(self, x, self.dim)
        if not require_divisible(x[place], 2):
            raise ShapeError(f"glu: {x[place]}, on axis {place + 1} of {format_shape(x)}, has no halves")
        return (*x[:place], x[place] // 2, *x[place + 1 :])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per output element a sigmoid and a product."""
        return Swish.per_element.times(elements(y))
