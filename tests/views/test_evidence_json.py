"""The JSON of audits and reconciliations is what its schema in the package says."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import pytest

from convcost.auditing.verdicts import VERDICTS
from convcost.cli import run

SCHEMA = json.loads(files("convcost.views").joinpath("evidence.schema.json").read_text("utf-8"))


def test_the_schema_is_one_and_knows_every_verdict():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["verdict"]["properties"]["verdict"]["enum"] == list(VERDICTS)


@pytest.mark.parametrize(
    "command",
    [
        ["audit", "squeezenet"],
        ["audit", "resnet"],
        ["reconcile", "resnet50", "--macs", "4.12G"],
        ["reconcile", "mobilenet_v2", "--macs", "429,111,936"],
        ["reconcile", "alexnet", "97 GMACs"],
    ],
)
def test_what_is_printed_is_valid_and_carries_candidates_with_their_bits(command, capsys):
    run([*command, "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA, jsonschema.Draft202012Validator)
    if command[0] == "audit":
        assert len(document["evidence"]) == sum("verdict" in row for row in document["rows"])
        for one in document["evidence"]:
            if one["verdict"] == "holds" and one["reading"]:
                assert one["candidates"]
    else:
        bits = [one["bits"] for one in document["evidence"]]
        assert len(bits) >= len(document["rows"])
        assert bits == sorted(bits) or "GMACs" in command[-1]  # the nearest go by their residuals


def test_a_broken_document_is_refused():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": 1}, SCHEMA)
