"""Sizes that tell when something is decided by them: a comparison of a size is a place where a formula may end."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple


class Decision(NamedTuple):
    """A comparison with a size, or with a number computed from sizes."""

    layer: str
    relation: str
    value: int
    other: object
    result: bool


class Watched(int):
    """A size that a module has read; what is computed from it is watched as well."""

    note: Callable[[str, int, object, bool], None]

    @classmethod
    def of(cls, value: int, note: Callable[[str, int, object, bool], None]) -> Watched:
        """A number, and what is told of its comparisons."""
        made = cls(value)
        made.note = note
        return made

    def __bool__(self) -> bool:
        result = int(self) != 0
        self.note("!=", int(self), 0, result)
        return result

    __hash__ = int.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return int, (int(self),)


def _computed(name: str) -> Any:
    own = getattr(int, name)

    def computed(self: Watched, *others: Any) -> Any:
        result = own(int(self), *map(_plain, others))
        return Watched.of(result, self.note) if type(result) is int else result

    return computed


def _compared(name: str, relation: str) -> Any:
    own = getattr(int, name)

    def compared(self: Watched, other: Any) -> Any:
        result = own(int(self), _plain(other))
        if result is NotImplemented and isinstance(other, float):
            result = getattr(operator, name.strip("_"))(float(int(self)), other)
        if result is not NotImplemented:
            self.note(relation, int(self), _plain(other), bool(result))
        return result

    return compared


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Watched) else value


for _name in ("add", "sub", "mul", "floordiv", "mod", "radd", "rsub", "rmul", "rfloordiv", "rmod", "neg", "pos", "abs"):
    setattr(Watched, f"__{_name}__", _computed(f"__{_name}__"))
for _name, _relation in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    setattr(Watched, f"__{_name}__", _compared(f"__{_name}__", _relation))
