"""The page that runs convcost in the browser: it says what the command line says, and nothing leaves the machine."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import convcost
from convcost.auditing.plainly import plainly
from convcost.cli import browser as page_of
from convcost.cli import run
from convcost.published.claims import of_table
from convcost.published.tables import load_table

TABLE = "Model,Params,FLOPs\nResNet-50,25.6M,4.1G\nVGG-16,138M,15.5G\nGoogLeNet,9.9M,1.6G\n"
SPEC = "name: mine\ninput: 3x32x32\nlayers:\n- conv1: conv(64, 3, padding=1)\n- fc: linear(10)\n"
PATIENCE = 90_000
"""Milliseconds: two cores may have more to do."""


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory, package):
    """The page at an address of this machine."""
    out = tmp_path_factory.mktemp("playground") / "out"
    assert run(["playground", str(out), "--pyodide", str(package("pyodide"))]) == 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", out
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def page(browser, served):
    """The page, opened once: Python takes seconds to start. Nothing is asked of another origin, and nothing fails."""
    wrong = []
    found = browser.new_page(viewport={"width": 360, "height": 800})
    found.set_default_timeout(PATIENCE)
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda message: wrong.append(message.text))
    found.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(served[0]) else None)
    found.goto(f"{served[0]}#text=resnet50@v1.5")
    found.get_by_text("Checked in").wait_for()
    yield found
    found.close()
    assert [one for one in wrong if not one.startswith(("blob:", "data:"))] == []


def asked(page, text):
    """What the page says of a text, with the keyboard alone."""
    page.locator("#text").focus()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.evaluate("document.getElementById('status').textContent = ''")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Checked in").wait_for()
    return page.locator("#output").inner_text() + page.locator("#error").inner_text()


def test_a_link_to_a_text_is_answered(page):
    assert page.locator("#command").text_content() == "convcost layers resnet50@v1.5 --depth 1"
    # 4.09 G: the stride on the 3x3, as torchvision's resnet50 has it; 4,089,184,256 by FlopCounterMode.
    assert "4,089,184,256" in page.locator("#output").inner_text() or "4.09G" in page.locator("#output").inner_text()


def test_a_table_a_claim_a_spec_and_a_command(page):
    said = asked(page, TABLE)
    assert page.locator("#command").text_content() == "convcost audit pasted.csv"
    rows = {(cells[0], cells[1]): cells[3] for line in said.splitlines() if len(cells := line.split("\t")) > 3}
    assert rows["VGG-16", "Params"].startswith("holds")
    assert rows["GoogLeNet", "Params"].startswith("not so")
    assert "25,557,032" in said  # as torchvision's resnet50 has
    assert "without numpy" in said
    assert "holds" in asked(page, "Our ResNet-50 needs 4.1 GFLOPs")
    assert "657K" in asked(page, SPEC)  # 64 * 27 + 64 and 64 * 32 * 32 * 10 + 10
    assert "9,408" in asked(page, "convcost explain googlenet conv1")
    assert "file:///" not in page.url
    assert page.url.endswith("#text=convcost%20explain%20googlenet%20conv1")


def test_what_is_wrong_is_one_line(page):
    said = asked(page, "<img src=x onerror=alert(1)>")
    assert "\n" not in said
    assert page.evaluate("document.images.length") == 0
    assert "torch" in asked(page, "convcost verify resnet50")
    assert "linear" in asked(page, SPEC.replace("linear", "linaer"))


def test_a_file_is_read(page, tmp_path):
    path = tmp_path / "<b>paper.csv"
    path.write_text(TABLE, encoding="utf-8")
    page.evaluate("document.getElementById('status').textContent = ''")
    page.locator("#file").set_input_files(path)
    page.get_by_text("Checked in").wait_for()
    assert page.locator("#command").text_content() == "convcost audit _b_paper.csv"
    assert "25,557,032" in page.locator("#output").inner_text()


def dropped(page, name, content):
    """What the page says of a file that is dropped on it: a real DataTransfer of a real File."""
    page.evaluate("document.getElementById('status').textContent = ''")
    transfer = page.evaluate_handle(
        """([name, content]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([content], name));
            return transfer;
        }""",
        [name, content],
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    assert page.evaluate("document.body.classList.contains('over')")
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    page.get_by_text("Checked in").wait_for()
    assert not page.evaluate("document.body.classList.contains('over')")
    return page.locator("#output").inner_text() + page.locator("#error").inner_text()


def test_a_file_is_dropped(page):
    assert "25,557,032" in dropped(page, "paper.csv", TABLE)
    assert page.locator("#command").text_content() == "convcost audit paper.csv"
    assert "657K" in dropped(page, "mine.yaml", SPEC)
    said = dropped(page, "a paper.pdf", "%PDF-1.4")
    assert said == "what reads a PDF does not run in a browser; on the command line: convcost audit a_paper.pdf"


def test_nothing_leaves_the_machine(page, served):
    """A second origin is out of reach of the page and of a worker that is made as its is."""
    other = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served[1])))
    threading.Thread(target=other.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{other.server_port}/config.json"
        policy = re.search(r'Policy" content="([^"]+)"', (served[1] / "index.html").read_text(encoding="utf-8"))[1]
        assert "connect-src &#x27;self&#x27;;" in policy
        context = page.context.browser.new_context()
        fresh = context.new_page()
        fresh.goto(f"{served[0]}index.html")
        tried = fresh.evaluate(
            """(address) => new Promise((resolve) => {
                const code = `fetch(${JSON.stringify(address)}, { mode: "no-cors" })
                    .then(() => postMessage("sent"), () => postMessage("refused"));`;
                const blob = new Blob([code], { type: "text/javascript" });
                const worker = new Worker(URL.createObjectURL(blob), { type: "module" });
                worker.onerror = ({ message }) => resolve(`broken: ${message}`);
                worker.onmessage = ({ data }) => resolve(data);
            })""",
            address,
        )
        here = fresh.evaluate(
            "(address) => fetch(address, { mode: 'no-cors' }).then(() => 'sent', () => 'refused')", address
        )
        assert (tried, here) == ("refused", "refused")
        context.close()
    finally:
        other.shutdown()
        other.server_close()


def test_it_goes_on_without_a_network_and_fits_a_phone(page):
    page.context.set_offline(True)
    assert "25,557,032" in asked(page, TABLE)
    page.context.set_offline(False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_axe_finds_nothing_serious_in_it(page, package):
    asked(page, TABLE)
    page.evaluate((package("axe-core") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert found["passes"]
    assert [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")] == []


def test_the_wheel_is_one(served, tmp_path):
    """Its record is of its files, and convcost runs from it as from here."""
    (wheel,) = served[1].glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (record,) = (name for name in archive.namelist() if name.endswith("/RECORD"))
        listed = {row[0] for row in csv.reader(io.StringIO(archive.read(record).decode()))}
        assert listed == set(archive.namelist())
        archive.extractall(tmp_path)
    code = "from convcost.cli import main; print(main.__code__.co_filename, flush=True); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "table", "googlenet"],
        env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith(str(tmp_path)), done.stderr
    assert "31 of 43 checked cells hold" in done.stdout


# -- what it asks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("resnet50@v1.5", ["layers", "resnet50@v1.5", "--depth", "1"]),
        ("$ convcost compare resnet50@v1 'resnet50@v1.5'", ["compare", "resnet50@v1", "resnet50@v1.5"]),
        ("3.8 GFLOPs", ["reconcile", "3.8 GFLOPs"]),
        (TABLE, ["audit", "pasted.csv"]),
        ("| a | b |\n|---|---|\n| VGG-16 | 138M |", ["audit", "pasted.md"]),
        ("VGG-16 & 138M \\\\\n\\hline\nx & y \\\\", ["audit", "pasted.tex"]),
        ("<table>\n<tr><td>VGG-16</td></tr></table>", ["audit", "pasted.html"]),
        ("VGG-16  138M\nVGG-19  144M", ["audit", "pasted.txt"]),
        (SPEC, ["layers", "pasted.yaml"]),
    ],
)
def test_what_is_pasted_becomes_a_command(text, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert page_of.command_of(text) == command


def test_an_answer_is_what_the_command_line_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = page_of.answer(SPEC)
    assert (found["status"], found["error"]) == (0, "")
    assert run(["layers", "pasted.yaml", "--format", "html"]) == 0
    assert capsys.readouterr().out == found["html"]
    assert page_of.answer("")["status"] == 2
    assert page_of.answer("convcost sweep lenet5")["error"].startswith("sweep writes files")
    audited = page_of.answer(TABLE)
    assert "25.6M" in audited["html"]


def test_the_smaller_audit_knows_no_more_than_the_whole():
    """What it says holds is printed so by that count; and it finds what the table's own rules print."""
    claims = of_table(load_table("resnet"))
    for one in plainly(claims):
        for count in one.holds:
            total = convcost.load(count.reference).price().total(as_=count.measure)
            assert count.exact == total
            assert one.printed.holds(total, count.rounding)
    # He et al., Table 1: 1.8, 3.6, 3.8, 7.6 and 11.3 x 10^9, each the macs of that network as the paper has it.
    macs = {one.holds[0].reference.split("@")[0]: one.holds[0] for one in plainly(claims) if one.holds}
    assert macs["resnet50"][1:] == ("macs", 3_857_973_248, "truncated")


def test_without_numpy_an_answer_is_the_smaller_audit(tmp_path, monkeypatch):
    """Counts by hand: ResNet-50 stores 25,557,032 numbers; VGG-16 138,357,544; GoogLeNet's 9.9M are nobody's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page_of, "find_spec", lambda _: None)
    audited = page_of.answer(TABLE)
    assert (audited["status"], audited["error"]) == (0, "")
    assert audited["command"] == "convcost audit pasted.csv"
    for said in ("25,557,032", "138,357,544", "not so", "of 6 numbers hold plainly"):
        assert said in audited["html"], said
    assert page_of.answer("convcost audit resnet")["status"] == 0
    for claim in ("Our ResNet-50 has 25.6M params", "convcost reconcile resnet50 '25.6M params'"):
        found = page_of.answer(claim)
        assert (found["status"], found["error"]) == (0, ""), claim
        assert "25,557,032" in found["html"]
    for asked, why in {
        "4.1 GFLOPs": "without numpy, a claim names its network: ResNet-50 needs 4.1 GFLOPs",
        "convcost audit resnet --brief": "without numpy, audit takes one table and no options here",
        "convcost reconcile resnet50 many": "'many'",
    }.items():
        found = page_of.answer(asked)
        assert (found["status"], found["html"]) == (2, ""), asked
        assert why in found["error"]
        assert "\n" not in found["error"]


def test_without_pyodide_there_is_no_page(tmp_path, capsys):
    assert run(["playground", str(tmp_path / "out"), "--pyodide", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "npm install pyodide" in error
    assert error.count("\n") == 1
    assert not Path(tmp_path / "out").exists()
