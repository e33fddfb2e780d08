"""The words and rules of a PDF's pages, read by PDFium in a process of its own.

A PDF is a program of strangers: a page of a few bytes may unpack to gigabytes or never end. So it is read by
`python -m convcost.tablefiles.pdfpages`, which may not take more time and memory than `read` gives it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise
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
_MOST_CORNERS = 5  # of a box that is closed: what has more is a drawing
_BLANK = 0.12  # of the letters' size: a wider gap parts words
_SAME_SIZE = 0.01  # points
_UNKNOWN = "\ufffd"
_HYPHENS = (0x02, 0xAD, 0xFFFE)  # as the library marks those at the end of a line
_SIDEWAYS = 60  # letters: fewer are the name of an axis
_ENCRYPTED, _TOO_MUCH, _NO_ROOM = "encrypted", "too much", "no room"
Box = tuple[float, float, float, float]
"""Left, right, top and bottom."""
_Matrix = tuple[float, float, float, float, float, float]
_AS_IT_IS = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


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
        MissingExtraError: pypdfium2 is not installed.
    """
    import json

    try:
        known = find_spec("pypdfium2") is not None
    except ImportError:
        known = False
    if not known:
        raise MissingExtraError("pypdfium2", "pdf")
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
    import pypdfium2

    found: list[dict[str, Any]] = []
    words = rules = 0
    try:
        document = pypdfium2.PdfDocument(data)
        for number in range(1, len(document) + 1):
            if wanted and not any(first <= number <= last for first, last in wanted):
                continue
            if found and monotonic() > until:
                return {"count": len(document), "pages": found, "left": number}
            page = document[number - 1]
            for one in _page(page, number):
                found.append(one)
                words += len(one["words"])
                rules += len(one["across"]) + len(one["down"])
            page.close()
            if words > MAX_WORDS or rules > MAX_RULES:
                return {"error": _TOO_MUCH}
        return {"count": len(document), "pages": found, "left": 0}
    except MemoryError:
        return {"error": _NO_ROOM}
    except pypdfium2.PdfiumError as error:
        encrypted = "password" in str(error).lower() or "security" in str(error).lower()
        return {"error": _ENCRYPTED if encrypted else str(error)[:200]}


def _page(page: Any, number: int) -> list[dict[str, Any]]:
    """What is upright on a page, and what stands sideways, if that is more than an axis of a picture has."""
    across, up, down = _letters(page)
    rules, pictures = _rules(page)
    found = [_printed(number, bool(across or up or down), across, rules, pictures)]
    for letters, turn in ((up, _turned_left), (down, _turned_right)):
        if len(letters) > _SIDEWAYS:
            found.append(_printed(number, True, letters, [turn(rule) for rule in rules], pictures))
    return found


class _Letter(NamedTuple):
    top: float
    left: float
    right: float
    size: float
    text: str


def _letters(page: Any) -> tuple[list[_Letter], list[_Letter], list[_Letter]]:
    """The letters that are upright, those that are read from below and those from above, each as if upright.

    A letter begins where the pen is: the box of an italic one reaches further.
    """
    from ctypes import byref, c_double

    from pypdfium2 import raw

    across: list[_Letter] = []
    up: list[_Letter] = []
    down: list[_Letter] = []
    text = page.get_textpage()
    x, y, box, matrix = c_double(), c_double(), raw.FS_RECTF(), raw.FS_MATRIX()
    for n in range(raw.FPDFText_CountChars(text)):
        if raw.FPDFText_IsGenerated(text, n) == 1:
            continue
        shown = _shown(raw.FPDFText_GetUnicode(text, n), raw.FPDFText_HasUnicodeMapError(text, n) == 1)
        raw.FPDFText_GetCharOrigin(text, n, byref(x), byref(y))
        raw.FPDFText_GetLooseCharBox(text, n, byref(box))
        raw.FPDFText_GetMatrix(text, n, byref(matrix))
        size = raw.FPDFText_GetFontSize(text, n) * (matrix.c**2 + matrix.d**2) ** 0.5
        if abs(matrix.a) >= abs(matrix.b):
            across.append(_Letter(-y.value - _ABOVE * size, x.value, box.right, size, shown))
        elif matrix.b > 0:
            up.append(_Letter(x.value - _ABOVE * size, y.value, box.top, size, shown))
        else:
            down.append(_Letter(-x.value - _ABOVE * size, -y.value, -box.bottom, size, shown))
    return across, up, down


def _shown(code: int, unknown: bool) -> str:
    """A letter as text: ligatures in letters, and a mark for what the font does not say, as brackets of formulas."""
    if code in _HYPHENS:
        return "-"
    letter = chr(code) if 0 < code < 0x110000 else _UNKNOWN
    if unknown or not letter.isprintable() or "\ue000" <= letter <= "\uf8ff":
        return letter if letter.isspace() else _UNKNOWN
    return unicodedata.normalize("NFKC", letter) if "\ufb00" <= letter <= "\ufb06" else letter


def _turned_left(box: Box) -> Box:
    """Where something is on a page that is turned so that what was read from below is upright."""
    left, right, top, bottom = box
    return -bottom, -top, left, right


def _turned_right(box: Box) -> Box:
    """Where something is on a page that is turned so that what was read from above is upright."""
    left, right, top, bottom = box
    return top, bottom, -right, -left


def _rules(page: Any) -> tuple[list[Box], int]:
    """Straight lines: drawn, filled, or a picture of one, as old papers have them; and how many other pictures."""
    from pypdfium2 import raw

    rules: list[Box] = []
    pictures = 0
    left: list[tuple[Any, _Matrix]] = [(raw.FPDFPage_GetObject(page, n), _AS_IT_IS) for n in _counted(page)]
    while left and len(rules) <= MAX_RULES:
        one, outer = left.pop()
        kind = raw.FPDFPageObj_GetType(one)
        if kind == raw.FPDF_PAGEOBJ_FORM:
            matrix = _within(_matrix(one), outer)
            count = min(raw.FPDFFormObj_CountObjects(one), MAX_RULES - len(left))
            left += [(raw.FPDFFormObj_GetObject(one, n), matrix) for n in range(count)]
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            box = _box([(0.0, 0.0), (1.0, 1.0)], _within(_matrix(one), outer))
            if min(box[1] - box[0], box[3] - box[2]) < _THIN:
                rules.append(box)
            else:
                pictures += 1
        elif kind == raw.FPDF_PAGEOBJ_PATH:
            rules += _of_path(one, _within(_matrix(one), outer))
    return rules, pictures


def _counted(page: Any) -> range:
    from pypdfium2 import raw

    return range(raw.FPDFPage_CountObjects(page))


def _matrix(one: Any) -> _Matrix:
    from ctypes import byref

    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(one, byref(matrix))
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _within(inner: _Matrix, outer: _Matrix) -> _Matrix:
    """What two matrices do one after the other."""
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _box(points: Sequence[tuple[float, float]], matrix: _Matrix) -> Box:
    """What points of an object cover on its page."""
    a, b, c, d, e, f = matrix
    across = [a * x + c * y + e for x, y in points]
    down = [-(b * x + d * y + f) for x, y in points]
    return min(across), max(across), min(down), max(down)


def _of_path(path: Any, matrix: _Matrix) -> list[Box]:
    """The straight lines of a path: each that is drawn, and each filled figure that is as thin as one."""
    from ctypes import byref, c_float, c_int

    from pypdfium2 import raw

    filled, drawn, width = c_int(), c_int(), c_float()
    raw.FPDFPath_GetDrawMode(path, byref(filled), byref(drawn))
    raw.FPDFPageObj_GetStrokeWidth(path, byref(width))
    half = width.value * abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]) ** 0.5 / 2
    rules: list[Box] = []
    for points in _figures(path):
        whole = _box(points, matrix)
        if len(points) > _MOST_CORNERS:
            continue
        if drawn.value:
            rules += [_thick(box, half) for pair in pairwise(points) if _is_thin(box := _box(pair, matrix))]
        elif filled.value and _is_thin(whole):
            rules.append(whole)
    return rules


def _figures(path: Any) -> Iterator[list[tuple[float, float]]]:
    """The figures of a path, each as its corners; one with a curve is none."""
    from ctypes import byref, c_float

    from pypdfium2 import raw

    x, y = c_float(), c_float()
    points: list[tuple[float, float]] = []
    curved = False
    for n in range(min(raw.FPDFPath_CountSegments(path), MAX_RULES)):
        segment = raw.FPDFPath_GetPathSegment(path, n)
        raw.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            if len(points) > 1 and not curved:
                yield points
            points, curved = [], False
        curved = curved or kind == raw.FPDF_SEGMENT_BEZIERTO
        points.append((x.value, y.value))
        if raw.FPDFPathSegment_GetClose(segment) and points[0] != points[-1]:
            points.append(points[0])
    if len(points) > 1 and not curved:
        yield points


def _is_thin(box: Box) -> bool:
    return min(box[1] - box[0], box[3] - box[2]) < _THIN


def _thick(box: Box, half: float) -> Box:
    """A line as thick as it is drawn."""
    left, right, top, bottom = box
    flat = right - left > bottom - top
    return left - half * (not flat), right + half * (not flat), top - half * flat, bottom + half * flat


def _printed(number: int, written: bool, letters: list[_Letter], rules: list[Box], pictures: int) -> dict[str, Any]:
    return {
        "number": number,
        "written": written,
        "words": [[round(side, 2) for side in word[:5]] + [word.text] for word in _words(letters)],
        "across": [rule for rule in rules if rule[1] - rule[0] > rule[3] - rule[2]],
        "down": [rule for rule in rules if rule[1] - rule[0] <= rule[3] - rule[2]],
        "pictures": pictures,
    }


def _words(letters: list[_Letter]) -> Iterator[Word]:
    """Letters of one size that stand beside each other, on one line but for a point."""
    lines: list[list[_Letter]] = []
    for letter in sorted(letters):
        if lines and letter.top - lines[-1][-1].top <= 1:
            lines[-1].append(letter)
        else:
            lines.append([letter])
    for line in lines:
        word: list[_Letter] = []
        for letter in sorted(line, key=lambda one: one.left):
            last = word[-1] if word else None
            if last and (
                letter.text.isspace()
                or letter.left > last.right + _BLANK * last.size
                or abs(letter.size - last.size) > _SAME_SIZE
                or abs(letter.top - last.top) > 1
            ):
                yield _word(word)
                word = []
            if not letter.text.isspace():
                word.append(letter)
        if word:
            yield _word(word)


def _word(letters: list[_Letter]) -> Word:
    first = letters[0]
    right = max(letter.right for letter in letters)
    text = "".join(letter.text for letter in letters)
    return Word(first.left, right, first.top, first.top + first.size, first.size, text)


if __name__ == "__main__":
    _main(*sys.argv[1:])
