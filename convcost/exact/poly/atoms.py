"""What polynomials are made of: atoms, and monomials of them.

An atom is a symbol, or a floor, maximum or indicator that the rules could not resolve. Atoms are interned, so identity
is equality. A monomial is the tuple of its atoms, sorted by key, one entry per power. The values inside an atom are
numbers or polynomials (`core.Poly`), which are known here by their `terms`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from operator import attrgetter
from typing import Any, TypeAlias

from convcost.errors import ConvcostError
from convcost.exact import integers
from convcost.exact.integers import Int

Number: TypeAlias = int | Fraction
Monomial: TypeAlias = "tuple[Atom, ...]"
Terms: TypeAlias = Mapping[Monomial, Number]

# Far above what networks need (degree 10, keys of 100 characters).
MAX_DEGREE = 64
MAX_KEY = 10_000


class Atom:
    """An indivisible factor, which `of` computes from the values it is made of, `inner`.

    `lower` and `upper` bound its value (None: unknown); `integral` says that the value is always an integer. `key` is
    the same in every process, orders the factors of a monomial, and is longer than the key of any atom inside.
    """

    __slots__ = ("inner", "integral", "key", "lower", "upper")

    def __init__(
        self,
        key: str,
        lower: Number | None,
        upper: Number | None,
        integral: bool,
        inner: tuple[Int, ...] = (),
    ) -> None:
        if len(key) > MAX_KEY:
            raise ConvcostError(f"a symbolic size grew past {MAX_KEY} characters: {key[:40]}...")
        self.key, self.lower, self.upper, self.integral, self.inner = key, lower, upper, integral, inner

    def of(self, *inner: Int) -> Int:
        """The atom's value, where its inner values are these."""
        raise NotImplementedError


class Symbol(Atom):
    """A free variable."""

    __slots__ = ("name", "rational")

    def __init__(self, name: str, at_least: Number, rational: bool) -> None:
        key = name if at_least == 1 and not rational else f"{name}>={at_least}{'?' * rational}"
        super().__init__(key, at_least, None, not rational)
        self.name, self.rational = name, rational


class Floor(Atom):
    """floor(numerator / divisor), the divisor a positive int."""

    __slots__ = ("divisor", "numerator")

    def __init__(self, numerator: Int, divisor: int, lower: Number | None, upper: Number | None) -> None:
        super().__init__(f"[{key_of(numerator)}/{divisor}]", lower, upper, True, (numerator,))
        self.numerator, self.divisor = numerator, divisor

    def of(self, *inner: Int) -> Int:  # noqa: D102  # the base class says it
        return integers.floordiv(inner[0], self.divisor)


class Maximum(Atom):
    """The larger of two values."""

    __slots__ = ()

    def __init__(self, a: Int, b: Int, lower: Number | None, upper: Number | None) -> None:
        integral = is_integral(a) and is_integral(b)
        super().__init__(f"{{{key_of(a)},{key_of(b)}}}", lower, upper, integral, (a, b))

    def of(self, *inner: Int) -> Int:  # noqa: D102  # the base class says it
        return integers.maximum(*inner)


class NearestMultiple(Atom):
    """make_divisible(value, divisor) / divisor, the divisor a positive int: how many times it is there, at least 1."""

    __slots__ = ("divisor",)

    def __init__(self, value: Int, divisor: int, upper: Number | None) -> None:
        super().__init__(f"<{key_of(value)}/{divisor}>", 1, upper, True, (value,))
        self.divisor = divisor

    def of(self, *inner: Int) -> Int:  # noqa: D102  (the base class says it)
        return integers.make_divisible(inner[0], self.divisor) // self.divisor


class Positive(Atom):
    """1 where the value inside is positive, else 0. Its key sorts before those of other atoms."""

    __slots__ = ()

    def __init__(self, value: Int) -> None:
        super().__init__(f"!{key_of(value)}", 0, 1, True, (value,))

    def of(self, *inner: Int) -> Int:  # noqa: D102  # the base class says it
        return integers.less(0, *inner)


_interned: dict[tuple[Any, ...], Any] = {}


def interned(kind: type[Atom], *identity: Any) -> Any:
    """The one atom of this kind and identity, or None while it does not exist."""
    return _interned.get((kind, *identity))


def intern(kind: Callable[..., Atom], *identity: Any, **bounds: Number | None) -> Any:
    """The one atom of this kind and identity, made if need be. (`setdefault` is atomic: threads agree on it.)"""
    return _interned.setdefault((kind, *identity), kind(*identity, **bounds))


_by_key = attrgetter("key")


def times(m: Monomial, n: Monomial) -> Monomial:
    """The product of two monomials; an indicator is its own square."""
    if not (m and n):
        return m or n
    factors = sorted(m + n, key=_by_key)
    if isinstance(factors[0], Positive):
        factors = [f for i, f in enumerate(factors) if not (isinstance(f, Positive) and f in factors[:i])]
    if len(factors) > MAX_DEGREE:
        raise ConvcostError(f"a symbolic product grew past degree {MAX_DEGREE}")
    return tuple(factors)


def key_of(value: Int) -> str:
    """A string that is equal for equal values, in every process."""
    if not hasattr(value, "terms"):
        return str(value)
    return "+".join(sorted("*".join([str(c), *map(_by_key, monomial)]) for monomial, c in value.terms.items()))


def is_integral(value: Int) -> bool:
    """Whether the value is an integer by its form alone: integer coefficients and integer atoms."""
    if not hasattr(value, "terms"):
        return isinstance(value, int)
    for monomial, c in value.terms.items():  # in less time than by `all`: it is asked of every size
        if not isinstance(c, int):
            return False
        for atom in monomial:
            if not atom.integral:
                return False
    return True


def atoms_within(*values: Int) -> list[Atom]:
    """Every atom that the values are made of, each after those inside it, in the same order in every process."""
    found: set[Atom] = set()
    stack = list(values)
    while stack:
        value = stack.pop()
        if hasattr(value, "terms"):
            new = {atom for monomial in value.terms for atom in monomial} - found
            found |= new
            stack += [inner for atom in new for inner in atom.inner]
    return sorted(found, key=lambda atom: (len(atom.key), atom.key))
