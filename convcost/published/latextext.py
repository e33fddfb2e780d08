"""The text of LaTeX as a reader sees it, from the nodes of pylatexenc."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from convcost.published.tableformats import require, superscript

ROW_ENDS = ("\\", "tabularnewline", "cr")
HEADER_RULES = ("hline", "midrule", "specialrule", "hhline", "Xhline", "endhead")
OTHER_RULES = ("toprule", "bottomrule", "cmidrule", "cline", "addlinespace", "morecmidrules", "noalign")
UNREAD = ("input", "include", "endfirsthead", "endfoot", "endlastfoot")
# The arguments of macros that pylatexenc does not know, in its notation.
_ARGUMENTS = {
    "{": "hhline Xhline cline noalign tablefootnote cref Cref citeauthor textsubscript textsuperscript"
    " underline ensuremath mbox fbox phantom hphantom",
    "{{": "scalebox href",
    "{{{": "multicolumn specialrule",
    "[": "toprule midrule bottomrule addlinespace",
    "[{": "cmidrule shortstack color",
    "[{{": "textcolor colorbox rotatebox rule",
    "[{[[": "rowcolor cellcolor",
    "[{[{[{": "multirow",
    "{[[{": "raisebox",
    "*{": "vspace hspace",
    "*{{{": "resizebox",
    "*[{": "makecell thead",
    "*[[{": "citet citep citealp",
}
# Macros that show their last argument; any other with arguments stays as written (\frac).
_TRANSPARENT = re.compile(
    "text.*|math.*|emph|underline|ensuremath|mbox|fbox|makecell|thead|shortstack|multirow|multicolumn|colorbox"
    "|rotatebox|scalebox|resizebox|raisebox|href"
)
_SYMBOL_BY_NUMBER = ("ding", "symbol", "char")
_INVISIBLE = re.compile(
    "cite|cite[tp]|citealp|citeauthor|[cC]?ref|label|footnote|footnotemark|tablefootnote|[vh]space|hskip|rule"
    "|h?phantom|color|cellcolor|rowcolor|bf|it|rm|sf|tt|em|bfseries|itshape|rmfamily|sffamily|ttfamily|normalfont"
    "|tiny|scriptsize|footnotesize|small|normalsize|[lL]arge|centering|raggedright|raggedleft|arraybackslash"
    "|hfill|noindent|strut|xspace|protect|relax|displaystyle|textstyle|boldmath|left|right|[/@-]"
)


class NestedTableError(Exception):
    """A separator of columns inside a cell; the argument is its place in what was parsed."""


def shown(nodes: list[Any]) -> str:
    """What a reader sees of the nodes."""
    text = ""
    for place, node in enumerate(nodes):
        name = macro_name(node)
        if name is None:
            text += _plain(node)
        elif name in ROW_ENDS:
            text += " "
        elif name not in OTHER_RULES and name not in HEADER_RULES and _INVISIBLE.fullmatch(name) is None:
            text += _macro(node, name, nodes[place + 1 : place + 3])
    return text


def _plain(node: Any) -> str:
    """What a reader sees of a node that is no macro: characters, a group, a formula, an environment."""
    special = special_characters(node)
    if special == "&":
        raise NestedTableError(node.pos)
    if special is not None:
        return " " if special in ("~", "\n\n") else special
    inner = getattr(node, "nodelist", None)
    return getattr(node, "chars", "") if inner is None else shown(inner)


def _macro(node: Any, name: str, after: list[Any]) -> str:
    """What a reader sees of a macro, given the two nodes after it."""
    if node.nodeargd and any(node.nodeargd.argnlist):
        if name == "textsuperscript":
            return superscript(shown(arguments(node)))
        transparent = _TRANSPARENT.fullmatch(name)
        return shown(arguments(node)[-1:]) if transparent else str(node.latex_verbatim())
    symbol = _symbols().get(name)
    if symbol is not None:
        return symbol
    groups = [one.isNodeType(_group_node()) for one in after]
    style = groups[:1] == [True] and groups[1:] != [True] and name not in _SYMBOL_BY_NUMBER
    return "" if style and shown(after[:1]).strip() else f"\\{name} "


def nested(nodes: list[Any]) -> Iterator[Any]:
    """The nodes and all that they hold."""
    for node in nodes:
        if node is not None:
            yield node
            yield from nested(getattr(node, "nodelist", None) or [])
            yield from nested(arguments(node))


def macro_name(node: Any) -> str | None:
    """The name of a macro, None for any other node."""
    name: str | None = getattr(node, "macroname", None)
    return name


def special_characters(node: Any) -> str | None:
    """What stands for more than itself, such as "&" and "~"; None for any other node."""
    characters: str | None = getattr(node, "specials_chars", None)
    return characters


def arguments(node: Any) -> list[Any]:
    """The arguments of a macro without its options."""
    parsed = getattr(node, "nodeargd", None)
    if not parsed or not parsed.argnlist:
        return []
    return [one for one, kind in zip(parsed.argnlist, parsed.argspec, strict=True) if kind == "{"]


@cache
def _group_node() -> Any:
    return require("pylatexenc.latexwalker", "pylatexenc").LatexGroupNode


@cache
def context() -> Any:
    """What pylatexenc knows of LaTeX, and the arguments of the macros of tables."""
    macrospec = require("pylatexenc.macrospec", "pylatexenc")
    known = require("pylatexenc.latexwalker", "pylatexenc").get_default_latex_context_db()
    named = ((name, kinds) for kinds, names in _ARGUMENTS.items() for name in names.split())
    macros = [macrospec.MacroSpec(name, kinds) for name, kinds in named]
    known.add_context_category("tables", macros=macros, prepend=True)
    return known


@cache
def _symbols() -> dict[str, str]:
    """The characters that macros without arguments stand for."""
    known = require("pylatexenc.latex2text", "pylatexenc").get_default_latex_context_db()
    replacements = {spec.macroname: spec.simplify_repl for spec in known.iter_macro_specs()}
    texts = {name: text for name, text in replacements.items() if isinstance(text, str) and "%" not in text}
    return texts | {"%": "%"}
