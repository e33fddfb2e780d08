"""Evidence: the shortest description of how a table's numbers were made.

A description says how each kind of column is read, which variant each family has, and which input and classes the
table has, all of them once; what each row departs in; and prints in full each cell that none of this prints. Its length
is the bits of all that (`convcost.auditing.prices`). The shortest wins. How much longer the shortest one is in which a
cell fares otherwise is how sure its verdict is.

The search is exact but for two beams: of the readings of each column only those are combined that are among the best
for the column alone, and far candidates (settings, inputs, classes) are priced for rows that the near ones leave open.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product
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
from convcost.published.readings import Reading
from convcost.published.tables import TOTAL

_BEAM = (400, 400, 24, 9, 5, 4, 3)
"""Readings of each column that are combined with those of the others, by the number of columns."""
_MOST_SHARED = 6
_ROUNDS = 3
_MOST_EDITED = 6
"""Networks that are compared with edits of theirs: where more are left over, the table is made otherwise."""
_FAR = 4.0
"""A row whose cells cost more than this is compared with its far candidates, too."""


class Fate(NamedTuple):
    """How a cell fares in the shortest description, and by how many bits no other one of its kind is shorter."""

    state: int
    margin: float
    """To the shortest description in which it fares otherwise."""


class _Solved:
    """All descriptions with the same shared input and classes, along the combinations of readings."""

    def __init__(self, evidence: Evidence, shared: Shared) -> None:
        import numpy as np

        self.shared = shared
        self.evidence = evidence
        self.kinds = list(evidence.axes)
        self.own = [row.own_bits(shared, evidence.kin) for row in evidence.rows]
        best = [self._best(kind) for kind in self.kinds]
        self.combined = np.array(list(product(*best)), dtype="int64").T
        prices = [evidence.price(kind)[index] for kind, index in zip(self.kinds, self.combined, strict=True)]
        self.base = sum(prices) + np.full(self.combined.shape[1], shared_bits(*shared))
        self.rows = [self._row(number, row) for number, row in enumerate(evidence.rows)]
        self.families: dict[tuple[str, str | None], Any] = {}
        self.members: dict[tuple[str, str | None], list[int]] = {}
        for number, row in enumerate(evidence.rows):
            self.members.setdefault(evidence.family(row), []).append(number)
        self.total = self.base
        for family, members in self.members.items():
            self.families[family] = sum(self.rows[number] for number in members) + self._variants(family)
            self.total = self.total + self.families[family].min(axis=0)

    def _best(self, kind: str) -> Any:
        """The best readings of one kind of columns for themselves, one for each set of cells that they print."""
        import numpy as np

        evidence = self.evidence
        every = np.arange(len(evidence.price(kind)))
        alone, seen = evidence.price(kind).copy(), np.zeros(len(every))
        random = np.random.default_rng(0)
        for own, row in zip(self.own, evidence.rows, strict=True):
            cells = [cell for cell, axis in enumerate(row.axes) if axis.name == kind]
            if cells:
                cost = own[:, None] + sum(row.costs(cell, every) for cell in cells)
                alone += cost.min(axis=0)
                marks = random.random(len(own))
                seen += (marks[:, None] * (cost - own[:, None])).sum(axis=0)
        order = np.argsort(alone, kind="stable")
        _, first = np.unique(seen[order].round(6), return_index=True)
        return order[np.sort(first)][: _BEAM[len(self.kinds)]]

    def _row(self, number: int, row: Row, states: tuple[int, int] | None = None) -> Any:
        """What a row costs at least for each variant of its family and combination, (variants, combinations).

        With `states`, (cell, state), of the descriptions in which the cell fares so.
        """
        import numpy as np

        cost, known = self._detail(number, row, states)
        # Of a network that is none of ours no cell is printed, or wrong.
        unknown = self._unknown(row) if states is None or states[1] == UNKNOWN else np.full(cost.shape[1], np.inf)
        own = self.evidence.variants(row)
        least = np.array([cost[known == v].min(axis=0) for v in range(len(own))])
        result = []
        for shared in own:
            prices = np.array([variant_bits(variant, shared, own, f"variant{self.evidence.kin}") for variant in own])
            result.append(np.minimum((least + prices[:, None]).min(axis=0), unknown))
        return np.array(result)

    def _unknown(self, row: Row) -> Any:
        """What a row costs under each combination that is of a network that is none of ours."""
        import numpy as np

        made = [
            self.combined[self.kinds.index(axis.name)] < row.prints[cell].shape[1] for cell, axis in enumerate(row.axes)
        ]
        return np.where(np.all(made, axis=0), *row.unknown)

    def _detail(self, number: int, row: Row, states: tuple[int, int] | None = None) -> tuple[Any, Any]:
        """What each candidate costs under each combination, and the number of its variant."""
        import numpy as np

        cost = self.own[number][:, None]
        for cell, axis in enumerate(row.axes):
            state = states[1] if states is not None and states[0] == cell else None
            cost = cost + row.costs(cell, self.combined[self.kinds.index(axis.name)], state)
        own = self.evidence.variants(row)
        return cost, np.array([own.index(one.variant) for one in row.candidates])

    def _variants(self, family: tuple[str, str | None]) -> Any:
        import numpy as np

        row = self.evidence.rows[self.members[family][0]]
        own = self.evidence.variants(row)
        prices = [family_bits(variant, row.subject.network.variant, own) for variant in own]
        return np.array(prices)[:, None]

    def otherwise(self, number: int, row: Row, states: tuple[int, int]) -> float:
        """The length of the shortest description in which a cell fares so."""
        family = self.evidence.family(row)
        of = self.families[family]
        changed = of - self.rows[number] + self._row(number, row, states)
        return float((self.total - of.min(axis=0) + changed.min(axis=0)).min())


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
        self.rows: list[Row] = []
        for claims in by_subject.values():
            axes = [self.axis(claim) for claim in claims]
            key = (claims[0].reference, claims[0].lead, *sorted({(axis.quantity, axis.parts) for axis in axes}))
            if key not in self._subjects:
                self._subjects[key] = Subject(*table.priced[claims[0].reference], claims[0].lead, axes, costs)
            self.rows.append(Row(claims, self._subjects[key], axes, factor))
        self._prices: dict[str, Any] = {}
        self.solved = [_Solved(self, Shared())]
        self._look_far(every=far)
        self._edit()

    def _name(self, claim: Claim) -> str:
        kind = kind_of(claim)
        return f"{kind} of {heading_of(claim)!r}" if self._apart else kind

    def axis(self, claim: Claim) -> Axis:
        """How the column of a cell may be read."""
        return self.axes[self._name(claim)]

    def reading(self, claim: Claim) -> Reading | None:
        """How it is read; None where that is by no rule of ours."""
        return self.readings[self._name(claim)]

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

    def family(self, row: Row) -> tuple[str, str | None]:
        """The rows that share a variant: of one spec, that name the same one."""
        return f"{row.subject.network.spec.name} {self.variants(row)}", row.subject.network.variant

    def variants(self, row: Row) -> list[str | None]:
        """The variants that a row's network has, the named one first."""
        return list(dict.fromkeys(one.variant for one in row.candidates))

    def _look_far(self, *, every: bool) -> None:
        """Compare the rows that are open with their far candidates, until no more are."""
        classed: dict[int, list[Candidate]] = {}
        far: set[int] = set()
        classes: list[int] = []
        for _ in range(_ROUNDS):
            solved, at = min(((one, int(one.total.argmin())) for one in self.solved), key=lambda of: of[0].total[of[1]])
            new = [
                number
                for number, row in enumerate(self.rows)
                if number not in far and (every or solved.rows[number][:, at].min() > _FAR)
            ]
            if not new:
                return
            far.update(new)
            for number in new:
                self.rows[number].add(self.rows[number].subject.far)
            classes = classes or self._classes([self.rows[number] for number in sorted(far)])
            for row in self.rows if classes else ():
                if id(row) not in classed:
                    classed[id(row)] = row.subject.with_classes(classes)
                    row.add(classed[id(row)])
            shared = [
                Shared(),
                *(Shared(classes=value) for value in classes[:_MOST_SHARED]),
                *self._inputs(sorted(far)),
            ]
            self.__dict__.pop("best", None)
            self.solved = [
                _Solved(self, one) for one in (shared if len(far) > 1 or len(self.rows) == 1 else shared[:1])
            ]

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
        for name in ("best", "readings"):
            self.__dict__.pop(name, None)
        self.solved = [_Solved(self, one.shared) for one in self.solved]

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
                    held = row.prints[cell][:, at].any(axis=1)
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
            own = self.variants(self.rows[members[0]])
            found[family] = own[int(solved.families[family][:, at].argmin())]
        return found

    def chosen(self, number: int) -> Chosen:
        """What a row is about."""
        solved, at = self.best
        row = self.rows[number]
        shared = self.variant_of[self.family(row)]
        prices = self.prices(number)
        whole = solved._detail(number, row)[0][:, at] - solved.own[number] + prices
        k = int(whole.argmin())
        unknown = float(solved._unknown(row)[at])
        if unknown < whole[k]:
            return Chosen(None, True, unknown)
        one = row.candidates[k]
        plain = one.variant == shared and one.input == solved.shared.input and one.classes == solved.shared.classes
        return Chosen(one, not plain or bool(one.bits), float(prices[k]))

    def prices(self, number: int) -> Any:
        """What each candidate of a row costs, beside its cells."""
        import numpy as np

        solved, _ = self.best
        row = self.rows[number]
        own = self.variants(row)
        shared = self.variant_of[self.family(row)]
        prices = [variant_bits(one.variant, shared, own, f"variant{self.kin}") for one in row.candidates]
        return solved.own[number] + np.array(prices)

    def fates(self, number: int) -> list[Fate]:
        """How each cell of a row fares, and how surely."""
        row = self.rows[number]
        found = []
        for cell in range(len(row.claims)):
            lengths = [
                min(solved.otherwise(number, row, (cell, state)) for solved in self.solved)
                for state in (PRINTED, WRONG, UNKNOWN)
            ]
            state = lengths.index(min(lengths))
            others = [length for other, length in enumerate(lengths) if other != state]
            found.append(Fate(state, min(others) - lengths[state]))
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
