"""HTML: one semantic table, for a page or a notebook; no script, no request, everything from outside escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from convcost.errors import one_line
from convcost.render.table import Table
from convcost.render.text import Heading, readable


def html(table: Table, *, exact: bool) -> str:
    """The title and header as the caption, a `th` for every column and row, notes in the foot.

    Colours are the page's own, light or dark; numbers stand at the right by `style`, which a page may overrule.
    """
    grid, below = readable(table, exact=exact)
    caption = [f"<strong>{_text(table.title)}</strong>"]
    caption += [f"{_text(name)}: {_text(value)}" for name, value in table.header]
    right = [column.right for column in table.columns]
    lines = ['<table class="convcost">', f"<caption>{'<br>'.join(caption)}</caption>", "<thead>"]
    heads = (_cell("th", column.title, scope="col", right=column.right) for column in table.columns)
    lines += [_row(heads), "</thead>", "<tbody>"]
    for row, cells in zip(table.rows, grid, strict=True):
        lines.append(_row(_cells(map(str, cells), right), row.kind))
    lines.append("</tbody>")
    if below:
        tags = ("th" if isinstance(note, Heading) else "td" for note in below)
        notes = (
            _row([f'<{tag} colspan="{len(right)}">{_text(note)}</{tag}>'])
            for tag, note in zip(tags, below, strict=True)
        )
        lines += ["<tfoot>", *notes, "</tfoot>"]
    return "\n".join([*lines, "</table>", ""])


def _cells(texts: Iterable[str], right: list[bool]) -> Iterable[str]:
    """The first cell names the row."""
    for number, (text, at_right) in enumerate(zip(texts, right, strict=True)):
        head = not number
        yield _cell("th" if head else "td", text, scope="row" if head else "", right=at_right)


def _row(cells: Iterable[str], kind: str = "row") -> str:
    name = "" if kind == "row" else f' class="{kind}"'
    return f"<tr{name}>{''.join(cells)}</tr>"


def _cell(tag: str, text: str, *, scope: str, right: bool) -> str:
    attributes = f' scope="{scope}"' if scope else ""
    attributes += ' style="text-align: right"' if right else ""
    return f"<{tag}{attributes}>{_text(text)}</{tag}>"


def _text(text: str) -> str:
    """The text on one line so that a page shows it as it is."""
    return escape(one_line(text))
