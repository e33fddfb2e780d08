"""How the counts of a layer come about: its operator's own rules, run on integers that say where they come from.

Nothing here knows a formula. A layer's operator is made anew with named numbers for arguments (`Traced`), and asked for
its output, parameters, work and windows as it is asked for counts; what it answers is the arithmetic that is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING
from fractions import Fraction
from typing import Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.memory import element_size, moments
from convcost.counters.line import SUMS, Line
from convcost.counters.rules import count, rule
from convcost.errors import ConvcostError
from convcost.exact.integers import Int
from convcost.exact.traced import Traced
from convcost.ops import NO_PARAMS, Op, Shape, Window, elements
from convcost.values import show

_AXES = {1: "l", 2: "hw", 3: "dhw"}
"""What the spatial axes are called."""


class Step(NamedTuple):
    """One count and its arithmetic."""

    quantity: str
    value: Int | None
    """A `Traced`, an int that is not computed, or None where a remark says all."""
    remark: str = ""

    @property
    def number(self) -> int | None:
        """The value as a plain int."""
        return None if self.value is None else int(self.value)

    @property
    def arithmetic(self) -> str:
        """In names and in numbers, `in_channels * out_channels = 3 * 64`; a lone name, or '' where there is nothing."""
        if not isinstance(self.value, Traced):
            return ""
        symbols = self.value.symbols()
        return symbols if isinstance(self.value.form, str) else f"{symbols} = {self.value.numbers()}"


def traced(line: Line) -> Line:
    """A node's line with named numbers for its shapes and arguments, and counts that say their arithmetic.

    Raises ConvcostError for several nodes together, and for symbols and arrays.
    """
    op = operator(line)
    numbers = [*line.shape, *(n for x in line.inputs for n in x), line.batch]
    if not all(isinstance(n, int) for n in numbers):
        raise ConvcostError(f"{line.name}: numbers can be explained, not symbols and arrays")
    many = len(line.inputs) > 1
    xs = tuple(_shape(x, f"in{n}" if many else "in", f"input{n}" if many else "input") for n, x in _from_1(line.inputs))
    op = _named(op, len(line.inputs[0]) - 1 if line.inputs else 0)
    y = _shape(line.shape, "out", "output")
    batch = Traced(line.batch, "batch") if line.batch != 1 else 1
    counts = op.params(xs, y) if line.counts != NO_PARAMS else NO_PARAMS  # a layer used again has none of its own
    activations = batch * elements(y) if op.multiplies else 0
    work = op.work(xs, y).times(batch)
    return line._replace(
        op=op, inputs=xs, shape=y, counts=counts, work=work, activations=activations, batch=batch, parts=()
    )


def operator(line: Line) -> Op:
    """The operator of a node's line. Raises ConvcostError for several nodes together."""
    if line.op is None or line.parts:
        raise ConvcostError(f"{line.name} is several layers, whose counts are added up")
    return line.op


def outputs(line: Line) -> list[Step]:
    """The sizes of the output of a traced line."""
    computed = operator(line).out_shape(*line.inputs)
    return [Step(str(named.form), value) for named, value in zip(line.shape, computed, strict=True)]


def counts(line: Line) -> list[Step]:
    """Parameters by kind and in all of a traced line."""
    found = [Step(name, value) for name, value in line.counts._asdict().items() if value]
    trained = line.counts._replace(norm_stats=0)._asdict()
    trainable = [Traced(int(value), name) for name, value in trained.items() if value]
    return [*found, Step("params", sum(trainable))] if len(trainable) > 1 else found


def work(line: Line) -> list[Step]:
    """The work of a traced line by kind, and its activations."""
    found = [Step(name, value) for name, value in line.work._asdict().items() if value]
    return [*found, Step("activations", line.activations)] if line.activations else found


def field(cost: Cost, line: Line) -> list[Step]:
    """The receptive field of a node of a cost and its stride, per axis, from those of its input; `line` is traced."""
    number = cost.graph.names.index(line.name)
    mine = cost.receptive_fields[line.name]
    if mine.whole:
        return [Step("field", None, "all: every output depends on the whole input")]
    node = cost.graph.nodes[number]
    names = ("", *cost.graph.names)
    before = [cost.receptive_fields[names[i]] if i else None for i in node.inputs]
    steps = []
    windows = operator(line).windows(line.inputs[0]) or ()
    for axis, (size, stride) in enumerate(zip(mine.size, mine.stride, strict=True)):
        letter = _letter(axis, len(mine.size))
        if stride.denominator != 1:
            steps.append(Step(f"field {letter}", size, f"its stride is {stride}"))
            continue
        first = before[0]
        own = first.size[axis] if first and not first.whole else 1
        jump = int(first.stride[axis]) if first and not first.whole else 1
        window = windows[axis] if axis < len(windows) else Window(1, 1, 0)
        one = len(before) == 1 and (first is None or not first.whole) and window.upsampling == 1
        grown = Traced(own, f"field_before_{letter}") + (window.extent - 1) * Traced(jump, f"jump_before_{letter}")
        moved = Traced(jump, f"jump_before_{letter}") * window.stride
        if one and grown == size and moved == stride:
            steps += [Step(f"field {letter}", grown), Step(f"jump {letter}", moved)]
        else:
            why = "from the first to the last position that any of its inputs sees"
            steps += [Step(f"field {letter}", size, why), Step(f"jump {letter}", int(stride), why)]
    return steps


def memory(cost: Cost, line: Line, dtype: str = "float32") -> list[Step]:
    """Bytes of the parameters and of what a node of a cost writes and has alive beside it; `line` is traced."""
    size = Traced(element_size(dtype), "bytes")
    steps = []
    if stored := line.counts.total:
        steps.append(Step("parameters", Traced(int(stored), "parameters") * size))
    moment = next((one for one in moments(cost) if one.line.name == line.name), None)
    if moment is None:
        return steps
    written = line.batch * elements(line.shape) * size if moment.writes else Step("", 0).value
    steps.append(Step("writes", written, "" if moment.writes else "nothing: it is a view of its input's memory"))
    alive = Traced(moment.alive - moment.writes, "alive_before") * size + written
    return [*steps, Step("alive", alive)]


def kinds(lines: Iterable[Line], names: Iterable[str]) -> list[Step]:
    """The kinds of work of traced lines that rules of these names weigh, but those that every line has."""
    found: dict[str, Int] = {}
    for kind in dict.fromkeys(kind for name in names for kind in rule(name).weights if kind not in SUMS):
        for line in lines:
            found[kind] = found.get(kind, 0) + count(kind, line)
    return [Step(kind, amount) for kind, amount in found.items() if amount]


def by_rules(line: Line, names: Iterable[str]) -> list[Step]:
    """The counts of a line by the rules of these names, as sums of kinds."""
    found = []
    for name in names:
        weights = rule(name).weights
        amounts = {kind: count(kind, line) for kind in weights}
        terms = [weights[kind] * Traced(int(n), _identifier(kind)) for kind, n in amounts.items() if n]
        found.append(Step(name, sum(terms)))
    return found


def written(op: Op) -> str:
    """An operator as a spec calls it, without what is as by default: `conv(64, 7, stride=2)`."""
    given = [(one, value) for one in op.fields if (value := getattr(op, one.name)) != one.default]
    said = (_value(value) if one.default is MISSING else f"{one.name}={_value(value)}" for one, value in given)
    return f"{op.name}({', '.join(said)})" if given else op.name


def _value(value: Any) -> str:
    return f"({', '.join(map(_value, value))})" if isinstance(value, tuple) else show(value)


def _from_1(items: tuple[Any, ...]) -> Iterator[tuple[int, Any]]:
    return enumerate(items, 1)


def _shape(shape: Shape, channels: str, sizes: str) -> Shape:
    """A shape of named numbers: in_channels, input_h, input_w; in_features of one axis."""
    if len(shape) == 1:
        return (Traced(shape[0], f"{channels}_features"),)
    rank = len(shape) - 1
    spatial = (Traced(n, f"{sizes}_{_letter(axis, rank)}") for axis, n in enumerate(shape[1:]))
    return (Traced(shape[0], f"{channels}_channels"), *spatial)


def _letter(axis: int, rank: int) -> str:
    return _AXES[rank][axis] if rank in _AXES else str(axis + 1)


def _named(op: Op, rank: int) -> Op:
    """The same operator with named numbers for those arguments that may be symbols."""
    arguments = []
    for one in op.fields:
        value, annotation = getattr(op, one.name), str(one.type)
        if annotation == "Int" or (annotation == "Int | None" and value is not None):
            value = Traced(value, one.name)
        elif annotation == "tuple[Int, ...]" and isinstance(value, tuple):
            value = tuple(Traced(part, f"{one.name}_{place}") for place, part in _from_1(value))
        elif annotation.startswith(("Axes", "Padding")) and not isinstance(value, str) and value is not None:
            each = value if isinstance(value, tuple) else (value,) * rank
            stem = one.name.removesuffix("_size")
            value = tuple(_argument(part, f"{stem}_{_letter(axis, len(each))}") for axis, part in enumerate(each))
        arguments.append(value)
    return type(op)(*arguments)


def _argument(value: Any, name: str) -> Any:
    if isinstance(value, tuple):
        before, after = value
        return Traced(before, f"{name}_before"), Traced(after, f"{name}_after")
    return value if isinstance(value, Fraction) else Traced(value, name)  # a fraction's parts have no names


def _identifier(kind: str) -> str:
    """A kind as a name: conv_bias."""
    return re.sub(r"\W", "_", f"n_{kind}" if kind[0].isdigit() else kind)
