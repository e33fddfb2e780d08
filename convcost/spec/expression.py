"""Expressions of the spec language: Python's syntax, read with `ast` against a whitelist, and never given to `eval`.

Values are exact: integers, fractions, booleans, text, tuples, and symbols or arrays where a knob is one. An error
points at the column of the part that is wrong.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial, reduce
from keyword import iskeyword
from typing import Any, NamedTuple, NoReturn, TypeAlias

from convcost.errors import UndecidedError, did_you_mean
from convcost.exact.integers import choose_equal, floordiv, is_symbolic, make_divisible, maximum, minimum
from convcost.spec.document import Mark, Scalar, SpecError, exact
from convcost.values import got

MAX_LENGTH = 2_000
MAX_DEPTH = 50
MAX_BITS = 256
MAX_LIST = 1_000
MAX_LOG = 64
Env: TypeAlias = Mapping[str, Any]
"""What names stand for."""
Value: TypeAlias = Callable[[Env], Any]
"""The value of an expression, once its names stand for something."""
_DECIMAL = re.compile(rb"[0-9]{0,30}\.[0-9]{0,30}")


class Expression(NamedTuple):
    """A parsed expression and where its text begins."""

    node: ast.expr
    mark: Mark

    def at(self, node: ast.AST) -> Mark:
        """The place of a part of the expression."""
        file, line, column = self.mark
        return Mark(file, line, column + getattr(node, "col_offset", 0))  # characters, see _place


def parse(scalar: Scalar) -> Expression:
    """Parse the text of a YAML scalar. Raises SpecError for what is not in the language."""
    mark, text = scalar.mark, scalar.text.replace("\n", " ")
    if len(text) > MAX_LENGTH:
        raise SpecError(mark, f"an expression of {len(text):,} characters; at most {MAX_LENGTH:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python only warns about ("5if x") is not in the language
            node = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        offset = max((error.offset or 1) - 1, 0) if scalar.verbatim else 0
        why = ""
        if iskeyword(text):
            why = ": a word of Python, which names nothing here"
        elif text.count("(") > text.count(")"):
            why = ": a parenthesis is not closed; in { } and [ ] YAML ends a text at its comma, unless it is quoted"
        raise SpecError(mark._replace(column=mark.column + offset), f"not an expression: {text[:80]!r}{why}") from None
    except (ValueError, RecursionError, MemoryError, Warning):
        raise SpecError(mark, f"not an expression: {text[:80]!r}") from None
    _place(node, text, scalar.verbatim)
    expression = Expression(node, mark)
    _check(expression, node, 0)
    return expression


def _place(node: ast.expr, text: str, verbatim: bool) -> None:
    """Make decimals exact, and offsets count characters of the file; those of a folded text are where it begins."""
    if verbatim and text.isascii() and "." not in text:
        return
    encoded = text.encode()  # in which `ast` counts
    for part in ast.walk(node):
        if isinstance(part, (ast.expr, ast.keyword)):
            before, within = encoded[: part.col_offset], encoded[part.col_offset : part.end_col_offset]
            if isinstance(part, ast.Constant) and isinstance(part.value, float) and _DECIMAL.fullmatch(within):
                part.exact = exact(Fraction(within.decode()))  # type: ignore[attr-defined]
            part.col_offset = len(before.decode()) if verbatim else 0


def names(node: ast.AST) -> Iterator[str]:
    """Every name that an expression mentions."""
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def evaluate(expression: Expression, node: ast.expr, env: Mapping[str, Any]) -> Any:
    """The value of an expression, or of a part of it, with names looked up in env. Raises SpecError."""
    return compiled(expression, node)(env)


def compiled(expression: Expression, node: ast.expr) -> Value:
    """The value of an expression, or of a part of it, as a function of env, which is made once. It raises SpecError."""
    try:
        return node.compiled  # type: ignore[attr-defined, no-any-return]
    except AttributeError:
        value = node.compiled = _Compiler(expression).value(node)  # type: ignore[attr-defined]
        return value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return choose_equal(a, b)


def _among(a: Any, b: Any) -> bool:
    return any(_same(a, part) for part in b) if isinstance(b, tuple) else a in b


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: floordiv,
    ast.Mod: operator.mod,
}
_COMPARISON: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: _same,
    ast.NotEq: lambda a, b: not _same(a, b),
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _among,
    ast.NotIn: lambda a, b: not _among(a, b),
}
_OPERATORS = (*_ARITHMETIC, ast.Div, ast.Pow, ast.RShift, *_COMPARISON, ast.In, ast.NotIn, ast.UAdd, ast.USub, ast.Not)
_ALLOWED = (
    ast.Constant,
    ast.Name,
    ast.BinOp,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Compare,
    ast.IfExp,
    ast.Tuple,
    ast.List,
    ast.Subscript,
    ast.Call,
)


def round_log(value: Any, base: Any) -> int:
    """The integer nearest to the logarithm of value >= 1 to a base > 1, halves up, without taking it.

    RegNet's widths are whole powers of a multiplier (Radosavovic 2020, eq. 3 and 4). log(value) < k + 1/2 says the same
    as value^2 < base^(2k + 1), which fractions decide exactly.
    """
    if value < 1 or base <= 1:
        raise ValueError(f"it takes a value >= 1 and a base > 1, not {value} and {base}")
    for k in range(MAX_LOG):
        if value**2 < base ** (2 * k + 1):
            return k
    raise ValueError(f"the result is {MAX_LOG} or more")


def _round(value: Any) -> Any:
    """The nearest integer; of a half the even one, as in the papers' Python."""
    if not isinstance(value, (int, Fraction)):
        raise TypeError(f"of a number, not of {got(value)}; floor(x + 1/2) can be written of a symbol")
    return round(value)


def _extreme(of_two: Callable[[Any, Any], Any], *values: Any) -> Any:
    if len(values) < 2:
        raise TypeError("of two values or more")
    return reduce(of_two, values)


def _length(value: Any) -> int:
    if not isinstance(value, tuple):
        raise TypeError(f"of a list, not of {got(value)}")
    return len(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ceil": lambda value: -floordiv(-value, 1),
    "floor": lambda value: floordiv(value, 1),
    "round": _round,
    "min": partial(_extreme, minimum),
    "max": partial(_extreme, maximum),
    "len": _length,
    "make_divisible": make_divisible,
    "round_log": round_log,
}
"""Functions that expressions can call."""


class _Compiler(NamedTuple):
    """Makes functions of an environment of parts of an expression: they are evaluated many times."""

    expression: Expression

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=value):
                # A float's is set by _place from the text, which a float may round.
                constant = node.exact if isinstance(value, float) else value  # type: ignore[attr-defined]
                return lambda _env: constant
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.IfExp():
                return self._choice(node)
            case ast.BoolOp(op=op, values=values):
                of, truths = all if isinstance(op, ast.And) else any, list(map(self.truth, values))
                return lambda env: of(truth(env) for truth in truths)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.truth(operand)
                return lambda env: not truth(env)
            case ast.UnaryOp(op=op, operand=operand):
                number = self.number(operand)
                return self._negated(node, number) if isinstance(op, ast.USub) else number
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(node, op, self.number(left), self.number(right))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                return self._compare(node, self.value(left), ops, list(map(self.value, rights)))
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                parts = list(map(self.value, elements))
                return lambda env: self._list(node, tuple([part(env) for part in parts]))
            case ast.Subscript(value=value, slice=index):
                sequence, place = self.value(value), self.value(index)
                return lambda env: self._item(node, sequence(env), place(env))
            case ast.Call(func=ast.Name(id=name)):
                return self._call(node, name)
        return self._wrong(node, "this is not a value")

    def number(self, node: ast.expr) -> Value:
        value = self.value(node)

        def number(env: Env) -> Any:
            found = value(env)
            if type(found) is not int and (isinstance(found, (bool, str, tuple)) or found is None):
                raise self.error(node, f"a number is needed here, not {got(found)}")
            return found

        return number

    def truth(self, node: ast.expr) -> Value:
        value = self.value(node)

        def truth(env: Env) -> bool:
            found = value(env)
            if not isinstance(found, bool):
                raise self.error(node, f"a condition must be true or false, not {got(found)}")
            return found

        return truth

    def error(self, node: ast.AST, message: str) -> SpecError:
        return SpecError(self.expression.at(node), message)

    def _wrong(self, node: ast.expr, message: str) -> Value:
        """What has no value: an error only where it is asked for, as in the branch of a choice that is taken."""

        def wrong(_env: Env) -> NoReturn:
            raise self.error(node, message)

        return wrong

    def _name(self, node: ast.expr, name: str) -> Value:
        def look_up(env: Env) -> Any:
            try:
                return env[name]
            except KeyError:
                raise self.error(node, f"unknown name {name!r}{did_you_mean(name, env)}") from None

        return look_up

    def _negated(self, node: ast.expr, number: Value) -> Value:
        def negated(env: Env) -> Any:
            try:
                return -number(env)
            except TypeError as error:  # of a layer
                raise self.error(node, str(error)) from None

        return negated

    def _binary(self, node: ast.expr, op: ast.operator, left: Value, right: Value) -> Value:
        operation = _ARITHMETIC.get(type(op)) or partial(self._rarer, node, op)

        def binary(env: Env) -> Any:
            a, b = left(env), right(env)
            try:
                return self._small(node, operation(a, b))
            except ZeroDivisionError:
                raise self.error(node, "division by zero") from None
            except TypeError as error:
                raise self.error(node, str(error)) from None

        return binary

    def _rarer(self, node: ast.expr, op: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Pow):
            return self._power(node, left, right)
        if isinstance(op, ast.Div):
            if is_symbolic(right):
                raise self.error(node, f"cannot divide by {right} exactly, which is symbolic")
            return left * Fraction(1, right)
        raise self.error(node, ">> joins layers, not numbers")

    def _power(self, node: ast.expr, base: Any, exponent: Any) -> Any:
        if not isinstance(exponent, int) or not 0 <= exponent <= 64:
            raise self.error(node, "an exponent must be an integer from 0 to 64")
        if isinstance(base, (int, Fraction)) and max(base.numerator.bit_length(), 1) * exponent > MAX_BITS:
            raise self.error(node, "the number is too large")
        return base**exponent

    def _compare(self, node: ast.expr, first: Value, ops: list[ast.cmpop], others: list[Value]) -> Value:
        steps = [(_COMPARISON[type(op)], other) for op, other in zip(ops, others, strict=True)]

        def compare(env: Env) -> bool:
            a = first(env)
            for comparison, other in steps:
                b = other(env)
                try:
                    result = _agreed(comparison(a, b))
                except UndecidedError:
                    raise
                except (TypeError, ValueError):
                    each = "; one choice has to be right for all of them: price them one by one"
                    arrays = each if hasattr(a, "dtype") or hasattr(b, "dtype") else ""
                    raise self.error(node, f"cannot compare {got(a)} with {got(b)}{arrays}") from None
                if not result:
                    return False
                a = b
            return True

        return compare

    def _choice(self, node: ast.IfExp) -> Value:
        test, body, other = self.truth(node.test), self.value(node.body), self.value(node.orelse)

        def choice(env: Env) -> Any:
            try:
                return (body if test(env) else other)(env)
            except UndecidedError:
                value = body(env)
                if value != other(env):
                    raise
                return value  # it makes no difference

        return choice

    def _list(self, node: ast.expr, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """The list, unless those in it make it so large that comparing, hashing or printing it would not end."""
        if any(type(part) is tuple for part in value):
            size, level = len(value), [part for part in value if type(part) is tuple]
            for _ in range(MAX_DEPTH):
                size += sum(map(len, level))
                level = [part for parts in level for part in parts if type(part) is tuple]
                if size > MAX_LIST or not level:
                    break
            if size > MAX_LIST or level:
                raise self.error(node, f"a list of more than {MAX_LIST:,} values, or deeper than {MAX_DEPTH} levels")
        return value

    def _item(self, node: ast.expr, sequence: Any, index: Any) -> Any:
        listed = type(sequence) is tuple or hasattr(sequence, "parts")  # several layers
        if not listed or not isinstance(index, int):
            raise self.error(node, f"only a list can be indexed, by an integer, not {got(sequence)}")
        if not -len(sequence) <= index < len(sequence):
            raise self.error(node, f"index {index} of a list of {len(sequence)}")
        return sequence[index]

    def _call(self, node: ast.Call, name: str) -> Value:
        function, values = FUNCTIONS.get(name), list(map(self.value, node.args))
        if function is None:
            return self._wrong(node, f"unknown function {name!r}{did_you_mean(name, FUNCTIONS)}")
        if node.keywords:
            return self._wrong(node, f"{name} takes no keyword arguments")

        def call(env: Env) -> Any:
            arguments = [value(env) for value in values]
            try:
                return self._small(node, function(*arguments))
            except (TypeError, ValueError, ZeroDivisionError) as error:
                raise self.error(node, f"{name}: {error}") from None

        return call

    def _small(self, node: ast.expr, value: Any) -> Any:
        """Exact results only: a fraction that is an integer becomes one, and no number grows beyond MAX_BITS."""
        if isinstance(value, Fraction):
            value = exact(value)
        if isinstance(value, (int, Fraction)):
            bits = value.numerator.bit_length() + value.denominator.bit_length()
            if bits > MAX_BITS:
                raise self.error(node, "the number is too large")
        return value


def _check(expression: Expression, node: ast.expr, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise SpecError(expression.at(node), f"nested deeper than {MAX_DEPTH} levels")
    if not isinstance(node, _ALLOWED):
        what = {ast.Attribute: "attribute access", ast.Lambda: "lambda", ast.NamedExpr: "assignment"}
        name = what.get(type(node), type(node).__name__)
        raise SpecError(expression.at(node), f"{name} is not part of the spec language")
    if isinstance(node, ast.Constant):
        _check_constant(expression, node)
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            raise SpecError(expression.at(node), "only an operator, a block or a function can be called, by its name")
        for keyword in node.keywords:
            if keyword.arg is None:
                raise SpecError(expression.at(keyword.value), "** is not part of the spec language")
            _check(expression, keyword.value, depth + 1)
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.expr):
            _check(expression, part, depth + 1)
        elif isinstance(part, (ast.operator, ast.unaryop, ast.cmpop)) and not isinstance(part, _OPERATORS):
            message = "the operators of the spec language are + - * / // % ** >>, comparisons and not"
            raise SpecError(expression.at(node), message)


def _check_constant(expression: Expression, node: ast.Constant) -> None:
    value = node.value
    if isinstance(value, float):
        if not hasattr(node, "exact"):
            raise SpecError(expression.at(node), "a decimal is digits, at most 30 before the point and after it")
    elif isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise SpecError(expression.at(node), "the number is too large")
    elif not (value is None or isinstance(value, str)):
        raise SpecError(expression.at(node), f"{type(value).__name__} is not part of the spec language")


def _agreed(result: Any) -> bool:
    """What a comparison says, of arrays for all of their values. Raises ValueError if it is not the same for all."""
    if type(result) is bool:  # as most are
        return result
    if getattr(result, "shape", ()) and result.all() == result.any():
        return bool(result.all())
    return bool(result)
