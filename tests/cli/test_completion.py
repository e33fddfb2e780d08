"""Completion, as the shells ask for it: bash's script in a bash of its own, and every shell here at a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem

from convcost.cli import run
from convcost.cli.commands import cli
from convcost.cli.completion import Bash, Fish, Zsh
from convcost.cli.options import Knobs, LayerName, NetworkName, OneOf
from convcost.ops import KINDS
from convcost.render import FORMATS

ROOT = Path(__file__).parents[2]
SPEC = "name: pair\nsource: test\ninput: 3x8x8\nnetworks: {small: {}, large: {}}\nlayers: [relu]\n"


@pytest.fixture
def environment(tmp_path, monkeypatch) -> dict[str, str]:
    """What a shell needs to find a program called convcost, in a folder with a spec in it."""
    program = tmp_path / "bin" / "convcost"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from convcost.cli import main; main()" "$@"\n')
    program.chmod(0o755)
    (tmp_path / "zz_mine.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "dumb", "HOME": str(tmp_path)}


@pytest.fixture
def bash(environment) -> Callable[[str], list[str]]:
    """What bash is offered for a line, by the script that it reads, in a process of its own."""
    script = """eval "$(_CONVCOST_COMPLETE=bash_source convcost)"
        compopt() { :; }  # which wants a completion of readline's
        COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:' COMP_LINE=$1 COMP_POINT=${#1}
        _convcost_completion convcost; printf '%s\\n' "${COMPREPLY[@]}" """

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            ["bash", "-c", script, "bash", line], check=True, capture_output=True, env=environment, text=True
        )
        return done.stdout.split()

    return offered


def test_bash_goes_on_where_it_breaks_the_word(bash):
    # readline replaces the @, too
    assert bash("convcost layers resnet50@") == ["@v1", "@v1.5", "@keras", "@caffe", "@cifar"]
    assert bash("convcost layers resnet34 --set shortcut=") == ["A", "B", "C"]
    assert bash("convcost layers zz_mine.yaml:s") == ["small"]
    assert bash("convcost layers vgg11 --format=js") == ["json"]
    assert bash("convcost help recep") == ["receptive", "field"]


START = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(_CONVCOST_COMPLETE=bash_source convcost)"'),
    "zsh": (["-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(_CONVCOST_COMPLETE=zsh_source convcost)"'),
    "fish": (["--no-config", "-i"], "_CONVCOST_COMPLETE=fish_source convcost | source"),
}


@pytest.fixture(params=START)
def typed(request, environment, tmp_path) -> Iterator[Callable[[str], str]]:
    """The arguments that a shell at a terminal runs convcost with, for what is typed, the tabulator, and return."""
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param} here")
    program, said = tmp_path / "bin" / "convcost", tmp_path / "said"
    program.write_text(
        program.read_text().replace("exec", f'[ "$_CONVCOST_COMPLETE" ] || exec echo "$*" >>{said}\nexec')
    )
    arguments, setup = START[request.param]
    master, slave = pty.openpty()
    with subprocess.Popen(
        [request.param, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment, "TERM": "xterm"},
        start_new_session=True,
        preexec_fn=partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # one call of the kernel
    ) as shell:

        def type_(keys: str) -> str:
            before = said.read_text() if said.exists() else ""
            os.write(master, keys.encode())
            for _ in range(300):
                if select.select([master], [], [], 0.1)[0]:
                    os.read(master, 4096)
                if said.exists() and (now := said.read_text()) != before:
                    return now.removeprefix(before).strip()
            return ""

        assert type_(f"{setup}; convcost ready\r") == "ready"
        yield lambda line: type_(f"{line}\t\r")
        shell.kill()
    os.close(master)
    os.close(slave)


def test_a_shell_at_a_terminal_completes(typed):
    assert typed("convcost layers resnet50@v1.") == "layers resnet50@v1.5"
    assert typed("convcost layers resnet34 --set shortc") == "layers resnet34 --set shortcut="
    assert typed("convcost layers vgg11 --format=js") == "layers vgg11 --format=json"
    assert typed("convcost layers zz_") == "layers zz_mine.yaml"
    assert typed("convcost layers zz_mine.yaml:s") == "layers zz_mine.yaml:small"


# -- what is offered, whatever the shell ----------------------------------------------------------------------------


def offered(line: str, shell: type[Bash | Zsh | Fish] = Zsh) -> list[str]:
    """What a shell is given for the last word of a line, a file for "file"."""
    *words, last = line.split(" ")
    found: list[CompletionItem] = shell(cli, {}, "convcost", "_CONVCOST_COMPLETE").get_completions(words[1:], last)
    return [item.value if item.type == "plain" else item.type for item in found]


@pytest.mark.parametrize("shell", [Bash, Zsh, Fish])
def test_every_shell_is_given_whole_words(shell, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(SPEC)
    assert offered("convcost layers resnet50@v1", shell) == ["resnet50@v1", "resnet50@v1.5"]
    assert offered("convcost layers resnet34 --set shortcut=", shell) == ["shortcut=A", "shortcut=B", "shortcut=C"]
    assert offered("convcost layers vgg11 --format=js", shell) == ["--format=json"]
    assert offered("convcost layers vgg11 --format js", shell) == ["json"]
    assert offered("convcost layers mine.yaml:", shell) == ["mine.yaml:small", "mine.yaml:large"]
    assert offered("convcost layers missing.yaml:", shell) == offered("convcost layers nothing@", shell) == []
    assert offered("convcost layers ./mi", shell) == offered("convcost layers mine", shell) == ["file"]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("layers ResNet-50", ["resnet50", "resnet50d", "resnet50_b", "resnet50_c", "resnet50v2"]),
        ("layers ResNet-50@v1.", ["ResNet-50@v1.5"]),
        ("table inception_v", ["inception_v2"]),
        ("audit mobilenet_v2_", ["mobilenet_v2_slim"]),
        ("audit nothing", ["file"]),
        ("audit mine.csv --map Madds=f", ["Madds=flops"]),
        ("audit mine.csv --map Mad", []),
        ("audit mine.csv --name Ours=googl", ["Ours=googlenet"]),
        ("audit mine.csv --fail-on u", ["unreproduced"]),
        ("reconcile goog", ["googlenet"]),
        ("layers googlenet --set cl", ["classes="]),
        ("layers googlenet --set aux=", ["aux=true", "aux=false"]),
        ("layers nothing --set cl", []),
        ("layers vgg11 --format ", list(FORMATS)),
        ("layers vgg11 --only ", list(KINDS)),
        ("layers vgg11 --as th", ["thop", "thop-0.0.23", "thop-0.0.31"]),
        ("list --family mo", ["mobilenet", "mobileone", "mobilevit"]),
        ("formula vgg11 --of act", ["activations"]),
        ("formula vgg11 --symbols H,cl", ["H,classes"]),
        ("memory vgg11 --dtype bf", ["bfloat16"]),
        ("roofline vgg11 --machine b", ["bandwidth="]),
        ("export vgg11 --to t", ["timeloop", "torch"]),
        ("machine j", ["jetson_nano", "jetson_tx2"]),
        ("sweep mobilenet_v2 --over wi", ["width="]),
        ("solve mobilenet_v2 --max ma", ["macs="]),
        ("check vgg11 --max me", ["memory="]),
        ("cite vgg11 --style m", ["macros", "metafile"]),
        ("compare vgg11 vgg13 --fail-on ma", ["macs+"]),
        ("verify vgg11 --device c", ["cpu", "cuda"]),
        ("explain resnet50 conv5", ["conv5_x"]),
        ("explain resnet50 conv5_x/", ["conv5_x/1", "conv5_x/2", "conv5_x/3"]),
        ("explain nothing c", []),
        ("draw googlenet --scope inception_5", ["inception_5a", "inception_5b"]),
        ("draw googlenet --by m", ["macs", "memory"]),
        ("report lenet", ["lenet5"]),
    ],
)
def test_a_word_is_completed(line, values):
    assert offered(f"convcost {line}") == values


FREE = {
    "--input": "a shape",
    "--max-macs": "a count",
    "--max-params": "a count",
    "--macs": "a count",
    "--params": "a count",
    "--under": "expressions for symbols",
    "--let": "expressions",
    "--where": "a condition",
    "--maximize": "an expression",
    "--front": "two columns of the sweep",
    "--scheduler": "an address",
    "--strip": "a pattern",
    "--pages": "numbers of pages",
    "--patches": "a grid",
    "--module": "a place in one's own code",
    "--peak-memory": "bytes",
    "layers": "layers as a spec has them",
}
"""Options whose values are no closed set, and no files."""


def test_every_argument_and_option_completes_or_is_free_text():
    completed = (NetworkName, LayerName, Knobs, OneOf, click.Choice, click.Path)
    for name, command in cli.commands.items():
        for param in command.params:
            known = isinstance(param.type, (*completed, click.IntRange)) or getattr(param, "is_flag", False)
            assert known != (param.opts[0] in FREE), f"{name} {param.opts[0]}: complete it, or say in FREE why not"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(shell, capsys, monkeypatch):
    monkeypatch.setenv("_CONVCOST_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit):
        run([])
    assert f"{shell}_complete" in capsys.readouterr().out
