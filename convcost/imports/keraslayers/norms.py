"""Normalisations of Keras as operators."""

from __future__ import annotations

from math import prod
from typing import Any

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.keraslayers.common import of_layer, require
from convcost.imports.kerasmodel import _Run
from convcost.ops import Work, elements


@of_layer("BatchNormalization")
def _batch_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    affine = [layer.gamma if layer.scale else None, layer.beta if layer.center else None]
    used = t.used(norm_affine=affine, norm_stats=[layer.moving_mean, layer.moving_variance])
    if t.dim(layer.axis, out) == 1:
        return t.emit(ops.BatchNorm(layer.scale, layer.center), x, used=used)
    n = elements(x.shape)
    return t.traced("keras.batch_norm", x.shape, x, done=Work(muls=n, adds=n), used=used, local=True)


@of_layer("LayerNormalization")
def _layer_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    dims = [t.dim(axis, out) for axis in axes]
    require(layer.scale == layer.center)
    used = t.used(norm_affine=[layer.gamma if layer.scale else None, layer.beta if layer.center else None])
    return t.emit(ops.LayerNorm(layer.scale, dims[0] if len(dims) == 1 else tuple(sorted(dims))), x, used=used)


@of_layer("RMSNormalization")
def _rms_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
    dims = [t.dim(axis, out) for axis in axes]
    op = ops.RMSNorm(affine=True, dim=dims[0] if len(dims) == 1 else tuple(sorted(dims)))
    return t.emit(op, x, used=t.used(norm_affine=[layer.scale]))


@of_layer("GroupNormalization")
def _group_norm(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    require(t.dim(layer.axis, out) == 1 and layer.scale == layer.center)
    used = t.used(norm_affine=[layer.gamma if layer.scale else None, layer.beta if layer.center else None])
    groups = x.shape[0] if layer.groups == -1 else layer.groups
    return t.emit(ops.GroupNorm(groups, layer.scale), x, used=used)


@of_layer("Normalization")
def _normalization(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    stats = list(layer.weights) if layer.input_mean is None else []
    n = elements(x.shape)
    if stats and sum(prod(one.shape) for one in stats) == 2 * x.shape[0] + 1:
        return t.emit(ops.Normalize(), x, used=t.used(norm_stats=stats))
    used = t.used(norm_stats=stats)
    return t.traced("keras.normalization", x.shape, x, done=Work(adds=n, divs=n), used=used, local=True)


@of_layer("Rescaling")
def _rescaling(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    offset = layer.offset
    none = isinstance(offset, int | float) and offset == 0
    return t.chain(x, [ops.Scale()] if none else [ops.Scale(), ops.Shift()])
