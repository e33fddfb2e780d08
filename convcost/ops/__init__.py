"""The operators: one frozen record each, and the one registry of the names that specs call them by."""

from __future__ import annotations

from types import MappingProxyType

from convcost.ops.base import (
    NO_PARAMS,
    NO_WORK,
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
    GELU,
    Dropout,
    HardSigmoid,
    HardSwish,
    ReLU,
    ReLU6,
    Scale,
    Sigmoid,
    Softmax,
    Swish,
    Tanh,
)
from convcost.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
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
            BatchNorm,
            LocalResponseNorm,
            Normalize,
            ReLU,
            ReLU6,
            Swish,
            GELU,
            Sigmoid,
            Tanh,
            HardSigmoid,
            HardSwish,
            Softmax,
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

__all__ = [
    "GELU",
    "NO_PARAMS",
    "NO_WORK",
    "RBF",
    "REGISTRY",
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
    "Linear",
    "LocalResponseNorm",
    "MaxPool",
    "Multiply",
    "Normalize",
    "Op",
    "Params",
    "ReLU",
    "ReLU6",
    "Scale",
    "Shape",
    "Sigmoid",
    "Softmax",
    "Split",
    "Swish",
    "Tanh",
    "Upsample",
    "Window",
    "Work",
    "ZeroPad",
    "elements",
    "format_shape",
    "sum_params",
    "sum_work",
]
