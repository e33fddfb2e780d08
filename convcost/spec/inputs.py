"""The input that a spec is defined for, or several by name: numbers, and knobs where more than one number is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcost.cost.inputs import another, as_input, misplaced, named
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import equal
from convcost.ops import Inputs, Shape, format_shape, inputs_of
from convcost.spec import document
from convcost.spec.document import Mark, Scalar, SpecError
from convcost.values import all_named, listed, show


class Input(NamedTuple):
    """`3x224x224`, or `[channels, size, size]`: a knob stands for a number, one that is a list for several axes.

    The sizes that are numbers can be others. Where a knob stands, what is given says what the knob is.
    """

    parts: tuple[int | str, ...]
    mark: Mark

    @property
    def knobs(self) -> set[str]:
        """The knobs that it names."""
        return {part for part in self.parts if isinstance(part, str)}

    def shape(self, settings: Mapping[str, Any]) -> Shape:
        """The input with these values of knobs. Raises SpecError if it is none."""
        shape: list[Any] = []
        for part in self.parts:
            value = settings[part] if isinstance(part, str) else part
            shape += value if isinstance(value, tuple) else (value,)
        try:
            return as_input("input", shape)
        except ConvcostError as error:
            raise SpecError(self.mark, str(error)) from None

    def whole(self, name: str, given: Any, settings: Mapping[str, Any], fixed: Mapping[str, Any]) -> Shape:
        """What is given, as a shape. Raises ConvcostError as `bound` does."""
        shape = as_input(name, named(name, (), given).get("input", self.shape(settings)))
        self.bound(name, shape, settings, fixed)
        return shape

    def bound(self, name: str, shape: Shape, settings: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
        """What its knobs are on an input; `fixed` are those that someone has set. Raises ConvcostError if it is none.

        `name` is what errors call the network.
        """
        own = self.shape(settings)
        channels = self.parts[0]
        several = next((p for p in self.parts if isinstance(p, str) and isinstance(settings[p], tuple)), None)
        any_rank = several is not None and several not in fixed and len(shape) >= len(self.parts)
        any_channels = isinstance(channels, str) and channels not in fixed
        if not (any_rank or len(shape) == len(own)) or not (any_channels or equal(shape[0], own[0])):
            raise another(name, own, shape)
        values: dict[str, Any] = {}
        rest = list(shape)
        for i, part in enumerate(self.parts):
            many = len(rest) - (len(self.parts) - i - 1)
            taken = tuple(rest[:many]) if part == several else rest[0]
            rest = rest[many if part == several else 1 :]
            if isinstance(part, str):
                said = values.setdefault(part, settings[part] if part in fixed else taken)
                if not _same(said, taken):
                    why = f"where {part} is {show(said)}"
                    raise ConvcostError(f"{name}: its input is {self}, {why}, not {format_shape(shape)}")
        return values

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.parts))}]"


class Several(NamedTuple):
    """`{image: 3x224x224, text: [length, 512]}`: inputs by name; a knob that stands in two of them is one."""

    parts: Mapping[str, Input]
    mark: Mark

    @property
    def knobs(self) -> set[str]:
        """The knobs that they name."""
        return set().union(*(part.knobs for part in self.parts.values()))

    def shape(self, settings: Mapping[str, Any]) -> Shape:
        """The inputs with these values of knobs. Raises SpecError if one is none."""
        return Inputs({name: part.shape(settings) for name, part in self.parts.items()})

    def whole(self, name: str, given: Any, settings: Mapping[str, Any], fixed: Mapping[str, Any]) -> Shape:
        """All inputs where some are given: the others are as the knobs say. Raises ConvcostError as `bound` does."""
        said = {one: as_input(f"{name}: {one}", x) for one, x in named(name, self.shape(settings), given).items()}
        known = {**settings, **self._bound(name, said, settings, fixed)}
        return Inputs({one: said[one] if one in said else part.shape(known) for one, part in self.parts.items()})

    def bound(self, name: str, shape: Shape, settings: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
        """What their knobs are on inputs, as `Input.bound`."""
        return self._bound(name, inputs_of(shape), settings, fixed)

    def _bound(
        self, name: str, shapes: Mapping[str, Shape], settings: Mapping[str, Any], fixed: Mapping[str, Any]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for one, shape in shapes.items():
            known = {**settings, **values}
            values |= self.parts[one].bound(f"{name}: {one}", shape, known, {**fixed, **values})
        return values

    def __str__(self) -> str:
        return f"{{{', '.join(f'{name}: {part}' for name, part in self.parts.items())}}}"


def read_input(value: document.Value, knobs: Mapping[str, Any]) -> Input | Several:
    """The input that a spec says, `knobs` being the defaults of its knobs. Raises SpecError for what is none."""
    if not isinstance(value, document.Mapping):
        return _read_one(value, knobs)
    if not value.entries:
        raise SpecError(value.mark, "inputs have a name each: {image: 3x224x224, text: 77x512}")
    for name, mark in value.marks.items():
        if not name.isidentifier() or name in knobs:
            why = "it is a knob" if name in knobs else "it is no name"
            raise SpecError(mark, f"{name!r} cannot name an input: {why}")
    return Several({name: _read_one(part, knobs) for name, part in value.entries.items()}, value.mark)


def _read_one(value: document.Value, knobs: Mapping[str, Any]) -> Input:
    if isinstance(value, Scalar):
        found = Input(parse_shape(value.text.strip(), value.mark), value.mark)
    elif isinstance(value, document.Sequence):
        found = Input(tuple(_part(item, knobs) for item in value.items), value.mark)
    else:
        raise SpecError(value.mark, "an input is 3x224x224, a list of numbers and knobs, or a mapping of names to such")
    lists = [part for part in found.parts if isinstance(part, str) and isinstance(knobs[part], tuple)]
    if len(lists) > 1 or found.parts[:1] == tuple(lists):
        raise SpecError(found.mark, "one knob of an input can be a list, and not the first, which is the channels")
    shape = found.shape(knobs)
    if not found.knobs and (meant := misplaced(shape)):
        why = "channels come first, and where that is meant, they are a knob: [channels, ...]"
        raise SpecError(found.mark, f"input {format_shape(shape)}: did you mean {format_shape(meant)}? {why}")
    return found


def parse_input(text: str) -> Shape | list[Shape] | dict[str, Shape]:
    """'3x224x224', several in order '3x224x224,77x512', or by name 'image=3x224x224,text=77x512'.

    Raises ConvcostError.
    """
    if "=" not in text:
        parts = text.split(",")
        return parse_shape(text) if len(parts) == 1 else [parse_shape(part.strip()) for part in parts]
    for part in text.split(","):
        if "=" not in part:
            raise SpecError(
                "input", f"{part.strip()[:40]!r} has no name, and others have: all in order, or all by name"
            )
    given = all_named(listed(text), "input", "image=3x224x224,text=77x512")
    return {name: parse_shape(shape, f"input {name}") for name, shape in given.items()}


def parse_shape(text: str, mark: Mark | str = "input") -> Shape:
    """'3x224x224' as (3, 224, 224). Raises SpecError."""
    parts = text.replace("×", "x").split("x")
    if not all(part.isascii() and part.isdigit() and len(part) < 10 and int(part) > 0 for part in parts):
        raise SpecError(mark, f"an input is written channels x sizes, like 3x224x224, got {text[:40]!r}")
    return tuple(map(int, parts))


def _part(item: document.Value, knobs: Mapping[str, Any]) -> int | str:
    value = item.value if isinstance(item, Scalar) else None
    if isinstance(value, str):
        if value not in knobs:
            raise SpecError(item.mark, f"there is no knob {value!r}{did_you_mean(value, knobs)}")
        return value
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpecError(item.mark, "an input is a list of integers >= 1 and of knobs, the channels first")
    return value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return not isinstance(a, tuple) and not isinstance(b, tuple) and equal(a, b)
