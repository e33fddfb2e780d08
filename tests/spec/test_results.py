"""Blocks with several results, branches that an argument leaves out, and blocks that call themselves."""

from __future__ import annotations

import pytest

import convcost
from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.network import Network
from convcost.spec import document
from convcost.spec.model import Spec


def net(layers: str, blocks: str = "", more: str = "") -> Network:
    text = f"name: net\nsource: test\ninput: 4x16x16\n{more}blocks:\n{blocks}layers:\n{layers}"
    return Network(Spec(document.parse(text, "net.yaml"), text), "net", None)


PYRAMID = """\
  step(n):
    - x: {results: {repeat: n, index: i, layers: "input[i] >> conv(2**i, 1, bias=false)"}}
    - results: ["x[0]", "add(x[0] >> maxpool(2) >> conv(2, 1, bias=false), x[1])"]
"""


def test_several_layers_go_through_blocks_and_repeats() -> None:
    """Two resolutions, at first of 4 channels: a step has 4 + 8 weights, then 1 + 2*2, and 1*2 between them."""
    cost = net(
        '  - two: {results: [identity, "maxpool(2)"]}\n'
        "  - steps: {repeat: 3, layers: step(2)}\n"
        "  - end: concat(steps[0] >> maxpool(2), steps[1])\n",
        PYRAMID,
    ).price()
    assert cost.total.params == (4 + 8 + 2) + 2 * (1 + 4 + 2)
    assert cost.total.macs == (4 + 1 + 1) * 256 + (8 + 4 + 4 + 3 * 2) * 64
    assert cost.total.shape == (3, 8, 8)
    assert convcost.verify(cost.graph).ok


def test_one_result_is_several_as_well() -> None:
    cost = net('  - one: {results: ["conv(3, 1)"]}\n  - end: one[0] >> relu\n').price()
    assert (cost.total.params, cost.total.shape) == (4 * 3 + 3, (3, 16, 16))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("  - relu\n  - x: {results: [identity, relu]}\n", "the network's end is one layer, here are 2: say which"),
        (
            "  - x: {results: [identity, relu]}\n  - conv(4, 1)\n",
            r"net.yaml:7:5: what conv takes is one layer",
        ),
        ("  - x: {results: [identity, relu]}\n  - add(x, x[0])\n", "what add takes is one layer, here are 2"),
        ("  - x: {results: [identity, relu]}\n  - {concat: [x, 'x[0]']}\n", "a branch is one layer, here are 2"),
        ("  - x: {results: [identity, relu]}\n  - x[2]\n", "index 2 of a list of 2"),
        ("  - x: {results: [identity, relu]}\n  - x[0] >> conv(in_channels, 1)\n  - x[1] >> conv(x, 1)\n", "conv: out"),
        ("  - x: {results: [none]}\n", "a join needs a branch"),
        ("  - y: conv(4, 1)\n  - x: {results: [y]}\n  - y[0] >> relu\n", "only a list can be indexed"),
        ("  - x: {results: [relu, identity]}\n  - x[0] >> again(x)\n", "again takes the name of an earlier layer"),
    ],
)
def test_several_layers_where_one_is_needed_are_an_error(layers: str, message: str) -> None:
    with pytest.raises(ConvcostError, match=message):
        net(layers).price()


def test_an_unknown_number_of_steps_with_several_layers_has_no_closed_form() -> None:
    network = net(
        '  - two: {results: [identity, "maxpool(2)"]}\n  - steps: {repeat: n, layers: step(2)}\n'
        "  - end: concat(steps[0] >> maxpool(2), steps[1])\n",
        PYRAMID,
        "knobs: {n: 3}\n",
    )
    with pytest.raises(ConvcostError, match="no closed form for n repeats of several layers"):
        network.price(n=symbol("n"))


def test_an_argument_that_is_none_is_a_branch_left_out() -> None:
    """Alone the second block is its convolution; of two that are added the joined one has a node more."""
    blocks = "  joined(other=none):\n    - x: conv(4, 1)\n    - add(x, other)\n"
    cost = net("  - a: joined()\n  - b: joined(a)\n", blocks).price()
    assert [row.name for row in cost] == ["a/x", "b/x", "b/add"]


NESTED = """\
  level(d):
    - if: d > 0
      then:
        - down: conv(2*in_channels, 1, bias=false)
        - inner: maxpool(2) >> level(d - 1) >> upsample(2)
        - concat(down, inner)
        - up: conv(4, 1, bias=false)
"""


def test_a_block_calls_itself_as_deep_as_a_knob_says() -> None:
    """Of depth 2: 4*8 and 8*16 weights down; up to 4 from 16 + 16 (innermost, only sizes change) and from 8 + 4."""
    network = net("  - body: level(depth)\n", NESTED, "knobs: {depth: 2}\n")
    cost = network.price()
    assert cost.total.params == 4 * 8 + 8 * 16 + (16 + 16) * 4 + (8 + 4) * 4
    assert cost.total.macs == 32 * 256 + 128 * 64 + 128 * 64 + 48 * 256
    assert network.price(depth=1).total.params == 4 * 8 + (8 + 8) * 4


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ("  a(n): relu >> a(n)\n", r"net.yaml:5:17: block a calls itself with the same arguments: a -> a"),
        ("  a(n): b(n)\n  b(n): a(n)\n", r"block a calls itself with the same arguments: a -> b -> a"),
        ("  a(n): relu >> a(n + 1)\n", "layers stand deeper than 100"),
        ("  a(n):\n    - relu >> a(n + 1)\n    - a(n + 2)\n", "layers stand deeper than 100"),
    ],
)
def test_a_block_that_would_never_end_is_an_error(blocks: str, message: str) -> None:
    with pytest.raises(ConvcostError, match=message):
        net("  - a(1)\n", blocks).price()
