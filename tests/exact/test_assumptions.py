"""Assumptions about symbols: what is asked and what is demanded are told apart, and nothing outlives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import convcost
from convcost.exact import integers
from convcost.exact.context import in_force
from convcost.exact.poly import symbol
from convcost.exact.poly.assume import Assumptions, assuming
from convcost.network import Network

H, W = symbol("H"), symbol("W")


def asked_of(network: Network, **what: Any) -> tuple[list[str], list[str]]:
    """What pricing a network on symbols asks, and what it requires."""
    with assuming(Assumptions()) as found:
        network.price(**what)
    return [c.format() for c in found.asked], [c.format() for c in found.required]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("mobilenet_v2", {"width": symbol("width", rational=True)}),
        ("mobilenet_v2", {"width": symbol("width", rational=True), "input": (3, H, W)}),
        ("shufflenet_v1_g3", {"channels": symbol("channels")}),
    ],
)
def test_pricing_twice_asks_the_same_twice(name: str, what: dict[str, Any]) -> None:
    network = convcost.load(name)
    first = asked_of(network, **what)
    assert any(first)
    assert asked_of(network, **what) == first
    assert asked_of(network, **what) == first
    with assuming(Assumptions()) as found:
        network.price(**what)
        network.price(**what)
    assert ([c.format() for c in found.asked], [c.format() for c in found.required]) == first


def test_what_is_built_under_assumptions_is_not_used_outside_them() -> None:
    network = convcost.load("mobilenet_v2")
    width = symbol("width", rational=True)
    with pytest.raises(convcost.ConvcostError, match="cannot compare"):
        network.price(width=width)
    asked_of(network, width=width)
    with pytest.raises(convcost.ConvcostError, match="cannot compare"):
        network.price(width=width)


@pytest.mark.parametrize(
    ("demand", "condition"),
    [
        (lambda: integers.require_equal(H, W), "H = W"),
        (lambda: integers.require_above(H - W, 0), "H > W"),
        (lambda: integers.require_divisible(H, 2), "H = 2*floor(H/2)"),
        (lambda: integers.require_integer(symbol("w", rational=True)), "w = floor(w)"),
    ],
)
def test_a_demand_is_written_down_and_a_question_is_not(demand: Callable[[], bool], condition: str) -> None:
    with assuming(Assumptions()) as found:
        assert not integers.equal(H, W)
        assert integers.is_exact(H)
        assert not found.required
        assert demand()
        assert [c.format() for c in found.required] == [condition]
    assert not found.asked


def test_caches_are_of_the_assumptions_in_force() -> None:
    assert in_force() is None
    with assuming(Assumptions()) as found:
        before = in_force()
        assert before is not None
        seen = []

        def fail() -> None:
            seen.append(in_force())
            raise convcost.ConvcostError("given up")

        with pytest.raises(convcost.ConvcostError), found.attempt():
            fail()
        assert in_force() is before
        assert seen[0] not in (None, before)
        with found.attempt():
            inside = in_force()
        assert in_force() is inside  # what was assumed there still is
    with assuming(Assumptions()):
        assert in_force() not in (None, before, inside, *seen)
