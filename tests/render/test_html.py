"""HTML: what a browser would make of it, read by a parser that shares nothing with the printer."""

from __future__ import annotations

import pytest
from any_table import tables
from hypothesis import given
from lxml import html as parser

from convcost import load
from convcost.render import Column, Row, Table, render


def test_a_table_is_semantic() -> None:
    table = Table(
        "t", (("unit", "macs"),), (Column("k", "k"), Column("n", "n", "count")),
        (Row(("all", None), "section"), Row(("a", 1_582_671_872)), Row(("sum", 7), "total")), ("a note",),
    )  # fmt: skip
    page = parser.fromstring(render(table, "html"))
    assert [head.get("scope") for head in page.iter("th")] == ["col", "col", "row", "row", "row"]
    assert page.find("caption").text_content() == "tunit: macs"
    assert [[cell.text_content() for cell in row] for row in page.find("tbody")] == [
        ["all", ""], ["a", "1.58G"], ["sum", "7"]
    ]  # fmt: skip
    assert [row.get("class") for row in page.find("tbody")] == ["section", None, "total"]
    assert [cell.text_content() for cell in page.find("tfoot").iter("td")] == ["a note"]
    assert page.find("tbody")[1][1].get("style") == "text-align: right"


@given(tables())
def test_texts_are_texts(table: Table) -> None:
    """No element, attribute or script comes from a cell."""
    page = parser.fromstring(render(table, "html"))
    known = {"table", "caption", "strong", "br", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert {element.tag for element in page.iter()} <= known
    assert {name for element in page.iter() for name in element.attrib} <= {"class", "scope", "style", "colspan"}
    assert len(page.find("tbody")) == len(table.rows)


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "a\x00b"]
)
def test_hostile_names_are_shown_as_they_are(hostile: str) -> None:
    table = Table(hostile, ((hostile, hostile),), (Column("k", hostile),), (Row((hostile,)),), (hostile,))
    page = parser.fromstring(render(table, "html"))
    shown = page.find("tbody")[0][0].text_content()
    assert shown == hostile or "\x00" in hostile
    assert not list(page.iter("script", "img"))


def test_a_cost_shows_itself_in_a_notebook() -> None:
    cost = load("vgg11").price()
    assert cost._repr_html_() == render(cost.table(), "html")
    assert cost._repr_markdown_() == render(cost.table(), "markdown")
    assert cost._repr_latex_() == render(cost.table(), "latex")
