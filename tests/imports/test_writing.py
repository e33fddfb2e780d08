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

layers:
  - layer_0:
      - conv_1: conv(4, 3, padding=1, bias=false)
      - "no":
          - input
          - "0": conv(4, 1)
          - "1": leaky_relu(negative_slope=1/5)
      - add_1: add(conv_1, no)
      - relu_1: relu
  - "1":
      - conv_1: conv(5, 3, padding=1, bias=false)
      - "no":
          - layer_0
          - "0": conv(5, 1)
          - "1": leaky_relu(negative_slope=1/5)
      - add_1: add(conv_1, no)
      - relu_1: relu
  - "2": flatten
  - "3": linear(10)
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
    assert len(spec_of(graph, "ours").splitlines()) > len(graph.nodes) // 2


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
