"""The operators: one frozen record each, and the one registry of the names that specs call them by."""

from __future__ import annotations

from types import MappingProxyType
from typing import get_args

from convcost.errors import ConvcostError, did_you_mean
from convcost.ops.arithmetic import Add, Divide, Multiply, Power, Subtract
from convcost.ops.base import (
    NO_PARAMS,
    NO_WORK,
    Inputs,
    Kind,
    Op,
    Params,
    Shape,
    Window,
    Work,
    elements,
    format_shape,
    inputs_of,
    sum_params,
    sum_work,
)
from convcost.ops.conv import RBF, Conv, ConvTranspose, DepthwiseConv, Linear
from convcost.ops.layout import Flatten, Permute, Reshape, Roll, Slice, Split
from convcost.ops.learned import Input, Parameter
from convcost.ops.norm import (
    GRN,
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LayerScale,
    LocalResponseNorm,
    Normalize,
    RMSNorm,
)
from convcost.ops.pointwise import (
    ELU,
    GELU,
    GLU,
    SELU,
    Abs,
    Dropout,
    Exp,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    Log,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Rsqrt,
    Scale,
    Shift,
    Sigmoid,
    Softmax,
    Softplus,
    Sqrt,
    Square,
    Swish,
    Tanh,
)
from convcost.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from convcost.ops.product import Attention, MaskedAttention, MatMul
from convcost.ops.reduce import Amax, Mean, Sum
from convcost.ops.resize import Resize, ResizeLike, Upsample
from convcost.ops.tensor import ChannelPad, ChannelShuffle, Concat, PixelShuffle, PixelUnshuffle, ZeroPad

REGISTRY: MappingProxyType[str, type[Op]] = MappingProxyType(
    {
        op.name: op
        for op in (
            Conv,
            DepthwiseConv,
            ConvTranspose,
            Linear,
            RBF,
            MaxPool,
            AvgPool,
            GlobalMaxPool,
            GlobalAvgPool,
            AdaptiveMaxPool,
            AdaptiveAvgPool,
            BatchNorm,
            GroupNorm,
            InstanceNorm,
            LayerNorm,
            RMSNorm,
            GRN,
            LayerScale,
            LocalResponseNorm,
            Normalize,
            ReLU,
            ReLU6,
            LeakyReLU,
            PReLU,
            ELU,
            SELU,
            Swish,
            GELU,
            Mish,
            Sigmoid,
            Softplus,
            Tanh,
            HardSigmoid,
            HardSwish,
            HardTanh,
            Softmax,
            LogSoftmax,
            GLU,
            Exp,
            Log,
            Sqrt,
            Rsqrt,
            Square,
            Abs,
            Shift,
            Scale,
            Dropout,
            Add,
            Multiply,
            Subtract,
            Divide,
            Power,
            MatMul,
            Attention,
            MaskedAttention,
            Concat,
            Split,
            Slice,
            ChannelShuffle,
            PixelShuffle,
            PixelUnshuffle,
            Flatten,
            Reshape,
            Permute,
            Roll,
            Parameter,
            Mean,
            Sum,
            Amax,
            ZeroPad,
            ChannelPad,
            Upsample,
            Resize,
            ResizeLike,
        )
    }
)
"""Every operator by the name that tables print, and a spec calls it by."""

ALIASES: MappingProxyType[str, str] = MappingProxyType(
    {
        "silu": "swish",
        "batchnorm": "bn",
        "batch_norm": "bn",
        "group_norm": "groupnorm",
        "instance_norm": "instancenorm",
        "layer_norm": "layernorm",
        "leakyrelu": "leaky_relu",
        "max_pool": "maxpool",
        "avg_pool": "avgpool",
    }
)
"""Other names that people write, and the operator's own."""

OPERATORS: MappingProxyType[str, type[Op]] = MappingProxyType(
    {**REGISTRY, **{alias: REGISTRY[name] for alias, name in ALIASES.items()}}
)
"""Every operator by every name of it."""

KINDS: tuple[str, ...] = (*get_args(Kind), *(name for name in REGISTRY if name not in get_args(Kind)))
"""What `operators_of` takes."""


def operators_of(kind: str) -> frozenset[str]:
    """The operators of a kind, by name: conv is every convolution, dwconv the depthwise ones alone.

    Raises ConvcostError, with the closest kind, if there is none of that name.
    """
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"; there are {', '.join(KINDS)}"
        raise ConvcostError(f"unknown kind of operator {kind!r}{hint}")
    return frozenset(name for name, op in REGISTRY.items() if kind in (name, op.kind))


__all__ = [
    "ALIASES",
    "ELU",
    "GELU",
    "GLU",
    "GRN",
    "KINDS",
    "NO_PARAMS",
    "NO_WORK",
    "OPERATORS",
    "RBF",
    "REGISTRY",
    "SELU",
    "Abs",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "Add",
    "Amax",
    "Attention",
    "AvgPool",
    "BatchNorm",
    "ChannelPad",
    "ChannelShuffle",
    "Concat",
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "Divide",
    "Dropout",
    "Exp",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Input",
    "Inputs",
    "InstanceNorm",
    "Kind",
    "LayerNorm",
    "LayerScale",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "Log",
    "LogSoftmax",
    "MaskedAttention",
    "MatMul",
    "MaxPool",
    "Mean",
    "Mish",
    "Multiply",
    "Normalize",
    "Op",
    "PReLU",
    "Parameter",
    "Params",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "Power",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "Reshape",
    "Resize",
    "ResizeLike",
    "Roll",
    "Rsqrt",
    "Scale",
    "Shape",
    "Shift",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Square",
    "Subtract",
    "Sum",
    "Swish",
    "Tanh",
    "Upsample",
    "Window",
    "Work",
    "ZeroPad",
    "elements",
    "format_shape",
    "inputs_of",
    "operators_of",
    "sum_params",
    "sum_work",
]
