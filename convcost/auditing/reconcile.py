"""Reconcile a claimed number: everything that makes it true, the most ordinary assumption first.

A candidate is a network on an input (for a name: its variants, knobs and usual resolutions; without one: every shipped
network in every variant), a part of it, and for each claimed quantity a reading. What a candidate assumes is weighed in
steps of ordinariness; candidates that come to the same exact counts under the same assumptions are one match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from convcost.auditing.alternatives import Alternative, alternatives, reference, with_auxiliary
from convcost.cost.cost import Cost
from convcost.errors import ConvcostError
from convcost.network import Network, shipped
from convcost.printed.numbers import KILO, ROUNDINGS, Printed, parse
from convcost.published.readings import ALL, OWN, PARTS, WITH_AUXILIARY, Reading, counted, counts, exact, residual
from convcost.published.tables import TOTAL

_NEAREST = 5
_QUANTITY = {"params": "params", "macs": "ops", "flops": "ops", "ops": "ops"}
_PLAIN = {"params": Reading("params", "params"), "ops": Reading("ops", "macs")}
_ROUNDING_STEPS = {"half_up": 0, "truncated": 1, "half_even": 1, "up": 2}


class Meant(NamedTuple):
    """One claimed number as a match has it."""

    printed: Printed
    reading: Reading
    exact: int
    binary: bool = False
    """Whether its prefix is read as a power of 1024, where the field means one of 1000."""
    digits: int = 0
    """How many of its digits are meant, where its last zeros are taken for places that are not printed."""
    residual: Fraction = Fraction(0)


class Match(NamedTuple):
    """A set of assumptions under which every claimed number holds, or nearly."""

    steps: int
    """How far from ordinary the assumptions are together."""
    networks: tuple[str, ...]
    """What has these exact counts, the most ordinary first; as `load` reads it."""
    input: tuple[int, ...]
    assumed: tuple[str, ...]
    meant: tuple[Meant, ...]


class Reconciled(NamedTuple):
    """What makes a claim true."""

    claims: tuple[Printed, ...]
    name: str
    """The network asked about; '' for all."""
    matches: tuple[Match, ...]
    nearest: tuple[Match, ...]
    """Without any match: those with the smallest residuals, under the plain readings."""
    networks: int
    """How many networks, each on one input, were tried."""


def claimed(text: str, quantity: str = "") -> tuple[str, Printed]:
    """A claimed number and what it counts, params or ops: "3.8 GFLOPs", or "4.12G" with the quantity said.

    Raises ConvcostError where the text is no number, or what it counts is not said or cannot be.
    """
    printed = parse(text)
    own = _QUANTITY.get(printed.unit, "") if printed.unit else quantity
    if not own and not printed.unit:
        raise ConvcostError(f"{text!r}: a number of what? write --params {text}, --macs {text}, or the unit behind it")
    if not own or (quantity and own != quantity) or printed.scale == "%":
        raise ConvcostError(f"{text!r} is no count of {quantity or 'params or multiply-adds'}")
    return own, printed


def reconcile(claims: Mapping[str, Printed], network: Network | None = None) -> Reconciled:
    """Everything that makes the claimed numbers (by quantity, params and ops) true at once.

    Args:
        claims: see `claimed`.
        network: the network that they are claimed of; None searches every shipped network and variant.

    Raises:
        ConvcostError: nothing is claimed.
    """
    if not claims:
        raise ConvcostError("nothing is claimed: give --params, --macs, or a number with its unit")
    tried = 0
    matches: dict[tuple[object, ...], Match] = {}
    near: list[Match] = []
    for candidate in _of(network, sizes="ops" in claims) if network else _all():
        tried += 1
        for part in (candidate.part,) if candidate.part else PARTS:
            found = _match(claims, candidate, part)
            if found is None:
                continue
            if any(meant.residual for meant in found.meant):
                near.append(found)
                continue
            key = (found.assumed[1:], *((meant.exact, meant.reading) for meant in found.meant))
            if key in matches:
                first = min(matches[key], found, key=lambda match: match.steps)
                found = first._replace(networks=(*matches[key].networks, *found.networks))
            matches[key] = found
    ranked = sorted(matches.values(), key=lambda match: (match.steps, len(match.assumed)))
    closest = sorted(near, key=lambda match: (sum(abs(m.residual) / max(m.exact, 1) for m in match.meant), match.steps))
    name = reference(network, network.input) if network else ""
    distinct = {tuple(meant.exact for meant in match.meant): match for match in reversed(closest)}
    nearest = () if ranked else tuple(list(distinct.values())[: -_NEAREST - 1 : -1])
    return Reconciled(tuple(claims.values()), name, tuple(ranked), nearest, tried)


def _of(network: Network, *, sizes: bool) -> Iterator[Alternative]:
    """A network, its variants and knobs, and all of them at other inputs; other networks are not what was asked."""
    cost = network.price()
    yield Alternative(0, 0, reference(network, cost.input), network, cost)
    for other in alternatives(network, cost, sizes=sizes):
        if other.network.network == network.network:
            yield other


def _all() -> Iterator[Alternative]:
    default: dict[str, Network] = {}
    for network, cost in shipped(variants=True):
        first = default.setdefault(network.network, network) is network
        steps = 0 if first else 1
        yield Alternative(steps, steps, network.name, network, cost)
        if heads := with_auxiliary(network):
            yield Alternative(steps + 1, steps + 1, reference(heads, heads.input), heads, heads.price(), WITH_AUXILIARY)


def _match(claims: Mapping[str, Printed], candidate: Alternative, part: str) -> Match | None:
    """The most ordinary readings of a part under which every claim holds; with residuals if there are none."""
    meant: list[Meant] = []
    steps = candidate.steps + 2 * (part != ALL)
    for quantity, printed in claims.items():
        least = min(_meanings(quantity, printed, candidate.cost, part), key=lambda one: one[0], default=None)
        if least is None:
            plain = _PLAIN[quantity]
            count = exact(candidate.cost, TOTAL, plain._replace(part=part))
            if count is None or part != ALL:
                return None
            meant.append(Meant(printed, plain, count, residual=residual(plain.interval(printed), count)))
            continue
        steps += least[0]
        meant.append(least[1])
    said = chain.from_iterable(_assumed(one) for one in meant)
    assumed = tuple(dict.fromkeys(filter(None, (candidate.label, part, *said))))
    return Match(steps, (candidate.label,), tuple(candidate.cost.input), assumed, tuple(meant))


def _meanings(quantity: str, printed: Printed, cost: Cost, part: str) -> Iterator[tuple[int, Meant]]:
    """Every reading of a part under which a claim holds, with its steps from the plain one.

    A tool's count is no explanation where one of ours, which is plainer, holds.
    """
    own = [*_under([name for name in counts(quantity) if name in OWN], quantity, printed, cost, part)]
    yield from own or _under([name for name in counts(quantity) if name not in OWN], quantity, printed, cost, part)


def _under(
    measures: Sequence[str], quantity: str, printed: Printed, cost: Cost, part: str
) -> Iterator[tuple[int, Meant]]:
    binary, coarser = printed.as_binary(), printed.coarser()
    for measure in measures:
        reading = Reading(quantity, measure, part=part)
        count = exact(cost, TOTAL, reading)
        if count is None:
            continue
        for k in KILO if printed.factor(KILO[0]) != printed.factor(KILO[1]) else KILO[:1]:
            for rounding in ROUNDINGS:
                way = reading._replace(rounding=rounding, k=k)
                steps = _measure_steps(quantity, measure) + _ROUNDING_STEPS[rounding] + (k != KILO[0])
                if rounding == "up" and way.interval(printed).low == 0 and not printed.bound:
                    continue  # every small number is rounded up to one digit
                if way.holds(printed, count):
                    yield steps, Meant(printed, way, count)
                elif coarser and rounding == ROUNDINGS[0] and way.holds(coarser, count):
                    yield steps + 2, Meant(printed, way, count, digits=len(str(coarser.digits)))
                elif k == KILO[0] and binary.factor() != printed.factor(KILO[-1]) and way.holds(binary, count):
                    yield steps + 3, Meant(printed, way, count, binary=True)


def _measure_steps(quantity: str, measure: str) -> int:
    return int(measure != _PLAIN[quantity].measure)


def _assumed(meant: Meant) -> Iterable[str]:
    """What a claimed number assumes beyond the plain reading, in words."""
    plain = _PLAIN[meant.reading.quantity]._replace(part=meant.reading.part)
    said: Sequence[str] = meant.reading.differences(plain)
    if meant.binary:
        said = [*said, f"{meant.printed.scale} = 1024^{'KMGT'.index(meant.printed.scale) + 1}, which nobody states"]
    if meant.digits:
        said = [*said, f"to {meant.digits} significant digits"]
    return said or [counted(plain.quantity, plain.measure)]
