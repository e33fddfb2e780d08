"""Integer arithmetic: every function against its definition, on ints, Fractions, arrays and symbols."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from convcost.exact import integers
from convcost.exact.poly import symbol

DEFINITIONS = {
    "floordiv": lambda a, b: math.floor(Fraction(a, b)),
    "ceildiv": lambda a, b: math.ceil(Fraction(a, b)),
    "maximum": lambda a, b: sorted((a, b))[1],
    "minimum": lambda a, b: sorted((a, b))[0],
    "less": lambda a, b: 1 if a - b < 0 else 0,
}
H, W = symbol("H"), symbol("W")
LEFT = range(-13, 14)
RIGHT = {name: range(1, 9) if name.endswith("div") else LEFT for name in DEFINITIONS}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_ints(name: str) -> None:
    for a, b in product(LEFT, RIGHT[name]):
        result = getattr(integers, name)(a, b)
        assert type(result) is int
        assert result == DEFINITIONS[name](a, b)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_arrays_alone_and_mixed_with_ints(name: str) -> None:
    function = getattr(integers, name)
    pairs = list(product(LEFT, RIGHT[name]))
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    expected = [DEFINITIONS[name](*pair) for pair in pairs]
    for result, values in [
        (function(a, b), expected),
        (function(a, 3), [DEFINITIONS[name](x, 3) for x in a.tolist()]),
        (function(5, b), [DEFINITIONS[name](5, x) for x in b.tolist()]),
    ]:
        assert result.dtype == np.int64
        assert result.tolist() == values


@pytest.mark.parametrize("name", DEFINITIONS)
def test_fractions(name: str) -> None:
    for numerator, b in product(range(-30, 31), RIGHT[name]):
        a = Fraction(numerator, 7)
        assert getattr(integers, name)(a, b) == DEFINITIONS[name](a, b)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_symbols(name: str) -> None:
    x = symbol("x", at_least=-13)
    for b in RIGHT[name]:
        form = getattr(integers, name)(x, b)
        for a in LEFT:
            assert (form if isinstance(form, int) else form(x=a)) == DEFINITIONS[name](a, b)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_rational_symbols(name: str) -> None:
    r = symbol("r", rational=True)
    form = getattr(integers, name)(r, 3)
    for a in (Fraction(k, 7) for k in range(60)):
        assert form(r=a) == DEFINITIONS[name](a, 3)


def test_where_chooses_by_an_indicator() -> None:
    a, b = np.array([1, 5, 3]), np.array([4, 2, 3])
    assert [integers.where(i, "yes", "no") for i in (1, 0)] == ["yes", "no"]
    assert integers.where(integers.less(a, b), a, b).tolist() == [1, 2, 3]
    assert integers.where(integers.less(a, b), 10, 20).tolist() == [10, 20, 20]
    chosen = integers.where(integers.less(H, W), H * H, 7)
    assert [chosen(H=h, W=w) for h, w in [(2, 3), (3, 3), (4, 3)]] == [4, 7, 7]


def test_prod() -> None:
    assert integers.prod([]) == 1
    assert integers.prod([2, H, 3]) == 6 * H
    assert integers.prod([2, np.array([1, 2]), 3]).tolist() == [6, 12]


def test_what_is_known_of_a_value() -> None:
    sizes = np.array([3, 4])
    yes: list[Any] = [
        integers.equal(sizes, sizes),
        integers.equal(H // 2 // 2, H // 4),
        integers.require_equal(sizes, sizes),
        integers.require_above(4, 3),
        integers.require_above(sizes, 2),
        integers.require_above(H, 1000),
        integers.require_divisible(8, 2),
        integers.require_divisible(H, 2),
        *(integers.require_integer(x) for x in (3, sizes, H, np.int64(3))),
    ]
    no: list[Any] = [
        integers.equal(sizes, 3),
        integers.equal(H, 1),
        integers.require_equal(sizes, 3),
        integers.require_above(3, 3),
        integers.require_above(Fraction(1, 2), 1),
        integers.require_above(sizes, 3),
        integers.require_above(H % 4, 3),
        integers.require_divisible(7, 2),
        integers.require_divisible(sizes, 2),
        *(integers.require_integer(x) for x in (True, 3.0, "3", np.array([1.0]))),
    ]
    assert yes == [True] * len(yes)
    assert no == [False] * len(no)


def test_numpy_is_not_imported() -> None:
    program = (
        "import sys; from convcost.exact import integers as i; "
        "i.ceildiv(i.maximum(3, i.minimum(4, 5)), 2), i.where(i.less(1, 2), 3, 4); print('numpy' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
