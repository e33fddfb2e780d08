"""The spec that `convcost new` starts a user with."""

from __future__ import annotations

from pathlib import Path

from convcost.errors import ConvcostError
from convcost.files.writing import create

_TEMPLATE = """\
# yaml-language-server: $schema=spec.schema.json
# Editors complete and check by that file: convcost schema spec > spec.schema.json
# A network, layer by layer, as a paper's table would say it.
# convcost check FILE says whether it is valid, convcost layers FILE what it costs.
name: {name}
title: A small residual network
source: "where its structure comes from: paper, table, code and version"
input: 3x32x32            # channels x height x width

knobs:                    # values to ask for with --set classes=100
  classes: 10
  width: 16

variants:                 # names for settings of knobs: {name}@wide; the first is the default
  narrow: {{width: 16}}
  wide: {{width: 64}}

defaults:                 # arguments that every conv gets unless its call says otherwise
  conv: {{padding: same, bias: false, then: bn >> relu}}

blocks:                   # a block is written once and called like an operator
  residual(c, stride=1):
    - add:
        main: conv(c, 3, stride=stride) >> conv(c, 3, then=bn)
        shortcut: conv(c, 1, stride=stride, then=bn) if stride > 1 else identity
    - relu

layers:                   # one after the other; the name in front is what tables and errors call it
  - stem: conv(width, 3)
  - stage1: {{repeat: 2, layers: residual(width)}}
  - stage2: residual(2*width, stride=2)
  - pool: global_avgpool
  - fc: linear(classes)
"""


def write(path: Path) -> None:
    """Write the template to a new file. Raises ConvcostError if there is one already, or if it cannot be written."""
    stem = path.name.split(".")[0]
    name = (
        stem
        if stem.isprintable() and stem and not set(stem) & set("@/: #'\"{}[],&*!|>%`") and stem[0] not in "-?"
        else "my_network"
    )
    try:
        create(path, _TEMPLATE.format(name=name).encode())
    except FileExistsError:
        raise ConvcostError(f"{path}: there is a file of this name already") from None
    except OSError as error:
        raise ConvcostError(f"{path}: {error.strerror or error}") from None
