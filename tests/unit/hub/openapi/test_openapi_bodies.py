"""Bodies that are no JSON: several parts with files among them, and files by themselves."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

import pytest

from gateway.hub.openapi.requests import ApiRequest, build_request
from gateway.hub.openapi.values import ArgumentFault

from .documents import operation_of, reason_of

BINARY = {"type": "string", "format": "binary"}
DATA = base64.b64encode(b"\0\xff\r\n").decode()


def body_of(media: str, schema: Any = None, **more: Any) -> dict[str, Any]:
    return {"required": True, "content": {media: {**({} if schema is None else {"schema": schema}), **more}}}


def sent(tmp_path, value: Any, media: str, schema: Any = None, **more: Any) -> ApiRequest:
    operation, base = operation_of(tmp_path, method="post", requestBody=body_of(media, schema, **more))
    return build_request(operation, base, {"body": value})


def parts_of(request: ApiRequest) -> list[tuple[str, str | None, str | None, bytes]]:
    """Name, file name, declared type and content of each part, as Python's reader of MIME sees them."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    whole = message_from_bytes(head + (request.body or b""), policy=HTTP)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get("Content-Type"),
            part.get_payload(decode=True),
        )
        for part in whole.iter_parts()
    ]


def form(tmp_path, value: Any, properties: dict[str, Any], **more: Any):
    return parts_of(sent(tmp_path, value, "multipart/form-data", {"properties": properties}, **more))


def test_each_field_is_a_part_of_its_kind(tmp_path):
    properties = {
        "file": BINARY,
        "files": {"type": "array", "items": BINARY},
        "newer": {"type": "string", "contentMediaType": "application/octet-stream"},
        "text": {"type": "string"},
        "number": {"type": "number"},
        "object": {"type": "object"},
        "list": {"type": "array", "items": {"type": "integer"}},
        "objects": {"type": "array", "items": {"type": "object"}},
    }
    value = {
        "file": {"data": DATA, "filename": "a.bin"},
        "files": [{"text": "x"}, {"text": "ü", "content_type": "text/plain; charset=utf-8"}],
        "newer": {"text": "n"},
        "text": "t",
        "number": 1.5,
        "object": {"a": 1},
        "list": [1, 2],
        "objects": [{"b": 2}],
        "undeclared": True,
        "nothing": None,
    }
    octets = "application/octet-stream"
    assert form(tmp_path, value, properties) == [
        ("file", "a.bin", octets, b"\0\xff\r\n"),
        ("files", "files", octets, b"x"),
        ("files", "files", 'text/plain; charset="utf-8"', "ü".encode()),
        ("newer", "newer", octets, b"n"),
        ("text", None, None, b"t"),
        ("number", None, None, b"1.5"),
        ("object", None, "application/json", b'{"a":1}'),
        ("list", None, None, b"1"),
        ("list", None, None, b"2"),
        ("objects", None, "application/json", b'{"b":2}'),
        ("undeclared", None, None, b"true"),
    ]


@pytest.mark.parametrize(
    ("schema", "value", "names"),
    [
        ({"anyOf": [BINARY, {"type": "null"}]}, {"text": "x"}, ["file"]),
        ({"type": ["string", "null"], "format": "binary"}, {"text": "x"}, ["file"]),
        ({"anyOf": [{"type": "array", "items": BINARY}, {"type": "null"}]}, [{"text": "x"}] * 2, ["file", "file"]),
        ({"type": ["array", "null"], "items": {"type": "string"}}, ["x"], [None]),
        (True, "x", [None]),
    ],
)
def test_a_field_that_can_be_null_is_what_it_is_otherwise(tmp_path, schema, value, names):
    assert [filename for _, filename, *_ in form(tmp_path, {"file": value}, {"file": schema})] == names
    assert form(tmp_path, {"file": None}, {"file": schema}) == []


def test_a_part_has_the_type_that_its_encoding_says(tmp_path):
    encoding = {
        "meta": {"contentType": "application/json"},
        "note": {"contentType": "text/csv"},
        "photo": {"contentType": "image/png, image/jpeg"},
        "any": {"contentType": "image/*"},
    }
    properties = {"meta": {"type": "string"}, "note": {"type": "string"}, "photo": {}, "any": {}}
    value = {
        "meta": "m",
        "note": "a,b",
        "photo": {"data": DATA},
        "any": {"data": DATA, "content_type": "image/gif"},
    }
    assert [
        (name, kind, content) for name, _, kind, content in form(tmp_path, value, properties, encoding=encoding)
    ] == [
        ("meta", "application/json", b'"m"'),
        ("note", "text/csv", b"a,b"),
        ("photo", "image/png", b"\0\xff\r\n"),
        ("any", "image/gif", b"\0\xff\r\n"),
    ]
    with pytest.raises(ArgumentFault, match="its content_type must be image/png or image/jpeg"):
        form(tmp_path, {"photo": {"data": DATA, "content_type": "text/html"}}, properties, encoding=encoding)


def test_files_are_found_behind_references_and_in_schemas_that_hold_together(tmp_path):
    schemas = {
        "File": BINARY,
        "Upload": {"type": "object", "properties": {"file": {"$ref": "#/components/schemas/File"}}},
    }
    schema = {"allOf": [{"$ref": "#/components/schemas/Upload"}, {"properties": {"title": {"type": "string"}}}]}
    operation, base = operation_of(
        tmp_path, method="post", requestBody=body_of("multipart/form-data", schema), schemas=schemas
    )
    written = operation.definition["inputSchema"]["properties"]["body"]
    assert "data" in written["allOf"][0]["properties"]["file"]["properties"]
    request = build_request(operation, base, {"body": {"file": {"text": "f"}, "title": "t"}})
    assert [(name, filename) for name, filename, *_ in parts_of(request)] == [("file", "file"), ("title", None)]


def test_what_a_document_says_of_a_file_is_said_of_the_argument(tmp_path):
    schema = {"properties": {"file": {**BINARY, "description": "The photo."}}}
    operation, _ = operation_of(tmp_path, method="post", requestBody=body_of("multipart/form-data", schema))
    written = operation.definition["inputSchema"]["properties"]["body"]["properties"]["file"]
    assert (written["description"], written["type"]) == ("The photo.", "object")


def test_no_field_can_be_another_part(tmp_path):
    evil = 'x"\r\nContent-Type: text/html\r\n\r\n--'
    ((name, _, kind, content),) = form(tmp_path, {evil: evil}, {})
    assert (name, kind, content) == (evil.replace('"', "%22").replace("\r\n", "%0D%0A"), None, evil.encode())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", 'must be a file: {"data"'),
        ({}, "either data or text"),
        ({"data": DATA, "text": "x"}, "either data or text"),
        ({"data": 1}, "either data or text"),
        ({"data": "no!"}, "not base64"),
        ({"data": f"data:image/png;base64,{DATA}"}, "not base64"),
        ({"data": "A" * 6_000_000}, "larger than 4194304 bytes"),
        ({"text": "x" * 4_200_000}, "larger than 4194304 bytes"),
        ({"text": "\ud800"}, "not valid Unicode"),
        ({"text": "x", "path": "/etc/passwd"}, "no 'path'"),
        ({"text": "x", "filename": "../a"}, "no slashes"),
        ({"text": "x", "filename": 'a"; x="'}, "no slashes, quotes"),
        ({"text": "x", "filename": ""}, "a filename"),
        ({"text": "x", "filename": 1}, "a filename"),
        ({"text": "x", "content_type": "a\r\nb: c"}, "such as image/png"),
        ({"text": "x", "content_type": "png"}, "such as image/png"),
    ],
)
def test_what_is_no_file_is_refused_in_words(tmp_path, value, words):
    with pytest.raises(ArgumentFault) as caught:
        form(tmp_path, {"file": value}, {"file": BINARY})
    assert words in str(caught.value)
    assert "argument 'body'" in str(caught.value)


def test_bodies_have_a_bound_and_so_has_the_number_of_their_parts(tmp_path):
    files = [{"text": "x" * 4_000_000}] * 3
    with pytest.raises(ArgumentFault, match="more than 8388608"):
        form(tmp_path, {"files": files}, {"files": {"type": "array", "items": BINARY}})
    with pytest.raises(ArgumentFault, match="more than 200 parts"):
        form(tmp_path, {"a": list(range(201))}, {"a": {"type": "array", "items": {}}})


@pytest.mark.parametrize("value", ["text", [1], 3])
def test_a_body_of_parts_must_be_an_object(tmp_path, value):
    with pytest.raises(ArgumentFault, match="must be an object"):
        form(tmp_path, value, {})


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ({"a": {"style": "form"}}, "style means nothing for a part"),
        ({"a": {"headers": {"X-A": {"required": True}}}}, "a header of its own"),
    ],
)
def test_parts_that_cannot_be_written_are_refused_at_registration(tmp_path, encoding, words):
    body = body_of("multipart/form-data", {"properties": {"a": {}}}, encoding=encoding)
    assert words in reason_of(tmp_path, method="post", requestBody=body)


@pytest.mark.parametrize(
    ("media", "value", "kind", "content"),
    [
        ("application/octet-stream", {"data": DATA}, "application/octet-stream", b"\0\xff\r\n"),
        ("image/png", {"data": DATA}, "image/png", b"\0\xff\r\n"),
        ("image/*", {"data": DATA, "content_type": "image/gif"}, "image/gif", b"\0\xff\r\n"),
        ("application/zip", {"text": "PK"}, "application/zip", b"PK"),
    ],
)
def test_a_file_by_itself_is_the_body(tmp_path, media, value, kind, content):
    request = sent(tmp_path, value, media, BINARY)
    assert (request.headers["Content-Type"], request.body) == (kind, content)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"data": DATA}, "needs a content_type"),
        ({"data": DATA, "content_type": "text/html"}, "must be image/*"),
        (DATA, "must be a file"),
    ],
)
def test_a_body_that_is_no_such_file_is_refused(tmp_path, value, words):
    with pytest.raises(ArgumentFault) as caught:
        sent(tmp_path, value, "image/*")
    assert words in str(caught.value)


def test_json_is_preferred_and_forms_are_to_parts(tmp_path):
    content = {
        "application/octet-stream": {},
        "multipart/form-data": {},
        "application/x-www-form-urlencoded": {},
        "application/json": {},
    }
    for expected in reversed(list(content)):
        operation, _ = operation_of(tmp_path, method="post", requestBody={"content": content})
        assert operation.body.media_type == expected
        del content[expected]


def test_media_types_that_would_be_more_than_that_are_refused(tmp_path):
    encoding = {"a": {"contentType": "text/plain\r\nX-Other: 1"}}
    body = body_of("multipart/form-data", {"properties": {"a": {"type": "string"}}}, encoding=encoding)
    assert "characters that no media type has" in reason_of(tmp_path, method="post", requestBody=body)
    for media in ("text/plain\r\nx", "application/a\r\n+json"):
        assert "are not supported" in reason_of(tmp_path, method="post", requestBody=body_of(media))
