"""Operators as records: what their arguments are where nothing is said, how they compare, print and refuse."""

from __future__ import annotations

from dataclasses import MISSING
from fractions import Fraction

import pytest

from convcost import ops
from convcost.errors import ConvcostError, ShapeError
from convcost.exact.poly import symbol

DEFAULTS = [
    (
        ops.Conv(8, 3),
        "Conv(out_channels=8, kernel_size=3, stride=1, padding=0, dilation=1, groups=1, bias=True, weight_norm=False)",
    ),
    (ops.DepthwiseConv(3), "DepthwiseConv(kernel_size=3, stride=1, padding=0, dilation=1, multiplier=1, bias=True)"),
    (ops.Linear(5), "Linear(out_features=5, bias=True, dim=None)"),
    (ops.MaxPool(3), "MaxPool(kernel_size=3, stride=None, padding=0, dilation=1, ceil_mode=False)"),
    (ops.AvgPool(3), "AvgPool(kernel_size=3, stride=None, padding=0, ceil_mode=False)"),
    (ops.BatchNorm(), "BatchNorm(scale=True, shift=True, stats=True)"),
    (ops.LocalResponseNorm(), "LocalResponseNorm(size=5)"),
    (ops.GELU(), "GELU(approximate='none')"),
    (ops.Upsample(2), "Upsample(scale_factor=2, mode='nearest')"),
    (ops.ReLU(), "ReLU()"),
]


@pytest.mark.parametrize(("op", "text"), DEFAULTS)
def test_what_is_not_said_is_as_in_torch_nn_and_printed(op: ops.Op, text: str) -> None:
    assert repr(op) == text


CONV = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}
LEFT_OUT: dict[str, dict[str, object]] = {  # of each of these operators
    "conv": CONV | {"weight_norm": False},
    "dwconv": {"stride": 1, "padding": 0, "dilation": 1, "multiplier": 1, "bias": True},
    "conv_transpose": CONV | {"output_padding": 0},
    "deform_conv modulated_deform_conv": CONV,
    "linear": {"bias": True, "dim": None},
    "maxpool": {"stride": None, "padding": 0, "dilation": 1, "ceil_mode": False},
    "avgpool": {"stride": None, "padding": 0, "ceil_mode": False},
    "blurpool": {"kernel_size": 3, "stride": 2, "padding": None, "mode": "reflect"},
    "bn": {"scale": True, "shift": True, "stats": True},
    "groupnorm": {"affine": True},
    "instancenorm": {"affine": False},
    "layernorm": {"affine": True, "dim": 1},
    "rmsnorm": {"affine": True, "dim": -1},
    "layer_scale grn softmax log_softmax glu concat split": {"dim": 1},
    "lrn": {"size": 5},
    "leaky_relu": {"negative_slope": Fraction("0.01")},
    "prelu": {"num_parameters": 1},
    "elu": {"alpha": 1},
    "hardtanh": {"min_val": -1, "max_val": 1},
    "gelu": {"approximate": "none"},
    "dropout stochastic_depth": {"p": Fraction("0.5")},
    "add": {"broadcast": False},
    "multihead_attention multihead_self_attention": {"bias": True},
    "lstm gru": {"num_layers": 1, "bias": True, "bidirectional": False},
    "slice": {"start": 0, "stop": None, "step": 1},
    "flatten": {"start_dim": 1, "end_dim": -1},
    "parameter": {"learned": None},
    "mean sum amax": {"keepdim": False},
    "pad": {"mode": "constant", "value": 0},
    "channelpad": {"before": 0},
    "upsample resize resize_like": {"mode": "nearest"},
    "grid_sample": {"mode": "bilinear", "padding_mode": "zeros"},
}
"""As torch.nn has them (bias, affine, strides of poolings), timm's BlurPool2d and AlexNet's lrn; else of channels."""


def test_every_argument_that_may_be_left_out_is_as_in_torch_nn() -> None:
    found = {
        name: {field.name: field.default for field in op.fields if field.default is not MISSING}
        for name, op in ops.REGISTRY.items()
    }
    wanted = {name: defaults for names, defaults in LEFT_OUT.items() for name in names.split()}
    assert {name: defaults for name, defaults in found.items() if defaults} == wanted


def test_operators_of_one_kind_and_the_same_arguments_are_equal() -> None:
    assert ops.Conv(8, 3) == ops.Conv(8, 3, 1)
    assert hash(ops.Conv(8, 3)) == hash(ops.Conv(8, 3, 1))
    assert ops.Conv(8, 3) != ops.Conv(8, 5)
    assert ops.ReLU() != ops.ReLU6()
    assert ops.ReLU() == ops.ReLU()
    assert ops.ReLU() != "relu"


def test_multiply_adds_are_the_work_of_convolutions_and_matrix_products() -> None:
    multiplying = {name for name, op in ops.REGISTRY.items() if op.multiplies}
    assert multiplying == {
        *("conv", "dwconv", "conv_transpose", "deform_conv", "modulated_deform_conv", "blurpool", "linear", "matmul"),
        *("attention", "masked_attention", "multihead_attention", "multihead_self_attention", "lstm", "gru"),
    }


@pytest.mark.parametrize(("length", "shown"), [(58, "'" + "x" * 58 + "'"), (59, "'" + "x" * 56 + "...")])
def test_a_long_value_is_cut_where_it_is_refused(length: int, shown: str) -> None:
    with pytest.raises(ConvcostError) as error:
        ops.Conv("x" * length, 3)
    assert str(error.value) == f"conv: out_channels must be an integer, got {shown}"


@pytest.mark.parametrize("other", [(3, 5, 5), (3, 4, 6), (3, 4)])
def test_maps_of_other_sizes_are_not_joined(other: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"^concat of different sizes: 8x4x5 and "):
        ops.Concat().out_shape((8, 4, 5), other)


@pytest.mark.parametrize(("given", "kept"), [(float("inf"), "inf"), (float("-inf"), "-inf"), ("-inf", "-inf"), (2, 2)])
def test_a_pad_keeps_infinity_as_a_text(given: float | str, kept: str | int) -> None:
    assert ops.Pad(1, value=given).value == kept


def test_what_is_the_same_at_the_ends_of_a_reshape_is_not_divided() -> None:
    """8 s w elements as 4 by 2 s by w, and as s by 2 by 4 w: of s and w nothing need be known."""
    s, w = symbol("s"), symbol("w")
    assert ops.Reshape((4, -1, w)).out_shape((8, s, w)) == (4, 2 * s, w)
    assert ops.Reshape((s, 2, -1)).out_shape((s, 8, w)) == (s, 2, 4 * w)
