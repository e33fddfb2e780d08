"""The commands about running a network: memory, roofline and training."""

from __future__ import annotations

import click

from convcost.cli.options import (
    DTYPE,
    MACHINE,
    NetworkName,
    depth_option,
    load_network,
    network_options,
    output_options,
    show,
)

dtype_option = click.option(
    "--dtype",
    type=DTYPE,
    default="float32",
    show_default=True,
    metavar="TYPE",
    help="Of all tensors, as torch calls it: float16.",
)


@click.command()
@click.argument("network", type=NetworkName())
@depth_option
@dtype_option
@click.option("--in-place", is_flag=True, help="Let activations, sums and products overwrite what nothing else needs.")
@network_options
@output_options
def memory(
    network: str,
    depth: int | None,
    dtype: str,
    in_place: bool,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    format_: str,
    exact: bool,
) -> None:
    """Print what is alive in memory at every layer, and the peak.

    Example: convcost memory mobilenet_v2 --batch 8 --dtype float16
    """
    from convcost.views import running as views

    found = load_network(network, settings)
    table = views.memory(found, found.price(input_shape, batch), depth, dtype, in_place=in_place)
    show(table, format_, exact)


@click.command()
@click.argument("network", type=NetworkName())
@click.option(
    "--machine",
    type=MACHINE,
    required=True,
    metavar="flops=..,bandwidth=..",
    help="Operations and bytes per second: 19.5T, 1555G.",
)
@depth_option
@dtype_option
@network_options
@output_options
def roofline(
    network: str,
    machine: str,
    depth: int | None,
    dtype: str,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    format_: str,
    exact: bool,
) -> None:
    """Print the least time of every layer on a stated machine.

    Example: convcost roofline resnet50 --machine flops=19.5T,bandwidth=1555G --depth 1
    """
    from convcost.cost.machine import parse_machine
    from convcost.views import running as views

    on = parse_machine(machine)
    found = load_network(network, settings)
    show(views.machine(found, found.price(input_shape, batch), depth, on, dtype), format_, exact)


@click.command()
@click.argument("network", type=NetworkName())
@depth_option
@network_options
@output_options
def training(
    network: str,
    depth: int | None,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    format_: str,
    exact: bool,
) -> None:
    """Print the multiply-adds of a training step, layer by layer.

    Forward, and backward for inputs and for weights.

    Example: convcost training resnet50 --batch 32 --depth 1
    """
    from convcost.views import running as views

    found = load_network(network, settings)
    show(views.train(found, found.price(input_shape, batch), depth), format_, exact)
