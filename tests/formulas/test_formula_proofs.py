"""Closed forms against the layer loop: proved by isl for all sizes, and compared at points where a knob is the symbol.

isl has an arithmetic of its own (tests/isl.py), so the loop is run there without any `Poly`. A number of repeats, or a
fraction times channels, is no size of a loop that isl could run: there, every formula is compared with the price in
ints, by brute force over small values and at random ones.
"""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import count, islice
from typing import Any

import pytest

from convcost import load
from convcost.errors import ConvcostError
from convcost.exact.integers import total
from convcost.exact.poly.domain import Domain
from convcost.formulas.formula import Formula
from convcost.network import Network, every_variant
from convcost.spec.catalog import shipped, shipped_files
from tests.isl import proven_equal, to_isl, variables, variables_of

QUANTITIES = ("macs", "params", "activations")
CHEAP = (
    "alexnet",
    "bn_inception",
    "c3d",
    "conv_tasnet",
    "convmixer_1536_20",
    "convnext_tiny",
    "darknet53",
    "dcgan_generator",
    "deeplabv3_resnet50",
    "densenet40_k12",
    "dla34",
    "edsr",
    "efficientnet_b0",
    "enet",
    "fsrcnn",
    "i3d",
    "inception_resnet_v2",
    "lenet5",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v4_conv_small",
    "nin",
    "r3d_18",
    "rcan",
    "regnetx_400mf",
    "repvgg_a0@deploy",
    "resnest14",
    "resnet20",
    "resnext29_8x64d",
    "se_resnet50",
    "segnet",
    "sqnxt_23",
    "squeezenet",
    "ssd300",
    "tc_resnet8",
    "tcn",
    "tresnet_m",
    "unet",
    "unet3d",
    "vgg16",
    "wavenet",
    "x3d_xs",
    "xception",
    "yolov3",
)
DEAR = (
    "condensenet74_c4_g4",
    "darts@paper",
    "densenet121",
    "fpn_resnet50",
    "ghostnet",
    "googlenet@torchvision",
    "hrnet_w18",
    "mfnet_3d",
    "nasnet_mobile",
    "nfnet_f0",
    "pnasnet_5_large",
    "res2net50_26w_4s",
    "resnet50@v1.5",
    "resnet50v2",
    "resnext50_32x4d",
    "shufflenet_v1_g3",
    "shufflenet_v2_x1.0",
    "sknet26",
    "slowfast_resnet50_4x16",
    "vovnet39",
    "yolov4",
    "yolov5n",
)
PROVED = (*CHEAP, *(pytest.param(name, marks=pytest.mark.slow) for name in DEAR))
"""A network of each structure that isl can follow, where CHEAP has all; test_closed_forms has 26 more.

Left out: what isl cannot follow (attention reshapes products of sizes, a pyramid's bins divide by them, ViT's table is
of one size).
"""


@pytest.mark.parametrize("name", PROVED)
def test_isl_proves_formula_equal_to_the_layer_loop_wherever_it_says_that_it_holds(name):
    network = load(name)
    symbols = ["batch", *network.formula().symbols]
    formulas = {quantity: network.formula(quantity, symbols) for quantity in QUANTITIES}
    batch, *sizes = (variables := variables_of(formulas["macs"].domain)).values()
    assert not batch.domain.inside.is_empty()
    closed = {quantity: to_isl(formula.value, variables) for quantity, formula in formulas.items()}
    graph = network.build()
    zero = to_isl(0, variables)
    loop = [
        priced
        for node, priced in zip(graph.nodes, graph.evaluate((network.input[0], *sizes)), strict=True)
        if not node.aux
    ]
    looped = {
        "macs": total([priced.work.macs for priced in loop]) * batch,
        "params": total([priced.params.trainable for priced in loop]) + zero,
        "activations": total([priced.activations for priced in loop]) * batch,
    }
    for quantity in QUANTITIES:
        assert proven_equal(closed[quantity], looped[quantity]), quantity


def test_what_is_not_equal_everywhere_is_not_proved():
    h, w = variables(H=1, W=1).values()
    half = (h + 1) // 2
    assert proven_equal((half + 1) // 2 * w, (h + 3) // 4 * w)
    assert not proven_equal((half + 1) // 2 * w, h // 4 * w)
    assert not proven_equal(half // 2 * w + 1, (h + 1) // 4 * w)
    assert not proven_equal((half - 1) // 2 * w, (h + 3) // 4 * w)


@pytest.mark.parametrize("name", PROVED)
def test_a_network_fits_where_its_formula_holds_and_nowhere_else(name):
    network = load(name)
    domain = network.formula().domain
    first = next(point for k in count() if holds(domain, point := {axis: n + k for axis, n in domain.least.items()}))
    near = [first | {axis: n} for axis in first for n in (domain.least[axis] - 1, first[axis] - 1, first[axis] + 1)]
    for point in (first, *(point for point in near if all(point.values()))):
        try:
            network.price((network.input[0], *point.values()))
        except ConvcostError:
            assert not holds(domain, point), point
        else:
            assert holds(domain, point), point


def holds(domain: Domain, point: dict[str, int]) -> bool:
    """Whether a point is in a domain."""
    try:
        domain.check(point)
    except ConvcostError:
        return False
    return True


@pytest.mark.parametrize("most", [1, pytest.param(None, marks=pytest.mark.slow)], ids=["one of each", "all"])
@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_every_shipped_network_has_a_closed_form_in_its_batch_and_axes(path, most):
    """In other symbols not each has one: the reasons, one line each, are in NO_FORM."""
    for network in islice(every_variant(shipped(path)), most):
        axes = network.formula().symbols
        own = dict(zip(axes, network.input[1:], strict=True))
        total = network.price(batch=3).total
        for quantity in QUANTITIES:
            formula = network.formula(quantity, ["batch", *axes])
            assert formula(batch=3, **own) == getattr(total, quantity), (network.name, quantity)


def numeric_knobs() -> list[tuple[str, str]]:
    """Every knob that takes a number or a list of them, of one network of each spec."""
    return [
        (network.name, knob)
        for network in (next(every_variant(shipped(path))) for path in shipped_files())
        for knob, value in network.settings.items()
        if isinstance(value, (int, Fraction, tuple))
        and not isinstance(value, bool)
        and not network.spec.knobs[knob].choices
    ]


NO_FORM = {
    ("alexnet@paper", "groups"): "cannot divide by groups exactly: 256 would remain",
    ("condensenet74_c4_g4", "groups"): "cannot divide by groups exactly: .* would remain",
    ("mfnet_3d", "fibers"): "cannot divide by fibers exactly: 96 would remain",
    ("mobileone_s0@deploy", "alpha"): "cannot divide .*, which is not known to be positive",
    ("nin", "mlpconvs"): "only a list can be indexed",
    ("nin", "stride"): "cannot divide by stride exactly",
    ("regnetx_200mf@pycls", "d"): "no closed form for d repeats: .* differs between the steps of a repeat",
    ("regnetx_200mf@pycls", "w_0"): "cannot divide by w_0 exactly, which is symbolic",
    ("regnetx_200mf@pycls", "w_a"): "no closed form: more than 64 cases, by choices that depend on the symbols",
    ("regnetx_200mf@pycls", "w_m"): "no closed form: more than 64 cases, by choices that depend on the symbols",
    ("regnetx_200mf@pycls", "g"): "cannot divide by .* exactly, which is symbolic",
    ("se_resnet50@paper", "ratio"): "cannot divide by ratio exactly: 256 would remain",
    ("shufflenet_v1_g1@paper", "groups"): "cannot divide by groups exactly: 36 would remain",
    ("slowfast_resnet50_4x16", "beta"): "cannot divide by beta exactly: 64 would remain",
    ("swin_t@paper", "depths"): "no closed form for depths_1 repeats: .* differs between the steps of a repeat",
    ("unet@paper", "depth"): "an exponent must be an integer from 0 to 64",
    ("unet3d@paper", "depth"): "leaves .*: its window of 3 does not fit",
    ("conv_tasnet", "length"): r"cannot divide 32000 - length by floor\(length/2\)",
    **{("conv_tasnet", knob): "a repeat that collects needs a number" for knob in ("blocks", "repeats")},
    **{("wavenet", knob): "a repeat that collects needs a number" for knob in ("layers", "stacks")},
    ("tcn", "levels"): "an exponent must be an integer from 0 to 64",
    ("x3d_xs", "depth"): r"no closed form for ceil\(depth\) - 1 repeats",
    **{(f"yolov{version}n", "depth"): "round: of a number, not of 3.depth" for version in (5, 8)},
}
"""Where a layer divides by what is a symbol, or the structure depends on it in more ways than a formula can have."""


def at(network: Network, values: dict[str, Any]) -> tuple[int, ...]:
    """The counts at values of symbols, from the loop in ints."""
    sizes, knobs, batch = {}, {}, 1
    for name, value in values.items():
        if name in ("H", "W"):
            sizes["CHW".index(name)] = value
        elif name == "batch":
            batch = value
        elif name in network.settings:
            knobs[name] = value
        else:
            knob, _, i = name.rpartition("_")
            items = list(knobs.get(knob, network.settings[knob]))
            items[int(i) - 1] = value
            knobs[knob] = tuple(items)
    own_shape = network.set(**knobs).input  # of which a knob may be a part
    shape = tuple(sizes.get(axis, size) for axis, size in enumerate(own_shape))
    total = network.price(shape, batch, **knobs).total
    return total.macs, total.params, total.activations


def own(network: Network, symbol: str) -> Any:
    """What the network has where the symbol is."""
    known = {"batch": 1, **dict(zip("CHW", network.input, strict=False)), **network.settings}
    knob, _, i = symbol.rpartition("_")
    return known[symbol] if symbol in known else known[knob][int(i) - 1]


def points(network: Network, formula: Formula, seed: int, count: int) -> list[dict[str, Any]]:
    """Points of the domain: the network itself, twice that, the corner, and random ones, where all conditions hold."""
    generator = random.Random(seed)  # noqa: S311  # a choice of points
    itself = {name: own(network, name) for name in formula.symbols}
    found = []
    for i in range(-2, count):
        point = {name: -i * value for name, value in itself.items()}
        if i < 0:
            found.append(point)
            continue
        for variable, name in zip(formula.variables, formula.symbols, strict=True):
            ((atom,),) = variable.terms
            least = formula.domain.least[name]
            more = generator.randrange(1 + 3 * i)
            point[name] = least + more if atom.integral else least + Fraction(more, generator.choice((4, 10, 20, 7)))
        try:
            formula.domain.check(point)
        except ConvcostError:
            continue
        found.append(point)
    return found


@pytest.mark.parametrize(("name", "knob"), numeric_knobs())
def test_the_formula_in_a_knob_is_the_price_in_ints(name, knob):
    network = load(name)
    if (name, knob) in NO_FORM:
        with pytest.raises(ConvcostError, match=NO_FORM[name, knob]):
            network.formula("macs", [knob])
        return
    formulas = [network.formula(quantity, [knob]) for quantity in QUANTITIES]
    found = points(network, formulas[0], 0, 8)
    for point in found:
        assert tuple(formula(**point) for formula in formulas) == at(network, point), point


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("resnet20", ["batch", "H", "W", "n"]),
        ("resnet20@B", ["H", "n", "classes"]),
        ("resnet50@v1.5", ["batch", "H", "W", "width", "units", "classes"]),
        ("densenet121", ["H", "W", "growth_rate", "units"]),
        ("densenet40_k12", ["growth_rate", "depth", "H"]),
        ("densenet_bc100_k12", ["growth_rate", "depth", "classes"]),
        ("mobilenet_v1", ["H", "W", "width", "middle"]),
        ("mobilenet_v2_0.35", ["H", "W", "width", "classes"]),
        ("efficientnet_b3", ["H", "width", "depth"]),
        ("vgg16@bn", ["H", "W", "convs"]),
        ("nasnet_mobile", ["repeats", "H", "W"]),
        ("resnext50_32x4d", ["cardinality", "width", "units"]),
        ("inception_resnet_v2", ["blocks", "H"]),
    ],
)
def test_formulas_in_several_symbols_are_the_price_in_ints(name, symbols):
    network = load(name)
    formulas = [network.formula(quantity, symbols) for quantity in QUANTITIES]
    found = points(network, formulas[0], 1, 12)
    for point in found:
        assert tuple(formula(**point) for formula in formulas) == at(network, point), point


def test_brute_force_over_depth_and_growth():
    resnet, densenet = load("resnet20"), load("densenet_bc100_k12")
    by_n = resnet.formula("macs", ["n"])
    assert [by_n(n) for n in range(1, 30)] == [resnet.price(n=n).total.macs for n in range(1, 30)]
    by_both = densenet.formula("params", ["growth_rate", "depth"])
    for k in range(2, 8):
        for depth in range(4, 60):
            assert by_both(k, depth) == densenet.price(growth_rate=k, depth=depth).total.params


def test_resnet_of_6n_plus_2_layers_by_hand():
    """16, 32, 64 channels at 32, 16, 8: 2n convolutions of 3x3 a stage, the first of two stages from half as many."""
    n = 9
    stem = 3 * 16 * 9 * 32**2
    stages = sum(
        2 * n * c * c * 9 * size**2 - (c * c // 2 * 9 * size**2 if c > 16 else 0)
        for c, size in ((16, 32), (32, 16), (64, 8))
    )
    assert load("resnet20").formula("macs", ["n"])(n) == stem + stages + 640 == load("resnet56").price().total.macs
