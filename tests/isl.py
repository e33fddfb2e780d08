"""Integer quasi-polynomials of isl as one more number system, to prove closed forms for all integers at once.

`Quasi` takes part in `convcost.exact.integers`, so a layer loop can be run on it without any `Poly` being involved;
`to_isl` translates a finished `Poly`; `proven_equal` decides whether two such functions agree on their whole domain.
isl has its own, complete treatment of floors of affine expressions (Presburger arithmetic), which shares nothing with
ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import islpy

from convcost.exact import integers
from convcost.exact.poly.atoms import Symbol, atoms_within
from convcost.exact.poly.core import terms_of
from convcost.exact.poly.domain import Domain

LARGEST_PERIOD = 64  # of the residues by which a difference is split when isl does not see that it is zero
SAMPLES = (1009, 5003, 12288)
"""Sizes at which most floors that differ do."""


class Points:
    """A set of integer points, within a box, with the floors that are known on the box.

    isl takes long to see that floors of floors are floors. Where it has decided that a new floor is one that is known,
    but for a number, that one is meant, so that what is made of it, and compared, is made of few. Tried are those that
    agree at samples.
    """

    def __init__(self, box: islpy.Set, inside: islpy.Set | None = None) -> None:
        self.box = box
        self.inside = box if inside is None else inside
        self.floors: dict[tuple[int, ...], list[tuple[Quasi, int]]] = {}
        space = box.get_space()
        self.samples = [islpy.Point.zero(space) for _ in SAMPLES]
        for axis in range(space.dim(islpy.dim_type.set)):
            for i, size in enumerate(SAMPLES):
                value = islpy.Val(size + axis)
                self.samples[i] = self.samples[i].set_coordinate_val(islpy.dim_type.set, axis, value)

    def known(self, floor: Quasi) -> Quasi:
        """The same floor as one that was met before, or that and a number, if that is not longer."""
        affine = floor.known_affine()
        values = [0 if (value := affine.eval(point)).is_nan() else value.to_python() for point in self.samples]
        alike = self.floors.setdefault(tuple(value - values[0] for value in values), [])
        for other, at_first in alike:
            same = other + (values[0] - at_first)
            if len(str(same.affine)) <= len(str(affine)) and same.known_affine().ne_set(affine).is_empty():
                return same
        alike.append((floor, values[0]))
        return floor


class Quasi:
    """A quasi-polynomial on a set of integer points; floors, maxima and comparisons need it to be (piecewise) affine.

    The domain is kept apart, because isl forgets it where the value is zero. An affine value is one on the box.
    """

    def __init__(self, domain: Points, value: islpy.PwQPolynomial, affine: islpy.PwAff | None = None) -> None:
        self.domain, self.value, self.affine = domain, value, affine

    @classmethod
    def of_affine(cls, domain: Points, affine: islpy.PwAff) -> Quasi:
        affine = affine.intersect_domain(domain.box)
        inside = affine if domain.inside is domain.box else affine.intersect_domain(domain.inside)
        return cls(domain, islpy.PwQPolynomial.from_pw_aff(inside), affine)

    def lift(self, other: Any) -> Quasi:
        """A number, as a constant on the same domain."""
        if isinstance(other, Quasi):
            return other
        constant = islpy.Aff.val_on_domain_space(self.domain.inside.get_space(), islpy.Val(str(Fraction(other))))
        return Quasi.of_affine(self.domain, islpy.PwAff.from_aff(constant))

    def known_affine(self) -> islpy.PwAff:
        if self.affine is None:
            raise ValueError(f"isl decides floors, maxima and comparisons of affine values only, not of {self.value}")
        return self.affine

    def __add__(self, other: Any) -> Quasi:
        other = self.lift(other)
        affine = None if self.affine is None or other.affine is None else self.affine.add(other.affine)
        return Quasi(self.domain, self.value.add(other.value), affine)

    def __mul__(self, other: Any) -> Quasi:
        if isinstance(other, Quasi):
            return Quasi(self.domain, self.value.mul(other.value))
        factor = islpy.Val(str(Fraction(other)))
        affine = None if self.affine is None else self.affine.scale_val(factor)
        return Quasi(self.domain, self.value.scale_val(factor), affine)

    def __neg__(self) -> Quasi:
        return self * -1

    def __sub__(self, other: Any) -> Quasi:
        return self + -other

    def __rsub__(self, other: Any) -> Quasi:
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def __floordiv__(self, divisor: int) -> Quasi:
        floor = self.known_affine().scale_down_val(islpy.Val(divisor)).floor()
        return self.domain.known(Quasi.of_affine(self.domain, floor))

    def __mod__(self, divisor: int) -> Quasi:
        return self - self // divisor * divisor

    __hash__ = None  # type: ignore[assignment]  # so that a graph does not look it up

    @staticmethod
    def _equal(a: Any, b: Any) -> bool:
        """Equal for all integers, which the rules ask of shapes that are joined."""
        return proven_equal(*_both(a, b))

    _require_equal = _equal

    @staticmethod
    def _require_above(*_: Any) -> bool:
        """True: whether a dimension can vanish is not asked here."""
        return True

    _require_divisible = _require_integer = _require_above

    @staticmethod
    def _ceildiv(a: Any, b: int) -> Quasi:
        return -(-a // b)

    @staticmethod
    def _total(values: Sequence[Any]) -> Any:
        """The sum by halves: what stands together has sizes in common, and isl adds what has few floors fast."""
        half = len(values) // 2
        return Quasi._total(values[:half]) + Quasi._total(values[half:]) if half else values[0]

    @staticmethod
    def _maximum(a: Any, b: Any) -> Quasi:
        a, b = _both(a, b)
        return Quasi.of_affine(a.domain, a.known_affine().max(b.known_affine()))

    @staticmethod
    def _less(a: Any, b: Any) -> Quasi | int:
        a, b = _both(a, b)
        true = a.known_affine().lt_set(b.known_affine()) & a.domain.inside
        if true.is_empty() or a.domain.inside.is_subset(true):
            return int(not true.is_empty())
        return Quasi.of_affine(a.domain, true.indicator_function())


def _both(a: Any, b: Any) -> tuple[Quasi, Quasi]:
    return (a, a.lift(b)) if isinstance(a, Quasi) else (b.lift(a), b)


def variables(**least: int) -> dict[str, Quasi]:
    """One variable for each name, on the domain where each is at least its number."""
    space = ", ".join(least)
    domain = Points(islpy.Set(f"{{ [{space}] : {' and '.join(f'{name} >= {low}' for name, low in least.items())} }}"))
    return {name: Quasi.of_affine(domain, islpy.PwAff(f"{{ [{space}] -> [({name})] }}")) for name in least}


def variables_of(domain: Domain) -> dict[str, Quasi]:
    """One variable for each symbol of a formula, on its domain.

    A condition that is not affine is left out: what holds without it holds.
    """
    free = variables(**domain.least)
    box = inside = next(iter(free.values())).domain.box
    for condition in domain.conditions:
        value = to_isl(condition.value, free).affine
        if value is not None:
            zero = value.sub(value)
            inside &= (
                value.eq_set(zero) if condition.equal else value.ge_set(zero) if condition.weak else value.gt_set(zero)
            )
    points = Points(box, inside)
    return {name: Quasi.of_affine(points, variable.known_affine()) for name, variable in free.items()}


def to_isl(value: Any, variables: dict[str, Quasi]) -> Quasi:
    """A polynomial (or number) over these variables."""
    known: dict[Any, Any] = {}
    any_variable = next(iter(variables.values()))

    def total(value: Any) -> Quasi:
        result = any_variable.lift(0)
        for monomial, coefficient in terms_of(value).items():
            factors = [known[atom] for atom in monomial] or [any_variable.lift(1)]
            result = result + integers.prod(factors[1:]) * factors[0] * coefficient
        return result

    for atom in atoms_within(value):
        if isinstance(atom, Symbol):
            known[atom] = variables[atom.name]
        else:
            known[atom] = atom.of(*map(total, atom.inner))
    return total(value)


def proven_equal(a: Quasi, b: Quasi) -> bool:
    """Whether a and b are the same on their whole domain: decided if affine, else proven (True) or not (False)."""
    if a.affine is not None and b.affine is not None:
        return (a.affine.ne_set(b.affine) & a.domain.inside).is_empty()
    difference = a.value.sub(b.value)
    return difference.is_zero() or difference.split_periods(LARGEST_PERIOD).is_zero()
