"""Graphviz: the DOT text of a picture, and the SVG or PNG that `dot` makes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from html import escape
from shutil import which

from convcost.errors import ConvcostError, one_line
from convcost.pictures.picture import Arrow, Box, Frame, Picture
from convcost.pictures.style import caption, fill, lines, name

_TABLE = '<table border="0" cellborder="0" cellspacing="0" cellpadding="1">'  # of lines: as high as the font at hand
SECONDS = 60
"""That Graphviz may take."""


def dot(picture: Picture) -> str:
    """DOT text, for `dot` and whatever else reads it."""
    ids = {box.name: f"n{number}" for number, box in enumerate(picture.boxes)} | {"": "input"}
    title = f"<b>{_text(picture.title)}</b><br/>{_text(caption(picture))}"
    said = [
        "digraph network {",
        f"  label=<{title}>; labelloc=t; fontname=Helvetica; fontsize=13;",
        "  ranksep=0.28; nodesep=0.25; bgcolor=white;",
        '  node [shape=box, style="filled,rounded", color="#555555"];',
        '  node [fontname=Helvetica, fontsize=11, fontcolor="#111111", margin="0.08,0.05"];',
        '  edge [fontname=Helvetica, fontsize=9, fontcolor="#444444", color="#777777", arrowsize=0.6];',
        f"  input [label=<{_text(picture.input)}>, shape=plaintext, style=solid];",
    ]
    for item in picture.items:
        said += _item(item, ids, picture.by, "  ")
    said += [_arrow(arrow, ids) for arrow in picture.arrows]
    return "\n".join([*said, "}", ""])


def drawn(picture: Picture, format_: str) -> bytes:
    """The picture as `svg` or `png`.

    Raises ConvcostError where Graphviz is not installed, fails, or takes longer than SECONDS.
    """
    program = which("dot")
    if program is None:
        raise ConvcostError(
            "Graphviz is not installed: apt-get install graphviz (or brew, dnf, choco install graphviz); "
            "--format mermaid and dot need nothing"
        )
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and nothing of the command is a user's
            [program, f"-T{format_}"], input=dot(picture).encode(), capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ConvcostError(f"Graphviz takes more than {SECONDS} s: a smaller --depth has fewer boxes") from None
    except OSError as error:
        raise ConvcostError(f"{program}: {error.strerror or error}") from None
    if done.returncode:
        raise ConvcostError(f"Graphviz: {one_line(done.stderr.decode(errors='replace').strip())[:300]}")
    return done.stdout


def _item(item: Box | Frame, ids: dict[str, str], by: str, indent: str) -> Iterator[str]:
    if isinstance(item, Box):
        rows = "".join(
            f"<tr><td>{line}</td></tr>" for line in (f"<b>{_text(name(item))}</b>", *map(_text, lines(item, by)))
        )
        style = ', style="filled,rounded,dashed"' if item.aux else ""
        yield f'{indent}{ids[item.name]} [label=<{_TABLE}{rows}</table>>, fillcolor="{fill(item)}"{style}];'
        return
    yield f"{indent}subgraph cluster_{ids[item.boxes[0].name]}_{item.name.count('/')} {{"
    yield f'{indent}  label=<<b>{_text(name(item))}</b>>; labeljust=l; style=rounded; color="#999999"; fontsize=11;'
    for part in item.inside:
        yield from _item(part, ids, by, indent + "  ")
    yield f"{indent}}}"


def _arrow(arrow: Arrow, ids: dict[str, str]) -> str:
    label = f" [label=<  {_text(', '.join(arrow.shapes))}>]" if arrow.source else ""
    return f"  {ids[arrow.source]} -> {ids[arrow.target]}{label};"


def _text(text: str) -> str:
    return escape(one_line(text), quote=True)
