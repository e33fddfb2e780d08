"""Keras 3 models as recipes: functional, sequential, nested and subclassed ones are run alike, on tensors without data.

Keras runs a model on `KerasTensor`s, which have a shape and nothing else: every layer and function of `keras.ops` that
is called on one asks itself what it would make. That is caught: a layer with a rule is that rule's operators, any
other is run, and its parts are seen. So nothing is computed, whatever the backend.

A tensor of Keras' is (samples, *sizes, channels), ours (channels, *sizes): the last axis of every tensor comes first,
but in a model whose layers say channels_first. Importing this module imports Keras.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from math import prod
from threading import Lock
from typing import Any

import keras
from keras import KerasTensor
from keras.src.backend.common.global_state import get_global_attribute
from keras.src.layers import layer as layer_module  # not exported, as the next: where calls are caught
from keras.src.ops.operation import Operation

from convcost.errors import MAX_REASON, ConvcostError
from convcost.imports.assembly import Assembly, Value
from convcost.imports.inputs import Known
from convcost.imports.recipe import UNUSED, Recipe, Used
from convcost.ops import Parameter, Shape, format_shape

Layer = layer_module.Layer
_patching = Lock()


class NoRuleError(Exception):
    """A way of calling an operation that no rule knows."""


class Model:
    """A Keras model as a network."""

    def __init__(self, model: Any, name: str, *, weightless: bool = False) -> None:
        """Of a model whose weights have no values, none are made. Raises ConvcostError for what is no model."""
        if not isinstance(model, Layer):
            raise ConvcostError(f"a keras.Model is imported, got a {type(model).__name__}")
        self.model, self.name, self.weightless = model, name, weightless
        layers = model._flatten_layers()
        self.last = not any(getattr(layer, "data_format", None) == "channels_first" for layer in layers)
        shapes = _shapes(getattr(model, "input_shape", None) if model.built else None)
        self.shapes = [self.ours(shape[1:]) for shape in shapes]
        first = self.shapes[0] if self.shapes else ()
        self.guess: Shape | None = (first[0], 224, 224) if len(first) == 3 and first[0] is not None else None

    @property
    def known(self) -> Known:
        """The shape of one sample of its first input, if the model says it."""
        return {"input": self.shapes[0] if self.shapes and None not in self.shapes[0] else None}

    def ours(self, sizes: Sequence[Any]) -> Shape:
        """The shape of a sample, channels first."""
        return (*sizes[-1:], *sizes[:-1]) if self.last else tuple(sizes)

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the layer, where it cannot be followed."""
        return _Run(self, shape).recipe()

    def theirs(self, shape: Shape) -> tuple[int | None, ...]:
        """The shape of Keras' tensor, whose samples are any number."""
        return (None, *((*shape[1:], shape[0]) if self.last else shape))


def _shapes(given: Any) -> list[tuple[Any, ...]]:
    """The shapes of inputs, of which a model has one, a list, or a dict."""
    if isinstance(given, Mapping):
        given = [*given.values()]
    if not isinstance(given, list | tuple) or not given:
        return []
    return [tuple(one) for one in given] if isinstance(given[0], list | tuple) else [tuple(given)]


class _Run(Assembly):
    """The operations that a model calls, as steps."""

    def __init__(self, model: Model, shape: Shape) -> None:
        shapes = [shape, *model.shapes[1:]]
        if open_ := [one for one in shapes if None in one]:
            raise ConvcostError(f"its input {format_shape(open_[0])} has sizes that the model leaves open")
        super().__init__(*shapes)
        self.model = model
        self._values: dict[int, tuple[Any, Value]] = {}
        self._keys: dict[int, int] = {}
        self._kept: list[Any] = []
        self._failed = ""

    def recipe(self) -> Recipe:  # type: ignore[override]  # its outputs are what the model returns
        model = self.model.model
        if not all(layer.built for layer in model._flatten_layers()):
            with weightless() if self.model.weightless else nullcontext():
                self._first(model)
        given = self._examples()
        for layer in model._flatten_layers():
            for one in layer._trainable_variables + layer._non_trainable_variables:
                self._store(one)
        for tensor, value in zip(keras.tree.flatten(given), self.inputs, strict=True):
            self._keep(tensor, value)
        try:
            with _calling(self.called), weightless():
                returned = self._call(model, given)
        except Exception as error:
            said = str(error) if isinstance(error, ConvcostError) else _said(error)
            raise ConvcostError(f"layer {self._failed}: {said}" if self._failed else said) from error
        outputs = [self.value(one) for one in keras.tree.flatten(returned) if isinstance(one, KerasTensor)]
        return super().recipe(outputs)

    def _first(self, model: Any) -> None:
        """Call a model for the first time: layers are made of what they are called with."""
        try:
            model(self._examples())
        except Exception as error:
            raise ConvcostError(f"it cannot be built: {_said(error)}") from error

    def _call(self, model: Any, given: Any) -> Any:
        return model(given, training=False) if model._call_has_training_arg else model(given)

    def _examples(self) -> Any:
        model = self.model.model
        declared = keras.tree.flatten(getattr(model, "inputs", None) or [])
        types = [one.dtype for one in declared] if len(declared) == len(self.inputs) else [None] * len(self.inputs)
        made = [
            KerasTensor(self.model.theirs(x.shape), dtype=dtype or keras.config.floatx())
            for x, dtype in zip(self.inputs, types, strict=True)
        ]
        structure = getattr(model, "_inputs_struct", None)
        if structure is not None:
            return keras.tree.pack_sequence_as(structure, made)
        return made[0] if len(made) == 1 else made

    # -- values ------------------------------------------------------------------------------------------------------

    def _keep(self, tensor: Any, value: Value) -> None:
        self._values[id(tensor)] = tensor, value

    def sample(self, tensor: Any) -> Shape:
        """The shape of a sample. Raises ConvcostError for a tensor in which the samples are not apart."""
        first, *sizes = tensor.shape or (0,)
        if first is not None or None in sizes:
            raise ConvcostError(f"a tensor of shape {tuple(tensor.shape)} is of no one sample")
        return self.model.ours(sizes) or (1,)

    def value(self, one: Any) -> Value:
        """What a tensor is; a variable, or what is computed of variables alone, becomes a step without inputs.

        Raises NoRuleError for what is no tensor.
        """
        if (found := self._values.get(id(one))) is not None:
            return found[1]
        if isinstance(one, KerasTensor):
            raise ConvcostError("a tensor comes from code that cannot be followed")
        if not hasattr(one, "shape"):
            raise NoRuleError
        sizes = tuple(int(n) for n in one.shape)
        shape = self.model.ours(sizes[1:] if len(sizes) > 1 and sizes[0] == 1 else sizes) or (1,)
        key = self._keys.get(id(one))
        if key is None:
            self._kept.append(one)
            return self.traced("keras.constant", shape)
        return self.emit(Parameter(shape), used=Used(weights=frozenset((key,))))

    def dim(self, axis: int, tensor: Any) -> int:
        """An axis of a tensor as operators of ours name it. Raises NoRuleError for that of the samples."""
        rank = len(tensor.shape)
        place = axis % rank
        if not place:
            raise NoRuleError
        return place if not self.model.last else 1 if place == rank - 1 else place + 1

    def along(self, sizes: Sequence[Any] | int, rank: int | None = None) -> Any:
        """Arguments of Keras' by spatial axis, one for all where they agree."""
        each = tuple(sizes) if isinstance(sizes, list | tuple) else (sizes,) * (rank or 1)
        each = tuple(tuple(one) if isinstance(one, list | tuple) else one for one in each)
        return each[0] if len(set(each)) == 1 and not isinstance(each[0], tuple) else each

    # -- what is stored ----------------------------------------------------------------------------------------------

    def _store(self, variable: Any) -> int:
        found = self._keys.get(id(variable))
        if found is None:
            self._kept.append(variable)
            trained = bool(getattr(variable, "trainable", True))
            found = self._keys[id(variable)] = self.store(variable.path, prod(variable.shape), trained=trained)
        return found

    def used(self, **kinds: Sequence[Any]) -> Used:
        """What a layer takes of what is stored, by kind; frozen or not, weights are parameters, and statistics none."""
        keys = {}
        for kind, variables in kinds.items():
            each = [self._store(one) for one in variables if one is not None]
            for key in each:
                self.stored[key] = self.stored[key]._replace(trained=kind != "norm_stats")
            keys[kind] = frozenset(each)
        return Used(**keys) if any(keys.values()) else UNUSED

    def constants(self, *given: Any) -> Used:
        """What is stored of some tensors, as weights."""
        return self.used(weights=[one for one in given if id(one) in self._keys])

    # -- calls -------------------------------------------------------------------------------------------------------

    def called(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a layer, or a function of `keras.ops`, makes."""
        from convcost.imports.keraslayers import LAYERS, OPERATIONS  # they emit into what is here

        kind = type(operation).__name__
        if not isinstance(operation, Layer):
            return self._operation(OPERATIONS.get(kind), operation, args, kwargs)
        if operation is self.model.model:
            return operation.call(*args, **kwargs)
        rule = LAYERS.get(kind) if type(operation).__module__.startswith("keras.") else None
        if getattr(operation, "quantization_mode", None) is not None:
            raise ConvcostError(f"layer {operation.name} is quantised: its weights are not the model's own")
        with self.layer(operation.name):
            try:
                made = None if rule is None else self._ruled(rule, operation, args, kwargs)
                return operation.call(*args, **kwargs) if made is None else made
            except Exception:
                self._failed = self._failed or self.path
                raise

    def _ruled(self, rule: Any, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a rule makes of a layer, None where it knows it not."""
        tensors = [one for one in keras.tree.flatten((args, kwargs)) if isinstance(one, KerasTensor)]
        first = keras.tree.flatten(args[:1]) or tensors
        out = layer.compute_output_spec(*args, **kwargs)
        steps = len(self.steps)
        try:
            made = rule(self, layer, out, *(self.value(one) for one in first if one is not None))
        except NoRuleError:
            del self.steps[steps:]
            return None
        self._returned(out, made)
        return out

    def _returned(self, out: Any, made: Any) -> None:
        tensors = keras.tree.flatten(out)
        values = made if isinstance(made, list) else [made]
        for tensor, value in zip(tensors, values, strict=True):
            if (shape := self.sample(tensor)) != value.shape:
                raise ConvcostError(f"Keras makes {format_shape(shape)}, its rule {format_shape(value.shape)}")
            self._keep(tensor, value)

    def _operation(self, rule: Any, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = operation.compute_output_spec(*args, **kwargs)
        steps = len(self.steps)
        try:
            if rule is None:
                raise NoRuleError  # noqa: TRY301  # as a rule does
            self._returned(out, rule(self, operation, out, *args, **kwargs))
        except NoRuleError:
            del self.steps[steps:]
            given = [one for one in keras.tree.flatten((args, kwargs)) if hasattr(one, "shape")]
            live = [self.value(one) for one in given if isinstance(one, KerasTensor)]
            used = self.constants(*given)
            for tensor in keras.tree.flatten(out):
                name = f"keras.{type(operation).__name__.lower()}"
                self._keep(tensor, self.traced(name, self.sample(tensor), *live, used=used, known=False))
                used = UNUSED
        return out


@contextmanager
def weightless() -> Iterator[None]:
    """Variables that are made inside have a shape, and are never given values."""
    waiting = get_global_attribute("uninitialized_variables", [], set_to_default=True)
    before = len(waiting)
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        del waiting[before:]


def _said(error: Exception) -> str:
    """The first line of what Keras says, which goes on with the arguments of a call."""
    text = re.sub(r"\x1b\[\d*m", "", str(error))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Exception encountered")]
    said = f"{type(error).__name__}: {lines[0][:MAX_REASON] if lines else ''}"
    if "KerasTensor" in said:
        said += "; code that calls the backend itself, or numpy, cannot be followed"
    return said


@contextmanager
def _calling(answer: Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]) -> Iterator[None]:
    """Every layer and operation that is called on tensors without data is answered, and wired to no other.

    Models take inputs of other sizes than those that they were made for; whether these fit is for layers to say.
    """

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return answer(self, args, kwargs)

    def check(self: Any, inputs: Any) -> None:
        if not isinstance(self, keras.Model):
            own_check(self, inputs)

    own_check = Layer._assert_input_compatibility
    places = (
        (Layer, "symbolic_call", call),
        (Operation, "symbolic_call", call),
        (Layer, "_assert_input_compatibility", check),
        (layer_module, "Node", lambda *_, **__: None),
    )
    with _patching:
        before = [getattr(place, name) for place, name, _ in places]
        try:
            for place, name, value in places:
                setattr(place, name, value)
            yield
        finally:
            for (place, name, _), value in zip(places, before, strict=True):
                setattr(place, name, value)
