"""Checks in CI: limits, growth since a revision, the hooks and the action, in a real repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from convcost.cli import run

ROOT = Path(__file__).parents[2]
SPEC = "name: net\nsource: ours\ninput: 3x8x8\nlayers:\n  - a: conv({channels}, 3, padding=1)\n"
"""On 64 positions, 27 macs a channel; so 64 x 27 x channels."""


def told(capsys, *arguments: str) -> tuple[int, str, str]:
    status = run(arguments)
    return status, *capsys.readouterr()


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], capture_output=True, encoding="utf-8"
    )


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository with one network of four channels, and a `convcost` on the path."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    tools = tmp_path / "tools"
    tools.mkdir()
    command = tools / "convcost"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from convcost.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "net.yaml").write_text(SPEC.format(channels=4))
    assert git("init", "-q").returncode == git("add", "specs").returncode == 0
    assert git("commit", "-qm", "four channels").returncode == 0
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_limits_are_held_to(capsys):
    """6,912 macs and 4 x 27 + 4 params; the input and the output are alive, 7 x 64 floats."""
    kept = ("--max", "macs=6912", "--max", "params=112", "--max", "memory=1792", "--max", "flops2=14K")
    assert told(capsys, "check", "specs/net.yaml", *kept) == (
        0, "net: valid, 112 params, 6,912 macs at 3x8x8\n", "",
    )  # fmt: skip
    broken = ("--max", "macs=6.911K", "--max", "params=111", "--max", "memory=1KiB", "--max", "flops2=14K")
    assert told(capsys, "check", "specs/net.yaml", *broken) == (
        1,
        (
            "net: macs 6,912 > 6,911 at 3x8x8\n"
            "net: params 112 > 111 at 3x8x8\n"
            "net: peak_memory 1,792 > 1,024 bytes at 3x8x8\n"
        ),
        "",
    )
    assert told(capsys, "check", "specs/net.yaml", "--input", "3x16x16", "--batch", "2", "--max", "macs=55295") == (
        1, "net: macs 55,296 > 55,295 at 3x16x16\n", "",
    )  # fmt: skip
    assert told(capsys, "check", "vgg16@paper", "specs/net.yaml", "--max", "params=138357544")[0] == 0


def test_an_editor_is_told_where_what_is_wrong(capsys, repository):
    """One bad file does not hide the others; a warning and a limit are told apart from an error."""
    specs = repository / "specs"
    (specs / "bad.yaml").write_text("name: bad\nsource: x\ninput: 3x8x8\nlayers:\n  - a: convv(4, 3)\n")
    (specs / "odd.yaml").write_text("name: odd\nsource: x\ninput: 3x8x8\nlayers:\n  - a: conv(4, 7, padding=5)\n")
    names = ("specs/bad.yaml", "specs/odd.yaml", "specs/net.yaml", "nothing")
    status, out, err = told(capsys, "check", *names, "--max", "macs=6K", "--format", "json")
    found = json.loads(out)
    assert (status, err, found["schema"]) == (2, "", 1)
    assert [one["network"] for one in found["networks"]] == ["odd", "net"]
    assert found["networks"][1] == {"network": "net", "input": "3x8x8", "params": 112, "macs": 6912}
    error, warning, *limits, unknown = found["problems"]
    place = {"file": "specs/bad.yaml", "line": 5, "column": 8}
    assert error == {"severity": "error", **place, "message": error["message"]}
    assert "convv" in error["message"]
    assert (warning["severity"], warning["file"], warning["line"]) == ("warning", "specs/odd.yaml", 5)
    assert {one["severity"] for one in limits} == {"limit"}
    assert limits[-1]["message"] == "net: macs 6,912 > 6,000"
    assert (unknown["severity"], unknown["file"], unknown["line"]) == ("error", "nothing", None)
    assert told(capsys, "check", "specs/net.yaml", "--max", "macs=6K", "--format", "json")[0] == 1
    assert told(capsys, "check", "specs/net.yaml", "--format", "json")[0] == 0
    status, out, _ = told(capsys, "check", "specs/odd.yaml", "--format", "json", "--strict")
    assert (status, json.loads(out)["problems"][0]["severity"]) == (2, "error")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--max", "mac=1"], "there is no quantity 'mac'; did you mean macs?"),
        (["--max", "macs"], "write it as macs=300M"),
        (["--max", "macs=1.5"], "write it as macs=300M"),
        (["--max", "macs=5MB"], "macs are no bytes"),
        (["--max", "memory=5B"], "a B alone is a billion"),
        (["--max", "latency_t4=5"], "latency_t4 is a time such as 2ms or 150us"),
        (["--max", "latency_t4=5KB"], "latency_t4 is a time such as 2ms or 150us"),
        (["--max", "latency_t5=5ms"], "unknown machine 't5'"),
        (["--max", "latency_t4_int16=5ms"], "no peak of int16 is known"),
        (["--max", "memory=5", "--max", "peak_memory=6"], "two limits"),
        (["--set", "width=2"], "net has no knob 'width'"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_what_is_no_limit_is_said(capsys, arguments, why):
    status, out, err = told(capsys, "check", "specs/net.yaml", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_a_file_is_compared_with_that_of_a_revision(capsys, repository):
    path = repository / "specs" / "net.yaml"
    path.write_text(SPEC.format(channels=5))
    compare = ("compare", "HEAD:specs/net.yaml", "specs/net.yaml", "--format", "csv")
    status, out, err = told(capsys, *compare, "--fail-on", "macs+25%", "--fail-on", "params+28")
    assert (status, err) == (0, "")
    assert "macs,6912,8640," in out
    status, out, err = told(capsys, *compare, "--fail-on", "macs+24.9%", "--fail-on", "params+27")
    assert (status, err) == (1, "specs/net.yaml: macs 8,640 > 8,633\nspecs/net.yaml: params 140 > 139\n")
    assert "macs,6912,8640," in out
    (repository / "specs" / "two.yaml").write_text(path.read_text().replace("input", "variants: {a: {}}\ninput"))
    assert git("add", "specs").returncode == git("commit", "-qm", "more").returncode == 0
    (repository / "specs" / "two.yaml").unlink()
    assert told(capsys, "check", "HEAD:specs/two.yaml@a", "HEAD~1:specs/net.yaml")[:2] == (
        0, "net@a: valid, 140 params, 8,640 macs at 3x8x8\nnet: valid, 112 params, 6,912 macs at 3x8x8\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("HEAD~9:specs/net.yaml", "HEAD~9:specs/net.yaml: no such file, and git says: "),
        ("HEAD:specs/other.yaml", "HEAD:specs/other.yaml: no such file, and git says: path 'specs/other.yaml'"),
        ("--output=x:specs/net.yaml", "in git it would be REVISION:PATH"),
        ("HEAD:specs/large.yaml", "larger than 500,000 bytes"),
        ("HEAD:specs/bad.yaml", "HEAD:specs/bad.yaml:1:1: "),
    ],
)
def test_a_revision_that_there_is_not_is_one_line(capsys, repository, name, why):
    (repository / "specs" / "large.yaml").write_bytes(b"#" * 500_001)
    (repository / "specs" / "bad.yaml").write_bytes(b"[1]")
    assert git("add", "specs").returncode == git("commit", "-qm", "odd").returncode == 0
    status, out, err = told(capsys, "check", "--", name)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_without_a_repository_a_revision_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "not a git repository" in told(capsys, "check", "HEAD:net.yaml")[2]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no git to ask" in told(capsys, "check", "HEAD:net.yaml")[2]


@pytest.mark.parametrize("bad", ["macs", "macs+x", "macs+-1", "macs+1.5", "mac+1%", "memory+1B", "macs+1KB"])
def test_what_is_no_growth_is_said(capsys, bad):
    status, out, err = told(capsys, "compare", "vgg11", "vgg13", "--fail-on", bad)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: --fail-on {bad}: ")


# -- hooks and the action --------------------------------------------------------------------------------------------


def test_the_hook_refuses_a_commit_beyond_its_limits(repository):
    """As pre-commit runs it: the entry, the user's args, and the staged files that it is for."""
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]
    script = repository / ".git" / "hooks" / "pre-commit"
    script.write_text(
        f"#!/bin/sh\nexec {hook['entry']} --max macs=7K $(git diff --cached --name-only | grep '^specs/')\n"
    )
    script.chmod(0o755)
    path = repository / "specs" / "net.yaml"
    for channels, status, said in ((5, 1, "net: macs 8,640 > 7,000 at 3x8x8"), (3, 0, "net: valid, 84 params")):
        path.write_text(SPEC.format(channels=channels))
        assert git("add", "specs").returncode == 0
        done = git("commit", "-m", "another width")
        assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done


def test_the_hook_audits_a_readme(repository):
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[1]
    readme = repository / "README.md"
    for params, status in (("138.36M", 0), ("13.8M", 1)):
        readme.write_text(
            f"| model | params | MACs |\n|---|---|---|\n| VGG-16 | {params} | 15.47G |\n| VGG-11 | 132.86M | 7.61G |\n"
        )
        done = subprocess.run([*hook["entry"].split(), "--fail-on", "difference", "README.md"], capture_output=True)
        assert done.returncode == status, done


def test_the_action_checks_compares_and_audits(repository):
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    step = action["runs"]["steps"][-1]
    inputs = {name: one["default"] for name, one in action["inputs"].items()}

    def status(**given: str) -> int:
        values = {**inputs, **{name.replace("_", "-"): value for name, value in given.items()}}
        environment = {
            name: values[text.removeprefix("${{ inputs.").removesuffix(" }}")] for name, text in step["env"].items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            env={**os.environ, **environment}, capture_output=True, encoding="utf-8",
        )  # fmt: skip
        return done.returncode

    assert status() == 0
    assert status(check="specs/*.yaml", max="macs=7K params=112") == 0
    assert status(check="specs/*.yaml", max="macs=6K params=112") == 1
    assert status(compare="specs/net.yaml", base="HEAD") == 0
    (repository / "specs" / "net.yaml").write_text(SPEC.format(channels=5))
    assert status(compare="specs/net.yaml", base="HEAD") == 1
    assert status(compare="specs/net.yaml", base="HEAD", fail_on="macs+50%") == 0
    assert status(check="$(touch", max="x=1;touch y") == 1
    assert sorted(path.name for path in repository.iterdir()) == [".git", "specs", "tools"]
