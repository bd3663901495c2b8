"""What the dialect writes, judged by the types of Google's own SDK, which forbid unknown fields. No network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from gateway.conversation import (
    Finished,
    FinishReason,
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
    Usage,
    UsageReported,
)
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.gemini import GEMINI
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.tool_types import GOOGLE
from gateway.sse import SseDecoder
from tests.contract.anthropic_sdk.test_message_types import CHAT


class Body(BaseModel):
    """A request's body, made of the SDK's types: it has none for the whole."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    generation_config: types.GenerationConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None


def check_request(body: Mapping[str, Any]) -> Body:
    return Body.model_validate_json(orjson.dumps(body))


def check_answer(raw: Mapping[str, Any]) -> types.GenerateContentResponse:
    return types.GenerateContentResponse.model_validate_json(orjson.dumps(raw))


def test_the_check_reaches_the_bottom():
    with pytest.raises(ValidationError):
        check_request({"contents": [{"role": "user", "parts": [{"functionCall": {"nme": "x"}}]}]})
    with pytest.raises(ValidationError):
        check_answer({"candidates": [{"content": {"parts": [{"txt": "x"}]}}]})


@pytest.mark.parametrize("model", ["gemini-3-pro", "gemini-2.5-flash", "gemini-2.0-flash"])
def test_a_request_of_openais_is_a_valid_one_of_googles(model: str):
    chat = {name: value for name, value in CHAT.items() if name != "parallel_tool_calls"}
    written = GEMINI.write_request(OPENAI_CHAT.read_request(chat), model=model)
    body = check_request(written)
    assert [content.role for content in body.contents] == ["user", "model", "user"]
    calls = [part.function_call for part in body.contents[1].parts or () if part.function_call]
    results = [part.function_response for part in body.contents[2].parts or () if part.function_response]
    assert [call.id for call in calls] == [result.id for result in results] == ["c.1:0", "c2"]
    assert [result.name for result in results] == ["look", "look"]


def test_a_request_of_anthropics_is_a_valid_one_of_googles():
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
    asked = {
        "model": "claude",
        "max_tokens": 50,
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look"}, image]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
                    {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [image], "is_error": True}],
            },
        ],
        "tools": [{"name": "look", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}],
        "tool_choice": {"type": "any"},
        "output_config": {"effort": "high"},
    }
    for model in ("gemini-3-pro", "gemini-2.0-flash"):
        check_request(GEMINI.write_request(ANTHROPIC_MESSAGES.read_request(asked), model=model))


def test_the_stand_in_for_a_proof_survives_the_sdk():
    """It decodes proofs to bytes, and writes them again when it sends a history."""
    part = {"functionCall": {"name": "f"}, "thoughtSignature": "skip_thought_signature_validator"}
    again = types.Part.model_validate_json(orjson.dumps(part)).model_dump_json(exclude_none=True, by_alias=True)
    assert orjson.loads(again)["thoughtSignature"] == part["thoughtSignature"]


PARTS = st.lists(
    st.builds(Text, st.text(max_size=5))
    | st.builds(
        Reasoning, st.text(max_size=5), st.none() | st.just("AA=="), st.sampled_from(["thought", "thinking"])
    )
    | st.builds(Refusal, st.text(max_size=5))
    | st.builds(ToolCall, st.text(max_size=5), st.text(max_size=5), st.sampled_from(["", "{}", "[", '{"a": 1}'])),
    max_size=5,
)


@given(PARTS, st.sampled_from(list(FinishReason)), st.none() | st.builds(Usage, *[st.integers(0, 9)] * 5))
def test_every_whole_answer_is_one_of_the_sdks(parts: list[Any], reason: FinishReason, usage: Usage | None):
    response = ModelResponse("r", "m", 1, Message("assistant", tuple(parts)), reason, usage)
    told = check_answer(GEMINI.write_response(response))
    assert told.candidates
    assert told.candidates[0].content


DELTAS = st.lists(
    st.builds(TextDelta, st.text(max_size=5))
    | st.builds(ReasoningDelta, st.text(max_size=5), st.just("thought"), st.none() | st.just("AA=="))
    | st.builds(RefusalDelta, st.text(max_size=5))
    | st.builds(ToolCallDelta, st.integers(0, 2), st.text(max_size=5)),
    max_size=12,
)


@given(DELTAS, st.booleans())
def test_every_stream_is_made_of_the_sdks_answers(deltas: list[Any], usage: bool):
    events: list[StreamEvent] = [ResponseStarted("r", "m", 1)]
    begun: set[int] = set()
    for delta in deltas:
        if isinstance(delta, ToolCallDelta) and delta.index not in begun:
            begun.add(delta.index)
            events.append(ToolCallStarted(delta.index, f"c{delta.index}", "f"))
        events.append(delta)
    events += [Finished(FinishReason.STOP), *([UsageReported(Usage(3, 2))] if usage else [])]
    writer = GEMINI.stream_writer(include_usage=False)
    data = b"".join(writer.write(event) for event in events) + writer.done()
    chunks = [check_answer(orjson.loads(frame.data)) for frame in SseDecoder(10**6).feed(data)]
    parts = [part for chunk in chunks for part in (chunk.candidates or [])[0].content.parts]  # pyright: ignore
    said = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta | RefusalDelta))
    assert "".join(part.text for part in parts if part.text and not part.thought) == said
    assert sum(part.function_call is not None for part in parts) == len(begun)
    last = (chunks[-1].candidates or [])[0]
    assert last.finish_reason
    assert (chunks[-1].usage_metadata is not None) == usage


def test_every_kind_of_tool_of_the_installed_sdk_is_known():
    judged = {name: GOOGLE.judge("tools[0]", name) for name in types.Tool.model_fields}
    assert [name for name, found in judged.items() if found is not None and not found.is_known] == []
    assert {name for name, found in judged.items() if found is None} == {"function_declarations", "computer_use"}
