"""Random specs with repeats, choices, fractions and words: sweeps and searches say what the layers of each design do.

80 in the normal run; 5,000 behind the marker `slow`.
"""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import suppress
from fractions import Fraction
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from convcost.designs import blocks
from convcost.designs.forms import METRICS, metrics
from convcost.designs.run import plan, run
from convcost.designs.solve import Problem
from convcost.designs.space import Axis, Space, Steps, show
from convcost.errors import ConvcostError
from convcost.network import load

# Windows are larger than maps, and strides than windows.
pytestmark = pytest.mark.filterwarnings("ignore::convcost.errors.ConvcostWarning")
seen: Counter[str] = Counter()

DEFAULTS = {"n": 1, "m": 2, "k": 6, "w": Fraction(1, 2), "kind": "plain"}
AXES = {
    "n": [Steps(0, 1, 5), Steps(1, 1, 3), Steps(0, 2, 3)],
    "m": [Steps(0, 1, 4), (3, 1)],
    "k": [Steps(3, 3, 4), (8, 1, 5)],
    "w": [Steps(Fraction(1, 4), Fraction(1, 4), 4), (Fraction(1, 3), Fraction(3, 2))],
    "kind": [("plain", "wide"), ("a, b", "wide", "plain")],
    "H": [Steps(1, 1, 9), Steps(2, 2, 4)],
    "W": [Steps(3, 4, 2)],
    "batch": [(1, 3)],
}
DERIVED = [
    ("H", ("W", "H + 1")),
    ("n", ("m", "n + 1")),
    ("n", ("half", "n/2"), ("w", "half + 1/4")),
    ("w", ("k", "ceil(6*w) + 1")),
]
"""An axis, and what can be derived from it."""
COUNTS = ["n", "m", "n + m", "2*n", "n - 1", "max(n - 2, 0)", "floor(w*n)"]
CHANNELS = [
    "k",
    "3",
    "in_channels",
    "k // 2",
    "in_channels + k",
    "ceil(w*k)",
    "k if kind == 'wide' else 4",
    "4*n",
    "in_channels + 1",
]
TESTS = ["n > 0", "m > 1", "n == m", "in_channels > 4", "in_channels == k", "kind == 'a, b'", "w < 1", "k % 2 == 0"]


@st.composite
def convolutions(draw, indices):
    """A convolution, as a call."""
    kernel = draw(st.integers(1, 4))
    channels = draw(st.sampled_from([*CHANNELS, "8 if n > 1 else 4", *(f"k*({index} + 1)" for index in indices)]))
    padding = draw(st.sampled_from([0, 1, kernel // 2, "same", "same"]))
    stride = draw(st.sampled_from([1, 1, 1, 2]))
    groups = draw(st.sampled_from([1, 1, 1, 1, 2, "k", "in_channels"]))
    return f"conv({channels}, {kernel}, {stride}, padding={padding}, groups={groups})"


@st.composite
def items(draw, depth=0, indices=()):
    """Layers in the flow style of YAML."""
    kinds = ["conv"] * 4 + ["add", "concat", "concat", "pool"] + (["repeat"] * 3 + ["if"] if depth < 2 else [])
    match draw(st.sampled_from(kinds)):
        case "repeat":
            index = "ij"[depth]
            count = draw(st.sampled_from([*COUNTS, *indices, *(f"n - {index}" for index in indices)]))
            inside = draw(st.lists(items(depth + 1, (*indices, index)), min_size=1, max_size=2))
            return f'{{repeat: "{count}", index: {index}, layers: [{", ".join(inside)}]}}'
        case "if":
            inside = draw(items(depth + 1, indices))
            return f'{{if: "{draw(st.sampled_from(TESTS))}", then: {inside}}}'
        case "add":
            return '{add: [identity, "conv(in_channels, 3, padding=1)"]}'
        case "concat":
            return f'{{concat: [identity, "conv({draw(st.sampled_from(CHANNELS))}, 3, padding=1)"]}}'
        case "pool":
            return '"maxpool(2, 2)"'
    return f'"{draw(convolutions(indices))}"'


@st.composite
def designs(draw):
    """The text of a spec, and a space of its designs."""
    layers = draw(st.lists(items(), min_size=1, max_size=4))
    # Every knob is used, as a spec has to.
    layers.append("\"conv(n + m + k + floor(w) + (2 if kind == 'plain' else 1), 1)\"")
    shape = "x".join(map(str, [3, *draw(st.tuples(*[st.integers(3, 9)] * 2))]))
    knobs = ", ".join(f"{name}: {show(value)}" for name, value in DEFAULTS.items())
    text = f"name: net\nsource: x\ninput: {shape}\nknobs: {{{knobs}}}\nlayers:\n" + "".join(
        f"- {layer}\n" for layer in layers
    )
    others = draw(st.lists(st.sampled_from([*AXES]), min_size=1, max_size=3, unique=True))
    names = [*dict.fromkeys([*(["n"] if draw(st.booleans()) else []), *others])]  # half of all have repeats of n
    axes = tuple(Axis(name, draw(st.sampled_from(AXES[name]))) for name in names)
    possible = [
        derived
        for needed, *derived in DERIVED
        if needed in names and not {name for name, _ in derived}.intersection(names)
    ]
    return text, Space(axes, tuple(draw(st.sampled_from([[], *possible]))))


def priced(path, space):
    """The costs of all designs that fit, by the layers of each, and what is derived from it."""
    network = load(path)
    found = {}
    for values in product(*(axis.values for axis in space.axes)):
        with suppress(ConvcostError):
            design = space.complete(dict(zip((axis.name for axis in space.axes), values, strict=True)))
            channels, *own = network.input
            height = design.get("H", design.get("W", own[0]))
            shape = (channels, height, design.get("W", design.get("H", own[1])))
            knobs = {name: value for name, value in design.items() if name in DEFAULTS}
            costs = dict(zip(METRICS, metrics(load(path, **knobs).price(shape, design.get("batch", 1))), strict=True))
            found[values] = {**design, **costs}
    return found


def compare(path, space, draw):
    """A sweep, and what is found within limits, with what the designs cost one by one."""
    expected = priced(path, space)
    out = path.with_suffix(".csv")
    summary = run(plan(load(path), space, out=out), out)
    with out.open(newline="") as file:
        rows = [*csv.DictReader(file)]
    columns = [*space.names, *METRICS]
    found = [tuple(row[name] for name in columns) for row in rows]
    assert sorted(found) == sorted(tuple(show(values[name]) for name in columns) for values in expected.values())
    assert (summary.kept, summary.unfit) == (len(expected), space.size - len(expected))
    seen.update(sweeps=1, designs=space.size, fitting=len(expected))
    if expected:
        search(path, space, expected, draw)


def search(path, space, expected, draw):
    """What is found within limits that some design just meets, and in the order of a goal."""
    metric_names = draw(st.lists(st.sampled_from([*METRICS]), min_size=1, max_size=2, unique=True))
    chosen = draw(st.sampled_from([*expected.values()]))
    problem = Problem(load(path), space, {name: chosen[name] for name in metric_names})
    within = {
        values: design
        for values, design in expected.items()
        if all(design[name] <= limit for name, limit in problem.limits.items())
    }
    numeric = [i for i, axis in enumerate(space.axes) if axis.numeric]

    def dominated(one, other):
        alike = all(one[i] == other[i] for i in range(len(one)) if i not in numeric)
        return alike and one != other and all(one[i] <= other[i] for i in numeric)

    best = [values for values in within if not any(dominated(values, other) for other in within)]
    names = [axis.name for axis in space.axes]
    found = [tuple(solution.values[name] for name in names) for solution in problem.frontier()]
    assert sorted(found, key=str) == sorted(best, key=str), problem.limits
    number = next((space.axes[i].name for i in numeric), "1")
    goal = draw(st.sampled_from([*METRICS, "params - macs", f"{number}*activations - peak_memory"]))
    ordered = [(tuple(s.values[name] for name in names), s.objective) for s in problem.best(goal)]
    aims = {values: eval(goal, {}, design) for values, design in within.items()}  # noqa: S307  # of the list above
    assert sorted(ordered, key=str) == sorted(aims.items(), key=str), (problem.limits, goal)
    assert [aim for _, aim in ordered] == sorted(aims.values(), reverse=True)
    seen.update(searches=2, solutions=len(within) + len(best))


@pytest.fixture(autouse=True, scope="module")
def by_forms():
    """Few designs would be priced one by one, which is what they are compared with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "FEW", 0)
        yield


def check(design, data):
    text, space = design
    note(f"{text}\n{space}")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net.yaml"
        path.write_text(text)
        compare(path, space, data.draw)


thorough = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@thorough
@given(designs(), st.data())
def test_80_random_specs(design, data):
    check(design, data)


def test_some_of_them_fit():
    """So that not only what does not fit is compared."""
    if not seen:
        pytest.skip("the random specs were not asked for")
    assert seen["designs"] / 10 < seen["fitting"] < seen["designs"]
    assert seen["searches"] > seen["sweeps"] / 2
    assert seen["solutions"] > seen["searches"] / 2


@pytest.mark.slow
@settings(thorough, max_examples=5_000)
@given(designs(), st.data())
def test_5000_random_specs(design, data):
    check(design, data)
