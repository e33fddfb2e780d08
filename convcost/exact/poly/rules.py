"""The canonical forms of floor, maximum and indicator: what can be resolved is, the rest becomes an atom.

Equal sizes get equal forms on the ways networks build them (strides after strides, paddings, multiples of a width). Not
every identity between floors is found: floor(x/2) + floor((x+1)/2) and x stay two forms.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import product
from math import gcd, lcm, prod
from typing import TypeAlias

from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.exact.poly import bounds
from convcost.exact.poly.atoms import (
    Atom,
    Floor,
    Maximum,
    Monomial,
    NearestMultiple,
    Number,
    Positive,
    Terms,
    atoms_within,
    intern,
    interned,
    is_integral,
    key_of,
)
from convcost.exact.poly.core import Poly, collect, denominator, lone, number, terms_of

Step: TypeAlias = tuple[Int, Int, int]
"""(Q, P, d), which stands for Q + floor(P / d)."""


def quotient(p: Int, d: Int) -> Int:
    """floor(p / d) for a positive number d, or for a symbolic d where the division can be carried out exactly."""
    if isinstance(d, Poly):
        return _long_division(p, d)
    if d == 1 and is_integral(p):
        return p
    d = number(d)
    if d <= 0:
        raise ConvcostError(f"cannot divide {p} by {d}: a divisor must be positive")
    return floor(p, d) if isinstance(d, int) else floor(p * d.denominator, d.numerator)


def floor(p: Int, d: int) -> Int:
    """floor(p / d) in canonical form: FLOOR_RULES, until none applies."""
    total: Int = 0
    while isinstance(p, Poly):
        if atom := interned(Floor, p, d):  # no rule applied to it when it was made
            return total + lone(atom)
        step = next((step for rule in FLOOR_RULES if (step := rule(p, d))), None)
        if step is None:
            return total + _floor_atom(p, d)
        outside, p, d = step
        total += outside
    return total + p // d


def _floor_atom(p: Poly, d: int) -> Int:
    """floor(p / d) = k, if kd <= p < (k+1)d by its bounds; otherwise a new atom"""
    low, high = bounds.lower(p), bounds.upper(p)
    low, high = None if low is None else low // d, None if high is None else high // d
    if low is not None and low == high:
        return low
    atom: Atom = intern(Floor, p, d, lower=low, upper=high)
    return lone(atom)


def _clear_denominators(p: Poly, d: int) -> Step | None:
    """floor((P/m) / d) = floor(P / md)"""
    m = denominator(p)
    return (0, p * m, d * m) if m > 1 else None


def _pull_out(p: Poly, d: int) -> Step | None:
    """floor((P + dQ) / d) = Q + floor(P / d), for an integer Q"""
    multiples = [(m, c // d) for m, c in p.terms.items() if c // d and all(atom.integral for atom in m)]
    if not multiples:
        return None
    q = collect({}, multiples)
    return q, p - q * d, d


def _drop_unreachable(p: Poly, d: int) -> Step | None:
    """floor((gP + r) / gd) = floor(gP / gd), for an integer P and 0 <= r < g: nothing changes between multiples of g"""
    r = int(p.terms.get((), 0)) % gcd(d, *(int(c) for m, c in p.terms.items() if m))
    return (0, p - r, d) if r and is_integral(p) else None


def _cancel(p: Poly, d: int) -> Step | None:
    """floor(gP / gd) = floor(P / d)"""
    g = gcd(d, *map(int, p.terms.values()))
    return (0, p * Fraction(1, g), d // g) if g > 1 else None


def _lift_indicator(p: Poly, d: int) -> Step | None:
    """floor((P + [c]Q) / d) = floor(P/d) + [c](floor((P + Q)/d) - floor(P/d)), where P and Q have no indicator"""
    indicators = {atom for monomial in p.terms for atom in monomial if isinstance(atom, Positive)}
    if len(indicators) != 1:
        return None
    indicator = indicators.pop()
    without = collect({}, [(m, c) for m, c in p.terms.items() if indicator not in m])
    within = collect({}, [(m[1:], c) for m, c in p.terms.items() if indicator in m])  # its key sorts first
    low = floor(without, d)
    return low + lone(indicator) * (floor(without + within, d) - low), 0, d


def _lift_maximum(p: Poly, d: int) -> Step | None:
    """floor((c max(a, b) + Q) / d) = max(floor((ca + Q)/d), floor((cb + Q)/d)), for c > 0"""
    maxima = [(m, c) for m, c in p.terms.items() if any(isinstance(atom, Maximum) for atom in m)]
    if len(maxima) != 1 or len(maxima[0][0]) > 1 or maxima[0][1] < 0:
        return None
    ((atom,), c), (a, b) = maxima[0], maxima[0][0][0].inner
    rest = p - c * lone(atom)
    return maximum(floor(c * a + rest, d), floor(c * b + rest, d)), 0, d


def _merge(p: Poly, d: int) -> Step | None:
    """floor((floor(a/b) + Q) / d) = floor((a + bQ) / bd), for an integer Q"""
    inner = [m[0] for m, c in p.terms.items() if c == 1 and len(m) == 1 and isinstance(m[0], Floor)]
    if not inner or not is_integral(p):
        return None
    first = min(inner, key=lambda atom: atom.key)
    return 0, first.numerator + (p - lone(first)) * first.divisor, d * first.divisor


def _divide_exactly(p: Poly, d: int) -> Step | None:
    """floor(P / d) = (P - r)/d, if P mod d = r whatever its atoms are, as for n(n+1)/2"""
    atoms = {atom for monomial in p.terms for atom in monomial}
    if max(map(len, p.terms)) == 1 or d ** len(atoms) > 256 or not is_integral(p):
        return None
    residues = set()
    for values in product(range(d), repeat=len(atoms)):
        at = dict(zip(atoms, values, strict=True))
        residues.add(sum(c * prod(at[atom] for atom in m) for m, c in p.terms.items()) % d)
    if len(residues) > 1:
        return None
    r = residues.pop()
    return (p - r) * Fraction(1, d), r, d


FLOOR_RULES = (
    _clear_denominators,
    _pull_out,
    _drop_unreachable,
    _cancel,
    _lift_indicator,
    _lift_maximum,
    _merge,
    _divide_exactly,
)
"""In this order: multiples first, so that P and P + dQ share a form; cases apart before their floors are merged."""


def maximum(a: Int, b: Int) -> Int:
    """max(a, b): the one that is never smaller, or c + g max(u, v), where u and v share no term and no factor."""
    difference = b - a
    if not isinstance(difference, Poly):
        return b if difference > 0 else a
    if bounds.at_least(difference, 0):
        return b
    if bounds.at_least(-difference, 0):
        return a
    g = _content(difference.terms.values())
    more = collect({}, [(m, c / g) for m, c in difference.terms.items() if c > 0])
    fewer = collect({}, [(m, -c / g) for m, c in difference.terms.items() if c < 0])
    lows, highs = zip(*((bounds.lower(x), bounds.upper(x)) for x in (more, fewer)), strict=True)
    atom: Atom = intern(
        Maximum,
        *sorted((more, fewer), key=key_of),
        lower=max((x for x in lows if x is not None), default=None),
        upper=None if None in highs else max(highs),
    )
    return a + (lone(atom) - fewer) * g


def largest(values: Iterable[Int]) -> Int:
    """The largest of many: those that another one exceeds term by term are left out, and the rest stays as it is.

    Unlike in `maximum`, what they share is not taken out, so that intervals of the result are as sharp as of its parts;
    and bounds, which take a hundred times as long as a comparison by terms, are not asked.
    """
    kept: list[Int] = []
    for value in dict.fromkeys(values):
        if not any(_exceeds(other, value) for other in kept):
            kept = [other for other in kept if not _exceeds(value, other)] + [value]
    result = kept[0]
    for value in kept[1:]:
        low = max((x for x in map(bounds.lower, (result, value)) if x is not None), default=None)
        highs = [bounds.upper(result), bounds.upper(value)]
        high = None if None in highs else max(x for x in highs if x is not None)
        atom: Atom = intern(Maximum, *sorted((result, value), key=key_of), lower=low, upper=high)
        result = lone(atom)
    return result


def _exceeds(a: Int, b: Int) -> bool:
    """Whether a - b has no negative term."""
    return all(
        c > 0 and all(atom.lower is not None and atom.lower >= 0 for atom in m) for m, c in terms_of(a - b).items()
    )


def nearest_multiple(p: Int, d: int) -> Int:
    """make_divisible(p, d) / d: p / d if that is an integer >= 1, else an atom of its own."""
    exact = p * Fraction(1, d)
    if is_integral(exact) and bounds.at_least(exact, 1):
        return exact
    high = bounds.upper(p)
    return lone(intern(NearestMultiple, p, d, upper=None if high is None else high // d + 2))


def positive(p: Int) -> Int:
    """1 where p > 0, else 0: decided by bounds, or an atom."""
    if not isinstance(p, Poly):
        return int(p > 0)
    if bounds.above(p, 0):
        return 1
    if bounds.at_least(-p, 0):
        return 0
    g = _content(c for m, c in p.terms.items() if m)
    p *= 1 / g
    if all(atom.integral for monomial in p.terms for atom in monomial):
        # For an integer P, P + c > 0 exactly when P + ceil(c) > 0; and P > 0 exactly when not 1 - P > 0.
        constant = p.terms.get((), 0)
        p += -(-constant // 1) - constant
        if p.terms[min((m for m in p.terms if m), key=lambda m: [atom.key for atom in m])] < 0:
            return 1 - lone(intern(Positive, 1 - p))
    return lone(intern(Positive, p))


def _content(coefficients: Iterable[Number]) -> Fraction:
    """The positive g for which the coefficients divided by g are integers without a common factor."""
    fractions = list(map(Fraction, coefficients))
    return Fraction(gcd(*(c.numerator for c in fractions)), lcm(*(c.denominator for c in fractions)))


def _long_division(p: Int, d: Poly) -> Int:
    """floor(p / d) where p = qd + r with r = 0, or with q an integer and -d <= r < d; ConvcostError otherwise."""
    if not bounds.above(d, 0):
        raise ConvcostError(f"cannot divide {p} by {d}, which is not known to be positive")
    atoms = atoms_within(p, d)

    def leading(terms: Terms) -> Monomial:
        return max(terms, key=lambda monomial: [monomial.count(atom) for atom in atoms])

    lead = leading(d.terms)
    q: Int = 0
    r: Int = 0
    while terms := terms_of(p):
        monomial = leading(terms)
        term = collect({}, [(monomial, terms[monomial])])
        if (factor := _without(monomial, lead)) is None:
            r += term
            p -= term
        else:
            step = collect({}, [(factor, Fraction(terms[monomial]) / d.terms[lead])])
            q += step
            p -= step * d
    if r == 0:
        return quotient(q, 1)
    if is_integral(q) and bounds.at_least(r + d, 0) and bounds.above(d - r, 0):
        if bounds.at_least(r, 0):
            return q
        if bounds.above(-r, 0):
            return q - 1
    raise ConvcostError(f"cannot divide by {d} exactly: {r} would remain")


def _without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """monomial / divisor, if that is a monomial."""
    factors = list(monomial)
    for atom in divisor:
        if atom not in factors:
            return None
        factors.remove(atom)
    return tuple(factors)


def common_divisor(n: Int, k: Int) -> Int:
    """The greatest common divisor of n and a number k, both >= 1. Raises ConvcostError if k is a symbol.

    It is the sum of phi(d) over the divisors d of k that divide n (Gauss); phi(d) is how many of 1 to d share no
    divisor with d.
    """
    if not isinstance(k, int):
        raise ConvcostError(f"no closed form for the common divisor of {n} and {k}")
    coprime = ((d, sum(gcd(i, d) == 1 for i in range(1, d + 1))) for d in range(1, k + 1) if k % d == 0)
    return sum(phi * (n // d - (n - 1) // d) for d, phi in coprime)
