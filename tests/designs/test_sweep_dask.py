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
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from convcost.designs import cluster as dask_cluster
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, space_of
from convcost.errors import ConvcostError, ConvcostWarning
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


@pytest.fixture(scope="module")
def computed():
    """What one process wrote of the sweep, which is the same for every test, once one has asked for it."""
    return []


@pytest.fixture
def serial(sweep, computed, tmp_path):
    if not computed:
        out = tmp_path / "serial.parquet"
        run(sweep, out)
        computed.append(out.read_bytes())
    return computed[0]


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


# -- workers that cannot, fall silent, or go ------------------------------------------------------------------------

WORKER = "from distributed.cli.dask_worker import main; main()"
UNABLE = {
    "without convcost": (
        "import sys; sys.modules['convcost'] = None",
        "ModuleNotFoundError: No module named 'convcost",
    ),
    "without numpy for us": (
        "import convcost.designs.parts as p\ndef ready(_): raise ModuleNotFoundError('no numpy')\np.ready = ready",
        "ModuleNotFoundError: no numpy",
    ),
    "without pyarrow": (
        "import sys; sys.modules['pyarrow'] = None",
        "MissingExtraError: pyarrow is needed for this and not installed",
    ),
    "another version": (
        "import convcost.designs.parts as p; p.installed = lambda: '0.0.1'",
        "it has convcost 0.0.1, and the sweep is of ",
    ),
}


@pytest.fixture
def processes(tmp_path):
    """A function that starts a program of Dask, to be ended with the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(code: str, *arguments: str, name: str, ready: str, **environment: str):
        log = tmp_path / f"{name}.log"
        with log.open("wb") as file:
            begun.append(
                subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=file, stderr=file,
                                 env={**os.environ, "PYTHONPATH": str(ROOT), **environment})
            )  # fmt: skip
        return begun[-1], said(log, ready)

    yield start
    for process in reversed(begun):
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(processes):
    return processes(
        "from distributed.cli.dask_scheduler import main; main()", "--port", "0", "--no-dashboard",
        name="scheduler", ready=r"Scheduler at:\s+(tcp://\S+)",
    )  # fmt: skip


@pytest.fixture
def worker(processes, scheduler, tmp_path):
    count = iter(range(9))

    def start(before: str = "pass"):
        arguments = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path))
        return processes(
            f"{before}\n{WORKER}", scheduler[1], *arguments, name=f"worker{next(count)}", ready="(Registered to)"
        )[0]

    return start


@pytest.mark.parametrize(("before", "why"), UNABLE.values(), ids=UNABLE)
def test_a_worker_that_cannot_compute_is_left_alone_and_the_others_do_all(
    before, why, sweep, serial, scheduler, worker, tmp_path, monkeypatch
):
    monkeypatch.setattr(dask_cluster, "SILENT", 10)
    unable = worker(before)
    with pytest.raises(ConvcostError, match=f"none of its workers can compute: tcp://.*: {re.escape(why)}"):
        run(sweep, tmp_path / "dask.parquet", dask_cluster.dask(scheduler[1]))
    able = worker()
    with pytest.warns(ConvcostWarning, match=f"{scheduler[1]}: tcp://.* is left out: {re.escape(why)}") as said:
        run(sweep, tmp_path / "dask.parquet", dask_cluster.dask(scheduler[1]))
    assert len(said) == 1
    assert (tmp_path / "dask.parquet").read_bytes() == serial
    assert unable.poll() is None  # alive, for others
    assert able.poll() is None


def test_blocks_of_a_worker_that_is_frozen_go_to_another(sweep, serial, scheduler, worker, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "SILENT", 3)
    frozen, _ = worker(), worker()
    done = []

    def freeze(designs, _):
        done.append(designs)
        if len(done) == 4:
            frozen.send_signal(signal.SIGSTOP)

    with pytest.warns(ConvcostWarning, match=r"tcp://.* is left out: it has not answered for 3 s$"):
        run(sweep, tmp_path / "dask.parquet", dask_cluster.dask(scheduler[1]), freeze)
    assert len(done) == sweep.blocks
    assert (tmp_path / "dask.parquet").read_bytes() == serial


def test_a_worker_that_comes_later_takes_part(sweep, serial, scheduler, worker, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "SILENT", 30)
    first = worker()
    done = []

    def replace_it(designs, _):
        done.append(designs)
        if len(done) == 4:
            first.kill()
            worker()

    run(sweep, tmp_path / "dask.parquet", dask_cluster.dask(scheduler[1]), replace_it)
    assert (tmp_path / "dask.parquet").read_bytes() == serial


GONE = {
    "the worker is killed": ("worker", signal.SIGKILL, "none of its workers can compute: all are gone; what is done"),
    "the worker is frozen": ("worker", signal.SIGSTOP, "none of its workers can compute: .* has not answered for 3 s"),
    "the scheduler is killed": ("scheduler", signal.SIGKILL, "what is done is kept: run the same again"),
    "the scheduler is frozen": ("scheduler", signal.SIGSTOP, "it has not answered for 3 s; what is done is kept"),
}


@pytest.mark.parametrize(("who", "number", "why"), GONE.values(), ids=GONE)
def test_a_cluster_that_is_gone_is_one_line_and_soon(
    who, number, why, sweep, serial, scheduler, worker, tmp_path, monkeypatch, capfd
):
    from convcost.cli import run as cli

    monkeypatch.setattr(dask_cluster, "SILENT", 3)
    one = worker()
    done = []

    def end_it(designs, _):
        done.append(designs)
        if len(done) == 4:
            (one if who == "worker" else scheduler[0]).send_signal(number)

    monkeypatch.setattr("convcost.designs.run.plan", lambda *_, **__: sweep)
    monkeypatch.setattr(sys.modules["convcost.cli.sweep"], "bar", lambda *_: nullcontext(end_it))
    started = time.monotonic()
    out = tmp_path / "dask.parquet"
    assert cli(["sweep", "vgg16", "--over", "H=32", "--out", str(out), "--scheduler", scheduler[1]]) == 2
    assert time.monotonic() - started < 60
    err = capfd.readouterr().err
    assert err.count("\n") == 1, err
    assert re.match(f"error: .*{why}", err)
    summary = run(sweep, out)
    assert summary.resumed >= 4
    assert out.read_bytes() == serial


def test_a_cluster_with_certificates_is_one_as_any(processes, sweep, serial, tmp_path):
    """As Dask's own configuration names them; without them it is not reached."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")], capture_output=True,
    )  # fmt: skip
    assert made.returncode == 0
    files = {"CA_FILE": "cert.pem"}
    for role in ("SCHEDULER", "WORKER", "CLIENT"):
        files |= {f"{role}__CERT": "cert.pem", f"{role}__KEY": "key.pem"}
    environment = {f"DASK_DISTRIBUTED__COMM__TLS__{key}": str(tmp_path / name) for key, name in files.items()}
    _, address = processes(
        "from distributed.cli.dask_scheduler import main; main()", "--port", "0", "--no-dashboard", "--protocol", "tls",
        name="scheduler", ready=r"Scheduler at:\s+(tls://\S+)", **environment,
    )  # fmt: skip
    processes(
        WORKER, address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--protocol", "tls", "--local-directory",
        str(tmp_path), name="worker", ready="(Registered to)", **environment,
    )  # fmt: skip
    out = tmp_path / "dask.parquet"
    with pytest.raises(ConvcostError, match=f"--scheduler {address}: TLS expects a `ssl_context`"):
        run(sweep, out, dask_cluster.dask(address))
    import dask

    with dask.config.set({"distributed.comm.tls." + k.lower().replace("__", ".").replace("_", "-"): str(tmp_path / v)
                          for k, v in files.items()}):  # fmt: skip
        run(sweep, out, dask_cluster.dask(address))
    assert out.read_bytes() == serial
