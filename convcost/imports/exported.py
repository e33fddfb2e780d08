"""Files of torch.export, `.pt2`, as recipes: the graph in them is read and run by the same rules as a module.

Only the description of the graph is read: no weights, nothing that was pickled, and no operator but torch's own ATen.
A batch or a size that the file has fixed stays as it is. Importing this module imports torch.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from torch import Tensor, nn

from convcost.cost.inputs import sizes_of
from convcost.errors import ConvcostError, reason
from convcost.imports.inputs import Known, names_of
from convcost.imports.recipe import Call, Recipe
from convcost.imports.torchrules import RULES
from convcost.imports.tracing import PRIMES, NotOfOneSampleError, Rule, Tracer, finished
from convcost.ops import Shape, format_shape, inputs_of

MAX_BYTES = 256 << 20
"""Of the description of a graph."""
ATEN = "torch.ops.aten."
_NUMBERS = ("add", "sub", "mul", "floordiv", "mod", "neg", "truediv", "pow", "lt", "le", "gt", "ge", "eq", "ne")
"""What is computed of sizes, by the names of Python's `operator`."""
_SILENT = ("_assert", "sym_constrain", "_local_scalar", "set_grad")
"""What checks, and makes nothing."""
_TYPES = MappingProxyType(
    {
        1: torch.uint8,
        2: torch.int8,
        3: torch.int16,
        4: torch.int32,
        5: torch.int64,
        6: torch.float16,
        7: torch.float32,
        8: torch.float64,
        12: torch.bool,
        13: torch.bfloat16,
    }
)
"""Types by the numbers that the format has for them."""


class Exported:
    """A `.pt2` file, read. Raises ConvcostError, in one line, for what is none."""

    guess: Shape | None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            with ZipFile(path) as archive:
                entries = [one for one in archive.infolist() if one.filename.endswith("models/model.json")]
                if len(entries) != 1 or entries[0].file_size > MAX_BYTES:
                    raise ConvcostError(f"{path}: no file of torch.export of torch 2.8 or newer; export it again")
                said = json.loads(archive.read(entries[0]))
            self.graph = said["graph_module"]["graph"]
            self.specs = said["graph_module"]["signature"]["input_specs"]
            self.returned = [
                one["user_output"]["arg"]["as_tensor"]["name"]
                for one in said["graph_module"]["signature"]["output_specs"]
                if "as_tensor" in one.get("user_output", {}).get("arg", {})
            ]
            self.inputs = [
                one["user_input"]["arg"]["as_tensor"]["name"]
                for one in self.specs
                if "as_tensor" in one.get("user_input", {}).get("arg", {})
            ]
            self.sizes = {name: _sizes(value) for name, value in self.graph["tensor_values"].items()}
            first = self.sizes[self.inputs[0]]
            self.batch = first[0]
        except (BadZipFile, ValueError, LookupError, TypeError, AttributeError, RecursionError, EOFError) as error:
            if isinstance(error, ConvcostError):
                raise
            raise ConvcostError(f"{path}: no file of torch.export, or not all of one ({reason(error)})") from None
        if self.batch is not None and self.batch != 1:
            raise ConvcostError(
                f"{path}: exported for a batch of {self.batch}, part of its sizes; export it for one of 1, or any"
            )

    @property
    def known(self) -> Known:
        """Its inputs by name, with the shape of one sample of the sizes that it was exported with."""
        layers = {name.partition(".")[0] for name in self._stored_names()}
        names = names_of(self.inputs, layers) if len(self.inputs) > 1 else ["input"]
        hints = [_sizes(self.graph["tensor_values"][name], hinted=True)[1:] for name in self.inputs]
        return {name: tuple(n for n in one if n is not None) or (1,) for name, one in zip(names, hints, strict=True)}

    def _stored_names(self) -> Iterator[str]:
        for spec in self.specs:
            for kind in ("parameter", "buffer"):
                if kind in spec:
                    yield str(spec[kind].get(f"{kind}_name", ""))

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the layer, where one does not fit."""
        for name, given in zip(self.inputs, inputs_of(shape).values(), strict=True):
            fixed = self.sizes[name][1:] or (1,)
            if len(fixed) != len(given) or any(own not in (None, n) for own, n in zip(fixed, given, strict=True)):
                sizes = tuple("any" if n is None else n for n in fixed)
                raise ConvcostError(f"it was exported for {format_shape(sizes)}, and has no other sizes")
        try:
            return _Running(self, shape).recipe()
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, ConvcostError):
                raise
            raise ConvcostError(f"not as a file of torch.export has it ({reason(error)})") from error


def _sizes(value: Any, *, hinted: bool = False) -> tuple[int | None, ...]:
    """The sizes of a tensor as the file has them, None for one that is a symbol."""
    found: list[int | None] = []
    for size in value["sizes"]:
        n = size.get("as_int", size["as_expr"]["hint"]["as_int"] if hinted and "as_expr" in size else None)
        if n is not None and not 0 <= n < 1 << 40:
            raise ValueError(f"a size of {n}")
        found.append(n)
    return tuple(found)


class _OfOne(Tracer):
    """A trace of one sample: without a batch by which its axis could be told, that is the first one, where it is 1."""

    def axis(self, tensor: Tensor) -> tuple[int, int]:
        return 0, (tensor.shape[0] if tensor.dim() else 1)

    def sample(self, tensor: Tensor) -> Shape:
        sizes = tuple(tensor.shape)
        return (sizes[1:] if sizes[:1] == (1,) else sizes) or (1,)

    def _spread(self, tensors: Sequence[Tensor]) -> None:
        return


class _Running:
    def __init__(self, file: Exported, shape: Shape) -> None:
        self.file = file
        self.values: dict[str, Any] = {}
        stored: dict[int, tuple[str, Tensor]] = {}
        for spec in file.specs:
            for kind in ("parameter", "buffer", "tensor_constant"):
                if kind in spec:
                    name = spec[kind]["arg"]["name"]
                    said = file.graph["tensor_values"][name]
                    made = torch.empty(_known(file.sizes[name]), dtype=_TYPES.get(said["dtype"]), device="meta")
                    made = nn.Parameter(made) if kind == "parameter" and made.is_floating_point() else made
                    self.values[name] = made
                    stored[id(made)] = str(spec[kind].get(f"{kind}_name", name)), made
        sizes = {n for name in file.sizes for n in file.sizes[name] if n}
        sizes.update(sizes_of(shape))
        primes = [prime for prime in PRIMES if not any(n % prime == 0 for n in sizes)]
        self.tracer = _OfOne(1, stored) if file.batch == 1 else Tracer(primes[0], stored)
        self.tracer._rules = _ADAPTED
        given = inputs_of(shape)
        self.called = tuple(given) if len(given) > 1 else ()
        for name, own in zip(file.inputs, given.values(), strict=True):
            dtype = _TYPES.get(file.graph["tensor_values"][name]["dtype"])
            whole = (1, *own)[: len(file.sizes[name])]
            self.values[name] = self.tracer.input(torch.empty(whole, dtype=dtype, device="meta"))
        self.numbers = count()

    def recipe(self) -> Recipe:
        with torch.no_grad():
            for node in self.file.graph["nodes"]:
                self._scope(node.get("metadata", {}).get("nn_module_stack", ""))
                try:
                    self._node(node)
                except Exception as error:
                    path = "/".join(self.tracer.calls[-1].path) if self.tracer.calls else ""
                    said = str(error) if isinstance(error, ConvcostError | NotOfOneSampleError) else reason(error)
                    where = f"layer {path}" if path else f"node {node.get('name')}"
                    raise ConvcostError(f"{where}: {said}") from error
        recipe = finished(self.tracer, [self.values[name] for name in self.file.returned])
        return replace(recipe, called=self.called)

    def _scope(self, stack: str) -> None:
        """The module calls that a node ran in: those that the one before it ran in as well are the same."""
        paths = [part.split(",")[1] for part in stack.split(";") if part.count(",") > 1]
        wanted = [tuple(path.split(".")) for path in paths if path]
        calls = self.tracer.calls
        kept = 0
        while kept < min(len(wanted), len(calls)) and calls[kept].path == wanted[kept]:
            kept += 1
        calls[kept:] = [Call(path, next(self.numbers)) for path in wanted[kept:]]

    def _node(self, node: Mapping[str, Any]) -> None:
        target = str(node["target"])
        given = [(one["name"], self._value(one["name"], one["arg"]), one.get("kind", 1)) for one in node["inputs"]]
        args = [value for _, value, kind in given if kind == 1]
        named = {name: value for name, value, kind in given if kind != 1}
        if target.startswith("_operator.") and target.removeprefix("_operator.") in _NUMBERS:
            made: Any = getattr(operator, target.removeprefix("_operator."))(*args)
        elif not target.startswith(ATEN):
            raise ConvcostError(f"{target} is none of torch's own operators, and is not run")
        else:
            packet, _, overload = target.removeprefix(ATEN).partition(".")
            if packet.startswith(_SILENT):
                return
            func = getattr(getattr(torch.ops.aten, packet), overload or "default")
            if packet == "sym_size":
                made = args[0].shape[args[1]]
            else:
                made = self.tracer.__torch_function__(func, (), args, named)
        self._keep(node["outputs"], made)

    def _keep(self, outputs: Sequence[Any], made: Any) -> None:
        several = made if len(outputs) > 1 else [made]
        for said, value in zip(outputs, several, strict=False):
            if "as_tensors" in said:
                self.values.update({one["name"]: part for one, part in zip(said["as_tensors"], value, strict=True)})
            elif (one := next(iter(said.values()), None)) and isinstance(one, Mapping):
                self.values[str(one.get("name", one.get("as_name")))] = value

    def _value(self, name: str, said: Mapping[str, Any]) -> Any:
        (kind, value), *_ = said.items()
        if name == "device":
            return torch.device("meta")
        if kind in ("as_none", "as_memory_format", "as_layout"):
            return None
        if kind in ("as_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"):
            return self._one(value)
        if kind in ("as_tensors", "as_sym_ints", "as_optional_tensors"):
            return [self._one(one) for one in value]
        return _TYPES.get(value, torch.float32) if kind == "as_scalar_type" else value

    def _one(self, said: Mapping[str, Any]) -> Any:
        if "as_tensor" in said:
            said = said["as_tensor"]
        name = said.get("name", said.get("as_name"))
        if name is not None:
            return self.values[name]
        return next((value for kind, value in said.items() if kind != "as_none"), None)


def _known(sizes: Sequence[int | None]) -> Shape:
    if None in sizes:
        raise ConvcostError("a weight, or an input beside the first, has sizes that the file leaves open")
    return tuple(n for n in sizes if n is not None)


def _in_order(name: str, *order: int) -> Rule:
    """The rule of a function whose arguments ATen has in another order."""

    def adapted(t: Tracer, out: Any, *args: Any, **_: Any) -> None:
        RULES[name](t, out, *(args[i] if i < len(args) else None for i in order))

    return adapted


def _resized(mode: str) -> Rule:
    def resized(t: Tracer, out: Tensor, x: Tensor, size: Any, *_: Any, **__: Any) -> None:
        RULES["interpolate"](t, out, x, size, mode=mode)

    return resized


def _sliced(t: Tracer, out: Tensor, x: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> None:
    if out.shape == x.shape:
        t.same(out, x)
        return
    axis = dim % x.dim()
    RULES["__getitem__"](t, out, x, (slice(None),) * axis + (slice(start, end, step),))


_ADAPTED: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        **RULES,
        "batch_norm": _in_order("batch_norm", 0, 3, 4, 1, 2),
        "instance_norm": _in_order("instance_norm", 0, 3, 4, 1, 2, 5),
        "group_norm": _in_order("group_norm", 0, 1, 2, 3),
        "layer_norm": _in_order("layer_norm", 0, 1, 2, 3),
        "upsample_nearest2d": _resized("nearest"),
        "upsample_bilinear2d": _resized("bilinear"),
        "upsample_bicubic2d": _resized("bicubic"),
        "slice": _sliced,
    }
)
