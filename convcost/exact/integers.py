"""Exact integer arithmetic that reads the same for a Python int, a numpy int64 array and a symbolic `Poly`.

Every shape and cost rule of convcost is written with `+ - *` and the functions below, so one rule prices one network
(ints), a million design points (arrays) or all of them at once (symbols). Which of the three it is, is decided here and
nowhere else: symbols bring their methods (`_less` and such), arrays take numpy's functions (numpy is never imported
here), and ints, or the Fractions of a width multiplier, take Python's own operators.

A question about a symbol writes nothing down (`equal`). What has to hold is asked by `require_...`: of a symbol, it is
True where it can hold, and becomes a requirement of the assumptions in force; `choose_equal` is a choice of theirs.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, TypeAlias

Int: TypeAlias = Any
"""An int, a numpy int64 array, or a `convcost.exact.poly.Poly`: ints mix with either, as no static union can say."""

_PLAIN = frozenset({int, bool})

prod: Callable[[Iterable[Int]], Int] = math.prod
"""The product of factors of any kind; 1 for none."""


def volume(shape: Sequence[Int]) -> Int:
    """The product of sizes, which layer after layer has the same: symbols keep what it came to."""
    if not shape or type(shape[-1]) is int:
        return prod(shape)
    known: Callable[[Sequence[Int]], Int] = getattr(type(shape[-1]), "_product", prod)
    try:
        return known(shape)
    except TypeError:  # a symbol beside an array, which cannot be looked up
        return prod(shape)


def require_integer(value: Any) -> bool:
    """Whether value is one of the three: an int (no bool), an int64 array or scalar of numpy, or a symbol."""
    if isinstance(value, int):
        return not isinstance(value, bool)
    if (symbolic := _symbolic(value, 0)) is not None:
        return bool(symbolic._require_integer(value))
    return str(getattr(value, "dtype", "")) == "int64"


def is_exact(value: Any) -> bool:
    """Whether value is a number that arithmetic keeps exact: one of the three, or a Fraction."""
    return isinstance(value, Fraction) or _symbolic(value, 0) is not None or require_integer(value)


def unboxed(value: Any) -> Any:
    """A scalar of numpy as Python's own, which no number of bits limits; anything else as it is."""
    return value.item() if type(value) is not int and hasattr(value, "dtype") and not value.shape else value


def floordiv(a: Int, b: Int) -> Int:
    """The largest integer not above a / b, for b > 0."""
    return a // b


def ceildiv(a: Int, b: Int) -> Int:
    """The smallest integer not below a / b, for b > 0."""
    if not isinstance(a, int) and (symbolic := _symbolic(a, b)) is not None:
        return symbolic._ceildiv(a, b)
    return -(-a // b)


def maximum(a: Int, b: Int) -> Int:
    """The larger of the two, elementwise."""
    if isinstance(a, int) and isinstance(b, int):
        return a if a >= b else b
    if (symbolic := _symbolic(a, b)) is not None:
        return symbolic._maximum(a, b)
    if numpy := _numpy(a, b):
        return numpy.maximum(a, b)
    return a if a >= b else b


def minimum(a: Int, b: Int) -> Int:
    """The smaller of the two, elementwise."""
    return -maximum(-a, -b)


def less(a: Int, b: Int) -> Int:
    """1 where a < b, else 0, as an integer of the operands' own kind (so that it can be multiplied with)."""
    if isinstance(a, int) and isinstance(b, int):
        return int(a < b)
    if (symbolic := _symbolic(a, b)) is not None:
        return symbolic._less(a, b)
    if numpy := _numpy(a, b):
        return numpy.less(a, b).astype("int64")
    return int(a < b)


def where(indicator: Int, x: Int, y: Int) -> Int:
    """x where the 0/1 indicator (from `less`) is 1, else y."""
    if isinstance(indicator, int):
        return x if indicator else y
    return y + indicator * (x - y)


def sum_over(value: Int, index: str, count: Int) -> Int:
    """The sum of a value over the symbol `index` = 0, 1, ..., count - 1, which it need not depend on."""
    return value * count if isinstance(value, int) else value.sum_over(index, count)


def max_over(value: Int, index: str, count: Int) -> Int:
    """The largest of a value over the symbol `index` = 0, 1, ..., count - 1; 0 for none. A count is never negative."""
    return where(less(0, count), value if isinstance(value, int) else value.max_over(index, count), 0)


def largest(values: Iterable[Int]) -> Int:
    """The largest of the values, elementwise."""
    values = list(values)
    if all(isinstance(value, int) for value in values):
        return max(values)
    for value in values:
        if (symbolic := _symbolic(value, 0)) is not None:
            return symbolic._largest(values)
    return reduce(maximum, values)


def common_divisor(n: Int, k: Int) -> Int:
    """The greatest common divisor of n and k, both >= 1. Raises ConvcostError if k is a symbol that has no value."""
    if isinstance(n, int) and isinstance(k, int):
        return math.gcd(n, k)
    if (symbolic := _symbolic(n, k)) is not None:
        return symbolic._common_divisor(n, k)
    if numpy := _numpy(n, k):
        return numpy.gcd(numpy.asarray(n, "int64"), numpy.asarray(k, "int64"))
    return math.gcd(n, k)


def total(values: Sequence[Int]) -> Int:
    """The sum of the values; 0 for none. Of symbols, without a form for each sum on the way."""
    kinds: set[Any] = set(map(type, values))
    if not kinds <= _PLAIN:
        for kind in kinds:
            if hasattr(kind, "_less"):
                return kind._total(values)
    return sum(values)


def make_divisible(value: Int, divisor: int = 8) -> Int:
    """The multiple of divisor nearest to value, half up, but never less than nine tenths of value, nor than divisor.

    The channel rounding of MobileNet v2 and EfficientNet (`_make_divisible`, Sandler 2018); value may be a Fraction.
    """
    if not isinstance(value, int) and (symbolic := _symbolic(value, divisor)) is not None:
        return symbolic._make_divisible(value, divisor)
    return divisor * nearest_multiple(value, 1, divisor)


def nearest_multiple(above: Int, below: int, divisor: int) -> Int:
    """make_divisible(above / below) / divisor, in integers alone: for arrays that stand for fractions."""
    unit = below * divisor
    multiple = maximum(floordiv(2 * above + unit, 2 * unit), 1)
    return multiple + less(10 * unit * multiple, 9 * above)


def _symbolic(a: Int, b: Int) -> Any:
    """The type of whichever operand is symbolic, or None."""
    if hasattr(kind := type(a), "_less") or hasattr(kind := type(b), "_less"):
        return kind
    return None


def is_symbolic(value: Any) -> bool:
    """Whether value is a symbol, or an expression in some."""
    return _symbolic(value, 0) is not None


def _numpy(*operands: Int) -> Any:
    """numpy if an operand is an array, else None; an array can only exist where numpy has been imported."""
    numpy = sys.modules.get("numpy")
    arrays = numpy and any(isinstance(operand, (numpy.ndarray, numpy.generic)) for operand in operands)
    return numpy if arrays else None


def equal(a: Int, b: Int) -> bool:
    """Whether a and b are known to be the same: everywhere, for arrays; as canonical forms, for symbols."""
    if isinstance(a, int) and isinstance(b, int):
        return a == b
    if (symbolic := _symbolic(a, b)) is not None:
        return bool(symbolic._equal(a, b))
    result = a == b
    return result if isinstance(result, bool) else bool(result.all())


def require_equal(a: Int, b: Int) -> bool:
    """Whether a and b, which have to be the same, are: everywhere, for arrays."""
    symbolic = None if isinstance(a, int) and isinstance(b, int) else _symbolic(a, b)
    return bool(symbolic._require_equal(a, b)) if symbolic is not None else equal(a, b)


def choose_equal(a: Any, b: Any) -> bool:
    """Whether a == b, where an answer has to be given: for a symbol it may have to be assumed (see `poly.assume`)."""
    symbolic = None if isinstance(a, int) and isinstance(b, int) else _symbolic(a, b)
    return bool(a == b if symbolic is None else symbolic._choose_equal(a, b))


def require_above(value: Int, bound: int) -> bool:
    """Whether value, which has to be above bound, is: everywhere, for arrays."""
    if isinstance(value, int):
        return value > bound
    if (symbolic := _symbolic(value, bound)) is not None:
        return bool(symbolic._require_above(value, bound))
    result = value > bound
    return result if isinstance(result, bool) else bool(result.all())


def require_divisible(value: Int, divisor: Int) -> bool:
    """Whether value, which has to be a multiple of divisor, is: everywhere, for arrays."""
    if isinstance(value, int) and isinstance(divisor, int):
        return value % divisor == 0
    if (symbolic := _symbolic(value, divisor)) is not None:
        return bool(symbolic._require_divisible(value, divisor))
    remainder = value % divisor
    return not remainder if isinstance(remainder, int) else not remainder.any()
