"""The operators: one frozen record each, and the one registry of the names that specs call them by."""

from __future__ import annotations

from types import MappingProxyType
from typing import get_args

from convcost.errors import ConvcostError, did_you_mean
from convcost.ops.base import (
    NO_PARAMS,
    NO_WORK,
    Kind,
    Op,
    Params,
    Shape,
    Window,
    Work,
    elements,
    format_shape,
    sum_params,
    sum_work,
)
from convcost.ops.conv import RBF, Conv, ConvTranspose, DepthwiseConv, Linear
from convcost.ops.layout import Flatten, Permute, Reshape, Slice, Split
from convcost.ops.learned import Parameter
from convcost.ops.norm import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LayerScale,
    LocalResponseNorm,
    Normalize,
)
from convcost.ops.pointwise import (
    ELU,
    GELU,
    SELU,
    Dropout,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Scale,
    Sigmoid,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from convcost.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from convcost.ops.reduce import Amax, Mean, Sum
from convcost.ops.resize import Resize, ResizeLike, Upsample
from convcost.ops.tensor import (
    Add,
    ChannelPad,
    ChannelShuffle,
    Concat,
    Multiply,
    PixelShuffle,
    PixelUnshuffle,
    ZeroPad,
)

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
            Scale,
            Dropout,
            Add,
            Multiply,
            Concat,
            Split,
            Slice,
            ChannelShuffle,
            PixelShuffle,
            PixelUnshuffle,
            Flatten,
            Reshape,
            Permute,
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
    "KINDS",
    "NO_PARAMS",
    "NO_WORK",
    "OPERATORS",
    "RBF",
    "REGISTRY",
    "SELU",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "Add",
    "Amax",
    "AvgPool",
    "BatchNorm",
    "ChannelPad",
    "ChannelShuffle",
    "Concat",
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "Dropout",
    "Flatten",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "InstanceNorm",
    "Kind",
    "LayerNorm",
    "LayerScale",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
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
    "ReLU",
    "ReLU6",
    "Reshape",
    "Resize",
    "ResizeLike",
    "Scale",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sum",
    "Swish",
    "Tanh",
    "Upsample",
    "Window",
    "Work",
    "ZeroPad",
    "elements",
    "format_shape",
    "operators_of",
    "sum_params",
    "sum_work",
]
