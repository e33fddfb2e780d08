"""What stands around the code: the site's pages, the file for agents, the citation."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from convcost.cli.commands import cli

ROOT = Path(__file__).parent.parent
PAGES = {page.name for page in (ROOT / "docs").glob("*.md")}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_site_builds(tmp_path):
    if importlib.util.find_spec("mkdocs") is None or importlib.util.find_spec("material") is None:
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
