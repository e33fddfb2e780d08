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
from convcost.ops.norm import BatchNorm, LocalResponseNorm, Normalize
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
from convcost.ops.tensor import (
    Add,
    ChannelPad,
    ChannelShuffle,
    Concat,
    Flatten,
    Multiply,
    Split,
    Upsample,
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
            ChannelShuffle,
            Flatten,
            ZeroPad,
            ChannelPad,
            Upsample,
        )
    }
)
"""Every operator by the name a spec calls it by."""

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
    "ELU",
    "GELU",
    "KINDS",
    "NO_PARAMS",
    "NO_WORK",
    "RBF",
    "REGISTRY",
    "SELU",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "Add",
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
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Kind",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSoftmax",
    "MaxPool",
    "Mish",
    "Multiply",
    "Normalize",
    "Op",
    "PReLU",
    "Params",
    "ReLU",
    "ReLU6",
    "Scale",
    "Shape",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Split",
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
