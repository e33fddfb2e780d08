"""Symbolic integers: right on random programs, canonical on the sizes of networks, and proven by isl on ResNet-50."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcost.errors import ConvcostError
from convcost.exact.integers import ceildiv, less, maximum, minimum, where
from convcost.exact.poly import Poly, format_named, format_poly, from_json, symbol
from tests.isl import proven_equal, to_isl, variables
from tests.programs import CONVCOST, LEAST, PYTHON, points, programs, random_program, run, seeded

H, W, N, w, x, y = (symbol(name) for name in ("H", "W", "N", "w", "x", "y"))
SYMBOLS = {name: symbol(name, at_least=least) for name, least in LEAST.items()}
n, z = SYMBOLS["n"], SYMBOLS["z"]
WIDTH = symbol("width", rational=True)


def polynomial(program: Any) -> Any:
    """A program's closed form; draws without symbols left in it are thrown away."""
    value = run(program, SYMBOLS, CONVCOST)
    assume(isinstance(value, Poly))
    return value


# Random programs against plain Python


def test_20000_random_programs_equal_brute_force() -> None:
    rng = seeded(20260)
    too_large = 0
    for i in range(20_000):
        program = random_program(rng, leaves=rng.randint(2, 8))
        try:
            value = run(program, SYMBOLS, CONVCOST)
        except ConvcostError:
            too_large += 1
            continue
        at = [LEAST, *({name: rng.randint(low, low + 40) for name, low in LEAST.items()} for _ in range(5))]
        expected = [run(program, point, PYTHON) for point in at]
        if not isinstance(value, Poly):
            assert expected == [value] * len(at), program
            continue
        assert [value.evaluate(point) for point in at[:2]] == expected[:2], program
        arrays = {name: np.array([point[name] for point in at]) for name in LEAST}
        assert value.evaluate(arrays).tolist() == expected, program
        if i % 10 == 0:
            compiled = value.compile(list(LEAST))
            assert [compiled(*point.values()) for point in at] == expected, program
            assert compiled(*arrays.values()).tolist() == expected, program
    assert too_large < 20


def test_random_programs_with_a_rational_symbol_equal_brute_force() -> None:
    rng = seeded(20261)
    values = {"H": H, "n": n, "r": symbol("r", rational=True)}
    for _ in range(2_000):
        scale = Fraction(rng.randint(1, 20), rng.randint(1, 20))
        program = ("//", ("+", ("*", "r", scale), random_program(rng, 5, tuple(values))), rng.randint(1, 9))
        for _ in range(3):
            r = Fraction(rng.randint(0, 60), rng.randint(1, 20))
            at = {"H": rng.randint(1, 30), "n": rng.randint(0, 30), "r": r}
            value = run(program, values, CONVCOST)
            assert (value.evaluate(at) if isinstance(value, Poly) else value) == run(program, at, PYTHON), program


@given(programs(), points())
def test_value_is_within_its_bounds(program: Any, point: dict[str, int]) -> None:
    value = polynomial(program)
    low, high = value.lower_bound(), value.upper_bound()
    expected = run(program, point, PYTHON)
    assert low is None or low <= expected
    assert high is None or expected <= high


@given(programs(), points())
def test_text_for_python_is_the_value(program: Any, point: dict[str, int]) -> None:
    text = format_poly(polynomial(program), "python")
    assert eval(text, dict(point)) == run(program, point, PYTHON)  # noqa: S307  # what the text is for


@given(programs(leaves=8), points())
def test_substitution_of_all_at_once(program: Any, point: dict[str, int]) -> None:
    swap = {"H": W + n, "W": 2 * H, "n": maximum(z, 0)}
    inner = {"H": point["W"] + point["n"], "W": 2 * point["H"], "n": max(point["z"], 0), "z": point["z"]}
    substituted = polynomial(program).substitute(swap)
    value = substituted.evaluate(point) if isinstance(substituted, Poly) else substituted
    assert value == run(program, inner, PYTHON)


@given(programs())
def test_json_and_pickle_give_the_same_form(program: Any) -> None:
    value = polynomial(program)
    assert from_json(json.loads(json.dumps(value.to_json()))) == value
    assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301  # pickled here


def test_isl_proves_random_programs_for_all_integers() -> None:
    rng = seeded(20262)
    quasi = variables(**LEAST)
    proven = 0
    while proven < 200:
        program = random_program(rng, leaves=rng.randint(2, 6))
        value = run(program, SYMBOLS, CONVCOST)
        try:
            loop, form = run(program, quasi, CONVCOST), to_isl(value, quasi)
        except ValueError:  # a floor, maximum or comparison of a product: isl has no such thing
            continue
        if isinstance(value, Poly):
            assert proven_equal(loop, form), program
            assert not proven_equal(loop, form + quasi["H"] // 3), program
            proven += 1


# One form for one value


def same(size: Any, kernel: int, stride: int) -> Any:
    """TensorFlow's SAME convolution, its output size worked out from the padding."""
    padding = maximum((ceildiv(size, stride) - 1) * stride + kernel - size, 0)
    return (size + padding - kernel) // stride + 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((H + 2 - 3) // 1 + 1, "H"),
        ((H + 2 * 1 - 3) // 2 + 1, "ceil(H/2)"),
        ((H + 2 * 0 - 1) // 2 + 1, "ceil(H/2)"),
        ((H + 2 * 3 - 7) // 2 + 1, "ceil(H/2)"),
        (((H + 2 * 3 - 7) // 2 + 1 + 2 * 1 - 3) // 2 + 1, "ceil(H/4)"),
        (ceildiv(ceildiv(ceildiv(H, 2), 2), 8), "ceil(H/32)"),
        (H // 2 // 2 // 2, "floor(H/8)"),
        ((H - 2) // 2, "floor(H/2) - 1"),
        ((H - 3) // 2 + 1, "ceil(H/2) - 1"),
        (((H - 3) // 2 + 1 - 3) // 2 + 1, "floor((H + 1)/4) - 1"),
        ((2 * x + 1) // 2, "x"),
        ((4 * x + 3) // 8, "floor(x/2)"),
        ((4 * x + 2 * y + 1) // 4, "x + floor(y/2)"),
        ((6 * x + 4) // 8, "floor((3*x + 2)/4)"),
        (H % 2 // 2, "0"),
        (less(H, W) // 2, "0"),
        (where(less(H, W), x, y) // 2 - where(less(H, W), x // 2, y // 2), "0"),
        (H - 2 * (H // 2) - H % 2, "0"),
        (H * (H + 1) // 2, "(H**2 + H)/2"),
        ((H**3 - H + 5) // 6, "(H**3 - H)/6"),
        ((H * W + 3 * H) // H, "W + 3"),
        (64 * w // (8 * w), "8"),
        (ceildiv(w, w), "1"),
        ((w * H - 1) // w, "H - 1"),
        (6 * w // 4 // w, "1"),
        (maximum(H, 1), "H"),
        (maximum(0, -H), "0"),
        (maximum(H * H, H), "H**2"),
        (maximum(8, H), "max(H, 8)"),
        (maximum(H + 5, W + 5), "max(H, W) + 5"),
        (maximum(W, maximum(H, W)), "max(H, W)"),
        (maximum(H, 7) // 2, "max(floor(H/2), 3)"),
        (minimum(H, W) + maximum(H, W), "H + W"),
        (less(H, W) + less(W, H + 1), "1"),
        (less(2 * H, 2 * W + 1) - less(H, W + 1), "0"),
        (less(0, H), "1"),
        (where(less(H, W), H, W) ** 2 - where(less(H, W), H * H, W * W), "0"),
        (same(H, 3, 1), "H"),
        (same(H, 3, 2), "ceil(H/2)"),
        (same(H, 1, 2), "ceil(H/2)"),
        (same(H, 2, 3), "ceil(H/3)"),
        (same(same(H, 5, 4), 3, 8), "ceil(H/32)"),
        ((32 * WIDTH + 4) // 8 * 8, "8*floor((8*width + 1)/2)"),
        (Fraction(7, 20) * WIDTH * 32 // 1, "floor(56*width/5)"),
        ((WIDTH * 3 + H) // 1, "H + floor(3*width)"),
        ((WIDTH * 32 // 8 + 3) // 2, "floor((4*width + 1)/2) + 1"),
        ((WIDTH * 4 + 1) // 2 - (WIDTH * 4) // 2, "floor((4*width + 1)/2) - floor(2*width)"),
    ],
)
def test_canonical_form(value: Any, text: str) -> None:
    assert str(value) == text


@given(programs(), st.integers(1, 12), programs())
def test_multiples_of_the_divisor_leave_a_floor(inside: Any, divisor: int, outside: Any) -> None:
    p, q = (run(program, SYMBOLS, CONVCOST) for program in (inside, outside))
    assert (p + divisor * q) // divisor == p // divisor + q


@given(programs(ring=True), st.integers(1, 12), st.integers(1, 12), st.integers(-40, 40))
def test_nested_floors_are_one(program: Any, a: int, b: int, shift: int) -> None:
    p = run(program, SYMBOLS, CONVCOST)
    assert (p // a + shift) // b == (p + a * shift) // (a * b)


@given(programs(), programs(), programs())
def test_ring_laws_hold_for_the_forms(a: Any, b: Any, c: Any) -> None:
    a, b, c = (run(program, SYMBOLS, CONVCOST) for program in (a, b, c))
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) * c == c * b + c * a
    assert a - a == 0
    assert maximum(a, b) == maximum(b, a)
    assert maximum(a, b) + minimum(a, b) == a + b
    assert less(a, b) + less(b, a + 1) == 1


def test_the_form_does_not_depend_on_the_order_in_which_symbols_and_floors_were_made() -> None:
    program = (
        "from convcost.exact.poly import symbol; import json; "
        "{}; p = maximum(B//3*{}, A - C//2)*A + less(C, B)*A; print(p); print(json.dumps(p.to_json()))"
    )
    imports = "from convcost.exact.integers import maximum, less; "
    orders = ["A, B, C = map(symbol, 'ABC')", "C, B, A = map(symbol, 'CBA'); C//2; B//3"]
    outputs = {
        subprocess.run(
            [sys.executable, "-c", imports + program.format(order, "A")], capture_output=True, text=True, check=True
        ).stdout
        for order in orders
    }
    assert len(outputs) == 1
    assert outputs.pop().startswith("A*")


# ResNet-50, from its layer list


def resnet50(batch: Any, height: Any, width: Any, stem: Any, *, v1: bool = False) -> Any:
    """Macs of every convolution and the classifier; v1 has the stride on the first 1x1, v1.5 on the 3x3."""
    macs: Any = 0

    def conv(size: tuple[Any, Any], cin: Any, cout: Any, kernel: int, stride: int) -> tuple[Any, Any]:
        nonlocal macs
        a, b = ((s + 2 * (kernel // 2) - kernel) // stride + 1 for s in size)
        macs = macs + batch * a * b * cin * cout * kernel**2
        return a, b

    a, b = conv((height, width), 3, stem, 7, 2)
    size = (a + 2 - 3) // 2 + 1, (b + 2 - 3) // 2 + 1
    cin = stem
    for stage, blocks in enumerate((3, 4, 6, 3)):
        mid, cout = stem * 2**stage, stem * 2 ** (stage + 2)
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            first, second = (stride, 1) if v1 else (1, stride)
            out = conv(conv(size, cin, mid, 1, first), mid, mid, 3, second)
            out = conv(out, mid, cout, 1, 1)
            if block == 0:
                conv(size, cin, cout, 1, stride)
            size, cin = out, cout
    return macs + batch * cin * 1000


def test_resnet50_has_the_six_terms_of_the_design() -> None:
    macs = resnet50(N, H, W, w)
    definitions, text = format_named(macs)
    assert text == "N*w*(147*c2 + 32000) + N*w**2*(60*c4 + 320*c8 + 1824*c16 + 3520*c32)"
    assert definitions == {f"c{m}": f"ceil(H/{m})*ceil(W/{m})" for m in (2, 4, 8, 16, 32)}
    c = {m: ceildiv(H, m) * ceildiv(W, m) for m in (2, 4, 8, 16, 32)}
    expected = N * w * (147 * c[2] + 32000) + N * w**2 * (60 * c[4] + 320 * c[8] + 1824 * c[16] + 3520 * c[32])
    assert macs == expected
    h, v = symbol("h"), symbol("v")
    assert str(macs.substitute({"H": 32 * h, "W": 32 * v})) == ("19776*N*h*v*w**2 + 37632*N*h*v*w + 32000*N*w")


def test_resnet50_at_224_gives_the_published_totals() -> None:
    at = {"N": 1, "H": 224, "W": 224, "w": 64}
    assert resnet50(N, H, W, w)(**at) == 4_089_184_256
    assert resnet50(N, H, W, w, v1=True)(**at) == 3_857_973_248


def test_isl_proves_resnet50_for_all_integers() -> None:
    quasi = variables(N=1, H=1, W=1, w=1)
    loop = resnet50(*quasi.values())
    assert proven_equal(loop, to_isl(resnet50(N, H, W, w), quasi))
    assert not proven_equal(loop, to_isl(resnet50(N, H, W, w, v1=True), quasi))
