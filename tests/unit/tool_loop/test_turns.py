"""What a model's provider wants back byte for byte is there after it was stored, in every dialect."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.conversation import Message, ModelRequest, Text, ToolDefinition, ToolResult
from gateway.dialects import Dialect
from gateway.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from gateway.dialects.gemini import GEMINI
from gateway.dialects.openai_chat import OPENAI_CHAT
from gateway.dialects.openai_responses import OPENAI_RESPONSES
from gateway.tool_loop.turns import KeptTurn, dump_turn, load_turn

TOOLS = (ToolDefinition("look", "looks", {"type": "object"}),)

ANSWERS: dict[str, tuple[Dialect, dict[str, Any], tuple[str, ...]]] = {
    "thinking and redacted thinking": (
        ANTHROPIC_MESSAGES,
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-9",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "proof+/=="},
                {"type": "redacted_thinking", "data": "opaque+/=="},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"b": 1, "a": [2.50, "é"]}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
        ("proof+/==", "opaque+/=="),
    ),
    "thought signatures": (
        GEMINI,
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [
                            {"text": "Hm.", "thought": True},
                            {"text": "I look.", "thoughtSignature": "dGV4dA=="},
                            {"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": "Y2FsbA=="},
                            {"functionCall": {"name": "look", "args": {"a": 2}}},
                        ],
                    },
                    "finishReason": "STOP",
                    "index": 0,
                }
            ],
            "modelVersion": "gemini-9-pro",
            "responseId": "r",
        },
        ("dGV4dA==", "Y2FsbA=="),
    ),
    "reasoning fields of Chat": (
        OPENAI_CHAT,
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "deepseek-reasoner",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "tool_calls",
                    "message": {
                        "role": "assistant",
                        "content": "I look.",
                        "reasoning_content": "Hm.",
                        "reasoning_details": [{"type": "reasoning.encrypted", "data": "opaque=="}],
                        "tool_calls": [
                            {
                                "id": "c1",
                                "type": "function",
                                "function": {"name": "look", "arguments": '{"a":  1}'},
                                "extra_content": {"google": {"thought_signature": "proof=="}},
                            }
                        ],
                    },
                }
            ],
        },
        ('"reasoning_content":"Hm."', "opaque==", "proof==", r"{\"a\":  1}"),
    ),
    "encrypted reasoning": (
        OPENAI_RESPONSES,
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": "gpt-9",
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "opaque=="},
                {
                    "type": "function_call",
                    "id": "fc_1",
                    "call_id": "c1",
                    "name": "look",
                    "arguments": '{"a":  1}',
                    "status": "completed",
                },
            ],
        },
        ("opaque==", r"{\"a\":  1}"),
    ),
}


def sent(dialect: Dialect, messages: tuple[Message, ...]) -> bytes:
    asked = (Message("user", (Text("hello"),)), *messages)
    return orjson.dumps(dialect.write_request(ModelRequest("m", asked, dialect.name, tools=TOOLS), model="m"))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_sent_on_as_it_came_after_it_was_stored(name: str):
    dialect, raw, proofs = ANSWERS[name]
    answer = dialect.read_response(orjson.dumps(raw)).message
    results = (ToolResult(call.id, (Text("seen"),)) for call in answer.tool_calls)
    messages = (answer, *(Message("tool", (result,)) for result in results))
    turn = load_turn(dump_turn(KeptTurn("I look.", "", messages)))
    assert turn is not None
    assert turn.messages == messages
    before, after = sent(dialect, messages), sent(dialect, turn.messages)
    assert before == after
    for proof in proofs:
        assert proof in after.decode()


def test_who_wrote_a_message_is_known_after_it_was_stored():
    message = Message("assistant", (Text("Hi."),), origin="openai_chat:gpt")
    turn = load_turn(dump_turn(KeptTurn("Hi.", "", (message,))))
    assert turn is not None
    assert turn.messages[0].origin == "openai_chat:gpt"
