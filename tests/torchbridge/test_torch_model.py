"""Graphs as torch models: real ones, that run at any size, on tensors of the shapes that the graph says."""

from __future__ import annotations

import copy
import subprocess
import sys
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import random_graphs
from smallest import of_each_spec, smallest
from torch import nn
from torch.nn import functional as F  # noqa: N812  # what everyone calls it

import convcost
from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.graph import Graph
from convcost.errors import ConvcostError
from convcost.ops import REGISTRY, Op, Shape
from convcost.torchbridge import crosscheck
from convcost.torchbridge.layers import BUILDERS
from convcost.torchbridge.module import TorchModel


def of(op: Op, *inputs: Shape) -> TorchModel:
    """The model of one operator on one input."""
    build = GraphBuilder("one", inputs[0])
    build.add(op, build.input)
    return TorchModel(build.graph())


def run(op: Op, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return of(op, tuple(x.shape[1:]))(x)


def test_every_operator_has_a_builder_in_the_order_of_the_registry() -> None:
    assert list(BUILDERS) == list(REGISTRY.values())


def test_layers_go_by_their_own_names() -> None:
    model = convcost.torch_model("googlenet", device="meta")
    assert isinstance(model.get_submodule("inception_3a.5x5.conv.conv"), nn.Conv2d)
    assert model.paths["inception_3a/5x5/conv/conv"] == "inception_3a.5x5.conv.conv"
    assert [path.replace(".", "/") for path in model.paths.values()] == list(model.paths)
    assert not any(module.training for module in model.modules())


def test_names_that_torch_does_not_take() -> None:
    build = GraphBuilder("names", (3, 4, 4))
    x = build.input
    names = ["a.b", "a_b", "type", "forward", "steps", "a/b", "a", "train/x", "c.", "x/y.z/type"]
    for name in names:
        x = build.add(ops.Conv(3, 1), x, name=name)
    model = TorchModel(build.graph())
    paths = list(model.paths.values())
    assert list(model.paths) == names
    assert len(set(paths)) == len(names)
    for path in paths:
        assert type(model.get_submodule(path)) is nn.Conv2d
    assert model(torch.zeros(2, 3, 4, 4)).shape == (2, 3, 4, 4)
    assert sum(p.numel() for p in model.parameters()) == 10 * (9 + 3)


def test_meta_allocates_no_weights() -> None:
    model = convcost.torch_model("vgg16", device="meta")
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert sum(p.numel() for p in model.parameters()) == 138_357_544


def forward_shapes(model: TorchModel, *xs: torch.Tensor) -> list[Shape]:
    shapes: list[Shape] = []

    def note(_layer: nn.Module, _inputs: object, y: torch.Tensor) -> None:
        shapes.append(tuple(y.shape[1:]))

    # A layer that is used again is one module.
    hooks = [layer.register_forward_hook(note) for layer in dict.fromkeys(step.layer for step in model.steps)]
    with torch.no_grad():
        model(*xs)
    for hook in hooks:
        hook.remove()
    return shapes


def fits(network: convcost.Network, shape: Shape) -> bool:
    """Whether a model built for the network's own input is that of another one: its weights, its layers' arguments."""
    own = network.price()
    try:
        other = network.price(shape)
    except ConvcostError:
        return False
    same = [node.op for node in other.graph.nodes] == [node.op for node in own.graph.nodes]
    return same and other.total.params == own.total.params


@pytest.mark.parametrize("spec", SPECS := of_each_spec())
def test_shapes_at_even_and_odd_sizes(spec: str) -> None:
    """One model at several sizes: its padding follows the input."""
    network = convcost.load(smallest(SPECS[spec]))
    with torch.device("meta"):
        model = TorchModel(network.build())
        channels, *own = network.input
        larger = [(0, 0, 0), (1, 16, 2), (17, 1, 3)]
        shapes = [(channels, *(n + more for n, more in zip(own, each, strict=False))) for each in larger]
        fitting = [shape for shape in shapes if fits(network, shape)]
        assert fitting
        for shape in fitting:
            found = [tuple(y[1:]) for _, y in model.outline(torch.zeros(2, *shape))]
            assert found == [row.shape for row in network.price(shape)]


@pytest.mark.parametrize(
    ("name", "size"), [("googlenet@paper", 97), ("mobilenet_v2@keras", 65), ("resnet50v2@keras", 64)]
)
def test_real_tensors(name: str, size: int) -> None:
    network = convcost.load(name)
    shape = (3, size, size + 1)
    shapes = forward_shapes(TorchModel(network.build()), torch.randn(2, *shape))
    assert shapes == [row.shape for row in network.price(shape)]


def made_for_one_size(op: ops.Op) -> bool:
    """Whether torch's module is told sizes that no parameter shows: points, or axes of a norm without weights."""
    return isinstance(op, ops.RBF) or (isinstance(op, ops.LayerNorm | ops.RMSNorm) and not op.affine)


@settings(max_examples=150)
@given(random_graphs(), st.lists(st.integers(0, 5), min_size=3, max_size=3))
def test_random_models_at_other_sizes(graph: Graph, more: list[int]) -> None:
    shape = (graph.input[0], *(n + k for n, k in zip(graph.input[1:], more, strict=False)))
    try:
        expected = graph.evaluate(shape)
    except ConvcostError:
        return  # nor would it be one for a user
    pairs = [*zip(expected, graph.evaluate(), strict=True)]
    if any(a.params != b.params for a, b in pairs):
        return  # a linear layer's weights are made for one size
    if any(isinstance(a.op, ops.BlurPool) and a.inputs[0][0] != b.inputs[0][0] for a, b in pairs):
        return  # and so is a blur's kernel for its channels, which no parameter shows
    if any(made_for_one_size(node.op) for node in graph.nodes) and shape != graph.input:
        return
    _, *others = ops.inputs_of(graph.input).values()
    with torch.device("meta"):
        found = forward_shapes(TorchModel(graph), *[torch.zeros(2, *x) for x in (shape, *others)])
    assert found == [result.shape for result in expected]


@settings(max_examples=50)
@given(random_graphs())
def test_an_outline_has_the_shapes_of_a_forward_pass(graph: Graph) -> None:
    with torch.device("meta"):
        model = TorchModel(graph)
        xs = [torch.zeros(2, *x) for x in ops.inputs_of(graph.input).values()]
        given, shapes = crosscheck.run_observed(model, lambda: model(*xs))
        outlined = [*model.outline(*xs)]
    assert [given for given, _ in outlined] == given
    assert [tuple(y[1:]) for _, y in outlined] == shapes


def test_an_outline_runs_layers_that_are_alike_once() -> None:
    build = GraphBuilder("twice", (4, 8, 8))
    x = build.input
    for kernel in (3, 3, 1, 1):
        x = build.add(ops.Conv(4, kernel, 1, "same"), x)
    with torch.device("meta"):
        model = TorchModel(build.graph())
        ran: list[nn.Module] = []
        for step in model.steps:
            step.layer.register_forward_hook(lambda layer, *_: ran.append(layer))
        assert len([*model.outline(torch.zeros(1, 4, 8, 8))]) == 4
    assert ran == [model.steps[0].layer, model.steps[2].layer]


def test_weights_used_again_are_of_the_same_axis_of_an_input_of_more_axes() -> None:
    build = GraphBuilder("again", (2, 1, 1))
    first = build.add(ops.Linear(1, bias=False, dim=1), build.add(ops.Flatten(), build.input))
    build.output(first)
    build.output(build.again(first, build.input))
    features, of_map = TorchModel(build.graph())(torch.ones(3, 2, 1, 1))
    assert features.shape == (3, 1)
    assert torch.equal(of_map, features[:, :, None, None])


def test_auxiliary_heads_are_outputs_of_their_own() -> None:
    model = convcost.torch_model(convcost.load("googlenet", aux=True), device="meta")
    main, first, second = model(torch.zeros(2, 3, 224, 224, device="meta"))
    assert main.shape == first.shape == second.shape == (2, 1000)
    plain = convcost.torch_model("googlenet", device="meta")
    assert plain(torch.zeros(2, 3, 224, 224, device="meta")).shape == (2, 1000)


def test_tensors_are_let_go_after_their_last_use() -> None:
    build = GraphBuilder("chain", (4, 8, 8))
    x = build.input
    for _ in range(20):
        x = build.add(ops.Scale(), x)
    model = TorchModel(build.graph())
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def watch(_layer: nn.Module, _inputs: object, y: torch.Tensor) -> None:
        nonlocal most
        alive.append(weakref.ref(y))
        most = max(most, sum(ref() is not None for ref in alive))

    for step in model.steps:
        step.layer.register_forward_hook(watch)
    with torch.no_grad():
        model(torch.zeros(1, 4, 8, 8))
    assert most == 2  # an input and an output


def test_a_model_can_be_copied_and_moved() -> None:
    model = convcost.torch_model("resnet18", device="meta")
    twin = copy.deepcopy(model).to(torch.bfloat16)
    assert twin.steps[0].layer is not model.steps[0].layer
    assert twin(torch.zeros(1, 3, 64, 64, device="meta", dtype=torch.bfloat16)).dtype == torch.bfloat16


# -- what the layers compute -----------------------------------------------------------------------------------------


def test_max_pooling_does_not_see_its_padding() -> None:
    for op in (
        ops.MaxPool(3, 2, "same"),
        ops.MaxPool(2, 2, ((3, 3), (3, 3))),
        ops.MaxPool(2, 3, ((0, 1), (1, 0)), ceil_mode=True),
    ):
        y = run(op, torch.full((1, 2, 5, 6), -7.0))
        assert set(y.unique().tolist()) <= {-7.0, float("-inf")}
    assert run(ops.MaxPool(3, 2, "same"), torch.full((1, 2, 5, 6), -7.0)).unique().tolist() == [-7.0]


def test_same_padding_puts_the_odd_element_after() -> None:
    """TensorFlow's SAME: at 4, a 3x3 with stride 2 pads nothing before and one after."""
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    expected = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-1), 3, 2)
    assert torch.equal(run(ops.MaxPool(3, 2, "same"), x), expected)


@pytest.mark.parametrize("n", range(2, 13))
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (2, 3), (1, 3)])
def test_caffe_rounds_up_without_clipping(n: int, kernel: int, stride: int) -> None:
    """Caffe's pooling without padding, window by window: windows that start right of the input stay, and are empty."""
    if n < kernel:
        return
    x = torch.arange(float(n)).reshape(1, 1, n)
    count = -(-(n - kernel) // stride) + 1
    windows = [x[0, 0, i * stride : i * stride + kernel].tolist() for i in range(count)]
    expected = [max(window, default=float("-inf")) for window in windows]
    assert run(ops.MaxPool(kernel, stride, ceil_mode="caffe"), x).flatten().tolist() == expected


def test_gating_broadcasts_features_over_the_map() -> None:
    build = GraphBuilder("gate", (3, 2, 2))
    build.add(ops.Multiply(), build.input, build.add(ops.Flatten(), build.add(ops.GlobalMaxPool(), build.input)))
    x = torch.arange(12.0).reshape(1, 3, 2, 2)
    assert torch.equal(TorchModel(build.graph())(x), x * x.amax((2, 3), keepdim=True))


def test_channel_operators() -> None:
    x = torch.arange(6.0).reshape(1, 6, 1)
    assert run(ops.ChannelShuffle(2), x).flatten().tolist() == [0, 3, 1, 4, 2, 5]
    assert run(ops.Split(3, 1), x).flatten().tolist() == [2, 3]
    assert run(ops.ChannelPad(2, 1), x).flatten().tolist() == [0, 0, 1, 2, 3, 4, 5, 0, 0]
    assert run(ops.ZeroPad(((-1, 2),)), torch.ones(1, 1, 1)).flatten().tolist() == [0, 0]


def test_an_operator_that_torch_does_not_have() -> None:
    build = GraphBuilder("four", (1, 2, 2, 2, 2))
    build.add(ops.Conv(1, 1), build.input, name="stem")
    with pytest.raises(ConvcostError, match=r"^layer stem: torch has no conv over 4 spatial axes$"):
        TorchModel(build.graph())


# -- the door --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["torch", "fvcore"])
def test_without_its_extra_the_bridge_says_how_to_get_it(package: str) -> None:
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        f"u.find_spec = lambda name, *more: None if name == {package!r} else find(name, *more)\n"
        "from convcost.cli import run; sys.exit(run(['verify', 'resnet18']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    line = f"error: {package} is needed for this and not installed: pip install 'convcost[torch]'\n"
    assert (done.stdout, done.stderr) == ("", line)


def test_importing_everything_but_the_bridge_leaves_torch_out() -> None:
    code = (
        "import sys, convcost, convcost.torchbridge, convcost.counters.tools, convcost.views.peers, convcost.cli;"
        "convcost.verify, convcost.torch_model; assert not {'torch', 'fvcore'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
