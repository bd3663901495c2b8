from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tool_policies.argument_schemas import ArgumentSchema, InvalidSchema, Mismatch
from tool_policies.regex import TextTooLong

MAIL = {
    "properties": {
        "to": {"type": "array", "maxItems": 2, "items": {"type": "string", "pattern": r"^[\w.+-]+@example\.com$"}},
        "body": {"type": "string", "maxLength": 10},
    },
    "required": ["to"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "argument", "keyword"),
    [
        ({}, "to", "required"),
        ({"to": "a@example.com"}, "to", "type"),
        ({"to": ["a@example.com", "b@example.com", "c@example.com"]}, "to", "maxItems"),
        ({"to": ["a@example.com", "eve@evil.io"]}, "to[1]", "pattern"),
        ({"to": ["a@example.com\n"]}, "to[0]", "pattern"),
        ({"to": [], "body": "x" * 11}, "body", "maxLength"),
        ({"to": [], "bcc": ["eve@evil.io"]}, "bcc", "additionalProperties"),
    ],
)
def test_a_mismatch_names_the_argument_and_the_keyword(arguments, argument, keyword):
    found = ArgumentSchema(MAIL).mismatch(arguments)
    assert found is not None
    assert (found.argument, found.keyword) == (argument, keyword)


def test_arguments_that_fit_have_no_mismatch():
    assert ArgumentSchema(MAIL).mismatch({"to": ["a@example.com"], "body": "hi"}) is None
    assert ArgumentSchema(True).mismatch({"anything": 1}) is None
    assert ArgumentSchema(False).mismatch({}) == Mismatch("", "false", "null")


def test_what_a_mismatch_shows_is_bounded_and_on_one_line():
    found = ArgumentSchema({"additionalProperties": {"enum": ["x" * 5000]}}).mismatch({"a\n\u202e" + "b" * 500: 1})
    assert found is not None
    assert found.argument.isprintable()
    assert len(found.argument) < 200
    assert len(found.expected) <= 200


@pytest.mark.parametrize(
    ("schema", "where", "hint"),
    [
        ({"maxLenght": 3}, "maxLenght", "maxLength"),
        ({"properties": {"a": {"typ": "string"}}}, "properties.a.typ", "type"),
        ({"path": {"type": "string"}}, "path", "properties"),
        ({"properties": {"a": {"format": "email"}}}, "properties.a.format", "pattern"),
        ({"patternProperties": {"^a": {}}}, "patternProperties", "propertyNames"),
        ({"unevaluatedProperties": False}, "unevaluatedProperties", "additionalProperties"),
        ({"definitions": {}}, "definitions", "$defs"),
        ({"type": "strin"}, "type", "string"),
        ({"type": ["string", "nul"]}, "type", "null"),
        ({"properties": {"a": {"pattern": "(?=a)"}}}, "properties.a.pattern", "look-around"),
        ({"pattern": 3}, "pattern", "quotes"),
        ({"$ref": "https://example.com/schema"}, "$ref", "#/$defs"),
        ({"$ref": "file:///etc/passwd"}, "$ref", "#/$defs"),
        ({"$ref": "other.json#/a"}, "$ref", "#/$defs"),
        ({"$ref": "#/$defs/gone"}, "$ref", "#/$defs"),
        ({"$id": "https://example.com"}, "$id", "leave it out"),
        ({"$dynamicRef": "#a"}, "$dynamicRef", "$ref"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$schema", "2020-12"),
        ({"allOf": [{}, {"requird": []}]}, "allOf[1].requird", "required"),
        ({"if": {"x": 1}}, "if.x", "2020-12"),
        ({"properties": {"a": 3}}, "properties.a", None),
        ({"maxLength": -1}, "maxLength", None),
        ({"maximum": "3"}, "maximum", None),
        ({"required": "path"}, "required", None),
        ({"items": [{}]}, "items", None),
        ({"$ref": "#"}, "", None),
        ("string", "", None),
        (None, "", None),
    ],
)
def test_a_schema_that_would_not_be_enforced_as_it_reads_is_refused(schema, where, hint):
    with pytest.raises(InvalidSchema) as caught:
        ArgumentSchema(schema)
    assert where in str(caught.value)
    assert hint is None or hint in (caught.value.problems[0].hint or "")


def test_all_that_is_wrong_with_a_schema_is_said_at_once():
    with pytest.raises(InvalidSchema) as caught:
        ArgumentSchema({"typ": 1, "properties": {"a": {"pattern": "("}, "b": {"format": "uri"}}})
    assert len(caught.value.problems) == 3


def test_references_within_the_schema_are_followed():
    schema = ArgumentSchema(
        {"$defs": {"node": {"properties": {"next": {"$ref": "#/$defs/node"}, "n": {"maximum": 3}}}}}
        | {"$ref": "#/$defs/node"}
    )
    assert schema.mismatch({"next": {"next": {"n": 3}}}) is None
    found = schema.mismatch({"next": {"next": {"n": 4}}})
    assert found is not None
    assert found.argument == "next.next.n"


def test_a_text_too_long_to_be_matched_is_no_match():
    with pytest.raises(TextTooLong):
        ArgumentSchema({"properties": {"a": {"pattern": "^a*$"}}}).mismatch({"a": "a" * 100_000})


def test_unique_items_are_found_without_comparing_each_with_each():
    schema = ArgumentSchema({"properties": {"a": {"uniqueItems": True}}})
    many = [{"n": n, "mixed": [n % 2 == 0, None]} for n in range(30_000)]
    assert schema.mismatch({"a": [*many, 1, "1", True, None]}) is None
    assert schema.mismatch({"a": [*many, {"mixed": [False, None], "n": 1.0}]})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, 2.5, "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)
SCHEMAS = st.recursive(
    st.sampled_from(
        [
            True,
            False,
            {"type": "string"},
            {"type": ["integer", "null"]},
            {"enum": [1, "a", None]},
            {"const": [1]},
            {"minimum": 1},
            {"maxLength": 1},
            {"uniqueItems": True},
            {"required": ["a"]},
            {"maxItems": 1},
            {"pattern": "^a"},
            {"multipleOf": 2},
            {"minProperties": 1},
            {"dependentRequired": {"a": ["b"]}},
        ]
    ),
    lambda inner: (
        st.builds(lambda a, b: {"properties": {"a": a, "b": b}, "additionalProperties": False}, inner, inner)
        | st.builds(lambda a, b: {"properties": {"a": a}, "additionalProperties": b}, inner, inner)
        | st.builds(lambda a: {"items": a}, inner)
        | st.builds(lambda a: {"not": a}, inner)
        | st.builds(lambda a: {"contains": a}, inner)
        | st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner)
        | st.builds(lambda a, b: {"oneOf": [a, b]}, inner, inner)
        | st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner)
    ),
    max_leaves=5,
)


@given(SCHEMAS, st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3))
def test_verdicts_are_those_of_the_library(schema, arguments):
    plain = Draft202012Validator(schema).is_valid(arguments)
    assert (ArgumentSchema(schema).mismatch(arguments) is None) == plain, json.dumps(schema)
