"""Layers and operations of Keras, one by one: shapes and parameters as the model has them, and work by hand."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import pytest

from convcost import from_keras
from convcost.imports.kerasfile import keras_module

if find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)
keras = keras_module()
layers, k = keras.layers, keras.ops


def last_row(function, shape):
    """The last row of a model of one layer or operation, whose shape and parameters have to be the model's."""
    inputs = keras.Input(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = keras.Model(inputs, function(inputs))
        net = from_keras(model)
    total = net.price().total
    assert total.counts.total == model.count_params()
    own = tuple(n for n in model.output_shape[1:])
    assert total.shape == ((own[-1], *own[:-1]) if own else (1,))  # channels first here, last there
    *_, row = net.price()
    return row, net


IMAGE = (6, 6, 4)
N = 6 * 6 * 4
ROWS = {
    "maximum": (lambda x: k.maximum(x, 0.5), IMAGE, "keras.maximum", {"compares": N}),
    "maximum of two": (lambda x: k.maximum(x, x * 2), IMAGE, "keras.maximum", {"compares": N}),
    "floor": (k.floor, IMAGE, "keras.floor", {}),
    "sin": (k.sin, IMAGE, "keras.sin", {"exps": N}),
    "clip": (lambda x: k.clip(x, 0, 1), IMAGE, "keras.clip", {"compares": 2 * N}),
    "where": (lambda x: k.where(k.greater(x, 0), x, x * 2), IMAGE, "keras.where", {"compares": N}),
    "transpose": (lambda x: k.transpose(x, (0, 3, 1, 2)), IMAGE, "permute", {}),
    "swapaxes": (lambda x: k.swapaxes(x, 1, 3), IMAGE, "permute", {}),
    "split": (lambda x: k.split(x, 2, axis=-1)[1], IMAGE, "split", {}),
    "split unevenly": (lambda x: k.split(x, [1], axis=-1)[1], IMAGE, "slice", {}),
    "concatenate": (lambda x: k.concatenate([x, x], axis=-1), IMAGE, "concat", {}),
    "concatenate one": (lambda x: k.concatenate([x], axis=-1) * 2, IMAGE, "scale", {"muls": N}),
    "stack": (lambda x: k.stack([x, x], axis=1), IMAGE, "keras.stack", {}),
    "softmax": (lambda x: k.softmax(x, axis=-1), IMAGE, "softmax", {"exps": N, "divs": N, "compares": N - 36}),
    "log_softmax": (lambda x: k.log_softmax(x, axis=-1), IMAGE, "log_softmax", {"exps": N + 36}),
    "reshape": (lambda x: k.reshape(x, (-1, 36, 4)), IMAGE, "reshape", {}),
    "min": (lambda x: k.min(x, axis=(1, 2)), IMAGE, "keras.min", {"compares": N - 4}),
    "var": (lambda x: k.var(x, axis=-1), IMAGE, "keras.var", {"adds": 3 * N - 72, "muls": N, "divs": 72}),
    "sum of all": (lambda x: k.sum(x, axis=(1, 2, 3)), IMAGE, "keras.sum", {"adds": N - 1}),
    "matmul": (lambda x: k.matmul(x, k.transpose(x, (0, 2, 1))), (6, 8), "keras.matmul", {"macs": 6 * 6 * 8}),
    "einsum": (lambda x: k.einsum("bij,bkj->bik", x, x), (6, 8), "keras.einsum", {"macs": 6 * 6 * 8}),
    "outer": (lambda x: k.einsum("bi,bj->bij", x, x), (6,), "keras.einsum", {"macs": 0, "muls": 36}),
    "attention": (
        lambda x: k.dot_product_attention(x, x, x),
        (5, 2, 3),
        "keras.dot_product_attention",
        {"macs": 2 * 5 * 5 * (3 + 3), "exps": 50, "divs": 50, "compares": 40, "adds": 90},
    ),
    "flip": (lambda x: k.flip(x, axis=1), IMAGE, "keras.flip", {}),
    "slice": (lambda x: x[:, ::2], IMAGE, "keras.getitem", {}),
    "divide": (lambda x: x / (x + 1), IMAGE, "div", {"divs": N}),
    "by a number": (lambda x: x / 3, IMAGE, "keras.divide", {"divs": N}),
    "gate": (lambda x: x * k.mean(x, axis=(1, 2))[:, None, None], IMAGE, "mul", {"muls": N}),
    "slopes by channel": (layers.PReLU(shared_axes=[1, 2]), IMAGE, "prelu", {"compares": N, "muls": N}),
    "slopes by element": (layers.PReLU(), IMAGE, "keras.prelu", {"compares": N, "muls": N}),
    "relu6": (layers.ReLU(6), IMAGE, "relu6", {}),
    "relu3": (layers.ReLU(3), IMAGE, "hardtanh", {}),
    "leaky": (layers.ReLU(negative_slope=0.1), IMAGE, "leaky_relu", {}),
    "softmax layer": (layers.Softmax(), IMAGE, "softmax", {"exps": N}),
    "softmax by name": (layers.Activation("softmax"), IMAGE, "softmax", {"exps": N}),
    "linear": (lambda x: layers.Activation("linear")(x) + 1, IMAGE, "shift", {"adds": N}),
    "cropping": (layers.Cropping2D(((1, 0), (2, 1))), IMAGE, "zeropad", {}),
    "cropping of one axis": (layers.Cropping1D((1, 2)), (6, 4), "zeropad", {}),
    "padding of one axis": (layers.ZeroPadding1D(2), (6, 4), "zeropad", {}),
    "upsampling": (layers.UpSampling2D((2, 3)), IMAGE, "upsample", {}),
    "bicubic": (layers.UpSampling2D(2, interpolation="bicubic"), IMAGE, "resize", {"muls": 16 * 4 * N}),
    "resizing": (layers.Resizing(9, 5), IMAGE, "resize", {"muls": 4 * 4 * 45}),
    "permute": (layers.Permute((3, 1, 2)), IMAGE, "permute", {}),
    "order kept": (lambda x: layers.Permute((1, 2, 3))(x) + 1, IMAGE, "shift", {"adds": N}),
    "repeat": (layers.RepeatVector(3), (5,), "keras.repeat", {}),
    "groups": (layers.GroupNormalization(2), IMAGE, "groupnorm", {"exps": 2}),
    "rms": (layers.RMSNormalization(), (6, 4), "rmsnorm", {"exps": 6}),
    "statistics": (
        layers.Normalization(mean=1.0, variance=2.0),
        (6, 4),
        "keras.normalization",
        {"adds": 24, "divs": 24},
    ),
    "rescaling": (layers.Rescaling(2.0, 1.0), (6, 4), "shift", {"adds": 24}),
    "separable": (layers.SeparableConv1D(5, 3), (6, 4), "conv", {"macs": 4 * 5 * 4}),
    "causal": (layers.Conv1D(5, 3, padding="causal"), (6, 4), "conv", {"macs": 6 * 3 * 4 * 5}),
    "gru": (layers.GRU(5), (6, 4), "keras.gru", {"macs": 6 * 3 * (4 * 5 + 5 * 5)}),
    "transposed": (
        layers.Conv2DTranspose(5, 3, strides=2, padding="same"),
        IMAGE,
        "conv_transpose",
        {"macs": N * 9 * 5},
    ),
    "embedding": (layers.Embedding(7, 3), (6,), "keras.embedding", {}),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_layer_or_an_operation(name):
    function, shape, operator, work = ROWS[name]
    row, net = last_row(function, shape)
    assert row.operator == operator
    assert {kind: getattr(row.work, kind) for kind in work} == work
    assert not net.unknown


@pytest.mark.parametrize(
    ("function", "unknown"),
    [
        (layers.Activation("softsign"), "keras.softsign"),
        (layers.UpSampling2D(2, interpolation="lanczos3"), "keras.resize"),
        (lambda x: k.cumsum(x, axis=1), "keras.cumsum"),
    ],
)
def test_what_has_no_rule_is_told(function, unknown):
    _, net = last_row(function, IMAGE)
    assert list(net.unknown) == [unknown]


@pytest.mark.parametrize(
    ("merge", "operator"), [("concat", "concat"), ("mul", "mul"), ("sum", "add"), ("ave", "scale")]
)
def test_recurrent_layers_both_ways_by_hand(merge, operator):
    both = layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode=merge)
    row, net = last_row(both, (6, 4))
    assert (row.operator, net.price().total.macs) == (operator, 2 * 6 * 4 * (4 * 5 + 5 * 5))


def test_what_both_ways_give_apart():
    both = layers.Bidirectional(layers.GRU(5, return_sequences=True), merge_mode=None)
    _, net = last_row(lambda x: k.subtract(*both(x)), (6, 4))
    assert net.price().total.macs == 2 * 6 * 3 * (4 * 5 + 5 * 5)


def test_norms_over_another_axis_than_channels():
    row, _ = last_row(layers.BatchNormalization(axis=1), (6, 5, 4))
    assert (row.operator, row.params, row.work.muls) == ("keras.batch_norm", 12, 120)
    norm = layers.Normalization()
    norm.build((None, 6, 4))
    row, _ = last_row(norm, (6, 4))
    assert row.operator == "normalize"
