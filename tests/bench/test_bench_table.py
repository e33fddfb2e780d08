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

from effort import in_turn, spin, warm

from convcost.cost.cost import Cost
from convcost.spec.catalog import specs_dir
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


def test_table_googlenet_takes_at_most_2_5_times_its_imports(benchmark):
    table = "from convcost.cli import run; run(['table', 'googlenet'])"
    imports = "import click, rich.table, yaml"
    ours, bare = in_turn(7, lambda: processor_seconds(table), lambda: processor_seconds(imports))
    benchmark.extra_info.update(ratio=ours / bare)
    benchmark.pedantic(processor_seconds, (table,), rounds=1)
    assert ours <= 2.5 * bare


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


def test_pricing_resnet50_again_takes_a_ninth_of_a_spin(benchmark):
    """All rows, at another input: 0.49 ms on the machine on which a spin takes 4.4."""
    spec = Spec.read(specs_dir() / "resnet.yaml")
    graph = spec.build("resnet50", spec.input, spec.settings("resnet50", "v1", {}))

    def ten_times() -> None:
        for i in range(10):
            Cost(graph, (3, 256, 192 + i))

    ten_times()
    ours, unit = in_turn(15, warm(ten_times), warm(spin))
    benchmark.extra_info.update(spins=ours / 10 / unit)
    benchmark.pedantic(ten_times, rounds=5)
    assert ours / 10 <= unit / 9


def test_the_whole_zoo_takes_450_spins(benchmark):
    """Loading and pricing every variant of every network: 2 s on the machine on which a spin takes 4.4 ms."""
    command = "from convcost.network import shipped; assert len(list(shipped(variants=True))) > 200"
    ours, unit = in_turn(3, lambda: processor_seconds(command), warm(spin))
    benchmark.extra_info.update(spins=ours / unit)
    benchmark.pedantic(processor_seconds, (command,), rounds=1)
    assert ours <= 450 * unit
