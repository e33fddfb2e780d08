"""What a verification costs beside the work that it cannot do without, in one run."""

from __future__ import annotations

import pytest
import torch
from effort import fastest, warm
from fvcore.nn import FlopCountAnalysis
from pytest_benchmark.fixture import BenchmarkFixture

import convcost
from convcost.torchbridge.module import TorchModel


@pytest.mark.parametrize("name", ["resnet50@v1.5", "googlenet", "mobilenet_v2"])
def test_verify_costs_at_most_1_3_times_the_model_and_fvcore(benchmark: BenchmarkFixture, name: str) -> None:
    network = convcost.load(name)

    def bare() -> None:
        model = TorchModel(network.build())
        analysis = FlopCountAnalysis(model, torch.zeros(1, *network.input))
        with torch.no_grad():
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()

    def ours() -> None:
        assert convcost.verify(network).ok

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        bare()
        ours()
        mine, its = fastest(31, warm(ours), warm(bare))
        benchmark.pedantic(ours, rounds=1)
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info.update(ratio=mine / its)
    assert mine <= 1.3 * its
