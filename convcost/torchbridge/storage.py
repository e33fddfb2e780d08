"""Where the elements of a tensor are stored: whether two tensors are, or are views of, the same parameter.

Importing this module imports torch.
"""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor


class _Fields(NamedTuple):
    storage: int
    """Which storage: the same one for every view of it, as long as it lives."""
    start: int
    """In elements."""
    dims: tuple[tuple[int, int], ...]
    """Size and stride of each dimension, the longest stride first; none of those that repeat or add nothing."""


class Region(_Fields):
    """The elements of a storage that a tensor is made of."""

    @classmethod
    def of(cls, tensor: Tensor) -> Region | None:
        """That of a tensor. None if it has no elements or no storage of its own, as a sparse one."""
        if tensor.layout is not torch.strided or not tensor.numel():
            return None
        dims = zip(tensor.shape, tensor.stride(), strict=True)
        kept = sorted(((size, stride) for size, stride in dims if size > 1 and stride), key=lambda dim: -dim[1])
        return cls(tensor.untyped_storage()._cdata, int(tensor.storage_offset()), tuple(kept))

    @cached_property
    def stop(self) -> int:
        """Where it ends, in elements."""
        return self.start + sum((size - 1) * stride for size, stride in self.dims) + 1

    @cached_property
    def size(self) -> int:
        """How many elements it has, those in several places at most as often as there is room."""
        return min(prod(size for size, _ in self.dims), self.stop - self.start)

    @cached_property
    def dense(self) -> bool:
        """Whether all that is between its ends is in it."""
        span = 1
        for size, stride in reversed(self.dims):
            if stride > span:
                return False
            span += (size - 1) * stride
        return True


def overlap(a: Region, b: Region) -> bool:
    """Whether two regions have an element in common."""
    if a == b:
        return True
    if a.storage != b.storage or a.start >= b.stop or b.start >= a.stop:
        return False
    if a.dense and b.dense:
        return True
    first = min(a.start, b.start)
    marks = torch.zeros(max(a.stop, b.stop) - first, dtype=torch.bool, device="cpu")
    of_a, of_b = (
        marks.as_strided([size for size, _ in r.dims], [stride for _, stride in r.dims], r.start - first)
        for r in (a, b)
    )
    of_a.fill_(True)
    return bool(of_b.any())
