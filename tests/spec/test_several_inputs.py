"""Several inputs of different shapes: in specs, builders, prices, formulas, sweeps, memory, torch and verify."""

from __future__ import annotations

from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sweeping import swept

import convcost
from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.machine import Machine, roofline
from convcost.cost.memory import moments, peak
from convcost.cost.receptive import receptive_fields
from convcost.errors import ConvcostError
from convcost.network import Network
from convcost.ops import Inputs
from convcost.pictures.picture import picture
from convcost.spec import document
from convcost.spec.model import Spec

CAPTIONS = """name: captions
input: {image: 3x32x32, text: [length, 16], mask: 1x32x32}
knobs: {length: 10, width: 8}
layers:
  - stem: conv(width, 3, padding=1) >> relu
  - masked: mul(stem, mask)
  - pooled: conv(width, 3, padding=1) >> global_avgpool >> linear(16)
  - words: text >> linear(16, dim=-1) >> mean(1)
  - sum: add(pooled, words)
  - fc: linear(5)
"""
STEM, SECOND, POOLED, WORD, FC = 3 * 9 * 8, 8 * 9 * 8, 8 * 16, 16 * 16, 16 * 5


def net(text: str = CAPTIONS) -> Network:
    return Network(Spec(document.parse(text, "net.yaml"), text), "captions", None)


def macs(area: int = 32 * 32, words: int = 10, features: int = 16) -> int:
    return (STEM + SECOND) * area + POOLED + 16 * features * words + FC


def test_the_price_is_of_all_inputs_whichever_are_given() -> None:
    network = net()
    assert network.input == Inputs({"image": (3, 32, 32), "text": (10, 16), "mask": (1, 32, 32)})
    assert network.price().total.macs == macs()
    assert network.price().total.params == STEM + 8 + SECOND + 8 + POOLED + 16 + WORD + 16 + FC + 5
    assert network.price(input={"text": (20, 16)}).total.macs == macs(words=20)
    for given in ({"image": (3, 48, 64), "mask": (1, 48, 64)}, "mask=1x48x64,image=3x48x64"):
        cost = network.price(input=given)
        assert cost.total.macs == macs(48 * 64)
        assert cost.input.of == {"image": (3, 48, 64), "text": (10, 16), "mask": (1, 48, 64)}
        assert cost["text"].shape == (10, 16)
        assert cost["text"].inputs == ()
    assert network.set(length=7).price(batch=3).total.macs == 3 * macs(words=7)
    sizes = np.array([32, 64])
    both = {"image": (3, sizes, sizes), "mask": (1, sizes, sizes)}
    assert network.price(input=both).total.macs.tolist() == [macs(), macs(64 * 64)]
    lengths = network.price(input={"text": (np.array([1, 5]), 16)}).total.macs
    assert lengths.tolist() == [macs(words=1), macs(words=5)]
    with pytest.raises(ConvcostError, match="a count of 2"):
        network.price(input={"text": (np.array([2**50]), 16)})


def test_what_is_no_such_input_is_one_clear_line() -> None:
    network = net()
    refused = {
        "txt=3x16": "captions has no input 'txt'; did you mean text?",
        "image=4x32x32": r"captions: image: its input is 3x32x32, or has other sizes, not 4x32x32",
        "image=3x64x64": "layer masked: mul of shapes that do not broadcast",
        "text=3x16,text=4x16": "input text: given twice",
        "text=three": "input text: an input is written channels x sizes",
    }
    for given, said in refused.items():
        with pytest.raises(ConvcostError, match=said):
            network.price(input=given)
    with pytest.raises(ConvcostError, match="resnet18@v1 has no input 'image'; it has input"):
        convcost.load("resnet18").price(input={"image": (3, 64, 64)})
    assert convcost.load("resnet18").price(input={"input": (3, 64, 64)}).input == (3, 64, 64)
    wrong = {
        "image: 3x32x32": ("width: 3x32x32", "net.yaml:2:9: 'width' cannot name an input: it is a knob"),
        "{image: 3": ("{concat: 3", "net.yaml:2:9: 'concat' cannot name an input: it is a word of the language"),
        "words: text >> linear(16, dim=-1) >> mean(1)": ("words: linear(16)", "layer text: its output is never used"),
        "- stem:": ("- text:", "there is another layer of this name"),
    }
    for old, (new, said) in wrong.items():
        with pytest.raises(ConvcostError, match=said):
            net(CAPTIONS.replace(old, new, 1).replace("mul(stem, mask)", "mul(input, mask)")).price()
    with pytest.raises(ConvcostError, match="inputs have a name each"):
        net(CAPTIONS.replace("{image: 3x32x32, text: [length, 16], mask: 1x32x32}", "{}"))


def test_a_knob_in_two_inputs_is_one_number() -> None:
    text = CAPTIONS.replace("10, width", "10, size: 32, width").replace("3x32x32", "[3, size, size]")
    network = net(text.replace("1x32x32", "[1, size, size]"))
    assert network.price(input={"image": (3, 64, 64)}).input.of["mask"] == (1, 64, 64)
    assert network.set(size=16).input.of["mask"] == (1, 16, 16)
    with pytest.raises(ConvcostError, match="where size is 64, not 1x32x32"):
        network.price(input={"image": (3, 64, 64), "mask": (1, 32, 32)})


def test_closed_forms_and_sweeps_name_the_sizes_of_each(tmp_path: Path) -> None:
    network = net()
    form = network.formula("macs")
    assert [str(v) for v in form.variables] == ["H", "W", "text_L", "mask_H", "mask_W"]
    values = {"H": 40, "W": 24, "text_L": 9, "mask_H": 40, "mask_W": 24}
    assert form(**values) == macs(40 * 24, features=9)
    with pytest.raises(ConvcostError):
        form(**{**values, "mask_H": 39})
    (tmp_path / "captions.yaml").write_text(CAPTIONS)
    rows, _ = swept(tmp_path / "captions.yaml", ["text_L=5:15:5", "length=3,4"], tmp_path)
    assert len(rows) == 6
    for row in rows:
        assert int(row["macs"]) == macs(words=int(row["length"]), features=int(row["text_L"]))


def test_they_are_in_memory_from_the_beginning_and_never_overwritten() -> None:
    """1,024 of the mask and 160 of the text while the stem's 8,192 are made of 3,072; then its relu's 8,192."""
    cost = net().price()
    alive = [moment.alive for moment in moments(cost)]
    assert alive[:5] == [4256, 4256, 4256 + 8192, 4256 - 3072 + 2 * 8192, 4256 - 3072 + 2 * 8192]
    build = GraphBuilder("sum", {"a": (2, 4), "b": (2, 4)})
    build.add(ops.ReLU(), build.add(ops.Add(), build.input, build.inputs["b"]))
    assert peak(Cost(build.graph()), in_place=True) == 3 * 8
    bound = roofline(Cost(build.graph()), Machine(Fraction(1), Fraction(1)), "int8")
    assert bound.fused.bytes == 3 * 8
    assert [layer.bytes for layer in bound.layers] == [0, 24, 16]


def test_receptive_fields_are_in_one_of_them() -> None:
    cost = net().price()
    assert cost.receptive_field("masked").size == (3, 3)
    of_mask = dict(zip(cost.graph.names, receptive_fields(cost.graph, cost.input, of="mask"), strict=True))
    assert of_mask["masked"].size == (1, 1)
    assert of_mask["pooled/conv"].size == (3, 3)
    with pytest.raises(ConvcostError, match="captions has no input 'masc'; did you mean mask"):
        receptive_fields(cost.graph, cost.input, of="masc")


def test_a_builder_takes_them_by_name_and_refuses_to_give_them_back() -> None:
    build = GraphBuilder("two", {"a": (4, 8), "b": (6, 8)})
    joined = build.add(ops.Concat(), build.input, build.inputs["b"])
    build.add(ops.Conv(3, 1), joined)
    graph = build.graph()
    assert graph.names == ("b", "concat", "conv")
    assert graph.given == (0, 1)
    assert Cost(graph, {"a": (4, 5), "b": (6, 5)}).total.macs == 10 * 3 * 5
    assert deepcopy(graph.input) == graph.input
    assert graph.input != (4, 8)
    for refused in (build.output, build.again):
        with pytest.raises(ConvcostError, match=r"is what a layer|is a layer that"):
            refused(build.inputs["b"])
    with pytest.raises(ConvcostError, match="needs at least one layer"):
        GraphBuilder("none", {"a": (4, 8), "b": (6, 8)}).graph()
    with pytest.raises(ConvcostError, match="inputs have a name each"):
        GraphBuilder("none", {})
    assert picture(Cost(graph)).input == "4x8"


def test_torch_takes_them_in_order_and_agrees() -> None:
    torch = pytest.importorskip("torch")
    network = net()
    assert convcost.verify(network).ok
    assert convcost.verify(network, input={"text": (4, 16)}, device="meta").ok
    model = convcost.torch_model(network)
    given = [torch.rand(2, *shape) for shape in network.input.of.values()]
    assert model(*given).shape == (2, 5)
    with torch.no_grad():
        blind = model(given[0], given[1], torch.zeros_like(given[2]))
        assert not torch.equal(blind, model(*given))
    assert convcost.verify(network, module=model).ok
    wider = convcost.torch_model(network, width=9)
    assert not convcost.verify(network, module=wider).ok


MASKED = "{image: 3x32x32, mask: 1x32x32}\nlayers: ['mul(image, mask) >> conv(4, 3)']"


def test_exports_take_all_of_them() -> None:
    network = net(f"name: captions\ninput: {MASKED}\n")
    torch, onnx = pytest.importorskip("torch"), pytest.importorskip("onnx")
    from convcost.exports.onnxfile import onnx_file
    from convcost.exports.torchcode import code

    made: dict[str, Any] = {}
    exec(code(network.price()), made)  # noqa: S102  # our own text
    module = made["Captions"]()
    assert module(torch.zeros(2, 3, 32, 32), torch.zeros(2, 1, 32, 32)).shape == (2, 4, 30, 30)
    model = onnx.load_from_string(onnx_file(network.price()))
    onnx.checker.check_model(model)
    assert [one.name for one in model.graph.input] == ["input", "mask"]
