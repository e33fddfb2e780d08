"""What editors use: schemas against every shipped file and what readers refuse; the form of a file."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convcost.cli import run
from convcost.spec import document
from convcost.spec.formatting import formatted
from convcost.spec.model import Spec
from convcost.views.schemas import SCHEMAS

ROOT = Path(__file__).parents[2]
FILES = {"spec": sorted((ROOT / "specs").glob("*.yaml")), "table": sorted((ROOT / "specs" / "tables").glob("*.yaml"))}


def as_json(value):
    """YAML as JSON has it: keys are texts."""
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    return [*map(as_json, value)] if isinstance(value, list) else value


@cache
def checker(kind):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind]())
    return jsonschema.Draft202012Validator(SCHEMAS[kind]())


def errors(kind, text):
    return [error.message for error in checker(kind).iter_errors(as_json(yaml.load(text, yaml.CSafeLoader)))]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_shipped_file_is_of_its_schema_and_in_its_form(kind):
    assert FILES[kind]
    for path in FILES[kind]:
        text = path.read_text()
        assert not errors(kind, text), path
        assert formatted(text, str(path)) == text, path


SPEC = "name: a\ninput: 3x8x8\nlayers: [{c: 'conv(4, 3)'}]\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: a\n", ""),
        ("layers: [", "layres: ["),
        ("3x8x8", "3x8 by 8"),
        ("layers: [{c: 'conv(4, 3)'}]", "layers: {concat: conv}"),
        ("layers: [{c: 'conv(4, 3)'}]", "layers: [{concat: [relu], dimension: 1}]"),
        ("layers: [{c: 'conv(4, 3)'}]", "layers: [{repeat: 2, layer: relu}]"),
        ("layers:", "knobs: {w: {choices: [1]}}\nlayers:"),
        ("layers:", "knobs: {w: {default: 1, choice: [1]}}\nlayers:"),
        ("layers:", "defaults: {convolution: {bias: false}}\nlayers:"),
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(old, new):
    assert not errors("spec", SPEC)
    assert old in SPEC
    text = SPEC.replace(old, new)
    assert errors("spec", text)
    with pytest.raises(ValueError, match=":"):
        Spec(document.parse(text, "x.yaml")).build("a", (3, 8, 8), {"w": 1})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k: 1024", "k: 999"),
        ("count: params", "count: kilos"),
        ("count: params", "count: macs"),
        ("ops: macs}", "ops: [macs]}"),
        ("convention: {", "convention: {k: 1024, "),
        ("rows:", "row:"),
    ],
)
def test_the_schema_of_tables_refuses_what_their_reader_refuses(old, new, tmp_path, capsys):
    text = (ROOT / "specs" / "tables" / "googlenet.yaml").read_text()
    assert old in text
    path = tmp_path / "x.yaml"
    path.write_text(text.replace(old, new, 1))
    assert errors("table", path.read_text())
    assert run(["audit", str(path)]) == 2
    assert "x.yaml:" in capsys.readouterr().err


LINES = st.sampled_from(
    [
        "",
        "",
        "  ",
        "# why  ",
        "a: conv(3,3)>>relu   ",
        "b:   # >> here",
        "  - c>>d  # >>",
        "  - 'x>>y'",
        "t: |",
        "    >> a  ",
        "",
    ]
)


@settings(max_examples=60)
@example(["t: |", "  - c>>d  # >>"])
@given(st.lists(LINES, max_size=12))
def test_a_form_is_stable_and_means_the_same(lines):
    text = "\n".join(lines)
    try:
        document.parse(text, "x.yaml")
    except ValueError:
        with pytest.raises(ValueError, match=r"x\.yaml:"):
            formatted(text, "x.yaml")
        return
    made = formatted(text, "x.yaml")
    assert formatted(made, "x.yaml") == made
    assert [line.split("#")[1].strip() for line in lines if "#" in line and not line.startswith("    ")] == [
        line.split("#")[1].strip() for line in made.split("\n") if "#" in line and not line.startswith("    ")
    ]


def test_a_file_is_written_in_its_form(tmp_path, capsys):
    path = tmp_path / "x.yaml"
    path.write_bytes(
        b"# mine  \r\nname: a\r\n\r\n\r\ninput: 3x8x8   # small\r\nnotes: |\r\n  two  \r\n\r\n\r\n  parts\r\n"
        b"layers:\r\n- c: conv(4, 3)>>relu\r\n\r\n"
    )
    before = path.read_bytes()
    assert run(["fmt", "--check", str(path)]) == 1
    assert path.read_bytes() == before
    assert run(["fmt", str(path)]) == 0
    assert path.read_text() == (
        "# mine\nname: a\n\ninput: 3x8x8   # small\nnotes: |\n  two  \n\n\n  parts\nlayers:\n- c: conv(4, 3) >> relu\n"
    )
    assert run(["fmt", "--check", str(path)]) == 0
    path.write_text("name: [\n")
    capsys.readouterr()
    assert run(["fmt", str(path)]) == 2
    printed = capsys.readouterr()
    assert (printed.err.count("\n"), printed.out) == (1, "")
    assert f"{path}:2:1: not valid YAML" in printed.err
    assert path.read_text() == "name: [\n"
    assert run(["fmt", str(tmp_path / "none.yaml")]) == 2


def test_the_template_names_the_schema_that_the_command_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["new", "mine.yaml"]) == 0
    text = (tmp_path / "mine.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=spec.schema.json\n")
    assert not errors("spec", text)
    assert formatted(text, "mine.yaml") == text
    capsys.readouterr()
    assert run(["schema", "spec"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMAS["spec"]()
    assert run(["schema", "specs"]) == 2
    assert "there is no schema of 'specs'; did you mean spec?" in capsys.readouterr().err
