"""The ends of a repeat, by hand: DenseNet's block of 6 layers, which adds 12 channels each to 24 of 8x8."""

from __future__ import annotations

import pytest

import convcost
from convcost.errors import ShapeError
from convcost.ops import NO_PARAMS, NO_WORK
from convcost.ops.repeat import Step, Steps

FIRST, GROWTH = (24, 8, 8), (12, 0, 0)


def test_a_step_starts_from_the_first_ones_input_and_what_was_added() -> None:
    k = convcost.symbol("k")
    assert Step(GROWTH, 5).out_shape(FIRST) == (84, 8, 8)
    assert Step(GROWTH, k).out_shape(FIRST) == (24 + 12 * k, 8, 8)


def test_the_last_step_has_added_all() -> None:
    k, n = convcost.symbol("k"), convcost.symbol("n")
    assert Steps(GROWTH, 5, 6).out_shape(FIRST, (96, 8, 8)) == (96, 8, 8)
    assert Steps(GROWTH, k, n).out_shape(FIRST, (36 + 12 * k, 8, 8)) == (24 + 12 * n, 8, 8)


@pytest.mark.parametrize("wrong", [(84, 8, 8), (97, 8, 8), (96, 8, 7), (96, 8), (96, 8, 8, 1)])
def test_a_step_that_adds_anything_else_is_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as error:
        Steps(GROWTH, 5, 6).out_shape(FIRST, wrong)
    assert str(error.value) == f"a step makes {'x'.join(map(str, wrong))} of 84x8x8"


def test_they_cost_nothing_and_are_no_part_of_a_spec() -> None:
    for op in (Step(GROWTH, 5), Steps(GROWTH, 5, 6)):
        assert (op.params([FIRST], FIRST), op.work([FIRST], FIRST)) == (NO_PARAMS, NO_WORK)
        assert op.name not in convcost.ops.REGISTRY
    assert (Step.inputs, Steps.inputs) == (1, 2)
