"""Sequences in specs: learned tensors, joins along an axis, linear layers at every token."""

from __future__ import annotations

from pathlib import Path

import pytest

import convcost
from convcost.errors import ConvcostError

TOKENS = """
name: tokens
input: 3x32x32
layers:
  - patches: conv(64, 8, stride=8) >> flatten(2) >> permute((2, 1))
  - tokens: {concat: {token: "parameter((1, 64))", patches: identity}}
  - position: parameter((17, 64))
  - embedded: add(tokens, position)
  - mlp: layernorm(dim=-1) >> linear(256, dim=-1) >> gelu >> linear(64, dim=-1)
  - head: slice(1, 0, 1) >> flatten >> linear(10)
"""


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_transformers_first_layers_by_hand(tmp_path: Path) -> None:
    cost = convcost.load(write(tmp_path / "tokens.yaml", TOKENS)).price()
    assert cost["tokens"].shape == (17, 64)
    assert (cost["tokens"].params, cost["position"].params, cost["position"].macs) == (64, 17 * 64, 0)
    # 64*256 weights twice, at 17 tokens; 256 and 64 biases
    assert (cost["mlp"].macs, cost["mlp"].params) == (17 * 2 * 16_384, 2 * 64 + 2 * 16_384 + 320)
    assert cost["head"].macs == 640
    assert cost.receptive_field("patches/conv").size == (8, 8)
    assert cost.receptive_field("position").whole  # of no input: there is no window to speak of


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("patches: identity}}", "patches: identity}, dim: 0}", "concat: dim is 1 for the channels"),
        ("patches: identity}}", "patches: identity}, axis: 1}", "concat has no part 'axis'"),
        ("parameter((17, 64))", "parameter(17, 64)", "parameter: a shape of two sizes is one argument, (17, 64)"),
        ("parameter((17, 64))", "parameter((16, 64))", "add of different shapes: 17x64 and 16x64"),
        ("dim=-1) >> gelu", "dim=3) >> gelu", "linear: dim=3 of 17x64, whose axes are 1 to 2"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert TOKENS.count(old) == 1
    with pytest.raises(ConvcostError, match=r"tokens\.yaml:\d+:\d+: ") as error:
        convcost.load(write(tmp_path / "tokens.yaml", TOKENS.replace(old, new))).price()
    assert message in str(error.value)


def test_a_join_along_an_axis(tmp_path: Path) -> None:
    text = "name: n\ninput: 3x8x8\nlayers:\n  - {concat: {a: 'conv(4, 1)', b: 'conv(4, 1, stride=(1, 2))'}, dim: -1}\n"
    assert convcost.load(write(tmp_path / "n.yaml", text)).price().total.shape == (4, 8, 12)


def test_attention_takes_all_its_tensors_or_the_current_one_first(tmp_path: Path) -> None:
    head = "name: n\ninput: 17x64\nlayers:\n  - k: linear(32, dim=-1)\n  - v: input >> linear(48, dim=-1)\n"
    head += "  - q: input >> linear(32, dim=-1)\n"
    ways = ("  - attention(q, k, v)\n", "  - attention(k, v)\n")
    costs = [convcost.load(write(tmp_path / "n.yaml", head + way)).price() for way in ways]
    for cost in costs:
        assert (cost["attention"].macs, cost["attention"].shape) == (17 * 17 * (32 + 48), (17, 48))
    with pytest.raises(ConvcostError, match=r"attention needs 2 other layers: attention\(layer, layer\)"):
        convcost.load(write(tmp_path / "n.yaml", head + "  - attention(k)\n")).price()
