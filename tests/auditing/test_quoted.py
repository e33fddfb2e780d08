"""Numbers that a comparison quotes from other papers, which no count of ours prints."""

from fractions import Fraction

import convcost
from convcost.auditing.prices import bits
from convcost.published.quoted import quoted

COMPARISON = """| Model | Params | FLOPs |
|---|---|---|
| ResNet-50 | 25.6M | 4.1G |
| DenseNet-121 | 8.0M | 2.8G |
| ShuffleNetV2 1.0x | 2.3M | 146M |
| ResNeXt-50 32x4d | 25.0M | 4.2G |
| EfficientNet-B4 | 19M | 4.2B |
| EfficientNet-B5 | 30M | 9.9B |
| RegNetX-4.0GF | 22.1M | 4.0G |
"""


def verdicts(text, tmp_path):
    (tmp_path / "table.md").write_text(text, encoding="utf-8")
    return {(one.claim.row, one.claim.column): one for one in convcost.audit(tmp_path / "table.md").findings}


def test_what_papers_print_is_known_by_network_and_quantity():
    """Tan and Le's Table 2 and Sandler et al.'s Table 4, whatever the variant; no other input is that network."""
    assert Fraction(4_200_000_000) in [one.value for one in quoted("efficientnet_b4@timm", "ops")]
    assert Fraction(300_000_000) in [one.value for one in quoted("mobilenet_v2", "ops")]
    assert not quoted("mobilenet_v2 input=3x97x97", "ops")
    assert not quoted("mobilenet_v2", "activations")


def test_a_comparison_quotes_a_papers_own_number(tmp_path):
    """4.2B and 9.9B are Table 2's, where there are 4.39 and 10.27 G; it is said whose they are, and what is counted."""
    found = verdicts(COMPARISON, tmp_path)
    for name, count in (("EfficientNet-B4", 4_393_771_024), ("EfficientNet-B5", 10_266_384_752)):
        one = found[name, "FLOPs"]
        assert (one.verdict, one.network, one.computed) == ("holds as", "quoted", count)
        assert "printed so in Tan & Le" in one.evidence
        assert f"{count:,}" in one.evidence
    assert {one.verdict for key, one in found.items() if "Efficient" not in key[0]} == {"holds"}


def test_an_error_in_such_a_row_is_no_quotation(tmp_path):
    found = verdicts(COMPARISON.replace("4.2B", "4.9B").replace("9.9B", "99B"), tmp_path)
    for name in ("EfficientNet-B4", "EfficientNet-B5"):
        assert found[name, "FLOPs"].verdict not in ("holds", "holds as")


def test_a_comparison_of_searched_networks_quotes_their_papers(tmp_path):
    """FBNet's Table 3, which prints DARTS' first version as well: 385 and 530 million are counted."""
    rows = [
        "MobileNetV2 | 3.5M | 301M",
        "ShuffleNetV2 1.0x | 2.3M | 146M",
        "MnasNet-A1 | 3.9M | 312M",
        "GhostNet | 5.2M | 141M",
    ]
    rows += ["FBNet-C | 5.5M | 375M", "DARTS | 4.9M | 595M"]
    text = "| Model | Params | FLOPs |\n|---|---|---|\n" + "".join(f"| {row} |\n" for row in rows)
    found = verdicts(text, tmp_path)
    for key in (("FBNet-C", "FLOPs"), ("DARTS", "Params"), ("DARTS", "FLOPs")):
        assert (found[key].verdict, found[key].network) == ("holds as", "quoted"), key
        assert "printed so in Wu et al., FBNet" in found[key].evidence


def test_of_several_sources_the_oldest_stands_first():
    """569M of MobileNet is in its own paper of 2017, and in others since."""
    sources = [one.source for one in quoted("mobilenet_v1", "ops") if one.value == 569_000_000]
    assert len(sources) > 1
    assert sources[0].startswith("Howard et al., MobileNets")


def test_a_family_quotes_nobody(tmp_path):
    """Its own table, typed again: what does not come out is not excused by itself."""
    rows = [("B0", "5.3M", "0.39B"), ("B3", "12M", "1.8B"), ("B4", "19M", "4.2B"), ("B5", "30M", "9.9B")]
    text = "| Model | Params | FLOPs |\n|---|---|---|\n" + "".join(
        f"| EfficientNet-{name} | {params} | {ops} |\n" for name, params, ops in rows
    )
    assert "quoted" not in {one.network for one in verdicts(text, tmp_path).values()}


def test_a_copy_of_a_comparison_is_no_quotation_of_it(tmp_path):
    """MobileNets' Table 8: most of its cells are in it, and GoogleNet's 1550 is no count for that."""
    text = "| Model | Million Mult-Adds | Million Parameters |\n|---|---|---|\n" + "".join(
        f"| {row} |\n" for row in ("1.0 MobileNet-224 | 569 | 4.2", "GoogleNet | 1550 | 6.8", "VGG 16 | 15300 | 138")
    )
    assert "quoted" not in {one.network for one in verdicts(text, tmp_path).values()}


def test_a_quotation_is_dearer_than_a_count():
    assert bits("of several sources", "quoted") > bits("of several sources", "printed")
