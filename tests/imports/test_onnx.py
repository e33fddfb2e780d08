"""ONNX files as networks: nine that exporters wrote, sizes that are computed, and files that are hostile."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import convcost
from convcost import ConvcostError, ConvcostWarning, from_onnx
from convcost.cli import run

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
nn = torch.nn
helper, FLOAT, INT64 = onnx.helper, onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
FILES = {path.stem.removeprefix("light_"): path for path in sorted(LIGHT.glob("*.onnx"))}

SPECS = {"vgg19": "vgg19", "resnet50": "resnet50@v1.5", "densenet121": "densenet121"}
"""Files of networks that have a spec: Caffe2 exported them."""
MORE = {"densenet121": 83_648}
"""Params that they have more: a scale and a shift behind each of DenseNet's norms, which were Caffe's Scale layers."""
PARAMS = {"bvlc_alexnet": 60_965_224, "inception_v1": 6_998_552, "squeezenet": 1_235_496}
"""BVLC's CaffeNet, as its model's page says; GoogLeNet without auxiliary heads; torchvision's squeezenet1_1."""


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvcostWarning)
        yield


@pytest.mark.parametrize("name", FILES)
def test_files_of_exporters_are_networks(name):
    cost = convcost.load(str(FILES[name])).price()
    assert cost.input == (3, 224, 224)
    assert cost.total.shape[0] == 1000
    if name in SPECS:
        ours = convcost.load(SPECS[name]).price().total
        assert (cost.total.macs, cost.total.params) == (ours.macs, ours.params + MORE.get(name, 0))
    assert cost.total.params == PARAMS.get(name, cost.total.params)


def test_all_nine_are_there():
    assert len(FILES) == 9


def made(tmp_path, nodes, shape=("N", 3, 8, 8), more=(), **stored):
    """A file of nodes; `stored` are constants, floats by their shape and integers by their values."""
    constants = [
        helper.make_tensor(name, INT64, [len(value)], value)
        if isinstance(value, list)
        else helper.make_tensor(name, FLOAT, value, bytes(4 * int(np.prod(value))), raw=True)
        for name, value in stored.items()
    ]
    x = helper.make_tensor_value_info("x", FLOAT, shape)
    y = helper.make_tensor_value_info("y", FLOAT, None)
    path = tmp_path / "model.onnx"
    path.write_bytes(helper.make_model(helper.make_graph(nodes, "g", [x, *more], [y], constants)).SerializeToString())
    return path


def node(operator, inputs, output="y", name="", **attributes):
    return helper.make_node(operator, inputs.split(",") if inputs else [], output.split(","), name=name, **attributes)


def test_sizes_that_are_computed_are_followed(tmp_path):
    path = made(
        tmp_path,
        [
            node("Conv", "x,w,b", "c", "/stem/conv/Conv", strides=[2, 2], pads=[1, 1, 1, 1]),
            node("Shape", "c", "s"),
            node("Gather", "s,first", "n"),
            node("Concat", "n,rest", "to", axis=0),
            node("Reshape", "c,to", "r"),
            node("Gemm", "r,f,g", "y", "/head/Gemm", transB=1),
        ],
        w=(4, 3, 3, 3),
        b=(4,),
        f=(10, 64),
        g=(10,),
        first=[0],
        rest=[-1],
    )
    net = convcost.load(path)
    assert [(row.name, row.operator, row.shape, row.params, row.macs) for row in net.price()] == [
        ("stem/conv/Conv", "conv", (4, 4, 4), 112, 108 * 16),
        ("flatten", "flatten", (64,), 0, 0),
        ("head/Gemm", "linear", (10,), 650, 640),
    ]
    with pytest.raises(ConvcostError, match=r"node Gemm '/head/Gemm': weights for 64 features, an input of 100"):
        net.price("3x10x10")


def test_a_file_that_leaves_its_sizes_open_is_asked_for_them(tmp_path, capsys):
    path = made(tmp_path, [node("Conv", "x,w", "y")], shape=("N", 3, "H", "W"), w=(4, 3, 3, 3))
    with pytest.raises(ConvcostError, match="what is its input"):
        from_onnx(path).price()
    assert from_onnx(path, "3x8x8").price().total.macs == 108 * 36
    assert from_onnx(path, (3, 8, 8)).formula("macs", ["H"])(H=10) == 108 * 48
    assert run(["layers", str(path), "--input", "3x8x8"]) == 0
    assert "conv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("nodes", "stored", "error"),
    [
        (
            [node("LSTM", "x,w", "y", "/rnn/LSTM")],
            {"w": (4, 3, 3)},
            "node LSTM '/rnn/LSTM': there is no rule for this operator",
        ),
        ([node("Conv", "q,w", "y")], {"w": (4, 3, 3, 3)}, "node 1, Conv: it takes 'q', which nothing before it makes"),
        ([node("Relu", "z", "a"), node("Relu", "a", "z"), node("Relu", "x", "y")], {}, "it takes 'z', which nothing"),
        ([node("Conv", "x,w", "y")], {"w": (4, 5, 3, 3)}, "its weights are for 5 channels, its input has 3"),
        ([node("Conv", "x,w", "y")], {"w": (4, 3, 9, 9)}, "window of 9"),
        ([node("Conv", "x", "y")], {}, "not as its operator has it"),
        ([node("Reshape", "x,to", "y")], {"to": [1, 1 << 40]}, "3x8x8 cannot be"),
        (
            [node("ConstantOfShape", "to", "w"), node("Mul", "x,w", "y")],
            {"to": [1 << 40, 1 << 40]},
            "it would make a tensor",
        ),
        ([node("ConstantOfShape", "to", "y")], {"to": [3]}, "no output depends on the input"),
        ([node("Concat", "x,x", "y", axis=7 << 30)], {}, "there is no axis 7516192768 of 1x3x8x8"),
    ],
)
def test_what_does_not_fit_is_told_with_its_node(tmp_path, nodes, stored, error):
    with pytest.raises(ConvcostError) as found:
        from_onnx(made(tmp_path, nodes, **stored)).price()
    assert error in str(found.value)
    assert str(tmp_path) in str(found.value)


def test_files_that_are_none_end_in_one_line_and_soon(tmp_path, capsys):
    whole = FILES["squeezenet"].read_bytes()
    files = {
        "empty.onnx": b"",
        "text.onnx": b"name: example\n" * 1000,
        "zeros.onnx": bytes(100_000),
        "half.onnx": whole[: len(whole) // 2],
        "nearly.onnx": whole[:-3],
        "pickle.onnx": b"\x80\x04\x95cos\nsystem\n",
        "deep.onnx": b"\x3a\x80\x01" * 50_000,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        start = time.process_time()
        assert run(["layers", str(tmp_path / name)]) == 2, name
        error = capsys.readouterr().err
        assert name in error
        assert error.count("\n") == 1
        assert time.process_time() - start < 5
    assert run(["layers", str(tmp_path / "missing.onnx")]) == 2
    assert "missing.onnx" in capsys.readouterr().err


def test_external_data_is_not_opened(tmp_path):
    path = made(tmp_path, [node("Conv", "x,w", "y")], w=(4, 3, 3, 3))
    model = onnx.load(path)
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../../etc/passwd")
    path.write_bytes(model.SerializeToString())
    assert from_onnx(path).price().total.params == 108


@pytest.mark.parametrize("suffix", ["pt", "pth", "pkl"])
def test_pickles_are_refused_unread(tmp_path, capsys, suffix):
    path = tmp_path / f"model.{suffix}"
    path.write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    assert run(["layers", str(path)]) == 2
    assert "a pickle runs code where it is opened, so it is not" in capsys.readouterr().err


def test_knobs_and_two_inputs_are_refused(tmp_path):
    path = made(tmp_path, [node("Conv", "x,w", "y")], w=(4, 3, 3, 3))
    with pytest.raises(ConvcostError, match="an ONNX file has no knobs, got width"):
        convcost.load(path, width=2)
    with pytest.raises(ConvcostError, match="the input is given twice"):
        convcost.load(f"{path} input=3x8x8 input=3x9x9")
    assert convcost.load(f"{path} input=3x9x9").price().input == (3, 9, 9)


def test_bounds_of_a_clip_are_no_parameters(tmp_path):
    """0 and 6 of ReLU6, which exporters write as constants of the graph."""
    zero, six = (onnx.numpy_helper.from_array(np.array(n, dtype="float32")) for n in (0.0, 6.0))
    weight = onnx.numpy_helper.from_array(np.zeros((4, 3, 3, 3), dtype="float32"), "w")
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["y"]),
        onnx.helper.make_node("Constant", [], ["low"], value=zero),
        onnx.helper.make_node("Constant", [], ["high"], value=six),
        onnx.helper.make_node("Clip", ["y", "low", "high"], ["z"]),
    ]
    inputs = [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 8, 8])]
    outputs = [onnx.helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1, 4, 6, 6])]
    graph = onnx.helper.make_graph(nodes, "clip", inputs, outputs, [weight])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "clip.onnx")
    net = convcost.from_onnx(tmp_path / "clip.onnx")
    assert net.unused == {}
    assert [row.operator for row in net.price()] == ["conv", "relu6"]


class Attention(nn.Module):
    """One block of a transformer with a token of its own and a learned scale, as timm writes it."""

    def __init__(self, width=12, heads=3):
        super().__init__()
        self.heads = heads
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.scale = nn.Parameter(torch.randn(1))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x.flatten(2).transpose(1, 2)], 1)
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.scale * self.out(x.transpose(1, 2).reshape(b, n, c))[:, 0]


def test_the_scale_of_an_attention_is_no_parameter_and_a_learned_number_is_one(tmp_path):
    """Exporters write what 1 / sqrt(head width) is made of as constants, one element each, as the learned scale is."""
    module = Attention().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, that there is a newer one
        torch.onnx.export(module, (torch.zeros(1, 12, 4, 4),), tmp_path / "a.onnx", dynamo=False)
    net, own = convcost.load(str(tmp_path / "a.onnx")), convcost.from_torch(module, (12, 4, 4))
    assert net.price().total.params == own.price().total.params == sum(p.numel() for p in module.parameters())
    assert net.price().total.macs == own.price().total.macs == 17 * 12 * (36 + 17 + 17 + 12)
    assert net.unused == {}


@pytest.mark.parametrize(
    ("name", "shape", "params"),
    [("val_57", (1,), 0), ("val_57", (), 0), ("onnx::Mul_8", (1,), 0), ("gamma", (1,), 1), ("val_57", (3, 1, 1), 3)],
)
def test_a_number_of_the_exporters_is_no_parameter(tmp_path, name, shape, params):
    nodes = [node("Mul", f"x,{name}")]
    net = convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), **{name: shape})))
    assert net.price().total.params == params
    assert net.unused == {}


def test_a_layers_single_weight_is_a_parameter_whatever_it_is_called(tmp_path):
    """A folded convolution of one channel, whose bias is one number, and a slope."""
    stored = {"onnx::Conv_8": (1, 3, 1, 1), "onnx::Conv_9": (1,), "val_3": (1,)}
    nodes = [node("Conv", "x,onnx::Conv_8,onnx::Conv_9", "c"), node("PRelu", "c,val_3")]
    assert convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), **stored))).price().total.params == 3 + 1 + 1


@pytest.mark.parametrize(
    ("nodes", "stored", "shape"),
    [
        ([node("Gather", "x,one", axis=1)], {"one": [2]}, (1, 8, 8)),
        ([node("Gather", "x,some", axis=-1)], {"some": [0, 2, 7]}, (3, 8, 3)),
        ([node("ReduceMean", "x", "m", axes=[1]), node("Expand", "m,sizes")], {"sizes": [1, 5, 8, 8]}, (5, 8, 8)),
        ([node("Split", "x,sizes", "a,y", axis=1)], {"sizes": [1, 2]}, (2, 8, 8)),
        ([node("Split", "x", "a,b,y", axis=2, num_outputs=3)], {}, (3, 2, 8)),
    ],
)
def test_parts_of_a_map(tmp_path, nodes, stored, shape):
    net = convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), **stored)))
    assert net.price().total.shape == shape
    assert net.price().total.params == 0


def test_an_embedding_has_its_table(tmp_path):
    net = convcost.load(str(made(tmp_path, [node("Gather", "table,x")], (1, 6), table=(50, 7))))
    assert (net.price().total.shape, net.price().total.params) == ((6, 7), 350)


ROWS = {
    "LayerNormalization": ([node("LayerNormalization", "x,g,b", axis=1)], {"g": (3, 8, 8), "b": (3, 8, 8)}, 384, 0),
    "InstanceNormalization": ([node("InstanceNormalization", "x,g,b")], {"g": (3,), "b": (3,)}, 6, 0),
    "ConvTranspose": ([node("ConvTranspose", "x,w", strides=[2, 2])], {"w": (3, 5, 2, 2)}, 60, 192 * 5 * 4),
    "MatMul": ([node("MatMul", "x,w")], {"w": (8, 5)}, 40, 192 * 5),
    "Gemm": ([node("Flatten", "x", "f"), node("Gemm", "f,w,b", transB=1)], {"w": (7, 192), "b": (7,)}, 1351, 1344),
    "vector": ([node("Flatten", "x", "f"), node("MatMul", "f,w")], {"w": (192, 7)}, 1344, 1344),
    "conv same": ([node("Conv", "x,w", auto_pad="SAME_UPPER")], {"w": (4, 3, 3, 3)}, 108, 108 * 64),
    "depthwise": ([node("Conv", "x,w", group=3)], {"w": (6, 1, 3, 3)}, 54, 54 * 36),
}


@pytest.mark.parametrize("name", ROWS)
def test_operators_by_hand(tmp_path, name):
    nodes, stored, params, macs = ROWS[name]
    total = convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), **stored))).price().total
    assert (total.params, total.macs) == (params, macs)


SHAPES = {
    "Flatten to rows": ([node("Flatten", "x", axis=0)], {}, "onnx.flatten", (192,)),
    "Pad": ([node("Pad", "x", pads=[0, 0, 1, 2, 0, 0, 0, 1])], {}, "zeropad", (3, 9, 11)),
    "Pad channels": ([node("Pad", "x,sides")], {"sides": [0, 1, 0, 0, 0, 0, 0, 0]}, "onnx.pad", (4, 8, 8)),
    "Resize by sizes": (
        [node("Resize", "x,,,sizes", mode="linear")],
        {"sizes": [1, 3, 11, 5]},
        "resize",
        (3, 11, 5),
    ),
    "Upsample": ([node("Upsample", "x", scales=[1.0, 1.0, 2.0, 2.0], mode="nearest")], {}, "upsample", (3, 16, 16)),
    "ReduceMax": ([node("ReduceMax", "x", axes=[2, 3], keepdims=0)], {}, "amax", (3,)),
    "ReduceL2": ([node("ReduceL2", "x", axes=[1])], {}, "onnx.l2", (1, 8, 8)),
    "Softmax": ([node("Softmax", "x", axis=-1)], {}, "onnx.softmax", (3, 8, 8)),
    "Concat": ([node("Concat", "x,x", axis=2)], {}, "onnx.concat", (3, 16, 8)),
    "Concat one": ([node("Concat", "x", "c", axis=1), node("Relu", "c")], {}, "relu", (3, 8, 8)),
    "Slice": ([node("Slice", "x", starts=[1, 0], ends=[3, 5], axes=[1, 3])], {}, "onnx.slice", (2, 8, 5)),
    "Transpose": ([node("Transpose", "x", perm=[0, 2, 3, 1])], {}, "onnx.transpose", (8, 8, 3)),
    "Clip below": ([node("Clip", "x", min=0.0)], {}, "onnx.clip", (3, 8, 8)),
    "Clip": ([node("Clip", "x", min=0.0, max=6.0)], {}, "relu6", (3, 8, 8)),
    "Add": ([node("GlobalAveragePool", "x", "p"), node("Add", "x,p")], {}, "onnx.add", (3, 8, 8)),
    "LeakyRelu": ([node("LeakyRelu", "x", alpha=0.1)], {}, "leaky_relu", (3, 8, 8)),
    "MaxPool": ([node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], {}, "maxpool", (3, 4, 4)),
}


SHAPES |= {
    "Squeeze": ([node("GlobalAveragePool", "x", "p"), node("Squeeze", "p,axes")], {"axes": [2, 3]}, "flatten", (3,)),
    "Unsqueeze": ([node("Unsqueeze", "x,axes")], {"axes": [2, -1]}, "onnx.unsqueeze", (3, 1, 8, 8, 1)),
    "Transpose all": (
        [node("Transpose", "t", "u", perm=[1, 0]), node("Shape", "u", "s"), node("Reshape", "x,s")],
        {"t": (192, 1)},
        "flatten",
        (192,),
    ),
    "ints in a node": (
        [node("Constant", "", "s", value_ints=[1, 6, -1]), node("Reshape", "x,s")],
        {},
        "onnx.reshape",
        (6, 32),
    ),
}


def test_weights_that_are_turned_before_they_are_used(tmp_path):
    """As exporters leave it that fold nothing: the same parameters, once."""
    nodes = [
        node("Transpose", "w", "v"),
        node("Unsqueeze", "b", "c", axes=[0]),
        node("Squeeze", "c", "d", axes=[0]),
        node("Flatten", "x", "f"),
        node("Gemm", "f,v,d"),
    ]
    net = convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), w=(7, 192), b=(7,))))
    assert (net.price().total.params, net.price().total.macs) == (7 * 192 + 7, 7 * 192)
    assert net.unused == {}


@pytest.mark.parametrize("name", SHAPES)
def test_operators_and_their_shapes(tmp_path, name):
    nodes, stored, operator, shape = SHAPES[name]
    *_, row = convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), **stored))).price()
    assert (row.operator, row.shape) == (operator, shape)
    assert row.params == 0


@pytest.mark.parametrize(
    ("nodes", "stored", "error"),
    [
        ([node("Conv", "x,w", auto_pad="SAME_LOWER")], {"w": (4, 3, 3, 3)}, "auto_pad SAME_LOWER has no rule"),
        ([node("ConvTranspose", "x,w", output_shape=[9, 9])], {"w": (3, 4, 3, 3)}, "which has no rule"),
        ([node("Gemm", "x,w")], {"w": (9, 4)}, "weights for 9 features, an input of 3x8x8"),
        ([node("MatMul", "x,w")], {"w": (9, 4)}, "1x3x8x8 by 9x4"),
        ([node("Split", "x", "y,z", axis=1)], {}, "it does not say into how many parts"),
        ([node("Split", "x", "y,z", axis=1, split=[1, 1])], {}, "parts of 1, 1 of axis 1 of 1x3x8x8"),
        ([node("Resize", "x")], {}, "it does not say to what size"),
        ([node("Resize", "x,,,sizes")], {"sizes": [1, 6, 8, 8]}, "it resizes channels"),
        ([node("Reshape", "x,x")], {}, "what it makes depends on the data"),
        (
            [node("Transpose", "x", "t", perm=[1, 0, 2, 3]), node("Relu", "t")],
            {},
            "whose first axis is not one sample's",
        ),
        ([node("Constant", "", "s", value_ints=[1, 1 << 62]), node("Expand", "x,s")], {}, "not as its operator has it"),
        ([node("Expand", "x,sizes")], {"sizes": [1, 2, 8, 8]}, "not as its operator has it"),
    ],
)
def test_operators_that_do_not_fit(tmp_path, nodes, stored, error):
    with pytest.raises(ConvcostError) as found:
        convcost.load(str(made(tmp_path, nodes, (1, 3, 8, 8), **stored)))
    assert error in str(found.value)
