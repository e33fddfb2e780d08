"""Tables in a PDF: what stands between its ruling lines, by the positions of the words.

A page has words and lines, no cells. Rules of one width above each other are a table (booktabs prints three, others one
a row); its rows are lines of words, its columns what `layout` makes of them; vertical rules part words as well. Words
beside the table, as those of another column of the page, are none of it. A smaller or raised word beside another is a
mark or an exponent, and no digit of the number that it stands by (see `celltext`). Tables without rules are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

from convcost.errors import ConvcostError
from convcost.tablefiles.celltext import apart, superscript
from convcost.tablefiles.formats import MAX_TABLES
from convcost.tablefiles.grid import Found, Grid, Place
from convcost.tablefiles.layout import Piece, laid_out
from convcost.tablefiles.pdfpages import Page, Rule, Word, read

_PAGES = re.compile(r"([1-9][0-9]{0,4})(?:\s*[-–]\s*([1-9][0-9]{0,4}))?")
_CAPTION = re.compile(r"(?:table|tab\.?|figure|fig\.?|algorithm)\s*[0-9IVX]+\s*[.:|]", re.IGNORECASE)
_NEAR = 3.0  # points by which the ends of a table's rules may differ
_SPACE = 0.5  # of the letters' size: wider is a gap between columns
_JOINED = 0.12  # of the letters' size: nearer is one word
_SLACK = 4.0  # points by which a heading may be beside the middle of its column
_SMALLER = 0.86
_RAISED = 0.13
_LEAST_WIDTH = 40.0
_MAX_WORDS, _MAX_RULES = 10_000, 4_000  # of a page: time grows with their product


def pdf_tables(data: bytes, source: str, pages: str | None = None) -> list[Found]:
    """The tables of a PDF, page by page from its top; `pages` as in `tables_in`.

    Raises:
        ConvcostError: what `pdfpages.read` refuses, pages without words, as a scan has, or without a table.
        MissingExtraError: pdfplumber is not installed.
    """
    read_pages = read(data, source, _ranges(pages) if pages is not None else [])
    if not any(page.written for page in read_pages):
        scanned = any(page.pictures for page in read_pages)
        why = (
            "its pages are pictures, as of a scan: make its text readable (OCR)" if scanned else "no words on its pages"
        )
        raise ConvcostError(f"{source}: {why}, or type the table as CSV")
    found: list[Found] = []
    for page in read_pages:
        where = Place(f"{source} page {page.number}", 1)
        if len(page.words) > _MAX_WORDS or len(page.across) + len(page.down) > _MAX_RULES:
            found.append(Found(where, partial(_refuse, where)))
        else:
            found += [Found(where, partial(inside.grid, where)) for inside in _tables(page)]
    if not found:
        raise ConvcostError(f"{source}: no table with ruling lines in it; paste another one as text: convcost audit -")
    return found[:MAX_TABLES]


def _refuse(place: Place) -> Grid:
    raise ConvcostError(f"{place}: more than {_MAX_WORDS:,} words or {_MAX_RULES:,} rules, more than a table has")


def _ranges(text: str) -> list[tuple[int, int]]:
    """Pages as one says them: 5, 3-5, 3-5,8."""
    ranges = []
    for part in text.split(","):
        found = _PAGES.fullmatch(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if first > last:
            raise ConvcostError(f"--pages {text}: write pages such as 5, 3-5 or 3-5,8")
        ranges.append((first, last))
    return ranges


def _tables(page: Page) -> list[_Table]:
    found: list[_Table] = []
    for rules in _stacks(page.across):
        for part in _parted(rules, page.words):
            lines = _lines(_within(page.words, part[0], part[-1]))
            if len(part) > 1 and len(lines) > 1 and any(len(_pieces(line, (), Place("", 1))) > 1 for line in lines):
                found.append(_Table(part, lines, page))
    return sorted(found, key=lambda table: (table.rules[0].top, table.rules[0].left))


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
        if last and abs(last.top - rule.top) < 1 and rule.left - last.right < 1:
            found[-1] = Rule(last.left, max(last.right, rule.right), last.top, last.bottom)
        else:
            found.append(rule)
    return found


def _parted(rules: list[Rule], words: Sequence[Word]) -> Iterator[list[Rule]]:
    """A stack as tables: parted where a caption stands between two rules, or a heavy rule ends what one began."""
    heavy = 1.3 * min(rule.bottom - rule.top for rule in rules)
    booktabs = max(rule.bottom - rule.top for rule in rules) > heavy
    part = [rules[0]]
    for above, below in pairwise(rules):
        ended = booktabs and len(part) > 1 and above.bottom - above.top > heavy and below.bottom - below.top > heavy
        between = (" ".join(word.text for word in line) for line in _lines(_within(words, above, below)))
        if ended or any(_CAPTION.match(text) for text in between):
            yield part
            part = []
        part.append(below)
    yield part


def _within(words: Sequence[Word], above: Rule, below: Rule) -> list[Word]:
    left, right = above.left - _NEAR, above.right + _NEAR
    return [w for w in words if above.top < w.middle < below.bottom and left <= w.left and w.right <= right]


def _lines(words: Sequence[Word]) -> list[list[Word]]:
    """Words that stand beside each other, from top to bottom and from left to right."""
    lines: list[list[Word]] = []
    largest: Word | None = None  # of the last line, whose middle is not that of what is raised
    for word in sorted(words, key=lambda word: word.middle):
        if largest and word.middle - largest.middle < _SPACE * max(word.size, largest.size):
            lines[-1].append(word)
            largest = max(largest, word, key=lambda one: one.size)
        else:
            lines.append([word])
            largest = word
    return [sorted(line) for line in lines]


def _middle(words: Sequence[Word]) -> float:
    """The middle of a line: that of its largest words, not of what is raised."""
    largest = max(word.size for word in words)
    middles = [word.middle for word in words if word.size > _SMALLER * largest]
    return sum(middles) / len(middles)


def _pieces(line: Sequence[Word], down: Sequence[Rule], place: Place) -> list[Piece]:
    """The words of a line as cells: parted by gaps and vertical rules."""
    pieces: list[list[Word]] = []
    for word in line:
        last = pieces[-1][-1] if pieces else None
        near = last is not None and word.left - last.right < _SPACE * max(word.size, last.size)
        if last is not None and near and not any(_between(rule, last, word) for rule in down):
            pieces[-1].append(word)
        else:
            pieces.append([word])
    middle = _middle(line) if line else 0.0
    return [Piece(words[0].left, words[-1].right, _text(words, middle), place) for words in pieces]


def _between(rule: Rule, left: Word, right: Word) -> bool:
    """Whether a vertical rule stands between two words."""
    across = (rule.left + rule.right) / 2
    return left.right - 1 <= across <= right.left + 1 and rule.top < left.middle < rule.bottom


def _text(words: Sequence[Word], middle: float) -> str:
    """The text of a cell with its seams: what is smaller or raised is set apart."""
    size = max(word.size for word in words)
    text = ""
    previous: Word | None = None
    for word in words:
        up = (middle - word.middle) / size
        if word.size >= _SMALLER * size and abs(up) < _RAISED:
            shown = word.text
        else:
            shown = superscript(word.text) if up > _RAISED else apart(word.text)
        gap = previous is not None and word.left - previous.right > _JOINED * size
        text += " " * gap + shown
        previous = word
    return text


class _Table:
    """What stands between the first and the last of some rules."""

    def __init__(self, rules: Sequence[Rule], lines: Sequence[list[Word]], page: Page) -> None:
        self.rules = rules
        self.lines = lines
        left, right = rules[0].left, rules[0].right
        inside = [one for one in page.across if left - _NEAR < one.left and one.right < right + _NEAR]
        self.short = [one for one in inside if one.right - one.left < right - left - 2 * _NEAR]
        self.down = [rule for rule in page.down if left - _NEAR < rule.left and rule.right < right + _NEAR]

    def grid(self, place: Place) -> Grid:
        """The table with the rows above its first inner rule as header."""
        rows = [_pieces(line, self.down, place._replace(line=n)) for n, line in enumerate(self.lines, 1)]
        header = sum(_middle(line) < self.rules[1].top for line in self.lines)
        for line, following, row in zip(self.lines[:header], self.lines[1:], rows, strict=False):
            between = [rule for rule in self.short if _middle(line) < rule.top < _middle(following)]
            row[:] = [_over(piece, between) for piece in row]
        return laid_out(place, rows, header if 0 < header < len(rows) else None, _SLACK)


def _over(piece: Piece, rules: Sequence[Rule]) -> Piece:
    """A heading with the width of the short rule below it, but for a point: of boxes side by side the rules overlap."""
    middle = (piece.left + piece.right) / 2
    rule = next((rule for rule in rules if rule.left <= middle <= rule.right), None)
    if rule is None:
        return piece
    return piece._replace(left=min(piece.left, rule.left + 1), right=max(piece.right, rule.right - 1))
