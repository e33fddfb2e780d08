"""Files that are there whole or not at all, whatever stops the program, and whoever else may write beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NEW = os.O_CREAT | os.O_EXCL
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # each where there is such
    _NEW |= getattr(os, _flag, 0)


@contextmanager
def atomically(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, and to read back: it takes the place of `path` when all of it is on the disk, or goes away.

    Until then it has a name that nobody can know before, so that nobody has a link there. Errors of writing, such as
    that the disk is full, name `path`.
    """
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_RDWR | _NEW, 0o666), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException as error:
        draft.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(draft)):
            error.filename = str(path)
        raise


def create(path: Path, data: bytes) -> None:
    """A new file: what is there already is never overwritten. Raises OSError, and leaves nothing then."""
    with os.fdopen(os.open(path, os.O_WRONLY | _NEW, 0o666), "wb") as file:
        try:
            file.write(data)
            file.flush()
        except BaseException:
            path.unlink()
            raise


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, which is made if there is none. Raises OSError, also for a link or a pipe."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | (_NEW & ~os.O_EXCL), 0o666), "ab") as file:
        file.write(data)
