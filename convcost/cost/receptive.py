"""Receptive fields: how much of the input one output position depends on, on any graph.

Per tensor and axis we keep the interval of input positions that each of its positions depends on. Intervals repeat, a
step further on: after every position, or after upsampling by f, every f positions. Windows join the intervals of the
positions they see; joins take the hull of their inputs' intervals, so branches of different depth and padding are right
(for chains without upsampling: Araujo et al. 2019, "Computing receptive fields of CNNs").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import gcd, lcm
from operator import index
from typing import NamedTuple, TypeAlias

from convcost.cost.graph import Graph
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import ceildiv
from convcost.ops import ResizeLike, Shape, Window, inputs_of


class ReceptiveField(NamedTuple):
    """Size and stride in input positions, per axis; both empty for an output that depends on the whole input."""

    size: tuple[int, ...]
    stride: tuple[Fraction, ...]

    @property
    def whole(self) -> bool:
        """Whether every output depends on the whole input, as after a global pooling."""
        return not self.size

    def __str__(self) -> str:
        if self.whole:
            return "all"
        return per_axis(self.size)


def per_axis(values: Sequence[object]) -> str:
    """One value per axis as text, or once if they are all the same: 11, 3x5x5."""
    return "x".join(map(str, values if len(set(values)) > 1 else values[:1]))


WHOLE = ReceptiveField((), ())


MAX_PHASES = 4096
"""Positions told apart on one axis: far above any network's upsampling."""
MAX_VISITS = 1_000_000
"""Positions looked at, on all layers: a hundred times what a network of the field takes, and at most a second."""

Interval: TypeAlias = tuple[int, int] | None
"""First and last input position, or None for none: between the windows of a transposed convolution."""


class _Axis(NamedTuple):
    """Position i depends on phases[i], and position i + len(phases) on the same, `step` further."""

    phases: tuple[Interval, ...]
    step: int

    def at(self, position: int) -> Interval:
        turn, phase = divmod(position, len(self.phases))
        interval = self.phases[phase]
        return None if interval is None else (interval[0] + turn * self.step, interval[1] + turn * self.step)

    def repeated(self, period: int) -> _Axis:
        """The same with another multiple of the period written out."""
        return _Axis(tuple(map(self.at, range(period))), self.step * (period // len(self.phases)))


def receptive_fields(graph: Graph, input: Shape, *, local: bool = False, of: str | None = None) -> list[ReceptiveField]:
    """The receptive field of every node for an input shape (channels, *sizes), of several in the one called `of`.

    By default that is the first. What depends on no position of it is said to see the whole.

    Behind a gate that pools the whole map (squeeze-and-excitation, Hu et al. 2018) every position depends on the whole
    input. With `local`, a path that has seen it all is left out where it meets one that has not: what remains is the
    field of the windows alone, which tells networks with gates apart.

    Raises ConvcostError if one depends on a symbol or an array, if maps are enlarged so much that it takes too long,
    and for an unknown input.
    """
    effort = _Effort()
    known = inputs_of(graph.input)
    chosen = next(iter(known)) if of is None else of
    if chosen not in known:
        raise ConvcostError(f"{graph.name} has no input {of!r}{did_you_mean(chosen, known)}")
    start = graph.given[[*known].index(chosen)]
    shapes: list[Shape] = [tuple(input)]
    spans: list[tuple[_Axis, ...] | None] = [None if start else _itself(shapes[0])]
    constant = {0} if start else set()  # tensors that the input has no say in
    for node, priced in zip(graph.nodes, graph.evaluate(input), strict=True):
        if len(shapes) == start:
            spans.append(_itself(priced.shape))
            shapes.append(priced.shape)
            continue
        if isinstance(node.op, ResizeLike):  # of the other it takes the size, and nothing else
            first, _ = node.inputs
            windows = node.op.between(shapes[first], priced.shape)
            parts = [_through(windows, spans[first], effort)]
        else:
            parts = [_through(node.op.windows(shapes[i]), spans[i], effort) for i in node.inputs if i not in constant]
        if not parts:
            constant.add(len(shapes))
        spans.append(_hull(parts, effort, local=local))
        shapes.append(priced.shape)
    return [_field(span) for span in spans[1:]]


def output_fields(graph: Graph, input: Shape, *, local: bool = False) -> dict[str, ReceptiveField]:
    """The receptive field of every output, by the name of its node.

    With `local`, that of the last on the way to it which does not see the whole input: before a global pooling, and
    without gates. It raises what `receptive_fields` does.
    """
    fields = receptive_fields(graph, input, local=local)
    shown = [0]  # of each tensor, by number, the one whose field stands for its own
    for i, (node, field) in enumerate(zip(graph.nodes, fields, strict=True), 1):
        before = max((shown[j] for j in node.inputs), default=0)
        shown.append(before if local and field.whole else i)
    return {graph.names[i - 1]: fields[shown[i] - 1] if shown[i] else WHOLE for i in graph.outputs}


def _itself(input: Shape) -> tuple[_Axis, ...] | None:
    """Each position of an input depends on itself; of one that has no positions, nothing is told apart."""
    return (_Axis(((0, 0),), 1),) * (len(input) - 1) or None


class _Effort:
    """What is left of MAX_VISITS."""

    def __init__(self) -> None:
        self.left = MAX_VISITS

    def spend(self, period: int, each: int) -> None:
        """Look at `each` positions for every one of a period. Raises ConvcostError if that is too much."""
        if period > MAX_PHASES:
            raise ConvcostError(f"receptive fields: upsampled {period} times, at most {MAX_PHASES} are followed")
        self.left -= period * each
        if self.left < 0:
            raise ConvcostError("receptive fields: the maps are upsampled too much to be followed through all layers")


def _through(
    windows: tuple[Window, ...] | None, axes: tuple[_Axis, ...] | None, effort: _Effort
) -> tuple[_Axis, ...] | None:
    if axes is None or windows is None:
        return None
    return tuple([_window(*each, effort) for each in zip(axes, windows, strict=True)]) if windows else axes


def _window(axis: _Axis, window: Window, effort: _Effort) -> _Axis:
    try:
        extent, stride, before, upsampling = map(index, window)
    except TypeError:
        raise ConvcostError("receptive fields: known of one network at a time, not of symbols or arrays") from None
    grid = len(axis.phases) * upsampling
    period = grid // gcd(grid, stride)
    effort.spend(period, min(ceildiv(extent, upsampling), 2 * len(axis.phases)))
    phases = []
    for position in range(period):
        start = position * stride - before
        first, last = ceildiv(start, upsampling), (start + extent - 1) // upsampling
        # The intervals between move with the position, and repeat: the ends and one turn from each tell the hull.
        turn = len(axis.phases)
        seen = {*range(first, min(last + 1, first + turn)), *range(max(first, last + 1 - turn), last + 1)}
        phases.append(_union(map(axis.at, seen)))
    return _Axis(tuple(phases), axis.step * (period * stride // grid))


def _hull(parts: list[tuple[_Axis, ...] | None], effort: _Effort, *, local: bool) -> tuple[_Axis, ...] | None:
    known = [part for part in parts if part is not None]
    if not known or (len(known) < len(parts) and not local):
        return None
    return known[0] if len(known) == 1 else tuple([_join(axes, effort) for axes in zip(*known, strict=True)])


def _join(axes: tuple[_Axis, ...], effort: _Effort) -> _Axis:
    period = lcm(*(len(axis.phases) for axis in axes))
    effort.spend(period, len(axes))
    same = [axis.repeated(period) for axis in axes]
    return _Axis(tuple(map(_union, zip(*(a.phases for a in same), strict=True))), max(a.step for a in same))


def _union(intervals: Iterable[Interval]) -> Interval:
    some = [interval for interval in intervals if interval is not None]
    return (min(first for first, _ in some), max(last for _, last in some)) if some else None


def _field(axes: tuple[_Axis, ...] | None) -> ReceptiveField:
    if axes is None:
        return WHOLE
    # Positions of an upsampled map do not all see equally many inputs; this is the most.
    return ReceptiveField(
        tuple(max((last - first + 1 for first, last in filter(None, a.phases)), default=0) for a in axes),
        tuple(Fraction(a.step, len(a.phases)) for a in axes),
    )
