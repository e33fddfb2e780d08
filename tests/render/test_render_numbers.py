"""Numbers as tables print them: short, in full, percent and signed."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from any_table import INTEGERS
from hypothesis import given
from hypothesis import strategies as st

from convcost.render import Column, Row, Table, render
from convcost.render.numbers import in_bytes, in_full, percent, plain, short


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (147, "147"),
        (999, "999"),
        (1000, "1.00K"),
        (1005, "1.01K"),  # a half goes up; in floats 1.005 is below it
        (1015, "1.02K"),
        (2712, "2.71K"),
        (99_949, "99.9K"),
        (99_950, "100K"),
        (999_499, "999K"),
        (999_500, "1.00M"),
        (6_990_272, "6.99M"),
        (6_998_552, "7.00M"),
        (1_582_671_872, "1.58G"),
        (10**24, "1.00Y"),
        (999_499 * 10**21, "999Y"),
        (10**27, "1.00e27"),
        (-12_345, "-12.3K"),
        (-1005, "-1.01K"),
        (Fraction(5, 2), "2.50"),
        (Fraction(25, 9), "2.78"),
        (Fraction(1, 3), "0.333"),
        (Fraction(1, 1000), "0.00100"),
        (Fraction(1, 10**6), "1.00e-6"),
        (Fraction(1999, 2), "1.00K"),
    ],
)
def test_short_by_hand(number: int | Fraction, text: str) -> None:
    assert short(number) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"),
        (1, "100.0%"),
        (Fraction(1, 3), "33.3%"),
        (Fraction(28, 100), "28.0%"),
        (Fraction(1, 2000), "0.1%"),  # 0.05 %: a half goes up
        (Fraction(1, 2001), "<0.1%"),
        (Fraction(-1, 10**9), ">-0.1%"),
        (Fraction(-1, 8), "-12.5%"),
        (12, "1,200.0%"),
    ],
)
def test_percent_by_hand(share: int | Fraction, text: str) -> None:
    assert percent(share) == text


def test_in_full_by_hand() -> None:
    assert [in_full(n) for n in (0, -1234, 1_582_671_872)] == ["0", "-1,234", "1,582,671,872"]
    assert in_full(Fraction(-10_000, 3)) == "-3,333.33"
    assert in_full(Fraction(-1, 3)) == "-0.333333"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(3888, 75911), "0.0512179"),
        (Fraction(4, 13), "0.307692"),
        (Fraction(1, 4), "0.25"),
        (Fraction(-7, 25), "-0.28"),
        (Fraction(1, 10**9), "0.000000001"),
        (Fraction(10**9 + 1, 2), "500000001"),  # a half goes up
        (Fraction(1_999_999_9, 2 * 10**7), "1"),
        (Fraction(10**7, 3), "3333333"),
        (Fraction(200_000, 3), "66666.7"),
        (12_345_678, "12345678"),
    ],
)
def test_plain_by_hand(number: int | Fraction, text: str) -> None:
    assert plain(number) == text


def test_bytes_by_hand() -> None:
    numbers = (0, 12, 803_000, 9_633_792, 109_000_000_000, 10**27)
    assert [in_bytes(number, exact=False) for number in numbers] == [
        "0 B", "12 B", "803 KB", "9.63 MB", "109 GB", "1.00e27 B",
    ]  # fmt: skip
    assert in_bytes(9_633_792, exact=True) == "9,633,792 B"


NUMBERS = INTEGERS | st.fractions() | st.builds(Fraction, INTEGERS, st.integers(1, 10**30))


def read_short(text: str) -> tuple[Fraction, Fraction]:
    """The number that a short form names, and half a unit of its last digit."""
    match = re.fullmatch(r"(-?[0-9]+)(?:\.([0-9]+))?([KMGTPEZY]?)(?:e(-?[0-9]+))?", text)
    assert match, text
    whole, decimals, suffix, exponent = match.groups(default="")
    unit = Fraction(10) ** (3 * " KMGTPEZY".index(suffix or " ") + int(exponent or 0))
    return Fraction(f"{whole}.{decimals or 0}") * unit, unit / 10 ** len(decimals) / 2


@given(NUMBERS)
def test_short_names_an_interval_that_holds_the_number(number: int | Fraction) -> None:
    (shown, half), held = read_short(short(number)), Fraction(number)
    if abs(held) < 1000 and held.denominator == 1:
        assert shown == held
    else:
        assert abs(shown - held) <= half
        assert abs(shown - held) < half or abs(shown) > abs(held)  # a half goes away from zero
        assert half * 200 <= abs(shown) < half * 2000  # three significant digits


@given(NUMBERS, NUMBERS)
def test_short_keeps_the_order(a: int | Fraction, b: int | Fraction) -> None:
    (shown_a, _), (shown_b, _) = read_short(short(a)), read_short(short(b))
    assert shown_a <= shown_b if a <= b else shown_b <= shown_a


@given(NUMBERS)
def test_in_full_is_the_number(number: int | Fraction) -> None:
    shown = Fraction(in_full(number).replace(",", ""))
    assert abs(shown - number) <= (abs(Fraction(number)) / 10**5 / 2 if Fraction(number).denominator > 1 else 0)


@given(st.fractions())
def test_percent_is_within_half_a_tenth(share: Fraction) -> None:
    text = percent(share).replace(",", "")
    if text in {"<0.1%", ">-0.1%"}:
        assert 0 < abs(share) < Fraction(5, 10_000)
        assert (share > 0) == (text[0] == "<")
    else:
        assert abs(Fraction(text.removesuffix("%")) - share * 100) <= Fraction(1, 20)
        assert (text == "0%") == (share == 0)


def test_signed_columns_show_the_sign_of_what_is_more() -> None:
    table = Table(
        "t",
        (),
        (
            Column("n", "n", kind="count", signed=True),
            Column("p", "p", kind="percent", signed=True),
            Column("r", "r", kind="ratio", signed=True),
        ),
        tuple(Row((value, value, value)) for value in (2, -2, 0)),
    )
    assert [line.split() for line in render(table, "terminal").splitlines()[-3:]] == [
        ["+2", "+200.0%", "+2×"],
        ["-2", "-200.0%", "-2×"],
        ["0", "0%", "0×"],
    ]
