"""Hypotheses: what a row may be about, in variant, settings, input and classes, each with its price.

What a candidate comes to under every rule and part is a matrix of exact counts; how a column may be read is in `axes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple

from convcost.auditing.axes import Axis
from convcost.auditing.edits import Edited, apart, edited, multiplying
from convcost.auditing.prices import (
    COMMON_CLASSES,
    PUBLISHED_INPUTS,
    PUBLISHED_SHAPES,
    USUAL_VARIANTS,
    bits,
    number,
)
from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, unwarned
from convcost.network import Network
from convcost.ops import Shape, format_shape
from convcost.published.claims import Claim
from convcost.published.counting import counts_of
from convcost.published.quotients import OF
from convcost.published.readings import ALL, WITH_AUXILIARY, Reading, whole
from convcost.published.tables import TOTAL
from convcost.spec.spelling import RESOLUTIONS

SIDES = (32, 64, *RESOLUTIONS)
"""Of inputs that are in use, those of CIFAR and Tiny ImageNet first."""
AUXILIARY = "aux"
"""The knob by which specs build auxiliary heads."""
_NO_SUM = (*OF, "memory")
"""Quantities of which a network has not the sum of what its parts have."""


class Candidate(NamedTuple):
    """What a row may be about, and the price of what is its own: the table shares the rest."""

    label: str
    """As `convcost.published.tables.price_reference` reads it, perhaps with a part, or an edit."""
    variant: str | None
    input: Shape | None
    """Another input than the one that the row names."""
    classes: int | None
    """Another number of classes than its own."""
    bits: float
    at: Shape
    """The input that it is counted at."""
    counts: dict[str, Any]
    """By quantity: what every measure counts of every part, -1 for a part that it has not."""


class _Classified(NamedTuple):
    """A variant with its own classes, and what each measure counts more of each part for one class more."""

    network: Network
    classes: int
    base: Candidate
    more: dict[str, Any]


_MOST_LAYERS = 120_000
"""Of all costs that are remembered: some 50 MB."""


class Costs:
    """What networks cost, by structure: variants with the same knobs are one, and are priced once if they are few."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Cost | None] = {}
        """What was asked for last stands last."""
        self._layers = 0

    def know(self, network: Network, cost: Cost) -> None:
        """Take over what a network is known to cost."""
        self._get(_structure(network, cost.input), lambda: cost)

    def require(self, network: Network) -> Cost:
        """The cost of a network on the input that it is defined for. Raises ConvcostError where it does not fit."""
        return self.of(network, network.own_input) or network.price()

    def of(self, network: Network, shape: Shape) -> Cost | None:
        """The cost of a network on an input; None if it does not fit."""
        return self._get(_structure(network, shape), lambda: network.price(shape))

    def on(self, network: Network, like: Shape, sides: tuple[int, ...]) -> Cost | None:
        """The cost on square inputs, as arrays; None if one does not fit, or is too large."""
        import numpy as np

        def priced() -> Cost | None:
            side = np.array(sides, dtype="int64")
            largest = self.of(network, (like[0], max(sides), max(sides)))
            return largest and network.price((like[0], side, side))

        return self._get((*_structure(network, like), sides), priced)

    def with_more(self, network: Network, cost: Cost, classes: int) -> Cost | None:
        """The cost of a network with one class more."""
        key = (*_structure(network, cost.input), "one class more")
        return self._get(
            key, lambda: one_class_more(cost, classes) or network.set(classes=classes + 1).price(cost.input)
        )

    def _get(self, key: tuple[object, ...], price: Callable[[], Cost | None]) -> Cost | None:
        """What is known by a key, else priced, None if it does not fit; the longest not asked for is forgotten."""
        if key in self._known:
            cost = self._known.pop(key)
        else:
            try:
                with unwarned():
                    cost = price()
            except ConvcostError:
                cost = None
            self._layers += len(cost or ())
        self._known[key] = cost
        while self._layers > _MOST_LAYERS and len(self._known) > 1:
            self._layers -= len(self._known.pop(next(iter(self._known))) or ())
        return cost


def _structure(network: Network, shape: Shape) -> tuple[object, ...]:
    """What a graph is built from."""
    return id(network.spec), *shape, *network.settings.values()


def one_class_more(cost: Cost, classes: int) -> Cost | None:
    """The cost with an output more of each last layer that multiplies; None if one has not as many as classes."""
    graph = cost.graph
    nodes, behind = list(graph.nodes), set(graph.outputs)
    taken = {i for node in nodes for i in node.inputs}
    behind |= {i for i in range(1, len(nodes) + 1) if i not in taken}
    for i in range(len(nodes), 0, -1):
        node = nodes[i - 1]
        if i not in behind:
            continue
        if not node.op.multiplies:
            behind.update(node.inputs)
            continue
        width = next((name for name in ("out_features", "out_channels") if hasattr(node.op, name)), "")
        if not width or getattr(node.op, width) != classes:
            return None
        nodes[i - 1] = node._replace(op=node.op.replace(**{width: classes + 1}))
    try:
        with unwarned():
            return Cost(replace(graph, nodes=tuple(nodes)), cost.input)
    except ConvcostError:
        return None


class Subject:
    """A network, or a scope of one, on an input, as a row names it; prices what it may be instead."""

    def __init__(
        self, network: Network, cost: Cost, lead: str, axes: Sequence[Axis], costs: Costs | None = None
    ) -> None:
        """`axes` are the readings of the cells that are printed of it, `costs` what is known of networks already."""
        self.costs = costs or Costs()
        self.costs.know(network, cost)
        self.network = network
        self.cost = cost
        self.lead = lead
        self.axes = {axis.quantity: axis for axis in axes}
        spec = network.spec
        self.variants = [Network(spec, network.network, v, network.knobs) for v in spec.variants_of(network.network)]
        self.variants = [one for one in self.variants if one.variant != network.variant]
        self.own_input = tuple(cost.input) == network.own_input

    def itself(self) -> list[Candidate]:
        """What is named, and that with its auxiliary heads."""
        return [self._candidate(self.network, self.cost, 0.0), *self._with_heads(self.network)]

    @cached_property
    def near(self) -> list[Candidate]:
        """What is named, its variants, and either with auxiliary heads."""
        found = self.itself()
        for other in self.variants:
            if (cost := self.costs.of(other, other.own_input if self.own_input else self.cost.input)) is not None:
                found.append(self._candidate(other, cost, 0.0))
                found += self._with_heads(other)
        return found

    def _with_heads(self, network: Network) -> Iterator[Candidate]:
        heads = with_auxiliary(network) if self.lead == TOTAL else None
        if heads is None:
            return
        shape = heads.own_input if self.own_input else self.cost.input
        cost = self.costs.of(heads, shape)
        if cost is not None and cost.auxiliary is not None:
            both = self._candidate(heads, cost, bits("knob", "auxiliary heads at work"), part=WITH_AUXILIARY)
            yield both
            yield from self._stored(heads, cost, both)
        elif cost is None and (fitting := self.costs.of(network, shape)) is not None:
            # Heads that do not fit this input are stored as they are defined, and never run.
            own = self.costs.require(heads)
            if own.auxiliary is not None and own.total.params == fitting.total.params:
                both = self._candidate(heads, own, 0.0, part=WITH_AUXILIARY)
                both = both._replace(label=f"{reference(heads, shape)} {WITH_AUXILIARY}")
                yield from self._stored(network, fitting, both)

    def _stored(self, network: Network, cost: Cost, both: Candidate) -> Iterator[Candidate]:
        """A network of which the parameters of its heads are counted, and no work of theirs."""
        if "params" in both.counts:
            without = self._candidate(network, cost, bits("knob", "auxiliary heads"))
            yield without._replace(label=both.label, counts={**without.counts, "params": both.counts["params"]})

    @cached_property
    def far(self) -> list[Candidate]:
        """Other settings of its knobs, and for a network all inputs that are in use, in every variant."""
        changes = list(_changes(self.network))
        found = [
            self._candidate(changed, cost, bits("knob", "another", len(changes)))
            for changed in changes
            if (cost := self.costs.of(changed, self.cost.input)) is not None
        ]
        found += self.published
        if self.lead == TOTAL and len(self.cost.input) == 3:
            for one in (self.network, *self.variants):
                found += self._resized(one)
        return found

    @cached_property
    def edited(self) -> list[Candidate]:
        """The network with a structural edit, or without one of its parts in the count."""
        if self.lead != TOTAL:
            return []
        base = self._candidate(self.network, self.cost, 0.0)
        found = [(one.said, self._candidate(self.network, one.cost, 0.0).counts) for one in self._edits]
        found += [(f"{scope} not counted", self._less(base, scope)) for scope in multiplying(self.cost)]
        price = bits("knob", "an edit", len(found))
        return [base._replace(label=_but(base, said), bits=price, counts=counts) for said, counts in found]

    def edited_twice(self) -> list[Candidate]:
        """The network with two edits that touch no common layer."""
        import numpy as np

        base = self._candidate(self.network, self.cost, 0.0)
        pairs = list(apart(self._edits))
        price = bits("knob", "two edits", max(1, len(pairs)))
        found = []
        for first, second in pairs:
            one, other = self.edited[first], self.edited[second]
            counts = {
                quantity: np.where(
                    (count < 0) | (quantity in _NO_SUM), -1, count + other.counts[quantity] - base.counts[quantity]
                )
                for quantity, count in one.counts.items()
            }
            said = f"{self._edits[first].said}; {self._edits[second].said}"
            found.append(base._replace(label=_but(base, said), bits=price, counts=counts))
        return found

    @cached_property
    def _edits(self) -> list[Edited]:
        return edited(self.cost)

    def _less(self, base: Candidate, scope: str) -> dict[str, Any]:
        """What is counted without a scope of the whole network; of no other part."""
        import numpy as np

        found = {}
        for quantity, axis in self.axes.items():
            found[quantity] = np.full_like(base.counts[quantity], -1)
            every = slice(0, None, len(axis.parts))
            if quantity not in _NO_SUM:
                less = counts_of(self.cost, scope, quantity, axis.measures, (ALL,))
                found[quantity][every] = base.counts[quantity][every] - less
        return found

    def with_classes(self, numbers: Sequence[int]) -> list[Candidate]:
        """Every variant with other numbers of classes, of which all counts are linear."""
        return [
            one.base._replace(
                label=reference(one.network.set(classes=value), one.base.at),
                classes=value,
                counts={
                    quantity: count + (value - one.classes) * one.more[quantity]
                    for quantity, count in one.base.counts.items()
                },
            )
            for one in self._by_classes
            for value in numbers
            if value != one.classes
        ]

    @cached_property
    def _by_classes(self) -> list[_Classified]:
        """Every variant that has classes, and what one more of them adds."""
        import numpy as np

        found = []
        for own in (self.network, *self.variants) if self.lead == TOTAL else ():
            classes = own.settings.get("classes")
            if isinstance(classes, int):
                shape = own.own_input if self.own_input else self.cost.input
                first = self.costs.of(own, shape)
                second = first and self.costs.with_more(own, first, classes)
                if first is not None and second is not None:
                    base, step = self._candidate(own, first, 0.0), self._candidate(own, second, 0.0)
                    more = {quantity: count - base.counts[quantity] for quantity, count in step.counts.items()}
                    if (memory := base.counts.get("memory")) is not None:  # the most of several, which is not linear
                        base.counts["memory"] = np.where(more["memory"] != 0, -1, memory)
                        more["memory"] = 0 * memory
                    found.append(_Classified(own, classes, base, more))
        return found

    def classes_of(self, claim: Claim, measures: Sequence[str] = ("params", "weights")) -> set[int]:
        """The numbers of classes with which a variant prints a cell of params, however it is rounded.

        Of few digits, which many numbers print, those that other data sets have.
        """
        if claim.quantity != "params" or claim.printed is None:
            return set()
        found: set[int] = set()
        axis = self.axes["params"]
        low, high = whole(Reading("params", "params").interval(claim.printed))
        if high is None:
            return found
        for one in self._by_classes:
            for measure in measures:
                at = axis.measures.index(measure) * len(axis.parts)
                slope, base = int(one.more["params"][at]), int(one.base.counts["params"][at])
                if slope > 0:
                    first, last = one.classes - (base - low) // slope, one.classes + (high - base) // slope
                    within = range(max(1, first), min(last, 50_000) + 1)
                    found |= set(within) if (high - low) // slope < 50 else {n for n in COMMON_CLASSES if n in within}
        return found

    @property
    def published(self) -> list[Candidate]:
        """Every variant on the inputs that its family uses and that are not square, or not of images."""
        found = []
        for one in (self.network, *self.variants) if self.lead == TOTAL else ():
            for sides in PUBLISHED_SHAPES.get(one.spec.name, ()):
                shape = (*self.cost.input[:-2], *sides)
                cost = self.costs.of(one, shape) if shape != tuple(self.cost.input) else None
                if cost is not None:
                    label, counts = reference(one, shape), self._candidate(one, cost, 0.0).counts
                    found.append(Candidate(label, one.variant, shape, None, 0.0, shape, counts))
        return found

    def _resized(self, network: Network) -> Iterator[Candidate]:
        own = self.cost.input
        published = PUBLISHED_INPUTS.get(network.spec.name, ())
        sides = [side for side in dict.fromkeys((*published, *SIDES)) if (own[0], side, side) != tuple(own)]
        cost = self.costs.on(network, own, tuple(sides))
        if cost is None:  # the smallest leave nothing of a dimension
            while sides and self.costs.of(network, (own[0], min(sides), min(sides))) is None:
                sides.remove(min(sides))
            cost = self.costs.on(network, own, tuple(sides)) if sides else None
        if cost is None:
            return
        resized = self._candidate(network, cost, 0.0, many=len(sides)).counts
        for i, side in enumerate(sides):
            counted = {quantity: each[:, i] for quantity, each in resized.items()}
            shape = (own[0], side, side)
            yield Candidate(reference(network, shape), network.variant, shape, None, 0.0, shape, counted)

    def _candidate(self, network: Network, cost: Cost, price: float, *, part: str = ALL, many: int = 0) -> Candidate:
        import numpy as np

        counted = {}
        for quantity, axis in self.axes.items():
            # With its heads it is counted as one, whatever the column counts of the others.
            found = counts_of(cost, self.lead, quantity, axis.measures, [part] if part else axis.parts)
            if part:
                alone = np.full((len(axis.measures), len(axis.parts), *found.shape[1:]), -1)
                alone[:, 0] = found
                found = alone.reshape(-1, *found.shape[1:])
            if many and found.ndim == 1:
                found = np.broadcast_to(found[:, None], (len(found), many))
            counted[quantity] = found
        label = reference(network, cost.input if not many else network.own_input)
        label = f"{label} {part}" if part else label
        return Candidate(label, network.variant, None, None, price, tuple(cost.input), counted)


def reference(network: Network, input: Shape) -> str:
    """A network on an input, written as tables refer to it: `resnet34@v1 shortcut=A input=3x256x256`."""
    shape = f" input={format_shape(input)}" if tuple(input) != network.own_input else ""
    return replace(network, at=None).reference + shape


def _but(base: Candidate, edit: str) -> str:
    return f"{base.label}, edited: {edit}"


def with_auxiliary(network: Network) -> Network | None:
    """The network with its auxiliary heads, which its spec has and it does not."""
    return network.set(**{AUXILIARY: True}) if network.settings.get(AUXILIARY) is False else None


def _changes(network: Network) -> Iterator[Network]:
    """The network with another choice for one of its knobs, but for those that make it what it is."""
    spec = network.spec
    defining = spec.networks[network.network].knobs
    for name, value in network.settings.items():
        if name in defining or name == AUXILIARY:
            continue
        for choice in spec.knobs[name].choices or ((False, True) if isinstance(value, bool) else ()):
            if choice != value:
                yield network.set(**{name: choice})


# -- prices of what is shared --------------------------------------------------------------------------------------


def family_bits(variant: str | None, named: str | None, every: Sequence[str | None], factor: str = "family") -> float:
    """The price of one variant, of all that there are, for all rows of a family whose rows name another.

    The factor says whether they do so in words, or name none.
    """
    if variant == named:
        return bits(factor, "named")
    return _other_bits(factor, variant, named, every)


def variant_bits(
    variant: str | None, shared: str | None, every: Sequence[str | None], factor: str = "variant"
) -> float:
    """The price of a row's variant where its family has another; the factor says whether the table has no others."""
    if variant == shared:
        return bits(factor, "shared")
    return _other_bits(factor, variant, shared, every)


def _other_bits(factor: str, variant: str | None, than: str | None, every: Sequence[str | None]) -> float:
    """Those that the frameworks ship share one price, all others another."""
    usual = variant in USUAL_VARIANTS
    among = sum((one in USUAL_VARIANTS) == usual for one in every if one != than)
    return bits(factor, "usual" if usual else "another", among)


def input_bits(shape: Shape | None, shared: Shape | None, family: str, factor: str = "input") -> float:
    """The price of a row's input where the table has another; None is the one that the row names."""
    if shape == shared:
        return bits(factor, "shared")
    published = PUBLISHED_INPUTS.get(family, ())
    shapes = PUBLISHED_SHAPES.get(family, ())
    if shape is None or shape[-2:] in shapes or (shape[-1] in published and shape[-1] == shape[-2]):
        return bits(factor, "published", len(published) + len(shapes) + 1)
    return bits(factor, "another", len(SIDES))


def classes_bits(classes: int | None, shared: int | None) -> float:
    """The price of a row's classes where the table has others; None are its network's own."""
    if classes == shared:
        return bits("classes of a row", "shared")
    return bits("classes of a row", "another") + (_of_classes(classes) if classes else 1.0)


def shared_bits(shape: Shape | None, classes: int | None) -> float:
    """The price of one input and one number of classes for all rows."""
    price = bits("inputs", "own") if shape is None else bits("inputs", "another", len(SIDES))
    return price + (bits("classes", "own") if classes is None else _of_classes(classes))


def _of_classes(classes: int) -> float:
    if classes in COMMON_CLASSES:
        return bits("classes", "common", len(COMMON_CLASSES))
    return bits("classes", "another") + number(classes)
