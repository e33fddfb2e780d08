"""What `solve` finds, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from convcost.cost.quantities import quantity
from convcost.designs.solve import Problem, Solution
from convcost.errors import ConvcostError
from convcost.render.numbers import short
from convcost.render.table import Cell, Column, Row, Table, Value
from convcost.values import show
from convcost.views.plots import drawn, ticks


def table(found: Sequence[tuple[Problem, Sequence[Solution]]], objective: str | None, top: int | None = None) -> Table:
    """The designs of each problem in order, with their costs and what they use of each limit.

    Of several networks, the budget is one, and each design says its network; those of an objective stand in its order,
    `top` of all.
    """
    first = found[0][0]
    listed = [(problem, solution) for problem, solutions in found for solution in solutions]
    if objective and len(found) > 1:
        listed.sort(key=lambda one: -Fraction(one[1].objective or 0))
    names = first.space.names
    columns = [Column("network", "network", wrap=True)] if len(found) > 1 else []
    columns += [Column(name, name, align="right") for name in names]
    columns += map(quantity_column, first.quantities(objective))
    columns += [Column(f"{metric}_used", f"of {metric}", "percent", drop=1) for metric in first.limits]
    columns += [Column("objective", objective, align="right")] if objective else []
    rows = []
    for problem, solution in listed[:top]:
        value = solution.objective
        cells: list[Value | Cell] = [problem.network.reference] if len(found) > 1 else []
        cells += [show(solution.values[name]) for name in names]
        cells += solution.costs.values()
        cells += [Fraction(solution.costs[name], limit) if limit else None for name, limit in first.limits.items()]
        rows.append(Row((*cells, None if value is None else Fraction(value)) if objective else tuple(cells)))
    spaces = dict.fromkeys(f"{problem.space} ({problem.space.size:,} designs)" for problem, _ in found)
    above = (
        ("network", ", ".join(problem.network.reference for problem, _ in found)),
        ("limits", ", ".join(f"{name} <= {limit:,}" for name, limit in first.limits.items())),
        ("space", " | ".join(spaces)),
        ("listed", f"from the largest {objective}" if objective else "designs of which no axis can grow alone"),
    )
    notes = tuple(
        (f"{problem.network.reference}: " if len(found) > 1 else "") + _why_none(problem)
        for problem, solutions in found
        if not solutions
    )
    return Table("Designs within a budget", above, tuple(columns), tuple(rows), notes)


def quantity_column(name: str) -> Column:
    """The column of a quantity."""
    unit = quantity(name).unit
    title = name.replace("_", " ") if unit else name
    kind: Literal["bytes", "count"] = "bytes" if unit == "bytes" else "count"
    return Column(f"{name}_{unit}" if unit else name, f"{title} ns" if unit == "ns" else title, kind, wrap=True)


def _why_none(problem: Problem) -> str:
    """What the nearest design has too much of, where no design is within the limits."""
    none = "no design of this space is within the limits"
    nearest = problem.nearest()
    if nearest is None:
        return none
    over = [
        f"{name} {nearest.costs[name]:,} > {limit:,}"
        for name, limit in problem.limits.items()
        if nearest.costs[name] > limit
    ]
    at = ", ".join(f"{name}={show(value)}" for name, value in nearest.values.items())
    return f"{none}; the nearest, {at}, has {' and '.join(over)}" if over else none


def draw(problem: Problem, solutions: Sequence[Solution], path: Path) -> None:
    """The designs as a picture: over the first two numeric axes, or if there is one, over it and the first limit.

    Raises ConvcostError if there is nothing to draw, and as `convcost.views.plots.drawn` does.
    """
    axes = [axis.name for axis in problem.space.axes if axis.numeric]
    metric = next(iter(problem.limits))
    values: list[dict[str, Any]] = [{**solution.values, **solution.costs} for solution in solutions]
    x, y = (axes[0], axes[1]) if len(axes) > 1 else ((*axes, "")[0], metric)
    limits = ", ".join(f"{name} <= {limit:,}" for name, limit in problem.limits.items())
    with drawn(path, (6.4, 4.4)) as figure:
        if not axes or not solutions:
            raise ConvcostError(f"{path}: there is nothing to draw")
        plot = figure.add_subplot(xlabel=x, ylabel=y)
        plot.set_title(f"{problem.network.reference}, {limits}", loc="left", fontweight="bold")
        points = plot.scatter(
            [float(one[x]) for one in values],
            [float(one[y]) for one in values],
            c=[float(one[metric]) for one in values],
            cmap="cividis",
        )
        ticks(figure.colorbar(points, label=metric).ax.yaxis, short)
        for axis in (plot.xaxis, plot.yaxis):
            ticks(axis, short)
        plot.grid(visible=True)
