"""Normalisations, in evaluation mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, require_divisible
from convcost.ops.base import Kind, Op, Params, Shape, Window, Work, at_least, boolean, elements, record, spatial


@record
class BatchNorm(Op):
    """Batch normalisation over channels (Ioffe & Szegedy 2015): shape kept.

    `scale` is gamma, `shift` is beta (TF-slim's Inceptions have only beta); `stats` are the running mean and variance.
    """

    name: ClassVar[str] = "bn"
    kind: ClassVar[Kind] = "norm"
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


class OwnStatistics(Op):
    """What normalisations by the sample's own mean and variance share: (x - mean) / sqrt(variance + epsilon).

    The elements of a sample fall into parts, each normalised by itself; gamma and beta are of each channel. Shape kept.
    """

    kind: ClassVar[Kind] = "norm"
    affine: bool

    def __post_init__(self) -> None:
        """Refuse anything but true and false."""
        boolean(self, affine=self.affine)

    def parts(self, x: Shape) -> Int:
        """How many parts."""
        raise NotImplementedError

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """C for each of gamma and beta."""
        return Params(norm_affine=2 * y[0] if self.affine else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per part of m: m - 1 adds and a division for the mean, m differences and their squares, as much for theirs.

        Then an add and a root for all, m divisions, and gamma and beta: one multiply and one add per element.
        """
        n, parts = elements(y), self.parts(y)
        scaled = n if self.affine else 0
        return Work(adds=3 * n - parts + scaled, muls=n + scaled, divs=n + 2 * parts, exps=parts)

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Every output sees its part: of all positions."""
        return None if len(x) > 1 else ()


@record
class GroupNorm(OwnStatistics):
    """Normalisation of groups of channels (Wu & He 2018), torch.nn.GroupNorm."""

    name: ClassVar[str] = "groupnorm"
    num_groups: Int
    affine: bool = True

    def __post_init__(self) -> None:
        """Refuse a number of groups below 1."""
        at_least(1, self, num_groups=self.num_groups)
        boolean(self, affine=self.affine)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if the groups divide its channels."""
        if not require_divisible(xs[0][0], self.num_groups):
            raise ShapeError(f"groupnorm: num_groups={self.num_groups} does not divide {xs[0][0]} channels")
        return xs[0]

    def parts(self, x: Shape) -> Int:
        """The groups."""
        return self.num_groups


@record
class InstanceNorm(OwnStatistics):
    """Normalisation of each channel (Ulyanov et al. 2016), torch.nn.InstanceNorm2d, which has no gamma and beta."""

    name: ClassVar[str] = "instancenorm"
    affine: bool = False

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape."""
        spatial(self, xs[0])
        return xs[0]

    def parts(self, x: Shape) -> Int:
        """The channels."""
        return x[0]


@record
class LayerNorm(OwnStatistics):
    """Normalisation over the channels at each position (Ba et al. 2016), as ConvNeXt's: torch.nn.LayerNorm(C)."""

    name: ClassVar[str] = "layernorm"
    affine: bool = True

    def parts(self, x: Shape) -> Int:
        """The positions."""
        return elements(x[1:])

    def windows(self, x: Shape) -> tuple[Window, ...]:
        """Every output sees its own position."""
        return ()


class LayerScale(Op):
    """A learned factor for each channel (Touvron et al. 2021): shape kept."""

    name: ClassVar[str] = "layer_scale"

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """C factors."""
        return Params(weights=y[0])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """One multiply per element."""
        return Work(muls=elements(y))


@record
class Normalize(Op):
    """Standardisation by the mean and variance of the training data, per channel: shape kept.

    Keras' Normalization layer, with which its EfficientNets begin; it also stores how many batches it was adapted to.
    """

    name: ClassVar[str] = "normalize"
    kind: ClassVar[Kind] = "norm"

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
    kind: ClassVar[Kind] = "norm"
    size: Int = 5

    def __post_init__(self) -> None:
        """Refuse a size below 1."""
        at_least(1, self, size=self.size)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per element: a square and a scaling, `size` adds (the window's sum, and k), one power, one division."""
        n = elements(y)
        return Work(muls=2 * n, adds=self.size * n, exps=n, divs=n)
