"""Hostile, mutated and random files: bounded time and memory, and a table or one clear error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from effort import bounded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rawtables import TABLES, TABULAR

from convcost.errors import ConvcostError
from convcost.tablefiles.reading import READERS, read_table


def filled(unit: str, suffix: str) -> str:
    """As much of the unit as a file of this kind may hold."""
    return unit * (READERS[suffix][1] // len(unit.encode()))


HOSTILE = {
    "csv separators": (".csv", filled(",", ".csv")),
    "csv empty lines": (".csv", filled("\n", ".csv")),
    "csv quotes": (".csv", filled('"', ".csv")),
    "md lines": (".md", filled("a\n", ".md")),
    "md rows": (".md", "|a|b|\n|-|-|\n" + filled("|1|2|\n", ".md")[:-20]),
    "md tables": (".md", filled("|a|b|\n|-|-|\n|1|2|\n\n", ".md")),
    "md columns": (".md", "|" + "a|" * 4000 + "\n|" + "-|" * 4000 + "\n" + "|x\n" * 50_000),
    "md quotes": (".md", filled("> ", ".md")),
    "md references": (".md", filled("[a]: b\n", ".md")),
    "md styles": (".md", "|a|b|\n|-|-|\n" + filled("|*a*|<i>|\n", ".md")[:-20]),
    "md tags": (".md", "|a|b|\n|-|-|\n" + filled("|" + "<b>" * 200 + "1|1|\n", ".md")[:-20]),
    "tex styles": (".tex", TABULAR % ("a & b \\\\ 1 & " + r"\a{" * 38 + "1" + "}" * 38)),
    "tex sizes": (".tex", TABULAR % (r"\tiny1" * 15_900)),
    "tex covers": (".tex", TABULAR % (r"\multirow{1}{*}{}" * 2_000 + "& 1")),
    "tex separators": (".tex", TABULAR % ("&" * 15_900)),
    "tex spaces": (".tex", TABULAR % (" " * 90_000)),
    "tex quotes": (".tex", TABULAR % ("``" * 45_000)),
    "tex merged": (".tex", TABULAR % (r"\multicolumn{9999}{c}{a}&" * 1_990)),
    "tex macros": (".tex", TABULAR % (r"\a" * 15_900)),
    "tex rules": (".tex", TABULAR % ("a" * 9 + r"$b$ \hline" * 5_000)),
    "tex begins": (".tex", filled(r"\begin{tabular}{ll}", ".tex")),
    "tex backslashes": (".tex", filled("\\", ".tex")),
    "tex letters": (".tex", r"\begin{tabular}" + "{" * 2_000_000),
    "txt bars": (".txt", filled("|", ".txt")),
    "txt cells": (".txt", filled("a  1\n", ".txt")),
    "txt columns": (".txt", filled("a  ", ".txt")[: 64 * 1024] + "\na  b\n"),
    "txt stairs": (".txt", "\n".join(" " * n + "a  1" for n in range(450))),
    "txt blanks": (".txt", "a|" + filled(" ", ".txt")[:-100] + "|b\nc|d\n"),
    "tex definitions": (".tex", r"\newcommand{\a}{b}" * 100_000 + TABULAR % (r"\a" * 15_000)),
    "tex inputs": (".tex", filled(r"\input{a}", ".tex")),
    "html comments": (".html", filled("<!--", ".html")),
    "html closed comments": (".html", filled("<!---->", ".html")),
    "html tables": (".html", filled("<table>", ".html")),
    "html attributes": (".html", "<table><tr><td " + " ".join(f"a{n}" for n in range(18_500)) + ">"),
    "html rules": (".html", "<table><tr><td>a<td style='" + "a:b;" * 30_000 + "'>1"),
    "html raised": (".html", "<table><tr><td>a<td>" + "<sup>^</sup>" * 9_000),
    "html rowspans": (".html", "<table><tr><td>a<td>b" + "<tr><td rowspan=9999>a" * 5_900),
}

MEASURE = """
import sys, time
from convcost.errors import ConvcostError
from convcost.tablefiles.reading import read_table
start = time.process_time()
try:
    read_table(sys.argv[1])
except ConvcostError:
    pass
# Not ru_maxrss, which starts from what the process that forked this one held.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(time.process_time() - start, int(peak) // 1024)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_little_time_and_200_mb(tmp_path: Path, name: str) -> None:
    suffix, text = HOSTILE[name]
    path = tmp_path / f"t{suffix}"
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    seconds, megabytes = map(float, done.stdout.split())
    assert bounded(seconds)
    assert megabytes < 200


# --- nothing but a table or one clear error -----------------------------------------------------------

SEEDS = [(path.suffix, path.read_text()) for path in sorted(TABLES.iterdir())]
PIECES = st.sampled_from([*r"|&\{}$%,^_~`[]()é", '"', "\n", "\t", "\u202e", "--", "](", "|-|-|", "1", "4.2M"])
TEX_PIECES = [
    r"\\",
    r"\\[2pt]",
    r"\hline",
    r"\midrule",
    r"\verb|x|",
    r"\'e",
    r"\cite",
    r"\footnote",
    r"\SI",
    r"\ours",
]
TEX_PIECES += [
    r"\multirow{2}{*}{x}",
    r"\multicolumn{2}{c}{1}",
    r"\begin{tabular}{l}",
    r"\end{tabular}",
    r"\left(",
]
TEX_PIECES += [
    r"\(",
    r"\]",
    r"\frac{1}{2}",
    r"\sqrt[3]{2}",
    r"\begin{array}",
    r"\cmidrule(l){1-2}",
    r"\makecell[l]{a\\b}",
]
HTML_PIECES = [
    "<td>",
    "</tr>",
    "<tr>",
    "<table>",
    "</table>",
    "<td colspan=2>",
    "<td rowspan=2>",
    "<!--",
    "<sup>",
    "&amp;",
]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, str]:
    """A real table with a few places changed, or a tabular made of pieces."""
    pieces = PIECES | st.sampled_from(TEX_PIECES) | st.sampled_from(HTML_PIECES)
    if draw(st.integers(0, 3)) == 0:
        return ".tex", TABULAR % ("a & b \\\\" + " ".join(draw(st.lists(pieces, max_size=12))))
    suffix, text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(range(len(text) + 1)))
        removed = draw(st.sampled_from([0, 0, 0, 1, 3, 30]))
        text = text[:place] + draw(pieces) * (removed < 3) + text[place + removed :]
    return suffix, text


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated() | st.tuples(st.sampled_from(sorted(READERS)), st.text(max_size=200)))
def test_mutated_tables_are_read_or_refused(tmp_path: Path, file: tuple[str, str]) -> None:
    suffix, text = file
    path = tmp_path / f"m{suffix}"
    path.write_bytes(text.encode(errors="replace"))
    for number in (None, 1):
        try:
            table = read_table(path, table=number)
        except ConvcostError:
            continue
        assert table.rows
        assert all(len(row.cells) == len(table.columns) for row in table.rows)
        return


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), suffix=st.sampled_from(sorted(READERS)))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"b{suffix}"
    path.write_bytes(data)
    try:
        read_table(path)
    except ConvcostError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - a table is as good an answer
