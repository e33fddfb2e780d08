"""A sweep from start to end: planned, computed block by block, kept as it goes, and put together as one file.

Blocks that are done lie in `NAME.parts` beside the file, each written whole or not at all, with a journal of what they
hold. A sweep that was stopped goes on from there; another sweep is not mistaken for it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from convcost.errors import ConvcostError, did_you_mean
from convcost.network import Network
from convcost.spec import expression
from convcost.sweep.blocks import LARGEST_BLOCK, Sweep
from convcost.sweep.engines import Engine, serial
from convcost.sweep.forms import METRICS, design_names, is_number, symbolic_axes, whole_denominator
from convcost.sweep.output import about, assemble, atomically, format_of
from convcost.sweep.parts import Part, installed
from convcost.sweep.space import Space, parsed_expression, show
from convcost.sweep.where import check_names, names_in, parse_where

SMALLEST_BLOCK = 1_024
"""Designs per block where none shares its closed form with others."""


class Summary(NamedTuple):
    """What came out of a sweep."""

    designs: int
    kept: int
    unfit: int
    reason: str
    resumed: int
    """How many blocks had been done before."""


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

    Raises ConvcostError if the file or its parts are of another sweep, and OSError where they cannot be written; what
    is done by then stays, and the same call goes on from there.
    """
    said = describe(sweep)
    if out.exists():
        found, remedy = about(out), "choose another name, or remove it"
        _same(out, said, found, remedy)
        match found:
            case {"kept": int(kept), "unfit": int(unfit), "reason": str(reason)}:
                return Summary(sweep.designs, kept, unfit, reason, sweep.blocks)
        raise ConvcostError(f"{out}: exists, and does not say how many designs it holds: {remedy}")
    store = _Store(out.with_name(f"{out.name}.parts"), said)
    resumed = 0
    for block in store.done:
        resumed += 1
        if progress:
            progress(sweep.designs_of(block), True)
    try:
        for part in engine(sweep, (block for block in range(sweep.blocks) if block not in store.done)):
            store.keep(part)
            if progress:
                progress(sweep.designs_of(part.block), False)
    finally:
        if not store.done:
            store.remove()
    kept, unfit, reason = store.totals()
    result = {**said, "kept": kept, "unfit": unfit, "reason": reason}
    assemble(out, sweep.format, sweep.columns, (store.path(block) for block in range(sweep.blocks)), result)
    store.remove()
    return Summary(sweep.designs, kept, unfit, reason, resumed)


class _Store:
    """The finished blocks of a sweep, in a folder."""

    def __init__(self, folder: Path, said: dict[str, Any]) -> None:
        self.folder = folder
        self.journal = folder / "journal.jsonl"
        manifest = folder / "sweep.json"
        # With nothing in it but drafts of a manifest, it is what is left of a run that was stopped at its start.
        drafts = folder.glob(f".{manifest.name}.*.draft")
        only_begun = folder.is_dir() and {*folder.iterdir()} <= {*drafts}
        if folder.exists() and not only_begun:
            try:
                found = json.loads(manifest.read_bytes())
            except (OSError, ValueError):
                found = None
            _same(folder, said, found, "remove it, or choose another --out")
        else:
            folder.mkdir(exist_ok=True)
            with atomically(manifest) as file:
                file.write(json.dumps(said).encode())
        self.done: dict[int, tuple[int, int, str]] = {}
        for line in self.journal.read_bytes().split(b"\n") if self.journal.exists() else ():
            try:
                block, kept, unfit, reason = json.loads(line)
            except ValueError:  # the line that was being written when the machine stopped
                continue
            if self.path(block).exists():
                self.done[block] = (kept, unfit, reason)

    def path(self, block: int) -> Path:
        """Where a block lies."""
        return self.folder / f"{block:08}"

    def keep(self, part: Part) -> None:
        """Write a block, then say so."""
        with atomically(self.path(part.block)) as file:
            file.write(part.data)
        with self.journal.open("ab") as journal:
            journal.write(b"\n" + json.dumps([part.block, part.kept, part.unfit, part.reason]).encode())
        self.done[part.block] = (part.kept, part.unfit, part.reason)

    def totals(self) -> tuple[int, int, str]:
        """Designs kept, designs that do not fit, and why the first of those does not."""
        counts = [self.done[block] for block in sorted(self.done)]
        reason = next((reason for _, _, reason in counts if reason), "")
        return sum(kept for kept, _, _ in counts), sum(unfit for _, unfit, _ in counts), reason

    def remove(self) -> None:
        """The parts have served."""
        shutil.rmtree(self.folder)


def _same(path: Path, said: dict[str, Any], found: Any, remedy: str) -> None:
    """Refuse what is of another sweep."""
    if not isinstance(found, dict):
        raise ConvcostError(f"{path}: exists, and does not say which sweep it is of: {remedy}")
    if other := [key for key, value in said.items() if found.get(key) != value]:
        raise ConvcostError(f"{path}: is of another sweep, with another {', '.join(other)}: {remedy}")


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
