"""What the rules of torch's functions share: where they are entered, and how they read arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from convcost.imports.registry import entered_in
from convcost.imports.tracing import NoRuleError, Rule, Tensors, Tracer

RULES: dict[str, Rule] = {}
"""The rule of each function, by its name; torch has one name for a function and a method that do the same."""

rule = entered_in(RULES)


def agreed(values: Sequence[Any]) -> Any:
    """One value for all axes, if they agree."""
    values = tuple(values)
    return values[0] if len(set(values)) == 1 else values


def per_axis(value: Any, rank: int) -> Any:
    """An argument that torch takes as a number, or as one number per axis."""
    if not isinstance(value, tuple | list):
        return value
    return agreed([*value] * (rank if len(value) == 1 else 1))


def stored(weight: Tensor, bias: Tensor | None) -> Tensors:
    """What a layer with these stores."""
    return {"weights": weight, "biases": bias}


def with_constant(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensors:
    """What a layer stores whose weights may be computed from the input, and its input stored."""
    return {"weights": [x, weight], "biases": bias}


def require_plain(t: Tracer, *tensors: Tensor) -> None:
    """Refuse tensors whose first axis is not the samples, alone: operators of ours have it so."""
    require(all(map(t.plain, tensors)))


def require(fits: bool) -> None:
    """Leave the function to the tracer, as one without a rule, if it does not fit."""
    if not fits:
        raise NoRuleError
