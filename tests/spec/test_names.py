"""Names as people write them, wherever a network is named."""

from __future__ import annotations

from fractions import Fraction

import pytest

import convcost
from convcost.cli import run
from convcost.errors import ConvcostError
from convcost.published.names import Known
from convcost.spec.catalog import shipped_networks
from convcost.spec.names import Unclear, find, shipped_names

SPELLINGS = {
    "ResNet-50": "resnet50@v1",
    "resnet-50": "resnet50@v1",
    "RN50": "resnet50@v1",
    "resnet50 v1.5": "resnet50@v1.5",
    "ResNet-50 (v1.5)": "resnet50@v1.5",
    "resnext50": "resnext50_32x4d@paper",
    "ResNeXt-101 (64x4d)": "resnext101_64x4d@paper",
    "SE-ResNet-50": "se_resnet50@paper",
    "MobileNetV2": "mobilenet_v2@paper",
    "MobileNet": "mobilenet_v1@paper",  # its paper's title
    "mobilenet_v2_1.4": "mobilenet_v2_1.4@paper",
    "efficientnet-b0": "efficientnet_b0@paper",
    "EfficientNet B7": "efficientnet_b7@paper",
    "VGG16": "vgg16@paper",
    "vgg16_bn": "vgg16@bn",
    "VGG-16 (BN)": "vgg16@bn",
    "Inception-v3": "inception_v3@torchvision",
    "Inception v1": "googlenet@paper",
    "GoogleNet": "googlenet@paper",
    "AlexNet": "alexnet@paper",
    "shufflenet_v2_x1_0": "shufflenet_v2_x1.0@paper",
    "ShuffleNet 1x (g=3)": "shufflenet_v1_g3@paper",
    "RegNetX-400MF": "regnetx_400mf@pycls",
    "RegNetY-16G": "regnety_16gf@pycls",
    "RegNetY-4G": "regnety_4.0gf@pycls",
    "regnetx_3.2gf": "regnetx_3.2gf@pycls",
    "NASNet-A (4 @ 1056)": "nasnet_mobile@paper",
    "ResNet-34 (A)": "resnet34@v1",
    "ResNet-34 (a)": "resnet34@v1",
    "inception_v2": "inception_v2",
    "squeezenet1_1": "squeezenet_v1.1@paper",
    "WRN-28-10": "wrn_28_10",
    "Wide ResNet 28-10": "wrn_28_10",
    "WRN-50-2-bottleneck": "wide_resnet50_2@paper",
    "ResNet-50-D": "resnet50d",
    "ResNet-50-C": "resnet50_c",
    "ResNeXt-29, 8x64d": "resnext29_8x64d",
    "EfficientNetV2-S": "efficientnet_v2_s",
    "RegNetY-4GF": "regnety_4.0gf@pycls",
    "MnasNet-A1": "mnasnet_a1",
    "mnasnet1_0": "mnasnet_b1",
    "FBNet-C": "fbnet_c@paper",
    "MNv4-Hybrid-M": "mobilenet_v4_hybrid_medium",
    "RepVGG-A0": "repvgg_a0@deploy",
    "ConvNeXt-T": "convnext_tiny",
    "ConvMixer-768-32": "convmixer_768_32",
    "DarkNet-53": "darknet53",
    "GhostNet 1.3x": "ghostnet_1.3",
    "Res2Net-50": "res2net50_26w_4s",
    "ResNeSt-50": "resnest50",
    "SKNet-50": "sknet50",
    "VoVNet-39": "vovnet39",
}


@pytest.mark.parametrize(("written", "meant"), SPELLINGS.items())
def test_a_network_is_loaded_by_the_name_that_people_write(written: str, meant: str):
    assert convcost.load(written).name == meant


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("resnext101", "could be resnext101_32x4d, resnext101_64x4d, resnext101_32x8d, resnext101_32x16d, "),
        ("NASNet-A", "could be nasnet_mobile@paper or nasnet_large@paper"),
        ("Inception", "could be inception_resnet_v1, inception_resnet_v2, inception_v2, inception_v3 or inception_v4"),
        ("effic", "could be efficientnet_b0, .*"),
        ("SqueezeNet 1.7", "is squeezenet.* but for '1.7'"),
        ("ResNet-27", "could be resnet18, .* but for '27'"),
        ("ResNet-50 v3", "is resnet50 but for 'v3'"),
        ("resnt50", "did you mean resnet50?"),
        ("GPipe", "see convcost list"),
        ("50", "see convcost list"),
    ],
)
def test_what_a_name_leaves_open_is_asked_back(written: str, message: str):
    with pytest.raises(ConvcostError, match=f"unknown network '{written}'.*{message}"):
        convcost.load(written)


@pytest.mark.parametrize("number", [26, 49, 51, 77, 500])
def test_a_number_is_never_filled_in(number: int):
    for name in ("ResNet-{}", "resnet{}", "DenseNet{}", "VGG-{}", "RN{}", "EfficientNet-B{}", "SE-ResNet-{}"):
        with pytest.raises(ConvcostError):
            convcost.load(name.format(number))


@pytest.mark.parametrize(
    ("written", "network"),
    [
        ("dla46x_c", "dlax46_c"),
        ("DLA-X-60-C", "dlax60_c"),
        ("DLA-60", "dla60"),
        ("dla102x2", "dlax102_64"),
        ("DLA-X-102 64", "dlax102_64"),
    ],
)
def test_the_names_of_deep_layer_aggregation(written: str, network: str):
    assert find(written) == network


def test_every_shipped_network_is_found_in_other_spellings():
    for network in dict.fromkeys(known.network for known in shipped_networks()):
        for written in (network.upper(), network.replace("_", "-"), network.replace("_", " ").title()):
            if network == "inception_v2" != written:  # as TF-slim calls another one, too
                with pytest.raises(ConvcostError, match="could be inception_v2 or bn_inception@slim"):
                    find(written)
            else:
                assert find(written).partition("@")[0] == network, written


@pytest.mark.parametrize("mark", [" (a)", " [a]", "(b)", "ᵃ", "^a", " [3]", "†"])
def test_a_footnotes_mark_sets_nothing(mark: str):
    """Nor does it keep a row of a table from being read, where the name alone is."""
    assert convcost.load(f"ResNet-34{mark}").reference == "resnet34@v1"
    assert shipped_names().reference(f"ResNet-34{mark}") == "resnet34@v1"
    assert (
        convcost.load("ResNet-34 (A)").reference == convcost.load("ResNet-34-a").reference == "resnet34@v1 shortcut=A"
    )


def test_a_shipped_name_to_the_letter_is_audited_as_it_is_loaded():
    assert shipped_names().reference("inception_v2") == "inception_v2"
    assert shipped_names().reference("Inception v2").open  # TF-slim calls another one so
    assert shipped_names().reference("inception_v2", (299, 299)) == "inception_v2"


def test_settings_follow_a_name():
    network = convcost.load("mobilenet_v1@paper width=0.5 input=3x192x192")
    assert network.input == (3, 192, 192)
    assert network.own_input == (3, 224, 224)
    by_hand = convcost.load("mobilenet_v1@paper", width=Fraction(1, 2)).price("3x192x192")
    assert network.price().total.macs == by_hand.total.macs
    assert network.price("3x224x224").total.macs != by_hand.total.macs
    assert network.set(classes=10).input == (3, 192, 192)
    assert convcost.load("ResNet-34 shortcut=A").settings["shortcut"] == "A"
    assert convcost.load("resnet34 A").settings["shortcut"] == "A"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("resnet18 input=3x64x64 input=3x32x32", "the input is given twice"),
        ("resnet18 clases=10", "no knob 'clases'; did you mean classes?"),
        ("resnet18 classes=10 classes=11", "classes: given twice"),
        ("resnet18@v9", "no variant 'v9'"),
        ("resnet18 input=3x", "like 3x224x224"),
    ],
)
def test_settings_behind_a_name_are_checked(written: str, message: str):
    with pytest.raises(ConvcostError, match=message):
        convcost.load(written)


def test_a_knob_is_set_once():
    with pytest.raises(ConvcostError, match="classes: set twice"):
        convcost.load("resnet18 classes=10", classes=11)


@pytest.mark.parametrize(
    "arguments",
    [
        ["layers", "--depth", "1", "--format", "csv"],
        ["memory", "--format", "csv"],
        ["dialects", "--format", "csv"],
        ["formula", "--symbols", "batch"],
        ["solve", "--max", "macs=1G", "--over", "classes=10,20", "--format", "csv"],
    ],
)
def test_a_printed_reference_is_read_by_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    command, *options = arguments
    assert run([command, "mobilenet_v1@paper input=3x192x192", *options]) == 0
    written = capsys.readouterr().out
    given = [] if command == "solve" else ["--input", "3x192x192"]
    axes = ["--over", "H=192"] if command == "solve" else []
    assert run([command, "MobileNet v1", *given, *options, *axes]) == 0
    said = capsys.readouterr().out
    if command == "solve":  # the height is a column of its own
        said = said.replace(",H,", ",").replace(",192,", ",")
    assert written == said


def test_a_sweep_is_of_the_input_that_its_reference_says(tmp_path):
    out = tmp_path / "designs.csv"
    assert run(["sweep", "mobilenet_v1@paper input=3x192x192", "--over", "classes=10,1000", "--out", str(out)]) == 0
    macs = str(convcost.load("mobilenet_v1").price("3x192x192").total.macs)
    assert macs in out.read_text()


def test_a_slash_is_part_of_a_name_unless_a_folder_is_there(tmp_path, monkeypatch):
    """ViT-B/16 is how its paper writes it; a path says that it is one, or its folder exists."""
    monkeypatch.chdir(tmp_path)
    assert convcost.load("ViT-B/16").network == "vit_b_16"
    assert convcost.load("DeiT-B").network == "vit_b_16"  # timm 1.0.31: 86,567,656 params, as torchvision's ViT-B/16
    assert convcost.load("ViT-L/16 (384)").shape()[1:] == (384, 384)
    for name, said in (
        ("./ViT-B/16", "No such file"),
        ("foo/bar", "unknown network 'foo/bar'"),
        ("a/" + "b" * 300, "unknown network"),
    ):
        with pytest.raises(ConvcostError, match=said):
            convcost.load(name)
    (tmp_path / "ViT-B").mkdir()
    with pytest.raises(ConvcostError, match="No such file"):
        convcost.load("ViT-B/16")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("regnetx-3.2gf_8xb64_in1k", "regnetx_3.2gf@pycls"),  # its point begins no recipe of timm's
        ("resnet50.a1_in1k", "resnet50@v1"),
        ("resnet50_8xb256-rsb-a2-300e_in1k", "resnet50@v1"),
        ("efficientnet-b0_3rdparty_8xb32-aa-advprop_in1k", "efficientnet_b0@paper"),
        ("convnext-v2-atto_fcmae-pre_3rdparty_in1k", "convnextv2_atto"),  # trained as masked autoencoders are
        ("convnext-v2-base_fcmae-in21k-pre_3rdparty_in1k-384px", "convnextv2_base input=3x384x384"),
        ("convnext-tiny_32xb128-noema_in1k", "convnext_tiny"),
        ("cifar_wrn28_6", "wrn_28_6"),
        ("mobilenet-v3-small-050_3rdparty_in1k", "mobilenet_v3_small_0.5@paper"),
        ("swin-base_in21k-pre-3rdparty_in1k", "swin_b@paper"),  # trained on 21k, and then on 1k
        ("swin_tiny_patch4_window7_224", "swin_t@paper"),
        ("vit_base_patch16_224", "vit_b_16"),
        ("vit_large_patch16_384", "vit_l_16 input=3x384x384"),
        ("vit_small_patch16_224", "deit_small"),
        ("ViT-Small", "deit_small"),
        ("ViT-S/16", "deit_small"),
        ("DeiT-Ti", "deit_tiny"),
        ("ViT-Base/32", "vit_b_32"),
        ("ViT-B16", "vit_b_16"),
        ("MBV3-L", "mobilenet_v3_large@paper"),
        ("V3-Large 0.75", "mobilenet_v3_large_0.75@paper"),  # of MobileNetV3's own tables
        ("MNv2 1.4x", "mobilenet_v2_1.4@paper"),
        ("EN-B3", "efficientnet_b3@paper"),
        ("ENetV2-S", "efficientnet_v2_s"),
        ("Inc-v3", "inception_v3@torchvision"),
        ("IncRes-v2", "inception_resnet_v2@paper"),
        ("D121", "densenet121@paper"),
        ("Shuffle V2 1.0", "shufflenet_v2_x1.0@paper"),
        ("Mnas-small", "mnasnet_small"),
        ("Proxyless-R", "proxylessnas_mobile"),
        ("Network in Network", "nin"),
        ("YOLOv8 nano", "yolov8n"),
        ("SK-ResNet50", "sknet50"),
        ("ECA-Net50", "eca_resnet50"),
        ("ResNet-1001", "preresnet1001"),
        ("RegNetX-800M", "regnetx_800mf@pycls"),
        ("Res2Net50 26w×4s", "res2net50_26w_4s"),
        ("T: ResNet-34", "resnet34@v1"),
        ("ResNet-18 (Student)", "resnet18@v1"),
        ("Vanilla ResNet-50", "resnet50@v1"),
        ("ResNet-18-b16x8", "resnet18@v1"),  # 16 images on each of 8 GPUs
        ("ResNet-50-BN", "resnet50@v1"),  # beside ResNet-50-GN, whose norms no spec has
        ("ResNet-50-SE", "se_resnet50@paper"),
        ("ResNet-101_CBAM", "cbam_resnet101"),
        ("Kinetics/X3D_S", "x3d_s"),
        ("ResNet-101b", "resnet101@v1.5"),
        ("BN-VGG-16b", "vgg16@bn"),
        ("MobileNetV3Small075", "mobilenet_v3_small_0.75@paper"),
        ("NFNetF0", "nfnet_f0"),
        ("ConvNeXtV2Atto", "convnextv2_atto"),
        ("EfficientNetV1B0", "efficientnet_b0@paper"),
        ("YOLOV8_N", "yolov8n"),
        ("ghostnet_130_imagenet.h5", "ghostnet_1.3"),
        ("GhostNetV2_160", "ghostnet_v2_1.6"),
        ("resnet18_8xb16_cifar10", "resnet18@cifar"),
        ("ResNet-50 (CIFAR-100)", "resnet50@cifar classes=100"),
    ],
)
def test_names_of_model_zoos(written: str, meant: str):
    """Of mmpretrain, timm, PyTorchVideo, pytorchcv and Keras."""
    assert Known((), {}).reference(written) == meant


def test_a_network_of_21k_classes_is_none_of_ours():
    assert isinstance(Known((), {}).reference("convnext-base_3rdparty_in21k"), Unclear)
