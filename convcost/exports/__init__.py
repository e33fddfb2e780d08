"""Files of other tools from a cost: layer tables of simulators, a table of everything, torch code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, did_you_mean


def _scalesim(cost: Cost) -> str:
    from convcost.exports.simulators import scalesim

    return scalesim(cost)


def _timeloop(cost: Cost) -> str:
    from convcost.exports.simulators import timeloop

    return timeloop(cost)


def _maestro(cost: Cost) -> str:
    from convcost.exports.simulators import maestro

    return maestro(cost)


def _csv(cost: Cost) -> str:
    from convcost.exports.simulators import table

    return table(cost)


def _torch(cost: Cost) -> str:
    from convcost.exports.torchcode import code

    return code(cost)


FORMATS: Mapping[str, Callable[[Cost], str]] = {
    "scalesim": _scalesim,
    "timeloop": _timeloop,
    "maestro": _maestro,
    "csv": _csv,
    "torch": _torch,
}
"""What a network can be written as; each loads what it needs when it is asked for."""


def export(cost: Cost, to: str) -> str:
    """The text of a file. Raises ConvcostError for an unknown format, and for a layer that it cannot say, by name."""
    if to not in FORMATS:
        known = did_you_mean(to, FORMATS) or f"; there are {', '.join(FORMATS)}"
        raise ConvcostError(f"unknown format {to!r}{known}")
    return FORMATS[to](cost)
