"""The arithmetic of the spec language: functions that papers state in floats, exact here."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcost.exact.poly import symbol
from convcost.spec import expression
from convcost.spec.document import Mark, Scalar, SpecError


def value(text: str, **names: object) -> object:
    parsed = expression.parse(Scalar(text, text, Mark("net.yaml", 1, 1)))
    return expression.evaluate(parsed, parsed.node, names)


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [
        # 44.8 and 22.4 of MobileNet v2 x1.4; 8.4, 11.2 of x0.35
        (32, "1.4", 48),
        (16, "1.4", 24),
        (24, "0.35", 8),
        (32, "0.35", 16),  # 11.2: 8 would lose more than a tenth
        (16, "0.35", 8),  # 5.6: never below 8
        (24, "0.5", 16),  # 12 is halfway: up
        (80, "1.2", 96),
        (320, "1.4", 448),
        (1280, "1.1", 1408),
        (20, "0.9", 24),  # 18: 16 is 0.89 of it
        (40, "0.45", 24),
        (80, "0.9", 72),
    ],
)
def test_channels_rounded_to_eight(channels, width, expected):
    assert value(f"make_divisible({channels}*{width})") == expected


@given(st.integers(1, 10_000), st.integers(1, 300), st.sampled_from([1, 2, 4, 8, 16]))
def test_rounded_channels_are_near_and_lose_no_tenth(channels, percent, divisor):
    asked = Fraction(channels * percent, 100)
    rounded = value("make_divisible(asked, divisor)", asked=asked, divisor=divisor)
    assert isinstance(rounded, int)
    assert rounded % divisor == 0
    assert rounded >= max(divisor, Fraction(9, 10) * asked)
    assert rounded <= max(divisor, asked + divisor)


@pytest.mark.parametrize(
    ("x", "base", "expected"),
    [
        ("1", "2", 0),
        ("2", "2", 1),
        ("1024", "2", 10),
        ("1.41", "2", 0),  # 2^0.5 = 1.414...
        ("1.42", "2", 1),
        ("5.65", "2", 2),  # 2^2.5 = 5.656...
        ("5.66", "2", 3),
        ("6.2", "2.49", 2),  # 2.49^2 = 6.2001
        ("1.499", "2.25", 0),
        ("1.5", "2.25", 1),  # 2.25^0.5 exactly, and a half goes up
    ],
)
def test_nearest_whole_logarithm(x, base, expected):
    assert value(f"round_log({x}, {base})") == expected


@given(st.fractions(1, 10**6, max_denominator=1000), st.fractions("1.01", 100, max_denominator=100))
def test_logarithm_as_in_floats_away_from_the_halves(x, base):
    exact = math.log(x) / math.log(base)
    assume(exact < 60 and abs(exact % 1 - 0.5) > 1e-6)
    assert value("round_log(x, base)", x=x, base=base) == round(exact)


@pytest.mark.parametrize("text", ["1 & 2", "1 | 2", "1 ^ 2", "1 << 2", "a @ a", "~a", "a is a", "a is not a"])
def test_operators_that_are_none_of_the_language(text):
    with pytest.raises(SpecError, match=r"^net\.yaml:1:1: the operators of the spec language are "):
        value(text, a=3)


def test_layers_are_no_numbers():
    with pytest.raises(SpecError, match=r"^net\.yaml:1:6: >> joins layers, not numbers$"):
        value("2 * (8 >> 1)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("round_log(0.5, 2)", "round_log: it takes a value >= 1 and a base > 1, not 1/2 and 2"),
        ("round_log(8, 1)", "round_log: it takes a value >= 1 and a base > 1, not 8 and 1"),
        ("round_log(9, 1.01)", "round_log: the result is 64 or more"),
        ("round_log('a', 2)", "round_log: '<' not supported"),
        ("1 + round_log(8)", "round_log: "),
        ("max(1)", "max: of two values or more"),
        ("len(3)", "len: of a list, not of 3"),
        ("round('a')", "round: of a number, not of 'a'"),
    ],
)
def test_what_functions_do_not_take(text, message):
    with pytest.raises(SpecError, match=r"^net\.yaml:1:\d+: ") as caught:
        value(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("round(2.5)", 2), ("round(7/2)", 4), ("max(1, 3, 2)", 3), ("min(4, 3.5, 5)", Fraction(7, 2))],
)
def test_functions(text, expected):
    """Halves are rounded to even, as Python rounds them in the papers' code."""
    assert value(text) == expected


def test_a_symbol_cannot_be_rounded_to_even():
    with pytest.raises(SpecError, match=r"round: of a number, not of n; floor\(x \+ 1/2\)"):
        value("round(n)", n=symbol("n"))
