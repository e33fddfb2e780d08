"""Networks in the library: what is kept between two prices, and what Python callers get wrong."""

from __future__ import annotations

import gc
import pickle

import numpy as np
import pytest

import convcost
from convcost import ops
from convcost.cost.graph import Graph
from convcost.cost.memory import DTYPES
from convcost.cost.overflow import LARGEST
from convcost.counters.releases import EVERY
from convcost.counters.rules import rule
from convcost.errors import ConvcostError, MissingExtraError, ShapeError
from convcost.network import Network
from convcost.published.tables import price_reference
from convcost.spec import document
from convcost.spec.document import SpecError
from convcost.spec.model import Spec


def network(layers: str, more: str = "") -> Network:
    text = f"name: net\nsource: test\ninput: 3x8x8\n{more}layers:\n{layers}\n"
    return Network(Spec(document.parse(text, "net.yaml")), "net", None)


def test_a_structure_that_looks_at_its_inputs_sizes_is_built_anew():
    # Half of the 3*8*8 = 192 and 3*16*16 = 768 features; weights and biases.
    net = network("  - flatten\n  - fc: linear(in_channels // 2)")
    assert net.price().total.params == 192 * 96 + 96
    assert net.price(input="3x16x16").total.params == 768 * 384 + 384
    assert net.price().total.params == 192 * 96 + 96


@pytest.mark.parametrize(("name", "params"), [("alexnet@torchvision", 61_100_840), ("vgg16@bn", 138_365_992)])
def test_behind_an_adaptive_pooling_weights_are_the_same_at_any_size(name, params):
    """torchvision 0.28's own counts."""
    for size in (224, 320):
        assert convcost.load(name).price((3, size, size)).total.params == params


def test_a_built_graph_is_of_the_input_that_was_asked_for():
    net = convcost.load("resnet18")
    assert net.build().input == (3, 224, 224)
    assert net.build("3x64x64").input == (3, 64, 64)
    assert net.price("3x64x64").input == (3, 64, 64)
    sizes = np.array([64, 96])
    assert net.build((3, sizes, sizes)).input[1] is sizes


def test_a_graph_that_was_built_before_is_checked_against_its_new_input():
    net = convcost.load("vgg16")
    net.build()
    with pytest.raises(ShapeError, match="512x1x1"):
        net.build("3x31x31")


@pytest.mark.parametrize("name", [5, None, b"googlenet", "a\0.yaml", "a\udcff.yaml", "./", ""])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ConvcostError):
        convcost.load(name)


def test_a_path_is_a_name(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nsource: test\ninput: 3x4x4\nlayers: [relu]\n")
    assert convcost.load(file).name == "mine"
    assert convcost.compare(file, str(file)).costs[1].total.params == 0


KNOBS = "knobs: {n: 4, flag: true, word: {default: a, choices: [a, b]}, sizes: [1, 2]}\n"
LAYERS = "  - conv(n, 1, bias=flag)\n  - {if: word == 'a', then: 'conv(sizes[0], 1)'}"


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"n": float("nan")}, "knob n takes a number, got nan"),
        ({"n": float("inf")}, "knob n takes a number, got inf"),
        ({"n": True}, "knob n takes a number, got true"),
        ({"n": np.True_}, "knob n takes a number, got true"),
        ({"n": None}, "knob n takes a number, got none"),
        ({"n": "4"}, "knob n takes a number, got '4'"),
        ({"n": {}}, "knob n takes a number, got {}"),
        ({"n": 1j}, "knob n takes a number, got 1j"),
        ({"n": np.array([1.0])}, r"knob n takes a number, got"),
        ({"flag": 1}, "knob flag takes true or false, got 1"),
        ({"flag": "True"}, "knob flag takes true or false, got 'True'"),
        ({"word": None}, "knob word takes a word, got none"),
        ({"sizes": 1}, "knob sizes takes a list, got 1"),
    ],
)
def test_a_knob_of_another_kind_is_refused(knobs, message):
    with pytest.raises(ConvcostError, match=message):
        network(LAYERS, KNOBS).price(**knobs)


@pytest.mark.parametrize("four", [4, 4.0, np.int64(4), np.uint8(4), np.float64(4.0), np.array(4)])
def test_knobs_take_what_is_exactly_a_number(four):
    total = network(LAYERS, KNOBS).price(n=four, flag=np.True_, sizes=[four, 2.0]).total
    assert (total.weights, type(total.weights)) == (3 * 4 + 4 * 4, int)


def test_a_ratio_is_of_counts_that_there_are():
    compared = convcost.compare("resnet18", "resnet34@v1")
    with pytest.raises(ConvcostError, match="unknown quantity 'mac'; did you mean macs"):
        compared.ratio("mac")
    with pytest.raises(ConvcostError, match="unknown quantity 'shape'"):
        compared.saving("shape")
    with pytest.raises(ConvcostError, match="no ratios of norm_affine to 0 of vgg16@paper"):
        convcost.compare("vgg16", "resnet18").ratio("norm_affine")
    with pytest.raises(ConvcostError, match="no ratios of macs to"):
        convcost.compare("resnet18", "resnet34", input=(3, np.array([64, 96]), 64)).ratio()


def test_a_cost_says_what_is_in_it():
    cost = convcost.load("googlenet").price()
    assert "inception_3a" in cost
    assert "inception_3a/5x5/reduce/conv" in cost
    assert "inception_9z" not in cost
    assert cost[0] in cost
    assert repr(cost) == f"<Cost of googlenet@paper at 3x224x224, batch 1: {len(cost)} layers>"


@pytest.mark.parametrize("depth", [0, -1, 1.5, None])
def test_a_fold_has_a_depth(depth):
    with pytest.raises(ConvcostError, match="a depth is an integer >= 1"):
        convcost.load("resnet18").price().fold(depth)


def test_networks_are_keys_and_say_their_names():
    net = convcost.load("resnet50@v1.5", classes=10)
    assert {net: 1}[convcost.load("resnet50@v1.5", classes=10)] == 1
    assert net != convcost.load("resnet50@v1.5")
    assert repr(net) == "Network(network='resnet50', variant='v1.5', knobs={'classes': 10})"


@pytest.mark.parametrize(
    "error", [ConvcostError("a"), ShapeError("b"), SpecError("file", "c"), MissingExtraError("torch", "torch")]
)
def test_errors_come_through_a_process_pool(error):
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (type(copy), str(copy)) == (type(error), str(error))


@pytest.mark.parametrize(
    ("asked", "ints"),
    [
        ({"input": (3, np.array([2**31]), 2**31)}, {"input": (3, 2**31, 2**31)}),
        ({"batch": np.array([1, 2**31])}, {"batch": 2**31}),
        ({"classes": np.array([10, 2**55])}, {"classes": 2**55}),
    ],
)
def test_arrays_never_wrap_around(asked, ints):
    net = convcost.load("resnet50@v1.5")
    total = net.price(**ints).total
    assert max(total.params, total.macs) >= 2**53  # so int64 cannot hold what conventions make of it
    with pytest.raises(ConvcostError, match=r"resnet50@v1.5.*: a count of 2\^53 or more does not fit the arrays"):
        net.price(**asked)


@pytest.mark.parametrize("name", ["alexnet", "efficientnet_b0", "shufflenet_v1_g3", "nasnet_mobile", "googlenet"])
def test_arrays_that_fit_are_priced(name):
    net = convcost.load(name)
    channels, height, width = net.input
    totals = net.price(input=(channels, np.array([height, height + 32]), width), batch=np.array([1, 2**20])).total
    assert totals.macs[0] == net.price().total.macs
    assert totals.macs[1] == 2**20 * net.price(input=(channels, height + 32, width)).total.macs


def test_a_flattened_map_that_wraps_around_is_refused():
    # 2^32 * 2^32 features are 0 in int64, and so were the weights of the layer behind them.
    net = network("  - flatten\n  - fc: linear(1)")
    with pytest.raises(ConvcostError):
        net.price(input=(3, np.array([2**32]), 2**32))


def test_arrays_that_do_not_go_together_are_located():
    with pytest.raises(ShapeError, match="layer fc: linear: operands could not be broadcast"):
        network("  - fc: linear(1)").price(input=(3, np.array([8, 9]), np.array([7, 8, 9])))
    with pytest.raises(ConvcostError, match="net: operands could not be broadcast"):
        network("  - fc: linear(1)").price(input=(3, np.array([8, 9]), 8), batch=np.array([1, 2, 3]))


def chain(*operators, input=None):
    g = convcost.GraphBuilder("chain", input or (1, np.array([2**10, 2**12]), 2**10))
    x = g.input
    for op in operators:
        x = g.add(op, x)
    return g.graph()


@pytest.mark.parametrize(
    "graph",
    [
        lambda: chain(ops.Upsample(2**20), ops.Upsample(2**15)),  # no work, no params: only elements
        lambda: chain(ops.Tanh(), input=(1, np.array([2**28]), 2**28)),  # a count that a rule weighs with 76
        lambda: chain(ops.Conv(64, np.array([2**32, 3]), padding="same")),  # an array in the operator
        lambda: chain(ops.Conv(64, (np.array([2**32, 3]), 1), padding="same")),
    ],
)
def test_no_way_around_the_guard(graph):
    with pytest.raises(ConvcostError, match="does not fit the arrays"):
        convcost.Cost(graph())


def test_scalars_of_numpy_are_ints():
    """2^31 x 2^31 x 9 weights, which int64 does not hold."""
    op = ops.Conv(np.int64(2**31), (np.int64(3), 3), bias=False)
    assert (type(op.out_channels), *map(type, op.kernel_size)) == (int, int, int)
    cost = convcost.Cost(chain(op, op, input=(1, 8, 8)))
    assert cost.total.params == 9 * 2**31 + 9 * 2**62


def test_no_rule_makes_more_of_a_count_than_the_guard_leaves_room_for():
    assert all(sum(map(abs, rule(name).weights.values())) * LARGEST < 2**63 for name in EVERY)
    assert max(DTYPES.values()) * LARGEST < 2**63


def test_a_dimension_beyond_all_bounds_is_refused_at_once():
    spec = "  - {repeat: 9000, layers: 'upsample(" + "9" * 30 + ")'}"
    with pytest.raises(ConvcostError, match="upsample makes a dimension of more than 256 bits"):
        network(spec).price()


def graphs_alive() -> int:
    gc.collect()
    return sum(type(one) is Graph for one in gc.get_objects())


def test_graphs_of_many_knobs_are_not_all_kept():
    net = convcost.load("lenet5")
    before = graphs_alive()
    for classes in range(1, 100):
        net.price(classes=classes)
    assert graphs_alive() <= before + 32
    assert net.price(classes=1).total.macs == convcost.load("lenet5", classes=1).price().total.macs


def test_a_name_that_failed_is_free():
    g = convcost.GraphBuilder("again", (3, 8, 8))
    with pytest.raises(ShapeError, match="layer conv"):
        g.add(ops.Conv(8, 99), g.input, name="conv")
    assert g.add(ops.Conv(8, 3), g.input, name="conv").shape == (8, 6, 6)


def test_a_limit_is_a_number():
    for limit in ("<600M", "~600M", "at least 3M", "10%"):
        with pytest.raises(ConvcostError, match="a limit is a count such as 600M"):
            list(convcost.network.shipped(max_macs=limit))


def test_a_reference_needs_a_name_and_one_input():
    with pytest.raises(ConvcostError):
        price_reference("")
    with pytest.raises(ConvcostError, match="the input is given twice"):
        price_reference("resnet18 input=3x64x64 input=3x32x32")


def test_a_knob_with_choices_takes_no_array():
    with pytest.raises(ConvcostError, match="knob shortcut"):
        convcost.load("resnet34", shortcut=np.array([1, 2])).price()


def test_knobs_are_written_as_they_are_given():
    net = convcost.load("mobilenet_v2", width=0.35)
    assert net.reference == "mobilenet_v2@paper width=0.35"
    assert net.formula().network == net.reference
    with pytest.raises(ConvcostError, match=r"mobilenet_v2@paper width=0.35: its input is"):
        net.price("224x224")
    resnet = convcost.load("resnet50", units=[1, 2, 3, 4])
    assert resnet.reference == "resnet50@v1 units=[1,2,3,4]"
    assert convcost.load("googlenet", aux=True).reference == "googlenet@paper aux=true"
    assert price_reference(net.reference)[1].total == net.price().total
    assert price_reference(resnet.reference)[1].total == resnet.price().total
