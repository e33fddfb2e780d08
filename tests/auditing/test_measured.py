"""What the evidence is worth, measured: random numbers, true ones, and tables whose truth is known."""

from __future__ import annotations

import random

import pytest
from claims import NETWORKS, near, true
from corpus_verdicts import judged, rates, truth_of

from convcost.auditing.reconcile import reconcile
from convcost.network import load


def explained(make, digits, cases):
    """The part of claims that are called explained."""
    rng = random.Random(f"{make.__name__} {digits}")  # noqa: S311  # the same cases every time
    names = [NETWORKS[case % len(NETWORKS)] for case in range(cases)]
    return sum(reconcile({"ops": make(name, digits, rng)}, load(name)).explained for name in names) / cases


def test_a_few_random_numbers_are_not_explained_and_true_ones_are():
    assert explained(near, 3, 20) <= 0.2
    assert explained(true, 3, 20) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("digits", "random_ones", "true_ones"), [(3, 0.08, 0.95), (4, 0.01, 0.95)])
def test_random_numbers_are_not_explained_and_true_ones_are(digits, random_ones, true_ones):
    assert explained(near, digits, 1_000) <= random_ones
    assert explained(true, digits, 1_000) >= true_ones


@pytest.mark.parametrize("name", ["imgclsmob_cifar10", "mobilenet_v3_slim", "pycls_regnet", "resnet_table6"])
def test_right_tables_are_not_blamed(name):
    cells = judged(name, truth_of(name))
    assert cells
    assert not [cell for cell in cells if cell.wrong]


@pytest.mark.slow
@pytest.mark.parametrize("half", ["fit", "held"])
def test_verdicts_on_the_corpus(half):
    """Cells about networks that are shipped, with the network of each row said as its name says it."""
    counts, _ = rates(half)
    assert counts["cells"] > 400
    assert counts["wrong"] <= 0.02 * counts["cells"]
    assert counts["open"] <= 0.15 * counts["cells"]
