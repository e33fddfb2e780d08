"""Torch modules as imported networks: what their input is, and how they run on another one.

Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from convcost.cost.inputs import as_input
from convcost.errors import ConvcostError, one_line
from convcost.imports.network import ImportedNetwork, ImportedSpec
from convcost.imports.recipe import Recipe
from convcost.imports.tracing import trace
from convcost.ops import Shape
from convcost.spec.inputs import parse_shape


def imported(module: nn.Module, input: Any, name: str | None) -> ImportedNetwork:
    """See `convcost.from_torch`."""
    if not isinstance(module, nn.Module):
        raise ConvcostError(f"a torch.nn.Module is imported, got a {type(module).__name__}")
    called = one_line(type(module).__name__ if name is None else name)
    examples = [] if input is None else _examples(called, input)
    first = _first(examples)

    def run(shape: Shape) -> Recipe:
        args, named = _arguments(examples or [torch.empty((1, *shape), device="meta")], shape)
        return trace(module, args, named)

    own = None if first is None else tuple(first.shape[1:]) or (1,)
    spec = ImportedSpec(called, run, own, "imported from torch", _guess(module))
    if own is not None:
        spec.recipe(own)
    return ImportedNetwork(spec, called, None)


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


def _first(examples: Any) -> Tensor | None:
    values = examples.values() if isinstance(examples, Mapping) else examples
    tensors = [value for value in values if isinstance(value, Tensor)]
    if examples and not tensors:
        raise ConvcostError("an input has a tensor: a shape (channels, *sizes), or an example of it")
    return tensors[0] if tensors else None


def _arguments(examples: Any, shape: Shape) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call whose first tensor has this shape, and the others the one of their example."""
    first = _first(examples)

    def sized(value: Any) -> Any:
        return (
            torch.empty((1, *shape), dtype=value.dtype, device="meta")
            if first is not None and value is first
            else value
        )

    if isinstance(examples, Mapping):
        return [], {key: sized(value) for key, value in examples.items()}
    return [sized(value) for value in examples], {}
