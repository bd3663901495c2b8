from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.hub import CatalogueTool
from gateway.hub.catalogue import read_listing
from gateway.tool_calls.validation import SchemaChecks


def tool_with(schema: dict[str, Any]) -> CatalogueTool:
    listing = read_listing("files", [{"name": "tool", "inputSchema": schema}])
    assert not listing.bad
    return listing.tools[0]


def problems(schema: dict[str, Any], arguments: dict[str, Any]) -> tuple[str, ...]:
    return SchemaChecks().problems(tool_with(schema), arguments, 1)


def test_what_is_wrong_is_told_with_its_path():
    schema = {"properties": {"rows": {"items": {"properties": {"n": {"type": "integer"}}}}}, "required": ["name"]}
    assert set(problems(schema, {"rows": [{"n": 1}, {"n": "two"}]})) == {
        "rows[1].n: 'two' is not of type 'integer'",
        "'name' is a required property",
    }


def test_at_most_five_things_are_told_and_long_values_are_cut():
    schema = {"properties": {"rows": {"items": {"type": "integer"}}}}
    told = problems(schema, {"rows": ["x" * 1000] * 50})
    assert len(told) == 5
    assert all(len(line) < 350 for line in told)


def test_the_servers_own_schema_counts_not_the_looser_one_that_models_see():
    schema = {"oneOf": [{"required": ["id"]}, {"required": ["name"]}], "properties": {"id": {}, "name": {}}}
    assert "oneOf" not in tool_with(schema).input_schema
    assert problems(schema, {"id": 1}) == ()
    assert len(problems(schema, {})) == 1


def test_a_schema_is_read_in_the_dialect_that_it_names():
    old = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"pair": {"items": [{"type": "string"}, {"type": "integer"}]}},
    }
    assert problems(old, {"pair": ["a", 1]}) == ()
    assert problems(old, {"pair": ["a", "b"]}) == ("pair[1]: 'b' is not of type 'integer'",)


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 5000 + "!"}),
        ({"patternProperties": {"^(a+)+$": {}}}, {"a" * 5000 + "!": 1}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": [[i, {}] for i in range(20_000)]}),
        ({"properties": {"a": {"$ref": "#/properties/a"}}}, {"a": 1}),
        ({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, {"a": 1}),
        ({"properties": {"a": {"items": {"anyOf": [{"type": "string"}] * 8000}}}}, {"a": list(range(200_000))}),
        ({"properties": {"a": {"items": {"enum": [f"{i}" for i in range(20_000)]}}}}, {"a": ["x"] * 200_000}),
        ({"properties": {"a": {"items": {}}}}, {"a": [0] * 400_000}),
        ({"properties": {"a": {"anyOf": [{"type": "integer"}] * 10_000}}}, {"a": "x" * 1_000_000}),
        ({"properties": {"a": {"anyOf": [{"type": "integer"}] * 10_000}}}, {"a": [["x" * 99] * 99] * 99}),
        ({"additionalProperties": {"type": "integer"}}, {f"k{i}": "x" for i in range(100_000)}),
        (
            {
                "$ref": "#/$defs/d20",
                "$defs": {
                    "d0": {"type": "string"},
                    **{
                        f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i - 1}"}, {"$ref": f"#/$defs/d{i - 1}"}]}
                        for i in range(1, 21)
                    },
                },
            },
            {"a": 1},
        ),
    ],
)
def test_a_schema_made_to_keep_us_busy_is_given_up_within_a_bounded_number_of_steps(
    schema, arguments, monkeypatch: pytest.MonkeyPatch
):
    checks, tool = SchemaChecks(), tool_with(schema)
    checks.problems(tool, arguments, 1)
    check = checks._compiled.get(tool.qualified)
    assert check is None or check._steps < 50_000 + 500_000


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"minimum": "low"}}},
        {"properties": {"a": {"type": "no-such-type"}}},
        {"properties": {"a": {"$ref": "#/nowhere"}}},
        {"properties": {"a": {"$dynamicRef": "https://schemas.example/x"}}},
        {"properties": {"a": {"items": 5, "enum": 7, "required": 3}}},
        {"properties": 5},
    ],
)
def test_a_schema_that_cannot_be_checked_stands_in_nobodys_way(schema, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    assert problems(schema, {"a": 5}) == ()


def test_nothing_is_fetched_for_a_reference_to_elsewhere(monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: Any, **more: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    # The hub refuses such references; even one that it does not look for stays where it is.
    schema = {"$id": "https://schemas.example/base", "properties": {"a": {"$dynamicRef": "other"}}}
    assert problems(schema, {"a": 1}) == ()


def test_what_is_left_out_may_loosen_a_verdict_but_never_turn_one_around():
    assert problems({"properties": {"a": {"not": {"pattern": "x"}}}}, {"a": "y"}) == ()
    assert problems({"properties": {"a": {"oneOf": [{"pattern": "x"}, {"type": "string"}]}}}, {"a": "y"}) == ()
    assert problems({"properties": {"a": {"pattern": "x", "type": "string"}}}, {"a": 1}) != ()


def test_a_new_generation_is_checked_by_its_own_schemas():
    checks = SchemaChecks()
    assert checks.problems(tool_with({"required": ["a"]}), {}, 1) != ()
    assert checks.problems(tool_with({}), {}, 2) == ()


values = st.recursive(
    st.sampled_from([None, True, 0, 5, 2.5, "", "text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
schemas = st.recursive(
    st.sampled_from(
        [{}, {"type": "string"}, {"type": "object"}, {"minimum": 3}, {"pattern": "^x"}, {"enum": [0, "a"]}]
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "uniqueItems": st.booleans(),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=1),
            "additionalProperties": st.booleans() | inner,
            "unevaluatedProperties": st.booleans(),
        },
    ),
    max_leaves=5,
)


@given(schemas, st.dictionaries(st.sampled_from("ab"), values, max_size=2))
def test_arguments_that_the_schema_allows_are_never_refused(schema, arguments):
    if schema.get("type", "object") == "object" and Draft202012Validator(schema).is_valid(arguments):
        assert problems(schema, arguments) == ()
