"""A network on symbols, from what it runs on some sizes: the same steps, with what differs between them as symbols.

Operators of ours say themselves what they make of symbols. Of a library's, shapes and work are matched with those of
their inputs: a number that is not the same at all sizes has to be one of them, a multiple or part of one, a sum or a
product, at every size that was traced. What a module decides by a size has no closed form, and so has anything that is
not matched; and a form is not given that does not say of every layer at every size what its trace says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations
from math import prod
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.inputs import changed, sizes_of
from convcost.errors import ConvcostError, unwarned
from convcost.exact.integers import Int, ceildiv, is_symbolic
from convcost.exact.poly import symbol
from convcost.imports.recipe import Recipe, Step
from convcost.ops import Inputs, Op, Shape, Work, elements, format_shape, inputs_of
from convcost.ops.traced import Traced

MULTIPLE = 32
"""What sizes are whole multiples of in networks that run on no others, as a rule."""
STEPS = (33, 64, 31, 32, 96, 128, 7, 1)
"""What sizes are larger by where a form is checked, in the order in which they are tried."""
CHECKED = 3
"""At how many other sizes, the first of them odd where the network runs on odd ones."""

Values = tuple[int, ...]
"""A number at each size that was traced."""


def symbolic(name: str, shape: Shape, own: Shape, run: Callable[[Shape], Recipe]) -> Recipe:
    """What runs on a shape of symbols, some of whose axes can be numbers. `own` is a shape on which it runs.

    Where it runs on no sizes that differ from each other, sizes of several inputs that are equal in `own` stay equal.
    Raises ConvcostError where there is no closed form, with the reason.
    """
    first = _starts(name, shape, own)
    for together in (False, True) if isinstance(shape, Inputs) else (False,):
        points: list[dict[str, int]] = []
        recipes: list[Recipe] = []
        for point in _points(first, together=together):
            try:
                recipe = run(at(shape, point))
            except ConvcostError:
                if not recipes:
                    raise
                continue  # it does not run on every size
            points.append(point)
            recipes.append(recipe)
            if len(points) > CHECKED:
                break
        if len(points) >= CHECKED:
            break
    else:
        raise ConvcostError(f"{name}: it runs on too few sizes beside {format_shape(own)} to check a formula")
    try:
        made = _Joined(shape, points, recipes).recipe(name)
        return replace(made, alike=_alike(first) if together else ())
    except ConvcostError as error:
        raise ConvcostError(f"{name}: no closed form: {error}; it is priced at one size at a time") from None


def at(shape: Shape, values: Mapping[str, Int]) -> Shape:
    """A shape of symbols at values of theirs."""
    return changed(shape, lambda size: size.evaluate(values) if is_symbolic(size) else size)


class _Start(NamedTuple):
    """What a symbol is at first, and the axis of an input that it is."""

    value: int
    axis: int


def _starts(name: str, shape: Shape, own: Shape) -> dict[str, _Start]:
    """What the symbols of a shape are where it is `own`: the first axis that is a symbol says it."""
    found: dict[str, _Start] = {}
    for given, at_first in zip(inputs_of(shape).values(), inputs_of(own).values(), strict=True):
        for place, (axis, n) in enumerate(zip(given, at_first, strict=True)):
            if is_symbolic(axis) and str(axis) in axis.symbols:
                found.setdefault(str(axis), _Start(n, place))
    if any(one not in found for axis in sizes_of(shape) if is_symbolic(axis) for one in axis.symbols):
        raise ConvcostError(f"{name}: name each axis by a symbol of its own, and replace it in the formula")
    return found


def _alike(first: Mapping[str, _Start]) -> tuple[tuple[Int, Int], ...]:
    """Symbols of one axis that are equal at the first point, by pairs."""
    pairs = combinations(first, 2)
    return tuple((symbol(a), symbol(b)) for a, b in pairs if first[a] == first[b])


def _points(first: Mapping[str, _Start], *, together: bool) -> Iterator[dict[str, int]]:
    """Values of symbols: axes differ, so that one is not taken for the other, unless equal ones are to stay so."""
    yield {name: start.value for name, start in first.items()}
    odd = (
        (step, 2 * step + 2 * (i % 3) + 2, 3 * step + 4, 5 * step + 6, 7 * step + 8, 11 * step + 10)
        for i, step in enumerate(STEPS)
    )
    whole = (
        (n * MULTIPLE, (2 * n + 1) * MULTIPLE) for n in range(1, CHECKED + 2)
    )  # of what adds up maps of many strides
    for more in chain(odd, whole):
        steps = {n: more[k % len(more)] for k, n in enumerate(dict.fromkeys(first.values()))} if together else {}
        yield {
            name: start.value + steps.get(start, more[k % len(more)]) for k, (name, start) in enumerate(first.items())
        }


class _Joined:
    """Recipes of several sizes as one."""

    def __init__(self, shape: Shape, points: Sequence[Mapping[str, int]], recipes: Sequence[Recipe]) -> None:
        """Raises ConvcostError if they are not the same steps, or a size decides something."""
        self.shape, self.recipes = shape, recipes
        self.sizes = sizes = [at(shape, point) for point in points]
        self.points = points
        first = recipes[0]
        for same in zip(*(recipe.decisions for recipe in recipes), strict=False):
            value, others = {one.value for one in same}, {one.other for one in same}
            agreed = all(one.relation == "==" and one.result for one in same) and len(others) == len(value) > 1
            if (len(value) > 1 or len(others) > 1) and not agreed:
                layer, relation, *_ = same[0]
                where = f"layer {layer}" if layer else "the module"
                raise ConvcostError(f"{where} decides by a size ({same[0].value} {relation} {same[0].other})")
        for other, size in zip(recipes, sizes, strict=True):
            if [*map(_kind, other.steps)] != [*map(_kind, first.steps)] or other.outputs != first.outputs:
                raise ConvcostError(f"at {format_shape(size)} other layers run")
            if len(other.decisions) != len(first.decisions):
                raise ConvcostError(f"at {format_shape(size)} it decides other things by sizes")

    def recipe(self, name: str) -> Recipe:
        """The steps on symbols, checked against every trace. Raises ConvcostError where they cannot be."""
        first = self.recipes[0]
        inputs = tuple(map(tuple, inputs_of(self.shape).values()))
        shapes: dict[int, Shape] = {-n: one for n, one in enumerate(inputs, 1)}
        self.known: dict[Shape, None] = dict.fromkeys(inputs)
        """The shapes so far: what is resized is resized to one of them."""
        steps = []
        names = first.names()
        for number, step in enumerate(first.steps):
            if number not in names:
                steps.append(step)
                shapes[number] = ()
                continue
            xs = [shapes[i] for i in step.inputs]
            ops = [recipe.steps[number].op for recipe in self.recipes]
            try:
                op = self._op(ops, xs)
                shapes[number] = op.out_shape(*xs)
                self.known[shapes[number]] = None
            except ConvcostError as error:
                raise ConvcostError(f"layer {names[number]}: {error}") from None
            steps.append(step._replace(op=op))
        made = replace(first, inputs=inputs, steps=tuple(steps), decisions=())
        self._check(name, made)
        return made

    def _check(self, name: str, made: Recipe) -> None:
        with unwarned():
            rows = Cost(made.graph(name)).rows
            for i, (size, recipe) in enumerate(zip(self.sizes, self.recipes, strict=True)):
                point = self.points[i]
                for row, own in zip(rows, Cost(recipe.graph(name), size).rows, strict=True):
                    said = [*row.shape, *row.counts, *row.work]
                    known = [*own.shape, *own.counts, *own.work]
                    if [n.evaluate(point) if is_symbolic(n) else n for n in said] != known:
                        raise ConvcostError(f"layer {row.name} is another one at {format_shape(size)}")

    def _op(self, ops: Sequence[Op], xs: Sequence[Shape]) -> Op:
        """The operator that is each of these at its size."""
        first = ops[0]
        if not isinstance(first, Traced):
            arguments = zip(*(op.arguments for op in ops), strict=True)
            return first if all(op == first for op in ops) else type(first)(*(self._argument(a, xs) for a in arguments))
        traced = [op for op in ops if isinstance(op, Traced)]
        shape = tuple(self._number(n, xs) for n in zip(*(op.shape for op in traced), strict=True))
        whole = [shape, *xs]
        done = [self._work(n, whole) for n in zip(*(op.done for op in traced), strict=True)]
        given = tuple(xs)
        return Traced(first.name, first.memory, first.multiplies, shape, given, Work(*done), first.known, first.local)

    def _argument(self, values: tuple[object, ...], xs: Sequence[Shape]) -> object:
        if all(value == values[0] for value in values):
            return values[0]
        rank = max(len(value) if isinstance(value, tuple) else 0 for value in values)
        if rank:  # one number for all axes is the same as a number for each
            each = (value if isinstance(value, tuple) else (value,) * rank for value in values)
            return tuple(self._argument(part, xs) for part in zip(*each, strict=True))
        if all(type(value) is int for value in values):
            numbers: tuple[int, ...] = values  # type: ignore[assignment]  # ints, all of them
            return self._number(numbers, xs)
        raise ConvcostError(f"{values[0]} depends on the size")

    def _number(self, values: Values, xs: Sequence[Shape]) -> Int:
        """What is each of these at its size. Raises ConvcostError if nothing is known to be."""
        if len(set(values)) == 1:
            return values[0]
        for candidate in self._candidates(xs):
            series = self._series(candidate)
            for found in _scaled(candidate, series, values):
                if self._series(found) == values:
                    return found
        raise ConvcostError(f"{values[0]} depends on the size, in no way that is looked for")

    def _work(self, values: Values, shapes: Sequence[Shape]) -> Int:
        """The same of work: so much for each element of the output, of an input, or of those that the output lacks."""
        if len(set(values)) == 1:
            return values[0]
        out, *inputs = (elements(shape) for shape in shapes)
        bases = [out, *inputs, *(x - out for x in inputs), *(elements(x[:-1]) for x in shapes if len(x) > 1)]
        bases += [elements(x) - elements(x[:-1]) for x in shapes if len(x) > 1]
        for base in bases:
            series = self._series(base)
            if not all(series) or any(value % n for value, n in zip(values, series, strict=True)):
                continue
            try:
                return base * self._number(tuple(v // n for v, n in zip(values, series, strict=True)), shapes)
            except ConvcostError:
                continue
        return self._number(values, shapes)

    def _candidates(self, xs: Sequence[Shape]) -> Iterator[Int]:
        sizes = [n for n in dict.fromkeys(n for x in xs for n in x) if is_symbolic(n)]
        yield from sizes
        yield from dict.fromkeys(n for shape in self.known for n in shape if is_symbolic(n))
        for x in xs:
            several = [n for n in x if is_symbolic(n)]
            if len(several) > 1:
                yield prod(several)
            yield elements(x)
        for few in (2, 3):
            yield from (prod(some) for some in combinations(sizes, few))
        for axes in zip(*xs, strict=False):
            yield sum(axes)

    def _series(self, value: Int) -> Values:
        if not is_symbolic(value):
            return (value,) * len(self.sizes)
        return tuple(value.evaluate(point) for point in self.points)


def _scaled(candidate: Int, series: Values, values: Values) -> Iterator[Int]:
    """What is made of a number, with one constant, to be the first of the values at the first of the sizes."""
    ours, wanted = series[0], values[0]
    if ours and wanted % ours == 0:
        yield candidate * (wanted // ours)
    if wanted and ours >= wanted:
        for divisor in {ours // wanted, -(-ours // wanted)}:
            yield candidate // divisor
            yield ceildiv(candidate, divisor)
    yield candidate + (wanted - ours)


def _kind(step: Step) -> tuple[object, ...]:
    op = step.op
    return type(op), op.name, step.inputs, tuple(call.path for call in step.calls), tuple(map(len, step.used))
