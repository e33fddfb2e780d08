"""A module of the user's against a network: is it the same, layer by layer, and if not, where does it differ first?

Both run, and what they run is compared, so neither names nor the way it is written matter. The order of parallel
branches does not matter either: a layer is told by what it is and what comes before it. Importing this module imports
torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

from convcost.cost import Cost
from convcost.errors import ConvcostError
from convcost.graph import Graph
from convcost.ops import Shape, format_shape
from convcost.torchbridge.module import TorchModel
from convcost.torchbridge.record import Layer, record
from convcost.torchbridge.report import Difference, Verification

_COMPARED = Layer._fields[2:]
_WINDOW = 40
"""How many layers ahead are looked at to tell a replaced layer from one put in or left out."""
Pair = tuple[int | None, int | None]
"""A layer of ours and the one of theirs in its place, by number; None where there is none."""


def verify_module(graph: Graph, shape: Shape, module: nn.Module) -> Verification:
    """Compare what a module runs on an input of this shape with what the network's own model runs.

    Raises ConvcostError if the module does not run on such an input.
    """
    total = Cost(graph, shape).with_auxiliary
    with torch.device("meta"):
        model, x = TorchModel(graph, shape), torch.zeros(1, *shape)
    names = {path: name for name, path in model.paths.items()}
    ours = [layer._replace(name=names[layer.name]) for layer in record(model, x)]
    like = next(module.parameters(), torch.zeros(()))
    try:
        theirs = record(module, torch.zeros(1, *shape, device=like.device, dtype=like.dtype))
    except Exception as error:  # whatever a module of the user's raises
        raise ConvcostError(f"the module does not run on {(1, *shape)}: {type(error).__name__}: {error}") from error
    differences = list(_differences(ours, theirs))
    params = sum(p.numel() for p in module.parameters())
    if params != total.params:
        differences.append(Difference("total", "params", total.params, params, "all of the module", "the spec"))
    return Verification(graph.name, shape, ("the module",), len(ours), total.params, total.macs, tuple(differences))


def align(ours: Sequence[Layer], theirs: Sequence[Layer]) -> tuple[dict[int, int], list[Pair]]:
    """Which layers are the same, ours to theirs, and the pairs that differ, in execution order.

    The same are layers that are equal, as is all that comes before them. The first that are not are paired off, and
    from there on pass for the same, so that one difference is not found again in all that comes after it.
    """
    settled: list[Pair] = []
    while True:
        seen: dict[object, int] = {}
        waiting: dict[int, list[int]] = {}
        for number, history in _histories(theirs, {j: pair for pair in settled if (j := pair[1]) is not None}, seen):
            waiting.setdefault(history, []).append(number)
        same, left = {}, []
        for number, history in _histories(ours, {i: pair for pair in settled if (i := pair[0]) is not None}, seen):
            if waiting.get(history):
                same[number] = waiting[history].pop(0)
            else:
                left.append(number)
        others = sorted(number for numbers in waiting.values() for number in numbers)
        if not left and not others:
            return same, settled
        left, others = left[:_WINDOW], others[:_WINDOW]
        i, j = _first_pair([ours[k].key for k in left], [theirs[k].key for k in others])
        settled.append((None if i is None else left[i], None if j is None else others[j]))


def _histories(
    layers: Sequence[Layer], settled: Mapping[int, Pair], seen: dict[object, int]
) -> Iterator[tuple[int, int]]:
    """For each layer by number a number for it and all that comes before it: the same for the same.

    A settled pair passes for the same layer; one that has no partner is left out, and its sources looked through to.
    """
    reaching: list[frozenset[int]] = []
    for number, layer in enumerate(layers):
        before = frozenset[int]().union(*(reaching[i] for i in layer.sources))
        pair = settled.get(number)
        if pair is not None and None in pair:
            reaching.append(before)
            continue
        history = seen.setdefault(pair or (layer.key, before), len(seen))
        reaching.append(frozenset((history,)))
        if pair is None:
            yield number, history


def _first_pair(a: Sequence[tuple[object, ...]], b: Sequence[tuple[object, ...]]) -> Pair:
    """The first pair of the alignment of two sequences that has the fewest differences: an edit distance.

    A layer put in or left out costs as much as one that differs in all but two of its fields.
    """
    gap = (len(_COMPARED) - 2) / 2
    distance = [[gap * (len(a) + len(b) - i - j) for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            replaced = sum(p != q for p, q in zip(a[i], b[j], strict=True)) + distance[i + 1][j + 1]
            distance[i][j] = min(replaced, distance[i + 1][j] + gap, distance[i][j + 1] + gap)
    if not a or (b and distance[0][0] == distance[0][1] + gap):
        return None, 0
    if not b or distance[0][0] == distance[1][0] + gap:
        return 0, None
    return 0, 0


def _differences(ours: Sequence[Layer], theirs: Sequence[Layer]) -> Iterator[Difference]:
    same, settled = align(ours, theirs)
    ours_of = {j: ours[i].name for i, j in [*same.items(), *settled] if i is not None and j is not None}
    for i, j in settled:
        if i is not None and j is None:
            yield Difference(f"layer {ours[i].name}", "operator", _describe(ours[i]), None, "the module", "the spec")
        if j is None:
            continue
        source = f"the module's {theirs[j].name or 'forward'}"
        before = ", ".join(ours_of.get(k, theirs[k].name) for k in sorted(theirs[j].sources)) or "the input"
        if i is None:
            yield Difference(f"after {before}", "operator", None, _describe(theirs[j]), source, "the spec")
            continue
        fields = [(f, getattr(ours[i], f), getattr(theirs[j], f)) for f in _COMPARED]
        if all(mine == its for _, mine, its in fields):
            fields = [("input", ", ".join(ours[k].name for k in sorted(ours[i].sources)) or "the input", before)]
        for field, mine, its in fields:
            if mine != its:
                yield Difference(f"layer {ours[i].name}", field, mine, its, source, "the spec")


def _describe(layer: Layer) -> str:
    """`conv 3x3 64 -> 128 (73,728 params, 231,211,008 macs)`."""
    size = f" {format_shape(layer.kernel_size)}" if layer.kernel_size else ""
    width = f" {layer.in_channels} -> {layer.out_channels}" if layer.in_channels else f" {layer.out_channels}"
    return f"{layer.operator}{size}{width} ({layer.params:,} params, {layer.macs:,} macs)"
