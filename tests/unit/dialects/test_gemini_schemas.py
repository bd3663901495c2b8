"""JSON Schema as Gemini takes it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.gemini.schemas import from_openapi, tidy, to_openapi


@pytest.mark.parametrize(
    ("schema", "subset"),
    [
        ({"type": "string", "title": "T", "$schema": "x", "examples": ["a"]}, {"type": "STRING"}),
        ({"const": "a"}, {"type": "STRING", "enum": ["a"]}),
        ({"enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"enum": [1, 2]}, {"type": "INTEGER", "description": "One of: 1, 2"}),
        ({"const": 1, "description": "d"}, {"type": "INTEGER", "description": "d One of: 1"}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}], "description": "d"},
            {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "description": "d"},
        ),
        (
            {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]},
            {"type": "OBJECT", "properties": {"a": {}, "b": {}}, "required": ["a"]},
        ),
        (
            {"type": "object", "properties": {"a": True, "b": False}, "required": ["a", "b", "c"]},
            {"type": "OBJECT", "properties": {"a": {}}, "required": ["a"]},
        ),
        (
            {"type": "object", "additionalProperties": False, "patternProperties": {"x": {}}, "propertyNames": {}},
            {"type": "OBJECT"},
        ),
        (
            {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
            {"type": "INTEGER", "minimum": 1, "maximum": 8},
        ),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "NUMBER", "minimum": 0}),
        ({"type": "string", "format": "uuid"}, {"type": "STRING"}),
        ({"type": "string", "format": "date-time"}, {"type": "STRING", "format": "date-time"}),
        ({"type": "array", "minItems": 1}, {"type": "ARRAY", "minItems": 1, "items": {"type": "STRING"}}),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}, {"type": "string"}]},
            {"type": "ARRAY", "items": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}},
        ),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/x~1y", "description": "d"}},
                "$defs": {"x/y": {"type": "string"}},
            },
            {"type": "OBJECT", "properties": {"a": {"type": "STRING", "description": "d"}}},
        ),
        (
            {
                "$ref": "#/$defs/Node",
                "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
            },
            {"type": "OBJECT", "properties": {"next": {"type": "OBJECT"}}},
        ),
        (
            {"properties": {"title": {"type": "string", "title": "Title"}}},
            {"type": "OBJECT", "properties": {"title": {"type": "STRING"}}},
        ),
        ({"$ref": "https://elsewhere/"}, {"type": "OBJECT"}),
        (
            {"properties": {"a": {"type": "string", "format": {}}}, "required": [["a"], "a"]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
        ),
    ],
)
def test_what_the_subset_has_no_word_for_is_said_in_another_way(schema: dict[str, Any], subset: dict[str, Any]):
    before = copy.deepcopy(schema)
    assert to_openapi(schema) == subset
    assert schema == before


def test_json_schema_loses_only_what_is_refused():
    schema = {
        "$schema": "x",
        "title": "T",
        "type": "object",
        "properties": {"title": {"const": "a", "title": "b"}, "n": {"type": "integer", "exclusiveMinimum": 1}},
        "additionalProperties": False,
        "$defs": {"X": {"anyOf": [{"examples": [1]}, {"$ref": "#/$defs/X"}]}},
        "required": ["title"],
    }
    before = copy.deepcopy(schema)
    assert tidy(schema) == {
        "type": "object",
        "properties": {"title": {"enum": ["a"], "type": "string"}, "n": {"type": "integer", "minimum": 2}},
        "additionalProperties": False,
        "$defs": {"X": {"anyOf": [{}, {"$ref": "#/$defs/X"}]}},
        "required": ["title"],
    }
    assert schema == before


def test_references_that_multiply_end_somewhere():
    definitions = {
        f"d{n}": {"properties": {f"p{i}": {"$ref": f"#/$defs/d{n + 1}"} for i in range(10)}} for n in range(9)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": {**definitions, "d9": {"type": "string"}}}
    assert len(str(to_openapi(schema))) < 1_000_000


def test_schemas_may_be_nested_deeply():
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(400):
        schema = {"type": "array", "items": schema}
    assert to_openapi(schema)["type"] == "ARRAY"
    assert tidy(schema)["type"] == "array"


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", "object", "array", "null", ["string", "null"], 3, None]),
            "enum": st.lists(st.none() | st.text(max_size=2) | st.integers(0, 3), max_size=3),
            "const": st.none() | st.text(max_size=2) | st.booleans(),
            "$ref": st.sampled_from(["#", "#/properties/a", "#/nowhere", 7]),
            "required": st.lists(st.sampled_from(["a", "b"]), max_size=2),
            "exclusiveMinimum": st.integers(0, 3) | st.booleans(),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from(["a", "b", "title"]), inner, max_size=2),
            "anyOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
            "items": inner,
            "type": st.sampled_from(["object", "array"]),
        },
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_nothing_given_is_changed_whatever_it_is(schema: dict[str, Any]):
    before = copy.deepcopy(schema)
    assert "$ref" not in str(to_openapi(schema))
    assert tidy(tidy(schema)) == tidy(schema)
    from_openapi(schema)
    assert schema == before


def test_its_own_schemas_become_json_schema():
    schema = {
        "type": "OBJECT",
        "propertyOrdering": ["a"],
        "properties": {
            "a": {"type": "STRING", "nullable": True, "enum": ["x"], "max_length": "5"},
            "b": {"any_of": [{"type": "INTEGER"}, {"type": "NUMBER"}], "nullable": True},
            "c": {"type": "ARRAY", "items": {"type": "BOOLEAN"}, "minItems": "1"},
        },
    }
    assert from_openapi(schema) == {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"], "enum": ["x", None], "maxLength": 5},
            "b": {"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]},
            "c": {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
        },
    }
