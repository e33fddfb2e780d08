"""What a node, a scope or a whole network costs, as one row: what every rule of counting counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from convcost.exact.integers import Int
from convcost.ops import Op, Params, Shape, Work, elements

if TYPE_CHECKING:
    from convcost.render.table import Table


class Line(NamedTuple):
    """A node, a scope or a whole network, and what it costs."""

    name: str
    op: Op | None
    """The operator's record; None for several nodes, but what the others follow where they are folded into it."""
    inputs: tuple[Shape, ...]
    """Input shapes, (channels, *sizes) each."""
    shape: Shape
    """Output shape."""
    counts: Params
    """Learned and stored numbers, by kind."""
    work: Work
    """Arithmetic by kind, for the whole batch."""
    activations: Int
    """Output elements of convolutions and linear layers, for the whole batch (as fvcore counts them)."""
    aux: bool = False
    """Whether it belongs to an auxiliary head."""
    batch: Int = 1
    """Samples that work and activations are of."""
    after: Op | None = None
    """The operator before it, if nothing else takes that one's output."""
    parts: tuple[Line, ...] = ()
    """The nodes of a scope or network, one row each; empty for a node."""

    def __call__(self, as_: str = "macs") -> Int:
        """The count by a rule, or as a tool reports it, batch included: `cost.total(as_="thop")`.

        Raises ConvcostError for an unknown rule; `convcost.counters.rules` and `tools` have them all.
        """
        from convcost.counters.rules import rule  # it counts lines: the other way would be a circle

        return rule(as_).of(self)

    def __repr__(self) -> str:
        return f"<Line {self.name}: {self.params} params, {self.macs} macs, {' x '.join(map(str, self.shape))}>"

    def explain(self) -> Table:
        """How its counts come about: the arithmetic of a node, or what a scope or network is the sum of.

        Raises ConvcostError for counts that are symbols or arrays.
        """
        from convcost.views.explanations import explanation

        return explanation(self)

    @property
    def flops(self) -> Int:
        """No count of ours: FLOPs mean too many things. Raises AttributeError that says what to write."""
        raise AttributeError("FLOPs mean many things: write .macs, or (as_='flops2') for 2 x macs, or (as_='fvcore')")

    @property
    def rows(self) -> tuple[Line, ...]:
        """One line per node: its parts, or itself."""
        return self.parts or (self,)

    @property
    def operator(self) -> str:
        """The operator's name in a spec, `conv+bn+relu` of what is folded; '' for other nodes together."""
        if self.op is None:
            return ""
        return "+".join(row.operator for row in self.parts) if self.parts else self.op.name

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


SUMS: Mapping[str, Callable[[Line], Int]] = MappingProxyType(
    {
        "macs": attrgetter("work.macs"),
        **{kind.replace("_", " "): attrgetter(f"counts.{kind}") for kind in Params._fields},
    }
)
"""The kinds that every line adds up, whatever its operators: multiply-adds, and parameters as `Params` has them."""
