"""Areas in proportion to counts, scopes within scopes, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from html import escape
from typing import NamedTuple

from convcost.counters.line import Line
from convcost.errors import one_line
from convcost.render.numbers import percent, short

WIDTH, HEIGHT = 960, 420
_SMALL = 900
"""Square pixels below which a tile is not cut into its parts."""
_COLORS = ("#9ecae1", "#fdd0a2", "#a1d99b", "#dadaeb", "#f7b6d2", "#d9d9d9", "#c7e9c0", "#fdae6b")


class Tile(NamedTuple):
    """A scope or layer with a count, and its parts."""

    name: str
    amount: int
    parts: tuple[Tile, ...] = ()


def tiles(rows: Sequence[Line], counts: Mapping[str, int]) -> tuple[Tile, ...]:
    """The scopes of rows with their counts, `counts` being each row's; what has none is left out."""

    def of(names: Sequence[str], depth: int) -> tuple[Tile, ...]:
        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault("/".join(name.split("/")[:depth]), []).append(name)
        found = []
        for scope, members in groups.items():
            if count := sum(counts[name] for name in members):
                found.append(Tile(scope, count, () if members == [scope] else of(members, depth + 1)))
        return tuple(found)

    return of([row.name for row in rows if not row.aux], 1)


def svg(found: Sequence[Tile], quantity: str) -> str:
    """The tiles as a picture; what a tile is stands in it where it has room, and in its title in any case."""
    total = sum(tile.amount for tile in found)
    drawn: list[str] = []
    for number, (tile, box) in enumerate(_placed(found, (0.0, 0.0, float(WIDTH), float(HEIGHT)))):
        drawn += _drawn(tile, box, _COLORS[number % len(_COLORS)], total, quantity)
    label = f"Treemap of {quantity} by scope"
    return f'<svg class="treemap" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


_Box = tuple[float, float, float, float]


def _drawn(tile: Tile, box: _Box, color: str, total: int, quantity: str) -> Iterator[str]:
    x, y, width, height = box
    said = f"{short(tile.amount)} {quantity}, {percent(Fraction(tile.amount, total))}"
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    name = escape(one_line(tile.name))
    yield f'<g><title>{name}: {said}</title><rect {place} fill="{color}" stroke="#fff"/>'
    room = 18 if tile.name.count("/") == 0 and height > 40 and width > 8 * len(tile.name) else 0
    if room or (not tile.parts and height > 14 and width > 6.5 * len(tile.name.rpartition("/")[2])):
        text = escape(one_line(tile.name.rpartition("/")[2] if not room else tile.name))
        yield f'<text x="{x + 4:.1f}" y="{y + 13:.1f}">{text}</text>'
    yield "</g>"
    if tile.parts and width * height > _SMALL:
        for part, inner in _placed(tile.parts, (x + 1, y + room, width - 2, height - room - 1)):
            yield from _drawn(part, inner, color, total, quantity)


def _placed(found: Sequence[Tile], box: _Box) -> Iterator[tuple[Tile, _Box]]:
    """Each tile's place: the longer side is cut so that each half has its share, in the tiles' own order."""
    x, y, width, height = box
    if len(found) == 1:
        yield found[0], box
    if len(found) < 2:
        return
    total = sum(tile.amount for tile in found)
    so_far, cut = 0, 1
    for number, tile in enumerate(found[:-1], 1):
        if number > 1 and 2 * so_far >= total:
            break
        so_far, cut = so_far + tile.amount, number
    share = so_far / total
    if width >= height:
        yield from _placed(found[:cut], (x, y, width * share, height))
        yield from _placed(found[cut:], (x + width * share, y, width * (1 - share), height))
    else:
        yield from _placed(found[:cut], (x, y, width, height * share))
        yield from _placed(found[cut:], (x, y + height * share, width, height * (1 - share)))
