"""The commands. Each one loads what it needs when it runs, so that the door stays light."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.groups import Commands, Loaded
from convcost.cli.options import (
    FAMILY,
    KIND,
    TABLE,
    NetworkName,
    depth_option,
    load_network,
    network_options,
    output_options,
    rule_option,
    say,
    show,
    strict_option,
)
from convcost.errors import ConvcostError, one_line


@click.group(cls=Commands, commands=Loaded(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="convcost")
@strict_option
def cli() -> None:
    """Where every parameter and multiply-add of a convolutional network comes from, and which published number holds.

    A NETWORK is a shipped name (see `convcost list`), a name with a variant such as resnet50@v1.5, or a path to a spec
    file of your own.
    """


@cli.command()
@click.argument("name", type=TABLE, required=False)
@rule_option
@output_options
def table(name: str | None, as_: str | None, format_: str, exact: bool) -> None:
    """Print a published table, computed counts beside the printed.

    Without a NAME, the tables that there are.

    Example: convcost table googlenet
    """
    from convcost.published.tables import load_table, shipped_tables
    from convcost.views import tables

    if name is None:
        if as_ is not None:
            raise ConvcostError("--as goes with a table: convcost table NAME --as ...")
        show(tables.listing(shipped_tables()), format_, exact)
        return
    found = load_table(name)
    show(tables.published((found if as_ is None else found.under(as_)).check()), format_, exact)


@cli.command()
@click.argument("network", type=NetworkName())
@depth_option
@click.option("--only", type=KIND, multiple=True, metavar="KIND", help="Layers of a kind: conv, norm, ...; repeatable.")
@click.option("--fold", is_flag=True, help="Count norms and activations with the layer that they follow.")
@network_options
@rule_option
@output_options
def layers(
    network: str,
    depth: int | None,
    only: tuple[str, ...],
    fold: bool,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    as_: str | None,
    format_: str,
    exact: bool,
) -> None:
    """Print every layer of a NETWORK, or its scopes, with its costs.

    Kernels, shapes, params, macs, activations and receptive field, each layer's and in total. --only limits the layers,
    not the total, to a kind (conv, linear, pool, norm, activation, other) or an operator; --fold makes one line of a
    convolution or linear layer and the norms and activations that alone follow it, with the counts of all.

    Example: convcost layers resnet50@v1.5 --depth 1 --input 3x256x256
    """
    from convcost.views import networks as views

    found = load_network(network, settings)
    table = views.layers(found.price(input_shape, batch), depth, as_ or "macs", found, only=only, fold=fold)
    show(table, format_, exact)


@cli.command()
@click.argument("networks", type=NetworkName(), nargs=-1, required=True)
@network_options
@rule_option
@output_options
def compare(
    networks: tuple[str, ...],
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    as_: str | None,
    format_: str,
    exact: bool,
) -> None:
    """Compare NETWORKS: totals, savings, and layers that differ.

    Ratios and savings are those to the first of them.

    Example: convcost compare resnet50@v1 resnet50@v1.5
    """
    from convcost.network import compare
    from convcost.views import networks as views

    found = compare(*(load_network(name, settings) for name in networks), input=input_shape, batch=batch)
    show(views.compare(found, as_ or "macs"), format_, exact)


@cli.command(name="list")
@click.option("--family", type=FAMILY, help="Only families with these words in their name: resnet.")
@click.option("--max-macs", metavar="COUNT", help="Only networks of at most this many macs, e.g. 600M.")
@click.option("--max-params", metavar="COUNT", help="Only networks of at most this many params, e.g. 5M.")
@click.option("--variants", is_flag=True, help="One row per variant; CSV and JSON always have one.")
@output_options
def list_(
    family: str | None, max_macs: str | None, max_params: str | None, variants: bool, format_: str, exact: bool
) -> None:
    """List the shipped networks, with params, macs and variants."""
    from convcost.network import shipped
    from convcost.views import networks as views

    each = variants or format_ in ("csv", "json")
    entries = shipped(family=family, max_macs=max_macs, max_params=max_params, variants=each)
    show(views.zoo(entries, variants=each), format_, exact)


@cli.command(name="show")
@click.argument("network", type=NetworkName())
def show_(network: str) -> None:
    """Print the spec of a NETWORK, as its file has it."""
    from convcost.network import load

    say(load(network).spec.text, verbatim=True)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@strict_option
def check(file: Path) -> None:
    """Check a spec FILE: price every network and variant in it."""
    from convcost.network import every_variant
    from convcost.ops import format_shape
    from convcost.spec.model import Spec

    for network in every_variant(Spec.read(file)):
        total = network.price().total
        size = format_shape(network.input)
        say(f"{one_line(network.name)}: valid, {total.params:,} params, {total.macs:,} macs at {size}\n")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Write a commented spec to FILE, to start your own network from.

    It prices as it is."""
    from shlex import quote

    from convcost.spec.catalog import path_reference
    from convcost.spec.template import write

    write(file)
    say(f"wrote {one_line(str(file))}; try: convcost layers {quote(path_reference(file))}\n")
