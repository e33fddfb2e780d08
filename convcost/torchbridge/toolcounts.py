"""What the real tools of the field count of a model, each as its own README has it called.

They patch torch, print and log as they go: run one of them in a process of its own (`convcost.torchbridge.toolruns`).
Importing this module imports torch, and none of them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


def fvcore(model: nn.Module, *xs: Tensor) -> Any:
    """fvcore's `FlopCountAnalysis`."""
    from fvcore.nn import FlopCountAnalysis  # type: ignore[import-untyped]

    return FlopCountAnalysis(model, xs).total()


def torch_flops(model: nn.Module, *xs: Tensor) -> Any:
    """torch's own `FlopCounterMode`."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(*xs)
    return counter.get_total_flops()


def torchinfo(model: nn.Module, *xs: Tensor) -> Any:
    """torchinfo's `summary`."""
    from torchinfo import summary

    return summary(model, input_data=[*xs], verbose=0, device=xs[0].device).total_mult_adds


def ptflops(model: nn.Module, *xs: Tensor, backend: str = "pytorch") -> Any:
    """ptflops, of one input."""
    # The first convolution of a process imports this, which fails once ptflops has patched torch.mul.
    import torch._dynamo  # noqa: F401  # imported for its effect
    from ptflops import get_model_complexity_info  # type: ignore[import-untyped]

    (x,) = xs
    return get_model_complexity_info(
        model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False, backend=backend
    )[0]


def ptflops_aten(model: nn.Module, *xs: Tensor) -> Any:
    """ptflops by its other backend."""
    return ptflops(model, *xs, backend="aten")


def thop(model: nn.Module, *xs: Tensor) -> Any:
    """thop's `profile`."""
    from thop import profile  # type: ignore[import-untyped]

    return profile(model, xs, verbose=False)[0]


def calflops(model: nn.Module, *xs: Tensor) -> Any:
    """calflops' `calculate_flops`."""
    # The package imports transformers, which it does not declare and whose part of it nobody needs to count a model.
    if "calflops" not in sys.modules and (found := find_spec("calflops")):
        package = ModuleType("calflops")
        package.__path__ = list(found.submodule_search_locations or ())
        sys.modules["calflops"] = package
    from calflops.flops_counter import calculate_flops  # type: ignore[import-untyped]

    return calculate_flops(model, args=[*xs], output_as_string=False, print_results=False, print_detailed=False)[0]


def torchprofile(model: nn.Module, *xs: Tensor) -> Any:
    """torchprofile's `profile_macs`."""
    from torchprofile import profile_macs

    return profile_macs(model, xs)


def onnx_tool(model: nn.Module, *xs: Tensor) -> Any:
    """onnx-tool, of what torch exports."""
    import onnx
    import onnx_tool  # type: ignore[import-untyped]

    file = io.BytesIO()
    torch.onnx.export(model, xs, file, dynamo=False, opset_version=10)  # type: ignore[arg-type]  # a file it takes, too
    tool = onnx_tool.Model(onnx.load_from_string(file.getvalue()))
    tool.graph.shape_infer()
    tool.graph.profile()
    return tool.graph.macs[0]


class Tool(NamedTuple):
    """A tool that can be run."""

    counts: Callable[..., Any]
    """Of a model and its inputs, one sample each."""
    device: str = "cpu"
    """Where our own models are counted: on meta where that gives the same for less. Patched functions would be seen
    inside of meta's own kernels, which are written in Python, and tracers see none of its convolutions."""


TOOLS = {
    "fvcore": Tool(fvcore),
    "torch": Tool(torch_flops, "meta"),
    "torchinfo": Tool(torchinfo, "meta"),
    "ptflops": Tool(ptflops),
    "ptflops-aten": Tool(ptflops_aten, "meta"),
    "thop": Tool(thop),
    "calflops": Tool(calflops),
    "torchprofile": Tool(torchprofile),
    "onnx-tool": Tool(onnx_tool),
}
"""By the names of `convcost.counters.tools`."""
