"""Inputs of imported networks: what they are called, and all of them where some are given."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from convcost.cost.inputs import Given, as_input, named
from convcost.errors import ConvcostError
from convcost.ops import Inputs, Shape
from convcost.spec.inputs import parse_input

Known = Mapping[str, Shape | None]
"""The inputs of a network by name, with the shape of each, where it is known."""


def names_of(said: Iterable[str], layers: Collection[str] = ()) -> tuple[str, ...]:
    """Names of inputs as options and formulas can have them, none twice and none that is a layer's or scope's."""
    found: list[str] = []
    for name in said:
        plain = re.sub(r"\W", "_", name, flags=re.ASCII)
        plain = plain if plain.isidentifier() else f"input_{plain}"
        base, n = f"{plain}_input" if plain in layers else plain, 2
        plain = base
        while plain in found or plain in layers or plain == "input":  # which is the first one, in a spec
            plain, n = f"{base}_{n}", n + 1
        found.append(plain)
    return tuple(found)


def joined(known: Known) -> Shape | None:
    """The inputs of a network as one `Shape`, None if one of them is not known."""
    shapes = {name: shape for name, shape in known.items() if shape is not None}
    if len(shapes) < len(known):
        return None
    return Inputs(shapes) if len(shapes) > 1 else next(iter(shapes.values()))


def completed(network: str, known: Known, given: Given | str | None) -> Shape:
    """All inputs where some are given, by name or in order. Raises ConvcostError for one of which nothing is known."""
    shapes: dict[str, Shape | None] = dict(known)
    if given is not None:
        said = parse_input(given) if isinstance(given, str) else given
        places = Inputs(dict.fromkeys(known, ()))
        for name, shape in named(network, places, said).items():
            shapes[name] = as_input(network if len(known) == 1 else f"{network}: {name}", shape)
    whole = joined(shapes)
    if whole is None:
        example = ",".join(f"{name}=3x224x224" for name in known) if len(known) > 1 else "3x224x224"
        missing = [name for name, shape in shapes.items() if shape is None]
        what = "what is its input" if len(known) == 1 else f"what is {missing[0]}, of its inputs {', '.join(known)}"
        raise ConvcostError(f"{network}: {what}? Say (channels, *sizes), like {example}")
    return whole
