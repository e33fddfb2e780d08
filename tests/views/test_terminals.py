"""Every view on terminals of usual widths: few lines above, a line a row, and nothing worse on a wider one."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

import pytest

import convcost
from convcost.cost.machine import parse_machine
from convcost.cost.memory import Types
from convcost.network import shipped
from convcost.published.tables import load_table
from convcost.render import Table, render
from convcost.views import networks, peers, running, tables

WIDTHS = (80, 100, 120, 140, 200)
MACHINE = parse_machine("flops=19.5T,bandwidth=1555G")
OF_A_NETWORK = {
    "layers": lambda net, cost: networks.layers(cost, None, "macs", net),
    "scopes": lambda net, cost: networks.layers(cost, 1, "macs", net),
    "folded": lambda net, cost: networks.layers(cost, None, "macs", net, fold=True),
    "dialects": lambda net, cost: peers.dialects(net, cost, exact=False),
    "memory": lambda net, cost: running.memory(net, cost, None, Types(), in_place=False),
    "roofline": lambda net, cost: running.machine(net, cost, None, MACHINE, "float32"),
    "training": lambda net, cost: running.train(net, cost, None),
}
BY_LAYER = ("layers", "scopes", "folded", "memory", "roofline", "training")
NAMES = ("resnet50", "googlenet", "resnext50", "mobilenet_v3_large", "densenet121")
EVERY = {
    **{f"{view} {name}": (view, name) for name in NAMES for view in OF_A_NETWORK},
    "compare": ("compare", ""),
    "list": ("list", ""),
    "rules": ("rules", ""),
    **{f"table {name}": ("table", name) for name in ("googlenet", "resnet", "vgg", "mobilenet_v2")},
}


@cache
def view(name: str) -> Table:
    what, of = EVERY[name]
    match what:
        case "compare":
            return networks.compare(convcost.compare("resnet50@v1", "resnet50@v1.5", "vgg16"))
        case "list":
            return networks.zoo(shipped(), variants=False)
        case "rules":
            return peers.rules()
        case "table":
            return tables.published(load_table(of).check())
        case _:
            net = convcost.load(of)
            return OF_A_NETWORK[what](net, net.price())


def left_out(text: str) -> set[str]:
    found = re.search(r"Left out at a width of \d+: (.*)\.$", " ".join(text.split()))
    return set(found[1].split(", ")) if found else set()


@pytest.mark.parametrize("name", EVERY)
def test_a_wider_terminal_shows_no_less_in_no_more_lines(name: str) -> None:
    texts = [render(view(name), "terminal", width=width) for width in WIDTHS]
    for width, text in zip(WIDTHS, texts, strict=True):
        assert max(map(len, text.splitlines())) <= width
        assert len(text.partition("\n\n")[0].splitlines()) <= 4
    for narrow, wide in pairwise(texts):
        assert len(wide.splitlines()) <= len(narrow.splitlines())
        assert left_out(wide) <= left_out(narrow)


@pytest.mark.parametrize("name", [f"{what} {name}" for name in NAMES for what in BY_LAYER])
def test_a_layer_is_a_line(name: str) -> None:
    assert len(body(view(name))) == len(view(name).rows)


@pytest.mark.slow
def test_a_layer_of_every_network_is_a_line() -> None:
    for net, cost in shipped(variants=True):
        table = networks.layers(cost, None, "macs", net)
        assert len(body(table)) == len(table.rows), net.name


def body(table: Table) -> list[str]:
    """The lines below the titles, without rules, on the narrowest usual terminal."""
    lines = render(table, "terminal", width=80).partition("─\n")[2].partition("\n\n")[0].splitlines()
    return [line for line in lines if not line.startswith("─")]
