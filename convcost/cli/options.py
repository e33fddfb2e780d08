"""The arguments and options that commands share."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
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
        """Shipped names, files where none begins so; behind an @ variants, behind a file's colon its networks."""
        from click.shell_completion import CompletionItem

        from convcost.network import load
        from convcost.spec.catalog import shipped_networks
        from convcost.spec.model import Spec
        from convcost.spec.names import letters

        if incomplete.startswith("torch:"):
            return []  # which would run it
        base, at, variant = incomplete.rpartition("@")
        file, colon, network = incomplete.rpartition(":")
        try:
            if at:
                found = load(base)
                names = [f"{base}@{name}" for name in found.spec.variants_of(found.network) if name.startswith(variant)]
            elif colon:
                names = [f"{file}:{name}" for name in Spec.read(Path(file)).networks if name.startswith(network)]
            else:
                plain = letters(incomplete) if incomplete[:1].isalnum() else incomplete
                names = [one.network for one in shipped_networks() if letters(one.network).startswith(plain)]
        except (ConvcostError, OSError):
            return []
        return _items(names) or [CompletionItem(incomplete, type="file")]


class LayerName(click.ParamType[str]):
    """A layer or scope of the network that is named."""

    name = "layer"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names one level further than what is typed: `conv2_x`, and behind it `conv2_x/1`."""
        from convcost.network import load

        name = ctx.params.get("network") or next(iter(ctx.args), "")  # an option leaves the arguments unread
        try:
            names = load(name).price().graph.names
        except ConvcostError:
            return []
        depth = incomplete.count("/") + 1
        cut = dict.fromkeys("/".join(name.split("/")[:depth]) for name in names if name.startswith(incomplete))
        return _items(cut)


class Knobs(click.ParamType[str]):
    """Something about a knob of the network that is named."""

    def __init__(self, name: str, *more: str, end: str = "=", separator: str = "") -> None:
        """Complete knobs, followed by `end`, and `more` names; behind the last `separator`, if there is one."""
        self.name = name
        self._more = more
        self._end = end
        self._separator = separator

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names, and the choices of a knob that has some."""
        from convcost.network import load

        try:  # an option that lacks its value leaves the arguments unread
            knobs = load(ctx.args[0]).spec.knobs if ctx.args else {}
        except ConvcostError:
            return []
        found = [f"{name}{self._end}" for name in self._more] if knobs else []
        for name, knob in knobs.items():
            choices = knob.choices or (("true", "false") if isinstance(knob.default, bool) else ("",))
            found += [f"{name}={choice}" for choice in choices] if self._end else [name]
        cut = incomplete.rfind(self._separator) + 1 if self._separator else 0
        before, word = incomplete[:cut], incomplete[cut:]
        return _items(f"{before}{text}" for text in found if text.startswith(word))


class OneOf(click.ParamType[str]):
    """A text that is completed from some values; what it may be the library says."""

    def __init__(
        self, name: str, values: Callable[[], Iterable[str]], *, files: bool = False, behind: str = ""
    ) -> None:
        """Complete from what `values` gives when it is asked, and from files; or only what stands behind a text."""
        self.name = name
        self._values = values
        self._files = files
        self._behind = behind

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The values that begin so; files where there is none."""
        from click.shell_completion import CompletionItem

        before, behind, word = incomplete.rpartition(self._behind) if self._behind else ("", "", incomplete)
        if self._behind and not behind:
            return []
        found = _items(f"{before}{behind}{value}" for value in self._values() if value.startswith(word))
        return found or ([CompletionItem(incomplete, type="file")] if self._files else [])


def _items(values: Iterable[str]) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(value) for value in values]


def _tables() -> Iterable[str]:
    from convcost.published.tables import table_names

    return table_names()


def _rules() -> Iterable[str]:
    from convcost.counters.releases import EVERY

    return EVERY


def _quantities() -> Iterable[str]:
    from convcost.formulas.derive import QUANTITIES

    return QUANTITIES


def _dtypes() -> Iterable[str]:
    from convcost.cost.memory import DTYPES

    return DTYPES


def _optimizers() -> Iterable[str]:
    from convcost.cost.kept import OPTIMIZERS

    return OPTIMIZERS


def _networks() -> Iterable[str]:
    from convcost.spec.catalog import shipped_networks

    return (reference.network for reference in shipped_networks())


def _columns() -> Iterable[str]:
    from convcost.published.columns import COLUMNS

    return COLUMNS


def _limits() -> Iterable[str]:
    from convcost.cost.quantities import quantities

    return (f"{name}=" for name in quantities())


def _growths() -> Iterable[str]:
    return (f"{limit[:-1]}+" for limit in _limits())


def _machine() -> Iterable[str]:
    from convcost.machines import machine_names

    return (*machine_names(), "flops=", "bandwidth=")


def _kinds() -> Iterable[str]:
    from convcost.ops import KINDS

    return KINDS


def _families() -> Iterable[str]:
    from convcost.spec.catalog import shipped, shipped_files

    return sorted({shipped(path).family.lower() for path in shipped_files()})


FAMILY = OneOf("family", _families)
"""A family of shipped networks."""
KIND = OneOf("kind", _kinds)
"""A kind of operator, or an operator."""
SETTING = Knobs("setting")
"""A knob and its value."""
AXIS = Knobs("axis", "H", "W", "batch")
"""A knob, an axis or the batch, and its values."""
SYMBOLS = Knobs("symbols", "H", "W", "batch", "depth", end="", separator=",")
"""Names of symbols with commas between."""
COLUMN = OneOf("column", _columns, behind="=")
"""A printed title, and what stands below it."""
PRINTED_NAME = OneOf("name", _networks, behind="=")
"""A printed name, and the network that it means."""
LIMIT = OneOf("limit", _limits)
"""A quantity and its most."""
GROWTH = OneOf("growth", _growths)
"""A quantity and how much more of it is allowed."""
COLUMNS = OneOf("columns", lambda: (name.rstrip("=") for name in _limits()))
"""Columns of a sweep: quantities, and whatever its axes are."""
MACHINE = OneOf("machine", _machine)
"""A machine by its name, or operations and bytes per second."""
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
OPTIMIZER = OneOf("optimizer", _optimizers)


def rule_option(command: Command) -> Command:
    """--as."""
    option = click.option(
        "--as", "as_", type=RULE, help="Count as a tool does: fvcore, thop, ...; see `convcost dialects`."
    )
    return option(command)


def set_option(help_: str = "Set a knob; repeatable.") -> Callable[[Command], Command]:
    """--set."""
    return click.option("--set", "settings", type=SETTING, multiple=True, metavar="KNOB=VALUE", help=help_)


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


FOLDS = "convcost.folds"
"""Under which a command keeps whether norms are folded."""


def _fold_norms(context: click.Context, _param: click.Parameter, folds: bool) -> None:
    context.meta[FOLDS] = folds


def folds_norms() -> bool:
    """Whether the command line says that norms are folded."""
    return bool(click.get_current_context().meta.get(FOLDS))


def as_asked(network: Network) -> Network:
    """The network, its norms folded if the command line says so."""
    return network.folded() if folds_norms() else network


fold_norms_option = click.option(
    "--fold-norms",
    is_flag=True,
    expose_value=False,
    callback=_fold_norms,
    help="Make batch norms part of the layers before them, as deployed.",
)


def network_options(command: Command) -> Command:
    """--input, --batch, --set, --fold-norms and --strict."""
    for option in (
        strict_option,
        fold_norms_option,
        set_option(),
        click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Samples per pass."),
        input_option("Input shape, NAME=CxHxW or one each for several  [default: the network's own]"),
    ):
        command = option(command)
    return command


def _one_text(_ctx: click.Context, _param: click.Parameter, shapes: tuple[str, ...]) -> str | None:
    """Inputs given one by one are those of one option, `3x64x64,77x512`: the same errors, whichever way."""
    return ",".join(shapes) if shapes else None


def input_option(help_: str, *, required: bool = False) -> Callable[[Command], Command]:
    """--input, once for each input that is given, in order or by name."""
    return click.option(
        "--input", "input_shape", metavar="CxHxW", multiple=True, callback=_one_text, required=required, help=help_
    )


plot_option = click.option(
    "--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw it, too, into FILE.svg or FILE.png."
)
"""--plot."""


output_format = click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="terminal",
    show_default=True,
    help="How to print; JSON and CSV always carry exact integers.",
)
"""--format."""


def output_options(command: Command) -> Command:
    """--format and --exact."""
    exact = click.option("--exact", is_flag=True, help="Exact integers with separators instead of the short form.")
    return output_format(exact(command))


def load_network(name: str, settings: tuple[str, ...], input_shape: str | None = None) -> Network:
    """The network of a name, with its --set options, on an --input. Raises ConvcostError.

    This is the one place where a name can be code to run, and it is one that somebody has typed.
    """
    from convcost.imports import TORCH, torch_named
    from convcost.network import load, parse_settings

    given = parse_settings(settings, "--set")
    found = as_asked(torch_named(name, given) if name.startswith(TORCH) else load(name, **given))
    return found if input_shape is None else found.on(input_shape)


def networks_of(name: str, settings: tuple[str, ...]) -> list[Network]:
    """All networks that a name means, with its --set options: of a spec file every one. Raises as `load_network`."""
    from convcost.imports import TORCH
    from convcost.network import every_meant, parse_settings

    if name.startswith(TORCH):
        return [load_network(name, settings)]
    return [as_asked(network) for network in every_meant(name, **parse_settings(settings, "--set"))]


def each_name(names: Iterable[str]) -> list[str]:
    """Names of networks, of which one may be several with commas between: `mobilenet_v2,mnasnet`."""
    return [one.strip() for name in names for one in ([name] if Path(name).exists() else name.split(","))]


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
