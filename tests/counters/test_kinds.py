"""Kinds of work, each counted by hand: what of a node is weighed, and which nodes have none of it."""

from __future__ import annotations

from typing import Any

import pytest
from cases.operators import CASES, Case
from complete import require_lines

import convcost
from convcost import ops
from convcost.cost.graph import evaluate
from convcost.counters.kinds import KINDS
from convcost.counters.line import Line
from convcost.counters.releases import RELEASES
from convcost.counters.rules import ACTIVATIONS, BYTES, OPS, OWN, Rule, count, params_and_ops, rule
from convcost.counters.tools import NAMES, TOOLS
from convcost.ops import REGISTRY, Op, Shape, elements

CONV, BARE = ops.Conv(8, 1), ops.Conv(8, 1, bias=False)
BN, SHIFTED = ops.BatchNorm(), ops.BatchNorm(scale=False)
PLAIN, OF_BATCH = ops.BatchNorm(scale=False, shift=False), ops.BatchNorm(stats=False)
MAP, ROW, BOX, PIXELS = (8, 7, 6), (8, 13), (8, 7, 6, 7), (8, 4, 3)

BY_HAND: list[tuple[str, Op, tuple[Shape, ...], int]] = [
    ("conv bias", ops.Conv(6, 3), (MAP,), 6 * 5 * 4),
    ("conv bias", ops.Conv(6, 3, bias=False), (MAP,), 0),
    ("conv bias", ops.DepthwiseConv(3), (MAP,), 8 * 5 * 4),
    ("conv bias", ops.ConvTranspose(6, 3, 2), ((4, 5, 5),), 6 * 11 * 11),  # (5 - 1) * 2 + 3 = 11
    ("fc bias", ops.Linear(5), ((8,),), 5),
    ("fc bias", ops.Linear(5, bias=False), ((8,),), 0),
    ("bn", BN, (PIXELS,), 96),
    ("bn", SHIFTED, (PIXELS,), 0),
    ("bn with beta only", SHIFTED, (PIXELS,), 96),
    ("bn with beta only", BN, (PIXELS,), 0),
    ("bn with beta only", PLAIN, (PIXELS,), 0),
    ("bn without affine", PLAIN, (PIXELS,), 96),
    ("bn without affine", SHIFTED, (PIXELS,), 0),
    ("bn without affine", ops.BatchNorm(shift=False), (PIXELS,), 0),
    ("bn without statistics", OF_BATCH, (PIXELS,), 96),
    ("bn without statistics", BN, (PIXELS,), 0),
    ("bn params", BN, (PIXELS,), 16),
    ("bn params", SHIFTED, (PIXELS,), 8),
    ("exact gelu", ops.GELU(), (PIXELS,), 96),
    ("exact gelu", ops.GELU("tanh"), (PIXELS,), 0),
    ("gelu by tanh", ops.GELU("tanh"), (PIXELS,), 96),
    ("gelu by tanh", ops.GELU(), (PIXELS,), 0),
    ("softmax vectors", ops.Softmax(), ((10,),), 1),
    ("softmax vectors", ops.Softmax(), ((10, 3, 2),), 6),
    ("lrn window", ops.LocalResponseNorm(5), (PIXELS,), 5 * 96),
    ("lrn padded", ops.LocalResponseNorm(5), (PIXELS,), (2 + 8 + 2) * 12),
    ("rbf pairs", ops.RBF(5), ((8,),), 40),
    ("maxpool in", ops.MaxPool(3, 2, padding=1), (MAP,), 8 * 7 * 6),  # its padding is within the pooling
    ("maxpool in", ops.MaxPool(3, 2, padding="same"), ((8, 6, 6),), 8 * 7 * 7),  # one more on one side: a pad before it
    ("avgpool in", ops.AvgPool(3, 2, padding="same"), ((8, 6, 6),), 8 * 7 * 7),
    ("avgpool in", ops.AvgPool(3, 2), (MAP,), 8 * 7 * 6),
    ("maxpool window", ops.MaxPool(3, 2), (MAP,), 9 * 8 * 3 * 2),
    ("maxpool window", ops.MaxPool(3, 2), (ROW,), 3 * 8 * 6),
    ("maxpool window", ops.MaxPool(3, 2), (BOX,), 3 * 8 * 3 * 2 * 3),
    ("avgpool window", ops.AvgPool((3, 2), 2), (MAP,), 6 * 8 * 3 * 3),
    ("global_maxpool in", ops.GlobalMaxPool(), (MAP,), 336),
    ("global_maxpool window", ops.GlobalMaxPool(), (MAP,), 42 * 8),
    ("global_maxpool window", ops.GlobalMaxPool(), (BOX,), 7 * 8),
    ("global_avgpool in", ops.GlobalAvgPool(), (ROW,), 104),
    ("2-d global_avgpool in", ops.GlobalAvgPool(), (MAP,), 336),
    ("2-d global_avgpool in", ops.GlobalAvgPool(), (ROW,), 0),
    ("2-d global_avgpool in", ops.GlobalAvgPool(), (BOX,), 0),
    ("add", ops.Add(), (PIXELS, PIXELS, PIXELS), 2 * 96),
    ("mul", ops.Multiply(), ((8, 1, 1), PIXELS), 96),
    ("mul", ops.Multiply(), ((8, 1, 1), (8, 1, 1), PIXELS), 8 + 96),
    ("upsample in", ops.Upsample(2), (PIXELS,), 96),
    ("nearest", ops.Upsample(2), (PIXELS,), 8 * 8 * 6),
    ("nearest", ops.Upsample(2), (ROW,), 8 * 26),
    ("nearest", ops.Upsample(2, mode="bilinear"), (PIXELS,), 0),
    ("2-d nearest", ops.Upsample(2), (PIXELS,), 8 * 8 * 6),
    ("2-d nearest", ops.Upsample(2), (ROW,), 0),
    ("2-d nearest", ops.Upsample(2, mode="bilinear"), (PIXELS,), 0),
    ("bilinear", ops.Upsample(2, mode="bilinear"), (PIXELS,), 8 * 8 * 6),
    ("bilinear", ops.Upsample(2), (PIXELS,), 0),
    ("convolutions", ops.Conv(6, 3), (MAP,), 6 * 5 * 4),
    ("convolutions", ops.ConvTranspose(6, 3, 2), ((4, 5, 5),), 6 * 11 * 11),
    ("conv bias params", ops.Conv(6, 3), (MAP,), 6),
    ("conv bias params", BARE, (MAP,), 0),
    ("channel pairs without bias", ops.Conv(6, 3), (MAP,), 0),
    ("channel pairs without bias", ops.Conv(6, 3, bias=False), (MAP,), 8 * 6),
    ("channel pairs without bias", ops.Conv(6, 3, groups=2, bias=False), (MAP,), 4 * 6),
    ("channel pairs without bias", ops.DepthwiseConv(3, bias=False), (MAP,), 8),
    ("fc without bias", ops.Linear(5), ((8,),), 0),
    ("fc without bias", ops.Linear(5, bias=False), ((8,),), 5),
    ("fc macs", ops.Linear(5), ((8,),), 40),
    ("bn channels", PLAIN, (PIXELS,), 8),
    ("bn gammas", BN, (PIXELS,), 8),
    ("bn gammas", SHIFTED, (PIXELS,), 0),
    ("groupnorm without affine", ops.GroupNorm(2, affine=False), (PIXELS,), 96),
    ("groupnorm without affine", ops.GroupNorm(2), (PIXELS,), 0),
    ("instancenorm without affine", ops.InstanceNorm(), (PIXELS,), 96),
    ("layernorm without affine", ops.LayerNorm(affine=False), (PIXELS,), 96),
    ("layernorm positions", ops.LayerNorm(), (PIXELS,), 12),
    ("layernorm positions", ops.LayerNorm(dim=-1), (PIXELS,), 32),
    ("trailing layernorm", ops.LayerNorm(dim=-1), (PIXELS,), 96),
    ("trailing layernorm", ops.LayerNorm(dim=(1, 2, 3)), (PIXELS,), 96),
    ("trailing layernorm", ops.LayerNorm(dim=2), (PIXELS,), 0),
    ("trailing layernorm", ops.LayerNorm(), ((8,),), 0),  # over channels, whatever follows
    ("trailing layernorm", ops.LayerNorm(affine=False, dim=-1), (PIXELS,), 0),
    ("trailing layernorm without affine", ops.LayerNorm(affine=False, dim=-1), (PIXELS,), 96),
    ("trailing layernorm without affine", ops.LayerNorm(dim=-1), (PIXELS,), 0),
    ("fc at further positions", ops.Linear(5, dim=-1), ((7, 8),), 6 * (40 + 5)),
    ("fc at further positions", ops.Linear(5, bias=False, dim=1), (PIXELS,), 11 * 40),
    ("fc at further positions", ops.Linear(5), (PIXELS,), 0),
    ("fc bias of the last axis", ops.Linear(5, dim=-1), ((7, 8),), 35),
    ("fc bias of the last axis", ops.Linear(5, dim=1), ((7, 8),), 0),
    ("fc bias of the last axis", ops.Linear(5), ((7, 8),), 5),
    ("softmax vectors", ops.Softmax(-1), (PIXELS,), 32),
    ("other params", ops.Parameter((2, 3)), (), 6),
    ("other params", ops.RMSNorm(), ((7, 8),), 8),
    ("other params", ops.GRN(), (PIXELS,), 16),
    ("grn channels", ops.GRN(-1), (PIXELS,), 3),
    ("grn means", ops.GRN(), (PIXELS,), 1),
    ("matmul macs", ops.MatMul(), ((7, 8), (8, 5)), 280),
    ("attention macs", ops.Attention(), ((7, 8), (5, 8), (5, 3)), 35 * 11),
    ("attention macs", ops.MaskedAttention(), ((7, 8), (5, 8), (5, 3), (7, 5)), 35 * 11),
    ("heads attention macs", ops.MultiheadAttention(2), ((2, 4), (3, 5), (3, 6)), 48),
    ("heads attention macs", ops.SelfAttention(1), ((5, 8),), 2 * 5 * 5 * 8),
    ("projection macs", ops.MultiheadAttention(2), ((2, 4), (3, 5), (3, 6)), 196),
    ("projection bias", ops.MultiheadAttention(2), ((2, 4), (3, 5), (3, 6)), 40),
    ("projection bias", ops.SelfAttention(2, bias=False), ((5, 8),), 0),
    ("in_proj bias", ops.MultiheadAttention(2), ((2, 4), (3, 5), (3, 6)), 32),
    ("heads scores", ops.MultiheadAttention(2), ((2, 4), (3, 5), (3, 6)), 12),
    ("recurrent macs", ops.GRU(5), ((7, 8),), 7 * 3 * 5 * 13),
    ("gru macs", ops.GRU(5), ((7, 8),), 7 * 3 * 5 * 13),
    ("gru macs", ops.LSTM(5), ((7, 8),), 0),
    ("recurrent bias", ops.LSTM(5), ((7, 8),), 7 * 8 * 5),
    ("lstm units", ops.LSTM(5, 2, bidirectional=True), ((7, 8),), 7 * 2 * 2 * 5),
    ("gru units", ops.GRU(5, 3), ((7, 8),), 7 * 3 * 5),
    ("lstm units one way", ops.LSTM(5, 2, bidirectional=True), ((7, 8),), 7 * 2 * 5),
    ("gru units one way", ops.GRU(5, 3), ((7, 8),), 7 * 3 * 5),
    ("blur macs", ops.BlurPool(), (PIXELS,), 8 * 2 * 2 * 9),
    ("grid_sample bilinear", ops.GridSample(), (PIXELS, (5, 6, 2)), 240),
    ("grid_sample bicubic", ops.GridSample("bicubic"), (PIXELS, (5, 6, 2)), 240),
    ("grid_sample bicubic", ops.GridSample(), (PIXELS, (5, 6, 2)), 0),
    ("deform macs", ops.DeformConv(6, 3), (PIXELS, (18, 2, 1)), 6 * 8 * 9 * 2),
    ("deform bias", ops.DeformConv(6, 3), (PIXELS, (18, 2, 1)), 12),
    ("upsample scaled", ops.Upsample(2), (PIXELS,), 8 * 8 * 6),
    ("upsample scaled", ops.Upsample(0.5), (PIXELS,), 24),
    ("other params", ops.Embedding(7, 3), ((8,),), 21),
    ("deform samples", ops.DeformConv(6, 3), (PIXELS, (18, 2, 1)), 8 * 9 * 2),
    ("other params", ops.LayerNorm(), (PIXELS,), 16),
    ("other params", ops.PReLU(8), (PIXELS,), 8),
    ("other params", ops.LayerScale(), (PIXELS,), 8),
    ("reduced", ops.Mean((2, 3)), (PIXELS,), 96),
    ("adaptive in", ops.AdaptiveMaxPool(2), (MAP,), 336),
    ("adaptive in", ops.AdaptiveAvgPool(2), (MAP,), 336),
    ("adaptive_avgpool in", ops.AdaptiveAvgPool(2), (MAP,), 336),
    ("2-d adaptive_avgpool in", ops.AdaptiveAvgPool(2), (MAP,), 336),
    ("2-d adaptive_avgpool in", ops.AdaptiveAvgPool(2), (ROW,), 0),
    ("adaptive_maxpool window", ops.AdaptiveMaxPool((7, 3)), (MAP,), 1 * 2 * 8 * 7 * 3),
    ("adaptive_avgpool window", ops.AdaptiveAvgPool((7, 3)), (MAP,), 1 * 2 * 8 * 7 * 3),
    ("adaptive_avgpool window", ops.AdaptiveAvgPool(1), (MAP,), 0),
    ("adaptive_avgpool to 1 in", ops.AdaptiveAvgPool(1), (MAP,), 336),
    ("adaptive_avgpool to 1 in", ops.AdaptiveAvgPool(2), (MAP,), 0),
    ("adaptive_avgpool to 1", ops.AdaptiveAvgPool(1), (MAP,), 8),
    ("adaptive_avgpool to 1", ops.AdaptiveAvgPool(2), (MAP,), 0),
    ("linear interpolation", ops.Resize(5, "linear"), (ROW,), 40),
    ("bicubic", ops.Resize(5, "bicubic"), (PIXELS,), 200),
    ("trilinear", ops.Resize(5, "trilinear"), (BOX,), 1000),
    ("trilinear", ops.Resize(5), (BOX,), 0),
    ("resize_like linear", ops.ResizeLike("linear"), (ROW, (1, 5)), 40),
    ("resize_like bilinear", ops.ResizeLike("bilinear"), (PIXELS, (1, 5, 5)), 200),
    ("resize_like trilinear", ops.ResizeLike("trilinear"), (BOX, (1, 5, 5, 5)), 1000),
    ("resized positions", ops.Resize(5), (PIXELS,), 25),
    ("resized positions", ops.ResizeLike(), (PIXELS, (1, 5, 5)), 25),
]
ONCE: list[tuple[str, Op, tuple[Shape, ...], int]] = [
    ("biases of folded bn", PLAIN, (PIXELS,), 8),
    ("resize_like axes", ops.ResizeLike(), (PIXELS, (1, 5, 5)), 2),
    ("heads layers", ops.SelfAttention(2), ((5, 8),), 1),
]
"""The same of what does not grow with the batch."""
FOLDED: list[tuple[Op, Op | None, int, int]] = [
    (BN, CONV, 0, 0),
    (BN, BARE, 0, 96),
    (SHIFTED, ops.DepthwiseConv(3, bias=False), 0, 96),
    (OF_BATCH, BARE, 96, 0),
    (BN, ops.ReLU(), 96, 0),
    (BN, ops.ConvTranspose(8, 1, bias=False), 96, 0),
    (BN, None, 96, 0),
]
"""A batch norm, what stands before it, and by hand: elements of it that are not folded, and biases that it becomes."""


def line_of(op: Op, xs: tuple[Shape, ...], batch: int = 1, after: Op | None = None) -> Line:
    found = evaluate(op, xs)
    work = found.work.times(batch)
    return Line(op.name, op, xs, found.shape, found.params, work, found.activations, batch=batch, after=after)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("kind", "op", "xs", "counted"), BY_HAND)
def test_a_kind_by_hand(kind: str, op: Op, xs: tuple[Shape, ...], counted: int, batch: int) -> None:
    assert count(kind, line_of(op, xs, batch)) == batch * counted


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(("kind", "op", "xs", "counted"), ONCE)
def test_a_kind_that_no_batch_changes(kind: str, op: Op, xs: tuple[Shape, ...], counted: int, batch: int) -> None:
    assert count(kind, line_of(op, xs, batch)) == counted


@pytest.mark.parametrize(("op", "after", "left", "folded"), FOLDED)
def test_a_normalisation_behind_a_convolution_is_folded_into_it(op: Op, after: Op, left: int, folded: int) -> None:
    line = line_of(op, (PIXELS,), after=after)
    assert (count("bn not folded", line), count("folded bias", line)) == (left, folded)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_kind_called_as_an_operator_is_its_outputs_and_no_other_operator_has_any(case: Case) -> None:
    line = line_of(case.op, case.xs)
    if case.op.name not in ("add", "mul", "bn", "groupnorm", "instancenorm", "layernorm"):
        assert count(case.op.name, line) == elements(case.y)
    for name, kind in KINDS.items():
        assert case.op.name in kind.operators or count(name, line) == 0


def test_every_kind_is_counted_by_hand() -> None:
    known = {*(row[0] for row in (*BY_HAND, *ONCE)), "bn not folded", "folded bias", *REGISTRY}
    require_lines(known, KINDS, "tests/counters/test_kinds.py, BY_HAND", '("{}", ops...., (input,), ...),')


def test_what_a_line_holds_is_called_by_its_name() -> None:
    line = line_of(BN, (PIXELS,))
    assert (line.params, line.weights, line.biases, line.norm_affine, line.norm_stats) == (16, 0, 0, 16, 16)
    assert (line.elements, line.operator, line.macs, line.rows) == (96, "bn", 0, (line,))
    assert line_of(CONV, (PIXELS,))() == line_of(CONV, (PIXELS,)).macs == 768
    assert convcost.load("lenet5").price().total.operator == ""
    assert Line("bn", *line[1:7]).batch == 1
    assert repr(line_of(CONV, (PIXELS,))) == "<Line conv: 72 params, 768 macs, 8 x 4 x 3>"
    with pytest.raises(AttributeError, match=r"FLOPs mean many things: write \.macs, or \(as_='flops2'\)"):
        _ = line.flops


def test_a_rule_is_written_out_and_said_in_words() -> None:
    written: dict[str, Any] = {"macs": 1, "fc bias": -1, "bn": 2, "lrn": -3}
    assert Rule("r", "MACs", written).formula == "macs - fc bias + 2 bn - 3 lrn"
    assert Rule("r", "MACs", written).meaning == "macs - fc bias + 2 bn - 3 lrn"
    assert Rule("r", "MACs", written, "in words").meaning == "in words"


def test_rules_of_papers_by_hand() -> None:
    """A 3x3 convolution of 8 to 6 channels at 5x4 positions, 432 weights and 6 biases; a norm of 8; 8 x 5 and 5."""
    conv, norm, linear = line_of(ops.Conv(6, 3), (MAP,)), line_of(BN, (PIXELS,)), line_of(ops.Linear(5), ((8,),))
    expected = {
        "params": (438, 16, 45), "weights": (432, 0, 40), "weights+biases": (438, 0, 45), "total": (438, 32, 45),
        "macs": (8640, 0, 40), "flops2": (17280, 0, 80),
        "activations": (120, 0, 5), "activations with poolings": (120, 0, 5),
        "params in 4 bytes": (1752, 64, 180), "params in 2 bytes": (876, 32, 90), "params in 1 byte": (438, 16, 45),
        "total in 4 bytes": (1752, 128, 180), "total in 2 bytes": (876, 64, 90), "total in 1 byte": (438, 32, 45),
    }  # fmt: skip
    assert expected.keys() == {*OWN, *BYTES, *ACTIVATIONS}
    assert {name: (conv(name), norm(name), linear(name)) for name in expected} == expected
    quantities = dict.fromkeys(OWN, "params") | dict.fromkeys(OPS, "ops") | dict.fromkeys(BYTES, "bytes")
    assert {name: rule(name).quantity for name in expected} == quantities | dict.fromkeys(ACTIVATIONS, "activations")
    assert rule("total in 2 bytes").meaning == "total at 2 bytes each"
    assert rule("params in 1 byte").meaning == "params at 1 byte each"


def test_rules_that_no_tool_of_today_runs_by_hand() -> None:
    """Read in sources, or stated by papers (tests/data/counting_rules.yaml): of eight layers, one by one.

    Of ntire, get_model_flops counts the elements of a norm twice if it is affine and those of a ReLU once, and leaves
    out the biases of its convolutions.
    """
    lines = [
        line_of(ops.Conv(6, 3), (MAP,)),  # 6 * 8 * 9 * 5 * 4 = 8,640, and 120 biases of 6 numbers
        line_of(BN, (PIXELS,)),
        line_of(PLAIN, (PIXELS,)),
        line_of(ops.ReLU(), (PIXELS,)),
        line_of(ops.MaxPool(3, 2), (MAP,)),  # 9 of 8 * 3 * 2
        line_of(ops.AvgPool((3, 2), 2), (MAP,)),  # 6 of 8 * 3 * 3
        line_of(ops.Add(), (PIXELS, PIXELS)),
        line_of(ops.Linear(5), ((8,),)),
    ]
    assert {name: [line(name) for line in lines] for name in RELEASES if name in BY_NAME} == BY_NAME
    assert (line_of(ops.ReLU6(), (PIXELS,))("ntire"), line_of(ops.Scale(), (PIXELS,))("senet-2017")) == (96, 96)


READ: list[tuple[str, Op, tuple[Shape, ...], int]] = [
    # osmr/imgclsmob, model_stats.py: an element counts 4 in a norm, 3 in ELU and PReLU, 2 in LeakyReLU, 1 where moved.
    *[
        (name, op, (PIXELS,), each * 96)
        for name in ("imgclsmob", "imgclsmob-gluon")
        for each, operators in (
            (4, (BN, SHIFTED, PLAIN, ops.InstanceNorm(), ops.InstanceNorm(affine=True))),
            (3, (ops.ELU(), ops.PReLU(8))),
            (2, (ops.LeakyReLU(),)),
            (1, (ops.ChannelShuffle(2), ops.PixelShuffle(2))),
        )
        for op in operators
    ],
    # A global pooling is a window of the whole map; Gluon keeps its kernel as 1x1 (gluon/nn/conv_layers.py).
    *[("imgclsmob", op, (PIXELS,), 96) for op in (ops.GlobalMaxPool(), ops.GlobalAvgPool())],
    *[("imgclsmob-gluon", op, (PIXELS,), 8) for op in (ops.GlobalMaxPool(), ops.GlobalAvgPool())],
    # mmcv, flops_counter.py, norm_flops_counter_hook: its input's elements, twice if it is affine; ptflops 0.7 alike.
    *[
        (name, op, (PIXELS,), each * 96)
        for name in ("mmcv", "ptflops-0.7")
        for each, operators in (
            (2, (ops.GroupNorm(2), ops.InstanceNorm(affine=True))),
            (1, (ops.GroupNorm(2, affine=False), ops.InstanceNorm())),
        )
        for op in operators
    ],
    ("mmcv", ops.LayerNorm(), (PIXELS,), 192),
    ("mmcv", ops.LayerNorm(affine=False), (PIXELS,), 96),
    ("ptflops-0.7", ops.GELU(), (PIXELS,), 96),
    # What sees modules counts nothing of a product of two tensors, nor of what is within one function.
    *[
        (name, op, xs, 0)
        for name in (
            *("ptflops-0.6", "ptflops-0.7", "mmcv", "thop-0.0.23", "thop-0.0.31", "torchsummaryX", "torchstat"),
            *("torchstat-madd", "imgclsmob", "imgclsmob-gluon", "torchscan", "torchscan-flops"),
        )
        for op, xs in ((ops.MatMul(), ((7, 8), (8, 5))), (ops.Attention(), ((7, 8), (5, 8), (5, 3))))
    ],
]


@pytest.mark.parametrize(("name", "op", "xs", "counted"), READ)
def test_what_sources_say_of_one_operator(name: str, op: Op, xs: tuple[Shape, ...], counted: int) -> None:
    assert line_of(op, xs)(name) == counted


BY_NAME = {
    "pycls-2020": [8646, 0, 0, 0, 0, 0, 0, 45],
    "darknet": [17280, 0, 0, 0, 432, 432, 0, 80],
    "ntire": [8640, 192, 96, 96, 0, 0, 0, 40],
    "nasnet-2017": [8640, 96, 0, 0, 0, 0, 0, 40],
    "senet-2017": [8640, 0, 0, 0, 0, 0, 96, 40],
    "folded": [438, 8, 8, 0, 0, 0, 0, 45],
}


def test_a_rule_of_params_stands_beside_our_macs_and_one_of_operations_beside_our_params() -> None:
    assert params_and_ops("weights") == (OWN["weights"], OWN["macs"])
    assert params_and_ops("keras") == (rule("keras"), OWN["macs"])
    assert params_and_ops("flops2") == (OWN["params"], OWN["flops2"])


def test_what_does_no_work_is_not_told_as_not_counted() -> None:
    cost = convcost.load("alexnet").price()
    told = cost.not_counted("macs")
    assert {"relu", "conv bias", "fc bias"} <= set(told)
    assert not {"dropout", "flatten", "conv", "linear"} & set(told)
    assert cost.not_counted("params") == {}
    assert all(not set(cost.not_counted(name)) & set(rule(name).weights) for name in NAMES)


def test_a_rule_that_tools_share_has_a_name_of_its_own() -> None:
    shared = {release.rule.name: release.rule for release in TOOLS.values() if release.rule.name not in TOOLS}
    assert shared
    assert all(rule(name) == found for name, found in shared.items())


def test_no_tool_gets_wrong_what_is_not_there() -> None:
    relu = line_of(ops.ReLU(), (PIXELS,))
    assert all(release.gets_wrong(relu) == {} for release in TOOLS.values() if "relu" not in release.wrong)


@pytest.mark.parametrize(
    ("name", "printed"),
    [("resnet50@v1.5", 11.3), ("resnet101@v1.5", 16.4), ("resnet152@v1.5", 22.8), ("resnext50_32x4d", 14.6)],
)
def test_pycls_counts_the_outputs_of_poolings_as_activations(name: str, printed: float) -> None:
    """Its MODEL_ZOO.md prints so: 64 x 56 x 56 of the stem's max pooling more; its pool2d_cx adds them."""
    total = convcost.load(name).price().total
    assert total(as_="activations with poolings") == total.activations + 64 * 56 * 56
    assert round(total(as_="activations with poolings") / 10**6, 1) == printed
