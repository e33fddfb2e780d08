"""The input that a spec is defined for: numbers, and knobs where it is meant for more than one number of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcost.cost.inputs import another, as_input, misplaced
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import equal
from convcost.ops import Shape, format_shape
from convcost.spec import document
from convcost.spec.document import Mark, Scalar, SpecError
from convcost.values import show


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


def read_input(value: document.Value, knobs: Mapping[str, Any]) -> Input:
    """The input that a spec says, `knobs` being the defaults of its knobs. Raises SpecError for what is none."""
    if isinstance(value, Scalar):
        found = Input(parse_shape(value.text.strip(), value.mark), value.mark)
    elif isinstance(value, document.Sequence):
        found = Input(tuple(_part(item, knobs) for item in value.items), value.mark)
    else:
        raise SpecError(value.mark, "an input is 3x224x224, or a list of numbers and knobs")
    lists = [part for part in found.parts if isinstance(part, str) and isinstance(knobs[part], tuple)]
    if len(lists) > 1 or found.parts[:1] == tuple(lists):
        raise SpecError(found.mark, "one knob of an input can be a list, and not the first, which is the channels")
    shape = found.shape(knobs)
    if not found.knobs and (meant := misplaced(shape)):
        why = "channels come first, and where that is meant, they are a knob: [channels, ...]"
        raise SpecError(found.mark, f"input {format_shape(shape)}: did you mean {format_shape(meant)}? {why}")
    return found


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
