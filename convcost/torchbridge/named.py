"""Modules of the user's, named on a command line: `package.module:callable`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib import import_module
from inspect import ismodule
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from convcost.errors import ConvcostError, did_you_mean

if TYPE_CHECKING:
    from torch import nn


def module_named(name: str, arguments: Mapping[str, Any] | None = None, said: str = "") -> nn.Module:
    """The module that a name makes: `torchvision.models:resnet50`, `my.model:Net`, `my.model:net#backbone`.

    What stands behind the colon is a module, or is called with the arguments to make one; behind a # stands a part of
    it. It is looked for in the current folder as well. This runs the code that is named. `said` is how errors call it.
    Raises ConvcostError, in one line, for a name that is none, for whatever that code raises, and for what is no
    module.
    """
    from torch import nn

    said = said or f"--module {name!r}"
    whole, _, part_of_it = name.partition("#")
    package, colon, attribute = whole.partition(":")
    if not (package and colon and attribute):
        raise ConvcostError(f"{said}: write it as package.module:callable")
    found: Any = _imported(package, said)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ConvcostError(f"{said}: there is no {part!r} in it{did_you_mean(part, dir(found))}")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        if arguments:
            raise ConvcostError(f"{said}: it is a module already, and takes no {', '.join(arguments)}")
    elif callable(found):
        found = _run(said, found, **(arguments or {}))
    if not isinstance(found, nn.Module):
        kind = "a Python module" if ismodule(found) else f"a {type(found).__name__}"
        raise ConvcostError(f"{said}: a torch.nn.Module is needed, and this is {kind}")
    if not part_of_it:
        return found
    parts: dict[str, nn.Module] = dict(found.named_modules(remove_duplicate=False))
    if part_of_it not in parts:
        raise ConvcostError(f"{said}: it has no part {part_of_it!r}{did_you_mean(part_of_it, parts)}")
    return parts[part_of_it]


def _imported(package: str, said: str) -> Any:
    if "" not in sys.path:
        sys.path.insert(0, "")  # the current folder, as `python -m` has it
    try:
        return _run(said, import_module, package)
    except ConvcostError as error:
        missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
        raise ConvcostError(f"{error}{_near(missing or '')}") from None


def _run(said: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What code of the user's returns; what it prints is no part of what a command does. Raises ConvcostError."""
    try:
        with redirect_stdout(sys.stderr):
            return function(*arguments, **named)
    except SystemExit as error:
        raise ConvcostError(f"{said}: it ends Python ({error.code})") from error
    except Exception as error:
        raise ConvcostError(f"{said}: {_said(error)}") from error


def _near(package: str) -> str:
    """A package of nearly the name of one that there is not."""
    parent, _, last = package.rpartition(".")
    folders = list(getattr(sys.modules.get(parent), "__path__", ())) if parent else None
    return did_you_mean(last, (one.name for one in iter_modules(folders)))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
