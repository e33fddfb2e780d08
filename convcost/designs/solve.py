"""The designs that use a budget best, exactly: best-first branch and bound over the boxes of a space.

A box is a range of values on every numeric axis. The closed form of its smallest design bounds the costs of all of it
from below, by interval arithmetic in Python ints; costs that grow with every axis, as macs and params mostly do, have
that bound at the smallest design itself, and the search is a bisection. Where they do not, or the form does not hold
for all of the box, the box is cut further: the answer is exact either way, and every design in it has been priced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from itertools import product
from math import inf, prod
from typing import Any, NamedTuple, TypeAlias

from convcost.cost.quantities import is_quantity, quantity
from convcost.designs.forms import BATCH, METRICS, Form, holds_at, joined, metrics, others, price, symbolic_axes
from convcost.designs.space import Axis, Space, Steps, parse_axis, parsed_expression
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int
from convcost.exact.poly import Poly
from convcost.exact.poly.assume import Condition
from convcost.exact.poly.atoms import Atom, Symbol, atoms_within
from convcost.formulas.derive import size_names
from convcost.network import Network
from convcost.ops import inputs_of
from convcost.spec import expression
from convcost.spec.document import SpecError, exact
from convcost.spec.expression import Expression

MAX_BOXES = 200_000
MAX_STRUCTURES = 10_000
MAX_QUESTIONS = 5
"""What a spec may ask of a symbolic axis: each question can double the closed form."""
Interval: TypeAlias = tuple[Int, Int]
Setting: TypeAlias = tuple[tuple[str, Any], ...]
Box: TypeAlias = tuple[tuple[int, int], ...]
"""For each numeric axis the first and the last index of its values."""


class Solution(NamedTuple):
    """A design within the budget."""

    values: dict[str, Any]
    """Of the axes, then of the derived values."""
    costs: dict[str, int]
    """By METRICS, and by what else is limited or aimed at."""
    objective: Int | None = None


@dataclass(frozen=True)
class Problem:
    """What is asked: designs of a space whose costs stay within limits."""

    network: Network
    space: Space
    limits: Mapping[str, int]
    """The most that a quantity may be, by its name."""

    def best(self, objective: str) -> Iterator[Solution]:
        """The designs within the limits, from the largest value of the objective down.

        Raises ConvcostError for an objective that cannot be computed, and where the search grows too large.
        """
        parsed = _parsed(objective)
        known = (*self.space.names, *METRICS)
        for name in expression.names(parsed.node):
            if name not in known and not is_quantity(name) and name not in expression.FUNCTIONS:
                raise ConvcostError(f"--maximize: there is no {name!r}{did_you_mean(name, known)}")
        yield from _Search(self, self.quantities(objective), parsed).solutions()

    def quantities(self, objective: str | None = None) -> tuple[str, ...]:
        """What is computed of every design: METRICS, and what else a limit or the objective names."""
        named = set() if objective is None else {*expression.names(_parsed(objective).node)} - {*self.space.names}
        return (*METRICS, *others(dict.fromkeys((*self.limits, *sorted(named)))))

    def nearest(self) -> Solution | None:
        """The design whose worst cost, as a multiple of its limit, is least; None if none fits its network.

        Where the search for it grows too large, it is the smallest design.
        """
        everywhere = Problem(self.network, self.space, {})
        try:
            return next(_Search(everywhere, self.quantities(), None, self.limits).solutions(), None)
        except ConvcostError:
            return self.smallest()

    def smallest(self) -> Solution | None:
        """The design with the least value on every axis (of words and lists the first), whatever it costs.

        None if it does not fit its network.
        """
        values = self.space.complete({axis.name: axis.least if axis.numeric else axis[0] for axis in self.space.axes})
        names = self.quantities()
        try:
            costs = metrics(price(self.network, values), names)
        except ConvcostError:
            return None
        return Solution({name: values[name] for name in self.space.names}, dict(zip(names, costs, strict=True)))

    def frontier(self) -> list[Solution]:
        """The designs within the limits of which no axis can grow without another one shrinking, per structure."""
        names = [axis.name for axis in self.space.axes if axis.numeric]
        return sorted(
            _Search(self, self.quantities(), None).solutions(),
            key=lambda solution: [solution.values[name] for name in names],
        )


def default_axis(network: Network, name: str) -> Axis:
    """The values of an axis of which only the name is given.

    Sizes are multiples of 32 up to twice the network's own; a knob has its choices, or from a twentieth of its default
    to twice it, in twentieths (whole ones, unless it is a multiplier, with a default of at most 2). Raises
    ConvcostError for any other.
    """
    shapes = inputs_of(network.input)
    sizes = {axis: shapes[of][place] for axis, (of, place) in size_names(network.input).items()}
    if name in sizes:
        return Axis(name, Steps(32, 32, max(1, 2 * sizes[name] // 32)))
    knob = network.spec.knobs.get(name)
    unsaid = ConvcostError(f"--over {name}: say which values it has, as name=start:stop:step or name=value,value")
    if name == BATCH:
        raise unsaid
    if knob is None:
        known = (*network.spec.knobs, *sizes)
        raise ConvcostError(f"{network.name} has no knob or size {name!r}{did_you_mean(name, known)}")
    default = network.settings[name]
    if knob.choices:
        return Axis(name, knob.choices)
    if isinstance(default, bool):
        return Axis(name, (False, True))
    if not isinstance(default, (int, Fraction)) or default <= 0:
        raise unsaid
    step = exact(Fraction(default, 20)) if default <= 2 else max(1, round(Fraction(default, 20)))
    return Axis(name, Steps(step, step, int(2 * default // step)))


def axis_of(network: Network, text: str) -> Axis:
    """An axis as on the command line, with or without values."""
    return parse_axis(text) if "=" in text else default_axis(network, text.strip())


def _parsed(objective: str) -> Expression:
    return parsed_expression(objective, f"--maximize {objective!r}")


class _Search:
    """Boxes, the most promising first: by the objective, or for the frontier by how far out their largest design is.

    With `aims`, the most promising is the one whose worst cost, as a multiple of its aim, is least.
    """

    def __init__(
        self,
        problem: Problem,
        quantities: tuple[str, ...],
        objective: Expression | None,
        aims: Mapping[str, int] | None = None,
    ) -> None:
        self.aims = aims or {}
        self.network, self.space, self.limits = problem.network, problem.space, problem.limits
        self.objective = objective
        self.axes = [_ascending(axis) for axis in self.space.axes if axis.numeric]
        self.symbolic = symbolic_axes(self.network, self.space, MAX_QUESTIONS)
        self.forms: dict[Setting, list[_Costs]] = {}
        self.heap: list[tuple[Any, int, Box, Setting, Collection[str]]] = []
        self.boxes = 0
        named = set() if objective is None else set(expression.names(objective.node))
        self.quantities = quantities
        self.unbounded = any(quantity(name).least is not None for name in others(named - {*self.space.names}))
        self.metrics = [name for name in self.quantities if name in self.limits or name in named or name in self.aims]
        # What is alive at most is the largest of many sums: joined by what the spec asks, there are too many of them.
        self.joinable = not any(quantity(name).unit for name in self.metrics)

    def solutions(self) -> Iterator[Solution]:
        """The designs within the limits, in the order of the search; of the frontier, only those on it."""
        found: list[tuple[Setting, Box]] = []
        for box, setting in self.structures():
            self.push(box, setting)
        while self.heap:
            _, _, box, setting, first = heappop(self.heap)
            if self.objective is None and any(setting == other and _inside(box, corner) for other, corner in found):
                continue
            if all(low == high for low, high in box):
                if (solution := self.solution(box, setting)) is not None:
                    found.append((setting, box))
                    yield solution
                continue
            wide = [i for i, (low, high) in enumerate(box) if low < high]
            i = max(wide, key=lambda i: (self.axes[i].name in first, box[i][1] - box[i][0]))
            low, high = box[i]
            middle = (low + high) // 2
            for half in ((low, middle), (middle + 1, high)):
                self.push((*box[:i], half, *box[i + 1 :]), setting)

    def structures(self) -> Iterator[tuple[Box, Setting]]:
        """A box for every combination of what no symbol can stand for: words, lists, and numbers that repeat layers."""
        words = [axis for axis in self.space.axes if not axis.numeric]
        ranges = [
            [(0, len(axis) - 1)] if axis.name in self.symbolic else [(i, i) for i in range(len(axis))]
            for axis in self.axes
            if len(axis) <= MAX_STRUCTURES or axis.name in self.symbolic
        ]
        count = prod(len(axis) for axis in words) * prod(map(len, ranges))
        if count > MAX_STRUCTURES or len(ranges) < len(self.axes):
            raise ConvcostError(f"more than {MAX_STRUCTURES:,} structures to search: give fewer values")
        for values in product(*(axis.values for axis in words)):
            setting = tuple((axis.name, value) for axis, value in zip(words, values, strict=True))
            for box in product(*ranges):
                yield box, setting

    def push(self, box: Box, setting: Setting) -> None:
        """Keep a box for later, unless no design in it is within the limits."""
        self.boxes += 1
        if self.boxes > MAX_BOXES:
            raise ConvcostError(
                f"more than {MAX_BOXES:,} boxes of designs to search: give fewer values or tighter limits"
            )
        lowest, promise, first = self.bounds(box, setting)
        if any(lowest[name] > limit for name, limit in self.limits.items()):
            return
        if self.aims:
            if all(low == high for low, high in box):
                if (priced := self.solution(box, setting)) is None:
                    return
                lowest = {**priced.costs}
            promise = -max(_share(lowest[name], aim) for name, aim in self.aims.items())
        elif self.objective is None:
            promise = sum(high for _, high in box)
        elif promise == inf and all(low == high for low, high in box):
            if (solution := self.solution(box, setting)) is None:
                return
            promise = solution.objective
        heappush(self.heap, (-promise, self.boxes, box, setting, first))

    def solution(self, box: Box, setting: Setting) -> Solution | None:
        """The design of a box that has one, priced in ints; None if it does not fit, or exceeds a limit."""
        values = self.space.complete(self.corner(box, setting))
        try:
            found = metrics(price(self.network, values), self.quantities)
            costs = dict(zip(self.quantities, found, strict=True))
        except ConvcostError:
            return None
        if any(costs[name] > limit for name, limit in self.limits.items()):
            return None
        objective = None if self.objective is None else _evaluated(self.objective, {**values, **costs})
        return Solution({name: values[name] for name in self.space.names}, costs, objective)

    def corner(self, box: Box, setting: Setting) -> dict[str, Any]:
        """The smallest design of a box, in the order of the space's axes."""
        values = {axis.name: axis[low] for axis, (low, _) in zip(self.axes, box, strict=True)} | dict(setting)
        return {axis.name: values[axis.name] for axis in self.space.axes}

    def bounds(self, box: Box, setting: Setting) -> tuple[dict[str, Int], Any, Collection[str]]:
        """What no design of the box costs less than, what the objective of none of them exceeds, and the axes to cut.

        Where some of the box is beyond a limit of its form, the axes of the limit are cut before all others: when each
        of them has one value, that is no symbol any longer, and the form another one.
        """
        unknown = dict.fromkeys(self.metrics, -inf)
        ranges = {
            axis.name: (int(axis[low] * axis.denominator), int(axis[high] * axis.denominator))
            for axis, (low, high) in zip(self.axes, box, strict=True)
        }
        first = self.corner(box, setting)
        symbolic = set(self.symbolic)
        while True:
            fixed = tuple((name, value) for name, value in first.items() if name not in symbolic)
            try:
                form = self.form_of(fixed, first, {name: low for name, (low, _) in ranges.items()})
            except (ConvcostError, TypeError):  # the smallest design does not fit; larger ones may
                return unknown, inf, ()
            intervals = intervals_of([condition.value for condition in form.limits], ranges)
            beyond = {
                name
                for condition, interval in zip(form.limits, intervals, strict=True)
                if not _decided(condition, interval)
                for name in condition.value.symbols
            }
            if not beyond:
                break
            if any(ranges[name][0] < ranges[name][1] for name in beyond):
                return unknown, inf, beyond
            symbolic -= beyond
        tests = [condition.value for condition, _ in form.answers]
        objective = 0 if self.objective is None else _evaluated(self.objective, {**form.values, **form.metrics})
        costs = [form.metrics[name] for name in self.metrics]
        *intervals, aim = intervals_of([*tests, *costs, objective], ranges)
        if any(_decided(c, interval) != answer for (c, answer), interval in zip(form.answers, intervals, strict=False)):
            return unknown, inf, ()
        most = inf if self.unbounded else aim[1]
        return dict(zip(self.metrics, (low for low, _ in intervals[len(tests) :]), strict=True)), most, ()

    def form_of(self, fixed: Setting, first: dict[str, Any], numerators: Mapping[str, int]) -> _Costs:
        """The form that holds for the first design of a box, made if need be. Raises as `form` does."""
        forms = self.forms.setdefault(fixed, [])
        form = next(
            (form for form in forms if all(holds_at(c, numerators) == answer for c, answer in form.answers)), None
        )
        if form is None:
            forms.append(form := self.form(fixed, first))
        return form

    def form(self, fixed: Setting, first: dict[str, Any]) -> _Costs:
        """Closed forms at a setting of all that is not symbolic: of every design, or else of those like the first."""
        symbolic = [axis for axis in self.axes if axis.name not in dict(fixed)]
        form = Form(self.network, self.space, symbolic, dict(fixed), first, quantities=self.quantities)
        if form.answers and self.joinable:
            try:
                values, costs, limits = joined(self.network, self.space, symbolic, dict(fixed), self.metrics)
                return _Costs(values, costs, [], limits)
            except ConvcostError:
                self.joinable = False
        return _Costs(form.values, form.metrics, form.answers, form.limits)


class _Costs(NamedTuple):
    """The closed forms of a design's values and quantities, and the answers and limits for which they hold."""

    values: dict[str, Any]
    metrics: dict[str, Int]
    answers: list[tuple[Condition, bool]]
    limits: list[Condition]


def _share(cost: Any, of: int) -> Any:
    """A cost as a multiple of a limit, of none as one of 1; what it is never below may be unknown, -inf."""
    return cost if cost == -inf else Fraction(cost, max(of, 1))


def _decided(condition: Condition, interval: Interval) -> bool | None:
    """Whether the condition holds for all values in the interval (True), or for none (False)."""
    low, high = interval
    if condition.equal:
        return True if low == high == 0 else False if low > 0 or high < 0 else None
    if condition.weak:
        return True if low >= 0 else False if high < 0 else None
    return True if low > 0 else False if high <= 0 else None


def intervals_of(values: Sequence[Int], ranges: Mapping[str, Interval]) -> list[Interval]:
    """Bounds of polynomials, in Python ints, where each symbol is in its range; sharp where they only grow."""
    known: dict[Atom, Interval] = {}

    def of(value: Int) -> Interval:
        if not isinstance(value, Poly):
            return value, value
        lowest: Int = 0
        highest: Int = 0
        for monomial, c in value.terms.items():
            low, high = c, c
            for atom in monomial:
                corners = [a * b for a in (low, high) for b in known[atom]]
                low, high = min(corners), max(corners)
            lowest, highest = lowest + low, highest + high
        return lowest, highest

    for atom in atoms_within(*values):
        inner = [of(value) for value in atom.inner]
        # Floors, maxima and indicators never fall as what is inside them grows.
        known[atom] = (
            ranges[atom.name]
            if isinstance(atom, Symbol)
            else (atom.of(*(low for low, _ in inner)), atom.of(*(high for _, high in inner)))
        )
    return [of(value) for value in values]


def _inside(box: Box, corner: Box) -> bool:
    """Whether no design of the box has any axis above the corner's."""
    return all(high <= most for (_, high), (_, most) in zip(box, corner, strict=True))


def _ascending(axis: Axis) -> Axis:
    return axis if isinstance(axis.values, Steps) else Axis(axis.name, tuple(sorted(axis.values)))


def _evaluated(parsed: Expression, values: Mapping[str, Any]) -> Int:
    value = expression.evaluate(parsed, parsed.node, values)
    if isinstance(value, (bool, str, tuple)) or value is None:
        raise SpecError(parsed.mark, "what is maximized is a number")
    return value
