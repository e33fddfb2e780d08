"""The table on a terminal. Colour only repeats what the glyphs say.

rich's own table cuts numbers where space is short, and takes a third of a millisecond per row; so the widths
are settled here, and rich measures, breaks and colours.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.text import Text

from convcost.errors import one_line
from convcost.render.table import Column, Table
from convcost.render.text import encodable, readable

_GUTTERS = (2, 1)
_NARROW = 12  # what a column that wraps keeps of its width, or more for a number to stay whole
_COMFORTABLE = 30  # what sentences, twice as long or longer, keep while a column can be left out
_LONG_NUMBER = re.compile(r"\d,\d{3}(?!\d)")
_COLORS = {"good": Style(color="green"), "bad": Style(color="red"), "muted": Style(dim=True), None: Style()}
_BOLD = Style(bold=True)


def terminal(table: Table, *, exact: bool, width: int, color: bool, encoding: str) -> str:
    """At most `width` wide, unless the columns that may neither wrap nor be left out need more: numbers stay
    whole.
    """

    def say(text: str) -> str:
        return encodable(one_line(text), encoding)

    grid, below = readable(table, exact=exact)
    titles = [say(column.title) for column in table.columns]
    texts: list[list[str]] = []  # by column
    for i, column in enumerate(table.columns):
        suffixes = [encodable(row[i].suffix, encoding) for row in grid]
        # Digits stand under digits, whether a mark follows or not.
        tail = max(map(len, suffixes), default=0) if column.right else 0
        values = [encodable(row[i].value, encoding) for row in grid]
        texts.append([value + suffix.ljust(tail) for value, suffix in zip(values, suffixes, strict=True)])
    natural = [
        max(map(cell_len, [*cells, *map(str.rstrip, _pieces(title, "/"))]))
        for cells, title in zip(texts, titles, strict=True)
    ]

    def longest_word(i: int) -> int:
        parts = chain.from_iterable(map(_pieces, texts[i])) if table.columns[i].wrap else texts[i]
        return max(cell_len(part.rstrip()) for part in [*parts, *_pieces(titles[i])])

    def least(i: int) -> int:
        if not table.columns[i].wrap:
            return natural[i]
        words = chain.from_iterable(_pieces(text) for text in texts[i] if _LONG_NUMBER.search(text))
        longest = max((cell_len(word.rstrip()) for word in words if _LONG_NUMBER.search(word)), default=0)
        return min(natural[i], width, max(_NARROW, longest))

    kept, widths, gutter = _fit(table.columns, natural, least, longest_word, width)
    if left_out := [title for i, title in enumerate(titles) if i not in kept]:
        below.append(f"Left out at a width of {width}: {', '.join(left_out)}.")

    def line(cells: Iterable[str], styles: Iterable[Style], *, hang: bool = False) -> None:
        """Add a row to the body, as high as its highest cell; with `hang` cells stand on its last line."""
        folded = [_fold(cell, size) for cell, size in zip(cells, widths, strict=True)]
        height = max(map(len, folded))
        for number in range(height):
            for i, lines, size, style in zip(kept, folded, widths, styles, strict=True):
                at = number - (height - len(lines) if hang else 0)
                text = lines[at] if 0 <= at < len(lines) else ""
                space = " " * (size - cell_len(text))
                body.append(Segment(space + text if table.columns[i].right else text + space, style))
                body.append(Segment(" " * gutter))
            body[-1] = Segment.line()

    rule = [Segment(encodable("─", encoding) * (sum(widths) + gutter * (len(widths) - 1))), Segment.line()]
    body: list[Segment] = []
    line([titles[i] for i in kept], [_BOLD] * len(kept), hang=True)
    body += rule
    for number, row in enumerate(table.rows):
        if row.kind != "row" and number:
            body += rule
        base = Style() if row.kind == "row" else _BOLD
        line([texts[i][number] for i in kept], [base + _COLORS[grid[number][i].style] for i in kept])

    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        height=25,  # with both sizes given, rich asks no terminal
        force_terminal=color,
        force_jupyter=False,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
    )
    console.print(Text(say(table.title), style="bold"))
    for name, value in table.header:
        console.print(Text.assemble((f"{say(name)}: ", "dim"), say(value)))
    console.print()
    console.print(Segments(body), soft_wrap=True, end="")
    if below:
        console.print()
    for note in below:
        console.print(Text(encodable(note, encoding)))
    return "".join(f"{text.rstrip()}\n" for text in out.getvalue().split("\n")[:-1])


def _fit(
    columns: Sequence[Column],
    natural: Sequence[int],
    least_of: Callable[[int], int],
    longest_word: Callable[[int], int],
    width: int,
) -> tuple[list[int], list[int], int]:
    """Which columns fit into the width, how wide each is, and the space between them.

    The wrapping columns give way first, then the space, then whole columns, and then titles and the wrapping columns
    again, down to their longest word. What may not go stays, too wide if it must be.
    """
    kept = list(range(len(columns)))
    floors = list(map(least_of, kept))
    while True:
        least = [floors[i] for i in kept]
        rooms = [(width - gutter * (len(kept) - 1), gutter) for gutter in _GUTTERS]
        room, gutter = next((fit for fit in rooms if sum(least) <= fit[0]), rooms[-1])
        droppable = [i for i in kept if columns[i].drop]
        if not droppable or len(kept) == 1:
            break
        long = sum(max(0, min(natural[i], _COMFORTABLE) - floors[i]) for i in kept if natural[i] > 2 * _COMFORTABLE)
        if sum(least) + long <= room:
            break
        kept.remove(max(droppable, key=lambda i: (columns[i].drop, i)))
    if sum(least) > room:
        least = [min(size, longest_word(i)) for i, size in zip(kept, least, strict=True)]
    widths = [natural[i] for i in kept]
    while sum(widths) > max(room, sum(least)):
        spare = [size if size > floor else 0 for size, floor in zip(widths, least, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return kept, widths, gutter


def _pieces(text: str, before: str = "/@") -> list[str]:
    """The text cut where a line may end: after a space, before a slash or, in a name@variant, the @."""
    return re.findall(rf"[{before}]?[^ {before}]* *", text)


def _fold(text: str, width: int) -> list[str]:
    """Lines no wider than the width, of whole pieces where these fit; others are cut after a comma, or anywhere."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for piece in chain.from_iterable(_cut(piece, width) for piece in _pieces(text)):
        if lines[-1] and cell_len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _cut(piece: str, width: int) -> Iterable[str]:
    if cell_len(piece.rstrip()) <= width:
        return (piece,)
    return chain.from_iterable(chop_cells(part, width) for part in re.findall(r"[^,]+,*|,+", piece))
