"""A block that is called again alike is not built again: its layers are repeated, and the graph is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.network import Network, every_variant, load
from convcost.spec import build
from convcost.spec.catalog import shipped, shipped_files

BLOCKS = """
name: blocks
input: 4x16x16
knobs: {n: 3, wide: 4}
blocks:
  named(c):
    - first: conv(c, 3, padding=1)
    - relu
    - second: again(first)
  inner(c, flag=true):
    - add:
        main: named(c) >> bn
        shortcut: conv(c, 1, bias=flag)
    - auxiliary:
        - side: global_avgpool >> linear(2)
  outer(c):
    - inner(c) >> relu
    - relu
    - inner(c, flag=false)
  taking(layer):
    - add: [layer, "conv(4, 1)"]
  declaring:
    - out: conv(4, 1)
    - outputs: [out]
layers:
  - one: outer(4)
  - two: outer(wide)
  - three: taking(one)
  - four: taking(two)
  - five: taking(two)
  - repeat: n
    layers: outer(4)
  - declaring
  - declaring
  - auxiliary:
      - late: inner(4)
"""


@pytest.fixture
def network(tmp_path: Path) -> Network:
    path = tmp_path / "blocks.yaml"
    path.write_text(BLOCKS)
    return load(path)


def each_built(network: Network, monkeypatch: pytest.MonkeyPatch) -> object:
    """Its graph where every call of a block is built."""
    with monkeypatch.context() as patched:
        patched.setattr(build._Builder, "_alike", lambda *_: None)
        return network.spec.build(network.name, network.input, network.settings)


def test_a_graph_is_as_if_each_block_were_built(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network.build()
    assert graph == each_built(network, monkeypatch)
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names) == 106
    repeated = {node.name: node for node in graph.nodes}
    first, second = repeated["two/inner/main/named/first"], repeated["two/inner/main/named/second/first"]
    assert graph.nodes[second.shares or 0] is first  # of its own block, not of the one that was built
    assert [graph.nodes[i - 1].name for i in graph.outputs] == ["declaring/out", "declaring_2/out"]
    assert all(node.aux == (node.name.startswith("late") or "/side/" in node.name) for node in graph.nodes)


def test_a_shipped_family_is_as_if_each_block_were_built(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in shipped_files():
        if path.stem in ("shufflenet_v2", "googlenet"):
            for network in every_variant(shipped(path)):
                assert network.build() == each_built(network, monkeypatch)


def test_what_is_assumed_in_one_outcome_is_asked_again_in_the_other() -> None:
    """Whether there is a projection in the first unit depends on the width: each outcome repeats its own units."""
    network = load("resnet18@v1")
    form = network.formula("params", ["width"])
    for width in (16, 63, 64, 65):
        assert form(width) == network.price(width=width).total.params
    assert network.price(width=symbol("w")).total.params == form.value.substitute({"width": symbol("w")})


def test_a_block_that_fails_says_where_as_before(network: Network) -> None:
    with pytest.raises(ConvcostError, match=r"blocks.yaml:\d+:\d+: layer two/inner/main/named/second/first: "):
        network.price(wide=5)
