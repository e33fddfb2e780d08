"""Rows: the cells of a table that are about one thing, what that may be, and what each cell costs then."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf, log2
from typing import Any, NamedTuple

from convcost.auditing.axes import Axis, of_another_rule, price_of_zeros
from convcost.auditing.fits import HIT, Bounds, Fits, fits_of
from convcost.auditing.hypotheses import Candidate, Subject, classes_bits, input_bits
from convcost.auditing.prices import ASTRAY, DETAIL, NEAR, bits, distances, raw
from convcost.counters.rules import OPS
from convcost.ops import Shape
from convcost.published.claims import Claim
from convcost.published.counting import exact
from convcost.published.quoted import Quoted, quoted
from convcost.published.readings import PLAIN
from convcost.published.tables import TOTAL

PRINTED, WRONG, UNKNOWN = range(3)
"""How a cell fares under a description: it is what it prints; it is an error; its network or rule is none of ours."""
COLUMNS = ("of one making", "of several sources", "careless")
_ROUNDED = bits("slip", "the last digit", 2)
_PRINTED, _WRONG, _DETAIL, _RULE, _SOURCE = (
    tuple(bits(kind, assumption) for kind in COLUMNS)
    for assumption in ("printed", "wrong", "nearly our rule", "another rule", "another source")
)
_APART = (bits("slip", "a factor of 2", 2), bits("ops", "flops2"), bits("ops", "flops2"))
"""What it costs, in each kind of column, to be near to another ordinary count than the column's."""


class Shared(NamedTuple):
    """What a table may have in common but for its readings and its families' variants."""

    input: Shape | None = None
    classes: int | None = None


def _says(name: str, variant: str | None) -> bool:
    """Whether a name says which version it is: v1 is not v1.5, while bn may be anybody's."""
    version = re.fullmatch("v[0-9.]+", variant or "")
    return bool(version and re.search(rf"(?<![a-z.]){re.escape(version[0])}(?![.0-9])", name.casefold()))


class Row:
    """The cells of a table that are about the same, and what that may be."""

    def __init__(self, claims: Sequence[Claim], subject: Subject, axes: Sequence[Axis], factor: str = "row") -> None:
        """`axes` are those of the cells' columns; `factor` is that of the prices of its being known, or not."""
        self.claims = claims
        self.subject = subject
        self.axes = axes
        self.printed = [claim.printed for claim in claims if claim.printed]
        self.bounds = [
            Bounds(axis.bounds(printed), axis.bounds(printed, 1))
            for axis, printed in zip(axes, self.printed, strict=True)
        ]
        self.raw = [raw(printed.digits) for printed in self.printed]
        self.whole = claims[0].lead == TOTAL
        self.says_variant = _says(claims[0].row, subject.network.variant)
        self.known = bits(factor, "known")
        self.kin = factor == "row of one family"
        loose = "row" if self.whole else factor
        self.unknown = bits(factor, "unknown") + sum(self.raw), bits(loose, "unknown") + sum(self.raw)
        """What it costs to be of a network that is none of ours: in a table of one making, and in another."""
        self._priced: dict[int, Any] = {}
        """Of each cell, its `_values` where it may fare anyhow, until a quotation or a slip makes it cheaper."""
        self.candidates: list[Candidate] = []
        self.add(subject.near)
        self.far = [self._far(cell) for cell in range(len(claims))]
        """Of each cell, by how many bits its number is too far from what each rule counts of what is named."""
        self.others = [self._other(cell) for cell in range(len(claims))]
        """Of each cell, the bits of being neither printed nor an error: (kinds of column, rules)."""
        self.slips: list[float] = [inf] * len(claims)
        """What each cell costs as the slip that it is, if it is one."""
        self.quoted: list[Quoted | None] = [None] * len(claims)
        """Of each cell, what it is quoted from, where that is a price to pay: see `quote`."""
        self.quotes = [inf] * len(claims)
        """What each cell costs as a quotation, in a column of several sources."""
        self.saved = 0.0
        """Bits by which cells cost less as they are slips, at most."""
        self.zeros = [price_of_zeros(*each) for each in zip(self.axes, self.printed, strict=True)]
        """Of each cell, what its last zeros cost for each way to read it."""

    def quotable(self, cell: int) -> list[Quoted]:
        """What is printed elsewhere of the network as a cell has it, or with more digits."""
        claim = self.claims[cell]
        known = self._quotes(claim) if self.whole and claim.quantity in PLAIN else ()
        return [one for one in known if PLAIN[claim.quantity].holds(self.printed[cell], int(one.value))]

    def _quotes(self, claim: Claim) -> list[Quoted]:
        """What is printed elsewhere of its network, but for our own count: who prints that quotes nobody."""
        count = exact(self.subject.cost, TOTAL, PLAIN[claim.quantity]) or 0
        return [one for one in quoted(claim.reference, claim.quantity) if abs(one.value - count) * 1000 > count]

    def quote(self, of: Mapping[int, Quoted]) -> None:
        """Let cells be quoted, in columns of several sources: a price of the row, which they share."""
        self._priced.clear()
        for cell, one in of.items():
            claim = self.claims[cell]
            self.quoted[cell] = one
            plain = PLAIN[claim.quantity]
            count = exact(self.subject.cost, TOTAL, plain) or 0
            others = {known.value for known in self._quotes(claim) if not plain.holds(known.printed, count)}
            which = log2(len(others | {one.value}))
            self.quotes[cell] = _PRINTED[1] + bits("of several sources", "quoted") / len(of) + which

    def forget_slips(self) -> None:
        """Let no cell be a slip."""
        self._priced.clear()
        self.slips = [inf] * len(self.claims)
        self.saved = 0.0

    def slipped(self, cell: int, price: float, rule: int) -> bool:
        """Whether a cell costs less as a slip of this price, under a rule, than as any error; it does from now on."""
        before = self.wrong(cell)
        if before[rule] <= price:
            return False
        self._priced.clear()
        self.slips[cell] = price
        self.saved += float((before - self.wrong(cell)).max())
        return True

    def _far(self, cell: int) -> Any:
        import numpy as np

        axis = self.axes[cell]
        least = int(self.bounds[cell].exact[0].min())  # in the unit of the counts, which a share has its own of
        far = distances(least, self._counts(axis)).min(axis=0)
        whole = np.repeat(far[:: len(axis.parts)], len(axis.parts))
        return np.where(np.isfinite(far), far, whole)  # a part that it has not is as far as all of it

    def _other(self, cell: int) -> Any:
        import numpy as np

        source = self.raw[cell] + self.far[cell]
        if not self.whole:
            return np.array([bits("row of a network", "unknown") + source] * len(COLUMNS))
        axis, printed = self.axes[cell], self.printed[cell]
        own = raw(printed.digits, NEAR)
        apart = (_APART[0], *(_APART[0] if self.kin else one for one in _APART[1:]))
        rules = [own + of_another_rule(axis, self._counts(axis), printed, one) for one in apart]
        if not self.kin and self._is_ordinary(cell):
            rules[1:] = [np.minimum(rule, one) for rule, one in zip(rules[1:], apart[1:], strict=True)]
        kinds = zip(_RULE, rules, _SOURCE, strict=True)
        return np.array([np.minimum(one + rule, other + source) for one, rule, other in kinds])

    def _is_ordinary(self, cell: int) -> bool:
        """Whether twice its multiply-adds, or these, are printed so: then another paper's count needs no raw number."""
        axis = self.axes[cell]
        if axis.quantity != "ops":
            return False
        at = [axis.measures.index(one) * len(axis.parts) for one in OPS]
        low, high = self.bounds[cell].exact
        return bool(self._within(self._counts(axis)[:, at, None], low, high).any())

    def far_of(self, cell: int, readings: Any) -> Any:
        """By how many bits the number of a cell is too far from what is named, for readings as of `costs`."""
        import numpy as np

        count, ways = len(self.fits.pattern[cell]), len(self.axes[cell].ways)
        return np.where(readings < len(COLUMNS) * count, self.far[cell][readings % count // ways], 0.0)

    def add(self, candidates: Sequence[Candidate]) -> None:
        """Take more networks or scopes among those that the row may be about; what was fitted is fitted anew."""
        self.candidates = [*self.candidates, *candidates]
        for name in ("fits", "_kinds", "variants"):
            self.__dict__.pop(name, None)

    @cached_property
    def variants(self) -> list[str | None]:
        """The variants that its network has, the named one first."""
        return list(dict.fromkeys(one.variant for one in self.candidates))

    @cached_property
    def fits(self) -> Fits:
        """How its candidates fit its cells, a group being of one of its `variants`."""
        import numpy as np

        number = {variant: number for number, variant in enumerate(self.variants)}
        kinds = np.array([number[one.variant] for one in self.candidates])
        counts = {axis.quantity: self._counts(axis) for axis in self.axes}
        return fits_of([counts[axis.quantity] for axis in self.axes], self.bounds, kinds)

    def _counts(self, axis: Axis) -> Any:
        import numpy as np

        return np.array([one.counts[axis.quantity] for one in self.candidates])

    def printing(self, cell: int, reading: int | None = None) -> Any:
        """Which candidates print a cell under a reading: booleans; of all readings, (candidates, readings)."""
        low, high = self.bounds[cell].exact
        if reading is not None:
            rule, way = divmod(reading, len(low))
            low, high = low[way], high[way]
            return self._within([one.counts[self.axes[cell].quantity][rule] for one in self.candidates], low, high)
        counts = self._counts(self.axes[cell])[:, :, None]
        return self._within(counts, low, high).reshape(len(self.candidates), -1)

    def _within(self, counts: Any, low: Any, high: Any) -> Any:
        import numpy as np

        counts = np.asarray(counts)
        return (counts >= low) & (counts <= high)

    @cached_property
    def _kinds(self) -> tuple[Sequence[Candidate], Any]:
        """Candidates that differ in what `own_bits` asks for, and of each candidate the number of its like."""
        import numpy as np

        known: dict[tuple[object, ...], int] = {}
        found: list[Candidate] = []
        numbers = []
        for one in self.candidates:
            key = (one.bits, one.input, one.classes)
            if key not in known:
                known[key] = len(found)
                found.append(one)
            numbers.append(known[key])
        return found, np.array(numbers)

    def own_bits(self, shared: Shared, kin: str = "") -> Any:
        """What each candidate costs beside its variant, where the table shares so much; `kin` as of `Evidence`."""
        import numpy as np

        family = self.subject.network.spec.name
        different, numbers = self._kinds
        prices = [
            one.bits
            + self.known
            + (bits("knob", "own") if not one.bits else 0.0)
            + input_bits(one.input, shared.input, family, f"input{kin}")
            + classes_bits(one.classes, shared.classes)
            for one in different
        ]
        return np.array(prices)[numbers]

    def costs(self, cell: int, readings: Any, state: int | None = None) -> Any:
        """What a cell costs for each group of candidates under these readings; see `Evidence.price` for their numbers.

        With a state, of the descriptions in which it fares so: infinitely much in all others.
        """
        import numpy as np

        count = len(self.fits.pattern[cell])
        kind, known = readings // count % len(COLUMNS), readings % count
        ways = len(self.axes[cell].ways)
        if state is not None:
            every = self._values(cell, state)
        elif (every := self._priced.get(cell)) is None:
            every = self._priced[cell] = self._values(cell, None)
        values = every[:, kind, known // ways]
        if state in (None, PRINTED):
            values[HIT] += self.zeros[cell][known % ways]
        values[:, readings >= len(COLUMNS) * count] = self.raw[cell] if state in (None, UNKNOWN) else np.inf
        fits = self.fits.states[cell][:, self.fits.pattern[cell][known]]
        return values[fits, np.arange(len(readings))]

    def _values(self, cell: int, state: int | None) -> Any:
        """What a cell costs, printed, nearly or not, in each kind of column by each rule: (3, kinds, rules)."""
        import numpy as np

        never = np.full((len(COLUMNS), len(self.far[cell])), np.inf)
        hit = never if state not in (None, PRINTED) else np.broadcast_to(np.array(_PRINTED)[:, None], never.shape)
        missed = never if state == PRINTED else self._missed(cell, state)
        nearly = never if state == PRINTED else np.minimum(missed, self._off_by_one(cell, state)[:, None])
        if state in (None, PRINTED) and self.quoted[cell]:
            quotation = np.array([inf, self.quotes[cell], inf])[:, None]
            missed, nearly = np.minimum(missed, quotation), np.minimum(nearly, quotation)
        return np.array([hit, nearly, missed])

    def _missed(self, cell: int, state: int | None) -> Any:
        """What a cell costs that is not printed, by kind of column and rule: as an error, or else, or the less."""
        import numpy as np

        wrong = np.array(_WRONG)[:, None] + self.wrong(cell)
        other = self.others[cell]
        return np.minimum(wrong, other) if state is None else wrong if state == WRONG else other

    def wrong(self, cell: int) -> Any:
        """What the error of a cell costs by each rule, beside the price of being one."""
        import numpy as np

        far = np.where(np.isfinite(self.far[cell]), np.minimum(ASTRAY, self.far[cell]), np.inf)
        return np.minimum(self.slips[cell], bits("slip", "none of these") + self.raw[cell] + far)

    def _off_by_one(self, cell: int, state: int | None) -> Any:
        """What a cell costs whose last digit is off by one, the commonest error, for each kind of column.

        It need be none: a rule, or a model, that differs in a detail does the same to a number of many digits.
        """
        import numpy as np

        wrong = np.array(_WRONG) + _ROUNDED
        if not self.whole:
            return wrong if state != UNKNOWN else np.inf * wrong
        detail = 1 + max(0.0, log2(DETAIL / max(1, self.printed[cell].digits)))
        other = np.array(_DETAIL) + detail
        return np.minimum(wrong, other) if state is None else wrong if state == WRONG else other
