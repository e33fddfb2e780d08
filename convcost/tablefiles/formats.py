"""Tables in CSV, Markdown and HTML, each by the parser that is made for it: csv, markdown-it-py, lxml.

(html.parser of the standard library would save a dependency and has columns, but its running time grows with
the square of an unclosed comment on every Python before the 2025 security releases: ten minutes for 1 MB.)
"""

from __future__ import annotations

import csv
import importlib
import io
import re
from collections.abc import Iterator
from functools import partial
from html import unescape
from types import ModuleType
from typing import Any

from convcost.errors import ConvcostError, MissingExtraError
from convcost.tablefiles.celltext import DROPPED, GAP, apart, cell_text, styled, superscript
from convcost.tablefiles.grid import MAX_CELLS, Found, Grid, Place, Span, cut, too_large
from convcost.tablefiles.latexsource import blank_between

MAX_HTML = 128 * 1024  # characters of one table; time grows with the square of an element's attributes
MAX_TABLES = 1000

_BARE = re.compile("[0-9A-Za-z.,]*")  # what needs no parser, as most cells
_HTML_COMMENT = re.compile("<!--"), re.compile("-->")
_HTML_SCRIPT = re.compile("<(?:script|style)(?=[\\s>])", re.I), re.compile("</(?:script|style)\\s*>", re.I)
_END_TAG = re.compile(r"</(?!(?:t[dhr]|table|thead|tbody|tfoot|caption|colgroup)\b)(?:(body|html|head)\b[^>]*>)?", re.I)
_HTML_TABLE = re.compile(r"<(/?)table(?=[\s/>])", re.I)
_CSV_GAP = re.compile(r"\s{2,}|[^\S \xa0\u2009\u202f]")  # a line end within a cell, a tab
_BREAKS = re.compile("br|p|div|li|tr|d[dt]|hr")
_STYLES = re.compile(
    "body|t[dh]|b|strong|i|em|u|ins|mark|font|span|code|tt|kbd|samp|var|big|center|nobr|bdi|time|data|label|q|cite"
    "|math|mrow|mstyle|m[ino]|mtext"
)
_FOOTNOTE = re.compile(r"(?<=[A-Za-z%])\[\^[^\[\]\s<>]{1,40}\]")  # GitHub's [^1]; behind a digit it is kept
_NOUGHT = re.compile(r"(?:0+\.?0*|\.0+)(?:[a-z]+|%)?")
_UNREAD = re.compile("del|s|strike|script|style|template|title|datalist")


def require(module: str, package: str) -> ModuleType:
    """Import a parser where it is used; `MissingExtraError` names the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(package, "audit") from None


def csv_tables(text: str, source: str) -> list[Found]:
    """The one table of a CSV file, separated by commas, semicolons or tabs: by what fits all its rows."""
    fitting = []
    for delimiter in ",;\t":
        try:
            rows = _csv_rows(text, source, delimiter)
        except csv.Error:
            continue
        if len(rows) > 1 and len(rows[0]) > 1 and len({len(row) for row in rows}) == 1:
            fitting.append((delimiter, rows))
    if len(fitting) > 1:
        both = " and ".join(repr(delimiter) for delimiter, _ in fitting)
        raise ConvcostError(f"{Place(source, 1)}: {both} would separate its cells; save it as .tsv")
    return _the_one(fitting[0][1]) if fitting else _separated(text, source, ",")


def tsv_tables(text: str, source: str) -> list[Found]:
    """The one table of a file whose cells are separated by tabs."""
    return _separated(text, source, "\t")


def _separated(text: str, source: str, delimiter: str) -> list[Found]:
    try:
        return _the_one(_csv_rows(text, source, delimiter))
    except csv.Error as error:
        raise ConvcostError(f"{source}:{error}") from None


def _the_one(rows: list[list[Span]]) -> list[Found]:
    return [Found(rows[0][0].place, lambda: Grid(rows[0][0].place, rows, 1))] if rows else []


def _csv_rows(text: str, source: str, delimiter: str) -> list[list[Span]]:
    """The rows with any text in them; a `csv.Error` begins with the line."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows = []
    cells = 0
    line = 1
    try:
        for row in reader:
            cells += len(row) or 1
            if cells > MAX_CELLS:
                raise too_large(Place(source, line))
            if any(cell.strip() for cell in row):
                rows.append([Span(cell_text(_CSV_GAP.sub(GAP, cell)), Place(source, line)) for cell in row])
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(f"{line}: not readable as CSV: {error}") from None
    return rows


def markdown_tables(text: str, source: str) -> list[Found]:
    """The pipe tables of a Markdown file; if it has none, its HTML tables."""
    markdown = require("markdown_it", "markdown-it-py").MarkdownIt("commonmark").enable("table")
    markdown.core.ruler.disable(["inline", "text_join"])  # only the cells of the chosen table are needed
    tables: list[list[tuple[int, list[str]]]] = []
    inside = False
    for token in markdown.parse(text):
        if token.type == "table_open":
            inside = True
            tables.append([])
        elif token.type == "table_close":
            inside = False
        elif inside and token.type == "tr_open":
            tables[-1].append((token.map[0], []))
        elif inside and token.type == "inline":
            tables[-1][-1][1].append(token.content)
    lines = text.split("\n")
    found = [Found(Place(source, table[0][0] + 1), partial(_markdown_grid, source, lines, table)) for table in tables]
    return found or html_tables(text, source)


def _markdown_grid(source: str, lines: list[str], table: list[tuple[int, list[str]]]) -> Grid:
    inline = require("markdown_it", "markdown-it-py").MarkdownIt("commonmark").enable("strikethrough")
    texts: dict[str, str] = {}  # of cells that are alike one is read: a file has room for many only if they are
    rows = []
    cells = 0
    for line, contents in table:
        # As GitHub does, the parser pads short rows and leaves out what long ones have more.
        cells += len(contents)
        if cells > MAX_CELLS:
            raise too_large(Place(source, line + 1))
        row = []
        column = 0
        for content in contents:
            column = max(lines[line].find(content, column), column)
            if content not in texts:
                bare = _BARE.fullmatch(content)
                texts[content] = content if bare else _markdown_text(inline, cut(content), source, line + 1)
            row.append(Span(texts[content], Place(source, line + 1, column + 1)))
            column += len(content)
        rows.append(row)
    return Grid(Place(source, table[0][0] + 1), rows, 1)


def _markdown_text(inline: Any, content: str, source: str, line: int) -> str:
    """What a reader sees of a Markdown cell, rendered as the HTML that it may be mixed with."""
    html = inline.renderInline(content).replace("~~", "~|~")  # strikes nothing, but no number may be read across it
    html = _FOOTNOTE.sub(DROPPED, html)
    if "<" not in html:
        return cell_text(unescape(html))
    body = _html(html, source, line).find("body")
    return "" if body is None else cell_text(_html_text(body))


def html_tables(text: str, source: str) -> list[Found]:
    """The tables of an HTML file, each `<table>` in the order of their beginnings."""
    text = blank_between(blank_between(text, *_HTML_COMMENT), *_HTML_SCRIPT)
    begun: list[list[int]] = []  # of each table its line, where it begins and where it ends
    nesting: set[int] = set()
    opened: list[int] = []
    line = 1
    position = 0
    for tag in _HTML_TABLE.finditer(text):
        line += text.count("\n", position, tag.start())
        position = tag.start()
        if not tag[1]:
            nesting.update(opened[-1:])
            opened.append(len(begun))
            begun.append([line, position, len(text)])
            if len(begun) > MAX_TABLES:
                raise ConvcostError(f"{Place(source, line)}: more than {MAX_TABLES:,} tables")
        elif opened:
            begun[opened.pop()][2] = position
    return [
        Found(Place(source, line), partial(_html_grid, source, text, start, end, line, number in nesting))
        for number, (line, start, end) in enumerate(begun)
    ]


def _html_grid(source: str, text: str, start: int, end: int, line: int, nesting: bool) -> Grid:
    if nesting:
        raise ConvcostError(f"{Place(source, line)}: this table holds another table")
    if end - start > MAX_HTML:
        limit = f"at most {MAX_HTML:,} characters are read"
        raise ConvcostError(f"{Place(source, line)}: the table is too large: {limit}")
    table = _html(text[start:end], source, line).find(".//table")
    if table is None:
        raise _broken(source, line)
    rows: list[list[Span]] = []
    heads = []
    within = 0
    for around, cells in _html_rows(table):
        within += len(cells)
        if all(_has_room(element) for element in around if element is not table):
            shown = [cell for cell in cells if _has_room(cell)]
            rows.append([_html_span(source, cell, line) for cell in shown])
            heads.append(any(one.tag == "thead" for one in around) or all(cell.tag == "th" for cell in shown))
    if within != sum(1 for _ in table.iter("td", "th")):
        raise ConvcostError(f"{Place(source, line)}: the table has cells outside its rows")
    _padded(rows)
    return Grid(Place(source, line), rows, next((n for n, head in enumerate(heads) if not head), len(heads)) or None)


def _html_rows(table: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """The rows with the elements around them and their cells; cells without a row have one, as in a browser."""
    loose: list[Any] = []
    for child in table:
        if child.tag in ("td", "th"):
            loose.append(child)
            continue
        if loose and isinstance(child.tag, str):
            yield [table], loose
            loose = []
        if child.tag == "tr":
            yield [child, table], [cell for cell in child if cell.tag in ("td", "th")]
        elif isinstance(child.tag, str):  # a part of the table, or what strayed into it
            yield from (([*around, child], cells) for around, cells in _html_rows(child))
    if loose:
        yield [table], loose


def _padded(rows: list[list[Span]]) -> None:
    """Give rows that end early the empty cells that a browser shows; not the first, whose headings would be misplaced.

    Where cells reach down, what a row lacks depends on them, and `assemble` judges it.
    """
    if any(span.rows > 1 for row in rows for span in row):
        return
    width = sum(span.cols for span in rows[0]) if rows else 0
    for row in rows[1:]:
        if row:
            row += [Span("", row[-1].place)] * (width - sum(span.cols for span in row))


def _html(text: str, source: str, line: int) -> Any:
    """The tree of a piece of HTML; also an end tag without a beginning, which the parser drops, leaves its seam."""
    text = _END_TAG.sub(lambda tag: DROPPED if tag[1] else DROPPED + tag[0], text)
    etree = require("lxml.etree", "lxml")
    parser = etree.HTMLParser(no_network=True, remove_pis=True)
    tree = etree.fromstring(f"<body>{text}", parser)
    if tree is None or any(entry.level_name == "FATAL" for entry in parser.error_log):
        raise _broken(source, line)
    return tree


def _broken(source: str, line: int) -> ConvcostError:
    return ConvcostError(f"{Place(source, line)}: the table is broken or nested too deeply")


def _html_span(source: str, cell: Any, line: int) -> Span:
    here = line + cell.sourceline - 1
    covers = []
    for name in ("rowspan", "colspan"):
        value = (cell.get(name) or "1").strip()
        if not re.fullmatch("[1-9][0-9]{0,3}", value):
            raise ConvcostError(f"{Place(source, here)}: {name}={value[:20]!r} is not a number from 1 to 9999")
        covers.append(int(value))
    return Span(cell_text(_html_text(cell)), Place(source, here), *covers)


def _html_text(element: Any) -> str:
    """What a reader sees of an HTML element, with its seams; of a formula its LaTeX, where the page keeps it."""
    rules = _rules(element)
    if _UNREAD.fullmatch(element.tag) or not _has_room(element) or not _is_read(rules):
        return DROPPED
    if element.tag == "math" and element.get("alttext"):
        return styled(str(element.get("alttext")))
    if element.tag == "img":
        return apart(str(element.get("alt") or ""))
    text = element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            text += _html_text(child)
        text += child.tail or ""
    if element.tag == "sup":
        return superscript(text)
    if _BREAKS.fullmatch(element.tag):
        return GAP + text + GAP
    resized = element.tag not in ("td", "th") and not rules.keys().isdisjoint(("font-size", "vertical-align"))
    plain_style = _STYLES.fullmatch(element.tag) and not resized and not element.get("size")
    return styled(text) if plain_style else apart(text)


def _has_room(element: Any) -> bool:
    """Whether the page leaves room for the element, be it seen or not."""
    return "hidden" not in element.attrib and "none" not in _rules(element).get("display", ())


def _is_read(rules: dict[str, list[str]]) -> bool:
    """Whether these rules leave a text to be seen, and not struck out."""
    struck = any("line-through" in words for name, words in rules.items() if name.startswith("text-decoration"))
    unseen = {"hidden", "collapse"}.intersection(rules.get("visibility", ()))
    vanishing = any(_NOUGHT.fullmatch(word) for name in ("opacity", "font-size") for word in rules.get(name, ()))
    return not (struck or unseen or vanishing)


def _rules(element: Any) -> dict[str, list[str]]:
    """The words of each rule in the element's own style."""
    style = element.get("style")
    written = (rule.partition(":") for rule in style.casefold().split(";")) if style else ()
    return {name.strip(): value.replace("!", " ").split() for name, _, value in written}
