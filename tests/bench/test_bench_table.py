"""How fast the main job is: ratios within one run, on whole processes and in a warm one."""

from __future__ import annotations

import atexit
import functools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import effort
from effort import fastest, in_turn, spin, warm

from convcost import load
from convcost.cost.cost import Cost
from convcost.network import every_variant
from convcost.spec.catalog import shipped, shipped_files, specs_dir
from convcost.spec.model import Spec


@functools.cache
def with_bytecode() -> dict[str, str]:
    """An environment in which Python keeps the bytecode of what it has imported once, wherever that is installed.

    Ours is compared with libraries that pip compiled: without it, an editable install is compiled at each start.
    """
    kept = tempfile.mkdtemp(prefix="bytecode")
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return environment | {"PYTHONPYCACHEPREFIX": kept}


def processor_seconds(code: str) -> float:
    """Processor time of a fresh Python process: its wall time would count whatever else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=with_bytecode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_table_googlenet_takes_at_most_1_8_times_its_imports(benchmark):
    """562 million instructions against 348, 1.62 times."""
    table = "from convcost.cli import run; run(['table', 'googlenet'])"
    imports = "import click, rich.table, yaml"
    ours, bare = fastest(30, lambda: processor_seconds(table), lambda: processor_seconds(imports))
    benchmark.extra_info.update(ratio=ours / bare)
    benchmark.pedantic(processor_seconds, (table,), rounds=1)
    assert ours <= 1.8 * bare


def test_table_googlenet_is_ten_times_faster_than_fvcore_on_a_built_googlenet(benchmark):
    table = "from convcost.cli import run; run(['table', 'googlenet'])"
    fvcore = (
        "import torch; from convcost.torchbridge import torch_model; from fvcore.nn import FlopCountAnalysis; "
        "model = torch_model('googlenet'); "
        "assert FlopCountAnalysis(model, torch.zeros(1, 3, 224, 224)).total() > 1_582_671_872"
    )
    ours, theirs = in_turn(3, lambda: processor_seconds(table), lambda: processor_seconds(fvcore))
    benchmark.extra_info.update(ratio=theirs / ours)
    benchmark.pedantic(processor_seconds, (table,), rounds=1)
    assert theirs >= 10 * ours


def test_resnet50_from_yaml_takes_two_spins(benchmark):
    """Loading, building and pricing: 9 ms on the machine on which a spin takes 4.4."""
    path = specs_dir() / "resnet.yaml"

    def load() -> Cost:
        spec = Spec.read(path)
        return Cost(spec.build("resnet50", spec.input, spec.settings("resnet50", "v1", {})))

    load()
    ours, unit = in_turn(15, warm(load), warm(spin))
    benchmark.extra_info.update(spins=ours / unit)
    benchmark.pedantic(load, rounds=5)
    assert ours <= 2 * unit


def by_hand(layers: list[tuple[str, int, int, int, int]], height: int, width: int) -> list[tuple[int, ...]]:
    """What all rows say, in plain ints: of (operator, input, kernel, stride, output channels) each.

    Output shape; weights, biases, norm affine and statistics; macs, adds, muls, compares, divs and exps; activations.
    """
    shapes = [(3, height, width)]
    rows = []
    for kind, taken, k, s, out in layers:
        c, h, w = shapes[taken]
        weights = biases = affine = stats = macs = adds = muls = compares = divs = exps = activations = 0
        if kind == "conv":
            h, w = -(-h // s), -(-w // s)
            activations = out * h * w
            weights = c * k * k * out
            macs = c * k * k * activations
            c = out
        elif kind == "bn":
            affine, stats = 2 * c, 2 * c
            adds = muls = c * h * w
        elif kind == "relu":
            compares = c * h * w
        elif kind == "add":
            adds = c * h * w
        elif kind == "maxpool":
            h, w = -(-h // s), -(-w // s)
            compares = (k * k - 1) * c * h * w
        elif kind == "global_avgpool":
            adds, divs = c * h * w - c, c
            h = w = 1
        elif kind == "linear":
            weights, biases = c * out, out
            macs, adds, activations = c * out, out, out
            c = out
        elif kind == "softmax":
            compares, adds, exps, divs = c - 1, 2 * c - 1, c, c
        shapes.append((c, h, w))
        rows.append((c, h, w, weights, biases, affine, stats, macs, adds, muls, compares, divs, exps, activations))
    return rows


def test_pricing_resnet50_again_takes_at_most_8_times_a_loop_of_plain_ints(benchmark):
    """All rows, with all that they say, on another input: 6.6 times the loop, where the machine is loaded."""
    network = load("resnet50@v1.5")
    cost = network.price()
    layers = []
    for node in cost.graph.nodes:
        kernel, stride = getattr(node.op, "kernel_size", 1), getattr(node.op, "stride", 1)
        out = getattr(node.op, "out_channels", 0) or getattr(node.op, "out_features", 0)
        layers.append((node.op.name, node.inputs[0], kernel, stride, out))
    plain = [
        (*(*row.shape, 1, 1)[:3], *row.counts, *row.work, row.activations) for row in network.price((3, 256, 192)).rows
    ]
    assert by_hand(layers, 256, 192) == plain

    def ten_times(price: Callable[[int], object]) -> Callable[[], float]:
        return warm(lambda: [price(192 + i) for i in range(10)])

    ours, loop, unit = fastest(
        25,
        ten_times(lambda width: network.price((3, 256, width)).rows),
        ten_times(lambda width: by_hand(layers, 256, width)),
        warm(spin),
    )
    benchmark.extra_info.update(ratio=ours / loop, spins=ours / 10 / unit)
    benchmark.pedantic(network.price, ((3, 256, 191),), rounds=5)
    assert ours <= 8 * loop
    assert ours / 10 <= unit / 9


def test_a_network_of_the_zoo_takes_1_1_spins(benchmark):
    """Loading, building and pricing every variant of every network in one process, which goes through them.

    All rows are made of the first. A process that keeps them all takes longer, as Python's collector of garbage goes
    through what is kept: half a million objects in the end, without the rows, which nobody has looked at.
    """
    command = "from convcost.network import shipped; assert sum(len(cost.rows) for _, cost in {}) > 20000"
    through, kept = command.format("shipped(variants=True)"), command.format("[*shipped(variants=True)][:100]")
    networks = sum(1 for path in shipped_files() for _ in every_variant(shipped(path)))
    # In a process of its own as well, and for as long: the collector goes through what pytest keeps, too.
    spins = f"import sys; sys.path.append({str(Path(effort.__file__).parent)!r})\nfrom effort import spin\n"
    spins += "for _ in range(400): spin()"

    ours, keeping, theirs = fastest(3, *[functools.partial(processor_seconds, code) for code in (through, kept, spins)])
    unit = theirs / 400
    benchmark.extra_info.update(spins=ours / unit / networks, kept=keeping / unit / networks)
    benchmark.pedantic(processor_seconds, (through,), rounds=1)
    assert ours <= 1.1 * unit * networks
    assert keeping <= 1.25 * unit * networks
