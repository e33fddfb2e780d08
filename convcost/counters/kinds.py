"""Kinds of work that single operators do, as the tools of the field tell them apart; rules weigh them.

A kind is a quantity of a node's row, mostly the elements of its output or input. What any line has (macs, parameters)
is in `convcost.counters.line`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from convcost.exact.integers import Int, equal, prod
from convcost.ops import REGISTRY, Conv, DepthwiseConv, elements
from convcost.ops.base import axis_of
from convcost.ops.geometry import axes
from convcost.ops.pool import AdaptivePool
from convcost.ops.torchpadding import padded

Row: TypeAlias = Any
"""A cost's `Line` of one node, whose operator's record has what a kind asks of it."""


class Kind(NamedTuple):
    """A kind of work: the operators that do it, and how much of it one node does."""

    operators: tuple[str, ...]
    of: Callable[[Row], Int]


def _outputs(row: Row) -> Int:
    return row.batch * elements(row.shape)


def _inputs(row: Row) -> Int:
    return row.batch * elements(row.inputs[0])


def _padded_inputs(row: Row) -> Int:
    return row.batch * elements(padded(row.op, row.inputs[0]))


def _biases(row: Row) -> Int:
    return _outputs(row) if row.op.bias else 0


def _channel_pairs(row: Row) -> Int:
    """Pairs of an input and an output channel that a convolution joins."""
    taps = prod(axes(row.op, "kernel_size", row.op.kernel_size, len(row.shape) - 1))
    return row.batch * (row.counts.weights // taps)


def _of_the_last(row: Row) -> bool:
    """Whether a linear layer is over the last axis, or all, as torch adds its bias within the product."""
    x = row.inputs[0]
    return row.op.dim is None or axis_of(row.op, x, row.op.dim) == len(x) - 1


def _further(row: Row) -> Int:
    """What a linear layer does at other positions than its first."""
    work, once = row.work, row.op.params(row.inputs, row.shape).trainable
    return work.macs + work.adds - row.batch * once


def _if(test: Callable[[Row], bool], of: Callable[[Row], Int] = _outputs) -> Callable[[Row], Int]:
    """A quantity of the nodes that pass a test."""
    return lambda row: of(row) if test(row) else 0


def _two_axes(row: Row) -> bool:
    return len(row.inputs[0]) == 3


def _over_padded_channels(row: Row) -> Int:
    return row.batch * (row.shape[0] + row.op.size - 1) * elements(row.shape[1:])


def _folds(row: Row) -> bool:
    """Whether an exporter makes this normalisation part of the convolution before it."""
    return row.op.stats and isinstance(row.after, Conv | DepthwiseConv)


def _products(row: Row) -> Int:
    """Tensors are multiplied one after the other, each product as large as what is broadcast so far."""
    product, *others = row.inputs
    total: Int = 0
    for x in others:
        product = row.op.out_shape(product, x)
        total = total + elements(product)
    return row.batch * total


def _windows(row: Row) -> Int:
    """Elements of all windows as onnx-tool knows them: of a window over three axes it sees the first."""
    sizes = row.inputs[0][1:]
    kernel = axes(row.op, "kernel_size", getattr(row.op, "kernel_size", sizes), len(sizes))
    if isinstance(row.op, AdaptivePool):  # its exporter makes windows of one size, where there are such, and fails else
        kernel = tuple(n // k for n, k in zip(sizes, row.shape[1:], strict=True))
    return prod(kernel if len(kernel) == 2 else kernel[:1]) * _outputs(row)


def _to_one(row: Row) -> bool:
    return all(equal(size, 1) for size in row.shape[1:])


_ATTENTION = ("attention", "masked_attention")
_HEADS = ("multihead_attention", "multihead_self_attention")
_RECURRENT = ("lstm", "gru")
_DEFORMABLE = ("deform_conv", "modulated_deform_conv")


def _projections(row: Row) -> Int:
    return row.batch * sum(row.op.projections(row.inputs))


def _projected(row: Row, queries: int, keys: int) -> Int:
    """Elements of so many projections of the queries and of the keys, if these have biases."""
    q, k, _ = row.op.of(row.inputs)
    return row.batch * (queries * q[0] + keys * k[0]) * q[1] if row.op.bias else 0


def _scores(row: Row) -> Int:
    q, k, _ = row.op.of(row.inputs)
    return row.batch * row.op.num_heads * q[0] * k[0]


def _units(row: Row) -> Int:
    """Hidden units of all layers and both directions, at every token."""
    return row.op.num_layers * _outputs(row)


def _units_one_way(row: Row) -> Int:
    return row.batch * row.shape[0] * row.op.num_layers * row.op.hidden_size


def _samples(row: Row) -> Int:
    """What a deformable convolution takes between positions: each tap of each channel."""
    return row.batch * row.inputs[0][0] * row.op.taps * prod(row.shape[1:])


def _scaled(row: Row) -> Int:
    """Elements of an output whose sizes are not rounded, together rounded down."""
    over, under, rank = row.batch * elements(row.inputs[0]), 1, len(row.shape) - 1
    for factor in axes(row.op, "scale_factor", row.op.scale_factor, rank):
        whole = not isinstance(factor, Fraction)
        over, under = over * (factor if whole else factor.numerator), under * (1 if whole else factor.denominator)
    return over // under


_ADAPTIVE = ("adaptive_maxpool", "adaptive_avgpool")


def _mode(mode: str) -> Callable[[Row], Int]:
    return _if(lambda row: row.op.mode == mode)


_MODULES = ("upsample", "resize")
"""Interpolations that the bridge writes as modules; resize_like is a function."""
_SAMPLE_NORMS = ("groupnorm", "instancenorm", "layernorm")
_CONVOLUTIONS = ("conv", "dwconv", "conv_transpose")
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        **{name: Kind((name,), _outputs) for name in REGISTRY},
        "conv bias": Kind(_CONVOLUTIONS, _biases),
        "convolutions": Kind(_CONVOLUTIONS, _outputs),
        "channel pairs without bias": Kind(("conv", "dwconv"), _if(lambda row: not row.op.bias, _channel_pairs)),
        "conv bias params": Kind(_CONVOLUTIONS, lambda row: row.batch * row.counts.biases),
        "fc bias": Kind(("linear",), _biases),
        "fc without bias": Kind(("linear",), _if(lambda row: not row.op.bias)),
        "fc bias of the last axis": Kind(("linear",), lambda row: _biases(row) if _of_the_last(row) else 0),
        "fc at further positions": Kind(("linear",), _further),
        "fc macs": Kind(("linear",), lambda row: row.work.macs),
        "bn": Kind(("bn",), _if(lambda row: row.op.scale)),
        "bn with beta only": Kind(("bn",), _if(lambda row: row.op.shift and not row.op.scale)),
        "bn without affine": Kind(("bn",), _if(lambda row: not row.op.shift and not row.op.scale)),
        "bn without statistics": Kind(("bn",), _if(lambda row: not row.op.stats)),
        "bn params": Kind(("bn",), lambda row: row.batch * row.counts.norm_affine),
        "bn channels": Kind(("bn",), lambda row: row.batch * row.shape[0]),
        "biases of folded bn": Kind(("bn",), lambda row: row.shape[0]),
        "bn gammas": Kind(("bn",), _if(lambda row: row.op.scale, lambda row: row.batch * row.shape[0])),
        **{name: Kind((name,), _if(lambda row: row.op.affine)) for name in _SAMPLE_NORMS},
        **{f"{name} without affine": Kind((name,), _if(lambda row: not row.op.affine)) for name in _SAMPLE_NORMS},
        "layernorm positions": Kind(("layernorm",), lambda row: row.batch * row.op.parts(row.shape)),
        "trailing layernorm": Kind(("layernorm",), _if(lambda row: row.op.affine and row.op.is_trailing(row.shape))),
        "trailing layernorm without affine": Kind(
            ("layernorm",), _if(lambda row: not row.op.affine and row.op.is_trailing(row.shape))
        ),
        "reduced": Kind(("mean", "sum", "amax"), _inputs),
        "other params": Kind(
            (*_SAMPLE_NORMS, "rmsnorm", "grn", "prelu", "layer_scale", "parameter", "embedding"),
            lambda row: row.batch * row.counts.trainable,
        ),
        "bn not folded": Kind(("bn",), _if(lambda row: not _folds(row))),
        "folded bias": Kind(("bn",), _if(lambda row: _folds(row) and not row.after.bias)),
        "exact gelu": Kind(("gelu",), _if(lambda row: row.op.approximate == "none")),
        "gelu by tanh": Kind(("gelu",), _if(lambda row: row.op.approximate == "tanh")),
        "softmax vectors": Kind(("softmax",), lambda row: row.batch * row.op.vectors(row.shape)),
        "lrn window": Kind(("lrn",), lambda row: row.op.size * _outputs(row)),
        "lrn padded": Kind(("lrn",), _over_padded_channels),
        "rbf pairs": Kind(("rbf",), lambda row: row.work.muls),
        "maxpool in": Kind(("maxpool",), _padded_inputs),
        "avgpool in": Kind(("avgpool",), _padded_inputs),
        "maxpool window": Kind(("maxpool",), _windows),
        "avgpool window": Kind(("avgpool",), _windows),
        "global_maxpool in": Kind(("global_maxpool",), _inputs),
        "global_maxpool window": Kind(("global_maxpool",), _windows),
        "global_avgpool in": Kind(("global_avgpool",), _inputs),
        "2-d global_avgpool in": Kind(("global_avgpool",), _if(_two_axes, _inputs)),
        "adaptive in": Kind(_ADAPTIVE, _inputs),
        "adaptive_avgpool in": Kind(_ADAPTIVE[1:], _inputs),
        "2-d adaptive_avgpool in": Kind(_ADAPTIVE[1:], _if(_two_axes, _inputs)),
        "adaptive_maxpool window": Kind(_ADAPTIVE[:1], _windows),
        "adaptive_avgpool window": Kind(_ADAPTIVE[1:], _if(lambda row: not _to_one(row), _windows)),
        "adaptive_avgpool to 1 in": Kind(_ADAPTIVE[1:], _if(_to_one, _inputs)),
        "adaptive_avgpool to 1": Kind(_ADAPTIVE[1:], _if(_to_one)),
        "matmul macs": Kind(("matmul",), lambda row: row.work.macs),
        "attention macs": Kind(_ATTENTION, lambda row: row.work.macs),
        "heads attention macs": Kind(_HEADS, lambda row: row.work.macs - _projections(row)),
        "projection macs": Kind(_HEADS, _projections),
        "projection bias": Kind(_HEADS, lambda row: _projected(row, 2, 2)),
        "in_proj bias": Kind(_HEADS, lambda row: _projected(row, 1, 2)),
        "heads scores": Kind(_HEADS, _scores),
        "heads layers": Kind(_HEADS, lambda _: 1),
        "recurrent macs": Kind(_RECURRENT, lambda row: row.work.macs),
        "gru macs": Kind(_RECURRENT[1:], lambda row: row.work.macs),
        "recurrent bias": Kind(_RECURRENT, lambda row: row.batch * row.shape[0] * row.counts.biases),
        "lstm units": Kind(_RECURRENT[:1], _units),
        "gru units": Kind(_RECURRENT[1:], _units),
        "lstm units one way": Kind(_RECURRENT[:1], _units_one_way),
        "gru units one way": Kind(_RECURRENT[1:], _units_one_way),
        "blur macs": Kind(("blurpool",), lambda row: row.work.macs),
        "grid_sample bilinear": Kind(("grid_sample",), _mode("bilinear")),
        "grid_sample bicubic": Kind(("grid_sample",), _mode("bicubic")),
        "deform macs": Kind(_DEFORMABLE, lambda row: row.work.macs),
        "deform bias": Kind(_DEFORMABLE, _biases),
        "deform samples": Kind(_DEFORMABLE, _samples),
        "grn channels": Kind(("grn",), lambda row: row.batch * row.shape[axis_of(row.op, row.shape, row.op.dim)]),
        "grn means": Kind(("grn",), lambda row: row.batch),
        "add": Kind(("add",), lambda row: (len(row.inputs) - 1) * _outputs(row)),
        "mul": Kind(("mul",), _products),
        "upsample scaled": Kind(("upsample",), _scaled),
        "upsample in": Kind(("upsample",), _inputs),
        "nearest": Kind(_MODULES, _mode("nearest")),
        "2-d nearest": Kind((*_MODULES, "resize_like"), _if(lambda row: row.op.mode == "nearest" and _two_axes(row))),
        "linear interpolation": Kind(_MODULES, _mode("linear")),
        "bilinear": Kind(_MODULES, _mode("bilinear")),
        "bicubic": Kind(_MODULES, _mode("bicubic")),
        "trilinear": Kind(_MODULES, _mode("trilinear")),
        "resize_like linear": Kind(("resize_like",), _mode("linear")),
        "resize_like bilinear": Kind(("resize_like",), _mode("bilinear")),
        "resize_like trilinear": Kind(("resize_like",), _mode("trilinear")),
        "resize_like axes": Kind(("resize_like",), lambda row: len(row.shape) - 1),
        "resized positions": Kind(("resize", "resize_like"), lambda row: row.batch * elements(row.shape[1:])),
    }
)
"""Every kind by name; one that goes by an operator's name is its output's elements, unless it is said to be less."""
