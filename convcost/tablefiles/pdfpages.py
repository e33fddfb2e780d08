"""The words and rules of a PDF's pages, read by pdfplumber in a process of its own.

A PDF is a program of strangers: a page of a few bytes may unpack to gigabytes or never end. So it is read by
`python -m convcost.tablefiles.pdfpages`, which may not take more time and memory than `read` gives it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from time import monotonic
from typing import Any, NamedTuple

from convcost.errors import ConvcostError, MissingExtraError

SECONDS = 25
_PART = 0.85  # of the time: then the pages that are read are what is read
MEGABYTES = 400
MAX_WORDS = 200_000
MAX_RULES = 50_000
_THIN = 2.5  # points: a box that is thinner is a rule
_ABOVE, _BELOW = 0.8, 0.2  # of the letters' size: what is above a baseline, and below
_SIDEWAYS = 60  # letters: fewer are the name of an axis
_ENCRYPTED, _TOO_MUCH, _NO_ROOM = "encrypted", "too much", "no room"
Box = tuple[float, float, float, float]
"""Left, right, top and bottom."""


class Word(NamedTuple):
    """A word on a page, in points from its upper left corner; the size is that of its letters.

    Top and bottom are those of a letter of this size on the word's baseline: fonts of symbols have boxes elsewhere.
    """

    left: float
    right: float
    top: float
    bottom: float
    size: float
    text: str

    @property
    def middle(self) -> float:
        """How far down its middle is."""
        return (self.top + self.bottom) / 2


class Rule(NamedTuple):
    """A straight line; of a horizontal one `top` is `bottom` but for its thickness."""

    left: float
    right: float
    top: float
    bottom: float


class Page(NamedTuple):
    """What is printed on a page in one direction: words, horizontal and vertical rules, and how many pictures.

    What stands sideways is a page of its own, turned upright.
    """

    number: int
    written: bool
    """Whether it has any text."""
    words: list[Word]
    across: list[Rule]
    down: list[Rule]
    pictures: int


class Read(NamedTuple):
    """The pages that were read in time, and the number of the first of which there was no time, 0 for none."""

    pages: list[Page]
    left: int


def read(data: bytes, source: str, pages: Sequence[tuple[int, int]]) -> Read:
    """The pages of a PDF that lie in these ranges, all if there are none.

    Raises:
        ConvcostError: the file is encrypted, no PDF, has no such page, or takes more time or memory than is given.
        MissingExtraError: pdfplumber is not installed.
    """
    import json

    try:
        known = find_spec("pdfplumber") is not None
    except ImportError:
        known = False
    if not known:
        raise MissingExtraError("pdfplumber", "pdf")
    limits = str(MEGABYTES), str(SECONDS)
    command = [sys.executable, "-m", __name__, *limits, *(f"{first}-{last}" for first, last in pages)]
    path = os.pathsep.join(filter(None, sys.path))
    hint = "choose some of its pages with --pages"
    try:
        done = subprocess.run(  # noqa: S603  our own module
            command,
            input=data,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        raise ConvcostError(f"{source}: not read within {SECONDS} seconds; {hint}") from None
    try:
        found = json.loads(done.stdout)
    except ValueError:  # it was stopped
        if done.returncode == -getattr(signal, "SIGXCPU", 0):
            raise ConvcostError(f"{source}: not read within {SECONDS} seconds; {hint}") from None
        found = {"error": _NO_ROOM}
    if found.get("error") == _NO_ROOM:
        raise ConvcostError(f"{source}: not read within {MEGABYTES} MB of memory; {hint}")
    if found.get("error") == _ENCRYPTED:
        raise ConvcostError(f"{source}: the PDF is encrypted; save a copy without its password")
    if found.get("error") == _TOO_MUCH:
        raise ConvcostError(f"{source}: more than {MAX_WORDS:,} words or {MAX_RULES:,} rules; {hint}")
    if "error" in found:
        raise ConvcostError(f"{source}: not readable as a PDF: {found['error']}")
    count = found["count"]
    if beyond := next((last for _, last in pages if last > count), None):
        raise ConvcostError(f"{source}: no page {beyond}, it has {count}")
    read_pages = [
        Page(
            page["number"],
            page["written"],
            [Word(*word) for word in page["words"]],
            [Rule(*rule) for rule in page["across"]],
            [Rule(*rule) for rule in page["down"]],
            page["pictures"],
        )
        for page in found["pages"]
    ]
    return Read(read_pages, found["left"])


# -- in the process of its own -----------------------------------------------------------------------------------------


def _main(megabytes: str, seconds: str, *ranges: str) -> None:
    import json

    _limit(int(megabytes), int(seconds))
    wanted = [tuple(map(int, text.split("-"))) for text in ranges]
    until = monotonic() + _PART * int(seconds)
    found = _pages(sys.stdin.buffer.read(), [(first, last) for first, last in wanted], until)
    sys.stdout.write(json.dumps(found))


def _limit(megabytes: int, seconds: int) -> None:
    """No more memory and time than is given, where the system can hold a process to that."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_DATA, megabytes << 20), (resource.RLIMIT_CPU, seconds)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


def _pages(data: bytes, wanted: list[tuple[int, int]], until: float) -> dict[str, Any]:
    import io
    import logging

    logging.disable(logging.CRITICAL)
    import pdfplumber
    from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    found: list[dict[str, Any]] = []
    words = rules = 0
    try:
        with pdfplumber.open(io.BytesIO(data)) as document:
            for page in document.pages:
                if wanted and not any(first <= page.page_number <= last for first, last in wanted):
                    continue
                if found and monotonic() > until:
                    return {"count": len(document.pages), "pages": found, "left": page.page_number}
                for one in _page(page):
                    found.append(one)
                    words += len(one["words"])
                    rules += len(one["across"]) + len(one["down"])
                page.close()
                if words > MAX_WORDS or rules > MAX_RULES:
                    return {"error": _TOO_MUCH}
            return {"count": len(document.pages), "pages": found, "left": 0}
    except Exception as error:  # noqa: BLE001  whatever a parser makes of a broken file
        inner = error.args[0] if isinstance(error, PdfminerException) and error.args else error
        if isinstance(inner, MemoryError):
            return {"error": _NO_ROOM}
        if isinstance(inner, PDFPasswordIncorrect | PDFEncryptionError):
            return {"error": _ENCRYPTED}
        return {"error": f"{type(inner).__name__}: {str(inner)[:200]}"}


def _page(page: Any) -> list[dict[str, Any]]:
    """What is upright on a page, and what stands sideways, if that is more than an axis of a picture has."""
    upright, up, down = _directions(page)
    rules = _rules(page)
    found = [_printed(page, bool(page.chars), upright, rules)]
    turns: list[tuple[list[Any], Callable[[Box], Box]]] = [
        (up, partial(_turned_left, float(page.height))),
        (down, partial(_turned_right, float(page.width))),
    ]
    for letters, turn in turns:
        if len(letters) > _SIDEWAYS:
            for letter in letters:
                _place(letter, turn(_sides(letter)))
            found.append(_printed(page, True, letters, [turn(rule) for rule in rules]))
    return found


def _directions(page: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The letters that are upright, those that are read from below, and those from above, each on its baseline."""
    upright, up, down = [], [], []
    for letter in page.chars:
        _, slope, _, _, x, y = letter["matrix"]
        if letter["upright"]:
            size = float(letter["size"])
            base = letter["bottom"] - (y - letter["y0"])
            _place(letter, (letter["x0"], letter["x1"], base - _ABOVE * size, base + _BELOW * size))
            upright.append(letter)
            continue
        size = letter["size"] = letter["x1"] - letter["x0"]
        if slope > 0:
            letter["x0"], letter["x1"] = x - _ABOVE * size, x + _BELOW * size
            up.append(letter)
        else:
            letter["x0"], letter["x1"] = x - _BELOW * size, x + _ABOVE * size
            down.append(letter)
    return upright, up, down


def _place(letter: Any, box: Box) -> None:
    left, right, top, bottom = box
    letter.update(x0=left, x1=right, top=top, bottom=bottom, doctop=top, upright=True)


def _turned_left(height: float, box: Box) -> Box:
    """Where something is on a page that is turned so that what was read from below is upright."""
    left, right, top, bottom = box
    return height - bottom, height - top, left, right


def _turned_right(width: float, box: Box) -> Box:
    """Where something is on a page that is turned so that what was read from above is upright."""
    left, right, top, bottom = box
    return top, bottom, width - right, width - left


def _rules(page: Any) -> list[Box]:
    """Straight lines: drawn, filled, or a picture of one, as old papers have them."""
    rules: list[Box] = []
    for line in (*page.lines, *page.rects, *page.images):
        left, right, top, bottom = _sides(line)
        half = (line.get("linewidth") or 0) / 2
        if min(right - left, bottom - top) < _THIN:
            flat = right - left > bottom - top
            grown = half if line["object_type"] == "line" else 0  # a filled box is as thick as it is
            rules.append(
                (left - grown * (not flat), right + grown * (not flat), top - grown * flat, bottom + grown * flat)
            )
        elif line["object_type"] == "rect" and line.get("stroke"):
            rules += [(left, right, top, top), (left, right, bottom, bottom)]
            rules += [(left, left, top, bottom), (right, right, top, bottom)]
    return rules


def _printed(page: Any, written: bool, letters: list[Any], rules: list[Box]) -> dict[str, Any]:
    from pdfplumber.utils.text import extract_words

    words = extract_words(letters, x_tolerance_ratio=0.15, y_tolerance=1, extra_attrs=["size"])
    return {
        "number": page.page_number,
        "written": written,
        "words": [(*_sides(word), word["size"], word["text"]) for word in words],
        "across": [rule for rule in rules if rule[1] - rule[0] > rule[3] - rule[2]],
        "down": [rule for rule in rules if rule[1] - rule[0] <= rule[3] - rule[2]],
        "pictures": len(page.images),
    }


def _sides(thing: Any) -> Box:
    """Left, right, top and bottom of something on a page."""
    return tuple(round(float(thing[side]), 2) for side in ("x0", "x1", "top", "bottom"))  # type: ignore[return-value]


if __name__ == "__main__":
    _main(*sys.argv[1:])
