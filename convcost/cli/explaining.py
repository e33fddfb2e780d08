"""The commands that say how a number comes about."""

from __future__ import annotations

import click

from convcost.cli.options import (
    LayerName,
    NetworkName,
    input_option,
    load_network,
    network_options,
    output_format,
    show,
)


@click.command()
@click.argument("network", type=NetworkName())
@click.argument("layer", required=False, type=LayerName())
@click.option(
    "--by",
    type=click.Choice(("macs", "params", "activations")),
    default="macs",
    show_default=True,
    help="What the parts of a scope are put in order by.",
)
@network_options
@output_format
def explain(
    network: str,
    layer: str | None,
    by: str,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    format_: str,
) -> None:
    """Show how the counts of a network or layer come about.

    Of a LAYER, every count in symbols and in numbers, as its rule computes it: output, parameters, work, receptive
    field, memory, and what each tool counts. Of a scope or the NETWORK, its parts, largest first.

    Example: convcost explain googlenet conv1
    """
    from convcost.views import explanations

    found = load_network(network, settings)
    cost = found.price(input_shape, batch)
    line = cost.total if layer is None else cost[layer]
    show(explanations.explanation(line, cost, found, by), format_, exact=True)


@click.command()
@click.argument("layers")
@input_option("Input shape: 3x224x224.", required=True)
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Samples per pass.")
@output_format
def calc(layers: str, input_shape: str, batch: int, format_: str) -> None:
    """Price LAYERS without a spec: one, or several joined by >>.

    Of one layer, every count with its arithmetic; of several, what they come to together.

    Example: convcost calc "conv(64, 7, stride=2)" --input 3x224x224
    """
    from convcost.network import of_layers
    from convcost.views import explanations

    cost = of_layers(layers, input_shape).price(batch=batch)
    line = cost[0] if len(cost) == 1 else cost.total
    show(explanations.explanation(line, cost), format_, exact=True)
