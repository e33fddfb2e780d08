"""Where on a PDF's page tables stand: between rules of one width, below a rule, or as aligned words without any.

Rules of one width above each other are a table (booktabs prints three, others one a row), but where a caption or a line
of running text goes through. Where numbers follow the first rule at once, the headings stand above it; where rows of
the same columns follow the last one, they are the table's. Without rules a table is at least three rows next to each
other with a name and numbers under headings: one for each column of numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeVar

from convcost.errors import ConvcostError
from convcost.tablefiles.layout import VALUE
from convcost.tablefiles.pdflines import Line, Parts, how_far_down, lines_in, lines_of, parted
from convcost.tablefiles.pdfpages import Page, Rule, Word

CAPTION = re.compile(
    r"(?:supplementary\s+)?(?:table|tab\.?|figure|fig\.?|algorithm)\s*[0-9IVXA-Z.]+\s*[.:|(]", re.IGNORECASE
)
_CONTINUED = re.compile(r"\bcontinue[sd]?\b|\(cont[.'’]?d?\.?\)", re.IGNORECASE)
_TITLE = re.compile(r"\(?[a-z]\)\s")
_NEAR = 3.0  # points by which the ends of a table's rules may differ
_TEXT = 0.5  # of the letters' size: nearer words are of one text
_CLOSE = 1.2  # of the letters' size: how far a line may be from a rule that is its own
_PITCH = 2.2  # of the letters' size: how far lines of a table may be apart
_WIDE = 0.8  # of the letters' size: the least gap between columns without rules
_LEAST_WIDTH = 40.0
_REACH = 30.0  # points by which vertical rules may go on over or under those across
_LEAST_ROWS = 3
_MOST_HEADINGS = 4
_GUTTER, _LONG = 60.0, 150.0  # points: between cells of a row, and what is more than a cell
_MOST_DOWN = 100  # vertical rules
_MOST_WORK = 200_000  # words between the rules of each width, together
_HIGH = 80.0  # points: what headings over a rule may take
_NEXT = 1.2  # of the letters' size: how far below a page's last row the next page's first one would be
_CAPTION = 4.0  # of the letters' size: how far a caption may be from its table


_Box = TypeVar("_Box", Word, Rule)


@dataclass(frozen=True, slots=True)
class Region:
    """The lines of a table, from its headings on, and the rules in it.

    `header` is the number of heading lines, 0 if it has none, None where no rule says it; `across` are the rules of its
    width; `titled` is whether a caption is near, where that is asked.
    """

    lines: list[Line]
    header: int | None
    across: list[Rule]
    short: list[Rule] = field(default_factory=list)
    down: list[Rule] = field(default_factory=list)
    titled: bool = True

    @property
    def box(self) -> Rule:
        """What it covers."""
        words = [word for line in self.lines for word in line.words]
        return Rule(
            min([word.left for word in words] + [rule.left for rule in self.across]),
            max([word.right for word in words] + [rule.right for rule in self.across]),
            min([word.top for word in words] + [rule.top for rule in self.across]),
            max([word.bottom for word in words] + [rule.bottom for rule in self.across]),
        )


def regions(page: Page) -> list[Region]:
    """The tables of a page from its top.

    Raises ConvcostError for a page that is no page of tables and would take long.
    """
    page = page._replace(words=sorted(page.words, key=how_far_down), down=_whole_down(page.down))
    stacks = _stacks(page.across)
    work = sum(len(_from(page.words, rules[0].top - _HIGH, rules[-1].bottom + _HIGH)) for rules in stacks)
    if work > _MOST_WORK:
        raise ConvcostError("its rules cross more words than those of tables do")
    found = _outermost([region for rules in stacks for region in _ruled(rules, page)])
    boxes = [region.box for region in found]
    free = [word for word in page.words if not any(_inside(word, box) for box in boxes)]
    found += _unruled(free, page)
    return sorted(found, key=lambda region: (region.box.top, region.box.left))


def joined(above: Region, last: tuple[Page, Region], below: Region, following: Page) -> Region | None:
    """Two regions as one, if a table whose last part ends a page goes on with the next: None if that is not sure.

    Below the first and above the second there is nothing but the page's own lines, or that it is continued; the second
    has the same headings, or none and its cells in the first one's columns.
    """
    header = above.header or 0
    if not header or not _ends(*last) or not _begins(below, following):
        return None
    again = header if below.header != 0 and not _numbered(below.lines[0], below.down) else 0
    if again:
        heads = [
            [(part[0].left, _said(part)) for line in one.lines[:header] for part in parted(line, one.down)]
            for one in (above, below)
        ]
        if [text for _, text in heads[0]] != [text for _, text in heads[1]]:
            return None
        shifts = [first - second for (first, _), (second, _) in zip(*heads, strict=True)]
        if max(shifts) - min(shifts) > _NEAR or len(below.lines) == again:
            return None
        aside = shifts[0]
    else:
        aside = 0.0
        columns = _columns(above.lines[header:], above.down)
        if any(len(held) != 1 for line in below.lines for held in _held(line, columns, below.down)):
            return None
    rows = below.lines[again:]
    down = above.lines[-1].middle + _NEXT * rows[0].size - rows[0].middle
    lines = [line._replace(words=[_moved(word, aside, down) for word in line.words]) for line in rows]
    rules = [_moved(rule, aside, down) for rule in below.across if rule.top > rows[0].middle]
    vertical = [_moved(rule, aside, down) for rule in below.down if rule.bottom > rows[0].middle]
    return replace(above, lines=[*above.lines, *lines], across=[*above.across, *rules], down=[*above.down, *vertical])


def _said(part: Sequence[Word]) -> str:
    return " ".join(word.text for word in part)


def _moved(one: _Box, aside: float, down: float) -> _Box:
    return one._replace(left=one.left + aside, right=one.right + aside, top=one.top + down, bottom=one.bottom + down)


def _ends(page: Page, region: Region) -> bool:
    """Whether nothing of a table's width follows it on its page."""
    box = region.box
    left = [word for word in page.words if word.middle > box.bottom and word.left < box.right and box.left < word.right]
    return all(_CONTINUED.search(line.text) or line.text.isdigit() for line in lines_of(left))


def _begins(region: Region, page: Page) -> bool:
    """Whether nothing of a table's width is before it on its page, but a running head apart from it."""
    box = region.box
    over = [word for word in page.words if word.middle < box.top and word.left < box.right and box.left < word.right]
    lines = [line for line in lines_of(over) if not _CONTINUED.search(line.text)]
    return not lines or (
        len(lines) == 1 and not CAPTION.match(lines[0].text) and box.top - lines[0].middle > _PITCH * lines[0].size
    )


def _inside(word: Word, box: Rule) -> bool:
    middle = (word.left + word.right) / 2
    return box.left - _NEAR <= middle <= box.right + _NEAR and box.top <= word.middle <= box.bottom


def _outermost(found: list[Region]) -> list[Region]:
    """The regions without those within another, as between the short rules of its headings."""
    kept: list[Region] = []
    for region in sorted(found, key=lambda one: one.box.left - one.box.right):
        box = region.box
        if not any(
            other.box.left - _NEAR <= box.left
            and box.right <= other.box.right + _NEAR
            and box.top < other.box.bottom
            and other.box.top < box.bottom
            for other in kept
        ):
            kept.append(region)
    return kept


# -- with rules --------------------------------------------------------------------------------------------------------


def _stacks(across: Sequence[Rule]) -> list[list[Rule]]:
    """Rules of one width, from top to bottom."""
    stacks: list[list[Rule]] = []
    for rule in sorted(_whole(across), key=lambda rule: rule.top):
        if rule.right - rule.left < _LEAST_WIDTH:
            continue
        for stack in stacks:
            if abs(stack[-1].left - rule.left) < _NEAR and abs(stack[-1].right - rule.right) < _NEAR:
                if rule.top - stack[-1].bottom > 1:  # else one rule twice, or a double one
                    stack.append(rule)
                break
        else:
            stacks.append([rule])
    return stacks


def _whole(across: Sequence[Rule]) -> list[Rule]:
    """Rules whose pieces, as one a cell, are put together."""
    found: list[Rule] = []
    for rule in sorted(across, key=lambda rule: (round(rule.top), rule.left)):
        last = found[-1] if found else None
        if last and abs(last.top - rule.top) < 1 and last.left <= rule.left < last.right + 1:
            found[-1] = Rule(last.left, max(last.right, rule.right), last.top, last.bottom)
        else:
            found.append(rule)
    return found


def _whole_down(down: Sequence[Rule]) -> list[Rule]:
    """Vertical rules whose pieces, as one a row, are put together."""
    turned = [Rule(rule.top, rule.bottom, rule.left, rule.right) for rule in down]
    return [Rule(rule.top, rule.bottom, rule.left, rule.right) for rule in _whole(turned)]


def _ruled(rules: list[Rule], page: Page) -> Iterator[Region]:
    for part in _cut(rules, page.words):
        left, right = part[0].left, part[0].right
        inside = [one for one in page.across if left - _NEAR < one.left and one.right < right + _NEAR]
        short = [one for one in inside if one.right - one.left < right - left - 2 * _NEAR]
        down = [
            rule
            for rule in page.down
            if left - _NEAR < rule.left
            and rule.right < right + _NEAR
            and rule.top < part[-1].bottom + _REACH
            and part[0].top - _REACH < rule.bottom
        ]
        if len(down) > _MOST_DOWN:  # of a drawing beside it
            down = []
        lines = lines_of(_between(page.words, part[0], part[-1]))
        if any(len(parted(line, down)) > 1 for line in lines) or len(part) == 1:
            lines += _following(lines[1:], _below(page.words, part[-1]), down, part[-1].bottom)
        if len(lines) < 2 or not any(len(parted(line, down)) > 1 for line in lines):
            continue
        above: list[Line] = []
        if len(part) == 1 or _numbered(lines[0], down):
            above = list(_headings(_above(page.words, part[0]), lines, down, part[0].top))[::-1]
        if len(part) == 1 and not above:
            continue
        header = len(above) or sum(line.middle < _first_rule(part, lines) for line in lines)
        lines = [*above, *lines]
        yield Region(lines, header if 0 < header < len(lines) else None, part, short, down)


def _first_rule(part: Sequence[Rule], lines: Sequence[Line]) -> float:
    """How far down the rule below the headings is: the first one with a line above it."""
    return next((rule.top for rule in part[1:] if lines and lines[0].middle < rule.top), part[-1].top)


def _cut(rules: list[Rule], words: Sequence[Word]) -> Iterator[list[Rule]]:
    """A stack as tables: cut where a caption or text stands between two rules, or a heavy rule ends what one began."""
    heavy = 1.3 * min(rule.bottom - rule.top for rule in rules)
    booktabs = max(rule.bottom - rule.top for rule in rules) > heavy
    part = [rules[0]]
    first = _texts_near(rules[0], words)
    for above, below in pairwise(rules):
        if _begins_anew(above, below, words, first):
            yield part
            part = [below]
            continue
        ended = booktabs and len(part) > 1 and above.bottom - above.top > heavy and below.bottom - below.top > heavy
        if ended or _through(above, below, words):
            yield part
            part = []
        part.append(below)
    yield part


def _texts_near(rule: Rule, words: Sequence[Word]) -> list[set[str]]:
    """The cells of the line above a rule and of the line below it, one of which may be headings."""
    near = _across(_from(words, rule.top - _REACH, rule.top + _REACH), rule)
    near = [word for word in near if abs(word.middle - rule.top) < _PITCH * word.size]
    return [{" ".join(word.text for word in part) for part in parted(line)} for line in lines_of(near)]


def _begins_anew(above: Rule, below: Rule, words: Sequence[Word], first: Sequence[set[str]]) -> bool:
    """Whether rows between two rules end with headings over the lower one: the first ones again, or under a title."""
    lines = lines_of(_between(words, above, below))
    if len(lines) < 3 or _numbered(lines[-1], ()) or not any(_numbered(line, ()) for line in lines[:-1]):
        return False
    texts = {" ".join(word.text for word in part) for part in parted(lines[-1])}
    titled = _TITLE.match(lines[-2].text) and len(parted(lines[-2])) == 1
    return len(texts) > 1 and (bool(titled) or any(2 * len(texts & one) > len(texts) for one in first))


def _through(above: Rule, below: Rule, words: Sequence[Word]) -> bool:
    """Whether a caption stands between two rules, or text that goes on beside them."""
    left, right = above.left - _NEAR, above.right + _NEAR
    near = 4 * (right - left)
    around = [
        word for word in _from(words, above.top, below.bottom) if left - near < word.left and word.right < right + near
    ]
    for line in lines_of(around):
        for part in parted(line, space=_TEXT):
            inner = [left <= word.left and word.right <= right for word in part]
            if any(inner) and (not all(inner) or CAPTION.match(" ".join(word.text for word in part))):
                return True
    return False


def _between(words: Sequence[Word], above: Rule, below: Rule) -> list[Word]:
    return _across(_from(words, above.top, below.bottom), above)


def _from(words: Sequence[Word], top: float, bottom: float) -> Sequence[Word]:
    """Those of a page's sorted words that are so far down."""
    return words[bisect_right(words, top, key=how_far_down) : bisect_left(words, bottom, key=how_far_down)]


def _across(words: Sequence[Word], rule: Rule) -> list[Word]:
    return [word for word in words if rule.left - _NEAR <= word.left and word.right <= rule.right + _NEAR]


def _above(words: Sequence[Word], rule: Rule) -> list[Line]:
    """The lines over a rule, without text that goes on beside it."""
    return list(_without_text(lines_in(_from(words, rule.top - _HIGH, rule.top)), rule))


def _below(words: Sequence[Word], rule: Rule) -> Iterator[Line]:
    following = (words[n] for n in range(bisect_right(words, rule.bottom, key=how_far_down), len(words)))
    return _without_text(lines_in(following), rule)


def _without_text(lines: Iterable[Line], rule: Rule) -> Iterator[Line]:
    for line in lines:
        parts = (part for part in parted(line, space=_TEXT) if len(_across(part, rule)) == len(part))
        if words := [word for part in parts for word in part]:
            yield Line(words)


def _numbered(line: Line, down: Sequence[Rule]) -> bool:
    """Whether some cell of a line, but its first, is a number."""
    return any(VALUE.fullmatch(part[0].text) for part in parted(line, down)[1:])


def _columns(lines: Sequence[Line], down: Sequence[Rule]) -> list[tuple[float, float]]:
    """What the cells of lines cover, from left to right."""
    cells = (parted(line, down) for line in lines)
    spans = sorted((part[0].left, part[-1].right) for row in cells if len(row) > 1 for part in row)
    found: list[tuple[float, float]] = []
    for left, right in spans:
        if found and left < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found


def _held(line: Line, columns: Sequence[tuple[float, float]], down: Sequence[Rule]) -> list[list[int]]:
    """Of each cell of a line the columns that it stands in."""
    return [
        [number for number, (left, right) in enumerate(columns) if part[0].left < right and left < part[-1].right]
        for part in parted(line, down)
    ]


def _headings(lines: list[Line], body: Sequence[Line], down: Sequence[Rule], until: float) -> Iterator[Line]:
    """The lines above a rule that are headings of the rows below it, from the rule up."""
    columns = _columns(body, down)
    near = _CLOSE
    for line in reversed(lines):
        held = _held(line, columns, down)
        if until - line.middle > near * line.size or CAPTION.match(line.text) or _numbered(line, down):
            return
        if len(held) < 2 or (not all(held) and len(held) < len(columns)):
            return
        yield line
        until, near = line.middle, _PITCH


def _following(body: Sequence[Line], lines: Iterable[Line], down: Sequence[Rule], until: float) -> Iterator[Line]:
    """The lines below the last rule that are rows of the same columns."""
    columns = _columns(body, down)
    near = _CLOSE
    for line in lines:
        if line.middle - until > near * line.size or not _numbered(line, down):
            return
        columns = columns or _columns([line], down)
        if any(len(one) != 1 for one in _held(line, columns, down)):
            return
        yield line
        body = [*body, line]
        columns = _columns(body, down)
        until, near = line.middle, _PITCH


# -- without rules -----------------------------------------------------------------------------------------------------


def _unruled(words: Sequence[Word], page: Page) -> Iterator[Region]:
    down = page.down if len(page.down) <= _MOST_DOWN else []
    rows = [parted(line, down, _WIDE) for line in lines_of(words)]
    used: set[tuple[int, int]] = set()
    for number, parts in enumerate(rows):
        for first in range(1, len(parts)):
            if (number, first) in used or not _is_value(parts[first]) or _is_value(parts[first - 1]):
                continue
            begin = _first_text(parts, first)
            if not _is_name(parts[begin]):
                continue
            block = _Block(parts[begin : _last_value(parts, first) + 1])
            block.grow(rows[number + 1 :])
            used.update(
                (number + down, place)
                for down, row in enumerate(rows[number:][: len(block.rows)])
                for place in range(len(row))
                if block.covers(row[place])
            )
            if len(block.rows) < _LEAST_ROWS:
                continue
            headings = block.headings(rows[:number])
            titled = bool(headings) or (block.width > 2 and _captioned(block, words))
            if titled or len(_over(block, words)) <= 1:  # it may go on with a table of the page before
                lines = [Line(sorted(word for part in row for word in part)) for row in [*headings, *block.rows]]
                yield Region(lines, len(headings), [], down=down, titled=titled)


def _first_text(parts: Parts, first: int) -> int:
    """Which of the cells before a value is its row's first: those of a table are near and short, text is long."""
    begin = first - 1
    while begin and parts[begin][0].left - parts[begin - 1][-1].right < _GUTTER and _width(parts[begin - 1]) < _LONG:
        begin -= 1
    return begin


def _width(part: Sequence[Word]) -> float:
    return part[-1].right - part[0].left


def _over(block: _Block, words: Sequence[Word]) -> list[Line]:
    """The lines over a block."""
    top, left, right = block.rows[0][0][0].top, block.columns[0][0], block.columns[-1][1]
    return lines_of([word for word in words if word.bottom < top and word.left < right and left < word.right])


def _last_value(parts: Parts, first: int) -> int:
    last = first
    while last + 1 < len(parts) and VALUE.fullmatch(parts[last + 1][0].text):
        last += 1
    return last


def _is_value(part: Sequence[Word]) -> bool:
    return VALUE.fullmatch(part[0].text) is not None


def _is_name(part: Sequence[Word]) -> bool:
    return not _is_value(part) and any(character.isalpha() for character in part[0].text)


def _captioned(block: _Block, words: Sequence[Word]) -> bool:
    """Whether a table's caption stands over or under a block."""
    top, bottom = block.rows[0][0][0].top, block.rows[-1][0][0].bottom
    near = [word for word in words if min(abs(word.middle - top), abs(word.middle - bottom)) < _CAPTION * word.size]
    texts = (" ".join(word.text for word in part) for line in lines_of(near) for part in parted(line))
    return any(CAPTION.match(text) and text.lower().startswith("tab") for text in texts)


class _Block:
    """Rows of aligned cells: a name and values, each of which stands in one column."""

    def __init__(self, row: Parts) -> None:
        self.rows = [row]
        self.columns = [(part[0].left, part[-1].right) for part in row]

    @property
    def width(self) -> int:
        """How many columns it has."""
        return len(self.columns)

    def covers(self, part: Sequence[Word]) -> bool:
        """Whether some of a cell is between the block's sides."""
        return part[0].left < self.columns[-1][1] and self.columns[0][0] < part[-1].right

    def grow(self, rows: Sequence[Parts]) -> None:
        """Take the rows that follow, as long as they are near and stand in its columns, and a name between two rows."""
        alone: list[Parts] = []
        above = self.rows[-1][0][0]
        for row in rows:
            inner = [part for part in row if self.covers(part)]
            held = [self._held(part) for part in inner]
            near = bool(inner) and inner[0][0].middle - above.middle <= _PITCH * above.size
            sure = all(len(one) == 1 for one in held) and len({one[0] for one in held if one}) == len(held)
            if not near or not sure or held[0] != [0] or _width(inner[0]) > _LONG:
                return
            above = inner[0][0]
            if len(inner) == 1 and not alone:
                alone.append(inner)
                continue
            if len(inner) < 2:
                return
            self.rows += [*alone, inner]
            alone = []
            for (number,), part in zip(held, inner, strict=True):
                left, right = self.columns[number]
                self.columns[number] = min(left, part[0].left), max(right, part[-1].right)

    def _held(self, part: Sequence[Word]) -> list[int]:
        return [n for n, (left, right) in enumerate(self.columns) if part[0].left < right and left < part[-1].right]

    def headings(self, rows: Sequence[Parts]) -> list[Parts]:
        """The lines above that are headings: over each of its columns but the first stands some word of theirs."""
        found: list[Parts] = []
        words: list[Word] = []
        below = self.rows[0][0][0]
        for row in reversed(rows[-_MOST_HEADINGS:]):
            inner = [part for part in row if self.covers(part)]
            if not inner or below.middle - inner[0][0].middle > _PITCH * below.size:
                break
            outside = (
                inner[0][0].left < self.columns[0][0] - _WIDE * below.size
                or inner[-1][-1].right > self.columns[-1][1] + 4 * below.size
            )
            if outside or any(map(_is_value, inner)) or len(inner) < 2 or CAPTION.match(_said(inner[0])):
                break
            found.insert(0, inner)
            words += [word for part in inner for word in part]
            below = inner[0][0]
        over = (any(word.left < right and left < word.right for word in words) for left, right in self.columns[1:])
        return found if all(over) else []
