"""Laws of the rules of counting: every one is a sum over kinds, whatever is counted, in three number systems."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases.operators import CASES, Case

import convcost
from convcost.cost.graph import evaluate
from convcost.counters.kinds import KINDS
from convcost.counters.line import SUMS, Line
from convcost.counters.releases import EVERY
from convcost.counters.rules import OWN, rule
from convcost.counters.tools import TOOLS
from convcost.errors import ConvcostError
from convcost.ops import REGISTRY, Params


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_rule_counts_every_operator(case: Case) -> None:
    """Whatever kinds of parameters an operator has, the rules of params know them: they follow `Params`."""
    found = evaluate(case.op, case.xs)
    line = Line(case.op.name, case.op, case.xs, found.shape, found.params, found.work, found.activations)
    assert line(as_="keras") == line(as_="total") == case.params.total
    assert line(as_="params") == case.params.trainable
    assert line(as_="macs") == case.work.macs
    for name in EVERY:
        assert sum(rule(name).terms(line).values()) == line(as_=name)


def test_params_are_weighed_by_each_of_their_kinds() -> None:
    """A kind that is added to `Params` is in the total; whether it is trained, `trainable` and `params` say alike."""
    for number, field in enumerate(Params._fields):
        counts = Params(*[int(i == number) for i in range(len(Params._fields))])
        line = Line("", None, (), (1,), counts, evaluate(REGISTRY["relu"](), ((1,),)).work, 0)
        assert OWN["total"].of(line) == counts.total == 1, field
        assert OWN["params"].of(line) == counts.trainable, field


@pytest.mark.parametrize("name", EVERY)
def test_a_rule_is_consistent(name: str) -> None:
    """Scopes and batches add up, and terms are the total."""
    network = convcost.load("googlenet@torchvision")
    cost, found = network.price(), rule(name)
    assert sum(line(as_=name) for line in cost.fold(1)) == cost.total(as_=name)
    assert sum(row(as_=name) for row in cost) == cost.total(as_=name)
    assert sum(found.terms(cost.total).values()) == cost.total(as_=name)
    batches = 1 if found.unit == "params" else 8
    assert network.price(batch=8).total(as_=name) == batches * cost.total(as_=name)


def test_every_kind_is_weighed_by_a_rule_and_every_operator_of_a_kind_exists() -> None:
    weighed = {kind for name in EVERY for kind in rule(name).weights}
    assert weighed <= {*KINDS, *SUMS}
    assert {*KINDS} - {*REGISTRY} <= weighed
    assert not {*KINDS} & {*SUMS}
    assert {operator for kind in KINDS.values() for operator in kind.operators} <= set(REGISTRY)


def test_what_is_not_counted_is_told() -> None:
    cost = convcost.load("resnet18").price()
    assert cost.not_counted("thop") == {"relu": 17, "maxpool": 1, "add": 8, "fc bias": 1}
    assert cost.not_counted() == {
        "bn": 20,
        "relu": 17,
        "maxpool": 1,
        "add": 8,
        "global_avgpool": 1,
        "fc bias": 1,
        "softmax": 1,
    }
    assert cost.not_counted("keras") == {}
    assert "rbf" in convcost.load("lenet5").price().not_counted("ptflops")


def test_rules_price_arrays_and_symbols() -> None:
    network = convcost.load("googlenet@torchvision")
    sizes = np.array([224, 256, 299])
    height = convcost.symbol("H")
    for name in EVERY:
        expected = [network.price((3, int(n), int(n))).total(as_=name) for n in sizes]
        assert np.array_equal(np.broadcast_to(network.price((3, sizes, sizes)).total(as_=name), 3), expected)
        formula = network.price((3, height, height)).total(as_=name)
        assert [formula if isinstance(formula, int) else formula(H=int(n)) for n in sizes] == expected


def test_a_wrong_tool_is_told() -> None:
    build = convcost.GraphBuilder("up", (4, 5, 5))
    build.add(REGISTRY["conv_transpose"](3, 2, 2), build.input)
    total = convcost.Cost(build.graph()).total
    assert list(TOOLS["thop"].gets_wrong(total)) == ["conv_transpose"]
    assert TOOLS["fvcore"].gets_wrong(total) == {}


def test_a_tool_that_counts_as_we_do_keeps_its_name() -> None:
    assert (rule("torch").name, rule("torch").weights) == ("torch", OWN["flops2"].weights)
    assert (rule("keras").unit, rule("keras").weights) == ("params", OWN["total"].weights)
    assert rule("torch").meaning == "2 macs, as torch 2.13 FlopCounterMode counts"


def test_an_unknown_rule() -> None:
    total = convcost.load("resnet18").price().total
    with pytest.raises(ConvcostError, match=r"^unknown rule of counting 'fvcor'; did you mean fvcore\?$"):
        total(as_="fvcor")
    with pytest.raises(ConvcostError, match=r"^unknown rule of counting ''; see convcost dialects$"):
        total(as_="")


@pytest.mark.parametrize("name", [None, 3, []])
def test_what_is_no_name_of_a_rule(name: Any) -> None:
    total = convcost.load("lenet5").price().total
    with pytest.raises(
        ConvcostError, match=r"^a rule is named by a text such as 'thop', got .*; see convcost dialects"
    ):
        total(as_=name)


def test_fvcore_counts_attention_that_is_written_as_products() -> None:
    """As timm's and mmpretrain's is; of scaled_dot_product_attention it counts nothing."""
    torch = pytest.importorskip("torch")
    fvcore = pytest.importorskip("fvcore.nn")

    class Attention(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.qkv = torch.nn.LayerNorm(16), torch.nn.Linear(16, 48)

        def forward(self, x: Any) -> Any:
            q, k, v = self.qkv(self.norm(x)).reshape(1, 10, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
            return (q @ k.transpose(-2, -1)).softmax(-1) @ v

    logging.getLogger("fvcore").setLevel(logging.ERROR)  # it warns of the softmax, which counts nothing
    counted = fvcore.FlopCountAnalysis(Attention(), torch.zeros(1, 10, 16)).total()
    assert counted == 10 * 16 * 48 + 2 * (2 * 10 * 10 * 8) + 5 * 10 * 16
    line = convcost.load("vit_b_16").price().total
    products, unseen = rule("fvcore-products").of(line), rule("fvcore").of(line)
    assert products - unseen == 12 * 2 * 197 * 197 * 768
    assert round(products / 1e9, 2) == 17.58


def test_releases_that_see_modules_count_nothing_of_products() -> None:
    """ptflops 0.6.3, thop 0.0.31, torchstat 0.0.7 and mmcv 1.7.2, run on attention and matmul, counted 0 of them."""
    line = convcost.load("swin_t").price().total
    linear_and_conv = line.macs - sum(
        row.macs for row in line.rows if row.operator in ("attention", "masked_attention")
    )
    for name in ("ptflops-0.6", "thop-0.0.31", "torchstat", "mmcv"):
        without = rule(name).of(line) - sum(n for kind, n in rule(name).terms(line).items() if kind != "macs" and n > 0)
        assert without == linear_and_conv


@pytest.mark.parametrize(("call", "counted"), [("attention(x, x)", 27_648), ("matmul(x)", 13_824)])
def test_ultralytics_thop_counts_products(call: str, counted: int, tmp_path: Path) -> None:
    """What 2.2.3, run on them, counts of attention and of a product of 8 maps of 12 x 12 with themselves."""
    path = tmp_path / "net.yaml"
    path.write_text(f"name: net\ninput: 8x12x12\nlayers:\n  - x: relu\n  - x >> {call}\n", encoding="utf-8")
    line = convcost.load(str(path)).price().total
    assert rule("ultralytics-thop").of(line) == counted
    for unseen in ("thop-0.0.31", "torchsummaryX"):  # run as well
        assert rule(unseen).of(line) == 0


@pytest.mark.parametrize(
    ("network", "name", "printed"),
    [
        ("resnet50@v1", "imgclsmob", "3877.95"),
        ("densenet121", "imgclsmob", "2872.13"),
        ("efficientnet_b7", "imgclsmob", "39010.98"),
        ("regnetx_800mf", "imgclsmob-gluon", "809.47"),
        ("regnetx_8.0gf", "imgclsmob-gluon", "8017.90"),
    ],
)
def test_halves_as_imgclsmob_prints_them(network: str, name: str, printed: str) -> None:
    """FLOPs/2 in millions, of osmr/imgclsmob's keras_/README.md and gluon/README.md."""
    assert f"{rule(name).of(convcost.load(network).price().total) / 2e6:.2f}" == printed


@pytest.mark.parametrize(
    ("name", "printed"),
    [("yolov5n", 4.5), ("yolov5s", 16.5), ("yolov5m", 49.0), ("yolov5l", 109.1), ("yolov5x", 205.7)],
)
def test_yolov5_counts_its_fused_model_as_thop_did(name: str, printed: float) -> None:
    """README.md of its release 6.0 prints so; of the folded graph it is twice thop-0.0.31."""
    network = convcost.load(name)
    counted = network.price().total(as_="yolov5")
    assert counted == 2 * network.folded().price().total(as_="thop-0.0.31")
    assert round(counted / 10**9, 1) == printed
