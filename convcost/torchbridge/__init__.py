"""The bridge to torch: networks as real models, and cross-checks against torch, fvcore and modules of the user's.

Importing this package imports neither; what needs them says so in one line where they are missing.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph
from convcost.cost.inputs import Given, sizes_of
from convcost.errors import ConvcostError, MissingExtraError, reported
from convcost.network import Network, load
from convcost.ops import Shape
from convcost.spec.inputs import parse_input

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import torch
    from torch import nn

    from convcost.torchbridge.module import TorchModel
    from convcost.torchbridge.report import Verification


def torch_model(
    network: Network | Graph | str | PathLike[str],
    /,
    *,
    input: Given | str | None = None,
    device: str | torch.device = "cpu",
    **knobs: Any,
) -> TorchModel:
    """The torch model of a network or graph, in evaluation mode: (N, C, *sizes) -> its output, several inputs in order.

    On device "meta" no weights are allocated. Raises ConvcostError if there is no such device or torch has no such
    layer, MissingExtraError without torch.
    """
    require("torch")
    from convcost.torchbridge.module import TorchModel, torch_device

    graph, shape = _graph(network, input, knobs)
    with reported(f"{graph.name}: torch"), torch_device(device):
        return TorchModel(graph, shape)


def verify(
    network: Network | Graph | str | PathLike[str],
    /,
    *,
    module: nn.Module | None = None,
    input: Given | str | None = None,
    device: str | torch.device | None = None,
    **knobs: Any,
) -> Verification:
    """Whether torch agrees with a network's cost; with a module, whether that module is the network.

    Without one, the network's own torch model is built on the device ("cpu" if it is None, "cuda", or "meta", which
    computes nothing and leaves fvcore out) and compared per layer and in total: parameters, output shapes of a forward
    pass, macs by fvcore and by torch's FlopCounterMode. With one, what it runs, in evaluation mode, is aligned with the
    network's convolutions, linear layers and batch norms: activations and poolings show by the sizes that they leave.
    Layers that share weights, and the shape of its output, the first tensor that it returns, are compared as well;
    parameters that nothing uses are told, as `unused`, and not compared. It runs on its own device, which has to be
    this one if one is given.

    >>> convcost.verify("resnet50@v1.5").ok
    True

    Raises ConvcostError for an unknown network or device, for a model that torch cannot build, for what is no module,
    one that does not run and one on another device; MissingExtraError without torch or fvcore.
    """
    require("torch", "fvcore")
    from convcost.torchbridge.module import torch_device

    graph, shape = _graph(network, input, knobs)
    where = None if device is None else torch_device(device)
    if module is not None:
        from convcost.torchbridge.align import verify_module

        with reported(f"{graph.name}: torch"):
            return verify_module(graph, shape, module, where)
    from convcost.torchbridge.crosscheck import verify_graph

    with reported(f"{graph.name}: torch"):
        return verify_graph(graph, shape, where or torch_device("cpu"))


def module_named(name: str, arguments: Mapping[str, Any] | None = None, said: str = "") -> nn.Module:
    """The module that `package.module:callable` makes: see `convcost.torchbridge.named`; runs that code.

    Raises ConvcostError for what is none, MissingExtraError without torch.
    """
    require("torch")
    from convcost.torchbridge.named import module_named

    return module_named(name, arguments, said)


def _graph(
    network: Network | Graph | str | PathLike[str], input: Given | str | None, knobs: dict[str, Any]
) -> tuple[Graph, Shape]:
    """A graph, and an input shape that fits it."""
    if isinstance(network, Graph):
        if knobs:
            raise ConvcostError(f"{network.name}: a graph has no knobs, got {', '.join(knobs)}")
        cost = Cost(network, parse_input(input) if isinstance(input, str) else input)
    else:
        cost = (network if isinstance(network, Network) else load(network)).price(input, **knobs)
    total = cost.with_auxiliary
    if not all(type(number) is int for number in (*sizes_of(cost.input), total.params, total.macs)):
        raise ConvcostError(f"{cost.graph.name}: torch takes one network on one input, not arrays or symbols")
    return cost.graph, cost.input


def require(*packages: str) -> None:
    """Raises MissingExtraError for a package that is not installed."""
    for package in packages:
        if find_spec(package) is None:
            raise MissingExtraError(package, "torch")
