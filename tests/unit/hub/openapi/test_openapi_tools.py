"""An operation as a tool: what it is called, what it takes, what it promises."""

from __future__ import annotations

import pytest

from .documents import operation_of

PET = {"type": "object", "properties": {"name": {"type": "string", "pattern": "a+"}}}


def json_of(schema):
    return {"content": {"application/json": {"schema": schema}}}


def tool(tmp_path, **fields):
    return operation_of(tmp_path, **fields)[0].definition


def test_a_tool_says_all_that_the_document_says(tmp_path):
    definition = tool(
        tmp_path,
        method="put",
        summary="Change",
        description="Changes it.",
        deprecated=True,
        parameters=[
            {
                "name": "dry",
                "in": "query",
                "description": "do nothing",
                "schema": {"type": "boolean", "default": False},
            },
            {"name": "n", "in": "query", "required": True, "schema": {"type": "integer"}, "deprecated": True},
        ],
        requestBody={"required": True, **json_of({"$ref": "#/components/schemas/Pet"})},
        schemas={"Pet": PET},
    )
    assert definition == {
        "name": "op",
        "title": "Change",
        "description": "Change\n\nChanges it.\n\nThis operation is deprecated.",
        "annotations": {
            "readOnlyHint": False,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": True,
        },
        "inputSchema": {
            "type": "object",
            "properties": {
                "dry": {"type": "boolean", "default": False, "description": "do nothing"},
                "n": {"type": "integer", "deprecated": True},
                "body": PET,
            },
            "additionalProperties": False,
            "required": ["n", "body"],
        },
    }


@pytest.mark.parametrize(
    ("method", "hints"),
    [
        ("get", (True, None, None)),
        ("head", (True, None, None)),
        ("post", (False, False, False)),
        ("put", (False, False, True)),
        ("patch", (False, False, False)),
        ("delete", (False, True, True)),
    ],
)
def test_methods_are_marked_as_http_has_them(tmp_path, method, hints):
    found = tool(tmp_path, method=method)["annotations"]
    assert tuple(found.get(name) for name in ("readOnlyHint", "destructiveHint", "idempotentHint")) == hints


@pytest.mark.parametrize(
    ("responses", "is_promised"),
    [
        ({"200": json_of(PET)}, True),
        ({"200": json_of(PET), "201": json_of(PET), "404": {"description": "no"}}, True),
        ({"2XX": json_of(PET)}, True),
        ({"200": json_of(PET), "204": {"description": "nothing"}}, False),
        ({"200": {"content": {"application/json": {"schema": PET}, "text/plain": {}}}}, False),
        ({"200": json_of(PET), "201": json_of({"type": "object"})}, False),
        ({"200": json_of({"type": "array"})}, False),
        ({"200": json_of({})}, False),
        ({"200": {"$ref": "#/none"}}, False),
        ({"default": json_of(PET)}, False),
        ({}, False),
    ],
)
def test_an_output_is_promised_only_where_it_is_always_the_same_object(tmp_path, responses, is_promised):
    promised = tool(tmp_path, responses=responses).get("outputSchema")
    assert promised == ({"type": "object", "properties": {"name": {"type": "string"}}} if is_promised else None)
