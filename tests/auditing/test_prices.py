"""Prices are a code: over all assumptions of a factor, and all hypotheses about a number, 2^-bits sums to at most 1."""

from __future__ import annotations

from math import exp2

import numpy as np
import pytest
from claims import NETWORKS, notation

from convcost.auditing.axes import measure_bits
from convcost.auditing.prices import COMMON_CLASSES, PRICES, bits
from convcost.auditing.reconcile import search
from convcost.network import load
from convcost.published.counting import counts


@pytest.mark.parametrize("factor", dict.fromkeys(price.factor for price in PRICES))
def test_a_factor_sums_to_at_most_one(factor):
    assert sum(exp2(-price.bits) for price in PRICES if price.factor == factor) <= 1


def test_every_price_has_its_reason_and_stands_once():
    assert len({(price.factor, price.assumption) for price in PRICES}) == len(PRICES)
    assert all(price.why and price.bits > 0 for price in PRICES)


@pytest.mark.parametrize("kind", ["params", "macs", "flops", "ops", "bytes", "activations"])
def test_all_rules_under_a_heading_sum_to_at_most_one(kind):
    rules = counts("ops" if kind in ("macs", "flops") else kind)
    assert sum(exp2(-measure_bits(kind, rule)) for rule in rules) <= 1


def test_shared_prices_are_shared():
    assert sum(exp2(-bits("classes", "common", len(COMMON_CLASSES))) for _ in COMMON_CLASSES) == pytest.approx(
        exp2(-bits("classes", "common"))
    )


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("digits", [2, 4])
def test_all_hypotheses_about_a_number_sum_to_at_most_one(name, digits):
    network = load(name)
    printed = notation(int(network.price().total.macs), digits)
    found = search({"ops": printed}, network)
    assert np.exp2(-found.own).sum() <= 1
    assert np.exp2(-found.prices[0]).sum() <= 1
