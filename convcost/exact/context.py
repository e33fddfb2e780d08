"""Which assumptions about symbols are in force: what every cache of what is built or asked under them is keyed by."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Assumed(Protocol):
    """Assumptions, as caches know them; see `convcost.exact.poly.assume`."""

    epoch: object


current: ContextVar[Assumed | None] = ContextVar("assumptions", default=None)
"""The assumptions in force, if any."""


def in_force() -> object:
    """A key for what is found out now: another one within other assumptions, and once some are given up again."""
    assumed = current.get()
    return None if assumed is None else assumed.epoch
