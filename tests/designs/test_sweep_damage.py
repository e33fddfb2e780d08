"""What is damaged, torn or in use: computed again, or one line, and no file is ever half there."""

from __future__ import annotations

import os
import shutil

import pytest
from sweeping import in_blocks_of_ten

from convcost.designs import engines, output
from convcost.designs.output import row_count
from convcost.designs.parts import checksum
from convcost.designs.run import plan, run
from convcost.designs.space import parse_axis, space_of
from convcost.errors import ConvcostError
from convcost.network import load


def first_blocks(sweep, blocks):
    """Three blocks, then Ctrl-C."""
    for part, _ in zip(engines.serial(sweep, blocks), range(3), strict=False):
        yield part
    raise KeyboardInterrupt


def flipped(path, at=-9):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "truncated": lambda parts: os.truncate(parts / "00000001", 100),
    "one bit": lambda parts: flipped(parts / "00000001"),
    "empty": lambda parts: (parts / "00000001").write_bytes(b""),
    "zeros": lambda parts: (parts / "00000001").write_bytes(bytes((parts / "00000001").stat().st_size)),
    "lost": lambda parts: (parts / "00000001").unlink(),
    "another block": lambda parts: shutil.copy(parts / "00000002", parts / "00000001"),
    "another count": lambda parts: (parts / "journal.jsonl").write_text(
        (parts / "journal.jsonl").read_text().replace("[1, 10,", "[1, 11,")
    ),
}


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_block_is_computed_again(damage, name, tmp_path, monkeypatch):
    sweep, out, whole = in_blocks_of_ten(name, tmp_path, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(sweep, out, first_blocks)
    damage(tmp_path / f"{name}.parts")
    summary = run(sweep, out)
    assert (summary.resumed, summary.damaged, summary.kept) == (2, 1, 65)
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_block_that_is_damaged_once_it_is_written_is_computed_again(name, tmp_path, monkeypatch):
    sweep, out, whole = in_blocks_of_ten(name, tmp_path, monkeypatch)
    told = []

    def damage(designs, _):
        told.append(designs)
        if len(told) == 7:  # the last one
            flipped(tmp_path / f"{name}.parts" / "00000001")
            flipped(tmp_path / f"{name}.parts" / "00000004")

    summary = run(sweep, out, progress=damage)
    assert (len(told), summary.damaged, summary.kept) == (9, 2, 65)
    assert out.read_bytes() == whole.read_bytes()
    out.unlink()

    def always(*_):
        os.truncate(max((tmp_path / f"{name}.parts").glob("0*")), 5)

    with pytest.raises(ConvcostError, match=r"parts: its files do not stay as they are written: is the disk failing"):
        run(sweep, out, progress=always)
    assert not out.exists()


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_rows_are_counted_before_they_are_claimed(name, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")

    def boasting(sweep, blocks):
        for part in engines.serial(sweep, blocks):
            said = (part.kept + 1, part.unfit, part.reason)
            yield type(part)(part.block, part.data, *said, checksum(part.block, part.data, *said))

    out = tmp_path / name
    with pytest.raises(ConvcostError, match="65 rows of 66 are there: nothing is written"):
        run(plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out), out, boasting)
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.parts"]


def test_a_field_of_many_lines_is_one_row():
    assert row_count(b'"a\nb",1\n2,"x""\n"\n', "csv") == 2
    assert row_count(b'{"a": "\\"b"}\n{"a": 1}\n', "jsonl") == 2
    assert row_count(b"", "csv") == 0


def test_a_finished_file_that_is_damaged_is_one_line(tmp_path):
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:32")]), out=out)
    run(sweep, out)
    os.truncate(out, 50)
    with pytest.raises(ConvcostError, match=r"out.csv: is not as its sweep wrote it: choose another name, or remove"):
        run(sweep, out)


def test_nothing_lies_beside_the_file_until_it_is_whole(tmp_path, monkeypatch):
    """Also of a run that is killed while it puts the parts together."""
    seen = []

    def looking(*arguments):
        seen.extend(path.name for path in tmp_path.iterdir())
        return row_count(*arguments)

    monkeypatch.setattr("convcost.designs.output.row_count", looking)
    out = tmp_path / "out.csv"
    run(plan(load("vgg16"), space_of([parse_axis("H=32:96:32")]), out=out), out)
    assert seen == ["out.csv.parts"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


def test_a_second_run_at_once_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 10)
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out)
    refused = []

    def again(*_):
        with pytest.raises(ConvcostError, match=r"out.csv: another run of a sweep is writing it, with its parts in"):
            run(sweep, out)
        refused.append(True)

    assert run(sweep, out, progress=again).kept == 65
    assert len(refused) == 7
    assert run(sweep, out, progress=again).kept == 65
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


def test_a_run_that_waited_for_another_finds_its_file(tmp_path, monkeypatch):
    """The other one ends between our look for the file and our lock."""
    from convcost.designs import store as module

    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space_of([parse_axis("H=32:96:1")]), out=out)
    take = module.take_lock

    def late(*arguments):
        monkeypatch.setattr(module, "take_lock", take)
        run(sweep, out)
        return take(*arguments)

    monkeypatch.setattr(module, "take_lock", late)
    summary = run(sweep, out)
    assert (summary.resumed, summary.kept) == (1, 65)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "out.csv.meta.json"]


def test_a_torn_journal_costs_a_block_and_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr("convcost.designs.run.LARGEST_BLOCK", 10)
    space = space_of([parse_axis("H=32:96:1")])
    out = tmp_path / "out.csv"
    sweep = plan(load("vgg16"), space, out=out)

    with pytest.raises(KeyboardInterrupt):
        run(sweep, out, first_blocks)
    journal = tmp_path / "out.csv.parts" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-3])
    assert run(sweep, out).resumed == 2
    assert len(out.read_text().splitlines()) == 1 + 65


def test_a_finished_sweep_is_not_done_again_and_another_is_refused(tmp_path):
    out = tmp_path / "out.csv"
    space = space_of([parse_axis("H=32:96:32")])
    first = run(plan(load("vgg16"), space, out=out), out)
    before = out.stat().st_mtime_ns
    assert run(plan(load("vgg16"), space, out=out), out)[:4] == first[:4]
    assert out.stat().st_mtime_ns == before
    with pytest.raises(ConvcostError, match=r"out.csv: is of another sweep, with another network: choose"):
        run(plan(load("vgg19"), space, out=out), out)
    with pytest.raises(ConvcostError, match="with another where, seed"):
        run(plan(load("vgg16"), space, where=["H > 1"], seed=1, out=out), out)
    other = tmp_path / "mine.csv"
    other.write_text("my own data")
    with pytest.raises(ConvcostError, match="exists, and does not say which sweep it is of"):
        run(plan(load("vgg16"), space, out=other), other)
    assert other.read_text() == "my own data"


def test_whatever_pyarrow_raises_as_a_file_is_put_together_is_one_line(tmp_path, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    sweep, out, _ = in_blocks_of_ten("out.parquet", tmp_path, monkeypatch)

    def full(*_):
        raise pyarrow.ArrowMemoryError("malloc of size 64\nfailed")

    monkeypatch.setattr(output, "_wider", full)
    with pytest.raises(ConvcostError, match=r"^pyarrow: ArrowMemoryError: malloc of size 64 failed$"):
        run(sweep, out)
    assert not out.exists()
    monkeypatch.undo()
    assert run(sweep, out).resumed == sweep.blocks
