"""Every operator as the module or function of PyTorch that does the same, written without convcost's own bridge."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import floor
from operator import lt
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # what everyone calls it
from hypothesis import assume
from strategies import spread
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from convcost import ops
from convcost.ops import Shape
from convcost.ops.geometry import pads

CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
CONV_TRANSPOSE = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAXPOOL = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVGPOOL = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
ADAPTIVE_MAXPOOL = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
ADAPTIVE_AVGPOOL = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
INSTANCENORM = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, *INSTANCENORM)


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

    def layer(**args: Any) -> nn.Module:
        made = kind(x[0], out_channels, groups=groups, bias=op.bias, **args)
        return weight_norm(made) if getattr(op, "weight_norm", False) else made

    return windowed(op, x, layer)


def pool(op: Any, x: Shape) -> nn.Module:
    # A tensor padded beforehand, as for `same`, has all its windows without rounding up.
    rounding = {"ceil_mode": op.ceil_mode} if symmetric(op, x) else {}
    if op.name == "maxpool":
        return windowed(op, x, MAXPOOL[len(x) - 2], border=-torch.inf, **rounding)
    return windowed(op, x, AVGPOOL[len(x) - 2], **rounding)


def conv_transpose(op: ops.ConvTranspose, x: Shape) -> nn.Module:
    padding, output_padding = op.padding, op.output_padding
    if padding == "same":  # of all axes alike: an output of stride times the input, an odd element cut off behind
        whole = op.dilation * (op.kernel_size - 1) + 1 - op.stride
        padding, output_padding = max(-(-whole // 2), 0), whole % 2 if whole > 0 else -whole
    return CONV_TRANSPOSE[len(x) - 2](
        x[0],
        op.out_channels,
        op.kernel_size,
        op.stride,
        padding,
        output_padding,
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


class AxesLast(nn.Module):
    """A layer of the last axes, on others."""

    def __init__(self, layer: nn.Module, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.layer, self.dims = layer, dims

    def forward(self, x: Tensor) -> Tensor:
        others = [i for i in range(x.dim()) if i not in {d % x.dim() for d in self.dims}]
        order = [*others, *(d % x.dim() for d in self.dims)]
        y = self.layer(x.permute(order))
        return y.permute([order.index(i) for i in range(x.dim())])


class PerChannel(nn.Module):
    """A learned factor for each channel."""

    def __init__(self, x: Shape, dim: int) -> None:
        super().__init__()
        t = torch.zeros(1, *x).transpose(dim, -1)
        self.weight = nn.Parameter(torch.ones(t.shape[-1]))
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return (x.transpose(self.dim, -1) * self.weight).transpose(self.dim, -1)


class Learned(nn.Module):
    """A learned tensor for every sample, or a table of which each place shows some number."""

    def __init__(self, shape: Shape, learned: int | None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape if learned is None else learned))
        self.places = None if learned is None else torch.zeros(shape, dtype=torch.int64)

    def forward(self) -> Tensor:
        found = self.weight if self.places is None else self.weight[self.places]
        return found[None].expand(2, *found.shape)


def linear(op: ops.Linear, x: Shape) -> nn.Module:
    if op.dim is None:
        return nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(x).numel(), op.out_features, op.bias))
    return AxesLast(nn.Linear(torch.zeros(1, *x).shape[op.dim], op.out_features, op.bias), (op.dim,))


def layer_norm(op: ops.LayerNorm, x: Shape) -> nn.Module:
    dims = op.dim if isinstance(op.dim, tuple) else (op.dim,)
    sizes = [torch.zeros(1, *x).shape[d] for d in dims]
    kind = nn.LayerNorm if op.name == "layernorm" else nn.RMSNorm
    return AxesLast(kind(sizes, elementwise_affine=op.affine), dims)


class Response(nn.Module):
    """ConvNeXt V2's normalisation, channels last inside."""

    def __init__(self, x: Shape, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.gamma = nn.LayerNorm(torch.zeros(1, *x).shape[dim])  # its weight and bias alone

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(self.dim, -1)
        norm = x.flatten(1, -2).norm(dim=1) if x.dim() > 2 else x.abs()
        norm = (norm / norm.mean(-1, keepdim=True)).reshape(len(x), *[1] * (x.dim() - 2), -1)
        return (self.gamma.weight * x * norm + self.gamma.bias + x).transpose(self.dim, -1)


def same_rank(*xs: Tensor) -> list[Tensor]:
    rank = max(x.dim() for x in xs)
    return [x.reshape(*x.shape, *[1] * (rank - x.dim())) for x in xs]


def pixels(op: Any, x: Shape) -> Callable[[Tensor], Tensor]:
    """Channels to positions or back, over any number of axes, by einops' rule: c (r s) ... -> c (h r) (w s)."""
    n = len(x) - 1
    if op.name == "pixel_shuffle":
        r = op.upscale_factor
        order = [0, 1, *(i for axis in range(n) for i in (2 + n + axis, 2 + axis))]
        c, sizes = x[0] // r**n, x[1:]
        return lambda t: t.reshape(-1, c, *[r] * n, *sizes).permute(order).reshape(-1, c, *(m * r for m in sizes))
    r = op.downscale_factor
    order = [0, 1, *(3 + 2 * axis for axis in range(n)), *(2 + 2 * axis for axis in range(n))]
    split = [size for m in x[1:] for size in (m // r, r)]
    return lambda t: t.reshape(-1, x[0], *split).permute(order).reshape(-1, x[0] * r**n, *(m // r for m in x[1:]))


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


def pad_sides(op: Any, x: Shape) -> tuple[tuple[int, int], ...]:
    return tuple(p if isinstance(p, tuple) else (p, p) for p in spread(op.padding, len(x) - 1))


def pad_by(op: ops.Pad, x: Shape) -> nn.Module:
    sides = [n for pair in reversed(pad_sides(op, x)) for n in pair]
    value = {"value": float(op.value)} if op.mode == "constant" else {}
    return Call(lambda t: F.pad(t, sides, op.mode, **value))


def blur(op: ops.BlurPool, x: Shape) -> nn.Module:
    """Binomial by adding neighbours, k - 1 times along each axis, then every stride-th."""
    before = after = (op.stride - 1 + op.kernel_size - 1) // 2

    def forward(t: Tensor) -> Tensor:
        t = F.pad(t, [before, after] * (len(x) - 1), op.mode)
        for dim in range(2, t.dim()):
            for _ in range(op.kernel_size - 1):
                t = (t.narrow(dim, 0, t.shape[dim] - 1) + t.narrow(dim, 1, t.shape[dim] - 1)) / 2
            t = t.index_select(dim, torch.arange(0, t.shape[dim], op.stride))
        return t

    return Call(forward)


class Heads(nn.MultiheadAttention):
    def __init__(self, op: Any, q: Shape, k: Shape, v: Shape) -> None:
        super().__init__(q[1], op.num_heads, bias=op.bias, kdim=k[1], vdim=v[1], batch_first=True)

    def forward(self, *xs: Tensor) -> Tensor:
        return super().forward(*(xs if len(xs) == 3 else xs * 3))[0]


def recurrent(op: Any, x: Shape) -> nn.Module:
    """The cell, as many tokens as there are, one layer and direction at a time."""
    kind = nn.LSTMCell if op.name == "lstm" else nn.GRUCell
    directions = 2 if op.bidirectional else 1
    widths = [x[1]] + [directions * op.hidden_size] * (op.num_layers - 1)
    cells = nn.ModuleList([kind(n, op.hidden_size, op.bias) for n in widths for _ in range(directions)])

    class Unrolled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells = cells

        def forward(self, t: Tensor) -> Tensor:
            for layer in range(op.num_layers):
                made = []
                for direction in range(directions):
                    state, outputs = None, []
                    for token in t.unbind(1) if direction == 0 else reversed(t.unbind(1)):
                        state = self.cells[layer * directions + direction](token, state)
                        outputs.append(state[0] if op.name == "lstm" else state)
                    made.append(torch.stack(outputs if direction == 0 else outputs[::-1], 1))
                t = torch.cat(made, -1)
            return t

    return Unrolled()


class Deformable(nn.Module):
    """Tap by tap and position by position, a neighbour at a time: for small maps."""

    def __init__(self, op: Any, x: Shape) -> None:
        super().__init__()
        kernel = spread(op.kernel_size, 2)
        self.op, self.kernel = op, kernel
        self.weight = nn.Parameter(torch.randn(op.out_channels, x[0] // op.groups, *kernel))
        self.bias = nn.Parameter(torch.randn(op.out_channels)) if op.bias else None
        self.before = [before for before, _ in pads(op, x, op.kernel_size, op.stride, op.dilation, op.padding)]

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        op, (kh, kw) = self.op, self.kernel
        (sy, sx), (dy, dx) = spread(op.stride, 2), spread(op.dilation, 2)
        n, channels, height, width = x.shape
        taps, (rows, columns) = kh * kw, offset.shape[2:]
        parts = offset.shape[1] // (2 * taps)
        seen = x.new_zeros(n, channels, taps, rows, columns)
        each = channels // parts
        for b, part, t, i, j in product(range(n), range(parts), range(taps), range(rows), range(columns)):
            at = 2 * (part * taps + t)
            y = i * sy - self.before[0] + t // kw * dy + offset[b, at, i, j].item()
            z = j * sx - self.before[1] + t % kw * dx + offset[b, at + 1, i, j].item()
            value = sum(
                (1 - abs(y - p)) * (1 - abs(z - q)) * x[b, part * each : (part + 1) * each, p, q]
                for p in (floor(y), floor(y) + 1)
                for q in (floor(z), floor(z) + 1)
                if 0 <= p < height and 0 <= q < width
            )
            weight = 1.0 if mask is None else mask[b, part * taps + t, i, j].item()
            seen[b, part * each : (part + 1) * each, t, i, j] = weight * value
        inside = seen.reshape(n, op.groups, channels // op.groups, taps, rows, columns)
        by = self.weight.reshape(op.groups, -1, channels // op.groups, taps)
        y = torch.einsum("ngctij,goct->ngoij", inside, by).reshape(n, -1, rows, columns)
        return y if self.bias is None else y + self.bias.reshape(-1, 1, 1)


MODULES: dict[str, Callable[..., nn.Module]] = {
    "conv": conv,
    "dwconv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "rbf": lambda op, x: Call(lambda t: torch.cdist(t.flatten(1), torch.zeros(op.out_features, t[0].numel())) ** 2),
    "maxpool": pool,
    "avgpool": pool,
    "global_maxpool": lambda op, x: ADAPTIVE_MAXPOOL[len(x) - 2](1),
    "global_avgpool": lambda op, x: ADAPTIVE_AVGPOOL[len(x) - 2](1),
    "bn": batch_norm,
    "lrn": lambda op, x: nn.LocalResponseNorm(op.size),
    "groupnorm": lambda op, x: nn.GroupNorm(op.num_groups, x[0], affine=op.affine),
    "instancenorm": lambda op, x: INSTANCENORM[len(x) - 2](x[0], affine=op.affine),
    "layernorm": layer_norm,
    "layer_scale": lambda op, x: PerChannel(x, op.dim),
    "pixel_shuffle": lambda op, x: nn.PixelShuffle(op.upscale_factor) if len(x) == 3 else Call(pixels(op, x)),
    "pixel_unshuffle": lambda op, x: nn.PixelUnshuffle(op.downscale_factor) if len(x) == 3 else Call(pixels(op, x)),
    "mean": lambda op, x: Call(lambda t: t.mean(op.dim, op.keepdim)),
    "sum": lambda op, x: Call(lambda t: t.sum(op.dim, op.keepdim)),
    "amax": lambda op, x: Call(lambda t: t.amax(op.dim, op.keepdim)),
    "normalize": lambda op, x: Standardise(x[0]),
    "relu": lambda op, x: nn.ReLU(),
    "relu6": lambda op, x: nn.ReLU6(),
    "leaky_relu": lambda op, x: nn.LeakyReLU(float(op.negative_slope)),
    "prelu": lambda op, x: nn.PReLU(op.num_parameters),
    "elu": lambda op, x: nn.ELU(float(op.alpha)),
    "selu": lambda op, x: nn.SELU(),
    "mish": lambda op, x: nn.Mish(),
    "softplus": lambda op, x: nn.Softplus(),
    "hardtanh": lambda op, x: nn.Hardtanh(float(op.min_val), float(op.max_val)),
    "log_softmax": lambda op, x: nn.LogSoftmax(op.dim),
    "adaptive_maxpool": lambda op, x: ADAPTIVE_MAXPOOL[len(x) - 2](op.output_size),
    "adaptive_avgpool": lambda op, x: ADAPTIVE_AVGPOOL[len(x) - 2](op.output_size),
    "swish": lambda op, x: nn.SiLU(),
    "gelu": lambda op, x: nn.GELU(op.approximate),
    "sigmoid": lambda op, x: nn.Sigmoid(),
    "tanh": lambda op, x: nn.Tanh(),
    "hardsigmoid": lambda op, x: nn.Hardsigmoid(),
    "hardswish": lambda op, x: nn.Hardswish(),
    "softmax": lambda op, x: nn.Softmax(op.dim),
    "scale": lambda op, x: Call(lambda t: t * 0.17),
    "dropout": lambda op, x: nn.Dropout(float(op.p)),
    "rmsnorm": layer_norm,
    "grn": lambda op, x: Response(x, op.dim),
    "glu": lambda op, x: nn.GLU(op.dim),
    **{name: lambda op, x: Call(getattr(torch, op.name)) for name in ("exp", "log", "sqrt", "rsqrt", "square", "abs")},
    "shift": lambda op, x: Call(lambda t: t + 0.17),
    "sub": lambda op, *xs: Call(lambda a, b: torch.sub(*same_rank(a, b))),
    "div": lambda op, *xs: Call(lambda a, b: torch.div(*same_rank(a, b))),
    "pow": lambda op, *xs: Call(lambda a, b: torch.pow(*same_rank(a, b))),
    "matmul": lambda op, *xs: Call(torch.matmul),
    "attention": lambda op, *xs: Call(F.scaled_dot_product_attention),
    "masked_attention": lambda op, *xs: Call(F.scaled_dot_product_attention),
    "transpose": lambda op, x: Call(lambda t: t.transpose(op.dim0, op.dim1)),
    "pad": pad_by,
    "blurpool": blur,
    "multihead_attention": Heads,
    "multihead_self_attention": lambda op, x: Heads(op, x, x, x),
    "lstm": recurrent,
    "gru": recurrent,
    "embedding": lambda op, x: nn.Sequential(Call(Tensor.long), nn.Embedding(op.num_embeddings, op.embedding_dim)),
    "stochastic_depth": lambda op, x: nn.Identity(),
    "grid_sample": lambda op, *xs: Call(
        lambda t, grid: F.grid_sample(t, grid, op.mode, op.padding_mode, align_corners=False)
    ),
    "deform_conv": lambda op, x, *others: Deformable(op, x),
    "modulated_deform_conv": lambda op, x, *others: Deformable(op, x),
    "roll": lambda op, x: Call(lambda t: t.roll(op.shifts, op.dims)),
    "add": lambda op, *xs: Call(lambda *ts: sum(same_rank(*ts))),
    "mul": lambda op, *xs: Call(gate),
    "concat": lambda op, *xs: Call(lambda *ts: torch.cat(ts, op.dim)),
    "split": lambda op, x: Call(lambda t: t.chunk(op.parts, op.dim)[op.index]),
    "shuffle": lambda op, x: nn.ChannelShuffle(op.groups),
    "slice": lambda op, x: Call(
        lambda t: t[(slice(None),) * (op.dim % t.dim()) + (slice(op.start, op.stop, op.step),)]
    ),
    "flatten": lambda op, x: nn.Flatten(op.start_dim, op.end_dim),
    "reshape": lambda op, x: nn.Unflatten(1, op.shape) if len(x) == 1 else Call(lambda t: t.view(len(t), *op.shape)),
    "permute": lambda op, x: Call(lambda t: t.permute(0, *op.dims)),
    "parameter": lambda op: Learned(op.shape, op.learned),
    "zeropad": zero_pad,
    "channelpad": channel_pad,
    "resize": lambda op, x: Call(lambda t: F.interpolate(t, spread(op.size, len(x) - 1), mode=op.mode)),
    "resize_like": lambda op, x, other: Call(lambda t, like: F.interpolate(t, like.shape[2:], mode=op.mode)),
    "upsample": lambda op, x: nn.Upsample(
        scale_factor=tuple(map(float, spread(op.scale_factor, len(x) - 1))), mode=op.mode
    ),
}
