"""The list of commands as `convcost --help` prints it: by what one wants to do, each with its summary uncut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Look": dict.fromkeys(("layers", "table", "list", "show", "compare"), "commands")
    | dict.fromkeys(("explain", "calc"), "explaining")
    | dict.fromkeys(("draw", "report", "site", "playground"), "drawing"),
    "Check a paper": {
        "audit": "auditing",
        "reconcile": "auditing",
        "dialects": "peers",
        "verify": "peers",
        "diff": "peers",
        "cite": "citing",
    },
    "Design": {"formula": "closed", "sweep": "sweep", "solve": "sweep"},
    "Run": dict.fromkeys(("memory", "roofline", "machine", "training"), "running"),
    "Extend": {
        "new": "commands",
        "import": "importing",
        "check": "commands",
        "fmt": "editing",
        "schema": "editing",
        "export": "exporting",
        "help": "words",
    },
}
"""Every command, under what it is for, with the module that it is in."""


class Loaded(MutableMapping[str, click.Command]):
    """The commands by name, each loaded when it is asked for: a command need not wait for the others."""

    def __init__(self) -> None:
        self._homes = {name: home for names in SECTIONS.values() for name, home in names.items()}
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module = import_module(f"convcost.cli.{self._homes[name]}")
            found = (one for one in vars(module).values() if isinstance(one, click.Command) and one.name == name)
            self._loaded[name] = next(found)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._homes[name] = ""
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._homes[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def __contains__(self, name: object) -> bool:
        return name in self._homes


class Commands(click.Group):
    """A group whose help lists its commands in `SECTIONS`."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each purpose; a command's summary is the first line of its docstring."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, summary(self.commands[name])) for name in names])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called. Raises UsageError, with the nearest name, for an unknown one."""
        name = args[0]
        if name not in self.commands and not name.startswith("-"):
            from convcost.errors import did_you_mean

            hint = did_you_mean(name, self.commands) or "; convcost --help lists them"
            raise click.UsageError(f"no command {name!r}{hint}")
        return super().resolve_command(ctx, args)


def summary(command: click.Command) -> str:
    """The first line of a command's help, without its full stop."""
    return (command.help or "").strip().split("\n")[0].rstrip(".")
