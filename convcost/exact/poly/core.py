"""The ring: `Poly`, a canonical dictionary from monomial to coefficient, and `symbol`.

Two polynomials in canonical form are equal when their terms are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from keyword import iskeyword
from math import lcm
from operator import index
from typing import Any, NoReturn

from convcost.errors import ConvcostError
from convcost.exact import integers
from convcost.exact.integers import Int
from convcost.exact.poly.atoms import (
    MAX_DEGREE,
    Atom,
    Monomial,
    Number,
    Symbol,
    Terms,
    atoms_within,
    intern,
    is_integral,
    times,
)

# Far above what networks need (hundreds of terms), and low enough to stop within a second.
MAX_TERMS = 5_000
MAX_PRODUCTS = 250_000


def symbol(name: str, at_least: Number | None = None, rational: bool = False) -> Poly:
    """A free variable: an integer >= 1 or, if rational (a width multiplier), an exact rational >= 0.

    `at_least` moves the bound. Two symbols are the same when name, bound and kind agree. Raises ConvcostError for a
    name that is no name in a program.
    """
    check_name(name)
    if at_least is None:
        at_least = 0 if rational else 1
    least = number(at_least) if rational else -(-number(at_least) // 1)
    atom: Symbol = intern(Symbol, name, least, rational)
    return lone(atom)


def check_name(name: str) -> None:
    """Raises ConvcostError for a name that a symbol cannot have: it must do as an argument in generated code."""
    if not (name.isascii() and name[:1].isalpha() and name.isidentifier()) or iskeyword(name):
        raise ConvcostError(
            f"{name!r} cannot name a symbol: use letters, digits and _, a letter first, no Python keyword"
        )


def lone(atom: Atom) -> Poly:
    """The polynomial that is this atom alone."""
    return Poly({(atom,): 1})


class Poly:
    """An exact symbolic number that depends on at least one symbol.

    Arithmetic that loses the last symbol returns a plain int (or a Fraction, where it is not an integer). Polynomials
    mix with ints, Fractions and numpy integer scalars under `+ - * ** // %`. A float raises TypeError, and so do `if p`
    and `int(p)` and, outside `assume.assuming`, an inequality whose answer depends on the symbols. `p == q` compares
    forms. `terms` maps monomial to coefficient and is never changed.
    """

    __slots__ = ("_hash", "terms")
    __array_ufunc__ = None  # numpy then leaves the operation to us, instead of building an array of objects

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._hash: int | None = None

    def __add__(self, other: Int) -> Int:
        if type(other) is int:  # most are, here and below
            return self._plus(other)
        if (terms := _operand(other)) is None:
            return NotImplemented
        return collect(self.terms, terms.items())

    def __sub__(self, other: Int) -> Int:
        if type(other) is int:
            return self._plus(-other)
        if other is self:
            return 0
        if (terms := _operand(other)) is None:
            return NotImplemented
        return collect(self.terms, [(monomial, -c) for monomial, c in terms.items()])

    def __rsub__(self, other: Int) -> Int:
        return -self + other

    def __neg__(self) -> Poly:
        return Poly({monomial: -c for monomial, c in self.terms.items()})

    def __mul__(self, other: Int) -> Int:
        if type(other) is int:
            if other == 1:
                return self
            return Poly({m: _int_if_one(c * other) for m, c in self.terms.items()}) if other else 0
        if (terms := _operand(other)) is None:
            return NotImplemented
        if len(self.terms) * len(terms) > MAX_PRODUCTS:
            raise ConvcostError(f"a product of {len(self.terms)} by {len(terms)} symbolic terms is too large")
        products = [(times(m, n), c * d) for m, c in self.terms.items() for n, d in terms.items()]
        return Poly(dict(products)) if len(products) == 1 and type(products[0][1]) is int else collect({}, products)

    __radd__, __rmul__ = __add__, __mul__

    def _plus(self, other: int) -> Poly:
        if not other:
            return self  # whose hash is known, if it has been asked about
        terms = dict(self.terms)
        if constant := terms.pop((), 0) + other:
            terms[()] = constant
        return Poly(terms)

    def __pow__(self, exponent: int) -> Int:
        if not isinstance(exponent, int) or not 0 <= exponent <= MAX_DEGREE:
            raise ConvcostError(f"a symbolic power takes an exponent from 0 to {MAX_DEGREE}, not {exponent}")
        return integers.prod([self] * exponent)

    def __floordiv__(self, other: Int) -> Int:
        return NotImplemented if _operand(other) is None else rules.quotient(self, other)

    def __rfloordiv__(self, other: Int) -> Int:
        return NotImplemented if _operand(other) is None else rules.quotient(other, self)

    def __mod__(self, other: Int) -> Int:
        return self - self // other * other

    def __rmod__(self, other: Int) -> Int:
        return other - other // self * self

    _product = staticmethod(lru_cache(maxsize=4096)(integers.prod))

    @staticmethod
    @lru_cache(maxsize=4096)  # layer after layer divides the same sizes
    def _ceildiv(a: Int, b: Int) -> Int:
        return (a + (b - 1)) // b if is_integral(a) and is_integral(b) else -(-a // b)

    @staticmethod
    def _maximum(a: Int, b: Int) -> Int:
        return rules.maximum(a, b)

    @staticmethod
    def _common_divisor(n: Int, k: Int) -> Int:
        return rules.common_divisor(n, k)

    @staticmethod
    def _largest(values: Sequence[Int]) -> Int:
        return rules.largest(values)

    @staticmethod
    def _total(values: Iterable[Int]) -> Int:
        return total(values)

    @staticmethod
    def _less(a: Int, b: Int) -> Int:
        return rules.positive(b - a)

    @staticmethod
    def _make_divisible(a: Int, b: Int) -> Int:
        return b * rules.nearest_multiple(a, b)

    @staticmethod
    def _equal(a: Int, b: Int) -> bool:
        return a == b or assume.known(assume.Condition(a - b, equal=True)) is True

    @staticmethod
    def _choose_equal(a: Int, b: Int) -> bool:
        return a == b or assume.choose(assume.Condition(a - b, equal=True))

    @staticmethod
    def _require_equal(a: Int, b: Int) -> bool:
        return a == b or assume.require_known(assume.Condition(a - b, equal=True))

    @staticmethod
    def _require_above(a: Int, b: Int) -> bool:
        if not isinstance(b, Poly) and bounds.above(a, b):  # as most are, whatever is assumed
            return True
        return assume.require(assume.Condition(a - b))

    @staticmethod
    def _require_divisible(a: Int, b: Int) -> bool:
        if type(b) is int and b == 1:
            return Poly._require_integer(a)
        return assume.require(assume.Condition(a % b, equal=True))

    @staticmethod
    def _require_integer(a: Int) -> bool:
        return is_integral(a) or assume.require(assume.Condition(a - a // 1, equal=True))

    def __eq__(self, other: object) -> bool:
        return self.terms == other.terms if isinstance(other, Poly) else NotImplemented

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __lt__(self, other: Int) -> bool:
        return NotImplemented if _operand(other) is None else assume.choose(assume.Condition(other - self))

    def __gt__(self, other: Int) -> bool:
        return NotImplemented if _operand(other) is None else assume.choose(assume.Condition(self - other))

    def __le__(self, other: Int) -> bool:
        return NotImplemented if _operand(other) is None else not assume.choose(assume.Condition(self - other))

    def __ge__(self, other: Int) -> bool:
        return NotImplemented if _operand(other) is None else not assume.choose(assume.Condition(other - self))

    def _no_number(self) -> NoReturn:
        raise TypeError(assume.no_value(self))

    __bool__ = __int__ = _no_number

    def __str__(self) -> str:
        from convcost.exact.poly import text

        return text.format_poly(self)

    def __repr__(self) -> str:
        return f"<Poly {self}>"

    def __reduce__(self) -> tuple[Any, ...]:  # atoms must be interned again where they are unpickled
        from convcost.exact.poly import exchange

        return exchange.from_json, (self.to_json(),)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols it depends on, sorted."""
        return tuple(sorted({atom.name for atom in atoms_within(self) if isinstance(atom, Symbol)}))

    def lower_bound(self) -> Number | None:
        """A number that the value is never below, from the bounds of the symbols; None if none is known."""
        return bounds.lower(self)

    def upper_bound(self) -> Number | None:
        """A number that the value is never above; None if none is known."""
        return bounds.upper(self)

    def evaluate(self, values: Mapping[str, Int]) -> Int:
        """The exact value where every symbol is given an int, a Fraction (if rational) or a numpy array of integers.

        Arrays give int64 if no step can overflow it, else Python ints in an object array. Raises ConvcostError for a
        symbol that is missing, below its bound or not an integer, and TypeError for floats.
        """
        from convcost.exact.poly import calculus

        return calculus.evaluate(self, values)

    def __call__(self, /, **values: Int) -> Int:
        """`evaluate`, with the symbols as keyword arguments."""
        from convcost.exact.poly import calculus

        return calculus.evaluate(self, values)

    def substitute(self, values: Mapping[str, Int]) -> Int:
        """The canonical form after replacing symbols, all at once, by numbers or polynomials.

        Raises ConvcostError for a replacement that is not known to stay in the symbol's range.
        """
        from convcost.exact.poly import calculus

        return calculus.substitute(self, values)

    def degree(self, name: str) -> int:
        """The power of the symbol with which the value grows at most; a floor grows like what it divides."""
        from convcost.exact.poly import calculus

        return calculus.degree(self, name)

    def difference(self, name: str) -> Int:
        """p(name + 1) - p(name)."""
        from convcost.exact.poly import calculus

        return calculus.difference(self, name)

    def sum_over(self, name: str, count: Int) -> Int:
        """The exact sum over name = 0, 1, ..., count - 1, for an int or symbolic count.

        The symbol must allow 0. Raises ConvcostError if it sits inside a floor, maximum or indicator while the count
        is symbolic or above 1000.
        """
        from convcost.exact.poly import calculus

        return calculus.sum_over(self, name, count)

    def max_over(self, name: str, count: Int) -> Int:
        """The largest value over name = 0, 1, ..., count - 1, for a count >= 1.

        The symbol must allow 0. Raises ConvcostError unless the value is known to grow, or to shrink, with it.
        """
        from convcost.exact.poly import calculus

        return calculus.max_over(self, name, count)

    def magnitude(self, values: Mapping[str, int]) -> int:
        """The largest absolute value that any step of evaluating, or of compiled code, reaches up to these |symbol|.

        If it is below 2**63, int64 arrays up to these values cannot overflow. Raises ConvcostError for a symbol that
        is missing.
        """
        from convcost.exact.poly import calculus

        return calculus.magnitude(self, values)

    def compile(self, names: Sequence[str]) -> Callable[..., Int]:
        """A fast function of these symbols, in this order, on ints and arrays; unlike `evaluate`, it checks nothing.

        Its docstring is its source. Raises ConvcostError if a symbol is missing among the names, or a name is none.
        """
        from convcost.exact.poly import source

        return source.compile_poly(self, names)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, strings and exact ints for `json.dumps`; `from_json` reads them back."""
        from convcost.exact.poly import exchange

        return exchange.to_json(self)

    def to_sympy(self) -> Any:
        """The same expression in sympy, over integer symbols of the same names. Needs the extra `sympy`."""
        from convcost.exact.poly import exchange

        return exchange.to_sympy(self)


def number(value: Int) -> Number:
    """The exact number that an integer (Python's or numpy's) or Fraction is, an int if possible; else TypeError."""
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    if isinstance(value, float):
        raise TypeError(f"{value} is a float and so not exact: write a fractions.Fraction, such as Fraction('{value}')")
    return int(index(value))


def _int_if_one(c: Number) -> Number:
    return c if type(c) is int else number(c)


def terms_of(value: Int) -> Terms:
    """The terms of a polynomial or an exact number."""
    if isinstance(value, Poly):
        return value.terms
    return {(): value} if value else {}


def _operand(value: Int) -> Terms | None:
    """The terms of what may stand beside a polynomial; None for a type that it does not know, such as an array."""
    if type(value) is int or isinstance(value, Poly):
        return terms_of(value)
    if isinstance(value, (int, float, Fraction)) or getattr(value, "shape", None) == ():
        return terms_of(number(value))
    return None


def collect(terms: Terms, more: Iterable[tuple[Monomial, Number]]) -> Int:
    """The sum of terms (canonical) and more (in any state), as a plain number if nothing symbolic is left."""
    total = dict(terms)
    for monomial, coefficient in more:
        total[monomial] = total.get(monomial, 0) + coefficient
    if not all(total.values()) or any(type(coefficient) is not int for coefficient in total.values()):
        total = {monomial: number(coefficient) for monomial, coefficient in total.items() if coefficient}
    if len(total) > MAX_TERMS:
        raise ConvcostError(f"a symbolic sum grew past {MAX_TERMS} terms")
    if len(total) > 1 or (total and () not in total):
        return Poly(total)
    return total.get((), 0)


def total(values: Iterable[Int]) -> Int:
    """The sum of polynomials and exact numbers."""
    numbers: Number = 0
    terms: list[tuple[Monomial, Number]] = []
    for value in values:
        if isinstance(value, Poly):
            terms.extend(value.terms.items())
        else:
            numbers += value
    return collect({(): numbers} if numbers else {}, terms)


def denominator(value: Int) -> int:
    """The least positive int that makes all coefficients integers."""
    return lcm(*(c.denominator for c in terms_of(value).values()))


# The one circle of modules in convcost, on purpose: Python's operators on polynomials are their canonical forms
# (`rules`), what is known of their ranges (`bounds`) and questions about them (`assume`), and all three are made of
# polynomials. What is done with a finished form is imported by the methods that do it.
from convcost.exact.poly import assume, bounds, rules  # noqa: E402
