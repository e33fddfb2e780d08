"""Layer tables of SCALE-Sim, Timeloop and MAESTRO as their own readers take them, each row with its place.

Nothing of a file is run or expanded: of Timeloop's YAML, templates and all, the numbers of each instance are read.
"""

from __future__ import annotations

import re
from math import prod
from pathlib import Path
from typing import NamedTuple

from convcost.errors import ConvcostError
from convcost.files import reading

MAX_BYTES = 2 << 20
MAX_ROWS = 5_000
MAX_SIZE = 10**9
"""The largest number of a row: beyond it nothing is a layer."""
Pair = tuple[int, int]


class Row(NamedTuple):
    """A layer as a table has it."""

    name: str
    place: str
    channels: int
    """Of the input, that a filter sees."""
    filters: int
    """Of all groups."""
    groups: int
    kernel: Pair
    """Height and width, as all pairs here."""
    stride: Pair
    size: Pair | None
    """The input's, padding and all, as the simulator takes it; None where a table says only the output's."""
    out: Pair
    """The output's, as the simulator computes it."""
    batch: int = 1

    @property
    def macs(self) -> int:
        """Multiply-adds as the simulator counts them."""
        return self.macs_on(self.out)

    def macs_on(self, out: Pair) -> int:
        """Multiply-adds on an output of another size."""
        return self.batch * prod(out) * prod(self.kernel) * self.channels * self.filters


class LayerTable(NamedTuple):
    """The rows of a file, and whose file it is."""

    tool: str
    source: str
    rows: list[Row]
    notes: tuple[str, ...] = ()


def read(path: Path) -> LayerTable | None:
    """The layer table of a file; of a folder, that of its YAML files. None for what is none.

    Raises:
        ConvcostError: it cannot be read, is of a version that is not known, or a row is no layer; with its place.
    """
    if path.is_dir():
        files = sorted(path.glob("*.y*ml"), key=lambda one: ([int(n) for n in re.findall(r"\d+", one.name)], one.name))
        tables = [table for one in files[:MAX_ROWS] if (table := _of_file(one)) is not None]
        notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
        rows = [row for table in tables for row in table.rows]
        return _table("Timeloop", str(path), rows, notes) if tables else None
    return _of_file(path)


def _of_file(path: Path) -> LayerTable | None:
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        return None
    begins, reader = _READERS[suffix]
    try:
        with reading.opened(path) as file:
            first = (file.read(_PEEK) or b"").decode("utf-8", "replace").removeprefix("\ufeff")
    except OSError:  # whoever reads it as another table says why
        return None
    if not begins.search(first):
        return None
    text = reading.read(path, MAX_BYTES, "a layer table").decode("utf-8", "replace").removeprefix("\ufeff")
    return reader(text.replace("\r\n", "\n"), str(path))


# -- SCALE-Sim ---------------------------------------------------------------------------------------------------------

_SCALESIM = re.compile(r"\A\s*layer(?:[ _]?name)?\s*,\s*(ifmap[ _]?h|M\s*,\s*[NK]\s*,\s*[NK]\b)", re.IGNORECASE)
_FIELDS = "name, IFMAP height and width, filter height and width, channels, filters, stride"
_SPARSITY = re.compile(r"\d+:\d+")


def _scalesim(text: str, source: str) -> LayerTable:
    lines = text.splitlines()
    header = _SCALESIM.match(lines[0])
    if header is None or header[1].upper().startswith("M"):
        raise ConvcostError(f"{source}:1: a table of SCALE-Sim's for products of matrices: convolutions are read")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        place = f"{source}:{number}"
        fields = [field.strip() for field in line.split(",")]
        if fields[-1] == "":  # SCALE-Sim drops the last field, whatever is in it
            fields.pop()
        name, *numbers = fields
        if len(numbers) == 8 and _SPARSITY.fullmatch(numbers[-1]):
            numbers.pop()  # of v3
        if len(numbers) not in (7, 8):
            raise ConvcostError(f"{place}: {len(fields)} fields; a row of SCALE-Sim v2 or v3 has 8 or 9: {_FIELDS}")
        height, width, kernel_h, kernel_w, channels, filters, *stride = (_count(n, place) for n in numbers)
        steps = (stride[0], stride[-1])
        kernel, size = (kernel_h, kernel_w), (height, width)
        if kernel_h > height or kernel_w > width:
            raise ConvcostError(f"{place}: a filter of {kernel_h}x{kernel_w} on {height}x{width}: SCALE-Sim refuses it")
        high, wide = (-(-(n - k + s) // s) for n, k, s in zip(size, kernel, steps, strict=True))
        depthwise = "DP" in name
        shape = (1, channels * filters, channels) if depthwise else (channels, filters, 1)
        rows.append(Row(name, place, *shape, kernel, steps, size, (high, wide)))
    return _table("SCALE-Sim", source, rows)


# -- MAESTRO -----------------------------------------------------------------------------------------------------------

_NETWORK = re.compile(r"^\s*Network\s+\S+\s*\{", re.MULTILINE)
_LAYER = re.compile(r"\bLayer\s+(\S+)\s*\{")
_TYPE = re.compile(r"\bType\s*:\s*(\w+)")
_BLOCK = re.compile(r"\b(Stride|Dimensions)\s*\{([^{}]*)\}")
_ENTRY = re.compile(r"\b([A-Z])\s*:\s*(\d+)")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def _maestro(text: str, source: str) -> LayerTable:
    # Comments may hold braces; their lines stay, so that places are right.
    text = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    starts = [*_LAYER.finditer(text)]
    ends = [*(one.start() for one in starts[1:]), len(text)]
    rows = []
    for start, end in zip(starts, ends, strict=True):
        place = f"{source}:{text.count(chr(10), 0, start.start()) + 1}"
        body = text[start.end() : end]
        kind = found[1] if (found := _TYPE.search(body)) else ""
        if kind not in ("CONV", "DSCONV"):
            raise ConvcostError(f"{place}: layer {start[1]} is of type {kind or 'none'}; CONV and DSCONV are read")
        blocks = {name: dict(_ENTRY.findall(inside)) for name, inside in _BLOCK.findall(body)}
        sizes, steps = blocks.get("Dimensions", {}), blocks.get("Stride", {})
        if missing := [name for name in "KCRSYX" if name not in sizes]:
            raise ConvcostError(f"{place}: layer {start[1]} has no dimension {missing[0]}")
        k, c, r, s, y, x = (_count(sizes[name], place) for name in "KCRSYX")
        stride = (_count(steps.get("Y", "1"), place), _count(steps.get("X", "1"), place))
        if r > y or s > x:
            raise ConvcostError(f"{place}: a filter of {r}x{s} on {y}x{x}")
        out = ((y - r) // stride[0] + 1, (x - s) // stride[1] + 1)
        shape = (1, c * k, c) if kind == "DSCONV" else (c, k, 1)
        rows.append(Row(start[1], place, *shape, (r, s), stride, (y, x), out, _count(sizes.get("N", "1"), place)))
    return _table("MAESTRO", source, rows)


# -- Timeloop ----------------------------------------------------------------------------------------------------------

_PROBLEM = re.compile(r"^problem\s*:", re.MULTILINE)
_VERSION = re.compile(r"^\s+version\s*:\s*['\"]?([\w.]+)", re.MULTILINE)
_DIMENSION = re.compile(r"(?<![\w-])([NCMKPQRSG]|[HW][Ss]tride|[HW][Dd]ilation)\s*:\s*(\d+)")
_NAMED = re.compile(r"^\s+name\s*:\s*['\"]?([\w./-]+)|^#\s*(\w+)\s*$", re.MULTILINE)
_INSTANCE = re.compile(r"^\s+instance\s*:", re.MULTILINE)
_SHAPE = re.compile(r"^(\s+)shape\s*:.*\n(?:\1\s+.*\n?|\s*\n)*", re.MULTILINE)
_VERSIONS = ("0.3", "0.4")


def _timeloop(text: str, source: str) -> LayerTable:
    rows, notes, line = [], set(), 1
    for number, document in enumerate(re.split(r"^---\s*\n", text, flags=re.MULTILINE)):
        start, line = line, line + document.count("\n") + 1
        if not (problem := _PROBLEM.search(document)):
            continue
        place = f"{source}:{start + document.count(chr(10), 0, problem.start())}"
        version = found[1] if (found := _VERSION.search(document)) else ""
        if version and version not in _VERSIONS:
            raise ConvcostError(f"{place}: a problem of Timeloop {version}; {' and '.join(_VERSIONS)} are read")
        # The shape says how dimensions are called, and what its coefficients are if nobody says them.
        own = re.sub(r"#[^\n]*", "", _SHAPE.sub("", document[problem.start() :]))
        begin = _INSTANCE.search(own)
        if version == "0.4" and begin is None:
            raise ConvcostError(f"{place}: a problem of Timeloop 0.4 without an instance")
        sizes: dict[str, int] = {}
        for name, value in _DIMENSION.findall(own[begin.end() :] if begin else own):
            if name[1:] == "Stride":
                notes.add(
                    f"{name} is read as {name[0]}stride; Timeloop's own shape has no such coefficient, and takes 1"
                )
            sizes[name.replace("S", "s").replace("D", "d") if len(name) > 1 else name] = _count(value, place)
        filters = sizes.get("M", sizes.get("K"))
        if filters is None or "C" not in sizes or not {"P", "Q", "R", "S"} <= {*sizes}:
            raise ConvcostError(f"{place}: a convolution of Timeloop has C, M (or K), P, Q, R and S")
        groups = sizes.get("G", 1)
        named = _NAMED.search(document)
        name = (named[1] or named[2]) if named else f"{Path(source).stem}{f'_{number}' if number else ''}"
        stride = (sizes.get("Hstride", 1), sizes.get("Wstride", 1))
        shape = (sizes["C"], filters * groups, groups)
        out = (sizes["Q"], sizes["P"])  # R and P go with the width
        rows.append(Row(name, place, *shape, (sizes["S"], sizes["R"]), stride, None, out, sizes.get("N", 1)))
    return _table("Timeloop", source, rows, tuple(sorted(notes)))


# -- all ---------------------------------------------------------------------------------------------------------------

_READERS = {
    ".csv": (_SCALESIM, _scalesim),
    ".m": (_NETWORK, _maestro),
    ".yaml": (_PROBLEM, _timeloop),
    ".yml": (_PROBLEM, _timeloop),
}
"""By a file's ending, what stands near its beginning if it is one, and what reads it then."""
_PEEK = 1 << 16


def _table(tool: str, source: str, rows: list[Row], notes: tuple[str, ...] = ()) -> LayerTable:
    if not rows:
        raise ConvcostError(f"{source}: a layer table of {tool} without a layer")
    if len(rows) > MAX_ROWS:
        raise ConvcostError(f"{source}: {len(rows):,} layers; at most {MAX_ROWS:,} are read")
    return LayerTable(tool, source, rows, notes)


def _count(text: str, place: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:12]) <= MAX_SIZE):
        raise ConvcostError(f"{place}: {text[:40]!r} is no size of a layer")
    return int(text)
