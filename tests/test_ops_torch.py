"""Every operator against the module or function of PyTorch that does the same, on random arguments.

PyTorch runs for real, on small tensors: the output's shape, the parameters, its own count of operations, and which
inputs reach which outputs. What it has no argument for (`same` with a stride, one-sided padding) is brought about by
padding the tensor; the rounding rules that it does not know are in test_ops_laws.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import lt
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  # what everyone calls it
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import Applied, applied, spread
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from convcost import ops
from convcost.graph import evaluate
from convcost.ops import REGISTRY, Op, Params, Shape
from convcost.ops.geometry import pads

pytestmark = pytest.mark.usefixtures("one_thread")
CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
CONV_TRANSPOSE = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAXPOOL = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVGPOOL = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
GLOBAL_MAXPOOL = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
GLOBAL_AVGPOOL = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.forward = function


def sides_of(op: Any, x: Shape) -> tuple[tuple[int, int], ...]:
    """The padding in force."""
    stride = op.kernel_size if op.stride is None else op.stride
    return pads(op, x, op.kernel_size, stride, getattr(op, "dilation", 1), op.padding)


def pad(sides: tuple[tuple[int, int], ...], value: float = 0.0) -> nn.Module:
    """F.pad takes the last axis first."""
    return Call(lambda x: F.pad(x, [n for side in reversed(sides) for n in side], value=value))


def symmetric(op: Any, x: Shape) -> bool:
    """Whether PyTorch has an argument for the padding."""
    return op.padding != "same" and all(before == after for before, after in sides_of(op, x))


def windowed(op: Any, x: Shape, layer: Callable[..., Any], *, border: float = 0.0, **more: Any) -> nn.Module:
    """A convolution or pooling, padded by PyTorch or else beforehand."""
    sides = sides_of(op, x)
    more |= {"kernel_size": op.kernel_size, "stride": op.kernel_size if op.stride is None else op.stride}
    if hasattr(op, "dilation"):
        more["dilation"] = op.dilation
    if symmetric(op, x):
        # AvgPool3d alone wants a window to fit into the tensor before it is padded.
        assume(not (op.name == "avgpool" and len(x) == 4 and any(map(lt, x[1:], spread(op.kernel_size, 3)))))
        return layer(padding=tuple(before for before, _ in sides), **more)  # type: ignore[no-any-return]
    return nn.Sequential(pad(sides, border), layer(**more))


def conv(op: Any, x: Shape) -> nn.Module:
    kind = CONV[len(x) - 2]
    out_channels, groups = (op.out_channels, op.groups) if op.name == "conv" else (x[0] * op.multiplier, x[0])
    return windowed(op, x, lambda **args: kind(x[0], out_channels, groups=groups, bias=op.bias, **args))


def pool(op: Any, x: Shape) -> nn.Module:
    # A tensor padded beforehand, as for `same`, has all its windows without rounding up.
    rounding = {"ceil_mode": op.ceil_mode} if symmetric(op, x) else {}
    if op.name == "maxpool":
        return windowed(op, x, MAXPOOL[len(x) - 2], border=-torch.inf, **rounding)
    return windowed(op, x, AVGPOOL[len(x) - 2], **rounding)


def conv_transpose(op: ops.ConvTranspose, x: Shape) -> nn.Module:
    return CONV_TRANSPOSE[len(x) - 2](
        x[0],
        op.out_channels,
        op.kernel_size,
        op.stride,
        op.padding,
        op.output_padding,
        op.groups,
        op.bias,
        op.dilation,
    )


def batch_norm(op: ops.BatchNorm, x: Shape) -> nn.Module:
    module = NORM[max(len(x) - 2, 0)](x[0], track_running_stats=op.stats)
    if not op.scale:
        module.register_parameter("weight", None)
    if not op.shift:
        module.register_parameter("bias", None)
    return module


class Standardise(nn.Module):
    """What torch has no layer for: Keras' Normalization, whose three weights are buffers here."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, size in (("mean", (channels,)), ("variance", (channels,)), ("count", ())):
            self.register_buffer(name, torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        sizes = (-1, *[1] * (x.dim() - 2))
        return (x - self.mean.reshape(sizes)) / self.variance.reshape(sizes).sqrt()


def gate(*xs: Tensor) -> Tensor:
    rank = max(x.dim() for x in xs)
    product = torch.ones(())
    for x in xs:
        product = product * x.reshape(*x.shape, *[1] * (rank - x.dim()))
    return product


def channel_pad(op: ops.ChannelPad, x: Shape) -> nn.Module:
    return Call(lambda t: F.pad(t, [0, 0] * (len(x) - 1) + [op.before, op.after]))


def zero_pad(op: ops.ZeroPad, x: Shape) -> nn.Module:
    return pad(tuple(p if isinstance(p, tuple) else (p, p) for p in spread(op.padding, len(x) - 1)))


MODULES: dict[str, Callable[..., nn.Module]] = {
    "conv": conv,
    "dwconv": conv,
    "conv_transpose": conv_transpose,
    "linear": lambda op, x: nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(x).numel(), op.out_features, op.bias)),
    "rbf": lambda op, x: Call(lambda t: torch.cdist(t.flatten(1), torch.zeros(op.out_features, t[0].numel())) ** 2),
    "maxpool": pool,
    "avgpool": pool,
    "global_maxpool": lambda op, x: GLOBAL_MAXPOOL[len(x) - 2](1),
    "global_avgpool": lambda op, x: GLOBAL_AVGPOOL[len(x) - 2](1),
    "bn": batch_norm,
    "lrn": lambda op, x: nn.LocalResponseNorm(op.size),
    "normalize": lambda op, x: Standardise(x[0]),
    "relu": lambda op, x: nn.ReLU(),
    "relu6": lambda op, x: nn.ReLU6(),
    "swish": lambda op, x: nn.SiLU(),
    "sigmoid": lambda op, x: nn.Sigmoid(),
    "tanh": lambda op, x: nn.Tanh(),
    "hardsigmoid": lambda op, x: nn.Hardsigmoid(),
    "hardswish": lambda op, x: nn.Hardswish(),
    "softmax": lambda op, x: nn.Softmax(1),
    "scale": lambda op, x: Call(lambda t: t * 0.17),
    "dropout": lambda op, x: nn.Dropout(),
    "add": lambda op, *xs: Call(lambda *ts: sum(ts)),
    "mul": lambda op, *xs: Call(gate),
    "concat": lambda op, *xs: Call(lambda *ts: torch.cat(ts, 1)),
    "split": lambda op, x: Call(lambda t: t.chunk(op.parts, 1)[op.index]),
    "shuffle": lambda op, x: nn.ChannelShuffle(op.groups),
    "flatten": lambda op, x: nn.Flatten(),
    "zeropad": zero_pad,
    "channelpad": channel_pad,
    "upsample": lambda op, x: nn.Upsample(scale_factor=op.scale_factor, mode=op.mode),
}
EXAMPLES = {
    "conv": 500,
    "dwconv": 300,
    "conv_transpose": 500,
    "maxpool": 500,
    "avgpool": 300,
    "mul": 100,
    "upsample": 100,
}


def within_torch(op: Op, x: Shape) -> Op:
    """The operator, with another rounding where PyTorch does not have its own."""
    pooling = isinstance(op, ops.MaxPool | ops.AvgPool) and op.padding != "same"
    if pooling and (op.ceil_mode == "caffe" or not symmetric(op, x)):
        return dataclasses.replace(op, ceil_mode=False)
    return op


def parameters(module: nn.Module) -> Params:
    """The elements that PyTorch stores, by kind."""
    counts = dict.fromkeys(Params._fields, 0)
    for part in module.modules():
        norm = isinstance(part, NORM)
        for name, values in part.named_parameters(recurse=False):
            counts["norm_affine" if norm else {"weight": "weights", "bias": "biases"}[name]] += values.numel()
        for name, values in part.named_buffers(recurse=False):
            # num_batches_tracked counts steps of training; it is no parameter in any convention.
            counts["norm_stats"] += values.numel() if name != "num_batches_tracked" else 0
    return Params(**counts)


def test_every_operator_is_compared() -> None:
    assert MODULES.keys() == REGISTRY.keys()


@pytest.mark.parametrize("name", REGISTRY)
def test_shape_and_parameters(name: str) -> None:
    @settings(deadline=None, max_examples=EXAMPLES.get(name, 40))
    @given(applied(name))
    def check(drawn: Applied) -> None:
        op, xs = within_torch(drawn[0], drawn[1][0]), drawn[1]
        module = MODULES[name](op, *xs).eval()
        with torch.no_grad():
            y = module(*(torch.zeros(2, *x) for x in xs))
        shape, params, _, _ = evaluate(op, xs)
        assert shape == tuple(y.shape[1:])
        assert params == parameters(module)

    check()


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["conv", "dwconv", "conv_transpose", "linear"]).flatmap(applied))
def test_macs(drawn: Applied) -> None:
    """PyTorch counts two for a multiply-add, and nothing for a bias."""
    op, xs = drawn
    module = MODULES[op.name](op, *xs)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*(torch.zeros(1, *x) for x in xs))
    assert counter.get_total_flops() == 2 * evaluate(op, xs).work.macs


@settings(deadline=None, max_examples=200)
@given(applied("conv"))
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_same_puts_the_odd_element_where_torch_does(drawn: Applied) -> None:
    """PyTorch has `same` for stride 1 only; the values show on which side the odd element is."""
    op, (x,) = dataclasses.replace(drawn[0], stride=1, padding="same"), drawn[1]
    ours = conv(op, x)
    theirs = CONV[len(x) - 2](
        x[0], op.out_channels, op.kernel_size, padding="same", dilation=op.dilation, groups=op.groups, bias=op.bias
    )
    theirs.load_state_dict({name.split(".")[-1]: value for name, value in ours.state_dict().items()})
    t = torch.rand(1, *x)
    with torch.no_grad():
        torch.testing.assert_close(ours(t), theirs(t))


def reached(op: Op, x: Shape) -> Tensor:
    """reached[i, o]: whether position i of a one-channel input reaches position o of the output."""
    module = MODULES[op.name](op, x).eval()
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    n = torch.Size(x).numel()
    with torch.no_grad():
        y = module(torch.eye(n).reshape(n, *x))
    return y > 1e-6  # a weight of bilinear that is zero comes out as a rounding error


def predicted(op: Op, x: Shape, y: Shape) -> Tensor:
    """The same, from the operator's windows and the holes of its dilation."""
    seen = torch.ones(1, 1, dtype=torch.bool)
    windows = op.windows(x)
    assert windows is not None
    dilations = spread(getattr(op, "dilation", 1), len(x) - 1)
    for (extent, stride, before, upsampling), d, n, m in zip(windows, dilations, x[1:], y[1:], strict=True):
        within = torch.arange(n)[:, None] * upsampling - (torch.arange(m) * stride - before)
        axis = (within >= 0) & (within < extent) & (within % d == 0)
        seen = (seen[:, None, :, None] & axis[None, :, None, :]).flatten(2).flatten(0, 1)
    return seen.reshape(-1, *y)


def one_channel(op: Op) -> Op:
    arguments: dict[str, Any] = {"out_channels": 1, "groups": 1, "bias": False, "multiplier": 1}
    known = {field.name for field in dataclasses.fields(op)}
    return dataclasses.replace(op, **{name: value for name, value in arguments.items() if name in known})


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("name", ["conv", "dwconv", "conv_transpose", "maxpool", "avgpool", "zeropad", "upsample"])
def test_windows(name: str, rank: int) -> None:
    """Exactly the inputs in its window reach an output: one input after the other is 1 and the rest 0."""

    @settings(deadline=None, max_examples=100)
    @given(applied(name, rank))
    def check(drawn: Applied) -> None:
        op, x = one_channel(drawn[0]), (1, *drawn[1][0][1:])
        op = within_torch(op, x)
        assert torch.equal(reached(op, x), predicted(op, x, evaluate(op, (x,)).shape))

    check()
