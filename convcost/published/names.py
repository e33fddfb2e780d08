"""Which network a row of a user's table is about: what the user says of its printed name, else what `spec.names` reads.

The row's printed input may choose among several; its printed counts never do, as they are what is audited.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from convcost.errors import ConvcostError
from convcost.spec.catalog import shipped_networks
from convcost.spec.model import Spec
from convcost.spec.names import Names, Unclear


class Known(Names):
    """The networks that rows can be about, by name.

    Args:
        specs: spec files whose networks are known beside the shipped ones.
        names: references by printed name, as the user says them.
        strip: regular expressions of what printed names say that is no part of a network's name.

    Raises ConvcostError for a spec that cannot be read, and what is no regular expression.
    """

    def __init__(self, specs: Sequence[Path], names: Mapping[str, str], strip: Sequence[str] = ()) -> None:
        networks = {reference.network: reference.network for reference in shipped_networks()}
        for path in specs:
            networks.update({network: f"{path}:{network}" for network in Spec.read(path).networks})
        super().__init__(networks)
        self.strip = [_expression(text) for text in strip]
        self.names = {_plain(name): reference for name, reference in names.items()}
        self.said = {_plain(name): name for name in names}
        self.used: set[str] = set()

    def said_of(self, name: str) -> str:
        """What the user says that a printed name is, "" if nothing; then it counts as used."""
        said = self.names.get(_plain(name), "")
        if said:
            self.used.add(self.said[_plain(name)])
        return said

    def recognises(self, name: str) -> bool:
        """Whether a text is a name that the user says, or spells the name of a network."""
        return self.says(name) or super().recognises(name)

    def says(self, name: str) -> bool:
        """Whether the user says what a printed name is."""
        return _plain(name) in self.names

    def reference(self, name: str, size: tuple[int, ...] = ()) -> str | Unclear:
        """The network that a printed name means, on the input that it names; or why that is not known.

        Args:
            name: as printed.
            size: the input that the row prints elsewhere (see `spelling.input_size`), () if it prints none.

        Raises:
            ConvcostError: what the user says of the name is no network.
        """
        if said := self.said_of(name):
            return said if not size or " input=" in said else self.placed(said, size)
        for expression in self.strip:
            name = expression.sub(" ", name)
        found = super().reference(name, size)
        if isinstance(found, Unclear) and found.open:
            return found._replace(why=f"{found.why}: say which with --name")
        return found


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError) as error:
        raise ConvcostError(f"--strip {text!r} is no regular expression: {error}") from None


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
