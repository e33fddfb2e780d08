"""The files of a sweep in a folder where others write too: what is damaged, forged or in the way is found."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, space_of
from convcost.errors import ConvcostError
from convcost.files import writing
from convcost.network import load

ROOT = Path(__file__).parents[2]
NAMES = ["x.csv", "x.jsonl", "x.parquet"]
DEEP = b"[" * 100_000


def swept(out: Path) -> tuple[object, object]:
    if out.suffix == ".parquet":
        pytest.importorskip("pyarrow")
    sweep = plan(load("mobilenet_v1"), space_of([parse_axis("width=0.25:1:0.25"), parse_axis("H=1:64:1")]), out=out)
    return sweep, run(sweep, out)


@pytest.mark.parametrize("name", NAMES)
def test_any_byte_that_changes_in_a_finished_file_is_found(name, tmp_path):
    out = tmp_path / name
    sweep, summary = swept(out)
    assert run(sweep, out)[:4] == summary[:4]
    rng = random.Random(7)  # noqa: S311  # which bytes is no secret
    for path in (out, tmp_path / f"{name}.meta.json"):
        whole = path.read_bytes() if path.exists() else b""
        for at in rng.sample(range(len(whole)), min(len(whole), 60)):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(
                ConvcostError, match=rf"{name}: (is not as its sweep wrote it|is of another|exists, and)"
            ):
                run(sweep, out)
        if whole:
            path.write_bytes(whole)
    assert run(sweep, out)[:4] == summary[:4]


@pytest.mark.parametrize("name", NAMES)
def test_a_digit_that_changes_in_a_finished_file_is_one_line(name, tmp_path):
    out = tmp_path / name
    sweep, summary = swept(out)
    data = out.read_bytes()
    if name != "x.parquet":
        macs = out.read_text().splitlines()[-1]
        changed = data.replace(macs.encode(), macs.replace("1", "2").encode())
        assert len(changed) == len(data)
        assert changed != data
    else:
        changed = data[:100] + bytes([data[100] ^ 1]) + data[101:]
    out.write_bytes(changed)
    with pytest.raises(
        ConvcostError, match=rf"{name}: is not as its sweep wrote it: choose another name, or remove it$"
    ):
        run(sweep, out)
    if name != "x.parquet":
        out.write_bytes(data)
        meta = out.with_name(f"{name}.meta.json")
        meta.write_text(meta.read_text().replace(f'"unfit": {summary.unfit}', f'"unfit": {summary.unfit + 1}'))
        with pytest.raises(ConvcostError, match="is not as its sweep wrote it"):
            run(sweep, out)


def in_the_way(kind: str, path: Path) -> None:
    """Put something that is no file of ours where one is looked for."""
    path.unlink(missing_ok=True)
    match kind:
        case "deep":
            path.write_bytes(DEEP)
        case "fifo":
            os.mkfifo(path)
        case "zeros":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))


@pytest.mark.parametrize("kind", ["deep", "fifo", "zeros", "folder"])
@pytest.mark.parametrize("where", ["meta", "manifest", "journal", "block", "parquet"])
def test_what_is_in_the_way_is_one_line_and_soon(where, kind, tmp_path):
    """Or the block is computed again. In a process of its own: it neither waits nor fills the memory."""
    out = tmp_path / ("x.parquet" if where == "parquet" else "x.csv")
    parts = tmp_path / "x.csv.parts"
    arguments = ["sweep", "vgg16", "--over", "H=32:96", "--out", out]
    if where in ("meta", "parquet"):
        swept(out)
        in_the_way(kind, tmp_path / "x.csv.meta.json" if where == "meta" else out)
    else:
        sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96")]), out=out)
        with pytest.raises(KeyboardInterrupt):
            run(sweep, out, progress=stop)
        assert len(list(parts.iterdir())) >= 3
        in_the_way(kind, parts / {"manifest": "sweep.json", "journal": "journal.jsonl", "block": "00000000"}[where])
    done = subprocess.run(
        [sys.executable, "-m", "convcost", *map(str, arguments)], capture_output=True, text=True, timeout=60,
        preexec_fn=limited, env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    if done.returncode == 0:
        assert where in ("block", "journal")
        assert len(out.read_text().splitlines()) == 1 + 65
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {tmp_path}/x.")
        assert done.stderr.count("\n") == 1


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_block_that_the_sweep_does_not_have_is_not_believed(tmp_path):
    out = tmp_path / "x.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96")]), out=out)
    with pytest.raises(KeyboardInterrupt):
        run(sweep, out, progress=stop)
    with (tmp_path / "x.csv.parts" / "journal.jsonl").open("a") as journal:
        journal.write("\n".join(["", json.dumps([7, 1, 0, "", 3, 5]), json.dumps([-1, 1, 0, "", 3, 5]), "[" * 5_000]))
    assert run(sweep, out)[:3] == (65, 65, 0)
    assert len(out.read_text().splitlines()) == 1 + 65


@pytest.mark.parametrize("guess", ["pid", "random", "journal", "lock"])
def test_links_of_others_are_not_written_through(guess, tmp_path, monkeypatch):
    """Who may write to the folder puts links where a run will write: their targets stay as they are."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    out = tmp_path / "x.csv"
    parts = tmp_path / "x.csv.parts"
    parts.mkdir()
    if guess == "random":  # were it known
        monkeypatch.setattr(writing.os, "urandom", bytes)
    name = {
        "pid": f".sweep.json.{os.getpid()}.draft",
        "random": f".sweep.json.{'00' * 8}.draft",
        "journal": "journal.jsonl",
        "lock": "lock",
    }[guess]
    (parts / name).symlink_to(victim)
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96")]), out=out)
    try:
        assert run(sweep, out).kept == 65
    except (ConvcostError, OSError):
        assert guess != "pid"
    assert victim.read_text() == "mine"


def test_no_two_drafts_have_one_name_nor_one_that_is_known(tmp_path):
    names = []

    def write() -> None:
        with writing.atomically(tmp_path / "x") as file:
            names.extend(path.name for path in tmp_path.iterdir())
            file.write(b"x")

    for _ in range(20):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len({name for name in names if name != "x"}) == 20
    assert not any(str(os.getpid()) in name.split(".") for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_words_of_a_sweep_are_no_formulas(tmp_path):
    spec = tmp_path / "net.yaml"
    spec.write_text("name: net\ninput: 3x8x8\nknobs: {kind: a}\nlayers: [\"relu if kind == 'a' else bn\"]\n")
    out = tmp_path / "x.csv"
    run(plan(load(spec), space_of([parse_axis("kind='=1+1','@x','a','-'")]), out=out), out)
    assert [line.split(",")[0] for line in out.read_text().splitlines()] == ["kind", "'=1+1", "'@x", "a", "'-"]
