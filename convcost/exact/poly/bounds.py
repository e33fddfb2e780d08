"""What is known of a value's range from the bounds of its symbols: always sound, and sharp on networks' sizes."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil, prod

from convcost.exact import integers
from convcost.exact.integers import Int
from convcost.exact.poly.atoms import Atom, Floor, Maximum, Monomial, Number, is_integral
from convcost.exact.poly.core import Poly, collect, lone, terms_of, total

# A bound is worth milliseconds, not more: past this many terms, written out, it is unknown.
MAX_WORK = 2_000


@lru_cache(maxsize=4096)  # the layers of a network ask again and again about the same few sizes
def lower(value: Int) -> Number | None:
    """A number that the value is never below, or None."""
    if not isinstance(value, Poly):
        return value  # type: ignore[no-any-return]
    forms = {value, _relaxed(value, 0), _relaxed(value, 1)}
    bound = max((low for form in forms if (low := _at_corner(form)) is not None), default=None)
    return bound if bound is None or not is_integral(value) else ceil(bound)


def upper(value: Int) -> Number | None:
    """A number that the value is never above, or None."""
    bound = lower(-value)
    return None if bound is None else -bound


def at_least(value: Int, bound: Number) -> bool:
    """Whether the value is known to be >= bound."""
    low = lower(value)
    return low is not None and low >= bound


def above(value: Int, bound: Number) -> bool:
    """Whether the value is known to be > bound."""
    low = lower(value)
    return low is not None and low > bound


def _at_corner(value: Int) -> Number | None:
    """Write each atom as lower + t (or upper - t), t >= 0: then a positive term is at least 0, a negative one spans.

    So x*x - x >= 0 is seen for x >= 1, where bounding term by term sees nothing.
    """
    atoms = {atom for monomial in terms_of(value) for atom in monomial}
    if _too_large(value) or any(atom.lower is None and atom.upper is None for atom in atoms):
        return None
    from_corner: dict[Atom, Int] = {
        atom: atom.upper - lone(atom) if atom.lower is None else atom.lower + lone(atom) for atom in atoms
    }
    shifted = total(
        integers.prod([c, *(from_corner[atom] for atom in monomial)]) for monomial, c in terms_of(value).items()
    )
    bound: Number = 0
    for monomial, c in terms_of(shifted).items():
        if not monomial:
            bound += c
        elif c < 0:
            spans = [a.upper - a.lower for a in monomial if a.upper is not None and a.lower is not None]
            if len(spans) < len(monomial):
                return None
            bound += c * prod(spans)
    return bound


def _relaxed(value: Int, operand: int) -> Int:
    """A lower bound of the value without floors, so that 2 floor((x+1)/2) - x >= 0 is seen, and with fewer maxima."""
    while not _too_large(value):
        relaxed = total(_relaxed_term(monomial, c, operand) for monomial, c in terms_of(value).items())
        if relaxed == value:
            break
        value = relaxed
    return value


def _relaxed_term(monomial: Monomial, c: Number, operand: int) -> Int:
    """A lower bound of c times the monomial, with one atom less if there is one whose cofactor is not negative."""
    for i, atom in enumerate(monomial):
        cofactor = monomial[:i] + monomial[i + 1 :]
        if any(other.lower is None or other.lower < 0 for other in cofactor):
            continue
        if isinstance(atom, Floor):  # (P - s)/d <= floor(P/d) <= P/d, with s = d - 1 for an integer P, else d
            slack = 0 if c < 0 else atom.divisor - is_integral(atom.numerator)
            return collect({}, [(cofactor, Fraction(c, atom.divisor))]) * (atom.numerator - slack)
        if isinstance(atom, Maximum) and c > 0:
            return collect({}, [(cofactor, c)]) * atom.inner[operand]
    return collect({}, [(monomial, c)])


def _too_large(value: Int) -> bool:
    return isinstance(value, Poly) and len(value.terms) << max(map(len, value.terms)) > MAX_WORK
