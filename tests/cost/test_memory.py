"""Peak memory: by hand, against what torch really holds at every layer, and in three number systems.

The oracle on CPU is torch's own memory profiler: every allocation and release, with the layer in which it happened.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import reduce
from itertools import islice
from operator import iadd, imul
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from complete import require_lines
from effort import bounded, warm
from hypothesis import given, settings
from random_graphs import random_graphs
from torch.nn import functional as F  # noqa: N812  # what everyone calls it
from torch.profiler import ProfilerActivity, profile, record_function

import convcost
from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.graph import Graph
from convcost.cost.memory import DTYPES, Moment, Types, moments, peak, peak_memory
from convcost.counters.line import Line
from convcost.errors import ConvcostError
from convcost.exact.poly import symbol
from convcost.exact.poly.assume import explored
from convcost.network import Network, every_variant, load
from convcost.ops import Conv, Dropout, Flatten, GlobalAvgPool, Linear, ReLU, Split
from convcost.spec.catalog import shipped, shipped_files
from convcost.torchbridge.layers import build
from convcost.torchbridge.module import TorchModel

pytestmark = pytest.mark.usefixtures("one_thread")
NETWORKS = [
    "alexnet", "vgg16", "googlenet", "inception_v3", "resnet50", "densenet121", "mobilenet_v2",
    "shufflenet_v2_x1.0", "se_resnet50", "efficientnet_b0", "nasnet_mobile",
]  # fmt: skip
FURTHER = [
    "yolov3", "yolov5n", "yolov8n", "fpn_resnet50", "ssdlite320_mobilenet_v2",  # of several outputs
    "resnet18", "squeezenet", "mobilenet_v1", "vovnet39", "dla34", "convnext_tiny",
]  # fmt: skip


# -- by hand ----------------------------------------------------------------------------------------------------------


def residual() -> Cost:
    """A residual connection around conv, relu and a view, in front of a classifier."""
    g = GraphBuilder("residual", input=(4, 8, 8))
    a = g.add(Conv(4, 3, padding=1), g.input, name="a")
    b = g.add(ReLU(), a, name="b")
    c = g.add(Dropout(), b, name="c")
    d = g.add(Conv(4, 3, padding=1), c, name="d")
    e = g.add(ops.Add(), d, a, name="e")
    f = g.add(GlobalAvgPool(), e, name="f")
    g.add(Linear(10), g.add(Flatten(), f, name="g"), name="h")
    return Cost(g.graph())


def test_by_hand() -> None:
    """256 elements per map: the input dies in a, the relu's output in d, a's in the sum."""
    found = {moment.line.name: (moment.writes, moment.alive) for moment in moments(residual())}
    assert found == {
        "a": (256, 512),
        "b": (256, 512),
        "c": (0, 512),
        "d": (256, 768),
        "e": (256, 768),
        "f": (4, 260),
        "g": (0, 4),
        "h": (10, 14),
    }
    assert peak(residual()) == 768
    assert peak_memory(residual()) == 3072
    assert peak_memory(residual(), "int8") == 768


def test_in_place_by_hand() -> None:
    """The relu may not overwrite a, which the sum needs; the sum may overwrite d."""
    found = {moment.line.name: (moment.writes, moment.alive) for moment in moments(residual(), in_place=True)}
    assert found["b"] == (256, 512)
    assert found["e"] == (0, 512)


def test_a_join_of_many_takes_no_longer_for_each_of_them() -> None:
    """9,000 branches, each alive until the join: adding them all up at each layer took 7 seconds."""
    g = GraphBuilder("wide", (3, 8, 8))
    g.add(ops.Concat(), *[g.add(ReLU(), g.input) for _ in range(9_000)])
    cost = Cost(g.graph())
    found: list[Moment] = []
    assert bounded(warm(lambda: found.extend(moments(cost)))())
    assert [moment.alive for moment in found[:-1]] == [192 * (n + 2) for n in range(9_000)]
    assert found[-1].alive == 192 * 18_000  # the input went with the last branch


def test_a_part_keeps_the_whole_alive() -> None:
    """As torch.chunk does: a view's memory is all of what it is a view of."""
    g = GraphBuilder("split", input=(4, 2, 2))
    x = g.add(Conv(6, 1), g.input)
    half = g.add(Split(2, 1), x)
    rest = g.add(Split(2, 0), x)
    g.add(ops.Add(), g.add(Conv(3, 1), half), rest)
    assert [moment.alive for moment in moments(Cost(g.graph()))] == [40, 24, 24, 36, 48]


def test_auxiliary_heads_do_not_run_at_inference() -> None:
    whole = load("googlenet", aux=True).price()
    assert whole.auxiliary is not None
    assert peak(whole) == peak(load("googlenet").price())
    assert not any(moment.line.aux for moment in moments(whole))


def test_unknown_dtype() -> None:
    with pytest.raises(ConvcostError, match="unknown dtype 'float23'; did you mean float32"):
        peak_memory(residual(), "float23")


def test_sizes_of_types_are_those_of_torch() -> None:
    assert {name: getattr(torch, name).itemsize for name in DTYPES} == dict(DTYPES)


# -- against torch ----------------------------------------------------------------------------------------------------


class Held(NamedTuple):
    """What torch holds, in bytes."""

    at_the_end: int
    """When the layer has its output, and its inputs are still there."""
    at_most: int
    """While it computes."""
    padded: int
    """Of `at_the_end`, what is there because torch pads in a copy, where a layer of ours pads by itself."""


IN_PLACE: dict[type[ops.Op], Any] = {
    ops.Exp: torch.exp_, ops.Log: torch.log_, ops.Sqrt: torch.sqrt_, ops.Rsqrt: torch.rsqrt_,
    ops.Square: torch.square_, ops.Abs: torch.abs_, ops.Shift: lambda x: x.add_(1.0),
    ops.ReLU: F.relu_, ops.ReLU6: lambda x: F.relu6(x, inplace=True), ops.Swish: lambda x: F.silu(x, inplace=True),
    ops.Sigmoid: torch.sigmoid_, ops.Tanh: torch.tanh_, ops.HardSigmoid: lambda x: F.hardsigmoid(x, inplace=True),
    ops.LeakyReLU: F.leaky_relu_, ops.ELU: F.elu_, ops.SELU: F.selu_, ops.HardTanh: F.hardtanh_,
    ops.Mish: lambda x: F.mish(x, inplace=True),
    ops.HardSwish: lambda x: F.hardswish(x, inplace=True), ops.Scale: lambda x: x.mul_(1.0),
}  # fmt: skip
"""Torch's own in-place forms of the operators with one input that have one."""


def in_place_form(op: ops.Op, given: list[torch.Tensor], into: int) -> torch.Tensor:
    """Torch's own in-place form of an operator, which overwrites one of its inputs."""
    if type(op) in IN_PLACE:
        out = IN_PLACE[type(op)](given[0])
    else:
        first = given.pop(into)
        rank = first.dim()
        given = [x[(..., *(None,) * (rank - x.dim()))] for x in given]
        out = reduce(iadd if isinstance(op, ops.Add) else imul, given, first)
    assert isinstance(out, torch.Tensor)
    return out


def stored(x: torch.Tensor) -> tuple[int, int]:
    """Where the memory of a tensor is, and how much."""
    storage = x.untyped_storage()
    return storage.data_ptr(), storage.nbytes()


def run(cost: Cost, model: TorchModel, tensors: dict[int, torch.Tensor], *, in_place: bool = False) -> dict[str, int]:
    """Run a model's layers as its forward does, on tensors that nobody else holds; the padding of each layer.

    In place, the layers that write nothing of their own by our account overwrite the input that has to be theirs.
    """
    padding: dict[str, int] = {}
    writes = {moment.line.name: moment.writes for moment in moments(cost, in_place=in_place)}
    for row, (layer, _, inputs, preparation, output, done, _) in zip(cost.rows, model.steps, strict=True):
        assert row.op is not None
        with record_function(f"layer {row.name}"):
            given = [tensors[i] for i in inputs]
            for i in done:
                del tensors[i]
            if preparation is not None:
                before, size = stored(given[0])
                given = [preparation(given.pop())]
                after, padded = stored(given[0])
                if after != before:
                    gone = all(stored(x)[0] != before for x in tensors.values())
                    padding[row.name] = padded - size * gone
            if in_place and row.op.memory == "in place" and not writes[row.name]:
                kept = {stored(x)[0] for x in tensors.values()}
                free = (i for i, x in enumerate(given) if stored(x)[0] not in kept and x.shape[1:] == row.shape)
                tensors[output] = in_place_form(row.op, given, next(free))
            else:
                tensors[output] = layer(*given)
        del given
    return padding


def held_on_cpu(cost: Cost) -> dict[str, Held]:
    """By torch's memory profiler, per layer."""
    model = TorchModel(cost.graph, cost.input)
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as found:
        xs = [torch.zeros(cost.batch, *x) for x in ops.inputs_of(cost.input).values()]
        given = model.numbered(*xs)
        del xs
        padding = run(cost, model, given)
    events = found.profiler.kineto_results.events()  # type: ignore[union-attr]  # there is one after the run
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    ranges = sorted((e.start_ns(), e.end_ns(), e.name()) for e in events if e.name().startswith("layer "))
    held: dict[str, Held] = {}
    total = done = 0
    for start, end, name in ranges:
        while done < len(changes) and changes[done][0] < start:
            total += changes[done][1]
            done += 1
        most = total
        while done < len(changes) and changes[done][0] <= end:
            total += changes[done][1]
            most = max(most, total)
            done += 1
        layer = name.removeprefix("layer ")
        held[layer] = Held(total, max(most, total), padding.get(layer, 0))
    assert len(held) == len(cost)
    return held


@pytest.mark.parametrize("name", [*NETWORKS, *FURTHER])
def test_torch_holds_what_liveness_says_at_every_layer(name: str) -> None:
    """To the byte, but for copies that torch pads in; and while a layer computes, what its library needs besides.

    That is, in torch 2.13 on CPU: the indices of every maximum, in int64; two numbers per channel of a batch norm,
    the statistics that only training uses; in convolutions, copies of input, weights and output as oneDNN wants them;
    and squares and sums of a local response norm.
    """
    cost = load(name).price()
    held = held_on_cpu(cost)
    besides: dict[str, int] = defaultdict(int)
    for moment in moments(cost):
        line, found = moment.line, held[moment.line.name]
        assert found.at_the_end == 4 * moment.alive + found.padded, line.name
        more = found.at_most - found.at_the_end
        besides[line.operator] = max(besides[line.operator], more)
        tensors = 4 * (line.elements + line.weights + sum(map(math.prod, line.inputs))) + abs(found.padded)
        exact = {"maxpool": 8 * line.elements, "bn": 8 * line.shape[0]}
        limits = dict.fromkeys(("conv", "dwconv", "conv_transpose", "lrn"), 2 * tensors)
        limits |= dict.fromkeys(("linear", "global_avgpool", "avgpool", "zeropad", "layernorm"), tensors)
        limits |= dict.fromkeys(("upsample", "resize_like"), tensors)
        if line.operator in exact and not found.padded:
            assert more == exact[line.operator], line.name
        else:
            copied = tensors if found.padded else 0
            assert 0 <= more <= exact.get(line.operator, limits.get(line.operator, 0)) + copied, line.name
    assert max(found.at_most for found in held.values()) >= peak_memory(cost)
    assert besides


def moves_nothing(line: Line) -> bool:
    """Whether it is a shuffle that leaves every channel where it is, which torch gives as a view."""
    return isinstance(line.op, ops.ChannelShuffle) and line.op.groups in (1, line.shape[0])


def is_transposed(line: Line) -> bool:
    """Whether torch lays out a batch of its outputs by position first: nn.MultiheadAttention does, and transposes."""
    return isinstance(line.op, ops.SelfAttention | ops.MultiheadAttention)


def test_torch_flattens_a_copy_of_what_multihead_attention_makes_of_a_batch() -> None:
    """As found on a random graph: 2 samples of 2 x 2, of which a flatten is no view."""
    attention = torch.nn.MultiheadAttention(2, 1, batch_first=True).eval()
    x = torch.randn(2, 2, 2)
    made = attention(x, x, x)[0]
    assert not made.is_contiguous()
    assert stored(made.flatten(1)) != stored(made)


@settings(max_examples=100)
@given(random_graphs())
def test_torch_holds_what_liveness_says_on_random_graphs(graph: Graph) -> None:
    cost = Cost(graph, batch=2)
    main = {moment.line.name: moment for moment in moments(cost)}
    if len(main) < len(cost) or any(map(moves_nothing, cost)):
        return  # torch's model runs the auxiliary heads, too
    if any(isinstance(line.op, ops.LSTM | ops.GRU) for line in cost):
        return  # whose last states torch returns as well, and holds
    if any(isinstance(line.op, ops.Parameter) and line.op.learned is not None for line in cost):
        return  # whose places torch fills in each pass, once for all samples: deployed, they are a weight
    if any(map(is_transposed, cost)) and any(isinstance(line.op, ops.Flatten | ops.Reshape) for line in cost):
        return  # of what lies transposed, torch flattens a copy
    for name, found in held_on_cpu(cost).items():
        assert found.at_the_end == 4 * main[name].alive + found.padded, name


def test_what_is_said_to_work_in_place_does_in_torch() -> None:
    said = [op.name for op in ops.REGISTRY.values() if op.inputs == 1 and op.memory == "in place"]
    place = "tests/cost/test_memory.py, IN_PLACE"
    require_lines(
        (op.name for op in IN_PLACE), said, place, "torch's in-place form of {}, or the operator no 'in place'"
    )
    for op, form in IN_PLACE.items():
        x = torch.randn(2, 3, 4, 4)
        expected = build(op(), ((3, 4, 4),))(x.clone())
        found = form(x)
        assert stored(found) == stored(x)
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)  # roots of negative numbers


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "densenet121", "mobilenet_v2", "se_resnet50", "efficientnet_b0"])
def test_in_place_nothing_is_overwritten_that_is_needed(name: str) -> None:
    """The layers that are said to work in place do, in torch, and the output is the same."""
    cost = load(name).price((3, 64, 64))
    model, x = TorchModel(cost.graph, cost.input), torch.randn(1, *cost.input)
    with torch.no_grad():
        tensors = {0: x.clone()}
        run(cost, model, tensors, in_place=True)
        assert torch.equal(tensors[model.outputs[0]], model(x))
    assert peak(cost, in_place=True) <= peak(cost)
    saved = [m.line.operator for m in moments(cost, in_place=True) if not m.writes and m.line.op.memory == "in place"]
    assert "relu" in saved or "relu6" in saved or "swish" in saved


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_allocator_on_cuda_holds_what_liveness_says(name: str) -> None:
    """Bytes asked of the allocator, at its peak: at least ours, and what the libraries need besides on top."""
    cost = load(name).price()
    model = TorchModel(cost.graph, cost.input).cuda()
    with torch.no_grad():
        run(cost, model, {0: torch.zeros(1, *cost.input, device="cuda")})
        torch.cuda.synchronize()
        before = torch.cuda.memory_stats()["requested_bytes.all.current"]
        torch.cuda.reset_peak_memory_stats()
        run(cost, model, {0: torch.zeros(1, *cost.input, device="cuda")})
        torch.cuda.synchronize()
    assert torch.cuda.memory_stats()["requested_bytes.all.peak"] - before >= peak_memory(cost)


# -- one rule in three number systems ---------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [1, pytest.param(None, marks=pytest.mark.slow)], ids=["one of each", "all"])
def test_shipped_networks_in_symbols_and_arrays(most: int | None) -> None:
    """At three input sizes, of which two fit an array."""
    height = symbol("H")
    for network in (network for path in shipped_files() for network in islice(every_variant(shipped(path)), most)):
        first = network.price()
        channels, *sizes = first.input
        at = [peak(first), *(peak(network.price((channels, *(n + more for n in sizes)))) for more in (64, 128))]
        grown = np.array([0, 64, 128])
        arrays = peak(network.price((channels, *(n + grown for n in sizes))))
        assert np.broadcast_to(arrays, 3).tolist() == at, network.name
        try:
            formula = peak(network.price((channels, *(height + (n - sizes[0]) for n in sizes))))
        except ConvcostError:
            continue  # a fixed size behind a fully connected layer
        values = [formula.evaluate({"H": sizes[0] + more}) if not isinstance(formula, int) else formula
                  for more in (0, 64, 128)]  # fmt: skip
        if len(set(sizes)) == 1:
            assert values == at, network.name


def symbolic(network: Network, **knobs: Any) -> Any:
    """The peak on symbolic knobs, of depth among them."""
    value, _ = explored(lambda: peak(network.price(**knobs)))
    return value


def test_symbolic_depth_is_the_layers_written_out() -> None:
    n = symbol("n", at_least=1)
    formula = symbolic(load("resnet20"), n=n)
    assert [formula.evaluate({"n": k}) for k in (1, 2, 3, 9)] == [
        peak(load("resnet20", n=k).price()) for k in (1, 2, 3, 9)
    ]


@pytest.mark.parametrize(
    ("units", "growth"), [((6, 12, 24, 16), 32), ((1, 1, 1, 1), 3), ((1, 9, 2, 1), 12), ((3, 1, 1, 40), 7)]
)
def test_symbolic_dense_blocks_are_the_layers_written_out(units: tuple[int, ...], growth: int) -> None:
    """What a layer takes grows with its index, so that the last one holds most."""
    names = [f"u{i}" for i in range(4)]
    network = load("densenet121")
    formula = symbolic(network, units=tuple(symbol(name, at_least=1) for name in names),
                       growth_rate=symbol("k", at_least=1))  # fmt: skip
    at = formula.evaluate({**dict(zip(names, units, strict=True)), "k": growth})
    assert at == peak(network.price(units=units, growth_rate=growth))


def test_batch_and_laws() -> None:
    for name in ("resnet50", "densenet121", "nasnet_mobile"):
        one, many = load(name).price(), load(name).price(batch=7)
        assert peak(many) == 7 * peak(one)
        found = moments(one)
        assert all(m.alive >= m.writes + max(map(math.prod, m.line.inputs)) for m in found)
        assert peak(one) <= math.prod(one.input) + sum(m.writes for m in found)
        assert peak(one, in_place=True) <= peak(one)


def test_it_is_there_for_a_library() -> None:
    assert convcost.peak_memory(convcost.load("resnet50").price()) == 9_633_792


def test_types_by_part() -> None:
    """int8 of tensors and weights, int32 of biases and of an output while it is added up, by hand."""
    g = GraphBuilder("net", input=(3, 8, 8))
    x = g.add(ReLU(), g.add(Conv(4, 3, padding=1), g.input, name="conv"), name="relu")
    g.add(Linear(10), g.add(Flatten(), x, name="flat"), name="fc")
    cost = Cost(g.graph())
    types = Types("int8", others="int32", accumulators="int32")
    alive = {moment.line.name: types.alive(moment) for moment in moments(cost)}
    assert alive == {"conv": 192 + 4 * 256, "relu": 2 * 256, "flat": 256, "fc": 256 + 4 * 10}
    assert types.stored(cost.total) == (108 + 2560) + 4 * (4 + 10)
    assert Types("float16").stored(cost.total) == 2 * cost.total.counts.total
    assert [*map(Types("float16").alive, moments(cost))] == [2 * moment.alive for moment in moments(cost)]
    assert str(types) == "int8, int32 of others, int32 of accumulators"
    with pytest.raises(ConvcostError, match="unknown dtype 'int4'"):
        Types("int8", weights="int4").stored(cost.total)
