"""Layer tables of accelerators' simulators, as their own readers take them, and one table of everything.

Only what multiplies is in them, without auxiliary heads. Simulators know no padding: a layer has the size that its
windows cover, (out - 1) * stride + kernel, which is the padded input without what no window reaches.
"""

from __future__ import annotations

import csv
import io
import re

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.files.csvtext import guarded
from convcost.ops import DepthwiseConv, format_shape
from convcost.ops.geometry import sliding
from convcost.simulators.layers import Layer, layers


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


def zigzag(cost: Cost) -> str:
    """A workload of ZigZag: a list of layers in YAML, each with its loops, and the layer that its input comes from.

    Operands have 8 bits, sums 32. Padding is part of the inputs, as sizes follow from the relations of the loops.
    """
    found = [*layers(cost)]
    made: dict[int, int] = {}
    """Of each tensor, the layer that it comes from: the last one that multiplies on the way to it."""
    ids = {layer.line.name: n for n, layer in enumerate(found)}
    rows = []
    for tensor, node in enumerate(cost.graph.nodes, 1):
        before = max((made[i] for i in node.inputs if i in made), default=None)
        if (n := ids.get(node.name)) is not None:
            rows.append(_zigzag(n, found[n], n if before is None else before))
        if (known := before if n is None else n) is not None:
            made[tensor] = known
    return "".join(rows)


def _zigzag(number: int, layer: Layer, source: int) -> str:
    groups = layer.groups > 1
    g, dim = ("[g]", "G, ") if groups else ("", "")
    sizes = (
        layer.line.batch,
        *(layer.groups,) * groups,
        layer.out_channels // layer.groups,
        layer.in_channels // layer.groups,
        *layer.out,
        *layer.kernel,
    )
    (sy, sx), (dy, dx) = layer.stride, layer.dilation
    return (
        f"- id: {number}\n  name: {_word(layer.line.name)}\n  operator_type: Conv\n"
        f"  equation: O[b]{g}[k][oy][ox]+=W{g}[k][c][fy][fx]*I[b]{g}[c][iy][ix]\n"
        f"  dimension_relations: [ix={sx}*ox+{dx}*fx, iy={sy}*oy+{dy}*fy]\n"
        f"  loop_dims: [B, {dim}K, C, OY, OX, FY, FX]\n  loop_sizes: [{', '.join(map(str, sizes))}]\n"
        "  operand_precision:\n    W: 8\n    I: 8\n    O: 32\n    O_final: 8\n"
        f"  operand_source:\n    I: {source}\n    W: {number}\n"
    )


def stonne(cost: Cost) -> str:
    """Calls of STONNE in a shell script, a layer each; of a layer in groups each is run by itself.

    What they leave open, the accelerator and its tiles, is asked for as "$@". Raises ConvcostError for two strides, a
    dilated layer and a batch, which it has not.
    """
    if cost.batch != 1:
        raise ConvcostError("STONNE has no batch: write one sample")
    rows = ["#!/bin/sh", "# STONNE's flags, layer by layer: sh FILE -num_ms=64 -dn_bw=8 ..."]
    for layer in layers(cost):
        _undilated(layer, "STONNE")
        if len({*layer.stride}) > 1:
            raise ConvcostError(f"layer {layer.line.name}: STONNE has one stride for both axes")
        (r, s), (x, y) = layer.kernel, layer.covered
        c, k = layer.in_channels // layer.groups, layer.out_channels // layer.groups
        call = f'./stonne -CONV -R={r} -S={s} -C={c} -G=1 -K={k} -N=1 -X={x} -Y={y} -strides={layer.stride[0]} "$@"'
        rows.append(f"# {_word(layer.line.name)}")
        rows.append(call if layer.groups == 1 else f"for group in $(seq {layer.groups}); do {call}; done")
    return "\n".join(rows) + "\n"


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
