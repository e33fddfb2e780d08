"""Pictures of networks: what is drawn, and how each program that draws wants to be told."""

from __future__ import annotations

from convcost.cost.cost import Cost
from convcost.errors import ConvcostError


def written(cost: Cost, format: str, *, depth: int | None = None, scope: str = "", by: str = "macs") -> bytes:
    """A cost drawn as `svg`, `png`, `dot` or `mermaid`, or as Model Explorer's `explorer` and `overlay`.

    `depth`, `scope` and `by` are those of `convcost.pictures.picture.picture`; Model Explorer folds scopes itself, and
    takes none. Raises ConvcostError as these do, for another format, and for SVG and PNG without Graphviz.
    """
    if format in ("explorer", "overlay"):
        from convcost.pictures import explorer

        if depth is not None or scope:
            raise ConvcostError(f"{format} has every layer: it takes no depth and no scope")
        return (explorer.graph(cost) if format == "explorer" else explorer.overlay(cost, by)).encode()
    from convcost.pictures.picture import picture

    drawing = picture(cost, depth=depth, scope=scope, by=by)
    match format:
        case "mermaid":
            from convcost.pictures.mermaid import mermaid

            return mermaid(drawing).encode()
        case "dot":
            from convcost.pictures.dot import dot

            return dot(drawing).encode()
        case "svg" | "png":
            from convcost.pictures.dot import drawn

            return drawn(drawing, format)
    raise ConvcostError(f"unknown format {format!r}: one of svg, png, dot, mermaid, explorer, overlay")
