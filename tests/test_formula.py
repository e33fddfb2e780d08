"""Closed forms of networks: their terms, domains and values, and what one can do with them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy

from convcost import integers, load, symbol
from convcost.errors import ConvcostError
from convcost.integers import ceildiv
from convcost.poly import from_json

N, H, W, WIDTH = symbol("N"), symbol("H"), symbol("W"), symbol("width")


@pytest.fixture(scope="module")
def resnet50():
    return load("resnet50@v1.5").formula("macs", ["N", "H", "W", "width"])


def test_resnet50_has_the_six_terms(resnet50):
    def c(m: int) -> object:
        return ceildiv(H, m) * ceildiv(W, m)

    sums = 60 * c(4) + 320 * c(8) + 1824 * c(16) + 3520 * c(32)
    assert resnet50.value == N * WIDTH * (147 * c(2) + 32000) + N * WIDTH**2 * sums
    assert resnet50.symbols == ("N", "H", "W", "width")
    assert str(resnet50.domain) == "N, H, W, width >= 1"


def test_a_formula_is_called_on_ints_and_arrays(resnet50):
    assert resnet50(1, 224, 224, 64) == resnet50(N=1, H=224, W=224, width=64) == 4_089_184_256
    sizes = np.array([192, 224, 256])
    assert resnet50(1, sizes, sizes, 64).tolist() == [3_004_841_984, 4_089_184_256, 5_340_348_416]
    grid = resnet50(1, sizes[:, None], sizes, width=64)
    assert grid.shape == (3, 3)
    assert grid[0, 2] == resnet50(1, 192, 256, 64)
    assert resnet50.compile()(1, 224, 224, 64) == 4_089_184_256


def test_arrays_become_python_ints_where_int64_could_overflow(resnet50):
    huge = np.array([224, 10**8])
    assert resnet50(1, huge, huge, 64).tolist() == [resnet50(1, n, n, 64) for n in (224, 10**8)]
    assert resnet50(1, 10**8, 10**8, 64) > 2**63


def test_substitution_difference_and_degree(resnet50):
    h, v = symbol("h"), symbol("v")
    under = resnet50.substitute(H=32 * h, W=32 * v)
    assert under.value == 19776 * N * h * v * WIDTH**2 + 37632 * N * h * v * WIDTH + 32000 * N * WIDTH
    assert under.symbols == ("N", "width", "h", "v")
    assert under(1, 64, 7, 7) == 4_089_184_256
    assert [resnet50.degree(name) for name in resnet50.symbols] == [1, 1, 1, 2]
    assert resnet50.difference("N").value * N == resnet50.value
    assert resnet50.substitute(N=1, H=224, W=224, width=64).value == 4_089_184_256


@pytest.mark.parametrize(
    ("network", "symbols", "domain"),
    [
        ("vgg16", ["H", "W"], "H, W >= 32"),  # five poolings by 2, whose maps go into fc6
        ("googlenet", ["H", "W"], "H, W >= 31"),
        ("inception_v3", ["H", "W"], "H, W >= 75"),  # Keras' min_size
        ("mobilenet_v1", ["width"], "width >= 1/32"),  # floor(32 width) >= 1
        ("alexnet", ["batch", "classes"], "batch, classes >= 1"),
    ],
)
def test_the_domain_is_what_the_layers_need(network, symbols, domain):
    assert str(load(network).formula("macs", symbols).domain) == domain


def test_fractions_are_exact():
    formula = load("mobilenet_v1").formula("macs", ["width"])
    price = load("mobilenet_v1").price(width=Fraction(7, 20)).total.macs
    assert formula(Fraction(7, 20)) == formula(0.35) == price
    k = symbol("k")
    twentieths = formula.substitute(width=k * Fraction(1, 20))
    assert twentieths(np.arange(5, 41)).tolist() == [formula(Fraction(n, 20)) for n in range(5, 41)]


def test_a_choice_that_changes_no_count_leaves_no_trace_and_one_that_does_an_indicator(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "name: net\ninput: 8x4x4\nknobs: {c: 8}\nlayers:\n"
        "  - a: conv(c, 1, bias=false)\n"
        "  - b: {if: in_channels > 9, then: 'conv(4, 1, bias=false)', else: 'conv(2, 1, bias=false)'}\n"
    )
    formula = load(str(path)).formula("params", ["c"])
    for c in range(1, 30):
        assert formula(c) == 8 * c + c * (4 if c > 9 else 2)
    equal = tmp_path / "equal.yaml"
    equal.write_text(
        "name: net\ninput: 8x4x4\nknobs: {c: 8}\nlayers:\n"
        "  - {if: in_channels == c, then: {add: {a: 'conv(c, 1)', b: identity}}, else: 'conv(c, 1)'}\n"
    )
    assert load(str(equal)).formula("macs", ["c"]).value == 128 * symbol("c")


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda net: net.formula("macro"), "no formula for 'macro'; did you mean macs?"),
        (
            lambda net: net.formula("macs", ["widht"]),
            "resnet50@v1.5 has no symbol 'widht'; choose from batch, H, W, classes, width, units",
        ),
        (lambda net: net.formula("macs", ["block"]), "knob block takes a word"),
        (lambda net: net.formula("macs", ["bias"]), "knob bias takes true or false"),
        (lambda net: net.formula("macs", ["units_5"]), "'units_5'"),
        (lambda net: net.formula("macs", ["H", "H"]), "symbol H is named twice"),
        (lambda net: net.formula("macs", ["stride_on"]), "knob stride_on is one of 1, 3"),
        (lambda net: net.formula()(0, 5), "H = 0 is outside: this formula holds for H, W >= 1"),
        (lambda net: net.formula()(np.array([3, -1]), 5), "H = -1 is outside"),
        (lambda net: net.formula()(1.5, 5), "H takes an integer, got 1.5"),
        (lambda net: net.formula()(True, 5), "H takes an integer, got True"),
        (lambda net: net.formula()("3", 5), "H takes an integer, got '3'"),
        (lambda net: net.formula()(np.array([1.5]), 5), "H takes integers, not float64"),
        (lambda net: net.formula()(5), "no value is given for W"),
        (lambda net: net.formula()(5, 5, 5), "3 values for the symbols H, W"),
        (lambda net: net.formula()(5, 5, H=5), "H is given twice"),
        (lambda net: net.formula()(5, 5, h=5), "the formula has no symbol 'h'; its symbols are H, W"),
        (lambda net: net.formula().degree("h"), "the formula has no symbol 'h'"),
        (lambda net: net.formula().substitute(H=0), "H = 0 is below 1"),
        (lambda net: load("vgg16").formula().substitute(H=31), "outside: vgg16@paper's formula holds for H, W >= 32"),
    ],
)
def test_bad_questions_are_refused_in_one_line(ask, said):
    with pytest.raises(ConvcostError) as error:
        ask(load("resnet50@v1.5"))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def make_divisible(value: Fraction, divisor: int = 8) -> int:
    """TF-slim's rule, in its own words: round half up, at least the divisor, and 90 % of the value."""
    rounded = max(divisor, int(value + Fraction(divisor, 2)) // divisor * divisor)
    return rounded + divisor if rounded < Fraction(9, 10) * value else rounded


def test_rounded_widths_are_exact_on_every_way_of_evaluating_them():
    w = symbol("w", rational=True)
    form = integers.make_divisible(24 * w, 8) * 3 + integers.make_divisible(w * Fraction(100, 7), 4)
    widths = [Fraction(n, 40) for n in range(200)]
    expected = [3 * make_divisible(24 * width) + make_divisible(width * Fraction(100, 7), 4) for width in widths]
    assert [form(w=width) for width in widths] == expected
    on_grid = form.substitute({"w": symbol("n", at_least=0) * Fraction(1, 40)})
    assert on_grid.evaluate({"n": np.arange(200)}).tolist() == expected
    assert on_grid.compile(["n"])(np.arange(200)).tolist() == expected
    assert from_json(form.to_json()) == form
    assert integers.make_divisible(16 * symbol("k"), 8) == 16 * symbol("k")


def test_sympy_knows_rounded_widths_too():
    form = integers.make_divisible(24 * symbol("w", rational=True), 8)
    expression = form.to_sympy()
    (w,) = expression.free_symbols
    for n in range(60):
        width = Fraction(n, 20)
        assert expression.subs(w, sympy.Rational(n, 20)) == make_divisible(24 * width)
