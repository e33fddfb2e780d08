"""The atlas: a folder of pages about networks, the tables that print them and operators, with an index that filters.

Every page is a file that asks for nothing; links between them are relative, so that a disk shows them as a server does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import MISSING
from functools import partial
from inspect import getdoc
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.cost.memory import Types, peak_memory
from convcost.errors import ConvcostError, unwarned
from convcost.files.writing import atomically
from convcost.network import Comparison, Network, every_meant, load
from convcost.ops import REGISTRY, Op, format_shape
from convcost.pages import report, sections
from convcost.pages.formulas import formulas
from convcost.pages.page import Section, escaped, page, scrolled
from convcost.published.tables import load_table
from convcost.render.numbers import in_bytes, short
from convcost.spec.catalog import Reference, shipped_networks
from convcost.views import networks as network_views
from convcost.views import peers, running, tables
from convcost.views.explanations import arithmetic_of

_UP = '<p><a href="../index.html">All networks</a></p>'
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
MOST_USERS = 60
"""Networks that an operator's page names."""


class Subject(NamedTuple):
    """A network to make a page of: the names of its variants, each of which `load` takes, and its page's."""

    network: str
    references: tuple[str, ...]
    file: str


class Entry(NamedTuple):
    """A variant's line in the index."""

    name: str
    file: str
    family: str
    year: str
    input: str
    params: int
    macs: int
    activations: int
    memory: int


class Made(NamedTuple):
    """A network's page, and what others say of it."""

    subject: Subject
    text: str
    entries: list[Entry]
    operators: frozenset[str]
    tables: list[str]


def subjects(names: Sequence[str] = ()) -> list[Subject]:
    """The networks that names mean, each with its variants; without names all that are shipped.

    Raises ConvcostError as `load` does.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if name.endswith((".yaml", ".yml")):
            for network in every_meant(name):
                found.setdefault((name, network.network), []).append(f"{name}:{network.name}")
        else:
            network = load(name)
            alone = "@" in name or network.knobs or name.lower().endswith(".onnx")
            found.setdefault((network.spec.file, network.network), []).extend(
                [name] if alone else _variants_of(network)
            )
    if not names:
        for one in shipped_networks():
            found[one.spec.file, one.network] = _variants_of(one)
    used: set[str] = set()
    return [
        Subject(network, tuple(dict.fromkeys(references)), _file(network, used))
        for (_, network), references in found.items()
    ]


def _variants_of(one: Network | Reference) -> list[str]:
    """The names of a network's variants, or its own; what is no spec's has but its file's."""
    variants = one.spec.variants_of(one.network)
    return [f"{one.network}@{variant}" for variant in variants] or [one.network]


def write(
    out: Path,
    chosen: Sequence[Subject],
    workers: int = 1,
    each: Callable[[int], object] | None = None,
    *,
    every_operator: bool = False,
) -> int:
    """Write the pages into a folder, which is made, and return how many there are.

    Operators that none of the networks has have pages if `every_operator` is asked for. `each` is told when so many
    more networks are done. Raises ConvcostError where a network cannot be priced, and OSError.
    """
    made: list[Made] = []
    for one in _made(chosen, workers):
        _put(out / "networks" / one.subject.file, one.text)
        made.append(one._replace(text=""))
        if each is not None:
            each(1)
    pages = {f"tables/{name}.html": text for name, text in _tables(made)}
    pages |= {f"operators/{name}.html": text for name, text in _operators(made, every_operator)}
    pages["index.html"] = _index(made, [Path(name).stem for name in pages if name.startswith("operators/")])
    for name, text in pages.items():
        _put(out / name, text)
    return len(made) + len(pages)


def _made(chosen: Sequence[Subject], workers: int) -> Iterator[Made]:
    if workers == 1 or len(chosen) < 2:
        yield from map(_network, chosen)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_network, chosen, chunksize=4)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomically(path) as file:
        file.write(text.encode())


def _file(name: str, used: set[str]) -> str:
    """A file's name for any name, its own."""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80].strip(".-") or "network"
    number, found = 1, base
    while found.lower() in used:
        number += 1
        found = f"{base}-{number}"
    used.add(found.lower())
    return f"{found}.html"


# -- networks ------------------------------------------------------------------------------------------------------


def _network(subject: Subject) -> Made:
    """The page of a network: of its default variant, and what others have that it has not."""
    with unwarned():  # they are as their papers, or whoever wrote them, have them
        networks = [load(reference) for reference in subject.references]
        costs = [network.price() for network in networks]
        network, cost = networks[0], costs[0]
        forms = formulas(network, cost.input, cost.batch, most=0)
        about = sections.tables_about(network)
        operators = {row.op.name for row in cost.rows if row.op is not None}
        body = [
            Section("what", "What it is", sections.what(network, cost)),
            Section("picture", "Picture", sections.pictures(cost, most=0)),
            Section("map", "Where the counts are", sections.treemaps(cost)),
            Section("layers", "Layers", sections.layers(network, cost, "controls") + _links("operators", operators)),
            Section("tools", "What each tool counts", sections.shown(peers.dialects(network, cost, exact=True))),
            Section("formula", "At other inputs", sections.sliders(forms)),
            Section("run", "Memory", sections.shown(running.memory(network, cost, 1, Types(), in_place=False))),
        ]
        if len(networks) > 1:
            compared = network_views.compare(Comparison(tuple(networks), tuple(costs)))
            body.append(
                Section("variants", "Variants, and what differs", _variants(networks) + sections.shown(compared))
            )
        body.append(Section("printed", "As papers print it", sections.printed(network) + _links("tables", about)))
    entries = [_entry(one, subject.file, priced) for one, priced in zip(networks, costs, strict=True)]
    data = {} if forms is None else {"formula": forms}
    text = page(subject.network, body, data, above=_UP)
    return Made(subject, text, entries, frozenset(operators), about)


def _entry(network: Network, file: str, cost: Cost) -> Entry:
    total = cost.total
    source = (network.spec.variants[network.variant].source if network.variant else "") or network.spec.source
    year = _YEAR.search(network.spec.source) or _YEAR.search(source)
    return Entry(
        network.name, file, network.spec.family, year[0] if year else "", format_shape(network.input),
        total.params, total.macs, total.activations, peak_memory(cost),
    )  # fmt: skip


def _variants(networks: Sequence[Network]) -> str:
    said = ""
    for network in networks:
        if network.variant:
            variant = network.spec.variants[network.variant]
            text = ". ".join(part.rstrip(".") for part in (variant.about, variant.source) if part)
            said += f"<dt>{escaped(network.name)}</dt><dd>{escaped(text)}</dd>"
    return f"<dl>{said}</dl>" if said else ""


def _links(folder: str, names: Iterable[str]) -> str:
    links = ", ".join(f'<a href="../{folder}/{name}.html">{name}</a>' for name in sorted(names))
    return f"<p>Pages of its {folder}: {links}</p>" if links else ""


# -- tables and operators ------------------------------------------------------------------------------------------


def _tables(made: Sequence[Made]) -> Iterator[tuple[str, str]]:
    """Every table that prints one of the networks: its cells beside what is computed, and their verdicts."""
    about: dict[str, list[Subject]] = {}
    for one in made:
        for name in one.tables:
            about.setdefault(name, []).append(one.subject)
    for name, of in sorted(about.items()):
        table = load_table(name)
        with unwarned():
            shown = sections.shown(tables.published(table.check()))
            judged = report.judged([sections.audited(name)])
        beside = Section("computed", "As it is printed, and as it is computed", shown)
        networks = Section("networks", "Networks", _users(of))
        yield name, page(table.title, [beside, *judged, networks], {}, above=_UP)


def _operators(made: Sequence[Made], every: bool) -> Iterator[tuple[str, str]]:
    """Operators: arguments, rule, and the arithmetic of one layer of each that one of the networks has."""
    users: dict[str, list[Subject]] = {}
    for one in made:
        for name in one.operators:
            users.setdefault(name, []).append(one.subject)
    examples: dict[str, list[str]] = {}
    for name, of in users.items():
        examples.setdefault(of[0].references[0], []).append(name)
    for reference, names in examples.items():
        with unwarned():
            network = load(reference)
            cost = network.price()
        for name in names:
            line = next(row for row in cost.rows if row.op is not None and row.op.name == name)
            with unwarned():
                example = sections.shown(arithmetic_of(line, cost, network))
            body = [
                Section("rule", "Arguments and rule", _rule(REGISTRY[name])),
                Section("example", "How it counts: shapes, arithmetic, and what each tool counts", example),
                Section("networks", "Networks that have it", _users(users[name])),
            ]
            yield name, page(name, body, {}, above=_UP)
    for name in sorted(REGISTRY.keys() - users.keys()) if every else ():
        rule = Section("rule", "Arguments and rule", f"{_rule(REGISTRY[name])}<p>No shipped network has it.</p>")
        yield name, page(name, [rule], {}, above=_UP)


def _rule(op: type[Op]) -> str:
    rows = ""
    for one in op.fields:
        default = "needed" if one.default is MISSING else escaped(str(one.default))
        rows += f"<tr><th scope=row>{escaped(one.name)}</th><td>{default}</td></tr>"
    heads = "<thead><tr><th scope=col>argument</th><th scope=col>default</th></tr></thead>"
    table = f"<table>{heads}<tbody>{rows}</tbody></table>"
    words = "".join(f"<p>{escaped(part)}</p>" for part in (getdoc(op) or "").split("\n\n"))
    return words + (table if rows else "<p>It has no arguments.</p>")


def _users(of: Sequence[Subject]) -> str:
    links = [f'<li><a href="../networks/{one.file}">{escaped(one.network)}</a></li>' for one in of[:MOST_USERS]]
    more = f"<p>and {len(of) - MOST_USERS} more</p>" if len(of) > MOST_USERS else ""
    return f"<ul class=links>{''.join(links)}</ul>{more}"


# -- the index -----------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    title: str
    of: Callable[[Entry], int | str]
    say: Callable[[int], str] | None = None
    """How a number is shown; None for text."""


_COLUMNS: tuple[_Column, ...] = (
    _Column("network", lambda entry: entry.name),
    _Column("family", lambda entry: entry.family),
    _Column("year", lambda entry: entry.year, str),
    _Column("input", lambda entry: entry.input),
    _Column("params", lambda entry: entry.params, short),
    _Column("macs", lambda entry: entry.macs, short),
    _Column("activations", lambda entry: entry.activations, short),
    _Column("memory", lambda entry: entry.memory, partial(in_bytes, exact=False)),
)


def _index(made: Sequence[Made], operators: Sequence[str]) -> str:
    entries = [entry for one in made for entry in one.entries]
    heads = "".join(
        f'<th scope=col aria-sort="none"{" class=right data-number=1" if column.say else ""}>'
        f'<button type="button">{column.title}</button></th>'
        for column in _COLUMNS
    )
    table = (
        '<table class="catalog" data-controls="controls"><caption>params, macs (multiply-adds), activations, and bytes '
        f"of float32 that are alive at once at most, each at its own input</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(map(_line, entries))}</tbody></table>"
    )
    body = [Section("networks", "Networks", _controls(entries) + scrolled(table))]
    for folder, names in (
        ("tables", {name: load_table(name).title for one in made for name in one.tables}),
        ("operators", {name: name for name in operators}),
    ):
        body += _folder(folder, names)
    return page("The atlas of networks", body, {})


def _folder(folder: str, names: Mapping[str, str]) -> Iterator[Section]:
    links = (f'<li><a href="{folder}/{name}.html">{escaped(title)}</a></li>' for name, title in sorted(names.items()))
    if names:
        yield Section(folder, folder.capitalize(), f"<ul class=links>{''.join(links)}</ul>")


def _line(entry: Entry) -> str:
    cells = []
    for number, column in enumerate(_COLUMNS):
        value = column.of(entry)
        text = escaped(column.say(value) if column.say is not None and isinstance(value, int) else str(value))
        attributes = f'data-v="{escaped(str(value))}"' + (" class=right" if column.say else "")
        if not number:
            cells.append(f'<th scope=row {attributes}><a href="networks/{entry.file}">{text}</a></th>')
        else:
            cells.append(f"<td {attributes}>{text}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _controls(entries: Sequence[Entry]) -> str:
    families = "".join(f"<option>{escaped(name)}</option>" for name in sorted({entry.family for entry in entries}))
    said = '<label>Search <input type="search"></label>'
    said += f'<label>family <select data-column="1"><option value="">all</option>{families}</select></label>'
    for at, column in enumerate(_COLUMNS):
        limits = ("least", "most") if column.title == "year" else ("most",) if column.say else ()
        for limit in limits:
            word = {"least": "from", "most": "to"}[limit] if len(limits) > 1 else "at most"
            said += (
                f'<label>{column.title} {word} <input class="number" type="text" inputmode="decimal" '
                f'data-column="{at}" data-limit="{limit}"></label>'
            )
    return f'<div class="controls" id="controls" hidden>{said}<output></output></div>'


def require_folder(out: Path) -> None:
    """Raise ConvcostError for what is there and is no folder, or holds what is not ours to write over."""
    if out.exists() and not out.is_dir():
        raise ConvcostError(f"{out}: not a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / "index.html").exists():
        raise ConvcostError(f"{out}: a folder with other things in it; name a new one")
