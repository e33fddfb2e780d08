"""Poolings of torch as operators."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.torchrules.common import RULES, agreed, per_axis, require_plain, rule
from convcost.imports.tracing import NoRuleError, Rule, Tracer
from convcost.ops import Op, Work


@rule("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    **_: Any,
) -> None:
    rank = out.dim() - 2
    kernel, step = per_axis(kernel_size, rank), per_axis(stride, rank) if stride else None
    try:
        require_plain(t, x)
        t.emit(ops.MaxPool(kernel, step, per_axis(padding, rank), per_axis(dilation, rank), ceil_mode), [x], out)
    except NoRuleError:
        t.traced(f"max_pool{rank}d", [x], out, Work(compares=t.each(out.numel()) * (_size(kernel, rank) - 1)))


def _size(kernel: Any, rank: int) -> int:
    return prod(kernel) if isinstance(kernel, tuple | list) else int(kernel) ** rank


@rule("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    *_: Any,
    **__: Any,
) -> None:
    rank = out.dim() - 2
    kernel, step = per_axis(kernel_size, rank), per_axis(stride, rank) if stride else None
    try:
        require_plain(t, x)
        t.emit(ops.AvgPool(kernel, step, per_axis(padding, rank), ceil_mode), [x], out)
    except NoRuleError:
        n = t.each(out.numel())
        t.traced(f"avg_pool{rank}d", [x], out, Work(adds=n * (_size(kernel, rank) - 1), divs=n))


def _adaptive(to_one: Callable[[], Op], to_size: Callable[[Any], Op]) -> Rule:
    def adaptive(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
        require_plain(t, x)
        size = agreed(out.shape[2:])
        t.emit(to_one() if size == 1 else to_size(size), [x], out)

    return adaptive


for _rank in (1, 2, 3):
    RULES[f"adaptive_avg_pool{_rank}d"] = _adaptive(ops.GlobalAvgPool, ops.AdaptiveAvgPool)
    RULES[f"adaptive_max_pool{_rank}d"] = _adaptive(ops.GlobalMaxPool, ops.AdaptiveMaxPool)
