"""Normalisations, in evaluation mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.exact.integers import Int
from convcost.ops.base import Op, Params, Shape, Work, at_least, boolean, elements, record


@record
class BatchNorm(Op):
    """Batch normalisation over channels (Ioffe & Szegedy 2015): shape kept.

    `scale` is gamma, `shift` is beta (TF-slim's Inceptions have only beta); `stats` are the running mean and variance.
    """

    name: ClassVar[str] = "bn"
    scale: bool = True
    shift: bool = True
    stats: bool = True

    def __post_init__(self) -> None:
        """Refuse anything but true and false."""
        boolean(self, scale=self.scale, shift=self.shift, stats=self.stats)

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """C for each of gamma and beta, 2 C statistics."""
        return Params(norm_affine=(self.scale + self.shift) * y[0], norm_stats=2 * self.stats * y[0])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One multiply and one add per element: at evaluation it is one affine map."""
        n = elements(y)
        return Work(muls=n, adds=n)


@record
class Normalize(Op):
    """Standardisation by the mean and variance of the training data, per channel: shape kept.

    Keras' Normalization layer, with which its EfficientNets begin; it also stores how many batches it was adapted to.
    """

    name: ClassVar[str] = "normalize"

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """C means, C variances and one count, none of them trained."""
        return Params(norm_stats=2 * y[0] + 1)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per element: the mean subtracted, then divided by the standard deviation."""
        n = elements(y)
        return Work(adds=n, divs=n)


@record
class LocalResponseNorm(Op):
    """Local response normalisation over `size` channels (Krizhevsky 2012): x / (k + a/size * sum x^2)^b; shape kept."""

    name: ClassVar[str] = "lrn"
    size: Int = 5

    def __post_init__(self) -> None:
        """Refuse a size below 1."""
        at_least(1, self, size=self.size)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per element: a square and a scaling, `size` adds (the window's sum, and k), one power, one division."""
        n = elements(y)
        return Work(muls=2 * n, adds=self.size * n, exps=n, divs=n)
