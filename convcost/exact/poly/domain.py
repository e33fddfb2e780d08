"""Where a formula holds: conditions on its symbols, written as plain lower bounds where they come to that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.exact.poly.assume import Assumptions, Condition
from convcost.exact.poly.atoms import Floor, Number, Symbol, atoms_within
from convcost.exact.poly.calculus import evaluate
from convcost.exact.poly.core import Poly, number, symbol
from convcost.exact.poly.source import compile_inside
from convcost.exact.poly.text import format_poly


class Domain(NamedTuple):
    """The values of the symbols for which every condition holds."""

    least: Mapping[str, Number]
    """The least value of each symbol."""
    conditions: tuple[Condition, ...]
    """What is asked of them besides."""
    above: frozenset[str] = frozenset()
    """The rational symbols that have to be above their least value, not at it."""

    def check(self, values: Mapping[str, Int]) -> None:
        """Raises ConvcostError, naming the symbol or condition, for ints, Fractions or arrays outside."""
        for name, least in self.least.items():
            value = values[name]
            if not isinstance(value, (int, Fraction)) and not value.size:
                continue
            low = value if isinstance(value, (int, Fraction)) else value.min()
            if low < least or (low == least and name in self.above):
                raise ConvcostError(f"{name} = {low} is outside: this formula holds for {self}")
        for condition in self.conditions:
            holds = condition.holds(evaluate(condition.value, values))
            if not (holds if isinstance(holds, bool) else holds.all()):
                raise ConvcostError(f"outside: this formula holds for {self}, and {condition.format()} fails")

    def compile(self, value: Int, names: Sequence[str]) -> Callable[..., Int | None]:
        """A fast function of these symbols: the value for ints inside, None for whatever `check` has to look at."""
        least = {name: bound // 1 + 1 if name in self.above else ceil(bound) for name, bound in self.least.items()}
        return compile_inside(value, names, least, self.conditions)

    def __str__(self) -> str:
        return ", ".join(self.phrases())

    def phrases(self, style: str = "text") -> list[str]:
        """One phrase for each bound, taken together where they agree, and each condition, as `format_poly` writes."""
        names: dict[str, list[str]] = {}
        at_least = r"\ge" if style == "latex" else ">="
        for name, least in self.least.items():
            relation = ">" if name in self.above else at_least
            names.setdefault(f"{relation} {least}", []).append(format_poly(symbol(name), style))
        bounds = [f"{', '.join(same)} {bound}" for bound, same in names.items()]
        return bounds + [condition.format(style) for condition in self.conditions]


def domain(symbols: Iterable[Poly], conditions: Iterable[Condition]) -> Domain:
    """The domain of formulas over these symbols, under these conditions.

    A condition on one symbol that grows with it is a bound on it; what the bounds imply is left out.
    """
    atoms = [atom for p in symbols for atom in atoms_within(p) if isinstance(atom, Symbol)]
    least = {atom.name: atom.lower or 0 for atom in atoms}
    rest = []
    above = set()
    for condition in map(_lifted, conditions):
        if condition.equal or not (found := _threshold(condition.value, strict=not condition.weak)):
            rest.append(condition)
            continue
        name, bound, strict = found
        if strict and bound >= least[name]:
            above.add(name)
        elif bound > least[name]:
            above.discard(name)
        least[name] = max(least[name], bound)
    lifted = {atom.name: symbol(atom.name, least[atom.name], rational=not atom.integral) for atom in atoms}
    implied = Assumptions().known
    needed = tuple(c for c in dict.fromkeys(rest) if not implied(c._replace(value=c.value.substitute(lifted))))
    return Domain(least, needed, frozenset(above))


def _lifted(condition: Condition) -> Condition:
    """The same condition without its floor, if it is a bound on one from above.

    k - c floor(P/d) > 0, for c > 0, says that floor(P/d) is below the integer m = ceil(k/c): that dm - P > 0; with >=,
    below m = floor(k/c) + 1.
    """
    p = condition.value
    constant = p.terms.get((), 0)
    others = [(m, c) for m, c in p.terms.items() if m]
    if condition.equal or len(others) > 1 or len(others[0][0]) > 1 or others[0][1] > 0:
        return condition
    (((atom,), c),) = others
    if not isinstance(atom, Floor):
        return condition
    bound = Fraction(constant) / -c
    return _lifted(Condition(atom.divisor * (bound // 1 + 1 if condition.weak else ceil(bound)) - atom.numerator))


def _threshold(p: Poly, *, strict: bool) -> tuple[str, Number, bool] | None:
    """(x, b, whether x > b), if p > 0 (or, not strictly, p >= 0) says the same as x >= b for a symbol x.

    c floor(P/d) + k > 0, for c > 0, says that floor(P/d) is at least the integer m = floor(-k/c) + 1: that P - dm >= 0.
    """
    constant = p.terms.get((), 0)
    ((monomial, c), *more) = ((m, c) for m, c in p.terms.items() if m)
    if more or len(monomial) > 1 or c < 0:
        return None
    (atom,) = monomial
    bound = number(Fraction(-constant) / c)
    if atom.integral:
        bound = bound // 1 + 1 if strict else ceil(bound)
    if isinstance(atom, Symbol):
        return atom.name, bound, strict and not atom.integral
    return _threshold(atom.numerator - atom.divisor * bound, strict=False) if isinstance(atom, Floor) else None
