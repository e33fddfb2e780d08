"""README and docs are a contract: every command and snippet in them is run, and every output they show is compared."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import pytest
import yaml
from complete import require_lines

from convcost.cli import run
from convcost.cli.commands import cli
from convcost.ops import REGISTRY, Op
from convcost.spec.build import STRUCTURES, WORDS
from convcost.spec.expression import FUNCTIONS
from convcost.spec.model import KEYS, VARIANT_KEYS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGE = ROOT / "docs" / "spec-language.md"
ELISION = "[...]"


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str) -> list[str]:
    """The blocks of a page in a language."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return [text for of, text in found if of == language]


def commands() -> Iterator[Any]:
    """Each `$ command` of the console blocks with the output that is shown for it."""
    for page in PAGES:
        for block in blocks(page, "console"):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield pytest.param(page, command, output, id=f"{page.stem}: {command}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """A folder for the commands of a page, one after the other, with the example spec in it, as example.yaml."""
    folders: dict[Path, Path] = {}

    def of(page: Path) -> Path:
        if page not in folders:
            folders[page] = tmp_path_factory.mktemp(page.stem)
            (folders[page] / "example.yaml").write_text(*blocks(LANGUAGE, "yaml"), encoding="utf-8")
        return folders[page]

    return of


def matches(shown: str, printed: str) -> bool:
    """Whether the output is as shown, with any lines where [...] stands."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ELISION else re.escape(line) for line in shown.splitlines(keepends=True)
    )
    return re.fullmatch(pattern, printed) is not None


@pytest.mark.parametrize(("page", "command", "shown"), list(commands()))
def test_console_blocks(folder, monkeypatch, capfd, page, command, shown):
    """In one process, which imports what they need once; `test_packaging` runs a command as it is installed."""
    program, *arguments = shlex.split(command)
    assert program == "convcost"
    monkeypatch.chdir(folder(page))
    status = run(arguments)
    printed, errors = capfd.readouterr()
    assert (status, errors) == (0, "")
    assert matches(shown, printed.replace("\r\n", "\n")), printed  # lines of CSV end so


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.stem)
def test_python_blocks(folder, monkeypatch, page):
    monkeypatch.chdir(folder(page))
    test = doctest.DocTestParser().get_doctest("\n".join(blocks(page, "python")), {}, page.name, page.name, 0)
    assert test.examples
    output: list[str] = []
    assert doctest.DocTestRunner().run(test, out=output.append).failed == 0, "".join(output)


def test_every_block_is_of_a_kind_that_is_run():
    for page in PAGES:
        kinds = re.findall(r"^```(\w+)\n", text_of(page), flags=re.MULTILINE)
        allowed = {
            "sh": 2 * (page == README),
            "yaml": page == LANGUAGE,
            "text": 2 * (page == LANGUAGE),
        }  # operators, grammar
        assert {kind: kinds.count(kind) for kind in allowed} == allowed, page
        assert set(kinds) <= {"console", "python", *allowed}, page


def test_readme_is_a_front_page_that_leads_to_every_other():
    text = text_of(README)
    assert len(text.splitlines()) <= 180
    linked = text + "".join(text_of(page).replace("](", "](docs/") for page in PAGES[1:])
    assert [page.name for page in PAGES[1:] if f"](docs/{page.name})" not in linked] == []


def test_links_between_pages_lead_somewhere():
    for page in (*PAGES, ROOT / "CONTRIBUTING.md"):
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text_of(page)):
            assert (page.parent / link).exists(), (page.name, link)


def test_readme_has_every_command():
    for name in cli.commands:
        assert re.search(rf"^\|.*`{name}`", text_of(README), flags=re.MULTILINE), name


def test_the_two_command_lines_are_single_lines():
    """The first one is run by `test_packaging`, the second one by .ci/run."""
    for mark in ("install", "test"):
        (line,) = re.findall(rf"^<!-- {mark} -->\n```sh\n(.*)\n```$", text_of(README), flags=re.MULTILINE)
        assert line.startswith("python3 -m venv .venv && ")


def test_the_example_is_a_spec():
    (spec,) = blocks(LANGUAGE, "yaml")
    assert yaml.safe_load(spec)["name"] == "example"


def signature(operator: type[Op]) -> str:
    needed = [field.name for field in operator.fields if field.default is MISSING]
    tensors = {None: ["a", "b", "..."], 2: ["layer"], 3: ["key", "value"], 4: ["key", "value", "mask"]}.get(
        operator.inputs, []
    )
    tensors = {"deform_conv": ["offset"], "modulated_deform_conv": ["offset", "mask"], "grid_sample": ["grid"]}.get(
        operator.name, tensors
    )
    needed = [*tensors, *needed]
    optional = ", ".join(field.name for field in operator.fields if field.default is not MISSING)
    arguments = ", ".join([*needed, *([f"[{optional}]"] if optional else [])])
    return f"{operator.name}({arguments})" if arguments else operator.name


def test_every_operator_is_listed_with_its_arguments():
    (block,) = re.findall(r"<!-- operators -->\n\n?```text\n(.*?)```", text_of(LANGUAGE), flags=re.DOTALL)
    require_lines(
        re.split(r"\n| {4}", block.strip()), map(signature, REGISTRY.values()), "docs/spec-language.md, operators", "{}"
    )


def test_every_word_of_the_language_is_explained():
    language = text_of(LANGUAGE)
    words = [*STRUCTURES, *WORDS, *FUNCTIONS, *KEYS, *VARIANT_KEYS, "previous", "index", "then", "choices", "default"]
    missing = [word for word in words if not re.search(rf"\b{word}\b", language)]
    assert missing == []
