"""Names of scopes, `conv2_x/1/residual/conv`, in less room: each part is cut to what tells it from those beside it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

_PART = 3
"""Characters that a part keeps in any case."""


def shortened(names: Sequence[str], room: int | None = None) -> list[str]:
    """The names, all their parts cut alike until the longest fits into the room, or else as far as may be.

    A part keeps at least three characters, and as many as tell it from every other part beside it, so that no two names
    become one, and none becomes another's. Without a room they are cut as far as may be.
    """
    parts = [name.split("/") for name in names]
    least: dict[tuple[str, ...], int] = {}
    beside: dict[tuple[str, ...], set[str]] = {}
    for path in parts:
        for depth, part in enumerate(path):
            beside.setdefault(tuple(path[:depth]), set()).add(part)
    for scope, siblings in beside.items():
        ordered = ["", *sorted(siblings), ""]
        for before, part, after in zip(ordered, ordered[1:], ordered[2:], strict=False):
            # In order, the part that is most alike is beside it.
            telling = max(_alike(before, part), _alike(part, after))
            least[*scope, part] = telling + 1 + part.startswith("_", telling)  # conv_2, not conv_

    def cut(size: int) -> list[str]:
        return [
            "/".join(part[: max(size, least[tuple(path[: depth + 1])])] for depth, part in enumerate(path))
            for path in parts
        ]

    longest = max((len(part) for path in parts for part in path), default=0)
    for size in range(longest, _PART, -1) if room is not None else ():
        if max(map(cell_len, found := cut(size)), default=0) <= (room or 0):
            return found
    return cut(_PART)


def _alike(a: str, b: str) -> int:
    """How many characters two texts begin with alike."""
    for n, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return n
    return min(len(a), len(b))
