"""What a sweep has found: a picture of its designs over two columns, and a table of those that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convcost.designs.blocks import NETWORK, AnySweep, Sweeps
from convcost.designs.found import Found, Question
from convcost.designs.front import Goal, Point, front
from convcost.errors import ConvcostError
from convcost.render.numbers import in_full, short
from convcost.render.table import Cell, Column, Row, Table, Value
from convcost.views.plots import COLORS, drawn, ticks
from convcost.views.solutions import quantity_column


def draw(name: str, sweep: Path, goals: tuple[Goal, Goal], path: Path) -> str:
    """Draw the front of a sweep's file, and say how large it is.

    Raises ConvcostError if there is nothing to draw, and as `convcost.designs.front.front` and `plots.drawn` do.
    """
    with drawn(path, (6.4, 4.4)) as figure:
        x, y = goals
        found = front(sweep, x, y)
        if not found.points:
            raise ConvcostError(f"{path}: there is nothing to draw")
        designs = f"{in_full(found.designs)} designs"
        if found.designs > len(found.others):
            designs = f"{in_full(len(found.others))} of {designs}"
        plot = figure.add_subplot(xlabel=x.column.replace("_", " "), ylabel=y.column.replace("_", " "))
        plot.set_title(f"{name}: {x}, {y}", loc="left", fontweight="bold")
        blue, orange, _ = COLORS
        plot.scatter(*_floats(found.others), 9, color=blue, alpha=0.35, linewidths=0, label=designs)
        plot.plot(*_floats(found.points), color=orange, linewidth=1, marker="o", markersize=4, label="front")
        for axis in (plot.xaxis, plot.yaxis):
            ticks(axis, short)
        plot.grid(visible=True)
        plot.margins(0.04)
        plot.legend(frameon=False, loc="best")
    return f"a front of {in_full(len(found.points))} designs, {x} and {y}"


def of_sweep(sweep: AnySweep, question: Question, found: Sequence[Found], said: Sequence[str]) -> Table:
    """The designs of a finished sweep that are asked for, below what its run said."""
    columns = [
        quantity_column(name)
        if name in sweep.quantities
        else Column(name, name, wrap=True)
        if name == NETWORK and isinstance(sweep, Sweeps)
        else Column(name, name, align="right")
        for name in sweep.columns
    ]
    columns += [Column("objective", question.objective, align="right")] if question.objective else []
    rows = []
    for value, design in found:
        cells: list[Value | Cell] = [int(text) if name in sweep.quantities else text for name, text in design.items()]
        rows.append(Row((*cells, value) if question.objective else tuple(cells)))
    wanted = ", ".join(map(str, question.wants))
    listed = f"from the largest {question.objective}" if question.objective else f"no design beats them: {wanted}"
    return Table("Designs of a sweep", (("sweep", "; ".join(said)), ("listed", listed)), tuple(columns), tuple(rows))


def _floats(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [float(a) for a, _ in points], [float(b) for _, b in points]
