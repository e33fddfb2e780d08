"""Sweeps on Dask: a LocalCluster, and a scheduler of its own whose workers die. The bytes are those of one process."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from convcost.designs import cluster as dask_cluster
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, space_of
from convcost.errors import ConvcostError
from convcost.network import load

distributed = pytest.importorskip("distributed")
ROOT = Path(__file__).parents[2]
SPACE = ("width=0.05:2:0.05", "H=32:1600:1")


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 2_000)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    space = space_of([parse_axis(axis) for axis in SPACE])
    return plan(
        load("mobilenet_v2"), space, where=["macs <= 600M"], sample=60_000, seed=5, out=tmp_path / "dask.parquet"
    )


@pytest.fixture
def serial(sweep, tmp_path):
    out = tmp_path / "serial.parquet"
    run(sweep, out)
    return out.read_bytes()


def test_a_local_cluster_gives_the_same_bytes(sweep, serial, tmp_path):
    out = tmp_path / "dask.parquet"
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        summary = run(sweep, out, dask_cluster.dask(cluster.scheduler_address))
    assert summary.designs == 60_000
    assert out.read_bytes() == serial


def started(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen([sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
                                stdout=file, stderr=file, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip


def said(log: Path, pattern: str) -> str:
    """What the pattern finds in a log, as soon as it is there."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if match := re.search(pattern, log.read_text()):
            return match[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" + 600 * b"x"], ids=["silent", "another"])
def test_a_server_that_is_no_scheduler_is_one_line(answer, tmp_path, monkeypatch, capsys):
    from threading import Thread

    from convcost.cli import run as cli

    monkeypatch.setattr(dask_cluster, "ANSWER", 2)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]

        def serve():
            there, _ = server.accept()
            with there:
                there.sendall(answer)
                there.recv(1 << 20)
                there.recv(1)

        thread = Thread(target=serve)
        thread.start()
        arguments = ["--over", "H=32:64", "--out", str(tmp_path / "x.csv"), "--scheduler", f"tcp://127.0.0.1:{port}"]
        assert cli(["sweep", "vgg16", *arguments]) == 2
        thread.join()
    gc.collect()
    what = "answers there is no scheduler" if answer else "listens there has not said in 2 s that it is a scheduler"
    assert capsys.readouterr().err == f"error: --scheduler tcp://127.0.0.1:{port}: what {what}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["tcp", "other"])
def test_an_address_where_nobody_listens_is_one_line(scheme, tmp_path, monkeypatch, capsys):
    from convcost.cli import run as cli

    monkeypatch.setattr(dask_cluster, "CONNECT", 0.2)
    address = f"{scheme}://127.0.0.1:1"
    assert cli(["sweep", "vgg16", "--over", "H=32", "--out", str(tmp_path / "x.csv"), "--scheduler", address]) == 2
    gc.collect()  # no client is left that would complain as it goes
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: --scheduler {address}: ")
    assert printed.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cluster(tmp_path):
    """A scheduler with two workers, each a process of its own, started by Dask's own commands."""
    processes = [started("scheduler", "--port", "0", "--no-dashboard", log=tmp_path / "scheduler.log")]
    try:
        address = said(tmp_path / "scheduler.log", r"Scheduler at:\s+(tcp://\S+)")
        for i in range(2):
            log = tmp_path / f"worker{i}.log"
            processes.append(
                started("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory",
                        str(tmp_path), log=log)
            )  # fmt: skip
            said(log, r"(Registered to)")
        yield address, processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def test_a_worker_that_is_killed_in_the_middle_is_made_up_for(sweep, serial, cluster, tmp_path):
    address, workers = cluster
    out = tmp_path / "dask.parquet"
    done = []

    def kill_one(designs, _):
        done.append(designs)
        if len(done) == 8:
            workers[0].send_signal(signal.SIGKILL)

    summary = run(sweep, out, dask_cluster.dask(address), kill_one)
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert len(done) == sweep.blocks == 30
    assert summary.kept > 0
    assert out.read_bytes() == serial
    of_worker = said(tmp_path / "worker1.log", r"Start worker at:\s+(tcp://\S+)")
    with pytest.raises(ConvcostError, match=f"--scheduler {of_worker}: it is the address of a Worker, not of the sch"):
        run(sweep, tmp_path / "other.parquet", dask_cluster.dask(of_worker))


def test_a_scheduler_that_is_killed_leaves_what_is_done(sweep, serial, cluster, tmp_path, capsys):
    from convcost.cli import run as cli

    address, workers = cluster
    out = tmp_path / "dask.parquet"
    done = []

    def kill_all(designs, _):
        done.append(designs)
        if len(done) == 4:
            for worker in workers:
                worker.kill()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(sweep, out, dask_cluster.dask(address), kill_all)
    assert not out.exists()
    assert run(sweep, out).resumed == 4
    assert out.read_bytes() == serial
    arguments = ["sweep", "vgg16", "--over", "H=32:64", "--out", str(tmp_path / "x.csv"), "--scheduler"]
    assert cli([*arguments, address]) == 2
    assert capsys.readouterr().err == f"error: --scheduler {address}: it has no workers\n"
