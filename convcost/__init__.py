"""convcost: exact parameters and multiply-adds of convolutional networks, per layer, with the convention named.

>>> import convcost
>>> cost = convcost.load("googlenet@paper").price()
>>> cost["inception_3a"].macs
128049152
>>> cost.total.params
6998552

What to call:

    load(name)                  a network; `.price()` is its cost, and `print` shows that as a table
    from_torch(module, shape), from_keras(model), from_onnx(path)    a torch module, a Keras model, or a file
    networks(), tables()        the names of what is shipped
    compare(name, name, ...)    networks side by side
    formula(name, quantity)     an exact closed form
    dialects(cost)              the count of every tool of the field
    memory(cost), peak_memory(cost), roofline(cost, machine), training(cost)    what it takes to run
    sweep(name, file, over=), solve(name, max=, over=)    all designs of a space, and the best ones in a budget
    audit(table), audit_file(path), reconcile(claim)    whether a printed number is right, and what makes it so
    verify(name)                the counts against torch

Names are imported when they are first used, so that `import convcost` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcost.auditing.audit import audit, audit_file
    from convcost.cost.builder import GraphBuilder
    from convcost.cost.cost import Cost
    from convcost.cost.graph import Graph
    from convcost.cost.machine import Machine, roofline
    from convcost.cost.memory import peak_memory
    from convcost.cost.training import training
    from convcost.counters.line import Line
    from convcost.door import dialects, formula, memory, networks, reconcile, solve, sweep, tables
    from convcost.errors import ConvcostError, ConvcostWarning, MissingExtraError, ShapeError
    from convcost.exact.poly import Poly, symbol
    from convcost.imports import from_keras, from_onnx, from_torch
    from convcost.network import Network, compare, load
    from convcost.torchbridge import torch_model, verify

_HOMES = {
    "ConvcostError": "errors",
    "ConvcostWarning": "errors",
    "Cost": "cost.cost",
    "Graph": "cost.graph",
    "GraphBuilder": "cost.builder",
    "Line": "counters.line",
    "Machine": "cost.machine",
    "MissingExtraError": "errors",
    "Network": "network",
    "Poly": "exact.poly",
    "ShapeError": "errors",
    "audit": "auditing.audit",
    "audit_file": "auditing.audit",
    "compare": "network",
    "dialects": "door",
    "formula": "door",
    "from_keras": "imports",
    "from_onnx": "imports",
    "from_torch": "imports",
    "load": "network",
    "memory": "door",
    "networks": "door",
    "peak_memory": "cost.memory",
    "reconcile": "door",
    "roofline": "cost.machine",
    "solve": "door",
    "sweep": "door",
    "symbol": "exact.poly",
    "tables": "door",
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
    "audit_file",
    "compare",
    "dialects",
    "formula",
    "from_keras",
    "from_onnx",
    "from_torch",
    "load",
    "memory",
    "networks",
    "peak_memory",
    "reconcile",
    "roofline",
    "solve",
    "sweep",
    "symbol",
    "tables",
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
