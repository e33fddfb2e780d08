"""The README is a contract: every command and snippet in it is run, and every output it shows is compared."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import yaml
from complete import require_lines

from convcost.ops import REGISTRY, Op
from convcost.spec.build import STRUCTURES, WORDS
from convcost.spec.expression import FUNCTIONS
from convcost.spec.model import _KEYS, _VARIANT_KEYS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
ELISION = "[...]"


def commands() -> list[tuple[str, str]]:
    """Each `$ command` of the console blocks with the output that is shown for it."""
    found = []
    for language, text in BLOCKS:
        if language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder with the README's example spec in it, as example.yaml."""
    path = tmp_path_factory.mktemp("readme")
    (spec,) = (text for language, text in BLOCKS if language == "yaml")
    (path / "example.yaml").write_text(spec, encoding="utf-8")
    return path


def matches(shown: str, printed: str) -> bool:
    """Whether the output is as shown, with any lines where [...] stands."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ELISION else re.escape(line) for line in shown.splitlines(keepends=True)
    )
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.parametrize(("command", "shown"), commands(), ids=[command for command, _ in commands()])
def test_console_blocks(folder, command, shown):
    program, *arguments = shlex.split(command)
    assert program == "convcost"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    environment.pop("COLUMNS", None)
    done = subprocess.run(
        [sys.executable, "-c", "from convcost.cli import main; main()", *arguments],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert matches(shown, done.stdout), done.stdout


def test_python_blocks(folder, monkeypatch):
    monkeypatch.chdir(folder)
    source = "\n".join(text for language, text in BLOCKS if language == "python")
    test = doctest.DocTestParser().get_doctest(source, {}, "README.md", "README.md", 0)
    assert len(test.examples) >= 20
    output: list[str] = []
    assert doctest.DocTestRunner().run(test, out=output.append).failed == 0, "".join(output)


def test_every_block_is_of_a_kind_that_is_run():
    assert {language for language, _ in BLOCKS} == {"sh", "console", "python", "yaml", "text"}
    assert len([text for language, text in BLOCKS if language == "text"]) == 1  # the operators
    assert len([text for language, text in BLOCKS if language == "sh"]) == 2


def test_the_two_command_lines_are_single_lines():
    """The first one is run by `test_packaging`, the second one by .ci/run."""
    for mark in ("install", "test"):
        (line,) = re.findall(rf"^<!-- {mark} -->\n```sh\n(.*)\n```$", README, flags=re.MULTILINE)
        assert line.startswith("python3 -m venv .venv && ")


def test_the_example_is_a_spec():
    (spec,) = (text for language, text in BLOCKS if language == "yaml")
    assert yaml.safe_load(spec)["name"] == "example"


def signature(operator: type[Op]) -> str:
    if operator.inputs is None:
        return f"{operator.name}(a, b, ...)"
    needed = [field.name for field in fields(operator) if field.default is MISSING]
    optional = ", ".join(field.name for field in fields(operator) if field.default is not MISSING)
    arguments = ", ".join([*needed, *([f"[{optional}]"] if optional else [])])
    return f"{operator.name}({arguments})" if arguments else operator.name


def test_every_operator_is_listed_with_its_arguments():
    (block,) = re.findall(r"<!-- operators -->\n\n?```text\n(.*?)```", README, flags=re.DOTALL)
    require_lines(re.split(r"\n| {4}", block.strip()), map(signature, REGISTRY.values()), "README.md, operators", "{}")


def test_every_word_of_the_language_is_explained():
    language = README[README.index("## The spec language") :]
    words = [*STRUCTURES, *WORDS, *FUNCTIONS, *_KEYS, *_VARIANT_KEYS, "previous", "index", "then", "choices", "default"]
    missing = [word for word in words if not re.search(rf"\b{word}\b", language)]
    assert missing == []
