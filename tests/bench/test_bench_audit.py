"""How often an error planted in a correct table is found, how often a right cell beside it is blamed, and how fast."""

from __future__ import annotations

import time

import pytest
from effort import fastest, in_turn, spin, warm
from planted import Rates, correct

import convcost
from convcost.auditing.reconcile import claimed, reconcile
from convcost.published.tables import table_names

FAST = ("googlenet", "squeezenet", "mobilenet_v1_width")
TABLES = tuple(name for name in table_names() if len(correct(name).claims) > 1)


def check(name, cases, benchmark):
    rates = benchmark.pedantic(Rates, (name, cases), rounds=1)
    benchmark.extra_info.update(rates=str(rates))
    assert rates.missed == 0  # every planted error gets another verdict than `holds`
    assert rates.named + rates.left >= 0.97 * cases  # and is not excused: what two digits cannot settle is left open
    assert rates.alarms <= 0.005 * rates.beside


@pytest.mark.parametrize("name", FAST)
def test_forty_planted_errors(name, benchmark):
    check(name, 40, benchmark)


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_thousand_planted_errors(name, benchmark):
    check(name, 1_000, benchmark)


def test_an_audit_grows_as_its_rows(tmp_path, benchmark):
    """Four times as many rows, all of other inputs and none of them true: each is held against all that it might be.

    A row takes 5 spins; it took 114.
    """

    def seconds(rows):
        path = tmp_path / f"{rows}.csv"
        lines = [f"LeNet-5,{28 + 2 * i}x{28 + 2 * i},{100 + 37 * i}.3,{1 + i}.{i:02}" for i in range(rows)]
        path.write_text("\n".join(["Model,Input,Params (K),MACs (M)", *lines]))
        start = time.process_time()
        assert len(convcost.audit(path).findings) >= 2 * rows - 4  # the smallest inputs leave nothing of a map
        return time.process_time() - start

    seconds(2)
    few, many = benchmark.pedantic(lambda: (seconds(4), seconds(16)), rounds=1)
    (unit,) = fastest(15, warm(spin))
    benchmark.extra_info.update(few=few, many=many, spins=(many - few) / 12 / unit)
    assert many - few <= 12 * 12 * unit
    assert many <= 8 * few  # 16 if rows were compared with each other


def test_an_audit_with_its_explanations_takes_250_spins(benchmark):
    """All of GoogLeNet's Table 1, with a quarter of a million edits searched in one of its rows: half a second."""

    def audit():
        return convcost.audit("googlenet")

    ours, unit = in_turn(3, warm(audit), warm(spin))
    benchmark.extra_info.update(spins=ours / unit)
    benchmark.pedantic(audit, rounds=1)
    assert ours <= 250 * unit


@pytest.mark.parametrize("name", ["resnet50", "efficientnet_b0", "densenet201"])
def test_a_number_of_one_network_is_reconciled_in_137_spins(name, benchmark):
    """A second of a calm core, less 0.4 that Python and the command line take to start."""
    claims = dict([claimed("4.1G", "ops"), claimed("21M", "params")])

    def once():
        return reconcile(claims, convcost.load(name))

    ours, unit = fastest(3, warm(once), warm(spin))
    benchmark.extra_info.update(spins=ours / unit)
    benchmark.pedantic(once, rounds=1)
    assert ours <= 137 * unit
