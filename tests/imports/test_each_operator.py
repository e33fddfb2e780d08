"""Each operator alone is read again from the torch module and the ONNX file that it is, or it is said how not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import operators
from cases.operators import Case
from complete import require_lines

from convcost import Cost, GraphBuilder, from_torch, load, torch_model
from convcost.errors import ConvcostError, unwarned
from convcost.exports import export, kerascode, onnxfile
from convcost.ops import REGISTRY, elements

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = 500_000

COMPOSED = {"rbf", "blurpool", "grn", "normalize", "multihead_attention", "multihead_self_attention", "grid_sample"}
"""What torch has no module for, or what it runs as several operators; a trace has those."""
NO_LAYER = {"deform_conv", "modulated_deform_conv", "pixel_unshuffle", "stochastic_depth", "parameter"}
"""Nothing that runs: torchvision's, a layer of other axes than the case has, nothing in evaluation, no input."""
OTHER_NAME = {"shuffle", "transpose", "resize_like", "embedding", "hardtanh"}
"""A reshape and permute, a permute, a resize, torch's own; the case of hardtanh is relu6."""

NOT_ONNX = (
    {"rbf", "deform_conv", "modulated_deform_conv", "blurpool", "groupnorm", "rmsnorm", "grn", "normalize", "glu"}
    | {"stochastic_depth", "multihead_attention", "multihead_self_attention", "lstm", "gru", "embedding"}
    | {"transpose", "roll", "pad", "grid_sample"}
)
"""What ONNX has no operator for, or one that is not written yet."""
ONNX_OTHERWISE = (
    {
        "adaptive_maxpool",
        "adaptive_avgpool",
        "hardtanh",
        "swish",
        "square",
        "rsqrt",
        "shuffle",
        "attention",
        "parameter",
    }
    | {"masked_attention", "layernorm", "layer_scale", "log_softmax", "exp", "log", "sqrt", "abs", "shift", "scale"}
    | {"sub", "div", "pow", "matmul", "split", "slice", "reshape", "permute", "channelpad", "resize_like"}
)
"""What is written as other nodes, or read as ONNX's own operator: its cost is that of its name, `onnx.matmul`."""
NOT_KERAS = (
    {"conv_transpose", "deform_conv", "modulated_deform_conv", "rbf", "blurpool", "adaptive_maxpool"}
    | {"adaptive_avgpool", "groupnorm", "instancenorm", "rmsnorm", "grn", "layer_scale", "lrn", "normalize"}
    | {"prelu", "hardtanh", "log_softmax", "glu", "exp", "log", "sqrt", "rsqrt", "square", "abs", "shift"}
    | {"scale", "stochastic_depth", "sub", "div", "pow", "matmul", "attention", "masked_attention"}
    | {"multihead_attention", "multihead_self_attention", "lstm", "gru", "embedding", "slice", "pixel_shuffle"}
    | {"pixel_unshuffle", "reshape", "permute", "transpose", "roll", "parameter", "mean", "sum", "amax", "pad"}
    | {"upsample", "resize", "resize_like", "grid_sample"}
)
"""What Keras has no layer for, or one that is not written yet."""


def cases_of(name: str) -> list[Case]:
    every = (case for group in vars(operators).values() if isinstance(group, tuple) for case in group)
    ours = [case for case in every if isinstance(case, Case) and case.op.name == name and case.xs]
    return [case for case in ours if sum(map(elements, case.xs)) < SMALL]


def alone(case: Case) -> Cost:
    if len(case.xs) == 1:
        g = GraphBuilder("alone", case.xs[0])
        g.add(case.op, g.input)
    else:
        g = GraphBuilder("alone", {f"x{i}": x for i, x in enumerate(case.xs)})
        g.add(case.op, *g.inputs.values())
    return Cost(g.graph())


def test_every_operator_comes_back_from_torch():
    """One of its cases is enough to show that there is a rule; what a rule counts is compared elsewhere."""
    back = {name for name in REGISTRY if any(map(comes_back_from_torch, cases_of(name)))}
    place = "convcost/imports/torchrules, and functions.py if its output is as its input, or COMPOSED here"
    require_lines(back, REGISTRY.keys() - COMPOSED - NO_LAYER - OTHER_NAME, place, "torch's function that is {}")


def comes_back_from_torch(case: Case) -> bool:
    with unwarned():
        try:
            cost = alone(case)
            given = [*case.xs] if case.xs[1:] else case.xs[0]
            found = from_torch(torch_model(cost.graph, device="meta"), given).price()
        except ConvcostError:  # of sizes that torch has none for
            return False
    if case.op.name not in {row.op.name for row in found.rows}:
        return False
    assert (found.total.params, found.total.macs) == (cost.total.params, cost.total.macs), case
    return True


def test_every_operator_is_written_as_onnx_or_is_said_not_to_be(tmp_path: Path):
    pytest.importorskip("onnx")
    written = {op.name for op in onnxfile.WRITERS}
    require_lines(written | NOT_ONNX, REGISTRY, "convcost/exports/onnxfile.py, WRITERS, or NOT_ONNX here", "how {} is")
    back = {name for name in written if any(comes_back_from_onnx(case, tmp_path / "x.onnx") for case in cases_of(name))}
    place = "convcost/imports/onnxrules.py, or ONNX_OTHERWISE here"
    require_lines(back, written - ONNX_OTHERWISE, place, "ONNX's operator that is {}")


def comes_back_from_onnx(case: Case, path: Path) -> bool:
    with unwarned():
        try:
            path.write_bytes(export(alone(case), "onnx"))
            found = load(path).price()
        except ConvcostError:  # of sizes that ONNX has none for
            return False
    return case.op.name in {row.op.name for row in found.rows}


def test_every_operator_is_written_as_keras_code_or_is_said_not_to_be():
    written = {op.name for op in kerascode.WRITERS}
    require_lines(
        written | NOT_KERAS, REGISTRY, "convcost/exports/kerascode.py, WRITERS, or NOT_KERAS here", "how {} is"
    )
