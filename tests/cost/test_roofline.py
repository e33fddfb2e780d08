"""Rooflines: by hand, by laws, and what is no machine."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.machine import Machine, parse_machine, roofline
from convcost.cost.quantities import quantity
from convcost.door import solve
from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.machines import described
from convcost.network import every_variant, load
from convcost.ops import Conv, Flatten, Linear, ReLU
from convcost.spec.catalog import shipped, shipped_files

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


@pytest.mark.parametrize("most", [1, pytest.param(None, marks=pytest.mark.slow)], ids=["one of each", "all"])
def test_fused_is_never_slower(most: int | None) -> None:
    for network in (network for path in shipped_files() for network in islice(every_variant(shipped(path)), most)):
        found = roofline(network.price(), A100)
        assert found.fused.seconds <= found.layer_by_layer.seconds, network.name
        assert found.fused.operations == found.layer_by_layer.operations


def test_parameters_are_moved_once_however_large_the_batch() -> None:
    """So that it raises the intensity."""
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


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "googlenet", "unet"])
@pytest.mark.parametrize(("machine", "dtype"), [("t4", "float32"), ("t4", "int8"), ("stm32f746", "int8")])
def test_latency_is_a_quantity(name: str, machine: str, dtype: str) -> None:
    """The roofline's time of all layers, and a closed form that it is never below."""
    cost = load(name).price()
    found = quantity(f"latency_{machine}" if dtype == "float32" else f"latency_{machine}_{dtype}")
    on = described(machine).of(dtype)
    assert found.of(cost) == int(roofline(cost, on, dtype).layer_by_layer.seconds * 10**9)
    assert found.least is not None
    work = cost.total.work
    assert 10**9 * Fraction(2 * work.macs + sum(work[1:])) / on.flops - 1 < found.least(cost) <= found.of(cost)


def test_latency_in_symbols_and_arrays() -> None:
    """No number on the way needs more than 64 bits: each of 720 million operations a second takes 25/18 of a ns."""
    least = quantity("latency_stm32f446_int8").least
    assert least is not None
    network, sizes = load("mobilenet_v2"), [96, 1024]
    expected = [least(network.price((3, size, size))) for size in sizes]
    assert least(network.price((3, np.array(sizes), np.array(sizes)))).tolist() == expected
    side = symbol("H", at_least=1)
    formula = least(network.price((3, 32 * side, 32 * side)))
    assert [formula.evaluate({"H": size // 32}) for size in sizes] == expected


def test_a_budget_of_latency_is_kept_and_used() -> None:
    """All 16 designs priced by themselves."""
    network, of = load("mobilenet_v2"), quantity("latency_stm32f746_int8").of
    found = solve(network, max={"latency_stm32f746_int8": "20ms"}, over=["width=0.25:1:0.25", "H=32:128:32"])
    times = {
        (Fraction(n, 4), size): of(network.price((3, size, size), width=Fraction(n, 4)))
        for n in range(1, 5)
        for size in range(32, 129, 32)
    }
    kept = {key for key, time in times.items() if time <= 20_000_000}
    best = {one for one in kept if not any(o != one and o[0] >= one[0] and o[1] >= one[1] for o in kept)}
    assert {(one.values["width"], one.values["H"]) for one in found} == best
    assert 0 < len(best) < len(kept) < 16
