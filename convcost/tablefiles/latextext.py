"""The text of LaTeX as a reader sees it, from the nodes of pylatexenc, with its seams (see `celltext`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from convcost.tablefiles.celltext import DROPPED, GAP, apart, plain, styled, superscript
from convcost.tablefiles.formats import require

ROW_ENDS = ("\\", "tabularnewline", "cr")
HEADER_RULES = ("hline", "midrule", "specialrule", "hhline", "Xhline", "endhead")
OTHER_RULES = ("toprule", "bottomrule", "cmidrule", "cline", "addlinespace", "morecmidrules", "noalign")
UNREAD = ("input", "include", "endfirsthead", "endfoot", "endlastfoot")
RESERVED = {*ROW_ENDS, *HEADER_RULES, *OTHER_RULES, "multirow", "multicolumn"}
"""What makes the table is read as LaTeX means it, whatever a document makes of it."""
# The arguments of macros that pylatexenc does not know, in its notation.
_ARGUMENTS = {
    "{": "hhline Xhline cline noalign cref Cref citeauthor textsubscript textsuperscript"
    " underline ensuremath mbox fbox phantom hphantom vphantom invisible marginpar index fnref footref"
    " tnote tnotex tablenotemark tablefootmark tablefnmark sout st xout cancel bcancel xcancel hcancel deleted",
    "{{": "scalebox href",
    "{{{": "multicolumn specialrule",
    "[": "toprule midrule bottomrule addlinespace footnotemark endnotemark tnotemark fnmark tmark",
    "[{": "cmidrule shortstack color footnotetext tablefootnote endnote todo si unit",
    "[{{": "textcolor colorbox rotatebox rule SI qty",
    "[{[[": "rowcolor cellcolor",
    "[{[{[{": "multirow",
    "{[[{": "raisebox",
    "*{": "vspace hspace",
    "*{{{": "resizebox",
    "*[{": "makecell thead",
    "*[[{": "citet citep citealp citealt citenum citeyear citeyearpar Citet Citep"
    " parencite textcite autocite footcite supercite onlinecite",
}
_ENVIRONMENTS = {
    "tabular": "[{",
    "longtable": "[{",
    "tabular*": "{[{",
    "tabularx": "{[{",
    "tabulary": "{[{",
    "minipage": "[[[{",
}
# Macros that show their last argument, in a style or where a mark may stand; any other stays as written (\frac).
_STYLES = re.compile(
    "text.*|math.*|emph|underline|ensuremath|mbox|fbox|makecell|thead|shortstack|multirow|multicolumn|colorbox"
)
_APART = re.compile("textsubscript|rotatebox|scalebox|resizebox|raisebox|href")
_SIZES = re.compile("tiny|scriptsize|footnotesize|small|normalsize|[lL]arge|LARGE|[hH]uge")
# siunitx: a number with its unit, a unit, and the words of units.
_QUANTITIES, _UNITS = ("SI", "qty"), ("si", "unit")
_WORDS_OF_UNITS = {"kilo": "K", "mega": "M", "giga": "G", "tera": "T", "percent": "%", "byte": "B"} | {
    "kibi": "Ki",
    "mebi": "Mi",
    "gibi": "Gi",
}
_SYMBOL_BY_NUMBER = ("ding", "symbol", "char")
_INVISIBLE = re.compile(
    "cite|[cC]ite[tp]|citeal[pt]|cite(?:author|num|year|yearpar)|(?:paren|text|auto|foot|super|online)cite|[cC]?ref"
    "|label|index|todo|marginpar|footnote(?:mark|text)?|tablefootnote|endnote(?:mark)?|tnote(?:x|mark)?|tmark"
    "|table(?:note|foot|fn)mark|fn(?:mark|ref)|footref|sout|st|xout|[bxh]?cancel|deleted"
    "|[vh]space|hskip|rule|[hv]?phantom|invisible|color|cellcolor|rowcolor"
    "|bf|it|rm|sf|tt|em|bfseries|itshape|rmfamily|sffamily|ttfamily|normalfont"
    "|centering|raggedright|raggedleft|arraybackslash"
    "|hfill|noindent|strut|xspace|protect|relax|displaystyle|textstyle|boldmath|left|right|[/@-]"
)
_SCRIPT = re.compile(r"([\^_])\s*([^\s^_])")  # TeX raises and lowers one character: 10^12 is 10¹2


class NestedTableError(Exception):
    """A separator of columns inside a cell; the argument is its place in what was parsed."""


def shown(nodes: list[Any]) -> str:
    """What a reader sees of the nodes, whatever that joins."""
    return plain(marked(nodes))


def marked(nodes: list[Any]) -> str:
    """What a reader sees of the nodes, with the seams in it."""
    texts = [""]  # and of each change of size, which reaches to the end, what follows it
    following = iter(enumerate(nodes, start=1))
    for after, node in following:
        name = macro_name(node)
        if name is None:
            texts[-1] += _plain(node)
        elif name in ROW_ENDS:
            texts[-1] += GAP
        elif _SIZES.fullmatch(name):
            texts.append("")
        elif name in OTHER_RULES or name in HEADER_RULES or _INVISIBLE.fullmatch(name):
            texts[-1] += DROPPED
        elif (style := _unknown_style(node, name, nodes[after : after + 2])) is not None:
            texts[-1] += apart(style)
            next(following)
        else:
            texts[-1] += _macro(node, name)
    while len(texts) > 1:
        last = texts.pop()
        texts[-1] += apart(last)
    return texts[0]


def _plain(node: Any) -> str:
    """What a reader sees of a node that is no macro: characters, a group, a formula, an environment."""
    special = special_characters(node)
    if special == "&":
        raise NestedTableError(node.pos)
    if special is not None:
        return {"~": " ", "\n\n": GAP}.get(special, special)
    inner = getattr(node, "nodelist", None)
    if inner is not None:
        return styled(marked(inner))
    characters: str = getattr(node, "chars", "")
    return _SCRIPT.sub(rf"\1\2{DROPPED}", characters) if node.parsing_state.in_math_mode else characters


def _macro(node: Any, name: str) -> str:
    """What a reader sees of a macro that is known, or that stands alone."""
    if node.nodeargd and any(node.nodeargd.argnlist):
        if name == "textsuperscript":
            return superscript(marked(arguments(node)))
        if name in _QUANTITIES or name in _UNITS:
            return _of_siunitx(node)
        if _APART.fullmatch(name):
            return apart(marked(arguments(node)[-1:]))
        return styled(marked(arguments(node)[-1:])) if _STYLES.fullmatch(name) else str(node.latex_verbatim())
    symbol = _symbols().get(name)
    if symbol is None:
        return f"\\{name} "
    return GAP if len(symbol) > 1 and symbol.isspace() else symbol


def _of_siunitx(node: Any) -> str:
    """A number and its unit, or the unit alone; as written with options, which may round what is shown."""
    if node.nodeargd.argnlist[0] is not None:
        return str(node.latex_verbatim())
    return marked(arguments(node))


def _unknown_style(node: Any, name: str, after: list[Any]) -> str | None:
    """What is shown of the one group behind a macro that nobody knows; None if the macro is no such style."""
    if (node.nodeargd and any(node.nodeargd.argnlist)) or name in _symbols() or name in _SYMBOL_BY_NUMBER:
        return None
    groups = [one.isNodeType(_group_node()) for one in after]
    if groups[:1] != [True] or groups[1:] == [True]:
        return None
    style = marked(after[:1])
    return style if plain(style) else None


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
    environments = [macrospec.EnvironmentSpec(name, kinds) for name, kinds in _ENVIRONMENTS.items()]
    known.add_context_category("tables", macros=macros, environments=environments, prepend=True)
    return known


@cache
def _symbols() -> dict[str, str]:
    """The characters that macros without arguments stand for."""
    known = require("pylatexenc.latex2text", "pylatexenc").get_default_latex_context_db()
    replacements = {spec.macroname: spec.simplify_repl for spec in known.iter_macro_specs()}
    texts = {name: text for name, text in replacements.items() if isinstance(text, str) and "%" not in text}
    return texts | _WORDS_OF_UNITS | {"%": "%", "ddagger": "‡", "dagger": "†"}
