"""The text of a cell out of its pieces: what the author set apart is never joined to a number.

A table shows 25.6 with a small 1 behind it; without its styles that is 25.61. So the readers of marked-up formats
deliver a cell's text with its seams: `styled` is a piece in another style, `apart` one that may well be a mark
(lowered, small, a link, an unknown macro), `superscript` a raised one, DROPPED stands for what a reader does not read,
GAP for a break. `cell_text` takes the seams away and leaves a bar where they held digits apart: "25.6|1" is no number,
and where a count is wanted it is refused with its place.

Two rules make a bar: digits on both sides of any seam; and, in what would read as a number, a piece set apart that has
some of it, other than the symbols of footnotes, but not all of its digits ("25.6" and a small "b" are no billions).
"""

from __future__ import annotations

import re

from convcost.tablefiles.grid import is_number

# Noncharacters of Unicode: no text has them, and one that does only has more seams.
_SEAM, _OPEN, _CLOSE = "\ufdd0", "\ufdd1", "\ufdd2"
DROPPED, GAP = _SEAM, f" {_SEAM}"

_MARKS = f"{_SEAM}{_OPEN}{_CLOSE}"
_NO_MARKS = str.maketrans("", "", _MARKS)
_ONE_KIND = str.maketrans({_OPEN: _SEAM, _CLOSE: _SEAM})
# Wider than what stands between thousands: U+2003 is as wide as two letters.
_WIDE = re.compile("(?=[\u1680\u2000-\u2004\u205f\u3000\u2028\u2029\x0b\x1c-\x1f\x85]|[\xa0\u2009\u202f]{2})")
_GLUED = re.compile(rf"(?<=[0-9])(?=[{_MARKS}]+[0-9]|{_SEAM}*{_OPEN}[{_MARKS}]*[^\W_])")
# Within a number: seams between digits, with what separates digits and nothing that multiplies or raises.
_ACROSS = re.compile(rf"(?<=[0-9])(?=[^0-9A-Za-z×·*^{_MARKS}]*[{_MARKS}][^0-9A-Za-z×·*^]*[0-9])")
_RAISED = re.compile(rf"\^[{_MARKS}]*[-+]?[0-9A-Za-z]+")
_MEANINGLESS = f"{_MARKS}^†‡*∗§¶"  # to a number, as `printed` reads it
_IDLE_CARET = re.compile(rf"\^(?=[\s{_MARKS}]*(?:[†‡*∗⋆§¶]|$))")


def styled(text: str) -> str:
    """A piece in a style; one of nothing but punctuation, such as the comma in 25{,}600, has no seams."""
    shown = text.translate(_NO_MARKS)
    return text if shown and not any(map(str.isalnum, shown)) else _SEAM + text + _SEAM


def apart(text: str) -> str:
    """A piece that may be a mark: small, lowered, a link, in a style that is not known."""
    return _OPEN + text + _CLOSE


def superscript(raised: str) -> str:
    """A raised piece on one line: a number with a caret (10^9), so a footnote's mark (M^1, M^a); † as it is."""
    raised = raised.replace("\u2212", "-")  # the minus sign of TeX's fonts
    shown = plain(raised)
    if shown.lstrip("-+").isdecimal() or re.fullmatch("[a-z]", shown):
        return f"^{styled(raised.strip().translate(_ONE_KIND))}"
    return apart(raised)


def without_idle_carets(text: str) -> str:
    """The text without the carets that raise a mark: TeX's 25.6^† is 25.6†."""
    return _IDLE_CARET.sub(_SEAM, text)


def plain(text: str) -> str:
    """The text without its seams, whatever that joins: to compare, not to read numbers in."""
    return " ".join(text.translate(_NO_MARKS).split())


def cell_text(text: str) -> str:
    """What a reader sees of a cell, in one line, with a bar wherever no number may be read across a seam."""
    text = _WIDE.sub(_SEAM, text)
    glued = plain(text)
    divided = _GLUED.sub("|", text)
    if divided == text and is_number(glued):
        divided = _ACROSS.sub("|", text)
        if divided == text:
            divided = _without_foreign(text)
    return glued if divided == text else plain(divided)


def _without_foreign(text: str) -> str:
    """The text of a number with a bar beside a piece set apart that has only a part of it."""
    bare = _RAISED.sub(lambda raised: re.sub(rf"[^{_MARKS}]", "^", raised[0]), text)
    everything = sum(map(str.isdigit, bare))
    opened: list[tuple[int, int, int]] = []  # where, and how many digits and other characters come before
    digits = others = 0
    for place, character in enumerate(bare):
        if character == _OPEN:
            opened.append((place, digits, others))
        elif character == _CLOSE and opened:
            start, before, others_before = opened.pop()
            inside = digits - before
            if inside < everything and (inside or others > others_before):
                bar = start if plain(text[:start]) else place
                return f"{text[:bar]}|{text[bar:]}"
        else:
            digits += character.isdigit()
            others += character not in _MEANINGLESS and not character.isspace()
    return text
