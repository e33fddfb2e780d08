"""Conventions of counting that papers print: what a number of params or of operations counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from convcost.counters.line import Line
from convcost.exact.integers import Int


class Convention(NamedTuple):
    """What a printed number counts: a name, what it means, and the projection of a row that it is."""

    name: str
    meaning: str
    of: Callable[[Line], Int]
    weighs: Mapping[str, int] = MappingProxyType({})
    """How much it counts of which of a line's quantities, where that is all that it does."""


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
"""Conventions of operation counts that papers print; the tools' are in `convcost.counters.dialects`."""


def conventions(as_: str) -> tuple[Convention, Convention]:
    """The conventions of params and of operations under a profile of `convcost.counters.dialects`.

    A profile counts one of the two; the other stays ours. Raises ConvcostError for an unknown one.
    """
    if as_ in OPS:
        return PARAMS["params"], OPS[as_]
    from convcost.counters.dialects import profile  # imported where it is used: most prices are ours

    found = profile(as_)
    convention = Convention(found.name, f"{found.meaning}, as {found.tool} counts", found.of)
    return (convention, OPS["macs"]) if found.unit == "params" else (PARAMS["params"], convention)
