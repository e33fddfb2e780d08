"""What a graph costs: one row per node, folded by scope, in total, and by a rule of counting.

Counts are exact, of the kind of the input shape's sizes: ints, int64 arrays or symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, overload

from convcost.cost.doubts import warn_of
from convcost.cost.graph import Evaluated, Graph
from convcost.cost.inputs import Given, admitted, sizes_of
from convcost.counters.line import Line
from convcost.counters.rules import rule
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, require_above, require_integer, total, unboxed
from convcost.ops import Op, Shape, format_shape, operators_of, sum_params, sum_work
from convcost.ops.traced import Traced

if TYPE_CHECKING:
    from convcost.cost.receptive import ReceptiveField
    from convcost.render.table import Table


def checked_batch(batch: Int) -> Int:
    """The number of samples, as a plain int where it is a scalar of numpy. Raises ConvcostError unless it is >= 1."""
    plain = unboxed(batch)
    if not require_integer(plain) or not require_above(plain, 0):
        raise ConvcostError(f"batch must be an integer >= 1, got {batch}")
    return plain


class Cost(Sequence[Line]):
    """The cost of a graph on one input: a sequence of rows, one per node, in execution order.

    `cost["inception_3a"]` is the line of a scope or a node, `cost.total` the network's at inference, and
    `cost.with_auxiliary` the same with the auxiliary heads. Of several inputs, `cost.input.of` has the shapes by name.
    """

    def __init__(self, graph: Graph, input: Given | None = None, batch: Int = 1) -> None:
        """Price every node.

        Raises ShapeError, naming the layer, if the input does not fit, and ConvcostError if arrays cannot hold a count.
        Warns (ConvcostWarning) of what fits but is rarely meant: a kernel larger than its map, a stride that leaves
        inputs out, padding of half a kernel.
        """
        self.graph = graph
        self.input: Shape = graph.input if input is None else admitted(graph.name, graph.input, input)
        self.batch = checked_batch(batch)
        try:
            self._priced = self._price()
        except ValueError as error:
            if isinstance(error, ConvcostError):
                raise
            raise ConvcostError(f"{graph.name}: {error}") from None  # numpy's: the batch is an array of another length
        if graph.arrays or any(hasattr(value, "dtype") for value in (*sizes_of(self.input), self.batch)):
            from convcost.cost.overflow import refuse_overflow

            refuse_overflow(graph, self.input, self.batch)
        warn_of(graph, self.input, self._priced)

    def _price(self) -> list[Evaluated]:
        batch, priced = self.batch, self.graph.evaluate_on(self.input)
        if isinstance(batch, int) and batch == 1:
            return priced
        times = {id(one): one.times(batch) for one in {id(one): one for one in priced}.values()}
        return [times[id(one)] for one in priced]

    @cached_property
    def rows(self) -> tuple[Line, ...]:
        """One line per node, in execution order, made when first asked for; equal layers share what they cost."""
        # Line by line, without a call of Python's for each.
        graph, columns = self.graph, zip(*self._priced, strict=True)
        fields = zip(graph.names, *columns, graph.aux, repeat(self.batch), graph.alone_after, repeat(()))
        return tuple(map(partial(tuple.__new__, Line), fields))

    def __len__(self) -> int:
        return len(self._priced)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.rows)

    def __contains__(self, key: object) -> bool:
        """Whether there is a node or a scope of this name, or this row."""
        return key in (self._scopes if isinstance(key, str) else self.rows)

    def table(
        self, depth: int | None = None, as_: str = "macs", *, only: Collection[str] = (), fold: bool = False
    ) -> Table:
        """The table of layers, or of scopes down to `depth`, counted by a rule: what `convcost layers` prints.

        `print` shows it, a notebook too, and its `to_records()` are plain dicts. `only` and `fold` are those of
        `lines`. Raises ConvcostError for a depth that is no integer >= 1, and for an unknown rule or kind.
        """
        from convcost.views.networks import layers

        return layers(self, depth, as_, only=only, fold=fold)

    def to_records(
        self, depth: int | None = None, as_: str = "macs", *, only: Collection[str] = (), fold: bool = False
    ) -> list[dict[str, int | str | None]]:
        """The rows of `table` as plain dicts of exact ints and texts: `pandas.DataFrame(cost.to_records())`."""
        return self.table(depth, as_, only=only, fold=fold).to_records()

    def __getattr__(self, name: str) -> Any:
        if name in ("flops", "macs", "params", "weights", "activations"):
            said = "total.macs, or total(as_='flops2') for 2 x macs" if name == "flops" else f"total.{name}"
            raise AttributeError(f"a Cost has no {name}: write cost.{said}, or cost['scope'] for a part of it")
        raise AttributeError(f"a Cost has no {name!r}")

    def __str__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()

    def _repr_latex_(self) -> str:
        return self.table()._repr_latex_()

    def __repr__(self) -> str:
        return f"<Cost of {self.graph.name} at {format_shape(self.input)}, batch {self.batch}: {len(self)} layers>"

    @overload
    def __getitem__(self, key: int | str) -> Line: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Line, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Line | tuple[Line, ...]:
        """A row by its index, or the line of a node or scope by its name. Raises ConvcostError for an unknown name."""
        if not isinstance(key, str):
            return self.rows[key]
        rows = self._scopes.get(key)
        if rows is None:
            raise ConvcostError(f"{self.graph.name} has no layer or scope {key!r}{did_you_mean(key, self._scopes)}")
        return together(key, rows)

    @cached_property
    def total(self) -> Line:
        """The network at inference, all its outputs: everything but the auxiliary heads. Its shape is the first's."""
        total = together("total", [row for row in self.rows if not row.aux])
        return total._replace(shape=self.rows[self.graph.outputs[0] - 1].shape)

    @cached_property
    def auxiliary(self) -> Line | None:
        """The auxiliary heads alone, or None if the graph has none."""
        rows = [row for row in self.rows if row.aux]
        return together("auxiliary heads", rows) if rows else None

    @cached_property
    def with_auxiliary(self) -> Line:
        """The network as it is trained: with its auxiliary heads, if the graph has them."""
        return together("with auxiliary heads", self.rows)._replace(shape=self.total.shape)

    def fold(self, depth: int) -> list[Line]:
        """Lines of scopes cut at `depth` parts of the name: depth 1 makes a whole inception module one line.

        Raises ConvcostError for a depth that is no integer >= 1.
        """
        return _by_scope(self.rows, depth)

    def lines(self, depth: int | None = None, *, only: Collection[str] = (), fold: bool = False) -> list[Line]:
        """The lines of a table: nodes, or scopes down to `depth`, of all of which the counts are the network's.

        Args:
            depth: parts of a scope's name; None for every node.
            only: kinds of operators (see `convcost.ops.operators_of`) to which the lines are limited; () for all.
            fold: whether norms and activations are part of the convolution or linear layer that they follow, alone and
                one after the other: of `conv >> bn >> relu` there is one line, with the counts of all three.

        Raises:
            ConvcostError: the depth is no integer >= 1, or there is no such kind.
        """
        found = self._fused if fold else self.rows
        if only:
            wanted = frozenset[str]().union(*map(operators_of, only))
            found = tuple(line for line in found if line.op is not None and line.op.name in wanted)
        return list(found) if depth is None else _by_scope(found, depth)

    @cached_property
    def _fused(self) -> tuple[Line, ...]:
        groups: list[list[Line]] = []
        group_of: list[list[Line]] = []
        for node, row, folded in zip(self.graph.nodes, self.rows, self.graph.follows(), strict=True):
            if not folded:
                groups.append([])
            group_of.append(group_of[node.inputs[0] - 1] if folded else groups[-1])
            group_of[-1].append(row)
        return tuple(group[0] if len(group) == 1 else together(group[0].name, group, group[0].op) for group in groups)

    def not_counted(self, as_: str = "macs") -> dict[str, int]:
        """Work that a rule counts nothing of, by operator (or as `conv bias`), with how many layers do it."""
        return rule(as_).not_counted(self.with_auxiliary)

    @cached_property
    def unknown(self) -> dict[str, int]:
        """Operators of an import that have no rule, with how many layers do them: totals are lower bounds with any."""
        return dict(Counter(row.operator for row in self.rows if isinstance(row.op, Traced) and not row.op.known))

    @cached_property
    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """The receptive field of every node, by name."""
        from convcost.cost.receptive import receptive_fields  # most costs are asked for counts alone

        fields = receptive_fields(self.graph, self.input)
        return {row.name: field for row, field in zip(self.rows, fields, strict=True)}

    def receptive_field(self, name: str) -> ReceptiveField:
        """The receptive field of a node, or of the last node of a scope."""
        self[name]
        return self.receptive_fields[self._scopes[name][-1].name]

    @cached_property
    def _scopes(self) -> dict[str, list[Line]]:
        scopes: dict[str, list[Line]] = {}
        for row in self.rows:
            parts = row.name.split("/")
            for n in range(1, len(parts) + 1):
                scopes.setdefault("/".join(parts[:n]), []).append(row)
        return scopes


def _by_scope(lines: Iterable[Line], depth: int) -> list[Line]:
    """The lines of every scope as one, the scopes cut at `depth` parts."""
    if not isinstance(depth, int) or depth < 1:
        raise ConvcostError(f"a depth is an integer >= 1, got {depth}")
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault("/".join(line.name.split("/")[:depth]), []).append(line)
    return [
        group[0]._replace(name=name)
        if len(group) == 1
        else together(name, [row for line in group for row in line.rows])
        for name, group in groups.items()
    ]


def together(name: str, rows: Sequence[Line], op: Op | None = None) -> Line:
    """Several rows as one line: from the first one's input to the last one's output."""
    if len(rows) == 1:
        return rows[0]._replace(name=name)
    return Line(
        name,
        op,
        rows[0].inputs,
        rows[-1].shape,
        sum_params(row.counts for row in rows),
        sum_work(row.work for row in rows),
        total([row.activations for row in rows]),
        all(row.aux for row in rows),
        rows[0].batch,
        None,
        tuple(rows),
    )
