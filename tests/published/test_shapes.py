"""Shipped tables as a user's own files, in Markdown, LaTeX and PDF; and the other shapes that tables have."""

from __future__ import annotations

import re
from functools import cache

import pytest
from pdfs import LEFT, Paper
from rawtables import read

import convcost
from convcost.errors import ConvcostError
from convcost.published.claims import of_checked
from convcost.published.tables import load_table
from convcost.published.usertable import NoCountsError, Said, read_claims
from convcost.tablefiles.reading import read_found, tables_in

RESNETS = {f"{depth}-layer": f"resnet{depth}@v1" for depth in (50, 101, 152)}
RESNETS |= {f"{depth}-layer": f"resnet{depth}@v1 shortcut=A" for depth in (18, 34)}
VGGS = {"A": "vgg11@paper", "A-LRN": "vgg11_lrn@paper", "B": "vgg13@paper", "C": "vgg16_c@paper"}
SAID = {
    "googlenet": {},  # found by its rows
    "inception_v2": {"network": "inception_v2"},  # which counts nothing
    "resnet": {"names": RESNETS},
    "vgg": {"names": {**VGGS, "D": "vgg16@paper", "E": "vgg19@paper"}},
    "mobilenet_v1_resolution": {},
}
_POWER = re.compile("10⁹")


def rows_of(name):
    table = load_table(name)
    return [[column.title for column in table.columns], *(list(row.cells) for row in table.rows)]


def markdown():
    for name in SAID:
        titles, *rows = rows_of(name)
        lines = [titles, ["--"] * len(titles), *rows]
        yield "\n".join(f"| {' | '.join(line)} |" for line in lines)


def latex():
    for name in SAID:
        titles, *rows = (
            " & ".join(
                _POWER.sub("$10^9$", re.sub(r"([#%_])", r"\\\1", cell)).replace("×", r"$\times$") for cell in row
            )
            for row in rows_of(name)
        )
        columns = "l" * len(rows_of(name)[0])
        body = "\n".join(rf"{row} \\" for row in rows)
        yield rf"\begin{{tabular}}{{{columns}}} \toprule {titles} \\ \midrule {body} \bottomrule \end{{tabular}}"


def pdf():
    """On two columns of words; a power of ten has a raised exponent."""
    paper = Paper()
    for name in SAID:
        rows = rows_of(name)
        cells = [
            [["3.8".join(cell.split("3.8"))[:-1], "9"] if _POWER.search(cell) else cell for cell in row] for row in rows
        ]
        longest = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        widths = [186 * (count + 2) / sum(one + 2 for one in longest) for count in longest]
        paper.words(LEFT, f"Table 1: {name}.")
        paper.table(LEFT, cells, widths=widths, size=4.5)
        paper.page()
    return paper.bytes()


@pytest.fixture(scope="module", params=[".md", ".tex", ".pdf"])
def file(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / f"own{request.param}"
    made = {".md": markdown, ".tex": latex, ".pdf": pdf}[request.param]()
    path.write_bytes(made if isinstance(made, bytes) else "\n\n".join(made).encode())
    return path, tables_in(path)


def claimed(claims):
    """What verdicts are given on: the network, its part, the count that is printed, or the size and whether it fits."""
    return {
        (
            one.lead,
            re.sub(r"mobilenet_v1(?!@)", "mobilenet_v1@paper", one.reference),
            one.quantity,
            one.printed.value() if one.printed else (one.size, one.fits),
        )
        for one in claims
    }


@cache
def ours(name):
    return of_checked(load_table(name).check()).claims


@pytest.mark.parametrize("name", SAID)
def test_a_shipped_table_claims_the_same_as_a_users_own_file(file, name):
    path, found = file
    own = read_claims(read_found(str(path), found[list(SAID).index(name)]), Said(**SAID[name]))
    # The sizes of ResNet's stages are of one network, in a column of all.
    expected = [one for one in ours(name) if one.printed or name != "resnet"]
    assert claimed(own.claims) == claimed(expected)
    assert not own.unread


def test_and_gets_the_same_verdicts(file):
    own, ours = convcost.audit(file[0], table=list(SAID).index("vgg") + 1, **SAID["vgg"]), convcost.audit("vgg")
    assert [(one.verdict, one.claim.text) for one in own.findings] == [
        (one.verdict, one.claim.text) for one in ours.findings
    ]


# -- other shapes ------------------------------------------------------------------------------------------------------


def claims_of(tmp_path, text, **said):
    return read_claims(read(tmp_path, ".csv", text), Said(**said))


def about(claims):
    return {(one.row, one.column): one.reference for one in claims.claims}


def test_a_width_in_its_own_column_is_part_of_the_name(tmp_path):
    text = "Model,Width,Params (M)\nMobileNetV2,1.0,3.5\nMobileNetV2,0.5,2.0\nResNet-50,0.5,6.9\nVGG-16,-,138\n"
    found = claims_of(tmp_path, text)
    assert about(found) == {
        ("MobileNetV2 1.0", "Params (M)"): "mobilenet_v2@paper",
        ("MobileNetV2 0.5", "Params (M)"): "mobilenet_v2_0.5@paper",
        ("ResNet-50 0.5", "Params (M)"): "resnet50@v1 width=32",
        ("VGG-16", "Params (M)"): "vgg16@paper",
    }
    assert [one.among for one in found.claims if one.row == "ResNet-50 0.5"] == [("resnet50@v1 width=32",)]  # perhaps


def test_a_detector_and_its_backbone_in_two_columns(tmp_path):
    """The row is about the detector, whatever stands first, and never about its backbone."""
    text = (
        "Backbone,Method,#params,FLOPs,AP\nR-50-FPN,Faster R-CNN,41.5M,207G,37\nSwin-T,Mask R-CNN,48M,267G,46\n"
        "VGG16,SSD300,35.6M,34.9G,25\n-,YOLOv3,61.9M,66G,33\n"
    )
    found = claims_of(tmp_path, text)
    assert {row: reference for (row, _), reference in about(found).items()} == {
        "Faster R-CNN R-50-FPN": "faster_rcnn_resnet50_fpn@paper",
        "SSD300 VGG16": "ssd300@paper",
        "YOLOv3": "yolov3@paper",
    }
    assert [one.row for one in found.unread] == ["Mask R-CNN Swin-T"]
    alone = claims_of(tmp_path, "Backbone,#params,FLOPs,mAP\nResNet-50,41.5M,207G,37\n")
    assert [one.why for one in alone.unread] == [
        "'Backbone' is what the network that has 'mAP' is built on, and not all of it"
    ]
    classified = claims_of(tmp_path, "Backbone,#params,Top-1 err.\nResNet-50,25.6M,24\n")
    assert about(classified) == {("ResNet-50", "#params"): "resnet50@v1"}
    methods = claims_of(
        tmp_path, "Method,Backbone,#params\nResNet,ResNet-50,25.6M\nCBAM,ResNet-50,28M\nSFP,ResNet-50,9M\n"
    )
    assert [one.reference for one in methods.claims] == ["resnet50@v1", "cbam_resnet50"]
    extracted = claims_of(tmp_path, "Model,Extractor,#params,mIoU\nPSPNet,ResNet(D)-101b,65.7M,81\nENet,-,0.36M,58\n")
    assert [one.row for one in extracted.unread] == ["PSPNet ResNet(D)-101b"]


def test_a_size_and_a_rate_in_columns_of_their_own(tmp_path):
    text = (
        "architecture,size,frame length x sample rate,Params (M)\nSlowFast,R50,4 x 16,34.48\nSlowFast,R50,8 x 8,34.57\n"
        "X3D,S,13 x 6,3.79\nSlow,R50,8 x 8,32.45\n"
    )
    found = claims_of(tmp_path, text)
    assert [one.reference for one in found.claims] == ["slowfast_resnet50_4x16", "slowfast_resnet50_8x8", "x3d_s"]
    assert [one.row for one in found.unread] == ["Slow R50"]


def test_a_scale_says_more_of_a_name_that_is_one(tmp_path):
    found = claims_of(tmp_path, "Scale,Model,Params\nx2,EDSR-baseline,1370K\nx4,EDSR-baseline,1518K\n,VGG-16,138M\n")
    assert [one.reference for one in found.claims] == [
        "edsr_baseline factor=2",
        "edsr_baseline",
        "vgg16@paper",
    ]


def test_links_are_no_part_of_names(tmp_path):
    rows = "| ResNet-50 | 25.6 | [config](r50.py) |\n| VGG-16 | 138 | [c](v.py) |\n"
    text = f"| Model | Params (M) | Config |\n|--|--|--|\n{rows}"
    assert list(about(read_claims(read(tmp_path, ".md", text))).values()) == ["resnet50@v1", "vgg16@paper"]


def test_a_configuration_that_names_networks_is_part_of_their_names(tmp_path):
    found = claims_of(tmp_path, "Model,Config,Params (M)\nVGG,A,133\nVGG,D,138\n")
    assert list(about(found).values()) == ["vgg11@paper", "vgg16@paper"]


def test_a_row_without_a_name_is_called_as_the_one_above_if_it_says_something_of_its_own(tmp_path):
    found = claims_of(tmp_path, "Model,Depth,Params (M)\nResNet,18,11.7\n,50,25.6\n,,4\n")
    assert list(about(found).values()) == ["resnet18@v1", "resnet50@v1"]
    assert [one.row for one in found.unread] == [""]


def test_a_depth_or_a_variant_in_its_own_column(tmp_path):
    text = "Model,Depth,Top-1,Params (M)\nResNet,18,70,11.7\nResNet,50,76,25.6\nXception,126,79,22.9\n"
    assert list(about(claims_of(tmp_path, text)).values()) == ["resnet18@v1", "resnet50@v1", "xception@paper"]


def test_a_variant_or_groups_in_their_own_column_are_never_left_out(tmp_path):
    found = claims_of(tmp_path, "Model,Variant,Params (M)\nResNet-50,E,25.6\nResNet-50,v1.5,25.6\nResNet-50,,25.6\n")
    assert [one.reference for one in found.claims] == ["resnet50@v1.5", "resnet50@v1"]
    assert [one.row for one in found.unread] == ["ResNet-50 E"]
    grouped = claims_of(tmp_path, "Model,Groups,MACs (M)\nShuffleNet 1x,3,137\nShuffleNet 1x,8,140\n")
    assert [one.reference for one in grouped.claims] == ["shufflenet_v1_g3@paper", "shufflenet_v1_g8@paper"]


def test_a_heading_between_rows_is_part_of_their_names(tmp_path):
    html = (
        "<table><tr><th>Model<th>Params (M)<tr><td colspan=2>ResNet<tr><td>18<td>11.7<tr><td>50<td>25.6"
        "<tr><td colspan=2>ResNet-50<tr><td>ours<td>25.6</table>"
    )
    found = read_claims(read(tmp_path, ".html", html))
    assert list(about(found).values()) == ["resnet18@v1", "resnet50@v1"]
    assert [(one.row, one.why) for one in found.unread] == [("ours", "no network of that name is known")]


def test_inputs_in_titles_tell_columns_apart(tmp_path):
    text = "Model,MACs @224 (M),MACs @192 (M)\nMobileNetV2,301,221\n"
    assert list(about(claims_of(tmp_path, text)).values()) == [
        "mobilenet_v2@paper",
        "mobilenet_v2@paper input=3x192x192",
    ]
    html = (
        "<table><thead><tr><th rowspan=2>Model<th colspan=2>224x224<th colspan=2>320x320"
        "<tr><th>FLOPs (G)<th>Top-1<th>FLOPs (G)<th>Top-1<tbody><tr><td>ResNet-50<td>4.1<td>76<td>8.4<td>77</table>"
    )
    found = read_claims(read(tmp_path, ".html", html))
    assert list(about(found).values()) == ["resnet50@v1", "resnet50@v1 input=3x320x320"]
    with pytest.raises(ConvcostError, match="all print ops"):
        claims_of(tmp_path, "Model,FLOPs (a),FLOPs (b)\nResNet-50,4.1G,4.1G\n")


def test_a_label_over_two_columns_names_no_network(tmp_path):
    """As in ResNet's Table 1, whose rows are layers and their outputs, but for the last."""
    text = (
        "<table><tr><th>layer<th>output<th>ResNet-18<th>ResNet-50<tr><td>conv1<td>112<td>7x7<td>7x7"
        "<tr><td colspan=2>FLOPs<td>1.8G<td>4.1G</table>"
    )
    claims = read_claims(read(tmp_path, ".html", text))
    assert {one.row for one in claims.claims} == {"ResNet-18", "ResNet-50"}


def test_networks_in_columns(tmp_path):
    text = ",ResNet-18,ResNet-50,ours\nTop-1,70,76,80\nParams (M),11.7,25.6,9\nFLOPs,1.8G,4.1G,1G\n"
    found = claims_of(tmp_path, text)
    assert about(found) == {
        (row, column): f"{row.casefold().replace('-', '')}@v1"
        for row in ("ResNet-18", "ResNet-50")
        for column in ("Params (M)", "FLOPs")
    }
    assert [one.row for one in found.unread] == ["ours"]


def test_rows_that_are_inputs_of_the_network_that_is_said(tmp_path):
    found = read_claims(
        read(tmp_path, ".csv", "input size,flops\n112 x 112,1.0G\n224 x 224,3.9G\n"), Said(network="resnet50")
    )
    assert [one.reference for one in found.claims] == ["resnet50@v1 input=3x112x112", "resnet50@v1"]


LAYERS = (
    "Layer,Output size,Params,MACs\nconv1,112x112,9408,118M\nConv3_x,28x28,,\nfc,1x1x1000,2.05M,2.05M\n"
    "{}total,,25.6M,4.1G\n"
)


def test_rows_that_are_layers_of_the_network_that_is_said(tmp_path):
    found = claims_of(tmp_path, LAYERS.format("shortcut,,1M,1M\n"), network="ResNet-50")
    assert {(one.row, one.lead, one.quantity) for one in found.claims} == {
        *(("conv1", "conv1", what) for what in ("shape", "params", "ops")),
        ("Conv3_x", "conv3_x", "shape"),
        *(("fc", "fc", what) for what in ("shape", "params", "ops")),
        *(("total", "total", what) for what in ("params", "ops")),
    }
    assert all(one.fits for one in found.claims)
    assert [one.row for one in found.unread] == ["shortcut"]
    named = claims_of(
        tmp_path, LAYERS.format("shortcut,,1M,1M\n"), network="ResNet-50", names={"shortcut": "conv2_x/1/shortcut"}
    )
    assert "conv2_x/1/shortcut" in {one.lead for one in named.claims}


def test_rows_called_as_layers_of_several_networks_are_asked_back(tmp_path):
    alexnets = claims_of(tmp_path, "Layer,Params\nconv1,9408\nconv2,1M\nconv3,1M\nconv4,1M\nfc6,1M\nfc7,1M\n")
    assert {one.why for one in alexnets.unread} == {"no network of that name is known"}  # or anybody's
    found = claims_of(tmp_path, "Layer,Params\nconv1,9408\nconv2_x,1M\nconv3_x,1M\nconv4_x,1M\n")
    assert not found.claims
    assert found.unread[0].why.startswith("rows are called as layers of cbam_resnet18, cbam_resnet34, ")
    with pytest.raises(ConvcostError, match="--network resnet51: "):
        claims_of(tmp_path, "Layer,Params\nconv1,9408\n", network="resnet51")
    with pytest.raises(NoCountsError):
        claims_of(tmp_path, "Layer,Output size\nconv1,112x112\nconv2_x,56x56\n")


def test_what_may_be_an_input_is_told(tmp_path):
    found = claims_of(tmp_path, "Model,Train crop,MACs (M)\nMobileNetV2,192,301\nMobileNetV2,224,301\n")
    assert found.notes == ["'Train crop' may be the input, and is not read: say --map 'Train crop=input', or skip"]


def test_a_scale_that_is_not_said_is_that_of_the_networks_and_is_told(tmp_path):
    """timm's tables print param_count in millions; a thousandfold cannot be meant otherwise."""
    found = claims_of(tmp_path, "model,param_count,macs\nresnet18,11.69,1.82\nresnet50,25.56,4.11\nmine,3,1\n")
    assert [one.printed.value() for one in found.claims] == [11_690_000, 1_820_000_000, 25_560_000, 4_110_000_000]
    assert found.notes == [
        "'param_count' does not say its scale: read in M, as its counts are whole",
        "'macs' does not say its scale: read in G, as its counts are whole",
    ]
    assert not claims_of(tmp_path, "model,params\nresnet18,11689512\n").notes
    with pytest.raises(ConvcostError, match="a count is whole; say its scale"):
        claims_of(
            tmp_path,
            "model,params\nresnet18,99.25\nresnet50,9.5\nvgg16,0.1\n",
        )


def test_a_column_of_names_under_weights_beside_counts(tmp_path):
    found = claims_of(tmp_path, "weights,num_params\nResNet50_Weights.IMAGENET1K_V1,25557032\n")
    assert list(about(found).values()) == ["resnet50@v1"]


def test_columns_called_by_their_layers_are_resnets(tmp_path):
    """He et al., Table 1, as a file of its own."""
    path = tmp_path / "table1.md"
    path.write_text(
        "| layer name | output size | 18-layer | 34-layer | 50-layer | 101-layer | 152-layer |\n"
        "|---|---|---|---|---|---|---|\n"
        "| conv1 | 112x112 | 7x7, 64, stride 2 | | | | |\n"
        "| FLOPs | | 1.8x10^9 | 3.6x10^9 | 3.8x10^9 | 7.6x10^9 | 11.3x10^9 |\n"
    )
    found = convcost.audit(path)
    assert found.findings[0].claim.reference == "resnet18@v1 shortcut=A"
    assert [one.verdict for one in found.findings] == ["holds", "holds", "slip", "holds", "holds"]
    assert found.findings[2].computed == 3_857_973_248


def test_columns_of_what_networks_are_joined_to(tmp_path):
    """Hu et al., SENet, Table 2: its own networks stand beside those that they are made of."""
    path = tmp_path / "table2.html"
    path.write_text(
        "<table><tr><th rowspan=2></th><th>re-implementation</th><th>SENet</th></tr>"
        "<tr><th>GFLOPs</th><th>GFLOPs</th></tr>"
        "<tr><td>ResNet-50</td><td>3.86</td><td>3.87</td></tr>"
        "<tr><td>ResNet-152</td><td>11.30</td><td>11.32</td></tr>"
        "<tr><td>VGG-16</td><td>15.47</td><td>15.48</td></tr></table>"
    )
    found = convcost.audit(path)
    assert [one.claim.reference.partition("@")[0] for one in found.findings] == [
        *("resnet50", "se_resnet50", "resnet152", "se_resnet152", "vgg16")
    ]
    assert {one.verdict for one in found.findings} == {"holds"}
    assert [one.row for one in found.unread] == ["SE-VGG-16"]  # none is shipped
    path.write_text(
        "<table><tr><th></th><th>SENet</th></tr><tr><th></th><th>GFLOPs</th></tr>"
        "<tr><td>SE-ResNet-50</td><td>3.87</td></tr></table>"
    )
    assert [one.claim.row for one in convcost.audit(path).findings] == ["SE-ResNet-50"]  # a column alone names it whole
