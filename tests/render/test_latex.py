"""LaTeX as LaTeX reads it: it compiles, and no table is wider than its column."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

import convcost
from convcost.cli import run
from convcost.render import render
from convcost.render.papers import LONGEST
from convcost.views import explanations

DOCUMENT = r"""\documentclass[%s]{article}
\usepackage[T1]{fontenc} \usepackage{booktabs,graphicx,pifont}
\hfuzz=0.5pt
\begin{document}
See Table~\ref{%s}.
%s
\end{document}
"""


def label_of(text):
    (label,) = re.findall(r"\\label\{([^}]*)\}", text)
    return label


def wide():
    """Fifteen columns, long texts, and more rows than a page has."""
    cost = convcost.load("googlenet").price()
    return [cost.table(depth=1), cost.table(), explanations.explanation(cost["conv1"], cost)]


def test_a_label_is_made_of_the_title():
    assert label_of(render(convcost.load("lenet5").price().table(), "latex")) == "tab:lenet5-paper"


def test_what_is_longer_than_a_page_goes_on_under_the_same_number():
    table = convcost.load("googlenet").price().table()
    text = render(table, "latex")
    parts = text.split("\\begin{table}")[1:]
    assert len(parts) == -(-len(table.rows) // LONGEST) > 2
    assert [part.count("\\addtocounter{table}{-1}") for part in parts] == [0, *(1 for _ in parts[1:])]
    assert text.count("\\label{") == 1
    rows = [part.split("\\midrule", 1)[1].count(" \\\\\n") for part in parts]
    assert (max(rows), sum(rows)) == (LONGEST, len(table.rows))


def test_numbers_below_zero_have_a_minus(capsys):
    assert run(["compare", "resnet50@v1", "resnet50@v1.5", "--format", "latex"]) == 0
    assert r"$-$6.0\%" in capsys.readouterr().out


def has_latex():
    """Whether there is a LaTeX, and the font of the marks."""
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    return subprocess.run(["kpsewhich", "pzdr.tfm"], capture_output=True).returncode == 0


@pytest.mark.skipif(
    not has_latex(), reason="needs LaTeX: apt-get install texlive-latex-recommended texlive-fonts-recommended"
)
@pytest.mark.parametrize("style", ["twocolumn", "11pt"])
def test_tables_compile_and_fit_their_column(style, tmp_path):
    texts = [render(table, "latex") for table in wide()]
    document = tmp_path / "paper.tex"
    document.write_text(DOCUMENT % (style, label_of(texts[0]), "\n".join(texts)), encoding="utf-8")
    for _ in range(2):  # the second time it knows the references
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", document.name],
            cwd=tmp_path, capture_output=True, text=True, errors="replace",
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "paper.log").read_text(encoding="latin-1")
    assert r"Overfull \hbox" not in log
    assert "Float too large" not in log
    assert "undefined" not in log
