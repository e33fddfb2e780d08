"""What all tests share."""

import os
import signal
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair; timings are asserted in tests/bench. On CI, hypothesis is
# deterministic by itself: this profile builds on whatever is in force.
settings.register_profile("convcost", deadline=None)
settings.load_profile("convcost")
settings.register_profile("quick", max_examples=20)

# A process has one core where two share the tests: small tensors are not worth threads, which wait by spinning.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Keras takes TensorFlow unless it is told; here is torch.
os.environ.setdefault("KERAS_BACKEND", "torch")

# A shell starts its background jobs with Ctrl-C ignored, and so would be every program that the tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tables are as wide as a terminal says it is; where a shell exports that, tests would be of another width.
os.environ.pop("COLUMNS", None)

TESTS = Path(__file__).parent
QUICK = {"ops", "spec", "cost", "cli", "render"}
"""The rooms of `-m quick`: what a change of a rule, a spec or an output breaks first."""

LONG = {
    "test_a_join_of_many_takes_no_longer_for_each_of_them",
    "test_a_reader_that_went_away_is_one_line",
    "test_a_shell_at_a_terminal_completes",
    "test_bash_goes_on_where_it_breaks_the_word",
    "test_bytes_of_a_command_line_that_are_no_text_are_one_line",
    "test_every_shipped_network_in_symbols_and_arrays",
    "test_every_shipped_network_is_found_in_other_spellings",
    "test_int_is_array_is_symbol_on_networks",
    "test_laws_on_the_zoo",
    "test_mutated_specs_price_or_say_why",
    "test_networks",
    "test_nothing_that_ships_is_doubtful_on_its_own_input",
    "test_random_graphs",
    "test_random_networks",
    "test_the_action_checks_compares_and_audits",
    "test_the_hook_audits_a_readme",
    "test_torch_has_one_module_and_agrees",
    "test_torch_holds_what_liveness_says_at_every_layer",
    "test_torch_holds_what_liveness_says_on_random_graphs",
    "test_torch_is_never_faster_than_the_bound_of_measured_peaks",
}
"""Tests of those rooms that take longest, by measured processor time: quick goes without them."""


def pytest_configure(config: pytest.Config) -> None:
    """Settle what tests take when they are imported: a fifth of the random examples is enough for quick."""
    if config.option.markexpr == "quick":
        settings.load_profile("quick")
    # Most tests take the smallest maps that will do. Said here, it imports convcost when coverage is measured already.
    config.addinivalue_line("filterwarnings", "ignore::convcost.errors.ConvcostWarning")


def asserts_on_time(item: pytest.Item) -> bool:
    """Whether a test asks of what it has measured whether it is `bounded`: see `effort`."""
    return "bounded" in getattr(getattr(getattr(item, "function", None), "__code__", None), "co_names", ())


def room_of(path: Path) -> str | None:
    """The folder or file just below tests/ in which this is, None for tests/ itself and what is elsewhere."""
    return path.relative_to(TESTS).parts[0] if TESTS in path.parents else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whether not to look there: importing all other tests takes longer than many a quick room."""
    room = room_of(collection_path)
    return True if config.option.markexpr == "quick" and room is not None and room not in QUICK else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick is what stands in a quick room, and what is measured is not slowed down by measuring coverage."""
    for item in items:
        room, name = room_of(item.path), getattr(item, "originalname", item.name)
        if room in QUICK and name not in LONG and not item.get_closest_marker("slow"):
            item.add_marker("quick")
        if room == "bench" or asserts_on_time(item):
            item.add_marker("no_cover")


TRACED = 3.0
"""Seconds of processor time of each test, in all its forms, in which coverage is measured."""
_left: dict[str, float] = defaultdict(lambda: TRACED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Coverage is measured in a test's first seconds: from then on it takes the same branches, at half the speed."""
    controller = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is None or item.get_closest_marker("no_cover"):
        return (yield)
    name, stopped = item.nodeid.partition("[")[0], False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        controller.cov.stop()

    before = signal.signal(signal.SIGVTALRM, stop)
    if _left[name]:
        signal.setitimer(signal.ITIMER_VIRTUAL, _left[name])
    else:
        stop()
    try:
        return (yield)
    finally:
        _left[name], _ = signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        if stopped:
            controller.cov.start()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[Any]:
    """Torch on one thread: small tensors are not worth sharing, and some layers take memory per thread."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
