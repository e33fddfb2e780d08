"""How fast a network can run on a stated machine at best: the roofline bound (Williams et al. 2009) of every layer.

A layer does its arithmetic (two operations per multiply-add, and every addition, multiplication, comparison, division
and exponential as one) and moves its inputs, its output and its parameters once each. It takes at least as long as the
slower of the two. Views move nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.memory import element_size
from convcost.counters.line import Line
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, floordiv, maximum, total
from convcost.ops import Input, elements, inputs_of
from convcost.printed.numbers import exact_number
from convcost.values import all_named, listed


class Machine(NamedTuple):
    """The two numbers of a machine that the bound needs."""

    flops: Int
    """Operations per second, an int or a Fraction."""
    bandwidth: Int
    """Bytes per second between arithmetic and memory."""


class Bound(NamedTuple):
    """A layer on a machine, or all of them."""

    line: Line
    operations: int
    bytes: int
    seconds: Fraction
    """The least time that it takes."""
    limit: Literal["compute", "bandwidth", "both"]
    """Which of the two takes that long; of several layers, some by one and some by the other is both."""

    @property
    def intensity(self) -> Fraction:
        """Arithmetic intensity, in operations per byte; 0 where nothing is moved."""
        return Fraction(self.operations, self.bytes) if self.bytes else Fraction(0)


class Roofline(NamedTuple):
    """The bounds of a network at inference."""

    layers: tuple[Bound, ...]
    layer_by_layer: Bound
    """Every layer on its own, from memory to memory: their sum."""
    fused: Bound
    """The whole network as if it were one layer: input, output and parameters moved once, and nothing between them."""


def parse_machine(text: str) -> Machine:
    """`flops=19.5T,bandwidth=1555G`. Raises ConvcostError, saying which part is wrong."""
    values: dict[str, Fraction] = {}
    for name, number in all_named(listed(text), "--machine", "flops=19.5T,bandwidth=1555G").items():
        if name not in Machine._fields:
            hint = did_you_mean(name, Machine._fields) or "; a machine has flops and bandwidth"
            raise ConvcostError(f"--machine: unknown {name!r}{hint}")
        wanted = f"--machine {name}: a number per second above 0 such as 19.5T"
        values[name] = Fraction(exact_number(number, wanted))
        if values[name] <= 0:
            raise ConvcostError(f"{wanted}, got {number!r}")
    if missing := [name for name in Machine._fields if name not in values]:
        raise ConvcostError(f"--machine: no {' and no '.join(missing)}")
    return Machine(**values)


def roofline(cost: Cost, machine: Machine, dtype: str = "float32") -> Roofline:
    """The bounds of every layer at inference, for elements of a type.

    Raises ConvcostError for an unknown type, counts that are no ints, and a machine without exact numbers above 0.
    """
    for name, value in zip(Machine._fields, machine, strict=True):
        if not isinstance(value, (int, Fraction)) or value <= 0:
            raise ConvcostError(f"a machine's {name} is an int or a Fraction above 0, got {value!r}")
    size = element_size(dtype)
    rows = [row for row in cost.rows if not row.aux]
    if not all(isinstance(value, int) for row in rows for value in (row.batch, *row.shape, *row.counts, *row.work)):
        raise ConvcostError("a roofline is of one network on one input: its counts are ints")

    layers = [_bound(machine, row, size * moved) for row, moved in _moved(cost)]
    whole, given = cost.total, sum(map(elements, inputs_of(cost.input).values()))
    fused = _bound(machine, whole, size * (cost.batch * (given + whole.elements) + whole.counts.total))
    return Roofline(tuple(layers), together(whole, layers), fused)


def nanoseconds(cost: Cost, machine: Machine, dtype: str) -> int:
    """The least time that a network takes layer by layer, in whole nanoseconds. Raises ConvcostError as `roofline`."""
    return int(roofline(cost, machine, dtype).layer_by_layer.seconds * 10**9)


def least_nanoseconds(cost: Cost, machine: Machine, dtype: str) -> Int:
    """What these are never below, as a closed form: all arithmetic alone, or all that is moved alone."""
    moved = element_size(dtype) * total([count for _, count in _moved(cost)])
    return maximum(*(_at(rate, count) for rate, count in zip(machine, (_operations(cost.total), moved), strict=True)))


def _at(rate: Int, count: Int) -> Int:
    """Whole nanoseconds of so many at a rate per second; no product is larger than it has to be."""
    each = Fraction(10**9) / rate
    whole = floordiv(count, each.denominator)
    return whole * each.numerator + floordiv((count - whole * each.denominator) * each.numerator, each.denominator)


def _moved(cost: Cost) -> Iterator[tuple[Line, Int]]:
    """Each layer, and the elements that it moves: inputs, output, and parameters, which are read at each use."""
    for node, row in zip(cost.graph.nodes, cost.rows, strict=True):
        if not row.aux:
            weights = (row if node.shares is None else cost.rows[node.shares]).counts.total
            there = row.op is not None and (row.op.memory == "view" or isinstance(row.op, Input))
            tensors = 0 if there else total(list(map(elements, row.inputs))) + row.elements
            yield row, cost.batch * tensors + weights


def _operations(line: Line) -> Int:
    return 2 * line.work.macs + total(line.work[1:])


def together(line: Line, layers: Sequence[Bound]) -> Bound:
    """Layers one after the other, as the bound of a line that they make up."""
    limits = sorted({layer.limit for layer in layers if layer.seconds})
    return Bound(
        line,
        sum(layer.operations for layer in layers),
        sum(layer.bytes for layer in layers),
        sum((layer.seconds for layer in layers), Fraction(0)),
        "both" if len(limits) > 1 else limits[0] if limits else "bandwidth",
    )


def _bound(machine: Machine, line: Line, moved: int) -> Bound:
    operations = _operations(line)
    computing, moving = Fraction(operations) / machine.flops, Fraction(moved) / machine.bandwidth
    return Bound(line, operations, moved, max(computing, moving), "compute" if computing > moving else "bandwidth")
