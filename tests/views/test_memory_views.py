"""Memory by every rule, and the arena: what the tables print is what the library counts."""

import json

import pytest

import convcost
from convcost.cli import run
from convcost.cost.memory_rules import RULES, buffers, plan


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> list[dict[str, object]]:
    assert run([*command, "--format", "json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["rows"]
    return found


def test_every_rule_has_a_row_in_the_type_of_its_source(capsys):
    cost = convcost.load("mobilenet_v2").price()
    rows = {row["rule"]: row for row in printed(capsys, "memory", "mobilenet_v2", "--rules")}
    assert [*rows] == [*RULES]
    sizes = {"float32": 4, "int8": 1, "float16": 2, "bfloat16": 2}
    for name, rule in RULES.items():
        assert rows[name]["dtype"] == rule.dtype
        assert rows[name]["bytes"] == rule.of(cost, sizes[rule.dtype]), name


def test_an_arena_lists_every_tensor_and_ends_with_its_size(capsys):
    cost = convcost.load("lenet5").price()
    *rows, last = printed(capsys, "memory", "lenet5", "--plan")
    placed = plan(buffers(cost, 1))
    assert len(rows) == len(placed)
    assert last["bytes"] == RULES["arena"].of(cost, 1) == max(one.offset + one.buffer.size for one in placed)
    # The input, 32 x 32 x 1 bytes, is needed until the first convolution, which writes 6 x 28 x 28 = 4,704 beside it.
    assert (rows[0]["layer"], rows[0]["bytes"], rows[0]["last"]) == ("input", 1024, cost.rows[0].name)
    assert rows[1]["bytes"] == 4704
