"""Inputs: what is refused with what was likely meant, and specs that are meant for other channels and axes."""

from __future__ import annotations

import numpy as np
import pytest

import convcost
from convcost.auditing.audit import audit
from convcost.cost.inputs import fitted
from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.network import Network
from convcost.published.tables import price_reference
from convcost.spec import document
from convcost.spec.model import Spec
from convcost.torchbridge import verify

MEANT = {
    "224x224": "3x224x224",
    "3x320": "3x320x320",
    "320": "3x320x320",
    "224x192x3": "3x224x192",
    "1x3x224x224": "3x224x224",
    "1x224x224": "3x224x224",
    "3x16x112x112": None,
}
"""Inputs that an image network does not take, and what is asked of them."""


def network(input: str, layers: str = "conv(4, 3, padding=same)", knobs: str = "{}") -> Network:
    text = f"name: net\nsource: test\ninput: {input}\nknobs: {knobs}\nlayers: [{layers!r}]\n"
    return Network(Spec(document.parse(text, "net.yaml")), "net", None)


@pytest.mark.parametrize(("given", "meant"), MEANT.items())
def test_an_input_of_other_channels_or_axes_is_refused_with_what_was_meant(given, meant):
    hint = f"; did you mean {meant}?" if meant else ""
    said = f"resnet50@v1: its input is 3x224x224, or has other sizes, not {given}{hint}"
    net = convcost.load("resnet50")
    shape = tuple(map(int, given.split("x")))
    asks = (
        lambda: net.price(given),
        lambda: net.price(input=shape),
        lambda: net.build(given),
        lambda: net.formula(input=shape),
        lambda: convcost.compare("resnet50", "resnet34", input=given),
        lambda: verify(net, input=given, device="meta"),
        lambda: price_reference(f"resnet50 input={given}"),
    )
    for ask in asks:
        with pytest.raises(ConvcostError) as error:
            ask()
        assert str(error.value) == said


def test_a_graph_is_of_the_channels_it_was_built_for():
    graph = convcost.load("lenet5").build()
    with pytest.raises(
        ConvcostError, match=r"lenet5.*: its input is 1x32x32, or has other sizes, not 3x32x32; did you me"
    ):
        graph.evaluate((3, 32, 32))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ((224,), (3, 224, 224)),
        ((240, 240, 3), (3, 240, 240)),
        ((1, 3, 8, 9), (3, 8, 9)),
        ((7, 8), (3, 7, 8)),
        ((5, 6, 7), None),
    ],
)
def test_sizes_as_people_write_them(given, meant):
    assert fitted((3, 224, 224), given) == meant


@pytest.mark.parametrize(
    ("input", "said"),
    [
        ("96x96x3", "net.yaml:3:8: input 96x96x3: did you mean 3x96x96?"),
        ("[96, 96, 3]", "net.yaml:3:8: input 96x96x3: did you mean 3x96x96?"),
        ("28x28x1", "net.yaml:3:8: input 28x28x1: did you mean 1x28x28?"),
        ("16x112x112x3", "net.yaml:3:8: input 16x112x112x3: did you mean 3x16x112x112?"),
        ("224x224", "net.yaml:3:8: input 224x224: did you mean 3x224x224?"),
        ("[channel, 8]", "net.yaml:3:9: there is no knob 'channel'; did you mean channels?"),
        ("[0, 8]", "net.yaml:3:9: an input is a list of integers >= 1 and of knobs"),
        ("[size, 8]", "net.yaml:3:8: one knob of an input can be a list, and not the first"),
        ("{}", "net.yaml:3:8: inputs have a name each: {image: 3x224x224, text: 77x512}"),
    ],
)
def test_specs_with_an_input_that_nobody_means_are_refused(input, said):
    with pytest.raises(ConvcostError) as error:
        network(input, "conv(channels * size[0], 1)", "{channels: 3, size: [8, 8]}")
    assert str(error.value).startswith(said)


def test_a_knob_of_channels_is_set_by_either():
    net = network("[channels, 8, 8]", "conv(2 * channels, 3, padding=same)", "{channels: 3}")
    assert net.input == (3, 8, 8)
    assert net.price().total.weights == 6 * 3 * 9
    for cost in (net.price("1x8x8"), net.price(channels=1), net.set(channels=1).price("1x8x8")):
        assert cost.input == (1, 8, 8)
        assert cost.total.weights == 2 * 1 * 9
    with pytest.raises(ConvcostError, match="net channels=1: its input is 1x8x8, or has other sizes, not 3x8x8"):
        net.price("3x8x8", channels=1)
    with pytest.raises(ConvcostError, match="its input is 3x8x8, or has other sizes, not 8x8; did you mean 3x8x8"):
        net.price("8x8")
    c = symbol("channels")
    assert net.formula("params", ["channels"]).value == 18 * c * c + 2 * c
    assert net.price(input=(c, 8, 8)).total.weights == 18 * c * c


def test_a_knob_that_is_a_list_stands_for_the_axes():
    net = network("[1, size]", "conv(4, 3, padding=same)", "{size: [8, 8]}")
    for given, taps in (("1x5", 3), ("1x5x6", 9), ("1x5x6x7", 27)):
        assert net.price(given).total.weights == 4 * taps
    assert net.set(size=[4, 5, 6]).input == (1, 4, 5, 6)
    with pytest.raises(ConvcostError, match="not 3x5x6; did you mean 1x5x6"):
        net.price("3x5x6")
    with pytest.raises(ConvcostError, match=r"its input is \[1, size\], where size is \[4,5\], not 1x5x5"):
        net.set(size=[4, 5]).price("1x5x5")


def test_one_knob_for_two_axes_is_one_number():
    net = network("[3, size, size]", "conv(size, 1)", "{size: 8}")
    assert net.price("3x6x6").total.weights == 18
    with pytest.raises(ConvcostError, match=r"its input is \[3, size, size\], where size is 6, not 3x6x5"):
        net.price("3x6x5")


def test_a_column_of_inputs_with_other_channels_is_not_read(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("Model,Input,Params\nResNet-50,1x224x224,25.6M\nResNet-50,224x224x3,25.6M\n")
    found = audit(str(path))
    (unread,) = found.unread
    assert unread.why == "is resnet50@v1, which takes 3x224x224, not 1x224x224"


def test_a_choice_is_made_for_an_array_whose_values_agree(tmp_path):
    """conv(c, 1) of 3 channels has 4 c params: 32 where w > 10, 16 elsewhere."""
    path = tmp_path / "net.yaml"
    path.write_text("name: net\nsource: x\ninput: 3x8x8\nknobs: {w: 4}\nlayers: ['conv(8 if w > 10 else 4, 1)']\n")
    network = convcost.load(path)
    for values, params in (([11, 20], 32), ([2, 10], 16)):
        assert network.price(w=np.array(values)).total.params == params
        assert network.price((3, np.array([8, 9]), np.array([8, 9])), w=np.array(values)).total.params == params
    with pytest.raises(
        ConvcostError, match=r"net.yaml:5:\d+: cannot compare \[2 values\] with 10; one choice has to be"
    ):
        network.price(w=np.array([11, 2]))
