"""Every network of torchvision, and many of timm, where they are installed, to the unit.

Params are the module's, macs FlopCounterMode's, and no operator has no rule.
"""

import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import library, nn
from torch.utils.flop_counter import FlopCounterMode

from convcost import from_torch

LACKING = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float scale, SymInt h, SymInt w, int ratio, bool aligned) -> Tensor",
    "roi_pool(Tensor input, Tensor rois, float scale, SymInt h, SymInt w) -> (Tensor, Tensor)",
    "deform_conv2d(Tensor x, Tensor w, Tensor o, Tensor m, Tensor b, int[] sizes, bool use_mask) -> Tensor",
)
"""Operators of C++ that it looks for when it is imported, and does not have beside a torch for processors alone."""

TIMM = (Path(__file__).parents[1] / "data" / "timm_networks.txt").read_text().split()
"""A small one of many families. What computes a product over the batch (csatv2) is refused, and rightly."""


@pytest.fixture(scope="module")
def models():
    fragment = library.Library("torchvision", "FRAGMENT")
    for schema in LACKING:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            fragment.define(schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("torchvision").models


@contextmanager
def all_parts_seen():
    """What torch fuses where nobody looks its counter does not see either."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def built(make):
    """A module without data, if it can be made without."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with torch.device("meta"):
                return make().eval()
        except (RuntimeError, NotImplementedError):
            return make().eval()


def wrong(module, shape):
    """What differs from torch's own numbers; None if nothing does."""
    params = sum(p.numel() for p in module.parameters())
    net = from_torch(module, shape)
    total = net.price().total
    module = module.to("meta")
    with all_parts_seen(), FlopCounterMode(display=False) as counter:
        module(torch.empty(1, *shape, device="meta"))
    ours = (total.params + sum(net.unused.values()), 2 * (total.macs + net.per_forward), {})
    theirs = (params, counter.get_total_flops(), {})
    return None if (*ours[:2], net.unknown) == theirs else (ours, theirs, net.unknown)


def all_wrong(names, make, shape):
    found = {name: wrong(built(lambda name=name: make(name)), shape(name)) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def test_all_classifiers_to_the_unit(models):
    names = models.list_models(module=models)
    size = {"inception_v3": 299}
    assert not all_wrong(
        names, lambda name: models.get_model(name, weights=None), lambda name: (3, *[size.get(name, 224)] * 2)
    )
    assert len(names) >= 80


@pytest.mark.slow
def test_segmentation_to_the_unit(models):
    names = models.list_models(module=models.segmentation)
    make = lambda name: models.get_model(name, weights=None, weights_backbone=None)  # noqa: E731  # said once
    assert names
    assert not all_wrong(names, make, lambda _: (3, 224, 224))


@pytest.mark.slow
def test_video_to_the_unit(models):
    names = models.list_models(module=models.video)
    assert names
    assert not all_wrong(names, lambda name: models.get_model(name, weights=None), lambda _: (3, 16, 224, 224))


class Dense(nn.Module):
    """What a detector does to every image, before it looks at values: backbone and heads."""

    def __init__(self, detector):
        super().__init__()
        self.backbone = detector.backbone
        head = getattr(detector, "head", None) or detector.rpn
        self.head = getattr(head, "head", head)

    def forward(self, x):
        features = self.backbone(x)
        return self.head([*features.values()] if isinstance(features, dict) else [features])


@pytest.mark.slow
def test_the_dense_part_of_detectors_to_the_unit(models):
    names = models.list_models(module=models.detection)
    make = lambda name: Dense(models.get_model(name, weights=None, weights_backbone=None))  # noqa: E731  # said once
    assert names
    assert not all_wrong(names, make, lambda _: (3, 320, 320))


@pytest.mark.slow
@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("name", TIMM)
def test_many_families_of_timm_to_the_unit(name):
    timm = pytest.importorskip("timm")
    module = built(lambda: timm.create_model(name))
    assert wrong(module, tuple(module.default_cfg["input_size"])) is None
