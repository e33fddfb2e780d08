"""JSON Schemas of the files that people write, for their editors: made of the words that our readers know.

What a schema cannot say, as which names an expression may use, `convcost check` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from convcost.ops import OPERATORS
from convcost.published import tables
from convcost.published.counting import counts
from convcost.published.tables import COUNTS, QUANTITIES
from convcost.spec import model
from convcost.spec.build import REPEATS, STRUCTURES

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
"""Text as YAML may have it: a title can be a number."""
_EXPRESSION: Schema = {"type": ["string", "number", "boolean", "null"]}
_VALUE: Schema = {"anyOf": [_EXPRESSION, {"type": "array", "items": {"$ref": "#/$defs/value"}}]}


def _mapping(properties: Mapping[str, Schema], needed: Iterable[str] = (), rest: Schema | bool = False) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": rest,
        **({"required": [*needed]} if needed else {}),
    }


def spec_schema() -> Schema:
    """Of a spec."""
    ref: dict[str, Schema] = {
        name: {"$ref": f"#/$defs/{name}"} for name in ("value", "item", "branches", "input", "structure")
    }
    said: dict[str, Schema] = {"about": _TEXT, "source": _TEXT, "input": ref["input"], "networks": ref["value"]}
    presets = {
        section: _optional(_mapping({}, rest=_optional(_mapping({k: said[k] for k in keys}, rest=ref["value"]))))
        for section, keys in (("networks", model.PRESET_KEYS), ("variants", model.VARIANT_KEYS))
    }
    about: dict[str, Schema] = {
        "default": ref["value"],
        "choices": {"type": "array", "items": ref["value"]},
        "about": _TEXT,
    }
    knob = _mapping({key: about[key] for key in model.KNOB_KEYS}, ["default"])
    structures: dict[str, Schema] = {
        **dict.fromkeys(("repeat", "if"), _EXPRESSION),
        **dict.fromkeys(("concat", "add", "mul", "outputs"), ref["branches"]),
        "auxiliary": ref["item"],
    }
    sections: Schema = {
        **dict.fromkeys(("name", "title", "family", "source", "notes"), _TEXT),
        "input": ref["input"],
        "knobs": _optional(_mapping({}, rest={"anyOf": [ref["value"], knob]})),
        "let": _optional(_mapping({}, rest=_EXPRESSION)),
        **presets,
        "defaults": _optional(
            _mapping({name: _mapping({}, rest=_EXPRESSION) for name in sorted(OPERATORS)}, rest=False)
        ),
        "blocks": _optional(_mapping({}, rest=ref["item"])),
        "layers": ref["item"],
    }
    one_input: list[Schema] = [
        {"type": "string", "pattern": r"^\s*[0-9]+([x×][0-9]+)*\s*$"},
        {"type": "integer", "minimum": 1},
        {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1},
    ]
    definitions: Schema = {
        "value": _VALUE,
        "input": {"anyOf": [*one_input, {**_mapping({}, rest={"anyOf": one_input}), "minProperties": 1}]},
        "item": {
            "description": "A chain of calls, items one after the other, a named item, or a structure.",
            "anyOf": [_EXPRESSION, {"type": "array", "items": ref["item"]}, ref["structure"], _named(ref["item"])],
        },
        "branches": {"anyOf": [{"type": "array", "items": ref["item"]}, _mapping({}, rest=ref["item"])]},
        "structure": {
            "anyOf": [
                _mapping({name: structures.get(name, {}), **_more(name, ref["item"])}, [name]) for name in STRUCTURES
            ]
        },
    }
    return _whole("A network as convcost reads it", sections, model.KEYS, model.NEEDED, definitions)


def table_schema() -> Schema:
    """Of a published table."""
    quantity = {"enum": [f"{name}{scale}" for name in QUANTITIES for scale in ("", " in K", " in M", " in G")]}
    convention = {name: _reading(name) for name in COUNTS}
    sections: Schema = {
        **dict.fromkeys(("table", "title", "source", "notes", "network"), _TEXT),
        "convention": _mapping(convention),
        "columns": _mapping({}, rest={"anyOf": [quantity, {"type": "string", "description": "a network"}]}),
        "rows": {"type": "string", "description": "A row a line: the scope, then the printed cells, | between them."},
        "quantities": _mapping({}, rest=quantity),
    }
    return _whole("A published table as convcost reads it", sections, tables.KEYS, tables.NEEDED, {})


def _reading(quantity: str) -> Schema:
    """How a table's params or ops are read."""
    count: Schema = {"enum": [*counts(quantity)]}
    parts = {name: {"enum": [*words]} if words else count for name, words in tables.READING.items()}
    return {"anyOf": [count, _mapping(parts)]}


SCHEMAS = {"spec": spec_schema, "table": table_schema}
"""What there is a schema of."""


def _whole(title: str, sections: Schema, keys: Iterable[str], needed: Iterable[str], definitions: Schema) -> Schema:
    """A schema of exactly the keys that the reader knows; what one takes that is not described here, `check` knows."""
    return {
        "$schema": _DRAFT,
        "title": title,
        **_mapping({key: sections.get(key, {}) for key in keys}, needed),
        **({"$defs": definitions} if definitions else {}),
    }


def _optional(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _named(item: Schema) -> Schema:
    names = {"not": {"enum": [*STRUCTURES]}}
    return {
        "type": "object",
        "propertyNames": names,
        "additionalProperties": item,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _more(structure: str, item: Schema) -> Schema:
    """What a structure takes beside its own key."""
    if structure == "repeat":
        return {"index": {"type": "string"}, **dict.fromkeys(REPEATS, _EXPRESSION), "layers": item}
    if structure == "if":
        return {"then": item, "else": item}
    operator = OPERATORS.get(structure)
    return dict.fromkeys((field.name for field in operator.fields), _EXPRESSION) if operator is not None else {}
