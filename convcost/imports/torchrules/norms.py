"""Normalisations of torch as operators."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.torchrules.common import agreed, require_plain, rule
from convcost.imports.tracing import NoRuleError, Tensors, Tracer
from convcost.ops import Work


@rule("batch_norm")
def _batch_norm(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *_: Any,
    **__: Any,
) -> None:
    n = t.each(out.numel())
    used: Tensors = {"norm_affine": [weight, bias], "norm_stats": [mean, variance]}
    try:
        require_plain(t, x)
        t.emit(ops.BatchNorm(weight is not None, bias is not None, mean is not None), [x], out, used)
    except NoRuleError:
        t.traced("batch_norm", [x], out, Work(muls=n, adds=n), local=True, used=used)


def _normed(n: int, parts: int, affine: bool) -> Work:
    """The work of a normalisation by the sample's own statistics: see `convcost.ops.norm.OwnStatistics`."""
    scaled = n if affine else 0
    return Work(adds=3 * n - parts + scaled, muls=n + scaled, divs=n + 2 * parts, exps=parts)


@rule("layer_norm")
def _layer_norm(
    t: Tracer, out: Tensor, x: Tensor, shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, **_: Any
) -> None:
    affine: Tensors = {"norm_affine": [weight, bias]}
    try:
        t.emit(ops.LayerNorm(weight is not None, _trailing(t, x, len(shape))), [x], out, affine)
    except NoRuleError:
        n = t.each(x.numel())
        t.traced("layer_norm", [x], out, _normed(n, n // prod(shape), weight is not None), used=affine)


def _trailing(t: Tracer, x: Tensor, count: int) -> Any:
    """The last axes, none of which is that of the samples."""
    for axis in range(-count, 0):
        t.dim(x, axis)
    return agreed(range(-count, 0))


@rule("group_norm")
def _group_norm(
    t: Tracer, out: Tensor, x: Tensor, groups: int, weight: Tensor | None = None, bias: Tensor | None = None, **_: Any
) -> None:
    require_plain(t, x)
    t.emit(ops.GroupNorm(groups, weight is not None), [x], out, {"norm_affine": [weight, bias]})


@rule("instance_norm")
def _instance_norm(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    mean: Tensor | None = None,
    variance: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    *_: Any,
    **__: Any,
) -> None:
    if not use_input_stats:
        raise NoRuleError
    require_plain(t, x)
    t.emit(ops.InstanceNorm(weight is not None), [x], out, {"norm_affine": [weight, bias]})


@rule("rms_norm")
def _rms_norm(t: Tracer, out: Tensor, x: Tensor, shape: Any, weight: Tensor | None = None, **_: Any) -> None:
    try:
        t.emit(ops.RMSNorm(weight is not None, _trailing(t, x, len(shape))), [x], out, {"norm_affine": weight})
    except NoRuleError:
        n = t.each(x.numel())
        parts = n // prod(shape)
        work = Work(muls=n + (n if weight is not None else 0), adds=n, divs=n + parts, exps=parts)
        t.traced("rms_norm", [x], out, work, used={"norm_affine": weight})


@rule("local_response_norm")
def _local_response_norm(t: Tracer, out: Tensor, x: Tensor, size: int, *_: Any, **__: Any) -> None:
    require_plain(t, x)
    t.emit(ops.LocalResponseNorm(size), [x], out)
