"""YAML as the spec language uses it: plain values, sequences and mappings, each knowing its place in the file.

Only a subset is read, and exactly: integers, decimals (as fractions, never floats), true/false, null and text. Anchors,
aliases, tags and several documents in one file are refused, so a small file cannot stand for a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

from convcost.errors import ConvcostError
from convcost.files import reading, revisions

MAX_BYTES = 500_000
MAX_VALUES = 10_000
MAX_DEPTH = 40
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DIGITS = 30
_NUMBER = re.compile(r"[-+]?([0-9]+)(?:\.([0-9]+))?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
}
"""As YAML 1.2 has them."""


class Mark(NamedTuple):
    """A place in a file, counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class SpecError(ConvcostError):
    """A spec or table file is not valid; the message starts with file:line:column."""

    def __init__(self, mark: Mark | str, message: str) -> None:
        super().__init__(f"{mark}: {message}")


class Scalar(NamedTuple):
    """A single value."""

    value: int | Fraction | bool | str | None
    text: str
    """As written, without quotes."""
    mark: Mark
    """Where the text begins."""
    verbatim: bool = True
    """Whether the file has the text as it is: not folded over lines, nor with escapes."""


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Value, ...]
    mark: Mark


class Mapping(NamedTuple):
    """Keys and values in file order; no key twice."""

    entries: dict[str, Value]
    marks: dict[str, Mark]
    """Where each key stands."""
    mark: Mark


Value: TypeAlias = Scalar | Sequence | Mapping


def read(path: Path) -> Mapping:
    """Read a YAML file whose top is a mapping. Raises ConvcostError for anything else, and if it cannot be read."""
    return parse(read_text(path), str(path))


def parse(text: str, file: str) -> Mapping:
    """Read YAML text whose top is a mapping; `file` is what errors call it."""
    value = _read(text, file)
    if not isinstance(value, Mapping):
        raise SpecError(value.mark, "here a YAML mapping is needed (name: ...)")
    return value


def _read(text: str, file: str) -> Value:
    if text.startswith("\ufeff"):
        raise SpecError(Mark(file, 1, 1), "the file starts with a byte order mark; save it as plain UTF-8")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # bytes of a command line that are not UTF-8
        before = text[: error.start]
        mark = Mark(file, before.count("\n") + 1, error.start - (before.rfind("\n") + 1) + 1)
        raise SpecError(mark, "not UTF-8 text") from None
    try:
        return _document(_counted(yaml.parse(text, Loader=_LOADER), file), file)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(file, at.line + 1, at.column + 1) if at else Mark(file, 1, 1)
        raise SpecError(mark, f"not valid YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:  # characters that YAML does not allow carry a position, not a mark
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        raise SpecError(Mark(file, line, column), f"not valid YAML: {getattr(error, 'reason', error)}") from None


def read_text(path: Path) -> str:
    """The text of a file, or of REVISION:PATH in git: regular, UTF-8 and of at most MAX_BYTES. Raises ConvcostError."""
    if ":" in str(path) and not path.exists():
        data = revisions.read(str(path), MAX_BYTES, "a spec")
    else:
        data = reading.read(path, MAX_BYTES, "a spec")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise SpecError(Mark(str(path), line, column), "not UTF-8 text") from None


def value(text: str, place: str) -> Value:
    """A value written in one line, as in `--set knob=value`; `place` is what errors call it."""
    if "\n" in text:
        raise SpecError(place, "a value has one line")
    return _read(text, place)


def entries(top: Mapping, key: str) -> list[tuple[str, Value, Mark]]:
    """The entries of a section that is a mapping, [] if it is absent: (name, value, place of the name)."""
    value = top.entries.get(key)
    if value is None or (isinstance(value, Scalar) and value.value is None):
        return []
    if not isinstance(value, Mapping):
        raise SpecError(value.mark, f"{key} is a mapping")
    return [(name, part, value.marks[name]) for name, part in value.entries.items()]


def text(top: Mapping, key: str) -> str:
    """The text of a key, '' if it is absent."""
    value = top.entries.get(key)
    if value is None:
        return ""
    if not isinstance(value, Scalar):
        raise SpecError(value.mark, f"{key} is text")
    return value.text.strip()


def _counted(events: Iterator[Any], file: str) -> Iterator[Any]:
    for number, event in enumerate(events):
        if number > MAX_VALUES:
            raise SpecError(_mark(event, file), f"more than {MAX_VALUES:,} values in one file")
        yield event


def _document(events: Iterator[Any], file: str) -> Value:
    value: Value | None = None
    for event in events:
        if isinstance(event, (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentEndEvent)):
            continue
        if isinstance(event, yaml.DocumentStartEvent):
            if value is not None:
                raise SpecError(_mark(event, file), "a spec file holds one YAML document")
            value = _value(next(events), events, file, 0)
    return value if value is not None else Scalar(None, "", Mark(file, 1, 1))


def _value(event: Any, events: Iterator[Any], file: str, depth: int) -> Value:
    mark = _mark(event, file)
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise SpecError(mark, "anchors and aliases are not part of the spec language; write a block")
    if event.tag not in (None, "!"):
        raise SpecError(mark, f"YAML tags are not part of the spec language: {event.tag}")
    if depth > MAX_DEPTH:
        raise SpecError(mark, f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, mark)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(event, events, file, depth + 1))
        return Sequence(tuple(items), mark)
    entries: dict[str, Value] = {}
    marks: dict[str, Mark] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _value(event, events, file, depth + 1)
        if not isinstance(key, Scalar):
            raise SpecError(key.mark, "a key is a name")
        if key.text in entries:
            raise SpecError(key.mark, f"{key.text!r} stands twice, first at line {marks[key.text].line}")
        marks[key.text] = key.mark
        entries[key.text] = _value(next(events), events, file, depth + 1)
    return Mapping(entries, marks, mark)


def _scalar(event: Any, mark: Mark) -> Scalar:
    text = event.value
    start, end = event.start_mark, event.end_mark
    if event.style in ("|", ">"):
        return Scalar(text, text, mark, verbatim=False)
    if event.style:  # quoted: text whatever it says
        verbatim = start.line == end.line and end.column - start.column == len(text) + 2
        return Scalar(text, text, mark._replace(column=mark.column + 1), verbatim)
    if start.line != end.line:
        return Scalar(text, text, mark, verbatim=False)
    if number := _NUMBER.fullmatch(text):
        if any(len(digits) > MAX_DIGITS for digits in number.groups("")):
            raise SpecError(mark, f"a number has at most {MAX_DIGITS} digits before the point and after it")
        return Scalar(exact(Fraction(text)) if number[2] else int(text), text, mark)
    return Scalar(_WORDS.get(text, text), text, mark)


def exact(value: Fraction) -> int | Fraction:
    """A fraction as an int if it is one."""
    return value.numerator if value.denominator == 1 else value


def _mark(event: Any, file: str) -> Mark:
    return Mark(file, event.start_mark.line + 1, event.start_mark.column + 1)
