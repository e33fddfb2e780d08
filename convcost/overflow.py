"""int64 arrays wrap around where Python's integers grow: counts that could are refused."""

from __future__ import annotations

from typing import Any

from convcost.errors import ConvcostError
from convcost.graph import Graph
from convcost.integers import Int
from convcost.ops import Params, Shape, Work, sum_params, sum_work

LARGEST = 2**60
"""Of any count: an eighth of what int64 holds, so that a convention can multiply it, and far more than floats lose."""


def refuse_overflow(graph: Graph, input: Shape, batch: Int) -> None:
    """Raise ConvcostError if a count of a graph comes near what int64 holds.

    The same rules are asked once more on floating-point numbers, which do not wrap around. Operators divide early: no
    step on the way to a count is larger than the count.
    """
    import numpy as np

    def as_float(value: Int) -> Any:
        return np.asarray(value, dtype="float64")[()]

    tensors = [tuple(map(as_float, input))]
    params: list[Params] = []
    work: list[Work] = []
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for node in graph.nodes:
                xs = [tensors[i] for i in node.inputs]
                tensors.append(tuple(map(as_float, node.op.out_shape(*xs))))
                params.append(node.op.params(xs, tensors[-1]))
                work.append(node.op.work(xs, tensors[-1]).times(as_float(batch)))
            counts = [*sum_params(params), *sum_work(work)]
            small = all(np.all(np.asarray(count) < LARGEST) for count in counts)
    except ConvcostError:  # they fitted exactly: only numbers above 2^53 are others as floats
        small = False
    if not small:
        raise ConvcostError(f"{graph.name}: a count of 2^60 or more does not fit the arrays; ask for it without them")
