"""What importing and pricing a module costs beside counting it with fvcore, in one run."""

from __future__ import annotations

import torch
from effort import in_turn, warm
from fvcore.nn import FlopCountAnalysis
from pytest_benchmark.fixture import BenchmarkFixture

import convcost


def test_import_and_price_take_at_most_half_of_fvcore(benchmark: BenchmarkFixture) -> None:
    network = convcost.load("resnet50@v1.5")
    module = convcost.torch_model(network)
    x = torch.zeros(1, *network.input)

    def ours() -> None:
        assert convcost.from_torch(module, network.input).price().total.macs == 4_089_184_256

    def fvcore() -> None:
        with torch.no_grad():
            FlopCountAnalysis(module, x).unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ours()
        fvcore()
        mine, its = in_turn(5, warm(ours), warm(fvcore))
        benchmark.pedantic(ours, rounds=1)
    finally:
        torch.set_num_threads(threads)
    ratio = mine / its
    benchmark.extra_info.update(ratio=ratio)
    assert ratio <= 0.5
