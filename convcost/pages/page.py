"""A page: one HTML file that asks for nothing, whose policy lets no script run but the one that it has."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from convcost.errors import one_line

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline';"


class Section(NamedTuple):
    """A part of a page with its heading."""

    id: str
    title: str
    body: str


def page(title: str, sections: Sequence[Section], data: dict[str, Any], *, above: str = "") -> str:
    """The file: its policy lets the one script run, which is named by its hash, and nothing be fetched.

    `data` is what the script finds; `above` stands before the title, as links to other pages do.
    """
    script, style = own("report.js"), own("report.css")
    hash_ = b64encode(sha256(script.encode()).digest()).decode()
    policy = f"{_POLICY} script-src 'sha256-{hash_}'"
    values = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    contents = "".join(f'<li><a href="#{one.id}">{escaped(one.title)}</a></li>' for one in sections)
    body = "".join(
        f'<section id="{one.id}" aria-labelledby="{one.id}-h">'
        f'<h2 id="{one.id}-h">{escaped(one.title)}</h2>{one.body}</section>'
        for one in sections
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escaped(title)}</title>'
        f"<style>{style}</style></head><body><main>{above}<h1>{escaped(title)}</h1>"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>{body}</main>'
        f'<script type="application/json" id="data">{values}</script><script>{script}</script></body></html>\n'
    )


def scrolled(body: str) -> str:
    """What may be wider than the page."""
    return f'<div class="scroll" tabindex="0">{body}</div>'


def listed(lines: Iterable[str]) -> str:
    """A list of texts."""
    return "<ul>" + "".join(f"<li>{escaped(line)}</li>" for line in lines) + "</ul>"


def escaped(said: str, *, lines: bool = False) -> str:
    """Text as a page shows it; `lines` keeps its line breaks."""
    return "\n".join(escape(one_line(line)) for line in said.split("\n")) if lines else escape(one_line(said))


@cache
def own(name: str) -> str:
    """A file that stands beside this one."""
    return files("convcost.pages").joinpath(name).read_text(encoding="utf-8")
