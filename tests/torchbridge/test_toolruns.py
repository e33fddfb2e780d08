"""Real tools on a user's own module, each in its own process: what they count, and why they do not."""

from __future__ import annotations

import pytest

from convcost.torchbridge.toolcounts import TOOLS
from convcost.torchbridge.toolruns import PACKAGES, Ran, Subject, counted, run_tool

SOURCE = """
import os
from torch import nn

class Net(nn.Sequential):
    def __init__(self, width=8):
        super().__init__(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Flatten(), nn.Linear(width * 36, 5))

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(2, 4, 1)

    def forward(self, x, y):
        return self.a(x) + self.b(y)

class Bad(Net):
    def forward(self, x):
        raise ValueError("no such\\n thing")

class Ends(Net):
    def forward(self, x):
        os._exit(3)
"""

CONV, LINEAR = 8 * 3 * 9 * 36, 8 * 36 * 5


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "its_tools.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(
    ("tool", "count"),
    [
        ("torch", 2 * (CONV + LINEAR)),
        ("fvcore", CONV + LINEAR),
        ("torchinfo", CONV + 8 * 36 + LINEAR + 5),  # biases, too
    ],
)
def test_a_tool_counts_a_module_by_its_name(tool, count):
    assert counted(tool, Subject((3, 8, 8), None, "its_tools:Net")) == count
    wide = count - (8 * 36 + 5) if tool == "torchinfo" else count
    biases = 16 * 36 + 5 if tool == "torchinfo" else 0
    assert counted(tool, Subject((3, 8, 8), None, "its_tools:Net", {"width": 16})) == 2 * wide + biases


def test_several_inputs():
    from convcost.ops import Inputs

    inputs = Inputs({"x": (3, 5, 5), "y": (2, 5, 5)})
    assert counted("torch", Subject(inputs, None, "its_tools:Two")) == 2 * 25 * (12 + 8)
    assert counted("fvcore", Subject(inputs, None, "its_tools:Two")) == 25 * (12 + 8)


@pytest.mark.parametrize(
    ("module", "why"),
    [("Bad", "ValueError: no such thing"), ("Ends", "its process ended (3)"), ("Not", "torch:its_tools:Not: ")],
)
def test_what_a_tool_raises_is_one_line(module, why):
    ran = run_tool("torch", Subject((3, 8, 8), None, f"its_tools:{module}"))
    assert (ran.version.split()[0], ran.counts) == ("torch", None)
    assert ran.why.startswith(why)
    assert "\n" not in ran.why


def test_a_tool_that_patches_torch_leaves_ours_alone():
    import torch

    before = torch.nn.functional.relu
    assert run_tool("ptflops", Subject((3, 8, 8), None, "its_tools:Net")).counts == CONV + LINEAR + 3 * 8 * 36 + 5
    assert torch.nn.functional.relu is before


def test_a_tool_that_is_missing_says_how_it_is_installed(monkeypatch):
    monkeypatch.setitem(PACKAGES, "thop", "not-there-at-all")
    assert run_tool("thop", Subject((3, 8, 8))) == Ran("", None, "not installed: pip install not-there-at-all")


def test_every_tool_has_a_package():
    assert PACKAGES.keys() == TOOLS.keys()
