"""Closed forms of imported networks: those of our specs, right at every size, and refused where a size decides."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import convcost
from convcost import ConvcostError, from_torch
from convcost.imports.watched import Watched


class Made(nn.Module):
    """A module whose forward is a function of it and its input."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.run(self, x)


def conv(*arguments, **named):
    return nn.Conv2d(*arguments, **named, bias=False)


@pytest.mark.parametrize("name", ["squeezenet", "alexnet@torchvision"])
def test_the_form_is_that_of_the_spec(name):
    ours = convcost.load(name)
    module = convcost.torch_model(ours, device="meta")
    back = from_torch(module, ours.input).formula("macs", ["batch", "H", "W"])
    assert back.value == ours.formula("macs", ["batch", "H", "W"]).value


CASES = {
    "channels last": Made(
        lambda m, x: m.fc(m.norm(m.c(x).permute(0, 2, 3, 1))),
        c=conv(3, 6, 4, stride=4),
        norm=nn.LayerNorm(6),
        fc=nn.Linear(6, 5),
    ),
    "mean": Made(lambda m, x: m.fc(m.c(x).mean((2, 3))), c=conv(3, 6, 3, padding=1), fc=nn.Linear(6, 5)),
    "tokens": Made(lambda m, x: m.fc(m.c(x).flatten(2).transpose(1, 2)), c=conv(3, 6, 2, stride=2), fc=nn.Linear(6, 5)),
    "gram": Made(lambda m, x: m.c(x).flatten(2) @ m.c(x).flatten(2).transpose(1, 2), c=conv(3, 6, 2, stride=2)),
    "attention": Made(
        lambda m, x: functional.scaled_dot_product_attention(*[m.c(x).flatten(2).transpose(1, 2)] * 3),
        c=conv(3, 6, 8, stride=8),
    ),
    "upsampled to another": Made(
        lambda m, x: m.c(functional.interpolate(m.s(x), size=x.shape[2:])), c=conv(6, 4, 1), s=conv(3, 6, 3, stride=2)
    ),
    "halves of channels": Made(
        lambda m, x: torch.cat([m.c(y) for y in m.s(x).chunk(2, 1)], 1), c=conv(3, 4, 1), s=conv(3, 6, 3)
    ),
    "groups": Made(
        lambda m, x: m.s(x).view(x.shape[0], 2, 3, -1).transpose(1, 2).reshape(x.shape[0], 6, x.shape[2] - 2, -1),
        s=conv(3, 6, 3),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_form_is_right_at_other_sizes(case):
    net = from_torch(CASES[case], (3, 32, 32))
    forms = {quantity: net.formula(quantity, ["batch", "H", "W"]) for quantity in ("macs", "activations", "params")}
    for batch, height, width in ((1, 17, 89), (3, 50, 33), (4, 66, 20), (2, 71, 71)):
        total = net.price((3, height, width), batch).total
        for quantity, form in forms.items():
            assert form(batch=batch, H=height, W=width) == getattr(total, quantity)


@pytest.mark.parametrize(
    ("forward", "why"),
    [
        (lambda m, x: m.c(x if x.shape[2] % 2 else x[..., 1:]), "the module decides by a size"),
        (lambda m, x: m.c(x if x.shape[2] < 500 else x[..., ::2, ::2]), r"decides by a size \(32 < 500\)"),
        (lambda m, x: m.c(x if x.shape[3] == 32 else x[..., 1:]), "the module decides by a size"),
        (lambda m, x: m.c(x[..., : int(x.shape[3] ** 0.5)]), "is another one at|depends on the size"),
        (lambda m, x: [m.c(y) for y in x.split(16, 3)][-1], "other layers run|another one at|depends on the size"),
    ],
)
def test_what_a_size_decides_has_no_closed_form_and_is_priced_at_each(forward, why):
    net = from_torch(Made(forward, c=conv(3, 4, 3)), (3, 32, 32))
    assert net.price("3x40x48").total.macs > 0
    with pytest.raises(ConvcostError, match=why) as error:
        net.formula("macs", ["H", "W"])
    assert "it is priced at one size at a time" in str(error.value)


def test_a_layer_that_is_made_for_a_size_is_a_condition():
    net = from_torch(nn.Sequential(conv(3, 4, 3, padding=1, stride=4), nn.Flatten(), nn.Linear(256, 10)), (3, 32, 32))
    with pytest.raises(ConvcostError, match="runs on too few sizes"):
        net.formula("macs", ["H", "W"])
    form = net.formula("macs", ["batch"])
    assert form(batch=3) == 3 * net.price().total.macs


def test_one_axis_can_be_a_symbol_of_any_name():
    net = from_torch(nn.Conv1d(2, 4, 3), (2, 100))
    assert net.formula("macs", ["L"])(L=50) == 24 * 48
    length = convcost.symbol("seconds")
    assert net.price((2, length)).total.macs == 24 * (length - 2)
    with pytest.raises(ConvcostError, match="name each axis by a symbol"):
        net.price((2, 100 * length))


def test_sizes_are_numbers_that_tell_of_comparisons():
    told = []
    size = Watched.of(7, lambda *what: told.append(what))
    assert (size + 1) // 2 == 4
    assert not size < 3
    assert size in (6, 7)
    assert bool(size % 7) is False
    assert told == [
        ("==", 4, 4, True),
        ("<", 7, 3, False),
        ("==", 7, 6, False),
        ("==", 7, 7, True),
        ("!=", 0, 0, False),
    ]
    assert torch.zeros(2, size, device="meta").reshape(size * 2).shape == (14,)
