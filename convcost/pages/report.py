"""A report: one HTML file about networks or printed tables, which asks for nothing and runs no script but its own.

Every value in it is the library's; only closed forms are computed in the page, from the polynomial's own terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from convcost.auditing.audit import Audited, AuditedFile
from convcost.cost.cost import Cost
from convcost.cost.machine import Machine
from convcost.cost.memory import Types
from convcost.errors import ConvcostError
from convcost.network import Comparison, Network
from convcost.pages import sections as sections_of
from convcost.pages.formulas import formulas
from convcost.pages.page import Section, escaped, listed, page, scrolled
from convcost.render.html import html
from convcost.views import audits as audit_views
from convcost.views import networks as network_views
from convcost.views import peers, running


def of_networks(priced: Sequence[tuple[Network, Cost]], on: Machine | None = None) -> str:
    """The report of networks, one after the other; several are compared first. `on` adds rooflines."""
    data: dict[str, Any] = {}
    sections: list[Section] = []
    if len(priced) > 1:
        compared = network_views.compare(Comparison(*map(tuple, zip(*priced, strict=True))))
        sections.append(Section("compared", "Side by side", scrolled(html(compared, exact=False))))
    for number, (network, cost) in enumerate(priced, 1):
        sections += _network(network, cost, on, f"n{number}", data, several=len(priced) > 1)
    title = ", ".join(network.reference for network, _ in priced)
    return page(title, sections, data)


def of_tables(found: Sequence[AuditedFile], title: str) -> str:
    """The report of audited tables."""
    sections = judged(found)
    if not sections:
        raise ConvcostError(f"{title}: there is no table to report")
    return page(title, sections, {})


def judged(found: Sequence[AuditedFile]) -> list[Section]:
    """Each table: verdicts in place, evidence, and a summary to paste; and what is not judged."""
    sections = []
    for number, one in enumerate((one for file in found for one in file.tables), 1):
        said = f"<p>{escaped(audit_views.answer(one))}</p>" + scrolled(html(audit_views.audits([one]), exact=False))
        said += f'<h3>To paste into a review</h3><textarea readonly aria-label="Summary">{_summary(one)}</textarea>'
        sections.append(Section(f"t{number}", one.table.title, said))
    passed = [line for file in found for line in (*file.failed, *file.uncounted)]
    return [*sections, *([Section("passed", "Not judged", listed(passed))] if passed else [])]


def _network(
    network: Network, cost: Cost, on: Machine | None, id_: str, data: dict[str, Any], *, several: bool
) -> Iterator[Section]:
    of = f" of {network.reference}" if several else ""
    yield Section(f"{id_}-what", network.reference if several else "What it is", sections_of.what(network, cost))
    yield Section(f"{id_}-picture", f"Picture{of}", sections_of.pictures(cost))
    yield Section(f"{id_}-map", f"Where the counts are{of}", sections_of.treemaps(cost))
    yield Section(f"{id_}-layers", f"Layers{of}", sections_of.layers(network, cost, f"{id_}-controls"))
    yield Section(
        f"{id_}-tools", f"What each tool counts{of}", sections_of.shown(peers.dialects(network, cost, exact=True))
    )
    forms = formulas(network, cost.input, cost.batch)
    if forms is not None:
        data[f"{id_}-formula"] = forms
    yield Section(f"{id_}-formula", f"At other inputs and widths{of}", sections_of.sliders(forms))
    run = sections_of.shown(running.memory(network, cost, 1, Types(), in_place=False))
    if on is not None:
        run += sections_of.shown(running.machine(network, cost, 1, on, "float32"))
    yield Section(f"{id_}-run", f"Running it{of}", run)
    yield Section(f"{id_}-printed", f"As papers print it{of}", sections_of.printed(network))


def _summary(one: Audited) -> str:
    """What a reviewer pastes: the answer, and every cell that is wrong with its evidence."""
    lines = [f"{one.table.title}: {audit_views.answer(one)}"]
    for finding in one.findings:
        if finding.verdict in audit_views.WRONG:
            claim = finding.claim
            lines.append(f"- {claim.row}, {claim.column}: printed {claim.text}; {finding.verdict}. {finding.evidence}")
    return escaped("\n".join(lines), lines=True)
