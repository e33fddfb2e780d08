"""int64 arrays wrap around where Python's integers grow: counts that could are refused."""

from __future__ import annotations

from copy import copy
from typing import Any

from convcost.cost.graph import Graph
from convcost.cost.inputs import changed
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.ops import Input, Op, Params, Shape, Work, elements, inputs_of, sum_params, sum_work

LARGEST = 2**52
"""Of any count: a 2,048th of what int64 holds, more than any rule makes of it (a test adds up their weights) or the
bytes of an element do."""


def refuse_overflow(graph: Graph, input: Shape, batch: Int) -> None:
    """Raise ConvcostError if a count of a graph, or all its tensors together, come near what int64 holds.

    The same rules are asked once more: where only sizes are arrays, exactly, at the largest ones, as all counts grow
    with them; else on floating-point numbers, which do not wrap around. Operators divide early: no step on the way to a
    count is larger than the count.
    """
    import numpy as np

    if not graph.arrays:
        largest = changed(input, lambda size: int(np.max(size)))
        try:
            every = graph.evaluate_on(largest)
        except ConvcostError:  # a mixture of sizes that fits nowhere
            every = []
        if every:
            times = int(np.max(batch))
            held = elements(largest) + sum(elements(one.shape) for one in every)
            counts = [*sum_params(one.params for one in every), *(sum_work(one.work for one in every).times(times))]
            if max(*counts, held * times) < LARGEST:
                return

    def as_float(value: Any) -> Any:
        return np.asarray(value, dtype="float64")[()]

    def in_floats(op: Op) -> Op:
        """The operator with its arrays as floats, which no constructor would take."""
        changed = {name: _arrays(value, as_float) for name, value in vars(op).items() if _has_array(value)}
        if changed:
            op = copy(op)
            vars(op).update(changed)
        return op

    given = changed(input, as_float)
    tensors = [tuple(given)]
    params: list[Params] = []
    work: list[Work] = []
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for node in graph.nodes:
                if isinstance(node.op, Input):
                    tensors.append(inputs_of(given)[node.name])
                    continue
                op = in_floats(node.op)
                xs = [tensors[i] for i in node.inputs]
                tensors.append(tuple(map(as_float, op.out_shape(*xs))))
                params += [] if node.shares is not None else [op.params(xs, tensors[-1])]
                work.append(op.work(xs, tensors[-1]).times(as_float(batch)))
            held = sum(elements(tensor) for tensor in tensors) * as_float(batch)
            counts = [*sum_params(params), *sum_work(work), held]
            small = all(np.all(np.asarray(count) < LARGEST) for count in counts)
    except ConvcostError:  # they fitted exactly: only numbers above 2^53 are others as floats
        small = False
    if not small:
        raise ConvcostError(f"{graph.name}: a count of 2^53 or more does not fit the arrays; ask for it without them")


def _has_array(value: Any) -> bool:
    return any(map(_has_array, value)) if isinstance(value, tuple) else hasattr(value, "dtype")


def _arrays(value: Any, change: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_arrays(part, change) for part in value)
    return change(value) if hasattr(value, "dtype") else value
