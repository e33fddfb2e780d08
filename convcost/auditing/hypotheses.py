"""Hypotheses: how a column may be read, and what a row may be about, each with its price.

A column's readings differ in rule, part, K, rounding and last zeros; a row's candidates in variant, settings, input and
classes. What a candidate comes to under every rule and part is a matrix of exact counts, and what a cell says of them
is bounds: a candidate prints a cell under a reading if the count is within them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from convcost.auditing.prices import (
    COMMON_CLASSES,
    NEAR,
    PUBLISHED_INPUTS,
    USUAL_TOOLS,
    USUAL_VARIANTS,
    bits,
    number,
    raw,
)
from convcost.cost.cost import Cost
from convcost.counters.rules import OPS
from convcost.errors import ConvcostError, unwarned
from convcost.network import Network
from convcost.ops import Shape, format_shape
from convcost.printed.numbers import KILO, ROUNDINGS, Printed
from convcost.published.claims import Claim
from convcost.published.headings import quantity_of
from convcost.published.readings import (
    ALL,
    NOT_MEANT,
    OWN,
    PADDED,
    PARTS,
    WITH_AUXILIARY,
    Reading,
    counts,
    counts_of,
    whole,
)
from convcost.published.tables import TOTAL
from convcost.spec.spelling import RESOLUTIONS

AUXILIARY = "aux"
"""The knob by which specs build auxiliary heads."""
NEVER = 2**62
"""No count of a network is as large."""


# -- how a column is read ------------------------------------------------------------------------------------------


def kind_of(claim: Claim) -> str:
    """What the heading of a count says that it is: params, macs, flops or ops."""
    if claim.quantity == "params":
        return "params"
    unit = claim.printed.unit if claim.printed else ""
    found = quantity_of(claim.column) or quantity_of(claim.row)
    kind = unit if unit in ("macs", "flops") else found.kind if found else ""
    return kind if kind in ("macs", "flops") else "ops"


class Axis(NamedTuple):
    """The readings of all columns of one kind, and what each costs."""

    kind: str
    quantity: str
    measures: tuple[str, ...]
    parts: tuple[str, ...]
    ways: tuple[tuple[int, Any, str], ...]
    """K, rounding and last zeros."""
    bits: Any
    """Of each reading, a reading being a measure, a part and a way, in this order of significance."""

    def reading(self, index: int) -> Reading:
        """The reading of this number."""
        count, way = divmod(index, len(self.ways))
        measure, part = divmod(count, len(self.parts))
        k, rounding, zeros = self.ways[way]
        return Reading(self.quantity, self.measures[measure], rounding, k, self.parts[part], zeros)

    def number(self, reading: Reading) -> int:
        """The number of a reading."""
        way = self.ways.index((reading.k, reading.rounding, reading.zeros))
        count = self.measures.index(reading.measure) * len(self.parts) + self.parts.index(reading.part)
        return count * len(self.ways) + way

    def bounds(self, printed: Printed, off: int = 0) -> Any:
        """The least and the greatest count that each way prints so, or `off` units of its last digit from it.

        An array (2, ways).
        """
        import numpy as np

        ends = []
        for k, rounding, zeros in self.ways:
            reading = Reading(self.quantity, "", rounding, k, ALL, zeros)
            form = reading.form(printed)
            low, _ = whole(replace(form, digits=max(0, form.digits - off)).interval(rounding))
            _, high = whole(replace(form, digits=form.digits + off).interval(rounding))
            ends.append((min(low, NEVER), NEVER if high is None else min(high, NEVER)))
        return np.array(ends, dtype="int64").T


def price_of_zeros(axis: Axis, printed: Printed) -> Any:
    """What a number's last zeros cost for each way to read it."""
    import numpy as np

    return np.array([zeros_bits(printed) * (zeros == NOT_MEANT) for _, _, zeros in axis.ways])


def none_of_ours(axis: Axis, counts: Any, printed: Printed) -> tuple[str, float]:
    """What a number is that is neither printed nor an error, and its bits beside the price of being that.

    `counts` are those of what it may be about: (candidates, measures x parts).
    """
    if axis.quantity == "ops":
        value = printed.value()
        at = [axis.measures.index(measure) * len(axis.parts) for measure in OPS]
        if any(
            abs(value - int(count)) <= Fraction(NEAR) * int(count) for row in counts for count in row[at] if count > 0
        ):
            return "another rule", raw(printed.digits, NEAR)
    return "another source", raw(printed.digits)


def axis_of(kind: str, claims: Sequence[Claim]) -> Axis:
    """The readings that could make a difference to these cells."""
    import numpy as np

    quantity = claims[0].quantity
    printed = [claim.printed for claim in claims if claim.printed]
    inside = any(claim.lead != TOTAL for claim in claims)
    measures, parts = tuple(counts(quantity)), PARTS[:1] if inside else PARTS
    scaled = any(one.as_binary() != one for one in printed)
    scale = "K" if any(one.scale == "K" for one in printed) else "M"
    zeros = [""]
    if all(one.coarser(1) for one in printed):
        zeros.append(PADDED)
    if any(one.coarser() for one in printed):
        zeros.append(NOT_MEANT)
    ways = tuple(product(KILO if scaled else KILO[:1], ROUNDINGS, zeros))
    told = {"": "", PADDED: "padded", NOT_MEANT: "not meant"}
    price = np.array(
        [
            measure_bits(kind, measure)
            + bits("part" if measure in OWN else "part of a tool", part)
            + bits(scale, str(k))
            + bits("rounding" if measure in OWN else "rounding of a tool", rounding)
            + bits("zeros", told[none])
            for measure, part, (k, rounding, none) in product(measures, parts, ways)
        ]
    )
    return Axis(kind, quantity, measures, parts, ways, price)


def zeros_bits(printed: Printed) -> float:
    """What a number says besides, if its last zeros are no digits: how many of them."""
    if not printed.coarser():
        return 0.0
    return bits("last zeros", "more" if printed.coarser(2) else "one")


@cache
def measure_bits(kind: str, measure: str) -> float:
    """The price of a rule under a heading."""
    if measure in OWN:
        return bits(kind, measure)
    tools = [name for name in counts("params" if kind == "params" else "ops") if name not in OWN]
    usual = [name for name in tools if name in USUAL_TOOLS]
    if measure in usual:
        return bits(kind, "a usual tool", len(usual))
    return bits(kind, "another", len(tools) - len(usual))


# -- what a row is about -------------------------------------------------------------------------------------------


class Candidate(NamedTuple):
    """What a row may be about, and the price of what is its own: the table shares the rest."""

    label: str
    """As `convcost.published.tables.price_reference` reads it, perhaps with a part."""
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


class Subject:
    """A network, or a scope of one, on an input, as a row names it; prices what it may be instead."""

    def __init__(self, network: Network, cost: Cost, lead: str, axes: Sequence[Axis]) -> None:
        """`axes` are the readings of the cells that are printed of it."""
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

    def near(self) -> list[Candidate]:
        """What is named, its variants, and either with auxiliary heads."""
        found = self.itself()
        for other in self.variants:
            if (cost := _priced(other, other.own_input if self.own_input else self.cost.input)) is not None:
                found.append(self._candidate(other, cost, 0.0))
                found += self._with_heads(other)
        return found

    def _with_heads(self, network: Network) -> Iterator[Candidate]:
        heads = with_auxiliary(network) if self.lead == TOTAL else None
        cost = heads and _priced(heads, heads.own_input if self.own_input else self.cost.input)
        if heads and cost and cost.auxiliary is not None:
            both = self._candidate(heads, cost, bits("knob", "auxiliary heads at work"), part=WITH_AUXILIARY)
            yield both
            without = self._candidate(heads, cost, bits("knob", "auxiliary heads"))
            if "params" in both.counts:
                yield without._replace(label=both.label, counts={**without.counts, "params": both.counts["params"]})

    def far(self) -> list[Candidate]:
        """Other settings of its knobs, and for a network all inputs that are in use, in every variant."""
        changes = list(_changes(self.network))
        found = [
            self._candidate(changed, cost, bits("knob", "another", len(changes)))
            for changed in changes
            if (cost := _priced(changed, self.cost.input)) is not None
        ]
        if self.lead == TOTAL and len(self.cost.input) == 3:
            for one in (self.network, *self.variants):
                found += self._resized(one)
        return found

    def with_classes(self, numbers: Sequence[int]) -> list[Candidate]:
        """Every variant with other numbers of classes, of which all counts are linear."""
        found = []
        for own in (self.network, *self.variants) if self.lead == TOTAL else ():
            classes = own.settings.get("classes")
            if not isinstance(classes, int):
                continue
            shape = own.own_input if self.own_input else self.cost.input
            first, second = _priced(own, shape), _priced(own.set(classes=classes + 1), shape)
            if first is None or second is None:
                continue
            base = self._candidate(own, first, 0.0)
            step = self._candidate(own, second, 0.0)
            for value in numbers:
                if value != classes:
                    counted = {
                        quantity: base.counts[quantity]
                        + (value - classes) * (step.counts[quantity] - base.counts[quantity])
                        for quantity in self.axes
                    }
                    label = reference(own.set(classes=value), shape)
                    found.append(Candidate(label, own.variant, None, value, 0.0, tuple(shape), counted))
        return found

    def classes_of(self, claim: Claim, measures: Sequence[str] = ("params", "weights")) -> set[int]:
        """The numbers of classes with which a variant prints a cell of params, however it is rounded."""
        if claim.quantity != "params" or claim.printed is None:
            return set()
        found = set()
        axis = self.axes["params"]
        low, high = whole(Reading("params", "params").interval(claim.printed))
        for own in (self.network, *self.variants):
            classes = own.settings.get("classes")
            if not isinstance(classes, int) or high is None:
                continue
            two = self.with_classes([classes + 1])
            base = self._candidate(own, _priced(own, own.own_input) or self.cost, 0.0).counts["params"]
            for one in two:
                if one.variant == own.variant:
                    for measure in measures:
                        at = axis.measures.index(measure) * len(axis.parts)
                        slope, left = int(one.counts["params"][at] - base[at]), low - int(base[at])
                        if slope > 0 and (high - low) // slope < 50:
                            first = classes - (-left // slope)
                            last = classes + (high - int(base[at])) // slope
                            found |= set(range(max(1, first), min(last, 50_000) + 1))
        return found

    def _resized(self, network: Network) -> Iterator[Candidate]:
        import numpy as np

        own = self.cost.input
        published = PUBLISHED_INPUTS.get(network.spec.name, ())
        sides = [side for side in dict.fromkeys((*published, *RESOLUTIONS)) if (own[0], side, side) != tuple(own)]
        cost = None
        while sides and cost is None:
            cost = _priced(network, (own[0], *2 * [np.array(sides, dtype="int64")]))
            if cost is None:  # the smallest leaves nothing of a dimension
                least = min(sides)
                sides = [side for side in sides if side > max(least, own[1] // 3)]
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
            parts = [part] if part else axis.parts
            found: list[Any] = [-1 if one is None else one for one in counts_of(cost, self.lead, axis.measures, parts)]
            if part:
                found = [one for count in found for one in (count, *[-1] * (len(axis.parts) - 1))]
            if many:
                found = [np.broadcast_to(one, (many,)) for one in found]
            counted[quantity] = np.array(found, dtype="int64")
        label = reference(network, cost.input if not many else network.own_input)
        label = f"{label} {part}" if part else label
        return Candidate(label, network.variant, None, None, price, tuple(cost.input), counted)


def reference(network: Network, input: Shape) -> str:
    """A network on an input, written as tables refer to it: `resnet34@v1 shortcut=A input=3x256x256`."""
    shape = f" input={format_shape(input)}" if tuple(input) != network.own_input else ""
    return replace(network, at=None).reference + shape


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


def _priced(network: Network, shape: Sequence[Any]) -> Cost | None:
    try:
        with unwarned():
            cost = network.price(tuple(shape))
        cost.total  # noqa: B018  # a window that does not fit is told here
    except ConvcostError:
        return None
    return cost


# -- prices of what is shared --------------------------------------------------------------------------------------


def family_bits(variant: str | None, named: str | None, among: int) -> float:
    """The price of one variant for all rows of a family whose rows name another, of so many others."""
    if variant == named:
        return bits("family", "named")
    return bits("family", "usual" if variant in USUAL_VARIANTS else "another", max(1, among))


def variant_bits(variant: str | None, shared: str | None, among: int, factor: str = "variant") -> float:
    """The price of a row's variant where its family has another; the factor says whether the table has no others."""
    if variant == shared:
        return bits(factor, "shared")
    return bits(factor, "usual" if variant in USUAL_VARIANTS else "another", max(1, among))


def input_bits(shape: Shape | None, shared: Shape | None, family: str, factor: str = "input") -> float:
    """The price of a row's input where the table has another; None is the one that the row names."""
    if shape == shared:
        return bits(factor, "shared")
    published = PUBLISHED_INPUTS.get(family, ())
    if shape is None or (shape[-1] in published and shape[-1] == shape[-2]):
        return bits(factor, "published", len(published) + 1)
    return bits(factor, "another", len(RESOLUTIONS))


def classes_bits(classes: int | None, shared: int | None) -> float:
    """The price of a row's classes where the table has others; None are its network's own."""
    if classes == shared:
        return bits("classes of a row", "shared")
    return bits("classes of a row", "another") + (_of_classes(classes) if classes else 1.0)


def shared_bits(shape: Shape | None, classes: int | None) -> float:
    """The price of one input and one number of classes for all rows."""
    price = bits("inputs", "own") if shape is None else bits("inputs", "another", len(RESOLUTIONS))
    return price + (bits("classes", "own") if classes is None else _of_classes(classes))


def _of_classes(classes: int) -> float:
    if classes in COMMON_CLASSES:
        return bits("classes", "common", len(COMMON_CLASSES))
    return bits("classes", "another") + number(classes)
