"""Norm folding: what is left of a network by hand, and against torch's own fusion of real modules."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval, fuse_linear_bn_eval

import convcost
from convcost import ops
from convcost.cli import cli
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.folding import folded
from convcost.torchbridge.module import TorchModel


def test_a_convolution_takes_the_norm_that_alone_follows_it_by_hand() -> None:
    g = GraphBuilder("n", (3, 8, 8))
    x = g.add(ops.BatchNorm(), g.add(ops.Conv(4, 3, bias=False), g.input, name="conv"), name="bn")
    x = g.add(ops.BatchNorm(), g.add(ops.ReLU(), x), name="after relu")
    y = g.add(ops.Conv(4, 1), x, name="read twice")
    z = g.add(ops.Add(), y, g.add(ops.BatchNorm(), y, name="beside"))
    g.add(ops.BatchNorm(), g.add(ops.Linear(10), z, name="fc"), name="of features")
    graph = folded(g.graph())
    assert graph.names == ("conv", "relu", "after relu", "read twice", "beside", "add", "fc")
    assert [node.inputs for node in graph.nodes] == [(0,), (1,), (2,), (3,), (4,), (4, 5), (6,)]
    assert graph.outputs == (7,)
    total = Cost(graph).total
    # 3*9*4 weights and 4 biases; the norms' 8 and 8; 4*4 + 4; 4*36*10 + 10
    assert (total.params, total.norm_stats, total.biases) == (108 + 4 + 8 + 8 + 20 + 1_450, 16, 4 + 4 + 10)
    assert total.macs == Cost(g.graph()).total.macs


def test_norms_of_filters_become_part_of_them() -> None:
    """25 filters of 7 and their norms, of which each use in a network shares the same."""
    g = GraphBuilder("n", (25, 64))
    x = g.add(ops.Conv(25, 7, padding="same", weight_norm=True), g.input, name="conv")
    g.again(x, g.add(ops.ReLU(), x))
    graph = g.graph()
    assert (Cost(graph).total.weights, Cost(folded(graph)).total.weights) == (25 * 25 * 7 + 25, 25 * 25 * 7)
    assert not [node for node in folded(graph).nodes if isinstance(node.op, ops.Conv) and node.op.weight_norm]


def test_what_is_used_again_or_normalised_by_the_batch_or_an_output_keeps_its_norm() -> None:
    g = GraphBuilder("n", (4, 8, 8))
    conv = g.add(ops.Conv(4, 1, bias=False), g.input)
    x = g.add(ops.BatchNorm(), conv)
    x = g.add(ops.BatchNorm(), g.again(conv, x))
    x = g.add(ops.BatchNorm(stats=False), g.add(ops.Conv(4, 1), x))
    side = g.add(ops.Conv(4, 1), x)
    g.output(side)
    g.add(ops.BatchNorm(), side)
    graph = g.graph()
    assert graph.folded() == graph


def fused(module: nn.Module) -> nn.Module:
    """torch's own fusion, of every sequence of a layer and its norm that the bridge's names tell."""
    layers = dict(module.named_modules())
    steps = module.steps
    for first, norm in pairwise(steps):
        read = [step for step in steps if first.output in step.inputs]
        if not (isinstance(norm.layer, nn.modules.batchnorm._BatchNorm) and read == [norm]):
            continue
        if first.output in module.outputs:
            continue
        kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
        if isinstance(first.layer, kinds):
            fuse = fuse_linear_bn_eval if isinstance(first.layer, nn.Linear) else fuse_conv_bn_eval
            more = {"transpose": True} if isinstance(first.layer, nn.ConvTranspose2d) else {}
            for name, layer in layers.items():
                parent = layers[name.rpartition(".")[0]]
                if layer is first.layer:
                    setattr(parent, name.rpartition(".")[2], fuse(layer, norm.layer, **more))
                elif layer is norm.layer:
                    setattr(parent, name.rpartition(".")[2], nn.Identity())
    return module


@pytest.mark.parametrize(
    "name", ["resnet50@v1.5", "mobilenet_v2@torchvision", "googlenet@torchvision", "densenet121@paper", "inception_v3"]
)
def test_a_networks_parameters_are_those_of_torchs_fusion(name: str) -> None:
    network = convcost.load(name)
    with torch.device("meta"):
        module = fused(TorchModel(network.build()))
    total = network.folded().price().total
    assert total.params == sum(p.numel() for p in module.parameters())
    assert total.params < network.price().total.params
    assert total.macs == network.price().total.macs


def test_a_folded_graph_computes_the_same_and_is_a_torch_model() -> None:
    graph = convcost.load("resnet50@v1.5").build(input=(3, 32, 32)).folded()
    with torch.device("meta"):
        model = TorchModel(graph)
        assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 1000)
    assert sum(p.numel() for p in model.parameters()) == Cost(graph).total.params


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        # 25,557,032 less 53,120 of gammas and betas, and 26,560 biases more
        (["layers", "resnet50@v1.5", "--depth", "1", "--exact"], "25,530,472"),
        (["check", "resnet50@v1.5"], "25,530,472 params"),
        (["compare", "resnet50@v1.5", "resnet50@v1", "--exact"], "25,530,472"),
    ],
)
def test_the_command_line_folds(command: list[str], printed: str) -> None:
    result = CliRunner().invoke(cli, [*command, "--fold-norms"])
    assert result.exit_code == 0, result.output
    assert printed in result.output
    if command[0] != "check":
        assert "norms folded" in result.output
