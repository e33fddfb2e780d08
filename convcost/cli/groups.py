"""The list of commands as `convcost --help` prints it: by what one wants to do, each with its summary uncut."""

from __future__ import annotations

from collections.abc import Mapping

import click

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Look": ("layers", "table", "list", "show", "compare"),
    "Check a paper": ("audit", "reconcile", "dialects", "verify"),
    "Design": ("formula", "sweep", "solve"),
    "Run": ("memory", "roofline", "training"),
    "Extend": ("new", "check", "help"),
}
"""Every command, under what it is for."""


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
