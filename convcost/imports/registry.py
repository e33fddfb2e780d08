"""Rules by name: how the readers of models enter what each layer or operator of theirs is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

R = TypeVar("R", bound=Callable[..., Any])


def entered_in(rules: dict[str, R]) -> Callable[..., Callable[[R], R]]:
    """A decorator that enters a function in these rules, under each of the names that it is called with.

    >>> rule = entered_in(RULES)
    >>> @rule("relu", "relu_")
    ... def _relu(...): ...
    """

    def of(*names: str) -> Callable[[R], R]:
        def named(function: R) -> R:
            rules.update(dict.fromkeys(names, function))
            return function

        return named

    return of
