"""What one does with a symbolic integer: evaluate, compile, sum, print, pass on; and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from functools import reduce
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcost.errors import ConvcostError, MissingExtraError
from convcost.exact.integers import ceildiv, less, maximum
from convcost.exact.poly import Poly, compile_polys, format_named, format_poly, from_json, symbol
from convcost.exact.poly.assume import Condition
from convcost.exact.poly.domain import domain
from tests.programs import CONVCOST, LEAST, PYTHON, points, programs, run

H, W, N, w = (symbol(name) for name in ("H", "W", "N", "w"))
SYMBOLS = {name: symbol(name, at_least=least) for name, least in LEAST.items()}
n, z = SYMBOLS["n"], SYMBOLS["z"]
WIDTH = symbol("width", rational=True)
BIG = 2**62


def polynomial(program: Any) -> Any:
    """A program's closed form; draws without symbols left in it are thrown away."""
    value = run(program, SYMBOLS, CONVCOST)
    assume(isinstance(value, Poly))
    return value


# Arithmetic at its edges


def test_a_result_without_symbols_is_a_plain_number() -> None:
    for value, expected in [(H - H, 0), (H - H + 7, 7), (0 * H, 0), (H % 1, 0), ((2 * H) % 2, 0), (H**0, 1)]:
        assert type(value) is int
        assert value == expected
    assert H + Fraction(1, 3) - H == Fraction(1, 3)
    assert type(H * Fraction(1, 2) - (H - 4) * Fraction(1, 2)) is int


def test_numbers_of_every_exact_kind_mix_in() -> None:
    assert np.int64(3) * H + np.int32(1) == 3 * H + True
    assert Fraction(6, 3) * H == H + H
    assert (H * Fraction(7, 20) * 40).terms == (14 * H).terms
    assert 7 - H == -(H - 7)
    assert H != 3
    assert H in [W, H]
    assert len({H, W, H + 0, symbol("H")}) == 2


@pytest.mark.parametrize("other", [0.35, 1.0, "2", None, np.array([1, 2]), np.float64(2.0)])
def test_what_is_not_exact_or_no_number_is_a_type_error(other: Any) -> None:
    for operation in (lambda: H + other, lambda: other * H, lambda: H // other, lambda: other - H):
        with pytest.raises(TypeError):
            operation()


def test_floats_are_refused_with_the_way_out() -> None:
    with pytest.raises(TypeError, match=r"0\.35 is a float .* Fraction\('0\.35'\)"):
        H * 0.35
    with pytest.raises(TypeError, match="Fraction"):
        WIDTH.evaluate({"width": 0.25})


@pytest.mark.parametrize("question", [bool, int, float, lambda p: p < 3, lambda p: p <= 3, range])
def test_questions_about_an_unknown_value_are_type_errors(question: Any) -> None:
    with pytest.raises(TypeError):
        question(H // 2)
    with pytest.raises(TypeError, match=r"^floor\(H/2\) has no value until its symbols have"):
        bool(H // 2)


def test_a_bound_between_integers_is_the_next_one() -> None:
    assert symbol("h", at_least=Fraction(5, 2)) == symbol("h", at_least=3)
    assert symbol("h", at_least=Fraction(5, 2), rational=True).lower_bound() == Fraction(5, 2)


@pytest.mark.parametrize("name", ["", "2x", "_x", "a b", "lambda", "x;y", "α", "x.y"])
def test_names_that_are_no_names(name: str) -> None:
    with pytest.raises(ConvcostError, match="cannot name a symbol"):
        symbol(name)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (lambda: H // 0, "cannot divide H by 0: a divisor must be positive"),
        (lambda: H % -3, "cannot divide H by -3: a divisor must be positive"),
        (lambda: H // W, "cannot divide by W exactly: H would remain"),
        (lambda: 5 // H, "cannot divide by H exactly: 5 would remain"),
        (lambda: H // (H - 1), "cannot divide H by H - 1, which is not known to be positive"),
        (lambda: H**-1, "exponent from 0 to 64, not -1"),
        (lambda: H**65, "exponent from 0 to 64, not 65"),
        (lambda: H**64 * H, "past degree 64"),
        (lambda: (H + W + N + w + n + z) ** 30, "past 5000 terms|too large"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(operation: Any, message: str) -> None:
    with pytest.raises(ConvcostError, match=message):
        operation()


@pytest.mark.parametrize(
    "step", [lambda p: (p * p + H) // 3, lambda p: (p * H + 1) // 3, lambda p: maximum(p * W, p + H)]
)
def test_sizes_that_grow_without_end_are_stopped(step: Any) -> None:
    with pytest.raises(ConvcostError, match=r"grew past|too large"):
        reduce(lambda p, _: step(p), range(10_000), H)


# Evaluation


@given(programs(), points())
def test_compiled_is_evaluated(program: Any, point: dict[str, int]) -> None:
    value = polynomial(program)
    compiled = value.compile(list(LEAST))
    assert compiled(**point) == value(**point) == run(program, point, PYTHON)


@given(programs(), points(largest=BIG))
def test_arrays_are_exact_at_any_size(program: Any, point: dict[str, int]) -> None:
    value = polynomial(program)
    arrays = {name: np.array([least, point[name]]) for name, least in LEAST.items()}
    assert value.evaluate(arrays).tolist() == [run(program, at, PYTHON) for at in (LEAST, point)]


@given(programs(), points(largest=2**33))
def test_within_its_magnitude_compiled_int64_cannot_overflow(program: Any, point: dict[str, int]) -> None:
    value = polynomial(program)
    assume(value.magnitude({name: abs(number) for name, number in point.items()}) < 2**63)
    arrays = [np.array([point[name]]) for name in LEAST]
    with np.errstate(over="raise"):
        result = value.compile(list(LEAST))(*arrays)
    assert result.dtype == np.int64
    assert result.tolist() == [run(program, point, PYTHON)]


def test_magnitude_sees_numerators_and_terms_that_cancel() -> None:
    assert (3 * H // 7).magnitude({"H": 10**9}) == 3 * 10**9
    assert (H * W - H).magnitude({"H": 2**31, "W": 2**32}) == 2**63 + 2**31
    assert (3 * H + 1).magnitude({"H": 5}) == 16
    with pytest.raises(ConvcostError, match="no value is given for W"):
        (H * W).magnitude({"H": 5})


def test_overflow_is_exact_and_the_rest_is_int64() -> None:
    sizes = np.array([1, 2**31, 3])
    assert (H * H).evaluate({"H": sizes}).dtype == np.int64
    cubes = (H * H * H).evaluate({"H": sizes})
    assert cubes.dtype == object
    assert cubes.tolist() == [1, 2**93, 27]
    assert (H + 1).evaluate({"H": np.array([2**63 - 1], dtype=np.uint64)}).tolist() == [2**63]
    assert (H + 1)(H=np.array([255], dtype=np.uint8)).tolist() == [256]
    assert (H * W)(H=np.array([1, 2]), W=np.array([[3], [4]])).tolist() == [[3, 6], [4, 8]]
    assert (H * W)(H=np.array([], dtype=np.int64), W=2).tolist() == []


def test_fractions_stay_exact_on_arrays() -> None:
    triangle = (H * H + H) * Fraction(1, 2)
    assert triangle(H=np.arange(1, 5)).tolist() == [1, 3, 6, 10]
    assert triangle.compile(["H"])(np.arange(1, 5)).dtype == np.int64
    assert (H * Fraction(1, 2))(H=np.array([3])).tolist() == [Fraction(3, 2)]
    assert type((H * Fraction(1, 2))(H=4)) is int


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"H": 3}, "no value is given for W"),
        ({"H": 0, "W": 1}, "H = 0 is below 1"),
        ({"H": np.array([3, -2]), "W": 1}, "H = -2 is below 1"),
        ({"H": Fraction(1, 2), "W": 1}, "H = 1/2 is not an integer"),
        ({"H": W - 1, "W": 1}, "H = W - 1 is not known to be at least 1|H = 0 is below 1"),
    ],
)
def test_values_outside_of_a_symbols_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvcostError, match=message):
        (H * W).evaluate(values)


def test_float_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match=r"H \(float64\)"):
        (H * W)(H=np.array([1.0]), W=3)


def test_object_arrays_are_exact_or_refused() -> None:
    sizes = np.array([2, 2**70], dtype=object)
    assert (H * W)(H=sizes, W=np.array([3, 4])).tolist() == [6, 2**72]
    halves = np.array([Fraction(1, 2), 3], dtype=object)
    assert (WIDTH * 3 // 2)(width=halves).tolist() == [0, 4]
    with pytest.raises(ConvcostError, match="H = 1/2 is not an integer"):
        (H * W)(H=halves, W=3)
    with pytest.raises(TypeError, match="float"):
        (H * W)(H=np.array([1.0, 2], dtype=object), W=3)


def test_a_weak_condition_is_a_bound_too() -> None:
    """Not w // 1 > 3/2 and not 3 > 2 w, by brute force over fractions and at integers."""
    n = symbol("n")
    for p in (Fraction(3, 2) - WIDTH // 1, WIDTH * 2 - 3, WIDTH // 2 - Fraction(5, 2), 3 - n * Fraction(1, 2)):
        condition = Condition(p, weak=True)
        found = domain([WIDTH, n], [condition])
        for value in (Fraction(i, 12) for i in range(12, 120)):
            at = {"width": value, "n": ceil(value)}
            holds = p.evaluate(at) >= 0
            assert condition.holds(p.evaluate(at)) == holds
            if holds:
                found.check(at)
            else:
                with pytest.raises(ConvcostError):
                    found.check(at)
    assert str(domain([WIDTH], [Condition(WIDTH * 2 - 3, weak=True)])) == "width >= 3/2"


def test_a_width_multiplier_becomes_steps_of_a_twentieth() -> None:
    channels = 8 * ((32 * WIDTH + 4) // 8)
    by_hand = {Fraction(1, 4): 8, Fraction(7, 20): 8, Fraction(1, 2): 16, Fraction(3, 4): 24, Fraction(7, 5): 48}
    assert {width: channels(width=width) for width in by_hand} == by_hand
    k = symbol("k")
    steps = channels.substitute({"width": Fraction(1, 20) * k})
    assert steps(k=np.array([5, 7, 10, 15, 28])).tolist() == list(by_hand.values())


def test_several_values_share_one_function() -> None:
    sizes = ceildiv(H, 4) * ceildiv(W, 4)
    values = [9 * N * sizes, 5, sizes * sizes + maximum(H, W) + less(H, W)]
    together = compile_polys(values, ["N", "H", "W"])
    assert together(2, 9, 17) == (9 * 2 * 15, 5, 15 * 15 + 17 + 1)
    assert (together.__doc__ or "").count("//4") == 2
    shared = compile_polys([N * sizes, w * sizes + 1], ["N", "w", "H", "W"])
    assert shared(2, 3, 9, 17) == (30, 46)
    assert (shared.__doc__ or "").count("_0*_1") == 1


def test_what_cannot_be_compiled() -> None:
    with pytest.raises(ConvcostError, match="depends on W, which is not among H"):
        (H * W).compile(["H"])
    with pytest.raises(ConvcostError, match="cannot name a symbol"):
        H.compile(["H", "x=print('no')"])
    with pytest.raises(ConvcostError, match="a name is given twice in H, H"):
        H.compile(["H", "H"])


def test_a_sum_of_thousands_of_floors_compiles() -> None:
    value = sum((i + 1) * ((H + i) // (2 * i + 3)) for i in range(4000))
    assert value.compile(["H"])(777) == sum((i + 1) * ((777 + i) // (2 * i + 3)) for i in range(4000))


# Degree, difference, sums


def test_degree_counts_floors_as_what_they_divide() -> None:
    p = N * w * w * ceildiv(H, 4) * (H // 8) + 3 * w * maximum(H * H, W)
    assert [p.degree(name) for name in ("N", "w", "H", "W", "other")] == [1, 2, 2, 1, 0]
    assert (less(H, W) * N).degree("H") == 0


@given(programs(), points())
def test_difference_is_the_next_value_less_this_one(program: Any, point: dict[str, int]) -> None:
    change = polynomial(program).difference("H")
    expected = run(program, point | {"H": point["H"] + 1}, PYTHON) - run(program, point, PYTHON)
    assert (change.evaluate(point) if isinstance(change, Poly) else change) == expected


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=6), st.integers(0, 12))
def test_sums_of_polynomials_equal_brute_force(coefficients: list[int], count: int) -> None:
    i, layers = symbol("i", at_least=0), symbol("layers", at_least=0)
    p = N * sum(c * i**k for k, c in enumerate(coefficients)) + i
    expected = sum(5 * sum(c * j**k for k, c in enumerate(coefficients)) + j for j in range(count))
    closed, direct = p.sum_over("i", layers), p.sum_over("i", count)
    assert closed.evaluate({"N": 5, "layers": count}) == expected
    assert (direct(N=5) if isinstance(direct, Poly) else direct) == expected


def test_a_dense_block_has_a_closed_form_in_growth_rate_and_layers() -> None:
    k, layers, i = symbol("k"), symbol("L"), symbol("i", at_least=0)
    weights = (64 + i * k) * 4 * k + 9 * 4 * k * k  # a 1x1 to 4k channels, then a 3x3 to k
    total = weights.sum_over("i", layers)
    assert total == 256 * layers * k + 34 * layers * k**2 + 2 * layers**2 * k**2
    assert total(k=32, L=6) == 6 * 256 * 32 + 4 * 32**2 * 15 + 6 * 36 * 32**2


def test_a_repeated_block_costs_first_plus_the_rest() -> None:
    depth = symbol("n")
    assert (7 + (depth - 1) * H * 3)(n=1, H=9) == 7
    assert (3 * H).sum_over("n", depth) == 3 * H * depth


def test_sums_over_an_index_in_a_floor() -> None:
    i = symbol("i", at_least=0)
    assert (i // 2 * N).sum_over("i", 6) == 6 * N
    assert (N // 2 * i).sum_over("i", H) == N // 2 * (H * (H - 1) // 2)
    with pytest.raises(ConvcostError, match=r"no closed form for the sum over i .* inside a floor"):
        (i // 2).sum_over("i", H)
    with pytest.raises(ConvcostError, match="no closed form"):
        (i // 2).sum_over("i", 10**9)
    with pytest.raises(ConvcostError, match="starts at 0, but H is >= 1"):
        (H * W).sum_over("H", 3)
    for count in (-1, n - 1, Fraction(1, 2)):
        with pytest.raises(ConvcostError, match="a count that is an integer >= 0"):
            (i * W).sum_over("i", count)


# Bounds


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (H, 1, None),
        (-3 * H, None, -3),
        (H * W - H, 0, None),
        (H**2 - 2 * H + 1, 0, None),
        (ceildiv(H, 2) - H // 2, 0, 1),
        (2 * ceildiv(H, 2) - H, 0, 1),
        (H % 5, 0, 4),
        (H - 5 * (H // 5) - 2, -2, 2),
        (ceildiv(H, 3) * W - W, 0, None),
        (maximum(H, 7) - 7, 0, None),
        (less(H, W), 0, 1),
        (WIDTH * H, 0, None),
        (3 * (WIDTH // 3) - WIDTH, -3, 0),
        (n - z, None, None),
    ],
)
def test_bounds(value: Any, low: int | None, high: int | None) -> None:
    assert (value.lower_bound(), value.upper_bound()) == (low, high)


# Text and exchange


@pytest.mark.parametrize(
    ("value", "text", "python", "latex"),
    [
        (H**2 - 3, "H**2 - 3", "H**2 - 3", "H^{2} - 3"),
        (4 - H, "4 - H", "4 - H", "4 - H"),
        (ceildiv(H, 4), "ceil(H/4)", "((H + 3)//4)", r"\left\lceil \frac{H}{4} \right\rceil"),
        ((H + 1) // 3, "floor((H + 1)/3)", "((H + 1)//3)", r"\left\lfloor \frac{H + 1}{3} \right\rfloor"),
        (WIDTH * 3 // 1, "floor(3*width)", "(3*width//1)", r"\left\lfloor 3 \mathit{width} \right\rfloor"),
        (H * (H - 1) // 2, "(H**2 - H)/2", "(H**2 - H)//2", r"\frac{H^{2} - H}{2}"),
        (H * Fraction(1, 2), "H/2", "Fraction(1, 2)*(H)", r"\frac{H}{2}"),
        (maximum(H, W), "max(H, W)", "max(H, W)", r"\max\left(H, W\right)"),
        (less(W, H), "[H - W > 0]", "int(H - W > 0)", r"\left[H - W > 0\right]"),
        (
            w * ((H // 2) * 3 + 5),
            "w*(3*floor(H/2) + 5)",
            "w*(3*(H//2) + 5)",
            r"w \left(3 \left\lfloor \frac{H}{2} \right\rfloor + 5\right)",
        ),
        (7, "7", "7", "7"),
        (Fraction(7, 20), "7/20", "Fraction(1, 20)*(7)", r"\frac{7}{20}"),
    ],
)
def test_notations(value: Any, text: str, python: str, latex: str) -> None:
    assert [format_poly(value, style) for style in ("text", "python", "latex")] == [text, python, latex]


def test_unknown_notation() -> None:
    with pytest.raises(ConvcostError, match="no style 'html': choose from text, python, latex"):
        format_poly(H, "html")


def test_names_for_products_avoid_the_symbols() -> None:
    taken = symbol("c2")
    sizes = ceildiv(H, 2) * ceildiv(W, 2)
    valid = (H // 2) * (W // 2)
    definitions, text = format_named(taken * sizes + 3 * valid)
    assert text == "c2*f2 + 3*f1"
    assert definitions == {"f1": "floor(H/2)*floor(W/2)", "f2": "ceil(H/2)*ceil(W/2)"}
    assert format_named(5 * sizes, "latex")[1] == "5 c_{2}"


@pytest.mark.parametrize(
    "data", [None, [], {}, {"atoms": [], "terms": "x"}, {"atoms": [{}], "terms": 1}, {"atoms": [], "terms": [[1, 0]]}]
)
def test_json_that_is_no_polynomial(data: Any) -> None:
    with pytest.raises(ConvcostError):
        from_json(data)


@given(programs(), points(largest=20))
def test_sympy_agrees(program: Any, point: dict[str, int]) -> None:
    expression = polynomial(program).to_sympy()
    values = {free: point[free.name] for free in expression.free_symbols}
    assert expression.subs(values) == run(program, point, PYTHON)


def test_without_sympy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(MissingExtraError, match=r"convcost\[sympy\]"):
        H.to_sympy()


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; from convcost.exact.poly import symbol; "
        "H = symbol('H'); p = H*(H//2); str(p); p(H=3); p.compile(['H'])(3); "
        "print(sorted({'numpy', 'sympy', 'torch', 'islpy', 'dataclasses'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
