"""VGG's Table 2 as a user's own file: its columns are letters."""

import pytest

from convcost.auditing.audit import VERDICTS, audit
from convcost.cli import run

_NETWORKS = {"A": "vgg11", "A-LRN": "vgg11_lrn", "B": "vgg13", "C": "vgg16_c", "D": "vgg16", "E": "vgg19"}
_MARKDOWN = """| Network | A | A-LRN | B | C | D | E |
|---|---|---|---|---|---|---|
| Number of parameters (M) | 133 | 133 | 133 | 134 | {d} | 144 |
"""
_CSV = 'Network,"A, A-LRN",B,C,D,E\nNumber of parameters (millions),133,133,134,138,144\n'


@pytest.mark.parametrize(("name", "text", "cells"), [("t.md", _MARKDOWN.format(d=138), 6), ("t.csv", _CSV, 5)])
def test_the_letters_of_table_2_are_vggs(tmp_path, capsys, name, text, cells):
    (tmp_path / name).write_text(text)
    run(["audit", str(tmp_path / name)])
    assert f"{cells} of {cells} printed cells hold." in capsys.readouterr().out


def test_each_letter_is_judged_as_its_own_network(tmp_path, capsys):
    (tmp_path / "t.md").write_text(_MARKDOWN.format(d=168))
    run(["audit", str(tmp_path / "t.md")])
    told = capsys.readouterr().out
    assert all(f"{network}@paper" in told for network in _NETWORKS.values())
    wrong = [one.claim.row for one in audit(tmp_path / "t.md").findings if one.verdict in VERDICTS[3:]]
    assert wrong == ["vgg_d"]


@pytest.mark.parametrize("columns", ["A | B | C | D | E", "B | C | D", "A | A-LRN"])
def test_letters_alone_are_nobodys(tmp_path, capsys, columns):
    count = columns.count("|") + 1
    table = f"| Network | {columns} |\n|{'---|' * (count + 1)}\n| Params (M) |{' 133 |' * count}\n"
    (tmp_path / "ours.md").write_text(table)
    run(["audit", str(tmp_path / "ours.md")])
    said = capsys.readouterr()
    assert "vgg" not in said.out + said.err
