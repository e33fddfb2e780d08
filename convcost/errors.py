"""The one family of errors that convcost raises for bad input: each is a single line saying where, what and why."""

from __future__ import annotations

import copyreg
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_REASON = 400
"""Characters of what others' code says; torch can go on for pages."""

_UNSHOWN = {"Cc", "Cf", "Cs"}
"""Categories of what commands a terminal: control characters, direction overrides, lone surrogates."""


def one_line(text: str) -> str:
    """The text with its whitespace single and U+FFFD for each character of _UNSHOWN: names and paths are not ours."""
    return shown(" ".join(text.split()))


def shown(text: str) -> str:
    """The text as `one_line`, but with its lines and tabs."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join("\ufffd" if c not in "\n\t" and unicodedata.category(c) in _UNSHOWN else c for c in text)


class ConvcostError(ValueError):
    """Base of every error a user can cause. Its text is one line; the command line prints it and exits with 2."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses take other arguments: a copy, as from another process, is made of the text alone.
        return copyreg.__newobj__, (type(self), str(self))  # type: ignore[attr-defined]


class ShapeError(ConvcostError):
    """An operator does not fit its input; the message names the layer, both shapes and the reason."""


class UndecidedError(ConvcostError):
    """A choice whose answer is not the same for all values of a symbol that it must not depend on."""


class ConvcostWarning(UserWarning):
    """What is rarely meant, though it can be computed: one line, as `convcost` prints it on standard error."""


class MissingExtraError(ConvcostError):
    """An optional dependency is needed and absent; the message is the command that installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is needed for this and not installed: pip install 'convcost[{extra}]'")


def did_you_mean(name: str, known: Iterable[object]) -> str:
    """'; did you mean ...?' for the closest known name, or ''."""
    from difflib import get_close_matches

    close = get_close_matches(name, [k for k in known if isinstance(k, str)], n=1)
    return f"; did you mean {close[0]}?" if close else ""


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Whatever others' code raises inside ends in one line that begins with what was done.

    Not what is ours, what has no room or no permission (which names its file), and warnings that are errors.
    """
    try:
        yield
    except (ConvcostError, OSError, Warning):
        raise
    except Exception as error:
        raise ConvcostError(f"{what}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What an exception of others says, with its kind: `ValueError: too small`."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:MAX_REASON]}{'...' * (len(text) > MAX_REASON)}"


_unwarned: ContextVar[bool] = ContextVar("unwarned", default=False)


@contextmanager
def unwarned() -> Iterator[None]:
    """Nothing inside warns: what is tried there nobody has asked for, as the candidates of a search."""
    token = _unwarned.set(True)
    try:
        yield
    finally:
        _unwarned.reset(token)


def warned() -> bool:
    """Whether a warning would reach anybody: see `unwarned`."""
    return not _unwarned.get()


def warn(message: str) -> None:
    """Warn whoever called convcost, in one line; Python says it once for each line that calls."""
    if not warned():
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "convcost":
        level, frame = level + 1, frame.f_back
    warnings.warn(" ".join(message.split()), ConvcostWarning, stacklevel=level)
