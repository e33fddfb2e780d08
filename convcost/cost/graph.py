"""The layer graph: operators in topological order, under scoped names, and their evaluation on an input shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import NamedTuple, TypeAlias, get_args

from convcost.cost.inputs import Given, admitted
from convcost.errors import ConvcostError, ShapeError
from convcost.exact.context import in_force
from convcost.exact.integers import Int, require_above, require_equal, sum_over
from convcost.ops import NO_PARAMS, NO_WORK, Input, Linear, Op, Params, Shape, Work, elements, format_shape, inputs_of
from convcost.ops.doubts import swapped
from convcost.ops.repeat import Steps
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
node_of, _record = partial(tuple.__new__, Node), partial(tuple.__new__, Evaluated)

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
    """Of every node, where none `costs_apart`."""

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
        apart = [node if costs_apart(node) else None for node in self.nodes]
        return [node.op for node in self.nodes], [node.inputs for node in self.nodes], apart

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


def costs_apart(node: Node) -> bool:
    """Whether a node costs something else than its operator on its inputs."""
    told = node.repeats or node.shares is not None or node.counts is not None
    return bool(told) or isinstance(node.op, Steps | Input)


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
