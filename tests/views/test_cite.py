"""Counts as others print them, and whether they hold later."""

import csv
import io
import re

import pytest
import yaml

from convcost.cli import run
from convcost.network import every_variant, load
from convcost.spec.catalog import shipped, shipped_files
from convcost.views.cite import STYLES, cited

MARKED = [style for style in STYLES if style not in ("csv", "bibtex")]


def told(capsys, *arguments):
    status = run(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def of(style, name="resnet50@v1.5", as_="macs", **price):
    network = load(name)
    return cited(network, network.price(**price), as_, style)


def test_a_sentence_says_all():
    text = of("sentence", batch=2)
    for said in ("resnet50@v1.5", "25,557,032 parameters", "8,178,368,512 MACs", "3x224x224, batch 2", "convcost "):
        assert said in text
    text = of("sentence", as_="fvcore", batch=2)  # 2 x 4,111,512,576, the real tool's count
    assert "8,223,025,152 MACs (" in text
    assert ", as fvcore 0.1.5" in text


def test_timms_stats_as_its_cards_have_them():
    """timm/resnet50.tv_in1k on Hugging Face: 25.6, 4.1, 11.1."""
    found = dict(re.findall(r"- (.+?): (.+)", of("timm")))
    assert {k: found[k] for k in ("Params (M)", "GMACs", "Activations (M)", "Image size")} == {
        "Params (M)": "25.6", "GMACs": "4.1", "Activations (M)": "11.1", "Image size": "224 x 224",
    }  # fmt: skip


def test_a_metafile_and_a_row_are_read_by_their_readers():
    assert yaml.safe_load(of("metafile")) == {"Metadata": {"FLOPs": 4_089_184_256, "Parameters": 25_557_032}}
    (row,) = csv.DictReader(io.StringIO(of("csv")))
    assert (row["params"], row["macs"], row["flops"]) == ("25557032", "4089184256", "8178368512")
    assert row["source"].startswith("He et al., Deep Residual Learning")


def test_forms_and_checklists_get_what_follows_from_the_network():
    """A step is three forward passes without the gradient of the image: 112 * 112 * 147 * 64 multiply-adds of conv1."""
    said = dict(re.findall(r"- (.+?): (.+)", of("form")))
    assert said["Parameters"].startswith("25,557,032 (")
    assert said["Inference, MACs of a forward pass"].startswith("4,089,184,256 (")
    step = 3 * 4_089_184_256 - 112 * 112 * 147 * 64
    assert said["Training, MACs of a step forward and back"].startswith(f"{step:,} (")
    answer = of("acl")
    assert answer.startswith("C1: ")
    for part in ("25,557,032 parameters", "4,089,184,256 MACs", "3x224x224", "[GPU hours]", "[machines]"):
        assert part in answer


def test_macros_are_commands_that_latex_has_not():
    names = re.findall(r"\\newcommand\{\\(\w+)\}", of("macros"))
    assert names[0] == "ResnetFiveZeroVOneFiveParams"
    assert all(name.isalpha() for name in names)
    assert len({*names}) == 7


def test_what_latex_takes_for_its_own_is_written_out(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_text(
        'name: a_b\ntitle: "50% & \\\\input{x}$"\nsource: "{A}, B_c, 2020"\ninput: 3x8x8\nlayers: ["conv(4, 3)"]\n'
    )
    for style in ("latex", "macros"):
        assert "\\input" not in of(style, path)
    assert r"50\% \& /input\{x\}\$ (\texttt{a\_b})" in of("latex", path)


def test_every_shipped_source_is_an_entry_with_authors_title_and_year():
    entries = {}
    for path in shipped_files():
        network = next(every_variant(shipped(path)))
        entries[path.stem] = cited(network, network.price(), "macs", "bibtex")
    assert "author = {Simonyan and Zisserman},\n" in entries["vgg"]
    assert "booktitle = {Proceedings of the IEEE},\n  year = {1998}," in entries["lenet5"]
    assert "title = {{Xception, Deep Learning with Depthwise Separable Convolutions}}" in entries["xception"]
    for name, entry in entries.items():
        assert re.match(r"@\w+\{[\w.]+,\n  author = \{.+\},\n  title = \{\{.+\}\},\n", entry), name
        assert re.search(r"year = \{(19|20)\d\d\}", entry), name


@pytest.mark.parametrize("style", MARKED)
def test_what_is_cited_holds_until_it_is_changed(style, capsys, tmp_path):
    arguments = ("mobilenet_v2", "--set", "width=0.5", "--input", "3x160x160", "--batch", "2", "--as", "fvcore")
    status, text, _ = told(capsys, "cite", *arguments, "--style", style)
    path = tmp_path / "README.md"
    indented = "".join(f"  {line}\n" for line in text.splitlines())
    path.write_text(f"# Ours\n\n{indented}\nmore\n")
    assert (status, told(capsys, "cite", "--check", str(path))) == (0, (0, f"{path}:3: mobilenet_v2 holds\n", ""))
    path.write_text(path.read_text().replace("convcost 0", "convcost 17.0rc"))  # of another version
    assert told(capsys, "cite", "--check", str(path))[0] == 0
    params = next(one for one in ("1,968,680", "1{,}968{,}680", "1968680", "2.0") if one in text)
    path.write_text(path.read_text().replace(params, params.replace("6", "7").replace("2.0", "2.1")))
    status, out, err = told(capsys, "cite", "--check", str(path))
    assert (status, out.count("\n"), err) == (1, 1, "")
    assert out.startswith(f"{path}:3: ")
    assert " is now " in out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# nothing\n", "nothing in it is cited"),
        ("<!-- convcost: cite vgg11 -->\n", ":1: no 'convcost: end' behind it"),
        ("<!-- convcost: cite vgg -->\nx\n<!-- convcost: end -->\n", ":1: "),
        ("<!-- convcost: cite -->\nx\n<!-- convcost: end -->\n", "names no network"),
        ("<!-- convcost: cite --check x -->\nx\n<!-- convcost: end -->\n", "names no network"),
        ("<!-- convcost: cite vgg11 --frob -->\nx\n<!-- convcost: end -->\n", "--frob"),
        ("<!-- convcost: cite vgg11 --style 'x -->\nx\n<!-- convcost: end -->\n", ":1: "),
        ("<!-- convcost: cite vgg11 --style x -->\nx\n<!-- convcost: end -->\n", "unknown style 'x'"),
    ],
)
def test_what_cannot_be_checked_is_one_line(text, why, capsys, tmp_path):
    path = tmp_path / "README.md"
    path.write_text(text)
    status, out, err = told(capsys, "cite", "--check", str(path))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {path}")
    assert why in err


@pytest.mark.parametrize(
    "arguments", [[], ["vgg11", "--check", "x.md"], ["--check", "/dev/zero"], ["vgg11", "--style", "tim"]]
)
def test_bad_arguments_are_one_line(arguments, capsys):
    status, out, err = told(capsys, "cite", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
