"""Layers of two networks side by side: which are the same, and which stand in the place of which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

WINDOW = 40
"""How many layers ahead are looked at to tell a replaced layer from one put in or left out."""
Pair = tuple[int | None, int | None]
"""A layer of ours and the one of theirs in its place, by number; None where there is none."""


class Aligned(Protocol):
    """A layer that can be aligned: what it is, and where its input comes from."""

    @property
    def sources(self) -> frozenset[int]:
        """The layers, by number, whose outputs reach its input with no other layer in between."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What is the same of the same layer: as many fields of each."""


def align(ours: Sequence[Aligned], theirs: Sequence[Aligned]) -> tuple[dict[int, int], list[Pair]]:
    """Which layers are the same, ours to theirs, and the pairs that differ, in execution order.

    The same are layers that are equal, as is all that comes before them. The first that are not are paired off, and
    from there on pass for the same, so that one difference is not found again in all that comes after it.
    """
    settled: list[Pair] = []
    while True:
        seen: dict[object, int] = {}
        waiting: dict[int, list[int]] = {}
        for number, history in _histories(theirs, {j: pair for pair in settled if (j := pair[1]) is not None}, seen):
            waiting.setdefault(history, []).append(number)
        same, left = {}, []
        for number, history in _histories(ours, {i: pair for pair in settled if (i := pair[0]) is not None}, seen):
            if waiting.get(history):
                same[number] = waiting[history].pop(0)
            else:
                left.append(number)
        others = sorted(number for numbers in waiting.values() for number in numbers)
        if not left and not others:
            return same, settled
        left, others = left[:WINDOW], others[:WINDOW]
        i, j = _first_pair([ours[k].key for k in left], [theirs[k].key for k in others])
        settled.append((None if i is None else left[i], None if j is None else others[j]))


def _histories(
    layers: Sequence[Aligned], settled: Mapping[int, Pair], seen: dict[object, int]
) -> Iterator[tuple[int, int]]:
    """For each layer by number a number for it and all that comes before it: the same for the same.

    A settled pair passes for the same layer; one that has no partner is left out, and its sources looked through to.
    """
    reaching: list[frozenset[int]] = []
    for number, layer in enumerate(layers):
        before = frozenset[int]().union(*(reaching[i] for i in layer.sources))
        pair = settled.get(number)
        if pair is not None and None in pair:
            reaching.append(before)
            continue
        history = seen.setdefault(pair or (layer.key, before), len(seen))
        reaching.append(frozenset((history,)))
        if pair is None:
            yield number, history


def _first_pair(a: Sequence[tuple[object, ...]], b: Sequence[tuple[object, ...]]) -> Pair:
    """The first pair of the alignment of two sequences that has the fewest differences: an edit distance.

    A layer put in or left out costs as much as one that differs in all but two of its fields.
    """
    gap = (len((*a, *b)[0]) - 2) / 2 if a or b else 0
    distance = [[gap * (len(a) + len(b) - i - j) for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            replaced = sum(p != q for p, q in zip(a[i], b[j], strict=True)) + distance[i + 1][j + 1]
            distance[i][j] = min(replaced, distance[i + 1][j] + gap, distance[i][j + 1] + gap)
    if not a or (b and distance[0][0] == distance[0][1] + gap):
        return None, 0
    if not b or distance[0][0] == distance[1][0] + gap:
        return 0, None
    return 0, 0
