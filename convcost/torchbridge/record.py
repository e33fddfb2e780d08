"""The layers that a torch module runs: every batch norm and every operator that torch counts, however it is written.

They are caught where torch dispatches them, so that a functional call counts as much as a module; and a parameter is
told by where it is stored, so that it is the same one under any name, in any view. Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torch.utils.module_tracker import ModuleTracker
from torch.utils.weak import WeakTensorKeyDictionary

from convcost.errors import reason
from convcost.ops import Shape
from convcost.torchbridge.storage import Region, overlap


class Layer(NamedTuple):
    """One layer that ran, and the layers whose outputs reach its input with no other layer in between."""

    name: str
    """The path of the module that ran it."""
    sources: frozenset[int]
    """By number, in execution order."""
    weights: frozenset[Region]
    """The parameters and buffers that its own are, or are computed from."""
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
        """Everything but where it is, and what it shares with others."""
        return self[3:]


class Run(NamedTuple):
    """What a module ran on an input of one sample."""

    layers: list[Layer]
    """In execution order."""
    output: torch.Size | None
    """The shape of the first tensor that it returned, batch included; None if it returned none."""
    sources: frozenset[int]
    """The layers that reach the output with no other layer in between."""
    unused: dict[str, int]
    """The parameters that reach neither a layer nor what is returned, by name, and how many elements each has."""


class NotRunError(Exception):
    """A module raised something; its text names the part of it and the cause."""


def record(module: nn.Module, *xs: Tensor) -> Run:
    """Run a module on some samples, in evaluation mode, and say what ran, of one of them.

    Raises NotRunError for whatever the module does.
    """
    with _evaluating(module), torch.no_grad():
        if any(map(is_lazy, chain(module.parameters(), module.buffers()))):
            with _located(tracker := ModuleTracker()), tracker:
                module(*xs)  # only then are they stored anywhere
        recorder = _Recorder(module, len(xs[0]))
        with _located(recorder.tracker), recorder.tracker, recorder:
            returned = list(_returned(module(*xs)))
    output = returned[0].shape if returned else None
    sources = recorder.sources(returned[:1])
    used = recorder.used | recorder.origins(returned)
    unused = {}
    for name, parameter in module.named_parameters():
        if is_lazy(parameter):
            unused[name] = 0
        elif (region := Region.of(parameter)) and not any(overlap(region, other) for other in used):
            unused[name] = parameter.numel()
    return Run(recorder.layers, output, sources, unused)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own base is untyped
    def __init__(self, module: nn.Module, samples: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.samples = samples
        self.tracker = ModuleTracker()
        self.layers: list[Layer] = []
        self.used: set[Region] = set()
        """What reached a layer."""
        stored = [t for t in chain(module.parameters(), module.buffers()) if not is_lazy(t)]
        self._storages = {region.storage for region in map(Region.of, stored) if region is not None}
        self._sources: Any = WeakTensorKeyDictionary()
        self._origins: Any = WeakTensorKeyDictionary()

    def sources(self, tree: Any) -> frozenset[int]:
        """The layers that reach any of the tensors with no other layer in between."""
        return frozenset[int]().union(*(self._sources.get(t, ()) for t in _tensors(tree)))

    def origins(self, tree: Any) -> frozenset[Region]:
        """The parameters and buffers that any of the tensors are, or are computed from with no layer in between."""
        found: set[Region] = set()
        for tensor in _tensors(tree):
            region = Region.of(tensor)
            if region is not None and region.storage in self._storages:
                found.add(region)
            else:
                found |= self._origins.get(tensor, frozenset())
        return frozenset(found)

    def __torch_dispatch__(
        self, func: Any, types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        packet = func._overloadpacket
        sources, origins = self.sources((args, kwargs)), self.origins((args, kwargs))
        found, formula = _found(packet.__name__, args), flop_registry.get(packet)
        if found is None and formula is not None:  # a product of activations, say, or attention
            found = {"operator": packet.__name__}, (), ()
        if found is not None:
            said, trained, buffers = found
            macs = formula(*args, **kwargs, out_val=out) // (2 * self.samples) if formula else 0
            output, *_ = _tensors(out)
            name = _innermost(self.tracker)
            weights, params = self.origins((trained, buffers)), sum(map(self._distinct, _tensors(trained)))
            shape = tuple(output.shape[1:])
            self.layers.append(Layer(name, sources, weights, **said, output=shape, params=params, macs=macs))
            self.used |= origins
            sources, origins = frozenset((len(self.layers) - 1,)), frozenset()
        for tensor in _tensors(out):
            self._sources[tensor], self._origins[tensor] = sources, origins
        return out

    def _distinct(self, tensor: Tensor) -> int:
        """How many parameters a layer's tensor is made from: fewer than its elements if some are repeated."""
        return min(tensor.numel(), sum(region.size for region in self.origins(tensor)))


def _found(operator: str, args: Sequence[Any]) -> tuple[dict[str, Any], Sequence[Any], Sequence[Any]] | None:
    """What the arguments of a torch operator say of the layer that it is, and which of them it trains and which are
    its statistics, or None if it is none.
    """
    if operator in ("convolution", "_convolution"):  # the latter in what torch.jit traced
        _, weight, bias, stride, _, dilation, transposed, _, groups = args[:9]
        inside, outside = (0, 1) if transposed else (1, 0)
        said = {
            "operator": "conv_transpose" if transposed else "conv",
            "kernel_size": tuple(weight.shape[2:]),
            "stride": tuple(stride),
            "dilation": tuple(dilation),
            "groups": groups,
            "in_channels": weight.shape[inside] * (1 if transposed else groups),
            "out_channels": weight.shape[outside] * (groups if transposed else 1),
            "bias": bias is not None,
        }
        return said, (weight, bias), ()
    if operator in ("addmm", "mm"):
        *_, weight = args
        bias = args[0] if operator == "addmm" else None
        said = {
            "operator": "linear",
            "in_channels": weight.shape[0],
            "out_channels": weight.shape[1],
            "bias": bias is not None,
        }
        return said, (weight, bias), ()
    if "batch_norm" in operator:  # native_, cudnn_, _native_..._legit: as the device has it
        return {"operator": "bn", "out_channels": args[0].shape[1]}, args[1:3], args[3:5]
    return None


def _innermost(tracker: ModuleTracker) -> str:
    """The path of the module that is running: parents' paths are prefixes of each other and start with the class."""
    return max(tracker.parents - {"Global"}, key=len, default="").partition(".")[2]


@contextmanager
def _located(tracker: ModuleTracker) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        place = _innermost(tracker)
        raise NotRunError(f"{place}: {reason(error)}" if place else reason(error)) from error


def _returned(value: object) -> Iterator[Tensor]:
    """The tensors of what a module returns, in order: a tensor, or a sequence, mapping or dataclass of such."""
    if isinstance(value, Tensor):
        yield value
        return
    parts: list[object] = []
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name) for field in fields(value)]
    for part in parts:
        yield from _returned(part)


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
