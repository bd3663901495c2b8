"""The usage of a stream, asked for where the client did not, and taken out of the answer again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.dialects.openai_chat.quirks import Quirk
from gateway.dialects.openai_chat.usage_asking import USAGE_ASKING

USAGE = b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
TEXT = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}\n\n'
SAID = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"\\"usage\\": {"}}],"usage":null}\n\n'
LAST = (
    b'data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}\n\n'
)
FILTERS = b'data: {"choices":[],"prompt_filter_results":[{"usage":1}],"usage":null}\n\n'
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("fields", "is_due"),
    [
        ({"stream": True}, True),
        ({"stream": True, "stream_options": None}, True),
        ({"stream": True, "stream_options": {}}, True),
        ({"stream": True, "stream_options": {"include_usage": False, "x": 1}}, True),
        ({"stream": True, "stream_options": {"include_usage": True}}, False),
        ({"stream": True, "stream_options": {"include_usage": 0}}, False),
        ({"stream": True, "stream_options": []}, False),
        ({"stream": False}, False),
        ({}, False),
    ],
)
def test_it_is_asked_for_where_a_stream_would_not_tell_it(fields: dict[str, Any], is_due: bool):
    assert USAGE_ASKING.is_due(fields, ()) is is_due
    assert USAGE_ASKING.is_due(fields, (Quirk.NO_STREAM_OPTIONS,)) is False
    if is_due:
        body, said = USAGE_ASKING.ask(orjson.dumps({"a": 1, **fields}), {"a": 1, **fields})
        expected = {**(fields.get("stream_options") or {}), "include_usage": True}
        assert orjson.loads(body) == said == {"a": 1, **fields, "stream_options": expected}


NO_LIST = USAGE.replace(b'"choices":[]', b'"choices":null')
NO_FIELD = USAGE.replace(b'"choices":[]', b'"object":"chat.completion.chunk"')
OTHER = USAGE.replace(b'"choices":[]', b'"object":"report"')
ERROR = USAGE.replace(b'"usage"', b'"error":{"message":"m"},"usage"')


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (TEXT, TEXT),
        (SAID, SAID),
        (LAST, LAST),
        (FILTERS, FILTERS),
        (TEXT + USAGE + DONE, TEXT + DONE),
        (TEXT + USAGE + USAGE + DONE, TEXT + DONE),
        (TEXT + NO_LIST + DONE, TEXT + DONE),
        (TEXT + NO_FIELD + DONE, TEXT + DONE),
        (TEXT + OTHER + DONE, TEXT + OTHER + DONE),
        (TEXT + ERROR + DONE, TEXT + ERROR + DONE),
        (USAGE, b""),
        (USAGE[:-1], b""),
        (USAGE[:-2], b""),
        ((TEXT + USAGE + DONE).replace(b"\n", b"\r\n"), (TEXT + DONE).replace(b"\n", b"\r\n")),
        (b": keep-alive\n\n" + USAGE, b": keep-alive\n\n"),
        (b"event: usage\nid: 7\n" + USAGE + DONE, b"event: usage\nid: 7\n\n" + DONE),
        (LAST + USAGE.replace(b":", b": "), LAST),
        (b'data: {"choices":[],"usage":{}, nonsense\n\n', b'data: {"choices":[],"usage":{}, nonsense\n\n'),
    ],
)
def test_what_was_told_because_of_it_is_taken_out_and_every_other_byte_stays(lines: bytes, left: bytes):
    assert USAGE_ASKING.taker().take_out(lines, is_told=True) == left


@pytest.mark.parametrize("cut", range(len(TEXT) + 1, len(TEXT + USAGE + DONE)))
def test_lines_that_come_one_by_one_leave_the_same(cut: int):
    taker = USAGE_ASKING.taker()
    lines = TEXT + USAGE + DONE
    end = lines.rfind(b"\n", 0, cut) + 1
    first = taker.take_out(lines[:end], is_told=USAGE.strip() in lines[:end])
    assert first + taker.take_out(lines[end:], is_told=USAGE.strip() in lines[end:]) == TEXT + DONE
