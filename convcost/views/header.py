"""The lines above a view: what was counted, on what input, by what rule."""

from __future__ import annotations

from collections.abc import Iterable

from convcost.cost.cost import Cost
from convcost.counters.rules import Rule
from convcost.errors import one_line
from convcost.network import Network
from convcost.ops import format_shape


def header(
    priced: Iterable[tuple[Network | None, Cost]] = (),
    *more: tuple[str, str],
    source: str | None = None,
    named: Iterable[str] | None = None,
) -> tuple[tuple[str, str], ...]:
    """The header of a view: networks, inputs and batches, each told once, then `more`; the source is last.

    What is empty is left out. Without a `source` it is that of the networks' specs, '' for none; `named` is what the
    networks are called, if not by their references.
    """
    priced = list(priced)
    networks = [network for network, _ in priced if network is not None]
    facts = (
        ("network", _once(map(described, networks) if named is None else named)),
        ("input", _once(format_shape(cost.input) for _, cost in priced)),
        ("batch", _once(str(cost.batch) for _, cost in priced)),
        ("unused", _once(filter(None, (_unused(network, cost) for network, cost in priced if network is not None)))),
        *more,
        ("source", _once(network.spec.source for network in networks) if source is None else source),
    )
    return tuple((name, value) for name, value in facts if value)


def described(network: Network) -> str:
    """A network's reference, and that its norms are folded, if they are."""
    return f"{network.reference}, norms folded" if network.folds else network.reference


def _unused(network: Network, cost: Cost) -> str:
    """Parameters of a module that are none of what is counted: its author's sum has them."""
    if not (unused := network.unused_on(cost.input)):
        return ""
    first, *more = unused
    others = f" and {len(more)} more" if more else ""
    return f"{sum(unused.values()):,} parameters that no output depends on, not counted: {one_line(first)}{others}"


def unit(*rules: Rule) -> tuple[str, str]:
    """What the counts of a table mean."""
    return "unit", "; ".join(f"{rule.name}: {rule.meaning}" for rule in rules)


def _once(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
