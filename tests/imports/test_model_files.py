"""Files of Darknet, Caffe and Ultralytics as networks: equal to specs of the same papers, or refused with a line."""

import time
import warnings
from contextlib import suppress

import model_files as files
import pytest

import convcost
from convcost import ConvcostError, ConvcostWarning
from convcost.cli import run


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvcostWarning)
        yield


def loaded(tmp_path, ending, text, **knobs):
    path = tmp_path / f"model.{ending}"
    path.write_text(text)
    return convcost.load(str(path), **knobs)


SAME = {
    "yolov3": ("cfg", files.yolov3, "yolov3"),
    "darknet53": ("cfg", files.darknet53, "darknet53"),
    "alexnet": ("prototxt", files.alexnet, "alexnet@paper"),
    "vgg16": ("prototxt", files.vgg16, "vgg16"),
    "vgg16, old": ("prototxt", lambda: files.vgg16(old=True), "vgg16"),
    "googlenet": ("prototxt", files.googlenet, "googlenet@paper"),
    "resnet50": ("prototxt", files.resnet50, "resnet50@v1"),
    "yolov5s": ("yaml", files.yolov5, "yolov5s"),
    "yolov5x": ("yaml", lambda: files.yolov5("1.33", "1.25"), "yolov5x"),
    "yolov8n": ("yaml", files.yolov8, "yolov8n"),
}
"""Files, and specs that were written from the papers and are proved elsewhere."""


@pytest.mark.parametrize("name", SAME)
def test_files_are_the_specs_of_the_same_papers(tmp_path, name):
    ending, text, spec = SAME[name]
    net, ours = loaded(tmp_path, ending, text()), convcost.load(spec)
    cost, own = net.price(ours.input), ours.price()
    assert (cost.total.macs, cost.total.params) == (own.total.macs, own.total.params)
    weighted = [[(row.params, row.macs) for row in one if row.params] for one in (cost, own)]
    assert sorted(weighted[0]) == sorted(weighted[1])


@pytest.mark.parametrize("scale", files.SCALES)
def test_scales_of_one_file_are_networks(tmp_path, scale):
    net, ours = loaded(tmp_path, "yaml", files.yolov8(), scale=scale), convcost.load(f"yolov8{scale}")
    assert net.price().total.params == ours.price().total.params
    assert net.price().total.macs == ours.price().total.macs


def test_known_totals(tmp_path):
    """Of Ultralytics' own tables of models, before layers are fused, and of Darknet's weights: yolov3.weights / 4."""
    assert loaded(tmp_path, "yaml", files.yolov5()).price().total.params == 7_235_389
    assert loaded(tmp_path, "yaml", files.yolov8()).price().total.params == 3_157_200
    tiny = loaded(tmp_path, "cfg", files.yolov3_tiny()).price()
    assert (tiny.total.counts.total, tiny.input) == (
        8_858_734,
        (3, 416, 416),
    )
    assert 4 * tiny.total.counts.total + 20 == 35_434_956


@pytest.mark.parametrize("name", ["yolov3", "googlenet", "yolov8n", "resnet50"])
def test_files_become_specs(tmp_path, name):
    ending, text, _ = SAME[name]
    net = loaded(tmp_path, ending, text())
    path = tmp_path / "spec.yaml"
    assert run(["import", net.spec.name, "-o", str(path)]) == 0
    again, own = convcost.load(str(path)).price().total, net.price().total
    assert (again.macs, again.params) == (own.macs, own.params)
    assert run(["diff", net.spec.name, str(path)]) == 0


def test_the_closed_form_of_a_backbone_is_the_specs(tmp_path):
    net = loaded(tmp_path, "cfg", files.darknet53())
    assert net.formula("macs").value == convcost.load("darknet53").formula("macs").value


def test_resnet50_in_darknet_has_the_convolutions_of_v15(tmp_path):
    net, ours = loaded(tmp_path, "cfg", files.resnet50_darknet()).price(), convcost.load("resnet50@v1.5").price()
    assert (net.total.params, net.total.macs) == (ours.total.params, ours.total.macs)


# -- rules, by hand --------------------------------------------------------------------------------------------------


def shapes(net):
    return [row.shape for row in net.price()]


def test_darknet_pads_a_pooling_by_its_size_less_one(tmp_path):
    text = files.darknet(
        *(files.section("maxpool", size=k, stride=s) for k, s in ((2, 2), (3, 2), (2, 1), (5, 1))), size=13
    )
    assert shapes(loaded(tmp_path, "cfg", text)) == [(3, 7, 7), (3, 4, 4), (3, 4, 4), (3, 4, 4)]


def test_a_shortcut_of_darknet_adds_the_channels_and_positions_that_both_have(tmp_path):
    """shortcut_cpu: over the least channels, with a stride where the other map is larger."""
    text = files.darknet(
        files.dconv(4, 3),
        files.dconv(10, 3, 2),
        files.section("shortcut", from_=-2, activation="linear"),
        files.dconv(6, 1),
        files.section("shortcut", from_=-2, activation="linear"),
        size=8,
    )
    assert [(row.operator, row.shape) for row in loaded(tmp_path, "cfg", text).price()][6:] == [
        ("slice", (4, 4, 8)),
        ("slice", (4, 4, 4)),
        ("channelpad", (10, 4, 4)),
        ("add", (10, 4, 4)),
        ("conv", (6, 4, 4)),
        ("bn", (6, 4, 4)),
        ("leaky_relu", (6, 4, 4)),
        ("slice", (6, 4, 4)),
        ("add", (6, 4, 4)),
    ]


def test_darknet_routes_groups_and_reorganises(tmp_path):
    text = files.darknet(
        files.dconv(8, 3),
        files.section("route", layers=-1, groups=2, group_id=1),
        files.section("reorg", stride=2),
        files.section("avgpool"),
        files.section("scale_channels", from_=-2),
        size=8,
    )
    assert shapes(loaded(tmp_path, "cfg", text))[3:] == [(4, 8, 8), (16, 4, 4), (16, 1, 1), (16, 4, 4)]


def test_caffe_rounds_poolings_up_and_knows_its_phases(tmp_path):
    text = """
    layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN }
            transform_param { crop_size: 224 } }
    layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TEST }
            transform_param { crop_size: 112 } }
    layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
    layer { name: "s" type: "Slice" bottom: "p" top: "a" top: "b" slice_param { slice_point: 1 } }
    layer { name: "e" type: "Deconvolution" bottom: "b" top: "e"
            convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 bias_term: false } }
    layer { name: "q" type: "PReLU" bottom: "e" top: "e" }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "e" bottom: "label" top: "loss" }
    layer { name: "acc" type: "Accuracy" bottom: "e" bottom: "label" top: "acc" include { phase: TEST } }
    """
    net = loaded(tmp_path, "prototxt", text)
    assert net.input == (3, 112, 112)
    cost = net.price()
    assert [(row.operator, row.shape, row.params) for row in cost][-2:] == [
        ("conv_transpose", (4, 112, 112), 2 * 4 * 16),
        ("prelu", (4, 112, 112), 4),
    ]
    assert cost.rows[0].shape == (3, 56, 56)  # 55 with rounding down


def test_caffe_layers_that_share_names_of_weights_store_them_once(tmp_path):
    shared = 'param { name: "w" } param { name: "b" } convolution_param { num_output: 3 kernel_size: 3 pad: 1 }'
    text = PROTO + "".join(
        f'layer {{ name: "c{i}" type: "Convolution" bottom: "{x}" top: "{y}" {shared} }}\n'
        for i, (x, y) in enumerate((("data", "x"), ("x", "y")))
    )
    assert loaded(tmp_path, "prototxt", text).price().total.params == 84


# -- what is refused -------------------------------------------------------------------------------------------------

NET = "[net]\nwidth=8\nheight=8\nchannels=3\n"
PROTO = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
YAML = "nc: 2\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\nhead:\n"
HOSTILE = {
    "no section": ("cfg", "width=3\n", "model.cfg:1: a section"),
    "unknown section": (
        "cfg",
        NET + "\n[convolutionl]\nfilters=3\n",
        "model.cfg:6: the section [convolutionl] is unknown",
    ),
    "recurrent": ("cfg", NET + "[lstm]\noutput=3\n", "model.cfg:5: the section [lstm] is not followed"),
    "a word for a number": ("cfg", NET + "[convolutional]\nfilters=many\n", "line 6, [convolutional]: filters=many"),
    "itself": ("cfg", NET + "[route]\nlayers=0\n", "line 5, [route]: layers=0 is no layer before"),
    "absurd": (
        "cfg",
        NET + "[convolutional]\nfilters=99999999999999999999\n",
        "line 6, [convolutional]: filters is one number",
    ),
    "too large": ("cfg", NET + "[convolutional]\nactivation=relu\nfilters=999999999999\nsize=99999\npad=1\n", "line 5"),
    "other shapes": (
        "cfg",
        NET + files.dconv(4, 3, 2) + files.dconv(4, 3, 2) + files.dconv(4, 2) + files.section("shortcut", from_=-2),
        "[shortcut]: adds maps of 4x2x2 and 4x3x3",
    ),
    "no layers": ("cfg", NET, "no layers between"),
    "binary": ("cfg", "\udcff\udcfe\x00", "it is no text"),
    "not begun": ("prototxt", "{", "model.prototxt:1: a name is wanted here"),
    "not ended": ("prototxt", 'layer {\n name: "a"', "model.prototxt:1: the file ends inside"),
    "deep": ("prototxt", "a {" * 5000, "nested more than 32 deep"),
    "no marks": ("prototxt", "layer ? {}", "model.prototxt:1: '?' begins nothing"),
    "an open text": ("prototxt", 'layer { name: "a\n }', "model.prototxt:1: '\"' begins nothing"),
    "unknown type": (
        "prototxt",
        PROTO + 'layer { name: "a" type: "Convolutoin" }',
        "model.prototxt:2: layer a: the type",
    ),
    "no blob": (
        "prototxt",
        PROTO
        + 'layer { name: "a" type: "ReLU" bottom: "later" top: "b" }\nlayer { type: "ReLU" bottom: "b" top: "later" }',
        "takes 'later', which nothing before it makes",
    ),
    "no output": (
        "prototxt",
        PROTO + 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { kernel_size: 3 } }',
        "line 2, layer c (Convolution): it says no num_output",
    ),
    "unknown module": (
        "yaml",
        YAML + "  - [-1, 1, C2ff, [8]]\n",
        "model.yaml:5:5: the module C2ff is unknown; did you mean",
    ),
    "no row": ("yaml", YAML + "  - [-1, 1, Conv]\n", "model.yaml:5:5: a row is [from, number, module, args]"),
    "from later": ("yaml", YAML + "  - [7, 1, Conv, [8]]\n", "5:5: Conv: from 7 is no row before"),
    "many": ("yaml", YAML + "  - [-1, 100000, Conv, [8]]\n", "a number of modules from 1 to 1000"),
    "no arguments": ("yaml", YAML + "  - [-1, 1, Conv, []]\n", "arguments that it does not take"),
    "absurd channels": ("yaml", YAML + "  - [-1, 1, Conv, [99999999999]]\n", "is no number of channels"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_files_that_are_hostile_end_in_one_line(tmp_path, capsys, kind):
    ending, text, wanted = HOSTILE[kind]
    path = tmp_path / f"model.{ending}"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    began = time.process_time()
    assert run(["layers", str(path)]) == 2
    said = capsys.readouterr().err
    assert wanted in said
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said
    assert time.process_time() - began < 5


@pytest.mark.parametrize("ending", ["cfg", "prototxt"])
def test_a_file_of_100_megabytes_is_not_read(tmp_path, capsys, ending):
    path = tmp_path / f"model.{ending}"
    with path.open("wb") as file:
        file.truncate(100 << 20)
    began = time.process_time()
    assert run(["layers", str(path)]) == 2
    assert "larger than" in capsys.readouterr().err
    assert time.process_time() - began < 5


@pytest.mark.parametrize(("ending", "text"), [(one[0], one[1]()) for one in SAME.values()])
def test_files_that_are_cut_off_anywhere_are_a_smaller_network_or_one_line(tmp_path, ending, text):
    for part in range(1, 12):
        path = tmp_path / f"{part}.{ending}"
        path.write_text(text[: len(text) * part // 12 - part])
        with suppress(ConvcostError):  # which is one line, of whatever it is made
            assert convcost.load(str(path)).price("3x224x224").total.params >= 0


def test_a_key_that_nobody_knows_is_said(tmp_path):
    text = NET + "[convolutional]\nfilters=3\nsize=3\npad=1\nactivation=relu\nxnor=1\n"
    with pytest.warns(ConvcostWarning, match=r"model\.cfg:10: nothing is known of xnor"):
        loaded(tmp_path, "cfg", text)


@pytest.mark.parametrize(("ending", "text"), [("cfg", files.yolov3()), ("yaml", files.yolov8())])
def test_files_are_held_to_limits_as_specs_are(tmp_path, capsys, ending, text):
    path = tmp_path / f"yolov8n.{ending}"
    path.write_text(text)
    assert run(["check", str(path), "--max", "macs=1G"]) == 1
    assert "> 1,000,000,000" in capsys.readouterr().out
    assert run(["check", str(path), "--max", "macs=100G"]) == 0


def test_a_scale_is_in_the_name_of_a_file_or_is_said_to_be_assumed(tmp_path):
    path = tmp_path / "yolov8m.yaml"
    path.write_text(files.yolov8())
    assert convcost.load(str(path)).price().total.params == convcost.load("yolov8m").price().total.params
    assert run(["layers", f"{path} scale=s"]) == 0
    with pytest.warns(ConvcostWarning, match="which scale is not said, n is assumed; there are n, s, m, l, x"):
        loaded(tmp_path, "yaml", files.yolov8())


def test_a_scale_that_is_none_says_which_there_are(tmp_path):
    with pytest.raises(ConvcostError, match="no scale 'q'; there are n, s, m, l, x"):
        loaded(tmp_path, "yaml", files.yolov8(), scale="q")
    with pytest.raises(ConvcostError, match="has no knobs but scale, got depth"):
        loaded(tmp_path, "yaml", files.yolov8(), depth=2)
