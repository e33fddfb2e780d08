"""A smaller audit, in ints alone: which variant of its network, counted by which rule, prints a number as it stands.

It searches no other inputs, no slips and no edits, and weighs nothing: where numpy is at hand,
`convcost.auditing.audit` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError, unwarned
from convcost.network import Network, load
from convcost.printed.numbers import Printed, Rounding
from convcost.published.claims import Claim, Claims
from convcost.published.counting import counts, exact
from convcost.published.layers import leads_of
from convcost.published.readings import PLAIN, Reading
from convcost.published.tables import TOTAL


class Count(NamedTuple):
    """What a variant of a network comes to by a rule."""

    reference: str
    measure: str
    exact: int
    rounding: Rounding = "half_up"
    """How it is printed: truncated only where nothing is printed so rounded."""


class Plain(NamedTuple):
    """A printed number with every count that is printed so, the most ordinary first, and the one that is nearest."""

    row: str
    column: str
    printed: Printed
    reading: Reading
    """What the number means if nothing is said of it."""
    holds: Sequence[Count]
    nearest: Count | None


def plainly(claims: Claims) -> list[Plain]:
    """Every number of a table; sizes are left out."""
    found = []
    for claim in claims.claims:
        if claim.printed is not None:
            network, cost = claims.priced[claim.reference]
            found.append(_of(claim, network, cost))
    return found


def of_network(claimed: dict[str, Printed], network: Network, part: str = "") -> list[Plain]:
    """Numbers that are claimed of a network, by what they count; of a part, of each layer or scope that it may be."""
    cost, name = network.price(), network.reference
    leads = leads_of(cost, part) if part else [TOTAL]
    return [
        _of(
            Claim(f"{name} {lead}" if part else name, quantity, str(printed), quantity, name, lead, printed),
            network,
            cost,
        )
        for quantity, printed in claimed.items()
        for lead in leads
    ]


def _of(claim: Claim, network: Network, cost: Cost) -> Plain:
    assert claim.printed is not None  # noqa: S101  # its callers have seen to it
    every = list(_counts(claim, network, cost))
    printed = claim.printed
    plain = PLAIN[claim.quantity]
    cut = plain._replace(rounding="truncated")
    holds = [count for count in every if plain.holds(printed, count.exact)] or [
        count._replace(rounding="truncated") for count in every if cut.holds(printed, count.exact)
    ]
    value = printed.value() * plain.one
    nearest = min(every, key=lambda count: abs(Fraction(count.exact) - value), default=None)
    return Plain(claim.row, claim.column, printed, plain, holds, nearest)


def _counts(claim: Claim, network: Network, cost: Cost) -> Iterator[Count]:
    """The network's own variant first, the most ordinary rule first."""
    for other, priced in _variants(network, cost):
        for measure in counts(claim.quantity):
            amount = exact(priced, claim.lead, Reading(claim.quantity, measure))
            if amount is not None:
                yield Count(other.reference, measure, amount)


def _variants(network: Network, cost: Cost) -> Iterator[tuple[Network, Cost]]:
    yield network, cost
    for variant in network.spec.variants_of(network.network):
        if variant != network.variant:
            other = load(f"{network.network}@{variant}") if network.spec.file else network
            try:
                with unwarned():
                    yield other, other.price(cost.input)
            except ConvcostError:  # it is of other inputs
                continue
