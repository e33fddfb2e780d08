"""What the tests of audits share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import pytest

from convcost.auditing import audit
from convcost.auditing.audit import Audited
from convcost.cost.cost import Cost
from convcost.cost.doubts import warn_of
from convcost.exact.context import in_force
from convcost.network import Network
from convcost.published.claims import Claims
from convcost.spec.model import Spec

MOST_LAYERS = 400_000
"""Of all prices that are kept: more than all networks have together."""


@pytest.fixture(scope="session", autouse=True)
def audited_once() -> Iterator[None]:
    """`convcost.audit` and the command judge a table once in a session: the same claims have the same evidence."""
    judge = audit.audit_claims
    known: dict[Hashable, Audited] = {}

    def once(table: Claims) -> Audited:
        key = (table.title, tuple(table.claims))
        if key not in known:
            known[key] = judge(table)
        return known[key]._replace(table=table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "audit_claims", once)
        yield


@pytest.fixture(scope="session", autouse=True)
def priced_once() -> Iterator[None]:
    """A network is priced once in a session on the same input: nearly all audits look at the same few hundred.

    What it costs is immutable, and what was counted of it is kept with it, as for all rows of one table.
    """
    price = Network.price
    known: dict[Hashable, tuple[Spec, Cost]] = {}
    layers = 0

    def once(network: Network, /, input: Any = None, batch: Any = 1, **knobs: Any) -> Cost:
        nonlocal layers
        network = network.set(**knobs)
        shape = network.shape(input)
        if type(network) is not Network or type(shape) is not tuple or batch != 1 or in_force() is not None:
            return price(network, shape, batch)
        sizes = tuple(size.tobytes() if hasattr(size, "tobytes") else size for size in shape)
        key = (id(network.spec), network.reference, network.folds, *sizes, *network.settings.values())
        if key in known:
            found = known.pop(key)
            warn_of(found[1].graph, found[1].input, found[1]._priced)
        else:
            found = network.spec, price(network, shape)
            layers += len(found[1])
        known[key] = found
        while layers > MOST_LAYERS:
            layers -= len(known.pop(next(iter(known)))[1])
        return found[1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Network, "price", once)
        yield
