"""A network against its torch model: parameters, the shapes of a real forward pass, and macs by two other counters.

Importing this module imports torch and fvcore.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from fvcore.nn import FlopCountAnalysis  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from convcost.cost.cost import Cost
from convcost.cost.graph import Graph
from convcost.counters.line import Line
from convcost.counters.rules import count, rule
from convcost.errors import ConvcostError, reason, unwarned
from convcost.exact.integers import Int
from convcost.ops import Op, Shape, format_shape
from convcost.torchbridge.module import TorchModel, samples, too_large, zeros
from convcost.torchbridge.report import Difference, Quantity, Verification

_MACS_OF_FVCORE = ("conv", "linear", "addmm", "matmul", "mm", "bmm")
"""What fvcore calls multiply-adds; what it counts of normalisations, poolings and upsampling goes by other names."""
_NO_STATISTICS = ("num_batches_tracked", "points", "kernel")
"""Buffers that no convention counts: of training steps, of the targets of a radial basis layer, of a blur's kernel."""


class Claim(NamedTuple):
    """What somebody else says of a quantity, layer by layer as far as it goes, and in total."""

    quantity: str
    source: str
    rule: str
    """The operators' method that gives ours, or the rule itself."""
    ours: Callable[[Line], Quantity]
    theirs: Sequence[Quantity]
    total: int | None = None


def verify_graph(graph: Graph, shape: Shape, device: torch.device) -> Verification:
    """Build the torch model of a graph and compare the two, per layer and in total.

    On the meta device nothing is allocated or computed; fvcore, which cannot trace there, is left out.
    Raises ConvcostError if torch cannot build or run such a model.
    """
    batch = samples(graph)
    with unwarned():  # whoever asked for a verification has been warned
        cost = Cost(graph, shape, batch)
    try:
        with device:
            model, xs = TorchModel(graph, shape), zeros(shape, batch)
    except RuntimeError as error:
        raise ConvcostError(f"{graph.name}: torch refuses an input of {format_shape(shape)}: {reason(error)}") from None
    claims = [*_parameters(model), *_counted(model, xs, cost)]
    total = cost.with_auxiliary
    against = tuple(dict.fromkeys(claim.source for claim in claims))
    return Verification(
        graph.name, shape, against, len(cost), total.params, total.macs // batch, tuple(_differences(cost, claims))
    )


def _parameters(model: TorchModel) -> Iterator[Claim]:
    """What the layers store."""
    layers = [step.layer for step in model.steps]
    firsts = [number == layers.index(layer) for number, layer in enumerate(layers)]
    trained = [first * sum(p.numel() for p in layer.parameters()) for layer, first in zip(layers, firsts, strict=True)]
    stored = [
        first * sum(b.numel() for n, b in layer.named_buffers() if n not in _NO_STATISTICS)
        for layer, first in zip(layers, firsts, strict=True)
    ]
    total = sum(p.numel() for p in model.parameters())
    yield Claim("params", "torch's parameters", "params", lambda line: line.params, trained, total)
    yield Claim("norm statistics", "torch's buffers", "params", lambda line: line.norm_stats, stored, sum(stored))


def _counted(model: TorchModel, xs: tuple[Tensor, ...], cost: Cost) -> Iterator[Claim]:
    """What a forward pass gives, and what others count of it; where torch refuses a layer, nothing is counted."""
    device = xs[0].device.type
    if device == "meta":
        given, outputs = _outlined(model, xs)
    else:
        analysis = FlopCountAnalysis(model, xs).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        given, outputs = run_observed(model, analysis.by_module_and_operator)
    yield Claim("output", f"a forward pass on {device}", "out_shape", lambda line: line.shape, outputs)
    if len(given) < len(outputs):
        return
    if device != "meta":
        yield from _by_fvcore(model, analysis, cost)
    yield _by_torch(model.to("meta"), given)


def _seen_by_fvcore(line: Line) -> Int:
    """Multiply-adds but those of attention and recurrence, of which it counts nothing."""
    return line.macs - sum(count(kind, line) for kind in ("attention macs", "heads attention macs", "recurrent macs"))


def _by_fvcore(model: TorchModel, analysis: FlopCountAnalysis, cost: Cost) -> Iterator[Claim]:
    counts = analysis.by_module_and_operator()
    paths = [*model.paths.values(), ""]
    # Its counts come apart by operator: without those of BN and pooling they are what handles that return 0 would give.
    *macs, total = [sum(counts[path][name] for name in _MACS_OF_FVCORE) for path in paths]
    yield Claim("macs", "fvcore", "work", _seen_by_fvcore, _each(macs, cost, _seen_by_fvcore), total)
    *macs, total = [sum(counts[path].values()) for path in paths]
    fvcore = rule("fvcore")
    macs = _each(macs, cost, fvcore.of)
    yield Claim("count in fvcore's dialect", "fvcore", fvcore.formula, fvcore.of, macs, total)


def _each(counts: list[Quantity], cost: Cost, ours: Callable[[Line], Quantity]) -> list[Quantity]:
    """Counts of modules as counts of layers: of a module's later uses as ours says, and the rest of its first."""
    for number, (node, row) in enumerate(zip(cost.graph.nodes, cost.rows, strict=True)):
        if node.shares is not None:
            counts[number] = ours(row)
            counts[node.shares] -= ours(row)  # type: ignore[operator]  # both are ints
    return counts


def _by_torch(model: TorchModel, given: Sequence[tuple[torch.Size, ...]]) -> Claim:
    """What FlopCounterMode says of each layer, on tensors that have a shape and nothing else."""
    flops: list[int] = []
    known: dict[Hashable, int] = {}
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for step, shapes in zip(model.steps, given, strict=True):
            alike = (step.built, shapes)
            if step.multiplies and alike not in known:
                before = counter.get_total_flops()
                step.layer(*(torch.empty(shape, device="meta") for shape in shapes))
                known[alike] = counter.get_total_flops() - before
            flops.append(known.get(alike, 0))
    return Claim("2 macs", "FlopCounterMode", "work", lambda line: 2 * line.macs, flops, sum(flops))


def run_observed(
    model: TorchModel, forward: Callable[[], object]
) -> tuple[list[tuple[torch.Size, ...]], list[Quantity]]:
    """Run a model: the shapes that its layers are given, and those that they give, batch apart, in order.

    If torch refuses a layer, the last output is what it says of that. Raises ConvcostError where it has no room for an
    output, which says nothing of the layer.
    """
    given: list[tuple[torch.Size, ...]] = []
    outputs: list[Quantity] = []

    def note(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        # A tracer would record that sizes are read, at a cost.
        tracing = torch._C._get_tracing_state()
        torch._C._set_tracing_state(None)  # type: ignore[attr-defined]  # torch's stubs know only the getter
        given.append(tuple(x.shape for x in inputs))
        outputs.append(tuple(output.shape[1:]))
        torch._C._set_tracing_state(tracing)  # type: ignore[attr-defined]

    layers = {id(step.layer): step.layer for step in model.steps}.values()
    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        with _refusal_among(outputs, model), torch.no_grad():
            forward()
    finally:
        for hook in hooks:
            hook.remove()
    return given, outputs


def _outlined(model: TorchModel, xs: tuple[Tensor, ...]) -> tuple[list[tuple[torch.Size, ...]], list[Quantity]]:
    """The same of a model on the meta device."""
    given: list[tuple[torch.Size, ...]] = []
    outputs: list[Quantity] = []
    with _refusal_among(outputs, model):
        for shapes, output in model.outline(*xs):
            given.append(shapes)
            outputs.append(tuple(output[1:]))
    return given, outputs


@contextmanager
def _refusal_among(outputs: list[Quantity], model: TorchModel) -> Iterator[None]:
    """Take what torch says of a layer that it refuses for the last of the outputs."""
    try:
        yield
    except Exception as error:  # torch's or fvcore's, of any kind
        if len(outputs) == len(model.steps):  # no layer's: nothing would be left to say it
            raise
        if too_large(error):
            raise ConvcostError(f"layer {[*model.paths][len(outputs)]}: torch: {reason(error)}") from error
        outputs.append(f"refused ({reason(error)})")


def _differences(cost: Cost, claims: Sequence[Claim]) -> Iterator[Difference]:
    for number, row in enumerate(cost.rows):
        for claim in claims:
            if number < len(claim.theirs) and (ours := claim.ours(row)) != (theirs := claim.theirs[number]):
                yield Difference(f"layer {row.name}", claim.quantity, ours, theirs, claim.source, _rule(row.op, claim))
    for claim in claims:
        if claim.total is not None and (ours := claim.ours(cost.with_auxiliary)) != claim.total:
            yield Difference("total", claim.quantity, ours, claim.total, claim.source, "the sum of its layers")


def _rule(op: Op | None, claim: Claim) -> str:
    """The operator's rule in its own words: what it is, and what its method says."""
    method = getattr(type(op), claim.rule, None)
    return f"{op} ({inspect.getdoc(method)})" if method else claim.rule
