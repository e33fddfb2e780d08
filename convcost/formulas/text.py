"""A closed form as text, as a Python function, in LaTeX, as JSON, or as sympy prints it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Callable

from convcost.counters.rules import OWN
from convcost.errors import ConvcostError, did_you_mean, one_line
from convcost.exact.poly import Poly, format_named
from convcost.exact.poly.exchange import to_json
from convcost.formulas.formula import Formula

WIDTH = 100
_MAKE_DIVISIBLE = '''\
def make_divisible(value, divisor):
    """The nearest multiple of divisor, at least divisor and nine tenths of value."""
    rounded = max((2*value + divisor)//(2*divisor)*divisor, divisor)
    return rounded + divisor if 10*rounded < 9*value else rounded


'''


def write(formula: Formula, format_: str) -> str:
    """The formula in one of FORMATS. Raises ConvcostError for another, and for sympy where it is not installed."""
    if format_ not in FORMATS:
        hint = did_you_mean(format_, FORMATS) or f"; choose from {', '.join(FORMATS)}"
        raise ConvcostError(f"no format {format_!r}{hint}")
    return FORMATS[format_](formula)


def meaning(formula: Formula) -> str:
    """What is counted."""
    rule = OWN.get(formula.quantity)
    return rule.meaning if rule else "output elements of convolutions and linear layers"


def _text(formula: Formula) -> str:
    definitions, expression = format_named(formula.value)
    lines = [f"{formula.network}, {formula.quantity}: {meaning(formula)}"]
    lines += _wrapped(f"{formula.quantity} = {expression}")
    lines += [line for name, value in definitions.items() for line in _wrapped(f"  {name} = {value}")]
    if formula.symbols:
        lines += _wrapped(f"holds for {formula.domain}")
        lines.append(f"degree: {', '.join(f'{formula.degree(name)} in {name}' for name in formula.symbols)}")
    return "\n".join(lines) + "\n"


def _wrapped(line: str) -> list[str]:
    indent = " " * (4 + len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _python(formula: Formula) -> str:
    definitions, expression = format_named(formula.value, "python")
    body = [f"{name} = {value}" for name, value in definitions.items()] + [f"return {expression}"]
    whole = "\n".join(body)
    imports = "from fractions import Fraction\n\n\n" if "Fraction(" in whole else ""
    helper = _MAKE_DIVISIBLE if "make_divisible(" in whole else ""
    domain = f", for {formula.domain}" if formula.symbols else ""
    name = re.sub(r"\W", "_", formula.quantity)
    said = _quoted(f"{formula.quantity} of {formula.network}{domain}")
    head = [f"def {name}({', '.join(formula.symbols)}):", f'    """{said}."""']
    return imports + helper + "\n".join([*head, *(f"    {line}" for line in body)]) + "\n"


def _quoted(text: str) -> str:
    """The text between quotes of Python source: a network's name is whatever its spec says."""
    return one_line(text).replace("\\", r"\\").replace('"', r"\"")


def _latex(formula: Formula) -> str:
    definitions, expression = format_named(formula.value, "latex")
    name = re.sub(r"\W", "-", formula.quantity)
    lines = [rf"\mathrm{{{name}}} &= {expression}", *(f"{name} &= {value}" for name, value in definitions.items())]
    if formula.symbols:
        lines.append(rf"&\phantom{{=}} {', '.join(formula.domain.phrases('latex'))}")
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}\n"


def _json(formula: Formula) -> str:
    definitions, expression = format_named(formula.value)
    data = {
        "schema": 1,
        "network": formula.network,
        "quantity": formula.quantity,
        "meaning": meaning(formula),
        "symbols": list(formula.symbols),
        "holds_for": formula.domain.phrases(),
        "degree": {name: formula.degree(name) for name in formula.symbols},
        "definitions": definitions,
        "expression": expression,
        "formula": to_json(formula.value),
    }
    return json.dumps(data, indent=2) + "\n"


def _sympy(formula: Formula) -> str:
    return f"{formula.value.to_sympy() if isinstance(formula.value, Poly) else formula.value}\n"


FORMATS: dict[str, Callable[[Formula], str]] = {
    "text": _text,
    "python": _python,
    "latex": _latex,
    "json": _json,
    "sympy": _sympy,
}
