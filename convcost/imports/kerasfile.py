"""Keras with a backend that is installed, and `.keras` files: their description alone, and that of Keras' own classes.

A file is an archive of config.json, metadata and weights; weights are not read. Building a model of its config makes
objects of the classes that it names, so every name is looked at before: layers and the like of Keras' own.
Importing this module imports no Keras.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

from convcost.errors import ConvcostError, MissingExtraError, reason, reported

if TYPE_CHECKING:
    from convcost.imports.kerasmodel import Model

MAX_BYTES = 32 << 20
"""Of a description; that of the largest model of keras.applications has 1 MB."""
BACKENDS = ("tensorflow", "torch", "jax")
"""In the order in which they are taken; that of numpy needs jax as well."""
_SAFE = re.compile(
    r"keras(\.(initializers|regularizers|constraints|layers|models|dtype_policies|activations)"
    r"|\.src\.(initializers|regularizers|constraints|layers|models|dtype_policies|activations)(\.\w+)*"
    r"|\.src\.ops\.(numpy|nn|math|image|core|linalg))?"
)
"""Modules whose classes are made of their config alone."""
_OF_APPLICATIONS = {
    ("keras.src.applications.convnext", "LayerScale"),
    ("keras.src.applications.convnext", "StochasticDepth"),
    ("keras.src.applications.inception_resnet_v2", "CustomScaleLayer"),
}
_UNSAFE = frozenset(
    (
        "Lambda",
        "TorchModuleWrapper",
        "TFSMLayer",
        "FlaxLayer",
        "JaxLayer",
        "TextVectorization",
        "StringLookup",
        "IntegerLookup",
        "FeatureSpace",
        "Hashing",
        "HashedCrossing",
        "Discretization",
        "CategoryEncoding",
        "Map",
        "Scan",
        "WhileLoop",
        "ForiLoop",
        "Cond",
        "Switch",
        "VectorizedMap",
        "AssociativeScan",
        "Pipeline",
        "RandomApply",
    )
)
"""Classes that run code of the file's, or open other files, or look things up."""
_VALUES = frozenset(
    ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__")
)
"""What stands for values."""


def keras_module() -> ModuleType:
    """Keras, with the backend that it is set to use, if that is installed, else with one that is."""
    if "keras" not in sys.modules and "KERAS_BACKEND" not in os.environ and find_spec(_configured()) is None:
        found = next((one for one in BACKENDS if find_spec(one) is not None), None)
        if found is None:
            raise MissingExtraError(f"a backend of Keras ({', '.join(BACKENDS)})", "keras")
        os.environ["KERAS_BACKEND"] = found
    with reported("Keras does not start"):
        return import_module("keras")


def _configured() -> str:
    """The backend of the user's configuration; Keras itself writes one, of tensorflow, whether it is there or not."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        said = json.loads((home / "keras.json").read_bytes())["backend"]
    except (OSError, ValueError, LookupError, TypeError):
        said = BACKENDS[0]
    return said if said in BACKENDS else BACKENDS[0]


def read(path: Path, name: str) -> Model:
    """The model of a `.keras` file, without weights. Raises ConvcostError, in one line, for what is none."""
    config = _config(path)
    for said in _classes(config):
        _require_own(path, said)
    keras = keras_module()
    from convcost.imports.kerasmodel import Model, weightless

    with reported(f"{path}: Keras makes no model of it"), weightless():
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    return Model(model, name, weightless=True)


def _config(path: Path) -> dict[str, Any]:
    try:
        with ZipFile(path) as archive:
            entry = archive.getinfo("config.json")
            if entry.file_size > MAX_BYTES:
                raise ConvcostError(f"{path}: a description of {entry.file_size:,} bytes, more than {MAX_BYTES:,}")
            config = json.loads(archive.read(entry))
    except (BadZipFile, KeyError, ValueError, NotImplementedError, RecursionError, RuntimeError, EOFError) as error:
        if isinstance(error, ConvcostError):
            raise
        raise ConvcostError(f"{path}: no .keras file, or not all of one ({reason(error)})") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ConvcostError(f"{path}: no .keras file: its config.json is of no model")
    return {key: value for key, value in config.items() if key != "compile_config"}


def _classes(tree: Any) -> Iterator[dict[str, Any]]:
    """Everything that names a class, within a bounded depth."""
    todo = [tree]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            one.pop("compile_config", None)  # an optimiser and losses are no part of a network
            if "class_name" in one:
                yield one
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _require_own(path: Path, said: dict[str, Any]) -> None:
    """Refuse a class that is not Keras' own, or runs code of the file. Raises ConvcostError."""
    name, module, registered = (said.get(key) for key in ("class_name", "module", "registered_name"))
    config = said.get("config")
    called = config.get("name") if isinstance(config, dict) else None
    where = f"layer {called}, a {name}" if isinstance(called, str) else f"a {name}"
    if name in _VALUES:
        return
    if name == "function":
        if module not in ("builtins", "keras.activations") or not isinstance(config, str):
            raise ConvcostError(f"{path}: the function {config} is none of Keras' own activations")
        return
    if name in _UNSAFE or name == "__lambda__":
        raise ConvcostError(f"{path}: {where}, holds code or opens files, which is not done: nothing in a file is run")
    own = isinstance(module, str) and (_SAFE.fullmatch(module) or (module, name) in _OF_APPLICATIONS)
    if not own or (registered is not None and registered != name):
        raise ConvcostError(
            f"{path}: {where}, is none of Keras' own: its code is not in the file; import the model in Python, "
            "convcost.from_keras(model)"
        )
