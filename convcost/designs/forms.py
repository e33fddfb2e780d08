"""Many designs of a network at once: its closed form in the numeric axes of a space, with where it holds.

A spec may ask about a symbolic width (whether channels change, whether groups divide them). Such a question is answered
as one design, the witness, answers it, and written down with the answer: the form holds for exactly the designs that
answer alike, and whether a design does is computed with its costs. One that does not is the witness of another form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import inf, lcm, prod
from typing import Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.quantities import COMMON, is_quantity, quantity
from convcost.designs.space import Axis, Space, parsed_expression
from convcost.designs.where import Column
from convcost.errors import ConvcostError, unwarned
from convcost.exact.integers import Int
from convcost.exact.poly import Poly, compile_polys, symbol
from convcost.exact.poly.assume import Assumptions, Condition, assuming, explored
from convcost.exact.poly.calculus import is_integer
from convcost.exact.poly.core import denominator
from convcost.formulas.derive import resized, size_names
from convcost.network import Network
from convcost.spec import expression
from convcost.values import show

METRICS = tuple(COMMON)
"""The quantities that are computed of every design; a budget or a condition may name others."""
BATCH = "batch"
MAX_WORDS = 1_000
"""Combinations of words and lists for each of which a derived value is looked at."""
Values = Mapping[str, Any]


def design_names(network: Network) -> tuple[str, ...]:
    """What a design of the network can be made of: its knobs, the sizes of its input, and the batch."""
    return (*network.spec.knobs, *size_names(network.input), BATCH)


def price(network: Network, values: Values) -> Cost:
    """The cost of the network that a design is, on the design's input and batch.

    A size that is not given follows the first one of its input that is (W = H), or is the network's own.
    Raises ConvcostError where the design does not fit.
    """
    knobs = {name: value for name, value in values.items() if name in network.spec.knobs}
    network = network.set(**knobs)
    inputs = {name: of for name, (of, _) in size_names(network.input).items()}
    followed: dict[str, Int] = {}
    for name, of in inputs.items():
        if name in values:
            followed.setdefault(of, values[name])
    sizes = {name: values.get(name, followed[of]) for name, of in inputs.items() if of in followed}
    with unwarned():
        return network.price(resized(network.input, sizes), values.get(BATCH, 1))


def metrics(cost: Cost, names: Sequence[str] = METRICS) -> tuple[Int, ...]:
    """The values of quantities, by default those of METRICS, of a design's cost."""
    return tuple(quantity(name).of(cost) for name in names)


def least(cost: Cost, names: Sequence[str]) -> tuple[Int, ...]:
    """The closed forms of quantities, of those that have none of what they are never below."""
    return tuple(quantity(name).closed(cost) for name in names)


def others(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are quantities beyond METRICS."""
    return tuple(name for name in names if name not in METRICS and is_quantity(name))


def numbers(values: Values, derived: Sequence[str]) -> list[Int]:
    """Derived values that are numbers in the first design. Raises ConvcostError for one that is none in this one."""
    for name in derived:
        if not is_number(values[name]):
            raise ConvcostError(f"{name} is {show(values[name])!r}, and no number as it is in the first design")
    return [values[name] for name in derived]


class Witness(Assumptions):
    """Assumptions whose choices are those of one design."""

    def __init__(self, numerators: Mapping[str, int]) -> None:
        super().__init__()
        self.numerators = numerators

    def choose(self, condition: Condition) -> bool:
        """Whether the condition holds: known, or as it does for the witness."""
        self.answers[len(self.asked) :] = [holds_at(condition, self.numerators)]
        return super().choose(condition)


class Outcome(NamedTuple):
    """What a form says of some designs: costs, and for each design in which of the other fields it is."""

    columns: list[Column]
    """Metrics and derived values."""
    priced: Any
    """An array of flags: where the columns are right."""
    unfit: Any
    """Where the network does not fit."""
    others: Any
    """Where the spec's questions have other answers."""
    beyond: list[tuple[Condition, Any]]
    """Limits of the form, and where a design that answers alike is the first time beyond one: it may fit."""


class Form:
    """The costs of all designs that answer a spec's questions as the witness does, and some derived values of theirs.

    The symbols are numerators. Raises ConvcostError or TypeError where the network cannot be priced on these symbols,
    or a derived value is no number.
    """

    def __init__(
        self,
        network: Network,
        space: Space,
        symbolic: Sequence[Axis],
        setting: Values,
        witness: Values,
        derived: Sequence[str] = (),
        quantities: Sequence[str] = METRICS,
    ) -> None:
        self.names = [axis.name for axis in symbolic]
        numerators = {axis.name: int(witness[axis.name] * axis.denominator) for axis in symbolic}
        values = {**setting, **symbols_of(symbolic)}
        with assuming(Witness(numerators)) as found:
            self.values = space.complete(values)
            found_derived = numbers(self.values, derived)
            self.metrics = dict(zip(quantities, least(price(network, self.values), quantities), strict=True))
        found_values = (*self.metrics.values(), *found_derived)
        # n(n + 1)/2 counts whole things with coefficients that are not whole: what is computed is the numerator.
        self.denominators = [denominator(value) for value in found_values]
        self.answers = list(zip(found.asked, found.answers, strict=False))
        self.limits = list(found.limits)
        self._needed = list(found.fits.items())
        # In order, and each once: limits stand among what says where a design has to meet something.
        self._conditions = list(
            dict.fromkeys(
                (
                    *(condition for condition, _ in self.answers),
                    *self.limits,
                    *found.fits,
                    *(condition for _, places in self._needed for place in places for condition in place),
                )
            )
        )
        polys = [value * denominator(value) for value in (*found_values, *(c.value for c in self._conditions))]
        self._function = compile_polys(polys, self.names)
        self._polys = [poly for poly in polys if isinstance(poly, Poly)]
        self._fits = self._bounded({axis.name: _largest(axis) for axis in symbolic})

    def __call__(self, arrays: Mapping[str, Any]) -> Outcome:
        """What the form says of the designs at arrays of numerators.

        int64 if no step can overflow: the largest absolute value of any step is evaluated once, in Python ints, at the
        largest value of every axis. Otherwise Python ints in object arrays.
        """
        import numpy as np

        if not self._fits and not self._bounded({name: int(abs(arrays[name]).max()) for name in self.names}):
            arrays = {name: arrays[name].astype(object) for name in self.names}
        results = self._function(*(arrays[name] for name in self.names))
        size = len(arrays[self.names[0]])
        columns = [
            Column(value if isinstance(value, np.ndarray) else np.full(size, value), d)
            for value, d in zip(results, self.denominators, strict=False)
        ]
        tested = zip(self._conditions, results[len(columns) :], strict=True)
        holds = {condition: np.broadcast_to(condition.holds(value), size) for condition, value in tested}
        alike = np.ones(size, bool)
        for condition, answer in self.answers:
            alike &= holds[condition] == answer
        unfit = np.zeros(size, bool)
        for condition, places in self._needed:
            for place in places:
                missed = ~holds[condition]
                for other in place:
                    missed &= holds[other]
                unfit |= missed
        within = np.ones(size, bool)
        beyond = []
        for condition in self.limits:
            if (past := alike & ~unfit & within & ~holds[condition]).any():
                beyond.append((condition, past))
            within &= holds[condition]
        return Outcome(columns, alike & ~unfit & within, alike & unfit, ~alike, beyond)

    def _bounded(self, largest: Mapping[str, int]) -> bool:
        return all(poly.magnitude(largest) < 2**63 for poly in self._polys)


def joined(
    network: Network, space: Space, symbolic: Sequence[Axis], setting: Values, names: Collection[str]
) -> tuple[dict[str, Any], dict[str, Int], list[Condition]]:
    """All values and some quantities of all designs that fit: every answer followed, and what comes out joined by it.

    With them, their limits: a design beyond one may fit, and cost something else. Raises ConvcostError where they
    cannot be joined.
    """
    values = {**setting, **symbols_of(symbolic)}
    costs: dict[str, Int] = {}
    limits: dict[Condition, None] = {}
    for name in names:

        def count(name: str = name) -> Int:
            return quantity(name).closed(price(network, space.complete(dict(values))))

        costs[name], required = explored(count)
        limits |= dict.fromkeys(condition for condition, limit in required.items() if limit)
    return space.complete(values), costs, [*limits]


def symbolic_axes(network: Network, space: Space, questions: float = inf) -> tuple[str, ...]:
    """The numeric axes in which the network has a closed form together, sizes first: found by trying.

    `questions` is the most that the spec may ask of them.
    """
    numeric = sorted((axis for axis in space.axes if axis.numeric), key=lambda axis: axis.name in network.spec.knobs)
    # The smallest design may be too small for a layer, and then says nothing of the others.
    corners = [{axis.name: axis[last * (len(axis) - 1)] for axis in space.axes} for last in (0, 1)]
    chosen: list[Axis] = []
    for axis in numeric:
        names = {a.name for a in (*chosen, axis)}
        for corner in corners:
            setting = {name: value for name, value in corner.items() if name not in names}
            try:
                form = Form(network, space, [*chosen, axis], setting, corner)
            except (ConvcostError, TypeError):
                continue
            if len(form.answers) <= questions:
                chosen.append(axis)
            break
    return tuple(axis.name for axis in chosen)


def holds_at(condition: Condition, numerators: Mapping[str, int]) -> bool:
    """Whether a condition holds for a design."""
    p = condition.value
    return bool(condition.holds(p.evaluate(numerators) if isinstance(p, Poly) else p))


def symbols_of(axes: Sequence[Axis]) -> dict[str, Int]:
    """What stands for the values of axes: a symbol of the numerators, over the denominator."""
    return {
        axis.name: symbol(axis.name, at_least=int(axis.least * axis.denominator)) * Fraction(1, axis.denominator)
        for axis in axes
    }


def _largest(axis: Axis) -> int:
    return int(max(abs(axis.least), abs(axis.largest)) * axis.denominator)


def whole_denominator(space: Space, name: str) -> int:
    """What makes a derived value an integer in all designs of the space, as its closed form shows; 0 if it has none.

    So how its numbers are written does not depend on which designs are looked at together.
    """
    needed, derived = {name}, []
    for other, text in reversed(space.derived):
        if other in needed:
            derived.append((other, text))
            needed.update(expression.names(parsed_expression(text, other).node))
    axes = [axis for axis in space.axes if axis.name in needed]
    words = [axis for axis in axes if not axis.numeric]
    if prod(map(len, words)) > MAX_WORDS:
        return 0
    part = Space(tuple(axes), tuple(reversed(derived)))
    steps = {
        axis.name: axis.least + axis.unit * symbol(f"step{i}", at_least=0)
        for i, axis in enumerate(axes)
        if axis.numeric
    }
    found = 1
    for chosen in product(*(axis.values for axis in words)):
        setting = {axis.name: value for axis, value in zip(words, chosen, strict=True)}

        def value(setting: Values = setting) -> Int:
            return part.complete({**steps, **setting})[name]

        try:
            form, required = explored(value)
        except (ConvcostError, TypeError):
            return 0
        if required:  # an outcome has no form, but may have values
            return 0
        if is_number(form):  # else these designs do not count: see `numbers`
            found = lcm(found, 1 if is_integer(form) else denominator(form))
    return found


def is_number(value: Any) -> bool:
    """Whether a value of a design is one, or a closed form of one."""
    return isinstance(value, (int, Fraction, Poly)) and not isinstance(value, bool)
