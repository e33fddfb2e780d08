"""The order that holds least, against every order of small networks."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcost import ops
from convcost.cli import run
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.memory import peak
from convcost.cost.order import best_order, reordered
from convcost.errors import ConvcostError, unwarned
from convcost.exact.poly import symbol
from convcost.network import load


def every_order(cost):
    """What each order that a network can run in holds at most."""
    nodes = cost.graph.nodes
    for order in permutations(range(len(nodes))):
        if all(i == 0 or order.index(i - 1) < at for at, n in enumerate(order) for i in nodes[n].inputs):
            yield peak(Cost(reordered(cost.graph, list(order)), cost.input))


@st.composite
def small(draw):
    """Up to four layers over tensors that were made before, and a join of what nothing else takes."""
    g = GraphBuilder("small", input=(draw(st.integers(1, 4)), 2, 2))
    made, taken = [g.input], set()
    for _ in range(draw(st.integers(1, 4))):
        given = [draw(st.sampled_from(made))]
        op = draw(st.sampled_from([ops.Conv(1, 1), ops.Conv(3, 1), ops.Conv(9, 1), ops.Dropout(), ops.Concat()]))
        if isinstance(op, ops.Concat):
            given.append(draw(st.sampled_from(made)))
        taken.update(x.index for x in given)
        made.append(g.add(op, *given))
    g.add(ops.Concat(), *(x for x in made[1:] if x.index not in taken), made[-1])
    return Cost(g.graph())


@settings(max_examples=40)
@given(small())
def test_no_order_holds_less(cost):
    found = best_order(cost)
    assert found.proved
    assert found.peak == peak(found.cost) == min(every_order(cost))
    assert found.cost.total.macs == cost.total.macs


def test_the_small_branch_first():
    """By hand, of 4 positions: 1 channel in; a wide branch (8, then 1) and a narrow one (2). Wide first, with nothing
    but the input held: 1 + 8 + 1 channels, then 1 + 1 + 2; narrow first: 1 + 2 + 8, and 2 + 8 + 1.
    """
    g = GraphBuilder("branches", input=(1, 2, 2))
    narrow = g.add(ops.Conv(2, 1), g.input)
    wide = g.add(ops.Conv(1, 1), g.add(ops.Conv(8, 1), g.input))
    g.add(ops.Concat(), narrow, wide)
    cost = Cost(g.graph())
    assert peak(cost) == 4 * (1 + 2 + 8)
    assert best_order(cost).peak == 4 * (1 + 8 + 1)
    assert best_order(cost, sets=0).peak == 4 * (1 + 2 + 8)  # without a search, the given one
    assert not best_order(cost, sets=0).proved
    assert best_order(cost, sets=0).bound <= 4 * (1 + 8 + 1)


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "mobilenet_v2", "squeezenet"])
def test_orders_of_networks_are_proved(name):
    with unwarned():
        cost = load(name).price("3x64x64")
        found = best_order(cost)
        assert found.proved
        assert found.peak == peak(found.cost) <= peak(cost)


def test_symbols_have_no_best_order():
    cost = load("resnet18").price((3, symbol("H"), symbol("H")))
    with pytest.raises(ConvcostError, match="only sizes that are numbers"):
        best_order(cost)


def test_the_command_says_what_is_proved(capsys):
    assert run(["memory", "squeezenet", "--best-order", "--input", "3x64x64"]) == 0
    assert "in an order than which none holds less" in " ".join(capsys.readouterr().out.split())
    assert run(["memory", "squeezenet", "--best-order", "--rules"]) == 2
    assert "--best-order is of layers" in capsys.readouterr().err
