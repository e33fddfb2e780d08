"""Closed forms of networks: their terms, domains and values, and what one can do with them."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy

from convcost import load, symbol
from convcost.errors import ConvcostError
from convcost.exact import integers
from convcost.exact.integers import ceildiv
from convcost.exact.poly import from_json
from convcost.exact.poly.assume import Condition
from convcost.formulas.formula import Formula

N, H, W, WIDTH = symbol("N"), symbol("H"), symbol("W"), symbol("width")


@pytest.fixture(scope="module")
def resnet50():
    return load("resnet50@v1.5").formula("macs", ["N", "H", "W", "width"])


def test_depth_is_what_a_spec_repeats_by():
    assert load("resnet20").formula("macs", ["depth"]).value == load("resnet20").formula("macs", ["n"]).value
    assert load("resnet50").formula("macs", ["depth"]).symbols == ("units_1", "units_2", "units_3", "units_4")
    assert load("efficientnet_b0").formula("params", ["depth"]).symbols == ("depth",)


def test_what_is_so_in_a_step_is_not_taken_for_granted_after_it(tmp_path):
    """A repeat without steps has none that says n > 0."""
    spec = tmp_path / "net.yaml"
    layers = ["- {repeat: n, layers: 'conv(3, 1, bias=false)'}", "- conv(8 if n > 0 else 4, 1, bias=false)"]
    spec.write_text("\n".join(["name: net", "source: x", "input: 3x8x8", "knobs: {n: 0}", "layers:", *layers]))
    formula = load(spec).formula("params", ["n"])
    assert [formula(n) for n in range(4)] == [12, 33, 42, 51]
    assert [load(spec, n=n).price().total.params for n in range(4)] == [12, 33, 42, 51]


def test_channels_that_a_repeat_makes_are_known_to_be_there():
    """DenseNet-40 without layers in its blocks is in the domain: the stem, two transitions and the classifier."""
    formula = load("densenet40_k12").formula("params", ["depth"])
    assert str(formula.domain) == "depth >= 4"
    assert formula(4) == load("densenet40_k12", depth=4).price().total.params


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


def test_a_call_at_ints_looks_at_bounds_and_conditions():
    H, n, x = symbol("H"), symbol("n", at_least=0), symbol("x", rational=True)  # noqa: N806
    formula = Formula("net", "macs", H * n + x, (H, n, x), (Condition(H - 2 * n), Condition(x)))
    assert str(formula.domain) == "H >= 1, n >= 0, x > 0, H > 2*n"
    assert formula(7, 3, 1) == 22
    assert formula(7, 3, Fraction(1, 2)) == Fraction(43, 2)
    for outside in ((0, 0, 1), (7, -1, 1), (7, 3, 0), (6, 3, 1), (True, 0, 1), (7, 3), (7, 3, 1, 1)):
        with pytest.raises(ConvcostError):
            formula(*outside)
    equal = Formula("net", "macs", H, (H, n), (Condition(H - 2 * n, equal=True),))
    weak = Formula("net", "macs", H, (H, n), (Condition(H - 2 * n, weak=True),))
    assert (equal(6, 3), weak(6, 3), weak(7, 3)) == (6, 6, 7)
    for formula, outside in ((equal, (7, 3)), (weak, (5, 3))):
        with pytest.raises(ConvcostError, match="outside"):
            formula(*outside)


def test_a_result_is_no_array_of_the_callers():
    H = symbol("H")  # noqa: N806
    given = np.array([1, 2, 3])
    result = Formula("net", "macs", H, (H,))(given)
    result[0] = 7
    assert given.tolist() == [1, 2, 3]
    assert result.tolist() == [7, 2, 3]


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


def failing_above_one(tmp_path, failing: str = "then"):
    """A network whose layers fit on one side of width 1 only: 99 is larger than its padded map."""
    layers = {"then": "conv(4, 3)", "else": "conv(4, 3)"} | {failing: "conv(8, 99)"}
    path = tmp_path / "net.yaml"
    path.write_text(
        "name: net\ninput: 3x8x8\nknobs: {width: 1.0}\nlayers:\n"
        f"  - {{if: width > 1, then: '{layers['then']}', else: '{layers['else']}'}}\n"
    )
    return load(str(path))


def test_int64_does_not_wrap_where_a_fraction_scales():
    """The bound of 199/100 is 2: bounded by 1, the macs of so many pixels wrap around to a negative number."""
    formula = load("mobilenet_v2").formula("macs", ["H", "W", "width"])
    n, width = 20_305_084, Fraction(199, 100)
    assert formula(H=np.array([n]), W=n, width=width).tolist() == [formula(n, n, width)] == [9_321_097_444_269_937_760]


def test_a_choice_by_a_rational_that_fails_one_way_bounds_it_exactly(tmp_path):
    net = failing_above_one(tmp_path)
    formula = net.formula("macs", ["width"])
    assert str(formula.domain) == "width >= 0, 1 >= width"
    assert r"1 \ge \mathit{width}" in formula.format("latex")
    for n in range(30):
        width = Fraction(n, 10)
        if width <= 1:
            assert formula(width) == net.price(width=width).total.macs
        else:
            for ask in (formula, lambda width: net.price(width=width)):
                with pytest.raises(ConvcostError):
                    ask(width)
    assert formula.substitute(width=1).value == 3888
    assert str(formula.substitute(width="k/2").domain) == "k >= 1, 1 >= k/2"
    with pytest.raises(ConvcostError, match="outside: net's formula holds for width >= 0, 1 >= width"):
        formula.substitute(width="k+2")
    above = failing_above_one(tmp_path, "else").formula("macs", ["width"])
    assert str(above.domain) == "width > 1"


def test_object_arrays_are_as_exact_as_their_elements():
    formula = load("mobilenet_v2").formula("macs", ["H", "W", "width"])
    half, most = Fraction(1, 2), Fraction(7, 20)
    values = formula(np.array([224, np.int64(225)], dtype=object), 224, np.array([half, 0.35], dtype=object))
    assert values.tolist() == [formula(224, 224, half), formula(225, 224, most)]
    # A condition that is no plain bound is evaluated on them, too.
    channels = load("shufflenet_v1_g3").formula("macs", ["channels"])
    assert channels.domain.conditions
    assert channels(np.array([240, 480], dtype=object)).tolist() == [channels(240), channels(480)]
    with pytest.raises(ConvcostError, match="outside"):
        channels(np.array([240, 241], dtype=object))


def test_numpys_numbers_are_pythons(resnet50):
    n = np.uint8(224)
    assert resnet50(np.array(1), n, n, np.int8(64)) == 4_089_184_256
    top = np.array([2**63 + 5], dtype="uint64")
    assert resnet50(1, top, 1, 64).tolist() == [resnet50(1, 2**63 + 5, 1, 64)]


def test_arrays_may_come_near_a_bound_that_they_must_not_reach(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("name: net\ninput: 3x8x8\nknobs: {width: 1.0}\nlayers: ['conv(ceil(64*width), 3)']\n")
    formula = load(str(path)).formula("macs", ["width"])
    assert str(formula.domain) == "width > 0"
    assert formula(np.array([1, 2])).tolist() == [formula(1), formula(2)]
    assert formula(np.array([], dtype="int64")).shape == (0,)
    with pytest.raises(ConvcostError, match="width = 0 is outside"):
        formula(np.array([1, 0]))


SIZES = np.array([32, 64])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda f: f(np.array([224.0, 225.5], dtype=object), 1), "H takes an integer, got 225.5"),
        (lambda f: f(np.array([1, True], dtype=object), 1), "H takes an integer, got True"),
        (lambda f: f(np.array([1, Fraction(1, 2)], dtype=object), 1), "H takes an integer, got Fraction(1, 2)"),
        (lambda f: f(np.array([SIZES, None], dtype=object), 1), "H takes an integer, got array([32, 64])"),
        (lambda f: f(H=1, width=np.array([float("inf")], dtype=object)), "width takes a number, got inf"),
        (lambda f: f(H=1, width=float("nan")), "width takes a number, got nan"),
        (lambda f: f(H=1, width=np.float64("-inf")), "width takes a number, got np.float64(-inf)"),
        (lambda f: f.substitute(width=float("nan")), "width takes a number or an expression, got nan"),
        (lambda f: f.substitute(H=float("inf")), "H takes a number or an expression, got inf"),
        (lambda f: f(H=SIZES, width=np.array([1, 2, 3])), "do not go together: H (2,), width (3,)"),
    ],
)
def test_what_is_not_exact_is_refused_wherever_it_hides(ask, said):
    formula = load("mobilenet_v1").formula("macs", ["H", "width"])
    with pytest.raises(ConvcostError) as error:
        ask(formula)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"batch": SIZES}, "batch"),
        ({"batch": SIZES, "symbols": ["batch"]}, "batch"),
        ({"input": (3, SIZES, 224)}, "input"),
        ({"input": np.array([[3, 224, 224]])}, "input"),
        ({"width": SIZES}, "width"),
        ({"units": (SIZES, 4, 6, 3)}, "units"),
        ({"stride_on": SIZES}, "stride_on"),
    ],
)
def test_a_formula_is_not_made_of_arrays(given, name):
    with pytest.raises(ConvcostError, match=f"^{name}: a formula is not made of arrays: name a symbol"):
        load("resnet50").formula("macs", **given)


def test_a_formula_is_made_of_numpys_numbers():
    net = load("resnet50")
    given = {"input": np.array([3, 64, 64]), "batch": np.int64(2), "width": np.int64(32)}
    assert net.formula("macs", [], **given).value == net.price("3x64x64", 2, width=32).total.macs


@pytest.mark.parametrize(
    ("network", "symbols", "under"),
    [
        ("mobilenet_v2", ["width"], {"width": "x/20"}),
        ("mobilenet_v2", ["H", "W", "width"], {"H": "32*x", "W": "32*x", "width": "x/20"}),
        ("mobilenet_v2", ["width"], {}),
        ("efficientnet_b0", ["width"], {"width": "x/10"}),
        ("resnet50", ["H", "W", "width"], {"W": "H"}),
    ],
)
def test_the_text_is_the_value(network, symbols, under):
    """Read by Python's own rules of precedence, on fractions, for which / is exact."""
    formula = load(network).formula("macs", symbols)
    formula = formula.substitute(**under) if under else formula
    lines = " ".join(
        line.strip() if line.startswith("    ") else "\n" + line.strip() for line in str(formula).splitlines()
    )
    definitions = [line.split(" = ", 1) for line in lines.splitlines() if " = " in line]
    (_, value), *named = definitions
    for at in (Fraction(7), Fraction(20), Fraction(33)):
        known = dict.fromkeys(formula.symbols, at)
        known |= {"make_divisible": make_divisible, "max": max, "ceil": math.ceil, "floor": math.floor}
        for name, definition in named:
            known[name] = eval(definition, {}, known)  # noqa: S307  # our own text
        assert eval(value, {}, known) == formula(*(int(at),) * len(formula.symbols))  # noqa: S307


@pytest.mark.parametrize(
    ("network", "symbols", "at"),
    [
        ("resnet50@v1.5", ["H", "W"], {"H": 197, "W": 333}),
        ("googlenet", ["H", "W", "batch"], {"H": 64, "W": 65, "batch": 3}),
        ("densenet121", ["growth_rate"], {"growth_rate": 12}),
        ("mobilenet_v1", ["width"], {"width": Fraction(1, 3)}),
    ],
)
@pytest.mark.parametrize("quantity", ["macs", "params", "activations"])
def test_formulas_of_layers_are_the_rows_of_a_price(network, symbols, at, quantity):
    formulas = load(network).layer_formulas(quantity, symbols)
    knobs = {name: value for name, value in at.items() if name not in ("H", "W", "batch")}
    shape = (3, at.get("H", 224), at.get("W", 224))
    cost = load(network, **knobs).price(shape, at.get("batch", 1))
    assert formulas(**at) == {row.name: getattr(row, quantity) for row in cost if not row.aux}
    assert sum(formulas(**at).values()) == formulas.total(**at)


def test_formulas_of_layers_refuse_what_formulas_do():
    formulas = load("vgg16").layer_formulas("macs", ["H", "W"])
    with pytest.raises(ConvcostError, match="outside"):
        formulas(3, 3)
    with pytest.raises(ConvcostError, match="no symbol 'D'"):
        formulas(224, D=3)
    with pytest.raises(ConvcostError, match="are called on numbers"):
        formulas(np.array([224]), 224)
    with pytest.raises(ConvcostError, match="what layers there are depends on the symbols"):
        load("mobilenet_v2").layer_formulas("macs", ["width"])


def test_a_knob_called_n_is_no_batch(tmp_path):
    """N is the batch, unless a network has a knob of that name: then `batch` is."""
    spec = tmp_path / "blocks.yaml"
    spec.write_text(
        "name: blocks\ninput: 3x8x8\nknobs: {N: 2}\nlayers:\n  - {repeat: N, layers: 'conv(3, 3, padding=1)'}\n"
    )
    network = load(spec)
    formula = network.formula("macs", ["N", "batch"])
    assert [formula(n, 2) for n in (1, 3)] == [2 * network.price(N=n).total.macs for n in (1, 3)]
