"""Conditions on designs: `macs <= 600M`, `32 <= H <= W`, `width*H > 100 and params < 3M`, decided exactly."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from convcost.designs.space import parsed_expression
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int
from convcost.exact.poly import Poly, compile_polys, symbol
from convcost.exact.poly.calculus import largest
from convcost.exact.poly.core import denominator
from convcost.spec import expression
from convcost.spec.document import SpecError
from convcost.spec.expression import Expression

_COUNT = re.compile(r"(?<![\w.])\d+(?:\.\d+)?([A-Za-z]+)(?!\w)")
_TESTS: dict[type[ast.cmpop], Callable[[Any], Any]] = {
    ast.Lt: lambda difference: difference < 0,
    ast.LtE: lambda difference: difference <= 0,
    ast.Gt: lambda difference: difference > 0,
    ast.GtE: lambda difference: difference >= 0,
    ast.Eq: lambda difference: difference == 0,
    ast.NotEq: lambda difference: difference != 0,
}
# Below whatever a column can hold: a bound is needed for symbols, and a wrong one would make a condition wrong.
_LEAST = -(2**400)


class Column(NamedTuple):
    """The values of one name for all designs of a block: numerators (an array) over one positive denominator.

    The array is of int64, or of Python's ints; for what is written out also of ints and Fractions.
    """

    numerators: Any
    denominator: int = 1


class Condition(NamedTuple):
    """left - right against 0, by a test of _TESTS."""

    parsed: Expression
    left: ast.expr
    test: type[ast.cmpop]
    right: ast.expr


def parse_where(text: str) -> list[Condition]:
    """The comparisons of a condition. Raises SpecError for anything but comparisons joined by `and`."""
    parsed = parsed_expression(scaled(text), f"--where {text!r}")
    return list(_comparisons(parsed, parsed.node))


def scaled(text: str) -> str:
    """The text with counts such as 600M, 1.5bn or 512KiB written out, by the words that printed counts are read by."""
    from convcost.printed.numbers import parse
    from convcost.printed.units import scale_and_unit

    def written(match: re.Match[str]) -> str:
        scale, unit = scale_and_unit(match[1]) or ("", "")
        return f"({parse(match[0]).value()})" if scale and unit in ("", "bytes") else match[0]

    return _COUNT.sub(written, text)


def names_in(conditions: Sequence[Condition]) -> set[str]:
    """Every name that the conditions mention."""
    return {name for c in conditions for side in (c.left, c.right) for name in expression.names(side)}


def check_names(conditions: Sequence[Condition], known: Sequence[str]) -> None:
    """Refuse a name that is no column. Raises ConvcostError."""
    for name in sorted(names_in(conditions)):
        if name not in known and name not in expression.FUNCTIONS:
            raise ConvcostError(f"--where: there is no {name!r} to compare{did_you_mean(name, known)}")


def chosen(conditions: Sequence[Condition], columns: Mapping[str, Column]) -> Any:
    """Where all conditions hold: a boolean array over the rows of the columns."""
    result: Any = True
    for condition in conditions:
        sides = (condition.left, condition.right)
        used = sorted({n for side in sides for n in expression.names(side)} & set(columns))
        difference, function = _compiled(condition, tuple((name, columns[name].denominator) for name in used))
        arrays = [columns[name].numerators for name in used]
        if isinstance(difference, Poly):
            most = {name: largest(array) for name, array in zip(used, arrays, strict=True)}
            if difference.magnitude(most) >= 2**63:
                arrays = [array.astype(object) for array in arrays]
        result &= _TESTS[condition.test](function(*arrays)[0])
    return result


@lru_cache(maxsize=256)
def _compiled(condition: Condition, used: tuple[tuple[str, int], ...]) -> tuple[Int, Callable[..., tuple[Int, ...]]]:
    """The difference of the two sides, times what makes it an integer, and a function of the numerators for it."""
    env: dict[str, Int] = {}
    for name, d in used:
        env[name] = symbol(name, at_least=_LEAST) * Fraction(1, d)
    left, right = (expression.evaluate(condition.parsed, side, env) for side in (condition.left, condition.right))
    try:
        difference = left - right
        difference *= denominator(difference)
    except TypeError:
        raise SpecError(condition.parsed.mark, "a condition compares numbers") from None
    return difference, compile_polys([difference], [name for name, _ in used])


def _comparisons(parsed: Expression, node: ast.expr) -> Iterator[Condition]:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield from _comparisons(parsed, value)
        case ast.Compare(left=left, ops=ops, comparators=rights) if all(type(op) in _TESTS for op in ops):
            for op, right in zip(ops, rights, strict=True):
                yield Condition(parsed, left, type(op), right)
                left = right
        case _:
            raise SpecError(parsed.at(node), "a condition is a comparison such as macs <= 600M, or several with and")
