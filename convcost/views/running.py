"""What it takes to run a network, as tables: memory at every layer, the roofline of a machine, a step of training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TypeVar

from convcost.cost.cost import Cost
from convcost.cost.kept import MASTER, kept, states
from convcost.cost.machine import Bound, Machine, roofline, together
from convcost.cost.memory import DTYPES, Types, element_size, moments
from convcost.cost.memory_rules import RULES
from convcost.cost.memory_rules import arena as plan
from convcost.cost.order import Order
from convcost.cost.patches import Patched
from convcost.cost.training import TrainingStep, training
from convcost.counters.line import Line
from convcost.counters.rules import OPS
from convcost.errors import ConvcostError
from convcost.machines import Described, Measured
from convcost.network import Network
from convcost.ops import format_shape
from convcost.render.numbers import plain, short
from convcost.render.table import Column, Row, Table
from convcost.views.header import header

Item = TypeVar("Item")


def memory(
    network: Network, cost: Cost, depth: int | None, types: Types, *, in_place: bool, order: Order | None = None
) -> Table:
    """Bytes that each layer writes and that are alive while it runs; the largest is the peak.

    `order` is that of the cost, if it was searched for.
    """
    size = element_size(types.tensors)
    found = moments(cost, in_place=in_place)
    most = max(map(types.alive, found))
    rows = []
    for name, group in _folded(found, depth, lambda moment: moment.line):
        alive = max(map(types.alive, group))
        peak = "peak" if alive == most else ""
        shape = format_shape(group[-1].line.shape)
        rows.append(Row((name, shape, size * sum(moment.writes for moment in group), alive, peak)))
    stored = types.stored(cost.total)
    blank = (None,) * 2
    rows += [
        Row(("peak of activations", *blank, most, None), "total"),
        Row(("weights and statistics", *blank, stored, None), "total"),
        Row(("together", *blank, most + stored, None), "total"),
    ]
    columns = (
        Column("layer", "layer", wrap=True, scopes=True),
        Column("output", "output", align="right", drop=2),
        Column("writes_bytes", "writes", "bytes", drop=1),
        Column("alive_bytes", "alive", "bytes"),
        Column("peak", "", drop=3),
    )
    how = "activations, sums and products in place" if in_place else "nothing in place"
    said = "in the order of the spec"
    if order is not None:
        said = "in an order than which none holds less" if order.proved else "in the best order found"
        how += "" if order.proved else f"; no order holds less than {size * order.bound:,} bytes"
    above = header([(network, cost)], ("unit", f"bytes of {types}"), ("execution", f"{said}, {how}"))
    notes = ("A tensor is alive from the layer that makes it to the last one that takes it; views are their input's.",)
    return Table(f"Memory of {network.reference}", above, columns, tuple(rows), notes)


def memory_rules(network: Network, cost: Cost, dtype: str | None) -> Table:
    """Bytes by every rule of memory, of one type or each of that of its source."""
    rows = []
    for rule in RULES.values():
        of = dtype or rule.dtype
        try:
            found, meaning = rule.of(cost, element_size(of)), rule.meaning
        except ConvcostError as error:  # one rule may not know an operator
            found, meaning = None, f"{rule.meaning}: {error}"
        rows.append(Row((rule.name, of, found, meaning, rule.source)))
    columns = (
        Column("rule", "rule"),
        Column("dtype", "type"),
        Column("bytes", "memory", "bytes"),
        Column("meaning", "what it counts", wrap=True),
        Column("source", "source", wrap=True, drop=1),
    )
    above = header([(network, cost)], ("unit", "bytes of tensors; parameters are apart"))
    notes = ("A budget takes each by its name and a type: convcost solve NETWORK --max arena_int8=256KB ...",)
    return Table(f"Memory of {network.reference} by every rule", above, columns, tuple(rows), notes)


def arena(network: Network, cost: Cost, dtype: str) -> Table:
    """Where each tensor lies in the arena, and between which layers it is needed."""
    placed = plan(cost, element_size(dtype))
    names = ("input", *(row.name for row in cost.rows), "the end")
    rows = [
        Row((names[one.buffer.tensor], one.buffer.size, one.offset, names[one.buffer.last]))
        for one in sorted(placed, key=lambda one: one.buffer.tensor)
    ]
    whole = max(one.offset + one.buffer.size for one in placed)
    rows.append(Row(("arena", whole, None, None), "total"))
    columns = (
        Column("layer", "tensor of", wrap=True, scopes=True),
        Column("bytes", "bytes", "bytes"),
        Column("offset_bytes", "from", "bytes"),
        Column("last", "until", wrap=True, scopes=True, drop=1),
    )
    rule = RULES["arena"]
    above = header([(network, cost)], ("unit", f"bytes of {dtype}"), ("rule", f"{rule.meaning} ({rule.source})"))
    return Table(f"The arena of {network.reference}", above, columns, tuple(rows))


def patches(network: Network, cost: Cost, found: Patched, depth: int | None, dtype: str) -> Table:
    """What is alive while the first layers run patch by patch, what they compute again, and the peak of the network."""
    size, by_layer = element_size(dtype), RULES["depthwise"]

    def again(macs: int, once: int) -> Fraction | None:
        return Fraction(macs, once) - 1 if once else None

    rows = []
    for name, group in _folded(found.layers, depth, lambda layer: layer.line):
        macs = sum(layer.macs for layer in group)
        once = sum(layer.line.macs for layer in group)
        alive = size * max(layer.alive for layer in group)
        rows.append(Row((name, format_shape(group[-1].patch), alive, macs, again(macs, once))))
    whole = cost.total.macs
    layer_by_layer = by_layer.of(cost, size)
    rows += [
        Row(("patch by patch", None, size * found.stage, None, None), "total"),
        Row(("the other layers", None, size * found.rest, None, None), "total"),
        Row(("peak", None, size * found.peak, found.macs, again(found.macs, whole)), "total"),
        Row(("most of one layer alone", None, size * found.own, None, None), "total"),
        Row(("all layer by layer", None, layer_by_layer, whole, None), "total"),
    ]
    columns = (
        Column("layer", "layer", wrap=True, scopes=True),
        Column("patch", "largest patch", align="right", drop=1),
        Column("alive_bytes", "alive", "bytes"),
        Column("macs", "macs", "count"),
        Column("again", "again", "percent", drop=2),
    )
    tiles = f"{found.until.name}, whose output is {' x '.join(map(str, found.grid))} tiles and held as a whole"
    above = header([(network, cost)], ("unit", f"bytes of {dtype}"), ("patches", f"up to {tiles}"))
    notes = (
        f"Rule: {by_layer.meaning}. The input comes in patch by patch, and is not held.",
        "Again: macs where patches overlap, beyond those of the layer.",
        "Most of one layer alone: without what a residual connection holds. MCUNetV2's Figure 1 counts so.",
    )
    return Table(f"Memory of {network.reference} in patches", above, columns, tuple(rows), notes)


def machines(found: Iterable[Described]) -> Table:
    """Machines with their peaks, bandwidth, memory and source."""
    found = list(found)
    types = [dtype for dtype in DTYPES if any(dtype in one.peak for one in found)]
    columns = (
        Column("machine", "machine"),
        *(Column(dtype, dtype, "count") for dtype in types),
        Column("bandwidth_bytes", "bandwidth", "bytes"),
        Column("memory_bytes", "memory", "bytes", drop=2),
        Column("sort", "kind", drop=1),
        Column("source", "source", wrap=True, drop=3),
    )
    rows = [
        Row((one.name, *map(one.peak.get, types), one.bandwidth, one.memory, one.kind, one.source)) for one in found
    ]
    above = header((), ("unit", "operations, 2 per multiply-add, and bytes, per second"))
    notes = tuple(f"{one.title}: {one.source}" for one in found) if len(found) == 1 else ()
    return Table("Machines", above, columns, tuple(rows), notes)


def measured(found: Measured) -> Table:
    """What one core of this machine has been seen to do."""
    columns = (Column("what", "what", wrap=True), Column("per_second", "per second", "count"))
    rows = (
        Row(("operations in float32, products of matrices", found.machine.flops)),
        Row(("bytes between the fastest caches, copied", found.machine.bandwidth)),
        Row(("bytes between memory and itself, copied", found.memory_bandwidth)),
    )
    flops, bandwidth = (_giga(round(number)) for number in found.machine)
    notes = (f"For a bound: convcost roofline NETWORK --machine flops={flops}G,bandwidth={bandwidth}G",)
    return Table(
        "One core of this machine", header((), ("unit", "2 operations per multiply-add")), columns, rows, notes
    )


def beside_torch(cost: Cost) -> tuple[Measured, dict[str, Fraction]]:
    """What this machine can do, and how long torch takes for each layer, measured in turn.

    Raises MissingExtraError without torch.
    """
    from convcost.torchbridge import require

    require("torch")
    from convcost.machines import measure
    from convcost.torchbridge.timing import layer_seconds, peak

    peaks = [peak()]
    times = layer_seconds(cost, also=lambda: peaks.append(peak(calls=10)))
    found = measure()
    best = found.or_better(found._replace(machine=found.machine._replace(flops=max(peaks))))
    return best, {name: Fraction(seconds) for name, seconds in times.items()}


def machine(
    network: Network,
    cost: Cost,
    depth: int | None,
    on: Machine,
    dtype: str,
    seconds: Mapping[str, Fraction] | None = None,
) -> Table:
    """Operations, bytes, their ratio, and the least time on a machine, by layer and in all.

    With the `seconds` that each layer has taken, they stand beside it.
    """
    found = roofline(cost, on, dtype)
    least = found.layer_by_layer.seconds

    def taken(layers: Iterable[Bound], bound: Bound) -> tuple[Fraction | None, ...]:
        if seconds is None:
            return ()
        time = sum((seconds[layer.line.name] for layer in layers), Fraction(0))
        return time * 1000, bound.seconds / time if time else None

    def row(name: str, bound: Bound, layers: Sequence[Bound]) -> Row:
        share = bound.seconds / least if least else Fraction(0)
        limit = bound.limit if bound.seconds else ""
        intensity = bound.intensity if bound.bytes else None
        cells = (name, bound.operations, bound.bytes, intensity, bound.seconds * 1000, share, limit)
        return Row((*cells, *taken(layers, bound)))

    folded = _folded(found.layers, depth, lambda bound: bound.line)
    rows = [row(name, together(group[0].line, group), group) for name, group in folded]
    rows.append(row("layer by layer", found.layer_by_layer, found.layers)._replace(kind="total"))
    rows.append(row("all fused", found.fused, found.layers)._replace(kind="total"))
    columns: tuple[Column, ...] = (
        Column("layer", "layer", wrap=True, scopes=True),
        Column("operations", "operations", "count", drop=3),
        Column("bytes", "moves", "bytes", drop=2),
        Column("intensity", "ops/byte", "count"),
        Column("milliseconds", "ms at least", "count"),
        Column("share", "share", "percent", drop=4),
        Column("limit", "bound by"),
    )
    if seconds is not None:
        more = Column("measured_milliseconds", "ms in torch", "count"), Column("reached", "reached", "percent")
        columns = (*columns, *more)
    balance = Fraction(on.flops) / on.bandwidth
    above = header(
        [(network, cost)],
        ("machine", f"{_giga(on.flops)}G operations and {_giga(on.bandwidth)} GB of {dtype} per second"),
        ("balance", f"{short(balance)} operations per byte: layers below it are bound by bandwidth"),
    )
    notes = (
        "Operations are 2 per multiply-add and 1 for any other; a layer moves its inputs, output and parameters once.",
        "The time of a scope is that of its layers, one after the other, some bound by compute, some by bandwidth.",
        "All fused: input, output and parameters are moved once, and nothing in between.",
    )
    return Table(f"Roofline of {network.reference}", above, columns, tuple(rows), notes)


def train(network: Network, cost: Cost, depth: int | None) -> Table:
    """Multiply-adds of a step of training, forward and backward, by layer and in all."""

    def cells(steps: Iterable[TrainingStep]) -> tuple[int, ...]:
        return tuple(sum(column) for column in zip(*((*step[1:], step.total) for step in steps), strict=True))

    steps = training(cost)
    rows = [Row((name, *cells(group))) for name, group in _folded(steps, depth, lambda step: step.line)]
    rows.append(Row(("total", *cells(steps)), "total"))
    columns = (
        Column("layer", "layer", wrap=True, scopes=True),
        Column("forward", "forward", "count"),
        Column("input_gradient", "input gradient", "count", drop=1),
        Column("weight_gradient", "weight gradient", "count", drop=2),
        Column("total", "total", "count"),
    )
    above = header([(network, cost)], ("unit", f"macs: {OPS['macs'].meaning}, auxiliary heads included"))
    return Table(f"A training step of {network.reference}", above, columns, tuple(rows))


def train_memory(network: Network, cost: Cost, depth: int | None, dtype: str, optimizer: str) -> Table:
    """Bytes that training holds: what layers keep for the backward pass, and parameters, gradients and states."""
    found = kept(cost, element_size(dtype))
    rows = [
        Row((name, sum(one.tensors for one in group), sum(one.own for one in group)))
        for name, group in _folded(found, depth, lambda one: one.line)
    ]
    params = MASTER * cost.with_auxiliary.params
    activations = sum(one.tensors + one.own for one in found)
    parts = (
        ("kept for the backward pass", activations),
        ("parameters", params),
        ("their gradients", params),
        (f"states of {optimizer}", states(optimizer) * params),
        ("statistics of norms", MASTER * cost.with_auxiliary.norm_stats),
    )
    rows += [Row((name, size, None), "total") for name, size in parts]
    rows.append(Row(("together, at least", sum(size for _, size in parts), None), "total"))
    columns = (
        Column("layer", "layer", wrap=True, scopes=True),
        Column("kept_bytes", "keeps", "bytes"),
        Column("own_bytes", "and of its own", "bytes"),
    )
    unit = f"bytes; tensors of {dtype}, parameters, gradients and states of float32"
    above = header([(network, cost)], ("unit", unit), ("optimizer", f"{optimizer}, {states(optimizer)} a parameter"))
    notes = (
        "A tensor that several layers keep stands at the first. Of its own: statistics, indices, masks.",
        f"Source: {RULES['backward'].source}. What the backward pass needs while it runs comes on top.",
    )
    return Table(f"Memory of training {network.reference}", above, columns, tuple(rows), notes)


def _giga(number: int | Fraction) -> str:
    return plain(Fraction(number) / 10**9)


def _folded(items: Iterable[Item], depth: int | None, line: Callable[[Item], Line]) -> list[tuple[str, list[Item]]]:
    """Items by the first `depth` parts of their layers' names."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault("/".join(line(item).name.split("/")[:depth]), []).append(item)
    return list(groups.items())
