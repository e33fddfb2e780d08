"""What the commands show, as tables: the layers of a network, a published table, a comparison, the list of networks.

A view turns costs into a `convcost.render` Table and decides nothing about how it looks or where it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Literal

from convcost.cost import OPS, PARAMS, Convention, Cost, Line, conventions
from convcost.integers import Int
from convcost.network import Comparison, Network
from convcost.ops import format_shape
from convcost.published.tables import TOTAL, Checked, PublishedTable
from convcost.published.tables import Cell as PrintedCell
from convcost.published.tables import Column as PrintedColumn
from convcost.receptive import WHOLE, ReceptiveField, per_axis
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Mark, Row, Table, Value

COUNTS = ("params", "ops")


def layers(network: Network, cost: Cost, depth: int | None = None, as_: str = "macs") -> Table:
    """Every layer of a network, or every scope down to `depth`, with totals, counted as a profile counts."""
    params, ops = conventions(as_)
    lines = cost.rows if depth is None else cost.fold(depth)
    totals = [cost.total, *([cost.auxiliary, cost.with_auxiliary] if cost.auxiliary is not None else [])]
    whole = ops.of(cost.total)

    def cells(line: Line, field: str | None) -> tuple[Value | Cell, ...]:
        counts = (params.of(line), ops.of(line))
        return (*_what(line), *counts, Fraction(counts[1], whole or 1), line.activations, field)

    rows = [Row(cells(line, _field(cost.receptive_field(line.name)))) for line in lines]
    rows += [Row(cells(line, None), "total") for line in totals]
    columns = (
        Column("layer", "layer", wrap=True),
        Column("operator", "operator", drop=2),
        Column("input", "input", align="right", drop=5),
        Column("output", "output", align="right"),
        Column(params.name, params.name, "count"),
        Column(ops.name, ops.name, "count"),
        Column("share", "share", "percent", drop=3),
        Column("activations", "activations", "count", drop=4),
        Column("receptive_field", "field", align="right", drop=1),
    )
    return Table(network.spec.title, _header(network, cost, as_), columns, tuple(rows), _remarks(cost, as_))


def published(checked: Checked) -> Table:
    """A published table in its own columns and rows, each printed count beside or below the computed one."""
    table = checked.table
    cells = {(id(cell.row), cell.column.title): cell for cell in checked.cells}
    columns = [Column("scope", "scope", drop=99)]
    for number, column in enumerate(table.columns):
        # What is checked stays on the narrowest terminal; what is only printed gives way, from the middle columns on.
        text = column.quantity.name == "text"
        drop = len(table.columns) - number if text and number and not column.network else 0
        kind: Literal["count", "text"] = "count" if column.network else "text"
        columns.append(Column(column.title, column.title, kind, align="left", wrap=text, drop=drop))
        if column.quantity.name in COUNTS:
            columns.append(Column(f"{column.title} computed", "computed", "count"))
    rows = []
    for row in table.rows:
        found = [cells.get((id(row), column.title)) for column in table.columns]
        rows.append(
            Row((row.lead, *_flat(_printed(*each) for each in zip(table.columns, row.cells, found, strict=True))))
        )
        if any(cell is not None and cell.column.network for cell in found):
            below = _flat(_below(*each) for each in zip(table.columns, found, strict=True))
            rows.append(Row(("", *_labelled(table, "computed", below))))
    rows += _published_totals(checked)
    header = (
        ("source", table.source),
        ("network", ", ".join(dict.fromkeys(called(network) for network, _ in checked.networks))),
        ("input", ", ".join(dict.fromkeys(format_shape(cost.input) for _, cost in checked.networks))),
        (
            "unit",
            f"params: {PARAMS[table.convention.params].meaning}; ops: {conventions(table.convention.ops)[1].meaning}",
        ),
        ("convention", str(table.convention)),
    )
    failing = [cell for cell in cells.values() if not cell.holds]
    verdict = f"{len(cells) - len(failing)} of {len(cells)} checked cells hold"
    notes = tuple(note for note in (verdict, _sums(checked), table.notes) if note)
    return Table(table.title, header, tuple(columns), tuple(rows), notes)


def compare(comparison: Comparison, as_: str = "macs") -> Table:
    """Totals side by side, each with its ratio to the first and the saving, and the scopes whose cost differs."""
    networks, costs = comparison
    params, ops = conventions(as_)
    names = _distinct([called(network) for network in networks])
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
    fields = [_last_field(cost) for cost in costs]
    rows.append(Row(("receptive field of the last local layer", *fields, *(None,) * (len(columns) - 1 - len(fields)))))
    rows += _differing(costs, len(columns), (ops, params))
    header = (
        ("input", ", ".join(dict.fromkeys(format_shape(cost.input) for cost in costs))),
        ("batch", ", ".join(dict.fromkeys(str(cost.batch) for cost in costs))),
        ("unit", unit(params, ops)),
    )
    return Table("Comparison", header, tuple(columns), tuple(rows))


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
    return Table("Networks", (("unit", unit(PARAMS["params"], OPS["macs"])),), columns, tuple(rows))


def _what(line: Line) -> tuple[str, ...]:
    """Name, operator, input and output."""
    inputs = " + ".join(dict.fromkeys(format_shape(x) for x in line.inputs))
    return line.name, line.operator, inputs, format_shape(line.shape)


def _header(network: Network, cost: Cost, as_: str) -> tuple[tuple[str, str], ...]:
    return (
        ("network", called(network)),
        ("source", network.spec.source),
        ("input", format_shape(cost.input)),
        ("batch", str(cost.batch)),
        ("unit", unit(*conventions(as_))),
        ("convention", as_),
    )


def unit(params: Convention, ops: Convention) -> str:
    """What the counts of a table mean."""
    return f"{params.name}: {params.meaning}; {ops.name}: {ops.meaning}"


def _remarks(cost: Cost, as_: str) -> tuple[str, ...]:
    missed = ", ".join(f"{name} ({count})" for name, count in cost.not_counted(as_).items())
    return (f"{as_} does not count, with the number of layers: {missed}",) if missed else ()


def called(network: Network) -> str:
    """A network's name with the knobs that were set: `resnet50@v1 classes=10`."""
    settings = " ".join(f"{name}={value}" for name, value in network.knobs.items())
    return f"{network.name} {settings}".strip()


def _printed(column: PrintedColumn, text: str, cell: PrintedCell | None) -> list[Value | Cell]:
    """A cell as printed: with its verdict if it is a size, in a counting column with the computed count beside it."""
    if cell is not None and cell.printed is None:
        return [Cell(text, _mark(cell), "" if cell.holds else f"computed {format_shape(cell.computed)}")]
    beside = column.quantity.name in COUNTS
    return [text, None if cell is None else _computed(cell)] if beside else [text]


def _below(column: PrintedColumn, cell: PrintedCell | None) -> list[Value | Cell]:
    """The computed count below what a network's column prints."""
    value = _computed(cell) if cell is not None and column.network else None
    return [value, None] if column.quantity.name in COUNTS else [value]


def _flat(parts: Iterable[list[Value | Cell]]) -> tuple[Value | Cell, ...]:
    return tuple(value for part in parts for value in part)


def _mark(cell: PrintedCell) -> Mark:
    return HOLDS if cell.holds else DIFFERS


def _computed(cell: PrintedCell) -> Cell:
    return Cell(cell.computed, _mark(cell), "" if cell.holds else _difference(cell))


def _difference(cell: PrintedCell) -> str:
    difference = cell.difference
    if difference is None or cell.printed is None or not cell.printed_value:
        return ""
    percent = Fraction(100) * difference / cell.printed_value
    tenths = round(percent * 10)
    sign = "-" if difference < 0 else "+"
    amount = abs(difference)
    shown = f"{amount.numerator:,}" if amount.denominator == 1 else f"{amount.numerator:,}/{amount.denominator}"
    return f"{sign}{shown} ({sign}{abs(tenths) // 10}.{abs(tenths) % 10} %)"


def _published_totals(checked: Checked) -> list[Row]:
    """The whole network's counts in the counting columns, if the table is about scopes of one network."""
    table = checked.table
    if not table.network or not any(column.quantity.name in COUNTS for column in table.columns):
        return []
    if any(row.lead == TOTAL for row in table.rows):
        return []
    ((_, cost),) = checked.networks
    values: list[Value | Cell] = []
    for column in table.columns:
        values.append(None)
        if column.quantity.name in COUNTS:
            values.append(table.convention.of(cost.total, column.quantity.name))
    return [Row((TOTAL, *_labelled(table, TOTAL, values)), "total")]


def _labelled(table: PublishedTable, label: str, cells: Sequence[Value | Cell]) -> tuple[Value | Cell, ...]:
    """A row that convcost adds, named in the first column if that is free: the scopes are not on every terminal."""
    free = table.columns[0].quantity.name == "text" and not table.columns[0].network
    return (label, *cells[1:]) if free else tuple(cells)


def _sums(checked: Checked) -> str:
    """What the printed cells of each counting column add up to, which is often the total that is quoted."""
    sums: dict[str, Fraction] = {}
    for cell in checked.cells:
        if checked.table.network and cell.column.quantity.name in COUNTS and cell.row.lead != TOTAL:
            sums[cell.column.title] = sums.get(cell.column.title, Fraction(0)) + cell.printed_value
    return "; ".join(f"the printed {title} add up to {int(value):,}" for title, value in sums.items())


def _compared(name: str, values: Sequence[Int]) -> Row:
    first = values[0]
    relations: list[Value | Cell] = []
    for value in values[1:]:
        relations += [Fraction(value, first), 1 - Fraction(value, first)] if first else [None, None]
    return Row((name, *values, *relations))


def _differing(costs: Sequence[Cost], width: int, conventions: Sequence[Convention]) -> list[Row]:
    folded = [{line.name: line for line in cost.fold(1)} for cost in costs]
    names = dict.fromkeys(name for lines in folded for name in lines)
    rows = []
    for name in names:
        counts = [[c.of(lines[name]) if name in lines else 0 for lines in folded] for c in conventions]
        if any(len(set(count)) > 1 for count in counts):
            rows += [_compared(f"{name} {c.name}", count) for c, count in zip(conventions, counts, strict=True)]
    if rows:
        rows.insert(0, Row(("layers that differ", *(None,) * (width - 1)), "section"))
    return rows


def _field(field: ReceptiveField) -> str:
    """Size and stride: `11/4` sees 11x11 input positions, and its neighbour those 4 further."""
    return str(field) if field.whole else f"{field}/{per_axis(field.stride)}"


def _last_field(cost: Cost) -> str:
    """The receptive field before global operators make it the whole input."""
    fields = [cost.receptive_fields[row.name] for row in cost.rows if not row.aux]
    return _field(next((field for field in reversed(fields) if not field.whole), WHOLE))


def _distinct(names: Sequence[str]) -> list[str]:
    """Names made unique, so that a network can be compared with itself."""
    return [name if names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(names, 1)]
