"""Files of other tools from a cost: layer tables of simulators, a table of everything, torch code."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, MissingExtraError, did_you_mean
from convcost.ops import Conv


def _scalesim(cost: Cost) -> str:
    from convcost.exports.simulators import scalesim

    return scalesim(cost)


def _timeloop(cost: Cost) -> str:
    from convcost.exports.simulators import timeloop

    return timeloop(cost)


def _maestro(cost: Cost) -> str:
    from convcost.exports.simulators import maestro

    return maestro(cost)


def _zigzag(cost: Cost) -> str:
    from convcost.exports.simulators import zigzag

    return zigzag(cost)


def _stonne(cost: Cost) -> str:
    from convcost.exports.simulators import stonne

    return stonne(cost)


def _csv(cost: Cost) -> str:
    from convcost.exports.simulators import table

    return table(cost)


def _torch(cost: Cost) -> str:
    from convcost.exports.torchcode import code

    return code(cost)


def _keras(cost: Cost) -> str:
    from convcost.exports.kerascode import code

    _require_plain_weights(cost)
    return code(cost)


def _onnx(cost: Cost) -> bytes:
    try:
        from convcost.exports.onnxfile import onnx_file
    except ImportError:
        raise MissingExtraError("onnx", "onnx") from None

    _require_plain_weights(cost)
    return onnx_file(cost)


def _require_plain_weights(cost: Cost) -> None:
    """Refuse weights that are computed of others, for which these files have no layer."""
    for node in cost.graph.nodes:
        if isinstance(node.op, Conv) and node.op.weight_norm:
            raise ConvcostError(
                f"layer {node.name}: its weight norm is not written: make it part of the weights, --fold-norms"
            )


FORMATS: Mapping[str, Callable[[Cost], str | bytes]] = {
    "scalesim": _scalesim,
    "timeloop": _timeloop,
    "maestro": _maestro,
    "zigzag": _zigzag,
    "stonne": _stonne,
    "csv": _csv,
    "torch": _torch,
    "keras": _keras,
    "onnx": _onnx,
}
"""What a network can be written as; each loads what it needs when it is asked for."""


BINARY = ("onnx",)
"""Formats that are no text."""


def export(cost: Cost, to: str) -> str | bytes:
    """The text of a file, or of a format in BINARY its bytes.

    Raises ConvcostError for an unknown format, and for a layer that it cannot say, by name.
    """
    if to not in FORMATS:
        known = did_you_mean(to, FORMATS) or f"; there are {', '.join(FORMATS)}"
        raise ConvcostError(f"unknown format {to!r}{known}")
    return FORMATS[to](cost)
