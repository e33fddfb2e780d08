"""The layer graph: operators in topological order, under scoped names, and their evaluation on an input shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import NamedTuple, TypeAlias, get_args

from convcost.cost.inputs import Given, admitted, as_input
from convcost.errors import ConvcostError, ShapeError
from convcost.exact.context import in_force
from convcost.exact.integers import Int, equal, require_above, require_equal, sum_over
from convcost.ops import NO_PARAMS, NO_WORK, Input, Linear, Op, Params, Shape, Work, elements, format_shape, inputs_of
from convcost.ops.doubts import swapped
from convcost.ops.repeat import Step, Steps
from convcost.ops.torchpadding import Windowed

FOLDING = ("conv", "linear")
FOLDED = ("norm", "activation")
"""Kinds of operators that are folded into those of FOLDING."""
MAX_BITS = 256
"""Of a dimension, so that counts stay numbers that can be computed and printed."""
TOO_LARGE = 1 << MAX_BITS


class Repeat(NamedTuple):
    """A number of steps that is a symbol: a node of it stands for the steps with index 0, 1, ..., steps - 1."""

    variable: str
    """The symbol of the index in the node's shapes: `step1`."""
    steps: Int


class Node(NamedTuple):
    """One operator in a graph. Tensor 0 is the graph's input, tensor i + 1 the output of node i."""

    name: str
    """Scoped by slashes: `inception_3a/5x5/reduce`."""
    op: Op
    inputs: tuple[int, ...]
    aux: bool = False
    """Part of an auxiliary head: used in training only, and counted apart."""
    place: object = ""
    """Where it comes from, if that is a spec: its text is file:line:column."""
    repeats: tuple[Repeat, ...] = ()
    """The symbolic repeats that it is in, from the outermost."""
    shares: int | None = None
    """The node, counted from 0, whose weights it uses: of a layer that is used again. It has none of its own."""
    counts: Params | None = None
    """What it stores, where its operator's rule does not say: of weights that are fixed, computed, or others' too."""


class Evaluated(NamedTuple):
    """An operator on given input shapes, and what it comes to for one sample: in a symbolic repeat, in all steps."""

    op: Op
    inputs: tuple[Shape, ...]
    shape: Shape
    params: Params
    work: Work
    activations: Int
    """Output elements, if the operator multiplies; else 0."""

    def over(self, repeats: Sequence[Repeat]) -> Evaluated:
        """The sum over the steps of the repeats that it depends on."""
        if not repeats:
            return self
        op, inputs, shape, params, work, activations = self
        for variable, steps in reversed(repeats):
            params = Params(*(sum_over(value, variable, steps) for value in params))
            work = Work(*(sum_over(value, variable, steps) for value in work))
            activations = sum_over(activations, variable, steps)
        return Evaluated(op, inputs, shape, params, work, activations)

    def times(self, batch: Int) -> Evaluated:
        """The same for a batch of samples."""
        op, inputs, shape, params, work, activations = self
        return Evaluated(op, inputs, shape, params, work.times(batch), activations * batch)


# Without a call of Python's: there is one of every layer.
_node, _record = partial(tuple.__new__, Node), partial(tuple.__new__, Evaluated)

Memo: TypeAlias = dict[tuple[object, ...], Evaluated]
"""What has been evaluated: by the assumptions in force, the operator's id (the value keeps it alive) and the inputs."""


class Built(NamedTuple):
    """What a builder has evaluated."""

    nodes: tuple[Node, ...]
    input: Shape
    epoch: object
    """Of the assumptions then in force."""
    memo: Memo
    results: list[Evaluated] | None
    """Of every node, where each costs what its operator says: see `Graph._evaluated_apart`."""

    def of(self, nodes: tuple[Node, ...], input: Shape) -> list[Evaluated] | None:
        """The results of these nodes on an input, if they are of them, of that one, and hold now."""
        if self.results is None or self.nodes is not nodes or self.epoch is not in_force():
            return None
        try:
            return self.results[:] if self.input == input else None
        except ValueError:  # numpy's, of sizes that are arrays
            return None


@dataclass(frozen=True, repr=False)
class Graph:
    """Nodes in topological order. Build one with `GraphBuilder`, or from a spec."""

    name: str
    input: Shape
    """The input shape it was built for, (channels, *sizes); of several inputs, theirs by name."""
    nodes: tuple[Node, ...]
    arrays: bool = False
    """Whether arguments of operators are int64 arrays."""
    outputs: tuple[int, ...] = ()
    """Its outputs, by number of the tensor: those that are declared, and the last one; not those of auxiliary heads."""
    built: Built | None = field(default=None, repr=False, compare=False)
    """What was evaluated when it was built."""

    def __repr__(self) -> str:
        return f"<Graph of {self.name} at {format_shape(self.input)}: {len(self.nodes)} layers>"

    @cached_property
    def alone_after(self) -> tuple[Op | None, ...]:
        """Of each node, the operator whose output it takes, if nothing else takes it: what can be fused with it."""
        nodes, inputs = self.nodes, [node.inputs for node in self.nodes]
        uses = Counter(chain.from_iterable(inputs))
        return tuple([nodes[i[0] - 1].op if len(i) == 1 and i[0] and uses[i[0]] == 1 else None for i in inputs])

    def follows(self, into: Collection[str] = FOLDING) -> list[bool]:
        """Of each node, whether it is of FOLDED and alone follows one of these kinds or operators, or another such one.

        Of conv >> bn >> relu both of the last are.
        """
        found: list[bool] = []
        for node, after in zip(self.nodes, self.alone_after, strict=True):
            if after is None or node.op.kind not in FOLDED:
                found.append(False)
            else:
                found.append(found[node.inputs[0] - 1] or after.kind in into or after.name in into)
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The nodes' names."""
        return tuple([node.name for node in self.nodes])

    @cached_property
    def aux(self) -> tuple[bool, ...]:
        """Of each node, whether it is part of an auxiliary head."""
        return tuple([node.aux for node in self.nodes])

    @cached_property
    def windowed(self) -> tuple[int, ...]:
        """The indices of nodes whose operators slide a window."""
        kinds = get_args(Windowed)
        return tuple([i for i, node in enumerate(self.nodes) if isinstance(node.op, kinds)])

    @cached_property
    def doubted(self) -> dict[Shape, tuple[str, ...]]:
        """What is doubtful on inputs that have been looked at; see `convcost.cost.doubts`."""
        return {}

    def folded(self) -> Graph:
        """The graph as it is deployed: batch norms are part of the layers before them, see `convcost.cost.folding`."""
        return self._folded

    @cached_property
    def _folded(self) -> Graph:
        from convcost.cost.folding import folded  # of graphs: the other way would be a circle

        return folded(self)

    @cached_property
    def given(self) -> tuple[int, ...]:
        """The inputs, by number of the tensor, in the order in which they are declared."""
        return (0, *[i for i, node in enumerate(self.nodes, 1) if isinstance(node.op, Input)])

    def evaluate(self, input: Given | None = None) -> list[Evaluated]:
        """Shape, parameters and work of every node, for an input shape (default: the graph's own).

        Equal operators on equal shapes are evaluated once. Raises ShapeError, naming the layer, where one does not fit.
        """
        return self.evaluate_on(self.input if input is None else admitted(self.name, self.input, input))

    def evaluate_on(self, input: Shape) -> list[Evaluated]:
        """As `evaluate`, for an input that has been admitted."""
        if self.built is not None and (known := self.built.of(self.nodes, input)) is not None:
            return known
        memo, epoch = {} if self.built is None else self.built.memo.copy(), in_force()
        seen: dict[tuple[int, int], Evaluated] = {}  # by identity: most layers are one of few on one of few shapes
        tensors, results = [tuple(input)], []
        try:
            for op, taken, apart in zip(*self._steps, strict=True):
                if apart is not None:
                    one = self._evaluated_apart(memo, epoch, apart, tensors, input)
                elif len(taken) != 1:
                    one = evaluated(memo, epoch, op, tuple([tensors[i] for i in taken]))
                else:
                    x = tensors[taken[0]]
                    if (found := seen.get(key := (id(op), id(x)))) is None:
                        found = seen[key] = evaluated(memo, epoch, op, (x,))
                    one = found
                results.append(one)
                tensors.append(one.shape)
        except ConvcostError as error:
            node, names = self.nodes[len(results)], (next(iter(inputs_of(input))), *self.names)
            raise located(error, node, [(names[i], tensors[i]) for i in node.inputs]) from None
        return results

    @cached_property
    def _steps(self) -> tuple[list[Op], list[tuple[int, ...]], list[Node | None]]:
        """The nodes' operators, inputs, and the nodes that cost what these do not say: see `_evaluated_apart`."""
        apart = [
            n if n.repeats or n.shares is not None or n.counts is not None or isinstance(n.op, Steps | Input) else None
            for n in self.nodes
        ]
        return [n.op for n in self.nodes], [n.inputs for n in self.nodes], apart

    def _evaluated_apart(
        self, memo: Memo, epoch: object, node: Node, tensors: Sequence[Shape], input: Shape
    ) -> Evaluated:
        """A node of a symbolic repeat, in all steps; one that shares weights, or is told what it stores; an input."""
        if isinstance(node.op, Input):
            return given(node, input)
        with _stepping(node):
            xs = tuple([tensors[i] for i in node.inputs])
            one = evaluated(memo, (epoch, node.repeats) if node.repeats else epoch, node.op, xs)
            if node.shares is not None:
                one = self._again(node.shares, one, tensors)
            if node.counts is not None:
                one = one._replace(params=node.counts)
            return one.over(node.repeats)

    def _again(self, shares: int, again: Evaluated, tensors: Sequence[Shape]) -> Evaluated:
        """The same without parameters, which are the first use's."""
        first = self.nodes[shares]
        require_same_weights(first, [tensors[i] for i in first.inputs], tensors[shares + 1], again)
        return again._replace(params=NO_PARAMS)


def _stepping(node: Node) -> AbstractContextManager[None]:
    """What is assumed inside is of a step of the symbolic repeats that the node is in, or ends."""
    ended = [Repeat(node.op.index.symbols[0], node.op.count)] if isinstance(node.op, Steps) else []
    if not (node.repeats or ended):
        return nullcontext()
    from convcost.exact.poly.assume import stepping

    return stepping([*node.repeats, *ended])


def given(node: Node, input: Shape) -> Evaluated:
    """An input besides the first, which costs nothing."""
    return _record((node.op, (), inputs_of(input)[node.name], NO_PARAMS, NO_WORK, 0))


def evaluated(memo: Memo, epoch: object, op: Op, xs: tuple[Shape, ...]) -> Evaluated:
    """As `evaluate`, but the same operator on equal shapes once; the epoch is of the assumptions in force."""
    key = (epoch, id(op), xs)
    try:
        found = memo.get(key)
    except TypeError:  # arrays cannot be hashed: nothing is shared then
        return evaluate(op, xs)
    if found is None:
        found = memo[key] = evaluate(op, xs)
    return found


def evaluate(op: Op, xs: tuple[Shape, ...]) -> Evaluated:
    """One operator on its input shapes. Raises ShapeError if they do not fit it or nothing is left of a dimension."""
    if len(xs) != op.inputs and (op.inputs is not None or len(xs) < 2):
        raise ShapeError(f"{op.name} takes {'two inputs or more' if op.inputs is None else op.inputs}, got {len(xs)}")
    try:
        shape = op.out_shape(*xs)
        for size in shape if not xs or shape is not xs[0] else ():  # what is kept has been looked at
            if type(size) is int and 0 < size < TOO_LARGE:
                continue
            if isinstance(size, int) and size >= TOO_LARGE:
                raise ShapeError(f"{op.name} makes a dimension of more than {MAX_BITS} bits")
            if not require_above(size, 0):
                kernel = getattr(op, "kernel_size", None)
                why = "" if kernel is None else f": its window of {kernel} does not fit{swapped(op, xs[0])}"
                raise ShapeError(f"{op.name} of {format_shape(xs[0])} leaves {format_shape(shape)}{why}")
        activations = elements(shape) if op.multiplies else 0
        return _record((op, xs, shape, op.params(xs, shape), op.work(xs, shape), activations))
    except ValueError as error:
        if isinstance(error, ConvcostError):
            raise
        raise ShapeError(f"{op.name}: {error}") from None  # numpy's, of arrays that cannot be broadcast together


def require_same_weights(first: Node, its: Sequence[Shape], y: Shape, again: Evaluated) -> None:
    """Refuse a use of a layer again that needs other weights than its first one. Raises ShapeError."""
    own = first.op.params(its, y)
    if not all(map(require_equal, own, again.params)):
        raise ShapeError(
            f"layer {first.name} has {own.total} parameters, and on this input would have {again.params.total}: "
            "it cannot be used here again"
        )
    if not isinstance(first.op, Linear) and len(again.inputs[0]) != len(its[0]):
        raise ShapeError(f"layer {first.name} is of {format_shape(its[0])}: it cannot be used again on other axes")


def located(error: ConvcostError, node: Node, inputs: Sequence[tuple[str, Shape]]) -> ConvcostError:
    """The same error with its layer, its place in the spec, and for joins the layers that were joined."""
    where = f"{node.place}: " if node.place else ""
    joined = ""
    if len(inputs) > 1:
        joined = f" ({', '.join(f'{name} is {format_shape(x)}' for name, x in inputs)})"
    return type(error)(f"{where}layer {node.name}: {error}{joined}")


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
        self._alone = not others  # whether each layer so far costs what its operator says
        for other in others:
            self.nodes.append(Node(self._unique(other, named=True, place=""), Input(), ()))
            self._tensors.append(Tensor(len(self.nodes), inputs_of(self.input_shape)[other], other))
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
        node = _node((full, op, taken, self._auxiliary > 0, place, self.repeats, shares, counts))
        try:
            one = evaluated(self._memo, in_force(), op, shapes)
            if shares is not None:
                first = nodes[shares]
                require_same_weights(first, [tensors[i].shape for i in first.inputs], tensors[shares + 1].shape, one)
        except ConvcostError as error:
            del self._names[full]
            raise located(error, node, [(x.name, x.shape) for x in inputs]) from None
        if shares is not None or counts is not None or self.repeats or isinstance(op, Steps):
            self._alone = False
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
            nodes.append(_node((name, op, taken, aux, place, repeats, shared, counts)))
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
        nodes, results = tuple(self.nodes), self._results if self._alone else None
        built = Built(nodes, self.input_shape, in_force(), self._memo, results)
        return Graph(self.name, self.input_shape, nodes, self._arrays, outputs, built)

    def _made(self, tensor: Tensor) -> bool:
        """Whether it is the output of a layer."""
        whole = isinstance(tensor, Tensor) and len(self.inputs) <= tensor.index <= len(self)
        return whole and self._tensors[tensor.index] is tensor

    def _unique(self, name: str, *, named: bool, place: object) -> str:
        if not isinstance(name, str) or not name or ("/" in name and "" in name.split("/")):
            raise ConvcostError(f"{self.name}: the name of a layer is text without empty parts, got {name!r}")
        full = f"{self._scopes[-1]}/{name}" if self._scopes else name
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
