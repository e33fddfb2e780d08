"""Every classifier of torchvision, where it is installed: params the module's, macs FlopCounterMode's, to the unit."""

import warnings

import pytest
import torch
from torch import library
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


@pytest.fixture(scope="module")
def models():
    fragment = library.Library("torchvision", "FRAGMENT")
    for schema in LACKING:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            fragment.define(schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("torchvision").models


def test_all_classifiers_to_the_unit(models):
    wrong = {}
    names = models.list_models(module=models)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            module = models.get_model(name, weights=None)
            size = 299 if name == "inception_v3" else 224
            net = from_torch(module, (3, size, size))
            total = net.price().total
            module = module.to("meta").eval()
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                module(torch.empty(1, 3, size, size, device="meta"))
            ours = (total.params + sum(net.unused.values()), 2 * (total.macs + net.per_forward), {})
            theirs = (sum(p.numel() for p in module.parameters()), counter.get_total_flops(), {})
            if (*ours[:2], net.unknown) != theirs:
                wrong[name] = (ours, theirs, net.unknown)
    assert not wrong
    assert len(names) >= 80
