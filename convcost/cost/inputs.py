"""Inputs of networks, (channels, *sizes): what is one, and what was meant by one that is written otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from convcost.errors import ShapeError
from convcost.exact.integers import Int, equal, require_above, require_integer, unboxed
from convcost.ops import Shape, format_shape

MAP = 16
"""Positions from which on an axis is one of an image, and no number of channels of a colour."""


def as_input(name: str, input: Iterable[Int]) -> Shape:
    """An input shape as a tuple. Raises ShapeError if it is not (channels, *sizes), each an integer >= 1."""
    shape = tuple(map(unboxed, input)) if isinstance(input, Iterable) and not isinstance(input, str) else ()
    if not shape or not all((type(d) is int and d > 0) or _is_size(d) for d in shape):
        raise ShapeError(f"{name}: an input is (channels, *sizes) of integers >= 1, got {shape or input}")
    return shape


def _is_size(d: Int) -> bool:
    return require_integer(d) and require_above(d, 0)


def admitted(name: str, own: Shape, input: Iterable[Int]) -> Shape:
    """An input for what is defined for `own`, as a tuple: another size of it, with the same channels and axes.

    Raises ShapeError for any other, with what it likely means. Where `own` has a symbol or an array of channels, it is
    defined for all of them.
    """
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
