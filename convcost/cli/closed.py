"""Closed forms on the command line."""

from __future__ import annotations

import re

import click

from convcost.cli.options import QUANTITY, NetworkName, load_network, network_options, say
from convcost.errors import ConvcostError


@click.command()
@click.argument("network", type=NetworkName())
@click.option(
    "--of",
    "quantity",
    type=QUANTITY,
    default="macs",
    show_default=True,
    help="params, macs, activations or a convention.",
)
@click.option("--symbols", metavar="NAMES", help="batch, axes, knobs, depth: H,W,width,depth  [default: the axes]")
@click.option("--under", metavar="NAME=VALUE,...", help="Replace symbols by values: H=32h,W=32v.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("text", "python", "latex", "json", "sympy")),
    default="text",
    show_default=True,
    help="How to print.",
)
@network_options
def formula(
    network: str,
    quantity: str,
    symbols: str | None,
    under: str | None,
    format_: str,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
) -> None:
    """Print a NETWORK's exact closed form, and where it holds.

    Example: convcost formula resnet50@v1.5 --symbols batch,H,W,width --under H=32h,W=32v
    """
    names = None if symbols is None else [name.strip() for name in symbols.split(",")]
    found = load_network(network, settings).formula(quantity, names, input=input_shape, batch=batch)
    if under:
        found = found.substitute(**_pairs(under))
    say(found.format(format_))


def _pairs(under: str) -> dict[str, str]:
    """NAME=VALUE,NAME=VALUE; a value may have commas of its own, in max(a, b)."""
    pairs: dict[str, str] = {}
    for pair in re.split(r",(?=\s*\w+\s*=)", under):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise ConvcostError(f"--under {pair!r}: write it as symbol=value")
        if name in pairs:
            raise ConvcostError(f"--under {name}: given twice")
        pairs[name] = value
    return pairs
