"""Rules of counting: what a number of params or of operations counts, as a weighing of kinds.

Ours, and those that papers print without naming a tool, stand here; `convcost.counters.tools` adds each tool's.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from convcost.counters.line import SUMS, Line
from convcost.errors import ConvcostError, did_you_mean
from convcost.exact.integers import Int, equal
from convcost.ops import NO_WORK

_BIASES = ("conv bias", "fc bias")


class Rule(NamedTuple):
    """A rule of counting: so much of each kind of work, or of parameters.

    `Rule("2bn", "MACs", {"macs": 1, "bn": 2})` counts the multiply-adds and two for each normalised element.
    """

    name: str
    unit: str
    """What the count is of: params, MACs, FLOPs, or a tool's own word."""
    weights: Mapping[str, int]
    """How much it counts of each kind, in the order in which it is told."""
    words: str = ""
    """What it counts, where words are plainer than the weights."""

    @property
    def quantity(self) -> str:
        """What kind of number it counts: params, ops, bytes or activations."""
        return self.unit if self.unit in ("params", "bytes", "activations") else "ops"

    @property
    def formula(self) -> str:
        """The weights, written out: `macs + fc bias + 2 bn`."""
        return " + ".join(weighted(kind, weight) for kind, weight in self.weights.items()).replace("+ -", "- ")

    @property
    def meaning(self) -> str:
        """What it counts, in words."""
        return self.words or self.formula

    def of(self, line: Line) -> Int:
        """The count of a row, a scope or a network, for the whole batch (params: once)."""
        kinds: AbstractSet[str] = self.weights.keys()
        if not (line.parts or kinds <= SUMS.keys()):
            kinds &= _kinds_of(line.operator)
        return sum(self.weights[kind] * count(kind, line) for kind in kinds)

    def terms(self, line: Line) -> dict[str, Int]:
        """The count by kind, weighted, in the rule's order; kinds of which the line has none are left out."""
        found = {kind: count(kind, line) for kind in self.weights}
        return {kind: self.weights[kind] * n for kind, n in found.items() if not equal(n, 0)}

    def not_counted(self, line: Line) -> dict[str, int]:
        """Work that it counts nothing of, by operator (or as `conv bias`), with how many layers do it."""
        found: dict[str, int] = {}
        if self.unit == "params":
            return found
        for row in line.rows:
            missed = [row.operator] if row.work != NO_WORK and not self.terms(row) else []
            missed += [bias for bias in _BIASES if bias not in self.weights and not equal(count(bias, row), 0)]
            for name in missed:
                found[name] = found.get(name, 0) + 1
        return found


def weighted(kind: str, weight: int) -> str:
    """A term of a rule as text: `bn`, `2 bn`, `-bn`."""
    return {1: kind, -1: f"-{kind}"}.get(weight, f"{weight} {kind}")


def count(kind: str, line: Line) -> Int:
    """How much of a kind a row, a scope or a network has."""
    if kind in SUMS:
        return SUMS[kind](line)
    from convcost.counters.kinds import KINDS  # imported where it is used: most counts are ours

    operators, of = KINDS[kind]
    return sum(of(row) for row in line.rows if row.operator in operators)


@cache
def _kinds_of(operator: str | None) -> frozenset[str]:
    """The kinds that a row of this operator can have: of 24 that a tool weighs, most have nothing to do with it."""
    from convcost.counters.kinds import KINDS  # see `count`

    return frozenset(SUMS) | {kind for kind, (operators, _) in KINDS.items() if operator in operators}


def _by_name(*rules: Rule) -> Mapping[str, Rule]:
    return MappingProxyType({rule.name: rule for rule in rules})


PARAMS = _by_name(
    Rule(
        "params",
        "params",
        {"weights": 1, "biases": 1, "norm affine": 1},
        "weights, biases and norm affine: all that is trained",
    ),
    Rule("weights", "params", {"weights": 1}, "weights only"),
    Rule("weights+biases", "params", {"weights": 1, "biases": 1}, "weights and biases, no normalisation"),
    Rule(
        "total",
        "params",
        {kind: 1 for kind in SUMS if kind != "macs"},
        "trained numbers and norm statistics, as Keras counts",
    ),
)
"""Rules of parameter counts that papers print, the most ordinary first."""

OPS = _by_name(
    Rule("macs", "MACs", {"macs": 1}, "multiply-adds of convolutions and matrix products"),
    Rule("flops2", "FLOPs", {"macs": 2}, "2 x macs: a multiply and an add each"),
)
"""Rules of operation counts that papers print, the most ordinary first."""

BYTES = _by_name(
    *(
        Rule(
            f"{of} in {size} byte{'s' * (size > 1)}",
            "bytes",
            dict.fromkeys(PARAMS[of].weights, size),
            f"{PARAMS[of].name} at {size} byte{'s' * (size > 1)} each",
        )
        for size in (4, 2, 1)
        for of in ("params", "total")
    )
)
"""What a network's numbers take in storage, as papers and files have it: in 32, 16 or 8 bits each."""

ACTIVATIONS = _by_name(
    Rule(
        "activations",
        "activations",
        {"convolutions": 1, "linear": 1},
        "output elements of convolutions and linear layers, as fvcore and timm count them",
    ),
    Rule(
        "activations with poolings",
        "activations",
        {"convolutions": 1, "linear": 1, "maxpool": 1, "avgpool": 1},
        "and of poolings by windows, as pycls counts them",
    ),
)
"""Rules of activations."""

OWN: Mapping[str, Rule] = MappingProxyType({**OPS, **PARAMS})
"""Every rule that is not one tool's."""


def rule(name: str) -> Rule:
    """The rule of this name, or that of a tool under the tool's name: what `--as` and `as_` take.

    Raises ConvcostError, with the closest name, if there is none.
    """
    if not isinstance(name, str):
        raise ConvcostError(f"a rule is named by a text such as 'thop', got {name!r}; see convcost dialects")
    return next((rules[name] for rules in (OWN, BYTES, ACTIVATIONS) if name in rules), None) or _of_a_tool(name)


@cache
def _of_a_tool(name: str) -> Rule:
    from convcost.counters.releases import OF_A_TOOL  # imported where they are used: most counts are ours

    if name in OF_A_TOOL:
        release = OF_A_TOOL[name]
        words = f"{release.rule.formula}, as {release.versions} counts"
        return release.rule._replace(name=name, words=words)
    known = {release.rule.name: release.rule for release in OF_A_TOOL.values()}
    if name not in known:
        close = did_you_mean(name, (*OWN, *OF_A_TOOL, *known)) or "; see convcost dialects"
        raise ConvcostError(f"unknown rule of counting {name!r}{close}")
    return known[name]


def params_and_ops(as_: str) -> tuple[Rule, Rule]:
    """The rules of params and of operations of a table that counts by the rule `as_`: one of the two is ours.

    Raises ConvcostError for an unknown rule.
    """
    found = rule(as_)
    return (found, OPS["macs"]) if found.unit == "params" else (PARAMS["params"], found)
