"""Quantities of a network by name: what a budget limits, a sweep computes, and a check in CI looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.memory import DTYPES, element_size, peak_memory
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int


class Quantity(NamedTuple):
    """A number that every network has, at inference, of the whole batch."""

    name: str
    meaning: str
    of: Callable[[Cost], Int]
    unit: Literal["", "bytes"] = ""
    """What it counts: bytes, or things."""
    least: Callable[[Cost], Int] | None = None
    """What it is never below, as a closed form; None if it has one itself."""

    @property
    def closed(self) -> Callable[[Cost], Int]:
        """Its closed form, or that of what it is never below."""
        return self.least or self.of


COMMON = {
    one.name: one
    for one in (
        Quantity("params", "weights, biases and norm affine: all that is trained", lambda cost: cost.total.params),
        Quantity(
            "macs",
            "multiply-adds of convolutions and matrix products, of the whole batch",
            lambda cost: cost.total.macs,
        ),
        Quantity(
            "activations",
            "output elements of convolutions and linear layers, of the whole batch",
            lambda cost: cost.total.activations,
        ),
        Quantity(
            "peak_memory",
            "bytes of the float32 tensors that are alive at once at most, of the whole batch",
            peak_memory,
            "bytes",
        ),
    )
}
"""What most people ask for. Every rule of counting is a quantity, too: see `quantity`."""
_ALSO = {"memory": "peak_memory"}


def quantity(name: str) -> Quantity:
    """The quantity of this name: of COMMON, memory by a rule such as `arena_int8`, or a tool's count, such as `thop`.

    Raises ConvcostError, with the closest name, if there is none.
    """
    name = _ALSO.get(name, name)
    if name in COMMON:
        return COMMON[name]
    from convcost.cost.memory_rules import split
    from convcost.counters.rules import rule

    if (memory := split(name)) is not None:
        by, dtype = memory
        size = element_size(dtype)
        meaning = f"bytes of {dtype}: {by.meaning}, of the whole batch"
        least = by.least
        return Quantity(
            name,
            meaning,
            lambda cost: by.of(cost, size),
            "bytes",
            None if least is None else lambda cost: least(cost, size),
        )
    try:
        found = rule(name)
    except ConvcostError:
        close = did_you_mean(name, quantities()) or f"; there are {', '.join(COMMON)}, and rules of counting"
        raise ConvcostError(f"there is no quantity {name!r}{close}") from None
    return Quantity(found.name, f"{found.unit}: {found.meaning}", lambda cost: found.of(cost.total))


def is_quantity(name: str) -> bool:
    """Whether `quantity` knows the name, as it is written."""
    try:
        return quantity(name).name == name
    except ConvcostError:
        return False


def quantities() -> Iterable[str]:
    """The names of all quantities, the most common first."""
    from convcost.cost.memory_rules import RULES
    from convcost.counters.releases import EVERY

    memory = (f"{rule}_{dtype}" for rule in RULES for dtype in DTYPES)
    return dict.fromkeys((*COMMON, *_ALSO, *RULES, *memory, *EVERY))
