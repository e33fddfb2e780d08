"""Fits: which candidates print the cells of a row under which readings, kept once for all that fit alike.

Most of the hundreds of things that a row may be about print none of its cells, and most of the thousands of ways to
read a column print none of them either. So candidates that fit every cell alike are one group, and readings under which
every group fits a cell alike are one pattern: searches go through groups and patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

HIT, NEARLY, MISS = range(3)
"""How a candidate fits a cell under a reading: it prints it, but for one in the last digit, or otherwise."""


class Bounds(NamedTuple):
    """The least and the greatest count that each way prints as a cell has it: arrays (2, ways)."""

    exact: Any
    nearly: Any
    """Of one unit of the last digit more or less."""


class Fits(NamedTuple):
    """How the candidates of a row fit its cells."""

    first: Any
    """A candidate of each group."""
    order: Any
    starts: Any
    """The candidates in the order of their groups, and where each group begins."""
    kinds: Any
    """Of each group, the kind that its candidates were said to be of: (groups,), in ascending order."""
    states: Sequence[Any]
    """Of each cell, how each group fits it in each pattern: int8 (groups, patterns)."""
    pattern: Sequence[Any]
    """Of each cell, the pattern of each reading."""

    def least(self, values: Any) -> Any:
        """The least of what the candidates of each group have."""
        import numpy as np

        return np.minimum.reduceat(values[self.order], self.starts)


class _Cell(NamedTuple):
    """The fits of a cell that are no misses: of which candidate, under which rule and part, by each way."""

    candidate: Any
    rule: Any
    states: Any
    """(fits, ways)"""


def fits_of(counts: Sequence[Any], bounds: Sequence[Bounds], kinds: Any) -> Fits:
    """Which candidates print as the cells of a row do, those that fit alike in one group.

    Args:
        counts: of each cell, what each candidate comes to: (candidates, measures x parts).
        bounds: of each cell.
        kinds: whole numbers of the candidates; those of different ones are never in one group.
    """
    import numpy as np

    random = np.random.default_rng(0)
    cells = [_fitting(count, bound) for count, bound in zip(counts, bounds, strict=True)]
    # What fits alike has the same sum of random words, and hardly anything else: one chance in 2^64.
    words = _words(random, int(kinds.max()) + 1)[kinds]
    for cell, count in zip(cells, counts, strict=True):
        of = _words(random, count.shape[1] * cell.states.shape[1]).reshape(count.shape[1], -1)[cell.rule]
        np.add.at(words, cell.candidate, (of * (MISS - cell.states).astype("uint64")).sum(axis=1))
    _, first, group = np.unique(words, return_index=True, return_inverse=True)
    place = np.argsort(kinds[first], kind="stable")
    rank = np.empty_like(place)
    rank[place] = np.arange(len(place))
    first, group = first[place], rank[group]
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(first)))
    states, pattern = [], []
    row = np.full(len(kinds), -1)
    row[first] = np.arange(len(first))
    for cell, count in zip(cells, counts, strict=True):
        of_first = row[cell.candidate] >= 0
        where, rule, state = row[cell.candidate[of_first]], cell.rule[of_first], cell.states[of_first]
        words = np.zeros((count.shape[1], cell.states.shape[1]), dtype="uint64")
        np.add.at(words, rule, _words(random, len(first))[where][:, None] * (MISS - state).astype("uint64"))
        _, reading, of = np.unique(words.reshape(-1), return_index=True, return_inverse=True)
        whole = np.full((len(first), *words.shape), MISS, dtype="int8")
        whole[where, rule] = state
        states.append(np.ascontiguousarray(whole.reshape(len(first), -1)[:, reading]))
        pattern.append(of.astype("int32"))
    return Fits(first, order, starts, kinds[first], states, pattern)


def _words(random: Any, count: int) -> Any:
    import numpy as np

    return random.integers(0, 2**64, count, dtype=np.uint64)


def _fitting(counts: Any, bounds: Bounds) -> _Cell:
    """What fits a cell by any of its ways."""
    import numpy as np

    (low, high), (least, most) = bounds.exact, bounds.nearly
    candidate, rule = np.nonzero((counts >= min(least.min(), low.min())) & (counts <= max(most.max(), high.max())))
    value = counts[candidate, rule][:, None]
    states = np.full((len(value), low.shape[0]), MISS, dtype="int8")
    states[(value >= least) & (value <= most)] = NEARLY
    states[(value >= low) & (value <= high)] = HIT
    some = (states != MISS).any(axis=1)
    return _Cell(candidate[some], rule[some], states[some])
