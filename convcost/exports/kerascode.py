"""A network as a plain Keras 3 file: a functional model with channels last, its layers by name in the spec's order.

Padding that Keras' layers cannot do, and arithmetic of tensors, are calls of keras.ops.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from convcost import ops
from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.ops import Op, format_shape
from convcost.ops.base import axis_of
from convcost.ops.geometry import axes, sliding

Write = Callable[[Any, Line, list[str], str], str]
"""From an operator, its line, the variables that it takes and the quoted name, to the expression of its output."""


_EPSILON = 1e-05
"""Torch's, where Keras has 0.001."""


def code(cost: Cost) -> str:
    """The file. Without auxiliary heads. Raises ConvcostError, naming the layer, for one that it cannot say."""
    graph = cost.graph
    if any(node.shares is not None for node in graph.nodes):
        raise ConvcostError(f"{graph.name}: layers that share weights are not written as Keras code")
    if len(cost.input) != 3:
        raise ConvcostError(f"{graph.name}: Keras code is written for images of channels, height and width")
    variables = {0: "x"}
    names: set[str] = {"x", "keras", "layers", "ops", "model"}
    lines = []
    for number, (node, row) in enumerate(zip(graph.nodes, cost.rows, strict=True), 1):
        if row.aux:
            continue
        write = WRITERS.get(type(node.op))
        if write is None or any(len(shape) not in (1, 3) for shape in (*row.inputs, row.shape)):
            raise ConvcostError(f"layer {node.name}: {node.op.name} is not written as Keras code")
        name = _name(node.name, names)
        made = write(node.op, row, [variables[i] for i in node.inputs], f'"{name}"')
        lines.append(f"    {name} = {made}")
        variables[number] = name
    outputs = [variables[i] for i in graph.outputs]
    result = outputs[0] if len(outputs) == 1 else f"[{', '.join(outputs)}]"
    channels, height, width = cost.input
    title = re.sub(r'[\\"]|[^\x20-\x7e]', "?", graph.name)
    total = cost.total
    text = [
        f'"""{title} at {format_shape(cost.input)}: {total.params:,} parameters, {total.macs:,} multiply-adds.',
        "",
        'Written by convcost.\n"""',
        "",
        "import keras",
        "from keras import layers, ops",
        "",
        "",
        "def network() -> keras.Model:",
        f"    x = keras.Input(({height}, {width}, {channels}))",
        *lines,
        f"    return keras.Model(x, {result})",
    ]
    whole = "\n".join(text) + "\n"
    return whole if "ops." in whole else whole.replace("from keras import layers, ops", "from keras import layers")


def _name(name: str, taken: set[str]) -> str:
    base = re.sub(r"\W", "_", name, flags=re.ASCII)
    base = base if base[:1].isalpha() else f"layer_{base}"
    found, n = base, 2
    while found in taken or not found.isidentifier():
        found, n = f"{base}_{n}", n + 1
    taken.add(found)
    return found


def _call(layer: str, given: list[str], name: str, *arguments: object, **more: object) -> str:
    said = [*map(repr, arguments), *(f"{key}={value!r}" for key, value in more.items()), f"name={name}"]
    inputs = given[0] if len(given) == 1 else f"[{', '.join(given)}]"
    return f"layers.{layer}({', '.join(said)})({inputs})"


def _window(op: Op, row: Line, given: list[str], value: str = "") -> tuple[tuple[int, int], tuple[int, int], list[str]]:
    """Kernel, stride, and the input padded by just what the windows reach."""
    window = sliding(op, row.inputs[0])
    if window is None or len(row.shape) != 3:
        raise ConvcostError(f"layer {row.name}: {op.name} is not written as Keras code")
    sides = []
    for n, out, kernel, stride, (before, _), dilation in zip(row.inputs[0][1:], row.shape[1:], *window, strict=True):
        after = (out - 1) * stride + dilation * (kernel - 1) + 1 - n - before
        sides.append((int(before), max(0, int(after))))
    kernel, stride = ((int(a), int(b)) for a, b in (window.kernel_size, window.stride))
    padded = f"ops.pad({given[0]}, ((0, 0), {sides[0]}, {sides[1]}, (0, 0)){value})"
    return kernel, stride, [padded if any(map(any, sides)) else given[0]]


def _conv(op: Any, row: Line, given: list[str], name: str) -> str:
    kernel, stride, given = _window(op, row, given)
    dilation = tuple(int(n) for n in axes(op, "dilation", op.dilation, 2))
    if isinstance(op, ops.DepthwiseConv):
        if len({*stride}) > 1:
            raise ConvcostError(f"layer {row.name}: Keras' depthwise convolution has one stride for both axes")
        return _call(
            "DepthwiseConv2D", given, name, kernel, stride, "valid",
            depth_multiplier=int(op.multiplier), dilation_rate=dilation, use_bias=bool(op.bias),
        )  # fmt: skip
    return _call(
        "Conv2D", given, name, int(row.shape[0]), kernel, stride, "valid",
        dilation_rate=dilation, groups=int(op.groups), use_bias=bool(op.bias),
    )  # fmt: skip


def _linear(op: Any, row: Line, given: list[str], name: str) -> str:
    if op.dim is not None and axis_of(op, row.inputs[0], op.dim) != 0:
        raise ConvcostError(f"layer {row.name}: a linear layer over another axis is not written as Keras code")
    flat = op.dim is None and len(row.inputs[0]) > 1
    return _call(
        "Dense",
        [f"layers.Flatten()({given[0]})"] if flat else given,
        name,
        int(op.out_features),
        use_bias=bool(op.bias),
    )


def _pool(op: Any, row: Line, given: list[str], name: str) -> str:
    if isinstance(op, ops.MaxPool):
        kernel, stride, given = _window(op, row, given, ', constant_values=float("-inf")')
        return _call("MaxPooling2D", given, name, kernel, stride)
    kernel, stride, given = _window(op, row, given)
    return _call("AveragePooling2D", given, name, kernel, stride)


def _global(layer: str) -> Write:
    def write(_op: Any, row: Line, given: list[str], name: str) -> str:
        if len(row.inputs[0]) == 1:
            return _call("Identity", given, name)
        return _call(layer, given, name, keepdims=len(row.shape) == 3)

    return write


def _norm(op: Any, row: Line, given: list[str], name: str) -> str:
    if not op.stats:
        raise ConvcostError(f"layer {row.name}: a batch norm without statistics is not written as Keras code")
    return _call("BatchNormalization", given, name, epsilon=_EPSILON, scale=bool(op.scale), center=bool(op.shift))


def _layer_norm(op: Any, row: Line, given: list[str], name: str) -> str:
    if op.dim not in (1, (1,)) or not op.affine:
        raise ConvcostError(f"layer {row.name}: a layer norm over these axes is not written as Keras code")
    return _call("LayerNormalization", given, name, epsilon=_EPSILON)


def _activation(function: str) -> Write:
    return lambda _op, _row, given, name: _call("Activation", given, name, function)


def _gelu(op: Any, row: Line, given: list[str], name: str) -> str:
    if op.approximate != "none":
        raise ConvcostError(f"layer {row.name}: gelu by tanh is not written as Keras code")
    return _call("Activation", given, name, "gelu")


def _plain(layer: str, **more: Callable[[Any], object]) -> Write:
    return lambda op, _row, given, name: _call(layer, given, name, **{key: of(op) for key, of in more.items()})


def _softmax(op: Any, row: Line, given: list[str], name: str) -> str:
    return _call("Softmax", given, name, axis=-1 if axis_of(op, row.inputs[0], op.dim) == 0 else int(op.dim) - 1)


def _together(layer: str) -> Write:
    """A gate without positions, (N, C), is spread over them."""

    def write(_op: Any, row: Line, given: list[str], name: str) -> str:
        rank = max(map(len, row.inputs))
        same = [
            one if len(x) == rank else f"layers.Reshape((1, 1, {x[0]}))({one})"
            for one, x in zip(given, row.inputs, strict=True)
        ]
        return _call(layer, same, name) if len(same) > 1 else _call("Identity", same, name)

    return write


def _concat(op: Any, row: Line, given: list[str], name: str) -> str:
    if axis_of(op, row.inputs[0], op.dim) != 0:
        raise ConvcostError(f"layer {row.name}: concatenation along another axis is not written as Keras code")
    return _call("Concatenate", given, name) if len(given) > 1 else _call("Identity", given, name)


def _split(op: Any, row: Line, given: list[str], _name: str) -> str:
    if axis_of(op, row.inputs[0], op.dim) != 0:
        raise ConvcostError(f"layer {row.name}: a split of another axis is not written as Keras code")
    part = int(row.shape[0])
    return f"{given[0]}[..., {op.index * part}:{(op.index + 1) * part}]"


def _shuffle(op: Any, row: Line, given: list[str], _name: str) -> str:
    channels, height, width = row.shape
    apart = f"ops.reshape({given[0]}, (-1, {height}, {width}, {op.groups}, {channels // op.groups}))"
    return f"ops.reshape(ops.transpose({apart}, (0, 1, 2, 4, 3)), (-1, {height}, {width}, {channels}))"


def _zero_pad(op: Any, row: Line, given: list[str], _name: str) -> str:
    sides = [tuple(int(n) for n in pair) for pair in op.sides(row.inputs[0])]
    if min(n for pair in sides for n in pair) < 0:
        raise ConvcostError(f"layer {row.name}: what cuts is not written as Keras code")
    return f"ops.pad({given[0]}, ((0, 0), {sides[0]}, {sides[1]}, (0, 0)))"


def _channel_pad(op: Any, row: Line, given: list[str], _name: str) -> str:
    return f"ops.pad({given[0]}, ({'(0, 0), ' * len(row.shape)}({op.before}, {op.after})))"


WRITERS: dict[type[Op], Write] = {
    ops.Conv: _conv,
    ops.DepthwiseConv: _conv,
    ops.Linear: _linear,
    ops.MaxPool: _pool,
    ops.AvgPool: _pool,
    ops.GlobalMaxPool: _global("GlobalMaxPooling2D"),
    ops.GlobalAvgPool: _global("GlobalAveragePooling2D"),
    ops.BatchNorm: _norm,
    ops.LayerNorm: _layer_norm,
    ops.ReLU: _plain("ReLU"),
    ops.ReLU6: _plain("ReLU", max_value=lambda _: 6.0),
    ops.LeakyReLU: _plain("LeakyReLU", negative_slope=lambda op: float(op.negative_slope)),
    ops.ELU: _plain("ELU", alpha=lambda op: float(op.alpha)),
    ops.Swish: _activation("silu"),
    ops.GELU: _gelu,
    ops.Mish: _activation("mish"),
    ops.SELU: _activation("selu"),
    ops.Sigmoid: _activation("sigmoid"),
    ops.Softplus: _activation("softplus"),
    ops.Tanh: _activation("tanh"),
    ops.HardSigmoid: _activation("hard_sigmoid"),
    ops.HardSwish: _activation("hard_silu"),
    ops.Softmax: _softmax,
    ops.Dropout: _plain("Dropout", rate=lambda op: float(op.p)),
    ops.Add: _together("Add"),
    ops.Multiply: _together("Multiply"),
    ops.Concat: _concat,
    ops.Split: _split,
    ops.ChannelShuffle: _shuffle,
    ops.Flatten: lambda _op, _row, given, name: _call("Flatten", given, name),
    ops.ZeroPad: _zero_pad,
    ops.ChannelPad: _channel_pad,
}
"""How each operator's record becomes a line; what is not here is refused by name."""
