"""Networks that are no spec: torch modules, Keras models and model files, as graphs with the interface of any network.

Importing this package imports no framework; what needs one says so in one line where it is missing.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from convcost.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn

    from convcost.cost.inputs import Given
    from convcost.imports.inputs import Known
    from convcost.imports.network import ImportedNetwork
    from convcost.imports.recipe import Recipe
    from convcost.ops import Shape

TORCH = "torch:"
"""What the name of a network begins with where it is code to run: never guessed, and read from no file."""


def from_torch(module: nn.Module, input: Any = None, /, *, name: str | None = None) -> ImportedNetwork:
    """The network that a torch module runs, for an input of a sample: `from_torch(module, (3, 224, 224))`.

    The module runs once in evaluation mode, on tensors without data: nothing is computed, no weight copied, and it is
    afterwards what it was. Its scopes are the names of layers.

    Args:
        module: any module that runs on tensors without reading their values.
        input: (channels, *sizes) or "3x224x224"; an example tensor, whose first axis is the batch; a list of such, or a
            dict of them by argument, where it takes several, which are called as its arguments.
        name: what tables call it; its class by default.

    Returns:
        A network with the interface of any other, and beside it `unused`, `tied`, `unknown` and `per_forward`.

    Raises:
        ConvcostError: in one line, with the layer, for whatever the module raises, for a ScriptModule, and for what is
            no cost of one sample. MissingExtraError without torch.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("torch", "torch")
    from convcost.imports.modules import imported

    return imported(module, input, name)


def from_onnx(path: str | PathLike[str], input: Given | str | None = None, /) -> ImportedNetwork:
    """The network of an ONNX file: `from_onnx("model.onnx")`, also `convcost.load("model.onnx")`.

    Needs no torch, reads no weights and no external data, and executes nothing. `input` is (channels, *sizes), where
    the file leaves it open or it is to be another one.

    Raises ConvcostError, in one line, for what is no ONNX file, and with the node for an operator without a rule and
    for one that does not fit; MissingExtraError without onnx.
    """
    if find_spec("onnx") is None:
        raise MissingExtraError("onnx", "onnx")
    from convcost.imports.onnxfile import Model

    return _of_file(Model(Path(path)), input, "imported from ONNX", partial(from_onnx, path))


def from_exported(path: str | PathLike[str], input: Given | str | None = None, /) -> ImportedNetwork:
    """The network of a file of torch.export: `convcost.load("model.pt2")`.

    Only the description of its graph is read: no weights, and nothing is executed. `input` is (channels, *sizes), where
    it was exported for any. Raises ConvcostError, in one line, for what is no such file, and with the layer for what
    does not fit; MissingExtraError without torch.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("torch", "torch")
    from convcost.imports.exported import Exported

    return _of_file(Exported(Path(path)), input, "imported from torch.export", partial(from_exported, path))


def from_keras(model: Any, input: Given | str | None = None, /, *, name: str | None = None) -> ImportedNetwork:
    """The network of a Keras 3 model, or of a `.keras` file: `from_keras(model)`, `convcost.load("model.keras")`.

    The model is run on tensors that have a shape and nothing else, whatever Keras' backend: nothing is computed. Of a
    file only the description is read, no weights, and what is not Keras' own in it is refused: nothing is executed.

    Args:
        model: functional, sequential or subclassed; one that has not been built yet is built for the input.
        input: (channels, *sizes) or "3x224x224", channels first whatever the model's own layout, where the model
            leaves it open or it is to be another one.
        name: what tables call it; the model's own by default.

    Raises:
        ConvcostError: in one line, with the layer, for what cannot be followed: code that calls the backend itself.
            MissingExtraError without Keras.
    """
    if find_spec("keras") is None:
        raise MissingExtraError("Keras", "keras")
    from convcost.imports.kerasfile import keras_module, read

    keras_module()  # with a backend that there is
    from convcost.imports.kerasmodel import Model

    if isinstance(model, str | PathLike):
        path = Path(model)
        return _of_file(
            read(path, name or str(path)), input, "imported from Keras", partial(from_keras, path, name=name)
        )
    return _of_file(Model(model, name or str(getattr(model, "name", "model"))), input, "imported from Keras", None)


def from_darknet(path: str | PathLike[str], input: Given | str | None = None, /) -> ImportedNetwork:
    """The network of a `.cfg` file of Darknet: `convcost.load("yolov3.cfg")`.

    `input` is (channels, *sizes), where it is to be another one than the file's. Raises ConvcostError, in one line with
    the file's, for what is none, and for a section that is unknown or does not fit.
    """
    from convcost.imports.darknet import Darknet

    return _of_file(Darknet(Path(path)), input, "imported from Darknet", partial(from_darknet, path))


def from_caffe(path: str | PathLike[str], input: Given | str | None = None, /) -> ImportedNetwork:
    """The network of a prototxt of Caffe, as it is tested: `convcost.load("deploy.prototxt")`.

    `input` is (channels, *sizes), where the file leaves it open or it is to be another one. Raises ConvcostError, in
    one line with the file's, for what is none, and for a layer that is unknown or does not fit.
    """
    from convcost.imports.caffe import Caffe

    return _of_file(Caffe(Path(path)), input, "imported from Caffe", partial(from_caffe, path))


def from_ultralytics(
    path: str | PathLike[str], input: Given | str | None = None, /, *, scale: str | None = None
) -> ImportedNetwork:
    """The network of a model YAML of Ultralytics: `convcost.load("yolov8.yaml scale=s")`.

    `scale` is one of the file's, by default the one in its name or the first. Raises ConvcostError, in one line with
    the file's, for what is none, and for a module that is unknown or does not fit.
    """
    from convcost.imports.ultralytics import Ultralytics

    return _of_file(
        Ultralytics(Path(path), scale), input, "imported from Ultralytics", partial(from_ultralytics, path, scale=scale)
    )


class _Source(Protocol):
    """What has been read, and can be run on an input."""

    name: str
    guess: Shape | None
    """An input that is usual, where it does not say one."""

    @property
    def known(self) -> Known: ...

    def run(self, shape: Shape) -> Recipe: ...


def _of_file(
    file: _Source, input: Given | str | None, source: str, make: Callable[[Given | None], ImportedNetwork] | None
) -> ImportedNetwork:
    """The network of a file that has been read, run once on its input if that is known."""
    from convcost.imports.inputs import completed, joined
    from convcost.imports.network import Again, ImportedNetwork, ImportedSpec

    known = file.known
    example = joined(known) if input is None else completed(file.name, known, input)
    again = None if make is None else Again(make, (example,))
    spec = ImportedSpec(file.name, file.run, example, source, file.guess, known, again)
    if example is not None:
        spec.recipe(example)
    return ImportedNetwork(spec, file.name, None)


def torch_named(name: str, arguments: Mapping[str, Any]) -> ImportedNetwork:
    """The network of `torch:package.module:callable`, or of a part of it, `...#part`; runs the code that is named.

    Raises ConvcostError, in one line, for a name that is none, for whatever the code raises and for what is no module.
    """
    from convcost.imports.network import Again
    from convcost.torchbridge import module_named

    made = from_torch(module_named(name.removeprefix(TORCH), arguments, name), name=name)
    made.spec.again = Again(_named_again, (name, tuple(arguments.items())))
    return made


def _named_again(name: str, arguments: Iterable[tuple[str, Any]]) -> ImportedNetwork:
    return torch_named(name, dict(arguments))


__all__ = [
    "TORCH",
    "from_caffe",
    "from_darknet",
    "from_exported",
    "from_keras",
    "from_onnx",
    "from_torch",
    "from_ultralytics",
    "torch_named",
]
