"""Commands over many designs of a network: a sweep of a space, and the best designs within a budget."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convcost.cli.options import (
    AXIS,
    COLUMNS,
    LIMIT,
    NetworkName,
    each_name,
    input_option,
    load_network,
    output_options,
    plot_option,
    say,
    set_option,
    show,
)
from convcost.cli.progress import bar
from convcost.errors import ConvcostError, did_you_mean, one_line

if TYPE_CHECKING:
    from convcost.designs.space import Space

OVER = "NAME=START:STOP:STEP or NAME=VALUE,VALUE: an axis of the space; NAME is a knob, H, W or batch. Repeatable."


@click.command()
@click.argument("networks", type=NetworkName(), nargs=-1, required=True)
@click.option("--over", type=AXIS, multiple=True, metavar="AXIS", help=OVER)
@click.option("--let", multiple=True, metavar="NAME=EXPRESSION", help="A value that follows from others, e.g. W=2*H.")
@click.option("--space", "space_file", type=click.Path(path_type=Path), help="A YAML file of axes: over, let, where.")
@click.option("--where", multiple=True, metavar="CONDITION", help="Keep designs with this only, e.g. 'macs <= 600M'.")
@set_option("Set a knob for all; repeatable.")
@input_option("Input shape, where no axis says it; one each for several  [default: each network's own]")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="Draw this many designs of each network, with replacement (some twice), instead of taking all; at most all.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the sample.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes on this machine.")
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="The scheduler of a Dask cluster to compute on.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="FILE.parquet, FILE.csv or FILE.jsonl.")
@click.option(
    "--pareto",
    type=COLUMNS,
    metavar="COLUMN,COLUMN",
    help="Then print the designs that no other one beats: the least of each column, +H for the most.",
)
@click.option("--maximize", metavar="EXPRESSION", help="Then print the designs of its largest values, e.g. H*width.")
@click.option("--top", type=click.IntRange(min=1, max=10_000), help="Designs to print.  [default: 10, or all]")
@plot_option
@click.option(
    "--front",
    default="macs,params",
    show_default=True,
    metavar="X,Y",
    help="What --plot draws: the designs of least X and Y of all; +X for the most.",
)
@output_options
def sweep(
    networks: tuple[str, ...],
    over: tuple[str, ...],
    let: tuple[str, ...],
    space_file: Path | None,
    where: tuple[str, ...],
    settings: tuple[str, ...],
    input_shape: str | None,
    sample: int | None,
    seed: int,
    workers: int,
    scheduler: str | None,
    out: Path,
    pareto: str | None,
    maximize: str | None,
    top: int | None,
    plot: Path | None,
    front: str,
    format_: str,
    exact: bool,
) -> None:
    """Price every design of a space of NETWORKS, exactly, into one file.

    H or W alone means square inputs. What is done stays when a sweep is stopped: run the same command to go on. Of a
    finished one, --pareto and --maximize print what is found, and compute nothing again.

    Example: convcost sweep mobilenet_v1,mobilenet_v2 --over width=0.5:1.5:0.25 --over H=96:320:32 --out designs.csv
    """
    from convcost.designs import cluster, engines
    from convcost.designs.found import asked
    from convcost.designs.front import goals
    from convcost.designs.run import plan_several, run
    from convcost.designs.store import parts_of
    from convcost.views import sweeps
    from convcost.views.plots import require_picture

    wanted = goals(front)
    if plot is not None:
        require_picture(plot)
    space, conditions = _space(over, let, space_file)
    found = [load_network(name, settings, input_shape) for name in each_name(networks)]
    planned = plan_several(found, space, where=(*conditions, *where), sample=sample, seed=seed, out=out)
    question = asked(pareto, maximize, top, planned)
    if scheduler is not None and workers > 1:
        raise ConvcostError("--workers is for this machine, --scheduler for a cluster: choose one")
    for goal in wanted if plot is not None else ():
        if goal.column not in planned.columns:
            hint = did_you_mean(goal.column, planned.columns) or f"; there are {', '.join(planned.columns)}"
            raise ConvcostError(f"--front: the designs have no {goal.column!r}{hint}")
    engine = cluster.dask(scheduler) if scheduler else engines.processes(workers) if workers > 1 else engines.serial
    try:
        with _stopped_by_signals() as go_on, bar(planned.designs, "designs") as shown:

            def progress(designs: int, before: bool) -> None:
                go_on()
                if shown:
                    shown(designs, before)

            summary = run(planned, out, engine, progress)
    except KeyboardInterrupt:
        parts = parts_of(out)
        if not parts.exists():
            raise ConvcostError("interrupted before any block was done") from None
        raise ConvcostError(f"interrupted; what is done is in {parts}: the same command goes on from there") from None
    before = [f"{summary.resumed:,} of {planned.blocks:,} blocks were done before"] if summary.resumed else []
    before += [f"{summary.damaged:,} damaged and computed again"] if summary.damaged else []
    resumed = f" ({', '.join(before)})" if before else ""
    said = [f"{one_line(str(out))}: {summary.kept:,} of {summary.designs:,} designs{resumed}"]
    if summary.unfit:
        said += [f"{summary.unfit:,} designs do not fit the network; the first is {summary.reason}"]
    if plot is not None:
        drawn = sweeps.draw(", ".join(network.name for network in found), out, wanted, plot)
        said += [f"{one_line(str(plot))}: {drawn}"]
    if question is None:
        say("".join(f"{line}\n" for line in said))
        return
    show(sweeps.of_sweep(planned, question, question.answer(out), said), format_, exact)


@click.command()
@click.argument("networks", type=NetworkName(), nargs=-1, required=True)
@click.option(
    "--max", "limits", type=LIMIT, multiple=True, required=True, metavar="METRIC=COUNT", help="macs=300M; repeatable."
)
@click.option(
    "--over", type=AXIS, multiple=True, required=True, metavar="AXIS", help=f"{OVER} A name alone has a default range."
)
@click.option("--let", multiple=True, metavar="NAME=EXPRESSION", help="A value that follows from others, e.g. W=2*H.")
@click.option("--maximize", metavar="EXPRESSION", help="List the designs from the largest value of this, e.g. H*width.")
@click.option("--pareto", is_flag=True, help="List the designs of which no axis can grow alone.  [default]")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="Designs to list of --maximize.")
@set_option("Set a knob for all; repeatable.")
@input_option("Input shape, where no axis says it; one each for several  [default: each network's own]")
@plot_option
@output_options
def solve(
    networks: tuple[str, ...],
    limits: tuple[str, ...],
    over: tuple[str, ...],
    let: tuple[str, ...],
    maximize: str | None,
    pareto: bool,
    top: int,
    settings: tuple[str, ...],
    input_shape: str | None,
    plot: Path | None,
    format_: str,
    exact: bool,
) -> None:
    """Find the designs of NETWORKS that use a budget best, exactly.

    H or W alone means square inputs. A limit is on params, macs, activations, peak_memory, memory by a rule and a type
    (arena_int8), the least time on a machine (latency_t4_int8) or what a tool
    counts (fvcore).

    Example: convcost solve mobilenet_v1 --max macs=300M --over width --over H
    """
    from itertools import islice

    from convcost.designs.budget import limits_of
    from convcost.designs.run import check
    from convcost.designs.solve import Problem, axis_of
    from convcost.designs.space import parse_derived, space_of
    from convcost.views.solutions import draw, table

    if maximize and pareto:
        raise ConvcostError("--maximize and --pareto are two questions: choose one")
    names = each_name(networks)
    if plot is not None and len(names) > 1:
        raise ConvcostError("--plot draws the designs of one network")
    most, found = limits_of(limits), []
    for name in names:
        network = load_network(name, settings, input_shape)
        space = space_of([axis_of(network, axis) for axis in over], [parse_derived(text) for text in let])
        check(network, space)
        problem = Problem(network, space, most)
        found.append((problem, [*islice(problem.best(maximize), top)] if maximize else problem.frontier()))
    if plot is not None:
        draw(*found[0], plot)
    show(table(found, maximize, top if maximize else None), format_, exact)


def _space(over: tuple[str, ...], let: tuple[str, ...], file: Path | None) -> tuple[Space, list[str]]:
    from convcost.designs.space import parse_axis, parse_derived, read_space, space_of

    axes, derived, where = read_space(file) if file else ([], [], [])
    axes += map(parse_axis, over)
    derived += map(parse_derived, let)
    return space_of(axes, derived), where


@contextmanager
def _stopped_by_signals() -> Iterator[Callable[[], None]]:
    """SIGTERM and SIGHUP are as Ctrl-C, unless somebody (nohup) has decided otherwise, and once is enough.

    A terminal and a wrapper that forwards it send Ctrl-C twice within milliseconds: what ends the sweep then, in little
    time, is not stopped halfway. Python drops an interruption that comes while it lets go of an object, in a callback
    of a weak reference or `__del__`: whoever goes on calls what this yields, which interrupts then.
    """
    usual = {"SIGINT": signal.default_int_handler, "SIGTERM": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL}
    before = {
        number: handler
        for name, handler in usual.items()
        if (number := getattr(signal, name, None)) is not None and signal.getsignal(number) is handler
    }
    if threading.current_thread() is not threading.main_thread():  # which alone may say so
        before = {}
    stopped = False  # no Event: a second signal that comes within its `set` would wait for the first one's lock

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        for number in before:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    def go_on() -> None:
        if stopped:
            raise KeyboardInterrupt

    told = sys.unraisablehook

    def tell(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is not KeyboardInterrupt:  # which go_on() raises again
            told(dropped)

    for number in before:
        signal.signal(number, stop)
    sys.unraisablehook = tell
    try:
        yield go_on
    finally:
        sys.unraisablehook = told
        for number, handler in before.items():
            if signal.getsignal(number) is stop:  # a stopped command ends now, and says so: that is not stopped, either
                signal.signal(number, handler)
