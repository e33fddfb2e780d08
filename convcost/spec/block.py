"""Blocks: items of a spec that are called like operators, with arguments and defaults."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from convcost.cost.graph import Tensor
from convcost.errors import did_you_mean
from convcost.spec import document, expression
from convcost.spec.arguments import called
from convcost.spec.document import Mark, SpecError
from convcost.spec.expression import Expression


class Block:
    """A block of a spec: a named item with arguments."""

    def __init__(self, name: str, parameters: dict[str, Expression | None], body: document.Value, mark: Mark) -> None:
        self.name = name
        self.parameters = parameters
        """Arguments in order, with the expression of their default, or None."""
        self.body = body
        self.mark = mark

    def bind(self, parsed: Expression, node: ast.expr, env: Mapping[str, Any], inner: dict[str, Any]) -> None:
        """Add the arguments of a call, evaluated where it stands, and the defaults, to what the body sees.

        Raises SpecError at the argument that is wrong.
        """
        _, arguments, keywords = called(node)
        if len(arguments) > len(self.parameters):
            raise SpecError(
                parsed.at(node), f"{self.name} takes {len(self.parameters)} arguments, got {len(arguments)}"
            )
        values = dict(zip(self.parameters, (_argument(parsed, a, env) for a in arguments), strict=False))
        for keyword in keywords:
            key = keyword.arg or ""
            if key not in self.parameters:
                hint = did_you_mean(key, self.parameters)
                raise SpecError(parsed.at(keyword), f"{self.name} has no argument {key!r}{hint}")
            if key in values:
                raise SpecError(parsed.at(keyword), f"{self.name}: {key} is given twice")
            values[key] = _argument(parsed, keyword.value, env)
        for key, default in self.parameters.items():
            if key in values:
                inner[key] = values[key]
            elif default is not None:
                inner[key] = expression.evaluate(default, default.node, inner)
            else:
                raise SpecError(parsed.at(node), f"{self.name} needs the argument {key!r}")


def _argument(parsed: Expression, node: ast.expr, env: Mapping[str, Any]) -> Any:
    """A block's argument: a layer by name, or a value."""
    if isinstance(node, ast.Name) and isinstance(env.get(node.id), Tensor):
        return env[node.id]
    return expression.evaluate(parsed, node, env)
