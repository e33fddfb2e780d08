"""Networks that a number may be about instead of the one that is named: variants, knobs, widths, resolutions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, unwarned
from convcost.network import Network
from convcost.ops import Shape, format_shape
from convcost.published.readings import ALL, WITH_AUXILIARY
from convcost.spec.spelling import RESOLUTIONS

AUXILIARY = "aux"
"""The knob by which specs build auxiliary heads."""


class Alternative(NamedTuple):
    """Another network, and how far it is from the one that was named."""

    size: int
    """Choices that differ: variant, a knob, the input, the network itself (which counts as two)."""
    steps: int
    """The same, weighed: a named variant is more ordinary than another input, and that than a knob set by hand."""
    label: str
    """As `convcost.load` reads it."""
    network: Network
    cost: Cost
    part: str = ALL
    """What of it is counted, if not what a reading says: one of `PARTS`."""

    def __str__(self) -> str:
        return f"{self.label} {self.part}" if self.part else self.label


def alternatives(network: Network, cost: Cost, *, sizes: bool) -> Iterator[Alternative]:
    """Every alternative to a network on an input, the nearest first; with `sizes`, also at other resolutions.

    What cannot be built, or leaves nothing of a dimension, is left out.
    """
    near = list(_near(network))
    own = tuple(cost.input) == network.own_input
    for size, steps, other in near:
        yield from _priced(size, steps, other, other.own_input if own else cost.input)
    if sizes:
        shapes = [shape for shape in _resolutions(cost.input) if shape != cost.input]
        for size, steps, other in [(0, 0, network), *(one for one in near if one[2].network == network.network)]:
            for shape in shapes:
                yield from _priced(size + 1, steps + 2, other, shape)


def reference(network: Network, input: Shape) -> str:
    """A network on an input, written as tables refer to it: `resnet34@v1 shortcut=A input=3x256x256`."""
    shape = f" input={format_shape(input)}" if tuple(input) != network.own_input else ""
    return replace(network, at=None).reference + shape


def _near(network: Network) -> Iterator[tuple[int, int, Network]]:
    spec = network.spec
    variants = [Network(spec, network.network, v, network.knobs) for v in spec.variants_of(network.network)]
    variants = [other for other in variants if other.variant != network.variant]
    yield from ((1, 1, other) for other in variants)
    for size, steps, other in ((1, 2, network), *((2, 3, variant) for variant in variants)):
        if with_heads := with_auxiliary(other):
            yield size, steps, with_heads
    defining = spec.networks[network.network].knobs
    for name, value in network.settings.items():
        if name in defining or name == AUXILIARY:  # without its own it would be another network; heads are above
            continue
        knob = spec.knobs[name]
        for choice in knob.choices or ((False, True) if isinstance(value, bool) else ()):
            if choice != value:
                yield 1, 3, network.set(**{name: choice})
    for sibling in spec.networks:
        if sibling != network.network:
            for variant in spec.variants_of(sibling) or (None,):
                yield 2, 4, Network(spec, sibling, variant, network.knobs)


def with_auxiliary(network: Network) -> Network | None:
    """The network with its auxiliary heads, which its spec has and it does not."""
    return network.set(**{AUXILIARY: True}) if network.settings.get(AUXILIARY) is False else None


def _resolutions(shape: Shape) -> Iterator[Shape]:
    if len(shape) == 3:  # channels and two axes
        for side in RESOLUTIONS:
            yield (shape[0], side, side)


def _priced(size: int, steps: int, network: Network, shape: Shape) -> Iterator[Alternative]:
    try:
        with unwarned():
            cost = network.price(shape)
    except ConvcostError:
        return
    part = WITH_AUXILIARY if AUXILIARY in network.knobs and cost.auxiliary is not None else ALL
    yield Alternative(size, steps, reference(network, shape), network, cost, part)
