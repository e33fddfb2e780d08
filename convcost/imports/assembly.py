"""A recipe from what says its layers itself, one after another: model files that are texts, and Keras.

No framework is known here, and nothing is computed: shapes and parameters are those of the operators' own rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import NamedTuple

from convcost.cost.graph import evaluate
from convcost.errors import ConvcostError, ShapeError
from convcost.imports.recipe import UNUSED, Call, Recipe, Step, Stored, Used
from convcost.ops import NO_WORK, Op, Params, Shape, Work, format_shape
from convcost.ops.base import Memory
from convcost.ops.traced import Traced

MAX_ELEMENTS = 1 << 62
"""Elements of a tensor that a model may ask for."""
MAX_STEPS = 100_000
"""Operators of one network."""


class Value(NamedTuple):
    """A tensor: the step that makes it, or an input, and its shape for one sample."""

    number: int
    shape: Shape


class Assembly:
    """Steps in order, each in the layer that it is of, and what they store."""

    def __init__(self, *inputs: Shape) -> None:
        self.inputs = [Value(-number, shape) for number, shape in enumerate(inputs, 1)]
        self.steps: list[Step] = []
        self.stored: dict[int, Stored] = {}
        self.calls: tuple[Call, ...] = ()
        self._made = 0
        self._shared: dict[tuple[str, ...], Used] = {}

    @contextmanager
    def layer(self, *names: str) -> Iterator[None]:
        """What is emitted inside is of a layer of this name, within the one that it stands in."""
        outer = self.calls
        if not names:
            yield
            return
        path = (*(outer[-1].path if outer else ()), *(name.replace("/", "_") for name in names))
        self._made += 1
        self.calls = (*outer, Call(path, self._made))
        try:
            yield
        finally:
            self.calls = outer

    @property
    def path(self) -> str:
        """The layer that is being made, as tables write it."""
        return "/".join(self.calls[-1].path) if self.calls else ""

    def emit(self, op: Op, *inputs: Value, used: Used | None = None, shared: Sequence[str] = ()) -> Value:
        """Append an operator. It stores what its rule says, under the names `shared` if others do too, or what is used.

        Raises ShapeError where it does not fit.
        """
        one = evaluate(op, tuple(x.shape for x in inputs))
        if prod(one.shape) > MAX_ELEMENTS or one.params.total > MAX_ELEMENTS:
            raise ShapeError(f"{op.name} would make a tensor of {format_shape(one.shape)}")
        if len(self.steps) >= MAX_STEPS:
            raise ConvcostError(f"a network of more than {MAX_STEPS:,} operators")
        if used is None:
            used = self._own(op, one.params, tuple(shared))
        self.steps.append(Step(op, tuple(x.number for x in inputs), self.calls, used))
        return Value(len(self.steps) - 1, one.shape)

    def chain(self, x: Value, ops: Iterable[Op]) -> Value:
        """Append operators, each of what the one before it makes."""
        for op in ops:
            x = self.emit(op, x)
        return x

    def traced(
        self,
        name: str,
        shape: Shape,
        *inputs: Value,
        done: Work = NO_WORK,
        used: Used = UNUSED,
        known: bool = True,
        view: bool = False,
        local: bool = False,
    ) -> Value:
        """Append an operator of the model's own library, `keras.einsum`, with what it makes and does."""
        memory: Memory = "view" if view else "own"
        given = tuple(x.shape for x in inputs)
        return self.emit(Traced(name, memory, done.macs > 0, shape, given, done, known, local), *inputs, used=used)

    def store(self, name: str, elements: int, *, trained: bool = True) -> int:
        """What a layer stores, under a number of its own."""
        key = len(self.stored) + 1
        self.stored[key] = Stored(name, elements, trained)
        return key

    def recipe(self, outputs: Iterable[Value]) -> Recipe:
        """All of it. Raises ConvcostError where an output is an input as it is, or there is none."""
        numbers = tuple(dict.fromkeys(value.number for value in outputs))
        if not numbers or min(numbers) < 0:
            raise ConvcostError("it has no layers between its input and its output")
        return Recipe(tuple(x.shape for x in self.inputs), tuple(self.steps), numbers, self.stored)

    def _own(self, op: Op, rule: Params, shared: tuple[str, ...]) -> Used:
        """What an operator stores by its own rule: what a layer of the same name has stored, if it has."""
        if not rule.total and not rule.norm_stats:
            return UNUSED
        if shared and (found := self._shared.get(shared)) is not None:
            return found
        keys = {
            kind: frozenset((self.store(f"{self.path}.{op.name}.{kind}", int(n), trained=kind != "norm_stats"),))
            for kind, n in zip(Used._fields, rule, strict=True)
            if n
        }
        used = Used(**keys)
        if shared:
            self._shared[shared] = used
        return used
