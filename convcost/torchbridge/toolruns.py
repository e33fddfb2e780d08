"""The real tools of the field, run on a model, each in a process of its own: what they say, or why they do not.

Importing this module imports neither torch nor any of them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import signal
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from convcost.cost.graph import Graph
from convcost.errors import ConvcostError, one_line, reason
from convcost.ops import Shape

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from torch import Tensor, nn

PACKAGES = {
    "fvcore": "fvcore",
    "torch": "torch",
    "torchinfo": "torchinfo",
    "ptflops": "ptflops",
    "ptflops-aten": "ptflops",
    "thop": "thop",
    "calflops": "calflops",
    "torchprofile": "torchprofile",
    "onnx-tool": "onnx-tool",
}
"""Each tool, and the package that it comes in."""


@dataclass(frozen=True)
class Subject:
    """What is counted, in a form that goes to another process: a module by its name, or a graph's torch model."""

    input: Shape
    graph: Graph | None = None
    module: str = ""
    """`package.module:callable`: see `convcost.torchbridge.module_named`."""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def made(self, device: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
        """The model in evaluation mode and one sample of each input; our own models on a device, others where they are.

        Raises ConvcostError if it cannot be made.
        """
        import torch

        from convcost.torchbridge.module import TorchModel, zeros

        if self.graph is not None:
            with torch.device(device):
                return TorchModel(self.graph, self.input), zeros(self.input, 1)
        from convcost.torchbridge.named import module_named

        module = module_named(self.module, self.arguments, f"torch:{self.module}").eval()
        like = next(module.parameters(), torch.zeros(()))
        return module, zeros(self.input, 1, like.device, dtype=like.dtype)


class Ran(NamedTuple):
    """What a real tool says of a model."""

    version: str
    """`thop 0.1.1.post2209072238`; empty if it is not installed."""
    counts: int | None
    """In its own unit; None if it says nothing."""
    why: str = ""
    """Why it says nothing: in one line."""


def run_tool(tool: str, subject: Subject) -> Ran:
    """Run a tool of `PACKAGES` on one sample, in a process of its own, whatever it does there."""
    from multiprocessing import get_context

    package = PACKAGES[tool]
    if find_spec(package.replace("-", "_")) is None:
        return Ran("", None, f"not installed: pip install {package}")
    try:
        written = version(package).partition("+")[0]  # 2.13.0+cpu is torch 2.13.0
        said = f"{package} {re.sub(r'-(?=[0-9]+$)', '.post', written)}"  # as thop had it before PEP 440
    except PackageNotFoundError:  # a folder on the path
        said = package
    spawn = get_context("spawn")  # a fork would take threads of torch's with it that hold locks
    answer, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_count, args=(theirs, tool, subject), daemon=True)
    process.start()
    theirs.close()
    try:
        found = answer.recv()
    except EOFError:
        process.join()
        return Ran(said, None, f"its process ended ({process.exitcode})")
    finally:
        process.terminate()
        process.join()
        answer.close()
    return Ran(said, None, found) if isinstance(found, str) else Ran(said, found)


def _count(answer: Connection, tool: str, subject: Subject) -> None:
    """In the process: send the count, or in one line why there is none."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us
    warnings.simplefilter("ignore")
    logging.disable()
    nowhere = io.StringIO()
    found: int | str
    with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        try:
            found = counted(tool, subject)
        except ConvcostError as error:
            found = str(error)
        except Exception as error:  # noqa: BLE001  # whatever a tool raises
            found = one_line(reason(error))
        except SystemExit as error:
            found = f"it ends Python ({error.code})"
    answer.send(found)


def counted(tool: str, subject: Subject) -> int:
    """What a tool counts of one sample, here: it may patch torch for good. Raises whatever it raises."""
    import torch

    from convcost.torchbridge.toolcounts import TOOLS

    with torch.no_grad():
        model, xs = subject.made(TOOLS[tool].device)
        return int(TOOLS[tool].counts(model, *xs))
