"""A network's counts as they are printed elsewhere, with all that makes them mean something, and whether they hold.

What is printed stands between two comments, the first of which says what made it: it can be made again, and compared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

from convcost.cost.cost import Cost
from convcost.counters.rules import Rule, params_and_ops
from convcost.designs.parts import installed
from convcost.errors import ConvcostError, one_line
from convcost.exact.integers import Int
from convcost.files import reading
from convcost.files.csvtext import guarded
from convcost.network import Network
from convcost.ops import format_shape
from convcost.render.numbers import short

MAX_BYTES = 10_000_000
_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_SOURCE = re.compile(r"(?P<authors>[^,]+), (?P<title>.+?), (?:(?P<venue>[^,]*?) )?(?P<year>\d{4})(?:, (?P<place>.+))?")
_MARK = re.compile(r"[ \t]*(?:<!--|%|#) convcost: (?P<said>.+?)(?: -->)?[ \t]*")
_VERSION = re.compile(r"convcost (?:\d[\w.+]*\w|checkout)")
_SPECIAL = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})


class Cited(NamedTuple):
    """What is cited: a network on one input, by one rule of parameters and one of operations."""

    network: Network
    cost: Cost
    params: Rule
    ops: Rule

    @property
    def name(self) -> str:
        """How the network is called here."""
        return one_line(self.network.reference)

    @property
    def counts(self) -> tuple[int, int]:
        """Parameters and operations."""
        found = self.params.of(self.cost.total), self.ops.of(self.cost.total)
        if not all(isinstance(count, int) for count in found):
            raise ConvcostError(f"{self.name}: only a network whose counts are numbers can be cited")
        return found

    @property
    def input(self) -> str:
        """What it is counted on."""
        batch = "" if self.cost.batch == 1 else f", batch {self.cost.batch}"
        return f"{format_shape(self.cost.input)}{batch}"

    @property
    def convention(self) -> str:
        """What the two numbers count."""
        return f"{self.params.name}: {self.params.meaning}; {self.ops.name}: {self.ops.meaning}"

    @property
    def tool(self) -> str:
        """Who counted."""
        return f"convcost {installed()}"


def cited(network: Network, cost: Cost, as_: str, style: str, command: str = "") -> str:
    """The counts of a network in a style, between comments if the style has some and a `command` is given.

    Raises ConvcostError for an unknown rule.
    """
    text = STYLES[style](Cited(network, cost, *params_and_ops(as_)))
    if not command or (comment := _COMMENTS[style]) is None:
        return text
    begin, end = comment
    return f"{begin}convcost: {command}{end}\n{text}{begin}convcost: end{end}\n"


def _sentence(of: Cited) -> str:
    params, ops = of.counts
    title = one_line(of.network.spec.title)
    return (
        f"{title} ({of.name}) has {params:,} parameters ({of.params.meaning}) and takes {ops:,} {of.ops.unit} "
        f"({of.ops.meaning}) on an input of {of.input}, as {of.tool} counts.\n"
    )


def _latex(of: Cited) -> str:
    params, ops = map(_grouped, of.counts)
    title, name = _tex(of.network.spec.title), _tex(of.name)
    batch = "" if of.cost.batch == 1 else f", batch {of.cost.batch}"
    return (
        f"{title} (\\texttt{{{name}}}) has ${params}$ parameters ({_tex(of.params.meaning)}) and takes ${ops}$ "
        f"{of.ops.unit} ({_tex(of.ops.meaning)}) on an input of ${_sizes(of)}${batch}, as {_tex(of.tool)} counts.\n"
    )


def _macros(of: Cited) -> str:
    params, ops = of.counts
    values = {
        "Params": short(params),
        "ParamsExact": _grouped(params),
        "Ops": short(ops),
        "OpsExact": _grouped(ops),
        "Input": f"\\ensuremath{{{_sizes(of)}}}",
        "Convention": _tex(of.convention),
        "Counter": _tex(of.tool),
    }
    return "".join(f"\\newcommand{{\\{_command(of.name)}{name}}}{{{value}}}\n" for name, value in values.items())


def _grouped(count: int) -> str:
    """Digits in groups of three, as LaTeX's mathematics leaves them."""
    return f"{count:,}".replace(",", "{,}")


def _sizes(of: Cited) -> str:
    return format_shape(of.cost.input).replace("x", r" \times ")


def _timm(of: Cited) -> str:
    """As model cards of timm have them, in millions and in G of multiply-adds."""
    params, ops = of.counts
    sizes = " x ".join(map(str, of.cost.input[1:]))
    operations = {"MACs": "GMACs", "FLOPs": "GFLOPs"}.get(of.ops.unit, f"G {of.ops.unit}")
    return (
        "- **Model Stats:**\n"
        f"  - Params (M): {_tenths(params, 10**6)}\n"
        f"  - {operations}: {_tenths(ops, 10**9)}\n"
        f"  - Activations (M): {_tenths(of.cost.total.activations, 10**6)}\n"
        f"  - Image size: {sizes}\n"
        f"  - Counted by: {of.tool} ({of.convention})\n"
    )


def _tenths(count: Int, unit: int) -> str:
    """A count in a unit with one decimal, halves up."""
    whole, tenth = divmod((20 * count + unit) // (2 * unit), 10)
    return f"{whole}.{tenth}"


def _metafile(of: Cited) -> str:
    """The keys of OpenMMLab's metafile.yml, whose FLOPs are multiply-adds."""
    params, ops = of.counts
    return f"# {of.convention}; on {of.input}, by {of.tool}\nMetadata:\n  FLOPs: {ops}\n  Parameters: {params}\n"


def _card(of: Cited) -> str:
    """The technical specification of a model card on Hugging Face."""
    params, ops = of.counts
    rows = {
        "Architecture": f"{one_line(of.network.spec.title)} (`{of.name}`)",
        "Parameters": f"{params:,} ({of.params.meaning})",
        of.ops.unit: f"{ops:,} ({of.ops.meaning})",
        "Input": of.input,
        "Counted by": of.tool,
    }
    cells = ((name, value.replace("|", r"\|")) for name, value in rows.items())
    return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in cells)


def _csv(of: Cited) -> str:
    """A row with what forms and checklists ask for."""
    import csv
    import io

    params, ops = of.counts
    macs = of.cost.total.macs
    row = {
        "model": of.name,
        "params": params,
        "operations": ops,
        "unit": of.ops.unit,
        "macs": macs,
        "flops": 2 * macs,
        "input": format_shape(of.cost.input),
        "batch": of.cost.batch,
        "convention": of.convention,
        "tool": of.tool,
        "source": one_line(of.network.spec.source),
    }
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows([row, [guarded(str(value)) for value in row.values()]])
    return buffer.getvalue()


def _bibtex(of: Cited) -> str:
    """The source of the network as an entry; what its spec does not say, such as first names, is left open."""
    source = one_line(of.network.spec.source)
    variant = of.network.spec.variants[of.network.variant].source if of.network.variant else ""
    found = _SOURCE.fullmatch(source)
    fields = {"note": "; ".join(filter(None, (source if found is None else found["place"], one_line(variant))))}
    if found is not None:
        authors = re.sub(r" et al\.$", " and others", found["authors"]).replace(" & ", " and ")
        where = {"booktitle": found["venue"]} if found["venue"] else {}
        fields = {"author": authors, "title": f"{{{found['title']}}}", **where, "year": found["year"], **fields}
    kind = "inproceedings" if "booktitle" in fields else "misc"
    inside = "".join(f"  {name} = {{{_tex(value, braces=True)}}},\n" for name, value in fields.items() if value)
    return f"@{kind}{{{re.sub('[^A-Za-z0-9.]', '_', of.network.name)},\n{inside}}}\n"


def _acl(of: Cited) -> str:
    """An answer to C1 of the Responsible NLP checklist of ACL: parameters, the budget and the machines.

    The last two are the author's to say. Source: aclrollingreview.org/responsibleNLPresearch, C1.
    """
    params, ops = of.counts
    return (
        f"C1: {one_line(of.network.spec.title)} ({of.name}) has {params:,} parameters ({of.params.meaning}). A forward "
        f"pass takes {ops:,} {of.ops.unit} ({of.ops.meaning}) on an input of {of.input}, as {of.tool} counts. "
        "Computational budget: [GPU hours]. Infrastructure: [machines].\n"
    )


def _form(of: Cited) -> str:
    """What of CVPR's Compute Reporting Form follows from the network: its compute costs of a sample, by their unit.

    Source: cvpr.thecvf.com, 2026, Compute Reporting, Section 2. Hardware and time are the author's to say.
    """
    from convcost.cost.training import training

    params, ops = of.counts
    step = sum(layer.total for layer in training(of.cost))
    rows = {
        "Model": f"{one_line(of.network.spec.title)} ({of.name})",
        "Parameters": f"{params:,} ({of.params.meaning})",
        f"Inference, {of.ops.unit} of a forward pass": f"{ops:,} ({of.ops.meaning})",
        "Training, MACs of a step forward and back": f"{step:,} (products of convolutions and matrices)",
        "Input": of.input,
        "Counted by": of.tool,
    }
    return "".join(f"- {name}: {value}\n" for name, value in rows.items())


STYLES: dict[str, Callable[[Cited], str]] = {
    "sentence": _sentence,
    "latex": _latex,
    "macros": _macros,
    "timm": _timm,
    "metafile": _metafile,
    "hf": _card,
    "acl": _acl,
    "form": _form,
    "csv": _csv,
    "bibtex": _bibtex,
}
"""Each style as a text of whole lines."""
_COMMENTS: dict[str, tuple[str, str] | None] = {
    **dict.fromkeys(("sentence", "timm", "hf", "acl", "form"), ("<!-- ", " -->")),
    **dict.fromkeys(("latex", "macros"), ("% ", "")),
    "metafile": ("# ", ""),
    "csv": None,
    "bibtex": None,
}


class Block(NamedTuple):
    """What stands between two comments in somebody's file."""

    place: str
    command: str
    text: str


def blocks(path: Path) -> Iterator[Block]:
    """The cited blocks of a file. Raises ConvcostError if it cannot be read, has none, or one without an end."""
    text = reading.read(path, MAX_BYTES, "a file with citations").decode("utf-8", errors="replace")
    begun: tuple[int, str] | None = None
    lines: list[str] = []
    found = False
    for number, line in enumerate(text.splitlines(), 1):
        mark = _MARK.fullmatch(line)
        if begun is None:
            if mark and mark["said"].split()[:1] == ["cite"]:
                begun, lines, found = (number, mark["said"]), [], True
        elif mark and mark["said"] == "end":
            yield Block(f"{path}:{begun[0]}", begun[1], "".join(f"{one}\n" for one in lines))
            begun = None
        else:
            lines.append(line)
    if begun is not None:
        raise ConvcostError(f"{path}:{begun[0]}: no 'convcost: end' behind it")
    if not found:
        raise ConvcostError(f"{path}: nothing in it is cited: what `convcost cite` prints begins with a comment")


def differences(said: str, now: str) -> list[tuple[str, str]]:
    """Lines that are not as they would be printed now, whatever the version that printed them."""

    def lines(text: str) -> Sequence[str]:
        return [_VERSION.sub("convcost", line.rstrip()) for line in dedent(text).strip().splitlines()]

    before, after = lines(said), lines(now)
    length = max(len(before), len(after))
    pairs = zip(*([*side, *[""] * (length - len(side))] for side in (before, after)), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def _tex(text: str, *, braces: bool = False) -> str:
    """A text that LaTeX prints as it is; with `braces`, those in it are LaTeX's own."""
    text = one_line(text).replace("\\", "/")
    special = {c: to for c, to in _SPECIAL.items() if not (braces and chr(c) in "{}")}
    return text.translate(special)


def _command(name: str) -> str:
    """A name as LaTeX's commands can be called: letters, with digits as words."""
    words = re.findall(r"[A-Za-z]+|[0-9]", name)
    return "".join(_DIGITS[int(word)] if word.isdigit() else word.capitalize() for word in words) or "Network"
