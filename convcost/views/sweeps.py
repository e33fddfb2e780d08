"""What a sweep has found, as a picture: its designs over two columns, and those that none is better than."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from convcost.designs.front import Goal, Point, front
from convcost.errors import ConvcostError
from convcost.render.numbers import in_full, short
from convcost.views.plots import COLORS, drawn, ticks


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


def _floats(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [float(a) for a, _ in points], [float(b) for _, b in points]
