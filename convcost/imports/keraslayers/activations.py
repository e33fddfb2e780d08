"""Activations of Keras as operators."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.keraslayers.common import LAYERS, of_layer, require
from convcost.imports.kerasmodel import NoRuleError, _Run
from convcost.ops import Op, Work, elements

_FUNCTIONS: dict[str, Callable[[], Op]] = {
    "relu": ops.ReLU,
    "relu6": ops.ReLU6,
    "leaky_relu": lambda: ops.LeakyReLU(0.2),
    "elu": ops.ELU,
    "selu": ops.SELU,
    "silu": ops.Swish,
    "swish": ops.Swish,
    "gelu": ops.GELU,
    "mish": ops.Mish,
    "sigmoid": ops.Sigmoid,
    "softplus": ops.Softplus,
    "tanh": ops.Tanh,
    "hard_sigmoid": ops.HardSigmoid,
    "hard_silu": ops.HardSwish,
    "hard_swish": ops.HardSwish,
    "exponential": ops.Exp,
    "softmax": ops.Softmax,
    "log_softmax": ops.LogSoftmax,
}


def activated(t: _Run, x: Value, function: Any, out: Any) -> Value:
    """A layer's activation, by the name of the function; one that is a layer of its own is left to be run."""
    name = getattr(function, "__name__", None)
    if function is None or name == "linear":
        return x
    if not str(getattr(function, "__module__", "")).startswith("keras.") or name is None:
        raise NoRuleError
    if name in ("softmax", "log_softmax"):
        return t.emit((ops.Softmax if name == "softmax" else ops.LogSoftmax)(t.dim(-1, out)), x)
    if name in _FUNCTIONS:
        return t.emit(_FUNCTIONS[name](), x)
    return t.traced(f"keras.{name}", x.shape, x, known=False, local=True)


@of_layer("Activation")
def _activation(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return activated(t, x, layer.activation, out)


@of_layer("ReLU")
def _relu(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    if layer.max_value == 6 and not layer.negative_slope and not layer.threshold:
        return t.emit(ops.ReLU6(), x)
    if layer.max_value is not None:
        return t.emit(ops.HardTanh(layer.threshold or 0, layer.max_value), x)
    return t.emit(ops.LeakyReLU(layer.negative_slope) if layer.negative_slope else ops.ReLU(), x)


@of_layer("PReLU")
def _prelu(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    slopes = prod(layer.alpha.shape)
    used = t.used(weights=[layer.alpha])
    if slopes in (1, x.shape[0]):
        return t.emit(ops.PReLU(slopes), x, used=used)
    n = elements(x.shape)
    return t.traced("keras.prelu", x.shape, x, done=Work(compares=n, muls=n), used=used, local=True)


LAYERS["LeakyReLU"] = lambda t, layer, out, x: t.emit(ops.LeakyReLU(layer.negative_slope), x)
LAYERS["ELU"] = lambda t, layer, out, x: t.emit(ops.ELU(layer.alpha), x)


@of_layer("Softmax")
def _softmax(t: _Run, layer: Any, out: Any, x: Value, *masks: Value) -> Value:
    require(isinstance(layer.axis, int))
    return t.emit(ops.Softmax(t.dim(layer.axis, out)), x)
