"""Modules that nobody wrote: exact or refused, never wrong."""

import pytest
from random_modules import RandomModule, truth

from convcost import ConvcostError, from_torch
from convcost.errors import unwarned

SOME, MANY, CHUNK = 60, 20_000, 1_000
REFUSED = ("no cost of one sample", "it returns its input", " leaves ")
"""Why a module may be refused: samples together, nothing done, and nothing left of a tensor."""


def check(seed):
    """Whether a module was imported, and not refused; whatever is said of it is true."""
    module = RandomModule(seed).eval()
    known = truth(module)
    sizes = {name: parameter.numel() for name, parameter in module.named_parameters()}
    try:
        net = from_torch(module, (4, module.size, module.size))
        with unwarned():
            cost = net.price()
    except ConvcostError as error:
        why = str(error)
        if not any(reason in why for reason in REFUSED):
            raise
        return False
    assert known is not None
    assert not cost.unknown
    assert cost.total.macs == known.macs
    assert net.per_forward >= known.per_forward  # products of parameters that torch runs, and no output depends on
    assert cost.total.params + sum(net.unused.values()) == sum(sizes.values())
    if known.used is not None:
        assert set(net.unused) == sizes.keys() - known.used
    return True


def test_random_modules_are_exact_or_refused():
    imported = [check(seed) for seed in range(SOME)]
    assert sum(imported) > 0.6 * SOME


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SOME, MANY, CHUNK))
def test_many_more(first):
    for seed in range(first, min(first + CHUNK, MANY)):
        check(seed)
