"""What an archive holds, read in memory and within limits: nothing of it is ever written to the disk.

Links, devices and names that lead out of the archive are passed over: what nobody writes can do no harm, and what is
not there cannot be named. A bomb ends where it has grown to the limit.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator

from convcost.errors import ConvcostError

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes that are unpacked of one archive, be they kept or not: 20 MB of files, and figures that are not kept."""
MAX_KEPT = 20 * 1024 * 1024
MAX_MEMBERS = 10_000


def members(data: bytes, source: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The files of a .zip, .tar, .tar.gz or .gz by their paths within it, those whose names are wanted.

    A .gz of one file has the name "main.tex", as arXiv packs a source of one file.

    Raises:
        ConvcostError: it is no such archive, broken, encrypted, or unpacks to more than the limits.
    """
    try:
        found: dict[str, bytes] = {}
        kept = 0
        for name, content in _zipped(data, wanted) if data.startswith(b"PK") else _tarred(data, wanted):
            kept += len(content)
            if kept > MAX_KEPT:
                raise ConvcostError(f"{source}: its sources are more than {MAX_KEPT:,} bytes, the most that is read")
            found[name] = content
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise ConvcostError(f"{source}: not readable as an archive: {error}") from None
    except RuntimeError:
        raise ConvcostError(f"{source}: the archive is encrypted; unpack it and name its folder") from None
    except _TooMuchError:
        limits = f"{MAX_UNPACKED:,} bytes and {MAX_MEMBERS:,} files"
        raise ConvcostError(f"{source}: unpacks to more than {limits}, the most that is read of an archive") from None
    return found


class _TooMuchError(Exception):
    """An archive unpacks to more than the limits."""


class _Bounded(io.RawIOBase):
    """A stream that ends in `_TooMuchError` behind its limit."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self.stream = stream
        self.left = MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise _TooMuchError
        return data


def _zipped(data: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if len(archive.infolist()) > MAX_MEMBERS:
            raise _TooMuchError
        left = MAX_UNPACKED
        for entry in archive.infolist():
            name = _within(entry.filename)
            linked = (entry.external_attr >> 16) & 0o170000 == 0o120000
            if entry.is_dir() or linked or not name or not wanted(name):
                continue
            with archive.open(entry) as file:  # what it says of its size need not be true
                content = file.read(left + 1)
            left -= len(content)
            if left < 0:
                raise _TooMuchError
            yield name, content


def _tarred(data: bytes, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    raw = io.BytesIO(data)
    packed = data.startswith(b"\x1f\x8b")
    stream = _Bounded(gzip.GzipFile(fileobj=raw) if packed else raw)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for number, entry in enumerate(archive):
                name = _within(entry.name)
                if number > MAX_MEMBERS:
                    raise _TooMuchError
                if entry.isreg() and name and wanted(name) and (file := archive.extractfile(entry)):
                    yield name, file.read()
    except tarfile.ReadError:
        raw.seek(0)
        if not packed or b"\0" in (content := _Bounded(gzip.GzipFile(fileobj=raw)).read()):
            raise
        yield "main.tex", content


def _within(name: str) -> str:
    """The path of a member within its archive, "" if it leads out of it."""
    path = posixpath.normpath(name.replace("\\", "/"))
    outside = path.startswith(("/", "../")) or path in (".", "..") or path[1:2] == ":"
    return "" if outside or "\0" in path else path
