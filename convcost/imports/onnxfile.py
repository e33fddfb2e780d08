"""ONNX files as recipes, without torch and without onnx's own inference of shapes: our rules give every shape.

A graph is run once, node by node, on one sample: tensors are their shapes, small tensors of numbers (sizes, and what is
computed of them) are numbers. Nothing in a file is executed, weights are not read, and external data is not opened.
Importing this module imports onnx and numpy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import numpy_helper

from convcost.cost.graph import evaluate
from convcost.errors import ConvcostError, ShapeError, one_line, reason
from convcost.imports.inputs import Known, names_of
from convcost.imports.onnxconstants import MAX_ELEMENTS, MAX_NUMBERS, Value, computed, is_number
from convcost.imports.onnxrules import RULES
from convcost.imports.recipe import UNUSED, Call, Recipe, Step, Stored, Used
from convcost.ops import NO_WORK, Op, Shape, Work, format_shape, inputs_of
from convcost.ops.base import Memory
from convcost.ops.traced import Traced

MAX_BYTES = 2 << 30
"""Of a file: as much as the format allows."""


class Model:
    """An ONNX file, read and parsed. Raises ConvcostError, in one line, for what is none."""

    guess: Shape | None = None

    def __init__(self, path: Path) -> None:
        if path.stat().st_size > MAX_BYTES:
            raise ConvcostError(f"{path}: larger than an ONNX file can be, 2 GB")
        self.name = str(path)
        proto = onnx.ModelProto()
        try:
            proto.ParseFromString(path.read_bytes())
        except DecodeError:
            raise ConvcostError(f"{path}: no ONNX file, or not all of one") from None
        self.graph = proto.graph
        if not self.graph.node or not self.graph.output:
            raise ConvcostError(f"{path}: no ONNX file, or one without a network")
        stored = {one.name for one in self.graph.initializer}
        self.inputs = [one for one in self.graph.input if one.name not in stored]
        if not self.inputs:
            raise ConvcostError(f"{path}: a network takes an input, and this one has none")

    @property
    def known(self) -> Known:
        """Its inputs by name, with the shape of one sample of those of which the file says it."""
        layers = {path[0] for node in self.graph.node if (path := _path(node))}
        names = names_of([one.name for one in self.inputs], layers) if len(self.inputs) > 1 else ["input"]
        return {name: _of_one(_declared(one)) for name, one in zip(names, self.inputs, strict=True)}

    def run(self, shape: Shape) -> Recipe:
        """What runs on an input. Raises ConvcostError, with the node, where one has no rule or does not fit."""
        return Run(self, shape).recipe()


def _of_one(sizes: Shape) -> Shape | None:
    """The shape of one sample, None if some of it is left open."""
    return None if not sizes or not all(sizes[1:]) else sizes[1:] or (1,)


def _path(node: Any) -> tuple[str, ...]:
    """The scopes that a node's name says, and its own."""
    return tuple(part for part in one_line(node.name).replace("::", "/").split("/") if part.strip())


_OF_EXPORTERS = re.compile(r"val_[0-9]+|onnx::[A-Za-z]+_[0-9]+")
"""What torch's exporters call a tensor that is no parameter by its own name: `val_57` is the scale of an attention."""


def _declared(value: Any) -> Shape:
    """Sizes that a file says of a tensor, 0 for one that it leaves open."""
    return tuple(max(0, int(axis.dim_value)) for axis in value.type.tensor_type.shape.dim)


class Run:
    """A graph on one sample, node by node: what rules append their steps to."""

    def __init__(self, model: Model, shape: Shape) -> None:
        self.model = model
        self.values: dict[str, Value] = {}
        self.steps: list[Step] = []
        self.stored: dict[int, Stored] = {}
        self.inputs: list[Shape] = []
        self.call = Call((), 0)
        for one in model.graph.initializer:
            self._store(one)
        given = inputs_of(shape)
        self.called = tuple(given) if len(given) > 1 else ()
        for number, (declared, sizes) in enumerate(zip(model.inputs, given.values(), strict=True), 1):
            alone = len(declared.type.tensor_type.shape.dim) == 1 and sizes == (1,)
            self.inputs.append(tuple(sizes))
            self.values[declared.name] = Value((1,) if alone else (1, *sizes), -number)

    def recipe(self) -> Recipe:
        """What has run, at the end. Raises ConvcostError, with the node, where one has no rule or does not fit."""
        for number, node in enumerate(self.model.graph.node):
            self.call = Call(_path(node), number)
            called = f"node {node.op_type} {node.name!r}" if node.name else f"node {number + 1}, {node.op_type}"
            try:
                self._run(node)
            except ConvcostError as error:
                raise ConvcostError(f"{called}: {error}") from None
            except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise ConvcostError(f"{called}: not as its operator has it ({reason(error)})") from error
        outputs = [self._value(one.name).number for one in self.model.graph.output]
        made = [number for number in outputs if number is not None and number >= 0]
        if not made:
            raise ConvcostError("no output depends on the input")
        returned = tuple(dict.fromkeys(made))
        return Recipe(tuple(self.inputs), tuple(self.steps), returned, self.stored, called=self.called)

    def _run(self, node: Any) -> None:
        attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        inputs = [self._value(name) if name else None for name in node.input]
        constant = all(one is None or one.number is None for one in inputs)
        rule = RULES.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        made: Any = computed(node.op_type, inputs, attributes) if constant else None
        if made is None:
            if rule is None:
                raise ConvcostError("there is no rule for this operator")
            made = rule(self, attributes, *inputs)
        each = made if isinstance(made, list) else [made]
        for name, value in zip(node.output, each, strict=False):
            if value.number is None and value.key == 0:
                key = len(self.stored) + 1
                # Sizes and axes are no parameters, and what is computed is one if it is made of one.
                kind = getattr(value.numbers, "dtype", None)
                known = [self.stored[one.key].trained for one in inputs if one is not None and one.number is None]
                fills = not known or node.op_type == "ConstantOfShape"  # what some have for weights that they leave out
                learned = not is_number(value.shape) if fills else any(known)
                self.stored[key] = Stored(name, prod(value.shape), (kind is None or kind.kind == "f") and learned)
                value = value._replace(key=key)  # now it has one
            self.values[name] = value

    def _value(self, name: str) -> Value:
        if name not in self.values:
            raise ConvcostError(f"it takes {name!r}, which nothing before it makes")
        return self.values[name]

    def _store(self, one: Any) -> None:
        shape = tuple(int(n) for n in one.dims)
        if any(n < 0 for n in shape) or prod(shape) > MAX_ELEMENTS:
            raise ConvcostError(f"{one.name!r} has no shape: {format_shape(shape)}")
        numbers = None
        if prod(shape) <= MAX_NUMBERS and one.data_location != onnx.TensorProto.EXTERNAL:
            try:
                numbers = numpy_helper.to_array(one)
            except (ValueError, TypeError):
                numbers = None
        key = len(self.stored) + 1
        floats = one.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
        bfloat = one.data_type == onnx.TensorProto.BFLOAT16
        number = is_number(shape) and _OF_EXPORTERS.fullmatch(one.name)
        self.stored[key] = Stored(one.name, prod(shape), trained=(floats or bfloat) and not number)
        self.values[one.name] = Value(shape, None, key, numbers)

    # -- steps -------------------------------------------------------------------------------------------------------

    def emit(self, op: Op, *inputs: Value, **used: Sequence[Value | None]) -> Value:
        """Append an operator of ours."""
        for one in inputs:
            if one.number is None or one.shape[:1] != (1,):
                raise ConvcostError(f"{op.name} of {format_shape(one.shape)}, whose first axis is not one sample's")
        shape = evaluate(op, tuple(one.sample for one in inputs)).shape
        for one in (one for kind, each in used.items() if kind != "norm_stats" for one in each if one is not None):
            self.stored[one.key] = self.stored[one.key]._replace(trained=True)  # a single number, too, is its weight
        return self._append(op, inputs, (1, *shape), used)

    def traced(self, name: str, full: Shape, *inputs: Value | None, done: Work = NO_WORK, view: bool = False) -> Value:
        """Append an operator of theirs that makes a tensor of this shape; its constants are weights."""
        if prod(full) <= 0 or prod(full) > MAX_ELEMENTS:
            raise ShapeError(f"it would make a tensor of {format_shape(full)}")
        live = [one for one in inputs if one is not None and one.number is not None]
        given = tuple(one.sample if one.shape[:1] == (1,) else one.shape for one in live)
        shape = full[1:] or (1,) if full[:1] == (1,) else full
        memory: Memory = "view" if view and live else "own"
        op = Traced(f"onnx.{name}", memory, done.macs > 0, shape, given, done)
        weights = [one for one in inputs if one is not None and one.number is None]
        return self._append(op, live, full, {"weights": weights})

    def _append(
        self, op: Op, inputs: Sequence[Value], full: Shape, used: Mapping[str, Sequence[Value | None]]
    ) -> Value:
        keys = {kind: frozenset(one.key for one in each if one is not None) for kind, each in used.items()}
        for key in keys.pop("norm_stats", ()):
            self.stored[key] = self.stored[key]._replace(trained=False)
            keys.setdefault("norm_stats", frozenset())
            keys["norm_stats"] |= {key}
        numbers = tuple(one.number for one in inputs if one.number is not None)
        self.steps.append(Step(op, numbers, (self.call,), Used(**keys) if any(keys.values()) else UNUSED))
        return Value(full, len(self.steps) - 1)
