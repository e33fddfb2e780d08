"""Claims reconciled: what is known of ResNet-50, the zoo search, and what makes nothing true."""

from __future__ import annotations

import json

import pytest

from convcost.auditing.reconcile import claimed, reconcile
from convcost.cli import run
from convcost.errors import ConvcostError
from convcost.network import load


def search(name, *claims):
    found = dict(claimed(*claim) if isinstance(claim, tuple) else claimed(claim) for claim in claims)
    return reconcile(found, load(name) if name else None)


def test_which_network_has_25_636_712_parameters():
    found = search(None, "25,636,712 parameters")
    first = found.matches[0]
    assert found.explained
    assert first.networks == ("resnet50@keras",)
    assert [meant.reading.measure for meant in first.meant] == ["total"]  # with norm statistics, as Keras counts


def test_two_digits_name_no_network():
    assert not search(None, "3.8 GFLOPs").explained
    assert not search(None, "11M params").explained


def test_the_38_gflops_of_resnet_50_are_truncated():
    found = search("resnet50", "3.8 GFLOPs")
    first = found.matches[0]
    assert first.networks[0] == "resnet50@v1"
    assert (first.meant[0].exact, first.meant[0].reading.rounding) == (3_857_973_248, "truncated")


def test_twice_the_macs_of_v15():
    found = search("resnet50", "8.2 GFLOPs")
    assert found.explained
    assert (found.matches[0].networks[0], found.matches[0].meant[0].exact) == ("resnet50@v1.5", 2 * 4_089_184_256)


def test_411g_is_fvcores_count_of_v15():
    found = search("resnet50", ("4.11G", "ops"))
    assert found.explained
    assert (found.matches[0].networks[0], found.matches[0].meant[0].reading.measure) == ("resnet50@v1.5", "fvcore")


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("resnet50", "5.43G"),  # made up
        ("mobilenet_v3_large", "236M"),  # another release's
        ("mobilenet_v2", "313M"),  # its first block expands, too: 313,619,328
        ("mobilenet_v2", "429M"),  # two changes of its structure: 429,111,936
        ("alexnet", "718.9M"),
        ("googlenet", "1550M"),
        ("inception_v3", "4.8G"),
    ],
)
def test_what_could_be_chance_is_open(name, macs):
    assert not search(name, (macs, "ops")).explained


def test_a_prefix_of_1024_is_dear():
    """4,142,713,856 / 1024^3 = 3.858 has the digits of v1's 3.858 G by chance."""
    matches = search("resnet50", "3.8 GFLOPs").matches
    binary = [match for match in matches if any(meant.reading.k == 1024 for meant in match.meant)]
    assert binary
    assert all(match.bits > matches[0].bits + 5 for match in binary)


def test_params_and_macs_must_hold_at_once():
    found = search("resnet50", ("25.6M", "params"), ("4.09G", "ops"))
    first, *_ = found.matches
    assert first.networks[0] == "resnet50@v1.5"
    assert [meant.exact for meant in first.meant] == [25_557_032, 4_089_184_256]


def test_another_input_is_found():
    first, *_ = search("resnet50@v1.5", ("5.34G", "ops")).matches
    assert (first.input, first.meant[0].exact) == ((3, 256, 256), 5_340_348_416)


def test_auxiliary_heads():
    """Szegedy's 13.4M params: dense conv1 and both heads, 13,378,280."""
    found = search("googlenet", ("13.4M", "params")).matches
    assert any("aux=true" in match.networks[0] and match.meant[0].exact == 13_378_280 for match in found)


def test_what_nothing_makes_true_comes_with_its_residual():
    found = search("vgg16", ("999M", "params"))
    assert found.matches == ()
    assert not found.explained
    least = min(found.nearest, key=lambda match: abs(match.meant[0].residual))
    assert least.meant[0].residual == least.meant[0].exact - 998_500_000


@pytest.mark.parametrize(
    ("text", "quantity", "said"),
    [
        ("3.8G", "", "a number of what"),
        ("98 kHz", "", "what does 'kHz' after it mean"),
        ("3 GFLOPs", "params", "is no count of params"),
        ("about five", "params", "cannot read"),
    ],
)
def test_what_is_no_claim(text, quantity, said):
    with pytest.raises(ConvcostError, match=said):
        claimed(text, quantity)


def test_the_command(capsys):
    assert run(["reconcile", "resnet50", "--macs", "4.09G", "--params", "25.6M", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"][0]["network"] == "resnet50@v1.5"
    assert shown["notes"][-1].startswith("provenance: convcost")
    assert run(["reconcile", "vgg16", "1 GFLOPs", "--params", "3M"]) == 1
    assert "Nothing makes" in capsys.readouterr().out
    assert run(["reconcile", "resnet50", "--macs", "3.72G"]) == 1
    assert capsys.readouterr().out.startswith(("Open: could be chance", "Not reconciled"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing is claimed"),
        (["resnet50"], "nothing is claimed"),
        (["resnet50", "vgg16", "3 GFLOPs"], "'vgg16' is no number"),
        (["resnet50", "3 GFLOPs", "--macs", "4G"], "ops are claimed twice"),
        (["3 GFLOPs", "--set", "classes=10"], "--set goes with a network"),
    ],
)
def test_bad_arguments_are_one_line(capsys, arguments, said):
    assert run(["reconcile", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("text", ["0", "0.0G"])
def test_nothing_is_no_claim(text):
    with pytest.raises(ConvcostError, match="above 0"):
        reconcile(dict([claimed(text, "ops")]), load("resnet50"))
