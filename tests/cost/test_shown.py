"""What a user sees of a cost in Python: the command line's table, records, short reprs, and what to write instead."""

from __future__ import annotations

import json

import pytest

import convcost
from convcost.cli import run


def test_a_cost_prints_the_table_of_the_command_line(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    here = f"{convcost.load('vgg11').price()}\n"
    assert run(["layers", "vgg11"]) == 0
    there = capsys.readouterr().out
    # The command knows the network, too, and so its title and source.
    assert here.partition("layer ")[2].partition("\n\n")[0] == there.partition("layer ")[2].partition("\n\n")[0] != ""
    assert here.partition("macs does not count")[2] == there.partition("macs does not count")[2] != ""


def test_a_table_of_scopes_counts_as_asked():
    table = convcost.load("googlenet").price().table(depth=1, as_="thop")
    records = table.to_records()
    assert records[0]["layer"] == "conv1"
    assert records[-1]["thop"] == convcost.load("googlenet").price().total(as_="thop")


def test_records_are_plain_and_exact():
    records = convcost.load("lenet5").price().to_records()
    assert json.loads(json.dumps(records)) == records
    assert {type(value) for record in records for value in record.values()} <= {int, str, type(None)}
    assert [record["macs"] for record in records if record["kind"] == "total"] == [327256]


def test_what_is_printed_is_short():
    net = convcost.load("googlenet")
    cost = net.price()
    shown = [repr(cost), repr(cost.total), repr(cost["conv1"]), repr(net.formula()), repr(cost.table())]
    shown += [repr(convcost.verify("lenet5", device="meta")), repr(convcost.audit("googlenet"))]
    shown += [repr(convcost.reconcile(claim, network="googlenet")) for claim in ("1.58G macs", "1234567 params")]
    assert all(len(text) < 120 and "\n" not in text for text in shown), shown
    assert repr(cost.total) == "<Line total: 6998552 params, 1582671872 macs, 1000>"


@pytest.mark.parametrize(
    ("name", "said"), [("flops", r"as_='flops2'"), ("macs", r"cost\.total\.macs"), ("nothing", "no 'nothing'")]
)
def test_an_attribute_that_a_cost_lacks_says_what_to_write(name, said):
    cost = convcost.load("lenet5").price()
    assert not hasattr(cost, name)
    with pytest.raises(AttributeError, match=said):
        getattr(cost, name)


def test_flops_of_a_line_say_what_to_write():
    with pytest.raises(AttributeError, match=r"write \.macs"):
        convcost.load("lenet5").price().total.flops  # noqa: B018
