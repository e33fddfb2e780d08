"""Files of other tools: read as their own readers do, or by these where they install; torch code by running it."""

import ast
import csv
import io
import math
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import yaml

from convcost import ops
from convcost.cli import run
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.door import networks
from convcost.errors import ConvcostError, unwarned
from convcost.exports import FORMATS, export
from convcost.exports.torchcode import attributes
from convcost.network import load
from convcost.torchbridge.module import TorchModel

NETWORKS = ["resnet50@v1", "googlenet", "mobilenet_v1", "resnext50_32x4d", "alexnet@paper", "inception_v3", "vgg16"]


def price(name: str) -> Cost:
    with unwarned():
        return load(name).price()


def of(*layers: ops.Op, input: tuple[int, ...] = (8, 9, 9)) -> Cost:
    g = GraphBuilder("small", input=input)
    x = g.input
    for layer in layers:
        x = g.add(layer, x)
    return Cost(g.graph())


# -- simulators -------------------------------------------------------------------------------------------------------


def scalesim_macs(text: str) -> int:
    """As scalesim 3.0.0 reads a topology: a line is skipped, a last field dropped, DP is of every channel."""
    total = 0
    for line in text.splitlines()[1:]:
        name, *fields = line.split(",")[:-1]
        height, width, r, s, channels, filters, stride = map(int, fields)
        assert r <= height
        assert s <= width
        times, channels = (channels, 1) if "DP" in name else (1, channels)
        out = [math.ceil((size - kernel + stride) / stride) for size, kernel in ((height, r), (width, s))]
        total += times * math.prod(out) * r * s * channels * filters
    return total


@pytest.mark.parametrize("name", NETWORKS)
def test_a_topology_of_scalesim_has_the_networks_macs(name):
    cost = price(name)
    assert scalesim_macs(export(cost, "scalesim")) == cost.total.macs


@pytest.mark.parametrize("name", NETWORKS)
def test_scalesim_itself_counts_the_networks_macs(name, tmp_path):
    reader = pytest.importorskip("scalesim.topology_utils")
    cost = price(name)
    path = tmp_path / "topology.csv"
    path.write_text(export(cost, "scalesim"))
    topologies = reader.topologies()
    topologies.load_arrays(str(path))
    assert topologies.get_all_mac_ops() == cost.total.macs


def test_padding_is_in_the_sizes_and_what_no_window_reaches_is_not():
    """9 padded by 1 is 11, of which 3x3 at a stride of 2 covers all; 10 padded by 1 is 12, and it covers 11."""
    rows = export(of(ops.Conv(4, 3, stride=2, padding=1)), "scalesim").splitlines()
    assert rows[1] == "conv, 11, 11, 3, 3, 8, 4, 2,"
    rows = export(of(ops.Conv(4, 3, stride=2, padding=1), input=(8, 10, 10)), "scalesim").splitlines()
    assert rows[1] == "conv, 11, 11, 3, 3, 8, 4, 2,"
    rows = export(of(ops.Conv(4, 3, groups=2), ops.DepthwiseConv(3)), "scalesim").splitlines()
    assert rows[1:] == [
        "conv_g0, 9, 9, 3, 3, 4, 2, 1,", "conv_g1, 9, 9, 3, 3, 4, 2, 1,", "DP_dwconv, 7, 7, 3, 3, 4, 1, 1,",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_problems_of_timeloop_are_the_layers(name):
    cost = price(name)
    rows = [row for row in cost.rows if row.op is not None and row.op.multiplies]
    problems = [*yaml.safe_load_all(export(cost, "timeloop"))]
    assert len(problems) == len(rows)
    for problem, row in zip(problems, rows, strict=True):
        one = problem["problem"]["instance"]
        assert math.prod(one[name] for name in problem["problem"]["shape"]["dimensions"]) == row.macs
        coefficients = {entry["name"] for entry in problem["problem"]["shape"]["coefficients"]}
        assert coefficients == {"Hstride", "Wstride", "Hdilation", "Wdilation"} <= {*one}
    first = problems[0]["problem"]["instance"]
    kernel = rows[0].op.kernel_size
    assert (first["S"], first["R"]) == (kernel if isinstance(kernel, tuple) else (kernel, kernel))
    assert (first["Q"], first["P"]) == rows[0].shape[1:]


def test_timeloops_widths_and_heights_are_not_exchanged():
    cost = of(ops.Conv(4, (1, 5), stride=(2, 3), dilation=(1, 2)), input=(8, 9, 20))
    one = yaml.safe_load(export(cost, "timeloop"))["problem"]["instance"]
    assert one == {
        "N": 1, "C": 8, "M": 4, "P": 4, "Q": 5, "R": 5, "S": 1, "G": 1,
        "Hstride": 2, "Wstride": 3, "Hdilation": 1, "Wdilation": 2,
    }  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_maestro_has_the_networks_macs(name):
    cost = price(name)
    text = export(cost, "maestro")
    total = 0
    for type_, stride, dims in re.findall(r"Type: (\w+)\s+Stride \{ (.+?) \}\s+Dimensions \{ (.+?) \}", text):
        s = {k: int(v) for k, v in (part.split(": ") for part in stride.split(", "))}
        d = {k: int(v) for k, v in (part.split(": ") for part in dims.split(", "))}
        assert type_ in ("CONV", "DSCONV")
        assert d["K"] == 1 or type_ == "CONV"
        outs = [(d[size] - d[kernel]) // s[size] + 1 for size, kernel in (("Y", "R"), ("X", "S"))]
        total += d["K"] * d["C"] * d["R"] * d["S"] * math.prod(outs)
    assert total == cost.total.macs
    assert text.count("{") == text.count("}")


def test_the_table_has_everything():
    cost = price("googlenet")
    rows = [*csv.DictReader(io.StringIO(export(cost, "csv")))]
    assert len(rows) == len(cost)
    assert sum(int(row["macs"]) for row in rows) == cost.total.macs
    assert sum(int(row["params"]) for row in rows) == cost.total.params
    assert rows[0] | {"kernel_size": "7x7", "stride": "2x2", "padding": "2+3x2+3", "weights": "9408"} == rows[0]


@pytest.mark.parametrize(
    ("cost", "to", "why"),
    [
        (of(ops.Conv(4, 3, dilation=2)), "scalesim", "layer conv: SCALE-Sim has no dilation"),
        (of(ops.Conv(4, 3, dilation=2)), "maestro", "layer conv: MAESTRO has no dilation"),
        (of(ops.Conv(4, 3, stride=(1, 2))), "scalesim", "layer conv: SCALE-Sim has one stride"),
        (of(ops.ConvTranspose(4, 3)), "timeloop", "layer conv_transpose: simulators have no conv_transpose"),
        (of(ops.Conv(4, 3), input=(8, 9)), "timeloop", "layer conv: simulators convolve over two axes, not 1"),
        (of(ops.BlurPool(3, 2)), "torch", "layer blurpool: blurpool is no single layer of torch.nn"),
        (of(ops.Conv(4, 3, weight_norm=True)), "onnx", "layer conv: its weight norm is not written: make it part"),
        (of(ops.Conv(4, 3, weight_norm=True)), "keras", "layer conv: its weight norm is not written: make it part"),
        (of(ops.ReLU()), "scalsim", "unknown format 'scalsim'; did you mean scalesim?"),
    ],
)
def test_what_a_format_cannot_say_is_an_error_with_the_layer(cost, to, why):
    with pytest.raises(ConvcostError, match=re.escape(why)):
        export(cost, to)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_workload_of_zigzag_has_the_networks_macs(name):
    """Its relations say the input's size, padding and all, and its sources come before what they feed."""
    cost = price(name)
    total = 0
    for one in yaml.safe_load(export(cost, "zigzag")):
        loops = dict(zip(one["loop_dims"], one["loop_sizes"], strict=True))
        assert {name.lower() for name in loops} <= {*re.findall(r"\[(\w+)\]", one["equation"])}
        assert one["operand_source"]["I"] <= one["id"] == one["operand_source"]["W"]
        total += math.prod(loops.values())
    assert total == cost.total.macs


def test_zigzags_sources_are_the_layers_that_feed():
    """Of a join, the last of them; the input's own is the layer itself, as in ZigZag's examples."""
    g = GraphBuilder("sources", input=(4, 6, 6))
    a = g.add(ops.Conv(4, 3, padding=1), g.input)
    b = g.add(ops.ReLU(), g.add(ops.Conv(4, 3, padding=1), a))
    g.add(ops.Conv(2, (1, 3), stride=(2, 1), groups=2), g.add(ops.Add(), a, b))
    rows = yaml.safe_load(export(Cost(g.graph()), "zigzag"))
    assert [row["operand_source"]["I"] for row in rows] == [0, 0, 1]
    assert rows[2]["dimension_relations"] == ["ix=1*ox+1*fx", "iy=2*oy+1*fy"]
    assert rows[2]["loop_dims"] == ["B", "G", "K", "C", "OY", "OX", "FY", "FX"]
    assert rows[2]["loop_sizes"] == [1, 2, 1, 2, 3, 4, 1, 3]


@pytest.mark.parametrize("name", NETWORKS)
def test_calls_of_stonne_have_the_networks_macs(name):
    cost = price(name)
    total = 0
    for line in export(cost, "stonne").splitlines():
        if "-CONV" in line:
            f = {key: int(value) for key, value in re.findall(r"-(\w+)=(\d+)", line)}
            out = [(f[size] - f[kernel]) // f["strides"] + 1 for size, kernel in (("X", "R"), ("Y", "S"))]
            groups = re.search(r"seq (\d+)", line)
            total += math.prod((*out, f["R"], f["S"], f["C"], f["K"])) * int(groups[1] if groups else 1)
    assert total == cost.total.macs


# -- ONNX -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("googlenet", "3x64x64"),
        ("mobilenet_v3_large", "3x64x64"),
        ("shufflenet_v2_x0.5", "3x64x64"),
        ("resnet18 shortcut=A", "3x64x64"),
        ("convnext_tiny", "3x64x64"),
        ("sknet50", "3x64x64"),
    ],
)
def test_an_onnx_file_is_the_network(name, size, tmp_path):
    """onnx infers the same shapes, onnx-tool the same macs and one more for each bias; read back, both counts stay."""
    onnx, onnx_tool = pytest.importorskip("onnx"), pytest.importorskip("onnx_tool")
    with unwarned():
        cost = load(name).price(size)
        path = tmp_path / "x.onnx"
        path.write_bytes(export(cost, "onnx"))
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        bare = onnx.ModelProto()
        bare.CopyFrom(model)
        del bare.graph.value_info[:]
        inferred = {
            value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
            for value in onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True).graph.value_info
        }
        outputs = {value.name for value in model.graph.output}
        for row in cost.rows:
            if not row.aux and row.name not in outputs:
                assert inferred[row.name] == [1, *row.shape], row.name
        counted = onnx_tool.Model(model, {"verbose": False})
        counted.graph.shape_infer()
        counted.graph.profile()
        of = [one for one in counted.graph.nodemap.values() if one.op_type in ("Conv", "Gemm")]
        biased = sum(r.elements for r in cost.rows if r.biases and r.op.multiplies and not r.aux)
        assert sum(one.macs[0] for one in of) == cost.total.macs + biased
        back = load(path).price().total
    assert (back.params, back.macs) == (cost.total.params, cost.total.macs)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert (said["params"], said["macs"]) == (str(cost.total.params), str(cost.total.macs))
    assert path.stat().st_size < 500_000


def test_what_onnx_has_not_is_one_line(tmp_path, capsys):
    pytest.importorskip("onnx")
    assert run(["export", "lenet5", "--to", "onnx", "--out", str(tmp_path / "x.onnx")]) == 2
    assert "layer output: rbf is not written as ONNX" in capsys.readouterr().err
    assert run(["export", "vgg11", "--to", "onnx"]) == 2
    assert "onnx is no text: say --out FILE" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


# -- torch code -------------------------------------------------------------------------------------------------------


def own_name(name: str) -> str:
    """Of a layer's parameter, without that of a module around it."""
    prefix, computed, rest = name.partition("parametrizations.")
    return computed + rest or prefix.rpartition(".")[2]


def same(cost: Cost) -> None:
    """The file, run, is the network: the same parameters, and to the bit the same outputs."""
    scope: dict[str, object] = {}
    exec(compile(export(cost, "torch"), "network.py", "exec"), scope)  # noqa: S102  # what we have just written
    (made,) = [one for one in scope.values() if isinstance(one, type) and issubclass(one, torch.nn.Module)]
    module, model = made().eval(), TorchModel(cost.graph, cost.input)
    names = attributes(cost)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, -0.1, 0.1)
    for node in cost.graph.nodes:
        if node.shares is None and hasattr(module, names[node.name]):
            state = model.get_submodule(model.paths[node.name]).state_dict()
            there = getattr(module, names[node.name])
            if isinstance(there, torch.Tensor):
                (values,) = state.values()
                with torch.no_grad():
                    there.copy_(values)
            else:
                there.load_state_dict({own_name(name): value for name, value in state.items()})
    trained = sum(p.numel() for p in module.parameters())
    assert trained == sum(p.numel() for p in model.parameters()) == cost.with_auxiliary.params
    x = torch.rand(2, *cost.input)
    with torch.inference_mode():
        found, wanted = module(x), model(x)
    pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
    assert all(torch.equal(one, other) and one.isfinite().all() for one, other in pairs)


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet18 shortcut=A", "3x32x32"), ("shufflenet_v2_x0.5", "3x32x32"), ("squeezenet", "3x32x32"), ("tcn", "1x40")],
)
def test_torch_code_is_the_network(name, size):
    with unwarned():
        same(load(name).price(size))


def test_what_is_no_layer_of_torchs_is_an_expression():
    """Axes that move, learned tensors, products of activations: each in one small network, to the bit."""
    g = GraphBuilder("expressions", input=(4, 6, 6))
    x = g.add(ops.Linear(8, dim=1), g.input)
    for op in (ops.LayerNorm(dim=1), ops.RMSNorm(dim=1), ops.GRN(dim=1), ops.LayerScale(), ops.Roll((1, 2), (2, 3))):
        x = g.add(op, x)
    half = g.add(ops.Slice(1, 0, 4), x)
    x = g.add(ops.Subtract(), half, g.add(ops.Slice(1, 4), x))
    x = g.add(ops.Power(), g.add(ops.Square(), x), g.add(ops.Mean((2, 3)), half))
    x = g.add(ops.Divide(), x, g.add(ops.Shift(), g.add(ops.Abs(), half)))
    x = g.add(ops.ResizeLike(), g.add(ops.MaxPool(2), x), half)
    tokens = g.add(ops.Permute((2, 1)), g.add(ops.Reshape((4, 36)), x))
    tokens = g.add(ops.Concat(1), g.add(ops.Parameter((1, 4))), tokens)
    y = g.add(ops.Attention(), tokens, tokens, tokens)
    y = g.add(ops.MatMul(), g.add(ops.Permute((2, 1)), y), tokens)
    y = g.add(ops.Amax(1), g.add(ops.Sum(2, keepdim=True), g.add(ops.Exp(), g.add(ops.Sigmoid(), y))))
    same(Cost(g.graph()))


@pytest.mark.slow
@pytest.mark.parametrize("name", networks())
def test_every_networks_torch_code_is_the_network_or_says_why_not(name):
    with unwarned():
        cost = load(name).price()
    try:
        export(cost, "torch")
    except ConvcostError as error:
        assert "no code for it" in str(error)  # noqa: PT017  # either way is right, and neither is silent
        return
    same(cost)


def test_keras_builds_the_network_and_computes_the_same():
    """Keras 3 on torch, in a process of its own: depthwise, split, shuffle; gates, hard swish, padding of one side."""
    if find_spec("keras") is None:  # importing it asks for a backend
        pytest.skip("no keras here")
    script = Path(__file__).with_name("keras_code.py")
    done = subprocess.run(
        [sys.executable, script, "shufflenet_v2_x0.5 3x32x32", "mobilenet_v3_small 3x32x32"],
        env={**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(script.parents[2])},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        trained, counted, apart, spread = map(float, line.split())
        assert trained == counted
        assert apart < 1e-3
        assert spread > 0


@pytest.mark.parametrize("name", ["vgg16", "shufflenet_v2_x0.5", "mobilenet_v3_small", "resnet50", "efficientnet_b0"])
def test_keras_code_has_a_call_for_each_layer_with_the_arguments_of_it(name):
    """Read as Python, without Keras: filters, kernels and units of what is called, in the order of the layers."""
    cost = price(name)
    calls = [call for call in ast.walk(ast.parse(export(cost, "keras"))) if isinstance(call, ast.Call)]
    made = [
        call.func for call in calls if isinstance(call.func, ast.Call) and isinstance(call.func.func, ast.Attribute)
    ]
    made.sort(key=lambda call: call.lineno)
    units = [ast.literal_eval(call.args[0]) for call in made if call.func.attr in ("Conv2D", "Dense")]
    multiplying = [row for row in cost.rows if row.op.multiplies and not row.aux]
    depthwise = [row for row in multiplying if row.op.name == "dwconv"]
    assert units == [row.shape[0] for row in multiplying if row not in depthwise]
    assert sum(call.func.attr == "DepthwiseConv2D" for call in made) == len(depthwise)


@pytest.mark.parametrize(
    ("name", "why"),
    [("lenet5", "layer .*: .* is not written as Keras code"), ("vit_b_16", "is not written as Keras code")],
)
def test_what_keras_code_cannot_say_names_the_layer(name, why):
    with pytest.raises(ConvcostError, match=why):
        export(price(name), "keras")


def test_names_that_python_has_are_not_taken_and_names_are_no_code():
    g = GraphBuilder('a"""\n\\', input=(3, 8, 8))
    a = g.add(ops.Conv(4, 3), g.input, name="class")
    b = g.add(ops.Conv(4, 3), g.input, name="forward")
    c = g.add(ops.Conv(4, 3), g.input, name="x")
    d = g.add(ops.Conv(4, 3), g.input, name="1x1")
    g.add(ops.Concat(), a, b, c, d, name='");raise')
    same(Cost(g.graph()))


def test_a_file_is_written_once(tmp_path, capsys):
    out = tmp_path / "net.py"
    assert run(["export", "vgg11", "--to", "torch", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"wrote {out}\n"
    before = out.read_text()
    assert "self.conv1_1_conv = nn.Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))" in before
    assert run(["export", "vgg13", "--to", "torch", "--out", str(out)]) == 2
    assert "there is a file of this name already" in capsys.readouterr().err
    assert out.read_text() == before
    spec = tmp_path.parent / "normalized.yaml"
    spec.write_text("name: normalized\ninput: [3, 8, 8]\nlayers: [{a: normalize()}]\n")
    assert run(["export", str(spec), "--to", "torch", "--out", str(tmp_path / "other.py")]) == 2
    assert "no code for it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
    assert run(["export", "vgg11", "--to", "scalesim", "--batch", "2"]) == 2
    assert "SCALE-Sim has no batch" in capsys.readouterr().err
    assert [*FORMATS] == ["scalesim", "timeloop", "maestro", "zigzag", "stonne", "csv", "torch", "keras", "onnx"]
