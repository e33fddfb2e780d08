"""A block as a worker hands it over: the task that every engine runs."""

from __future__ import annotations

import json
import zlib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from convcost.designs.blocks import AnySweep, computed
from convcost.designs.output import encode, format_of
from convcost.errors import ConvcostError


class Part(NamedTuple):
    """A block of a sweep as it is computed: its rows as bytes of the file's format, and what is known of them."""

    block: int
    data: bytes
    kept: int
    """Designs that fit and meet the conditions."""
    unfit: int
    reason: str
    """Why the first design that does not fit does not."""
    crc: int
    """What `checksum` says of all this, where it was computed."""


def checksum(block: int, data: bytes, kept: int, unfit: int, reason: str) -> int:
    """A CRC-32 of what a part says and holds: it finds what a disk or network damages, in no time to speak of."""
    return zlib.crc32(data, zlib.crc32(json.dumps([block, kept, unfit, reason]).encode()))


def compute(sweep: AnySweep, block: int) -> Part:
    """A block, encoded. Raises ConvcostError where another version would run it."""
    version = installed()
    if version != sweep.version:
        raise ConvcostError(f"the sweep is of convcost {sweep.version}, this worker has {version}")
    done = computed(sweep, block)
    data, said = encode(done, sweep.format), (done.kept, done.unfit, done.reason)
    return Part(block, data, *said, checksum(block, data, *said))


def ready(format_: str) -> str:
    """The version of convcost that runs here, where blocks of a format can be computed.

    Raises ImportError without numpy, MissingExtraError without pyarrow for Parquet.
    """
    import numpy as np  # noqa: F401  # that it is there is what we want to know

    format_of(Path(f"sweep.{format_}"))
    return installed()


def installed() -> str:
    """The version of convcost that runs here."""
    try:
        return metadata.version("convcost")
    except metadata.PackageNotFoundError:
        return "checkout"  # on the path without being installed
