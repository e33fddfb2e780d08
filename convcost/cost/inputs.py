"""Inputs of networks, (channels, *sizes): what is one, and what was meant by one that is written otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from convcost.errors import ShapeError, did_you_mean
from convcost.exact.integers import Int, equal, require_above, require_integer, unboxed
from convcost.ops import Inputs, Shape, format_shape, inputs_of

Given: TypeAlias = Iterable[Int] | Mapping[str, Iterable[Int]] | list[Iterable[Int]]
"""An input, or inputs by name, or some in a list, in order."""

MAP = 16
"""Positions from which on an axis is one of an image, and no number of channels of a colour."""


def as_input(name: str, input: Given) -> Shape:
    """An input shape as a tuple, several by name as `Inputs`.

    Raises ShapeError if one is not (channels, *sizes), each an integer >= 1.
    """
    if (several := by_name(input)) is not None:
        if not several or not all(isinstance(one, str) and one for one in several):
            raise ShapeError(f"{name}: inputs have a name each, got {dict(several)}")
        return Inputs({one: as_input(f"{name}: {one}", shape) for one, shape in several.items()})
    shape = tuple(map(unboxed, input)) if isinstance(input, Iterable) and not isinstance(input, str) else ()
    if not shape or not all((type(d) is int and d > 0) or _is_size(d) for d in shape):
        raise ShapeError(f"{name}: an input is (channels, *sizes) of integers >= 1, got {shape or input}")
    return shape


def _in_order(input: Any) -> bool:
    """Whether something is inputs in a list, and no shape, whose first part is an int, an array or a symbol."""
    return isinstance(input, list) and bool(input) and isinstance(input[0], tuple | list)


def _is_size(d: Int) -> bool:
    return require_integer(d) and require_above(d, 0)


def changed(input: Shape, change: Callable[[Int], Any]) -> Shape:
    """The same inputs with every size changed."""
    if isinstance(input, Inputs):
        return Inputs({name: tuple(map(change, shape)) for name, shape in input.of.items()})
    return tuple(map(change, input))


def sizes_of(input: Shape) -> Shape:
    """All sizes of all inputs, channels too."""
    return tuple([size for shape in inputs_of(input).values() for size in shape])


def by_name(input: Any) -> Mapping[str, Any] | None:
    """What is given by name; None for one input."""
    return input.of if isinstance(input, Inputs) else input if isinstance(input, Mapping) else None


def named(name: str, own: Shape, input: Any) -> Mapping[str, Any]:
    """What is given, by names that `own` has: a list is of the first ones in order, and anything else is the first.

    Raises ShapeError for other names, and for more than there are.
    """
    known = inputs_of(own)
    given = by_name(input)
    if given is None:
        several = input if _in_order(input) else [input]
        if len(several) > len(known):
            raise ShapeError(
                f"{name} has {len(known)} input{'s' * (len(known) > 1)}, {', '.join(known)}, not {len(several)}"
            )
        given = dict(zip(known, several, strict=False))
    for one in given:
        if one not in known:
            hint = did_you_mean(str(one), known) or f"; it has {', '.join(known)}"
            raise ShapeError(f"{name} has no input {one!r}{hint}")
    return given


def admitted(name: str, own: Shape, input: Given) -> Shape:
    """An input for what is defined for `own`, as a tuple: another size of it, with the same channels and axes.

    Of several inputs those that are not given are `own`'s. Raises ShapeError for any other, with what it likely means.
    Where `own` has a symbol or an array of channels, it is defined for all of them.
    """
    if isinstance(own, Inputs):
        given = named(name, own, input)
        of = own.of.items()
        return Inputs({one: admitted(f"{name}: {one}", x, given[one]) if one in given else x for one, x in of})
    if by_name(input) is not None or _in_order(input):
        given = named(name, own, input)
        return admitted(name, own, given["input"]) if given else own
    shape = as_input(name, input)
    if len(shape) == len(own) and (not isinstance(own[0], int) or equal(shape[0], own[0])):
        return shape
    raise another(name, own, shape)


def another(name: str, own: Shape, shape: Shape) -> ShapeError:
    """What is said of an input that is none for what is defined for `own`."""
    said = f"{name}: its input is {format_shape(own)}, or has other sizes, not {format_shape(shape)}"
    if not all(isinstance(d, int) for d in (*own, *shape)):
        return ShapeError(said)
    meant = fitted(own, shape) or ((own[0], *shape[1:]) if len(shape) == len(own) else None)
    return ShapeError(f"{said}; did you mean {format_shape(meant)}?" if meant else said)


def fitted(own: Shape, given: Sequence[int]) -> Shape | None:
    """The input that is meant by sizes as people write them, None if there is none: 224, 224x224, 224x224x3, 3x224."""
    channels, *sizes = own
    if len(given) == len(own) + 1 and given[1] == channels:
        given = given[1:]  # it begins with a batch
    first, *others = given
    if len(given) == len(own) and channels in (first, given[-1]):
        return tuple(given) if first == channels else (channels, *given[:-1])
    if len(given) == 2 < len(own) and first == channels:
        return (channels, *(others * len(sizes)))
    if sizes and len(given) in (1, len(sizes)):
        return (channels, *(list(given) * len(sizes) if len(given) == 1 else given))
    return None


def misplaced(shape: Shape) -> Shape | None:
    """The input that is meant by one which has its channels last, or none, None if it looks well: 96x96x3, 224x224."""
    *sizes, last = shape
    if len(shape) > 2 and min(sizes) >= MAP and (last == 3 or (last == 1 and len(set(sizes)) == 1)):
        return (last, *sizes)
    if len(shape) == 2 and shape[0] == last > MAP:
        return (3, *shape)
    return None
