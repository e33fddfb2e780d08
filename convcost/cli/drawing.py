"""The command that draws a network."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.options import MACHINE, LayerName, NetworkName, depth_option, load_network, network_options, say
from convcost.cli.progress import each
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


@click.command()
@click.argument("subjects", type=NetworkName(), nargs=-1, required=True, metavar="NETWORK...|TABLE|FILE")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write: FILE.html."
)
@click.option("--machine", type=MACHINE, metavar="MACHINE", help="Rooflines on it, as roofline takes it.")
@click.option("--tables", is_flag=True, help="Audit: the subjects are tables, also where a network has the name.")
@network_options
def report(
    subjects: tuple[str, ...],
    out: Path,
    tables: bool,
    machine: str | None,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
) -> None:
    """Write a report to attach: one HTML file that asks for nothing.

    Of NETWORKs: what they are, pictures and tables that fold, what each tool counts, closed forms to try, memory, and
    what papers print. Of a TABLE, shipped or in a FILE of your own as audit takes it: a verdict on every cell, and a
    summary to paste.

    Example: convcost report resnet50 -o resnet50.html
    """
    from convcost.files.writing import atomically
    from convcost.machines import machine as of
    from convcost.pages import report as pages

    on = None if machine is None else of(machine, "float32")
    if tables or _are_tables(subjects):
        from convcost.auditing.audit import audit_file

        page = pages.of_tables([audit_file(subject) for subject in each(subjects, "tables")], ", ".join(subjects))
    else:
        networks = [load_network(name, settings) for name in subjects]
        page = pages.of_networks([(network, network.price(input_shape, batch)) for network in networks], on)
    with atomically(out) as file:
        file.write(page.encode())
    say(f"wrote {one_line(str(out))}\n")


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.argument("networks", type=NetworkName(), nargs=-1)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Processes on this machine.")
def site(out: Path, networks: tuple[str, ...], workers: int) -> None:
    """Write an atlas of networks: a folder of pages, and an index.

    A page for each of NETWORKS, shipped ones or spec files with all that is in them, without any every shipped one; for
    each table that prints one of them, and each operator that they have; and an index that sorts and filters.

    Example: convcost site atlas mine.yaml resnet50
    """
    from convcost.cli.progress import bar
    from convcost.pages import atlas

    atlas.require_folder(out)
    chosen = atlas.subjects(networks)
    with bar(len(chosen), "networks") as shown:
        pages = atlas.write(out, chosen, workers, shown, every_operator=not networks)
    say(f"wrote {pages} pages; open {one_line(str(out / 'index.html'))}\n")


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--pyodide",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("node_modules/pyodide"),
    show_default=True,
    help="Where Pyodide is: npm install pyodide.",
)
def playground(out: Path, pyodide: Path) -> None:
    """Write a page that runs convcost in the browser.

    Static files for any web server, with Python from Pyodide in a worker: paste a table, a claim or a spec, and get
    what the command line says; nothing leaves the machine. Tables and claims are audited in full where Pyodide's whole
    distribution, with numpy, is at hand, and else by every rule of counting alone.

    Example: convcost playground page && python3 -m http.server --directory page
    """
    from convcost.pages import playground as pages
    from convcost.pages.atlas import require_folder

    require_folder(out)
    sizes = pages.write(out, pyodide)
    megabytes = sum(sizes.values()) / 1e6
    say(f"wrote {len(sizes)} files, {megabytes:.1f} MB; try: python3 -m http.server --directory {one_line(str(out))}\n")


def _are_tables(subjects: tuple[str, ...]) -> bool:
    """Whether they are files with tables, or names of tables alone; googlenet is a network, too."""
    from convcost.network import load
    from convcost.published.tables import table_names
    from convcost.tablefiles.reading import READERS

    if any(subject == "-" or Path(subject).suffix.lower() in READERS for subject in subjects):
        return True
    if not set(subjects) <= set(table_names()):
        return False
    try:
        load(subjects[0])
    except ConvcostError:
        return True
    return False
