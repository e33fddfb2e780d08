"""Explanations: the smallest edits of a row's network that reproduce all its printed counts at once.

A row that is a scope of a network is searched layer by layer: other widths (multiples of what all widths of the network
are multiples of), another input width, another kernel, a depthwise-separable, factorised, grouped or missing layer,
two 3x3 in place of a 5x5; one such edit, or two of which one is a width. The widths are searched as numpy arrays,
through the operators' own rules.

The size of an explanation is the number of its edits, and one for each cell that must have lost its digits in another
way than its column. How many equally small ones there are says what one is worth: of forty, little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import combinations
from math import gcd
from typing import Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Node, evaluate
from convcost.counters.line import Line
from convcost.counters.rules import rule
from convcost.errors import ConvcostError
from convcost.ops import NO_PARAMS, Conv, DepthwiseConv, Op, Shape, sum_params, sum_work
from convcost.printed.numbers import KILO, ROUNDINGS
from convcost.published.claims import Claim
from convcost.published.counting import rows_of
from convcost.published.readings import ALL, OWN, Reading, any_rounding, whole

MOST_EDITS = 2
"""The largest explanation that is worth telling."""
MOST_LAYERS = 24
"""Multiplying layers of a scope that is searched; beyond, one edit of many is no explanation."""
SHOWN = 3
_MULTIPLIERS = 16
_KERNELS = (1, 3, 5, 7)
_GROUPS = (2, 4, 8, 16, 32)
NEVER = 9
"""Slips of a count that is not printed so, however it lost its digits."""


class Explanation(NamedTuple):
    """Edits that reproduce a row, and its exact counts with them."""

    size: int
    edits: tuple[str, ...]
    weights: int
    macs: int
    slips: tuple[str, ...] = ()
    """Cells that lost their digits in another way than their column."""

    def __str__(self) -> str:
        said = "; ".join([*(self.edits or ["as it is"]), *self.slips])
        return f"{said}: {self.weights:,} weights, {self.macs:,} macs"


class Explanations(NamedTuple):
    """The smallest explanations of a row."""

    found: tuple[Explanation, ...]
    """The first few of the smallest ones, those that change least first."""
    equally_small: int
    """How many there are of that size."""
    tried: int
    """Edits, alone and in pairs."""
    why_none: str = ""

    def __str__(self) -> str:
        if not self.found:
            return self.why_none or f"none of {self.tried:,} edits, alone and in pairs, reproduces the row"
        worth = "the only one of its size" if self.equally_small == 1 else f"one of {self.equally_small:,} as small"
        return f"{self.found[0]} ({worth}; {self.tried:,} tried)"


class _Edit(NamedTuple):
    """One change of a scope: of its input, or of a layer. `values` are candidates, or one that stands for itself."""

    layer: str
    """The node; '' for the scope's input."""
    say: Callable[[int], str]
    values: Sequence[int]
    ops: Callable[[Any], tuple[Op, ...]] | None
    """What stands for the node, given a candidate or an array of them; None for the input's width."""
    near: Callable[[int], float]
    """How little it changes, for the order among equals."""

    @property
    def width(self) -> bool:
        return len(self.values) > 1


def explain(cost: Cost, group: Sequence[Claim], readings: Mapping[str, Reading]) -> Explanations:
    """The smallest edits that reproduce the printed counts of a row, which are all about one scope of a network.

    Args:
        cost: of the network that the row names.
        group: the row's printed counts.
        readings: the convention of params and of ops.
    """
    if refused := searchable(group, readings):
        return refused
    search = _Search(cost, group, readings)
    if not 0 < search.layers <= MOST_LAYERS:
        return Explanations((), 0, 0, f"edits are searched in rows of at most {MOST_LAYERS} layers that multiply")
    return search.run()


def searchable(group: Sequence[Claim], readings: Mapping[str, Reading]) -> Explanations | None:
    """The refusal of a search under another tool's count; None if edits can be searched."""
    if all(readings[claim.quantity].measure in OWN for claim in group):
        return None
    return Explanations((), 0, 0, "edits are searched under macs and 2 x macs, not under another tool's count")


class _Search:
    def __init__(self, cost: Cost, group: Sequence[Claim], readings: Mapping[str, Reading]) -> None:
        import numpy as np

        self.np = np
        self.scope = group[0].lead
        self.rows = rows_of(cost, self.scope)
        self.nodes, self.outside = _subgraph(cost, {row.name for row in self.rows})
        self.layers = sum(bool(row.work.macs) for row in self.rows)
        self.targets = [Target(claim, readings[claim.quantity]) for claim in group]
        self.tried = 0
        widths = [row.op.out_channels for row in cost.rows if isinstance(row.op, Conv)]
        widths = [width for width in widths if isinstance(width, int)]
        self.step = reduce(gcd, widths, 0) or 1
        self.most = 2 * max((row.op.out_channels for row in self.rows if isinstance(row.op, Conv)), default=64)
        self.found: list[tuple[int, float, Callable[[], Explanation]]] = []

    def run(self) -> Explanations:
        edits = list(self.edits())
        self.evaluate(())  # digits lost in another way, and nothing else
        for edit in edits:
            self.evaluate((edit,))
        best = min((size for size, _, _ in self.found), default=NEVER)
        if best > 1:
            for pair in combinations(edits, 2):
                if pair[0].layer != pair[1].layer and (pair[0].width or pair[1].width):
                    self.evaluate(pair)
            best = min((size for size, _, _ in self.found), default=NEVER)
        smallest = sorted((one for one in self.found if one[0] == best), key=lambda one: one[1])
        return Explanations(tuple(make() for _, _, make in smallest[:SHOWN]), len(smallest), self.tried)

    # -- edits ---------------------------------------------------------------------------------------------------

    def edits(self) -> Iterator[_Edit]:
        """Every edit of one layer, or of the scope's input."""
        outside = next(iter(self.outside.values()))
        if len(self.outside) == 1:
            widths = self.widths(outside[0])
            yield _Edit("", lambda v: f"{v} instead of {outside[0]} input channels", widths, None, _from(outside[0]))
        for row in self.rows:
            if isinstance(row.op, Conv):
                yield from self.of_conv(row, row.op)

    def widths(self, now: int) -> list[int]:
        return [width for width in range(self.step, max(self.most, 2 * now) + 1, self.step) if width != now]

    def of_conv(self, row: Line, op: Conv) -> Iterator[_Edit]:
        """Other widths, kernels and kinds of a convolution."""
        name, kernel = row.name, op.kernel_size
        short = name.removeprefix(f"{self.scope}/") if name != self.scope else name

        def one(say: str, *ops: Op) -> _Edit:
            return _Edit(name, lambda _: f"{short} {say}", (0,), lambda _: ops, lambda _: 1.0)

        if op.groups == 1:
            yield _Edit(
                name,
                lambda v: f"{short} of {v} instead of {op.out_channels} channels",
                self.widths(op.out_channels),
                lambda v: (op.replace(out_channels=v),),
                _from(op.out_channels),
            )
        if not isinstance(kernel, int):
            yield one("missing")
            return
        if kernel > 1 and op.groups == 1:
            depthwise = DepthwiseConv(kernel, op.stride, op.padding, op.dilation, 1, False)
            pointwise = Conv(op.out_channels, 1, bias=op.bias)
            yield _Edit(
                name,
                lambda v: f"{short} as a {kernel}x{kernel} depthwise-separable convolution with multiplier {v}",
                tuple(range(1, _MULTIPLIERS + 1)),
                lambda v: (depthwise.replace(multiplier=v), pointwise),
                lambda _: 1.0,
            )
            along = op.replace(kernel_size=(kernel, 1), stride=(op.stride, 1), padding="same")
            across = op.replace(kernel_size=(1, kernel), stride=(1, op.stride), padding="same")
            if isinstance(op.stride, int):
                yield one(f"factorised into {kernel}x1 and 1x{kernel}", along, across)
            if kernel == 5:  # Szegedy et al. 2016
                yield one("as two 3x3", op.replace(kernel_size=3, stride=1), op.replace(kernel_size=3))
        for other in _KERNELS:
            if other != kernel:
                yield one(f"{other}x{other} instead of {kernel}x{kernel}", op.replace(kernel_size=other))
        for groups in _GROUPS:
            if op.groups == 1 and not op.out_channels % groups and not row.inputs[0][0] % groups:
                yield one(f"in {groups} groups", op.replace(groups=groups))
        yield one("missing")

    # -- evaluation ----------------------------------------------------------------------------------------------

    def evaluate(self, edits: tuple[_Edit, ...]) -> None:
        """Price the scope with the edits, for all their candidates at once, and keep those that reproduce the row."""
        grids = self.candidates(edits)
        try:
            weights, line = self.price(edits, grids)
        except ConvcostError:  # the widths no longer fit each other
            return
        shape = tuple(len(edit.values) for edit in edits)
        slips = self.np.zeros(shape, dtype="int64")
        for target in self.targets:
            slips = slips + target.slips(target.of(line), self.np)
        self.tried += slips.size
        macs = self.np.broadcast_to(line.macs, shape)
        weights = self.np.broadcast_to(weights, shape)
        for index in self.np.argwhere(slips < NEVER):
            at = tuple(map(int, index))
            chosen = [(edit, edit.values[i]) for edit, i in zip(edits, at, strict=True)]
            near = sum(edit.near(value) for edit, value in chosen)
            size = len(edits) + int(slips[at])
            if size > MOST_EDITS:
                continue
            self.found.append((size, near, partial(self.told, size, chosen, weights[at], macs[at])))

    def candidates(self, edits: tuple[_Edit, ...]) -> list[Any]:
        """The candidates of each edit along an axis of its own."""
        axes = []
        for axis, edit in enumerate(edits):
            shape = [1] * len(edits)
            shape[axis] = len(edit.values)
            values = self.np.array(edit.values, dtype="int64").reshape(shape)
            axes.append(values if edit.width else edit.values[0])
        return axes

    def price(self, edits: Sequence[_Edit], grids: Sequence[Any]) -> tuple[Any, Line]:
        chains: dict[str, tuple[Op, ...]] = {}
        outside = dict(self.outside)
        for edit, grid in zip(edits, grids, strict=True):
            if edit.ops is None:
                ((index, shape),) = outside.items()
                outside[index] = (grid, *shape[1:])
            else:
                chains[edit.layer] = () if edit.say(0).endswith("missing") else edit.ops(grid)
        line = _price(self.nodes, outside, chains)
        return line.weights, line

    def told(self, size: int, chosen: Sequence[tuple[_Edit, int]], weights: Any, macs: Any) -> Explanation:
        edits = tuple(edit.say(value) for edit, value in chosen)
        line = self.price([edit for edit, _ in chosen], [value for _, value in chosen])[1]
        slips = tuple(said for target in self.targets if (said := target.told(int(target.of(line)))))
        return Explanation(size, edits, int(weights), int(macs), slips)


class Target:
    """A printed count: how many slips (0, 1, or never) an exact count needs to be printed so."""

    def __init__(self, claim: Claim, reading: Reading) -> None:
        assert claim.printed is not None  # noqa: S101  # sizes are not searched
        self.claim = claim
        self.printed = claim.printed
        self.reading = reading._replace(part=ALL)
        self.of = rule(reading.measure).of
        self.fair = whole(self.reading.interval(self.printed))
        self.slipped = [whole(any_rounding(self.printed, k)) for k in KILO]

    def slips(self, counts: Any, np: Any) -> Any:
        """0, 1 or NEVER for each of the counts."""
        counts = np.asarray(counts, dtype="int64")
        slipped = reduce(np.logical_or, (_within(counts, bounds) for bounds in self.slipped))
        return np.where(_within(counts, self.fair), 0, np.where(slipped, 1, NEVER))

    def told(self, count: int) -> str:
        """How the cell lost its digits, if that is not the column's way."""
        if _within(count, self.fair):
            return ""
        ways = (self.reading._replace(rounding=way, k=k) for k in KILO for way in ROUNDINGS)
        holding = [way for way in ways if way.holds(self.printed, count)]
        way = min(holding, key=lambda one: len(one.differences(self.reading)))
        return f"{self.claim.text} {', '.join(way.differences(self.reading))}"


def _within(counts: Any, bounds: tuple[int, int | None]) -> Any:
    low, high = bounds
    return (counts >= low) if high is None else (counts >= low) & (counts <= high)


def _from(now: int) -> Callable[[int], float]:
    """How far a width is from what it was, as a part of it."""
    return lambda value: abs(value - now) / now


def _subgraph(cost: Cost, names: set[str]) -> tuple[list[tuple[int, Node]], dict[int, Shape]]:
    """The nodes of a scope with the numbers of their outputs, and the shapes of what they take from outside."""
    shapes = [cost.input, *(row.shape for row in cost.rows)]
    nodes = [(number, node) for number, node in enumerate(cost.graph.nodes, 1) if node.name in names]
    inner = {number for number, _ in nodes}
    outside = {index: shapes[index] for _, node in nodes for index in node.inputs if index not in inner}
    return nodes, outside


def _price(nodes: Sequence[tuple[int, Node]], outside: Mapping[int, Shape], chains: Mapping[str, Sequence[Op]]) -> Line:
    """The cost of a part of a graph, with chains of operators in the place of some nodes."""
    shapes = dict(outside)
    counts, work = [], []
    shape: Shape = ()
    for number, node in nodes:
        xs = tuple(shapes[index] for index in node.inputs)
        for op in chains.get(node.name, (node.op,)):
            result = evaluate(op, xs)
            counts.append(result.params if node.shares is None else NO_PARAMS)
            work.append(result.work)
            xs = (result.shape,)
        shapes[number] = shape = xs[0]
    return Line("", None, tuple(outside.values()), shape, sum_params(counts), sum_work(work), 0)
