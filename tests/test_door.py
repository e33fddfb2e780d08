"""The commands as functions of the package."""

import subprocess
import sys
from fractions import Fraction

import pytest

import convcost


def test_the_best_designs_of_a_budget_are_one_call():
    best, second = convcost.solve(
        "mobilenet_v1",
        max={"macs": "300M"},
        over=["width=0.05:2:0.05", "H=32:448:32"],
        maximize="H*width",
        top=2,
    )
    assert best.values == {"width": Fraction(17, 10), "H": 96}
    assert best.objective >= second.objective


def test_a_sweep_writes_its_file(tmp_path):
    out = tmp_path / "designs.csv"
    summary = convcost.sweep("mobilenet_v1", out, over=["width=1", "H=192,224"])
    assert summary.kept == 2
    assert len(out.read_text().splitlines()) == 3


def test_names_load():
    assert {convcost.load(name).name for name in convcost.networks()} == set(convcost.networks())
    assert "googlenet" in convcost.tables()


def test_a_claim_is_explained_by_one_network():
    found = convcost.reconcile(network="resnet50@v1.5", macs="4.09G", params="25.6M")
    assert found.explained
    with pytest.raises(convcost.ConvcostError, match="claimed twice"):
        convcost.reconcile("4.09 GMACs", macs="4.09G")


def test_a_cost_by_every_rule_and_at_every_layer():
    cost = convcost.load("googlenet@paper").price()
    assert convcost.dialects(cost)["macs"] == cost.total.macs
    assert 4 * max(moment.alive for moment in convcost.memory(cost)) == convcost.peak_memory(cost)
    assert convcost.formula("googlenet@paper")(224, 224) == cost.total.macs


def test_the_functions_import_without_numpy():
    code = "import sys, convcost\nfor name in convcost.__all__: getattr(convcost, name)\n"
    code = code.replace("convcost.__all__", "('networks', 'tables', 'solve', 'sweep', 'reconcile', 'load')")
    assert subprocess.check_output([sys.executable, "-c", code + "print('numpy' in sys.modules)"]) == b"False\n"
