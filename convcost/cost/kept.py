"""What training holds in memory: what the backward pass needs of the forward pass, and what an optimiser keeps.

An operator keeps its input, its output or neither for its gradient, and numbers of its own: the statistics of a norm,
the indices of a max pooling (int64), the mask of a dropout. A tensor that two operators keep is held once. This is what
torch 2.13's autograd saves (`torch.autograd.graph.saved_tensors_hooks`) on a processor; on a GPU the mask of a dropout
is one byte an element. What the backward pass itself needs besides, and copies that libraries make, come on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, equal, prod, total
from convcost.ops import (
    AdaptiveMaxPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalMaxPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    StochasticDepth,
    elements,
)

STATISTICS = 4
"""Bytes of a mean or deviation, which torch holds in float32 for every smaller type."""
MASTER = 4
"""Bytes of a parameter, its gradient and each state: float32 also where tensors are of a smaller type (autocast)."""
INDEX = 8
"""Bytes of an index, an int64."""

OPTIMIZERS: Mapping[str, int] = MappingProxyType(
    {"sgd": 0, "momentum": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2, "nadam": 2, "amsgrad": 3}
)
"""How many numbers an optimiser keeps for each parameter: those of torch.optim's state, but for its step counters."""


class Kept(NamedTuple):
    """What a layer holds of the forward pass until its gradient is computed."""

    line: Line
    tensors: Int
    """Bytes of inputs and outputs that no layer before it holds."""
    own: Int
    """Bytes of numbers of its own: statistics, indices, a mask."""


def _by_name(keeps: Literal["inputs", "output", ""], *names: str) -> dict[str, Literal["inputs", "output", ""]]:
    return dict.fromkeys(names, keeps)


KEEPS: Mapping[str, Literal["inputs", "output", ""]] = MappingProxyType(
    _by_name("inputs", "conv", "dwconv", "conv_transpose", "linear", "mul", "div")
    | _by_name("inputs", "avgpool", "adaptive_avgpool", "maxpool", "adaptive_maxpool", "global_maxpool")
    | _by_name("inputs", "bn", "groupnorm", "instancenorm", "layernorm", "lrn", "layer_scale")
    | _by_name("inputs", "abs", "elu", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log")
    | _by_name("inputs", "mish", "prelu", "relu6", "selu", "softplus", "square", "swish")
    | _by_name("output", "exp", "log_softmax", "relu", "rsqrt", "sigmoid", "softmax", "sqrt", "tanh")
    | _by_name("", "add", "sub", "concat", "global_avgpool", "mean", "sum", "shift", "scale", "dropout")
    | _by_name("", "stochastic_depth", "channelpad", "zeropad", "slice", "split", "shuffle", "roll", "transpose")
    | _by_name("", "permute", "flatten", "reshape", "upsample", "resize", "resize_like", "pixel_shuffle")
    | _by_name("", "pixel_unshuffle", "parameter", "input")
)
"""Which of its tensors an operator keeps, by name. Of others torch has several kernels, or composes them."""


def _own(line: Line, size: int) -> Int:
    """Bytes that a layer keeps besides its inputs and output, of elements of a size."""
    op, x = line.op, line.inputs[0] if line.inputs else ()
    if isinstance(op, Conv) and op.weight_norm:  # the weights that it made, and what it divided by, at each use
        return size * op.params(line.inputs, line.shape).weights
    if isinstance(op, BatchNorm):
        return 2 * STATISTICS * x[0]
    if isinstance(op, GroupNorm | InstanceNorm | LayerNorm):
        repeated = line.norm_affine // 2 if isinstance(op, InstanceNorm) else 0  # gamma, for each sample
        return STATISTICS * line.batch * (2 * op.parts(x) + repeated)
    if isinstance(op, MaxPool | AdaptiveMaxPool | GlobalMaxPool):
        return INDEX * line.batch * line.elements
    if isinstance(op, Dropout):
        return size * line.batch * line.elements
    if isinstance(op, StochasticDepth):
        return line.batch
    if isinstance(op, LocalResponseNorm):
        # Composed: the means of its squares, those padded over the channels, and what it divides by.
        return size * line.batch * (2 * line.elements + (x[0] + op.size - 1) * prod(x[1:]))
    return 0


def kept(cost: Cost, size: int = 4) -> list[Kept]:
    """What each layer holds until the backward pass, of elements of so many bytes and of the whole batch, in order.

    Auxiliary heads are included. Raises ConvcostError in a symbolic repeat, and for an operator of which it is not
    known what torch keeps: attention and recurrent layers, whose kernels differ.
    """
    homes, trained, found = [0], [False], []
    held: set[int] = set()
    for n, (node, line) in enumerate(zip(cost.graph.nodes, cost.rows, strict=True), 1):
        if node.repeats:
            raise ConvcostError(f"{cost.graph.name}: what a symbolic number of layers keeps has no closed form")
        if node.op.name not in KEEPS:
            raise ConvcostError(f"layer {node.name}: what torch keeps of {node.op.name} for its gradient is not known")
        anew = node.op.memory != "view" or isinstance(node.op, Dropout)  # which in training makes another tensor
        homes.append(n if anew else homes[node.inputs[0]])
        own = line if node.shares is None else cost.rows[node.shares]
        trained.append(any(trained[i] for i in node.inputs) or not equal(own.params, 0))
        needs = {"inputs": node.inputs, "output": (n,), "": ()}[KEEPS[node.op.name] if trained[n] else ""]
        new = {homes[i] for i in needs} - held  # of a view, all that it is a view of
        held |= new
        tensors = total([elements(cost.rows[i - 1].shape if i else cost.input) for i in new])
        found.append(Kept(line, size * cost.batch * tensors, _own(line, size) if trained[n] else 0))
    return found


def states(optimizer: str) -> int:
    """Numbers that an optimiser keeps for each parameter. Raises ConvcostError, with the closest name, if unknown."""
    if optimizer not in OPTIMIZERS:
        close = did_you_mean(optimizer, OPTIMIZERS) or f"; choose from {', '.join(OPTIMIZERS)}"
        raise ConvcostError(f"unknown optimizer {optimizer!r}{close}")
    return OPTIMIZERS[optimizer]
