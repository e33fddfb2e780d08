"""A sweep from start to end: planned, computed block by block, kept as it goes, and put together as one file.

Blocks that are done lie in `NAME.parts` beside the file, each written whole or not at all, with a journal of what they
hold, their sizes and checksums: one that is damaged is computed again. A sweep that was stopped goes on from there;
another sweep is not mistaken for it, and a second run of the same one is refused while the first is at it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from convcost.cost.quantities import quantity
from convcost.designs.blocks import LARGEST_BLOCK, NETWORK, AnySweep, Sweep, Sweeps
from convcost.designs.engines import Engine, serial
from convcost.designs.forms import METRICS, design_names, is_number, others, symbolic_axes, whole_denominator
from convcost.designs.output import about, assemble, format_of, intact, sidecar
from convcost.designs.parts import installed
from convcost.designs.space import Space, parsed_expression, written
from convcost.designs.store import DamagedError, Store, alone, same
from convcost.designs.where import check_names, names_in, parse_where
from convcost.errors import ConvcostError, did_you_mean, warn
from convcost.formulas.derive import size_names
from convcost.network import Network
from convcost.ops import format_shape
from convcost.spec import expression
from convcost.values import show

SMALLEST_BLOCK = 1_024
"""Designs per block where none shares its closed form with others."""
TRIES = 3
"""How often a file is put together from blocks of which some turn out to be damaged since they were written."""


class Summary(NamedTuple):
    """The outcome of a sweep: of its designs so many are kept in the file, and so many fit no network."""

    designs: int
    kept: int
    """Those that fit and meet the conditions."""
    unfit: int
    reason: str
    """Why the first design that does not fit does not."""
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
    quantities = (*METRICS, *others(sorted(names_in(conditions) - {*space.names})))
    columns = (*(axis.name for axis in space.axes), *derived, *quantities)
    check_names(conditions, columns)
    if sample is not None and sample < 1:
        raise ConvcostError(f"--sample takes at least 1 design, not {sample}")
    if sample is not None and sample > space.size:
        raise ConvcostError(
            f"--sample {sample}: the space has {space.size:,} designs: without --sample each of them is taken once"
        )
    if seed < 0:
        raise ConvcostError(f"--seed takes an integer >= 0, not {seed}")
    closed = all(quantity(name).least is None for name in quantities)
    symbolic = symbolic_axes(network, space) if closed else ()
    traced = [axis.name for axis in space.axes if axis.name in size_names(network.input) and axis.name not in symbolic]
    if traced and type(network) is not Network:
        warn(f"{network.name}: no closed form in {', '.join(traced)}: it is run once on every size")
    structures = 1
    for axis in space.axes:
        structures *= 1 if axis.name in symbolic else len(axis)
    per_form = space.size // structures if sample is None else 1 if structures > SMALLEST_BLOCK else LARGEST_BLOCK
    return Sweep(
        text=network.text,
        file=Path(network.spec.file).name,
        network=network.network,
        variant=network.variant,
        knobs=tuple(sorted(network.knobs.items())),
        space=space,
        symbolic=symbolic,
        columns=columns,
        quantities=quantities,
        derived=tuple((name, whole_denominator(space, name)) for name in derived),
        where=tuple(where),
        sample=sample,
        seed=seed,
        block=min(LARGEST_BLOCK, SMALLEST_BLOCK * per_form),
        input=network.at,
        format=format_,
        version=installed(),
        imported=None if type(network) is Network else replace(network, at=network.input, _graphs={}),
    )


def plan_several(
    networks: Sequence[Network],
    space: Space,
    *,
    where: Sequence[str] = (),
    sample: int | None = None,
    seed: int = 0,
    out: Path,
) -> AnySweep:
    """A sweep of one or several networks over one space; a sample is one of each. Raises ConvcostError as `plan` does,

    and where one network stands twice.
    """
    members = tuple(plan(network, space, where=where, sample=sample, seed=seed, out=out) for network in networks)
    if len(members) == 1:
        return members[0]
    if NETWORK in space.names:
        raise ConvcostError(f"{NETWORK} is a column of its own where there are several: it cannot name an axis")
    names = [member.reference for member in members]
    for name in names:
        if names.count(name) > 1:
            raise ConvcostError(f"{name} stands twice among the networks")
    return Sweeps(members)


def describe(sweep: AnySweep) -> dict[str, Any]:
    """What the file says of its sweep: enough to know it again, and to do it again."""
    if isinstance(sweep, Sweeps):
        each = [describe(member) for member in sweep.members]
        shared = {key: value for key, value in each[0].items() if all(one.get(key) == value for one in each)}
        own = [{key: value for key, value in one.items() if key not in shared} for one in each]
        return {**shared, "networks": own, "designs": str(sweep.designs)}
    return {
        "convcost": sweep.version,
        "network": sweep.reference,
        "spec": sweep.file,
        "spec_sha256": hashlib.sha256(sweep.text.encode()).hexdigest(),
        "knobs": {name: written(value) for name, value in sweep.knobs},
        **({"input": format_shape(sweep.input)} if sweep.input else {}),
        "space": {axis.name: str(axis) for axis in sweep.space.axes},
        "derived": dict(sweep.space.derived),
        "where": list(sweep.where),
        "designs": str(sweep.designs),
        "sample": sweep.sample,
        "seed": sweep.seed,
        "block": sweep.block,
        "symbolic": list(sweep.symbolic),
        "format": sweep.format,
        "convention": {name: quantity(name).meaning for name in sweep.quantities},
    }


def run(
    sweep: AnySweep, out: Path, engine: Engine = serial, progress: Callable[[int, bool], None] | None = None
) -> Summary:
    """Compute what is missing and write the file. `progress` is told of designs done, and whether they are from before.

    Raises ConvcostError if the file or its parts are of another sweep or another run is at them, and OSError where they
    cannot be written; what is done by then stays, and the same call goes on from there.
    """
    said = describe(sweep)
    if not out.exists():
        with alone(out) as folder:
            if not out.exists():  # a run that was at it may just have finished
                return _computed(sweep, out, Store(folder, said, sweep.blocks), engine, progress)
    remedy = "choose another name, or remove it"
    found = same(out, said, about(out), remedy)
    match found:
        case {"kept": int(kept), "unfit": int(unfit), "reason": str(reason)}:
            if not intact(out, found):
                raise ConvcostError(f"{out}: is not as its sweep wrote it: {remedy}")
            return Summary(sweep.designs, kept, unfit, reason, sweep.blocks)
    raise ConvcostError(f"{out}: exists, and does not say how many designs it holds: {remedy}")


def _computed(
    sweep: AnySweep, out: Path, store: Store, engine: Engine, progress: Callable[[int, bool], None] | None
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
            except DamagedError:
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
            ends = range(min(len(axis), 1000))
            bad = next((axis[i] for i in ends if not (isinstance(axis[i], int) and axis[i] >= 1)), axis[0])
            raise ConvcostError(f"{axis.name} takes integers >= 1, got {show(bad)}")
    return space.complete({axis.name: axis[0] for axis in space.axes})
