"""JSON-RPC messages of MCP's clients, and the headers that must agree with them."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.mcp.asked import Asked
from gateway.api.mcp.envelope import (
    check_argument_headers,
    check_repeated,
    decode_header,
    is_modern,
    read_envelope,
)
from gateway.api.mcp.results import complete
from gateway.api.mcp.wire import Message, Refusal, encode_refusal, encode_result, read_body, read_message

MODERN = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
META = {f"{PREFIX}protocolVersion": MODERN, f"{PREFIX}clientCapabilities": {"sampling": {}}}
CALL = Message("tools/call", {"name": "a", "_meta": META}, 1)
HEADERS = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "a"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0", "1.0"]) | json_values,
        "id": st.sampled_from([1, "x", None, True]) | json_values,
        "method": st.sampled_from(["ping", ""]) | json_values,
        "params": json_values,
        "result": json_values,
        "error": json_values,
    },
)


def refused(error: pytest.ExceptionInfo[Refusal]) -> tuple[int, int]:
    return error.value.code, error.value.status


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(body: bytes):
    refusal = None
    try:
        read_message(read_body(body))
    except Refusal as found:
        refusal = found
    if refusal is not None:
        assert refusal.status == 400
        assert orjson.loads(encode_refusal(refusal.request_id, refusal))["error"]["code"] < 0


@given(messages)
def test_a_message_that_is_read_is_one(value: dict[str, Any]):
    try:
        message = read_message(value)
    except Refusal:
        return
    assert value["jsonrpc"] == "2.0"
    assert message.id is None or (isinstance(message.id, str | int) and not isinstance(message.id, bool))
    assert ("id" in value) == (message.id is not None)
    assert message.method == value.get("method") or "result" in value or "error" in value
    assert orjson.loads(encode_result(message.id, {}))["id"] == message.id


def test_the_id_of_a_broken_request_is_told():
    with pytest.raises(Refusal) as broken:
        read_message({"jsonrpc": "2.0", "id": "mine", "method": 7})
    assert broken.value.request_id == "mine"


@pytest.mark.parametrize(
    ("headers", "meta", "expected"),
    [
        ({}, {}, False),
        ({"mcp-protocol-version": "2025-06-18"}, {}, False),
        ({"mcp-protocol-version": "2025-06-18"}, META, False),
        ({"mcp-protocol-version": MODERN}, {}, True),
        ({"mcp-protocol-version": "2099-12-31"}, {}, True),
        ({}, META, True),
    ],
)
def test_the_header_decides_on_the_era_and_without_one_the_message(
    headers: dict[str, str], meta: dict[str, Any], expected: bool
):
    assert is_modern(headers, Message("x", {"_meta": meta}, 1)) is expected


def test_an_envelope_tells_who_asks():
    client = read_envelope(CALL, HEADERS)
    assert (client.capabilities, client.info) == ({"sampling": {}}, None)


@pytest.mark.parametrize("name", ["mcp-protocol-version", "mcp-method", "mcp-name"])
@pytest.mark.parametrize("value", [None, "other", "=?base64?/?="])
def test_a_header_that_differs_is_refused(name: str, value: str | None):
    headers = {key: kept for key, kept in {**HEADERS, name: value}.items() if kept is not None}
    with pytest.raises(Refusal) as mismatch:
        read_envelope(CALL, headers)
    assert refused(mismatch) == (-32020, 400)


def test_headers_may_be_padded():
    assert read_envelope(CALL, {**HEADERS, "mcp-name": " a\t", "mcp-method": " tools/call "})


@pytest.mark.parametrize(
    "meta", [None, 7, [], {}, {f"{PREFIX}protocolVersion": MODERN}, {**META, f"{PREFIX}protocolVersion": 1}]
)
def test_an_envelope_that_lacks_something_is_refused(meta: Any):
    with pytest.raises(Refusal) as lacking:
        read_envelope(Message("tools/list", {"_meta": meta}, 1), HEADERS)
    assert refused(lacking) == (-32602, 400)


@given(st.text(max_size=30))
def test_every_name_survives_a_header(name: str):
    from mcp.shared.inbound import encode_header_value

    assert decode_header(encode_header_value(name)) == name


def test_headers_that_mirror_the_message_are_there_once():
    check_repeated([(b"accept", b"a"), (b"Accept", b"b"), (b"mcp-name", b"a")])
    for name in (b"mcp-name", b"Mcp-Param-Region", b"mcp-method"):
        with pytest.raises(Refusal) as twice:
            check_repeated([(name.lower(), b"a"), (name, b"a")])
        assert refused(twice) == (-32020, 400)


def test_arguments_in_headers_are_compared():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "x-mcp-header": "N"}}}
    check_argument_headers(schema, {"n": 3}, {"mcp-param-n": "3"})
    with pytest.raises(Refusal):
        check_argument_headers(schema, {"n": 3}, {"mcp-param-n": "4"})


def test_a_result_is_ours_whatever_its_server_says_of_itself():
    sent = {"content": [], "resultType": "complete", "_meta": {f"{PREFIX}serverInfo": {"name": "theirs"}, "k": 1}}
    ours = complete(sent, is_modern=True)
    assert ours["_meta"][f"{PREFIX}serverInfo"]["name"] == "toolgate"
    assert ours["_meta"]["k"] == 1
    assert complete({**sent, "ttlMs": 5, "cacheScope": "public"}, is_modern=False) == {
        "content": [],
        "_meta": {"k": 1},
    }


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("levels", [130, 250, 251, 252, 255, 600, 5000])
def test_whatever_is_read_can_be_sent_on_and_answered(levels: int):
    body = b'{"a":' * levels + b"1" + b"}" * levels
    if levels > 250:
        with pytest.raises(Refusal) as error:
            read_body(body)
        assert refused(error) == (-32700, 400)
    else:
        assert orjson.dumps({"params": {"arguments": [read_body(body)]}})


def test_what_a_server_nested_too_deeply_is_told_without_it():
    with pytest.raises(Refusal) as error:
        encode_result(1, nested(300))
    assert error.value.status == 502
    assert orjson.loads(encode_refusal(1, Refusal(-32050, "no", nested(300))))["error"] == {
        "code": -32050,
        "message": "no",
    }


def test_an_id_that_would_be_kept_and_repeated_is_short():
    ping = {"jsonrpc": "2.0", "method": "ping"}
    assert read_message({**ping, "id": "x" * 1024}).id == "x" * 1024
    with pytest.raises(Refusal) as error:
        read_message({**ping, "id": "x" * 1025})
    assert refused(error) == (-32600, 400)
    assert error.value.request_id is None


@pytest.mark.parametrize(
    ("token", "is_heard"), [("t" * 1024, True), (0, True), ("t" * 1025, False), (True, False)]
)
def test_progress_is_told_under_a_token_that_is_short(token: object, is_heard: bool):
    asked = object.__new__(Asked)
    object.__setattr__(asked, "meta", {"progressToken": token})
    assert (asked.on_progress is not None) is is_heard
