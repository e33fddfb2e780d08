"""The spec language: what each construct builds, on the smallest spec that shows it."""

from __future__ import annotations

from fractions import Fraction
from textwrap import indent

import pytest

from convcost.cost.cost import Cost
from convcost.spec import document
from convcost.spec.model import Spec


def spec(layers: str, **sections: str) -> Spec:
    parts = [f"{key}:\n{indent(text, '  ')}" for key, text in sections.items()]
    text = "\n".join(["name: net", "source: test", "input: 8x16x16", *parts, f"layers:\n{indent(layers, '  ')}"])
    return Spec(document.parse(text, "net.yaml"))


def cost(layers: str, asked: dict[str, object] | None = None, variant: str | None = None, **sections: str) -> Cost:
    made = spec(layers, **sections)
    return Cost(made.build("net", made.input, made.settings("net", variant, asked or {})))


def names(result: Cost) -> list[str]:
    return [row.name for row in result]


def test_a_chain_is_a_sequence_and_unnamed_layers_are_numbered():
    result = cost("- conv(4, 1) >> relu >> conv(4, 1)")
    assert names(result) == ["conv", "relu", "conv_2"]
    assert result["conv"].macs == 8 * 4 * 256


def test_a_name_is_a_layer_or_a_scope():
    result = cost("- a: conv(4, 1)\n- b: conv(4, 1) >> relu\n- c: ['conv(4, 1)', {d: relu}]")
    assert names(result) == ["a", "b/conv", "b/relu", "c/conv", "c/d"]
    assert result["b"].macs == 4 * 4 * 256


def test_defaults_apply_unless_a_call_says_otherwise():
    result = cost(
        "- a: conv(4, 3)\n- b: conv(4, 3, bias=true, then=none)",
        defaults="conv: {padding: same, bias: false, then: bn >> relu}",
    )
    assert names(result) == ["a/conv", "a/bn", "a/relu", "b"]
    assert (result["a/conv"].biases, result["b"].biases) == (0, 4)


@pytest.mark.parametrize(
    "layers",
    [
        "- m: {concat: {x: 'conv(4, 1)', y: 'conv(2, 1) >> relu'}}",
        "- m: {concat: ['conv(4, 1)', 'conv(2, 1) >> relu']}",
        "- m: concat(conv(4, 1), conv(2, 1) >> relu)",
    ],
)
def test_three_ways_to_write_branches(layers):
    result = cost(layers)
    assert result.total.shape == (6, 16, 16)
    assert result.total.macs == (4 + 2) * 8 * 256


def test_add_and_gate():
    result = cost("- add(conv(8, 1), identity)\n- mul: {x: identity, gate: 'global_avgpool >> linear(8) >> sigmoid'}")
    assert result.total.shape == (8, 16, 16)
    assert result["add"].work.adds == 8 * 256
    assert result["mul"].work.muls == 8 * 256


def test_named_layers_are_tensors():
    result = cost("- a: conv(8, 1)\n- b: conv(8, 1)\n- c: a >> conv(8, 1)\n- add(b, c, input)")
    assert [len(row.inputs) for row in result] == [1, 1, 1, 3]


def test_blocks_take_values_layers_and_defaults():
    result = cost(
        "- a: conv(8, 1)\n- b: two(4, other=a)",
        blocks="two(c, other, kernel=3):\n  - conv(c, kernel, padding=same)\n  - concat(input, other, conv(c, 1))",
    )
    assert names(result) == ["a", "b/conv", "b/conv_2", "b/concat"]
    assert result["b/conv"].weights == 9 * 8 * 4
    assert result.total.shape == (8 + 8 + 4, 16, 16)


def test_an_unnamed_block_call_is_a_scope_of_its_own():
    result = cost("- two(4) >> two(4)", blocks="two(c):\n  - conv(c, 1) >> relu")
    assert names(result) == ["two/conv", "two/relu", "two_2/conv", "two_2/relu"]


def test_repeat_counts_its_index_from_zero():
    result = cost("- s: {repeat: n, index: i, layers: 'conv(4 + i, 1)'}", asked={"n": 3}, knobs="n: 1")
    assert names(result) == ["s/1/conv", "s/2/conv", "s/3/conv"]
    assert result.total.shape[0] == 6


def test_in_channels_is_the_current_tensor_s():
    result = cost("- conv(in_channels // 2, 1)\n- conv(3 * in_channels, 1)")
    assert [row.shape[0] for row in result] == [4, 12]


def test_conditions_choose():
    layers = "- if: deep\n  then: {a: 'conv(4, 1)'}\n  else: relu\n- conv(2 if deep else 3, 1)"
    assert names(cost(layers, asked={"deep": True}, knobs="deep: false")) == ["a", "conv"]
    assert names(cost(layers, knobs="deep: false")) == ["relu", "conv"]


def test_auxiliary_heads_leave_the_trunk_alone():
    result = cost("- a: conv(4, 1)\n- head: {auxiliary: 'global_avgpool >> linear(3)'}\n- b: conv(5, 1)")
    assert result.total.shape == (5, 16, 16)
    assert result.total.params == (8 * 4 + 4) + (4 * 5 + 5)
    assert result.with_auxiliary.params - result.total.params == 4 * 3 + 3


def test_decimals_are_exact():
    layers = "- conv(20 * width, 1)"
    assert cost(layers, knobs="width: 0.35").total.shape[0] == 7
    assert cost(layers, asked={"width": Fraction(1, 4)}, knobs="width: 0.35").total.shape[0] == 5
    assert cost(layers, asked={"width": 0.35}, knobs="width: 1").total.shape[0] == 7  # a float is its decimal text


def test_make_divisible_is_the_papers_rounding():
    # MobileNet v2 at 0.35: 32 -> 11.2 -> 16 (8 would be below nine tenths of 11.2), 24 -> 8.4 -> 8.
    assert cost("- conv(make_divisible(32 * 0.35), 1)").total.shape[0] == 16
    assert cost("- conv(make_divisible(24 * 0.35), 1)").total.shape[0] == 8


def test_let_values_and_variants_and_networks():
    sections = {
        "knobs": "n: 1\nkind: {default: a, choices: [a, b]}",
        "variants": "small: {n: 2}\nlarge: {n: 5, kind: b}",
        "let": "c: 2 * n\nd: c + 1",
    }
    layers = "- conv(d if kind == 'b' else c, 1)"
    assert cost(layers, variant="small", **sections).total.shape[0] == 4
    assert cost(layers, variant="large", **sections).total.shape[0] == 11


def test_one_dimensional_and_three_dimensional_networks():
    text = "name: net\ninput: {}\nlayers: ['conv(4, 3, padding=same)', maxpool(2)]"
    for size, expected in (("2x10", (4, 5)), ("2x10x10x10", (4, 5, 5, 5))):
        made = Spec(document.parse(text.format(size), "net.yaml"))
        assert Cost(made.build("net", made.input, {})).total.shape == expected


@pytest.mark.parametrize(
    ("layers", "channels"),
    [
        ("- conv(5, 1)\n- {if: in_channels == 5, then: relu, else: 'conv(1, 1)'}", [5, 5]),
        ("- conv(2, 1)\n- {repeat: in_channels, layers: relu}", [2, 2, 2]),
        ("- conv(5, 1)\n- a: conv(2, 1) if in_channels == 5 else conv(3, 1)", [5, 2]),
        ("- conv(5, 1)\n- concat: {a: 'conv(2, 1) if in_channels == 5 else conv(3, 1)', b: identity}", [5, 2, 7]),
        ("- {repeat: 3, layers: {if: in_channels == 8, then: 'conv(1, 1)', else: 'conv(8, 1)'}}", [1, 8, 1]),
        ("- relu if in_channels == 8 else tanh", [8]),
    ],
)
def test_in_channels_is_of_the_current_tensor_in_conditions_and_counts_as_well(layers, channels):
    assert [row.shape[0] for row in cost(layers)] == channels


def test_a_decimal_is_as_exact_as_it_is_written():
    # Twenty digits: a double would make 10^18 of them.
    assert cost("- conv(0.1000000000000000055 * 10**19, 1)").total.shape[0] == 1_000_000_000_000_000_055
