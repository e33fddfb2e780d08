"""Evaluation and substitution (one walk for both), degree, difference, sums, and the size of intermediate steps."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, comb, prod

from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.exact.poly import assume, bounds
from convcost.exact.poly.atoms import Atom, Floor, NearestMultiple, Positive, Symbol, atoms_within, is_integral
from convcost.exact.poly.core import Poly, collect, denominator, lone, number, terms_of, total

MAX_SUMMANDS = 1_000


def evaluate(p: Poly, values: Mapping[str, Int]) -> Int:
    """See `Poly.evaluate`."""
    _check_complete(p, values)
    arrays = {name: values[name] for name in p.symbols if _is_array(values[name])}
    if arrays:
        if floats := [f"{name} ({array.dtype})" for name, array in arrays.items() if array.dtype.kind not in "iuO"]:
            raise TypeError(f"only integer arrays are exact, not {', '.join(floats)}")
        fits = magnitude(p, {name: largest(values[name]) for name in p.symbols}) < 2**63
        values = {
            **values,
            **{name: a.astype("int64") if fits and a.dtype.kind != "O" else _exact(a) for name, a in arrays.items()},
        }
    value = substitute(p, values)
    return value if _is_array(value) else number(value)


def _check_complete(p: Poly, values: Mapping[str, Int]) -> None:
    if missing := [name for name in p.symbols if name not in values]:
        raise ConvcostError(f"no value is given for {', '.join(missing)}")


def substitute(p: Poly, values: Mapping[str, Int]) -> Int:
    """See `Poly.substitute`."""
    known: dict[Atom, Int] = {}
    for atom in atoms_within(p):
        if not isinstance(atom, Symbol):
            known[atom] = atom.of(*(_value(inner, known) for inner in atom.inner))
        elif atom.name in values:
            known[atom] = _in_range(atom, values[atom.name])
        else:
            known[atom] = lone(atom)
    return _value(p, known)


def _value(p: Int, known: Mapping[Atom, Int]) -> Int:
    """The value of p where its atoms have these values."""
    if not isinstance(p, Poly):
        return p
    scale = denominator(p)
    # Not core.total: these may be arrays.
    scaled = sum(prod((known[atom] for atom in m), start=int(c * scale)) for m, c in p.terms.items())
    return divided(scaled, scale)


def divided(value: Int, divisor: int) -> Int:
    """value / divisor, exactly: integers where it is one everywhere, else Fractions."""
    if divisor == 1:
        return value
    if _is_array(value):
        quotient = value // divisor
        return quotient if (quotient * divisor == value).all() else value.astype(object) * Fraction(1, divisor)
    quotient = value * Fraction(1, divisor)
    return quotient if isinstance(quotient, Poly) else number(quotient)


def _is_array(value: Int) -> bool:
    return bool(getattr(value, "shape", ()))


def _exact(array: Int) -> Int:
    """An array of Python's ints and Fractions; TypeError where an element is neither."""
    array = array.astype(object)  # a copy
    for i, value in enumerate(array.flat):
        array.flat[i] = number(value)
    return array


def largest(value: Int) -> int:
    """The largest absolute value in an array (0 if it is empty), or that of a number, rounded up to an integer."""
    if _is_array(value):
        return max(largest(value.min()), largest(value.max())) if value.size else 0
    return ceil(abs(Fraction(number(value))))


def _in_range(symbol: Symbol, value: Int) -> Int:
    """The value, if the symbol may take it: otherwise the canonical form need not hold."""
    least = symbol.lower or 0
    if _is_array(value):
        low = value.min() if value.size else least
        if value.dtype == object and not symbol.rational:
            fractions = [x for x in value.flat if isinstance(x, Fraction)]
            if fractions:
                raise ConvcostError(f"{symbol.name} = {fractions[0]} is not an integer")
    else:
        value = value if isinstance(value, Poly) else number(value)
        low = bounds.lower(value)
        if not (symbol.rational or is_integer(value)):
            raise ConvcostError(f"{symbol.name} = {value} is not an integer")
    if low is None or low < least:
        why = f"{value} is not known to be at least" if isinstance(value, Poly) else f"{low} is below"
        raise ConvcostError(f"{symbol.name} = {why} {least}")
    return value


def is_integer(value: Int) -> bool:
    """Whether the value is always an integer, which n(n+1)/2 is too."""
    return is_integral(value) or bool(value == value // 1)


def degree(p: Poly, name: str) -> int:
    """See `Poly.degree`."""
    degrees: dict[Atom, int] = {}

    def of(value: Int) -> int:
        return max(sum(degrees[atom] for atom in m) for m in value.terms) if isinstance(value, Poly) else 0

    for atom in atoms_within(p):
        if isinstance(atom, Symbol):
            degrees[atom] = int(atom.name == name)
        else:
            degrees[atom] = 0 if isinstance(atom, Positive) else max(map(of, atom.inner))
    return of(p)


def difference(p: Poly, name: str) -> Int:
    """See `Poly.difference`."""
    following = {
        atom.name: lone(atom) + 1 for atom in atoms_within(p) if isinstance(atom, Symbol) and atom.name == name
    }
    return substitute(p, following) - p


def sum_over(p: Poly, name: str, count: Int) -> Int:
    """See `Poly.sum_over`."""
    if not assume.require_known(assume.Condition(count + 1)) or not is_integer(count):
        raise ConvcostError(f"a sum needs a count that is an integer >= 0, not {count}")
    atoms = atoms_within(p)
    index = [atom for atom in atoms if isinstance(atom, Symbol) and atom.name == name]
    for atom in index:
        if (atom.lower or 0) > 0:
            raise ConvcostError(f"the sum over {name} starts at 0, but {name} is >= {atom.lower}")
    if any(isinstance(inner, Poly) and name in inner.symbols for atom in atoms for inner in atom.inner):
        if isinstance(count, Poly) or count > MAX_SUMMANDS:
            raise ConvcostError(
                f"no closed form for the sum over {name} of {p}: {name} sits inside a floor, maximum or indicator"
            )
        return total(substitute(p, {name: i}) for i in range(count))
    by_power: dict[int, Int] = {}
    for monomial, c in p.terms.items():
        rest = tuple(atom for atom in monomial if atom not in index)
        power = len(monomial) - len(rest)
        by_power[power] = by_power.get(power, 0) + collect({}, [(rest, c)])
    sums = _power_sums(max(by_power), count)
    return total(coefficient * sums[power] for power, coefficient in by_power.items())


def max_over(p: Poly, name: str, count: Int) -> Int:
    """See `Poly.max_over`."""
    if name not in p.symbols:
        return p
    more = difference(p, name)
    if bounds.at_least(more, 0):
        return substitute(p, {name: count - 1})
    if bounds.at_least(-more, 0):
        return substitute(p, {name: 0})
    raise ConvcostError(f"no closed form for the largest {p} over {name}: it is not known to grow with {name}")


def _power_sums(highest: int, n: Int) -> list[Int]:
    """S_k = sum of i^k over i < n, for k = 0 .. highest, from n^(k+1) = sum of binomial(k+1, j) S_j over j <= k."""
    sums: list[Int] = []
    for k in range(highest + 1):
        lower = sum(comb(k + 1, j) * s for j, s in enumerate(sums))
        sums.append(divided(n ** (k + 1) - lower, k + 1))
    return sums


def magnitude(p: Poly, values: Mapping[str, int]) -> int:
    """See `Poly.magnitude`."""
    _check_complete(p, values)
    known: dict[Atom, int] = {}
    steps = [0]

    def of(value: Int) -> int:
        scale = denominator(value)
        steps.append(sum(abs(int(c * scale)) * prod(known[a] for a in m) for m, c in terms_of(value).items()))
        return steps[-1]

    for atom in atoms_within(p):
        inner = [of(value) for value in atom.inner]
        if isinstance(atom, Symbol):
            known[atom] = max(1, values[atom.name])  # at least 1, so that a product is never below its factors
        elif isinstance(atom, Floor):
            known[atom] = -(-inner[0] // atom.divisor)
        elif isinstance(atom, NearestMultiple):
            unit = atom.divisor * denominator(atom.inner[0])
            known[atom] = inner[0] // unit + 2
            steps.append(10 * unit * known[atom])
        else:
            known[atom] = 1 if isinstance(atom, Positive) else max(inner)
    of(p)
    return max(steps)
