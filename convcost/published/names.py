"""Which network a row of a user's table is about: what the user says of its printed name, else what `spec.names` reads.

The row's printed input may choose among several; its printed counts never do, as they are what is audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from convcost.spec.catalog import shipped_networks
from convcost.spec.model import Spec
from convcost.spec.names import Names, Unclear


class Known(Names):
    """The networks that rows can be about, by name.

    Args:
        specs: spec files whose networks are known beside the shipped ones.
        names: references by printed name, as the user says them.
    """

    def __init__(self, specs: Sequence[Path], names: Mapping[str, str]) -> None:
        networks = {reference.network: reference.network for reference in shipped_networks()}
        for path in specs:
            networks.update({network: f"{path}:{network}" for network in Spec.read(path).networks})
        super().__init__(networks)
        self.said = {_plain(name): reference for name, reference in names.items()}
        """References by printed name, without case and double spaces."""
        self._used: set[str] = set()

    def reference(self, name: str, size: tuple[int, ...] = ()) -> str | Unclear:
        """The network that a printed name means, on the input that it names; or why that is not known.

        Args:
            name: as printed.
            size: the input that the row prints elsewhere (see `spelling.input_size`), () if it prints none.

        Raises:
            ConvcostError: what the user says of the name is no network.
        """
        if self.says(name):
            self._used.add(_plain(name))
            said = self.said[_plain(name)]
            return said if not size or " input=" in said else self.placed(said, size)
        found = super().reference(name, size)
        if isinstance(found, Unclear) and found.open:
            return found._replace(why=f"{found.why}: say which with --name")
        return found

    def says(self, name: str) -> bool:
        """Whether the user says which network a printed name is."""
        return _plain(name) in self.said

    def unused(self, names: Iterable[str]) -> list[str]:
        """Those of the user's names that no row has."""
        return [name for name in names if _plain(name) not in self._used]


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()
