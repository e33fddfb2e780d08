"""The command that draws a network."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.options import LayerName, NetworkName, depth_option, load_network, network_options, say
from convcost.errors import ConvcostError, one_line

FORMATS = {
    ".svg": "svg",
    ".png": "png",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".json": "explorer",
}
"""What a file's ending says."""


@click.command()
@click.argument("network", type=NetworkName())
@depth_option
@click.option("--scope", type=LayerName(), default="", metavar="SCOPE", help="Only this scope: inception_3a.")
@click.option(
    "--by",
    type=click.Choice(("macs", "params", "memory")),
    default="macs",
    show_default=True,
    help="What the shade of a box is its share of.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(("svg", "png", "mermaid", "dot", "explorer", "overlay")),
    help="What to write  [default: as OUT ends, else mermaid]",
)
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; else it is printed.")
@network_options
def draw(
    network: str,
    depth: int | None,
    scope: str,
    by: str,
    format_: str | None,
    out: Path | None,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
) -> None:
    """Draw a network: scopes, shapes, costs, repeats folded.

    Without --depth, as many parts of a name as make at most 30 boxes. SVG and PNG need Graphviz, as apt-get install
    graphviz has it; Mermaid, DOT and Model Explorer's two, explorer for the graph and overlay for its colours, nothing.

    Example: convcost draw resnet50 -o resnet50.svg
    """
    from convcost.files.writing import atomically
    from convcost.pictures import written

    format_ = format_ or ("mermaid" if out is None else FORMATS.get(out.suffix.lower()))
    if format_ is None:
        raise ConvcostError(f"{out}: a picture's name ends in {', '.join(FORMATS)}; or say --format")
    if format_ == "png" and out is None:
        raise ConvcostError("a PNG is no text: say where to write it with -o")
    cost = load_network(network, settings).price(input_shape, batch)
    picture = written(cost, format_, depth=depth, scope=scope, by=by)
    if out is None:
        say(picture.decode(), verbatim=True)
        return
    with atomically(out) as file:
        file.write(picture)
    say(f"wrote {one_line(str(out))}\n")
