"""The arithmetic of every operator's counts: what is shown, evaluated, is what is counted."""

from __future__ import annotations

import pytest
from arithmetic_text import evaluated, names_in
from cases.operators import CASES, Case

import convcost
from convcost.cost import arithmetic
from convcost.cost.graph import evaluate
from convcost.counters.line import Line
from convcost.counters.rules import rule
from convcost.counters.tools import NAMES
from convcost.errors import ConvcostError
from convcost.exact.traced import Traced
from convcost.ops import REGISTRY, Conv, MaxPool, ZeroPad


def line_of(case: Case, batch: int = 1) -> Line:
    one = evaluate(case.op, case.xs).times(batch)
    return Line("x", case.op, one.inputs, one.shape, one.params, one.work, one.activations, batch=batch)


def steps_of(line: Line) -> list[arithmetic.Step]:
    traced = arithmetic.traced(line)
    return [
        *arithmetic.outputs(traced),
        *arithmetic.counts(traced),
        *arithmetic.work(traced),
        *arithmetic.kinds([traced], NAMES),
        *arithmetic.by_rules(traced, NAMES),
    ]


def test_the_cases_have_every_operator():
    assert {case.op.name for case in CASES} == set(REGISTRY)


@pytest.mark.parametrize("name", REGISTRY)
def test_shown_arithmetic_comes_to_the_count_of_every_operator(name):
    for case in CASES:
        if case.op.name != name:
            continue
        line = line_of(case, batch=3)
        traced = arithmetic.traced(line)
        assert (traced.counts, traced.work) == (case.params, case.work.times(3)), case
        assert tuple(arithmetic.operator(traced).out_shape(*traced.inputs)) == case.y, case
        for step in steps_of(line):
            if isinstance(step.value, Traced):
                assert evaluated(step.value.numbers(), {}) == step.value.value, (case, step)
                assert evaluated(step.value.symbols(), names_in(step.value)) == step.value.value, (case, step)
            else:  # no trace is left of 0, of a global pooling's 1 and of the number of axes alone
                assert step.value in (0, 1, len(case.y) - 1), (case, step)
        for step in arithmetic.by_rules(traced, NAMES):
            assert step.number == rule(step.quantity).of(line), (case, step)


def test_a_convolution_in_the_fields_own_names():
    cost = convcost.load("googlenet").price()
    traced = arithmetic.traced(cost["conv1/conv"])
    counted = [*arithmetic.outputs(traced), *arithmetic.counts(traced), *arithmetic.by_rules(traced, ["torchinfo"])]
    steps = {step.quantity: step.arithmetic for step in counted}
    # 7 * 7 * 3 * 64 = 9,408, the first number that a student meets
    assert steps["weights"] == "in_channels / groups * kernel_h * kernel_w * out_channels = 3 * 7 * 7 * 64"
    assert steps["biases"] == "out_channels"
    assert steps["output_h"] == "input_h / stride_h = 224 / 2"
    assert steps["torchinfo"] == "macs + conv_bias = 118013952 + 802816"


def test_groups_and_batches_and_sides():
    one = evaluate(op := Conv(8, (3, 5), groups=2, padding=((0, 1), (2, 2)), bias=False), xs := ((4, 9, 9),)).times(2)
    traced = arithmetic.traced(Line("x", op, xs, one.shape, one.params, one.work, 0, batch=2))
    counted = [*arithmetic.outputs(traced), *arithmetic.counts(traced), *arithmetic.work(traced)]
    steps = {step.quantity: step.arithmetic for step in counted}
    assert steps["weights"] == "in_channels / groups * kernel_h * kernel_w * out_channels = 4 / 2 * 3 * 5 * 8"
    assert steps["macs"].endswith("= 4 / 2 * 3 * 5 * 8 * 8 * 9 * 2")
    assert steps["output_h"].startswith(
        "(input_h + padding_h_before + padding_h_after - dilation_h * (kernel_h - 1) - 1)"
    )


def test_receptive_fields_are_the_engines():
    for name in ("resnet50", "googlenet"):
        cost = convcost.load(name).price()
        for row in cost.rows[:: max(1, len(cost) // 40)]:
            field = cost.receptive_fields[row.name]
            steps = arithmetic.field(cost, arithmetic.traced(row))
            if field.whole:
                assert [(step.number, step.remark[:3]) for step in steps] == [(None, "all")]
                continue
            assert [step.number for step in steps if step.quantity.startswith("field")] == list(field.size)
            for step in steps:
                assert (
                    not step.arithmetic
                    or evaluated(step.arithmetic.rpartition(" = ")[2], names_in(step.value)) == step.number
                )


def test_memory_is_that_of_the_command():
    cost = convcost.load("googlenet").price()
    alive = {one.line.name: 4 * one.alive for one in convcost.memory(cost)}
    for row in cost.rows[::7]:
        steps = {step.quantity: step for step in arithmetic.memory(cost, arithmetic.traced(row))}
        assert steps["alive"].number == alive[row.name]
        assert steps["writes"].number in (0, 4 * row.elements)


def test_a_layer_used_again_has_no_parameters(tmp_path):
    spec = tmp_path / "twice.yaml"
    spec.write_text("name: twice\ninput: 4x8x8\nlayers:\n- a: conv(4, 3, padding=1)\n- b: again(a)\n", encoding="utf-8")
    cost = convcost.load(spec).price()
    assert [step.number for step in arithmetic.counts(arithmetic.traced(cost[1]))] == []
    assert [step.number for step in arithmetic.counts(arithmetic.traced(cost[0]))] == [144, 4, 148]


@pytest.mark.parametrize(
    ("op", "text"),
    [
        (Conv(64, 7, 2), "conv(64, 7, stride=2)"),
        (Conv(64, (1, 7), padding="same", bias=False), "conv(64, (1, 7), padding=same, bias=false)"),
        (MaxPool(3), "maxpool(3)"),
        (ZeroPad(((0, 1), (0, 1))), "zeropad(((0, 1), (0, 1)))"),
    ],
)
def test_operators_are_written_as_specs_call_them(op, text):
    assert arithmetic.written(op) == text


def test_symbols_and_sums_are_no_layers_arithmetic():
    net = convcost.load("resnet50")
    with pytest.raises(ConvcostError, match=r"conv1 is several layers, whose counts are added up"):
        arithmetic.traced(net.price()["conv1"])
    with pytest.raises(ConvcostError, match="numbers can be explained, not symbols and arrays"):
        arithmetic.traced(net.price((3, convcost.symbol("H"), 224))["conv1/conv"])
