"""What the dialect writes, judged by the types and the stream accumulator of OpenAI's own SDK. No network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import orjson
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParams
from pydantic import TypeAdapter, ValidationError

from gateway.conversation import (
    Finished,
    FinishReason,
    Media,
    Message,
    Reasoning,
    ReasoningDelta,
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
from gateway.dialects.openai_chat import OPENAI_CHAT
from tests.support.forcing import read_to_the_bottom

REQUEST: dict[str, Any] = {
    "model": "gpt",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": [{"type": "text", "text": "really"}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
                {"id": "c2", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "file"}]},
    ],
    "tools": [
        {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}, "strict": True}},
        {"type": "custom", "custom": {"name": "shell", "format": {"type": "text"}}},
    ],
    "tool_choice": {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]},
    },
    "parallel_tool_calls": False,
    "max_completion_tokens": 100,
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "stop": ["a", "b"],
    "stream": True,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "metadata": {"k": "v"},
}


@cache
def request_type() -> TypeAdapter[Any]:
    return TypeAdapter(CompletionCreateParams)


def check_request(body: Mapping[str, Any]) -> None:
    """Validate to the bottom: what the SDK declares as `Iterable` is checked only as far as somebody reads."""
    read_to_the_bottom(request_type().validate_python(body))


def test_the_check_reaches_the_bottom():
    broken = {**REQUEST, "tools": [{"type": "function", "function": {"parameters": {}}}]}
    with pytest.raises(ValidationError):
        check_request(broken)


def test_a_request_passes_unchanged():
    check_request(REQUEST)
    written = OPENAI_CHAT.write_request(OPENAI_CHAT.read_request(REQUEST), model="gpt")
    assert written == REQUEST
    check_request(written)


def test_what_the_loop_adds_is_of_the_sdks_types():
    given = OPENAI_CHAT.read_request(REQUEST)
    results = ToolResult("c3", (Text("ok"), Media("image", "image/png", data="AA=="), Media("file", name="f")))
    added = (
        Message("assistant", (Text("let me see"), ToolCall("c3", "ours", '{"a":1}'))),
        Message("tool", (results, ToolResult("c4", (Text("failed"),), is_error=True))),
        Message("user", (Media("audio", "audio/mpeg", data="AA=="), Media("file", "text/plain", data="AA=="))),
    )
    ours = ToolDefinition("ours", "ours", {"type": "object", "properties": {"a": {"type": "integer"}}})
    changed = replace(given, messages=given.messages + added, tools=(*given.tools, ours))
    check_request(OPENAI_CHAT.write_request(changed, model="gpt"))


def response_of(message: Message, reason: FinishReason) -> dict[str, Any]:
    whole = {
        "id": "r",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}],
    }
    response = replace(
        OPENAI_CHAT.read_response(orjson.dumps(whole)),
        message=message,
        finish_reason=reason,
        usage=Usage(5, 6, 1, 1, 2),
    )
    return OPENAI_CHAT.write_response(response, toolgate={"run_id": "r"})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Message("assistant", (Text("x"),)), FinishReason.STOP),
        (Message("assistant", ()), FinishReason.UNKNOWN),
        (Message("assistant", (Reasoning("hm"), ToolCall("c", "f", "{}"))), FinishReason.TOOL_CALLS),
    ],
)
def test_a_whole_answer_is_the_sdks(message: Message, reason: FinishReason):
    parsed = ChatCompletion.model_validate(response_of(message, reason), strict=True)
    assert parsed.choices[0].message.content == (message.text or (None if message.tool_calls else ""))
    assert parsed.usage is not None
    assert parsed.usage.total_tokens == 11


EVENTS: list[StreamEvent] = [
    ResponseStarted("r", "m", 1, {"system_fingerprint": "fp"}),
    ReasoningDelta("hm"),
    TextDelta("Hel"),
    TextDelta("lo"),
    ToolCallStarted(0, "a", "f"),
    ToolCallStarted(1, "b", "g"),
    ToolCallDelta(1, '{"y":'),
    ToolCallDelta(0, '{"x":1}'),
    ToolCallDelta(1, "2}"),
    Finished(FinishReason.TOOL_CALLS),
    UsageReported(Usage(5, 6)),
]


def chunks(*, include_usage: bool) -> list[ChatCompletionChunk]:
    writer = OPENAI_CHAT.stream_writer(include_usage=include_usage)
    written = writer.write(EVENTS[0])
    written += writer.progress({"event": "round_started", "round": 1})
    written += b"".join(writer.write(event, toolgate={"run_id": "r"}) for event in EVENTS[1:])
    frames = written.split(b"\n\n")[:-1]
    return [
        ChatCompletionChunk.model_validate_json(frame.removeprefix(b"data: "), strict=True) for frame in frames
    ]


@pytest.mark.parametrize("include_usage", [True, False])
def test_the_sdk_puts_a_stream_together(include_usage: bool):
    state = ChatCompletionStreamState()
    for chunk in chunks(include_usage=include_usage):
        state.handle_chunk(chunk)
    whole = state.get_final_completion()
    message = whole.choices[0].message
    assert (whole.id, whole.choices[0].finish_reason, message.role) == ("r", "tool_calls", "assistant")
    assert message.content == "Hello"
    assert [
        (call.id, call.type, call.function.name, call.function.arguments) for call in message.tool_calls or ()
    ] == [
        ("a", "function", "f", '{"x":1}'),
        ("b", "function", "g", '{"y":2}'),
    ]
    assert (whole.usage.total_tokens if whole.usage else None) == (11 if include_usage else None)


def test_the_sdks_answer_may_be_sent_back_as_a_message():
    state = ChatCompletionStreamState()
    for chunk in chunks(include_usage=False):
        state.handle_chunk(chunk)
    message = state.get_final_completion().choices[0].message.model_dump()
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}, message]}
    given = OPENAI_CHAT.read_request(body)
    assembler = ResponseAssembler()
    for event in EVENTS:
        assembler.add(event)
    assert given.messages[1].tool_calls == assembler.response().message.tool_calls
    assert given.messages[1].text == "Hello"
