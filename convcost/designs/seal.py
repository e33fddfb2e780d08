"""What a finished file says of itself: its checksum, by which a digit that a disk or a hand has changed is found.

It is a CRC-32, in eight hexadecimal digits. That of CSV and JSON Lines is of the metadata beside the file, as JSON on
one line without the checksum, and then of the file; that of Parquet, which stands in its footer, of the whole file,
with zeros in its own place.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from errno import EINVAL
from os import SEEK_END
from typing import IO, Any

CHECKSUM = "crc32"
"""What the metadata call it; a Parquet footer has it under SEAL."""
SEAL = "convcost.crc32"
UNSEALED = "00000000"
LARGEST_METADATA = 1 << 24
"""Bytes of what a file says of its sweep."""
_PIECE = 1 << 20
_BEFORE = SEAL.encode() + b"\x18\x08"
"""What the digits stand behind in a footer: Thrift's compact form of a key, then of a text of eight bytes."""


def sealed(about: Mapping[str, Any], file: IO[bytes]) -> dict[str, Any]:
    """The metadata of a file with its checksum."""
    said = {key: value for key, value in about.items() if key != CHECKSUM}
    return {**said, CHECKSUM: _digits(_crc(file, zlib.crc32(json.dumps(said).encode())))}


def seal_of_parquet(file: IO[bytes]) -> tuple[int, bytes, bytes]:
    """Of a Parquet file, where its checksum stands, what stands there, and what should.

    Raises OSError if it has none.
    """
    size = file.seek(0, SEEK_END)
    file.seek(max(0, size - LARGEST_METADATA))
    footer = file.read()
    found = footer.rfind(_BEFORE)
    at = size - len(footer) + found + len(_BEFORE)
    end = at + len(UNSEALED)
    if found < 0 or end > size:
        raise OSError(EINVAL, "it says no checksum of itself")
    file.seek(at)
    there = file.read(len(UNSEALED))
    crc = _crc(file, zlib.crc32(UNSEALED.encode(), _crc(file, 0, 0, at)), end)
    return at, there, _digits(crc).encode()


def _digits(crc: int) -> str:
    return f"{crc:08x}"


def _crc(file: IO[bytes], crc: int, start: int = 0, stop: int | None = None) -> int:
    """The CRC-32 of a part of a file, as it goes on from another."""
    file.seek(start)
    while data := file.read(_PIECE if stop is None else min(_PIECE, stop - file.tell())):
        crc = zlib.crc32(data, crc)
    return crc
