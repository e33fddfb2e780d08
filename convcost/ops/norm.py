"""Normalisations, in evaluation mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcost.errors import ShapeError
from convcost.exact.integers import Int, prod, require_divisible
from convcost.ops.base import (
    Dims,
    Kind,
    Op,
    Params,
    Shape,
    Window,
    Work,
    at_least,
    axes_of,
    axis_of,
    boolean,
    check_dims,
    elements,
    record,
    spatial,
)


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

    The elements of a sample fall into parts, each normalised by itself; gamma and beta are of each channel, unless one
    says otherwise. Shape kept.
    """

    kind: ClassVar[Kind] = "norm"
    affine: bool

    def __post_init__(self) -> None:
        """Refuse anything but true and false."""
        boolean(self, affine=self.affine)

    def parts(self, x: Shape) -> Int:
        """How many parts."""
        raise NotImplementedError

    def scaled(self, x: Shape) -> Int:
        """How many gammas, and betas, there are."""
        return x[0]

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Gamma and beta."""
        return Params(norm_affine=2 * self.scaled(y) if self.affine else 0)

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
    """Normalisation over the channels at each position (Ba et al. 2016), as ConvNeXt's: torch.nn.LayerNorm(C).

    With `dim` over other axes, one gamma and beta for each of their elements: -1 for tokens, (-2, -1) and so on.
    """

    name: ClassVar[str] = "layernorm"
    affine: bool = True
    dim: Dims = 1

    def __post_init__(self) -> None:
        """Refuse what names no axes."""
        super().__post_init__()
        check_dims(self, dim=self.dim)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if it has these axes."""
        axes_of(self, xs[0], self.dim)
        return xs[0]

    def parts(self, x: Shape) -> Int:
        """The positions, of the axes that it is not over."""
        over = axes_of(self, x, self.dim)
        return prod(n for i, n in enumerate(x) if i not in over)

    def scaled(self, x: Shape) -> Int:
        """The elements of the axes that it is over."""
        return prod(x[i] for i in axes_of(self, x, self.dim))

    def is_trailing(self, x: Shape) -> bool:
        """Whether its axes are said to be the last ones, so that it is torch's module as it stands."""
        over = axes_of(self, x, self.dim)
        return self.dim != 1 and over == tuple(range(len(x) - len(over), len(x)))

    def windows(self, x: Shape) -> tuple[Window, ...] | None:
        """Over the channels alone, every output sees its own position."""
        return () if axes_of(self, x, self.dim) == (0,) else None


@record
class RMSNorm(LayerNorm):
    """Normalisation by the root of the mean square (Zhang & Sennrich 2019), torch.nn.RMSNorm, over the axes of `dim`.

    It has no beta, and takes no mean away. Shape kept.
    """

    name: ClassVar[str] = "rmsnorm"
    affine: bool = True
    dim: Dims = -1

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """Gamma."""
        return Params(norm_affine=self.scaled(y) if self.affine else 0)

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """Per part of m: m squares, m - 1 adds, a division, epsilon and a root, m divisions; gamma: m multiplies."""
        n, parts = elements(y), self.parts(y)
        return Work(adds=n, muls=2 * n if self.affine else n, divs=n + parts, exps=parts)


@record
class GRN(Op):
    """Global response normalisation (Woo et al. 2023, ConvNeXt V2) of channels on the axis `dim`: shape kept.

    gamma x n + beta + x, n being the norm of a channel's map over the mean of all channels' norms.
    """

    name: ClassVar[str] = "grn"
    kind: ClassVar[Kind] = "norm"
    dim: int = 1

    def __post_init__(self) -> None:
        """Refuse what names no axis."""
        check_dims(self, dim=self.dim, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if it has this axis."""
        axis_of(self, xs[0], self.dim)
        return xs[0]

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """C for each of gamma and beta."""
        return Params(norm_affine=2 * y[axis_of(self, y, self.dim)])

    def work(self, xs: Sequence[Shape], y: Shape) -> Work:
        """A square per element, their sums and C roots; C - 1 adds, a division and epsilon; C divisions.

        Then per element two products, and two sums.
        """
        n, c = elements(y), y[axis_of(self, y, self.dim)]
        return Work(muls=3 * n, adds=(n - c) + (c - 1) + 1 + 2 * n, exps=c, divs=c + 1)

    def windows(self, x: Shape) -> None:
        """Every output sees everything."""
        return


@record
class LayerScale(Op):
    """A learned factor for each channel (Touvron et al. 2021), which stand on the axis `dim`: shape kept."""

    name: ClassVar[str] = "layer_scale"
    dim: int = 1

    def __post_init__(self) -> None:
        """Refuse what names no axis."""
        check_dims(self, dim=self.dim, one=True)

    def out_shape(self, *xs: Shape) -> Shape:
        """The input's shape, if it has this axis."""
        axis_of(self, xs[0], self.dim)
        return xs[0]

    def params(self, xs: Sequence[Shape], y: Shape) -> Params:
        """C factors."""
        return Params(weights=y[axis_of(self, y, self.dim)])

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
