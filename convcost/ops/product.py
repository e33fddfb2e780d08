"""Products of activations: matrix products, and the attention that is made of two; none has parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import equal, require_equal
from convcost.ops.arithmetic import broadcast
from convcost.ops.base import Op, Shape, Work, elements, format_shape


class MatMul(Op):
    """(..., n, k) and (..., k, m) -> (..., n, m), whose other axes broadcast: torch.matmul, batch apart."""

    name: ClassVar[str] = "matmul"
    inputs: ClassVar[int | None] = 2
    multiplies: ClassVar[bool] = True

    def out_shape(self, *xs: Shape) -> Shape:
        """(..., n, m)."""
        a, b = xs
        if len(a) < 2 or len(a) != len(b):
            raise ShapeError(f"matmul needs matrices with as many axes, got {format_shape(a)} and {format_shape(b)}")
        if not require_equal(a[-1], b[-2]):
            raise ShapeError(f"matmul of {format_shape(a)} and {format_shape(b)}: {a[-1]} is not {b[-2]}")
        return (*broadcast(self, (a[:-2], b[:-2])), a[-2], b[-1])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """k macs for each output element."""
        return Work(macs=xs[0][-1] * elements(y))

    def windows(self, x: Shape) -> None:
        """None: its output has no positions of the map, and no window leads from one to the other."""
        return


class Attention(Op):
    """Queries (..., n, d), keys (..., m, d) and values (..., m, e) -> (..., n, e): softmax(q k^T / sqrt d) v.

    torch.nn.functional.scaled_dot_product_attention (Vaswani et al. 2017), without a mask or with a causal one, of
    which it computes the other half as well.
    """

    name: ClassVar[str] = "attention"
    inputs: ClassVar[int | None] = 3
    multiplies: ClassVar[bool] = True

    def out_shape(self, *xs: Shape) -> Shape:
        """(..., n, e)."""
        q, k, v = xs[:3]
        given = f"{format_shape(q)}, {format_shape(k)} and {format_shape(v)}"
        if len(q) < 2 or not len(q) == len(k) == len(v):
            raise ShapeError(f"{self.name} needs queries, keys and values with as many axes, got {given}")
        pairs = ((q[-1], k[-1]), (k[-2], v[-2]), *zip(q[:-2], k[:-2], strict=True), *zip(k[:-2], v[:-2], strict=True))
        if not all(require_equal(a, b) for a, b in pairs):
            raise ShapeError(f"{self.name} of queries, keys and values that do not fit: {given}")
        return (*q[:-1], v[-1])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Of n m scores, d macs for q k^T and e for the values; a product by 1 / sqrt d, and the softmax."""
        q, k, v = xs[:3]
        vectors = elements(q[:-1])
        n = vectors * k[-2]
        return Work(n * (q[-1] + v[-1]), compares=n - vectors, adds=2 * n - vectors, muls=n, exps=n, divs=n)

    def windows(self, x: Shape) -> None:
        """Every output sees everything."""
        return


class MaskedAttention(Attention):
    """Attention with a fourth tensor that is added to the scores: a mask, or a bias of positions, (..., n, m)."""

    name: ClassVar[str] = "masked_attention"
    inputs: ClassVar[int | None] = 4

    def out_shape(self, *xs: Shape) -> Shape:
        """(..., n, e)."""
        q, k, _, mask = xs
        y = super().out_shape(*xs)
        scores = (*q[:-1], k[-2])
        fits = len(mask) == len(scores) and all(map(equal, broadcast(self, (scores, mask)), scores))
        if not fits:
            raise ShapeError(f"masked_attention: a mask of {format_shape(mask)} for scores of {format_shape(scores)}")
        return y

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One add more for each score."""
        work = super().work(xs, y)
        return work._replace(adds=work.adds + elements(xs[0][:-1]) * xs[1][-2])
