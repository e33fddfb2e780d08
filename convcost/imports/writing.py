"""A graph as the text of a spec, which is read again and has to be the same network.

Scopes of the graph are scopes of the spec wherever nothing but their last layer is used outside of them. What a layer
takes that is not the layer before it is written in a line of its own, as a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph, Node
from convcost.errors import ConvcostError, unwarned, warn
from convcost.imports.folding import Folding, Said
from convcost.imports.nesting import Nesting
from convcost.imports.wording import Sized, called, fixed, key
from convcost.ops import REGISTRY, format_shape, inputs_of
from convcost.ops.traced import Traced
from convcost.spec import document
from convcost.spec.model import _RESERVED, Spec

Path = tuple[str, ...]


class _Item(NamedTuple):
    """A layer, or a scope of them."""

    path: Path
    first: int
    """The number of its first layer, counted from 0."""
    last: int
    parts: tuple[_Item, ...] = ()
    """What a scope has; () for a layer."""


_SIZED = ("reshape", "resize", "slice", "pad", "zeropad", "roll")
"""Operators whose arguments can be sizes of a map."""


def sizes_said(graph: Graph) -> bool:
    """Whether arguments of some layer can be sizes, which on another input are others."""
    return any(node.op.name in _SIZED for node in graph.nodes)


def spec_of(graph: Graph, source: str, classes: Mapping[Path, str] | None = None, symbolic: Graph | None = None) -> str:
    """The spec of a graph, its blocks called after the classes of modules by their paths.

    With the same graph on an input of symbols, arguments that are sizes of what a layer takes are said to be these, and
    those that are other sizes are warned of.

    Raises ConvcostError, with the layer, for what the language cannot say.
    """
    start = len(inputs_of(graph.input)) - 1
    for node in graph.nodes[start:]:
        _require_said(node)
    if all(node.shares is None for node in graph.nodes):
        try:
            sized = _sized(graph, symbolic)
            text = _nested(graph, source, classes or {}, sized)
            _check(graph, text)
        except ConvcostError:  # what it cannot say in scopes of its own, it says by names
            pass
        else:
            _warn_fixed(graph, sized)
            return text
    text = _Writer(graph).text(source)
    _check(graph, text)
    return text


def _sized(graph: Graph, symbolic: Graph | None) -> list[Sized | None]:
    """Each layer on an input of symbols, () if that is not known."""
    if symbolic is None or len(symbolic.nodes) != len(graph.nodes):
        return []
    layers = zip(symbolic.nodes, symbolic.evaluate(), strict=True)
    return [Sized(node.op, one.inputs[0]) if node.op.name in _SIZED and one.inputs else None for node, one in layers]


def _warn_fixed(graph: Graph, sized: Sequence[Sized | None]) -> None:
    found = [
        node.name
        for node, one in zip(graph.nodes, sized or [None] * len(graph.nodes), strict=True)
        if one and fixed(one)
    ]
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        warn(f"{graph.name}: the spec is of this input's size: so are arguments of layer {found[0]}{more}")


def _nested(graph: Graph, source: str, classes: Mapping[Path, str], sized: Sequence[Sized | None] = ()) -> str:
    """The spec with blocks, repeats, and what follows a layer in its line."""
    inputs = tuple(inputs_of(graph.input))
    biased = {*_without_bias(graph)}
    folding = Folding(Nesting(graph, len(inputs) - 1, biased, classes, sized).whole)
    whole = folding.whole
    said = Said(tuple(map(str, whole.instances[0])), inputs if len(inputs) > 1 else ("input",), frozenset(inputs))
    head = [*_head(graph, source), ""]
    if biased:
        head += ["defaults:", *(f"  {name}: {{bias: false}}" for name in sorted(biased)), ""]
    if blocks := [*folding.written()]:
        head += ["blocks:", *blocks, ""]
    return "\n".join([*head, "layers:", *folding.lines(whole, said, "  "), ""])


def _without_bias(graph: Graph) -> Iterator[str]:
    """Operators that have none of their biases, as a rule."""
    found: dict[str, Counter[bool]] = {}
    for node in graph.nodes:
        if node.op.name in ("conv", "dwconv", "conv_transpose"):
            found.setdefault(node.op.name, Counter())[bool(getattr(node.op, "bias", True))] += 1
    return (name for name, having in found.items() if having[False] > having[True] + 1)


def _head(graph: Graph, source: str) -> list[str]:
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in graph.name.removeprefix("torch:"))
    shapes = inputs_of(graph.input)
    several = f"{{{', '.join(f'{key(name)}: {format_shape(shape)}' for name, shape in shapes.items())}}}"
    said = several if len(shapes) > 1 else format_shape(graph.input)
    return [f"name: {key(name or 'imported')}", f"source: {key(source)}", f"input: {said}"]


def _check(graph: Graph, text: str) -> None:
    """Read what was written, and refuse it if it is another network."""
    spec = Spec(document.parse(text, graph.name), text)
    with unwarned():
        again = spec.build(spec.name, graph.input, spec.settings(spec.name, None, {}))
        rows, own = Cost(again).rows, Cost(graph).rows
    wired = [node[1:3] for node in again.nodes] == [node[1:3] for node in graph.nodes]
    same = [(row.inputs, row[3:7]) for row in rows] == [(row.inputs, row[3:7]) for row in own]
    if not (wired and same and sorted(again.outputs) == sorted(graph.outputs)):
        raise ConvcostError(f"{graph.name}: the spec that was written is another network, and is not given")


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.inputs = tuple(inputs_of(graph.input))
        """The names of its inputs; the first layers are those beside the first one."""
        self.start = len(self.inputs) - 1
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
        return "\n".join([*_head(self.graph, source), "", "layers:", *self._lines(self.items, (), "  ", [0]), ""])

    def _lines(self, items: Sequence[_Item], parent: Path, indent: str, current: list[int]) -> Iterator[str]:
        for item in items:
            name = key(self.called[item.path])
            if item.parts:
                yield f"{indent}- {name}:"
                yield from self._lines(item.parts, item.path, f"{indent}    ", current)
                continue
            node = self.nodes[item.first]
            if len(node.inputs) == 1 and node.inputs[0] != current[0]:
                yield f"{indent}- {key(self._reference(node.inputs[0], parent))}"
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
        return called(node.op, taken)


def _require_said(node: Node) -> None:
    """Refuse what the language has no words for."""
    if isinstance(node.op, Traced) or node.op.name not in REGISTRY:
        raise ConvcostError(f"layer {node.name}: no spec can say {node.op.name}")
    if node.counts is not None:
        raise ConvcostError(
            f"layer {node.name}: no spec can say that its weights are fixed, computed or shared in part"
        )
