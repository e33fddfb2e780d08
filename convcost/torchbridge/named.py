"""Modules of the user's, named on a command line: `package.module:callable`."""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import ismodule
from typing import TYPE_CHECKING, Any

from convcost.errors import ConvcostError, did_you_mean

if TYPE_CHECKING:
    from torch import nn


def module_named(name: str) -> nn.Module:
    """The module that a name makes: `torchvision.models:resnet50`, `my.model:Net`, `my.model:net`.

    What stands behind the colon is a module, or is called without arguments to make one; it is looked for in the
    current folder as well. This runs the code that is named. Raises ConvcostError, in one line, for a name that is
    none, for whatever that code raises, and for what is no module.
    """
    from torch import nn

    package, colon, attribute = name.partition(":")
    if not (package and colon and attribute):
        raise ConvcostError(f"--module {name!r}: write it as package.module:callable")
    found: Any = _imported(package, name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ConvcostError(f"--module {name!r}: there is no {part!r} in it{did_you_mean(part, dir(found))}")
        found = getattr(found, part)
    if not isinstance(found, nn.Module) and callable(found):
        try:
            found = found()
        except Exception as error:  # noqa: BLE001  # the user's code may raise anything
            raise ConvcostError(f"--module {name!r}: {_said(error)}") from None
    if not isinstance(found, nn.Module):
        kind = "a Python module" if ismodule(found) else f"a {type(found).__name__}"
        raise ConvcostError(f"--module {name!r}: a torch.nn.Module is needed, and this is {kind}")
    return found


def _imported(package: str, name: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")  # the current folder, as `python -m` has it
    try:
        return import_module(package)
    except Exception as error:  # noqa: BLE001  # the user's code may raise anything
        raise ConvcostError(f"--module {name!r}: {_said(error)}") from None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
