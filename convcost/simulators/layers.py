"""The layers of a network in a simulator's words: what multiplies, with the sizes that its windows cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.ops import Conv, DepthwiseConv, Linear
from convcost.ops.geometry import sliding


class Layer(NamedTuple):
    """A convolution over two axes, or a linear layer as one of 1x1 on one position, in a simulator's words."""

    line: Line
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    """Height and width."""
    out: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @property
    def covered(self) -> tuple[int, int]:
        """The input's height and width that the windows cover, padding included."""
        sizes = zip(self.out, self.stride, self.kernel, self.dilation, strict=True)
        height, width = ((out - 1) * s + d * (k - 1) + 1 for out, s, k, d in sizes)
        return height, width

    @property
    def depthwise(self) -> bool:
        """Whether every channel has filters of its own."""
        return 1 < self.groups == self.in_channels


def layers(cost: Cost) -> Iterator[Layer]:
    """The layers that multiply. Raises ConvcostError for one that is neither a convolution nor a linear layer."""
    for row in cost.rows:
        if row.aux or row.op is None or not row.op.multiplies:
            continue
        shape = (*row.shape, row.batch)
        if not all(isinstance(size, int) for size in shape):
            raise ConvcostError(f"layer {row.name}: a file of layers is of one network on one input")
        if isinstance(row.op, Linear):
            features = row.op.in_features(row.inputs[0])
            positions = row.elements // row.op.out_features
            yield Layer(row, features, row.op.out_features, (1, 1), (positions, 1), (1, 1), (1, 1), 1)
            continue
        x = row.inputs[0]
        window = sliding(row.op, x)
        if not isinstance(row.op, (Conv, DepthwiseConv)) or window is None:
            raise ConvcostError(f"layer {row.name}: simulators have no {row.op.name}")
        if len(x) != 3:
            raise ConvcostError(f"layer {row.name}: simulators convolve over two axes, not {len(x) - 1}")
        groups = x[0] if isinstance(row.op, DepthwiseConv) else row.op.groups
        kernel, stride, dilation = map(_pair, (window.kernel_size, window.stride, window.dilation))
        yield Layer(row, x[0], row.shape[0], kernel, _pair(row.shape[1:]), stride, dilation, groups)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    height, width = values
    return height, width
