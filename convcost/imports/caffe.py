"""Caffe's prototxt as recipes: layers by the blobs that they take and make, as the network is tested, or deployed.

Both ways of writing layers are read, `layer { type: "Convolution" }` and the older `layers { type: CONVOLUTION }`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from convcost import ops
from convcost.errors import ConvcostError, did_you_mean
from convcost.files.reading import read
from convcost.imports.assembly import MAX_STEPS, Assembly, Value
from convcost.imports.inputs import Known
from convcost.imports.prototext import Message, parsed
from convcost.imports.recipe import Recipe
from convcost.imports.registry import entered_in
from convcost.ops import Op, Shape, Work, elements

MAX_BYTES = 8 << 20
"""Of a file; that of ResNet-152 has 90 KB."""
_DATA = ("data", "imagedata", "hdf5data", "memorydata", "windowdata", "annotateddata", "dummydata", "input")
_LOSSES: tuple[str, ...] = (
    "softmaxwithloss",
    "softmaxloss",
    "sigmoidcrossentropyloss",
    "euclideanloss",
    "hingeloss",
    "accuracy",
)
_LOSSES += ("silence", "contrastiveloss", "multinomiallogisticloss", "infogainloss", "smoothl1loss", "argmax")
"""Layers behind a network's outputs, which are no part of it."""


class Layer:
    """A layer of a file."""

    def __init__(self, said: Message) -> None:
        self.said, self.line = said, said.line
        self.name = said.text("name") or "layer"
        self.type = said.text("type")
        self.kind = self.type.replace("_", "").lower()
        self.bottoms, self.tops = said.texts("bottom"), said.texts("top")

    def param(self, name: str) -> Message:
        """The settings of its kind: `convolution_param`."""
        return self.said.message(f"{name}_param")

    @property
    def shared(self) -> list[str]:
        """The names of its weights, if it has any: other layers that say them have the same ones."""
        names = [one.text("name") for one in self.said.messages("param")] or self.said.texts("param")
        return names if names and all(names) else []

    @property
    def tested(self) -> bool:
        """Whether it is there when the network is tested."""
        include, exclude = self.said.messages("include"), self.said.messages("exclude")
        return any(map(_meets, include)) if include else not any(map(_meets, exclude))


def _meets(rule: Message) -> bool:
    return rule.text("phase", "TEST") == "TEST" and not rule.texts("stage") and rule.number("min_level", 0) <= 0


class Caffe:
    """A prototxt, read. Raises ConvcostError, with its line, for what is none."""

    guess: Shape | None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        try:
            text = read(path, MAX_BYTES, "a prototxt").decode()
        except UnicodeDecodeError:
            raise ConvcostError(f"{path}: no prototxt: it is no text") from None
        top = parsed(text, str(path))
        try:
            self._read(top)
        except ConvcostError as error:
            said = str(error)
            raise ConvcostError(said if said.startswith(str(path)) else f"{path}: {said}") from None

    def _read(self, top: Message) -> None:
        said = [Layer(one) for one in top.messages("layer", "layers")]
        if not said or len(said) > MAX_STEPS:
            raise ConvcostError("no prototxt of Caffe: it has no layers" if not said else "too many layers")
        said.sort(key=lambda one: one.line)
        self.layers = [one for one in said if one.tested]
        self.inputs = _inputs(top)
        data = [layer for layer in said if layer.kind in _DATA]
        data = [layer for layer in data if layer.tested] or data  # some are there in a stage alone
        for layer in (*data, *self.layers):
            if layer.kind in _DATA:
                shapes = [tuple(one.numbers("dim"))[1:] for one in layer.param("input").messages("shape")]
                crop = layer.said.message("transform_param").number("crop_size", 0) or layer.param("data").number(
                    "crop_size", 0
                )
                shape = (3, crop, crop) if crop else None
                for i, name in enumerate(layer.tops):
                    own = shapes[min(i, len(shapes) - 1)] if shapes else (shape if name != "label" else None)
                    self.inputs[name] = own or self.inputs.get(name)
            elif layer.kind not in RULES and layer.kind not in _LOSSES:
                hint = did_you_mean(layer.kind, RULES)
                where = f"{self.name}:{layer.line}: layer {layer.name}: "
                raise ConvcostError(f"{where}the type {layer.type or '(none)'} is unknown{hint}")
        self.inputs = {name: shape for name, shape in self.inputs.items() if name != "label"}
        if not self.inputs:
            raise ConvcostError("a network takes an input, and this one has none")

    @property
    def known(self) -> Known:
        """The shape of its first input, if the file says it."""
        shape = next(iter(self.inputs.values()))
        return {"input": shape if shape and all(shape) else None}

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the line, where a layer does not fit."""
        shapes = [shape, *[*self.inputs.values()][1:]]
        if any(not one for one in shapes):
            raise ConvcostError("an input beside the first has sizes that the file leaves open")
        return _Run(self, [one for one in shapes if one]).made()


def _inputs(top: Message) -> dict[str, Shape | None]:
    """The inputs that a file declares at its top, with their shapes for one sample."""
    names = top.texts("input")
    shapes = [tuple(one.numbers("dim")) for one in top.messages("input_shape")]
    dims = top.numbers("input_dim")
    shapes = shapes or [tuple(dims[i : i + 4]) for i in range(0, len(dims), 4)]
    return {name: (shapes[i][1:] or None) if i < len(shapes) else None for i, name in enumerate(names)}


class _Run(Assembly):
    def __init__(self, file: Caffe, shapes: Sequence[Shape]) -> None:
        super().__init__(*shapes)
        self.layers = file.layers
        self.blobs = dict(zip(file.inputs, self.inputs, strict=True))
        self.read: set[int] = set()
        self.merged: set[int] = set()

    def made(self) -> Recipe:
        for place, layer in enumerate(self.layers):
            if layer.kind in _DATA or layer.kind in _LOSSES:
                continue
            with self.layer(*layer.name.split("/")):
                try:
                    self._layer(place, layer)
                except (ConvcostError, ValueError, LookupError) as error:
                    said = str(error) if isinstance(error, ConvcostError) else "not as its type has it"
                    raise ConvcostError(f"line {layer.line}, layer {layer.name} ({layer.type}): {said}") from None
        ends = [value for value in self.blobs.values() if value.number >= 0 and value.number not in self.read]
        return self.recipe(ends)

    def _layer(self, place: int, layer: Layer) -> None:
        xs = []
        for name in layer.bottoms:
            if name not in self.blobs:
                raise ConvcostError(f"it takes {name!r}, which nothing before it makes")
            xs.append(self.blobs[name])
        if not xs or not layer.tops:
            raise ConvcostError("it takes a blob, and makes one")
        made: Any = xs[0] if place in self.merged else RULES[layer.kind](self, layer, *xs)
        if layer.kind == "batchnorm":
            made = self._normed(place, layer, xs[0])
        values = made if isinstance(made, list) else [made] * len(layer.tops)
        self.read |= {x.number for x in xs if all(x.number != value.number for value in values)}
        self.blobs.update(zip(layer.tops, values, strict=True))

    def _normed(self, place: int, layer: Layer, x: Value) -> Value:
        """A norm, and the scale of its output behind it, which together are a batch normalisation as others have it."""
        top = layer.tops[0]
        behind = range(place + 1, len(self.layers))
        reader = next((i for i in behind if top in self.layers[i].bottoms), None)
        if reader is not None and self.layers[reader].kind == "scale" and self.layers[reader].bottoms == [top]:
            self.merged.add(reader)
            shift = self.layers[reader].param("scale").truth("bias_term", default=False)
            return self.emit(ops.BatchNorm(scale=True, shift=shift), x)
        return self.emit(ops.BatchNorm(scale=False, shift=False), x)


Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
"""The rule of each type, in small letters: from the run, a layer and its inputs to what it makes."""

rule = entered_in(RULES)


def _pair(said: Message, name: str, default: int | None, plain: str = "") -> Any:
    """A number for both axes, or one for each: `kernel_size`, or `kernel_h` and `kernel_w`."""
    numbers = said.numbers(plain or name)
    if not numbers and (said.texts(f"{name}_h") or said.texts(f"{name}_w")):
        numbers = [said.number(f"{name}_{axis}", default or 0) for axis in "hw"]
    if not numbers:
        if default is None:
            raise ConvcostError(f"it says no {plain or name}")
        return default
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


@rule("convolution", "depthwiseconvolution", "convolutiondepthwise")
def _convolution(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("convolution")
    kernel, stride, pad = (
        _pair(said, "kernel", None, "kernel_size"),
        _pair(said, "stride", 1),
        _pair(said, "pad", 0),
    )
    dilation, bias, outputs = _pair(said, "dilation", 1), said.truth("bias_term", default=True), _outputs(said)
    groups = said.number("group", 1) if layer.kind == "convolution" else x.shape[0]
    op: Op = ops.Conv(outputs, kernel, stride, pad, dilation, groups, bias)
    if groups == x.shape[0] > 1 and outputs % groups == 0:
        op = ops.DepthwiseConv(kernel, stride, pad, dilation, outputs // groups, bias)
    return run.emit(op, x, shared=layer.shared)


def _outputs(said: Message) -> int:
    if not said.texts("num_output"):
        raise ConvcostError("it says no num_output")
    return said.number("num_output", 0)


@rule("deconvolution")
def _deconvolution(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("convolution")
    kernel, stride, pad = _pair(said, "kernel", None, "kernel_size"), _pair(said, "stride", 1), _pair(said, "pad", 0)
    bias, groups = said.truth("bias_term", default=True), said.number("group", 1)
    op = ops.ConvTranspose(_outputs(said), kernel, stride, pad, 0, groups, bias, _pair(said, "dilation", 1))
    return run.emit(op, x, shared=layer.shared)


@rule("innerproduct")
def _inner_product(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("inner_product")
    if said.number("axis", 1) != 1:
        raise ConvcostError("an inner product over other axes than all is not followed")
    op = ops.Linear(_outputs(said), said.truth("bias_term", default=True))
    return run.emit(op, x, shared=layer.shared)


@rule("pooling")
def _pooling(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("pooling")
    kind = said.text("pool", "MAX")
    if kind not in ("MAX", "AVE", "0", "1"):
        raise ConvcostError(f"pooling {kind} is not followed")
    largest = kind in ("MAX", "0")
    if said.truth("global_pooling", default=False):
        return run.emit(ops.GlobalMaxPool() if largest else ops.GlobalAvgPool(), x)
    rounding = False if said.text("round_mode", "CEIL") in ("FLOOR", "1") else "caffe"
    kernel, stride, pad = _pair(said, "kernel", None, "kernel_size"), _pair(said, "stride", 1), _pair(said, "pad", 0)
    if largest:
        return run.emit(ops.MaxPool(kernel, stride, pad, ceil_mode=rounding), x)
    return run.emit(ops.AvgPool(kernel, stride, pad, ceil_mode=rounding), x)


@rule("lrn")
def _lrn(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("lrn")
    size = said.number("local_size", 5)
    if said.text("norm_region", "ACROSS_CHANNELS") in ("ACROSS_CHANNELS", "0"):
        return run.emit(ops.LocalResponseNorm(size), x)
    n = elements(x.shape)  # within a channel, over a window of size x size
    work = Work(muls=2 * n, adds=size ** len(x.shape[1:]) * n, exps=n, divs=n)
    return run.traced("caffe.lrn_within_channel", x.shape, x, done=work)


RULES["batchnorm"] = lambda run, layer, x: x  # see `_Run._normed`, which looks at what stands behind it


@rule("scale")
def _scale(run: _Run, layer: Layer, x: Value, *others: Value) -> Value:
    if others:
        return run.emit(ops.Multiply(), x, *others)
    shift = layer.param("scale").truth("bias_term", default=False)
    return run.emit(ops.BatchNorm(scale=True, shift=shift, stats=False), x, shared=layer.shared)


@rule("bias")
def _bias(run: _Run, layer: Layer, x: Value, *others: Value) -> Value:
    if others:
        return run.emit(ops.Add(broadcast=True), x, *others)
    return run.emit(ops.BatchNorm(scale=False, shift=True, stats=False), x, shared=layer.shared)


@rule("eltwise")
def _eltwise(run: _Run, layer: Layer, *xs: Value) -> Value:
    kind = layer.param("eltwise").text("operation", "SUM")
    if kind in ("SUM", "1"):
        return run.emit(ops.Add(), *xs)
    if kind in ("PROD", "0"):
        return run.emit(ops.Multiply(), *xs)
    if len({x.shape for x in xs}) > 1:
        raise ConvcostError("it takes blobs of one shape")
    work = Work(compares=(len(xs) - 1) * elements(xs[0].shape))
    return run.traced("caffe.max", xs[0].shape, *xs, done=work, local=True)


def _axis(said: Message, old: str, x: Value) -> int:
    axis = said.number("axis", said.number(old, 1))
    place = axis + len(x.shape) + 1 if axis < 0 else axis
    if not 0 < place <= len(x.shape):
        raise ConvcostError(f"axis {axis} is none of one sample's")
    return place


@rule("concat")
def _concat(run: _Run, layer: Layer, *xs: Value) -> Value:
    dim = _axis(layer.param("concat"), "concat_dim", xs[0])
    return run.emit(ops.Concat(dim), *xs) if len(xs) > 1 else xs[0]


@rule("slice")
def _slice(run: _Run, layer: Layer, x: Value) -> list[Value]:
    said = layer.param("slice")
    dim, parts, points = _axis(said, "slice_dim", x), len(layer.tops), said.numbers("slice_point")
    if not points:
        return [run.emit(ops.Split(parts, i, dim), x) for i in range(parts)]
    if len(points) != parts - 1:
        raise ConvcostError(f"{len(points)} slice_point for {parts} tops")
    ends = [0, *points, None]
    return [run.emit(ops.Slice(dim, ends[i] or 0, ends[i + 1]), x) for i in range(parts)]


@rule("split")
def _split(run: _Run, layer: Layer, x: Value) -> list[Value]:
    return [x] * len(layer.tops)


@rule("flatten")
def _flatten(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("flatten")
    end = said.number("end_axis", -1)
    return run.emit(ops.Flatten(said.number("axis", 1), end), x)


@rule("reshape")
def _reshape(run: _Run, layer: Layer, x: Value) -> Value:
    first, *wanted = layer.param("reshape").message("shape").numbers("dim") or [1]
    if first not in (0, 1, -1) or (first == -1 and -1 in wanted):
        raise ConvcostError("a shape that mixes samples is not followed")
    sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(wanted)]
    if -1 in sizes:
        known = -prod(sizes)
        if sizes.count(-1) > 1 or known <= 0 or prod(x.shape) % known:
            raise ConvcostError("its sizes do not fit")
        sizes[sizes.index(-1)] = prod(x.shape) // known
    return run.emit(ops.Reshape(tuple(sizes)), x)


@rule("permute")
def _permute(run: _Run, layer: Layer, x: Value) -> Value:
    first, *order = layer.param("permute").numbers("order") or [0, *range(1, len(x.shape) + 1)]
    if first != 0:
        raise ConvcostError("it moves the axis of the samples")
    return run.emit(ops.Permute(tuple(order)), x)


@rule("crop")
def _crop(run: _Run, layer: Layer, x: Value, like: Value) -> Value:
    said = layer.param("crop")
    first, offsets = said.number("axis", 2), said.numbers("offset")
    if first < 2:
        raise ConvcostError("a crop of channels is not followed")
    cuts = []
    for axis, (n, m) in enumerate(zip(x.shape[1:], like.shape[1:], strict=True), 2):
        offset = (offsets[min(axis - first, len(offsets) - 1)] if offsets else 0) if axis >= first else 0
        cuts.append((-offset, -(n - m - offset)) if axis >= first else (0, 0))
    return run.emit(ops.ZeroPad(tuple(cuts)), x)


@rule("power")
def _power(run: _Run, layer: Layer, x: Value) -> Value:
    said = layer.param("power")
    parts: list[Op] = [ops.Scale()] if said.text("scale", "1").rstrip("0").rstrip(".") != "1" else []
    parts += [ops.Shift()] if said.text("shift", "0").strip("0.") else []
    x = run.chain(x, parts)
    if said.text("power", "1").rstrip("0").rstrip(".") == "1":
        return x
    return run.traced("caffe.power", x.shape, x, done=Work(exps=elements(x.shape)), local=True)


@rule("relu")
def _relu(run: _Run, layer: Layer, x: Value) -> Value:
    slope = _real(layer.param("relu").text("negative_slope", "0"))
    return run.emit(ops.LeakyReLU(slope) if slope else ops.ReLU(), x)


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConvcostError(f"{text} is no number") from None


@rule("prelu")
def _prelu(run: _Run, layer: Layer, x: Value) -> Value:
    one = layer.param("prelu").truth("channel_shared", default=False)
    return run.emit(ops.PReLU(1 if one else x.shape[0]), x, shared=layer.shared)


@rule("softmax")
def _softmax(run: _Run, layer: Layer, x: Value) -> Value:
    return run.emit(ops.Softmax(_axis(layer.param("softmax"), "dim", x)), x)


@rule("upsample")
def _upsample(run: _Run, layer: Layer, x: Value) -> Value:
    return run.emit(ops.Upsample(layer.param("upsample").number("scale", 2)), x)


@rule("shufflechannel")
def _shuffle(run: _Run, layer: Layer, x: Value) -> Value:
    return run.emit(ops.ChannelShuffle(layer.param("shuffle_channel").number("group", 1)), x)


_SAME: Mapping[str, Callable[[Layer], Op]] = {
    "relu6": lambda _: ops.ReLU6(),
    "sigmoid": lambda _: ops.Sigmoid(),
    "tanh": lambda _: ops.Tanh(),
    "absval": lambda _: ops.Abs(),
    "bnll": lambda _: ops.Softplus(),
    "exp": lambda _: ops.Exp(),
    "log": lambda _: ops.Log(),
    "swish": lambda _: ops.Swish(),
    "elu": lambda layer: ops.ELU(_real(layer.param("elu").text("alpha", "1"))),
    "dropout": lambda layer: ops.Dropout(_real(layer.param("dropout").text("dropout_ratio", "0.5"))),
}
for _name, _op in _SAME.items():
    RULES[_name] = lambda run, layer, x, op=_op: run.emit(op(layer), x)
