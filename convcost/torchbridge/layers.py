"""Torch layers from operator records: one small builder each, in the order of the operators' registry.

Layers are torch.nn's own classes wherever it has one, so that a counter sees in the model what it would see in one that
was written by hand. Padding that torch's layers cannot do, and flattening, are `preparation`: done before the layer.
Importing this module imports torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial, reduce
from math import comb
from operator import add, matmul, mul, sub, truediv
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from convcost import ops
from convcost.errors import ConvcostError
from convcost.ops import Op, Shape, elements
from convcost.ops.base import axes_of, axis_of
from convcost.ops.geometry import axes, pads
from convcost.ops.sequence import Heads
from convcost.ops.torchpadding import Windowed, explicit_pads, geometry, own_padding

Preparation: TypeAlias = Callable[[Tensor], Tensor]
Builder: TypeAlias = Callable[..., nn.Module]
"""From an operator's record and the shape of its first input; of all, where weights depend on them."""


def build(op: Op, xs: tuple[Shape, ...]) -> nn.Module:
    """The layer of an operator on inputs of these shapes (of which it only keeps what weights and ranks depend on).

    Raises ConvcostError if torch has no such layer, or if nobody has said yet which it is.
    """
    builder = BUILDERS.get(type(op))
    if builder is None:
        raise ConvcostError(
            f"{op.name} has no torch layer: convcost/torchbridge/layers.py, BUILDERS wants a line: "
            f"ops.{type(op).__name__}: ..."
        )
    return builder(op, *xs) if isinstance(op, Heads) else builder(op, xs[0] if xs else ())


def preparation(op: Op, xs: tuple[Shape, ...]) -> Preparation | None:
    """What an input goes through before it reaches the operator's layer, or None."""
    if isinstance(op, ops.Embedding):
        return partial(_as_indices, op.num_embeddings)
    if isinstance(op, ops.RBF) or (isinstance(op, ops.Linear) and op.dim is None):
        return partial(torch.flatten, start_dim=1)
    if isinstance(op, Windowed) and own_padding(op, len(xs[0]) - 1) is None:
        return partial(_pad, op)
    return None


def _as_indices(count: int, x: Tensor) -> Tensor:
    """Numbers as indices below a count: what a layer with random weights makes is the nearest one."""
    x = x.long()
    if x.device.type == "meta":
        return x
    tracing = torch._C._get_tracing_state()
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]  # no part of the network
    within = bool(((x >= 0) & (x < count)).all())
    torch._C._set_tracing_state(tracing)  # type: ignore[attr-defined]
    return x if within else x.clamp(0, count - 1)


def _pad(op: Windowed, x: Tensor) -> Tensor:
    """Pad to what the operator asks for at the size that x really has; maxima must not see the padding."""
    # int() because a tracer hands out sizes as tensors: what it traces holds for this size only, and it warns of that.
    sides = explicit_pads(op, tuple(int(n) for n in x.shape[1:]))
    fill = float("-inf") if isinstance(op, ops.MaxPool) else 0.0
    return functional.pad(x, [n for pair in reversed(sides) for n in pair], value=fill)


# -- layers that torch.nn does not have ------------------------------------------------------------------------------


class Add(nn.Module):
    """Sum of tensors of one shape."""

    def forward(self, *xs: Tensor) -> Tensor:
        """(N, ...) each -> (N, ...)."""
        return reduce(add, xs)


class Broadcast(nn.Module):
    """A function of two tensors, or more one after the other; axes of size 1 and missing trailing axes broadcast."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *xs: Tensor) -> Tensor:
        """(N, C, 1, 1) or (N, C), and (N, C, H, W) -> (N, C, H, W)."""
        rank = max(x.dim() for x in xs)
        return reduce(self.function, (x[(..., *(None,) * (rank - x.dim()))] if x.dim() < rank else x for x in xs))


class Function(nn.Module):
    """A function of tensors."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *xs: Tensor) -> Tensor:
        """What the function makes of them."""
        return self.function(*xs)


class GRN(nn.Module):
    """Global response normalisation, as ConvNeXt V2 has it."""

    def __init__(self, channels: int, dim: int, rank: int) -> None:
        super().__init__()
        self.dim, self.others = dim, tuple(i for i in range(1, rank + 1) if i != dim)
        shape = (-1, *(1,) * (rank - dim))
        self.weight = nn.Parameter(torch.zeros(channels).reshape(shape))
        self.bias = nn.Parameter(torch.zeros(channels).reshape(shape))

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        norm = torch.norm(x, p=2, dim=self.others, keepdim=True) if self.others else x.abs()
        return self.weight * (x * (norm / (norm.mean(self.dim, keepdim=True) + 1e-6))) + self.bias + x


def _attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v, mask)


class Concat(nn.Module):
    """Concatenation along an axis."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, *xs: Tensor) -> Tensor:
        """(N, C_i, ...) each -> (N, sum of C_i, ...)."""
        try:
            return torch.cat(xs, self.dim)  # first, so that no size is asked for where no tensor is learned
        except RuntimeError:
            samples = max(x.shape[0] for x in xs)  # a learned tensor is there once
            return torch.cat([x.expand(samples, *x.shape[1:]) for x in xs], self.dim)


class Split(nn.Module):
    """One of equal slices of an axis."""

    def __init__(self, parts: int, index: int, dim: int) -> None:
        super().__init__()
        self.parts, self.index, self.dim = parts, index, dim

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C / parts, ...)."""
        return _cut(x.chunk(self.parts, self.dim)[self.index], self.dim)


class Slice(nn.Module):
    """Every step-th element of an axis, from one to before another."""

    def __init__(self, dim: int, start: int, stop: int | None, step: int) -> None:
        super().__init__()
        self.dim, self.slice = dim, slice(start, stop, step)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ..., n, ...) -> (N, ..., m, ...)."""
        before = (slice(None),) * (self.dim % x.dim())
        return _cut(x[(*before, self.slice)], self.dim)


def _cut(x: Tensor, dim: int) -> Tensor:
    """A part of an axis; of the channels a view, else a copy, as `convcost.ops.layout.Cut` says."""
    return x if dim == 1 else x.clone(memory_format=torch.contiguous_format)


class Reshape(nn.Module):
    """The elements under another shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape if isinstance(shape, tuple) else (shape,)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, *shape)."""
        return x.reshape(x.shape[0], *self.shape)


class Permute(nn.Module):
    """The axes in another order, the elements in memory as well."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims if isinstance(dims, tuple) else (dims,)

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        return x.permute(0, *self.dims).clone(memory_format=torch.contiguous_format)


class Parameter(nn.Module):
    """A learned tensor, given to every sample, or made of `learned` numbers, one after the other and again."""

    def __init__(self, shape: tuple[int, ...], learned: int | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, *shape) if learned is None else torch.zeros(learned))
        self.shape = shape
        self.learned = learned

    def forward(self) -> Tensor:
        """() -> (1, *shape)."""
        if self.learned is None:
            return self.weight
        places = torch.arange(math.prod(self.shape), device=self.weight.device) % self.learned
        return self.weight[places].view(1, *self.shape)


class OverAxes(nn.Module):
    """A layer of the last axes, over others."""

    def __init__(self, layer: nn.Module, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.layer, self.dims, self.last = layer, dims, tuple(range(-len(dims), 0))

    def forward(self, x: Tensor) -> Tensor:
        """(N, ..., n, ...) -> (N, ..., m, ...)."""
        y: Tensor = self.layer(x.movedim(self.dims, self.last))
        return y.movedim(self.last, self.dims).contiguous()


class ChannelShuffle(nn.Module):
    """nn.ChannelShuffle, for features without spatial axes too."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, ...)."""
        n, channels, *sizes = x.shape
        return x.reshape(n, self.groups, channels // self.groups, *sizes).transpose(1, 2).reshape(n, channels, *sizes)


class ChannelPad(nn.Module):
    """Zero channels before and after the input's."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) -> (N, before + C + after, ...)."""
        return functional.pad(x, (*(0, 0) * (x.dim() - 2), self.before, self.after))


class LayerNormOverAxes(nn.LayerNorm):
    """nn.LayerNorm over axes that are not the last ones: as a rule the channels, at every position."""

    def __init__(self, sizes: tuple[int, ...], dims: tuple[int, ...], affine: bool) -> None:
        super().__init__(sizes, elementwise_affine=affine)
        self.dims, self.last = dims, tuple(range(-len(dims), 0))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, ...)."""
        # As it stands in memory every other layer's output does: what follows may be a view of it.
        return super().forward(x.movedim(self.dims, self.last)).movedim(self.last, self.dims).contiguous()


class LayerScale(nn.Module):
    """A learned factor for each channel."""

    def __init__(self, channels: int, after: int) -> None:
        """The channels stand on an axis that `after` others follow."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, ...)."""
        return x * self.weight.view(-1, *(1,) * self.after)


class ResizeLike(nn.Module):
    """Interpolation to the size of another tensor."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, *sizes of the other)."""
        return functional.interpolate(x, size=other.shape[2:], mode=self.mode)


class Reduction(nn.Module):
    """The mean, sum or maximum over axes."""

    def __init__(self, function: Callable[..., Tensor], dim: int | tuple[int, ...], keepdim: bool) -> None:
        super().__init__()
        self.function, self.dim, self.keepdim = function, dim, keepdim

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        return self.function(x, self.dim, self.keepdim)


class Scale(nn.Module):
    """Multiplication by a constant: 1, as a record does not say which."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        return x * 1.0


class BlurPool(nn.Module):
    """A depthwise convolution with a binomial kernel, behind its padding."""

    def __init__(
        self, channels: int, kernel_size: int, stride: int, rank: int, pad: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__()
        row = torch.tensor([float(comb(kernel_size - 1, i)) for i in range(kernel_size)]) / 2 ** (kernel_size - 1)
        kernel = reduce(lambda a, b: a[..., None] * b, [row] * rank)
        self.kernel: Tensor
        self.register_buffer("kernel", kernel.expand(channels, 1, *kernel.shape).clone())
        self.pad, self.stride = pad, stride
        self.convolve = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, *sizes) -> (N, C, *sizes')."""
        return self.convolve(self.pad(x), self.kernel, stride=self.stride, groups=len(self.kernel))


class StochasticDepth(nn.Module):
    """A branch that is left out at random, sample by sample, while it is trained."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) -> (N, ...)."""
        if not self.training:
            return x
        kept = torch.rand(x.shape[0], *(1,) * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)


class Attending(nn.Module):
    """nn.MultiheadAttention, of what it returns the output alone; one tensor is queries, keys and values.

    It does not take torch's fast path, one kernel in which no counter sees anything, and which depends on the mode.
    """

    def __init__(self, features: int, num_heads: int, bias: bool, keys: int, values: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(features, num_heads, bias=bias, kdim=keys, vdim=values, batch_first=True)

    def forward(self, *xs: Tensor) -> Tensor:
        """(N, n, E), (N, m, K) and (N, m, V) -> (N, n, E)."""
        q, k, v = xs if len(xs) == 3 else xs * 3
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)
        try:
            output: Tensor = self.attention(q, k, v, need_weights=False)[0]
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
        return output


class Recurrence(nn.Module):
    """nn.LSTM or nn.GRU, of what they return the outputs alone."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """(N, tokens, features) -> (N, tokens, hidden)."""
        output: Tensor = self.layer(x)[0]
        return output


class DeformConv(nn.Module):
    """Deformable convolution over two axes as torch has its parts: sampling between positions, and a product."""

    def __init__(self, op: Any, in_channels: int) -> None:
        super().__init__()
        self.kernel, self.stride, self.dilation = (
            axes(op, name, getattr(op, name), 2) for name in ("kernel_size", "stride", "dilation")
        )
        self.sides: Callable[[tuple[int, ...]], Any] = partial(_sides_of, op)
        self.groups = op.groups
        self.weight = nn.Parameter(torch.ones(op.out_channels, in_channels // op.groups, *self.kernel))
        self.bias = nn.Parameter(torch.zeros(op.out_channels)) if op.bias else None

    def forward(self, x: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
        """(N, C, H, W), (N, 2 parts k, H', W') and (N, parts k, H', W') -> (N, out_channels, H', W')."""
        n, channels, height, width = x.shape
        taps, (rows, columns) = self.kernel[0] * self.kernel[1], offset.shape[2:]
        parts = offset.shape[1] // (2 * taps)
        moved = offset.reshape(n * parts, taps, 2, rows, columns)
        before = [side for side, _ in self.sides((channels, height, width))]
        at = []
        for axis, (count, size) in enumerate(((rows, height), (columns, width))):
            k, s, d = self.kernel[axis], self.stride[axis], self.dilation[axis]
            tap = torch.arange(taps, device=x.device)
            tap = (tap // self.kernel[1] if axis == 0 else tap % k) * d - before[axis]
            place = torch.arange(count, device=x.device) * s
            place = place[:, None] if axis == 0 else place[None]
            at.append((2 * (tap[:, None, None] + place + moved[:, :, axis]) + 1) / size - 1)
        grid = torch.stack((at[1], at[0]), -1).reshape(n * parts, taps * rows, columns, 2)
        seen = functional.grid_sample(x.reshape(n * parts, channels // parts, height, width), grid, align_corners=False)
        seen = seen.reshape(n, parts, channels // parts, taps, rows * columns)
        if mask is not None:
            seen = seen * mask.reshape(n, parts, 1, taps, rows * columns)
        seen = seen.reshape(n, self.groups, channels // self.groups * taps, rows * columns)
        # One product for each sample, as counters see it: of one that broadcasts fvcore counts the first alone.
        weight = self.weight.reshape(self.groups, -1, seen.shape[2]).expand(n, -1, -1, -1)
        y = torch.matmul(weight, seen).reshape(n, -1, rows, columns)
        return y if self.bias is None else y + self.bias[:, None, None]


def _sides_of(op: Any, x: tuple[int, ...]) -> Any:
    return pads(op.plain, x, op.kernel_size, op.stride, op.dilation, op.padding)


class RBF(nn.Module):
    """Squared distances to points that are not trained; here all at the origin."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.points: Tensor
        self.register_buffer("points", torch.zeros(out_features, in_features))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_features) -> (N, out_features)."""
        return (x.unsqueeze(1) - self.points).pow(2).sum(-1)


class Normalize(nn.Module):
    """Standardisation by stored means and variances, which come with the number of batches that they are of."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) -> (N, C, ...)."""
        shape = (-1, *(1,) * (x.dim() - 2))
        return (x - self.mean.view(shape)) / self.variance.sqrt().view(shape)


class FeaturesOnly(nn.Module):
    """A layer that needs a spatial axis, on features that have none."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) -> (N, C)."""
        return self.layer(x.unsqueeze(-1)).squeeze(-1)  # type: ignore[no-any-return]  # nn.Module's call is Any


# -- builders: an operator's record and its first input's shape, to a layer ------------------------------------------


def _conv(op: ops.Conv, x: Shape) -> nn.Module:
    layer = _convolution(op, x, op.out_channels, op.groups)
    return weight_norm(layer) if op.weight_norm else layer


def _depthwise(op: ops.DepthwiseConv, x: Shape) -> nn.Module:
    return _convolution(op, x, x[0] * op.multiplier, x[0])


def _convolution(op: ops.Conv | ops.DepthwiseConv, x: Shape, out_channels: int, groups: int) -> nn.Module:
    kernel, stride, dilation = geometry(op, len(x) - 1)
    padding = own_padding(op, len(x) - 1) or 0
    layer = _of_rank(op, x, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    return layer(x[0], out_channels, kernel, stride, padding, dilation, groups, op.bias)


def _conv_transpose(op: ops.ConvTranspose, x: Shape) -> nn.Module:
    kernel, stride, padding, output_padding, dilation = op.along_axes(len(x) - 1)
    layer = _of_rank(op, x, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    return layer(x[0], op.out_channels, kernel, stride, padding, output_padding, op.groups, op.bias, dilation)


def _linear(op: ops.Linear, x: Shape) -> nn.Module:
    # An axis that is the last one here is another where the weights are used again on an input of more axes.
    if op.dim in (None, -1):
        return nn.Linear(op.in_features(x), op.out_features, op.bias)
    return OverAxes(nn.Linear(op.in_features(x), op.out_features, op.bias), (op.dim,))


def _pool(op: ops.MaxPool | ops.AvgPool, x: Shape) -> nn.Module:
    kernel, stride, dilation = geometry(op, len(x) - 1)
    padding = own_padding(op, len(x) - 1)
    ceil = bool(op.ceil_mode) and padding is not None and op.padding != "same"
    if isinstance(op, ops.MaxPool):
        layer = _of_rank(op, x, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
        return layer(kernel, stride, padding or 0, dilation, ceil_mode=ceil)
    return _of_rank(op, x, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)(kernel, stride, padding or 0, ceil)


def _batch_norm(op: ops.BatchNorm, x: Shape) -> nn.Module:
    layer = _of_rank(op, x, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)(
        x[0], affine=op.scale or op.shift, track_running_stats=op.stats
    )
    if not op.scale:
        layer.register_parameter("weight", None)
    if not op.shift:
        layer.register_parameter("bias", None)
    return layer


def _group_norm(op: ops.GroupNorm, x: Shape) -> nn.Module:
    return nn.GroupNorm(op.num_groups, x[0], affine=op.affine)


def _instance_norm(op: ops.InstanceNorm, x: Shape) -> nn.Module:
    return _of_rank(op, x, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)(x[0], affine=op.affine)


def _layer_norm(op: ops.LayerNorm, x: Shape) -> nn.Module:
    over = axes_of(op, x, op.dim)
    sizes = tuple(x[i] for i in over)
    if op.is_trailing(x):
        return nn.LayerNorm(sizes, elementwise_affine=op.affine)
    return LayerNormOverAxes(sizes, tuple(i + 1 for i in over), op.affine)


def _rms_norm(op: ops.RMSNorm, x: Shape) -> nn.Module:
    over = axes_of(op, x, op.dim)
    layer = nn.RMSNorm(tuple(x[i] for i in over), elementwise_affine=op.affine)
    return layer if op.is_trailing(x) else OverAxes(layer, tuple(i + 1 for i in over))


def _grn(op: ops.GRN, x: Shape) -> nn.Module:
    place = axis_of(op, x, op.dim)
    return GRN(x[place], place + 1, len(x))


def _function(function: Callable[..., Tensor]) -> Builder:
    return lambda _op, _x: Function(function)


def _broadcast(function: Callable[[Tensor, Tensor], Tensor]) -> Builder:
    return lambda _op, _x: Broadcast(function)


def _roll(op: ops.Roll, _: Shape) -> nn.Module:
    return Function(partial(torch.roll, shifts=op.shifts, dims=op.dims))


def _layer_scale(op: ops.LayerScale, x: Shape) -> nn.Module:
    place = axis_of(op, x, op.dim)
    return LayerScale(x[place], len(x) - place - 1)


def _parameter(op: ops.Parameter, _: Shape) -> nn.Module:
    return Parameter(op.out_shape(), op.learned)


def _pixels(layer: Callable[..., nn.Module], field: str) -> Builder:
    def build(op: Op, x: Shape) -> nn.Module:
        if len(x) != 3:
            raise ConvcostError(f"torch has no {op.name} over {len(x) - 1} spatial axes")
        return layer(getattr(op, field))

    return build


def _reduction(function: Callable[..., Tensor]) -> Builder:
    return lambda op, _: Reduction(function, op.dim, op.keepdim)


def _rbf(op: ops.RBF, x: Shape) -> nn.Module:
    return RBF(elements(x), op.out_features)


def _normalize(_: ops.Normalize, x: Shape) -> nn.Module:
    return Normalize(x[0])


def _lrn(op: ops.LocalResponseNorm, x: Shape) -> nn.Module:
    layer = nn.LocalResponseNorm(op.size)
    return layer if len(x) > 1 else FeaturesOnly(layer)


def _upsample(op: ops.Upsample, x: Shape) -> nn.Module:
    factors = axes(op, "scale_factor", op.scale_factor, len(x) - 1)
    # One number where that says it all, as by hand: some counters fail at a tuple.
    factors = tuple(float(f) if isinstance(f, Fraction) else f for f in factors)
    factor = factors[0] if len(set(factors)) == 1 else factors
    return _of_rank(op, x, nn.Upsample, nn.Upsample, nn.Upsample)(scale_factor=factor, mode=op.mode)


def _resize(op: ops.Resize, x: Shape) -> nn.Module:
    return _of_rank(op, x, nn.Upsample, nn.Upsample, nn.Upsample)(axes(op, "size", op.size, len(x) - 1), mode=op.mode)


def _zeropad(op: ops.ZeroPad, x: Shape) -> nn.Module:
    sides = [n for pair in reversed(op.sides(x)) for n in pair]
    layer = _of_rank(op, x, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d)
    if min(sides) >= 0:
        return layer(tuple(sides))
    # torch cuts before it pads, and refuses to cut more than there is.
    return nn.Sequential(layer(tuple(max(n, 0) for n in sides)), layer(tuple(min(n, 0) for n in sides)))


def _pad_layer(op: ops.Pad, x: Shape) -> nn.Module:
    sides = tuple(n for pair in reversed(op.sides(x)) for n in pair)
    if op.mode == "constant":
        return _of_rank(op, x, nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)(sides, float(op.value))
    layers = {
        "reflect": (nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d),
        "replicate": (nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
        "circular": (nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d),
    }
    return _of_rank(op, x, *layers[op.mode])(sides)


def _blurpool(op: ops.BlurPool, x: Shape) -> nn.Module:
    sides = [n for pair in reversed(op.around.sides(x)) for n in pair]
    if len(x) > 4:
        raise ConvcostError(f"torch has no {op.name} over {len(x) - 1} spatial axes")
    pad = partial(functional.pad, pad=sides, mode=op.mode)
    return BlurPool(x[0], op.kernel_size, op.stride, len(x) - 1, pad)


def _heads(op: Heads, *xs: Shape) -> nn.Module:
    q, k, v = op.of(xs)
    return Attending(q[1], op.num_heads, op.bias, k[1], v[1])


def _recurrent(layer: Callable[..., nn.Module]) -> Builder:
    def build(op: Any, x: Shape) -> nn.Module:
        sizes = (x[1], op.hidden_size, op.num_layers, op.bias)
        return Recurrence(layer(*sizes, batch_first=True, bidirectional=op.bidirectional))

    return build


def _grid_sample(op: ops.GridSample, _: Shape) -> nn.Module:
    mode, padding = op.mode, op.padding_mode
    return Function(partial(functional.grid_sample, mode=mode, padding_mode=padding, align_corners=False))


def _deform_conv(op: Any, x: Shape) -> nn.Module:
    return DeformConv(op, x[0])


def _transpose(op: ops.Transpose, x: Shape) -> nn.Module:
    a, b = (axis_of(op, x, dim) for dim in (op.dim0, op.dim1))
    order = list(range(1, len(x) + 1))
    order[a], order[b] = b + 1, a + 1
    return Permute(tuple(order))


def _of_rank(op: Op, x: Shape, *layers: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """The layer for as many spatial axes as x has; features without any take the first."""
    if len(x) > 4:
        raise ConvcostError(f"torch has no {op.name} over {len(x) - 1} spatial axes")
    return layers[max(len(x) - 2, 0)]


def _from(layer: Callable[..., nn.Module], *fields: str, **more: Any) -> Builder:
    """The builder of a layer that takes the named fields of its record, and nothing else."""

    def build(op: Op, _: Shape) -> nn.Module:
        values = (getattr(op, field) for field in fields)
        return layer(*(float(value) if isinstance(value, Fraction) else value for value in values), **more)

    return build


def _adaptive(*layers: Callable[..., nn.Module]) -> Builder:
    def build(op: Any, x: Shape) -> nn.Module:
        # One number where that says it all, as by hand: some counters fail at a tuple.
        return _of_rank(op, x, *layers)(op.output_size)

    return build


def _global(*layers: Callable[..., nn.Module]) -> Builder:
    def build(op: Op, x: Shape) -> nn.Module:
        return _of_rank(op, x, *layers)(1)

    return build


BUILDERS: dict[type[Op], Builder] = {
    ops.Conv: _conv,
    ops.DepthwiseConv: _depthwise,
    ops.ConvTranspose: _conv_transpose,
    ops.DeformConv: _deform_conv,
    ops.ModulatedDeformConv: _deform_conv,
    ops.Linear: _linear,
    ops.RBF: _rbf,
    ops.MaxPool: _pool,
    ops.AvgPool: _pool,
    ops.BlurPool: _blurpool,
    ops.GlobalMaxPool: _global(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    ops.GlobalAvgPool: _global(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    ops.AdaptiveMaxPool: _adaptive(nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
    ops.AdaptiveAvgPool: _adaptive(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
    ops.BatchNorm: _batch_norm,
    ops.GroupNorm: _group_norm,
    ops.InstanceNorm: _instance_norm,
    ops.LayerNorm: _layer_norm,
    ops.RMSNorm: _rms_norm,
    ops.GRN: _grn,
    ops.LayerScale: _layer_scale,
    ops.LocalResponseNorm: _lrn,
    ops.Normalize: _normalize,
    ops.ReLU: _from(nn.ReLU),
    ops.ReLU6: _from(nn.ReLU6),
    ops.LeakyReLU: _from(nn.LeakyReLU, "negative_slope"),
    ops.PReLU: _from(nn.PReLU, "num_parameters"),
    ops.ELU: _from(nn.ELU, "alpha"),
    ops.SELU: _from(nn.SELU),
    ops.Swish: _from(nn.SiLU),
    ops.GELU: _from(nn.GELU, "approximate"),
    ops.Mish: _from(nn.Mish),
    ops.Sigmoid: _from(nn.Sigmoid),
    ops.Softplus: _from(nn.Softplus),
    ops.Tanh: _from(nn.Tanh),
    ops.HardSigmoid: _from(nn.Hardsigmoid),
    ops.HardSwish: _from(nn.Hardswish),
    ops.HardTanh: _from(nn.Hardtanh, "min_val", "max_val"),
    ops.Softmax: _from(nn.Softmax, "dim"),
    ops.LogSoftmax: _from(nn.LogSoftmax, "dim"),
    ops.GLU: _from(nn.GLU, "dim"),
    ops.Exp: _function(torch.exp),
    ops.Log: _function(torch.log),
    ops.Sqrt: _function(torch.sqrt),
    ops.Rsqrt: _function(torch.rsqrt),
    ops.Square: _function(torch.square),
    ops.Abs: _function(torch.abs),
    ops.Shift: _function(lambda x: x + 1.0),
    ops.Scale: _from(Scale),
    ops.Dropout: _from(nn.Dropout, "p"),
    ops.StochasticDepth: _from(StochasticDepth, "p"),
    ops.Add: lambda op, _: Broadcast(add) if op.broadcast else Add(),
    ops.Multiply: _broadcast(mul),
    ops.Subtract: _broadcast(sub),
    ops.Divide: _broadcast(truediv),
    ops.Power: _broadcast(torch.pow),
    ops.MatMul: _function(matmul),
    ops.Attention: _function(_attention),
    ops.MaskedAttention: _function(_attention),
    ops.MultiheadAttention: _heads,
    ops.SelfAttention: _heads,
    ops.LSTM: _recurrent(nn.LSTM),
    ops.GRU: _recurrent(nn.GRU),
    ops.Embedding: _from(nn.Embedding, "num_embeddings", "embedding_dim"),
    ops.Concat: _from(Concat, "dim"),
    ops.Split: _from(Split, "parts", "index", "dim"),
    ops.Slice: _from(Slice, "dim", "start", "stop", "step"),
    ops.ChannelShuffle: _from(ChannelShuffle, "groups"),
    ops.PixelShuffle: _pixels(nn.PixelShuffle, "upscale_factor"),
    ops.PixelUnshuffle: _pixels(nn.PixelUnshuffle, "downscale_factor"),
    ops.Flatten: _from(nn.Flatten, "start_dim", "end_dim"),
    ops.Reshape: _from(Reshape, "shape"),
    ops.Permute: _from(Permute, "dims"),
    ops.Transpose: _transpose,
    ops.Roll: _roll,
    ops.Parameter: _parameter,
    ops.Mean: _reduction(torch.mean),
    ops.Sum: _reduction(torch.sum),
    ops.Amax: _reduction(torch.amax),
    ops.ZeroPad: _zeropad,
    ops.Pad: _pad_layer,
    ops.ChannelPad: _from(ChannelPad, "before", "after"),
    ops.Upsample: _upsample,
    ops.Resize: _resize,
    ops.ResizeLike: _from(ResizeLike, "mode"),
    ops.GridSample: _grid_sample,
}
"""How each operator's record becomes a torch layer."""
