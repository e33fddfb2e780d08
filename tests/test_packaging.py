"""The README's install line, run as it stands in a copy of this checkout, and what it installs, used from elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTALLED = ("pyproject.toml", "README.md", "LICENSE", "convcost", "specs", "docs")


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """No import path, no virtual environment: a machine that knows nothing of convcost."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYTEST"))
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory, environment) -> tuple[Path, str]:
    """Where the install line has run, and what it printed."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in INSTALLED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (line,) = re.findall(r"^<!-- install -->\n```sh\n(.*)\n```$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True)  # noqa: S602  # a line for a shell
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_install_line_prints_the_table(installed):
    _, printed = installed
    assert "GoogLeNet incarnation of the Inception architecture" in printed
    assert "31 of 43 checked cells hold" in printed


def test_the_wheel_carries_every_spec_and_table(installed, environment, tmp_path):
    folder, _ = installed
    shutil.rmtree(folder / "specs")
    shutil.rmtree(folder / "convcost")
    shutil.rmtree(folder / "docs")
    convcost = folder / ".venv" / "bin" / "convcost"
    for command, *said in (
        ("list", "googlenet", "nasnet_large"),
        ("table resnet", "3.8×10⁹"),
        ("help roofline", "Arithmetic intensity is operations per byte"),
        ("--version", "convcost"),
    ):
        done = subprocess.run(
            [convcost, *command.split()], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert all(word in done.stdout for word in said)
    site = next((folder / ".venv" / "lib").glob("python*/site-packages/convcost"))
    shipped = {path.relative_to(ROOT / "specs") for path in (ROOT / "specs").rglob("*.yaml")}
    assert {path.relative_to(site / "specs") for path in (site / "specs").rglob("*.yaml")} == shipped
    assert (site / "py.typed").exists()


def test_base_dependencies_are_what_the_table_path_needs_and_numpy():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}
    assert names == {"click", "numpy", "pyyaml", "rich"}
    assert "torch==2.13.0" in project["optional-dependencies"]["dev"]
