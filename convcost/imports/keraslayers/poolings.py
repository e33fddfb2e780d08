"""Poolings of Keras as operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.keraslayers.common import LAYERS, Rule
from convcost.imports.kerasmodel import _Run
from convcost.ops import Op


def _pooling(op: Callable[..., Op]) -> Rule:
    def pooling(t: _Run, layer: Any, out: Any, x: Value) -> Value:
        rank = len(x.shape) - 1
        padding = "same" if layer.padding == "same" else 0
        return t.emit(op(t.along(layer.pool_size, rank), t.along(layer.strides, rank), padding), x)

    return pooling


def _global(op: Callable[[], Op]) -> Rule:
    def pooled(t: _Run, layer: Any, out: Any, x: Value, *masks: Value) -> Value:
        made = t.emit(op(), x)
        return made if layer.keepdims else t.emit(ops.Flatten(), made)

    return pooled


for _rank in (1, 2, 3):
    LAYERS[f"MaxPooling{_rank}D"] = _pooling(ops.MaxPool)
    LAYERS[f"AveragePooling{_rank}D"] = _pooling(ops.AvgPool)
    LAYERS[f"GlobalMaxPooling{_rank}D"] = _global(ops.GlobalMaxPool)
    LAYERS[f"GlobalAveragePooling{_rank}D"] = _global(ops.GlobalAvgPool)
    for _name, _op in (("Max", ops.AdaptiveMaxPool), ("Average", ops.AdaptiveAvgPool)):
        LAYERS[f"Adaptive{_name}Pooling{_rank}D"] = lambda t, layer, out, x, op=_op: t.emit(
            op(t.along(t.sample(out)[1:])), x
        )
