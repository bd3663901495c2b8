"""Answers of Ollama's chat API, whole and streamed, both directions."""

from __future__ import annotations

import itertools
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.conversation import (
    Finished,
    FinishReason,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.dialects.json_lines import JsonLines
from gateway.dialects.ollama import OLLAMA
from gateway.dialects.openai_chat import OPENAI_CHAT
from tests.unit.dialects.assembling import assembled

HEAD: dict[str, Any] = {"model": "llama", "created_at": "2026-07-01T10:00:00.123456789Z"}
CALL: dict[str, Any] = {"function": {"name": "look", "arguments": {"at": "sky"}}}
END: dict[str, Any] = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 12,
    "prompt_eval_count": 10,
    "eval_count": 4,
}


def lines(*messages: dict[str, Any], end: dict[str, Any] | None = None) -> bytes:
    told = [{**HEAD, "message": {"role": "assistant", "content": "", **part}, "done": False} for part in messages]
    told.append({**HEAD, "message": {"role": "assistant", "content": ""}, **(END if end is None else end)})
    return b"".join(orjson.dumps(line) + b"\n" for line in told)


STREAM = lines(
    {"thinking": "Hm, "},
    {"thinking": "é."},
    {"content": "Let me "},
    {"content": "look. ✓"},
    {"tool_calls": [CALL, CALL]},
)


def read(data: bytes, *cuts: int) -> list[StreamEvent]:
    reader = OLLAMA.stream_reader()
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    events = [event for start, end in itertools.pairwise(places) for event in reader.feed(data[start:end])]
    return events + reader.end()


def test_a_stream_is_read():
    events = read(STREAM)
    started = events[0]
    assert isinstance(started, ResponseStarted)
    assert (started.model, started.created) == ("llama", 1782900000)
    assert events[1:5] == [
        ReasoningDelta("Hm, ", "thinking"),
        ReasoningDelta("é.", "thinking"),
        TextDelta("Let me "),
        TextDelta("look. ✓"),
    ]
    calls = [event for event in events if isinstance(event, ToolCallStarted)]
    assert [(call.index, call.name) for call in calls] == [(0, "look"), (1, "look")]
    assert calls[0].id != calls[1].id
    assert events[6] == ToolCallDelta(0, '{"at":"sky"}')
    finished, usage = events[-2:]
    assert isinstance(finished, Finished)
    assert finished.reason is FinishReason.TOOL_CALLS
    assert isinstance(usage, UsageReported)
    assert usage.usage == Usage(10, 4)


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_any_chunking_is_read_alike(cuts: list[int]):
    assert read(STREAM, *cuts) == read(STREAM)


def test_a_stream_is_written_again_and_says_the_same():
    writer = OLLAMA.stream_writer(include_usage=True)
    written = b"".join(writer.write(event) for event in read(STREAM)) + writer.done()
    last = orjson.loads(written.splitlines()[-1])
    assert last == {**HEAD, "message": {"role": "assistant", "content": ""}, **END}
    assert all(orjson.loads(line)["created_at"] == HEAD["created_at"] for line in written.splitlines())
    assert assembled(read(written)) == assembled(read(STREAM))


def test_interleaved_pieces_of_calls_leave_whole_and_in_order():
    writer = OLLAMA.stream_writer(include_usage=False)
    events: list[StreamEvent] = [
        ResponseStarted("id", "gpt", 1),
        ToolCallStarted(0, "a", "look"),
        ToolCallStarted(1, "b", "hear"),
        ToolCallDelta(1, '{"x":'),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, "1}"),
        Finished(FinishReason.TOOL_CALLS),
    ]
    written = b"".join(writer.write(event) for event in events) + writer.done()
    told = [json.loads(line) for line in written.splitlines()]
    assert [line["message"]["tool_calls"] for line in told[:2]] == [
        [{"id": "a", "function": {"name": "look", "arguments": {}}}],
        [{"id": "b", "function": {"name": "hear", "arguments": {"x": 1}}}],
    ]
    assert (told[2]["done"], told[2]["done_reason"]) == (True, "stop")
    assert len(told) == 3


def test_a_heartbeat_says_nothing_and_makes_no_line():
    writer = OLLAMA.stream_writer(include_usage=True)
    beats = writer.heartbeat()
    started = writer.write(ResponseStarted("id", "m", 1))
    written = beats + started + writer.heartbeat() + writer.write(TextDelta("hi")) + writer.heartbeat()
    written += writer.write(Finished(FinishReason.STOP)) + writer.done()
    assert [json.loads(line)["message"]["content"] for line in written.splitlines()] == ["hi", ""]


def test_progress_waits_until_the_answer_has_begun():
    writer = OLLAMA.stream_writer(include_usage=True)
    assert writer.progress({"round": 1}) == b""
    written = writer.write(ResponseStarted("id", "m", 1))
    assert json.loads(written)["toolgate"] == {"round": 1}
    assert json.loads(writer.progress({"round": 2}))["toolgate"] == {"round": 2}


def test_an_error_within_a_stream_is_the_providers_own():
    data = lines({"content": "Let"}).splitlines(keepends=True)[0] + b'{"error":"out of memory"}\n'
    reader = OLLAMA.stream_reader()
    assert reader.feed(data)[-1] == TextDelta("Let")
    with pytest.raises(UpstreamStreamError) as told:
        reader.feed(b"")
    assert OLLAMA.read_error(told.value.body) == "out of memory"


@pytest.mark.parametrize("data", [b"", STREAM[:-1][: STREAM.rfind(b"\n", 0, -1) + 1], b"[1]\n", b"{no\n"])
def test_a_stream_that_is_none_or_breaks_off_is_refused(data: bytes):
    with pytest.raises(WireFormatError):
        read(data)


def test_the_last_line_may_lack_its_end():
    assert read(STREAM[:-1]) == read(STREAM)


def test_a_line_has_a_longest_length():
    with pytest.raises(WireFormatError):
        JsonLines(limit=8).feed(b'{"a": "long"}\n')
    decoder = JsonLines(limit=8)
    decoder.feed(b'{"a":')
    with pytest.raises(WireFormatError):
        decoder.feed(b'"long"')


WHOLE: dict[str, Any] = {
    **HEAD,
    "message": {"role": "assistant", "content": "Look.", "thinking": "Hm.", "tool_calls": [CALL]},
    **END,
}


def test_a_whole_answer_is_written_again_as_it_came():
    response = OLLAMA.read_response(orjson.dumps(WHOLE))
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert response.usage == Usage(10, 4)
    assert OLLAMA.write_response(response) == WHOLE
    assert OLLAMA.write_response(response, toolgate={"a": 1})["toolgate"] == {"a": 1}


def test_the_same_bytes_have_the_same_ids_whole_and_streamed():
    whole = OLLAMA.read_response(orjson.dumps(WHOLE)).message.tool_calls
    streamed = assembled(read(lines({"tool_calls": [CALL]}))).message.tool_calls
    assert [call.id for call in whole] == [call.id for call in streamed]


def test_an_answer_becomes_one_of_openais_and_back():
    response = OLLAMA.read_response(orjson.dumps(WHOLE))
    chat = OPENAI_CHAT.write_response(response)
    message = chat["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Look.", "Hm.")
    assert message["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at":"sky"}'}
    assert chat["choices"][0]["finish_reason"] == "tool_calls"
    back = OLLAMA.write_response(OPENAI_CHAT.read_response(orjson.dumps(chat)))
    assert back["message"]["tool_calls"][0]["function"] == CALL["function"]
    assert back["message"]["thinking"] == "Hm."
    assert (back["done_reason"], back["prompt_eval_count"], back["eval_count"]) == ("stop", 10, 4)


@pytest.mark.parametrize(
    ("word", "reason"), [("length", FinishReason.LENGTH), ("load", FinishReason.UNKNOWN), ("", FinishReason.STOP)]
)
def test_why_an_answer_ended(word: str, reason: FinishReason):
    told = {**HEAD, "message": {"role": "assistant", "content": "x"}, "done": True, "done_reason": word}
    response = OLLAMA.read_response(orjson.dumps(told))
    assert response.finish_reason is reason
    assert response.usage is None
    assert OLLAMA.write_response(response)["done_reason"] == (word or "stop")


def test_the_usage_is_read_from_what_passes_by():
    scanner = OLLAMA.usage_scanner()
    for start in range(0, len(STREAM), 7):
        scanner.feed(STREAM[start : start + 7])
    assert (scanner.usage, scanner.model) == (Usage(10, 4), "llama")
    assert OLLAMA.usage_of(orjson.dumps(WHOLE)) == Usage(10, 4)
    assert OLLAMA.usage_of(b"no") is None
