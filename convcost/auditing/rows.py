"""Rows: the cells of a table that are about one thing, what that may be, and what each cell costs then."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import log2
from typing import Any, NamedTuple

from convcost.auditing.axes import Axis, none_of_ours, price_of_zeros
from convcost.auditing.hypotheses import Candidate, Subject, classes_bits, input_bits
from convcost.auditing.prices import DETAIL, bits, raw
from convcost.ops import Shape
from convcost.published.claims import Claim
from convcost.published.tables import TOTAL

PRINTED, WRONG, UNKNOWN = range(3)
"""How a cell fares under a description: it is what it prints; it is an error; its network or rule is none of ours."""
COLUMNS = ("of one making", "of several sources", "careless")
_ROUNDED = bits("slip", "the last digit", 2)
_PRINTED = tuple(bits(kind, "printed") for kind in COLUMNS)


class Shared(NamedTuple):
    """What a table may have in common but for its readings and its families' variants."""

    input: Shape | None = None
    classes: int | None = None


class Row:
    """The cells of a table that are about the same, and what that may be."""

    def __init__(self, claims: Sequence[Claim], subject: Subject, axes: Sequence[Axis], factor: str = "row") -> None:
        """`axes` are those of the cells' columns; `factor` is that of the prices of its being known, or not."""
        self.claims = claims
        self.subject = subject
        self.axes = axes
        self.printed = [claim.printed for claim in claims if claim.printed]
        self.beside = [axis.bounds(printed, 1) for axis, printed in zip(self.axes, self.printed, strict=True)]
        self.bounds = [axis.bounds(printed) for axis, printed in zip(self.axes, self.printed, strict=True)]
        self.raw = [raw(printed.digits) for printed in self.printed]
        self.whole = claims[0].lead == TOTAL
        self.known = bits(factor, "known")
        loose = "row" if self.whole else factor
        self.unknown = bits(factor, "unknown") + sum(self.raw), bits(loose, "unknown") + sum(self.raw)
        """What it costs to be of a network that is none of ours: in a table of one making, and in another."""
        self.candidates: list[Candidate] = []
        self.add(subject.near)
        self.others = [self._other(cell) for cell in range(len(claims))]
        self.slips = [bits("slip", "none of these") + one for one in self.raw]

    def missed(self, cell: int, state: int | None = None) -> Any:
        """What a cell costs that is not printed, for each kind of column: as an error, or otherwise, or the less."""
        import numpy as np

        wrong = [bits(kind, "wrong") + self.slips[cell] for kind in COLUMNS]
        name, price = self.others[cell]
        other = [(bits(kind, name) if name else 0.0) + price for kind in COLUMNS]
        return np.minimum(wrong, other) if state is None else np.array(wrong if state == WRONG else other)

    def _other(self, cell: int) -> tuple[str, float]:
        """What a cell is that is neither printed nor an error, and its bits beside the price of being that."""
        if not self.whole:
            return "", bits("row of a network", "unknown") + self.raw[cell]
        counts = [one.counts[self.axes[cell].quantity] for one in self.candidates]
        return none_of_ours(self.axes[cell], counts, self.printed[cell])

    def add(self, candidates: Sequence[Candidate]) -> None:
        """More that it may be about."""
        self.candidates = [*self.candidates, *candidates]
        self.__dict__.pop("prints", None)
        self.__dict__.pop("nearly", None)

    @cached_property
    def prints(self) -> list[Any]:
        """Of each cell, which candidate prints it under which reading: a boolean array."""
        return self._within(self.bounds)

    @cached_property
    def nearly(self) -> list[Any]:
        """The same, with an error of one in the last digit."""
        return self._within(self.beside)

    def _within(self, bounds: Sequence[Any]) -> list[Any]:
        import numpy as np

        found = []
        for axis, (low, high) in zip(self.axes, bounds, strict=True):
            counts = np.array([one.counts[axis.quantity] for one in self.candidates])[:, :, None]
            found.append(((counts >= low) & (counts <= high)).reshape(len(self.candidates), -1))
        return found

    @cached_property
    def zeros(self) -> list[Any]:
        """Of each cell, what its last zeros cost for each way to read it."""
        return [price_of_zeros(*each) for each in zip(self.axes, self.printed, strict=True)]

    def own_bits(self, shared: Shared, kin: str = "") -> Any:
        """What each candidate costs beside its variant, where the table shares so much; `kin` as of `Evidence`."""
        import numpy as np

        family = self.subject.network.spec.name
        return np.array(
            [
                one.bits
                + self.known
                + (bits("knob", "own") if not one.bits else 0.0)
                + input_bits(one.input, shared.input, family, f"input{kin}")
                + classes_bits(one.classes, shared.classes)
                for one in self.candidates
            ]
        )

    def costs(self, cell: int, readings: Any, state: int | None = None) -> Any:
        """What a cell costs for each candidate under these readings; see `Evidence.price` for what they number.

        With a state, of the descriptions in which it fares so: infinitely much in all others.
        """
        import numpy as np

        kind, known, unread = self.meant(cell, readings)
        printed = self.prints[cell][:, known]
        hit = self.zeros[cell][known % len(self.axes[cell].ways)] + np.array(_PRINTED)[kind]
        missed = self.missed(cell, state)[kind]
        missed = np.where(self.nearly[cell][:, known], np.minimum(missed, self.off_by_one(cell, state)[kind]), missed)
        if state is not None:
            hit, missed = (hit, np.inf) if state == PRINTED else (np.inf, missed)
        whole = self.raw[cell] if state in (None, UNKNOWN) else np.inf
        return np.where(unread, whole, np.where(printed, hit, missed))

    def off_by_one(self, cell: int, state: int | None) -> Any:
        """What a cell costs whose last digit is off by one, the commonest error, for each kind of column.

        It need be none: a rule, or a model, that differs in a detail does the same to a number of many digits.
        """
        import numpy as np

        wrong = np.array([bits(kind, "wrong") for kind in COLUMNS]) + _ROUNDED
        if not self.whole:
            return wrong if state != UNKNOWN else np.inf * wrong
        detail = 1 + max(0.0, log2(DETAIL / max(1, self.printed[cell].digits)))
        other = np.array([bits(kind, "nearly our rule") for kind in COLUMNS]) + detail
        return np.minimum(wrong, other) if state is None else wrong if state == WRONG else other

    def meant(self, cell: int, readings: Any) -> tuple[Any, Any, Any]:
        """Of numbered readings the kind of the column, the reading, and whether it is the unknown one."""
        count = self.prints[cell].shape[1]
        return readings // count % len(COLUMNS), readings % count, readings >= len(COLUMNS) * count
