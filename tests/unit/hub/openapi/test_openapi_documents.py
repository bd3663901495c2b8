"""Documents are read with the place of everything in them, and one broken part never hides the others."""

from __future__ import annotations

import pytest

from gateway.hub.openapi import DocumentFault, read_api
from gateway.hub.openapi.document import read_document

from .documents import api_of, written

HEAD = 'openapi: "3.0.3"\nservers: [{url: "https://api.example.com"}]\n'


def yaml_file(tmp_path, text: str):
    path = tmp_path / "api.yaml"
    path.write_text(text)
    return path


def fault_of(path, **options) -> DocumentFault:
    with pytest.raises(DocumentFault) as caught:
        read_api(path, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("openapi: [", "not valid YAML", 2),
        ("swagger: '2.0'\npaths: {}\n", "Swagger 2.0 document, which is not read", None),
        ("openapi: 3.1\n", "not an OpenAPI document of version 3.0, 3.1 or 3.2", None),
        ("openapi: 4.0.0\n", "not an OpenAPI document of version", None),
        ("- a\n", "it must be an object", None),
        ("{", "line", 1),
        (HEAD + "a: 1\na: 2\n", "the key 'a' is given twice", 4),
        (HEAD + "paths: []\n", "an object is wanted here", 3),
        ("openapi: 3.0.0\npaths: {}\n", "does not say where the API is", 1),
        ("openapi: 3.0.0\nservers: [{url: /v1}]\n", "must be an http or https URL", None),
        (
            "openapi: 3.0.0\nservers: [{url: 'https://{x}.example.com'}]\n",
            "a variable of this URL has no default",
            2,
        ),
    ],
)
def test_what_is_wrong_with_a_whole_document_is_told_with_its_line(tmp_path, text, words, line):
    problem = fault_of(yaml_file(tmp_path, text)).problem
    assert words in str(problem) or (words == "line" and problem.line == 1)
    assert problem.file.endswith("api.yaml")
    if line is not None:
        assert problem.line == line


def test_a_file_that_is_not_there_is_told(tmp_path):
    assert "no such file" in str(fault_of(tmp_path / "none.yaml"))


def test_a_broken_operation_is_left_out_with_its_line_and_pointer(tmp_path):
    text = HEAD + (
        "paths:\n"
        "  /a:\n"
        "    get: {operationId: good}\n"
        "    post:\n"
        "      operationId: bad\n"
        "      parameters:\n"
        "        - {name: x, in: query, style: matrix}\n"
        "  /b: 7\n"
        "  /c~d: {get: {parameters: [{$ref: '#/components/parameters/none'}]}}\n"
        "  x-extra: 1\n"
    )
    api = read_api(yaml_file(tmp_path, text))
    assert list(api.operations) == ["good"]
    found = [(one.name, one.fault.problem.line, one.fault.problem.field) for one in api.left_out]
    assert found == [
        ("bad", 9, "#/paths/~1a/post/parameters/0"),
        ("/b", 10, "#/paths/~1b"),
        ("get_c_d", 11, "#/paths/~1c~0d/get/parameters/0"),
    ]
    assert "the style matrix is not supported here" in api.left_out[0].fault.reason()
    assert api.left_out[0].fault.reason().startswith("line 9: ")


def test_statuses_may_be_written_as_numbers(tmp_path):
    root = read_document(yaml_file(tmp_path, HEAD + "x: {200: a, true: b, 0x1: c}\n"))
    assert root.members()["x"] == {"200": "a", "true": "b", "0x1": "c"}


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("other.yaml#/a", "refers to another document (other.yaml#/a), which is not read"),
        ("https://example.com/a.json", "which is not read"),
        ("#anchor", "only JSON pointers"),
        ("#/components/none", "which is not in this document"),
        ("#/components/parameters/loop", "leads back to itself"),
        (7, "a reference must be a string"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(tmp_path, reference, words):
    document = {
        "paths": {"/a": {"get": {"operationId": "op", "parameters": [{"$ref": reference}]}}},
        "components": {"parameters": {"loop": {"$ref": "#/components/parameters/loop"}}},
    }
    api = read_api(written(tmp_path, document))
    assert words in str(api.left_out[0].fault)


def test_references_are_followed_by_their_pointers(tmp_path):
    document = {
        "paths": {"/a/{b c}": {"$ref": "#/components/pathItems/a~1b~0%20c"}},
        "components": {
            "pathItems": {
                "a/b~ c": {"get": {"operationId": "op", "parameters": [{"$ref": "#/components/list/1"}]}}
            },
            "list": [{}, {"name": "b c", "in": "path", "required": True}],
        },
    }
    api = read_api(written(tmp_path, document))
    assert [parameter.name for parameter in api.operations["op"].parameters] == ["b c"]


def test_the_operators_url_stands_for_the_documents_server(tmp_path):
    path = written(tmp_path, {"servers": [{"url": "/relative"}], "paths": {}})
    base = read_api(path, url="http://127.0.0.1:8000/base/?key=s3cret").base
    assert (base.prefix, base.query) == ("http://127.0.0.1:8000/base", "key=s3cret")
    assert "s3cret" not in repr(base)


def test_variables_of_a_server_have_their_defaults(tmp_path):
    variables = {"region": {"default": "eu"}, "version": {"default": "v2"}}
    servers = [{"url": "https://{region}.example.com/{version}", "variables": variables}]
    assert read_api(written(tmp_path, {"servers": servers})).base.prefix == "https://eu.example.com/v2"


def test_an_operation_that_is_served_elsewhere_is_left_out(tmp_path):
    elsewhere = {"servers": [{"url": "https://uploads.example.com"}]}
    api = api_of(
        tmp_path,
        {
            "/a": {"get": {"operationId": "a", **elsewhere}},
            "/b": {**elsewhere, "get": {"operationId": "b"}},
            "/c": {"get": {"operationId": "c", "servers": [{"url": "https://api.example.com/v1"}]}},
        },
        url="https://mine.example.com",
    )
    assert list(api.operations) == ["c"]
    assert all("served at another URL" in str(one.fault) for one in api.left_out)


def test_patterns_choose_by_name_and_by_method_and_path(tmp_path):
    paths = {
        "/pets": {"get": {"operationId": "listPets"}, "post": {"operationId": "addPet"}},
        "/pets/{id}": {"get": {"parameters": [{"name": "id", "in": "path"}]}},
        "/users": {"get": {"operationId": "users/list"}},
    }

    def chosen(*include, exclude=()):
        api = api_of(tmp_path, paths, include=include, exclude=exclude)
        return list(api.operations), api.unused

    assert chosen() == (["listPets", "addPet", "get_pets_id", "users_list"], ())
    assert chosen("*Pet*") == (["listPets", "addPet"], ())
    assert chosen("get /pets*", "users/list") == (["listPets", "get_pets_id", "users_list"], ())
    assert chosen("* /pets", exclude=["addPet", "nothing"]) == (["listPets"], ("nothing",))
    assert chosen("listpets") == ([], ("listpets",))


def test_two_operations_with_one_name_are_told_apart_by_the_document_only(tmp_path):
    paths = {"/a": {"get": {"operationId": "x/y"}}, "/b": {"get": {"operationId": "x_y"}}}
    api = api_of(tmp_path, paths)
    assert api.operations["x_y"].path == "/a"
    assert "another operation's tool has the name x_y, too" in str(api.left_out[0].fault)


def test_too_many_operations_are_refused_with_what_to_do(tmp_path):
    paths = {f"/a{number}": {"get": {}} for number in range(2001)}
    with pytest.raises(DocumentFault) as caught:
        api_of(tmp_path, paths)
    assert "more than 2000 operations" in str(caught.value)
    assert "include" in (caught.value.problem.hint or "")
    assert len(api_of(tmp_path, paths, include=["get_a1*"]).operations) == 1111
