"""Every operator against the module or function of PyTorch that does the same, on random arguments.

PyTorch runs for real, on small tensors: the output's shape, the parameters, its own count of operations, and which
inputs reach which outputs. What it has no argument for (`same` with a stride, one-sided padding) is brought about by
padding the tensor; the rounding rules that it does not know are in test_ops_laws.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from complete import require_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Applied, applied, spread
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torch_modules import CONV, MODULES, NORM, conv, symmetric

from convcost import ops
from convcost.cost.graph import evaluate
from convcost.errors import ConvcostError
from convcost.ops import REGISTRY, Op, Params, Shape
from convcost.ops.doubts import doubts
from convcost.torchbridge.layers import BUILDERS, build

pytestmark = pytest.mark.usefixtures("one_thread")
EXAMPLES = {
    "conv": 500,
    "dwconv": 300,
    "conv_transpose": 500,
    "maxpool": 500,
    "avgpool": 300,
    "mul": 100,
    "upsample": 100,
}


def within_torch(op: Op, xs: tuple[Shape, ...]) -> Op:
    """The operator, with another rounding where PyTorch does not have its own."""
    pooling = isinstance(op, ops.MaxPool | ops.AvgPool) and op.padding != "same"
    if pooling and (op.ceil_mode == "caffe" or not symmetric(op, xs[0])):
        return op.replace(ceil_mode=False)
    return op


def parameters(module: nn.Module) -> Params:
    """The elements that PyTorch stores, by kind."""
    counts = dict.fromkeys(Params._fields, 0)
    for part in module.modules():
        norm = isinstance(part, NORM)
        for name, values in part.named_parameters(recurse=False):
            counts["norm_affine" if norm else "biases" if "bias" in name else "weights"] += values.numel()
        for name, values in part.named_buffers(recurse=False):
            # num_batches_tracked counts steps of training; it is no parameter in any convention.
            counts["norm_stats"] += values.numel() if name != "num_batches_tracked" else 0
    return Params(**counts)


def test_every_operator_is_compared() -> None:
    require_lines(MODULES, REGISTRY, "tests/torch_modules.py, MODULES", '"{}": lambda op, x: nn...')


def test_every_operator_has_a_torch_layer() -> None:
    built = (op.name for op in BUILDERS)
    require_lines(built, REGISTRY, "convcost/torchbridge/layers.py, BUILDERS", "the torch layer of {}")


def test_an_operator_without_a_torch_layer_is_an_error_that_says_where_it_goes() -> None:
    class Mish(Op):
        name = "mish"

    with pytest.raises(
        ConvcostError, match=r"^mish has no torch layer: .*layers.py, BUILDERS wants a line: ops.Mish: "
    ):
        build(Mish(), ((3, 4, 4),))


@pytest.mark.parametrize("name", REGISTRY)
def test_shape_and_parameters(name: str) -> None:
    @settings(deadline=None, max_examples=EXAMPLES.get(name, 40))
    @given(applied(name))
    def check(drawn: Applied) -> None:
        op, xs = within_torch(*drawn), drawn[1]
        module = MODULES[name](op, *xs).eval()
        with torch.no_grad():
            y = module(*(torch.zeros(2, *x) for x in xs))
        _, _, shape, params, _, _ = evaluate(op, xs)
        assert shape == tuple(y.shape[1:])
        assert params == parameters(module)

    check()


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["conv", "dwconv", "conv_transpose", "linear"]).flatmap(applied))
def test_macs(drawn: Applied) -> None:
    """PyTorch counts two for a multiply-add, and nothing for a bias."""
    op, xs = drawn
    module = MODULES[op.name](op, *xs)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*(torch.zeros(1, *x) for x in xs))
    assert counter.get_total_flops() == 2 * evaluate(op, xs).work.macs


@settings(deadline=None, max_examples=200)
@given(applied("conv"))
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_same_puts_the_odd_element_where_torch_does(drawn: Applied) -> None:
    """PyTorch has `same` for stride 1 only; the values show on which side the odd element is."""
    op, (x,) = drawn[0].replace(stride=1, padding="same", weight_norm=False), drawn[1]
    ours = conv(op, x)
    theirs = CONV[len(x) - 2](
        x[0], op.out_channels, op.kernel_size, padding="same", dilation=op.dilation, groups=op.groups, bias=op.bias
    )
    theirs.load_state_dict({name.split(".")[-1]: value for name, value in ours.state_dict().items()})
    t = torch.rand(1, *x)
    with torch.no_grad():
        torch.testing.assert_close(ours(t), theirs(t))


def reached(op: Op, x: Shape) -> Tensor:
    """reached[i, o]: whether position i of a one-channel input reaches position o of the output."""
    module = MODULES[op.name](op, x).eval()
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    n = torch.Size(x).numel()
    with torch.no_grad():
        y = module(torch.eye(n).reshape(n, *x))
    return y > 1e-6  # a weight of bilinear that is zero comes out as a rounding error


def predicted(op: Op, x: Shape, y: Shape) -> Tensor:
    """The same, from the operator's windows and the holes of its dilation."""
    seen = torch.ones(1, 1, dtype=torch.bool)
    windows = op.windows(x)
    assert windows is not None
    dilations = spread(getattr(op, "dilation", 1), len(x) - 1)
    for (extent, stride, before, upsampling), d, n, m in zip(windows, dilations, x[1:], y[1:], strict=True):
        within = torch.arange(n)[:, None] * upsampling - (torch.arange(m) * stride - before)
        axis = (within >= 0) & (within < extent) & (within % d == 0)
        seen = (seen[:, None, :, None] & axis[None, :, None, :]).flatten(2).flatten(0, 1)
    return seen.reshape(-1, *y)


def one_channel(op: Op) -> Op:
    arguments: dict[str, Any] = {"out_channels": 1, "groups": 1, "bias": False, "multiplier": 1}
    known = {field.name for field in op.fields}
    return op.replace(**{name: value for name, value in arguments.items() if name in known})


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize(
    "name",
    [
        "conv",
        "dwconv",
        "conv_transpose",
        "maxpool",
        "avgpool",
        "zeropad",
        "upsample",
        "resize",
        "adaptive_avgpool",
        "adaptive_maxpool",
    ],
)
def test_windows(name: str, rank: int) -> None:
    """Exactly the inputs in its window reach an output: one input after the other is 1 and the rest 0."""

    @settings(deadline=None, max_examples=100)
    @given(applied(name, rank))
    def check(drawn: Applied) -> None:
        op, x = one_channel(drawn[0]), (1, *drawn[1][0][1:])
        if getattr(op, "mode", "") == "bicubic":
            return  # where input and output are aligned, three of its four weights are 0
        op = within_torch(op, (x,))
        assert torch.equal(reached(op, x), predicted(op, x, evaluate(op, (x,)).shape))

    check()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv", "maxpool", "avgpool"])
def test_a_window_that_torch_refuses_is_refused_and_what_is_rarely_meant_is_warned_of(name: str, rank: int) -> None:
    """All small windows: an error where torch raises one; where it does not, a line of doubt for what is odd."""
    kinds = {"conv": f"Conv{rank}d", "maxpool": f"MaxPool{rank}d", "avgpool": f"AvgPool{rank}d"}
    ours, theirs = REGISTRY[name], getattr(nn, kinds[name])
    channels = (1, 1) if name == "conv" else ()
    zeros = {size: torch.zeros(1, 1, *(size,) * rank) for size in (1, 2, 3, 5)}
    for size, kernel, stride, padding in product(zeros, (1, 2, 3, 4), (1, 2, 3), (0, 1, 2, 3)):
        case, x = f"{size=} {kernel=} {stride=} {padding=}", (1, *(size,) * rank)
        try:
            shape = theirs(*channels, kernel, stride, padding)(zeros[size]).shape[1:]
        except RuntimeError:
            shape = None
        if name == "avgpool" and rank == 3 and size < kernel <= size + 2 * padding and 2 * padding <= kernel:
            assert shape is None, case  # it alone wants the window to fit before it pads, which ours does first
            continue
        try:
            op = ours(*channels[1:], kernel, stride, padding)
            result = evaluate(op, (x,)).shape
        except ConvcostError:
            result = None
        assert result == shape, case
        if shape is not None:
            meant = kernel <= size and not (padding and 2 * padding >= kernel)
            meant &= name != "conv" or kernel == 1 or stride <= kernel
            assert meant == (not list(doubts(op, x))), case
