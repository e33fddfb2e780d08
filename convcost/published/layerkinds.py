"""Kinds of layers, each as one line: all convolutions of one kernel size, all depthwise ones, all linear layers.

Papers sum their layers so: "Conv 1 × 1", "Conv DW 3 × 3", "Fully Connected". A kind is written `every conv 1x1`,
`every dwconv` or `every linear`: the operator, and the size of its kernel where that is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from convcost.cost.cost import Cost, together
from convcost.counters.line import Line
from convcost.errors import ConvcostError

EVERY = "every "
_LEAST = 2
"""Rows that must be kinds before a table is one of kinds."""
_KERNEL = re.compile(r"[0-9]{1,2}(?:x[0-9]{1,2}){1,2}")
_WORDS = {
    "dwconv": {"dw", "depthwise", "dwconv", "separable"},
    "linear": {"fc", "fully", "connected", "linear", "dense", "classifier"},
    "bn": {"bn", "norm", "batchnorm", "normalization", "normalisation", "batch"},
    "conv": {"conv", "convs", "convolution", "convolutions", "convolutional", "conv2d", "pointwise", "pw", "standard"},
}
"""What layers of an operator are called; a depthwise convolution is a convolution by name, too."""
_BESIDE = {"layer", "layers", "all", "the", "every", "2d"}


def line_of(cost: Cost, lead: str) -> Line:
    """The line of a scope, of a layer, or of every layer of a kind. Raises ConvcostError if the network has none."""
    if not lead.startswith(EVERY):
        return cost[lead]
    operator, _, kernel = lead.removeprefix(EVERY).partition(" ")
    rows = [row for row in cost.total.rows if row.operator == operator and kernel in ("", _kernel(row))]
    if not rows:
        raise ConvcostError(f"{cost.graph.name} has no layer {lead.removeprefix(EVERY)!r}")
    return together(lead, rows)


def _kernel(row: Line) -> str:
    """The size of a layer's kernel, 3x3; '' if it has none."""
    size = getattr(row.op, "kernel_size", ())
    return "x".join(map(str, size if isinstance(size, tuple) else [size] * (len(row.shape) - 1)))


def kinds_of(cost: Cost, labels: Sequence[str]) -> list[str | None]:
    """The kind of layers that each row of a table is about; all None if its rows are no kinds.

    They are if no two are the same and several say a kernel: rows that are layers say "conv 3x3" again and again.
    """
    found = [kind_of_label(label) for label in labels]
    kinds = [kind for kind in found if kind is not None]
    sized = sum(kind.count(" ") > 1 or kind == "every dwconv" for kind in kinds)
    if sized < _LEAST or len(set(kinds)) < len(kinds):
        return [None] * len(labels)
    return [kind if kind is None or has_kind(cost, kind) else None for kind in found]


def has_kind(cost: Cost, kind: str) -> bool:
    """Whether a text is a kind of which a network has layers."""
    if not kind.startswith(EVERY):
        return False
    try:
        line_of(cost, kind)
    except ConvcostError:
        return False
    return True


def kind_of_label(label: str) -> str | None:
    """The kind of layers that a row's name says, None if any of its words says something else."""
    text = re.sub(r"(?<=[0-9])\s*[x×*]\s*(?=[0-9])", "x", label.casefold().replace("depth-wise", "depthwise"))
    words = [word for word in re.split(r"[^0-9a-z]+", text) if word and word not in _BESIDE]
    kernels = [word for word in words if _KERNEL.fullmatch(word)]
    said = set(words) - set(kernels)
    for operator, names in _WORDS.items():
        also = _WORDS["conv"] if operator == "dwconv" else set()
        if said & names and said <= names | also and len(kernels) <= (operator in ("conv", "dwconv")):
            pointwise = ["1x1"] if operator == "conv" and said & {"pointwise", "pw"} else []
            return " ".join([EVERY.strip(), operator, *(kernels or pointwise)])
    return None
