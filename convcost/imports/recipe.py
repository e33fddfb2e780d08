"""What an import has found: steps in the order in which they ran, what each stores, and the graph that they are.

No framework is known here. A value is a number: of a step, from 0 on, or of an input: -1 the first, -2 the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from convcost.cost.builder import GraphBuilder, Tensor
from convcost.cost.graph import Graph
from convcost.errors import ConvcostError
from convcost.exact.integers import Int, is_symbolic, require_equal
from convcost.imports.watched import Decision
from convcost.ops import NO_PARAMS, Inputs, Op, Parameter, Params, Shape, Work, format_shape, inputs_of
from convcost.ops.traced import Traced


class Stored(NamedTuple):
    """A parameter or buffer of a module, by its identity one of a kind under however many names."""

    name: str
    elements: int
    trained: bool


class Call(NamedTuple):
    """One call of a module: the path to it, and a number that no other call has."""

    path: tuple[str, ...]
    number: int


class Used(NamedTuple):
    """What a step takes of what is stored, by identity and by kind of parameter, directly or as computed from it."""

    weights: frozenset[int] = frozenset()
    biases: frozenset[int] = frozenset()
    norm_affine: frozenset[int] = frozenset()
    norm_stats: frozenset[int] = frozenset()


UNUSED = Used()


class Step(NamedTuple):
    """One operator of ours that ran, the numbers of the steps whose outputs it took, and what of the module it used."""

    op: Op
    inputs: tuple[int, ...]
    calls: tuple[Call, ...] = ()
    """The module calls that it ran in, from the outermost."""
    used: Used = UNUSED


@dataclass(frozen=True)
class Recipe:
    """A network as it ran on one input, and the graph of it."""

    inputs: tuple[Shape, ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    stored: Mapping[int, Stored] = field(default_factory=dict)
    per_forward: int = 0
    """Multiply-adds of products of what is stored, done once in a pass, however many samples there are."""
    decisions: tuple[Decision, ...] = ()
    """What was decided by sizes, in order."""
    called: tuple[str, ...] = ()
    """The names of several inputs."""
    alike: tuple[tuple[Int, Int], ...] = ()
    """Sizes that have to be equal for it to be this one, beside those that a layer needs to be."""
    classes: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """What modules are called in their own code, by the path to each."""

    @property
    def input(self) -> Shape:
        """All inputs as one `Shape`."""
        return Inputs(dict(zip(self.called, self.inputs, strict=True))) if self.called else self.inputs[0]

    @property
    def said(self) -> str:
        """What ran, as text: the same of the same network, in whatever process."""
        steps = ((step.op, step.inputs, [call.path for call in step.calls]) for step in self.steps)
        stored = sorted((one.name, one.elements, one.trained) for one in self.stored.values())
        return repr([format_shape(self.input), *steps, stored])

    def live(self) -> Iterator[int]:
        """The steps that reach an output, in order."""
        needed = set(self.outputs)
        for number in reversed(range(len(self.steps))):
            if number in needed:
                needed.update(self.steps[number].inputs)
        return (number for number in range(len(self.steps)) if number in needed)

    def uses(self) -> Counter[int]:
        """How many steps that reach an output take each of what is stored."""
        return Counter(one for number in self.live() for one in frozenset().union(*self.steps[number].used))

    @property
    def unused(self) -> dict[str, int]:
        """Parameters that no output depends on, by name, with their elements: auxiliary heads, as a rule."""
        uses = self.uses()
        return {one.name: one.elements for key, one in self.stored.items() if one.trained and not uses[key]}

    @property
    def tied(self) -> dict[str, int]:
        """Parameters that several steps use, by name, and how many do."""
        uses = self.uses()
        return {one.name: uses[key] for key, one in self.stored.items() if one.trained and uses[key] > 1}

    @property
    def unknown(self) -> dict[str, list[str]]:
        """Operators without a rule, and the layers that they are."""
        found: dict[str, list[str]] = {}
        for number, name in self.names().items():
            op = self.steps[number].op
            if isinstance(op, Traced) and not op.known:
                found.setdefault(op.name, []).append(name)
        return found

    def graph(self, name: str) -> Graph:
        """The graph of all that reaches an output. Raises ConvcostError where a layer does not fit."""
        for a, b in self.alike:
            if not require_equal(a, b):
                raise ConvcostError(f"it is known where {a} and {b} are equal")
        builder = GraphBuilder(name, self.input)
        made = {-number: one for number, one in enumerate(builder.inputs.values(), 1)}
        firsts: dict[tuple[object, ...], Tensor] = {}
        claimed: set[int] = set()
        for number, called in self.names().items():
            op, inputs, _, used = self.steps[number]
            xs = [made[i] for i in inputs]
            shapes = [x.shape for x in xs]
            rule = op.params(shapes, op.out_shape(*shapes))
            key = (op, used, rule, *map(len, shapes))  # on other axes it is no layer of a spec's that is used again
            first = firsts.get(key) if used != UNUSED and inputs else None
            if first is not None:
                made[number] = builder.again(first, *xs, name=called)
            else:
                counts = self._counts(op, rule, used, claimed)
                made[number] = builder.add(op, *xs, name=called, counts=counts)
                if used != UNUSED:
                    firsts[key] = made[number]
        for output in self.outputs:
            builder.output(made[output])
        return builder.graph()

    def _counts(self, op: Op, rule: Params, used: Used, claimed: set[int]) -> Params | None:
        """What a step stores that none before it has: None if that is its operator's rule.

        A number of parameters that depends on a symbol is one of the sizes for which the module is made.
        """
        if used is UNUSED:
            return None if rule == NO_PARAMS else NO_PARAMS
        counts = []
        for kind, keys in zip(Used._fields, used, strict=True):
            fresh = [self.stored[key] for key in keys if key not in claimed]
            counts.append(sum(one.elements for one in fresh if one.trained == (kind != "norm_stats")))
            claimed |= keys
        found = Params(*counts)
        if any(map(is_symbolic, rule)) and not all(map(require_equal, rule, found)):
            raise ConvcostError(f"{op.name} has {found.total} parameters, not {rule.total}")
        return None if found == rule else found

    def at(self, input: Shape, values: Mapping[str, Int]) -> Recipe:
        """The same with values in place of symbols: `input` is its own at them."""
        steps = tuple(step._replace(op=_valued(step.op, values)) for step in self.steps)
        alike = tuple(_valued(pair, values) for pair in self.alike)
        return replace(self, inputs=tuple(map(tuple, inputs_of(input).values())), steps=steps, alike=alike)

    def names(self) -> dict[int, str]:
        """A name for each step that reaches an output, by its number.

        A module's call that is one step has the module's path; others are called by their operators within it. What
        would be called as something else is numbered.
        """
        live = [*self.live()]
        alone = Counter(call for number in live for call in self.steps[number].calls)
        scopes = {call.path[:n] for call in alone for n in range(1, len(call.path) + 1) if alone[call] > 1}
        scopes |= {call.path[:n] for call in alone for n in range(1, len(call.path))}
        taken: set[tuple[str, ...]] = {(name,) for name in self.called}
        found = {}
        for number in live:
            op, _, calls, used = self.steps[number]
            within = calls[-1].path if calls else ()
            path = within if within and alone[calls[-1]] == 1 else (*within, op.name.rpartition(".")[2])
            if isinstance(op, Parameter):  # there is one that it is
                path = tuple(self.stored[min(used.weights)].name.replace("/", "_").split("."))
            name, n = path, 2
            while name in taken or name in scopes:
                name, n = (*path[:-1], f"{path[-1]}_{n}"), n + 1
            taken.add(name)
            found[number] = "/".join(name)
        return found


def _valued(part: Any, values: Mapping[str, Int]) -> Any:
    """An operator, an argument of one, or several, with values in place of symbols."""
    if isinstance(part, Op):
        mapped = [_valued(argument, values) for argument in part.arguments]
        return part if all(a is b for a, b in zip(mapped, part.arguments, strict=True)) else type(part)(*mapped)
    if isinstance(part, tuple):
        several = [_valued(one, values) for one in part]
        same = all(a is b for a, b in zip(several, part, strict=True))
        return part if same else Work(*several) if isinstance(part, Work) else tuple(several)
    return part.evaluate(values) if is_symbolic(part) else part
