"""What the rules of Keras' layers and operations share: where they are entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcost.imports.kerasmodel import NoRuleError
from convcost.imports.registry import entered_in

Rule = Callable[..., Any]
LAYERS: dict[str, Rule] = {}
"""From the run, a layer, what Keras says that it makes, and its inputs, to what it makes."""
OPERATIONS: dict[str, Rule] = {}
"""From the run, an operation of `keras.ops`, what Keras says that it makes, and its arguments as they were given."""

of_layer = entered_in(LAYERS)

of_operation = entered_in(OPERATIONS)


def require(fits: object) -> None:
    """Leave the layer to its parts, as one without a rule, if it does not fit."""
    if not fits:
        raise NoRuleError
