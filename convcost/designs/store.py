"""The finished blocks of a sweep on disk, until its file is there: kept, checked, and one run's alone.

Each block is written whole or not at all, with its size and checksum in a journal beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from convcost.designs.parts import Part, checksum
from convcost.designs.seal import LARGEST_METADATA
from convcost.errors import ConvcostError
from convcost.files.reading import lines, parsed_json, read
from convcost.files.writing import append, atomically

LOCK = "lock"
"""The file among the parts that a run has locked while it is at them."""


def parts_of(out: Path) -> Path:
    """The folder where the blocks of a file lie until it is there."""
    return out.with_name(f"{out.name}.parts")


class DamagedError(ConvcostError):
    """A block that is not as it was written."""


class _Done(NamedTuple):
    """What the journal says of a block."""

    kept: int
    unfit: int
    reason: str
    size: int
    crc: int


class Store:
    """The finished blocks of a sweep, in a folder."""

    def __init__(self, folder: Path, said: dict[str, Any], blocks: int) -> None:
        self.folder = folder
        self.journal = folder / "journal.jsonl"
        self.manifest = folder / "sweep.json"
        # With nothing in it but drafts of a manifest, it is what is left of a run that was stopped at its start.
        if {*folder.iterdir()} <= {folder / LOCK, *folder.glob(f".{self.manifest.name}.*.draft")}:
            with atomically(self.manifest) as file:
                file.write(json.dumps(said).encode())
        else:
            try:
                found = parsed_json(read(self.manifest, LARGEST_METADATA, "a sweep's manifest"))
            except ValueError:
                found = None
            same(folder, said, found, "remove it, or choose another --out")
        self.damaged = 0
        self.done: dict[int, _Done] = {}
        for line in lines(self.journal):
            try:
                entry = parsed_json(line)
            except ValueError:  # the line that was being written when the machine stopped
                continue
            match entry:
                case [int(block), int(kept), int(unfit), str(reason), int(size), int(crc)] if 0 <= block < blocks:
                    self.done[block] = _Done(kept, unfit, reason, size, crc)

    def path(self, block: int) -> Path:
        """Where a block lies."""
        return self.folder / f"{block:08}"

    def keep(self, part: Part) -> None:
        """Write a block, then say so."""
        with atomically(self.path(part.block)) as file:
            file.write(part.data)
        done = _Done(part.kept, part.unfit, part.reason, len(part.data), part.crc)
        append(self.journal, b"\n" + json.dumps([part.block, *done]).encode())
        self.done[part.block] = done

    def read(self, block: int) -> bytes:
        """A block as it was written. Raises DamagedError if it is not, and forgets it."""
        done = self.done[block]
        with suppress(ConvcostError):
            data = read(self.path(block), done.size, "this block")
            if len(data) == done.size and checksum(block, data, done.kept, done.unfit, done.reason) == done.crc:
                return data
        self.damaged += 1
        del self.done[block]
        raise DamagedError(f"{self.path(block)}: is not as it was written")

    def checked(self) -> Iterator[int]:
        """The blocks that are as they were written; the other ones are forgotten."""
        for block in sorted(self.done):
            with suppress(DamagedError):
                self.read(block)
                yield block

    def totals(self) -> tuple[int, int, str]:
        """Designs kept, designs that do not fit, and why the first of those does not."""
        counts = [self.done[block] for block in sorted(self.done)]
        reason = next((done.reason for done in counts if done.reason), "")
        return sum(done.kept for done in counts), sum(done.unfit for done in counts), reason

    def remove(self) -> None:
        """The parts have served. What says which sweep they are of goes last: a run may be killed in between."""
        for path in sorted(self.folder.iterdir(), key=lambda path: path == self.manifest):
            if path.is_file() and path.name != LOCK:
                path.unlink()


@contextmanager
def alone(out: Path) -> Iterator[Path]:
    """The folder of a file's parts, for us alone; without us it goes away if nothing is in it.

    Raises ConvcostError while another run is at it, or if the folder cannot be made.
    """
    folder = parts_of(out)
    lock = take_lock(out, folder)
    try:
        yield folder
    finally:
        if lock is not None:
            (folder / LOCK).unlink(missing_ok=True)
            os.close(lock)
        with suppress(OSError):  # there are parts in it, or already the next run
            folder.rmdir()


def take_lock(out: Path, folder: Path) -> int | None:
    """The descriptor of a locked file, which the system unlocks when this process ends; None where there are no locks.

    Raises ConvcostError as `alone` does.
    """
    while True:
        try:
            folder.mkdir(exist_ok=True)
        except FileExistsError:  # and is no folder
            raise
        except OSError as error:
            raise ConvcostError(f"{out}: nothing can be written to {out.parent}: {error.strerror}") from None
        try:
            import fcntl
        except ImportError:
            return None
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:  # a run that ended has removed the folder
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise ConvcostError(f"{out}: another run of a sweep is writing it, with its parts in {folder}") from None
        except OSError:  # a file system without locks
            return lock
        with suppress(FileNotFoundError):
            if (folder / LOCK).stat().st_ino == os.fstat(lock).st_ino:
                return lock
        os.close(lock)  # of a run that ended, and has removed it


def same(path: Path, said: dict[str, Any], found: Any, remedy: str) -> dict[str, Any]:
    """What was found, unless it is of another sweep."""
    if not isinstance(found, dict):
        raise ConvcostError(f"{path}: exists, and does not say which sweep it is of: {remedy}")
    # As text, because the order of axes is that of columns, and of the designs in blocks.
    if other := [key for key, value in said.items() if json.dumps(found.get(key)) != json.dumps(value)]:
        raise ConvcostError(f"{path}: is of another sweep, with another {', '.join(other)}: {remedy}")
    return found
