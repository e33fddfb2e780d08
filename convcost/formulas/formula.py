"""Closed forms: a quantity of a network as an exact expression in its input sizes, its batch and its knobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int
from convcost.exact.poly import Poly, compile_polys, symbol
from convcost.exact.poly.assume import Assumptions, Condition
from convcost.exact.poly.atoms import Symbol, atoms_within
from convcost.exact.poly.calculus import largest
from convcost.exact.poly.core import lone
from convcost.exact.poly.domain import Domain, domain
from convcost.spec.document import Mark, Scalar
from convcost.spec.expression import FUNCTIONS, evaluate, names, parse
from convcost.spec.model import exactly


@dataclass(frozen=True, repr=False)
class Formula:
    """An exact closed form. Get one with `Network.formula`.

    `formula(224, 224)` and `formula(H=224, W=224)` give its value, on ints, Fractions (for rational symbols) and int64
    arrays, which broadcast; arrays become Python ints where int64 could overflow.
    """

    network: str
    quantity: str
    value: Int
    """A `convcost.Poly`, or a number where no symbol is left."""
    variables: tuple[Poly, ...]
    """The symbols, in the order asked for."""
    requirements: tuple[Condition, ...] = ()

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The names of the symbols, which are the arguments."""
        return tuple(variable.symbols[0] for variable in self.variables)

    @cached_property
    def domain(self) -> Domain:
        """Where it holds: every layer fits, and leaves something of every dimension."""
        return domain(self.variables, self.requirements)

    def __call__(self, /, *values: Int, **named: Int) -> Int:
        """The value at a point, or on arrays of points. Raises ConvcostError for what is not exact or not inside."""
        if not named and len(values) == len(self.variables) and (value := self._at_ints(*values)) is not None:
            return value
        given = self.arguments(values, named)
        if any(hasattr(value, "astype") for value in given.values()):
            return self._on_arrays(given)
        return self._compiled(*given.values())

    def arguments(self, values: Sequence[Int], named: Mapping[str, Int]) -> dict[str, Int]:
        """The values of the symbols at a point, in order. Raises ConvcostError for what is not exact or not inside."""
        given = self._given(values, named)
        self.domain.check(given)
        return given

    def compile(self) -> Callable[..., Int]:
        """A fast function of the symbols in order, on ints and int64 arrays; its docstring is its source.

        It checks nothing, neither the domain nor for overflow: see `domain` and `largest`.
        """
        return self._compiled

    def largest(self, values: Mapping[str, int]) -> int:
        """The largest absolute value that any step of the compiled function reaches for symbols up to these values.

        Below 2**63, int64 arrays are safe.
        """
        return self.value.magnitude(values) if isinstance(self.value, Poly) else abs(self.value)

    def substitute(self, /, **values: Int) -> Formula:
        """The formula with symbols replaced by numbers or by expressions in other symbols: `substitute(H="32*h")`.

        In text, a name that is no symbol of the formula is a new one, an integer >= 1. Raises ConvcostError for an
        unknown symbol, and for what is not known to stay in a symbol's range.
        """
        self._known(values)
        values = {name: self._replacement(name, value) for name, value in values.items()}
        kept = [v for name, v in zip(self.symbols, self.variables, strict=True) if name not in values]
        new = [symbol for value in values.values() for symbol in symbols_in(value)]
        assumptions = Assumptions()
        for condition in self.requirements:
            p = condition.value.substitute(values)
            if not assumptions.require(condition._replace(value=p)):
                raise ConvcostError(f"outside: {self.network}'s formula holds for {self.domain}")
        return Formula(
            self.network,
            self.quantity,
            _substituted(self.value, values),
            tuple(dict.fromkeys([*kept, *new])),
            tuple(assumptions.required),
        )

    def format(self, format_: str = "text") -> str:
        """As `text`, as a `python` function, in `latex`, as `json`, or as `sympy` prints it (with that extra)."""
        from convcost.formulas.text import write

        return write(self, format_)

    def __str__(self) -> str:
        return self.format()

    def __repr__(self) -> str:
        return f"<Formula {self.quantity} of {self.network} in {', '.join(self.symbols) or 'nothing'}>"

    def difference(self, name: str) -> Formula:
        """What one more of a symbol adds: f(name + 1) - f(name)."""
        self._known([name])
        value = self.value.difference(name) if isinstance(self.value, Poly) else 0
        return Formula(self.network, self.quantity, value, self.variables, self.requirements)

    def degree(self, name: str) -> int:
        """The power of the symbol with which the value grows at most."""
        self._known([name])
        return self.value.degree(name) if isinstance(self.value, Poly) else 0

    def _replacement(self, name: str, value: Any) -> Int:
        found = self._read(value) if isinstance(value, str) else exactly(value)
        if isinstance(found, bool) or not isinstance(found, (int, Fraction, Poly)):
            raise ConvcostError(f"{name} takes a number or an expression, got {value!r}")
        return found

    def _read(self, text: str) -> Int:
        """An expression as in a spec, but that 32h is 32*h."""
        parsed = parse(Scalar(text, re.sub(r"(?<![\w.])(\d+) *(?=[A-Za-z])", r"\1*", text), Mark(text, 1, 1)))
        known = dict(zip(self.symbols, self.variables, strict=True))
        new = {name for name in names(parsed.node) if name not in FUNCTIONS and name not in known}
        return evaluate(parsed, parsed.node, {**known, **{name: symbol(name) for name in new}})

    @cached_property
    def _compiled(self) -> Callable[..., Int]:
        if isinstance(self.value, Poly):
            return self.value.compile(self.symbols)
        return lambda *_: self.value

    @cached_property
    def _at_ints(self) -> Callable[..., Int | None]:
        return self.domain.compile(self.value, self.symbols)

    def _on_arrays(self, given: dict[str, Int]) -> Int:
        import numpy as np

        try:
            shape = np.broadcast_shapes(*(np.shape(value) for value in given.values()))
        except ValueError:
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in given.items() if np.shape(value))
            raise ConvcostError(f"arrays of these shapes do not go together: {shapes}") from None
        if 0 in shape:
            return np.zeros(shape, "int64")
        most = {name: largest(value) for name, value in given.items()}
        if self.largest(most) >= 2**63:
            given = {name: value.astype(object) if hasattr(value, "astype") else value for name, value in given.items()}
        result = self._compiled(*given.values())
        if any(result is value for value in given.values()):
            result = result.copy()  # the value is a symbol: its array is the caller's
        # A symbol that the value does not depend on still says how many points there are.
        return result if np.shape(result) == shape else np.broadcast_to(result, shape)

    def _given(self, values: Sequence[Int], named: Mapping[str, Int]) -> dict[str, Int]:
        if len(values) > len(self.symbols):
            raise ConvcostError(f"{len(values)} values for the symbols {', '.join(self.symbols)}")
        given = dict(zip(self.symbols, values, strict=False))
        self._known(named)
        if twice := given.keys() & named:
            raise ConvcostError(f"{', '.join(twice)} is given twice")
        given |= named
        if missing := [name for name in self.symbols if name not in given]:
            raise ConvcostError(f"no value is given for {', '.join(missing)}")
        for name, variable in zip(self.symbols, self.variables, strict=True):
            if type(value := given[name]) is not int:
                given[name] = _checked(variable, value)
        return {name: given[name] for name in self.symbols}

    def _known(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.symbols:
                hint = did_you_mean(name, self.symbols) or f"; its symbols are {', '.join(self.symbols) or 'none'}"
                raise ConvcostError(f"the formula has no symbol {name!r}{hint}")


@dataclass(frozen=True, repr=False)
class LayerFormulas:
    """The closed forms of a network's layers. Get them with `Network.layer_formulas`.

    `formulas(224, 224)` is the count of every layer by its name: the fastest way to price one network again and again,
    where `price` applies the rules anew.
    """

    total: Formula
    """Of all of them; its symbols are the arguments, and its domain is where they hold."""
    values: Mapping[str, Int]
    """By layer, a `convcost.Poly` or a number each."""

    def __repr__(self) -> str:
        return f"<LayerFormulas of {self.total.network}: {len(self.values)} layers>"

    def __call__(self, /, *values: Int, **named: Int) -> dict[str, Int]:
        """The counts at a point. Raises ConvcostError for what is not exact or not inside, and for arrays."""
        given = self.total.arguments(values, named)
        if any(hasattr(value, "dtype") for value in given.values()):
            raise ConvcostError("the formulas of layers are called on numbers; call a network's formula on arrays")
        return dict(zip(self.values, self._compiled(*given.values()), strict=True))

    @cached_property
    def _compiled(self) -> Callable[..., tuple[Int, ...]]:
        return compile_polys(list(self.values.values()), self.total.symbols)


def symbols_in(value: Any) -> list[Poly]:
    """The symbols that a value, or the elements of a list, are made of."""
    parts = value if isinstance(value, tuple) else (value,)
    return [
        lone(atom)
        for part in parts
        if isinstance(part, Poly)
        for atom in atoms_within(part)
        if isinstance(atom, Symbol)
    ]


def _substituted(value: Int, values: Mapping[str, Int]) -> Int:
    return value.substitute(values) if isinstance(value, Poly) else value


def _checked(variable: Poly, value: Any) -> Int:
    """A value that a symbol can have, or an array of such: exact, and integers unless the symbol is rational."""
    name = variable.symbols[0]
    rational = next(iter(variable.terms))[0].integral is False
    if getattr(value, "shape", ()):
        if value.dtype.kind not in "iuO":
            how = f"; on a grid of fractions, substitute {name} by a multiple of an integer symbol" if rational else ""
            raise ConvcostError(f"{name} takes integers, not {value.dtype}{how}")
        if value.dtype.kind != "O" and largest(value) < 2**63:
            return value.astype("int64", copy=False)
        value = value.astype(object)  # a copy, whose elements can be told apart from floats
        for i, element in enumerate(value.flat):
            value.flat[i] = _number(name, rational, element)
        return value
    return _number(name, rational, value)


def _number(name: str, rational: bool, value: Any) -> Int:
    found = exactly(value)
    if isinstance(found, bool) or not isinstance(found, (int, Fraction) if rational else int):
        raise ConvcostError(f"{name} takes {'a number' if rational else 'an integer'}, got {value!r}")
    return found
