"""The layers of a network, a comparison of several, and the list of all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from fractions import Fraction

from convcost.cost.cost import Cost
from convcost.cost.receptive import ReceptiveField, output_fields, per_axis
from convcost.counters.line import Line
from convcost.counters.rules import OPS, PARAMS, Rule, params_and_ops
from convcost.exact.integers import Int
from convcost.network import Comparison, Network
from convcost.ops import DepthwiseConv, format_shape
from convcost.ops.geometry import sliding
from convcost.render.numbers import plain
from convcost.render.table import Cell, Column, Row, Section, Table, Value
from convcost.views.header import described, header, unit


def layers(
    cost: Cost,
    depth: int | None = None,
    as_: str = "macs",
    network: Network | None = None,
    *,
    only: Collection[str] = (),
    fold: bool = False,
) -> Table:
    """Every layer of a cost, or every scope down to `depth`, with totals, counted by a rule.

    With the network that it is of, its title and source stand above. `only` and `fold` are those of `Cost.lines`; the
    totals are the network's in any case.
    """
    params, ops = params_and_ops(as_)
    lines = cost.lines(depth, only=only, fold=fold)
    total = cost.total._replace(name="total, at least") if cost.unknown else cost.total
    totals = [total, *([cost.auxiliary, cost.with_auxiliary] if cost.auxiliary is not None else [])]
    whole = ops.of(cost.total)

    def counts(line: Line) -> tuple[Value, ...]:
        return params.of(line), ops.of(line), Fraction(ops.of(line), whole or 1), line.activations

    rows = [Row((*_what(line), *counts(line), *_field(cost.receptive_field(line.name)))) for line in lines]
    if only:
        shown = zip(*(counts(line) for line in lines if not line.aux), strict=True)
        rows.append(Row(("shown", *(None,) * 8, *(map(sum, shown) if lines else (0,) * 4), None, None), "total"))
    rows += [Row((*_what(line), *counts(line), None, None), "total") for line in totals]
    last = 0 if depth is None else 20  # of scopes, which have no kernel, what says how one slides is left out first
    columns = (
        Column("layer", "layer", wrap=True, scopes=True),
        Column("operator", "operator", drop=1 + last),
        Column("kernel_size", "kernel", align="right", drop=2 + last),
        Column("stride", "stride", align="right", drop=3 + last),
        Column("padding", "padding", align="right", drop=6 + last),
        Column("dilation", "dilation", align="right", drop=11 + last),
        Column("groups", "groups", align="right", drop=7 + last),
        Column("input", "input", align="right", drop=10),
        Column("output", "output", align="right"),
        Column(params.name, params.name, "count"),
        Column(ops.name, ops.name, "count"),
        Column("share", "share", "percent", drop=4),
        Column("activations", "activations", "count", drop=9),
        Column("receptive_field", "field", align="right", drop=5),
        Column("receptive_field_stride", "field stride", align="right", wrap=True, drop=8),
    )
    title = cost.graph.name if network is None else network.spec.title
    above = header([(network, cost)], unit(params, ops), ("convention", as_))
    return Table(title, above, columns, tuple(rows), _remarks(cost, as_, only, fold), sections=_outputs(cost))


def compare(comparison: Comparison, as_: str = "macs") -> Table:
    """Totals side by side, each with its ratio to the first and the saving, and the scopes whose cost differs."""
    networks, costs = comparison
    params, ops = params_and_ops(as_)
    names = _distinct([described(network) for network in networks])
    columns = [Column("quantity", "", wrap=True)]
    columns += [Column(name, name, "count") for name in names]
    for name in names[1:]:
        of = f" {name}" if len(names) > 2 else ""
        columns.append(Column(f"{name} ratio", f"ratio{of}", "ratio", wrap=True, drop=1 if of else 0))
        columns.append(Column(f"{name} saving", f"saving{of}", "percent", wrap=True, drop=2 if of else 0))
    quantities: list[tuple[str, Callable[[Line], Int]]] = [
        (params.name, params.of),
        ("weights", lambda line: line.weights),
        (ops.name, ops.of),
        ("activations", lambda line: line.activations),
    ]
    rows = [_compared(name, [of(cost.total) for cost in costs]) for name, of in quantities]
    fields = zip(*map(_last_fields, costs), strict=True)
    for name, values in zip(("receptive field before global layers", "its stride"), fields, strict=True):
        rows.append(Row((name, *values, *(None,) * (len(columns) - 1 - len(values)))))
    rows += _differing(costs, len(columns), (ops, params))
    above = header(zip(networks, costs, strict=True), unit(params, ops))
    return Table("Comparison", above, tuple(columns), tuple(rows))


def zoo(entries: Iterable[tuple[Network, Cost]], *, variants: bool) -> Table:
    """Networks by family, with params, macs, input and source; one row per network, or per variant."""
    columns = (
        Column("network", "network"),
        Column("params", "params", "count"),
        Column("macs", "macs", "count"),
        Column("input", "input", align="right", drop=1),
        Column("variants", "variants", wrap=True),
        Column("family", "family", drop=3),
        Column("source", "source", drop=2),
    )
    rows: list[Row] = []
    family = None
    for network, cost in sorted(entries, key=lambda entry: entry[0].spec.family):
        spec = network.spec
        if spec.family != family:
            family = spec.family
            rows.append(Row((family, *(None,) * (len(columns) - 1)), "section"))
        name = network.name if variants else network.network
        others = "" if variants else ", ".join(spec.variants_of(network.network))
        source = (spec.variants[network.variant].source if network.variant else "") or spec.source
        shape = format_shape(network.input)
        rows.append(Row((name, cost.total.params, cost.total.macs, shape, others, spec.family, source)))
    return Table("Networks", header((), unit(PARAMS["params"], OPS["macs"])), columns, tuple(rows))


def _what(line: Line) -> tuple[Value, ...]:
    """Name, operator, kernel, stride, padding, dilation, groups, input and output."""
    inputs = " + ".join(dict.fromkeys(format_shape(x) for x in line.inputs))
    return line.name, line.operator, *_geometry(line), inputs, format_shape(line.shape)


def _geometry(line: Line) -> tuple[Value, ...]:
    """Kernel, stride, padding, dilation (3x3, 2, 1, 1) and groups; a padding of 0+1 is nothing before, one behind."""
    if line.op is None:
        return (None,) * 5
    groups = line.inputs[0][0] if isinstance(line.op, DepthwiseConv) else getattr(line.op, "groups", None)
    window = sliding(line.op, line.inputs[0]) if line.inputs else None
    if window is None:
        return *(None,) * 4, groups
    sides = [before if before == after else f"{before}+{after}" for before, after in window.padding]
    kernel = format_shape(window.kernel_size)
    return kernel, per_axis(window.stride), per_axis(sides), per_axis(window.dilation), groups


def _remarks(cost: Cost, as_: str, only: Collection[str], fold: bool) -> tuple[str, ...]:
    remarks = []
    if fold:
        remarks.append("Norms and activations are counted with the convolution or linear layer that they alone follow.")
    if only:
        remarks.append(f"Shown are layers of kind {' and '.join(only)}; total is the whole network.")
    if unknown := ", ".join(f"{name} ({count})" for name, count in cost.unknown.items()):
        remarks.append(f"Without a rule, and not counted, with the number of layers: {unknown}")
    if missed := ", ".join(f"{name} ({count})" for name, count in cost.not_counted(as_).items()):
        remarks.append(f"{as_} does not count, with the number of layers: {missed}")
    return tuple(remarks)


def _compared(name: str, values: Sequence[Int]) -> Row:
    first = values[0]
    relations: list[Value | Cell] = []
    for value in values[1:]:
        relations += [Fraction(value, first), 1 - Fraction(value, first)] if first else [None, None]
    return Row((name, *values, *relations))


def _differing(costs: Sequence[Cost], width: int, rules: Sequence[Rule]) -> list[Row]:
    folded = [{line.name: line for line in cost.fold(1)} for cost in costs]
    names = dict.fromkeys(name for lines in folded for name in lines)
    rows = []
    for name in names:
        counts = [[rule.of(lines[name]) if name in lines else 0 for lines in folded] for rule in rules]
        if any(len(set(count)) > 1 for count in counts):
            rows += [_compared(f"{name} {rule.name}", count) for rule, count in zip(rules, counts, strict=True)]
    if rows:
        rows.insert(0, Row(("layers that differ", *(None,) * (width - 1)), "section"))
    return rows


def _field(field: ReceptiveField) -> tuple[str, str | None]:
    """Size and stride: 11 and 4 sees 11x11 input positions, and its neighbour those 4 further."""
    return str(field), None if field.whole else per_axis([*map(plain, field.stride)])


def _last_fields(cost: Cost) -> tuple[str, str | None]:
    """The receptive field before global layers make it the whole input; of several outputs those that differ."""
    fields = [*map(_field, output_fields(cost.graph, cost.input, local=True).values())]
    sizes, strides = zip(*dict.fromkeys(fields), strict=True)
    return ", ".join(sizes), ", ".join(filter(None, strides)) or None


def _outputs(cost: Cost) -> tuple[Section, ...]:
    """Of several outputs, each one's shape and receptive field."""
    names = [cost.graph.names[i - 1] for i in cost.graph.outputs]
    if len(names) == 1:
        return ()
    lines = []
    for name in names:
        field, stride = _field(cost.receptive_field(name))
        moves = "" if stride is None else f", field stride {stride}"
        lines.append(f"{name}: {format_shape(cost[name].shape)}, field {field}{moves}")
    return (Section("Outputs", tuple(lines)),)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names made unique, so that a network can be compared with itself."""
    return [name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, 1)]
