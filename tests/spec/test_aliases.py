"""Other names of operators, as people write them."""

from __future__ import annotations

import pytest

from convcost.errors import ConvcostError
from convcost.network import Network
from convcost.ops import ALIASES, REGISTRY
from convcost.spec import document
from convcost.spec.model import Spec


def net(text: str) -> Network:
    return Network(Spec(document.parse(text, "net.yaml"), text), "net", None)


def test_an_operator_by_another_name_is_that_operator() -> None:
    names = "conv(8, 1) >> batch_norm >> silu >> group_norm(2) >> max_pool(2) >> avg_pool(2) >> leakyrelu(0.2)"
    own = "conv(8, 1) >> bn >> swish >> groupnorm(2) >> maxpool(2) >> avgpool(2) >> leaky_relu(0.2)"
    costs = [net(f"name: net\ninput: 3x8x8\nlayers:\n  - {layers}\n").price() for layers in (names, own)]
    first, second = ([(row.name, row.op, row.shape) for row in cost] for cost in costs)
    assert first == second
    assert {*ALIASES.values()} <= {*REGISTRY}
    assert not {*ALIASES} & {*REGISTRY}


def test_defaults_are_of_the_operator_by_whichever_name() -> None:
    text = "name: net\ninput: 3x8x8\ndefaults:\n  batchnorm: {scale: false}\nlayers:\n  - bn >> batch_norm\n"
    assert net(text).price().total.params == 6
    with pytest.raises(ConvcostError, match=r"net.yaml:5:3: defaults for bn, which there are already"):
        net(text.replace("false}\n", "false}\n  bn: {shift: false}\n"))


def test_a_spec_has_its_own_meaning_of_such_a_name() -> None:
    text = "name: net\ninput: 3x8x8\nknobs: {batch_norm: 5}\nblocks: {fc(n): linear(n)}\nlayers: ['fc(batch_norm)']\n"
    assert net(text.replace("fc(", "silu(")).price().total.params == 192 * 5 + 5


def test_a_cbam_unit_uses_its_perceptron_twice() -> None:
    """Woo et al. 2018: 64*64*9 weights and 64 biases, a perceptron of 64*4*2 for both poolings, 2*49 of the last."""
    cost = net("""
name: net
input: 64x56x56
layers:
  - x: conv(64, 3, padding=same)
  - average: global_avgpool
  - mlp: conv(4, 1, bias=false) >> relu >> conv(64, 1, bias=false)
  - largest: x >> global_maxpool >> again(mlp)
  - channels: add(mlp, largest) >> sigmoid
  - y: mul(x, channels)
  - maps: concat(y >> mean(1, keepdim=true), y >> amax(1, keepdim=true))
  - positions: conv(1, 7, padding=same, bias=false) >> sigmoid
  - mul(y, positions)
""").price()
    assert cost.total.params == 37_538
    assert cost.total.macs == 36_864 * 3_136 + 2 * 512 + 98 * 3_136
