"""Integers that know how they came about: rules run on them as on ints, and what comes out says its own arithmetic.

A `Traced` has a value and the expression that it is of. Where a rule takes the larger of two or rounds, the expression
says so; where it asks which of two is smaller, the value answers, and the expression is of the case that holds.
Products are written from left to right, as are quotients that leave no rest, so that `3 / 1 * 49` is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from operator import index
from typing import Literal, NamedTuple, TypeAlias

from convcost.exact.integers import Int, require_integer

Function: TypeAlias = Literal["floor", "ceil", "max", "min", "gcd"]
_OF: Mapping[str, Callable[..., int]] = {"max": max, "min": min, "gcd": math.gcd}
_MIRRORED: Mapping[str, Function] = {"max": "min", "min": "max"}


class Sum(NamedTuple):
    """A sum: its terms, each with the sign before it."""

    parts: tuple[tuple[Literal["+", "-"], Traced], ...]


class Product(NamedTuple):
    """Factors and divisors, of which no quotient on the way leaves a rest."""

    parts: tuple[tuple[Literal["*", "/"], Traced], ...]


class Call(NamedTuple):
    """A function of one or two arguments."""

    function: Function
    arguments: tuple[Traced, ...]


class Traced:
    """An int with its expression, which is a name, a number, or made of others."""

    __slots__ = ("form", "value")

    def __init__(self, value: int, form: str | Sum | Product | Call | None = None) -> None:
        """Take a form, or a name; without either it is a number that a rule has written itself."""
        self.value = value
        self.form = form

    def symbols(self) -> str:
        """The expression in names: `kernel_h * kernel_w * in_channels / groups`."""
        return _text(self, lambda traced: str(traced.form))

    def numbers(self) -> str:
        """The same in numbers, without divisions by 1: `7 * 7 * 3`."""
        return _text(self, lambda traced: str(traced.value), ones=False)

    def __add__(self, other: Int) -> Int:
        return _sum(self, "+", other)

    def __radd__(self, other: Int) -> Int:
        return _sum(other, "+", self)

    def __sub__(self, other: Int) -> Int:
        return _sum(self, "-", other)

    def __rsub__(self, other: Int) -> Int:
        return _sum(other, "-", self)

    def __neg__(self) -> Int:
        if isinstance(self.form, Call) and self.form.function in _MIRRORED:
            return _call(_MIRRORED[self.form.function], *(-argument for argument in self.form.arguments))
        return _sum(0, "-", self)

    def __mul__(self, other: Int) -> Int:
        return _product(self, other)

    def __rmul__(self, other: Int) -> Int:
        return _product(other, self)

    def __floordiv__(self, other: Int) -> Int:
        return _quotient("floor", self, other)

    def __rfloordiv__(self, other: Int) -> Int:
        return _quotient("floor", other, self)

    def __mod__(self, other: Int) -> int:
        return self.value % _value(other)

    def __rmod__(self, other: Int) -> int:
        return _value(other) % self.value

    def __eq__(self, other: object) -> bool:
        return self.value == (other.value if isinstance(other, Traced) else other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Int) -> bool:
        return self.value < _value(other)

    def __le__(self, other: Int) -> bool:
        return self.value <= _value(other)

    def __gt__(self, other: Int) -> bool:
        return self.value > _value(other)

    def __ge__(self, other: Int) -> bool:
        return self.value >= _value(other)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        return self.value

    def __repr__(self) -> str:
        return f"{self.symbols()} = {self.numbers()} = {self.value}"

    # What `convcost.exact.integers` asks of anything that is no int.

    @staticmethod
    def _total(values: Iterable[Int]) -> Int:
        return sum(values)

    @staticmethod
    def _ceildiv(a: Int, b: Int) -> Int:
        return _quotient("ceil", a, b)

    @staticmethod
    def _maximum(a: Int, b: Int) -> Int:
        return _call("max", a, b)

    @staticmethod
    def _common_divisor(a: Int, b: Int) -> Int:
        return _call("gcd", a, b)

    @staticmethod
    def _less(a: Int, b: Int) -> int:
        return int(_value(a) < _value(b))

    @staticmethod
    def _equal(a: Int, b: Int) -> bool:
        return _value(a) == _value(b)

    _require_equal = _choose_equal = _equal

    @staticmethod
    def _require_above(a: Int, b: Int) -> bool:
        return _value(a) > _value(b)

    @staticmethod
    def _require_divisible(a: Int, b: Int) -> bool:
        return _value(a) % _value(b) == 0

    @staticmethod
    def _require_integer(a: Traced) -> bool:
        return require_integer(a.value)


def _value(operand: Int) -> int:
    return index(operand)


def _traced(operand: Int) -> Traced:
    return operand if isinstance(operand, Traced) else Traced(int(operand))


def _sum(left: Int, sign: Literal["+", "-"], right: Int) -> Int:
    if not isinstance(right, Traced) and right == 0:
        return left
    if not isinstance(left, Traced) and left == 0 and sign == "+":
        return right
    flipped: Mapping[str, Literal["+", "-"]] = {"+": sign, "-": "-" if sign == "+" else "+"}
    parts = [*_terms(_traced(left)), *((flipped[own], part) for own, part in _terms(_traced(right)))]
    value = sum(part.value if own == "+" else -part.value for own, part in parts)
    named = [(own, part) for own, part in parts if part.form is not None]
    if not named:
        return Traced(value)
    if rest := sum(part.value if own == "+" else -part.value for own, part in parts if part.form is None):
        number: tuple[Literal["+", "-"], Traced] = ("+" if rest > 0 else "-", Traced(abs(rest)))
        named.insert(0 if named[0][0] == "-" and rest > 0 else len(named), number)  # 1 - n rather than -n + 1
    return named[0][1] if len(named) == 1 and named[0][0] == "+" else Traced(value, Sum(tuple(named)))


def _terms(traced: Traced) -> tuple[tuple[Literal["+", "-"], Traced], ...]:
    return traced.form.parts if isinstance(traced.form, Sum) else (("+", traced),)


def _product(left: Int, right: Int) -> Int:
    for one, other in ((left, right), (right, left)):
        if not isinstance(one, Traced) and one in (0, 1):
            return other if one else 0
    left, right = _traced(left), _traced(right)
    return Traced(left.value * right.value, Product((*_factors(left), *_factors(right))))


def _factors(traced: Traced) -> tuple[tuple[Literal["*", "/"], Traced], ...]:
    return traced.form.parts if isinstance(traced.form, Product) else (("*", traced),)


def _quotient(rounding: Literal["floor", "ceil"], a: Int, b: Int) -> Int:
    if not isinstance(b, Traced) and b == 1:
        return a
    a, b = _traced(a), _traced(b)
    value, rest = divmod(a.value, b.value)
    exact = Product((*_factors(a), ("/", b)))
    if not rest:
        return Traced(value, exact)
    return Traced(value + (rounding == "ceil"), Call(rounding, (Traced(value, exact),)))


def _call(function: Function, *arguments: Int) -> Traced:
    return Traced(_OF[function](*map(_value, arguments)), Call(function, tuple(map(_traced, arguments))))


def _text(traced: Traced, leaf: Callable[[Traced], str], *, ones: bool = True) -> str:
    """The expression with each name as `leaf` has it; without `ones`, divisions by 1 are left out."""

    def inside(part: Traced, *grouped: type) -> str:
        text = _text(part, leaf, ones=ones)
        return f"({text})" if isinstance(part.form, grouped) or text.startswith("-") else text

    match traced.form:
        case None:
            return str(traced.value)
        case str():
            return leaf(traced)
        case Call(function, arguments):
            return f"{function}({', '.join(_text(one, leaf, ones=ones) for one in arguments)})"
        case Sum(parts):
            text = "".join(f" {sign} {inside(part, Sum)}" for sign, part in parts)
            return text.removeprefix(" + ") if parts[0][0] == "+" else f"-{text.removeprefix(' - ')}"
        case Product(parts):
            kept = [(sign, part) for sign, part in parts if ones or sign == "*" or part.value != 1]
            text = "".join(f" {sign} {inside(part, *((Sum, Product)[: 1 + (sign == '/')]))}" for sign, part in kept)
            return text.removeprefix(" * ")
