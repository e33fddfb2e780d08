"""What a file holds, if it is one, and not more than was asked for: a pipe, a device or a link to one is none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path
from typing import IO, Any

from convcost.errors import ConvcostError

LONGEST_LINE = 1 << 20
"""Bytes of a line that `lines` reads; the rest of it comes as a line of its own."""


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """A regular file to read. Raises OSError for anything else: what could wait for a writer, or never ends.

    What only looks regular, as some files of /proc do, says that it has nothing yet instead of waiting.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError:  # a null character, or half a surrogate pair
        raise OSError(EINVAL, "not a path", str(path)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(EINVAL, "not a regular file", str(path))
    with os.fdopen(descriptor, "rb") as file:
        yield file


def read(path: Path, most: int, what: str) -> bytes:
    """All bytes of a file. Raises ConvcostError if it cannot be read, or has more than there are in `what`."""
    try:
        with opened(path) as file:
            data: bytes | None = file.read(most + 1)
    except OSError as error:
        raise ConvcostError(f"{path}: {error.strerror or error}") from None
    if data is None:  # of what does not wait, and has nothing yet
        raise ConvcostError(f"{path}: waits for somebody to write it")
    if len(data) > most:
        raise ConvcostError(f"{path}: larger than {most:,} bytes, the most that is read of {what}")
    return data


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, one at a time; of one that is none or cannot be read, none."""
    try:
        with opened(path) as file:
            while line := file.readline(LONGEST_LINE):
                yield line
    except OSError:
        return


def parsed_json(text: bytes) -> Any:
    """What JSON stands for. Raises ValueError for what is none, also where it is nested too deeply to tell."""
    import json  # specs are no JSON: the door stays light

    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
