from __future__ import annotations

import copy

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.hub.schemas import UnusableSchema, clean_input_schema

NAMES = ("a", "b", "c")

scalars = st.sampled_from([None, True, 0, 1, -3, 2.5, "", "x", "long text"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=5,
)
leaf_schemas = st.sampled_from(
    [
        {},
        True,
        {"type": "string", "description": "text"},
        {"type": "integer", "minimum": 0, "x-mcp-header": "Count"},
        {"type": ["string", "null"]},
        {"enum": ["x", 1]},
        {"type": "array", "items": {"type": "string", "$schema": "inner"}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"$ref": "#/$defs/thing/properties/a"},
    ]
)
objects = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("object"),
        "properties": st.dictionaries(st.sampled_from(NAMES), leaf_schemas, max_size=3),
        "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
        "additionalProperties": st.sampled_from([True, False, {"type": "string"}]),
        "unevaluatedProperties": st.booleans(),
        "minProperties": st.integers(0, 2),
    },
)
branches = objects | st.sampled_from([{"$ref": "#/$defs/thing"}])


@st.composite
def root_schemas(draw):
    schema = draw(objects)
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    schema["$defs"] = {"thing": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    for keyword in draw(st.lists(st.sampled_from(["allOf", "anyOf", "oneOf"]), unique=True, max_size=2)):
        schema[keyword] = draw(st.lists(branches, min_size=1, max_size=3))
    if draw(st.booleans()):
        schema["$ref"] = "#/$defs/thing"
    if draw(st.booleans()):
        schema["not"] = draw(objects)
    if draw(st.booleans()):
        schema |= {"if": draw(objects), "then": draw(objects), "else": draw(objects)}
    return schema


def is_valid(value, schema) -> bool:
    return Draft202012Validator(schema).is_valid(value)


def _mentions(branch, document) -> set[str]:
    target = document["$defs"]["thing"] if "$ref" in branch else branch
    return set(target.get("properties", {}))


def _uses_only_what_its_alternative_mentions(value, schema) -> bool:
    shared = set(schema.get("properties", {})) | _mentions(schema, schema)
    for keyword in ("anyOf", "oneOf"):
        for branch in schema.get(keyword, []):
            if is_valid(value, {**branch, "$defs": schema["$defs"]}) and not set(value) <= shared | _mentions(
                branch, schema
            ):
                return False
    return True


@given(root_schemas(), st.dictionaries(st.sampled_from(NAMES), values, max_size=3))
def test_cleaning_only_ever_loosens(schema, value):
    cleaned = clean_input_schema(schema)
    assume(is_valid(value, schema) and _uses_only_what_its_alternative_mentions(value, schema))
    assert is_valid(value, cleaned)


@given(root_schemas())
def test_the_root_is_a_plain_object_and_the_schema_stays_valid(schema):
    before = copy.deepcopy(schema)
    cleaned = clean_input_schema(schema)
    assert schema == before, "what the server sent stays untouched"
    assert cleaned["type"] == "object"
    assert isinstance(cleaned["properties"], dict)
    assert set(cleaned.get("required", [])) <= set(cleaned["properties"])
    assert not set(cleaned) & {"allOf", "anyOf", "oneOf", "not", "enum", "const", "if", "then", "else", "$ref"}
    text = orjson.dumps(cleaned).decode()
    assert "$schema" not in text
    assert "x-mcp-header" not in text
    Draft202012Validator.check_schema(cleaned)
    assert clean_input_schema(cleaned) == cleaned


def test_alternatives_that_disagree_on_a_property_are_both_offered():
    schema = {
        "oneOf": [
            {"properties": {"id": {"type": "integer"}}, "required": ["id"]},
            {"properties": {"id": {"type": "string"}}, "required": ["id"]},
            {"properties": {"name": {"type": "string"}}},
        ]
    }
    assert clean_input_schema(schema) == {
        "type": "object",
        "properties": {"id": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "name": {"type": "string"}},
    }


def test_what_all_of_several_require_stays_required():
    schema = {
        "allOf": [{"$ref": "#/$defs/Base"}, {"properties": {"b": {}}, "required": ["b"]}],
        "$defs": {"Base": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
    }
    cleaned = clean_input_schema(schema)
    assert cleaned["required"] == ["a", "b"]
    assert cleaned["properties"] == {"a": {"type": "string"}, "b": {}}


def test_words_of_the_schema_language_are_left_alone_where_they_are_data():
    schema = {
        "properties": {
            "$schema": {"type": "string"},
            "x": {"default": {"$schema": "kept"}, "enum": [{"x-mcp-header": "kept"}]},
        }
    }
    cleaned = clean_input_schema(schema)
    assert cleaned["properties"] == schema["properties"]


def _nested(levels: int):
    schema: dict = {"type": "string"}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (None, "not an object"),
        ([], "not an object"),
        ({"type": "string"}, "describes 'string'"),
        ({"type": ["array", "null"]}, "describes"),
        ({"type": None}, "describes None"),
        ({"$ref": "https://schemas.example/tool.json"}, "refers to a schema elsewhere"),
        ({"properties": {"a": {"items": {"$ref": "other.json#/x"}}}}, "refers to a schema elsewhere"),
        ({"$ref": "#/$defs/missing"}, "is not in it"),
        ({"anyOf": [{"$ref": "#/$defs/missing"}]}, "is not in it"),
        (_nested(80), "nested deeper than 64"),
        (_nested(5000), "nested deeper than 64"),
        ({"description": "x" * 300_000}, "more than 262144"),
        ({"default": 2**70}, "cannot be written as JSON"),
    ],
)
def test_a_schema_that_cannot_be_offered_is_refused_with_the_reason(schema, why):
    with pytest.raises(UnusableSchema, match=why):
        clean_input_schema(schema)


def test_a_reference_to_the_schema_itself_is_no_endless_loop():
    assert clean_input_schema({"$ref": "#", "properties": {"a": {"$ref": "#"}}})["properties"] == {
        "a": {"$ref": "#"}
    }


def test_a_root_that_may_also_be_null_is_an_object_to_the_model():
    assert clean_input_schema({"type": ["object", "null"]}) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_alternatives_beyond_any_use_are_refused_before_they_are_folded(keyword):
    schema = {keyword: [{"properties": {"a": {"const": number}}} for number in range(65)]}
    with pytest.raises(UnusableSchema, match=f"more than 64 alternatives in {keyword}"):
        clean_input_schema(schema)
    del schema[keyword][64]
    assert clean_input_schema(schema)["properties"].keys() == {"a"}


def test_a_large_schema_is_refused_however_little_of_it_would_be_left():
    with pytest.raises(UnusableSchema, match="more than 262144"):
        clean_input_schema({"$schema": "x" * 300_000})


def test_a_reason_does_not_quote_a_reference_of_any_length():
    with pytest.raises(UnusableSchema) as refusal:
        clean_input_schema({"$ref": "#/" + "x" * 100_000})
    assert len(str(refusal.value)) < 300
