"""Claims: what a printed cell says about which part of which network. Every table is audited as a list of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.network import Network
from convcost.ops import Shape
from convcost.printed.numbers import Printed
from convcost.published.layerkinds import EVERY
from convcost.published.quotients import OF
from convcost.published.tables import SIZES, TOTAL, Checked, PublishedTable

QUANTITIES = ("params", "ops")
QUANTITY_OF = {
    **dict.fromkeys(("macs", "flops", "ops"), "ops"),
    **{name: name for name in ("params", "bytes", "activations", "memory")},
}
"""What numbers of a unit, or under a heading, count."""
SHARE_OF = {of: share for share, of in OF.items()}
"""What a percentage counts under a heading of counts, in a row that is a part of a network."""
Subject = tuple[str, str, str, str]
Priced = dict[str, tuple[Network, Cost]]


class Claim(NamedTuple):
    """A printed cell and what it is about."""

    row: str
    column: str
    text: str
    quantity: str
    """params, ops, bytes, activations, memory, a share of one, shape or input."""
    reference: str
    """The network, as `load` reads it."""
    lead: str
    """The scope, or `total`."""
    printed: Printed | None = None
    """The number; None for a size."""
    size: Shape = ()
    """What is computed for a size, (H, W, C)."""
    fits: bool = True
    """Whether a size is the computed one."""
    place: str = ""
    among: tuple[str, ...] = ()
    """The networks that its row's name leaves open, `reference` the first of them; () if it names one."""

    @property
    def subject(self) -> Subject:
        """What the other cells of its row are about if they are about the same."""
        return self.row, self.place, self.reference, self.lead


class Unread(NamedTuple):
    """A row or a cell of a user's table that is not audited, and why."""

    row: str
    why: str
    place: str
    column: str = ""
    """The title of the cell's column; "" if the row is meant."""
    text: str = ""
    """The cell as printed."""


class Claims(NamedTuple):
    """All that a table claims."""

    title: str
    source: str
    claims: Sequence[Claim]
    priced: Priced
    unread: Sequence[Unread] = ()
    notes: Sequence[str] = ()
    number: int = 1
    """Which table of its file it is."""
    quotes: bool = False
    """Whether its numbers may be quoted from the shipped tables: it is none of them."""


class FileClaims(NamedTuple):
    """What the tables of a file claim, and which of them claim nothing."""

    tables: Sequence[Claims]
    failed: Sequence[str] = ()
    """Of each table that could not be read, a line with its place and why."""
    uncounted: Sequence[str] = ()
    """Of each table that counts nothing, a line that says so."""


def of_table(table: PublishedTable) -> Claims:
    """The claims of a shipped table. Raises what `PublishedTable.check` raises."""
    return of_checked(table.check())


def of_checked(checked: Checked) -> Claims:
    """The claims of a checked table."""
    table = checked.table
    claims = []
    for cell in checked.cells:
        reference = cell.column.network or table.network or cell.row.lead
        lead = TOTAL if cell.row.lead in (TOTAL, reference) else cell.row.lead
        size = cell.computed if cell.quantity in SIZES else ()
        printed = next((text for text in cell.row.cells if text), "")
        label = printed if cell.row.lead == TOTAL or cell.row.lead.startswith(EVERY) else cell.row.lead
        about = (label, cell.column.title, cell.text, cell.quantity, reference, lead)
        claims.append(Claim(*about, cell.printed, size, cell.holds, str(cell.row.mark)))
    return Claims(table.title, table.source, claims, checked.priced, notes=[table.notes] if table.notes else [])
