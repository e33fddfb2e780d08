"""Peak memory as a claim, by the rules of `convcost.cost.memory_rules`: MCUNet's and MCUNetV2's printed numbers."""

from __future__ import annotations

import numpy as np
import pytest

import convcost
from convcost.cost.memory_rules import RULES
from convcost.errors import ConvcostError
from convcost.published.counting import counts, counts_of, exact
from convcost.published.headings import quantity_of
from convcost.published.memories import MEASURES, memories_of
from convcost.published.readings import PARTS, Reading
from convcost.published.sentences import read_sentence


def test_mcunets_resnet50():
    """Lin et al., MCUNet, Table 1: 7.2 MB. 32-bit maps of 56 x 56 x 64 and 256, 4,014,080 bytes, beside a residual's
    56 x 56 x 256: 7,225,344 in all.
    """
    found = convcost.reconcile(network="resnet50", peak_memory="7.225MB", params="25.6M")
    first = found.matches[0]
    assert [meant.exact for meant in first.meant] == [25_557_032, 7_225_344]
    assert found.explained
    assert first.assumed[1:][-1].startswith("residual memory in 4 bytes")


def test_mcunetv2s_mobilenet_v2():
    """Lin et al., MCUNetV2, Figure 1: 1,372 kB are (16 + 96) x 112 x 112 bytes in units of 1,024."""
    found = convcost.reconcile("MobileNetV2 needs 1,372 kB of SRAM and 300M MACs")
    assert [meant.exact for meant in found.matches[0].meant] == [112 * 112 * (16 + 96), 300_774_272]
    assert "depthwise memory in 1 byte" in found.matches[0].assumed
    assert found.explained


def test_a_column_of_sram_is_audited(tmp_path):
    """Four networks' residual memory in 8 bits; the number of the fifth is 7 % too large."""
    rows = {}
    for name in ("ResNet-50", "ResNet-18", "ResNet-34", "MobileNetV2", "VGG-16"):
        cost = convcost.load(name).price()
        rows[name] = (f"{cost.total.params / 1e6:.2f}", f"{RULES['residual'].of(cost, 1) / 1000:.1f}")
    rows["VGG-16"] = (rows["VGG-16"][0], f"{float(rows['VGG-16'][1]) * 1.07:.1f}")
    lines = "".join(f"| {name} | {params} | {memory} |\n" for name, (params, memory) in rows.items())
    path = tmp_path / "table.md"
    path.write_text(f"| Model | Params (M) | Peak memory (kB) |\n|---|---|---|\n{lines}")
    audited = convcost.audit(path)
    assert audited.readings["memory"].measure == "residual memory in 1 byte"
    verdicts = {one.claim.row: one.verdict for one in audited.findings if one.claim.quantity == "memory"}
    assert verdicts.pop("VGG-16") not in ("holds", "holds as")
    assert set(verdicts.values()) == {"holds"}


@pytest.mark.parametrize("title", ["Peak memory (MB)", "SRAM (kB)", "Peak Mem (KB)", "Arena (kB)", "Peak SRAM (KB)"])
def test_titles_of_memory_at_work(title):
    assert quantity_of(title).kind == "memory"


@pytest.mark.parametrize("title", ["Memory (GB)", "GPU memory (GB)", "Mem. (MB)", "Peak FLOPs (G)", "Peak accuracy"])
def test_titles_of_other_things(title):
    """What training took of a GPU is none of ours, and "memory" may be that, or a file's."""
    found = quantity_of(title)
    assert found is None or found.kind != "memory"


def test_every_rule_and_every_size_of_an_element():
    cost = convcost.load("resnet18").price()
    assert list(counts("memory")) == list(MEASURES)
    found = dict(zip(MEASURES, memories_of(cost, list(MEASURES)), strict=True))
    for measure, (rule, size) in MEASURES.items():
        assert found[measure] == exact(cost, "total", Reading("memory", measure))
        assert found[measure] == RULES[rule].of(cost, size)


def test_arrays_of_sizes_are_as_each_alone_and_an_arena_has_none():
    network = convcost.load("mobilenet_v2")
    sides = np.array([96, 160, 224])
    together = counts_of(network.price((3, sides, sides)), "total", "memory", list(MEASURES), PARTS)
    assert together.shape == (len(MEASURES) * len(PARTS), 3)
    for at, side in enumerate(sides.tolist()):
        alone = counts_of(network.price((3, side, side)), "total", "memory", list(MEASURES), PARTS)
        for measure, one, many in zip(MEASURES, alone[:: len(PARTS)], together[:: len(PARTS), at], strict=True):
            assert many == (-1 if measure.startswith("arena") else one)
        assert (alone.reshape(len(MEASURES), -1)[:, 1:] == -1).all()  # a part has no memory of its own


def test_a_sentence_tells_what_of_it_is_not_read():
    assert read_sentence("AlexNet has 60 million parameters and 650,000 neurons").unread == ("650,000 neurons",)
    assert read_sentence("ResNet-50 (2015) has 25.6M parameters at 224x224").unread == ()
    assert convcost.reconcile("ResNet-50 has 25.6M params and 76.1% top-1").unread == ("76.1% top-1",)


def test_bytes_are_stored_unless_they_are_at_work():
    assert not read_sentence("VGG-16 needs 528 MB").memory
    assert read_sentence("VGG-16 needs 528 MB of RAM").memory
    with pytest.raises(ConvcostError, match="no count of memory"):
        convcost.reconcile(network="vgg16", peak_memory="3 GFLOPs")
