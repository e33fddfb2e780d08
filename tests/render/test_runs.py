"""Lines of runs: broken as rich's own text is, and no run loses its style."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.text import Text

from convcost.render.runs import Run, ansi, cells, wrapped

WORDS = st.lists(st.sampled_from(["a", "macs", "conv2_x/1/residual", "é漢", "漢漢漢漢", ""]), max_size=12).map(" ".join)
LINES = st.lists(st.tuples(WORDS, st.sampled_from([Style(), Style(bold=True)])), min_size=1, max_size=4)


@given(LINES, st.integers(2, 30))
def test_no_line_is_wider_and_nothing_but_space_is_lost(line: list[Run], width: int) -> None:
    lines = wrapped(line, width)
    assert all(cells(one) <= width for one in lines)

    def letters(runs: list[Run]) -> list[Run]:
        return [(letter, style) for text, style in runs for letter in text if letter != " "]

    assert letters([run for one in lines for run in one]) == letters(line)


@given(WORDS.map(str.split).map(" ".join), st.integers(2, 30))
def test_words_stand_on_the_lines_on_which_rich_puts_them(text: str, width: int) -> None:
    ours = [ansi(line, color=False) for line in wrapped([(text, Style())], width)]
    theirs = [line.plain.rstrip() for line in Text(text).wrap(Console(width=width), width)]
    assert len(ours) <= len(theirs)
    if all(cell_len(word) < width for word in text.split()):  # of a wider one rich puts the space on the next line
        assert ours == theirs


def test_a_style_is_a_code_only_where_there_is_colour() -> None:
    line = [("macs: ", Style(dim=True)), ("1", Style())]
    assert ansi(line, color=False) == "macs: 1"
    assert ansi(line, color=True) == "\x1b[2mmacs: \x1b[0m1"
