"""A graph as the text of a spec, which is read again and has to be the same network.

Scopes of the graph are scopes of the spec wherever nothing but their last layer is used outside of them. What a layer
takes that is not the layer before it is written in a line of its own, as a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph, Node
from convcost.errors import ConvcostError, unwarned
from convcost.imports.folding import Blocks, Call, Line
from convcost.ops import REGISTRY, Op, format_shape, inputs_of
from convcost.ops.traced import Traced
from convcost.spec import document
from convcost.spec.model import _RESERVED, Spec

_BARE = ("same", "valid", "none", "tanh", "nearest", "bilinear", "caffe")
"""Words of the language that arguments can be."""

Path = tuple[str, ...]


class _Item(NamedTuple):
    """A layer, or a scope of them."""

    path: Path
    first: int
    """The number of its first layer, counted from 0."""
    last: int
    parts: tuple[_Item, ...] = ()
    """What a scope has; () for a layer."""


def spec_of(graph: Graph, source: str) -> str:
    """The spec of a graph. Raises ConvcostError, with the layer, for what the language cannot say."""
    writer = _Writer(graph)
    try:
        folded = writer.folded(source)
        _check(graph, folded)
    except ConvcostError:  # scopes that take several tensors, or of names that are not seen: it is written out
        text = writer.text(source)
        _check(graph, text)
        return text
    return folded


def _check(graph: Graph, text: str) -> None:
    """Read what was written, and refuse it if it is another network."""
    spec = Spec(document.parse(text, graph.name), text)
    with unwarned():
        again = Cost(spec.build(spec.name, graph.input, spec.settings(spec.name, None, {}))).rows
        own = Cost(graph).rows
    if [(row.inputs, row[3:7]) for row in again] != [(row.inputs, row[3:7]) for row in own]:
        raise ConvcostError(f"{graph.name}: the spec that was written is another network, and is not given")


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.inputs = tuple(inputs_of(graph.input))
        """The names of its inputs; the first layers are those beside the first one."""
        self.start = len(self.inputs) - 1
        for node in self.nodes[self.start :]:
            _require_said(node)
        self.flat = any(node.shares is not None for node in self.nodes)
        """Whether there are no scopes: of a layer that is used again the name has to be known."""
        self.uses: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            for tensor in node.inputs:
                self.uses.setdefault(tensor, []).append(number)
        for tensor in graph.outputs:
            self.uses.setdefault(tensor, []).append(len(self.nodes))
        self.items = self._items((), self.start, len(self.nodes) - 1)
        self.scopes: dict[int, list[Path]] = {}
        """Of each layer, the paths of the items that it is the last of, from the outermost."""
        self.parents: dict[Path, Path] = {}
        self._place(self.items, ())
        self.called: dict[Path, str] = {}
        self._name()

    # -- scopes ------------------------------------------------------------------------------------------------------

    def _items(self, path: Path, first: int, last: int) -> tuple[_Item, ...]:
        found: list[_Item] = []
        number = first
        while number <= last:
            parts = tuple(self.nodes[number].name.split("/"))
            scope = parts[: len(path) + 1]
            end = number
            while end < last and tuple(self.nodes[end + 1].name.split("/"))[: len(scope)] == scope:
                end += 1
            if end > number and self._closed(scope, number, end):
                found.append(_Item(scope, number, end, self._items(scope, number, end)))
                number = end + 1
            else:
                found += [_Item(tuple(self.nodes[n].name.split("/")), n, n) for n in range(number, end + 1)]
                number = end + 1
        return tuple(found)

    def _closed(self, scope: Path, first: int, last: int) -> bool:
        """Whether a run of layers is all of a scope, and outside of it only the last one's output is used."""
        elsewhere = (node for n, node in enumerate(self.nodes) if not first <= n <= last)
        if self.flat or any(tuple(node.name.split("/"))[: len(scope)] == scope for node in elsewhere):
            return False
        return all(user <= last for n in range(first, last) for user in self.uses.get(n + 1, ()))

    def _place(self, items: Sequence[_Item], parent: Path) -> None:
        for item in items:
            self.parents[item.path] = parent
            self.scopes.setdefault(item.last, []).append(item.path)
            self._place(item.parts, item.path)

    # -- names -------------------------------------------------------------------------------------------------------

    def _name(self) -> None:
        """Names of items: their own, but for what is referred to, and for words of the language."""
        referred: dict[Path, bool] = {}
        """What is taken by name, and whether from a scope within its own, where its name has to be the only one."""
        for tensor, scope in self._references():
            if tensor > self.start:
                path = self._seen(tensor - 1, scope)
                referred[path] = referred.get(path, False) or scope != self.parents[path]
        taken: set[tuple[Path, str]] = set()
        alone: set[str] = {*self.inputs}
        for path, parent in self.parents.items():
            name = path[-1] if path[:-1] == parent else "_".join(path[len(parent) :])
            if path in referred:
                name = "_".join(path) if referred[path] else name
                name = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
                name = name if name.isidentifier() else f"layer_{name}"
            name = f"{name}_1" if name in _RESERVED or name in REGISTRY else name
            base, n = name, 2
            while (parent, name) in taken or name in alone:
                name, n = f"{base}_{n}", n + 1
            taken.add((parent, name))
            alone |= {name} if referred.get(path) else set()
            self.called[path] = name

    def _references(self) -> Iterator[tuple[int, Path]]:
        """Tensors that are taken by name, and the scope from which."""
        current = 0
        for item, parent in self._layers(self.items, ()):
            node = self.nodes[item.first]
            if len(node.inputs) > 1:
                yield from ((tensor, parent) for tensor in node.inputs)
            elif node.inputs and node.inputs[0] != current:
                yield node.inputs[0], parent
            if node.shares is not None:
                yield node.shares + 1, parent
            current = item.first + 1
        yield from ((tensor, ()) for tensor in self.graph.outputs[:-1])

    def _layers(self, items: Sequence[_Item], parent: Path) -> Iterator[tuple[_Item, Path]]:
        for item in items:
            if item.parts:
                yield from self._layers(item.parts, item.path)
            else:
                yield item, parent

    def _seen(self, number: int, scope: Path) -> Path:
        """The item whose output is a layer's, as it is seen from a scope."""
        for path in self.scopes[number]:
            parent = self.parents[path]
            if scope[: len(parent)] == parent:
                return path
        raise ConvcostError(f"{self.graph.name}: layer {self.nodes[number].name} is not seen where it is used")

    # -- text --------------------------------------------------------------------------------------------------------

    def text(self, source: str) -> str:
        """The whole spec."""
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in self.graph.name.removeprefix("torch:"))
        head = [
            f"name: {_key(name or 'imported')}",
            f"source: {_key(source)}",
            f"input: {self._input()}",
        ]
        return "\n".join([*head, "", "layers:", *self._lines(self.items, (), "  ", [0]), ""])

    def _input(self) -> str:
        if not self.start:
            return format_shape(self.graph.input)
        shapes = inputs_of(self.graph.input).items()
        return f"{{{', '.join(f'{_key(name)}: {format_shape(shape)}' for name, shape in shapes)}}}"

    def folded(self, source: str) -> str:
        """The same with blocks, repeats, and norms and activations in the line of what they follow.

        Raises ConvcostError where a scope takes several tensors.
        """
        if self.flat or len(self.graph.outputs) > 1:
            raise ConvcostError("weights that are used again, and several outputs, have names")
        blocks = Blocks([*_RESERVED, *REGISTRY])
        lines = self._folded(self.items, (), 0, blocks)
        head = self.text(source).partition("\nlayers:")[0]
        written = [*blocks.written()]
        body = [f"  - {blocks.line(line)}" for line in lines]
        return "\n".join([head, *(["blocks:", *written, ""] if written else []), "layers:", *body, ""])

    def _folded(self, items: Sequence[_Item], parent: Path, entry: int, blocks: Blocks) -> list[Line]:
        """The lines of a scope that takes the tensor `entry`, and no other."""
        lines: list[Line] = []
        shown: dict[Path, str] = {}
        current = entry

        def reference(tensor: int) -> str:
            if tensor == entry or tensor <= self.start:
                return self._given(tensor) if tensor <= self.start else "input"
            path = self._seen(tensor - 1, parent)
            if path not in shown:
                raise ConvcostError(f"layer {self.nodes[tensor - 1].name} is outside of the scope that takes it")
            return shown[path]

        for item in items:
            given = {t for node in self.nodes[item.first : item.last + 1] for t in node.inputs if t <= item.first}
            alone = current == 0 or all(item.first <= user <= item.last for user in self.uses[current])
            node, last = self.nodes[item.first], lines[-1] if lines else ""
            name = _local(item.path[-1], shown.values())
            if item.parts:
                if len(given) != 1:
                    raise ConvcostError(f"scope {'/'.join(item.path)} takes {len(given)} tensors")
                body = self._folded(item.parts, item.path, min(given), blocks)
                line: Line = Call(name, *blocks.add(name, body)) if len(body) > 1 else body[0]
                if len(body) == 1:  # which needs no block
                    line = f"{name}: {line.partition(': ')[2]}" if isinstance(line, str) else line._replace(name=name)
                if (
                    isinstance(last, Call)
                    and isinstance(line, Call)
                    and last[1:3] == line[1:3]
                    and given == {current}
                    and alone
                ):
                    lines[-1] = last._replace(times=last.times + 1)
                    name = last.name
                    line = ""
            else:
                taken = [reference(tensor) for tensor in node.inputs] if len(node.inputs) > 1 else []
                call = _called(node.op, taken)
                line = f"{name}: {call}"
                follows = node.op.kind in ("norm", "activation") and given == {current} and alone
                if follows and last and isinstance(last, str) and ": " in last:
                    lines[-1] = f"{last} >> {call}"
                    name = last.partition(":")[0]
                    line = ""
            if line:
                if len(given) == 1 and given != {current} and (item.parts or len(node.inputs) == 1):
                    lines.append(reference(min(given)))
                lines.append(line)
            shown[item.path] = name
            current = item.last + 1
        return lines

    def _lines(self, items: Sequence[_Item], parent: Path, indent: str, current: list[int]) -> Iterator[str]:
        for item in items:
            name = _key(self.called[item.path])
            if item.parts:
                yield f"{indent}- {name}:"
                yield from self._lines(item.parts, item.path, f"{indent}    ", current)
                continue
            node = self.nodes[item.first]
            if len(node.inputs) == 1 and node.inputs[0] != current[0]:
                yield f"{indent}- {_key(self._reference(node.inputs[0], parent))}"
            yield f"{indent}- {name}: {self._call(node, parent)}"
            current[0] = item.first + 1
            if current[0] in self.graph.outputs and current[0] != len(self.nodes):
                yield f"{indent}- {{outputs: [identity]}}"

    def _reference(self, tensor: int, scope: Path) -> str:
        return self._given(tensor) if tensor <= self.start else self.called[self._seen(tensor - 1, scope)]

    def _given(self, tensor: int) -> str:
        """An input of the network: there is a first one in every scope, and those with names."""
        return self.inputs[tensor] if self.start else "input"

    def _call(self, node: Node, scope: Path) -> str:
        if node.shares is not None:
            return f"again({self._reference(node.shares + 1, scope)})"
        taken = [self._reference(tensor, scope) for tensor in node.inputs] if len(node.inputs) > 1 else []
        if node.op.name == "resize_like":
            raise ConvcostError(f"layer {node.name}: resize_like is not written yet")
        return _called(node.op, taken)


def _called(op: Op, taken: Sequence[str]) -> str:
    given = [*taken, *_arguments(op)]
    return f"{op.name}({', '.join(given)})" if given else op.name


def _local(name: str, others: Iterable[str]) -> str:
    """A name that can be referred to, and is none of the others."""
    name = f"unit_{name}" if name[:1].isdigit() else name
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in name)
    base = f"{name}_1" if name in _RESERVED or name in REGISTRY else name
    made, n = base, 2
    while made in others:
        made, n = f"{base}_{n}", n + 1
    return made


def _require_said(node: Node) -> None:
    """Refuse what the language has no words for."""
    if isinstance(node.op, Traced) or node.op.name not in REGISTRY:
        raise ConvcostError(f"layer {node.name}: no spec can say {node.op.name}")
    if node.counts is not None:
        raise ConvcostError(
            f"layer {node.name}: no spec can say that its weights are fixed, computed or shared in part"
        )


def _arguments(op: Op) -> Iterator[str]:
    """Arguments that are not the default, those without one by their places."""
    from dataclasses import MISSING

    for name, _, default in op.fields:
        value = getattr(op, name)
        if default is MISSING:
            yield _value(value)
        elif value != default:
            yield f"{name}={_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' * (len(value) == 1)})"
    if isinstance(value, str):
        return value if value in _BARE else repr(value)
    return str(value) if isinstance(value, int | Fraction) else repr(value)


def _key(text: str) -> str:
    """A text as YAML has it, in quotes where it would be anything else."""
    plain = text.isascii() and text.replace("_", "a").replace(".", "a").isalnum() and not text[:1].isdigit()
    words = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return text if plain and text.lower() not in words else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
