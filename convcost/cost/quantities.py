"""Quantities of a network by name: what a budget limits, a sweep computes, and a check in CI looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.machine import least_nanoseconds, nanoseconds
from convcost.cost.memory import DTYPES, element_size, peak_memory
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int


class Quantity(NamedTuple):
    """A number that every network has, at inference, of the whole batch."""

    name: str
    meaning: str
    of: Callable[[Cost], Int]
    unit: Literal["", "bytes", "ns"] = ""
    """What it counts: bytes, nanoseconds, or things."""
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
_LATENCY = "latency_"


def quantity(name: str) -> Quantity:
    """The quantity of this name: of COMMON, memory such as `arena_int8`, `latency_t4_int8`, or a count such as `thop`.

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
    if name.startswith(_LATENCY):
        return _latency(name)
    try:
        found = rule(name)
    except ConvcostError:
        close = did_you_mean(name, quantities()) or f"; there are {', '.join(COMMON)}, and rules of counting"
        raise ConvcostError(f"there is no quantity {name!r}{close}") from None
    return Quantity(found.name, f"{found.unit}: {found.meaning}", lambda cost: found.of(cost.total))


def _latency(name: str) -> Quantity:
    """`latency_t4` in float32, `latency_t4_int8`. Raises ConvcostError for an unknown machine, or type of one."""
    from convcost.machines import described, machine_names

    text = name.removeprefix(_LATENCY)
    rest, _, last = text.rpartition("_")
    of, dtype = (rest, last) if last in DTYPES and text not in machine_names() else (text, "float32")
    on = described(of).of(dtype)
    return Quantity(
        name,
        f"nanoseconds of {dtype} on {of} at least, layer by layer, of the whole batch",
        lambda cost: nanoseconds(cost, on, dtype),
        "ns",
        lambda cost: least_nanoseconds(cost, on, dtype),
    )


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
    from convcost.machines import machine_names

    latency = (f"{_LATENCY}{machine}" for machine in machine_names())
    memory = (f"{rule}_{dtype}" for rule in RULES for dtype in DTYPES)
    return dict.fromkeys((*COMMON, *_ALSO, *RULES, *memory, *EVERY, *latency))
