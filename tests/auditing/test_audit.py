"""Audits: what is known by hand of the papers' tables, and the laws of verdicts."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product

import pytest
from planted import computed, correct, plant, reprinted

import convcost
from convcost.auditing.audit import audit_claims
from convcost.auditing.explain import explain
from convcost.counters.rules import rule
from convcost.errors import ConvcostError
from convcost.printed.numbers import KILO, Printed, parse
from convcost.published.claims import Claim, Claims, of_table
from convcost.published.counting import counts, exact
from convcost.published.readings import Reading
from convcost.published.tables import load_table, price_reference, table_names


@pytest.fixture(scope="module")
def googlenet():
    return convcost.audit("googlenet")


def by_cell(audited):
    return {(finding.claim.row, finding.claim.column): finding for finding in audited.findings}


# -- GoogLeNet's Table 1 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "params", "ops"),
    [
        ("conv1", "holds", "holds"),  # separable, as nothing else of the table contradicts
        ("conv2", "holds", "holds"),  # 114,688 / 1024 = 112
        ("inception_3a", "holds", "holds"),  # 163,328 / 1024 = 159.5
        ("inception_3b", "slip", "holds"),  # 388,736 / 1024 = 379.6: rounded, where 159.9 is printed 159
        ("inception_4a", "slip", "slip"),
        ("inception_4b", "slip", "holds"),  # 449,160 / 1024 = 438.6
        ("inception_4c", "contradicts itself", "holds"),
        ("inception_4d", "contradicts itself", "holds"),
        ("inception_4e", "contradicts itself", "holds"),
        ("inception_5a", "does not hold", "does not hold"),
        ("inception_5b", "contradicts itself", "holds"),
        ("linear", "holds", "holds"),
    ],
)
def test_verdicts_on_googlenet(googlenet, row, params, ops):
    cells = by_cell(googlenet)
    assert (cells[row, "params"].verdict, cells[row, "ops"].verdict) == (params, ops)


def test_the_convention_of_googlenet_is_shared_by_its_cells(googlenet):
    assert (googlenet.readings["params"].k, googlenet.readings["params"].rounding) == (1024, "truncated")
    assert googlenet.readings["ops"] == Reading("ops", "macs")
    assert googlenet.variants == {"googlenet": "separable"}


@pytest.mark.parametrize("row", ["inception_4c", "inception_4d", "inception_4e", "inception_5b"])
def test_a_contradiction_is_proved_by_intervals_that_do_not_meet(googlenet, row):
    """Redone by hand: ops / positions against params, with the loosest rounding and either K."""
    params, ops = (by_cell(googlenet)[row, column].claim for column in ("params", "ops"))
    positions = 49 if row == "inception_5b" else 14 * 14
    least = Fraction((ops.printed.digits - 1) * 10**6, positions)
    most = (params.printed.digits + 1) * 1024
    assert most < least
    assert f"{ops.text} at {positions} positions" in by_cell(googlenet)[row, "params"].evidence


def test_conv1_is_found_to_be_separable_without_being_told():
    """Also without the spec's variant: the search of edits does not know its name."""
    _, cost = price_reference("googlenet@paper")
    group = [claim for claim in of_table(load_table("googlenet")).claims if claim.row == "conv1" and claim.printed]
    readings = {"params": Reading("params", "weights", "truncated", 1024), "ops": Reading("ops", "macs")}
    explanations = explain(cost, group, readings)
    (only,) = explanations.found
    assert explanations.equally_small == 1
    assert only.edits == ("conv as a 7x7 depthwise-separable convolution with multiplier 8",)
    assert (only.weights, only.macs) == (7 * 7 * 3 * 8 + 24 * 64, (7 * 7 * 24 + 24 * 64) * 112 * 112)


def test_73m_is_cut_where_its_neighbours_are_rounded(googlenet):
    finding = by_cell(googlenet)["inception_4a", "ops"]
    assert (finding.computed, finding.consequence) == (73_608_192, "the last digit")
    assert finding.evidence.startswith("73,608,192 is 74M; the last digit: truncated")


def test_5a_agrees_with_itself_and_not_with_the_row(googlenet):
    for column in ("params", "ops"):
        assert "1072K and 54M agree with each other" in by_cell(googlenet)["inception_5a", column].evidence


def test_explanations_say_how_many_there_are(googlenet):
    found = {subject[0]: explanations for subject, explanations in googlenet.explanations.items()}
    assert found["inception_5a"].equally_small > 100
    assert found["inception_3b"].found[0].edits == ()
    assert found["inception_3b"].found[0].slips == ("380K rounded half up",)
    assert "inception_4c" not in found  # contradicted: no edit can help


@pytest.mark.parametrize("row", ["inception_4a", "inception_4b", "inception_5a"])
def test_explanations_print_all_cells_of_their_row(googlenet, row):
    """Counted anew from the told weights and macs, biases apart: at most 1,264 in a row."""
    cells = by_cell(googlenet)
    explanations = next(found for subject, found in googlenet.explanations.items() if subject[0] == row)
    for explanation in explanations.found:
        printed = cells[row, "ops"].claim.printed
        assert printed.holds(explanation.macs) or (
            explanation.slips and any(printed.holds(explanation.macs, rounding) for rounding in ("truncated", "up"))
        )
        params = cells[row, "params"].claim.printed
        assert any(params.holds(explanation.weights + biases, "truncated", 1024) for biases in range(1_500))


# -- ResNet's Table 1 --------------------------------------------------------------------------------------------


def test_the_38_of_resnet_50():
    """3,857,973,248 is 3.9, and the other four are rounded: 7.57 to 7.6, 11.28 to 11.3."""
    audited = convcost.audit("resnet")
    found = {f.claim.column: f for f in audited.findings if f.claim.row == "FLOPs"}
    assert [column for column, finding in found.items() if finding.verdict != "holds"] == ["50-layer"]
    finding = found["50-layer"]
    assert (finding.verdict, finding.computed) == ("slip", 3_857_973_248)
    assert finding.evidence == "3,857,973,248 is 3.9×10⁹; the last digit: truncated"


# -- laws --------------------------------------------------------------------------------------------------------

NAMES = ("googlenet", "resnet", "vgg", "mobilenet_v1_width", "squeezenet")


@pytest.mark.parametrize("name", NAMES)
def test_a_correct_table_holds(name):
    assert {finding.verdict for finding in audit_claims(correct(name)).findings} == {"holds"}


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_error_is_found_and_nothing_else(name):
    table = correct(name)
    rng = random.Random(name)  # noqa: S311  # the same cases every time
    for victim in rng.sample(range(len(table.claims)), min(5, len(table.claims))):
        claims = list(table.claims)
        claims[victim] = plant(claims[victim], rng)
        verdicts = [f.verdict for f in audit_claims(table._replace(claims=claims), explained=False).findings]
        assert [i for i, verdict in enumerate(verdicts) if verdict != "holds"] == [victim]


SHIPPED = of_table(load_table("googlenet"))
NETWORKS = of_table(load_table("mobilenet_v2_slim"))
NOTATIONS = ("1.11K", "1.1111M", "0.001111G", "1.111×10⁶", "1,111K")


CONVENTIONS = [
    *product(
        (SHIPPED, NETWORKS),
        ("params", "weights"),
        ("macs", "flops2"),
        ("half_up", "half_even", "truncated"),
        KILO,
        NOTATIONS,
    )
]


def is_found_back(table, params, ops, rounding, k, notation):
    true = {
        "params": Reading("params", params, rounding, k if notation.endswith("K") else 1000),
        "ops": Reading("ops", ops, rounding, k if notation.endswith("K") else 1000),
    }
    claims = [printed_as(table, claim, true[claim.quantity], notation) for claim in table.claims if claim.printed]
    audited = audit_claims(table._replace(claims=claims), explained=False)
    for finding in audited.findings:
        if finding.verdict == "holds":
            assert finding.reading.holds(finding.claim.printed, finding.computed)
    assert {finding.verdict for finding in audited.findings} <= {"holds", "holds as"}


@pytest.mark.parametrize("convention", random.Random(0).sample(CONVENTIONS, 12))  # noqa: S311  # the same in every run
def test_the_convention_that_printed_a_table_is_found_back(convention):
    """Or one that prints the very same table: what nothing tells apart, nobody can find."""
    is_found_back(*convention)


@pytest.mark.slow
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_that_printed_a_table_is_found_back(convention):
    is_found_back(*convention)


def printed_as(table: Claims, claim: Claim, reading: Reading, notation: str) -> Claim:
    like = parse(notation)
    return reprinted(claim, str(Printed.of(computed(table, claim, reading), like, reading.rounding, reading.k)))


@cache
def shipped(name):
    return audit_claims(of_table(load_table(name)), explained=False)


VARIANTS = {
    "googlenet": {"googlenet": "separable"},
    "mobilenet_v3": {"mobilenet_v3": "keras"},
    "shufflenet_v1": {"googlenet": "torchvision"},
}
"""By table, the variants that an audit finds instead of those that the table's source names, which the table keeps."""


@pytest.mark.parametrize("name", table_names())
def test_a_table_s_convention_is_what_its_evidence_gives(name):
    """For each quantity, the reading of most cells; where more than half of them stay open, evidence gives none."""
    audited = shipped(name)
    assert audited.variants == VARIANTS.get(name, {})
    for quantity, stored in load_table(name).convention.items():
        findings = [finding for finding in audited.findings if finding.claim.quantity == quantity]
        sure = [finding.reading for finding in findings if finding.verdict != "open"]
        if 2 * len(sure) > len(findings):
            ((inferred, _),) = Counter(sure).most_common(1)
            # Two names of one reading, as params and weights+biases without normalisation, say the same of each cell.
            assert says(stored, findings, audited) == says(inferred, findings, audited), quantity


def says(reading, findings, audited):
    claims = [finding.claim for finding in findings]
    return [
        (exact(audited.table.priced[claim.reference][1], claim.lead, reading), reading.interval(claim.printed))
        for claim in claims
    ]


@pytest.mark.parametrize("name", table_names())
def test_every_shipped_table_is_audited(name):
    """What the table's own check calls holding, no audit calls a contradiction."""
    audited = shipped(name)
    checked = load_table(name).check().cells
    assert len(audited.findings) == len(checked)
    for finding, cell in zip(audited.findings, checked, strict=True):
        assert finding.claim.text == cell.text
        if cell.holds and cell.printed is None:
            assert finding.verdict == "holds"
        if cell.holds:
            assert finding.verdict != "contradicts itself"


# -- explanations of whole networks ------------------------------------------------------------------------------


def claims_of(reference, **cells):
    """A table of one row about a network."""
    priced = {reference: price_reference(reference)}
    claims = [
        Claim("row", quantity, text, quantity, reference, "total", parse(text)) for quantity, text in cells.items()
    ]
    return Claims("one row", "none", claims, priced)


def test_a_total_is_explained_by_a_part_that_is_not_counted():
    """ResNet-50 v1 without conv5_x: 25,557,032 less 14,964,736 params."""
    cost = convcost.load("resnet50@v1").price()
    assert cost.total.params - cost["conv5_x"].params == 25_557_032 - 14_964_736
    (finding,) = audit_claims(claims_of("resnet50@v1", params="10,592,296")).findings
    assert (finding.verdict, finding.network) == ("holds as", "resnet50@v1, edited: conv5_x not counted")


def test_what_no_edit_explains_is_said_to_be_so():
    (finding,) = audit_claims(claims_of("resnet50@v1", params="12,345,678")).findings
    assert finding.verdict == "open"
    assert finding.evidence.endswith("no rule, variant or input here prints it")


def test_digits_agree_by_chance_in_units_of_1024_and_are_not_excused():
    """4,142,713,856 is 3.858 x 1024^3, and no reading of a table counts so."""
    audited = audit_claims(claims_of("resnet50@v1.5", ops="3.81G"), explained=False)  # 4,089,184,256 / 1024^3
    assert audited.findings[0].verdict == "open"


@pytest.mark.parametrize("name", ["mobilenet_v3_large", "googlenet@torchvision", "se_resnet50"])
def test_counts_of_tools_are_those_of_their_rules(name):
    cost = convcost.load(name).price()
    tools = [measure for measure in counts("ops") if measure not in ("macs", "flops2")]
    assert len(tools) > 5
    for tool in tools:
        assert exact(cost, "total", Reading("ops", tool)) == rule(tool).of(cost.total)


# -- what a cell alone can mean --------------------------------------------------------------------------------------


def audited(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return convcost.audit(path)


def test_a_count_with_a_fraction_needs_its_scale(tmp_path):
    """25.6 parameters are none: the unit stands in the caption, and would otherwise make every cell contradict.

    It is that which the table's networks have, and told; where none of them has any near, it is asked for.
    """
    found = audited(tmp_path, "Model,Params,FLOPs\nResNet-50,25.6,3.9\n")
    assert found.count("holds") == 2
    assert [note.partition(":")[2] for note in found.table.notes] == [
        " read in M, as its counts are whole",
        " read in G, as its counts are whole",
    ]
    with pytest.raises(ConvcostError, match=r"t.csv:2: Params 3.7: a count is whole; .* --map 'Params=params in M'"):
        audited(tmp_path, "Model,Params\nResNet-50,3.7\n")
    assert audited(tmp_path, "Model,Params,FLOPs\nResNet-50,25.6M,3.9G\n").count("holds") == 2


def test_no_proof_without_the_input(tmp_path):
    """1,248,424 params and 53,970,976 macs: SqueezeNet at 64x64, which the table does not print."""
    found = audited(
        tmp_path, "Network,Params,MACs\nSqueezeNet,1.25M,54.0M\nAlexNet,61.0M,724M\nResNet-50,25.6M,3.86G\n"
    )
    assert found.count("contradicts itself") == 0
    (small,) = (finding for finding in found.findings if finding.claim.text == "54.0M")
    assert (small.verdict, small.network) == ("holds as", "squeezenet@paper input=3x64x64")


def test_auxiliary_heads_may_be_counted_in_one_cell(tmp_path):
    """torchvision lists Inception v3 with the params of training, 27,161,264, and the operations of inference."""
    found = audited(tmp_path, "Model,Params (M),GFLOPs\nInception v3,27.2,5.71\nGoogLeNet,13.0,1.5\nVGG-16,138,15.5\n")
    said = [finding.network for finding in found.findings]
    assert said[0] == "inception_v3@torchvision aux=true with auxiliary heads"
    assert found.findings[1].verdict == "holds"
    assert said[2] == "googlenet@torchvision aux=true with auxiliary heads"
    assert "with auxiliary heads has 13,004,888" in found.findings[2].evidence
    assert {finding.verdict for finding in found.findings} == {"holds", "holds as"}
    assert found.readings["params"].part == ""


def test_last_zeros_may_be_no_digits():
    """15300 million multiply-adds: the paper's table says so of VGG-16's convolutions, which have 15,346,630,656."""
    found = {f.claim.text: f for f in convcost.audit("mobilenet_v1").findings}
    assert (found["15300"].verdict, found["1700"].verdict) == ("open", "open")
    assert "without linear layers, last zeros are no digits: 15,346,630,656" in found["15300"].evidence
    assert "ops are 2 x macs, last zeros are no digits: 1,665,335,872" in found["1700"].evidence


def test_rows_beyond_the_first_are_judged_and_not_explained():
    priced = {"googlenet": price_reference("googlenet")}
    texts = [f"{12_345_678 + 1_000_003 * number:,}" for number in range(40)]
    claims = [Claim(f"row {text}", "params", text, "params", "googlenet", "conv1", parse(text)) for text in texts]
    found = audit_claims(Claims("forty rows", "none", claims, priced))
    assert {finding.verdict for finding in found.findings} == {"open"}
    assert len(found.explanations) == 30
    assert found.unexplained == 40 - 30


def test_many_networks_that_fail_are_not_compared_with_edits(tmp_path):
    rows = "".join(f"ResNet-50,25.6M,{5 + i / 100:.2f}G\n" for i in range(12))
    found = audited(tmp_path, f"Model,Params,FLOPs\n{rows}")
    assert found.count("open") == 12


def test_what_the_plain_rule_prints_is_no_slip_in_a_column_that_is_read_by_another(tmp_path):
    """The others' numbers are of weights: 60,040,384 of ResNet-152, beside 151,424 of norms and 1,000 biases."""
    path = tmp_path / "t.md"
    path.write_text(
        "| Model | #Parameter | BFLOPs |\n|---|---|---|\n"
        "| DarkNet-53 | 41.57M | 18.57 |\n| CSPDarkNet-53 | 27.61M (-34%) | 13.07 (-30%) |\n"
        "| CSPResNet-50 | 21.57M (-5%) | 8.97 (-8%) |\n| ResNet-152 | 60.2M | 22.6 |\n"
    )
    found = by_cell(convcost.audit(path))
    assert found["DarkNet-53", "#Parameter"].reading.measure == "weights"
    cell = found["ResNet-152", "#Parameter"]
    assert (cell.verdict, cell.computed) == ("open", 60_040_384)
    assert cell.evidence == "60,192,808 is 60.2M as params; its column is read as weights"
    path.write_text(path.read_text().replace("60.2M", "60.3M"))  # which no rule prints
    assert by_cell(convcost.audit(path))["ResNet-152", "#Parameter"].verdict == "slip"
