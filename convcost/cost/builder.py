"""The builder of layer graphs: node by node, with shapes checked as it goes, or whole runs of nodes again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from typing import NamedTuple

from convcost.cost.graph import (
    Built,
    Evaluated,
    Graph,
    Memo,
    Node,
    Repeat,
    costs_apart,
    evaluated,
    given,
    located,
    node_of,
    require_same_weights,
)
from convcost.cost.inputs import Given, as_input
from convcost.errors import ConvcostError
from convcost.exact.context import in_force
from convcost.exact.integers import equal
from convcost.ops import Input, Op, Params, Shape, inputs_of
from convcost.ops.repeat import Step, Steps


class Tensor:
    """A value in a graph under construction; it is never changed."""

    __slots__ = ("index", "name", "shape")

    def __init__(self, index: int, shape: Shape, name: str) -> None:
        self.index, self.shape, self.name = index, shape, name

    def __str__(self) -> str:
        return f"the layer {self.name}" if self.index else "the input"


class Run(NamedTuple):
    """Nodes one after the other, from one input and in a scope of their own, that a builder can repeat."""

    first: int
    """The number of the tensor that its first node makes."""
    input: int
    """That of the tensor that it is built on, the only one from before it that it takes."""
    out: int
    scope: str
    nodes: tuple[Node, ...]
    tensors: tuple[Tensor, ...]
    results: list[Evaluated]


class GraphBuilder:
    """Builds a graph node by node, checking shapes as it goes.

    >>> g = GraphBuilder("tiny", input=(3, 32, 32))
    >>> x = g.add(Conv(16, 3, padding="same"), g.input, name="conv1")
    >>> with g.scope("head"):
    ...     x = g.add(GlobalAvgPool(), x)
    ...     x = g.add(Linear(10), x, name="fc")
    >>> graph = g.graph()

    Several inputs have names: of `input={"image": (3, 64, 64), "text": (77, 512)}`, `g.inputs["text"]` is the second.
    """

    def __init__(self, name: str, input: Given) -> None:
        self.name = name
        self.input_shape = as_input(name, input)
        first, *others = inputs_of(self.input_shape)
        self.input = Tensor(0, tuple(self.input_shape), first)
        """The graph's input, the first of several."""
        self._tensors = [self.input]
        self.nodes: list[Node] = []
        """What has been added, to be read alone."""
        self._scopes: list[str] = []  # full names, the innermost last
        self._names: dict[str, int] = {}  # with the number to try next for another of the name
        self._auxiliary = 0
        self._arrays = False
        self.outputs: list[int] = []
        """The outputs that have been declared, by number of the tensor."""
        self.repeats: tuple[Repeat, ...] = ()
        """The symbolic repeats that are being built, from the outermost."""
        self._ops: dict[Op, Op] = {}
        self._known: dict[int, tuple[Op, Op]] = {}  # by id, an operator that was added and the one it is equal to
        self._memo: Memo = {}
        self._results: list[Evaluated] = []
        for other in others:
            self.nodes.append(Node(self._unique(other, named=True, place=""), Input(), ()))
            self._tensors.append(Tensor(len(self.nodes), inputs_of(self.input_shape)[other], other))
            self._results.append(given(self.nodes[-1], self.input_shape))
        self.inputs: Mapping[str, Tensor] = dict(zip((first, *others), self._tensors, strict=True))
        """The graph's inputs by name; a single one that was given none is called input."""

    def __len__(self) -> int:
        return len(self.nodes)

    def add(
        self, op: Op, *inputs: Tensor, name: str | None = None, place: object = "", counts: Params | None = None
    ) -> Tensor:
        """Append an operator. Without a name it gets the operator's, numbered from the second on.

        `counts` is what it stores, where that is not its operator's rule.

        Raises ConvcostError if the name is taken, or the inputs are of another graph or do not fit the operator.
        """
        if not isinstance(op, Op):
            raise ConvcostError(f"{self.name}: an operator is a record such as ReLU(), got {op!r}")
        return self._add(self._shared(op), inputs, name, place, op.name, None, counts)

    def again(self, layer: Tensor, *inputs: Tensor, name: str | None = None, place: object = "") -> Tensor:
        """Use the layer that made a tensor once more, with the same weights, on other inputs.

        Without a name it gets that layer's, numbered. One that has no weights is a layer of its own.
        Raises ConvcostError as `add` does, and if its weights do not fit the inputs or no layer made the tensor.
        """
        if not self._made(layer):
            raise ConvcostError(f"{self.name}: what is used again is a layer that this builder has made, got {layer}")
        first = self.nodes[layer.index - 1]
        shares = layer.index - 1 if first.shares is None else first.shares
        owner = self.nodes[shares]
        xs = tuple([self._tensors[i].shape for i in owner.inputs])
        own = evaluated(self._memo, in_force(), owner.op, xs).params
        default = first.name.rpartition("/")[2]
        return self._add(first.op, inputs, name, place, default, None if equal(own.total, 0) else shares)

    def _add(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        name: str | None,
        place: object,
        default: str,
        shares: int | None = None,
        counts: Params | None = None,
    ) -> Tensor:
        nodes, tensors = self.nodes, self._tensors
        for x in inputs:
            if not isinstance(x, Tensor) or x.index >= len(tensors) or tensors[x.index] is not x:
                raise ConvcostError(f"{self.name}: {op.name} takes tensors that this builder has made, got {x!r}")
        full = self._unique(default if name is None else name, named=name is not None, place=place)
        if len(inputs) == 1:  # as most have: in less time
            x = inputs[0]
            taken: tuple[int, ...] = (x.index,)
            shapes: tuple[Shape, ...] = (x.shape,)
        else:
            taken, shapes = tuple([x.index for x in inputs]), tuple([x.shape for x in inputs])
        node = node_of((full, op, taken, self._auxiliary > 0, place, self.repeats, shares, counts))
        try:
            one = evaluated(self._memo, in_force(), op, shapes)
            if shares is not None:
                first = nodes[shares]
                require_same_weights(first, [tensors[i].shape for i in first.inputs], tensors[shares + 1].shape, one)
        except ConvcostError as error:
            del self._names[full]
            raise located(error, node, [(x.name, x.shape) for x in inputs]) from None
        nodes.append(node)
        self._results.append(one)
        made = Tensor(len(nodes), one.shape, full)
        tensors.append(made)
        return made

    @property
    def situation(self) -> object:
        """What a run depends on besides its layers and its input: a key, equal where it may be repeated."""
        return in_force(), self._auxiliary > 0, self.repeats

    def run(self, first: int, x: Tensor, out: Tensor) -> Run:
        """The nodes from `first` on, counted from 0, which take no tensor from before them but x."""
        nodes = tuple(self.nodes[first:])
        tensors, results = tuple(self._tensors[first + 1 :]), self._results[first:]
        return Run(first + 1, x.index, out.index, self.within(""), nodes, tensors, results)

    def repeated(self, run: Run, x: Tensor) -> Tensor:
        """Add a run's nodes again, on an input of the same shape, in a scope which has no layers yet."""
        nodes, tensors, names = self.nodes, self._tensors, self._names
        scope, cut, moved = self.within(""), len(run.scope), len(tensors) - run.first
        own, entry = run.input, x.index
        for (name, op, inputs, aux, place, repeats, shares, counts), tensor in zip(run.nodes, run.tensors, strict=True):
            name = scope + name[cut:]
            if len(inputs) == 1:  # as most have: in half the time
                taken: tuple[int, ...] = (entry if inputs[0] == own else inputs[0] + moved,)
            else:
                taken = tuple([entry if i == own else i + moved for i in inputs])
            shared = None if shares is None else shares + moved
            nodes.append(node_of((name, op, taken, aux, place, repeats, shared, counts)))
            tensors.append(Tensor(len(nodes), tensor.shape, name))
            names[name] = 2
        self._results += run.results
        return x if run.out == own else tensors[run.out + moved]

    def node(self, tensor: Tensor) -> Node:
        """The node that made a tensor."""
        return self.nodes[tensor.index - 1]

    def tensor(self, index: int) -> Tensor:
        """The input, 0, or the output of the node before that number."""
        return self._tensors[index]

    def within(self, name: str) -> str:
        """A name with that of the scopes around it."""
        return f"{self._scopes[-1]}/{name}" if self._scopes else name

    def scope(self, name: str, *, numbered: bool = False, place: object = "") -> AbstractContextManager[None]:
        """Names added inside are prefixed with this one. `numbered` makes the name unique instead of refusing it."""
        return _Scope(self._scopes, self._unique(name, named=not numbered, place=place))

    def output(self, tensor: Tensor) -> None:
        """Declare an output, besides the last layer's, which is one anyway.

        Raises ConvcostError for what no layer of this builder made, or one that stands for an unknown number of layers.
        """
        if not self._made(tensor):
            raise ConvcostError(f"{self.name}: an output is what a layer of this builder makes, got {tensor}")
        if self.repeats:
            raise ConvcostError(f"{self.name}: no closed form for an unknown number of outputs")
        if tensor.index not in self.outputs:
            self.outputs.append(tensor.index)

    @contextmanager
    def auxiliary(self) -> Iterator[None]:
        """Nodes added inside belong to an auxiliary head."""
        self._auxiliary += 1
        try:
            yield
        finally:
            self._auxiliary -= 1

    @contextmanager
    def repeat(self, repeat: Repeat) -> Iterator[None]:
        """Nodes added inside stand for all steps of a symbolic repeat."""
        outside = self.repeats
        self.repeats = (*outside, repeat)
        try:
            yield
        finally:
            self.repeats = outside

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is added inside is taken back if it fails."""
        nodes, names, outputs = len(self.nodes), self._names.copy(), len(self.outputs)
        try:
            yield
        except ConvcostError:
            del self.nodes[nodes:], self._tensors[nodes + 1 :], self._results[nodes:], self.outputs[outputs:]
            self._names = names
            raise

    def graph(self) -> Graph:
        """The finished graph; its outputs are those declared and, if nothing takes it, the last that is not auxiliary.

        Raises ConvcostError if all layers are auxiliary or there are none, if some layer's output is never used, or if
        one that is not auxiliary takes the output of one that is.
        """
        if len(self.nodes) < len(self.inputs):
            raise ConvcostError(f"{self.name}: a network needs at least one layer")
        used = set(chain.from_iterable([node.inputs for node in self.nodes]))
        last = max((i for i, node in enumerate(self.nodes) if not node.aux), default=None)
        if last is None:
            raise ConvcostError(f"{self.name}: a network needs a layer that is not part of an auxiliary head")
        taken, auxiliary = used.union(self.outputs, (last + 1,)), {i for i, n in enumerate(self.nodes, 1) if n.aux}
        for i, node in enumerate(self.nodes, 1):
            if i in auxiliary:
                continue
            if i not in taken and not isinstance(node.op, (Step, Steps)):
                raise located(ConvcostError("its output is never used"), node, ())
            if auxiliary and not auxiliary.isdisjoint(node.inputs):
                raise located(ConvcostError("it takes the output of an auxiliary head"), node, ())
        outputs = tuple(self.outputs)
        if not outputs or (last + 1 not in outputs and last + 1 not in used):
            outputs = (*outputs, last + 1)
        nodes = tuple(self.nodes)
        results = None if any(map(costs_apart, nodes)) else self._results
        built = Built(nodes, self.input_shape, in_force(), self._memo, results)
        return Graph(self.name, self.input_shape, nodes, self._arrays, outputs, built)

    def _made(self, tensor: Tensor) -> bool:
        """Whether it is the output of a layer."""
        whole = isinstance(tensor, Tensor) and len(self.inputs) <= tensor.index <= len(self)
        return whole and self._tensors[tensor.index] is tensor

    def _unique(self, name: str, *, named: bool, place: object) -> str:
        if not isinstance(name, str) or not name or ("/" in name and "" in name.split("/")):
            raise ConvcostError(f"{self.name}: the name of a layer is text without empty parts, got {name!r}")
        full = self.within(name)
        if full in self._names:
            if named:
                where = f"{place}: " if place else ""
                raise ConvcostError(f"{where}layer {full}: there is another layer of this name")
            first, n = full, self._names[full]
            while (full := f"{first}_{n}") in self._names:
                n += 1
            self._names[first] = n
        self._names[full] = 2
        return full

    def _shared(self, op: Op) -> Op:
        """The operator that stands for all that are equal to this one."""
        if (known := self._known.get(id(op))) is None:
            try:
                known = (op, self._ops.setdefault(op, op))
            except TypeError:  # arguments that are arrays cannot be hashed
                self._arrays = True
                known = (op, op)
            self._known[id(op)] = known
        return known[1]


class _Scope:
    """A name on a builder's stack of them, while a `with` lasts: made so often that a generator is too slow."""

    __slots__ = ("name", "stack")

    def __init__(self, stack: list[str], name: str) -> None:
        self.stack, self.name = stack, name

    def __enter__(self) -> None:
        self.stack.append(self.name)

    def __exit__(self, *_: object) -> None:
        self.stack.pop()
