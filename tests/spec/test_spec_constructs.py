"""Constructs of the spec language that single networks taught: variants of some networks only, repeated branches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any

import pytest

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.network import Network, load
from convcost.spec import document
from convcost.spec.catalog import resolve
from convcost.spec.model import Spec

FAMILY = """
name: family
input: 3x8x8
knobs: {width: 4, bias: false}
networks:
  small: {width: 4}
  large: {width: 8}
variants:
  ported: {networks: [large], bias: true}
  paper:
layers:
  - conv(width, 3, bias=bias)
"""


@pytest.fixture
def family(tmp_path: Path) -> Path:
    path = tmp_path / "family.yaml"
    path.write_text(FAMILY)
    return path


def test_a_network_has_its_own_variants_and_its_first_is_the_default(family: Path) -> None:
    spec = Spec.read(family)
    assert list(spec.variants_of("small")) == ["paper"]
    assert list(spec.variants_of("large")) == ["ported", "paper"]
    assert resolve(f"{family}:small").variant == "paper"
    assert load(f"{family}:large").price().total.biases == 8


def test_another_network_s_variant_is_refused(family: Path) -> None:
    with pytest.raises(ConvcostError, match="small has no variant 'ported'; its variants are paper"):
        load(f"{family}:small@ported")


@pytest.mark.parametrize(
    ("networks", "unknown"), [("[larg]", "'larg'; did you mean large"), ("huge", "'huge'"), ("3", "'3'")]
)
def test_a_variant_of_an_unknown_network_is_refused(family: Path, networks: str, unknown: str) -> None:
    family.write_text(FAMILY.replace("[large]", networks))
    with pytest.raises(ConvcostError, match=rf"family.yaml:9:\d+: there is no network {unknown}"):
        Spec.read(family)


def test_a_network_is_not_of_networks(family: Path) -> None:
    family.write_text(FAMILY.replace("large: {width: 8}", "large: {width: 8, networks: [small]}"))
    with pytest.raises(ConvcostError, match="large sets an unknown knob 'networks'"):
        Spec.read(family)


BRANCHES = """
name: branches
input: 4x8x8
layers:
  - paths:
      concat: {repeat: 3, index: i, layers: "split(2, 0) >> conv(i + 1, 3, bias=false)"}
  - conv(5, 1, bias=false)
"""


def test_repeated_branches_all_start_at_the_same_tensor() -> None:
    cost = priced(BRANCHES)
    assert [row.name for row in cost if row.operator == "conv"] == [f"paths/{n}/conv" for n in (1, 2, 3)] + ["conv"]
    assert cost["paths"].shape == (6, 6, 6)
    assert cost["paths"].weights == 2 * 9 * (1 + 2 + 3)
    assert cost["conv"].weights == 6 * 5


def test_layers_named_in_a_repeated_branch_stay_there() -> None:
    named = '[{half: "split(2, 1)"}, {out: "concat(half, half)"}]'
    assert priced(BRANCHES.replace('"split(2, 0) >> conv(i + 1, 3, bias=false)"', named))["paths"].shape == (12, 8, 8)


@pytest.mark.parametrize(
    ("count", "why"),
    [
        ("0", "a join needs a branch"),
        ("-1", "a repeat needs an integer >= 0, got -1"),
        ("1000000", "the network is too large: .*"),
    ],
)
def test_repeated_branches_are_checked(count: str, why: str) -> None:
    text = BRANCHES.replace("repeat: 3", f"repeat: {count}").replace("i + 1", "min(i, 0) + 1")
    with pytest.raises(ConvcostError, match=rf"test:6:\d+: {why}$"):
        priced(text)


def test_a_branch_that_is_none_is_left_out_and_a_join_of_one_is_that_one() -> None:
    """16 channels without the pooling, which would pass on 8 more."""
    text = """
name: optional
input: 8x8x8
knobs: {pool: false, skip: false}
layers:
  - a: {concat: {a: "conv(16, 1)", b: "maxpool(3, 1, 1) if pool else none"}}
  - b: {add: ["conv(16, 1)", identity if skip else none]}
  - c: concat(b, a if skip else none)
  - d: {concat: {repeat: 1, layers: relu}}
"""
    spec = Spec(document.parse(text, "test"))
    network = Network(spec, spec.name, None)
    assert [(row.name, row.shape[0]) for row in network.price()] == [("a/a", 16), ("b/conv", 16), ("d/1/relu", 16)]
    assert network.price(pool=True)["a"].shape[0] == 24
    assert [row.name for row in network.price(skip=True)][-4:] == ["b/conv", "b/add", "c/concat", "d/1/relu"]
    nothing = text.replace('["conv(16, 1)", ', "[none, ")
    with pytest.raises(ConvcostError, match="test:7:14: a join needs a branch"):
        priced(nothing)
    with pytest.raises(ConvcostError, match="test:8:8: concat: a join needs a branch"):
        priced(text.replace("concat(b, ", "concat(none, "))


def priced(text: str) -> Cost:
    spec = Spec(document.parse(text, "test"))
    return Network(spec, spec.name, None).price()


@pytest.mark.parametrize(
    "layer",
    [
        "{if: in_channels == 4, then: 'conv(2, 1)', else: 'conv(3, 1)'}",
        "{b: {if: in_channels == 4, then: 'conv(2, 1)', else: 'conv(3, 1)'}}",
        "{b: 'conv(2, 1) if in_channels == 4 else conv(3, 1)'}",
        "identity >> (conv(2, 1) if in_channels == 4 else conv(3, 1))",
    ],
)
def test_a_condition_sees_the_channels_of_the_tensor_that_it_stands_at(layer: str) -> None:
    text = f"name: net\ninput: 8x4x4\nlayers:\n  - conv(4, 1)\n  - {layer}\n"
    spec = Spec(document.parse(text, "net.yaml"))
    assert Cost(spec.build("net", (8, 4, 4), {})).rows[-1].shape == (2, 4, 4)


def test_a_join_of_operators_is_a_scope_and_one_of_layers_is_not() -> None:
    head = "name: joined\ninput: 4x8x8\nlayers:\n  - a: conv(4, 1)\n"
    assert [row.name for row in priced(head + "  - x: add(relu, identity)")] == ["a", "x/relu", "x/add"]
    assert [row.name for row in priced(head + "  - b: conv(4, 1)\n  - x: add(a, b)")] == ["a", "b", "x"]


def test_networks_may_be_called_by_numbers(family: Path) -> None:
    family.write_text(FAMILY.replace("large", "3"))
    assert list(Spec.read(family).variants_of("3")) == ["ported", "paper"]


def test_a_template_that_does_not_fit_the_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from convcost.files import writing
    from convcost.spec import template

    def full(descriptor: int, mode: str, **options: Any) -> IO[Any]:
        os.close(descriptor)
        return Path("/dev/full").open(mode, **options)

    monkeypatch.setattr(writing.os, "fdopen", full)
    with pytest.raises(ConvcostError, match="No space left on device"):
        template.write(tmp_path / "x.yaml")
    assert list(tmp_path.iterdir()) == []


def test_an_argument_can_be_called_as_an_operator_is(tmp_path: Path) -> None:
    """Operators come, and what papers call the columns of their tables stays: exp is MobileNetV3's."""
    path = tmp_path / "net.yaml"
    path.write_text('name: net\ninput: 3x8x8\nblocks: {b(exp): "conv(exp, 1) >> exp"}\nlayers: [b(5)]')
    assert [line.op.name for line in load(str(path)).price()] == ["conv", "exp"]


def net(text: str, **knobs: Any) -> Network:
    return Network(Spec(document.parse(f"name: net\ninput: 2x16x16\n{text}", "net.yaml"), text), "net", None, knobs)


U = """knobs: {depth: 2}
blocks:
  level(i):
    - side: conv(2**i, 1, bias=false)
    - if: i < depth
      then:
        - deep: maxpool(2) >> level(i + 1)
        - up: conv_transpose(2**i, 2, stride=2, bias=false)
        - concat(side, up)
layers: [levels: level(0)]
"""


@pytest.mark.parametrize(
    ("depth", "params", "macs"),
    [
        (0, 2, 2 * 256),
        # Below, 1 to 2 channels, and 2 to 1 by 4 taps, all of which each input meets.
        (1, 2 + 2 + 8, 2 * 256 + 2 * 64 + 8 * 64),
        # Then 2 to 4 channels, 4 to 2 by 4 taps; the level above has 4 of them joined, which go to 1.
        (2, 2 + 2 + 8 + 32 + 16, 2 * 256 + 2 * 64 + 8 * 16 + 32 * 16 + 16 * 64),
    ],
)
def test_a_block_calls_itself_with_other_arguments(depth: int, params: int, macs: int) -> None:
    cost = net(U, depth=depth).price()
    assert (cost.total.params, cost.total.macs) == (params, macs)
    assert cost.total.shape == (2 if depth else 1, 16, 16)


COLLECTING = """knobs: {n: 3, join: concat}
layers:
  - x: conv(4, 1)
  - repeat: n
    index: i
    collect: skip
    layers:
      - next: conv(4, 3, padding=1)
      - skip: conv(2, 1, bias=i > 0)
      - next
  - if: join == 'concat'
    then: concat(x, skip)
    else: add(skip)
"""


def test_what_steps_name_is_collected_and_joined() -> None:
    """A first layer of 2*4 + 4; steps of 4*9*4 + 4 and 4*2, of which all but the first have two biases."""
    cost = net(COLLECTING).price()
    assert cost.total.params == 12 + 3 * (148 + 8) + 2 * 2
    assert cost.total.shape == (4 + 3 * 2, 16, 16)
    summed = net(COLLECTING, join="add").price()
    assert summed.total.shape == (2, 16, 16)
    assert cost.graph.nodes[-1].inputs[1:] == tuple(i for i, row in enumerate(cost, 1) if row.name.endswith("skip"))
    nothing = net(COLLECTING.replace("concat(x, skip)", "concat(x, skip, x)"), n=0).price().total
    assert (nothing.params, nothing.shape) == (12, (8, 16, 16))
    with pytest.raises(ConvcostError, match=r"net.yaml:\d+:\d+: add: a join needs a branch"):
        net(COLLECTING, n=0, join="add").price()


def test_a_symbolic_number_of_steps_cannot_collect() -> None:
    with pytest.raises(ConvcostError, match=r"net.yaml:\d+:14: a repeat that collects needs a number, got n"):
        net(COLLECTING).formula(symbols=["n"])


def test_a_step_joins_what_the_steps_before_it_made() -> None:
    """DenseNet's layers: 1x1s on 2, 4 and 6 channels, of 2 each, whose outputs and the input are joined at the end."""
    steps = '{repeat: n, collect: y, layers: ["concat(input, y)", y: "conv(2, 1, bias=false)"]}'
    dense = f'layers: [{steps}, "concat(input, y)"]'
    grown = net("knobs: {n: 3}\n" + dense)
    cost = grown.price()
    assert [row.shape[0] for row in cost] == [2, 4, 2, 6, 2, 8]
    assert cost.total.params == 2 * (2 + 4 + 6)
    assert cost.graph.nodes[-1].inputs == (0, 1, 3, 5)
    assert [row.shape[0] for row in net("knobs: {n: 1}\n" + dense).price()] == [2, 4]
