"""Claims in running text: the counts, the network and the input that they say."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import convcost
from convcost.auditing.ratios import Against
from convcost.auditing.reconcile import search
from convcost.cli import run
from convcost.errors import ConvcostError
from convcost.network import load
from convcost.printed.numbers import parse
from convcost.published.sentences import Ratio, is_sentence, read_sentence


@pytest.mark.parametrize(
    ("text", "network", "claims"),
    [
        (
            "Our ResNet-50 variant has 4.9M params and 590M FLOPs at 160x160",
            "resnet50@v1 input=3x160x160",
            ("4.9M params", "590M FLOPs"),
        ),
        ("Our model has 4.9M params and 590M FLOPs", "", ("4.9M params", "590M FLOPs")),
        ("ResNet-50 (3.8 billion FLOPs).", "resnet50@v1", ("3.8 billion FLOPs",)),
        ("MobileNetV2 1.4 uses 585 million MACs", "mobilenet_v2_1.4@paper", ("585 million MACs",)),
        ("VGG-16 needs 15.5 GMACs at 224", "vgg16@paper", ("15.5 GMACs",)),
        ("DenseNet-121 (k=32): 2.87 GFLOPs @ 256 x 256", "densenet121@paper input=3x256x256", ("2.87 GFLOPs",)),
        (
            "GoogLeNet: about 1.5 billion multiply-adds at inference",
            "googlenet@paper",
            ("about 1.5 billion multiply-adds",),
        ),
    ],
)
def test_a_sentence_is_read(text: str, network: str, claims: tuple[str, ...]) -> None:
    assert is_sentence(text)
    assert read_sentence(text) == (network, claims, "", False, (), (), "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SqueezeNet 1.7 has 1.24M params", "its network is squeezenet but for '1.7'"),
        ("ResNet-50 (4.1 GFLOPs) beats ResNet-101", "says ResNet-50 and ResNet-101: claim one thing at a time"),
        ("4.1 GFLOPs at 224x224 and at 256x256", r"says \(224, 224\) and \(256, 256\)"),
        ("a fine network", "has no count with its unit"),
        ("The first layer has 9,408 parameters", "of the first layer, and does not say of which network"),
        ("ResNet-50's stem and its classifier have 2M params", "says first layer and last layer"),
        ("word " * 300, "at most 200 words, not of 300"),
        ("Training ResNet-50 costs 12.3 GFLOPs per image", "'Training ResNet-50 costs' is no cost of inference"),
        ("ResNet-50 has a training cost of 12.3 GFLOPs", "'training cost' is no cost of inference"),
    ],
)
def test_what_is_not_understood_is_an_error(text: str, why: str) -> None:
    with pytest.raises(ConvcostError, match=why):
        read_sentence(text)


def test_a_number_and_a_name_are_no_sentences() -> None:
    assert not any(map(is_sentence, ("3.8 GFLOPs", "ResNet-50 v1.5", "resnet50", "", "word " * 10_000)))


def test_a_sentence_is_reconciled(capsys: pytest.CaptureFixture[str]) -> None:
    found = convcost.reconcile("Our ResNet-50 needs 8.2 GFLOPs at 224x224")
    assert found.explained
    assert found.matches[0].networks[0].startswith("resnet50@v1.5")
    assert found.matches[0].meant[0].exact == 2 * 4_089_184_256
    assert run(["reconcile", "Our ResNet-50 needs 8.2 GFLOPs at 224x224"]) == 0
    assert "8,178,368,512 of resnet50@v1.5" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(ConvcostError, match="the text names resnet50@v1, and network= one more"):
        convcost.reconcile("ResNet-50 needs 4.1 GFLOPs", network="vgg16")
    assert run(["reconcile", "SqueezeNet 1.7 has 1.24M params"]) == 2
    assert capsys.readouterr().err.startswith("error: 'SqueezeNet 1.7")


@pytest.mark.parametrize(
    ("text", "label", "counts"),
    [  # by hand: 3 * 64 * 7 * 7, and 112 * 112 times as many; 2,048 * 1,000 + 1,000; 3 * 64 * 9 * 224 * 224
        ("The first layer of ResNet-50 has 9,408 parameters", "resnet50@v1 conv1/conv", [9_408]),
        ("The stem of ResNet-50 has 118M MACs and 9,536 parameters", "resnet50@v1 conv1", [118_013_952, 9_536]),
        ("The classifier of ResNet-50 has 2.05M parameters", "resnet50@v1 fc", [2_049_000]),
        ("The first convolution of VGG-16 needs 86.7M MACs", "vgg16@paper conv1/1/conv", [86_704_128]),
    ],
)
def test_a_part_of_a_network_is_reconciled(text: str, label: str, counts: list[int]) -> None:
    found = convcost.reconcile(text)
    assert found.explained
    assert found.matches[0].networks[0] == label
    assert [meant.exact for meant in found.matches[0].meant] == counts


def test_what_a_part_has_not_is_not_explained() -> None:
    assert not convcost.reconcile("The first layer of ResNet-50 has 9,480 parameters").explained
    assert not convcost.reconcile("The classifier of ResNet-50 has 25.6M parameters").explained


@pytest.mark.parametrize("part", ["first layer", "last layer"])
@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v1@keras", "vgg16"])
def test_all_hypotheses_about_a_part_sum_to_at_most_one(name: str, part: str) -> None:
    found = search({"params": parse("9,408")}, load(name), part=part)
    assert np.exp2(-found.own).sum() <= 1
    assert np.exp2(-found.prices[0]).sum() <= 1


SAID_OF_TWO = [  # what is said of the first, and the quotient by hand
    (
        "MobileNetV2 has 7.3x fewer parameters than ResNet-50",
        ("mobilenet_v2@paper", "resnet50@v1"),
        [("ratios of params", "7.3x", True)],
        [Fraction(25_557_032, 3_504_872)],
    ),
    (
        "Compared to ResNet-50, MobileNetV2 has 7.3x fewer parameters and 13x fewer FLOPs",
        ("mobilenet_v2@paper", "resnet50@v1"),
        [("ratios of params", "7.3x", True), ("ratios of ops", "13x", True)],
        [Fraction(25_557_032, 3_504_872), Fraction(3_857_973_248, 300_774_272)],
    ),
    (
        "ResNet-152 has 2.355 times as many parameters as ResNet-50",
        ("resnet152@v1", "resnet50@v1"),
        [("ratios of params", "2.355x", False)],
        [Fraction(60_192_808, 25_557_032)],
    ),
    (
        "ResNet-152 is 2.355x larger than ResNet-50",
        ("resnet152@v1", "resnet50@v1"),
        [("ratios of params", "2.355x", False)],
        [Fraction(60_192_808, 25_557_032)],
    ),
    (
        "MobileNetV2 reduces the number of parameters of ResNet-50 by 86.3%",
        ("mobilenet_v2@paper", "resnet50@v1"),
        [("shares of params", "86.3%", True)],
        [1 - Fraction(3_504_872, 25_557_032)],
    ),
    (
        "ResNet-152 has 135.5% more parameters than ResNet-50",
        ("resnet152@v1", "resnet50@v1"),
        [("shares of params", "135.5%", False)],
        [Fraction(60_192_808, 25_557_032) - 1],
    ),
    (
        "MobileNetV2 has 13.7% of the parameters of ResNet-50",
        ("mobilenet_v2@paper", "resnet50@v1"),
        [("ratios of params", "13.7%", False)],
        [Fraction(3_504_872, 25_557_032)],
    ),
    (
        "MobileNetV2 cuts parameters by a factor of 7.3 over ResNet-50",
        ("mobilenet_v2@paper", "resnet50@v1"),
        [("ratios of params", "7.3x", True)],
        [Fraction(25_557_032, 3_504_872)],
    ),
]


@pytest.mark.parametrize(("text", "networks", "ratios", "quotients"), SAID_OF_TWO)
def test_what_is_said_of_two_networks_is_reconciled(
    text: str, networks: tuple[str, str], ratios: list[Ratio], quotients: list[Fraction]
) -> None:
    said = read_sentence(text)
    assert is_sentence(text)
    assert ((said.network, said.against), [*said.ratios]) == (networks, ratios)
    found = convcost.reconcile(text)
    assert found.explained
    assert found.matches[0].networks[0] == " against ".join(networks)
    for meant, quotient in zip(found.matches[0].meant, quotients, strict=True):
        assert meant.reading.value(meant.exact) == pytest.approx(quotient, rel=1e-9)


def test_what_is_not_so_of_two_networks_is_not_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """The paper of GoogLeNet says 12 times; there are 8.7 times as many params, and 12 only by chance."""
    assert not convcost.reconcile("GoogLeNet uses 12 times fewer parameters than AlexNet").explained
    assert run(["reconcile", "MobileNetV2 is 2.5 times smaller than ResNet-50"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "Nothing makes 2.5x true; these come nearest" in shown
    assert "7.29186 times" in shown
    assert "+4.74186 times" in shown
    assert run(["reconcile", "SqueezeNet has 50x fewer parameters than AlexNet"]) == 1
    assert "48.8337 times" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ResNet-152 needs 25 % less computation than VGG-16, 11.3 GFLOPs", "says 11.3 GFLOPs: claim one thing"),
        ("ResNet-50 has 5x fewer FLOPs than ours", "compares two networks, and names 1; name both"),
        ("Ours has 5x fewer FLOPs than yours", "compares two networks, and names none; name both"),
        ("ResNet-50 has 5x less memory than VGG-16", "'5x less memory' is of memory, which is not compared"),
        ("ResNet-50 has 1000000000x fewer FLOPs than VGG-16", "no network is 1000000000 times another"),
        ("ResNet-50 has 2x and then 3x more FLOPs and 4x more FLOPs than VGG-16", "claim one thing at a time"),
    ],
)
def test_what_is_not_compared_is_an_error(text: str, why: str) -> None:
    with pytest.raises(ConvcostError, match=why):
        convcost.reconcile(text)


def test_all_hypotheses_about_two_networks_sum_to_at_most_one() -> None:
    found = search(
        {"ratios of params": parse("7.3x")},
        load("mobilenet_v2"),
        against=Against(load("resnet50"), frozenset({"ratios of params"})),
    )
    assert np.exp2(-found.own).sum() <= 1


def test_what_is_said_of_training_besides_is_no_cost_of_it() -> None:
    said = read_sentence("After training on ImageNet, ResNet-50 with 4.1 GFLOPs needs no augmentation")
    assert said.claims == ("4.1 GFLOPs",)


def test_a_difference_of_counts_is_no_ratio_of_them() -> None:
    with pytest.raises(ConvcostError, match="says MobileNetV2 and MobileNetV1: claim one thing at a time"):
        read_sentence("MobileNetV2 reduces FLOPs by 269M FLOPs over MobileNetV1")


def test_a_better_accuracy_is_no_ratio_of_counts() -> None:
    assert read_sentence("ResNet-50 has 25.6M params and 2% higher accuracy").claims == ("25.6M params",)


def test_a_sentence_of_what_is_built_on_a_network_is_not_about_that_network():
    whole = read_sentence("DeepLabV3+ with a ResNet-50 backbone has 40M parameters")
    assert whole.network == "deeplabv3plus_resnet50@paper"
    assert read_sentence("The backbone R50 has 23.5M parameters").network == "resnet50@v1"
    with pytest.raises(ConvcostError, match="built on ResNet-50 backbone, and does not name all of it"):
        read_sentence("Our detector with a ResNet-50 backbone has 40M parameters")


def test_decimal_commas_and_words_of_other_languages():
    found = read_sentence("ResNet50 hat 25,6 Mio. Parameter und 4,1 GFLOPs")
    assert (found.network, found.claims) == ("resnet50@v1", ("25.6 Mio. Parameter", "4.1 GFLOPs"))
    assert read_sentence("VGG-16 has 138,357,544 parameters").claims == ("138,357,544 parameters",)


def test_a_size_of_720p_is_what_super_resolution_gives():
    """CARN: multi-adds for an image of 1280x720 at its output; EDSR-baseline x2 takes 640x360."""
    found = read_sentence("EDSR baseline x2 has 1.37M parameters and 316G multi-adds at 1280x720")
    assert found.network == "edsr_baseline factor=2 input=3x360x640"
    assert read_sentence("RCAN x4 takes 917G multi-adds at 1280x720").network == "rcan input=3x180x320"
    assert read_sentence("ResNet-50 takes 75 GMACs at 1280x720").network == "resnet50@v1 input=3x1280x720"


def test_layers_before_a_name():
    assert read_sentence("a 34-layer ResNet has 3.6 billion FLOPs").network.startswith("resnet34@v1")
