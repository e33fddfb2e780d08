"""Files of other tools: read as their own readers do, or by these where they install; torch code by running it."""

import csv
import io
import math
import re

import pytest
import torch
import yaml

from convcost import ops
from convcost.cli import run
from convcost.cost.cost import Cost
from convcost.cost.graph import GraphBuilder
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
        (of(ops.Flatten(), ops.RBF(4)), "torch", "layer rbf: rbf is no single layer of torch.nn"),
        (of(ops.ReLU()), "scalsim", "unknown format 'scalsim'; did you mean scalesim?"),
    ],
)
def test_what_a_format_cannot_say_is_an_error_with_the_layer(cost, to, why):
    with pytest.raises(ConvcostError, match=re.escape(why)):
        export(cost, to)


# -- torch code -------------------------------------------------------------------------------------------------------


def same(cost: Cost) -> None:
    """The file, run, is the network: the same parameters, and to the bit the same outputs."""
    scope: dict[str, object] = {}
    exec(compile(export(cost, "torch"), "network.py", "exec"), scope)  # noqa: S102  # what we have just written
    (made,) = [one for one in scope.values() if isinstance(one, type) and issubclass(one, torch.nn.Module)]
    module, model = made().eval(), TorchModel(cost.graph, cost.input)
    names = attributes(cost)
    for node in cost.graph.nodes:
        if node.shares is None and hasattr(module, names[node.name]):
            state = model.get_submodule(model.paths[node.name]).state_dict()
            getattr(module, names[node.name]).load_state_dict(state)
    trained = sum(p.numel() for p in module.parameters())
    assert trained == sum(p.numel() for p in model.parameters()) == cost.with_auxiliary.params
    x = torch.rand(2, *cost.input)
    with torch.inference_mode():
        found, wanted = module(x), model(x)
    pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet18 shortcut=A", "3x32x32"), ("shufflenet_v2_x0.5", "3x32x32"), ("squeezenet", "3x32x32")],
)
def test_torch_code_is_the_network(name, size):
    with unwarned():
        same(load(name).price(size))


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
    assert run(["export", "lenet5", "--to", "torch", "--out", str(tmp_path / "other.py")]) == 2
    assert "no code for it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
    assert run(["export", "vgg11", "--to", "scalesim", "--batch", "2"]) == 2
    assert "SCALE-Sim has no batch" in capsys.readouterr().err
    assert [*FORMATS] == ["scalesim", "timeloop", "maestro", "csv", "torch"]
