"""The printed tables: every shipped one is checked, and which of its cells do not hold is known by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from convcost.counters.rules import OWN
from convcost.errors import ConvcostError
from convcost.network import load
from convcost.printed.numbers import parse
from convcost.published.tables import load_table, read_table, table_names
from convcost.spec import document

# Cells that are not what their table's convention prints for the exact count, with that count.
FAILING = {
    "googlenet": {
        # Weights, and a bias for each output channel of a convolution, as the row prints them.
        ("conv1", "params"): 9_408 + 64,
        ("conv1", "ops"): 118_013_952,
        ("inception_3b", "params"): 388_096 + 128 + 128 + 192 + 32 + 96 + 64,
        ("inception_4a", "params"): 375_552 + 192 + 96 + 208 + 16 + 48 + 64,
        ("inception_4a", "ops"): 73_608_192,
        ("inception_4b", "params"): 448_512 + 160 + 112 + 224 + 24 + 64 + 64,
        ("inception_4c", "params"): 509_440 + 128 + 128 + 256 + 24 + 64 + 64,
        ("inception_4d", "params"): 604_672 + 112 + 144 + 288 + 32 + 64 + 64,
        ("inception_4e", "params"): 867_328 + 256 + 160 + 320 + 32 + 128 + 128,
        ("inception_5a", "params"): 1_042_432 + 256 + 160 + 320 + 32 + 128 + 128,
        ("inception_5a", "ops"): 51_079_168,
        ("inception_5b", "params"): 1_442_816 + 384 + 192 + 384 + 48 + 128 + 128,
    },
    "resnet": {("total", "50-layer"): 3_857_973_248},
    "mobilenet_v1_resolution": {("mobilenet_v1 input=3x160x160", "Million Mult-Adds"): 290_675_200},
    "inception_cost": {("bn_inception@slim", "Cost Bn Ops"): 1_934_857_216},
    "efficientnet": {
        ("efficientnet_b1@paper", "#FLOPs"): 686_802_832,
        ("efficientnet_b2@paper", "#Params"): 9_109_994,
        ("efficientnet_b4@paper", "#FLOPs"): 4_393_771_024,
        ("efficientnet_b5@paper", "#FLOPs"): 10_266_384_752,
        ("efficientnet_b7@paper", "#FLOPs"): 37_745_884_192,
    },
    "mobilenet_v1": {
        ("mobilenet_v1@full", "Million Mult-Adds"): 4_866_269_184 + 1_024_000,
        ("googlenet@paper", "Million Mult-Adds"): 1_582_671_872,
        ("googlenet@paper", "Million Parameters"): 6_998_552,
        ("vgg16@paper", "Million Mult-Adds"): 15_470_264_320,
        ("mobilenet_v1_0.5@paper input=3x160x160", "Million Mult-Adds"): 76_524_800,
        ("squeezenet@paper", "Million Mult-Adds"): 832_667_936,
        ("alexnet@paper", "Million Mult-Adds"): 724_406_816,
        ("alexnet@paper", "Million Parameters"): 60_965_224,
    },
    "mobilenet_v2": {
        ("mobilenet_v1@paper", "MAdds"): 568_740_352,
        ("mobilenet_v2@paper", "Params"): 3_469_760,
        ("mobilenet_v2@paper", "MAdds"): 300_774_272,
        ("mobilenet_v2_1.4@paper", "Params"): 6_059_840,
        ("mobilenet_v2_1.4@paper", "MAdds"): 582_195_824,
    },
    "shufflenet_v1": {
        ("vgg16@paper", "MFLOPs"): 15_470_264_320,
        ("googlenet@caffe", "MFLOPs"): 1_582_671_872,
    },
    "shufflenet_v2": {("shufflenet_v2_x0.5@megvii", "FLOPs"): 40_476_448},
    "convnext": {
        ("convnext_tiny", "#params"): 28_589_128,
        ("convnext_base input=3x384x384", "FLOPs"): 45_122_117_632,
    },
    "enet": {
        ("segnet input=3x360x640", "GFLOPs"): 284_566_487_040,
        ("enet input=3x360x640", "GFLOPs"): 3_447_129_600,
    },
    "ssdlite": {
        # 26,285,486 of 21 classes; of each more, 3x3 convolutions of 14,848 channels by boxes, and 30 biases
        ("ssd300@paper classes=81", "Params"): 26_285_486 + 60 * (9 * 14_848 + 30),
        ("ssd300@paper classes=81", "MAdd"): 34_360_351_232,
        ("ssd512@paper classes=81", "Params"): 36_038_196,
        ("ssd512@paper classes=81", "MAdd"): 98_628_936_704,
    },
    "amoebanet": {
        ("amoebanet_a_448", "# Parameters"): 468_151_184,
        ("amoebanet_a_448", "# Multiply-Adds"): 126_520_757_776,
    },
    "condensenet": {
        ("condensenet74_c8_g8", "FLOPs"): 261_545_792,
        ("condensenet74_c4_g4", "FLOPs"): 516_640_576,
    },
    "darts": {
        ("darts@paper", "+× (M)"): 529_911_552,
    },
    "efficientnet_v2": {
        ("efficientnet_v2_s", "FLOPs"): 8_365_617_152,
        ("efficientnet_v2_m", "FLOPs"): 24_582_460_384,
        ("efficientnet_v2_l", "Params"): 119_027_848,
        ("efficientnet_v2_l", "FLOPs"): 56_079_699_008,
    },
    "fbnet": {
        ("darts@paper", "#Params"): 4_718_752,
        ("darts@paper", "#FLOPs"): 529_911_552,
        ("mnasnet_b1", "#Params"): 4_383_312,
        ("mnasnet_b1", "#FLOPs"): 314_415_872,
        ("fbnet_b", "#Params"): 4_813_048,
        ("fbnet_b", "#FLOPs"): 296_614_728,
        ("fbnet_c", "#FLOPs"): 384_960_160,
    },
    "ghostnet": {
        ("ghostnet_1.3", "FLOPs (M)"): 227_003_256,
    },
    "convnext_v2": {("convnextv2_huge input=3x384x384", "FLOPs"): 337_957_554_176},
    "mixnet": {
        ("mixnet_s", "#FLOPs"): 239_173_360,
        ("mixnet_m", "#FLOPs"): 339_172_672,
        ("mixnet_l", "#FLOPs"): 555_251_792,
    },
    "mnasnet": {
        ("shufflenet_v2_x2.0@paper", "#Mult-Adds"): 590_783_000,
    },
    "mobilenet_v3": {
        ("mobilenet_v3_large@paper", "MAdds"): 216_587_936,
        ("mobilenet_v3_large@paper", "Params"): 5_481_198,
        ("mobilenet_v3_small@paper", "MAdds"): 56_670_688,
        ("mobilenet_v3_small@paper", "Params"): 2_703_846,
        ("mobilenet_v3_small_0.75@paper", "MAdds"): 43_483_216,
        ("mobilenet_v3_small_0.75@paper", "Params"): 2_126_266,
    },
    "nasnet": {
        ("bn_inception@slim", "Mult-Adds"): 1_934_857_216,
        ("inception_v3", "Mult-Adds"): 5_713_216_096,
        ("xception", "# parameters"): 22_855_952,
        ("xception", "Mult-Adds"): 8_357_403_496,
        ("nasnet_large@paper", "# parameters"): 88_753_150,
        ("googlenet@torchvision", "Mult-Adds"): 1_498_376_192,
    },
    # 10,838,016 of 568,740,352: twice the millionths of a millionth, and one more for the rest
    "mobilenet_v1_kinds": {("every conv 3x3", "Mult-Adds"): 2 * (10_838_016 * 10**12 // 568_740_352) + 1},
}
CHECKED = {
    "amoebanet": 6,
    "condensenet": 4,
    "convnext": 32,
    "convnext_v2": 36,
    "darts": 2,
    "efficientnet": 16,
    "efficientnet_v2": 6,
    "enet": 4,
    "fbnet": 10,
    "fcn": 2,
    "ghostnet": 6,
    "googlenet": 43,
    "hrnet": 12,
    "inception_cost": 2,
    "inception_v2": 13,
    "keras_applications": 26,
    "mixnet": 6,
    "mnasnet": 3,
    "mobilenet_v1": 20,
    "mobilenet_v1_kinds": 8,
    "mobilenet_v1_resolution": 8,
    "mobilenet_v1_width": 8,
    "mobilenet_v2": 12,
    "mobilenet_v2_slim": 44,
    "mobilenet_v3": 8,
    "nasnet": 18,
    "pnasnet": 4,
    "regnet": 48,
    "resnet": 12,
    "resnet_cifar": 6,
    "shufflenet_v1": 11,
    "shufflenet_v2": 8,
    "squeezenet": 25,
    "ssdlite": 6,
    "swin": 12,
    "torchvision": 158,
    "vgg": 6,
    "vgg16_keras": 45,
    "wide_resnet": 10,
}


@pytest.mark.parametrize("name", table_names())
def test_which_cells_hold(name):
    checked = load_table(name).check()
    assert len(checked.cells) == CHECKED[name]
    failing = {(c.row.lead, c.column.title): c.computed for c in checked.cells if not c.holds}
    assert failing == FAILING.get(name, {})


@pytest.mark.parametrize("name", table_names())
def test_a_table_says_where_it_comes_from(name):
    table = load_table(name)
    assert table.name == name
    assert any(word in table.source for word in ("Table", "Keras", "README", "metadata"))


@pytest.mark.parametrize(("network", "printed"), [("mobilenet_v2_1.4", "6.9M"), ("mobilenet_v1", "575M")])
def test_no_convention_gives_what_mobilenet_v2_s_table_prints(network, printed):
    total = load(network).price().total
    counts = [rule.of(total) for rule in OWN.values()]
    for rounding in ("half_up", "half_even", "truncated", "up"):
        assert not any(parse(printed).holds(count, rounding) for count in counts)


def test_differences_are_exact():
    cells = {(c.row.lead, c.column.title): c for c in load_table("googlenet").check().cells}
    assert cells["conv1", "params"].printed_value == Fraction("2.7") * 1024
    assert cells["conv1", "params"].difference == 9_472 - Fraction("2.7") * 1024
    assert cells["conv1", "output size"].difference is None


SMALL = """\
table: small
title: a title
source: a source
network: factor_3x3@direct
convention: {params: {count: weights, k: 1000}, ops: macs}
columns: {layer: text, size: shape, params: params, ops: ops in M}
rows: |
  conv  | conv 3x3 | 28×28×64 | 36.9K | 28.9
  total | all      | 28×29    | 37K   | 29.0
"""


def test_units_sizes_and_totals():
    cells = read_table(document.parse(SMALL, "t.yaml")).check().cells
    # 9 * 64 * 64 = 36,864 weights, on 28 * 28 positions 28,901,376 macs
    assert [c.computed for c in cells] == [(28, 28, 64), 36_864, 28_901_376] * 2
    assert [c.holds for c in cells] == [True, True, True, False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "count: weights",
            "count: wheights",
            "t.yaml:5:30: unknown rule of counting 'wheights'",
        ),
        ("count: weights", "count: macs", "t.yaml:5:30: macs counts ops, not params"),
        ("count: weights", "counts: weights", "t.yaml:5:23: a reading has no 'counts'; did you mean count?"),
        ("k: 1000", "k: 1001", "t.yaml:5:42: k is 1000 or 1024, not 1001"),
        ("k: 1000", "zeros: many", "t.yaml:5:46: zeros is padded or not meant, not many"),
        ("{count: weights, k: 1000}", "[weights]", "t.yaml:5:22: a reading is the name of what is counted"),
        ("ops: macs}", "ops: macs, k: 1024}", "t.yaml:5:60: a convention says how params and ops are read, not 'k'"),
        ("params: params, ops: ops in M", "params: params, ops: text", "t.yaml:5:49: no column prints ops"),
        ("size: shape", "size: shapes", "t.yaml:6:30: 'shapes' is none of text, shape, input, params, ops"),
        ("conv  |", "konv  |", "t.yaml:8:1: factor_3x3@direct has no layer or scope 'konv'; did you mean conv?"),
        ("| 36.9K |", "|", "t.yaml:8:1: row conv: 3 cells for 4 columns"),
        ("36.9K", "many", "t.yaml:8:1"),
        ("28×28×64", "28 by 28", "t.yaml:8:1: a size is written 56×56×64 or 56×56, not '28 by 28'"),
        ("network: factor_3x3@direct", "network: factor_3x4", "did you mean factor_3x3?"),
        ("title: a title", "titel: a title", "t.yaml:2:1: a table has no key 'titel'; did you mean title?"),
        ("rows: |", "rows:", "t.yaml"),
    ],
)
def test_bad_tables_say_where_what_and_why(old, new, said):
    assert old in SMALL
    with pytest.raises(ConvcostError) as error:
        read_table(document.parse(SMALL.replace(old, new, 1), "t.yaml")).check()
    assert said in str(error.value)
