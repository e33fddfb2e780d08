"""Blocks: items of a spec that are called like operators, with arguments and defaults."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from convcost.errors import did_you_mean
from convcost.spec import document, expression
from convcost.spec.arguments import called
from convcost.spec.document import Mark, SpecError
from convcost.spec.expression import Expression, Value


class Argument(NamedTuple):
    """What a call says of an argument of its block."""

    name: str
    value: Value
    given: bool
    """Whether it stands in the call, and sees what that sees, or is the default, which sees what the body does."""


class Block:
    """A block of a spec: a named item with arguments."""

    def __init__(self, name: str, parameters: dict[str, Expression | None], body: document.Value, mark: Mark) -> None:
        self.name = name
        self.parameters = parameters
        """Arguments in order, with the expression of their default, or None."""
        self.body = body
        self.mark = mark
        self._read: dict[int, list[Argument]] = {}  # by id of the call's node, which the spec keeps

    def bind(self, parsed: Expression, node: ast.expr, env: Mapping[str, Any], inner: dict[str, Any]) -> None:
        """Add the arguments of a call, evaluated where it stands, and the defaults, to what the body sees.

        An argument can be a layer. Raises SpecError at the argument that is wrong.
        """
        if (arguments := self._read.get(id(node))) is None:
            arguments = self._read[id(node)] = list(self._arguments(parsed, node))
        for name, value, given in arguments:
            inner[name] = value(env if given else inner)

    def _arguments(self, parsed: Expression, node: ast.expr) -> Iterator[Argument]:
        _, arguments, keywords = called(node)
        if len(arguments) > len(self.parameters):
            raise SpecError(
                parsed.at(node), f"{self.name} takes {len(self.parameters)} arguments, got {len(arguments)}"
            )
        given = dict(zip(self.parameters, arguments, strict=False))
        for keyword in keywords:
            key = keyword.arg or ""
            if key not in self.parameters:
                hint = did_you_mean(key, self.parameters)
                raise SpecError(parsed.at(keyword), f"{self.name} has no argument {key!r}{hint}")
            if key in given:
                raise SpecError(parsed.at(keyword), f"{self.name}: {key} is given twice")
            given[key] = keyword.value
        for key, default in self.parameters.items():
            if key in given:
                yield Argument(key, expression.compiled(parsed, given[key]), True)
            elif default is not None:
                yield Argument(key, expression.compiled(default, default.node), False)
            else:
                raise SpecError(parsed.at(node), f"{self.name} needs the argument {key!r}")
