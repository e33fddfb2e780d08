"""What training holds: every operator and whole networks against what torch's autograd saves."""

import pytest
import torch
from cases import operators
from complete import require_lines

from convcost import ops
from convcost.cost.builder import GraphBuilder
from convcost.cost.cost import Cost
from convcost.cost.kept import KEEPS, OPTIMIZERS, kept, states
from convcost.cost.memory_rules import RULES
from convcost.errors import ConvcostError
from convcost.network import load
from convcost.ops import BatchNorm, Conv, GlobalAvgPool, Linear, MaxPool, ReLU
from convcost.torchbridge import layers
from convcost.torchbridge.module import TorchModel

UNKNOWN = {
    "amax", "attention", "blurpool", "deform_conv", "embedding", "grid_sample", "grn", "gru", "lstm", "matmul",
    "masked_attention", "modulated_deform_conv", "multihead_attention", "multihead_self_attention", "normalize", "pad",
    "pow", "rbf", "rmsnorm",
}  # fmt: skip
"""Operators that torch has several kernels of, or that are composed of others: asked for, they are an error."""


def saved(model: TorchModel, cost: Cost) -> int:
    """Bytes of memory that autograd holds, but for parameters; a copy that is padded before a layer is its input."""
    held: dict[int, int] = {}
    copies: dict[int, torch.Tensor] = {}

    def key(tensor: torch.Tensor) -> int:
        return tensor.untyped_storage().data_ptr()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept_one = copies.get(key(tensor), tensor)
        held[key(kept_one)] = kept_one.untyped_storage().nbytes()
        return tensor

    def told(preparation: layers.Preparation) -> layers.Preparation:
        def prepared(x: torch.Tensor) -> torch.Tensor:
            y = preparation(x)
            copies[key(y)] = x
            return y

        return prepared

    model.steps = [step._replace(preparation=step.preparation and told(step.preparation)) for step in model.steps]
    xs = [torch.rand(cost.batch, *x) for x in ops.inputs_of(cost.input).values()]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = model.train()(*xs)
    of_model = {key(tensor) for tensor in (*model.parameters(), *model.buffers())}
    found = sum(size for storage, size in held.items() if storage not in of_model)
    del y
    return found


def bytes_of(cost: Cost) -> int:
    found = sum(one.tensors + one.own for one in kept(cost))
    assert found == RULES["backward"].of(cost, 4)
    return found


def test_every_operator_is_known_or_said_not_to_be():
    place = "convcost/cost/kept.py, KEEPS, or UNKNOWN here"
    require_lines((*KEEPS, *UNKNOWN), ["input", *ops.REGISTRY], place, "what torch keeps of {} for its gradient")


CASES = {
    str(case): case
    for group in vars(operators).values()
    if isinstance(group, tuple) and group and isinstance(group[0], operators.Case)
    for case in group
    if case.op.name in KEEPS and case.xs and sum(map(ops.elements, case.xs)) < 500_000
}


@pytest.mark.parametrize("case", CASES.values(), ids=[*CASES])
def test_an_operator_keeps_what_torch_saves(case):
    """Of channels that are made the last axis, and of products of three, torch keeps a copy besides."""
    try:
        layers.build(case.op, case.xs)
    except ConvcostError:
        return  # torch has none such
    rows = isinstance(case.op, ops.Linear | ops.LayerNorm | ops.GLU) and case.op.dim == 1 and len(case.xs[0]) > 1
    if rows or (case.op.name == "mul" and len(case.xs) > 2):
        return
    g = GraphBuilder("one", input={f"x{i}": x for i, x in enumerate(case.xs)} if len(case.xs) > 1 else case.xs[0])
    g.add(case.op, *(g.add(ops.LayerScale(), x) for x in g.inputs.values()), name="one")
    cost = Cost(g.graph(), batch=2)
    assert bytes_of(cost) == saved(TorchModel(cost.graph), cost)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vgg16", 64), ("resnet18", 96), ("resnet50@v1.5", 96), ("densenet121", 96), ("mobilenet_v2@torchvision", 96),
        ("efficientnet_b0", 96), ("googlenet", 224), ("alexnet", 227), ("squeezenet", 64), ("se_resnet50", 96),
        ("shufflenet_v2_x1_0", 96), ("wrn_28_10", 32), ("convmixer_768_32", 64), ("convnext_tiny", 64),
    ],
)  # fmt: skip
def test_networks_keep_what_torch_saves(name, size):
    cost = load(name).price((3, size, size), batch=2)
    assert bytes_of(cost) == saved(TorchModel(cost.graph, cost.input), cost)


def test_by_hand():
    """conv keeps its input, 192; bn that of 256 and 2 x 4 numbers; relu its output, which the pool keeps, too."""
    g = GraphBuilder("net", input=(3, 8, 8))
    x = g.add(ReLU(), g.add(BatchNorm(), g.add(Conv(4, 3, padding=1), g.input, name="conv"), name="bn"), name="relu")
    x = g.add(GlobalAvgPool(), g.add(MaxPool(2), x, name="pool"), name="gap")
    g.add(Linear(10), g.add(ops.Flatten(), x, name="flat"), name="fc")
    cost = Cost(g.graph(), batch=2)
    found = {one.line.name: (one.tensors, one.own) for one in kept(cost)}
    assert found == {
        "conv": (4 * 2 * 192, 0),
        "bn": (4 * 2 * 256, 4 * 8),
        "relu": (4 * 2 * 256, 0),
        "pool": (0, 8 * 2 * 64),
        "gap": (0, 0),
        "flat": (0, 0),
        "fc": (4 * 2 * 4, 0),
    }
    half = {one.line.name: (one.tensors, one.own) for one in kept(cost, 2)}
    assert half["bn"] == (2 * 2 * 256, 4 * 8), "statistics stay in float32"


TORCHS = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1),
    "momentum": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "amsgrad": lambda params: torch.optim.Adam(params, amsgrad=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_keeps_what_torchs_does(name):
    layer = torch.nn.Linear(7, 5)
    optimizer = TORCHS[name](layer.parameters())
    layer(torch.rand(3, 7)).sum().backward()
    optimizer.step()
    kept_of = [value for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)]
    assert sum(value.numel() for value in kept_of if value.dim()) == states(name) * (7 * 5 + 5)


def test_what_is_not_known():
    with pytest.raises(ConvcostError, match="what torch keeps of attention for its gradient is not known"):
        kept(load("vit_b_16").price())
    with pytest.raises(ConvcostError, match="unknown optimizer 'adan'; did you mean adam"):
        states("adan")
