"""Convolutions and the linear layer: the operators whose work is multiply-adds; and LeNet-5's distances to points.

Padded positions count as real multiply-adds, as in every counter of the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ConvcostError, ShapeError
from convcost.exact.integers import Int, ceildiv, equal, maximum, prod, require_above, require_divisible
from convcost.ops.base import (
    Kind,
    Op,
    Params,
    Shape,
    Window,
    Work,
    at_least,
    axis_of,
    boolean,
    check_dims,
    each_at_least,
    elements,
    one_of,
    record,
    spatial,
)
from convcost.ops.geometry import Axes, Padding, axes, check_sides, check_window, out_sizes, sliding_windows
from convcost.ops.tensor import PAD_MODES, Pad, require_room


@record
class Conv(Op):
    """Convolution over 1, 2 or 3 axes: (in_channels, *sizes) -> (out_channels, *sizes'), as torch.nn.Conv1d to Conv3d.

    weights = (in_channels / groups) * out_channels * kernel; macs = (in_channels / groups) * kernel * output elements.
    With `weight_norm` the norm of each filter is learned apart and counts as a weight: out_channels more (Salimans &
    Kingma 2016). They are multiplied once a pass, not for a sample, which is no work here.
    """

    name: ClassVar[str] = "conv"
    kind: ClassVar[Kind] = "conv"
    multiplies: ClassVar[bool] = True
    out_channels: Int
    kernel_size: Axes
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    groups: Int = 1
    bias: bool = True
    weight_norm: bool = False

    def __post_init__(self) -> None:
        """Refuse arguments that are no convolution on any input."""
        at_least(1, self, out_channels=self.out_channels, groups=self.groups)
        boolean(self, bias=self.bias, weight_norm=self.weight_norm)
        check_window(self, self.kernel_size, self.stride, self.dilation, self.padding)
        if not require_divisible(self.out_channels, self.groups):
            raise ShapeError(f"conv: groups={self.groups} does not divide out_channels={self.out_channels}")

    def out_shape(self, *xs: Shape) -> Shape:
        """(out_channels, *sizes')."""
        (x,) = xs
        if not require_divisible(x[0], self.groups):
            raise ShapeError(f"conv: groups={self.groups} does not divide in_channels={x[0]}")
        sizes = out_sizes(self, x, self.kernel_size, self.stride, self.dilation, self.padding)
        return (self.out_channels, *sizes)

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Kernel weights, with `weight_norm` one norm per output channel, and one bias."""
        norms = y[0] if self.weight_norm else 0
        return Params(self._fan_in(xs[0]) * y[0] + norms, y[0] if self.bias else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One macs per weight and output position; one add per output element for the bias."""
        n = elements(y)
        return Work(self._fan_in(xs[0]) * n, n if self.bias else 0)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The dilated kernel's."""
        return sliding_windows(self, x, self.kernel_size, self.stride, self.dilation, self.padding)

    def _fan_in(self, x: Shape) -> Int:
        return x[0] // self.groups * prod(axes(self, "kernel_size", self.kernel_size, len(x) - 1))


@record
class DepthwiseConv(Op):
    """Depthwise convolution: each input channel alone, `multiplier` outputs of each: (C, ...) -> (C * multiplier, ...).

    The same as Conv with groups = C, without having to say C (Chollet 2017; torch: groups=in_channels).
    """

    name: ClassVar[str] = "dwconv"
    kind: ClassVar[Kind] = "conv"
    multiplies: ClassVar[bool] = True
    kernel_size: Axes
    stride: Axes = 1
    padding: Padding = 0
    dilation: Axes = 1
    multiplier: Int = 1
    bias: bool = True

    def __post_init__(self) -> None:
        """Refuse arguments that are no convolution on any input."""
        at_least(1, self, multiplier=self.multiplier)
        boolean(self, bias=self.bias)
        check_window(self, self.kernel_size, self.stride, self.dilation, self.padding)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C * multiplier, *sizes')."""
        (x,) = xs
        sizes = out_sizes(self, x, self.kernel_size, self.stride, self.dilation, self.padding)
        return (x[0] * self.multiplier, *sizes)

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """One kernel and one bias per output channel."""
        return Params(self._kernel(xs[0]) * y[0], y[0] if self.bias else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One macs per kernel element and output element."""
        n = elements(y)
        return Work(self._kernel(xs[0]) * n, n if self.bias else 0)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The dilated kernel's."""
        return sliding_windows(self, x, self.kernel_size, self.stride, self.dilation, self.padding)

    def _kernel(self, x: Shape) -> Int:
        return prod(axes(self, "kernel_size", self.kernel_size, len(x) - 1))


@record
class BlurPool(Op):
    """Each channel smoothed by a fixed binomial kernel, with a stride: (C, *sizes) -> (C, *sizes'), Zhang 2019.

    A depthwise convolution whose weights nobody learns: it has macs, and no parameters. Its padding is by default
    (stride - 1 + kernel_size - 1) // 2 on all sides, as timm's BlurPool2d has it, the edges mirrored.
    """

    name: ClassVar[str] = "blurpool"
    kind: ClassVar[Kind] = "pool"
    multiplies: ClassVar[bool] = True
    kernel_size: Int = 3
    stride: Int = 2
    padding: Padding | None = None
    mode: str = "reflect"

    def __post_init__(self) -> None:
        """Refuse a kernel or stride below 1, and an unknown mode."""
        at_least(1, self, kernel_size=self.kernel_size, stride=self.stride)
        if self.padding is not None:
            check_sides(self, self.padding)
        one_of(PAD_MODES, self, mode=self.mode)

    def out_shape(self, *xs: Shape) -> Shape:
        """(C, *sizes')."""
        (x,) = xs
        sizes = out_sizes(self, x, self.kernel_size, self.stride, 1, self.around.padding)
        require_room(self, x, self.around.sides(x), self.mode)
        return (x[0], *sizes)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One macs per kernel element and output element."""
        return Work(prod(self.kernel_size for _ in y[1:]) * elements(y))

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """The kernel's."""
        return sliding_windows(self, x, self.kernel_size, self.stride, 1, self.around.padding)

    @property
    def around(self) -> Pad:
        """What it pads by."""
        usual = (self.stride + self.kernel_size - 2) // 2
        return Pad(usual if self.padding is None else self.padding, self.mode)


@record
class ConvTranspose(Op):
    """Transposed convolution, as torch.nn.ConvTranspose1d to ConvTranspose3d.

    size' = (n - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1; n stride where padding is "same",
    as TensorFlow's: then padding and output_padding follow.
    macs = input elements * (out_channels / groups) * kernel: each input position meets each weight of its group once,
    also where the padding then cuts the product off (as fvcore 0.1.5 and torch's FlopCounterMode count).
    """

    name: ClassVar[str] = "conv_transpose"
    kind: ClassVar[Kind] = "conv"
    multiplies: ClassVar[bool] = True
    out_channels: Int
    kernel_size: Axes
    stride: Axes = 1
    padding: Axes | str = 0
    output_padding: Axes = 0
    groups: Int = 1
    bias: bool = True
    dilation: Axes = 1

    def __post_init__(self) -> None:
        """Refuse arguments that are no convolution on any input."""
        at_least(1, self, out_channels=self.out_channels, groups=self.groups)
        boolean(self, bias=self.bias)
        each_at_least(1, self, kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)
        each_at_least(0, self, output_padding=self.output_padding)
        if not isinstance(self.padding, str) or self.padding != "same":
            each_at_least(0, self, padding=self.padding)
        elif not all(
            equal(q, 0)
            for q in (self.output_padding if isinstance(self.output_padding, tuple) else (self.output_padding,))
        ):
            raise ConvcostError(f"{self.name}: padding=same says what output_padding is, got {self.output_padding}")
        if not require_divisible(self.out_channels, self.groups):
            raise ShapeError(f"conv_transpose: groups={self.groups} does not divide out_channels={self.out_channels}")

    def out_shape(self, *xs: Shape) -> Shape:
        """(out_channels, *sizes')."""
        (x,) = xs
        sizes = spatial(self, x)
        if not require_divisible(x[0], self.groups):
            raise ShapeError(f"conv_transpose: groups={self.groups} does not divide in_channels={x[0]}")
        arguments = self.along_axes(len(sizes))
        for k, s, _, q, d in zip(*arguments, strict=True):
            if not require_above(maximum(s, d) - q, 0):
                if isinstance(self.padding, str):
                    raise ShapeError(f"conv_transpose: padding=same does not fit an even kernel={k} where stride={s}")
                raise ShapeError(f"conv_transpose: output_padding={q} is not below stride={s} or dilation={d}")
        out = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + q + 1 for n, k, s, p, q, d in zip(sizes, *arguments, strict=True)
        )
        return (self.out_channels, *out)

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Kernel weights, and one bias per output channel."""
        kernels = self.along_axes(len(y) - 1)[0]
        return Params(xs[0][0] // self.groups * prod(kernels) * y[0], y[0] if self.bias else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One macs per input element and weight that it meets; one add per output element for the bias."""
        kernels = self.along_axes(len(y) - 1)[0]
        macs = y[0] // self.groups * prod(kernels) * elements(xs[0])
        return Work(macs, elements(y) if self.bias else 0)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Output o sees the inputs i with i * stride in [o + padding - dilation (kernel - 1), o + padding]."""
        kernels, strides, paddings, _, dilations = self.along_axes(len(x) - 1)
        return tuple(
            Window(d * (k - 1) + 1, 1, d * (k - 1) - p, upsampling=s)
            for k, s, p, d in zip(kernels, strides, paddings, dilations, strict=True)
        )

    def along_axes(self, rank: int) -> tuple[tuple[Int, ...], ...]:
        """Kernel, stride, padding, output_padding and dilation of each axis."""
        kernels, strides, dilations = (
            axes(self, name, getattr(self, name), rank) for name in ("kernel_size", "stride", "dilation")
        )
        if isinstance(self.padding, str):
            extents = tuple(d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True))
            paddings = tuple(maximum(ceildiv(e - s, 2), 0) for e, s in zip(extents, strides, strict=True))
            more = tuple(s + 2 * p - e for e, s, p in zip(extents, strides, paddings, strict=True))
        else:
            paddings, more = (
                axes(self, name, value, rank)
                for name, value in (("padding", self.padding), ("output_padding", self.output_padding))
            )
        return kernels, strides, paddings, more, dilations


@record
class Linear(Op):
    """Fully connected layer over all elements of its input: any shape -> (out_features,).

    It flattens what it is given, as Caffe's InnerProduct and the papers' tables do ("FC-4096" after a pooling). With
    `dim` it is over that axis alone, at every position of the others, as torch.nn.Linear is over the last (dim=-1):
    (..., in_features, ...) -> (..., out_features, ...).
    """

    name: ClassVar[str] = "linear"
    kind: ClassVar[Kind] = "linear"
    multiplies: ClassVar[bool] = True
    out_features: Int
    bias: bool = True
    dim: int | None = None

    def __post_init__(self) -> None:
        """Refuse a size below 1, and what names no axis."""
        at_least(1, self, out_features=self.out_features)
        boolean(self, bias=self.bias)
        if self.dim is not None:
            check_dims(self, dim=self.dim, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """(out_features,), or with `dim` the input's shape with out_features in place of that axis."""
        if self.dim is None:
            return (self.out_features,)
        (x,) = xs
        place = axis_of(self, x, self.dim)
        return (*x[:place], self.out_features, *x[place + 1 :])

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """in_features * out_features weights, out_features biases."""
        return Params(self.in_features(xs[0]) * self.out_features, self.out_features if self.bias else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One macs per weight and position, and one add per output element for the bias."""
        n = elements(y)
        return Work(self.in_features(xs[0]) * n, n if self.bias else 0)

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Over the channels alone, its own position; else everything."""
        return () if self.dim is not None and axis_of(self, x, self.dim) == 0 else None

    def in_features(self, x: Shape) -> Int:
        """What each output is a sum over."""
        return elements(x) if self.dim is None else x[axis_of(self, x, self.dim)]


@record
class RBF(Op):
    """Squared Euclidean distance to out_features fixed points: any shape -> (out_features,).

    The output layer of LeNet-5 (LeCun 1998). The points are drawn by hand, not trained: they are no parameters.
    """

    name: ClassVar[str] = "rbf"
    out_features: Int

    def __post_init__(self) -> None:
        """Refuse a size below 1."""
        at_least(1, self, out_features=self.out_features)

    def out_shape(self, *xs: Shape) -> Shape:
        """(out_features,)."""
        return (self.out_features,)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per input and output element a difference and its square; the squares of an output are summed."""
        pairs = elements(xs[0]) * y[0]
        return Work(muls=pairs, adds=2 * pairs - y[0])

    def windows(self, x: Shape) -> None:
        """Every output sees everything."""
        return
