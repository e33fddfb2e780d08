"""What every operator is: a frozen record that says its output shape, its parameters and its work.

Shapes are (channels, *spatial) or (features,), batch apart; a sequence is (tokens, features), and channels may stand
last after a permute. Of this an operator knows nothing: it works on the first axis, the channels, at every position of
the others, or where it has a `dim`, on the axes that this says. `dim` counts as torch does: 0 would be the batch, 1 is
the first axis, -1 the last. The rules are written once for ints, arrays and symbols:
they use only `+ - *` and `convcost.exact.integers`, divide early, and never branch on a dimension (on an argument they
may).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, FrozenInstanceError
from fractions import Fraction
from math import isfinite
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn, Self, TypeAlias, TypeVar, dataclass_transform

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import (
    Int,
    is_exact,
    require_above,
    require_equal,
    require_integer,
    total,
    unboxed,
    volume,
)

Shape: TypeAlias = tuple[Int, ...]
Memory: TypeAlias = Literal["own", "in place", "view"]
Kind: TypeAlias = Literal["conv", "linear", "pool", "norm", "activation", "other"]
Number: TypeAlias = Any
"""An argument that no count depends on, such as a slope: any number."""


class Params(NamedTuple):
    """Numbers of a node that are learned or stored, by kind (elements)."""

    weights: Int = 0
    biases: Int = 0
    norm_affine: Int = 0
    """Scale (gamma) and shift (beta) of normalisations: trainable."""
    norm_stats: Int = 0
    """Running mean and variance: stored, not trained."""

    @property
    def trainable(self) -> Int:
        """Weights, biases and norm affine: what torch calls parameters and Keras trainable parameters."""
        return self.weights + self.biases + self.norm_affine

    @property
    def total(self) -> Int:
        """Trainable numbers and norm statistics: what Keras' count_params() says."""
        return self.trainable + self.norm_stats


class Work(NamedTuple):
    """Arithmetic of one forward pass of one sample in evaluation mode, by kind (operations).

    A multiply-add of a convolution or matrix product is one `macs` and nothing else; the other fields hold the work
    that is not a multiply-add: bias additions, poolings, normalisations, activations.
    """

    macs: Int = 0
    adds: Int = 0
    muls: Int = 0
    compares: Int = 0
    divs: Int = 0
    exps: Int = 0
    """Exponentials, logarithms, powers, roots and error functions."""

    def times(self, n: Int) -> Work:
        """The same work n times over."""
        return Work(*[field * n for field in self])


NO_PARAMS = Params()
NO_WORK = Work()


def sum_params(items: Iterable[Params]) -> Params:
    """Field-wise sum."""
    return Params(*map(total, zip(*items, strict=True))) if (items := tuple(items)) else NO_PARAMS


def sum_work(items: Iterable[Work]) -> Work:
    """Field-wise sum."""
    return Work(*map(total, zip(*items, strict=True))) if (items := tuple(items)) else NO_WORK


class Window(NamedTuple):
    """How one axis of an output sees its input's: output o sees `extent` positions from o * stride - before on.

    Positions count on a grid on which input i stands at i * upsampling, with nothing in between.
    """

    extent: Int
    stride: Int
    before: Int
    upsampling: Int = 1


R = TypeVar("R", bound="Op")


class Field(NamedTuple):
    """An argument of an operator, as it is declared."""

    name: str
    type: Any
    default: Any
    """`dataclasses.MISSING` where there is none."""


@dataclass_transform(frozen_default=True, eq_default=False)
def record(cls: type[R]) -> type[R]:
    """A class of operators with arguments, declared as those of a frozen dataclass; its methods are those of `Op`.

    A dataclass would generate them for each class, in a tenth of the time in which `convcost table` runs.
    """
    declared = {field.name: field for field in cls.fields}
    own = cls.__dict__.get("__annotations__", {})  # noqa: RUF063  # inspect takes a tenth of the same time to import
    for name, kind in own.items():
        if "ClassVar" not in str(kind):
            declared[name] = Field(name, kind, cls.__dict__.get(name, MISSING))
    cls.fields = tuple(declared.values())
    cls.defaults = {field.name: field.default for field in cls.fields}
    cls.required = frozenset(name for name, default in cls.defaults.items() if default is MISSING)
    return cls


@record
class Op:
    """Base of all operator records. A subclass says its rules; nothing here knows YAML, torch or a table.

    A subclass with arguments is a `record`; one without inherits all that it needs.
    """

    fields: ClassVar[tuple[Field, ...]] = ()
    """Its arguments, in order."""
    defaults: ClassVar[dict[str, Any]] = {}
    """The same by name, with their defaults."""
    required: ClassVar[frozenset[str]] = frozenset()
    """Those that have no default."""

    name: ClassVar[str]
    """The operator's name in a spec."""
    inputs: ClassVar[int | None] = 1
    """How many tensors it takes; None is two or more."""
    memory: ClassVar[Memory] = "own"
    """Where its output is: in memory of its own; in its first input's, if asked to work in place and torch can; or in
    its input's in any case, of which it is a view."""
    kind: ClassVar[Kind] = "other"
    """What sort of layer it is: what `convcost layers --only` takes, and what `--fold` folds."""
    multiplies: ClassVar[bool] = False
    """Whether its work is multiply-adds, so that its output counts as activations (fvcore)."""

    def __init__(self, *values: Any, **named: Any) -> None:
        """Take the arguments, by order or by name. Raises TypeError as any call does."""
        if len(values) > len(self.fields):
            raise TypeError(f"{type(self).__name__} takes {len(self.fields)} arguments, got {len(values)}")
        for name, value in zip(self.defaults, values):  # noqa: B905  # there are not more of them
            if name in named:
                raise TypeError(f"{type(self).__name__} got {name} twice")
            named[name] = value
        if not self.required <= named.keys():
            missing = next(name for name in self.defaults if name in self.required - named.keys())
            raise TypeError(f"{type(self).__name__} needs the argument {missing!r}")
        if not named.keys() <= self.defaults.keys():
            unknown = next(name for name in named if name not in self.defaults)
            raise TypeError(f"{type(self).__name__} has no argument {unknown!r}")
        self.__dict__.update(self.defaults | named)  # in the order in which they are declared
        self.__post_init__()

    def __post_init__(self) -> None:
        """Refuse arguments that are no operator on any input. Raises ConvcostError."""

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The values of its arguments, in order."""
        return tuple(self.__dict__.values())

    def replace(self, **changes: Any) -> Self:
        """The same operator with other arguments."""
        return type(self)(**{**self.__dict__, **changes})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Op) and type(self) is type(other) and self.arguments == other.arguments

    def __hash__(self) -> int:
        return hash((type(self), self.arguments))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def out_shape(self, *xs: Shape) -> Shape:
        """The output shape for input shapes xs. Raises ShapeError if they do not fit."""
        return xs[0]

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """The parameters for inputs xs and output y, by kind."""
        return NO_PARAMS

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """The work for inputs xs and output y, by kind, of one sample."""
        return NO_WORK

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """One window per spatial axis; () for an operator that works point by point, None for one that sees it all."""
        return ()


def elements(shape: Shape) -> Int:
    """Number of elements of a tensor of this shape, one sample."""
    return volume(shape)


def at_least(least: int, op: Op, **arguments: Any) -> None:
    """Refuse arguments that are no integers, or known to be below `least`."""
    for name, value in arguments.items():
        check_integers(least, op, name, value, (value,))


def each_at_least(least: int, op: Op, **arguments: Any) -> None:
    """The same for arguments that are one integer for all axes, or a tuple of one per axis."""
    for name, value in arguments.items():
        check_integers(least, op, name, value, value if isinstance(value, tuple) else (value,))


def check_integers(least: int | None, op: Op, name: str, value: Any, parts: Iterable[Any]) -> None:
    """Refuse the argument `value` called `name` if one of its parts is no integer, or known to be below any `least`.

    Scalars of numpy become Python's own, which no number of bits limits.
    """
    boxed = False
    for part in parts:
        if type(part) is int and (least is None or part >= least):
            continue
        if not require_integer(part):
            raise ConvcostError(f"{op.name}: {name} must be an integer, got {_say(value)}")
        if least is not None and not require_above(part, least - 1):
            raise ConvcostError(f"{op.name}: {name} must be at least {least}, got {_say(value)}")
        boxed |= type(part) is not int and hasattr(part, "dtype") and not part.shape
    if boxed:
        op.__dict__[name] = _unboxed(value)


def _unboxed(value: Any) -> Any:
    return tuple(map(_unboxed, value)) if isinstance(value, tuple) else unboxed(value)


Dims: TypeAlias = int | tuple[int, ...]
"""One axis, or several, counted as torch does."""


def check_dims(op: Op, *, one: bool = False, **arguments: Any) -> None:
    """Refuse what names no axis; with `one`, what names several."""
    for name, value in arguments.items():
        parts = value if isinstance(value, tuple) and not one else (value,)
        check_integers(None, op, name, value, parts)
        if not all(isinstance(part, int) for part in parts):
            raise ConvcostError(f"{op.name}: {name} is one for all designs, got {value}")
        if 0 in parts or not parts:
            raise ConvcostError(f"{op.name}: {name} is 1 for the channels and 2 or more for the sizes, got {value}")


def axes_of(op: Op, x: Shape, dim: Dims, name: str = "dim") -> tuple[int, ...]:
    """The places in a shape of the axes that `dim` names, in its order. Raises ShapeError if x has none such."""
    dims = dim if isinstance(dim, tuple) else (dim,)
    places = tuple([d - 1 if d > 0 else d + len(x) for d in dims])
    if len({*places} & {*range(len(x))}) < len(places):
        raise ShapeError(f"{op.name}: {name}={dim} of {format_shape(x)}, whose axes are 1 to {len(x)}")
    return places


def axis_of(op: Op, x: Shape, dim: int) -> int:
    """The place of one axis."""
    (place,) = axes_of(op, x, dim)
    return place


def real(op: Op, **arguments: Any) -> None:
    """Refuse arguments that are no numbers. A float becomes the decimal that it is written as."""
    for name, value in arguments.items():
        if isinstance(value, float) and isfinite(value):
            op.__dict__[name] = Fraction(repr(float(value)))
        elif not is_exact(value):
            raise ConvcostError(f"{op.name}: {name} must be a number, got {_say(value)}")


def boolean(op: Op, **arguments: Any) -> None:
    """Refuse arguments that are neither True nor False: the text "false" would otherwise count as true."""
    for name, value in arguments.items():
        if not isinstance(value, bool):
            raise ConvcostError(f"{op.name}: {name} must be true or false, got {_say(value)}")


def one_of(choices: Sequence[str], op: Op, **arguments: Any) -> None:
    """Refuse arguments that are none of these words."""
    for name, value in arguments.items():
        if value not in choices:
            raise ConvcostError(f"{op.name}: {name} must be {' or '.join(choices)}, got {value!r}")


def _say(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def same_shape(op: Op, xs: Sequence[Shape], *, but: int | None = None) -> None:
    """Refuse inputs whose shapes differ, but for one axis, if one is said."""
    first = xs[0]
    kept = [i for i in range(len(first)) if i != but]
    for x in xs[1:]:
        if len(x) != len(first) or not all(require_equal(first[i], x[i]) for i in kept):
            what = "shapes" if but is None else "sizes"
            raise ShapeError(f"{op.name} of different {what}: {format_shape(first)} and {format_shape(x)}")


def spatial(op: Op, x: Shape) -> Shape:
    """The spatial sizes of x; refuses a tensor that has none."""
    if len(x) < 2:
        raise ShapeError(f"{op.name} needs (channels, size...), its input is {format_shape(x)}")
    return x[1:]


class Inputs(tuple[Int, ...]):  # noqa: SLOT001  # no subclass of a tuple can have slots that hold anything
    """The shapes of a network's inputs by name, in order: as a `Shape`, that of the first, which its layers begin with.

    >>> inputs = Inputs({"image": (3, 64, 64), "text": (77, 512)})
    >>> inputs[0], inputs.of["text"]
    (3, (77, 512))
    """

    of: Mapping[str, Shape]

    def __new__(cls, of: Mapping[str, Shape]) -> Self:
        """Take a shape for each name, of which there is one or more."""
        self = super().__new__(cls, next(iter(of.values())))
        self.of = MappingProxyType(dict(of))
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Inputs) and tuple(self.of.items()) == tuple(other.of.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self.of.items()))

    def __reduce__(self) -> tuple[type[Inputs], tuple[dict[str, Shape]]]:
        return Inputs, (dict(self.of),)


def inputs_of(input: Shape) -> Mapping[str, Shape]:
    """The shapes of all inputs by name; a single one that has none is called input."""
    return input.of if isinstance(input, Inputs) else {"input": input}


def format_shape(shape: Shape) -> str:
    """Shape as the field writes it: 64x56x56; of several inputs, image=3x64x64,text=77x512."""
    if isinstance(shape, Inputs):
        return ",".join(f"{name}={format_shape(one)}" for name, one in shape.of.items())
    return "x".join(str(d) for d in shape)
