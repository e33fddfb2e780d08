"""Windows by hand: what an output sees of its input, and how torch is told a padding."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from convcost import ops
from convcost.ops import Op, Shape, Window
from convcost.ops.geometry import sliding
from convcost.ops.torchpadding import Sides, Windowed, explicit_pads, geometry, own_padding, padded

MAP = (3, 9, 9)


@pytest.mark.parametrize(
    ("op", "x", "windows"),
    [
        (ops.Conv(8, 3, 2, padding=1), MAP, (Window(3, 2, 1),) * 2),
        (
            # 2 * (3 - 1) + 1 = 5 positions from the first to the last
            ops.Conv(8, (3, 5), dilation=(2, 1), padding=((1, 0), (2, 2))),
            MAP,
            (Window(5, 1, 1), Window(5, 1, 2)),
        ),
        (ops.Conv(8, 4, padding="same"), (3, 8), (Window(4, 1, 1),)),  # 3 in all, the odd one after
        (ops.Conv(8, 3, 2, "same"), (3, 8), (Window(3, 2, 0),)),  # 3 * 2 + 3 - 8 = 1, after
        (ops.DepthwiseConv(3, (1, 2), "valid", 2), MAP, (Window(5, 1, 0), Window(5, 2, 0))),
        (ops.MaxPool(3), MAP, (Window(3, 3, 0),) * 2),
        (ops.MaxPool(2, 1, dilation=3), MAP, (Window(4, 1, 0),) * 2),
        (ops.AvgPool((2, 3), 2, padding=1), MAP, (Window(2, 2, 1), Window(3, 2, 1))),
        # Between inputs that stand 2 apart, the kernel turned round: padding takes positions off its end.
        (ops.ConvTranspose(6, 3, 2, padding=1), MAP, (Window(3, 1, 1, 2),) * 2),
        (ops.ConvTranspose(6, 2, 2, dilation=3), (3, 9), (Window(4, 1, 3, 2),)),
        (ops.ZeroPad(((1, 2), (3, 4))), MAP, (Window(1, 1, 1), Window(1, 1, 3))),
        (ops.Upsample(3), (3, 9), (Window(3, 1, 2, 3),)),
        # Output o stands at o - 1/2 (o - 1) of inputs 2 (3) apart, and sees those less than 2 (3) from there.
        (ops.Upsample(2, mode="bilinear"), MAP, (Window(4, 1, 2, 2),) * 2),
        (ops.Upsample(3, mode="bilinear"), MAP, (Window(5, 1, 3, 3),) * 2),
        # Input i stands at 6 i: output o takes the one of 4 that is just before o 4 / 6, or weighs two by its distance.
        (ops.Resize(6), (3, 4), (Window(6, 4, 5, 6),)),
        (ops.Resize(6, "linear"), (3, 4), (Window(23, 8, 13, 12),)),  # |12 i + 6 - (8 o + 4)| < 12
        (ops.Upsample(1.5), (3, 4), (Window(3, 2, 2, 3),)),
        (ops.Upsample(1.5, "bilinear"), MAP, (Window(11, 4, 6, 6),) * 2),  # |6 i + 3 - (4 o + 2)| < 6
        (ops.PixelShuffle(3), (9, 4), (Window(3, 1, 2, 3),)),
        (ops.PixelUnshuffle(2), (3, 8), (Window(2, 2, 0),)),
        # Of 7 inputs at 3 i, output o sees floor(7 o / 3) to ceil(7 (o + 1) / 3) - 1: 0-2, 2-4, 4-6.
        (ops.AdaptiveAvgPool(3), (8, 7), (Window(9, 7, 2, 3),)),
        # What is over the channels alone sees its own position; what is over positions, or moves them, all of them.
        *[
            (made(dim), MAP, () if dim == 1 else None)
            for dim in (1, 2, -1)
            for made in (
                ops.Concat,
                ops.Softmax,
                ops.LogSoftmax,
                ops.GLU,
                ops.Slice,
                lambda dim: ops.Split(3, 0, dim),
                lambda dim: ops.Linear(5, dim=dim),
                lambda dim: ops.LayerNorm(dim=dim),
                lambda dim: ops.RMSNorm(dim=dim),
                lambda dim: ops.Mean(dim, keepdim=True),
                lambda dim: ops.Roll(1, dim),
            )
        ],
        (ops.LayerNorm(dim=(1, 2, 3)), MAP, None),
        (ops.Mean(1), MAP, None),  # what is left of the shape has its positions elsewhere
        (ops.Permute((1, 2, 3)), MAP, ()),
        (ops.Permute((1, 3, 2)), MAP, None),
        (ops.Transpose(2, -2), MAP, ()),
        (ops.Transpose(2, 3), MAP, None),
        (ops.Roll((1, 1), (1, 2)), MAP, None),
        (ops.GroupNorm(3), MAP, None),
        (ops.GroupNorm(3), (3,), ()),
        (ops.ReLU(), MAP, ()),
        (ops.BatchNorm(), MAP, ()),
        (ops.GlobalAvgPool(), MAP, None),
        (ops.Flatten(), MAP, None),
        (ops.Linear(5), (3,), None),
    ],
)
def test_what_an_output_sees(op: Op, x: Shape, windows: tuple[Window, ...] | None) -> None:
    assert op.windows(x) == windows


@pytest.mark.parametrize(
    ("op", "rank", "padding"),
    [
        (ops.Conv(8, 3, padding="same"), 2, (1, 1)),
        (ops.Conv(8, 4, padding="same"), 2, None),  # 3: one side has more
        (ops.Conv(8, 3, 2, "same"), 2, None),  # depends on the input's size
        (ops.Conv(8, (1, 3), (2, 1), "same"), 2, (0, 1)),
        (ops.Conv(8, 3, padding="same", dilation=2), 1, (2,)),
        (ops.Conv(8, 3, padding="valid"), 3, (0, 0, 0)),
        (ops.Conv(8, 3, padding=(2, 1)), 2, (2, 1)),
        (ops.Conv(8, 3, padding=5), 1, (5,)),
        (ops.DepthwiseConv(3, padding=((1, 1), (2, 2))), 2, (1, 2)),
        (ops.DepthwiseConv(3, padding=((1, 0), (1, 1))), 2, None),
        (ops.MaxPool(3, 2, padding=1), 2, (1, 1)),
        (ops.MaxPool(2, 2, padding=1), 2, (1, 1)),
        (ops.MaxPool(3, 2, padding=((2, 2), (2, 2))), 2, None),  # torch pads a pooling by half its kernel at most
        (ops.AvgPool(3, 2), 3, (0, 0, 0)),
        (ops.AvgPool(3, 2, padding=1), 3, None),
        (ops.AvgPool(3, 2, ceil_mode=True), 3, None),
        (ops.AvgPool(3, 2, ceil_mode=True), 2, (0, 0)),
        (ops.AvgPool(3, 2, padding=1), 2, (1, 1)),
        (ops.MaxPool(3, 2, padding=1, ceil_mode=True), 3, (1, 1, 1)),
        (ops.MaxPool(3, 3, ceil_mode="caffe"), 2, (0, 0)),
        (ops.MaxPool(2, 3, ceil_mode="caffe"), 2, None),  # a last window right of the input stays
        (ops.MaxPool(2, 3, padding=1, ceil_mode="caffe"), 2, (1, 1)),
        (ops.MaxPool(2, 3), 2, (0, 0)),
    ],
)
def test_the_padding_that_torch_can_be_told(op: Windowed, rank: int, padding: tuple[int, ...] | None) -> None:
    assert own_padding(op, rank) == padding


@pytest.mark.parametrize(
    ("op", "x", "sides", "shape"),
    [
        (ops.Conv(8, 4, padding="same"), (3, 9, 9), ((1, 2),) * 2, (3, 12, 12)),
        (ops.Conv(8, 3, 2, "same"), (3, 8, 9), ((0, 1), (1, 1)), (3, 9, 11)),
        (ops.MaxPool(3, 2, "same"), (3, 8), ((0, 1),), (3, 9)),
        (ops.MaxPool(3, 2, "same", ceil_mode=True), (3, 8), ((0, 1),), (3, 9)),
        (ops.Conv(8, 3, padding=1), (3, 9, 9), ((1, 1),) * 2, (3, 9, 9)),  # torch is told, and given no more
        (ops.AvgPool(3, 2, ceil_mode=True), (4, 7, 7, 8), ((0, 1),) * 3, (4, 8, 8, 9)),
        (ops.MaxPool(2, 3, ceil_mode="caffe"), (8, 7, 6), ((0, 2),) * 2, (8, 9, 8)),
        (ops.AvgPool(2, 4, padding=((1, 0),), ceil_mode=True), (8, 7), ((1, 1),), (8, 9)),
    ],
)
def test_padding_that_torch_is_not_told_but_given(op: Windowed, x: Shape, sides: Sides, shape: Shape) -> None:
    assert explicit_pads(op, x) == sides
    assert padded(op, x) == shape


def torch_size(n: int, kernel: int, stride: int, padding: int, ceil: bool) -> int:
    """torch.nn.MaxPool1d's: a ceiling leaves out a last window that starts right of the input and its left padding."""
    slack = n + 2 * padding - kernel
    size = (slack + (stride - 1 if ceil else 0)) // stride + 1
    return size - 1 if ceil and (size - 1) * stride >= n + padding else size


def test_every_small_pooling_is_what_torch_makes_of_its_padding() -> None:
    sizes = 0
    for k, s, sides, ceil in product(range(1, 5), range(1, 5), product(range(3), repeat=2), (False, True, "caffe")):
        op = ops.MaxPool(k, s, (sides,), ceil_mode=ceil)
        own = own_padding(op, 1)
        for n in range(k, 9):
            (_, size) = op.out_shape((1, n))
            if own is not None:
                assert torch_size(n, k, s, own[0], ceil is not False) == size, (op, n)
            (_, given) = padded(op, (1, n)) if own is None else (1, n + sum(explicit_pads(op, (1, n))[0]))
            assert torch_size(given, k, s, 0, False) == size, (op, n)
            sizes += 1
    assert sizes == sum(4 * 9 * 3 * (9 - k) for k in range(1, 5))


def test_a_window_has_one_value_for_each_axis() -> None:
    window = geometry(ops.MaxPool((2, 3), dilation=(3, 1)), 2)
    assert window == ((2, 3), (2, 3), (3, 1))
    assert window.extent == (4, 3)
    assert geometry(ops.Conv(8, 3, 2, dilation=2), 2) == ((3, 3), (2, 2), (2, 2))


def test_how_a_kernel_moves_is_told_for_each_axis() -> None:
    """No stride is the kernel's; TensorFlow pads 8 by one, at the end, for a kernel of 3 and a stride of 2."""
    pool = ops.MaxPool((2, 3), padding=1, dilation=(1, 2))
    assert sliding(pool, MAP) == ((2, 3), (2, 3), ((1, 1), (1, 1)), (1, 2))
    assert sliding(ops.Conv(8, 3, 2, "same"), (3, 8)) == ((3,), (2,), ((0, 1),), (1,))
    assert sliding(ops.ReLU(), MAP) is None


def test_scalars_of_numpy_become_pythons_own() -> None:
    op = ops.Conv(np.int64(8), (np.int64(3), 3), groups=np.int64(2))
    assert [type(n) for n in (op.out_channels, *op.kernel_size, op.groups)] == [int] * 4
    sizes = np.array([3, 5])
    assert ops.Conv(8, sizes).kernel_size is sizes
