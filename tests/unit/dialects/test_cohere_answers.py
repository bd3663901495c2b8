"""Answers of Cohere's chat API, whole and streamed, both directions."""

from __future__ import annotations

import itertools
from dataclasses import replace
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
    UnknownDelta,
    Usage,
    UsageReported,
)
from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.dialects.cohere_v2 import COHERE_V2
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.sse import SseDecoder
from tests.unit.dialects.assembling import assembled

USAGE: dict[str, Any] = {
    "billed_units": {"input_tokens": 10.0, "output_tokens": 4.0},
    "tokens": {"input_tokens": 70.0, "output_tokens": 4.0},
    "cached_tokens": 3.0,
}
CITATION: dict[str, Any] = {"start": 0, "end": 4, "text": "Blue", "sources": [{"type": "tool", "id": "look_1:0"}]}


def told(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def message(**fields: Any) -> dict[str, Any]:
    return {"message": fields}


def call_events(index: int, identity: str) -> bytes:
    call = {"id": identity, "type": "function", "function": {"name": "look", "arguments": ""}}
    piece = {"function": {"arguments": '{"at":"ü"}'}}
    return (
        told("tool-call-start", index=index, delta=message(tool_calls=call))
        + told("tool-call-delta", index=index, delta=message(tool_calls=piece))
        + told("tool-call-end", index=index)
    )


START = told("message-start", id="c-1", delta=message(role="assistant", content=[], tool_plan="", citations=[]))
END = told("message-end", delta={"finish_reason": "TOOL_CALL", "usage": USAGE})
DONE = b"data: [DONE]\n\n"
STREAM = (
    START
    + told("content-start", index=0, delta=message(content={"type": "thinking", "thinking": ""}))
    + told("content-delta", index=0, delta=message(content={"thinking": "Hm, é."}))
    + told("content-end", index=0)
    + told("content-start", index=1, delta=message(content={"type": "text", "text": ""}))
    + told("content-delta", index=1, delta=message(content={"text": "Blue"}))
    + told("content-delta", index=1, delta=message(content={"text": " ✓"}))
    + told("citation-start", index=0, delta=message(citations=CITATION))
    + told("citation-end", index=0)
    + told("content-end", index=1)
    + told("tool-plan-delta", delta=message(tool_plan="I will look."))
    + call_events(0, "look_1")
    + call_events(1, "look_2")
    + END
    + DONE
)


def read(data: bytes, *cuts: int) -> list[StreamEvent]:
    reader = COHERE_V2.stream_reader()
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    events: list[StreamEvent] = []
    for start, end in itertools.pairwise(places):
        events += reader.feed(data[start:end])
    events += reader.end()
    return [replace(event, created=0) if isinstance(event, ResponseStarted) else event for event in events]


def write(events: list[StreamEvent]) -> bytes:
    writer = COHERE_V2.stream_writer(include_usage=True)
    return b"".join(writer.write(event) for event in events) + writer.done()


def kinds(data: bytes) -> list[str]:
    return [event.kind for event in SseDecoder(10**6).feed(data)]


def test_a_stream_is_read():
    events = read(STREAM)
    assert events[0] == ResponseStarted("c-1", "", 0, {}, "cohere_v2")
    assert events[1:6] == [
        ReasoningDelta("Hm, é.", "thinking"),
        TextDelta("Blue"),
        TextDelta(" ✓"),
        UnknownDelta("cohere_v2", {"citations": [CITATION]}),
        ReasoningDelta("I will look.", "tool_plan"),
    ]
    assert events[6:10] == [
        ToolCallStarted(0, "look_1", "look", {}, ""),
        ToolCallDelta(0, '{"at":"ü"}'),
        ToolCallStarted(1, "look_2", "look", {}, ""),
        ToolCallDelta(1, '{"at":"ü"}'),
    ]
    assert events[10:] == [
        Finished(FinishReason.TOOL_CALLS, {"finish_reason": "TOOL_CALL"}, "cohere_v2"),
        UsageReported(Usage(10, 4, 3), USAGE, "cohere_v2"),
    ]


@given(st.lists(st.integers(1, len(STREAM) - 1), max_size=8))
def test_any_chunking_is_read_alike(cuts: list[int]):
    assert read(STREAM, *cuts) == read(STREAM)


def test_a_stream_is_written_again_and_says_the_same():
    written = write(read(STREAM))
    assert kinds(written) == kinds(STREAM)
    assert read(written) == read(STREAM)


def test_interleaved_pieces_of_calls_leave_one_call_after_the_other():
    events: list[StreamEvent] = [
        ResponseStarted("id", "gpt", 1),
        ToolCallStarted(0, "a", "look"),
        ToolCallStarted(1, "b", "hear"),
        ToolCallDelta(1, '{"x":'),
        ToolCallDelta(0, "{}"),
        TextDelta("late"),
        ToolCallDelta(1, "1}"),
        Finished(FinishReason.TOOL_CALLS),
    ]
    written = write(events)
    assert kinds(written)[1:7] == ["tool-call-start", "tool-call-delta", "tool-call-end"] * 2
    response = assembled(read(written))
    assert [call.arguments for call in response.message.tool_calls] == ["{}", '{"x":1}']
    assert response.message.text == "late"


def test_an_event_that_nobody_knows_is_passed_on_to_clients_of_the_same_dialect():
    data = START + told("content-mood", index=0, mood="blue") + END
    assert b'"mood":"blue"' in write(read(data))
    chat = OPENAI_CHAT.stream_writer(include_usage=False)
    assert b"blue" not in b"".join(chat.write(event) for event in read(data))


def test_log_probabilities_are_told_about_the_message_and_are_no_part_of_it():
    delta = message(content={"text": "Blue"})
    data = START + told("content-delta", index=0, delta=delta, logprobs={"text": "Blue"}) + END
    assert UnknownDelta("cohere_v2", {"logprobs": {"text": "Blue"}}, in_message=False) in read(data)


def test_progress_and_errors_have_events_that_cohere_knows():
    writer = COHERE_V2.stream_writer(include_usage=True)
    assert kinds(writer.progress({"round": 1})) == ["debug"]
    assert kinds(writer.heartbeat()) == []

    class Fault:
        status, message, kind, code, param = 502, "it broke", "upstream_error", "x", None

    (event,) = SseDecoder(10**6).feed(writer.error(Fault()))
    assert orjson.loads(event.data)["delta"] == {"finish_reason": "ERROR", "error": "it broke"}


@pytest.mark.parametrize(("word", "status"), [("ERROR", 502), ("TIMEOUT", 504), ("ERROR_TOXIC", 422)])
def test_an_answer_that_failed_is_an_error_whole_and_streamed(word: str, status: int):
    whole = {"id": "1", "finish_reason": word, "message": {"role": "assistant"}, "error": "it broke"}
    reader = COHERE_V2.stream_reader()
    reader.feed(START)
    for fail in (
        lambda: COHERE_V2.read_response(orjson.dumps(whole)),
        lambda: reader.feed(told("message-end", delta={"finish_reason": word, "error": "it broke"})),
    ):
        with pytest.raises(UpstreamStreamError) as failed:
            fail()
        assert failed.value.status == status
        assert COHERE_V2.read_error(failed.value.body) == "it broke"


def test_an_error_in_the_place_of_a_stream_is_the_providers_own():
    with pytest.raises(UpstreamStreamError):
        read(b'data: {"id":"1","message":"too many requests"}\n\n')


@pytest.mark.parametrize(
    "data",
    [b"", START, told("content-delta", delta={}), START + b"data: {no\n\n", START + call_events(0, "a")[90:]],
)
def test_a_stream_that_is_none_or_breaks_off_is_refused(data: bytes):
    with pytest.raises(WireFormatError):
        read(data)


WHOLE: dict[str, Any] = {
    "id": "c-1",
    "finish_reason": "TOOL_CALL",
    "message": {
        "role": "assistant",
        "tool_plan": "I will look.",
        "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Blue"}],
        "tool_calls": [{"id": "look_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
        "citations": [CITATION],
    },
    "usage": USAGE,
    "logprobs": [{"text": "Blue"}],
}


def test_a_whole_answer_is_written_again_as_it_came():
    response = COHERE_V2.read_response(orjson.dumps(WHOLE))
    assert (response.finish_reason, response.usage) == (FinishReason.TOOL_CALLS, Usage(10, 4, 3))
    assert COHERE_V2.write_response(response) == WHOLE
    assert COHERE_V2.write_response(response, toolgate={"a": 1})["toolgate"] == {"a": 1}


def test_an_answer_put_together_anew_keeps_its_citations():
    response = COHERE_V2.read_response(orjson.dumps(WHOLE))
    anew = COHERE_V2.write_response(replace(response, source=None, usage=Usage(5, 6)))
    assert anew["message"] == WHOLE["message"]
    assert anew["usage"] == {"tokens": {"input_tokens": 5, "output_tokens": 6}}


def test_an_answer_becomes_one_of_openais_and_back():
    chat = OPENAI_CHAT.write_response(COHERE_V2.read_response(orjson.dumps(WHOLE)))
    choice = chat["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Blue", "tool_calls")
    assert choice["message"]["reasoning_content"] == "I will look.Hm."
    assert "citations" not in choice["message"]
    back = COHERE_V2.write_response(OPENAI_CHAT.read_response(orjson.dumps(chat)))
    assert back["message"] == {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "I will look.Hm."}, {"type": "text", "text": "Blue"}],
        "tool_calls": WHOLE["message"]["tool_calls"],
    }
    assert back["finish_reason"] == "TOOL_CALL"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("COMPLETE", FinishReason.STOP),
        ("STOP_SEQUENCE", FinishReason.STOP),
        ("MAX_TOKENS", FinishReason.LENGTH),
        ("SOMETHING_NEW", FinishReason.UNKNOWN),
    ],
)
def test_why_an_answer_ended_survives(word: str, reason: FinishReason):
    whole = {"id": "1", "finish_reason": word, "message": {"role": "assistant", "content": []}}
    response = COHERE_V2.read_response(orjson.dumps(whole))
    assert response.finish_reason is reason
    assert COHERE_V2.write_response(response)["finish_reason"] == word


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"message": "x"}'])
def test_what_is_no_answer_is_refused(body: bytes):
    with pytest.raises(WireFormatError):
        COHERE_V2.read_response(body)


def test_the_usage_is_what_is_charged_else_what_was_seen():
    scanner = COHERE_V2.usage_scanner()
    for start in range(0, len(STREAM), 7):
        scanner.feed(STREAM[start : start + 7])
    assert scanner.usage == Usage(10, 4, 3)
    seen = {"usage": {"tokens": USAGE["tokens"], "billed_units": {}}}
    assert COHERE_V2.usage_of(orjson.dumps(seen)) == Usage(70, 4)
    assert COHERE_V2.usage_of(b"no") is None


def test_an_event_whose_type_is_told_beside_it_is_passed_on_with_it():
    data = told("message-start", id="x", delta={}) + b'event: novelty\ndata: {"type":true,"index":1}\n\n'
    events = read(data + told("message-end", delta={"finish_reason": "COMPLETE"}))
    assert b'{"type":"novelty","index":1}' in write(events)


def test_a_type_cannot_hold_another_event():
    with pytest.raises(WireFormatError, match="type"):
        read(told("message-start", id="x", delta={}) + told("x\nevent: message-end", index=1))
