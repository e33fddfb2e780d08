"""A network as an ONNX file: shapes, names, metadata, and in place of each weight a node that makes zeros of its shape.

So the file is small, whole, and as valid as one with weights: it is checked, drawn, counted and run like any other.
Importing this module imports onnx.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from onnx import TensorProto, helper

from convcost import ops
from convcost.cost.cost import Cost
from convcost.cost.graph import Node
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.ops import Input, Op, Shape, format_shape
from convcost.ops.base import axes_of, axis_of
from convcost.ops.geometry import axes, sliding

OPSET = 20
IR_VERSION = 9


def onnx_file(cost: Cost) -> bytes:
    """The file, without auxiliary heads. Raises ConvcostError, naming the layer, for what is not written as ONNX."""
    if not all(isinstance(size, int) for row in cost.rows for size in (*row.shape, row.batch)):
        raise ConvcostError("an ONNX file is of one network on one input")
    writer = _Writer(cost)
    for number, (node, row) in enumerate(zip(cost.graph.nodes, cost.rows, strict=True), 1):
        if not row.aux:
            writer.layer(number, node, row)
    return bytes(writer.model().SerializeToString())


class _Writer:
    """The nodes so far. Tensors are called as the layers that make them, the input `input`."""

    def __init__(self, cost: Cost) -> None:
        self.cost = cost
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.constants: list[Any] = []
        """Numbers, which nobody learns."""
        self.numbers: dict[str, Any] = {}
        self.shapes: dict[str, Shape] = {"input": tuple(cost.input)}
        self.inputs = ["input"]
        self.named = {0: "input"}
        self.name = ""
        """Of the layer at hand."""
        self.owner = ""
        """Of the layer whose weights it uses: as a rule its own."""

    def model(self) -> Any:
        cost, total = self.cost, self.cost.total
        outputs = [self.named[i] for i in cost.graph.outputs if i in self.named]
        values = {name: self._value(name, shape) for name, shape in self.shapes.items()}
        graph = helper.make_graph(
            [*self.constants, *self.weights, *self.nodes],
            cost.graph.name,
            [values.pop(name) for name in self.inputs],
            [values.pop(name) for name in outputs],
            [*self.numbers.values()],
            value_info=[*values.values()],
        )
        model = helper.make_model(
            graph, producer_name="convcost", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        said = {
            "network": cost.graph.name,
            "input": format_shape(cost.input),
            "batch": cost.batch,
            "params": total.params,
            "macs": total.macs,
            "weights": "none: each is made of zeros by a node of its name",
        }
        helper.set_model_props(model, {name: str(value) for name, value in said.items()})
        return model

    def layer(self, number: int, node: Node, row: Line) -> None:
        """Write a layer as one node or more; the last one is called as it is, and so is what it makes."""
        self.name = node.name
        if isinstance(node.op, Input):
            self.named[number] = node.name
            self.shapes[node.name] = row.shape
            self.inputs.append(node.name)
            return
        self.owner = node.name if node.shares is None else self.cost.graph.nodes[node.shares].name
        write = WRITERS.get(type(node.op))
        if write is None:
            raise ConvcostError(f"layer {node.name}: {node.op.name} is not written as ONNX")
        given = [self.named[i] for i in node.inputs]
        write(self, node.op, row, given)
        self.nodes[-1].name = node.name
        self.nodes[-1].output[0] = node.name
        self.named[number] = node.name
        self.shapes[node.name] = row.shape

    def add(self, operator: str, *inputs: str, shape: Shape | None = None, **attributes: Any) -> str:
        """A node, and the name of what it makes; `shape` is said where it is not the layer's."""
        name = f"{self.name}/{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        if shape is not None:
            self.shapes[name] = shape
        return name

    def weight(self, name: str, *sizes: Any) -> str:
        """A learned tensor of the layer."""
        named = f"{self.owner}.{name}"
        if named not in self.shapes:
            shape = self.integers(*sizes)
            value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0])
            self.weights.append(helper.make_node("ConstantOfShape", [shape], [named], name=named, value=value))
            self.shapes[named] = tuple(sizes)
        return named

    def integers(self, *values: Any) -> str:
        """Sizes, axes and the like, the same ones once."""
        values = tuple(map(int, values))
        name = f"sizes/{'x'.join(map(str, values))}"
        self.numbers[name] = helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        return name

    def number(self, value: float) -> str:
        """A number."""
        name = f"numbers/{value}"
        if not any(node.name == name for node in self.constants):
            tensor = helper.make_tensor("value", TensorProto.FLOAT, [], [value])
            self.constants.append(helper.make_node("Constant", [], [name], name=name, value=tensor))
        return name

    def _value(self, name: str, shape: Shape) -> Any:
        learned = any(node.output[0] == name for node in self.weights)
        sizes = shape if learned else (self.cost.batch, *shape)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [*map(int, sizes)])


Write = Callable[[_Writer, Any, Line, list[str]], str]


def _windows(op: Op, row: Line) -> dict[str, Any]:
    """The attributes of what slides, with just the padding that its windows reach."""
    window = sliding(op, row.inputs[0])
    if window is None:
        raise ConvcostError(f"layer {row.name}: {op.name} has no window")
    before, after = [], []
    sizes = zip(row.inputs[0][1:], row.shape[1:], *window, strict=True)
    for n, out, kernel, stride, (first, _), dilation in sizes:
        before.append(int(first))
        after.append(max(0, int((out - 1) * stride + dilation * (kernel - 1) + 1 - n - first)))
    return {
        "kernel_shape": [*map(int, window.kernel_size)],
        "strides": [*map(int, window.stride)],
        "dilations": [*map(int, window.dilation)],
        "pads": [*before, *after],
    }


def _conv(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    x = row.inputs[0]
    groups = x[0] if isinstance(op, ops.DepthwiseConv) else op.groups
    attributes = _windows(op, row)
    weight = to.weight("weight", row.shape[0], x[0] // groups, *attributes["kernel_shape"])
    bias = [to.weight("bias", row.shape[0])] if op.bias else []
    return to.add("Conv", *given, weight, *bias, group=int(groups), **attributes)


def _transposed(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    x = row.inputs[0]
    rank = len(x) - 1
    kernel, stride, padding, more, dilation = (
        [*map(int, axes(op, name, getattr(op, name), rank))]
        for name in ("kernel_size", "stride", "padding", "output_padding", "dilation")
    )
    weight = to.weight("weight", x[0], row.shape[0] // op.groups, *kernel)
    bias = [to.weight("bias", row.shape[0])] if op.bias else []
    return to.add(
        "ConvTranspose",
        *given,
        weight,
        *bias,
        kernel_shape=kernel,
        strides=stride,
        pads=padding * 2,
        output_padding=more,
        dilations=dilation,
        group=int(op.groups),
    )


def _linear(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    x = row.inputs[0]
    features = op.in_features(x)
    if op.dim is None or len(x) == 1:
        flat = to.add("Flatten", *given, axis=1, shape=(features,)) if len(x) > 1 else given[0]
        weight = to.weight("weight", op.out_features, features)
        bias = [to.weight("bias", op.out_features)] if op.bias else []
        return to.add("Gemm", flat, weight, *bias, transB=1)

    def last(name: str, shape: Shape) -> str:
        product = (*shape[:-1], op.out_features)
        made = to.add("MatMul", name, to.weight("weight", features, op.out_features), shape=product)
        return to.add("Add", made, to.weight("bias", op.out_features), shape=product) if op.bias else made

    return _over_last(to, x, (axis_of(op, x, op.dim),), given[0], last)


def _over_last(to: _Writer, x: Shape, over: Sequence[int], name: str, write: Callable[[str, Shape], str]) -> str:
    """Move these axes (of a sample) to the end, write what is done there, and move them back."""
    order = [*(i for i in range(len(x)) if i not in over), *over]
    if order == [*range(len(x))]:
        return write(name, x)
    moved = tuple(x[i] for i in order)
    there = to.add("Transpose", name, perm=[0, *(i + 1 for i in order)], shape=moved)
    made = write(there, moved)
    return to.add("Transpose", made, perm=[0, *(order.index(i) + 1 for i in range(len(x)))])


def _pool(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    attributes = _windows(op, row)
    if isinstance(op, ops.MaxPool):
        return to.add("MaxPool", *given, **attributes)
    return to.add("AveragePool", *given, count_include_pad=1, **attributes)


def _global(operator: str) -> Write:
    def write(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
        x = row.inputs[0]
        if len(x) == 1:
            return to.add("Identity", *given)
        if len(row.shape) == len(x):
            return to.add(operator, *given)
        pooled = to.add(operator, *given, shape=(x[0], *(1,) * (len(x) - 1)))
        return to.add("Flatten", pooled, axis=1)

    return write


def _adaptive(operator: str, everywhere: str) -> Write:
    def write(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
        sizes, outs = row.inputs[0][1:], row.shape[1:]
        if all(out == 1 for out in outs):
            return to.add(everywhere, *given)
        if any(size % out for size, out in zip(sizes, outs, strict=True)):
            raise ConvcostError(f"layer {row.name}: ONNX has no {op.name} of {format_shape(sizes)} to other sizes")
        kernel = [int(size // out) for size, out in zip(sizes, outs, strict=True)]
        return to.add(operator, *given, kernel_shape=kernel, strides=kernel)

    return write


def _batch_norm(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    names = (
        "weight" if op.scale else "ones",
        "bias" if op.shift else "zeros",
        "running_mean" if op.stats else "mean",
        "running_var" if op.stats else "var",
    )
    return to.add("BatchNormalization", *given, *(to.weight(name, row.inputs[0][0]) for name in names))


def _instance_norm(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
    return to.add("InstanceNormalization", *given, *(to.weight(name, row.inputs[0][0]) for name in ("weight", "bias")))


def _layer_norm(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    x = row.inputs[0]
    over = axes_of(op, x, op.dim)
    sizes = [x[i] for i in over]

    def last(name: str, shape: Shape) -> str:
        affine = [to.weight(one, *sizes) for one in ("weight", *("bias",) * op.affine)]
        return to.add("LayerNormalization", name, *affine, axis=-len(over), shape=shape)

    return _over_last(to, x, over, given[0], last)


def _layer_scale(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    x = row.inputs[0]
    place = axis_of(op, x, op.dim)
    return to.add("Mul", *given, to.weight("weight", x[place], *(1,) * (len(x) - place - 1)))


def _plain(operator: str, **attributes: Callable[[Any], Any]) -> Write:
    def write(to: _Writer, op: Any, _row: Line, given: list[str]) -> str:
        return to.add(operator, *given, **{name: of(op) for name, of in attributes.items()})

    return write


def _clip(low: Callable[[Any], Any], high: Callable[[Any], Any]) -> Write:
    def write(to: _Writer, op: Any, _row: Line, given: list[str]) -> str:
        return to.add("Clip", *given, to.number(float(low(op))), to.number(float(high(op))))

    return write


def _prelu(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    return to.add("PRelu", *given, to.weight("weight", op.num_parameters, *(1,) * (len(row.inputs[0]) - 1)))


def _swish(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
    return to.add("Mul", *given, to.add("Sigmoid", *given, shape=row.shape))


def _square(to: _Writer, _op: Any, _row: Line, given: list[str]) -> str:
    return to.add("Mul", *given, *given)


def _rsqrt(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
    return to.add("Reciprocal", to.add("Sqrt", *given, shape=row.shape))


def _with_one(operator: str) -> Write:
    return lambda to, _op, _row, given: to.add(operator, *given, to.number(1.0))


def _elementwise(operator: str) -> Write:
    """Of two tensors, or more one after the other; those that lack trailing axes get them."""

    def write(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
        rank = max(map(len, row.inputs))
        same = [
            name
            if len(x) == rank
            else to.add(
                "Unsqueeze",
                name,
                to.integers(*range(len(x) + 1, rank + 1)),
                shape=(*x, *(1,) * (rank - len(x))),
            )
            for name, x in zip(given, row.inputs, strict=True)
        ]
        made = same[0]
        for other in same[1:]:
            made = to.add(operator, made, other)
        return made if len(same) > 1 else to.add("Identity", made)

    return write


def _attention(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
    q, k, v, *mask = given
    shape = row.inputs[1]
    perm = [*range(len(shape) - 1), len(shape), len(shape) - 1]
    keys = to.add("Transpose", k, perm=perm, shape=(*shape[:-2], shape[-1], shape[-2]))
    scores = (*row.inputs[0][:-1], shape[-2])
    made = to.add("MatMul", q, keys, shape=scores)
    made = to.add("Mul", made, to.number(float(shape[-1]) ** -0.5), shape=scores)
    for one in mask:
        made = to.add("Add", made, one, shape=scores)
    return to.add("MatMul", to.add("Softmax", made, axis=-1, shape=scores), v)


def _sliced(to: _Writer, given: list[str], dim: int, start: int, stop: int, step: int = 1) -> str:
    return to.add("Slice", *given, *(to.integers(n) for n in (start, stop, dim, step)))


def _split(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    part = row.inputs[0][axis_of(op, row.inputs[0], op.dim)] // op.parts
    return _sliced(to, given, op.dim, op.index * part, (op.index + 1) * part)


def _slice(to: _Writer, op: Any, _row: Line, given: list[str]) -> str:
    stop = 2**62 if op.stop is None else op.stop
    return _sliced(to, given, op.dim, op.start or 0, stop, op.step)


def _shuffle(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    channels, *sizes = row.shape
    apart = (op.groups, channels // op.groups, *sizes)
    swapped = (channels // op.groups, op.groups, *sizes)
    made = to.add("Reshape", *given, to.integers(row.batch, *apart), shape=apart)
    made = to.add("Transpose", made, perm=[0, 2, 1, *range(3, len(sizes) + 3)], shape=swapped)
    return to.add("Reshape", made, to.integers(row.batch, *row.shape))


def _reshape(to: _Writer, _op: Any, row: Line, given: list[str]) -> str:
    return to.add("Reshape", *given, to.integers(row.batch, *row.shape))


def _permute(to: _Writer, op: Any, _row: Line, given: list[str]) -> str:
    return to.add("Transpose", *given, perm=[0, *(op.dims if isinstance(op.dims, tuple) else (op.dims,))])


def _parameter(to: _Writer, op: Any, row: Line, _given: list[str]) -> str:
    if op.learned is not None:
        raise ConvcostError("a learned tensor whose numbers stand in several places is not written as ONNX")
    learned = to.weight("weight", 1, *row.shape)
    if row.batch == 1:
        return to.add("Identity", learned)
    return to.add("Expand", learned, to.integers(row.batch, *row.shape))


def _reduced(operator: str) -> Write:
    def write(to: _Writer, op: Any, _row: Line, given: list[str]) -> str:
        dims = op.dim if isinstance(op.dim, tuple) else (op.dim,)
        return to.add(operator, *given, to.integers(*dims), keepdims=int(op.keepdim))

    return write


def _padded(to: _Writer, given: list[str], sides: Sequence[tuple[Any, Any]]) -> str:
    before, after = zip((0, 0), *sides, strict=True)
    return to.add("Pad", *given, to.integers(*before, *after))


def _zero_pad(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    return _padded(to, given, [(0, 0), *op.sides(row.inputs[0])])


def _channel_pad(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    return _padded(to, given, [(op.before, op.after), *((0, 0),) * (len(row.shape) - 1)])


def _resized(to: _Writer, op: Any, row: Line, given: list[str]) -> str:
    mode = "nearest" if op.mode == "nearest" else "cubic" if op.mode == "bicubic" else "linear"
    return to.add("Resize", given[0], "", "", to.integers(row.batch, *row.shape), mode=mode)


WRITERS: dict[type[Op], Write] = {
    ops.Conv: _conv,
    ops.DepthwiseConv: _conv,
    ops.ConvTranspose: _transposed,
    ops.Linear: _linear,
    ops.MaxPool: _pool,
    ops.AvgPool: _pool,
    ops.GlobalMaxPool: _global("GlobalMaxPool"),
    ops.GlobalAvgPool: _global("GlobalAveragePool"),
    ops.AdaptiveMaxPool: _adaptive("MaxPool", "GlobalMaxPool"),
    ops.AdaptiveAvgPool: _adaptive("AveragePool", "GlobalAveragePool"),
    ops.BatchNorm: _batch_norm,
    ops.InstanceNorm: _instance_norm,
    ops.LayerNorm: _layer_norm,
    ops.LayerScale: _layer_scale,
    ops.LocalResponseNorm: _plain("LRN", size=lambda op: int(op.size)),
    ops.ReLU: _plain("Relu"),
    ops.ReLU6: _clip(lambda _: 0, lambda _: 6),
    ops.LeakyReLU: _plain("LeakyRelu", alpha=lambda op: float(op.negative_slope)),
    ops.PReLU: _prelu,
    ops.ELU: _plain("Elu", alpha=lambda op: float(op.alpha)),
    ops.SELU: _plain("Selu"),
    ops.Swish: _swish,
    ops.GELU: _plain("Gelu", approximate=lambda op: op.approximate),
    ops.Mish: _plain("Mish"),
    ops.Sigmoid: _plain("Sigmoid"),
    ops.Softplus: _plain("Softplus"),
    ops.Tanh: _plain("Tanh"),
    ops.HardSigmoid: _plain("HardSigmoid", alpha=lambda _: 1 / 6, beta=lambda _: 0.5),
    ops.HardSwish: _plain("HardSwish"),
    ops.HardTanh: _clip(lambda op: op.min_val, lambda op: op.max_val),
    ops.Softmax: _plain("Softmax", axis=lambda op: int(op.dim)),
    ops.LogSoftmax: _plain("LogSoftmax", axis=lambda op: int(op.dim)),
    ops.Exp: _plain("Exp"),
    ops.Log: _plain("Log"),
    ops.Sqrt: _plain("Sqrt"),
    ops.Rsqrt: _rsqrt,
    ops.Square: _square,
    ops.Abs: _plain("Abs"),
    ops.Shift: _with_one("Add"),
    ops.Scale: _with_one("Mul"),
    ops.Dropout: _plain("Dropout"),
    ops.Add: _elementwise("Add"),
    ops.Multiply: _elementwise("Mul"),
    ops.Subtract: _elementwise("Sub"),
    ops.Divide: _elementwise("Div"),
    ops.Power: _elementwise("Pow"),
    ops.MatMul: _plain("MatMul"),
    ops.Attention: _attention,
    ops.MaskedAttention: _attention,
    ops.Concat: _plain("Concat", axis=lambda op: int(op.dim)),
    ops.Split: _split,
    ops.Slice: _slice,
    ops.ChannelShuffle: _shuffle,
    ops.PixelShuffle: _plain("DepthToSpace", mode=lambda _: "CRD", blocksize=lambda op: int(op.upscale_factor)),
    ops.PixelUnshuffle: _plain("SpaceToDepth", blocksize=lambda op: int(op.downscale_factor)),
    ops.Flatten: _reshape,
    ops.Reshape: _reshape,
    ops.Permute: _permute,
    ops.Parameter: _parameter,
    ops.Mean: _reduced("ReduceMean"),
    ops.Sum: _reduced("ReduceSum"),
    ops.Amax: _reduced("ReduceMax"),
    ops.ZeroPad: _zero_pad,
    ops.ChannelPad: _channel_pad,
    ops.Upsample: _resized,
    ops.Resize: _resized,
    ops.ResizeLike: _resized,
}
"""How each operator's record becomes nodes of ONNX; what is not here is refused by name."""
