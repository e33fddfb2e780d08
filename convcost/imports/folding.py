"""Bodies as the blocks and layers of a spec: what differs between those that are alike are arguments.

Numbers that move together, or by a factor, are one argument. A body that is called in one place is written there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.imports.nesting import Body, Ref, Repeat, Unit
from convcost.imports.wording import key, own_name
from convcost.ops import REGISTRY
from convcost.spec.model import _RESERVED

_ARGUMENTS = {"out_channels": "c", "out_features": "c", "kernel_size": "k", "repeat": "n"}
"""What an argument of a block is called by the first number that it stands for; the others as that is."""
_GEOMETRY = ("kernel_size", "stride", "padding", "dilation", "repeat")
_ONE = ({"kernel_size"}, {"stride"}, {"padding"}, {"dilation"}, {"repeat"}, {"kernel_size", "stride"})
"""Arguments of which one can be called as the other is, where they are equal."""
_TENSORS = ("x", "y", "z")
MAX_LINE = 100
"""Characters of a repeat in one line."""

Now = Ref | tuple[Ref, ...] | None
"""The current tensor, several side by side, or none that a line can take."""


class Said(NamedTuple):
    """Where a body is written: its numbers, inputs, and the names that are seen there."""

    numbers: tuple[str, ...]
    inputs: tuple[str, ...]
    seen: frozenset[str]


class Folding:
    """The text of a body and of all that it calls."""

    def __init__(self, whole: Body) -> None:
        self.whole = whole
        self.calls: Counter[int] = Counter()
        self.order: list[Body] = []
        """Blocks, each after those that it calls."""
        self._count(whole, set())
        self.blocks = {id(body) for body in self.order if self.calls[id(body)] > 1}
        self.plans: dict[int, _Plan] = {}
        self.names: dict[int, str] = {}
        taken = {*_RESERVED, *REGISTRY, *_TENSORS, *self._line_names()}
        for body in self.order:
            if id(body) in self.blocks:
                self.names[id(body)] = own_name(body.name, taken)
                taken.add(self.names[id(body)])

    def _count(self, body: Body, seen: set[int]) -> None:
        for unit in body.units:
            if unit.body is not None:
                self.calls[id(unit.body)] += 2 if unit.repeat or unit.name.isdigit() else 1
                if id(unit.body) not in seen:
                    seen.add(id(unit.body))
                    self._count(unit.body, seen)
                    self.order.append(unit.body)

    def _line_names(self) -> Iterator[str]:
        for body in (*self.order, self.whole):
            for unit in body.units:
                yield from (unit.name, _wanted(unit))

    # -- text --------------------------------------------------------------------------------------------------------

    def written(self) -> Iterator[str]:
        """The lines of all blocks."""
        for body in self.order:
            if id(body) not in self.blocks:
                continue
            arguments = self._arguments(body)
            tensors = _tensor_names(body.taken - 1) if body.style == "several" else ()
            heads = [name for name, _ in arguments]
            yield f"  {self.names[id(body)]}({', '.join([*heads, *tensors])}):"
            listed = body.style == "listed"
            inputs = tuple(f"input[{i}]" for i in range(body.taken)) if listed else ("input", *tensors)
            said = Said(tuple(self._numbers(body, arguments)), inputs, frozenset((*heads, *tensors)))
            yield from self.lines(body, said, "    ")

    def lines(self, body: Body, said: Said, indent: str) -> Iterator[str]:
        """The lines of a body where it is written."""
        plan = self._plan(body)
        names = _Names(body, plan, said)
        numbers = iter(said.numbers)
        for number, (unit, before) in enumerate(zip(body.units, plan.before, strict=True)):
            own = [next(numbers) for _ in range(unit.count)]
            entry = ""
            if before is not None and self._begun(unit):
                entry = names.reference(before)
                if unit.repeat or not isinstance(before, Ref) or self.here(unit):
                    yield f"{indent}- {entry}"
                    entry = ""
            yield from self._unit(unit, own, entry, [*map(names.reference, body.refs[number])], names, number, indent)
        if body.style == "whole" and len(body.results) > 1:
            yield f"{indent}- {_several('outputs', map(names.reference, body.results[:-1]))}"
        if plan.after is not None:
            yield f"{indent}- {names.reference(plan.after)}"

    def _unit(
        self, unit: Unit, numbers: list[str], entry: str, taken: list[str], names: _Names, number: int, indent: str
    ) -> Iterator[str]:
        """The lines of one line of a body: its own, or those of what it calls."""
        name = names.of(unit, number)
        if unit.body is not None and self.here(unit):
            if name:
                yield f"{indent}- {key(name)}:"
            inner = Said(tuple(numbers), tuple(taken), names.seen)
            yield from self.lines(unit.body, inner, indent + "    " * bool(name))
        elif unit.repeat is not None:
            text = self._call(unit, numbers[1:], taken)
            yield from _repeat(unit.repeat, numbers[0], taken, text, names.gathered.get(number, ""), name, indent)
        else:
            text = self._call(unit, numbers, taken)
            text = f"{entry} >> {text}" if entry else text
            yield f"{indent}- {key(name)}: {text}" if name else f"{indent}- {text}"

    def _plan(self, body: Body) -> _Plan:
        if id(body) not in self.plans:
            self.plans[id(body)] = _Plan(body, self)
        return self.plans[id(body)]

    def _begun(self, unit: Unit) -> bool:
        """Whether a line needs what it takes side by side, as one that is written in place may not."""
        inner = self.here(unit)
        return inner is None or inner.begins

    def here(self, unit: Unit) -> _Plan | None:
        """The plan of a line that is written as the lines that it calls."""
        return None if unit.body is None or id(unit.body) in self.blocks else self._plan(unit.body)

    def _call(self, unit: Unit, numbers: Sequence[str], taken: Sequence[str]) -> str:
        said = iter(numbers)
        if unit.body is None:
            first = unit.words[0].text(said, taken if unit.joins else ())
            return " >> ".join([first, *(word.text(said) for word in unit.words[1:])])
        own = [*said]
        if unit.repeat and unit.repeat.how == "previous":
            taken = ["previous" if i == unit.repeat.place else one for i, one in enumerate(taken)]
        given = [own[place] for _, place in self._arguments(unit.body)]
        given += taken[1:] if unit.body.style == "several" else ()
        name = self.names[id(unit.body)]
        return f"{name}({', '.join(given)})" if given else name

    # -- numbers -----------------------------------------------------------------------------------------------------

    def _arguments(self, body: Body) -> list[tuple[str, int]]:
        """The arguments of a block, and the place of a number that each is."""
        columns = [*zip(*body.instances, strict=True)]
        found: list[int] = []
        fields = body.fields

        def stands(one: int, other: int) -> bool:
            return bool(_said("it", columns[one], columns[other], fields[one], fields[other]))

        for place, column in enumerate(columns):
            if len(set(column)) > 1 and not any(stands(other, place) for other in found):
                # one that others are multiples of stands for them
                found = [*(other for other in found if not stands(place, other)), place]
        for place, column in enumerate(columns):  # one may have been said of what another has replaced
            if len(set(column)) > 1 and not any(stands(other, place) for other in found):
                found.append(place)
        wanted = [_ARGUMENTS.get(fields[place], fields[place]) for place in found]
        names, taken = [], {unit.name for unit in body.units}
        for i, name in enumerate(wanted):
            several = wanted.count(name) > 1
            name = f"{name}{wanted[:i].count(name) + 1}" if several else name
            names.append(own_name(name, taken))
            taken.add(names[-1])
        return [*zip(names, found, strict=True)]

    def _numbers(self, body: Body, arguments: Sequence[tuple[str, int]]) -> Iterator[str]:
        """What each of its numbers is said to be."""
        columns = [*zip(*body.instances, strict=True)]
        fields = body.fields
        for column, name in zip(columns, fields, strict=True):
            if len(set(column)) == 1:
                yield str(column[0])
                continue
            said = (_said(argument, columns[place], column, fields[place], name) for argument, place in arguments)
            yield next(text for text in said if text)


def _several(word: str, refs: Iterable[str]) -> str:
    return f"{{{word}: [{', '.join(map(_quoted, refs))}]}}"


def _quoted(text: str) -> str:
    """A chain as it stands within braces."""
    return f'"{text}"' if "," in text or "[" in text else text


def _repeat(
    repeat: Repeat, times: str, taken: Sequence[str], call: str, gathered: str, name: str, indent: str
) -> Iterator[str]:
    """The lines of what repeats."""
    parts = {"repeat": times}
    if repeat.how == "previous":
        parts["previous"] = taken[repeat.place]
    if repeat.how in ("grow", "collect"):
        parts["collect"] = gathered
    steps = [f"concat({', '.join([*taken, gathered])})"] if repeat.how == "grow" else []
    own = f"{gathered}: {_quoted(call)}" if repeat.how in ("grow", "collect") else _quoted(call)
    layers = f"[{', '.join([*map(_quoted, steps), own])}]" if steps or repeat.how == "collect" else own
    head = f"{indent}- {key(name)}: " if name else f"{indent}- "
    line = f"{head}{{{', '.join(f'{word}: {said}' for word, said in parts.items())}, layers: {layers}}}"
    if len(line) <= MAX_LINE or not steps:
        yield line
        return
    if name:
        yield head.rstrip()
    inner = f"{indent}    " if name else f"{indent}  "
    lines = [*(f"{word}: {said}" for word, said in parts.items()), "layers:"]
    lines = [f"{inner}{text}" for text in lines]
    if not name:
        lines[0] = f"{indent}- {lines[0].strip()}"
    yield from lines
    yield from (f"{inner}  - {text}" for text in (*steps, f"{gathered}: {call}"))


def _said(argument: str, of: Sequence[int], column: Sequence[int], of_field: str, field: str) -> str:
    """A column of numbers of a field as an expression of an argument, "" if there is none.

    Numbers of channels are multiples of each other; of kernels, strides and paddings that would be chance.
    """
    if not {field, of_field}.isdisjoint(_GEOMETRY):
        if field == "padding" and of_field == "kernel_size":
            return f"{argument} // 2" if all(a % 2 and b == a // 2 for a, b in zip(of, column, strict=True)) else ""
        return argument if of == column and {field, of_field} in _ONE else ""
    factor = _factor(of, column)
    return argument if factor == 1 else f"{factor}*{argument}" if factor else ""


def _factor(of: Sequence[int], column: Sequence[int]) -> int:
    """By what a column is a multiple of another one, 0 if it is none."""
    if of == column:
        return 1
    if not of[0] or column[0] % of[0]:
        return 0
    factor = column[0] // of[0]
    return factor if all(b == factor * a for a, b in zip(of, column, strict=True)) else 0


def _tensor_names(count: int) -> tuple[str, ...]:
    return _TENSORS[:count] if count <= len(_TENSORS) else tuple(f"x_{i}" for i in range(1, count + 1))


def _wanted(unit: Unit) -> str:
    """A line's name, without the number of the first step of a repeat."""
    return re.sub(r"_?\d+$", "", unit.name) if unit.repeat else unit.name


class _Names:
    """What the lines of a body are called where it is written."""

    def __init__(self, body: Body, plan: _Plan, said: Said) -> None:
        self.inputs = said.inputs
        self.lines: dict[int, str] = {}
        """Of lines that are referred to."""
        self.gathered: dict[int, str] = {}
        """Of repeats, what their steps' outputs are called."""
        taken = set(said.seen)
        for number in sorted(plan.needed):
            unit = body.units[number]
            if unit.functional:
                name = next(name for i in range(1, len(body.units) + len(taken) + 2) if (name := f"x{i}") not in taken)
            else:
                name = own_name(_wanted(unit), taken)
            self.lines[number] = name
            taken.add(name)
        for number in sorted(plan.gathered):
            self.gathered[number] = own_name("y", taken)
            taken.add(self.gathered[number])
        self.seen = frozenset(taken)
        """Names that no line within may have."""
        self._shown = taken

    def reference(self, ref: Now) -> str:
        """What a line says for what it takes."""
        if not isinstance(ref, Ref):
            return _several("results", map(self.reference, ref or ()))
        if ref.line < 0:
            return self.inputs[ref.part or 0]
        if ref.how:
            return "previous" if ref.how == "previous" else self.gathered[ref.line]
        name = self.lines.get(ref.line, "")  # "" of what is only taken as the current one
        return name if ref.part is None else f"{name}[{ref.part}]"

    def of(self, unit: Unit, number: int) -> str:
        """The name of a line, "" if it needs none."""
        if number in self.lines:
            return self.lines[number]
        name = _wanted(unit)
        if unit.functional or not name or name.isdigit() or name in REGISTRY:
            return ""
        name = own_name(name, self._shown)
        self._shown.add(name)
        return name


class _Plan:
    """Of a body, what its lines take by name."""

    def __init__(self, body: Body, folding: Folding) -> None:
        self.before: list[Now] = []
        """What has to be made the current tensor before each line."""
        self.needed: set[int] = set()
        """Lines that are referred to."""
        self.gathered: set[int] = set()
        """Repeats whose steps' outputs are."""
        self.inputs: set[int] = set()
        """Inputs that are."""
        self.begins = True
        """Whether the first line takes what comes in as it is."""
        now: Now = tuple(Ref(-1, i) for i in range(body.taken)) if body.style == "listed" else Ref(-1, 0)
        last = -1
        for number, unit in enumerate(body.units):
            refs = body.refs[number]
            entry, named = self._entry(unit, refs)
            if unit.repeat and unit.repeat.how in ("grow", "collect"):
                self.gathered.add(number)
            if any(ref.how == "previous" and ref.line != last for ref in refs):
                raise ConvcostError("two repeats of cells that are taken in another order")
            if number == 0:
                self.begins = entry == now
            if entry == now or entry is None:
                self.before.append(None)
            else:
                self.before.append(self._whole(body, entry))
                self._refer(self.before[-1])
            self._refer(named)
            if inner := folding.here(unit):
                self._refer(tuple(refs[i] for i in inner.inputs))
                self.begins = self.begins and (number > 0 or inner.begins)
            parts = len(body.units[number].makes)
            if unit.repeat and unit.repeat.how == "previous":
                last, parts = number, 1
            now = Ref(number) if parts == 1 else tuple(Ref(number, part) for part in range(parts))
        results: Now = body.results if len(body.results) > 1 else body.results[0]
        self.after: Now = None
        if body.style == "whole" and len(body.results) > 1:
            self._refer(body.results[:-1])
            results = body.results[-1]
        if results != now:
            self.after = self._whole(body, results)
            self._refer(self.after)

    def _entry(self, unit: Unit, refs: tuple[Ref, ...]) -> tuple[Now, tuple[Ref, ...]]:
        """What a line takes as the current tensor, and what by name."""
        if unit.repeat and unit.repeat.how == "grow":
            return None, refs
        if unit.body is not None and unit.body.style == "listed":
            return refs, ()
        if unit.body is None and unit.joins:
            return None, refs
        return (refs[0] if refs else None), refs[1:]

    def _whole(self, body: Body, entry: Now) -> Now:
        """A line of several as one reference, where all of them are taken."""
        if isinstance(entry, tuple) and not isinstance(entry, Ref) and entry and entry[0].line >= 0:
            made = tuple(Ref(entry[0].line, i) for i in range(len(body.units[entry[0].line].makes)))
            if made == entry and len(made) > 1:
                return Ref(entry[0].line)
        return entry

    def _refer(self, refs: Now) -> None:
        for ref in (refs,) if isinstance(refs, Ref) else refs or ():
            if ref.how == "":
                (self.inputs if ref.line < 0 else self.needed).add(ref.part or 0 if ref.line < 0 else ref.line)
