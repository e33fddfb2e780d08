"""Networks as files of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.options import NetworkName, OneOf, load_network, network_options, say
from convcost.errors import ConvcostError, one_line


def _formats() -> list[str]:
    from convcost.exports import FORMATS

    return [*FORMATS]


@click.command()
@click.argument("network", type=NetworkName())
@click.option("--to", type=OneOf("format", _formats), required=True, help="scalesim, timeloop, maestro, zigzag, ...")
@click.option("--out", type=click.Path(path_type=Path), help="A new file, instead of standard output.")
@network_options
def export(
    network: str, to: str, out: Path | None, input_shape: str | None, batch: int, settings: tuple[str, ...]
) -> None:
    """Write a NETWORK as a file of another tool.

    Layer tables of SCALE-Sim, Timeloop 0.4, MAESTRO, ZigZag and STONNE, with sizes that include the padding; one
    CSV with everything; torch, a plain PyTorch module that needs nothing of ours; onnx, with shapes, without weights.

    Example: convcost export resnet50@v1.5 --to scalesim --out resnet50.csv
    """
    from convcost.exports import BINARY
    from convcost.exports import export as write
    from convcost.files.writing import create

    if out is None and to in BINARY:
        raise ConvcostError(f"{to} is no text: say --out FILE")
    found = load_network(network, settings)
    made = write(found.price(input_shape, batch), to)
    if out is None:
        say(str(made), verbatim=True)
        return
    try:
        create(out, made.encode() if isinstance(made, str) else made)
    except FileExistsError:
        raise ConvcostError(f"{out}: there is a file of this name already") from None
    say(f"wrote {one_line(str(out))}\n")
