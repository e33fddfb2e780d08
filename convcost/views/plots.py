"""Results as plots: bars of layers or scopes, a machine's roof, designs within a budget; one style for all.

Colours are Okabe's and Ito's, which the colour-blind tell apart, and what stands side by side has hatches, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.machine import Machine, roofline
from convcost.cost.memory import Types, moments
from convcost.cost.training import training
from convcost.counters.line import Line
from convcost.counters.rules import params_and_ops
from convcost.errors import ConvcostError, MissingExtraError, one_line
from convcost.files.writing import atomically
from convcost.render.numbers import in_bytes, short
from convcost.render.scopes import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURES = (".svg", ".png")
MANY = 40
"""Bars of a plot without a depth, at most."""
COLORS = ("#0072b2", "#e69f00", "#009e73")
_HATCHES = ("", "////", "....")
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "convcost",  # with its own ids and without a date, the same numbers make the same file
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "hatch.color": "#ffffff",
    "text.parse_math": False,  # a name's dollar is a dollar
}


class Series(NamedTuple):
    """Values of bars that stand one behind the other."""

    name: str
    values: Sequence[int]


class Panel(NamedTuple):
    """Bars over one axis, of several series end to end."""

    title: str
    series: Sequence[Series]
    say: Callable[[int | Fraction], str] = short


def layers(cost: Cost, depth: int | None, as_: str, path: Path, *, only: Collection[str] = ()) -> None:
    """Params and operations of each layer, or scope, by a rule. Raises ConvcostError as `drawn` does."""
    params, ops = params_and_ops(as_)
    lines = _folded(cost, depth, only)
    panels = [Panel(rule.name, [Series("", [rule.of(line) for line in lines])]) for rule in (ops, params)]
    _bars(path, f"Layers of {cost.graph.name}", [line.name for line in lines], panels)


def memory(cost: Cost, depth: int | None, types: Types, path: Path, *, in_place: bool) -> None:
    """Bytes that are alive while each layer runs, the most in a scope. Raises ConvcostError as `drawn` does."""
    found = {one.line.name: types.alive(one) for one in moments(cost, in_place=in_place)}
    lines = [line for line in _folded(cost, depth) if not line.aux]
    alive = [max(found[row.name] for row in line.rows) for line in lines]
    title = f"Memory of {cost.graph.name}: {in_bytes(max(alive), exact=False)} at the peak"
    _bars(path, title, [line.name for line in lines], [Panel("alive", [Series("", alive)], _bytes)])


def train(cost: Cost, depth: int | None, path: Path) -> None:
    """Multiply-adds of a step of training, end to end. Raises ConvcostError as `drawn` does."""
    steps = {step.line.name: step for step in training(cost)}
    lines = _folded(cost, depth)
    series = [
        Series(name.replace("_", " "), [sum(getattr(steps[row.name], name) for row in line.rows) for line in lines])
        for name in ("forward", "input_gradient", "weight_gradient")
    ]
    _bars(path, f"A training step of {cost.graph.name}", [line.name for line in lines], [Panel("macs", series)])


def machine(cost: Cost, on: Machine, dtype: str, path: Path) -> None:
    """Each layer under the roof of a machine: operations per byte, and the most per second. Raises as `drawn` does."""
    found = [bound for bound in roofline(cost, on, dtype).layers if bound.operations and bound.bytes]
    least = sum((bound.seconds for bound in found), Fraction(0)) or Fraction(1)
    with drawn(path, (6.4, 4.2)) as figure:
        plot = figure.add_subplot(
            xscale="log", yscale="log", xlabel="operations per byte", ylabel="operations per second"
        )
        plot.set_title(f"Roofline of {cost.graph.name}, in {dtype}", loc="left", fontweight="bold")
        for (limit, marker), color in zip((("compute", "o"), ("bandwidth", "s")), COLORS, strict=False):
            these = [bound for bound in found if bound.limit == limit]
            plot.scatter(
                [float(bound.intensity) for bound in these],
                [float(bound.operations / bound.seconds) for bound in these],
                [12 + 400 * float(bound.seconds / least) for bound in these],
                color=color, marker=marker, alpha=0.6, linewidths=0, label=f"bound by {limit}",
            )  # fmt: skip
        balance = float(Fraction(on.flops) / on.bandwidth)
        ends = [min([float(b.intensity) for b in found], default=1) / 2, balance]
        ends.append(max([balance, *(float(b.intensity) for b in found)]) * 2)
        plot.plot(ends, [min(float(on.flops), float(on.bandwidth) * x) for x in ends], color="#555555", linewidth=1)
        ticks(plot.xaxis, short)
        ticks(plot.yaxis, short)
        plot.grid(visible=True)
        plot.legend(frameon=False, loc="lower right", title="area: share of time", markerscale=0.8)


def require_picture(path: Path) -> None:
    """Raise ConvcostError for a file whose name ends in no PICTURES."""
    if path.suffix.lower() not in PICTURES:
        raise ConvcostError(f"{path}: a picture's name ends in {' or '.join(PICTURES)}")


@contextmanager
def drawn(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """A figure to draw on, which is then written as its file's name ends.

    Raises ConvcostError for a file that is neither .svg nor .png or cannot be written, and MissingExtraError without
    matplotlib.
    """
    require_picture(path)
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError:
        raise MissingExtraError("matplotlib", "plot") from None
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(wspace=0.06))  # 300M and the next 0 stay apart
        yield figure
        buffer = BytesIO()
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {}
        figure.savefig(buffer, format=path.suffix[1:].lower(), metadata=metadata, dpi=150)
    try:
        with atomically(path) as file:
            file.write(buffer.getvalue())
    except OSError as error:
        raise ConvcostError(f"{path}: {error.strerror or error}") from None


def _bars(path: Path, title: str, names: Sequence[str], panels: Sequence[Panel]) -> None:
    """Bars from top to bottom, a line each, so that no two labels meet; panels side by side. What has none has no line.

    Raises ConvcostError if there is nothing to draw.
    """
    some = [any(series.values[i] for panel in panels for series in panel.series) for i in range(len(names))]
    names = [one_line(name) for name, has in zip(names, some, strict=True) if has]
    if not names:
        raise ConvcostError(f"{path}: there is nothing to draw")
    with drawn(path, (3.2 + 2.6 * len(panels), 1.2 + 0.19 * len(names))) as figure:
        figure.suptitle(one_line(title), x=0.01, ha="left", fontweight="bold")
        plots: Iterable[Axes] = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        places = range(len(names))
        for plot, panel in zip(plots, panels, strict=True):
            left = [0.0] * len(names)
            for series, color, hatch in zip(panel.series, COLORS, _HATCHES, strict=False):
                widths = [float(value) for value, has in zip(series.values, some, strict=True) if has]
                plot.barh(places, widths, left=left, color=color, hatch=hatch, height=0.75, label=series.name)
                left = [a + b for a, b in zip(left, widths, strict=True)]
            plot.set_xlabel(panel.title)
            plot.set_ylim(len(names) - 0.5, -0.5)
            plot.set_yticks(places, shortened(names, 28))
            plot.tick_params(axis="y", length=0)
            plot.locator_params(axis="x", nbins=5)
            plot.margins(x=0.02)
            plot.grid(visible=True, axis="x")
            ticks(plot.xaxis, panel.say)
            if len(panel.series) > 1:
                plot.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)


def _folded(cost: Cost, depth: int | None, only: Collection[str] = ()) -> list[Line]:
    """The lines of a depth; without one, of the deepest with at most MANY lines."""
    if depth is not None:
        return cost.lines(depth, only=only)
    deepest = max(name.count("/") + 1 for name in cost.graph.names)
    found = (cost.lines(d, only=only) for d in range(deepest, 0, -1))
    return next((lines for lines in found if len(lines) <= MANY), cost.lines(1, only=only))


def ticks(axis: Any, say: Callable[[int | Fraction], str]) -> None:
    """Ticks as people write numbers: 240M."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: _plain(say(Fraction(value).limit_denominator(10**6)))))
    axis.set_minor_formatter(NullFormatter())


def _plain(text: str) -> str:
    """Without zeros behind the point: 1.5G of 1.50G."""
    number = text.rstrip("KMGTPEZY B")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + text[len(number) :]


def _bytes(value: int | Fraction) -> str:
    return in_bytes(value, exact=False)
