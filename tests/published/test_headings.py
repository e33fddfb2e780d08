"""Column titles and network names as papers print them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcost.published.headings import Quantity, names_an_input, quantity_of
from convcost.spec.spelling import Candidate, beginnings, candidates, input_size

TITLES = [
    ("#P (M)", "params", "M"),
    ("#Params", "params", ""),
    ("# Param.", "params", ""),
    ("#Param(s)", "params", ""),
    ("Params (M)", "params", "M"),
    ("Params/M", "params", "M"),
    ("MParams", "params", "M"),
    ("Number of parameters [in millions]", "params", "M"),
    ("params (thousands)", "params", "K"),
    ("published_params_M", "params", "M"),
    ("Weights (M)", "params", "M"),
    ("MACs", "macs", ""),
    ("MACs (M)", "macs", "M"),
    ("GMac", "macs", "G"),
    ("MAdds", "macs", ""),
    ("MMAdds", "macs", "M"),
    ("mult-adds", "macs", ""),
    ("Million Mult-Adds", "macs", "M"),
    ("Multi-Adds (B)", "macs", "G"),
    ("Multiply-Adds (M)", "macs", "M"),
    ("FLOPs", "flops", ""),
    ("#FLOPs", "flops", ""),
    ("FLOPs (G)", "flops", "G"),
    ("FLOPs(Billion)", "flops", "G"),
    ("FLOPs (10^9)", "flops", "e9"),
    ("FLOPs (×10⁹)", "flops", "e9"),
    ("FLOPs (x10^{9})", "flops", "e9"),
    ("FLOPs (224x224)", "flops", ""),
    ("BFLOPs", "flops", "G"),
    ("Complexity (MFLOPs)", "flops", "M"),
    ("SENet / GFLOPs", "flops", "G"),
    ("Params (M) / ours", "params", "M"),
    ("(M) / Params", "params", "M"),
    ("Bn ops", "ops", "G"),
    ("cost_bn_ops", "ops", "G"),
    ("Size (MB)", "size", "M"),
    ("Size", "size", ""),
    ("Model size (M)", "size", "M"),
    ("+× (M)", "macs", "M"),  # DARTS' Table 3, and of those that compare with it
    (r"$\times +$ (M)", "macs", "M"),
    ("×+", "macs", ""),
]


@pytest.mark.parametrize(("title", "kind", "scale"), TITLES)
def test_titles_of_counts(title: str, kind: str, scale: str) -> None:
    assert quantity_of(title) == Quantity(kind, scale)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Model",
        "depth",
        "Depth (M)",
        "top-1 err.",
        "Top 1",
        "original / top-1 err.",
        "Params / Top-1",
        "Ratio-to-EfficientNet",
        "CPU",
        "Mobile CPU (ms) Pixel 1",
        "Input size",
        "Activation",
        "Activations (MB)",
        "GFLOPS/s",
        "Params (%)",
        "Params (x)",
        "Params reduction",
        # what could be two things, or a scale of its own
        "Params / FLOPs",
        "FLOPs per param",
        "Params (MB)",
        "FLOPs (M) (G)",
        "FLOPs (100M)",
        "BOPs",
    ],
)
def test_titles_that_are_no_count(title: str) -> None:
    assert quantity_of(title) is None


def test_a_size_is_counted_in_bytes() -> None:
    assert Quantity("size", "M").unit == "bytes"
    assert Quantity("macs", "M").unit == "macs"


KNOWN = [
    "resnet18",
    "resnet50@v1",
    "resnet50@v1.5",
    "resnet101@v1",
    "mobilenet_v1@1.0",
    "mobilenet_v1@0.5",
    "mobilenet_v2@1.0",
    "mobilenet_v2@1.4",
    "densenet121",
    "densenet_bc@100-k12",
    "efficientnet_b0",
    "efficientnet_b1",
    "se_resnet50",
    "shufflenet_v1@1x-g3",
    "shufflenet_v1@1x-g8",
    "shufflenet_v1@2x-g3",
    "resnext50_32x4d",
    "inception_v3",
    "inception_resnet_v2",
    "googlenet@paper",
    "googlenet@torchvision",
    "vgg16",
    "vgg16_bn",
    "bn_inception",
    "nasnet_a@mobile",
]

# printed name, then what must come back: name, unsaid, not understood
NAMES: list[tuple[str, list[tuple[str, tuple[str, ...], tuple[str, ...]]]]] = [
    ("ResNet-18", [("resnet18", (), ())]),
    ("ResNet-50", [("resnet50@v1", ("v1",), ()), ("resnet50@v1.5", ("v1.5",), ())]),
    ("RN50", [("resnet50@v1", ("v1",), ()), ("resnet50@v1.5", ("v1.5",), ())]),
    ("ResNet 50 v1.5", [("resnet50@v1.5", (), ())]),
    ("ResNet-101 (He et al., 2016)", [("resnet101@v1", ("v1",), ())]),
    ("ResNet-101 [13]†", [("resnet101@v1", ("v1",), ())]),
    ("MobileNetV2 1.4x", [("mobilenet_v2@1.4", (), ())]),
    ("MobileNet-v2 (1.4)", [("mobilenet_v2@1.4", (), ())]),
    ("MobileNetV2", [("mobilenet_v2@1.0", (), ())]),
    ("mobilenet_v2_1.4_224", [("mobilenet_v2@1.4", (), ("224",))]),
    ("1.0 MobileNet-224", [("mobilenet_v1@1.0", ("v1",), ("224",))]),
    ("0.50 MobileNet-224", [("mobilenet_v1@0.5", ("v1",), ("224",))]),
    ("DenseNet-121 (k=32)", [("densenet121", (), ("k32",))]),
    ("DenseNet-BC (L=100, k=12)", [("densenet_bc@100-k12", (), ())]),
    ("EfficientNet-B0", [("efficientnet_b0", (), ())]),
    ("EfficientNetB1", [("efficientnet_b1", (), ())]),
    ("SE-ResNet-50", [("se_resnet50", (), ())]),
    ("SEResNet50", [("se_resnet50", (), ())]),
    ("SE-ResNet-101", [("resnet101@v1", ("v1",), ("se",))]),
    ("ShuffleNet 1x (g=3)", [("shufflenet_v1@1x-g3", ("v1",), ())]),
    ("ShuffleNet 2× (g = 3)", [("shufflenet_v1@2x-g3", ("v1",), ())]),
    ("ShuffleNet 2× (with SE[13], g = 3)", [("shufflenet_v1@2x-g3", ("v1",), ("se",))]),
    (
        "ShuffleNet",
        [("shufflenet_v1@1x-g3", ("v1", "g3"), ()), ("shufflenet_v1@1x-g8", ("v1", "g8"), ())],
    ),
    ("ResNeXt-50 (32x4d)", [("resnext50_32x4d", (), ())]),
    ("ResNeXt-50 (32 × 4d)", [("resnext50_32x4d", (), ())]),
    ("Inception-ResNet-v2", [("inception_resnet_v2", (), ())]),
    ("InceptionV3", [("inception_v3", (), ())]),
    ("GoogLeNet", [("googlenet@paper", ("paper",), ()), ("googlenet@torchvision", ("torchvision",), ())]),
    ("Inception v1", [("googlenet@paper", (), ())]),
    ("VGG-16", [("vgg16", (), ())]),
    ("VGG-16-BN", [("vgg16_bn", (), ())]),
    ("BN-Inception", [("bn_inception", (), ())]),
    ("NASNet-A (mobile)", [("nasnet_a@mobile", (), ())]),
    ("MobileNetV2 x1.4", [("mobilenet_v2@1.4", (), ())]),
    ("MobileNetV2 ×1.4", [("mobilenet_v2@1.4", (), ())]),
    ("MobileNet v2 × 1.4", [("mobilenet_v2@1.4", (), ())]),
    ("ResNet-18 x2", [("resnet18", (), ("2",))]),
    ("ResNet-18 x 2", [("resnet18", (), ("2",))]),
    ("ResNet-18 224 × 224", [("resnet18", (), ("224x224",))]),
    ("ResNet-18 3x160x160", [("resnet18", (), ("3x160x160",))]),
    ("NASNet-A mobile (7 @ 1920)", [("nasnet_a@mobile", (), ("7", "1920"))]),
    ("Inception", []),  # of several versions, and none is just called so
    ("MobileNetV3", []),
    ("ResNet-152", []),
    ("GPipe", []),
    ("", []),
    ("50", []),
]


@pytest.mark.parametrize(("name", "expected"), NAMES)
def test_names(name: str, expected: list[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> None:
    found = candidates(name, KNOWN, {"googlenet@paper": ["inception_v1"]})
    assert found == [Candidate(*one) for one in expected]


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_name_is_found_as_it_is(name: str) -> None:
    assert candidates(name, KNOWN) == [Candidate(name, (), ())]


def test_two_networks_may_share_a_name() -> None:
    shared = candidates("Inception V3", KNOWN, {"bn_inception": ["inception_v3"]})
    assert shared == [Candidate("inception_v3", (), ()), Candidate("bn_inception", (), ())]


BEGINNINGS: list[tuple[str, list[tuple[str, tuple[str, ...], tuple[str, ...]]]]] = [
    ("DenseNet", [("densenet121", ("121",), ()), ("densenet_bc_100_k12", ("bc", "100", "k12"), ())]),
    ("DenseNet (k=12)", [("densenet121", ("121",), ("k12",)), ("densenet_bc_100_k12", ("bc", "100"), ())]),
    ("DenseNet-BC (k=12)", [("densenet121", ("121",), ("bc", "k12")), ("densenet_bc_100_k12", ("100",), ())]),
    ("NASNet-A (4 @ 1056)", [("nasnet_mobile", ("mobile",), ("4", "1056"))]),
    ("NASNet mobile", [("nasnet_mobile", (), ())]),
    ("Nas", []),  # no word of its own
    ("", []),
]


@pytest.mark.parametrize(("name", "expected"), BEGINNINGS)
def test_names_that_are_begun(name: str, expected: list[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> None:
    known = ["densenet121", "densenet_bc_100_k12", "nasnet_mobile"]
    found = beginnings(name, known, {"nasnet_mobile": ["nasnet_a_mobile"]})
    assert found == [Candidate(*one) for one in expected]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("224", (224,)),
        ("224px", (224,)),
        ("224²", (224,)),
        ("224^2", (224,)),
        ("224^{2}", (224,)),
        ("224x224", (224, 224)),
        ("224 × 224 pixels", (224, 224)),
        ("224*224", (224, 224)),
        ("(224, 224)", (224, 224)),
        ("[3, 160, 224]", (3, 160, 224)),
        ("3x224x224", (3, 224, 224)),
        ("224×224×3", (224, 224, 3)),
        ("1x3x224x224", (1, 3, 224, 224)),
        ("1,024", None),
        ("0x0", None),
        ("224x", None),
        ("x224", None),
        ("98 MB", None),
        ("22.4", None),
        ("1x1x3x224x224", None),
        ("12345678", None),
        ("large", None),
        ("", None),
    ],
)
def test_sizes_of_inputs(text: str, size: tuple[int, ...] | None) -> None:
    assert input_size(text) == size


def test_titles_of_inputs() -> None:
    yes = (
        "Input|Input size|input_shape|Resolution|Image size|Image Size (px)|Res.|Size|Test size|Crop|Input / resolution"
    )
    no = "|Model|Model size|Size (MB)|Input channels|Params|Train size|Depth|Test|ResNet|Memory size|FLOPs (224x224)"
    assert [title for title in yes.split("|") if not names_an_input(title)] == []
    assert [title for title in no.split("|") if names_an_input(title)] == []


@given(st.text(max_size=300) | st.from_regex(r"[a-zA-Z0-9 =x×().@_-]{0,40}", fullmatch=True))
def test_any_text_is_answered(text: str) -> None:
    quantity_of(text)
    names_an_input(text)
    assert all(input_size(text) or [1])
    for candidate in beginnings(text, KNOWN):
        assert candidate.name in KNOWN
    for candidate in candidates(text, KNOWN):
        assert candidate.name in KNOWN


@given(st.sampled_from(KNOWN), st.sampled_from(["-", "_", " ", "", "  "]), st.booleans())
def test_separators_and_case_do_not_matter(name: str, separator: str, upper: bool) -> None:
    base = name.partition("@")[0]
    spelt = base.replace("_", separator) if separator else base
    assert any(
        candidate.name.partition("@")[0] == base and not candidate.residue
        for candidate in candidates(spelt.upper() if upper else spelt, KNOWN)
    )


@pytest.mark.parametrize(
    ("title", "kind", "scale"),
    [
        ("Comp. (G)", "ops", "G"),
        ("Complexity (M)", "ops", "M"),
        ("Computational cost (GFLOPs)", "flops", "G"),
        ("计算量(G)", "ops", "G"),
        ("参数量 (M)", "params", "M"),
        ("#P", "params", ""),
        ("MAdds", "macs", ""),
        ("MFLOPs", "flops", "M"),
    ],
)
def test_words_of_the_wild(title, kind, scale):
    assert quantity_of(title) == Quantity(kind, scale)


def test_a_cost_without_a_scale_is_no_count():
    for title in ("Comp.", "Complexity", "Cost ($)", "Computation (%)", "Training cost (M)"):
        assert quantity_of(title) is None


@pytest.mark.parametrize("title", ["infer_img_size", "test size", "imgsz", "分辨率", "输入尺寸", "val res.", "im size"])
def test_inputs_of_the_wild(title):
    assert names_an_input(title)


def test_what_is_trained_on_is_no_input():
    assert not names_an_input("train size")


@pytest.mark.parametrize(
    ("title", "kind", "scale"),
    [
        ("参数量（万）", "params", "e4"),
        ("计算量/亿次", "ops", "e8"),
        ("计算量 (GFLOPs)", "flops", "G"),
        ("パラメータ数 (M)", "params", "M"),
        ("연산량 (GFLOPs)", "flops", "G"),
        ("Paramètres (millions)", "params", "M"),
        ("FLOPs (milliards)", "flops", "G"),
        ("Parameter [Mio.]", "params", "M"),
        ("GFLOPs×views", "flops", "G"),
        ("FLOPs (G) x views", "flops", "G"),
    ],
)
def test_titles_in_other_languages_and_of_views(title: str, kind: str, scale: str) -> None:
    found = quantity_of(title)
    assert found is not None
    assert (found.kind, found.scale) == (kind, scale)


@pytest.mark.parametrize("title", ["入力サイズ", "Eingabegröße", "Auflösung", "Résolution", "입력 크기"])
def test_inputs_in_other_languages(title: str) -> None:
    assert names_an_input(title)


@pytest.mark.parametrize(
    ("title", "divided"),
    [("FLOPs/2", 2), ("FLOPs / 2", 2), ("GFLOPs/2", 2), ("FLOPs/2 (G)", 2), ("FLOPs", 1), ("FLOPs/25", 1)],
)
def test_a_title_says_what_its_counts_are_divided_by(title, divided):
    found = quantity_of(title)
    assert (found.kind, found.divided) == ("flops", divided)
