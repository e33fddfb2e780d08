"""The IR against torch on random graphs out of all operators: shapes, params, statistics, macs by two counters.

1,000 in the normal run; 50,000 behind the marker `slow`.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
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


def test_1000_random_graphs_and_some_of_each_operator() -> None:
    """So that none is compared only by luck, however many there are: the seldom ones begin graphs of their own."""
    seen = dict.fromkeys(REGISTRY, 0)

    def compared(graph: Graph) -> None:
        for name in {node.op.name for node in graph.nodes}:
            seen[name] += 1
        agree(graph)

    thorough(given(random_graphs())(compared))()
    for name in REGISTRY:
        if seen[name] < 5:
            settings(thorough, max_examples=30)(given(random_graphs(first=name))(compared))()
    assert min(seen.values()) >= 3, {name: n for name, n in seen.items() if n < 3}


@pytest.mark.slow
@settings(thorough, max_examples=50_000)
@given(random_graphs())
def test_50000_random_graphs(graph: Graph) -> None:
    agree(graph)
