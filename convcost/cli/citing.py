"""Numbers for others' pages, which can be checked there."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from convcost.cli.options import NetworkName, OneOf, load_network, network_options, rule_option, say
from convcost.errors import ConvcostError, one_line


def _styles() -> list[str]:
    from convcost.views.cite import STYLES

    return [*STYLES]


@click.command()
@click.argument("network", type=NetworkName(), required=False)
@click.option("--style", type=OneOf("style", _styles), default="sentence", show_default=True, help="How to print it.")
@click.option("--plain", is_flag=True, help="Without the comments by which it can be checked.")
@click.option("--check", "file", type=click.Path(path_type=Path), help="Compare what FILE cites with what it would be.")
@network_options
@rule_option
def cite(
    network: str | None,
    style: str,
    plain: bool,
    file: Path | None,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    as_: str | None,
) -> int:
    """Print the counts of a NETWORK with unit, rule, input and tool.

    Styles are sentence, latex, macros, timm (Model Stats), metafile (OpenMMLab), hf (a model card), acl (C1 of its
    checklist), form (CVPR's compute reporting), csv and bibtex (the source of the network). --check finds what was
    cited in a file, makes it again, and exits with 1 if it differs.

    Example: convcost cite resnet50@v1.5 --style timm
    """
    from convcost.views.cite import blocks, differences

    if network is not None and file is None:
        say(_cited(network, style, plain, input_shape, batch, settings, as_), verbatim=True)
        return 0
    if network is not None or file is None:
        raise ConvcostError("cite takes a network, or --check with a file that cites some")
    changed = 0
    for block in blocks(file):
        place = one_line(block.place)
        try:
            with cite.make_context("cite", shlex.split(block.command)[1:]) as context:
                given = {name: value for name, value in context.params.items() if name != "file"}
            now = _cited(**{**given, "plain": True}) if given["network"] else ""
        except (ConvcostError, ValueError) as error:
            raise ConvcostError(f"{place}: {error}") from None
        except click.ClickException as error:
            raise ConvcostError(f"{place}: {error.format_message()}") from None
        if not now:
            raise ConvcostError(f"{place}: 'convcost: {block.command}' names no network")
        found = differences(block.text, now)
        for said, is_now in found:
            say(f"{place}: {said.strip()!r} is now {is_now.strip()!r}\n")
        if not found:
            say(f"{place}: {one_line(given['network'])} holds\n")
        changed += len(found)
    return int(changed > 0)


def _cited(
    network: str,
    style: str,
    plain: bool,
    input_shape: str | None,
    batch: int,
    settings: tuple[str, ...],
    as_: str | None,
) -> str:
    from convcost.errors import did_you_mean
    from convcost.views.cite import STYLES, cited

    if style not in STYLES:
        raise ConvcostError(f"unknown style {style!r}{did_you_mean(style, STYLES) or '; see convcost cite --help'}")
    said = {"--style": style, "--input": input_shape, "--batch": None if batch == 1 else str(batch), "--as": as_}
    options = [word for name, value in said.items() if value is not None for word in (name, value)]
    options += [word for setting in settings for word in ("--set", setting)]
    found = load_network(network, settings)
    command = "" if plain else one_line(shlex.join(["cite", network, *options]))
    return cited(found, found.price(input_shape, batch), as_ or "macs", style, command)
