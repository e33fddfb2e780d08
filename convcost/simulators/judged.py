"""A simulator's layer table against a network: which row is which layer, what it says wrongly, what padding changes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal, NamedTuple, TypeAlias

from convcost.cost.cost import Cost
from convcost.ops import Linear
from convcost.simulators.layers import Layer, layers
from convcost.simulators.tables import LayerTable, Pair, Row

Verdict: TypeAlias = Literal["agrees", "no padding", "differs", "no such layer", "missing"]
GAP = 2
"""What a row or a layer without its other costs: what is one differs in less than four things."""


class Wanted(NamedTuple):
    """A row as a table should have it."""

    layer: Layer
    row: Row
    unpadded: Pair
    """The input's size without padding."""


class Judged(NamedTuple):
    """A row of the table, a layer of the network, or both."""

    row: Row | None
    wanted: Wanted | None
    verdict: Verdict
    differences: tuple[str, ...] = ()
    """What the row says and the layer has, in words."""

    @property
    def wrong(self) -> int:
        """Multiply-adds that are wrong in the row on an output of the layer's size: what it says less what is so."""
        return self._of_right_size - (self.wanted.row.macs if self.wanted else 0)

    @property
    def padding(self) -> int:
        """Multiply-adds that the row has too many (or, below 0, lacks) because its size is without padding."""
        return self.row.macs - self._of_right_size if self.row else 0

    @property
    def _of_right_size(self) -> int:
        """Multiply-adds of the row, had it the padding that it leaves out."""
        if self.row is None:
            return 0
        unpadded = self.wanted is not None and self.row.size == self.wanted.unpadded
        return self.row.macs_on(self.wanted.row.out) if self.wanted and unpadded else self.row.macs


def judge(table: LayerTable, cost: Cost) -> list[Judged]:
    """Every row with its layer, in the table's order; layers that it lacks stand behind those before them.

    A row is taken for the layer in whose place it stands, if they differ in few things, and else for any that it is
    exactly. Raises ConvcostError for a network that simulators cannot have.
    """
    wanted = [one for layer in layers(cost) for one in _rows_of(layer, table.tool)]
    pairs = _aligned(table.rows, wanted)
    lone_rows = [i for i in range(len(table.rows)) if i not in pairs]
    lone_layers = [j for j in range(len(wanted)) if j not in {*pairs.values()}]
    for i in lone_rows:
        if (j := next((j for j in lone_layers if not _differences(table.rows[i], wanted[j])), None)) is not None:
            pairs[i] = j
            lone_layers.remove(j)
    found: list[tuple[float, Judged]] = []
    for i, row in enumerate(table.rows):
        if i not in pairs:
            found.append((i, Judged(row, None, "no such layer")))
            continue
        one = wanted[pairs[i]]
        said = _differences(row, one)
        right = row.out == one.row.out or _same_product(row, one.row)
        found.append((i, Judged(row, one, "differs" if said else "agrees" if right else "no padding", said)))
    rows_of = {j: i for i, j in pairs.items()}
    for j in lone_layers:
        before = max((rows_of[k] for k in range(j) if k in rows_of), default=-1)
        found.append((before + 0.5, Judged(None, wanted[j], "missing")))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _rows_of(layer: Layer, tool: str) -> list[Wanted]:
    """The rows of a layer: one, or where a tool has no groups, one of each."""
    depthwise = layer.depthwise and layer.out_channels == layer.in_channels
    times = 1 if depthwise or tool == "Timeloop" else layer.groups
    x = layer.line.inputs[0]
    linear = isinstance(layer.line.op, Linear)
    unpadded = layer.covered if linear else (int(x[1]), int(x[2]))
    row = Row(
        layer.line.name,
        "",
        layer.in_channels // layer.groups,
        layer.out_channels // times,
        layer.groups if times == 1 else 1,
        layer.kernel,
        layer.stride,
        layer.covered,
        layer.out,
        layer.line.batch,
    )
    return [Wanted(layer, row, unpadded)] * times


def _same_product(row: Row, wanted: Row) -> bool:
    """Whether both are one product of a matrix and a vector: a linear layer may be written as a convolution."""
    inner = (prod(one.kernel) * one.channels for one in (row, wanted))
    return prod(row.out) == prod(wanted.out) == 1 and len({*inner}) == 1 and row.filters == wanted.filters


def _differences(row: Row, wanted: Wanted) -> tuple[str, ...]:
    """In what a row is another layer; padding that it leaves out is no difference."""
    right = wanted.row
    if _same_product(row, right):
        return ()
    said = [
        f"{what} {_shown(says)}, not {_shown(has)}"
        for what, says, has in (
            ("filter", row.kernel, right.kernel),
            ("channels", row.channels, right.channels),
            ("filters", row.filters, right.filters),
            ("groups", row.groups, right.groups),
            ("stride", row.stride, right.stride if max(right.out) > 1 else row.stride),
            ("batch", row.batch, right.batch),
        )
        if says != has
    ]
    if row.size is None:
        said += [f"output {_shown(row.out)}, not {_shown(right.out)}"] if row.out != right.out else []
    elif row.size != wanted.unpadded and (row.out != right.out or said) and row.size != right.size:
        said.append(f"input {_shown(row.size)}, not {_shown(right.size or right.out)}")
    return tuple(said)


def _shown(value: int | Pair) -> str:
    return f"{value[0]}x{value[1]}" if isinstance(value, tuple) else str(value)


def _aligned(rows: Sequence[Row], wanted: Sequence[Wanted]) -> dict[int, int]:
    """Which layer each row is, both in their order, such that as little as possible differs."""
    costs = [[0] * (len(wanted) + 1) for _ in range(len(rows) + 1)]
    known: dict[tuple[object, ...], int] = {}
    for i in range(len(rows), -1, -1):
        for j in range(len(wanted), -1, -1):
            if i == len(rows) or j == len(wanted):
                costs[i][j] = GAP * (len(rows) - i + len(wanted) - j)
                continue
            key = (rows[i][2:], wanted[j].row[2:], wanted[j].unpadded)
            if (cost := known.get(key)) is None:
                cost = known[key] = len(_differences(rows[i], wanted[j]))
            costs[i][j] = min(cost + costs[i + 1][j + 1], GAP + costs[i + 1][j], GAP + costs[i][j + 1])
    pairs: dict[int, int] = {}
    i = j = 0
    while i < len(rows) and j < len(wanted):
        cost = known[rows[i][2:], wanted[j].row[2:], wanted[j].unpadded]
        if costs[i][j] == cost + costs[i + 1][j + 1] and cost < 2 * GAP:
            pairs[i] = j
            i, j = i + 1, j + 1
        elif costs[i][j] == GAP + costs[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
