"""The sections that pages have about a network: what it is, pictures, layers, closed forms, what papers print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

from convcost.auditing.audit import Audited, AuditedFile, audit_file
from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.network import Network
from convcost.ops import format_shape
from convcost.pages.page import escaped, scrolled
from convcost.pages.treemap import svg, tiles
from convcost.pictures.dot import drawn
from convcost.pictures.picture import Frame, picture
from convcost.published.tables import load_table, table_names
from convcost.render.html import html
from convcost.render.numbers import in_full, plain, short
from convcost.render.table import Table
from convcost.render.text import readable
from convcost.views import audits as audit_views
from convcost.views import networks as network_views

MOST_PICTURES = 12
"""Scopes that are drawn each by itself, the first ones."""
_LAYERS = (
    "layer",
    "operator",
    "kernel_size",
    "stride",
    "groups",
    "output",
    "params",
    "macs",
    "share",
    "receptive_field",
)
"""Columns of the table of layers."""


def what(network: Network, cost: Cost) -> str:
    """What it is, and under which convention."""
    total = cost.total
    facts = [
        ("network", network.reference),
        ("input", f"{format_shape(cost.input)}, batch {cost.batch}"),
        ("params", f"{in_full(total.params)} ({short(total.params)}): weights, biases and norm affine"),
        ("macs", f"{in_full(total.macs)} ({short(total.macs)}): multiply-adds of convolutions and matrix products"),
        ("activations", f"{in_full(total.activations)}: output elements of convolutions and linear layers"),
        ("variant", network.spec.variants[network.variant].about if network.variant else ""),
        ("source", network.spec.source),
        ("notes", network.spec.notes),
    ]
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{escaped(said)}</dd>" for name, said in facts if said) + "</dl>"


def pictures(cost: Cost, most: int = MOST_PICTURES) -> str:
    """The picture by outermost scopes, and below it those of the scopes, which unfold."""
    whole = picture(cost, depth=1)
    try:
        said = f'<div class="picture">{_svg(drawn(whole, "svg"), whole.title)}</div>'
        scopes = [line for line in cost.fold(1) if len(line.rows) > 1]
        for line in scopes[:most]:
            inside = picture(cost, scope=line.name)
            if len(inside.boxes) > 1 or any(isinstance(item, Frame) for item in inside.items):
                about = f"{escaped(line.name)}: {short(line.macs)} macs, {short(line.params)} params"
                body = f'<div class="picture">{_svg(drawn(inside, "svg"), inside.title)}</div>'
                said += f"<details><summary>{about}</summary>{body}</details>"
    except ConvcostError as error:
        return f"<p>No picture: {escaped(str(error))}</p>"
    return said


def _svg(data: bytes, title: str) -> str:
    """Graphviz' SVG with a name, without what stands before it, its comments and its ids, which would not be unique."""
    text = data.decode()
    text = re.sub(r"<!--.*?-->\n?", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{escaped(title)}" ', 1)
    return re.sub(r' id="[^"]*"', "", text).replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")


def layers(network: Network, cost: Cost, controls: str) -> str:
    """Every layer below its outermost scope, which folds."""
    table = network_views.layers(cost, None, "macs", network)
    kept = [number for number, column in enumerate(table.columns) if column.key in _LAYERS]
    right = [table.columns[number].right for number in kept]

    def cells(row: Sequence[object], *, opens: bool = False) -> str:
        said = []
        for place, number in enumerate(kept):
            tag, attributes = ("td", "") if place else ("th", " scope=row")
            text = escaped(str(row[number]))
            text = f'<button type="button" aria-expanded="false">{text}</button>' if opens and not place else text
            said.append(f"<{tag}{attributes}{' class=right' if right[place] else ''}>{text}</{tag}>")
        return "".join(said)

    grid, _ = readable(table, exact=True)
    by_scope = network_views.layers(cost, 1, "macs", network)
    scopes, _ = readable(by_scope, exact=True)
    rows: dict[str, list[int]] = {}
    for at, row in enumerate(table.rows):
        if row.kind == "row":
            rows.setdefault(str(row.cells[0]).split("/")[0], []).append(at)
    bodies = []
    for at, (scope, members) in enumerate(rows.items()):
        alone = members and str(table.rows[members[0]].cells[0]) == scope
        head = cells(scopes[at], opens=not alone)
        inside = "" if alone else "".join(f"<tr class=layer>{cells(grid[one])}</tr>" for one in members)
        bodies.append(f"<tbody><tr class=scope>{head}</tr>{inside}</tbody>")
    totals = [at for at, row in enumerate(table.rows) if row.kind == "total"]
    foot = "".join(f"<tr class=total>{cells(grid[at])}</tr>" for at in totals)
    heads = (
        f'<th scope=col aria-sort="none"{" class=right" if right[place] else ""}>'
        f'<button type="button">{escaped(table.columns[number].title)}</button></th>'
        for place, number in enumerate(kept)
    )
    buttons = (
        f'<div class="controls" id="{controls}" hidden><label>Search <input type="search"></label>'
        '<button type="button" class="unfold">Unfold all</button>'
        '<button type="button" class="fold">Fold all</button></div>'
    )
    caption = f"Layers of {escaped(network.reference)} at {format_shape(cost.input)}: params and macs are exact"
    return buttons + scrolled(
        f'<table class="layers" data-controls="{controls}"><caption>{caption}</caption>'
        f"<thead><tr>{''.join(heads)}</tr></thead>{''.join(bodies)}<tfoot>{foot}</tfoot></table>"
    )


def sliders(forms: dict[str, Any] | None) -> str:
    """The closed forms with what changes their symbols, as `formulas` has them."""
    if forms is None:
        return "<p>There is no closed form of it.</p>"
    said = []
    for one in forms["sliders"]:
        name, range_ = escaped(one["name"]), f'min="{one["least"]}" max="{one["most"]}" step="{one["step"]}"'
        said.append(
            f'<label class="slider"><span>{name}</span>'
            f'<input type="range" {_decimals(range_)} value="{_decimals(one["value"])}" aria-label="{name}, slider">'
            f'<input type="number" name="{name}" min="0" step="any" value="{_decimals(one["value"])}"></label>'
        )
    said.append('<p class="outside" role="status"></p><dl>')
    for name, form in forms["forms"].items():
        said.append(f'<dt>{name}</dt><dd><output name="{name}">–</output><details><summary>closed form</summary>')
        said.append(f"<pre>{escaped(form['text'], lines=True)}</pre></details></dd>")
    said.append(f"</dl><p>Exact for {escaped(forms['domain'])}.</p>")
    return "".join(said)


def _decimals(text: str) -> str:
    """The text with its fractions as decimals, which is what an input takes."""
    return re.sub(r"\d+/\d+", lambda found: plain(Fraction(found[0])), text)


def treemaps(cost: Cost) -> str:
    """Where macs and params are, as areas."""
    maps = ""
    for name in ("macs", "params"):
        counts = {row.name: getattr(row, name) for row in cost.rows}
        maps += f"<h3>{name}</h3>{svg(tiles(cost.rows, counts), name)}"
    return maps


@cache
def audited(name: str) -> AuditedFile:
    """A shipped table with its verdicts, judged once."""
    return audit_file(name)


def tables_about(network: Network) -> list[str]:
    """The shipped tables that print the network, in any variant."""
    return [name for name in table_names() if mentions(load_table(name).references, network)]


def printed(network: Network) -> str:
    """The cells that papers print of a network, with their verdicts."""
    tables = "".join(shown(audit_views.audits(_about(audited(name), network))) for name in tables_about(network))
    return tables or "<p>No shipped table prints it.</p>"


def _about(file: AuditedFile, network: Network) -> list[Audited]:
    """Its tables with the cells that are about a network alone."""
    found = []
    for one in file.tables:
        cells = [finding for finding in one.findings if mentions([finding.claim.reference], network)]
        found.append(one._replace(findings=cells, explanations={}))
    return found


def mentions(references: Iterable[str], network: Network) -> bool:
    """Whether one of the references is to the network, in any variant."""
    return any(reference.split(" ")[0].split("@")[0] == network.network for reference in references)


def shown(table: Table) -> str:
    """A table that scrolls by itself."""
    return scrolled(html(table, exact=False))
