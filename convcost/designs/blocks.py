"""A sweep cut into blocks: each is computed from the sweep and its own index alone, in whatever process and order.

Designs of a grid are numbered with the axes that change a network's structure slowest (one closed form serves many
designs), then in the order given, the last axis fastest. Sampled designs are drawn by a generator that is seeded with
the seed and the block's index.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import gcd, lcm
from typing import Any, NamedTuple, TypeAlias

from convcost.designs.forms import METRICS, Form, metrics, numbers, price
from convcost.designs.space import Axis, Space
from convcost.designs.where import Column, Condition, chosen, parse_where
from convcost.errors import ConvcostError
from convcost.exact.poly.calculus import largest
from convcost.network import Network
from convcost.ops import Shape
from convcost.spec import document
from convcost.spec.document import exact
from convcost.spec.model import Spec
from convcost.values import show

LARGEST_BLOCK = 65_536
FEW = 3
"""Designs that are priced one by one sooner than by a form of their own, which takes as long as two or three."""
MANY = 32
"""Forms that are made for one structure within a block; what they leave is priced one by one."""
NETWORK = "network"
"""The column of the networks, where there are several."""
CACHED = 1_024
"""Structures whose forms are remembered."""


@dataclass(frozen=True)
class Sweep:
    """All that a process needs to compute any block. Make one with `run.plan`."""

    text: str
    """The spec, or what an imported network runs."""
    file: str
    network: str
    variant: str | None
    knobs: tuple[tuple[str, Any], ...]
    space: Space
    symbolic: tuple[str, ...]
    """The axes that closed forms have as symbols; the other ones change the structure, or cannot be symbols."""
    columns: tuple[str, ...]
    """What a design is described by: axes, derived values that are numbers, and quantities."""
    quantities: tuple[str, ...] = METRICS
    """What is computed of every design."""
    derived: tuple[tuple[str, int], ...] = ()
    """The derived values among the columns, with the denominator of each in all designs, 0 where it is not known."""
    where: tuple[str, ...] = ()
    sample: int | None = None
    seed: int = 0
    block: int = LARGEST_BLOCK
    """Designs per block."""
    input: Shape | None = None
    """The input of designs that say none, if it is not the network's own."""
    format: str = "csv"
    version: str = ""
    imported: Network | None = None
    """The network, where it is of no spec."""

    @property
    def reference(self) -> str:
        """The name of the network with its variant, as `load` reads it: `resnet50@v1`."""
        return self.network + (f"@{self.variant}" if self.variant else "")

    @property
    def designs(self) -> int:
        """How many designs there are to compute."""
        return self.space.size if self.sample is None else self.sample

    @property
    def blocks(self) -> int:
        """How many blocks they make."""
        return -(-self.designs // self.block)

    def designs_of(self, block: int) -> int:
        """How many designs a block has: all have the same number, except for the last."""
        return min(self.block, self.designs - block * self.block)


@dataclass(frozen=True)
class Sweeps:
    """Sweeps of several networks over one space as one: the blocks of each after those of the one before it."""

    members: tuple[Sweep, ...]

    @property
    def designs(self) -> int:
        """How many designs there are to compute, of all networks."""
        return sum(member.designs for member in self.members)

    @property
    def blocks(self) -> int:
        """How many blocks they make."""
        return sum(member.blocks for member in self.members)

    @property
    def columns(self) -> tuple[str, ...]:
        """What a design is described by: its network, and what describes it alone."""
        return (NETWORK, *self.members[0].columns)

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is computed of every design."""
        return self.members[0].quantities

    @property
    def format(self) -> str:
        """The format of the file."""
        return self.members[0].format

    @property
    def version(self) -> str:
        """The version of convcost that it is of."""
        return self.members[0].version

    def of(self, block: int) -> tuple[Sweep, int]:
        """The sweep that a block is of, and which block of it that is."""
        for member in self.members:
            if block < member.blocks:
                return member, block
            block -= member.blocks
        raise IndexError(block)

    def designs_of(self, block: int) -> int:
        """How many designs a block has."""
        member, own = self.of(block)
        return member.designs_of(own)


AnySweep: TypeAlias = Sweep | Sweeps
"""What a file of designs is computed from."""


class Block(NamedTuple):
    """The designs of a block that fit and meet the conditions, in columns of one length."""

    kept: int
    """How many there are."""
    columns: dict[str, Column | list[Any]]
    """By name: numbers, or (words, lists, true and false) plain values."""
    unfit: int
    """How many designs do not fit their network."""
    reason: str
    """Why the first of them does not."""


def computed(sweep: AnySweep, block: int) -> Block:
    """A block; of several networks, each design says its own first."""
    if isinstance(sweep, Sweep):
        return evaluator(sweep).block(block)
    member, own = sweep.of(block)
    found = evaluator(member).block(own)
    named = {NETWORK: [member.reference] * found.kept, **found.columns}
    return found._replace(columns=named, reason=found.reason and f"{member.reference}, {found.reason}")


@lru_cache(maxsize=2)
def evaluator(sweep: Sweep) -> Evaluator:
    """What computes the blocks of a sweep, once per process."""
    return Evaluator(sweep)


class Evaluator:
    """Computes blocks, and remembers the closed forms that it made for them."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.network = sweep.imported or _of_spec(sweep)
        if self.network.text != sweep.text:
            raise ConvcostError(f"{sweep.network}: it is another network here than where the sweep was planned")
        self.conditions: list[Condition] = [part for text in sweep.where for part in parse_where(text)]
        self._forms: OrderedDict[tuple[Any, ...], list[Form]] = OrderedDict()

    @cached_property
    def order(self) -> list[Axis]:
        """The axes, from the one that varies slowest."""
        return sorted(self.sweep.space.axes, key=lambda axis: axis.name in self.sweep.symbolic)

    def block(self, index: int) -> Block:
        """The designs of a block with their costs."""
        return _Filling(self, self._indices(index)).block(self.sweep.designs_of(index))

    def _indices(self, block: int) -> dict[str, Any]:
        """For each axis, which of its values each design of the block has."""
        import numpy as np

        sweep, size = self.sweep, self.sweep.designs_of(block)
        if sweep.sample is not None:
            generator = np.random.default_rng([sweep.seed, block])
            return {axis.name: generator.integers(0, len(axis), size) for axis in sweep.space.axes}
        indices, first, carry = {}, block * sweep.block, np.arange(size)
        for axis in reversed(self.order):
            first, digit = divmod(first, len(axis))
            carry, indices[axis.name] = np.divmod(carry + digit, len(axis))
        return indices

    def forms(self, symbolic: tuple[str, ...], setting: dict[str, Any]) -> list[Form]:
        """The forms made so far for a setting of the other axes, to be added to."""
        key = (symbolic, *setting.items())
        found = self._forms.setdefault(key, [])
        self._forms.move_to_end(key)
        if len(self._forms) > CACHED:
            self._forms.popitem(last=False)
        return found

    def make(self, symbolic: tuple[str, ...], setting: dict[str, Any], witness: dict[str, Any]) -> Form:
        """A form that holds for the witness and whatever designs are like it."""
        space = self.sweep.space
        derived = [name for name, _ in self.sweep.derived]
        return Form(
            self.network,
            space,
            [space.axis(name) for name in symbolic],
            setting,
            witness,
            derived,
            self.sweep.quantities,
        )

    def one(self, design: dict[str, Any]) -> list[int | Fraction]:
        """The metrics and derived values of a design, not by a form. Raises ConvcostError where it does not fit."""
        values = self.sweep.space.complete(design)
        counts = metrics(price(self.network, values), self.sweep.quantities)
        return [*counts, *numbers(values, [name for name, _ in self.sweep.derived])]


def _of_spec(sweep: Sweep) -> Network:
    spec = Spec(document.parse(sweep.text, sweep.file), sweep.text)
    return Network(spec, sweep.network, sweep.variant, dict(sweep.knobs), sweep.input)


class _Filling:
    """One block while it is computed; a row is a position in it."""

    def __init__(self, evaluator: Evaluator, indices: dict[str, Any]) -> None:
        self.evaluator = evaluator
        self.space = evaluator.sweep.space
        self.indices = indices
        self.columns: dict[str, Column | list[Any]] = {
            axis.name: Column(axis.numerators(indices[axis.name]), axis.denominator)
            if axis.numeric
            else [axis[i] for i in indices[axis.name].tolist()]
            for axis in self.space.axes
        }
        self.numerators = {name: c.numerators for name, c in self.columns.items() if isinstance(c, Column)}
        self.pieces: list[tuple[Any, list[Column]]] = []
        """Rows, and their metrics and derived values."""
        self.unfit: list[Any] = []

    def block(self, size: int) -> Block:
        """Fill all rows, and keep those that are wanted."""
        import numpy as np

        sweep = self.evaluator.sweep
        self.fill(np.arange(size), sweep.symbolic)
        rows = np.concatenate([np.empty(0, "int64"), *(rows for rows, _ in self.pieces)])
        order = np.argsort(rows)
        columns = {name: _taken(column, rows[order]) for name, column in self.columns.items()}
        for k, (name, whole) in enumerate((*((name, 1) for name in sweep.quantities), *sweep.derived)):
            columns[name] = _joined([values[k] for _, values in self.pieces], order, whole)
        columns = {name: columns[name] for name in sweep.columns}
        wanted = chosen(self.evaluator.conditions, {n: c for n, c in columns.items() if isinstance(c, Column)})
        at = np.flatnonzero(np.broadcast_to(wanted, len(rows)))
        if len(at) < len(rows):
            columns = {name: _taken(column, at) for name, column in columns.items()}
        for name, whole in sweep.derived:
            if not whole:
                columns[name] = _each_by_itself(columns[name])
        unfit = np.concatenate([np.empty(0, "int64"), *self.unfit])
        return Block(len(at), columns, len(unfit), self.reason(int(unfit.min())) if len(unfit) else "")

    def fill(self, rows: Any, symbolic: tuple[str, ...]) -> None:
        """Compute these rows, by the forms that each setting of the other axes has in these symbols."""
        others = [axis for axis in self.space.axes if axis.name not in symbolic]
        for members in _groups(rows, [self.indices[axis.name] for axis in others]):
            rest = self.by_forms(members, symbolic, self.design(members[0], others)) if symbolic else members
            for row in rest.tolist():
                self.alone(row)

    def by_forms(self, rows: Any, symbolic: tuple[str, ...], setting: dict[str, Any]) -> Any:
        """Compute rows of one setting; returns those that are too few for a form."""
        forms = self.evaluator.forms(symbolic, setting)
        for form in forms:
            rows = self.by_form(form, rows)
        made = 0
        while len(rows) > FEW and made < MANY:
            made += 1
            try:
                forms.append(self.evaluator.make(symbolic, setting, self.design(rows[0])))
            except (ConvcostError, TypeError):
                # The first design does not fit, or there is no form in so many symbols.
                fits, rows = self.alone(int(rows[0])), rows[1:]
                if fits and len(rows):
                    self.fill(rows, symbolic[:-1])
                    return rows[:0]
            else:
                rows = self.by_form(forms[-1], rows)
        return rows

    def by_form(self, form: Form, rows: Any) -> Any:
        """Compute the rows for which the form holds; returns the other ones."""
        if not len(rows):
            return rows
        found = form({name: self.numerators[name][rows] for name in form.names})
        if found.unfit.any():
            self.unfit.append(rows[found.unfit])
        if found.priced.all():
            self.pieces.append((rows, found.columns))
            return rows[:0]
        self.pieces.append((rows[found.priced], [_taken(column, found.priced) for column in found.columns]))
        for limit, at in found.beyond:
            # What answers alike has this form again in these symbols, and another one where the limit's are numbers.
            self.fill(rows[at], tuple(name for name in form.names if name not in limit.value.symbols))
        return rows[found.others]

    def alone(self, row: int) -> bool:
        """Compute one row in Python ints. False if its design does not fit."""
        import numpy as np

        at = np.array([row])
        try:
            values = self.evaluator.one(self.design(row))
        except ConvcostError:
            self.unfit.append(at)
            return False
        self.pieces.append((at, [*map(exact_column, values)]))
        return True

    def design(self, row: int, axes: Sequence[Axis] | None = None) -> dict[str, Any]:
        """The values of a design, on all axes or some."""
        return {
            axis.name: axis[int(self.indices[axis.name][row])] for axis in (self.space.axes if axes is None else axes)
        }

    def reason(self, row: int) -> str:
        """Why a design does not fit."""
        design = self.design(row)
        shown = ", ".join(f"{name}={show(value)}" for name, value in design.items())
        try:
            self.evaluator.one(design)
        except ConvcostError as error:
            return f"{shown}: {error}"
        raise AssertionError(f"{shown} fits, but its closed form says that it does not")


def exact_column(value: int | Fraction) -> Column:
    """A column of one exact number."""
    import numpy as np

    dtype = "int64" if abs(value.numerator) < 2**63 else object
    return Column(np.array([value.numerator], dtype), value.denominator)


def _groups(rows: Any, codes: Sequence[Any]) -> Iterator[Any]:
    """The rows, apart by their codes, in order within each group."""
    import numpy as np

    key = np.zeros(len(rows), "int64")
    for code in codes:
        code = code[rows]
        if len(code) and (code != code[0]).any():
            key = np.unique(key * (1 << 31) + np.unique(code, return_inverse=True)[1], return_inverse=True)[1]
    order = np.argsort(key, kind="stable")
    yield from np.split(rows[order], np.flatnonzero(np.diff(key[order])) + 1)


def _taken(column: Column | list[Any], at: Any) -> Any:
    """The rows of a column at an array of positions, or where a boolean one is true."""
    if isinstance(column, Column):
        return Column(column.numerators[at], column.denominator)
    import numpy as np

    return [column[i] for i in (np.flatnonzero(at) if at.dtype == bool else at).tolist()]


def _joined(parts: Sequence[Column], order: Any, whole: int) -> Column:
    """Parts one after the other, in order, over the denominator of all designs, or for 0 over one of their own."""
    import numpy as np

    common = whole or lcm(*(part.denominator for part in parts))
    joined = np.concatenate([np.empty(0, "int64"), *(_over(common, part) for part in parts)])[order]
    if joined.dtype == object and all(-(2**63) <= value < 2**63 for value in joined):
        joined = joined.astype("int64")
    return Column(joined, common)


def _over(common: int, column: Column) -> Any:
    """The numerators of a column over another denominator, over which its values are known to have some."""
    shared = gcd(common, column.denominator)
    times, by = common // shared, column.denominator // shared
    numerators = column.numerators
    if times > 1:
        numerators = (numerators if largest(numerators) * times < 2**63 else numerators.astype(object)) * times
    if by > 1:
        if (numerators % by).any():
            raise AssertionError(f"a count or a derived value is no multiple of 1/{common}")
        numerators = numerators // by
    return numerators


def _each_by_itself(column: Any) -> Column:
    """Ints and Fractions, where no denominator of all designs is known: what one looks like depends on no other."""
    import numpy as np

    exactly = [exact(Fraction(value, column.denominator)) for value in column.numerators.tolist()]
    return Column(np.array(exactly, object))
