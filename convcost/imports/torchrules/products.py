"""Convolutions, linear layers, matrix products, attention and embeddings of torch as operators."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.functions import summed_products
from convcost.imports.torchrules.common import agreed, per_axis, require, require_plain, rule, stored, with_constant
from convcost.imports.tracing import NoRuleError, Tracer
from convcost.ops import Op, Work


@rule("conv1d", "conv2d", "conv3d")
def _conv(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> None:
    rank = weight.dim() - 2
    kernel, channels, outputs = agreed(weight.shape[2:]), weight.shape[1] * groups, weight.shape[0]
    try:
        t.constant(weight, bias)
        require_plain(t, x, out)
        step, hole = per_axis(stride, rank), per_axis(dilation, rank)
        sides = 0 if padding == "valid" else padding if isinstance(padding, str) else per_axis(padding, rank)
        op: Op
        if t.normed(weight):
            op = ops.Conv(outputs, kernel, step, sides, hole, groups, bias is not None, weight_norm=True)
        elif groups == channels > 1:
            op = ops.DepthwiseConv(kernel, step, sides, hole, outputs // channels, bias is not None)
        else:
            op = ops.Conv(outputs, kernel, step, sides, hole, groups, bias is not None)
        t.emit(op, [x], out, stored(weight, bias))
    except NoRuleError:
        n = t.each(out.numel())
        work = Work(n * prod(weight.shape[1:]), adds=n if bias is not None else 0)
        t.traced(f"conv{rank}d", [x, *t.alive(weight, bias)], out, work, used=with_constant(x, weight, bias))


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> None:
    rank = weight.dim() - 2
    try:
        t.constant(weight, bias)
        require_plain(t, x, out)
        op = ops.ConvTranspose(
            weight.shape[1] * groups,
            agreed(weight.shape[2:]),
            per_axis(stride, rank),
            per_axis(padding, rank),
            per_axis(output_padding, rank),
            groups,
            bias is not None,
            per_axis(dilation, rank),
        )
        t.emit(op, [x], out, stored(weight, bias))
    except NoRuleError:
        adds = t.each(out.numel()) if bias is not None else 0
        work = Work(t.each(x.numel()) * prod(weight.shape[1:]), adds=adds)
        t.traced(f"conv_transpose{rank}d", [x, *t.alive(weight, bias)], out, work, used=with_constant(x, weight, bias))


@rule("linear")
def _linear(t: Tracer, out: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> None:
    try:
        t.constant(weight, bias)
        vector = x.dim() == 2 and t.plain(x)
        t.dim(x, -1)  # which is not that of the samples
        t.emit(ops.Linear(weight.shape[0], bias is not None, None if vector else -1), [x], out, stored(weight, bias))
    except NoRuleError:
        n = t.each(out.numel())
        work = Work(n * weight.shape[-1], adds=n if bias is not None else 0)
        t.traced("linear", [x, *t.alive(weight, bias)], out, work, used=with_constant(x, weight, bias))


@rule("matmul", "mm", "bmm", "mv")
def _matmul(t: Tracer, out: Tensor, a: Tensor, b: Tensor) -> None:
    try:
        require(min(a.dim(), b.dim()) > 1)
        t.emit(ops.MatMul(), [_factor(t, a, out), _factor(t, b, out)], out)
    except NoRuleError:
        t.traced("matmul", [a, b], out, Work(t.each(out.numel()) * a.shape[-1]))


def _factor(t: Tracer, x: Tensor, out: Tensor) -> Any:
    """A factor of a product: one that the input has no part in has as many axes as the product."""
    return x if t.alive(x) else t.aligned(x, out)


@rule("addmm", "baddbmm")
def _addmm(t: Tracer, out: Tensor, c: Tensor, a: Tensor, b: Tensor, beta: Any = 1, alpha: Any = 1) -> None:
    n = t.each(out.numel())
    t.traced("addmm", [a, b, *t.alive(c)], out, Work(n * a.shape[-1], adds=n), used={"weights": [a, b], "biases": c})


@rule("einsum")
def _einsum(t: Tracer, out: Tensor, equation: str, *operands: Any) -> None:
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], list | tuple) else operands
    found = summed_products(equation, [x.shape for x in tensors])
    if found is None:
        raise NoRuleError
    n = t.each(found[0])
    t.traced("einsum", tensors, out, Work(n) if found[1] else Work(muls=n))


@rule("scaled_dot_product_attention")
def _attention(
    t: Tracer, out: Tensor, q: Tensor, k: Tensor, v: Tensor, attn_mask: Any = None, *_: Any, **__: Any
) -> None:
    masks = [attn_mask] if isinstance(attn_mask, Tensor) else []
    try:
        if masks:
            t.emit(ops.MaskedAttention(), [q, k, v, t.aligned(masks[0], out)], out)
        else:
            t.emit(ops.Attention(), [q, k, v], out)
    except NoRuleError:
        pass
    else:
        return
    vectors = t.each(q.numel()) // q.shape[-1]
    scores = vectors * k.shape[-2]
    masked = scores if attn_mask is not None else 0
    work = Work(
        scores * (q.shape[-1] + v.shape[-1]),
        adds=2 * scores - vectors + masked,
        muls=scores,
        compares=scores - vectors,
        divs=scores,
        exps=scores,
    )
    t.traced("scaled_dot_product_attention", [q, k, v, *masks], out, work)


@rule("embedding")
def _embedding(t: Tracer, out: Tensor, x: Tensor, weight: Tensor, *_: Any, **__: Any) -> None:
    t.constant(weight)
    t.traced("embedding", [x], out, used={"weights": weight})
