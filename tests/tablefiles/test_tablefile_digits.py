"""Digits that the author set apart: styles change no number, marks make no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rawtables import read, texts

from convcost.errors import ConvcostError
from convcost.printed.numbers import parse
from convcost.published.usertable import read_claims
from convcost.tablefiles.reading import read_table

CELL = {
    ".tex": r"\begin{tabular}{ll} a & b \\ x & %s \\ \end{tabular}",
    ".md": "|a|b|\n|-|-|\n|x|%s|\n",
    ".html": "<table><tr><td>a<td>b<tr><td>x<td>%s</table>",
    ".csv": 'a,b\nx,"%s"\n',
}


def cell_of(tmp_path: Path, suffix: str, cell: str) -> str:
    return read(tmp_path, suffix, CELL[suffix].replace("%s", cell)).rows[0].cells[1].text


def number_of(tmp_path: Path, suffix: str, cell: str) -> str | None:
    """The number that is read in the cell, None if it is refused."""
    text = cell_of(tmp_path, suffix, cell)
    try:
        return parse(text).normal
    except ConvcostError:
        return None


# What a reader does not read as the number: known footnote marks, struck-out and hidden text.
DROPPED = [
    (".tex", r"25.6\tnote{1}"),
    (".tex", r"25.6\tnotex{a:1}"),
    (".tex", r"25.6\tablefnmark{2}"),
    (".tex", r"25.6\tablenotemark{b}"),
    (".tex", r"25.6\footnotemark"),
    (".tex", r"25.6\footnotemark[1]"),
    (".tex", r"25.6\tmark[b]"),
    (".tex", r"25.6\tablefootnote{with 3 words}"),
    (".tex", r"25.6\footnote{1}"),
    (".tex", r"25.6\cite[p.~1]{a1}"),
    (".tex", r"25.6$^\dagger$"),
    (".tex", r"\sout{26}25.6"),
    (".tex", r"\sout{26} 25.6"),
    (".tex", r"\st{26}25.6"),
    (".tex", r"$\cancel{26}25.6$"),
    (".tex", r"\xout{\textbf{26}}\textbf{25.6}"),
    (".tex", r"\phantom{1}25.6"),
    (".html", "<del>26</del>25.6"),
    (".html", "<s>26</s> <ins>25.6</ins>"),
    (".html", "<strike>26</strike>25.6"),
    (".html", "25.6<span style='color: red; DISPLAY : none !important'>9</span>"),
    (".html", "25.6<span style='visibility:hidden'>9</span>"),
    (".html", "25.6<span style='font-size:0'>9</span>"),
    (".html", "<span style='text-decoration: line-through'>26</span>25.6"),
    (".html", "<span hidden>25600000</span>25.6"),
    (".html", "25.6<template>9</template>"),
    (".html", "25.6<sup>†</sup>"),
    (".md", "~~26~~25.6"),
    (".md", "~~26~~ **25.6**"),
    (".md", "<del>26</del>25.6"),
    (".md", "25.6<span hidden>9</span>"),
]


@pytest.mark.parametrize(("suffix", "cell"), DROPPED)
def test_known_marks_and_what_is_struck_out_or_hidden_are_not_read(tmp_path: Path, suffix: str, cell: str) -> None:
    assert number_of(tmp_path, suffix, cell) == "25.6"


# Style, the number in it as a whole, and what is read.
STYLED = [
    (".tex", r"\textbf{25.6}", "25.6"),
    (".tex", r"\best{25.6M}", "25.6M"),
    (".tex", r"\best{25.6}M", "25.6M"),
    (".tex", r"{\small 25.6M}", "25.6M"),
    (".tex", r"\small 25.6M", "25.6M"),
    (".tex", r"{\bf 25.6}M$^1$", "25.6M"),
    (".tex", r"25.6M\textsuperscript{b}", "25.6M"),
    (".tex", r"\href{http://x/1}{25.6}M", "25.6M"),
    (".tex", r"\underline{\textbf{25.6}}\,M", "25.6M"),
    (".tex", r"25{,}636{,}712", "25636712"),
    (".tex", r"25{,}\!636{,}\!712", "25636712"),
    (".tex", r"25\,636\,712", "25636712"),
    (".tex", r"3.8$\times$\textbf{10}$^9$", "3.8e9"),
    (".tex", r"\textbf{3.8}$\times10^{12}$", "3.8e12"),
    (".tex", r"\textbf{$\sim$}25.6", "~25.6"),
    (".html", "<b><span style='color:red'>25.6</span></b>M", "25.6M"),
    (".html", "<a href=x>25.6</a>M", "25.6M"),
    (".html", "<small>25.6M</small>", "25.6M"),
    (".html", "25.6M<sup><a href='#1'>1</a></sup>", "25.6M"),
    (".html", "25.6M<a href='#1'><sup>1</sup></a>", "25.6M"),
    (".html", "<b>4.1</b>&times;<i>10<sup>9</sup></i>", "4.1e9"),
    (".html", "<p>25.6</p>", "25.6"),
    (".html", "25&nbsp;636&nbsp;712", "25636712"),
    (".html", "<math><mn>25.6</mn></math>", "25.6"),
    (".md", "**25.6**M", "25.6M"),
    (".md", "[**25.6M**](x)", "25.6M"),
    (".md", "<b>~25.6</b>", "~25.6"),
]


@pytest.mark.parametrize(("suffix", "cell", "number"), STYLED)
def test_styles_around_a_whole_number_are_read(tmp_path: Path, suffix: str, cell: str, number: str) -> None:
    assert number_of(tmp_path, suffix, cell) == number


# Each would be another number without its styles. What is left says where the pieces meet.
SET_APART = [
    (".tex", r"25.6\fnm{3}", "25.6|3"),
    (".tex", r"25.6\fnm{b}", "25.6|b"),  # not billions
    (".tex", r"25.6 \fnm{b}", "25.6 |b"),
    (".tex", r"\fnm{3}25.6", "3|25.6"),
    (".tex", r"{25.6}{\scriptsize 2}", "25.6|2"),
    (".tex", r"25.6\tiny{3}", "25.6|3"),
    (".tex", r"25.6{\tiny b}", "25.6|b"),
    (".tex", r"25.6\tiny b", "25.6|b"),
    (".tex", r"25.6\textsubscript{1}", "25.6|1"),
    (".tex", r"25.6\textcircled{1}", "25.6|1"),
    (".tex", r"25.6\raisebox{1ex}{b}", "25.6|b"),
    (".tex", r"25.6\href{u}{1}", "25.6|1"),
    (".tex", r"25.6\textsuperscript{b}", "25.6^b"),
    (".tex", r"25.6$^b$", "25.6^b"),
    (".tex", r"25.6$^1$", "25.6^1"),
    (".tex", r"25.6$^{\%}$", "25.6^%"),
    (".tex", r"25$^{.6}$", "25^.6"),
    (".tex", r"$25_{600}$", "25|_600"),
    (".tex", r"$10^12$", "10^1|2"),
    (".tex", r"\textcolor{red}{25.6}1", "25.6|1"),
    (".tex", r"\textbf 25.6", "2|5.6"),
    (".tex", r"2\sout{6}5.6", "2|5.6"),
    (".tex", r"1\tnote{a}234", "1|234"),
    (".tex", r"25\hspace{1em}600", "25|600"),
    (".tex", r"25\quad600", "25| 600"),
    (".tex", r"\makecell{25\\600}", "25| 600"),
    (".tex", r"25\,\textbf{600}", "25| 600"),
    (".tex", r"25\fnm{,600}", "25|,600"),
    (".html", "25.6<sub>1</sub>", "25.6|1"),
    (".html", "25.6<sub>b</sub>", "25.6|b"),
    (".html", "<sub>1</sub>25.6", "1|25.6"),
    (".html", "25.6<a href='#f1'>1</a>", "25.6|1"),
    (".html", "25.6<small>b</small>", "25.6|b"),
    (".html", "25.6<small>%</small>", "25.6|%"),
    (".html", "<small>~</small>25.6", "~|25.6"),
    (".html", "25.6<font size=1>b</font>", "25.6|b"),
    (".html", "25.6<span style='vertical-align:super'>b</span>", "25.6|b"),
    (".html", "25.6<sup>1</sup>", "25.6^1"),
    (".html", "25.6<sup>b</sup>", "25.6^b"),
    (".html", "4.1×10<sup>9<a>1</a></sup>", "4.1×10^9|1"),
    (".html", "4.1×10<sup>9</sup>1", "4.1×10^9|1"),
    (".html", "25.6<foo>1</foo>", "25.6|1"),
    (".html", "25.6<img alt=1>", "25.6|1"),
    (".html", "25.6</b>1", "25.6|1"),
    (".html", "<b>25</b>.6", "25|.6"),
    (".html", "25<br>600", "25| 600"),
    (".html", "<div>25</div><div>600</div>", "25| 600"),
    (".html", "25&emsp;600", "25| 600"),
    (".html", "25&nbsp;&nbsp;600", "25| 600"),
    (".html", "<math><msup><mn>10</mn><mn>9</mn></msup></math>", "10|9"),
    (".md", "25.6[1](#f)", "25.6|1"),
    (".md", "25.6[^1]", "25.6[^1]"),
    (".md", "25.6<sub>1</sub>", "25.6|1"),
    (".md", "25.6**1**", "25.6|1"),
    (".md", "25.6</div>1", "25.6|1"),
    (".md", "25.6</body>1", "25.6|1"),
    (".md", "25.6![1](u)", "25.6|1"),
    (".md", "25<br>600", "25| 600"),
    (".md", "25.6~~%~~", "25.6~|~%~|~"),  # a reader sees the tildes
    (".csv", "25\n600", "25| 600"),
    (".csv", "25  600", "25| 600"),
]


@pytest.mark.parametrize(("suffix", "cell", "text"), SET_APART)
def test_digits_set_apart_are_never_one_number(tmp_path: Path, suffix: str, cell: str, text: str) -> None:
    assert cell_of(tmp_path, suffix, cell) == text
    assert number_of(tmp_path, suffix, cell) is None


@pytest.mark.parametrize(
    ("suffix", "name", "text"),
    [
        (".tex", r"ResNet-10\fnm{1}", "ResNet-10|1"),  # not ResNet-101
        (".tex", r"ResNet-50\fnm{d}", "ResNet-50|d"),
        (".tex", r"ResNet\textbf{50}", "ResNet50"),
        (".html", "MobileNetV2<sub>1.4</sub>", "MobileNetV2|1.4"),
        (".html", "ResNet-50 <small>ours</small>", "ResNet-50 ours"),
        (".html", "ResNet<sub>50</sub>", "ResNet50"),
        (".html", "ResNet-50<sup>a</sup>", "ResNet-50^a"),
    ],
)
def test_names_have_no_digits_joined_to_theirs(tmp_path: Path, suffix: str, name: str, text: str) -> None:
    assert cell_of(tmp_path, suffix, name) == text


def test_a_number_with_a_mark_is_refused_with_its_place(tmp_path: Path) -> None:
    text = CELL[".tex"].replace("a & b", "Model & Params (M)").replace("x &", "ResNet-50 &")
    path = tmp_path / "t.tex"
    for cell, audited in ((r"25.6\tnote{1}", 1), (r"25.6\fnm{1}", 0)):
        path.write_text(text.replace("%s", cell))
        if audited:
            assert [claim.text for claim in read_claims(read_table(path)).claims] == ["25.6"]
            continue
        with pytest.raises(ConvcostError) as error:
            read_claims(read_table(path))
        assert str(error.value).startswith(f"{path}:1:55: cannot read '25.6|1' as a number")


def test_html_cells_and_rows_without_room_are_not_there(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        ".html",
        "<table hidden><tr><th>a<th hidden>key<th>b<tr style='display:none'><td>no"
        "<tr><td>x<td style='display:none'>9<td>1<tbody hidden><tr><td>y<td>2</table>",
    )
    assert (table.columns, texts(table)) == (("a", "b"), [["x", "1"]])


STYLES = {
    ".tex": [
        r"\textbf{@}", r"\emph{@}", r"{\bf @}", r"{@}", "$@$", r"$\mathbf{@}$", r"\textcolor{red}{@}", r"\best{@}",
        r"\underline{@}", r"{\small @}", r"\href{u1}{@}", r"\makecell[c]{@}", r"\scalebox{0.9}{@}", r"\phantom{0}@",
    ],
    ".html": [
        "<b>@</b>", "<span class=c1>@</span>", "<a href='#1'>@</a>", "<p>@</p>", "<small>@</small>", "<i>@</i>",
        "<font size=2>@</font>", "<code>@</code>", "<foo>@</foo>", "<span style='font-size:80%'>@</span>",
    ],
    ".md": ["**@**", "[@](x1)", "<b>@</b>", "<span>@</span>", "<a href='1'>@</a>", "<small>@</small>"],
}  # fmt: skip
MARKS = {
    ".tex": [
        r"\fnm{@}", r"\tnote{@}", r"\textsubscript{@}", r"\textsuperscript{@}", "$^{@}$", "$_{@}$", r"{\tiny @}",
        r"\sout{@}", r"\href{u}{@}", r"\footnotemark[@]", r"\raisebox{1ex}{@}", r"\hfill\fnm{@}",
        r"\rlap{$^{@}$}", r"\textsuperscript{\href{u}{@}}", r"\footnote{@}", r"~\fnm{@}", r"\num[x]{@}",
    ],
    ".html": [
        "<sub>@</sub>", "<sup>@</sup>", "<small>@</small>", "<a href=x>@</a>", "<del>@</del>", "<sup><a>@</a></sup>",
        "<a><sup>@</sup></a>", "<span hidden>@</span>", "<foo>@</foo>", "<img alt='@'>", " <small>@</small>",
        "<font size=1>@</font>", "<span style='vertical-align:super'>@</span>", "&emsp;<sub>@</sub>",
    ],
    ".md": ["[@](#f)", "<sub>@</sub>", "<sup>@</sup>", "~~@~~", "<a href='#f'>@</a>", "[^@]", " <small>@</small>"],
}  # fmt: skip
PRINTED = st.from_regex(
    r"~?([1-9][0-9]{0,2}|0)(\.[0-9]{1,3})?( ?[KMG]|B|e[1-9])?|[1-9][0-9]{0,2}(,[0-9]{3}){1,2}", fullmatch=True
)
MARK_TEXTS = st.sampled_from(
    ["1", "2", "12", "600", "b", "k", "M", "a", "*", "†", ",600", ".5", "e3", "x", "0", "%", "1,2", "-", "^2"]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(sorted(STYLES)), number=PRINTED)
def test_a_style_changes_no_number_and_a_mark_makes_no_other(
    tmp_path: Path, data: st.DataObject, suffix: str, number: str
) -> None:
    if suffix == ".tex":
        number = number.replace("~", r"\sim ").replace("%", r"\%")
        number = f"${number}$" if "sim" in number else number
    plain = number_of(tmp_path, suffix, number)
    assert plain is not None
    styled = number
    for style in data.draw(st.lists(st.sampled_from(STYLES[suffix]), max_size=2)):
        if not ("$" in style and "$" in styled) and not ("](" in style and "](" in styled):
            styled = style.replace("@", styled)
    assert number_of(tmp_path, suffix, styled) == plain
    mark = data.draw(st.sampled_from(MARKS[suffix])).replace(
        "@", data.draw(MARK_TEXTS).replace("%", r"\%" if suffix == ".tex" else "%")
    )
    for marked in (styled + mark, mark + styled):
        if suffix != ".tex" or marked.count("$") % 2 == 0:
            assert number_of(tmp_path, suffix, marked) in (plain, None), marked
