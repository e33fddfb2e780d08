r"""Tables in LaTeX: `tabular` and its kin, with booktabs, multirow, multicolumn, makecell, by pylatexenc.

Simple macros of the document are replaced (see `latexsource`). Another macro that is not known and stands before one
group is taken for a style (`\best{4.2M}` reads "4.2M") but not for a part of a number; any other
stays in the text as it is written, so that no number beside it is misread.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from convcost.errors import ConvcostError
from convcost.tablefiles.celltext import cell_text, plain, without_idle_carets
from convcost.tablefiles.formats import MAX_TABLES, require
from convcost.tablefiles.grid import Found, Grid, Place, Span, is_number
from convcost.tablefiles.latexsource import (
    GROUP,
    Find,
    Joined,
    Macro,
    TooLongError,
    definitions,
    expanded,
    joined,
    no_files,
)
from convcost.tablefiles.latextext import (
    HEADER_RULES,
    OTHER_RULES,
    RESERVED,
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

_TABULAR = re.compile(r"\\(begin|end)\s*\{(tabular\*?|tabularx|tabulary|longtable)\}")
_OPTION = re.compile(r"\s*\[[^][]*\]")
_NESTING = re.compile(r"\\(begin|end)(?![A-Za-z])|\\.|[{}]", re.DOTALL)
_COUNT = re.compile(r"([1-9][0-9]{0,3})(?:\.[0-9]+)?")
_NODE = re.compile(r"[\\{}$&~]")
_SPACE = re.compile(r"\s*")


def latex_tables(text: str, source: str, find: Find = no_files) -> list[Found]:
    """The outermost tabulars of a source and of what it inputs; those inside a cell only break its lines."""
    document = joined(text, source, find)
    text = str(document)
    macros = definitions(text)
    tabulars = []
    opened: list[re.Match[str]] = []
    for match in _TABULAR.finditer(text):
        if match[1] == "begin":
            opened.append(match)
        elif opened:
            begin = opened.pop()
            if not opened:
                tabulars.append(_Tabular(document, text, macros, begin[2], begin.start(), begin.end(), match.start()))
            if len(tabulars) > MAX_TABLES:
                raise ConvcostError(f"{source}: more than {MAX_TABLES:,} tables")
    if opened:
        tabulars.append(_Tabular(document, text, macros, opened[0][2], opened[0].start(), opened[0].end(), None))
    return [Found(document.place(tabular.start).row, tabular.grid) for tabular in tabulars]


@dataclass(slots=True)
class _Tabular:
    """One tabular of `text`: the offsets of its \\begin, of what follows that, and of its \\end.

    `body` is what is parsed, with its macros replaced; `pieces` say where it comes from.
    """

    document: Joined
    text: str
    macros: list[tuple[int, str, Macro]]
    name: str
    start: int
    arguments: int
    end: int | None
    body: str = ""
    pieces: list[tuple[int, int]] = field(default_factory=list)

    def place(self, offset: int) -> Place:
        """The place of what stands at an offset of the body."""
        behind = bisect_right(self.pieces, offset, key=lambda piece: piece[0])
        begin, origin = self.pieces[behind - 1]
        end = self.pieces[behind][1] if behind < len(self.pieces) else self.end or origin
        return self.document.place(min(origin + offset - begin, end))

    def error(self, place: Place, why: str) -> ConvcostError:
        """The error at this place."""
        return ConvcostError(f"{place}: {why}")

    def grid(self) -> Grid:
        """Parse the body and lay out its rows."""
        begin = self.document.place(self.start)
        if self.end is None:
            raise self.error(begin, "this table has no \\end")
        start = self._body(self.end)
        limits = f"{MAX_LATEX:,} characters and {MAX_NODES:,} macros, braces and separators"
        too_large = self.error(begin, f"the table is too large: at most {limits} are read")
        if self.end - start > MAX_LATEX:
            raise too_large
        known = {name: macro for behind, name, macro in self.macros if behind <= self.start and name not in RESERVED}
        try:
            self.body, pieces = expanded(self.text[start : self.end], known, MAX_LATEX)
        except TooLongError:
            raise too_large from None
        self.pieces = [(new, start + old) for new, old in pieces]
        if len(_NODE.findall(self.body)) > MAX_NODES:
            raise too_large
        self._require_flat()
        parser = require("pylatexenc.latexwalker", "pylatexenc")
        text = self.body + "{}"  # the parser wants something behind the last \\\\
        walker = parser.LatexWalker(text, latex_context=context(), tolerant_parsing=False)
        try:
            nodes = walker.get_latex_nodes()[0]
        except parser.LatexWalkerParseError as error:
            raise self.error(self.place(error.pos or 0), f"not readable as LaTeX: {error.msg}") from None
        except RecursionError:
            raise self.error(self.place(0), "the table is nested too deeply") from None
        try:
            return self._grid(nodes)
        except NestedTableError as error:
            raise self.error(self.place(error.args[0]), "a table within a table") from None

    def _body(self, end: int) -> int:
        """The offset behind the arguments of \\begin: column letters are no LaTeX that a parser reads."""
        position = self.arguments
        for _ in range(1 if self.name in ("tabular", "longtable") else 2):
            option = _OPTION.match(self.text, position, end)
            group = GROUP.match(self.text, option.end() if option else position, end)
            if group is None:
                raise self.error(self.document.place(self.start), "this table has no column letters")
            position = group.end()
        return position

    def _require_flat(self) -> None:
        depth = 0
        for token in _NESTING.finditer(self.body):
            depth += {"{": 1, "}": -1}.get(token[0], {"begin": 1, "end": -1}.get(token[1], 0))
            if depth > MAX_DEPTH:
                raise self.error(self.place(token.start()), "the table is nested too deeply")

    def _grid(self, nodes: list[Any]) -> Grid:
        """Split the nodes into rows and cells."""
        rows: list[list[Span]] = []
        ruled: str | None = None
        header = 0
        cells: list[tuple[int, list[Any]]] = [(0, [])]  # each with the offset at which it begins
        for node in nodes:
            name = macro_name(node)
            end = node.pos + node.len
            if name in ROW_ENDS:
                self._end_row(rows, cells)
                cells = [(end, [])]
            elif special_characters(node) == "&":
                cells.append((end, []))
            elif name in UNREAD:
                raise self.error(self.place(node.pos), f"\\{name} is not read")
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
        return Grid(self.document.place(self.start).row, self._merged(rows), header or None)

    def _end_row(self, rows: list[list[Span]], cells: list[tuple[int, list[Any]]]) -> None:
        spans = [self._span(begin, nodes) for begin, nodes in cells]
        if len(spans) > 1 or spans[0].text:
            rows.append(spans)

    def _span(self, begin: int, nodes: list[Any]) -> Span:
        """The cell with what it covers."""
        text_begins = _SPACE.match(self.body, begin)
        place = self.place(text_begins.end() if text_begins else begin)
        covers = {"multirow": 1, "multicolumn": 1}
        text = marked(nodes)
        seen = plain(text)
        for macro in nested(nodes):
            name = macro_name(macro)
            if name in covers:
                count = _COUNT.fullmatch(shown(arguments(macro)[:1]).strip())
                if count is None:
                    raise self.error(self.place(macro.pos), f"\\{name} over a number of cells that is not read")
                if shown([macro]) != seen:
                    raise self.error(self.place(macro.pos), f"a text beside \\{name}")
                covers[name] = int(count[1])
        return Span(cell_text(without_idle_carets(text)), place, covers["multirow"], covers["multicolumn"])

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
                if not reaching or not any(place in reaching for place in covered):
                    kept.append(span)
                    following.update(dict.fromkeys(covered, span.rows - 1) if span.rows > 1 else {})
                elif span.text or not all(place in reaching for place in covered):
                    raise ConvcostError(f"{span.place}: this cell lies in the merged cell above it")
            reaching = following
            merged.append(kept)
        return merged
