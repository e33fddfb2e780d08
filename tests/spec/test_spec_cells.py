"""What NASNet taught the spec language: the input before the last one, and joins of chains as layers of a name."""

from __future__ import annotations

import pytest

from convcost.cost.graph import Graph
from convcost.errors import ConvcostError
from convcost.spec import document
from convcost.spec.model import Spec


def build(layers: str, more: str = "") -> Graph:
    text = f"name: cells\ninput: 1x8x8\n{more}\nlayers:\n{layers}"
    spec = Spec(document.parse(text, "cells.yaml"), text)
    return spec.build("cells", spec.input, spec.settings("cells", None, {}))


def widths(graph: Graph) -> dict[str, object]:
    return {node.name: priced.shape[0] for node, priced in zip(graph.nodes, graph.evaluate(), strict=True)}


CELL = "blocks:\n  cell(p): concat(input, p)"


def test_previous_is_the_input_of_the_step_before() -> None:
    """Widths add up as Fibonacci's numbers, inside the repeat and after it."""
    graph = build(
        """
  - a: conv(1, 1)
  - b: conv(2, 1)
  - cells: {repeat: 4, previous: a, layers: cell(previous)}
  - last: concat(cells, previous)
  - more: {repeat: 2, previous: previous, layers: cell(previous)}
""",
        CELL,
    )
    assert widths(graph) == {
        "a": 1,
        "b": 2,
        "cells/1/concat": 3,
        "cells/2/concat": 5,
        "cells/3/concat": 8,
        "cells/4/concat": 13,
        "last": 13 + 8,
        # 21 comes in, and the step before the repeat took 8
        "more/1/concat": 21 + 8,
        "more/2/concat": 29 + 21,
    }


def test_previous_may_be_chosen() -> None:
    layers = """
  - a: conv(1, 1)
  - b: conv(2, 1)
  - cells: {repeat: 1, previous: b if far else a, layers: cell(previous)}
"""
    for far, width in (("true", 4), ("false", 3)):
        assert widths(build(layers, f"knobs: {{far: {far}}}\n{CELL}"))["cells/1/concat"] == width


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            "  - a: conv(1, 1)\n  - {repeat: 2, previous: c, layers: cell(previous)}",
            "cells.yaml:7:27: unknown name 'c'",
        ),
        (
            "  - a: conv(1, 1)\n  - {repeat: 2, previous: 3, layers: cell(previous)}",
            "cells.yaml:7:27: the name of an earlier layer is needed here, not 3",
        ),
        (
            "  - a: conv(1, 1)\n  - {repeat: 2, layers: cell(previous)}",
            "cells.yaml:7:30: unknown name 'previous'",
        ),
    ],
)
def test_previous_needs_a_layer(layers: str, message: str) -> None:
    with pytest.raises(ConvcostError) as error:
        build(layers, CELL)
    assert str(error.value) == message


def test_previous_is_a_word_of_the_language() -> None:
    with pytest.raises(ConvcostError, match="'previous' cannot name a value"):
        build("  - conv(previous, 1)", "knobs: {previous: 3}")


def test_a_join_of_chains_holds_their_layers() -> None:
    graph = build(
        """
  - a: conv(1, 1)
  - both: add(a >> relu, a >> relu)
  - sum: add(a, both)
"""
    )
    assert [node.name for node in graph.nodes] == ["a", "both/relu", "both/relu_2", "both/add", "sum"]
