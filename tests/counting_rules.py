"""The records of tests/data/counting_rules.yaml, and the kinds of work that their rules weigh.

A kind is a quantity of one layer, as in `convcost.counters`; those here are weighed by rules that it does not offer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from convcost.counters.kinds import KINDS as BY_OPERATOR
from convcost.counters.line import SUMS, Line
from convcost.counters.releases import OF_A_TOOL
from convcost.counters.rules import count
from convcost.network import load
from convcost.ops import Conv, ConvTranspose, DepthwiseConv

FILE = Path(__file__).parent / "data" / "counting_rules.yaml"
NETWORKS = ("resnet50@v1.5", "vgg16@paper", "densenet121@paper", "mobilenet_v2@torchvision")

OPERATORS = {
    "conv": "conv(6, 3, bias=false)",
    "conv_bias": "conv(6, 3)",
    "conv_grouped": "conv(8, 3, groups=4)",
    "dwconv": "dwconv(3)",
    "conv_transpose": "conv_transpose(6, 3, stride=2)",
    "linear": "linear(5, bias=false)",
    "linear_bias": "linear(5)",
    "bn": "bn",
    "bn_plain": "bn(scale=false, shift=false)",
    "conv_then_bn": "conv(6, 3, bias=false) >> bn",
    **{name: name for name in ("relu", "relu6", "swish", "sigmoid", "tanh", "hardsigmoid", "hardswish")},
    "softmax": "linear(5, bias=false) >> softmax",
    "maxpool": "maxpool(3, stride=2, padding=1)",
    "avgpool": "avgpool(3, stride=2)",
    "global_maxpool": "global_maxpool",
    "global_avgpool": "global_avgpool",
    "add": "add(x, x)",
    "mul": "mul(gate, x)",
    "concat": "concat(x, x)",
    "dropout": "dropout",
    "lrn": "lrn(5)",
    "upsample": "upsample(2)",
    "upsample_bilinear": "upsample(2, mode='bilinear')",
}
"""What is counted of each: a layer on 8 maps of 13x12. A gate is pooled globally first, and counts with its product."""

BASE = "base"


def write_specs(folder: Path) -> dict[str, str]:
    """A spec file per operator, behind a convolution, as some tools need a parameter to start; and of that alone."""
    paths = {}
    for name, call in {BASE: "", **OPERATORS}.items():
        lines = [f"name: {name}", "input: 3x13x12", "layers:", "  - x: conv(8, 1, bias=false) >> relu"]
        lines += ["  - gate: global_avgpool"] if "gate" in call else []
        lines += [f"  - {call}"] if call else []
        path = folder / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths[name] = str(path)
    return paths


KINDS = (*SUMS, *BY_OPERATOR)
"""The kinds that convcost tells apart."""

MORE_KINDS: dict[str, Callable[[Line], int]] = {
    "conv bias by fan-in": lambda row: (
        row.work.macs // row.op.kernel_size**2
        if isinstance(row.op, Conv | DepthwiseConv | ConvTranspose) and row.op.bias
        else 0
    ),
}


def kinds(row: Line, kind: str) -> int:
    return MORE_KINDS[kind](row) if kind in MORE_KINDS else count(kind, row)


def predicted(rule: dict[str, int | float], total: Line) -> int:
    """What a rule counts of a network, or of a layer."""
    return sum(weight * kinds(row, kind) for kind, weight in rule.items() for row in total.rows)


def records() -> list[dict[str, Any]]:
    """Every record, with the rule of the release that it names."""
    found = yaml.safe_load(FILE.read_text(encoding="utf-8"))["records"]
    return [{**record, "rule": _rule(record)} for record in found]


def _rule(record: dict[str, Any]) -> dict[str, int]:
    return dict(OF_A_TOOL[record["release"]].rule.weights) if "release" in record else record["rule"]


def total(name: str) -> Line:
    return load(name).price().total
