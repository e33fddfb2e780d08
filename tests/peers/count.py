"""Counts networks with one real tool: `python count.py TOOL NAME...` prints {name: count} as JSON.

A program of its own, because these tools patch torch, print, or log as they go: a test starts it in a fresh process.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import nn

from convcost.network import load
from convcost.torchbridge.module import TorchModel


def fvcore(model: nn.Module, x: torch.Tensor) -> int:
    from fvcore.nn import FlopCountAnalysis

    return FlopCountAnalysis(model, x).total()


def torch_flops(model: nn.Module, x: torch.Tensor) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(x)
    return counter.get_total_flops()


def torchinfo(model: nn.Module, x: torch.Tensor) -> int:
    from torchinfo import summary

    return summary(model, input_data=x, verbose=0, device=x.device).total_mult_adds


def ptflops(model: nn.Module, x: torch.Tensor, backend: str = "pytorch") -> int:
    # The first convolution of a process imports this, which fails once ptflops has patched torch.mul.
    import torch._dynamo  # noqa: F401  # imported for its effect
    from ptflops import get_model_complexity_info

    return get_model_complexity_info(
        model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False, backend=backend
    )[0]


def ptflops_aten(model: nn.Module, x: torch.Tensor) -> int:
    return ptflops(model, x, "aten")


def thop(model: nn.Module, x: torch.Tensor) -> int:
    from thop import profile

    return profile(model, (x,), verbose=False)[0]


def calflops(model: nn.Module, x: torch.Tensor) -> int:
    # The package imports transformers, which it does not declare and whose part of it nobody needs to count a model.
    if "calflops" not in sys.modules:
        package = ModuleType("calflops")
        package.__path__ = find_spec("calflops").submodule_search_locations
        sys.modules["calflops"] = package
    from calflops.flops_counter import calculate_flops

    return calculate_flops(model, args=[x], output_as_string=False, print_results=False, print_detailed=False)[0]


def torchprofile(model: nn.Module, x: torch.Tensor) -> int:
    from torchprofile import profile_macs

    return profile_macs(model, x)


def onnx_tool(model: nn.Module, x: torch.Tensor) -> int:
    import onnx
    import onnx_tool

    file = io.BytesIO()
    torch.onnx.export(model, (x,), file, dynamo=False, opset_version=10)
    tool = onnx_tool.Model(onnx.load_from_string(file.getvalue()))
    tool.graph.shape_infer()
    tool.graph.profile()
    return tool.graph.macs[0]


TOOLS: dict[str, tuple[Callable[[nn.Module, torch.Tensor], Any], str]] = {
    "fvcore": (fvcore, "cpu"),
    "torch": (torch_flops, "meta"),
    "torchinfo": (torchinfo, "meta"),
    "ptflops": (ptflops, "cpu"),
    "ptflops-aten": (ptflops_aten, "meta"),
    "thop": (thop, "cpu"),
    "calflops": (calflops, "cpu"),
    "torchprofile": (torchprofile, "cpu"),
    "onnx-tool": (onnx_tool, "cpu"),
}
"""Each tool, and where it counts: on meta where that gives the same for less. Patched functions would be seen inside of
meta's own kernels, which are written in Python, and tracers see none of its convolutions."""


def main(tools: dict[str, tuple[Callable[[nn.Module, torch.Tensor], Any], str]]) -> None:
    tool, *names = sys.argv[1:]
    count, device = tools[tool]
    warnings.simplefilter("ignore")
    logging.disable()
    counts = {}
    with contextlib.redirect_stdout(sys.stderr), torch.no_grad():
        for name in names:
            graph = load(name).build()
            with torch.device(device):
                model, x = TorchModel(graph), torch.zeros(1, *graph.input)
            counts[name] = int(count(model, x))
    sys.stdout.write(json.dumps(counts))


if __name__ == "__main__":
    main(TOOLS)
