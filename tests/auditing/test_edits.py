"""Structural edits of networks: each fits its graph, costs what a spec would, and adds up with what is apart."""

from __future__ import annotations

import pytest

import convcost
from convcost.auditing.edits import Edit, apart, edited, edits_of, with_edit
from convcost.auditing.hypotheses import one_class_more
from convcost.auditing.reconcile import claimed, reconcile
from convcost.cost.cost import Cost
from convcost.network import every_variant, load
from convcost.spec.catalog import shipped, shipped_files


def found(name):
    return {one.said: one.cost.total for one in edited(load(name).price())}


def test_a_block_less_and_more_are_those_of_the_knob():
    """ResNet-50 has 3, 4, 6, 3 blocks."""
    edits = found("resnet50@v1")
    for said, units in (("less", (3, 4, 5, 3)), ("more", (3, 4, 7, 3))):
        total = load("resnet50@v1").price(units=units).total
        assert edits[f"conv4_x with a block {said}"].counts == total.counts
        assert edits[f"conv4_x with a block {said}"].work == total.work


def test_a_first_block_that_expands_has_one_layer_more():
    """32 x 32 weights at 112 x 112, with 2 x 32 of batch normalisation: 300,774,272 + 12,845,056."""
    total = found("mobilenet_v2")["bottleneck1 has a layer that expands, too"]
    assert (total.macs, total.params) == (313_619_328, 3_504_872 + 32 * 32 + 2 * 32)


def test_a_stride_that_stands_later():
    """Stage 4 of MobileNet v2 at 28 x 28, stage 5 at 14 x 14: 300,774,272 + 115,492,608, by hand in the issue."""
    assert found("mobilenet_v2")["the stride of bottleneck4 in bottleneck5"].macs == 416_266_880


@pytest.mark.parametrize("name", ["mobilenet_v2", "se_resnet50"])
def test_edits_that_touch_nothing_in_common_add_up(name):
    cost = load(name).price()
    every = edited(cost)
    edits = {edit.said: edit for edit in edits_of(cost)}
    pairs = list(apart(every))
    for first, second in pairs[:: max(1, len(pairs) // 12)]:
        one, other = edits[every[first].said], edits[every[second].said]
        if one.again and other.again:
            continue  # both chains are of one edit here, which repeats one block
        both = Edit("both", {**one.chains, **other.chains}, one.again or other.again)
        total = Cost(with_edit(cost.graph, both), cost.input).total
        for of in ("params", "macs", "activations"):
            sums = [getattr(each.cost.total, of) for each in (every[first], every[second])]
            assert getattr(total, of) == sum(sums) - getattr(cost.total, of)


def test_two_changes_of_mobilenet_v2_are_found():
    """429,111,936 multiply-adds and 3,505,960 params: the first block expands, and a stride stands a stage later."""
    two = "mobilenet_v2@paper, edited: the stride of bottleneck4 in bottleneck5; "
    two += "bottleneck1 has a layer that expands, too"
    claims = dict(claimed(text) for text in ("3,505,960 params", "429,111,936 macs"))
    sure = reconcile(claims, load("mobilenet_v2"))
    assert sure.explained
    assert sure.matches[0].networks == (two,)
    open_ = reconcile(dict(claimed(text) for text in ("3.5M params", "429M macs")), load("mobilenet_v2"))
    assert not open_.explained
    assert two in [network for match in open_.matches[:4] for network in match.networks]


def test_a_made_up_number_is_not_explained_by_edits():
    assert not reconcile(dict([claimed("5.43 GMACs")]), load("resnet50")).explained
    assert not reconcile(dict([claimed("331.7M macs"), claimed("3.91M params")]), load("mobilenet_v2")).explained


def one_more(network):
    cost, classes = network.price(), network.settings.get("classes")
    if isinstance(classes, int) and (found := one_class_more(cost, classes)) is not None:
        assert found.rows == network.set(classes=classes + 1).price().rows
        return True
    return False


@pytest.mark.parametrize("name", ["squeezenet", "googlenet@paper", "resnet18@v1"])
def test_a_class_more_is_an_edit_of_the_graph(name):
    assert one_more(convcost.load(name))


@pytest.mark.slow
def test_a_class_more_is_an_edit_of_every_graph():
    every = [network for path in shipped_files() for network in every_variant(shipped(path))]
    assert sum(map(one_more, every)) > len(every) // 2


def test_a_network_of_learned_tensors_is_edited():
    """They take nothing, so no layer before them is squeezed or widened."""
    total = found("deit_tiny")["blocks with a block less"]
    assert total.params == 5_717_416 - (4 * 192 * 193 + 2 * 4 * 192 * 192 + 5 * 192 + 4 * 192)
