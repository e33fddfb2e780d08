"""Ratios: what is said of two networks at once, "50x fewer parameters than AlexNet", as counts of a pair of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from convcost.auditing.axes import Axis
from convcost.auditing.hypotheses import Candidate
from convcost.network import Network
from convcost.published.quotients import MOST_TIMES, OF, RATIOS, quotient

_MOST = 40
"""Of the candidates of each network, the cheapest that are paired."""


class Against(NamedTuple):
    """What a network is compared with."""

    network: Network
    less: frozenset[str]
    """Of which of the quantities the network is said to have less, and not more."""


def pairs(
    first: tuple[Sequence[Candidate], Any],
    second: tuple[Sequence[Candidate], Any],
    axes: Mapping[str, Axis],
    less: AbstractSet[str],
) -> tuple[list[Candidate], Any]:
    """What two networks may be together, and what that costs: both are counted by one rule.

    Args:
        first: the candidates of the one of which something is said, and what each costs.
        second: those of the one that it is compared with.
        axes: of the ratios, by quantity: `ratios of` counts in times, `shares of` in percent of the second's.
        less: the quantities of which the first is said to have less.
    """
    import numpy as np

    found, prices = [], []
    for i in np.argsort(first[1], kind="stable")[:_MOST]:
        for k in np.argsort(second[1], kind="stable")[:_MOST]:
            one, other = first[0][i], second[0][k]
            if one.input != other.input:
                continue  # both on their own inputs, or both on another
            counts = {
                name: _compared(one.counts[of], other.counts[of], name, less=name in less)
                for name, of in {**RATIOS, **OF}.items()
                if name in axes
            }
            found.append(one._replace(label=f"{one.label} against {other.label}", counts=counts))
            prices.append(first[1][i] + second[1][k])
    return found, np.array(prices)


def _compared(one: Any, other: Any, name: str, *, less: bool) -> Any:
    """The quotients of counts, -1 where there is none: a third as many are 3 times fewer, and 67 % fewer."""
    import numpy as np

    if name in RATIOS:
        part, whole = (other, one) if less else (one, other)
    else:
        part, whole = (other - one if less else one - other), other
    fits = (one > 0) & (other > 0) & (part >= 0) & (part < MOST_TIMES * whole)
    return np.where(fits, quotient(np.where(fits, part, 0), np.where(fits, whole, 1)), -1)
