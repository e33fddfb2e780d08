"""The scopes of a graph as bodies: what they take, their lines, what they make; the same of scopes that are alike.

A body takes tensors and makes some, and its lines are chains of operators or calls of other bodies. What of its numbers
differs between its instances is for whoever writes it to say. Runs of equal lines are one line that repeats.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from convcost.cost.graph import Graph
from convcost.imports.wording import Sized, Worded, snake, worded
from convcost.ops import REGISTRY

MAX_CHAIN = 6
"""Operators of a scope that is written as a chain in one line."""


class Ref(NamedTuple):
    """What a line of a body takes: an input of the body, or what a line before it makes."""

    line: int
    """The line, or -1 for an input."""
    part: int | None = None
    """Which of several inputs, or of what the line makes."""
    how: str = ""
    """`all`: what all steps of a repeat made, `previous`: the input of its last step."""


@dataclass(frozen=True)
class Repeat:
    """How a line repeats."""

    times: int
    how: str = ""
    """`collect`: its steps' outputs are joined later; `grow`: in each step, too; `previous`: it takes the last two."""
    place: int = 0
    """Of `previous`, which of what a step takes it is."""
    base: tuple[int, ...] = ()
    """Of `grow`, what a step joins beside the outputs of those before it."""


@dataclass(frozen=True)
class Unit:
    """A line of a body, of one instance of it: a chain of operators, or a call of a body."""

    name: str
    first: int
    """The number of its first layer, counted from 0."""
    last: int
    takes: tuple[int, ...]
    """Tensors; ~t for all that a repeat collected, whose last step made t."""
    makes: tuple[int, ...]
    """Tensors that are used outside of it."""
    words: tuple[Worded, ...] = ()
    body: Body | None = None
    numbers: tuple[int, ...] = ()
    repeat: Repeat | None = None
    functional: bool = False
    """Whether no module, but its operator has its name."""

    @property
    def alike(self) -> tuple[object, ...]:
        """What it shares with lines that are it but for numbers and tensors."""
        how = self.repeat and (self.repeat.how, self.repeat.place, len(self.repeat.base))
        return (*(word.key for word in self.words), id(self.body), how)

    @property
    def joins(self) -> bool:
        """Whether it names all that it takes, and begins with none of it."""
        return self.body is None and REGISTRY[self.words[0].name].inputs != 1

    @property
    def count(self) -> int:
        """How many numbers it has, that of its steps among them."""
        return len(self.numbers) + (self.repeat is not None)


@dataclass(eq=False)
class Body:
    """Scopes that are alike: the lines of one of them, and the numbers of all."""

    name: str
    style: str
    """`one` tensor; `several` of which the first is the current one, the others arguments; `listed` side by side; the
    `whole` network, whose inputs have names."""
    taken: int
    units: tuple[Unit, ...]
    refs: tuple[tuple[Ref, ...], ...]
    """What each line takes."""
    results: tuple[Ref, ...]
    instances: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def fields(self) -> tuple[str, ...]:
        """The argument that each of its numbers is of."""
        return tuple(_fields(self.units))


def _fields(units: Sequence[Unit]) -> Iterator[str]:
    for unit in units:
        if unit.repeat:
            yield "repeat"
        if unit.body:
            yield from unit.body.fields
        for word in unit.words:
            yield from word.fields


class Nesting:
    """The bodies of a graph; `whole` is the one of all of it."""

    def __init__(
        self,
        graph: Graph,
        start: int,
        biased: Collection[str],
        classes: Mapping[tuple[str, ...], str],
        sized: Sequence[Sized | None],
    ) -> None:
        """Take the layers, those before `start` being inputs, and, if known, how each is on an input of symbols."""
        self.sized = sized
        self.graph = graph
        self.nodes = graph.nodes
        self.start = start
        self.biased = biased
        self.classes = classes
        self.paths = [tuple(node.name.split("/")) for node in graph.nodes]
        self.uses: dict[int, list[int]] = {}
        for number, node in enumerate(graph.nodes):
            for tensor in node.inputs:
                self.uses.setdefault(tensor, []).append(number)
        for tensor in graph.outputs:
            self.uses.setdefault(tensor, []).append(len(graph.nodes))
        self.bodies: dict[tuple[object, ...], Body] = {}
        last = len(self.nodes) - 1
        units = self._arranged(self._units((), start, last))
        inputs = tuple(range(start + 1))
        self.whole = self._body("", units, inputs, sorted(graph.outputs), "whole")
        self.whole.instances.append(_numbers(units))

    # -- scopes ------------------------------------------------------------------------------------------------------

    def _units(self, path: tuple[str, ...], first: int, last: int) -> list[Unit]:
        """The lines of a scope, one for each layer or scope within it."""
        found: list[Unit] = []
        number = first
        while number <= last:
            own = self.paths[number]
            scope, end = own[: len(path) + 1], number
            while end < last and len(own) > len(scope) and self.paths[end + 1][: len(scope)] == scope:
                end += 1
            if end == number:
                found.append(self._layer(number, own[len(path) :]))
            else:
                found += self._scope(scope, number, end)
            number = end + 1
        return found

    def _layer(self, number: int, path: Sequence[str]) -> Unit:
        node = self.nodes[number]
        word = worded(node.op, self.biased, self.sized[number] if self.sized else None)
        base, _, suffix = path[-1].rpartition("_")
        functional = path[-1] == node.op.name or (base == node.op.name and suffix.isdigit())
        functional = functional and node.op.kind not in ("conv", "linear")  # these are modules of such names
        name = next((part for part in reversed(path[: -1 if functional else None]) if not part.isdigit()), path[-1])
        return Unit(
            name,
            number,
            number,
            node.inputs,
            (number + 1,),
            (word,),
            numbers=word.numbers,
            functional=functional and name == path[-1],
        )

    def _scope(self, path: tuple[str, ...], first: int, last: int) -> list[Unit]:
        """A scope as a line: several if it is layers side by side, or begins with a join of all it takes."""
        head = self.nodes[first]
        taken = self._taken(first, last)
        joined = head.op.name == "concat" and set(head.inputs) == set(taken)
        if joined and not any(first < user <= last for tensor in taken for user in self.uses[tensor]):
            rest = self._units(path[:-1], first + 1, last)
            return [self._layer(first, (head.op.name,)), *rest]
        name = path[-1]
        deeper = path
        while all(
            len(own) > len(deeper) + 1 and own[len(deeper)] == self.paths[first][len(deeper)]
            for own in self.paths[first : last + 1]
        ):
            deeper = self.paths[first][: len(deeper) + 1]
        units = self._units(deeper, first, last)
        makes = self._made(first, last)
        apart = all(unit.makes and not any(first < tensor <= last + 1 for tensor in unit.takes) for unit in units)
        held = bool(self.classes) and deeper not in self.classes and path not in self.classes
        if len(makes) > 1 and (apart or held):
            return [replace(unit, name=f"{name}_{unit.name}", functional=False) for unit in units]
        units = self._arranged(units)
        if len(units) == 1:
            return [replace(units[0], name=name, functional=False)]
        if chain := self._chain(units, makes):
            return [replace(chain, name=name)]
        if len(taken) > 1 and len(makes) > 1:
            style, taken = "listed", tuple(sorted(taken))
        else:
            entry = max(taken, default=-1)  # what was made last is what comes in, as a rule
            style, taken = "several" if len(taken) > 1 else "one", tuple(sorted(taken, key=lambda t: t != entry))
        numbers = _numbers(units)
        body = self._body(self._called(deeper, path), units, taken, makes, style)
        body.instances.append(numbers)
        return [Unit(name, first, last, taken, makes, body=body, numbers=numbers)]

    def _taken(self, first: int, last: int) -> tuple[int, ...]:
        """Tensors that layers take from outside, as they are first used."""
        tensors = (tensor for node in self.nodes[first : last + 1] for tensor in node.inputs)
        return tuple(dict.fromkeys(tensor for tensor in tensors if not first < tensor <= last + 1))

    def _made(self, first: int, last: int) -> tuple[int, ...]:
        """Tensors that layers make and others use."""
        return tuple(t for t in range(first + 1, last + 2) if any(user > last for user in self.uses.get(t, ())))

    def _called(self, path: tuple[str, ...], outer: tuple[str, ...]) -> str:
        """What a scope is called: by its module's class, or by its own name without the number."""
        if found := self.classes.get(path) or self.classes.get(outer):
            return snake(found)
        parts = [part.rstrip("0123456789_") for part in path]
        return next((part for part in reversed(parts) if part), "part")

    def _body(self, name: str, units: Sequence[Unit], taken: Sequence[int], makes: Sequence[int], style: str) -> Body:
        """The body of a scope, which those that are like it share."""
        places: dict[int, Ref] = {}
        for i, tensor in enumerate(taken):
            places[tensor] = Ref(-1, i)
        refs = []
        for number, unit in enumerate(units):
            refs.append(tuple(places[tensor] for tensor in unit.takes))
            for part, tensor in enumerate(unit.makes):
                places[tensor] = Ref(number, part if len(unit.makes) > 1 else None)
            if unit.repeat and unit.repeat.how == "previous":
                places[unit.makes[0]] = Ref(number, None, "previous")
                places[unit.makes[1]] = Ref(number)
            if unit.repeat:
                places[~unit.makes[-1]] = Ref(number, None, "all")
        results = tuple(places[tensor] for tensor in makes)
        key = (style, len(taken), tuple(unit.alike for unit in units), tuple(refs), results)
        if key not in self.bodies:
            self.bodies[key] = Body(name, style, len(taken), tuple(units), tuple(refs), results)
        return self.bodies[key]

    # -- lines -------------------------------------------------------------------------------------------------------

    def _arranged(self, units: Sequence[Unit]) -> list[Unit]:
        """Lines with what follows them in one, and runs of them as repeats."""
        return self._runs(self._merged(self._grown(units)))

    def _only_in(self, tensor: int, units: Sequence[Unit]) -> bool:
        """Whether no layer of others uses a tensor."""
        return all(any(unit.first <= user <= unit.last for unit in units) for user in self.uses.get(tensor, ()))

    def _merged(self, units: Sequence[Unit]) -> list[Unit]:
        """Norms and activations in the line of what they follow."""
        found: list[Unit] = []
        for unit in units:
            last = found[-1] if found else None
            node = self.nodes[unit.first]
            if (
                last is not None
                and last.body is None
                and not last.repeat
                and unit.first == unit.last
                and node.op.kind in ("norm", "activation")
                and unit.takes == last.makes
                and self._only_in(last.makes[0], [unit])
            ):
                found[-1] = _joined([last, unit], last.name)
            else:
                found.append(unit)
        return found

    def _chain(self, units: Sequence[Unit], makes: Sequence[int]) -> Unit | None:
        """A short scope as one line, if each of its lines takes what the one before makes, and nothing else."""
        whole = sum(len(unit.words) for unit in units)
        if whole > MAX_CHAIN or any(unit.body or unit.repeat for unit in units) or makes != units[-1].makes:
            return None
        for a, b in pairwise(units):
            if b.joins or b.takes != a.makes or not self._only_in(a.makes[0], [b]):
                return None
        return _joined(units, "")

    def _grown(self, units: Sequence[Unit]) -> list[Unit]:
        """Lines that each take all that came before them, as those of a dense block, as one that repeats."""
        rest, found = [*units], list[Unit]()
        while rest:
            base, steps, size = self._growing(rest)
            inner, after = rest[:size], rest[size:]
            made = tuple(step.makes[0] for step in steps)
            if len(steps) > max(1, len(base) - 1) and (gathered := self._gathered(made, inner, after)) is not None:
                repeat = Repeat(len(steps), "grow", base=base)
                first, last = inner[0].first, inner[-1].last
                found.append(replace(steps[0], first=first, last=last, takes=base, makes=made[-1:], repeat=repeat))
                rest = gathered
            else:
                found.append(rest.pop(0))
        return found

    def _growing(self, units: Sequence[Unit]) -> tuple[tuple[int, ...], list[Unit], int]:
        """What the lines of a dense block take beside each other's outputs, those lines, and how many all are."""
        at = 1 if _concatenates(units[0]) else 0
        if at == len(units) or len(units[at].takes) != 1:
            return (), [], 0
        base = units[0].takes
        step = units[at]
        if step.joins or len(step.makes) != 1 or (at and not self._follows(units[0], step)):
            return (), [], 0
        steps, at = [step], at + 1
        while at + 1 < len(units):
            join, step = units[at : at + 2]
            taken = (*base, *(one.makes[0] for one in steps))
            same = step.alike == steps[0].alike and step.numbers == steps[0].numbers
            if not (_concatenates(join) and join.takes == taken and same and self._follows(join, step)):
                break
            steps.append(step)
            at += 2
        return base, steps, at

    def _follows(self, join: Unit, step: Unit) -> bool:
        return step.takes == join.makes and self._only_in(join.makes[0], [step])

    def _gathered(self, made: tuple[int, ...], inner: Sequence[Unit], after: Sequence[Unit]) -> list[Unit] | None:
        """The lines after a repeat, where they take all its steps' outputs together; None if some take only a few."""
        found = []
        for unit in after:
            takes = unit.takes
            at = takes.index(made[0]) if made[0] in takes else 0
            if unit.joins and takes[at : at + len(made)] == made:
                takes = (*takes[:at], ~made[-1], *takes[at + len(made) :])
            if not set(made[:-1]).isdisjoint(takes):
                return None
            found.append(replace(unit, takes=takes) if takes != unit.takes else unit)
        whole = [*inner, *after]
        return found if all(self._only_in(tensor, whole) for tensor in made[:-1]) else None

    def _runs(self, units: Sequence[Unit]) -> list[Unit]:
        """Lines that are equal and follow each other as one that repeats."""
        rest, found = [*units], list[Unit]()
        while rest:
            unit = rest[0]
            for how in ("", "previous"):
                run = self._run(rest, how)
                if len(run) > 1:
                    break
            made = tuple(one.makes[-1] for one in run)
            if how == "previous" and len(run) > 1:
                place = next(i for i, tensor in enumerate(run[1].takes) if tensor == unit.takes[0])
                repeat = Repeat(len(run), how, place)
                found.append(replace(unit, last=run[-1].last, makes=made[-2:], repeat=repeat))
                rest = rest[len(run) :]
                continue
            plain = 1
            while plain < len(run) and all(self._only_in(t, [run[plain]]) for t in run[plain - 1].makes):
                plain += 1
            after = rest[len(run) :]
            gathered = None
            if plain < len(run) and len(unit.makes) == 1:
                gathered = self._gathered(made, run, after)
            if gathered is not None:
                repeat = Repeat(len(run), "collect")
                found.append(replace(unit, last=run[-1].last, makes=made[-1:], repeat=repeat))
                rest = gathered
            elif plain > 1:
                last = run[plain - 1]
                found.append(replace(unit, last=last.last, makes=last.makes, repeat=Repeat(plain)))
                rest = rest[plain:]
            else:
                found.append(rest.pop(0))
        return found

    def _run(self, units: Sequence[Unit], how: str) -> list[Unit]:
        """The lines from the first on that are the same, each of what the one before it makes.

        With `previous` each also takes what the one before it takes.
        """
        run = [units[0]]
        if units[0].repeat or (units[0].body is None and units[0].joins):
            return run
        listed = units[0].body is not None and units[0].body.style == "listed"
        for unit in units[1:]:
            last = run[-1]
            if unit.repeat or unit.alike != last.alike or unit.numbers != last.numbers:
                break
            if listed:
                follows = unit.takes == last.makes and how == ""
            elif len(last.makes) != 1 or unit.takes[:1] != last.makes:
                break
            else:
                pairs = [*zip(unit.takes[1:], last.takes[1:], strict=True)]
                moved = [a == last.takes[0] != b for a, b in pairs]
                follows = all(m or a == b for m, (a, b) in zip(moved, pairs, strict=True)) and sum(moved) == bool(how)
            if not follows:
                break
            run.append(unit)
        if how == "previous":
            for n, unit in enumerate(run[:-2]):
                if not self._only_in(unit.makes[0], run[n + 1 : n + 3]):
                    return run[:1]
        return run


def _concatenates(unit: Unit) -> bool:
    return len(unit.words) == 1 and unit.words[0].name == "concat" and not unit.words[0].arguments


def _joined(units: Sequence[Unit], name: str) -> Unit:
    """Lines that follow each other as one chain."""
    first, last = units[0], units[-1]
    words = tuple(word for unit in units for word in unit.words)
    numbers = tuple(number for unit in units for number in unit.numbers)
    return replace(first, name=name, last=last.last, makes=last.makes, words=words, numbers=numbers)


def _numbers(units: Sequence[Unit]) -> tuple[int, ...]:
    found: list[int] = []
    for unit in units:
        found += [unit.repeat.times] if unit.repeat else []
        found += unit.numbers
    return tuple(found)
