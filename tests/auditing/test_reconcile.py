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
    (match,) = search(None, "25,636,712 parameters").matches
    assert match.networks == ("resnet50@keras",)
    assert [meant.reading.measure for meant in match.meant] == ["total"]  # with norm statistics, as Keras counts


def test_the_38_gflops_of_resnet_50_are_truncated():
    first, *_ = search("resnet50", "3.8 GFLOPs").matches
    assert first.networks[0] == "resnet50@v1"
    assert (first.meant[0].exact, first.meant[0].reading.rounding) == (3_857_973_248, "truncated")


def test_412g_is_another_tools_count_of_v15():
    """onnx-tool: 4,117,378,184 with our softmax; no count of ours rounds to 4.12 at 224."""
    first, *_ = search("resnet50", ("4.12G", "ops")).matches
    assert first.networks[0] == "resnet50@v1.5"
    assert first.meant[0].reading.measure == "onnx-tool"


def test_a_prefix_of_1024_is_told_as_a_trap():
    """4,142,713,856 / 1024^3 = 3.858 has the digits of v1's 3.858 G by chance."""
    matches = search("resnet50", "3.8 GFLOPs").matches
    binary = [match for match in matches if any(meant.binary for meant in match.meant)]
    assert binary
    assert all(match.steps > matches[0].steps for match in binary)
    assert "G = 1024^3, which nobody states" in binary[0].assumed


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
    assert any("with auxiliary heads" in match.assumed and match.meant[0].exact == 13_378_280 for match in found)


def test_what_nothing_makes_true_comes_with_its_residual():
    found = search("vgg16", ("999M", "params"))
    assert found.matches == ()
    least = min(found.nearest, key=lambda match: abs(match.meant[0].residual))
    assert least.meant[0].exact == 138_365_992  # with batch normalisation
    assert least.meant[0].residual == 138_365_992 - 998_500_000


@pytest.mark.parametrize(
    ("text", "quantity", "said"),
    [
        ("3.8G", "", "a number of what"),
        ("98 MB", "", "is no count"),
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
