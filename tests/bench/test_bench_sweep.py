"""How fast designs are priced in bulk, against numpy written by hand, and in how much memory, within one run."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from effort import in_turn, warm

from convcost.designs.blocks import Evaluator
from convcost.designs.forms import METRICS, Form
from convcost.designs.run import plan
from convcost.designs.space import parse_axis, parse_derived, space_of
from convcost.network import load

ROOT = Path(__file__).parent.parent.parent
POINTS = 10**6
BLOCK = 65_536


def in_blocks(function, arrays):
    for start in range(0, POINTS, BLOCK):
        function(*(array[start : start + BLOCK] for array in arrays))


def form_of(network, axes, let=()):
    space = space_of([parse_axis(axis) for axis in axes], [parse_derived(text) for text in let])
    first = {axis.name: axis[0] for axis in space.axes}
    return Form(load(network), space, space.axes, {}, first)


def drawn(**ends):
    generator = np.random.default_rng(0)
    return [generator.integers(low, high, POINTS) for low, high in ends.values()]


def compared(benchmark, form, arrays, by_hand, *metrics):
    """The ratio of the form's processor time to that of some of its metrics by hand, which must be the same."""

    def ours(*arrays):
        return form(dict(zip(form.names, arrays, strict=True)))

    outcome = ours(*arrays)
    assert outcome.priced.all()
    found = dict(zip(METRICS, outcome.columns, strict=False))
    expected = by_hand(*arrays)
    for metric, values in zip(metrics, expected, strict=True):
        assert (found[metric].numerators == values).all()
    one, other = in_turn(7, warm(lambda: in_blocks(ours, arrays)), warm(lambda: in_blocks(by_hand, arrays)))
    benchmark.extra_info.update(ratio=one / other, designs_per_second=POINTS / one)
    benchmark.pedantic(in_blocks, (ours, arrays), rounds=3)
    return one / other


def test_a_million_resnet50s_take_at_most_three_times_numpy_by_hand(benchmark):
    """All four costs, against two: macs in the six terms of the closed form, and the peak, of the stem or a bottleneck.

    Macs alone are within twice: see test_bench_formula.
    """
    arrays = drawn(H=(32, 1025), W=(32, 1025), width=(8, 129))

    def by_hand(h, w, width):
        c2, c4, c8, c16, c32 = ((-(-h // m)) * (-(-w // m)) for m in (2, 4, 8, 16, 32))
        macs = width * (147 * c2 + 32000) + width * width * (60 * c4 + 320 * c8 + 1824 * c16 + 3520 * c32)
        alive = [3 * h * w + width * c2, 2 * width * c2, 12 * width * c4, 24 * width * c8]
        alive += [width * (6 * c4 + 2 * c8), width * (4 * c4 + 16 * c8), width * (8 * c8 + 32 * c16)]
        alive += [48 * width * c16, width * (16 * c16 + 64 * c32), 96 * width * c32]
        return macs, 4 * functools.reduce(np.maximum, alive)

    form = form_of("resnet50@v1.5", ["H=1:1024", "W=1:1024", "width=1:128"])
    assert compared(benchmark, form, arrays, by_hand, "macs", "peak_memory") <= 3


def regnets_by_hand(*arrays):
    """Four stages of d blocks, 1x1, 3x3 in groups of 8 and 1x1, the first with stride 2 and a 1x1 shortcut."""
    depths, groups = arrays[:4], arrays[4:]
    params, macs, activations = 9 * 3 * 32 + 64, 9 * 3 * 32 * 112 * 112, 32 * 112 * 112
    alive = 2 * activations
    channels, size = 32, 112
    for d, g in zip(depths, groups, strict=True):
        w, rest, area = 8 * g, d - 1, size * size // 4
        inner = w * 72 + w * w
        params = params + 2 * channels * w + inner + 8 * w + rest * (w * w + inner + 6 * w)
        macs = macs + channels * w * size * size + (channels * w + inner + rest * (w * w + inner)) * area
        activations = activations + w * size * size + 3 * w * area + 3 * rest * w * area
        alive = np.maximum(alive, np.maximum((2 * w + channels) * size * size, 3 * w * area * (d > 1)))
        channels, size = w, size // 2
    return params + 1000 * channels + 1000, macs + 1000 * channels, activations + 1000, 4 * alive


DEPTHS = [f"d{i}=1:16" for i in range(1, 5)]
GROUPS = [f"g{i}=1:64" for i in range(1, 5)]
LET = ["depths=[d1, d2, d3, d4]", "groups=[g1, g2, g3, g4]"]
REGNET = str(Path(__file__).parent.parent / "data" / "regnet_like.yaml")


def test_a_million_regnets_take_at_most_three_times_numpy_by_hand(benchmark):
    """Depths and widths of four stages are arrays, all costs."""
    arrays = drawn(**dict.fromkeys("abcd", (1, 17)), **dict.fromkeys("efgh", (1, 65)))
    assert compared(benchmark, form_of(REGNET, [*DEPTHS, *GROUPS], LET), arrays, regnets_by_hand, *METRICS) <= 3


def test_a_sweep_of_a_million_regnets_takes_at_most_fifteen_times_numpy_by_hand(benchmark):
    """With drawing the designs, taking them apart, and what keeps them exact; without the file."""
    space = space_of([parse_axis(axis) for axis in (*DEPTHS, *GROUPS)], [parse_derived(text) for text in LET])
    sweep = plan(load(REGNET), space, out=Path("x.csv"), sample=POINTS)
    evaluator = Evaluator(sweep)

    def ours():
        for block in range(sweep.blocks):
            evaluator.block(block)

    arrays = drawn(**dict.fromkeys("abcd", (1, 17)), **dict.fromkeys("efgh", (1, 65)))
    one, other = in_turn(3, warm(ours), warm(lambda: in_blocks(regnets_by_hand, arrays)))
    benchmark.extra_info.update(ratio=one / other, designs_per_second=POINTS / one)
    benchmark.pedantic(ours, rounds=1)
    assert one <= 15 * other


SWEEP = "from convcost.cli import run; raise SystemExit(run({arguments}))"


def peak(tmp_path, widths, suffix):
    """The most memory in bytes that a fresh process takes for a sweep of 10^5 sizes of ResNet-50 in so many widths."""
    arguments = ["sweep", "resnet50", "--out", str(tmp_path / f"{widths}.{suffix}")]
    for axis in (f"width=1:{widths}", "H=1:1000", "W=1:100"):
        arguments += ["--over", axis]
    code = SWEEP.format(arguments=arguments)
    report = f"import resource, subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}], check=True); "
    report += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", report], env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


def test_memory_does_not_grow_with_the_space(tmp_path, benchmark):
    pytest.importorskip("pyarrow")
    short, long = peak(tmp_path, 10, "parquet"), peak(tmp_path, 80, "parquet")
    benchmark.extra_info.update(megabytes=long / 1e6)
    benchmark.pedantic(lambda: None, rounds=1)
    assert long < 300e6
    assert long - short < 40e6


@pytest.mark.slow
def test_a_hundred_million_designs_take_less_than_300_megabytes(tmp_path):
    pytest.importorskip("pyarrow")
    assert peak(tmp_path, 1000, "parquet") < 300e6
