"""How far a long command is: a bar on standard error where a person is looking, and nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from convcost.errors import one_line

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")


@contextmanager
def bar(total: int, what: str) -> Iterator[Bar | None]:
    """A bar of so many things, `what` being several of them: designs. None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, total, what)


class Bar:
    """A bar that is shown."""

    def __init__(self, progress: Progress, total: int, what: str) -> None:
        self._progress = progress
        self._left = total
        self._what = what
        self._task = progress.add_task("", total=total, rate="")

    def doing(self, name: str) -> None:
        """Say what is being done."""
        self._progress.update(self._task, description=one_line(name))

    def __call__(self, count: int = 1, before: bool = False) -> None:
        """So many more are done, or were `before`: those are no part of the rate."""
        if before:
            self._left -= count
            self._progress.update(self._task, total=self._left)
            return
        self._progress.update(self._task, advance=count)
        speed = self._progress.tasks[self._task].speed
        rate = f"{speed:,.{0 if speed >= 10 else 1}f} {self._what}/s" if speed else ""
        self._progress.update(self._task, rate=rate)


def each(items: Sequence[Item], what: str, name: Callable[[Item], str] = str) -> Iterator[Item]:
    """The same items, one by one, with a bar that says which one it is at."""
    if len(items) < 2:
        yield from items
        return
    with bar(len(items), what) as shown:
        for item in items:
            if shown:
                shown.doing(name(item))
            yield item
            if shown:
                shown()
