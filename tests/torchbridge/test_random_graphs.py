"""The IR against torch on random graphs out of all operators: shapes, params, statistics, macs by two counters.

1,000 in the normal run; 50,000 behind the marker `slow`.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, seed, settings
from random_graphs import random_graphs

from convcost.cost.graph import Graph
from convcost.ops import REGISTRY
from convcost.torchbridge.crosscheck import verify_graph

pytestmark = pytest.mark.usefixtures("one_thread")


def agree(graph: Graph) -> None:
    report = verify_graph(graph, graph.input, torch.device("cpu"))
    assert report.ok, "\n".join(map(str, report.differences))
    assert "fvcore" in report.against
    assert "FlopCounterMode" in report.against


# An example takes 15 ms, which is a lot for hypothesis and little for two traces of a network.
thorough = settings(max_examples=1_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


ROUNDS = 4


def test_1000_random_graphs_and_more_until_each_operator_is_in_five() -> None:
    """So that none is compared only by luck, however many operators there are."""
    seen = dict.fromkeys(REGISTRY, 0)

    @thorough
    @given(random_graphs())
    def compared(graph: Graph) -> None:
        for name in {node.op.name for node in graph.nodes}:
            seen[name] += 1
        agree(graph)

    for again in (compared, *(seed(number)(compared) for number in range(1, ROUNDS))):
        again()
        if min(seen.values()) >= 5:
            return
    pytest.fail(f"too seldom in {ROUNDS},000 graphs: {[(name, n) for name, n in seen.items() if n < 5]}")


@pytest.mark.slow
@settings(thorough, max_examples=50_000)
@given(random_graphs())
def test_50000_random_graphs(graph: Graph) -> None:
    agree(graph)
