"""A real Chromium for the tests of pages, and pages opened in it, of which nothing may go wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from priced_once import priced_once

__all__ = ["priced_once"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""It runs as root in a container, and asks nobody for anything by itself."""
NODE_MODULES = Path(__file__).parents[2] / "node_modules"


@pytest.fixture(scope="module")
def browser():
    """A Chromium; skipped where there is none: apt-get install chromium."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page, and holds that nothing is asked for and nothing goes wrong in it."""
    pages, wrong = [], []

    def of(text, width=1200):
        path = tmp_path / f"{len(pages)}.html"
        path.write_text(text, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield of
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture(scope="session")
def package():
    """The folder of a package of npm; skipped where it is not: npm install --no-save pyodide axe-core."""

    def of(name: str) -> Path:
        found = NODE_MODULES / name
        if not found.is_dir():
            pytest.skip(f"needs {name}: npm install --no-save {name}")
        return found

    return of
