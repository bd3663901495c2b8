"""Anthropic Messages answers, whole and streamed, read and written."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.errors import ErrorAnswer
from gateway.conversation import (
    Finished,
    FinishReason,
    Message,
    ModelResponse,
    Reasoning,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UnknownPart,
    Usage,
    UsageReported,
)
from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.providers.scripted import messages_wire
from gateway.providers.scripted.turns import Call, Turn
from gateway.providers.whole_answers import events_of
from gateway.sse import SseDecoder
from tests.unit.dialects.assembling import assembled

SEARCH = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
CONTENT: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "hm", "signature": "EqQB/+=="},
    {"type": "redacted_thinking", "data": "opaque"},
    {"type": "thinking", "thinking": "so", "signature": "second"},
    SEARCH,
    FOUND,
    {"type": "text", "text": "Found."},
    {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
]
PARTS = (
    Reasoning("hm", "EqQB/+==", "thinking"),
    Reasoning("", "opaque", "redacted_thinking"),
    Reasoning("so", "second", "thinking"),
    UnknownPart("anthropic_messages", {"content": [SEARCH]}),
    UnknownPart("anthropic_messages", {"content": [FOUND]}),
    Text("Found."),
    ToolCall("t1", "look", '{"a":1}'),
)
USAGE = {"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 7}
ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": CONTENT,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": USAGE,
    "container": None,
}


def read(answer: dict[str, Any]) -> ModelResponse:
    return ANTHROPIC_MESSAGES.read_response(orjson.dumps(answer))


def frames(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(event.data) for event in SseDecoder(10**6).feed(data)]


def read_stream(*chunks: bytes) -> list[StreamEvent]:
    reader = ANTHROPIC_MESSAGES.stream_reader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*events, *reader.end()]


def written(events: list[StreamEvent]) -> bytes:
    writer = ANTHROPIC_MESSAGES.stream_writer(include_usage=False)
    return b"".join([writer.write(event) for event in events]) + writer.done()


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, **fields}) + b"\n\n"


START = event("message_start", message={**ANSWER, "content": [], "stop_reason": None})
TEXT = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
PIECE = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"})
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
STOP = event("message_stop")


def test_a_whole_answer_is_read_in_order_and_written_as_it_came():
    response = read(ANSWER)
    assert response.message.parts == PARTS
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert response.usage == Usage(10, 7, 3, 2)
    assert ANTHROPIC_MESSAGES.write_response(response) == ANSWER


def test_a_stream_tells_the_same_answer_in_the_same_order():
    data = written(list(events_of(read(ANSWER))))
    again = assembled(read_stream(data))
    assert again.message.parts == PARTS
    starts = [frame["content_block"] for frame in frames(data) if frame["type"] == "content_block_start"]
    assert [block["type"] for block in starts] == [block["type"] for block in CONTENT]


@given(st.data())
def test_a_stream_may_come_in_any_pieces(data: st.DataObject):
    turn = Turn(
        reasoning="so it is", text="one two\nthree", calls=(Call("f", {"a": "b c d e f g"}), Call("g", "{}"))
    )
    whole = b"".join([*messages_wire.events(turn, {"model": "m", "messages": []}), messages_wire.DONE])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    parts = assembled(read_stream(*chunks)).message.parts
    assert parts[0] == Reasoning("so it is", messages_wire.signature_of("so it is"), "thinking")
    assert parts[1] == Text("one two\nthree")
    assert [(call.name, orjson.loads(call.arguments)) for call in parts[2:] if isinstance(call, ToolCall)] == [
        ("f", {"a": "b c d e f g"}),
        ("g", {}),
    ]


def test_a_stream_of_its_own_leaves_with_its_own_words():
    delta = {"stop_reason": "stop_sequence", "stop_sequence": "END", "container": {"id": "c"}}
    citation = {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "x"}}
    cited = event("content_block_delta", index=0, delta=citation)
    end = event("message_delta", delta=delta, usage={"output_tokens": 9})
    told = frames(written(read_stream(START, TEXT, PIECE, cited, end, STOP)))
    assert told[0]["message"]["usage"] == USAGE
    assert told[0]["message"]["container"] is None
    assert {"type": "content_block_delta", "index": 0, "delta": citation} in told
    assert told[-2] == {"type": "message_delta", "delta": delta, "usage": {**USAGE, "output_tokens": 9}}


@pytest.mark.parametrize(
    ("word", "reason", "chat"),
    [
        ("end_turn", FinishReason.STOP, "stop"),
        ("stop_sequence", FinishReason.STOP, "stop"),
        ("max_tokens", FinishReason.LENGTH, "length"),
        ("model_context_window_exceeded", FinishReason.LENGTH, "length"),
        ("pause_turn", FinishReason.PAUSED, "length"),
        ("refusal", FinishReason.CONTENT_FILTER, "content_filter"),
        ("something_new", FinishReason.UNKNOWN, "stop"),
    ],
)
def test_every_reason_has_its_word(word: str, reason: FinishReason, chat: str):
    response = read({**ANSWER, "content": CONTENT[5:6], "stop_reason": word})
    assert response.finish_reason is reason
    assert ANTHROPIC_MESSAGES.write_response(response)["stop_reason"] == word
    assert OPENAI_CHAT.write_response(response)["choices"][0]["finish_reason"] == chat


def test_interleaved_calls_of_another_dialect_are_told_one_after_the_other():
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1, dialect="openai_chat"),
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, '{"x'),
        ToolCallDelta(1, '{"y'),
        TextDelta("late"),
        ToolCallDelta(0, '":1}'),
        ToolCallDelta(1, '":2}'),
        Finished(FinishReason.TOOL_CALLS),
        UsageReported(Usage(9, 1, 4)),
    ]
    data = written(events)
    assert assembled(read_stream(data)).message.parts == (
        ToolCall("a", "f", '{"x":1}'),
        ToolCall("b", "g", '{"y":2}'),
        Text("late"),
    )
    assert frames(data)[-2]["usage"]["input_tokens"] == 5


def test_thoughts_of_another_provider_are_marked_as_proven_by_nobody():
    events: list[StreamEvent] = [ResponseStarted("r", "m", 1), ReasoningDelta("hm"), TextDelta("a")]
    told = frames(written([*events, Finished(FinishReason.STOP)]))
    signatures = [frame["delta"]["signature"] for frame in told if "signature" in frame.get("delta", {})]
    assert signatures == ["toolgate:unproven"]


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([START, TEXT, PIECE], "before its answer did"),
        ([START, STOP], "before its answer did"),
        ([TEXT], "before its start"),
        ([START, PIECE], "has not begun"),
        ([b"data: {\n\n"], "JSON"),
        ([], "before its answer did"),
    ],
)
def test_streams_that_are_broken_are_faults(chunks: list[bytes], message: str):
    with pytest.raises(WireFormatError, match=message):
        read_stream(*chunks)


def test_a_stream_without_its_last_event_is_whole_when_the_model_has_stopped():
    events = read_stream(START, event("ping"), TEXT, PIECE, event("from_the_future", a=1), END)
    assert assembled(events).usage == Usage(10, 9, 3, 2)


@pytest.mark.parametrize(("kind", "status"), [("overloaded_error", 529), ("rate_limit_error", 429), ("odd", None)])
def test_an_error_within_a_stream_stands_for_its_status(kind: str, status: int | None):
    body = {"type": "error", "error": {"type": kind, "message": "no"}}
    with pytest.raises(UpstreamStreamError) as caught:
        read_stream(START, b"event: error\ndata: " + orjson.dumps(body) + b"\n\n")
    assert (caught.value.status, orjson.loads(caught.value.body)) == (status, body)
    assert ANTHROPIC_MESSAGES.read_error(orjson.dumps(body)) == "no"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b'{"content": "x"}'])
def test_what_is_no_answer_is_a_fault(body: bytes):
    with pytest.raises(WireFormatError):
        ANTHROPIC_MESSAGES.read_response(body)


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_usage_is_found_in_what_passes(cut: int):
    data = START + TEXT + PIECE * 3 + END + STOP
    scanner = ANTHROPIC_MESSAGES.usage_scanner()
    for start in range(0, len(data), cut):
        scanner.feed(data[start : start + cut])
    assert scanner.usage == Usage(10, 9, 3, 2)
    assert scanner.model == "claude"
    assert ANTHROPIC_MESSAGES.usage_of(orjson.dumps(ANSWER)) == Usage(10, 7, 3, 2)
    assert ANTHROPIC_MESSAGES.usage_of(b"nonsense") is None


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "x", "invalid_request_error"),
        (401, "x", "authentication_error"),
        (404, "x", "not_found_error"),
        (413, "x", "request_too_large"),
        (422, "x", "invalid_request_error"),
        (429, "x", "rate_limit_error"),
        (503, "overloaded", "overloaded_error"),
        (502, "x", "api_error"),
    ],
)
def test_errors_are_of_the_kind_that_their_status_says(status: int, code: str, kind: str):
    told = ANTHROPIC_MESSAGES.write_error(ErrorAnswer(status, "no", "k", code), request_id="req_1")
    assert told == {"type": "error", "error": {"type": kind, "message": "no"}, "request_id": "req_1"}


@given(st.builds(Usage, *[st.integers(0, 99)] * 2, *[st.integers(0, 9)] * 2))
def test_usage_is_counted_the_same_in_both_directions(usage: Usage):
    given_usage = Usage(
        usage.input_tokens + 18, usage.output_tokens, usage.cached_input_tokens, usage.cache_write_tokens
    )
    response = ModelResponse("r", "m", 1, Message("assistant", (Text("a"),)), FinishReason.STOP, given_usage)
    assert read(ANTHROPIC_MESSAGES.write_response(response)).usage == given_usage
