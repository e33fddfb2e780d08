"""Two networks side by side, whatever they are written in, and which of ours one is."""

import json

import pytest

import convcost
from convcost.cli import run
from convcost.cost.differing import unlikeness, weighed_layers
from convcost.imports.writing import spec_of
from convcost.network import every_variant, nearest, shipped
from convcost.spec.catalog import shipped as shipped_spec
from convcost.spec.catalog import shipped_files

SOURCE = """
from torch import nn
from convcost import torch_model

class Net(nn.Module):
    def __init__(self, name="resnet18"):
        super().__init__()
        self.net = torch_model(name, device="meta")

    def forward(self, x):
        return self.net(x)

def wider(classes=1001):
    net = Net()
    fc = next(one for one in net.net.modules() if isinstance(one, nn.Linear))
    fc.weight = nn.Parameter(fc.weight.new_empty(classes, 512))
    fc.bias = nn.Parameter(fc.bias.new_empty(classes))
    return net

def ten():
    return wider(10)
"""
SPEC = "name: {0}\nsource: mine\ninput: 3x8x8\nlayers:\n  - {1}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "of_theirs.py").write_text(SOURCE)
    b = "d: conv(8, 5, padding=1, bias=false) >> bn >> relu >> conv(4, 1)"
    (tmp_path / "a.yaml").write_text(SPEC.format("a", "c: conv(8, 3, bias=false) >> relu >> conv(4, 1)"))
    (tmp_path / "b.yaml").write_text(SPEC.format("b", b))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


def rows(capsys, *arguments, status):
    assert run([*arguments, "--format", "json"]) == status
    return json.loads(capsys.readouterr().out)["rows"]


def test_a_difference_is_named_with_what_it_costs(capsys):
    found = rows(capsys, "diff", "a.yaml", "b.yaml", status=1)
    said = [(row["differs"], row["first"], row["second"], row["params"], row["macs"]) for row in found]
    kernel, *_, total = said
    assert kernel == ("kernel", "3x3", "5x5", 8 * 3 * (25 - 9), 8 * 3 * (25 * 36 - 9 * 36))
    assert ("layer", "none", "bn, 8 -> 8x6x6", 16, 0) in said
    assert total[3:] == (8 * 3 * 16 + 16, 8 * 3 * 16 * 36)


def test_the_two_resnets_differ_by_three_strides(capsys):
    """Their macs are known apart: 3,857,973,248 of Keras' ResNet50, 4,089,184,256 of torchvision's."""
    found = rows(capsys, "diff", "resnet50@v1", "resnet50@v1.5", status=1)
    strides = [row for row in found if row["differs"] == "stride"]
    assert [(row["first"], row["second"]) for row in strides] == [("2x2", "1x1"), ("1x1", "2x2")] * 3
    assert (found[-1]["params"], found[-1]["macs"]) == (0, 4_089_184_256 - 3_857_973_248)


def test_a_deployed_network_is_told_instead_of_all_its_norms(capsys, tmp_path):
    """Of resnet18 as deployed 20 convolutions have a bias, and no norm follows: files as exporters write them."""
    folded = convcost.load("resnet18").folded()
    (tmp_path / "deployed.yaml").write_text(spec_of(folded.build(), "deployed"))
    for pair in (("resnet18", "deployed.yaml"), ("deployed.yaml", "resnet18")):
        assert run(["diff", *pair]) == 1
        out = capsys.readouterr().out
        assert "\nresnet18_v1 has its 20 norms folded; compare with --fold-norms\n" in out
        assert "none" not in out
    assert run(["diff", "resnet18", "deployed.yaml", "--fold-norms"]) == 0
    assert "in none of" in capsys.readouterr().out


def test_what_differs_beside_the_norms_is_counted_and_then_listed(capsys, tmp_path):
    (tmp_path / "n.yaml").write_text(SPEC.format("n", "c: conv(8, 3, bias=false) >> bn >> relu >> conv(4, 1)"))
    (tmp_path / "m.yaml").write_text(SPEC.format("m", "c: conv(8, 3) >> relu >> conv(5, 1)"))
    assert run(["diff", "n.yaml", "m.yaml"]) == 1
    assert "m has its norm folded; compare with --fold-norms: 1 layer differs then" in capsys.readouterr().out
    found = rows(capsys, "diff", "n.yaml", "m.yaml", "--fold-norms", status=1)
    assert {row["differs"] for row in found} >= {"output"}
    assert rows(capsys, "diff", "a.yaml", "b.yaml", status=1)  # other layers, not only norms: listed


def test_the_same_network_in_two_ways_is_one(capsys):
    assert run(["diff", "resnet18", "torch:of_theirs:Net"]) == 0
    assert "in none of" in capsys.readouterr().out
    assert run(["verify", "resnet18", "--against", "torch:of_theirs:Net"]) == 0
    assert "agrees" in capsys.readouterr().out


def test_a_module_that_is_nearly_a_network(capsys):
    assert run(["verify", "resnet18", "--against", "torch:of_theirs:wider"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "layer fc has in it output 1,001" in out.replace("1001", "1,001")
    assert "1 difference" in out


def test_which_network_it_is(capsys, monkeypatch):
    few = [path for path in shipped_files() if path.stem in ("resnet", "vgg", "alexnet")]
    monkeypatch.setattr("convcost.network.shipped_files", lambda: few)
    assert run(["verify", "--against", "torch:of_theirs:wider", "--input", "3x224x224"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "resnet18@v1" in out.partition("torch:")[0]
    assert "1 difference" in out
    assert "next: resnet18@v1.5 (2), resnet18@cifar (" in out


@pytest.mark.parametrize(
    ("name", "knobs", "unlike", "most"),
    [
        ("googlenet@paper", {}, 0, 1),
        ("mobilenet_v2@torchvision", {}, 0, 1),
        ("efficientnet_b1@paper", {"classes": 10}, 2, 10),
    ],
)
def test_what_is_near_is_found_in_few_files(name, knobs, unlike, most):
    """Of the 90 and more that there are, by what their first networks have in common with it."""
    looked_at = []
    cost = convcost.load(name, **knobs).price()
    found = nearest(cost, 3, lambda specs: (looked_at.append(spec) or spec for spec in specs))
    assert unlike in [count for _, _, count in found[:1]]
    assert name in [network.name for network, _, count in found if count == unlike]
    assert len(looked_at) <= most


@pytest.mark.slow
def test_no_network_of_another_file_is_nearer():
    """Of one in each family, with other classes where it has some: the search over all finds the same."""
    every = [(network, weighed_layers(cost)) for network, cost in shipped(variants=True)]
    for path in shipped_files():
        network = next(every_variant(shipped_spec(path)))
        knobs = {"classes": 37} if "classes" in network.settings else {}
        cost = network.price(**knobs)
        ours = weighed_layers(cost)
        assert nearest(cost)[0][2] == min(unlikeness(ours, its) for _, its in every), network.name


def test_of_networks_as_near_the_one_that_differs_least(capsys):
    """A ResNet-18 of ten classes has as many layers in common with CIFAR's, whose maps are all of another size."""
    assert run(["verify", "--against", "torch:of_theirs:ten", "--input", "3x224x224"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "1 difference" in out
    assert "layer fc has in it output 10, not 1,000" in out.replace("1000", "1,000")


def test_what_does_not_go_together(capsys):
    for more in (["--all"], ["--module", "of_theirs:Net"]):
        assert run(["verify", "--against", "resnet18", *more]) == 2
        assert "--against is instead of" in capsys.readouterr().err
    assert run(["diff", "a.yaml", "missing.yaml"]) == 2
