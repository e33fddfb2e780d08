"""The commands. Each one loads what it needs when it runs, so that the door stays light."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.groups import Commands, Loaded
from convcost.cli.options import (
    FAMILY,
    GROWTH,
    KIND,
    LIMIT,
    TABLE,
    NetworkName,
    depth_option,
    load_network,
    network_options,
    networks_of,
    output_options,
    plot_option,
    rule_option,
    say,
    show,
    strict_option,
)
from convcost.errors import ConvcostError, one_line


def _show_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from convcost.designs.parts import installed

        click.echo(f"convcost, version {installed()}")
        context.exit()


@click.group(cls=Commands, commands=Loaded(), context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@strict_option
def cli() -> None:
    """Where every parameter and multiply-add of a convolutional network comes from, and which published number holds.

    A NETWORK is a shipped name (see `convcost list`), a name with a variant such as resnet50@v1.5, or a path to a spec
    file of your own. torch:package.module:callable runs your code, and takes the torch module that it makes.
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
@plot_option
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
    plot: Path | None,
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
    cost = found.price(input_shape, batch)
    table = views.layers(cost, depth, as_ or "macs", found, only=only, fold=fold)
    if plot is not None:
        from convcost.views import plots

        plots.layers(cost, depth, as_ or "macs", plot, only=only)
    show(table, format_, exact)


@cli.command()
@click.argument("networks", type=NetworkName(), nargs=-1, required=True)
@click.option(
    "--fail-on",
    "growths",
    type=GROWTH,
    multiple=True,
    metavar="QUANTITY+N%",
    help="Exit with 1 if it grew by more: macs+1%, params+10K; repeatable.",
)
@network_options
@rule_option
@output_options
def compare(
    networks: tuple[str, ...],
    growths: tuple[str, ...],
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    as_: str | None,
    format_: str,
    exact: bool,
) -> int:
    """Compare NETWORKS: totals, savings, and layers that differ.

    Ratios and savings are those to the first of them. A file can be that of a revision in git, HEAD~1:specs/mine.yaml.
    With --fail-on, a quantity that has grown since the first network by more than is allowed is told on standard error.

    Example: convcost compare resnet50@v1 resnet50@v1.5
    """
    from convcost.designs.budget import grown, growths_of
    from convcost.network import compare
    from convcost.views import networks as views

    allowed = growths_of(growths)
    found = compare(*(load_network(name, settings) for name in networks), input=input_shape, batch=batch)
    show(views.compare(found, as_ or "macs"), format_, exact)
    broken = [
        f"{one_line(name)}: {excess}"
        for name, cost in zip(networks[1:], found.costs[1:], strict=True)
        for excess in grown(found.costs[0], cost, allowed)
    ]
    for line in broken:
        click.echo(line, err=True)
    return int(bool(broken))


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
    """Print the spec of a NETWORK, as its file has it.

    Of a torch module and a model's file it is what import writes.
    """
    say(load_network(network, ()).to_spec(), verbatim=True)


@cli.command()
@click.argument("names", type=NetworkName(), nargs=-1, required=True, metavar="FILE|NETWORK...")
@click.option("--max", "limits", type=LIMIT, multiple=True, metavar="QUANTITY=COUNT", help="macs=600M; repeatable.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", help="JSON is for editors.")
@network_options
def check(
    names: tuple[str, ...],
    limits: tuple[str, ...],
    format_: str,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
) -> int:
    """Check spec files or other networks: price each with its variants.

    With --max, exits with 1 and a line for every limit that is not kept: of params, macs, activations, memory (bytes
    that are alive at most, in float32) or what any tool counts. 512KB are 512,000 bytes, 512KiB 524,288. As JSON, what
    is wrong has file, line and column, and one bad file does not hide the others.

    Example: convcost check mine.yaml --max macs=600M --max memory=512KB
    """
    from convcost.designs.budget import limits_of
    from convcost.views.checks import as_json, checked

    asked = limits_of(limits), input_shape, batch
    if format_ == "json":
        text, status = as_json(names, lambda name: networks_of(name, settings), *asked)
        say(text, verbatim=True)
        return status
    broken = False
    for one in (one for name in names for one in checked(networks_of(name, settings), *asked)):
        say("".join(f"{line}\n" for line in one.lines))
        broken |= bool(one.broken)
    return int(broken)


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
