"""A module of the user's against a network: is it the same, layer by layer, and if not, where does it differ first?

Both run, and what they run is compared, so neither names nor the way it is written matter. The order of parallel
branches does not matter either: a layer is told by what it is and what comes before it. Weights that ours shares theirs
must share, and no others. Importing this module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convcost.cost.alignment import Pair, align
from convcost.cost.cost import Cost
from convcost.cost.graph import Graph
from convcost.errors import ConvcostError, unwarned
from convcost.ops import Shape, format_shape
from convcost.torchbridge.module import TorchModel, samples, zeros
from convcost.torchbridge.record import Layer, NotRunError, Run, record
from convcost.torchbridge.report import Difference, Verification
from convcost.torchbridge.storage import Region, overlap

_COMPARED = Layer._fields[3:]


def verify_module(graph: Graph, shape: Shape, module: nn.Module, device: torch.device | None) -> Verification:
    """Compare what a module runs on an input of this shape with what the network's own model runs.

    Raises ConvcostError for what is no module, one that does not run on such an input, and one that is not on the
    device, where one is asked for.
    """
    if isinstance(module, type):
        raise ConvcostError(f"module is the class {module.__name__}, not a module made of it")
    if not isinstance(module, nn.Module):
        raise ConvcostError(f"module is to be a torch.nn.Module, got an object of type {type(module).__name__}")
    like = next(module.parameters(), torch.zeros((), device=device))
    if device is not None and (device.type != like.device.type or device.index not in (None, like.device.index or 0)):
        raise ConvcostError(f"device {device}: the module is on {like.device}; move it there, or ask for no device")
    with unwarned():  # whoever asked for a verification has been warned
        total = Cost(graph, shape).with_auxiliary
    with torch.device("meta"):
        model, xs = TorchModel(graph, shape), zeros(shape, samples(graph))
    names = {path: name for name, path in reversed(model.paths.items())}
    ours = record(model, *xs)
    ours = ours._replace(layers=[layer._replace(name=names[layer.name]) for layer in ours.layers])
    shapes = ", ".join(str(tuple(x.shape)) for x in xs)
    try:
        theirs = record(module, *zeros(shape, samples(graph), like.device, dtype=like.dtype))
    except NotRunError as error:
        raise ConvcostError(f"the module does not run on {shapes}: {error}") from error.__cause__
    differences = list(_differences(ours, theirs))
    params = sum(p.numel() for p in module.parameters() if not is_lazy(p)) - sum(theirs.unused.values())
    if params != total.params:
        used = "what the module uses" if theirs.unused else "all of the module"
        differences.append(Difference("total", "params", total.params, params, used, "the spec"))
    compared = (len(ours.layers), total.params, total.macs, tuple(differences))
    return Verification(graph.name, shape, ("the module",), *compared, theirs.unused)


def _differences(ours: Run, theirs: Run) -> Iterator[Difference]:
    """In the order of our layers, and at the end those of the output."""
    same, settled = align(ours.layers, theirs.layers)
    pairs: list[Pair] = [*same.items(), *settled]
    number_of = {j: i for i, j in pairs if i is not None and j is not None}
    found = [*_unlike(ours.layers, theirs.layers, settled, number_of), *_shared(ours.layers, theirs.layers, number_of)]
    yield from (difference for _, difference in sorted(found, key=lambda pair: pair[0]))
    yield from _of_outputs(ours, theirs, pairs, number_of)


def _unlike(
    ours: Sequence[Layer], theirs: Sequence[Layer], settled: Sequence[Pair], number_of: Mapping[int, int]
) -> Iterator[tuple[int, Difference]]:
    """How the layers of pairs differ, each with the number of our layer or of the last one before."""
    for i, j in settled:
        if i is not None and j is None:
            missing = _describe(ours[i])
            yield i, Difference(f"layer {ours[i].name}", "operator", missing, None, "the module", "the spec")
        if j is None:
            continue
        source = _place(theirs[j])
        before = ", ".join(_name(k, ours, theirs, number_of) for k in sorted(theirs[j].sources)) or "the input"
        if i is None:
            last = max((number_of.get(k, -1) for k in theirs[j].sources), default=-1)
            yield last, Difference(f"after {before}", "operator", None, _describe(theirs[j]), source, "the spec")
            continue
        fields = [(f, getattr(ours[i], f), getattr(theirs[j], f)) for f in _COMPARED]
        if all(mine == its for _, mine, its in fields):
            fields = [("input", ", ".join(ours[k].name for k in sorted(ours[i].sources)) or "the input", before)]
        for field, mine, its in fields:
            if mine != its:
                yield i, Difference(f"layer {ours[i].name}", field, mine, its, source, "the spec")


def _shared(
    ours: Sequence[Layer], theirs: Sequence[Layer], number_of: Mapping[int, int]
) -> Iterator[tuple[int, Difference]]:
    """The layers that have their weights from another one than in the other model, each with the number of ours."""
    mine, its = _first_uses(ours), _first_uses(theirs)
    for j, i in number_of.items():
        wanted, found = mine.get(i), its.get(j)
        if wanted == (None if found is None else number_of.get(found, -1)):
            continue
        said = "its own" if wanted is None else f"shared with layer {ours[wanted].name}"
        shared = "its own" if found is None else f"shared with layer {_name(found, ours, theirs, number_of)}"
        yield i, Difference(f"layer {ours[i].name}", "weights", said, shared, _place(theirs[j]), "the spec")


def _first_uses(layers: Sequence[Layer]) -> dict[int, int]:
    """For each layer whose weights another one had before, the first that had."""
    had: dict[int, dict[Region, int]] = {}
    firsts = {}
    for j, layer in enumerate(layers):
        found = set()
        for region in layer.weights:
            before = had.setdefault(region.storage, {})
            found |= {k for other, k in before.items() if overlap(region, other)}
            before.setdefault(region, j)
        found.discard(j)
        if found:
            firsts[j] = min(found)
    return firsts


def _of_outputs(ours: Run, theirs: Run, pairs: Sequence[Pair], number_of: Mapping[int, int]) -> Iterator[Difference]:
    """How the shapes of the two outputs differ, and the layers that they come from.

    Sizes of 1 do not matter: many a network ends in 1000x1x1 on paper and in 1000 in code.
    """
    mine: Shape = tuple(ours.output or ())[1:]
    if theirs.output is None:
        yield Difference("the output", "shape", mine, "no tensor", "the module", "the spec")
        return
    its: Shape | str = tuple(theirs.output[1:])
    batch = tuple(ours.output or ())[:1]
    if theirs.output[:1] != batch:
        its = f"{format_shape(tuple(theirs.output)) or 'a single value'} without the batch of {format_shape(batch)}"
    if isinstance(its, str) or [n for n in mine if n != 1] != [n for n in its if n != 1]:
        yield Difference("the output", "shape", mine, its, "the module", "the spec")
    left_out, put_in = {i for i, j in pairs if j is None}, {j for i, j in pairs if i is None}
    if _seen_from(ours, left_out) != {number_of[j] for j in _seen_from(theirs, put_in)}:
        from_ours = ", ".join(ours.layers[i].name for i in sorted(ours.sources))
        from_theirs = ", ".join(_name(j, ours.layers, theirs.layers, number_of) for j in sorted(theirs.sources))
        origins = (from_ours or "the input", from_theirs or "the input")
        yield Difference("the output", "origin", *origins, "the module", "the spec")


def _seen_from(run: Run, alone: AbstractSet[int | None]) -> set[int]:
    """The layers that reach the output, those without a partner looked through."""
    found: set[int] = set()
    seen, waiting = set(run.sources), list(run.sources)
    while waiting:
        number = waiting.pop()
        if number not in alone:
            found.add(number)
            continue
        new = run.layers[number].sources - seen
        seen |= new
        waiting += new
    return found


def _name(number: int, ours: Sequence[Layer], theirs: Sequence[Layer], number_of: Mapping[int, int]) -> str:
    """A layer of theirs by the name of ours in its place, if there is one."""
    return ours[number_of[number]].name if number in number_of else theirs[number].name


def _place(layer: Layer) -> str:
    return f"the module's {layer.name or 'forward'}"


def _describe(layer: Layer) -> str:
    """`conv 3x3 64 -> 128 (73,728 params, 231,211,008 macs)`."""
    size = f" {format_shape(layer.kernel_size)}" if layer.kernel_size else ""
    width = f" {layer.in_channels} -> {layer.out_channels}" if layer.in_channels else f" {layer.out_channels}"
    return f"{layer.operator}{size}{width} ({layer.params:,} params, {layer.macs:,} macs)"
