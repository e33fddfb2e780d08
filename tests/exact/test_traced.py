"""Integers that say where they come from: what they say, evaluated, is what they are."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import pytest
from arithmetic_text import evaluated, names_in
from hypothesis import given
from hypothesis import strategies as st

from convcost.exact.integers import ceildiv, common_divisor, less, maximum, minimum, prod, require_above, where
from convcost.exact.traced import Traced

N = Traced(7, "n")
K = Traced(3, "k")
ONE = Traced(1, "one")


@pytest.mark.parametrize(
    ("value", "symbols", "numbers"),
    [
        (N * K, "n * k", "7 * 3"),
        (prod([N, K, N]), "n * k * n", "7 * 3 * 7"),
        (N // ONE * K, "n / one * k", "7 * 3"),  # a division by 1 says nothing in numbers
        (N // K, "floor(n / k)", "floor(7 / 3)"),
        (ceildiv(N, K), "ceil(n / k)", "ceil(7 / 3)"),
        ((N - 1) // K, "(n - 1) / k", "(7 - 1) / 3"),  # which leaves no rest
        (N * (K + 1), "n * (k + 1)", "7 * (3 + 1)"),
        (N - (K - 1), "n - k + 1", "7 - 3 + 1"),
        (2 - N, "2 - n", "2 - 7"),
        (-N + 1, "1 - n", "1 - 7"),
        (N + 1 - 1, "n", "7"),
        (minimum(N, K - 4), "min(n, k - 4)", "min(7, 3 - 4)"),
        (maximum(N, 0), "max(n, 0)", "max(7, 0)"),
        (common_divisor(N, K), "gcd(n, k)", "gcd(7, 3)"),
        (Traced(-1, "p") + N, "p + n", "(-1) + 7"),
        (42 // (N * ONE), "42 / (n * one)", "42 / (7 * 1)"),
        (N * (K // ONE), "n * k / one", "7 * 3"),
    ],
)
def test_expressions_read_as_one_writes_them(value, symbols, numbers):
    assert (value.symbols(), value.numbers()) == (symbols, numbers)


def test_what_is_nothing_leaves_no_trace():
    assert 0 * N == 0
    assert type(0 * N) is int
    assert 1 * N is N * 1 is N // 1 is 0 + N is N - 0 is N


def test_questions_are_answered_by_the_value():
    assert require_above(N, 6)
    assert not require_above(N, 7)
    assert less(K, N) == 1
    assert type(less(K, N)) is int
    assert where(less(K, N), K, N) is K
    assert N == 7
    assert N != "n"
    assert list(range(K)) == [0, 1, 2]


LEAVES = st.integers(-9, 9).flatmap(lambda n: st.sampled_from([n, Traced(n, f"x{n}".replace("-", "m"))]))


def _combined(children: Any) -> Any:
    two = st.tuples(children, children)
    return st.one_of(
        two.map(lambda ab: ab[0] + ab[1]),
        two.map(lambda ab: ab[0] - ab[1]),
        two.map(lambda ab: ab[0] * ab[1]),
        two.map(lambda ab: maximum(*ab)),
        two.map(lambda ab: minimum(*ab)),
        st.tuples(children, st.integers(1, 5)).map(lambda ab: ab[0] // Traced(ab[1], f"d{ab[1]}")),
        st.tuples(children, st.integers(1, 5)).map(lambda ab: ceildiv(ab[0], Traced(ab[1], f"d{ab[1]}"))),
        children.map(lambda a: -a),
    )


@given(st.recursive(LEAVES, _combined, max_leaves=12))
def test_every_expression_has_its_value(traced):
    if not isinstance(traced, Traced):
        return
    assert evaluated(traced.numbers(), {}) == traced.value
    assert evaluated(traced.symbols(), names_in(traced)) == traced.value


def test_the_reader_of_these_tests_is_pythons_with_exact_quotients():
    assert evaluated("7 / 2 * 2", {}) == 7
    assert evaluated("floor(n / 2)", {"n": 7}) == 3 == math.floor(Fraction(7, 2))
    assert not re.search(r"\d\.\d", N.numbers())
