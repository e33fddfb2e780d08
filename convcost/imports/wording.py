"""Words of a spec that is written: calls of operators with their arguments, and names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import MISSING
from fractions import Fraction
from keyword import iskeyword
from math import prod
from typing import Any, NamedTuple

from convcost.exact.integers import equal, is_symbolic
from convcost.ops import REGISTRY, Op, Shape
from convcost.spec.model import _RESERVED

_BARE = ("same", "valid", "none", "tanh", "nearest", "bilinear", "caffe")
"""Words of the language that arguments can be."""
_PLAIN = ("stride", "padding", "dilation", "groups")
"""Arguments that layers which are otherwise alike have or leave out: what is left out is a number as any other."""
_NUMBER = re.compile(r"(?<![\w.'\"\[])\d+(?![\w.'\"])")


class Argument(NamedTuple):
    """An argument of an operator as text, `{}` for each of its numbers."""

    field: str
    text: str
    numbers: tuple[int, ...]
    default: int | None
    """The number that is not written, None if it always is."""
    named: bool
    """Whether it is written as `name=value`."""


class Worded(NamedTuple):
    """A call of an operator with its numbers taken out: two are alike if they are equal but for these."""

    name: str
    arguments: tuple[Argument, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What it shares with those that are alike."""
        return (self.name, *((one.field, one.text) for one in self.arguments))

    @property
    def numbers(self) -> tuple[int, ...]:
        """All of its numbers in order."""
        return tuple(number for one in self.arguments for number in one.numbers)

    @property
    def fields(self) -> tuple[str, ...]:
        """The argument that each number is of."""
        return tuple(one.field for one in self.arguments for _ in one.numbers)

    def text(self, said: Iterator[str], taken: Collection[str] = ()) -> str:
        """The call, its numbers as they are said, and layers that it takes by name."""
        given = [*taken]
        for one in self.arguments:
            value = one.text.format(*(next(said) for _ in one.numbers))
            if one.default is None or value != str(one.default):
                given.append(f"{one.field}={value}" if one.named else value)
        return f"{self.name}({', '.join(given)})" if given else self.name


class Sized(NamedTuple):
    """An operator as it is on an input of symbols, and the shape of that."""

    op: Op
    shape: Shape

    def said(self, name: str) -> tuple[Any, Shape]:
        """An argument, and the shape of which its symbols are sizes."""
        return getattr(self.op, name), self.shape


def worded(op: Op, biased: Collection[str], sized: Sized | None = None) -> Worded:
    """An operator's call; of those in `biased` it is the default of the spec that they have no bias.

    Numbers that are sizes of its input are said to be these where `sized` shows it.
    """
    found = []
    for name, _, default in op.fields:
        value = getattr(op, name)
        if name == "bias" and op.name in biased:
            default = False
        plain = name in _PLAIN and type(default) is int and type(value) is int
        if default is MISSING or plain or value != default:
            text = _value(value, *(sized.said(name) if sized else ()))
            numbers = tuple(map(int, _NUMBER.findall(text)))
            places = _NUMBER.sub("{}", text.replace("{", "{{").replace("}", "}}"))
            found.append(Argument(name, places, numbers, default if plain else None, default is not MISSING))
    return Worded(op.name, tuple(found))


def called(op: Op, taken: Collection[str]) -> str:
    """An operator's call as text, with the layers that it takes by name."""
    one = worded(op, ())
    return one.text(map(str, one.numbers), taken)


def _value(value: Any, like: Any = None, shape: Shape = ()) -> str:
    """An argument; one that is `like` a symbol of a shape is said to be that size."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        likes = like if isinstance(like, tuple) else (None,) * len(value)
        parts = (_value(one, other, shape) for one, other in zip(value, likes, strict=True))
        return f"({', '.join(parts)}{',' * (len(value) == 1)})"
    if is_symbolic(like) and (size := _size(like, shape)):
        return size
    if isinstance(value, str):
        return value if value in _BARE else repr(value)
    return str(value) if isinstance(value, int | Fraction) else repr(value)


def _size(like: Any, shape: Shape) -> str:
    """Sizes of a shape that are a symbol, or whose product it is; "" if none are."""
    for first in range(len(shape)):
        for last in range(first, len(shape)):
            if equal(like, prod(shape[first : last + 1])):
                return "*".join(f"in_shape[{axis}]" for axis in range(first, last + 1))
    return ""


def fixed(sized: Sized) -> bool:
    """Whether an operator has arguments that are sizes, but not of its input: no spec says more than numbers."""
    return any(_unsaid(getattr(sized.op, field.name), sized.shape) for field in sized.op.fields)


def _unsaid(value: Any, shape: Shape) -> bool:
    if isinstance(value, tuple):
        return any(_unsaid(one, shape) for one in value)
    return is_symbolic(value) and not _size(value, shape)


def key(text: str) -> str:
    """A text as YAML has it, in quotes where it would be anything else."""
    plain = text.isascii() and text.replace("_", "a").replace(".", "a").isalnum() and not text[:1].isdigit()
    words = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if plain and text.lower() not in words else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def own_name(name: str, others: Collection[str]) -> str:
    """A name that can be referred to, and is none of the others."""
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    name = f"unit_{name}" if not name[:1].isalpha() else name
    base = f"{name}_1" if name in _RESERVED or name in REGISTRY else name
    made, n = base, 2
    while made in others or iskeyword(made):
        made, n = f"{base}_{n}", n + 1
    return made


def snake(name: str) -> str:
    """A class's name as blocks are called: `_DenseLayer` is dense_layer."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.strip("_")).lower()
