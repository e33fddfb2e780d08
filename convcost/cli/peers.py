"""The commands that compare with other counters and other networks: verify, diff and dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from convcost.cli.options import (
    NetworkName,
    fold_norms_option,
    folds_norms,
    input_option,
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
    from convcost.cost.cost import Cost
    from convcost.network import Network
    from convcost.spec.model import Spec
    from convcost.torchbridge.toolruns import Ran


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
@click.option(
    "--against",
    metavar="MODEL",
    type=NetworkName(),
    help="Compare with this network instead: torch:..., a model file, a spec. Without NETWORKS: which one is it?",
)
@set_option()
@input_option("Input shape, one each for several  [default: each network's own]")
@strict_option
@output_options
def verify(
    networks: tuple[str, ...],
    all_: bool,
    device: str,
    module: str | None,
    against: str | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    format_: str,
    exact: bool,
) -> int:
    """Check NETWORKS, layer by layer, against torch and fvcore.

    Builds them in torch and compares params, shapes of a forward pass, macs by fvcore and torch; with --module, the
    params and macs of your own module; with --against, layer by layer with any other network, spec, module or file.
    Exits with 1 if anything differs.

    Example: convcost verify googlenet resnet50@v1.5
    """
    from convcost.network import shipped
    from convcost.torchbridge import module_named, verify
    from convcost.views import peers as views

    if against is not None:
        if module is not None or all_:
            raise ConvcostError(f"--against is instead of {'--module' if module else '--all'}")
        return _against(networks, load_network(against, settings), input_shape, format_, exact)
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


def _against(names: tuple[str, ...], model: Network, input_shape: str | None, format_: str, exact: bool) -> int:
    """Compare networks with a model on its input, or on theirs if it has none of its own."""
    from convcost.imports.network import ImportedNetwork
    from convcost.views import differences as views

    found = [load_network(name, ()) for name in names]
    own = model.spec.example if isinstance(model, ImportedNetwork) else model.input
    shape = input_shape or own or (found[0].input if found else None)
    cost = model.price(shape)
    if found:
        table, same = views.against([(network, network.price(cost.input)) for network in found], model, cost)
    else:
        table, same = views.which(model, cost, lambda specs: each(specs, "families", _family))
    show(table, format_, exact)
    return int(not same)


@click.command()
@click.argument("first", type=NetworkName())
@click.argument("second", type=NetworkName())
@input_option("Input shape of both, one each for several  [default: each network's own]")
@set_option("A knob, or an argument of what makes a module, of both; repeatable.")
@fold_norms_option
@strict_option
@output_options
def diff(first: str, second: str, input_shape: str | None, settings: tuple[str, ...], format_: str, exact: bool) -> int:
    """Show where two networks differ: layer by layer, and what it costs.

    Layers are told by what they do and where their input comes from, not by their names, so that a spec, a torch module
    and a model file can be compared. Exits with 1 if anything differs. Where one is deployed, its norms part of its
    convolutions, that is said instead; --fold-norms compares it with the other as it would be deployed.

    Example: convcost diff resnet50@v1 resnet50@v1.5
    """
    from convcost.imports.network import ImportedNetwork
    from convcost.views import differences as views

    networks = [load_network(name, settings) for name in (first, second)]
    own = next((n.spec.example for n in networks if isinstance(n, ImportedNetwork) and n.spec.example), None)
    shape = input_shape or own or next((n.input for n in networks if not isinstance(n, ImportedNetwork)), None)
    table, count = views.diff([(network, network.price(shape)) for network in networks])
    show(table, format_, exact)
    return int(bool(count))


@click.command()
@click.argument("network", type=NetworkName(), required=False)
@click.option(
    "--all", "others", is_flag=True, help="By the releases of other years, too: ptflops-0.6, thop-0.0.31, ..."
)
@click.option("--run", "run_", is_flag=True, help="Run the tools that are installed, too.")
@network_options
@output_options
def dialects(
    network: str | None,
    others: bool,
    run_: bool,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    format_: str,
    exact: bool,
) -> None:
    """Count a NETWORK as every tool does: fvcore, thop, torchinfo.

    Each total stands with what it is made of; without a NETWORK, the tools' rules. With --run, each tool runs on the
    module itself, of a torch: name, or on the network's own torch model: its count stands beside the computed one.

    Example: convcost dialects resnet50@v1.5 --exact
    """
    from convcost.views import peers as views

    if network is None:
        given = click.get_current_context().get_parameter_source
        named = (("input_shape", "--input"), ("batch", "--batch"), ("settings", "--set"), ("run_", "--run"))
        for name, option in named:
            if given(name) is ParameterSource.COMMANDLINE:
                raise ConvcostError(f"{option} goes with a network: convcost dialects NETWORK {option} ...")
        show(views.rules(others=others), format_, exact)
        return
    found = load_network(network, settings)
    cost = found.price(input_shape, batch)
    ran = _run_tools(network, settings, cost) if run_ else None
    # What is spelled out in a text has to be exact for a program.
    in_full = exact or format_ in ("csv", "json")
    show(views.dialects(found, cost, exact=in_full, others=others, ran=ran), format_, exact)


def _run_tools(name: str, settings: tuple[str, ...], cost: Cost) -> dict[str, Ran]:
    """What each real tool says of a network on the input of its cost. Raises ConvcostError for what none can run."""
    from convcost.imports import TORCH
    from convcost.network import parse_settings
    from convcost.torchbridge import require
    from convcost.torchbridge.toolruns import PACKAGES, Subject, run_tool

    if cost.batch != 1:
        raise ConvcostError("--run counts one sample: leave --batch out")
    require("torch")
    if not name.startswith(TORCH):
        subject = Subject(cost.input, cost.graph)
    elif folds_norms():
        raise ConvcostError("--run counts a module as it is: leave --fold-norms out")
    else:
        subject = Subject(cost.input, None, name.removeprefix(TORCH), parse_settings(settings, "--set"))
    return {tool: run_tool(tool, subject) for tool in each([*PACKAGES], "tools")}


def _name(network: Network) -> str:
    return network.name


def _family(spec: Spec) -> str:
    return spec.family
