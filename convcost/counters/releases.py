"""What other releases of the field's tools count, and rules that papers state without a tool, as data.

Those of `convcost.counters.tools` are the releases of today; here stand the ones that made the tables of other years.
Each was run in its named release and counted so, to the unit, unless its proof says otherwise; the counts are under
tests/data/counting_rules.yaml, and `pytest -m slow tests/test_counting_rules.py` installs the releases and runs them
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from convcost.counters.rules import Rule
from convcost.counters.tools import BY_OUTPUT, NAMES, TOOLS, Release

_MODULES = {"macs": 1, "conv bias": 1, "bn": 2, "bn without affine": 1, "relu": 1, "maxpool in": 1, "avgpool in": 1}
_POOLED = {**_MODULES, "relu6": 1, "global_maxpool in": 1, "global_avgpool in": 1, "upsample": 1}
_THOP = {"macs": 1, "avgpool": 1, "global_avgpool in": 1, "global_avgpool": 1}
_THOP_31 = {**_THOP, "conv bias": 1, "bn": 2, "bn without affine": 2, "bilinear": 11}
_HEADS = ("multihead_attention", "multihead_self_attention")
_IN_HEADS = dict.fromkeys(_HEADS, "counts more than its products: their softmax, too")
_WINDOWS = {"maxpool window": 1, "maxpool": -1, "avgpool window": 1}
_GLOBAL = {"global_avgpool in": 1, "global_avgpool": 1, "global_maxpool in": 1, "global_maxpool": -1}
_TRANSPOSED = {"conv_transpose": BY_OUTPUT}
_PRODUCTS = {"matmul macs": -1, "attention macs": -1}
_UNSEEN = {**_PRODUCTS, "heads attention macs": -1, "projection macs": -1}
"""What tools that see modules only count nothing of."""
_UNSEEN_FLOPS = {kind: 2 * n for kind, n in _UNSEEN.items()}
_NORMS = {"groupnorm": 2, "groupnorm without affine": 1, "instancenorm": 2, "instancenorm without affine": 1}

_IMGCLSMOB = {
    "macs": 2,
    **_UNSEEN_FLOPS,
    "channel pairs without bias": -1,
    "fc without bias": -1,
    "bn": 4,
    "bn with beta only": 4,
    "bn without affine": 4,
    "instancenorm": 4,
    "instancenorm without affine": 4,
    **dict.fromkeys(("relu", "relu6", "hardsigmoid", "shuffle", "pixel_shuffle"), 1),
    **dict.fromkeys(("hardswish", "leaky_relu"), 2),
    **dict.fromkeys(("elu", "prelu"), 3),
    "sigmoid": 4,
    "swish": 5,
    "maxpool window": 1,
    "avgpool window": 1,
    "global_maxpool in": 1,
    "global_avgpool in": 1,
    "upsample in": 4,
}
_OF_IMGCLSMOB = {
    "conv_transpose": "counts 4 an element of its input",
    "softmax": "counts 4 an element; the networks of its tables have none",
    "adaptive_avgpool": "counts its input for each output position; the networks of its tables have none",
}


def _release(
    name: str,
    versions: str,
    year: int,
    unit: str,
    weights: Mapping[str, int],
    quirk: str,
    wrong: Mapping[str, str] = MappingProxyType({}),
    prescribes: str = "",
) -> Release:
    return Release(name, versions, year, Rule(name, unit, weights), quirk, wrong, prescribes)


_RELEASES = (
    _release(
        "ptflops-0.6",
        "ptflops 0.2 to 0.6.3",
        2019,
        "MACs",
        {**_POOLED, **_UNSEEN},
        "Sees the modules of its list: subclasses of Conv2d, functions, sums and biases of linear layers count 0.",
        {"conv_transpose": "its bias counts the square of its output's height: wrong where that is not its width"},
    ),
    _release(
        "mmcv",
        "mmcv 1.3.18 to 2.2, and mmdetection's and mmpretrain's tables",
        2021,
        "MACs",
        {**_POOLED, **_UNSEEN, **_NORMS, "layernorm": 2, "layernorm without affine": 1},
        "As ptflops-0.6, with the normalisations of a sample where they are modules. Of attention that is written out "
        "it counts the linear layers.",
    ),
    _release(
        "ptflops-0.7",
        "ptflops 0.6.4 to 0.7",
        2020,
        "MACs",
        {**_POOLED, **_PRODUCTS, **_NORMS, "fc bias": 1, "gelu": 1},
        "As ptflops-0.6, with the biases of linear layers.",
        {**_TRANSPOSED, **_IN_HEADS},
    ),
    _release(
        "ptflops-0.7.3",
        "ptflops 0.7.1.2 to 0.7.3",
        2023,
        "MACs",
        {
            **_POOLED,
            "fc bias": 1,
            "relu": 2,
            **dict.fromkeys(("maxpool in", "avgpool in", "global_maxpool in", "global_avgpool in", "upsample in"), 2),
            "swish": 1,
            "softmax": 1,
            "lrn": 3,
            "lrn padded": 1,
        },
        "Patches functions beside its modules: poolings and ReLU count twice.",
        _TRANSPOSED,
    ),
    _release(
        "thop-0.0.23",
        "thop 0.0.23.post1908061459 to 0.0.31.post1912272122",
        2019,
        "MACs",
        {
            **_THOP,
            "conv bias": 1,
            "bn": 4,
            "bn without affine": 4,
            "avgpool window": 1,
            "fc macs": 1,
            "linear": -1,
            **_UNSEEN,
        },
        "Linear layers count their multiplies and their adds: VGG-16 is 15.61 G. The last of these releases adds their "
        "biases. Adds up in single precision: the total of a network is off by some hundreds.",
        {**_TRANSPOSED, "upsample": "bilinear counts nothing, then 13, then 11 an element"},
    ),
    _release(
        "thop-0.0.31",
        "thop 0.0.31.post2004101309 to 0.0.5.post2110061705",
        2020,
        "MACs",
        {**_THOP_31, **_UNSEEN},
        "Sees modules only. Max pooling and ReLU count nothing.",
        _TRANSPOSED,
    ),
    _release(
        "yolov5",
        "YOLOv5 5.0 to 6.1, of the model whose batch norms are fused, by thop 0.0.31",
        2021,
        "FLOPs",
        {
            **{kind: 2 * n for kind, n in _THOP_31.items() if not kind.startswith("bn")},
            **_UNSEEN_FLOPS,
            "folded bias": 2,
            "bn not folded": 4,
        },
        "Twice thop-0.0.31, which counted a convolution's bias, and so the one that a fused batch norm leaves. Doubled "
        "from a square of 32 of the image: wrong for what follows a global pooling.",
        _TRANSPOSED,
    ),
    _release(
        "ultralytics-thop",
        "ultralytics-thop 2.2.3",
        2026,
        "MACs",
        {
            **_THOP,
            "bn": 4,
            "bn without affine": 2,
            "avgpool window": 1,
            "bilinear": 11,
            "softmax": 3,
            "softmax vectors": -1,
        },
        "Releases before 2026-07 count as thop. Ultralytics' get_flops counts a square of the model's stride, doubles "
        "it and multiplies by the squares of the image: wrong for what follows a global pooling.",
        _IN_HEADS,
    ),
    _release(
        "fvcore-functional",
        "fvcore 0.1.5.post20221221, of models that write x.mean((2, 3))",
        2020,
        "MACs",
        {"macs": 1, "bn": 2, "bn without affine": 1, "2-d nearest": 1, "bilinear": 4},
        "Global pooling written as a mean is unseen: timm's SE networks and EfficientNets.",
    ),
    _release(
        "fvcore-products",
        "fvcore 0.1.5.post20221221, and mmengine 0.10's port of it, of models that write attention as matrix products",
        2021,
        "MACs",
        {kind: n for kind, n in TOOLS["fvcore"].rule.weights.items() if kind not in _UNSEEN},
        "Counts the products of attention, unseen within scaled_dot_product_attention: ViT-B/16 is 17.58 G.",
    ),
    _release(
        "torchsummaryX",
        "torchsummaryX 1.3.0",
        2019,
        "MACs",
        {"macs": 1, "bn gammas": 1, **_UNSEEN},
        "Batch norm counts one gamma a channel, whatever the size of the map.",
        _TRANSPOSED,
    ),
    _release(
        "openvino",
        "OpenVINO model-analyzer on openvino 2025.4.1",
        2025,
        "FLOPs",
        {
            "macs": 2,
            "conv bias": 1,
            "fc bias": 1,
            "folded bias": 1,
            "bn not folded": 2,
            "relu": 2,
            "relu6": 2,
            "add": 1,
            "mul": 1,
            "softmax": 5,
            "maxpool window": 2,
            "avgpool window": 1,
            "sigmoid": 3,
            "swish": 5,
            "hardswish": 5,
            "hardsigmoid": 4,
            "tanh": 6,
            "global_maxpool in": 2,
        },
        "Of Open Model Zoo's GFLOPs it prints one of five: other releases made the others.",
        {"conv_transpose": "counts it by its output", "lrn": "counts it otherwise than its elements"},
    ),
    _release(
        "torchstat",
        "torchstat 0.0.7, its Flops",
        2018,
        "MACs",
        {**_MODULES, "relu6": 1, **_UNSEEN},
        "Adaptive pooling counts nothing.",
        {**_TRANSPOSED, "upsample": "counts one map of the output"},
    ),
    _release(
        "torchstat-madd",
        "torchstat 0.0.7, its MAdd",
        2018,
        "FLOPs",
        {
            "macs": 2,
            **_UNSEEN_FLOPS,
            "convolutions": -1,
            "conv bias": 1,
            "linear": -1,
            "bn": 4,
            "bn without affine": 4,
            "relu": 1,
            "relu6": 1,
            "maxpool window": 1,
            "maxpool": -1,
            "avgpool window": 1,
            "softmax": 3,
            "softmax vectors": -1,
        },
        "K multiplies and K - 1 adds for each output, as older papers and courses count.",
    ),
    _release(
        "imgclsmob",
        "osmr/imgclsmob's model_stats.py, of 2018 to 2021: its FLOPs, and twice the FLOPs/2 of its tables",
        2018,
        "FLOPs",
        _IMGCLSMOB,
        "K multiplies and K adds for each output; of a convolution without bias one add less a pair of channels, of "
        "any size of map. Sums and products count nothing.",
        _OF_IMGCLSMOB,
    ),
    _release(
        "imgclsmob-gluon",
        "osmr/imgclsmob's model_stats.py for Gluon, of networks that end in GlobalAvgPool2D: read",
        2019,
        "FLOPs",
        {kind.removesuffix(" in") if kind.startswith("global") else kind: n for kind, n in _IMGCLSMOB.items()},
        "As imgclsmob; a global pooling, whose window Gluon says is 1x1, counts one an output.",
        _OF_IMGCLSMOB,
    ),
    _release(
        "torchscan",
        "torchscan 0.1.1 and 0.2.0, its MACs",
        2020,
        "MACs",
        {"macs": 1, "bn": 2, "bn without affine": 1, **_WINDOWS, "avgpool": 1, **_GLOBAL, **_PRODUCTS},
        "A maximum of K counts K - 1, a mean K + 1; activations count nothing.",
        {**_TRANSPOSED, **dict.fromkeys(_HEADS, "it fails there")},
    ),
    _release(
        "torchscan-flops",
        "torchscan 0.1.1, its FLOPs",
        2020,
        "FLOPs",
        {
            "macs": 2,
            **_UNSEEN_FLOPS,
            "convolutions": -1,
            "conv bias": 1,
            "linear": -1,
            "fc bias": 1,
            "bn": 4,
            "bn without affine": 2,
            "bn channels": 2,
            "relu": 1,
            "relu6": 2,
            "sigmoid": 4,
            "tanh": 6,
            **_WINDOWS,
            "avgpool": 1,
            **_GLOBAL,
            "dropout": 1,
        },
        "K multiplies and K - 1 adds for each output, and two operations a channel of a batch norm.",
        _TRANSPOSED,
    ),
    _release(
        "deepspeed",
        "DeepSpeed 0.14.5 to 0.16.5, the profiler's FLOPs",
        2024,
        "FLOPs",
        {
            "macs": 2,
            "conv bias": 1,
            "bn": 2,
            "bn without affine": 1,
            "relu": 1,
            "swish": 1,
            "softmax": 1,
            "maxpool in": 1,
            "avgpool in": 1,
            "global_maxpool in": 1,
            "global_avgpool in": 1,
            "upsample in": 2,
            "lrn": 3,
            "lrn padded": 1,
        },
        "Its MACs are ours. A sum written a + b, ReLU6, sigmoid and the biases of linear layers count nothing.",
        {"conv_transpose": "counts its bias at its input's size"},
    ),
    _release(
        "torchlens",
        "TorchLens 2.36.1",
        2026,
        "FLOPs",
        {
            "macs": 2,
            "conv bias": 1,
            "fc bias": 1,
            "bn": 5,
            "bn without affine": 5,
            "relu": 1,
            "relu6": 1,
            "swish": 5,
            "sigmoid": 4,
            "tanh": 6,
            "hardsigmoid": 3,
            "hardswish": 4,
            "softmax": 5,
            "add": 1,
            "mul": 1,
            "maxpool window": 1,
            "avgpool window": 1,
            "global_avgpool in": 1,
            "global_maxpool in": 2,
            "dropout": 2,
            "upsample": 4,
            "lrn": 11,
        },
        "Its MACs are half of its FLOPs; 2.33.0 counts the last layer twice.",
    ),
    _release(
        "keras-flops",
        "keras-flops 0.1.2 on TensorFlow 2.15",
        2020,
        "FLOPs",
        {
            "macs": 2,
            "conv bias": 1,
            "fc bias": 1,
            "bn": 2,
            "bn channels": 6,
            "swish": 2,
            "add": 1,
            "mul": 1,
            "maxpool window": 1,
            "avgpool window": 1,
            "global_avgpool in": 1,
            "softmax": 5,
        },
        "ReLU and sigmoid count nothing.",
        {
            "conv": "counts nothing of one with groups",
            "conv_transpose": BY_OUTPUT,
            "upsample": "counts the size that it computes",
        },
    ),
    _release(
        "pycls-2020",
        "pycls, complexity(), 2020-09 to 2021-07: read, and its published file recomputed",
        2020,
        "MACs",
        {"macs": 1, "conv bias params": 1, "fc bias": 1},
        "A convolution's bias counts once a channel; since then once an output, as ptflops-aten does.",
    ),
    _release(
        "darknet",
        "darknet, the AlexeyAB fork, Total BFLOPS: read",
        2018,
        "FLOPs",
        {"macs": 2, "maxpool window": 1, "avgpool window": 1},
        "Shortcuts, routes, upsampling, activations and biases count nothing.",
        {"linear": "a connected layer sets no count"},
    ),
    _release(
        "ntire",
        "get_model_flops of AIM 2020 to NTIRE 2023, efficient super-resolution: read",
        2020,
        "MACs",
        {"macs": 1, "bn": 2, "bn without affine": 1, "relu": 1, "relu6": 1},
        "Biases and pooling count nothing. From NTIRE 2024 on the contest counts as fvcore.",
        _TRANSPOSED,
        "3x256x256",
    ),
    _release(
        "nasnet-2017",
        "NASNet (2017), Table 2; SENet (2017), Table 2: arithmetic",
        2017,
        "MACs",
        {"macs": 1, "bn": 1},
        "No tool is known; torchprofile counts nearly so.",
    ),
    _release(
        "senet-2017",
        "SENet (2017), Table 2, the rival of nasnet-2017: arithmetic",
        2017,
        "MACs",
        {"macs": 1, "add": 1, "scale": 1},
        "No tool is known.",
    ),
    _release(
        "folded",
        "OpenVINO, TFLite, ONNX, fused YOLO: arithmetic",
        2018,
        "params",
        {"weights": 1, "biases": 1, "biases of folded bn": 1},
        "Batch norms are folded into the layers before them: one bias a channel is left.",
    ),
)

RELEASES: Mapping[str, Release] = MappingProxyType({release.name: release for release in _RELEASES})
"""Every other release, by the name that `--as` takes."""
EVERY = (*NAMES, *RELEASES)
"""All rules that `--as` takes."""
OF_A_TOOL: Mapping[str, Release] = MappingProxyType({**TOOLS, **RELEASES})
"""Every release, of today and of other years."""
