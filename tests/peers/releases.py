"""Counts networks with a release of a tool that is not the one of our own environment.

`python releases.py TOOL NAME...` prints {name: count} as JSON; a count is -1 where the release fails. The release
stands in a folder of its own that comes first on PYTHONPATH, as `install` makes it: old releases want nothing of this
Python that it has not, but for what is mended here, and each mend says for whom.
"""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import inspect
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import count as peers
import torch
from torch import nn

from convcost.torchbridge import toolcounts

Count = Callable[[nn.Module, torch.Tensor], Any]


def install(requirements: Sequence[str], folder: Path) -> None:
    """Install a release into a folder of its own, without what it depends on: torch is our own."""
    constraint = folder.with_suffix(".constraint")
    constraint.write_text("setuptools<81\n", encoding="utf-8")  # old setup.py files import pkg_resources
    environment = {"PIP_BUILD_CONSTRAINT": str(constraint), "PIP_CONSTRAINT": str(constraint), "MMCV_WITH_OPS": "0"}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", str(folder)]
    subprocess.run([*command, *requirements], check=True, env={**os.environ, **environment})


def ptflops(model: nn.Module, x: torch.Tensor) -> int:
    import torch._dynamo  # noqa: F401  # 0.7 and later patch torch.mul, after which this cannot be imported
    from ptflops import get_model_complexity_info

    shape = tuple(x.shape[1:])
    if "len(input_res) == 2" in inspect.getsource(get_model_complexity_info):  # 0.1, which has 3 channels
        shape = shape[1:]
    return get_model_complexity_info(model, shape, as_strings=False, print_per_layer_stat=False)[0]


def mmcv(model: nn.Module, x: torch.Tensor) -> int:
    """Its module alone: the rest of the package wants OpenCV and torchvision."""
    for package in ("mmcv", "mmcv.cnn", "mmcv.cnn.utils"):
        _package(package)
    sys.modules["mmcv"].cnn = sys.modules["mmcv.cnn"]
    sys.modules["mmcv.cnn"].bricks = _package("mmcv.cnn.bricks", {"__getattr__": lambda name: type(name, (), {})})
    from mmcv.cnn.utils.flops_counter import get_model_complexity_info

    return get_model_complexity_info(model, tuple(x.shape[1:]), as_strings=False, print_per_layer_stat=False)[0]


def thop(model: nn.Module, x: torch.Tensor) -> int:
    collections.Iterable = collections.abc.Iterable  # where it was until Python 3.10, for 0.0.23 to 0.0.4
    from thop import profile

    if "input_size" in inspect.signature(profile).parameters:  # the first ones
        return profile(model, tuple(x.shape), verbose=False)[0]
    return profile(model, (x,), verbose=False)[0]


def ultralytics(model: nn.Module, x: torch.Tensor) -> float:
    """Its `get_flops`, which counts a square of the model's stride and scales it: here of the stride that it takes."""
    from thop import profile

    small = torch.zeros(1, x.shape[1], 32, 32)
    return 2 * profile(model, (small,), verbose=False)[0] * x.shape[2] / 32 * x.shape[3] / 32


def torchsummaryx(model: nn.Module, x: torch.Tensor) -> int:
    import pandas as pd
    from torchsummaryX import summary

    frames = []

    def sums(frame: pd.DataFrame) -> pd.Series:
        """As pandas 1 summed, which left out what has no sum."""
        frames.append(frame)
        texts = {"ksize", "Kernel Shape", "out", "Output Shape", "inner"}
        return pd.Series({name: pd.to_numeric(frame[name], "coerce").sum() for name in frame if name not in texts})

    pd.DataFrame.sum = sums
    summary(model, x)
    total = sums(frames[-1])
    return total["Mult-Adds"] if "Mult-Adds" in total else total["Mult-Adds (M)"] * 1e6


def torchstat(model: nn.Module, x: torch.Tensor, quantity: str = "MAdd") -> int:
    _package("torchvision", {})
    from torchstat.model_hook import ModelHook

    try:
        leaves = ModelHook(model, x.shape[1:]).retrieve_leaf_modules().values()
    finally:
        for module in model.modules():  # it wraps the call of each class, for good
            if "__call__" in vars(type(module)):
                del type(module).__call__
    return sum(int(getattr(leaf, quantity)) for leaf in leaves)


def torchstat_flops(model: nn.Module, x: torch.Tensor) -> int:
    return torchstat(model, x, "Flops")


def torchscan(model: nn.Module, x: torch.Tensor, quantity: str = "macs") -> int:
    from torchscan import crawl_module

    report = crawl_module(model, tuple(x.shape[1:]))
    if "totals" in report:
        total = report["totals"]["module_flops" if quantity == "flops" else quantity]
        return total["value"] if total["value"] is not None else total["known_value"]
    return sum(layer[quantity] for layer in report["layers"])


def torchscan_flops(model: nn.Module, x: torch.Tensor) -> int:
    return torchscan(model, x, "flops")


def torchscan_operators(model: nn.Module, x: torch.Tensor) -> int:
    return torchscan(model, x, "operator_flops")


def torchlens(model: nn.Module, x: torch.Tensor) -> int:
    import torchlens

    if hasattr(torchlens, "trace"):
        return torchlens.trace(model, x).total_flops_forward
    return torchlens.log_forward_pass(model, x).total_flops_forward


def flopth(model: nn.Module, x: torch.Tensor) -> int:
    _package("torchvision", {"models": _package("torchvision.models", {})})
    from flopth import flopth

    return flopth(model, in_size=[list(x.shape[1:])], bare_number=True)[0]


def deepspeed(model: nn.Module, x: torch.Tensor, which: int = 0) -> int:
    _package("deepspeed").HAS_TRITON = False
    with contextlib.suppress(AttributeError):  # modules that import each other, of which the second time finds both
        import_module("deepspeed.profiling.flops_profiler.profiler")
    from deepspeed.profiling.flops_profiler.profiler import get_model_profile

    return get_model_profile(model, args=[x], print_profile=False, as_string=False, warm_up=0)[which]


def deepspeed_macs(model: nn.Module, x: torch.Tensor) -> int:
    return deepspeed(model, x, 1)


def model_analyzer(model: nn.Module, x: torch.Tensor) -> int:
    """Open Model Zoo's counter, on what OpenVINO makes of the network. Its source stands in the release's folder."""
    import openvino
    from model_analyzer.model_complexity import ModelComputationalComplexity
    from model_analyzer.model_metadata import ModelMetaData

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.running_mean)  # or what is left of it once folded, a bias of zeros, is left out
    with TemporaryDirectory() as folder:
        onnx, xml, weights = (Path(folder) / f"model.{suffix}" for suffix in ("onnx", "xml", "bin"))
        torch.onnx.export(model, (x,), onnx, dynamo=False, opset_version=11)
        openvino.save_model(openvino.convert_model(onnx), xml, compress_to_fp16=False)
        gflops, _ = ModelComputationalComplexity(ModelMetaData(xml, weights)).get_total_ops()
    return round(gflops * 1e9)


def model_stats(model: nn.Module, x: torch.Tensor) -> int:
    """imgclsmob's counter, which knows its own classes of what torch has today. It stands in the release's folder."""
    import model_stats

    model_stats.Flatten, model_stats.Swish = nn.Flatten, nn.SiLU
    model_stats.HSigmoid, model_stats.HSwish = nn.Hardsigmoid, nn.Hardswish
    for module in list(model.modules()):
        if type(module).__module__.startswith("convcost"):  # a function in its own networks: it asks leaves only
            module.add_module("inside", nn.Identity())
    return model_stats.measure_model(model, [tuple(x.shape)])[0]


def fvcore_of_means(model: nn.Module, x: torch.Tensor) -> int:
    """`fvcore` of a network that pools by `x.mean((2, 3))`, as timm's squeeze-and-excitation and pycls' heads do."""

    class Mean(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3), keepdim=True)

    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d):
                setattr(module, name, Mean())
                model.steps = [s._replace(layer=getattr(module, name)) if s.layer is child else s for s in model.steps]
    return toolcounts.fvcore(model, x)


def _package(name: str, attributes: dict[str, Any] | None = None) -> ModuleType:
    """Put an empty package in place of one that is imported and not needed, or of one whose own imports are too much.

    Without attributes its modules can be imported, without its __init__.
    """
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [] if attributes is not None else find_spec(name).submodule_search_locations
        vars(package).update(attributes or {})
        sys.modules[name] = package
    return sys.modules[name]


def _or_none(count: Count) -> Count:
    """A count that is -1 where the release fails, and why on standard error."""

    def counted(model: nn.Module, x: torch.Tensor) -> int:
        try:
            return round(float(count(model, x)))
        except Exception:  # noqa: BLE001  # whatever a tool raises
            traceback.print_exc()
            return -1

    return counted


TOOLS: dict[str, tuple[Count, str]] = {
    name: (_or_none(count), "cpu")
    for name, count in {
        "ptflops": ptflops,
        "mmcv": mmcv,
        "thop": thop,
        "ultralytics": ultralytics,
        "torchsummaryX": torchsummaryx,
        "torchstat": torchstat,
        "torchstat-flops": torchstat_flops,
        "torchscan": torchscan,
        "torchscan-flops": torchscan_flops,
        "torchscan-operators": torchscan_operators,
        "torchlens": torchlens,
        "flopth": flopth,
        "deepspeed": deepspeed,
        "deepspeed-macs": deepspeed_macs,
        "model-analyzer": model_analyzer,
        "model-stats": model_stats,
        "fvcore-mean": fvcore_of_means,
    }.items()
}


if __name__ == "__main__":
    peers.main(TOOLS)
