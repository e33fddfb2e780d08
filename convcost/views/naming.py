"""How views call networks, and what they say of units."""

from __future__ import annotations

from convcost.counters.rules import Rule
from convcost.network import Network


def called(network: Network) -> str:
    """A network's name with the knobs that were set: `resnet50@v1 classes=10`."""
    settings = " ".join(f"{name}={value}" for name, value in network.knobs.items())
    return f"{network.name} {settings}".strip()


def unit(params: Rule, ops: Rule) -> str:
    """What the counts of a table mean."""
    return f"{params.name}: {params.meaning}; {ops.name}: {ops.meaning}"
