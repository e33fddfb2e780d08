"""Known answers for every operator: arguments, input shapes, output shape, parameters and work.

No number here comes from the code under test. The comment beside a case is the hand arithmetic, or names the printed
number that it repeats. Kinds that a case does not name are expected to be zero.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from convcost import ops
from convcost.ops import Op, Params, Shape, Work


class Case(NamedTuple):
    """One operator on one tuple of inputs, and what must come out."""

    op: Op
    xs: tuple[Shape, ...]
    y: Shape
    params: Params = Params()
    work: Work = Work()

    def __str__(self) -> str:
        return f"{self.op} on {' and '.join('x'.join(map(str, x)) for x in self.xs)}"


def case(op: Op, *shapes: Shape, params: dict[str, int] | None = None, **work: int) -> Case:
    """A case of `op`: its input shapes, then the output shape."""
    *xs, y = shapes
    return Case(op, tuple(xs), y, Params(**(params or {})), Work(**work))


def conv(*args: Any, **kwargs: Any) -> ops.Conv:
    """A convolution without bias, as most of the cases are."""
    return ops.Conv(*args, bias=False, **kwargs)


CONV = (
    # Worked examples of the field (the "naive" and the reduced 5x5 of an inception module, all `same`, no bias).
    # 28*28*192*32*25 = 120,422,400; weights 192*32*25
    case(conv(32, 5, padding="same"), (192, 28, 28), (32, 28, 28), params={"weights": 153_600}, macs=120_422_400),
    # 28*28*192*16 = 2,408,448
    case(conv(16, 1), (192, 28, 28), (16, 28, 28), params={"weights": 3_072}, macs=2_408_448),
    # 28*28*16*32*25 = 10,035,200
    case(conv(32, 5, padding="same"), (16, 28, 28), (32, 28, 28), params={"weights": 12_800}, macs=10_035_200),
    # The same 5x5 as Keras' Conv2D(32, 5): valid, 24 = 28 - 4; 153,632 params; 24*24*32*192*25 = 88,473,600;
    # one add for each of the 24*24*32 outputs
    case(
        ops.Conv(32, 5),
        (192, 28, 28),
        (32, 24, 24),
        params={"weights": 153_600, "biases": 32},
        macs=88_473_600,
        adds=18_432,
    ),
    # The first of a TCN on MNIST's pixels: 25 filters of 7 and one norm of each, 25*7 + 25; 784*25*7
    case(
        ops.Conv(25, 7, padding=((6, 0),), weight_norm=True),
        (1, 784),
        (25, 784),
        params={"weights": 200, "biases": 25},
        macs=137_200,
        adds=19_600,
    ),
    # 20 filters of 1x1 on 64x64x100: 2,000 weights (+20), 64*64*100*20 = 8,192,000
    case(
        ops.Conv(20, 1),
        (100, 64, 64),
        (20, 64, 64),
        params={"weights": 2_000, "biases": 20},
        macs=8_192_000,
        adds=81_920,
    ),
    # The projection shortcut of ResNet, option B: 64*128 = 8,192 weights; 55 // 2 + 1 = 28; 28*28*8,192 = 6,422,528
    case(conv(128, 1, stride=2), (64, 56, 56), (128, 28, 28), params={"weights": 8_192}, macs=6_422_528),
    # ResNet's conv1: (224 + 6 - 7) // 2 + 1 = 112; 3*64*49 = 9,408; 9,408*112*112 = 118,013,952 (0.12e9 in the papers)
    case(conv(64, 7, stride=2, padding=3), (3, 224, 224), (64, 112, 112), params={"weights": 9_408}, macs=118_013_952),
    # LeNet-5, C1: 6 maps of 28x28, (25 + 1)*6 = 156 trainable; its 122,304 connections are 156*784:
    # 117,600 products and 4,704 biases
    case(
        ops.Conv(6, 5),
        (1, 32, 32),
        (6, 28, 28),
        params={"weights": 150, "biases": 6},
        macs=117_600,
        adds=4_704,
    ),
    # AlexNet, conv1: (227 - 11) // 4 + 1 = 55; 3*121*96 = 34,848; 34,848*3,025 = 105,415,200
    case(
        conv(96, 11, stride=4, padding="valid"),
        (3, 227, 227),
        (96, 55, 55),
        params={"weights": 34_848},
        macs=105_415_200,
    ),
    # AlexNet, conv2, two groups: 48*25*256 = 307,200; 307,200*27*27 = 223,948,800
    case(conv(256, 5, padding=2, groups=2), (96, 27, 27), (256, 27, 27), params={"weights": 307_200}, macs=223_948_800),
    # ResNeXt 32x4d, first 3x3: 128/32 = 4 channels a group; 4*9*128 = 4,608; 4,608*56*56 = 14,450,688
    case(conv(128, 3, padding=1, groups=32), (128, 56, 56), (128, 56, 56), params={"weights": 4_608}, macs=14_450_688),
    # groups = channels: a depthwise convolution, see DWCONV for the same numbers
    case(conv(16, 3, padding=1, groups=8), (8, 7, 7), (16, 7, 7), params={"weights": 144}, macs=7_056),
    # Asymmetric kernels. 1x7 of Inception v3 on 17x17, same: 128*128*7 = 114,688; *289 = 33,144,832
    case(conv(128, (1, 7), padding="same"), (128, 17, 17), (128, 17, 17), params={"weights": 114_688}, macs=33_144_832),
    # the same with its padding written out, one number per axis
    case(conv(128, (1, 7), padding=(0, 3)), (128, 17, 17), (128, 17, 17), params={"weights": 114_688}, macs=33_144_832),
    case(conv(128, (7, 1), padding=(3, 0)), (128, 17, 17), (128, 17, 17), params={"weights": 114_688}, macs=33_144_832),
    # valid 7x1: 17 - 6 = 11; 2*3*7 = 42; 42*11*17 = 7,854
    case(conv(3, (7, 1)), (2, 17, 17), (3, 11, 17), params={"weights": 42}, macs=7_854),
    # a 3x3 on a 3x3 map against 1x3 and 3x1 (81 against 27 + 27 products for one channel)
    case(conv(1, 3, padding="same"), (1, 3, 3), (1, 3, 3), params={"weights": 9}, macs=81),
    case(conv(1, (1, 3), padding="same"), (1, 3, 3), (1, 3, 3), params={"weights": 3}, macs=27),
    case(conv(1, (3, 1), padding="same"), (1, 3, 3), (1, 3, 3), params={"weights": 3}, macs=27),
    # Padding rules on 7x10. valid: (7 - 3) // 2 + 1 = 3, (10 - 3) // 2 + 1 = 4
    case(conv(1, 3, stride=2), (1, 7, 10), (1, 3, 4), params={"weights": 9}, macs=108),
    # one number, all sides: (7 + 2 - 3) // 2 + 1 = 4, (10 + 2 - 3) // 2 + 1 = 5
    case(conv(1, 3, stride=2, padding=1), (1, 7, 10), (1, 4, 5), params={"weights": 9}, macs=180),
    # (before, after) pairs: (7 + 0 + 1 - 3) // 2 + 1 = 3, (10 + 0 + 1 - 3) // 2 + 1 = 5
    case(conv(1, 3, stride=2, padding=((0, 1), (0, 1))), (1, 7, 10), (1, 3, 5), params={"weights": 9}, macs=135),
    # pairs that differ by axis: (7 + 2 + 1 - 3) // 2 + 1 = 4, (10 + 0 + 3 - 3) // 2 + 1 = 6
    case(conv(1, 3, stride=2, padding=((2, 1), (0, 3))), (1, 7, 10), (1, 4, 6), params={"weights": 9}, macs=216),
    # same, odd and even sizes: ceil(7/2) = 4, ceil(10/2) = 5
    case(conv(1, 3, stride=2, padding="same"), (1, 7, 10), (1, 4, 5), params={"weights": 9}, macs=180),
    # same keeps the size of an even kernel, which no symmetric padding can
    case(conv(1, 4, padding="same"), (1, 7, 10), (1, 7, 10), params={"weights": 16}, macs=1_120),
    # same with a stride above the kernel: ceil(7/3) = 3, ceil(10/3) = 4
    case(conv(1, 2, stride=3, padding="same"), (1, 7, 10), (1, 3, 4), params={"weights": 4}, macs=48),
    # same on a map smaller than the kernel
    case(conv(1, 5, padding="same"), (1, 1, 2), (1, 1, 2), params={"weights": 25}, macs=50),
    # dilation 2: extent 2*2 + 1 = 5; 7 - 4 = 3, 10 - 4 = 6
    case(conv(1, 3, dilation=2), (1, 7, 10), (1, 3, 6), params={"weights": 9}, macs=162),
    # dilation 2 with padding 2 keeps the size
    case(conv(1, 3, dilation=2, padding=2), (1, 7, 10), (1, 7, 10), params={"weights": 9}, macs=630),
    # per axis: extents 3 and 7, strides 2 and 1: (7 - 3) // 2 + 1 = 3, 10 - 6 = 4
    case(conv(1, 3, stride=(2, 1), dilation=(1, 3)), (1, 7, 10), (1, 3, 4), params={"weights": 9}, macs=108),
    case(conv(1, 3, dilation=3, padding="same"), (1, 7, 10), (1, 7, 10), params={"weights": 9}, macs=630),
    # 1-d: (100 + 2*2 - 5) // 3 + 1 = 34; 8*5*16 = 640; 640*34 = 21,760; 16*34 = 544 adds
    case(
        ops.Conv(16, 5, stride=3, padding=2),
        (8, 100),
        (16, 34),
        params={"weights": 640, "biases": 16},
        macs=21_760,
        adds=544,
    ),
    # 1-d, causal: pad (4, 0) with extent 2*2 + 1 = 5 keeps the length
    case(conv(4, 3, dilation=2, padding=((4, 0),)), (2, 50), (4, 50), params={"weights": 24}, macs=1_200),
    # 3-d, C3D's first layer: 3*64*27 = 5,184; 16*112*112 = 200,704 positions: 1,040,449,536 macs, 64*200,704 adds
    case(
        ops.Conv(64, 3, padding=1),
        (3, 16, 112, 112),
        (64, 16, 112, 112),
        params={"weights": 5_184, "biases": 64},
        macs=1_040_449_536,
        adds=12_845_056,
    ),
    # 3-d by axis: (5 - 2) // 1 + 1 = 4, (6 + 2 - 3) // 2 + 1 = 3, 7 - 0 = 7; 2*3*(2*3*1) = 36; 36*4*3*7 = 3,024
    case(
        conv(3, (2, 3, 1), stride=(1, 2, 1), padding=(0, 1, 0)),
        (2, 5, 6, 7),
        (3, 4, 3, 7),
        params={"weights": 36},
        macs=3_024,
    ),
)

DWCONV = (
    # MobileNet v1, first depthwise layer: 9*32 = 288; 288*112*112 = 3,612,672
    case(
        ops.DepthwiseConv(3, padding="same", bias=False),
        (32, 112, 112),
        (32, 112, 112),
        params={"weights": 288},
        macs=3_612_672,
    ),
    # its second, stride 2: ceil(112/2) = 56; 576*56*56 = 1,806,336
    case(
        ops.DepthwiseConv(3, stride=2, padding="same", bias=False),
        (64, 112, 112),
        (64, 56, 56),
        params={"weights": 576},
        macs=1_806_336,
    ),
    # Conv1 of GoogLeNet as Table 1 counts it, depthwise part: multiplier 8 of 3 channels; 49*24 = 1,176;
    # 1,176*112*112 = 14,751,744 (with the 1x1's 24*64 = 1,536 and 19,267,584: 2,712 = "2.7K", 34,019,328 = "34M")
    case(
        ops.DepthwiseConv(7, stride=2, padding=3, multiplier=8, bias=False),
        (3, 224, 224),
        (24, 112, 112),
        params={"weights": 1_176},
        macs=14_751_744,
    ),
    case(conv(64, 1), (24, 112, 112), (64, 112, 112), params={"weights": 1_536}, macs=19_267_584),
    # the convolution of 8 groups in CONV: 9*16 = 144; 144*49 = 7,056
    case(
        ops.DepthwiseConv(3, padding=1, multiplier=2, bias=False),
        (8, 7, 7),
        (16, 7, 7),
        params={"weights": 144},
        macs=7_056,
    ),
    # 1-d with bias, dilation and one-sided padding: 20 + 4 - 4 = 20; 6*3 = 18; 18*20 = 360; 6*20 = 120
    case(
        ops.DepthwiseConv(3, padding=((0, 4),), dilation=2),
        (6, 20),
        (6, 20),
        params={"weights": 18, "biases": 6},
        macs=360,
        adds=120,
    ),
    # 3-d: 4 - 1 = 3, 5 - 2 = 3, 6 - 3 = 3; 2*(2*3*4) = 48; 48*27 = 1,296
    case(ops.DepthwiseConv((2, 3, 4), bias=False), (2, 4, 5, 6), (2, 3, 3, 3), params={"weights": 48}, macs=1_296),
)

TRANSPOSED = (
    # DCGAN: (4 - 1)*2 - 2 + 3 + 1 = 8; 8*4*16 = 512; each of 8*16 inputs meets 4*16 weights: 8,192
    case(
        ops.ConvTranspose(4, 4, stride=2, padding=1, bias=False),
        (8, 4, 4),
        (4, 8, 8),
        params={"weights": 512},
        macs=8_192,
    ),
    # output_padding 1 makes 2n of a 3x3: (4 - 1)*2 - 2 + 2 + 1 + 1 = 8; 8*4*9 = 288; 128*36 = 4,608; 4*64 = 256 adds
    case(
        ops.ConvTranspose(4, 3, stride=2, padding=1, output_padding=1),
        (8, 4, 4),
        (4, 8, 8),
        params={"weights": 288, "biases": 4},
        macs=4_608,
        adds=256,
    ),
    # without it 2n - 1 = 7, and as many products
    case(
        ops.ConvTranspose(4, 3, stride=2, padding=1),
        (8, 4, 4),
        (4, 7, 7),
        params={"weights": 288, "biases": 4},
        macs=4_608,
        adds=196,
    ),
    # DCGAN's figure: as large as stride times its input, of a 5x5; 8*4*25 = 800; 128*100 = 12,800; 4*64 = 256 adds
    case(
        ops.ConvTranspose(4, 5, stride=2, padding="same"),
        (8, 4, 4),
        (4, 8, 8),
        params={"weights": 800, "biases": 4},
        macs=12_800,
        adds=256,
    ),
    # a stride of 3 leaves gaps between kernels of 2: 3*4 = 12; 2*3*2 = 12; 2*4 inputs meet 3*2 weights: 48
    case(
        ops.ConvTranspose(3, 2, stride=3, padding="same", bias=False), (2, 4), (3, 12), params={"weights": 12}, macs=48
    ),
    # FCN-32s: (10 - 1)*32 + 63 + 1 = 352; 21*21*64*64 = 1,806,336; 21*100 inputs meet 21*4,096 weights: 180,633,600
    case(
        ops.ConvTranspose(21, 64, stride=32, bias=False),
        (21, 10, 10),
        (21, 352, 352),
        params={"weights": 1_806_336},
        macs=180_633_600,
    ),
    # FCN, depthwise: groups = channels leaves 1 output channel a group: 21*4,096 = 86,016; 86,016*100 = 8,601,600
    case(
        ops.ConvTranspose(21, 64, stride=32, groups=21, bias=False),
        (21, 10, 10),
        (21, 352, 352),
        params={"weights": 86_016},
        macs=8_601_600,
    ),
    # groups 2: (3 - 1)*1 + 2 + 1 = 5; (4/2)*6*9 = 108; 4*9 inputs meet (6/2)*9 weights: 972
    case(ops.ConvTranspose(6, 3, groups=2, bias=False), (4, 3, 3), (6, 5, 5), params={"weights": 108}, macs=972),
    # per axis, dilation: (3 - 1)*1 - 0 + 2*2 + 1 = 7, (5 - 1)*3 - 2*2 + 1*3 + 2 + 1 = 14;
    # 1*1*12 = 12; 15*12 = 180
    case(
        ops.ConvTranspose(1, (3, 4), stride=(1, 3), padding=(0, 2), output_padding=(0, 2), dilation=(2, 1), bias=False),
        (1, 3, 5),
        (1, 7, 14),
        params={"weights": 12},
        macs=180,
    ),
    # 1-d (vocoder, 8 times): (10 - 1)*8 - 8 + 15 + 1 = 80; 2*3*16 = 96; 20*48 = 960; 3*80 = 240
    case(
        ops.ConvTranspose(3, 16, stride=8, padding=4),
        (2, 10),
        (3, 80),
        params={"weights": 96, "biases": 3},
        macs=960,
        adds=240,
    ),
    # 3-d (3D U-Net's up-convolution 2x2x2): 2n; 4*2*8 = 64; 4*24 inputs meet 2*8 weights: 1,536
    case(
        ops.ConvTranspose(2, 2, stride=2, bias=False),
        (4, 2, 3, 4),
        (2, 4, 6, 8),
        params={"weights": 64},
        macs=1_536,
    ),
)

LINEAR = (
    # GoogLeNet and ResNet-18: 1024*1000 (+1000), 512*1000
    case(
        ops.Linear(1000),
        (1024,),
        (1000,),
        params={"weights": 1_024_000, "biases": 1_000},
        macs=1_024_000,
        adds=1_000,
    ),
    case(ops.Linear(1000, bias=False), (512,), (1000,), params={"weights": 512_000}, macs=512_000),
    # VGG's first, on the 7x7x512 map: 25,088*4,096 = 102,760,448 (Keras' fc1: 102,764,544 with biases)
    case(
        ops.Linear(4096),
        (512, 7, 7),
        (4096,),
        params={"weights": 102_760_448, "biases": 4_096},
        macs=102_760_448,
        adds=4_096,
    ),
    # ViT-B's keys, queries and values: 768*2,304 = 1,769,472 weights at each of 197 tokens, and 197*2,304 biases
    case(
        ops.Linear(2304, dim=-1),
        (197, 768),
        (197, 2304),
        params={"weights": 1_769_472, "biases": 2_304},
        macs=348_585_984,
        adds=453_888,
    ),
    # over channels it is a 1x1 convolution; over the middle axis of three, 3*5 weights at 2*4 positions
    case(ops.Linear(16, bias=False, dim=1), (192, 28, 28), (16, 28, 28), params={"weights": 3_072}, macs=2_408_448),
    case(ops.Linear(5, dim=2), (2, 3, 4), (2, 5, 4), params={"weights": 15, "biases": 5}, macs=120, adds=40),
    # MLP-Mixer mixes its 196 patches: 196*384 = 75,264 weights for each of 768 features
    case(ops.Linear(384, bias=False, dim=-2), (196, 768), (384, 768), params={"weights": 75_264}, macs=57_802_752),
)

RBF = (
    # LeNet-5's output: 84*10 = 840 connections, each a difference and a square; an output sums 84 squares: 10*83 adds
    case(ops.RBF(10), (84,), (10,), muls=840, adds=1_670),
    # 2*3*3 = 18 differences and squares, 17 sums
    case(ops.RBF(1), (2, 3, 3), (1,), muls=18, adds=35),
)

POOL = (
    # K - 1 compares for each output element. GoogLeNet's pools, 3x3/2, 112 -> 56, which only a ceil gives:
    # (112 - 3) // 2 + 1 = 55; 8*64*56*56 = 1,605,632
    case(ops.MaxPool(3, stride=2, ceil_mode=True), (64, 112, 112), (64, 56, 56), compares=1_605_632),
    case(ops.MaxPool(3, stride=2, ceil_mode="caffe"), (64, 112, 112), (64, 56, 56), compares=1_605_632),
    # 8*64*55*55 = 1,548,800
    case(ops.MaxPool(3, stride=2), (64, 112, 112), (64, 55, 55), compares=1_548_800),
    # ResNet's: (112 + 2 - 3) // 2 + 1 = 56
    case(ops.MaxPool(3, stride=2, padding=1), (64, 112, 112), (64, 56, 56), compares=1_605_632),
    case(ops.MaxPool(3, stride=2, padding="same"), (64, 112, 112), (64, 56, 56), compares=1_605_632),
    # VGG's 2x2: the stride is the kernel's; 3*64*112*112 = 2,408,448
    case(ops.MaxPool(2), (64, 224, 224), (64, 112, 112), compares=2_408_448),
    # Rounding of (7 - 2)/2: floor 2 + 1, ceil 3 + 1. One channel, so 3 compares an output.
    case(ops.MaxPool(2), (1, 7), (1, 3), compares=3),
    case(ops.MaxPool(2, ceil_mode=True), (1, 7), (1, 4), compares=4),
    case(ops.MaxPool(2, ceil_mode="caffe"), (1, 7), (1, 4), compares=4),
    case(ops.MaxPool(2, padding="same"), (1, 7), (1, 4), compares=4),
    case(ops.MaxPool(2, padding="valid"), (1, 7), (1, 3), compares=3),
    # no rounding where the stride divides: (8 - 2)/2 + 1 = 4 under every rule
    case(ops.MaxPool(2), (1, 8), (1, 4), compares=4),
    case(ops.MaxPool(2, ceil_mode=True), (1, 8), (1, 4), compares=4),
    case(ops.MaxPool(2, ceil_mode="caffe"), (1, 8), (1, 4), compares=4),
    # Clipping, with padding: ceil((7 + 2 - 2)/2) + 1 = 5, but the fifth window would start at 8 - 1 = 7, past the end
    # (PyTorch's note on ceil_mode; Caffe does as much when there is padding)
    case(ops.MaxPool(2, padding=1, ceil_mode=True), (1, 7), (1, 4), compares=4),
    case(ops.MaxPool(2, padding=1, ceil_mode="caffe"), (1, 7), (1, 4), compares=4),
    # Clipping, without padding: ceil((4 - 1)/2) + 1 = 3, the third window starts at 4, past the end. PyTorch drops it,
    # Caffe, which looks only where there is padding, keeps it. One element: no compares.
    case(ops.MaxPool(1, stride=2, ceil_mode=True), (1, 4), (1, 2)),
    case(ops.MaxPool(1, stride=2, ceil_mode="caffe"), (1, 4), (1, 3)),
    # the same in two axes, 2x2/3 on 9: ceil((9 - 2)/3) + 1 = 4, the fourth would start at 9: 3 and 4; 3*9 and 3*16
    case(ops.MaxPool(2, stride=3, ceil_mode=True), (1, 9, 9), (1, 3, 3), compares=27),
    case(ops.MaxPool(2, stride=3, ceil_mode="caffe"), (1, 9, 9), (1, 4, 4), compares=48),
    # Caffe looks at all axes if any is padded (its pad_h || pad_w): 2x2/3 on 9 with 1 row above and below.
    # rows: ceil((9 + 2 - 2)/3) + 1 = 4, the fourth starts at 9 - 1 = 8, inside: 4. columns, clipped: 3. 3*12
    case(ops.MaxPool(2, stride=3, padding=(1, 0), ceil_mode="caffe"), (1, 9, 9), (1, 4, 3), compares=36),
    case(ops.MaxPool(2, stride=3, padding=(1, 0), ceil_mode=True), (1, 9, 9), (1, 4, 3), compares=36),
    # a window larger than the map fits under ceil if it starts inside: ceil((2 - 3)/2) + 1 = 1; 8
    case(ops.MaxPool(3, stride=2, ceil_mode=True), (1, 2, 2), (1, 1, 1), compares=8),
    # `same` rounds up whatever ceil_mode says: ceil(7/2) = 4; 8*16
    case(ops.MaxPool(3, stride=2, padding="same", ceil_mode=True), (1, 7, 7), (1, 4, 4), compares=128),
    # one-sided padding, as `same` would do on an even size: (8 + 1 - 3) // 2 + 1 = 4; 8*16
    case(ops.MaxPool(3, stride=2, padding=((0, 1), (0, 1))), (1, 8, 8), (1, 4, 4), compares=128),
    # dilation 2: extent 5; (9 - 5) // 2 + 1 = 3; 8*9
    case(ops.MaxPool(3, stride=2, dilation=2), (1, 9, 9), (1, 3, 3), compares=72),
    # kernel and stride by axis: (9 - 3) // 3 + 1 = 3, (9 - 1) // 1 + 1 = 9; 2*27
    case(ops.MaxPool((3, 1)), (1, 9, 9), (1, 3, 9), compares=54),
    # 3-d, C3D's pool1 (1x2x2) and pool2 (2x2x2): 3*64*16*56*56 = 9,633,792; 7*128*8*28*28 = 5,619,712
    case(ops.MaxPool((1, 2, 2)), (64, 16, 112, 112), (64, 16, 56, 56), compares=9_633_792),
    case(ops.MaxPool(2), (128, 16, 56, 56), (128, 8, 28, 28), compares=5_619_712),
    # K - 1 adds and one division an output. GoogLeNet's auxiliary heads: 5x5/3 on 14x14, (14 - 5) // 3 + 1 = 4;
    # 24*512*16 = 196,608; 512*16 = 8,192
    case(ops.AvgPool(5, stride=3), (512, 14, 14), (512, 4, 4), adds=196_608, divs=8_192),
    # inception v3's pool branch, 3x3/1 same: 8*192*35*35 = 1,881,600; 192*1,225 = 235,200
    case(ops.AvgPool(3, stride=1, padding="same"), (192, 35, 35), (192, 35, 35), adds=1_881_600, divs=235_200),
    case(ops.AvgPool(3, stride=1, padding=1), (192, 35, 35), (192, 35, 35), adds=1_881_600, divs=235_200),
    # DenseNet's transitions 2x2/2: 3*128*28*28 = 301,056; 100,352
    case(ops.AvgPool(2), (128, 56, 56), (128, 28, 28), adds=301_056, divs=100_352),
    # 1-d: ceil((7 - 2)/2) + 1 = 4
    case(ops.AvgPool(2, ceil_mode=True), (1, 7), (1, 4), adds=4, divs=4),
    # all at once, as a window that sees everything: 48*1024 = 49,152
    case(ops.AvgPool(7), (1024, 7, 7), (1024, 1, 1), adds=49_152, divs=1_024),
    # Global pooling comes to the same for the average: 49*1024 - 1024
    case(ops.GlobalAvgPool(), (1024, 7, 7), (1024, 1, 1), adds=49_152, divs=1_024),
    case(ops.GlobalAvgPool(), (5, 10), (5, 1), adds=45, divs=5),
    # 2*3*4 - 1 = 23 for each of 2 channels
    case(ops.GlobalMaxPool(), (2, 2, 3, 4), (2, 1, 1, 1), compares=46),
    case(ops.GlobalMaxPool(), (1024, 7, 7), (1024, 1, 1), compares=49_152),
    # Adaptive, torch's: output o sees floor(o n / k) to ceil((o + 1) n / k) - 1. 14 to 7: windows of 2x2, 3 adds each.
    case(ops.AdaptiveAvgPool(7), (512, 14, 14), (512, 7, 7), adds=75_264, divs=25_088),
    # AlexNet at 224: 6 to 6, windows of one
    case(ops.AdaptiveAvgPool(6), (256, 6, 6), (256, 6, 6), divs=9_216),
    # and at 320: 9 to 6 is 0-1, 1-2, 3-4, 4-5, 6-7, 7-8: windows of 2x2 that overlap; 3*256*36 = 27,648
    case(ops.AdaptiveAvgPool(6), (256, 9, 9), (256, 6, 6), adds=27_648, divs=9_216),
    # 5 to 3 is 0-1, 1-3, 3-4: 7 elements; 4 to 3 is 0-1, 1-2, 2-3: 6. Together 42 less 9 outputs, 2 channels
    case(ops.AdaptiveMaxPool(3), (2, 5, 4), (2, 3, 3), compares=66),
    # 2 to 5 is 0, 0, 0-1, 1, 1: 6 elements, 5 outputs; by axis, 6 to 4 is 0-1, 1-2, 3-4, 4-5: 8 elements, 4 outputs
    case(ops.AdaptiveMaxPool((5, 4)), (1, 2, 6), (1, 5, 4), compares=28),
    case(ops.AdaptiveAvgPool(4), (3, 8), (3, 4), adds=12, divs=12),
)

NORM = (
    # gamma and beta, mean and variance of 64 channels; 64*112*112 = 802,816 elements
    case(
        ops.BatchNorm(),
        (64, 112, 112),
        (64, 112, 112),
        params={"norm_affine": 128, "norm_stats": 128},
        muls=802_816,
        adds=802_816,
    ),
    # without gamma, as TF-slim's Inceptions; without both; without statistics
    case(
        ops.BatchNorm(scale=False),
        (10, 2, 2),
        (10, 2, 2),
        params={"norm_affine": 10, "norm_stats": 20},
        muls=40,
        adds=40,
    ),
    case(ops.BatchNorm(scale=False, shift=False), (10, 2), (10, 2), params={"norm_stats": 20}, muls=20, adds=20),
    case(ops.BatchNorm(stats=False), (10,), (10,), params={"norm_affine": 20}, muls=10, adds=10),
    # Groups of 2 channels of 2x2: 8 elements each. Per group 7 sums and a division for the mean, 8 differences and
    # squares, 7 sums and a division for the variance, epsilon and a root, 8 divisions: 23 adds, 8 muls, 10 divs; gamma
    # and beta: 24 each
    case(
        ops.GroupNorm(3),
        (6, 2, 2),
        (6, 2, 2),
        params={"norm_affine": 12},
        adds=3 * 23 + 24,
        muls=3 * 8 + 24,
        divs=30,
        exps=3,
    ),
    case(ops.GroupNorm(1, affine=False), (4,), (4,), adds=11, muls=4, divs=6, exps=1),
    # each channel alone: 4 elements, 3 + 4 + 3 + 1 adds, 4 squares, 2 + 4 divisions; no gamma and beta by default
    case(ops.InstanceNorm(), (3, 4), (3, 4), adds=33, muls=12, divs=18, exps=3),
    case(ops.InstanceNorm(affine=True), (3, 4), (3, 4), params={"norm_affine": 6}, adds=45, muls=24, divs=18, exps=3),
    # ConvNeXt-T's first, of 96 channels at 56x56 = 3,136 positions, 301,056 elements: 3*96 - 1 adds and 96 for beta a
    # position, 96 and 96 muls, 98 divs
    case(
        ops.LayerNorm(),
        (96, 56, 56),
        (96, 56, 56),
        params={"norm_affine": 192},
        adds=3_136 * 383,
        muls=3_136 * 192,
        divs=3_136 * 98,
        exps=3_136,
    ),
    case(ops.LayerNorm(affine=False), (4,), (4,), adds=11, muls=4, divs=6, exps=1),
    # tokens: 5 parts of 4, 11 adds and 4 for beta each; all of 3*4 as one part, 12 gammas: 3*12 - 1 adds and 12
    case(ops.LayerNorm(dim=-1), (5, 4), (5, 4), params={"norm_affine": 8}, adds=75, muls=40, divs=30, exps=5),
    case(ops.LayerNorm(dim=(-2, -1)), (3, 4), (3, 4), params={"norm_affine": 24}, adds=47, muls=24, divs=14, exps=1),
    case(ops.LayerNorm(dim=3), (2, 3, 4), (2, 3, 4), params={"norm_affine": 8}, adds=90, muls=48, divs=36, exps=6),
    # per part of 4: 4 squares, 3 sums and epsilon, 1 + 4 divisions, a root; 4 products by gamma
    case(ops.RMSNorm(), (5, 4), (5, 4), params={"norm_affine": 4}, adds=20, muls=40, divs=25, exps=5),
    case(ops.RMSNorm(affine=False), (4,), (4,), adds=4, muls=4, divs=5, exps=1),
    case(ops.RMSNorm(dim=(1, 2)), (3, 4), (3, 4), params={"norm_affine": 12}, adds=12, muls=24, divs=13, exps=1),
    case(ops.RMSNorm(dim=1), (4, 5), (4, 5), params={"norm_affine": 4}, adds=20, muls=40, divs=25, exps=5),
    # two channels of 12: 24 squares, 22 sums, 2 roots; their mean: a sum and a division; epsilon; 2 quotients;
    # per element two products and two sums
    case(ops.GRN(), (2, 3, 4), (2, 3, 4), params={"norm_affine": 4}, muls=72, adds=72, exps=2, divs=3),
    case(ops.GRN(-1), (3, 4, 2), (3, 4, 2), params={"norm_affine": 4}, muls=72, adds=72, exps=2, divs=3),
    case(ops.LayerScale(dim=-1), (56, 96), (56, 96), params={"weights": 96}, muls=5_376),
    case(ops.LayerScale(), (96, 56, 56), (96, 56, 56), params={"weights": 96}, muls=301_056),
    # Keras' EfficientNets begin with it: 3 means, 3 variances, one count; a difference and a quotient per element
    case(
        ops.Normalize(),
        (3, 224, 224),
        (3, 224, 224),
        params={"norm_stats": 7},
        adds=150_528,
        divs=150_528,
    ),
    case(ops.Normalize(), (5, 4), (5, 4), params={"norm_stats": 11}, adds=20, divs=20),
    # GoogLeNet's first: 64*56*56 = 200,704 elements; a square and a scaling each, 5 adds, a power, a division
    case(
        ops.LocalResponseNorm(5),
        (64, 56, 56),
        (64, 56, 56),
        muls=401_408,
        adds=1_003_520,
        exps=200_704,
        divs=200_704,
    ),
    case(ops.LocalResponseNorm(3), (2, 4), (2, 4), muls=16, adds=24, exps=8, divs=8),
)

E = 2 * 3 * 4
"""Elements of the tensor on which the pointwise operators are counted."""


def pointwise(op: Op, **work: int) -> Case:
    """Each kind of work once for every element, times the given number."""
    return case(op, (2, 3, 4), (2, 3, 4), **{kind: n * E for kind, n in work.items()})


POINTWISE = (
    pointwise(ops.Dropout()),
    pointwise(ops.ReLU(), compares=1),
    pointwise(ops.ReLU6(), compares=2),  # with 0 and with 6
    pointwise(ops.HardTanh(0, 6), compares=2),
    pointwise(ops.LeakyReLU(), compares=1, muls=1),
    pointwise(ops.LeakyReLU(0.2), compares=1, muls=1),
    pointwise(ops.ELU(), compares=1, muls=1, adds=1, exps=1),  # alpha * (exp(x) - 1)
    pointwise(ops.SELU(), compares=1, muls=2, adds=1, exps=1),
    pointwise(ops.Softplus(), exps=2, adds=1),  # log(1 + exp(x))
    pointwise(ops.Mish(), exps=3, adds=3, muls=2, divs=1),  # softplus, tanh, and a product
    # a slope for all, or one for each of 2 channels
    case(ops.PReLU(), (2, 3, 4), (2, 3, 4), params={"weights": 1}, compares=24, muls=24),
    case(ops.PReLU(2), (2, 3, 4), (2, 3, 4), params={"weights": 2}, compares=24, muls=24),
    case(ops.PReLU(10), (10,), (10,), params={"weights": 10}, compares=10, muls=10),
    pointwise(ops.Sigmoid(), exps=1, adds=1, divs=1),
    pointwise(ops.Tanh(), exps=1, adds=2, muls=1, divs=1),  # (e - 1) / (e + 1) with e = exp(2x)
    pointwise(ops.Swish(), exps=1, adds=1, divs=1, muls=1),
    pointwise(ops.GELU(), muls=3, adds=1, exps=1),  # x/2 * (1 + erf(x * 0.707)), as torch's docs define it
    # x/2 * (1 + tanh(0.798 * (x + 0.0447 * x*x*x))): 6 products and 2 sums, besides those of tanh above
    pointwise(ops.GELU("tanh"), muls=7, adds=4, exps=1, divs=1),
    pointwise(ops.HardSigmoid(), adds=1, compares=2, divs=1),
    pointwise(ops.HardSwish(), adds=1, compares=2, divs=1, muls=1),
    pointwise(ops.Scale(), muls=1),
    pointwise(ops.Shift(), adds=1),
    pointwise(ops.Exp(), exps=1),
    pointwise(ops.Log(), exps=1),
    pointwise(ops.Sqrt(), exps=1),
    pointwise(ops.Rsqrt(), exps=1, divs=1),
    pointwise(ops.Square(), muls=1),
    pointwise(ops.Abs(), compares=1),
    # 4*3 sigmoids and products
    case(ops.GLU(), (8, 3), (4, 3), exps=12, adds=12, divs=12, muls=12),
    case(ops.GLU(-1), (3, 8), (3, 4), exps=12, adds=12, divs=12, muls=12),
    case(ops.ReLU(), (1000,), (1000,), compares=1_000),
    # one vector of 1000: 999 compares, 1000 subtractions and 999 adds
    case(ops.Softmax(), (1000,), (1000,), compares=999, adds=1_999, exps=1_000, divs=1_000),
    # 12 vectors of 5, one per position: 12*4 compares, 12*(5 + 4) adds, 60 of each
    case(ops.Softmax(), (5, 3, 4), (5, 3, 4), compares=48, adds=108, exps=60, divs=60),
    # x - max - log(sum exp(x - max)): twice 60 differences, 12*4 sums; 60 exponentials and 12 logarithms
    # attention's: 3*4 vectors of 5, over the last axis; 3*5 vectors of 4, over the middle one
    case(ops.Softmax(dim=-1), (3, 4, 5), (3, 4, 5), compares=48, adds=108, exps=60, divs=60),
    case(ops.Softmax(dim=2), (3, 4, 5), (3, 4, 5), compares=45, adds=105, exps=60, divs=60),
    case(ops.LogSoftmax(dim=-1), (3, 4, 5), (3, 4, 5), compares=48, adds=168, exps=72),
    case(ops.LogSoftmax(), (5, 3, 4), (5, 3, 4), compares=48, adds=168, exps=72),
)

TENSOR = (
    # ResNet's residual: 256*56*56 = 802,816
    case(ops.Add(), (256, 56, 56), (256, 56, 56), (256, 56, 56), adds=802_816),
    # two adds for three tensors
    case(ops.Add(), (4, 5), (4, 5), (4, 5), (4, 5), adds=40),
    # SE: a gate per channel, as a map of 1x1 or as features: 64*56*56 = 200,704
    case(ops.Multiply(), (64, 56, 56), (64, 1, 1), (64, 56, 56), muls=200_704),
    case(ops.Multiply(), (64, 56, 56), (64,), (64, 56, 56), muls=200_704),
    case(ops.Multiply(), (64,), (64, 56, 56), (64, 56, 56), muls=200_704),
    # spatial attention, one gate per position
    case(ops.Multiply(), (1, 7, 7), (32, 7, 7), (32, 7, 7), muls=1_568),
    # both ways at once: (4, 1, 3) and (1, 2, 3) make (4, 2, 3)
    case(ops.Multiply(), (4, 1, 3), (1, 2, 3), (4, 2, 3), muls=24),
    # three factors: two multiplications an element
    case(ops.Multiply(), (4, 6, 6), (4, 1, 1), (1, 6, 6), (4, 6, 6), muls=288),
    # GCNet adds a context to every position
    case(ops.Add(broadcast=True), (64, 56, 56), (64, 1, 1), (64, 56, 56), adds=200_704),
    case(ops.Add(broadcast=True), (64,), (64, 56, 56), (64, 56, 56), adds=200_704),
    case(ops.Subtract(), (3, 4), (3, 1), (3, 4), adds=12),
    case(ops.Divide(), (1, 3, 4), (2, 3, 1), (2, 3, 4), divs=24),
    case(ops.Power(), (2, 3, 4), (2, 3, 4), (2, 3, 4), exps=24),
    # ViT-B's 12 heads: 197*197*12 = 465,708 scores of 64 products
    case(ops.MatMul(), (12, 197, 64), (12, 64, 197), (12, 197, 197), macs=29_805_312),
    case(ops.MatMul(), (3, 4), (4, 5), (3, 5), macs=60),
    case(ops.MatMul(), (1, 3, 4), (2, 4, 5), (2, 3, 5), macs=120),
    # all of it: 64 products for a score and 64 with the values, a scaling, and softmax of 2,364 vectors of 197
    case(
        ops.Attention(),
        (12, 197, 64),
        (12, 197, 64),
        (12, 197, 64),
        (12, 197, 64),
        macs=59_610_624,
        compares=463_344,
        adds=929_052,
        muls=465_708,
        exps=465_708,
        divs=465_708,
    ),
    # 2 queries and 3 keys of 4, values of 5: 6 scores, 24 + 30
    case(ops.Attention(), (2, 4), (3, 4), (3, 5), (2, 5), macs=54, compares=4, adds=10, muls=6, exps=6, divs=6),
    # Swin-T's first windows, 3 heads of 49 tokens of 32: 7,203 scores, 147 vectors, and a bias for each score
    case(
        ops.MaskedAttention(),
        (3, 49, 32),
        (3, 49, 32),
        (3, 49, 32),
        (3, 49, 49),
        (3, 49, 32),
        macs=460_992,
        compares=7_056,
        adds=21_462,
        muls=7_203,
        exps=7_203,
        divs=7_203,
    ),
    # ViT-B's: 4*768*768 weights and 4*768 biases; 197*2,359,296 = 464,781,312 of projections, and the attention above;
    # 4*197*768 = 605,184 adds of biases
    case(
        ops.SelfAttention(12),
        (197, 768),
        (197, 768),
        params={"weights": 2_359_296, "biases": 3_072},
        macs=524_391_936,
        compares=463_344,
        adds=1_534_236,
        muls=465_708,
        exps=465_708,
        divs=465_708,
    ),
    # 2 queries of 4, 3 keys of 5, 3 values of 6: weights 4*4 + 5*4 + 6*4 + 4*4; 2*16 + 3*20 + 3*24 + 2*16 = 196 macs;
    # 2 heads of 2*3 scores, each of 2 + 2 macs, 4 vectors; 4 adds of biases for each of 2 + 3 + 3 + 2 tokens
    case(
        ops.MultiheadAttention(2),
        (2, 4),
        (3, 5),
        (3, 6),
        (2, 4),
        params={"weights": 76, "biases": 16},
        macs=244,
        compares=8,
        adds=60,
        muls=12,
        exps=12,
        divs=12,
    ),
    case(
        ops.MultiheadAttention(1, bias=False),
        (2, 4),
        (2, 4),
        (2, 4),
        (2, 4),
        params={"weights": 64},
        macs=160,
        compares=2,
        adds=6,
        muls=4,
        exps=4,
        divs=4,
    ),
    # BERT's words: 30,522*768
    case(ops.Embedding(30_522, 768), (128,), (128, 768), params={"weights": 23_440_896}),
    case(ops.Embedding(10, 3), (4, 5), (4, 5, 3), params={"weights": 30}),
    # 4*128*(64 + 128) weights, twice 4*128 biases; 10 tokens; of 10*128 units 12 + 8 adds, and 5 of each
    case(
        ops.LSTM(128),
        (10, 64),
        (10, 128),
        params={"weights": 98_304, "biases": 1_024},
        macs=983_040,
        adds=25_600,
        muls=6_400,
        divs=6_400,
        exps=6_400,
    ),
    # both ways: 4*2*3*(4 + 3) = 168, then 4*2*3*(6 + 3) = 216; 5*2*6 = 60 units
    case(
        ops.LSTM(3, 2, bias=False, bidirectional=True),
        (5, 4),
        (5, 6),
        params={"weights": 384},
        macs=1_920,
        adds=720,
        muls=300,
        divs=300,
        exps=300,
    ),
    # 3*128*(64 + 128), twice 3*128; of 1,280 units 9 + 6 adds, 4 products, 3 divisions and exponentials
    case(
        ops.GRU(128),
        (10, 64),
        (10, 128),
        params={"weights": 73_728, "biases": 768},
        macs=737_280,
        adds=19_200,
        muls=5_120,
        divs=3_840,
        exps=3_840,
    ),
    # inception 3a of GoogLeNet: 64 + 128 + 32 + 32 = 256
    case(ops.Concat(), (64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28), (256, 28, 28)),
    case(ops.Concat(), (3,), (4,), (7,)),
    # a class token before 196 patches; two maps side by side
    case(ops.Concat(), (1, 768), (196, 768), (197, 768)),
    case(ops.Concat(dim=-1), (3, 5, 2), (3, 5, 4), (3, 5, 6)),
    case(ops.Concat(dim=2), (3, 5, 2), (3, 1, 2), (3, 6, 2)),
    # ShuffleNet v2 halves its channels; AlexNet's towers
    case(ops.Split(2, 0), (116, 28, 28), (58, 28, 28)),
    case(ops.Split(2, 1), (116, 28, 28), (58, 28, 28)),
    case(ops.Split(3, 2), (12,), (4,)),
    # queries, keys and values of 197 tokens
    case(ops.Split(3, 1, dim=-1), (197, 2304), (197, 768)),
    case(ops.Split(2, 1, dim=2), (3, 8, 5), (3, 4, 5)),
    # x[:, 0:1], the class token; x[:, 1:]; the last two; x[:, :, ::2] of 7 is 0, 2, 4, 6; 1, 4 of x[..., 1:-1:3]
    case(ops.Slice(1, 0, 1), (197, 768), (1, 768)),
    case(ops.Slice(1, 1), (197, 768), (196, 768)),
    case(ops.Slice(-1, -2), (3, 5, 6), (3, 5, 2)),
    case(ops.Slice(2, step=2), (3, 7, 6), (3, 4, 6)),
    case(ops.Slice(3, 1, -1, 3), (3, 5, 7), (3, 5, 2)),
    case(ops.ChannelShuffle(3), (240, 28, 28), (240, 28, 28)),
    # VGG: 512*7*7 = 25,088
    case(ops.Flatten(), (512, 7, 7), (25_088,)),
    case(ops.Flatten(), (10,), (10,)),
    # the patches of ViT: 14*14 = 196; the first two axes of three
    case(ops.Flatten(2), (768, 14, 14), (768, 196)),
    case(ops.Flatten(1, 2), (3, 4, 5), (12, 5)),
    case(ops.Flatten(-2), (3, 4, 5), (3, 20)),
    # 12 heads of 64 features; 25,088 / 49 = 512; 60 / 5 / 3 = 4
    case(ops.Reshape((197, 12, -1)), (197, 768), (197, 12, 64)),
    case(ops.Reshape((768, 1, 197)), (197, 768), (768, 1, 197)),
    case(ops.Reshape((-1, 7, 7)), (25_088,), (512, 7, 7)),
    case(ops.Reshape((5, -1, 3)), (3, 4, 5), (5, 4, 3)),
    case(ops.Reshape((2, 2, -1)), (4, 9), (2, 2, 9)),
    case(ops.Permute((2, 3, 1)), (96, 56, 55), (56, 55, 96)),
    # Swin shifts its windows by half
    case(ops.Roll((-3, -3), (1, 2)), (56, 56, 96), (56, 56, 96)),
    case(ops.Roll(1, -1), (5, 6), (5, 6)),
    case(ops.Permute((2, 1)), (768, 196), (196, 768)),
    case(ops.Transpose(1, 2), (768, 196), (196, 768)),
    case(ops.Transpose(-1, 1), (3, 4, 5), (5, 4, 3)),
    # ViT-B's position embedding: 197*768 = 151,296
    case(ops.Parameter((197, 768)), (197, 768), params={"weights": 151_296}),
    case(ops.Parameter((10,)), (10,), params={"weights": 10}),
    # Swin-T's relative positions, 3 heads in windows of 7 x 7: 13 * 13 * 3
    case(ops.Parameter((3, 49, 49), learned=507), (3, 49, 49), params={"weights": 507}),
    # ESPCN's last layer, 3 colours of 3x3: 27 channels
    case(ops.PixelShuffle(3), (27, 5, 7), (3, 15, 21)),
    case(ops.PixelShuffle(2), (8, 3), (4, 6)),
    # YOLOv5's focus: 640 to 320, 3 to 12 channels
    case(ops.PixelUnshuffle(2), (3, 640, 640), (12, 320, 320)),
    case(ops.PixelUnshuffle(3), (2, 6), (6, 2)),
    # CBAM's maps of channels: 31 sums and a division at each of 49 positions
    case(ops.Mean(1, keepdim=True), (32, 7, 7), (1, 7, 7), adds=1_519, divs=49),
    case(ops.Amax(1, keepdim=True), (32, 7, 7), (1, 7, 7), compares=1_519),
    # a global pooling: 48 sums for each of 32
    case(ops.Mean((2, 3)), (32, 7, 7), (32,), adds=1_536, divs=32),
    case(ops.Mean((-1, -2)), (32, 7, 7), (32,), adds=1_536, divs=32),
    case(ops.Sum(-1), (2, 3, 4), (2, 3), adds=18),
    case(ops.Sum((1, 2, 3), keepdim=True), (2, 3, 4), (1, 1, 1), adds=23),
    case(ops.Amax(2), (2, 3, 4), (2, 4), compares=16),
    # 224 + 3 + 3; by axis 5 + 1 + 1, 6 + 2 + 2; one-sided 5 + 0 + 1, 6 + 1 + 0
    case(ops.ZeroPad(3), (3, 224, 224), (3, 230, 230)),
    case(ops.ZeroPad((1, 2)), (3, 5, 6), (3, 7, 10)),
    case(ops.ZeroPad(((0, 1), (1, 0))), (3, 5, 6), (3, 6, 7)),
    # negative numbers cut: 5 - 1 - 1, 6 - 1 - 1; NASNet's shift 5 - 1 + 1, 6 - 1 + 1
    case(ops.ZeroPad(-1), (3, 5, 6), (3, 3, 4)),
    case(ops.ZeroPad(((-1, 1), (-1, 1))), (3, 5, 6), (3, 5, 6)),
    # CycleGAN's first layer mirrors 3; 5 + 1 + 1, 6 + 2 + 2; one-sided 5 + 0 + 1, 6 + 1 + 0
    case(ops.Pad(3, "reflect"), (3, 256, 256), (3, 262, 262)),
    case(ops.Pad((1, 2), "replicate"), (3, 5, 6), (3, 7, 10)),
    case(ops.Pad(((0, 1), (1, 0)), "circular"), (3, 5, 6), (3, 6, 7)),
    case(ops.Pad(2, value=1), (3, 5), (3, 9)),
    case(ops.Pad(((0, 1), (0, 1)), value="-inf"), (3, 5, 6), (3, 6, 7)),
    # ResNet's option A: 64 channels become 128
    case(ops.ChannelPad(64), (64, 28, 28), (128, 28, 28)),
    case(ops.ChannelPad(24, before=8), (32, 28, 28), (64, 28, 28)),
    # FPN's nearest moves numbers; bilinear: 4 products and 3 sums for each of 2*6*8 = 96
    case(ops.Upsample(2), (256, 7, 7), (256, 14, 14)),
    case(ops.Upsample((2, 3)), (2, 3, 4), (2, 6, 12)),
    case(ops.Upsample(4), (2, 5), (2, 20)),
    # 5*1.5 = 7.5, 7*1.5 = 10.5; half of 5 and 4, with 4 products and 3 sums for each of 2*2*2; 3*1.5 = 4.5
    case(ops.Upsample(Fraction(3, 2)), (2, 5, 7), (2, 7, 10)),
    case(ops.Upsample(0.5, mode="bilinear"), (2, 5, 4), (2, 2, 2), muls=32, adds=24),
    case(ops.Upsample((1.5, 2)), (2, 3, 4), (2, 4, 8)),
    case(ops.Upsample(2, mode="bilinear"), (2, 3, 4), (2, 6, 8), muls=384, adds=288),
    # to a size: nearest moves numbers, bilinear has 4 products and 3 sums for each of 2*5*3 = 30, bicubic 16 and 15,
    # linear 2 and 1 for each of 2*7, trilinear 8 and 7 for each of 1*2*3*4 = 24
    case(ops.Resize((5, 3)), (2, 3, 4), (2, 5, 3)),
    case(ops.Resize(7, "linear"), (2, 3), (2, 7), muls=28, adds=14),
    case(ops.Resize((5, 3), "bilinear"), (2, 3, 4), (2, 5, 3), muls=120, adds=90),
    case(ops.Resize((5, 3), "bicubic"), (2, 3, 4), (2, 5, 3), muls=480, adds=450),
    case(ops.Resize((2, 3, 4), "trilinear"), (1, 5, 5, 5), (1, 2, 3, 4), muls=192, adds=168),
    # FPN at 800x1333: 25x42 to 50x84, whatever the other's channels
    case(ops.ResizeLike(), (256, 25, 42), (512, 50, 84), (256, 50, 84)),
    case(ops.ResizeLike("bilinear"), (2, 3, 4), (1, 5, 3), (2, 5, 3), muls=120, adds=90),
    # a spatial transformer on MNIST: 4 products and 3 sums for each of 784; bicubic 16 and 15, of three axes 8 and 7
    case(ops.GridSample(), (1, 28, 28), (28, 28, 2), (1, 28, 28), muls=3_136, adds=2_352),
    case(ops.GridSample("nearest", "border"), (3, 8, 9), (4, 5, 2), (3, 4, 5)),
    case(ops.GridSample("bicubic"), (2, 3, 4), (5, 3, 2), (2, 5, 3), muls=480, adds=450),
    case(ops.GridSample(), (1, 5, 5, 5), (2, 3, 4, 3), (1, 2, 3, 4), muls=192, adds=168),
    # the last stage of ResNet-50 with deformable convolutions: 512*512*9 = 2,359,296 weights at 49 positions, and
    # 512*9*49 = 225,792 taps of 4 products and 3 sums
    case(
        ops.DeformConv(512, 3, padding=1, bias=False),
        (512, 7, 7),
        (18, 7, 7),
        (512, 7, 7),
        params={"weights": 2_359_296},
        macs=115_605_504,
        muls=903_168,
        adds=677_376,
    ),
    # two parts of channels that move alone: 4*9 = 36 taps; 2*9 adds of biases
    case(
        ops.DeformConv(2, 1),
        (4, 3, 3),
        (4, 3, 3),
        (2, 3, 3),
        params={"weights": 8, "biases": 2},
        macs=72,
        muls=144,
        adds=126,
    ),
    # (8 + 2 - 3) // 2 + 1 = 4, (9 + 2 - 2) // 2 + 1 = 5; 3*4*6 = 72 weights at 20 positions; 6*6*20 = 720 taps, each
    # with a product by the mask; 4*20 adds of biases
    case(
        ops.ModulatedDeformConv(4, (3, 2), stride=2, padding=1, groups=2),
        (6, 8, 9),
        (12, 4, 5),
        (6, 4, 5),
        (4, 4, 5),
        params={"weights": 72, "biases": 4},
        macs=1_440,
        muls=3_600,
        adds=2_240,
    ),
    # Zhang's ResNet-50 blurs 64 maps of 112: (112 + 2 - 3) // 2 + 1 = 56, 9*64*56*56; four taps on (8 + 3 - 4) // 2 + 1
    case(ops.BlurPool(), (64, 112, 112), (64, 56, 56), macs=1_806_336),
    case(ops.BlurPool(4, padding=((1, 2), (1, 2))), (3, 8, 8), (3, 4, 4), macs=768),
    case(ops.BlurPool(5, 1, mode="replicate"), (2, 9), (2, 9), macs=90),
    case(ops.StochasticDepth(0.2), (64, 56, 56), (64, 56, 56)),
)

CASES: tuple[Case, ...] = (
    *CONV,
    *DWCONV,
    *TRANSPOSED,
    *LINEAR,
    *RBF,
    *POOL,
    *NORM,
    *POINTWISE,
    *TENSOR,
)


class Refused(NamedTuple):
    """An operator of the registry with arguments that no input makes good, and the line that says so."""

    name: str
    arguments: dict[str, Any]
    message: str


GOOD: dict[str, dict[str, Any]] = {
    "conv": {"out_channels": 8, "kernel_size": 3},
    "dwconv": {"kernel_size": 3},
    "conv_transpose": {"out_channels": 8, "kernel_size": 3},
    "linear": {"out_features": 10},
    "rbf": {"out_features": 10},
    "maxpool": {"kernel_size": 3},
    "avgpool": {"kernel_size": 3},
    "adaptive_maxpool": {"output_size": 7},
    "adaptive_avgpool": {"output_size": 7},
    "groupnorm": {"num_groups": 2},
    "pixel_shuffle": {"upscale_factor": 2},
    "pixel_unshuffle": {"downscale_factor": 2},
    "mean": {"dim": 1},
    "sum": {"dim": 1},
    "amax": {"dim": 1},
    "split": {"parts": 2, "index": 0},
    "slice": {"dim": 1},
    "reshape": {"shape": (2, 3)},
    "permute": {"dims": (2, 1)},
    "roll": {"shifts": 1, "dims": 1},
    "transpose": {"dim0": 1, "dim1": 2},
    "pad": {"padding": 1},
    "multihead_attention": {"num_heads": 2},
    "multihead_self_attention": {"num_heads": 2},
    "lstm": {"hidden_size": 8},
    "gru": {"hidden_size": 8},
    "embedding": {"num_embeddings": 10, "embedding_dim": 4},
    "deform_conv": {"out_channels": 8, "kernel_size": 3},
    "modulated_deform_conv": {"out_channels": 8, "kernel_size": 3},
    "parameter": {"shape": (2, 3)},
    "shuffle": {"groups": 2},
    "zeropad": {"padding": 1},
    "channelpad": {"after": 1},
    "upsample": {"scale_factor": 2},
    "resize": {"size": 7},
}
"""Arguments that an operator cannot do without."""

ONE = ("one",)
AXES = ("one", "axes")
SIDES = ("one", "axes", "sides")
WINDOW = {"kernel_size": (1, AXES), "stride": (1, AXES), "dilation": (1, AXES), "padding": (0, SIDES)}
INTEGERS: dict[str, dict[str, tuple[int | None, tuple[str, ...]]]] = {
    "conv": {"out_channels": (1, ONE), "groups": (1, ONE), **WINDOW},
    "dwconv": {"multiplier": (1, ONE), **WINDOW},
    "conv_transpose": {
        "out_channels": (1, ONE),
        "groups": (1, ONE),
        **WINDOW,
        "padding": (0, AXES),
        "output_padding": (0, AXES),
    },
    "deform_conv": {"out_channels": (1, ONE), "groups": (1, ONE), **WINDOW},
    "modulated_deform_conv": {"out_channels": (1, ONE), "groups": (1, ONE), **WINDOW},
    "blurpool": {"kernel_size": (1, ONE), "stride": (1, ONE), "padding": (0, SIDES)},
    "transpose": {"dim0": (None, ONE), "dim1": (None, ONE)},
    "pad": {"padding": (0, SIDES)},
    "multihead_attention": {"num_heads": (1, ONE)},
    "multihead_self_attention": {"num_heads": (1, ONE)},
    "lstm": {"hidden_size": (1, ONE), "num_layers": (1, ONE)},
    "gru": {"hidden_size": (1, ONE), "num_layers": (1, ONE)},
    "embedding": {"num_embeddings": (1, ONE), "embedding_dim": (1, ONE)},
    "linear": {"out_features": (1, ONE), "dim": (None, ONE)},
    "layernorm": {"dim": (None, AXES)},
    "layer_scale": {"dim": (None, ONE)},
    "softmax": {"dim": (None, ONE)},
    "log_softmax": {"dim": (None, ONE)},
    "concat": {"dim": (None, ONE)},
    "slice": {"dim": (None, ONE), "start": (None, ONE), "stop": (None, ONE), "step": (1, ONE)},
    "flatten": {"start_dim": (None, ONE), "end_dim": (None, ONE)},
    "reshape": {"shape": (None, AXES)},
    "permute": {"dims": (None, AXES)},
    "roll": {"shifts": (None, AXES), "dims": (None, AXES)},
    "rmsnorm": {"dim": (None, AXES)},
    "grn": {"dim": (None, ONE)},
    "glu": {"dim": (None, ONE)},
    "parameter": {"learned": (1, ONE), "shape": (1, AXES)},
    "rbf": {"out_features": (1, ONE)},
    "maxpool": WINDOW,
    "avgpool": {name: WINDOW[name] for name in ("kernel_size", "stride", "padding")},
    "adaptive_maxpool": {"output_size": (1, AXES)},
    "adaptive_avgpool": {"output_size": (1, AXES)},
    "prelu": {"num_parameters": (1, ONE)},
    "groupnorm": {"num_groups": (1, ONE)},
    "pixel_shuffle": {"upscale_factor": (1, ONE)},
    "pixel_unshuffle": {"downscale_factor": (1, ONE)},
    "mean": {"dim": (None, AXES)},
    "sum": {"dim": (None, AXES)},
    "amax": {"dim": (None, AXES)},
    "lrn": {"size": (1, ONE)},
    "split": {"parts": (1, ONE), "index": (0, ONE), "dim": (None, ONE)},
    "shuffle": {"groups": (1, ONE)},
    "zeropad": {"padding": (None, SIDES)},
    "channelpad": {"after": (0, ONE), "before": (0, ONE)},
    "upsample": {"scale_factor": (1, AXES)},
    "resize": {"size": (1, AXES)},
}
"""Every argument that is a number: the least it may be, if anything, and whether it may be one per axis or per side."""

OPTIONAL = (
    *(("maxpool", "stride"), ("avgpool", "stride"), ("linear", "dim"), ("slice", "stop"), ("blurpool", "padding")),
    ("parameter", "learned"),
)
"""Those that may be none."""

BOOLEANS = {
    "conv": ("bias", "weight_norm"),
    "dwconv": ("bias",),
    "conv_transpose": ("bias",),
    "deform_conv": ("bias",),
    "modulated_deform_conv": ("bias",),
    "multihead_attention": ("bias",),
    "multihead_self_attention": ("bias",),
    "lstm": ("bias", "bidirectional"),
    "gru": ("bias", "bidirectional"),
    "linear": ("bias",),
    "bn": ("scale", "shift", "stats"),
    "groupnorm": ("affine",),
    "instancenorm": ("affine",),
    "layernorm": ("affine",),
    "rmsnorm": ("affine",),
    "add": ("broadcast",),
    "mean": ("keepdim",),
    "sum": ("keepdim",),
    "amax": ("keepdim",),
}
WORDS = {
    "maxpool": ("ceil_mode",),
    "avgpool": ("ceil_mode",),
    "upsample": ("mode",),
    "resize": ("mode",),
    "resize_like": ("mode",),
    "gelu": ("approximate",),
    "pad": ("mode",),
    "blurpool": ("mode",),
    "grid_sample": ("mode", "padding_mode"),
}


NUMBERS = {
    "dropout": ("p",),
    "stochastic_depth": ("p",),
    "pad": ("value",),
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "hardtanh": ("min_val", "max_val"),
}
"""Arguments that no count depends on: any number will do."""


def _refused_integers() -> list[Refused]:
    found = []
    for name, arguments in INTEGERS.items():
        for argument, (least, forms) in arguments.items():
            # True is no number of channels, and 3.0 or "3" no more than 3.5: nothing is converted.
            bad: list[tuple[Any, str]] = [(True, "True"), (3.0, "3.0"), (float("nan"), "nan")]
            bad += [(Fraction(3), "3"), (3j, "3j"), (b"3", "b'3'"), ([3, 3], "[3, 3]")]
            if (name, argument) != ("upsample", "scale_factor"):
                bad += [(3.5, "3.5"), (Fraction(3, 2), "3/2")]
            if (name, argument) not in OPTIONAL:
                bad += [(None, "None")]
            if argument != "padding" or name in ("zeropad", "conv_transpose", "pad", "blurpool"):
                bad += [
                    ("3", "'3'"),
                    *([("same", "'same'")] if name != "conv_transpose" or argument != "padding" else []),
                ]
            low: list[tuple[Any, str]] = [(-1, "-1"), (-(10**70), f"-1{'0' * 55}...")]
            if least == 1:
                low += [(0, "0")]
            if "axes" in forms:
                bad += [((3, 3.0), "(3, 3.0)"), ((3, "x"), "(3, 'x')"), ((False, 3), "(False, 3)")]
                low += [((3, -1), "(3, -1)")]
            else:
                bad += [((3, 3), "(3, 3)")]
            if "sides" in forms:
                bad += [(((3, 3), (3, 3.5)), "((3, 3), (3, 3.5))"), (((3, (3, 3)), 3), "((3, (3, 3)), 3)")]
                low += [(((3, 3), (3, -1)), "((3, 3), (3, -1))"), ((3, (-1, 3)), "(3, (-1, 3))")]
            else:
                bad += [(((3, 3), (3, 3)), "((3, 3), (3, 3))")]
            good = GOOD.get(name, {})
            for values, why in ((bad, "an integer"), (low if least is not None else [], f"at least {least}")):
                for value, text in values:
                    message = f"{name}: {argument} must be {why}, got {text}"
                    found.append(Refused(name, good | {argument: value}, message))
    return found


def _refused_booleans() -> list[Refused]:
    return [
        Refused(name, GOOD.get(name, {}) | {argument: value}, f"{name}: {argument} must be true or false, got {text}")
        for name, arguments in BOOLEANS.items()
        for argument in arguments
        for value, text in ((1, "1"), (0, "0"), ("false", "'false'"), (None, "None"), ((True, False), "(True, False)"))
    ]


REFUSED: tuple[Refused, ...] = (
    *_refused_integers(),
    *(
        Refused(name, GOOD.get(name, {}) | {argument: value}, f"{name}: {argument} must be a number, got {text}")
        for name, arguments in NUMBERS.items()
        for argument in arguments
        for value, text in ((True, "True"), ("0.5", "'0.5'"), (None, "None"), (float("nan"), "nan"), ((1, 2), "(1, 2)"))
    ),
    *_refused_booleans(),
    *(
        Refused(name, GOOD[name] | {"padding": value}, f"{name}: padding must be same, valid or sizes, got {value!r}")
        for name in ("conv", "dwconv", "maxpool", "avgpool", "deform_conv")
        for value in ("SAME", "full", "3", "")
    ),
    *(
        Refused(
            name, GOOD[name] | {"padding": value}, f"{name}: padding must be (before, after) for each axis, got {value}"
        )
        for name in ("conv", "dwconv", "maxpool", "avgpool", "zeropad", "pad", "modulated_deform_conv")
        for value in (((1, 1, 1), (1, 1, 1)), ((1,), (1,)), ((),), (1, (1, 2, 3)))
    ),
    *(
        Refused(
            name, GOOD[name] | {"ceil_mode": value}, f"{name}: ceil_mode must be true, false or caffe, got {value!r}"
        )
        for name in ("maxpool", "avgpool")
        for value in (1, 0, None, "true", "pytorch", 1.0)
    ),
    *(
        Refused(
            "upsample", {"scale_factor": 2, "mode": value}, f"upsample: mode must be nearest or bilinear, got {value!r}"
        )
        for value in ("bicubic", "linear", None, 2, True)
    ),
    *(
        Refused(
            name,
            GOOD.get(name, {}) | {"mode": value},
            f"{name}: mode must be nearest or linear or bilinear or trilinear or bicubic, got {value!r}",
        )
        for name in ("resize", "resize_like")
        for value in ("area", None, 2)
    ),
    *(
        Refused(
            "upsample",
            {"scale_factor": value},
            "upsample: scale_factor must be an integer, or a fraction above 0 of which torch knows the size: "
            f"0.5, 1.5, 0.75; got {text}; resize(size) takes any size",
        )
        for value, text in ((0.1, "1/10"), (Fraction(2, 3), "2/3"), (-0.5, "-1/2"), ((2, 1.2), "6/5"))
    ),
    *(
        Refused(
            name,
            GOOD.get(name, {}) | {"mode": value},
            f"{name}: mode must be constant or reflect or replicate or circular, got {value!r}",
        )
        for name in ("pad", "blurpool")
        for value in ("zeros", None, 1)
    ),
    *(
        Refused(
            "grid_sample", {"mode": mode}, f"grid_sample: mode must be nearest or bilinear or bicubic, got {mode!r}"
        )
        for mode in ("trilinear", None)
    ),
    *(
        Refused(
            "grid_sample",
            {"padding_mode": value},
            f"grid_sample: padding_mode must be zeros or border or reflection, got {value!r}",
        )
        for value in ("reflect", 0)
    ),
    Refused(
        "deform_conv",
        {"out_channels": 10, "kernel_size": 3, "groups": 4},
        "deform_conv: groups=4 does not divide out_channels=10",
    ),
    *(
        Refused("gelu", {"approximate": value}, f"gelu: approximate must be none or tanh, got {value!r}")
        for value in ("erf", "", None, True)
    ),
    Refused(
        "conv",
        {"out_channels": 10, "kernel_size": 3, "groups": 4},
        "conv: groups=4 does not divide out_channels=10",
    ),
    Refused(
        "conv_transpose",
        {"out_channels": 8, "kernel_size": 3, "padding": "same", "output_padding": 1},
        "conv_transpose: padding=same says what output_padding is, got 1",
    ),
    Refused(
        "conv_transpose",
        {"out_channels": 10, "kernel_size": 3, "groups": 3},
        "conv_transpose: groups=3 does not divide out_channels=10",
    ),
    *(
        Refused(
            name,
            GOOD.get(name, {}) | {argument: dim},
            f"{name}: {argument} is 1 for the channels and 2 or more for the sizes, got {dim}",
        )
        for name, argument, dims in (
            *((name, "dim", (0, (0, 1), ())) for name in ("mean", "sum", "amax", "layernorm", "rmsnorm")),
            *((name, "dim", (0,)) for name in ("linear", "softmax", "log_softmax", "concat", "split", "slice", "glu")),
            ("grn", "dim", (0,)),
            *(("flatten", argument, (0,)) for argument in ("start_dim", "end_dim")),
            ("permute", "dims", (0, (0, 2, 1), ())),
            ("layer_scale", "dim", (0,)),
            *(("transpose", argument, (0,)) for argument in ("dim0", "dim1")),
        )
        for dim in dims
    ),
    *(
        Refused("reshape", {"shape": shape}, f"reshape: shape is sizes, one of which may be -1, got {shape}")
        for shape in ((), (-1, -1), (0, 3), (-2, 3), 0)
    ),
    Refused("roll", {"shifts": (1, 2), "dims": 1}, "roll: shifts is one for each of dims, got (1, 2) for 1"),
    Refused("split", {"parts": 3, "index": 3}, "split: index 3 of 3 parts counted from 0"),
    Refused("split", {"parts": 3, "index": 10}, "split: index 10 of 3 parts counted from 0"),
)


class Misfit(NamedTuple):
    """An operator that does not fit its inputs, and the line that says so."""

    op: Op
    xs: tuple[Shape, ...]
    message: str


MISFITS = (
    # groups and parts that do not divide what comes in
    Misfit(ops.Conv(8, 3, groups=4), ((6, 9, 9),), "conv: groups=4 does not divide in_channels=6"),
    Misfit(
        ops.ConvTranspose(8, 4, padding="same"),
        ((6, 9, 9),),
        "conv_transpose: padding=same does not fit an even kernel=4 where stride=1",
    ),
    Misfit(ops.ConvTranspose(8, 3, groups=4), ((6, 9, 9),), "conv_transpose: groups=4 does not divide in_channels=6"),
    Misfit(ops.ChannelShuffle(4), ((6, 9, 9),), "shuffle: groups=4 does not divide 6 channels"),
    Misfit(ops.Split(4, 0), ((6, 9, 9),), "split: 4 parts do not divide 6 channels"),
    Misfit(ops.Split(2, 0, dim=-1), ((6, 8, 9),), "split: 2 parts do not divide 9 positions of 6x8x9"),
    # axes that are not there, parts of them that are not, and elements that do not come out even
    *(
        Misfit(op, ((6, 9),), f"{op.name}: dim=3 of 6x9, whose axes are 1 to 2")
        for op in (
            *(ops.Linear(4, dim=3), ops.LayerNorm(dim=3), ops.LayerScale(3), ops.Split(2, 0, 3), ops.Slice(3)),
            *(ops.Softmax(3), ops.LogSoftmax(3), ops.GLU(3), ops.GRN(3), ops.RMSNorm(dim=3)),
        )
    ),
    Misfit(ops.Transpose(3, 1), ((6, 9),), "transpose: dim0=3 of 6x9, whose axes are 1 to 2"),
    Misfit(ops.Transpose(1, -3), ((6, 9),), "transpose: dim1=-3 of 6x9, whose axes are 1 to 2"),
    Misfit(ops.Pad(3, "reflect"), ((6, 3),), "pad: reflect padding of 3 around 3 positions of 6x3"),
    Misfit(ops.Pad(((0, 4),), "circular"), ((6, 3),), "pad: circular padding of 4 around 3 positions of 6x3"),
    Misfit(ops.Pad(1), ((6,),), "pad needs (channels, size...), its input is 6"),
    Misfit(ops.BlurPool(), ((6,),), "blurpool needs (channels, size...), its input is 6"),
    Misfit(ops.BlurPool(9), ((6, 4),), "blurpool: reflect padding of 4 around 4 positions of 6x4"),
    Misfit(ops.SelfAttention(4), ((5, 6),), "multihead_self_attention: num_heads=4 does not divide 6 features"),
    Misfit(ops.SelfAttention(4), ((5,),), "multihead_self_attention needs (tokens, features), got 5"),
    Misfit(ops.MultiheadAttention(1), ((5, 6), (4, 6), (3, 6)), "multihead_attention of 4 keys and 3 values"),
    Misfit(ops.LSTM(4), ((5,),), "lstm needs (tokens, features), its input is 5"),
    Misfit(ops.GRU(4), ((5, 6, 7),), "gru needs (tokens, features), its input is 5x6x7"),
    Misfit(
        ops.GridSample(),
        ((3, 4, 5), (4, 5, 3)),
        "grid_sample needs a map of two or three axes and a grid (*sizes, 2 or 3), got 3x4x5 and 4x5x3",
    ),
    Misfit(
        ops.GridSample("bicubic"),
        ((3, 4, 5, 6), (4, 5, 6, 3)),
        "grid_sample: bicubic needs two spatial axes, its input is 3x4x5x6",
    ),
    Misfit(ops.DeformConv(8, 3), ((6, 9), (18, 7)), "deform_conv needs two spatial axes, its input is 6x9"),
    Misfit(
        ops.DeformConv(8, 3),
        ((6, 9, 9), (9, 7, 7)),
        "deform_conv needs an offset of 18x7x7, or a multiple, got 9x7x7",
    ),
    Misfit(
        ops.ModulatedDeformConv(8, 3),
        ((6, 9, 9), (18, 7, 7), (9, 7, 8)),
        "modulated_deform_conv needs a mask of 9x7x7, or a multiple, got 9x7x8",
    ),
    Misfit(
        ops.DeformConv(8, 3),
        ((6, 9, 9), (72, 7, 7)),
        "deform_conv: 6x9x9 and 72x7x7 have no channels in common parts",
    ),
    Misfit(ops.GLU(), ((3, 4),), "glu: 3, on axis 1 of 3x4, has no halves"),
    Misfit(ops.Roll(1, 3), ((3, 4),), "roll: dims=3 of 3x4, whose axes are 1 to 2"),
    Misfit(ops.Subtract(), ((4, 5), (3, 5)), "sub of shapes that do not broadcast: 4x5 and 3x5"),
    Misfit(ops.Add(broadcast=True), ((4, 5), (3, 5)), "add of shapes that do not broadcast: 4x5 and 3x5"),
    Misfit(ops.MatMul(), ((4, 5), (4, 5)), "matmul of 4x5 and 4x5: 5 is not 4"),
    Misfit(ops.MatMul(), ((4, 5), (5,)), "matmul needs matrices with as many axes, got 4x5 and 5"),
    Misfit(ops.MatMul(), ((2, 4, 5), (3, 5, 4)), "matmul of shapes that do not broadcast: 2 and 3"),
    Misfit(
        ops.Attention(),
        ((4, 5), (3, 5), (2, 5)),
        "attention of queries, keys and values that do not fit: 4x5, 3x5 and 2x5",
    ),
    Misfit(
        ops.Attention(),
        ((4, 5), (3, 5), (1, 3, 5)),
        "attention needs queries, keys and values with as many axes, got 4x5, 3x5 and 1x3x5",
    ),
    Misfit(
        ops.MaskedAttention(),
        ((4, 5), (3, 5), (3, 5), (4, 2)),
        "masked_attention of shapes that do not broadcast: 4x3 and 4x2",
    ),
    Misfit(
        ops.MaskedAttention(),
        ((4, 5), (1, 5), (1, 5), (4, 3)),
        "masked_attention: a mask of 4x3 for scores of 4x1",  # it is added to them, and they do not grow
    ),
    Misfit(ops.MaskedAttention(), ((4, 5), (3, 5), (3, 5), (4,)), "masked_attention: a mask of 4 for scores of 4x3"),
    Misfit(ops.Concat(3), ((6, 9), (6, 9)), "concat: dim=3 of 6x9, whose axes are 1 to 2"),
    Misfit(ops.Concat(2), ((6, 9), (5, 9)), "concat of different sizes: 6x9 and 5x9"),
    Misfit(ops.Slice(2, 3, 10), ((6, 9),), "slice: 3 to 10 of 9, on axis 2 of 6x9"),
    Misfit(ops.Slice(1, -7), ((6, 9),), "slice: -7 to 6 of 6, on axis 1 of 6x9"),
    Misfit(ops.Slice(1, 3, 3), ((6, 9),), "slice: 3 to 3 of 6, on axis 1 of 6x9"),
    Misfit(ops.Flatten(4), ((6, 9),), "flatten: start_dim=4 of 6x9, whose axes are 1 to 2"),
    Misfit(ops.Flatten(1, 3), ((6, 9),), "flatten: end_dim=3 of 6x9, whose axes are 1 to 2"),
    Misfit(ops.Flatten(2, 1), ((6, 9),), "flatten: from axis 2 to 1 of 6x9"),
    Misfit(ops.Reshape((5, 11)), ((6, 9),), "reshape: 6x9 has 54 elements, 5x11 another number"),
    Misfit(ops.Reshape((5, -1)), ((6, 9),), "reshape: 6x9 has 54 elements, 5x-1 another number"),
    Misfit(ops.Permute((2, 1)), ((6, 9, 9),), "permute: dims=(2, 1) of 6x9x9, which has 3 axes"),
    Misfit(ops.Permute((2, 2)), ((6, 9),), "permute: dims=(2, 2) of 6x9, whose axes are 1 to 2"),
    # features where a map is needed
    Misfit(ops.Conv(8, 3), ((6,),), "conv needs (channels, size...), its input is 6"),
    Misfit(ops.DepthwiseConv(3), ((6,),), "dwconv needs (channels, size...), its input is 6"),
    Misfit(ops.ConvTranspose(8, 3), ((6,),), "conv_transpose needs (channels, size...), its input is 6"),
    Misfit(ops.MaxPool(3), ((6,),), "maxpool needs (channels, size...), its input is 6"),
    Misfit(ops.AvgPool(3), ((6,),), "avgpool needs (channels, size...), its input is 6"),
    Misfit(ops.GlobalMaxPool(), ((6,),), "global_maxpool needs (channels, size...), its input is 6"),
    Misfit(ops.GlobalAvgPool(), ((6,),), "global_avgpool needs (channels, size...), its input is 6"),
    Misfit(ops.ZeroPad(1), ((6,),), "zeropad needs (channels, size...), its input is 6"),
    Misfit(ops.AdaptiveAvgPool(2), ((6,),), "adaptive_avgpool needs (channels, size...), its input is 6"),
    Misfit(ops.AdaptiveMaxPool(2), ((6,),), "adaptive_maxpool needs (channels, size...), its input is 6"),
    Misfit(
        ops.AdaptiveAvgPool((2, 2)),
        ((6, 9),),
        "adaptive_avgpool: output_size has 2 values for an input with 1 spatial axes",
    ),
    Misfit(ops.GroupNorm(4), ((6, 9),), "groupnorm: num_groups=4 does not divide 6 channels"),
    Misfit(ops.InstanceNorm(), ((6,),), "instancenorm needs (channels, size...), its input is 6"),
    Misfit(ops.PixelShuffle(2), ((6,),), "pixel_shuffle needs (channels, size...), its input is 6"),
    Misfit(ops.PixelUnshuffle(2), ((6,),), "pixel_unshuffle needs (channels, size...), its input is 6"),
    Misfit(ops.PixelShuffle(2), ((6, 9, 9),), "pixel_shuffle: upscale_factor=2 makes one channel of 4, and has 6"),
    Misfit(ops.PixelUnshuffle(2), ((6, 8, 9),), "pixel_unshuffle: downscale_factor=2 does not divide 8x9"),
    Misfit(ops.Mean(4), ((6, 8, 9),), "mean: dim=4 of 6x8x9, whose axes are 1 to 3"),
    Misfit(ops.Sum((1, -3)), ((6, 8, 9),), "sum: dim=(1, -3) of 6x8x9, whose axes are 1 to 3"),
    Misfit(ops.Amax((1, 2)), ((6, 8),), "amax: nothing is left of 6x8; keepdim=true leaves each axis as 1"),
    Misfit(ops.Resize(3), ((6,),), "resize needs (channels, size...), its input is 6"),
    Misfit(ops.Resize((3, 3)), ((6, 9),), "resize: size has 2 values for an input with 1 spatial axes"),
    Misfit(ops.Resize(3, "bicubic"), ((6, 9),), "resize: bicubic needs two spatial axes, its input is 6x9"),
    Misfit(ops.ResizeLike(), ((6, 9), (6, 9, 9)), "resize_like of different axes: 6x9 and 6x9x9"),
    Misfit(ops.ResizeLike(), ((6,), (9,)), "resize_like needs (channels, size...), its input is 6"),
    Misfit(ops.PReLU(3), ((6, 9),), "prelu: num_parameters=3 is neither 1 nor its 6 channels"),
    Misfit(ops.Upsample(2), ((6,),), "upsample needs (channels, size...), its input is 6"),
    # one value per axis, for another number of axes
    Misfit(ops.Conv(8, (3, 3)), ((6, 9),), "conv: kernel_size has 2 values for an input with 1 spatial axes"),
    Misfit(ops.Conv(8, 3, stride=(2,)), ((6, 9, 9),), "conv: stride has 1 values for an input with 2 spatial axes"),
    Misfit(
        ops.Conv(8, 3, padding=(1, 2, 3)), ((6, 9, 9),), "conv: padding has 3 values for an input with 2 spatial axes"
    ),
    Misfit(ops.Conv(8, 3, dilation=()), ((6, 9, 9),), "conv: dilation has 0 values for an input with 2 spatial axes"),
    *(
        Misfit(
            ops.Conv(8, padding="same", **{"kernel_size": 3, argument: (3, 3)}),
            ((6, 9),),
            f"conv: {argument} has 2 values for an input with 1 spatial axes",
        )
        for argument in ("kernel_size", "stride", "dilation")
    ),
    Misfit(ops.DepthwiseConv((3,)), ((6, 9, 9),), "dwconv: kernel_size has 1 values for an input with 2 spatial axes"),
    Misfit(ops.MaxPool((3,)), ((6, 9, 9),), "maxpool: kernel_size has 1 values for an input with 2 spatial axes"),
    Misfit(ops.AvgPool(3, (1,)), ((6, 9, 9),), "avgpool: stride has 1 values for an input with 2 spatial axes"),
    Misfit(ops.ZeroPad((1, 1)), ((6, 9),), "zeropad: padding has 2 values for an input with 1 spatial axes"),
    Misfit(ops.Upsample((2, 2)), ((6, 9),), "upsample: scale_factor has 2 values for an input with 1 spatial axes"),
    Misfit(
        ops.ConvTranspose(8, 3, output_padding=(1, 1)),
        ((6, 9),),
        "conv_transpose: output_padding has 2 values for an input with 1 spatial axes",
    ),
    # an output_padding that no convolution of that stride and dilation can have lost (PyTorch refuses it as well)
    Misfit(
        ops.ConvTranspose(8, 3, stride=2, output_padding=2),
        ((6, 9),),
        "conv_transpose: output_padding=2 is not below stride=2 or dilation=1",
    ),
    Misfit(
        ops.ConvTranspose(8, 3, stride=(4, 2), output_padding=3, dilation=(1, 3)),
        ((6, 9, 9),),
        "conv_transpose: output_padding=3 is not below stride=2 or dilation=3",
    ),
    Misfit(
        ops.Upsample(2, mode="bilinear"),
        ((6, 9),),
        "upsample: bilinear needs two spatial axes, its input is 6x9",
    ),
    # joins
    Misfit(ops.Add(), ((4, 5, 5), (4, 5, 6)), "add of different shapes: 4x5x5 and 4x5x6"),
    Misfit(ops.Add(), ((4, 5, 5), (1, 5, 5)), "add of different shapes: 4x5x5 and 1x5x5"),
    Misfit(ops.Add(), ((4, 5, 5), (4, 5)), "add of different shapes: 4x5x5 and 4x5"),
    Misfit(ops.Add(), ((4,), (4,), (5,)), "add of different shapes: 4 and 5"),
    Misfit(ops.Concat(), ((4, 5, 5), (4, 5, 6)), "concat of different sizes: 4x5x5 and 4x5x6"),
    Misfit(ops.Concat(), ((4, 5, 5), (4, 1, 1)), "concat of different sizes: 4x5x5 and 4x1x1"),
    Misfit(ops.Concat(), ((4, 5, 5), (4,)), "concat of different sizes: 4x5x5 and 4"),
    Misfit(ops.Multiply(), ((4, 5, 5), (3, 1, 1)), "mul of shapes that do not broadcast: 4x5x5 and 3x1x1"),
    Misfit(ops.Multiply(), ((4, 5, 5), (5,)), "mul of shapes that do not broadcast: 4x5x5 and 5"),
    Misfit(ops.Multiply(), ((1, 5), (4, 1), (3, 5)), "mul of shapes that do not broadcast: 1x5 and 4x1 and 3x5"),
)

TOO_SMALL: tuple[tuple[Op, Shape, Shape], ...] = (
    # Windows larger than their input: (operator, input, what the rule's arithmetic leaves of it, by hand).
    # The graph refuses a shape with a size below 1.
    (ops.Conv(8, 3), (3, 2, 2), (8, 0, 0)),  # 2 - 3 + 1
    (ops.Conv(8, 7), (3, 2, 9), (8, -4, 3)),  # 2 - 7 + 1, 9 - 7 + 1
    (ops.Conv(8, 7, stride=2, padding=2), (3, 2, 2), (8, 0, 0)),  # floor((2 + 4 - 7)/2) + 1 = -1 + 1
    (ops.Conv(8, 3, dilation=4), (3, 8), (8, 0)),  # 8 - 9 + 1
    (ops.Conv(8, (1, 7)), (3, 6, 6), (8, 6, 0)),
    (ops.DepthwiseConv(3, stride=2), (3, 9, 2), (3, 4, 0)),  # (9 - 3) // 2 + 1, floor(-1/2) + 1
    (ops.ConvTranspose(8, 2, stride=2, padding=1), (3, 1, 4), (8, 0, 6)),  # 0 - 2 + 1 + 1, 6 - 2 + 1 + 1
    (ops.MaxPool(3, stride=2), (64, 2, 2), (64, 0, 0)),  # floor(-1/2) + 1
    (ops.MaxPool(3, stride=2, ceil_mode=True), (64, 1, 1), (64, 0, 0)),  # ceil(-2/2) + 1
    (ops.MaxPool(3, stride=2, ceil_mode="caffe"), (64, 1, 3), (64, 0, 1)),
    (ops.ZeroPad((-3, -1)), (3, 6, 9), (3, 0, 7)),  # 6 - 3 - 3, 9 - 1 - 1
    (ops.AvgPool(8), (2048, 7, 7), (2048, 0, 0)),  # floor(-1/8) + 1
    (ops.AvgPool(5, stride=3), (512, 4, 14), (512, 0, 4)),  # floor(-1/3) + 1, 9 // 3 + 1
)

KINDS = {
    "conv": ("conv", "dwconv", "conv_transpose", "deform_conv", "modulated_deform_conv"),
    "linear": ("linear",),
    "pool": (
        *("maxpool", "avgpool", "adaptive_maxpool", "adaptive_avgpool", "global_maxpool", "global_avgpool"),
        "blurpool",
    ),
    "norm": ("bn", "groupnorm", "instancenorm", "layernorm", "rmsnorm", "grn", "lrn", "normalize"),
    "activation": (
        *("relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "swish", "gelu", "mish", "sigmoid"),
        *("softplus", "tanh", "hardsigmoid", "hardswish", "hardtanh", "softmax", "log_softmax"),
        *("glu", "exp", "log", "sqrt", "rsqrt", "square", "abs"),
    ),
    "other": (
        *("rbf", "scale", "dropout", "add", "mul", "concat"),
        *("shift", "sub", "div", "pow", "matmul", "attention", "masked_attention", "roll"),
        *(
            "split",
            "slice",
            "reshape",
            "permute",
            "parameter",
            "shuffle",
            "pixel_shuffle",
            "pixel_unshuffle",
            "flatten",
            "zeropad",
            "channelpad",
            "upsample",
        ),
        *("resize", "resize_like", "mean", "sum", "amax", "layer_scale"),
        *("transpose", "pad", "multihead_attention", "multihead_self_attention", "lstm", "gru", "embedding"),
        *("stochastic_depth", "grid_sample"),
    ),
}
"""What sort of layer each operator is, as torch.nn groups them in its reference."""
