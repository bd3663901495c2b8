"""Whole OpenAI Chat answers, read and written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from gateway.conversation import (
    FinishReason,
    Message,
    ModelResponse,
    Reasoning,
    Refusal,
    Source,
    Text,
    ToolCall,
    UnknownPart,
    Usage,
)
from gateway.dialects import UpstreamStreamError, WireFormatError
from gateway.dialects.openai_chat import OPENAI_CHAT

WHOLE: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 5,
    "model": "up",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hi", "refusal": None, "annotations": []},
            "logprobs": {"content": []},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "cost": 0.1},
    "system_fingerprint": "fp",
}


def with_message(finish: str | None = "stop", **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return orjson.dumps({**WHOLE, "choices": [choice]})


def read(**message: Any) -> ModelResponse:
    return OPENAI_CHAT.read_response(with_message(**message))


def test_an_answer_is_read():
    response = OPENAI_CHAT.read_response(orjson.dumps(WHOLE))
    assert (response.id, response.model, response.created) == ("chatcmpl-1", "up", 5)
    assert response.message == Message("assistant", (Text("hi"),))
    assert response.finish_reason is FinishReason.STOP
    assert response.usage == Usage(1, 2)
    assert response.extras == {"system_fingerprint": "fp"}


def test_an_answer_that_is_not_changed_is_written_as_it_came():
    assert OPENAI_CHAT.write_response(OPENAI_CHAT.read_response(orjson.dumps(WHOLE))) == WHOLE


def test_what_is_changed_is_written_anew_and_the_run_goes_along():
    response = replace(
        OPENAI_CHAT.read_response(orjson.dumps(WHOLE)),
        id="run-1",
        message=Message("assistant", (Text("all"), ToolCall("c", "f", ""))),
        finish_reason=FinishReason.TOOL_CALLS,
        usage=Usage(5, 6, 1, 0, 2),
    )
    assert OPENAI_CHAT.write_response(response, toolgate={"run_id": "r"}) == {
        "id": "run-1",
        "object": "chat.completion",
        "created": 5,
        "model": "up",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "all",
                    "refusal": None,
                    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 6,
            "total_tokens": 11,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
        "system_fingerprint": "fp",
        "toolgate": {"run_id": "r"},
    }


def test_calls_that_were_given_other_ids_are_not_written_with_the_old_ones():
    made = {"id": "same", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    response = read(content=None, tool_calls=[made, made])
    calls = [replace(call, id=f"c{index}") for index, call in enumerate(response.message.tool_calls)]
    changed = replace(response, message=replace(response.message, parts=tuple(calls)))
    written = OPENAI_CHAT.write_response(changed)["choices"][0]["message"]["tool_calls"]
    assert [call["id"] for call in written] == ["c0", "c1"]


def test_an_answer_of_another_dialect_leaves_its_extras_behind():
    response = replace(
        OPENAI_CHAT.read_response(orjson.dumps(WHOLE)), source=Source("other", {}), extras={"odd": 1}, usage=None
    )
    written = OPENAI_CHAT.write_response(response)
    assert "odd" not in written
    assert "usage" not in written
    assert written["choices"][0]["message"] == {"role": "assistant", "content": "hi", "refusal": None}


def test_everything_in_a_message_becomes_a_part():
    signature = {"google": {"thought_signature": "s"}}
    response = read(
        content="x",
        reasoning="hm",
        refusal="no",
        annotations=[{"type": "url_citation"}],
        audio=None,
        tool_calls=[
            {
                "id": "a",
                "type": "function",
                "function": {"name": "f", "arguments": {"k": 1}},
                "extra_content": signature,
            },
            {"id": "b", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
            {"function": {"name": "g"}},
        ],
    )
    *rest, first, second, third, unknown = response.message.parts
    assert rest == [Reasoning("hm", name="reasoning"), Text("x"), Refusal("no")]
    assert (first, second) == (ToolCall("a", "f", '{"k":1}'), ToolCall("b", "shell", "ls"))
    assert first.source == Source("openai_chat", {"extra_content": signature})
    assert isinstance(third, ToolCall)
    assert third.id.startswith("call_")
    assert unknown == UnknownPart("openai_chat", {"annotations": [{"type": "url_citation"}]})
    assert response.finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("message", [{"content": None}, {}, {"content": "", "tool_calls": None}])
def test_an_empty_answer_is_an_answer(message: dict[str, Any]):
    assert read(**message).message.parts == ()


def test_a_missing_finish_reason_is_made_up_for():
    body = with_message(None, content="x")
    assert OPENAI_CHAT.read_response(body).finish_reason is FinishReason.STOP


def test_missing_ids_are_made_and_differ():
    body = orjson.dumps({"choices": [{"message": {"content": "x"}}]})
    first, second = OPENAI_CHAT.read_response(body), OPENAI_CHAT.read_response(body)
    assert first.id.startswith("chatcmpl-")
    assert first.id != second.id
    assert first.created > 0
    assert OPENAI_CHAT.write_response(first)["choices"][0]["message"] == {"role": "assistant", "content": "x"}


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"choices":[]}', b'{"choices":[1]}', b'{"choices":[{"message":null}]}'],
)
def test_what_is_no_answer_is_a_fault(body: bytes):
    with pytest.raises(WireFormatError):
        OPENAI_CHAT.read_response(body)


def test_an_error_in_a_success_is_passed_on():
    body = b'{"error": {"message": "busy", "code": 429}}'
    with pytest.raises(UpstreamStreamError) as caught:
        OPENAI_CHAT.read_response(body)
    assert caught.value.body == body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"no"}}', "no"),
        (b'{"error":"no"}', "no"),
        (b'{"object":"error","message":"no"}', "no"),
        (b'{"detail":[]}', None),
        (b"<html>", None),
    ],
)
def test_the_message_of_an_error_is_found(body: bytes, message: str | None):
    assert OPENAI_CHAT.read_error(body) == message
