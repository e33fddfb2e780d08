"""Two networks side by side, layer by layer: what `convcost diff` and `convcost verify --against` show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from convcost.cost.cost import Cost
from convcost.cost.differing import Differing, Layer, compared_layers, differing
from convcost.counters.rules import OPS, PARAMS
from convcost.errors import ConvcostError, one_line, unwarned
from convcost.network import Network, nearest
from convcost.ops import Conv, ConvTranspose, DepthwiseConv, Shape, format_shape
from convcost.render.table import DIFFERS, HOLDS, Cell, Column, Row, Table
from convcost.spec.model import Spec
from convcost.views.header import header, unit

_WORDS = {"kernel_size": "kernel", "inputs": "input channels"}


def diff(pairs: Sequence[tuple[Network, Cost]]) -> tuple[Table, int]:
    """Where two networks differ, and in how many places: the first that is found is the first in the table."""
    (ours, mine), (theirs, its) = pairs
    found = differing(mine, its, every=True)
    deployed = _deployed(pairs, len(found)) if found else ""
    columns = (
        Column("layer", "layer"),
        Column("differs", "differs", wrap=True),
        Column("first", "first", align="right"),
        Column("second", "second", align="right"),
        Column("params", "params", "count"),
        Column("macs", "macs", "count"),
    )
    rows = [] if deployed else [row for one in found for row in _rows(one)]
    rows.append(Row(("total", "", "", "", its.total.params - mine.total.params, its.total.macs - mine.total.macs)))
    layers = len(compared_layers(mine, every=True))
    said = f"{len(found)} of {layers} layers" if found else f"in none of {layers} layers"
    above = header(
        [(ours, mine), (theirs, its)],
        ("differ", said),
        ("params, macs", "how many more the second has"),
        unit(PARAMS["params"], OPS["macs"]),
    )
    title = f"{one_line(ours.name)} and {one_line(theirs.name)}"
    return Table(title, above, columns, tuple(rows), (deployed,) if deployed else ()), len(found)


def _deployed(pairs: Sequence[tuple[Network, Cost]], differ: int) -> str:
    """What is said of two networks of which only one has its norms folded: "" of others.

    One has none left to fold and a bias in each convolution, the other has some, and fewer layers differ where these
    are folded.
    """
    norms = [len(cost.graph.nodes) - len(cost.graph.folded().nodes) for _, cost in pairs]
    if (not norms[0]) == (not norms[1]):
        return ""
    (ours, mine), (theirs, its) = sorted(pairs, key=lambda pair: norms[pairs.index(pair)])
    if not all(node.op.bias for node in mine.graph.nodes if isinstance(node.op, (Conv, DepthwiseConv, ConvTranspose))):
        return ""
    left = len(differing(mine, theirs.folded().price(its.input, batch=its.batch), every=True))
    if left >= differ:
        return ""
    count = max(norms)
    said = "its norm" if count == 1 else f"its {count} norms"
    rest = f": {left:,} layer{'s' * (left != 1)} differ{'s' * (left == 1)} then" if left else ""
    return f"{one_line(ours.name)} has {said} folded; compare with --fold-norms{rest}"


def _rows(one: Differing) -> list[Row]:
    """A row for each field that differs; what it costs stands in the first."""
    if one.ours is None or one.theirs is None:
        layer = one.ours or one.theirs
        name = "" if layer is None else layer.name if one.ours else f"{layer.name}, after {one.after}"
        mine, its = (str(side) if side else "none" for side in (one.ours, one.theirs))
        return [Row((name, "layer", mine, its, one.params, one.macs))]
    fields: dict[str, tuple[Any, Any]] = {k: v for k, v in one.fields.items() if k not in ("params", "macs")}
    if not one.fields:
        fields = {"input": ("as it is", f"from {one.after}")}
    rows: list[Row] = []
    for name, (mine, its) in (fields or {"params": (one.ours.params, one.theirs.params)}).items():
        cost = ("", "") if rows else (one.params, one.macs)
        label = one.ours.name if not rows else ""
        rows.append(Row((label, _WORDS.get(name, name), _say(mine), _say(its), *cost)))
    return rows


def _say(value: Any) -> str:
    if isinstance(value, tuple):
        return format_shape(value) or "none"
    return str(value).lower() if isinstance(value, bool) else f"{value:,}" if isinstance(value, int) else str(value)


def against(pairs: Sequence[tuple[Network, Cost]], theirs: Network, its: Cost) -> tuple[Table, bool]:
    """Whether networks are another one: params, macs and every layer with weights; and whether all are."""
    columns = (
        Column("network", "network"),
        Column("layers", "layers", "count", drop=1),
        Column("params", "params", "count"),
        Column("macs", "macs", "count"),
        Column("verdict", "verdict", align="right"),
    )
    rows: list[Row] = []
    notes: list[str] = []
    same = True
    for network, cost in pairs:
        found = differing(cost, its)
        totals = (cost.total.params, cost.total.macs)
        agrees = not found and totals == (its.total.params, its.total.macs)
        same &= agrees
        said = f"{len(found)} difference{'s' * (len(found) != 1)}" if found else "other totals"
        verdict = Cell("agrees", HOLDS) if agrees else Cell(said, DIFFERS)
        rows.append(Row((network.name, len(compared_layers(cost)), *totals, verdict)))
        notes += [f"{network.name}: {_sentence(one)}" for one in found]
    rows.append(Row((one_line(theirs.name), len(compared_layers(its)), its.total.params, its.total.macs, "")))
    if unused := sum(theirs.unused_on(its.input).values()):
        notes.append(f"{unused:,} parameters of {one_line(theirs.name)} are unused, and no part of this")
    above = header(
        (),
        ("input", format_shape(its.input)),
        ("compared", "layers that have weights or multiply"),
        unit(PARAMS["params"], OPS["macs"]),
    )
    return Table("Verification", above, columns, tuple(rows), tuple(notes)), same


def _sentence(one: Differing) -> str:
    if one.theirs is None:
        return f"layer {_named(one.ours)} is not in it"
    if one.ours is None:
        return f"after {one.after} it has {_named(one.theirs)}"
    fields = {k: v for k, v in one.fields.items() if k not in ("params", "macs")} or one.fields
    said = [f"{_WORDS.get(name, name)} {_say(its)}, not {_say(mine)}" for name, (mine, its) in fields.items()]
    return f"layer {one.ours.name} has in it {'; '.join(said) or f'its input from {one.after}'}"


def _named(layer: Layer | None) -> str:
    return "" if layer is None else f"{layer.name} ({layer}; {layer.params:,} params, {layer.macs:,} macs)"


def which(theirs: Network, its: Cost, each: Callable[[Sequence[Spec]], Iterable[Spec]] = iter) -> tuple[Table, bool]:
    """Which of the shipped networks one is: the nearest ones, and what differs from the first; whether nothing does.

    `each` is given the files that are looked at, to say how far it is.
    """
    found = nearest(its, 8, each)
    as_near = [(network, own) for network, own, unlike in found if unlike == found[0][2]]
    first, cost = min(as_near, key=lambda one: len(differing(_on(its.input, *one), its)))
    table, same = against([(first, _on(its.input, first, cost))], theirs, its)
    others = [f"{network.name} ({count})" for network, _, count in found if network is not first][:2]
    notes = (*table.notes, f"next: {', '.join(others)}, with so many layers that only one of the two has")
    return replace(table, title="Nearest network", notes=notes), same


def _on(input: Shape, network: Network, cost: Cost) -> Cost:
    """A network's cost on an input, or where it does not take it on its own."""
    if cost.input == input:
        return cost
    try:
        with unwarned():
            return network.price(input)
    except ConvcostError:
        return cost
