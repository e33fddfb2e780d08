"""Words of a PDF's page as lines, and lines as cells.

Words that stand on one line are parted into cells by wide gaps, by vertical rules, and by what all rows leave free: a
strip without ink, be it as narrow as a blank, between two columns of which the right one has numbers and each a heading
of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from convcost.tablefiles.celltext import apart, superscript
from convcost.tablefiles.grid import Place
from convcost.tablefiles.layout import VALUE, Piece
from convcost.tablefiles.pdfpages import Rule, Word

SPACE = 0.5  # of the letters' size: wider is a gap between columns
_JOINED = 0.12  # of the letters' size: nearer is one word
_STRIP = 0.2  # of the letters' size: what is narrower parts no columns
_SMALLER = 0.86
_RAISED = 0.13
_UNKNOWN = re.compile(r"\(cid:[0-9]+\)")
_GLYPH = "\ufffd"
_BEGINS = re.compile(r"[-+±×·*/^=→~(\[{<>,.;:%&–]")  # what begins no cell, but goes on with one
_ENDS = re.compile(r"[-+±×·*/^=→~(\[{<>&–]\Z")
_FIRST_GROUPS = re.compile(r"(?:^|[^0-9.,])[0-9]{1,3}\Z")
_LAST_GROUP = re.compile(r"[0-9]{3}(?:\.[0-9]+)?[KMGB]?")
_MOST = 300  # columns of words: a row has no more cells
_SAME = 0.8  # of the widest gap between words: what is wider may as well part columns
Parts = list[list[Word]]
"""A line as cells, each with its words."""
Strip = tuple[float, float]
"""Where something begins and ends, from left to right."""


class Line(NamedTuple):
    """Words beside each other, from left to right."""

    words: list[Word]
    place: Place = Place("", 1)

    @property
    def size(self) -> float:
        """That of its largest letters."""
        return max(word.size for word in self.words)

    @property
    def middle(self) -> float:
        """How far down it is: that of its largest words, not of what is raised."""
        middles = [word.middle for word in self.words if word.size > _SMALLER * self.size]
        return sum(middles) / len(middles)

    @property
    def text(self) -> str:
        """Its words with blanks between them."""
        return " ".join(word.text for word in self.words)


def lines_of(words: Sequence[Word]) -> list[Line]:
    """Words that stand beside each other, from top to bottom."""
    return list(lines_in(sorted(words, key=how_far_down)))


def how_far_down(word: Word) -> float:
    """The key by which words are sorted from top to bottom."""
    return word.middle


def lines_in(words: Iterable[Word]) -> Iterator[Line]:
    """Sorted words that stand beside each other, line by line."""
    line: list[Word] = []
    largest: Word | None = None  # whose middle is not that of what is raised
    for word in words:
        if largest and word.middle - largest.middle >= SPACE * max(word.size, largest.size):
            yield Line(sorted(line))
            line, largest = [], None
        line.append(word)
        largest = max(largest, word, key=lambda one: one.size) if largest else word
    if line:
        yield Line(sorted(line))


def parted(line: Line, down: Sequence[Rule] = (), space: float = SPACE) -> Parts:
    """The words of a line as cells: parted by gaps and vertical rules."""
    parts: Parts = []
    for word in line.words:
        last = parts[-1][-1] if parts else None
        near = last is not None and word.left - last.right < space * max(word.size, last.size)
        if last is not None and near and not any(_between(rule, last, word) for rule in down):
            parts[-1].append(word)
        else:
            parts.append([word])
    return parts


def _between(rule: Rule, left: Word, right: Word) -> bool:
    """Whether a vertical rule stands between two words."""
    across = (rule.left + rule.right) / 2
    return left.right - 1 <= across <= right.left + 1 and rule.top < left.middle < rule.bottom


def parted_by_strips(rows: list[Parts], header: int) -> list[Parts]:
    """The rows of a table with cells parted where a strip between two columns is free in all of them."""
    body = [row for row in rows[header:] if _has_values(row)]
    inked = _inked([word for row in body for part in row for word in part])
    if len(inked) > _MOST:
        return rows
    for columns in pairwise(inked):
        if _parts_columns(*columns, rows[:header], body):
            rows = [*rows[:header], *(_split(row, _strip(*columns)) for row in rows[header:])]
    return rows


def _is_thousands(left: Word, right: Word) -> bool:
    """Whether two words may be one number, in groups of three digits."""
    return _LAST_GROUP.fullmatch(right.text) is not None and _FIRST_GROUPS.search(left.text) is not None


def _has_values(row: Parts) -> bool:
    words = [word.text for part in row for word in part]
    return any(map(VALUE.fullmatch, words[1:]))


def _inked(words: Sequence[Word]) -> list[Strip]:
    """What words cover, from left to right, parted by strips without any ink."""
    found: list[Strip] = []
    for word in sorted(words):
        if found and word.left - found[-1][1] < _STRIP * word.size:
            found[-1] = found[-1][0], max(found[-1][1], word.right)
        else:
            found.append((word.left, word.right))
    return found


def _strip(left: Strip, right: Strip) -> Strip:
    return left[1], right[0]


def _meet(one: Strip, other: Strip) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _parts_columns(left: Strip, right: Strip, header: Sequence[Parts], body: Sequence[Parts]) -> bool:
    """Whether a strip through cells stands between columns: numbers to its right, and a heading over either side."""
    through = [found for row in body if (found := _beside(row, _strip(left, right)))]
    if not through:
        return False
    if any(_BEGINS.match(second.text) or _ENDS.search(first.text) for first, second in through):
        return False
    if 3 * sum(VALUE.fullmatch(second.text) is not None for _, second in through) < 2 * len(through):
        return False
    return any(_headed([word for part in row for word in part], left, right) for row in header)


def _headed(words: Sequence[Word], left: Strip, right: Strip) -> bool:
    """Whether of two words that follow each other one begins over or before a column, one stands over the next."""
    for one, other in pairwise(words):
        between = one.right, other.left
        if _meet(between, _strip(left, right)) and between[0] < between[1]:
            return one.left < left[1] and _meet((other.left, other.right), right)
    return False


def _beside(row: Parts, strip: Strip) -> tuple[Word, Word] | None:
    """The two words of one cell between which there is some of a strip, and most room; None if two places have it."""
    found = []
    for part in row:
        for left, right in pairwise(part):
            if left.right < strip[1] and strip[0] < right.left and left.right < right.left:
                found.append((right.left - left.right, (left, right)))
    found.sort(key=lambda one: one[0])
    if not found or (len(found) > 1 and found[-2][0] > _SAME * found[-1][0]):
        return None
    return found[-1][1]


def _split(row: Parts, strip: Strip) -> Parts:
    """A row with the cell through which a strip goes as two; one that may as well be one number is none."""
    beside = _beside(row, strip)
    if beside and _is_thousands(*beside):
        doubt = beside[1]._replace(text=f"| {beside[1].text}")
        return [[doubt if word == beside[1] else word for word in part] for part in row]
    found: Parts = []
    for part in row:
        place = next((n for n, word in enumerate(part) if beside and word == beside[1]), 0)
        found += [part[:place], part[place:]] if place else [part]
    return found


def headings_parted(header: list[Parts], body: Sequence[Parts]) -> list[Parts]:
    """The last of some heading rows with a cell over each column, where its words are as far apart as the columns.

    What begins with a bracket is a unit of what is before it, but where the row above is parted there, too.
    """
    if not header:
        return header
    above, last = header[:-1], header[-1]
    words = [word for row in body if len(row) > 1 for part in row for word in part]
    gaps = [(part[-1].right, following[0].left) for row in body for part, following in pairwise(row)]
    inked = _inked(words)
    for left, right in pairwise(inked if len(inked) <= _MOST else []):
        strip = _strip(left, right)
        found = _beside(last, strip)
        if not found or not any(_meet(gap, strip) for gap in gaps):  # it goes through cells
            continue
        if not _headed(found, left, right):
            continue
        also = any(_meet((first[-1].right, second[0].left), strip) for row in above for first, second in pairwise(row))
        if also or not (_BEGINS.match(found[1].text) or _ENDS.search(found[0].text)):
            last = _split(last, strip)
    return [*above, last]


def parted_over(parts: Parts, rules: Sequence[Rule]) -> Parts:
    """A heading row with cells parted where each stands over a short rule of its own."""
    found: Parts = []
    for part in parts:
        found.append([part[0]])
        for left, right in pairwise(part):
            one, other = _under(left, rules), _under(right, rules)
            if one is not None and other is not None and one != other:
                found.append([])
            found[-1].append(right)
    return found


def _under(word: Word, rules: Sequence[Rule]) -> Rule | None:
    middle = (word.left + word.right) / 2
    return next((rule for rule in rules if rule.left <= middle <= rule.right), None)


def piece(words: Sequence[Word], middle: float, place: Place) -> Piece:
    """The words of a cell as what is laid out, on a line whose middle is there."""
    return Piece(words[0].left, max(words[-1].right, words[0].left + 0.1), _text(words, middle), place)


def _text(words: Sequence[Word], middle: float) -> str:
    """The text of a cell with its seams: what is smaller or raised is set apart."""
    size = max(word.size for word in words)
    text = ""
    previous: Word | None = None
    for word in words:
        up = (middle - word.middle) / size
        shown = _UNKNOWN.sub(_GLYPH, word.text)
        if word.size < _SMALLER * size or abs(up) >= _RAISED:
            shown = superscript(shown) if up > _RAISED else apart(shown)
        gap = previous is not None and word.left - previous.right > _JOINED * size
        text += " " * gap + shown
        previous = word
    return text
