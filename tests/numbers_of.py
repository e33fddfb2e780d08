"""Rewriting the numbers in operators' arguments and shapes, several variants at once: as arrays, as symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convcost.exact.poly import Poly, symbol
from convcost.ops import Op

NAMES_OF_AXES = ("dim", "dims", "dim0", "dim1", "start_dim", "end_dim")
"""Arguments that say which axes are meant, or move them: of these there is one for all variants."""


def is_exact(value: Any) -> bool:
    """A plain int: no bool, no float, nothing of numpy's."""
    return type(value) is int


def arguments(op: Op) -> dict[str, Any]:
    """Argument name to value, in order."""
    return {field.name: getattr(op, field.name) for field in op.fields}


def combined(variants: Sequence[Any], combine: Callable[[tuple[int, ...]], Any]) -> Any:
    """Values that differ in their numbers only, as one: every number becomes `combine` of its variants."""
    first = variants[0]
    if isinstance(first, tuple):
        return tuple(combined(parts, combine) for parts in zip(*variants, strict=True))
    if is_exact(first):
        return combine(tuple(variants))
    assert all(v == first for v in variants)
    return first


def array_of(numbers: tuple[int, ...]) -> Any:
    """An int64 array of them."""
    return np.array(numbers, dtype=np.int64)


def as_arrays(ops: Sequence[Op], inputs: Sequence[Any]) -> tuple[Op, Any]:
    """Variants of one operator and of its input shapes, with an int64 array for every number."""
    values = {
        name: value if name in NAMES_OF_AXES else combined([getattr(op, name) for op in ops], array_of)
        for name, value in arguments(ops[0]).items()
    }
    return type(ops[0])(**values), combined(inputs, array_of)


def shapes(op: Any, inputs: Sequence[tuple[Any, ...]], combine: Callable[[tuple[int, ...]], Any]) -> Any:
    """Input shapes of variants of an operator, itself combined already, as one.

    How many axes a grid names, and how many parts move alone, stays a number; where they move follows from the map.
    """
    if not inputs[0]:
        return ()
    first, *others = combined(inputs, combine)
    if op.name == "grid_sample":
        others = [(*grid[:-1], given[-1]) for grid, given in zip(others, inputs[0][1:], strict=True)]
    if "deform" in op.name:
        y = op.plain.out_shape(first)
        others = [(given[0], *y[1:]) for given in inputs[0][1:]]
    return (first, *others)


class Symbols:
    """A symbol for every number that varies or is above 1; numbers that agree in all variants share theirs."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        """What each symbol stands for: an array of its variants."""

    def of(self, numbers: tuple[int, ...]) -> Any:
        if max(numbers) < 2:
            assert min(numbers) == max(numbers)
            return numbers[0]
        name = "n" + "_".join(map(str, numbers))
        self.values[name] = array_of(numbers)
        return symbol(name)

    def op(self, ops: Sequence[Op]) -> Op:
        """Variants of one operator as one. Sizes and channels are divided by the arguments that stay numbers."""
        kept = {"stride", "groups", "num_groups", "parts", "index", "output_size", *NAMES_OF_AXES}
        kept |= {"upscale_factor", "downscale_factor", "step", "num_heads"}
        kept |= {"shape"} if -1 in getattr(ops[0], "shape", ()) else set()
        if getattr(ops[0], "stride", 1) is None or "deform" in ops[0].name:
            kept.add("kernel_size")
        return type(ops[0])(
            **{
                name: value if name in kept else combined([getattr(op, name) for op in ops], self.of)
                for name, value in arguments(ops[0]).items()
            }
        )

    def at(self, value: Any) -> Any:
        """The value of a closed form at all variants."""
        return value.evaluate(self.values) if isinstance(value, Poly) else value
