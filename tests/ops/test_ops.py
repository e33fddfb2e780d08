"""Every operator against its known answers, in all three number systems, and the errors of wrong arguments."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from cases.operators import (
    BOOLEANS,
    CASES,
    INTEGERS,
    KINDS,
    MISFITS,
    NUMBERS,
    REFUSED,
    TOO_SMALL,
    WORDS,
    Case,
    Misfit,
    Refused,
)
from complete import require_lines
from numbers_of import NAMES_OF_AXES, Symbols, arguments, as_arrays, combined, is_exact, shapes
from strategies import BROADCAST

from convcost.cost.graph import evaluate
from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import require_integer
from convcost.exact.poly import symbol
from convcost.ops import REGISTRY, Op, Shape, operators_of, sum_params, sum_work
from convcost.ops.base import Params, Work
from convcost.ops.geometry import pads


def test_every_operator_has_a_case() -> None:
    place = "tests/cases/operators.py, CASES"
    require_lines((case.op.name for case in CASES), REGISTRY, place, "case(ops..., (input), (output), ...)  # of {}")
    assert all(op.name == name for name, op in REGISTRY.items())


def test_every_argument_has_its_error_cases() -> None:
    tables = (INTEGERS, BOOLEANS, WORDS, NUMBERS)
    kinds = {name: [argument for table in tables for argument in table.get(name, ())] for name in REGISTRY}
    covered = [f"{name}.{argument}" for name, arguments in kinds.items() for argument in arguments]
    wanted = [f"{name}.{field.name}" for name, op in REGISTRY.items() for field in op.fields]
    require_lines(covered, wanted, "tests/cases/operators.py, INTEGERS, BOOLEANS, WORDS or NUMBERS", "{}")
    words = [f"{name}.{argument}" for name, arguments in WORDS.items() for argument in arguments]
    refused = [f"{one.name}.{argument}" for one in REFUSED for argument in one.arguments]
    require_lines(
        {*words} & {*refused}, words, "tests/cases/operators.py, REFUSED", "Refused(...)  # words that {} is not"
    )


def test_every_operator_is_of_a_kind() -> None:
    kinds = {(name, op.kind) for name, op in REGISTRY.items()}
    said = [(name, kind) for kind, names in KINDS.items() for name in names]
    place = "tests/cases/operators.py, KINDS"
    require_lines(map(str, said), map(str, kinds), place, "{}, an operator and its kind")
    assert operators_of("conv") == {"conv", "dwconv", "conv_transpose", "deform_conv", "modulated_deform_conv"}
    assert operators_of("dwconv") == {"dwconv"}
    with pytest.raises(ConvcostError, match=r"^unknown kind of operator 'convv'; did you mean conv\?$"):
        operators_of("convv")
    with pytest.raises(ConvcostError, match=r"^unknown kind of operator 'zzz'; there are conv, linear, pool, norm, "):
        operators_of("zzz")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_ints(case: Case) -> None:
    _, _, shape, params, work, _ = evaluate(case.op, case.xs)
    assert shape == case.y
    assert params == case.params
    assert work == case.work
    assert all(map(is_exact, (*shape, *params, *work)))


def form(case: Case) -> str:
    """What cases that share one evaluation on arrays have in common: everything but the numbers."""
    blank = [combined([value], lambda _: "n") for value in arguments(case.op).values()]
    if case.op.name == "prelu":  # one slope, or one for each channel
        blank.append(str(case.op.num_parameters == 1))
    blank += [str(getattr(case.op, name, None)) for name in NAMES_OF_AXES]
    if case.op.name in ("slice", "reshape"):  # what counts from the end, or is left open
        blank.append(str(case.op))
    # Which axes of a product are broadcast is a matter of form, not of number.
    axes = (
        [[d == 1 for d in x] for x in case.xs] if case.op.name in (*BROADCAST, "matmul") else [len(x) for x in case.xs]
    )
    return str((case.op.name, blank, axes))


def cases_by_form() -> list[list[Case]]:
    groups = defaultdict(list)
    for case in CASES:
        groups[form(case)].append(case)
    return list(groups.values())


@pytest.mark.parametrize("cases", cases_by_form(), ids=lambda cases: f"{cases[0].op.name}-{len(cases)}")
def test_arrays(cases: list[Case]) -> None:
    """Cases that differ in their numbers only, stacked: one evaluation, all arguments and sizes int64 arrays."""
    op, xs = as_arrays([case.op for case in cases], [case.xs for case in cases])
    _, _, shape, params, work, _ = evaluate(op, xs)
    expected = zip(*[(*case.y, *case.params, *case.work) for case in cases], strict=True)
    for got, numbers in zip((*shape, *params, *work), expected, strict=True):
        assert is_exact(got) or got.dtype == np.int64
        assert np.broadcast_to(got, len(cases)).tolist() == list(numbers)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_symbols(case: Case) -> None:
    """Every number above 1 a symbol, but for the arguments that are divisors; the closed form then takes its values."""
    symbols = Symbols()
    op = symbols.op([case.op])
    _, _, shape, params, work, _ = evaluate(op, shapes(op, [case.xs], symbols.of))
    assert symbols.values
    for got, expected in zip((*shape, *params, *work), (*case.y, *case.params, *case.work), strict=True):
        assert symbols.at(got) == expected


@pytest.mark.parametrize("refused", REFUSED, ids=lambda r: r.message[:80])
def test_refused_arguments(refused: Refused) -> None:
    with pytest.raises(ConvcostError) as error:
        REGISTRY[refused.name](**refused.arguments)
    assert str(error.value) == refused.message


@pytest.mark.parametrize("misfit", MISFITS, ids=lambda m: m.message)
def test_inputs_that_do_not_fit(misfit: Misfit) -> None:
    with pytest.raises(ShapeError) as error:
        misfit.op.out_shape(*misfit.xs)
    assert str(error.value) == misfit.message


@pytest.mark.parametrize(("op", "x", "left"), TOO_SMALL, ids=str)
def test_windows_larger_than_their_input(op: Op, x: Shape, left: Shape) -> None:
    assert op.out_shape(x) == left
    with pytest.raises(ShapeError) as error:
        evaluate(op, (x,))
    text = str(error.value)
    assert text.startswith(f"{op.name} of {'x'.join(map(str, x))} leaves {'x'.join(map(str, left))}")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("n", "kernel_size", "stride", "dilation", "sides"),
    [
        # before + after = max((ceil(n / s) - 1) * s + dilation (kernel - 1) + 1 - n, 0), the odd one after (TensorFlow)
        (224, 7, 2, 1, (2, 3)),  # 111*2 + 7 - 224 = 5
        (224, 3, 2, 1, (0, 1)),  # 111*2 + 3 - 224 = 1
        (7, 3, 2, 1, (1, 1)),  # 3*2 + 3 - 7 = 2
        (28, 5, 1, 1, (2, 2)),  # 27 + 5 - 28 = 4
        (28, 4, 1, 1, (1, 2)),  # 27 + 4 - 28 = 3
        (10, 3, 1, 3, (3, 3)),  # 9 + 7 - 10 = 6
        (7, 2, 3, 1, (0, 1)),  # 2*3 + 2 - 7 = 1
        (8, 1, 2, 1, (0, 0)),  # 3*2 + 1 - 8 < 0
        (1, 5, 1, 1, (2, 2)),  # 0 + 5 - 1 = 4
    ],
)
def test_sides_of_same_padding(n: int, kernel_size: int, stride: int, dilation: int, sides: tuple[int, int]) -> None:
    op = REGISTRY["conv"](out_channels=1, kernel_size=kernel_size)
    assert pads(op, (1, n), kernel_size, stride, dilation, "same") == (sides,)
    assert pads(op, (1, 9, n), kernel_size, (1, stride), (1, dilation), "same")[1] == sides
    arrays = pads(op, (1, np.array([n, n])), np.array([kernel_size] * 2), stride, dilation, "same")
    assert [side.tolist() for side in arrays[0]] == [[side] * 2 for side in sides]


def test_a_bad_element_of_an_array_is_refused() -> None:
    conv, split = REGISTRY["conv"], REGISTRY["split"]
    good = np.array([4, 8])
    assert conv(out_channels=good, kernel_size=good).out_shape((3, 9, 9))[0] is good
    for bad in (np.array([4, 0]), np.array([4, -1])):
        with pytest.raises(ConvcostError, match=r"conv: out_channels must be at least 1, got \[ ?4 +-?\d\]"):
            conv(out_channels=bad, kernel_size=3)
        with pytest.raises(ConvcostError, match="conv: kernel_size must be at least 1"):
            conv(out_channels=8, kernel_size=(3, bad))
    with pytest.raises(ShapeError, match="does not divide out_channels"):
        conv(out_channels=good, kernel_size=3, groups=8)
    with pytest.raises(ConvcostError, match="counted from 0"):
        split(parts=good, index=4)


@pytest.mark.parametrize(
    "value", [np.array([4.0]), np.array([4], dtype=np.int32), np.array([True]), np.float64(4), np.float32(4), np.True_]
)
def test_arrays_of_anything_but_int64_are_refused(value: Any) -> None:
    """int32 would wrap around above 2 147 483 647, and a float is inexact above 2**53."""
    assert not require_integer(value)
    with pytest.raises(ConvcostError, match="linear: out_features must be an integer"):
        REGISTRY["linear"](out_features=value)


def test_what_symbols_are_known_to_be_is_checked() -> None:
    linear = REGISTRY["linear"]
    assert linear(out_features=symbol("w")).out_shape((3,)) == (symbol("w"),)
    with pytest.raises(ConvcostError, match="linear: out_features must be at least 1, got -w"):
        linear(out_features=-symbol("w"))


def test_kinds_of_parameters() -> None:
    params = Params(weights=100, biases=20, norm_affine=4, norm_stats=3)
    assert (params.trainable, params.total) == (124, 127)
    assert sum_params([params, Params(biases=1)]) == Params(100, 21, 4, 3)
    assert sum_params([]) == Params(0, 0, 0, 0)
    assert sum_work([Work(1, 2, 3, 4, 5, 6), Work(10, 10, 10, 10, 10, 10)]) == Work(11, 12, 13, 14, 15, 16)
    assert sum_work(iter(())) == Work()
    assert Work(1, 2, 3, 4, 5, 6).times(2) == Work(2, 4, 6, 8, 10, 12)
