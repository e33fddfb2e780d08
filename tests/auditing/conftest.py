"""What the tests of audits share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from priced_once import priced_once

from convcost.auditing import audit
from convcost.auditing.audit import Audited
from convcost.published.claims import Claims

__all__ = ["priced_once"]


_KNOWN: dict[Hashable, Audited] = {}


@pytest.fixture(scope="module", autouse=True)
def audited_once() -> Iterator[None]:
    """In this room, a table is judged once in a session: the same claims have the same evidence."""
    judge = audit.audit_claims

    def once(table: Claims) -> Audited:
        key = (table.title, tuple(table.claims))
        if key not in _KNOWN:
            _KNOWN[key] = judge(table)
        return _KNOWN[key]._replace(table=table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "audit_claims", once)
        yield
