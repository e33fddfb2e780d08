"""Torch modules as imported networks: what their input is, and how they run on another one.

Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn

from convcost.cost.inputs import as_input
from convcost.errors import ConvcostError, one_line
from convcost.imports.inputs import Known, joined, names_of
from convcost.imports.network import ImportedNetwork, ImportedSpec
from convcost.imports.recipe import Recipe
from convcost.imports.tracing import trace
from convcost.imports.trees import mapped, tensors_in
from convcost.ops import Shape, inputs_of
from convcost.spec.inputs import parse_shape


def imported(module: nn.Module, input: Any, name: str | None) -> ImportedNetwork:
    """See `convcost.from_torch`."""
    if not isinstance(module, nn.Module):
        raise ConvcostError(f"a torch.nn.Module is imported, got a {type(module).__name__}")
    called = one_line(type(module).__name__ if name is None else name)
    examples = [] if input is None else _examples(called, input)
    known = _known(called, module, examples)

    def run(shape: Shape) -> Recipe:
        given = inputs_of(shape)
        args, named = _arguments(examples, [*given.values()])
        recipe = trace(module, args, named)
        return replace(recipe, called=tuple(given)) if len(given) > 1 else recipe

    own = joined(known)
    spec = ImportedSpec(called, run, own, "imported from torch", _guess(module), known)
    if own is not None:
        spec.recipe(own)
    return ImportedNetwork(spec, called, None)


def _known(name: str, module: nn.Module, examples: Any) -> Known:
    """The inputs that are tensors: those of which there are examples, or what has to be given."""
    parameters = [one for one in signature(module.forward).parameters.values() if one.kind in (0, 1)]
    layers = {path.partition(".")[0] for path, _ in module.named_children()}
    layers |= {path for path, _ in module.named_parameters(recurse=False)}
    if not examples:
        needed = [one.name for one in parameters if one.default is Parameter.empty]
        return dict.fromkeys(names_of(needed, layers) if len(needed) > 1 else ["input"])
    pairs = examples.items() if isinstance(examples, Mapping) else enumerate(examples)
    found = [
        (key if isinstance(key, str) else _argument(parameters, key), tensor)
        for key, value in pairs
        for tensor in tensors_in(value)
    ]
    if not found:
        raise ConvcostError(f"{name}: an input has a tensor: a shape (channels, *sizes), or an example of it")
    names = names_of([said for said, _ in found], layers) if len(found) > 1 else ["input"]
    return {said: tuple(tensor.shape[1:]) or (1,) for said, (_, tensor) in zip(names, found, strict=True)}


def _argument(parameters: Sequence[Parameter], place: int) -> str:
    return parameters[place].name if place < len(parameters) else f"input_{place + 1}"


def _guess(module: nn.Module) -> Shape | None:
    """The usual image, if the first layer with weights is a convolution of images."""
    first = next((part for part in module.modules() if isinstance(part, nn.Linear | nn.modules.conv._ConvNd)), None)
    return (first.in_channels, 224, 224) if isinstance(first, nn.Conv2d) else None


def _examples(name: str, input: Any) -> Any:
    """What a module is called with: a list, or a dict by argument, of tensors without data and of values as given."""
    if isinstance(input, Mapping):
        return {key: _example(name, value) for key, value in input.items()}
    several = isinstance(input, list) or (isinstance(input, tuple) and not all(isinstance(n, int) for n in input))
    return [_example(name, value) for value in (input if several else [input])]


def _example(name: str, value: Any) -> Any:
    if isinstance(value, Tensor):
        if not value.dim():
            raise ConvcostError(f"{name}: the first axis of an example is the batch, and a scalar has none")
        return torch.empty(value.shape, dtype=value.dtype, device="meta")
    if isinstance(value, str) and value[:1].isdigit():
        value = parse_shape(value)
    if isinstance(value, tuple | torch.Size) and value and all(isinstance(n, int) for n in value):
        return torch.empty((1, *as_input(name, value)), device="meta")
    return value


def _arguments(examples: Any, shapes: Sequence[Shape]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call whose tensors have these shapes, in order."""
    left = iter(shapes)

    def sized(value: Tensor) -> Tensor:
        shape, alone = next(left), value.dim() == 1
        return torch.empty((1,) if alone and shape == (1,) else (1, *shape), dtype=value.dtype, device="meta")

    if isinstance(examples, Mapping):
        return [], mapped(examples, sized)
    return mapped(examples, sized) or [torch.empty((1, *shape), device="meta") for shape in shapes], {}
