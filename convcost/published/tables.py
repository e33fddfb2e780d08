"""Published tables: the printed cells of a paper as data, and whether each holds.

A table is a YAML file in specs/tables/. Its rows are written as the paper prints them, cells between bars. Which
network a cell is about is said once: by the table, by the cell's column, or by its row; and so is what it prints:

- a row is led by a scope of the network's graph (`total` is all of it); in a table that names no network, by the
  network itself, `resnet34@v1 shortcut=A`, or by nothing where convcost does not know it;
- a column is a quantity (text, shape, input, params, ops; `params in M` if the M is not printed in its cells), or a
  network, whose cells print the quantity that `quantities` gives for their row.
"""

from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.line import Line
from convcost.counters.rules import rule
from convcost.errors import ConvcostError, did_you_mean, unwarned
from convcost.network import Network, load
from convcost.ops import Shape, format_shape
from convcost.printed.numbers import KILO, ROUNDINGS, Printed, parse
from convcost.published.layerkinds import line_of
from convcost.published.quotients import OF, quotient
from convcost.published.readings import PLAIN, ZEROS, Reading
from convcost.spec import document
from convcost.spec.catalog import specs_dir
from convcost.spec.document import Mark, Scalar, SpecError

TOTAL = "total"
"""The scope of a row that describes the whole network."""
KEYS = ("table", "title", "source", "notes", "network", "convention", "columns", "rows", "quantities")
"""What a table's file says."""
NEEDED = ("table", "title", "source", "columns", "rows")
SIZES = ("shape", "input")
COUNTS = ("params", "ops", *OF)
QUANTITIES = ("text", *SIZES, *COUNTS)
READING: Mapping[str, Collection[Any]] = {"count": (), "k": KILO, "rounding": ROUNDINGS, "zeros": tuple(ZEROS)}
"""What a table says of how a count is read, and the words for it; `count` is the name of a rule."""


class Quantity(NamedTuple):
    """What a cell prints: text, shape, input, params or ops, and the scale that its column's title gives it."""

    name: str = "text"
    scale: str = ""
    """K, M, G, or nothing."""


TEXT = Quantity()


class Column(NamedTuple):
    """One column: its printed title, and what its cells print or the network that they are about."""

    title: str
    quantity: Quantity = TEXT
    network: str = ""


class Row(NamedTuple):
    """One row: the scope (or network) it is about and its cells as printed, '' for an empty one."""

    lead: str
    cells: tuple[str, ...]
    quantity: Quantity
    """What its cells in network columns print."""
    mark: Mark


class Cell(NamedTuple):
    """A printed cell that says something about a network, with what is computed for it."""

    row: Row
    column: Column
    text: str
    quantity: str
    computed: Any
    """The exact count, or for a size the shape as (H, W, C), as papers print it."""
    printed: Printed | None
    """The printed number; None for a size."""
    reading: Reading | None
    """How it is read; None for a size."""
    holds: bool
    """Whether the printed cell is what the table's convention prints for the computed value."""

    @property
    def printed_value(self) -> Fraction:
        """The printed number as it stands, exact; 0 for a size."""
        if not self.reading or not self.printed:
            return Fraction(0)
        return self.reading.form(self.printed).value() * self.reading.one

    @property
    def spelt(self) -> str:
        """The computed value as it would stand there."""
        if self.reading and self.printed:
            return str(self.reading.spell(self.computed, self.printed))
        return format_shape(self.computed)

    @property
    def difference(self) -> Fraction | None:
        """Computed less printed, exact; None for a size."""
        return self.computed - self.printed_value if self.printed else None


class PublishedTable(NamedTuple):
    """A printed table. Read one with `load_table`."""

    name: str
    title: str
    source: str
    notes: str
    network: str
    convention: Mapping[str, Reading]
    """How each count that it prints, params or ops, is read."""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def check(self) -> "Checked":
        """Compare every cell that prints a size or a count with the computed value.

        Raises ConvcostError if the table names a network, knob or scope that there is not.
        """
        priced: dict[str, tuple[Network, Cost]] = {}
        cells = [cell for row in self.rows for cell in self._check_row(row, priced)]
        return Checked(self, cells, list(priced.values()), priced)

    def under(self, as_: str) -> "PublishedTable":
        """The same table, counted by a rule, or as a tool counts.

        Raises ConvcostError for an unknown one, and for one of a quantity that the table does not print.
        """
        quantity = rule(as_).quantity
        under = {
            name: one._replace(measure=as_) for name, one in self.convention.items() if OF.get(name, name) == quantity
        }
        if not under:
            raise ConvcostError(f"{as_} counts {quantity}, of which {self.name} prints none")
        return self._replace(convention={**self.convention, **under})

    @property
    def references(self) -> list[str]:
        """The networks that it is about, as it refers to them."""
        about = (
            self._about(row, column)
            for row in self.rows
            for column, text in zip(self.columns, row.cells, strict=True)
            if text
        )
        return list(dict.fromkeys(reference for reference in about if reference))

    def _about(self, row: Row, column: Column) -> str:
        """The network that a cell is about, '' for none."""
        quantity = row.quantity if column.network else column.quantity
        return "" if quantity == TEXT else column.network or self.network or row.lead

    def _check_row(self, row: Row, priced: dict[str, tuple[Network, Cost]]) -> Iterator[Cell]:
        for column, text in zip(self.columns, row.cells, strict=True):
            quantity = row.quantity if column.network else column.quantity
            reference = self._about(row, column)
            if not text or not reference:
                continue
            try:
                if reference not in priced:
                    with unwarned():  # it is the table's, and as it is
                        priced[reference] = price_reference(reference)
                cost = priced[reference][1]
                line = cost.total if row.lead in (TOTAL, reference) else line_of(cost, row.lead)
            except ConvcostError as error:
                raise SpecError(row.mark, str(error)) from None
            yield self._check_cell(row, column, text, quantity, line, cost.total)

    def _check_cell(self, row: Row, column: Column, text: str, quantity: Quantity, line: Line, whole: Line) -> Cell:
        if quantity.name in SIZES:
            shape = as_printed(line.shape if quantity.name == "shape" else line.inputs[0])
            sizes = _sizes(text, row.mark)
            return Cell(row, column, text, quantity.name, shape, None, None, shape[: len(sizes)] == sizes)
        reading = self.convention[quantity.name]
        printed = parse(text, scale=quantity.scale, where=str(row.mark))
        count = rule(reading.measure).of(line)
        if quantity.name in OF:
            of = rule(reading.measure).of(whole)
            if not of:
                raise SpecError(row.mark, f"{text} of what? By {reading.measure} the network has none")
            count = quotient(count, of)
        return Cell(row, column, text, quantity.name, count, printed, reading, reading.holds(printed, count))


class Checked(NamedTuple):
    """A published table with what was computed for it."""

    table: PublishedTable
    cells: list[Cell]
    """The cells that print a size or a count, in reading order."""
    networks: list[tuple[Network, Cost]]
    """The networks that the table is about, with their costs."""
    priced: dict[str, tuple[Network, Cost]]
    """The same, by the reference that the table makes to them."""


def price_reference(reference: str) -> tuple[Network, Cost]:
    """A network with its cost, on the input that the reference says.

    Raises ConvcostError for an unknown network or knob, or an input that does not fit.
    """
    network = load(reference)
    return network, network.price()


def table_names() -> list[str]:
    """The shipped tables."""
    return sorted(path.stem for path in (specs_dir() / "tables").glob("*.yaml"))


def load_table(name: str) -> PublishedTable:
    """A shipped table by name, or a file's by its path.

    Raises ConvcostError if there is none, with the closest name, or for a network's name the tables that print its
    numbers; and if it is not right.
    """
    if "/" in name or name.endswith((".yaml", ".yml")):
        return read_table(document.read(Path(name)))
    file = specs_dir() / "tables" / f"{name}.yaml"
    if not file.is_file():
        known = table_names()
        from convcost.spec.spelling import candidates  # imported where it is used: most names are ours

        spelled = [one.name for one in candidates(name, known) if not one.assumed and not one.residue]
        if len(spelled) != 1:
            raise ConvcostError(f"unknown table {name!r}{_elsewhere(name, known)}")
        file = file.with_stem(spelled[0])
    return read_table(document.read(file))


def shipped_tables() -> list[PublishedTable]:
    """All shipped tables, by name."""
    return [load_table(name) for name in table_names()]


def _elsewhere(name: str, known: list[str]) -> str:
    """What to say of a name that no table has: the tables of the network that it means, or of its family."""
    try:
        network = load(name)
    except ConvcostError:
        return did_you_mean(name, known) or "; convcost table lists them"
    about = {table.name: [load(reference) for reference in table.references] for table in shipped_tables()}
    its = [table for table, networks in about.items() if network.network in {one.network for one in networks}]
    if its:
        return f": numbers of {network.network} are printed in {', '.join(its)}"
    kin = [table for table, networks in about.items() if network.spec.name in {one.spec.name for one in networks}]
    near = f"; of its family there {'are' if len(kin) > 1 else 'is'} {', '.join(kin)}" if kin else ""
    return f": no shipped table prints numbers of {network.network}{near or '; convcost table lists them'}"


def read_table(top: document.Mapping) -> PublishedTable:
    """A table from its YAML mapping. Raises SpecError at the place that is wrong."""
    for key in top.entries:
        if key not in KEYS:
            raise SpecError(top.marks[key], f"a table has no key {key!r}{did_you_mean(key, KEYS)}")
    for key in NEEDED:
        if key not in top.entries:
            raise SpecError(top.mark, f"a table needs the key {key!r}")
    columns = tuple(_column(title, value) for title, value, _ in document.entries(top, "columns"))
    quantities = {name: _quantity(value) for name, value, _ in document.entries(top, "quantities")}
    for column, (_, value, _) in zip(columns, document.entries(top, "columns"), strict=True):
        if column.network and not quantities:
            why = f"none of {', '.join(QUANTITIES)}; a network needs `quantities` for its rows"
            raise SpecError(value.mark, f"{column.network!r} is {why}")
    printed = {quantity.name for quantity in (*(column.quantity for column in columns), *quantities.values())}
    return PublishedTable(
        name=document.text(top, "table"),
        title=document.text(top, "title"),
        source=document.text(top, "source"),
        notes=document.text(top, "notes"),
        network=document.text(top, "network"),
        convention=_convention(top, printed),
        columns=columns,
        rows=tuple(_rows(top.entries["rows"], columns, quantities)),
    )


def _column(title: str, value: document.Value) -> Column:
    if not isinstance(value, Scalar):
        raise SpecError(value.mark, "a column is a quantity or a network")
    if value.text.partition(" in ")[0] in QUANTITIES:
        return Column(title, _quantity(value))
    return Column(title, network=value.text)


def _quantity(value: document.Value) -> Quantity:
    if isinstance(value, Scalar):
        name, _, scale = value.text.partition(" in ")
        if name in QUANTITIES and scale in ("", "K", "M", "G"):
            return Quantity(name, scale)
    raise SpecError(value.mark, f"a quantity is one of {', '.join(QUANTITIES)}, perhaps in K, M or G")


def _convention(top: document.Mapping, printed: Collection[str]) -> dict[str, Reading]:
    """How each count that the table prints is read, plainly where nothing is said."""
    stated = {quantity: PLAIN[quantity] for quantity in COUNTS if quantity in printed}
    for quantity, value, mark in document.entries(top, "convention"):
        if quantity not in COUNTS:
            example = "params: {count: params, k: 1024, rounding: truncated}"
            raise SpecError(mark, f"a convention says how params and ops are read, not {quantity!r}; as in {example}")
        if quantity not in stated:
            raise SpecError(mark, f"no column prints {quantity}")
        stated[quantity] = _reading(quantity, value)
    return stated


def _reading(quantity: str, value: document.Value) -> Reading:
    """A reading of a file: the name of what is counted, or that with K, the rounding and what last zeros are."""
    if isinstance(value, Scalar):
        parts: dict[str, document.Value] = {"count": value}
    elif isinstance(value, document.Mapping):
        parts = value.entries
    else:
        raise SpecError(value.mark, f"a reading is the name of what is counted, or a mapping of {', '.join(READING)}")
    said: dict[str, Any] = {}
    for name, part in parts.items():
        if name not in READING:
            place = value.marks[name] if isinstance(value, document.Mapping) else value.mark
            raise SpecError(place, f"a reading has no {name!r}{did_you_mean(name, READING)}")
        said[name] = part.value if isinstance(part, Scalar) else None
        if READING[name] and said[name] not in READING[name]:
            raise SpecError(part.mark, f"{name} is {' or '.join(map(str, READING[name]))}, not {said[name]}")
    measure = said.pop("count", PLAIN[quantity].measure)
    try:
        counted = rule(measure).quantity
    except ConvcostError as error:
        raise SpecError(parts["count"].mark, str(error)) from None
    if counted != OF.get(quantity, quantity):
        raise SpecError(parts["count"].mark, f"{measure} counts {counted}, not {quantity}")
    return Reading(quantity, measure, **{**said, "zeros": ZEROS.get(said.get("zeros", ""), "")})


def _rows(value: document.Value, columns: tuple[Column, ...], quantities: Mapping[str, Quantity]) -> Iterator[Row]:
    if not isinstance(value, Scalar):
        raise SpecError(value.mark, "rows are a block of text: a row a line, | between cells, the scope first")
    for number, line in enumerate(value.text.splitlines(), 1):
        mark = value.mark._replace(line=value.mark.line + number, column=1)
        lead, *cells = (part.strip() for part in line.split("|"))
        if len(cells) != len(columns):
            raise SpecError(mark, f"row {lead}: {len(cells)} cells for {len(columns)} columns")
        yield Row(lead, tuple(cells), quantities.get(lead, TEXT), mark)


def as_printed(shape: Shape) -> Shape:
    """(C, H, W) as papers print it, (H, W, C); a vector is 1×1×C."""
    return (*(shape[1:] or (1, 1)), shape[0])


def _sizes(text: str, mark: Mark) -> Shape:
    try:
        return tuple(int(part) for part in text.replace("×", "x").split("x"))
    except ValueError:
        raise SpecError(mark, f"a size is written 56×56×64 or 56×56, not {text!r}") from None
