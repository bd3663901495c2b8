from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hub.jsonrpc import (
    LineFramer,
    OverlongLine,
    answer_server_request,
    encode_notification,
    encode_request,
    find_answered_id,
    messages_in,
    object_in,
    read_error,
    report_progress,
    request_id_of,
    result_of,
    with_progress_token,
)
from gateway.hub.peer import RequestFault, RpcError

LIMIT = 1024
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def split_streams(draw):
    """Lines around the limit, and the same bytes cut at arbitrary places."""
    line = st.one_of(st.binary(max_size=40), st.integers(LIMIT - 3, LIMIT + 600).map(lambda size: b"x" * size))
    lines = [piece.replace(b"\n", b" ") for piece in draw(st.lists(line, max_size=6))]
    data = b"".join(piece + b"\n" for piece in lines)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    bounds = [0, *cuts, len(data)]
    return lines, [data[start:end] for start, end in pairwise(bounds)]


@given(split_streams())
def test_lines_come_out_the_same_wherever_the_stream_is_cut(stream):
    lines, pieces = stream
    framer = LineFramer(LIMIT)
    framed = [line for piece in pieces for line in framer.feed(piece)]
    expected = [line if len(line) <= LIMIT else OverlongLine(line[:512], line[-512:]) for line in lines if line]
    assert framed == expected


def test_a_line_without_end_is_held_in_bounded_memory():
    framer = LineFramer(LIMIT)
    for _ in range(1000):
        assert framer.feed(b"x" * 999) == []
        assert len(framer._partial) <= LIMIT + 999
    (line,) = framer.feed(b"end\n")
    assert isinstance(line, OverlongLine)
    assert line.tail.endswith(b"xend")
    assert framer.feed(b"next\n") == [b"next"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"jsonrpc":"2.0","id":7,"result":{"content":[{', 7),
        (b'{"id": "7" , "jsonrpc": "2.0", "result": {', 7),
        (b'{"result":{"x":1},"jsonrpc":"2.0","id":7}', 7),
        (b'{"jsonrpc":"2.0","result":{"x":1},"id":"7"}', 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"roots/list","params":{', None),
        (b'{"jsonrpc":"2.0","method":"notifications/message","params":{"id":7,', None),
        (b'{"result":{"id":7,"more":', None),
        (b"Listening on port 7", None),
        (b"", None),
    ],
)
def test_a_response_that_cannot_be_parsed_is_laid_to_the_request_whose_id_it_seems_to_have(line, found):
    assert find_answered_id(line, line) == found


@given(st.binary(max_size=200))
def test_looking_for_an_id_never_fails(data):
    assert find_answered_id(data, data) is None or find_answered_id(data, data) >= 0


@given(json_values)
def test_whatever_json_a_server_sends_can_be_taken_apart(value):
    for message in messages_in(value):
        request_id_of(message)
        object_in(message, "params")
        report_progress(lambda progress: None, object_in(message, "params"))
        with suppress(RpcError, RequestFault):
            result_of(message)


@pytest.mark.parametrize(
    ("raw", "read"), [(7, 7), ("7", 7), ("x", None), (None, None), ("²", None), (7.5, None), (True, None)]
)
def test_ids_are_understood_as_numbers_and_as_text(raw, read):
    assert request_id_of({"id": raw}) == read


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        ({"code": -32602, "message": "no such tool"}, -32602, "no such tool"),
        ({"code": "x", "message": 1}, -32603, "error without a message"),
        ("broken", -32603, "error without a message"),
        ([], -32603, "error without a message"),
    ],
)
def test_an_error_object_is_read_as_far_as_it_can_be(raw, code, message):
    error = read_error(raw)
    assert (error.code, error.message) == (code, message)


def test_a_result_that_is_no_object_is_a_fault():
    with pytest.raises(RequestFault, match="no result object"):
        result_of({"id": 1, "result": [1]})


def test_requests_and_notifications_are_one_line_each():
    request = encode_request(3, "tools/call", {"name": "a\nb"})
    assert b"\n" not in request
    assert orjson.loads(request) == {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "a\nb"}}
    assert orjson.loads(encode_notification("x")) == {"jsonrpc": "2.0", "method": "x"}


@pytest.mark.parametrize("value", [2**70, "\ud800", {1: 2}, object()])
def test_what_json_cannot_hold_is_refused_before_it_is_sent(value):
    with pytest.raises(RequestFault, match="cannot be written as JSON"):
        encode_request(1, "tools/call", {"value": value})


def test_a_progress_token_is_added_beside_what_is_there():
    assert with_progress_token({"name": "a", "_meta": {"v": 1}}, 9) == {
        "name": "a",
        "_meta": {"v": 1, "progressToken": 9},
    }


def test_a_servers_ping_is_answered_and_everything_else_refused():
    assert json.loads(answer_server_request({"id": "a", "method": "ping"})) == {
        "jsonrpc": "2.0",
        "id": "a",
        "result": {},
    }
    refusal = json.loads(answer_server_request({"id": 2, "method": "sampling/createMessage"}))
    assert refusal["error"] == {"code": -32601, "message": "this client does not offer sampling/createMessage"}
    endless = json.loads(answer_server_request({"id": 3, "method": "x" * 1_000_000}))
    assert len(endless["error"]["message"]) < 200


def test_an_error_message_is_bounded_and_cannot_deceive_a_terminal():
    error = read_error({"code": 1, "message": "\x1b[31mred\n" + "x" * 100_000})
    assert error.message.startswith("\\u{1b}[31mred\n")
    assert error.message.endswith("… (100009 characters)")
    assert len(error.message) < 5000
