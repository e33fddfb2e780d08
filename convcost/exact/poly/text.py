"""Polynomials for readers: few terms, grouped by their symbols, in three notations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, groupby
from math import inf, prod
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.exact.poly import calculus
from convcost.exact.poly.atoms import Atom, Floor, Maximum, Monomial, NearestMultiple, Symbol, atoms_within, is_integral
from convcost.exact.poly.core import Poly, denominator, terms_of


class Style(NamedTuple):
    """The templates of a notation."""

    times: str
    power: str
    group: str
    over: str
    floor: str
    ceil: str
    maximum: str
    positive: str
    nearest_multiple: str


STYLES = {
    "text": Style(
        times="*",
        power="{}**{}",
        group="({})",
        over="{}/{}",
        floor="floor({})",
        ceil="ceil({})",
        maximum="max({})",
        positive="[{} > 0]",
        nearest_multiple="make_divisible({}, {})/{}",
    ),
    "python": Style(
        times="*",
        power="{}**{}",
        group="({})",
        over="{}//{}",
        floor="({})",
        ceil="",
        maximum="max({})",
        positive="int({} > 0)",
        nearest_multiple="(make_divisible({}, {})//{})",
    ),
    "latex": Style(
        times=" ",
        power="{}^{{{}}}",
        group=r"\left({}\right)",
        over=r"\frac{{{}}}{{{}}}",
        floor=r"\left\lfloor {} \right\rfloor",
        ceil=r"\left\lceil {} \right\rceil",
        maximum=r"\max\left({}\right)",
        positive=r"\left[{} > 0\right]",
        nearest_multiple=r"\frac{{\operatorname{{make\_divisible}}\left({}, {}\right)}}{{{}}}",
    ),
}


def format_poly(value: Int, style: str = "text") -> str:
    """A polynomial or number as "text", as a "python" expression on ints, or in "latex"."""
    return _Writer(style).value(value)


def format_named(value: Int, style: str = "text") -> tuple[dict[str, str], str]:
    """As `format_poly`, with a name for each product of sizes and each scaled width: their definitions, the expression.

    c4 is ceil(H/4)*ceil(W/4), for whatever H and W, and w32 is what rounds 32*width; others are f1, f2, ...
    """
    writer = _Writer(style)
    products = {_split(monomial)[1] for monomial in terms_of(value)}
    widths = {(atom,) for monomial in terms_of(value) for atom in monomial if _is_width(atom)}
    taken = set(value.symbols) if isinstance(value, Poly) else set()
    definitions = {}
    for product in sorted(widths, key=_width_order) + sorted((p for p in products if len(p) > 1), key=_order):
        name = next(name for name in _names(product) if name not in taken)
        taken.add(name)
        definition = writer.value(Poly({product: 1}))
        if product in widths:
            definition, writer.words[product[0]] = writer.words[product[0]], writer.name(name)
        else:
            writer.names[product] = writer.name(name)
        definitions[writer.name(name)] = definition
    return definitions, writer.value(value)


class _Writer:
    """Writes values in one style; `names` stand for whole products."""

    def __init__(self, style: str) -> None:
        if style not in STYLES:
            raise ConvcostError(f"there is no style {style!r}: choose from {', '.join(STYLES)}")
        self.style = STYLES[style]
        self.words: dict[Atom, str] = {}
        self.names: dict[Monomial, str] = {}

    def value(self, value: Int) -> str:
        for atom in atoms_within(value):
            if atom not in self.words:
                self.words[atom] = self.atom(atom)
        scale = denominator(value)
        if scale == 1:
            return self.sum(value)
        if self.style is STYLES["python"] and not calculus.is_integer(value):
            return f"Fraction(1, {scale})*({self.sum(value * scale)})"
        return self.over(value * scale, scale)

    def atom(self, atom: Atom) -> str:
        """An atom, in terms of the words for those inside."""
        if isinstance(atom, Symbol):
            return self.name(atom.name)
        if isinstance(atom, NearestMultiple):
            return self.style.nearest_multiple.format(self.value(atom.inner[0]), atom.divisor, atom.divisor)
        if isinstance(atom, Maximum):
            return self.style.maximum.format(", ".join(map(self.sum, _compared(atom))))
        if not isinstance(atom, Floor):
            return self.style.positive.format(*map(self.sum, atom.inner))
        p, d = atom.numerator, atom.divisor
        if self.sign(atom) < 0:
            return self.style.ceil.format(self.over(-p, d))
        rest = p - (d - 1)
        if self.style.ceil and () not in rest.terms and d > 1 and is_integral(p):
            return self.style.ceil.format(self.over(rest, d))
        return self.style.floor.format(self.over(p, d))

    def sign(self, atom: Atom) -> int:
        """-1 for floor(-x), which is written as -ceil(x)."""
        negated = isinstance(atom, Floor) and _is_width(atom) and all(c < 0 for c in atom.numerator.terms.values())
        return -1 if self.style.ceil and negated else 1

    def name(self, name: str) -> str:
        if self.style is not STYLES["latex"] or len(name) == 1:
            return name
        if name[1:].isdigit():
            return f"{name[0]}_{{{name[1:]}}}"
        return rf"\mathit{{{name}}}".replace("_", r"\_")

    def over(self, p: Int, d: int) -> str:
        above = self.sum(p)
        if d == 1 and self.style is not STYLES["python"]:
            return above
        if len(terms_of(p)) > 1 and self.style is not STYLES["latex"]:
            above = self.style.group.format(above)
        return self.style.over.format(above, d)

    def sum(self, value: Int) -> str:
        """A value with integer coefficients; terms with the same symbols, or if that is shorter sizes, go together."""
        by_symbols: dict[Monomial, dict[Monomial, int]] = {}
        by_sizes: dict[Monomial, dict[Monomial, int]] = {}
        for monomial, c in terms_of(value).items():
            symbols, sizes = _split(monomial)
            coefficient = int(c) * prod(map(self.sign, monomial))
            by_symbols.setdefault(symbols, {})[sizes] = coefficient
            by_sizes.setdefault(sizes, {})[symbols] = coefficient
        if 2 * len(by_sizes) < len(by_symbols):
            pieces = [
                piece
                for sizes, parts in sorted(by_sizes.items(), key=lambda item: _order(item[0]))
                for piece in self.group(sizes, sorted(parts.items(), key=lambda item: _group_order(item[0], [sizes])))
            ]
        else:
            pieces = [
                piece
                for symbols, parts in sorted(by_symbols.items(), key=lambda item: _group_order(*item))
                for piece in self.group(symbols, sorted(parts.items(), key=lambda item: _order(item[0])))
            ]
        first = next((i for i, piece in enumerate(pieces) if piece[0] != "-"), 0)  # a - b rather than -b + a
        return _joined([*pieces[first : first + 1], *pieces[:first], *pieces[first + 1 :]]) or "0"

    def group(self, common: Monomial, parts: list[tuple[Monomial, int]]) -> list[str]:
        """Terms with a common factor, as one piece if it is there and they are several."""
        if not common or len(parts) == 1:
            return [self.term(c, self.factors(common) + self.factors(rest)) for rest, c in parts]
        inside = self.style.group.format(_joined(self.term(c, self.factors(rest)) for rest, c in parts))
        return [self.term(1, [*self.factors(common), inside])]

    def factors(self, monomial: Monomial) -> list[str]:
        if monomial in self.names:
            return [self.names[monomial]]
        runs = [(atom, len(list(run))) for atom, run in groupby(monomial)]
        return [self.words[atom] if power == 1 else self.power(atom, power) for atom, power in runs]

    def power(self, atom: Atom, power: int) -> str:
        word = self.words[atom]
        # A rounded width is written as a quotient until it has a name.
        quotient = isinstance(atom, NearestMultiple) and ("/" in word or word.startswith(r"\frac")) and word[0] != "("
        return self.style.power.format(self.style.group.format(word) if quotient else word, power)

    def term(self, c: int, factors: list[str]) -> str:
        if abs(c) != 1 or not factors:
            factors = [str(abs(c)), *factors]
        return "-" * (c < 0) + self.style.times.join(factors)


def _joined(pieces: Iterable[str]) -> str:
    return " + ".join(pieces).replace("+ -", "- ")


def _split(monomial: Monomial) -> tuple[Monomial, Monomial]:
    """Its symbols and the widths made from them, and its sizes (floors, maxima, indicators)."""
    symbols = tuple(atom for atom in monomial if isinstance(atom, Symbol) or _is_width(atom))
    return symbols, tuple(atom for atom in monomial if not (isinstance(atom, Symbol) or _is_width(atom)))


def _compared(atom: Maximum) -> list[Int]:
    """The values of which it is the largest, those of a maximum within it among them."""
    values: list[Int] = []
    for value in atom.inner:
        ((monomial, c),) = items if len(items := terms_of(value).items()) == 1 else (((), 0),)
        inside = monomial[0] if len(monomial) == 1 and c == 1 else None
        values += _compared(inside) if isinstance(inside, Maximum) else [value]
    return values


def _is_width(atom: Atom) -> bool:
    """Whether it is a number of channels, scaled and made an integer: rounded, or of a symbol that is rational."""
    return isinstance(atom, NearestMultiple) or (
        not isinstance(atom, Symbol) and any(not inner.integral for inner in atoms_within(*atom.inner))
    )


def _width_order(width: Monomial) -> tuple[int, str]:
    """By length, so that 96 comes before 112."""
    return len(width[0].key), width[0].key


def _order(sizes: Monomial) -> tuple[float, int, list[str]]:
    """From fine to coarse, as a network goes, and constants last."""
    fineness = min((atom.divisor if isinstance(atom, Floor) else 1 for atom in sizes), default=inf)
    return fineness, -len(sizes), [atom.key for atom in sizes]


def _group_order(symbols: Monomial, parts: Iterable[Monomial]) -> tuple[float, int, list[str]]:
    """From fine to coarse, terms in symbols alone counting as fine; then from high to low degree."""
    fineness = min(_order(sizes)[0] if sizes or not symbols else 1 for sizes in parts)
    return fineness, -len(symbols), [atom.key for atom in symbols]


def _names(product: Monomial) -> Iterator[str]:
    """Names for a product of sizes or for a width, the best first."""
    if len(product) == 1 and (scaled := _scaled_symbol(product[0])) is not None:
        yield scaled
    divisors = {_ceiling_of_symbol(atom) for atom in product}
    if len(divisors) == 1 and None not in divisors:
        yield f"c{divisors.pop()}"
    yield from (f"f{i}" for i in count(1))


def _ceiling_of_symbol(atom: Atom) -> int | None:
    """d, if the atom is ceil(symbol / d)."""
    if not isinstance(atom, Floor):
        return None
    rest = atom.numerator - (atom.divisor - 1)
    return atom.divisor if [*rest.terms.values()] == [1] and isinstance(next(iter(rest.terms))[0], Symbol) else None


def _scaled_symbol(width: Atom) -> str | None:
    """w32, if all that the width is made of is 32*width."""
    (inner, *more) = width.inner
    if more or not isinstance(inner, Poly) or len(inner.terms) > 1:
        return None
    (((factor, *others), c),) = inner.terms.items()
    return f"{factor.name[0]}{abs(c)}" if isinstance(factor, Symbol) and not others and isinstance(c, int) else None
