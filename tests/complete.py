"""What is said when an operator or a tool is missing somewhere: which file wants which line."""

from __future__ import annotations

from collections.abc import Iterable


def require_lines(has: Iterable[str], wanted: Iterable[str], place: str, line: str) -> None:
    """Assert that `has` names what is `wanted`, and nothing else.

    Args:
        has: the names that stand in the place.
        wanted: the names that have to.
        place: the file, and what in it: `tests/cases/operators.py, CASES`.
        line: what a line there looks like, `{}` for the name.
    """
    has, wanted = set(has), set(wanted)
    said = [f"{place} wants a line: {line.format(name)}" for name in sorted(wanted - has)]
    said += [f"{place} has {name}, which there is not" for name in sorted(has - wanted)]
    assert not said, "\n".join(said)
