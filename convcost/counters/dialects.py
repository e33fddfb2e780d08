"""The counters' dialects: what each tool of the field counts, as data.

A profile weighs kinds of work (`convcost.counters.kinds`) and sums them up, and says of which release of its tool that
holds. A row's count under a profile is what the tool reports for that layer in a model such as `convcost.torchbridge`
builds: a residual is written `a + b`, a product `a * b`, activations and poolings are modules. The tests compare it
with the real tools, to the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from convcost.counters.kinds import amount
from convcost.counters.line import Line
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int
from convcost.ops import NO_WORK


@dataclass(frozen=True)
class Profile:
    """What one tool counts: so much of each kind of work."""

    name: str
    tool: str
    """The release that it was checked against."""
    unit: str
    """What the tool's count is of: MACs, FLOPs or params."""
    weights: Mapping[str, int]
    """How much of each kind it counts."""
    quirk: str
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Operators that the tool gets wrong, and how. There the profile keeps to its rule, and is not compared."""

    @property
    def meaning(self) -> str:
        """The rule: `macs + fc bias + 2 bn`."""
        return _formula(self.weights)

    def of(self, line: Line) -> Int:
        """The count of a row, a scope or a network, for the whole batch, as the tools count."""
        return sum(self.terms(line).values())

    def terms(self, line: Line) -> dict[str, Int]:
        """The count by kind, weighted, in the rule's order; kinds of which the line has none are left out."""
        total: dict[str, Int] = {}
        for row in line.rows:
            for kind, found in self._amounts(row).items():
                total[kind] = total.get(kind, 0) + self.weights[kind] * found
        return {kind: total[kind] for kind in self.weights if kind in total}

    def not_counted(self, line: Line) -> dict[str, int]:
        """Work that the tool counts nothing of, by operator (or as `conv bias`), with how many layers do it."""
        found: dict[str, int] = {}
        if self.unit == "params":
            return found
        for row in line.rows:
            missed = [row.operator] if row.work != NO_WORK and not self._amounts(row) else []
            missed += [bias for bias in _BIASES if bias not in self.weights and amount(bias, row) is not None]
            for name in missed:
                found[name] = found.get(name, 0) + 1
        return found

    def gets_wrong(self, line: Line) -> dict[str, str]:
        """The operators of a line that the tool gets wrong, and how."""
        operators = {row.operator for row in line.rows}
        return {operator: how for operator, how in self.wrong.items() if operator in operators}

    def _amounts(self, row: Line) -> dict[str, Int]:
        return {kind: found for kind in self.weights if (found := amount(kind, row)) is not None}


_BIASES = ("conv bias", "fc bias")


def _formula(weights: Mapping[str, int]) -> str:
    return " + ".join(weighted(kind, weight) for kind, weight in weights.items()).replace("+ -", "- ")


def weighted(kind: str, weight: int) -> str:
    """`bn`, `2 bn`, `-bn`."""
    return {1: kind, -1: f"-{kind}"}.get(weight, f"{weight} {kind}")


_BY_OUTPUT = "counts it by its output: too much by the ratio of its output positions to its input's"

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile(
                "macs",
                "convcost",
                "MACs",
                {"macs": 1},
                "Multiply-adds of convolutions and matrix products. What else a layer does is told apart, not added.",
            ),
            Profile(
                "flops2",
                "convcost",
                "FLOPs",
                {"macs": 2},
                "A multiply and an add for each of the macs: what is meant where FLOPs are twice the MACs.",
            ),
            Profile(
                "fvcore",
                "fvcore 0.1.5.post20221221",
                "MACs",
                {
                    "macs": 1,
                    "bn": 2,
                    "bn with beta only": 1,
                    "bn without affine": 1,
                    "bn without statistics": 3,
                    "2-d global_avgpool in": 1,
                    "2-d nearest": 1,
                    "bilinear": 4,
                },
                "Calls a multiply-add a flop. AdaptiveAvgPool2d(1) counts and AvgPool2d(7) does not, for the same "
                "arithmetic; over one and three axes neither does. In training mode batch norm counts 5 per element.",
            ),
            Profile(
                "torch",
                "torch 2.13 FlopCounterMode",
                "FLOPs",
                {"macs": 2},
                "Two for each multiply-add of a convolution or matrix product, and nothing else.",
            ),
            Profile(
                "torchinfo",
                "torchinfo 1.8.0",
                "MACs",
                {"macs": 1, "conv bias": 1, "fc bias": 1, "bn params": 1},
                "Parameters times output positions in a convolution, times nothing in any other layer: batch norm "
                "counts its parameters once a sample, whatever the size of the map.",
                {"conv_transpose": _BY_OUTPUT},
            ),
            Profile(
                "ptflops",
                "ptflops 0.7.5, pytorch backend",
                "MACs",
                {
                    "macs": 1,
                    "conv bias": 1,
                    "fc bias": 1,
                    "bn": 2,
                    "bn with beta only": 2,
                    "bn without affine": 1,
                    "relu": 2,
                    "relu6": 1,
                    "swish": 1,
                    "softmax": 1,
                    "maxpool in": 2,
                    "avgpool in": 2,
                    "global_maxpool in": 2,
                    "global_avgpool in": 2,
                    "upsample": 2,
                    "lrn": 3,
                    "lrn padded": 1,
                },
                "Counts ReLU, poolings and upsampling twice, once by a hook of the module and once by a patch of the "
                "function that it calls; written as functions they count once. A sum written a + b counts nothing, "
                "torch.add(a, b) its elements. Fails where torch imports its compiler after the patch.",
            ),
            Profile(
                "ptflops-aten",
                "ptflops 0.7.5, aten backend",
                "MACs",
                {"macs": 1, "conv bias": 1, "fc bias": 1},
                "The same tool asked for backend='aten': convolutions and matrix products, with their biases.",
            ),
            Profile(
                "thop",
                "thop 0.1.1.post2209072238",
                "MACs",
                {
                    "macs": 1,
                    "bn": 4,
                    "bn with beta only": 4,
                    "bn without affine": 2,
                    "avgpool": 1,
                    "global_avgpool in": 1,
                    "global_avgpool": 1,
                    "nearest": 1,
                    "bilinear": 11,
                    "softmax": 3,
                    "softmax vectors": -1,
                },
                "Sees modules only: whatever is written as a function counts nothing, and the parameters of a module "
                "that is never called are missing from its params.",
                {"conv_transpose": _BY_OUTPUT},
            ),
            Profile(
                "calflops",
                "calflops 0.3.2",
                "FLOPs",
                {
                    "macs": 2,
                    "conv bias": 1,
                    "bn": 2,
                    "bn with beta only": 1,
                    "bn without affine": 1,
                    "bn without statistics": 3,
                    "relu": 1,
                    "swish": 1,
                    "softmax": 1,
                    "maxpool in": 1,
                    "avgpool in": 1,
                    "global_maxpool in": 1,
                    "global_avgpool in": 1,
                    "upsample in": 1,
                    "lrn": 3,
                    "lrn padded": 1,
                },
                "Its FLOPs; its MACs are ours. Biases of convolutions count, those of linear layers do not; a module "
                "ReLU counts, ReLU6 does not; a sum counts as torch.add(a, b) and not as a + b; upsampling counts its "
                "input, and fails at factors that differ by axis. After an exception torch stays patched, and every "
                "later count of the process is a multiple.",
                {
                    "conv_transpose": "counts a grouped one groups times, and biases at a convolution's size",
                },
            ),
            Profile(
                "torchprofile",
                "torchprofile 0.1.0",
                "MACs",
                {
                    "macs": 1,
                    "bn": 1,
                    "avgpool": 1,
                    "global_avgpool": 1,
                    "mul": 1,
                    "scale": 1,
                    "lrn": 3,
                    "bilinear": 4,
                },
                "A batch norm without gamma counts nothing; products of tensors count, sums do not.",
                {"conv_transpose": _BY_OUTPUT},
            ),
            Profile(
                "keras",
                "Keras 3 count_params()",
                "params",
                {"weights": 1, "biases": 1, "norm affine": 1, "norm statistics": 1},
                "Running means and variances are parameters too; trainable ones are our params.",
            ),
            Profile(
                "onnx-tool",
                "onnx-tool 1.0.1, torch's TorchScript exporter",
                "weighted operations",
                {
                    "macs": 1,
                    "conv bias": 1,
                    "fc bias": 1,
                    "folded bias": 1,
                    "bn not folded": 31,
                    "bn without statistics": 5,
                    "relu": 1,
                    "relu6": 2,
                    "swish": 33,
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
                    "add": 1,
                    "mul": 1,
                    "bilinear": 4,
                },
                "Instructions rather than operations: a division weighs 4, a root 24, an exponential 32. The exporter "
                "folds a batch norm into the convolution before it, whose bias is all that is left of it; makes one "
                "of layers without weights that do the same to the same tensor: there it counts less.",
                {"conv_transpose": "counts it by its output, and without the kernel of every axis"},
            ),
        )
    }
)
"""Every profile, by the name that `--as` takes."""


def profile(name: str) -> Profile:
    """The profile of this name. Raises ConvcostError, with the closest one, if there is none."""
    if not isinstance(name, str):
        raise ConvcostError(f"a profile is named by a text such as 'thop', got {name!r}; see convcost dialects")
    found = PROFILES.get(name)
    if found is None:
        raise ConvcostError(f"unknown profile {name!r}{did_you_mean(name, PROFILES) or '; see convcost dialects'}")
    return found
