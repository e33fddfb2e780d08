"""What a finished sweep holds that one looks for: designs that no other one beats, or the largest of an expression.

The file is read once, row by row, so that memory grows with what is found, not with the sweep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from heapq import heappush, heappushpop
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from convcost.designs.blocks import NETWORK, AnySweep, Sweep
from convcost.designs.front import Goal, rows_of
from convcost.designs.space import parsed_expression
from convcost.errors import ConvcostError, did_you_mean
from convcost.spec import expression
from convcost.spec.document import exact
from convcost.spec.expression import Expression
from convcost.values import show

MAX_FRONT = 10_000
TOP = 10
"""Designs of the largest values that are listed unless it is said how many."""
Design: TypeAlias = dict[str, str]
"""A row of the file, as text."""
Found: TypeAlias = tuple[Fraction | None, Design]
"""A design with what its objective comes to, if there is one."""


class Question(NamedTuple):
    """What is asked of a finished sweep: designs that no other one beats, or those of the largest values."""

    wants: tuple[Goal, ...]
    objective: str | None
    top: int | None
    columns: tuple[str, ...]
    """Of the file."""

    def answer(self, path: Path) -> Sequence[Found]:
        """The designs of a file that are asked for, with the objective's value. Raises ConvcostError, as they do."""
        rows = rows_of(path, self.columns)
        designs = (dict(zip(self.columns, map(_shown, row), strict=True)) for row in rows)
        if self.objective is not None:
            return largest(designs, self.objective, self.top or TOP)
        return [(None, design) for design in pareto(designs, self.wants)][: self.top]


def asked(pareto: str | None, maximize: str | None, top: int | None, sweep: AnySweep) -> Question | None:
    """The question of a command line; None if there is none. Raises ConvcostError for one that makes no sense."""
    if pareto is not None and maximize is not None:
        raise ConvcostError("--maximize and --pareto are two questions: choose one")
    if pareto is None and maximize is None:
        if top is not None:
            raise ConvcostError("--top: of what? say --maximize EXPRESSION or --pareto COLUMN,COLUMN")
        return None
    numeric = tuple(name for name in sweep.columns if name != NETWORK or isinstance(sweep, Sweep))
    for name in _columns_of(_objective(maximize)) if maximize is not None else ():
        if name not in numeric:
            raise ConvcostError(f"--maximize: there is no {name!r}{did_you_mean(name, numeric)}")
    return Question(() if pareto is None else tuple(wants_of(pareto, numeric)), maximize, top, sweep.columns)


def wants_of(text: str, columns: Sequence[str]) -> list[Goal]:
    """`macs,params,+H` as goals: the least of each column, the most behind a plus.

    Raises ConvcostError for a name that is no column, or stands twice.
    """
    found: list[Goal] = []
    for part in map(str.strip, text.split(",")):
        name = part.lstrip("+")
        if name not in columns:
            raise ConvcostError(f"--pareto {text}: there is no {name!r} to compare{did_you_mean(name, columns)}")
        if any(goal.column == name for goal in found):
            raise ConvcostError(f"--pareto {text}: {name} stands twice")
        found.append(Goal(name, part.startswith("+")))
    return found


def pareto(designs: Iterable[Design], wants: Sequence[Goal]) -> list[Design]:
    """The designs of which none is as good in all that is wanted and better in some, from the best of the first want.

    Of designs that are alike in all of it, each is there. Raises ConvcostError where a wanted value is no number.
    """
    front: list[tuple[tuple[int | Fraction, ...], Design]] = []
    for design in designs:
        key = tuple(want.sign * _number(design, want.column) for want in wants)
        beaten = next((i for i, (other, _) in enumerate(front) if other != key and _no_worse(other, key)), None)
        if beaten is not None:
            # Who beats one design soon beats its neighbour.
            front.insert(0, front.pop(beaten))
            continue
        front = [one for one in front if one[0] == key or not _no_worse(key, one[0])]
        front.append((key, design))
        if len(front) > MAX_FRONT:
            raise ConvcostError(f"--pareto: more than {MAX_FRONT:,} designs that no other beats: compare fewer columns")
    return [design for _, design in sorted(front, key=lambda one: one[0])]


def largest(designs: Iterable[Design], objective: str, top: int) -> list[tuple[Fraction, Design]]:
    """The `top` designs of the largest values of an expression of columns; of equal ones the first.

    Raises ConvcostError for a value that is no number.
    """
    parsed = _objective(objective)
    names = _columns_of(parsed)
    heap: list[tuple[Fraction, int, Design]] = []
    for n, design in enumerate(designs):
        value = expression.evaluate(parsed, parsed.node, {name: _number(design, name) for name in names})
        if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
            raise ConvcostError(f"--maximize {objective!r}: what is maximized is a number")
        (heappush if len(heap) < top else heappushpop)(heap, (Fraction(value), -n, design))
    return [(value, design) for value, _, design in sorted(heap, reverse=True)]


def _objective(text: str) -> Expression:
    return parsed_expression(text, f"--maximize {text!r}")


def _columns_of(objective: Expression) -> list[str]:
    return [name for name in expression.names(objective.node) if name not in expression.FUNCTIONS]


def _no_worse(a: Sequence[int | Fraction], b: Sequence[int | Fraction]) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True))


def _number(design: Mapping[str, str], column: str) -> int | Fraction:
    text = design[column]
    try:
        return int(text) if text.isdecimal() else exact(Fraction(text))
    except ValueError:
        raise ConvcostError(f"{column}: {design[column]!r} is no number to compare") from None


def _shown(value: Any) -> str:
    if isinstance(value, (str, bool)) or value is None:
        return show(value)
    if isinstance(value, list):
        return show(_tuples(value))
    return show(exact(Fraction(value)))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
