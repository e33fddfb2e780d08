"""Modules that nobody wrote: exact or refused, never wrong."""

import pytest
from random_modules import RandomModule, truth, truths

from convcost import ConvcostError, from_torch
from convcost.errors import unwarned

SOME, MANY, CHUNK = 60, 20_000, 1_000
REFUSED = ("no cost of one sample", "it returns its input", " leaves ")
"""Why a module may be refused: samples together, nothing done, and nothing left of a tensor."""


def check(seed, known):
    """Whether a module was imported, and not refused; whatever is said of it is what is known."""
    module = RandomModule(seed).eval()
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
    imported = [check(seed, truth(RandomModule(seed).eval())) for seed in range(SOME)]
    assert sum(imported) > 0.6 * SOME


def test_a_crash_of_torch_is_told_and_ends_nothing(monkeypatch, tmp_path):
    """A process that kills itself over the third seed, as torch does over some."""
    dies = tmp_path / "dies.py"
    code = "import os, sys\nfor n in range(int(sys.argv[1]), int(sys.argv[2])):\n"
    dies.write_text(f"{code}    print('null', flush=True) if n != 2 else os.kill(os.getpid(), 11)\n")
    monkeypatch.setattr("random_modules.__file__", str(dies))
    assert dict(truths(range(5))) == {0: None, 1: None, 2: "torch died of signal 11", 3: None, 4: None}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(SOME, MANY, CHUNK))
def test_many_more(first):
    crashed = {}
    for seed, known in truths(range(first, min(first + CHUNK, MANY))):
        if isinstance(known, str):
            crashed[seed] = known
        else:
            check(seed, known)
    if crashed:
        pytest.skip(f"all others are exact or refused, and of these nobody can ask torch: {crashed}")
