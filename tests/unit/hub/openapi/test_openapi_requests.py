"""Arguments become a request that means the same at the other end, and can never become another request."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from gateway.hub.openapi import Held
from gateway.hub.openapi.base import Base
from gateway.hub.openapi.requests import build_request
from gateway.hub.openapi.values import ArgumentFault

from .documents import URL, operation_of, reason_of

BASE = Base(URL)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(ANY_TEXT, st.integers(-(2**60), 2**60), st.booleans())
properties = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def parameter(place: str, name: str = "x", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": {}, **more}


def sent(tmp_path, arguments, *parameters, path="/things", method="get", base=BASE, **fields):
    operation, _ = operation_of(tmp_path, path, method, parameters=list(parameters), **fields)
    return build_request(operation, base, arguments)


def text_of(value: Any) -> str:
    """What a value is as text, by another way than the product's."""
    return value if isinstance(value, str) else json.dumps(value)


@properties
@given(value=ANY_TEXT)
def test_a_value_in_a_path_stays_one_segment_or_is_refused(tmp_path, value):
    try:
        request = sent(tmp_path, {"x": value}, parameter("path"), path="/a/{x}/b")
    except ArgumentFault:
        assert not value or value in (".", "..") or re.search(r"[/\\\x00-\x1f\x7f]", value)
        return
    parts = urlsplit(request.url)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("https", "api.example.com", "", "")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "v1", "a", value, "b"]
    assert request.url.isascii()
    assert request.url.isprintable()


@properties
@given(value=SCALARS, items=st.lists(SCALARS, max_size=4), members=st.dictionaries(ANY_TEXT, SCALARS, max_size=3))
def test_values_in_a_query_are_what_the_other_end_decodes(tmp_path, value, items, members):
    declared = [
        parameter("query", "plain"),
        parameter("query", "list[]", style="form"),
        parameter("query", "joined", explode=False),
        parameter("query", "deep", style="deepObject"),
        parameter("query", "json", content={"application/json": {}}),
    ]
    keys = [key for key in members if key and not re.search(r"[\[\]]", key)]
    assume(len(keys) == len(members))
    joined = [text_of(item) for item in items]
    arguments = {"plain": value, "list": items, "joined": joined, "deep": members, "json": members}
    request = sent(tmp_path, arguments, *declared)
    query = urlsplit(request.url).query
    pairs = parse_qsl(query, keep_blank_values=True)
    assert QueryParams(query).multi_items() == pairs
    assert [v for k, v in pairs if k == "plain"] == [text_of(value)]
    assert [v for k, v in pairs if k == "list[]"] == [text_of(item) for item in items]
    raw = next(pair.partition("=")[2] for pair in query.split("&") if pair.startswith("joined="))
    assert ([unquote(part) for part in raw.split(",")] if joined else []) == joined
    assert {k: v for k, v in pairs if k.startswith("deep[")} == {
        f"deep[{k}]": text_of(v) for k, v in members.items()
    }
    assert json.loads(dict(pairs)["json"]) == members
    assert {k.partition("[")[0] for k, _ in pairs} <= {"plain", "list", "joined", "deep", "json"}


@properties
@given(value=ANY_TEXT)
def test_a_value_in_a_header_is_that_header_alone_or_is_refused(tmp_path, value):
    try:
        request = sent(tmp_path, {"X-Trace": value}, parameter("header", "X-Trace"))
    except ArgumentFault:
        assert not value or value != value.strip() or re.search(r"[^\t\x20-\x7e]", value)
        return
    assert request.headers == {"X-Trace": value}
    assert re.fullmatch(r"[\t\x20-\x7e]+", value)


@properties
@given(
    fields=st.dictionaries(ANY_TEXT.filter(bool), st.one_of(SCALARS, st.lists(SCALARS, max_size=3)), max_size=4)
)
def test_a_form_is_what_the_other_end_decodes(tmp_path, fields):
    body = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}
    request = sent(tmp_path, {"body": fields}, method="post", requestBody=body)
    wanted = [
        (name, text_of(one))
        for name, value in fields.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    assert parse_qsl((request.body or b"").decode(), keep_blank_values=True) == wanted
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("declared", "value", "written"),
    [
        (parameter("path"), ["a", "b,c"], "/a,b%2Cc"),
        (parameter("path"), {"a": 1, "b": "x"}, "/a,1,b,x"),
        (parameter("path", explode=True), {"a": 1, "b": "x=y"}, "/a=1,b=x%3Dy"),
        (parameter("path", content={"application/json": {}}), {"a": 1}, "/%7B%22a%22%3A1%7D"),
        (parameter("path", content={"text/plain": {}}), "a b", "/a%20b"),
        (parameter("path", style="label"), "a b", "/.a%20b"),
        (parameter("path", style="label"), ["a", "b.c"], "/.a,b.c"),
        (parameter("path", style="label"), {"a": 1, "b": 2}, "/.a,1,b,2"),
        (parameter("path", style="label", explode=True), ["a", "b"], "/.a.b"),
        (parameter("path", style="label", explode=True), {"a": 1, "b": 2}, "/.a=1.b=2"),
        (parameter("path", style="matrix"), "a;b", "/;x=a%3Bb"),
        (parameter("path", style="matrix"), ["a", "b"], "/;x=a,b"),
        (parameter("path", style="matrix"), {"a": 1}, "/;x=a,1"),
        (parameter("path", style="matrix", explode=True), ["a", "b"], "/;x=a;x=b"),
        (parameter("path", style="matrix", explode=True), {"a": 1, "b": "=;"}, "/;a=1;b=%3D%3B"),
        (parameter("query", style="spaceDelimited", explode=False), ["a", "b"], "?x=a%20b"),
        (parameter("query", style="spaceDelimited", explode=True), ["a", "b"], "?x=a&x=b"),
        (parameter("query", style="pipeDelimited", explode=True), ["a", "b"], "?x=a&x=b"),
        (parameter("query", content={"text/plain": {}}), "a&b", "?x=a%26b"),
        (parameter("query", style="deepObject"), {"a": 1, "b": "x]"}, "?x%5Ba%5D=1&x%5Bb%5D=x%5D"),
        (
            parameter("query", style="deepObject"),
            {"a": {"b": [1, 2]}},
            "?x%5Ba%5D%5Bb%5D%5B0%5D=1&x%5Ba%5D%5Bb%5D%5B1%5D=2",
        ),
        (parameter("query", style="pipeDelimited", explode=False), ["a", "b"], "?x=a%7Cb"),
        (parameter("query", style="pipeDelimited", explode=False), {"a": 1}, "?x=a%7C1"),
        (parameter("query", explode=False), {"a": 1, "b": 2}, "?x=a,1,b,2"),
        (parameter("query"), {"a": 1, "b": "é"}, "?a=1&b=%C3%A9"),
        (parameter("query"), 3.0, "?x=3"),
        (parameter("query"), 1.25, "?x=1.25"),
        (parameter("query"), True, "?x=true"),
        (parameter("query"), [], ""),
        (parameter("query"), "", "?x="),
        (parameter("query"), None, ""),
    ],
)
def test_each_style_is_written_as_openapi_has_it(tmp_path, declared, value, written):
    path = "/things/{x}" if declared["in"] == "path" else "/things"
    assert sent(tmp_path, {"x": value}, declared, path=path).url == f"{URL}/things{written}"


@pytest.mark.parametrize(
    ("declared", "value", "words"),
    [
        (parameter("path"), "../admin", "must not hold slashes"),
        (parameter("path"), "a\\b", "backslashes"),
        (parameter("path"), "a\0", "control characters"),
        (parameter("path"), "..", "a segment of the path"),
        (parameter("path"), "", "must not be empty"),
        (parameter("path"), [], "must not be empty"),
        (parameter("path"), ["a", ""], "must not be empty"),
        (parameter("path"), None, "'x' is missing"),
        (parameter("path"), "\ud800", "not valid Unicode"),
        (parameter("path", explode=True), {"a=b": 1}, "equals sign"),
        (parameter("query"), {"other": 1}, "the name of another parameter"),
        (parameter("query"), {"y[z]": 1}, "brackets"),
        (parameter("query"), [[1]], "nothing nested"),
        (parameter("query"), [None], "no null"),
        (parameter("query", style="deepObject"), {"a]": 1}, "brackets"),
        (parameter("query", style="deepObject"), {"a": {"b]": 1}}, "brackets"),
        (parameter("query", style="deepObject"), {"a": [None]}, "no null"),
        (parameter("query", style="deepObject"), {"a": [[[[[[[[[1]]]]]]]]]}, "deeper than 8 levels"),
        (parameter("path", style="label"), ".", "a segment of the path"),
        (parameter("path", style="label"), "a/b", "must not hold slashes"),
        (parameter("path", style="label"), "", "must not be empty"),
        (parameter("path", style="label", explode=True), ["a.b"], "must not hold dots"),
        (parameter("path", style="matrix"), "../a", "must not hold slashes"),
        (parameter("path", style="matrix", explode=True), {"a[b": 1}, "brackets"),
        (parameter("query", style="deepObject"), [1], "must be an object"),
        (parameter("query", style="spaceDelimited", explode=False), ["a b"], "the character that parts them"),
        (parameter("header", "x"), "a\r\nCookie: b", "without line ends"),
        (parameter("header", "x"), "é", "visible ASCII"),
        (parameter("header", "x"), ["a,b"], "commas"),
        (parameter("query"), "x" * 20_000, "more than 16384"),
    ],
)
def test_what_could_be_another_request_is_refused_in_words(tmp_path, declared, value, words):
    path = "/things/{x}" if declared["in"] == "path" else "/things"
    with pytest.raises(ArgumentFault) as caught:
        sent(tmp_path, {"x": value}, declared, parameter("query", "other"), path=path)
    assert words in str(caught.value)
    assert "Cookie" not in str(caught.value)


@pytest.mark.parametrize(
    ("more", "value", "written"),
    [
        ({}, "a; b=c", "x=a%3B%20b%3Dc"),
        ({}, True, "x=true"),
        ({}, ["a", "b"], "x=a; x=b"),
        ({"explode": False}, ["a", "b,c"], "x=a,b%2Cc"),
        ({}, {"a": 1, "b": 2}, "a=1; b=2"),
        ({"explode": False}, {"a": 1}, "x=a,1"),
        ({"style": "cookie"}, "a=b%", "x=a=b%"),
        ({"style": "cookie"}, ["a", "b"], "x=a; x=b"),
        ({"content": {"application/json": {}}}, {"a": 1}, "x=%7B%22a%22%3A1%7D"),
    ],
)
def test_each_style_of_a_cookie_is_written_as_openapi_has_it(tmp_path, more, value, written):
    assert sent(tmp_path, {"x": value}, parameter("cookie", **more)).headers == {"cookie": written}


@pytest.mark.parametrize(
    ("more", "value", "words"),
    [
        ({"style": "cookie"}, "a; b=c", "visible ASCII, without quotes, commas, semicolons"),
        ({"style": "cookie"}, "a\r\nHost: b", "visible ASCII"),
        ({"style": "cookie"}, "é", "visible ASCII"),
        ({}, {"other": 1}, "the name of another parameter"),
        ({}, {"session": 1}, "the name of another parameter"),
        ({}, [[1]], "nothing nested"),
        ({}, "\ud800", "not valid Unicode"),
    ],
)
def test_what_could_be_another_cookie_is_refused_in_words(tmp_path, more, value, words):
    from .documents import api_of

    listed = [parameter("cookie", **more), parameter("cookie", "other"), parameter("cookie", "session")]
    paths = {"/a": {"get": {"operationId": "op", "parameters": listed}}}
    held = Held(headers=frozenset({"cookie"}), cookies=frozenset({"session"}))
    api = api_of(tmp_path, paths, held=held)
    assert list(api.operations["op"].definition["inputSchema"]["properties"]) == ["x", "other"]
    with pytest.raises(ArgumentFault, match=words):
        build_request(api.operations["op"], api.base, {"x": value})


def test_a_matrix_parameter_cannot_be_another_one(tmp_path):
    declared = [parameter("path", style="matrix", explode=True), parameter("path", "y", style="matrix")]
    with pytest.raises(ArgumentFault, match="the name of another parameter"):
        sent(tmp_path, {"x": {"y": 1}, "y": 2}, *declared, path="/a/{x}{y}")
    assert sent(tmp_path, {"x": {"z": 1}, "y": 2}, *declared, path="/a/{x}{y}").url == f"{URL}/a/;z=1;y=2"


def test_dots_that_two_arguments_make_together_are_refused(tmp_path):
    declared = [parameter("path", "a"), parameter("path", "b")]
    with pytest.raises(ArgumentFault, match="a segment of the path"):
        sent(tmp_path, {"a": ".", "b": "."}, *declared, path="/x/{a}{b}/y")
    assert sent(tmp_path, {"a": ".", "b": "x"}, *declared, path="/x/{a}.{b}").url.endswith("/x/..x")


def test_an_argument_that_is_not_declared_is_refused(tmp_path):
    with pytest.raises(ArgumentFault, match="no argument 'y'"):
        sent(tmp_path, {"y": 1}, parameter("query"))


def test_one_name_in_several_places_is_several_arguments(tmp_path):
    declared = [parameter(place, "id") for place in ("path", "query", "header")]
    more = [parameter("query", "body"), parameter("query", "query_id"), parameter("query", "filter[size]")]
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    operation, _ = operation_of(tmp_path, "/a/{id}", "post", parameters=[*declared, *more], requestBody=body)
    names = [one.argument for one in operation.parameters]
    assert names == ["path_id", "query_id_2", "header_id", "query_body", "query_id", "filter_size"]
    values: dict[str, Any] = {name: f"{name}!" for name in names}
    request = build_request(operation, BASE, {**values, "body": {"z": 1}})
    assert unquote(urlsplit(request.url).path) == "/v1/a/path_id!"
    assert dict(parse_qsl(urlsplit(request.url).query)) == {
        "id": "query_id_2!",
        "body": "query_body!",
        "query_id": "query_id!",
        "filter[size]": "filter_size!",
    }
    assert request.headers == {"id": "header_id!", "Content-Type": "application/json"}
    assert json.loads(request.body or b"") == {"z": 1}


def test_what_the_operator_sends_is_no_argument(tmp_path):
    from .documents import api_of

    listed = [parameter("query", "key"), parameter("header", "X-Key", required=True), parameter("query", "q")]
    paths = {"/a": {"get": {"operationId": "op", "parameters": listed}}}
    api = api_of(tmp_path, paths, url=f"{URL}?key=s3cret", held=Held(headers=frozenset({"x-key"})))
    assert list(api.operations["op"].definition["inputSchema"]["properties"]) == ["q"]
    assert (
        build_request(api.operations["op"], api.base, {"q": "&key=mine"}).url
        == f"{URL}/a?key=s3cret&q=%26key%3Dmine"
    )


@pytest.mark.parametrize(
    "name", ["Host", "Cookie", "Content-Length", "Proxy-Authorization", "X-HTTP-Method-Override"]
)
def test_headers_that_make_another_request_are_never_arguments(tmp_path, name):
    operation, _ = operation_of(tmp_path, parameters=[parameter("header", name)])
    assert operation.parameters == ()
    needed = reason_of(tmp_path, parameters=[parameter("header", name, required=True)])
    assert "never taken from an argument" in needed


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"parameters": [parameter("path", "y")]}, "no place for the parameter y"),
        ({"path": "/a/{y}"}, "no parameter for {y}"),
        ({"path": "/a?b=1"}, "without ?, #"),
        ({"path": "/a/../b"}, "the segments . and .."),
        ({"parameters": [parameter("querystring")]}, "parameters in 'querystring' are not supported"),
        ({"parameters": [parameter("query", style="label")]}, "the style label is not supported"),
        ({"parameters": [parameter("path", style="form")], "path": "/a/{x}"}, "the style form is not supported"),
        ({"parameters": [parameter("cookie", style="simple")]}, "the style simple is not supported"),
        ({"parameters": [parameter("cookie", "a;b")]}, "HTTP allows no cookie"),
        ({"parameters": [parameter("query", content={"text/xml": {}})]}, "must be JSON"),
        ({"parameters": [{"in": "query"}]}, "has no name"),
        ({"parameters": [parameter("header", "a b")]}, "HTTP allows no header"),
        (
            {"method": "post", "requestBody": {"required": True, "content": {"multipart/mixed": {}}}},
            "bodies of the type multipart/mixed are not supported",
        ),
        (
            {"method": "post", "requestBody": {"required": True, "content": {"application/xml": {}}}},
            "bodies of the type application/xml are not supported",
        ),
        (
            {"requestBody": {"required": True, "content": {"application/json": {}}}},
            "a body with GET has no meaning",
        ),
        ({"method": "post", "requestBody": {}}, "there is no content here"),
    ],
)
def test_an_operation_that_cannot_be_sent_is_left_out_with_the_reason(tmp_path, fields, words):
    assert words in reason_of(tmp_path, **fields)


def test_fields_of_a_form_are_written_as_their_encoding_says(tmp_path):
    encoding = {"deep": {"style": "deepObject"}, "joined": {"explode": False}}
    body = {"content": {"application/x-www-form-urlencoded": {"schema": {}, "encoding": encoding}}}
    fields = {"deep": {"a": 1}, "joined": [1, 2], "plain": {"a": 1}, "none": None}
    request = sent(tmp_path, {"body": fields}, method="post", requestBody=body)
    assert request.body == b"deep%5Ba%5D=1&joined=1,2&plain=%7B%22a%22%3A1%7D"


def test_null_is_a_body_of_its_own_only_where_it_is_asked_for(tmp_path):
    body = {"content": {"application/json": {"schema": {}}}}
    assert sent(tmp_path, {"body": None}, method="post", requestBody=body).body is None
    assert sent(tmp_path, {"body": 0}, method="post", requestBody=body).body == b"0"


def test_no_object_can_hold_the_name_of_what_stands_in_the_query_of_the_url(tmp_path):
    deep = parameter("query", "f", style="deepObject")
    base = Base(URL, "f[key]=1")
    assert sent(tmp_path, {"f": {"kex": "2"}}, deep, base=base).url.endswith("?f[key]=1&f%5Bkex%5D=2")
    with pytest.raises(ArgumentFault, match="the name of another parameter"):
        sent(tmp_path, {"f": {"key": "2"}}, deep, base=base)


def test_no_argument_makes_a_segment_that_is_the_folder_above_but_for_its_parameters(tmp_path):
    listed = (parameter("path"), parameter("path", "m", style="matrix"))
    with pytest.raises(ArgumentFault, match="which is another path"):
        sent(tmp_path, {"x": "..", "m": "1"}, *listed, path="/a/{x}{m}/b")
