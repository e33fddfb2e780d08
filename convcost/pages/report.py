"""A report: one HTML file about networks or printed tables, which asks for nothing and runs no script but its own.

Every value in it is the library's; only closed forms are computed in the page, from the polynomial's own terms.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from convcost.auditing.audit import Audited, AuditedFile, audit_file
from convcost.cost.cost import Cost
from convcost.cost.machine import Machine
from convcost.errors import ConvcostError, one_line
from convcost.network import Comparison, Network
from convcost.ops import format_shape
from convcost.pages.formulas import formulas
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
from convcost.views import peers, running

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

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline';"


class Section(NamedTuple):
    """A part of a report with its heading."""

    id: str
    title: str
    body: str


def of_networks(priced: Sequence[tuple[Network, Cost]], on: Machine | None = None) -> str:
    """The report of networks, one after the other; several are compared first. `on` adds rooflines."""
    data: dict[str, Any] = {}
    sections: list[Section] = []
    if len(priced) > 1:
        compared = network_views.compare(Comparison(*map(tuple, zip(*priced, strict=True))))
        sections.append(Section("compared", "Side by side", _scrolled(html(compared, exact=False))))
    for number, (network, cost) in enumerate(priced, 1):
        sections += _network(network, cost, on, f"n{number}", data, several=len(priced) > 1)
    title = ", ".join(network.reference for network, _ in priced)
    return _page(title, sections, data)


def of_tables(found: Sequence[AuditedFile], title: str) -> str:
    """The report of audited tables: verdicts in place, evidence, and a summary to paste."""
    sections = []
    for number, one in enumerate((one for file in found for one in file.tables), 1):
        said = f"<p>{_text(audit_views.answer(one))}</p>" + _scrolled(html(audit_views.audits([one]), exact=False))
        said += f'<h3>To paste into a review</h3><textarea readonly aria-label="Summary">{_summary(one)}</textarea>'
        sections.append(Section(f"t{number}", one.table.title, said))
    passed = [line for file in found for line in (*file.failed, *file.uncounted)]
    if passed:
        sections.append(Section("passed", "Not judged", _listed(passed)))
    if not sections:
        raise ConvcostError(f"{title}: there is no table to report")
    return _page(title, sections, {})


def _network(
    network: Network, cost: Cost, on: Machine | None, id_: str, data: dict[str, Any], *, several: bool
) -> Iterator[Section]:
    of = f" of {network.reference}" if several else ""
    yield Section(f"{id_}-what", network.reference if several else "What it is", _what(network, cost))
    yield Section(f"{id_}-picture", f"Picture{of}", _pictures(cost))
    maps = ""
    for name in ("macs", "params"):
        counts = {row.name: getattr(row, name) for row in cost.rows}
        maps += f"<h3>{name}</h3>{svg(tiles(cost.rows, counts), name)}"
    yield Section(f"{id_}-map", f"Where the counts are{of}", maps)
    yield Section(f"{id_}-layers", f"Layers{of}", _layers(network, cost, f"{id_}-controls"))
    yield Section(f"{id_}-tools", f"What each tool counts{of}", _shown(peers.dialects(network, cost, exact=True)))
    forms = formulas(network, cost.input, cost.batch)
    if forms is not None:
        data[f"{id_}-formula"] = forms
    yield Section(f"{id_}-formula", f"At other inputs and widths{of}", _sliders(forms))
    run = _shown(running.memory(network, cost, 1, "float32", in_place=False))
    if on is not None:
        run += _shown(running.machine(network, cost, 1, on, "float32"))
    yield Section(f"{id_}-run", f"Running it{of}", run)
    about = [name for name in table_names() if _mentions(load_table(name).references, network)]
    printed = "".join(_shown(audit_views.audits(_about(audit_file(name), network))) for name in about)
    yield Section(f"{id_}-printed", f"As papers print it{of}", printed or "<p>No shipped table prints it.</p>")


def _what(network: Network, cost: Cost) -> str:
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
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{_text(said)}</dd>" for name, said in facts if said) + "</dl>"


def _pictures(cost: Cost) -> str:
    """The picture by outermost scopes, and below it those of the scopes, which unfold."""
    whole = picture(cost, depth=1)
    try:
        said = f'<div class="picture">{_svg(drawn(whole, "svg"), whole.title)}</div>'
        scopes = [line for line in cost.fold(1) if len(line.rows) > 1]
        for line in scopes[:MOST_PICTURES]:
            inside = picture(cost, scope=line.name)
            if len(inside.boxes) > 1 or any(isinstance(item, Frame) for item in inside.items):
                about = f"{_text(line.name)}: {short(line.macs)} macs, {short(line.params)} params"
                body = f'<div class="picture">{_svg(drawn(inside, "svg"), inside.title)}</div>'
                said += f"<details><summary>{about}</summary>{body}</details>"
    except ConvcostError as error:
        return f"<p>No picture: {_text(str(error))}</p>"
    return said


def _svg(data: bytes, title: str) -> str:
    """Graphviz' SVG with a name, without what stands before it, its comments and its ids, which would not be unique."""
    text = data.decode()
    text = re.sub(r"<!--.*?-->\n?", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{_text(title)}" ', 1)
    return re.sub(r' id="[^"]*"', "", text).replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")


def _layers(network: Network, cost: Cost, controls: str) -> str:
    """Every layer below its outermost scope, which folds."""
    table = network_views.layers(cost, None, "macs", network)
    kept = [number for number, column in enumerate(table.columns) if column.key in _LAYERS]
    right = [table.columns[number].right for number in kept]

    def cells(row: Sequence[object], *, opens: bool = False) -> str:
        said = []
        for place, number in enumerate(kept):
            tag, attributes = ("td", "") if place else ("th", " scope=row")
            text = _text(str(row[number]))
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
        f'<button type="button">{_text(table.columns[number].title)}</button></th>'
        for place, number in enumerate(kept)
    )
    buttons = (
        f'<div class="controls" id="{controls}" hidden><label>Search <input type="search"></label>'
        '<button type="button" class="unfold">Unfold all</button>'
        '<button type="button" class="fold">Fold all</button></div>'
    )
    caption = f"Layers of {_text(network.reference)} at {format_shape(cost.input)}: params and macs are exact"
    return buttons + _scrolled(
        f'<table class="layers" data-controls="{controls}"><caption>{caption}</caption>'
        f"<thead><tr>{''.join(heads)}</tr></thead>{''.join(bodies)}<tfoot>{foot}</tfoot></table>"
    )


def _sliders(forms: dict[str, Any] | None) -> str:
    if forms is None:
        return "<p>There is no closed form of it.</p>"
    said = []
    for one in forms["sliders"]:
        name, range_ = _text(one["name"]), f'min="{one["least"]}" max="{one["most"]}" step="{one["step"]}"'
        said.append(
            f'<label class="slider"><span>{name}</span>'
            f'<input type="range" {_decimals(range_)} value="{_decimals(one["value"])}" aria-label="{name}, slider">'
            f'<input type="number" name="{name}" min="0" step="any" value="{_decimals(one["value"])}"></label>'
        )
    said.append('<p class="outside" role="status"></p><dl>')
    for name, form in forms["forms"].items():
        said.append(f'<dt>{name}</dt><dd><output name="{name}">–</output><details><summary>closed form</summary>')
        said.append(f"<pre>{_text(form['text'], lines=True)}</pre></details></dd>")
    said.append(f"</dl><p>Exact for {_text(forms['domain'])}.</p>")
    return "".join(said)


def _decimals(text: str) -> str:
    """The text with its fractions as decimals, which is what an input takes."""
    return re.sub(r"\d+/\d+", lambda found: plain(Fraction(found[0])), text)


def _summary(one: Audited) -> str:
    """What a reviewer pastes: the answer, and every cell that is wrong with its evidence."""
    lines = [f"{one.table.title}: {audit_views.answer(one)}"]
    for finding in one.findings:
        if finding.verdict in audit_views.WRONG:
            claim = finding.claim
            lines.append(f"- {claim.row}, {claim.column}: printed {claim.text}; {finding.verdict}. {finding.evidence}")
    return _text("\n".join(lines), lines=True)


def _about(file: AuditedFile, network: Network) -> list[Audited]:
    """Its tables with the cells that are about a network alone."""
    found = []
    for one in file.tables:
        cells = [finding for finding in one.findings if _mentions([finding.claim.reference], network)]
        found.append(one._replace(findings=cells, explanations={}))
    return found


def _mentions(references: Iterable[str], network: Network) -> bool:
    return any(reference.split(" ")[0].split("@")[0] == network.network for reference in references)


def _shown(table: Table) -> str:
    return _scrolled(html(table, exact=False))


def _scrolled(text: str) -> str:
    return f'<div class="scroll" tabindex="0">{text}</div>'


def _listed(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _page(title: str, sections: Sequence[Section], data: dict[str, Any]) -> str:
    """The file: its policy lets the one script run, which is named by its hash, and nothing be fetched."""
    own = files("convcost.pages")
    script = own.joinpath("report.js").read_text(encoding="utf-8")
    style = own.joinpath("report.css").read_text(encoding="utf-8")
    hash_ = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"{_POLICY} script-src 'sha256-{hash_}'"
    values = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    contents = "".join(f'<li><a href="#{one.id}">{_text(one.title)}</a></li>' for one in sections)
    body = "".join(
        f'<section id="{one.id}" aria-labelledby="{one.id}-h">'
        f'<h2 id="{one.id}-h">{_text(one.title)}</h2>{one.body}</section>'
        for one in sections
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{_text(title)}</title>'
        f"<style>{style}</style></head><body><main><h1>{_text(title)}</h1>"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>{body}</main>'
        f'<script type="application/json" id="data">{values}</script><script>{script}</script></body></html>\n'
    )


def _text(text: str, *, lines: bool = False) -> str:
    """Text as a page shows it; `lines` keeps its line breaks."""
    return "\n".join(escape(one_line(line)) for line in text.split("\n")) if lines else escape(one_line(text))
