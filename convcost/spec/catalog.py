"""Finding specs: the networks shipped with convcost, by name, and a user's own, by path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from convcost.errors import ConvcostError, did_you_mean
from convcost.spec.model import Spec

_SETTING = re.compile(r"\s+(?=[A-Za-z_][A-Za-z_0-9]*=)")


class UnknownNetworkError(ConvcostError):
    """No shipped network is called so: perhaps people call one so, see `spec.names`."""


class Reference(NamedTuple):
    """What a name such as `resnet50@v1.5` stands for."""

    spec: Spec
    network: str
    variant: str | None

    @property
    def name(self) -> str:
        """Network and variant, as a user would type them."""
        return f"{self.network}@{self.variant}" if self.variant is not None else self.network


@cache
def specs_dir() -> Path:
    """The folder of the shipped specs: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "specs"
    return installed if installed.is_dir() else package.parent / "specs"


@cache
def shipped_files() -> tuple[Path, ...]:
    """The spec files that come with convcost, by name."""
    return tuple(sorted(specs_dir().glob("*.yaml")))


@cache
def shipped(path: Path) -> Spec:
    """A shipped spec file, read once a process."""
    return Spec.read(path)


def shipped_networks() -> Iterator[Reference]:
    """Every shipped network in its default variant."""
    for path in shipped_files():
        spec = shipped(path)
        for network in spec.networks:
            yield Reference(spec, network, spec.default_variant(network))


def resolve(name: str) -> Reference:
    """The network that `name`, `name@variant`, `file.yaml`, `file.yaml@variant` or `file.yaml:network@variant` means.

    Raises ConvcostError, with the closest known name, if there is none, or if the name is a family of several networks.
    """
    base, variant = _split_variant(name)
    spec, network = _from_path(base) if _is_path(base) else _from_shipped(base)
    variants = spec.variants_of(network)
    if variant is None:
        variant = spec.default_variant(network)
    elif variant not in variants:
        known = f"its variants are {', '.join(variants)}" if variants else "it has none"
        raise ConvcostError(f"{network} has no variant {variant!r}{did_you_mean(variant, variants) or '; ' + known}")
    return Reference(spec, network, variant)


def split_settings(name: str) -> tuple[str, list[str]]:
    """A name, and the settings behind it: `resnet34@v1 shortcut=A input=3x192x192`."""
    first, *settings = _SETTING.split(name.strip())
    return first, settings


def path_reference(path: Path) -> str:
    """The path as `resolve` takes it: a file's name alone could be a network's, unless it ends in .yaml."""
    return str(path) if _is_path(str(path)) else f"./{path}"


def _split_variant(name: str) -> tuple[str, str | None]:
    base, at, variant = name.rpartition("@")
    return (base, variant) if at and "/" not in variant and not variant.endswith((".yaml", ".yml")) else (name, None)


def _is_path(base: str) -> bool:
    """Whether a name is a file's: it says so, or has a slash and the folder before it is there, unlike ViT-B/16's."""
    file, _, _ = base.rpartition(":")
    if base.endswith((".yaml", ".yml")) or file.endswith((".yaml", ".yml")):
        return True
    return "/" in base and (base.startswith((".", "/", "~")) or _is_folder(Path(base).parent))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long for one
        return False


def _from_path(base: str) -> tuple[Spec, str]:
    file, colon, network = base.rpartition(":")
    if not (colon and file.endswith((".yaml", ".yml"))):
        file, network = base, ""
    spec = Spec.read(Path(file))
    return spec, _network(spec, network or spec.name, file)


def _from_shipped(base: str) -> tuple[Spec, str]:
    # A network's file is named after it or after its family, so the longest matching name is tried before all are read.
    files = {path.stem: path for path in shipped_files()}
    likely = sorted((stem for stem in files if base.startswith(stem)), key=len, reverse=True)
    for stem in [*likely, *(stem for stem in files if stem not in likely)]:
        spec = shipped(files[stem])
        if base in spec.networks or base == spec.name:
            return spec, _network(spec, base, base)
    known = [reference.network for reference in shipped_networks()]
    hint = did_you_mean(base, known) or "; see convcost list"
    if Path(base).is_file():
        hint = f"; for the file of this name write {path_reference(Path(base))}"
    raise UnknownNetworkError(f"unknown network {base!r}{hint}")


def _network(spec: Spec, name: str, asked: str) -> str:
    if name in spec.networks:
        return name
    if name != spec.name:
        raise ConvcostError(f"{asked} has no network {name!r}{did_you_mean(name, spec.networks)}")
    if len(spec.networks) == 1:
        return next(iter(spec.networks))
    raise ConvcostError(f"{asked} is a family: choose one of {', '.join(spec.networks)}")
