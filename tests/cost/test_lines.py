"""Lines of a table: what `--only`, `--fold` and `--depth` make of the rows of a cost, and that nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from random_graphs import random_graphs

import convcost
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.graph import FOLDED, FOLDING, Graph
from convcost.counters.tools import NAMES
from convcost.errors import ConvcostError
from convcost.ops import Add, BatchNorm, Conv, ReLU


@given(random_graphs())
def test_a_fold_has_every_row_once_under_the_first_of_a_chain(graph: Graph) -> None:
    cost = Cost(graph)
    lines = cost.lines(fold=True)
    assert sorted(row.name for line in lines for row in line.rows) == sorted(row.name for row in cost.rows)
    takes = {node.name: [graph.nodes[i - 1].name if i else "" for i in node.inputs] for node in graph.nodes}
    for line in lines:
        first, *others = line.rows
        assert (line.name, line.op, line.shape) == (first.name, first.op, line.rows[-1].shape)
        assert not others or first.op.kind in FOLDING
        for before, row in zip(line.rows, others, strict=False):
            assert row.op.kind in FOLDED
            assert takes[row.name] == [before.name]
            assert sum(names.count(before.name) for names in takes.values()) == 1


@pytest.mark.parametrize(
    "name", ["resnet50", "densenet121", "googlenet", "mobilenet_v3_large", "alexnet", "efficientnet_b0", "lenet5"]
)
def test_a_fold_counts_by_every_rule_what_the_rows_count(name: str) -> None:
    cost = convcost.load(name).price(batch=3)
    lines = cost.lines(fold=True)
    assert (len(lines) < len(cost.rows)) == (name != "lenet5")  # whose squashing is a scale first
    for rule in NAMES:
        assert sum(line(as_=rule) for line in lines) == sum(row(as_=rule) for row in cost.rows) == cost.total(as_=rule)


def test_what_something_else_takes_too_is_not_folded() -> None:
    builder = GraphBuilder("net", (3, 8, 8))
    conv = builder.add(Conv(4, 1), builder.input, name="conv")
    norm = builder.add(BatchNorm(), conv, name="bn")
    left = builder.add(ReLU(), norm, name="left")
    builder.add(Add(), left, norm, name="add")
    lines = Cost(builder.graph()).lines(fold=True)
    assert [(line.name, line.operator) for line in lines] == [("conv", "conv+bn"), ("left", "relu"), ("add", "add")]


def test_lines_are_limited_before_they_are_folded_into_scopes() -> None:
    cost = convcost.load("googlenet").price()
    scopes = cost.lines(1, only=["conv"])
    convolutions = [row for row in cost.rows if row.operator == "conv"]
    assert [line.name for line in scopes] == list(dict.fromkeys(row.name.split("/")[0] for row in convolutions))
    assert sum(line.work.adds for line in scopes) == sum(row.work.adds for row in convolutions)
    assert cost.lines(only=["conv", "conv"]) == convolutions
    with pytest.raises(ConvcostError, match="unknown kind of operator 'norms'; did you mean norm"):
        cost.lines(only=["norms"])
