"""Claims whose truth is known: random numbers near a network's count, and true ones made as prices say they are."""

from __future__ import annotations

import random

import numpy as np

from convcost.auditing.axes import Axis
from convcost.auditing.reconcile import search
from convcost.network import load
from convcost.printed.numbers import Printed, parse

NETWORKS = (
    *("resnet18", "resnet50", "resnet101", "vgg16", "alexnet", "googlenet", "inception_v3", "inception_v4"),
    *("densenet121", "densenet169", "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v1_g3"),
    *("shufflenet_v2_x1.0", "squeezenet", "efficientnet_b0", "regnetx_3.2gf", "resnext50_32x4d", "xception"),
)


def notation(count: int, digits: int) -> Printed:
    """The usual notation of a count with so many digits: 4.09G, 569M."""
    scale, unit = ("G", 10**9) if count >= 10**9 else ("M", 10**6)
    decimals = digits - len(str(count // unit))
    return Printed.of(count, parse(f"0.{'0' * decimals}{scale}" if decimals > 0 else f"0{scale}"))


def near(name: str, digits: int, rng: random.Random) -> Printed:
    """A number of so many digits, anywhere within 15 % of a network's macs."""
    macs = int(load(name).price().total.macs)
    return notation(macs * rng.randint(850_000, 1_150_000) // 1_000_000, digits)


def true(name: str, digits: int, rng: random.Random) -> Printed:
    """What a network's operations are printed as, by assumptions drawn as often as their prices say."""
    network = load(name)
    form = notation(int(network.price().total.macs), digits)
    found = search({"ops": form}, network)
    odds = np.exp2(-(found.own[:, None] + found.prices[0][None, :]))
    odds[np.repeat(found.counts[0] < 0, len(found.axes[0].ways), axis=1)] = 0
    chosen = rng.choices(range(odds.size), weights=odds.ravel().tolist())[0]
    k, index = divmod(chosen, odds.shape[1])
    return printed(int(found.counts[0][k, index // len(found.axes[0].ways)]), digits, found.axes[0], index)


def printed(count: int, digits: int, axis: Axis, index: int) -> Printed:
    """A count in the usual notation, rounded as a reading says."""
    return Printed.of(count, notation(count, digits), axis.reading(index).rounding)
