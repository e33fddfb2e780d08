"""What stands around the code: the site's pages, the file for agents, the citation."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import convcost
from convcost.cli.commands import cli

ROOT = Path(__file__).parent.parent
PAGES = {page.name for page in (ROOT / "docs").glob("*.md")}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_site_builds(tmp_path):
    if not all(map(importlib.util.find_spec, ("mkdocs", "material", "mkdocstrings", "mkdocs_click"))):
        pytest.skip("needs mkdocs-material: pip install '.[site]'")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {page.removesuffix(".md") for page in PAGES} <= {page.stem for page in tmp_path.glob("*.html")}


def test_agents_are_told_of_commands_and_pages_that_there_are():
    text = read("llms.txt")
    assert set(re.findall(r"`convcost (\w+)", text)) <= set(cli.commands)
    for link in re.findall(r"\]\(([^)]*)\)", text):
        assert (ROOT / link).exists(), link


def test_the_citation_is_of_this_version():
    citation, project = yaml.safe_load(read("CITATION.cff")), tomllib.loads(read("pyproject.toml"))["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["cff-version"] == "1.2.0"


def test_every_public_name_has_its_place_in_the_reference():
    shown = re.findall(r"^::: convcost\.([\w.]+)\.(\w+)$", read("docs/api.md"), flags=re.MULTILINE)
    for home, name in shown:
        assert getattr(importlib.import_module(f"convcost.{home}"), name) is getattr(convcost, name)
    assert sorted(name for _, name in shown) == sorted(convcost.__all__)


def test_the_site_leads_to_every_page():
    """`not_in_nav` would be a warning of mkdocs, which `--strict` does not make an error."""
    assert set(re.findall(r"[\w-]+\.md", read("mkdocs.yml"))) == PAGES


def test_files_that_the_house_is_said_to_have_are_there():
    text = read("docs/architecture.md")
    named = re.findall(r"`([a-z_]+/(?:\w+\.py)?|\w+\.py)`", text)
    assert len(named) > 25
    rooms = [ROOT, ROOT / "convcost", *(ROOT / "convcost").iterdir()]
    for name in named:
        assert any((room / name).exists() for room in rooms), name
