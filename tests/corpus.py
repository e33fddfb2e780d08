"""The corpus behind the calibration of the evidence: tables as people print them, and the truth of every cell.

`python tests/corpus.py` writes the tables of counts in tests/data/corpus/README.md anew. The truth is computed here,
from prices and from rules of counting that are spelt out, and never by reconcile or audit: those are what it judges.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from html.parser import HTMLParser
from math import log2
from pathlib import Path
from typing import Any

import yaml

import convcost
from convcost.counters.kinds import KINDS as BY_OPERATOR
from convcost.counters.line import SUMS, Line
from convcost.counters.rules import count

CORPUS = Path(__file__).parent / "data" / "corpus"
README = CORPUS / "README.md"
VERDICTS = ("holds", "holds_as", "slip", "does_not_hold", "contradicts", "open")
READING = ("rule", "scale", "rounding", "k", "places", "significant", "divide")
"""What a reading of a column says, and what a cell may say otherwise."""

_NUMERAL = re.compile(r"(\d[\d,]*)(?:\.(\d+))?")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_POWERS = {"K": 1, "k": 1, "M": 2, "G": 3, "B": 3, "T": 4}


# -- tables ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A table of the corpus, its text and its truth."""

    name: str
    path: Path
    truth: Mapping[str, Any]

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The truth of each number."""
        return self.truth["cells"]

    @cached_property
    def grid(self) -> list[list[str]]:
        """The cells' texts, header first."""
        return _READERS[self.path.suffix](self.path.read_text("utf-8"))

    def reading(self, cell: Mapping[str, Any]) -> dict[str, Any]:
        """What a cell's column says, but for what the cell says otherwise."""
        return {**self.truth["readings"][cell["as"]], **{key: cell[key] for key in READING if key in cell}}

    def places(self, grid: list[list[str]]) -> Iterator[tuple[int, int]]:
        """Where the counting numbers stand: row and column."""
        counting = self.truth["counting"]
        for i, row in enumerate(grid[1:], 1):
            for j, text in enumerate(row):
                title = row[0] if self.truth.get("transposed") else grid[0][j]
                if title in counting and re.search(r"\d", text) and (j or not self.truth.get("transposed")):
                    yield i, j


@cache
def tables() -> tuple[Table, ...]:
    """Every table, by name."""
    found = []
    for path in sorted(CORPUS.glob("*.truth.yaml")):
        name = path.name.removesuffix(".truth.yaml")
        (text,) = (p for p in CORPUS.glob(f"{name}.*") if p != path)
        truth = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506  a SafeLoader, in C where there is one
        found.append(Table(name, text, truth))
    return tuple(found)


def _csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def _markdown(text: str) -> list[list[str]]:
    rows = [[cell.strip() for cell in line[2:-2].split(" | ")] for line in text.splitlines()]
    return [rows[0], *rows[2:]]


def _latex(text: str) -> list[list[str]]:
    lines = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r"\\")]
    return [[cell.strip() for cell in line.split(" & ")] for line in lines]


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "br":
            self.rows[-1][-1] += "<br/>"

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data


def _html(text: str) -> list[list[str]]:
    parser = _Html()
    parser.feed(text)
    return parser.rows


_READERS = {".csv": _csv, ".md": _markdown, ".tex": _latex, ".html": _html}


# -- exact values ------------------------------------------------------------------------------------------------------


def exact(cell: Mapping[str, Any], rule: str) -> int | None:
    """What a cell's network has by a rule, with its edit; None where convcost does not ship the network."""
    if "net" not in cell:
        return None
    settings = tuple(sorted((key, _frozen(value)) for key, value in cell.get("set", {}).items()))
    line = _line(cell["net"], settings, cell.get("input"), cell.get("aux", False), cell.get("scope"))
    counted = sum(sign * number * _amount(quantity, line) for sign, number, quantity in terms(rule))
    return counted + cell.get("edit", [0])[0]


def terms(rule: str) -> list[tuple[int, int, str]]:
    """A rule's signs, numbers and quantities."""
    parts = re.split(r" ([+-]) ", rule)
    found = []
    for sign, term in zip(["+", *parts[1::2]], parts[::2], strict=True):
        match = re.fullmatch(r"(?:(\d+) )?(\S.*)", term)
        found.append((-1 if sign == "-" else 1, int(match[1] or 1), match[2]))
    return found


OWN = {
    "params": "weights, biases, scale and shift of normalisations",
    "stem macs": "macs of the first convolution",
    "grouped weights": "weights of depthwise and grouped convolutions",
    "conv biases": "biases of convolutions, each once",
    "folded gammas": "those of them that fold into the convolution before",
}
"""Quantities that are not among `KINDS`."""

KINDS = (*SUMS, *BY_OPERATOR)
"""The kinds of work and of parameters that convcost tells apart."""


@lru_cache(64)
def _line(net: str, settings: tuple, input: str | None, aux: bool, scope: str | None) -> Line:
    """What a network costs, or its scope: for the cells of a row, which stand together."""
    network = convcost.load(net)
    if settings:
        network = network.set(**{key: _thawed(value) for key, value in settings})
    cost = network.price(input=input) if input else network.price()
    return cost[scope] if scope else cost.with_auxiliary if aux else cost.total


def _amount(quantity: str, line: Line) -> int:
    """How much of a quantity a line has."""
    if quantity == "params":
        return line.params
    if quantity not in OWN:
        return count(quantity, line)
    multiplying = [row for row in line.rows if row.macs]
    convolutions = [row for row in multiplying if row.operator != "linear"]
    if quantity == "stem macs":
        return multiplying[0].macs
    if quantity == "conv biases":
        return sum(row.biases for row in convolutions)
    if quantity == "grouped weights":
        grouped = [row for row in convolutions if row.operator == "dwconv" or getattr(row.op, "groups", 1) > 1]
        return sum(row.weights for row in grouped)
    scaled = [row for row in line.rows if row.operator == "bn" and row.op.scale]
    return sum(row.shape[0] for row in scaled if count("folded bias", row))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


# -- printing ----------------------------------------------------------------------------------------------------------


def numeral(printed: str) -> str:
    """The digits of a printed number, with their point and commas."""
    return _NUMERAL.search(printed)[0]


def shown(
    value: int,
    printed: str,
    scale: int = 1,
    rounding: str = "half_up",
    k: int = 1000,
    places: int | None = None,
    significant: int | None = None,
    divide: int = 1,
    **_: object,
) -> str:
    """The numeral of `value` in the form of a printed number: its letter or the column's scale, its places."""
    match = _NUMERAL.search(printed)
    letter = printed[match.end() :].strip()[:1]
    unit = k ** _POWERS[letter] if letter in _POWERS else scale
    behind = match[2] or ""
    meant = len(behind) if places is None else places
    lost = len(match[1].replace(",", "")) - significant if significant else 0
    exact_digits = Fraction(value) / unit / divide * Fraction(10) ** (meant - lost)
    digits = {
        "half_up": (exact_digits + Fraction(1, 2)).__floor__,
        "truncated": exact_digits.__floor__,
        "up": exact_digits.__ceil__,
    }[rounding]() * 10**lost
    text = f"{digits:0{meant + 1}}"
    whole, fraction = (text[:-meant], text[-meant:]) if meant else (text, "")
    if "," in match[1]:
        whole = f"{int(whole):,}"
    fraction += "0" * (len(behind) - meant)
    return f"{whole}.{fraction}" if fraction else whole


# -- assumptions -------------------------------------------------------------------------------------------------------


def assumptions(table: Table, cell: Mapping[str, Any]) -> set[str]:
    """What must be assumed for a cell to hold, beyond its network's name; those that cost nothing, too."""
    reading = table.reading(cell)
    rule = reading["rule"]
    made = {f"rounding: {reading.get('rounding', 'half_up').replace('_', ' ')}"}
    made.add(_counted(rule))
    if "macs" in rule:
        heading = "FLOPs" if "flop" in str(cell["column"]).casefold() else "anything else"
        twice = rule.startswith("2 macs") and reading.get("divide", 1) == 1
        made.add(f"a multiply-add counts {'2' if twice else '1'} under a heading of {heading}")
    if reading.get("k") == 1024:
        made.add("K = 1024 for bytes" if "4 params" in rule else "K = 1024, and M = 1024^2, for counts")
    if "places" in reading:
        made.add("a padded zero behind the point")
    if "significant" in reading:
        made.add("zeros that are not meant")
    variant = cell.get("net", "").partition("@")[2]
    if variant in ("v1", "v1.5"):
        made.add(
            f"variant: {variant}" if not re.match("resnet(18|34)@", cell["net"]) else "variant: v1 or v1.5, the same"
        )
    elif variant == "B":
        made.add("variant: option B of CIFAR ResNets")
    elif variant not in ("", "paper"):
        made.add("variant: another release's")
    if "classes" in cell.get("set", {}):
        made.add("classes: 1001" if cell["set"]["classes"] == 1001 else "classes: another data set's")
    if cell.get("aux"):
        made.add("auxiliary heads")
    if "input" in cell and "net" in cell and _other_input(cell):
        size = cell["input"].split("x")[1]
        row = table.grid[cell["at"][0]]
        stated = any(re.search(rf"(?<!\d){size}(?!\d)", text) for text in row)
        if table.truth["kind"] in ("cifar", "pruning"):
            made.add("input: the data set's, 32x32")
        else:
            made.add("input: another, which the row states" if stated else "input: another, which no cell states")
    if "edit" in cell:
        made.add("an edit of the structure")
    if "quoted" in cell:
        made.add("quoted: as another page prints it")
    return made


def _other_input(cell: Mapping[str, Any]) -> bool:
    return str(_own_input(cell["net"])) != cell["input"]


@cache
def _own_input(net: str) -> str:
    return "x".join(map(str, convcost.load(net).input))


def _counted(rule: str) -> str:
    """A class of rules."""
    plain = {
        "params": "params: all that is trained",
        "weights": "params: weights only",
        "weights + biases": "params: weights and biases",
        "params + norm statistics": "params: with norm statistics",
        "4 params + 4 norm statistics": "bytes: four a number, with norm statistics",
        "macs": "ops: macs",
        "2 macs": "ops: 2 macs",
        "macs - fc macs": "ops: convolutions only",
    }
    if rule in plain:
        return plain[rule]
    if "macs" not in rule:
        return "params: norms folded" if "folded" in rule else "params: another rule"
    return f"ops: {'2 ' if rule.startswith('2 macs') else ''}macs and more, a rule of its own"


def _shared_and_departing(found: tuple[Table, ...]) -> tuple[dict[str, Counter], dict[str, Counter]]:
    """How many tables make an assumption for a column, a family or all rows, and how many cells depart to it."""
    shared: dict[str, Counter] = defaultdict(Counter)
    departing: dict[str, Counter] = defaultdict(Counter)
    for table in found:
        half = table.truth["half"]
        of_table: set[str] = set()
        departures = [c for c in table.cells if c["verdict"] == "holds_as"]
        for cell in table.cells:
            if cell["verdict"] == "holds":
                of_table |= assumptions(table, cell)
        for cell in departures:
            usual = assumptions(table, {key: v for key, v in cell.items() if key not in READING})
            own = assumptions(table, cell)
            new = (own - usual) | {a for a in own & usual if a.startswith(_OWN_TO_A_ROW) and a not in of_table}
            for assumption in new or {"a departure that its note tells"}:
                departing[assumption][half] += 1
        for assumption in of_table:
            shared[assumption][half] += 1
    return shared, departing


_OWN_TO_A_ROW = ("variant", "classes", "input", "auxiliary", "an edit", "quoted")


def counts() -> str:
    """The README's tables: verdicts, and how often each assumption occurs."""
    found = tables()
    size = {half: sum(t.truth["half"] == half for t in found) for half in ("fit", "held")}
    cells = {half: sum(len(t.cells) for t in found if t.truth["half"] == half) for half in ("fit", "held")}
    lines = ["| verdict | fit | held |", "|---|---|---|"]
    for verdict in VERDICTS:
        of = [_with(found, half, verdict) for half in ("fit", "held")]
        lines.append(f"| {verdict.replace('_', ' ')} | {of[0]} | {of[1]} |")
    lines.append(f"| all, in {size['fit']} and {size['held']} tables | {cells['fit']:,} | {cells['held']:,} |")
    shared, departing = _shared_and_departing(found)
    judged = sum(_with(found, "fit", v) for v in ("holds", "holds_as"))
    lines += [
        "",
        "| assumption | shared by tables: fit | held | bits by fit | departed to by cells: fit | held | bits by fit |",
        "|---|---|---|---|---|---|---|",
    ]
    for assumption in sorted(shared | departing):
        some, few = shared[assumption], departing[assumption]
        lines.append(
            f"| {assumption} | {some['fit']} | {some['held']} | {_bits(some['fit'], size['fit'])}"
            f" | {few['fit']} | {few['held']} | {_bits(few['fit'], judged)} |"
        )
    return "\n".join(lines) + "\n"


def _with(found: tuple[Table, ...], half: str, verdict: str) -> int:
    return sum(c["verdict"] == verdict for t in found if t.truth["half"] == half for c in t.cells)


def _bits(times: int, of: int) -> str:
    """-log2 of a frequency, one half added to what was seen: rare is not never."""
    return f"{log2((of + 1) / (times + 0.5)):.1f}"


MARKS = ("<!-- counts: python tests/corpus.py -->\n", "<!-- end of counts -->\n")


def with_counts(readme: str) -> str:
    """The README with its tables of counts as they are now."""
    before, _, rest = readme.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    return f"{before}{MARKS[0]}\n{counts()}\n{MARKS[1]}{after}"


if __name__ == "__main__":
    README.write_text(with_counts(README.read_text("utf-8")), "utf-8")
