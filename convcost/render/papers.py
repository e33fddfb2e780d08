"""Markdown and LaTeX: tables to paste into a page or a paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from convcost.errors import one_line
from convcost.render.table import Row, Table
from convcost.render.text import Heading, Shown, readable, superscripts


def markdown(table: Table, *, exact: bool) -> str:
    """GitHub's dialect: the title in bold, the header as a list, the table, the notes as a list."""

    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cells)} |"

    grid, below = readable(table, exact=exact)
    lines = [_strong(table.title), ""]
    lines += [_item(f"{name}: {value}") for name, value in table.header]
    lines += ["", line(_md(column.title) for column in table.columns)]
    lines.append(line("--:" if column.right else ":--" for column in table.columns))
    for row, cells in zip(table.rows, grid, strict=True):
        style = _md if row.kind == "row" else _strong
        lines.append(line(style(str(cell)) for cell in cells))
    lines.append("")
    for note in below:
        lines += [*[""][: bool(lines[-1])], _strong(note), ""] if isinstance(note, Heading) else [_item(note)]
    return "\n".join(lines).strip() + "\n"


def _md(text: str) -> str:
    """The text on one line so that Markdown shows it as it is: what would be markup is escaped.

    An underscore inside a word is none, and stays readable ("inception_3a").
    """
    text = re.sub(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", one_line(text))
    # GitHub makes links of what looks like one, and calls the people that are named; no backslash keeps an @ from that.
    text = re.sub(r"(?<=[A-Za-z]):(?=//)|(?<=\b[wW]{3})\.", r"\\\g<0>", text)
    return re.sub(r"(?<![\w.+-])@(?=\w)|(?<=[\w.+-])@(?=[\w-]+\.[\w.-]*[A-Za-z]\b)", "@<!-- -->", text)


def _strong(text: str) -> str:
    escaped = _md(text)
    return f"**{escaped}**" if escaped else ""


def _item(text: str) -> str:
    """An item of a list, of which the text opens no other: not "1. ", "- " or "# "."""
    return "- " + re.sub(r"^(\d*)([#+\-]|[.)](?= |$))", r"\1\\\2", _md(text))


_TEX = str.maketrans(
    {character: f"\\{character}" for character in "{}$&#%_"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        '"': r"\textquotedbl{}",
    }
    | {
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "–": r"\textendash{}",
        "—": r"\textemdash{}",
    }
    | {"✓": r"\ding{51}", "✗": r"\ding{55}", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "≈": r"$\approx$"}
    | {"≠": r"$\neq$", "≤": r"$\leq$", "≥": r"$\geq$", "→": r"$\rightarrow$", "…": r"\dots{}", "\ufffd": "?"}
)


_FITTED = r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"


LONGEST = 36
"""Rows of a LaTeX table on one page; what is longer goes on, under the same number, in further ones."""


def latex(table: Table, *, exact: bool) -> str:
    """A booktabs table, the header in its caption, the notes below it; the first line says what the preamble needs.

    It is as wide as its column at most: where it would be wider, all of it is made smaller. Its title makes its label.
    What is longer than a page goes on in tables of the same number: `longtable` knows neither columns nor that width.
    """
    grid, below = readable(table, exact=exact)
    lines = [r"% \usepackage[T1]{fontenc} \usepackage{booktabs,graphicx,pifont}"]
    caption = _tex("; ".join([table.title, *(f"{name}: {value}" for name, value in table.header)]))
    label = re.sub(r"[^a-z0-9]+", "-", table.title.lower()).strip("-")
    rows = list(zip(table.rows, grid, strict=True))
    parts = [rows[at : at + LONGEST] for at in range(0, len(rows), LONGEST)] or [[]]
    for number, part in enumerate(parts):
        lines += [r"\begin{table}", r"\centering"]
        if number:
            lines += [r"\addtocounter{table}{-1}", rf"\caption{{{_tex(table.title)}, continued}}"]
        else:
            lines.append(rf"\caption{{{caption}}}")
        named = "" if number else rf"\label{{tab:{label}}}"
        lines += [*_tabular(table, part), rf"\end{{tabular}}\end{{lrbox}}{named}{_FITTED}"]
        if number == len(parts) - 1:
            for note in below:
                said = rf"\textbf{{{_tex(note)}}}" if isinstance(note, Heading) else _tex(note)
                lines.append(rf"\par\footnotesize {said}")
        lines.append(r"\end{table}")
    return "\n".join([*lines, ""])


def _tabular(table: Table, rows: Sequence[tuple[Row, Sequence[Shown]]]) -> list[str]:
    """The lines of a tabular but for its end: columns, head, and these rows."""

    def line(cells: Iterable[str]) -> str:
        joined = " & ".join(cells)
        # After a rule or a row's end, a bracket or a star would be taken for its argument.
        return ("{}" if joined.startswith(("[", "*")) else "") + joined + r" \\"

    places = "".join("r" if column.right else "l" for column in table.columns)
    lines = [
        rf"\begin{{lrbox}}{{0}}\begin{{tabular}}{{{places}}}",
        r"\toprule",
        line(_tex(column.title) for column in table.columns),
        r"\midrule",
    ]
    for number, (row, cells) in enumerate(rows):
        if row.kind != "row" and number:
            lines.append(r"\midrule")
        style = "{}" if row.kind == "row" else r"\textbf{{{}}}"
        lines.append(line(style.format(_tex_of(cell)) if str(cell) else "" for cell in cells))
    return [*lines, r"\bottomrule"]


def _tex_of(cell: Shown) -> str:
    """A cell; a number below zero has a minus, and no hyphen."""
    said = _tex(str(cell))
    return f"$-${said[1:]}" if said.startswith("-") and not cell.text else said


def _tex(text: str) -> str:
    """The text on one line so that LaTeX prints it as it is."""
    text = superscripts(one_line(text).translate(_TEX), r"\textsuperscript{{{}}}")
    # No ligature: "--set" keeps both dashes; in T1, two of ` or ' or , are a quote, and !` is an inverted mark.
    return re.sub(r"-(?=-)|`(?=`)|'(?=')|,(?=,)|[!?](?=`)", r"\g<0>{}", text)
