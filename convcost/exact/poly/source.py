"""Polynomials as Python source: what is shared is computed once, and the rest factored, for few passes over arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcost.errors import ConvcostError
from convcost.exact import integers
from convcost.exact.integers import Int
from convcost.exact.poly import calculus
from convcost.exact.poly.assume import Condition
from convcost.exact.poly.atoms import Atom, Floor, Maximum, Monomial, NearestMultiple, Symbol, atoms_within
from convcost.exact.poly.core import Poly, check_name, denominator, terms_of

MAX_SUM = 100  # Python's compiler goes one level deeper for each + in a row, and refuses some thousands


def compile_poly(value: Int, names: Sequence[str]) -> Callable[..., Int]:
    """See `Poly.compile`."""
    lines, (result,) = _write([value], names)
    return _function(lines, result, names)


def compile_polys(values: Sequence[Int], names: Sequence[str]) -> Callable[..., tuple[Int, ...]]:
    """As `Poly.compile`, for a tuple of values (numbers or polynomials); computes what they share once."""
    lines, results = _write(values, names)
    return _function(lines, f"({', '.join(results)},)", names)


def compile_inside(
    value: Int, names: Sequence[str], least: Mapping[str, int], conditions: Sequence[Condition]
) -> Callable[..., Int | None]:
    """As `Poly.compile`, with a look at its arguments: None unless they are ints within these bounds and conditions."""
    lines, (*asked, result) = _write([*(condition.value for condition in conditions), value], names)
    ints = [f"type({name}) is int and {name} >= {bound}" for name, bound in least.items()]
    held = [f"{text} {condition.relation} 0" for text, condition in zip(asked, conditions, strict=True)]
    before = [f"if not ({' and '.join(ints)}): return None"] if ints else []
    after = [f"if not ({' and '.join(held)}): return None"] if held else []
    return _function([*before, *lines, *after], result, names)


def _function(lines: list[str], result: str, names: Sequence[str]) -> Callable[..., Any]:
    for name in names:
        check_name(name)
    if len(set(names)) < len(names):
        raise ConvcostError(f"a name is given twice in {', '.join(names)}")
    source = "\n    ".join([f"def formula({', '.join(names)}):", *lines, f"return {result}"])
    scope: dict[str, Any] = {
        "_maximum": integers.maximum,
        "_less": integers.less,
        "_nearest_multiple": integers.nearest_multiple,
        "_divided": calculus.divided,
    }
    exec(source, scope)  # the names in it are checked or our own
    function: Callable[..., Any] = scope["formula"]
    function.__doc__ = source
    return function


def _write(values: Sequence[Int], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Assignments to temporaries (whose names start with _, as no symbol's does), and an expression for each value."""
    lines: list[str] = []
    words: dict[Atom | Monomial, str] = {}

    def assign(expression: str) -> str:
        lines.append(f"_{len(lines)} = {expression}")
        return f"_{len(lines) - 1}"

    for atom in atoms_within(*values):
        inner = [_expression(value, words) for value in atom.inner]
        if isinstance(atom, Symbol):
            if atom.name not in names:
                raise ConvcostError(f"the formula depends on {atom.name}, which is not among {', '.join(names)}")
            words[atom] = atom.name
        elif isinstance(atom, Floor):
            words[atom] = assign(f"({inner[0]})//{atom.divisor}")
        elif isinstance(atom, NearestMultiple):
            below = denominator(atom.inner[0])
            above = _expression(atom.inner[0] * below, words)
            words[atom] = assign(f"_nearest_multiple({above}, {below}, {atom.divisor})")
        else:
            words[atom] = assign(
                f"_maximum({', '.join(inner)})" if isinstance(atom, Maximum) else f"_less(0, {inner[0]})"
            )

    uses = Counter(_derived(monomial) for value in values for monomial in terms_of(value))
    for product, count in uses.items():
        if count > 1 and len(product) > 1:
            words[product] = assign("*".join(words[atom] for atom in product))
    return lines, [_expression(value, words) for value in values]


def _derived(monomial: Monomial) -> Monomial:
    """The factors of a monomial that are not symbols: the size of a feature map, which many layers share."""
    return tuple(atom for atom in monomial if not isinstance(atom, Symbol))


def _expression(value: Int, words: Mapping[Atom | Monomial, str]) -> str:
    """The value, written with these words for its atoms, and for products that have a word of their own."""
    if not isinstance(value, Poly):
        return str(value) if isinstance(value, int) else f"_divided({value.numerator}, {value.denominator})"
    scale = denominator(value)
    terms = {}
    for monomial, c in value.terms.items():
        derived = _derived(monomial)
        factors = [words[atom] for atom in monomial if isinstance(atom, Symbol)]
        factors += [words[derived]] if derived in words else [words[atom] for atom in derived]
        terms[tuple(factors)] = int(c * scale)
    return _factored(terms) if scale == 1 else f"_divided({_factored(terms)}, {scale})"


def _factored(terms: Mapping[tuple[str, ...], int]) -> str:
    """Horner's scheme in many variables: take out the factor that most terms have, and go on inside and outside."""
    parts = []
    while terms:
        counts = Counter(factor for factors in terms for factor in set(factors))
        factor, count = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        if count < 2:
            parts += ["*".join([str(c)] * (c != 1 or not factors) + list(factors)) for factors, c in terms.items()]
            break
        inside = {_less_one(factors, factor): c for factors, c in terms.items() if factor in factors}
        terms = {factors: c for factors, c in terms.items() if factor not in factors}
        parts.append(f"{factor}*({_factored(inside)})")
    while len(parts) > MAX_SUM:
        slices = [parts[i : i + MAX_SUM] for i in range(0, len(parts), MAX_SUM)]
        parts = [f"({_sum(some)})" for some in slices]
    return _sum(parts)


def _sum(parts: list[str]) -> str:
    return " + ".join(parts).replace("+ -", "- ")


def _less_one(factors: tuple[str, ...], factor: str) -> tuple[str, ...]:
    i = factors.index(factor)
    return factors[:i] + factors[i + 1 :]
