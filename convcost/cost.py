"""What a graph costs: one row per node, folded by scope, in total, and under a convention.

Counts are exact, of the kind of the input shape's sizes: ints, int64 arrays or symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, overload

from convcost.errors import ConvcostError, did_you_mean
from convcost.graph import Graph, as_input
from convcost.integers import Int, at_most, is_integer, unboxed
from convcost.ops import Op, Params, Shape, Work, elements, format_shape, sum_params, sum_work
from convcost.receptive import ReceptiveField, receptive_fields

if TYPE_CHECKING:
    from convcost.dialects import Profile


class Convention(NamedTuple):
    """What a printed number counts: a name, what it means, and the projection of a row that it is."""

    name: str
    meaning: str
    of: Callable[[Line], Int]
    weighs: Mapping[str, int] = MappingProxyType({})
    """How much it counts of which of a line's quantities, where that is all that it does."""


class Line(NamedTuple):
    """A node, a scope or a whole network, and what it costs."""

    name: str
    op: Op | None
    """The operator's record; None for several nodes."""
    inputs: tuple[Shape, ...]
    """Input shapes, (channels, *sizes) each."""
    shape: Shape
    """Output shape."""
    counts: Params
    """Learned and stored numbers, by kind."""
    work: Work
    """Arithmetic by kind, for the whole batch."""
    activations: Int
    """Output elements of convolutions and linear layers, for the whole batch (as pycls and fvcore count them)."""
    aux: bool = False
    """Whether it belongs to an auxiliary head."""
    batch: Int = 1
    """Samples that work and activations are of."""
    after: Op | None = None
    """The operator before it, if nothing else takes that one's output."""
    parts: tuple[Line, ...] = ()
    """The nodes of a scope or network, one row each; empty for a node."""

    def __call__(self, as_: str = "macs") -> Int:
        """The count that a tool reports, batch included: `cost.total(as_="thop")`; see `convcost.dialects`.

        Raises ConvcostError for an unknown profile.
        """
        return _profile(as_).of(self)

    @property
    def rows(self) -> tuple[Line, ...]:
        """One line per node: its parts, or itself."""
        return self.parts or (self,)

    @property
    def operator(self) -> str:
        """The operator's name in a spec; '' for several nodes."""
        return "" if self.op is None else self.op.name

    @property
    def macs(self) -> Int:
        """Multiply-adds of convolutions and matrix products."""
        return self.work.macs

    @property
    def params(self) -> Int:
        """Weights, biases, and scale and shift of normalisations: everything that is trained."""
        return self.counts.trainable

    @property
    def weights(self) -> Int:
        """Kernel and matrix weights alone."""
        return self.counts.weights

    @property
    def biases(self) -> Int:
        """Biases of convolutions and linear layers."""
        return self.counts.biases

    @property
    def norm_affine(self) -> Int:
        """Scale (gamma) and shift (beta) of normalisations."""
        return self.counts.norm_affine

    @property
    def norm_stats(self) -> Int:
        """Running mean and variance of normalisations."""
        return self.counts.norm_stats

    @property
    def elements(self) -> Int:
        """Output elements of one sample."""
        return elements(self.shape)


def _weighing(name: str, meaning: str, **weighs: int) -> Convention:
    return Convention(
        name, meaning, lambda line: sum(n * getattr(line, part) for part, n in weighs.items()), MappingProxyType(weighs)
    )


PARAMS: dict[str, Convention] = {
    c.name: c
    for c in (
        _weighing("params", "weights, biases and norm affine: all that is trained", weights=1, biases=1, norm_affine=1),
        _weighing("weights", "weights only", weights=1),
        _weighing("weights+biases", "weights and biases, no normalisation", weights=1, biases=1),
        _weighing(
            "total",
            "trained numbers and norm statistics, as Keras counts",
            weights=1,
            biases=1,
            norm_affine=1,
            norm_stats=1,
        ),
    )
}
"""Conventions of parameter counts."""

OPS: dict[str, Convention] = {
    c.name: c
    for c in (
        _weighing("macs", "multiply-adds of convolutions and matrix products", macs=1),
        _weighing("flops2", "2 x macs: a multiply and an add each", macs=2),
    )
}
"""Conventions of operation counts that papers print; the tools' are in `convcost.dialects`."""


def conventions(as_: str) -> tuple[Convention, Convention]:
    """The conventions of params and of operations under a profile of `convcost.dialects`.

    A profile counts one of the two; the other stays ours. Raises ConvcostError for an unknown one.
    """
    if as_ in OPS:
        return PARAMS["params"], OPS[as_]
    found = _profile(as_)
    convention = Convention(found.name, f"{found.meaning}, as {found.tool} counts", found.of)
    return (convention, OPS["macs"]) if found.unit == "params" else (PARAMS["params"], convention)


def _profile(name: str) -> Profile:
    from convcost.dialects import profile  # imported where it is used: most prices are ours

    return profile(name)


class Cost(Sequence[Line]):
    """The cost of a graph on one input: a sequence of rows, one per node, in execution order.

    `cost["inception_3a"]` is the line of a scope or a node, `cost.total` the network's at inference, and
    `cost.with_auxiliary` the same with the auxiliary heads.
    """

    def __init__(self, graph: Graph, input: Shape | None = None, batch: Int = 1) -> None:
        """Price every node.

        Raises ShapeError, naming the layer, if the input does not fit, and ConvcostError if arrays cannot hold a count.
        """
        self.graph = graph
        self.input: Shape = graph.input if input is None else as_input(graph.name, input)
        self.batch = unboxed(batch)
        if not is_integer(self.batch) or at_most(self.batch, 0):
            raise ConvcostError(f"batch must be an integer >= 1, got {batch}")
        try:
            self.rows = self._price()
        except ValueError as error:
            if isinstance(error, ConvcostError):
                raise
            raise ConvcostError(f"{graph.name}: {error}") from None  # numpy's: the batch is an array of another length
        if graph.arrays or any(hasattr(value, "dtype") for value in (*self.input, self.batch)):
            from convcost.overflow import refuse_overflow

            refuse_overflow(graph, self.input, self.batch)

    def _price(self) -> tuple[Line, ...]:
        batch = self.batch
        alone = isinstance(batch, int) and batch == 1
        tensors = [self.input]
        alone_after = self.graph.alone_after
        rows: list[Line] = []
        for node, priced in zip(self.graph.nodes, self.graph.evaluate(self.input), strict=True):
            shape, counts, work, activations = priced
            if not alone:
                work, activations = work.times(batch), activations * batch
            inputs = tuple([tensors[i] for i in node.inputs])
            after = alone_after[len(rows)]
            rows.append(Line(node.name, node.op, inputs, shape, counts, work, activations, node.aux, batch, after))
            tensors.append(shape)
        return tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.rows)

    def __contains__(self, key: object) -> bool:
        """Whether there is a node or a scope of this name, or this row."""
        return key in (self._scopes if isinstance(key, str) else self.rows)

    def __repr__(self) -> str:
        return f"<Cost of {self.graph.name} at {format_shape(self.input)}, batch {self.batch}: {len(self.rows)} layers>"

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
        return _sum(key, rows)

    @cached_property
    def total(self) -> Line:
        """The network at inference: everything but the auxiliary heads."""
        return _sum("total", [row for row in self.rows if not row.aux])

    @cached_property
    def auxiliary(self) -> Line | None:
        """The auxiliary heads alone, or None if the graph has none."""
        rows = [row for row in self.rows if row.aux]
        return _sum("auxiliary heads", rows) if rows else None

    @cached_property
    def with_auxiliary(self) -> Line:
        """The network as it is trained: with its auxiliary heads, if the graph has them."""
        return _sum("with auxiliary heads", self.rows)._replace(shape=self.total.shape)

    def fold(self, depth: int) -> list[Line]:
        """Lines of scopes cut at `depth` parts of the name: depth 1 makes a whole inception module one line.

        Raises ConvcostError for a depth that is no integer >= 1.
        """
        if not isinstance(depth, int) or depth < 1:
            raise ConvcostError(f"a depth is an integer >= 1, got {depth}")
        groups: dict[str, list[Line]] = {}
        for row in self.rows:
            groups.setdefault("/".join(row.name.split("/")[:depth]), []).append(row)
        return [_sum(name, rows) for name, rows in groups.items()]

    def not_counted(self, as_: str = "macs") -> dict[str, int]:
        """Work that a profile counts nothing of, by operator (or as `conv bias`), with how many layers do it."""
        return _profile(as_).not_counted(self.with_auxiliary)

    @cached_property
    def receptive_fields(self) -> dict[str, ReceptiveField]:
        """The receptive field of every node, by name."""
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


def _sum(name: str, rows: Sequence[Line]) -> Line:
    """Several rows as one line: from the first one's input to the last one's output."""
    if len(rows) == 1:
        return rows[0]._replace(name=name)
    return Line(
        name,
        None,
        rows[0].inputs,
        rows[-1].shape,
        sum_params(row.counts for row in rows),
        sum_work(row.work for row in rows),
        sum(row.activations for row in rows),
        all(row.aux for row in rows),
        rows[0].batch,
        None,
        tuple(rows),
    )
