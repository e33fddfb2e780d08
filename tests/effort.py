"""How much processor time something takes, in a unit of this machine's speed: no test asserts on seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")

BOUNDED = 450
"""Spins that bad input may take: 2 seconds on the machine on which a spin takes 4.4 ms."""


def spin() -> object:
    """A fixed amount of plain Python: 4.4 ms of processor time where the limits were set."""
    return {f"layer/{i}": (i, (i, i + 1), [i]) for i in range(10_000)}


def warm(function: Callable[[], object]) -> Callable[[], float]:
    """A function that runs this one, and says in seconds how much processor time that took."""

    def once() -> float:
        started = time.process_time()
        function()
        return time.process_time() - started

    return once


def in_turn(rounds: int, *timed: Callable[[], float]) -> list[float]:
    """The median of each, measured in turn so that a machine whose speed drifts does not favour one."""
    return [median(column) for column in zip(*([one() for one in timed] for _ in range(rounds)), strict=True)]


def fastest(rounds: int, *timed: Callable[[], float]) -> list[float]:
    """The least of each, measured in turn: what else the machine does can only add to it."""
    return [min(column) for column in zip(*([one() for one in timed] for _ in range(rounds)), strict=True)]


def shallow(function: Callable[..., T], *arguments: Any) -> T:
    """What a function returns on a stack of its own.

    Python 3.11 keeps frames in chunks, and a call across the end of one takes many times as long: below pytest's 50
    frames the same code took from 1.0 to 2.0 times as long, by how deep it stood.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


@cache
def spin_seconds() -> float:
    """Of processor time that a spin takes on this machine."""
    return in_turn(15, warm(spin))[0]


def bounded(seconds: float) -> bool:
    """Whether that is as little as bad input may take."""
    return seconds <= BOUNDED * spin_seconds()
