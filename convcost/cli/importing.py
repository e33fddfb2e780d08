"""Models of the user's as specs."""

from __future__ import annotations

from pathlib import Path

import click

from convcost.cli.options import NetworkName, input_option, load_network, say, set_option, strict_option
from convcost.errors import ConvcostError, one_line, warn


@click.command(name="import")
@click.argument("model", type=NetworkName())
@click.option("--out", "-o", type=click.Path(path_type=Path), help="A new FILE.yaml  [default: standard output]")
@input_option("Input shape, one each for several  [default: the model's own]")
@set_option("An argument of what makes the module; repeatable.")
@strict_option
def import_(model: str, out: Path | None, input_shape: str | None, settings: tuple[str, ...]) -> None:
    """Write the spec of a MODEL: a torch module, or a file.

    Of ONNX, torch.export, Keras, Darknet, Caffe or Ultralytics. It is read again before it is written: the same layers,
    with the same shapes, params and macs.

    Example: convcost import torch:torchvision.models:resnet50 --input 3x224x224 -o mine.yaml
    """
    from convcost.files.writing import create
    from convcost.imports.network import ImportedNetwork

    network = load_network(model, settings)
    if not isinstance(network, ImportedNetwork):
        raise ConvcostError(f"{model}: it is a spec already; `convcost show` prints it")
    text = network.to_spec(input_shape)
    if unused := network.unused_on(network.shape(input_shape)):
        others = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
        parameters = f"{sum(unused.values()):,} parameters that no output depends on"
        warn(f"{model}: {parameters} are not in the spec: {next(iter(unused))}{others}")
    if out is None:
        say(text, verbatim=True)
        return
    try:
        create(out, text.encode())
    except FileExistsError:
        raise ConvcostError(f"{out}: there is a file of this name already") from None
    say(f"wrote {one_line(str(out))}: {len(text.splitlines())} lines\n")
