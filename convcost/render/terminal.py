"""The table on a terminal. Colour only repeats what the glyphs say.

rich's own table cuts numbers where space is short, and takes a third of a millisecond per row; so the widths
are settled here, and rich measures and colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from rich.cells import cell_len, chop_cells
from rich.style import Style

from convcost.errors import one_line
from convcost.render.runs import Line, Run, ansi, cells, wrapped
from convcost.render.scopes import shortened
from convcost.render.table import Column, Table
from convcost.render.text import Heading, Shown, encodable, readable

_USUAL = 80  # columns: what is left out here comes back on a wider terminal only where nothing is narrower for it
_ABOVE = 4  # lines of title and header
_BETWEEN = "   "  # facts that share a line
_GUTTERS = (2, 1)
_NARROW = 12  # what a column that wraps keeps of its width, or more for a number to stay whole
_NAMES = 20  # what names keep while a column can be left out
_COMFORTABLE = 30  # what sentences, twice as long or longer, keep while a column can be left out
_LONG_NUMBER = re.compile(r"\d,\d{3}(?!\d)")
_PLAIN = Style()
_DIM = Style(dim=True)
_COLORS = {"good": Style(color="green"), "bad": Style(color="red"), "muted": _DIM, None: _PLAIN}
_BOLD = Style(bold=True)
_BREAK: Run = ("\n", _PLAIN)


def terminal(table: Table, *, exact: bool, width: int, color: bool, encoding: str) -> str:
    """At most `width` wide, unless the columns that may neither wrap nor be left out need more: numbers stay
    whole. From 80 columns on, a wider terminal takes no more lines, and leaves out no other columns.

    Four lines stand above: the title, and what of the header has room there, the rest below.
    """

    def say(text: str) -> str:
        return encodable(one_line(text), encoding)

    grid, below = readable(table, exact=exact)
    headings = _headings(table, grid)
    shown = _shown(table, grid, headings)
    columns = []
    for i, column in enumerate(table.columns):
        suffixes = [encodable(row[i].suffix, encoding) for row in grid]
        # Digits stand under digits, whether a mark follows or not.
        tail = max(map(len, suffixes), default=0) if column.right else 0
        values = [encodable(row[i].value, encoding) for row in grid]
        texts = [value + suffix.ljust(tail) for value, suffix in zip(values, suffixes, strict=True)]
        for number in headings:
            texts[number] = ""
        names = [n for n, row in enumerate(table.rows) if column.scopes and row.kind == "row" and grid[n][i].text]
        columns.append(_Texts(column, say(column.title), texts, names))
    titles = [column.title for column in columns]

    fitting, widths, gutter = _fit([columns[i] for i in shown], width)
    kept = [shown[i] for i in fitting]
    for i, size in zip(kept, widths, strict=True):
        if columns[i].names and size < columns[i].natural:
            columns[i].shorten(size)
            below.append(f"Shortened at a width of {width}: {titles[i]}.")
    if left_out := [titles[i] for i in shown if i not in kept]:
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
                body.append((space + text if table.columns[i].right else text + space, style))
                body.append((" " * gutter, _PLAIN))
            body[-1] = _BREAK

    rule = [(encodable("─", encoding) * (sum(widths) + gutter * (len(widths) - 1)), _PLAIN), _BREAK]
    body: list[Run] = []
    line([titles[i] for i in kept], [_BOLD] * len(kept), hang=True)
    body += rule
    for number, row in enumerate(table.rows):
        if row.kind != "row" and number:
            body += rule
        if number in headings:
            body += [run for text in _fold(say(headings[number]), width) for run in ((text, _BOLD), _BREAK)]
            continue
        base = _PLAIN if row.kind == "row" else _BOLD
        line([columns[i].texts[number] for i in kept], [base + _COLORS[grid[number][i].style] for i in kept])

    facts = [[(f"{say(name)}: ", _DIM), (say(value), _PLAIN)] for name, value in table.header]
    above, under = _split([(say(table.title), _BOLD)], _packed(facts, width), width)
    under += [[(encodable(note, encoding), _BOLD if isinstance(note, Heading) else _PLAIN)] for note in below]
    out = [run for text in above for broken in wrapped(text, width) for run in (*broken, _BREAK)]
    out += [_BREAK, *body]
    for number, text in enumerate(under):
        if not number or text[0][1] is _BOLD:
            out.append(_BREAK)
        out += [run for broken in wrapped(text, width) for run in (*broken, _BREAK)]
    return "".join(f"{text.rstrip()}\n" for text in ansi(out, color=color).split("\n")[:-1])


def _headings(table: Table, grid: Sequence[Sequence[Shown]]) -> dict[int, str]:
    """The rows that say one thing alone, of the rows that follow: they stand across all columns."""
    found = {}
    for number, row in enumerate(table.rows):
        if row.kind == "section" and len(said := {cell.value for cell in grid[number]} - {""}) == 1:
            found[number] = said.pop()
    return found


def _shown(table: Table, grid: Sequence[Sequence[Shown]], headings: Mapping[int, str]) -> Sequence[int]:
    """The columns, but those that say of every row the heading above it: programs have them, and no headings."""
    columns = range(len(table.columns))
    left, heading = set[int](), ""
    for number, row in enumerate(grid if headings else ()):
        heading = headings.get(number, heading)
        if number not in headings:
            left |= {i for i in columns if row[i].value != heading}
    return sorted(left) or columns


def _split(title: Line, facts: Sequence[Line], width: int) -> tuple[list[Line], list[Line]]:
    """What stands above, the title and the first facts at least, and what does not fit there."""
    room = _ABOVE - len(wrapped(title, width))
    for number, text in enumerate(facts):
        room -= len(wrapped(text, width))
        if number and room < 0:
            return [title, *facts[:number]], list(facts[number:])
    return [title, *facts], []


def _packed(facts: Iterable[Line], width: int) -> list[Line]:
    """The facts in their order, several on a line where they fit; a sentence has a line of its own."""
    lines: list[Line] = []
    for fact in facts:
        if lines and not lines[-1][-1][0].endswith(".") and cells(lines[-1]) + len(_BETWEEN) + cells(fact) <= width:
            lines[-1] += [(_BETWEEN, _PLAIN), *fact]
        else:
            lines.append(fact)
    return lines


class _Texts:
    """A column's cells as they are printed, and the room that they need."""

    def __init__(self, column: Column, title: str, texts: list[str], names: Sequence[int]) -> None:
        """`names` are the rows whose texts can be shortened."""
        self.column = column
        self.title = title
        self.texts = texts
        self.names = names
        self.natural = max(map(cell_len, [*texts, *map(str.rstrip, _pieces(title, "/"))]))
        """The width at which no text is broken."""

    def least(self, width: int) -> int:
        """What it keeps of its natural width on a terminal, as long as others can give way: no number is cut."""
        if self.names:
            fixed = set(self.names)
            others = [text for number, text in enumerate(self.texts) if number not in fixed]
            short = shortened([self.texts[number] for number in self.names])
            needed = max(map(cell_len, [*short, *others, *map(str.rstrip, _pieces(self.title))]))
            return max(needed, min(self.natural, _NAMES))
        if not self.column.wrap:
            return self.natural
        words = chain.from_iterable(_pieces(text) for text in self.texts if _LONG_NUMBER.search(text))
        longest = max((cell_len(word.rstrip()) for word in words if _LONG_NUMBER.search(word)), default=0)
        return min(self.natural, width, max(_NARROW, longest))

    def title_lines(self, width: int) -> int:
        """How high its title is."""
        return len(_fold(self.title, width))

    def longest_word(self) -> int:
        """What it keeps when nothing else can give way."""
        parts = chain.from_iterable(map(_pieces, self.texts)) if self.column.wrap else self.texts
        longest = max(cell_len(part.rstrip()) for part in [*parts, *_pieces(self.title)])
        return min(longest, _NARROW) if self.names and self.column.wrap else longest

    def shorten(self, size: int) -> None:
        """Cut the names to a width."""
        short = shortened([self.texts[number] for number in self.names], size)
        for number, name in zip(self.names, short, strict=True):
            self.texts[number] = name


def _fit(columns: Sequence[_Texts], width: int) -> tuple[list[int], list[int], int]:
    """Which columns fit into the width, how wide each is, and the space between them.

    The columns that wrap or are shortened give way first, then the space, then whole columns, and then titles and the
    wrapping columns again, down to their longest word. What may not go stays, too wide if it must be. On more than the
    usual width first the columns that stand there get all the room that they need, and only then others come back:
    what stands on a terminal is never narrower on a wider one.
    """
    floors = [column.least(width) for column in columns]
    kept, least, gutter = _kept(columns, floors, min(width, _USUAL))
    high = max(columns[i].title_lines(columns[i].natural) for i in kept)
    for i in sorted(set(range(len(columns))) - set(kept), key=lambda i: (columns[i].column.drop, i)):
        while columns[i].title_lines(columns[i].natural) > high:
            columns[i].natural += 1
        more = sorted([*kept, i])
        if sum(columns[j].natural for j in more) + _GUTTERS[0] * (len(more) - 1) > width:
            break
        kept, least = more, [floors[j] for j in more]
    widths = [columns[i].natural for i in kept]
    if sum(widths) + _GUTTERS[0] * (len(kept) - 1) <= width:
        gutter = _GUTTERS[0]
    room = width - gutter * (len(kept) - 1)
    while sum(widths) > max(room, sum(least)):
        spare = [size if size > floor else 0 for size, floor in zip(widths, least, strict=True)]
        widths[spare.index(max(spare))] -= 1
    return kept, widths, gutter


def _kept(columns: Sequence[_Texts], floors: Sequence[int], width: int) -> tuple[list[int], list[int], int]:
    """The columns that stand on a terminal of the usual width or less, the least width of each, and the space."""
    kept = list(range(len(columns)))
    while True:
        least = [floors[i] for i in kept]
        rooms = [(width - gutter * (len(kept) - 1), gutter) for gutter in _GUTTERS]
        room, gutter = next((fit for fit in rooms if sum(least) <= fit[0]), rooms[-1])
        droppable = [i for i in kept if columns[i].column.drop]
        if not droppable or len(kept) == 1:
            break
        sentences = [i for i in kept if columns[i].natural > 2 * _COMFORTABLE]
        if sum(least) + sum(max(0, _COMFORTABLE - floors[i]) for i in sentences) <= room:
            break
        kept.remove(max(droppable, key=lambda i: (columns[i].column.drop, i)))
    if sum(least) > room:
        least = [min(size, columns[i].longest_word()) for i, size in zip(kept, least, strict=True)]
    return kept, least, gutter


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
