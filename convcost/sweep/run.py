"""A sweep from start to end: planned, computed block by block, kept as it goes, and put together as one file.

Blocks that are done lie in `NAME.parts` beside the file, each written whole or not at all, with a journal of what they
hold, their sizes and checksums: one that is damaged is computed again. A sweep that was stopped goes on from there;
another sweep is not mistaken for it, and a second run of the same one is refused while the first is at it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from convcost.errors import ConvcostError, did_you_mean
from convcost.network import Network
from convcost.spec import expression
from convcost.sweep.blocks import LARGEST_BLOCK, Sweep
from convcost.sweep.engines import Engine, serial
from convcost.sweep.forms import METRICS, design_names, is_number, symbolic_axes, whole_denominator
from convcost.sweep.output import about, assemble, atomically, format_of, intact, sidecar
from convcost.sweep.parts import Part, checksum, installed
from convcost.sweep.space import Space, parsed_expression, show
from convcost.sweep.where import check_names, names_in, parse_where

SMALLEST_BLOCK = 1_024
"""Designs per block where none shares its closed form with others."""
LOCK = "lock"
"""The file among the parts that a run has locked while it is at them."""
TRIES = 3
"""How often a file is put together from blocks of which some turn out to be damaged since they were written."""


class Summary(NamedTuple):
    """What came out of a sweep."""

    designs: int
    kept: int
    unfit: int
    reason: str
    resumed: int
    """How many blocks had been done before."""
    damaged: int = 0
    """How many blocks were not as they had been written, and have been computed again."""


def plan(
    network: Network, space: Space, *, where: Sequence[str] = (), sample: int | None = None, seed: int = 0, out: Path
) -> Sweep:
    """A sweep that is known to make sense. Raises ConvcostError for a name, a value or a condition that does not."""
    format_ = format_of(out)
    conditions = [condition for text in where for condition in parse_where(text)]
    first = check(network, space, names_in(conditions))
    derived = [name for name, _ in space.derived if is_number(first[name])]
    columns = (*(axis.name for axis in space.axes), *derived, *METRICS)
    check_names(conditions, columns)
    if sample is not None and sample < 1:
        raise ConvcostError(f"--sample takes at least 1 design, not {sample}")
    if sample is not None and sample > space.size:
        raise ConvcostError(
            f"--sample {sample}: the space has {space.size:,} designs: without --sample each of them is taken once"
        )
    if seed < 0:
        raise ConvcostError(f"--seed takes an integer >= 0, not {seed}")
    symbolic = symbolic_axes(network, space)
    structures = 1
    for axis in space.axes:
        structures *= 1 if axis.name in symbolic else len(axis)
    per_form = space.size // structures if sample is None else 1 if structures > SMALLEST_BLOCK else LARGEST_BLOCK
    return Sweep(
        text=network.spec.text,
        file=Path(network.spec.file).name,
        network=network.network,
        variant=network.variant,
        knobs=tuple(sorted(network.knobs.items())),
        space=space,
        symbolic=symbolic,
        columns=columns,
        derived=tuple((name, whole_denominator(space, name)) for name in derived),
        where=tuple(where),
        sample=sample,
        seed=seed,
        block=min(LARGEST_BLOCK, SMALLEST_BLOCK * per_form),
        format=format_,
        version=installed(),
    )


def describe(sweep: Sweep) -> dict[str, Any]:
    """What the file says of its sweep: enough to know it again, and to do it again."""
    return {
        "convcost": sweep.version,
        "network": sweep.network + (f"@{sweep.variant}" if sweep.variant else ""),
        "spec": sweep.file,
        "spec_sha256": hashlib.sha256(sweep.text.encode()).hexdigest(),
        "knobs": {name: show(value) for name, value in sweep.knobs},
        "space": {axis.name: str(axis) for axis in sweep.space.axes},
        "derived": dict(sweep.space.derived),
        "where": list(sweep.where),
        "designs": str(sweep.designs),
        "sample": sweep.sample,
        "seed": sweep.seed,
        "block": sweep.block,
        "symbolic": list(sweep.symbolic),
        "format": sweep.format,
        "convention": METRICS,
    }


def run(
    sweep: Sweep, out: Path, engine: Engine = serial, progress: Callable[[int, bool], None] | None = None
) -> Summary:
    """Compute what is missing and write the file. `progress` is told of designs done, and whether they are from before.

    Raises ConvcostError if the file or its parts are of another sweep or another run is at them, and OSError where they
    cannot be written; what is done by then stays, and the same call goes on from there.
    """
    said = describe(sweep)
    if not out.exists():
        with _alone(out) as folder:
            if not out.exists():  # a run that was at it may just have finished
                return _computed(sweep, out, _Store(folder, said), engine, progress)
    remedy = "choose another name, or remove it"
    found = _same(out, said, about(out), remedy)
    match found:
        case {"kept": int(kept), "unfit": int(unfit), "reason": str(reason)}:
            if not intact(out, found):
                raise ConvcostError(f"{out}: is not as its sweep wrote it: {remedy}")
            return Summary(sweep.designs, kept, unfit, reason, sweep.blocks)
    raise ConvcostError(f"{out}: exists, and does not say how many designs it holds: {remedy}")


def parts_of(out: Path) -> Path:
    """The folder where the blocks of a file lie until it is there."""
    return out.with_name(f"{out.name}.parts")


def _computed(
    sweep: Sweep, out: Path, store: _Store, engine: Engine, progress: Callable[[int, bool], None] | None
) -> Summary:
    try:
        resumed = 0
        for block in store.checked():
            resumed += 1
            if progress:
                progress(sweep.designs_of(block), True)
        for _ in range(TRIES):
            missing = (block for block in range(sweep.blocks) if block not in store.done)
            with closing(engine(sweep, missing)) as parts:
                for part in parts:
                    store.keep(part)
                    if progress:
                        progress(sweep.designs_of(part.block), False)
            kept, unfit, reason = store.totals()
            result = {**describe(sweep), "kept": kept, "unfit": unfit, "reason": reason}
            whole = store.folder / out.name  # so that nothing of a run that is killed lies beside the file
            try:
                assemble(whole, sweep.format, sweep.columns, sweep.blocks, store.read, result)
            except _DamagedError:
                for _ in store.checked():  # where one block is damaged, others may be
                    pass
                continue
            if sidecar(whole).exists():
                sidecar(whole).replace(sidecar(out))
            whole.replace(out)
            store.remove()
            return Summary(sweep.designs, kept, unfit, reason, resumed, store.damaged)
    finally:
        if not store.done:
            store.remove()
    raise ConvcostError(f"{store.folder}: its files do not stay as they are written: is the disk failing?")


class _DamagedError(Exception):
    """A block is not as it was written."""


class _Done(NamedTuple):
    """What the journal says of a block."""

    kept: int
    unfit: int
    reason: str
    size: int
    crc: int


class _Store:
    """The finished blocks of a sweep, in a folder."""

    def __init__(self, folder: Path, said: dict[str, Any]) -> None:
        self.folder = folder
        self.journal = folder / "journal.jsonl"
        self.manifest = folder / "sweep.json"
        # With nothing in it but drafts of a manifest, it is what is left of a run that was stopped at its start.
        if {*folder.iterdir()} <= {folder / LOCK, *folder.glob(f".{self.manifest.name}.*.draft")}:
            with atomically(self.manifest) as file:
                file.write(json.dumps(said).encode())
        else:
            try:
                found = json.loads(self.manifest.read_bytes())
            except (OSError, ValueError):
                found = None
            _same(folder, said, found, "remove it, or choose another --out")
        self.damaged = 0
        self.done: dict[int, _Done] = {}
        for line in self.journal.read_bytes().split(b"\n") if self.journal.exists() else ():
            try:
                entry = json.loads(line)
            except ValueError:  # the line that was being written when the machine stopped
                continue
            match entry:
                case [int(block), int(kept), int(unfit), str(reason), int(size), int(crc)]:
                    self.done[block] = _Done(kept, unfit, reason, size, crc)

    def path(self, block: int) -> Path:
        """Where a block lies."""
        return self.folder / f"{block:08}"

    def keep(self, part: Part) -> None:
        """Write a block, then say so."""
        with atomically(self.path(part.block)) as file:
            file.write(part.data)
        done = _Done(part.kept, part.unfit, part.reason, len(part.data), part.crc)
        with self.journal.open("ab") as journal:
            journal.write(b"\n" + json.dumps([part.block, *done]).encode())
        self.done[part.block] = done

    def read(self, block: int) -> bytes:
        """A block as it was written. Raises _DamagedError if it is not, and forgets it."""
        done = self.done[block]
        with suppress(OSError):
            data = self.path(block).read_bytes()
            if len(data) == done.size and checksum(block, data, done.kept, done.unfit, done.reason) == done.crc:
                return data
        self.damaged += 1
        del self.done[block]
        raise _DamagedError

    def checked(self) -> Iterator[int]:
        """The blocks that are as they were written; the other ones are forgotten."""
        for block in sorted(self.done):
            with suppress(_DamagedError):
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
def _alone(out: Path) -> Iterator[Path]:
    """The folder of a file's parts, for us alone; without us it goes away if nothing is in it.

    Raises ConvcostError while another run is at it, or if the folder cannot be made.
    """
    folder = parts_of(out)
    lock = _locked(out, folder)
    try:
        yield folder
    finally:
        if lock is not None:
            (folder / LOCK).unlink(missing_ok=True)
            os.close(lock)
        with suppress(OSError):  # there are parts in it, or already the next run
            folder.rmdir()


def _locked(out: Path, folder: Path) -> int | None:
    """The descriptor of a locked file, which the system unlocks when this process ends; None where there are no locks.

    Raises ConvcostError as `_alone` does.
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
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
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


def _same(path: Path, said: dict[str, Any], found: Any, remedy: str) -> dict[str, Any]:
    """What was found, unless it is of another sweep."""
    if not isinstance(found, dict):
        raise ConvcostError(f"{path}: exists, and does not say which sweep it is of: {remedy}")
    if other := [key for key, value in said.items() if found.get(key) != value]:
        raise ConvcostError(f"{path}: is of another sweep, with another {', '.join(other)}: {remedy}")
    return found


def check(network: Network, space: Space, used: Iterable[str] = ()) -> dict[str, Any]:
    """The first design. Raises ConvcostError for names that nothing uses and values that a knob or size cannot have."""
    known = design_names(network)
    helpers = {*used} | {
        name for _, text in space.derived for name in expression.names(parsed_expression(text, "--let").node)
    }
    for name in space.names:
        if name in METRICS:
            raise ConvcostError(f"{name} is what a sweep computes: it cannot name an axis")
        if name not in known and name not in helpers:
            hint = did_you_mean(name, known) or f"; it has {', '.join(known)}"
            raise ConvcostError(f"{network.name} has no knob or size {name!r}{hint}")
    for axis in space.axes:
        if (knob := network.spec.knobs.get(axis.name)) is not None:
            for i in range(len(axis) if knob.choices else 1) if axis.numeric else range(len(axis)):
                knob.check(axis[i])
        elif axis.name in known and not (axis.numeric and axis.denominator == 1 and axis.least >= 1):
            raise ConvcostError(f"{axis.name} takes integers >= 1, got {show(axis[0])}, ...")
    return space.complete({axis.name: axis[0] for axis in space.axes})
