"""The text format of protocol buffers: messages of fields, each with the line that it stands in; no schema is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from convcost.errors import ConvcostError

MAX_DEPTH = 32
"""Messages inside each other."""
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\f\v]+|\#[^\n]*)|(?P<line>\n)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[-+]?[\w.][\w.+-]*)|(?P<mark>[{}<>:;,\[\]])"""
)


class Token(NamedTuple):
    """A word, a text or a mark, and its line."""

    kind: str
    text: str
    line: int


class Message:
    """Fields by name, in order; a field is a text or a message."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.fields: dict[str, list[tuple[str | Message, int]]] = {}

    def messages(self, *names: str) -> list[Message]:
        """Every message under some names."""
        return [one for name in names for one, _ in self.fields.get(name, ()) if isinstance(one, Message)]

    def message(self, name: str) -> Message:
        """The last message of a name, an empty one if there is none."""
        return (self.messages(name) or [Message(self.line)])[-1]

    def texts(self, name: str) -> list[str]:
        """Every text under a name."""
        return [one for one, _ in self.fields.get(name, ()) if isinstance(one, str)]

    def text(self, name: str, default: str = "") -> str:
        """The last text under a name."""
        return (self.texts(name) or [default])[-1]

    def numbers(self, name: str) -> list[int]:
        """Every whole number under a name. Raises ConvcostError for anything else."""
        found = []
        for one, line in self.fields.get(name, ()):
            if not isinstance(one, str) or not re.fullmatch(r"[-+]?\d{1,12}", one):
                raise ConvcostError(f"line {line}: {name} is a whole number")
            found.append(int(one))
        return found

    def number(self, name: str, default: int) -> int:
        """The last whole number under a name."""
        return (self.numbers(name) or [default])[-1]

    def truth(self, name: str, *, default: bool) -> bool:
        """Whether a field is true. Raises ConvcostError for anything but true and false."""
        said = self.text(name, str(default)).lower()
        if said not in ("true", "false", "0", "1"):
            raise ConvcostError(f"line {self.fields[name][-1][1]}: {name} is true or false, got {said}")
        return said in ("true", "1")


def parsed(text: str, file: str) -> Message:
    """The message that a text is. Raises ConvcostError, with file and line, for what is none."""
    tokens = _tokens(text, file)
    top = Message(1)
    open_: list[tuple[Message, str]] = []
    here = top
    for token in tokens:
        if token.kind == "mark" and open_ and token.text == open_[-1][1]:
            here = open_.pop()[0]
        elif token.kind == "mark" and token.text in ",;":
            continue
        elif token.kind != "word":
            raise ConvcostError(f"{file}:{token.line}: a name is wanted here, not {token.text[:40]}")
        else:
            inner = _field(here, token, tokens, file)
            if inner is not None:
                open_.append((here, inner[1]))
                here = inner[0]
            if len(open_) > MAX_DEPTH:
                raise ConvcostError(f"{file}:{token.line}: nested more than {MAX_DEPTH} deep")
    if open_:
        raise ConvcostError(f"{file}:{here.line}: the file ends inside what begins here")
    return top


def _field(here: Message, name: Token, tokens: Iterator[Token], file: str) -> tuple[Message, str] | None:
    """Read what follows a name: a value, a list of such, or the beginning of a message and the mark that ends it."""
    values = here.fields.setdefault(name.text, [])
    token = _next(tokens, name, file)
    if token.text == ":" and token.kind == "mark":
        token = _next(tokens, name, file)
    if token.kind == "mark" and token.text in "{<":
        inner = Message(name.line)
        values.append((inner, name.line))
        return inner, {"{": "}", "<": ">"}[token.text]
    if token.kind == "mark" and token.text == "[":
        while (token := _next(tokens, name, file)).text != "]" or token.kind != "mark":
            if token.kind != "mark":
                values.append((_value(token), token.line))
            elif token.text != ",":
                raise ConvcostError(f"{file}:{token.line}: values with commas between are wanted here")
        return None
    if token.kind == "mark":
        raise ConvcostError(f"{file}:{token.line}: a value of {name.text} is wanted here, not {token.text}")
    values.append((_value(token), token.line))
    return None


def _value(token: Token) -> str:
    return token.text[1:-1] if token.kind == "text" else token.text


def _next(tokens: Iterator[Token], name: Token, file: str) -> Token:
    token = next(tokens, None)
    if token is None:
        raise ConvcostError(f"{file}:{name.line}: the file ends behind {name.text[:40]}")
    return token


def _tokens(text: str, file: str) -> Iterator[Token]:
    line, place = 1, 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise ConvcostError(f"{file}:{line}: {text[place]!r} begins nothing that a prototxt has")
        place = found.end()
        if found.lastgroup == "line":
            line += 1
        elif found.lastgroup in ("text", "word", "mark"):
            yield Token(found.lastgroup, found[0], line)
