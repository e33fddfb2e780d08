"""A spec's or a table's text in one form: comments and meaning stay, and doing it twice changes nothing.

No line ends in spaces, blank lines stand alone, chains have spaces around `>>`, and the last line ends as all others
do. Blocks of text are left as they are, and so is the order of sections, which is the author's.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import yaml

from convcost.errors import ConvcostError
from convcost.spec import document
from convcost.spec.document import Scalar


def formatted(text: str, file: str) -> str:
    """The text in its form. Raises ConvcostError, with the place, for what is no YAML of ours or would mean another."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    before = document.parse(text, file)
    inside = _inside(text)
    lines = [line if n in inside else _line(line) for n, line in enumerate(text.split("\n"))]
    alone = (line for n, line in enumerate(lines) if line or n in inside or (n and lines[n - 1]))
    made = "\n".join(alone).strip("\n") + "\n"
    if _meant(document.parse(made, file)) != _meant(before):
        raise ConvcostError(f"{file}: its form would mean something else, which is our mistake: nothing is written")
    return made


def _meant(value: document.Value) -> Any:
    """A document without its places, and without the end of a last line that has none."""
    if isinstance(value, Scalar):
        return (_spaced(value.text).rstrip("\n"), isinstance(value.value, str))
    if isinstance(value, document.Sequence):
        return [*map(_meant, value.items)]
    return {_spaced(key): _meant(item) for key, item in value.entries.items()}


def _inside(text: str) -> Collection[int]:
    """The lines, from 0, that are inside a block of text or a quoted text of several lines: spaces count there."""
    found: set[int] = set()
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.ScalarEvent):
            if event.start_mark is None or event.end_mark is None:
                continue
            first, last = event.start_mark.line, event.end_mark.line
            if event.style in ("|", ">"):
                found.update(range(first + 1, last + (event.end_mark.column > 0)))  # a file may end within its line
            elif last > first:
                found.update(range(first, last + 1))
    return found


def _line(line: str) -> str:
    """A line without spaces at its end, its chains and calls spaced."""
    line = line.rstrip()
    if line.lstrip().startswith("#"):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    pieces = re.split(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|\s+#.*$)", line.lstrip())
    return indent + "".join(piece if n % 2 else _spaced(piece) for n, piece in enumerate(pieces))


def _spaced(text: str) -> str:
    """Spaces around >>."""
    return re.sub(r"[ ]*>>[ ]*", " >> ", text) if ">>" in text else text
