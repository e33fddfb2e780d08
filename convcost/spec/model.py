"""A spec file, read and checked: its knobs, networks, variants, blocks and layers, and the graphs that it builds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from convcost.cost.graph import Graph
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import is_exact, unboxed
from convcost.ops import OPERATORS, REGISTRY, Shape
from convcost.spec import document, expression
from convcost.spec.arguments import Calls
from convcost.spec.block import Block
from convcost.spec.build import CONSTANTS, STRUCTURES, WORDS, Program
from convcost.spec.document import Mark, Scalar, SpecError, exact
from convcost.spec.expression import FUNCTIONS, Expression
from convcost.spec.inputs import Input, Several, read_input
from convcost.values import got, show

KEYS = (
    "name",
    "title",
    "family",
    "source",
    "notes",
    "input",
    "knobs",
    "let",
    "networks",
    "variants",
    "defaults",
    "blocks",
    "layers",
)
"""What a spec says, in the order in which one reads it."""
MAX_NETWORKS = 1_000
"""What all networks of a spec in all their variants may be, which `check` prices."""
NEEDED = ("name", "input", "layers")
KNOB_KEYS = ("default", "choices", "about")
PRESET_KEYS = ("about", "source", "input")
VARIANT_KEYS = (*PRESET_KEYS, "networks")
_RESERVED = {*WORDS, *STRUCTURES, *FUNCTIONS, "then"}
"""Names that nothing can have. Arguments can be called as operators are: what is applied is no number."""
_APPLIED = {*_RESERVED, *REGISTRY}
"""Names that no block, knob or value can have. Aliases of operators mean them where a spec has none of that name."""


class Knob(NamedTuple):
    """A value that a network can be asked for with: `--set classes=10`."""

    name: str
    default: Any
    choices: tuple[Any, ...] = ()
    about: str = ""
    decimal: bool = False
    """Whether its default is written with a decimal point."""

    def check(self, value: Any) -> Any:
        """The value, exact. Raises ConvcostError if it is of another type than the default, or not a choice."""
        value = exactly(value)
        if _kind(value) != _kind(self.default):
            raise ConvcostError(f"knob {self.name} takes {_kind(self.default)}, got {got(value)}")
        if self.choices and (hasattr(value, "dtype") or value not in self.choices):
            raise ConvcostError(
                f"knob {self.name} is one of {', '.join(map(show, self.choices))}; got {show(value)[:60]}"
                f"{did_you_mean(show(value), map(show, self.choices))}"
            )
        return value


class Preset(NamedTuple):
    """A named setting of knobs: a network of a family, or a variant."""

    name: str
    knobs: Mapping[str, Any]
    about: str = ""
    source: str = ""
    input: Input | Several | None = None
    networks: tuple[str, ...] = ()
    """The networks that a variant is of; () for all of its spec."""


class Spec:
    """One spec file. Raises SpecError, with file:line:column, for anything in it that is not right."""

    def __init__(self, top: document.Mapping, text: str = "") -> None:
        self.text = text
        self._parsed: dict[int, tuple[Scalar, Expression]] = {}  # by id of the scalar, which is kept for that
        _only(top, KEYS, "a spec")
        for key in NEEDED:
            if key not in top.entries:
                raise SpecError(top.mark, f"a spec needs the key {key!r}")
        self.file = top.mark.file
        self.name = _identifier(top, "name")
        self.title = document.text(top, "title") or self.name
        self.family = document.text(top, "family") or self.title
        self.source = document.text(top, "source")
        self.notes = document.text(top, "notes")
        self.knobs = {key: _knob(key, value, mark) for key, value, mark in document.entries(top, "knobs")}
        self._own = self._input(top.entries["input"])
        self.input = self._own.shape({name: knob.default for name, knob in self.knobs.items()})
        """The input that its networks are defined for, where they say no other."""
        self.networks = self._presets(top, "networks", PRESET_KEYS) or {self.name: Preset(self.name, {})}
        self.variants = self._presets(top, "variants", VARIANT_KEYS)
        if len(self.networks) * max(1, len(self.variants)) > MAX_NETWORKS:
            raise SpecError(top.marks["variants"], f"more than {MAX_NETWORKS:,} networks, each variant counted")
        self._let = {key: self._expression(value, key) for key, value, _ in document.entries(top, "let")}
        self._defaults: dict[str, dict[str, Expression]] = {}
        for key, value, mark in document.entries(top, "defaults"):
            found = self._default(key, value, mark)
            if (name := OPERATORS[key].name) in self._defaults:
                raise SpecError(mark, f"defaults for {name}, which there are already")
            self._defaults[name] = found
        self._calls = Calls(self._defaults)
        self._blocks = dict(self._block(key, value, mark) for key, value, mark in document.entries(top, "blocks"))
        self._layers = top.entries["layers"]
        used = self._check_names(top)
        self.sized = {"flatten", "in_channels"} <= used or "in_shape" in used
        """Whether a graph's structure can depend on its input's sizes: flatten makes channels of them."""

    @classmethod
    def read(cls, path: Path) -> Spec:
        """Read a spec file."""
        text = document.read_text(path)
        return cls(document.parse(text, str(path)), text)

    @classmethod
    def of_layers(cls, layers: str, input: str) -> Spec:
        """A spec of nothing but layers and an input, each written as in a file: `conv(64, 7) >> relu`, `3x224x224`."""
        mark = Mark("layers", 1, 1)
        entries: dict[str, document.Value] = {
            "name": Scalar("layers", "layers", mark),
            "input": Scalar(input, input, mark._replace(file="input")),
            "layers": document.Sequence((document.value(layers, mark.file),), mark),
        }
        return cls(document.Mapping(entries, dict.fromkeys(entries, mark), mark))

    def settings(self, network: str, variant: str | None, knobs: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every knob: the spec's defaults, then the network's, the variant's, and those given."""
        values = {name: knob.default for name, knob in self.knobs.items()}
        values.update(self.networks[network].knobs)
        if variant is not None:
            values.update(self.variants[variant].knobs)
        for name, value in knobs.items():
            if name not in self.knobs:
                known = f"; its knobs are {', '.join(self.knobs)}" if self.knobs else "; it has no knobs"
                raise ConvcostError(f"{network} has no knob {name!r}{did_you_mean(name, self.knobs) or known}")
            values[name] = self.knobs[name].check(value)
        return values

    def values_of(self, knob: str) -> list[Any]:
        """Every value that the spec gives a knob, or elements of it."""
        presets = (*self.networks.values(), *self.variants.values())
        preset = (preset.knobs[knob] for preset in presets if knob in preset.knobs)
        values = (self.knobs[knob].default, *self.knobs[knob].choices, *preset)
        return [part for value in values for part in (value if isinstance(value, tuple) else (value,))]

    def variants_of(self, network: str) -> dict[str, Preset]:
        """The variants of a network by name; the first is its default."""
        return {name: v for name, v in self.variants.items() if not v.networks or network in v.networks}

    def default_variant(self, network: str) -> str | None:
        """The first of a network's variants, None if it has none."""
        return next(iter(self.variants_of(network)), None)

    def defined_input(self, network: str, variant: str | None) -> Input | Several:
        """The input that a network is defined for, perhaps in terms of its knobs."""
        chosen = self.variants[variant].input if variant is not None else None
        return chosen or self.networks[network].input or self._own

    def input_of(self, network: str, variant: str | None) -> Shape:
        """The input shape of a network whose knobs nobody has set."""
        return self.defined_input(network, variant).shape(self.settings(network, variant, {}))

    def build(self, name: str, input: Shape, settings: Mapping[str, Any]) -> Graph:
        """The graph for an input shape and the value of every knob (see `settings`)."""
        env = dict(settings)
        for key, parsed in self._let.items():
            env[key] = expression.evaluate(parsed, parsed.node, {**CONSTANTS, **env})
        return Program(self._layers, self._blocks, self._calls, self._parse, env).build(name, input)

    # -- reading -------------------------------------------------------------------------------------------------

    def _parse(self, scalar: Scalar) -> Expression:
        if (found := self._parsed.get(id(scalar))) is None:
            found = self._parsed[id(scalar)] = scalar, expression.parse(scalar)
        return found[1]

    def _expression(self, value: document.Value, what: str) -> Expression:
        if not isinstance(value, Scalar):
            raise SpecError(value.mark, f"{what} takes an expression")
        return self._parse(value)

    def _presets(self, top: document.Mapping, key: str, words: tuple[str, ...]) -> dict[str, Preset]:
        return {name: self._preset(name, value, mark, words) for name, value, mark in document.entries(top, key)}

    def _preset(self, name: str, value: document.Value, mark: Mark, words: tuple[str, ...]) -> Preset:
        if "@" in name or "/" in name or ":" in name:
            raise SpecError(mark, "a name here has none of @ / :")
        if isinstance(value, Scalar) and value.value is None:
            return Preset(name, {})
        if not isinstance(value, document.Mapping):
            raise SpecError(value.mark, f"{name} takes a mapping from knobs to values")
        knobs = {}
        for key, part in value.entries.items():
            if key in words:
                continue
            if key not in self.knobs:
                hint = did_you_mean(key, [*self.knobs, *words])
                raise SpecError(value.marks[key], f"{name} sets an unknown knob {key!r}{hint}")
            try:
                knobs[key] = self.knobs[key].check(literal(part))
            except SpecError:
                raise
            except ConvcostError as error:
                raise SpecError(part.mark, str(error)) from None
        shape = self._input(value.entries["input"]) if "input" in value.entries else None
        networks = self._networks_of(value, words)
        return Preset(name, knobs, document.text(value, "about"), document.text(value, "source"), shape, networks)

    def _input(self, value: document.Value) -> Input | Several:
        found = read_input(value, {name: knob.default for name, knob in self.knobs.items()})
        if isinstance(found, Several) and isinstance(value, document.Mapping):
            for name in found.parts:
                if name in _APPLIED:
                    raise SpecError(value.marks[name], f"{name!r} cannot name an input: it is a word of the language")
        return found

    def _networks_of(self, value: document.Mapping, words: tuple[str, ...]) -> tuple[str, ...]:
        found = value.entries.get("networks") if "networks" in words else None
        if found is None:
            return ()
        names = literal(found)
        names = names if isinstance(names, tuple) else (names,)
        names = tuple(map(str, names))
        for name in names:
            if name not in self.networks:
                raise SpecError(found.mark, f"there is no network {name!r}{did_you_mean(name, self.networks)}")
        return names

    def _default(self, kind: str, value: document.Value, mark: Mark) -> dict[str, Expression]:
        if kind not in OPERATORS:
            raise SpecError(mark, f"defaults for an unknown operator {kind!r}{did_you_mean(kind, OPERATORS)}")
        if not isinstance(value, document.Mapping):
            raise SpecError(value.mark, f"the defaults of {kind} are a mapping from arguments to expressions")
        known = (*(field.name for field in OPERATORS[kind].fields), "then")
        for key in value.entries:
            if key not in known:
                raise SpecError(value.marks[key], f"{kind} has no argument {key!r}{did_you_mean(key, known)}")
        return {key: self._expression(part, key) for key, part in value.entries.items()}

    def _block(self, header: str, body: document.Value, mark: Mark) -> tuple[str, Block]:
        parsed = self._parse(Scalar(header, header, mark))
        node = parsed.node
        arguments: list[ast.expr] = []
        keywords: list[ast.keyword] = []
        if isinstance(node, ast.Call):
            arguments, keywords, node = node.args, node.keywords, node.func
        if not isinstance(node, ast.Name) or not all(isinstance(a, ast.Name) for a in arguments):
            raise SpecError(mark, "a block is written as name(argument, argument=default)")
        if node.id in _APPLIED:
            raise SpecError(mark, f"{node.id} is already an operator or a word of the language")
        parameters: dict[str, Expression | None] = {a.id: None for a in arguments if isinstance(a, ast.Name)}
        for keyword in keywords:
            parameters[keyword.arg or ""] = parsed._replace(node=keyword.value)
        if len(parameters) < len(arguments) + len(keywords):
            raise SpecError(mark, f"block {node.id} has two arguments of one name")
        for name in parameters:
            if name in _RESERVED:
                raise SpecError(mark, f"block {node.id}: {name!r} is a word of the language")
        return node.id, Block(node.id, parameters, body, mark)

    def _check_names(self, top: document.Mapping) -> set[str]:
        """Refuse reserved names, and knobs, values, blocks and arguments that nothing mentions. Returns all names."""
        body = {name: set(self._names(block.body)) for name, block in self._blocks.items()}
        shared = {
            n for defaults in self._defaults.values() for e in defaults.values() for n in expression.names(e.node)
        }
        shared.update(n for e in self._let.values() for n in expression.names(e.node))
        inputs = [self._own, *(preset.input for preset in (*self.networks.values(), *self.variants.values()))]
        used = shared.union(self._names(self._layers), *body.values(), *(one.knobs for one in inputs if one))
        for block in self._blocks.values():
            defaults = {n for d in block.parameters.values() if d is not None for n in expression.names(d.node)}
            used |= defaults
            for name in block.parameters:
                if name not in body[block.name] | defaults:
                    raise SpecError(block.mark, f"block {block.name} never uses its argument {name!r}")
            if block.name not in used:
                raise SpecError(block.mark, f"block {block.name} is never used")
        for section in ("knobs", "let"):
            for name, _, mark in document.entries(top, section):
                if name in _APPLIED or not name.isidentifier():
                    raise SpecError(mark, f"{name!r} cannot name a value: it is a word of the language or not a name")
                if name not in used:
                    raise SpecError(mark, f"{name!r} is never used")
        for name in self._let:
            if name in self.knobs:
                raise SpecError(top.marks["let"], f"{name!r} is a knob already")
        return used

    def _names(self, value: document.Value) -> Iterator[str]:
        """Every name mentioned in the expressions of an item, parsing them all."""
        if isinstance(value, Scalar):
            if value.value is not None:
                yield from expression.names(self._parse(value).node)
        elif isinstance(value, document.Sequence):
            for item in value.items:
                yield from self._names(item)
        else:
            for key, item in value.entries.items():
                if key != "index":
                    yield from self._names(item)


def literal(value: document.Value) -> Any:
    """A YAML value as plain data: scalars and lists of them. Raises SpecError for a mapping."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, document.Sequence):
        return tuple(literal(item) for item in value.items)
    raise SpecError(value.mark, "a plain value or a list is needed here")


def _knob(name: str, value: document.Value, mark: Mark) -> Knob:
    if not isinstance(value, document.Mapping):
        return Knob(name, literal(value), decimal=_is_decimal(value))
    _only(value, KNOB_KEYS, f"knob {name}")
    if "default" not in value.entries:
        raise SpecError(mark, f"knob {name} needs a default")
    choices = literal(value.entries["choices"]) if "choices" in value.entries else ()
    if not isinstance(choices, tuple):
        raise SpecError(value.entries["choices"].mark, f"the choices of knob {name} are a list")
    default = value.entries["default"]
    knob = Knob(name, literal(default), choices, document.text(value, "about"), _is_decimal(default))
    try:
        knob.check(knob.default)
    except ConvcostError as error:
        raise SpecError(mark, str(error)) from None
    return knob


def exactly(value: Any) -> Any:
    """A float as the decimal that it is written as, a list as a tuple."""
    value = unboxed(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(exactly, value))
    return exact(Fraction(repr(value))) if isinstance(value, float) and isfinite(value) else value


def _is_decimal(value: document.Value) -> bool:
    return isinstance(value, Scalar) and not isinstance(value.value, str) and "." in value.text


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a word"
    if isinstance(value, tuple):
        return "a list"
    if value is None:
        return "nothing"
    return "a number" if is_exact(value) else type(value).__name__


def _identifier(top: document.Mapping, key: str) -> str:
    text = document.text(top, key)
    if not text or set(text) & set("@/: "):
        raise SpecError(top.entries[key].mark, f"{key} is one word without @ / or :")
    return text


def _only(value: document.Mapping, allowed: tuple[str, ...], what: str) -> None:
    for key in value.entries:
        if key not in allowed:
            raise SpecError(value.marks[key], f"{what} has no key {key!r}{did_you_mean(key, allowed)}")
