"""Layers of Keras of several inputs as operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.keraslayers.common import LAYERS, Rule, of_layer
from convcost.imports.kerasmodel import _Run
from convcost.ops import Op, Work, elements


def _joined(op: Callable[..., Op]) -> Rule:
    return lambda t, layer, out, *xs: t.emit(op(), *xs) if len(xs) > 1 else xs[0]


def _sum(t: _Run, *xs: Value) -> Value:
    return t.emit(ops.Add(broadcast=len({x.shape for x in xs}) > 1), *xs)


LAYERS["Add"] = lambda t, layer, out, *xs: _sum(t, *xs) if len(xs) > 1 else xs[0]
LAYERS["Multiply"] = _joined(ops.Multiply)
LAYERS["Subtract"] = _joined(ops.Subtract)
LAYERS["Average"] = lambda t, layer, out, *xs: t.chain(_sum(t, *xs), [ops.Scale()])
for _name in ("Maximum", "Minimum"):
    LAYERS[_name] = lambda t, layer, out, *xs, name=_name: t.traced(
        f"keras.{name.lower()}",
        t.sample(out),
        *xs,
        done=Work(compares=(len(xs) - 1) * elements(t.sample(out))),
        local=True,
    )


@of_layer("Concatenate")
def _concatenate(t: _Run, layer: Any, out: Any, *xs: Value) -> Value:
    return t.emit(ops.Concat(t.dim(layer.axis, out)), *xs) if len(xs) > 1 else xs[0]
