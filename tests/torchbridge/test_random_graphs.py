"""The IR against torch on random graphs out of all operators: shapes, params, statistics, macs by two counters.

1,000 in the normal run, and more of what these leave out, until every argument has been seen in all its forms; 50,000
behind the marker `slow`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from cases.operators import BOOLEANS, GOOD, INTEGERS, OPTIONAL, WORDS
from hypothesis import HealthCheck, given, settings
from random_graphs import random_graphs

from convcost import ops
from convcost.cost.graph import Graph
from convcost.errors import ConvcostError
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


def words_of(name: str, argument: str) -> set[Any]:
    """Those that an argument takes, as it lists them where it refuses one."""
    if argument == "ceil_mode":
        return {True, False, "caffe"}
    with pytest.raises(ConvcostError) as refused:
        REGISTRY[name](**GOOD.get(name, {}) | {argument: "?"})
    return {*str(refused.value).partition("must be ")[2].partition(", got")[0].split(" or ")}


def form(value: Any) -> str:
    """How an argument is said: as one number, one for each axis, or for each side of it."""
    if isinstance(value, tuple):
        return "sides" if any(isinstance(part, tuple) for part in value) else "axes"
    return "one"


def wanted() -> dict[tuple[str, str], set[Any]]:
    """By operator and argument, what has to be drawn of it: each form of a number, each word, true and false."""
    found: dict[tuple[str, str], set[Any]] = {}
    for name, op in REGISTRY.items():
        for field in op.fields:
            place = name, field.name
            found[place] = {*INTEGERS.get(name, {}).get(field.name, (None, ()))[1]}
            found[place] |= {None} if place in OPTIONAL else set()
            found[place] |= {True, False} if field.name in BOOLEANS.get(name, ()) else set()
            found[place] |= words_of(*place) if field.name in WORDS.get(name, ()) else set()
            found[place] |= {"two values"} if "one" in found[place] or not found[place] else set()
            if field.name == "padding" and field.type is not ops.geometry.Axes and name not in UNRULED:
                found[place] |= {"same"} | ({"valid"} if name != "conv_transpose" else set())
    return found


UNRULED = ("zeropad", "pad", "blurpool")
"""What pads by numbers alone."""


def test_1000_random_graphs_and_some_with_each_operator_and_argument() -> None:
    """So that none is compared only by luck, however many there are: the seldom ones begin graphs of their own."""
    seen = dict.fromkeys(REGISTRY, 0)
    every = wanted()
    values: dict[tuple[str, str], set[Any]] = {place: set() for place in every}
    ways = Counter[str]()

    def compared(graph: Graph) -> None:
        for name in {node.op.name for node in graph.nodes if node.op.name in seen}:
            seen[name] += 1
        for node in graph.nodes:
            for argument, value in vars(node.op).items():
                values[node.op.name, argument].add(value)
        ways["several inputs"] += len(graph.given) > 1
        ways["several outputs"] += len(graph.outputs) > 1
        ways["an auxiliary head"] += any(node.aux for node in graph.nodes)
        ways["weights used again"] += any(node.shares is not None for node in graph.nodes)
        agree(graph)

    def lacking(name: str) -> list[str]:
        """What no graph had of it yet."""
        found = [] if seen[name] >= 5 else [name]
        for (operator, argument), all_of_it in every.items():
            drawn = values[operator, argument]
            kinds = {value if value is None or isinstance(value, bool | str) else form(value) for value in drawn}
            kinds |= {"two values"} if len(drawn) > 1 else set()
            found += [f"{name}({argument}={kind})" for kind in all_of_it - kinds if operator == name]
        return found

    thorough(given(random_graphs())(compared))()
    for examples in (30, 100, 300, 1_000):
        for name in REGISTRY:
            if lacking(name):
                settings(thorough, max_examples=examples)(given(random_graphs(first=name))(compared))()
    never = [said for name in REGISTRY for said in lacking(name)]
    assert not never, f"tests/random_graphs.py draws none of {', '.join(never)}"
    assert min(ways.values()) >= 30, ways


@pytest.mark.slow
@settings(thorough, max_examples=50_000)
@given(random_graphs())
def test_50000_random_graphs(graph: Graph) -> None:
    agree(graph)
