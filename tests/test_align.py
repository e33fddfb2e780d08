"""A module of the user's against a spec: is it the network, and if not, where does it differ first?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # what everyone calls it

import convcost
from convcost import ops
from convcost.errors import ConvcostError
from convcost.torchbridge.report import Verification


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


def test_parameters_that_no_layer_uses() -> None:
    module = ResNet50()
    module[0].extra = nn.Linear(10, 10)
    report = convcost.verify("resnet50@v1.5", module=module)
    assert first(report) == "total: params 25,557,032 by the spec, 25,557,142 by all of the module"


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
    message = r"^the module does not run on \(1, 3, 224, 224\): RuntimeError: "
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
