"""verify: every shipped network agrees with torch, and one that is wrong does not."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fvcore.nn import FlopCountAnalysis
from smallest import every, of_each_variant, smallest

import convcost
from convcost import ops
from convcost.cli import run
from convcost.cost.builder import GraphBuilder
from convcost.errors import ConvcostError
from convcost.ops import Params, Shape, Work
from convcost.torchbridge import crosscheck
from convcost.torchbridge.module import TorchModel

gpu = pytest.mark.gpu
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("variant", VARIANTS := of_each_variant())
def test_every_variant(variant: str) -> None:
    report = convcost.verify(smallest(VARIANTS[variant]), device="meta")
    assert report.ok, str(report)
    assert report.against == ("torch's parameters", "torch's buffers", "a forward pass on meta", "FlopCounterMode")


@pytest.mark.parametrize(
    "name",
    ["lenet5", "resnet18", "googlenet@torchvision", "densenet121", "mobilenet_v2@keras", "efficientnet_b0@keras"],
)
def test_with_real_tensors_and_fvcore(name: str) -> None:
    network = convcost.load(name)
    size = 32 if name == "lenet5" else 65
    report = convcost.verify(network, input=(network.input[0], size, size))
    assert report.ok, str(report)
    assert report.against[2:] == ("a forward pass on cpu", "fvcore", "FlopCounterMode")


@pytest.mark.slow
@pytest.mark.parametrize("name", [network.name for network in every()])
def test_every_network_and_variant_with_real_tensors_and_fvcore(name: str) -> None:
    report = convcost.verify(name)
    assert report.ok, str(report)


def test_auxiliary_heads_and_inputs_of_the_user() -> None:
    report = convcost.verify("googlenet", input="3x97x98", aux=True)
    total = convcost.load("googlenet", aux=True).price("3x97x98").with_auxiliary
    assert report.ok, str(report)
    assert (report.params, report.macs, report.input) == (total.params, total.macs, (3, 97, 98))


def test_a_graph_made_in_python() -> None:
    build = GraphBuilder("mine", (3, 9, 9))
    x = build.add(ops.Conv(4, 3, 2, "same", bias=False), build.input)
    x = build.add(ops.BatchNorm(stats=False), build.add(ops.GlobalAvgPool(), x))
    build.add(ops.Linear(2), x)
    report = convcost.verify(build.graph())
    assert report.ok, str(report)
    assert report.macs == 5 * 5 * 4 * 3 * 9 + 4 * 2  # of one sample, although torch needs two


def test_weights_that_depend_on_the_input() -> None:
    """VGG's first linear layer is made for the input at hand, on a graph that was built for another one."""
    network = convcost.load("vgg11")
    assert network.build().input == (3, 224, 224)
    report = convcost.verify(network, input="3x64x95", classes=7)
    assert report.ok, str(report)
    assert report.params == network.price("3x64x95", classes=7).total.params
    assert (
        convcost.torch_model(network, input=(3, 64, 64), device="meta").get_submodule("fc6.linear").in_features
        == 512 * 4
    )


def test_a_graph_takes_inputs_but_no_knobs() -> None:
    graph = convcost.load("resnet18").build()
    assert convcost.verify(graph, input="3x33x34", device="meta").input == (3, 33, 34)
    with pytest.raises(ConvcostError, match=r"^resnet18@v1: a graph has no knobs, got classes$"):
        convcost.verify(graph, classes=10)


def test_counts_by_operator_are_those_of_handles_that_return_zero() -> None:
    """What verify takes apart after one trace is what fvcore gives with its handles for BN and pooling silenced."""
    model, x = TorchModel(convcost.load("resnet18").build()), torch.zeros(1, 3, 64, 64)
    silenced = FlopCountAnalysis(model, x).unsupported_ops_warnings(False)
    for name in ("aten::batch_norm", "aten::adaptive_avg_pool2d"):
        silenced.set_op_handle(name, lambda _inputs, _outputs: 0)
    with torch.no_grad():
        assert silenced.total() == convcost.load("resnet18").price("3x64x64").total.macs


# -- what it is for: a rule that is wrong ----------------------------------------------------------------------------


def test_a_wrong_count_is_found_at_its_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ops.Conv.work

    def work(self: ops.Conv, xs: Sequence[Shape], y: Shape) -> Work:
        """A rule."""
        found = right(self, xs, y)
        return found._replace(macs=found.macs + 1) if self.kernel_size == 7 else found

    monkeypatch.setattr(ops.Conv, "work", work)
    report = convcost.verify("resnet18", input="3x64x64")
    assert not report
    assert {difference.layer for difference in report.differences} == {"layer conv1/conv", "total"}
    sources = [(d.quantity, d.source, d.ours - d.theirs) for d in report.differences if d.layer != "total"]
    assert sources == [
        ("macs", "fvcore", 1),
        ("count in fvcore's dialect", "fvcore", 1),
        ("2 macs", "FlopCounterMode", 2),
    ]
    assert str(report.first).startswith("layer conv1/conv: macs 9,633,793 by Conv(out_channels=64, kernel_size=7,")
    assert str(report.first).endswith("(A rule.), 9,633,792 by fvcore")


def test_wrong_params_and_shapes_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops.BatchNorm, "params", lambda self, xs, y: Params(norm_affine=y[0], norm_stats=y[0]))
    report = convcost.verify("resnet18", input="3x64x64", device="meta")
    quantities = {(d.quantity, d.source) for d in report.differences}
    assert quantities == {("params", "torch's parameters"), ("norm statistics", "torch's buffers")}
    assert len(report.differences) == 20 * 2 + 2
    monkeypatch.undo()
    monkeypatch.setattr(ops.GlobalAvgPool, "out_shape", lambda self, x: (x[0], 1, 2))
    for device in ("cpu", "meta"):
        first, second = convcost.verify("resnet18", input="3x64x64", device=device).differences
        assert str(first).startswith("layer avgpool: output 512x1x2 by GlobalAvgPool()")
        assert str(second).startswith("layer fc: output 1000 by Linear(out_features=1000, bias=True, dim=None)")
        assert "refused (" in str(second)


# -- the command -----------------------------------------------------------------------------------------------------


def test_the_command_says_that_all_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "lenet5", "resnet18", "--device", "meta", "--format", "csv"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[2].startswith("resnet18@v1,3x224x224,69,11689512,1814073344,agrees,holds")


def test_the_command_exits_with_1_if_anything_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ops.Linear, "params", lambda self, xs, y: Params(1, 2))
    assert run(["verify", "resnet18", "--device", "meta"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "resnet18@v1: layer fc: params 3 by Linear(out_features=1000, bias=True, dim=None)" in out
    assert "513,000 by torch's parameters" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "verify takes the names of networks, or --all"),
        (["--all", "resnet18"], "verify takes the names of networks, or --all"),
        (["--all", "--set", "classes=10"], "--set goes with named networks, not with --all"),
        (["googlenett"], "unknown network 'googlenett'; did you mean googlenet?"),
    ],
)
def test_bad_arguments(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", *arguments]) == 2
    assert capsys.readouterr().err == f"error: {line}\n"


def test_what_torch_refuses_to_build_is_one_line() -> None:
    build = GraphBuilder("big", (1, 1))
    build.add(ops.Linear(2**62), build.input)
    with pytest.raises(ConvcostError, match=r"^layer linear: .*") as caught:
        convcost.verify(build.graph())
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_cuda_without_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "resnet18", "--device", "cuda"]) == 2
    assert capsys.readouterr().err == "error: device cuda: this torch finds no CUDA device\n"
    with pytest.raises(ConvcostError, match=r"^device cuda: this torch finds no CUDA device$"):
        convcost.verify("lenet5", module=torch.nn.Identity(), device="cuda")


@pytest.mark.parametrize(
    ("device", "line"),
    [
        ("tpu0", "unknown device 'tpu0': cpu, cuda or meta"),
        (3, "unknown device 3: cpu, cuda or meta"),
        ("fpga", "device fpga: this torch finds none such (Could not run "),
        ("hpu", "device hpu: this torch finds none such (No module named 'torch.hpu')"),
    ],
)
def test_a_device_that_is_not_there(device: Any, line: str) -> None:
    for call in (convcost.verify, convcost.torch_model):
        with pytest.raises(ConvcostError) as caught:
            call("lenet5", device=device)
        assert str(caught.value).startswith(line)


@pytest.mark.parametrize("network", [None, 3, torch.nn.Identity])
def test_what_is_no_network(network: Any) -> None:
    for call in (convcost.verify, convcost.torch_model):
        with pytest.raises(ConvcostError, match=r"^a network is loaded by its name or its file's path, got "):
            call(network)


def test_a_path_is_a_network(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("name: one\ninput: 3x4x4\nlayers:\n  - conv(2, 3)\n", encoding="utf-8")
    assert str(convcost.verify(path, device="meta")).startswith("one: 1 layer, 56 params, 216 macs, as torch's ")


def test_torch_takes_no_symbols_and_no_arrays() -> None:
    line = "lenet5@paper: torch takes one network on one input, not arrays or symbols"
    for size in (convcost.symbol("H"), np.array([32, 64])):
        for call in (convcost.verify, convcost.torch_model):
            with pytest.raises(ConvcostError) as caught:
                call("lenet5", input=(1, size, 32))
            assert str(caught.value) == line


@gpu
@needs_cuda
@pytest.mark.parametrize("name", ["googlenet@paper", "resnet50@v1.5", "mobilenet_v2@torchvision", "densenet121"])
def test_on_a_gpu(name: str) -> None:
    report = convcost.verify(name, device="cuda")
    assert report.ok, str(report)
    assert "a forward pass on cuda" in report.against


@gpu
@needs_cuda
def test_modules_on_a_gpu() -> None:
    module = convcost.torch_model("resnet18", device="cuda")
    for device in (None, "cuda", "cuda:0"):
        assert convcost.verify("resnet18", module=module, device=device).ok
    with pytest.raises(ConvcostError, match=r"^device cpu: the module is on cuda:0; move it there"):
        convcost.verify("resnet18", module=module, device="cpu")


COMMAND = [sys.executable, "-c", "from convcost.cli import main; main()", "verify", "lenet5", "resnet18", "--device"]


def test_no_progress_bar_where_nobody_looks() -> None:
    done = subprocess.run([*COMMAND, "meta", "--format", "json"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["schema"] == 1


def test_a_progress_bar_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    with subprocess.Popen([*COMMAND, "meta", "--format", "json"], stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # how a terminal says that there is no more
            while part := os.read(ours, 4096):
                seen += part
        out = process.stdout.read()
    os.close(ours)
    assert process.returncode == 0
    assert b"resnet18@v1" in seen
    assert json.loads(out)["schema"] == 1


def test_whatever_fvcore_raises_is_said_of_a_layer_or_in_one_line(monkeypatch):
    """Where no layer is left to say it of, nothing may look as if it agreed."""
    model = convcost.torch_model("lenet5")

    def broken():
        raise ArithmeticError("no\ncount")

    assert crosscheck.run_observed(model, broken) == ([], ["refused (ArithmeticError: no count)"])
    with pytest.raises(ArithmeticError):
        crosscheck.run_observed(model, lambda: (model(torch.zeros(1, 1, 32, 32)), broken()))
    monkeypatch.setattr(crosscheck, "_by_fvcore", lambda *_: broken())
    with pytest.raises(convcost.ConvcostError, match=r"^lenet5@paper: torch: ArithmeticError: no count$"):
        convcost.verify("lenet5")


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("scale", [2 * 10**6, 2 * 10**9])
def test_too_little_memory_is_no_verdict(scale, device, tmp_path, capsys):
    """More bytes than any machine has, and more than torch's sizes hold: nothing is known of the layer then."""
    if (scale, device) == (2 * 10**6, "meta"):
        pytest.skip("on the meta device there is room")
    spec = tmp_path / "wide.yaml"
    spec.write_text(f"name: wide\nsource: x\ninput: 3x32x32\nlayers:\n- near: relu\n- far: upsample({scale})\n")
    assert run(["verify", str(spec), "--device", device]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: layer far: torch: RuntimeError: .*(can't allocate memory|overflowed).*\n", err)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("of Python"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("could not create a memory object"),
    ],
)
def test_every_way_to_say_that_memory_is_out_is_an_error_that_names_the_layer(error):
    model = convcost.torch_model("lenet5")

    def full(*_):
        raise error

    model.steps[1].layer.forward = full
    with pytest.raises(
        convcost.ConvcostError, match=rf"^layer {list(model.paths)[1]}: torch: {type(error).__name__}: "
    ):
        crosscheck.run_observed(model, lambda: model(torch.zeros(1, 1, 32, 32)))
