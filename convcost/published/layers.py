"""Rows that are layers, blocks or stages of one network: which part of it each is about.

A row is taken by its name ("inception (3a)" is inception_3a). Rows without one of their own ("convolution", "max pool")
are taken in their order, where between two rows that are known there are as many parts of their kind as rows; all
others are told with the reason. Nothing is taken by what the row counts, as that is what is audited.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.published.layerkinds import has_kind, kinds_of
from convcost.published.tables import TOTAL
from convcost.spec.catalog import resolve, shipped, shipped_files
from convcost.spec.names import Unclear, letters

_TOTAL = re.compile(r"(?:in )?(?:total|overall|sum|all(?: layers)?|whole network)")
_KINDS = {  # of a row, by how its name begins
    "pool": r"(?:global |adaptive )?(?:max|avg|average)?[ -]?pool(?:ing)?\b",
    "linear": r"(?:linear|fc|fully[ -]connected|dense|classifier)\b",
    "softmax": r"soft-?max\b",
    "dropout": r"drop-?out\b",
    "conv": r"conv(?:olution(?:al)?)?(?:2d|[0-9])?\b|dwconv|depthwise|pointwise",
}
_KIND = {name: re.compile(pattern) for name, pattern in _KINDS.items()}
_TIMES = re.compile(r"([2-9]|[1-9][0-9])\s*[×x]\s*\[?[a-z]")
_COUNTED = {"conv": "conv", "dwconv": "conv", "linear": "linear", "softmax": "softmax", "dropout": "dropout"}
_ANYBODYS = re.compile(
    r"(?:conv|fc|pool|maxpool|linear|dense|norm|bn|relu|block|stage|layer|unit|group|features)[0-9]+"
)
FIRST, LAST = "first layer", "last layer"
_LEAST_FOUND = 3
"""Rows whose names must be those of a network's parts before that is taken for the network of a table."""


def parts_of(cost: Cost, labels: Sequence[str]) -> list[str | Unclear]:
    """The scope, layer, kind of layers or TOTAL that each row of a table of this network is about, or why none is."""
    named = _named(cost)
    found: list[str | Unclear | None] = [_by_name(named, label) for label in labels]
    best = found
    for level in (_scopes(cost), _units(cost)):
        aligned = _aligned(cost, labels, found, level)
        if sum(isinstance(one, str) for one in aligned) > sum(isinstance(one, str) for one in best):
            best = aligned
    if any(kinds := kinds_of(cost, labels)):
        best = [kind or (one if one == TOTAL else None) for kind, one in zip(kinds, found, strict=True)]
    unknown = Unclear(f"is no layer of {cost.graph.name} by its name, and its order does not tell which")
    return [unknown if one is None else one for one in best]


def leads_of(cost: Cost, part: str) -> list[str]:
    """What the FIRST or LAST layer of a network may be: the one that multiplies, alone or with what follows it.

    Raises ConvcostError for a network that multiplies nothing.
    """
    layers = [row.name for row in cost.total.rows if row.op and row.op.multiplies]
    if not layers:
        raise ConvcostError(f"{cost.graph.name} has no layer that multiplies")
    layer = layers[0] if part == FIRST else layers[-1]
    scope = layer.rpartition("/")[0]
    alone = [name for name in layers if name.startswith(f"{scope}/")] == [layer]
    return [layer, scope] if scope and alone else [layer]


def is_part(cost: Cost, name: str) -> bool:
    """Whether a name is that of a scope, of a layer or of a kind of layers, or TOTAL."""
    return (
        name == TOTAL
        or has_kind(cost, name)
        or any(row.name == name or row.name.startswith(f"{name}/") for row in cost)
    )


def network_of(labels: Sequence[str]) -> str | Unclear | None:
    """The one shipped network whose parts rows are called as; Unclear if several are, None if none is.

    What anybody's layers are called, as conv1, says nothing. The network has all the parts of a name that rows have
    some of: inception_3c would be a row of BN-Inception's table.
    """
    named = {letters(label) for label in labels if any(map(str.isdigit, label))}
    wanted = {name for name in named if not _ANYBODYS.fullmatch(name)}
    if len(wanted) < _LEAST_FOUND:
        return None
    found: dict[str, int] = {}
    for path in shipped_files():
        text = path.read_text("utf-8")
        known = {letters(part) for part in re.findall(r"^\s*- \"?([\w ]+)\"?:", text, re.MULTILINE)}
        common = wanted & known
        if len(common) >= _LEAST_FOUND:
            stems = {part.rstrip("0123456789abcdefgh") for part in common}
            missing = {part for part in known - wanted if part.rstrip("0123456789abcdefgh") in stems}
            found |= dict.fromkeys(shipped(path).networks, len(common) - len(missing))
    best = [name for name, score in found.items() if score == max(found.values())]
    if len(best) > 1:
        listed = f"{', '.join(best[:4])}{', ...' * (len(best) > 4)}"
        return Unclear(f"rows are called as layers of {listed}: say which network with --network")
    return resolve(best[0]).name if best else None


def _named(cost: Cost) -> dict[str, str]:
    """Every scope and layer by its letters, those that are nested only if nothing above has the same."""
    found: dict[str, list[str]] = {}
    for row in cost:
        steps = row.name.split("/")
        for depth in range(1, len(steps) + 1):
            scope = "/".join(steps[:depth])
            for spelling in {letters(scope), letters(steps[depth - 1])}:
                same = found.setdefault(spelling, [])
                if scope not in same:
                    same.append(scope)
    return {
        spelling: least[0]
        for spelling, scopes in found.items()
        if len(least := [one for one in scopes if one.count("/") == min(s.count("/") for s in scopes)]) == 1
    }


def _by_name(named: dict[str, str], label: str) -> str | None:
    if _TOTAL.fullmatch(label.strip().casefold()):
        return TOTAL
    spelled = letters(label)
    return named.get(spelled) if any(map(str.isdigit, spelled)) or spelled in ("avgpool",) else None


def _scopes(cost: Cost) -> list[str]:
    """The outermost scopes and layers, in their order."""
    return list(dict.fromkeys(row.name.partition("/")[0] for row in cost))


def _units(cost: Cost) -> list[str]:
    """The layers that papers count one by one: each convolution, pooling, linear layer, with what follows it."""
    counted = [row.name for row in cost if _counted(row.operator)]
    parents = Counter(name.rpartition("/")[0] for name in counted)
    return [
        name.rpartition("/")[0] if "/" in name and parents[name.rpartition("/")[0]] == 1 else name for name in counted
    ]


def _counted(operator: str | None) -> str | None:
    if operator is not None and operator.endswith("pool"):
        return "pool"
    return _COUNTED.get(operator or "")


def _kind_of_scope(cost: Cost, scope: str) -> str | None:
    rows = cost[scope].rows
    kinds = {kind for row in rows if (kind := _counted(row.operator))}
    inner = {row.name.removeprefix(f"{scope}/").partition("/")[0] for row in rows}
    if len(inner) > 1 and inner == {str(number) for number in range(1, len(inner) + 1)}:
        return f"{len(inner)} times"
    return next(iter(kinds)) if len(kinds) == 1 else "module" if kinds else None


def _kind_of_row(label: str) -> str | None:
    text = label.strip().casefold()
    if times := _TIMES.match(text):
        return f"{times[1]} times"
    return next((kind for kind, pattern in _KIND.items() if pattern.match(text)), None)


def _aligned(
    cost: Cost, labels: Sequence[str], pinned: Sequence[str | Unclear | None], level: Sequence[str]
) -> list[str | Unclear | None]:
    """The rows that are known by their names, and those between them, in order."""
    found = list(pinned)
    places = {scope: number for number, scope in enumerate(level)}
    pins = [(row, places[one]) for row, one in enumerate(pinned) if isinstance(one, str) and one in places]
    if any(after[1] <= before[1] for before, after in pairwise(pins)):
        return found  # rows in another order than the network's
    kinds = {scope: _kind_of_scope(cost, scope) for scope in level}
    for (row, place), (next_row, next_place) in pairwise([(-1, -1), *pins, (len(labels), len(level))]):
        rows = [number for number in range(row + 1, next_row) if found[number] is None]
        scopes = [scope for scope in level[place + 1 : next_place] if kinds[scope]]
        for number, scope in _matched(labels, rows, scopes, kinds):
            found[number] = scope
    return found


def _matched(
    labels: Sequence[str], rows: Sequence[int], scopes: Sequence[str], kinds: dict[str, str | None]
) -> Iterator[tuple[int, str]]:
    said = {number: _kind_of_row(labels[number]) for number in rows}
    if len(rows) == len(scopes) and all(
        said[number] in (None, kinds[scope]) or (said[number] == "conv" and kinds[scope] == "linear")
        for number, scope in zip(rows, scopes, strict=True)
    ):
        yield from zip(rows, scopes, strict=True)
        return
    for kind, group in groupby(sorted(rows, key=lambda number: said[number] or ""), key=lambda number: said[number]):
        same, those = [scope for scope in scopes if kinds[scope] == kind], list(group)
        if kind and len(same) == len(those):
            yield from zip(those, same, strict=True)
