"""A torch module, run once on tensors without data, and every torch function that it calls.

Functions are caught where torch lets its tensors be overridden, as the user's code wrote them: `F.interpolate`, not
what it is made of. Importing this module imports torch.

The batch is a prime that no parameter and no input has as a divisor of a size: the axis of a tensor whose size it
divides is the axis of the samples, perhaps together with others (windows, frames). A tensor that depends on the input
and has no such axis, or two, is none of one sample; what follows from it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import isfunction
from itertools import count
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from convcost.errors import ConvcostError, reason
from convcost.imports.functions import (
    ALIKE,
    FRESH,
    KEPT,
    MOVES,
    PRODUCTS,
    QUERIES,
    READS,
    SAME,
    SIZES,
    function_name,
    summed_products,
)
from convcost.imports.recipe import UNUSED, Call, Recipe, Step, Stored, Used
from convcost.imports.trees import mapped, tensors_in
from convcost.imports.watched import Decision, Watched
from convcost.ops import NO_WORK, Op, Parameter, Reshape, Shape, Work, elements
from convcost.ops.base import Memory
from convcost.ops.traced import Traced

PRIMES = (127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199)
"""Batches to trace with."""


class NotOfOneSampleError(Exception):
    """A tensor in which the samples are not apart."""


class NoRuleError(Exception):
    """A way of calling a function that no rule knows."""


class _Live(NamedTuple):
    """A tensor that depends on the input: its number in the recipe, and its shape for one sample."""

    number: int
    shape: Shape


class _Constant(NamedTuple):
    """A tensor that does not, with what is stored that it is, or is computed from."""

    origins: frozenset[int] = frozenset()
    normed: bool = False
    """Weight norm of its filters, each with a norm of its own that is learned."""


class _Lost(NamedTuple):
    """A tensor that depends on the input, and is of no one sample."""

    why: str


_Value = _Live | _Constant
Tensors: TypeAlias = Mapping[str, Tensor | Sequence[Tensor | None] | None]
"""Tensors by the kind of parameters that they are: see `Used`."""
Rule = Callable[..., None]
"""A rule takes the trace, what the function returned, and its arguments as torch takes them."""


def trace(module: nn.Module, args: Sequence[Any], named: Mapping[str, Any]) -> Recipe:
    """Run a module in evaluation mode on meta tensors made like the arguments, whose first axis is the batch.

    Nothing is computed and no weight copied, and the module is afterwards what it was. Raises ConvcostError, with the
    layer, for whatever the module raises, and for what is no cost of one sample.
    """
    module = _bare(module)
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            raise ConvcostError(f"{path or 'the module'} is a ScriptModule, into which nobody sees: import what it was")
        if any(map(is_lazy, part._parameters.values())):
            raise ConvcostError(f"{path or 'the module'} has no sizes yet: run it once on an input, then import it")
    sizes = {n for tensor in (*module.parameters(), *tensors_in((args, named))) for n in tensor.shape}
    batches = [prime for prime in PRIMES if not any(n and n % prime == 0 for n in sizes)]
    for last, batch in enumerate(batches[:2]):
        try:
            return _traced(module, batch, args, named)
        except _LocatedError as error:
            if last and isinstance(error.cause, NotOfOneSampleError):
                raise ConvcostError(f"{error}: no cost of one sample") from None
            if not isinstance(error.cause, NotOfOneSampleError):
                raise ConvcostError(str(error)) from error.cause
    raise ConvcostError("no batch can be told apart from the module's sizes")


class _LocatedError(Exception):
    """What went wrong in a layer."""

    def __init__(self, path: Sequence[str], cause: Exception) -> None:
        said = str(cause) if isinstance(cause, ConvcostError | NotOfOneSampleError) else reason(cause)
        super().__init__(f"layer {'/'.join(path)}: {said}" if path else said)
        self.cause = cause


def _traced(module: nn.Module, batch: int, args: Sequence[Any], named: Mapping[str, Any]) -> Recipe:
    with _weightless(module) as stored, torch.random.fork_rng(devices=()), torch.no_grad():
        tracer = Tracer(batch, stored)
        args, named = (mapped(tree, tracer.input) for tree in (args, named))
        try:
            with _calls(module, tracer.calls), tracer:
                returned = module(*args, **named)
            return replace(finished(tracer, returned), classes=_classes(module))
        except Exception as error:
            raise _LocatedError(tracer.calls[-1].path if tracer.calls else (), error) from error


def _classes(module: nn.Module) -> dict[tuple[str, ...], str]:
    """The class of each part that has parts, but for those that only hold others."""
    named = ((name, part) for name, part in module.named_modules() if name and next(part.children(), None) is not None)
    held = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return {_path(name): type(part).__name__ for name, part in named if type(part) not in held}


def _path(name: str) -> tuple[str, ...]:
    return tuple(name.replace("/", "_").split("."))


def finished(tracer: Tracer, returned: Any) -> Recipe:
    """The recipe of what ran, with what was returned. Raises ConvcostError if that does not depend on the input."""
    outputs = [value.number for value in map(tracer.value, tensors_in(returned)) if isinstance(value, _Live)]
    if not outputs:
        raise ConvcostError("nothing that it returns depends on the input")
    if min(outputs) < 0:
        raise ConvcostError("it returns its input as it is")
    known = {key: Stored(name, t.numel(), isinstance(t, nn.Parameter)) for key, (name, t) in tracer.stored.items()}
    shapes = tuple(tracer.inputs)
    return Recipe(
        shapes, tuple(tracer.steps), tuple(dict.fromkeys(outputs)), known, tracer.per_forward, tuple(tracer.decisions)
    )


def _bare(module: nn.Module) -> nn.Module:
    """What torch.compile and DataParallel wrap."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


@contextmanager
def _weightless(module: nn.Module) -> Iterator[dict[int, tuple[str, Tensor]]]:
    """Every tensor of a module replaced by one without data, and evaluation mode; then everything as it was.

    Gives the tensors by the identity of what stands for them, with their names: one that has several names is one.
    """
    before = []
    twins: dict[int, Tensor] = {}
    stored: dict[int, tuple[str, Tensor]] = {}
    for path, part in module.named_modules():
        own = part.__dict__
        state = (own, dict(own), [(table, dict(table)) for table in (part._parameters, part._buffers, part._modules)])
        before.append(state)
        for table in (part._parameters, part._buffers, own):
            for name, tensor in table.items():
                if isinstance(tensor, Tensor) and id(tensor) not in twins:
                    twins[id(tensor)] = twin = torch.empty_like(tensor, device="meta")
                    if table is not own:
                        stored[id(twin)] = (f"{path}.{name}" if path else name, tensor)
    try:
        for own, _, tables in before:
            own["training"] = False
            for table in (own, *(table for table, _ in tables)):
                for name, tensor in table.items():
                    if isinstance(tensor, Tensor):
                        table[name] = twins[id(tensor)]
        yield stored
    finally:
        for own, attributes, tables in before:
            for table, entries in ((own, attributes), *tables):
                table.clear()
                table.update(entries)


@contextmanager
def _calls(module: nn.Module, stack: list[Call]) -> Iterator[None]:
    """Keeps the calls of modules that are running, from the outermost, in `stack`; of an error, where it was."""
    numbers = count()
    paths = {id(part): _path(path) for path, part in module.named_modules() if path}
    paths[id(module)] = ()

    def enter(part: nn.Module, _inputs: object) -> None:
        if (path := paths.get(id(part))) is not None:
            stack.append(Call(path, next(numbers)))

    def leave(part: nn.Module, _inputs: object, _output: object) -> None:
        if (path := paths.get(id(part))) is not None:
            while stack.pop().path != path:  # of one whose error was caught
                pass

    handles = (hooks.register_module_forward_pre_hook(enter), hooks.register_module_forward_hook(leave))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Tracer(TorchFunctionMode):
    """The functions that run, as steps of a recipe."""

    def __init__(self, batch: int, stored: Mapping[int, tuple[str, Tensor]]) -> None:
        super().__init__()
        from convcost.imports.torchrules import RULES  # they emit into what is here: the other way would be a circle

        self._rules: Mapping[str, Rule] = RULES
        self.batch = batch
        self.stored = stored
        self.inputs: list[Shape] = []
        self.steps: list[Step] = []
        self.calls: list[Call] = []
        self.per_forward = 0
        self.decisions: list[Decision] = []
        self._values: dict[int, tuple[Tensor, _Value | _Lost]] = {}  # by id, with the tensor, so that none takes its id
        self._sharing: dict[int, list[Tensor]] = {}  # by storage, the tensors that are in it and depend on the input
        self._twins: dict[int, tuple[Tensor, Tensor]] = {}
        self._fixed: dict[int, tuple[Tensor, _Live, Step]] = {}  # steps of tensors that do not depend on the input

    # -- values ------------------------------------------------------------------------------------------------------

    def input(self, example: Tensor) -> Tensor:
        """A tensor without data like an example, of as many samples as the batch has: an input of the recipe."""
        made = torch.empty((self.batch, *example.shape[1:]), dtype=example.dtype, device="meta")
        shape = tuple(example.shape[1:]) or (1,)
        self.inputs.append(shape)
        self._put(made, _Live(-len(self.inputs), shape))
        return made

    def value(self, tensor: Tensor) -> _Value:
        """What a tensor is. Raises ConvcostError for one that comes from code into which nobody sees."""
        found = self._values.get(id(tensor))
        if found is not None:
            if isinstance(found[1], _Lost):
                raise NotOfOneSampleError(found[1].why)
            return found[1]
        if id(tensor) in self.stored:
            return _Constant(frozenset((id(tensor),)))
        if any(n and n % self.batch == 0 for n in tensor.shape):
            raise ConvcostError("a tensor comes from code that cannot be followed: a script, vmap or an extension")
        return _Constant()

    def _known(self, tensor: Tensor) -> _Value | _Lost | None:
        found = self._values.get(id(tensor))
        return None if found is None else found[1]

    def live(self, tensor: object) -> _Live:
        """A tensor that depends on the input. Raises NoRuleError if it does not."""
        value = self.value(tensor) if isinstance(tensor, Tensor) else None
        if not isinstance(value, _Live):
            raise NoRuleError
        return value

    def alive(self, *tensors: Tensor | None) -> list[Tensor]:
        """Those of the tensors that depend on the input."""
        return [tensor for tensor in tensors if tensor is not None and isinstance(self.value(tensor), _Live)]

    def origins(self, tensor: Tensor) -> frozenset[int]:
        """What is stored that a tensor is, or is computed from, without the input."""
        return self._origins(tensor)

    def normed(self, tensor: Tensor) -> bool:
        """Whether a tensor is the weights of filters that have weight norm."""
        value = self.value(tensor)
        return isinstance(value, _Constant) and value.normed

    def constant(self, *tensors: Tensor | None) -> None:
        """Refuse tensors that depend on the input. Raises NoRuleError."""
        if self.alive(*tensors):
            raise NoRuleError

    def axis(self, tensor: Tensor) -> tuple[int, int]:
        """The axis that the samples are in, and how many of its positions each has. Raises NotOfOneSampleError."""
        found = [(axis, n // self.batch) for axis, n in enumerate(tensor.shape) if n and n % self.batch == 0]
        if len(found) != 1:
            how = "several axes" if found else "no axis"
            raise NotOfOneSampleError(f"a tensor of {len(tensor.shape)} axes has its samples in {how}")
        return found[0]

    def sample(self, tensor: Tensor) -> Shape:
        """The shape for one sample: without the samples' axis, or with what else it holds."""
        axis, times = self.axis(tensor)
        sizes = tuple(tensor.shape)
        return sizes[:axis] + ((times,) if times > 1 else ()) + sizes[axis + 1 :] or (1,)

    def plain(self, tensor: Tensor) -> bool:
        """Whether the first axis is that of the samples and of nothing else, as operators of ours have it."""
        return self.axis(tensor) == (0, 1)

    def each(self, elements: int) -> int:
        """Of the elements of a batch, those of a sample."""
        return elements // self.batch

    def dim(self, tensor: Tensor, dim: int) -> int:
        """An axis of a tensor as operators of ours name it: 1 for the first of a sample, -1 for another one at the end.

        Raises NoRuleError for the axis of the samples.
        """
        axis, times = self.axis(tensor)
        given, kept = int(dim) % tensor.dim(), times > 1
        if given == axis:
            raise NoRuleError
        place = given - (given > axis and not kept)
        last = tensor.dim() - 1 - (not kept)
        return -1 if place == last > 0 else place + 1

    def order(self, tensor: Tensor, dims: Sequence[int]) -> tuple[int, ...]:
        """All axes of a tensor in some order, as operators of ours name them: without that of the samples alone."""
        axis, times = self.axis(tensor)
        given = [int(dim) % tensor.dim() for dim in dims]
        return tuple(d + 1 - (d > axis and times == 1) for d in given if d != axis or times > 1)

    def aligned(self, tensor: Tensor, out: Tensor) -> _Live:
        """A tensor with as many axes as one that it is broadcast to: torch puts axes of 1 before its own.

        One that does not depend on the input becomes a step of its own: a parameter, or a constant.
        """
        axis, times = self.axis(out)
        more = out.dim() - tensor.dim()
        value = self.value(tensor)
        if isinstance(value, _Live):
            if self.axis(tensor) != (axis - more, times):
                raise NoRuleError
            return value if not more else self.step(Reshape((1,) * more + value.shape), [value])
        sizes = (1,) * more + tuple(tensor.shape)
        n = sizes[axis]
        if n != 1 and n % self.batch:
            raise NoRuleError
        own = (max(1, n // self.batch),) if times > 1 else ()
        shape = sizes[:axis] + own + sizes[axis + 1 :] or (1,)
        made = self._fixed.get(id(tensor))
        if made is None or made[1].shape != shape or self.steps[made[1].number : made[1].number + 1] != [made[2]]:
            learned = sum(t.numel() for key in value.origins if isinstance(t := self.stored[key][1], nn.Parameter))
            known = learned == elements(shape)
            op: Op = Parameter(shape) if known else Traced("torch.constant", shape=shape)
            number = len(self.steps)
            self.steps.append(Step(op, (), (), Used(weights=value.origins) if value.origins else UNUSED))
            made = self._fixed[id(tensor)] = tensor, _Live(number, shape), self.steps[number]
        return made[1]

    def _put(self, tensor: Tensor, value: _Value | _Lost) -> None:
        self._values[id(tensor)] = tensor, value
        if isinstance(value, _Live):
            self._sharing.setdefault(tensor.untyped_storage()._cdata, []).append(tensor)

    # -- steps -------------------------------------------------------------------------------------------------------

    def emit(self, op: Op, inputs: Sequence[Tensor | _Live], out: Tensor, used: Tensors | None = None) -> None:
        """Append an operator of ours. `used` are the tensors of each kind of parameters.

        Raises NoRuleError if it would not make what torch has made, or takes what does not depend on the input.
        """
        values = [x if isinstance(x, _Live) else self.live(x) for x in inputs]
        shape = self.sample(out)
        if _made_by(op, values) != shape:
            raise NoRuleError
        self._append(op, [value.number for value in values], out, shape, self._used(used or {}))

    def step(self, op: Op, inputs: Sequence[Tensor | _Live]) -> _Live:
        """Append an operator of ours that makes what torch has not returned. Raises NoRuleError as `emit`."""
        values = [x if isinstance(x, _Live) else self.live(x) for x in inputs]
        shape = _made_by(op, values)
        self.steps.append(Step(op, tuple(value.number for value in values), tuple(self.calls)))
        return _Live(len(self.steps) - 1, shape)

    def same(self, out: Tensor, made: Tensor | _Live) -> None:
        """What a function returned is what it was given, or what has been made: nothing is appended."""
        self._put(out, made if isinstance(made, _Live) else self.live(made))

    def traced(
        self,
        name: str,
        tensors: Sequence[Tensor],
        out: Tensor,
        done: Work = NO_WORK,
        *,
        known: bool = True,
        local: bool = False,
        used: Tensors | None = None,
    ) -> None:
        """Append an operator of torch's; of the tensors, those that are stored are weights, if nothing else is said."""
        lives = [value for value in map(self.value, tensors) if isinstance(value, _Live)]
        lives = [*dict.fromkeys(lives)]
        if used is None:
            used = {"weights": [tensor for tensor in tensors if isinstance(self.value(tensor), _Constant)]}
        shape = self.sample(out)
        store = out.untyped_storage()._cdata
        view = lives and any(
            tensor.untyped_storage()._cdata == store for tensor in tensors if self.value(tensor) == lives[0]
        )
        memory: Memory = "view" if view else "own"
        given = tuple(live.shape for live in lives)
        op = Traced(f"torch.{name.strip('_')}", memory, done.macs > 0, shape, given, done, known, local)
        self._append(op, [live.number for live in lives], out, shape, self._used(used))

    def _append(self, op: Op, inputs: Sequence[int], out: Tensor, shape: Shape, used: Used) -> None:
        self.steps.append(Step(op, tuple(inputs), tuple(self.calls), used))
        self._put(out, _Live(len(self.steps) - 1, shape))

    def _used(self, used: Tensors) -> Used:
        found = {kind: self._origins(tensors) for kind, tensors in used.items()}
        return Used(**found) if any(found.values()) else UNUSED

    def _origins(self, tensors: Tensor | Sequence[Tensor | None] | None) -> frozenset[int]:
        each = tensors if isinstance(tensors, list | tuple) else (tensors,)
        values = (self.value(tensor) for tensor in each if isinstance(tensor, Tensor))
        return frozenset[int]().union(*(value.origins for value in values if isinstance(value, _Constant)))

    # -- functions ---------------------------------------------------------------------------------------------------

    def __torch_function__(
        self, func: Any, types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = function_name(func)
        if name in QUERIES:
            answer = func(*args, **kwargs)
            return self._watched(answer) if name in SIZES else answer
        if name in READS:
            raise ConvcostError(f"it reads a value ({name}): what follows depends on the data; import a part of it")
        tensors = [*tensors_in((args, kwargs))]
        if lost := [one for tensor in tensors if isinstance(one := self._known(tensor), _Lost)]:
            return self._of_no_sample(func(*args, **kwargs), tensors, lost[0])
        if name in PRODUCTS:
            self._spread(tensors)
        values = [self.value(tensor) for tensor in tensors]
        live = any(isinstance(value, _Live) for value in values)
        rule = self._rules.get(name)
        if live and rule is None and isfunction(func) and name not in MOVES:
            return self._inside(func, args, kwargs)
        out = self._run(func, name, args, kwargs, tensors)
        made = [*tensors_in(out)]
        if name == "__setitem__":
            made = [args[0]]
        if not live:
            origins = self._origins(tensors)
            normed = name == "_weight_norm" and tensors[1].shape[:1] == (tensors[1].numel(),) == made[0].shape[:1]
            for tensor in made:
                self._put(tensor, _Constant(origins, normed))
            self._count_constant(name, args, tensors, made)
            return out
        if name in SAME:
            self._put(out, self.value(args[0]))
        elif name in FRESH:
            for tensor in made:
                self._put(tensor, _Constant())
        elif made:
            written = [tensor for tensor in made[:1] if name not in KEPT and any(tensor is one for one in tensors)]
            self._step(rule, name, out, made, tensors, args, kwargs)
            for tensor in written:
                self._rewrite(tensor)
        return out

    def _watched(self, answer: Any) -> Any:
        """A size that was read, or several."""
        if isinstance(answer, torch.Size):
            return torch.Size([Watched.of(n, self._note) for n in answer])
        return Watched.of(answer, self._note)

    def _note(self, relation: str, value: int, other: object, result: bool) -> None:  # what it came to
        layer = "/".join(self.calls[-1].path) if self.calls else ""
        self.decisions.append(Decision(layer, relation, value, other, result))

    def _of_no_sample(self, out: Any, tensors: Sequence[Tensor], lost: _Lost) -> Any:
        """What is made of tensors that are of no one sample is of none; together with such that are, it is refused."""
        if any(isinstance(self._known(tensor), _Live) for tensor in tensors):
            raise NotOfOneSampleError(lost.why)
        for tensor in tensors_in(out):
            self._put(tensor, lost)
        return out

    def _run(self, func: Any, name: str, args: Any, kwargs: Any, tensors: Sequence[Tensor]) -> Any:
        """Call a function, with tensors that have data replaced by such that do not, where both come together."""
        real = [tensor for tensor in tensors if not tensor.is_meta]
        if real and len(real) < len(tensors):
            if not args[0:1] or args[0] is not real[0] or not (name.endswith("_") or name == "__setitem__"):
                args, kwargs = mapped(args, self._twin), mapped(kwargs, self._twin)
            else:
                return args[0]  # written to, which changes no shape
        made = _alike(func, name, args, kwargs) if len(real) == 0 else None
        return func(*args, **kwargs) if made is None else made

    def _twin(self, tensor: Tensor) -> Tensor:
        if tensor.is_meta:
            return tensor
        if id(tensor) not in self._twins:
            self._twins[id(tensor)] = tensor, (twin := torch.empty_like(tensor, device="meta"))
            self._put(twin, self.value(tensor))
        return self._twins[id(tensor)][1]

    def _step(
        self, rule: Rule | None, name: str, out: Any, made: list[Tensor], tensors: list[Tensor], args: Any, kwargs: Any
    ) -> None:
        steps = len(self.steps)
        if rule is not None:
            try:
                rule(self, out, *args, **kwargs)
            except (NoRuleError, NotOfOneSampleError, ConvcostError, ArithmeticError, LookupError, TypeError):
                del self.steps[steps:]
            else:
                return
        for number, tensor in enumerate(made):
            known = name in MOVES or number > 0
            try:
                self.traced(name, tensors, tensor, known=known, used={} if number else None)
            except NotOfOneSampleError as error:
                self._put(tensor, _Lost(str(error)))

    def _rewrite(self, written: Tensor) -> None:
        """Whatever shares memory with a tensor that was written to depends on it from now on."""
        value = self.live(written)
        sharing = self._sharing[written.untyped_storage()._cdata]
        base = written._base if written._is_view() else None
        others = {id(one): one for one in (*sharing, *([base] if base is not None else []))}
        for other in others.values():
            if other is not written and (own := self.value(other)) != value:
                tensors = [written, *([other] if isinstance(own, _Live) else [])]
                self.traced("write", tensors, other, used={})

    def _inside(self, func: FunctionType, args: Any, kwargs: Any) -> Any:
        """Run a function that is written in Python, without its own question who overrides it: its parts are seen."""
        scope = {**func.__globals__, **dict.fromkeys(_QUESTIONS, lambda *_: False)}
        copy = FunctionType(func.__code__, scope, func.__name__, func.__defaults__, func.__closure__)
        copy.__kwdefaults__ = func.__kwdefaults__
        with self:
            return copy(*args, **kwargs)

    def _spread(self, tensors: Sequence[Tensor]) -> None:
        """What the input has no part in but is there once for each sample is multiplied once for each sample."""
        for tensor in tensors:
            value = self._known(tensor)
            if isinstance(value, _Constant) and any(n and n % self.batch == 0 for n in tensor.shape):
                self._put(tensor, self.aligned(tensor, tensor))

    def _count_constant(
        self, name: str, args: Sequence[Any], tensors: Sequence[Tensor], made: Sequence[Tensor]
    ) -> None:
        if name in PRODUCTS and made and len(tensors) > 1:
            self.per_forward += made[0].numel() * PRODUCTS[name](tensors)
        elif name == "einsum" and (found := summed_products(args[0], [x.shape for x in tensors])) and found[1]:
            self.per_forward += found[0]


def _alike(func: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor | None:
    """What the commonest functions return, which torch's own kernels for tensors without data are slow to find out.

    None for any other, and wherever the arguments are not plainly right: then torch says what is wrong with them.
    """
    x = args[0] if args else None
    if not isinstance(x, Tensor) or not x.dtype.is_floating_point:
        return None
    written = str(func.__name__)
    in_place = written.startswith("__i") if written.startswith("__") else written.endswith("_")
    if name in ALIKE and len(args) == 1 and not kwargs.keys() - {"inplace"}:
        return x if in_place or kwargs.get("inplace") else torch.empty_like(x)
    if name == "add" and len(args) == 2 and not kwargs and isinstance(args[1], Tensor):
        same = args[1].shape == x.shape and args[1].dtype == x.dtype
        return (x if in_place else torch.empty_like(x)) if same else None
    if name == "batch_norm" and x.dim() > 1 and not (args[5] if len(args) > 5 else kwargs.get("training")):
        stored = [one for one in (*args[1:5], *kwargs.values()) if isinstance(one, Tensor)]
        if len(stored) in (2, 4) and all(tuple(one.shape) == (x.shape[1],) for one in stored):
            return torch.empty_like(x)
    return None


_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


def _made_by(op: Op, values: Sequence[_Live]) -> Shape:
    try:
        return op.out_shape(*(value.shape for value in values))
    except ConvcostError:
        raise NoRuleError from None


# -- trees of tensors ------------------------------------------------------------------------------------------------
