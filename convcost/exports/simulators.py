"""Layer tables of accelerators' simulators, as their own readers take them, and one table of everything.

Only what multiplies is in them, without auxiliary heads. Simulators know no padding: a layer has the size that its
windows cover, (out - 1) * stride + kernel, which is the padded input without what no window reaches.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.files.csvtext import guarded
from convcost.ops import Conv, DepthwiseConv, Linear, format_shape
from convcost.ops.geometry import sliding


class Layer(NamedTuple):
    """A convolution over two axes, or a linear layer as one of 1x1 on one position, in a simulator's words."""

    line: Line
    in_channels: int
    out_channels: int
    kernel: tuple[int, int]
    """Height and width."""
    out: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @property
    def covered(self) -> tuple[int, int]:
        """The input's height and width that the windows cover, padding included."""
        sizes = zip(self.out, self.stride, self.kernel, self.dilation, strict=True)
        height, width = ((out - 1) * s + d * (k - 1) + 1 for out, s, k, d in sizes)
        return height, width

    @property
    def depthwise(self) -> bool:
        """Whether every channel has filters of its own."""
        return 1 < self.groups == self.in_channels


def layers(cost: Cost) -> Iterator[Layer]:
    """The layers that multiply. Raises ConvcostError for one that is neither a convolution nor a linear layer."""
    for row in cost.rows:
        if row.aux or row.op is None or not row.op.multiplies:
            continue
        shape = (*row.shape, row.batch)
        if not all(isinstance(size, int) for size in shape):
            raise ConvcostError(f"layer {row.name}: a file of layers is of one network on one input")
        if isinstance(row.op, Linear):
            features = row.op.in_features(row.inputs[0])
            positions = row.elements // row.op.out_features
            yield Layer(row, features, row.op.out_features, (1, 1), (positions, 1), (1, 1), (1, 1), 1)
            continue
        x = row.inputs[0]
        window = sliding(row.op, x)
        if not isinstance(row.op, (Conv, DepthwiseConv)) or window is None:
            raise ConvcostError(f"layer {row.name}: simulators have no {row.op.name}")
        if len(x) != 3:
            raise ConvcostError(f"layer {row.name}: simulators convolve over two axes, not {len(x) - 1}")
        groups = x[0] if isinstance(row.op, DepthwiseConv) else row.op.groups
        kernel, stride, dilation = map(_pair, (window.kernel_size, window.stride, window.dilation))
        yield Layer(row, x[0], row.shape[0], kernel, _pair(row.shape[1:]), stride, dilation, groups)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    height, width = values
    return height, width


def scalesim(cost: Cost) -> str:
    """A topology of SCALE-Sim v2 or v3: `-t FILE -i conv`. Depthwise layers have DP in their name, groups a row each.

    One stride stands for both axes, as its v3 reads it, and a ninth field would be a sparsity. Raises ConvcostError for
    two strides, a dilated layer and a batch, which it has not.
    """
    if cost.batch != 1:
        raise ConvcostError("SCALE-Sim has no batch: write one sample")
    rows = [_SCALESIM]
    for layer in layers(cost):
        _undilated(layer, "SCALE-Sim")
        if len({*layer.stride}) > 1:
            raise ConvcostError(f"layer {layer.line.name}: SCALE-Sim has one stride for both axes")
        name = re.sub("DP", "Dp", _word(layer.line.name))
        sizes = (*layer.covered, *layer.kernel)
        if layer.depthwise and layer.out_channels == layer.in_channels:
            rows.append(_joined(f"DP_{name}", *sizes, layer.in_channels, 1, layer.stride[0]))
            continue
        channels, filters = layer.in_channels // layer.groups, layer.out_channels // layer.groups
        for group in range(layer.groups):
            of = f"{name}_g{group}" if layer.groups > 1 else name
            rows.append(_joined(of, *sizes, channels, filters, layer.stride[0]))
    return "\n".join(rows) + "\n"


def timeloop(cost: Cost) -> str:
    """Problems of Timeloop 0.4, a YAML document each. R and P go with the width, S and Q with the height."""
    documents = []
    for layer in layers(cost):
        (height, width), (q, p) = layer.kernel, layer.out
        instance = {
            "N": layer.line.batch,
            "C": layer.in_channels // layer.groups,
            "M": layer.out_channels // layer.groups,
            "P": p,
            "Q": q,
            "R": width,
            "S": height,
            "G": layer.groups,
            "Hstride": layer.stride[0],
            "Wstride": layer.stride[1],
            "Hdilation": layer.dilation[0],
            "Wdilation": layer.dilation[1],
        }
        written = "".join(f"    {name}: {value}\n" for name, value in instance.items())
        documents.append(f"# {_word(layer.line.name)}\nproblem:\n  version: 0.4\n  instance:\n{written}{_TIMELOOP}")
    return "---\n".join(documents)


_SCALESIM = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
_TIMELOOP = """\
  shape:
    name: grouped_convolution
    dimensions: [N, C, M, P, Q, R, S, G]
    coefficients:
      - {name: Hstride, default: 1}
      - {name: Wstride, default: 1}
      - {name: Hdilation, default: 1}
      - {name: Wdilation, default: 1}
    data_spaces:
      - {name: Weights, projection: [[[C]], [[M]], [[R]], [[S]], [[G]]]}
      - name: Inputs
        projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]], [[G]]]
      - {name: Outputs, projection: [[[N]], [[M]], [[Q]], [[P]], [[G]]], read_write: true}
"""


def maestro(cost: Cost) -> str:
    """A network of MAESTRO. Of a layer in groups there is one of each. Raises ConvcostError for a dilated layer."""
    rows = []
    for layer in layers(cost):
        _undilated(layer, "MAESTRO")
        name = _word(layer.line.name)
        single = layer.depthwise and layer.out_channels == layer.in_channels
        times = 1 if single else layer.groups
        k, c = (1, layer.in_channels) if single else (layer.out_channels // times, layer.in_channels // times)
        (y, x), (r, s) = layer.covered, layer.kernel
        batch = "" if layer.line.batch == 1 else f"N: {layer.line.batch}, "
        for group in range(times):
            of = name if times == 1 else f"{name}_g{group}"
            rows.append(
                f"  Layer {of} {{\n    Type: {'DSCONV' if single else 'CONV'}\n"
                f"    Stride {{ X: {layer.stride[1]}, Y: {layer.stride[0]} }}\n"
                f"    Dimensions {{ {batch}K: {k}, C: {c}, R: {r}, S: {s}, Y: {y}, X: {x} }}\n  }}\n"
            )
    return f"Network {_word(cost.graph.name)} {{\n{''.join(rows)}}}\n"


def table(cost: Cost) -> str:
    """Everything about every layer, auxiliary heads apart, as one CSV."""
    buffer = io.StringIO()
    columns = (
        "layer", "operator", "inputs", "output", "batch", "kernel_size", "stride", "padding", "dilation", "groups",
        *("weights", "biases", "norm_affine", "norm_stats", "params", "macs", "activations", "auxiliary"),
    )  # fmt: skip
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in cost.rows:
        window = sliding(row.op, row.inputs[0]) if row.op is not None and row.inputs else None
        shapes = "+".join(map(format_shape, row.inputs))
        slides: tuple[str, ...] = ("",) * 4
        if window is not None:
            pads = "x".join(f"{before}+{after}" for before, after in window.padding)
            slides = (
                format_shape(window.kernel_size),
                format_shape(window.stride),
                pads,
                format_shape(window.dilation),
            )
        groups = row.inputs[0][0] if isinstance(row.op, DepthwiseConv) else getattr(row.op, "groups", "")
        counts = (row.weights, row.biases, row.norm_affine, row.norm_stats, row.params, row.macs, row.activations)
        cells = (row.name, row.operator, shapes, format_shape(row.shape), row.batch, *slides, groups, *counts, row.aux)
        writer.writerow([guarded(str(cell)) for cell in cells])
    return buffer.getvalue()


def _undilated(layer: Layer, tool: str) -> None:
    if layer.dilation != (1, 1):
        raise ConvcostError(f"layer {layer.line.name}: {tool} has no dilation")


def _word(name: str) -> str:
    """A name of letters, digits and underscores."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _joined(*values: object) -> str:
    return f"{', '.join(map(str, values))},"
