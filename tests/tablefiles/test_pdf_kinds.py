"""PDFs as papers are set: what is a table on a page, which cells are a row, and what goes on with the next page.

Cells are drawn by their places, in mm, as a typesetter does.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from fpdf import FPDF
from pdfs import LEFT, RIGHT, SIZE, WIDTH, Paper
from PIL import Image
from rawtables import texts

from convcost.errors import ConvcostError
from convcost.tablefiles import pdfpages
from convcost.tablefiles.reading import read_found, tables_in

HEADINGS = ("Model", "Params (M)", "FLOPs (G)")
ROWS = (("ResNet-18", "11.7", "1.8"), ("ResNet-50", "25.6", "3.8"), ("ResNet-101", "44.5", "7.6"))
PLACES = (0.0, 40.0, 65.0)
LINE = 4.0


def put(paper: Paper, left: float, rows: Sequence[Sequence[str]], places: Sequence[float] = PLACES) -> None:
    """Rows at these places, one a line; an empty text is no cell."""
    for row in rows:
        for place, text in zip(places, row, strict=False):
            paper.pdf.set_font("Helvetica", size=SIZE)
            paper.pdf.text(left + place, paper.y[left], text)
        paper.y[left] += LINE


def rule(paper: Paper, left: float, begin: float = 0.0, end: float = WIDTH) -> None:
    """A rule between the last row and the next."""
    y = paper.y[left] - 2.8
    paper.pdf.line(left + begin, y, left + end, y)


def prose(paper: Paper, left: float, lines: int = 4) -> None:
    paper.words(left, "Words of running text that fill the whole column and go on, 25.6 of", lines)


def found(tmp_path, paper: Paper):
    path = tmp_path / "paper.pdf"
    path.write_bytes(paper.bytes())
    return [read_found(str(path), one) for one in tables_in(path)]


def only(tmp_path, paper: Paper):
    (one,) = found(tmp_path, paper)
    return one


@pytest.fixture
def paper() -> Paper:
    return Paper()


def test_headings_over_the_first_rule_and_rows_below_the_last(tmp_path, paper):
    """Some papers have no outer rules, only one below the headings and one between groups."""
    prose(paper, LEFT)
    prose(paper, RIGHT, 20)
    paper.y[LEFT] += 3
    put(paper, LEFT, [HEADINGS])
    rule(paper, LEFT)
    put(paper, LEFT, ROWS[:2])
    rule(paper, LEFT)
    put(paper, LEFT, ROWS[2:])
    paper.y[LEFT] += 3
    prose(paper, LEFT)
    raw = only(tmp_path, paper)
    assert raw.columns == HEADINGS
    assert texts(raw) == [list(row) for row in ROWS]


def test_tables_of_one_width_below_each_other_have_their_own_headings(tmp_path, paper):
    other = ("Model", "FLOPs (G)", "Params (M)")
    for title, headings in (("(a) first", HEADINGS), ("(b) second", other)):
        put(paper, LEFT, [headings])
        rule(paper, LEFT)
        put(paper, LEFT, ROWS)
        put(paper, LEFT, [["", title]])
    assert [raw.columns for raw in found(tmp_path, paper)] == [HEADINGS, other]


def test_text_between_rules_of_one_width_is_no_table(tmp_path, paper):
    """Text that goes on beside the rules parts two tables; one that is narrower than its column hides it."""
    for _ in range(2):
        rule(paper, LEFT, 10, 75)
        put(paper, LEFT, [HEADINGS], [12, 42, 60])
        rule(paper, LEFT, 10, 75)
        put(paper, LEFT, ROWS, [12, 42, 60])
        rule(paper, LEFT, 10, 75)
        paper.y[LEFT] += 2
        prose(paper, LEFT)
        paper.y[LEFT] += 2
    assert [texts(raw) for raw in found(tmp_path, paper)] == [[list(row) for row in ROWS]] * 2


def test_aligned_numbers_without_any_rule(tmp_path, paper):
    prose(paper, LEFT, 30)
    prose(paper, RIGHT)
    paper.words(RIGHT, "Table 1: No rules.")
    put(paper, RIGHT, [HEADINGS, *ROWS])
    paper.y[RIGHT] += 3
    prose(paper, RIGHT)
    raw = only(tmp_path, paper)
    assert raw.columns == HEADINGS
    assert texts(raw) == [list(row) for row in ROWS]


def test_rows_without_rules_may_have_texts_and_names_alone(tmp_path, paper):
    """A column of texts, a row without numbers, a name between rows, headings of two lines, one of them short."""
    places = (0.0, 30.0, 50.0, 70.0)
    prose(paper, LEFT, 20)
    prose(paper, RIGHT)
    paper.words(RIGHT, "Table 1: No rules.")
    put(paper, RIGHT, [("Model", "Input", "Params", "FLOPs"), ("", "", "(M)", "(G)")], places)
    put(paper, RIGHT, [("ResNet-18", "224x224", "11.7", "1.8"), ("ResNet-50", "224x224", "OOM", "OOM")], places)
    put(
        paper,
        RIGHT,
        [("Ours",), ("ResNet-101", "320x320", "44.5", "7.6"), ("ResNet-152", "320x320", "60.2", "11.3")],
        places,
    )
    paper.y[RIGHT] += 3
    prose(paper, RIGHT)
    raw = only(tmp_path, paper)
    assert raw.columns == ("Model", "Input", "Params / (M)", "FLOPs / (G)")
    assert texts(raw)[1] == ["ResNet-50", "224x224", "OOM", "OOM"]
    assert texts(raw)[-1] == ["ResNet-152", "320x320", "60.2", "11.3"]


def test_numbers_under_no_heading_are_not_guessed(tmp_path, paper):
    prose(paper, LEFT)
    paper.words(LEFT, "Table 1: No rules, no headings.")
    put(paper, LEFT, ROWS)
    with pytest.raises(ConvcostError, match="page 1:1: a table without headings over its columns of numbers; save it"):
        found(tmp_path, paper)


def test_columns_a_blank_apart(tmp_path, paper):
    """Columns as near as words, which headings and numbers part; a name with a number stays one cell."""
    rule(paper, LEFT, 0, 50)
    put(paper, LEFT, [("Model", "Params", "FLOPs")], (0, 26, 38))
    rule(paper, LEFT, 0, 50)
    rows = [("VGG 16 long name", "138.36M", "15.47G"), ("VGG 19 long name", "143.67M", "19.63G")]
    put(paper, LEFT, rows, (0, 25.1, 36.8))
    rule(paper, LEFT, 0, 50)
    raw = only(tmp_path, paper)
    assert raw.columns == ("Model", "Params", "FLOPs")
    assert texts(raw) == [list(row) for row in rows]


def test_what_may_be_one_number_or_two_is_none(tmp_path, paper):
    """224 and 512 under two headings, or 224,512: a blank apart nobody can say."""
    rule(paper, LEFT, 0, 50)
    put(paper, LEFT, [("Model", "Size", "Steps")], (0, 19, 26))
    rule(paper, LEFT, 0, 50)
    put(paper, LEFT, [("ResNet-50", "224", "512"), ("ResNet-101", "320", "640")], (0, 20.5, 26))
    rule(paper, LEFT, 0, 50)
    assert [row[1] for row in texts(only(tmp_path, paper))] == ["224 | 512", "320 | 640"]


def test_two_numbers_in_one_column_cost_no_other(tmp_path, paper):
    rule(paper, LEFT)
    put(paper, LEFT, [("Model", "Params", "Both of them")], (0, 25, 50))
    rule(paper, LEFT)
    put(paper, LEFT, [("A-1", "11.7", "1.8", "3.6"), ("B-1", "25.6", "3.8 and more", "")], (0, 25, 50, 60))
    rule(paper, LEFT)
    raw = only(tmp_path, paper)
    assert texts(raw) == [["A-1", "11.7", "1.8 and 3.6 in which column?"], ["B-1", "25.6", "3.8 and more"]]


def test_between_rules_that_part_all_rows_lines_are_one_row(tmp_path, paper):
    """A name of two lines beside whose middle the numbers stand."""
    rule(paper, LEFT)
    put(paper, LEFT, [HEADINGS])
    for name, *numbers in ROWS:
        rule(paper, LEFT)
        put(paper, LEFT, [[name]])
        paper.y[LEFT] -= LINE / 2
        put(paper, LEFT, [["", *numbers]])
        paper.y[LEFT] -= LINE / 2
        put(paper, LEFT, [["with more"]])
    rule(paper, LEFT)
    assert texts(only(tmp_path, paper)) == [[f"{name} with more", *numbers] for name, *numbers in ROWS]


def test_a_name_beside_the_middle_of_rows_is_that_of_each(tmp_path, paper):
    rule(paper, LEFT)
    put(paper, LEFT, [("Family", "Model", "Params")], (0, 20, 50))
    for family, rows in (
        ("ResNet", [("18", "11.7"), ("34", "21.8")]),
        ("VGG", [("11", "133"), ("13", "134"), ("16", "138")]),
    ):
        rule(paper, LEFT)
        begun = paper.y[LEFT]
        put(paper, LEFT, [("", f"{family}-{depth}", params) for depth, params in rows], (0, 20, 50))
        ended, paper.y[LEFT] = paper.y[LEFT], begun + LINE * (len(rows) - 1) / 2
        put(paper, LEFT, [[family]])
        paper.y[LEFT] = ended
    rule(paper, LEFT)
    assert [row[:2] for row in texts(only(tmp_path, paper))] == [
        ["ResNet", "ResNet-18"],
        ["ResNet", "ResNet-34"],
        ["VGG", "VGG-11"],
        ["VGG", "VGG-13"],
        ["VGG", "VGG-16"],
    ]


def test_vertical_rules_part_columns_that_a_wide_cell_spans(tmp_path, paper):
    """Networks in columns: blocks of several lines, and one cell over all networks."""
    bounds = (0, 20, 42, 64, 86)
    rows: list[tuple[Sequence[str], Sequence[float]]] = [
        (("layer", "output", "18-layer", "34-layer"), (2, 22, 46, 68)),
        (("conv1", "112x112", "7x7, 64, stride 2 everywhere"), (2, 22, 47)),
        (("conv2", "56x56", "3x3, 64", "x2", "3x3, 64", "x3"), (2, 22, 44, 57, 66, 80)),
        (("FLOPs", "", "1.8e9", "3.6e9"), (17, 30, 46, 68)),
    ]
    top = paper.y[LEFT] - 2.8
    for number, (row, places) in enumerate(rows):
        rule(paper, LEFT, 0, 86)
        above = paper.y[LEFT] - 2.8
        put(paper, LEFT, [row], places)
        for bound in bounds if number in (0, 2, 3) else (0, 20, 42, 86):
            if not (number == 3 and bound == 20):
                paper.pdf.line(LEFT + bound, above, LEFT + bound, above + LINE)
    rule(paper, LEFT, 0, 86)
    assert top < paper.y[LEFT]
    raw = only(tmp_path, paper)
    assert raw.columns == ("layer", "output", "18-layer", "34-layer")
    assert texts(raw)[-1] == ["FLOPs", "FLOPs", "1.8e9", "3.6e9"]
    assert texts(raw)[1][2:] == ["3x3, 64 x2", "3x3, 64 x3"]


@pytest.mark.parametrize("angle", [90, -90])
def test_a_sideways_table(tmp_path, paper, angle):
    with paper.pdf.rotation(angle, 100, 100):
        paper.table(LEFT, [HEADINGS, *ROWS])
    raw = only(tmp_path, paper)
    assert raw.columns == HEADINGS
    assert texts(raw) == [list(row) for row in ROWS]


def test_rules_that_are_pictures(tmp_path, paper):
    """As in papers of the time before PDF, whose rules are dots."""
    dot = io.BytesIO()
    Image.new("L", (1, 1), 0).save(dot, "PNG")
    for rows in ([], [HEADINGS], ROWS):
        put(paper, LEFT, rows)
        paper.pdf.image(dot, LEFT, paper.y[LEFT] - 2.8, WIDTH, 0.14)
    assert only(tmp_path, paper).columns == HEADINGS


def test_a_raised_number_may_have_a_minus_sign(tmp_path, paper):
    paper.table(LEFT, [("Model", "Rate"), ("A-1", ["6 x 10", "-4"]), ("B-1", ["3 x 10", "-3"])])
    assert texts(only(tmp_path, paper)) == [["A-1", "6 x 10^-4"], ["B-1", "3 x 10^-3"]]


# -- over pages --------------------------------------------------------------------------------------------------------


def pages(*parts: Sequence[Sequence[str]], over: Sequence[str] = ()) -> Paper:
    """A table in parts, one a page; `over` is what stands above the later ones."""
    paper = Paper()
    prose(paper, LEFT)
    paper.y[LEFT] += 3
    for number, part in enumerate(parts):
        if number:
            paper.page()
            for text in over:
                paper.words(LEFT, text)
        rule(paper, LEFT)
        for row in part:
            put(paper, LEFT, [row])
            if row == HEADINGS:  # others have no rule, as some tables have none
                rule(paper, LEFT)
        rule(paper, LEFT)
        paper.pdf.text(100, 280, str(number + 1))
    return paper


@pytest.mark.parametrize("over", [(), ("Table 1: (continued)",), ("Continued from the page before",)])
def test_a_table_goes_on_over_pages_with_its_headings_again(tmp_path, over):
    raw = only(tmp_path, pages([HEADINGS, *ROWS], [HEADINGS, *ROWS], [HEADINGS, ROWS[0]], over=over))
    assert raw.columns == HEADINGS
    assert texts(raw) == [list(row) for row in (*ROWS, *ROWS, ROWS[0])]
    assert raw.rows[3].cells[1].place == f"{tmp_path / 'paper.pdf'} page 2:2"


def test_a_table_goes_on_over_pages_without_headings(tmp_path):
    assert len(only(tmp_path, pages([HEADINGS, *ROWS], ROWS)).rows) == 6


def test_another_table_with_the_same_headings_is_another(tmp_path):
    assert len(found(tmp_path, pages([HEADINGS, *ROWS], [HEADINGS, *ROWS], over=("Table 2: Others.",)))) == 2
    swapped = ("Model", "FLOPs (G)", "Params (M)")
    assert len(found(tmp_path, pages([HEADINGS, *ROWS], [swapped, *ROWS]))) == 2


def test_pages_for_which_there_is_no_time_are_left():
    data = pages([HEADINGS, *ROWS], [HEADINGS, *ROWS]).bytes()
    left = pdfpages._pages(data, [], until=0.0)
    assert [page["number"] for page in left["pages"]] == [1]
    assert left["left"] == 2


def test_what_is_left_is_said(tmp_path, monkeypatch):
    path = tmp_path / "paper.pdf"
    path.write_bytes(pages([HEADINGS, *ROWS], [HEADINGS, *ROWS]).bytes())
    whole = pdfpages.read(path.read_bytes(), "paper.pdf", [(1, 1)])
    monkeypatch.setattr("convcost.tablefiles.pdf.read", lambda *_: whole._replace(left=2))
    first, left = tables_in(path)
    assert len(read_found(str(path), first).rows) == 3
    with pytest.raises(ConvcostError, match=r"page 2:1: there was no time for this page and those after it"):
        read_found(str(path), left)


def test_a_drawing_is_no_table(tmp_path):
    """Rules and words without cells beside each other."""
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("Helvetica", size=8)
    for y in (20, 40, 60):
        pdf.line(20, y, 80, y)
        pdf.text(40, y + 10, "conv")
    path = tmp_path / "drawing.pdf"
    pdf.output(str(path))
    with pytest.raises(ConvcostError, match="no table with rules"):
        tables_in(path)
