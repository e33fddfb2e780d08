"""Functions of torch that move numbers, and compute at most between them, as operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from convcost import ops
from convcost.imports.torchrules.common import agreed, require, require_plain, rule
from convcost.imports.tracing import NoRuleError, Tracer
from convcost.ops import Op, Shape


@rule("flatten", "view", "reshape", "ravel", "view_as", "reshape_as", "squeeze", "unsqueeze", "unflatten")
def _reshape(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
    _shaped(t, out, t.live(x))


def _shaped(t: Tracer, out: Tensor, made: Any) -> None:
    """What a function returned is what is made of its input, with other axes if they differ."""
    shape = t.sample(out)
    if shape != made.shape:
        t.emit(_reshaping(made.shape, shape), [made], out)
    else:
        t.same(out, made)


def _reshaping(x: Shape, y: Shape) -> Op:
    """A flatten, where a run of axes becomes one."""
    if len(y) == 1:
        return ops.Flatten()
    before = 0
    while before < min(len(x), len(y)) and x[before] == y[before]:
        before += 1
    after = 0
    while after < min(len(x), len(y)) - before and x[-1 - after] == y[-1 - after]:
        after += 1
    if len(y) - before - after == 1 and len(x) - before - after > 1:
        return ops.Flatten(before + 1, len(x) - after)
    return ops.Reshape(y)


@rule("expand", "expand_as", "broadcast_to")
def _expand(t: Tracer, out: Tensor, x: Tensor, *_: Any, **__: Any) -> None:
    require(t.sample(out) == t.live(x).shape)
    t.same(out, x)


@rule("permute")
def _permute(t: Tracer, out: Tensor, x: Tensor, *dims: Any, **named: Any) -> None:
    given = named.get("dims", dims)
    _permuted(t, out, x, given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given)


@rule("transpose", "swapaxes", "swapdims")
def _transpose(t: Tracer, out: Tensor, x: Tensor, a: int, b: int) -> None:
    order = [*range(x.dim())]
    order[a], order[b] = order[b], order[a]
    _permuted(t, out, x, order)


@rule("t", "T", "mT")
def _transposed(t: Tracer, out: Tensor, x: Tensor) -> None:
    require(x.dim() > 1)
    _transpose(t, out, x, -2, -1)


@rule("movedim", "moveaxis")
def _movedim(t: Tracer, out: Tensor, x: Tensor, source: Any, destination: Any) -> None:
    moved, to = ([n % x.dim() for n in (v if isinstance(v, list | tuple) else [v])] for v in (source, destination))
    rest = iter(n for n in range(x.dim()) if n not in moved)
    _permuted(t, out, x, [moved[to.index(n)] if n in to else next(rest) for n in range(x.dim())])


def _permuted(t: Tracer, out: Tensor, x: Tensor, order: Sequence[int]) -> None:
    dims = t.order(x, order)
    if [*dims] == [*range(1, len(dims) + 1)]:
        t.same(out, x)
    else:
        t.emit(ops.Permute(dims), [x], out)


@rule("roll")
def _roll(t: Tracer, out: Tensor, x: Tensor, shifts: Any, dims: Any = None) -> None:
    require(dims is not None and dims != ())
    by, along = ([*v] if isinstance(v, list | tuple) else [v] for v in (shifts, dims))
    places = tuple(t.dim(x, dim) for dim in along)
    t.emit(ops.Roll(tuple(map(int, by)), places), [x], out)


@rule("cat", "concat", "concatenate")
def _cat(t: Tracer, out: Tensor, tensors: Sequence[Tensor], dim: int = 0, **_: Any) -> None:
    xs = [x for x in tensors if x.numel()]
    if len(xs) == 1:
        t.same(out, xs[0])
        return
    t.emit(ops.Concat(t.dim(out, dim)), [t.aligned(x, out) for x in xs], out)


@rule("stack")
def _stack(t: Tracer, out: Tensor, tensors: Sequence[Tensor], dim: int = 0) -> None:
    place = t.dim(out, dim)
    shape = [*t.sample(out)]
    shape[place - 1 if place > 0 else place] = 1
    xs = [t.step(ops.Reshape(tuple(shape)), [x]) for x in tensors]
    if len(xs) == 1:
        t.same(out, xs[0])
    else:
        t.emit(ops.Concat(place), xs, out)


@rule("chunk", "split", "split_with_sizes", "tensor_split", "unsafe_chunk", "unsafe_split")
def _split(t: Tracer, out: Sequence[Tensor], x: Tensor, size: Any = None, dim: int = 0, **_: Any) -> None:
    place = t.dim(x, dim)
    if len(out) == 1:
        t.same(out[0], x)
    elif len({part.shape for part in out}) == 1:
        for index, part in enumerate(out):
            t.emit(ops.Split(len(out), index, place), [x], part)
    else:
        start = 0
        for part in out:
            n = int(part.shape[dim])
            if n:
                end = start + n
                t.emit(ops.Slice(place, start, None if end == x.shape[dim] else end), [x], part)
                start = end


@rule("unbind", "__iter__")
def _unbind(t: Tracer, out: Sequence[Tensor], x: Tensor, dim: int = 0) -> None:
    for index, part in enumerate(out):
        _taken(t, part, x, {dim % x.dim(): index})


@rule("select")
def _select(t: Tracer, out: Tensor, x: Tensor, dim: int, index: int) -> None:
    _taken(t, out, x, {dim % x.dim(): index})


@rule("narrow")
def _narrow(t: Tracer, out: Tensor, x: Tensor, dim: int, start: Any, length: int) -> None:
    require(isinstance(start, int))
    _taken(t, out, x, {dim % x.dim(): slice(start, start + length)})


@rule("__getitem__")
def _getitem(t: Tracer, out: Tensor, x: Tensor, index: Any) -> None:
    given = [*index] if isinstance(index, tuple) else [index]
    require(all(one is None or one is Ellipsis or type(one) is not bool for one in given))
    require(all(one is None or one is Ellipsis or isinstance(one, int | slice) for one in given))
    axes = [one for one in given if one is not None]
    if Ellipsis in axes:
        at = axes.index(Ellipsis)
        axes[at : at + 1] = [slice(None)] * (x.dim() - len(axes) + 1)
    _taken(t, out, x, dict(enumerate(axes)))


def _taken(t: Tracer, out: Tensor, x: Tensor, wanted: dict[int, Any]) -> None:
    """Elements of axes, by number or slice: axes of which there is one element are those of the output."""
    made = t.live(x)
    for axis, one in wanted.items():
        n = int(x.shape[axis])
        if isinstance(one, slice):
            start, stop, step = one.indices(n)
            if (start, step) == (0, 1) and stop == n:
                continue
            first = _end(one.start, start, n) or 0
            last = None if stop == n else _end(one.stop, stop, n)
        else:
            first, step = int(one), 1
            last = None if first == -1 else first + 1
        made = t.step(ops.Slice(t.dim(x, axis), first, last, step), [made])
    _shaped(t, out, made)


def _end(given: Any, known: int, n: int) -> int:
    """An end of a slice as it was written, if it is within: a number from the end stays one at other sizes."""
    return int(given) if given is not None and -n < int(given) < 0 else known


@rule("pad", "constant_pad_nd")
def _pad(t: Tracer, out: Tensor, x: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None) -> None:
    if out.shape == x.shape and not any(pad):
        t.same(out, x)
        return
    require_plain(t, x)
    pairs = [*zip(pad[::2], pad[1::2], strict=True)][::-1]
    pairs = [(0, 0)] * (x.dim() - len(pairs)) + pairs
    if mode != "constant" or value:
        if pairs[1] != (0, 0) or min(map(min, pairs)) < 0:
            raise NoRuleError
        t.emit(ops.Pad(tuple(pairs[2:]), mode, value or 0), [x], out)
        return
    if pairs[1] == (0, 0):
        t.emit(ops.ZeroPad(tuple(pairs[2:])), [x], out)
        return
    if any(pair != (0, 0) for pair in pairs[2:]):
        raise NoRuleError
    t.emit(ops.ChannelPad(pairs[1][1], pairs[1][0]), [x], out)


@rule("interpolate", "upsample")
def _interpolate(
    t: Tracer,
    out: Tensor,
    x: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    *_: Any,
    **__: Any,
) -> None:
    require_plain(t, x)
    sizes = [*zip(x.shape[2:], out.shape[2:], strict=True)]
    if size is None and mode in ("nearest", "bilinear") and all(m % n == 0 for n, m in sizes):
        t.emit(ops.Upsample(agreed([m // n for n, m in sizes]), mode), [x], out)
        return
    t.emit(ops.Resize(agreed(out.shape[2:]), mode), [x], out)


@rule("pixel_shuffle")
def _pixel_shuffle(t: Tracer, out: Tensor, x: Tensor, factor: int) -> None:
    require_plain(t, x)
    t.emit(ops.PixelShuffle(factor), [x], out)


@rule("pixel_unshuffle")
def _pixel_unshuffle(t: Tracer, out: Tensor, x: Tensor, factor: int) -> None:
    require_plain(t, x)
    t.emit(ops.PixelUnshuffle(factor), [x], out)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(t: Tracer, out: Tensor, x: Tensor, groups: int) -> None:
    require_plain(t, x)
    t.emit(ops.ChannelShuffle(groups), [x], out)


@rule("copy")
def _copy(t: Tracer, out: Tensor, x: Tensor, source: Tensor, non_blocking: bool = False) -> None:
    t.traced("copy", [source], out)


@rule("__setitem__")
def _setitem(t: Tracer, out: None, x: Tensor, index: Any, value: Any) -> None:
    t.traced("setitem", [x, *([value] if isinstance(value, Tensor) else [])], x)
