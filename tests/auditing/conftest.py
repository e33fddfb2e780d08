"""What the tests of audits share."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from priced_once import priced_once

from convcost.auditing import audit
from convcost.auditing.audit import Audited
from convcost.published.claims import Claims

__all__ = ["priced_once"]


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
