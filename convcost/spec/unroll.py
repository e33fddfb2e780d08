"""Repeats whose number of steps is a symbol: some first and last steps, and one that stands for all between.

A unit with a stride comes first and the others are alike; in DenseNet each is wider than the one before by the same
number of channels. So a few steps are written out, and the step with a symbolic index is built on a shape that is
linear in the index. `convcost.ops.repeat` checks the induction, and `Graph.evaluate` sums over the index.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from convcost.cost.builder import GraphBuilder, Tensor
from convcost.cost.graph import Repeat
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.ops import Shape
from convcost.ops.repeat import Step, Steps

if TYPE_CHECKING:
    from convcost.exact.poly.assume import Assumptions

State: TypeAlias = tuple[Tensor, ...]
"""What a step passes on to the next."""
TakeStep: TypeAlias = Callable[[State, Int, str], State]
"""Builds a step, from what it is given, its index, and a scope for its layers."""
ENDS = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1))
"""How many first and last steps are written out, in the order in which it is tried."""


class _GrowsError(ConvcostError):
    """The step with an index makes its input grow by this much."""

    def __init__(self, growth: tuple[Shape, ...]) -> None:
        super().__init__("the steps of a repeat grow")
        self.growth = growth


def unrolled(graph: GraphBuilder, count: Int, state: State, step: TakeStep) -> State:
    """What a symbolic number of steps makes of a state.

    Raises ConvcostError if neither the steps are alike nor their channels grow evenly, whichever ends are written out.
    """
    from convcost.exact.poly.assume import current

    assumptions = current()
    for first, last in ENDS:
        try:
            with graph.attempt(), assumptions.attempt(), assumptions.repeating(count, first + last):
                after = state
                for i in range(first):
                    after = step(after, i, str(i + 1))
                after = _between(graph, assumptions, first, count - first - last, after, step)
                for i in range(last):
                    after = step(after, count - last + i, f"last_{last - i}")
                return after
        except ConvcostError as error:
            reason = error
    raise ConvcostError(f"no closed form for {count} repeats: {reason}")


def _between(
    graph: GraphBuilder, assumptions: Assumptions, first: int, count: Int, state: State, step: TakeStep
) -> State:
    growth = tuple((0,) * len(tensor.shape) for tensor in state)
    try:
        with graph.attempt(), assumptions.attempt():
            return _any_step(graph, assumptions, first, count, growth, state, step)
    except _GrowsError as grows:
        return _any_step(graph, assumptions, first, count, grows.growth, state, step)


def _any_step(
    graph: GraphBuilder,
    assumptions: Assumptions,
    first: int,
    count: Int,
    growth: tuple[Shape, ...],
    state: State,
    step: TakeStep,
) -> State:
    index = assumptions.index(count - 1)
    (name,) = index.symbols
    repeat = Repeat(name, count)
    with graph.repeat(repeat), assumptions.stepping(*repeat), graph.scope("steps", numbered=True):
        given = tuple(graph.add(Step(more, index), tensor) for tensor, more in zip(state, growth, strict=True))
        made = step(given, first + index, name)
    found = tuple(
        tuple(a - b for a, b in zip(after.shape, before.shape, strict=True))
        for before, after in zip(given, made, strict=True)
        if len(after.shape) == len(before.shape)
    )
    if (
        found != growth
        and len(found) == len(growth)
        and not any(name in getattr(d, "symbols", ()) for more in found for d in more)
    ):
        raise _GrowsError(found)
    with assumptions.stepping(*repeat):  # what comes out of the last step is right without any: it grows by 0 then
        return tuple(
            graph.add(Steps(more, index, count), before, after)
            for before, after, more in zip(state, made, growth, strict=True)
        )
