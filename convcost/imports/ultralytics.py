"""Model YAML of Ultralytics as recipes: rows of `[from, number, module, args]`, scaled in depth and width.

Modules are those of YOLOv5 and YOLOv8, and what has been made of them; any other is refused with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import ceil, gcd
from pathlib import Path
from typing import Any, NamedTuple

from convcost import ops
from convcost.errors import ConvcostError, did_you_mean, warn
from convcost.imports.assembly import Assembly, Value
from convcost.imports.inputs import Known
from convcost.imports.recipe import Recipe
from convcost.ops import Op, Shape
from convcost.spec import document
from convcost.spec.document import Mapping, Mark, Scalar, Sequence, SpecError

KEYS = ("backbone", "head")
"""What tells such a file from a spec."""
MAX_REPEATS = 1000
"""Modules of one row."""


class Row(NamedTuple):
    """A row of a file: a module on the outputs of others."""

    mark: Mark
    sources: list[int]
    number: int
    module: str
    args: list[Any]


class Ultralytics:
    """A model YAML, read, at one scale. Raises ConvcostError, with the line, for what is none."""

    guess: Shape | None = None

    def __init__(self, path: Path, scale: str | None = None) -> None:
        top = document.read(path)
        self.name = f"{path} scale={scale}" if scale else str(path)
        self.numbers = {key: one.value for key, one in top.entries.items() if isinstance(one, Scalar)}
        self.depth, self.width, self.most = self._scale(top, path, scale)
        channels = self._number("ch", 3)
        self.known: Known = {"input": (channels, 640, 640)}
        self.anchors = top.entries.get("anchors")
        self.bins = self._number("reg_max", 16)
        self.kernels = (1, 3) if self.anchors is not None else (3, 3)
        """Of a bottleneck that stands alone: YOLOv5's first one is 1x1."""
        self.act = _activation(self.numbers.get("activation"), top)
        self.rows = [row for key in KEYS for row in self._rows(top, key)]
        for row in self.rows:
            if row.module not in MODULES:
                hint = did_you_mean(row.module, MODULES)
                raise SpecError(row.mark, f"the module {row.module} is unknown{hint}")

    def _number(self, key: str, default: int) -> int:
        found = self.numbers.get(key, default)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 < found < 1 << 20:
            raise ConvcostError(f"{self.name}: {key} is a whole number above 0, got {found}")
        return found

    def _scale(self, top: Mapping, path: Path, scale: str | None) -> tuple[Fraction, Fraction, Fraction | None]:
        scales = top.entries.get("scales")
        if not isinstance(scales, Mapping):
            if scale is not None:
                raise ConvcostError(f"{path}: it has no scales")
            return (*(_fraction(top, key) for key in ("depth_multiple", "width_multiple")), None)  # type: ignore[return-value]  # three
        named = re.search(r"\d([a-z])(?![a-z])", path.stem)  # yolov8s, yolov8s-p6
        name = scale or (named[1] if named and named[1] in scales.entries else next(iter(scales.entries), ""))
        if not scale and len(scales.entries) > 1 and not (named and named[1] == name):
            warn(f"{path}: which scale is not said, {name} is assumed; there are {', '.join(scales.entries)}")
        said = scales.entries.get(name)
        if not isinstance(said, Sequence):
            known = ", ".join(scales.entries)
            raise ConvcostError(f"{path}: no scale {name!r}; there are {known}")
        values = [one.value for one in said.items if isinstance(one, Scalar)]
        if len(values) != 3 or any(isinstance(n, bool) or not isinstance(n, int | Fraction) or n <= 0 for n in values):
            raise SpecError(said.mark, "a scale is [depth, width, max_channels]")
        depth, width, most = (Fraction(n) for n in values)  # type: ignore[arg-type]  # looked at
        return depth, width, most

    def _rows(self, top: Mapping, key: str) -> list[Row]:
        part = top.entries.get(key)
        if not isinstance(part, Sequence):
            raise SpecError(top.marks.get(key, top.mark), f"{key} is a list of [from, number, module, args]")
        found = []
        for one in part.items:
            items = [_plain(item) for item in one.items] if isinstance(one, Sequence) else []
            fits = len(items) == 4 and isinstance(items[2], str) and isinstance(items[3], list)
            sources = items[0] if fits and isinstance(items[0], list) else items[:1]
            if not fits or type(items[1]) is not int or not sources or not all(type(n) is int for n in sources):
                raise SpecError(one.mark, "a row is [from, number, module, args]")
            if not 0 < items[1] <= MAX_REPEATS:
                raise SpecError(one.mark, f"a number of modules from 1 to {MAX_REPEATS}, got {items[1]}")
            found.append(Row(one.mark, sources, items[1], items[2], [self._named(arg) for arg in items[3]]))
        return found

    def _named(self, arg: Any) -> Any:
        """An argument, which may be the name of a number of the file's: nc."""
        if isinstance(arg, str) and arg in ("None", "nearest", "bilinear"):
            return None if arg == "None" else arg
        if isinstance(arg, str) and arg in ("True", "False"):
            return arg == "True"
        return self.numbers.get(arg, arg) if isinstance(arg, str) else arg

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the line, where a module does not fit."""
        return Run(self, shape).recipe_of()


def _activation(said: object, top: Mapping) -> Callable[[], Op]:
    """The activation of every convolution: torch.nn.SiLU, if it is not said."""
    known: dict[str, Callable[[], Op]] = {"SiLU": ops.Swish, "ReLU": ops.ReLU, "ReLU6": ops.ReLU6, "GELU": ops.GELU}
    known |= {"Mish": ops.Mish, "Hardswish": ops.HardSwish, "LeakyReLU": lambda: ops.LeakyReLU(Fraction(1, 10))}
    name = "SiLU" if said is None else str(said).removeprefix("torch.").removeprefix("nn.").partition("(")[0]
    if name not in known:
        raise SpecError(top.marks["activation"], f"the activation {said} is unknown{did_you_mean(name, known)}")
    return known[name]


def _fraction(top: Mapping, key: str) -> Fraction:
    one = top.entries.get(key)
    if one is None:
        return Fraction(1)
    value = one.value if isinstance(one, Scalar) else None
    if isinstance(value, bool) or not isinstance(value, int | Fraction) or value <= 0:
        raise SpecError(top.marks[key], f"{key} is a number above 0")
    return Fraction(value)


def _plain(one: document.Value) -> Any:
    if isinstance(one, Sequence):
        return [_plain(item) for item in one.items]
    return one.value if isinstance(one, Scalar) else one


class Run(Assembly):
    """One run of a file."""

    def __init__(self, file: Ultralytics, shape: Shape) -> None:
        super().__init__(shape)
        self.file = file
        self.sizes: list[Value] = []

    def recipe_of(self) -> Recipe:
        """The steps of all rows."""
        made: list[Any] = []
        for number, row in enumerate(self.file.rows):
            with self.layer("model", str(number)):
                try:
                    xs = [self._source(made, n) for n in row.sources]
                    made.append(self._row(row, xs))
                except (LookupError, TypeError, AttributeError, ValueError) as error:
                    said = str(error) if isinstance(error, ConvcostError) else "arguments that it does not take"
                    raise ConvcostError(f"{row.mark.line}:{row.mark.column}: {row.module}: {said}") from None
        last = made[-1] if made else []
        return self.recipe(last if isinstance(last, list) else [last])

    def _source(self, made: list[Any], n: int) -> Value:
        place = n if n >= 0 else len(made) + n
        if place == -1 and n == -1:
            return self.inputs[0]
        if not 0 <= place < len(made) or isinstance(made[place], list):
            raise ConvcostError(f"from {n} is no row before this one")
        found: Value = made[place]
        return found

    def _row(self, row: Row, xs: list[Value]) -> Any:
        module, args = MODULES[row.module], list(row.args)
        count = max(round(row.number * self.file.depth), 1) if row.number > 1 else row.number
        if row.module in _SCALED:
            args[0] = self.width(args[0])
        if row.module in _STACKED:
            return module(self, xs, count, *args)
        x: Any = xs
        for i in range(count):
            if count == 1:
                return module(self, x, *args)
            with self.layer(str(i)):
                x = [module(self, x, *args)]
        return x[0]

    def width(self, channels: Any) -> int:
        """Channels as scaled; those of a classifier are as they are."""
        if type(channels) is not int or not 0 < channels < 1 << 20:
            raise ConvcostError(f"{channels} is no number of channels")
        if channels == self.file.numbers.get("nc"):
            return channels
        most = self.file.most
        scaled = (min(Fraction(channels), most) if most is not None else channels) * self.file.width
        return ceil(scaled / 8) * 8

    # -- modules -----------------------------------------------------------------------------------------------------

    def conv(
        self, x: Value, c: int, k: int = 1, s: int = 1, p: Any = None, g: int = 1, *, act: bool = True, name: str = ""
    ) -> Value:
        """A convolution without biases, its norm and its activation."""
        padding = k // 2 if p is None else p
        op: Op = ops.Conv(c, k, s, padding, 1, g, bias=False)
        if g == x.shape[0] > 1 and c % g == 0:
            op = ops.DepthwiseConv(k, s, padding, 1, c // g, bias=False)
        with self.layer(*([name] if name else [])):
            return self.chain(x, [op, ops.BatchNorm(), *([self.file.act()] if act else [])])

    def bottleneck(self, x: Value, c: int, shortcut: bool, g: int, kernels: tuple[int, int], e: Fraction) -> Value:
        """Two convolutions, and the input beside them where it fits."""
        y = self.conv(x, int(c * e), kernels[0], name="cv1")
        y = self.conv(y, c, kernels[1], 1, None, g, name="cv2")
        return self.emit(ops.Add(), x, y) if shortcut and x.shape[0] == c else y


Module = Callable[..., Any]
HALF = Fraction(1, 2)


def _conv(run: Run, xs: list[Value], c: int, k: int = 1, s: int = 1, p: Any = None, g: int = 1) -> Value:
    return run.conv(xs[0], c, k, s, p, g)


def _dwconv(run: Run, xs: list[Value], c: int, k: int = 1, s: int = 1) -> Value:
    return run.conv(xs[0], c, k, s, None, gcd(xs[0].shape[0], c))


def _focus(run: Run, xs: list[Value], c: int, k: int = 1, s: int = 1) -> Value:
    return run.conv(run.emit(ops.PixelUnshuffle(2), xs[0]), c, k, s, name="conv")


def _bottleneck(run: Run, xs: list[Value], c: int, shortcut: bool = True, g: int = 1, e: Any = HALF) -> Value:
    return run.bottleneck(xs[0], c, shortcut, g, run.file.kernels, Fraction(e))


def _c3(run: Run, xs: list[Value], n: int, c: int, shortcut: bool = True, g: int = 1, e: Any = HALF) -> Value:
    """Two convolutions side by side, bottlenecks on one, and one of both."""
    hidden = int(c * Fraction(e))
    y = run.conv(xs[0], hidden, name="cv1")
    for i in range(n):
        with run.layer("m", str(i)):
            y = run.bottleneck(y, hidden, shortcut, g, (1, 3), Fraction(1))
    other = run.conv(xs[0], hidden, name="cv2")
    return run.conv(run.emit(ops.Concat(), y, other), c, name="cv3")


def _c2f(run: Run, xs: list[Value], n: int, c: int, shortcut: bool = False, g: int = 1, e: Any = HALF) -> Value:
    """Bottlenecks on one half of a convolution, all of whose outputs are joined with both halves."""
    hidden = int(c * Fraction(e))
    both = run.conv(xs[0], 2 * hidden, name="cv1")
    y = run.emit(ops.Split(2, 1), both)
    found = [both]
    for i in range(n):
        with run.layer("m", str(i)):
            y = run.bottleneck(y, hidden, shortcut, g, (3, 3), Fraction(1))
        found.append(y)
    return run.conv(run.emit(ops.Concat(), *found), c, name="cv2")


def _c2(run: Run, xs: list[Value], n: int, c: int, shortcut: bool = True, g: int = 1, e: Any = HALF) -> Value:
    hidden = int(c * Fraction(e))
    both = run.conv(xs[0], 2 * hidden, name="cv1")
    a, b = (run.emit(ops.Split(2, i), both) for i in range(2))
    for i in range(n):
        with run.layer("m", str(i)):
            a = run.bottleneck(a, hidden, shortcut, g, (3, 3), Fraction(1))
    return run.conv(run.emit(ops.Concat(), a, b), c, name="cv2")


def _sppf(run: Run, xs: list[Value], c: int, k: int = 5) -> Value:
    found = [run.conv(xs[0], xs[0].shape[0] // 2, name="cv1")]
    for _ in range(3):
        found.append(run.emit(ops.MaxPool(k, 1, k // 2), found[-1]))
    return run.conv(run.emit(ops.Concat(), *found), c, name="cv2")


def _spp(run: Run, xs: list[Value], c: int, k: Any = (5, 9, 13)) -> Value:
    x = run.conv(xs[0], xs[0].shape[0] // 2, name="cv1")
    found = [x, *(run.emit(ops.MaxPool(one, 1, one // 2), x) for one in k)]
    return run.conv(run.emit(ops.Concat(), *found), c, name="cv2")


def _concat(run: Run, xs: list[Value], dim: int = 1) -> Value:
    return run.emit(ops.Concat(dim), *xs)


def _upsample(run: Run, xs: list[Value], size: Any = None, scale: int = 2, mode: str = "nearest") -> Value:
    if size is not None:
        raise ConvcostError("an upsampling to a size is not followed, but by a factor")
    return run.emit(ops.Upsample(scale, mode), xs[0])


def _max_pool(run: Run, xs: list[Value], k: int, s: Any = None, p: int = 0) -> Value:
    return run.emit(ops.MaxPool(k, s, p), xs[0])


def _zero_pad(run: Run, xs: list[Value], sides: Any) -> Value:
    a, b, c, d = sides if isinstance(sides, list) else [sides] * 4
    return run.emit(ops.ZeroPad(((c, d), (a, b))), xs[0])


def _classify(run: Run, xs: list[Value], classes: int, k: int = 1, s: int = 1) -> list[Value]:
    x = run.conv(xs[0], 1280, k, s, name="conv")
    return [run.chain(x, [ops.GlobalAvgPool(), ops.Flatten(), ops.Dropout(0), ops.Linear(classes)])]


def _detect(run: Run, xs: list[Value], classes: int, anchors: Any = None) -> list[Value]:
    """The outputs of every level; YOLOv5's have anchors, later ones the sides of boxes apart from the classes."""
    if anchors is not None or run.file.anchors is not None:
        said = _plain(run.file.anchors) if run.file.anchors is not None else anchors
        each = len(said[0]) // 2 if isinstance(said, list) else int(said)
        made = []
        for i, x in enumerate(xs):
            with run.layer("m", str(i)):
                made.append(run.emit(ops.Conv(each * (5 + classes), 1), x))
        return made
    bins, first = run.file.bins, xs[0].shape[0]
    sides, names = max(16, first // 4, 4 * bins), max(first, min(classes, 100))
    found: dict[str, list[Value]] = {"cv2": [], "cv3": []}
    for branch, c, out in (("cv2", sides, 4 * bins), ("cv3", names, classes)):
        for i, x in enumerate(xs):
            with run.layer(branch, str(i)):
                y = run.conv(run.conv(x, c, 3, name="0"), c, 3, name="1")
                found[branch].append(run.chain(y, [ops.Conv(out, 1), ops.Flatten(2)]))
    boxes, scores = (
        run.emit(ops.Concat(-1), *found[branch]) if len(xs) > 1 else found[branch][0] for branch in ("cv2", "cv3")
    )
    with run.layer("dfl"):
        parts = [ops.Reshape((4, bins, -1)), ops.Permute((2, 1, 3)), ops.Softmax(), ops.Conv(1, 1, bias=False)]
        boxes = run.chain(boxes, parts)
    return [boxes, scores]


MODULES: dict[str, Module] = {
    "Conv": _conv,
    "DWConv": _dwconv,
    "Focus": _focus,
    "Bottleneck": _bottleneck,
    "C3": _c3,
    "C2": _c2,
    "C2f": _c2f,
    "SPP": _spp,
    "SPPF": _sppf,
    "Concat": _concat,
    "nn.Upsample": _upsample,
    "nn.MaxPool2d": _max_pool,
    "nn.ZeroPad2d": _zero_pad,
    "nn.Identity": lambda run, xs: xs[0],
    "Classify": _classify,
    "Detect": _detect,
}
"""Every module: from the run, its inputs and its arguments to what it makes, a list of an output's parts."""
_SCALED = frozenset(("Conv", "DWConv", "Focus", "Bottleneck", "C3", "C2", "C2f", "SPP", "SPPF"))
"""Modules whose first argument is channels that are scaled."""
_STACKED = frozenset(("C3", "C2", "C2f"))
"""Modules that repeat a part of themselves, and are one however many a row says."""
