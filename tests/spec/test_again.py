"""Layers that are used again: in specs, torch models, verify, formulas, sweeps, memory, training and rooflines."""

from __future__ import annotations

from pathlib import Path

import pytest

import convcost
from convcost.cost.machine import Machine, roofline
from convcost.cost.memory import moments
from convcost.cost.training import training
from convcost.errors import ConvcostError
from convcost.network import Network
from convcost.spec import document
from convcost.spec.model import Spec

HEAD = """name: net
input: 8x16x16
knobs: {width: 8}
layers:
  - p3: conv(width, 1)
  - p4: maxpool(2)
  - head: [{a: "conv(width, 3, padding=same) >> bn >> relu"}, {b: "conv(4, 1)"}]
  - f4: flatten
  - concat: {big: "p3 >> again(head) >> flatten", small: f4}
"""


def net(text: str) -> Network:
    return Network(Spec(document.parse(text, "net.yaml"), text), "net", None)


def test_its_parameters_count_once_and_its_work_at_every_use() -> None:
    """p3: 8*8 + 8 at 16x16. The head: 8*9*8 + 8, 16 of the norm, 8*4 + 4; 576 + 32 macs at 8x8 and at 16x16."""
    cost = net(HEAD).price()
    assert cost.total.params == 72 + 584 + 16 + 36
    assert cost.total.macs == 64 * 256 + 608 * (64 + 256)
    assert cost.total.norm_stats == 16
    assert (cost["big/head/a/conv"].params, cost["big/head/a/conv"].macs) == (0, 576 * 256)
    assert [line.name for line in cost if line.name.startswith("big/")] == [
        "big/head/a/conv", "big/head/a/bn", "big/head/a/relu", "big/head/b", "big/flatten",
    ]  # fmt: skip


def test_formulas_and_sweeps_count_it_as_prices_do(tmp_path: Path) -> None:
    network = net(HEAD)
    width = convcost.symbol("w")
    form = network.price(width=width).total
    for w in (1, 8, 13):
        cost = network.price(width=w).total
        assert (form.params.evaluate({"w": w}), form.macs.evaluate({"w": w})) == (cost.params, cost.macs)
    path = tmp_path / "net.yaml"
    path.write_text(HEAD)
    out = tmp_path / "designs.csv"
    convcost.sweep(str(path), out, over=["width=1:8:1"])
    text = out.read_text().splitlines()
    params = text[0].split(",").index("params")
    found = [int(line.split(",")[params]) for line in text[1:]]
    assert found == [network.price(width=w).total.params for w in range(1, 9)]


def test_torch_has_one_module_and_agrees() -> None:
    pytest.importorskip("torch")
    network = net(HEAD)
    report = convcost.verify(network)
    assert report.ok, report
    model = convcost.torch_model(network)
    assert model.paths["big/head/b"] == model.paths["head/b"] == "head.b"
    assert sum(p.numel() for p in model.parameters()) == network.price().total.params
    assert convcost.verify(network, module=model).ok
    apart = net(HEAD.replace("again(head)", "conv(width, 3, padding=same) >> bn >> relu >> conv(4, 1)"))
    (first, *_) = convcost.verify(network, module=convcost.torch_model(apart)).differences
    assert (first.quantity, first.ours, first.theirs) == ("weights", "shared with layer head/a/conv", "its own")
    (first, *_) = convcost.verify(apart, module=model).differences
    assert (first.quantity, first.ours, first.theirs) == ("weights", "its own", "shared with layer head/a/conv")


def test_its_activations_are_its_own_and_its_weights_are_read_and_trained_at_each_use() -> None:
    cost = net(HEAD).price()
    writes = {moment.line.name: moment.writes for moment in moments(cost)}
    assert (writes["head/a/conv"], writes["big/head/a/conv"]) == (8 * 64, 8 * 256)
    step = {one.line.name: one for one in training(cost)}["big/head/a/conv"]
    assert (step.forward, step.input_gradient, step.weight_gradient) == (576 * 256,) * 3
    layers = {bound.line.name: bound for bound in roofline(cost, Machine(10**9, 10**9)).layers}
    assert layers["big/head/a/conv"].bytes == 4 * (2 * 8 * 256 + 584)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("  - a: conv(4, 3)\n  - again(b)", "net.yaml:5:5: again takes the name of an earlier layer, which 'b' is not"),
        ("  - abc: conv(4, 3)\n  - again(abd)", "'abd' is not; did you mean abc?"),
        ("  - a: conv(4, 3)\n  - again(a, 2)", "net.yaml:5:5: again takes the name of an earlier layer: again(head)"),
        ("  - a: conv(4, 3)\n  - again", "unknown operator, block or layer 'again'"),
        ("  - again(input)", "which 'input' is not"),
        (
            "  - a: conv(4, 1)\n  - b: conv(4, 1)\n  - head: add(a >> conv(4, 1), b)\n  - again(head)",
            "net.yaml:7:5: again: head takes several layers, a and b; it is used on one alone",
        ),
        (
            "  - a: conv(4, 3)\n  - b: again(a)",
            "net.yaml:5:8: layer b/a: layer a has 112 parameters, and on this input would have 148: ",
        ),
    ],
)
def test_what_cannot_be_used_again(layers: str, said: str) -> None:
    with pytest.raises(ConvcostError) as error:
        net(f"name: net\ninput: 3x16x16\nlayers:\n{layers}\n").price()
    assert said in str(error.value)


def test_what_is_used_again_takes_what_it_is_given_wherever_it_was_first() -> None:
    """`boxes` begins at p, not at the layer before it: its other use begins at what is there, a map of 8x8."""
    cost = net(
        "name: net\ninput: 4x16x16\nlayers:\n  - p: conv(4, 1)\n  - outputs: [relu]\n"
        "  - boxes: p >> conv(3, 1) >> flatten\n  - small: p >> maxpool(2) >> again(boxes)\n  - concat(boxes, small)\n"
    ).price()
    assert cost.total.macs == 16 * 256 + 12 * (256 + 64)
    assert cost["concat"].shape == (3 * 256 + 3 * 64,)


def test_a_block_is_given_what_it_uses_again() -> None:
    """RetinaNet's form: one head on every level; 4*9*4 weights and 4 biases, at 16, 64 and 256 positions."""
    cost = net(
        "name: net\ninput: 4x16x16\nblocks: {level(head): maxpool(2) >> again(head)}\n"
        "layers:\n  - head: conv(4, 3, padding=same)\n  - repeat: 2\n    layers: level(head)\n"
    ).price()
    assert (cost.total.params, cost.total.macs) == (148, 144 * (256 + 64 + 16))
