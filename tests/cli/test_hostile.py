"""Names that are not ours, and streams that are closed: nothing of a spec or a path is a command to anything."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from convcost.cli import run

ROOT = Path(__file__).parents[2]
CONVCOST = [sys.executable, "-c", "from convcost.cli import main; main()"]
ESCAPES = {
    "colour": "\x1b[31mred",
    "title": "\x1b]0;title\x07",
    "link": "\x1b]8;;https://example.com\x1b\\here\x1b]8;;\x1b\\",
    "c1": "\x9b31mred",
    "bidi": "\u202etxt.exe",
    "carriage return": "valid\rwrong",
    "backspace": "a\b\bb",
}


def yaml_text(text: str) -> str:
    """A double-quoted YAML scalar that stands for the text."""
    return '"' + "".join(c if c.isalnum() else f"\\U{ord(c):08x}" for c in text) + '"'


def harmless(text: str) -> bool:
    return all(c.isprintable() or c in "\n\t" for c in text)


def spec(tmp_path: Path, name: str, layers: str = '"conv(4, 3)"', more: str = "") -> str:
    path = tmp_path / "net.yaml"
    path.write_text(f"name: {name}\nsource: x\ninput: 3x8x8\n{more}\nlayers: [{layers}]\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_names_of_a_spec_do_not_command_the_terminal(escape, tmp_path, capsys):
    # A space, a colon, an @ or a slash are in no name.
    name = yaml_text("net" + escape.translate(dict.fromkeys(map(ord, ":/@ "))))
    more = f"variants: {{{name}: {{a: 1}}}}\nknobs: {{a: {{default: 1, choices: [1, 2]}}, w: {yaml_text(escape)}}}"
    path = spec(tmp_path, name, '"conv(a, 3) if w != 1 else relu"', more)
    for arguments, status in (
        (("check", path), 0),
        (("formula", path), 0),
        (("formula", path, "--format", "python"), 0),
        (("layers", path), 0),
        (("layers", path + "@other"), 2),
        (("layers", path, "--set", f"a={escape}"), 2),
        (("layers", f"{escape}.yaml"), 2),
        (("layers", path, "--set", "w=1"), 2),
        (("table", escape), 2),
        (("layers", path, escape), 2),
    ):
        assert run(arguments) == status, arguments
        out, err = capsys.readouterr()
        assert harmless(out), arguments
        assert harmless(err), arguments
        assert status == 0 or err.count("\n") == 1
    layer = yaml_text("x" + escape.replace("/", ""))
    assert run(["check", spec(tmp_path, "net", f'{{{layer}: "conv(4, 30)"}}')]) == 2
    assert harmless(capsys.readouterr().err)


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_paths_do_not_command_the_terminal(escape, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = escape.replace("/", "")
    assert run(["new", f"{name}.yaml"]) == 0
    assert run(["sweep", "vgg11", "--over", "H=32", "--out", f"{name}.csv"]) == 0
    out, err = capsys.readouterr()
    assert harmless(out)
    assert err == ""
    assert Path(f"{name}.yaml").exists()
    assert Path(f"{name}.csv").exists()


def on_a_terminal(*arguments: str) -> str:
    """What a command prints where a person is looking."""
    master, slave = pty.openpty()
    with subprocess.Popen([*CONVCOST, *arguments], stdout=slave, env={**os.environ, "PYTHONPATH": str(ROOT)}) as done:
        os.close(slave)
        printed = b""
        try:
            while piece := os.read(master, 1 << 16):
                printed += piece
        except OSError:  # the end of a terminal
            pass
        os.close(master)
    assert done.returncode == 0
    return printed.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("command", [["show"], ["layers", "--format", "csv"]], ids=["show", "csv"])
def test_what_is_exact_in_a_file_is_harmless_on_a_terminal(command, tmp_path, capsys):
    path = spec(tmp_path, "net", '{"a\u202eb": "conv(4, 3)"}')
    assert run([*command, path]) == 0
    assert "a\u202eb" in capsys.readouterr().out
    printed = on_a_terminal(*command, path)
    assert "a\ufffdb" in printed
    assert harmless(printed)


INJECTION = 'x"""\\;__import__(\'os\').system(\'touch\tPWNED\');"""'


@pytest.mark.parametrize("name", [INJECTION, 'x"', "x\\", 'x\\"""', "x\n1"])
def test_the_name_of_a_network_is_no_code_in_a_formula(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["formula", spec(tmp_path, yaml_text(name)), "--format", "python"]) == 0
    scope: dict[str, object] = {}
    exec(capsys.readouterr().out, scope)  # noqa: S102  # that it is harmless is the test
    assert scope["macs"](8, 8) == 6 * 6 * 9 * 3 * 4
    assert " ".join(name.split()) in scope["macs"].__doc__
    assert not Path("PWNED").exists()


@pytest.mark.parametrize("knob", ["name", "self", "network", "knobs", "shape"])
def test_a_knob_can_be_called_as_an_argument_of_ours(knob, tmp_path, capsys):
    assert run(["layers", "vgg11", "--set", f"{knob}=5"]) == 2
    assert f"vgg11 has no knob '{knob}'" in capsys.readouterr().err
    path = spec(tmp_path, "net", f'"conv({knob}, 3)"', f"knobs: {{{knob}: 4}}")
    out = str(tmp_path / "out.csv")
    for arguments in (
        ("layers", path, "--set", f"{knob}=5"),
        ("sweep", path, "--over", f"{knob}=1:9", "--out", out),
        ("solve", path, "--over", f"{knob}=1:9", "--max", "macs=10K"),
        ("formula", path, "--symbols", f"H,W,{knob}", "--under", f"{knob}=7"),
    ):
        assert run(arguments) == 0, capsys.readouterr().err
    assert Path(out).read_text().splitlines()[-1].startswith(f"9,{9 * 3 * 9 + 9},{36 * 9 * 3 * 9},")


def in_a_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A shell script in which "$@" is convcost."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *CONVCOST], cwd=folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-"])
def test_a_closed_standard_error_changes_nothing_else(closed, tmp_path):
    done = in_a_shell(f'"$@" sweep vgg11 --over H=32 --out x.csv {closed}', tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "x.csv: 1 of 1 designs\n", "")
    assert len((tmp_path / "x.csv").read_text().splitlines()) == 2
    done = in_a_shell(f'"$@" layers vgg11@nowhere {closed}', tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("command", ["--help", "sweep --help", "--version", "list --family ResNet --format json"])
def test_a_reader_that_went_away_is_one_line(command, tmp_path):
    done = in_a_shell(f'"$@" {command} | true; echo "${{PIPESTATUS[0]}}"', tmp_path)
    assert done.stdout == "2\n"
    assert done.stderr == "error: standard output was closed before all of it was written\n"


LIMITED = """
import resource, sys
import numpy, yaml
import convcost.cli.sweep
import convcost.designs.blocks, convcost.designs.cluster, convcost.designs.engines
import convcost.designs.output, convcost.designs.run
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
most = used + int(sys.argv.pop(1)) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (most, most))
convcost.cli.main()
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="how much memory is in use is read from /proc")
@pytest.mark.parametrize("megabytes", [1, 8, 32])
def test_out_of_memory_is_one_line(megabytes, tmp_path):
    """What a process may have is limited by the system, once numpy is there; a block takes more than that."""
    command = ["sweep", "vgg11", "--over", "H=32:2048", "--over", "W=32:1024", "--out", "x.csv"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(megabytes), *command], cwd=tmp_path, capture_output=True, text=True,
        timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    too_little = "out of memory; a sweep keeps the blocks that are done|[^\n]+ cannot be imported: ImportError: [^\n]+"
    assert re.fullmatch(f"error: ({too_little})\n", done.stderr)
    assert not (tmp_path / "x.csv").exists()


def test_a_package_that_cannot_be_imported_is_one_line(tmp_path, capsys, monkeypatch):
    (tmp_path / "numpy.py").write_text('raise ImportError("libblas.so:\\nno room", name="numpy._core")')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numpy")
    assert run(["sweep", "vgg11", "--over", "H=32", "--out", str(tmp_path / "x.csv")]) == 2
    assert capsys.readouterr().err == "error: numpy._core cannot be imported: ImportError: libblas.so: no room\n"
