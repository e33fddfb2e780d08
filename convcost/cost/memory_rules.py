"""What memory a network needs by the rules that papers and tools go by: named, each with its source.

Each is of one network on one input, at inference but for `backward`: bytes of tensors of one type. All but the arena,
which a planner lays out, have a closed form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import FOLDING
from convcost.cost.kept import kept
from convcost.cost.memory import DTYPES, INPUT, Moment, homes_of, moments, peak, size_of
from convcost.counters.line import Line
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, equal, largest, total
from convcost.ops import Conv, DepthwiseConv, elements

ALIGNMENT = 16
"""Bytes that each buffer of the arena begins at a multiple of."""
ARENA = (*FOLDING, "add")
"""What norms and activations are folded into when a network is converted for the arena: sums, too."""


class MemoryRule(NamedTuple):
    """A rule of what memory counts."""

    name: str
    meaning: str
    source: str
    of: Callable[[Cost, int], Int]
    """Bytes, of a cost and the size of an element."""
    dtype: str = "float32"
    """The type that its source prints it for."""
    least: Callable[[Cost, int], Int] | None = None
    """Bytes that it is never below, as a closed form, if it has none itself."""


class Buffer(NamedTuple):
    """What a tensor needs of an arena, the one block of memory that a runtime takes: bytes, and between which nodes."""

    tensor: int
    """The tensor that it was made for: 0 is the network's input, n the output of node n, counted from 1."""
    size: int
    """Bytes, aligned."""
    first: int
    last: int
    """The nodes between which it is needed, both included."""


class Placed(NamedTuple):
    """A buffer, and where in the arena it begins."""

    buffer: Buffer
    offset: int


def buffers(cost: Cost, size: int) -> list[Buffer]:
    """The buffers of a network as they are made. Raises ConvcostError for counts that are no ints."""
    homes, last = homes_of(cost, into=ARENA)
    found = []
    for tensor in (INPUT, *(n for n, home in homes.items() if n and n == home)):
        bytes_ = size * size_of(cost, tensor)
        if not isinstance(bytes_, int):
            raise ConvcostError("an arena is of one network on one input: it has no closed form")
        found.append(Buffer(tensor, -(-bytes_ // ALIGNMENT) * ALIGNMENT, tensor, last[tensor]))
    return found


def arena(cost: Cost, size: int) -> list[Placed]:
    """The buffers of a network, laid out by `plan`."""
    return plan(buffers(cost, size))


def plan(wanted: Iterable[Buffer]) -> list[Placed]:
    """Where buffers lie, the largest placed first, each in the first gap between those that are needed with it.

    Of equal ones the last made is first. So plans GreedyMemoryPlanner of TensorFlow Lite Micro.
    """
    placed: list[Placed] = []
    last_first = [*wanted][::-1]
    for buffer in sorted(last_first, key=lambda buffer: -buffer.size):
        with_it = [
            (one.offset, one.offset + one.buffer.size)
            for one in placed
            if one.buffer.first <= buffer.last and buffer.first <= one.buffer.last
        ]
        offset = 0
        for begin, end in sorted(with_it):
            if begin - offset >= buffer.size:
                break
            offset = max(offset, end)
        placed.append(Placed(buffer, offset))
    return placed


def _arena(cost: Cost, size: int) -> Int:
    return max(one.offset + one.buffer.size for one in arena(cost, size))


def _operator(cost: Cost, size: int) -> Int:
    rows = (row for row in cost.rows if not row.aux and row.op is not None and row.op.multiplies)
    return size * cost.batch * largest(total(list(map(elements, row.inputs))) + row.elements for row in rows)


def _residual(cost: Cost, size: int) -> Int:
    found = moments(cost, into=FOLDING)
    return size * largest(one.alive for one in found if one.line.op is not None and one.line.op.multiplies)


def channel_by_channel(moment: Moment) -> Int:
    """What is alive at a layer whose depthwise convolution writes each channel over that of its input, if it can."""
    if not _is_depthwise(moment.line):
        return moment.alive
    return moment.alive + largest([moment.writes, moment.frees]) - moment.writes - moment.frees


def _is_depthwise(line: Line) -> bool:
    """Whether each of its outputs is one channel convolved."""
    if isinstance(line.op, DepthwiseConv):
        return equal(line.op.multiplier, 1)
    if not isinstance(line.op, Conv):
        return False
    return equal(line.op.groups, line.inputs[0][0]) and equal(line.op.groups, line.op.out_channels)


def _depthwise(cost: Cost, size: int) -> Int:
    return size * largest(channel_by_channel(one) for one in moments(cost, into=FOLDING))


def _outputs(cost: Cost, size: int) -> Int:
    having = (row for row in cost.rows if not row.aux and not equal(row.counts.trainable, 0))
    return size * cost.batch * total([row.elements for row in having])


RULES = {
    rule.name: rule
    for rule in (
        MemoryRule(
            "liveness",
            "tensors that are alive at once at most, in the order of the spec",
            "convcost; torch's memory profiler finds the same bytes held",
            lambda cost, size: size * peak(cost),
        ),
        MemoryRule(
            "in_place",
            "the same where activations, sums and products overwrite what nothing else needs",
            "torch's in-place operators",
            lambda cost, size: size * peak(cost, in_place=True),
        ),
        MemoryRule(
            "folded",
            "as liveness, norms and activations being part of the layer that they alone follow",
            "engines for inference, which fold them",
            lambda cost, size: size * largest(one.alive for one in moments(cost, into=FOLDING)),
        ),
        MemoryRule(
            "depthwise",
            "as folded, and a depthwise convolution overwrites its input, one channel after the other",
            "Lin et al., MCUNetV2, NeurIPS 2021, Figure 1: MobileNetV2 in 1,372 kB of int8",
            _depthwise,
        ),
        MemoryRule(
            "operator",
            "input and output of a convolution or linear layer at most, norms and activations folded",
            "mcunet/utils/pytorch_utils.py, where no residual is held",
            _operator,
        ),
        MemoryRule(
            "residual",
            "the same, and whatever else is alive, such as what a residual connection holds",
            "Lin et al., MCUNet, NeurIPS 2020, Table 1: ResNet-50 in 7.2 MB",
            _residual,
        ),
        MemoryRule(
            "outputs",
            "the sum of the outputs of all layers that have parameters",
            "torchinfo 1.8, without its gradients",
            _outputs,
        ),
        MemoryRule(
            "torchinfo",
            "twice that, once for gradients",
            'torchinfo 1.8, "Forward/backward pass size"',
            lambda cost, size: 2 * _outputs(cost, size),
        ),
        MemoryRule(
            "backward",
            "what layers keep of the forward pass for the backward pass, each tensor once",
            "torch 2.13, what its autograd saves on a processor",
            lambda cost, size: total([one.tensors + one.own for one in kept(cost, size)]),
        ),
        MemoryRule(
            "arena",
            f"tensors as TFLM lays them out, in multiples of {ALIGNMENT} bytes; no scratch buffers, nothing persistent",
            "tflite-micro, memory_planner/greedy_memory_planner.cc",
            _arena,
            "int8",
            lambda cost, size: size * largest(one.alive for one in moments(cost, into=ARENA)),
        ),
    )
}
"""Every rule by its name, ours first."""


def memory_rule(name: str) -> MemoryRule:
    """The rule of this name. Raises ConvcostError, with the closest name, if there is none."""
    if name not in RULES:
        raise ConvcostError(f"unknown rule of memory {name!r}{did_you_mean(name, RULES) or f'; there are {_all()}'}")
    return RULES[name]


def _all() -> str:
    return ", ".join(RULES)


def split(name: str) -> tuple[MemoryRule, str] | None:
    """`arena_int8` as a rule and a type; of a rule's name alone its own type; None for any other name."""
    if name in RULES:
        return RULES[name], RULES[name].dtype
    rule, _, dtype = name.rpartition("_")
    return (RULES[rule], dtype) if rule in RULES and dtype in DTYPES else None
