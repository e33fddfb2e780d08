"""The corpus of tables whose truth is known, audited: how many verdicts are wrong, and how many are left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from convcost.auditing.audit import VERDICTS, audit_claims
from convcost.errors import ConvcostError
from convcost.printed.numbers import parse
from convcost.published.claims import Claim, Claims, Priced
from convcost.published.tables import TOTAL, price_reference

FOLDER = Path(__file__).parent / "data" / "corpus"
BLAME = VERDICTS[3:]
RIGHT = VERDICTS[:2]


class Judged(NamedTuple):
    """A cell of the corpus, what is true of it, and what an audit says."""

    table: str
    row: str
    printed: str
    truth: str
    verdict: str
    evidence: str

    @property
    def wrong(self) -> bool:
        """Whether a right number is blamed, a wrong one excused, or one blamed of which nobody knows."""
        blamed = self.verdict in BLAME
        return blamed if self.truth in ("holds", "holds_as", "open") else self.verdict in RIGHT

    @property
    def undecided(self) -> bool:
        """Whether it is left open though the truth is known."""
        return self.verdict == "open" and self.truth != "open"


def truths(half: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The truth files of a half, by the names of their tables."""
    for path in sorted(FOLDER.glob("*.truth.yaml")):
        name = path.name.removesuffix(".truth.yaml")
        truth = truth_of(name)
        if not half or truth["half"] == half:
            yield name, truth


def truth_of(name: str) -> dict[str, Any]:
    """The truth file of a table."""
    truth: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.truth.yaml").read_text(encoding="utf-8"))
    return truth


def judged(name: str, truth: dict[str, Any]) -> list[Judged]:
    """The verdicts on a table's cells about networks that convcost has; none of what it cannot read."""
    priced: Priced = {}
    cells, claims = [], []
    for cell in truth["cells"]:
        if cell.get("net") and cell.get("as") and not cell.get("scope"):
            claim = _claim(cell, truth["readings"].get(cell["as"], {}), priced)
            if claim is not None:
                cells.append(cell)
                claims.append(claim)
    if not claims:
        return []
    found = audit_claims(Claims(name, str(truth["source"]), claims, priced, quotes=True), explained=False).findings
    return [
        Judged(name, f.claim.row, f.claim.text, cell["verdict"], f.verdict, f.evidence)
        for cell, f in zip(cells, found, strict=True)
    ]


def named(cell: dict[str, Any]) -> str:
    """What a reader takes a row's name for: the variant only where the name says it."""
    network, _, variant = cell["net"].partition("@")
    said = variant and variant.casefold().replace("-", "") in str(cell["row"]).casefold().replace("-", "")
    settings = [
        f"{k}={str(v).lower()}" for k, v in (cell.get("set") or {}).items() if k not in ("classes", "aux", "adaptive")
    ]
    shape = [f"input={cell['input']}"] if cell.get("input") else []
    return " ".join([f"{network}@{variant}" if said else network, *settings, *shape])


def _claim(cell: dict[str, Any], reading: dict[str, Any], priced: Priced) -> Claim | None:
    scale = {1: "", 10**3: "K", 10**6: "M", 10**9: "G"}.get(cell.get("scale", reading.get("scale", 1)))
    rule = str(cell.get("rule", reading.get("rule", "")))
    if scale is None or not rule:
        return None
    stored = rule.startswith("4 params")
    quantity = (
        "bytes"
        if stored
        else "params"
        if any(word in rule for word in ("params", "weights", "total", "norm", "biases"))
        else "ops"
    )
    reference = named(cell)
    try:
        printed = parse(str(cell["printed"]), scale=scale)._replace(divided=reading.get("divide", 1))
        priced.setdefault(reference, price_reference(reference))
    except ConvcostError:
        return None
    units = ("", "bytes") if stored else ("", "params", "macs", "flops", "ops")
    if printed.unit not in units or printed.scale == "%":
        return None
    if printed.value().denominator != 1:
        return None
    row, column, place = str(cell["row"]), str(cell["column"]), f"row {cell['at'][0]}"
    return Claim(row, column, str(cell["printed"]), quantity, reference, TOTAL, printed, place=place)


def rates(half: str = "") -> tuple[Counter[str], list[Judged]]:
    """How many cells there are, wrong and open, and the cells themselves."""
    every = [one for name, truth in truths(half) for one in judged(name, truth)]
    return Counter(cells=len(every), wrong=sum(o.wrong for o in every), open=sum(o.undecided for o in every)), every
