"""Memory by named rules: by hand, against torchinfo itself, and against what TFLM's own planner made of buffers."""

import csv
import io
from fractions import Fraction
from pathlib import Path

import pytest
import torch
import torchinfo
from hypothesis import given, settings
from hypothesis import strategies as st

from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.memory import DTYPES, moments
from convcost.cost.memory_rules import ALIGNMENT, RULES, Buffer, arena, buffers, memory_rule, plan
from convcost.cost.quantities import is_quantity, quantities, quantity
from convcost.designs.run import plan as planned
from convcost.designs.run import run
from convcost.designs.space import parse_axis, space_of
from convcost.door import solve
from convcost.errors import ConvcostError
from convcost.network import load
from convcost.ops import BatchNorm, Conv, Linear, ReLU
from convcost.torchbridge.module import TorchModel

PLANS = Path(__file__).parents[1] / "data" / "tflm_plans.csv"


def of(name: str, cost: Cost, size: int = 1) -> int:
    return RULES[name].of(cost, size)


def block() -> Cost:
    """conv, norm, relu, conv, and the sum of both with a relu: maps of 256 elements, from one of 192."""
    g = GraphBuilder("block", input=(3, 8, 8))
    a = g.add(ReLU(), g.add(BatchNorm(), g.add(Conv(4, 3, padding=1), g.input, name="a"), name="bn"), name="relu")
    b = g.add(Conv(4, 3, padding=1), a, name="b")
    c = g.add(ReLU(), g.add(ops.Add(), b, a, name="c"), name="relu2")
    g.add(Linear(10), g.add(ops.Flatten(), g.add(ops.GlobalAvgPool(), c)), name="fc")
    return Cost(g.graph())


def test_by_hand():
    """The sum's three; in place, b's output is the sum's. The arena holds all three at once, too."""
    cost = block()
    assert of("liveness", cost) == of("folded", cost) == 3 * 256
    assert of("in_place", cost) == 2 * 256
    assert of("operator", cost) == 2 * 256
    assert of("residual", cost) == 2 * 256
    assert of("outputs", cost) == 3 * 256 + 10
    assert of("torchinfo", cost, 4) == 8 * (3 * 256 + 10)
    assert of("arena", cost) == 3 * 256
    assert [one.line.name for one in moments(cost, into=("conv",)) if one.writes == 256] == ["a", "b", "c", "relu2"]


def test_mcunets_resnet50_is_its_operator_and_the_residual():
    """200,704 in, 802,816 out and 802,816 held, in float32: 4,014 and 3,211 KB, printed as 7.2 MB."""
    for name in ("resnet50@v1", "resnet50@v1.5"):
        assert of("residual", load(name).price(), 4) == 4 * (200_704 + 802_816) + 4 * 802_816 == 7_225_344


@pytest.mark.parametrize("name", ["resnet18", "squeezenet"])
def test_torchinfo_itself(name):
    cost = load(name).price("3x64x64", batch=2)
    model = TorchModel(cost.graph).eval()
    found = torchinfo.summary(model, input_data=torch.zeros(2, *cost.input), verbose=0)
    assert found.total_output_bytes == of("torchinfo", cost, 4) == 2 * of("outputs", cost, 4)


def recorded():
    for line in PLANS.read_text().splitlines()[1:]:
        most, made = line.split(",")
        fields = [[int(part) for part in one.replace("=", ":").split(":")] for one in made.split(" ")]
        yield int(most), [Buffer(i, *one[:3]) for i, one in enumerate(fields)], [one[3] for one in fields]


def test_tflms_own_planner_made_the_same_plans():
    cases = [*recorded()]
    assert len(cases) == 40
    for most, made, offsets in cases:
        placed = {one.buffer.tensor: one.offset for one in plan(made)}
        assert [placed[buffer.tensor] for buffer in made] == offsets
        assert max(placed[buffer.tensor] + buffer.size for buffer in made) == most


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
@settings(deadline=None)
def test_no_buffers_that_are_needed_together_overlap(made):
    wanted = [Buffer(i, 16 * size, min(a, b), max(a, b)) for i, (size, a, b) in enumerate(made)]
    placed = plan(wanted)
    assert sorted(one.buffer.tensor for one in placed) == [*range(len(wanted))]
    for one in placed:
        for other in placed:
            together = one.buffer.first <= other.buffer.last and other.buffer.first <= one.buffer.last
            if one is not other and together:
                assert one.offset + one.buffer.size <= other.offset or other.offset + other.buffer.size <= one.offset


@pytest.mark.parametrize("name", ["googlenet", "densenet121", "se_resnet50", "nasnet_mobile", "mobilenet_v2"])
def test_an_arena_is_aligned_and_never_below_what_is_alive(name):
    cost = load(name).price()
    rule = RULES["arena"]
    assert rule.least is not None
    assert rule.least(cost, 1) <= rule.of(cost, 1) <= sum(one.size for one in buffers(cost, 1))
    assert all(one.offset % ALIGNMENT == one.buffer.size % ALIGNMENT == 0 for one in arena(cost, 1))


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "efficientnet_b0"])
def test_rules_hold_less_as_they_share_more(name):
    cost = load(name).price()
    assert of("in_place", cost) <= of("liveness", cost)
    assert of("operator", cost) <= of("residual", cost) <= of("folded", cost) <= of("liveness", cost)
    assert of("liveness", cost, 4) == 4 * of("liveness", cost)


def test_every_rule_is_a_quantity_in_every_type():
    cost = block()
    names = {*quantities()}
    for rule in RULES.values():
        assert is_quantity(rule.name)
        assert quantity(rule.name).of(cost) == rule.of(cost, DTYPES[rule.dtype])
        for dtype, size in DTYPES.items():
            found = quantity(f"{rule.name}_{dtype}")
            assert found.of(cost) == rule.of(cost, size)
            assert found.unit == "bytes"
            assert f"{rule.name}_{dtype}" in names
    assert not is_quantity("arena_int4")
    with pytest.raises(ConvcostError, match="did you mean arena"):
        memory_rule("arenas")


AXES = ["width=0.25:1:0.25", "H=32:128:32"]


def test_a_budget_of_an_arena_is_kept_and_used():
    """All 16 designs priced by themselves; the answer is those of them that no other one beats on both axes."""
    network = load("mobilenet_v2")
    costs = {
        (Fraction(n, 4), size): network.price((3, size, size), width=Fraction(n, 4))
        for n in range(1, 5)
        for size in range(32, 129, 32)
    }
    kept = {key for key, cost in costs.items() if of("arena", cost) <= 150_000 and cost.total.macs <= 30_000_000}
    best = {one for one in kept if not any(o != one and o[0] >= one[0] and o[1] >= one[1] for o in kept)}
    found = solve(network, max={"arena_int8": "150KB", "macs": "30M"}, over=AXES)
    assert {(one.values["width"], one.values["H"]) for one in found} == best
    assert 1 < len(best) < len(kept) < 16
    for one in found:
        assert one.costs["arena_int8"] == of("arena", costs[one.values["width"], one.values["H"]])
    first = solve(network, max={"macs": "30M"}, over=AXES, maximize="arena_int8 - macs", top=3)
    values = sorted(of("arena", cost) - cost.total.macs for cost in costs.values() if cost.total.macs <= 30_000_000)
    assert [one.objective for one in first] == values[:-4:-1]


def test_a_sweep_keeps_what_is_within_an_arena(tmp_path):
    network, out = load("mobilenet_v2"), tmp_path / "designs.csv"
    space = space_of([parse_axis(axis) for axis in AXES])
    run(planned(network, space, where=["arena_int8 <= 128KiB and residual < 400KB"], out=out), out)
    rows = [*csv.DictReader(io.StringIO(out.read_text()))]
    assert 0 < len(rows) < 16
    for row in rows:
        cost = network.price((3, int(row["H"]), int(row["H"])), width=Fraction(row["width"]))
        assert int(row["arena_int8"]) == of("arena", cost) <= 131_072
        assert int(row["residual"]) == of("residual", cost, 4) < 400_000
