"""From a spec's layers to a graph: sequences, chains, joins, blocks, repeats, conditions and auxiliary heads.

An item of a spec is one of
- a chain of calls, `conv(64, 3) >> relu`, in which a name stands for an operator, a block or an earlier named layer;
- a list of items, one after the other;
- `{name: item}`, which opens a scope of that name, in which the item's layers are found, and names its output;
- a structure: concat, add or mul of branches (a list, names, or a repeat), repeat, if, results, auxiliary, outputs.
`again(name)` in a chain is a named item once more, with the same weights, on what the chain has there.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any, NamedTuple

from convcost.cost.builder import GraphBuilder, Run, Tensor
from convcost.cost.graph import Graph
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.context import in_force
from convcost.exact.integers import Int, is_symbolic, require_above, require_integer
from convcost.ops import OPERATORS, Op, Shape
from convcost.spec import document, expression
from convcost.spec.arguments import Call, Calls, Link, Records, called, few, is_nothing, made, signature
from convcost.spec.block import Block
from convcost.spec.document import Mark, Scalar, SpecError
from convcost.spec.expression import Expression
from convcost.spec.unroll import State, TakeStep, unrolled

MAX_STEPS = 60_000
MAX_NODES = 20_000
MAX_DEPTH = 100
"""Items and chains within each other: Python, which goes up to ten calls deeper for each, allows a thousand."""
CONSTANTS: dict[str, Any] = {
    "true": True,
    "false": False,
    "none": None,
    **{word: word for word in ("same", "valid", "caffe", "nearest", "bilinear")},
}
"""Names that every expression knows: argument values that torch and the papers write as words."""
STRUCTURES = ("concat", "add", "mul", "repeat", "if", "results", "auxiliary", "outputs")
_JOINS = ("concat", "add", "mul")
REPEATS = ("previous", "collect")
"""What a repeat takes that one of branches does not."""
WORDS = {*CONSTANTS, "input", "in_channels", "in_shape", "previous", "identity", "again"}
"""What an expression or a chain finds under these names is not for a layer to change."""
Env = dict[str, Any]


class Collected(tuple[Tensor, ...]):
    """The layers of one name that the steps of a repeat have made, in order: what a join takes by that name."""

    __slots__ = ()


class Part(NamedTuple):
    """A named item that has been built: what `again` builds once more."""

    name: str
    scope: str
    """The name with its scopes: what its nodes' names begin with."""
    first: int
    """Its first tensor, by number."""
    last: int
    out: Tensor


class Running(NamedTuple):
    """A call of a block whose body is being built: it can call itself with other arguments, as a U-Net's level does."""

    name: str
    arguments: tuple[Any, ...]

    def same(self, other: Running) -> bool:
        """Whether it is the same call, which would never end. Arrays are the same if they are one."""
        return self.name == other.name and all(
            a is b or (type(a) is type(b) and not hasattr(a, "dtype") and a == b)
            for a, b in zip(self.arguments, other.arguments, strict=True)
        )


class Several(Tensor):
    """Layers side by side, as `results` makes them: what comes next takes them one by one, `x[0]`."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Tensor, ...]) -> None:
        super().__init__(-1, (), "")
        self.parts = parts

    def __str__(self) -> str:
        return f"{len(self.parts)} layers"

    def __getitem__(self, index: int) -> Tensor:
        return self.parts[index]

    def __len__(self) -> int:
        return len(self.parts)


_TENSORS = frozenset((Tensor, Several))


class Program:
    """What a graph is built from: the layers, blocks and defaults of a spec, and the values of its knobs."""

    def __init__(
        self,
        layers: document.Value,
        blocks: Mapping[str, Block],
        calls: Calls,
        parse: Callable[[Scalar], Expression],
        env: Env,
    ) -> None:
        self.layers = layers
        self.blocks = blocks
        self.calls = calls
        self.parse = parse
        self.env = {**CONSTANTS, **env}

    def build(self, name: str, input: Shape) -> Graph:
        """The graph for an input shape. Raises SpecError at the item that fails."""
        builder = _Builder(self, GraphBuilder(name, input))
        env = {**self.env, **builder.graph.inputs, "input": builder.graph.input}
        builder.one(builder.item(self.layers, builder.graph.input, env), self.layers.mark, "the network's end")
        return builder.graph.graph()


class _Builder:
    def __init__(self, program: Program, graph: GraphBuilder) -> None:
        self.program = program
        self.graph = graph
        self.steps = 0
        self.depth = 0
        self.calls: list[Running] = []
        """Blocks whose bodies are being built, each within the one before."""
        self.records = program.calls.records if in_force() is None else Records(program.calls.records)
        self.runs: dict[object, Run] = {}
        """What a block has added, by `_alike`: it is built once, and then repeated."""
        self.parts: dict[int, Part] = {}
        """Named items by the number of their output."""

    # -- items ---------------------------------------------------------------------------------------------------

    def item(self, value: document.Value, x: Tensor, env: Env) -> Tensor:
        """Apply any item to x; its own steps are named in env, the caller's."""
        self._step(value.mark)
        self.depth += 1
        try:
            return self._item(value, x, env)
        finally:
            self.depth -= 1

    def _item(self, value: document.Value, x: Tensor, env: Env) -> Tensor:
        _enter(env, x)
        if isinstance(value, document.Sequence):
            for part in value.items:
                x = self.item(part, x, env)
            return x
        if isinstance(value, Scalar):
            parsed = self._parse(value)
            return self.chain(parsed, parsed.node, x, env)
        key = next(iter(value.entries), None)
        if key in STRUCTURES:
            return self.structure(key, value, x, env)
        if key is None or len(value.entries) > 1:
            raise SpecError(value.mark, f"one name per list item, or one of {', '.join(STRUCTURES)}")
        if key in WORDS:  # a branch can be called so: what it names nobody else sees
            raise SpecError(value.marks[key], f"{key!r} is a word of the language and cannot name a layer")
        return self.named(key, value.entries[key], value.marks[key], x, env)

    def named(self, name: str, value: document.Value, mark: Mark, x: Tensor, env: Env) -> Tensor:
        """`{name: item}`: one operator takes the name, anything more is a scope of that name."""
        if not name or "/" in name:
            raise SpecError(mark, "a layer needs a name without slashes")
        first = len(self.graph) + 1
        out = self._named(name, value, mark, x, env)
        if len(self.graph) >= first and not isinstance(out, Several):
            self.parts[out.index] = Part(name, self.graph.within(name), first, len(self.graph), out)
        env[name] = out
        return out

    def _named(self, name: str, value: document.Value, mark: Mark, x: Tensor, env: Env) -> Tensor:
        if isinstance(value, Scalar):
            parsed, node = self._chosen(value, env)
            if self._is_one_operator(node):
                return self.operator(parsed, node, x, env, name=name)
        # A repeat keeps the names of its steps to itself, and what it says by `previous` is for its surroundings.
        inner = env if _is_repeat(value) else dict(env)
        with self.graph.scope(name, place=mark):
            return self.inside(value, x, inner)

    def inside(self, value: document.Value, x: Tensor, env: Env) -> Tensor:
        """An item in a scope that stands for it: a block called there needs no second scope of its own."""
        _enter(env, x)
        if isinstance(value, Scalar):
            parsed, node = self._chosen(value, env)
            if (block := self.program.blocks.get(called(node)[0])) is not None:
                return self.block(block, parsed, node, x, env)
        return self.item(value, x, env)

    def structure(self, key: str, value: document.Mapping, x: Tensor, env: Env) -> Tensor:
        """concat, add, mul, repeat, if, results, auxiliary, outputs."""
        if key in _JOINS:
            names = signature(key).names
            self._only(value, (key, *names))
            given = {name: self._value(self._scalar(value, name), env) for name in names if name in value.entries}
            op = made(OPERATORS[key], given, value.mark)
            named = self.branches(value.entries[key], x, env)
            return self.graph.add(op, *named, place=value.mark) if len(named) > 1 else named[0]
        if key == "results":
            self._only(value, (key,))
            return Several(tuple(self.branches(value.entries[key], x, env)))
        if key == "repeat":
            return self.repeat(value, x, env)
        if key == "auxiliary":
            self._only(value, (key,))
            with self.graph.auxiliary():
                self.item(value.entries[key], x, dict(env))
            return x
        if key == "outputs":
            self._only(value, (key,))
            for output in self.branches(value.entries[key], x, env):
                if not output.index:
                    raise SpecError(value.mark, "an output is what a layer makes, not the input")
                self.graph.output(output)
            return x
        self._only(value, ("if", "then", "else"), needed=("then",))
        test = self._scalar(value, "if")
        chosen = value.entries.get("then" if self._truth(test, test.node, env) else "else")
        return x if chosen is None else self.item(chosen, x, env)

    def branches(self, value: document.Value, x: Tensor, env: Env) -> list[Tensor]:
        """The outputs of parallel branches, each from x: a mapping of named ones, a list, or a repeat.

        A branch that is `none` is left out.
        """
        named: list[Tensor] = []
        if isinstance(value, document.Mapping) and "repeat" in value.entries:
            count, index = self._turns(value, env)
            if not isinstance(count, int):
                raise SpecError(value.entries["repeat"].mark, f"a repeat of branches needs a number, got {count}")
            for i in range(count):
                self._step(value.mark)
                with self.graph.scope(str(i + 1), numbered=True):
                    named.append(self.inside(value.entries["layers"], x, {**env, **dict.fromkeys(index, i)}))
        elif isinstance(value, document.Mapping):
            for name, item in value.entries.items():
                if not self._absent(item, x, env):
                    named.append(self.named(name, item, value.marks[name], x, dict(env)))
        elif isinstance(value, document.Sequence):
            for item in value.items:
                scope = nullcontext() if isinstance(item, Scalar) else self.graph.scope("branch", numbered=True)
                if not self._absent(item, x, env):
                    with scope:
                        named.append(self.item(item, x, dict(env)))
        else:
            raise SpecError(value.mark, "branches are a list, or a mapping of names")
        if not named:
            raise SpecError(value.mark, "a join needs a branch")
        return [self.one(branch, value.mark, "a branch") for branch in named]

    def one(self, x: Tensor, mark: Mark, what: str) -> Tensor:
        """The layer where one is needed. Raises SpecError for several."""
        if isinstance(x, Several):
            raise SpecError(mark, f"{what} is one layer, here are {len(x)}: say which, as in x[0]")
        return x

    def _absent(self, value: document.Value, x: Tensor, env: Env) -> bool:
        """Whether a branch is `none`."""
        _enter(env, x)
        if not isinstance(value, Scalar):
            return False
        parsed = self._parse(value)
        return self._is_none(parsed, parsed.node, env)

    def _is_none(self, parsed: Expression, node: ast.expr, env: Env) -> bool:
        """Whether a chain is `none`, once its conditions are decided."""
        node = self._decided(parsed, node, env)
        absent = isinstance(node, ast.Name) and env.get(node.id, node) is None  # none, or an argument that is
        return absent or (isinstance(node, ast.Constant) and node.value is None)

    def repeat(self, value: document.Mapping, x: Tensor, env: Env) -> Tensor:
        """`{repeat: n, index: i, previous: layer, collect: name, layers: item}`: scopes 1 to n, one after the other.

        With `collect`, that name is, for a join that follows, the layers so named of all steps: WaveNet's skips. In a
        step it is those of the steps before, as a dense block's layers take them, until the step names its own.
        With `previous`, that name is the given layer in the first step, the input of the step before in every other,
        and after the repeat the input of its last step: NASNet's cells see the outputs of the two cells before them.
        """
        state: State = (x,)
        if follows := "previous" in value.entries:
            state = (x, self._layer(self._scalar(value, "previous"), env))
        count, index = self._turns(value, env, *REPEATS)
        collect = self._collects(value, count)
        collected: list[Tensor] = []

        def step(state: State, i: Int, scope: str) -> State:
            self._step(value.mark)
            inner = {**env, **dict.fromkeys(index, i)}
            if follows:
                inner["previous"] = state[1]
            if collect is not None:
                inner[collect] = Collected(collected)
            with self.graph.scope(scope, numbered=True):
                out = self.inside(value.entries["layers"], state[0], inner)
            if collect is not None:
                made = inner.get(collect)
                if not isinstance(made, Tensor):
                    named = [name for name, what in inner.items() if isinstance(what, Tensor) and name not in WORDS]
                    hint = did_you_mean(collect, named)
                    mark = value.entries["collect"].mark
                    raise SpecError(mark, f"a step of the repeat names no layer {collect!r} to collect{hint}")
                collected.append(made)
            return (out, state[0]) if follows else (out,)

        if isinstance(count, int):
            for i in range(count):
                state = step(state, i, str(i + 1))
        else:
            state = self._unrolled(value, count, state, step)
        if follows:
            env["previous"] = state[1]
        if collect is not None:
            env[collect] = Collected(collected)
        return state[0]

    def _collects(self, value: document.Mapping, count: Int) -> str | None:
        """The name of what a repeat collects, None if it does not."""
        found = value.entries.get("collect")
        if found is None:
            return None
        if not (isinstance(found, Scalar) and found.text.isidentifier()) or found.text in {*WORDS, *OPERATORS}:
            raise SpecError(found.mark, "what a repeat collects is the name of a layer of its steps")
        if not isinstance(count, int):
            raise SpecError(found.mark, f"a repeat that collects needs a number, got {count}")
        return found.text

    def _unrolled(self, value: document.Mapping, count: Int, state: State, step: TakeStep) -> State:
        if any(isinstance(layer, Several) for layer in state):
            raise SpecError(value.entries["repeat"].mark, f"no closed form for {count} repeats of several layers")
        try:
            return unrolled(self.graph, count, state, step)
        except ConvcostError as error:
            raise SpecError(value.entries["repeat"].mark, str(error)) from None

    def _turns(self, value: document.Mapping, env: Env, *more: str) -> tuple[Int, tuple[str, ...]]:
        """How often a repeat repeats, and the name of its index, if it has one."""
        self._only(value, ("repeat", "index", *more, "layers"), needed=("layers",))
        count = self._value(self._scalar(value, "repeat"), env)
        whole = require_integer(count) and (isinstance(count, int) or is_symbolic(count))
        if not whole or not require_above(count, -1):
            raise SpecError(value.entries["repeat"].mark, f"a repeat needs an integer >= 0, got {count}")
        index = value.entries.get("index")
        if index is None:
            return count, ()
        if not (isinstance(index, Scalar) and index.text.isidentifier()):
            raise SpecError(index.mark, "the index of a repeat is a name")
        return count, (index.text,)

    # -- chains --------------------------------------------------------------------------------------------------

    def chain(self, parsed: Expression, node: ast.expr, x: Tensor, env: Env) -> Tensor:
        """Apply a chain of calls to x."""
        self._step(parsed.mark)
        self.depth += 1
        try:
            for link in self.program.calls.links(node):
                _enter(env, x)
                x = self._link(parsed, link, x, env)
            return x
        finally:
            self.depth -= 1

    def _link(self, parsed: Expression, link: Link, x: Tensor, env: Env) -> Tensor:
        name, node = link
        if (block := self.program.blocks.get(name)) is not None:
            with self.graph.scope(name, numbered=True):
                return self.block(block, parsed, node, x, env)
        if name in OPERATORS:
            return self.operator(parsed, node, x, env)
        if name == "again" and isinstance(node, ast.Call):
            return self.again(parsed, node, x, env)
        if is_nothing(node):
            return x
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):  # in parentheses
            return self.chain(parsed, node, x, env)
        if isinstance(node, ast.IfExp):
            return self.chain(parsed, self._decided(parsed, node, env), x, env)
        if isinstance(node, ast.Subscript) and isinstance(layer := expression.evaluate(parsed, node, env), Tensor):
            return layer
        if not name:
            raise SpecError(parsed.at(node), "a layer is a call such as conv(64, 3), or a chain of calls joined by >>")
        if isinstance(env.get(name), Collected):
            raise SpecError(
                parsed.at(node), f"{name} is of every step of a repeat: only a join takes it, concat({name})"
            )
        if isinstance(env.get(name), Tensor) and isinstance(node, ast.Name):
            return env[name]  # type: ignore[no-any-return]  # the line above says which type it is
        known = [*OPERATORS, *self.program.blocks, *(k for k, v in env.items() if isinstance(v, Tensor))]
        raise SpecError(parsed.at(node), f"unknown operator, block or layer {name!r}{did_you_mean(name, known)}")

    def operator(self, parsed: Expression, node: ast.expr, x: Tensor, env: Env, name: str | None = None) -> Tensor:
        """One operator call, followed by its `then` chain; with a name, the two share a scope of that name."""
        call = self.program.calls.of(parsed, node)
        tensors = [x] if call.cls.inputs else []
        if call.tensors is not None and call.cls.inputs is not None:
            given = [self.chain(parsed, tensor, x, env) for tensor in call.tensors]
            tensors = given if len(given) == call.cls.inputs else [x, *given]
        elif call.tensors is not None:
            tensors = []
            for branch in call.tensors:
                if isinstance(of_steps := env.get(called(branch)[0]), Collected):
                    tensors += of_steps
                elif len(call.tensors) == 1:
                    raise few(call.cls.name, call.place)
                elif not self._is_none(parsed, branch, env):
                    tensors.append(self.chain(parsed, branch, x, env))
            if not tensors:
                raise SpecError(call.place, f"{call.cls.name}: a join needs a branch")
        for tensor in tensors:
            if isinstance(tensor, Several):
                self.one(tensor, call.place, f"what {call.cls.name} takes")
        op, then = self.records.make(call, env, name), call.then
        if then and name:
            with self.graph.scope(name, place=call.place):
                return self._applied(call, op, tensors, env, None)
        return self._applied(call, op, tensors, env, name)

    def _applied(self, call: Call, op: Op, tensors: list[Tensor], env: Env, name: str | None) -> Tensor:
        if len(tensors) == 1 and call.tensors is not None:  # a join of one is that one
            out = tensors[0]
        else:
            out = self.graph.add(op, *tensors, name=name, place=call.place)
        return out if call.then is None else self.chain(call.then.source, call.then.node, out, env)

    def block(self, block: Block, parsed: Expression, node: ast.expr, x: Tensor, env: Env) -> Tensor:
        """A call of one of the spec's blocks. Its body sees its arguments, the knobs and its own layers only."""
        inner = {**self.program.env, "input": x}
        _enter(inner, x)
        block.bind(parsed, node, env, inner)
        key = self._alike(block, x, inner)
        try:
            run = self.runs.get(key)
        except TypeError:  # arrays cannot be looked up
            key = run = None
        if run is not None:
            self._step(block.mark)
            return self.graph.repeated(run, x)
        this = Running(block.name, tuple(inner[name] for name in block.parameters))
        within = next((i for i, one in enumerate(self.calls) if one.same(this)), None)
        if within is not None:
            cycle = " -> ".join((*(one.name for one in self.calls[within:]), block.name))
            alike = " with the same arguments" if this.arguments else ""
            raise SpecError(parsed.at(node), f"block {block.name} calls itself{alike}: {cycle}")
        self.calls.append(this)
        first, outputs = len(self.graph), len(self.graph.outputs)
        try:
            out = self.item(block.body, x, inner)
        finally:
            self.calls.pop()
        if key is not None and len(self.graph.outputs) == outputs and not isinstance(out, Several):
            self.runs[key] = self.graph.run(first, x, out)
        return out

    def _alike(self, block: Block, x: Tensor, inner: Env) -> object:
        """What says of calls of a block that they add the same layers; None for one that is like no other."""
        values = [inner[name] for name in block.parameters]
        kinds = [*map(type, values)]
        if not _TENSORS.isdisjoint(kinds):
            for name, value in zip(block.parameters, values, strict=True):
                if isinstance(value, Tensor) and name in OPERATORS:  # applied, it would be the operator
                    raise SpecError(block.mark, f"block {block.name}: {name!r} is an operator and cannot name a layer")
            return None  # it takes other layers than x
        if isinstance(x, Several):
            return None
        return (self.graph.situation, block.name, x.shape, *values, *kinds)

    def again(self, parsed: Expression, node: ast.expr, x: Tensor, env: Env) -> Tensor:
        """`again(name)`: the layers of a named item, with the same weights and names, on x.

        Raises SpecError for an item that takes several tensors: x can be only one of them.
        """
        _, arguments, keywords = called(node)
        if len(arguments) != 1 or keywords or not isinstance(arguments[0], ast.Name):
            raise SpecError(parsed.at(node), "again takes the name of an earlier layer: again(head)")
        said = arguments[0].id
        layer = env.get(said)
        part = self.parts.get(layer.index) if isinstance(layer, Tensor) else None
        if part is None or part.out is not layer:  # the latter of one that was taken back
            hint = did_you_mean(said, [k for k, v in env.items() if isinstance(v, Tensor) and v.index in self.parts])
            raise SpecError(parsed.at(node), f"again takes the name of an earlier layer, which {said!r} is not{hint}")
        whole = range(part.first, part.last + 1)
        taken = {i for number in whole for i in self.graph.node(self.graph.tensor(number)).inputs if i < part.first}
        if len(taken) > 1:
            names = " and ".join(self.graph.tensor(i).name for i in sorted(taken))
            raise SpecError(parsed.at(node), f"again: {said} takes several layers, {names}; it is used on one alone")
        made = dict.fromkeys(taken, x)
        with self.graph.scope(part.name, numbered=True) if len(whole) > 1 else nullcontext():
            for number in whole:
                self._step(parsed.at(node))
                tensor = self.graph.tensor(number)
                first = self.graph.node(tensor)
                if len(first.repeats) > len(self.graph.repeats):
                    raise SpecError(parsed.at(node), f"again: {said} repeats layers an unknown number of times")
                inputs = [made.get(i) or self.graph.tensor(i) for i in first.inputs]
                name = first.name.removeprefix(part.scope).removeprefix("/")
                with self.graph.auxiliary() if first.aux else nullcontext():
                    made[number] = self.graph.again(tensor, *inputs, name=name or None, place=parsed.at(node))
        return made[part.out.index]

    # -- small things --------------------------------------------------------------------------------------------

    def _is_one_operator(self, node: ast.expr) -> bool:
        """Whether a call adds a single node, and what follows it: a join of chains adds theirs as well."""
        name, arguments, _ = called(node)
        if name not in OPERATORS or name in self.program.blocks:
            return False
        return OPERATORS[name].inputs in (0, 1) or all(
            isinstance(a, ast.Name) and a.id not in OPERATORS and a.id not in self.program.blocks for a in arguments
        )

    def _chosen(self, value: Scalar, env: Env) -> tuple[Expression, ast.expr]:
        """An item's expression, and the part of it that is left once its conditions `a if test else b` are decided."""
        parsed = self._parse(value)
        return parsed, self._decided(parsed, parsed.node, env)

    def _decided(self, parsed: Expression, node: ast.expr, env: Env) -> ast.expr:
        while isinstance(node, ast.IfExp):
            node = node.body if self._truth(parsed, node.test, env) else node.orelse
        return node

    def _parse(self, value: Scalar) -> Expression:
        return self.program.parse(value)

    def _scalar(self, value: document.Mapping, key: str) -> Expression:
        found = value.entries[key]
        if not isinstance(found, Scalar):
            raise SpecError(found.mark, f"{key} takes an expression")
        return self._parse(found)

    def _layer(self, parsed: Expression, env: Env) -> Tensor:
        value = self._value(parsed, env)
        if not isinstance(value, Tensor):
            raise SpecError(parsed.mark, f"the name of an earlier layer is needed here, not {value}")
        return value

    def _value(self, parsed: Expression, env: Env) -> Any:
        return expression.evaluate(parsed, parsed.node, env)

    def _truth(self, parsed: Expression, node: ast.expr, env: Env) -> bool:
        value = expression.evaluate(parsed, node, env)
        if not isinstance(value, bool):
            raise SpecError(parsed.mark, f"a condition must be true or false, got {value}")
        return value

    def _only(self, value: document.Mapping, allowed: tuple[str, ...], needed: tuple[str, ...] = ()) -> None:
        for key in value.entries:
            if key not in allowed:
                raise SpecError(value.marks[key], f"{allowed[0]} has no part {key!r}{did_you_mean(key, allowed)}")
        for key in needed:
            if key not in value.entries:
                raise SpecError(value.mark, f"{allowed[0]} needs the part {key!r}")

    def _step(self, mark: Mark) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS or len(self.graph.nodes) > MAX_NODES:
            raise SpecError(mark, f"the network is too large: more than {MAX_NODES:,} layers or {MAX_STEPS:,} steps")
        if self.depth >= MAX_DEPTH:
            names = [one.name for one in self.calls]
            again = next((name for name in names if names.count(name) > 1), None)
            why = f"; block {again} calls itself, {names.count(again)} times by now" if again else ""
            raise SpecError(mark, f"layers stand deeper than {MAX_DEPTH} blocks, scopes and chains in each other{why}")


def _enter(env: Env, x: Tensor) -> None:
    """Let expressions see the channels and the shape of the current tensor; None of several."""
    env["in_shape"] = None if isinstance(x, Several) else x.shape
    env["in_channels"] = None if isinstance(x, Several) else x.shape[0]


def _is_repeat(value: document.Value) -> bool:
    return isinstance(value, document.Mapping) and "repeat" in value.entries
