"""Answers in Converse's form, whole and streamed, both directions; Amazon's own parsers read what is written."""

from __future__ import annotations

import base64
import itertools
from dataclasses import replace
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
    ModelRequest,
    ReasoningDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UnknownDelta,
    Usage,
    UsageReported,
)
from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.dialects.anthropic_messages import ANTHROPIC_BEDROCK, ANTHROPIC_MESSAGES
from gateway.dialects.bedrock_converse import BEDROCK_CONVERSE
from gateway.dialects.event_stream import encode_frame
from gateway.dialects.openai_chat import OPENAI_CHAT
from tests.support.amazon import parse_answer, parse_stream
from tests.unit.dialects.assembling import assembled

BLOB = base64.b64encode(b"secret thoughts").decode()
CONTENT: list[dict[str, Any]] = [
    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig+/=="}}},
    {"reasoningContent": {"redactedContent": BLOB}},
    {"text": "Let me look. ✓"},
    {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": "sky"}}},
    {"toolUse": {"toolUseId": "t2", "name": "nova_grounding", "input": {"q": "x"}, "type": "server_tool_use"}},
    {"toolResult": {"toolUseId": "t2", "content": [{"text": "found"}], "type": "nova_grounding_result"}},
]
COUNTS = {
    "inputTokens": 10,
    "outputTokens": 4,
    "totalTokens": 119,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 5,
}
ANSWER: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": CONTENT}},
    "stopReason": "tool_use",
    "usage": COUNTS,
    "metrics": {"latencyMs": 12},
    "trace": {"promptRouter": {"invokedModelId": "x"}},
}
USAGE = Usage(115, 4, 100, 5)


def frame(kind: str, **fields: Any) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, orjson.dumps({**fields, "p": "abcdef"}))


def exception(kind: str, message: str = "no") -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return encode_frame(headers, orjson.dumps({"message": message}))


def delta(index: int, **fields: Any) -> bytes:
    return frame("contentBlockDelta", contentBlockIndex=index, delta=fields)


def start(index: int, **fields: Any) -> bytes:
    return frame("contentBlockStart", contentBlockIndex=index, start=fields)


def stop(index: int) -> bytes:
    return frame("contentBlockStop", contentBlockIndex=index)


BEGIN = frame("messageStart", role="assistant")
END = frame("messageStop", stopReason="tool_use") + frame("metadata", usage=COUNTS, metrics={"latencyMs": 12})
STREAM = b"".join(
    (
        BEGIN,
        delta(0, reasoningContent={"text": "H"}),
        delta(0, reasoningContent={"text": "m."}),
        delta(0, reasoningContent={"signature": "sig+"}),
        delta(0, reasoningContent={"signature": "/=="}),
        stop(0),
        delta(1, reasoningContent={"redactedContent": base64.b64encode(b"secret ").decode()}),
        delta(1, reasoningContent={"redactedContent": base64.b64encode(b"thoughts").decode()}),
        stop(1),
        delta(2, text="Let me "),
        delta(2, text="look. ✓"),
        stop(2),
        start(3, toolUse={"toolUseId": "t1", "name": "look"}),
        delta(3, toolUse={"input": '{"at":'}),
        delta(3, toolUse={"input": '"sky"}'}),
        stop(3),
        start(4, toolUse={"toolUseId": "t2", "name": "nova_grounding", "type": "server_tool_use"}),
        delta(4, toolUse={"input": '{"q":"x"}'}),
        stop(4),
        start(5, toolResult={"toolUseId": "t2", "type": "nova_grounding_result"}),
        delta(5, toolResult=[{"text": "found"}]),
        stop(5),
        END,
    )
)


def read(data: bytes, *cuts: int, dialect: Any = BEDROCK_CONVERSE) -> list[StreamEvent]:
    reader = dialect.stream_reader()
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})
    events = [event for begin, end in itertools.pairwise(places) for event in reader.feed(data[begin:end])]
    events += reader.end()
    assert reader.has_finish
    return [replace(event, id="x", created=0) if isinstance(event, ResponseStarted) else event for event in events]


def written(events: list[StreamEvent], dialect: Any = BEDROCK_CONVERSE) -> bytes:
    writer = dialect.stream_writer(include_usage=True)
    return b"".join(writer.write(event) for event in events) + writer.done()


def test_a_whole_answer_comes_out_as_it_went_in():
    response = BEDROCK_CONVERSE.read_response(orjson.dumps(ANSWER))
    assert BEDROCK_CONVERSE.write_response(response) == ANSWER
    assert response.usage == USAGE
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert [call.name for call in response.message.tool_calls] == ["look"]
    other = BEDROCK_CONVERSE.read_response(orjson.dumps(ANSWER))
    assert other.id != response.id


def test_a_stream_tells_what_the_whole_answer_says():
    streamed = assembled(read(STREAM))
    whole = BEDROCK_CONVERSE.read_response(orjson.dumps(ANSWER))
    assert streamed.message.parts == whole.message.parts
    assert (streamed.usage, streamed.finish_reason) == (whole.usage, whole.finish_reason)


@given(st.lists(st.integers(1, len(STREAM)), max_size=12))
def test_any_cutting_of_a_stream_tells_the_same(cuts: list[int]):
    assert read(STREAM, *cuts) == read(STREAM)


def test_a_stream_that_is_written_again_tells_the_same_and_amazons_parser_agrees():
    again = written(read(STREAM))
    assert read(again) == read(STREAM)
    told = parse_stream(again)
    assert told[0] == {"messageStart": {"role": "assistant"}}
    signatures = [
        event["contentBlockDelta"]["delta"]["reasoningContent"].get("signature")
        for event in told
        if "reasoningContent" in event.get("contentBlockDelta", {}).get("delta", {})
    ]
    assert "sig+/==" in signatures
    assert told[-2]["messageStop"]["stopReason"] == "tool_use"
    assert told[-1]["metadata"]["usage"] == COUNTS
    indices = [event["contentBlockStop"]["contentBlockIndex"] for event in told if "contentBlockStop" in event]
    assert indices == list(range(6))


def test_amazons_parser_reads_whole_answers_of_other_dialects():
    chat = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "Hm.",
                    "reasoning_content": "Eh.",
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
                    ],
                },
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    response = OPENAI_CHAT.read_response(orjson.dumps(chat))
    told = parse_answer(orjson.dumps(BEDROCK_CONVERSE.write_response(response, toolgate={"run": 1})))
    content = told["output"]["message"]["content"]
    assert {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": 1}}} in content
    marked = {"reasoningText": {"text": "Eh.", "signature": "toolgate:unproven"}}
    assert {"reasoningContent": marked} in content
    assert told["usage"] == {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
    assert told["stopReason"] == "tool_use"


def test_interleaved_calls_leave_one_after_the_other():
    events: list[StreamEvent] = [
        ResponseStarted("x", "m", 0),
        ToolCallStarted(0, "a", "one"),
        ToolCallStarted(1, "b", "two"),
        ToolCallDelta(1, '{"n":'),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, "2}"),
        Finished(FinishReason.TOOL_CALLS),
    ]
    calls = assembled(read(written(events))).message.tool_calls
    assert [(call.id, call.name, call.arguments) for call in calls] == [
        ("a", "one", "{}"),
        ("b", "two", '{"n":2}'),
    ]


def test_citations_are_passed_on_beside_their_text():
    stream = BEGIN + delta(0, text="As written") + delta(0, citation={"title": "t"}) + stop(0) + END
    events = read(stream)
    assert UnknownDelta("bedrock_converse", {"citation": {"title": "t"}}, in_message=False) in events
    assert {"citation": {"title": "t"}} in [
        event["contentBlockDelta"]["delta"]
        for event in parse_stream(written(events))
        if "contentBlockDelta" in event
    ]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("guardrail_intervened", FinishReason.CONTENT_FILTER),
        ("content_filtered", FinishReason.CONTENT_FILTER),
        ("malformed_tool_use", FinishReason.UNKNOWN),
        ("something_new", FinishReason.UNKNOWN),
    ],
)
def test_reasons_are_understood_and_written_as_they_came(word: str, reason: FinishReason):
    answer = {**ANSWER, "output": {"message": {"role": "assistant", "content": []}}, "stopReason": word}
    response = BEDROCK_CONVERSE.read_response(orjson.dumps(answer))
    assert response.finish_reason is reason
    assert BEDROCK_CONVERSE.write_response(response)["stopReason"] == word


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("throttlingException", 429),
        ("validationException", 400),
        ("modelTimeoutException", 408),
        ("modelStreamErrorException", 424),
        ("serviceUnavailableException", 503),
        ("internalServerException", 500),
        ("somethingNewException", 500),
    ],
)
def test_an_exception_within_a_stream_is_told_after_what_came_before_with_its_status(kind: str, status: int):
    reader = BEDROCK_CONVERSE.stream_reader()
    events = reader.feed(BEGIN + delta(0, text="Hm") + exception(kind, "slow down"))
    assert isinstance(events[-1], TextDelta)
    with pytest.raises(UpstreamStreamError) as refusal:
        reader.feed(b"")
    assert refusal.value.status == status
    assert BEDROCK_CONVERSE.read_error(refusal.value.body) == "slow down"


def test_an_error_frame_without_a_body_is_one_too():
    headers = {":message-type": "error", ":error-code": "internalServerException", ":error-message": "oh"}
    with pytest.raises(UpstreamStreamError) as refusal:
        BEDROCK_CONVERSE.stream_reader().feed(encode_frame(headers, b""))
    assert BEDROCK_CONVERSE.read_error(refusal.value.body) == "oh"


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        BEGIN,
        BEGIN + delta(0, text="Hm"),
        delta(0, text="Hm") + END,
        END,
        BEGIN + END[:-3][:40],
        BEGIN + b"data: {}\n\n" * 3,
        BEGIN + encode_frame({":event-type": "messageStop"}, b"[]"),
    ],
)
def test_a_stream_that_breaks_off_or_is_none_is_a_fault(stream: bytes):
    with pytest.raises(WireFormatError):
        read(stream)


def test_a_stream_without_its_last_frame_is_whole_if_the_model_had_stopped():
    events = read(BEGIN + delta(0, text="Hm") + frame("messageStop", stopReason="end_turn"))
    assert [type(event) for event in events] == [ResponseStarted, TextDelta, Finished]


def test_events_of_unknown_kinds_are_passed_over_by_us_and_by_amazons_sdk():
    stream = BEGIN + frame("somethingNew", a=1) + delta(0, text="Hm") + END
    assert TextDelta("Hm") in read(stream)
    writer = BEDROCK_CONVERSE.stream_writer(include_usage=False)
    assert parse_stream(writer.heartbeat() + writer.progress({"round": 1})) == []


def test_faults_have_the_names_by_which_amazons_sdk_raises_them():
    fault = ErrorAnswer(429, "slow down", "rate_limit_error", "rate_limited")
    assert BEDROCK_CONVERSE.write_error(fault, request_id="x") == {
        "message": "slow down",
        "__type": "ThrottlingException",
    }
    told = parse_stream(BEDROCK_CONVERSE.stream_writer(include_usage=False).error(fault))
    assert told[0]["Error"] == {"Code": "throttlingException", "Message": "slow down"}
    for status, kind in [
        (400, "validation"),
        (503, "serviceUnavailable"),
        (500, "internalServer"),
        (504, "modelStreamError"),
    ]:
        data = BEDROCK_CONVERSE.stream_writer(include_usage=False).error(replace(fault, status=status))
        assert parse_stream(data)[0]["Error"]["Code"].startswith(kind)


@given(st.lists(st.integers(1, len(STREAM)), max_size=6))
def test_the_usage_is_found_in_a_stream_that_passes_through(cuts: list[int]):
    scanner = BEDROCK_CONVERSE.usage_scanner()
    for begin, end in itertools.pairwise(sorted({0, *cuts, len(STREAM)})):
        scanner.feed(STREAM[begin:end])
    assert scanner.usage == USAGE


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_scanner_never_fails(one: bytes, other: bytes):
    scanner = BEDROCK_CONVERSE.usage_scanner()
    scanner.feed(one)
    scanner.feed(other)
    assert scanner.usage is None


def test_the_usage_of_a_whole_answer():
    assert BEDROCK_CONVERSE.usage_of(orjson.dumps(ANSWER)) == USAGE
    assert BEDROCK_CONVERSE.usage_of(b"no") is None


def anthropic_events() -> list[dict[str, Any]]:
    return [
        {"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hm ✓"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}},
    ]


def framed(event: dict[str, Any]) -> bytes:
    data = base64.b64encode(orjson.dumps(event)).decode()
    return frame("chunk", bytes=data)


HOSTED = b"".join(framed(event) for event in anthropic_events())


@given(st.lists(st.integers(1, len(HOSTED)), max_size=8))
def test_anthropics_events_in_amazons_frames_tell_what_they_tell_at_home(cuts: list[int]):
    at_home = b"".join(b"data: %b\n\n" % orjson.dumps(event) for event in anthropic_events())
    assert read(HOSTED, *cuts, dialect=ANTHROPIC_BEDROCK) == read(at_home, dialect=ANTHROPIC_MESSAGES)
    assert ANTHROPIC_BEDROCK.traits.stream_type == "application/vnd.amazon.eventstream"


def test_an_exception_of_amazons_is_told_in_anthropics_form_there():
    reader = ANTHROPIC_BEDROCK.stream_reader()
    assert reader.feed(framed(anthropic_events()[0]) + exception("throttlingException", "slow down"))
    with pytest.raises(UpstreamStreamError) as refusal:
        reader.feed(b"")
    assert refusal.value.status == 429
    assert orjson.loads(refusal.value.body) == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "slow down"},
    }
    with pytest.raises(WireFormatError, match="base64"):
        ANTHROPIC_BEDROCK.stream_reader().feed(frame("chunk", bytes="!"))


def test_reasoning_without_a_proof_is_marked_for_the_client_and_understood_when_it_returns():
    events: list[StreamEvent] = [
        ResponseStarted("x", "m", 0),
        ReasoningDelta("Eh.", "thinking", "foreign"),
        TextDelta("Yes."),
        Finished(FinishReason.STOP),
        UsageReported(USAGE),
    ]
    answer = assembled(read(written(events)))
    assert [part for part in answer.message.parts if hasattr(part, "signature") and part.signature] == []
    assert b"toolgate:unproven" in written(events)
    assert b"foreign" not in written(events)


def test_a_text_with_citations_goes_back_with_them_and_elsewhere_as_text():
    cited = {"citationsContent": {"content": [{"text": "As written"}], "citations": [{"title": "t"}]}}
    answer = {**ANSWER, "output": {"message": {"role": "assistant", "content": [cited]}}}
    message = BEDROCK_CONVERSE.read_response(orjson.dumps(answer)).message
    hello = Message("user", (Text("hello"),))
    request = ModelRequest("m", (hello, message), "bedrock_converse")
    assert BEDROCK_CONVERSE.write_request(request, model="m")["messages"][1]["content"] == [cited]
    elsewhere = OPENAI_CHAT.write_request(replace(request, dialect="openai_chat"), model="m")
    assert elsewhere["messages"][1]["content"] == "As written"
