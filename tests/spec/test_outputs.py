"""Several outputs: in specs, prices, memory, the torch model and verify."""

from __future__ import annotations

import pytest

import convcost
from convcost.cost.memory import moments
from convcost.errors import ConvcostError
from convcost.network import Network
from convcost.spec import document
from convcost.spec.model import Spec

LEVELS = """name: levels
input: 4x16x16
blocks:
  level(head):
    - x: conv(4, 3, stride=2, padding=same)
    - outputs: {classes: again(head), boxes: "conv(2, 1)"}
layers:
  - head: conv(6, 1)
  - input >> level(head) >> level(head)
  - auxiliary: linear(3)
  - last: conv(8, 1)
"""


def net(text: str) -> Network:
    return Network(Spec(document.parse(text, "net.yaml"), text), "levels", None)


def test_all_that_reaches_an_output_is_in_the_total() -> None:
    """A head of 4*6 + 6, at 16x16, 8x8 and 4x4; twice 4*9*4 + 4; boxes 4*2 + 2; the last 4*8 + 8."""
    text = LEVELS.replace("  - head: conv(6, 1)\n", "  - head: conv(6, 1)\n  - outputs: [head]\n")
    cost = net(text).price()
    assert cost.total.params == 30 + 2 * 148 + 2 * 10 + 40
    assert cost.total.macs == 24 * (256 + 64 + 16) + 144 * (64 + 16) + 8 * (64 + 16) + 32 * 16
    assert cost.auxiliary is not None
    assert cost.auxiliary.params == 4 * 16 * 3 + 3
    graph = cost.graph
    names = [graph.nodes[i - 1].name for i in graph.outputs]
    assert names == [
        "head", "level/classes/head", "level/boxes", "level_2/classes/head", "level_2/boxes", "last",
    ]  # fmt: skip
    assert cost.total.shape == (6, 16, 16)


def test_an_output_that_nothing_takes_is_an_error_unless_it_is_declared() -> None:
    with pytest.raises(ConvcostError, match="layer head: its output is never used"):
        net(LEVELS).price()
    with pytest.raises(ConvcostError, match=r"net.yaml:8:5: an output is what a layer makes, not the input"):
        net(LEVELS.replace("  - head: conv(6, 1)\n", "  - outputs: [identity]\n  - head: conv(6, 1)\n")).price()


def test_outputs_are_held_to_the_end() -> None:
    layers = "  - a: conv(4, 1)\n  - outputs: [a]\n  - b: conv(2, 1)\n  - relu\n"
    cost = net(f"name: levels\ninput: 4x8x8\nlayers:\n{layers}").price()
    assert [moment.alive for moment in moments(cost)] == [512, 256 + 128, 256 + 256]


def test_torch_gives_them_in_order_and_agrees() -> None:
    torch = pytest.importorskip("torch")
    network = net(LEVELS.replace("  - head: conv(6, 1)\n", "  - head: conv(6, 1)\n  - outputs: [head]\n"))
    assert convcost.verify(network).ok
    model = convcost.torch_model(network)
    assert [tuple(y.shape[1:]) for y in model(torch.zeros(1, 4, 16, 16))] == [
        (6, 16, 16), (6, 8, 8), (2, 8, 8), (6, 4, 4), (2, 4, 4), (8, 4, 4), (3,),
    ]  # fmt: skip
    assert convcost.verify(network, module=model).ok


def test_retinanet() -> None:
    """One head on five levels, whose sizes are odd. torchvision 0.28's retinanet_resnet50_fpn has 34,014,999 params.

    Of 91 classes and 9 anchors the last convolutions make 819 and 36 maps; at 3x800x1333 levels of 100x167 to 7x11.
    """
    network = convcost.load("retinanet_resnet50@torchvision")
    cost = network.price()
    assert cost.total.params == 34_014_999
    sizes = [(100, 167), (50, 84), (25, 42), (13, 21), (7, 11)]
    positions = sum(height * width for height, width in sizes)
    heads = [row for row in cost if row.name.startswith(("classes", "boxes"))]
    assert sum(row.macs for row in heads) == positions * 9 * 256 * (2 * 4 * 256 + 819 + 36)
    shapes = [cost.rows[i - 1].shape for i in cost.graph.outputs]
    assert shapes == [(channels, *size) for size in sizes for channels in (819, 36)]
    assert convcost.verify(network, input="3x200x333", device="meta").ok
