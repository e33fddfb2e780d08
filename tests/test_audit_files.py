"""A user's own tables: real ones typed in from papers and READMEs, and what must not be guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import convcost
from convcost.cli import run
from convcost.errors import ConvcostError

TABLES = Path(__file__).parent / "data" / "tables"


def verdicts(audited):
    """(row, text) -> verdict."""
    return {(finding.claim.row, finding.claim.text): finding.verdict for finding in audited.findings}


def unread(audited):
    return {row.row: row.why for row in audited.unread}


# -- real tables -------------------------------------------------------------------------------------------------


def test_densenet_on_cifar_holds():
    """1,019,722; 6,979,642; 27,249,082; 769,162; 15,324,406; 25,624,430."""
    audited = convcost.audit(TABLES / "densenet_cifar.md")
    assert set(verdicts(audited).values()) == {"holds"}
    assert (len(audited.findings), audited.unread) == (6, [])


def test_mobilenet_v2_readme_counts_weights_and_truncates_macs():
    """All 44 cells, each at the width and resolution that its checkpoint's name says: 32,578,560 is printed 32."""
    audited = convcost.audit(TABLES / "mobilenet_v2_readme.md")
    assert len(audited.findings) == 44
    assert set(verdicts(audited).values()) == {"holds", "another convention"}
    assert (audited.readings["params"].measure, audited.readings["ops"].rounding) == ("weights", "truncated")
    half_up = next(s for s in audited.scoreboard["ops"] if str(s.reading) == "macs, rounded half up")
    assert half_up.held == 14


def test_efficientnet_table_2():
    found = verdicts(convcost.audit(TABLES / "efficientnet_table2.html"))
    assert found["EfficientNet-B0", "0.39B"] == "holds"  # 385,814,752
    assert found["ResNet-50 (He et al., 2016)", "4.1B"] == "another network"  # v1.5: 4,089,184,256
    assert found["Inception-resnet-v2 (Szegedy et al., 2017)", "13B"] == "another network"  # the released one
    assert found["Inception-v4 (Szegedy et al., 2017)", "48M"] == "not reproduced"  # 42,679,816
    assert found["DenseNet-169 (Huang et al., 2017)", "3.5B"] == "not reproduced"  # 3,359,843,328
    for name, text in (("B1", "0.70B"), ("B4", "4.2B"), ("B5", "9.9B"), ("B7", "37B")):
        assert found[f"EfficientNet-{name}", text] == "not reproduced"


def test_mobilenet_v2_table_4():
    audited = convcost.audit(TABLES / "mobilenet_v2_table4.tex")
    found = verdicts(audited)
    assert found["MobileNetV1", "575M"] == "not reproduced"  # 568,740,352: the v1 paper prints 569
    assert found["MobileNetV2 (1.4)", "6.9M"] == "not reproduced"  # 6,108,776
    assert found["ShuffleNet (1.5)", "292M"] == "holds"  # 292,443,552
    assert found["MobileNetV2", "3.4M"] == "another convention"  # 3,469,760 weights, truncated
    assert unread(audited) == {"NasNet-A": "no network of that name is known"}


def test_resnext_readme_prints_the_v15_of_its_baselines():
    names = {"ResNet-50 (1x64d)": "resnet50", "ResNet-101 (1x64d)": "resnet101"}
    audited = convcost.audit(TABLES / "resnext_readme.md", table=2, names=names)
    networks = {finding.claim.row: finding.network for finding in audited.findings}
    assert networks["ResNet-50 (1x64d)"] == "resnet50@v1.5"  # 4,089,184,256
    assert networks["ResNet-101 (1x64d)"] == "resnet101@v1.5"  # 7,801,405,440
    assert verdicts(audited)["ResNeXt-50 (32x4d)", "~4.1"] == "not reproduced"  # 4,230,479,872


def test_senet_table_2_has_two_columns_of_ops_that_must_be_told_apart():
    path = TABLES / "senet_table2.tex"
    with pytest.raises(ConvcostError, match=r"senet_table2\.tex:3: 're-implementation / GFLOPs', 'SENet / GFLOPs' all"):
        convcost.audit(path)
    columns = {"re-implementation / GFLOPs": "ops", "SENet / GFLOPs": "ops of SE-{}"}
    audited = convcost.audit(path, columns=columns)
    found = verdicts(audited)
    assert found["VGG-16", "15.47"] == "holds"  # 15,470,264,320
    assert found["BN-Inception", "2.03"] == "another network"  # Caffe's: 2,032,600,064
    assert found["Inception-ResNet-v2", "11.75"] == "not reproduced"
    assert unread(audited)["SE-VGG-16"] == "is vgg16 but for 'se': say which with --name"
    assert unread(audited)["ResNeXt-101"].startswith("could be resnext101_32x4d, ")


def test_senet_table_2_counts_normalisations():
    """Multiply-adds and one operation per normalised element, truncated; torchprofile counts so, too.

    ResNet-152: 11,282,415,616 and 22,027,264 normalised elements, 11.304 G; multiply-adds alone print 11.28.
    """
    cost = convcost.load("resnet152@v1").price()
    normalised = sum(row.elements for row in cost if row.operator == "bn")
    assert cost.total.macs + normalised == 11_304_442_880
    columns = {"re-implementation / GFLOPs": "ops", "SENet / GFLOPs": "ops of SE-{}"}
    names = {"ResNeXt-50": "resnext50_32x4d", "ResNeXt-101": "resnext101_32x4d"}
    audited = convcost.audit(
        TABLES / "senet_table2.tex",
        columns=columns,
        names=names | {f"SE-{name}": f"se_{network}" for name, network in names.items()},
    )
    first, *others = audited.scoreboard["ops"]
    assert (first.reading.measure, first.reading.rounding, first.held, first.cells) == (
        "torchprofile",
        "truncated",
        10,
        13,
    )
    assert max(score.held for score in others if score.reading.measure == "macs") == 4
    assert verdicts(audited)["ResNet-152", "11.30"] == "another convention"


def test_senet_table_3_and_shufflenet_table_5():
    skipped = {"SENet / MFLOPs": "skip", "SENet / Params": "skip"}
    columns = {**skipped, "re-implementation / MFLOPs": "ops", "re-implementation / Params": "params"}
    assert set(verdicts(convcost.audit(TABLES / "senet_table3.html", columns=columns)).values()) == {"holds"}
    audited = convcost.audit(TABLES / "shufflenet_table5.csv")
    found = verdicts(audited)
    failing = {cell for cell, verdict in found.items() if verdict != "holds"}
    assert failing == {("ShuffleNet 1× (g = 8)", "140")}  # 138,365,952
    assert len(found) == 7
    assert set(unread(audited)) == {
        "ShuffleNet 2× (with SE[13], g = 3)",
        "ShuffleNet 0.5× (g = 4)",
        "ShuffleNet 0.5× (shallow, g = 3)",
    }


# -- names, columns and specs ------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    def write(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_resolutions_and_widths_are_read_from_names(write):
    path = write("Model,MMACs\nMobileNetV2 0.75x 192,153.9\nResNet-50 256x256,5040\n")
    audited = convcost.audit(path)
    (finding,) = audited.findings
    assert (finding.claim.reference, finding.computed) == ("mobilenet_v2_0.75@paper input=3x192x192", 153_941_888)


def test_networks_of_the_users_own_specs(write):
    spec = "name: mine\ninput: 3x8x8\nlayers:\n  - fc: conv(10, 3) >> global_avgpool >> linear(5)\n"
    path = write(spec, "mine.yaml")
    table = write("Network,Params,MACs\nMine,335,9770\n")
    audited = convcost.audit(table, specs=[path])
    # conv 3*9*10 + 10, linear 10*5 + 5; 270 at 6 x 6, and 50
    assert [finding.computed for finding in audited.findings] == [335, 9770]
    assert set(verdicts(audited).values()) == {"holds"}


def test_a_cell_of_a_row_is_not_blamed_for_another(write):
    found = convcost.audit(write("Model,Params (M),GMACs\nResNet-50,26.5,4.1\n")).findings
    assert [finding.verdict for finding in found] == ["not reproduced", "another network"]


def test_scales_and_names_can_be_said(write):
    path = write("Net,Size of it,Work\nthe small one,11.7,1.8\n")
    audited = convcost.audit(
        path,
        columns={"Net": "name", "Size of it": "params in M", "Work": "macs in G"},
        names={"the small one": "resnet18@v1"},
    )
    assert [finding.computed for finding in audited.findings] == [11_689_512, 1_814_073_344]
    assert set(verdicts(audited).values()) == {"holds"}


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("Model,Params\nResNet-50,25.6M,3\n", {}, r":2: this row has 3 cells, the table 2 columns"),
        ("Model,Params (M)\nResNet-50,25.6 apples\n", {}, r":2: cannot read '25.6 apples' as a number"),
        ("Model,Params (M)\nResNet-50,45%\n", {}, r":2: '45%' is no count of params"),
        ("Model,Top-1\nResNet-50,76\n", {}, r":1: no column of params, macs or flops"),
        ("Model,FLOPs,MACs\nResNet-50,4.1G,4.1G\n", {}, r":1: 'FLOPs', 'MACs' all print ops"),
        ("Model,MACs\nResNet-50,4.1G\n", {"columns": {"MAC": "ops"}}, r":1: no column 'MAC'; did you mean MACs"),
        ("Model,MACs\nResNet-50,4.1G\n", {"columns": {"MACs": "watts"}}, r"--map MACs=watts: write name, params"),
        ("Model,MACs\nResNet-50,4.1G\n", {"names": {"ResNet-51": "vgg16"}}, r"no row is called 'ResNet-51'; did you"),
        ("Model,MACs\nResNet-50,4.1G\n", {"names": {"ResNet-50": "resnet51"}}, r":2: unknown network 'resnet51'"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_its_place(write, text, options, said):
    with pytest.raises(ConvcostError, match=said) as caught:
        convcost.audit(write(text), **options)
    assert "\n" not in str(caught.value)


def test_a_merged_number_and_a_huge_file_are_refused(write):
    merged = "<table><tr><th>Model<th>Params<th>MACs<tr><td>ResNet-50<td colspan=2>25.6M</table>"
    with pytest.raises(ConvcostError, match=r"table\.html:1: the number '25\.6M' covers 2 columns"):
        convcost.audit(write(merged, "table.html"))
    with pytest.raises(ConvcostError, match=r"larger than 2,097,152 bytes"):
        convcost.audit(write("a" * 50_000_000))


# -- the command -------------------------------------------------------------------------------------------------


def test_the_command_fails_on_what_it_is_told_to(capsys, write):
    path = str(write("Model,Params (M),GMACs\nResNet-18,11.7,1.8\n"))
    assert run(["audit", path, "--fail-on", "difference"]) == 0
    assert run(["audit", "googlenet", "--fail-on", "contradiction"]) == 1
    assert run(["audit", "resnet", "--fail-on", "contradiction"]) == 0
    assert run(["audit", "resnet", "--fail-on", "unreproduced"]) == 1
    capsys.readouterr()


@pytest.mark.parametrize("format_", ["terminal", "markdown", "latex", "csv", "json"])
def test_every_format_has_every_verdict(capsys, format_):
    assert run(["audit", "googlenet", "--format", format_]) == 0
    shown = capsys.readouterr().out
    for verdict in ("holds", "another convention", "another network", "contradicts", "not reproduced"):
        assert verdict in shown
    if format_ != "csv":
        assert "provenance: convcost" in shown


def test_json_has_the_evidence(capsys):
    run(["audit", "googlenet", "--format", "json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    (cell,) = (row for row in rows if (row["row"], row["column"]) == ("inception_4c", "params"))
    assert (cell["verdict_mark"], cell["computed"]) == ("contradicts itself", 510_104)
    assert "[505,103, 515,306]" in cell["verdict_note"]


def test_names_with_an_equals_sign(capsys, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Model,MMACs\nShuffleNet (g = 3),137\n", encoding="utf-8")
    assert run(["audit", str(path), "--name", "ShuffleNet (g = 3)=shufflenet_v1_g3 classes=1000"]) == 0
    assert "holds" in capsys.readouterr().out


def test_several_tables_are_one(capsys):
    assert run(["audit", "googlenet", "resnet", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len({row["table"] for row in shown["rows"]}) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "audit takes the names of tables or files, or --all"),
        (["foo"], "unknown table 'foo'"),
        (["nothing.csv"], "nothing.csv: No such file or directory"),
        (["googlenet", "--map", "ops"], "--map 'ops': write it as LEFT=RIGHT"),
    ],
)
def test_bad_arguments_are_one_line(capsys, arguments, said):
    assert run(["audit", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
