r"""LaTeX sources as one text: comments blanked, \input followed, simple macros replaced, places kept.

A document is joined from its files as TeX would read them, and what stands in a table has the macros replaced that the
document defines. Nothing is executed: a macro with conditions or definitions in it stays as it is written, and is then
read as any other macro that nobody knows. Whatever a text is made of, `Joined.place` says where it stands.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.tablefiles.grid import Place

MAX_JOINED = 20 * 1024 * 1024
MAX_PIECES = 4_000
MAX_DEPTH = 20
MAX_MACROS = 5_000

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_TRIM = re.compile(r"(\\cmidrule\s*(?:\[[^][]*\])?)\([^()]*\)")  # an argument that pylatexenc does not know
_VERBATIM = (
    re.compile(r"\\begin\s*\{(?:verbatim|lstlisting|comment)\*?\}"),
    re.compile(r"\\end\s*\{(?:verbatim|lstlisting|comment)\*?\}"),
)
_INPUT = re.compile(
    r"\\(?:input|include|subfile)\s*\{(?P<name>[^{}\\#]{1,200})\}|\\input\s+(?P<bare>[\w./-]{1,200})"
    r"|\\usepackage\s*(?:\[[^][]{0,500}\])?\s*\{(?P<packages>[\w./, \n-]{1,500})\}"
)
_DEFINITION = re.compile(
    r"\\(?:(?:re)?new|provide)command\s*\*?\s*(?:\{\s*\\([A-Za-z]+)\s*\}|\\([A-Za-z]+))\s*(?:\[([1-9])\])?\s*(\[[^][]*\])?"
    r"|\\def\s*\\([A-Za-z]+)\s*((?:#[1-9])*)"
)
GROUP = re.compile(r"\s*\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*+\})*+\})*+\}")
_MACRO = re.compile(r"\\([A-Za-z]+)[ \t]*\n?[ \t]*")
_OPTION = re.compile(r"\s*\[([^][]*)\]")
_TOKEN = re.compile(r"\s*(\\[A-Za-z]+|\\.|[^\s{}\\&])")
_OPEN = re.compile(r"\\[A-Za-z]+$")  # a macro that would go on with the letters behind it
_PARAMETER = re.compile("#([1-9])")
_NOT_SIMPLE = re.compile(
    r"\\(?:if|else|fi\b|csname|expandafter|def\b|let\b|newcommand|begin\s*\{tabular|futurelet|loop)"
)


Find = Callable[[str], "tuple[str, str] | None"]
"""The name and the text of a file that a source names, None if there is none."""


def no_files(_: str) -> None:
    """There are no files beside this text."""


class _File(NamedTuple):
    name: str
    lines: tuple[int, ...]
    """The offsets at which its lines begin."""


class Joined:
    """A text joined from pieces of files, each character of which has its place."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._starts: list[int] = []
        self._origins: list[tuple[_File, int]] = []
        self._length = 0

    def add(self, text: str, file: _File, offset: int) -> None:
        """A piece that begins at this offset of the file."""
        if self._length + len(text) > MAX_JOINED or len(self._starts) == MAX_PIECES:
            limits = f"{MAX_JOINED:,} characters in {MAX_PIECES:,} pieces"
            raise ConvcostError(f"{file.name}: with all that is input, the source is longer than {limits}")
        self._texts.append(text)
        self._starts.append(self._length)
        self._origins.append((file, offset))
        self._length += len(text)

    def __str__(self) -> str:
        self._texts = ["".join(self._texts)]
        return self._texts[0]

    def place(self, offset: int) -> Place:
        """Where the character at an offset stands."""
        piece = bisect_right(self._starts, offset) - 1
        file, begin = self._origins[piece]
        within = begin + offset - self._starts[piece]
        line = bisect_right(file.lines, within)
        return Place(file.name, line, within - file.lines[line - 1] + 1)


def blank_between(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """The text with everything from `opening` to `closing` replaced by its line ends."""
    parts = []
    position = 0
    while start := opening.search(text, position):
        end = closing.search(text, start.end())
        stop = end.end() if end else len(text)
        parts += [text[position : start.start()], "\n" * text.count("\n", start.start(), stop)]
        position = stop
    return "".join([*parts, text[position:]])


def without_comments(text: str) -> str:
    """The text of a file with its comments blank, and without what is shown as it is written."""
    return blank_between(_TRIM.sub(_blank, _COMMENT.sub(_blank, text)), *_VERBATIM)


def _blank(found: re.Match[str]) -> str:
    """The first group and blanks for the rest, so that places stay what they are."""
    return found[1] + " " * (len(found[0]) - len(found[1]))


def joined(text: str, name: str, find: Find) -> Joined:
    r"""A source with everything in it that it inputs; what is not found stays as it is written."""
    whole = Joined()
    _join(whole, text, name, find, ())
    return whole


def _join(whole: Joined, text: str, name: str, find: Find, around: tuple[str, ...]) -> None:
    text = without_comments(text)
    file = _File(name, (0, *(match.end() for match in re.finditer("\n", text))))
    position = 0
    for found in _INPUT.finditer(text):
        inner = list(_named(found, find, (*around, name)))
        if not inner:
            continue
        whole.add(text[position : found.start()], file, position)
        for other, content in inner:
            _join(whole, content, other, find, (*around, name))
        position = found.end()
    whole.add(text[position:], file, position)


def _named(found: re.Match[str], find: Find, around: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The files that a command reads, but for those that it stands in."""
    packages = found["packages"]
    names = [f"{part.strip()}.sty" for part in packages.split(",")] if packages else [found["name"] or found["bare"]]
    for name in names:
        other = None if len(around) > MAX_DEPTH else find(posixpath.normpath(name.strip()))
        if other is not None and other[0] not in around:
            yield other


# -- macros ------------------------------------------------------------------------------------------------------------


class Macro(NamedTuple):
    """A macro that stands for a text: how many arguments it takes, what the first is by default, and the text."""

    arguments: int
    default: str | None
    body: str


def definitions(text: str) -> list[tuple[int, str, Macro]]:
    """The simple macros that a source defines, each with the offset behind which it is known, and its name."""
    found = []
    for match in islice(_DEFINITION.finditer(text), MAX_MACROS):
        body = GROUP.match(text, match.end())
        if body is None or _NOT_SIMPLE.search(body[0]):
            continue
        name = match[1] or match[2] or match[5]
        count = int(match[3] or 0) if match[5] is None else len(match[6]) // 2
        default = match[4][1:-1] if match[4] and count else None
        found.append((body.end(), name, Macro(count, default, body[0].strip()[1:-1])))
    return found


class TooLongError(Exception):
    """A text grows beyond the limit when its macros are replaced, or does not come to an end."""


def expanded(text: str, macros: Mapping[str, Macro], most: int) -> tuple[str, list[tuple[int, int]]]:
    """A text with its macros replaced, and where its pieces come from: the offset of each in the new and the old one.

    Raises TooLongError for a text of more than `most` characters, and for more calls than that.
    """
    expansion = _Expansion(macros, most)
    parts: list[str] = []
    origins = [(0, 0)]
    length = position = 0
    for start, end, replacement in _calls(text, macros):
        for part, origin in ((text[position:start], position), (expansion.of(replacement, 1), start)):
            parts.append(part)
            origins.append((length, origin))
            length += len(part)
        position = end
    origins.append((length, position))
    whole = "".join([*parts, text[position:]])
    if len(whole) > most:
        raise TooLongError
    return whole, origins


class _Expansion:
    """What replacements of a text may still cost, in characters and calls."""

    def __init__(self, macros: Mapping[str, Macro], most: int) -> None:
        self.macros = macros
        self.left = most

    def of(self, text: str, depth: int) -> str:
        self.left -= len(text) + 1
        if depth > MAX_DEPTH or self.left < 0:
            raise TooLongError
        parts = []
        position = 0
        for start, end, replacement in _calls(text, self.macros):
            parts += [text[position:start], self.of(replacement, depth + 1)]
            position = end
        return "".join([*parts, text[position:]])


def _calls(text: str, macros: Mapping[str, Macro]) -> Iterator[tuple[int, int, str]]:
    """Each call of a macro in a text: where it begins and ends, and what it stands for with its arguments in place."""
    position = 0
    while call := _MACRO.search(text, position):
        position = call.end()
        macro = macros.get(call[1])
        if macro is None or _escaped(text, call.start()):
            continue
        found = _arguments(text, call.end(), macro)
        if found is None:
            continue
        given, position = found
        body = _PARAMETER.sub(lambda sign, given=given: given.get(sign[1], ""), macro.body)  # type: ignore[misc]
        yield call.start(), position, f"{body} " if _OPEN.search(body) else body


def _escaped(text: str, start: int) -> bool:
    r"""Whether the backslash at `start` belongs to a line end, \\."""
    before = start
    while before and text[before - 1] == "\\":
        before -= 1
    return (start - before) % 2 == 1


def _arguments(text: str, position: int, macro: Macro) -> tuple[dict[str, str], int] | None:
    """The arguments by number, and where they end; None if they are not all there."""
    given: dict[str, str] = {}
    for number in range(1, macro.arguments + 1):
        if number == 1 and macro.default is not None:
            option = _OPTION.match(text, position)
            given["1"] = option[1] if option else macro.default
            position = option.end() if option else position
            continue
        group, token = GROUP.match(text, position), _TOKEN.match(text, position)
        if group:
            given[str(number)], position = group[0].strip()[1:-1], group.end()
        elif token:
            given[str(number)], position = token[1], token.end()
        else:
            return None
    return given, position
