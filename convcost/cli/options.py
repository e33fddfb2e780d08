"""The arguments and options that commands share."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcost.errors import ConvcostError, ConvcostWarning, shown
from convcost.render import FORMATS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from convcost.network import Network
    from convcost.render import Table

Command = TypeVar("Command", bound=Callable[..., Any])


class NetworkName(click.ParamType[str]):
    """A shipped network, `name@variant`, or a path to a spec file."""

    name = "network"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Shipped names; after an @, the variants of that network; files where no name begins so."""
        from click.shell_completion import CompletionItem

        from convcost.spec.catalog import resolve, shipped_networks

        base, at, variant = incomplete.partition("@")
        if not at:
            found = [CompletionItem(r.network) for r in shipped_networks() if r.network.startswith(base)]
            return found or [CompletionItem(incomplete, type="file")]
        try:
            reference = resolve(base)
        except ConvcostError:
            return []
        variants = reference.spec.variants_of(reference.network)
        return [CompletionItem(f"{base}@{name}") for name in variants if name.startswith(variant)]


class Setting(click.ParamType[str]):
    """A knob and its value."""

    name = "setting"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The knobs of the network that is named, and the choices of one of them."""
        from click.shell_completion import CompletionItem

        from convcost.network import load

        try:  # an option that lacks its value leaves the arguments unread
            knobs = load(ctx.args[0]).spec.knobs if ctx.args else {}
        except ConvcostError:
            return []
        found = [f"{name}={choice}" for name, knob in knobs.items() for choice in knob.choices or ("",)]
        return [CompletionItem(text) for text in found if text.startswith(incomplete)]


class OneOf(click.ParamType[str]):
    """A text that is completed from some values; what it may be the library says."""

    def __init__(self, name: str, values: Callable[[], Iterable[str]], *, files: bool = False) -> None:
        """Complete from what `values` gives when it is asked, and from files."""
        self.name = name
        self._values = values
        self._files = files

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The values that begin so; files where there is none."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(value) for value in self._values() if value.startswith(incomplete)]
        return found or ([CompletionItem(incomplete, type="file")] if self._files else [])


def _tables() -> Iterable[str]:
    from convcost.published.tables import table_names

    return table_names()


def _rules() -> Iterable[str]:
    from convcost.counters.tools import NAMES

    return NAMES


def _quantities() -> Iterable[str]:
    from convcost.formulas.derive import QUANTITIES

    return QUANTITIES


def _dtypes() -> Iterable[str]:
    from convcost.cost.memory import DTYPES

    return DTYPES


TABLE = OneOf("table", _tables)
"""A shipped published table."""
TABLE_OR_FILE = OneOf("table", _tables, files=True)
"""A shipped published table, or a file with tables."""
RULE = OneOf("rule", _rules)
"""A rule of counting, or the tool that counts by it."""
QUANTITY = OneOf("quantity", _quantities)
"""What a closed form can be of."""
DTYPE = OneOf("dtype", _dtypes)
"""An element type, as torch calls it."""


def rule_option(command: Command) -> Command:
    """--as."""
    option = click.option(
        "--as", "as_", type=RULE, help="Count as a tool does: fvcore, thop, ...; see `convcost dialects`."
    )
    return option(command)


def set_option(help_: str = "Set a knob; repeatable.") -> Callable[[Command], Command]:
    """--set."""
    return click.option("--set", "settings", type=Setting(), multiple=True, metavar="KNOB=VALUE", help=help_)


def _make_errors(_ctx: click.Context, _param: click.Parameter, strict: bool) -> None:
    if strict:
        warnings.simplefilter("error", ConvcostWarning)  # until `run` ends


strict_option = click.option(
    "--strict", is_flag=True, expose_value=False, callback=_make_errors, help="Treat warnings as errors."
)
"""--strict."""


depth_option = click.option(
    "--depth", type=click.IntRange(min=1), help="Fold layers into scopes of at most this many parts."
)
"""--depth."""


def network_options(command: Command) -> Command:
    """--input, --batch, --set and --strict."""
    for option in (
        strict_option,
        set_option(),
        click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Samples per pass."),
        click.option("--input", "input_shape", metavar="CxHxW", help="Input shape  [default: the network's own]"),
    ):
        command = option(command)
    return command


def output_options(command: Command) -> Command:
    """--format and --exact."""
    for option in (
        click.option("--exact", is_flag=True, help="Exact integers with separators instead of the short form."),
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            default="terminal",
            show_default=True,
            help="How to print; JSON and CSV always carry exact integers.",
        ),
    ):
        command = option(command)
    return command


def load_network(name: str, settings: tuple[str, ...]) -> Network:
    """The network of a name, with its --set options. Raises ConvcostError."""
    from convcost.network import load, parse_settings

    return load(name, **parse_settings(settings, "--set"))


def show(table: Table, format_: str, exact: bool) -> None:
    """Print a table to standard output, as it can show it."""
    from convcost.render import write

    with _open_output():
        write(table, format_, sys.stdout, exact=exact)


def say(text: str, *, verbatim: bool = False) -> None:
    """Print text to standard output; verbatim, a file or a pipe gets every character of it."""
    from convcost.render.text import encodable

    with _open_output():
        text = text if verbatim and not sys.stdout.isatty() else shown(text)
        sys.stdout.write(encodable(text, sys.stdout.encoding or "utf-8"))


class OutputClosedError(ConvcostError):
    """Whoever read our standard output went away."""


@contextmanager
def _open_output() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:  # which click would turn into a silent exit
        raise OutputClosedError("standard output is closed") from None
