"""A module of the user's against a spec: is it the network, and if not, where does it differ first?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # what everyone calls it

import convcost
from convcost import ops
from convcost.errors import ConvcostError
from convcost.torchbridge.report import Verification
from convcost.torchbridge.storage import Region, overlap


class ConvBN(nn.Module):
    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, padding: int | None = None) -> None:
        super().__init__()
        padding = kernel // 2 if padding is None else padding
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outside, eps=0.001)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """As torchvision writes it: the "5x5" branch is a 3x3."""

    def __init__(self, inside: int, *widths: int, fifth: int = 3, backwards: bool = False) -> None:
        super().__init__()
        a, b, c, d, e, p = widths
        self.branch1 = ConvBN(inside, a, 1)
        self.branch2 = nn.Sequential(ConvBN(inside, b, 1), ConvBN(b, c, 3))
        self.branch3 = nn.Sequential(ConvBN(inside, d, 1), ConvBN(d, e, fifth))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), ConvBN(inside, p, 1))
        self.backwards = backwards

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        branches = [self.branch1, self.branch2, self.branch3, self.branch4]
        if self.backwards:
            return torch.cat([branch(x) for branch in branches[::-1]][::-1], 1)
        return torch.cat([branch(x) for branch in branches], 1)


class GoogLeNet(nn.Sequential):
    """Layer by layer as torchvision's: nothing here comes from the spec."""

    def __init__(self, **options: int) -> None:
        def inception(*widths: int) -> Inception:
            return Inception(*widths, **options)

        def pool(kernel: int = 3) -> nn.MaxPool2d:
            return nn.MaxPool2d(kernel, 2, ceil_mode=True)

        super().__init__(
            ConvBN(3, 64, 7, 2, 3),
            pool(),
            ConvBN(64, 64, 1),
            ConvBN(64, 192, 3),
            pool(),
            inception(192, 64, 96, 128, 16, 32, 32),
            inception(256, 128, 128, 192, 32, 96, 64),
            pool(),
            inception(480, 192, 96, 208, 16, 48, 64),
            inception(512, 160, 112, 224, 24, 64, 64),
            inception(512, 128, 128, 256, 24, 64, 64),
            inception(512, 112, 144, 288, 32, 64, 64),
            inception(528, 256, 160, 320, 32, 128, 128),
            pool(2),
            inception(832, 256, 160, 320, 32, 128, 128),
            inception(832, 384, 192, 384, 48, 128, 128),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(0.2),
            nn.Linear(1024, 1000),
        )


class Bottleneck(nn.Module):
    def __init__(self, inside: int, width: int, stride: int, on: int, shortcut: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 1, stride if on == 1 else 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride if on == 3 else 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None
        self.shortcut = shortcut
        if stride > 1 or inside != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.shortcut:
            out += x if self.downsample is None else self.downsample(x)
        return F.relu(out)


class ResNet50(nn.Sequential):
    def __init__(self, on: int = 3, without_shortcut: int = -1) -> None:
        blocks: list[nn.Module] = []
        inside = 64
        for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(count):
                shortcut = len(blocks) != without_shortcut
                blocks.append(Bottleneck(inside, width, stride if i == 0 else 1, on, shortcut))
                inside = 4 * width
        stem = (nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        super().__init__(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


@pytest.fixture(autouse=True)
def _on_meta() -> Iterator[None]:
    with torch.device("meta"):
        yield


def first(report: Verification) -> str:
    assert not report.ok
    return str(report.first)


# -- the same --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"backwards": True}])
def test_torchvisions_googlenet_is_the_torchvision_variant(options: dict[str, int]) -> None:
    report = convcost.verify("googlenet@torchvision", module=GoogLeNet(**options))
    assert report.ok, str(report)
    assert report.layers == 2 * 57 + 1
    assert (report.params, report.macs) == (6_624_904, 1_498_376_192)


def test_both_resnets() -> None:
    assert convcost.verify("resnet50@v1.5", module=ResNet50(on=3)).ok
    assert convcost.verify("resnet50@v1", module=ResNet50(on=1)).ok


def test_a_network_is_its_own_model() -> None:
    for name in ("googlenet@paper", "densenet121", "mobilenet_v2", "se_resnet50", "inception_v3"):
        report = convcost.verify(name, module=convcost.torch_model(name, device="meta"))
        assert report.ok, str(report)


def test_functions_count_as_much_as_modules() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.ParameterList(
                nn.Parameter(torch.zeros(shape))
                for shape in ((6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84))
            )
            self.biases = nn.ParameterList(nn.Parameter(torch.zeros(n)) for n in (6, 16, 120, 84, 10))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for weight, bias in zip(self.weights, self.biases, strict=True):
                if weight.dim() == 4:
                    x = F.max_pool2d(F.relu(F.conv2d(x, weight, bias)), 2)
                else:
                    x = F.linear(x.flatten(1), weight, bias)
            return x

    build = convcost.GraphBuilder("lenet", (1, 32, 32))
    x = build.input
    for width in (6, 16):
        x = build.add(ops.MaxPool(2), build.add(ops.Conv(width, 5), x))
    for width in (120, 84, 10):
        x = build.add(ops.Linear(width), x)
    report = convcost.verify(build.graph(), module=Functional())
    assert report.ok, str(report)
    assert (report.params, report.macs) == (61_706, 416_520)  # LeNet-5 with plain pooling, by hand


# -- not the same ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"fifth": 5}, {"fifth": 5, "backwards": True}])
def test_the_branch_that_is_called_5x5(options: dict[str, int]) -> None:
    """Nine modules differ, in kernel, params and macs, and nothing after them is reported again."""
    report = convcost.verify("googlenet@torchvision", module=GoogLeNet(**options))
    assert first(report) == (
        "layer inception_3a/5x5/conv/conv: kernel_size 3x3 by the spec, 5x5 by the module's 5.branch3.1.conv"
    )
    assert len(report.differences) == 9 * 3 + 1
    layer = [d for d in report.differences if d.layer == "layer inception_3a/5x5/conv/conv"]
    assert [(d.quantity, d.ours, d.theirs) for d in layer] == [
        ("kernel_size", (3, 3), (5, 5)),
        ("params", 4_608, 12_800),
        ("macs", 3_612_672, 10_035_200),
    ]


def test_the_stride_of_resnet() -> None:
    report = convcost.verify("resnet50@v1", module=ResNet50(on=3))
    assert first(report) == "layer conv3_x/1/residual/conv: stride 2x2 by the spec, 1x1 by the module's 7.conv1"
    macs = [(d.ours - d.theirs) for d in report.differences if d.quantity == "macs"]
    assert -sum(macs) == 4_089_184_256 - 3_857_973_248


def test_a_layer_too_many_and_one_too_few() -> None:
    module = ResNet50()
    module.insert(4, nn.Conv2d(64, 64, 1))
    report = convcost.verify("resnet50@v1.5", module=module)
    assert first(report) == (
        "after conv1/bn: operator none by the spec, conv 1x1 64 -> 64 (4,160 params, 12,845,056 macs) by the module's 4"
    )
    assert len(report.differences) == 2  # that one, and the total
    module = ResNet50()
    module[1] = nn.Identity()
    report = convcost.verify("resnet50@v1.5", module=module)
    assert first(report) == "layer conv1/bn: operator bn 64 (128 params, 0 macs) by the spec, none by the module"
    assert len(report.differences) == 2


def test_a_missing_shortcut_changes_no_layer_and_is_found() -> None:
    report = convcost.verify("resnet50@v1.5", module=ResNet50(without_shortcut=1))
    assert len(report.differences) == 3
    assert {d.quantity for d in report.differences} == {"input"}
    assert first(report).startswith("layer conv2_x/3/residual/conv: input conv2_x/1/")


def test_parameters_that_no_layer_uses_are_told_and_no_difference() -> None:
    module = ResNet50()
    module[0].extra = nn.Linear(10, 10)
    report = convcost.verify("resnet50@v1.5", module=module)
    assert report.ok
    assert report.unused == {"0.extra.weight": 100, "0.extra.bias": 10}
    assert str(report).endswith(
        ", as the module says; 110 params of the module are unused, and no part of this: 0.extra.weight, 0.extra.bias"
    )


def test_parameters_that_nothing_uses_do_not_stand_for_those_of_the_spec() -> None:
    """As many as the spec has, all in all, and a norm's scale and shift of 2 x 4 not among those that are used."""
    build = convcost.GraphBuilder("norm", (4, 8, 8))
    build.add(ops.GroupNorm(2), build.add(ops.Conv(4, 1), build.input))
    module = nn.Sequential(nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4, affine=False))
    module.spare = nn.Parameter(torch.zeros(8))
    report = convcost.verify(build.graph(), module=module)
    assert list(map(str, report.differences)) == [
        "total: params 28 by the spec, 20 by what the module uses",
    ]
    assert report.unused == {"spare": 8}


def test_products_of_activations_are_work_too() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = ResNet50()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = torch.bmm(x[:, 0], x[:, 0])
            out = self.network(x)
            assert isinstance(out, torch.Tensor)
            return out + y.mean()

    report = convcost.verify("resnet50@v1.5", module=Attending())
    assert first(report).startswith("after the input: operator none by the spec, bmm")


def test_a_module_that_does_not_run() -> None:
    module = ResNet50()
    del module[5]
    module[-1] = nn.Linear(7, 7)
    message = r"^the module does not run on \(1, 3, 224, 224\): 21: RuntimeError: "
    with pytest.raises(ConvcostError, match=message):
        convcost.verify("resnet50@v1.5", module=module)


def test_the_module_is_left_as_it_was() -> None:
    module = ResNet50().train()
    module[1].eval()
    modes = [part.training for part in module.modules()]
    convcost.verify("resnet50@v1.5", module=module)
    assert [part.training for part in module.modules()] == modes
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_inputs_and_knobs_reach_the_spec() -> None:
    module = ResNet50()
    module[-1] = nn.Linear(2048, 10)
    report = convcost.verify("resnet50@v1.5", module=module, input="3x65x97", classes=10)
    assert report.ok, str(report)
    assert report.macs == convcost.load("resnet50@v1.5", classes=10).price("3x65x97").total.macs


# -- weights that are shared, and what comes out -------------------------------------------------------------------


def three() -> convcost.Graph:
    """Three convolutions of one size in a row: only their weights tell them apart."""
    build = convcost.GraphBuilder("three", (16, 8, 8))
    x = build.input
    for name in "abc":
        x = build.add(ops.Conv(16, 3, padding=1), x, name=name)
    return build.graph()


class Three(nn.Module):
    def __init__(self, run: Callable[[Any, torch.Tensor], object], conv: type[nn.Module] = nn.Conv2d) -> None:
        super().__init__()
        inside = () if conv is nn.LazyConv2d else (16,)
        self.a, self.b, self.c = (conv(*inside, 16, 3, padding=1) for _ in range(3))
        self.run = run

    def forward(self, x: torch.Tensor) -> object:
        return self.run(self, x)


def in_a_row(s: Three, x: torch.Tensor) -> Any:
    return s.c(s.b(s.a(x)))


def conv(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, weight, bias, padding=1)


def said(module: nn.Module, **arguments: Any) -> list[str]:
    return [str(difference) for difference in convcost.verify(three(), module=module, **arguments).differences]


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.LazyConv2d])
def test_three_in_a_row(kind: type[nn.Module]) -> None:
    report = convcost.verify(three(), module=Three(in_a_row, kind))
    assert str(report) == "three: 3 layers, 6,960 params, 442,368 macs, as the module says"


@pytest.mark.parametrize(
    ("run", "place", "bias"),
    [
        (lambda s, x: s.b(s.b(s.a(x))), "b", 0),
        (lambda s, x: conv(conv(s.a(x), *s.b.parameters()), *s.b.parameters()), "forward", 0),
        (lambda s, x: conv(s.b(s.a(x)), s.b.weight, s.c.bias), "forward", 16),
        # Neither a view of a weight nor what is computed from one is another weight.
        (lambda s, x: conv(s.b(s.a(x)), s.b.weight.transpose(0, 1), s.c.bias), "forward", 16),
        (lambda s, x: conv(s.b(s.a(x)), 2 * s.b.weight.flip(2), s.c.bias), "forward", 16),
    ],
)
def test_a_layer_run_twice_in_place_of_another(
    run: Callable[[Any, torch.Tensor], object], place: str, bias: int
) -> None:
    shared = f"layer c: weights its own by the spec, shared with layer b by the module's {place}"
    report = convcost.verify(three(), module=Three(run))
    params = f"total: params 6,960 by the spec, {4640 + bias:,} by what the module uses"
    assert list(map(str, report.differences)) == [shared, params]
    assert sum(report.unused.values()) == 2320 - bias
    assert {*report.unused} == ({"c.weight"} if bias else {"c.weight", "c.bias"})


def test_weights_that_are_tied() -> None:
    shared = "layer c: weights its own by the spec, shared with layer b by the module's c"
    module = Three(in_a_row)
    module.c.weight = module.b.weight
    assert said(module) == [shared, "total: params 6,960 by the spec, 4,656 by all of the module"]
    module.c.weight = nn.Parameter(module.b.weight.data)  # two parameters in one place
    assert said(module) == [shared]


def test_batch_norms_that_share_their_statistics() -> None:
    build = convcost.GraphBuilder("norms", (4, 8, 8))
    x = build.input
    for width in (4, 4):
        x = build.add(ops.BatchNorm(scale=False, shift=False), build.add(ops.Conv(width, 1), x))
    norm = nn.BatchNorm2d(4, affine=False)
    module = nn.Sequential(nn.Conv2d(4, 4, 1), norm, nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, affine=False))
    assert convcost.verify(build.graph(), module=module).ok
    module[3] = norm
    assert [d.quantity for d in convcost.verify(build.graph(), module=module).differences] == ["weights"]


def test_a_lazy_layer_that_never_runs() -> None:
    report = convcost.verify(three(), module=Three(lambda s, x: s.b(s.b(s.a(x))), nn.LazyConv2d))
    shared, total = map(str, report.differences)
    assert "shared with layer b" in shared
    assert total == "total: params 6,960 by the spec, 4,640 by what the module uses"
    assert report.unused == {"c.weight": 0, "c.bias": 0}


def test_what_is_shared_comes_in_its_place() -> None:
    """Among the differences of layers, in the order in which they run; what is only listed is cut short."""
    module = ResNet50()
    module[5].conv2 = module[4].conv2
    module[19].conv2 = nn.Conv2d(512, 512, 5, padding=2, bias=False)
    quantities = [d.quantity for d in convcost.verify("resnet50@v1.5", module=module).differences]
    assert quantities == ["weights", "kernel_size", "params", "macs", "params"]
    module = ResNet50()
    module[0].more = nn.ModuleList(nn.Linear(1, 1) for _ in range(9))
    report = convcost.verify("resnet50@v1.5", module=module)
    assert str(report).endswith("no part of this: 0.more.0.weight, 0.more.0.bias, 0.more.1.weight and 15 more")


@pytest.mark.parametrize("shape", [(3, 16, 16, 3, 3), (16, 16, 3, 3, 3)])
def test_slices_of_one_parameter_are_told_apart(shape: tuple[int, ...]) -> None:
    class Sliced(nn.Module):
        def __init__(self, order: tuple[int, ...]) -> None:
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(3, 16))
            self.order = order

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for i, bias in zip(self.order, self.bias, strict=True):
                x = conv(x, self.weight.select(shape.index(3), i), bias)
            return x

    assert said(Sliced((0, 1, 2))) == []
    shared = "layer c: weights its own by the spec, shared with layer b by the module's forward"
    assert said(Sliced((0, 1, 1))) == [shared]


def test_overlap_is_exact() -> None:
    memory = torch.zeros(24)
    even, odd, head, tail = (
        Region.of(memory[part]) for part in (slice(0, 24, 2), slice(1, 24, 2), slice(9), slice(9, 24))
    )
    assert even
    assert odd
    assert head
    assert tail
    assert not overlap(even, odd)
    assert not overlap(head, tail)
    assert overlap(odd, tail)
    assert overlap(even, head)
    assert Region.of(memory[:0]) is None
    assert not overlap(head, Region.of(torch.zeros(24)) or tail)
    pairs = Region.of(memory.as_strided((2, 3), (10, 4)))
    assert pairs
    assert (pairs.size, pairs.dense, pairs.stop) == (6, False, 19)


@pytest.mark.parametrize(
    ("weight", "params"),
    [
        (lambda s: s.c.weight[:1].expand(16, -1, -1, -1), 144 + 16),
        (lambda s: s.c.weight[:1].repeat(16, 1, 1, 1), 144 + 16),
        (lambda s: torch.ones(16, 16, 3, 3), 16),
    ],
)
def test_weights_that_are_not_all_trained(weight: Callable[[Three], torch.Tensor], params: int) -> None:
    first, *_ = said(Three(lambda s, x: conv(s.b(s.a(x)), weight(s), s.c.bias)))
    assert first == f"layer c: params 2,320 by the spec, {params} by the module's forward"


def test_weights_may_be_computed() -> None:
    with torch.device("cpu"):
        module = Three(in_a_row)
        nn.utils.parametrizations.spectral_norm(module.b)
    assert said(module) == []


def test_a_module_that_was_traced() -> None:
    with torch.device("cpu"):
        row = nn.Sequential(*Three(in_a_row).children()).eval()
        assert said(torch.jit.trace(row, torch.zeros(1, 16, 8, 8))) == []
        assert said(torch.jit.script(row)) == []


class Outputs(NamedTuple):
    aux: Any
    logits: Any


@dataclass
class Fields:
    aux: Any
    logits: Any


@pytest.mark.parametrize(
    "wrap",
    [
        lambda y: y,
        lambda y: (y, y[:, :8]),
        lambda y: [None, y],
        lambda y: {"out": y, "aux": None},
        lambda y: Outputs(None, y),
        lambda y: Fields("text", [y]),
    ],
)
def test_the_first_tensor_is_the_output(wrap: Callable[[Any], object]) -> None:
    assert said(Three(lambda s, x: wrap(in_a_row(s, x)))) == []
    cut = "the output: shape 16x8x8 by the spec, 8x8x8 by the module"
    assert said(Three(lambda s, x: wrap(in_a_row(s, x)[:, :8]))) == [cut]


@pytest.mark.parametrize(
    ("wrap", "shape"),
    [
        (lambda y: None, "no tensor"),
        (lambda y: {"size": y.shape[0], "type": Fields}, "no tensor"),
        (lambda y: y.flatten(1), "1024"),
        (lambda y: y[0], "16x8x8 without the batch of 1"),
        (lambda y: torch.cat([y, y]), "2x16x8x8 without the batch of 1"),
        (lambda y: y.sum(), "a single value without the batch of 1"),
    ],
)
def test_another_output(wrap: Callable[[Any], object], shape: str) -> None:
    assert said(Three(lambda s, x: wrap(in_a_row(s, x)))) == [
        f"the output: shape 16x8x8 by the spec, {shape} by the module"
    ]


def test_sizes_of_1_at_the_end_do_not_matter() -> None:
    """SqueezeNet ends in 1000x1x1, and in 1000 where people flatten it."""
    model = convcost.torch_model("squeezenet", device="meta")
    assert convcost.verify("squeezenet", module=model).ok
    assert convcost.verify("squeezenet", module=nn.Sequential(model, nn.Flatten())).ok


def test_a_layer_whose_result_is_dropped() -> None:
    def dropped(s: Three, x: torch.Tensor) -> Any:
        y = s.b(s.a(x))
        s.c(y)
        return y

    assert said(Three(dropped)) == ["the output: origin c by the spec, b by the module"]
    assert said(Three(lambda s, x: s.b(s.a(x)))) == [
        "layer c: operator conv 3x3 16 -> 16 (2,320 params, 147,456 macs) by the spec, none by the module",
        "total: params 6,960 by the spec, 4,640 by what the module uses",
    ]


def test_what_returns_itself_does_not_run() -> None:
    def itself(_s: Three, _x: torch.Tensor) -> object:
        found: list[object] = []
        found.append(found)
        return found

    with pytest.raises(ConvcostError, match=r"^the module does not run on \(1, 16, 8, 8\): RecursionError"):
        said(Three(itself))


# -- arguments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (lambda x: x, "module is to be a torch.nn.Module, got an object of type function"),
        (3, "module is to be a torch.nn.Module, got an object of type int"),
        (Three, "module is the class Three, not a module made of it"),
    ],
)
def test_what_is_no_module(module: Any, line: str) -> None:
    with pytest.raises(ConvcostError) as caught:
        convcost.verify(three(), module=module)
    assert str(caught.value) == line


def test_a_device_is_the_modules_own() -> None:
    assert said(Three(in_a_row), device="meta") == []
    with torch.device("cpu"):
        module = Three(in_a_row)
    assert said(module, device="cpu") == []
    assert said(module, device="cpu:0") == []
    assert said(module, device=torch.device("cpu")) == []
    with pytest.raises(
        ConvcostError, match=r"^device meta: the module is on cpu; move it there, or ask for no device$"
    ):
        said(module, device="meta")
    with pytest.raises(ConvcostError, match=r"^unknown device 'tpu0': cpu, cuda or meta$"):
        said(module, device="tpu0")


STATLESS = """
name: statless
source: test
input: 3x8x8
layers:
  - conv: conv(4, 3)
  - pool: global_avgpool
  - norm: bn(stats=false)
"""


def test_a_norm_without_statistics_behind_a_global_pooling_is_run_on_two_samples(tmp_path):
    """torch refuses a batch of one value per channel: "Expected more than 1 value per channel when training"."""
    path = tmp_path / "statless.yaml"
    path.write_text(STATLESS)
    same = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4, track_running_stats=False), nn.Flatten()
    )
    report = convcost.verify(path, module=same)
    assert report.ok, str(report)
    assert report.macs == 3 * 4 * 9 * 36  # of one sample
    wider = convcost.verify(path, module=nn.Sequential(nn.Conv2d(3, 5, 3), *same[1:2], nn.BatchNorm2d(5), nn.Flatten()))
    assert "3 channels" in str(wider) or "out_channels 4" in str(wider)
    assert convcost.verify(path).ok


class Surprise(nn.Module):
    def forward(self, x):
        raise KeyError("of the\nmodule")


@pytest.mark.parametrize(
    ("module", "where"),
    [(Surprise(), ""), (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(Surprise())), "1.0: ")],
)
def test_whatever_a_module_raises_is_one_line_that_names_the_part(module, where):
    with pytest.raises(convcost.ConvcostError) as error:
        convcost.verify("resnet18", module=module)
    said = f"the module does not run on (1, 3, 224, 224): {where}KeyError: "
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)
    assert isinstance(error.value.__cause__, KeyError)


def test_whatever_torch_raises_is_one_line_that_names_the_layer(monkeypatch):
    from convcost.torchbridge import layers

    def broken(*_):
        raise AssertionError("a\nbug")

    monkeypatch.setattr(layers, "build", broken)
    with pytest.raises(convcost.ConvcostError) as error:
        convcost.torch_model("lenet5")
    assert str(error.value) == "layer c1/conv: torch: AssertionError: a bug"
