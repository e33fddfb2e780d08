"""Evidence: the shortest description of how a table's numbers were made.

A description says how each kind of column is read, which variant each family has, and which input and classes the
table has, all of them once; what each row departs in; and prints in full each cell that none of this prints. Its length
is the bits of all that (`convcost.auditing.prices`). The shortest wins. How much longer the shortest one is in which a
cell fares otherwise is how sure its verdict is.

The search is exact but for two beams: of the readings of each column only those are combined that are among the best
for the column alone, and far candidates (settings, inputs, classes) are priced for rows that the near ones leave open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from math import inf
from typing import Any, NamedTuple

from convcost.auditing.axes import Axis, axis_of, heading_of, kind_of
from convcost.auditing.hypotheses import (
    Candidate,
    Costs,
    Subject,
    family_bits,
    shared_bits,
    variant_bits,
)
from convcost.auditing.prices import COMMON_CLASSES, ODDS, bits
from convcost.auditing.rows import COLUMNS, PRINTED, UNKNOWN, WRONG, Row, Shared
from convcost.ops import Shape
from convcost.published.claims import Claim, Claims
from convcost.published.claims import Subject as Named
from convcost.published.quoted import printed_in, year_of
from convcost.published.readings import Reading
from convcost.published.tables import TOTAL

_BEAM = (400, 400, 24, 9, 5, 4, 3)
"""Readings of each column that are combined with those of the others, by the number of columns."""
_MOST_SHARED = 6
_ROUNDS = 3
_MOST_EDITED = 6
"""Networks that are compared with edits of theirs: where more are left over, the table is made otherwise."""
_COPIED, _OWN, _WHOLE = 0.5, 0.25, 0.75
"""Parts of a table's cells that a source prints as well: half make it a copy of that source, or a quarter where these
are three quarters of what the source prints."""
_FAR = 4.0
"""A row whose cells cost more than this is compared with its far candidates, too."""


class Fate(NamedTuple):
    """How a cell fares in the shortest description, and by how many bits no other one of its kind is shorter."""

    state: int
    margin: float
    """To the shortest description in which it fares otherwise."""


class _Solved:
    """All descriptions with the same shared input and classes, along the combinations of readings."""

    def __init__(self, evidence: Evidence, shared: Shared, own: Sequence[Any], beams: Sequence[Any]) -> None:
        """`own` is what the groups of each row cost beside their variants, `beams` the readings of each kind."""
        import numpy as np

        self.shared = shared
        self.evidence = evidence
        self.kinds = list(evidence.axes)
        self.own = own
        self.beams = beams
        self.shape = tuple(map(len, self.beams))
        self.combined = np.array(list(product(*self.beams)), dtype="int64").T
        prices = [evidence.price(kind)[beam] for kind, beam in zip(self.kinds, self.beams, strict=True)]
        self.base = self._sum(enumerate(prices), shared_bits(*shared)).reshape(-1)
        self.rows = [self._row(number, self.costs(row)) for number, row in enumerate(evidence.rows)]
        self.families: dict[tuple[str, str | None], Any] = {}
        self.members: dict[tuple[str, str | None], list[int]] = {}
        for number, row in enumerate(evidence.rows):
            self.members.setdefault(evidence.family(row), []).append(number)
        self.total = self.base
        for family, members in self.members.items():
            self.families[family] = sum(self.rows[number] for number in members) + self._variants(family)
            self.total = self.total + self.families[family].min(axis=0)

    def _sum(self, by_kind: Iterable[tuple[int, Any]], first: Any = 0.0) -> Any:
        """What is said along the readings of some kinds of columns, summed along the combinations of all kinds.

        Each is (..., beam), the sum (..., beam, beam ...).
        """
        import numpy as np

        whole: Any = first
        for kind, value in by_kind:
            shape = [1] * len(self.kinds)
            shape[kind] = -1
            whole = whole + value.reshape(*value.shape[:-1], *shape)
        return np.broadcast_to(whole, (*np.shape(whole)[: -len(self.kinds)], *self.shape))

    def costs(self, row: Row) -> list[Any]:
        """What each cell of a row costs for each group and each reading of its kind's beam."""
        return [row.costs(cell, self.beam(axis)) for cell, axis in enumerate(row.axes)]

    def beam(self, axis: Axis) -> Any:
        """The readings of a kind of columns that are combined with those of others."""
        return self.beams[self.kinds.index(axis.name)]

    def _by_kind(self, row: Row, costs: Iterable[Any]) -> dict[int, Any]:
        """What cells cost together, by kind of column."""
        found: dict[int, Any] = {}
        for axis, cost in zip(row.axes, costs, strict=True):
            kind = self.kinds.index(axis.name)
            found[kind] = found[kind] + cost if kind in found else cost
        return found

    def _row(self, number: int, costs: Iterable[Any], state: int | None = None) -> Any:
        """What a row costs at least for each variant of its family and combination, (variants, combinations).

        With a state, of the descriptions in which a cell fares so; of a network that is none of ours no cell is
        printed, or wrong.
        """
        import numpy as np

        row = self.evidence.rows[number]
        own = self.own[number].reshape(-1, *[1] * len(self.kinds))
        cost = self._sum(self._by_kind(row, costs).items(), own).reshape(len(own), -1)
        least = np.minimum.reduceat(cost, np.searchsorted(row.fits.kinds, np.arange(len(row.variants))))
        found = (least[:, None] + self.evidence.between(row)[:, :, None]).min(axis=0)
        return np.minimum(found, self.unknown(row)) if state in (None, UNKNOWN) else found

    def unknown(self, row: Row) -> Any:
        """What a row costs under each combination that is of a network that is none of ours."""
        import numpy as np

        kinds = [self.kinds.index(axis.name) for axis in row.axes]
        made = {kind: self.beams[kind] < len(axis.bits) for kind, axis in zip(kinds, row.axes, strict=True)}
        of_one_making = self._sum(made.items(), 0) == len(made)
        far = [row.far_of(cell, self.beam(axis)) for cell, axis in enumerate(row.axes)]
        return (np.where(of_one_making, *row.unknown) + self._sum(self._by_kind(row, far).items())).reshape(-1)

    def _variants(self, family: tuple[str, str | None]) -> Any:
        import numpy as np

        row = self.evidence.rows[self.members[family][0]]
        factor = "family that is said" if row.says_variant else "family"
        prices = [family_bits(variant, row.subject.network.variant, row.variants, factor) for variant in row.variants]
        return np.array(prices)[:, None]

    def otherwise(self, number: int) -> Iterator[list[float]]:
        """Of each cell of a row, the lengths of the shortest descriptions in which it fares in each way."""
        row = self.evidence.rows[number]
        of = self.families[self.evidence.family(row)]
        rest = self.total - of.min(axis=0)
        others = of - self.rows[number]
        costs = self.costs(row)
        for cell, axis in enumerate(row.axes):
            lengths = []
            for state in (PRINTED, WRONG, UNKNOWN):
                so = [*costs[:cell], row.costs(cell, self.beam(axis), state), *costs[cell + 1 :]]
                lengths.append(float((rest + (others + self._row(number, so, state)).min(axis=0)).min()))
            yield lengths


class Chosen(NamedTuple):
    """What the shortest description says of a row."""

    candidate: Candidate | None
    """None: a network that is none of ours."""
    departs: bool
    """Whether it is another than the table shares."""
    price: float
    """The bits of the departure."""


class Evidence:
    """The shortest description of a table, and what depends on it."""

    def __init__(self, table: Claims, *, far: bool = False, apart: bool = False, like: Evidence | None = None) -> None:
        """Find it; `far` compares every row with its far candidates, `apart` reads every heading on its own.

        `like` is another description of the same table, whose candidates are taken over: they are priced once.
        """
        self.claims = [claim for claim in table.claims if claim.printed is not None]
        self._apart = apart
        groups: dict[str, list[Claim]] = {}
        for claim in self.claims:
            groups.setdefault(self._name(claim), []).append(claim)
        self.axes = {name: axis_of(name, claims) for name, claims in groups.items()}
        by_subject: dict[Named, list[Claim]] = {}
        for claim in self.claims:
            by_subject.setdefault(claim.subject, []).append(claim)
        families = {table.priced[claim.reference][0].spec.name for claim in self.claims}
        inside = any(claim.lead != TOTAL for claim in self.claims)
        one = len(families) == 1 and len(by_subject) > 1
        self._column = "column of layers" if inside else "column of one family" if one else "column"
        factor = "row of a network" if inside else "row of one family" if one else "row"
        self.kin = " of one family" if one and not inside else ""
        """What is added to the factors of prices that differ where a table has but one family."""
        self._subjects: dict[tuple[object, ...], Subject] = like._subjects if like else {}
        costs = Costs()
        of_rows = [*by_subject.values()]
        self._by_name = sorted(range(len(of_rows)), key=lambda at: table.priced[of_rows[at][0].reference][0].name)
        """The order in which rows are priced: variants of a network, which share structures, one after the other."""
        rows: dict[int, Row] = {}
        for at in self._by_name:
            claims = of_rows[at]
            axes = [self.axis(claim) for claim in claims]
            key = (claims[0].reference, claims[0].lead, *sorted({(axis.quantity, axis.parts) for axis in axes}))
            if key not in self._subjects:
                self._subjects[key] = Subject(*table.priced[claims[0].reference], claims[0].lead, axes, costs)
            rows[at] = Row(claims, self._subjects[key], axes, factor)
        self.rows = [rows[at] for at in range(len(of_rows))]
        if table.quotes and len(families) > 1:
            self._quote()
        self._prices: dict[str, Any] = {}
        self._between: dict[tuple[str | None, ...], Any] = {}
        self._forget()
        self.solved = self._solve([Shared()])
        self._look_far(every=far)
        self._edit()

    def _quote(self) -> None:
        """Let cells be quoted from other tables, but not from those that it is a copy of: see `_COPIED`.

        A copy quotes what was there before it: who prints its numbers later quotes it.
        """
        found = [[row.quotable(cell) for cell in range(len(row.claims))] for row in self.rows]
        often = Counter(source for row in found for known in row for source in {one.source for one in known})
        every = sum(map(len, found))
        copied = {
            source
            for source, n in often.items()
            if n >= _COPIED * every or (n >= _OWN * every and n >= _WHOLE * printed_in(source))
        }
        since = min(map(year_of, copied), default=inf)
        for row, cells in zip(self.rows, found, strict=True):
            first = (
                (cell, next((o for o in known if o.source not in copied and year_of(o.source) <= since), None))
                for cell, known in enumerate(cells)
            )
            row.quote({cell: one for cell, one in first if one is not None})

    def _name(self, claim: Claim) -> str:
        kind = kind_of(claim)
        return f"{kind} of {heading_of(claim)!r}" if self._apart else kind

    def axis(self, claim: Claim) -> Axis:
        """How the column of a cell may be read."""
        return self.axes[self._name(claim)]

    def reading(self, claim: Claim) -> Reading | None:
        """How it is read; None where that is by no rule of ours."""
        return self.readings[self._name(claim)]

    def beside(self, claim: Claim) -> tuple[Axis, Reading | None] | None:
        """How the column of a cell that is none of these may be, and is, read; None if it has none of these."""
        name = self._name(claim)
        return (self.axes[name], self.readings[name]) if name in self.axes else None

    @property
    def length(self) -> float:
        """The bits of the shortest description."""
        solved, at = self.best
        return float(solved.total[at]) + bits("columns", "apart" if self._apart else "alike")

    def price(self, kind: str) -> Any:
        """The bits of each reading in each kind of column (`COLUMNS`), and of the unknown reading."""
        import numpy as np

        if kind not in self._prices:
            known = self.axes[kind].bits
            every = [known + bits(self._column, one) for one in COLUMNS]
            self._prices[kind] = np.concatenate((*every, [bits(self._column, "unknown")]))
        return self._prices[kind]

    def different(self, kind: str) -> Any:
        """The readings in a kind of columns that differ in how anything fits its cells: of equal ones the cheapest."""
        import numpy as np

        if kind not in self._different:
            axis = self.axes[kind]
            random = np.random.default_rng(0)
            words = np.zeros(len(axis.bits), dtype="uint64")
            for row in self.rows:
                for cell, of in enumerate(row.axes):
                    if of is axis:
                        zeros, way = np.unique(row.zeros[cell], return_inverse=True)
                        pattern = row.fits.pattern[cell] * len(zeros) + np.resize(way, len(axis.bits))
                        words += random.integers(0, 2**64, int(pattern.max()) + 1, dtype=np.uint64)[pattern]
            order = np.argsort(axis.bits, kind="stable")
            _, first = np.unique(words[order], return_index=True)
            readings = order[np.sort(first)]
            every = [readings + number * len(axis.bits) for number in range(len(COLUMNS))]
            self._different[kind] = np.concatenate((*every, [len(COLUMNS) * len(axis.bits)]))
        return self._different[kind]

    def between(self, row: Row) -> Any:
        """What each variant of a row costs where its family has each: (variants, variants)."""
        import numpy as np

        own = row.variants
        factor = "variant that is said" if row.says_variant else f"variant{self.kin}"
        key = (factor, row.subject.network.spec.name, *own)
        if key not in self._between:
            price = [[variant_bits(one, shared, own, factor) for shared in own] for one in own]
            self._between[key] = np.array(price)
        return self._between[key]

    def family(self, row: Row) -> tuple[str, str | None]:
        """The rows that share a variant: of one spec, that name the same one, or none."""
        how = "said" if row.says_variant else "not said"
        return f"{row.subject.network.spec.name} {row.variants} {how}", row.subject.network.variant

    def _forget(self) -> None:
        """What followed from the candidates, when there are more."""
        self._different: dict[str, Any] = {}
        for name in ("best", "readings", "variant_of"):
            self.__dict__.pop(name, None)

    def _look_far(self, *, every: bool) -> None:
        """Compare the rows that are open with their far candidates, until no more are."""
        far: set[int] = set()
        classes: list[int] = []
        for _ in range(_ROUNDS):
            solved, at = min(((one, int(one.total.argmin())) for one in self.solved), key=lambda of: of[0].total[of[1]])
            new = {
                number
                for number, row in enumerate(self.rows)
                if number not in far and (every or solved.rows[number][:, at].min() > _FAR)
            }
            if not new:
                return
            far.update(new)
            for number in filter(new.__contains__, self._by_name):
                self.rows[number].add(self.rows[number].subject.far)
            if not classes:
                classes = self._classes([self.rows[number] for number in sorted(far)])
                for number in self._by_name if classes else ():
                    self.rows[number].add(self.rows[number].subject.with_classes(classes))
            shared = [
                Shared(),
                *(Shared(classes=value) for value in classes[:_MOST_SHARED]),
                *self._inputs(sorted(far)),
            ]
            self._forget()
            self.solved = self._solve(shared if len(far) > 1 or len(self.rows) == 1 else shared[:1])

    def _edit(self) -> None:
        """Compare networks with their structural edits, where a few are left over with more digits than that costs."""
        solved, at = self.best
        costs = [float(solved.rows[number][:, at].min()) for number in range(len(self.rows))]
        least = bits("knob", "an edit") + ODDS
        left = [row for row, cost in zip(self.rows, costs, strict=True) if row.whole and cost > least]
        if not 0 < len(left) <= _MOST_EDITED:
            return
        for row in left:
            row.add(row.subject.edited)
        self.solve_again()

    def solve_again(self) -> None:
        """Find the descriptions anew, as rows have got candidates, or cells have become cheaper: they are slips."""
        self._forget()
        self.solved = self._solve([one.shared for one in self.solved])
        for row in self.rows:
            row.saved = 0.0  # it is in the lengths now

    def _solve(self, every: Sequence[Shared]) -> list[_Solved]:
        """The descriptions with each of these shared."""
        own = [[row.fits.least(row.own_bits(shared, self.kin)) for row in self.rows] for shared in every]
        beams = list(zip(*(self._best(kind, own) for kind in self.axes), strict=True))
        return [_Solved(self, *each) for each in zip(every, own, beams, strict=True)]

    def _best(self, kind: str, own: Sequence[Sequence[Any]]) -> list[Any]:
        """For each of what may be shared the best readings of one kind of columns for themselves."""
        import numpy as np

        every = self.different(kind)
        alone = np.tile(self.price(kind)[every], (len(own), 1))
        for number, row in enumerate(self.rows):
            cells = [cell for cell, axis in enumerate(row.axes) if axis.name == kind]
            if cells:
                cost = sum(row.costs(cell, every) for cell in cells)
                for one, groups in zip(alone, own, strict=True):
                    one += (groups[number][:, None] + cost).min(axis=0)
        most = _BEAM[len(self.axes)]
        return [every[np.argsort(one, kind="stable")[:most]] for one in alone]

    def _classes(self, rows: Sequence[Row]) -> list[int]:
        """Numbers of classes worth trying, those first with which most cells hold."""
        from collections import Counter

        found: Counter[int] = Counter()
        for row in rows:
            found.update({value for claim in row.claims for value in row.subject.classes_of(claim)})
        # Of as many cells, the numbers that other data sets have come first.
        often = sorted(found, key=lambda value: (-found[value], value not in COMMON_CLASSES, value))
        alone = len(self.rows) == 1
        return [value for value in often if alone or found[value] > 1 or value in COMMON_CLASSES][:_MOST_SHARED]

    def _inputs(self, open_: Sequence[int]) -> list[Shared]:
        """Inputs worth trying for all rows: those at which most of the open rows have a cell printed plainly."""
        from collections import Counter

        found: Counter[Shape] = Counter()
        for number in open_:
            row = self.rows[number]
            for cell, axis in enumerate(row.axes):
                if axis.quantity == "ops":
                    at = [axis.number(Reading("ops", measure)) for measure in axis.measures[:2]]
                    held = sum(row.printing(cell, one) for one in at)
                    shapes = {c.input for c, fits in zip(row.candidates, held, strict=True) if fits and c.input}
                    found.update(shapes)
        return [Shared(input=shape) for shape, times in found.most_common(_MOST_SHARED) if times > 1]

    # -- the shortest description --------------------------------------------------------------------------------

    @cached_property
    def best(self) -> tuple[_Solved, int]:
        """The shortest description: its shared part, and the number of its combination of readings."""
        solved = min(self.solved, key=lambda one: float(one.total.min()))
        return solved, int(solved.total.argmin())

    @cached_property
    def readings(self) -> dict[str, Reading | None]:
        """The reading of each kind of column, or of each heading; None where it is none of ours."""
        solved, at = self.best
        found = {}
        for kind, index in zip(solved.kinds, solved.combined[:, at], strict=True):
            axis = self.axes[kind]
            found[kind] = axis.reading(int(index) % len(axis.bits)) if index < len(COLUMNS) * len(axis.bits) else None
        return found

    @cached_property
    def variant_of(self) -> dict[tuple[str, str | None], str | None]:
        """The variant that each family has."""
        solved, at = self.best
        found = {}
        for family, members in solved.members.items():
            own = self.rows[members[0]].variants
            found[family] = own[int(solved.families[family][:, at].argmin())]
        return found

    def chosen(self, number: int) -> Chosen:
        """What a row is about."""
        import numpy as np

        solved, at = self.best
        row = self.rows[number]
        shared = self.variant_of[self.family(row)]
        prices = self.prices(number)
        cells = sum(
            row.costs(cell, solved.combined[solved.kinds.index(axis.name), at : at + 1])[:, 0]
            for cell, axis in enumerate(row.axes)
        )
        whole = np.empty(len(prices))
        whole[row.fits.order] = np.repeat(cells, np.diff([*row.fits.starts, len(prices)]))
        whole += prices
        k = int(whole.argmin())
        unknown = float(solved.unknown(row)[at])
        if unknown < whole[k]:
            return Chosen(None, True, unknown)
        one = row.candidates[k]
        plain = one.variant == shared and one.input == solved.shared.input and one.classes == solved.shared.classes
        return Chosen(one, not plain or bool(one.bits), float(prices[k]))

    def prices(self, number: int) -> Any:
        """What each candidate of a row costs, beside its cells."""
        solved, _ = self.best
        row = self.rows[number]
        shared = row.variants.index(self.variant_of[self.family(row)])
        of = dict(zip(row.variants, self.between(row)[:, shared], strict=True))
        return row.own_bits(solved.shared, self.kin) + [of[one.variant] for one in row.candidates]

    def fates(self, number: int) -> list[Fate]:
        """How each cell of a row fares, and how surely."""
        row = self.rows[number]
        lengths = [[inf] * 3 for _ in row.claims]
        for solved in sorted(self.solved, key=lambda one: float(one.total.min())):
            # What is as long as the second best in every cell changes nothing; slips make but this row shorter.
            if solved.total.min() - row.saved >= max(sorted(each)[1] for each in lengths):
                break
            for cell, each in enumerate(solved.otherwise(number)):
                lengths[cell] = list(map(min, lengths[cell], each))
        found = []
        for each in lengths:
            first, second, _ = sorted(each)
            found.append(Fate(each.index(first), second - first))
        return found


def sure(margin: float) -> bool:
    """Whether a margin is enough for a verdict."""
    return margin >= ODDS


def shortest(table: Claims) -> Evidence:
    """The evidence of a table whose columns of one kind are all read alike, or each on its own."""
    alike = Evidence(table)
    headings = {(kind_of(claim), heading_of(claim)) for claim in alike.claims}
    if not len(alike.axes) < len(headings) < len(_BEAM):
        return alike
    return min(alike, Evidence(table, apart=True, like=alike), key=lambda one: one.length)
