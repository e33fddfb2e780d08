"""Scopes that are the same but for their numbers, as blocks with arguments; runs of them as repeats.

A scope that takes one tensor is a template: lines, in which numbers have places. Those of one template are calls of one
block; what differs between them are its arguments, and what moves together, or by a factor, is one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

_NUMBER = re.compile(r"(?<![\w.'\"])\d+(?![\w.'\"])")
LETTERS = "cdefghklmnpqrstuvw"


class Call(NamedTuple):
    """A line that calls the block of a template, perhaps several times one after the other."""

    name: str
    template: Template
    numbers: tuple[int, ...]
    times: int = 1


Line: TypeAlias = "str | Call"


class Template(NamedTuple):
    """Lines with their numbers taken out, and of calls what they call: the same of scopes that are one block."""

    lines: tuple[object, ...]


class Blocks:
    """All scopes of a network by template, with the numbers of each."""

    def __init__(self, reserved: Sequence[str]) -> None:
        self.taken = set(reserved)
        self.names: dict[Template, str] = {}
        self.bodies: dict[Template, tuple[Line, ...]] = {}
        self.instances: dict[Template, list[tuple[int, ...]]] = {}

    def add(self, name: str, lines: Sequence[Line]) -> tuple[Template, tuple[int, ...]]:
        """A scope: what it is a template of, and its numbers in their places."""
        numbers: list[int] = []
        parts: list[object] = []
        for line in lines:
            parts.append(
                _NUMBER.sub("#", line) if isinstance(line, str) else (line.name, line.template, line.times > 1)
            )
            numbers += _numbers(line)
        template = Template(tuple(parts))
        if template not in self.names:
            base = name if name.isidentifier() else f"of_{name}".rstrip("_")
            base = f"{base}_block"
            called, n = base, 2
            while called in self.taken:
                called, n = f"{base}{n}", n + 1
            self.taken.add(called)
            self.names[template], self.bodies[template] = called, tuple(lines)
        self.instances.setdefault(template, []).append(tuple(numbers))
        return template, tuple(numbers)

    def written(self) -> Iterator[str]:
        """The lines of all blocks, each after those that it calls."""
        for template, name in self.names.items():
            arguments = self._arguments(template)
            heads = ", ".join(letter for letter, _ in arguments)
            yield f"  {name}({heads}):"
            said = self._said(template)
            for line in self.bodies[template]:
                yield f"    - {self.line(line, said)}"

    def line(self, line: Line, said: Iterator[str] | None = None) -> str:
        """A line as text, its numbers as they are or as they are said of a block's arguments."""
        said = map(str, _numbers(line)) if said is None else said
        if isinstance(line, str):
            return _NUMBER.sub(lambda _: next(said), line)
        count = next(said) if line.times > 1 else ""
        values = [next(said) for _ in line.numbers]
        own = ", ".join(values[place] for _, place in self._arguments(line.template))
        call = f"{self.names[line.template]}({own})" if own else self.names[line.template]
        quoted = f'"{call}"' if "," in call else call
        return f"{line.name}: {{repeat: {count}, layers: {quoted}}}" if count else f"{line.name}: {call}"

    def _arguments(self, template: Template) -> list[tuple[str, int]]:
        """The arguments of a block, and the place of a number that each is."""
        columns = [*zip(*self.instances[template], strict=True)]
        found: list[tuple[str, int]] = []
        for place, column in enumerate(columns):
            if len(set(column)) > 1 and not any(_factor(columns[other], column) for _, other in found):
                # one that others are multiples of stands for them
                found = [(a, other) for a, other in found if not _factor(column, columns[other])]
                found.append(("", place))
        return [(LETTERS[i] if i < len(LETTERS) else f"n{i}", place) for i, (_, place) in enumerate(found)]

    def _said(self, template: Template) -> Iterator[str]:
        columns = [*zip(*self.instances[template], strict=True)]
        arguments = self._arguments(template)
        for column in columns:
            if len(set(column)) == 1:
                yield str(column[0])
                continue
            letter, factor = next((a, f) for a, place in arguments if (f := _factor(columns[place], column)))
            yield letter if factor == 1 else f"{factor}*{letter}"


def _numbers(line: Line) -> list[int]:
    if isinstance(line, str):
        return [int(found) for found in _NUMBER.findall(line)]
    return [*([line.times] if line.times > 1 else []), *line.numbers]


def _factor(of: Sequence[int], column: Sequence[int]) -> int:
    """By what a column is a multiple of another one, 0 if it is none."""
    if not of[0] or column[0] % of[0]:
        return 0
    factor = column[0] // of[0]
    return factor if all(b == factor * a for a, b in zip(of, column, strict=True)) else 0
