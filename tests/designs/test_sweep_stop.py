"""A sweep that is stopped: it ends with its workers, says one line, and goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sweeping import COMMAND, ENVIRONMENT

from convcost.designs import engines

ARGUMENTS = ["sweep", "mobilenet_v2", "--over", "width=0.05:2:0.05", "--over", "H=32:1000:1", "--over", "classes=2:200"]


def command(out: Path, *more: str) -> list[str]:
    return [*COMMAND, *ARGUMENTS, *more, "--out", str(out)]


def _listening() -> None:
    """Take the signals that whoever runs the tests may have told us to ignore, as nohup does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def stopped(
    out: Path, more: list[str], blocks: int, number: int, *, alone: bool, later: float = 0, again: float | None = None
) -> tuple[int, str]:
    """The status and stderr of a sweep that gets a signal, with its workers or alone, as soon as so much is done.

    All that it started has ended, too: it would hold stderr open.
    """
    process = subprocess.Popen(
        command(out, *more),
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_listening,  # noqa: PLW1509  # which only sets signals
    )
    try:
        parts = out.with_name(f"{out.name}.parts")
        started = time.monotonic()
        while not (parts.exists() and len([p for p in parts.iterdir() if p.name.isdigit()]) >= blocks):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() - started < 120
            time.sleep(0.01)
        time.sleep(later)
        (os.kill if alone else os.killpg)(process.pid, number)
        if again is not None:
            time.sleep(again)
            process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert not out.exists()
    return process.returncode, said


STOPS = {
    "1, Ctrl-C": ("1", signal.SIGINT, False),
    "1, terminated": ("1", signal.SIGTERM, True),
    "1, killed": ("1", signal.SIGKILL, True),
    "2, Ctrl-C": ("2", signal.SIGINT, False),
    "2, terminated": ("2", signal.SIGTERM, True),
    "2, terminated with its workers": ("2", signal.SIGTERM, False),
    "2, hung up with its workers": ("2", signal.SIGHUP, False),
    "2, killed": ("2", signal.SIGKILL, True),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The file of the sweep that is never stopped: what it is compared with is the same for every way to stop it."""
    out = tmp_path_factory.mktemp("whole") / "whole.csv"
    subprocess.run(command(out, "--sample", "300000"), env=ENVIRONMENT, check=True, capture_output=True, timeout=300)
    assert sorted(path.name for path in out.parent.iterdir()) == ["whole.csv", "whole.csv.meta.json"]
    return out.read_bytes()


@pytest.mark.parametrize(("workers", "number", "alone"), STOPS.values(), ids=STOPS.keys())
def test_a_stopped_sweep_ends_with_its_workers_and_goes_on_where_it_was(workers, number, alone, whole, tmp_path):
    out = tmp_path / "out.csv"
    more = ["--sample", "300000", "--workers", workers]
    status, said = stopped(out, more, 2, number, alone=alone)
    if number == signal.SIGKILL:
        assert status == -number
    else:
        assert status == 2
        assert said == f"error: interrupted; what is done is in {out}.parts: the same command goes on from there\n"
    done = subprocess.run(command(out, *more), env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert "of 5 blocks were done before" in done.stdout
    assert out.read_bytes() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_sweep_that_is_stopped_while_its_workers_start_says_one_line(number, tmp_path):
    status, said = stopped(tmp_path / "out.csv", ["--workers", "2"], 0, number, alone=False, later=0.2)
    assert status == 2
    assert said.startswith("error: interrupted")
    assert said.count("\n") == 1


@pytest.mark.parametrize("again", [0.0, 0.01])
@pytest.mark.parametrize("later", [0.0, 0.2, 0.5])
def test_ctrl_c_twice_is_as_once(later, again, tmp_path):
    """Of a terminal and of a wrapper that forwards it: workers that have begun do not keep the process from its end."""
    status, said = stopped(
        tmp_path / "out.csv", ["--workers", "2"], 0, signal.SIGINT, alone=True, later=later, again=again
    )
    assert status == 2
    assert said.startswith("error: interrupted")
    assert said.count("\n") == 1


def test_a_sweep_that_is_stopped_before_anything_is_done_names_no_folder(tmp_path, monkeypatch, capsys):
    from convcost.cli import run as cli

    def none(*_):
        signal.raise_signal(signal.SIGTERM)
        yield

    monkeypatch.setattr(engines, "serial", none)
    assert cli(["sweep", "vgg16", "--over", "H=32:64", "--out", str(tmp_path / "x.csv")]) == 2
    assert capsys.readouterr().err == "error: interrupted before any block was done\n"
    assert list(tmp_path.iterdir()) == []


def test_a_signal_that_python_drops_stops_the_sweep_at_its_next_block(tmp_path, monkeypatch, capsys):
    """An exception out of `__del__` goes nowhere, and signals come there as elsewhere."""
    from convcost.cli import run as cli

    class LetGo:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    done = []

    def signalled(sweep, blocks):
        held = LetGo()
        del held
        for part in serial(sweep, blocks):
            done.append(part)
            yield part

    serial = engines.serial
    monkeypatch.setattr(engines, "serial", signalled)
    out = tmp_path / "x.csv"
    assert cli(["sweep", "vgg16", "--over", "H=32:64", "--out", str(out)]) == 2
    assert len(done) == 1
    assert not out.exists()
    assert capsys.readouterr().err == (
        f"error: interrupted; what is done is in {out}.parts: the same command goes on from there\n"
    )


def test_signals_that_are_ignored_stay_so(tmp_path, monkeypatch, capsys):
    """As nohup has it; the others are as before once the sweep is done."""
    from convcost.cli import run as cli

    def signalled(sweep, blocks):
        signal.raise_signal(signal.SIGHUP)
        yield from serial(sweep, blocks)
        signal.raise_signal(signal.SIGTERM)

    serial = engines.serial
    monkeypatch.setattr(engines, "serial", signalled)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        out = tmp_path / "x.csv"
        assert cli(["sweep", "vgg16", "--over", "H=32:64", "--out", str(out)]) == 2
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert capsys.readouterr().err == (
            f"error: interrupted; what is done is in {out}.parts: the same command goes on from there\n"
        )
    finally:
        signal.signal(signal.SIGHUP, before)
