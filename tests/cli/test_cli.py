"""The commands, as a user runs them: in this process through `run`, and as whole processes where that matters."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from fractions import Fraction
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from convcost.cli import run
from convcost.cli.commands import cli
from convcost.cli.groups import SECTIONS, summary
from convcost.cli.words import glossary
from convcost.counters.releases import RELEASES
from convcost.counters.tools import TOOLS
from convcost.published.tables import table_names

CONVCOST = [sys.executable, "-c", "from convcost.cli import main; main()"]


def succeed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = run(arguments)
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def fail(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    status = run(arguments)
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_table_googlenet_prints_the_papers_rows_beside_computed_values(capsys):
    rows = list(csv.DictReader(io.StringIO(succeed(capsys, "table", "googlenet", "--format", "csv"))))
    by_scope = {row["scope"]: row for row in rows}
    assert [row["type"] for row in rows[:3]] == ["convolution", "max pool", "convolution"]
    assert by_scope["inception_3a"]["params"] == "159K"
    assert by_scope["inception_3a"]["params computed"] == "163696"  # 163,328 weights and 368 biases: 159.9 * 1024
    assert by_scope["inception_3a"]["params computed_mark"] == "holds"
    assert by_scope["inception_3b"]["params computed_mark"] == "differs"  # 379.6 * 1024, printed 380
    assert by_scope["inception_4c"]["ops computed"] == "99850240"
    assert by_scope["inception_4c"]["ops computed_mark"] == "holds"
    assert by_scope["total"]["params computed"] == "6998552"
    assert by_scope["total"]["ops computed"] == "1582671872"


def test_table_says_what_it_counts(capsys):
    out = succeed(capsys, "table", "googlenet")
    for said in ("googlenet@paper", "3x224x224", "norm affine", "multiply-adds", "rounded half up", "K = 1024"):
        assert said in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("name", table_names())
def test_every_table_fits_on_the_narrowest_usual_terminal(capsys, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, succeed(capsys, "table", name).splitlines())) <= 80


def test_five_networks_are_compared_on_the_narrowest_usual_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    networks = ["resnet50@v1", "resnet50@v1.5", "vgg16", "googlenet", "efficientnet_b7"]
    assert max(map(len, succeed(capsys, "compare", *networks).splitlines())) <= 80


def test_what_a_table_adds_to_the_papers_is_named_without_the_scopes_column(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = succeed(capsys, "table", "googlenet")
    assert "scope" in out[out.index("Left out") :]
    assert [line.split() for line in out.splitlines() if line.startswith("total")] == [["total", "7.00M", "1.58G"]]
    marked = [line.split() for line in succeed(capsys, "table", "vgg").splitlines() if line.startswith("computed")]
    assert [word for word in marked[0] if word != "✓"] == ["computed", "133M", "133M", "133M", "134M", "138M", "144M"]


@pytest.mark.parametrize("name", ["googlenet", "resnet", "inception_v2"])
@pytest.mark.parametrize("format_", ["terminal", "markdown", "latex", "csv", "json"])
def test_every_table_in_every_format(capsys, name, format_):
    out = succeed(capsys, "table", name, "--format", format_)
    assert "\x1b" not in out
    if format_ == "json":
        assert json.loads(out)["schema"] == 1


def test_layers_json_carries_exact_ints_that_add_up(capsys):
    data = json.loads(succeed(capsys, "layers", "resnet50@v1.5", "--format", "json"))
    rows = [row for row in data["rows"] if row.get("kind", "row") == "row"]
    assert sum(row["macs"] for row in rows) == 4_089_184_256
    assert sum(row["params"] for row in rows) == 25_557_032


def layers_of(capsys, *arguments):
    """The rows of `convcost layers` by their names, and the totals by theirs."""
    rows = json.loads(succeed(capsys, "layers", *arguments, "--format", "json"))["rows"]
    return tuple({row["layer"]: row for row in rows if row["kind"] == kind} for kind in ("row", "total"))


def test_layers_say_how_their_kernels_slide(capsys):
    """As ResNeXt's Table 1 and TensorFlow's "same" have it: 224 at a stride of 2 need 5 more, 3 of them behind."""
    layers, _ = layers_of(capsys, "resnext50")
    geometry = ("kernel_size", "stride", "padding", "dilation", "groups")
    assert [layers["conv1/conv"][key] for key in geometry] == ["7x7", "2", "2+3", "1", 1]
    assert [layers["conv2/1/bottleneck/conv_2"][key] for key in geometry] == ["3x3", "1", "1", "1", 32]
    assert [layers["fc"][key] for key in geometry] == [layers["conv1/bn"][key] for key in geometry] == [None] * 5
    layers, _ = layers_of(capsys, "mobilenet_v1", "--only", "dwconv")
    assert {row["groups"] for row in layers.values()} == {32, 64, 128, 256, 512, 1024}
    layers, _ = layers_of(capsys, "inception_v3", "--only", "conv")
    assert {"1x7", "7x1", "3x3"} < {row["kernel_size"] for row in layers.values()}
    assert layers["mixed_6b/7x7/conv_2"]["padding"] == "0x3"


def test_only_limits_the_layers_and_not_the_total(capsys):
    layers, totals = layers_of(capsys, "resnet18", "--only", "conv", "--only", "linear")
    every, whole = layers_of(capsys, "resnet18")
    assert list(layers) == [name for name, row in every.items() if row["operator"] in ("conv", "linear")]
    assert totals["total"] == whole["total"]
    assert totals["shown"]["macs"] == sum(row["macs"] for row in layers.values()) == whole["total"]["macs"]
    assert totals["shown"]["params"] == 11_689_512 - 9_600  # torchvision's, less 2 x 4,800 of its norms' channels
    _, totals = layers_of(capsys, "resnet18", "--only", "upsample")
    assert totals["shown"]["macs"] == totals["shown"]["params"] == 0


def test_a_fold_makes_one_line_of_a_layer_and_what_follows_it(capsys):
    layers, totals = layers_of(capsys, "resnet18", "--fold")
    every, whole = layers_of(capsys, "resnet18")
    assert totals == whole
    assert layers["conv1/conv"]["operator"] == "conv+bn+relu"
    assert layers["conv1/conv"]["params"] == 9_408 + 128
    assert {row["operator"] for row in layers.values()} == {
        "conv+bn+relu", "conv+bn", "maxpool", "add", "relu", "global_avgpool", "linear+softmax",
    }  # fmt: skip
    for quantity in ("params", "macs", "activations"):
        assert sum(row[quantity] for row in layers.values()) == sum(row[quantity] for row in every.values())
    scopes, _ = layers_of(capsys, "resnet18", "--fold", "--depth", "1")
    plain, _ = layers_of(capsys, "resnet18", "--depth", "1")
    assert [(name, row["macs"], row["params"]) for name, row in scopes.items()] == [
        (name, row["macs"], row["params"]) for name, row in plain.items() if name != "softmax"
    ]


def test_layers_fold_and_set_and_batch(capsys):
    out = succeed(
        capsys, "layers", "resnet34", "--depth", "1", "--set", "shortcut=A", "--format", "json", "--batch", "2"
    )
    rows = json.loads(out)["rows"]
    assert [row["layer"] for row in rows][:3] == ["conv1", "pool1", "conv2_x"]
    assert rows[-1]["params"] == 21_623_848
    assert rows[-1]["macs"] == 2 * 3_644_493_824


def test_auxiliary_heads_are_counted_apart(capsys):
    rows = json.loads(succeed(capsys, "layers", "googlenet", "--set", "aux=true", "--format", "json"))["rows"]
    totals = {row["layer"]: row for row in rows if row.get("kind") == "total"}
    assert totals["total"]["params"] == 6_998_552
    assert totals["auxiliary heads"]["macs"] == 4_169_728 + 4_202_496
    assert totals["with auxiliary heads"]["params"] == 13_378_280


def test_compare_shows_ratio_saving_and_what_differs(capsys):
    out = succeed(capsys, "compare", "factor_5x5@direct", "factor_5x5@factored", "--format", "json")
    rows = {row["quantity"]: row for row in json.loads(out)["rows"]}
    assert rows["macs"]["factor_5x5@factored saving"] == "7/25"
    assert rows["receptive field before global layers"]["factor_5x5@direct"] == "5"
    assert rows["receptive field before global layers"]["factor_5x5@factored"] == "5"
    assert rows["its stride"]["factor_5x5@direct"] == rows["its stride"]["factor_5x5@factored"] == "1"
    assert "layers that differ" in rows


def test_list_filters(capsys):
    rows = json.loads(succeed(capsys, "list", "--family", "inception", "--max-macs", "2G", "--format", "json"))["rows"]
    names = [row["network"] for row in rows if row.get("kind", "row") == "row"]
    assert "googlenet@paper" in names
    assert all(row["macs"] <= 2_000_000_000 for row in rows if row.get("kind", "row") == "row")


def test_a_family_is_named_by_whole_words(capsys):
    rows = json.loads(succeed(capsys, "list", "--family", "ResNet", "--format", "json"))["rows"]
    assert {row["family"] for row in rows if row["kind"] == "row"} == {"ResNet", "TC-ResNet"}  # no ResNeXt
    rows = json.loads(succeed(capsys, "list", "--family", "worked", "--format", "json"))["rows"]
    assert {row["family"] for row in rows if row["kind"] == "row"} == {"Worked examples"}


def test_table_alone_lists_the_tables_and_each_is_shown_by_its_name_as_people_write_it(capsys):
    rows = {row["table"]: row for row in json.loads(succeed(capsys, "table", "--format", "json"))["rows"]}
    assert list(rows) == table_names()
    assert rows["googlenet"]["about"] == "googlenet"
    assert rows["resnet"]["about"] == "resnet50 and 4 more"  # 18 to 152 layers
    assert "ICLR 2015" in rows["vgg"]["source"]
    assert succeed(capsys, "table", "Inception-v2") == succeed(capsys, "table", "inception_v2")


def test_new_check_layers_show(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    succeed(capsys, "new", str(path))
    assert "mine@narrow: valid" in succeed(capsys, "check", str(path))
    assert "mine@wide" in succeed(capsys, "layers", f"{path}@wide")
    assert succeed(capsys, "show", str(path)) == path.read_text()
    before = path.read_text()
    assert "there is a file of this name already" in fail(capsys, "new", str(path))
    assert path.read_text() == before


def test_memory_by_scope_is_memory_by_layer_folded(capsys):
    found = []
    for depth in ([], ["--depth", "1"]):
        output = succeed(capsys, "memory", "resnet50", "--dtype", "float16", "--batch", "3", "--format", "json", *depth)
        rows = json.loads(output)["rows"]
        layers = [row for row in rows if row["kind"] == "row"]
        totals = {row["layer"]: row["alive_bytes"] for row in rows if row["kind"] == "total"}
        assert totals["peak of activations"] == max(row["alive_bytes"] for row in layers) == 3 * 9_633_792 // 2
        found.append((sum(row["writes_bytes"] for row in layers), totals))
    assert found[0] == found[1]


def test_memory_of_training_adds_up(capsys):
    """ResNet-50 has 25,557,032 parameters, of 4 bytes, for which Adam keeps 2 numbers each, and 53,120 statistics."""
    found = []
    for depth in ([], ["--depth", "1"]):
        printed = succeed(capsys, "training", "resnet50", "--memory", "--batch", "3", "--format", "json", *depth)
        rows = json.loads(printed)["rows"]
        totals = {row["layer"]: row["kept_bytes"] for row in rows if row["kind"] == "total"}
        layers = [row for row in rows if row["kind"] == "row"]
        assert totals["kept for the backward pass"] == sum(row["kept_bytes"] + row["own_bytes"] for row in layers)
        assert totals["together, at least"] == sum(totals.values()) - totals["together, at least"]
        found.append(totals)
    assert found[0] == found[1]
    assert found[0]["parameters"] == found[0]["their gradients"] == 4 * 25_557_032
    assert found[0]["states of adam"] == 8 * 25_557_032
    assert found[0]["statistics of norms"] == 4 * 53_120


def test_memory_in_patches_by_scope_is_by_layer_folded(capsys):
    found = []
    for depth in ([], ["--depth", "1"]):
        printed = succeed(capsys, "memory", "mobilenet_v2", "--patches", "4x4", "--format", "json", *depth)
        rows = json.loads(printed)["rows"]
        layers = [row for row in rows if row["kind"] == "row"]
        totals = {row["layer"]: row["alive_bytes"] for row in rows if row["kind"] == "total"}
        assert totals["patch by patch"] == max(row["alive_bytes"] for row in layers)
        assert totals["peak"] == max(totals["patch by patch"], totals["the other layers"])
        found.append((sum(row["macs"] for row in layers), totals))
    assert found[0] == found[1]
    assert found[0][1]["most of one layer alone"] == 224 * 28**2


def test_a_scope_of_a_roofline_can_be_bound_by_both(capsys):
    on = ["--machine", "flops=19.5T,bandwidth=1555G", "--depth", "1", "--format", "json"]
    rows = {row["layer"]: row["limit"] for row in json.loads(succeed(capsys, "roofline", "resnet50", *on))["rows"]}
    assert (rows["conv2_x"], rows["fc"], rows["layer by layer"], rows["all fused"]) == (
        "both", "bandwidth", "both", "compute",
    )  # fmt: skip


def test_readers_see_megabytes_and_milliseconds_and_programs_plain_numbers(capsys):
    """9,633,792 bytes are alive at most (tests/cost/test_memory.py); a fc of 2,048 x 1,000 moves 8.2 MB."""
    assert re.search(r"peak of activations +9\.63 MB", succeed(capsys, "memory", "resnet50", "--depth", "1"))
    on = ("roofline", "resnet50", "--machine", "flops=1T,bandwidth=100G", "--depth", "1")
    assert "ms at least" in succeed(capsys, *on, "--format", "markdown")
    (fc,) = (
        row for row in csv.DictReader(io.StringIO(succeed(capsys, *on, "--format", "csv"))) if row["layer"] == "fc"
    )
    moved = 4 * (2048 * 1000 + 1000 + 2048 + 1000)
    assert int(fc["bytes"]) == moved
    assert fc["milliseconds"] == f"{moved / 100e9 * 1000:.7f}"[:9]
    rows = list(csv.DictReader(io.StringIO(succeed(capsys, "layers", "googlenet", "--format", "csv"))))
    assert rows[0]["share"] == "0.0745663"  # 118,013,952 of 1,582,671,872
    assert not any("/" in value for row in rows for key, value in row.items() if key not in ("layer", "kind"))


def test_rooflines_and_training_add_up_over_scopes(capsys):
    for command in (["roofline", "resnet50", "--machine", "flops=1T,bandwidth=100G"], ["training", "resnet50"]):
        layers, scopes = (
            json.loads(succeed(capsys, *command, *depth, "--format", "json"))["rows"]
            for depth in ([], ["--depth", "1"])
        )
        assert len(scopes) < len(layers)
        assert [row for row in layers if row["kind"] == "total"] == [row for row in scopes if row["kind"] == "total"]


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_true_is_written_as_yaml_writes_it(capsys, word):
    assert "auxiliary heads" in succeed(capsys, "layers", "googlenet", "--set", f"aux={word}", "--depth", "1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["layers", "googlnet"], "did you mean googlenet?"),
        (["layers", "resnet50@v15"], "did you mean v1.5?"),
        (["layers", "resnet"], "is a family: choose one of resnet18"),
        (["layers", "googlenet", "--set", "clases=3"], "did you mean classes?"),
        (["layers", "googlenet", "--set", "classes=many"], "knob classes takes a number, got 'many'"),
        (["layers", "googlenet", "--set", "aux=yes"], "knob aux takes true or false, got 'yes'"),
        (["layers", "googlenet", "--set", f"classes={'9' * 31}"], "--set classes:1:1: a number has at most 30 digits"),
        (["layers", "googlenet", "--set", "classes=[1, &a 2]"], "--set classes:1:5: anchors and aliases"),
        (["layers", "googlenet", "--set", "classes={a: 1}"], "--set classes:1:1: a plain value or a list"),
        (["layers", "googlenet", "--set", "classes"], "write it as knob=value"),
        (["layers", "googlenet", "--set", "classes=0"], "out_features must be at least 1, got 0"),
        (["layers", "resnet34", "--set", "shortcut=D"], "knob shortcut is one of A, B, C; got D"),
        (["layers", "googlenet", "--input", "3"], "its input is 3x224x224, or has other sizes, not 3; did you mean"),
        (["layers", "googlenet", "--input", "3x-1x5"], "an input is written channels x sizes"),
        (["layers", "inception_v2", "--input", "3x20x20"], "layer"),
        (["layers", "googlenet", "--batch", "0"], "--batch"),
        (["layers", "googlenet", "--only", "con"], "unknown kind of operator 'con'; did you mean conv?"),
        (
            ["layers", "googlenet", "--only", "zzz"],
            "unknown kind of operator 'zzz'; there are conv, linear, pool, norm",
        ),
        (["table", "googlenett"], "did you mean googlenet?"),
        (["compare", "googlenet"], "a comparison needs two networks or more"),
        (["layers", "missing.yaml"], "No such file or directory"),
        (["check", "/dev/null"], "not a regular file"),
        (["check", "."], "not a regular file"),
        (["new", "/nonexistent/x.yaml"], "No such file or directory"),
        (["layers", "googlenet", "--frobnicate"], "--frobnicate"),
        (["frobnicate"], "frobnicate"),
        (["list", "--max-macs", "lots"], "lots"),
        (["list", "--max-macs", "20%"], "a limit is a count such as 600M, got '20%'"),
        (["list", "--max-params", "98 MB"], "a limit is a count such as 600M, got '98 MB'"),
        (["list", "--max-macs", "4 GFLOPs"], "a limit is a count such as 600M"),
        (["audit", "googlenet", "--map", "Foo=ops"], "googlenet: a table of ours says itself what its columns"),
        (["list", "--family", "exnet"], "no family's name has the word 'exnet'"),
        (["list", "--family", ""], "no family's name has the word ''"),
        (["table", "ResNet-34"], "unknown table 'ResNet-34': numbers of resnet34 are printed in resnet"),
        (["table", "resnet50"], "numbers of resnet50 are printed in keras_applications, resnet"),
        (["table", "densenet40_k12"], "no shipped table prints numbers of densenet40_k12"),
        (["table", "alexnet"], "numbers of alexnet"),
        (["table", "wavenet"], "no shipped table prints numbers of"),
        (["table", "qqqq"], "unknown table 'qqqq'; convcost table lists them"),
        (["table", "--as", "thop"], "--as goes with a table"),
        (["list", "--family", "resnt"], "no family's name has the word 'resnt'; did you mean resnet?"),
        (["memory", "vgg16", "--dtype", "fp8"], "unknown dtype 'fp8'; choose from float64"),
        (["memory", "vgg16", "--input", "3x8x8"], "layer"),
        (["memory", "vgg16", "--rules", "--weights", "int8"], "--weights, --others and --accumulators are of layers"),
        (["memory", "vgg16", "--weights", "int4"], "unknown dtype 'int4'; did you mean int"),
        (["training", "vgg16", "--optimizer", "adam"], "--optimizer and --dtype are of --memory"),
        (["training", "vgg16", "--memory", "--optimizer", "adan"], "unknown optimizer 'adan'; did you mean adam"),
        (["training", "vgg16", "--memory", "--plot", "x.svg"], "--plot is of multiply-adds"),
        (["training", "vit_b_16", "--memory"], "what torch keeps of attention for its gradient is not known"),
        (["memory", "vgg16", "--until", "conv1_1"], "--until says where --patches end"),
        (["memory", "vgg16", "--patches", "4"], "no layer whose map can be cut into 4 patches; 2 axes are written 4x4"),
        (["memory", "vgg16", "--patches", "4by4"], "'4by4' is no grid of patches"),
        (["memory", "vgg16", "--patches", "4x4", "--rules"], "--patches are tables of their own"),
        (["memory", "vgg16", "--patches", "4x4", "--best-order"], "--best-order is of layers"),
        (["roofline", "vgg16", "--machine", "flops=1T"], "--machine: no bandwidth"),
        (["roofline", "vgg16"], "--machine"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, said):
    assert said in fail(capsys, *arguments)


def test_table_path_imports_nothing_heavy():
    code = (
        "import sys; from convcost.cli import run; run(['table', 'googlenet']); "
        "heavy = {'numpy', 'torch', 'sympy', 'pandas', 'fvcore', 'islpy', 'convcost.exact.poly'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_importing_convcost_imports_nothing():
    code = "import sys, convcost; assert not {'yaml', 'numpy', 'torch', 'rich', 'click'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_closed_pipe_is_one_line():
    with subprocess.Popen(
        [*CONVCOST, "layers", "resnet152"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        error = process.stderr.read().decode()
    assert error.count("\n") == 1
    assert "standard output was closed" in error
    assert process.returncode == 2


def test_interrupt_is_one_line():
    wait = (
        "import sys, time; from convcost.cli import commands, run; "
        "commands.check.callback = lambda **_: (print('ready', flush=True), time.sleep(30)); "
        "sys.exit(run(['check', 'x']))"
    )
    command = [sys.executable, "-c", wait]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=10)
    assert (process.returncode, error.strip()) == (2, "error: interrupted")


def test_output_is_plain_when_piped_and_ascii_when_it_must_be():
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    out = subprocess.run([*CONVCOST, "table", "googlenet"], check=True, capture_output=True, env=environment).stdout
    assert out.isascii()
    assert b"\x1b" not in out


def test_help_of_every_command(capsys):
    out = succeed(capsys, "--help")
    for command in cli.commands:
        assert command in out
        assert "--help" in succeed(capsys, command, "--help")


def test_help_lists_every_command_under_a_purpose_with_its_summary_uncut(capsys):
    out = succeed(capsys, "--help")
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(cli.commands)
    for name, command in cli.commands.items():
        (line,) = [line for line in out.splitlines() if line.startswith(f"  {name} ")]
        assert line.split(maxsplit=1)[1] == summary(command)


def test_help_explains_words_and_commands(capsys):
    assert succeed(capsys, "help", "receptive", "field").startswith("receptive field")
    assert succeed(capsys, "help", "MACs") == succeed(capsys, "help", "multiply-add")
    assert succeed(capsys, "help", "layers") == succeed(capsys, "layers", "--help")
    assert "did you mean roofline" in fail(capsys, "help", "rofline")
    assert all(entry.word in succeed(capsys, "help") for entry in glossary())


def test_help_explains_the_releases_of_tools_that_a_verdict_names(capsys):
    assert "From NTIRE 2024 on the contest counts as fvcore." in succeed(capsys, "help", "ntire")
    for name, release in {**TOOLS, **RELEASES}.items():
        told = succeed(capsys, "help", name.upper())
        assert release.quirk in told
        assert str(release.year) in told
    assert "did you mean fvcore-functional" in fail(capsys, "help", "fvcore-functinal")


def test_no_word_of_the_glossary_leads_to_two_entries():
    words = [word.casefold() for entry in glossary() for word in entry.words]
    assert len(words) == len(set(words)) > 50


def test_an_unknown_command_is_told_the_nearest(capsys):
    assert fail(capsys, "layer") == "error: no command 'layer'; did you mean layers?\n"


def test_a_path_works_from_anywhere(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    succeed(capsys, "new", "net.yaml")
    assert "net@narrow" in succeed(capsys, "layers", "net.yaml")
    assert Path("net.yaml").exists()


def test_strides_of_three_axes_are_told_apart(capsys, tmp_path):
    (tmp_path / "clip.yaml").write_text("name: clip\nsource: test\ninput: 1x8x8x8\nlayers:\n- maxpool((2, 1, 2))\n")
    rows = json.loads(succeed(capsys, "layers", str(tmp_path / "clip.yaml"), "--format", "json"))["rows"]
    assert (rows[0]["receptive_field"], rows[0]["receptive_field_stride"]) == ("2x1x2", "2x1x2")
    assert (rows[0]["kernel_size"], rows[0]["stride"], rows[0]["padding"]) == ("2x1x2", "2x1x2", "0")


def test_formula_prints_the_six_terms_and_where_they_hold(capsys):
    out = succeed(capsys, "formula", "resnet50@v1.5", "--symbols", "N,H,W,width")
    assert "macs = N*width*(147*c2 + 32000) + N*width**2*(60*c4 + 320*c8 + 1824*c16 + 3520*c32)\n" in out
    assert "holds for N, H, W, width >= 1\n" in out


@pytest.mark.parametrize("format_", ["text", "python", "latex", "json", "sympy"])
@pytest.mark.parametrize("network", ["vgg16", "mobilenet_v2"])
def test_formula_in_every_format(capsys, network, format_):
    symbols = "H,W" if network == "vgg16" else "width"
    out = succeed(capsys, "formula", network, "--symbols", symbols, "--format", format_)
    assert out.endswith("\n")
    if format_ == "json":
        data = json.loads(out)
        assert (data["schema"], data["quantity"], data["symbols"]) == (1, "macs", symbols.split(","))
    if format_ == "python":
        scope = {}
        exec(out, scope)  # noqa: S102  # running what is printed is the test
        ours = scope["macs"]
        if network == "vgg16":
            assert ours(224, 224) == 15_470_264_320
        else:
            assert ours(Fraction(7, 5)) == 582_195_824


def test_formula_with_settings_and_values(capsys):
    out = succeed(capsys, "formula", "resnet50@v1.5", "--set", "classes=10", "--under", "H=W", "--batch", "8")
    assert "holds for W >= 1" in out
    out = succeed(capsys, "formula", "resnet50@v1.5", "--under", "H=224,W=224")
    assert "macs = 4089184256\n" in out
    assert "holds" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--of", "flop"), "no formula for 'flop'"),
        (("--symbols", "H,W,deep"), "has no symbol 'deep'; choose from batch, H, W, classes, width, units"),
        (("--symbols", ""), "a symbol has a name"),
        (("--symbols", "H,,W"), "a symbol has a name"),
        (("--under", "H"), "--under 'H': write it as symbol=value"),
        (("--under", "H=3,H=4"), "--under H: given twice"),
        (("--under", "Q=3"), "the formula has no symbol 'Q'; its symbols are H, W"),
        (("--under", "H=2h+"), "2h+:1:1: not an expression"),
        (("--under", "H=x.y"), "attribute access is not part of the spec language"),
        (("--under", "H=0"), "H = 0 is below 1"),
        (("--under", "H=h-1"), "H = h - 1 is not known to be at least 1"),
        (("--under", "H='a'"), "H takes a number or an expression, got \"'a'\""),
        (("--under", "H=(1,2)"), "H takes a number or an expression, got '(1,2)'"),
        (("--under", "H=1<2"), "H takes a number or an expression, got '1<2'"),
        (("--under", "H=max(W)"), "max: of two values or more"),
        (("--under", "H=9**9**9"), "an exponent must be an integer from 0 to 64"),
        (("--format", "yaml"), "'yaml' is not one of"),
    ],
)
def test_formula_refuses_bad_input(capsys, arguments, said):
    assert said in fail(capsys, "formula", "resnet50@v1.5", *arguments)


@pytest.mark.parametrize("name", ["a b.yaml", "plain", "it's.yaml", "sub/plain"])
def test_what_new_says_to_try_works(capsys, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    said = succeed(capsys, "new", name)
    command = shlex.split(said.partition("try: ")[2])
    assert command[:2] == ["convcost", "layers"]
    assert "stem/conv" in succeed(capsys, *command[1:])


def test_a_file_is_told_from_a_network(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    succeed(capsys, "new", "plain")
    assert "for the file of this name write ./plain" in fail(capsys, "layers", "plain")


def test_without_a_command_there_is_help(capsys):
    assert succeed(capsys).splitlines()[0] == "Usage: convcost [OPTIONS] COMMAND [ARGS]..."


def test_the_package_runs():
    done = subprocess.run(
        [sys.executable, "-m", "convcost", "list", "--family", "lenet"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "lenet5" in done.stdout


def test_a_checkout_without_its_dependencies_names_them():
    """Python without its site-packages: `python -m convcost` in a clone, before anything is installed."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "convcost", "--version"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: needed and not installed: pip install click numpy pyyaml rich\n"


def test_standard_output_that_is_closed_is_said():
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *CONVCOST, "show", "resnet50"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "error: standard output is closed\n")


def test_the_choices_of_options_are_those_of_the_library():
    """They are written out where the library would be heavy to import for them."""
    from convcost.auditing.audit import FAILING
    from convcost.cli import cli
    from convcost.formulas.text import FORMATS

    def choices(command: str, option: str) -> tuple[str, ...]:
        return next(tuple(p.type.choices) for p in cli.commands[command].params if option in p.opts)

    assert choices("formula", "--format") == tuple(FORMATS)
    assert choices("audit", "--fail-on") == tuple(FAILING)


def test_a_checkout_that_is_not_installed_has_a_version_too(capsys, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert succeed(capsys, "--version") == "convcost, version checkout\n"
