"""Tables in CSV, Markdown and HTML, each by the parser that is made for it: csv, markdown-it-py, lxml.

(html.parser of the standard library would save a dependency and has columns, but its running time grows with
the square of an unclosed comment on every Python before the 2025 security releases: ten minutes for 1 MB.)
"""

from __future__ import annotations

import csv
import importlib
import io
import re
from functools import partial
from types import ModuleType
from typing import Any

from convcost.errors import ConvcostError, MissingExtraError
from convcost.published.grid import MAX_CELL, MAX_CELLS, Found, Grid, Span, at, ragged, too_large, too_long

MAX_HTML = 128 * 1024  # characters of one table; time grows with the square of an element's attributes
MAX_TABLES = 1000

_PIPE = re.compile(r"(?<!\\)\|")
_HTML_COMMENT = re.compile("<!--"), re.compile("-->")
_HTML_SCRIPT = re.compile("<(?:script|style)(?=[\\s>])", re.I), re.compile("</(?:script|style)\\s*>", re.I)
_HTML_TABLE = re.compile(r"<(/?)table(?=[\s/>])", re.I)
_BREAKS = frozenset(("br", "p", "div", "li", "tr"))


def require(module: str, package: str) -> ModuleType:
    """Import a parser where it is used; `MissingExtraError` names the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(package, "audit") from None


def superscript(raised: str) -> str:
    """A raised text on one line: a number with a caret (10^9; a footnote's M^1), a mark (†) as it is."""
    return f"^{raised}" if raised.lstrip("-+").isdecimal() else raised


def blank_between(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """The text with everything from `opening` to `closing` replaced by its line ends."""
    parts = []
    position = 0
    while start := opening.search(text, position):
        end = closing.search(text, start.end())
        stop = end.end() if end else len(text)
        parts += [text[position : start.start()], "\n" * text.count("\n", start.start(), stop)]
        position = stop
    return "".join([*parts, text[position:]])


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
        raise ConvcostError(f"{at(source, 1)}: {both} would separate its cells; save it as .tsv")
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
    return [Found(rows[0][0].line, lambda: Grid(rows[0][0].line, rows, 1))] if rows else []


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
                raise too_large(source, line)
            if any(cell.strip() for cell in row):
                rows.append([Span(" ".join(cell.split()), line) for cell in row])
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
    found = [Found(table[0][0] + 1, partial(_markdown_grid, source, lines, table)) for table in tables]
    return found or html_tables(text, source)


def _markdown_grid(source: str, lines: list[str], table: list[tuple[int, list[str]]]) -> Grid:
    inline = require("markdown_it", "markdown-it-py").MarkdownIt("commonmark")
    rows = []
    for line, contents in table:
        # The parser pads short rows and cuts long ones, so the cells are counted in the line itself.
        written = lines[line].lstrip("> \t").rstrip()
        cells = len(_PIPE.findall(written)) + 1 - written.startswith("|")
        cells -= _PIPE.match(written, len(written) - 1) is not None
        if cells != len(contents):
            raise ragged(source, line + 1, cells, len(contents))
        row = []
        column = 0
        for content in contents:
            column = max(lines[line].find(content, column), column)
            if len(content) > MAX_CELL:
                raise too_long(source, line + 1, column + 1)
            text = _inline_text(inline.parseInline(content)[0].children or [])
            row.append(Span(text, line + 1, column + 1))
            column += len(content)
        rows.append(row)
    return Grid(table[0][0] + 1, rows, 1)


def _inline_text(tokens: list[Any]) -> str:
    """What a reader sees of a Markdown cell."""
    text = ""
    raised = False
    for token in tokens:
        if token.type == "html_inline":
            tag = token.content.casefold()
            raised = tag.startswith("<sup")
            text += " " * tag.startswith("<br")
        elif token.type in ("softbreak", "hardbreak"):
            text += " "
        else:  # texts, code and the description of an image; what opens and closes has no content
            text += superscript(token.content) if raised else token.content
    return " ".join(text.split())


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
                raise ConvcostError(f"{at(source, line)}: more than {MAX_TABLES:,} tables")
        elif opened:
            begun[opened.pop()][2] = position
    return [
        Found(line, partial(_html_grid, source, text, start, end, line, number in nesting))
        for number, (line, start, end) in enumerate(begun)
    ]


def _html_grid(source: str, text: str, start: int, end: int, line: int, nesting: bool) -> Grid:
    if nesting:
        raise ConvcostError(f"{at(source, line)}: this table holds another table")
    if end - start > MAX_HTML:
        limit = f"at most {MAX_HTML:,} characters are read"
        raise ConvcostError(f"{at(source, line)}: the table is too large: {limit}")
    etree = require("lxml.etree", "lxml")
    parser = etree.HTMLParser(no_network=True, remove_pis=True)
    table = etree.fromstring(f"<body>{text[start:end]}", parser).find(".//table")
    if table is None or any(entry.level_name == "FATAL" for entry in parser.error_log):
        raise ConvcostError(f"{at(source, line)}: the table is broken or nested too deeply")
    rows = []
    heads = []
    for tr in table.iter("tr"):
        cells = [cell for cell in tr if cell.tag in ("td", "th")]
        rows.append([_html_span(source, cell, line) for cell in cells])
        heads.append(tr.getparent().tag == "thead" or all(cell.tag == "th" for cell in cells))
    if sum(map(len, rows)) != sum(1 for _ in table.iter("td", "th")):
        raise ConvcostError(f"{at(source, line)}: the table has cells outside its rows")
    return Grid(line, rows, next((n for n, head in enumerate(heads) if not head), len(heads)) or None)


def _html_span(source: str, cell: Any, line: int) -> Span:
    here = line + cell.sourceline - 1
    covers = []
    for name in ("rowspan", "colspan"):
        value = (cell.get(name) or "1").strip()
        if not re.fullmatch("[1-9][0-9]{0,3}", value):
            raise ConvcostError(f"{at(source, here)}: {name}={value[:20]!r} is not a number from 1 to 9999")
        covers.append(int(value))
    return Span(" ".join(_html_text(cell).split()), here, 0, *covers)


def _html_text(element: Any) -> str:
    """What a reader sees of an HTML cell; of a formula its LaTeX, where the page keeps it."""
    if element.tag == "math" and element.get("alttext"):
        return str(element.get("alttext"))
    if element.tag == "img":
        return str(element.get("alt") or "")
    text = element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            inner = _html_text(child)
            space = " " * (child.tag in _BREAKS)
            text += superscript(inner.strip()) if child.tag == "sup" else space + inner + space
        text += child.tail or ""
    return text
