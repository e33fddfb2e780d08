"""Runs of text in a style each: broken into lines at spaces, and as a terminal is told of them.

rich's console does as much, and takes longer to import than a table to print.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

from rich.cells import cell_len, chop_cells
from rich.color import ColorSystem
from rich.style import Style

Run: TypeAlias = tuple[str, Style]
Line: TypeAlias = list[Run]
_WORD = re.compile(r" *[^ ]+ *")


def cells(line: Iterable[Run]) -> int:
    """The columns that a line takes."""
    return sum(cell_len(text) for text, _ in line)


def wrapped(line: Sequence[Run], width: int) -> list[Line]:
    """The line as lines no wider than the width, broken at spaces, and within a word that is wider."""
    if cells(line) <= width:
        return [[*line]]
    plain = "".join(text for text, _ in line)
    lines: list[Line] = []
    for start, end in pairwise([*_starts(plain, width), len(plain)]):
        end = start + len(plain[start:end].rstrip())
        lines.append([])
        at = 0
        for text, style in line:
            if part := text[max(0, start - at) : max(0, end - at)]:
                lines[-1].append((part, style))
            at += len(text)
    return lines


def _starts(text: str, width: int) -> list[int]:
    """Where in the text its lines begin."""
    starts = [0]
    used = 0
    for found in _WORD.finditer(text):
        word = found[0]
        size = cell_len(word.rstrip())
        if used + size <= width:
            used += cell_len(word)
            continue
        start = found.start()
        for part in [word] if size <= width else chop_cells(word.rstrip(), width):
            if start:
                starts.append(start)
            start += len(part)
            used = cell_len(part)
        used += len(word) - len(word.rstrip()) if size > width else 0
    return starts


def ansi(runs: Iterable[Run], *, color: bool) -> str:
    """The text, with the codes of its styles if there is to be colour."""
    if not color:
        return "".join(text for text, _ in runs)
    return "".join(style.render(text, color_system=ColorSystem.STANDARD) for text, style in runs)
