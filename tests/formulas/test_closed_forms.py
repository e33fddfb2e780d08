"""Networks priced on symbols: the closed forms that come out, proved equal to the layer loop for all integers."""

from __future__ import annotations

import numpy as np
import pytest

from convcost.exact.integers import ceildiv
from convcost.exact.poly import symbol
from convcost.network import Network, every_variant, load
from convcost.ops import sum_params, sum_work
from convcost.spec.catalog import shipped, specs_dir
from tests.isl import proven_equal, to_isl, variables

OF_ISSUE = ("googlenet", "resnet", "inception_v2", "reduce_5x5", "factor_5x5", "factor_nxn")
NETWORKS = [n for name in OF_ISSUE for n in every_variant(shipped(specs_dir() / f"{name}.yaml"))]
# The smallest input on which every layer leaves something; inception_v2's valid padding needs 75, its 8x8 pooling more.
LEAST = {"inception_v2": 299, "googlenet": 15}


def least(network: Network) -> int:
    return LEAST.get(network.network, 1)


def test_resnet50_has_the_six_term_form():
    n, h, w, width = symbol("N"), symbol("H"), symbol("W"), symbol("w")
    cost = load("resnet50@v1.5").price(input=(3, h, w), batch=n, width=width)

    def c(m: int) -> object:
        return ceildiv(h, m) * ceildiv(w, m)

    six = n * width * (147 * c(2) + 32000) + n * width**2 * (60 * c(4) + 320 * c(8) + 1824 * c(16) + 3520 * c(32))
    assert cost.total.macs == six
    v, u = symbol("v"), symbol("u")
    under = cost.total.macs.substitute({"H": 32 * u, "W": 32 * v})
    assert under == 19776 * n * u * v * width**2 + 37632 * n * u * v * width + 32000 * n * width
    assert cost.total.macs.evaluate({"N": 1, "H": 224, "W": 224, "w": 64}) == 4_089_184_256


@pytest.mark.parametrize("network", NETWORKS, ids=[n.name for n in NETWORKS])
def test_isl_proves_the_closed_form_equal_to_the_layer_loop(network):
    low = least(network)
    channels = network.input[0]
    names = variables(H=low, W=low)
    form = network.price(input=(channels, symbol("H", at_least=low), symbol("W", at_least=low))).total
    closed = {
        kind: to_isl(count, names) for kind, count in {**form.counts._asdict(), **form.work._asdict()}.items()
    }  # before the loop, as its floors are the plain ones that the loop's nested ones turn out to be
    graph = network.build()
    loop = graph.evaluate((channels, names["H"], names["W"]))
    trunk = [priced for node, priced in zip(graph.nodes, loop, strict=True) if not node.aux]
    params, work = sum_params(priced.params for priced in trunk), sum_work(priced.work for priced in trunk)
    for kind, count in {**params._asdict(), **work._asdict()}.items():
        assert proven_equal(closed[kind], to_isl(0, names) + count), kind


@pytest.mark.parametrize("network", NETWORKS, ids=[n.name for n in NETWORKS])
def test_int_equals_array_equals_symbol(network):
    generator = np.random.default_rng(0)
    low = max(least(network), 32)
    sizes = generator.integers(low, 2 * low + 64, (2, 5))
    channels = network.input[0]
    arrays = network.price(input=(channels, sizes[0], sizes[1])).total
    form = network.price(input=(channels, symbol("H", at_least=low), symbol("W", at_least=low))).total
    for i, (height, width) in enumerate(sizes.T.tolist()):
        one = network.price(input=(channels, height, width)).total
        for kind, value in one.work._asdict().items():
            assert value == np.broadcast_to(getattr(arrays.work, kind), 5)[i]
            closed = getattr(form.work, kind)
            assert value == (closed if isinstance(closed, int) else closed.evaluate({"H": height, "W": width}))
