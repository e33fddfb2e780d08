"""Machines as data: peaks by type, bandwidth and memory, each with its source; and one core of this one, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

from convcost.cost.machine import Machine, parse_machine
from convcost.cost.memory import DTYPES
from convcost.errors import ConvcostError, did_you_mean
from convcost.printed.numbers import exact_number
from convcost.spec import document
from convcost.spec.catalog import specs_dir
from convcost.spec.document import SpecError

MOST = 10**20
"""No machine does or moves as much in a second, nor has as much memory."""
_KEYS = ("name", "title", "kind", "peak", "bandwidth", "memory", "source")


class Described(NamedTuple):
    """A machine as its file describes it."""

    name: str
    title: str
    kind: str
    peak: Mapping[str, Fraction]
    """Operations per second, of which a multiply-add is two, by the type that they are done in."""
    bandwidth: Fraction
    """Bytes per second between arithmetic and memory."""
    memory: int | None
    """Bytes."""
    source: str

    def of(self, dtype: str) -> Machine:
        """Its two numbers for a type. Raises ConvcostError if its file says no peak of it."""
        if dtype not in self.peak:
            raise ConvcostError(f"{self.name}: no peak of {dtype} is known, only of {', '.join(self.peak)}")
        return Machine(self.peak[dtype], self.bandwidth)


def machine_names() -> list[str]:
    """The shipped machines by name."""
    return sorted(path.stem for path in (specs_dir() / "machines").glob("*.yaml"))


def machines() -> Iterator[Described]:
    """The shipped machines."""
    for name in machine_names():
        yield described(name)


def described(name: str) -> Described:
    """A shipped machine, or the one of a YAML file. Raises ConvcostError if there is none, or for a bad file."""
    if name.endswith((".yaml", ".yml")):
        return read(Path(name))
    names = machine_names()
    if name not in names:
        close = did_you_mean(name, names) or f"; there are {', '.join(names)}, or flops=19.5T,bandwidth=1555G"
        raise ConvcostError(f"unknown machine {name!r}{close}")
    return read(specs_dir() / "machines" / f"{name}.yaml")


def machine(text: str, dtype: str) -> Machine:
    """`h100_sxm`, `mine.yaml` or `flops=19.5T,bandwidth=1555G`, for a type. Raises ConvcostError."""
    return parse_machine(text) if "=" in text else described(text).of(dtype)


def read(path: Path) -> Described:
    """A machine's file. Raises SpecError for a key that it has not, and for what is no number in its unit."""
    top = document.read(path)
    for key, mark in top.marks.items():
        if key not in _KEYS:
            raise SpecError(mark, f"a machine has the keys {', '.join(_KEYS)}, not {key!r}{did_you_mean(key, _KEYS)}")
    for key in ("name", "peak", "bandwidth", "source"):
        if key not in top.entries:
            raise SpecError(top.mark, f"a machine needs the key {key!r}")
    peaks = {}
    for dtype, value, mark in document.entries(top, "peak"):
        if dtype not in DTYPES:
            raise SpecError(mark, f"unknown dtype {dtype!r}{did_you_mean(dtype, DTYPES)}")
        peaks[dtype] = _number(value, "operations per second such as 19.5T", ("", "flops", "ops"))
    if not peaks:
        raise SpecError(top.marks["peak"], "a machine needs a peak of some type: {float32: 19.5T}")
    memory = top.entries.get("memory")
    return Described(
        document.text(top, "name"),
        document.text(top, "title") or document.text(top, "name"),
        document.text(top, "kind"),
        peaks,
        _number(top.entries["bandwidth"], "bytes per second such as 1555G", ("", "bytes")),
        None if memory is None else int(_number(memory, "bytes such as 80GiB", ("", "bytes"), 2**10)),
        document.text(top, "source"),
    )


def _number(value: document.Value, what: str, units: tuple[str, ...], least: int = 10**6) -> Fraction:
    if not isinstance(value, document.Scalar):
        raise SpecError(value.mark, f"here is a number of {what}")
    number = Fraction(exact_number(value.text, f"{value.mark}: a number of {what}", units))
    if number <= 0:
        raise SpecError(value.mark, f"a number of {what}, above 0, got {value.text!r}")
    if not least <= number < MOST:
        raise SpecError(value.mark, f"{value.text!r} is no number of {what}: is its scale right?")
    return number


class Measured(NamedTuple):
    """What one core of this machine has been seen to do at best, in float32."""

    machine: Machine
    """Its best at products of matrices, and in copying between the fastest caches."""
    memory_bandwidth: Fraction
    """Bytes per second of what does not fit into a cache."""

    def or_better(self, other: Measured) -> Measured:
        """The best of both."""
        best = Machine(*map(max, self.machine, other.machine))
        return Measured(best, max(self.memory_bandwidth, other.memory_bandwidth))


def measure(calls: int = 100) -> Measured:
    """The best of so many calls of each size. It is what has been reached here, not what makers promise."""
    import numpy as np

    flops = Fraction(0)
    for n in (128, 192, 256):
        a = np.ones((n, n), "float32")
        out = np.empty_like(a)
        flops = max(flops, 2 * n**3 / fastest(partial(np.matmul, a, a, out), calls))
    rates = []
    for size in (2**14, 2**16, 2**18, 2**24):  # bytes of each of two arrays: caches of the first levels, and memory
        source = np.ones(size // 4, "float32")
        target = np.empty_like(source)
        rates.append(2 * size / fastest(partial(np.copyto, target, source), calls if size < 2**20 else calls // 20 + 1))
    return Measured(Machine(flops, max(rates)), rates[-1])


def fastest(task: Callable[[], object], calls: int) -> Fraction:
    """The seconds that the fastest of some calls takes: short ones, which nothing else on the machine interrupts."""
    import time

    best = float("inf")
    for _ in range(calls):
        begin = time.perf_counter()
        task()
        best = min(best, time.perf_counter() - begin)
    return Fraction(best)
