"""Convolutions, dense and recurrent layers and embeddings of Keras as operators."""

from __future__ import annotations

from math import prod
from typing import Any

from keras import KerasTensor

from convcost import ops
from convcost.imports.assembly import Value
from convcost.imports.keraslayers.activations import activated
from convcost.imports.keraslayers.common import LAYERS, Rule, of_layer, require
from convcost.imports.kerasmodel import _Run
from convcost.ops import Op, Work, elements


def _causal(t: _Run, layer: Any, x: Value) -> tuple[Value, Any]:
    """The padding of a convolution; a causal one pads before."""
    if layer.padding != "causal":
        return x, "same" if layer.padding == "same" else 0
    before = layer.dilation_rate[0] * (layer.kernel_size[0] - 1)
    return t.emit(ops.ZeroPad(((before, 0),)), x), 0


@of_layer("Conv1D", "Conv2D", "Conv3D")
def _conv(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    x, padding = _causal(t, layer, x)
    kernel, stride, hole = t.along(layer.kernel_size), t.along(layer.strides), t.along(layer.dilation_rate)
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    op: Op = ops.Conv(layer.filters, kernel, stride, padding, hole, layer.groups, layer.use_bias)
    if layer.groups == x.shape[0] > 1:
        op = ops.DepthwiseConv(kernel, stride, padding, hole, layer.filters // layer.groups, layer.use_bias)
    return activated(t, t.emit(op, x, used=used), layer.activation, out)


@of_layer("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    padding = "same" if layer.padding == "same" else 0
    kernel, stride, hole = t.along(layer.kernel_size), t.along(layer.strides), t.along(layer.dilation_rate)
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    op = ops.DepthwiseConv(kernel, stride, padding, hole, layer.depth_multiplier, layer.use_bias)
    return activated(t, t.emit(op, x, used=used), layer.activation, out)


@of_layer("SeparableConv1D", "SeparableConv2D")
def _separable(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    x, padding = _causal(t, layer, x)
    kernel, stride, hole = t.along(layer.kernel_size), t.along(layer.strides), t.along(layer.dilation_rate)
    depthwise = ops.DepthwiseConv(kernel, stride, padding, hole, layer.depth_multiplier, bias=False)
    x = t.emit(depthwise, x, used=t.used(weights=[layer.depthwise_kernel]))
    used = t.used(weights=[layer.pointwise_kernel], biases=[layer.bias if layer.use_bias else None])
    return activated(t, t.emit(ops.Conv(layer.filters, 1, bias=layer.use_bias), x, used=used), layer.activation, out)


@of_layer("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def _conv_transpose(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    """A transposed convolution, whose padding is what makes its output as large as Keras says."""
    kernels, strides, holes = layer.kernel_size, layer.strides, layer.dilation_rate
    sizes = t.sample(out)[1:]
    each = []
    for n, m, k, s, d in zip(x.shape[1:], sizes, kernels, strides, holes, strict=True):
        whole = (n - 1) * s + d * (k - 1) + 1
        cut = max(0, -(-(whole - m) // 2))
        each.append((cut, m - whole + 2 * cut))
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    groups = getattr(layer, "groups", 1)
    same = (
        layer.padding == "same"
        and layer.output_padding is None
        and all(k >= s for k, s in zip(kernels, strides, strict=True))
    )
    padding, more = ("same", 0) if same else (t.along([p for p, _ in each]), t.along([q for _, q in each]))
    op = ops.ConvTranspose(
        layer.filters, t.along(kernels), t.along(strides), padding, more, groups, layer.use_bias, t.along(holes)
    )
    return activated(t, t.emit(op, x, used=used), layer.activation, out)


@of_layer("Dense")
def _dense(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    require(len(layer.kernel.shape) == 2)
    dim = None if len(x.shape) == 1 else t.dim(-1, out)
    used = t.used(weights=[layer.kernel], biases=[layer.bias if layer.use_bias else None])
    return activated(t, t.emit(ops.Linear(layer.units, layer.use_bias, dim), x, used=used), layer.activation, out)


@of_layer("Embedding")
def _embedding(t: _Run, layer: Any, out: Any, x: Value) -> Value:
    return t.traced("keras.embedding", t.sample(out), x, used=t.used(weights=[layer.embeddings]))


def _recurrent(name: str, each: Work) -> Rule:
    """Every weight is multiplied once at every position, every bias added."""

    def recurrent(t: _Run, layer: Any, out: Any, x: Value, *given: Value) -> Any:
        positions, cell = elements(x.shape) // x.shape[0], layer.cell
        weights = [cell.kernel, cell.recurrent_kernel]
        biases = [cell.bias] if layer.use_bias else []
        done = each.times(positions * cell.units)
        done = done._replace(macs=positions * sum(prod(one.shape) for one in weights))
        done = done._replace(adds=done.adds + positions * sum(prod(one.shape) for one in biases))
        used = t.used(weights=weights, biases=biases)
        shapes = [t.sample(one) for one in (out if isinstance(out, list | tuple) else [out])]
        made = t.traced(f"keras.{name}", shapes[0], x, *given, done=done, used=used)
        states = [t.traced(f"keras.{name}_state", shape, made) for shape in shapes[1:]]
        return [made, *states] if states else made

    return recurrent


LAYERS["LSTM"] = _recurrent("lstm", ops.LSTM.each)
LAYERS["GRU"] = _recurrent("gru", ops.GRU.each)
LAYERS["SimpleRNN"] = _recurrent("rnn", Work(adds=3, muls=1, divs=1, exps=1))


@of_layer("Bidirectional")
def _bidirectional(t: _Run, layer: Any, out: Any, x: Value) -> Any:
    both = [layer.forward_layer, layer.backward_layer]
    require(not layer.return_state and all(type(one).__name__ in ("LSTM", "GRU", "SimpleRNN") for one in both))
    given = KerasTensor(t.model.theirs(x.shape))
    made = []
    for one in both:
        with t.layer(one.name):
            made.append(LAYERS[type(one).__name__](t, one, one.compute_output_spec(given), x))
    if layer.merge_mode == "concat":
        return t.emit(ops.Concat(t.dim(-1, out)), *made)
    if layer.merge_mode == "mul":
        return t.emit(ops.Multiply(), *made)
    if layer.merge_mode is None:
        return made
    total = t.emit(ops.Add(), *made)
    return t.emit(ops.Scale(), total) if layer.merge_mode == "ave" else total
