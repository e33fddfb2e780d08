"""The corpus of tests/data/corpus: every number has its truth, and every truth that can be computed is."""

from __future__ import annotations

from collections import Counter

import pytest
from corpus import CORPUS, KINDS, OWN, README, VERDICTS, exact, numeral, shown, tables, terms, with_counts

TABLES = tables()
EACH = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


@EACH
def test_every_number_has_its_truth(table):
    grid = table.grid
    places = set(table.places(grid))
    assert places == {tuple(cell["at"]) for cell in table.cells}
    for cell in table.cells:
        i, j = cell["at"]
        row, column = (grid[0][j], grid[i][0]) if table.truth.get("transposed") else (grid[i][0], grid[0][j])
        assert (str(cell["row"]), str(cell["column"])) == (row, column)
        assert cell["printed"] in grid[i][j]
        assert cell["verdict"] in VERDICTS


@EACH
def test_what_holds_prints_its_cell(table):
    """The exact value, in the form of the printed one."""
    for cell in table.cells:
        reading = table.reading(cell)
        counted = exact(cell, reading["rule"])
        if counted is not None:
            assert counted == cell["exact"], cell
        if cell["verdict"] in ("holds", "holds_as") and "quoted" not in cell:
            assert counted is not None or "by" in cell, cell
            assert shown(cell["exact"], cell["printed"], **reading) == numeral(cell["printed"]), cell


@EACH
def test_blame_is_not_given_to_what_holds(table):
    for cell in table.cells:
        if cell["verdict"] in ("slip", "does_not_hold", "contradicts"):
            assert cell["note"]
            if "exact" in cell:
                text = shown(cell["exact"], cell["printed"], **table.reading(cell))
                assert text != numeral(cell["printed"]), cell


@EACH
def test_what_is_not_the_columns_reading_says_why(table):
    for cell in table.cells:
        if cell["verdict"] in ("holds_as", "open"):
            assert cell.get("note") or cell.get("quoted"), cell


@EACH
def test_rules_name_quantities_that_exist(table):
    for cell in table.cells:
        for _, _, quantity in terms(table.reading(cell)["rule"]):
            assert quantity in KINDS or quantity in OWN, (cell, quantity)


def test_size_and_halves():
    """Thirty tables of twenty-five sources; no source stands in both halves, and each kind in either."""
    assert len(TABLES) >= 30
    assert len({table.truth["source"] for table in TABLES}) >= 25
    assert sum(len(table.cells) for table in TABLES) >= 600
    halves = Counter(table.truth["half"] for table in TABLES)
    assert set(halves) == {"fit", "held"}
    assert abs(halves["fit"] - halves["held"]) <= 4
    cells = Counter()
    for table in TABLES:
        cells[table.truth["half"]] += len(table.cells)
    assert max(cells.values()) < 1.25 * min(cells.values())
    of = {half: {t.truth["source"] for t in TABLES if t.truth["half"] == half} for half in halves}
    assert not of["fit"] & of["held"]
    kinds = {half: {t.truth["kind"] for t in TABLES if t.truth["half"] == half} for half in halves}
    assert kinds["fit"] == kinds["held"]
    formats = {half: {t.path.suffix for t in TABLES if t.truth["half"] == half} for half in halves}
    assert formats["fit"] == formats["held"] == {".csv", ".md", ".html", ".tex"}


def test_every_file_is_a_table_its_truth_or_the_readme():
    known = {README, *(t.path for t in TABLES), *(CORPUS / f"{t.name}.truth.yaml" for t in TABLES)}
    assert set(CORPUS.iterdir()) == known


def test_the_readme_counts_what_is_there():
    """`python tests/corpus.py` writes it."""
    text = README.read_text("utf-8")
    assert text == with_counts(text)
    assert all(f"| {table.path.name} |" in text for table in TABLES)
