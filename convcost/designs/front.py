"""The Pareto front of the designs of a sweep's file, read row by row: memory does not grow with the file."""

from __future__ import annotations

import csv
import json
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from convcost.designs.output import format_of, parquet_rows
from convcost.errors import ConvcostError, did_you_mean
from convcost.files.reading import opened

DRAWN = 3000
"""Designs that are drawn beside the front, at most, chosen by chance, the same each time."""

Point = tuple[Fraction, Fraction]


class Goal(NamedTuple):
    """A column, and whether one wants more of it, not less."""

    column: str
    more: bool = False

    @property
    def sign(self) -> int:
        """-1 where more is better: what is compared is the less the better."""
        return -1 if self.more else 1

    def __str__(self) -> str:
        return f"{'most' if self.more else 'least'} {self.column}"


class Front(NamedTuple):
    """The designs of which no other is as good in one and better in the other, in order, and some of the rest."""

    points: list[Point]
    others: list[Point]
    designs: int


def goals(text: str) -> tuple[Goal, Goal]:
    """Two goals as one writes them: `macs,params`, `macs,+width`. Raises ConvcostError for anything else."""
    found = [Goal(part.strip().lstrip("+"), part.strip().startswith("+")) for part in text.split(",")]
    if len(found) != 2 or not all(goal.column for goal in found) or found[0].column == found[1].column:
        raise ConvcostError(
            f"a front is of two columns such as macs,params or macs,+width (the more the better): {text!r}"
        )
    return found[0], found[1]


def front(path: Path, x: Goal, y: Goal) -> Front:
    """The front of a sweep's file. Raises ConvcostError for a column that it has not, or that has no numbers."""
    points: list[Point] = []  # x rises, y falls
    chance, others, designs = random.Random(0), list[Point](), 0  # noqa: S311  # no secret: the same picture each time
    for a, b in _numbers(path, (x.column, y.column)):
        designs += 1
        _keep(points, (a * x.sign, b * y.sign))
        if len(others) < DRAWN:
            others.append((a, b))
        elif (at := chance.randrange(designs)) < DRAWN:
            others[at] = (a, b)
    return Front([(a * x.sign, b * y.sign) for a, b in points], others, designs)


def _keep(points: list[Point], new: Point) -> None:
    """Put a point into the front, and what it is better than out of it."""
    at = bisect_left(points, new)
    if at and points[at - 1][1] <= new[1]:
        return
    end = at
    while end < len(points) and points[end][1] >= new[1]:
        if points[end] == new:
            return
        end += 1
    points[at:end] = [new]


def _numbers(path: Path, columns: tuple[str, str]) -> Iterator[Point]:
    for row in rows_of(path, columns):
        try:
            a, b = (Fraction(value) for value in row)
        except (ValueError, TypeError, ZeroDivisionError):
            raise ConvcostError(f"{path}: {' or '.join(columns)} is no number everywhere: {row[0]}, {row[1]}") from None
        yield a, b


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[Sequence[str | int | Decimal]]:
    """These columns of a sweep's file, row by row. Raises ConvcostError for one that it has not."""
    if format_of(path) == "parquet":
        yield from parquet_rows(path, columns, _found)
        return
    with opened(path) as file, TextIOWrapper(file, encoding="utf-8", newline="") as lines:
        if path.suffix.lower() == ".csv":
            rows = csv.reader(lines)
            places = _found(next(rows), columns, path)
            yield from ([row[at] for at in places] for row in rows)
            return
        for number, line in enumerate(lines):
            row = json.loads(line)
            if not number:
                _found([*row], columns, path)
            yield [row[name] for name in columns]


def _found(names: Sequence[str], columns: Sequence[str], path: Path) -> list[int]:
    """Where the columns stand. Raises ConvcostError for one that is not there."""
    for name in columns:
        if name not in names:
            raise ConvcostError(
                f"{path}: no column {name!r}{did_you_mean(name, names) or '; there are ' + ', '.join(names)}"
            )
    return [names.index(name) for name in columns]
