"""convcost: exact parameters and multiply-adds of convolutional networks, per layer, with the convention named.

>>> import convcost
>>> cost = convcost.load("googlenet@paper").price()
>>> cost["inception_3a"].macs
128049152
>>> cost.total.params
6998552

Names are imported when they are first used, so that `import convcost` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcost.auditing.audit import audit
    from convcost.cost.cost import Cost
    from convcost.cost.graph import Graph, GraphBuilder
    from convcost.cost.machine import Machine, roofline
    from convcost.cost.memory import peak_memory
    from convcost.cost.training import training
    from convcost.counters.line import Line
    from convcost.errors import ConvcostError, ConvcostWarning, MissingExtraError, ShapeError
    from convcost.exact.poly import Poly, symbol
    from convcost.network import Network, compare, load
    from convcost.torchbridge import torch_model, verify

_HOMES = {
    "ConvcostError": "errors",
    "ConvcostWarning": "errors",
    "Cost": "cost.cost",
    "Graph": "cost.graph",
    "GraphBuilder": "cost.graph",
    "Line": "counters.line",
    "Machine": "cost.machine",
    "MissingExtraError": "errors",
    "Network": "network",
    "Poly": "exact.poly",
    "ShapeError": "errors",
    "audit": "auditing.audit",
    "compare": "network",
    "load": "network",
    "peak_memory": "cost.memory",
    "roofline": "cost.machine",
    "symbol": "exact.poly",
    "torch_model": "torchbridge",
    "training": "cost.training",
    "verify": "torchbridge",
}

__all__ = [
    "ConvcostError",
    "ConvcostWarning",
    "Cost",
    "Graph",
    "GraphBuilder",
    "Line",
    "Machine",
    "MissingExtraError",
    "Network",
    "Poly",
    "ShapeError",
    "audit",
    "compare",
    "load",
    "peak_memory",
    "roofline",
    "symbol",
    "torch_model",
    "training",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'convcost' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"convcost.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
