"""The layers that a torch module runs: every batch norm and every operator that torch counts, however it is written.

They are caught where torch dispatches them, so that a functional call counts as much as a module. Importing this
module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torch.utils.module_tracker import ModuleTracker
from torch.utils.weak import WeakTensorKeyDictionary

from convcost.ops import Shape


class Layer(NamedTuple):
    """One layer that ran, and the layers whose outputs reach its input with no other layer in between."""

    name: str
    """The path of the module that ran it."""
    sources: frozenset[int]
    """By number, in execution order."""
    operator: str
    kernel_size: Shape = ()
    stride: Shape = ()
    dilation: Shape = ()
    groups: int = 1
    in_channels: int = 0
    out_channels: int = 0
    bias: bool = False
    output: Shape = ()
    params: int = 0
    macs: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything but where it is."""
        return self[2:]


def record(module: nn.Module, x: Tensor) -> list[Layer]:
    """The layers that a module runs on an input of one sample, in execution order, in evaluation mode."""
    recorder = _Recorder()
    with _evaluating(module), torch.no_grad(), recorder.tracker, recorder:
        module(x)
    return recorder.layers


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own base is untyped
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tracker = ModuleTracker()
        self.layers: list[Layer] = []
        self._sources: Any = WeakTensorKeyDictionary()

    def __torch_dispatch__(
        self, func: Any, types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        packet = func._overloadpacket
        sources = frozenset[int]().union(*(self._sources.get(t, ()) for t in _tensors((args, kwargs))))
        fields, formula = _fields(packet.__name__, args), flop_registry.get(packet)
        if fields is None and formula is not None:  # a product of activations, say, or attention
            fields = {"operator": packet.__name__}
        if fields is not None:
            macs = formula(*args, **kwargs, out_val=out) // 2 if formula else 0
            output, *_ = _tensors(out)
            # Parents' paths are prefixes of each other and start with the root's class.
            name = max(self.tracker.parents - {"Global"}, key=len, default="").partition(".")[2]
            self.layers.append(Layer(name, sources, **fields, output=tuple(output.shape[1:]), macs=macs))
            sources = frozenset((len(self.layers) - 1,))
        for tensor in _tensors(out):
            self._sources[tensor] = sources
        return out


def _fields(operator: str, args: Sequence[Any]) -> dict[str, Any] | None:
    """What the arguments of a torch operator say of the layer that it is, or None if it is none."""
    if operator == "convolution":
        _, weight, bias, stride, _, dilation, transposed, _, groups = args
        inside, outside = (0, 1) if transposed else (1, 0)
        return {
            "operator": "conv_transpose" if transposed else "conv",
            "kernel_size": tuple(weight.shape[2:]),
            "stride": tuple(stride),
            "dilation": tuple(dilation),
            "groups": groups,
            "in_channels": weight.shape[inside] * (1 if transposed else groups),
            "out_channels": weight.shape[outside] * (groups if transposed else 1),
            "bias": bias is not None,
            "params": _numel(weight, bias),
        }
    if operator in ("addmm", "mm"):
        *_, weight = args
        bias = args[0] if operator == "addmm" else None
        return {
            "operator": "linear",
            "in_channels": weight.shape[0],
            "out_channels": weight.shape[1],
            "bias": bias is not None,
            "params": _numel(weight, bias),
        }
    if "batch_norm" in operator:  # native_, cudnn_, _native_..._legit: as the device has it
        x, scale, shift = args[:3]
        return {"operator": "bn", "out_channels": x.shape[1], "params": _numel(scale, shift)}
    return None


def _numel(*tensors: Tensor | None) -> int:
    return sum(t.numel() for t in tensors if t is not None)


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards each part back in the mode that it was in."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True
