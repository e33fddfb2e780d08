"""The smallest shipped networks, which show what the larger ones of their specs do in less time."""

from __future__ import annotations

from functools import cache

from convcost.network import Network, shipped


@cache
def lengths() -> list[tuple[Network, int]]:
    """Every shipped network in every variant, and how many layers it has; priced once, whoever asks."""
    return [(network, len(cost)) for network, cost in shipped(variants=True)]


def of_each_variant() -> list[str]:
    """The network with the fewest layers of each variant of every spec."""
    smallest: dict[tuple[str, str | None], tuple[int, str]] = {}
    for network, layers in lengths():
        entry, key = (layers, network.name), (network.spec.name, network.variant)
        smallest[key] = min(entry, smallest.get(key, entry))
    return [name for _, name in smallest.values()]


def of_each_spec() -> list[str]:
    """The network with the fewest layers of every spec, in its default variant."""
    smallest: dict[str, tuple[int, str]] = {}
    for network, layers in lengths():
        if network.variant == network.spec.default_variant(network.network):
            entry = (layers, network.name)
            smallest[network.spec.name] = min(entry, smallest.get(network.spec.name, entry))
    return [name for _, name in smallest.values()]
