"""What the dialect writes, judged by the types of OpenAI's own SDK. No network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter, ValidationError

from gateway.conversation import (
    Finished,
    FinishReason,
    Media,
    Message,
    ModelResponse,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    ResponseStarted,
    StreamEvent,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolDefinition,
    ToolResult,
    Usage,
    UsageReported,
)
from gateway.dialects import answering
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.sse import SseDecoder
from tests.support.forcing import read_to_the_bottom

CHAT: dict[str, Any] = {
    "model": "gpt",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": [{"type": "text", "text": "really"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                {"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,AA=="}},
            ],
        },
        {
            "role": "assistant",
            "content": "Well:",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{not json"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "file"}]},
        {"role": "user", "content": "and?"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}}
    ],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "parallel_tool_calls": False,
    "reasoning_effort": "minimal",
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}},
    "stream": True,
    "user": "u1",
}
MESSAGES: dict[str, Any] = {
    "model": "claude",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "be brief"}],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True},
                {"type": "text", "text": "and?"},
            ],
        },
    ],
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "output_config": {"effort": "high"},
}
TOOLS: list[Any] = [
    {"type": "custom", "name": "patch"},
    {
        "type": "namespace",
        "name": "crm",
        "description": "d",
        "tools": [{"type": "function", "name": "find", "parameters": {"type": "object"}}],
    },
]


@cache
def request_type(*, stream: bool) -> TypeAdapter[Any]:
    return TypeAdapter(ResponseCreateParamsStreaming if stream else ResponseCreateParamsNonStreaming)


@cache
def event_type() -> TypeAdapter[Any]:
    return TypeAdapter(ResponseStreamEvent)


def check_request(body: Mapping[str, Any]) -> None:
    """Validate to the bottom: what the SDK declares as `Iterable` is checked only as far as somebody reads."""
    read_to_the_bottom(request_type(stream=body.get("stream") is True).validate_python(body))


def test_the_check_reaches_the_bottom():
    with pytest.raises(ValidationError):
        check_request({"model": "m", "input": "hi", "tools": [{"type": "function", "name": 5}]})
    with pytest.raises(ValidationError):
        check_request({"model": "m", "input": [{"role": "nobody", "content": "x"}]})


def test_a_request_of_chat_is_a_valid_one_of_responses():
    check_request(OPENAI_RESPONSES.write_request(OPENAI_CHAT.read_request(CHAT), model="gpt-9"))


def test_a_request_of_anthropics_is_a_valid_one_of_responses():
    written = OPENAI_RESPONSES.write_request(ANTHROPIC_MESSAGES.read_request(MESSAGES), model="gpt-9")
    check_request(written)
    assert written["parallel_tool_calls"] is False


PROOF = orjson.dumps({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA"}).decode()
TEXTS = st.text(max_size=5)
ANSWER_PARTS = (
    st.builds(Text, TEXTS)
    | st.builds(Refusal, TEXTS)
    | st.builds(Reasoning, TEXTS, st.none() | st.just("sig"), st.sampled_from(["thinking", "reasoning_content"]))
    | st.just(Reasoning("", PROOF, "reasoning_summary"))
    | st.builds(ToolCall, st.text(min_size=1, max_size=70), st.sampled_from(["f", "patch", "crm__find"]), TEXTS)
)
RESULTS = st.builds(
    ToolResult,
    st.just("c"),
    st.lists(
        st.builds(Text, TEXTS)
        | st.just(Media("image", "image/png", data="AA=="))
        | st.just(Media("audio", data="A"))
    ).map(tuple),
    st.booleans(),
)
MESSAGE = (
    st.builds(lambda parts: Message("assistant", tuple(parts)), st.lists(ANSWER_PARTS, max_size=4))
    | st.builds(lambda part: Message("tool", (part,)), RESULTS)
    | st.builds(lambda text: Message("user", (Text(text),)), TEXTS)
)


@given(st.lists(MESSAGE, max_size=4), st.booleans())
def test_whatever_a_run_holds_is_a_valid_request(messages: list[Message], store: Any):
    asked = OPENAI_RESPONSES.read_request({"model": "m", "input": "hi", "store": store, "tools": TOOLS})
    ours = ToolDefinition("demo__f", "does", {"type": "object"})
    whole = replace(asked, messages=(*asked.messages, *messages), tools=(*asked.tools, ours))
    check_request(OPENAI_RESPONSES.write_request(whole, model="m"))


@given(
    st.lists(ANSWER_PARTS, max_size=6), st.sampled_from(FinishReason), st.none() | st.just(Usage(5, 4, 3, 2, 1))
)
def test_whatever_a_model_answers_is_a_valid_response(parts: list[Any], reason: FinishReason, usage: Usage | None):
    asked = OPENAI_RESPONSES.read_request({"model": "m", "input": "x", "tools": TOOLS})
    codec = answering(OPENAI_RESPONSES, lambda: asked)
    response = ModelResponse("resp_1", "m", 1, Message("assistant", tuple(parts)), reason, usage)
    Response.model_validate(codec.write_response(response))


def _events(parts: list[Any]) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    for index, part in enumerate(parts):
        match part:
            case Text():
                events.append(TextDelta(part.text))
            case Refusal():
                events.append(RefusalDelta(part.text))
            case Reasoning():
                events += [ReasoningDelta(part.text, part.name), ReasoningDelta("", part.name, part.signature)]
            case _:
                events += [ToolCallStarted.of(part, index), ToolCallDelta(index, part.arguments)]
    return events


@given(st.lists(ANSWER_PARTS, max_size=6), st.sampled_from(FinishReason))
def test_whatever_a_model_streams_is_a_valid_stream_that_ends_in_what_it_told(
    parts: list[Any], reason: FinishReason
):
    asked = OPENAI_RESPONSES.read_request({"model": "m", "input": "x", "tools": TOOLS})
    codec = answering(OPENAI_RESPONSES, lambda: asked)
    writer = codec.stream_writer(include_usage=True)
    events = [ResponseStarted("resp_1", "m", 1, dialect="x"), *_events(parts), Finished(reason)]
    data = b"".join(writer.write(event) for event in [*events, UsageReported(Usage(5, 4))]) + writer.done()
    told = [orjson.loads(event.data) for event in SseDecoder(10**7).feed(data)]
    for event in told:
        event_type().validate_python(event)
    assert [event["sequence_number"] for event in told] == list(range(len(told)))
    done = {event["output_index"]: event["item"] for event in told if event["type"] == "response.output_item.done"}
    assert [done[index] for index in range(len(done))] == told[-1]["response"]["output"]
    begun = [event["output_index"] for event in told if event["type"] == "response.output_item.added"]
    assert sorted(begun) == list(range(len(done)))
