"""Imported networks written back as specs, which are read again and are the same network."""

import pytest
import torch
from torch import nn

import convcost
from convcost import ConvcostError, from_torch
from convcost.cli import run
from convcost.imports.writing import spec_of
from convcost.network import shipped


class Block(nn.Module):
    """A residual block whose names are words of the language, and of YAML."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.relu = nn.ReLU()
        self.no = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.LeakyReLU(0.2))

    def forward(self, x):
        return self.relu(self.conv(x) + self.no(x))


SPEC = """name: Net
source: "imported from torch"
input: 3x8x8

blocks:
  unit_0_block(c):
    - conv_1: conv(c, 3, padding=1, bias=false)
    - input
    - no: conv(c, 1) >> leaky_relu(negative_slope=1/5)
    - add_1: add(conv_1, no) >> relu

layers:
  - unit_0: unit_0_block(4)
  - unit_1: unit_0_block(5)
  - unit_2: flatten
  - unit_3: linear(10)
"""


def rows(cost):
    return [(row.operator, row.shape, row.counts, row.work) for row in cost]


def test_scopes_are_scopes_and_what_is_taken_is_named():
    net = from_torch(nn.Sequential(Block(3, 4), Block(4, 5), nn.Flatten(), nn.Linear(320, 10)), (3, 8, 8), name="Net")
    assert net.to_spec() == SPEC


def test_a_spec_is_the_network_again(tmp_path, capsys):
    net = from_torch(nn.Sequential(Block(3, 4), Block(4, 5), nn.Flatten(), nn.Linear(320, 10)), (3, 8, 8))
    path = tmp_path / "mine.yaml"
    path.write_text(net.to_spec())
    assert rows(convcost.load(path).price()) == rows(net.price())
    assert (
        run(
            [
                "import",
                "torch:torch.nn:Conv2d",
                "--set",
                "in_channels=3",
                "--set",
                "out_channels=4",
                "--set",
                "kernel_size=3",
                "--input",
                "3x8x8",
                "-o",
                str(tmp_path / "conv.yaml"),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.startswith("wrote ")
    assert convcost.load(tmp_path / "conv.yaml").price().total.macs == 108 * 36
    assert run(["import", "resnet18"]) == 2
    assert "it is a spec already" in capsys.readouterr().err


NAMES = ("googlenet@paper", "resnet50@v1.5", "densenet121", "mobilenet_v3_small", "shufflenet_v2_x1_0", "nasnet_mobile")


@pytest.mark.parametrize("name", NAMES)
def test_our_own_graphs_are_written_and_read(name):
    graph = convcost.load(name).build()
    if any(node.aux for node in graph.nodes):
        pytest.skip("auxiliary heads are not written")
    assert len(spec_of(graph, "ours").splitlines()) < 2 * len(graph.nodes)


class Bottleneck(nn.Module):
    """As torchvision has it."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if inputs != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(y)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


def resnet50():
    parts, inputs = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)], 64
    for stage, (width, count) in enumerate(zip((64, 128, 256, 512), (3, 4, 6, 3), strict=True)):
        first = Bottleneck(inputs, width, 2 if stage else 1)
        parts.append(nn.Sequential(first, *(Bottleneck(4 * width, width, 1) for _ in range(count - 1))))
        inputs = 4 * width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def test_resnet50_is_its_blocks_with_arguments_and_repeats(tmp_path):
    """Its published numbers: 25,557,032 parameters, 4,089,184,256 multiply-adds."""
    with torch.device("meta"):
        net = from_torch(resnet50(), (3, 224, 224))
    text = net.to_spec()
    assert len(text.splitlines()) <= 45
    assert "{repeat: 5, layers:" in text.replace("repeat: d", "repeat: 5")
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    again = convcost.load(path)
    assert (again.price().total.params, again.price().total.macs) == (25_557_032, 4_089_184_256)
    assert rows(again.price()) == rows(net.price())
    assert again.price("3x129x97").total.macs == net.price("3x129x97").total.macs


def test_what_no_spec_can_say_is_refused_with_the_layer():
    class Fft(nn.Module):
        def forward(self, x):
            return torch.fft.fft(x).abs()

    with pytest.raises(ConvcostError, match=r"Fft: no spec: layer fft_fft: no spec can say torch.fft_fft"):
        from_torch(Fft(), (3, 8)).to_spec()


@pytest.mark.slow
def test_every_shipped_graph_is_written_and_read():
    for network, cost in shipped(variants=True):
        if cost.auxiliary is None:
            spec_of(network.build(), "ours")
