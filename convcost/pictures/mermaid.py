"""Mermaid's text of a picture, which GitHub, GitLab, Notion and Obsidian draw where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from convcost.errors import one_line
from convcost.pictures.picture import Box, Frame, Picture
from convcost.pictures.style import caption, fill, lines, name


def mermaid(picture: Picture) -> str:
    """A flowchart from top to bottom."""
    ids = {box.name: f"n{number}" for number, box in enumerate(picture.boxes)} | {"": "input"}
    said = ["---", f"title: {_quoted(f'{picture.title}: {caption(picture)}')}", "---", "flowchart TD"]
    said.append(f"  input([{_quoted(picture.input)}])")
    for item in picture.items:
        said += _item(item, ids, picture.by, "  ")
    for arrow in picture.arrows:
        label = f"|{_quoted(', '.join(arrow.shapes))}|" if arrow.source else ""
        said.append(f"  {ids[arrow.source]} -->{label} {ids[arrow.target]}")
    for box in picture.boxes:
        dashed = ",stroke-dasharray:4" if box.aux else ""
        said.append(f"  style {ids[box.name]} fill:{fill(box)},stroke:#555555,color:#111111{dashed}")
    return "\n".join([*said, ""])


def _item(item: Box | Frame, ids: dict[str, str], by: str, indent: str) -> Iterator[str]:
    if isinstance(item, Box):
        yield f"{indent}{ids[item.name]}[{_quoted(*[name(item), *lines(item, by)])}]"
        return
    yield f"{indent}subgraph s{ids[item.boxes[0].name]}_{item.name.count('/')} [{_quoted(name(item))}]"
    for part in item.inside:
        yield from _item(part, ids, by, indent + "  ")
    yield f"{indent}end"


def _quoted(*texts: str) -> str:
    """Lines of a label; what means something to Mermaid or HTML is written as an entity."""
    said = "<br/>".join("".join(_ENTITIES.get(sign, sign) for sign in one_line(text)) for text in texts)
    return f'"{said}"'


_ENTITIES = {sign: f"#{ord(sign)};" for sign in '"<>&#;`\\[]{}|*_~'}
