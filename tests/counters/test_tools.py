"""Every tool's rule against the real tool, to the unit: on whole networks and on networks of one operator each.

The tools run in processes of their own (peers/count.py), on the models that the bridge builds.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from complete import require_lines

import convcost
from convcost.counters.line import Line
from convcost.counters.rules import OWN, count
from convcost.counters.tools import TOOLS
from convcost.ops import REGISTRY

HERE = Path(__file__).parents[1]
RUN = ("fvcore", "torch", "torchinfo", "ptflops", "ptflops-aten", "thop", "calflops", "torchprofile", "onnx-tool")
NETWORKS = (
    "resnet50@v1.5",
    "googlenet@paper",
    "googlenet@torchvision",
    "vgg16@paper input=3x32x32",  # at 3x224x224, onnx-tool writes 103M weights of one layer
    "densenet121@paper",
    "mobilenet_v2@torchvision",
    "se_resnet50@paper",
    "inception_v3@torchvision",
)

GOLDEN = {
    "torch": 8_178_368_512,
    "ptflops-aten": 4_089_185_256,
    "torchinfo": 4_089_238_376,
    "torchprofile": 4_100_300_288,
    "fvcore": 4_111_512_576,
    # torchvision's ResNet ends in logits; ours in the paper's softmax over 1000, which these three count as well.
    "calflops": 8_211_108_352 + 1_000,
    "ptflops": 4_132_436_968 + 1_000,
    "thop": 4_133_742_592 + 2_999,
    "onnx-tool": 4_117_342_184 + 36 * 1_000,
}
"""What the tools say of torchvision's ResNet-50 at 3x224x224."""

MODES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""Of interpolation, and over how many axes."""
ONE_OPERATOR = {
    "conv": "conv(6, 3, bias=false)",
    "conv_bias": "conv(6, 3)",
    "conv_grouped": "conv(8, 3, groups=4, dilation=2, padding={pairs})",
    "conv_weight_norm": "conv(6, 3, weight_norm=true)",
    "conv_same": "conv(6, 3, stride=2, padding='same')",
    "dwconv": "dwconv(3, multiplier=2)",
    "conv_transpose": "conv_transpose(6, 3, stride=2, groups=2)",
    "linear": "linear(5, bias=false)",
    "linear_bias": "linear(5)",
    "linear_last": "linear(5, bias=false, dim=-1)",
    "linear_last_bias": "linear(5, dim=-1)",
    "linear_channels": "linear(5, dim=1)",
    "rbf": "rbf(5)",
    "maxpool": "maxpool(3, stride=2)",
    "maxpool_padded": "maxpool(3, stride=2, padding=1, ceil_mode=true)",
    "maxpool_same": "maxpool(3, stride=2, padding='same')",
    "avgpool": "avgpool(3, stride=2)",
    "avgpool_same": "avgpool(3, stride=2, padding='same')",
    "global_maxpool": "global_maxpool",
    "global_avgpool": "global_avgpool",
    "bn": "bn",
    "bn_beta": "bn(scale=false)",
    "bn_gamma": "bn(shift=false)",
    "bn_plain": "bn(scale=false, shift=false)",
    "bn_batch": "bn(stats=false)",
    "bn_plain_batch": "bn(scale=false, shift=false, stats=false)",
    "lrn": "lrn(5)",
    "lrn_even": "lrn(4)",
    **{name: name for name in ("normalize", "relu", "relu6", "swish", "sigmoid", "tanh", "hardsigmoid", "hardswish")},
    **{name: name for name in ("softmax", "scale", "dropout", "flatten", "leaky_relu", "prelu", "elu", "selu", "mish")},
    **{name: name for name in ("softplus", "hardtanh", "log_softmax")},
    "groupnorm": "groupnorm(2)",
    "groupnorm_plain": "groupnorm(2, affine=false)",
    "instancenorm": "instancenorm",
    "instancenorm_affine": "instancenorm(affine=true)",
    "layernorm": "layernorm",
    "layernorm_plain": "layernorm(affine=false)",
    "layernorm_last": "layernorm(dim=-1)",
    "layernorm_last_plain": "layernorm(affine=false, dim=-1)",
    "layernorm_all": "layernorm(dim={all})",
    "rmsnorm": "rmsnorm",
    "rmsnorm_plain": "rmsnorm(affine=false)",
    "rmsnorm_channels": "rmsnorm(dim=1)",
    "grn": "grn",
    "grn_last": "grn(-1)",
    "glu": "glu",
    "glu_last": "concat(x, x, dim=-1) >> glu(-1)",
    **{name: name for name in ("exp", "log", "sqrt", "rsqrt", "square", "abs", "shift")},
    "add_broadcast": "add(gate, x, broadcast=true)",
    **{name: f"{name}(x, x)" for name in ("sub", "div", "pow")},
    **{f"{name}_broadcast": f"{name}(gate, x)" for name in ("sub", "div", "pow")},
    "matmul": "scores >> relu",
    "attention": "attention(x, x, x)",
    "masked_attention": "masked_attention(x, x, x, scores)",
    "roll": "roll(1, 1)",
    "multihead_attention": "x >> multihead_attention(larger, larger, 1)",
    "multihead_attention_alike": "multihead_attention(x, x, 1)",
    "multihead_self_attention": "transpose(1, 2) >> multihead_self_attention(2)",
    "multihead_self_attention_plain": "transpose(1, 2) >> multihead_self_attention(2, bias=false)",
    **{f"{name}": f"transpose(1, 2) >> {name}(5)" for name in ("lstm", "gru")},
    **{f"{name}_plain": f"transpose(1, 2) >> {name}(5, bias=false)" for name in ("lstm", "gru")},
    **{f"{name}_both_ways": f"transpose(1, 2) >> {name}(5, 2, bidirectional=true)" for name in ("lstm", "gru")},
    "embedding": "embedding(7, 3)",
    "stochastic_depth": "stochastic_depth(0.2)",
    "transpose": "transpose(1, -1)",
    "pad": "pad(1, value=0.5)",
    **{f"pad_{mode}": f"pad(1, '{mode}')" for mode in ("reflect", "replicate", "circular")},
    "blurpool": "blurpool",
    "blurpool_replicate": "blurpool(4, 1, mode='replicate')",
    **{f"grid_sample_{mode}": f"x >> grid_sample(grid, '{mode}')" for mode in ("nearest", "bilinear", "bicubic")},
    "deform_conv": "x >> deform_conv(offset, 6, 3)",
    "deform_conv_plain": "x >> deform_conv(offset, 6, 3, groups=2, bias=false)",
    "modulated_deform_conv": "x >> modulated_deform_conv(offset, mask, 6, 3)",
    "layer_scale": "layer_scale",
    "layer_scale_last": "layer_scale(-1)",
    "softmax_last": "softmax(-1)",
    "log_softmax_last": "log_softmax(-1)",
    "pixel_shuffle": "pixel_shuffle(2)",
    "pixel_unshuffle": "zeropad(((0, 1), (0, 0))) >> pixel_unshuffle(2)",
    **{f"{name}_{dim}": f"{name}({dim}, keepdim=true)" for name in ("mean", "sum", "amax") for dim in (1, -1)},
    "prelu_per_channel": "prelu(in_channels)",
    "adaptive_maxpool": "adaptive_maxpool({divisors})",
    "adaptive_avgpool": "adaptive_avgpool({divisors})",
    "adaptive_avgpool_overlapping": "adaptive_avgpool(5)",
    "adaptive_maxpool_to_1": "adaptive_maxpool(1)",
    "adaptive_avgpool_to_1": "adaptive_avgpool(1)",
    "gelu": "gelu",
    "gelu_by_tanh": "gelu('tanh')",
    "add": "add(x, x, x)",
    "mul": "mul(x, x)",
    "gate": "mul(gate, x)",
    "gates": "mul(gate, gate, x)",
    "features": "mul(features, x)",
    "concat": "concat(x, x)",
    "concat_last": "concat(x, x, dim=-1)",
    "split": "split(2, 1)",
    "split_last": "concat(x, x, dim=-1) >> split(2, 1, -1)",
    "slice": "slice(1, 2, -1)",
    "slice_last": "slice(-1, 1, step=2)",
    "flatten_from": "flatten(2)",
    "reshape": "reshape((2, 4, -1))",
    "permute": "permute({reverse})",
    "parameter": "add(x, learned)",
    "shuffle": "shuffle(2)",
    "zeropad": "zeropad(1)",
    "zeropad_cut": "zeropad({cuts})",
    "channelpad": "channelpad(3)",
    "upsample": "upsample(2)",
    "upsample_bilinear": "upsample(2, mode='bilinear')",
    "upsample_half": "upsample(0.5)",
    "upsample_bilinear_half": "upsample(1.5, mode='bilinear')",
    "resize": "resize({factors})",
    **{f"resize_{mode}": f"resize(7, '{mode}')" for mode in MODES},
    "resize_like": "x >> resize_like(larger)",
    **{f"resize_like_{mode}": f"x >> resize_like(larger, '{mode}')" for mode in MODES},
    "upsample_per_axis": "upsample({factors})",
    "conv_then_bn": "conv(6, 3, bias=false) >> bn",
    "conv_bias_then_bn": "conv(6, 3) >> bn",
    "conv_then_bn_without_statistics": "conv(6, 3, bias=false) >> bn(stats=false)",
    "dwconv_then_bn": "dwconv(3, bias=false) >> bn(scale=false)",
    "linear_then_bn": "linear(6, bias=false) >> bn",
    "conv_then_relu_then_bn": "conv(6, 3, bias=false) >> relu >> bn",
    "conv_used_twice": "conv(8, 1) >> relu",
}
OVER = {"multihead": (1,), "lstm": (1,), "gru": (1,), "grid_sample": (2, 3), "deform": (2,), "bicubic": (2,)}
"""Of operators that are not over any number of axes, how many."""
INPUTS = {1: "8x13", 2: "8x13x12", 3: "8x7x6x7"}


def write_specs(folder: Path) -> dict[str, str]:
    """A spec file per operator and number of axes, behind a convolution, as some tools need a parameter to start."""
    paths = {}
    for axes, shape in INPUTS.items():
        for name, call in ONE_OPERATOR.items():
            if axes != MODES.get(name.removeprefix("resize_").removeprefix("like_"), axes):
                continue
            if any(over in name and axes not in known for over, known in OVER.items()):
                continue
            over_two = "pixel" in name or ("bilinear" in name and "grid" not in name)
            if (over_two and axes != 2) or (name == "conv_used_twice" and axes == 1):
                continue
            divisors = ((13,), (13, 4), (7, 3, 1))[axes - 1]
            text = call.format(
                all=tuple(range(-axes - 1, 0)),
                reverse=tuple(range(axes + 1, 0, -1)),
                pairs=((1, 0),) * axes,
                cuts=((-1, 2),) * axes,
                factors=(2, 3, 2)[:axes],
                divisors=divisors,
            )
            lines = [f"name: {name}", f"input: {shape}", "layers:", "  - x: conv(8, 1, bias=false) >> relu"]
            if "larger" in text:
                lines += ["  - larger: zeropad(1)"]
            if "grid)" in text or "grid," in text:
                lines += [f"  - grid: x >> slice(1, 0, {axes}) >> permute({(*range(2, axes + 2), 1)})"]
            if "offset" in text:
                lines += ["  - offset: x >> conv(18, 3, bias=false)"]
            if "mask, " in text:
                lines += ["  - mask: x >> conv(9, 3, bias=false)"]
            if "gate" in text:
                lines += ["  - gate: global_avgpool"]
            if "learned" in text:
                lines = [*lines, f"  - learned: parameter({tuple(map(int, shape.split('x')))})"]
            if "turned" in text or "scores" in text:
                lines += [
                    f"  - turned: x >> permute({(*range(1, axes), axes + 1, axes)})",
                    "  - scores: matmul(x, turned)",
                ]
            if "features" in text:
                lines += ["  - features: linear(8)"]
            if name == "conv_used_twice":
                lines += ["  - y: conv(8, 1, bias=false)", "  - z: bn", "  - add(y, z)"]
            else:
                lines += [f"  - {text}"]
            path = folder / f"{name}_{axes}.yaml"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            paths[f"{name}, {axes} axes"] = str(path)
    return paths


def compared(tool: str, totals: dict[str, Line]) -> list[str]:
    """The networks that a tool is compared on: it gets none of their operators wrong, and does not fail at them."""
    fails = {"calflops": ("per_axis",), "onnx-tool": ("overlapping", "bicubic")}.get(tool, ())
    sound = [name for name, total in totals.items() if not TOOLS[tool].gets_wrong(total)]
    return [name for name in sound if not any(one in name for one in fails)]


def test_every_weight_of_a_tool_is_seen_by_a_network_that_it_is_compared_on(tmp_path: Path) -> None:
    """So that none can be wrong and go unnoticed, but of operators that the tool gets wrong."""
    paths = {**{name: name for name in NETWORKS}, **write_specs(tmp_path)}
    totals = {name: convcost.load(path).price().total for name, path in paths.items()}
    unseen = {
        tool: [kind for kind in TOOLS[tool].rule.weights if not any(count(kind, totals[name]) for name in sound)]
        for tool in RUN
        for sound in [compared(tool, totals)]
    }
    assert {tool: kinds for tool, kinds in unseen.items() if kinds} == {"ptflops": ["multihead_attention"]}
    assert "multihead_attention" in TOOLS["ptflops"].wrong


@pytest.mark.parametrize("tool", RUN)
def test_a_rule_equals_the_real_tool(tool: str, tmp_path: Path) -> None:
    names = {**{name: name for name in NETWORKS}, **write_specs(tmp_path)}
    totals = {name: convcost.load(path).price().total for name, path in names.items()}
    sound = {name: names[name] for name in compared(tool, totals)}
    command = [sys.executable, HERE / "peers" / "count.py", tool, *sound.values()]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    counts = json.loads(done.stdout)
    assert {name: totals[name](as_=tool) for name in sound} == {name: counts[path] for name, path in sound.items()}


@pytest.mark.parametrize("tool", GOLDEN)
def test_golden_counts_of_resnet50(tool: str) -> None:
    assert convcost.load("resnet50@v1.5").price().total(as_=tool) == GOLDEN[tool]


def test_every_tool_is_compared() -> None:
    """Keras by its own table, below; what counts as we do needs no network to show it."""
    place = "tests/counters/test_tools.py, RUN (and convcost/torchbridge/toolcounts.py, TOOLS, how it is run)"
    own = {name for name, release in TOOLS.items() if release.rule in OWN.values() and name not in RUN}
    require_lines((*RUN, *own), TOOLS, place, '"{}",')
    assert own == {"keras"}


def test_every_operator_is_counted_by_the_tools() -> None:
    place = "tests/counters/test_tools.py, ONE_OPERATOR (in a form for each that a tool may count differently)"
    last = [call.split(">>")[-1].split("(")[0].strip() for call in ONE_OPERATOR.values()] + ["parameter", "matmul"]
    require_lines(last, REGISTRY, place, '"{0}": "{0}",')


def test_keras_counts_every_row_of_its_table() -> None:
    """keras_applications.csv is Keras' own table; test_keras compares its models layer by layer."""
    rows = read("keras_networks.csv")
    assert len(rows) == 26
    for model, row in read("keras_applications.csv").items():
        assert convcost.load(rows[model]["network"]).price().total(as_="keras") == int(row["params"])


def read(name: str) -> dict[str, dict[str, str]]:
    with (HERE / "data" / name).open(newline="", encoding="utf-8") as file:
        return {row["model"]: row for row in csv.DictReader(file)}
