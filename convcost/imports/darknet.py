"""Darknet's `.cfg` files as recipes: sections in order, each a layer, under Darknet's own rules of sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from convcost import ops
from convcost.errors import ConvcostError, did_you_mean, warn
from convcost.files.reading import read
from convcost.imports.assembly import MAX_STEPS, Assembly, Value
from convcost.imports.inputs import Known
from convcost.imports.recipe import Recipe
from convcost.ops import Op, Shape, format_shape
from convcost.ops.geometry import Padding

MAX_BYTES = 4 << 20
"""Of a file; that of the largest network of Darknet has 30 KB."""


class Section(NamedTuple):
    """A section of a file: its kind, the line that it begins in, and its settings with theirs."""

    kind: str
    line: int
    settings: dict[str, tuple[str, int]]

    def text(self, key: str, default: str = "") -> str:
        """A setting as it is written."""
        return self.settings[key][0] if key in self.settings else default

    def numbers(self, key: str) -> list[int]:
        """Numbers between commas. Raises ConvcostError for anything else."""
        text, line = self.settings.get(key, ("", self.line))
        try:
            return [int(part) for part in text.split(",") if part.strip()]
        except ValueError:
            raise ConvcostError(f"line {line}, [{self.kind}]: {key}={text} is no whole number") from None

    def number(self, key: str, default: int) -> int:
        """One number. Raises ConvcostError for anything else."""
        found = self.numbers(key) or [default]
        if len(found) > 1 or abs(found[0]) > 1 << 40:
            text, line = self.settings[key]
            raise ConvcostError(f"line {line}, [{self.kind}]: {key} is one number, got {text}")
        return found[0]


class Darknet:
    """A `.cfg` file, read. Raises ConvcostError, with its line, for what is none."""

    guess: Shape | None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self.net, *self.sections = _sections(path)
        try:
            sizes = [self.net.number(key, 0) for key in ("channels", "height", "width")]
        except ConvcostError as error:
            raise ConvcostError(f"{path}: {error}") from None
        if min(sizes) < 0:
            raise ConvcostError(f"{path}:{self.net.line}: [net] is an input of {format_shape(tuple(sizes))}")
        self.known: Known = {"input": (sizes[0] or 3, *sizes[1:]) if all(sizes[1:]) else None}

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the line, where a layer does not fit."""
        return _Run(self, shape).recipe_of(self.sections)


def _sections(path: Path) -> list[Section]:
    """The sections of a file, the first of which is the network's own."""
    try:
        text = read(path, MAX_BYTES, "a .cfg file").decode()
    except UnicodeDecodeError:
        raise ConvcostError(f"{path}: no .cfg file of Darknet: it is no text") from None
    found: list[Section] = []
    for number, whole in enumerate(text.splitlines(), 1):
        line = whole.partition("#")[0].partition(";")[0].strip()
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            found.append(Section(line[1:-1].strip().lower(), number, {}))
            continue
        key, equals, value = line.partition("=")
        if not equals or not found:
            raise ConvcostError(f"{path}:{number}: a section [...] or key=value, got {line[:60]!r}")
        found[-1].settings[key.strip()] = value.strip(), number
    if not found or found[0].kind not in ("net", "network"):
        raise ConvcostError(f"{path}: no .cfg file of Darknet: it does not begin with [net]")
    if len(found) > MAX_STEPS:
        raise ConvcostError(f"{path}: more than {MAX_STEPS:,} sections")
    for section in found[1:]:
        if section.kind not in RULES:
            why = "is not followed" if section.kind in _REFUSED else f"is unknown{did_you_mean(section.kind, RULES)}"
            raise ConvcostError(f"{path}:{section.line}: the section [{section.kind}] {why}")
        for key, (_, place) in section.settings.items():
            if key not in _KNOWN.get(section.kind, section.settings) and key not in _ANY:
                warn(f"{path}:{place}: nothing is known of {key} in [{section.kind}], and it is not looked at")
    return found


class _Run(Assembly):
    def __init__(self, file: Darknet, shape: Shape) -> None:
        super().__init__(shape)
        self.file = file
        self.values: list[Value] = []
        self.outputs: list[Value] = []

    def recipe_of(self, sections: Sequence[Section]) -> Recipe:
        x = self.inputs[0]
        for number, section in enumerate(sections):
            with self.layer(f"{section.kind}_{number}"):
                try:
                    x = RULES[section.kind](self, section, x)
                except ConvcostError as error:
                    said = str(error)
                    where = "" if said.startswith("line ") else f"line {section.line}, [{section.kind}]: "
                    raise ConvcostError(f"{where}{said}") from None
            self.values.append(x)
        return self.recipe([*self.outputs, *([x] if not self.outputs or sections[-1].kind not in _HEADS else [])])

    def at(self, section: Section, key: str) -> list[Value]:
        """The layers that a setting names, by their number, or how many before this one."""
        found = []
        for n in section.numbers(key):
            place = n if n >= 0 else len(self.values) + n
            if not 0 <= place < len(self.values):
                raise ConvcostError(f"{key}={n} is no layer before layer {len(self.values)}")
            found.append(self.values[place])
        return found

    def activated(self, x: Value, section: Section, default: str = "linear") -> Value:
        """The activation of a section."""
        name = section.text("activation", default)
        if name == "linear":
            return x
        if name not in _ACTIVATIONS:
            raise ConvcostError(f"no activation {name!r} is known{did_you_mean(name, _ACTIVATIONS)}")
        return self.emit(_ACTIVATIONS[name](), x)


_ACTIVATIONS: Mapping[str, Callable[[], Op]] = {
    "leaky": lambda: ops.LeakyReLU(0.1),
    "relu": ops.ReLU,
    "relu6": ops.ReLU6,
    "logistic": ops.Sigmoid,
    "tanh": ops.Tanh,
    "elu": ops.ELU,
    "selu": ops.SELU,
    "gelu": lambda: ops.GELU("tanh"),
    "mish": ops.Mish,
    "swish": ops.Swish,
    "hardtan": ops.HardTanh,
}
Rule = Callable[[_Run, Section, Value], Value]
RULES: dict[str, Rule] = {}
"""The rule of each kind of section: from the run, the section and the layer before it to what it makes."""
_HEADS = ("yolo", "region", "detection", "gaussian_yolo", "cost")
_REFUSED = ("local", "rnn", "crnn", "lstm", "conv_lstm", "gru", "iseg", "contrastive", "implicit")
_ANY = frozenset(("stopbackward", "onlyforward", "dontload", "dontloadscales", "learning_rate", "clip"))
_KNOWN: Mapping[str, frozenset[str]] = {
    "convolutional": frozenset(
        (
            "filters",
            "size",
            "stride",
            "stride_x",
            "stride_y",
            "pad",
            "padding",
            "activation",
            "batch_normalize",
            "groups",
        )
    )
    | {"dilation", "flipped"},
    "maxpool": frozenset(("size", "stride", "stride_x", "stride_y", "padding")),
    "route": frozenset(("layers", "groups", "group_id")),
    "shortcut": frozenset(("from", "activation")),
    "connected": frozenset(("output", "activation", "batch_normalize")),
}
"""What changes what a section costs; of the others, everything that there is."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """A rule of sections of these kinds."""

    def named(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return named


def _steps(section: Section) -> int | tuple[int, int]:
    stride = section.number("stride", 1)
    down, along = section.number("stride_y", stride), section.number("stride_x", stride)
    return down if down == along else (down, along)


@rule("convolutional", "conv")
def _convolutional(run: _Run, section: Section, x: Value) -> Value:
    if section.settings.keys() & {"share_index", "deform", "antialiasing"}:
        raise ConvcostError("weights that layers share, and kernels that are turned or smoothed, are not followed")
    size, filters = section.number("size", 1), section.number("filters", 1)
    padding = size // 2 if section.number("pad", 0) else section.number("padding", 0)
    groups, dilation = section.number("groups", 1), section.number("dilation", 1)
    normed = bool(section.number("batch_normalize", 0))
    padding *= dilation
    op: Op = ops.Conv(filters, size, _steps(section), padding, dilation, groups, not normed)
    if groups == x.shape[0] > 1 and filters % groups == 0:
        op = ops.DepthwiseConv(size, _steps(section), padding, dilation, filters // groups, not normed)
    x = run.emit(op, x)
    return run.activated(run.emit(ops.BatchNorm(), x) if normed else x, section, "logistic")


@rule("deconvolutional", "deconv")
def _deconvolutional(run: _Run, section: Section, x: Value) -> Value:
    size, normed = section.number("size", 1), bool(section.number("batch_normalize", 0))
    padding = size // 2 if section.number("pad", 0) else section.number("padding", 0)
    op = ops.ConvTranspose(section.number("filters", 1), size, section.number("stride", 1), padding, bias=not normed)
    x = run.emit(op, x)
    return run.activated(run.emit(ops.BatchNorm(), x) if normed else x, section, "logistic")


@rule("connected", "conn")
def _connected(run: _Run, section: Section, x: Value) -> Value:
    normed = bool(section.number("batch_normalize", 0))
    x = run.emit(ops.Linear(section.number("output", 1), not normed), x)
    return run.activated(run.emit(ops.BatchNorm(), x) if normed else x, section, "logistic")


@rule("maxpool", "max", "local_avgpool")
def _maxpool(run: _Run, section: Section, x: Value) -> Value:
    """Padding of size - 1 in all, if it is not said, of which the smaller half stands before."""
    stride = _steps(section)
    size = section.number("size", section.number("stride", 1))
    whole = section.number("padding", size - 1)
    pair = (whole // 2, whole - whole // 2)
    padding: Padding = (pair, pair) if pair[0] != pair[1] or 2 * pair[0] > size else pair[0]
    if size == 2 and stride == 2 and whole == 1:
        padding = "same"  # the same windows, and how others write it
    if section.kind == "local_avgpool":
        return run.emit(ops.AvgPool(size, stride, padding), x)
    return run.emit(ops.MaxPool(size, stride, padding), x)


@rule("avgpool", "avg")
def _avgpool(run: _Run, section: Section, x: Value) -> Value:
    return run.emit(ops.GlobalAvgPool(), x)


@rule("route")
def _route(run: _Run, section: Section, x: Value) -> Value:
    xs, groups = run.at(section, "layers"), section.number("groups", 1)
    if not xs:
        raise ConvcostError("it names no layers")
    if groups > 1:
        xs = [run.emit(ops.Split(groups, section.number("group_id", 0)), one) for one in xs]
    return run.emit(ops.Concat(), *xs) if len(xs) > 1 else xs[0]


@rule("shortcut")
def _shortcut(run: _Run, section: Section, x: Value) -> Value:
    if section.text("weights_type", "none") != "none":
        raise ConvcostError("a shortcut with weights is not followed")
    others = run.at(section, "from")
    if not others:
        raise ConvcostError("it names no layer")
    return run.activated(run.emit(ops.Add(), x, *(_fitted(run, other, x.shape) for other in others)), section)


def _fitted(run: _Run, other: Value, shape: Shape) -> Value:
    """What a shortcut adds of a map: the channels that both have, and of a larger map every second position, say."""
    for dim, (n, m) in enumerate(zip(other.shape[1:], shape[1:], strict=True), 2):
        if n % m:
            raise ConvcostError(f"adds maps of {format_shape(other.shape)} and {format_shape(shape)}")
        if n != m:
            other = run.emit(ops.Slice(dim, 0, None, n // m), other)
    more = shape[0] - other.shape[0]
    if not more:
        return other
    return run.emit(ops.ChannelPad(more) if more > 0 else ops.Slice(1, 0, shape[0]), other)


@rule("sam")
def _sam(run: _Run, section: Section, x: Value) -> Value:
    return run.activated(run.emit(ops.Multiply(), x, *run.at(section, "from")), section)


@rule("scale_channels")
def _scale_channels(run: _Run, section: Section, x: Value) -> Value:
    (other,) = run.at(section, "from") or [x]
    return run.activated(run.emit(ops.Multiply(), other, x), section)


@rule("upsample")
def _upsample(run: _Run, section: Section, x: Value) -> Value:
    stride = section.number("stride", 2)
    if stride < 0:
        return run.emit(ops.AvgPool(-stride), x)
    return run.emit(ops.Upsample(stride), x)


@rule("reorg", "reorg3d")
def _reorg(run: _Run, section: Section, x: Value) -> Value:
    stride = section.number("stride", 1)
    return run.emit((ops.PixelShuffle if section.number("reverse", 0) else ops.PixelUnshuffle)(stride), x)


@rule("softmax", "soft")
def _softmax(run: _Run, section: Section, x: Value) -> Value:
    return run.emit(ops.Softmax(), x)


@rule("dropout")
def _dropout(run: _Run, section: Section, x: Value) -> Value:
    return run.emit(ops.Dropout(), x)


@rule("batchnorm")
def _batchnorm(run: _Run, section: Section, x: Value) -> Value:
    return run.emit(ops.BatchNorm(), x)


@rule("activation")
def _activation(run: _Run, section: Section, x: Value) -> Value:
    return run.activated(x, section)


@rule("normalization", "lrn")
def _normalization(run: _Run, section: Section, x: Value) -> Value:
    return run.emit(ops.LocalResponseNorm(section.number("size", 5)), x)


@rule("crop")
def _crop(run: _Run, section: Section, x: Value) -> Value:
    wanted = [section.number(key, n) for key, n in zip(("crop_height", "crop_width"), x.shape[1:], strict=True)]
    cuts = tuple(((m - n) // 2, (m - n) - (m - n) // 2) for n, m in zip(x.shape[1:], wanted, strict=True))
    return run.emit(ops.ZeroPad(cuts), x)


@rule("empty")
def _empty(run: _Run, section: Section, x: Value) -> Value:
    return x


@rule(*_HEADS)
def _head(run: _Run, section: Section, x: Value) -> Value:
    """An output; how boxes are read off it is not counted."""
    if x.number >= 0:
        run.outputs.append(x)
    return x
