"""Design spaces: axes with exact values, read from text (`width=0.25:2:0.05`) or from YAML.

A value is an int, a Fraction, a bool, a word or a list, as a knob of a spec takes it; never a float. An axis holds its
values lazily, so that a space of 10^30 designs takes as little memory as one of ten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, gcd, lcm, prod
from pathlib import Path
from typing import Any

from convcost.errors import ConvcostError
from convcost.spec import document, expression
from convcost.spec.document import Mark, Scalar, SpecError, exact
from convcost.spec.expression import Expression
from convcost.values import named, show

MAX_VALUES = 2**62
"""Values of one axis: its indices, and the generator that draws them, are 64-bit integers."""
MAX_LOG = 1_000
_NUMBER = r"[-+]?\d{1,30}(?:\.\d{1,30}|/\d{1,30})?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*({_NUMBER})\s*)?")


@dataclass(frozen=True)
class Steps:
    """start, start + step, ...: `count` values."""

    start: int | Fraction
    step: int | Fraction
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> int | Fraction:
        if not 0 <= i < self.count:
            raise IndexError(i)
        return exact(Fraction(self.start + i * self.step))

    def __iter__(self) -> Iterator[int | Fraction]:
        return map(self.__getitem__, range(self.count))


@dataclass(frozen=True)
class Axis:
    """One dimension of a space: a name, and its values in order."""

    name: str
    values: Steps | tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.values)

    def __str__(self) -> str:
        if isinstance(self.values, Steps):
            return ":".join(map(written, (self[0], self[len(self) - 1], self.values.step)))
        return ", ".join(map(written, self.values))

    def __getitem__(self, i: int) -> Any:
        return self.values[i]

    @cached_property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return isinstance(self.values, Steps) or all(map(_is_number, self.values))

    @cached_property
    def denominator(self) -> int:
        """The least positive int that makes all its values integers."""
        values = (self.values.start, self.values.step) if isinstance(self.values, Steps) else self.values
        return lcm(*(value.denominator for value in values))

    @cached_property
    def least(self) -> Any:
        """The smallest value."""
        return self[0] if isinstance(self.values, Steps) else min(self.values)

    @cached_property
    def largest(self) -> Any:
        """The largest value."""
        return self[len(self) - 1] if isinstance(self.values, Steps) else max(self.values)

    @cached_property
    def unit(self) -> Any:
        """The largest number such that every value is the least one and a multiple of it; 0 for a single value."""
        if isinstance(self.values, Steps):
            return self.values.step if len(self) > 1 else 0
        apart = ((value - self.least) * self.denominator for value in self.values)
        return exact(Fraction(gcd(*map(int, apart)), self.denominator))

    def numerators(self, indices: Any) -> Any:
        """The values at an array of indices, times the denominator: int64, or Python ints where they are larger."""
        import numpy as np

        largest = max(abs(self.least), abs(self.largest)) * self.denominator
        dtype = "int64" if largest < 2**62 else object
        if isinstance(self.values, Steps):
            start, step = (int(part * self.denominator) for part in (self.values.start, self.values.step))
            return indices.astype(dtype) * step + start
        return np.array([int(value * self.denominator) for value in self.values], dtype)[indices]


@dataclass(frozen=True)
class Space:
    """All combinations of the values of its axes, with values that depend on them."""

    axes: tuple[Axis, ...]
    derived: tuple[tuple[str, str], ...] = ()
    """Names and the expressions (of the spec language) that their values come from, in order."""

    @property
    def size(self) -> int:
        """How many designs there are."""
        return prod(map(len, self.axes))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the axes, then of the derived values."""
        return (*(axis.name for axis in self.axes), *(name for name, _ in self.derived))

    def axis(self, name: str) -> Axis:
        """The axis of this name."""
        return next(axis for axis in self.axes if axis.name == name)

    def complete(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of the axes, with the derived ones. Raises SpecError where one cannot be computed."""
        for name, text in self.derived:
            parsed = parsed_expression(text, name)
            values[name] = expression.evaluate(parsed, parsed.node, values)
        return values

    def __str__(self) -> str:
        return "; ".join((*(f"{axis.name}: {axis}" for axis in self.axes), *map(" = ".join, self.derived)))


def space_of(axes: Sequence[Axis], derived: Sequence[tuple[str, str]] = ()) -> Space:
    """A space. Raises ConvcostError if it has no axis, a name stands twice, or a derived value needs an unknown one."""
    if not axes:
        raise ConvcostError("a space needs an axis: --over width=0.25:2:0.05")
    known: set[str] = set()
    for axis in axes:
        _once(axis.name, known)
    for name, text in derived:
        parsed = parsed_expression(text, name)
        for used in expression.names(parsed.node):
            if used not in known and used not in expression.FUNCTIONS:
                raise ConvcostError(f"{name} = {text}: there is no axis {used!r}")
        _once(name, known)
    return Space(tuple(axes), tuple(derived))


def parse_axis(text: str) -> Axis:
    """An axis as on the command line: `width=0.25:2:0.05`, `H=128,160,192`, `units=[2,2,2,2],[3,4,6,3]`."""
    name, values = named(text, "--over", "name=start:stop:step or name=value,value,...")
    place = f"--over {name}"
    if ":" in values:
        return Axis(name, _steps(values, place))
    listed = document.value(f"[{values}]", place)
    if not isinstance(listed, document.Sequence):
        raise SpecError(place, "values are written with commas between them")
    return Axis(name, _values(listed, place))


def parse_derived(text: str) -> tuple[str, str]:
    """A derived value as on the command line: `W=H`."""
    return named(text, "--let", "name=expression")


def read_space(path: Path) -> tuple[list[Axis], list[tuple[str, str]], list[str]]:
    """Axes (`over:`), derived values (`let:`) and conditions (`where:`) of a YAML file. Raises SpecError.

    An axis is a range (`0.25:2:0.05`), a value, a list of values, `{range: 16:1024:10, multiple: 8}`, or
    `{log: [32, 512], count: 9, multiple: 32}`: equal ratios, each value the nearest multiple, equal ones once.
    """
    top = document.read(path)
    for key, mark in top.marks.items():
        if key not in ("over", "let", "where"):
            raise SpecError(mark, f"a space has the keys over, let and where, not {key!r}")
    axes = [Axis(name, _axis_values(value, mark)) for name, value, mark in document.entries(top, "over")]
    derived = []
    for name, value, mark in document.entries(top, "let"):
        if not isinstance(value, Scalar):
            raise SpecError(mark, f"{name} takes an expression")
        derived.append((name, value.text))
    where = top.entries.get("where")
    conditions = where.items if isinstance(where, document.Sequence) else (where,) if where is not None else ()
    if not all(isinstance(condition, Scalar) for condition in conditions):
        raise SpecError(top.marks["where"], "where takes a condition, or a list of them")
    return axes, derived, [condition.text for condition in conditions if isinstance(condition, Scalar)]


def written(value: Any) -> str:
    """A value as text that stands for it alone: as `show` does, with quotes around a word that reads as another."""
    from convcost.spec.model import literal

    if value is None:
        return "null"
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    if not isinstance(value, str):
        return show(value)
    plain = re.fullmatch(r"\w[\w.+-]*", value) and literal(document.value(value, "a word")) == value
    return value if plain else json.dumps(value, ensure_ascii=False)


def parsed_expression(text: str, place: str) -> Expression:
    """An expression of the spec language, outside a spec; `place` is what errors call it."""
    return expression.parse(Scalar(text, text, Mark(place, 1, 1)))


def _once(name: str, known: set[str]) -> None:
    if not name.isidentifier():
        raise ConvcostError(f"{name!r} cannot name an axis")
    if name in known:
        raise ConvcostError(f"{name} stands twice in the space")
    known.add(name)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def _axis_values(value: document.Value, mark: Mark) -> Steps | tuple[Any, ...]:
    if isinstance(value, Scalar):
        if isinstance(value.value, str) and ":" in value.value:
            return _steps(value.value, value.mark)
        return _values(document.Sequence((value,), mark), mark)
    if isinstance(value, document.Sequence):
        return _values(value, mark)
    keys = set(value.entries)
    if "range" in keys and keys <= {"range", "multiple"}:
        steps = _steps(document.text(value, "range"), value.marks["range"])
        if "multiple" not in keys:
            return steps
        multiple = _integer(value, "multiple")
        if len(steps) > document.MAX_VALUES:
            raise SpecError(mark, f"at most {document.MAX_VALUES:,} values can be rounded to a multiple")
        return _distinct(max(multiple, (2 * steps[i] // multiple + 1) // 2 * multiple) for i in range(len(steps)))
    if {"log", "count"} <= keys <= {"log", "count", "multiple"}:
        ends = document.Sequence((), mark) if "log" not in keys else value.entries["log"]
        values = _values(ends, mark) if isinstance(ends, document.Sequence) else ()
        multiple = _integer(value, "multiple") if "multiple" in keys else 1
        return logarithmic(values, _integer(value, "count"), multiple, mark)
    raise SpecError(mark, "an axis is a range, a list, {range:, multiple:} or {log:, count:, multiple:}")


def logarithmic(ends: tuple[Any, ...], count: int, multiple: int, mark: Mark | str) -> tuple[int, ...]:
    """`count` values from the first to the second of `ends` in equal ratios, each the nearest multiple, halves up.

    Exact: x is nearest to the i-th value where x's power count - 1 lies between those of its two neighbours.
    """
    if len(ends) != 2 or not all(isinstance(end, int) and _is_number(end) for end in ends) or not 0 < ends[0] < ends[1]:
        raise SpecError(mark, "log takes two integers: [32, 512], the first positive and below the second")
    if not 2 <= count <= MAX_LOG:
        raise SpecError(mark, f"a log axis has from 2 to {MAX_LOG} values, not {count}")
    first, last = ends
    n = count - 1

    def nearest(i: int) -> int:
        power = first ** (n - i) * last**i
        low, high = 0, ceil(Fraction(last, multiple)) + 1  # the k with (k - 1/2) multiple <= value < (k + 1/2) multiple
        while high - low > 1:
            k = (low + high) // 2
            low, high = (k, high) if ((2 * k - 1) * multiple) ** n <= power << n else (low, k)
        return max(low, 1) * multiple

    return _distinct(map(nearest, range(count)))


def _distinct(values: Iterator[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _integer(value: document.Mapping, key: str) -> int:
    found = value.entries[key]
    if not (isinstance(found, Scalar) and type(found.value) is int and found.value > 0):
        raise SpecError(value.marks[key], f"{key} is an integer >= 1")
    return found.value


def _steps(text: str, place: Mark | str) -> Steps:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise SpecError(place, f"a range is start:stop:step in exact numbers, such as 0.25:2:0.05, got {text[:40]!r}")
    try:
        start, stop, step = (exact(Fraction(part or 1)) for part in match.groups())
    except ZeroDivisionError:
        raise SpecError(place, f"division by zero in {text[:40]!r}") from None
    if match[3] is None and not (isinstance(start, int) and isinstance(stop, int)):
        raise SpecError(place, f"a range of fractions needs its step: {text.strip()}:0.05, for one")
    if step <= 0:
        raise SpecError(place, f"the step of a range must be positive, got {step}")
    if stop < start:
        raise SpecError(place, f"the range {text.strip()} is empty: it ends before it starts")
    count = (stop - start) // step + 1
    if count > MAX_VALUES:
        raise SpecError(place, f"a range of {count:,} values; at most 2^62")
    return Steps(start, step, count)


def _exact(value: Any) -> Any:
    """7/20, which YAML takes for a word, as the number that it is."""
    written = isinstance(value, str) and re.fullmatch(r"-?\d{1,15}/[1-9]\d{0,14}", value)
    return exact(Fraction(value)) if written else value


def _values(listed: document.Sequence, place: Mark | str) -> tuple[Any, ...]:
    from convcost.spec.model import literal

    values = tuple(_exact(literal(item)) for item in listed.items)
    if not values:
        raise SpecError(place, "an axis needs a value")
    if len(set(values)) < len(values):
        raise SpecError(place, "a value stands twice")
    return values
