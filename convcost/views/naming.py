"""What views say of units."""

from __future__ import annotations

from convcost.counters.rules import Rule


def unit(params: Rule, ops: Rule) -> str:
    """What the counts of a table mean."""
    return f"{params.name}: {params.meaning}; {ops.name}: {ops.meaning}"
