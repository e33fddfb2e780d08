"""Random torch modules, as users write them, from a seed. Nothing of convcost is used here.

A module is a list of moves drawn one after the other, each of which takes the last tensor (and perhaps an earlier one)
and is left out where torch refuses it. What is true of them is asked of torch: see `Truth`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode


class RandomModule(nn.Module):
    """A module of a seed, for inputs (batch, 4, size, size) of the size that is told."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        draw = Random(seed)  # noqa: S311  # a draw that can be repeated
        self.size = draw.choice((6, 8, 9, 12))
        self.layers = nn.ModuleList()
        self.weights = nn.ParameterList()
        self.register_buffer("kernel", torch.ones(1, 1, 3, 3))
        self.act = nn.ReLU(inplace=draw.random() < 0.5)
        self.moves: list[tuple] = []
        shape = (13, 4, self.size, self.size)
        tensors = [shape]
        for _ in range(draw.randrange(3, 12)):
            move = self.drawn(draw, tensors[-1], tensors)
            state = len(self.layers), len(self.weights)
            try:
                with torch.no_grad():
                    out = self.done(move, torch.zeros(tensors[-1]), [torch.zeros(one) for one in tensors])
                fits = 0 < out.numel() < 50_000
            except (RuntimeError, IndexError, ValueError, TypeError):
                fits = False
            if not fits:
                del self.layers[state[0] :]
                self.weights = nn.ParameterList([*self.weights][: state[1]])
                continue
            self.moves.append(move)
            tensors.append(tuple(out.shape))
        if draw.random() < 0.15:
            self.spare = nn.Linear(3, 3)

    def weight(self, *shape: int) -> int:
        self.weights.append(nn.Parameter(torch.rand(shape)))
        return len(self.weights) - 1

    def layer(self, made: nn.Module) -> int:
        self.layers.append(made)
        return len(self.layers) - 1

    def drawn(self, draw: Random, shape: tuple[int, ...], tensors: list[tuple[int, ...]]) -> tuple:
        """A move that may fit a tensor."""
        channels, last, rank = shape[1] if len(shape) > 1 else 1, shape[-1], len(shape)
        out = draw.choice((2, 3, 4, 6, 8))
        earlier = draw.randrange(len(tensors))
        kind = draw.choice(KINDS[rank] if rank in KINDS else KINDS[3])
        if kind == "conv":
            groups = draw.choice((1, 1, channels, 2 if channels % 2 == 0 else 1))
            kernel, stride = draw.choice((1, 2, 3, 5)), draw.choice((1, 1, 2))
            made = nn.Conv2d(
                channels,
                out * groups,
                kernel,
                stride,
                draw.choice((0, 1, 2)),
                draw.choice((1, 1, 2)),
                groups,
                draw.random() < 0.5,
            )
            return ("layer", self.layer(made))
        if kind == "functional conv":
            return (
                "functional conv",
                self.weight(out, channels, 3, 3),
                self.weight(out) if draw.random() < 0.5 else None,
            )
        if kind == "standardised":
            return ("standardised", self.weight(out, channels, 1, 1), self.weight(1))
        if kind == "transposed":
            return ("layer", self.layer(nn.ConvTranspose2d(channels, out, 2, 2, bias=draw.random() < 0.5)))
        if kind == "again" and len(self.layers):
            return ("layer", draw.randrange(len(self.layers)))
        if kind == "tied" and len(self.weights):
            return ("matmul weight", draw.randrange(len(self.weights)))
        if kind == "norm":
            return (
                "layer",
                self.layer(
                    draw.choice(
                        (nn.BatchNorm2d(channels), nn.GroupNorm(1, channels), nn.InstanceNorm2d(channels, affine=True))
                    )
                ),
            )
        if kind == "linear":
            return ("layer", self.layer(nn.Linear(last, out, bias=draw.random() < 0.5)))
        if kind == "layer norm":
            return ("layer", self.layer(nn.LayerNorm(last)))
        if kind == "gain":
            return (
                "gain",
                self.weight(*(1,) * draw.randrange(rank - 1), *shape[-1:]) if rank else 0,
                draw.choice(("mul", "add", "sub")),
            )
        if kind == "constant":
            return ("constant", self.weight(last, last))
        if kind in ("add", "concat", "product", "gate"):
            return (kind, earlier)
        if kind == "permute":
            order = [*range(1, rank)]
            draw.shuffle(order)
            return ("permute", (0, *order))
        if kind == "slice":
            return ("slice", draw.randrange(1, rank), draw.randrange(1, 4)) if rank > 1 else ("relu",)
        if kind == "by size":
            return ("by size", draw.choice((3, 5, 7)))
        if kind == "view in place":
            return (
                "view in place",
                draw.choice(("relu", "mul", "write", "conv")),
                self.weight(channels // 2 or 1, channels // 2 or 1, 1, 1),
            )
        return (kind,)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tensors = [x]
        for move in self.moves:
            tensors.append(self.done(move, tensors[-1], tensors))
        return tensors[-1] if len(tensors) > 1 else x * 2

    def done(self, move: tuple, x: torch.Tensor, tensors: list[torch.Tensor]) -> torch.Tensor:
        """One move."""
        kind, *how = move
        match kind:
            case "layer":
                return self.layers[how[0]](x)
            case "functional conv":
                return functional.conv2d(
                    x, self.weights[how[0]], None if how[1] is None else self.weights[how[1]], padding=1
                )
            case "standardised":
                w = self.weights[how[0]]
                return functional.conv2d(x, (w - w.mean()) * self.weights[how[1]])
            case "matmul weight":
                w = self.weights[how[0]].flatten(1)
                return x @ w
            case "blur":
                return functional.conv2d(x, self.kernel.expand(x.shape[1], 1, 3, 3), groups=x.shape[1])
            case "gain":
                return getattr(x, how[1])(self.weights[how[0]])
            case "constant":
                return x + self.weights[how[0]] @ self.weights[how[0]].t()
            case "relu":
                return self.act(x + 0)
            case "gelu":
                return functional.gelu(x)
            case "softmax":
                return x.softmax(-1)
            case "add":
                return x + tensors[how[0]]
            case "concat":
                return torch.cat([x, tensors[how[0]]], 1)
            case "product":
                return x @ tensors[how[0]].transpose(-1, -2)
            case "gate":
                return x * tensors[how[0]].mean(dim=-1, keepdim=True).sigmoid()
            case "permute":
                return x.permute(how[0])
            case "flatten":
                return x.flatten(1)
            case "tokens":
                return x.flatten(2).transpose(1, 2)
            case "attention":
                return functional.scaled_dot_product_attention(x, x, x)
            case "windows":
                n, c, h, w = x.shape
                return (
                    x.reshape(n, c, 2, h // 2, 2, w // 2)
                    .permute(0, 2, 4, 1, 3, 5)
                    .reshape(n * 4, c, h // 2, w // 2)
                    .reshape(n, 4 * c, h // 2, w // 2)
                )
            case "folded":
                n = x.shape[0]
                return self.act(x.reshape(n * x.shape[1], *x.shape[2:]) + 1).reshape(n, -1, x.shape[-1])
            case "slice":
                return x.narrow(how[0], 0, min(how[1], x.shape[how[0]]))
            case "by size":
                return x.mean(-1) if x.shape[-1] > how[0] else functional.pad(x, (1, 0))
            case "pool":
                return functional.max_pool2d(x, 2)
            case "average":
                return functional.adaptive_avg_pool2d(x, 3)
            case "resize":
                return functional.interpolate(x, scale_factor=2)
            case "mean":
                return x.mean((2, 3))
            case "chunks":
                a, b = x.chunk(2, 1)
                return a * b.sigmoid()
            case "einsum":
                return (
                    torch.einsum("nc...,nd...->ncd", x.flatten(2), x.flatten(2))
                    if x.dim() == 4
                    else torch.einsum("nlc,nmc->nlm", x, x)
                )
            case "view in place":
                y = x.clone()
                part = y[:, : x.shape[1] // 2]
                if how[0] == "relu":
                    part.relu_()
                elif how[0] == "mul":
                    part.mul_(self.weights[how[1]].sum())
                elif how[0] == "write":
                    y[:, :1] = part.mean(1, keepdim=True)
                else:
                    part.copy_(functional.conv2d(part, self.weights[how[1]]))
                return y
            case "across":
                return x - x.mean(0)
        return x.neg()


KINDS = {
    2: [
        "linear",
        "relu",
        "gain",
        "add",
        "concat",
        "softmax",
        "layer norm",
        "slice",
        "tied",
        "constant",
        "again",
        "across",
    ],
    3: [
        "linear",
        "relu",
        "gelu",
        "layer norm",
        "attention",
        "product",
        "permute",
        "einsum",
        "gain",
        "add",
        "concat",
        "slice",
        "again",
        "constant",
        "folded",
        "flatten",
        "by size",
        "tied",
    ],
    4: [
        "conv",
        "conv",
        "conv",
        "functional conv",
        "standardised",
        "transposed",
        "again",
        "norm",
        "blur",
        "relu",
        "gelu",
        "add",
        "concat",
        "gate",
        "permute",
        "flatten",
        "tokens",
        "slice",
        "by size",
        "pool",
        "average",
        "resize",
        "mean",
        "chunks",
        "view in place",
        "windows",
        "folded",
        "linear",
        "layer norm",
        "product",
        "gain",
    ],
}


class Truth(NamedTuple):
    """What torch says of a module."""

    params: int
    macs: int
    """Of one sample: what a second one adds."""
    per_forward: int
    """What is done once, however many samples there are."""
    used: set[str] | None
    """The parameters that have a gradient; None if torch cannot give any, as where it writes to what it needs."""


def truth(module: RandomModule) -> Truth | None:
    """What is true of a module, None if its samples do not cost the same each, or torch refuses so few of them."""
    counts = []
    for batch in (2, 3, 4):  # a group norm of one value is refused by torch, and one sample may have no more
        try:
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                module.to("meta")(torch.zeros(batch, 4, module.size, module.size, device="meta"))
        except RuntimeError:
            return None
        counts.append(counter.get_total_flops() // 2)
    module.to_empty(device="cpu")
    for tensor in (*module.parameters(), *module.buffers()):
        nn.init.uniform_(tensor) if tensor.is_floating_point() else tensor.zero_()
    used = None
    try:
        module(torch.rand(13, 4, module.size, module.size)).sum().backward()
        used = {name for name, parameter in module.named_parameters() if parameter.grad is not None}
    except RuntimeError:
        pass
    for parameter in module.parameters():
        parameter.grad = None
    if counts[2] - counts[1] != counts[1] - counts[0]:
        return None
    params = sum(parameter.numel() for parameter in module.parameters())
    each = counts[1] - counts[0]
    return Truth(params, each, counts[0] - 2 * each, used)


def truths(seeds: range) -> Iterator[tuple[int, Truth | str | None]]:
    """What torch says of the module of each seed, asked in another process; where that dies of one, what it died of."""
    while seeds:
        asked = [sys.executable, __file__, str(seeds.start), str(seeds.stop)]
        with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                yield (
                    seeds.start,
                    said and Truth(*said[:3], None if said[3] is None else set(said[3])),
                )
                seeds = seeds[1:]
        if not seeds:
            return
        assert process.returncode < 0, f"seed {seeds.start}: its process ended with {process.returncode}"
        yield seeds.start, f"torch died of signal {-process.returncode}"
        seeds = seeds[1:]


def answer(seeds: range) -> None:
    """Print the truth of each seed, a line of JSON each."""
    for seed in seeds:
        said = truth(RandomModule(seed).eval())
        print(json.dumps(said and [*said[:3], None if said.used is None else sorted(said.used)]), flush=True)  # noqa: T201  # to who asks


if __name__ == "__main__":
    answer(range(int(sys.argv[1]), int(sys.argv[2])))
