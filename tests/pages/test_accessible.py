"""Pages for everybody: axe-core finds nothing serious in them, light or dark, and they print whole."""

from __future__ import annotations

import pytest

import convcost
from convcost.cli import run
from convcost.pages import report

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report of a network and of a table, and an atlas's index, network, table and operator, as files."""
    folder = tmp_path_factory.mktemp("pages")
    network = convcost.load("lenet5")
    (folder / "report.html").write_text(report.of_networks([(network, network.price())]), encoding="utf-8")
    assert run(["report", "vgg", "--tables", "-o", str(folder / "table.html")]) == 0
    assert run(["site", str(folder / "atlas"), "squeezenet"]) == 0
    atlas = ("index", "networks/squeezenet", "tables/squeezenet", "operators/conv")
    return [folder / "report.html", folder / "table.html", *(folder / "atlas" / f"{name}.html" for name in atlas)]


def test_axe_finds_nothing_serious(browser, package, pages):
    axe = package("axe-core") / "axe.min.js"
    found = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, bypass_csp=True)  # axe is a script of its own
        for path in pages if scheme == "light" else pages[:3:2]:
            page = context.new_page()
            page.goto(path.as_uri())
            page.add_script_tag(path=axe)
            said = page.evaluate("axe.run()")
            assert said["passes"], path
            found += [
                f"{path.name}, {scheme}: {one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
                for one in said["violations"]
                if one["impact"] in SERIOUS
            ]
        context.close()
    assert found == []


def test_print_has_every_layer(browser, pages):
    pypdfium2 = pytest.importorskip("pypdfium2")
    page = browser.new_page()
    page.goto(pages[0].as_uri())
    document = pypdfium2.PdfDocument(page.pdf(format="A4"))
    text = "\n".join(one.get_textpage().get_text_range() for one in document)
    page.close()
    for row in convcost.load("lenet5").price():
        assert row.name.rpartition("/")[2] in text
    assert "c3/map_15" in text  # folded on the screen
    assert "Unfold all" not in text
