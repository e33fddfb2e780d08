"""The commands about running a network: memory, roofline and training."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.options import (
    DTYPE,
    MACHINE,
    OPTIMIZER,
    LayerName,
    NetworkName,
    depth_option,
    load_network,
    network_options,
    output_options,
    plot_option,
    show,
)
from convcost.errors import ConvcostError

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
@click.option("--dtype", type=DTYPE, metavar="TYPE", help="Of all tensors, as torch calls it: float16.")
@click.option("--weights", type=DTYPE, metavar="TYPE", help="Of weights, if another one: int8.")
@click.option("--others", type=DTYPE, metavar="TYPE", help="Of biases and norms, if another one: int32.")
@click.option("--accumulators", type=DTYPE, metavar="TYPE", help="Of an output while it is added up: int32.")
@click.option("--in-place", is_flag=True, help="Let activations, sums and products overwrite what nothing else needs.")
@click.option("--rules", is_flag=True, help="What every rule of memory comes to, instead of layers.")
@click.option("--best-order", is_flag=True, help="In the order that holds least, or the best found with a bound.")
@click.option("--plan", is_flag=True, help="The arena of TensorFlow Lite Micro: where each tensor lies in it.")
@click.option("--patches", metavar="ROWSxCOLUMNS", help="Run the first layers on so many patches: 4x4.")
@click.option(
    "--until", type=LayerName(), metavar="LAYER", help="The last of these layers  [default: where least is held]"
)
@network_options
@plot_option
@output_options
def memory(
    network: str,
    depth: int | None,
    dtype: str | None,
    weights: str | None,
    others: str | None,
    accumulators: str | None,
    in_place: bool,
    rules: bool,
    best_order: bool,
    plan: bool,
    patches: str | None,
    until: str | None,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    plot: Path | None,
    format_: str,
    exact: bool,
) -> None:
    """Print what is alive in memory at every layer, and the peak.

    By default in float32; --plan and --patches are of int8, and --rules of what each rule is printed for.

    Example: convcost memory mobilenet_v2 --batch 8 --dtype float16
    """
    from convcost.cost.memory import Types
    from convcost.views import running as views

    tables = rules + plan + (patches is not None)
    if (depth is not None and patches is None) + in_place + tables > 1:
        raise ConvcostError(
            "--depth and --in-place are of layers, --rules, --plan and --patches are tables of their own"
        )
    if best_order and (in_place or tables):
        raise ConvcostError(
            "--best-order is of layers that have memory of their own: not --in-place, --rules, --plan or --patches"
        )
    if plot is not None and tables:
        raise ConvcostError("--plot is of layers: --rules, --plan and --patches have none")
    if until is not None and patches is None:
        raise ConvcostError("--until says where --patches end")
    types = Types(dtype or "float32", weights or "", others or "", accumulators or "")
    if tables and any(types[1:]):
        raise ConvcostError("--weights, --others and --accumulators are of layers, not of --rules, --plan or --patches")
    found = load_network(network, settings)
    cost, order = found.price(input_shape, batch), None
    if best_order:
        from convcost.cost.order import best_order as search

        order = search(cost)
        cost = order.cost
    if rules:
        table = views.memory_rules(found, cost, dtype)
    elif plan:
        table = views.arena(found, cost, dtype or "int8")
    elif patches is not None:
        from convcost.cost.patches import grid, patched

        table = views.patches(found, cost, patched(cost, grid(patches), until), depth, dtype or "int8")
    else:
        table = views.memory(found, cost, depth, types, in_place=in_place, order=order)
    if plot is not None:
        from convcost.views import plots

        plots.memory(cost, depth, types, plot, in_place=in_place)
    show(table, format_, exact)


@click.command()
@click.argument("network", type=NetworkName())
@click.option(
    "--machine",
    type=MACHINE,
    metavar="MACHINE",
    help="One of `convcost machine`, its YAML file, or flops=19.5T,bandwidth=1555G.",
)
@click.option(
    "--measure", "measured", is_flag=True, help="One core of this machine, and torch's time beside the bound."
)
@depth_option
@dtype_option
@network_options
@plot_option
@output_options
def roofline(
    network: str,
    machine: str | None,
    measured: bool,
    depth: int | None,
    dtype: str,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    plot: Path | None,
    format_: str,
    exact: bool,
) -> None:
    """Print the least time of every layer on a machine, at its peak.

    Example: convcost roofline resnet50 --machine flops=19.5T,bandwidth=1555G --depth 1
    """
    from convcost.machines import machine as of
    from convcost.views import plots
    from convcost.views import running as views

    if (machine is None) != measured:
        raise ConvcostError("roofline takes a --machine, or --measure for this one")
    found = load_network(network, settings)
    cost = found.price(input_shape, batch)
    if machine is not None:
        on, seconds = of(machine, dtype), None
    elif dtype != "float32":
        raise ConvcostError("--measure is of float32")
    else:
        found_here, seconds = views.beside_torch(cost)
        on = found_here.machine
    table = views.machine(found, cost, depth, on, dtype, seconds)
    if plot is not None:
        plots.machine(cost, on, dtype, plot)
    show(table, format_, exact)


@click.command(name="machine")
@click.argument("name", type=MACHINE, required=False)
@click.option("--measure", "measured", is_flag=True, help="One core of this machine, by numpy, in a few seconds.")
@output_options
def machine_(name: str | None, measured: bool, format_: str, exact: bool) -> None:
    """Print what a machine can do: peaks by type, bandwidth, memory.

    Without a NAME, all that are known. What roofline --machine takes.

    Example: convcost machine h100_sxm
    """
    from convcost.machines import described, machines, measure
    from convcost.views import running as views

    if measured and name is not None:
        raise ConvcostError("--measure is of this machine: it takes no name")
    table = (
        views.measured(measure()) if measured else views.machines([described(name)] if name is not None else machines())
    )
    show(table, format_, exact)


@click.command()
@click.argument("network", type=NetworkName())
@depth_option
@click.option("--memory", "held", is_flag=True, help="What it holds, instead of multiply-adds.")
@click.option("--optimizer", type=OPTIMIZER, metavar="NAME", help="With --memory: adam, sgd, ...  [default: adam]")
@click.option("--dtype", type=DTYPE, metavar="TYPE", help="With --memory, of tensors  [default: float32]")
@network_options
@plot_option
@output_options
def training(
    network: str,
    depth: int | None,
    held: bool,
    optimizer: str | None,
    dtype: str | None,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    plot: Path | None,
    format_: str,
    exact: bool,
) -> None:
    """Print the multiply-adds of a training step, layer by layer.

    Forward, and backward for inputs and for weights. With --memory what layers keep for the backward pass,
    parameters, gradients and what the optimizer keeps.

    Example: convcost training resnet50 --batch 32 --depth 1
    """
    from convcost.views import plots
    from convcost.views import running as views

    if not held and (optimizer or dtype):
        raise ConvcostError("--optimizer and --dtype are of --memory: multiply-adds are the same for all")
    if held and plot is not None:
        raise ConvcostError("--plot is of multiply-adds, not of --memory")
    found = load_network(network, settings)
    cost = found.price(input_shape, batch)
    if held:
        table = views.train_memory(found, cost, depth, dtype or "float32", optimizer or "adam")
    else:
        table = views.train(found, cost, depth)
    if plot is not None:
        plots.train(cost, depth, plot)
    show(table, format_, exact)
