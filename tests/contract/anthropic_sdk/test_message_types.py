"""What the dialect writes, judged by the types and the stream accumulator of Anthropic's own SDK. No network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
import pytest
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParams
from hypothesis import given
from hypothesis import strategies as st
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
    ResponseAssembler,
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
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.openai_chat import OPENAI_CHAT
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
                {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}},
                {"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,AA=="}},
                {"type": "file", "file": {"filename": "b", "file_data": "data:text/plain;base64,aGk="}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c.1:0", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{not json"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c.1:0", "content": "seen"},
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
    "stop": ["a", "b"],
    "stream": True,
    "stream_options": {"include_usage": True},
    "user": "u1",
    "store": False,
    "prompt_cache_key": "k",
}


@cache
def request_type() -> TypeAdapter[Any]:
    return TypeAdapter(MessageCreateParams)


@cache
def event_type() -> TypeAdapter[Any]:
    return TypeAdapter(RawMessageStreamEvent)


def check_request(body: Mapping[str, Any]) -> None:
    """Validate to the bottom: what the SDK declares as `Iterable` is checked only as far as somebody reads."""
    read_to_the_bottom(request_type().validate_python(body))


def test_the_check_reaches_the_bottom():
    with pytest.raises(ValidationError):
        check_request({"model": "m", "max_tokens": 1, "messages": [{"role": "nobody", "content": "x"}]})


def test_a_request_of_openais_is_a_valid_one_of_anthropics():
    written = ANTHROPIC_MESSAGES.write_request(OPENAI_CHAT.read_request(CHAT), model="claude-opus-9")
    check_request(written)
    assert written["system"] == [{"type": "text", "text": "be brief"}, {"type": "text", "text": "really"}]
    assert [message["role"] for message in written["messages"]] == ["user", "assistant", "user"]
    results = written["messages"][2]["content"]
    assert [block["type"] for block in results] == ["tool_result", "tool_result", "text"]
    calls = written["messages"][1]["content"]
    assert [block["id"] for block in calls] == [block["tool_use_id"] for block in results[:2]]
    assert calls[1]["input"] == {"INVALID_JSON": "{not json"}
    assert written["tool_choice"] == {"type": "tool", "name": "look", "disable_parallel_tool_use": True}
    assert written["output_config"]["effort"] == "low"


def test_what_a_run_adds_is_valid():
    given_request = ANTHROPIC_MESSAGES.read_request(
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    )
    added = (
        Message(
            "assistant",
            (
                Reasoning("hm", "sig", "thinking"),
                Reasoning("", "data", "redacted_thinking"),
                ToolCall("c1", "f", ""),
            ),
        ),
        Message("tool", (ToolResult("c1", (Text("a"), Media("image", "image/png", data="AA==")), is_error=True),)),
        Message("tool", (ToolResult("c2", (Media("audio", "audio/wav", data="AA=="),)),)),
    )
    ours = ToolDefinition("ours", "ours", {"properties": {}})
    changed = replace(given_request, messages=(*given_request.messages, *added), tools=(ours,))
    written = ANTHROPIC_MESSAGES.write_request(changed, model="m")
    check_request(written)
    assert [block["type"] for block in written["messages"][1]["content"]] == [
        "thinking",
        "redacted_thinking",
        "tool_use",
    ]
    assert len(written["messages"]) == 3


PARTS = st.lists(
    st.builds(Text, st.text(max_size=5))
    | st.builds(Reasoning, st.text(max_size=5), st.none() | st.text(min_size=1, max_size=5))
    | st.builds(Refusal, st.text(max_size=5))
    | st.builds(ToolCall, st.text(max_size=5), st.text(max_size=5), st.sampled_from(["", "{}", "[", '{"a": 1}'])),
    max_size=5,
)


@given(PARTS, st.sampled_from(list(FinishReason)), st.none() | st.builds(Usage, *[st.integers(0, 9)] * 5))
def test_every_whole_answer_is_one_of_the_sdks_messages(
    parts: list[Any], reason: FinishReason, usage: Usage | None
):
    response = ModelResponse("msg_1", "m", 1, Message("assistant", tuple(parts)), reason, usage)
    written = orjson.dumps(ANTHROPIC_MESSAGES.write_response(response, toolgate={"run_id": "r"}))
    SdkMessage.model_validate_json(written)


DELTAS = st.lists(
    st.builds(TextDelta, st.text(max_size=5))
    | st.builds(
        ReasoningDelta, st.text(max_size=5), st.just("thinking"), st.none() | st.text(min_size=1, max_size=5)
    )
    | st.builds(ReasoningDelta, st.just(""), st.just("redacted_thinking"), st.text(min_size=1, max_size=5))
    | st.builds(RefusalDelta, st.text(max_size=5))
    | st.builds(ToolCallDelta, st.integers(0, 2), st.text(max_size=5)),
    max_size=12,
)


@given(DELTAS, st.booleans())
def test_every_stream_is_made_of_the_sdks_events_one_block_at_a_time(deltas: list[Any], usage: bool):
    events: list[StreamEvent] = [ResponseStarted("msg_1", "m", 1)]
    begun: set[int] = set()
    for delta in deltas:
        if isinstance(delta, ToolCallDelta) and delta.index not in begun:
            begun.add(delta.index)
            events.append(ToolCallStarted(delta.index, f"c{delta.index}", "f"))
        events.append(delta)
    events += [Finished(FinishReason.STOP), *([UsageReported(Usage(3, 2))] if usage else [])]
    writer = ANTHROPIC_MESSAGES.stream_writer(include_usage=False)
    data = b"".join(writer.write(event) for event in events) + writer.done()
    frames = [orjson.loads(frame.data) for frame in SseDecoder(10**6).feed(data)]
    for frame in frames:
        event_type().validate_python(frame)
    open_block = None
    for frame in frames:
        if frame["type"] == "content_block_start":
            assert open_block is None
            open_block = frame["index"]
        elif frame["type"].startswith("content_block"):
            assert frame["index"] == open_block
            open_block = None if frame["type"] == "content_block_stop" else open_block
    assert [frame["type"] for frame in frames][-2:] == ["message_delta", "message_stop"]
    assert _told(data) == _wanted(events)


def _told(data: bytes) -> tuple[str, str, list[str], list[str]]:
    """What a reader makes of it: text, thoughts, proofs and calls, each in their order."""
    reader = ANTHROPIC_MESSAGES.stream_reader()
    return _sorted_out([*reader.feed(data), *reader.end()])


def _wanted(events: list[StreamEvent]) -> tuple[str, str, list[str], list[str]]:
    return _sorted_out(events)


def _sorted_out(events: list[StreamEvent]) -> tuple[str, str, list[str], list[str]]:
    assembler = ResponseAssembler()
    for event in events:
        assembler.add(event)
    parts = assembler.response().message.parts
    texts = [part.text for part in parts if isinstance(part, Text | Refusal)]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    calls = [f"{part.id} {part.name} {part.arguments}" for part in parts if isinstance(part, ToolCall)]
    proofs = [part.signature for part in thoughts if part.signature]
    return "".join(texts), "".join(part.text for part in thoughts), proofs, calls
