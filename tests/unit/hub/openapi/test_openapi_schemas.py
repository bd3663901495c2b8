"""OpenAPI's schemas become JSON Schema 2020-12 that is never stricter than what the document says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, exceptions

from gateway.hub.openapi.document import DocumentFault, Node
from gateway.hub.openapi.schemas import read_schema


def convert(schema: Any, *, version="3.1.0", direction="request", **schemas: Any) -> Any:
    root = {"openapi": version, "components": {"schemas": schemas}, "it": schema}
    return read_schema(Node("api.json", schema, ("it",), root, lambda _: 1), direction)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "string", "nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"nullable": True, "allOf": [{"type": "string"}]},
            {"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}]},
        ),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": False}, {"type": "integer", "maximum": 1}),
        ({"type": "number", "exclusiveMaximum": 5}, {"type": "number", "exclusiveMaximum": 5}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"type": ["string", "null", "file"]}, {"type": ["string", "null"]}),
        ({"type": "object", "xml": {}, "example": 1, "x-y": 2, "discriminator": {}}, {"type": "object"}),
        ({"type": "string", "required": True, "enum": "a", "minLength": -1}, {"type": "string"}),
        (
            {"type": "array", "items": {"nullable": True, "type": "string"}},
            {"type": "array", "items": {"type": ["string", "null"]}},
        ),
        (True, True),
    ],
)
def test_a_schema_is_written_in_the_newer_form(given, wanted):
    assert convert(given, version="3.0.3") == wanted


def test_references_are_written_out_and_circles_are_cut():
    tree = {
        "type": "object",
        "properties": {"child": {"$ref": "#/components/schemas/Tree"}, "name": {"type": "string"}},
    }
    found = convert({"$ref": "#/components/schemas/Tree"}, Tree=tree)
    assert found == {"type": "object", "properties": {"child": {}, "name": {"type": "string"}}}


def test_what_is_beside_a_reference_counts_from_3_1_on():
    pet = {"type": "object"}
    described = {"$ref": "#/components/schemas/Pet", "description": "mine"}
    narrowed = {"$ref": "#/components/schemas/Pet", "minProperties": 1}
    assert convert(described, Pet=pet) == {"type": "object", "description": "mine"}
    assert convert(narrowed, Pet=pet) == {"allOf": [{"type": "object"}, {"minProperties": 1}]}
    assert convert(narrowed, version="3.0.0", Pet=pet) == {"type": "object"}


def test_what_only_answers_hold_is_not_asked_for():
    schema = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": {"$ref": "#/components/schemas/Id"},
            "name": {"type": "string"},
            "secret": {"writeOnly": True},
        },
    }
    asked = convert(schema, Id={"type": "integer", "readOnly": True})
    answered = convert(schema, direction="response", Id={"type": "integer", "readOnly": True})
    assert (sorted(asked["properties"]), asked["required"]) == (["name", "secret"], ["name"])
    assert (sorted(answered["properties"]), answered["required"]) == (["id", "name"], ["id", "name"])


def test_a_negation_in_which_something_was_cut_goes_altogether():
    circle = {
        "type": "object",
        "properties": {"next": {"$ref": "#/components/schemas/A"}},
        "not": {"$ref": "#/components/schemas/A"},
    }
    assert "not" not in convert({"$ref": "#/components/schemas/A"}, A=circle)
    assert convert({"not": {"type": "string"}}) == {"not": {"type": "string"}}
    conditional = {"if": {"$ref": "#/components/schemas/B"}, "then": {"minProperties": 1}, "else": False}
    assert convert({"$ref": "#/components/schemas/B"}, B=conditional) == {}


def test_a_schema_that_grows_without_end_is_cut_where_it_is_small_enough():
    many = {
        f"S{n}": {
            "type": "object",
            "properties": {f"p{m}": {"$ref": f"#/components/schemas/S{m}"} for m in range(12)},
        }
        for n in range(12)
    }
    found = convert({"$ref": "#/components/schemas/S0"}, **many)
    assert found["type"] == "object"
    assert len(json.dumps(found)) < 200_000


def test_what_is_no_schema_is_told_with_its_place():
    with pytest.raises(DocumentFault, match=r"#/it/properties/a.*an object is wanted"):
        convert({"properties": {"a": 7}})


_LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 2},
        {"type": "integer", "minimum": 2, "exclusiveMinimum": 3},
        {"enum": [1, "a", None]},
        {"$ref": "#/components/schemas/A"},
        {"$ref": "#/components/schemas/B"},
        {},
    ]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "properties": st.dictionaries(st.sampled_from("ab"), inner),
                "required": st.lists(st.sampled_from("ab"), unique=True),
            }
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries(
            {"oneOf": st.lists(inner, min_size=1, max_size=2), "anyOf": st.lists(inner, min_size=1, max_size=2)}
        ),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
    ),
    max_leaves=6,
)
_VALUES = st.recursive(
    st.sampled_from([None, 1, 5, "a", True]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)


@given(_SCHEMAS, _SCHEMAS, _SCHEMAS, _VALUES)
def test_whatever_the_document_allows_is_allowed(schema, a, b, value):
    """Held against the document's own references, which the validator follows by itself."""
    found = convert(schema, A=a, B=b)
    original = {**schema, "components": {"schemas": {"A": a, "B": b}}}
    try:
        is_allowed = Draft202012Validator(original).is_valid(value)
    except (RecursionError, exceptions._WrappedReferencingError):
        return
    if is_allowed:
        assert Draft202012Validator(found).is_valid(value)


@pytest.mark.parametrize("kind", [{"a": 1}, [{"a": 1}, ["string"], "string"], [], 7, "text"])
def test_types_that_are_none_are_left_out(kind):
    assert convert({"type": kind}) == ({"type": ["string"]} if "string" in str(kind) else {})
