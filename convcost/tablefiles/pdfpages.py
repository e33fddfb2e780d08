"""The words and rules of a PDF's pages, read by pdfplumber in a process of its own.

A PDF is a program of strangers: a page of a few bytes may unpack to gigabytes or never end. So it is read by
`python -m convcost.tablefiles.pdfpages`, which may not take more time and memory than `read` gives it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from convcost.errors import ConvcostError, MissingExtraError

SECONDS = 25
MEGABYTES = 400
MAX_WORDS = 200_000
MAX_RULES = 50_000
_THIN = 2.5  # points: a box that is thinner is a rule
_ENCRYPTED, _TOO_MUCH, _NO_ROOM = "encrypted", "too much", "no room"


class Word(NamedTuple):
    """A word on a page, in points from its upper left corner; the size is that of its letters."""

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
    """What is printed on a page: horizontal and vertical rules, the words if there are such rules, and pictures."""

    number: int
    written: bool
    """Whether it has any text."""
    words: list[Word]
    across: list[Rule]
    down: list[Rule]
    pictures: int


def read(data: bytes, source: str, pages: Sequence[tuple[int, int]]) -> list[Page]:
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
    command = [sys.executable, "-m", __name__, str(MEGABYTES), *(f"{first}-{last}" for first, last in pages)]
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
    return [
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


# -- in the process of its own -----------------------------------------------------------------------------------------


def _main(megabytes: str, *ranges: str) -> None:
    import json

    _limit(int(megabytes))
    wanted = [tuple(map(int, text.split("-"))) for text in ranges]
    found = _pages(sys.stdin.buffer.read(), [(first, last) for first, last in wanted])
    sys.stdout.write(json.dumps(found))


def _limit(megabytes: int) -> None:
    """No more memory and time than is given, where the system can hold a process to that."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_DATA, megabytes << 20), (resource.RLIMIT_CPU, SECONDS)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


def _pages(data: bytes, wanted: list[tuple[int, int]]) -> dict[str, Any]:
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
                found.append(_page(page))
                words += len(found[-1]["words"])
                rules += len(found[-1]["across"]) + len(found[-1]["down"])
                page.close()
                if words > MAX_WORDS or rules > MAX_RULES:
                    return {"error": _TOO_MUCH}
            return {"count": len(document.pages), "pages": found}
    except Exception as error:  # noqa: BLE001  whatever a parser makes of a broken file
        inner = error.args[0] if isinstance(error, PdfminerException) and error.args else error
        if isinstance(inner, MemoryError):
            return {"error": _NO_ROOM}
        if isinstance(inner, PDFPasswordIncorrect | PDFEncryptionError):
            return {"error": _ENCRYPTED}
        return {"error": f"{type(inner).__name__}: {str(inner)[:200]}"}


def _page(page: Any) -> dict[str, Any]:
    rules = []
    for line in (*page.lines, *page.rects):
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
    across = [rule for rule in rules if rule[1] - rule[0] > rule[3] - rule[2]]
    kept = {"x_tolerance_ratio": 0.15, "y_tolerance": 1, "extra_attrs": ["size", "upright"]}
    words = page.extract_words(**kept) if len(across) > 1 else []  # else there is no table
    return {
        "number": page.page_number,
        "written": bool(page.chars),
        "words": [(*_sides(word), word["size"], word["text"]) for word in words if word["upright"]],
        "across": across,
        "down": [rule for rule in rules if rule[1] - rule[0] <= rule[3] - rule[2]],
        "pictures": len(page.images),
    }


def _sides(thing: Any) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of something on a page."""
    return tuple(round(float(thing[side]), 2) for side in ("x0", "x1", "top", "bottom"))  # type: ignore[return-value]


if __name__ == "__main__":
    _main(*sys.argv[1:])
