"""Rows whose name leaves open which network of a family they are about."""

from rawtables import read

import convcost
from convcost.published.usertable import Said, read_claims

TABLE = """Model,Params (M),FLOPs (G)
ResNet-18,11.69,1.81
ResNet-50,25.56,4.09
VGG-16,138.36,15.47
{}
"""


def audited(tmp_path, *rows):
    """The verdicts on the rows that are added to three whose counts are plain, by their text."""
    claims = read_claims(read(tmp_path, ".csv", TABLE.format("\n".join(rows))), Said())
    found = convcost.auditing.audit.audit_claims(claims)
    assert all(one.verdict == "holds" for one in found.findings if not one.claim.among)
    return {(one.claim.row, one.claim.text): one for one in found.findings if one.claim.among}


def test_the_one_that_prints_the_whole_row_is_taken(tmp_path):
    """44,177,704 params and 7,969,996,800 multiply-adds; of 64x4d 83.5 M, of 32x8d 88.8 M params."""
    found = audited(tmp_path, "ResNeXt-101,44.18,7.97", "NASNet-A,5.29,0.56", "Wide ResNet-50,68.88,")
    assert [one.verdict for one in found.values()] == ["holds as"] * 5
    assert found["ResNeXt-101", "44.18"].network == "resnext101_32x4d@paper"
    assert found["NASNet-A", "0.56"].network == "nasnet_mobile@paper"
    assert "no other one prints its row" in found["NASNet-A", "0.56"].evidence


def test_what_none_prints_is_never_blamed(tmp_path):
    """AmoebaNet-C is none of ours; 5.5 M params are no NASNet-A's, of those that are known."""
    found = audited(tmp_path, "AmoebaNet-A,6.4,0.57", "NASNet-A,5.5,0.65", "NASNet-A,5.29,0.65")
    assert {one.verdict for one in found.values()} == {"open"}
    known = "amoebanet_a_50, amoebanet_a_190 or amoebanet_a_448"
    assert found["AmoebaNet-A", "6.4"].evidence.endswith(f"{known}; none of these prints it")
    assert found["NASNet-A", "5.29"].evidence.endswith("of these nasnet_mobile@paper prints it")


def test_of_a_row_that_stays_open_the_nearest_is_shown(tmp_path):
    """PNASNet-5 for phones has 587,293,200 multiply-adds, and the large one, which stands first, 42 times as many."""
    found = audited(tmp_path, "PNASNet-5,5.1,0.57")
    assert {one.verdict for one in found.values()} == {"open"}
    assert found["PNASNet-5", "0.57"].computed == convcost.load("pnasnet_5_mobile").price().total.macs


def test_too_few_digits_choose_nothing(tmp_path):
    found = audited(tmp_path, "ShuffleNet V2,2M,", "RegNetX,,4")
    assert {one.verdict for one in found.values()} == {"open"}


def test_a_detector_on_a_backbone_is_the_shipped_one_at_most(tmp_path):
    """With a pyramid or on its fourth stage: the name does not say."""
    found = audited(tmp_path, "Faster R-CNN R-50,41.5,207", "ResNet-50 0.5x,6.9,1.1")
    assert found["Faster R-CNN R-50", "207"].verdict == "open"
    assert found["Faster R-CNN R-50", "207"].evidence == (
        "its name may mean faster_rcnn_resnet50_fpn@paper, which does not print it"
    )


def test_a_table_of_families_alone_is_read_plainly(tmp_path):
    claims = read_claims(
        read(tmp_path, ".csv", "Model,Params (M),FLOPs (M)\nNASNet-A,5.3,564\nAmoebaNet-A,6.4,570\n"), Said()
    )
    found = convcost.auditing.audit.audit_claims(claims).findings
    assert [one.verdict for one in found] == ["holds as", "holds as", "open", "open"]


def test_inputs_of_families_that_are_not_square(tmp_path):
    """Super-resolution at 1280x720, CARN's Table 1; MMDetection at 1280x800; views of 256."""
    text = (
        "Scale,Model,Params,Multi-Adds\nx2,EDSR-baseline,1370K,316.2G\nx4,EDSR-baseline,1518K,114.2G\n"
        "x4,RCAN,15.59M,916.9G\nx2,SRCNN,57K,52.7G\n"
    )
    claims = read_claims(read(tmp_path, ".csv", text), Said())
    found = convcost.auditing.audit.audit_claims(claims).findings
    ops = {one.claim.text: (one.verdict, one.network) for one in found if one.claim.quantity == "ops"}
    assert ops == {
        "316.2G": ("holds as", "edsr_baseline factor=2 input=3x360x640"),
        "114.2G": ("holds", ""),  # at 180x320, as two rows of the table are
        "916.9G": ("holds", ""),
        "52.7G": ("holds as", "srcnn_9_5_5@same input=1x720x1280"),
    }
    videos = "model,GFLOPs×views,Params\nX3D-M,6.18×30,3.79M\nSlowFast 4×16 R50,36.10×30,34.48M\n"
    found = convcost.auditing.audit.audit_claims(read_claims(read(tmp_path, ".csv", videos), Said())).findings
    assert [one.verdict for one in found if one.claim.quantity == "ops"] == ["holds as"] * 2
    assert convcost.reconcile("RetinaNet-R50 takes 239 GFLOPs at 1280x800").explained
