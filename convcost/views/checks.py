"""What a check finds, for people line by line, for editors as JSON with places."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from convcost.designs.budget import exceeded
from convcost.errors import ConvcostError, ConvcostWarning, one_line
from convcost.network import Network
from convcost.ops import format_shape

_PLACE = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+):(?P<column>[0-9]+): (?P<message>.*)")


class Problem(NamedTuple):
    """What is wrong, or rarely meant, and where; without a place where it has none."""

    severity: Literal["error", "warning", "limit"]
    file: str
    line: int | None
    column: int | None
    """Both counted from 1."""
    message: str


class Checked(NamedTuple):
    """A network that prices, on what input, and the limits that it does not keep."""

    network: str
    input: str
    params: int
    macs: int
    broken: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What is said of it."""
        if self.broken:
            return [f"{self.network}: {excess} at {self.input}" for excess in self.broken]
        return [f"{self.network}: valid, {self.params:,} params, {self.macs:,} macs at {self.input}"]


def checked(networks: Iterable[Network], limits: Mapping[str, int], input: str | None, batch: int) -> Iterator[Checked]:
    """Every network, priced. Raises ConvcostError for what is wrong with one."""
    for network in networks:
        yield _checked(network, limits, input, batch)


def _checked(network: Network, limits: Mapping[str, int], input: str | None, batch: int) -> Checked:
    cost = network.price(input, batch)
    broken = tuple(map(str, exceeded(cost, limits)))
    size = format_shape(cost.input)
    return Checked(one_line(network.name), size, cost.total.params, cost.total.macs, broken)


def as_json(
    names: Iterable[str],
    meant: Callable[[str], Iterable[Network]],
    limits: Mapping[str, int],
    input: str | None,
    batch: int,
) -> tuple[str, int]:
    """All that names mean as one JSON object, and the exit status: what is wrong with one does not hide the others.

    {"schema": 1, "networks": [{"network", "input", "params", "macs"}], "problems": [Problem]}
    """
    import json

    networks: list[Checked] = []
    problems: list[Problem] = []
    for name in names:
        with _warnings_into(problems, name):
            try:
                for one in checked(meant(name), limits, input, batch):
                    networks.append(one)
                    problems += [Problem("limit", name, None, None, f"{one.network}: {text}") for text in one.broken]
            except (ConvcostError, ConvcostWarning) as error:  # the second with --strict
                problems.append(_placed("error", name, str(error)))
    document = {
        "schema": 1,
        "networks": [{key: value for key, value in one._asdict().items() if key != "broken"} for one in networks],
        "problems": [one._asdict() for one in problems],
    }
    severities = {one.severity for one in problems}
    return json.dumps(document, indent=2) + "\n", 2 if "error" in severities else int("limit" in severities)


def _placed(severity: Literal["error", "warning"], name: str, text: str) -> Problem:
    found = _PLACE.match(text)
    if found is None:
        return Problem(severity, name, None, None, text)
    return Problem(severity, found["file"], int(found["line"]), int(found["column"]), found["message"])


@contextmanager
def _warnings_into(problems: list[Problem], name: str) -> Iterator[None]:
    """Ours are problems; any other is shown as it would be."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def keep(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, ConvcostWarning):
                show(message, category, *where, **more)
            elif (problem := _placed("warning", name, str(message))) not in problems:
                problems.append(problem)

        warnings.showwarning = keep
        yield
