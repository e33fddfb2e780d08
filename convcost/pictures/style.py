"""How boxes look in every kind of picture: one hue from light to dark, so that nothing depends on telling colours."""

from __future__ import annotations

from fractions import Fraction

from convcost.pictures.picture import Box, Frame, Picture
from convcost.render.numbers import in_bytes, percent, short

_LIGHT, _DARK = (0xF7, 0xFB, 0xFF), (0x42, 0x92, 0xC6)
"""Ends of ColorBrewer's blues, on both of which black can be read."""


def fill(box: Box) -> str:
    """The colour of a box: a third of all is as dark as it gets."""
    dark = min(3 * box.share, Fraction(1))
    return "#" + "".join(f"{round(a + (b - a) * dark):02x}" for a, b in zip(_LIGHT, _DARK, strict=True))


def counts(box: Box, by: str) -> list[str]:
    """What it costs, in lines, with the share that the shade repeats; nothing of what it has none of."""
    said = [f"{short(getattr(box, name))} {name}" for name in ("macs", "params") if getattr(box, name)]
    lines = [" · ".join(said)] if said else []
    if by == "memory":
        return [*lines, f"{in_bytes(box.memory, exact=False)} alive"]
    return [*lines, f"{percent(box.share)} of {by}"] if box.share else lines


def caption(picture: Picture) -> str:
    """What all of it costs, and what the shade means."""
    main = [box for box in picture.boxes if not box.aux]
    macs, params = (short(sum(getattr(box, name) for box in main)) for name in ("macs", "params"))
    return f"{macs} macs, {params} params; shade: {_SHADES[picture.by]}"


def name(item: Box | Frame) -> str:
    """What stands first: the label, and of several how many."""
    return f"{item.label} × {item.copies}" if item.copies > 1 else item.label


def lines(box: Box, by: str) -> list[str]:
    """What stands below the name: the operator, where the name does not say it, and the costs."""
    return [*([box.operator] if box.operator not in ("", box.label) else []), *counts(box, by)]


_SHADES = {"macs": "share of all macs", "params": "share of all params", "memory": "share of the peak of memory"}
