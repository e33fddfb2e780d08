"""Designs of every shipped network: a sweep and a search say of each what its layers do, one by one.

Every numeric knob and first element of a list of numbers, every pair of these, and each with the input's size. In the
normal run one in fifty and in one space all axes of a network together, of SOME specs, and a search in every fifth;
behind the marker `slow`, all of them, and two searches in each.
"""

from __future__ import annotations

import csv
from collections import Counter
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path
from random import Random

import pytest

from convcost.cost.memory import peak_memory
from convcost.designs import blocks
from convcost.designs.forms import METRICS
from convcost.designs.run import plan, run
from convcost.designs.solve import Problem
from convcost.designs.space import Axis, Space, show
from convcost.errors import ConvcostError
from convcost.formulas.derive import AXES
from convcost.network import load
from convcost.spec.catalog import shipped_files, shipped_networks

# Sizes are halved, and strides with them.
pytestmark = pytest.mark.filterwarnings("ignore::convcost.errors.ConvcostWarning")
SPECS = [path.stem for path in shipped_files()]
SOME = sorted(Random(2).sample(SPECS, 48))  # noqa: S311  # not for secrets
METRIC, GOAL = "macs", "params"
seen: Counter[str] = Counter()


def around(value):
    """Values of a knob: even and odd ones, fewer and more than its own, none at all where there are few."""
    if isinstance(value, Fraction):
        return (value / 2, value, value * Fraction(9, 8))
    return tuple(range(value + 2)) if value <= 2 else (value // 2, value, value + 1)


def axes_of(network):
    """An axis for every numeric knob, and for the first element of every list of numbers.

    With each, what is derived from it: an element is no knob, so the list is derived.
    """
    found = []
    for name, knob in network.spec.knobs.items():
        value = network.settings[name]
        if knob.choices or isinstance(value, bool):
            continue
        if isinstance(value, (int, Fraction)):
            found.append((Axis(name, around(value)), ()))
        elif isinstance(value, tuple) and value and all(type(part) is int for part in value):
            first, *rest = f"{name}_1", *map(str, value[1:])
            found.append((Axis(first, around(value[0])), ((name, f"[{', '.join([first, *rest])}]"),)))
    return found


def spaces(spec):
    """The spaces that are compared, of every network of a spec file."""
    for reference in shipped_networks():
        if Path(reference.spec.file).stem != spec:
            continue
        network = load(reference.network)
        axes = axes_of(network)
        sizes = network.input[1:]
        size = Axis(AXES[len(sizes)][0], tuple(sorted({max(1, sizes[0] // 2 - 1), sizes[0], sizes[0] + 1})))
        yield reference.network, Space((size,))
        size = Axis(size.name, size.values[::2])
        for chosen in [*combinations(axes, 1), *combinations(axes, 2)]:
            own = tuple(axis for axis, _ in chosen)
            derived = tuple(part for _, more in chosen for part in more)
            yield reference.network, Space(own, derived)
            yield reference.network, Space((*own, size), derived)


def drawn(spec):
    """One in fifty of them, one at least and four at most, and one of all axes of a network; the same every time."""
    every = [*spaces(spec)]
    random = Random(spec)  # noqa: S311  # not for secrets
    name = random.choice(every)[0]
    axes = axes_of(load(name))
    axes = random.sample(axes, min(len(axes), 4))
    derived = tuple(part for _, more in axes for part in more)
    together = Space(tuple(Axis(axis.name, axis.values[-2:]) for axis, _ in axes), derived)
    return [*random.sample(every, min(4, -(-len(every) // 50))), *([(name, together)] if axes else [])]


def priced(name, space):
    """The costs of all designs that fit, by the layers of each."""
    network = load(name)
    found = {}
    for values in product(*(axis.values for axis in space.axes)):
        design = space.complete(dict(zip((axis.name for axis in space.axes), values, strict=True)))
        knobs = {knob: value for knob, value in design.items() if knob in network.spec.knobs}
        size = next((value for axis, value in design.items() if axis in ("L", "H", "D")), None)
        try:
            channels, *own = load(name, **knobs).input
            cost = load(name, **knobs).price((channels, *([size] * len(own) if size else own)))
        except ConvcostError:
            continue
        total = cost.total
        found[values] = (total.params, total.macs, total.activations, peak_memory(cost))
    return found


def compare(name, space, tmp_path):
    """A sweep with what its designs cost one by one, which is returned."""
    expected = priced(name, space)
    names = [axis.name for axis in space.axes]
    out = tmp_path / f"{len([*tmp_path.iterdir()])}.csv"
    summary = run(plan(load(name), space, out=out), out)
    with out.open(newline="") as file:
        rows = {tuple(row[n] for n in names): tuple(int(row[m]) for m in METRICS) for row in csv.DictReader(file)}
    assert rows == {tuple(map(show, values)): costs for values, costs in expected.items()}, (name, space)
    assert (summary.kept, summary.unfit) == (len(expected), space.size - len(expected)), (name, space)
    seen.update(sweeps=1, designs=space.size, fitting=len(expected))
    return expected


def search(name, space, expected, metric, goal):
    """What is found within the median of a metric, with what all of them cost."""
    k, aim = ([*METRICS].index(metric) for metric in (metric, goal))
    names = [axis.name for axis in space.axes]
    limit = sorted(costs[k] for costs in expected.values())[len(expected) // 2]
    within = [values for values, costs in expected.items() if costs[k] <= limit]
    problem = Problem(load(name), space, {metric: limit})
    best = {v for v in within if not any(w != v and all(a >= b for a, b in zip(w, v, strict=True)) for w in within)}
    frontier = [tuple(solution.values[n] for n in names) for solution in problem.frontier()]
    assert sorted(frontier) == sorted(best), (name, space, metric, limit)
    found = [(tuple(solution.values[n] for n in names), solution.objective) for solution in problem.best(goal)]
    assert sorted(found) == sorted((values, expected[values][aim]) for values in within), (name, space, metric, limit)
    assert [value for _, value in found] == sorted((value for _, value in found), reverse=True)
    seen.update(searches=2, solutions=len(within) + len(best))


@pytest.fixture(autouse=True)
def by_forms(monkeypatch):
    """Few designs would be priced one by one, which is what they are compared with."""
    monkeypatch.setattr(blocks, "FEW", 0)


@pytest.mark.parametrize("spec", SOME)
def test_some_spaces(spec, tmp_path):
    for i, (name, space) in enumerate(drawn(spec)):
        expected = compare(name, space, tmp_path)
        if expected and i % 5 == 0:
            search(name, space, expected, METRIC, GOAL)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SPECS)
def test_all_spaces(spec, tmp_path):
    for name, space in spaces(spec):
        if expected := compare(name, space, tmp_path):
            search(name, space, expected, METRIC, GOAL)
            search(name, space, expected, GOAL, METRIC)


def test_most_of_them_fit():
    if not seen:
        pytest.skip("the shipped networks were not asked for")
    assert seen["designs"] / 2 < seen["fitting"] < seen["designs"]
    assert seen["solutions"] > seen["searches"]
