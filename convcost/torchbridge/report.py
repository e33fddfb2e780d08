"""What a cross-check found: the same kind of report for a network against torch, and for a module against a spec."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from convcost.ops import Shape, format_shape

Quantity: TypeAlias = int | str | Shape | None


class Difference(NamedTuple):
    """A quantity of a layer, or of the whole network, that two sources say differently."""

    layer: str
    quantity: str
    ours: Quantity
    theirs: Quantity
    source: str
    """Who says `theirs`."""
    rule: str
    """The operator's rule that gives `ours`, or the spec's line."""

    def __str__(self) -> str:
        return f"{self.layer}: {self.quantity} {_say(self.ours)} by {self.rule}, {_say(self.theirs)} by {self.source}"


class Verification(NamedTuple):
    """The outcome of a cross-check. It is true if nothing differs."""

    network: str
    input: Shape
    against: tuple[str, ...]
    """What the network was compared with."""
    layers: int
    """How many layers were compared."""
    params: int
    macs: int
    """Of one sample, auxiliary heads included."""
    differences: tuple[Difference, ...]
    unused: Mapping[str, int] = MappingProxyType({})
    """The module's parameters that nothing it runs uses, by name, with how many each is: they are not compared."""

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def first(self) -> Difference | None:
        """The first difference in execution order."""
        return self.differences[0] if self.differences else None

    @property
    def said_of_unused(self) -> str:
        """`110 params of the module are unused, and no part of this: 0.extra.weight, 0.extra.bias`."""
        more = f" and {len(self.unused) - 3} more" if len(self.unused) > 3 else ""
        params = f"{sum(self.unused.values()):,} params of the module"
        return f"{params} are unused, and no part of this: {', '.join([*self.unused][:3])}{more}"

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        found = f"{len(self.differences)} differences, first {self.first.layer}" if self.first else "agrees"
        return f"<Verification {self.network}: {self.layers} layers, {found}>"

    def __str__(self) -> str:
        if self.first is None:
            against, say = ", ".join(self.against), "say" if len(self.against) > 1 else "says"
            layers = f"{self.layers} layer{'s' * (self.layers != 1)}"
            agrees = f"{self.network}: {layers}, {self.params:,} params, {self.macs:,} macs, as {against} {say}"
            return f"{agrees}; {self.said_of_unused}" if self.unused else agrees
        more = f" (and {len(self.differences) - 1} more)" if len(self.differences) > 1 else ""
        return f"{self.network}: {self.first}{more}"


def _say(value: Quantity) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return format_shape(value) or "none"
    return f"{value:,}" if type(value) is int else str(value)
