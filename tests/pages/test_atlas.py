"""The atlas: its links lead somewhere, its index sorts and filters, and it takes hostile specs, too."""

from __future__ import annotations

import os
import re

import pytest
from html_pages import broken_links, tags_of

import convcost
from convcost.cli import run
from convcost.pages import atlas

LONG = "<b>" + "x" * 10_000
HOSTILE = f"""\
name: <script>alert(1)<script>
title: "</title><script>alert(1)</script>"
family: "<img src=x onerror=alert(2)> \u202egnp.exe"
source: "</script><img src=x onerror=alert(2)> 2031"
input: 3x8x8
knobs: {{width: 4}}
variants:
  "<i>": {{about: "{LONG}"}}
  "\u202etxt": {{width: 8, about: "' onclick='alert(3)"}}
layers:
- "<img src=x onerror=alert(3)>": conv(width, 3)
- "'\\"&<b>": linear(10)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The atlas of three shipped networks and a hostile spec."""
    folder = tmp_path_factory.mktemp("atlas")
    spec = folder / "mine.yaml"
    spec.write_text(HOSTILE, encoding="utf-8")
    assert run(["site", str(folder / "out"), "lenet5", "squeezenet", "ResNet-50", str(spec)]) == 0
    return folder / "out"


def names(folder):
    return {path.stem for path in folder.glob("*.html")}


def test_there_is_a_page_for_each_network_table_and_operator(site):
    assert names(site / "networks") == {"lenet5", "squeezenet", "resnet50", "script-alert-1-script"}
    assert {"resnet", "squeezenet"} <= names(site / "tables")
    used = {row.op.name for name in ("lenet5", "squeezenet", "resnet50") for row in convcost.load(name).price()}
    assert names(site / "operators") == used
    index = (site / "index.html").read_text(encoding="utf-8")
    for variant in convcost.load("resnet50").spec.variants_of("resnet50"):
        assert f">resnet50@{variant}<" in index
    # He et al. 2016, Table 1: 3.8 x 10^9 at 224x224; 25,557,032 params, as torchvision 0.28's resnet50 has them.
    assert 'data-v="25557032" class=right>25.6M</td><td data-v="3857973248" class=right>3.86G</td>' in index
    resnet = (site / "networks" / "resnet50.html").read_text(encoding="utf-8")
    assert "Architectures for ImageNet" in resnet
    assert "layers that differ" in resnet


def test_every_link_leads_somewhere(site):
    assert broken_links(site) == []


def test_what_specs_say_is_text(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        found = tags_of(text)
        assert not [tag for tag, _ in found if tag in ("img", "b", "i", "title") and tag != "title"], path
        assert [attrs.get("type") for tag, attrs in found if tag == "script"] == ["application/json", None]
        assert not [attrs for _, attrs in found if {"src", "onclick", "onerror"} & set(attrs)]
        assert "\u202e" not in text, path


def test_the_index_sorts_and_filters(opened, site):
    page = opened((site / "index.html").read_text(encoding="utf-8"))
    shown = """() => [...document.querySelectorAll("table.catalog tbody tr")]
        .filter((row) => row.offsetParent).map((row) => row.cells[0].textContent)"""
    every = page.evaluate(shown)
    assert {name for name in every if "<" not in name} == {
        f"{name}@{variant}"
        for name in ("lenet5", "squeezenet", "resnet50")
        for variant in convcost.load(name).spec.variants_of(name)
    }
    (hostile,) = {name.split("@")[0] for name in every if "<" in name}
    page.locator("thead button", has_text="macs").focus()
    page.keyboard.press("Enter")
    rows = {name: convcost.load(name).price().total.macs for name in every if not name.startswith("<")}
    ordered = [name for name in page.evaluate(shown) if name in rows]
    assert [rows[name] for name in ordered] == sorted(rows.values())
    page.keyboard.press("Enter")
    assert page.locator("thead th[aria-sort=descending]").text_content() == "macs"
    page.get_by_label("macs at most").fill("1G")
    assert {name.split("@")[0] for name in page.evaluate(shown)} == {"lenet5", "squeezenet", hostile}
    page.get_by_label("year to").fill("2000")
    assert {name.split("@")[0] for name in page.evaluate(shown)} == {"lenet5"}
    page.get_by_label("year to").fill("")
    page.get_by_label("family").select_option("SqueezeNet")
    assert {name.split("@")[0] for name in page.evaluate(shown)} == {"squeezenet"}
    page.get_by_label("macs at most").fill("many")
    assert page.get_by_label("macs at most").get_attribute("aria-invalid") == "true"


def test_a_phone_and_paper_show_all_of_it(opened, site):
    for name in ("index", "networks/resnet50", "networks/script-alert-1-script", "operators/conv", "tables/resnet"):
        page = opened((site / f"{name}.html").read_text(encoding="utf-8"), width=360)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lenet6"], "lenet6"),
        (["none.yaml"], "none.yaml"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_what_is_no_network_is_one_line(arguments, said, capsys, tmp_path):
    assert run(["site", str(tmp_path / "out"), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("mine", encoding="utf-8")
    assert run(["site", str(tmp_path), "lenet5"]) == 2
    assert "a folder with other things in it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.slow
def test_the_whole_zoo(tmp_path):
    """Every shipped network, in less than 150 MB."""
    atlas.write(tmp_path, atlas.subjects(), os.cpu_count() or 1, every_operator=True)
    assert broken_links(tmp_path) == []
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.html")) < 150_000_000
    assert len(names(tmp_path / "networks")) == len({re.split("@", name)[0] for name in convcost.networks()})
    assert names(tmp_path / "tables") == set(convcost.tables())
    assert names(tmp_path / "operators") == set(convcost.ops.REGISTRY)
