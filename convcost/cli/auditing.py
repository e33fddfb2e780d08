"""The commands that ask whether a printed number is right: audit and reconcile."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from convcost.cli.options import (
    COLUMN,
    PRINTED_NAME,
    TABLE_OR_FILE,
    NetworkName,
    load_network,
    output_options,
    set_option,
    show,
)
from convcost.cli.progress import each
from convcost.errors import ConvcostError
from convcost.values import all_named

if TYPE_CHECKING:
    from convcost.simulators.tables import LayerTable

_FAIL_ON = ("contradiction", "slip", "unreproduced", "open", "difference")


@click.command()
@click.argument("tables", type=TABLE_OR_FILE, nargs=-1)
@click.option("--all", "all_", is_flag=True, help="Every shipped table.")
@click.option(
    "--map", "columns", type=COLUMN, multiple=True, metavar="TITLE=WHAT", help="What a column prints; repeatable."
)
@click.option(
    "--name",
    "names",
    type=PRINTED_NAME,
    multiple=True,
    metavar="PRINTED=NETWORK",
    help="Which network a row is; repeatable.",
)
@click.option(
    "--names",
    "names_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same as two columns of a CSV file.",
)
@click.option("--network", type=NetworkName(), default="", help="The network whose layers, or inputs, the rows are.")
@click.option("--strip", multiple=True, metavar="PATTERN", help="Leave this out of rows' names; repeatable.")
@click.option("--spec", "specs", multiple=True, type=click.Path(path_type=Path), help="A spec file of your own.")
@click.option("--table", "number", type=click.IntRange(min=1), help="Only this table of the file.")
@click.option("--pages", metavar="PAGES", help="Only these pages of a PDF: 5, or 3-5,8.")
@click.option("--header-rows", type=click.IntRange(min=1), help="How many rows of it are header.")
@click.option(
    "--brief/--full",
    default=None,
    help="The answer, and a line a table (the lines are the default with --all); or all.",
)
@click.option("--fail-on", type=click.Choice(_FAIL_ON), help="Exit with 1 if a cell is as bad as this, or worse.")
@output_options
def audit(
    tables: tuple[str, ...],
    all_: bool,
    columns: tuple[str, ...],
    names: tuple[str, ...],
    names_file: Path | None,
    network: str,
    strip: tuple[str, ...],
    specs: tuple[Path, ...],
    number: int | None,
    pages: str | None,
    header_rows: int | None,
    brief: bool | None,
    fail_on: str | None,
    format_: str,
    exact: bool,
) -> int:
    """Judge every printed count of TABLES, shipped or your own files.

    Shipped ones go by name, your own by their file (.csv, .md, .html, .txt, .pdf, .tex; a folder or an archive of LaTeX
    sources; - for standard input), every table of it that counts something. A cell holds, or holds as another network
    or input; it is a slip, does not hold, or contradicts its row; or it is open what it counts, which is no blame.
    --map says what a column prints (name, input, params, macs, flops, ops, bytes, activations or skip, perhaps "ops in
    M", "shares of ops", or "ops of SE-{}", where {} is the row's name), --name which network a row is about. A layer
    table of SCALE-Sim, Timeloop or MAESTRO is held against the layers of --network, row by row; --full shows the rows
    that are right, too.

    Example: convcost audit googlenet resnet
    """
    from convcost.auditing import audit as library
    from convcost.published.tables import table_names
    from convcost.views import audits as views

    if all_ == bool(tables):
        raise ConvcostError("audit takes the names of tables or files, or --all")
    if (layers := _layer_table(tables)) is not None:
        if columns or names or names_file or strip or specs or number or pages or header_rows:
            raise ConvcostError(f"{layers.source}: a layer table of {layers.tool} says what its columns are")
        return _audit_layers(layers, network, not brief if brief is not None else False, fail_on, format_, exact)
    files = [
        library.audit_file(
            source,
            columns=all_named(columns, "--map", "LEFT=RIGHT"),
            names=all_named(names, "--name", "LEFT=RIGHT", _before_reference),
            names_file=names_file,
            network=network,
            strip=strip,
            specs=specs,
            table=number,
            pages=pages,
            header_rows=header_rows,
        )
        for source in each(table_names() if all_ else tables, "tables")
    ]
    found = [one for file in files for one in file.tables]
    failed = [line for file in files for line in file.failed]
    if fail_on and failed:
        raise ConvcostError(failed[0])
    if fail_on and (empty := next((one for one in found if not one.findings), None)):
        why = f": {empty.unread[0].row}: {empty.unread[0].why}" if empty.unread else ""
        raise ConvcostError(f"{empty.table.title}: no cell of it could be audited{why}")
    passed = [*failed, *(line for file in files for line in file.uncounted)]
    lines = all_ if brief is None else brief
    show(views.audits(found, brief=lines, answers=bool(brief), passed=passed), format_, exact)
    every = (finding for one in found for finding in one.findings)
    return int(fail_on is not None and any(library.fails(finding, fail_on) for finding in every))


def _layer_table(tables: tuple[str, ...]) -> LayerTable | None:
    """The layer table of a simulator that the arguments are, if they are one."""
    from convcost.simulators.tables import read

    found = [read(Path(name)) for name in tables]
    if len(found) > 1 and (several := next((one for one in found if one is not None), None)) is not None:
        raise ConvcostError(f"{several.source}: a layer table of {several.tool} is audited alone")
    return found[0] if found else None


def _audit_layers(layers: LayerTable, network: str, full: bool, fail_on: str | None, format_: str, exact: bool) -> int:
    from convcost.simulators.judged import judge
    from convcost.views.layertables import WRONG, layer_table

    if not network:
        raise ConvcostError(f"{layers.source}: a layer table of {layers.tool}: say of which network, --network NAME")
    found = load_network(network, ())
    cost = found.price()
    judged = judge(layers, cost)
    show(layer_table(layers, found, cost, judged, full=full), format_, exact)
    failing = (*WRONG, "no padding") if fail_on == "difference" else WRONG if fail_on else ()
    return int(any(one.verdict in failing for one in judged))


@click.command()
@click.argument("arguments", type=NetworkName(), nargs=-1, metavar="[NETWORK] [CLAIM]...")
@click.option("--macs", metavar="COUNT", help="Claimed multiply-adds or FLOPs, e.g. 4.12G.")
@click.option("--params", metavar="COUNT", help="Claimed parameters, e.g. 25.6M.")
@click.option("--peak-memory", metavar="BYTES", help="Claimed memory at work, e.g. 1.37MB, by any rule of memory.")
@set_option("Set a knob of the NETWORK; repeatable.")
@output_options
def reconcile(
    arguments: tuple[str, ...],
    macs: str | None,
    params: str | None,
    peak_memory: str | None,
    settings: tuple[str, ...],
    format_: str,
    exact: bool,
) -> int:
    """Find what makes a claimed number true, if anything does.

    Variants, inputs, units, K, roundings, tools and heads are tried, the likeliest first. A CLAIM is a number with its
    unit, such as "3.8 GFLOPs"; or a sentence says all. Without a NETWORK every shipped one is searched. Exits with 1 if
    nothing makes the claim true, or if what does could be chance.

    Example: convcost reconcile "Our ResNet-50 needs 8.2 GFLOPs at 224x224"
    """
    from convcost.door import reconcile as search
    from convcost.views import audits as views

    name, texts = _network_and_claims(arguments)
    if settings and name is None:
        raise ConvcostError("--set goes with a network")
    network = None if name is None else load_network(name, settings)
    every = partial(each, what="networks")
    found = search(*texts, network=network, params=params, macs=macs, peak_memory=peak_memory, each=every)
    show(views.reconciled(found), format_, exact)
    return 0 if found.explained else 1


def _network_and_claims(arguments: tuple[str, ...]) -> tuple[str | None, list[str]]:
    """What of the arguments is a number, and what then must be the network."""
    from convcost.printed.numbers import parse
    from convcost.published.sentences import is_sentence

    if len(arguments) == 1 and is_sentence(arguments[0]):
        return None, [*arguments]
    names, claims = [], []
    for argument in arguments:
        try:
            parse(argument)
        except ConvcostError:
            names.append(argument)
        else:
            claims.append(argument)
    if len(names) > 1:
        raise ConvcostError(f"{names[1]!r} is no number, and {names[0]!r} is the network already")
    return (names[0] if names else None), claims


def _before_reference(text: str) -> int:
    """The first equals sign behind which a network's reference stands, a name, then knobs with theirs; -1 for none.

    A printed name may have equals signs of its own: "ShuffleNet (g = 3)=shufflenet_v1_g3".
    """
    if text.count("=") == 1:
        return text.index("=")
    for at, character in enumerate(text):
        first = text[at + 1 :].strip().partition(" ")[0]
        if character == "=" and first and "=" not in first and not first[0].isdigit():
            return at
    return -1
