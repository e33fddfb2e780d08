"""Counts networks with one real tool: `python count.py TOOL NAME...` prints {name: count} as JSON.

A program of its own, because these tools patch torch, print, or log as they go: a test starts it in a fresh process.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from convcost.network import load
from convcost.torchbridge.module import TorchModel
from convcost.torchbridge.toolcounts import TOOLS


def main(tools: dict[str, tuple[Callable[[nn.Module, torch.Tensor], Any], str]]) -> None:
    tool, *names = sys.argv[1:]
    count, device = tools[tool]
    warnings.simplefilter("ignore")
    logging.disable()
    counts = {}
    with contextlib.redirect_stdout(sys.stderr), torch.no_grad():
        for name in names:
            graph = load(name).build()
            with torch.device(device):
                model, x = TorchModel(graph), torch.zeros(1, *graph.input)
            counts[name] = int(count(model, x))
    sys.stdout.write(json.dumps(counts))


if __name__ == "__main__":
    main(TOOLS)
