"""Functions of torch in the forms that are no operator of ours, or another one: shapes as torch's, work by hand."""

from __future__ import annotations

import warnings
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from convcost import from_torch


class Calls(nn.Module):
    """A function of the input and of some parameters."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.stored = nn.ParameterList(torch.zeros(shape) for shape in shapes)

    def forward(self, x):
        return self.function(x, *self.stored)


def last_row(function, shape, *shapes):
    """The last row of the network, whose shape, params and macs have to be torch's."""
    made = Calls(function, *shapes).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, about a softmax without an axis
        net = from_torch(made, shape)
        meta = deepcopy(made).to("meta")
        with FlopCounterMode(display=False) as counter:
            out = meta(torch.zeros(2, *shape, device="meta"))
    total = net.price().total
    assert total.macs * 4 == counter.get_total_flops()
    assert total.params + sum(net.unused.values()) == sum(p.numel() for p in made.parameters())
    *_, row = net.price()
    first = out[0] if isinstance(out, tuple | list) else out
    assert 2 * torch.zeros(row.shape, device="meta").numel() == first.numel()
    return row, net


def planes(x):
    """Each channel as a sample of its own: what follows has the samples, and more, in its first axis."""
    return x.reshape(-1, 1, *x.shape[2:])


N = 4 * 8 * 8
WORK = {
    "max_pool": (lambda x: functional.max_pool2d(planes(x), 2), (), {"compares": N // 4 * 3}),
    "avg_pool": (lambda x: functional.avg_pool2d(planes(x), (2, 4)), (), {"adds": N // 8 * 7, "divs": N // 8}),
    "conv_transpose": (
        lambda x, w, b: functional.conv_transpose2d(planes(x), w, b, 2),
        ((1, 3, 2, 2), (3,)),
        {"macs": N * 3 * 4, "adds": 4 * 3 * 256},
    ),
    "conv": (
        lambda x, w: functional.conv2d(planes(x), w, padding=1),
        ((5, 1, 3, 3),),
        {"macs": N * 5 * 9, "adds": 0},
    ),
    "batch_norm": (
        lambda x, w, b: functional.batch_norm(planes(x), w.detach(), b.detach(), w, b),
        ((1,), (1,)),
        {"adds": N, "muls": N},
    ),
    "addmm": (lambda x, b, w: torch.addmm(b, x.flatten(1), w), ((7,), (N, 7)), {"macs": 7 * N, "adds": 7}),
    "baddbmm": (
        lambda x: torch.baddbmm(x[:, 0], x[:, 1], x[:, 2]),
        (),
        {"macs": 8 * 8 * 8, "adds": 64},
    ),
    "outer": (lambda x: torch.einsum("bi,bj->bij", x[:, 0, 0], x[:, 1, 0]), (), {"macs": 0, "muls": 64}),
    "einsum": (lambda x, w: torch.einsum("bchw,cd->bdhw", x, w), ((4, 6),), {"macs": 64 * 4 * 6}),
    "einsum of further axes": (lambda x, w: torch.einsum("...w,wd->...d", x, w), ((8, 6),), {"macs": N * 6}),
    "einsum that broadcasts": (
        lambda x: torch.einsum("bcij,bcjk->bcik", x, x[:, :1]),
        (),
        {"macs": 4 * 8 * 8 * 8},
    ),
    "einsum of all axes": (lambda x: torch.einsum("b...c,b...d->b...cd", x, x), (), {"macs": 0, "muls": N * 8}),
    "by weights that are computed": (
        lambda x, table: functional.linear(table, x.flatten(1)),
        ((5, N),),
        {"macs": 5 * N},
    ),
    "keys that heads share": (
        lambda x: functional.scaled_dot_product_attention(x, x[:, :1], x[:, :1]),
        (),
        {"macs": 4 * 8 * 8 * (8 + 8), "exps": 4 * 8 * 8, "divs": 4 * 8 * 8, "compares": 4 * 8 * 7},
    ),
    "copy": (lambda x: torch.empty_like(x).copy_(x), (), {"macs": 0}),
    "norm": (lambda x: x.norm(dim=1), (), {"muls": N, "adds": N - 64, "exps": 64}),
    "var": (lambda x: x.var((2, 3)), (), {"adds": 3 * N - 8, "muls": N, "divs": 8}),
    "max": (lambda x: x.max(dim=1)[0], (), {"compares": N - 64}),
    "clamp": (lambda x: x.clamp(0, 3), (), {"compares": 2 * N}),
    "lerp": (lambda x, w: torch.lerp(x, w, 0.5), ((4, 8, 8),), {"muls": N, "adds": 2 * N}),
}


@pytest.mark.parametrize("name", WORK)
def test_work_that_is_no_operator_of_ours(name):
    function, shapes, work = WORK[name]
    row, net = last_row(function, (4, 8, 8), *shapes)
    assert {kind: getattr(row.work, kind) for kind in work} == work
    assert not net.unknown
    assert not net.unused


MOVES = {
    "one of a list": (lambda x: torch.cat([x, x[:, :0]], 1).relu(), "relu"),
    "a stack of one": (lambda x: torch.stack([x], 1), "reshape"),
    "a stack": (lambda x: torch.stack([x, x], 2), "concat"),
    "a part that is all": (lambda x: x.split(4, 1)[0].relu(), "relu"),
    "parts that are alike": (lambda x: x.chunk(2, 1)[1], "split"),
    "parts that are not": (lambda x: x.split([1, 0, 3], 1)[2], "slice"),
    "select": (lambda x: x.select(2, -1), "reshape"),
    "narrow": (lambda x: x.narrow(1, 1, 2), "slice"),
    "to itself": (lambda x: functional.pad(x.expand(-1, 4, -1, -1), (0, 0)).relu(), "relu"),
    "channels": (lambda x: functional.pad(x, (0, 0, 0, 0, 1, 2)), "channelpad"),
    "zeros": (lambda x: functional.pad(x, (1, 2, -1, 0)), "zeropad"),
    "reflections": (lambda x: functional.pad(x, (1, 1, 1, 1), "reflect"), "pad"),
    "to depth": (lambda x: functional.pixel_unshuffle(x, 2), "pixel_unshuffle"),
    "to space": (lambda x: functional.pixel_shuffle(x, 2), "pixel_shuffle"),
    "channels in turn": (lambda x: functional.channel_shuffle(x, 2), "shuffle"),
    "a turn": (lambda x: x[:, 0].mT, "permute"),
    "moved": (lambda x: x.movedim(1, -1), "permute"),
    "of batches alike": (lambda x: torch.bmm(x[:, 0], x[:, 1]), "matmul"),
}


@pytest.mark.parametrize("name", MOVES)
def test_moves_are_operators_of_ours(name):
    function, operator = MOVES[name]
    row, net = last_row(function, (4, 8, 8))
    assert row.operator == operator
    assert not net.unknown


UNKNOWN = {
    "torch.softmax": functional.softmax,
    "torch.log_softmax": functional.log_softmax,
    "torch.pad": lambda x: functional.pad(x, (1, 1, 0, 0, 1, 0)),
    "torch.einsum": lambda x: torch.einsum("bcij,bkj->bik", x, x[:, 0, :, :1]),
    "torch.cumsum": lambda x: x.cumsum(1),
    "torch.dropout": lambda x: functional.dropout(x, 0.5, True),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_no_rule_is_told(name):
    row, net = last_row(UNKNOWN[name], (4, 8, 8))
    assert row.operator == name
    assert list(net.unknown) == ([] if name == "torch.pad" else [name])  # which only moves numbers


def test_attention_that_is_written_in_another_way():
    """Heads as samples of their own, and a mask for each: 2 heads of 5 tokens by 6 features."""

    def attended(x):
        q = x.reshape(x.shape[0], 5, 2, 6).transpose(1, 2)
        mask = torch.zeros(5, 5, device=x.device)
        return functional.scaled_dot_product_attention(q, q, q, mask)

    row, _ = last_row(attended, (5, 12))
    assert (row.operator, row.macs) == ("masked_attention", 2 * 5 * 5 * (6 + 6))


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_recurrent_layers_that_are_given_a_state(kind, gates):
    class Given(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = kind(6, 5, batch_first=True)

        def forward(self, x):
            first = x[:, 0, :5].unsqueeze(0)
            return self.rnn(x, (first, first) if kind is nn.LSTM else first)[0]

    net = from_torch(Given(), (7, 6))
    row = next(row for row in net.price() if row.params)
    assert (row.operator, row.shape) == (f"torch.{kind.__name__.lower()}", (7, 5))
    assert row.params == gates * (5 * 6 + 5 * 5 + 5 + 5)
    assert row.macs == 7 * gates * (5 * 6 + 5 * 5)
