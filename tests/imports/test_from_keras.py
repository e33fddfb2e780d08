"""Keras models as networks: against count_params() and what torch counts of them, and files that are hostile."""

import json
import sys
import time
import warnings
from importlib.util import find_spec
from zipfile import ZipFile

import numpy as np
import pytest

import convcost
from convcost import ConvcostError, MissingExtraError, from_keras
from convcost.cli import run
from convcost.imports import kerasfile
from convcost.imports.kerasfile import keras_module

if find_spec("keras") is None:
    pytest.skip("Keras is not installed", allow_module_level=True)
keras = keras_module()
layers = keras.layers

QUICK = {
    "MobileNet": "mobilenet_v1@keras",
    "ResNet50": "resnet50@keras",
    "VGG16": "vgg16",
    "DenseNet121": "densenet121",
}
"""Models, and specs of the same multiply-adds."""
MODELS = [
    name
    for name in dir(keras.applications)
    if name[0].isupper() and not name.startswith("NASNet")  # which refuses torch
]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def application(name):
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, name)(weights=None)


def equal(model, shape=None):
    net = from_keras(model, shape)
    assert net.price().total.counts.total == model.count_params()
    assert not net.unknown
    return net


@pytest.mark.parametrize("name", ["MobileNetV2", "MobileNetV3Small", "EfficientNetV2B0", "Xception", "ConvNeXtTiny"])
def test_applications_have_their_parameters_and_a_closed_form(name):
    net = equal(application(name))
    form = net.formula("macs", ["H", "W"])
    own = net.input
    for more in (0, 32, 77):
        shape = (own[0], own[1] + more, own[2] + 2 * more)
        assert form.value.evaluate({"H": shape[1], "W": shape[2]}) == net.price(shape).total.macs


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_all_applications_have_their_parameters(name):
    equal(application(name))


def test_there_are_as_many_applications_as_were_looked_at():
    assert len(MODELS) >= 37


@pytest.mark.parametrize(("name", "spec"), QUICK.items())
def test_applications_are_specs_of_ours(name, spec):
    try:
        ours = convcost.load(spec)
    except ConvcostError:
        ours = convcost.load(spec.partition("@")[0])
    assert equal(application(name)).price(input=ours.input).total.macs == ours.price().total.macs


class Block(layers.Layer):
    """A residual block of the user's own."""

    def __init__(self, channels, **named):
        super().__init__(**named)
        self.conv = layers.Conv2D(channels, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization()

    def call(self, x, training=False):
        return keras.ops.relu(self.norm(self.conv(x), training=training) + x)


class Subclassed(keras.Model):
    """Layers, a block of the user's, functions of keras.ops, and Python between them."""

    def __init__(self):
        super().__init__(name="mine")
        self.stem = layers.Conv2D(16, 3, strides=2, activation="relu")
        self.blocks = [Block(16, name=f"block_{i}") for i in range(2)]
        self.head = layers.Dense(10)

    def call(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(keras.ops.mean(x, axis=(1, 2)))


def test_a_subclassed_model_by_hand():
    net = equal(Subclassed(), (3, 33, 65))
    rows = {row.name: row for row in net.price()}
    first, block = next(iter(rows.values())), next(row for name, row in rows.items() if name.startswith("block_1/conv"))
    assert (first.shape, first.params, first.macs) == ((16, 16, 32), 3 * 9 * 16 + 16, 27 * 16 * 16 * 32)
    assert (block.params, block.macs) == (16 * 9 * 16, 16 * 9 * 16 * 16 * 32)
    assert net.price().total.params == 448 + 2 * (2304 + 32) + 170
    assert str(net.formula("params").value) == str(448 + 2 * (2304 + 32) + 170)


def test_a_model_inside_a_model_is_a_scope_and_its_weights_are_tied():
    inputs = keras.Input((None, None, 8))
    inner = keras.Sequential([keras.Input((None, None, 8)), layers.Conv2D(8, 3, padding="same")], name="inner")
    net = equal(keras.Model(inputs, inner(inner(inputs) + 0.5)), "8x20x30")
    assert [(row.name.split("/")[0], row.params, row.macs) for row in net.price()] == [
        ("inner", 584, 576 * 600),
        ("shift", 0, 0),
        ("inner", 0, 576 * 600),
    ]
    assert list(net.tied.values()) == [2, 2]


def tokens():
    inputs = keras.Input((49, 64))
    x = layers.LayerNormalization()(inputs)
    x = layers.MultiHeadAttention(4, 16)(x, x) + inputs
    return keras.Model(inputs, layers.Dense(64)(layers.Dense(128, activation="gelu")(x)))


def images():
    inputs = keras.Input((32, 32, 3))
    x = layers.SeparableConv2D(8, 3, padding="same")(inputs)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    x = layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2)(x)
    x = layers.GroupNormalization(4)(layers.Conv2D(16, 3, groups=4, dilation_rate=2)(x))
    return keras.Model(inputs, layers.Dense(7)(layers.Flatten()(layers.AveragePooling2D(2)(x))))


@pytest.mark.parametrize("make", [tokens, images])
def test_multiply_adds_are_what_torch_counts_while_it_runs(make):
    torch = pytest.importorskip("torch")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras runs on another backend")
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    model = make()
    # The fused attention of a CPU is not counted by torch; what it is made of is.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros((1, *model.input_shape[1:])))
    assert 2 * equal(model).price().total.macs == counter.get_total_flops()


def test_channels_first_is_the_same_network_as_channels_last():
    def made(first):
        inputs = keras.Input((3, 20, 30) if first else (20, 30, 3))
        kind = {"data_format": "channels_first" if first else "channels_last"}
        x = layers.Conv2D(8, 3, strides=2, name="a", **kind)(inputs)
        x = layers.BatchNormalization(axis=1 if first else -1, name="b")(x)
        x = layers.MaxPooling2D(name="c", **kind)(x)
        return keras.Model(inputs, layers.Dense(5, name="d")(layers.Flatten(name="e", **kind)(x)))

    rows = [[(row.name, row.shape, row.params, row.macs) for row in equal(made(first)).price()] for first in (0, 1)]
    assert rows[0] == rows[1]


def test_recurrent_layers_multiply_every_weight_at_every_position():
    inputs = keras.Input((10,))
    x = layers.Embedding(100, 6)(inputs)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    net = equal(keras.Model(inputs, layers.GRU(3)(x)))
    assert net.price().total.macs == 10 * (2 * (6 + 4) * 16 + (8 + 3) * 9)


def test_a_model_is_left_as_it_was():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="a"), layers.Flatten()])
    before = model.to_json(), len(model.layers[0]._inbound_nodes), [w.numpy().tolist() for w in model.weights]
    from_keras(model).formula("macs")
    assert before == (
        model.to_json(),
        len(model.layers[0]._inbound_nodes),
        [w.numpy().tolist() for w in model.weights],
    )


def test_a_file_is_the_model_and_becomes_a_spec(tmp_path):
    model, path, spec = images(), tmp_path / "model.keras", tmp_path / "spec.yaml"
    model.save(path)
    net, own = convcost.load(str(path)), from_keras(model)
    assert [tuple(row) for row in net.price()] == [tuple(row) for row in own.price()]
    assert run(["layers", str(path), "--depth", "1"]) == 0
    assert run(["import", str(path), "-o", str(spec)]) == 0
    again = convcost.load(str(spec)).price().total
    assert (again.macs, again.params) == (net.price().total.macs, net.price().total.params)
    assert run(["diff", str(path), str(spec)]) == 0


# -- what is refused -------------------------------------------------------------------------------------------------


def written(path, config):
    with ZipFile(path, "w") as archive:
        archive.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
    return str(path)


def sequential(**layer):
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [{"registered_name": None, **layer}]},
        "registered_name": None,
    }


DENSE = {"module": "keras.layers", "class_name": "Dense"}
REFUSED = {
    "a lambda": (sequential(module="keras.layers", class_name="Lambda", config={"name": "evil"}), "evil, a Lambda"),
    "a module": (sequential(module="os", class_name="system", config={"name": "x"}), "none of Keras' own"),
    "a utility": (sequential(module="keras.utils", class_name="get_file", config={}), "get_file, is none of Keras'"),
    "a pickle": (sequential(module="keras.layers", class_name="TorchModuleWrapper", config={}), "holds code"),
    "a registered name": (sequential(**DENSE | {"registered_name": "my>Dense"}, config={}), "none of Keras' own"),
    "a function": (
        sequential(
            **DENSE, config={"units": 1, "activation": {"class_name": "function", "module": "os", "config": "x"}}
        ),
        "none of Keras' own activations",
    ),
    "no units": (sequential(**DENSE, config={"name": "d"}), "Keras makes no model of it"),
    "a list": ("[]", "no .keras file"),
    "deep": ("[" * 100_000, "no .keras file"),
    "no JSON": ("\0\1", "no .keras file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_files_that_are_hostile_end_in_one_line(tmp_path, capsys, kind):
    config, wanted = REFUSED[kind]
    path = written(tmp_path / "x.keras", config)
    modules = set(sys.modules)
    began = time.process_time()
    assert run(["layers", path, "--input", "3x8x8"]) == 2
    said = capsys.readouterr().err
    assert wanted in said
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    assert time.process_time() - began < 10
    assert not {name for name in set(sys.modules) - modules if name.startswith("keras.src.utils.file_utils")}


def test_garbage_and_what_is_cut_off_are_no_files(tmp_path):
    path = tmp_path / "x.keras"
    for data in (b"", b"PK\3\4" + b"\0" * 50, bytes(range(256)) * 40):
        path.write_bytes(data)
        with pytest.raises(ConvcostError, match=r"no \.keras file"):
            convcost.load(str(path))


def test_code_that_calls_the_backend_is_refused_with_its_layer():
    class Own(layers.Layer):
        def call(self, x):
            return x.detach() if hasattr(x, "detach") else x + np.asarray(x.numpy())

        def compute_output_shape(self, shape):
            return shape

    with pytest.raises(ConvcostError, match=r"layer own_layer: .*cannot be followed"):
        from_keras(keras.Sequential([keras.Input((4,)), layers.Dense(3), Own(name="own_layer")]))


def test_without_a_backend_keras_is_not_begun(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(kerasfile, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"a backend of Keras \(tensorflow, torch, jax\) is needed"):
        keras_module()


def test_what_is_no_model_is_refused():
    with pytest.raises(ConvcostError, match=r"a keras\.Model is imported, got a int"):
        from_keras(3)
