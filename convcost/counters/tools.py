"""What each tool of the field counts, release by release, as data.

A release points to its rule, a weighing of kinds of work (`convcost.counters.kinds`). What a rule of a tool makes of a
row is what the tool reports for that layer in a model such as `convcost.torchbridge` builds: a residual is written
`a + b`, a product `a * b`, activations and poolings are modules. The tests compare it with the real tools, to the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from convcost.counters.line import Line
from convcost.counters.rules import OPS, OWN, PARAMS, Rule
from convcost.ops import Conv


class Release(NamedTuple):
    """A release of a tool, or a range of them: the rule that it counts by, and what it gets wrong."""

    name: str
    """What `--as` calls it."""
    versions: str
    """The tool and the versions that were run and found to count so."""
    year: int
    """In which the first of these versions came out: no older paper can have used it."""
    rule: Rule
    quirk: str
    """What is peculiar about it, for a reader who compares."""
    wrong: Mapping[str, str] = MappingProxyType({})
    """Operators, or weight norm, that it gets wrong, and how. There its rule is kept to, and not compared."""
    prescribes: str = ""
    """The input, or scale of its counts, that it prescribes, if it does."""

    def gets_wrong(self, line: Line) -> dict[str, str]:
        """The operators of a line that it gets wrong, and how."""
        operators = {row.operator for row in line.rows}
        operators |= {"weight norm" for row in line.rows if isinstance(row.op, Conv) and row.op.weight_norm}
        return {operator: how for operator, how in self.wrong.items() if operator in operators}


BY_OUTPUT = "counts it by its output: too much by the ratio of its output positions to its input's"
"""How most tools count a transposed convolution."""
UNSEEN = "sees no convolution in one of another class, as torch's parametrization of its weights makes it"
"""How those that look for torch's own classes count a convolution with weight norm."""

_RELEASES = (
    Release(
        "fvcore",
        "fvcore 0.1.5.post20221221",
        2022,
        Rule(
            "fvcore",
            "MACs",
            {
                "macs": 1,
                "attention macs": -1,
                "heads attention macs": -1,
                "recurrent macs": -1,
                "grid_sample": 4,
                "deform samples": 4,
                "bn": 2,
                "bn with beta only": 1,
                "bn without affine": 1,
                "bn without statistics": 3,
                "groupnorm": 5,
                "groupnorm without affine": 4,
                "instancenorm": 5,
                "instancenorm without affine": 4,
                "layernorm": 5,
                "layernorm without affine": 4,
                "2-d global_avgpool in": 1,
                "2-d adaptive_avgpool in": 1,
                "2-d nearest": 1,
                "resize_like bilinear": 4,
                "bilinear": 4,
            },
        ),
        "Calls a multiply-add a flop. AdaptiveAvgPool2d(1) counts and AvgPool2d(7) does not, for the same "
        "arithmetic; over one and three axes neither does. Of scaled_dot_product_attention "
        "it counts nothing. In training mode batch norm counts 5 per element.",
    ),
    Release(
        "torch",
        "torch 2.13 FlopCounterMode",
        2026,
        OPS["flops2"],
        "Two for each multiply-add of a convolution or matrix product, and nothing else.",
    ),
    Release(
        "torchinfo",
        "torchinfo 1.8.0",
        2023,
        Rule(
            "torchinfo",
            "MACs",
            {
                "macs": 1,
                "matmul macs": -1,
                "attention macs": -1,
                "heads attention macs": -1,
                "projection macs": -1,
                "recurrent bias": 1,
                "blur macs": -1,
                "deform bias": 1,
                "conv bias": 1,
                "fc bias": 1,
                "bn params": 1,
                "other params": 1,
                "fc at further positions": -1,
            },
        ),
        "Parameters times output positions in a convolution, times nothing in any other layer: batch norm "
        "counts its parameters once a sample, whatever the size of the map, and a linear layer at every token its "
        "weights once.",
        {"conv_transpose": BY_OUTPUT, "weight norm": "takes its parameters for those of layers that count nothing"},
    ),
    Release(
        "ptflops",
        "ptflops 0.7.5, pytorch backend",
        2025,
        Rule(
            "ptflops",
            "MACs",
            {
                "macs": 1,
                "matmul macs": -1,
                "attention macs": -1,
                "multihead_attention": 2,
                "multihead_self_attention": 2,
                "in_proj bias": 1,
                "heads scores": 1,
                "recurrent bias": 1,
                "lstm units": 10,
                "gru units": 7,
                "blur macs": -1,
                "conv bias": 1,
                "fc bias": 1,
                "bn": 2,
                "bn with beta only": 2,
                "bn without affine": 1,
                "groupnorm": 2,
                "groupnorm without affine": 1,
                "trailing layernorm": 1,
                "trailing layernorm without affine": 1,
                "instancenorm": 2,
                "instancenorm without affine": 1,
                "relu": 2,
                "relu6": 1,
                "swish": 1,
                "gelu": 2,
                "leaky_relu": 1,
                "prelu": 2,
                "elu": 2,
                "softmax": 1,
                "maxpool in": 2,
                "avgpool in": 2,
                "global_maxpool in": 2,
                "global_avgpool in": 2,
                "adaptive in": 2,
                "resize": 2,
                "resize_like": 1,
                "upsample": 1,
                "upsample scaled": 1,
                "lrn": 3,
                "lrn padded": 1,
            },
        ),
        "Counts ReLU, PReLU, ELU, GELU, poolings and upsampling twice, once by a hook of the module and once by a "
        "patch of the function that it calls; written as functions they count once. A sum written a + b counts "
        "nothing, torch.add(a, b) its elements. Fails where torch imports its compiler after the patch.",
        {
            "multihead_attention": "counts keys and values of other features than the queries' by their square",
            "weight norm": UNSEEN,
        },
    ),
    Release(
        "ptflops-aten",
        "ptflops 0.7.5, aten backend",
        2025,
        Rule(
            "ptflops-aten",
            "MACs",
            {"macs": 1, "conv bias": 1, "fc bias of the last axis": 1, "projection bias": 1, "recurrent bias": 1},
        ),
        "The same tool asked for backend='aten': convolutions and matrix products, with their biases.",
    ),
    Release(
        "thop",
        "thop 0.1.1.post2209072238",
        2022,
        Rule(
            "thop",
            "MACs",
            {
                "macs": 1,
                "matmul macs": -1,
                "attention macs": -1,
                "heads attention macs": -1,
                "projection macs": -1,
                "recurrent bias": 1,
                "lstm units": 8,
                "gru units": 7,
                "blur macs": -1,
                "deform macs": -1,
                "bn": 4,
                "bn with beta only": 4,
                "bn without affine": 2,
                "trailing layernorm": 4,
                "trailing layernorm without affine": 2,
                "instancenorm": 4,
                "instancenorm without affine": 2,
                "prelu": 1,
                "avgpool": 1,
                "global_avgpool in": 1,
                "global_avgpool": 1,
                "adaptive_avgpool in": 1,
                "adaptive_avgpool": 1,
                "nearest": 1,
                "linear interpolation": 5,
                "bicubic": 259,
                "bilinear": 11,
                "softmax": 3,
                "softmax vectors": -1,
            },
        ),
        "Sees modules only: whatever is written as a function counts nothing, and the parameters of a module "
        "that is never called are missing from its params.",
        {"conv_transpose": BY_OUTPUT, "weight norm": UNSEEN},
    ),
    Release(
        "calflops",
        "calflops 0.3.2",
        2024,
        Rule(
            "calflops",
            "FLOPs",
            {
                "macs": 2,
                "matmul macs": -2,
                "attention macs": -2,
                "heads attention macs": -2,
                "recurrent bias": 1,
                "lstm units": 2,
                "gru units": 1,
                "blur macs": -2,
                "conv bias": 1,
                "bn": 2,
                "bn with beta only": 1,
                "bn without affine": 1,
                "bn without statistics": 3,
                "groupnorm": 5,
                "groupnorm without affine": 4,
                "instancenorm": 5,
                "instancenorm without affine": 4,
                "layernorm": 5,
                "layernorm without affine": 4,
                "relu": 1,
                "swish": 1,
                "gelu": 1,
                "leaky_relu": 1,
                "prelu": 1,
                "elu": 1,
                "softmax": 1,
                "maxpool in": 1,
                "avgpool in": 1,
                "global_maxpool in": 1,
                "global_avgpool in": 1,
                "adaptive in": 1,
                "resized positions": 1,
                "upsample in": 1,
                "lrn": 3,
                "lrn padded": 1,
            },
        ),
        "Its FLOPs; its MACs are ours. Biases of convolutions count, those of linear layers do not; a module "
        "ReLU counts, ReLU6 does not; a sum counts as torch.add(a, b) and not as a + b; upsampling counts its "
        "input, and fails at factors that differ by axis. After an exception torch stays patched, and every "
        "later count of the process is a multiple.",
        {
            "conv_transpose": "counts a grouped one groups times, and biases at a convolution's size",
        },
    ),
    Release(
        "torchprofile",
        "torchprofile 0.1.0",
        2026,
        Rule(
            "torchprofile",
            "MACs",
            {
                "macs": 1,
                "heads layers": 4,
                "gru macs": -1,
                "grid_sample bilinear": 4,
                "grid_sample bicubic": 16,
                "grn": 2,
                "grn means": 1,
                "bn": 1,
                "groupnorm": 1,
                "instancenorm": 1,
                "layernorm": 1,
                "layer_scale": 1,
                "mean": 1,
                "avgpool": 1,
                "global_avgpool": 1,
                "adaptive_avgpool": 1,
                "leaky_relu": 1,
                "mul": 1,
                "scale": 1,
                "lrn": 3,
                "resize_like bilinear": 4,
                "bilinear": 4,
            },
        ),
        "A batch norm without gamma counts nothing; products of tensors count, sums do not. A GRU counts nothing, an "
        "LSTM does.",
        {
            "conv_transpose": BY_OUTPUT,
            "deform_conv": "counts, in its parts, products of positions and sizes as well",
            "modulated_deform_conv": "counts, in its parts, products of positions and sizes as well",
        },
    ),
    Release(
        "keras",
        "Keras 3 count_params()",
        2023,
        PARAMS["total"],
        "Running means and variances are parameters too; trainable ones are our params.",
    ),
    Release(
        "onnx-tool",
        "onnx-tool 1.0.1, torch's TorchScript exporter",
        2026,
        Rule(
            "onnx-tool",
            "weighted operations",
            {
                "macs": 1,
                "conv bias": 1,
                "fc bias": 1,
                "folded bias": 1,
                "recurrent bias": 1,
                "lstm units one way": 180,
                "gru units one way": 110,
                "bn not folded": 31,
                "bn without statistics": 5,
                "groupnorm": 9,
                "groupnorm without affine": 9,
                "instancenorm": 7,
                "instancenorm without affine": 7,
                "layernorm": 41,
                "layernorm without affine": 39,
                "layernorm positions": 25,
                "layer_scale": 1,
                "grn": 29,
                "grn channels": 5,
                "grn means": 1,
                "glu": 33,
                "exp": 32,
                "log": 43,
                "sqrt": 24,
                "rsqrt": 28,
                "square": 1,
                "abs": 1,
                "shift": 1,
                "sub": 1,
                "div": 4,
                "pow": 32,
                "reduced": 1,
                "relu": 1,
                "relu6": 2,
                "swish": 33,
                "exact gelu": 7,
                "gelu by tanh": 84,
                "leaky_relu": 2,
                "prelu": 2,
                "elu": 35,
                "mish": 153,
                "softplus": 76,
                "hardtanh": 2,
                "log_softmax": 80,
                "sigmoid": 32,
                "tanh": 76,
                "hardsigmoid": 4,
                "hardswish": 5,
                "softmax": 36,
                "scale": 1,
                "lrn": 39,
                "lrn window": 1,
                "normalize": 5,
                "rbf pairs": 34,
                "maxpool window": 1,
                "avgpool window": 1,
                "global_maxpool window": 1,
                "global_avgpool in": 1,
                "global_avgpool": 4,
                "adaptive_maxpool window": 1,
                "adaptive_avgpool window": 1,
                "adaptive_avgpool to 1 in": 1,
                "adaptive_avgpool to 1": 4,
                "add": 1,
                "mul": 1,
                "linear interpolation": 4,
                "trilinear": 4,
                "resize_like linear": 4,
                "resize_like bilinear": 4,
                "resize_like trilinear": 4,
                "resize_like axes": 4,
                "bilinear": 4,
            },
        ),
        "Instructions rather than operations: a division weighs 4, a root 24, an exponential 32, an error function "
        "nothing. The exporter "
        "folds a batch norm into the convolution before it, whose bias is all that is left of it; makes one "
        "of layers without weights that do the same to the same tensor: there it counts less.",
        {
            "conv_transpose": "counts it by its output, and without the kernel of every axis",
            "selu": "fails at it",
            "rmsnorm": "fails at it",
            "attention": "fails at it",
            "masked_attention": "fails at it",
            "multihead_attention": "fails at it",
            "multihead_self_attention": "fails at it",
            "grid_sample": "fails at it",
            "deform_conv": "fails at it",
            "modulated_deform_conv": "fails at it",
        },
    ),
)

TOOLS: Mapping[str, Release] = MappingProxyType({release.name: release for release in _RELEASES})
"""Every tool, by the name that `--as` takes."""
NAMES = (*OWN, *TOOLS)
"""All that `--as` offers: our rules, and those of the tools under the tools' names."""
