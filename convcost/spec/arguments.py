"""From a call of an operator to the record that it makes: what it says is read once, its values each time."""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import MISSING
from functools import cache
from typing import Any, NamedTuple

from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.context import in_force
from convcost.ops import OPERATORS, Op
from convcost.spec import expression
from convcost.spec.document import Mark, SpecError
from convcost.spec.expression import Expression, Value

_PLAIN = frozenset((int, bool, str, type(None)))
MAX_RECORDS = 10_000
"""How many records are remembered: a network in which no two layers are alike has as many."""


class Signature(NamedTuple):
    """What a record can be called with."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    flags: frozenset[str]
    """Arguments that are true or false."""


@cache
def signature(operator: str) -> Signature:
    """The arguments of an operator, in order."""
    known = OPERATORS[operator].fields
    return Signature(
        tuple(f.name for f in known),
        tuple(f.name for f in known if f.default is MISSING),
        frozenset(f.name for f in known if f.type == "bool"),
    )


class Part(NamedTuple):
    """An expression in a call, or in a default: where it is read, and which part of that."""

    source: Expression
    node: ast.expr


class Call(NamedTuple):
    """What a call of an operator says, with the spec's defaults for it."""

    cls: type[Op]
    place: Mark
    tensors: list[ast.expr] | None
    """The chains that a join joins, or the one that is taken besides the current tensor; None for one input."""
    arguments: dict[str, Value]
    then: Part | None
    """What follows it."""


class Link(NamedTuple):
    """A link of a chain: the name that it calls, '' if none, and what it says."""

    name: str
    node: ast.expr


class Calls:
    """Reads the calls of a spec, and its chains of them, each once: most stand in blocks, and are made many times."""

    def __init__(self, defaults: Mapping[str, Mapping[str, Expression]]) -> None:
        self._defaults = {kind: {k: Part(e, e.node) for k, e in known.items()} for kind, known in defaults.items()}
        self._read: dict[int, Call] = {}  # the spec keeps its expressions, so a node's id is its own
        self._links: dict[int, tuple[Link, ...]] = {}
        self.records = Records()
        """What they have made; not of symbols under assumptions, of which each run has its own."""

    def of(self, source: Expression, node: ast.expr) -> Call:
        """What a call says. Raises SpecError for arguments that its operator does not have or needs."""
        if (call := self._read.get(id(node))) is None:
            call = self._read[id(node)] = self._call(source, node)
        return call

    def links(self, node: ast.expr) -> tuple[Link, ...]:
        """The links of a chain `a >> b >> c`."""
        if (links := self._links.get(id(node))) is None:
            chain, first = [], node
            while isinstance(first, ast.BinOp) and isinstance(first.op, ast.RShift):
                chain.append(first.right)
                first = first.left
            links = self._links[id(node)] = tuple(Link(called(one)[0], one) for one in (first, *reversed(chain)))
        return links

    def _call(self, source: Expression, node: ast.expr) -> Call:
        kind, positional, keywords = called(node)
        cls, place = OPERATORS[kind], source.at(node)
        names, required, _ = signature(kind)
        given: dict[str, Part] = {}
        if cls.inputs is None:
            if not positional:
                raise few(kind, place)
        elif cls.inputs not in (0, 1):
            more = cls.inputs if len(positional) == cls.inputs and not names else cls.inputs - 1
            if len(positional) < more:
                other = "another layer" if more == 1 else f"{more} other layers"
                raise SpecError(place, f"{kind} needs {other}: {kind}({', '.join(['layer'] * more)})")
            positional, further = positional[:more], positional[more:]
            if len(further) > len(names):
                raise SpecError(place, f"{kind} takes {1 + len(names)} arguments, got {1 + len(further)}")
            given = {name: Part(source, value) for name, value in zip(names, further, strict=False)}
        elif len(positional) > len(names):
            raise SpecError(place, f"{kind} takes {len(names)} arguments, got {len(positional)}")
        else:
            given = {name: Part(source, value) for name, value in zip(names, positional, strict=False)}
        for keyword in keywords:
            if (key := keyword.arg or "") in given:
                raise SpecError(place, f"{kind}: {key} is given twice")
            given[key] = Part(source, keyword.value)
        parts = {**self._defaults.get(cls.name, {}), **given}
        then = parts.pop("then", None)
        for key in parts:
            if key not in names:
                raise SpecError(place, f"{kind} has no argument {key!r}{did_you_mean(key, names)}")
        for key in required:
            if key not in parts:
                raise SpecError(place, f"{kind} needs the argument {key!r}")
        tensors = None if cls.inputs in (0, 1) else positional
        arguments = {name: expression.compiled(*part) for name, part in parts.items()}
        return Call(cls, place, tensors, arguments, None if then is None or is_nothing(then.node) else then)


class Records:
    """Makes records, for equal values of a call each only once: in a network most calls repeat."""

    def __init__(self, plain: "Records | None" = None) -> None:
        """With others' records of plain values, which are the same under any assumptions."""
        self._made: dict[tuple[object, ...], Op] = {}
        self._plain: dict[tuple[object, ...], Op] = self._made if plain is None else plain._plain

    def make(self, call: Call, env: Mapping[str, Any], layer: str | None) -> Op:
        """The record of an operator, its arguments evaluated in env. Raises SpecError for values that it refuses."""
        values = [value(env) for value in call.arguments.values()]
        kinds = [*map(type, values)]
        known, epoch = (self._plain, None) if _PLAIN.issuperset(kinds) else (self._made, in_force())
        # With their types, because True == 1 and a flag is not a number.
        key = (epoch, id(call), *values, *kinds)
        try:
            made = known.get(key)
        except TypeError:  # arrays cannot be looked up
            return _make(call, values, layer)
        if made is None:
            if len(known) >= MAX_RECORDS:
                known.clear()
            made = known[key] = _make(call, values, layer)
        return made


def few(kind: str, place: Mark) -> SpecError:
    """The error of a join that is given less than two."""
    return SpecError(place, f"{kind} joins two tensors or more: {kind}(a, b)")


def _make(call: Call, values: Sequence[Any], layer: str | None) -> Op:
    return made(call.cls, dict(zip(call.arguments, values, strict=True)), call.place, layer)


def made(cls: type[Op], named: Mapping[str, Any], place: Mark, layer: str | None = None) -> Op:
    """The record of evaluated arguments. Raises SpecError for values that it refuses."""
    for flag in signature(cls.name).flags & named.keys():
        if not isinstance(named[flag], bool):
            raise SpecError(place, f"{cls.name}: {flag} must be true or false, got {named[flag]}")
    try:
        return cls(**named)
    except ConvcostError as error:
        where = f"layer {layer}: " if layer else ""
        raise SpecError(place, f"{where}{error}") from None


def called(node: ast.expr) -> tuple[str, list[ast.expr], list[ast.keyword]]:
    """Name, arguments and keywords of `f(...)` or of a bare `f`; the name is '' for anything else."""
    if isinstance(node, ast.Name):
        return node.id, [], []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id, node.args, node.keywords
    return "", [], []


def is_nothing(node: ast.expr) -> bool:
    """Whether a chain is `none` or `identity`."""
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Name) and node.id in ("none", "identity")
