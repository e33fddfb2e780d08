"""What all tests share."""

import json
import os
import signal
from collections.abc import Iterator
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
    "test_a_closed_standard_error_changes_nothing_else",
    "test_a_family_is_named_by_whole_words",
    "test_a_join_of_many_takes_no_longer_for_each_of_them",
    "test_a_reader_that_went_away_is_one_line",
    "test_a_shell_at_a_terminal_completes",
    "test_a_wider_terminal_never_gives_a_worse_table",
    "test_an_operator_keeps_what_torch_saves",
    "test_bad_specs_are_refused_soon",
    "test_bash_goes_on_where_it_breaks_the_word",
    "test_bytes_of_a_command_line_that_are_no_text_are_one_line",
    "test_every_shipped_file_is_of_its_schema_and_in_its_form",
    "test_every_shipped_network_is_found_in_other_spellings",
    "test_every_table_fits_on_the_narrowest_usual_terminal",
    "test_finer_grids_compute_more",
    "test_fused_is_never_slower",
    "test_hostile_files_end_soon_and_small",
    "test_in_place_nothing_is_overwritten_that_is_needed",
    "test_int_is_array_is_symbol_on_networks",
    "test_memory_in_patches_by_scope_is_by_layer_folded",
    "test_mobilenet_v2_of_mcunet_v2s_figure_1",
    "test_much_upsampling_is_refused_in_time",
    "test_mutated_specs_price_or_say_why",
    "test_networks",
    "test_networks_keep_what_torch_saves",
    "test_of_networks_as_near_the_one_that_differs_least",
    "test_out_of_memory_is_one_line",
    "test_random_graphs",
    "test_random_networks",
    "test_real_tools_beside_their_rules",
    "test_repeated_branches_are_checked",
    "test_shipped_networks_in_symbols_and_arrays",
    "test_tables_compile_and_fit_their_column",
    "test_the_action_checks_compares_and_audits",
    "test_the_hook_audits_a_readme",
    "test_the_hook_refuses_a_commit_beyond_its_limits",
    "test_the_same_network_in_two_ways_is_one",
    "test_torch_has_one_module_and_agrees",
    "test_torch_holds_what_liveness_says_at_every_layer",
    "test_torch_holds_what_liveness_says_on_random_graphs",
    "test_torch_is_never_faster_than_the_bound_of_measured_peaks",
    "test_what_is_near_is_found_in_few_files",
    "test_what_is_printed_is_short",
    "test_what_ships_is_doubtful_only_where_it_was_published_so",
}
"""Tests of those rooms that take longest, by measured processor time: quick goes without them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the folder to which to write what was taken of convcost, with its branches."""
    parser.addoption("--branches", metavar="FOLDER", type=Path, help="write there which branches were taken")


def measure_branches(folder: Path, config: pytest.Config) -> None:
    """Note which lines and branches of convcost this process takes, for `python -m slipcover --merge`.

    Probes stand in the code itself: a tracer makes Python 3.11 half as fast. slipcover's own way to start pytest does
    not know pytest 9.
    """
    import slipcover

    source = [str(TESTS.parent / "convcost")]
    # Taking the probes out again, as they are passed, costs more than leaving them in.
    probes = slipcover.Slipcover(branch=True, source=source, d_miss_threshold=2**31)
    slipcover.ImportManager(probes, slipcover.FileMatcher(sources=source)).__enter__()

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        taken = json.dumps(probes.get_coverage())
        (folder / f"{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.json").write_text(taken)

    if not config.getoption("numprocesses", None) or "PYTEST_XDIST_WORKER" in os.environ:
        config.add_cleanup(write)


def pytest_configure(config: pytest.Config) -> None:
    """Settle what tests take when they are imported: a fifth of the random examples is enough for quick."""
    if config.option.markexpr == "quick":
        settings.load_profile("quick")
    if folder := config.getoption("--branches"):
        measure_branches(folder.absolute(), config)
    # Most tests take the smallest maps that will do. Said here, it imports convcost when branches are measured already.
    config.addinivalue_line("filterwarnings", "ignore::convcost.errors.ConvcostWarning")


def room_of(path: Path) -> str | None:
    """The folder or file just below tests/ in which this is, None for tests/ itself and what is elsewhere."""
    return path.relative_to(TESTS).parts[0] if TESTS in path.parents else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whether not to look there: importing all other tests takes longer than many a quick room."""
    room = room_of(collection_path)
    return True if config.option.markexpr == "quick" and room is not None and room not in QUICK else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick is what stands in a quick room."""
    for item in items:
        room, name = room_of(item.path), getattr(item, "originalname", item.name)
        if room in QUICK and name not in LONG and not item.get_closest_marker("slow"):
            item.add_marker("quick")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[Any]:
    """Torch on one thread: small tensors are not worth sharing, and some layers take memory per thread."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
