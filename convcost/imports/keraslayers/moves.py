"""Layers of Keras that move numbers, and compute at most between them, as operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.keraslayers.common import LAYERS, of_layer, require
from convcost.imports.kerasmodel import _Run
from convcost.ops import Shape


def _same(t: _Run, layer: Any, out: Any, x: Value, *_: Value) -> Value:
    return x


for _name in [
    "Identity",
    "ActivityRegularization",
    "GaussianNoise",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
]:
    LAYERS[_name] = _same
for _name in ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout", "AlphaDropout"):
    LAYERS[_name] = lambda t, layer, out, x: t.emit(ops.Dropout(layer.rate), x)


def shaped(t: _Run, x: Value, shape: Shape) -> Value:
    """A tensor with the same numbers and other axes, if they differ."""
    if x.shape == shape:
        return x
    return t.emit(ops.Flatten() if len(shape) == 1 else ops.Reshape(shape), x)


@of_layer("Flatten", "Reshape")
def _reshape(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return shaped(t, x, t.sample(out))


def permuted(t: _Run, x: Value, order: Sequence[int], out: Any) -> Value:
    """The axes in another order, which is Keras', samples included."""
    require(order[0] == 0)
    to = {t.dim(place, out): t.dim(axis, out) for place, axis in enumerate(order) if place}
    dims = tuple(to[place] for place in range(1, len(order)))
    return x if [*dims] == sorted(dims) else t.emit(ops.Permute(dims), x)


LAYERS["Permute"] = lambda t, layer, out, x: permuted(t, x, (0, *layer.dims), out)


@of_layer("RepeatVector")
def _repeat_vector(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.traced("keras.repeat", t.sample(out), x)


@of_layer("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def _zero_padding(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.emit(ops.ZeroPad(_sides(layer.padding)), x)


@of_layer("Cropping1D", "Cropping2D", "Cropping3D")
def _cropping(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.emit(ops.ZeroPad(tuple((-a, -b) for a, b in _sides(layer.cropping))), x)


def _sides(given: Any) -> tuple[tuple[int, int], ...]:
    """(before, after) of each spatial axis; of one axis they stand alone."""
    pairs = given if isinstance(given[0], list | tuple) else [given]
    return tuple((int(a), int(b)) for a, b in pairs)


@of_layer("UpSampling1D", "UpSampling2D", "UpSampling3D")
def _up_sampling(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    mode = getattr(layer, "interpolation", "nearest")
    if mode in ("nearest", "bilinear"):
        return t.emit(ops.Upsample(t.along(layer.size, len(x.shape) - 1), mode), x)
    return _resized(t, x, t.sample(out), mode)


@of_layer("Resizing")
def _resizing(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return _resized(t, x, t.sample(out), layer.interpolation)


def _resized(t: _Run, x: Value, shape: Shape, mode: str) -> Value:
    mode = {"nearest": "nearest", "bilinear": "bilinear", "bicubic": "bicubic"}.get(mode, "")
    if not mode or len(shape) < 2 or shape[0] != x.shape[0]:
        return t.traced("keras.resize", shape, x, known=False)
    return t.emit(ops.Resize(t.along(shape[1:]), mode), x)
