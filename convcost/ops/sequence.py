"""Operators over sequences, (tokens, features), that have weights: multi-head attention, embeddings, recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, require_divisible, require_equal
from convcost.ops.base import (
    Op,
    Params,
    Shape,
    Work,
    at_least,
    boolean,
    format_shape,
    record,
    sum_work,
)
from convcost.ops.product import Attention


class Heads(Op):
    """What multi-head attention shares: queries (n, E), keys (m, K), values (m, V) -> (n, E), Vaswani et al. 2017.

    Queries, keys and values are projected to E features each (in_proj), num_heads parts of them attend, and what comes
    out is projected once more (out_proj): torch.nn.MultiheadAttention(E, num_heads, bias, kdim=K, vdim=V).
    """

    multiplies: ClassVar[bool] = True
    num_heads: Int
    bias: bool

    def __post_init__(self) -> None:
        """Refuse a number of heads below 1."""
        at_least(1, self, num_heads=self.num_heads)
        boolean(self, bias=self.bias)

    def of(self, xs: Sequence[Shape]) -> tuple[Shape, Shape, Shape]:
        """Queries, keys and values: one tensor is all three."""
        q, k, v = xs if len(xs) == 3 else (xs[0],) * 3
        return q, k, v

    def out_shape(self, *xs: Shape) -> Shape:
        """(n, E)."""
        q, k, v = self.of(xs)
        if not len(q) == len(k) == len(v) == 2:
            raise ShapeError(f"{self.name} needs (tokens, features), got {' and '.join(map(format_shape, xs))}")
        if not require_equal(k[0], v[0]):
            raise ShapeError(f"{self.name} of {k[0]} keys and {v[0]} values")
        if not require_divisible(q[1], self.num_heads):
            raise ShapeError(f"{self.name}: num_heads={self.num_heads} does not divide {q[1]} features")
        return q

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """E (E + K + V) weights of in_proj and E E of out_proj, and 4 E biases."""
        (_, e), (_, k), (_, v) = self.of(xs)
        return Params(e * (2 * e + k + v), 4 * e if self.bias else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """The projections, one add for each of their elements if there are biases, and the attention of all heads."""
        (n, e), (m, _), _ = self.of(xs)
        projected = Work(sum(self.projections(xs)), (2 * n + 2 * m) * e if self.bias else 0)
        return sum_work([projected, self._attention(xs)])

    def projections(self, xs: Sequence[Shape]) -> tuple[Int, Int, Int, Int]:
        """Multiply-adds of the projections of queries, keys, values and outputs."""
        (n, e), (m, k), (_, v) = self.of(xs)
        return n * e * e, m * k * e, m * v * e, n * e * e

    def _attention(self, xs: Sequence[Shape]) -> Work:
        (n, e), (m, _), _ = self.of(xs)
        q, k = ((self.num_heads, tokens, e // self.num_heads) for tokens in (n, m))
        return Attention().work((q, k, k), q)

    def windows(self, x: Shape) -> None:
        """Every output sees everything."""
        return


@record
class MultiheadAttention(Heads):
    """Attention to other tokens, or all three given: queries (n, E), keys (m, K) and values (m, V) -> (n, E)."""

    name: ClassVar[str] = "multihead_attention"
    inputs: ClassVar[int | None] = 3
    num_heads: Int
    bias: bool = True


@record
class SelfAttention(Heads):
    """Multi-head attention of tokens to each other, MultiheadAttention(x, x, x): (n, E) -> (n, E)."""

    name: ClassVar[str] = "multihead_self_attention"
    num_heads: Int
    bias: bool = True


@record
class Embedding(Op):
    """A learned vector for each number: any shape -> (*shape, embedding_dim), torch.nn.Embedding."""

    name: ClassVar[str] = "embedding"
    num_embeddings: Int
    embedding_dim: Int

    def __post_init__(self) -> None:
        """Refuse sizes below 1."""
        at_least(1, self, num_embeddings=self.num_embeddings, embedding_dim=self.embedding_dim)

    def out_shape(self, *xs: Shape) -> Shape:
        """(*shape, embedding_dim)."""
        return (*xs[0], self.embedding_dim)

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """The vectors."""
        return Params(self.num_embeddings * self.embedding_dim)

    def windows(self, x: Shape) -> None:
        """Positions are given up."""
        return


class Recurrent(Op):
    """What recurrent layers share: (tokens, features) -> (tokens, hidden_size), one token after the other.

    Several layers stand on each other; both directions make twice as many features, side by side. The first hidden
    state, zeros, is multiplied as every other.
    """

    multiplies: ClassVar[bool] = True
    gates: ClassVar[int]
    """Products of hidden_size outputs for each token."""
    each: ClassVar[Work]
    """Of each token and hidden unit, besides these products and their biases."""
    hidden_size: Int
    num_layers: Int
    bias: bool
    bidirectional: bool

    def __post_init__(self) -> None:
        """Refuse sizes below 1."""
        at_least(1, self, hidden_size=self.hidden_size, num_layers=self.num_layers)
        boolean(self, bias=self.bias, bidirectional=self.bidirectional)

    @property
    def directions(self) -> int:
        """1, or 2."""
        return 2 if self.bidirectional else 1

    def out_shape(self, *xs: Shape) -> Shape:
        """(tokens, directions * hidden_size)."""
        (x,) = xs
        if len(x) != 2:
            raise ShapeError(f"{self.name} needs (tokens, features), its input is {format_shape(x)}")
        return (x[0], self.directions * self.hidden_size)

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Of each gate, weights of the token and of the hidden state, and, as torch has them, a bias of each."""
        units = self.gates * self.directions * self.hidden_size
        return Params(self.of_tokens(xs[0]) + self.of_states, units * 2 * self.num_layers if self.bias else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One macs per weight and token; the rest is gates."""
        tokens = xs[0][0]
        units = tokens * self.num_layers * y[1]
        work = self.each.times(units)
        biases = 2 * self.gates * units if self.bias else 0
        return work._replace(macs=tokens * (self.of_tokens(xs[0]) + self.of_states), adds=work.adds + biases)

    def of_tokens(self, x: Shape) -> Int:
        """Weights of what comes in, all layers: from the second on what both directions of the one before make."""
        units = self.gates * self.directions * self.hidden_size
        return units * (x[1] + (self.num_layers - 1) * self.directions * self.hidden_size)

    @property
    def of_states(self) -> Int:
        """Weights of the hidden states, all layers."""
        return self.gates * self.directions * self.hidden_size * self.hidden_size * self.num_layers

    def windows(self, x: Shape) -> None:
        """Positions are given up."""
        return


@record
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), torch.nn.LSTM(batch_first=True): see `Recurrent`."""

    name: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4
    # 3 sigmoids (exp, add, div), 2 tanh (exp, 2 adds, product, div), 4 sums of products, f c + i g, and o tanh(c)
    each: ClassVar[Work] = Work(adds=12, muls=5, divs=5, exps=5)
    hidden_size: Int
    num_layers: Int = 1
    bias: bool = True
    bidirectional: bool = False


@record
class GRU(Recurrent):
    """Gated recurrent units (Cho et al. 2014), torch.nn.GRU(batch_first=True): see `Recurrent`."""

    name: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3
    # 2 sigmoids, 1 tanh, 3 sums of products, r times one of them, and (1 - z) n + z h
    each: ClassVar[Work] = Work(adds=9, muls=4, divs=3, exps=3)
    hidden_size: Int
    num_layers: Int = 1
    bias: bool = True
    bidirectional: bool = False
