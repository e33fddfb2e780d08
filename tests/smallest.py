"""The smallest shipped networks, which show what the larger ones of their specs do in less time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from convcost.network import Network, every_variant
from convcost.spec.catalog import shipped, shipped_files


@cache
def every() -> list[Network]:
    """Every shipped network in every variant. None is priced: tests are named after them where they are collected."""
    return [network for path in shipped_files() for network in every_variant(shipped(path))]


def of_each_variant() -> dict[str, list[Network]]:
    """The networks of each variant of every spec."""
    return _grouped((_with(network.spec.name, network.variant), network) for network in every())


def of_each_spec() -> dict[str, list[Network]]:
    """The networks of every spec, each in its default variant."""
    usual = (network for network in every() if network.variant == network.spec.default_variant(network.network))
    return _grouped((network.spec.name, network) for network in usual)


def smallest(networks: Iterable[Network]) -> str:
    """The name of that with the fewest layers."""
    return min((len(network.price()), network.name) for network in networks)[1]


def _with(name: str, variant: str | None) -> str:
    return f"{name}@{variant}" if variant else name


def _grouped(named: Iterable[tuple[str, Network]]) -> dict[str, list[Network]]:
    groups: dict[str, list[Network]] = {}
    for name, network in named:
        groups.setdefault(name, []).append(network)
    return groups
