"""The report: it stands alone, fits into a mail, and what it computes itself is what Python computes."""

from __future__ import annotations

import json
import random
import re
from fractions import Fraction

import pytest
from html_pages import tags_of

import convcost
from convcost.cli import run
from convcost.pages import report, sections
from convcost.pages.formulas import QUANTITIES, formulas
from convcost.pages.page import Section
from convcost.pages.page import page as page_of
from convcost.pages.treemap import HEIGHT, WIDTH, svg, tiles
from convcost.render.numbers import in_full, plain


@pytest.fixture(scope="module")
def lenet():
    network = convcost.load("lenet5")
    return report.of_networks([(network, network.price())])


def test_a_page_asks_for_nothing_and_runs_its_one_script_alone(lenet):
    found = tags_of(lenet)
    (policy,) = [attrs["content"] for tag, attrs in found if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    assert re.search(r"script-src 'sha256-[\w+/]+=*'$", policy)
    assert [attrs.get("type") for tag, attrs in found if tag == "script"] == ["application/json", None]
    assert not [attrs for _, attrs in found if {"src", "onclick", "onload"} & set(attrs)]
    assert {attrs["href"][0] for tag, attrs in found if tag == "a" and "href" in attrs} == {"#"}
    ids = [attrs["id"] for _, attrs in found if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {attrs["href"][1:] for tag, attrs in found if tag == "a" and "href" in attrs} <= set(ids)


def test_a_report_says_what_the_library_says(lenet):
    cost = convcost.load("lenet5").price()
    for count in (cost.total.params, cost.total.macs, cost.total.activations, *(row.macs for row in cost)):
        assert in_full(count) in lenet
    for name in convcost.dialects(cost):
        assert f">{name}<" in lenet


def test_resnet50s_is_small_enough_to_attach(tmp_path):
    out = tmp_path / "resnet50.html"
    assert run(["report", "resnet50", "-o", str(out), "--machine", "flops=19.5T,bandwidth=1555G"]) == 0
    text = out.read_text(encoding="utf-8")
    tags_of(text)
    assert len(text.encode()) < 400_000
    assert "3,857,973,248" in text
    assert "Architectures for ImageNet" in text  # its paper's Table 1, audited


def test_a_tables_report_has_every_verdict_and_a_summary_to_paste(tmp_path):
    out = tmp_path / "table.html"
    assert run(["report", "googlenet", "--tables", "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    audited = convcost.audit("googlenet")
    for finding in audited.findings:
        assert finding.claim.text in text
    (summary,) = re.findall(r"<textarea [^>]*>(.*?)</textarea>", text, flags=re.DOTALL)
    wrong = [f for f in audited.findings if f.verdict in ("slip", "does not hold", "contradicts itself")]
    assert summary.count("\n- ") == len(wrong)


def test_tiles_fill_the_map_in_proportion():
    cost = convcost.load("googlenet").price()
    found = tiles(cost.rows, {row.name: row.macs for row in cost})
    assert sum(tile.amount for tile in found) == cost.total.macs
    boxes = re.findall(r'width="([\d.]+)" height="([\d.]+)"', svg(found, "macs"))
    outer = sorted((float(w) * float(h) for w, h in boxes), reverse=True)
    most = max(tile.amount for tile in found)
    assert outer[0] == pytest.approx(WIDTH * HEIGHT * most / cost.total.macs, rel=0.02)


def test_without_graphviz_a_report_has_no_picture_and_says_why(monkeypatch):
    from convcost.pictures import dot

    monkeypatch.setattr(dot, "which", lambda _: None)
    network = convcost.load("lenet5")
    assert "No picture: Graphviz is not installed" in report.of_networks([(network, network.price())])


SLIDERS = ("lenet5", "resnet50", "mobilenet_v2", "densenet121", "mobilenet_v1")


def test_the_pages_formulas_are_pythons_on_random_points(opened):
    """Integers and fractions, within the domain and outside, among them counts beyond 2^53."""
    draw = random.Random(13)  # noqa: S311  # the same points each time
    parts, data = [], {}
    for name in SLIDERS:
        network = convcost.load(name)
        data[name] = forms = formulas(network, network.input, 1)
        assert forms is not None, name
        parts.append(Section(name, name, sections.sliders(forms)))
    page = opened(page_of("formulas", parts, data))
    for name in SLIDERS:
        network, forms = convcost.load(name), data[name]
        symbols = [one["name"] for one in forms["sliders"]]
        python = {quantity: network.formula(quantity, symbols) for quantity in QUANTITIES}
        points = []
        for _ in range(40):
            values = {}
            for one in forms["sliders"]:
                rational = "/" in one["step"]
                most = draw.choice((3, 60, 300, 10**7))
                values[one["name"]] = Fraction(draw.randint(1, 60), 20) if rational else draw.randint(1, most)
            points.append(values)
        texts = [{key: plain(value) for key, value in point.items()} for point in points]
        shown = page.evaluate(
            """([id, points]) => points.map((point) => {
                const section = document.getElementById(id);
                for (const [name, value] of Object.entries(point)) {
                    const input = section.querySelector(`input[name="${name}"]`);
                    input.value = value;
                    input.dispatchEvent(new Event("input"));
                }
                return [...section.querySelectorAll("output")].map((output) => output.textContent);
            })""",
            [name, texts],
        )
        inside = 0
        for values, found in zip(points, shown, strict=True):
            for (quantity, form), text in zip(python.items(), found, strict=True):
                try:
                    expected = in_full(form(**values))
                except convcost.ConvcostError:
                    expected = "–"
                inside += expected != "–"
                assert text == expected, (name, quantity, values)
        assert inside > 20, name


def test_layers_fold_sort_and_are_found(opened, lenet):
    page = opened(lenet)
    table = page.locator("table.layers")
    names = """() => [...document.querySelectorAll("table.layers tbody tr")]
        .filter((row) => row.offsetParent).map((row) => row.cells[0].textContent)"""
    folded = page.evaluate(names)
    assert folded == ["c1", "s2", "c3", "s4", "c5", "f6", "output"]
    first = table.locator("tr.scope button").first
    first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(names)[:2] == ["c1", "c1/conv"]
    assert first.get_attribute("aria-expanded") == "true"
    page.locator(".fold").click()
    table.locator("thead button", has_text="macs").click()
    macs = {line.name: line.macs for line in convcost.load("lenet5").price().fold(1)}
    assert page.evaluate(names) == sorted(macs, key=lambda name: -macs[name])
    table.locator("thead button", has_text="macs").click()
    table.locator("thead button", has_text="macs").click()
    assert page.evaluate(names) == folded
    page.locator("input[type=search]").fill("avgpool s4")
    assert "s4/avgpool" in page.evaluate(names)
    assert not [name for name in page.evaluate(names) if not name.startswith("s4")]


def test_a_phone_shows_it_without_scrolling_sideways(opened, lenet):
    page = opened(lenet, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


HOSTILE = """\
name: hostile
title: "<script>alert(1)</script>"
source: "</script><img src=x onerror=alert(2)>"
input: 3x8x8
layers:
- "<img src=x onerror=alert(3)>": conv(4, 3)
- "'\\"&<b>": linear(10)
"""


def test_what_files_say_is_text(opened, tmp_path):
    spec = tmp_path / "hostile.yaml"
    spec.write_text(HOSTILE, encoding="utf-8")
    network = convcost.load(spec)
    text = report.of_networks([(network, network.price())])
    assert not [tag for tag, _ in tags_of(text) if tag == "img"]
    page = opened(text)
    assert page.evaluate("[document.images.length, document.scripts.length]") == [0, 2]
    json.loads(page.evaluate("document.getElementById('data').textContent"))


def test_words_of_ten_thousand_letters_fit_a_phone(opened, tmp_path):
    """In a spec and in an audited table; right to left, too."""
    word = "w" * 10_000
    spec, table, out = (tmp_path / name for name in ("long.yaml", "long.md", "long.html"))
    spec.write_text(
        f"name: {word}\ntitle: {word}\nsource: \u202e{word}\ninput: 3x8x8\nlayers:\n- ? {word}\n  : conv(4, 3)\n",
        encoding="utf-8",
    )
    table.write_text(
        f"| Model | Params |\n|--|--|\n| ResNet-18 {word} | 11.7M |\n| ResNet-50 | 25.6M |\n", encoding="utf-8"
    )
    for path in (spec, table):
        assert run(["report", str(path), "-o", str(out)]) == 0
        page = opened(out.read_text(encoding="utf-8"), width=360)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "googlnet", "-o", "x.html"], "did you mean googlenet?"),
        (["report", "none.csv", "-o", "x.html"], "none.csv"),
        (["report", "lenet5", "-o", "/nowhere/x.html"], "/nowhere/x.html: No such file or directory"),
    ],
)
def test_what_cannot_be_reported_is_one_line(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
