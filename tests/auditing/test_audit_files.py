"""A user's own tables: real ones typed in from papers and READMEs, and what must not be guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import convcost
from convcost.cli import run
from convcost.errors import ConvcostError
from convcost.published.names import Known
from convcost.spec.catalog import shipped_networks
from convcost.spec.names import Unclear

TABLES = Path(__file__).parents[1] / "data" / "tables"


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


def test_heads_that_do_not_fit_an_input_are_stored_and_do_not_run(tmp_path):
    """ptflops' own table: Inception v3 at 224x224, where its head's map of 3 is smaller than its kernel of 5."""
    path = tmp_path / "ptflops.md"
    path.write_text(
        "Model | Params(M) | MACs(G)\n---|---|---\nresnet18 | 11.69 | 1.82\nresnet50 | 25.56 | 4.12\n"
        "vgg16 | 138.36 | 15.5\ndensenet121 | 7.98 | 2.88\ninception_v3, 224x224 | 27.16 | 2.85\n"
    )
    (params,) = [one for one in convcost.audit(path).findings if one.claim.text == "27.16"]
    assert params.verdict == "holds as"
    assert params.computed == 27_161_264
    assert convcost.load("inception_v3@torchvision aux=true").price().with_auxiliary.params == 27_161_264


def test_mobilenet_v2_readme_counts_weights_and_truncates_macs():
    """All 44 cells, each at the width and resolution that its checkpoint's name says: 32,578,560 is printed 32."""
    audited = convcost.audit(TABLES / "mobilenet_v2_readme.md")
    assert len(audited.findings) == 44
    assert set(verdicts(audited).values()) == {"holds"}
    assert (audited.readings["params"].measure, audited.readings["macs"].rounding) == ("weights", "truncated")


def test_efficientnet_table_2():
    audited = convcost.audit(TABLES / "efficientnet_table2.html")
    found = verdicts(audited)
    assert found["EfficientNet-B0", "0.39B"] == "holds"  # 385,814,752
    assert audited.variants["inception_resnet_v2"] == "timm"  # the released one: 13.2 G
    assert found["Inception-resnet-v2 (Szegedy et al., 2017)", "13B"] == "holds"
    assert found["Inception-v4 (Szegedy et al., 2017)", "48M"] == "open"  # 42,679,816
    assert found["DenseNet-169 (Huang et al., 2017)", "3.5B"] == "open"  # 3,359,843,328
    for name, text in (("B1", "0.70B"), ("B4", "4.2B"), ("B5", "9.9B"), ("B7", "37B")):
        assert found[f"EfficientNet-{name}", text] == "open"
    (resnet,) = (one for one in audited.findings if one.claim.row.startswith("ResNet-50") and one.claim.text == "4.1B")
    assert resnet.computed == 4_089_184_256  # v1.5's, whose name the table does not say: two digits leave it open
    assert resnet.verdict == "open"


def test_mobilenet_v2_table_4():
    audited = convcost.audit(TABLES / "mobilenet_v2_table4.tex")
    found = verdicts(audited)
    assert found["MobileNetV1", "575M"] == "open"  # 568,740,352: the v1 paper prints 569
    assert found["MobileNetV2 (1.4)", "6.9M"] == "open"  # 6,108,776
    assert found["ShuffleNet (1.5)", "292M"] == "holds"  # 292,443,552
    assert found["MobileNetV2", "3.4M"] == "holds"  # 3,469,760 weights, truncated
    assert found["NasNet-A", "5.3M"] == found["NasNet-A", "564M"] == "holds as"  # nasnet_mobile: 5,289,978; 563,638,816
    assert not unread(audited)


def test_resnext_readme_prints_the_v15_of_its_baselines():
    """4,089,184,256 and 7,801,405,440: both rows are of one variant, which is said once."""
    names = {"ResNet-50 (1x64d)": "resnet50", "ResNet-101 (1x64d)": "resnet101"}
    audited = convcost.audit(TABLES / "resnext_readme.md", table=2, names=names)
    assert audited.variants == {"resnet": "v1.5"}
    assert verdicts(audited)["ResNet-50 (1x64d)", "~4.1"] == "holds"
    assert verdicts(audited)["ResNeXt-50 (32x4d)", "~4.1"] not in ("holds", "holds as")  # 4,230,479,872


def test_senet_table_2_has_two_columns_of_ops_of_which_one_is_of_its_own_networks():
    audited = convcost.audit(TABLES / "senet_table2.tex")
    found = verdicts(audited)
    assert found["VGG-16", "15.47"] == "holds"  # 15,470,264,320
    assert audited.variants["bn_inception"] == "caffe"
    assert found["BN-Inception", "2.03"] == "holds"  # Caffe's: 2,032,600,064, and one operation per normalised element
    assert found["Inception-ResNet-v2", "11.75"] == "open"
    assert unread(audited)["SE-VGG-16"] == "is vgg16 but for 'se': say which with --name"
    (one,) = (one for one in audited.findings if one.claim.row == "ResNeXt-101")
    assert (one.verdict, one.network) == ("holds as", "resnext101_32x4d@paper")  # the only one that has 7.99


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
    reading = audited.readings["flops"]
    assert (reading.measure, reading.rounding) == ("torchprofile", "truncated")
    assert verdicts(audited)["ResNet-152", "11.30"] == "holds"


def test_senet_table_3_and_shufflenet_table_5():
    skipped = {"SENet / MFLOPs": "skip", "SENet / Params": "skip"}
    columns = {**skipped, "re-implementation / MFLOPs": "ops", "re-implementation / Params": "params"}
    found = verdicts(convcost.audit(TABLES / "senet_table3.html", columns=columns))
    # ShuffleNet of which groups it does not say; one of 8 has 138M, which no reading of these prints as 140
    assert {row: verdict for (row, _), verdict in found.items()} == {
        "MobileNet [64]": "holds",
        "ShuffleNet [65]": "open",
    }
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
    path = write("Model,MMACs\nMobileNetV2 0.75x 192,153.9\nResNet-50 256x256,5038.4\n")
    assert [(finding.claim.reference, finding.computed) for finding in convcost.audit(path).findings] == [
        ("mobilenet_v2_0.75@paper input=3x192x192", 153_941_888),
        ("resnet50@v1 input=3x256x256", 5_038_358_528),  # 64/49 of 3,855,925,248 in convolutions, and 2,048,000
    ]


def test_networks_of_the_users_own_specs(write):
    spec = "name: mine\ninput: 3x8x8\nlayers:\n  - fc: conv(10, 3) >> global_avgpool >> linear(5)\n"
    path = write(spec, "mine.yaml")
    table = write("Network,Params,MACs\nMine,335,9770\n")
    audited = convcost.audit(table, specs=[path])
    # conv 3*9*10 + 10, linear 10*5 + 5; 270 at 6 x 6, and 50
    assert [finding.computed for finding in audited.findings] == [335, 9770]
    assert set(verdicts(audited).values()) == {"holds"}


def test_a_cell_of_a_row_is_not_blamed_for_another(write):
    """25.6, and v1.5's 4.1: what the neighbour is does not depend on it."""
    found = convcost.audit(write("Model,Params (M),GMACs\nResNet-50,26.5,4.1\nResNet-101,44.5,7.8\n")).findings
    assert [finding.verdict for finding in found] == ["slip", "holds", "holds", "holds"]


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
        ("Model,FLOPs,SE MACs\nResNet-50,4.1G,4.1G\n", {}, r":1: 'FLOPs', 'SE MACs' all print ops"),
        ("Model,MACs\nResNet-50,4.1G\n", {"columns": {"MAC": "ops"}}, r":1: no column 'MAC'; did you mean MACs"),
        ("Model,MACs\nResNet-50,4.1G\n", {"columns": {"MACs": "watts"}}, r"--map MACs=watts: write name, input, "),
        ("Model,MACs\nResNet-50,4.1G\n", {"columns": {"MACs": "input in M"}}, r"--map MACs=input in M: write name"),
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


# -- inputs ------------------------------------------------------------------------------------------------------

SIZED = "Model,{title},MACs (M)\nMobileNetV2,{a},301\nMobileNetV2,{b},221\nMobileNetV2,,301\n"


@pytest.mark.parametrize("title", ["Input", "Input size", "Resolution", "Image size", "Res.", "Size"])
@pytest.mark.parametrize(
    ("a", "b"),
    [("224", "192"), ("224x224", "192x192"), ("224²", "192²"), ("3x224x224", "3x192x192"), ("224×224×3", "-")],
)
def test_a_column_of_inputs_sets_them(write, title, a, b):
    text = SIZED.format(title=title, a=a, b=b).replace("MobileNetV2,-,221", "MobileNetV2 192,-,221")
    audited = convcost.audit(write(text))
    sized = "mobilenet_v2@paper input=3x192x192"
    assert [f.claim.reference for f in audited.findings] == ["mobilenet_v2@paper", sized, "mobilenet_v2@paper"]
    assert {finding.verdict for finding in audited.findings} == {"holds"}


def test_rows_at_several_inputs_are_told_apart(write):
    table = "Model,Input,Params (M),MACs (M)\n" + "".join(
        f"{row}\n"
        for row in (
            "MobileNetV2,224x224,3.5,301",
            "MobileNetV2,192x192,3.5,221",
            "MobileNetV2,160x160,3.5,154",
            "ResNet-50,224x224,25.6,4089",
            "ResNet-50,256x256,25.6,5340",
        )
    )
    audited = convcost.audit(write(table))
    assert [finding.verdict for finding in audited.findings].count("holds") == 10
    assert audited.variants == {"resnet": "v1.5"}


def test_a_column_can_be_said_to_be_the_input_or_not(write):
    path = write("Model,Side,Size,MACs (M)\nMobileNetV2,192,14,221\n")
    (finding,) = convcost.audit(path, columns={"Side": "input"}).findings
    assert finding.verdict == "holds"
    two = write("Model,Input,Test size,MACs (M)\nMobileNetV2,192,224,221\n")
    (finding,) = convcost.audit(two, columns={"Test size": "skip"}).findings
    assert finding.claim.reference == "mobilenet_v2@paper input=3x192x192"


def test_megabytes_are_no_input(write):
    audited = convcost.audit(write("Model,Size,Params\nVGG-16,528,138M\nResNet-50,98,25.6M\n"))
    assert [finding.claim.reference for finding in audited.findings] == ["vgg16@paper", "resnet50@v1"]


def test_an_input_of_a_row_goes_to_the_network_that_is_said_of_it(write):
    path = write("Model,Input,MACs (M)\nours,192x192,221\nours,96,56.5\n")
    named = convcost.audit(path, names={"ours": "mobilenet_v2@keras"}).findings
    assert [finding.claim.reference.partition(" ")[2] for finding in named] == ["input=3x192x192", "input=3x96x96"]
    said = convcost.audit(path, names={"ours": "mobilenet_v2 input=3x128x128"}).findings
    assert {finding.claim.reference for finding in said} == {"mobilenet_v2 input=3x128x128"}


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("Model,Side,MACs\nResNet-50,98 MB,4G\n", {"columns": {"Side": "input"}}, r":2: '98 MB' is no input size"),
        ("Model,Input,Crop,MACs\nResNet-50,224,256,4G\n", {}, r":1: 'Input', 'Crop' all print an input; say which"),
        (
            "Model,A,B,MACs\nResNet-50,224,256,4G\n",
            {"columns": {"A": "input", "B": "input"}},
            r":1: two columns cannot both be the input",
        ),
        ("Model,Input,MACs\nours,224,4G\n", {"names": {"ours": "resnet51"}}, r":2: unknown network 'resnet51'"),
        (
            "Model,Input,MACs\nours,9x9,4G\n",
            {"names": {"ours": "inception_v3"}},
            r"table\.csv:2: .* its window of 3 does not fit",
        ),
    ],
)
def test_inputs_that_cannot_be_read_are_one_line_with_their_place(write, text, options, said):
    with pytest.raises(ConvcostError, match=said) as caught:
        convcost.audit(write(text), **options)
    assert "\n" not in str(caught.value)


# -- what a name means -------------------------------------------------------------------------------------------

MEANT = [
    # references of ours
    ("resnet50@v1.5", (), "resnet50@v1.5"),
    ("resnet50@v1.5", (256,), "resnet50@v1.5 input=3x256x256"),
    ("resnet34@v1 shortcut=A", (), "resnet34@v1 shortcut=A"),
    ("resnet34@v1 shortcut=A input=3x192x192", (192,), "resnet34@v1 shortcut=A input=3x192x192"),
    # a variant
    ("ResNet50@keras", (), "resnet50@keras"),
    ("ResNet-50 v1.5", (), "resnet50@v1.5"),
    ("ResNet-v1-50", (), "resnet50@v1"),
    ("ResNet-50 v2", (), "resnet50v2@keras"),
    ("VGG16-BN", (), "vgg16@bn"),
    ("VGG-16 (BN)", (), "vgg16@bn"),
    ("VGG-11-BN", (), "vgg11@bn"),
    ("ResNet-20 B", (), "resnet20@B"),
    ("BN-Inception (Caffe, folded)", (), "bn_inception@caffe-folded"),
    # a choice of a knob, or a value that the network has
    ("ResNet-34 A", (), "resnet34@v1 shortcut=A"),
    ("ResNet-34 B", (), "resnet34@v1"),
    ("ResNet-50 bottleneck", (), "resnet50@v1"),
    ("MobileNet (full)", (), "mobilenet_v1@full"),
    ("ResNet-20 A", (), "resnet20@paper"),
    ("DenseNet-121 (k = 32)", (), "densenet121@paper"),
    ("DenseNet-161 (k=48)", (), "densenet161@paper"),
    ("DenseNet-BC-121 (k=32)", (), "densenet121@paper"),
    ("SE-ResNet-50 (r=16)", (), "se_resnet50@paper"),
    # a multiplier behind
    ("MobileNetV2 x1.4", (), "mobilenet_v2_1.4@paper"),
    ("MobileNetV2 ×1.4", (), "mobilenet_v2_1.4@paper"),
    ("ShuffleNet-V2 x1.5", (), "shufflenet_v2_x1.5@paper"),
    # a beginning, with what only one of its networks has
    ("NASNet-A Mobile", (), "nasnet_mobile@paper"),
    ("NASNet-A (4 @ 1056)", (), "nasnet_mobile@paper"),
    ("NASNet-A (6 @ 4032)", (331, 331), "nasnet_large@paper"),
    ("NASNet-A", (331, 331), "nasnet_large@paper"),
    ("NASNet-A (6 @ 4032)", (320, 320), "nasnet_large@paper input=3x320x320"),
    # a name of two networks, at the input of one
    ("Inception V2", (299, 299), "inception_v2"),
    ("Inception V2", (224, 224), "bn_inception@slim"),
    ("Inception-v2 (BN-Inception)", (), "bn_inception@slim"),
    ("GoogLeNet (Inception v1)", (), "googlenet@paper"),
    # inputs in names
    ("1.0 MobileNet-224", (), "mobilenet_v1@paper"),
    ("ResNet-50 160 × 160", (), "resnet50@v1 input=3x160x160"),
    ("RegNetX-32GF 320", (), "regnetx_32gf@pycls input=3x320x320"),
    ("ResNet-50", (1, 3, 224, 256), "resnet50@v1 input=3x224x256"),
]


@pytest.fixture(scope="module")
def known():
    return Known((), {})


@pytest.mark.parametrize(("name", "size", "reference"), MEANT)
def test_what_a_name_means(known, name, size, reference):
    assert known.reference(name, size) == reference


ASKED = [
    ("Inception V2", (), "could be inception_v2 or bn_inception@slim: "),
    ("Inception", (), "could be inception_resnet_v1@paper, inception_resnet_v2@paper, inception_v2, "),
    ("Inception-ResNet", (), "could be inception_resnet_v1@paper or inception_resnet_v2@paper: "),
    ("NASNet-A", (), "could be nasnet_mobile@paper or nasnet_large@paper: "),
    ("NASNet-A", (320, 320), "could be nasnet_mobile@paper or nasnet_large@paper: "),
    ("NASNet-A (5 @ 1538)", (), "could be nasnet_mobile or nasnet_large but for '1538', '5': "),
    ("NASNet-A (7 @ 1920)", (331, 331), "could be nasnet_mobile or nasnet_large but for '1920', '7': "),
    ("DenseNet (k=12)", (), "could be densenet40_k12, densenet100_k12 or densenet_bc100_k12: "),
    ("DenseNet-BC (k=12)", (), "could be densenet_bc100_k12: "),  # the number of layers is not filled in
    ("SENet", (), "could be senet154@paper: "),
    ("MobileNetV3", (224,), "could be mobilenet_v3_large@paper, mobilenet_v3_small@paper, "),
    ("ResNet-50 x2", (), "is resnet50 but for '2': "),
    ("DenseNet-121 (k=24)", (), "is densenet121 but for 'k24': "),
    ("GoogLeNet v5", (), "is googlenet but for 'v5': "),  # 5 is one of its knobs' values
    ("ResNet-50 plain", (), "is resnet50 but for 'plain': "),  # it would be another network
    ("ResNet-50 (Keras, Caffe)", (), "is resnet50 but for 'caffe', 'keras': "),
    ("ResNet-101-C", (), "could be resnet101d tweak=C: "),  # He et al. 2019, not the paper's shortcut C
    ("ResNet-50-E", (), "is resnet50 but for 'e': "),
    ("resnet50@v7", (), "resnet50 has no variant 'v7'"),
    ("MobileNet-192", (224,), "names the input 3x192x192, but its row prints 3x224x224"),
    ("ResNet-50", (64, 28, 28), "is resnet50@v1, which takes 3x224x224, not 64x28x28"),
    ("LeNet-5", (3, 32, 32), "is lenet5@paper, which takes 1x32x32, not 3x32x32"),
    ("PolyNet", (), "no network of that name is known"),
]


@pytest.mark.parametrize(("name", "size", "why"), ASKED)
def test_what_is_asked_back(known, name, size, why):
    found = known.reference(name, size)
    assert isinstance(found, Unclear)
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("DeepLabV3+ (ResNet-101)", "deeplabv3plus_resnet101@paper"),  # never DeepLabV3
        ("Faster R-CNN with ResNet-50 FPN", "faster_rcnn_resnet50_fpn@paper"),
        ("Faster R-CNN-FPN ResNet-101", "faster_rcnn_resnet101_fpn@paper"),
        ("RetinaNet R-101-FPN", "retinanet_resnet101@paper"),
        ("SSD300 VGG16", "ssd300@paper"),
        ("YOLOv3 (DarkNet-53)", "yolov3@paper"),
        ("YOLOv3-416", "yolov3@paper"),
        ("ResNetV1D-50", "resnet50d"),  # mmpretrain
        ("resnet152_v1d", "resnet152d"),  # GluonCV
        ("ResNet50_vd_ssld", "resnet50d"),  # PaddleClas
        ("ResNet50_v1b", "resnet50@v1.5"),
        ("ghostnet_100", "ghostnet"),  # timm
        ("semnasnet_100", "mnasnet_a1"),
        ("EfficientNetV2L", "efficientnet_v2_l"),  # Keras
        ("MobileNetV3-S", "mobilenet_v3_small@paper"),
        ("DARTS (2nd order)", "darts@paper"),
        ("NASNet-A (N = 4, F = 44)", "nasnet_mobile@paper"),  # 1056 = 24 * 44
        ("Dual-Path-Net-131", "dpn131"),
        ("ResNet (pre-activation) 164", "preresnet164"),
        ("ResNet with Stochastic Depth 110", "resnet110@paper"),
        ("34-layer ResNet", "resnet34@v1"),
        ("Res50", "resnet50@v1"),
        ("ResNet-50 + CBAM", "cbam_resnet50"),
        ("SENet ResNet-50", "se_resnet50@paper"),
        ("EDSR-baseline ×2", "edsr_baseline factor=2"),
        ("DenseNet-BC-100-12", "densenet_bc100_k12"),
        ("R(2+1)D-18", "r2plus1d_18@torchvision"),
    ],
)
def test_names_of_papers_and_of_other_frameworks(known, name, reference):
    assert known.reference(name) == reference


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Mask R-CNN R50-FPN", "is resnet50 but for "),  # never its backbone
        ("DETR-R50", "is resnet50 but for 'detr'"),
        ("CenterNet ResNet-18", "is resnet18 but for 'centernet'"),
        ("ResNet-50 w/o SE", "is resnet50 but for "),
        ("DARTS (first order)", "is darts but for 'first', 'order'"),
        ("PreAct-ResNet-18", "could be "),
    ],
)
def test_what_is_built_on_a_network_is_not_that_network(known, name, said):
    found = known.reference(name)
    assert isinstance(found, Unclear)
    assert found.why.startswith(said)
    assert not found.references


def test_few_digits_tell_the_classes_that_other_data_sets_have(tmp_path):
    """YOLOv8 of BDD100K's 10 classes, as a README has them; 11.1 is what 258 numbers of classes print."""
    counts = [("s", 11.1, 36.3), ("m", 25.8, 100.4), ("l", 43.6, 210.2), ("x", 68.1, 328.2)]
    lines = [f"| YOLOv8{size} | 960 * 544 | {params} | {flops} |" for size, params, flops in counts]
    path = tmp_path / "bdd.md"
    path.write_text("\n".join(["| Model | size(w * h) | params(M) | FLOPs(G) |", "|-|-|-|-|", *lines]))
    found = convcost.audit(path)
    assert [one.verdict for one in found.findings] == ["holds"] * 8
    assert found.shared.classes == 10


def test_a_column_of_data_sets_says_other_classes(tmp_path):
    """DPN-92: 37,668,392 params, and 2,689 for each class; of ImageNet-5k nobody says how many."""
    path = tmp_path / "zoo.md"
    rows = ["DPN-92 | 37.67M | ImageNet-1k", "DPN-92 | 35.96M | Places365-Standard", "DPN-92 | 47.90M | ImageNet-5k"]
    rows += ["ResNet-56 | 0.86M | CIFAR-100", "ResNet-50 | 25.56M | -"]
    path.write_text("Model | Params | Dataset\n--- | --- | ---\n" + "\n".join(rows), encoding="utf-8")
    found = convcost.audit(path)
    assert [one.verdict for one in found.findings] == ["holds"] * 4
    assert [one.claim.reference.partition(" ")[2] for one in found.findings] == ["", "classes=365", "classes=100", ""]
    assert [one.why for one in found.unread] == ["is trained on ImageNet-5k: say with --name how many classes that has"]


def test_a_family_is_what_its_name_leaves_open(known):
    found = known.reference("Wide ResNet 16")
    assert isinstance(found, Unclear)
    assert found.references == ("wrn_16_4", "wrn_16_8", "wrn_16_10")
    assert known.reference("Faster R-CNN R-50").references == ("faster_rcnn_resnet50_fpn@paper",)
    assert not known.reference("C").references  # which begins the names of many


def test_every_network_is_known_by_its_own_names(known):
    """In every variant; and by the bare name in the default one, but for one that another network has, too."""
    for reference in shipped_networks():
        for variant in reference.spec.variants_of(reference.network):
            assert known.reference(f"{reference.network}@{variant}") == f"{reference.network}@{variant}"
        own = reference.spec.input_of(reference.network, reference.variant)
        assert known.reference(reference.network, own) == reference.name
        if reference.network != "inception_v2":
            assert known.reference(reference.network) == reference.name


@pytest.mark.parametrize("part", [pytest.param(1, marks=pytest.mark.slow), 8])
def test_our_own_list_is_a_table_of_which_all_cells_hold(capsys, write, part):
    """All of it behind the marker, and every so many-th of its networks."""
    assert run(["list", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.partition(",")[0]: line for line in lines if line.endswith(",row")}
    assert {*rows} == {network.name for network, _ in convcost.network.shipped(variants=True)}
    names = [*rows][::part]
    left_out = {rows[name] for name in rows.keys() - {*names}}
    audited = convcost.audit(write("\n".join(line for line in lines if line not in left_out)))
    assert {finding.claim.reference for finding in audited.findings} == {*names}
    assert {finding.verdict for finding in audited.findings} == {"holds"}
    assert (len(audited.findings), audited.unread) == (2 * len(names), [])


def test_a_variant_of_the_users_own(write):
    spec = (
        "name: mine\ninput: 3x8x8\nknobs:\n  bias: false\nvariants:\n  plain:\n  biased: {bias: true}\n"
        "layers:\n  - fc: conv(10, 3, bias=bias) >> global_avgpool >> linear(5)\n"
    )
    path = write(spec, "mine.yaml")
    table = write("Network,Input,Params\nMine,8x8,325\nMine (biased),8,335\nmine@biased,16,335\n")
    audited = convcost.audit(table, specs=[path])
    assert [finding.verdict for finding in audited.findings] == ["holds"] * 3
    assert audited.findings[2].claim.reference == f"{path}:mine@biased input=3x16x16"


# -- the command -------------------------------------------------------------------------------------------------


def test_the_command_fails_on_what_it_is_told_to(capsys, write):
    path = str(write("Model,Params (M),GMACs\nResNet-18,11.7,1.8\n"))
    assert run(["audit", path, "--fail-on", "difference"]) == 0
    assert run(["audit", "googlenet", "--fail-on", "contradiction"]) == 1
    assert run(["audit", "resnet", "--fail-on", "contradiction"]) == 0
    assert run(["audit", "resnet", "--fail-on", "slip"]) == 1  # a last digit
    assert run(["audit", "resnet", "--fail-on", "unreproduced"]) == 1
    assert run(["audit", "shufflenet_v2", "--fail-on", "unreproduced"]) == 0
    assert run(["audit", "shufflenet_v2", "--fail-on", "open"]) == 1
    capsys.readouterr()


def test_a_plain_error_among_right_rows_is_one(capsys, write):
    """21.6 for 11.6, and 53 M for 5.3 M: nothing counts twice or ten times as much in one row of a family."""
    rows = "ResNet-18,11.7,1.8\nResNet-34,21.8,3.7\nResNet-50,25.6,4.1\nResNet-101,44.5,7.8\nResNet-152,60.2,{}\n"
    path = str(write("Model,Params (M),FLOPs (G)\n" + rows.format("21.6")))
    *right, wrong = convcost.audit(path).findings
    assert [finding.verdict for finding in right] == ["holds"] * 9
    assert wrong.verdict == "does not hold"
    assert run(["audit", path, "--fail-on", "contradiction"]) == 1
    assert "21.6 of ResNet-152 does not hold" in capsys.readouterr().out
    rows = "B0,{},0.39\nEfficientNet-B1,7.8,0.70\nEfficientNet-B2,9.2,1.0\nEfficientNet-B3,12,1.8\n"
    path = str(write("Model,Params (M),FLOPs (B)\nEfficientNet-" + rows.format("53")))
    first = convcost.audit(path).findings[0]
    assert (first.verdict, "10 times the count" in first.evidence) == ("slip", True)
    assert run(["audit", path, "--fail-on", "slip"]) == 1
    assert run(["audit", path, "--fail-on", "contradiction"]) == 1
    capsys.readouterr()


@pytest.mark.parametrize("format_", ["terminal", "markdown", "latex", "csv", "json"])
def test_every_format_has_every_verdict(capsys, format_):
    assert run(["audit", "googlenet", "--format", format_]) == 0
    shown = capsys.readouterr().out
    for verdict in ("holds", "slip", "contradicts", "not hold"):
        assert verdict in shown
    if format_ != "csv":
        assert "provenance: convcost" in shown


def test_the_answer_comes_first_and_can_come_alone(capsys):
    assert run(["audit", "googlenet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("answer: 33 of 43 printed cells hold. 10 are wrong; the worst: ")
    assert run(["audit", "googlenet", "resnet", "--brief", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["cells"], row["holds"], row["slip"]) for row in rows] == [(43, 33, 4), (12, 11, 1)]


def test_what_is_printed_is_in_sections_and_nothing_twice(capsys):
    """Computed counts stand as their cells are printed: 388,736 is 379K with K = 1024, as 380K is."""
    assert run(["audit", "googlenet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [
        "Wrong, by what it changes",
        "Edits that would reproduce a row",
        "Convention",
        "How to read it",
        "Notes",
    ]
    assert [line for line in lines if line in headings] == headings
    (row,) = (line for line in lines if line.startswith("inception_3b params"))
    assert row.split()[2:5] == ["380K", "379K", "-384"]
    said = " ".join(lines)
    assert said.count("840K allows") == said.count("K = 1024, truncated") == 1
    assert run(["audit", "googlenet", "--brief"]) == 0
    brief = capsys.readouterr().out
    assert brief.startswith("Audit: GoogLeNet incarnation of the Inception architecture\nanswer: 33 of 43")
    assert "output size" not in brief
    assert "Convention" not in brief


def test_what_many_rows_share_is_one_line(capsys, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Model,Params (M)\nresnet18,11.69\nfoo,3.1\nbar,4.1\n", encoding="utf-8")
    assert run(["audit", str(path)]) == 0
    assert "Not read\nfoo, bar: no network of that name is known" in capsys.readouterr().out


def test_what_is_less_likely_than_an_error_settles_nothing():
    """MobileNet v2's Table 4: no ordinary count of v1 is 575M, nor of v2 at width 1.4 6.9M (6,108,776) or 585M."""
    audited = convcost.audit(TABLES / "mobilenet_v2_table4.tex")
    said = {finding.claim.text: finding.evidence for finding in audited.findings if finding.verdict == "open"}
    for text in ("575M", "6.9M", "585M"):
        assert said[text].endswith("all that prints it here is too unusual to settle it")


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


# -- files of several tables -------------------------------------------------------------------------------------

SEVERAL = """# Results

| Model | Top-1 |
|--|--|
| ResNet-50 | 76.1 |

| Model | Params (M) |
|--|--|
| ResNet-18 | 11.7 |

| Model | FLOPs | SE MACs |
|--|--|--|
| ResNet-18 | 3.6G | 1.8G |

| Net | MACs (M) |
|--|--|
| MobileNetV2 | 301 |
"""


def test_every_table_that_counts_is_judged_and_another_one_costs_none(write):
    audited = convcost.audit_file(write(SEVERAL, "t.md"))
    assert [(one.table.title, one.table.number) for one in audited.tables] == [
        ("t.md, table 2", 2),
        ("t.md, table 4", 4),
    ]
    assert [finding.verdict for one in audited.tables for finding in one.findings] == ["holds", "holds"]
    assert [line.partition("t.md:")[2][:24] for line in audited.failed] == ["11: 'FLOPs', 'SE MACs' a"]
    assert [line.partition("t.md:")[2][:27] for line in audited.uncounted] == ["3: no column of params, mac"]


def test_what_is_said_of_a_file_is_said_of_any_of_its_tables(write):
    path = write(SEVERAL, "t.md")
    audited = convcost.audit_file(path, columns={"FLOPs": "skip"}, names={"MobileNetV2": "mobilenet_v2"})
    assert [one.table.number for one in audited.tables] == [2, 3, 4]
    for options, why in (
        ({"columns": {"FLOP": "ops"}}, "no column 'FLOP'; did"),
        ({"names": {"a": "vgg16"}}, "no row"),
    ):
        with pytest.raises(ConvcostError, match=rf"t\.md: {why}"):
            convcost.audit_file(path, **options)


def test_the_command_judges_all_tables_or_the_one_that_is_chosen(capsys, write):
    path = str(write(SEVERAL, "t.md"))
    assert run(["audit", path, "--brief"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("t.md, table") == 4  # in the answer, and a line each
    assert f"{path}:3: no column of params" in shown.partition("Not judged ")[2]
    assert run(["audit", path, "--table", "2", "--brief"]) == 0
    assert capsys.readouterr().out.count("t.md, table") == 2  # in the title, and its line
    assert run(["audit", path, "--fail-on", "open"]) == 2  # one of its tables is not known to be right
    assert "all print ops" in capsys.readouterr().err
    with pytest.raises(ConvcostError, match="tables 2, 4 all count something; choose one"):
        convcost.audit(path)


def test_a_file_whose_tables_count_nothing_is_one_line(write):
    text = "|Model|Top-1|\n|-|-|\n|a|1|\n\n|Model|Top-5|\n|-|-|\n|a|1|\n"
    with pytest.raises(
        ConvcostError, match=r"t\.md: none of its 2 tables counts anything; the first: .*t\.md:1: no column"
    ):
        convcost.audit_file(write(text, "t.md"))


# -- names of the wild -------------------------------------------------------------------------------------------

WILD = [
    ("ResNet50_Weights.IMAGENET1K_V2", "resnet50@v1"),
    ("resnet50.a1_in1k", "resnet50@v1"),
    ("resnet50_8xb32_in1k", "resnet50@v1"),
    ("ResNet-50 (torchvision)", "resnet50@v1.5"),
    ("resnet-50-pytorch", "resnet50@v1.5"),
    ("ResNet50 (baseline)", "resnet50@v1"),
    ("ResNet-50 (ours)†", "resnet50@v1"),
    ("R-50", "resnet50@v1"),
    ("X-101-32x4d", "resnext101_32x4d@paper"),
    ("ResNeXt-101-32x8d-wsl", "resnext101_32x8d@paper"),
    ("tf_efficientnet_b0", "efficientnet_b0@paper"),
    ("mobilenetv2_100", "mobilenet_v2@paper"),
    ("mobilenetv2_140.ra_in1k", "mobilenet_v2_1.4@paper"),
    ("MobileNet V2 (w=0.5)", "mobilenet_v2_0.5@paper"),
    ("MobileNet V2 (w=0.6)", "mobilenet_v2@paper width=0.6"),
    ("mobilenet_v2 dm=1.0", "mobilenet_v2@paper"),
    ("squeezenet1_0", "squeezenet@paper"),
    ("SqueezeNet v1.0", "squeezenet@paper"),
    ("RegNet_X_1_6GF", "regnetx_1.6gf@pycls"),
    ("regnetx_016", "regnetx_1.6gf@pycls"),
    ("regnetx_004", "regnetx_400mf@pycls"),
    ("regnetx_160", "regnetx_16gf@pycls"),
    ("VGG-D", "vgg16@paper"),
    ("resnet20_cifar10", "resnet20@paper"),
    ("ResNet-56 (CIFAR-100)", "resnet56@paper classes=100"),
]


@pytest.mark.parametrize(("name", "reference"), WILD)
def test_what_a_name_of_the_wild_means(known, name, reference):
    assert known.reference(name) == reference


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("squeezenet1_2", "is squeezenet but for '1.2': "),
        ("SqueezeNet v1.2", "is squeezenet but for 'v1.2': "),
        ("resnetv2_50", "is a network of timm, not Keras' ResNet50V2"),
        ("resnet50_in21k", "has the classes of ImageNet-21k"),
        ("mobilenet_v2_cifar10", "is one for CIFAR, and mobilenet_v2@paper is not"),
        ("mobilenetv2_110d", "is mobilenet_v2 but for '110', 'd': "),
        ("ResNet-50 w=0.5", "could be resnet50@v1 width=32: "),  # or half of it is pruned
        ("resnet50-1x128d", "is resnet50 but for '1x128d': "),
        ("resnet51_8xb50", "could be resnet18, resnet34"),
    ],
)
def test_what_is_another_network_is_never_taken(known, name, why):
    found = known.reference(name)
    assert isinstance(found, Unclear)
    assert found.why.startswith(why)


def test_what_names_say_besides_is_stripped_and_named_in_a_file(write, capsys):
    table = write("Model,Params (M)\nResNet-18-exp7 (run 3),11.7\nthe best,25.6\n")
    names = write("printed,network\nthe best,resnet50@v1.5\nanother,vgg16\n", "names.csv")
    options = ["--strip", r"-exp\d+", "--strip", r"\(run .*\)", "--names", str(names)]
    assert run(["audit", str(table), *options, "--format", "csv"]) == 0
    assert [",holds,holds," in line for line in capsys.readouterr().out.splitlines()[1:]] == [True, True]
    wide = write("a,b,c\n1,2,3\n", "wide.csv")
    for wrong, why in (("--strip=(", "is no regular expression"), (f"--names={wide}", "3 columns; names are two")):
        assert run(["audit", str(table), wrong]) == 2
        assert why in capsys.readouterr().err


def test_two_counters_stand_side_by_side(write):
    """Counts of resnet18@v1, resnet50@v1.5 and mobilenet_v2 by thop, by fvcore, and by Keras' count_params()."""
    text = "Model,MACs (thop),GFLOPs (fvcore),Total params,Trainable params\n"
    text += "ResNet-18,1.8240G,1.8191,11699112,11689512\n"
    text += "ResNet-50,4.1337G,4.1115,25610152,25557032\nMobileNetV2,327.486M,0.3141,3538984,3504872\n"
    found = convcost.audit(write(text))
    assert {key.partition(" of ")[2] or key: one.measure for key, one in found.readings.items()}[
        "'Total params'"
    ] == "total"
    assert not [finding for finding in found.findings if finding.verdict in ("slip", "does not hold")]
    twice = convcost.audit(write("Model,GMACs,GFLOPs\nResNet-50,4.09,8.18\nVGG-16,15.47,30.94\nVGG-19,19.63,39.26\n"))
    assert (twice.readings["macs"].measure, twice.readings["flops"].measure) == ("macs", "flops2")
    assert {finding.verdict for finding in twice.findings} <= {"holds", "holds as"}


def test_activations_are_judged(write):
    """RegNet's Table 5, and timm's: 3.14 M, 5.15 M, 7.93 M; 11.11 M of ResNet-50."""
    text = "Model,flops (B),params (M),acts (M)\nRegNetX-400MF,0.4,5.2,3.1\nRegNetX-800MF,0.8,7.3,5.1\n"
    found = convcost.audit(write(text + "RegNetX-1.6GF,1.6,9.2,7.9\n"))
    assert {finding.verdict for finding in found.findings} == {"holds"}
    found = convcost.audit(write("model,gmacs,macts\nresnet50,4.11,11.11\nresnet18,1.82,2.48\nvgg16,15.47,12.56\n"))
    assert verdicts(found)["resnet50", "11.11"] == "holds"  # 11,113,984
    assert verdicts(found)["vgg16", "12.56"] not in ("holds", "holds as")  # 13,563,880


def test_sizes_in_megabytes_are_judged(write):
    """138,357,544 numbers of 4 bytes are 528 x 2^20; 14,155,936 with statistics are 14 x 10^6 or 13.5 x 2^20."""
    rows = "VGG16,528,138.4M\nVGG19,549,143.7M\nResNet50,98,25.6M\nMobileNetV2,14,3.5M\nResNet101,171,44.7M\n"
    found = convcost.audit(write("Model,Size (MB),Parameters\n" + rows))
    assert {finding.verdict for finding in found.findings} == {"holds"}
    assert (found.readings["bytes"].k, found.readings["bytes"].measure) == (1024, "total in 4 bytes")
    found = convcost.audit(write("Model,Size (MB)\nResNet-18,46.8\nResNet-50,102.2\nMobileNetV2,14.0\nVGG-16,553.4\n"))
    assert {finding.verdict for finding in found.findings} == {"holds"}
    assert (found.readings["bytes"].k, found.readings["bytes"].measure) == (1000, "params in 4 bytes")


def test_a_column_of_halves_is_read_as_half_of_a_count(tmp_path):
    """Three rows of osmr/imgclsmob, keras_/README.md: half of what its model_stats.py counts."""
    table = tmp_path / "halves.md"
    table.write_text(
        "| Model | Params | FLOPs/2 |\n|---|---|---|\n"
        "| ResNet-18 | 11,689,512 | 1,820.41M |\n"
        "| VGG-16 | 138,357,544 | 15,480.10M |\n"
        "| MobileNet x1.0 | 4,231,976 | 579.80M |\n"
    )
    found = convcost.audit(table)
    assert [one.verdict for one in found.findings] == ["holds"] * 6
    assert [one.reading.measure for one in found.findings if one.claim.quantity == "ops"] == ["imgclsmob"] * 3
    assert [one.computed for one in found.findings][1] == 3_640_828_224


def test_a_column_of_sizes_may_leave_out_its_bytes(tmp_path):
    """As hujie-frank/SENet's README has them: of all stored numbers in 4 bytes, in units of 1024^2."""
    table = tmp_path / "sizes.md"
    table.write_text(
        "| Model | Top-1 | Size |\n|---|---|---|\n| SE-ResNet-50 | 22.37 | 107 M |\n"
        "| SE-ResNeXt-50 (32 x 4d) | 20.97 | 105 M |\n| SENet-154 | 18.68 | 440 M |\n"
    )
    assert [one.verdict for one in convcost.audit(table).findings] == ["holds"] * 3


def test_a_digit_that_a_detail_of_a_rule_may_change_is_no_slip(tmp_path):
    """One network that pools by a window among others that do not, in six digits: nobody's error."""
    table = tmp_path / "details.md"
    table.write_text(
        "| Model | FLOPs/2 |\n|---|---|\n| RegNetX-400MF | 403.44M |\n| RegNetX-800MF | 809.47M |\n"
        "| RegNetX-4.0GF | 3,986.26M |\n| RegNetX-8.0GF | 8,017.90M |\n| VGG-16 | 15,480.10M |\n"
        "| ResNet-50 | 3,877.95M |\n"
    )
    assert [one.verdict for one in convcost.audit(table).findings] == ["holds"] * 5 + ["open"]
