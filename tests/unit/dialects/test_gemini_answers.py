"""Gemini answers, whole and streamed, read and written."""

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
    Source,
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
from gateway.dialects.gemini import GEMINI
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.providers.whole_answers import events_of
from gateway.sse import SseDecoder
from tests.unit.dialects.assembling import assembled

CODE = {"executableCode": {"language": "PYTHON", "code": "1"}}
PARTS: list[dict[str, Any]] = [
    {"text": "hm", "thought": True, "thoughtSignature": "T/+="},
    CODE,
    {"text": "Found."},
    {"text": "!", "thoughtSignature": "S/+="},
    {"functionCall": {"id": "c1", "name": "look", "args": {"a": 1}}, "thoughtSignature": "A/+="},
    {"functionCall": {"id": "c2", "name": "look", "args": {}}},
]
SIGNED = Source("gemini", {"thoughtSignature": "A/+="})
READ = (
    Reasoning("hm", "T/+=", "thought"),
    UnknownPart("gemini", {"parts": [CODE]}),
    Text("Found."),
    Text("!"),
    ToolCall("c1", "look", '{"a":1}'),
    ToolCall("c2", "look", "{}"),
)
USAGE = {
    "promptTokenCount": 10,
    "cachedContentTokenCount": 4,
    "toolUsePromptTokenCount": 2,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "totalTokenCount": 20,
}
ANSWER: dict[str, Any] = {
    "candidates": [
        {
            "content": {"parts": PARTS, "role": "model"},
            "finishReason": "STOP",
            "index": 0,
            "groundingMetadata": {"webSearchQueries": ["x"]},
        }
    ],
    "usageMetadata": USAGE,
    "modelVersion": "gemini-3-pro",
    "responseId": "r1",
    "modelStatus": {"modelStage": "STABLE"},
}


def answer(**candidate: Any) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, **candidate}],
        "responseId": "r",
    }


def read(raw: dict[str, Any]) -> ModelResponse:
    return GEMINI.read_response(orjson.dumps(raw))


def frames(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(event.data) for event in SseDecoder(10**6).feed(data)]


def frame(raw: dict[str, Any], end: bytes = b"\r\n\r\n") -> bytes:
    return b"data: " + orjson.dumps(raw) + end


def read_stream(*chunks: bytes) -> list[StreamEvent]:
    reader = GEMINI.stream_reader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*events, *reader.end()]


def written(events: list[StreamEvent]) -> bytes:
    writer = GEMINI.stream_writer(include_usage=False)
    return b"".join([writer.write(event) for event in events]) + writer.done()


def parts_in(data: bytes) -> list[dict[str, Any]]:
    told = [part for raw in frames(data) for part in raw["candidates"][0]["content"]["parts"]]
    return [part for part in told if part != {"text": ""}]


def chunk(*parts: dict[str, Any], **more: Any) -> bytes:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **more}
    return frame({"candidates": [candidate], "modelVersion": "g", "responseId": "r"})


def test_a_whole_answer_is_read_in_order_and_written_as_it_came():
    response = read(ANSWER)
    assert response.message.parts == READ
    assert response.message.tool_calls[0].source == SIGNED
    assert response.finish_reason is FinishReason.TOOL_CALLS
    assert response.usage == Usage(12, 8, 4, 0, 3)
    assert GEMINI.write_response(response) == ANSWER


def test_calls_without_ids_are_given_some_and_written_as_they_came():
    parts = [{"functionCall": {"name": "look"}}, {"functionCall": {"name": "look"}}]
    raw = {
        **ANSWER,
        "candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": "STOP", "index": 0}],
    }
    response = read(raw)
    first, second = response.message.tool_calls
    assert first.id != second.id
    assert GEMINI.write_response(response) == raw


def test_a_stream_tells_the_same_answer_in_the_same_order():
    data = written(list(events_of(read(ANSWER))))
    again = assembled(read_stream(data))
    assert again.message.parts == READ
    assert parts_in(data) == PARTS
    assert [part.source for part in again.message.tool_calls] == [SIGNED, Source("gemini", {})]


def test_a_stream_of_its_own_leaves_with_its_own_words():
    data = frame(ANSWER)
    last = frames(written(read_stream(data)))[-1]
    assert last["usageMetadata"] == USAGE
    assert last["candidates"][0]["groundingMetadata"] == {"webSearchQueries": ["x"]}
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert frames(written(read_stream(data)))[0]["modelStatus"] == {"modelStage": "STABLE"}


@given(st.data())
def test_a_stream_may_come_in_any_pieces(data: st.DataObject):
    whole = b"".join(
        [
            chunk({"text": "so", "thought": True}),
            chunk({"text": "one tw\u00f6"}, {"text": "x\ny"}),
            chunk({"functionCall": {"name": "f", "args": {"a": "b c"}}, "thoughtSignature": "s"}),
            chunk({"text": "", "thoughtSignature": "z"}, finishReason="STOP"),
        ]
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    parts = assembled(read_stream(*chunks)).message.parts
    assert parts[:2] == (Reasoning("so", None, "thought"), Text("one tw\u00f6x\ny"))
    assert isinstance(parts[2], ToolCall)
    assert (parts[2].name, parts[2].arguments) == ("f", '{"a":"b c"}')
    assert isinstance(parts[3], Text)
    assert parts[3].source == Source("gemini", {"thoughtSignature": "z"})


@pytest.mark.parametrize(
    ("word", "reason", "chat"),
    [
        ("STOP", FinishReason.STOP, "stop"),
        ("MAX_TOKENS", FinishReason.LENGTH, "length"),
        ("SAFETY", FinishReason.CONTENT_FILTER, "content_filter"),
        ("PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER, "content_filter"),
        ("OTHER", FinishReason.UNKNOWN, "stop"),
        ("FROM_THE_FUTURE", FinishReason.UNKNOWN, "stop"),
    ],
)
def test_every_reason_has_its_word(word: str, reason: FinishReason, chat: str):
    response = read(answer(finishReason=word))
    assert response.finish_reason is reason
    assert GEMINI.write_response(response)["candidates"][0]["finishReason"] == word
    assert OPENAI_CHAT.write_response(response)["choices"][0]["finish_reason"] == chat
    assert (
        frames(written(read_stream(chunk({"text": "a"}, finishReason=word))))[-1]["candidates"][0]["finishReason"]
        == word
    )


@pytest.mark.parametrize(
    ("word", "status"), [("MALFORMED_FUNCTION_CALL", 502), ("MISSING_THOUGHT_SIGNATURE", 400), ("OTHER", 502)]
)
def test_an_answer_that_says_nothing_but_that_it_failed_is_a_failure(word: str, status: int):
    failed = {
        "candidates": [{"content": {"role": "model"}, "finishReason": word, "finishMessage": "look( is odd"}]
    }
    for attempt in (lambda: read(failed), lambda: read_stream(frame(failed))):
        with pytest.raises(UpstreamStreamError) as caught:
            attempt()
        assert caught.value.status == status
        assert GEMINI.read_error(caught.value.body) == f"the model's answer ended with {word}: look( is odd"


def test_what_is_held_back_for_what_was_asked_is_an_answer():
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    response = read(blocked)
    assert (response.finish_reason, response.message.parts) == (FinishReason.CONTENT_FILTER, ())
    assert GEMINI.write_response(response)["promptFeedback"] == blocked["promptFeedback"]
    streamed = assembled(read_stream(frame(blocked)))
    assert streamed.finish_reason is FinishReason.CONTENT_FILTER
    assert streamed.usage == Usage(4)


def test_interleaved_calls_of_another_dialect_leave_whole_and_in_order():
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1, dialect="openai_chat"),
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, '{"x'),
        ToolCallDelta(1, '{"y'),
        ToolCallDelta(0, '":1}'),
        ToolCallDelta(1, '":2}'),
        Finished(FinishReason.TOOL_CALLS),
        UsageReported(Usage(9, 5, 4, 0, 2)),
    ]
    data = written(events)
    assert parts_in(data) == [
        {
            "functionCall": {"id": "a", "name": "f", "args": {"x": 1}},
            "thoughtSignature": "skip_thought_signature_validator",
        },
        {"functionCall": {"id": "b", "name": "g", "args": {"y": 2}}},
    ]
    assert frames(data)[-1]["usageMetadata"] == {
        "promptTokenCount": 9,
        "candidatesTokenCount": 3,
        "thoughtsTokenCount": 2,
        "cachedContentTokenCount": 4,
        "totalTokenCount": 14,
    }


def test_proofs_of_others_are_not_told_as_its_own():
    events: list[StreamEvent] = [
        ResponseStarted("r", "m", 1),
        ReasoningDelta("hm", "thinking", "EqQB"),
        TextDelta("a"),
        Finished(FinishReason.STOP),
    ]
    assert parts_in(written(events))[0] == {"text": "hm", "thought": True}


def test_arguments_that_come_as_changes_are_put_together():
    def piece(*changes: dict[str, Any], **call: Any) -> bytes:
        return chunk({"functionCall": {**call, "partialArgs": list(changes)}})

    data = [
        chunk({"functionCall": {"name": "f", "willContinue": True}, "thoughtSignature": "s"}),
        piece({"jsonPath": "$.city", "stringValue": "To", "willContinue": True}, willContinue=True),
        piece(
            {"jsonPath": "$.city", "stringValue": "kyo"},
            {"jsonPath": "$['a b'][1].n", "numberValue": 2},
            willContinue=True,
        ),
        piece(
            {"jsonPath": "$.b", "boolValue": False},
            {"jsonPath": "$.z", "nullValue": "NULL_VALUE"},
            willContinue=True,
        ),
        chunk({"functionCall": {}}),
        chunk({"functionCall": {"name": "g", "args": {}}}, finishReason="STOP"),
    ]
    first, second = assembled(read_stream(*data)).message.tool_calls
    assert orjson.loads(first.arguments) == {"city": "Tokyo", "a b": [None, {"n": 2}], "b": False, "z": None}
    assert first.source == Source("gemini", {"thoughtSignature": "s"})
    assert second.name == "g"


def test_a_call_that_does_not_end_ends_where_the_next_begins():
    data = [
        chunk({"functionCall": {"name": "f", "willContinue": True}}),
        chunk({"functionCall": {"name": "g", "args": {"a": 1}}}, finishReason="STOP"),
    ]
    calls = assembled(read_stream(*data)).message.tool_calls
    assert [(call.name, call.arguments) for call in calls] == [("f", "{}"), ("g", '{"a":1}')]


@pytest.mark.parametrize("path", ["", "$", "city", "$.a[", "$[0]", "$.a[99999]", "$.x.y", "$" + ".a" * 100])
def test_changes_at_no_known_place_are_faults(path: str):
    first = {"jsonPath": "$.x", "stringValue": "a"}
    call = {"name": "f", "partialArgs": [first, {"jsonPath": path, "stringValue": "b"}], "willContinue": True}
    with pytest.raises(WireFormatError, match="arguments"):
        read_stream(chunk({"functionCall": call}))


def test_a_few_bytes_cannot_ask_for_lists_without_end():
    changes = [{"jsonPath": f"$.a{number}[4095]", "numberValue": 1} for number in range(17)]
    call = {"name": "f", "partialArgs": changes, "willContinue": True}
    with pytest.raises(WireFormatError, match="too far down"):
        read_stream(chunk({"functionCall": call}))


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([chunk({"text": "a"})], "before its answer did"),
        ([b"data: {\n\n"], "JSON"),
        ([b"data: []\n\n"], "JSON object"),
        ([], "before its answer did"),
    ],
)
def test_streams_that_are_broken_are_faults(chunks: list[bytes], message: str):
    with pytest.raises(WireFormatError, match=message):
        read_stream(*chunks)


def test_a_reason_in_every_chunk_ends_nothing():
    events = read_stream(chunk({"text": "a"}, finishReason="STOP"), chunk({"text": "b"}, finishReason="STOP"))
    assert assembled(events).message.text == "ab"


@pytest.mark.parametrize(("code", "status"), [(429, 429), (503, 503), ("x", None), (7, None)])
def test_an_error_within_a_stream_stands_for_its_status(code: Any, status: int | None):
    body = {"error": {"code": code, "message": "no", "status": "RESOURCE_EXHAUSTED"}}
    with pytest.raises(UpstreamStreamError) as caught:
        read_stream(chunk({"text": "a"}), frame(body))
    assert (caught.value.status, orjson.loads(caught.value.body)) == (status, body)
    assert GEMINI.read_error(orjson.dumps(body)) == "no"
    assert GEMINI.read_error(orjson.dumps([body])) == "no"
    assert GEMINI.read_error(b"nonsense") is None


@pytest.mark.parametrize("body", [b"{}", b"[]", b"", b'{"candidates": []}'])
def test_what_is_no_answer_is_a_fault(body: bytes):
    with pytest.raises(WireFormatError):
        GEMINI.read_response(body)


@pytest.mark.parametrize("cut", [1, 7, 1000])
def test_usage_is_found_in_what_passes(cut: int):
    data = (
        chunk({"text": "usageMetadata"})
        + frame({**ANSWER, "usageMetadata": {"promptTokenCount": 1}})
        + frame(ANSWER)
    )
    scanner = GEMINI.usage_scanner()
    for start in range(0, len(data), cut):
        scanner.feed(data[start : start + cut])
    assert scanner.usage == Usage(12, 8, 4, 0, 3)
    assert scanner.model == "gemini-3-pro"
    assert GEMINI.usage_of(orjson.dumps(ANSWER)) == Usage(12, 8, 4, 0, 3)
    assert GEMINI.usage_of(b"nonsense") is None


def test_errors_are_in_googles_form():
    told = GEMINI.write_error(
        ErrorAnswer(429, "no", "k", "too_many", "contents", retry_after=7), request_id="req_1"
    )
    assert list(told) == ["error"]
    error = told["error"]
    assert (error["code"], error["message"], error["status"]) == (429, "no", "RESOURCE_EXHAUSTED")
    assert {detail["@type"].rpartition(".")[2] for detail in error["details"]} == {
        "ErrorInfo",
        "BadRequest",
        "RetryInfo",
    }
    assert error["details"][2]["retryDelay"] == "7s"


@pytest.mark.parametrize(
    ("status", "word"),
    [(400, "INVALID_ARGUMENT"), (413, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (529, "INTERNAL")],
)
def test_a_status_has_its_word(status: int, word: str):
    assert GEMINI.write_error(ErrorAnswer(status, "no", "k", "c"), request_id="")["error"]["status"] == word


def test_signs_of_life_are_chunks_that_say_nothing():
    writer = GEMINI.stream_writer(include_usage=True)
    assert frames(writer.heartbeat()) == [{"candidates": []}]
    assert frames(writer.progress({"a": 1})) == [{"candidates": [], "toolgate": {"a": 1}}]
    assert frames(writer.error(ErrorAnswer(502, "no", "k", "c")))[0]["error"]["message"] == "no"
    assert writer.done() == b""
    with pytest.raises(ValueError, match="begins with"):
        writer.write(TextDelta("a"))


@given(st.builds(Usage, *[st.integers(0, 99)] * 2))
def test_usage_is_counted_the_same_in_both_directions(usage: Usage):
    given_usage = Usage(usage.input_tokens + 9, usage.output_tokens + 9, 4, 0, 5)
    response = ModelResponse("r", "m", 1, Message("assistant", (Text("a"),)), FinishReason.STOP, given_usage)
    assert read(GEMINI.write_response(response)).usage == given_usage
