"""Polynomials for other programs: JSON (and so pickle) and sympy."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from convcost.errors import ConvcostError, MissingExtraError
from convcost.exact import integers
from convcost.exact.integers import Int
from convcost.exact.poly.atoms import Atom, Floor, Maximum, NearestMultiple, Number, Symbol, atoms_within
from convcost.exact.poly.core import Poly, number, symbol, total


def to_json(p: Int) -> dict[str, Any]:
    """Atoms in order, each made of earlier ones, then the terms: [coefficient, index of atom, index of atom, ...]."""
    atoms = atoms_within(p)
    position = {atom: i for i, atom in enumerate(atoms)}

    def write(value: Int) -> Any:
        if not isinstance(value, Poly):
            return value if isinstance(value, int) else str(value)
        terms = [[write(c), *(position[atom] for atom in m)] for m, c in value.terms.items()]
        return sorted(terms, key=lambda term: term[1:])

    def describe(atom: Atom) -> dict[str, Any]:
        if isinstance(atom, Symbol):
            return {"symbol": atom.name, "at_least": write(atom.lower), "rational": atom.rational}
        inner = [write(value) for value in atom.inner]
        if isinstance(atom, Floor):
            return {"floor": inner[0], "divisor": atom.divisor}
        if isinstance(atom, NearestMultiple):
            return {"make_divisible": inner[0], "divisor": atom.divisor}
        return {"maximum": inner} if isinstance(atom, Maximum) else {"positive": inner[0]}

    return {"atoms": [describe(atom) for atom in atoms], "terms": write(p)}


def from_json(data: Any) -> Int:
    """The value that `Poly.to_json` wrote, in canonical form whatever was written; ConvcostError for anything else."""
    known: list[Int] = []

    def read(value: Any) -> Int:
        if isinstance(value, list):
            return total(integers.prod([read_number(c), *(known[i] for i in factors)]) for c, *factors in value)
        return read_number(value)

    def read_number(value: Any) -> Number:
        if isinstance(value, str):
            above, below = value.split("/")
            return Fraction(int(above), int(below))
        return number(value)

    def build(atom: dict[str, Any]) -> Int:
        match atom:
            case {"symbol": str(name), "at_least": least, "rational": bool(rational)}:
                return symbol(name, read_number(least), rational)
            case {"floor": p, "divisor": int(divisor)}:
                return integers.floordiv(read(p), divisor)
            case {"make_divisible": p, "divisor": int(divisor)} if divisor > 0:
                return integers.make_divisible(read(p), divisor) // divisor
            case {"maximum": [a, b]}:
                return integers.maximum(read(a), read(b))
            case {"positive": p}:
                return integers.less(0, read(p))
        raise ConvcostError(f"{atom} is not an atom of a polynomial")

    try:
        for atom in data["atoms"]:
            known.append(build(atom))  # noqa: PERF401  # each is built from those before it
        return read(data["terms"])
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as error:
        if isinstance(error, ConvcostError):
            raise
        raise ConvcostError(f"not the JSON of a polynomial: {error!r}") from error


def to_sympy(p: Poly) -> Any:
    """See `Poly.to_sympy`."""
    try:
        import sympy  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtraError("sympy", "sympy") from None

    known: dict[Atom, Any] = {}

    def of(value: Int) -> Any:
        if not isinstance(value, Poly):
            return sympy.Rational(value.numerator, value.denominator)
        return sympy.Add(*(of(c) * sympy.Mul(*(known[atom] for atom in m)) for m, c in value.terms.items()))

    for atom in atoms_within(p):
        inner = [of(value) for value in atom.inner]
        if isinstance(atom, Symbol):
            least = atom.lower or 0
            signs = {"positive": least > 0 or None, "nonnegative": least >= 0 or None}
            known[atom] = sympy.Symbol(atom.name, rational=True, integer=atom.integral or None, **signs)
        elif isinstance(atom, Floor):
            known[atom] = sympy.floor(inner[0] / atom.divisor)
        elif isinstance(atom, NearestMultiple):
            unit = atom.divisor
            multiple = sympy.Max(sympy.floor(inner[0] / unit + sympy.Rational(1, 2)), 1)
            known[atom] = multiple + sympy.Piecewise((1, 10 * unit * multiple < 9 * inner[0]), (0, True))
        elif isinstance(atom, Maximum):
            known[atom] = sympy.Max(*inner)
        else:
            known[atom] = sympy.Piecewise((1, inner[0] > 0), (0, True))
    return of(p)
