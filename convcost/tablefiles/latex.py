r"""Tables in LaTeX: `tabular` and its kin, with booktabs, multirow, multicolumn, makecell, by pylatexenc.

Nothing is executed: macros that the file defines are not expanded. A macro that is not known and stands
before one group is taken for a style (`\best{4.2M}` reads "4.2M") but not for a part of a number; any other
stays in the text as it is written, so that no number beside it is misread.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from convcost.errors import ConvcostError
from convcost.tablefiles.celltext import cell_text, plain, without_idle_carets
from convcost.tablefiles.formats import MAX_TABLES, blank_between, require
from convcost.tablefiles.grid import Found, Grid, Span, at, is_number
from convcost.tablefiles.latextext import (
    HEADER_RULES,
    OTHER_RULES,
    ROW_ENDS,
    UNREAD,
    NestedTableError,
    arguments,
    context,
    macro_name,
    marked,
    nested,
    shown,
    special_characters,
)

# Of one table: characters, what the parser makes nodes of (up to 0.2 ms each), braces and environments.
MAX_LATEX = 96 * 1024
MAX_NODES = 16_000
MAX_DEPTH = 40

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_TRIM = re.compile(r"(\\cmidrule\s*(?:\[[^][]*\])?)\([^()]*\)")  # an argument that pylatexenc does not know
_VERBATIM = (
    re.compile(r"\\begin\s*\{(?:verbatim|lstlisting|comment)\*?\}"),
    re.compile(r"\\end\s*\{(?:verbatim|lstlisting|comment)\*?\}"),
)
_TABULAR = re.compile(r"\\(begin|end)\s*\{(tabular\*?|tabularx|tabulary|longtable)\}")
_OPTION = re.compile(r"\s*\[[^][]*\]")
_GROUP = re.compile(r"\s*\{(?:[^{}]|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*+\})*+\})*+\}")
_NESTING = re.compile(r"\\(begin|end)(?![A-Za-z])|\\.|[{}]", re.DOTALL)
_COUNT = re.compile(r"([1-9][0-9]{0,3})(?:\.[0-9]+)?")
_NODE = re.compile(r"[\\{}$&~]")
_SPACE = re.compile(r"\s*")


def latex_tables(text: str, source: str) -> list[Found]:
    """The outermost tabulars of a LaTeX file; those inside a cell only break its lines."""
    text = blank_between(_TRIM.sub(_blank, _COMMENT.sub(_blank, text)), *_VERBATIM)
    starts = (0, *(match.end() for match in re.finditer("\n", text)))
    tabulars = []
    opened: list[re.Match[str]] = []
    for match in _TABULAR.finditer(text):
        if match[1] == "begin":
            opened.append(match)
        elif opened:
            begin = opened.pop()
            if not opened:
                tabulars.append(_Tabular(source, text, starts, begin[2], begin.start(), begin.end(), match.start()))
            if len(tabulars) > MAX_TABLES:
                raise ConvcostError(f"{source}: more than {MAX_TABLES:,} tables")
    if opened:
        tabulars.append(_Tabular(source, text, starts, opened[0][2], opened[0].start(), opened[0].end(), None))
    return [Found(tabular.place(tabular.start)[0], tabular.grid) for tabular in tabulars]


def _blank(found: re.Match[str]) -> str:
    """The first group and blanks for the rest, so that places stay what they are."""
    return found[1] + " " * (len(found[0]) - len(found[1]))


@dataclass(slots=True)
class _Tabular:
    """One tabular of `text`: the offsets of its \\begin, of what follows that, and of its \\end.

    `lines` are the offsets at which the lines of the file begin, `body` is the offset of what is parsed.
    """

    source: str
    text: str
    lines: tuple[int, ...]
    name: str
    start: int
    arguments: int
    end: int | None
    body: int = 0

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def error(self, offset: int, why: str) -> ConvcostError:
        """The error at this place."""
        return ConvcostError(f"{at(self.source, *self.place(offset))}: {why}")

    def grid(self) -> Grid:
        """Parse the body and lay out its rows."""
        if self.end is None:
            raise self.error(self.start, "this table has no \\end")
        body = self.body = self._body(self.end)
        if self.end - body > MAX_LATEX or len(_NODE.findall(self.text, body, self.end)) > MAX_NODES:
            limits = f"{MAX_LATEX:,} characters and {MAX_NODES:,} macros, braces and separators"
            raise self.error(self.start, f"the table is too large: at most {limits} are read")
        parser = require("pylatexenc.latexwalker", "pylatexenc")
        text = self.text[body : self.end] + "{}"  # the parser wants something behind the last \\\\
        walker = parser.LatexWalker(text, latex_context=context(), tolerant_parsing=False)
        try:
            nodes = walker.get_latex_nodes()[0]
        except parser.LatexWalkerParseError as error:
            raise self.error(body + (error.pos or 0), f"not readable as LaTeX: {error.msg}") from None
        except RecursionError:
            raise self.error(body, "the table is nested too deeply") from None
        try:
            return self._grid(nodes)
        except NestedTableError as error:
            raise self.error(body + error.args[0], "a table within a table") from None

    def _body(self, end: int) -> int:
        """The offset behind the arguments of \\begin: column letters are no LaTeX that a parser reads."""
        position = self.arguments
        for _ in range(1 if self.name in ("tabular", "longtable") else 2):
            option = _OPTION.match(self.text, position, end)
            group = _GROUP.match(self.text, option.end() if option else position, end)
            if group is None:
                raise self.error(self.start, "this table has no column letters")
            position = group.end()
        depth = 0
        for token in _NESTING.finditer(self.text, position, end):
            depth += {"{": 1, "}": -1}.get(token[0], {"begin": 1, "end": -1}.get(token[1], 0))
            if depth > MAX_DEPTH:
                raise self.error(token.start(), "the table is nested too deeply")
        return position

    def _grid(self, nodes: list[Any]) -> Grid:
        """Split the nodes into rows and cells."""
        rows: list[list[Span]] = []
        ruled: str | None = None
        header = 0
        cells: list[tuple[int, list[Any]]] = [(self.body, [])]  # each with the offset at which it begins
        for node in nodes:
            name = macro_name(node)
            end = self.body + node.pos + node.len
            if name in ROW_ENDS:
                self._end_row(rows, cells)
                cells = [(end, [])]
            elif special_characters(node) == "&":
                cells.append((end, []))
            elif name in UNREAD:
                raise self.error(self.body + node.pos, f"\\{name} is not read")
            elif name in HEADER_RULES or name in OTHER_RULES:
                if name in HEADER_RULES and rows and ruled is None:
                    ruled, header = name, len(rows)
                if not any(shown([one]).strip() for one in cells[-1][1]):
                    cells[-1] = (end, [])
            else:
                cells[-1][1].append(node)
        self._end_row(rows, cells)
        numbers = any(is_number(span.text) for row in rows[1:header] for span in row)
        if header == len(rows) or (ruled == "hline" and (header == 1 or numbers)):  # lines, but not for a header
            header = 0
        return Grid(self.place(self.start)[0], self._merged(rows), header or None)

    def _end_row(self, rows: list[list[Span]], cells: list[tuple[int, list[Any]]]) -> None:
        spans = [self._span(begin, nodes) for begin, nodes in cells]
        if len(spans) > 1 or spans[0].text:
            rows.append(spans)

    def _span(self, begin: int, nodes: list[Any]) -> Span:
        """The cell with what it covers."""
        text_begins = _SPACE.match(self.text, begin)
        place = self.place(text_begins.end() if text_begins else begin)
        covers = {"multirow": 1, "multicolumn": 1}
        text = marked(nodes)
        seen = plain(text)
        for macro in nested(nodes):
            name = macro_name(macro)
            if name in covers:
                count = _COUNT.fullmatch(shown(arguments(macro)[:1]).strip())
                if count is None:
                    raise self.error(self.body + macro.pos, f"\\{name} over a number of cells that is not read")
                if shown([macro]) != seen:
                    raise self.error(self.body + macro.pos, f"a text beside \\{name}")
                covers[name] = int(count[1])
        return Span(cell_text(without_idle_carets(text)), *place, covers["multirow"], covers["multicolumn"])

    def _merged(self, rows: list[list[Span]]) -> list[list[Span]]:
        """The rows without the empty cells that LaTeX wants below a \\multirow."""
        reaching: dict[int, int] = {}
        merged = []
        for row in rows:
            kept = []
            following = {column: left - 1 for column, left in reaching.items() if left > 1}
            column = 0
            for span in row:
                covered = range(column, column + span.cols)
                column += span.cols
                if not any(place in reaching for place in covered):
                    kept.append(span)
                    following.update(dict.fromkeys(covered, span.rows - 1) if span.rows > 1 else {})
                elif span.text or not all(place in reaching for place in covered):
                    where = at(self.source, span.line, span.column)
                    raise ConvcostError(f"{where}: this cell lies in the merged cell above it")
            reaching = following
            merged.append(kept)
        return merged
