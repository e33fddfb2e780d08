"""A network on symbols, from what it runs on some sizes: the same steps, with what differs between them as symbols.

Operators of ours say themselves what they make of symbols. Of a library's, shapes and work are matched with those of
their inputs: a number that is not the same at all sizes has to be one of them, a multiple or part of one, a sum or a
product, at every size that was traced. What a module decides by a size has no closed form, and so has anything that is
not matched; and a form is not given that does not say of every layer at every size what its trace says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import prod

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, unwarned
from convcost.exact.integers import Int, ceildiv, is_symbolic
from convcost.imports.recipe import Recipe, Step
from convcost.ops import Op, Shape, Work, elements, format_shape
from convcost.ops.traced import Traced

STEPS = (33, 64, 31, 32, 96, 128, 7, 1)
"""What sizes are larger by where a form is checked, in the order in which they are tried."""
CHECKED = 3
"""At how many other sizes, the first of them odd where the network runs on odd ones."""

Values = tuple[int, ...]
"""A number at each size that was traced."""


def symbolic(name: str, shape: Shape, own: Shape, run: Callable[[Shape], Recipe]) -> Recipe:
    """What runs on a shape of symbols, some of whose axes can be numbers. `own` is a shape on which it runs.

    Raises ConvcostError where there is no closed form, with the reason.
    """
    names = [axis.symbols[0] for axis in shape if is_symbolic(axis)]
    if len(set(names)) < len(names) or any(is_symbolic(axis) and str(axis) not in axis.symbols for axis in shape):
        raise ConvcostError(f"{name}: name each axis by a symbol of its own, and replace it in the formula")
    sizes: list[Shape] = []
    recipes: list[Recipe] = []
    for point in _points(shape, own):
        try:
            recipe = run(point)
        except ConvcostError:
            if not recipes:
                raise
            continue  # it does not run on every size
        sizes.append(point)
        recipes.append(recipe)
        if len(sizes) > CHECKED:
            break
    if len(sizes) < CHECKED:
        raise ConvcostError(f"{name}: it runs on too few sizes beside {format_shape(own)} to check a formula")
    try:
        return _Joined(shape, sizes, recipes).recipe(name)
    except ConvcostError as error:
        raise ConvcostError(f"{name}: no closed form: {error}; it is priced at one size at a time") from None


def _points(shape: Shape, own: Shape) -> Iterator[Shape]:
    yield tuple(n if is_symbolic(axis) else axis for axis, n in zip(shape, own, strict=True))
    for i, step in enumerate(STEPS):  # axes differ, so that one is not taken for the other
        more = iter((step, 2 * step + 2 * (i % 3) + 2, 3 * step + 4))
        yield tuple(n + next(more) if is_symbolic(axis) else axis for axis, n in zip(shape, own, strict=True))


class _Joined:
    """Recipes of several sizes as one."""

    def __init__(self, shape: Shape, sizes: Sequence[Shape], recipes: Sequence[Recipe]) -> None:
        """Raises ConvcostError if they are not the same steps, or a size decides something."""
        self.shape, self.sizes, self.recipes = shape, sizes, recipes
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
        self.values = {str(axis): tuple(size[i] for size in sizes) for i, axis in enumerate(shape) if is_symbolic(axis)}

    def recipe(self, name: str) -> Recipe:
        """The steps on symbols, checked against every trace. Raises ConvcostError where they cannot be."""
        first = self.recipes[0]
        shapes: dict[int, Shape] = {-1: self.shape} | {-n: one for n, one in enumerate(first.inputs[1:], 2)}
        self.known: dict[Shape, None] = {self.shape: None}
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
        made = Recipe((self.shape, *first.inputs[1:]), tuple(steps), first.outputs, first.stored, first.per_forward)
        self._check(name, made)
        return made

    def _check(self, name: str, made: Recipe) -> None:
        with unwarned():
            rows = Cost(made.graph(name)).rows
            for i, (size, recipe) in enumerate(zip(self.sizes, self.recipes, strict=True)):
                at = {symbol: values[i] for symbol, values in self.values.items()}
                for row, own in zip(rows, Cost(recipe.graph(name), size).rows, strict=True):
                    said = [*row.shape, *row.counts, *row.work]
                    known = [*own.shape, *own.counts, *own.work]
                    if [n.evaluate(at) if is_symbolic(n) else n for n in said] != known:
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
        return tuple(
            value.evaluate({name: values[i] for name, values in self.values.items()}) for i in range(len(self.sizes))
        )


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
