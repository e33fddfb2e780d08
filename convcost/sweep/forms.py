"""Many designs of a network at once: its closed form in the numeric axes of a space, with where it holds.

A spec may ask about a symbolic width (whether channels change, whether groups divide them). Such a question is answered
as one design, the witness, answers it, and written down with the answer: the form holds for exactly the designs that
answer alike, and whether a design does is computed with its costs. One that does not is the witness of another form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import inf
from typing import Any

from convcost.cost import Cost
from convcost.derive import AXES
from convcost.errors import ConvcostError
from convcost.integers import Int
from convcost.memory import peak_memory
from convcost.network import Network
from convcost.poly import Poly, compile_polys, symbol
from convcost.poly.assume import Assumptions, Condition, assuming, explored
from convcost.poly.core import denominator
from convcost.sweep.space import Axis, Space
from convcost.sweep.where import Column

METRICS = {
    "params": "weights, biases and norm affine: all that is trained",
    "macs": "multiply-adds of convolutions and matrix products, of the whole batch",
    "activations": "output elements of convolutions and linear layers, of the whole batch",
    "peak_memory": "bytes of the float32 tensors that are alive at once at most, of the whole batch",
}
"""What is computed of every design, and what it means."""
BATCH = "batch"
Values = Mapping[str, Any]


def design_names(network: Network) -> tuple[str, ...]:
    """What a design of the network can be made of: its knobs, the sizes of its input, and the batch."""
    return (*network.spec.knobs, *AXES.get(len(network.input) - 1, ()), BATCH)


def price(network: Network, values: Values) -> Cost:
    """The cost of a design. A size that is not given follows the first one that is (W = H), or is the network's own.

    Raises ConvcostError where the design does not fit.
    """
    knobs = {name: value for name, value in values.items() if name in network.spec.knobs}
    channels, *own = network.input
    names = AXES.get(len(own), ("",) * len(own))
    given = next((values[name] for name in names if name in values), None)
    sizes = [values.get(name, size if given is None else given) for name, size in zip(names, own, strict=True)]
    # A network of its own for each call: what was built under other assumptions is another graph.
    return network.set(**knobs).price((channels, *sizes), values.get(BATCH, 1))


def metrics(cost: Cost) -> tuple[Int, ...]:
    """The METRICS of a design."""
    total = cost.total
    return total.params, total.macs, total.activations, peak_memory(cost)


class Witness(Assumptions):
    """Assumptions whose choices are those of one design."""

    def __init__(self, numerators: Mapping[str, int]) -> None:
        super().__init__()
        self.numerators = numerators

    def choose(self, condition: Condition) -> bool:
        """Whether the condition holds: known, or as it does for the witness."""
        self.answers[len(self.asked) :] = [holds_at(condition, self.numerators)]
        return super().choose(condition)


class Form:
    """The costs of all designs that answer a spec's questions as the witness does; the symbols are numerators.

    Raises ConvcostError or TypeError where the network cannot be priced on these symbols.
    """

    def __init__(
        self, network: Network, space: Space, symbolic: Sequence[Axis], setting: Values, witness: Values
    ) -> None:
        self.names = [axis.name for axis in symbolic]
        numerators = {axis.name: int(witness[axis.name] * axis.denominator) for axis in symbolic}
        values = {**setting, **symbols_of(symbolic)}
        with assuming(Witness(numerators)) as found:
            self.values = space.complete(values)
            self.metrics = dict(zip(METRICS, metrics(price(network, self.values)), strict=True))
        derived = [self.values[name] for name, _ in space.derived]
        # What is no number (a list of knobs, say) is not shown; its place is kept.
        derived = [value if _is_number(value) else 0 for value in derived]
        self.denominators = [1] * len(METRICS) + [denominator(value) for value in derived]
        self.required = list(found.required)
        self.answers = list(zip(found.asked, found.answers, strict=False))
        conditions = [*self.required, *(condition for condition, _ in self.answers)]
        polys = [
            value * denominator(value) for value in (*self.metrics.values(), *derived, *(c.value for c in conditions))
        ]
        self._function = compile_polys(polys, self.names)
        self._polys = [poly for poly in polys if isinstance(poly, Poly)]
        self._fits = self._bounded({axis.name: _largest(axis) for axis in symbolic})

    def __call__(self, arrays: Mapping[str, Any]) -> tuple[list[Column], Any, Any]:
        """The metrics and derived values at arrays of numerators; which designs answer alike; which of them fit.

        int64 if no step can overflow: the largest absolute value of any step is evaluated once, in Python ints, at the
        largest value of every axis. Otherwise Python ints in object arrays. The last two are True or boolean arrays.
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
        tested = results[len(columns) :]
        fits: Any = True
        for condition, value in zip(self.required, tested, strict=False):
            fits &= condition.holds(value)
        alike: Any = True
        for (condition, answer), value in zip(self.answers, tested[len(self.required) :], strict=True):
            alike &= condition.holds(value) == answer
        return columns, alike, fits

    def _bounded(self, largest: Mapping[str, int]) -> bool:
        return all(poly.magnitude(largest) < 2**63 for poly in self._polys)


def joined(
    network: Network, space: Space, symbolic: Sequence[Axis], setting: Values, names: Collection[str]
) -> tuple[dict[str, Any], dict[str, Int]]:
    """All values and some METRICS of all designs that fit: every answer followed, and what comes out joined by it.

    Raises ConvcostError where they cannot be joined.
    """
    values = {**setting, **symbols_of(symbolic)}
    costs: dict[str, Int] = {}
    for k, name in enumerate(METRICS):
        if name not in names:
            continue

        def count(k: int = k) -> Int:
            return metrics(price(network, space.complete(dict(values))))[k]

        costs[name], _ = explored(count)
    return space.complete(values), costs


def symbolic_axes(network: Network, space: Space, questions: float = inf) -> tuple[str, ...]:
    """The numeric axes in which the network has a closed form together, sizes first: found by trying.

    `questions` is the most that the spec may ask of them.
    """
    numeric = sorted((axis for axis in space.axes if axis.numeric), key=lambda axis: axis.name in network.spec.knobs)
    first = {axis.name: axis[0] for axis in space.axes}
    chosen: list[Axis] = []
    for axis in numeric:
        names = {a.name for a in (*chosen, axis)}
        setting = {name: value for name, value in first.items() if name not in names}
        try:
            form = Form(network, space, [*chosen, axis], setting, first)
        except (ConvcostError, TypeError):
            continue
        if len(form.answers) <= questions:
            chosen.append(axis)
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


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Fraction, Poly)) and not isinstance(value, bool)
