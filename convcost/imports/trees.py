"""Tensors within what a module takes and returns. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def tensors_in(tree: Any) -> Iterator[Tensor]:
    """The tensors in sequences, mappings and dataclasses, in order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, list | tuple):
        for part in tree:
            yield from tensors_in(part)
    elif isinstance(tree, Mapping):
        yield from tensors_in([*tree.values()])
    elif is_dataclass(tree) and not isinstance(tree, type):
        yield from tensors_in([getattr(tree, field.name) for field in fields(tree)])


def mapped(tree: Any, one: Callable[[Tensor], Tensor]) -> Any:
    """The same with another tensor for each."""
    if isinstance(tree, Tensor):
        return one(tree)
    if isinstance(tree, list | tuple):
        parts = [mapped(part, one) for part in tree]
        return parts if isinstance(tree, list) else type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if isinstance(tree, Mapping):
        return {key: mapped(part, one) for key, part in tree.items()}
    return tree
