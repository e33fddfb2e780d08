"""Shares: what part of a network's counts its layers have, by kind, in shipped tables and in files."""

from __future__ import annotations

from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from planted import Rates

import convcost
from convcost.auditing.audit import audit_claims
from convcost.auditing.plainly import plainly
from convcost.cli import run
from convcost.errors import ConvcostError
from convcost.network import load
from convcost.printed.numbers import Printed, parse
from convcost.published.claims import Claim, Claims, of_table
from convcost.published.headings import share_of
from convcost.published.layerkinds import kind_of_label, line_of
from convcost.published.quotients import ONE, quotient
from convcost.published.readings import Reading
from convcost.published.tables import load_table, price_reference
from convcost.views.plainly import table

# Howard et al. 2017, Table 2. By hand, of 568,740,352 multiply-adds: 539,492,352, 17,385,984, 10,838,016 and 1,024,000;
# of 4,209,088 weights: 3,139,584, 44,640, 864 and 1,024,000.
ROWS = [
    ("Conv 1 × 1", "94.86%", "74.59%"),
    ("Conv DW 3 × 3", "3.06%", "1.06%"),
    ("Conv 3 × 3", "1.19%", "0.02%"),
    ("Fully Connected", "0.18%", "24.33%"),
]


def markdown(rows):
    lines = ["| Type | Mult-Adds | Parameters |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def latex(rows):
    cells = (" & ".join(row).replace("%", r"\%").replace(" × ", r"$\times$") for row in rows)
    body = "".join(f"{row} \\\\\n" for row in cells)
    head = "\\begin{tabular}{lcc}\n\\toprule\nType & Mult-Adds & Parameters \\\\\n\\midrule\n"
    return f"{head}{body}\\bottomrule\n\\end{{tabular}}\n"


def bare(rows):
    """Percent signs in the titles."""
    lines = ["Type,Mult-Adds (%),Share of parameters (%)", *(",".join(row).replace("%", "") for row in rows)]
    return "\n".join(lines)


FILES = {"md": markdown, "tex": latex, "csv": bare}


def verdicts(audited):
    return {(one.claim.row.replace(" ", ""), one.claim.quantity): one.verdict for one in audited.findings}


@pytest.mark.parametrize("form", FILES)
def test_mobilenet_table_2_of_a_file_is_as_the_shipped_one(form, tmp_path):
    path = tmp_path / f"table.{form}"
    path.write_text(FILES[form](ROWS), encoding="utf-8")
    audited = convcost.audit(path, network="mobilenet_v1")
    shipped = convcost.audit("mobilenet_v1_kinds")
    assert verdicts(audited) == verdicts(shipped)
    assert len(audited.findings) == 8
    (wrong,) = (one for one in audited.findings if one.verdict != "holds")
    assert (wrong.verdict, wrong.claim.row.replace(" ", "")) == ("slip", "Conv3×3")
    assert "1.90562 % is 1.91; " in wrong.evidence.replace("%;", ";").replace("91%", "91")
    assert "two digits swapped" in wrong.evidence
    assert audited.readings["shares of params"].measure == "weights"


def test_the_table_shows_them(capsys):
    assert run(["table", "mobilenet_v1_kinds"]) == 0
    shown = capsys.readouterr().out
    assert "1.91% ✗" in shown
    assert "the printed Mult-Adds add up to 99.29 %" in shown


def test_planted_errors_are_found_and_right_shares_hardly_ever_blamed():
    """A digit may be that of another rule: 74.57 is the part of weights and biases that 1x1 convolutions have."""
    rates = Rates("mobilenet_v1_kinds", 120)
    assert rates.missed == 0
    assert rates.named >= 0.95 * rates.cases
    assert rates.named + rates.left >= 0.97 * rates.cases
    assert rates.alarms <= 0.005 * rates.beside


@pytest.mark.parametrize(
    ("name", "leads"),
    [
        ("mobilenet_v2", ["every conv 1x1", "every dwconv 3x3", "every conv 3x3", "every linear"]),
        ("vgg16", ["every conv 3x3", "every linear"]),
        ("resnet50", ["conv1", "conv2_x", "conv3_x", "conv4_x", "conv5_x", "fc"]),
    ],
)
def test_true_shares_hold(name, leads):
    priced = {name: price_reference(name)}
    cost = priced[name][1]
    claims = []
    for lead in leads:
        line = line_of(cost, lead)
        for quantity, part, whole in (
            ("shares of params", line.params, cost.total.params),
            ("shares of ops", line.macs, cost.total.macs),
        ):
            printed = Printed.of(Fraction(part, whole), parse("12.34%"))
            about = (lead, quantity.replace("ops", "MACs"), str(printed), quantity, name, lead)
            claims.append(Claim(*about, printed))
    found = audit_claims(Claims(name, "", claims, priced)).findings
    assert {one.verdict for one in found} == {"holds"}


def test_without_numpy_shares_are_audited_plainly():
    found = plainly(of_table(load_table("mobilenet_v1_kinds")))
    assert [str(one.printed) for one in found if not one.holds] == ["1.19%"]
    assert {one.holds[0].measure for one in found if one.holds and one.column == "Parameters"} <= {"params", "weights"}
    (wrong,) = (row for row in table(found, "").to_records() if row["verdict"] == "not so")
    assert wrong["also"].startswith("nearest; printed is 3")  # 1.19 of 1.91, or of what another rule gives


def test_shares_without_a_network_say_what_is_missing(tmp_path):
    path = tmp_path / "table.md"
    path.write_text(markdown(ROWS), encoding="utf-8")
    with pytest.raises(ConvcostError, match="prints shares: say with --network of which network"):
        convcost.audit(path)


def test_a_share_beside_counts_of_networks_is_told_and_not_read(tmp_path):
    path = tmp_path / "table.md"
    path.write_text("| model | Params (M) | FLOPs (%) |\n|---|---|---|\n| VGG-16 | 138.36 | 48.2 |\n", encoding="utf-8")
    audited = convcost.audit(path)
    assert [one.claim.text for one in audited.findings] == ["138.36"]
    assert any("prints shares" in note for note in audited.table.notes)


# -- kinds of layers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Conv 1 × 1", "every conv 1x1"),
        ("1x1 convolutions", "every conv 1x1"),
        ("Pointwise conv", "every conv 1x1"),
        ("Conv DW 3 × 3", "every dwconv 3x3"),
        ("Depth-wise convolution", "every dwconv"),
        ("Fully Connected", "every linear"),
        ("FC layers", "every linear"),
        ("BatchNorm", "every bn"),
        ("conv1", None),
        ("inception (3a)", None),
        ("linear 3x3", None),
        ("total", None),
    ],
)
def test_kinds_of_layers(label, kind):
    assert kind_of_label(label) == kind


def test_a_kind_that_a_network_has_not():
    with pytest.raises(ConvcostError, match=r"vgg16.* has no layer 'dwconv 3x3'"):
        line_of(load("vgg16").price(), "every dwconv 3x3")


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Mult-Adds (%)", "macs"),
        ("% of params", "params"),
        ("Share of FLOPs", "flops"),
        ("Params (M)", None),
        ("FLOPs reduction (%)", None),
        ("Top-1 (%)", None),
    ],
)
def test_titles_of_shares(title, kind):
    assert share_of(title) == kind


# -- quotients ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**13), st.integers(1, 10**13), st.integers(0, 9))
def test_a_quotient_lies_where_the_fraction_does(part, whole, decimals):
    """Among all numbers of so many decimals of a percent, and half way between them."""
    found, exact = quotient(part, whole), Fraction(part, whole)
    unit = Fraction(1, 2 * 10 ** (decimals + 2))
    tick = exact // unit
    for edge in (tick * unit, (tick + 1) * unit):
        assert (found > edge * ONE, found == edge * ONE) == (exact > edge, exact == edge)


@given(st.lists(st.tuples(st.integers(0, 10**13), st.integers(1, 10**13)), min_size=1))
def test_arrays_divide_as_ints_do(pairs):
    """Of shares: a part is no more than the whole."""
    parts, wholes = (np.array(column, dtype="int64") for column in zip(*map(sorted, pairs), strict=True))
    assert quotient(parts, wholes).tolist() == [quotient(*sorted(pair)) for pair in pairs]


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 4))
def test_a_share_is_spelt_as_it_is_read(part, whole, decimals):
    printed = parse(f"1{'.' * bool(decimals)}{'0' * decimals}%")
    reading = Reading("shares of ops", "macs")
    count = quotient(part, whole)
    assert reading.holds(reading.spell(count, printed), count)
    assert reading.spell(count, printed) == Printed.of(Fraction(part, whole), printed)
