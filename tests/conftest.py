"""What all tests share."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair; timings are asserted in tests/bench. On CI, hypothesis is
# deterministic by itself: this profile builds on whatever is in force.
settings.register_profile("convcost", deadline=None)
settings.load_profile("convcost")

# A shell starts its background jobs with Ctrl-C ignored, and so would be every program that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[Any]:
    """Torch on one thread: small tensors are not worth sharing, and some layers take memory per thread."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
