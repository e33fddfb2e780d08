"""Rooflines: by hand, by laws, and what is no machine."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from convcost.cost.cost import Cost
from convcost.cost.graph import GraphBuilder
from convcost.cost.machine import Machine, parse_machine, roofline
from convcost.errors import ConvcostError
from convcost.network import load, shipped
from convcost.ops import Conv, Flatten, Linear, ReLU

A100 = parse_machine("flops=19.5T,bandwidth=1555G")


def small() -> Cost:
    g = GraphBuilder("small", input=(2, 4, 4))
    x = g.add(Conv(8, 3, padding=1, bias=True), g.input, name="conv")
    x = g.add(ReLU(), x, name="relu")
    g.add(Linear(10, bias=False), g.add(Flatten(), x, name="flatten"), name="fc")
    return Cost(g.graph())


def test_by_hand() -> None:
    """conv: 2,304 macs and 128 bias additions on 32 + 128 elements and 152 parameters; the others alike."""
    found = roofline(small(), Machine(Fraction(1000), Fraction(500)))
    assert [(b.operations, b.bytes, b.limit) for b in found.layers] == [
        (2 * 2304 + 128, 4 * (32 + 128 + 152), "compute"),
        (128, 4 * 256, "bandwidth"),
        (0, 0, "bandwidth"),
        (2 * 1280, 4 * (128 + 10 + 1280), "bandwidth"),
    ]
    assert [b.seconds for b in found.layers] == [
        Fraction(4736, 1000), Fraction(1024, 500), 0, Fraction(5672, 500),
    ]  # fmt: skip
    assert found.layers[0].intensity == Fraction(4736, 1248)
    assert found.layer_by_layer.limit == "both"
    assert found.layer_by_layer.seconds == sum(b.seconds for b in found.layers)
    assert (found.fused.operations, found.fused.bytes) == (7424, 4 * (32 + 10 + 1432))
    assert found.fused.seconds == max(Fraction(7424, 1000), Fraction(5896, 500))


def test_half_the_bytes_of_a_type_half_as_wide() -> None:
    wide, narrow = roofline(small(), A100, "float32"), roofline(small(), A100, "float16")
    assert [b.bytes for b in wide.layers] == [2 * b.bytes for b in narrow.layers]


def test_laws_on_the_zoo() -> None:
    """Fused is never slower; parameters are moved once however large the batch, so that it raises the intensity."""
    for network, cost in shipped():
        found = roofline(cost, A100)
        assert found.fused.seconds <= found.layer_by_layer.seconds, network.name
        assert found.fused.operations == found.layer_by_layer.operations
    one, many = (roofline(load("resnet50").price(batch=n), A100) for n in (1, 64))
    assert many.layer_by_layer.operations == 64 * one.layer_by_layer.operations
    assert many.layer_by_layer.intensity > one.layer_by_layer.intensity


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flops=1T", "no bandwidth"),
        ("", "write it as flops=19.5T,bandwidth=1555G"),
        ("flops=1T,bandwidth=1G,cores=4", "unknown 'cores'; a machine has flops and bandwidth"),
        ("flpos=1T,bandwidth=1G", "unknown 'flpos'; did you mean flops?"),
        ("flops=1T,flops=2T,bandwidth=1G", "flops: given twice"),
        ("flops=0,bandwidth=1G", "flops: a number per second above 0"),
        ("flops=fast,bandwidth=1G", "flops: a number per second above 0 such as 19.5T, got 'fast'"),
        ("flops=1T,bandwidth=50%", "bandwidth: a number per second above 0"),
    ],
)
def test_what_is_no_machine(text: str, said: str) -> None:
    with pytest.raises(ConvcostError, match="--machine") as caught:
        parse_machine(text)
    assert said in str(caught.value)


def test_only_of_ints() -> None:
    with pytest.raises(ConvcostError, match="its counts are ints"):
        roofline(load("vgg16").price((3, np.array([224, 256]), 224)), A100)


def test_a_network_of_views_takes_no_time(tmp_path, capsys) -> None:
    from convcost.cli import run

    path = tmp_path / "views.yaml"
    path.write_text("name: views\nsource: test\ninput: 3x8x8\nlayers:\n  - flatten\n")
    assert run(["roofline", str(path), "--machine", "flops=1T,bandwidth=1G", "--format", "csv"]) == 0
    assert "flatten,0,0,,0,0,,row" in capsys.readouterr().out
