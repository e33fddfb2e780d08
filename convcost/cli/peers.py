"""The commands that compare with other counters: verify and dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from convcost.cli.options import (
    NetworkName,
    load_network,
    network_options,
    output_options,
    set_option,
    show,
    strict_option,
)
from convcost.cli.progress import each
from convcost.errors import ConvcostError

if TYPE_CHECKING:
    from convcost.network import Network


@click.command()
@click.argument("networks", type=NetworkName(), nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Every shipped network in every variant.")
@click.option(
    "--device",
    type=click.Choice(("cpu", "cuda", "meta")),
    default="cpu",
    show_default=True,
    help="Where the model runs; meta computes nothing, and leaves fvcore out.",
)
@click.option("--module", metavar="PACKAGE.MODULE:CALLABLE", help="Compare with this torch module. Runs its code.")
@set_option()
@click.option("--input", "input_shape", metavar="CxHxW", help="Input shape  [default: each network's own]")
@strict_option
@output_options
def verify(
    networks: tuple[str, ...],
    all_: bool,
    device: str,
    module: str | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    format_: str,
    exact: bool,
) -> int:
    """Check NETWORKS, layer by layer, against torch and fvcore.

    Builds them in torch and compares params, shapes of a forward pass, macs by fvcore and torch; with --module, the
    params and macs of your own module. Exits with 1 if anything differs.

    Example: convcost verify googlenet resnet50@v1.5
    """
    from convcost.network import shipped
    from convcost.torchbridge import module_named, verify
    from convcost.views import peers as views

    if all_ == bool(networks):
        raise ConvcostError("verify takes the names of networks, or --all")
    if all_ and settings:
        raise ConvcostError("--set goes with named networks, not with --all")
    if module is not None and len(networks) != 1:
        raise ConvcostError("--module is compared with one network")
    found = [n for n, _ in shipped(variants=True)] if all_ else [load_network(name, settings) for name in networks]
    if module is not None:
        reports = [verify(found[0], module=module_named(module), input=input_shape)]
    else:
        reports = [verify(network, input=input_shape, device=device) for network in each(found, "networks", _name)]
    show(views.verifications(reports), format_, exact)
    return 0 if all(report.ok for report in reports) else 1


@click.command()
@click.argument("network", type=NetworkName(), required=False)
@click.option(
    "--all", "others", is_flag=True, help="By the releases of other years, too: ptflops-0.6, thop-0.0.31, ..."
)
@network_options
@output_options
def dialects(
    network: str | None,
    others: bool,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    format_: str,
    exact: bool,
) -> None:
    """Count a NETWORK as every tool does: fvcore, thop, torchinfo.

    Each total stands with what it is made of; without a NETWORK, the tools' rules.

    Example: convcost dialects resnet50@v1.5 --exact
    """
    from convcost.views import peers as views

    if network is None:
        given = click.get_current_context().get_parameter_source
        for name, option in (("input_shape", "--input"), ("batch", "--batch"), ("settings", "--set")):
            if given(name) is ParameterSource.COMMANDLINE:
                raise ConvcostError(f"{option} goes with a network: convcost dialects NETWORK {option} ...")
        show(views.rules(others=others), format_, exact)
        return
    found = load_network(network, settings)
    # What is spelled out in a text has to be exact for a program.
    in_full = exact or format_ in ("csv", "json")
    show(views.dialects(found, found.price(input_shape, batch), exact=in_full, others=others), format_, exact)


def _name(network: Network) -> str:
    return network.name
